//! The text of a config file, and errors that point into it.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::{Spanned, Value};

use super::raw::{Field, RawConfig};

/// A key that other programs offer and this one must not (protocol 4.6).
const NO_VERSIONS: &str = "no_versions";
const WHY_NO_VERSIONS: &str = "no_versions: not offered, because the service can only be kept from making a version by \
    destroying the file before it is sent: it is missing meanwhile, and lost if sending it fails";

/// Something in the config file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConfigError {
    /// The file.
    pub(crate) file: PathBuf,
    /// The line, from 1; `None` if it is about the file as a whole.
    pub(crate) line: Option<usize>,
    /// Which key, and what is wrong with it.
    pub(crate) reason: String,
    /// The key of its section whose value is wrong or missing, if it is about one.
    pub(crate) key: Option<String>,
    /// What mends it, where the reason does not say.
    pub(crate) hint: Option<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(formatter, ":{line}")?;
        }
        write!(formatter, ": {}", self.reason)
    }
}

impl std::error::Error for ConfigError {}

impl ConfigError {
    /// Adds what mends it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// A config file that was read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'text> {
    pub(crate) file: &'text Path,
    pub(crate) text: &'text str,
}

impl Source<'_> {
    /// Reads the text's shape.
    pub(crate) fn parse(&self) -> Result<RawConfig, ConfigError> {
        toml::from_str(self.text).map_err(|error| {
            // The library speaks of fields; the file has keys.
            let reason = error
                .message()
                .replace("unknown field", "unknown key")
                .replace("missing field", "missing key");
            let error_at = |reason: String| self.refuse(error.span(), reason);
            let written = error.span().and_then(|place| self.text.get(place));
            if written == Some(NO_VERSIONS) {
                return error_at(WHY_NO_VERSIONS.to_owned()).hint(
                    "remove the line; the service keeps the newest five versions of a file and no more",
                );
            }
            error_at(reason.lines().collect::<Vec<_>>().join(", "))
        })
    }

    /// An error about a place in the text.
    pub(crate) fn refuse(&self, place: Option<Range<usize>>, reason: impl Into<String>) -> ConfigError {
        let line = place.map(|place| {
            let before = self.text.as_bytes().iter().take(place.start);
            1 + before.filter(|byte| **byte == b'\n').count()
        });
        ConfigError { file: self.file.to_owned(), line, reason: reason.into(), key: None, hint: None }
    }
}

/// One table of the file: reads its values and names it in errors.
#[derive(Debug, Clone)]
pub(crate) struct Section<'text> {
    pub(crate) source: Source<'text>,
    /// As errors name it: `[guard]` or `folder "docs"`.
    pub(crate) name: String,
}

impl Section<'_> {
    /// An error about one of its values.
    pub(crate) fn refuse(&self, key: &str, value: &Spanned<Value>, reason: impl fmt::Display) -> ConfigError {
        self.refuse_at(value.span(), key, reason)
    }

    /// An error about one text of a list: its line is where the text stands, as far as that can be told.
    pub(crate) fn refuse_item(
        &self,
        key: &str,
        list: &Spanned<Value>,
        item: &str,
        reason: impl fmt::Display,
    ) -> ConfigError {
        let span = list.span();
        let written = self.source.text.get(span.clone()).unwrap_or_default();
        // Quoted, so that it is not found within another one.
        let quoted = ['"', '\''].map(|quote| format!("{quote}{item}{quote}"));
        let start = quoted.iter().find_map(|quoted| written.find(quoted)).map(|at| span.start + at);
        let place = start.map_or(span.clone(), |start| start..span.end);
        self.refuse_at(place, key, reason)
    }

    fn refuse_at(&self, place: Range<usize>, key: &str, reason: impl fmt::Display) -> ConfigError {
        let error = self.source.refuse(Some(place), format!("{}: {key}: {reason}", self.name));
        ConfigError { key: Some(key.to_owned()), ..error }
    }

    /// A text, if the key is there.
    pub(crate) fn text(&self, key: &str, field: &Field) -> Result<Option<String>, ConfigError> {
        let Some(value) = field else { return Ok(None) };
        match value.get_ref() {
            Value::String(text) => Ok(Some(text.clone())),
            other => {
                Err(self.refuse(key, value, format!("{} where a text in quotes is needed", describe(other))))
            }
        }
    }

    /// A text that means something, or the default.
    pub(crate) fn parsed<T, E: fmt::Display>(
        &self,
        key: &str,
        field: &Field,
        default: T,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, ConfigError> {
        match (self.text(key, field)?, field) {
            (Some(text), Some(value)) => parse(&text).map_err(|reason| self.refuse(key, value, reason)),
            _ => Ok(default),
        }
    }

    /// A whole number from a range, or the default.
    pub(crate) fn number(
        &self,
        key: &str,
        field: &Field,
        default: u64,
        allowed: std::ops::RangeInclusive<u64>,
    ) -> Result<u64, ConfigError> {
        let Some(value) = field else { return Ok(default) };
        let number = value.get_ref().as_integer().and_then(|number| u64::try_from(number).ok());
        number.filter(|number| allowed.contains(number)).ok_or_else(|| {
            let (from, to) = allowed.into_inner();
            let range =
                if to == u64::MAX { format!("from {from} up") } else { format!("from {from} to {to}") };
            self.refuse(
                key,
                value,
                format!("{} where a whole number {range} is needed", describe(value.get_ref())),
            )
        })
    }

    /// `true` or `false`, or the default.
    pub(crate) fn switch(&self, key: &str, field: &Field, default: bool) -> Result<bool, ConfigError> {
        let Some(value) = field else { return Ok(default) };
        let refuse = || {
            self.refuse(key, value, format!("{} where true or false is needed", describe(value.get_ref())))
        };
        value.get_ref().as_bool().ok_or_else(refuse)
    }

    /// A list of texts; empty if the key is not there.
    pub(crate) fn texts(&self, key: &str, field: &Field) -> Result<Vec<String>, ConfigError> {
        let Some(value) = field else { return Ok(Vec::new()) };
        let refuse = |found: &Value| {
            self.refuse(key, value, format!("{} where a list of texts in quotes is needed", describe(found)))
        };
        let list = value.get_ref().as_array().ok_or_else(|| refuse(value.get_ref()))?;
        list.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(|| refuse(item))).collect()
    }
}

fn describe(value: &Value) -> String {
    match value {
        Value::String(text) => format!("the text {text:?} stands"),
        Value::Integer(number) => format!("{number} stands"),
        Value::Float(number) => format!("{number} stands"),
        Value::Boolean(switch) => format!("{switch} stands"),
        Value::Datetime(time) => format!("the time {time} stands"),
        Value::Array(_) => "a list stands".to_owned(),
        Value::Table(_) => "a table stands".to_owned(),
    }
}
