//! Carrying commands out: every precondition is looked at again at the last moment, and what is reported is
//! what is really there afterwards.
//!
//! Nothing is decided here. Each command ends with exactly one [`Event::Completed`]; a future that is dropped
//! leaves nothing behind that the next observation does not show.

use std::future::Future;

use jottad_core::{DecodedName, File, FoldKey, RelativePath, StoredPath, decode_name};

use crate::digest::TreeDigest;
use crate::disk::{Disk, DiskError, DiskErrorKind, DiskNode, FileStat, Identity, Mount};
use crate::event::{
    Achieved, Command, CommandId, Event, ExpectedMount, Followed, LocalExpectation, OperationError, Outcome,
    RemoteExpectation, Replaces, ScannedDirectory, Task,
};
use crate::planted::{self, Planted};
use crate::remote::{
    ListedEntry, MoveAnswer, Remote, RemoteError, RemoteErrorKind, RemoteListing, RemoteNode, UnusableEntry,
};
use crate::rules_file::read_rules;

/// Carries one command out. `listed` takes what a listing finds, a batch at a time, and may make the listing
/// wait.
///
/// Cancel safe: what was done until then stays done and is found by the next observation.
pub async fn perform<D, R, L, F>(command: Command, disk: &D, remote: &R, listed: L) -> Event
where
    D: Disk,
    R: Remote,
    L: Fn(CommandId, Vec<ListedEntry>) -> F + Send + Sync,
    F: Future<Output = ()> + Send,
{
    let Command { id, task, mounts } = command;
    if let Err(error) = check_mounts(disk, &mounts).await {
        return Event::Completed(id, refused(&task, error));
    }
    let outcome = match task {
        Task::CheckRoot => Outcome::Root(disk.root().await),
        Task::ClaimRoot { root, marker } => Outcome::Claimed(disk.claim_root(&root, &marker).await),
        Task::Scan { directory } => Outcome::Scanned(scan(disk, &directory, &mounts).await),
        Task::Hash { files } => Outcome::Hashed(disk.hash_all(&files).await),
        Task::ListTree => Outcome::ListingEnded(list_tree(id, remote, listed).await),
        Task::ListDirectory { directory } => {
            Outcome::ListedDirectory(remote.list_directory(&directory).await)
        }
        Task::Look { path } => Outcome::Looked(remote.look(&path).await),
        Task::Poll => Outcome::Polled(remote.change_stamp().await),
        operation => Outcome::Operation(operate(operation, disk, remote).await),
    };
    Event::Completed(id, outcome)
}

/// What a command was decided on was below certain disks; they must still be there.
async fn check_mounts<D: Disk>(disk: &D, mounts: &[ExpectedMount]) -> Result<(), DiskError> {
    for ExpectedMount { path, mount } in mounts {
        if !Mount::may_be_same(disk.mount(path).await?, Some(*mount)) {
            let kind = DiskErrorKind::MountChanged;
            return Err(DiskError { action: "looking at", path: path.clone(), kind });
        }
    }
    Ok(())
}

/// Nothing was done for want of a disk. Only tasks with a local path can want one.
fn refused(task: &Task, error: DiskError) -> Outcome {
    match task {
        Task::Scan { .. } => Outcome::Scanned(Err(error)),
        Task::Hash { .. } => Outcome::Hashed(Err(error)),
        _ => Outcome::Operation(Err(error.into())),
    }
}

/// Reads a directory, and the rules that it has for what is below, below disks that were there before and
/// after.
async fn scan<D: Disk>(
    disk: &D,
    directory: &RelativePath,
    mounts: &[ExpectedMount],
) -> Result<ScannedDirectory, DiskError> {
    let listing = disk.list(directory).await?;
    let rules = read_rules(disk, directory, &listing.entries).await;
    check_mounts(disk, mounts).await?;
    Ok(ScannedDirectory { listing, rules })
}

async fn list_tree<R, L, F>(id: CommandId, remote: &R, listed: L) -> Result<Vec<UnusableEntry>, RemoteError>
where
    R: Remote,
    L: Fn(CommandId, Vec<ListedEntry>) -> F + Send + Sync,
    F: Future<Output = ()> + Send,
{
    let mut listing = remote.list_tree(&StoredPath::root()).await?;
    loop {
        match listing.next_batch().await {
            Ok(None) => return Ok(listing.unusable().to_vec()),
            Ok(Some(batch)) => listed(id, batch).await,
            Err(error)
                if planted::is(Planted::TruncatedListing) && error.kind == RemoteErrorKind::Incomplete =>
            {
                return Ok(Vec::new());
            }
            Err(error) => return Err(error),
        }
    }
}

async fn operate<D: Disk, R: Remote>(task: Task, disk: &D, remote: &R) -> Result<Achieved, OperationError> {
    match task {
        Task::Upload { path, remote: target, stat, file, replaces } => {
            check_remote(remote, &target, replaces).await?;
            upload(disk, remote, &path, &target, &stat, file).await
        }
        Task::Download { path, remote: source, file, replaces, twin } => {
            download(disk, remote, &path, &source, file, replaces, twin).await
        }
        Task::MakeRemoteDirectory { path, remote: target } => {
            match disk.stat(&path).await? {
                Some(DiskNode::Directory(_)) => {}
                _ => return Err(OperationError::LocalChanged { path }),
            }
            remote.make_directory(&target).await?;
            Ok(Achieved::Done)
        }
        Task::MakeLocalDirectory { path } => Ok(Achieved::LocalDirectory(disk.make_directory(&path).await?)),
        Task::MoveRemote { from, to, kind, content } => {
            if let Some(content) = content {
                check_remote(remote, &from, Replaces::File(content)).await?;
            }
            Ok(match remote.move_entry(&from, &to, kind).await? {
                MoveAnswer::Done => Achieved::Done,
                MoveAnswer::SeemsDone => Achieved::InDoubt,
            })
        }
        Task::MoveLocal { from, to, identity, followed } => {
            if let Some(followed) = &followed {
                check_followed(remote, followed).await?;
            }
            disk.rename(&from, &to, identity).await?;
            match followed {
                Some(Followed::Spelling(_)) if !keeps_spelling(disk, &from, &to).await? => {
                    Ok(Achieved::Outdated)
                }
                _ => Ok(Achieved::Done),
            }
        }
        Task::TrashRemote { root, path, local, remote: target, expected } => {
            check_still_local(disk, root, path, local).await?;
            trash_remote(remote, target, expected).await
        }
        Task::TrashLocal { path, remote: source, expected } => {
            trash_local(disk, remote, path, source, expected).await
        }
        Task::SetRemoteTime { remote: target, file } => {
            match remote.look(&target).await.map_err(OperationError::NotShown)?.map(|seen| seen.node) {
                Some(RemoteNode::File(there)) if there.content == file.content => {}
                _ => return Err(OperationError::RemoteChanged { path: target }),
            }
            remote.set_modified(&target, file.content, file.modified).await?;
            Ok(Achieved::Done)
        }
        Task::SetLocalTime { path, stat, modified } => {
            Ok(Achieved::LocalFile(disk.set_modified(&path, &stat, modified).await?))
        }
        Task::CheckRoot
        | Task::ClaimRoot { .. }
        | Task::Scan { .. }
        | Task::Hash { .. }
        | Task::ListTree
        | Task::ListDirectory { .. }
        | Task::Look { .. }
        | Task::Poll => Ok(Achieved::Done),
    }
}

/// What another device has put there since it was last seen must not be overwritten or moved unseen, where
/// both sides count.
async fn check_remote<R: Remote>(
    remote: &R,
    target: &StoredPath,
    replaces: Replaces,
) -> Result<(), OperationError> {
    let expected = match replaces {
        _ if planted::is(Planted::OverwriteUnseen) => return Ok(()),
        Replaces::Anything => return Ok(()),
        Replaces::Nothing => None,
        Replaces::File(content) => Some(content),
    };
    let is_expected = match remote.look(target).await.map_err(OperationError::NotShown)?.map(|seen| seen.node)
    {
        None => expected.is_none(),
        Some(RemoteNode::File(there)) => expected == Some(there.content),
        Some(RemoteNode::Directory) => false,
    };
    if is_expected { Ok(()) } else { Err(OperationError::RemoteChanged { path: target.clone() }) }
}

/// What moved on the service must have left its old place and be at the new one, or a rename would follow
/// nothing.
async fn check_followed<R: Remote>(remote: &R, followed: &Followed) -> Result<(), OperationError> {
    match followed {
        Followed::Spelling(path) if is_spelled(remote, path).await? => Ok(()),
        Followed::Spelling(path) => Err(OperationError::RemoteChanged { path: path.clone() }),
        Followed::Move { from, to, node } => {
            check_remote(remote, from, Replaces::Nothing).await?;
            match node {
                RemoteNode::File(file) => check_remote(remote, to, Replaces::File(file.content)).await,
                RemoteNode::Directory => match remote.look(to).await?.map(|seen| seen.node) {
                    Some(RemoteNode::Directory) => Ok(()),
                    _ => Err(OperationError::RemoteChanged { path: to.clone() }),
                },
            }
        }
    }
}

/// Whether a directory shows this very name: a look finds it under every spelling (protocol 8.8).
async fn is_spelled<R: Remote>(remote: &R, path: &StoredPath) -> Result<bool, RemoteError> {
    let (Some(parent), Some(name)) = (path.parent(), path.name()) else { return Ok(true) };
    Ok(remote.list_directory(&parent).await?.iter().any(|(there, _)| there == name))
}

/// Whether the disk has a new name as it was given: some file systems turn every name into a normal form of
/// their own, and then there is nothing to follow.
async fn keeps_spelling<D: Disk>(
    disk: &D,
    from: &RelativePath,
    to: &RelativePath,
) -> Result<bool, DiskError> {
    let (directory, Some(name)) = to.split_last() else { return Ok(true) };
    if from.as_bytes().is_ascii() && to.as_bytes().is_ascii() {
        return Ok(true);
    }
    Ok(disk.list(&directory).await?.entries.iter().any(|entry| entry.name == name))
}

async fn upload<D: Disk, R: Remote>(
    disk: &D,
    remote: &R,
    path: &RelativePath,
    target: &StoredPath,
    stat: &FileStat,
    file: File,
) -> Result<Achieved, OperationError> {
    let content = disk.open(path, stat).await?;
    remote.upload(target, file, content).await?;
    // The file that was opened may have been replaced under its name meanwhile. What was sent is still what
    // was hashed, so it counts; the replacement is a change of its own, which the scan finds, as is whatever
    // keeps it from being looked at now.
    match disk.stat(path).await {
        Ok(Some(DiskNode::File(now))) if now == *stat => Ok(Achieved::Done),
        _ => Ok(Achieved::Outdated),
    }
}

async fn download<D: Disk, R: Remote>(
    disk: &D,
    remote: &R,
    path: &RelativePath,
    source: &StoredPath,
    file: File,
    replaces: Option<FileStat>,
    twin: Option<(RelativePath, FileStat)>,
) -> Result<Achieved, OperationError> {
    let is_unchanged = match (disk.stat(path).await?, replaces) {
        (None, None) => true,
        (Some(DiskNode::File(now)), Some(expected)) => now == expected,
        _ => false,
    };
    if !is_unchanged {
        return Err(OperationError::LocalChanged { path: path.clone() });
    }
    let staged = if let Some(copy) = copy_of_twin(disk, remote, source, file, twin).await? {
        copy
    } else {
        let mut staged = disk.stage(file.content.size).await?;
        remote.download(source, file.content, &mut staged).await?;
        staged
    };
    let mut replaces = replaces;
    if planted::is(Planted::DownloadOverEdit)
        && let Some(DiskNode::File(now)) = disk.stat(path).await?
    {
        replaces = Some(now);
    }
    Ok(Achieved::LocalFile(disk.place(staged, path, file.modified, replaces.as_ref()).await?))
}

/// A copy of what is local already, if the remote file still is what it was said to be. Whatever is wrong
/// with the local one, the content is fetched then.
async fn copy_of_twin<D: Disk, R: Remote>(
    disk: &D,
    remote: &R,
    source: &StoredPath,
    file: File,
    twin: Option<(RelativePath, FileStat)>,
) -> Result<Option<D::Staged>, OperationError> {
    let Some((twin, stat)) = twin else { return Ok(None) };
    match disk.copy(&twin, &stat).await {
        Ok((copy, md5)) if md5 == file.content.md5 => {
            check_remote(remote, source, Replaces::File(file.content)).await?;
            Ok(Some(copy))
        }
        _ => Ok(None),
    }
}

/// Half of the evidence is looked at again: locally it is still gone, and below the same root. The
/// root comes last, because what was seen before counts only if it was seen below that root.
async fn check_still_local<D: Disk>(
    disk: &D,
    root: Identity,
    path: RelativePath,
    local: Option<DiskNode>,
) -> Result<(), OperationError> {
    if planted::is(Planted::DeleteUnseen) {
        return Ok(());
    }
    let here = disk.stat(&path).await?;
    if disk.root().await?.identity != root {
        let kind = DiskErrorKind::RootLost;
        return Err(DiskError { action: "looking at", path: RelativePath::root(), kind }.into());
    }
    if is_same_node(here, local) { Ok(()) } else { Err(OperationError::LocalChanged { path }) }
}

/// The other half: on the service it is still what was agreed on.
async fn trash_remote<R: Remote>(
    remote: &R,
    target: StoredPath,
    expected: RemoteExpectation,
) -> Result<Achieved, OperationError> {
    let seen = remote.look(&target).await.map_err(OperationError::NotShown)?;
    let Some(there) = seen.map(|seen| seen.node) else {
        return match expected {
            RemoteExpectation::File(_) => Ok(Achieved::Done),
            // Of a directory a late service says so, too (protocol U-38); a listing tells.
            RemoteExpectation::Directory(_) => Err(OperationError::RemoteChanged { path: target }),
        };
    };
    match (there, expected) {
        (RemoteNode::File(there), RemoteExpectation::File(known)) if there.content == known.content => {}
        (RemoteNode::Directory, RemoteExpectation::Directory(known)) => {
            match remote_content(remote, &target).await.map_err(OperationError::NotShown)? {
                RemoteContent::Digest(digest) if digest == known => {}
                RemoteContent::Digest(_) => return Err(OperationError::RemoteChanged { path: target }),
                RemoteContent::Unusable(entry) => {
                    return Err(OperationError::HoldsUnusable { directory: target, entry });
                }
            }
        }
        _ => return Err(OperationError::RemoteChanged { path: target }),
    }
    remote.trash(&target, there.kind()).await?;
    Ok(Achieved::Done)
}

/// A file must be what it was; of a directory that took a file's place only what it is matters.
fn is_same_node(now: Option<DiskNode>, then: Option<DiskNode>) -> bool {
    match (now, then) {
        (Some(DiskNode::Other(_)), _) => false,
        (now, then) => now == then,
    }
}

/// What a remote directory holds.
enum RemoteContent {
    /// Nothing but what can be known.
    Digest(TreeDigest),
    /// Among other things this, which nobody can know.
    Unusable(UnusableEntry),
}

async fn remote_content<R: Remote>(remote: &R, directory: &StoredPath) -> Result<RemoteContent, RemoteError> {
    let mut listing = remote.list_tree(directory).await?;
    let mut digest = TreeDigest::default();
    while let Some(batch) = listing.next_batch().await? {
        for entry in batch {
            if let Some(unnamed) = without_local_name(&entry.path) {
                return Ok(RemoteContent::Unusable(unnamed));
            }
            if let RemoteNode::File(file) = entry.node {
                digest.add_remote_file(&entry.path, file.content);
            }
        }
    }
    Ok(listing.unusable().first().cloned().map_or(RemoteContent::Digest(digest), RemoteContent::Unusable))
}

/// An entry with a name that no local file can have.
fn without_local_name(path: &StoredPath) -> Option<UnusableEntry> {
    let is_unnamed =
        path.names().iter().any(|name| matches!(decode_name(name), DecodedName::Unrepresentable(_)));
    let reason = || "no local file can have this name".to_owned();
    is_unnamed.then(|| UnusableEntry { path: path.to_string(), reason: reason() })
}

async fn trash_local<D: Disk, R: Remote>(
    disk: &D,
    remote: &R,
    path: RelativePath,
    source: StoredPath,
    expected: LocalExpectation,
) -> Result<Achieved, OperationError> {
    let Some(here) = disk.stat(&path).await? else { return Err(OperationError::LocalChanged { path }) };
    let holds = match expected {
        LocalExpectation::Directory(_, digest) if !planted::is(Planted::DirectoryUnseen) => Some(digest),
        _ => None,
    };
    let is_same = match (here, expected) {
        (DiskNode::File(now), LocalExpectation::File(known)) => now == known,
        (DiskNode::Directory(now), LocalExpectation::Directory(known, _)) => {
            now == known && (holds.is_none() || local_digest(disk, &path).await? == holds)
        }
        _ => false,
    };
    if !is_same {
        return Err(OperationError::LocalChanged { path });
    }
    match remote.look(&source).await {
        _ if planted::is(Planted::TruncatedListing) => {}
        Ok(None) => {}
        Ok(Some(there)) if Some(there.node.kind()) != kind_of(&here) => {}
        Ok(Some(_)) if is_spelled_otherwise(remote, &source).await? => {}
        Ok(Some(_)) => return Err(OperationError::RemoteChanged { path: source }),
        Err(error) if error.kind == RemoteErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    disk.trash(&path, &here, holds).await?;
    Ok(Achieved::Done)
}

/// Whether what a look found is on the service under another spelling only (protocol 8.8): then it is another
/// row's entry, and nothing has this path any more. The spelling is told by listings alone; one that shows
/// neither spelling may be late (protocol U-38) and proves nothing against the look.
async fn is_spelled_otherwise<R: Remote>(remote: &R, path: &StoredPath) -> Result<bool, RemoteError> {
    let mut path = path.clone();
    while let (Some(parent), Some(name)) = (path.parent(), path.name()) {
        let listed = remote.list_directory(&parent).await?;
        if listed.iter().all(|(there, _)| there != name) {
            let key = FoldKey::of(name);
            return Ok(listed.iter().any(|(there, _)| FoldKey::of(there) == key));
        }
        path = parent;
    }
    Ok(false)
}

fn kind_of(node: &DiskNode) -> Option<jottad_core::Kind> {
    match node {
        DiskNode::File(_) => Some(jottad_core::Kind::File),
        DiskNode::Directory(_) => Some(jottad_core::Kind::Directory),
        DiskNode::Other(_) => None,
    }
}

/// What a local directory holds; `None` if there is anything in it that is never synced.
async fn local_digest<D: Disk>(
    disk: &D,
    directory: &RelativePath,
) -> Result<Option<TreeDigest>, OperationError> {
    let mut digest = TreeDigest::default();
    let mut pending = vec![(directory.clone(), RelativePath::root())];
    while let Some((directory, below)) = pending.pop() {
        for entry in disk.list(&directory).await?.entries {
            let path = below.join(&entry.name);
            if !digest.add_local_entry(&path, &entry.node) {
                return Ok(None);
            }
            if let DiskNode::Directory(_) = entry.node {
                pending.push((directory.join(&entry.name), path));
            }
        }
    }
    Ok(Some(digest))
}

/// Whether an I/O error of a [`crate::LocalContent`] says that the file changed while it was sent.
pub fn is_source_changed(error: &std::io::Error) -> bool {
    error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<DiskErrorKind>())
        .is_some_and(|kind| matches!(kind, DiskErrorKind::Changed))
}

#[cfg(test)]
mod tests;
