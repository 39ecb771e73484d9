//! The config file: what it may say and what that means. Two types for it: the raw shape and the checked
//! meaning.
//!
//! Changing the file is for [`edit`]; where it lies is for [`crate::places`].

mod checks;
mod clash;
pub(crate) mod edit;
mod inside;
mod overlap;
mod own;
mod raw;
mod recovery;
mod source;
pub(crate) mod units;
mod wrong;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jottad_core::{DeleteLimits, Mode, Parallel, RelativePath, in_words};
use jottad_engine::{ProofInterval, TrashLimit};
use jottad_transport::{Endpoints, RemotePath};
use jottad_watcher::Backend;

use crate::places::Places;
pub(crate) use checks::check_name;
use checks::{check_folder, check_folder_name, check_guard, check_service, check_transfer, remote_of};
use clash::{Clash, clash_with_others, clash_with_taken};
pub(crate) use inside::{below, place_in};
pub(crate) use overlap::{is_view, local_overlap, remote_overlap, resolve};
use raw::Field;
pub(crate) use source::ConfigError;
use source::{Section, Source};
pub(crate) use wrong::WrongFolder;

/// Everything that can be configured, checked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Config {
    /// Which service.
    pub(crate) service: Service,
    /// How files travel.
    pub(crate) transfer: Transfer,
    /// When a person is asked.
    pub(crate) guard: Guard,
    /// What is kept in step.
    pub(crate) folders: Vec<Folder>,
    /// What cannot be kept in step as it is configured.
    pub(crate) wrong: Vec<WrongFolder>,
}

/// Which service, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Service {
    /// Key of the brand (protocol 1.3).
    pub(crate) brand: String,
    /// Where the login is kept.
    pub(crate) credentials: CredentialStore,
    /// Whether the service's events are listened to.
    pub(crate) events: bool,
    /// Base URLs.
    pub(crate) endpoints: Endpoints,
}

/// Where the login is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CredentialStore {
    /// In a file that only its owner can read.
    File,
    /// In a file that is sealed with a key in the system's keyring.
    Keyring,
}

impl CredentialStore {
    /// The word for it in the config.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Keyring => "keyring",
        }
    }

    /// The one of the two that it is not.
    pub(crate) const fn other(self) -> Self {
        match self {
            Self::File => Self::Keyring,
            Self::Keyring => Self::File,
        }
    }
}

/// How files travel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Transfer {
    /// Parallel uploads.
    pub(crate) uploads: Parallel,
    /// Parallel downloads.
    pub(crate) downloads: Parallel,
    /// Bytes per second; `None` for no limit.
    pub(crate) upload_limit: Option<u64>,
    /// Bytes per second; `None` for no limit.
    pub(crate) download_limit: Option<u64>,
    /// Files up to this many bytes are read once, hashed and sent from memory.
    pub(crate) md5_memory_limit: u64,
    /// Uploads beyond this many bytes are resumed.
    pub(crate) resume_limit: u64,
}

/// When a person is asked, and what becomes of deleted entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Guard {
    /// When deletes are held.
    pub(crate) delete_limits: DeleteLimits,
    /// Destroy on the service instead of using its trash.
    pub(crate) hard_delete: bool,
    /// How long the local trash keeps its entries.
    pub(crate) local_trash_days: u32,
    /// How much it keeps of what is older than a day.
    pub(crate) local_trash_limit: TrashLimit,
}

/// One configured pair.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Folder {
    /// What commands call it.
    pub(crate) name: String,
    /// The local root, absolute.
    pub(crate) local: PathBuf,
    /// The remote root.
    pub(crate) remote: RemotePath,
    /// Whose changes travel.
    pub(crate) mode: Mode,
    /// Ignore rules in gitignore syntax.
    pub(crate) ignore: Vec<String>,
    /// Rules of the same kind for what is jottad's own and lies inside the folder.
    pub(crate) own: Vec<String>,
    /// How long a changed file must be quiet.
    pub(crate) settle: Duration,
    /// How often the remote is asked when no event tells.
    pub(crate) poll: Duration,
    /// How often both sides are compared completely.
    pub(crate) proof: ProofInterval,
    /// How often everything local is scanned.
    pub(crate) scan: Duration,
    /// Where hints come from.
    pub(crate) watch: Backend,
    /// Larger files, in bytes, are ignored; `None`: however large.
    pub(crate) max_size: Option<u64>,
    /// The longest that a file which keeps changing waits before it is sent again.
    pub(crate) resend: Duration,
}

impl Config {
    /// Reads and checks the config file; one that does not exist says nothing and is fine.
    pub(crate) fn load(places: &Places) -> Result<Self, ConfigError> {
        Self::parse(&Self::read(places)?, places)
    }

    /// The same for what has to do with more than one folder, or with none: one that is written wrongly is
    /// set apart, and keeps nothing else from being done.
    pub(crate) fn load_tolerantly(places: &Places) -> Result<Self, ConfigError> {
        Self::parse_tolerantly(&Self::read(places)?, places)
    }

    fn read(places: &Places) -> Result<String, ConfigError> {
        let file = &places.config_file;
        match fs::read_to_string(file) {
            Ok(text) => Ok(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            Err(error) => {
                let hint = match error.kind() {
                    io::ErrorKind::PermissionDenied => crate::cli::failure::DENIED,
                    _ => "look at that file and at its disk",
                };
                let (reason, hint) = (format!("cannot be read: {}", in_words(error)), Some(hint.to_owned()));
                Err(ConfigError { file: file.clone(), line: None, reason, key: None, hint })
            }
        }
    }

    /// Checks the text of a config file. What is wrong in it is an error; a folder that only the local disk
    /// has made wrong is not.
    pub(crate) fn parse(text: &str, places: &Places) -> Result<Self, ConfigError> {
        let config = Self::parse_tolerantly(text, places)?;
        match config.wrong.iter().find(|wrong| wrong.is_in_file) {
            Some(wrong) => Err(wrong.error.clone()),
            None => Ok(config),
        }
    }

    /// Checks the text of a config file and sets every folder apart that cannot run.
    pub(crate) fn parse_tolerantly(text: &str, places: &Places) -> Result<Self, ConfigError> {
        let source = Source { file: &places.config_file, text };
        let raw = source.parse()?;
        let section = |name: &str| Section { source, name: name.to_owned() };
        let mut checked: Vec<(Folder, Option<std::ops::Range<usize>>)> = Vec::with_capacity(raw.folder.len());
        let mut wrong = Vec::new();
        // Places on the service that belong to folders which are held. They are taken all the same.
        let mut taken = Vec::new();
        let mut names = BTreeSet::new();
        for raw_folder in &raw.folder {
            let place = Some(raw_folder.span());
            // Without a name of its own nobody could be told about it.
            let name = check_folder_name(source, raw_folder)?;
            if !names.insert(name.clone()) {
                let error = source.refuse(place, format!("two folders are called {name:?}"));
                return Err(error.hint("give one of them another name"));
            }
            let folder = match check_folder(source, raw_folder, name.clone(), places) {
                Ok(folder) => folder,
                Err(error) => {
                    taken.extend(remote_of(raw_folder).map(|remote| (name.clone(), remote)));
                    wrong.push(WrongFolder::in_file(name, raw_folder.get_ref(), error));
                    continue;
                }
            };
            let refuse =
                |place, clash: &Clash| source.refuse(place, clash.reason.clone()).hint(clash.hint.clone());
            let mut is_fine = true;
            if let Some(clash) = clash_with_taken(&folder, &taken) {
                wrong.push(WrongFolder::fighting(&folder, refuse(place, &clash), clash.is_in_file));
                continue;
            }
            while let Some(clash) = clash_with_others(&folder, checked.iter().map(|(other, _)| other), places)
            {
                if let Some(index) = clash.linked_other {
                    let (other, place) = checked.remove(index);
                    taken.push((other.name.clone(), other.remote.clone()));
                    wrong.push(WrongFolder::fighting(&other, refuse(place, &clash), clash.is_in_file));
                    continue;
                }
                if !clash.is_in_file {
                    taken.push((folder.name.clone(), folder.remote.clone()));
                }
                wrong.push(WrongFolder::fighting(&folder, refuse(place.clone(), &clash), clash.is_in_file));
                is_fine = false;
                break;
            }
            if is_fine {
                checked.push((folder, place));
            }
        }
        Ok(Self {
            service: check_service(&section("[service]"), &raw.service)?,
            transfer: check_transfer(&section("[transfer]"), &raw.transfer)?,
            guard: check_guard(&section("[guard]"), &raw.guard)?,
            folders: checked.into_iter().map(|(folder, _)| folder).collect(),
            wrong,
        })
    }

    /// The folder of a name that cannot run.
    pub(crate) fn wrong_folder(&self, name: &str) -> Option<&WrongFolder> {
        self.wrong.iter().find(|wrong| wrong.name == name)
    }

    /// The names of all folders.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let wrong = self.wrong.iter().map(|wrong| wrong.name.as_str());
        self.folders.iter().map(|folder| folder.name.as_str()).chain(wrong)
    }

    /// The folder that a local path is in, and the path in it.
    pub(crate) fn place_of(&self, path: &Path) -> Option<(&Folder, RelativePath)> {
        let (at, inside) = place_in(path, self.folders.iter().map(|folder| folder.local.as_path()))?;
        Some((self.folders.get(at)?, inside))
    }

    /// The folder of a name, if it can run.
    pub(crate) fn folder(&self, name: &str) -> Option<&Folder> {
        self.folders.iter().find(|folder| folder.name == name)
    }
}

/// The file that a path is shown as, with the home directory shortened.
pub(crate) fn shorten(path: &Path, places: &Places) -> String {
    match path.strip_prefix(&places.home) {
        Ok(rest) if rest.as_os_str().is_empty() => "~".to_owned(),
        Ok(rest) => format!("~/{}", rest.display()),
        Err(_) => path.display().to_string(),
    }
}

#[cfg(test)]
mod tests;
