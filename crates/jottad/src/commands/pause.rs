//! `jottad pause` and `jottad resume`.

use std::time::Duration;

use clap::Args;

use crate::api::answering;
use crate::api::documents::{AcceptedDocument, OrderDocument, StatusDocument};
use crate::cli::arguments::duration_argument;
use crate::cli::completion::folder_name;
use crate::cli::failure::{Exit, Failure};
use crate::cli::invocation::Invocation;
use crate::cli::output::Escaped;
use crate::config::units::format_duration;
use crate::service::start_command;

#[derive(Debug, Args)]
pub(crate) struct PauseArguments {
    /// Only this folder
    #[arg(add = folder_name())]
    name: Option<String>,
    /// For how long, for example 2h or 1d; without it until `resume`
    duration: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ResumeArguments {
    /// Only this folder
    #[arg(add = folder_name())]
    name: Option<String>,
}

/// Stops; a restart of the daemon does not end a pause.
pub(crate) fn run_pause(arguments: &PauseArguments, invocation: &Invocation) -> Result<Exit, Failure> {
    let (name, duration) =
        name_and_duration(arguments, |name| Ok(invocation.tolerant_config()?.folder(name).is_some()))?;
    if duration.is_some_and(|duration| duration.is_zero()) {
        return Err(Failure::usage("a pause of no length stops nothing")
            .hint("for example: jottad pause 2h; without a duration it lasts until `jottad resume`"));
    }
    invocation.config_with_folders(name.as_deref())?;
    let order = OrderDocument { folder: name, seconds: duration.map(|duration| duration.as_secs().max(1)) };
    let length = match duration {
        Some(duration) => format!("for {}", format_duration(duration)),
        None => "until `jottad resume`".to_owned(),
    };
    let noted = "no daemon is running: whatever runs next keeps to the pause";
    give(invocation, "/v1/pause", &order, &format!("paused {length}"), noted)
}

/// Goes on.
pub(crate) fn run_resume(arguments: &ResumeArguments, invocation: &Invocation) -> Result<Exit, Failure> {
    invocation.config_with_folders(arguments.name.as_deref())?;
    let order = OrderDocument { folder: arguments.name.clone(), seconds: None };
    let start = start_command(&invocation.places);
    let noted = format!("no daemon is running: go on now with `jottad run --once` or `{start}`");
    let name = arguments.name.as_deref();
    let paused = invocation.wait(async {
        let status: Option<StatusDocument> = answering::get(invocation, "/v1/status").await.ok();
        Ok(status.map(|status| is_any_paused(&status, name)))
    })?;
    let done = match paused {
        Some(false) => "was not paused",
        _ => "not paused any more",
    };
    give(invocation, "/v1/resume", &order, done, &noted)
}

/// Whether any of them is paused, or may be: one that is being started has not said so yet.
fn is_any_paused(status: &StatusDocument, name: Option<&str>) -> bool {
    let mut meant = status.folders.iter().filter(|folder| name.is_none_or(|name| folder.name == name));
    meant.any(|folder| folder.paused.is_some() || folder.settled.is_none())
}

/// `pause 2h` has no name but a duration, unless a folder is called so. Of two arguments the one that is a
/// duration is it, whichever comes first.
fn name_and_duration(
    arguments: &PauseArguments,
    is_folder: impl FnOnce(&str) -> Result<bool, Failure>,
) -> Result<(Option<String>, Option<Duration>), Failure> {
    let Some(first) = &arguments.name else { return Ok((None, None)) };
    let Some(second) = &arguments.duration else {
        return match duration_argument(first) {
            Ok(duration) if !is_folder(first)? => Ok((None, Some(duration))),
            _ => Ok((Some(first.clone()), None)),
        };
    };
    match (duration_argument(second), duration_argument(first)) {
        (Ok(duration), _) => Ok((Some(first.clone()), Some(duration))),
        (Err(_), Ok(duration)) => Ok((Some(second.clone()), Some(duration))),
        (Err(reason), Err(_)) => Err(Failure::usage(reason).hint("for example: jottad pause docs 2h")),
    }
}

/// Gives an order and says whom it reached, and what follows where nothing runs.
fn give(
    invocation: &Invocation,
    path: &str,
    order: &OrderDocument,
    done: &str,
    noted: &str,
) -> Result<Exit, Failure> {
    invocation.wait(async {
        let accepted: AcceptedDocument = answering::post(invocation, path, order).await?;
        invocation.output.either(&accepted, || {
            let names = accepted.folders.join(", ");
            let names = if names.is_empty() { "no folder" } else { &names };
            invocation.output.prose(Escaped(&format!("{done}: {names}")))?;
            if accepted.noted { invocation.output.prose(noted) } else { Ok(()) }
        })?;
        Ok(Exit::Done)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_argument_is_a_folder_if_there_is_one_and_else_a_duration_if_it_is_one() {
        let hours = |hours| Some(Duration::from_hours(hours));
        let cases = [
            (None, None, (None, None)),
            (Some("2h"), None, (None, hours(2))),
            (Some("3h"), None, (Some("3h"), None)),
            (Some("docs"), None, (Some("docs"), None)),
            (Some("2h"), Some("1h"), (Some("2h"), hours(1))),
            (Some("docs"), Some("1d"), (Some("docs"), hours(24))),
            (Some("2h"), Some("docs"), (Some("docs"), hours(2))),
            (Some("3h"), Some("docs"), (Some("docs"), hours(3))),
        ];
        let find = |name: Option<&str>, duration: Option<&str>| {
            let [name, duration] = [name, duration].map(|text| text.map(str::to_owned));
            name_and_duration(&PauseArguments { name, duration }, |name| Ok(name == "3h"))
        };
        for (name, duration, (expected_name, expected_duration)) in cases {
            let found = find(name, duration).unwrap();
            assert_eq!(found, (expected_name.map(str::to_owned), expected_duration), "{name:?} {duration:?}");
        }
        let refused = find(Some("docs"), Some("pics")).unwrap_err();
        assert_eq!(refused.exit(), Exit::Usage);
        assert!(refused.message().contains("\"pics\" is not a duration"), "{refused}");
    }
}
