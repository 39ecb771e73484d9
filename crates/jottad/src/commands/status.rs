//! `jottad status`: the verdict first, with the age of its proof.

mod remarks;

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use clap::Args;
use jottad_core::{Mode, Timestamp};
use jottad_engine::Verdict;
use unicode_width::UnicodeWidthStr as _;

use crate::api::answering;
use crate::api::documents::{
    EventDocument, FolderDocument, PausedDocument, SkippedDocument, StatusDocument, Time,
};
use crate::api::exchange::{self, EventStream};
use crate::api::proven::{agreed, is_only_unproven, unproven, verdict_in_words};
use crate::cli::failure::{Exit, Failure};
use crate::cli::invocation::Invocation;
use crate::cli::output::{Columns, Escaped, count, local_time, now};
use crate::cli::terminal::{Extent, cut, extent, fold, rows as rows_of};
use crate::cli::typed;
use crate::commands::folder::arrow;
use crate::config::shorten;
use crate::config::units::{format_duration, format_size};
use crate::places::Places;

/// How often a status that is watched is shown again while nothing tells of a change: ages and progress move.
const REFRESH: Duration = Duration::from_secs(1);

#[derive(Debug, Default, Args)]
pub(crate) struct StatusArguments {
    /// Keep showing it as it changes
    #[arg(long)]
    watch: bool,
    /// Only one line
    #[arg(long)]
    line: bool,
}

/// Shows the status and exits with the verdict.
pub(crate) fn run(arguments: &StatusArguments, invocation: &Invocation) -> Result<Exit, Failure> {
    if arguments.watch {
        // Nobody ends it in another way.
        return invocation.wait_unless(watch(arguments, invocation), || Ok(Exit::Interrupted));
    }
    invocation.wait(async {
        let status: StatusDocument = answering::get(invocation, "/v1/status").await?;
        invocation.output.either(&status, || {
            if arguments.line {
                return invocation.output.line(only_line(&status, &invocation.places, now(), extent()));
            }
            show(&status, invocation)
        })?;
        Ok(status.verdict.0.into())
    })
}

/// Asks the daemon.
pub(crate) async fn fetch(places: &Places) -> Result<StatusDocument, Failure> {
    exchange::get(places, "/v1/status").await
}

async fn watch(arguments: &StatusArguments, invocation: &Invocation) -> Result<Exit, Failure> {
    let output = invocation.output;
    let mut events = answering::listen(invocation).await?;
    let mut shown: Vec<String> = Vec::new();
    // Seen from the epoch, nothing grows older: what differs has changed.
    let ageless = Timestamp::default();
    loop {
        let status: StatusDocument = answering::get(invocation, "/v1/status").await?;
        let extent = extent().filter(|_| output.is_terminal());
        let lines_at = |now| {
            let lines = if output.json {
                vec![serde_json::to_string(&status).unwrap_or_default()]
            } else {
                lines_within(&status, &invocation.places, now, extent)
            };
            lines.into_iter().take(if arguments.line { 1 } else { usize::MAX }).collect::<Vec<_>>()
        };
        if output.is_terminal() {
            redraw(&lines_at(now()))?;
        } else if lines_at(ageless) != shown {
            shown = lines_at(ageless);
            lines_at(now()).iter().try_for_each(|line| output.line(line))?;
        }
        // Whichever comes first; after an event more of them usually follow, and one look serves them all.
        match tokio::time::timeout(REFRESH, next(&mut events)).await {
            Ok(Ok(Some(_))) => tokio::time::sleep(REFRESH / 4).await,
            // It has ended: what it left is shown, until something runs again.
            Ok(Ok(None)) => events = None,
            Ok(Err(failure)) => return Err(failure),
            Err(_) if events.is_none() => events = answering::listen(invocation).await?,
            Err(_) => {}
        }
    }
}

/// The next event of whatever runs; never one where nothing does.
async fn next(events: &mut Option<EventStream>) -> Result<Option<EventDocument>, Failure> {
    match events {
        Some(events) => events.next().await,
        None => std::future::pending().await,
    }
}

fn redraw(lines: &[String]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    // To the top left, each line cleared to its end, then everything below.
    let text = lines.join("\x1b[K\n");
    write!(out, "\x1b[H{text}\x1b[K\n\x1b[J")
        .and_then(|()| out.flush())
        .map_err(|error| Failure::from_output(&error))
}

/// What one does where nothing is kept in step.
const NO_FOLDER: &str = "add one with: jottad folder add LOCAL";

/// The status in one line. Where nothing runs it says so, and tells how the last run ended if not well:
/// nobody goes on.
fn only_line(status: &StatusDocument, places: &Places, now: Timestamp, extent: Option<Extent>) -> String {
    let mut line = lines_within(status, places, now, extent).remove(0);
    let mut parts = Vec::new();
    if is_at_rest(status) {
        parts.push("no daemon is running".to_owned());
    }
    if status.verdict.0 == Verdict::Working && status.folders.is_empty() {
        parts.push(NO_FOLDER.to_owned());
    }
    let is_failed = matches!(
        status.verdict.0,
        Verdict::LoginNeeded | Verdict::Stalled | Verdict::Held | Verdict::Offline
    );
    let worst = status.folders.iter().find(|folder| folder.verdict == status.verdict);
    let noted = |folder: &FolderDocument| folder.noted.as_ref().map(|noted| noted.in_words(false));
    if is_at_rest(status) && !is_failed {
        parts.extend(worst.and_then(noted));
    } else if is_at_rest(status) {
        let of_folder = |folder: &FolderDocument| {
            let held = folder.held.as_ref().map(|held| held.reason.clone());
            held.or_else(|| noted(folder)).or_else(|| folder.trouble.clone())
        };
        let choice = worst.and_then(|folder| folder.held.as_ref()?.choices.first().cloned());
        let choice = choice.map(|choice| format!("{}: {}", choice.means, choice.command));
        parts.extend(status.trouble.clone().or_else(|| worst.and_then(of_folder)));
        parts.extend(status.remedy.clone().or(choice));
    }
    for part in parts {
        line.push_str(" · ");
        line.push_str(&Escaped(&part).to_string());
    }
    extent.map_or_else(|| line.clone(), |extent| cut(&line, extent.columns))
}

/// Shows a status to people, as much of it as their terminal has room for.
pub(crate) fn show(status: &StatusDocument, invocation: &Invocation) -> Result<(), Failure> {
    let lines = lines_within(status, &invocation.places, now(), extent());
    lines.iter().try_for_each(|line| invocation.output.line(line))
}

/// What a status says, line by line.
struct Lines {
    /// The verdict on everything.
    overall: String,
    /// One for each folder.
    folders: Vec<String>,
    /// What a person should know or do.
    remarks: Vec<String>,
}

impl Lines {
    fn all(self) -> Vec<String> {
        [vec![self.overall], self.folders, self.remarks].concat()
    }
}

/// The status in lines that a terminal has room for: the verdict first, and of too many folders those that
/// need a person.
fn lines_within(
    status: &StatusDocument,
    places: &Places,
    now: Timestamp,
    extent: Option<Extent>,
) -> Vec<String> {
    let lines = describe(status, places, now, extent.map(|extent| extent.columns));
    let Some(Extent { columns, rows }) = extent else { return lines.all() };
    // The cursor, or what a shell says next, stands below the last line.
    let rows = rows.saturating_sub(1).max(1);
    let needed = |lines: &[String]| lines.iter().map(|line| rows_of(line, columns)).sum::<usize>();
    if 1 + needed(&lines.folders) + needed(&lines.remarks) <= rows {
        return lines.all();
    }
    let mut ranked: Vec<(Verdict, String)> =
        status.folders.iter().map(|folder| folder.verdict.0).zip(lines.folders).collect();
    ranked.sort_by_key(|(verdict, _)| *verdict);
    // Of the lines below the first one, remarks get what folders leave, but at least half.
    let below = rows - 1;
    let for_remarks = lines.remarks.len().min(below.saturating_sub(ranked.len()).max(below / 2));
    let whole = typed::advice("jottad status | less");
    let mut remarks = lines.remarks;
    shorten_to(&mut remarks, for_remarks, |left| format!("… {left} more lines: {whole}"));
    let left_out = ranked.split_off(ranked.len().min(below.saturating_sub(remarks.len() + 1)));
    let mut folders: Vec<String> = ranked.into_iter().map(|(_, line)| line).collect();
    match left_out.first() {
        None => {}
        Some((worst, _)) => {
            let number = count(left_out.len() as u64, "more folder", "more folders");
            let state = match worst {
                Verdict::InSync => "in sync".to_owned(),
                worst => format!("{} or better", words(*worst)),
            };
            folders.push(format!("… {number}, {state}: {whole}"));
        }
    }
    let mut lines = Lines { overall: lines.overall, folders, remarks }.all();
    lines.truncate(rows);
    lines.iter().map(|line| cut(line, columns)).collect()
}

/// Keeps so many lines, the last of which tells how many there are more.
fn shorten_to(lines: &mut Vec<String>, number: usize, more: impl Fn(usize) -> String) {
    if lines.len() > number {
        let left = lines.len() + 1 - number.max(1);
        lines.truncate(number.saturating_sub(1));
        if number > 0 {
            lines.push(more(left));
        }
    }
}

/// The status in lines that are no longer than this. What the verdicts need comes first in each, so that it
/// is seen; what a person should know or do is folded.
fn describe(status: &StatusDocument, places: &Places, now: Timestamp, columns: Option<usize>) -> Lines {
    let columns = columns.unwrap_or(usize::MAX);
    let mut table = Columns::default();
    table.push(["jottad".to_owned(), overall_in_words(status, now), summary(status)]);
    for folder in &status.folders {
        let mut parts = vec![ends(folder, places)];
        parts.extend(state(folder, status));
        parts.extend(skipped(folder));
        table.push([folder.name.clone(), folder_in_words(folder, status, now), parts.join(" · ")]);
    }
    let mut lines: Vec<String> = table.lines().collect();
    if lines.iter().any(|line| line.width() > columns) {
        let overall = format!("jottad  {}", overall_in_words(status, now));
        lines = vec![match status.verdict.0 {
            // There is nothing else to say then.
            Verdict::InSync => overall,
            _ => format!("{overall}  {}", summary(status)),
        }];
        for folder in &status.folders {
            let name = cut(&folder.name, columns / 3);
            let mut parts = vec![folder_in_words(folder, status, now)];
            parts.extend(state(folder, status));
            // The verdict, with what there is of it, before the rest of what is known.
            if let Some((verdict, noticed)) = parts[0].clone().split_once(" · ") {
                verdict.clone_into(&mut parts[0]);
                parts.push(noticed.to_owned());
            }
            parts.push(ends(folder, places));
            parts.extend(skipped(folder));
            lines.push(format!("{name}  {}", parts.join(" · ")));
        }
        lines = lines.iter().map(|line| cut(&Escaped(line).to_string(), columns)).collect();
    }
    let remarks = remarks::remarks(status, places, now).iter().flat_map(|line| fold(line, columns)).collect();
    let folders = lines.split_off(1);
    Lines { overall: lines.remove(0), folders, remarks }
}

/// Whether nothing runs: what is told is as the last run has left it.
fn is_at_rest(status: &StatusDocument) -> bool {
    !status.daemon && status.pid.is_none()
}

/// A verdict in words that are true also where nothing runs.
fn folder_in_words(folder: &FolderDocument, status: &StatusDocument, now: Timestamp) -> String {
    if folder.verdict.0 == Verdict::Paused && folder.paused.is_some() {
        return paused(folder);
    }
    if !is_at_rest(status) {
        return verdict_in_words(folder, now);
    }
    match (folder.verdict.0, folder.proven_at) {
        (Verdict::Working, None) => "not compared yet".to_owned(),
        (Verdict::Working, Some(_)) if is_only_unproven(folder) => unproven(folder, now),
        (Verdict::Working, Some(_)) => "not finished".to_owned(),
        // Nobody hears of others' changes.
        _ => verdict_in_words(&FolderDocument { heard: None, ..folder.clone() }, now),
    }
}

/// A verdict for people.
pub(crate) fn words(verdict: Verdict) -> String {
    verdict.as_str().replace('_', " ")
}

/// The overall verdict. The whole was proven when the first of its parts was.
fn overall_in_words(status: &StatusDocument, now: Timestamp) -> String {
    if status.verdict.0 == Verdict::Working && is_at_rest(status) && !status.folders.is_empty() {
        let is_new = status.folders.iter().all(|folder| folder.proven_at.is_none());
        let is_done =
            |folder: &FolderDocument| folder.verdict.0 != Verdict::Working || is_only_unproven(folder);
        return if is_new {
            "not compared yet"
        } else if status.folders.iter().all(is_done) {
            "all done, not compared since"
        } else {
            "not finished"
        }
        .to_owned();
    }
    if status.verdict.0 == Verdict::Working && status.folders.is_empty() {
        return "nothing to keep in step".to_owned();
    }
    if status.verdict.0 != Verdict::InSync {
        return words(status.verdict.0);
    }
    let proofs: Option<Vec<Timestamp>> =
        status.folders.iter().map(|folder| folder.proven_at.map(|Time(time)| time)).collect();
    agreed(proofs.and_then(|proofs| proofs.into_iter().min()), now)
}

fn summary(status: &StatusDocument) -> String {
    if status.folders.is_empty() {
        return "no folder is configured".to_owned();
    }
    let problems = match status.problems {
        Some(problems) => count(problems, "problem", "problems"),
        None if is_at_rest(status) => String::new(),
        None => "problems unknown".to_owned(),
    };
    let is_proven = status.folders.iter().all(|folder| folder.proven_at.is_some());
    let is_told = status.verdict.0 == Verdict::Working && is_at_rest(status);
    match (is_proven || is_told, problems.is_empty()) {
        (true, _) => problems,
        (false, true) => "not proven yet".to_owned(),
        (false, false) => format!("not proven yet · {problems}"),
    }
}

/// Both ends of a folder.
fn ends(folder: &FolderDocument, places: &Places) -> String {
    let mode: Option<Mode> = folder.mode.parse().ok();
    let local = match folder.local.as_str() {
        "" => "no local directory is named".to_owned(),
        local => shorten(Path::new(local), places),
    };
    let remote = match folder.remote.as_str() {
        "" => "no place on the service is named",
        remote => remote,
    };
    format!("{local} {} {remote}", mode.map_or("–", arrow))
}

/// What there is in a folder, what is to be done, and what is wrong.
fn state(folder: &FolderDocument, status: &StatusDocument) -> Vec<String> {
    let mut parts = Vec::new();
    match folder.verdict.0 {
        Verdict::InSync => {
            if let (Some(files), Some(bytes)) = (folder.files, folder.bytes) {
                parts.push(format!("{}, {}", count(files, "file", "files"), format_size(bytes)));
            }
        }
        _ => parts.push(pending(folder, status)),
    }
    if folder.verdict.0 != Verdict::Paused {
        parts.push(paused(folder));
    }
    if folder.problems.is_some_and(|problems| problems > 0) {
        parts.push(count(folder.problems.unwrap_or(0), "problem", "problems"));
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// What is left out on purpose.
fn skipped(folder: &FolderDocument) -> Option<String> {
    let SkippedDocument { rules, max_size, links, special } = folder.skipped?;
    let kinds = [
        (rules, "ignored", "ignored"),
        (max_size, "too large", "too large"),
        (links, "link", "links"),
        (special, "pipe, socket or device", "pipes, sockets and devices"),
    ];
    let kinds: Vec<String> = kinds
        .into_iter()
        .filter(|(number, ..)| *number > 0)
        .map(|(number, one, many)| count(number, one, many))
        .collect();
    (!kinds.is_empty()).then(|| format!("skipped: {}", kinds.join(", ")))
}

/// That a person stopped it, whatever else there is, until when, and what goes on then.
fn paused(folder: &FolderDocument) -> String {
    folder.paused.map(|paused| paused_words(paused, folder.unseen_directories)).unwrap_or_default()
}

/// Until when a folder is paused, and how much waits for that.
pub(crate) fn paused_words(paused: PausedDocument, unseen_directories: Option<u64>) -> String {
    let text = match paused.until {
        Some(Time(until)) => format!("paused until {}", local_time(until)),
        None => typed::text("paused until `jottad resume`"),
    };
    match unseen_directories {
        Some(0) => text,
        Some(unseen) => format!("{text}, changes in {} wait", count(unseen, "directory", "directories")),
        None => format!("{text}, nothing is looked at until then"),
    }
}

fn pending(folder: &FolderDocument, status: &StatusDocument) -> String {
    let Some(pending) = folder.pending else {
        return match folder.verdict.0 {
            // Why not is said beside it.
            Verdict::Working if folder.trouble.is_none() && !is_at_rest(status) => {
                "looking at both sides".to_owned()
            }
            _ => String::new(),
        };
    };
    let counts = [
        (pending.uploads, "upload", "uploads"),
        (pending.downloads, "download", "downloads"),
        (pending.moves, "move", "moves"),
        (pending.deletes, "delete", "deletes"),
        (pending.directories, "directory to make", "directories to make"),
        (pending.times, "time to set", "times to set"),
    ];
    let mut parts: Vec<String> = counts
        .into_iter()
        .filter(|(number, ..)| *number > 0)
        .map(|(number, one, many)| count(number, one, many))
        .collect();
    if pending.bytes > 0 {
        parts.push(format!("{} to go", format_size(pending.bytes)));
    }
    if pending.done_files > 0 && !parts.is_empty() {
        let files = count(pending.done_files, "file", "files");
        parts.push(format!("{files} done ({})", format_size(pending.done_bytes)));
    }
    if let (Some(rate), Some(seconds)) = (pending.bytes_per_second, pending.seconds_left) {
        let left = format_duration(Duration::from_secs(seconds));
        parts.push(format!("{}/s, about {left} left", format_size(rate)));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests;
