//! `jottad login`: exchange a personal login token for a login that keeps itself fresh.

use std::io::{self, IsTerminal as _, Read as _};

use clap::Args;
use jottad_transport::{Client, ClientOptions, CredentialFile, HostIdentity, LoginToken, Session};
use serde_json::json;

use crate::account::KnownAccount;
use crate::commands::folder::tell_daemon;
use crate::failure::{Exit, Failure};
use crate::invocation::{Invocation, connections};
use crate::output::{Escaped, remark};

/// Where tokens are made.
const TOKEN_PAGE: &str = "https://www.jottacloud.com/web/secure";
/// No token is nearly as long; a whole disk that is piped in by mistake is not read.
const LONGEST_TOKEN: u64 = 64 * 1024;

#[derive(Debug, Args)]
pub(crate) struct LoginArguments {
    /// Read the token from standard input instead of asking on the terminal
    #[arg(long)]
    pub(crate) token_stdin: bool,
}

/// Logs in; the login that was kept before is replaced only when the new one was granted.
pub(crate) fn run(arguments: &LoginArguments, invocation: &Invocation) -> Result<Exit, Failure> {
    let config = invocation.config()?;
    invocation.places.make_state_dir()?;
    let text = if arguments.token_stdin { read_token()? } else { ask_for_token()? };
    let token = LoginToken::parse(&text)
        .map_err(|error| Failure::from(error).hint(format!("copy the whole token from {TOKEN_PAGE}")))?;
    drop(text);
    invocation.wait(async {
        let file = CredentialFile::new(invocation.places.credentials());
        let host = HostIdentity::of_this_machine();
        let session = Session::log_in(connections()?, &token, file, &host).await.map_err(explain)?;
        let client = Client::new(config.service.endpoints.clone(), session, ClientOptions::default())?;
        // From here on the login is kept, and the token is spent.
        KnownAccount::forget(&invocation.places);
        let customer = client.customer().await?;
        let account = KnownAccount::from(&customer);
        account.save(&invocation.places)?;
        let document = json!({"schema": 1, "username": account.username, "email": account.email});
        invocation.output.either(&document, || {
            let name = account.email.as_deref().unwrap_or(&account.username);
            invocation.output.line(format_args!("logged in as {}", Escaped(name)))
        })?;
        tell_daemon(invocation).await;
        Ok(Exit::Done)
    })
}

fn explain(error: jottad_transport::Error) -> Failure {
    let exit = error.kind();
    let failure = Failure::from(error);
    match exit {
        jottad_transport::ErrorKind::LoginNeeded => {
            failure.hint(format!("each token works once: make a new one at {TOKEN_PAGE}"))
        }
        _ => failure,
    }
}

pub(crate) fn read_token() -> Result<String, Failure> {
    let mut text = String::new();
    let read = io::stdin().take(LONGEST_TOKEN).read_to_string(&mut text);
    read.map_err(|error| Failure::failed(format!("reading the token from standard input: {error}")))?;
    if text.trim().is_empty() {
        return Err(
            Failure::usage("no token came on standard input").hint("jottad login --token-stdin < FILE")
        );
    }
    Ok(text)
}

fn ask_for_token() -> Result<String, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage("there is no terminal to ask for the login token on")
            .hint("pass it on standard input: jottad login --token-stdin < FILE"));
    }
    remark(format_args!(
        "Make a personal login token at {TOKEN_PAGE} (Settings, Security) and paste it here."
    ));
    rpassword::prompt_password("Token (it is not shown): ")
        .map_err(|error| Failure::failed(format!("reading the token from the terminal: {error}")))
}
