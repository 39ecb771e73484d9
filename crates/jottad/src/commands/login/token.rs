//! With a personal login token, which a person makes on the web page and which works once.

use std::io::{self, Read as _};

use jottad_transport::{Brand, CredentialFile, Error, ErrorKind, HostIdentity, LoginToken};

use super::{Beginning, TRIES};
use crate::account::login;
use crate::cli::asking;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::remark;

/// Where tokens are made.
const TOKEN_PAGE: &str = "https://www.jottacloud.com/web/secure";
/// No token is nearly as long; a whole disk that is piped in by mistake is not read.
const LONGEST_TOKEN: u64 = 64 * 1024;

/// Logs in with the token on standard input.
pub(super) fn run_stdin(beginning: &Beginning<'_>, brand: Option<&'static Brand>) -> Result<Exit, Failure> {
    let token = login_token_from_stdin()?;
    if let Some(wanted) = brand {
        check_brand(&token, wanted)?;
    }
    let file = login::prepare(&beginning.invocation.places, beginning.config)?;
    beginning.invocation.wait(log_in(beginning, &token, file))
}

/// Asks for a token, and again after a mistake.
pub(super) fn run_terminal(beginning: &Beginning<'_>) -> Result<Exit, Failure> {
    asking::need_terminal("the login token", "pass it on standard input: jottad login --token-stdin < FILE")?;
    let file = login::prepare(&beginning.invocation.places, beginning.config)?;
    remark(format_args!(
        "Make a personal login token at {TOKEN_PAGE} (Settings, Security) and paste it here."
    ));
    let mut tries = 0;
    loop {
        tries += 1;
        let attempt = || {
            let token = parse(&asking::ask_hidden("Token (it is not shown): ", beginning.invocation)?)?;
            beginning.invocation.wait(log_in(beginning, &token, file.clone()))
        };
        match attempt() {
            Err(failure) if failure.is_mistake() && tries < TRIES => remark(&failure),
            ended => return ended,
        }
    }
}

async fn log_in(
    beginning: &Beginning<'_>,
    token: &LoginToken,
    file: CredentialFile,
) -> Result<Exit, Failure> {
    let granted =
        token.spend(beginning.invocation.connections()?, file, &HostIdentity::of_this_machine()).await;
    beginning.keep(granted.map_err(explain)?).await
}

/// The token on standard input.
pub(crate) fn login_token_from_stdin() -> Result<LoginToken, Failure> {
    parse(&read_token()?)
}

fn parse(text: &str) -> Result<LoginToken, Failure> {
    LoginToken::parse(text).map_err(|error| {
        let hint = match error {
            Error::InsecureUrl { .. } => "this is no token of Jottacloud's web page; do not use it",
            _ => "copy the whole token from https://www.jottacloud.com/web/secure",
        };
        Failure::from(error).hint(hint).mistake()
    })
}

fn explain(error: Error) -> Failure {
    match error.kind() {
        ErrorKind::LoginNeeded => Failure::from(error)
            .hint(format!("each token works once, and not for long: make a new one at {TOKEN_PAGE}"))
            .mistake(),
        ErrorKind::Protocol | ErrorKind::NotFound => Failure::from(error).hint(format!(
            "the token names this host as its login service; make one at {TOKEN_PAGE} if it is not yours"
        )),
        _ => error.into(),
    }
}

fn check_brand(token: &LoginToken, wanted: &Brand) -> Result<(), Failure> {
    match token.brand() {
        // Brands that share a realm cannot be told apart by it.
        Some(found) if found.shares_login_with(wanted) => Ok(()),
        found => {
            let found = found
                .map_or_else(|| format!("{:?}", token.realm.as_deref().unwrap_or("")), |it| it.name.into());
            Err(Failure::usage(format!("this is a token of {found}, not of {}", wanted.name)).hint(
                "it was not used; leave --brand (and `brand` in the config) out, or make the right token",
            ))
        }
    }
}

fn read_token() -> Result<String, Failure> {
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
