//! Many entries one beside the other, as many at one time as the service and the line bear.

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use jottad_core::{Concurrency, Ending, Parallel};
use jottad_engine::since_boot;
use jottad_transport::Client;

use crate::remote::trouble::Trouble;

/// How many go on at one time; kept for as long as a command does the same kind of work.
pub(crate) struct AtOnce<'client> {
    concurrency: Concurrency,
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
        Self { concurrency: Concurrency::new(Parallel::Auto), count: Box::new(count), turned_away }
    }

    /// Works on all items. `bytes` tells how much travels for an item, `work` says with its result what it was
    /// about, and `take` takes what is done in the order in which it is done; an error of its own ends all.
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
                && running.len() < self.concurrency.limit(size)
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

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;
    use crate::cli::failure::Failure;

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
