//! A small world around a folder: a disk and a service that hold a few entries each, the real performer
//! between them, and a log of what was asked for. What stands on a side is written as in
//! `"d/ d/a=text b=text@7"`: a directory ends in a slash, a file has a text and, if it matters, a time.

use std::collections::BTreeMap;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use jottad_core::{Content, File, FoldKey, Kind, Md5, Mode, Name, StoredName, StoredPath};
use md5::{Digest as _, Md5 as Md5Hasher};

use crate::builders::new_index;
use crate::digest::TreeDigest;
use crate::disk::{
    Disk, DiskEntry, DiskError, DiskErrorKind, DiskListing, DiskNode, FileStat, Identity, LocalContent,
    Mount, OtherKind, RootIdentity, StagedFile,
};
use crate::event::{RemoteHint, Request, Told};
use crate::folder::*;
use crate::remote::{
    ListedEntry, MissingPlace, MoveAnswer, Remote, RemoteError, RemoteErrorKind, RemoteListing, RemoteNode,
    Sighted, UnusableEntry,
};
use crate::status::{FolderStatus, Verdict};

/// The time of a file of which none is told.
const USUAL: i64 = 100;

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Thing {
    Directory,
    File { text: String, modified: i64 },
    Link,
}

/// A thing with what a disk knows of it besides.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    thing: Thing,
    inode: u64,
    changed: i64,
}

/// What one side has, by path.
#[derive(Debug, Clone, Default)]
struct Tree {
    entries: BTreeMap<String, Entry>,
    next: u64,
}

/// A path as the trees have it: nothing for the root.
fn plain(path: &impl ToString) -> String {
    let path = path.to_string();
    if path == "." { String::new() } else { path }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

fn is_below(path: &str, top: &str) -> bool {
    top.is_empty() || path.strip_prefix(top).is_some_and(|rest| rest.starts_with('/'))
}

impl Tree {
    fn put(&mut self, path: &str, thing: Thing) {
        if !parent(path).is_empty() && !self.entries.contains_key(parent(path)) {
            self.put(parent(path), Thing::Directory);
        }
        self.next += 1;
        // What is written anew in its place stays the entry that it was.
        let known = self
            .entries
            .get(path)
            .filter(|known| std::mem::discriminant(&known.thing) == std::mem::discriminant(&thing));
        let inode = known.map_or(self.next + 10, |known| known.inode);
        let changed = i64::try_from(self.next).unwrap();
        self.entries.insert(path.to_owned(), Entry { thing, inode, changed });
    }

    fn remove(&mut self, path: &str) {
        self.entries.retain(|there, _| there != path && !is_below(there, path));
    }

    fn rename(&mut self, from: &str, to: &str) {
        if !parent(to).is_empty() && !self.entries.contains_key(parent(to)) {
            self.put(parent(to), Thing::Directory);
        }
        let moved: Vec<String> =
            self.entries.keys().filter(|path| *path == from || is_below(path, from)).cloned().collect();
        for path in moved {
            let entry = self.entries.remove(&path).unwrap();
            self.entries.insert(format!("{to}{}", &path[from.len()..]), entry);
        }
    }

    /// Does what a person did: `a=text@7` saves a file, `d/` makes a directory, `l->` a link, `-a` removes,
    /// `a>b` renames.
    fn change(&mut self, changes: &str) {
        for word in changes.split_whitespace() {
            if let Some(path) = word.strip_prefix('-') {
                self.remove(path);
            } else if let Some(path) = word.strip_suffix("->") {
                self.put(path, Thing::Link);
            } else if let Some((from, to)) = word.split_once('>') {
                self.rename(from, to);
            } else if let Some(path) = word.strip_suffix('/') {
                self.put(path, Thing::Directory);
            } else {
                let (path, text) = word.split_once('=').unwrap();
                let (text, modified) =
                    text.split_once('@').map_or((text, USUAL), |(text, time)| (text, time.parse().unwrap()));
                self.put(path, Thing::File { text: text.to_owned(), modified });
            }
        }
    }

    fn text(&self) -> String {
        let word = |(path, entry): (&String, &Entry)| match &entry.thing {
            Thing::Directory => format!("{path}/"),
            Thing::Link => format!("{path}->"),
            Thing::File { text, modified } if *modified == USUAL => format!("{path}={text}"),
            Thing::File { text, modified } => format!("{path}={text}@{modified}"),
        };
        self.entries.iter().map(word).collect::<Vec<_>>().join(" ")
    }

    fn within(&self, directory: &str) -> impl Iterator<Item = (&str, &Entry)> {
        let inside = self.entries.iter().filter(move |(path, _)| parent(path) == directory);
        inside.map(|(path, entry)| (path.rsplit('/').next().unwrap(), entry))
    }
}

fn md5_of(bytes: &[u8]) -> Md5 {
    Md5::from_bytes(Md5Hasher::digest(bytes).into())
}

/// A file as both sides know it.
pub(super) fn file(text: &str, modified: i64) -> File {
    let content = Content { size: text.len() as u64, md5: md5_of(text.as_bytes()) };
    File { content, modified: Timestamp::from_seconds(modified) }
}

impl Entry {
    fn identity(&self) -> Identity {
        Identity { inode: self.inode, born: 1 }
    }

    fn on_disk(&self) -> DiskNode {
        match &self.thing {
            Thing::Directory => DiskNode::Directory(self.identity()),
            Thing::Link => DiskNode::Other(OtherKind::Symlink),
            Thing::File { text, modified } => DiskNode::File(FileStat {
                identity: self.identity(),
                size: text.len() as u64,
                modified: Timestamp::from_seconds(*modified),
                modified_nanoseconds: 0,
                changed: self.changed,
                links: 1,
            }),
        }
    }

    fn on_service(&self) -> RemoteNode {
        match &self.thing {
            Thing::File { text, modified } => RemoteNode::File(file(text, *modified)),
            _ => RemoteNode::Directory,
        }
    }
}

/// How a request ends that does not end well.
#[derive(Debug, Clone)]
pub(super) enum Trouble {
    /// The service refuses it.
    Remote(RemoteErrorKind),
    /// The service asks for a pause.
    Pause(Duration),
    /// It is done, and its answer is lost.
    Lost,
    /// The disk refuses it.
    Disk(fn() -> DiskErrorKind),
}

impl Trouble {
    fn called(how: &str) -> Self {
        let remote = |kind| Self::Remote(kind);
        match how {
            "refused" => remote(RemoteErrorKind::Refused),
            "not allowed" => remote(RemoteErrorKind::NotAllowed),
            "too large" => remote(RemoteErrorKind::TooLarge),
            "full" => remote(RemoteErrorKind::QuotaExceeded),
            "locked" => remote(RemoteErrorKind::AccountLocked),
            "offline" => remote(RemoteErrorKind::Offline),
            "unavailable" => remote(RemoteErrorKind::Unavailable),
            "login" => remote(RemoteErrorKind::LoginNeeded),
            "not found" => remote(RemoteErrorKind::NotFound),
            "conflict" => remote(RemoteErrorKind::Conflict),
            "incomplete" => remote(RemoteErrorKind::Incomplete),
            "no mountpoint" => remote(RemoteErrorKind::PlaceMissing(MissingPlace::Mountpoint)),
            "lost" => Self::Lost,
            "denied" => Self::Disk(|| DiskErrorKind::PermissionDenied),
            "no space" => Self::Disk(|| DiskErrorKind::NoSpace),
            "impossible" => Self::Disk(|| DiskErrorKind::ImpossibleName),
            "changed" => Self::Disk(|| DiskErrorKind::Changed),
            "gone" => Self::Disk(|| DiskErrorKind::RootLost),
            "broken" => Self::Disk(|| DiskErrorKind::Other(io::Error::other("the disk answered an error"))),
            pause => Self::Pause(Duration::from_secs(pause.strip_prefix("pause ").unwrap().parse().unwrap())),
        }
    }

    fn of_remote(&self) -> Result<(), RemoteError> {
        let error = |kind| RemoteError::new(kind, "the service answered an error".to_owned());
        match self {
            Self::Remote(kind) => Err(error(*kind)),
            Self::Pause(pause) => {
                Err(RemoteError { retry_after: Some(*pause), ..error(RemoteErrorKind::Unavailable) })
            }
            Self::Lost => Err(RemoteError { may_be_done: true, ..error(RemoteErrorKind::Offline) }),
            Self::Disk(_) => Ok(()),
        }
    }
}

#[derive(Default)]
struct Inside {
    disk: Tree,
    service: Tree,
    /// What the service shows, if that is not what it has.
    shown: Option<Tree>,
    /// What the root is marked with, and which directory it is.
    marker: Option<String>,
    root: u64,
    mounts: BTreeMap<String, u64>,
    /// What does not end well, by how it is called in the log.
    trouble: BTreeMap<String, Trouble>,
    /// What the change stamp says.
    stamp: String,
    unusable: Vec<UnusableEntry>,
    /// A listing of everything shows files, and directories by what is in them.
    lists_files_alone: bool,
}

/// Both sides. Clones are the same.
#[derive(Clone, Default)]
struct Sides(Arc<Mutex<Inside>>);

impl Sides {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap()
    }

    fn trouble(&self, what: &str, path: &impl ToString) -> Option<Trouble> {
        let inside = self.inside();
        let path = plain(path);
        let whole = format!("{what} {path}");
        inside.trouble.get(whole.trim_end()).or_else(|| inside.trouble.get(what)).cloned()
    }

    fn disk_trouble(&self, what: &'static str, path: &RelativePath) -> Result<(), DiskError> {
        match self.trouble(what, path) {
            Some(Trouble::Disk(kind)) => Err(disk_error(what, path, kind())),
            _ => Ok(()),
        }
    }

    /// Whether a request is done, and how it ends.
    fn remote_trouble(&self, what: &str, path: &StoredPath) -> (bool, Result<(), RemoteError>) {
        let trouble = self.trouble(what, path);
        let is_done = matches!(trouble, None | Some(Trouble::Lost));
        (is_done, trouble.map_or(Ok(()), |trouble| trouble.of_remote()))
    }

    fn at(&self, path: &RelativePath) -> Option<DiskNode> {
        self.inside().disk.entries.get(&plain(path)).map(Entry::on_disk)
    }

    /// A disk has nothing where no directory is.
    fn directory_above(&self, path: &RelativePath) -> Result<(), DiskError> {
        match path.parent().filter(|above| !above.is_root()).map(|above| self.at(&above)) {
            None | Some(Some(DiskNode::Directory(_))) => Ok(()),
            Some(_) => Err(disk_error("looking above", path, DiskErrorKind::NotFound)),
        }
    }

    fn text_of(&self, path: &RelativePath, expected: &FileStat) -> Result<Vec<u8>, DiskError> {
        if self.at(path) != Some(DiskNode::File(*expected)) {
            return Err(disk_error("reading", path, DiskErrorKind::Changed));
        }
        match &self.inside().disk.entries[&plain(path)].thing {
            Thing::File { text, .. } => Ok(text.clone().into_bytes()),
            _ => panic!("it is a file"),
        }
    }
}

fn disk_error(action: &'static str, path: &RelativePath, kind: DiskErrorKind) -> DiskError {
    DiskError { action, path: path.clone(), kind }
}

/// A text that is read or filled.
pub(super) struct Text(Vec<u8>);

impl LocalContent for Text {
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = self.0.get(usize::try_from(offset).unwrap()..).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }
}

impl StagedFile for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.extend(bytes);
        Ok(())
    }
}

impl Disk for Sides {
    type Content = Text;
    type Staged = Text;

    async fn root(&self) -> Result<RootIdentity, DiskError> {
        self.disk_trouble("root", &RelativePath::root())?;
        let inside = self.inside();
        let identity = Identity { inode: 2 + inside.root, born: 1 };
        Ok(RootIdentity { file_system: 1, identity, marker: inside.marker.clone() })
    }

    async fn list(&self, directory: &RelativePath) -> Result<DiskListing, DiskError> {
        self.disk_trouble("scan", directory)?;
        if !directory.is_root() && !matches!(self.at(directory), Some(DiskNode::Directory(_))) {
            return Err(disk_error("listing", directory, DiskErrorKind::NotFound));
        }
        let inside = self.inside();
        let entries = inside
            .disk
            .within(&plain(directory))
            .map(|(name, entry)| DiskEntry { name: Name::try_from(name).unwrap(), node: entry.on_disk() })
            .collect();
        let mount = inside.mounts.get(&plain(directory)).map(|number| Mount { file_system: *number });
        Ok(DiskListing { mount, entries })
    }

    async fn mount(&self, path: &RelativePath) -> Result<Option<Mount>, DiskError> {
        Ok(self.inside().mounts.get(&plain(path)).map(|number| Mount { file_system: *number }))
    }

    async fn link_target(&self, _: &RelativePath) -> Result<Vec<u8>, DiskError> {
        Ok(b"/elsewhere".to_vec())
    }

    async fn stat(&self, path: &RelativePath) -> Result<Option<DiskNode>, DiskError> {
        Ok(self.at(path))
    }

    async fn hash(&self, path: &RelativePath, expected: &FileStat) -> Result<Md5, DiskError> {
        self.disk_trouble("hash", path)?;
        Ok(md5_of(&self.text_of(path, expected)?))
    }

    async fn open(&self, path: &RelativePath, expected: &FileStat) -> Result<Text, DiskError> {
        self.disk_trouble("open", path)?;
        self.text_of(path, expected).map(Text)
    }

    async fn read(&self, path: &RelativePath, expected: &FileStat) -> Result<Vec<u8>, DiskError> {
        self.disk_trouble("read", path)?;
        self.text_of(path, expected)
    }

    async fn make_directory(&self, path: &RelativePath) -> Result<Identity, DiskError> {
        self.disk_trouble("make here", path)?;
        self.directory_above(path)?;
        match self.at(path) {
            Some(DiskNode::Directory(_)) => {}
            Some(_) => return Err(disk_error("making", path, DiskErrorKind::Occupied)),
            None => self.inside().disk.put(&plain(path), Thing::Directory),
        }
        Ok(self.at(path).and_then(|node| node.identity()).unwrap())
    }

    async fn stage(&self, _: u64) -> Result<Text, DiskError> {
        self.disk_trouble("stage", &RelativePath::root())?;
        Ok(Text(Vec::new()))
    }

    async fn copy(&self, path: &RelativePath, expected: &FileStat) -> Result<(Text, Md5), DiskError> {
        let text = self.text_of(path, expected)?;
        let md5 = md5_of(&text);
        Ok((Text(text), md5))
    }

    async fn place(
        &self,
        staged: Text,
        path: &RelativePath,
        modified: Timestamp,
        replaces: Option<&FileStat>,
    ) -> Result<FileStat, DiskError> {
        self.disk_trouble("place", path)?;
        self.directory_above(path)?;
        if self.at(path) != replaces.copied().map(DiskNode::File) {
            return Err(disk_error("placing", path, DiskErrorKind::Changed));
        }
        let text = String::from_utf8(staged.0).unwrap();
        let mut inside = self.inside();
        // It is another file.
        inside.disk.remove(&plain(path));
        inside.disk.put(&plain(path), Thing::File { text, modified: modified.seconds() });
        drop(inside);
        let Some(DiskNode::File(stat)) = self.at(path) else { panic!("it was placed") };
        Ok(stat)
    }

    async fn rename(
        &self,
        from: &RelativePath,
        to: &RelativePath,
        expected: Identity,
    ) -> Result<(), DiskError> {
        self.disk_trouble("rename", from)?;
        if self.at(from).and_then(|node| node.identity()) != Some(expected) {
            return Err(disk_error("renaming", from, DiskErrorKind::Changed));
        }
        self.directory_above(to)?;
        if self.at(to).is_some() {
            return Err(disk_error("renaming", to, DiskErrorKind::Occupied));
        }
        self.inside().disk.rename(&plain(from), &plain(to));
        Ok(())
    }

    async fn trash(
        &self,
        path: &RelativePath,
        expected: &DiskNode,
        _: Option<TreeDigest>,
    ) -> Result<(), DiskError> {
        self.disk_trouble("trash here", path)?;
        assert_eq!(self.at(path), Some(*expected), "it was just looked at");
        self.inside().disk.remove(&plain(path));
        Ok(())
    }

    async fn set_modified(
        &self,
        path: &RelativePath,
        expected: &FileStat,
        modified: Timestamp,
    ) -> Result<FileStat, DiskError> {
        self.disk_trouble("set time here", path)?;
        let text = String::from_utf8(self.text_of(path, expected)?).unwrap();
        self.inside().disk.put(&plain(path), Thing::File { text, modified: modified.seconds() });
        let Some(DiskNode::File(stat)) = self.at(path) else { panic!("it is a file") };
        Ok(stat)
    }

    async fn claim_root(&self, _: &RootIdentity, marker: &str) -> Result<(), DiskError> {
        self.disk_trouble("claim", &RelativePath::root())?;
        self.inside().marker = Some(marker.to_owned());
        Ok(())
    }
}

/// A listing that has come as a whole.
pub(super) struct Listing(Option<Vec<ListedEntry>>, Vec<UnusableEntry>);

impl RemoteListing for Listing {
    async fn next_batch(&mut self) -> Result<Option<Vec<ListedEntry>>, RemoteError> {
        Ok(self.0.take())
    }

    fn unusable(&self) -> &[UnusableEntry] {
        &self.1
    }
}

fn stored(path: &str) -> StoredPath {
    let names = path.split('/').filter(|name| !name.is_empty());
    StoredPath::new(names.map(|name| StoredName::new(name).unwrap()).collect())
}

/// What the service takes for the same path.
fn keys(path: &str) -> Vec<FoldKey> {
    stored(path).names().iter().map(FoldKey::of).collect()
}

/// The path under which a tree has an entry, whatever its spelling.
fn spelled(tree: &Tree, path: &StoredPath) -> Option<String> {
    let path = plain(path);
    if tree.entries.contains_key(&path) {
        return Some(path);
    }
    let wanted = keys(&path);
    tree.entries.keys().find(|there| keys(there) == wanted).cloned()
}

impl Inside {
    fn shown(&self) -> &Tree {
        self.shown.as_ref().unwrap_or(&self.service)
    }
}

impl Remote for Sides {
    type Listing = Listing;

    async fn list_tree(&self, directory: &StoredPath) -> Result<Listing, RemoteError> {
        self.remote_trouble("list all", directory).1?;
        let inside = self.inside();
        let top = plain(directory);
        let below = |(path, entry): (&String, &Entry)| {
            let below = is_below(path, &top).then(|| path[top.len()..].trim_start_matches('/'))?;
            Some(ListedEntry { path: stored(below), node: entry.on_service() })
        };
        let is_listed = |(_, entry): &(&String, &Entry)| {
            !inside.lists_files_alone || matches!(entry.thing, Thing::File { .. })
        };
        let listed = inside.shown().entries.iter().filter(is_listed).filter_map(below).collect();
        let unusable = inside.unusable.iter().filter(|entry| is_below(&entry.path, &top)).cloned().collect();
        Ok(Listing(Some(listed), unusable))
    }

    async fn list_directory(
        &self,
        directory: &StoredPath,
    ) -> Result<Vec<(StoredName, RemoteNode)>, RemoteError> {
        self.remote_trouble("list", directory).1?;
        let inside = self.inside();
        let there = spelled(inside.shown(), directory);
        if !directory.is_root() && there.is_none() {
            return Err(RemoteError::new(RemoteErrorKind::NotFound, "nothing is there".to_owned()));
        }
        let there = there.unwrap_or_default();
        let named = |(name, entry): (&str, &Entry)| (StoredName::new(name).unwrap(), entry.on_service());
        Ok(inside.shown().within(&there).map(named).collect())
    }

    async fn look(&self, path: &StoredPath) -> Result<Option<Sighted>, RemoteError> {
        self.remote_trouble("look", path).1?;
        let inside = self.inside();
        if path.is_root() {
            return Ok(Some(RemoteNode::Directory.into()));
        }
        let Some(there) = spelled(inside.shown(), path) else { return Ok(None) };
        let node = inside.shown().entries[&there].on_service();
        let respelled = stored(&there).name().filter(|name| path.name() != Some(name)).cloned();
        Ok(Some(Sighted { node, respelled }))
    }

    async fn upload<C: LocalContent>(
        &self,
        path: &StoredPath,
        file: File,
        mut content: C,
    ) -> Result<(), RemoteError> {
        let (is_done, ended) = self.remote_trouble("upload", path);
        if is_done {
            let mut bytes = vec![0; usize::try_from(file.content.size).unwrap()];
            assert_eq!(content.read_at(0, &mut bytes).unwrap(), bytes.len());
            assert_eq!(md5_of(&bytes), file.content.md5, "it is what was hashed");
            let mut inside = self.inside();
            let there = spelled(&inside.service, path).unwrap_or_else(|| plain(path));
            let text = String::from_utf8(bytes).unwrap();
            inside.service.put(&there, Thing::File { text, modified: file.modified.seconds() });
        }
        ended
    }

    async fn download<S: StagedFile>(
        &self,
        path: &StoredPath,
        content: Content,
        staged: &mut S,
    ) -> Result<(), RemoteError> {
        self.remote_trouble("download", path).1?;
        let inside = self.inside();
        let there = inside.service.entries.get(&plain(path)).map(|entry| entry.thing.clone());
        match there {
            Some(Thing::File { text, .. }) if file(&text, 0).content == content => {
                staged.write(text.as_bytes()).unwrap();
                Ok(())
            }
            _ => Err(RemoteError::new(RemoteErrorKind::Conflict, "it is another file".to_owned())),
        }
    }

    async fn make_directory(&self, path: &StoredPath) -> Result<(), RemoteError> {
        let (is_done, ended) = self.remote_trouble("make there", path);
        let mut inside = self.inside();
        if is_done && !path.is_root() && spelled(&inside.service, path).is_none() {
            inside.service.put(&plain(path), Thing::Directory);
        }
        ended
    }

    async fn trash(&self, path: &StoredPath, _: Kind) -> Result<(), RemoteError> {
        let (is_done, ended) = self.remote_trouble("trash there", path);
        let mut inside = self.inside();
        if is_done && let Some(there) = spelled(&inside.service, path) {
            inside.service.remove(&there);
        }
        ended
    }

    async fn move_entry(
        &self,
        from: &StoredPath,
        to: &StoredPath,
        _: Kind,
    ) -> Result<MoveAnswer, RemoteError> {
        let trouble = self.trouble("move there", from);
        let mut inside = self.inside();
        match &trouble {
            Some(Trouble::Lost) | None => {}
            Some(trouble) => trouble.of_remote()?,
        }
        let Some(there) = spelled(&inside.service, from) else {
            return Err(RemoteError::new(RemoteErrorKind::NotFound, "nothing is there".to_owned()));
        };
        if spelled(&inside.service, to).is_some_and(|taken| taken != there) {
            return Err(RemoteError::new(RemoteErrorKind::Conflict, "it is taken".to_owned()));
        }
        inside.service.rename(&there, &plain(to));
        Ok(if trouble.is_some() { MoveAnswer::SeemsDone } else { MoveAnswer::Done })
    }

    async fn set_modified(
        &self,
        path: &StoredPath,
        content: Content,
        modified: Timestamp,
    ) -> Result<(), RemoteError> {
        let (is_done, ended) = self.remote_trouble("set time there", path);
        let mut inside = self.inside();
        let entry = inside.service.entries.get_mut(&plain(path)).unwrap();
        let Thing::File { text, modified: time } = &mut entry.thing else { panic!("it is a file") };
        assert_eq!(file(text, 0).content, content, "it was just looked at");
        if is_done {
            *time = modified.seconds();
        }
        ended
    }

    async fn change_stamp(&self) -> Result<String, RemoteError> {
        self.remote_trouble("poll", &StoredPath::root()).1?;
        Ok(self.inside().stamp.clone())
    }
}

/// What a future comes to that waits for nothing.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("nothing waits here"),
    }
}

/// How a task is called in the log.
fn called(task: &Task) -> String {
    let called = match task {
        Task::CheckRoot => "root".to_owned(),
        Task::ClaimRoot { .. } => "claim".to_owned(),
        Task::Scan { directory } => format!("scan {}", plain(directory)),
        Task::Hash { files } => {
            let paths: Vec<String> = files.iter().map(|(path, _)| path.to_string()).collect();
            format!("hash {}", paths.join(" "))
        }
        Task::ListTree => "list all".to_owned(),
        Task::ListDirectory { directory } => format!("list {}", plain(directory)),
        Task::Look { path } => format!("look {path}"),
        Task::Poll => "poll".to_owned(),
        Task::Upload { remote, .. } => format!("upload {remote}"),
        Task::Download { remote, twin: None, .. } => format!("download {remote}"),
        Task::Download { remote, twin: Some((twin, _)), .. } => format!("copy {twin} to {remote}"),
        Task::MakeRemoteDirectory { remote, .. } => format!("make there {}", plain(remote)),
        Task::MakeLocalDirectory { path } => format!("make here {path}"),
        Task::MoveRemote { from, to, .. } => format!("move there {from} to {to}"),
        Task::MoveLocal { from, to, .. } => format!("move here {from} to {to}"),
        Task::TrashRemote { remote, .. } => format!("trash there {remote}"),
        Task::TrashLocal { path, .. } => format!("trash here {path}"),
        Task::SetRemoteTime { remote, .. } => format!("set time there {remote}"),
        Task::SetLocalTime { path, .. } => format!("set time here {path}"),
    };
    called.trim_end().to_owned()
}

/// A text in which conflict names end in `~`, and temporary names are `(parked)`.
fn short(text: &str) -> String {
    let mut text = text.to_owned();
    for (begin, end, short) in [(" (conflict ", ")", "~"), (".jottad-moving-", "", "(parked)")] {
        while let Some(at) = text.find(begin) {
            let length = if end.is_empty() { begin.len() + 16 } else { text[at..].find(end).unwrap() + 1 };
            text.replace_range(at..at + length, short);
        }
    }
    text
}

/// The settings of a folder in a mode.
pub(super) fn in_mode(mode: Mode) -> FolderSettings {
    FolderSettings { mode, ..super::driver::settings() }
}

/// A folder between a disk and a service.
pub(super) struct World {
    place: tempfile::TempDir,
    pub(super) folder: Folder,
    sides: Sides,
    pub(super) now: Duration,
    /// What was asked for, and when.
    log: Vec<(Duration, bool, String)>,
    queue: std::collections::VecDeque<Command>,
    /// What is called so does not end by itself.
    pub(super) lasting: Option<String>,
    waiting: Vec<Command>,
}

impl World {
    /// A folder both sides of which have the same, and that has proven it.
    pub(super) fn agreed(settings: FolderSettings, both: &str) -> Self {
        let mut world = Self::unstarted(settings, both, both);
        world.tell(Event::Started);
        world.run_for(60);
        assert_eq!(world.verdict(), Verdict::InSync, "{:?}", world.log);
        world.log.clear();
        world
    }

    /// A folder of which nothing is known.
    pub(super) fn unstarted(settings: FolderSettings, here: &str, there: &str) -> Self {
        let (place, index) = new_index();
        let sides = Sides::default();
        sides.inside().disk.change(here);
        sides.inside().service.change(there);
        "1".clone_into(&mut sides.inside().stamp);
        let folder = Folder::new(settings, index).unwrap();
        Self {
            place,
            folder,
            sides,
            now: Duration::from_secs(1000),
            log: Vec::new(),
            queue: std::collections::VecDeque::new(),
            lasting: None,
            waiting: Vec::new(),
        }
    }

    pub(super) fn time(&self) -> Now {
        let seconds = i64::try_from(self.now.as_secs()).unwrap();
        Now { monotonic: self.now, wall: Timestamp::from_seconds(1_700_000_000 + seconds) }
    }

    /// Takes an event in, and does all that follows from it at once.
    pub(super) fn tell(&mut self, event: Event) {
        let now = self.time();
        self.queue.extend(self.folder.handle([event], now).unwrap());
        while let Some(command) = self.queue.pop_front() {
            let called = called(&command.task);
            let is_deed = !command.task.only_looks() && called != "claim";
            self.log.push((self.now, is_deed, called.clone()));
            assert!(self.log.len() < 20_000, "it spins: {:?}", &self.log[19_900..]);
            if self.lasting.as_ref().is_some_and(|lasting| called.starts_with(lasting.as_str())) {
                self.waiting.push(command);
            } else {
                self.end(command);
            }
        }
    }

    fn end(&mut self, command: Command) {
        let listed = Mutex::new(Vec::new());
        let note = |id, entries| {
            listed.lock().unwrap().push(Event::Listed(id, entries));
            async {}
        };
        let ended = at_once(crate::perform::perform(command, &self.sides, &self.sides, note));
        let now = self.time();
        let events: Vec<Event> = listed.into_inner().unwrap().into_iter().chain([ended]).collect();
        for event in events {
            let commands = self.folder.handle([event], now).unwrap();
            self.queue.extend(commands);
        }
    }

    /// Lets what has lasted end.
    pub(super) fn let_end(&mut self) {
        self.lasting = None;
        for command in std::mem::take(&mut self.waiting) {
            self.end(command);
        }
        self.tell(Event::Timer);
    }

    /// How many commands last.
    pub(super) fn under_way(&self) -> usize {
        self.waiting.len()
    }

    /// Lets time pass.
    pub(super) fn run_for(&mut self, seconds: u64) {
        let end = self.now + Duration::from_secs(seconds);
        while let Some(due) = self.folder.deadline(self.time()).unwrap()
            && due <= end
        {
            self.now = self.now.max(due);
            self.tell(Event::Timer);
        }
        self.now = end;
    }

    /// Changes what is on the disk, of which a watcher tells.
    pub(super) fn here(&mut self, changes: &str) {
        let before = self.sides.inside().disk.clone();
        self.sides.inside().disk.change(changes);
        let after = self.sides.inside().disk.clone();
        let differs = |path: &&String| before.entries.get(*path) != after.entries.get(*path);
        let touched = before.entries.keys().chain(after.entries.keys()).filter(differs);
        let directories: std::collections::BTreeSet<&str> = touched.map(|path| parent(path)).collect();
        let hints =
            directories.into_iter().map(|path| LocalHint::Directory(crate::builders::path(path))).collect();
        self.tell(Event::LocalHints(hints));
    }

    /// Changes what is on the disk while nobody watches.
    pub(super) fn here_unseen(&mut self, changes: &str) {
        self.sides.inside().disk.change(changes);
    }

    /// Changes what is on the service, of which nothing tells.
    pub(super) fn there(&mut self, changes: &str) {
        self.sides.inside().service.change(changes);
    }

    /// From now on every change on either side is heard of.
    pub(super) fn listen(&mut self) {
        self.tell(Event::RemoteHint(RemoteHint::Listening));
        self.tell(Event::LocalHints(vec![LocalHint::Heard]));
        self.run_for(60);
    }

    /// Changes what is on the service, which tells of each entry.
    pub(super) fn there_heard(&mut self, changes: &str) {
        let before = self.sides.inside().service.entries.clone();
        self.there(changes);
        let after = self.sides.inside().service.entries.clone();
        let paths: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for path in paths {
            if before.get(path) != after.get(path) {
                let told = match after.get(path).map(Entry::on_service) {
                    None => Told::Gone,
                    Some(RemoteNode::Directory) => Told::Directory,
                    Some(RemoteNode::File(file)) => Told::File(file),
                };
                self.tell(Event::RemoteHint(RemoteHint::Entry { path: stored(path), told }));
            }
        }
    }

    /// What the service shows from now on, if it is not what it has.
    pub(super) fn shows(&mut self, shown: Option<&str>) {
        let shown = shown.map(|shown| {
            let mut tree = Tree::default();
            tree.change(shown);
            tree
        });
        self.sides.inside().shown = shown;
    }

    /// From now on a listing of everything does not show directories by themselves.
    pub(super) fn list_files_alone(&mut self) {
        self.sides.inside().lists_files_alone = true;
    }

    /// How what is called so ends from now on: with no path it is all of that kind.
    pub(super) fn trouble(&mut self, what: &str, trouble: Trouble) {
        self.sides.inside().trouble.insert(what.to_owned(), trouble);
    }

    /// Another directory is at the path of the root.
    pub(super) fn replace_root(&mut self) {
        let mut inside = self.sides.inside();
        inside.root += 1;
        inside.marker = None;
        inside.disk = Tree::default();
    }

    pub(super) fn sync(&mut self) {
        self.tell(Event::Request(Request::SyncNow));
    }

    /// A new run begins where the last one was killed.
    pub(super) fn restart(mut self, settings: FolderSettings) -> Self {
        let index = self.folder.crash().after_a_crash().unwrap();
        self.folder = Folder::new(settings, index).unwrap();
        self.queue.clear();
        self.waiting.clear();
        self.tell(Event::Started);
        self
    }

    /// Lets something happen, and the two seconds after it pass. It is told in a few words: `here` and what
    /// was changed on the disk, `unseen` if no watcher tells of it; `there` and what was changed on the
    /// service, `heard` if an event tells of it; `rots` and what a file holds
    /// without a trace; `shows` and what the service shows; `fails` and what does, and
    /// how; or what a person asks for.
    pub(super) fn step(&mut self, step: &str) {
        let (what, rest) = step.split_once(' ').unwrap_or((step, ""));
        let request = |request| Event::Request(request);
        match what {
            "here" => self.here(rest),
            "unseen" => self.here_unseen(rest),
            "there" => self.there(rest),
            "heard" => self.there_heard(rest),
            "shows" if rest == "all" => self.shows(None),
            "shows" => self.shows(Some(rest)),
            "fails" => {
                let (what, how) = rest.split_once(": ").unwrap();
                self.trouble(what, Trouble::called(how));
            }
            "works" => self.sides.inside().trouble.clear(),
            "rots" => {
                let (path, text) = rest.split_once('=').unwrap();
                let mut inside = self.sides.inside();
                let entry = inside.disk.entries.get_mut(path).unwrap();
                let Thing::File { text: old, .. } = &mut entry.thing else { panic!("it is a file") };
                assert_eq!(old.len(), text.len(), "nothing tells of it");
                text.clone_into(old);
            }
            "lasts" => self.lasting = Some(rest.to_owned()),
            "ends" => self.let_end(),
            "listen" => self.listen(),
            "deaf" => self.tell(Event::RemoteHint(RemoteHint::Deaf)),
            "anywhere" => self.tell(Event::RemoteHint(RemoteHint::Anywhere)),
            "elsewhere" => self.tell(Event::RemoteHint(RemoteHint::Elsewhere)),
            "stamp" => rest.clone_into(&mut self.sides.inside().stamp),
            "mount" => {
                let (path, number) = rest.split_once(' ').unwrap();
                self.sides.inside().mounts.insert(path.to_owned(), number.parse().unwrap());
            }
            "unmount" => drop(self.sides.inside().mounts.remove(rest)),
            "accept" => self.tell(request(Request::AcceptMount(crate::builders::path(rest)))),
            "sync" => self.tell(request(Request::SyncNow)),
            "verify" => self.tell(request(Request::Verify)),
            "approve" => self.tell(request(Request::Approve)),
            "reject" => self.tell(request(Request::Reject)),
            "reconnect" => self.tell(request(Request::Reconnect)),
            "resume" => self.tell(request(Request::Resume)),
            "pause" if rest.is_empty() => self.tell(request(Request::Pause(None))),
            "pause" => {
                let pause = Duration::from_secs(rest.parse().unwrap());
                self.tell(request(Request::Pause(Some(pause))));
            }
            "unusable" => {
                let entry = UnusableEntry { path: rest.to_owned(), reason: "it has no name".to_owned() };
                self.sides.inside().unusable.push(entry);
            }
            "wait" => return self.run_for(rest.parse().unwrap()),
            other => panic!("no such step: {other}"),
        }
        self.run_for(2);
    }

    /// What the status says, with what is wrong.
    pub(super) fn told(&self) -> String {
        format!("{:?} {}", self.verdict(), self.problems()).trim_end().to_owned()
    }

    /// Everything that was asked for since the log was read last, and when, in seconds since a moment.
    pub(super) fn looks(&mut self, since: Duration) -> String {
        let mut times: Vec<(String, Vec<String>)> = Vec::new();
        for (at, _, called) in self.log.drain(..) {
            let at = at.saturating_sub(since);
            let at = if at.subsec_millis() == 0 {
                at.as_secs().to_string()
            } else {
                format!("{:?}", at.as_secs_f64())
            };
            match times.iter_mut().find(|(known, _)| *known == called) {
                Some((_, times)) => times.push(at),
                None => times.push((called, vec![at])),
            }
        }
        let told = times.iter().map(|(called, times)| format!("{called}: {}", times.join(" ")));
        short(&told.collect::<Vec<_>>().join(", "))
    }

    /// The folder ends in order, and answers at rest from now on.
    pub(super) fn stop(mut self, settings: FolderSettings) -> Self {
        let wall = self.time().wall;
        self.folder.close().unwrap();
        let index = crate::builders::open_index(&self.place);
        self.folder = Folder::new(settings, index).unwrap().at_rest(wall).unwrap();
        self
    }

    /// A run that only looks begins where the last one was killed.
    pub(super) fn look(mut self, settings: FolderSettings) -> Self {
        let index = self.folder.crash().after_a_crash().unwrap();
        self.folder = Folder::new(settings, index).unwrap().only_looking().unwrap();
        self.tell(Event::Started);
        self.run_for(10);
        self
    }

    /// What a plan says: each operation with its path, and how many bytes travel.
    pub(super) fn plan(&self) -> String {
        let plan = self.folder.plan_preview(usize::MAX).unwrap();
        let told = plan.operations.iter().map(|operation| {
            let kind = operation.kind.as_str();
            let to = operation.to.as_ref().map(|to| format!(" to {to}")).unwrap_or_default();
            let bytes = operation.bytes.map(|bytes| format!(" ({bytes})")).unwrap_or_default();
            format!("{kind} {}{to}{bytes}: {}", operation.path, operation.because)
        });
        let told: Vec<String> = told.collect();
        assert_eq!((plan.count, plan.operations.len()), (told.len() as u64, told.len()));
        let unconfirmed =
            if plan.unconfirmed > 0 { format!("; {} unconfirmed", plan.unconfirmed) } else { String::new() };
        format!("{}{unconfirmed}", short(&told.join("; ")))
    }

    /// What is said of a path, and why.
    pub(super) fn explain(&self, at: &str) -> String {
        let said = self.folder.explain(&crate::builders::path(at)).unwrap();
        let rule = said.rule.map(|rule| format!(" [{rule}]")).unwrap_or_default();
        let next = said.next.map(|next| format!(" [{}]", next.kind.as_str())).unwrap_or_default();
        format!("{:?}: {}{rule}{next}", said.state, said.reason)
    }

    /// What is on the disk.
    pub(super) fn disk(&self) -> String {
        self.sides.inside().disk.text()
    }

    /// What is on the service.
    pub(super) fn service(&self) -> String {
        self.sides.inside().service.text()
    }

    pub(super) fn status(&self) -> FolderStatus {
        self.folder.status().unwrap()
    }

    pub(super) fn verdict(&self) -> Verdict {
        self.status().verdict
    }

    /// What is wrong, as `path: Kind`.
    pub(super) fn problems(&self) -> String {
        let problems = self.folder.problems().unwrap();
        let told = problems.iter().map(|problem| format!("{}: {:?}", problem.path, problem.kind));
        told.collect::<Vec<_>>().join(", ")
    }

    /// What was done since the log was read last, in order, separated by commas, and how often in a row.
    pub(super) fn done(&mut self) -> String {
        let mut done: Vec<(String, usize)> = Vec::new();
        for (_, _, called) in self.log.drain(..).filter(|(_, is_deed, _)| *is_deed) {
            match done.last_mut() {
                Some((last, times)) if *last == called => *times += 1,
                _ => done.push((called, 1)),
            }
        }
        let told = done.into_iter().map(|(called, times)| match times {
            1 => called,
            _ => format!("{called} ({times} times)"),
        });
        short(&told.collect::<Vec<_>>().join(", "))
    }

    /// What both sides have: once if it is the same, else with a bar between them.
    pub(super) fn both(&self) -> String {
        let (disk, service) = (short(&self.disk()), short(&self.service()));
        if disk == service { disk } else { format!("{disk} | {service}") }
    }
}
