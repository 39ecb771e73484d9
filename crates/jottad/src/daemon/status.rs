//! The status document, gathered from all folders at one moment.

use std::sync::Arc;

use jottad_core::{Mode, shell_word};
use jottad_engine::{DeletesHeldFor, FolderStatus, Foreseen, HeldRoot, Hold, HoldLimit, Noted, Verdict};
use jottad_watcher::Coverage;

use crate::api::documents::{
    ChoiceDocument, FolderDocument, ForeseenDocument, HeldStatus, NotedStatus, NoticingDocument,
    PendingDocument, SCHEMA, StatusDocument, Time, VerdictWord, WatchingDocument,
};
use crate::api::verdict::overall;
use crate::cli::output::{count, path_text};
use crate::config::{Folder, WrongFolder};
use crate::daemon::adapter::command_to_make;
use crate::daemon::folder::{KeptBy, Report, RunningFolder};
use crate::daemon::{Daemon, Purpose, descriptors};

/// Asks every folder. What does not answer is said not to.
pub(super) async fn gather(daemon: &Daemon) -> StatusDocument {
    let folders = daemon.folders();
    let mut documents = documents(&folders).await;
    documents.extend(daemon.wrong().iter().map(wrong_document));
    let login = daemon.login_trouble();
    let lost_state = daemon.check_state();
    let verdict = match (&lost_state, &login) {
        (Some(_), _) => Verdict::Stalled,
        (None, Some(trouble)) => trouble.verdict(),
        (None, None) => overall(documents.iter().map(|folder| folder.verdict.0)),
    };
    let trouble = match (lost_state, login, daemon.unfollowed()) {
        (Some(reason), ..) => {
            Some((reason, Some("the daemon ends and is started anew by its service".to_owned())))
        }
        (None, Some(login), _) => Some((login.reason, login.remedy)),
        (None, None, Some(unfollowed)) => Some((unfollowed.reason, Some(unfollowed.remedy))),
        (None, None, None) => daemon.0.descriptor_limit.map(|limit| {
            let reason = format!("only {limit} files may be open at once: some operations wait for others");
            (reason, Some(descriptors::REMEDY.to_owned()))
        }),
    };
    let (trouble, remedy) = trouble.unzip();
    let remedy = remedy.flatten().or_else(|| remedy_at_rest(daemon.purpose(), verdict));
    StatusDocument {
        schema: SCHEMA,
        verdict: VerdictWord(verdict),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        daemon: daemon.purpose().is_daemon(),
        pid: (daemon.purpose() != Purpose::Rest).then(std::process::id),
        started_at: (daemon.purpose() != Purpose::Rest).then_some(Time(daemon.0.started_at)),
        account: daemon.0.account.status(),
        noticing: noticing(daemon, &documents),
        problems: documents.iter().map(|folder| folder.problems).sum(),
        folders: documents,
        trouble,
        remedy,
        after_pass: false,
    }
}

/// What mends how the last run ended, where nothing runs.
fn remedy_at_rest(purpose: Purpose, verdict: Verdict) -> Option<String> {
    match verdict {
        _ if purpose != Purpose::Rest => None,
        Verdict::LoginNeeded => Some("log in with: jottad login".to_owned()),
        Verdict::Offline | Verdict::Stalled => Some("compare now with: jottad run --once".to_owned()),
        _ => None,
    }
}

/// What each of these folders says of itself.
pub(super) async fn documents(folders: &[Arc<RunningFolder>]) -> Vec<FolderDocument> {
    let reports = futures_util::future::join_all(folders.iter().map(|folder| folder.report())).await;
    folders.iter().zip(reports).map(|(folder, report)| document(folder, report)).collect()
}

/// What is heard of the service, and how.
fn noticing(daemon: &Daemon, folders: &[FolderDocument]) -> NoticingDocument {
    let mut document = daemon.0.noticing.describe();
    document.polled_at = folders.iter().filter_map(|folder| folder.polled_at).max();
    let is_failing =
        |folder: &FolderDocument| matches!(folder.verdict.0, Verdict::Offline | Verdict::LoginNeeded);
    let is_at_work = |folder: &FolderDocument| folder.paused.is_none() && folder.held.is_none();
    let polls = if folders.iter().any(is_failing) {
        "failing"
    } else if document.polled_at.is_some() && folders.iter().any(is_at_work) {
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
    let (local, remote) = (config.local.display().to_string(), config.remote.to_string());
    let document = FolderDocument::new(&config.name, local, remote, config.mode.as_str(), report.verdict);
    let status = report.status.as_ref();
    FolderDocument {
        pending: status
            .and_then(|status| status.pending)
            .map(|pending| PendingDocument::new(pending, &report.transfers, report.done, report.rate)),
        held: held(folder, &report),
        noted: status.and_then(|status| noted(folder, status)),
        watching: report
            .coverage
            .map(|coverage| watching(coverage, status.map_or(0, |status| status.unheard_files))),
        restarts: folder.restarts(),
        transfers: report.transfers,
        trouble: report.trouble,
        waits_for: report.waits_for,
        is_silent: report.is_silent,
        ..match status {
            Some(status) => document.with_status(status),
            None => document,
        }
    }
}

/// A folder that cannot run as it is configured.
pub(super) fn wrong_document(wrong: &WrongFolder) -> FolderDocument {
    let (local, remote) = (wrong.local.clone(), wrong.remote.clone());
    FolderDocument {
        held: Some(HeldStatus {
            kind: "folder".to_owned(),
            reason: wrong.reason(),
            choices: choice_documents(wrong.choices()),
        }),
        problems: Some(0),
        ..FolderDocument::new(&wrong.name, local, remote, &wrong.mode, Verdict::Held)
    }
}

fn held(folder: &RunningFolder, report: &Report) -> Option<HeldStatus> {
    match &report.status {
        Some(FolderStatus { held, .. }) => {
            held.as_ref().map(|hold| describe_hold(folder.config(), hold, folder.purpose()))
        }
        // Not even started.
        None if report.verdict == Verdict::Held => {
            let reason = report.trouble.clone()?;
            Some(match report.by {
                KeptBy::Root => {
                    let hold = Hold::Root { reason, root: HeldRoot::Missing };
                    describe_hold(folder.config(), &hold, folder.purpose())
                }
                KeptBy::TakenPlace => taken_place(folder.config(), reason),
                KeptBy::Folder | KeptBy::NoRunYet => {
                    HeldStatus { kind: "folder".to_owned(), reason, choices: Vec::new() }
                }
            })
        }
        None => None,
    }
}

/// What can be done where somebody else may keep something at a folder's place.
pub(super) fn taken_place(folder: &Folder, reason: String) -> HeldStatus {
    let (name, place) = (shell_word(&folder.name), shell_word(&folder.remote));
    let share = match folder.mode {
        Mode::Sync => "it is this folder's: bring both sides together",
        _ => "it is this folder's: send to it, and keep what differs there as revisions",
    };
    let choices = vec![
        (share, format!("jottad folder set {name} remote={place} --yes")),
        ("it is another's: keep this folder elsewhere", format!("jottad folder set {name} remote=PLACE")),
    ];
    HeldStatus { kind: "place".to_owned(), reason, choices: choice_documents(choices) }
}

fn noted(folder: &RunningFolder, status: &FolderStatus) -> Option<NotedStatus> {
    status.noted.as_ref().map(|noted| describe_noted(folder.config(), noted, folder.purpose()))
}

/// What is said of a person's word that nobody has followed yet, with how it is taken back.
pub(super) fn describe_noted(folder: &Folder, noted: &Noted, purpose: Purpose) -> NotedStatus {
    let name = shell_word(&folder.name);
    let (word, hold, back) = match noted {
        Noted::Approved(hold) => ("approved", hold, format!("jottad reject {name}")),
        Noted::Rejected(hold) => ("rejected", hold, format!("jottad approve {name}")),
        Noted::Mounts { at } => {
            let at = at.iter().map(path_text).collect::<Vec<_>>().join(", ");
            let reason = format!("what is mounted, or not mounted any more, at {at} is right as it is");
            let (word, kind) = ("approved".to_owned(), "mounts".to_owned());
            let choices =
                choice_documents(vec![("take that back: leave it alone", format!("jottad reject {name}"))]);
            return NotedStatus { word, kind, reason, choices };
        }
        Noted::WantedBack { entries } => {
            let entries = match entries {
                1 => "1 entry is brought back".to_owned(),
                _ => format!("{entries} entries are brought back"),
            };
            let (word, kind) = ("wanted_back".to_owned(), "entries".to_owned());
            return NotedStatus { word, kind, reason: entries, choices: Vec::new() };
        }
    };
    let HeldStatus { kind, reason, .. } = describe_hold(folder, hold, purpose);
    let means = match (noted, hold) {
        // Either word does the same.
        _ if !may_be_taken_back(folder.mode, hold) => None,
        (Noted::Rejected(_), _) => Some("take that back: it is right as it is"),
        _ if !folder.mode.pushes() => Some("take that back: keep what is local; nothing is sent"),
        (_, Hold::Root { root: HeldRoot::Remote, .. }) => Some("take that back: send everything again"),
        (_, Hold::Root { .. }) => Some("take that back: fetch everything from the service here again"),
        _ => Some("take that back: bring it back"),
    };
    let choices = choice_documents(means.map(|means| (means, back)).into_iter().collect());
    NotedStatus { word: word.to_owned(), kind, reason, choices }
}

/// Whether the two words that a person may say of a hold do different things in a mode.
const fn may_be_taken_back(mode: Mode, hold: &Hold) -> bool {
    match hold {
        Hold::Root { root: HeldRoot::Local, .. } => mode.pushes(),
        Hold::Root { root: HeldRoot::Remote, .. } => mode.pulls(),
        _ => true,
    }
}

/// Whether something goes to a trash if a held root is right as it is.
pub(super) const fn leads_to_deletes(mode: Mode, hold: &Hold) -> bool {
    match hold {
        Hold::Root { root: HeldRoot::Local, .. } => matches!(mode, Mode::Backup | Mode::Sync),
        Hold::Root { root: HeldRoot::Remote, .. } => mode.pulls(),
        _ => false,
    }
}

/// What is said of a hold, with what a person can do about it.
pub(super) fn describe_hold(folder: &Folder, hold: &Hold, purpose: Purpose) -> HeldStatus {
    let name = shell_word(&folder.name);
    // Only a daemon can be told to look.
    let look = match purpose {
        Purpose::Serve => format!("jottad sync {name}"),
        Purpose::OnePass | Purpose::Look | Purpose::Rest => "jottad run --once".to_owned(),
    };
    let (approve, reject) = (format!("jottad approve {name}"), format!("jottad reject {name}"));
    let elsewhere = ("it is elsewhere now", format!("jottad folder set {name} local=PATH"));
    let back = if folder.mode.pushes() { "bring it back" } else { "keep what is local; nothing is sent" };
    let let_or_bring = |approve, reject| vec![("let it happen", approve), (back, reject)];
    let (kind, reason, choices) = match hold {
        Hold::Root { reason, root } => {
            let choices = match root {
                HeldRoot::Unreadable => vec![("it is mended: look again", look)],
                HeldRoot::Missing => {
                    vec![("it is back: look again", look), elsewhere]
                }
                HeldRoot::Local => {
                    let fetch = ("fetch everything from the service here again", reject);
                    match folder.mode {
                        Mode::Backup | Mode::Sync => {
                            let shown = "it is right as it is; what would go to the remote trash for that is shown first";
                            vec![fetch, (shown, approve), elsewhere]
                        }
                        Mode::Archive => {
                            let kept = "it is right as it is: nothing is deleted on the service";
                            vec![fetch, (kept, approve), elsewhere]
                        }
                        // To say that it is right would fetch everything as well.
                        Mode::Pull => vec![fetch, elsewhere],
                    }
                }
                HeldRoot::Remote => {
                    let deleted = "it was deleted; what would go to the local trash for that is shown first";
                    match folder.mode {
                        Mode::Sync => vec![("send everything again", reject), (deleted, approve)],
                        Mode::Pull => {
                            vec![("keep what is local; nothing is sent", reject), (deleted, approve)]
                        }
                        Mode::Backup | Mode::Archive => vec![("make it again and send everything", approve)],
                    }
                }
            };
            ("root", reason.clone(), choices)
        }
        Hold::Place { missing, reason } => {
            let elsewhere = ("it is elsewhere", format!("jottad folder set {name} remote=PLACE"));
            ("place", reason.clone(), vec![("make it", command_to_make(&folder.remote, *missing)), elsewhere])
        }
        Hold::Deletes { entries, files, lost_before, held_for } => {
            let entries = count(*entries, "entry", "entries");
            let files = count(*files, "file", "files");
            let reason = match (held_for, lost_before) {
                (DeletesHeldFor::Root, _) => format!(
                    "{entries} would be deleted ({files}): they are missing in a root that was gone, emptied or \
                     replaced"
                ),
                (DeletesHeldFor::Amount, 0) => format!("{entries} would be deleted at once ({files})"),
                (DeletesHeldFor::Amount, before) => {
                    let before = count(*before, "file", "files");
                    format!("{entries} would be deleted ({files}), after {before} within a day")
                }
            };
            ("deletes", reason, let_or_bring(approve, reject))
        }
        Hold::Overwrites { files, rewritten } => {
            let files = count(*files, "file", "files");
            let reason = match rewritten {
                None => format!("{files} would be overwritten at once"),
                Some(rewritten) => format!(
                    "{files} would be overwritten: {rewritten} photos, films, archives and the like, which seldom \
                     change, have other content within a month"
                ),
            };
            ("overwrites", reason, let_or_bring(approve, reject))
        }
    };
    HeldStatus { kind: kind.to_owned(), reason, choices: choice_documents(choices) }
}

fn choice_documents(choices: Vec<(&'static str, String)>) -> Vec<ChoiceDocument> {
    let choices = choices.into_iter();
    choices.map(|(means, command)| ChoiceDocument { means: means.to_owned(), command }).collect()
}

/// What is said of what would be held: how much of how much, and by what measure that is too much.
pub(super) fn describe_foreseen(folder: &Folder, foreseen: &Foreseen) -> ForeseenDocument {
    let HeldStatus { kind, reason, .. } = describe_hold(folder, &foreseen.hold, Purpose::Look);
    let of = foreseen.of;
    let (entries, files) = match foreseen.hold {
        Hold::Deletes { entries, files, .. } => (Some(entries), files),
        Hold::Overwrites { files, .. } => (None, files),
        Hold::Root { .. } | Hold::Place { .. } => (None, 0),
    };
    let all = count(of, "file", "files");
    let (limit, allowed, measure) = match &foreseen.limit {
        HoldLimit::MostDeletes(most) => {
            let most_entries = count(*most, "entry goes", "entries go");
            ("max_deletes", Some(*most), format!("of {all}; at most {most_entries} unasked (max_deletes)"))
        }
        HoldLimit::Share { percent } => {
            let measure = format!("of {all}; at most {percent} % go unasked (max_delete_percent)");
            ("max_delete_percent", Some(*percent), measure)
        }
        HoldLimit::ShareOfDay { percent } => {
            let measure = format!(
                "of {all} a day ago; at most {percent} % a day go unasked (max_delete_percent), and what gave way to a new file counts twice"
            );
            ("max_delete_percent", Some(*percent), measure)
        }
        HoldLimit::WordOfRoot => {
            ("root", None, format!("of {all}; what is missing there is shown before it goes"))
        }
        HoldLimit::Overwrites => ("overwrites", Some(50), format!("of {all}; at most half go unasked")),
        HoldLimit::Rewrites => {
            ("rewrites", Some(10), format!("of {all} of that kind; at most a tenth a month go unasked"))
        }
        HoldLimit::Waiting => ("waiting", None, format!("of {all}; that waits since an earlier pass")),
    };
    let (limit, reason) = (limit.to_owned(), format!("{reason}, {measure}"));
    ForeseenDocument { kind, reason, entries, files, of, limit, allowed, held: foreseen.is_held }
}

fn watching(coverage: Coverage, polled_files: u64) -> WatchingDocument {
    let remedy = coverage.limit_hint.clone();
    let notice = match (coverage.notice, coverage.limit_hint) {
        (Some(notice), Some(hint)) => Some(format!("{notice}; raise the limit with: {hint}")),
        (None, Some(hint)) => Some(format!("raise the limit with: {hint}")),
        (notice, None) => notice,
    };
    WatchingDocument {
        directories: coverage.directories as u64,
        polled_directories: coverage.polled_directories as u64,
        polled_files,
        notice,
        remedy,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::places::Places;

    fn folder(mode: Mode) -> Folder {
        let places =
            Places { home: "/home/kari".into(), config_file: "/c".into(), state_dir: "/state".into() };
        let text = format!(
            "[[folder]]\nname = \"docs\"\nlocal = \"/srv/docs\"\nremote = \"Jotta/Archive/docs\"\nmode = \"{mode}\"\n"
        );
        Config::parse(&text, &places).unwrap().folders.remove(0)
    }

    fn words(choices: &[ChoiceDocument]) -> Vec<String> {
        let said = |choice: &ChoiceDocument| {
            let word = choice.command.split(' ').nth(1).unwrap_or_default();
            (word != "folder").then(|| format!("{word}: {}", choice.means))
        };
        choices.iter().filter_map(said).collect()
    }

    /// Once, both words did the same in some modes, a trash was named that is not used, and what was said to
    /// take a word back took nothing back.
    #[test]
    fn what_is_offered_for_a_hold_is_what_the_mode_does() {
        let root = |root| Hold::Root { reason: "it is empty".to_owned(), root };
        let deletes =
            || Hold::Deletes { entries: 9, files: 9, lost_before: 0, held_for: DeletesHeldFor::Amount };
        let overwrites = || Hold::Overwrites { files: 99, rewritten: None };
        let fetch = "fetch everything from the service here again";
        let send = "send everything again";
        let keep = "keep what is local; nothing is sent";
        let remote_trash = "it is right as it is; what would go to the remote trash for that is shown first";
        let local_trash = "it was deleted; what would go to the local trash for that is shown first";
        let kept = "it is right as it is: nothing is deleted on the service";
        let anew = "make it again and send everything";
        let (happen, back) = ("let it happen", "bring it back");
        // What `approve` and `reject` are said to do, and what takes the one and the other back.
        for (hold, mode, approve, reject, back_of_approve, is_back_of_reject) in [
            (root(HeldRoot::Local), Mode::Backup, Some(remote_trash), Some(fetch), Some(fetch), true),
            (root(HeldRoot::Local), Mode::Sync, Some(remote_trash), Some(fetch), Some(fetch), true),
            (root(HeldRoot::Local), Mode::Archive, Some(kept), Some(fetch), Some(fetch), true),
            (root(HeldRoot::Local), Mode::Pull, None, Some(fetch), None, false),
            (root(HeldRoot::Remote), Mode::Backup, Some(anew), None, None, false),
            (root(HeldRoot::Remote), Mode::Sync, Some(local_trash), Some(send), Some(send), true),
            (root(HeldRoot::Remote), Mode::Archive, Some(anew), None, None, false),
            (root(HeldRoot::Remote), Mode::Pull, Some(local_trash), Some(keep), Some(keep), true),
            (deletes(), Mode::Backup, Some(happen), Some(back), Some(back), true),
            (deletes(), Mode::Sync, Some(happen), Some(back), Some(back), true),
            (deletes(), Mode::Pull, Some(happen), Some(keep), Some(keep), true),
            (overwrites(), Mode::Backup, Some(happen), Some(back), Some(back), true),
            (overwrites(), Mode::Sync, Some(happen), Some(back), Some(back), true),
            (overwrites(), Mode::Archive, Some(happen), Some(back), Some(back), true),
        ] {
            let folder = folder(mode);
            let case = format!("{hold:?} in {mode}");
            let promises_trash = approve.is_some_and(|means| means.contains("trash"));
            assert_eq!(leads_to_deletes(mode, &hold), promises_trash, "{case}");
            let mut offered = words(&describe_hold(&folder, &hold, Purpose::Serve).choices);
            let expected = [("approve", approve), ("reject", reject)];
            let mut expected: Vec<String> = expected
                .into_iter()
                .filter_map(|(word, means)| Some(format!("{word}: {}", means?)))
                .collect();
            offered.sort();
            expected.sort();
            assert_eq!(offered, expected, "{case}");
            let approved = describe_noted(&folder, &Noted::Approved(hold.clone()), Purpose::Rest);
            let taken_back: Vec<String> =
                back_of_approve.map(|means| format!("reject: take that back: {means}")).into_iter().collect();
            assert_eq!(words(&approved.choices), taken_back, "{case}");
            let rejected = describe_noted(&folder, &Noted::Rejected(hold), Purpose::Rest);
            assert_eq!(!rejected.choices.is_empty(), is_back_of_reject, "{case}");
        }
    }
}
