//! The old way, with user name, password and perhaps a one-time code. No brand is known to serve it any more.

use jottad_transport::{Error, GrantedLogin, HostIdentity, Http, LegacyDevice, LegacyLogin};
use secrecy::SecretString;

use super::{Beginning, TRIES};
use crate::asking;
use crate::failure::{Exit, Failure};
use crate::invocation::connections;
use crate::login;
use crate::output::remark;

/// Asks for everything, and again after a mistake. The password is used and forgotten.
pub(super) fn run(beginning: &Beginning<'_>) -> Result<Exit, Failure> {
    asking::need_terminal(
        "user name and password",
        "run it in a terminal; a password is taken from nowhere else. Scripts use: jottad login --token-stdin < FILE",
    )?;
    let file = login::prepare(&beginning.invocation.places, beginning.config)?;
    remark("No brand is known to serve this login any more; `jottad login` is the way that works.");
    let endpoints = &beginning.config.service.endpoints;
    let http = connections()?;
    // Before a password is asked for: there is no point in asking where it cannot be used.
    let device = beginning.invocation.wait(async {
        LegacyDevice::register(&http, endpoints, &LegacyDevice::fresh_id()).await.map_err(explain)
    })?;
    let log_in = |login: &LegacyLogin| {
        let host = HostIdentity::of_this_machine();
        // Connections belong to the runtime that they were made in.
        let connections: Result<Http, Failure> = connections().map_err(Into::into);
        beginning
            .invocation
            .wait(async { Ok(device.log_in(connections?, endpoints, login, file.clone(), &host).await) })
    };
    let mut tries = 0;
    loop {
        tries += 1;
        let mut login = ask()?;
        let mut outcome = log_in(&login)?;
        for asked in 0..TRIES {
            let Err(Error::OneTimeCodeNeeded { channel }) = &outcome else { break };
            remark(match asked {
                0 => format!("The service wants the one-time code that it has sent by {channel}."),
                _ => "This is not the code.".to_owned(),
            });
            login.one_time_code = Some(asking::ask("One-time code: ")?);
            outcome = log_in(&login)?;
        }
        match outcome {
            Ok(granted) => return keep(beginning, granted),
            Err(error @ Error::LoginRefused { .. }) if tries < TRIES => {
                remark(&explain(error));
            }
            Err(error) => return Err(explain(error)),
        }
    }
}

fn keep(beginning: &Beginning<'_>, granted: GrantedLogin) -> Result<Exit, Failure> {
    beginning.invocation.wait(beginning.keep(granted))
}

fn ask() -> Result<LegacyLogin, Failure> {
    let username = asking::ask("E-mail address: ")?;
    let password = SecretString::from(asking::ask_hidden("Password (it is not shown): ")?);
    Ok(LegacyLogin { username, password, one_time_code: None })
}

fn explain(error: Error) -> Failure {
    match &error {
        Error::LoginRefused { .. } => Failure::from(error).hint(
            "no brand is known to serve this login any more; try `jottad login`, with a personal login token",
        ),
        Error::OneTimeCodeNeeded { .. } => {
            Failure::from(error).hint("wait for a new code, and run the command again")
        }
        _ => error.into(),
    }
}
