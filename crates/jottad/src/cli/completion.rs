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
use jottad_core::{Mode, Name, StoredName};
use jottad_transport::{Client, HttpOptions, RemotePath, RetryPolicy};

use crate::account::login;
use crate::cli::arguments::Arguments;
use crate::config::Config;
use crate::config::edit::FOLDER_KEYS;
use crate::places::Places;
use crate::remote::local_name;

/// The variable by which the shell's script asks; its value names the shell.
const VARIABLE: &str = "JOTTAD_COMPLETE";
const PROGRAM: &str = "jottad";

/// Takes the home directory off what zsh compares and inserts: it stays in front as it was typed.
const ZSH_HOME: &str = r#"if [[ "$PREFIX" == '~/'* ]] && compset -P '\~/'; then
            completions=("${completions[@]#\~/}")
        fi"#;

/// What bash has split at `=` is asked about as one word.
const BASH_JOINED: &str = r#"local key=""
    if [[ COMP_CWORD -ge 2 && "${COMP_WORDS[COMP_CWORD]}" == "=" ]]; then
        key="${COMP_WORDS[COMP_CWORD - 1]}="
        _CLAP_COMPLETE_INDEX=$((COMP_CWORD - 1))
        words=("${COMP_WORDS[@]:0:COMP_CWORD - 1}" "$key")
    elif [[ COMP_CWORD -ge 3 && "${COMP_WORDS[COMP_CWORD - 1]}" == "=" ]]; then
        key="${COMP_WORDS[COMP_CWORD - 2]}="
        _CLAP_COMPLETE_INDEX=$((COMP_CWORD - 2))
        words=("${COMP_WORDS[@]:0:COMP_CWORD - 2}" "$key$2")
    fi
    "#;
/// It replaces only what stands behind `=`.
const BASH_WITHOUT_KEY: &str = r#"[[ -z $key ]] || COMPREPLY=("${COMPREPLY[@]#"$key"}")
    "#;

/// What ends with `=` is to go on, so zsh puts no space behind it.
const ZSH_KEYS: &str = r#"elif [[ "$value" == *= ]]; then
                keys+=("$completion")
            "#;

/// As long as a person waits for an answer between two letters.
const TIMEOUT: Duration = Duration::from_secs(3);
/// A renewal of the tokens that is under way is waited for: cutting it off would cost the login.
const SETTLING: Duration = Duration::from_secs(10);

/// Which shell asks.
static SHELL: OnceLock<OsString> = OnceLock::new();

/// Answers, if a shell asks; says whether one did.
pub(crate) fn answer_shell() -> bool {
    let Some(shell) = env::var_os(VARIABLE) else { return false };
    let _ = SHELL.set(shell);
    let asked = CompleteEnv::with_factory(|| with_local_paths(Arguments::command()))
        .var(VARIABLE)
        .bin(PROGRAM)
        .completer(PROGRAM);
    let here = env::current_dir().ok();
    // A shell that is not known gets no answer either.
    asked.try_complete(env::args_os(), here.as_deref()).unwrap_or(true)
}

/// Completes local paths wherever one is expected.
fn with_local_paths(command: clap::Command) -> clap::Command {
    let path = clap::builder::ValueParser::path_buf().type_id();
    let complete = |argument: clap::Arg| {
        let is_path = argument.get_value_parser().type_id() == path;
        match argument.get::<ArgValueCompleter>() {
            None if is_path => argument.add(local_path()),
            _ => argument,
        }
    };
    let mut command = command.mut_args(complete);
    let below: Vec<String> = command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    for name in below {
        command = command.mut_subcommand(name, with_local_paths);
    }
    command
}

/// The script by which a shell asks; `None` for a shell that is not known.
pub(crate) fn script(shell: &str) -> Option<Vec<u8>> {
    let mut script = Vec::new();
    let completer = Shells::builtins();
    let completer = completer.completer(shell)?;
    completer.write_registration(VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut script).ok()?;
    if shell == "bash" {
        let text = String::from_utf8(script).ok()?;
        let (before, rest) = text.split_once("COMPREPLY=( $(")?;
        let (asking, after) = rest.split_once("if [[ $? != 0 ]]; then")?;
        // What has become of the question is looked at first.
        let (unset, after) = after.split_once("elif")?;
        script = format!(
            "{before}{BASH_JOINED}COMPREPLY=( $({asking}if [[ $? != 0 ]]; then{unset}fi\n    {BASH_WITHOUT_KEY}if{after}"
        )
        .into_bytes();
        return Some(script);
    }
    if shell == "zsh" {
        // zsh would put a backslash before the home directory, too, if it were not left out of what is
        // compared.
        let text = String::from_utf8(script).ok()?;
        let (before, after) = text.split_once("local -a dirs=()")?;
        let (sorting, after) = after.split_once("else\n                other+=")?;
        let (telling, after) = after.split_once("[[ -n $other ]]")?;
        script = format!(
            "{before}{ZSH_HOME}\n        local -a keys=()\n        local -a dirs=(){sorting}{ZSH_KEYS}else\n                \
             other+={telling}[[ -n $keys ]] && _describe -V 'values' keys -S ''\n        [[ -n $other ]]{after}"
        )
        .into_bytes();
        // As a file `_jottad` the script is itself the function that zsh calls the first time.
        script.extend_from_slice(
            b"if [ \"$funcstack[1]\" = \"_jottad\" ]; then _clap_dynamic_completer_jottad \"$@\"; fi\n",
        );
    }
    Some(script)
}

/// Completes a place on the service.
pub(crate) fn remote_place() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| among(current, |text| find(text).unwrap_or_default()))
}

/// Completes a local path or a place on the service where either may stand.
pub(crate) fn local_path_or_place() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        among(current, |text| {
            let mut found = local_paths(text).unwrap_or_default();
            if !text.starts_with(['~', '.', '/']) {
                found.extend(find(text).unwrap_or_default());
            }
            found
        })
    })
}

/// Completes a place on the service, or a local path where `--local` says that one is meant.
pub(crate) fn place_or_local_path() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let is_local = env::args_os().any(|argument| argument == "--local");
        among(current, |text| if is_local { local_paths(text) } else { find(text) }.unwrap_or_default())
    })
}

/// Completes the name of a folder.
pub(crate) fn folder_name() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| among(current, |_| folder_names().unwrap_or_default()))
}

/// Completes a setting of a folder: its key, and what is known of its values.
pub(crate) fn folder_setting() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| among(current, folder_settings))
}

fn folder_settings(text: &str) -> Vec<String> {
    let Some((key, value)) = text.split_once('=') else {
        return FOLDER_KEYS.iter().map(|key| format!("{key}=")).collect();
    };
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let values: Vec<String> = match key {
        "mode" => Mode::ALL.iter().map(ToString::to_string).collect(),
        "watch" => words(&["auto", "notify", "poll"]),
        "proof" => words(&["auto"]),
        "max_size" => words(&["unlimited"]),
        "local" => local_paths(value).unwrap_or_default(),
        "remote" => find(value).unwrap_or_default(),
        _ => Vec::new(),
    };
    values.iter().map(|value| format!("{key}={value}")).collect()
}

/// Those of the texts that begin as it was typed, as the shell wants them.
fn among(current: &OsStr, texts: impl FnOnce(&str) -> Vec<String>) -> Vec<CompletionCandidate> {
    let Some(typed) = current.to_str() else { return Vec::new() };
    // What is handed over is as it was typed. What bash gets is inserted as it is; other shells put their own
    // backslashes. A bare space can only have been typed within quotes, where backslashes would be in the
    // way.
    let is_bash = SHELL.get().is_some_and(|shell| shell == "bash");
    let is_plain = is_bash && escaped(&unescaped(typed)) != typed;
    // bash takes an open quote off, the others hand it over.
    let quote = typed.chars().next().filter(|first| !is_bash && matches!(first, '\'' | '"'));
    let text = match quote {
        Some(_) => typed[1..].to_owned(),
        None if is_plain => typed.to_owned(),
        None => unescaped(typed),
    };
    let found = texts(&text).into_iter().filter(|found| found.starts_with(&text));
    let found = found.map(|found| if is_bash && !is_plain { escaped(&found) } else { found });
    found.map(CompletionCandidate::new).collect()
}

/// Completes a local path, also one that is below `~`.
fn local_path() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| among(current, |text| local_paths(text).unwrap_or_default()))
}

/// The local paths that begin with what was typed up to its last slash.
fn local_paths(text: &str) -> Option<Vec<String>> {
    let above = &text[..text.rfind('/').map_or(0, |slash| slash + 1)];
    let directory = match above.strip_prefix("~/") {
        Some(rest) => PathBuf::from(env::var_os("HOME")?).join(rest),
        None => PathBuf::from(if above.is_empty() { "." } else { above }),
    };
    let is_hidden_meant = text[above.len()..].starts_with('.');
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(directory).ok()? {
        let Ok(entry) = entry else { continue };
        let Ok(name) = entry.file_name().into_string() else { continue };
        if name.contains(char::is_control) || (name.starts_with('.') && !is_hidden_meant) {
            continue;
        }
        let slash = if entry.path().is_dir() { "/" } else { "" };
        paths.push(format!("{above}{name}{slash}"));
    }
    paths.sort();
    Some(paths)
}

fn folder_names() -> Option<Vec<String>> {
    let (config_file, state_dir) = told_places(env::args_os());
    let config = Config::load_tolerantly(&Places::find(config_file, state_dir).ok()?).ok()?;
    Some(config.names().map(str::to_owned).collect())
}

/// The places that begin with what was typed up to its last slash.
fn find(text: &str) -> Option<Vec<String>> {
    let (config_file, state_dir) = told_places(env::args_os());
    let places = Places::find(config_file, state_dir).ok()?;
    let config = Config::load(&places).ok()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    let options = HttpOptions {
        connect_timeout: TIMEOUT,
        stall_timeout: TIMEOUT,
        retry: RetryPolicy::never(),
        ..HttpOptions::default()
    };
    // A keyring may ask a person for its password first, and nobody waits for that here.
    let (sender, opened) = mpsc::channel();
    thread::spawn(move || sender.send(login::client_with(&places, &config, options)));
    let client = opened.recv_timeout(TIMEOUT).ok()?.ok()?;
    let found = runtime.block_on(async {
        let found = tokio::time::timeout(TIMEOUT, list(&client, text)).await;
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

/// Puts a backslash before whatever means something to a shell, but for a home directory at the beginning.
fn escaped(text: &str) -> String {
    let (mut quoted, text) = match text.strip_prefix("~/") {
        Some(rest) => ("~/".to_owned(), rest),
        None => (String::new(), text),
    };
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
        for (plain, quoted) in [
            ("Jotta/a b", "Jotta/a\\ b"),
            ("~/a b", "~/a\\ b"),
            ("a/~", "a/\\~"),
            ("it's (1)", "it\\'s\\ \\(1\\)"),
            ("a\\b", "a\\\\b"),
        ] {
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
