//! What a person should know or do besides the verdicts.

use jottad_core::{Timestamp, shell_word};
use jottad_engine::Verdict;

use super::{NO_FOLDER, is_at_rest};
use crate::api::documents::{FolderDocument, StatusDocument};
use crate::cli::output::{Escaped, age, count};
use crate::cli::typed;
use crate::config::units::format_size;
use crate::places::Places;
use crate::service::start_command;

/// What a person should know or do, one a line.
pub(super) fn remarks(status: &StatusDocument, places: &Places, now: Timestamp) -> Vec<String> {
    let mut lines = Vec::new();
    let mut push = |text: String| lines.push(Escaped(&typed::text(&text)).to_string());
    if let Some(text) = no_daemon(status, places) {
        push(text);
    }
    if status.folders.is_empty() && !places.config_file.exists() {
        push(format!("the config file {} is not there, so no folder is known", places.config_file.display()));
    }
    if let Some(trouble) = &status.trouble {
        push(trouble.clone());
    }
    if status.account.quota_warning.is_some() {
        push(format!("account: {}", status.account.fullness()));
    }
    for folder in &status.folders {
        let name = &folder.name;
        for transfer in &folder.transfers {
            let arrow = if transfer.direction == "up" { "↑" } else { "↓" };
            let total = format_size(transfer.total_bytes);
            let done = match transfer.bytes {
                Some(bytes) => format!("{} of {total}", format_size(bytes)),
                None => total,
            };
            let rate = transfer
                .bytes_per_second
                .map(|rate| format!(", {}/s", format_size(rate)))
                .unwrap_or_default();
            push(format!("  {arrow} {name}: {}  {done}{rate}", transfer.path));
        }
        if let Some(trouble) = folder
            .trouble
            .as_ref()
            .filter(|trouble| Some(*trouble) != status.trouble.as_ref() && !is_held_for(folder, trouble))
        {
            push(format!("{name}: {trouble}"));
        }
        if let Some(restarts) = &folder.restarts {
            let times = count(restarts.times.into(), "time", "times");
            let last = age(Some(restarts.at.0), now);
            push(format!("{name}: died {times} and was started anew, last {last}: {}", restarts.reason));
        }
        if let Some(held) = &folder.held {
            let see = if held.is_of_everything() {
                String::new()
            } else {
                format!("; see `jottad held {}`", shell_word(name))
            };
            push(format!("{name}: held: {}{see}", held.reason));
            for choice in held.choices.iter().filter(|_| held.is_of_everything()) {
                push(typed::advice(&format!("  {}: {}", choice.means, choice.command)));
            }
        }
        if let Some(noted) = &folder.noted {
            push(format!("{name}: {}", noted.in_words(!is_at_rest(status))));
            for choice in &noted.choices {
                push(typed::advice(&format!("  {}: {}", choice.means, choice.command)));
            }
        }
        if let Some(watching) = &folder.watching
            && watching.polled_directories > 0
        {
            let notice = watching.notice.as_deref().map(|notice| format!(": {notice}")).unwrap_or_default();
            let directories = count(watching.polled_directories, "directory is", "directories are");
            push(format!("{name}: {directories} polled instead of watched{notice}"));
        }
        if let Some(watching) = &folder.watching
            && watching.polled_files > 0
        {
            let files = count(watching.polled_files, "file has", "files have");
            push(format!(
                "{name}: {files} names outside of the folder; what is written through those is noticed by polls"
            ));
        }
    }
    if let Some(line) = noticing(status, now) {
        push(line);
    }
    if status.folders.iter().any(|folder| folder.paused.is_some()) {
        push(typed::advice("go on with: jottad resume"));
    }
    // That both sides can be compared now was said above.
    let is_said = status.verdict.0 == Verdict::LoginNeeded || is_at_rest(status) && status.trouble.is_none();
    if let Some(remedy) = status.remedy.as_ref().filter(|_| !is_said) {
        push(typed::advice(remedy));
    }
    match status.verdict.0 {
        Verdict::LoginNeeded => {
            // Where the daemon has another reason, it knows what mends that, or nobody does.
            let usual = || status.trouble.is_none().then(|| "log in with: jottad login".to_owned());
            if let Some(remedy) = status.remedy.clone().or_else(usual) {
                push(typed::advice(&remedy));
            }
        }
        Verdict::Problems => push("see `jottad problems`".to_owned()),
        _ if status.folders.is_empty() => push(typed::advice(NO_FOLDER)),
        _ => {}
    }
    lines
}

/// That no daemon runs, as of when the status is then, and what one does about it.
fn no_daemon(status: &StatusDocument, places: &Places) -> Option<String> {
    match (status.daemon, status.pid) {
        (true, _) => return None,
        (false, Some(pid)) => {
            return Some(format!("no daemon is running; one pass is under way (process {pid})"));
        }
        (false, None) => {}
    }
    if status.folders.is_empty() {
        return Some("no daemon is running, and there is nothing yet for one to do".to_owned());
    }
    let start = start_command(places);
    if status.after_pass {
        return Some(format!("no daemon is running: this was one pass; `{start}` keeps everything in step"));
    }
    let is_of_run = |folder: &FolderDocument| {
        folder.local_checked_at.is_some()
            || folder.proven_at.is_some()
            || folder.verdict.0 < Verdict::Problems
    };
    let has_run = status.folders.iter().any(is_of_run);
    let as_of = if has_run { ": this is as of the last run" } else { "" };
    Some(format!(
        "no daemon is running{as_of}; start it with `{start}`, or compare now with `jottad run --once`"
    ))
}

/// How changes by others are noticed, and when the service was last heard of.
fn noticing(status: &StatusDocument, now: Timestamp) -> Option<String> {
    let noticing = &status.noticing;
    let heard = noticing.heard_at.filter(|_| !is_at_rest(status))?;
    let way = match (noticing.events.as_str(), noticing.polls.as_str()) {
        ("listening", _) => "changes are told by events",
        (_, "working") => "the service is polled for changes",
        _ => "changes on the service are not noticed now",
    };
    let trouble = noticing.events_trouble.as_ref();
    let trouble = trouble.filter(|trouble| Some(*trouble) != status.trouble.as_ref());
    let trouble = trouble.map(|trouble| format!("; no events: {trouble}")).unwrap_or_default();
    Some(format!("{way}, last word {}{trouble}", age(Some(heard.0), now)))
}

/// Whether that is why the folder is held, which is told of the hold.
fn is_held_for(folder: &FolderDocument, trouble: &str) -> bool {
    folder.held.as_ref().is_some_and(|held| held.reason == trouble)
}
