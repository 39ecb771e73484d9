//! `jottad plan`: what would be done now. A daemon is asked; where none runs, both sides are looked at.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::body::Bytes;
use clap::Args;
use hyper::Method;
use jottad_core::{shell_word, shown_text};
use jottad_engine::Verdict;
use tokio::time::Instant;

use crate::api::answering;
use crate::api::documents::{
    FolderDocument, HeldStatus, LeftOutFolder, OperationDocument, PlanDocument, PlannedFolder, StatusDocument,
};
use crate::api::exchange::{self, query_value};
use crate::api::waiting::Waiting;
use crate::cli::completion::folder_name;
use crate::cli::failure::{Exit, Failure};
use crate::cli::invocation::Invocation;
use crate::cli::output::{Columns, Escaped, age, count, now, remark};
use crate::commands::problems::describe_left_out;
use crate::commands::status::{paused_words, words};
use crate::config::units::format_size;
use crate::daemon::Daemon;
use crate::signals::called_off;

/// A service that is out of reach for so long is not waited for.
const LONGEST_OUTAGE: Duration = Duration::from_secs(5);
/// Pauses between two looks at how far it is.
const PAUSE: Duration = Duration::from_millis(20);

#[derive(Debug, Args)]
pub(crate) struct PlanArguments {
    /// Only this folder
    #[arg(add = folder_name())]
    name: Option<String>,
    /// Name at most so many operations of each folder; all are counted
    #[arg(long, default_value_t = 1000)]
    limit: u32,
}

/// Shows the plan.
pub(crate) fn run(arguments: &PlanArguments, invocation: &Invocation) -> Result<Exit, Failure> {
    show(arguments.name.as_deref(), arguments.limit, invocation)
}

/// Asks what runs, or looks, and prints.
pub(crate) fn show(name: Option<&str>, limit: u32, invocation: &Invocation) -> Result<Exit, Failure> {
    invocation.config_with_folders(name)?;
    let mut path = format!("/v1/plan?limit={limit}");
    if let Some(name) = name {
        path = format!("{path}&folder={}", query_value(name.as_bytes()));
    }
    let asked: Result<PlanDocument, Failure> =
        invocation.wait(async { exchange::get(&invocation.places, &path).await });
    let (mut plan, is_look) = match asked {
        Err(failure) if failure.exit() == Exit::NotRunning => (look(name, &path, invocation)?, true),
        plan => (plan?, false),
    };
    plan.folders.iter_mut().for_each(|folder| sort(&mut folder.operations));
    invocation.output.either(&plan, || {
        for folder in &plan.folders {
            if let Some(held) = &folder.held {
                describe_held(&folder.name, held, invocation)?;
                continue;
            }
            if !is_look && folder.verdict.is_some_and(|verdict| is_cut_off(verdict.0)) {
                let verdict = folder.verdict.map(|verdict| words(verdict.0)).unwrap_or_default();
                let text = format!("{}: {verdict}; this is by what was last known", folder.name);
                remark(Escaped(&text));
            }
            describe(folder, invocation)?;
            for foreseen in &folder.would_hold {
                let name = Escaped(&folder.name);
                let reason = Escaped(&foreseen.reason);
                let held = if foreseen.held { "this is held" } else { "this would be held" };
                invocation.output.prose(format_args!("{name}: {held}: {reason}"))?;
            }
            if !folder.would_hold.is_empty() {
                let next = "  everything else is done; `jottad held` shows it then, `jottad approve";
                invocation
                    .output
                    .prose(Escaped(&format!("{next} {}` lets it happen", shell_word(&folder.name))))?;
            }
        }
        describe_left_out(&plan.left_out, invocation)
    })?;
    if is_look && !invocation.output.json {
        remark("nothing was changed; this is what `jottad run --once` would begin with");
    }
    Ok(exit(&plan))
}

/// The worst of what keeps the plan from being what would be done now.
fn exit(plan: &PlanDocument) -> Exit {
    let of_planned = |folder: &PlannedFolder| {
        let cut_off = folder.verdict.map(|verdict| verdict.0).filter(|verdict| is_cut_off(*verdict));
        cut_off.into_iter().chain(folder.held.as_ref().map(|_| Verdict::Held)).min()
    };
    let left_out = plan.left_out.iter().map(|folder| folder.verdict.0);
    let left_out = left_out.filter(|verdict| is_cut_off(*verdict) || *verdict == Verdict::Held);
    plan.folders.iter().filter_map(of_planned).chain(left_out).min().map_or(Exit::Done, Exit::from)
}

/// Says why nothing of a folder is done before a person says so, and what they can say.
fn describe_held(name: &str, held: &HeldStatus, invocation: &Invocation) -> Result<(), Failure> {
    let output = invocation.output;
    output.prose(format_args!(
        "{}: held: {}; nothing is done before a person says what:",
        Escaped(name),
        Escaped(&held.reason)
    ))?;
    for choice in &held.choices {
        output.advice(format_args!("  {}:  {}", Escaped(&choice.means), Escaped(&choice.command)))?;
    }
    Ok(())
}

/// Looks at both sides in this process.
fn look(name: Option<&str>, path: &str, invocation: &Invocation) -> Result<PlanDocument, Failure> {
    let mut signals = invocation.signals()?;
    invocation.serve(async {
        let mut config = invocation.tolerant_config()?;
        config.folders.retain(|folder| name.is_none_or(|name| folder.name == name));
        let daemon = Daemon::look(&invocation.places, config).await?;
        let looked = tokio::select! {
            status = until_looked(&daemon, invocation) => Ok(status),
            () = called_off(&mut signals) => Err(Failure::interrupted()),
        };
        let plan = match looked {
            Ok(status) => plan_of(&daemon, name, path, status, invocation).await,
            Err(failure) => Err(failure),
        };
        daemon.stop().await;
        plan
    })
}

/// Waits until both sides of every folder were looked at, or will not be before a person does something.
async fn until_looked(daemon: &Daemon, invocation: &Invocation) -> StatusDocument {
    let mut outage: Option<Instant> = None;
    let mut waiting = Waiting::to_look_since(Instant::now());
    loop {
        let status = daemon.status().await;
        if status.folders.iter().any(is_without_service) {
            // Why is said with the plan.
            waiting.told();
        }
        if let Some(word) = waiting.word(&status, Instant::now()).filter(|_| !invocation.output.json) {
            remark(Escaped(&word));
        }
        let is_out = status.folders.iter().any(is_without_service);
        outage = outage.filter(|_| is_out).or_else(|| is_out.then(Instant::now));
        let is_given_up = outage.is_some_and(|since| since.elapsed() >= LONGEST_OUTAGE);
        if status
            .folders
            .iter()
            .all(|folder| is_looked_at(folder) || (is_given_up && is_without_service(folder)))
        {
            return status;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The plan of every folder of which something can be said, with why not of the others; fails where nothing
/// can be said of any.
async fn plan_of(
    daemon: &Daemon,
    name: Option<&str>,
    path: &str,
    status: StatusDocument,
    invocation: &Invocation,
) -> Result<PlanDocument, Failure> {
    let (mut unknown, mut first) = (Vec::new(), None);
    let is_meant = |folder: &&FolderDocument| name.is_none_or(|name| folder.name == name);
    let number = status.folders.iter().filter(is_meant).count();
    for folder in status.folders.iter().filter(is_meant).filter(|folder| folder.settled != Some(true)) {
        let held = folder.held.as_ref().map(|held| held.reason.clone());
        let login = status.trouble.clone().filter(|_| folder.verdict.0 == Verdict::LoginNeeded);
        let why = login.or(held).or_else(|| folder.trouble.clone());
        let why = why.unwrap_or_else(|| words(folder.verdict.0));
        if folder.remote_checked_at.is_none() {
            let message = format!("what is to be done in {:?} is not known: {why}", folder.name);
            let remedy = status.remedy.clone().unwrap_or_else(|| match &folder.held {
                Some(held) if !held.choices.is_empty() => held.choices_in_words(),
                _ => "see `jottad doctor`".to_owned(),
            });
            first.get_or_insert(Failure::new(folder.verdict.0.into(), message).hint(remedy));
            unknown.push(LeftOutFolder {
                name: folder.name.clone(),
                verdict: folder.verdict,
                reason: Some(why),
            });
        } else if !invocation.output.json {
            let listed = age(folder.remote_checked_at.map(|time| time.0), now());
            let text = format!("{}: {why}; this is by what was last known, of {listed}", folder.name);
            remark(Escaped(&text));
        }
    }
    if let Some(failure) = first.filter(|_| unknown.len() == number) {
        return Err(failure);
    }
    let mut plan: PlanDocument = answering::from_daemon(daemon, Method::GET, path, Bytes::new()).await?;
    let is_unknown = |name: &str| unknown.iter().any(|folder| folder.name == name);
    plan.folders.retain(|folder| !is_unknown(&folder.name));
    plan.left_out.retain(|folder| !is_unknown(&folder.name));
    plan.left_out.extend(unknown);
    Ok(plan)
}

fn is_without_service(folder: &FolderDocument) -> bool {
    is_cut_off(folder.verdict.0)
}

/// Whether the service says nothing of what there is now.
fn is_cut_off(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Offline | Verdict::LoginNeeded | Verdict::Stalled)
}

/// What the plan does not know of, in words; `None` if both sides were looked at.
fn unseen(folder: &PlannedFolder) -> Option<String> {
    match (folder.paused, folder.unseen_directories) {
        (Some(paused), Some(0)) => {
            let paused = paused_words(paused, Some(0));
            Some(format!("{paused}; what others change is not noticed until then"))
        }
        (Some(paused), None) => Some(paused_words(paused, None)),
        (Some(paused), unseen) => {
            let paused = paused_words(paused, unseen);
            Some(format!("{paused}; they are not looked at until then, and not in this plan"))
        }
        (None, Some(0)) => None,
        (None, Some(unseen)) => {
            let directories = count(unseen, "directory", "directories");
            Some(format!("changes in {directories} were not looked at yet, and are not in this plan"))
        }
        // An older daemon does not say.
        (None, None) if folder.verdict.is_none() => None,
        (None, None) => Some("not everything was looked at yet".to_owned()),
    }
}

/// Whether it is known what would be done, or will not be known before a person does something.
fn is_looked_at(folder: &FolderDocument) -> bool {
    match folder.verdict.0 {
        _ if folder.settled == Some(true) => true,
        Verdict::Held => folder.held.as_ref().is_none_or(HeldStatus::is_of_everything),
        // The local side still says something, if there is anything to compare it with.
        Verdict::LoginNeeded | Verdict::Stalled => {
            folder.remote_checked_at.is_none() || folder.local_checked_at.is_some()
        }
        // The service answers and does not do what is asked, again and again.
        Verdict::Problems => folder.only_failures_left == Some(true),
        _ => false,
    }
}

/// Kinds in the order in which they were told, and each by its paths: many are done at once, and nobody finds
/// anything in the order in which they happen to begin.
fn sort(operations: &mut [OperationDocument]) {
    let mut kinds: Vec<String> = operations.iter().map(|operation| operation.kind.clone()).collect();
    let mut known = BTreeSet::new();
    kinds.retain(|kind| known.insert(kind.clone()));
    operations.sort_by_cached_key(|operation| {
        (kinds.iter().position(|kind| *kind == operation.kind), operation.path.clone())
    });
}

fn describe(folder: &PlannedFolder, invocation: &Invocation) -> Result<(), Failure> {
    let (output, name) = (invocation.output, Escaped(&folder.name));
    let operations = &folder.operations;
    let unconfirmed = match folder.unconfirmed {
        0 => String::new(),
        number => {
            let entries = count(number, "entry", "entries");
            format!("; {entries} sent, which the service has not confirmed yet")
        }
    };
    let unseen = unseen(folder);
    if let Some(unseen) = &unseen {
        output.prose(format_args!("{name}: {unseen}"))?;
    }
    if folder.count.max(operations.len() as u64) == 0 {
        let word = match (&unseen, unconfirmed.as_str()) {
            (Some(_), "") => "nothing else is to be done as far as is known",
            (None, "") => "nothing to do",
            _ => "nothing more to send",
        };
        return output.prose(format_args!("{name}: {word}{unconfirmed}"));
    }
    let operation_count = count(folder.count, "operation", "operations");
    output.prose(format_args!("{name}: {operation_count}, {}{unconfirmed}", format_size(folder.bytes)))?;
    let mut columns = Columns::default();
    for operation in operations {
        let what = match &operation.to {
            Some(to) => format!("{} → {}", shown_text(&operation.path), shown_text(to)),
            None => shown_text(&operation.path).to_string(),
        };
        let size = operation.bytes.map(format_size).unwrap_or_default();
        columns.push([String::new(), operation.kind.replace('_', " "), what, size, operation.why.clone()]);
    }
    output.table(&columns)?;
    match folder.count.saturating_sub(operations.len() as u64) {
        0 => Ok(()),
        all if operations.is_empty() => {
            output.prose(format_args!("  none of them is named; --limit {all} names all"))
        }
        more => output.prose(format_args!("  and {more} more; --limit {} names all", folder.count)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::documents::{PausedDocument, SCHEMA, VerdictWord};

    fn planned(verdict: Verdict) -> PlannedFolder {
        PlannedFolder {
            name: "docs".to_owned(),
            operations: Vec::new(),
            count: 0,
            bytes: 0,
            unconfirmed: 0,
            verdict: Some(VerdictWord(verdict)),
            paused: None,
            unseen_directories: Some(0),
            held: None,
            would_hold: Vec::new(),
        }
    }

    #[test]
    fn a_plan_ends_with_the_worst_that_keeps_it_from_being_all() {
        let left_out =
            |verdict| LeftOutFolder { name: "gone".to_owned(), verdict: VerdictWord(verdict), reason: None };
        for (of_planned, of_left_out, expected) in [
            (Verdict::Working, None, Exit::Done),
            (Verdict::Paused, None, Exit::Done),
            // Deletes wait, and the rest is done.
            (Verdict::Held, None, Exit::Done),
            (Verdict::Offline, None, Exit::Offline),
            (Verdict::Stalled, None, Exit::Stalled),
            (Verdict::LoginNeeded, None, Exit::LoginNeeded),
            (Verdict::Working, Some(Verdict::Held), Exit::Held),
            (Verdict::Offline, Some(Verdict::Held), Exit::Held),
            (Verdict::Working, Some(Verdict::Offline), Exit::Offline),
            (Verdict::Working, Some(Verdict::Working), Exit::Done),
        ] {
            let left_out = of_left_out.map(left_out).into_iter().collect();
            let plan = PlanDocument { schema: SCHEMA, folders: vec![planned(of_planned)], left_out };
            assert_eq!(exit(&plan), expected, "{of_planned:?} {of_left_out:?}");
        }
    }

    #[test]
    fn what_was_not_looked_at_is_told_beside_the_plan() {
        let pause = Some(PausedDocument { until: None });
        for (paused, unseen_directories, expected) in [
            (None, Some(0), None),
            (None, Some(1), Some("changes in 1 directory were not looked at yet")),
            (None, None, Some("not everything was looked at yet")),
            (pause, Some(0), Some("what others change is not noticed until then")),
            (pause, Some(2), Some("changes in 2 directories wait; they are not looked at until then")),
            (pause, None, Some("nothing is looked at until then")),
        ] {
            let told = unseen(&PlannedFolder { paused, unseen_directories, ..planned(Verdict::Working) });
            match (&told, expected) {
                (Some(told), Some(expected)) => assert!(told.contains(expected), "{told}"),
                _ => assert_eq!(told.as_deref(), expected, "{paused:?} {unseen_directories:?}"),
            }
        }
    }
}
