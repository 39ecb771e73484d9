//! `jottad put`: files from this machine to the service.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use futures_util::StreamExt as _;
use futures_util::stream;
use jottad_core::{FoldKey, Name, StoredName, encode_name};
use jottad_transport::{Client, RemotePath, Sighting};

use crate::completion::remote_place;
use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::output::Escaped;
use crate::remote::{
    LocalFile, Progress, Sent, Tally, Trouble, absent, destination, make_parent, send, target_argument,
};

/// Files sent at the same time: enough to hide the way to the service and back.
const AT_ONCE: usize = 4;

#[derive(Debug, Args)]
pub(crate) struct PutArguments {
    /// What to send
    local: PathBuf,
    /// Where to: a folder for a file to go into, the file's new path, or with -r the folder that gets what is
    /// in the directory
    #[arg(add = remote_place())]
    remote: String,
    /// Send a directory with all that is in it; symlinks and special files are skipped
    #[arg(short, long)]
    recursive: bool,
    /// Store a new revision where a file of another content is
    #[arg(long)]
    force: bool,
}

/// Sends. What was interrupted is gone on with by the same command; what is there already is not sent again.
pub(crate) fn run(arguments: &PutArguments, invocation: &Invocation) -> Result<Exit, Failure> {
    let target = target_argument(&arguments.remote)?;
    let local = &arguments.local;
    let refuse = |why: &str| {
        Failure::failed(format!("reading {}: {why}", local.display())).path(local.display().to_string())
    };
    let metadata = fs::metadata(local)
        .map_err(|error| refuse(&error.to_string()).hint("correct the path, or let this user read it"))?;
    if metadata.is_dir() && !arguments.recursive {
        return Err(refuse("it is a directory").hint("add -r to send all that is in it"));
    }
    let client = invocation.client()?;
    let memory_limit = invocation.tolerant_config()?.transfer.md5_memory_limit;
    let progress = Progress::new(invocation.output);
    invocation.wait(async {
        let mut tally = Tally::default();
        if metadata.is_dir() {
            let way = Way { client: &client, force: arguments.force, memory_limit, progress: &progress };
            directory(way, local, &target, &mut tally).await?;
        } else {
            progress.expect(1, metadata.len());
            let file = LocalFile::read(local, memory_limit).await?;
            let name = local.file_name().and_then(|name| Name::new(name.as_encoded_bytes()).ok());
            let name = encode_name(&name.ok_or_else(|| refuse("it has no name"))?);
            let place = destination(&client, &target, &name).await?;
            check_length(&place)?;
            make_parent(&client, &place).await?;
            let sent = send(&client, &place, &file, arguments.force, &progress).await;
            count(&mut tally, sent.map_err(Trouble::into_failure)?, metadata.len());
        }
        drop(progress);
        tally.finish("sent", invocation.output)
    })
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
        let mut sending = stream::iter(files)
            .map(|entry| {
                let place = place.join(entry.stored.clone());
                async move {
                    let sent = match LocalFile::read_found(&entry.path, memory_limit).await {
                        Ok(file) => {
                            let size = file.content().size;
                            send(client, &place, &file, force, progress).await.map(|sent| (sent, size))
                        }
                        Err(failure) => Err(failure.into()),
                    };
                    progress.file_done();
                    (entry, sent)
                }
            })
            .buffer_unordered(AT_ONCE);
        while let Some((entry, sent)) = sending.next().await {
            match sent {
                Ok((sent, size)) => count(tally, sent, size),
                Err(trouble) => tally.suffer(&entry.path.display().to_string(), trouble, progress)?,
            }
        }
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
        Failure::failed(format!("reading {}: {error}", path.display())).path(path.display().to_string())
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
