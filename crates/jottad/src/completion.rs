//! Answering a shell that wants a command line completed; places on the service are looked up there.
//!
//! Whatever goes wrong, the shell gets an empty answer: nobody wants to read about the network between two
//! letters. It gets one soon, too.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::{OnceLock, mpsc};
use std::thread;
use std::time::Duration;

use clap::CommandFactory as _;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use clap_complete::env::{CompleteEnv, Shells};
use jottad_core::{Name, StoredName};
use jottad_transport::{Client, HttpOptions, RemotePath, RetryPolicy};

use crate::arguments::Arguments;
use crate::config::Config;
use crate::login;
use crate::places::Places;
use crate::remote::local_name;

/// The variable by which the shell's script asks; its value names the shell.
const VARIABLE: &str = "JOTTAD_COMPLETE";
const PROGRAM: &str = "jottad";

/// As long as a person waits for an answer between two letters.
const PATIENCE: Duration = Duration::from_secs(3);
/// A renewal of the tokens that is under way is waited for: cutting it off would cost the login.
const SETTLING: Duration = Duration::from_secs(10);

/// Which shell asks.
static SHELL: OnceLock<OsString> = OnceLock::new();

/// Answers, if a shell asks; says whether one did.
pub(crate) fn answer_shell() -> bool {
    let Some(shell) = env::var_os(VARIABLE) else { return false };
    let _ = SHELL.set(shell);
    let asked = CompleteEnv::with_factory(Arguments::command).var(VARIABLE).bin(PROGRAM).completer(PROGRAM);
    let here = env::current_dir().ok();
    // A shell that is not known gets no answer either.
    asked.try_complete(env::args_os(), here.as_deref()).unwrap_or(true)
}

/// The script by which a shell asks; `None` for a shell that is not known.
pub(crate) fn script(shell: &str) -> Option<Vec<u8>> {
    let mut script = Vec::new();
    let completer = Shells::builtins();
    let completer = completer.completer(shell)?;
    completer.write_registration(VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut script).ok()?;
    if shell == "zsh" {
        // As a file `_jottad` the script is itself the function that zsh calls the first time.
        script.extend_from_slice(
            b"if [ \"$funcstack[1]\" = \"_jottad\" ]; then _clap_dynamic_completer_jottad \"$@\"; fi\n",
        );
    }
    Some(script)
}

/// Completes a place on the service.
pub(crate) fn remote_place() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let is_bash = SHELL.get().is_some_and(|shell| shell == "bash");
        let Some(text) = current.to_str() else { return Vec::new() };
        // What bash hands over is as it was typed, and what it gets is inserted as it is. A bare space can
        // only have been typed within quotes, where backslashes would be in the way.
        let is_bash = is_bash && escaped(&unescaped(text)) == text;
        let text = if is_bash { unescaped(text) } else { text.to_owned() };
        let found = find(&text).unwrap_or_default().into_iter();
        let found = found.filter(|place| place.starts_with(&text));
        found
            .map(|place| if is_bash { escaped(&place) } else { place })
            .map(CompletionCandidate::new)
            .collect()
    })
}

/// The places that begin with what was typed up to its last slash.
fn find(text: &str) -> Option<Vec<String>> {
    let (config_file, state_dir) = told_places(env::args_os());
    let places = Places::find(config_file, state_dir).ok()?;
    let config = Config::load(&places).ok()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    let options = HttpOptions {
        connect_timeout: PATIENCE,
        stall_timeout: PATIENCE,
        retry: RetryPolicy::never(),
        ..HttpOptions::default()
    };
    // A keyring may ask a person for its password first, and nobody waits for that here.
    let (sender, opened) = mpsc::channel();
    thread::spawn(move || sender.send(login::client_with(&places, &config, options)));
    let client = opened.recv_timeout(PATIENCE).ok()?.ok()?;
    let found = runtime.block_on(async {
        let found = tokio::time::timeout(PATIENCE, list(&client, text)).await;
        let _ = tokio::time::timeout(SETTLING, client.session().settle()).await;
        found
    });
    found.ok().flatten()
}

async fn list(client: &Client, text: &str) -> Option<Vec<String>> {
    let above = &text[..text.rfind('/').map_or(0, |slash| slash + 1)];
    let names = above.split('/').filter(|name| !name.is_empty()).collect::<Vec<_>>();
    let folder = |name: &StoredName| format!("{above}{name}/");
    Some(match names[..] {
        [] => client.user().await.ok()?.devices.iter().map(|device| folder(&device.name)).collect(),
        [device] => {
            let device = client.device(&StoredName::new(device)?).await.ok()??;
            let live = device.mountpoints.iter().filter(|mountpoint| !mountpoint.trashed);
            live.map(|mountpoint| folder(&mountpoint.name)).collect()
        }
        _ => {
            let listing = client.folder(&RemotePath::parse(above).ok()?).await.ok()??;
            let folders = listing.folders.iter().filter(|folder| folder.trashed.is_none());
            let folders = folders.filter_map(|folder| Some(format!("{above}{}/", told_name(&folder.name)?)));
            let files = listing.files.iter().filter(|file| file.live().is_some());
            folders
                .chain(files.filter_map(|file| Some(format!("{above}{}", told_name(&file.name)?))))
                .collect()
        }
    })
}

/// A name as it can be typed; not one with line breaks or bytes that are no text.
fn told_name(stored: &StoredName) -> Option<String> {
    let name: Name = local_name(stored).ok()?;
    let text = std::str::from_utf8(name.as_bytes()).ok()?;
    (!text.contains(char::is_control)).then(|| text.to_owned())
}

/// Where things are by the options on the line that is completed; those of the environment are found anyway.
fn told_places(arguments: impl Iterator<Item = OsString>) -> (Option<PathBuf>, Option<PathBuf>) {
    let mut told: [Option<PathBuf>; 2] =
        ["JOTTAD_CONFIG", "JOTTAD_STATE_DIR"].map(|name| env::var_os(name).map(PathBuf::from));
    let mut awaited = None;
    for argument in arguments {
        if let Some(index) = awaited.take() {
            told[index] = Some(argument.into());
            continue;
        }
        for (index, option) in ["--config", "--state-dir"].into_iter().enumerate() {
            let Some(text) = argument.to_str() else { continue };
            if text == option {
                awaited = Some(index);
            } else if let Some(value) = text.strip_prefix(option).and_then(|rest| rest.strip_prefix('=')) {
                told[index] = Some(value.into());
            }
        }
    }
    let [config_file, state_dir] = told;
    (config_file, state_dir)
}

/// Takes the backslashes away.
fn unescaped(text: &str) -> String {
    let mut plain = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        plain.extend(if character == '\\' { characters.next() } else { Some(character) });
    }
    plain
}

/// Puts a backslash before whatever means something to a shell.
fn escaped(text: &str) -> String {
    let mut quoted = String::new();
    for character in text.chars() {
        if " \t\\'\"`$&|;<>()[]{}*?!#~^".contains(character) {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bash_gets_back_what_it_can_read() {
        for (plain, quoted) in
            [("Jotta/a b", "Jotta/a\\ b"), ("it's (1)", "it\\'s\\ \\(1\\)"), ("a\\b", "a\\\\b")]
        {
            assert_eq!(escaped(plain), quoted);
            assert_eq!(unescaped(quoted), plain);
        }
        assert_eq!(unescaped("half\\"), "half");
    }

    #[test]
    fn the_options_on_the_line_say_where_things_are() {
        let line = ["jottad", "--", "jottad", "--config", "/c", "--state-dir=/s", "ls", ""];
        let told = told_places(line.into_iter().map(OsString::from));
        assert_eq!(told, (Some("/c".into()), Some("/s".into())));
    }
}
