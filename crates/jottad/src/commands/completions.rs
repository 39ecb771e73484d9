//! `jottad completions`.

use std::io::{self, Write as _};

use clap::Args;
use clap_complete::Shell;

use crate::cli::completion::script;
use crate::cli::failure::{Exit, Failure};

#[derive(Debug, Args)]
pub(crate) struct CompletionsArguments {
    /// Which shell
    shell: Shell,
}

/// Prints the script that a shell reads at its start; it asks this program whenever something is to be
/// completed.
pub(crate) fn run(arguments: &CompletionsArguments) -> Result<Exit, Failure> {
    let script = script(&arguments.shell.to_string())
        .ok_or_else(|| Failure::failed(format!("there are no completions for {}", arguments.shell)))?;
    io::stdout().lock().write_all(&script).map_err(|error| Failure::from_output(&error))?;
    Ok(Exit::Done)
}
