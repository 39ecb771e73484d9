//! Changing the config file as a careful person would: comments and order stay, and the file is replaced in
//! one step.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, Value, value};

use super::{Config, ConfigError};
use crate::cli::failure::Failure;
use crate::places::Places;

/// The keys of a folder, in the order in which they are written.
pub(crate) const FOLDER_KEYS: [&str; 12] = [
    "name", "local", "remote", "mode", "ignore", "settle", "poll", "proof", "scan", "watch", "max_size",
    "resend",
];

/// What `folder add` writes.
#[derive(Debug, Clone)]
pub(crate) struct NewFolder {
    pub(crate) name: String,
    pub(crate) local: String,
    pub(crate) remote: String,
    pub(crate) mode: String,
}

/// A config file that is being changed.
#[derive(Debug)]
pub(crate) struct Editor<'places> {
    places: &'places Places,
    /// The file itself, when the configured path is a symbolic link.
    file: PathBuf,
    document: DocumentMut,
    text: String,
    /// What the file said before, or what was wrong with all of it.
    before: Result<Config, ConfigError>,
    /// The keys whose values are those of the command.
    given: Vec<&'static str>,
    /// The names of the folders that the command sets something of.
    set: Vec<String>,
}

/// What is accepted for a key of a folder, as it is written on the command line.
pub(super) fn accepted(key: &str) -> Option<&'static str> {
    Some(match key {
        "name" => "1 to 100 bytes without a slash that do not begin with a dot or a dash",
        "local" => "a directory that is there, without .. in its path: ~/Documents",
        "remote" => "DEVICE/MOUNTPOINT[/path]: Jotta/Archive/Documents",
        "mode" => "backup, sync, archive or pull",
        "ignore" => "rules as in .gitignore, with commas between them: '*.tmp,node_modules/'",
        "settle" | "resend" => "a duration up to 31d: 0s, 500ms, 10m or 6h",
        "poll" | "scan" => "a duration from 1s to 31d: 10m or 6h",
        "proof" => "auto, or a duration from 1s to 31d: 10m or 6h",
        "watch" => "auto, notify or poll",
        "max_size" => "unlimited, or a size with its unit: '500 kB', '10 MiB' or '4096 B'",
        _ => return None,
    })
}

impl<'places> Editor<'places> {
    /// Reads the file; one that does not exist is begun.
    pub(crate) fn open(places: &'places Places) -> Result<Self, Failure> {
        let file = fs::canonicalize(&places.config_file).unwrap_or_else(|_| places.config_file.clone());
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(trouble("reading", &file, &error)),
        };
        Self::on(places, file, text)
    }

    fn on(places: &'places Places, file: PathBuf, text: String) -> Result<Self, Failure> {
        // A change may mend what is wrong already; text that is no TOML cannot be changed at all.
        let before = Config::parse_tolerantly(&text, places);
        let document = match (text.parse(), &before) {
            (Ok(document), _) => document,
            (Err(_), Err(error)) => return Err(error.clone().into()),
            (Err(error), Ok(_)) => {
                return Err(Failure::usage(format!("{}: {error}", places.config_file.display())));
            }
        };
        Ok(Self { places, file, document, text, before, given: Vec::new(), set: Vec::new() })
    }

    /// Adds a folder at the end.
    pub(crate) fn add(&mut self, folder: &NewFolder) -> Result<(), Failure> {
        let mut table = Table::new();
        let values = [&folder.name, &folder.local, &folder.remote, &folder.mode];
        for (key, text) in FOLDER_KEYS.iter().zip(values) {
            table.insert(key, value(text.as_str()));
        }
        if !self.text.trim().is_empty() {
            table.decor_mut().set_prefix("\n");
        }
        self.given.extend(&FOLDER_KEYS[..values.len()]);
        self.tables()?.push(table);
        Ok(())
    }

    /// Removes a folder; `false` if there is none of that name.
    pub(crate) fn remove(&mut self, name: &str) -> Result<bool, Failure> {
        let Some(index) = self.position(name)? else { return Ok(false) };
        self.tables()?.remove(index);
        Ok(true)
    }

    /// Sets a key of a folder; `false` if there is none of that name.
    pub(crate) fn set(&mut self, name: &str, key: &str, text: &str) -> Result<bool, Failure> {
        let Some(known) = FOLDER_KEYS.iter().find(|known| **known == key) else {
            let keys = FOLDER_KEYS.join(", ");
            return Err(
                Failure::usage(format!("{key:?} is no key of a folder")).hint(format!("the keys are {keys}"))
            );
        };
        self.given.push(known);
        self.set.push(name.to_owned());
        let new = if key == "ignore" { list_value(text)? } else { Value::from(text) };
        let Some(index) = self.position(name)? else { return Ok(false) };
        let Some(table) = self.tables()?.get_mut(index) else { return Ok(false) };
        match table.get_mut(key).and_then(Item::as_value_mut) {
            // The decoration holds the comment at the line's end.
            Some(old) => {
                let decor = old.decor().clone();
                *old = new;
                *old.decor_mut() = decor;
            }
            None => {
                table.insert(key, Item::Value(new));
            }
        }
        Ok(true)
    }

    /// What the file would mean as it is now, or why it must not be written. A folder that was wrong before
    /// is held alone, and no hindrance to a change of another one. What is wrong with the whole file is told
    /// with its line.
    pub(crate) fn check(&self) -> Result<Config, Failure> {
        let config = match (Config::parse_tolerantly(&self.document.to_string(), self.places), &self.before) {
            (Ok(config), _) => config,
            (Err(error), Err(before)) if error.reason == before.reason => return Err(before.clone().into()),
            (Err(error), _) => return Err(self.refusal(error)),
        };
        for wrong in &config.wrong {
            let mut before = self.before.iter().flat_map(|before| &before.wrong);
            match before.find(|before| before.name == wrong.name) {
                None => return Err(self.refusal(wrong.error.clone())),
                Some(before) if wrong.is_in_file && before.error.reason == wrong.error.reason => {
                    if self.set.contains(&wrong.name) {
                        return Err(before.failure());
                    }
                }
                Some(_) if wrong.is_in_file => return Err(self.refusal(wrong.error.clone())),
                // A path leads elsewhere than when it was written.
                Some(_) => {}
            }
        }
        Ok(config)
    }

    /// What is wrong with the change. The file does not have it yet, so it is about the command.
    fn refusal(&self, error: ConfigError) -> Failure {
        if self.before.is_err() {
            // It may be about what was written wrongly before and could not be told yet. The line is one of a
            // file that does not exist: it would only mislead.
            return ConfigError { line: None, ..error }.into();
        }
        let failure = Failure::usage(error.reason);
        let key = error.key.as_deref();
        match (error.hint, key.and_then(|key| Some((key, accepted(key)?)))) {
            (Some(hint), _) => failure.hint(hint),
            (None, Some((key, accepted))) if self.given.contains(&key) => {
                failure.hint(format!("nothing was changed; {key} may be {accepted}"))
            }
            // It was hidden by what the change mends.
            (None, Some((key, accepted))) => failure
                .hint(format!("nothing was changed; set {key} in the same command: {key} may be {accepted}")),
            (None, None) => failure.hint("nothing was changed; correct the command"),
        }
    }

    /// Checks the result and replaces the file with it; returns what it means now.
    ///
    /// The new file is on disk before the old one goes, and keeps its permissions.
    pub(crate) fn save(self) -> Result<Config, Failure> {
        let config = self.check()?;
        let text = self.document.to_string();
        let directory = self.file.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(directory).map_err(|error| trouble("making", directory, &error))?;
        replace(&self.file, directory, &text).map_err(|error| trouble("writing", &self.file, &error))?;
        Ok(config)
    }

    fn tables(&mut self) -> Result<&mut ArrayOfTables, Failure> {
        let item = self.document.entry("folder").or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
        item.as_array_of_tables_mut().ok_or_else(|| {
            Failure::usage(format!(
                "{}: the folders are written as a list",
                self.places.config_file.display()
            ))
            .hint("write each as a table that begins with [[folder]]")
        })
    }

    fn position(&mut self, name: &str) -> Result<Option<usize>, Failure> {
        let named = |table: &Table| table.get("name").and_then(Item::as_str) == Some(name);
        Ok(self.tables()?.iter().position(named))
    }
}

fn replace(file: &Path, directory: &Path, text: &str) -> io::Result<()> {
    // The name of a file that is not there yet tells nobody anything.
    let made = tempfile::NamedTempFile::new_in(directory);
    let mut temporary = made.map_err(|error| io::Error::from(error.kind()))?;
    temporary.write_all(text.as_bytes())?;
    if let Ok(metadata) = fs::metadata(file) {
        temporary.as_file().set_permissions(metadata.permissions())?;
    }
    temporary.as_file().sync_all()?;
    temporary.persist(file).map_err(|error| error.error)?;
    fs::File::open(directory)?.sync_all()
}

/// A list as it is written in TOML, or rules with commas between them. A comma that belongs to a rule stands
/// behind a backslash, and a rule may begin with a bracket.
fn list_value(text: &str) -> Result<Value, Failure> {
    let is_list = text.trim().starts_with('[') && (text.trim().ends_with(']') || text.contains(['"', '\'']));
    if !is_list {
        return Ok(Value::from(split_rules(text).into_iter().collect::<toml_edit::Array>()));
    }
    text.parse().map_err(|error: toml_edit::TomlError| {
        let reason = error.message().lines().collect::<Vec<_>>().join(", ");
        Failure::usage(format!("{text:?} is not a list: {reason}"))
            .hint("write it as in the config file: ignore='[\"*.tmp\", \"node_modules/\"]'")
    })
}

fn split_rules(text: &str) -> Vec<String> {
    let mut rules = Vec::new();
    let mut rule = String::new();
    // Commas in braces are alternatives of one rule.
    let mut depth = 0_u32;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            ',' if depth == 0 => {
                rules.push(std::mem::take(&mut rule));
                continue;
            }
            '\\' if characters.next_if_eq(&',').is_some() => {
                rule.push(',');
                continue;
            }
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        rule.push(character);
    }
    rules.push(rule);
    let rules = rules.into_iter().map(|rule| rule.trim().to_owned());
    rules.filter(|rule| !rule.is_empty()).collect()
}

fn trouble(action: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::of_system(format_args!("{action} {}", path.display()), error).path(path.display().to_string())
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let failure = Self::usage(error.to_string()).path(error.file.display().to_string());
        let mend = || "correct the file at that place; `jottad folder list` reads it again".to_owned();
        failure.hint(error.hint.unwrap_or_else(mend))
    }
}

#[cfg(test)]
mod tests;
