//! The real file system below one root.
//!
//! Reading never writes, not even access times where that can be helped. Everything runs on the runtime's
//! blocking threads. What is written is written so that a crash at any point leaves every file whole and
//! reachable, and is durable when the future is done.

mod attributes;
mod beneath;
mod copying;
mod errors;
mod facts;
mod file_system;
mod listing;
mod mounting;
mod own_directory;
mod placing;
mod reading;
mod renaming;
mod root;
mod staging;
mod syncing;
mod trash;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use jottad_core::{Md5, RelativePath, Timestamp, is_conflict_copy};
use rustix::fd::OwnedFd;

use self::reading::CancelOnDrop;
use self::reading::CheckedFile;
use self::root::Root;
use self::staging::Staged;
pub use self::trash::{TrashLimit, TrashReport, Trashed};
use crate::digest::TreeDigest;
use crate::disk::{
    Disk, DiskError, DiskErrorKind, DiskListing, DiskNode, FileStat, Identity, Mount, RootIdentity,
};

/// Most files that made way and are remembered.
const MOST_SET_ASIDE: usize = 1000;
const EMPTYING: &str = "emptying the trash of";
const READING: &str = "reading";

/// The real file system below one root. Cheap to clone; clones share the root's lock.
#[derive(Debug, Clone)]
pub struct LocalDisk {
    root: Arc<Root>,
    /// What locks the root against another daemon, once it is claimed.
    claim: Arc<Mutex<Option<File>>>,
    /// Where files are now that made way for another version of theirs, by the name that they had.
    set_aside: Arc<Mutex<BTreeMap<RelativePath, RelativePath>>>,
}

impl LocalDisk {
    /// Takes a directory as root. Nothing is written, and nothing is kept open.
    ///
    /// [`DiskErrorKind::RootLost`] if there is no directory now.
    pub fn open(root: PathBuf) -> Result<Self, DiskError> {
        match Root::new(root) {
            Ok(root) => Ok(Self { root: Arc::new(root), claim: Arc::default(), set_aside: Arc::default() }),
            Err(kind) => Err(DiskError { action: "opening", path: RelativePath::root(), kind }),
        }
    }

    /// Deletes for good what has been in the local trash for longer than `days`, and, while it holds more
    /// than `limit`, the oldest of what has been there for longer than a day.
    ///
    /// A file that was still written to after it was replaced is kept for as long again. What cannot be
    /// deleted is left, and everything else is deleted before the first such error is returned.
    pub async fn expire_trash(
        &self,
        days: u32,
        limit: TrashLimit,
        now: Timestamp,
    ) -> Result<TrashReport, DiskError> {
        self.run(EMPTYING, &RelativePath::root(), move |root, _| trash::expire(root, days, limit, now)).await
    }

    /// How much is in the local trash, and how much there should be at most. Nothing is deleted.
    pub async fn trash_report(&self, limit: TrashLimit) -> Result<TrashReport, DiskError> {
        self.run("looking at the trash of", &RelativePath::root(), move |root, _| trash::report(root, limit))
            .await
    }

    /// What is in the local trash: every file, and every directory in which nothing is; oldest first.
    pub async fn trashed(&self) -> Result<Vec<Trashed>, DiskError> {
        self.run("listing the trash of", &RelativePath::root(), |root, _| trash::list(root)).await
    }

    /// Puts something from the local trash back to where it was. [`DiskErrorKind::Occupied`] if something is
    /// there.
    pub async fn restore_trashed(&self, trashed: Trashed) -> Result<(), DiskError> {
        let path = trashed.path.clone();
        self.write("restoring", &path, move |root, _| trash::restore(root, &trashed)).await
    }

    /// Puts a finished file that lies in the root in the place of the one that `replaces` tells of, which
    /// goes to the local trash in the same step. [`DiskErrorKind::Changed`] if it is another one by now.
    pub async fn replace(
        &self,
        new: RelativePath,
        path: &RelativePath,
        replaces: FileStat,
    ) -> Result<(), DiskError> {
        self.write("replacing", path, move |root, path| placing::replace_by(root, &new, path, &replaces))
            .await
    }

    /// Deletes for good all that is in the local trash, and returns how many bytes that was.
    pub async fn empty_trash(&self) -> Result<u64, DiskError> {
        self.run(EMPTYING, &RelativePath::root(), |root, _| trash::empty(root)).await
    }

    /// Runs work that changes what is at a path.
    async fn write<T: Send + 'static>(
        &self,
        action: &'static str,
        path: &RelativePath,
        work: impl FnOnce(&OwnedFd, &RelativePath) -> Result<T, DiskErrorKind> + Send + 'static,
    ) -> Result<T, DiskError> {
        self.run(action, path, |root, path| {
            own_directory::protect(path)?;
            work(root, path)
        })
        .await
    }

    /// Runs work in the root on a blocking thread. Work that was begun is finished even if the future is
    /// dropped.
    async fn run<T: Send + 'static>(
        &self,
        action: &'static str,
        path: &RelativePath,
        work: impl FnOnce(&OwnedFd, &RelativePath) -> Result<T, DiskErrorKind> + Send + 'static,
    ) -> Result<T, DiskError> {
        let root = Arc::clone(&self.root);
        let path = path.clone();
        let failed_path = path.clone();
        let result = tokio::task::spawn_blocking(move || work(&root.enter()?, &path)).await;
        result.unwrap_or_else(|error| Err(stopped(error))).map_err(|kind| DiskError {
            action,
            path: failed_path,
            kind,
        })
    }
}

impl Disk for LocalDisk {
    type Content = CheckedFile;
    type Staged = Staged;

    async fn root(&self) -> Result<RootIdentity, DiskError> {
        let root = Arc::clone(&self.root);
        let result = tokio::task::spawn_blocking(move || root.identify()).await;
        result.unwrap_or_else(|error| Err(stopped(error))).map_err(|kind| DiskError {
            action: "looking at",
            path: RelativePath::root(),
            kind,
        })
    }

    async fn list(&self, directory: &RelativePath) -> Result<DiskListing, DiskError> {
        self.run("listing", directory, |root, path| {
            if own_directory::contains(path) {
                return Err(DiskErrorKind::NotFound);
            }
            listing::list(root, path)
        })
        .await
    }

    async fn mount(&self, path: &RelativePath) -> Result<Option<Mount>, DiskError> {
        self.run("looking at", path, mounting::mount).await
    }

    async fn link_target(&self, path: &RelativePath) -> Result<Vec<u8>, DiskError> {
        self.run("looking at", path, beneath::link_target).await
    }

    async fn stat(&self, path: &RelativePath) -> Result<Option<DiskNode>, DiskError> {
        self.run("looking at", path, |root, path| {
            if own_directory::contains(path) {
                return Ok(None);
            }
            Ok(beneath::facts(root, path)?.map(|facts| facts.node))
        })
        .await
    }

    async fn hash(&self, path: &RelativePath, expected: &FileStat) -> Result<Md5, DiskError> {
        let expected = *expected;
        let cancel = CancelOnDrop::default();
        let cancelled = Arc::clone(&cancel.0);
        self.run(READING, path, move |root, path| reading::hash(root, path, &expected, &cancelled)).await
    }

    async fn hash_all(
        &self,
        files: &[(RelativePath, FileStat)],
    ) -> Result<Vec<Result<Md5, DiskError>>, DiskError> {
        let Some((first, _)) = files.first() else { return Ok(Vec::new()) };
        let cancel = CancelOnDrop::default();
        let (cancelled, asked) = (Arc::clone(&cancel.0), files.to_vec());
        let hash = move |root: &OwnedFd, _: &RelativePath| {
            let hash_one = |(path, expected)| {
                let hash = reading::hash(root, &path, &expected, &cancelled);
                hash.map_err(|kind| DiskError { action: READING, path, kind })
            };
            Ok(asked.into_iter().map(hash_one).collect())
        };
        self.run(READING, first, hash).await
    }

    async fn open(&self, path: &RelativePath, expected: &FileStat) -> Result<CheckedFile, DiskError> {
        let expected = *expected;
        self.run("opening", path, move |root, path| reading::open(root, path, &expected)).await
    }

    async fn read(&self, path: &RelativePath, expected: &FileStat) -> Result<Vec<u8>, DiskError> {
        let expected = *expected;
        self.run(READING, path, move |root, path| reading::read(root, path, &expected)).await
    }

    async fn make_directory(&self, path: &RelativePath) -> Result<Identity, DiskError> {
        self.write("making directory", path, placing::make_directory).await
    }

    async fn stage(&self, bytes: u64) -> Result<Staged, DiskError> {
        let work = move |root: &OwnedFd, _: &RelativePath| {
            let staged = staging::stage(root)?;
            staged.reserve(bytes)?;
            Ok(staged)
        };
        self.run("making a temporary file in", &RelativePath::root(), work).await
    }

    async fn copy(&self, path: &RelativePath, expected: &FileStat) -> Result<(Staged, Md5), DiskError> {
        let expected = *expected;
        let cancel = CancelOnDrop::default();
        let cancelled = Arc::clone(&cancel.0);
        self.run("copying", path, move |root, path| copying::copy(root, path, &expected, &cancelled)).await
    }

    async fn place(
        &self,
        staged: Staged,
        path: &RelativePath,
        modified: Timestamp,
        replaces: Option<&FileStat>,
    ) -> Result<FileStat, DiskError> {
        let replaces = replaces.copied();
        let set_aside = Arc::clone(&self.set_aside);
        self.write("writing", path, move |root, path| {
            let model = set_aside.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned();
            let placed = placing::place(root, &staged, path, modified, replaces.as_ref(), model.as_ref())?;
            set_aside.lock().unwrap_or_else(PoisonError::into_inner).remove(path);
            Ok(placed)
        })
        .await
    }

    async fn rename(
        &self,
        from: &RelativePath,
        to: &RelativePath,
        expected: Identity,
    ) -> Result<(), DiskError> {
        let to = to.clone();
        let set_aside = Arc::clone(&self.set_aside);
        self.write("renaming", from, move |root, from| {
            own_directory::protect(&to)?;
            renaming::rename(root, from, &to, expected)?;
            if is_copy_beside(&to, from) {
                let mut set_aside = set_aside.lock().unwrap_or_else(PoisonError::into_inner);
                if set_aside.len() >= MOST_SET_ASIDE {
                    set_aside.clear();
                }
                set_aside.insert(from.clone(), to);
            }
            Ok(())
        })
        .await
    }

    async fn trash(
        &self,
        path: &RelativePath,
        expected: &DiskNode,
        holds: Option<TreeDigest>,
    ) -> Result<(), DiskError> {
        let expected = *expected;
        self.write("moving to the trash", path, move |root, path| trash::trash(root, path, &expected, holds))
            .await
    }

    async fn set_modified(
        &self,
        path: &RelativePath,
        expected: &FileStat,
        modified: Timestamp,
    ) -> Result<FileStat, DiskError> {
        let expected = *expected;
        self.write("setting the time of", path, move |root, path| {
            placing::set_modified(root, path, &expected, modified)
        })
        .await
    }

    async fn claim_root(&self, expected: &RootIdentity, marker: &str) -> Result<(), DiskError> {
        let (root, expected) = (Arc::clone(&self.root), expected.clone());
        let (claim, marker) = (Arc::clone(&self.claim), marker.to_owned());
        let claiming = tokio::task::spawn_blocking(move || {
            let root = root.enter_as(&expected)?;
            let mut claim = claim.lock().unwrap_or_else(PoisonError::into_inner);
            if claim.is_none() {
                *claim = Some(own_directory::claim(&root, &marker)?);
            }
            Ok(())
        });
        claiming.await.unwrap_or_else(|error| Err(stopped(error))).map_err(|kind| DiskError {
            action: "claiming",
            path: RelativePath::root(),
            kind,
        })
    }
}

/// Whether one path is a conflict copy of what has the other one.
fn is_copy_beside(copy: &RelativePath, original: &RelativePath) -> bool {
    match (copy.split_last(), original.split_last()) {
        ((beside, Some(copy)), (directory, Some(original))) => {
            beside == directory && is_conflict_copy(&copy, &original)
        }
        _ => false,
    }
}

/// The runtime is shutting down; a panic goes on where it would have without a thread in between.
fn stopped(error: tokio::task::JoinError) -> DiskErrorKind {
    match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(error) => DiskErrorKind::Other(io::Error::new(io::ErrorKind::Interrupted, error)),
    }
}
