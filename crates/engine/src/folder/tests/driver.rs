//! A folder with a scripted service and disk: what both sides have, and what was asked for.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jottad_core::{Content, File, FoldKey, Md5, Mode, Name, StoredName, StoredPath, encode_name};

use crate::builders::{new_index, path};
use crate::disk::{
    DiskEntry, DiskError, DiskErrorKind, DiskListing, DiskNode, FileStat, Identity, OtherKind, RootIdentity,
};
use crate::event::{Achieved, LinkedRules, OperationError, RulesFile, ScannedDirectory};
use crate::folder::*;
use crate::remote::{ListedEntry, RemoteError, RemoteErrorKind, RemoteNode, Sighted};
use crate::settings::ProofInterval;
use crate::status::{FolderStatus, Verdict};

pub(super) const HOUR: u64 = 3600;

pub(super) fn settings() -> FolderSettings {
    FolderSettings {
        mode: Mode::Backup,
        proof: ProofInterval::Every(Duration::from_hours(6)),
        ..crate::builders::settings()
    }
}

pub(super) fn refusal(kind: RemoteErrorKind, pause: Option<Duration>) -> RemoteError {
    RemoteError { retry_after: pause, ..RemoteError::new(kind, "the service answered an error".to_owned()) }
}

/// What both sides have: directories with one file each.
// Each is a switch of a test.
#[allow(clippy::struct_excessive_bools)]
pub(super) struct Driver {
    pub(super) _place: tempfile::TempDir,
    pub(super) folder: Folder,
    pub(super) seconds: u64,
    pub(super) directories: Vec<String>,
    pub(super) commands: VecDeque<Command>,
    /// What was asked for, by what it is, and when.
    pub(super) asked: Vec<(u64, &'static str, String)>,
    /// How the service refuses what is called so.
    pub(super) refusals: BTreeMap<&'static str, RemoteError>,
    /// What the service does not have.
    pub(super) missing: BTreeSet<String>,
    /// Directories that the local disk does not have.
    pub(super) gone: BTreeSet<String>,
    /// A listing of everything shows directories and nothing else.
    pub(super) hides_files: bool,
    /// Directories that are not found when they are read the next time.
    pub(super) away: Vec<String>,
    /// Directories that have a link locally in the place of their file.
    pub(super) linked: BTreeSet<String>,
    /// Directories whose file is not there locally.
    pub(super) gone_files: BTreeSet<String>,
    /// Directories that have a file locally in their place.
    pub(super) replaced: BTreeSet<String>,
    /// Directories that are not there locally.
    pub(super) gone_locally: BTreeSet<String>,
    /// Directories that change while they are read.
    pub(super) changing: BTreeSet<String>,
    /// Directories that cannot be read.
    pub(super) unreadable: BTreeSet<String>,
    /// What the `.jottaignore` of a directory holds.
    pub(super) rules: BTreeMap<String, &'static str>,
    /// Directories whose files are names of one.
    pub(super) one_file: Vec<String>,
    /// Directories whose `.jottaignore` cannot be read.
    pub(super) unreadable_rules: BTreeSet<String>,
    /// Directories whose `.jottaignore` is a link to the file of another one.
    pub(super) rules_from: BTreeMap<String, String>,
    /// How often the file of a directory was edited: the local one, and the one that the service has.
    pub(super) local_edits: BTreeMap<String, u16>,
    pub(super) remote_edits: BTreeMap<String, u16>,
    /// The files of these directories change whenever they are read.
    pub(super) restless: BTreeSet<String>,
    /// What the root is marked with.
    pub(super) marker: Option<String>,
    /// The marker cannot be written.
    pub(super) claims_in_vain: bool,
    /// What fails on the disk.
    pub(super) disk_failures: BTreeSet<&'static str>,
    /// A look names what it shows as it was asked for.
    pub(super) names_as_asked: bool,
    /// What is called so does not end by itself.
    pub(super) lasting: Option<&'static str>,
    /// Those that have begun.
    pub(super) under_way: Vec<CommandId>,
}

impl Driver {
    /// A folder whose sides agree, and that has proven it.
    pub(super) fn new(directories: &[&str]) -> Self {
        Self::with(settings(), directories)
    }

    pub(super) fn with(settings: FolderSettings, directories: &[&str]) -> Self {
        let mut driver = Self::unstarted(settings, directories);
        driver.tell(Event::Started);
        driver.run_for(60);
        assert_eq!(driver.status().verdict, Verdict::InSync, "{:?}", driver.asked);
        driver
    }

    /// A folder of which nothing is known.
    pub(super) fn unstarted(settings: FolderSettings, directories: &[&str]) -> Self {
        let (place, index) = new_index();
        let folder = Folder::new(settings, index).unwrap();
        Self {
            _place: place,
            folder,
            seconds: 1000,
            directories: directories.iter().map(|name| (*name).to_owned()).collect(),
            commands: VecDeque::new(),
            asked: Vec::new(),
            refusals: BTreeMap::new(),
            missing: BTreeSet::new(),
            gone: BTreeSet::new(),
            hides_files: false,
            away: Vec::new(),
            linked: BTreeSet::new(),
            gone_files: BTreeSet::new(),
            replaced: BTreeSet::new(),
            gone_locally: BTreeSet::new(),
            changing: BTreeSet::new(),
            unreadable: BTreeSet::new(),
            rules: BTreeMap::new(),
            one_file: Vec::new(),
            unreadable_rules: BTreeSet::new(),
            rules_from: BTreeMap::new(),
            local_edits: BTreeMap::new(),
            remote_edits: BTreeMap::new(),
            restless: BTreeSet::new(),
            marker: None,
            claims_in_vain: false,
            disk_failures: BTreeSet::new(),
            names_as_asked: false,
            lasting: None,
            under_way: Vec::new(),
        }
    }

    pub(super) fn now(&self) -> Now {
        let wall = Timestamp::from_seconds(1_700_000_000 + i64::try_from(self.seconds).unwrap());
        Now { monotonic: Duration::from_secs(self.seconds), wall }
    }

    pub(super) fn status(&self) -> FolderStatus {
        self.folder.status().unwrap()
    }

    /// Takes an event in and everything that follows from it at once.
    pub(super) fn tell(&mut self, event: Event) {
        self.tell_all(vec![event]);
    }

    pub(super) fn tell_all(&mut self, events: Vec<Event>) {
        let now = self.now();
        self.commands.extend(self.folder.handle(events, now).unwrap());
        while let Some(command) = self.commands.pop_front() {
            if matches!(command.task, Task::ListTree) && !self.refusals.contains_key("list_tree") {
                let listed = Event::Listed(command.id, self.listed());
                self.commands.extend(self.folder.handle([listed], now).unwrap());
            }
            let outcome = self.outcome(&command.task);
            if self.lasting.is_some() && self.asked.last().map(|(_, what, _)| *what) == self.lasting {
                self.under_way.push(command.id);
                continue;
            }
            let completed = Event::Completed(command.id, outcome);
            self.commands.extend(self.folder.handle([completed], now).unwrap());
        }
    }

    /// Lets time pass.
    pub(super) fn run_for(&mut self, seconds: u64) {
        let end = self.seconds + seconds;
        while let Some(due) = self.folder.deadline(self.now()).unwrap()
            && due <= Duration::from_secs(end)
        {
            self.seconds = self.seconds.max(due.as_secs() + u64::from(due.subsec_nanos() > 0));
            self.tell(Event::Timer);
            assert!(self.asked.len() < 100_000, "it spins");
        }
        self.seconds = end;
    }

    pub(super) fn asked_for(&self, what: &str, since: u64) -> usize {
        self.asked.iter().filter(|(at, asked, _)| *asked == what && *at >= since).count()
    }

    pub(super) fn agreed() -> File {
        Self::edited(0)
    }

    /// A file that was edited so often.
    pub(super) fn edited(edits: u16) -> File {
        File {
            content: Content { size: 3, md5: Md5::from_bytes(u128::from(edits).to_be_bytes()) },
            modified: Timestamp::from_seconds(1 + i64::from(edits)),
        }
    }

    /// How often the file of a directory, or at a path, was edited.
    pub(super) fn edits(edits: &BTreeMap<String, u16>, directory: &str) -> u16 {
        edits.get(directory.strip_suffix("/f").unwrap_or(directory)).copied().unwrap_or(0)
    }

    pub(super) fn stored(text: &str) -> StoredPath {
        let names = path(text);
        StoredPath::new(names.components().map(|name| encode_name(&Name::new(name).unwrap())).collect())
    }

    pub(super) fn listed(&self) -> Vec<ListedEntry> {
        let mut entries = Vec::new();
        for directory in &self.directories {
            if self.missing.contains(directory) {
                continue;
            }
            entries.push(ListedEntry { path: Self::stored(directory), node: RemoteNode::Directory });
            let file = format!("{directory}/f");
            if !self.hides_files && !self.missing.contains(&file) {
                let content = Self::edited(Self::edits(&self.remote_edits, directory));
                entries.push(ListedEntry { path: Self::stored(&file), node: RemoteNode::File(content) });
            }
        }
        entries
    }

    /// A path finds what is there under every spelling.
    fn seen_at(&self, path: &StoredPath) -> Option<Sighted> {
        let listed = self.listed();
        let exact = listed.iter().find(|entry| entry.path == *path);
        let keys = |path: &StoredPath| path.names().iter().map(FoldKey::of).collect::<Vec<_>>();
        let entry = exact.or_else(|| listed.iter().find(|entry| keys(&entry.path) == keys(path)))?;
        let is_told = |name: &&StoredName| !self.names_as_asked && path.name() != Some(name);
        let respelled = entry.path.name().filter(is_told).cloned();
        Some(Sighted { node: entry.node, respelled })
    }

    pub(super) fn listed_in(&self, above: &StoredPath) -> Vec<(StoredName, RemoteNode)> {
        let all = self.listed().into_iter();
        let inside = all.filter(|entry| entry.path.parent().as_ref() == Some(above));
        inside.filter_map(|entry| Some((entry.path.name()?.clone(), entry.node))).collect()
    }

    pub(super) fn read(&mut self, directory: &RelativePath) -> Result<ScannedDirectory, DiskError> {
        let text = directory.to_string();
        if let Some(place) = self.away.iter().position(|away| *away == text) {
            self.away.remove(place);
            return Err(DiskError {
                action: "listing",
                path: directory.clone(),
                kind: DiskErrorKind::NotFound,
            });
        }
        if self.changing.contains(&text) {
            let kind = DiskErrorKind::Changed;
            return Err(DiskError { action: "listing", path: directory.clone(), kind });
        }
        if self.unreadable.contains(&text) {
            let kind = DiskErrorKind::Other(std::io::Error::other("the disk answered an error"));
            return Err(DiskError { action: "listing", path: directory.clone(), kind });
        }
        let mut entries = Vec::new();
        for (number, other) in (10u64..).zip(&self.directories) {
            if self.gone.contains(other) {
                continue;
            }
            let other = path(other);
            if self.gone_locally.contains(&other.to_string()) {
                continue;
            }
            if other.parent().as_ref() == Some(directory) {
                let is_replaced = self.replaced.contains(&other.to_string());
                let directory = DiskNode::Directory(Identity { inode: number, born: 1 });
                let file = || DiskNode::File(self.stat(number + 500, &other.to_string()));
                let node = if is_replaced { file() } else { directory };
                entries.push(DiskEntry { name: other.name().unwrap(), node });
            }
            if other == *directory && !self.gone_files.contains(&text) {
                let stat = self.stat(number, &text);
                let is_link = self.linked.contains(&text);
                let node = if is_link { DiskNode::Other(OtherKind::Symlink) } else { DiskNode::File(stat) };
                entries.push(DiskEntry { name: Name::try_from("f").unwrap(), node });
            }
        }
        let rules = self.rules.get(&text).map(|rules| RulesFile {
            content: rules.as_bytes().to_vec(),
            linked: self.rules_from.get(&text).map(|from| self.linked_rules(from)),
        });
        let is_readable = !self.unreadable_rules.contains(&text);
        let refused = || DiskError {
            action: "reading",
            path: directory.join(&Name::try_from(".jottaignore").unwrap()),
            kind: DiskErrorKind::PermissionDenied,
        };
        let rules = is_readable.then_some(rules).ok_or_else(refused);
        Ok(ScannedDirectory { listing: DiskListing { mount: None, entries }, rules })
    }

    /// The file of a directory as it is on the disk.
    fn stat(&self, number: u64, directory: &str) -> FileStat {
        let is_one = self.one_file.iter().any(|name| name == directory);
        let edits = self.local_edits_of(directory);
        FileStat {
            identity: Identity { inode: if is_one { 999 } else { 1000 + number }, born: 1 },
            size: 3,
            modified: Self::edited(edits).modified,
            modified_nanoseconds: 0,
            changed: 1 + i64::from(edits),
            links: if is_one { u32::try_from(self.one_file.len()).unwrap() } else { 1 },
        }
    }

    /// How often the local file of a directory, or at a path, was edited, under whichever of its names.
    fn local_edits_of(&self, directory: &str) -> u16 {
        let directory = directory.strip_suffix("/f").unwrap_or(directory);
        let is_one = self.one_file.iter().any(|name| name == directory);
        Self::edits(&self.local_edits, if is_one { &self.one_file[0] } else { directory })
    }

    /// The file of a directory as what a `.jottaignore` is a link to.
    fn linked_rules(&self, directory: &str) -> LinkedRules {
        let number = (10u64..).zip(&self.directories).find(|(_, other)| *other == directory);
        let stat = self.stat(number.unwrap().0, directory);
        LinkedRules { path: path(&format!("{directory}/f")), stat }
    }

    fn hash(&mut self, path: &RelativePath) -> Result<Md5, DiskError> {
        if self.changes_now(path) {
            return Err(DiskError { action: "reading", path: path.clone(), kind: DiskErrorKind::Changed });
        }
        Ok(Self::edited(self.local_edits_of(&path.to_string())).content.md5)
    }

    pub(super) fn outcome(&mut self, task: &Task) -> Outcome {
        let (what, at) = match task {
            Task::Scan { directory } => ("scan", directory.to_string()),
            Task::ListTree => ("list_tree", String::new()),
            Task::ListDirectory { directory } => ("list_directory", directory.to_string()),
            Task::Poll => ("poll", String::new()),
            Task::CheckRoot => ("root", String::new()),
            Task::ClaimRoot { .. } => ("claim", String::new()),
            Task::Hash { .. } => ("hash", String::new()),
            Task::Look { path } => ("look", path.to_string()),
            Task::Upload { path, .. } => ("upload", path.to_string()),
            Task::MakeRemoteDirectory { path, .. } => ("make_directory", path.to_string()),
            Task::MoveRemote { to, .. } => ("move", to.to_string()),
            Task::TrashRemote { path, .. } => ("trash", path.to_string()),
            Task::TrashLocal { path, .. } => ("trash_local", path.to_string()),
            Task::Download { path, .. } => ("download", path.to_string()),
            Task::MakeLocalDirectory { path } => ("make_local_directory", path.to_string()),
            Task::MoveLocal { to, .. } => ("move_local", to.to_string()),
            task => panic!("nothing else is to be done: {task:?}"),
        };
        self.asked.push((self.seconds, what, at));
        let refused = self.refusals.get(what).cloned();
        match task {
            Task::Scan { directory } => Outcome::Scanned(self.read(directory)),
            Task::ListTree => Outcome::ListingEnded(refused.map_or(Ok(Vec::new()), Err)),
            Task::ListDirectory { directory } => {
                Outcome::ListedDirectory(refused.map_or_else(|| Ok(self.listed_in(directory)), Err))
            }
            Task::ClaimRoot { .. } if self.claims_in_vain => {
                let kind = DiskErrorKind::Other(std::io::Error::other("the disk is full"));
                Outcome::Claimed(Err(DiskError { action: "claiming", path: RelativePath::root(), kind }))
            }
            Task::ClaimRoot { marker, .. } => {
                self.marker = Some(marker.clone());
                Outcome::Claimed(Ok(()))
            }
            Task::Poll => Outcome::Polled(refused.map_or(Ok("1".to_owned()), Err)),
            Task::Look { path } => Outcome::Looked(refused.map_or_else(|| Ok(self.seen_at(path)), Err)),
            Task::Upload { .. } | Task::MakeRemoteDirectory { .. } if self.lasting == Some(what) => {
                Outcome::Operation(Ok(Achieved::Done))
            }
            Task::Upload { .. } | Task::TrashRemote { .. } | Task::MoveLocal { .. } if refused.is_some() => {
                Outcome::Operation(Err(OperationError::Remote(refused.unwrap())))
            }
            Task::Upload { path, .. } | Task::MakeRemoteDirectory { path, .. } => {
                let path = path.to_string();
                self.missing.remove(&path);
                if let Some(directory) = path.strip_suffix("/f") {
                    let edits = self.local_edits_of(directory);
                    self.remote_edits.insert(directory.to_owned(), edits);
                }
                Outcome::Operation(Ok(Achieved::Done))
            }
            Task::TrashLocal { path, .. } if self.disk_failures.contains(what) => {
                let kind = DiskErrorKind::Other(std::io::Error::other("it is on another file system"));
                let error = DiskError { action: "trashing", path: path.clone(), kind };
                Outcome::Operation(Err(OperationError::Disk(error)))
            }
            Task::TrashLocal { path, .. } => {
                self.gone_files.extend(path.parent().map(|directory| directory.to_string()));
                Outcome::Operation(Ok(Achieved::Done))
            }
            Task::MoveRemote { .. } | Task::TrashRemote { .. } => Outcome::Operation(Ok(Achieved::Done)),
            Task::MakeLocalDirectory { path } => {
                self.gone_locally.remove(&path.to_string());
                self.gone_files.insert(path.to_string());
                let number =
                    (10u64..).zip(&self.directories).find(|(_, directory)| **directory == path.to_string());
                let identity = Identity { inode: number.unwrap().0, born: 1 };
                Outcome::Operation(Ok(Achieved::LocalDirectory(identity)))
            }
            // Both names are among the directories.
            Task::MoveLocal { from, to, .. } => {
                self.replaced.remove(&from.to_string());
                self.gone_locally.insert(from.to_string());
                self.gone_locally.remove(&to.to_string());
                Outcome::Operation(Ok(Achieved::Done))
            }
            // It has its place, which could not be made durable.
            Task::Download { path, .. } => {
                let directory = path.parent().unwrap().to_string();
                let edits = Self::edits(&self.remote_edits, &directory);
                self.gone_files.remove(&directory);
                self.local_edits.insert(directory, edits);
                let kind = DiskErrorKind::Other(std::io::Error::other("the disk answered an error"));
                let error = DiskError { action: "placing", path: path.clone(), kind };
                Outcome::Operation(Err(OperationError::Disk(error)))
            }
            Task::Hash { files } => {
                Outcome::Hashed(Ok(files.iter().map(|(path, _)| self.hash(path)).collect()))
            }
            _ => Outcome::Root(Ok(RootIdentity {
                file_system: 1,
                identity: Identity { inode: 2, born: 1 },
                marker: self.marker.clone(),
            })),
        }
    }

    /// Lets a file change that never rests; tells whether it is one.
    pub(super) fn changes_now(&mut self, file: &RelativePath) -> bool {
        let directory = file.parent().map(|directory| directory.to_string()).unwrap_or_default();
        let is_restless = self.restless.contains(&directory);
        if is_restless {
            *self.local_edits.entry(directory).or_default() += 1;
        }
        is_restless
    }

    pub(super) fn row(&self, text: &str) -> NodeId {
        self.folder.index.locate(&path(text)).unwrap().unwrap().id
    }

    /// Lets a directory be looked at.
    pub(super) fn doubt(&mut self, directory: &str) {
        let row = self.row(directory);
        self.folder.rechecks.want(row);
        self.tell(Event::Timer);
    }
}
