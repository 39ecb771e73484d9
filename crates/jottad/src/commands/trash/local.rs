//! The local trash: what was deleted or replaced in a folder because of the other side. No daemon is needed.

use jottad_engine::{DiskError, DiskErrorKind, LocalDisk, Trashed};
use serde_json::json;

use crate::cli::failure::{Exit, Failure};
use crate::cli::invocation::Invocation;
use crate::cli::output::{Columns, count, local_time, path_text, rfc3339};
use crate::config::units::format_size;
use crate::config::{Config, Folder};
use crate::remote::{confirm, nothing_removed};

/// Lists what is in the local trash of one folder, or of all.
pub(super) fn list(folder: Option<&str>, invocation: &Invocation) -> Result<Exit, Failure> {
    let config = invocation.config_with_folders(folder)?;
    let output = invocation.output;
    let mut columns = Columns::default();
    for folder in chosen(&config, folder) {
        for trashed in entries(folder, invocation)? {
            let path = path_text(&trashed.path);
            if output.json {
                let (kind, size) = (kind_of(&trashed), trashed.size);
                let deleted = rfc3339(trashed.at);
                output.document(&json!({
                    "folder": folder.name, "path": path, "kind": kind, "size": size, "deleted": deleted,
                }))?;
                continue;
            }
            let slash = if trashed.size.is_none() { "/" } else { "" };
            let size = trashed.size.map(format_size).unwrap_or_default();
            let shown = format!("{}/{path}{slash}", folder.local.display());
            columns.push([local_time(trashed.at), size, shown]);
        }
    }
    output.table(&columns)?;
    Ok(Exit::Done)
}

/// Puts back what was at a path last, a directory with all that went with it.
pub(super) fn restore(path: &str, invocation: &Invocation) -> Result<Exit, Failure> {
    let absolute = std::path::absolute(path)
        .map_err(|error| Failure::usage(format!("{path}: {error}")).path(path.to_owned()))?;
    let config = invocation.config_with_folders(None)?;
    let Some((folder, below)) = config.place_of(&absolute) else {
        return Err(Failure::usage(format!("{path} is in no folder"))
            .path(path.to_owned())
            .hint("name the place that it had; `jottad trash ls --local` shows it"));
    };
    let mut found = entries(folder, invocation)?;
    found.retain(|trashed| trashed.path.starts_with(&below));
    let Some(last) = found.last().map(|trashed| trashed.slot.clone()) else {
        return Err(Failure::failed(format!("{path} is not in the local trash"))
            .path(path.to_owned())
            .hint("`jottad trash ls --local` shows what is"));
    };
    found.retain(|trashed| trashed.slot == last);
    let disk = open(folder)?;
    let restored = found.len() as u64;
    for trashed in found {
        let shown = format!("{}/{}", folder.local.display(), path_text(&trashed.path));
        invocation
            .wait(async { disk.restore_trashed(trashed).await.map_err(|error| explain(&error, &shown)) })?;
    }
    let document = json!({"schema": 1, "folder": folder.name, "restored": restored});
    invocation.output.either(&document, || {
        let entries = count(restored, "entry", "entries");
        invocation.output.prose(format_args!("restored {entries} from the local trash of {}", folder.name))
    })?;
    Ok(Exit::Done)
}

/// Destroys what is in the local trash of one folder, or of all.
pub(super) fn empty(folder: Option<&str>, yes: bool, invocation: &Invocation) -> Result<Exit, Failure> {
    let config = invocation.config_with_folders(folder)?;
    let whose = folder.map_or_else(|| "all folders".to_owned(), |name| format!("the folder {name}"));
    let question = format!("destroy all that is in the local trash of {whose}? There is no way back");
    invocation.wait(async {
        if !confirm(&question, yes, invocation.output).await? {
            return Err(nothing_removed());
        }
        let mut bytes = 0_u64;
        for folder in chosen(&config, folder) {
            let shown = folder.local.display().to_string();
            let emptied = open(folder)?.empty_trash().await.map_err(|error| explain(&error, &shown))?;
            bytes = bytes.saturating_add(emptied);
        }
        invocation.output.either(&json!({"schema": 1, "bytes": bytes}), || {
            invocation.output.prose(format_args!("destroyed {} in the local trash", format_size(bytes)))
        })?;
        Ok(Exit::Done)
    })
}

fn chosen<'a>(config: &'a Config, name: Option<&'a str>) -> impl Iterator<Item = &'a Folder> {
    config.folders.iter().filter(move |folder| name.is_none_or(|name| folder.name == name))
}

fn entries(folder: &Folder, invocation: &Invocation) -> Result<Vec<Trashed>, Failure> {
    let disk = open(folder)?;
    let shown = folder.local.display().to_string();
    invocation.wait(async { disk.trashed().await.map_err(|error| explain(&error, &shown)) })
}

fn open(folder: &Folder) -> Result<LocalDisk, Failure> {
    let shown = folder.local.display().to_string();
    LocalDisk::open(folder.local.clone()).map_err(|error| explain(&error, &shown))
}

fn explain(error: &DiskError, shown: &str) -> Failure {
    let failure = Failure::failed(format!("{} {shown}: {}", error.action, error.kind)).path(shown.to_owned());
    match error.kind {
        DiskErrorKind::Occupied => failure.hint("move away what is there first"),
        DiskErrorKind::NoSpace => failure.hint("free some space on the local disk"),
        _ => failure,
    }
}

const fn kind_of(trashed: &Trashed) -> &'static str {
    if trashed.size.is_some() { "file" } else { "directory" }
}
