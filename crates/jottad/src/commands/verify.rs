//! `jottad verify`: reads every file again, lists the service anew, and compares.

use std::time::Duration;

use clap::Args;
use jottad_engine::Verdict;
use tokio::time::Instant;

use crate::api::documents::{
    AcceptedDocument, FolderDocument, HeldStatus, OrderDocument, StatusDocument, Time, VerificationDocument,
    VerifiedDocument,
};
use crate::api::exchange::{self, query_value};
use crate::api::verdict::Patience;
use crate::api::waiting::{Outage, Silence};
use crate::cli::completion::folder_name;
use crate::cli::failure::{Exit, Failure};
use crate::cli::invocation::Invocation;
use crate::cli::output::{Escaped, count, remark};
use crate::cli::terminal::leave_line;
use crate::commands::status::{fetch, show, words};
use crate::commands::sync::only;
use crate::config::units::format_size;
use crate::daemon::{Daemon, Purpose, Serving};
use crate::remote::Progress;
use crate::signals::called_off;

/// How long a folder may take to be taken up.
const LONGEST_START: Duration = Duration::from_secs(30);

#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    /// Only this folder
    #[arg(add = folder_name())]
    name: Option<String>,
}

/// Gives the order, waits for the end, and tells what came of it.
pub(crate) fn run(arguments: &VerifyArguments, invocation: &Invocation) -> Result<Exit, Failure> {
    invocation.config_with_folders(arguments.name.as_deref())?;
    let order = OrderDocument { folder: arguments.name.clone(), seconds: None };
    let asked: Result<AcceptedDocument, Failure> =
        invocation.wait(async { exchange::post(&invocation.places, "/v1/verify", &order).await });
    match asked {
        Err(failure) if failure.exit() == Exit::NotRunning => verify_here(&order, invocation),
        accepted => {
            let accepted = accepted?;
            let verified = invocation.wait(until_verified(&accepted, &order, invocation));
            match verified {
                // It was only a pass, and has ended.
                Err(failure) if failure.exit() == Exit::NotRunning => verify_here(&order, invocation),
                verified => verified?.tell(invocation),
            }
        }
    }
}

/// Where nothing runs, this process does the pass.
fn verify_here(order: &OrderDocument, invocation: &Invocation) -> Result<Exit, Failure> {
    let config = invocation.tolerant_config()?;
    let mut signals = invocation.signals()?;
    invocation.serve(async {
        let daemon = Daemon::start(&invocation.places, config, Purpose::OnePass).await?;
        let serving = Serving::begin(daemon.clone()).await?;
        let verified = async {
            daemon.started(LONGEST_START).await;
            let accepted = exchange::post(&invocation.places, "/v1/verify", order).await?;
            until_verified(&accepted, order, invocation).await
        };
        let verified = tokio::select! {
            verified = verified => verified,
            () = called_off(&mut signals) => Err(Failure::interrupted()),
        };
        serving.end().await;
        let Verified { status, document } = verified?;
        // By the time that it is read this process is gone.
        let status = StatusDocument { pid: None, started_at: None, after_pass: true, ..status };
        Verified { status, document }.tell(invocation)
    })
}

async fn until_verified(
    accepted: &AcceptedDocument,
    order: &OrderDocument,
    invocation: &Invocation,
) -> Result<Verified, Failure> {
    let mut path = "/v1/verification".to_owned();
    if let Some(name) = &order.folder {
        path = format!("{path}?folder={}", query_value(name.as_bytes()));
    }
    let progress = Progress::new(invocation.output);
    let mut patience = Patience::since(accepted.at.0);
    let (mut outage, mut silence) = (Outage::default(), Silence::default());
    let (status, mut verified) = loop {
        let verified: VerifiedDocument = exchange::get(&invocation.places, &path).await?;
        all_are_there(accepted, &verified)?;
        let status = only(fetch(&invocation.places).await?, order.folder.as_deref());
        let words = [outage.word(&status, Instant::now()), silence.word(&status, Instant::now())];
        for word in words.into_iter().flatten().filter(|_| !invocation.output.json) {
            leave_line();
            remark(Escaped(&word));
        }
        progress.reached(verified.folders.iter().map(|folder| folder.files).sum());
        if patience.judge(&status, Instant::now()) && is_over(&status, &verified) {
            break (status, verified);
        }
        tokio::time::sleep(patience.pause(Instant::now())).await;
    };
    drop(progress);
    for folder in &mut verified.folders {
        let of_folder = status.folders.iter().find(|status| status.name == folder.name);
        folder.compared = of_folder.is_some_and(|status| is_compared(folder, status));
    }
    Ok(Verified { status, document: verified })
}

/// What came of it, and how it stands then.
struct Verified {
    status: StatusDocument,
    document: VerifiedDocument,
}

impl Verified {
    fn tell(&self, invocation: &Invocation) -> Result<Exit, Failure> {
        let Self { status, document } = self;
        invocation.output.either(document, || {
            for folder in &document.folders {
                let of_folder = status.folders.iter().find(|status| status.name == folder.name);
                tell(folder, of_folder, invocation)?;
            }
            show(status, invocation)
        })?;
        Ok(status.verdict.0.into())
    }
}

/// Whether the service was listed to the end since it began.
fn is_compared(folder: &VerificationDocument, status: &FolderDocument) -> bool {
    let since = |time: Option<Time>| time.is_some_and(|time| time >= folder.began_at);
    // Times are told to the second: the listing may be that of a moment before.
    let is_cut_off = matches!(status.verdict.0, Verdict::Offline | Verdict::LoginNeeded | Verdict::Stalled);
    folder.ended_at.is_some() && !is_cut_off && (since(status.remote_checked_at) || since(status.proven_at))
}

/// A folder that was started anew has forgotten what it was asked.
fn all_are_there(accepted: &AcceptedDocument, verified: &VerifiedDocument) -> Result<(), Failure> {
    let is_there = |name: &&String| verified.folders.iter().any(|folder| folder.name == **name);
    match accepted.folders.iter().find(|name| !is_there(name)) {
        None => Ok(()),
        Some(name) => Err(Failure::failed(format!("the folder {name:?} was started anew meanwhile"))
            .hint("ask again: jottad verify")),
    }
}

/// Whether every folder was read to the end, or does not get on without a person.
fn is_over(status: &StatusDocument, verified: &VerifiedDocument) -> bool {
    let stands_still = |name: &str| {
        status.folders.iter().any(|folder| {
            folder.name == name
                && (folder.verdict.0 == Verdict::Paused
                    || folder.held.as_ref().is_some_and(HeldStatus::is_of_everything))
        })
    };
    verified.folders.iter().all(|folder| folder.ended_at.is_some() || stands_still(&folder.name))
}

/// What the comparison has found, by what was done about it.
fn found(folder: &VerificationDocument, status: Option<&FolderDocument>) -> String {
    let sent = count(folder.sent, "file", "files");
    let mended = count(folder.mended, "other entry", "other entries");
    match (folder.sent, folder.mended) {
        _ if folder.ended_at.is_none() => format!("so far; it stopped there{}", why_not(status)),
        _ if !folder.compared => {
            format!("holding what was synced; it was not compared with the service{}", why_not(status))
        }
        (0, 0) => "and the service has the same".to_owned(),
        (_, 0) => format!("and the service had something else: {sent} sent again"),
        (0, _) => format!("and the service had something else: {mended} brought in line"),
        _ => format!("and the service had something else: {sent} sent again, {mended} brought in line"),
    }
}

/// Why it did not get on.
fn why_not(status: Option<&FolderDocument>) -> String {
    let Some(status) = status else { return String::new() };
    let held = status.held.as_ref().map(|held| held.reason.clone());
    let paused = status.paused.as_ref().map(|_| "it is paused; go on with `jottad resume`".to_owned());
    let reason = held.or(paused).or_else(|| status.trouble.clone());
    format!(": {}", reason.unwrap_or_else(|| words(status.verdict.0)))
}

fn tell(
    folder: &VerificationDocument,
    status: Option<&FolderDocument>,
    invocation: &Invocation,
) -> Result<(), Failure> {
    let (output, name) = (invocation.output, Escaped(&folder.name));
    let files = match (folder.files, folder.ended_at) {
        (0, None) => "nothing was read again".to_owned(),
        (files, _) => {
            format!("{} ({}) read again", count(files, "file", "files"), format_size(folder.bytes))
        }
    };
    output.prose(format_args!("{name}: {files}, {}", Escaped(&found(folder, status))))?;
    if folder.meanwhile > 0 {
        let changes = count(folder.meanwhile, "operation", "operations");
        output.prose(format_args!("{name}: {changes} beside that, for what changed meanwhile"))?;
    }
    if folder.damaged > 0 {
        let files = count(folder.damaged, "file holds", "files hold");
        output.prose(format_args!(
            "{name}: {files} something else than what was synced: see `jottad problems`"
        ))?;
    }
    if folder.unread > 0 {
        let files = count(folder.unread, "file", "files");
        output.prose(format_args!("{name}: {files} changed meanwhile or could not be read"))?;
    }
    Ok(())
}
