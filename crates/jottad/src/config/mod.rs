//! The config file: what it may say and what that means. Two types for it: the raw shape and the checked
//! meaning.
//!
//! Changing the file is for [`edit`]; where it lies is for [`crate::places`].

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

use jottad_core::{DeleteLimits, Mode, RelativePath, in_words};
use jottad_engine::{ProofInterval, TrashLimit};
use jottad_transport::{Brand, Endpoints, RemotePath};
use jottad_watcher::Backend;

use crate::places::Places;
use clash::{Clash, clash_with_others, clash_with_taken};
pub(crate) use inside::{below, place_in};
pub(crate) use overlap::{is_view, local_overlap, remote_overlap, resolve};
use raw::Field;
pub(crate) use source::ConfigError;
use source::{Section, Source};
use units::{Parallel, parse_duration, parse_size};
pub(crate) use wrong::WrongFolder;

/// Most transfers at one time that may be asked for.
const MOST_PARALLEL: u64 = 64;
/// The longest wait that makes sense anywhere.
const LONGEST: Duration = Duration::from_hours(31 * 24);

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

fn check_service(section: &Section<'_>, raw: &raw::RawService) -> Result<Service, ConfigError> {
    let brand = section.parsed("brand", &raw.brand, "jottacloud".to_owned(), |text| {
        let keys: Vec<&str> = Brand::ALL.iter().map(|brand| brand.key).collect();
        Brand::of_key(text)
            .map(|brand| brand.key.to_owned())
            .ok_or_else(|| format!("{text:?} is not a known brand: use one of {}", keys.join(", ")))
    })?;
    let credentials =
        section.parsed("credentials", &raw.credentials, CredentialStore::File, |text| match text {
            "file" => Ok(CredentialStore::File),
            "keyring" => Ok(CredentialStore::Keyring),
            _ => Err(format!("{text:?} is no place for a login: use file or keyring")),
        })?;
    let url = |key, field| section.parsed(key, field, None, |text| check_url(text).map(Some));
    // Writing the default out is the same as leaving it: the events have a host of their own only there.
    let jfs_url = url("jfs_url", &raw.jfs_url)?.filter(|url| *url != Endpoints::default().jfs_url);
    let api_url = url("api_url", &raw.api_url)?;
    let www_url = url("www_url", &raw.www_url)?;
    let id_url = url("id_url", &raw.id_url)?;
    let endpoints = Endpoints::with_overrides(
        jfs_url.as_deref(),
        api_url.as_deref(),
        www_url.as_deref(),
        id_url.as_deref(),
    );
    let events = section.switch("events", &raw.events, true)?;
    Ok(Service { brand, credentials, events, endpoints })
}

fn check_url(text: &str) -> Result<String, String> {
    let usable =
        ["https://", "http://"].iter().any(|scheme| text.len() > scheme.len() && text.starts_with(scheme));
    if usable { Ok(text.to_owned()) } else { Err(format!("{text:?} is not a URL that starts with https://")) }
}

fn check_transfer(section: &Section<'_>, raw: &raw::RawTransfer) -> Result<Transfer, ConfigError> {
    let parallel = |key, field: &raw::Field| match field.as_ref().map(toml::Spanned::get_ref) {
        Some(toml::Value::String(text)) if text == "auto" => Ok(Parallel::Auto),
        Some(toml::Value::String(_)) => section.parsed(key, field, Parallel::Auto, |text| {
            Err(format!("{text:?} is neither \"auto\" nor a number"))
        }),
        None => Ok(Parallel::Auto),
        Some(_) => section
            .number(key, field, 1, 1..=MOST_PARALLEL)
            .map(|count| Parallel::Fixed(usize::try_from(count).unwrap_or(1))),
    };
    let limit = |key, field| {
        section.parsed(key, field, None, |text| {
            parse_limit(text, "would stop everything: write \"unlimited\", or `jottad pause`")
        })
    };
    let size = |key, field| section.parsed(key, field, 10 << 20, parse_size);
    Ok(Transfer {
        uploads: parallel("uploads", &raw.uploads)?,
        downloads: parallel("downloads", &raw.downloads)?,
        upload_limit: limit("upload_limit", &raw.upload_limit)?,
        download_limit: limit("download_limit", &raw.download_limit)?,
        md5_memory_limit: size("md5_memory_limit", &raw.md5_memory_limit)?,
        resume_limit: size("resume_limit", &raw.resume_limit)?,
    })
}

fn check_guard(section: &Section<'_>, raw: &raw::RawGuard) -> Result<Guard, ConfigError> {
    let limits = DeleteLimits::default();
    let days = section.number("local_trash_days", &raw.local_trash_days, 30, 1..=36_500)?;
    Ok(Guard {
        delete_limits: DeleteLimits {
            max_deletes: section.number("max_deletes", &raw.max_deletes, limits.max_deletes, 0..=u64::MAX)?,
            max_delete_percent: section.number(
                "max_delete_percent",
                &raw.max_delete_percent,
                limits.max_delete_percent,
                0..=100,
            )?,
        },
        hard_delete: section.switch("hard_delete", &raw.hard_delete, false)?,
        local_trash_days: u32::try_from(days).unwrap_or(u32::MAX),
        local_trash_limit: section.parsed(
            "local_trash_limit",
            &raw.local_trash_limit,
            TrashLimit::Percent(10),
            parse_trash_limit,
        )?,
    })
}

fn check_folder_name(source: Source<'_>, raw: &toml::Spanned<raw::RawFolder>) -> Result<String, ConfigError> {
    let section = Section { source, name: "folder".to_owned() };
    let name = section.parsed("name", &raw.get_ref().name, None, |text| check_name(text).map(Some))?;
    name.ok_or_else(|| missing_key(&section, raw, "name", "docs"))
}

/// The remote root of a table that cannot be used, as far as it can be read.
fn remote_of(raw: &toml::Spanned<raw::RawFolder>) -> Option<RemotePath> {
    let value = raw.get_ref().remote.as_ref()?.get_ref();
    check_remote(value.as_str()?).ok()
}

fn missing_key(
    section: &Section<'_>,
    raw: &toml::Spanned<raw::RawFolder>,
    key: &str,
    example: &str,
) -> ConfigError {
    let reason = format!("{}: the key {key:?} is missing: {key} = {example:?}", section.name);
    let error = section.source.refuse(Some(raw.span()), reason);
    ConfigError { key: Some(key.to_owned()), ..error }
}

/// Reads `10%`, `5 GiB`, `unlimited`.
fn parse_trash_limit(text: &str) -> Result<TrashLimit, String> {
    let text = text.trim();
    if text == "unlimited" {
        return Ok(TrashLimit::Unlimited);
    }
    let Some(percent) = text.strip_suffix('%') else {
        return parse_size(text).map(TrashLimit::Bytes).map_err(|_| {
            format!("{text:?} is no limit: write a share of the disk (\"10%\"), a size (\"5 GiB\") or \"unlimited\"")
        });
    };
    match percent.trim_end().parse() {
        Ok(percent @ 1..=100) => Ok(TrashLimit::Percent(percent)),
        _ => Err(format!("{text:?} is no share of a disk: write 1% to 100%")),
    }
}

fn check_folder(
    source: Source<'_>,
    raw: &toml::Spanned<raw::RawFolder>,
    name: String,
    places: &Places,
) -> Result<Folder, ConfigError> {
    let fields = raw.get_ref();
    let section = Section { source, name: format!("folder {name:?}") };
    let local = section.parsed("local", &fields.local, None, |text| check_local(text, places).map(Some))?;
    let remote = section.parsed("remote", &fields.remote, None, |text| check_remote(text).map(Some))?;
    let period = |key, field, default, shortest| {
        section.parsed(key, field, default, |text| match parse_duration(text)? {
            duration if (shortest..=LONGEST).contains(&duration) => Ok(duration),
            _ => Err(format!("{text:?} is out of range: from {} to 31 d", units::format_duration(shortest))),
        })
    };
    let local = local.ok_or_else(|| missing_key(&section, raw, "local", "~/Documents"))?;
    Ok(Folder {
        own: own::rules(&local, places),
        local,
        remote: remote.ok_or_else(|| missing_key(&section, raw, "remote", "Jotta/Archive/Documents"))?,
        mode: section.parsed("mode", &fields.mode, Mode::Backup, str::parse)?,
        ignore: check_ignore(&section, &fields.ignore)?,
        settle: period("settle", &fields.settle, Duration::from_millis(500), Duration::ZERO)?,
        poll: period("poll", &fields.poll, Duration::from_mins(10), Duration::from_secs(1))?,
        proof: match &fields.proof.as_ref().map(toml::Spanned::get_ref) {
            None => ProofInterval::Auto,
            Some(toml::Value::String(text)) if text == "auto" => ProofInterval::Auto,
            Some(_) => ProofInterval::Every(period(
                "proof",
                &fields.proof,
                Duration::from_hours(1),
                Duration::from_secs(1),
            )?),
        },
        scan: period("scan", &fields.scan, Duration::from_hours(6), Duration::from_secs(1))?,
        resend: period("resend", &fields.resend, Duration::from_mins(5), Duration::ZERO)?,
        watch: section.parsed("watch", &fields.watch, Backend::Auto, |text| match text {
            "auto" => Ok(Backend::Auto),
            "notify" => Ok(Backend::Notify),
            "poll" => Ok(Backend::Poll),
            _ => Err(format!("{text:?} is no way to watch: use auto, notify or poll")),
        })?,
        max_size: section.parsed("max_size", &fields.max_size, None, |text| {
            parse_limit(text, "would keep every file out: write \"unlimited\", or `jottad pause`")
        })?,
        name,
    })
}

/// A size, or `unlimited`. Nobody means 0; `of_zero` says what it would do.
fn parse_limit(text: &str, of_zero: &str) -> Result<Option<u64>, String> {
    match text {
        "unlimited" => Ok(None),
        _ => match parse_size(text) {
            Ok(0) => Err(format!("a limit of 0 {of_zero}")),
            Ok(bytes) => Ok(Some(bytes)),
            Err(reason) => Err(format!("{reason}, or \"unlimited\"")),
        },
    }
}

fn check_ignore(section: &Section<'_>, field: &raw::Field) -> Result<Vec<String>, ConfigError> {
    let rules = section.texts("ignore", field)?;
    match (jottad_engine::check_ignore_rules(&rules), field) {
        (Err(error), Some(value)) => Err(section.refuse_item("ignore", value, error.rule(), &error)),
        _ => Ok(rules),
    }
}

/// A folder's name becomes part of file names, and of commands that people type.
pub(crate) fn check_name(text: &str) -> Result<String, String> {
    let reason = if text.is_empty() {
        "it is empty"
    } else if text.len() > 100 {
        "it is longer than 100 bytes"
    } else if text.starts_with(['.', '-']) {
        "it begins with a dot or a dash"
    } else if text.chars().any(|character| character == '/' || character.is_control()) {
        "it has a slash or a control character in it"
    } else {
        return Ok(text.to_owned());
    };
    Err(format!("{text:?} cannot be a folder's name: {reason}"))
}

/// A local root as it is written: absolute, or below the home directory.
pub(crate) fn check_local(text: &str, places: &Places) -> Result<PathBuf, String> {
    let path = match text.strip_prefix('~') {
        Some("") => places.home.clone(),
        Some(rest) if rest.starts_with('/') => places.home.join(rest.trim_start_matches('/')),
        Some(_) => return Err(format!("{text:?}: only ~ for your own home directory is understood")),
        None => PathBuf::from(text),
    };
    if !path.is_absolute() {
        return Err(format!("{text:?} is not an absolute path: begin it with / or ~/"));
    }
    if path.components().any(|component| component == std::path::Component::ParentDir) {
        return Err(format!("{text:?} has .. in it: write the path without"));
    }
    Ok(path.components().collect())
}

/// A remote root: a path on a mountpoint that can be written.
pub(crate) fn check_remote(text: &str) -> Result<RemotePath, String> {
    let path = RemotePath::parse(text).map_err(|error| error.to_string())?;
    if is_view(&path) {
        return Err(format!(
            "{text:?} is a view that cannot be written: use Jotta/Archive, Jotta/Sync or a device of your own"
        ));
    }
    Ok(path)
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
