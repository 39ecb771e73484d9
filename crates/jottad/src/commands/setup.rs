//! `jottad setup`: login, folders and service in one go. Each answer is checked at once, and a mistake is
//! asked about again.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::OnceLock;

use jottad_core::Mode;
use jottad_transport::RemotePath;

use crate::account::KnownAccount;
use crate::account::login;
use crate::cli::asking::ask_or;
use crate::cli::failure::{Exit, Failure};
use crate::cli::invocation::Invocation;
use crate::cli::output::{Escaped, Output, remark};
use crate::commands::folder::{self, AddArguments, default_place};
use crate::commands::login::{self as login_command, LoginArguments};
use crate::commands::service::{self, ServiceCommand};
use crate::commands::status::{self, StatusArguments};
use crate::config::{check_name, local_overlap, remote_overlap, resolve};
use crate::service::start_command;

/// What becomes of changes in each mode.
const MODES: [(Mode, &str); 4] = [
    (Mode::Backup, "local changes are sent"),
    (Mode::Sync, "changes travel both ways"),
    (Mode::Archive, "like backup, deletes nothing"),
    (Mode::Pull, "remote changes are fetched"),
];

/// What an empty answer to the question for another folder means.
const NONE: &str = "none";

/// Asks for everything, and ends with the status.
pub(crate) fn run(invocation: &Invocation) -> Result<Exit, Failure> {
    if invocation.output.json || !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Err(Failure::usage("there is no terminal to ask on").hint(
            "without one: jottad login --token-stdin < TOKEN, then jottad folder add LOCAL [REMOTE], then jottad \
             service install",
        ));
    }
    // It is the questions that tell what comes next.
    let guided = Invocation {
        places: invocation.places.clone(),
        output: Output { guided: true, ..invocation.output },
        listen: invocation.listen,
        session: OnceLock::new(),
        http: OnceLock::new(),
    };
    ask_for_everything(&guided).and_then(|()| ask_for_service(invocation)).map_err(|failure| {
        if failure.is_called_off() {
            failure.hint("what was done so far stays; go on with: jottad setup")
        } else {
            failure
        }
    })?;
    status::run(&StatusArguments::default(), invocation)
}

fn ask_for_everything(invocation: &Invocation) -> Result<(), Failure> {
    let config = invocation.config()?;
    if login::check_kept(&invocation.places, &config).is_ok() {
        let who = KnownAccount::load(&invocation.places);
        let who = who.as_ref().map_or("the account that is kept", KnownAccount::for_people);
        remark(format_args!("logged in as {}", Escaped(who)));
    } else {
        login_command::run(&LoginArguments::default(), invocation)?;
    }
    ask_for_folders(invocation)?;
    if invocation.config()?.is_empty() {
        return Err(Failure::usage("no folder was chosen").hint("go on with: jottad setup"));
    }
    Ok(())
}

fn ask_for_folders(invocation: &Invocation) -> Result<(), Failure> {
    let mut is_first = invocation.config()?.is_empty();
    loop {
        let question = if is_first { "Which directory?" } else { "Another directory?" };
        let default = if is_first { "~/Documents" } else { NONE };
        let answer = ask_or(question, default, invocation)?;
        if is_none(&answer) {
            return Ok(());
        }
        match ask_for_folder(&answer, invocation) {
            Ok(()) => is_first = false,
            Err(failure) if failure.exit() == Exit::Usage => remark(&failure),
            Err(failure) => return Err(failure),
        }
    }
}

/// Whether somebody names no directory. One of such a name is written with its place: `./no`.
fn is_none(answer: &str) -> bool {
    [NONE, "no", "n"].iter().any(|word| answer.eq_ignore_ascii_case(word))
}

fn ask_for_folder(directory: &str, invocation: &Invocation) -> Result<(), Failure> {
    let local = folder::local_root(&PathBuf::from(directory), &invocation.places)?;
    let config = invocation.config()?;
    if let Some(other) = config.folders.iter().find(|other| local_overlap(&local, &other.local).is_some()) {
        let text = format!("{directory}: the folder {:?} is kept in step there already", other.name);
        return Err(Failure::usage(text).hint("choose a directory that neither holds it nor lies inside it"));
    }
    let named = resolve(&local).file_name().map(|name| name.to_string_lossy().into_owned());
    let name =
        until_named("What is it to be called?", named.as_deref().unwrap_or("folder"), invocation, |text| {
            let is_taken = invocation.config()?.names().any(|known| known == text);
            match check_name(text) {
                Ok(_) if is_taken => {
                    Err(Failure::usage(format!("another folder is called {text:?} already"))
                        .hint("give this one another name"))
                }
                Ok(name) => Ok(name),
                Err(reason) => {
                    Err(Failure::usage(reason).hint("commands call it so: a short name without slashes"))
                }
            }
        })?;
    for (mode, does) in MODES {
        remark(format_args!("  {:7}  {does}", mode.as_str()));
    }
    let mode = until_named("Which mode?", "backup", invocation, |text| {
        text.parse::<Mode>().map_err(|error| Failure::usage(error.to_string()))
    })?;
    let default = default_place(named.as_deref().unwrap_or(&name));
    loop {
        let remote = until_named("Which place on the service?", &default, invocation, |text| {
            let place = RemotePath::parse(text).map_err(|error| {
                Failure::usage(error.to_string())
                    .hint("a place is DEVICE/MOUNTPOINT[/path], for example Jotta/Archive/Documents")
            })?;
            match config.folders.iter().find(|other| remote_overlap(&place, &other.remote)) {
                None => Ok(text.to_owned()),
                Some(other) => {
                    let text =
                        format!("{text}: the folder {:?} is kept at {} already", other.name, other.remote);
                    Err(Failure::usage(text).hint("name a place beside that one"))
                }
            }
        })?;
        let remote = (remote != default).then_some(remote);
        let arguments =
            AddArguments { local: local.clone(), remote, mode, name: Some(name.clone()), make: false };
        match folder::add(&arguments, invocation) {
            // It is the place that is not right: the other answers stand.
            Err(failure) if failure.is_mistake() && failure.exit() == Exit::Usage => remark(&failure),
            Err(failure) if failure.is_mistake() => {
                remark(format_args!("error: {}", Escaped(failure.message())));
            }
            added => return added.map(drop),
        }
    }
}

fn ask_for_service(invocation: &Invocation) -> Result<(), Failure> {
    let is_wanted = until_right(
        "Keep it in step from now on, also after a restart?",
        "yes",
        invocation,
        |text| match text.to_lowercase().as_str() {
            "y" | "yes" => Ok(true),
            "n" | "no" => Ok(false),
            _ => Err(Failure::usage("answer yes or no")),
        },
    )?;
    if !is_wanted {
        let start = start_command(&invocation.places);
        invocation.output.next(&format!("`jottad run --once` compares once; `{start}` does it for good"));
        return Ok(());
    }
    // Everything else is done by now, and a machine without a service manager has other ways.
    if let Err(failure) = service::run(&ServiceCommand::Install { force: false }, invocation) {
        remark(&failure);
        invocation.output.next("`jottad run` keeps it in step for as long as it runs");
    }
    Ok(())
}

/// The same where something is to be named: a yes or a no is no name.
fn until_named<T>(
    question: &str,
    default: &str,
    invocation: &Invocation,
    check: impl Fn(&str) -> Result<T, Failure>,
) -> Result<T, Failure> {
    until_right(question, default, invocation, |text| {
        if text != default && ["y", "yes", "n", "no"].iter().any(|word| text.eq_ignore_ascii_case(word)) {
            return Err(Failure::usage(format!("{text:?} is no answer to that")).hint(format!(
                "press Enter for {}, or write something else; Ctrl-C ends here, and what was done so far stays",
                Escaped(default)
            )));
        }
        check(text)
    })
}

/// Asks until the answer is right, and says each time why it is not.
fn until_right<T>(
    question: &str,
    default: &str,
    invocation: &Invocation,
    check: impl Fn(&str) -> Result<T, Failure>,
) -> Result<T, Failure> {
    loop {
        match check(&ask_or(question, default, invocation)?) {
            Err(failure) if failure.exit() == Exit::Usage => remark(&failure),
            answered => return answered,
        }
    }
}
