//! `jottad conflicts`: the files of which two versions were kept.

use clap::Args;
use jottad_core::shown_text;

use crate::api::answering;
use crate::api::documents::ConflictsDocument;
use crate::api::exchange::query_value;
use crate::cli::completion::folder_name;
use crate::cli::failure::{Exit, Failure};
use crate::cli::invocation::Invocation;
use crate::cli::output::Escaped;
use crate::commands::problems::describe_left_out;

#[derive(Debug, Args)]
pub(crate) struct ConflictsArguments {
    /// Only this folder
    #[arg(add = folder_name())]
    name: Option<String>,
}

/// Asks the daemon and prints.
pub(crate) fn run(arguments: &ConflictsArguments, invocation: &Invocation) -> Result<Exit, Failure> {
    invocation.config_with(arguments.name.as_deref())?;
    invocation.wait(async {
        let mut path = "/v1/conflicts".to_owned();
        if let Some(name) = &arguments.name {
            path = format!("{path}?folder={}", query_value(name.as_bytes()));
        }
        let (found, _): (ConflictsDocument, _) = answering::tell(invocation, &path).await?;
        let output = invocation.output;
        output.either(&found, || {
            describe_left_out(&found.left_out, invocation)?;
            if found.conflicts.is_empty() {
                return if found.left_out.is_empty() { output.prose("no conflicts") } else { Ok(()) };
            }
            for conflict in &found.conflicts {
                output.prose(format_args!(
                    "{}: {}",
                    Escaped(&conflict.folder),
                    shown_text(&conflict.path)
                ))?;
                output.prose(format_args!("  kept beside it: {}", shown_text(&conflict.copy)))?;
            }
            output.prose("look at both; delete or rename the one that you do not want")
        })?;
        Ok(Exit::Done)
    })
}
