//! The old way, with user name, password and perhaps a one-time code. No brand is known to serve it any more.

use jottad_transport::{Error, HostIdentity, LegacyDevice, LegacyLogin};
use secrecy::SecretString;

use super::{Beginning, TRIES};
use crate::account::login;
use crate::cli::asking;
use crate::cli::failure::{Exit, Failure};
use crate::cli::invocation::Invocation;
use crate::cli::output::remark;

/// Asks for everything, and again after a mistake. The password is used and forgotten.
pub(super) fn run(beginning: &Beginning<'_>) -> Result<Exit, Failure> {
    asking::need_terminal(
        "user name and password",
        "run it in a terminal; a password is taken from nowhere else. Scripts use: jottad login --token-stdin < FILE",
    )?;
    let file = login::prepare(&beginning.invocation.places, beginning.config)?;
    remark("No brand is known to serve this login any more; `jottad login` is the way that works.");
    // While a person thinks, nothing else is to be done: the questions may block.
    beginning.invocation.wait(async {
        let (http, host) = (beginning.invocation.connections()?, HostIdentity::of_this_machine());
        let endpoints = &beginning.config.service.endpoints;
        // Before a password is asked for: there is no point in asking where it cannot be used.
        let registered = LegacyDevice::register(&http, endpoints, &LegacyDevice::fresh_id()).await;
        let device = registered.map_err(explain)?;
        let mut tries = 0;
        loop {
            tries += 1;
            let mut answers = ask(beginning.invocation)?;
            let attempt = async |answers: &_| {
                device.log_in(http.clone(), endpoints, answers, file.clone(), &host).await
            };
            let mut outcome = attempt(&answers).await;
            for asked in 0..TRIES {
                let Err(Error::OneTimeCodeNeeded { channel }) = &outcome else { break };
                remark(match asked {
                    0 => format!("The service wants the one-time code that it has sent by {channel}."),
                    _ => "This is not the code.".to_owned(),
                });
                answers.one_time_code = Some(asking::ask("One-time code: ", beginning.invocation)?);
                outcome = attempt(&answers).await;
            }
            match outcome {
                Ok(granted) => return beginning.keep(granted).await,
                Err(error @ Error::LoginRefused { .. }) if tries < TRIES => remark(explain(error)),
                Err(error) => return Err(explain(error)),
            }
        }
    })
}

fn ask(invocation: &Invocation) -> Result<LegacyLogin, Failure> {
    let username = asking::ask("E-mail address: ", invocation)?;
    let password = SecretString::from(asking::ask_hidden("Password (it is not shown): ", invocation)?);
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
