//! `jottad folder`: what is kept in step. Changes the config file; a running daemon follows.

mod place;
mod root;
mod settings;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jottad_core::{Mode, shell_word, shown_path};
use serde_json::{Value, json};

use crate::api::documents::{AcceptedDocument, OrderDocument};
use crate::api::exchange;
use crate::cli::completion::{folder_name, folder_setting, remote_place};
use crate::cli::failure::{Exit, Failure};
use crate::cli::invocation::{Invocation, unknown_folder};
use crate::cli::output::{Columns, Escaped, count, remark};
use crate::cli::terminal::extent;
use crate::cli::typed;
use crate::commands::survey::{Survey, survey};
use crate::config::edit::{Editor, NewFolder};
use crate::config::units::format_size;
use crate::config::{Config, Folder, check_name, resolve, shorten};
use crate::daemon::index_file::forget_index;
use crate::daemon::new_place;
use crate::places::Places;
use crate::service::start_command;

use settings::Change;

#[derive(Debug, Subcommand)]
pub(crate) enum FolderCommand {
    /// Keep a local directory in step with a place on the service
    Add(AddArguments),
    /// Show what is kept in step
    List,
    /// Stop keeping a folder in step; nothing is deleted on either side
    Remove {
        /// The folder
        #[arg(add = folder_name())]
        name: String,
    },
    /// Change settings of a folder
    Set {
        /// The folder
        #[arg(add = folder_name())]
        name: String,
        /// What to change, for example mode=archive or ignore=*.tmp,*.bak
        #[arg(value_name = "KEY=VALUE", required = true, add = folder_setting())]
        settings: Vec<String>,
        /// Make the device and the mountpoint of a new remote place if they are not there, and take a place
        /// that holds something already; without it, ask on a terminal
        #[arg(long, visible_alias = "yes")]
        make: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct AddArguments {
    /// The local directory
    pub(crate) local: PathBuf,
    /// The place on the service, DEVICE/MOUNTPOINT[/path]; without it <this machine>/<name of the directory>,
    /// a device of its own that is made on first use, or Jotta/Archive/<this machine>/<name of the directory>
    /// where none can be made
    #[arg(add = remote_place())]
    pub(crate) remote: Option<String>,
    /// Whose changes travel: backup, sync, archive or pull
    #[arg(long, default_value = "backup")]
    pub(crate) mode: Mode,
    /// What commands call it; without it the name of the directory
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Make the device and the mountpoint of the place if they are not there, and take a place that holds
    /// something already; without it, ask on a terminal
    #[arg(long, visible_alias = "yes")]
    pub(crate) make: bool,
}

/// The place of a folder that nobody names one for: in a device of this machine's own, as the official client
/// has it.
pub(crate) fn default_place(name: &str) -> String {
    format!("{}/{name}", place::machine_name())
}

/// Does what was asked.
pub(crate) fn run(command: FolderCommand, invocation: &Invocation) -> Result<Exit, Failure> {
    match command {
        FolderCommand::Add(arguments) => add(&arguments, invocation),
        FolderCommand::List => list(invocation),
        FolderCommand::Remove { name } => remove(&name, invocation),
        FolderCommand::Set { name, settings, make } => set(&name, &settings, make, invocation),
    }
}

pub(crate) fn add(arguments: &AddArguments, invocation: &Invocation) -> Result<Exit, Failure> {
    let places = &invocation.places;
    let local = local_root(&arguments.local, places)?;
    let directory_name = local.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = match (&arguments.name, &directory_name) {
        (Some(name), _) | (None, Some(name)) => name.clone(),
        (None, None) => {
            return Err(Failure::usage("/ has no name to go by").hint("give the folder one: --name NAME"));
        }
    };
    check_name(&name)
        .map_err(|reason| Failure::usage(reason).hint("give the folder another name: --name NAME"))?;
    let config = invocation.tolerant_config()?;
    if let Some(known) = config.folders.iter().find(|folder| folder.local == local) {
        let known = shell_word(&known.name);
        return Err(Failure::usage(format!("{} is folder {known} already", local.display())).hint(format!(
            "change what is set for it with jottad folder set {known} KEY=VALUE, or see it with jottad folder list"
        )));
    }
    if config.names().any(|known| known == name) {
        return Err(Failure::usage(format!("another folder is called {name:?} already"))
            .hint("give this one another name: --name NAME"));
    }
    let text = shorten(&resolve_parent(&local), places);
    if text.contains('\u{FFFD}') {
        return Err(Failure::usage(format!(
            "{} is not UTF-8, which the config file must be",
            local.display()
        ))
        .hint("rename the directory"));
    }
    let own_name = directory_name.as_deref().unwrap_or(&name);
    let machine = place::machine_name();
    let candidates = match &arguments.remote {
        Some(remote) => vec![remote.clone()],
        // A device of this machine's own, as the official client has it; where none can be made, a place of
        // its own.
        None => vec![format!("{machine}/{own_name}"), format!("Jotta/Archive/{machine}/{own_name}")],
    };
    let mut chosen = None;
    for (rank, remote) in candidates.into_iter().enumerate() {
        let mut editor = Editor::open(places)?;
        let new =
            NewFolder { name: name.clone(), local: text.clone(), remote, mode: arguments.mode.to_string() };
        editor.add(&new)?;
        let config = editor.check()?;
        let folder = config.folder(&name).ok_or_else(|| Failure::failed("the folder was not written"))?;
        let question = place::Question {
            place: &folder.remote,
            mode: folder.mode,
            yes: arguments.make,
            is_default: arguments.remote.is_none(),
            has_alternative: arguments.remote.is_none() && rank == 0,
        };
        match place::make_sure(&question, invocation)? {
            place::Answer::Usable(content) => {
                // An earlier folder of the same two ends may have been removed by hand from the config.
                begin_anew(folder, places)?;
                let is_empty = content.is_none_or(|content| content == place::Content::default());
                if question.is_default && is_empty && !question.yes && folder.mode.pushes() {
                    new_place::expect_nothing(folder, places)?;
                }
                editor.save()?;
                chosen = Some((folder.clone(), content));
                break;
            }
            place::Answer::Refused(reason) => {
                tracing::info!(place = %folder.remote, reason, "no such device");
            }
        }
    }
    let (folder, content) = chosen.ok_or_else(|| Failure::failed("the folder was not written"))?;
    let folder = &folder;
    let found = survey(&folder.local, places);
    let mut document = folder_document(folder);
    document["remote_files"] = json!(content.map(|content| content.files));
    document["remote_bytes"] = json!(content.map(|content| content.bytes));
    document["schema"] = json!(1);
    document["files"] = json!(found.files);
    document["directories"] = json!(found.directories);
    document["bytes"] = json!(found.bytes);
    document["unreadable"] = json!(found.unreadable);
    invocation.output.either(&document, || describe_added(folder, &found, invocation))?;
    if !invocation.wait(async { Ok(tell_daemon(invocation).await) })? {
        let start = start_command(places);
        invocation.output.next(&format!(
            "`jottad plan` shows what would be done, `jottad run --once` does it, and `{start}` keeps it in step \
             from then on"
        ));
    }
    Ok(Exit::Done)
}

/// Forgets what was known of a folder and of its place.
fn begin_anew(folder: &Folder, places: &Places) -> Result<(), Failure> {
    new_place::expect_anything(folder, places)?;
    forget_index(folder, places)
}

fn describe_added(folder: &Folder, found: &Survey, invocation: &Invocation) -> Result<(), Failure> {
    let output = invocation.output;
    let local = folder.local.display().to_string();
    output.prose(format_args!(
        "added {}: {} {} {}, mode {}",
        Escaped(&folder.name),
        Escaped(&local),
        arrow(folder.mode),
        folder.remote,
        folder.mode
    ))?;
    let files = count(found.files, "file", "files");
    let directories = count(found.directories, "directory", "directories");
    output.prose(format_args!("it holds {files} in {directories}, {}", format_size(found.bytes)))?;
    if found.special > 0 {
        let entries =
            count(found.special, "symbolic link, socket or device", "symbolic links, sockets and devices");
        output.prose(format_args!("not synced: {entries}"))?;
    }
    if let Some(first) = &found.first_unreadable {
        let first = first.display().to_string();
        let entries = count(found.unreadable, "entry", "entries");
        output.prose(format_args!("cannot be read: {entries}, the first is {}", Escaped(&first)))?;
    }
    Ok(())
}

/// Which way changes travel.
pub(crate) const fn arrow(mode: Mode) -> &'static str {
    match (mode.pushes(), mode.pulls()) {
        (true, false) => "→",
        (false, true) => "←",
        _ => "↔",
    }
}

fn list(invocation: &Invocation) -> Result<Exit, Failure> {
    let config = invocation.usable_config()?;
    let mut folders: Vec<Value> = config.folders.iter().map(folder_document).collect();
    folders.extend(config.wrong.iter().map(|wrong| {
        json!({"name": wrong.name, "local": wrong.local, "remote": wrong.remote, "mode": wrong.mode, "held": wrong.reason()})
    }));
    invocation.output.either(&json!({"schema": 1, "folders": folders}), || {
        if config.is_empty() {
            return invocation.output.advice("no folder is configured: jottad folder add LOCAL");
        }
        let mut columns = Columns::default();
        let mut below: Vec<Vec<String>> = config.folders.iter().map(settings::limits).collect();
        below.resize(config.folders.len() + config.wrong.len(), Vec::new());
        for folder in &config.folders {
            let local = shorten(&folder.local, &invocation.places);
            let ends = format!("{local} {} {}", arrow(folder.mode), folder.remote);
            columns.push([folder.name.clone(), folder.mode.to_string(), ends]);
        }
        for wrong in &config.wrong {
            columns.push([
                wrong.name.clone(),
                wrong.mode.clone(),
                typed::text(&format!("held: {}", wrong.reason())),
            ]);
        }
        columns.fitting(extent()).iter().zip(below).try_for_each(|(lines, below)| {
            lines.iter().try_for_each(|line| invocation.output.line(line))?;
            below.iter().try_for_each(|line| invocation.output.prose(format_args!("  {}", Escaped(line))))
        })
    })?;
    Ok(Exit::Done)
}

fn remove(name: &str, invocation: &Invocation) -> Result<Exit, Failure> {
    let mut editor = Editor::open(&invocation.places)?;
    let before = invocation.tolerant_config().ok();
    if !editor.remove(name)? {
        return Err(unknown_folder(name, &invocation.config()?));
    }
    editor.save()?;
    invocation.output.either(&json!({"schema": 1, "removed": name}), || {
        invocation.output.prose(format_args!(
            "{} is no longer kept in step; nothing was deleted on either side",
            Escaped(name)
        ))
    })?;
    tell(invocation)?;
    // A daemon has let go of it by now.
    if let Some(folder) = before.as_ref().and_then(|before| before.folder(name)) {
        begin_anew(folder, &invocation.places)?;
    }
    Ok(Exit::Done)
}

fn set(name: &str, settings: &[String], make: bool, invocation: &Invocation) -> Result<Exit, Failure> {
    let mut editor = Editor::open(&invocation.places)?;
    // It may be mended by this.
    let before = invocation.tolerant_config().ok();
    let mut current_name = name.to_owned();
    let mut keys = Vec::new();
    for setting in settings {
        let Some((key, value)) = setting.split_once('=') else {
            return Err(
                Failure::usage(format!("{setting:?} is not KEY=VALUE")).hint("for example: mode=archive")
            );
        };
        let (key, value) = (key.trim(), value.trim());
        if key == "local" {
            local_root(Path::new(value), &invocation.places)?;
        }
        if !editor.set(&current_name, key, value)? {
            return Err(unknown_folder(name, &invocation.config()?));
        }
        if !keys.contains(&key) {
            keys.push(key);
        }
        if key == "name" {
            value.clone_into(&mut current_name);
        }
    }
    let config = editor.check()?;
    let old = before.as_ref().and_then(|before| before.folder(name));
    let after = config.folder(&current_name);
    // Nobody has said yet that what may be at this place is the folder's. To name the place once more, or the
    // directory, is no such word.
    let is_unclaimed = old.is_some_and(|old| new_place::is_nothing_expected(old, &invocation.places))
        && old.map(|old| &old.remote) == after.map(|after| &after.remote);
    let was_taken = old.is_some_and(|old| new_place::was_taken(old, &invocation.places));
    let mut is_said = false;
    if let Some(folder) = after.filter(|_| keys.contains(&"remote")) {
        let (place, mode, is_default) = (&folder.remote, folder.mode, is_unclaimed);
        let question = place::Question { place, mode, yes: make, is_default, has_alternative: false };
        if let place::Answer::Usable(content) = place::make_sure(&question, invocation)? {
            // What is there is not taken without a yes.
            is_said = make || content.is_some_and(|content| content != place::Content::default());
        }
        if !is_unclaimed || is_said {
            new_place::expect_anything(folder, &invocation.places)?;
        }
    }
    if let (Some(old), Some(new)) = (old, after)
        && (&old.local, &old.remote) != (&new.local, &new.remote)
    {
        // The folder may have had these two ends before.
        begin_anew(new, &invocation.places)?;
        if is_unclaimed && !is_said {
            let still = if was_taken { new_place::note_taken } else { new_place::expect_nothing };
            still(new, &invocation.places)?;
        }
    }
    editor.save()?;
    let change = |folder| keys.iter().map(|key| Change::of(key, old, folder)).collect();
    let changes: Vec<Change> = after.map(change).unwrap_or_default();
    let told: Vec<Value> = changes.iter().map(Change::document).collect();
    let document = json!({"schema": 1, "folder": after.map(folder_document), "changed": told});
    invocation.output.either(&document, || {
        changes.iter().try_for_each(|change| {
            let text = change.text();
            invocation.output.prose(format_args!("{}: {}", Escaped(&current_name), Escaped(&text)))
        })
    })?;
    tell(invocation)
}

/// Asks a running daemon to follow the config; says what became of it.
fn tell(invocation: &Invocation) -> Result<Exit, Failure> {
    invocation.wait(async {
        tell_daemon(invocation).await;
        Ok(Exit::Done)
    })
}

/// Asks a running daemon to follow the config and the login; says so if it refuses. Without a daemon all is
/// well. Tells whether anything runs.
pub(crate) async fn tell_daemon(invocation: &Invocation) -> bool {
    let order = OrderDocument::default();
    let answer: Result<AcceptedDocument, Failure> =
        exchange::post(&invocation.places, "/v1/reload", &order).await;
    match answer {
        Ok(_) if !invocation.output.json => remark("what runs follows"),
        Ok(_) => {}
        Err(failure) if failure.exit() == Exit::NotRunning => return false,
        Err(failure) => {
            remark(format_args!(
                "warning: the running daemon did not follow the configuration: {}",
                Escaped(failure.message())
            ));
        }
    }
    true
}

fn folder_document(folder: &Folder) -> Value {
    json!({
        "name": folder.name,
        "local": folder.local.display().to_string(),
        "remote": folder.remote.to_string(),
        "mode": folder.mode.as_str(),
        "ignore": folder.ignore,
        "max_size": folder.max_size,
    })
}

/// The directory that was named, absolute; it must be there.
pub(crate) fn local_root(path: &Path, places: &Places) -> Result<PathBuf, Failure> {
    let shown = shown_path(path).to_string();
    let refuse = |reason: String| Failure::usage(format!("{shown}: {reason}")).path(shown.clone());
    if path.as_os_str().is_empty() {
        return Err(Failure::usage("the path of the local directory is empty")
            .hint("name a directory that is there, such as ~/Documents"));
    }
    let absolute = std::path::absolute(places.expand(path)).map_err(|error| refuse(error.to_string()))?;
    match absolute.metadata() {
        Ok(metadata) if metadata.is_dir() => match root::why_never(&absolute) {
            Some(reason) => {
                Err(refuse(reason).hint("choose a directory that holds files, such as ~/Documents"))
            }
            None => Ok(absolute.components().collect()),
        },
        Ok(_) => {
            Err(refuse("it is not a directory".to_owned())
                .hint("a folder is a directory with all that is in it"))
        }
        Err(error) => Err(refuse(error.to_string()).hint("make the directory first, or correct the path")),
    }
}

/// The path without `..`, which the config does not take; links are followed only where that is needed.
fn resolve_parent(path: &Path) -> PathBuf {
    let climbs = path.components().any(|component| component == std::path::Component::ParentDir);
    if climbs { resolve(path) } else { path.to_owned() }
}

impl Config {
    /// Whether there is anything to keep in step.
    pub(crate) fn is_empty(&self) -> bool {
        self.folders.is_empty() && self.wrong.is_empty()
    }
}
