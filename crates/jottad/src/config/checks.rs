//! From the raw shape of the config file to its checked meaning, value by value.

use std::path::PathBuf;
use std::time::Duration;

use jottad_core::{DeleteLimits, Mode, Parallel};
use jottad_engine::{ProofInterval, TrashLimit};
use jottad_transport::{Brand, Endpoints, RemotePath};
use jottad_watcher::Backend;

use super::source::{ConfigError, Section, Source};
use super::units::{self, parse_duration, parse_size};
use super::{CredentialStore, Folder, Guard, Service, Transfer, is_view, own, raw};
use crate::places::Places;

/// Most transfers at one time that may be asked for.
const MOST_PARALLEL: u64 = 64;

/// The longest wait that makes sense anywhere.
const LONGEST: Duration = Duration::from_hours(31 * 24);

pub(super) fn check_service(section: &Section<'_>, raw: &raw::RawService) -> Result<Service, ConfigError> {
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

pub(super) fn check_transfer(section: &Section<'_>, raw: &raw::RawTransfer) -> Result<Transfer, ConfigError> {
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

pub(super) fn check_guard(section: &Section<'_>, raw: &raw::RawGuard) -> Result<Guard, ConfigError> {
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

pub(super) fn check_folder_name(
    source: Source<'_>,
    raw: &toml::Spanned<raw::RawFolder>,
) -> Result<String, ConfigError> {
    let section = Section { source, name: "folder".to_owned() };
    let name = section.parsed("name", &raw.get_ref().name, None, |text| check_name(text).map(Some))?;
    name.ok_or_else(|| missing_key(&section, raw, "name", "docs"))
}

/// The remote root of a table that cannot be used, as far as it can be read.
pub(super) fn remote_of(raw: &toml::Spanned<raw::RawFolder>) -> Option<RemotePath> {
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

pub(super) fn check_folder(
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
