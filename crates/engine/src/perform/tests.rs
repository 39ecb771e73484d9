//! What is found right before something is done on the service.

mod last_look;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use jottad_core::{Content, File, Kind, Md5, StoredName, Timestamp};

use super::*;
use crate::disk::{DiskListing, LocalContent, RootIdentity, StagedFile};
use crate::local_disk::LocalDisk;
use crate::remote::Sighted;

/// A service with one directory, and what a listing of it shows.
#[derive(Default)]
struct OneDirectory {
    entries: Vec<&'static str>,
    unusable: Vec<UnusableEntry>,
    trashed: Mutex<Vec<String>>,
    /// It answers no look.
    hides: bool,
    /// What a look shows, if not the directory.
    shown: Option<RemoteNode>,
}

struct Listing {
    entries: Vec<ListedEntry>,
    unusable: Vec<UnusableEntry>,
}

impl RemoteListing for Listing {
    async fn next_batch(&mut self) -> Result<Option<Vec<ListedEntry>>, RemoteError> {
        let entries = std::mem::take(&mut self.entries);
        Ok((!entries.is_empty()).then_some(entries))
    }

    fn unusable(&self) -> &[UnusableEntry] {
        &self.unusable
    }
}

fn stored(path: &str) -> StoredPath {
    StoredPath::new(path.split('/').map(|name| StoredName::new(name).unwrap()).collect())
}

fn file() -> File {
    let content = Content { size: 3, md5: Md5::from_bytes([7; 16]) };
    File { content, modified: Timestamp::from_seconds(1) }
}

impl Remote for OneDirectory {
    type Listing = Listing;

    async fn list_tree(&self, _: &StoredPath) -> Result<Listing, RemoteError> {
        let listed = |path: &&str| ListedEntry { path: stored(path), node: RemoteNode::File(file()) };
        let entries = self.entries.iter().map(listed).collect();
        Ok(Listing { entries, unusable: self.unusable.clone() })
    }

    async fn list_directory(&self, _: &StoredPath) -> Result<Vec<(StoredName, RemoteNode)>, RemoteError> {
        Ok(vec![(StoredName::new("d").unwrap(), RemoteNode::Directory)])
    }

    async fn look(&self, _: &StoredPath) -> Result<Option<Sighted>, RemoteError> {
        if self.hides {
            return Err(RemoteError {
                may_be_done: true,
                ..RemoteError::new(RemoteErrorKind::Offline, "cut".to_owned())
            });
        }
        Ok(Some(self.shown.unwrap_or(RemoteNode::Directory).into()))
    }

    async fn upload<C: LocalContent>(&self, _: &StoredPath, _: File, _: C) -> Result<(), RemoteError> {
        unreachable!()
    }

    async fn download<S: StagedFile>(
        &self,
        _: &StoredPath,
        _: Content,
        staged: &mut S,
    ) -> Result<(), RemoteError> {
        staged.write(b"new").unwrap();
        Ok(())
    }

    async fn make_directory(&self, _: &StoredPath) -> Result<(), RemoteError> {
        unreachable!()
    }

    async fn trash(&self, path: &StoredPath, _: Kind) -> Result<(), RemoteError> {
        self.trashed.lock().unwrap().push(path.to_string());
        Ok(())
    }

    async fn move_entry(&self, _: &StoredPath, _: &StoredPath, _: Kind) -> Result<MoveAnswer, RemoteError> {
        unreachable!()
    }

    async fn set_modified(&self, _: &StoredPath, _: Content, _: Timestamp) -> Result<(), RemoteError> {
        unreachable!()
    }

    async fn change_stamp(&self) -> Result<String, RemoteError> {
        unreachable!()
    }
}

#[tokio::test]
async fn what_keeps_a_directory_from_being_removed_is_named() {
    let refused = UnusableEntry { path: "a//b".to_owned(), reason: "it has no name".to_owned() };
    let cases: [(&[&str], &[UnusableEntry], &str); 5] = [
        (&["known"], &[], "done"),
        (&["known", "new"], &[], "d changed on the remote side meanwhile"),
        (&["known", ".."], &[], "d holds \"..\", which is left alone: no local file can have this name"),
        (&["known", "e/.."], &[], "d holds \"e/..\", which is left alone: no local file can have this name"),
        (&["known"], std::slice::from_ref(&refused), "d holds \"a//b\", which is left alone: it has no name"),
    ];
    for (entries, unusable, expected) in cases {
        let place = tempfile::tempdir().unwrap();
        let disk = LocalDisk::open(place.path().to_owned()).unwrap();
        let root = disk.root().await.unwrap().identity;
        let remote =
            OneDirectory { entries: entries.to_vec(), unusable: unusable.to_vec(), ..Default::default() };
        let mut digest = TreeDigest::default();
        digest.add_remote_file(&stored("known"), file().content);
        let task = Task::TrashRemote {
            root,
            path: RelativePath::try_from("d").unwrap(),
            local: None,
            remote: stored("d"),
            expected: RemoteExpectation::Directory(digest),
        };
        let command = Command { id: CommandId(1), task, mounts: Vec::new() };
        let event = perform(command, &disk, &remote, |_, _| async {}).await;
        let Event::Completed(_, Outcome::Operation(result)) = event else { panic!("{event:?}") };
        let told = result.map_or_else(|error| error.to_string(), |_| "done".to_owned());
        assert_eq!(told, expected, "{entries:?}");
        let trashed = remote.trashed.lock().unwrap().len();
        assert_eq!(trashed, usize::from(expected == "done"), "{entries:?}");
    }
}

/// Once, a move before which the service did not show what was to be moved counted as maybe done, and was
/// looked for at both ends (simulated life `sync` 12508492).
#[tokio::test]
async fn what_could_not_be_looked_at_first_was_not_asked_for() {
    let place = tempfile::tempdir().unwrap();
    let disk = LocalDisk::open(place.path().to_owned()).unwrap();
    let root = disk.root().await.unwrap().identity;
    let remote = OneDirectory { hides: true, ..Default::default() };
    let stat = crate::builders::file_stat(1, 3);
    let path = RelativePath::try_from("d").unwrap();
    let tasks = [
        Task::Upload {
            path: path.clone(),
            remote: stored("d"),
            stat,
            file: file(),
            replaces: Replaces::Nothing,
        },
        Task::MoveRemote {
            from: stored("d"),
            to: stored("e"),
            kind: Kind::File,
            content: Some(file().content),
        },
        Task::SetRemoteTime { remote: stored("d"), file: file() },
        Task::TrashRemote {
            root,
            path,
            local: None,
            remote: stored("d"),
            expected: RemoteExpectation::File(file()),
        },
    ];
    for task in tasks {
        let command = Command { id: CommandId(1), task: task.clone(), mounts: Vec::new() };
        let event = perform(command, &disk, &remote, |_, _| async {}).await;
        let Event::Completed(_, Outcome::Operation(Err(error))) = event else { panic!("{event:?}") };
        assert!(matches!(error, OperationError::NotShown(_)), "{task:?}: {error:?}");
    }
}

/// The listing that did not show it may have been late, or somebody may have brought it back since.
#[tokio::test]
async fn what_the_service_still_has_right_before_it_would_go_stays_locally() {
    let place = tempfile::tempdir().unwrap();
    std::fs::create_dir(place.path().join("d")).unwrap();
    let disk = LocalDisk::open(place.path().to_owned()).unwrap();
    let path = RelativePath::try_from("d").unwrap();
    let Some(DiskNode::Directory(identity)) = disk.stat(&path).await.unwrap() else { panic!() };
    let task = Task::TrashLocal {
        path,
        remote: stored("d"),
        expected: LocalExpectation::Directory(identity, TreeDigest::default()),
    };
    let command = Command { id: CommandId(1), task, mounts: Vec::new() };
    let event = perform(command, &disk, &OneDirectory::default(), |_, _| async {}).await;
    let Event::Completed(_, Outcome::Operation(Err(error))) = event else { panic!("{event:?}") };
    assert!(matches!(error, OperationError::RemoteChanged { .. }), "{error}");
    assert!(place.path().join("d").is_dir());
}

/// A local file that is as large as the one to be fetched is not that one.
#[tokio::test]
async fn a_local_file_stands_in_for_a_fetched_one_by_its_content_alone() {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("twin"), "old").unwrap();
    let disk = LocalDisk::open(place.path().to_owned()).unwrap();
    let twin = RelativePath::try_from("twin").unwrap();
    let Some(DiskNode::File(stat)) = disk.stat(&twin).await.unwrap() else { panic!() };
    assert_eq!(stat.size, file().content.size);
    let task = Task::Download {
        path: RelativePath::try_from("fetched").unwrap(),
        remote: stored("fetched"),
        file: file(),
        replaces: None,
        twin: Some((twin, stat)),
    };
    let command = Command { id: CommandId(1), task, mounts: Vec::new() };
    let event = perform(command, &disk, &OneDirectory::default(), |_, _| async {}).await;
    assert!(matches!(event, Event::Completed(_, Outcome::Operation(Ok(_)))), "{event:?}");
    assert_eq!(std::fs::read_to_string(place.path().join("fetched")).unwrap(), "new");
}

/// What another device has saved there meanwhile is not what was deleted here.
#[tokio::test]
async fn a_file_is_removed_on_the_service_only_as_it_is_known() {
    let other = File { content: Content { size: 3, md5: Md5::from_bytes([8; 16]) }, ..file() };
    for (shown, is_known) in
        [(RemoteNode::File(file()), true), (RemoteNode::File(other), false), (RemoteNode::Directory, false)]
    {
        let place = tempfile::tempdir().unwrap();
        let disk = LocalDisk::open(place.path().to_owned()).unwrap();
        let task = Task::TrashRemote {
            root: disk.root().await.unwrap().identity,
            path: RelativePath::try_from("f").unwrap(),
            local: None,
            remote: stored("f"),
            expected: RemoteExpectation::File(file()),
        };
        let remote = OneDirectory { shown: Some(shown), ..Default::default() };
        let command = Command { id: CommandId(1), task, mounts: Vec::new() };
        let event = perform(command, &disk, &remote, |_, _| async {}).await;
        let Event::Completed(_, Outcome::Operation(result)) = event else { panic!("{event:?}") };
        assert_eq!(result.is_ok(), is_known, "{result:?}");
        assert_eq!(remote.trashed.lock().unwrap().len(), usize::from(is_known));
    }
}

/// A disk with a mounted directory, which may be unmounted while a directory is read.
struct Mounted {
    disk: LocalDisk,
    is_there: AtomicBool,
    goes_when_it_is_read: bool,
}

impl Disk for Mounted {
    type Content = <LocalDisk as Disk>::Content;
    type Staged = <LocalDisk as Disk>::Staged;

    async fn list(&self, directory: &RelativePath) -> Result<DiskListing, DiskError> {
        if self.goes_when_it_is_read {
            self.is_there.store(false, Ordering::Relaxed);
        }
        self.disk.list(directory).await
    }

    async fn mount(&self, _: &RelativePath) -> Result<Option<Mount>, DiskError> {
        Ok(self.is_there.load(Ordering::Relaxed).then_some(Mount { file_system: 7 }))
    }

    async fn root(&self) -> Result<RootIdentity, DiskError> {
        unreachable!()
    }

    async fn link_target(&self, _: &RelativePath) -> Result<Vec<u8>, DiskError> {
        unreachable!()
    }

    async fn stat(&self, _: &RelativePath) -> Result<Option<DiskNode>, DiskError> {
        unreachable!()
    }

    async fn hash(&self, _: &RelativePath, _: &FileStat) -> Result<Md5, DiskError> {
        unreachable!()
    }

    async fn open(&self, _: &RelativePath, _: &FileStat) -> Result<Self::Content, DiskError> {
        unreachable!()
    }

    async fn read(&self, _: &RelativePath, _: &FileStat) -> Result<Vec<u8>, DiskError> {
        unreachable!()
    }

    async fn make_directory(&self, _: &RelativePath) -> Result<Identity, DiskError> {
        unreachable!()
    }

    async fn stage(&self, _: u64) -> Result<Self::Staged, DiskError> {
        unreachable!()
    }

    async fn copy(&self, _: &RelativePath, _: &FileStat) -> Result<(Self::Staged, Md5), DiskError> {
        unreachable!()
    }

    async fn place(
        &self,
        _: Self::Staged,
        _: &RelativePath,
        _: Timestamp,
        _: Option<&FileStat>,
    ) -> Result<FileStat, DiskError> {
        unreachable!()
    }

    async fn rename(&self, _: &RelativePath, _: &RelativePath, _: Identity) -> Result<(), DiskError> {
        unreachable!()
    }

    async fn trash(&self, _: &RelativePath, _: &DiskNode, _: Option<TreeDigest>) -> Result<(), DiskError> {
        unreachable!()
    }

    async fn set_modified(
        &self,
        _: &RelativePath,
        _: &FileStat,
        _: Timestamp,
    ) -> Result<FileStat, DiskError> {
        unreachable!()
    }

    async fn claim_root(&self, _: &RootIdentity, _: &str) -> Result<(), DiskError> {
        unreachable!()
    }
}

/// What is read of a directory whose disk has just gone is what is below the mount point, mostly nothing.
#[tokio::test]
async fn what_is_read_below_a_disk_counts_only_if_that_is_still_there_afterwards() {
    for (is_there, goes_when_it_is_read, counts) in
        [(true, false, true), (true, true, false), (false, false, false)]
    {
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir(place.path().join("d")).unwrap();
        let disk = LocalDisk::open(place.path().to_owned()).unwrap();
        let disk = Mounted { disk, is_there: AtomicBool::new(is_there), goes_when_it_is_read };
        let directory = RelativePath::try_from("d").unwrap();
        let mount = ExpectedMount { path: directory.clone(), mount: Mount { file_system: 7 } };
        let command = Command { id: CommandId(1), task: Task::Scan { directory }, mounts: vec![mount] };
        let event = perform(command, &disk, &OneDirectory::default(), |_, _| async {}).await;
        let Event::Completed(_, Outcome::Scanned(scanned)) = event else { panic!("{event:?}") };
        let kind = scanned.map(|_| ()).map_err(|error| error.kind);
        assert_eq!(kind.is_ok(), counts, "{kind:?}");
        assert!(counts || matches!(kind, Err(DiskErrorKind::MountChanged)), "{kind:?}");
    }
}
