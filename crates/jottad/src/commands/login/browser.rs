//! With a browser, which comes back to a port of this machine, or whose address a person brings back by hand.

use std::io::{self, IsTerminal as _};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use jottad_transport::{AuthorizationCode, Brand, BrowserLogin, Error, HostIdentity};
use serde_json::json;
use tokio::sync::mpsc;

use super::Beginning;
use crate::account::login;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::remark;

/// Nobody takes so long; a script that waits for nobody must end.
const TIMEOUT: Duration = Duration::from_mins(15);

/// Logs in to a brand.
pub(super) fn run(
    beginning: &Beginning<'_>,
    brand: &'static Brand,
    port: u16,
    no_browser: bool,
) -> Result<Exit, Failure> {
    let file = login::prepare(&beginning.invocation.places, beginning.config)?;
    beginning.invocation.wait(async {
        let endpoints = &beginning.config.service.endpoints;
        let login = BrowserLogin::begin(beginning.invocation.connections()?, endpoints, brand, port)
            .await
            .map_err(explain)?;
        show(beginning, brand, &login, no_browser)?;
        let waiting = tokio::time::timeout(TIMEOUT, wait(&login)).await;
        let code = waiting.map_err(|_| {
            Failure::failed(format!("no browser came back within {} minutes", TIMEOUT.as_secs() / 60))
                .hint("run the command again, and open the address that it prints")
        })??;
        let granted = login.redeem(code, file, &HostIdentity::of_this_machine()).await.map_err(explain)?;
        beginning.keep(granted).await
    })
}

/// Says where to go, and goes there where there is a browser.
fn show(
    beginning: &Beginning<'_>,
    brand: &Brand,
    login: &BrowserLogin,
    no_browser: bool,
) -> Result<(), Failure> {
    let output = beginning.invocation.output;
    let opened = !no_browser && open_browser(login.url());
    if opened {
        remark(format_args!(
            "Log in to {} in the browser that opens, or open this address yourself:",
            brand.name
        ));
        remark(login.url());
        return Ok(());
    }
    remark(format_args!("Log in to {} with a browser at this address:", brand.name));
    output.either(&json!({"schema": 1, "url": login.url()}), || output.line(login.url()))?;
    let port = login.port();
    remark(format_args!(
        "Is the browser on another machine? Log in from there with `ssh -L {port}:localhost:{port} …` first,"
    ));
    remark("or copy the address of the page that it could not open in the end, and paste it here.");
    Ok(())
}

/// Waits for the browser itself or, on a terminal, for an address that a person pastes.
async fn wait(login: &BrowserLogin) -> Result<AuthorizationCode, Failure> {
    let mut pasted = pasted_lines();
    let mut browser = std::pin::pin!(login.wait());
    loop {
        tokio::select! {
            code = &mut browser => return code.map_err(explain),
            Some(line) = pasted.recv() => match login.read_address(&line) {
                Some(code) => return code.map_err(explain),
                None if line.trim().is_empty() => {}
                None => remark(
                    "This is not the address of this login: it begins with http://localhost and has \"code=\" in it.",
                ),
            },
        }
    }
}

/// The lines that a person pastes; none without a terminal.
fn pasted_lines() -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    if io::stdin().is_terminal() {
        // Reading from a terminal cannot be called off: the thread ends with the program.
        let read = move || {
            for line in io::stdin().lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        };
        let _ = thread::Builder::new().name("pasted lines".to_owned()).spawn(read);
    }
    receiver
}

/// Asks the desktop to open an address; whether there is a desktop that was asked.
fn open_browser(url: &str) -> bool {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    // Over ssh the screen is somewhere else.
    let has_screen = if cfg!(target_os = "macos") {
        !is_set("SSH_CONNECTION")
    } else {
        ["DISPLAY", "WAYLAND_DISPLAY"].into_iter().any(is_set)
    };
    if !has_screen {
        return false;
    }
    let quiet = [Stdio::null(), Stdio::null(), Stdio::null()];
    let [stdin, stdout, stderr] = quiet;
    let started = Command::new(opener).arg(url).stdin(stdin).stdout(stdout).stderr(stderr).spawn();
    match started {
        Ok(mut opener) => {
            // It may run for as long as the browser does; waiting for it is for a thread that nobody waits
            // for.
            let _ = thread::Builder::new().name("opener".to_owned()).spawn(move || opener.wait());
            true
        }
        Err(error) => {
            tracing::debug!(%error, opener, "no browser was opened");
            false
        }
    }
}

fn explain(error: Error) -> Failure {
    match &error {
        Error::RedirectPort { .. } => Failure::from(error)
            .hint("is another login running? End it, or choose a port with --redirect-port and hope that the service takes it"),
        Error::LoginRefused { .. } => Failure::from(error).hint("run the command again to begin a new login"),
        _ => error.into(),
    }
}
