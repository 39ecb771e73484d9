//! Changing letter case alone, in two steps with a record of them on this machine.
//!
//! What the service makes of such a change in one step is not known (protocol 6.2): it might do nothing, or
//! lose the file. So it goes through a name between. Before the first step the record is on disk; whoever
//! finds it afterwards without its owner knows what the name between stands for, and takes the second step.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use jottad_core::staleness::{RECHECK_DELAYS, STALENESS_WINDOW};
use jottad_core::{FoldKey, StoredName, shell_word};
use jottad_transport::{Client, Error, ErrorKind, MoveOutcome, RemotePath, Sighting};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::cli::failure::Failure;
use crate::cli::output::remark;
use crate::places::{Places, make_private_directory};

/// Names that are tried for the time between.
const NAMES_BETWEEN: u32 = 100;
/// Bytes of the old name that the name between keeps, so that it stays within what the service takes.
const KEPT: usize = 230;

/// A renaming that is under way.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    /// Whose account it is in.
    username: String,
    /// Device, mountpoint and names, as stored.
    from: Vec<String>,
    between: Vec<String>,
    to: Vec<String>,
    is_folder: bool,
}

/// Changes the letter case of a live entry.
pub(crate) async fn rename_case(
    client: &Client,
    places: &Places,
    from: &RemotePath,
    to: &RemotePath,
    is_folder: bool,
) -> Result<(), Failure> {
    let between = free_name(client, from).await?;
    let username = client.username().await?.to_owned();
    let record = Record { username, from: words(from), between: words(&between), to: words(to), is_folder };
    let kept = record.keep(places)?;
    let first = relocate(client, from, &between, is_folder).await;
    if let Err(error) = first {
        // Whether it was done is not known after every error; the record stays until it is.
        if !error.is_uncertain() && !error.is_retryable() {
            kept.forget();
        }
        return Err(error.into());
    }
    let Err(error) = take_second_step(client, &between, to, is_folder).await else {
        kept.forget();
        return Ok(());
    };
    if relocate(client, &between, from, is_folder).await.is_ok() {
        kept.forget();
        return Err(error.into());
    }
    Err(Failure::failed(format!("{error}; it is called {between} now")).path(between.to_string()).hint(
        format!("the next `jottad mv` ends it, or: jottad mv {} {}", shell_word(&between), shell_word(to)),
    ))
}

/// Takes the second step of renamings that were interrupted, and tells their new paths. What stands in the
/// way is told to the user, and nothing more.
pub(crate) async fn finish_renamings(client: &Client, places: &Places) -> Result<Vec<RemotePath>, Failure> {
    let mut finished = Vec::new();
    for path in records(places) {
        let Ok(mut file) = File::open(&path) else { continue };
        if matches!(flock(&file, FlockOperation::NonBlockingLockExclusive), Err(Errno::WOULDBLOCK)) {
            // Another command is at it.
            continue;
        }
        let mut text = Vec::new();
        let read = file.read_to_end(&mut text).ok();
        let Some(record) = read.and_then(|_| serde_json::from_slice::<Record>(&text).ok()) else {
            remark(format_args!("{} is no record of a renaming: left alone", path.display()));
            continue;
        };
        if record.username != client.username().await? {
            continue;
        }
        let age =
            file.metadata().and_then(|facts| facts.modified()).ok().and_then(|time| time.elapsed().ok());
        // A young record proves more than a look that does not find what it tells of.
        let end = record.finish(client, age.is_some_and(|age| age < STALENESS_WINDOW)).await?;
        if end != End::Blocked {
            let _ = fs::remove_file(&path);
        }
        if end == End::Done {
            finished.extend(place(&record.to));
        }
    }
    Ok(finished)
}

/// How an attempt to end a renaming went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The second step is taken.
    Done,
    /// There was nothing to be done: it was not begun, or done, or somebody else has seen to it.
    Nothing,
    /// Something stands in the way; the record is still needed.
    Blocked,
}

impl Record {
    async fn finish(&self, client: &Client, is_young: bool) -> Result<End, Failure> {
        let (Some(between), Some(to)) = (place(&self.between), place(&self.to)) else {
            return Ok(End::Nothing);
        };
        match client.look(&between).await? {
            Sighting::Folder if self.is_folder => {}
            Sighting::File(_) if !self.is_folder => {}
            _ if is_young => return Ok(End::Blocked),
            _ => return Ok(End::Nothing),
        }
        match take_second_step(client, &between, &to, self.is_folder).await {
            Ok(()) => {
                remark(format_args!("ended an interrupted renaming: {between} -> {to}"));
                Ok(End::Done)
            }
            Err(error) if error.is_retryable() => Err(error.into()),
            Err(error) => {
                remark(format_args!("an interrupted renaming left {between}: {error}"));
                Ok(End::Blocked)
            }
        }
    }

    /// Puts it on disk, where it survives a power cut, and holds it for as long as the answer lives.
    fn keep(&self, places: &Places) -> Result<Kept, Failure> {
        let directory = directory(places);
        make_private_directory(&places.state_dir)?;
        make_private_directory(&directory)?;
        let write = || -> io::Result<Kept> {
            let mut temporary = tempfile::Builder::new().prefix("mv-").tempfile_in(&directory)?;
            // Nobody may take it up while this command is at it. It gets the name of a record when it is
            // whole.
            let _ = flock(temporary.as_file(), FlockOperation::NonBlockingLockExclusive);
            temporary.write_all(&serde_json::to_vec(self)?)?;
            temporary.as_file().sync_all()?;
            let path = temporary.path().with_added_extension("json");
            let file = temporary.persist(&path).map_err(|error| error.error)?;
            File::open(&directory)?.sync_all()?;
            Ok(Kept { path, _lock: file })
        };
        write().map_err(|error| {
            Failure::of_system(format_args!("writing a record in {}", directory.display()), &error)
                .path(directory.display().to_string())
        })
    }
}

/// A record on disk, locked.
struct Kept {
    path: PathBuf,
    _lock: File,
}

impl Kept {
    fn forget(self) {
        // One that stays is looked at by the next command, which finds that all is done.
        let _ = fs::remove_file(&self.path);
    }
}

fn directory(places: &Places) -> PathBuf {
    places.state_dir.join("renaming")
}

fn records(places: &Places) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory(places)).into_iter().flatten().flatten();
    let mut records: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    records.retain(|path| path.extension() == Some(Path::new("json").as_os_str()));
    records.sort();
    records
}

fn words(path: &RemotePath) -> Vec<String> {
    let names = [path.device(), path.mountpoint()].into_iter().chain(path.names());
    names.map(|name| name.as_str().to_owned()).collect()
}

fn place(words: &[String]) -> Option<RemotePath> {
    let mut names = words.iter().map(|word| StoredName::new(word.as_str()));
    let mut path = RemotePath::new(names.next()??, names.next()??);
    for name in names {
        path = path.join(name?);
    }
    Some(path)
}

/// A name beside a path that nothing has, live or trashed.
async fn free_name(client: &Client, path: &RemotePath) -> Result<RemotePath, Failure> {
    let stored = path.name().map_or("", |name| name.as_str());
    let kept = &stored[..stored.floor_char_boundary(KEPT)];
    for number in 1..NAMES_BETWEEN {
        let Some(name) = StoredName::new(format!("{kept}.renaming-{number}")) else { break };
        let between = path.with_name(name);
        if client.look(&between).await? == Sighting::Missing {
            return Ok(between);
        }
    }
    Err(Failure::failed(format!("renaming {path}: every name for the time between is taken"))
        .path(path.to_string())
        .hint("remove the entries with `.renaming-` in their names that are of no use"))
}

/// Moves a file or a folder, each with its own order.
pub(crate) async fn relocate(
    client: &Client,
    from: &RemotePath,
    to: &RemotePath,
    is_folder: bool,
) -> Result<MoveOutcome, Error> {
    if is_folder { client.move_folder(from, to).await } else { client.move_file(from, to).await }
}

/// Moves an entry from the name between to its new name. After the first step a service that is late
/// (protocol U-38) shows the old name as taken, and the name between as free, for a while.
async fn take_second_step(
    client: &Client,
    between: &RemotePath,
    to: &RemotePath,
    is_folder: bool,
) -> Result<(), Error> {
    for delay in RECHECK_DELAYS {
        match relocate(client, between, to, is_folder).await {
            Ok(MoveOutcome::Done) => return Ok(()),
            // The answer was lost, and what was seen instead may be older than the first step.
            Ok(MoveOutcome::FoundDone) => {
                tokio::time::sleep(STALENESS_WINDOW).await;
                if !client.look(between).await?.is_live() {
                    return Ok(());
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::NotFound) => {
                tokio::time::sleep(delay).await;
            }
            Err(error) => return Err(error),
        }
    }
    relocate(client, between, to, is_folder).await.map(drop)
}

/// Whether two different paths may be one to the service.
pub(crate) fn differs_in_case(one: &RemotePath, two: &RemotePath) -> bool {
    one != two && fold_keys(one) == fold_keys(two)
}

/// What the service may tell paths apart by.
pub(crate) fn fold_keys(path: &RemotePath) -> Vec<FoldKey> {
    [path.device(), path.mountpoint()].into_iter().chain(path.names()).map(FoldKey::of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(state_dir: &Path) -> Places {
        Places { home: "/".into(), config_file: "/c".into(), state_dir: state_dir.to_owned() }
    }

    #[test]
    fn a_record_is_found_again_as_it_was_until_it_is_forgotten() {
        let state = tempfile::tempdir().unwrap();
        let places = places(state.path());
        let from = RemotePath::parse("Jotta/Archive/a b/50%").unwrap();
        let names = words(&from);
        let record = Record {
            username: "kari".to_owned(),
            from: names.clone(),
            between: names.clone(),
            to: names,
            is_folder: true,
        };
        let kept = record.keep(&places).unwrap();
        let found = records(&places);
        assert_eq!(found.len(), 1);
        let read: Record = serde_json::from_slice(&fs::read(&found[0]).unwrap()).unwrap();
        assert_eq!(place(&read.from), Some(from));
        let other = File::open(&found[0]).unwrap();
        assert!(flock(&other, FlockOperation::NonBlockingLockExclusive).is_err());
        kept.forget();
        assert!(records(&places).is_empty());
    }
}
