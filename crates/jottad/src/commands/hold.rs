//! `jottad held`, `approve` and `reject`: what waits for a person.

use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use clap::Args;
use jottad_core::shown_text;

use crate::api::answering;
use crate::api::documents::{
    AcceptedDocument, HeldDocument, HeldFolder, NotedFolder, NotedStatus, OrderDocument,
};
use crate::api::exchange::query_value;
use crate::cli::completion::folder_name;
use crate::cli::failure::{Exit, Failure};
use crate::cli::invocation::Invocation;
use crate::cli::output::{Escaped, count};

/// Deletes that are shown to people one by one.
const SHOWN: usize = 50;

#[derive(Debug, Args)]
pub(crate) struct HeldArguments {
    /// Only this folder
    #[arg(add = folder_name())]
    name: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct NameArguments {
    /// The folder
    #[arg(add = folder_name())]
    name: String,
}

#[derive(Debug, Args)]
pub(crate) struct ApproveArguments {
    /// The folder
    #[arg(add = folder_name())]
    name: String,
    /// What is mounted, or not mounted any more, at this directory is right as it is
    path: Option<PathBuf>,
}

/// Shows what is held.
pub(crate) fn run_held(arguments: &HeldArguments, invocation: &Invocation) -> Result<Exit, Failure> {
    invocation.config_with(arguments.name.as_deref())?;
    invocation.wait(async {
        let mut path = "/v1/held".to_owned();
        if let Some(name) = &arguments.name {
            path = format!("{path}?folder={}", query_value(name.as_bytes()));
        }
        let (held, _): (HeldDocument, _) = answering::tell(invocation, &path).await?;
        invocation.output.either(&held, || describe(&held, invocation))?;
        // Deletes that were decided about go by themselves now; a root is held until a run has looked at it.
        let is_held_whole = |noted: &NotedFolder| matches!(noted.about.kind.as_str(), "root" | "place");
        let is_held = !held.folders.is_empty() || held.noted.iter().any(is_held_whole);
        Ok(if is_held { Exit::Held } else { Exit::Done })
    })
}

/// Lets what is held happen, or takes a directory for what it is although a disk came or went there.
pub(crate) fn run_approve(arguments: &ApproveArguments, invocation: &Invocation) -> Result<Exit, Failure> {
    let mut path = "/v1/approve".to_owned();
    if let Some(directory) = &arguments.path {
        path = format!("{path}?path={}", query_value(directory.as_os_str().as_bytes()));
    }
    decide(&arguments.name, invocation, &path, "approved")
}

/// Brings what is held back.
pub(crate) fn run_reject(arguments: &NameArguments, invocation: &Invocation) -> Result<Exit, Failure> {
    decide(&arguments.name, invocation, "/v1/reject", "rejected")
}

fn decide(name: &str, invocation: &Invocation, path: &str, word: &str) -> Result<Exit, Failure> {
    invocation.config_with(Some(name))?;
    let order = OrderDocument { folder: Some(name.to_owned()), seconds: None };
    invocation.wait(async {
        let accepted: AcceptedDocument = answering::post(invocation, path, &order).await?;
        invocation.output.either(&accepted, || {
            let names = accepted.folders.join(", ");
            let about = accepted.about.as_ref().map(|about| format!(": {about}")).unwrap_or_default();
            if accepted.shown_first {
                invocation
                    .output
                    .prose("what would go to the trash for that is shown first by `jottad held`")?;
            }
            invocation.output.prose(Escaped(&format!("{word}: {names}{about}")))?;
            if accepted.noted {
                invocation
                    .output
                    .prose("nothing runs: the next `jottad run --once` or the daemon does it")?;
            }
            Ok(())
        })?;
        Ok(Exit::Done)
    })
}

fn describe(held: &HeldDocument, invocation: &Invocation) -> Result<(), Failure> {
    if held.folders.is_empty() && held.noted.is_empty() {
        return invocation.output.prose("nothing is held");
    }
    for folder in &held.folders {
        invocation.output.prose(format_args!("{}: {}", Escaped(&folder.name), Escaped(&folder.reason)))?;
        describe_operations(folder, "would", invocation)?;
    }
    for NotedFolder { word, about } in &held.noted {
        let (kind, reason) = (about.kind.clone(), about.reason.clone());
        let noted = NotedStatus { word: word.clone(), kind, reason, choices: Vec::new() };
        let text = noted.in_words(held.runs);
        invocation.output.prose(format_args!("{}: {}", Escaped(&about.name), Escaped(&text)))?;
        describe_operations(about, "will", invocation)?;
    }
    Ok(())
}

/// What of a folder would, or will, be done, and what a person can say of it.
fn describe_operations(folder: &HeldFolder, will: &str, invocation: &Invocation) -> Result<(), Failure> {
    let output = invocation.output;
    for overwrite in folder.overwrites.iter().take(SHOWN) {
        output
            .prose(format_args!("  {will} be overwritten on the service: {}", shown_text(&overwrite.path)))?;
    }
    if folder.overwrites.len() > SHOWN {
        output.prose(format_args!("  and {} more; --json shows all", folder.overwrites.len() - SHOWN))?;
    }
    for delete in folder.deletes.iter().take(SHOWN) {
        let inside = if delete.entries > 1 {
            format!(", with {} in it", count(delete.files, "file", "files"))
        } else {
            String::new()
        };
        output.prose(format_args!(
            "  {will} go to the {} trash: {}{inside}",
            delete.side,
            shown_text(&delete.path)
        ))?;
    }
    if folder.deletes.len() > SHOWN {
        output.prose(format_args!("  and {} more; --json shows all", folder.deletes.len() - SHOWN))?;
    }
    for choice in &folder.choices {
        output.advice(format_args!("  {}:  {}", Escaped(&choice.means), Escaped(&choice.command)))?;
    }
    Ok(())
}
