//! Many entries one beside the other, as many at one time as the service and the line bear.

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use jottad_core::{Concurrency, Ending, Parallel};
use jottad_engine::since_boot;
use jottad_transport::Client;
use rustix::process::{Resource, getrlimit};

use crate::remote::trouble::Trouble;

/// So many files an entry has open at most: its connection, the file itself, and directories.
const OPEN_FOR_EACH: u64 = 6;
/// So many a command has open besides.
const OPEN_BESIDES: u64 = 32;
/// So few are always tried.
const FEWEST: usize = 2;

/// How many go on at one time; kept for as long as a command does the same kind of work.
pub(crate) struct AtOnce<'client> {
    concurrency: Concurrency,
    /// There are never more: this process may not have more files open.
    most: usize,
    /// How often the service has turned a request away.
    count: Box<dyn Fn() -> u64 + 'client>,
    /// As of the last look.
    turned_away: u64,
}

impl<'client> AtOnce<'client> {
    pub(crate) fn new(client: &'client Client) -> Self {
        Self::counting(|| client.session().http().turned_away())
    }

    fn counting(count: impl Fn() -> u64 + 'client) -> Self {
        let turned_away = count();
        let most = most_with(getrlimit(Resource::Nofile).current);
        Self { concurrency: Concurrency::new(Parallel::Auto), most, count: Box::new(count), turned_away }
    }

    /// Works on all items. `bytes` tells how much travels for an item, `work` says with its result what it
    /// was about, and `take` takes what is done in the order in which it is done; an error of its own ends
    /// all.
    pub(crate) async fn each<Item, About, Done, Doing, Error>(
        &mut self,
        items: impl IntoIterator<Item = Item>,
        bytes: impl Fn(&Item) -> u64,
        mut work: impl FnMut(Item) -> Doing,
        mut take: impl FnMut(About, Result<Done, Trouble>) -> Result<(), Error>,
    ) -> Result<(), Error>
    where
        Doing: Future<Output = (About, Result<Done, Trouble>)>,
    {
        let mut waiting = items.into_iter().peekable();
        let mut running = FuturesUnordered::new();
        loop {
            while let Some(size) = waiting.peek().map(&bytes)
                && running.len() < self.concurrency.limit(size).min(self.most)
                && let Some(item) = waiting.next()
            {
                let began = self.concurrency.began(since_boot());
                let doing = work(item);
                running.push(async move { (began, size, doing.await) });
            }
            let Some((began, size, (about, result))) = running.next().await else { return Ok(()) };
            let ending = match &result {
                Ok(_) => Ending::Done,
                Err(Trouble::All(_)) => Ending::Failed,
                Err(Trouble::Entry(_)) => Ending::Unrelated,
            };
            self.concurrency.ended(began, size, ending, since_boot());
            let turned_away = (self.count)();
            if std::mem::replace(&mut self.turned_away, turned_away) != turned_away {
                self.concurrency.turned_away(since_boot());
            }
            take(about, result)?;
        }
    }
}

/// How many entries there may be at one time where so many files may be open.
fn most_with(open_files: Option<u64>) -> usize {
    let most = open_files.map_or(u64::MAX, |limit| limit.saturating_sub(OPEN_BESIDES) / OPEN_FOR_EACH);
    usize::try_from(most).unwrap_or(usize::MAX).max(FEWEST)
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;
    use crate::cli::failure::Failure;

    #[test]
    fn where_few_files_may_be_open_few_go_on_at_one_time() {
        let most = [Some(0), Some(40), Some(64), Some(256), Some(1024), None].map(most_with);
        assert_eq!(most, [2, 2, 5, 37, 165, usize::MAX]);
    }

    #[tokio::test]
    async fn it_begins_with_four_and_yields_where_requests_are_turned_away() {
        let (turned_away, busy) = (Cell::new(0), Cell::new(0));
        let beside = RefCell::new(Vec::new());
        let done = RefCell::new(Vec::new());
        let (turned_away, busy, beside) = (&turned_away, &busy, &beside);
        let work = |number: u64| async move {
            busy.set(busy.get() + 1);
            beside.borrow_mut().push(busy.get());
            tokio::task::yield_now().await;
            turned_away.set(u64::from(number >= 20));
            busy.set(busy.get() - 1);
            (number, Ok(()))
        };
        let take = |number, _: Result<(), Trouble>| {
            done.borrow_mut().push(number);
            Ok::<(), Failure>(())
        };
        AtOnce::counting(|| turned_away.get()).each(0..60, |_| 0, work, take).await.unwrap();
        let mut done = done.into_inner();
        done.sort_unstable();
        assert_eq!(done, (0..60).collect::<Vec<_>>());
        let beside = beside.borrow();
        assert_eq!(
            (beside[..20].iter().max(), beside[40..].iter().max()),
            (Some(&4), Some(&2)),
            "{beside:?}"
        );
    }
}
