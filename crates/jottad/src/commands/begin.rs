//! Bare `jottad`: what comes next, from how far this machine is.

use serde_json::json;
use unicode_width::UnicodeWidthStr as _;

use crate::account::login;
use crate::api::documents::StatusDocument;
use crate::api::exchange;
use crate::cli::failure::{Exit, Failure};
use crate::cli::invocation::Invocation;
use crate::cli::typed;
use crate::commands::status::{self, StatusArguments};
use crate::service::start_command;

/// How far a machine is, and what one does then: a command and what it does.
struct Step {
    state: &'static str,
    text: &'static str,
    next: &'static [(&'static str, &'static str)],
}

const NO_LOGIN: Step = Step {
    state: "no_login",
    text: "Keeps folders in step with Jottacloud. Nobody is logged in yet. Begin with:",
    next: &[
        ("jottad setup", "asks for a login, folders and the service, one after the other"),
        ("jottad login", "only logs in"),
        ("jottad demo", "shows it without an account, and touches nothing of yours"),
        ("jottad --help", "lists every command"),
    ],
};

const NO_FOLDER: Step = Step {
    state: "no_folder",
    text: "Logged in, and no folder is chosen yet. Go on with:",
    next: &[
        ("jottad setup", "asks for folders and the service"),
        ("jottad folder add ~/Documents", "backs one directory up"),
        ("jottad ls Jotta", "shows what is on the service"),
    ],
};

/// Shows how to begin, or the status where everything was begun.
pub(crate) fn run(invocation: &Invocation) -> Result<Exit, Failure> {
    let config = invocation.tolerant_config()?;
    let step = if login::check_kept(&invocation.places, &config).is_err() {
        NO_LOGIN
    } else if config.is_empty() {
        NO_FOLDER
    } else {
        return show_status(invocation);
    };
    let commands: Vec<&str> = step.next.iter().map(|(command, _)| *command).collect();
    invocation.output.either(&json!({"schema": 1, "state": step.state, "next": commands}), || {
        invocation.output.prose(step.text)?;
        let commands: Vec<String> = commands.iter().map(|command| typed::advice(command)).collect();
        let width = commands.iter().map(|command| command.width()).max().unwrap_or(0);
        commands.iter().zip(step.next).try_for_each(|(command, (_, does))| {
            invocation.output.prose(format_args!("  {command:width$}  {does}"))
        })
    })?;
    Ok(Exit::Done)
}

fn show_status(invocation: &Invocation) -> Result<Exit, Failure> {
    if invocation.output.json {
        let asked: Result<StatusDocument, Failure> =
            invocation.wait(async { exchange::get(&invocation.places, "/v1/status").await });
        let state = if asked.is_ok_and(|status| status.daemon) { "running" } else { "no_daemon" };
        let next = if state == "running" { "jottad status" } else { start_command(&invocation.places) };
        invocation.output.document(&json!({"schema": 1, "state": state, "next": [next]}))?;
        return Ok(Exit::Done);
    }
    status::run(&StatusArguments::default(), invocation)
}
