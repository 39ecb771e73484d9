//! `jottad sync`: look at both sides now, and wait for the proof if asked to.

use std::time::Duration;

use clap::Args;
use tokio::time::Instant;

use crate::api::documents::{AcceptedDocument, OrderDocument, StatusDocument, VerdictWord};
use crate::api::exchange;
use crate::api::verdict::{OUTRUN, Patience, overall};
use crate::api::waiting::Waiting;
use crate::cli::arguments::duration_argument;
use crate::cli::completion::folder_name;
use crate::cli::failure::{Exit, Failure};
use crate::cli::invocation::Invocation;
use crate::cli::output::{Escaped, remark};
use crate::commands::status::{fetch, show};

#[derive(Debug, Args)]
pub(crate) struct SyncArguments {
    /// Only this folder
    #[arg(add = folder_name())]
    name: Option<String>,
    /// Wait until what is there now is proven to be the same on both sides, or until there is no getting on;
    /// exits with the verdict on that
    #[arg(long)]
    wait: bool,
    /// Wait no longer than this, for example 10m
    #[arg(long, value_parser = duration_argument, requires = "wait", value_name = "DURATION")]
    timeout: Option<Duration>,
}

/// Gives the order, and waits.
pub(crate) fn run(arguments: &SyncArguments, invocation: &Invocation) -> Result<Exit, Failure> {
    invocation.config_with_folders(arguments.name.as_deref())?;
    let sync = async {
        let order = OrderDocument { folder: arguments.name.clone(), seconds: None };
        let accepted: AcceptedDocument = exchange::post(&invocation.places, "/v1/sync", &order).await?;
        if !arguments.wait {
            invocation.output.either(&accepted, || invocation.output.prose("looking at both sides now"))?;
            return Ok(Exit::Done);
        }
        let deadline = arguments.timeout.map(|timeout| Instant::now() + timeout);
        let mut patience = Patience::since(accepted.at.0);
        let mut waiting = Waiting::since(Instant::now());
        let status = loop {
            let status = only(fetch(&invocation.places).await?, arguments.name.as_deref());
            let expired = deadline.is_some_and(|deadline| Instant::now() >= deadline);
            if expired || patience.judge(&status, Instant::now()) {
                break status;
            }
            if !invocation.output.json {
                waiting.word(&status, Instant::now()).iter().for_each(|word| remark(Escaped(word)));
            }
            let pause = patience.pause(Instant::now());
            tokio::time::sleep(deadline.map_or(pause, |deadline| pause.min(deadline - Instant::now()))).await;
        };
        let is_only_outrun = patience.is_only_outrun(&status);
        invocation.output.either(&status, || {
            show(&status, invocation)?;
            if is_only_outrun { invocation.output.line(OUTRUN) } else { Ok(()) }
        })?;
        Ok(if is_only_outrun { Exit::Done } else { status.verdict.0.into() })
    };
    invocation.wait_unless(sync, || {
        let hint = "what runs goes on all the same: `jottad status` shows how far it is";
        Err(Failure::new(Exit::Interrupted, "interrupted").hint(hint))
    })
}

/// The status as if there were only one folder.
pub(crate) fn only(mut status: StatusDocument, name: Option<&str>) -> StatusDocument {
    if let Some(name) = name {
        status.folders.retain(|folder| folder.name == name);
        status.problems = status.folders.iter().map(|folder| folder.problems).sum();
        status.verdict = VerdictWord(overall(status.folders.iter().map(|folder| folder.verdict.0)));
    }
    status
}
