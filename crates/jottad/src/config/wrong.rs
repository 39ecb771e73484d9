//! Folders that cannot run as they are configured. Each is held alone: the others run.

use jottad_core::{Mode, shell_word};

use super::edit::accepted;
use super::raw::RawFolder;
use super::{ConfigError, Field, Folder};
use crate::cli::failure::Failure;

/// A folder of the config that cannot run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct WrongFolder {
    /// What commands call it.
    pub(crate) name: String,
    /// The local root, as far as it is known.
    pub(crate) local: String,
    /// The remote root, as far as it is known.
    pub(crate) remote: String,
    /// The mode, as far as it is known.
    pub(crate) mode: String,
    /// What is wrong.
    pub(crate) error: ConfigError,
    /// Whether it is the file that is wrong. Otherwise a path leads elsewhere than when the file was written.
    pub(crate) is_in_file: bool,
}

impl WrongFolder {
    /// One whose table cannot be used.
    pub(super) fn in_file(name: String, raw: &RawFolder, error: ConfigError) -> Self {
        let text = |field: &Field| {
            let value = field.as_ref().map(toml::Spanned::get_ref);
            value.and_then(toml::Value::as_str).unwrap_or_default().to_owned()
        };
        let (local, remote) = (text(&raw.local), text(&raw.remote));
        let mode = if raw.mode.is_some() { text(&raw.mode) } else { Mode::Backup.as_str().to_owned() };
        Self { name, local, remote, mode, error, is_in_file: true }
    }

    /// One that would fight with something else.
    pub(super) fn fighting(folder: &Folder, error: ConfigError, is_in_file: bool) -> Self {
        Self {
            name: folder.name.clone(),
            local: folder.local.display().to_string(),
            remote: folder.remote.to_string(),
            mode: folder.mode.as_str().to_owned(),
            error,
            is_in_file,
        }
    }

    /// The commands that mend it, each with what it does.
    pub(crate) fn choices(&self) -> Vec<(&'static str, String)> {
        let name = shell_word(&self.name);
        let mut choices = Vec::new();
        if let Some(key) = &self.error.key {
            choices.push(("write it as it should be", format!("jottad folder set {name} {key}=VALUE")));
        }
        choices
            .push(("leave it alone from now on; nothing is deleted", format!("jottad folder remove {name}")));
        choices
    }

    /// The same as a failure of whoever can do nothing without this folder.
    pub(crate) fn failure(&self) -> Failure {
        let accepted = self.error.key.as_deref().and_then(accepted);
        let value = accepted.map(|accepted| format!("VALUE may be {accepted}"));
        let choices = self.choices().into_iter().map(|(does, command)| format!("{does}: {command}"));
        let parts = self.error.hint.iter().cloned().chain(choices).chain(value);
        Failure::usage(self.error.to_string())
            .path(self.error.file.display().to_string())
            .hint(parts.collect::<Vec<_>>().join("; "))
    }

    /// What is wrong and what mends it, for people.
    pub(crate) fn reason(&self) -> String {
        let where_to = if self.is_in_file { self.error.to_string() } else { self.error.reason.clone() };
        match &self.error.hint {
            Some(hint) => format!("{where_to}; {hint}"),
            None => where_to,
        }
    }
}
