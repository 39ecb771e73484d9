//! `jottad put`: files from this machine to the service.

use std::cell::Cell;
use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use jottad_core::{Content, FoldKey, Md5, Name, StoredName, encode_name, shell_word, shown_path};
use jottad_transport::{Client, RemotePath, Sighting, UploadFacts};

use crate::cli::completion::local_path_or_place;
use crate::cli::failure::{Exit, Failure};
use crate::cli::invocation::Invocation;
use crate::cli::output::{Escaped, now};
use crate::remote::{
    AtOnce, LocalFile, Progress, Sent, Tally, Trouble, absent, destination, make_parent, send,
    target_argument,
};

/// So many files of the largest size that is kept in memory may be there at one time; what finds no room is
/// read twice.
const KEPT_IN_MEMORY: u64 = 4;

#[derive(Debug, Args)]
#[command(override_usage = "jottad put [OPTIONS] LOCAL… REMOTE")]
pub(crate) struct PutArguments {
    /// What to send, and where to, DEVICE/MOUNTPOINT[/path]. Several go into the folder that is named last.
    /// One file goes into a folder or to the file's new path, and so does what `-` reads from standard input,
    /// which has no name of its own; what is in one directory goes, with -r, into the folder
    #[arg(required = true, num_args = 1.., value_name = "LOCAL… REMOTE", add = local_path_or_place())]
    places: Vec<PathBuf>,
    /// Send a directory with all that is in it; symlinks and special files are skipped
    #[arg(short, long)]
    recursive: bool,
    /// Store a new revision where a file of another content is
    #[arg(long)]
    force: bool,
}

/// Sends. What was interrupted is gone on with by the same command; what is there already is not sent again.
/// What cannot be done at all is refused before anything is sent.
pub(crate) fn run(arguments: &PutArguments, invocation: &Invocation) -> Result<Exit, Failure> {
    let Some((remote, locals @ [_, ..])) = arguments.places.split_last() else {
        let what =
            arguments.places.first().map_or_else(|| "a.txt".to_owned(), |path| shell_word(shown_path(path)));
        return Err(Failure::usage(format!("send {what} where to? the place on the service is missing"))
            .hint(format!("for example: jottad put {what} Jotta/Archive")));
    };
    let target = target_argument(&remote.display().to_string())?;
    let is_input = |local: &PathBuf| local.as_os_str() == "-";
    if locals.iter().any(is_input) && locals.len() > 1 {
        return Err(Failure::usage("standard input can only be sent alone: it has no name in a folder")
            .hint("send it by itself: jottad put - REMOTE"));
    }
    let mut sizes = Vec::new();
    for local in locals.iter().filter(|local| !is_input(local)) {
        let metadata = fs::metadata(local).map_err(|error| {
            refuse(local, &error.to_string()).hint("correct the path, or let this user read it")
        })?;
        if metadata.is_dir() && !arguments.recursive {
            return Err(refuse(local, "it is a directory").hint("add -r to send all that is in it"));
        }
        sizes.push((local, metadata.is_dir(), metadata.len()));
    }
    let client = invocation.client()?;
    let memory_limit = invocation.tolerant_config()?.transfer.md5_memory_limit;
    let progress = Progress::new(invocation.output);
    invocation.wait(async {
        let mut tally = Tally::default();
        let way = Way { client: &client, force: arguments.force, memory_limit, progress: &progress };
        match sizes[..] {
            [] => input(way, &target, invocation, &mut tally).await?,
            [(local, true, _)] => directory(way, local, &target, &mut tally).await?,
            [(local, false, size)] => {
                let name = stored_name(local)?;
                let place = destination(&client, &target, &remote.display().to_string(), &name).await?;
                one_file(way, local, &place, size, &mut tally).await?;
            }
            _ => {
                let names = names_in_folder(&client, &target, locals).await?;
                for ((local, is_directory, size), name) in sizes.iter().zip(names) {
                    let place = target.join(name);
                    let sent = if *is_directory {
                        directory(way, local, &place, &mut tally).await
                    } else {
                        one_file(way, local, &place, *size, &mut tally).await
                    };
                    match sent {
                        // One that is in the way keeps none of the others.
                        Err(failure) if failure.exit() == Exit::Failed => {
                            tally.skip(&local.display().to_string(), failure.message(), &progress);
                        }
                        sent => sent?,
                    }
                }
            }
        }
        drop(progress);
        tally.finish("sent", invocation.output)
    })
}

fn refuse(local: &Path, why: &str) -> Failure {
    Failure::failed(format!("reading {}: {why}", local.display())).path(local.display().to_string())
}

/// What a local entry is called on the service.
fn stored_name(local: &Path) -> Result<StoredName, Failure> {
    let name = local.file_name().and_then(|name| Name::new(name.as_encoded_bytes()).ok());
    let name = name.ok_or_else(|| refuse(local, "it has no name").hint("name the directory itself"))?;
    Ok(encode_name(&name))
}

/// What several entries are called in a folder, which must be there.
async fn names_in_folder(
    client: &Client,
    target: &RemotePath,
    locals: &[PathBuf],
) -> Result<Vec<StoredName>, Failure> {
    match client.look(target).await? {
        Sighting::Folder => {}
        Sighting::File(_) | Sighting::UnfinishedFile(_) => {
            return Err(absent("writing into", target, "it is a file").hint("name a folder for several"));
        }
        _ => {
            return Err(absent("writing into", target, "there is no such folder")
                .hint(format!("make it first: jottad mkdir {}", shell_word(target))));
        }
    }
    let mut names: Vec<StoredName> = Vec::new();
    for local in locals {
        let name = stored_name(local)?;
        check_length(&target.join(name.clone()))?;
        if let Some(at) = names.iter().position(|other| FoldKey::of(other) == FoldKey::of(&name)) {
            let other = locals[at].display();
            return Err(refuse(local, &format!("to the service it has the same name as {other}"))
                .hint("send one of them by itself, to another name"));
        }
        names.push(name);
    }
    Ok(names)
}

async fn one_file(
    way: Way<'_>,
    local: &Path,
    place: &RemotePath,
    size: u64,
    tally: &mut Tally,
) -> Result<(), Failure> {
    let Way { client, force, memory_limit, progress } = way;
    progress.expect(1, size);
    let file = LocalFile::read(local, memory_limit).await?;
    check_length(place)?;
    make_parent(client, place).await?;
    let sent = send(client, place, &file, force, progress).await;
    count(tally, sent.map_err(Trouble::into_failure)?, file.content().size);
    Ok(())
}

/// Sends what standard input holds. Its hash must be known before, so all of it is put aside first.
async fn input(
    way: Way<'_>,
    target: &RemotePath,
    invocation: &Invocation,
    tally: &mut Tally,
) -> Result<(), Failure> {
    let Way { client, force, progress, .. } = way;
    check_length(target)?;
    if client.look(target).await? == Sighting::Folder {
        return Err(absent("writing", target, "it is a folder, and standard input has no name")
            .hint(format!("name the file: jottad put - {}/NAME", shell_word(target))));
    }
    invocation.places.make_state_dir()?;
    let directory = invocation.places.state_dir.clone();
    let shown = directory.display().to_string();
    let aside = tokio::task::spawn_blocking(move || {
        let mut file = tempfile::tempfile_in(directory)?;
        io::copy(&mut io::stdin().lock(), &mut file)?;
        Ok(file)
    });
    let aside = aside.await.map_err(io::Error::other).flatten();
    let file = aside.map_err(|error: io::Error| {
        Failure::of_system(format_args!("putting standard input aside in {shown}"), &error)
            .path(shown.clone())
            .hint("make some room on that disk, or send a file: that is not put aside")
    })?;
    let nothing = Content { size: 0, md5: Md5::from_bytes([0; 16]) };
    let facts = UploadFacts { content: nothing, created: None, modified: now() };
    let file = LocalFile::own(file, Path::new("standard input"), facts).await?;
    progress.expect(1, file.content().size);
    make_parent(client, target).await?;
    let sent = send(client, target, &file, force, progress).await;
    count(tally, sent.map_err(Trouble::into_failure)?, file.content().size);
    Ok(())
}

/// How files are sent.
#[derive(Clone, Copy)]
struct Way<'a> {
    client: &'a Client,
    force: bool,
    memory_limit: u64,
    progress: &'a Progress,
}

/// Sends what is in a directory into a folder, directory by directory.
async fn directory(
    way: Way<'_>,
    local: &Path,
    target: &RemotePath,
    tally: &mut Tally,
) -> Result<(), Failure> {
    let Way { client, force, memory_limit, progress } = way;
    make_parent(client, target).await?;
    // Without this one there is no place for anything.
    make_folder(client, target).await.map_err(Trouble::into_failure)?;
    let mut at_once = AtOnce::new(client);
    let memory = Cell::new(memory_limit.saturating_mul(KEPT_IN_MEMORY));
    let memory = &memory;
    let mut waiting = vec![(local.to_owned(), target.clone())];
    while let Some((local, place)) = waiting.pop() {
        if let Err(failure) = make_folder(client, &place).await {
            tally.suffer(&place.to_string(), failure, progress)?;
            continue;
        }
        let entries = match read_directory(&local) {
            Ok(entries) => entries,
            Err(failure) => {
                tally.skip(&local.display().to_string(), failure.message(), progress);
                continue;
            }
        };
        let mut keys = HashSet::new();
        let mut files = Vec::new();
        for entry in entries {
            let told = entry.path.display().to_string();
            if !entry.stored.fits() {
                tally.skip(&told, "the service takes no name of this length", progress);
            } else if !keys.insert(FoldKey::of(&entry.stored)) {
                tally.skip(&told, "to the service it has the same name as another entry here", progress);
            } else if entry.kind.is_dir() {
                waiting.push((entry.path, place.join(entry.stored)));
            } else if entry.kind.is_file() {
                progress.expect(1, entry.size);
                files.push(entry);
            } else {
                tally.skip(&told, "it is neither a file nor a directory", progress);
            }
        }
        let work = |entry: Entry| {
            let place = place.join(entry.stored.clone());
            async move {
                let is_kept = entry.size <= memory_limit.min(memory.get());
                let kept = if is_kept { entry.size } else { 0 };
                memory.set(memory.get() - kept);
                let sent = match LocalFile::read_found(&entry.path, kept).await {
                    Ok(file) => {
                        let size = file.content().size;
                        send(client, &place, &file, force, progress).await.map(|sent| (sent, size))
                    }
                    Err(failure) => Err(failure.into()),
                };
                memory.set(memory.get() + kept);
                progress.file_done();
                (entry, sent)
            }
        };
        let take = |entry: Entry, sent| {
            match sent {
                Ok((sent, size)) => count(tally, sent, size),
                Err(trouble) => tally.suffer(&entry.path.display().to_string(), trouble, progress)?,
            }
            Ok::<(), Failure>(())
        };
        at_once.each(files, |entry| entry.size, work, take).await?;
    }
    Ok(())
}

async fn make_folder(client: &Client, place: &RemotePath) -> Result<(), Trouble> {
    match client.look(place).await? {
        Sighting::Folder => Ok(()),
        Sighting::File(_) | Sighting::UnfinishedFile(_) => {
            Err(absent("writing into", place, "it is a file").into())
        }
        _ => Ok(client.make_folder(place).await?),
    }
}

/// An entry of a local directory.
#[derive(Debug)]
struct Entry {
    path: PathBuf,
    stored: StoredName,
    kind: fs::FileType,
    size: u64,
}

/// The entries of a directory by name, so that the same one of two that collide is left each time.
fn read_directory(path: &Path) -> Result<Vec<Entry>, Failure> {
    let fail = |error: std::io::Error| {
        Failure::of_system(format_args!("reading {}", path.display()), &error)
            .path(path.display().to_string())
    };
    let mut entries = Vec::new();
    for entry in fs::read_dir(path).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        // What is gone again is not there.
        let Ok(metadata) = entry.metadata() else { continue };
        let Ok(name) = Name::new(entry.file_name().as_encoded_bytes()) else { continue };
        entries.push(Entry {
            path: entry.path(),
            stored: encode_name(&name),
            kind: metadata.file_type(),
            size: metadata.len(),
        });
    }
    entries.sort_by(|one, two| one.path.cmp(&two.path));
    Ok(entries)
}

fn check_length(place: &RemotePath) -> Result<(), Failure> {
    if place.names().iter().all(StoredName::fits) {
        return Ok(());
    }
    Err(Failure::failed(format!(
        "writing {}: the service takes no name of this length",
        Escaped(&place.to_string())
    ))
    .path(place.to_string())
    .hint("choose a shorter name"))
}

fn count(tally: &mut Tally, sent: Sent, size: u64) {
    match sent {
        Sent::Stored => {
            tally.files += 1;
            tally.bytes += size;
        }
        Sent::Unchanged => tally.unchanged += 1,
    }
}
