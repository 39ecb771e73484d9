//! Many entries one beside the other, as many at one time as the service and the line bear.

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use jottad_core::{Concurrency, Ending, Parallel};
use jottad_engine::since_boot;
use jottad_transport::Client;

use crate::remote::trouble::Trouble;

/// How many go on at one time; kept for as long as a command does the same kind of work.
#[derive(Debug)]
pub(crate) struct AtOnce<'client> {
    client: &'client Client,
    concurrency: Concurrency,
    turned_away: u64,
}

impl<'client> AtOnce<'client> {
    pub(crate) fn new(client: &'client Client) -> Self {
        let turned_away = client.session().http().turned_away();
        Self { client, concurrency: Concurrency::new(Parallel::Auto), turned_away }
    }

    /// The service that is asked.
    pub(crate) fn client(&self) -> &'client Client {
        self.client
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
            let turned_away = self.client.session().http().turned_away();
            if std::mem::replace(&mut self.turned_away, turned_away) != turned_away {
                self.concurrency.turned_away(since_boot());
            }
            take(about, result)?;
        }
    }
}
