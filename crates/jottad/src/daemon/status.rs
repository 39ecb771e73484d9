//! The status document, gathered from all folders at one moment.

use jottad_engine::{FolderStatus, Hold, Verdict};
use jottad_watcher::Coverage;

use crate::daemon::Daemon;
use crate::daemon::folder::{Report, RunningFolder};
use crate::documents::{
    FolderDocument, HeldStatus, NoticingDocument, SCHEMA, StatusDocument, Time, VerdictWord, WatchingDocument,
};
use crate::output::count;
use crate::proven::{heard_word, listed_every};
use crate::verdict::overall;

/// Asks every folder. What does not answer is said not to.
pub(super) async fn gather(daemon: &Daemon) -> StatusDocument {
    let folders = daemon.folders();
    let reports = futures_util::future::join_all(folders.iter().map(|folder| folder.report())).await;
    let documents: Vec<FolderDocument> =
        folders.iter().zip(reports).map(|(folder, report)| document(folder, report)).collect();
    let login = daemon.0.link.trouble();
    let verdict = match &login {
        Some(_) => Verdict::LoginNeeded,
        None => overall(documents.iter().map(|folder| folder.verdict.0)),
    };
    StatusDocument {
        schema: SCHEMA,
        verdict: VerdictWord(verdict),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        started_at: Time(daemon.0.started_at),
        account: daemon.0.account.status(),
        noticing: noticing(daemon, &documents),
        problems: documents.iter().map(|folder| folder.problems).sum(),
        folders: documents,
        trouble: login.as_ref().map(|trouble| trouble.reason.clone()),
        remedy: login.and_then(|trouble| trouble.remedy),
    }
}

/// What is heard of the service, and how.
fn noticing(daemon: &Daemon, folders: &[FolderDocument]) -> NoticingDocument {
    let mut document = daemon.0.noticing.describe();
    document.polled_at = folders.iter().filter_map(|folder| folder.polled_at).max();
    let is_failing =
        |folder: &FolderDocument| matches!(folder.verdict.0, Verdict::Offline | Verdict::LoginNeeded);
    let polls = if folders.iter().any(is_failing) {
        "failing"
    } else if document.polled_at.is_some() {
        "working"
    } else {
        "off"
    };
    polls.clone_into(&mut document.polls);
    let answered = daemon.0.link.client().ok().and_then(|client| client.last_word().time()).map(Time);
    let listed = folders.iter().filter_map(|folder| folder.remote_checked_at).max();
    document.heard_at = [document.heard_at, document.events_heard_at, document.polled_at, answered, listed]
        .into_iter()
        .flatten()
        .max();
    document
}

fn document(folder: &RunningFolder, report: Report) -> FolderDocument {
    let config = folder.config();
    let status = report.status.as_ref();
    FolderDocument {
        name: config.name.clone(),
        local: config.local.display().to_string(),
        remote: config.remote.to_string(),
        mode: config.mode.as_str().to_owned(),
        verdict: VerdictWord(report.verdict),
        settled: status.map(|status| status.settled),
        proven_at: status.and_then(|status| status.proven_at).map(Time),
        local_checked_at: status.and_then(|status| status.local_checked_at).map(Time),
        remote_checked_at: status.and_then(|status| status.remote_checked_at).map(Time),
        polled_at: status.and_then(|status| status.polled_at).map(Time),
        heard: status.and_then(|status| status.heard).map(|heard| heard_word(heard).to_owned()),
        listed_every_seconds: status.and_then(|status| status.heard).and_then(listed_every),
        files: status.and_then(|status| status.files),
        directories: status.and_then(|status| status.directories),
        bytes: status.and_then(|status| status.bytes),
        pending: status.and_then(|status| status.pending).map(Into::into),
        held: held(&report),
        problems: status.map(|status| status.problems),
        watching: report.coverage.map(watching),
        restarts: folder.restarts(),
        transfers: report.transfers,
        trouble: report.trouble,
    }
}

fn held(report: &Report) -> Option<HeldStatus> {
    match &report.status {
        Some(FolderStatus { held, .. }) => held.as_ref().map(|hold| {
            let (kind, reason) = describe_hold(hold);
            HeldStatus { kind: kind.to_owned(), reason }
        }),
        // Not even started, for want of a root.
        None if report.verdict == Verdict::Held => {
            Some(HeldStatus { kind: "root".to_owned(), reason: report.trouble.clone()? })
        }
        None => None,
    }
}

/// The word for a hold, and the reason for people.
pub(super) fn describe_hold(hold: &Hold) -> (&'static str, String) {
    match hold {
        Hold::Root { reason } => ("root", reason.clone()),
        Hold::Deletes { entries } => {
            ("deletes", format!("{} would be deleted at once", count(*entries, "entry", "entries")))
        }
        Hold::Overwrites { files } => {
            ("overwrites", format!("{} would be overwritten at once", count(*files, "file", "files")))
        }
    }
}

fn watching(coverage: Coverage) -> WatchingDocument {
    let notice = match (coverage.notice, coverage.limit_hint) {
        (Some(notice), Some(hint)) => Some(format!("{notice}; raise the limit with: {hint}")),
        (None, Some(hint)) => Some(format!("raise the limit with: {hint}")),
        (notice, None) => notice,
    };
    WatchingDocument {
        directories: coverage.directories as u64,
        polled_directories: coverage.polled_directories as u64,
        notice,
    }
}
