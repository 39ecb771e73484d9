//! `jottad completions`.

use std::io;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::arguments::Arguments;
use crate::failure::{Exit, Failure};

#[derive(Debug, Args)]
pub(crate) struct CompletionsArguments {
    /// Which shell
    shell: Shell,
}

/// Prints the completions.
pub(crate) fn run(arguments: &CompletionsArguments) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "jottad", &mut script);
    io::Write::write_all(&mut io::stdout().lock(), &script).map_err(|error| Failure::from_output(&error))?;
    Ok(Exit::Done)
}
