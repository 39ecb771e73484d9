//! jottad, the program: configuration, daemon, control API, command line and service files.
//!
//! Joins the engine, the watcher and the transport; nothing depends on it. The library has one entrance,
//! [`run`].

mod account;
mod api;
mod cli;
mod commands;
mod config;
mod daemon;
mod places;
mod remote;
mod selftest;
mod service;
mod signals;

#[cfg(feature = "fuzzing")]
pub mod fuzzing;

use std::process::ExitCode;
use std::sync::OnceLock;

use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _};
use tracing_subscriber::EnvFilter;

use crate::cli::arguments::{Arguments, Command};
use crate::cli::failure::{Exit, Failure};
use crate::cli::invocation::Invocation;
use crate::cli::output::Output;
use crate::places::Places;
pub use crate::signals::{Listen, Signal, Signals};

/// Parses the command line, does what it says and tells how it went.
pub fn run(listen: Listen) -> ExitCode {
    if cli::completion::answer_shell() {
        return ExitCode::SUCCESS;
    }
    let matches = Arguments::command().try_get_matches();
    let parsed = matches.and_then(|matches| Ok((Arguments::from_arg_matches(&matches)?, matches)));
    let (arguments, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return refuse(&error),
    };
    let json = arguments.general.json;
    match obey(arguments, &matches, listen) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            failure.tell(json);
            failure.exit().into()
        }
    }
}

/// Tells what is wrong with the command line, or what was asked about it.
fn refuse(error: &clap::Error) -> ExitCode {
    let wants_json = std::env::args_os().take_while(|word| word != "--").any(|word| word == "--json");
    if !wants_json || !error.use_stderr() {
        // A reader that has gone needs no help.
        let _ = error.print();
        return if error.use_stderr() { Exit::Usage.into() } else { ExitCode::SUCCESS };
    }
    let text = error.to_string();
    let mut parts = text.split("\n\n");
    let message = parts.next().unwrap_or_default();
    let message = message.strip_prefix("error: ").unwrap_or(message).split_whitespace();
    let message = message.collect::<Vec<_>>().join(" ");
    let usage = parts.find_map(|part| part.trim().strip_prefix("Usage: ")).map(str::trim);
    let hint = match usage {
        Some(usage) => format!("it is used so: {usage}"),
        None => "see `jottad --help`".to_owned(),
    };
    Failure::usage(message).hint(hint).tell(true);
    Exit::Usage.into()
}

fn obey(arguments: Arguments, matches: &ArgMatches, listen: Listen) -> Result<Exit, Failure> {
    let general = arguments.general;
    // A service that says nothing at all when it starts leaves people guessing.
    let talkative = u8::from(arguments.command.as_ref().is_some_and(Command::goes_on));
    log_to_stderr(general.verbose.saturating_add(talkative))?;
    let places = Places::find(general.config, general.state_dir)?;
    cli::typed::remember(matches, &places)?;
    let invocation = Invocation {
        places,
        output: Output { json: general.json, guided: false },
        listen,
        session: OnceLock::new(),
        http: OnceLock::new(),
    };
    if arguments.command.as_ref().is_none_or(Command::uses_the_state) {
        invocation.places.check_access()?;
    }
    match arguments.command {
        Some(command) => commands::run(command, &invocation),
        None => commands::begin::run(&invocation),
    }
}

/// Logs go to stderr. `JOTTAD_LOG` takes a filter as `tracing` knows them; `-v` counts.
fn log_to_stderr(verbose: u8) -> Result<(), Failure> {
    let filter = match std::env::var("JOTTAD_LOG") {
        Ok(text) => EnvFilter::try_new(&text).map_err(|error| {
            Failure::usage(format!("JOTTAD_LOG={text:?}: {error}"))
                .hint("for example: JOTTAD_LOG=info, or JOTTAD_LOG=jottad_engine=debug")
        })?,
        Err(_) => EnvFilter::new(match verbose {
            // Why a certificate is not trusted is said where it matters.
            0 => "warn,rustls_platform_verifier=off",
            1 => "info",
            2 => "jottad=debug,jottad_engine=debug,jottad_transport=debug,jottad_watcher=debug,info",
            _ => "trace",
        }),
    };
    // The journal has a clock of its own, and no colours.
    let journal = std::env::var_os("JOURNAL_STREAM").is_some();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(!journal && std::io::IsTerminal::is_terminal(&std::io::stderr()));
    let set = if journal { builder.without_time().try_init() } else { builder.try_init() };
    set.map_err(|error| Failure::failed(format!("setting up the log: {error}")))
}
