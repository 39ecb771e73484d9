//! Commands that people are told to type. They mean the config and the state directory that this command was
//! given: options of the command line are gone when it has ended, unlike variables of the environment.
//!
//! A daemon and the engine write plain commands into their words, because they do not know how the next
//! person calls them. The options come in where the words are printed. JSON carries the words as they are.

use std::collections::BTreeSet;
use std::sync::{PoisonError, RwLock};

use clap::CommandFactory as _;
use clap::parser::ValueSource;
use jottad_core::shell_word;

use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::places::Places;

static CALLED: RwLock<Called> = RwLock::new(Called { options: String::new(), commands: BTreeSet::new() });

/// How the program was called.
#[derive(Debug, Default)]
struct Called {
    /// The options that every command needs to mean the same; empty where none does.
    options: String,
    /// The names of all commands.
    commands: BTreeSet<String>,
}

/// Remembers the options that were given on the command line, as far as they change anything.
pub(crate) fn remember(matches: &clap::ArgMatches, places: &Places) -> Result<(), Failure> {
    let is_given = |option: &str| matches.value_source(option) == Some(ValueSource::CommandLine);
    let given = |option: &str, variable: &str| {
        // As if the option were not there.
        if is_given(option) { std::env::var_os(variable).filter(|path| !path.is_empty()) } else { None }
    };
    let usual = Places::find(
        given("config", "JOTTAD_CONFIG").map(Into::into),
        given("state_dir", "JOTTAD_STATE_DIR").map(Into::into),
    )?;
    let typed = |option: &str| {
        let path = matches.get_one::<std::path::PathBuf>(option).filter(|_| is_given(option))?;
        Some(shell_word(path.display()))
    };
    let config = typed("config").filter(|_| places.config_file != usual.config_file);
    let state_dir = typed("state_dir").filter(|_| places.state_dir != usual.state_dir);
    let config = config.map(|path| format!("--config {path} "));
    let state_dir = state_dir.map(|path| format!("--state-dir {path} "));
    mean_with([config, state_dir].into_iter().flatten().collect());
    Ok(())
}

/// From now on commands mean these places.
pub(crate) fn mean(places: &Places) {
    let (config, state_dir) =
        (shell_word(places.config_file.display()), shell_word(places.state_dir.display()));
    mean_with(format!("--config {config} --state-dir {state_dir} "));
}

fn mean_with(options: String) {
    let mut commands = BTreeSet::new();
    if !options.is_empty() {
        let names = Arguments::command();
        commands.extend(names.get_subcommands().map(|command| command.get_name().to_owned()));
    }
    *CALLED.write().unwrap_or_else(PoisonError::into_inner) = Called { options, commands };
}

/// Any text, in which what stands in backquotes or behind a colon may be a command.
pub(crate) fn text(text: &str) -> String {
    CALLED.read().unwrap_or_else(PoisonError::into_inner).complete(text, false)
}

/// What a person is told to do. A command may stand in it without backquotes; a name that looks like one is
/// quoted.
pub(crate) fn advice(text: &str) -> String {
    CALLED.read().unwrap_or_else(PoisonError::into_inner).complete(text, true)
}

impl Called {
    /// The text with the options in each of its commands. Doing it again changes nothing.
    fn complete(&self, text: &str, is_advice: bool) -> String {
        const PROGRAM: &str = "jottad ";
        if self.options.is_empty() || !text.contains(PROGRAM) {
            return text.to_owned();
        }
        let mut completed = String::new();
        let mut rest = text;
        let mut before: Option<char> = None;
        let is_announced = |completed: &str| completed.ends_with('`') || completed.ends_with(": ");
        while let Some(next) = rest.chars().next() {
            let begins_word = before.is_none_or(|before| before.is_whitespace() || "`(=".contains(before));
            let end = if begins_word && matches!(next, '\'' | '"') {
                // A name goes through as it is.
                rest[1..].find(next).map_or(1, |end| end + 2)
            } else if let Some(words) = rest.strip_prefix(PROGRAM)
                && (is_announced(&completed) || (is_advice && begins_word))
                && self.begins_with_command(words)
            {
                completed.extend([PROGRAM, &self.options]);
                (before, rest) = (Some(' '), words);
                continue;
            } else {
                next.len_utf8()
            };
            completed.push_str(&rest[..end]);
            before = rest[..end].chars().next_back();
            rest = &rest[end..];
        }
        completed
    }

    fn begins_with_command(&self, words: &str) -> bool {
        let end = words.find(|character: char| !character.is_ascii_alphanumeric() && character != '-');
        self.commands.contains(&words[..end.unwrap_or(words.len())])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called() -> Called {
        let commands = ["approve", "login", "status", "folder"].map(str::to_owned).into();
        Called { options: "--config 'my c.toml' ".to_owned(), commands }
    }

    #[test]
    fn commands_carry_the_options_and_nothing_else_does() {
        for (text, in_text, in_advice) in [
            ("`jottad status`", "`jottad --config 'my c.toml' status`", None),
            (
                "see `jottad approve 'it is'`; ok",
                "see `jottad --config 'my c.toml' approve 'it is'`; ok",
                None,
            ),
            ("log in with: jottad login", "log in with: jottad --config 'my c.toml' login", None),
            ("jottad login", "jottad login", Some("jottad --config 'my c.toml' login")),
            (
                "jottad login, then jottad folder add LOCAL",
                "jottad login, then jottad folder add LOCAL",
                Some("jottad --config 'my c.toml' login, then jottad --config 'my c.toml' folder add LOCAL"),
            ),
            // Words about the program, a part of a path, names in quotes.
            ("another jottad is running", "another jottad is running", None),
            ("let jottad loginfo be", "let jottad loginfo be", None),
            ("/home/jottad login", "/home/jottad login", None),
            ("move 'a jottad login'", "move 'a jottad login'", None),
            ("\"jottad status\": it's held", "\"jottad status\": it's held", None),
            ("jottad --help", "jottad --help", None),
            ("it's 'odd: jottad login", "it's 'odd: jottad --config 'my c.toml' login", None),
            (
                "it is theirs jottad login",
                "it is theirs jottad login",
                Some("it is theirs jottad --config 'my c.toml' login"),
            ),
            ("日本 `jottad status` 日本", "日本 `jottad --config 'my c.toml' status` 日本", None),
        ] {
            let called = called();
            let advice = in_advice.unwrap_or(in_text);
            assert_eq!(called.complete(text, false), in_text, "{text}");
            assert_eq!(called.complete(text, true), advice, "{text}");
            assert_eq!(called.complete(advice, true), advice, "a second time");
            assert_eq!(Called::default().complete(text, true), text);
        }
    }
}
