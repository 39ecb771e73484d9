//! `jottad why`: the state of one file or directory.

use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use clap::Args;
use jottad_core::{shown_path, shown_text};

use crate::api::answering;
use crate::api::documents::{EntryDocument, WhyDocument};
use crate::api::exchange::query_value;
use crate::cli::failure::{Exit, Failure};
use crate::cli::invocation::Invocation;
use crate::cli::output::{Escaped, local_time};
use crate::config::units::format_size;

#[derive(Debug, Args)]
pub(crate) struct WhyArguments {
    /// The local file or directory; it need not exist any more
    path: PathBuf,
}

/// Asks the daemon and prints.
pub(crate) fn run(arguments: &WhyArguments, invocation: &Invocation) -> Result<Exit, Failure> {
    let shown = shown_path(&arguments.path).to_string();
    let absolute = std::path::absolute(invocation.places.expand(&arguments.path))
        .map_err(|error| Failure::usage(format!("{shown}: {error}")).path(shown))?;
    invocation.wait(async {
        let path = format!("/v1/why?path={}", query_value(absolute.as_os_str().as_bytes()));
        let (why, _): (WhyDocument, _) = answering::tell(invocation, &path).await?;
        invocation.output.either(&why, || describe(&why, invocation))?;
        Ok(Exit::Done)
    })
}

/// What the remote side is called.
const REMOTE: &str = "on Jottacloud";

fn describe(why: &WhyDocument, invocation: &Invocation) -> Result<(), Failure> {
    let output = invocation.output;
    let state = why.state.replace('_', " ");
    output.prose(format_args!("{} in {}: {state}", shown_text(&why.path), Escaped(&why.folder)))?;
    output.prose(format_args!("  {}", Escaped(&why.reason)))?;
    if let Some(rule) = &why.rule {
        output.prose(format_args!("  the rule: {}", Escaped(rule)))?;
    }
    let sides = [("here", &why.local), (REMOTE, &why.remote), ("last agreed", &why.base)];
    // Of what the index does not have there is nothing to say.
    let is_known = sides.iter().any(|(_, entry)| entry.is_some());
    for (side, entry) in sides.into_iter().filter(|_| is_known) {
        let text = match entry {
            Some(entry) => entry_text(entry),
            None if why.sent && side == REMOTE => "sent, not confirmed yet".to_owned(),
            None => "unknown".to_owned(),
        };
        output.prose(format_args!("  {side}: {text}"))?;
    }
    if let Some(next) = &why.next {
        output.prose(format_args!(
            "  next: {}, because {}",
            next.kind.replace('_', " "),
            Escaped(&next.why)
        ))?;
    }
    for operation in &why.last_operations {
        let outcome = operation.error.as_deref().unwrap_or("done");
        let at = local_time(operation.at.0);
        output.prose(format_args!("  {at}  {}: {}", operation.kind.replace('_', " "), Escaped(outcome)))?;
    }
    Ok(())
}

fn entry_text(entry: &EntryDocument) -> String {
    let size = entry.size.map(|size| format!(", {}", format_size(size))).unwrap_or_default();
    let modified =
        entry.modified.map(|time| format!(", modified {}", local_time(time.0))).unwrap_or_default();
    format!("{}{size}{modified}", entry.kind)
}
