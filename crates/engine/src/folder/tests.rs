//! A folder on a disk and a service of a few lines each, driven by its own deadlines: what it does about
//! trouble.

mod late;
mod moves;
mod names;
mod pauses;
mod proofs;
mod wanted_back;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jottad_core::{Content, File, Md5, Mode, Name, StoredName, StoredPath, encode_name};

use super::*;
use crate::builders::{new_index, path};
use crate::disk::{
    DiskEntry, DiskError, DiskErrorKind, DiskListing, DiskNode, FileStat, Identity, OtherKind, RootIdentity,
};
use crate::event::{Achieved, OperationError, RemoteHint, RulesFile, ScannedDirectory, Told};
use crate::remote::{ListedEntry, RemoteError, RemoteErrorKind, RemoteNode};
use crate::settings::ProofInterval;
use crate::status::{DeletesHeldFor, FolderStatus, Hold, ProblemKind, Verdict};

const HOUR: u64 = 3600;

fn settings() -> FolderSettings {
    FolderSettings {
        mode: Mode::Backup,
        proof: ProofInterval::Every(Duration::from_hours(6)),
        ..crate::builders::settings()
    }
}

fn refusal(kind: RemoteErrorKind, pause: Option<Duration>) -> RemoteError {
    RemoteError { retry_after: pause, ..RemoteError::new(kind, "the service answered an error".to_owned()) }
}

/// What both sides have: directories with one file each.
struct Driver {
    _place: tempfile::TempDir,
    folder: Folder,
    seconds: u64,
    directories: Vec<String>,
    commands: VecDeque<Command>,
    /// What was asked for, by what it is, and when.
    asked: Vec<(u64, &'static str, String)>,
    /// How the service refuses what is called so.
    refusals: BTreeMap<&'static str, RemoteError>,
    /// What the service does not have.
    missing: BTreeSet<String>,
    /// Directories that the local disk does not have.
    gone: BTreeSet<String>,
    /// A listing of everything shows directories and nothing else.
    hides_files: bool,
    /// Directories that are not found when they are read the next time.
    away: Vec<String>,
    /// Directories that have a link locally in the place of their file.
    linked: BTreeSet<String>,
    /// Directories that are not there locally.
    gone_locally: BTreeSet<String>,
    /// Directories that cannot be read.
    unreadable: BTreeSet<String>,
    /// What the `.jottaignore` of a directory holds.
    rules: BTreeMap<String, &'static str>,
    /// How often the file of a directory was edited: the local one, and the one that the service has.
    local_edits: BTreeMap<String, u16>,
    remote_edits: BTreeMap<String, u16>,
    /// The files of these directories change whenever they are read.
    restless: BTreeSet<String>,
    /// What the root is marked with.
    marker: Option<String>,
    /// What is called so does not end by itself.
    lasting: Option<&'static str>,
    /// Those that have begun.
    under_way: Vec<CommandId>,
}

impl Driver {
    /// A folder whose sides agree, and that has proven it.
    fn new(directories: &[&str]) -> Self {
        Self::with(settings(), directories)
    }

    fn with(settings: FolderSettings, directories: &[&str]) -> Self {
        let (place, index) = new_index();
        let folder = Folder::new(settings, index).unwrap();
        let mut driver = Self {
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
            gone_locally: BTreeSet::new(),
            unreadable: BTreeSet::new(),
            rules: BTreeMap::new(),
            local_edits: BTreeMap::new(),
            remote_edits: BTreeMap::new(),
            restless: BTreeSet::new(),
            marker: None,
            lasting: None,
            under_way: Vec::new(),
        };
        driver.tell(Event::Started);
        driver.run_for(60);
        assert_eq!(driver.status().verdict, Verdict::InSync, "{:?}", driver.asked);
        driver
    }

    fn now(&self) -> Now {
        let wall = Timestamp::from_seconds(1_700_000_000 + i64::try_from(self.seconds).unwrap());
        Now { monotonic: Duration::from_secs(self.seconds), wall }
    }

    fn status(&self) -> FolderStatus {
        self.folder.status().unwrap()
    }

    /// Takes an event in and everything that follows from it at once.
    fn tell(&mut self, event: Event) {
        self.tell_all(vec![event]);
    }

    fn tell_all(&mut self, events: Vec<Event>) {
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
    fn run_for(&mut self, seconds: u64) {
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

    fn asked_for(&self, what: &str, since: u64) -> usize {
        self.asked.iter().filter(|(at, asked, _)| *asked == what && *at >= since).count()
    }

    fn agreed() -> File {
        Self::edited(0)
    }

    /// A file that was edited so often.
    fn edited(edits: u16) -> File {
        File {
            content: Content { size: 3, md5: Md5::from_bytes(u128::from(edits).to_be_bytes()) },
            modified: Timestamp::from_seconds(1 + i64::from(edits)),
        }
    }

    /// How often the file of a directory, or at a path, was edited.
    fn edits(edits: &BTreeMap<String, u16>, directory: &str) -> u16 {
        edits.get(directory.strip_suffix("/f").unwrap_or(directory)).copied().unwrap_or(0)
    }

    fn stored(text: &str) -> StoredPath {
        let names = path(text);
        StoredPath::new(names.components().map(|name| encode_name(&Name::new(name).unwrap())).collect())
    }

    fn listed(&self) -> Vec<ListedEntry> {
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

    fn listed_in(&self, above: &StoredPath) -> Vec<(StoredName, RemoteNode)> {
        let all = self.listed().into_iter();
        let inside = all.filter(|entry| entry.path.parent().as_ref() == Some(above));
        inside.filter_map(|entry| Some((entry.path.name()?.clone(), entry.node))).collect()
    }

    fn read(&mut self, directory: &RelativePath) -> Result<ScannedDirectory, DiskError> {
        let text = directory.to_string();
        if let Some(place) = self.away.iter().position(|away| *away == text) {
            self.away.remove(place);
            return Err(DiskError {
                action: "listing",
                path: directory.clone(),
                kind: DiskErrorKind::NotFound,
            });
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
                let node = DiskNode::Directory(Identity { inode: number, born: 1 });
                entries.push(DiskEntry { name: other.name().unwrap(), node });
            }
            if other == *directory {
                let edits = Self::edits(&self.local_edits, &text);
                let stat = FileStat {
                    identity: Identity { inode: 1000 + number, born: 1 },
                    size: 3,
                    modified: Self::edited(edits).modified,
                    modified_nanoseconds: 0,
                    changed: 1 + i64::from(edits),
                    links: 1,
                };
                let is_link = self.linked.contains(&text);
                let node = if is_link { DiskNode::Other(OtherKind::Symlink) } else { DiskNode::File(stat) };
                entries.push(DiskEntry { name: Name::try_from("f").unwrap(), node });
            }
        }
        let rules =
            self.rules.get(&text).map(|rules| RulesFile { content: rules.as_bytes().to_vec(), linked: None });
        Ok(ScannedDirectory { listing: DiskListing { mount: None, entries }, rules: Ok(rules) })
    }

    fn outcome(&mut self, task: &Task) -> Outcome {
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
            Task::Download { path, .. } => ("download", path.to_string()),
            Task::MakeLocalDirectory { path } => ("make_local_directory", path.to_string()),
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
            Task::ClaimRoot { marker, .. } => {
                self.marker = Some(marker.clone());
                Outcome::Claimed(Ok(()))
            }
            Task::Poll => Outcome::Polled(refused.map_or(Ok("1".to_owned()), Err)),
            Task::Look { path } => {
                let seen = self.listed().into_iter().find(|entry| entry.path == *path);
                Outcome::Looked(refused.map_or(Ok(seen.map(|entry| entry.node)), Err))
            }
            Task::Upload { .. } | Task::MakeRemoteDirectory { .. } if self.lasting == Some(what) => {
                Outcome::Operation(Ok(Achieved::Done))
            }
            Task::Upload { path, .. } | Task::MakeRemoteDirectory { path, .. } => {
                let path = path.to_string();
                self.missing.remove(&path);
                if let Some(directory) = path.strip_suffix("/f") {
                    let edits = Self::edits(&self.local_edits, directory);
                    self.remote_edits.insert(directory.to_owned(), edits);
                }
                Outcome::Operation(Ok(Achieved::Done))
            }
            Task::MoveRemote { .. } | Task::TrashRemote { .. } => Outcome::Operation(Ok(Achieved::Done)),
            Task::MakeLocalDirectory { path } => {
                self.gone_locally.remove(&path.to_string());
                let number =
                    (10u64..).zip(&self.directories).find(|(_, directory)| **directory == path.to_string());
                let identity = Identity { inode: number.unwrap().0, born: 1 };
                Outcome::Operation(Ok(Achieved::LocalDirectory(identity)))
            }
            // It has its place, which could not be made durable.
            Task::Download { path, .. } => {
                let directory = path.parent().unwrap().to_string();
                let edits = Self::edits(&self.remote_edits, &directory);
                self.local_edits.insert(directory, edits);
                let kind = DiskErrorKind::Other(std::io::Error::other("the disk answered an error"));
                let error = DiskError { action: "placing", path: path.clone(), kind };
                Outcome::Operation(Err(OperationError::Disk(error)))
            }
            Task::Hash { path, .. } if self.changes_now(path) => {
                let kind = DiskErrorKind::Changed;
                Outcome::Hashed(Err(DiskError { action: "reading", path: path.clone(), kind }))
            }
            Task::Hash { path, .. } => {
                let edits = Self::edits(&self.local_edits, &path.to_string());
                Outcome::Hashed(Ok(Self::edited(edits).content.md5))
            }
            _ => Outcome::Root(Ok(RootIdentity {
                file_system: 1,
                identity: Identity { inode: 2, born: 1 },
                marker: self.marker.clone(),
            })),
        }
    }

    /// Lets a file change that never rests; tells whether it is one.
    fn changes_now(&mut self, file: &RelativePath) -> bool {
        let directory = file.parent().map(|directory| directory.to_string()).unwrap_or_default();
        let is_restless = self.restless.contains(&directory);
        if is_restless {
            *self.local_edits.entry(directory).or_default() += 1;
        }
        is_restless
    }

    fn row(&self, text: &str) -> NodeId {
        self.folder.index.locate(&path(text)).unwrap().unwrap().id
    }

    /// Lets a directory be looked at.
    fn doubt(&mut self, directory: &str) {
        let row = self.row(directory);
        self.folder.rechecks.want(row);
        self.tell(Event::Timer);
    }
}

#[test]
fn a_directory_that_was_away_for_a_moment_is_read_with_all_below_it() {
    let mut driver = Driver::new(&["a", "a/b", "a/b/c"]);
    let began = driver.seconds + 1;
    driver.run_for(1);
    driver.away.push("a".to_owned());
    driver.tell(Event::Request(Request::SyncNow));
    let read: Vec<&str> = driver
        .asked
        .iter()
        .filter(|(at, what, _)| *what == "scan" && *at >= began)
        .map(|(_, _, directory)| directory.as_str())
        .collect();
    for directory in ["a", "a/b", "a/b/c"] {
        assert!(read.contains(&directory), "{directory} is not among {read:?}");
    }
}

/// Once, a directory that could not be read at a start, and could a moment later, was read alone: what had
/// changed deeper in it while nothing ran stayed unseen (`backup` 17002142).
#[test]
fn what_is_below_a_directory_that_could_not_be_read_is_looked_at_once_it_can_be() {
    let mut driver = Driver::new(&["a", "a/b"]);
    driver.unreadable.insert("a".to_owned());
    driver.local_edits.insert("a/b".to_owned(), 1);
    driver.tell(Event::Request(Request::SyncNow));
    assert_eq!(driver.asked_for("upload", 0), 0, "{:?}", driver.asked);
    driver.unreadable.clear();
    driver.tell(Event::LocalHints(vec![LocalHint::Directory(path("a"))]));
    assert_eq!(driver.asked_for("upload", 0), 1, "{:?}", driver.asked);
}

#[test]
fn a_file_that_changes_faster_than_it_is_read_is_read_more_and_more_seldom() {
    let mut driver = Driver::new(&["a", "b"]);
    driver.restless.insert("a".to_owned());
    let began = driver.seconds;
    for _ in 0..HOUR / 2 {
        driver.run_for(2);
        driver.edit("a");
        driver.edit("b");
    }
    let problems = driver.folder.problems().unwrap();
    assert_eq!(problems.iter().map(|problem| problem.kind).collect::<Vec<_>>(), [ProblemKind::KeepsChanging]);
    let others = driver.asked_for("upload", began);
    let read = driver.asked_for("hash", began) - others;
    assert!((8..30).contains(&read), "it was read {read} times");
    assert_eq!(others, usize::try_from(HOUR / 2).unwrap(), "others do not wait for it");
    // Who waits is told of it as soon as all else is done.
    driver.tell(Event::Request(Request::SyncNow));
    let status = driver.status();
    assert_eq!((status.verdict, status.settled, status.problems), (Verdict::Problems, true, 1));
    assert_eq!(status.proven_at, Some(driver.now().wall));
    driver.restless.clear();
    driver.run_for(11 * 60);
    assert_eq!(driver.status().problems, 0);
    assert_eq!(driver.remote_edits, driver.local_edits);
}

/// One end of a rename may be read before it and the other one after it, and a watcher tells of both only a
/// moment later.
#[test]
fn a_renamed_directory_is_moved_whichever_end_is_seen_first() {
    for hinted in [["to", "from"], ["from", "to"]] {
        let mut driver = Driver::new(&["from", "from/x", "to"]);
        let began = driver.seconds + 1;
        driver.run_for(1);
        driver.directories[1] = "to/x".to_owned();
        for directory in hinted {
            driver.tell(Event::LocalHints(vec![LocalHint::Directory(path(directory))]));
        }
        driver.run_for(1);
        for (what, times) in [("move", 1), ("make_directory", 0), ("upload", 0), ("trash", 0)] {
            assert_eq!(driver.asked_for(what, began), times, "{what}, {hinted:?}: {:?}", driver.asked);
        }
    }
}

/// A root that was emptied, or whose disk is gone, and in which something was saved before anybody looked.
#[test]
fn where_nothing_is_left_of_a_root_what_is_missing_is_shown_before_it_goes() {
    for (names, left, held) in [
        (&["a", "b", "c", "d", "e"][..], None, true),
        (&["a", "b", "c", "d", "e"], Some("e"), false),
        (&["a", "b", "c", "d"], None, false),
    ] {
        let mut driver = Driver::new(names);
        let began = driver.seconds + 1;
        driver.run_for(1);
        driver.gone =
            names.iter().filter(|name| Some(**name) != left).map(|name| (*name).to_owned()).collect();
        driver.directories.push("new".to_owned());
        driver.missing.extend(["new", "new/f"].map(str::to_owned));
        driver.tell(Event::LocalHints(vec![LocalHint::Directory(RelativePath::root())]));
        driver.run_for(60);
        assert_eq!(driver.asked_for("upload", began), 1, "{names:?}: {:?}", driver.asked);
        let hold = driver.status().held;
        if held {
            let held_for = DeletesHeldFor::Root;
            assert_eq!(hold, Some(Hold::Deletes { entries: 10, files: 5, lost_before: 0, held_for }));
            assert_eq!(driver.asked_for("trash", began), 0, "{:?}", driver.asked);
            driver.tell(Event::Request(Request::Approve));
            driver.run_for(60);
        } else {
            assert_eq!(hold, None, "{names:?}");
        }
        assert_eq!(driver.asked_for("trash", began), driver.gone.len(), "{names:?}: {:?}", driver.asked);
    }
}

#[test]
fn a_root_in_which_all_was_renamed_has_lost_nothing() {
    let mut driver = Driver::new(&["a", "a/b", "a/c", "a/d", "a/e"]);
    let began = driver.seconds + 1;
    driver.run_for(1);
    driver.directories = ["z", "z/b", "z/c", "z/d", "z/e"].map(str::to_owned).into();
    driver.gone.insert("z/e".to_owned());
    driver.tell(Event::LocalHints(vec![LocalHint::Directory(RelativePath::root())]));
    driver.run_for(60);
    assert!(driver.asked_for("move", began) > 0, "{:?}", driver.asked);
    assert_eq!((driver.asked_for("trash", began), driver.status().held), (1, None), "{:?}", driver.asked);
}

#[test]
fn what_was_moved_out_of_the_way_as_a_whole_asks_for_nothing() {
    let mut driver = Driver::new(&["a", "b", "c", "d", "e"]);
    let began = driver.seconds + 1;
    driver.run_for(1);
    driver.directories = ["new/a", "new/b", "new/c", "new/d", "new/e", "new"].map(str::to_owned).into();
    driver.missing.insert("new".to_owned());
    driver.tell(Event::LocalHints(vec![LocalHint::Directory(RelativePath::root())]));
    driver.run_for(60);
    assert!(driver.asked_for("move", began) > 0, "{:?}", driver.asked);
    assert_eq!((driver.asked_for("trash", began), driver.status().held), (0, None), "{:?}", driver.asked);
    // What goes later goes unasked.
    driver.gone.insert("new/a".to_owned());
    driver.tell(Event::LocalHints(vec![LocalHint::Directory(path("new"))]));
    driver.run_for(60);
    assert_eq!(driver.asked_for("trash", began), 1, "{:?}", driver.asked);
}

#[test]
fn what_does_not_turn_up_elsewhere_is_removed_a_moment_later() {
    let mut driver = Driver::new(&["from", "from/x", "to"]);
    let began = driver.seconds + 1;
    driver.run_for(1);
    driver.directories.remove(1);
    driver.tell(Event::LocalHints(vec![LocalHint::Directory(path("from"))]));
    assert_eq!(driver.asked_for("trash", began), 0);
    driver.run_for(1);
    assert_eq!(driver.asked_for("trash", began), 1, "{:?}", driver.asked);
}

/// Editors take a file away for a moment when they save it.
#[test]
fn rules_that_are_away_for_a_moment_let_nothing_through() {
    let mut driver = Driver::new(&["d", "d/a"]);
    let began = driver.seconds;
    let see = |driver: &mut Driver, rules: Option<&'static str>, seconds| {
        driver.rules = rules.map(|rules| ("d".to_owned(), rules)).into_iter().collect();
        driver.tell(Event::LocalHints(vec![LocalHint::Directory(path("d"))]));
        driver.run_for(seconds);
    };
    see(&mut driver, Some("secret/"), 5);
    driver.directories.push("d/secret".to_owned());
    driver.missing.extend(["d/secret".to_owned(), "d/secret/f".to_owned()]);
    see(&mut driver, Some("secret/"), 5);
    for rules in [None, Some("")] {
        see(&mut driver, rules, 1);
        see(&mut driver, Some("secret/"), 10);
        assert_eq!(driver.asked_for("make_directory", began), 0, "{rules:?}: {:?}", driver.asked);
    }
    assert_eq!(driver.status().verdict, Verdict::InSync);
    see(&mut driver, None, 10);
    assert_eq!(driver.asked_for("make_directory", began), 1, "{:?}", driver.asked);
}

/// A late listing may have left something out of more directories than are looked at one by one.
#[test]
fn nothing_is_proven_while_a_listing_is_known_to_be_incomplete() {
    let names: Vec<String> = (0..20).map(|number| format!("d{number:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut driver = Driver::new(&names);
    for (number, name) in names.iter().enumerate() {
        if number == 16 {
            driver.run_for(15);
        }
        let now = driver.now();
        driver.folder.recent_writes.sent(&Driver::stored(&format!("{name}/f")), None, now);
    }
    driver.hides_files = true;
    driver.tell(Event::Request(Request::SyncNow));
    driver.hides_files = false;
    let proofs = |driver: &Driver| driver.folder.last_proof().map_or(0, |proof| proof.number);
    let before = proofs(&driver);
    driver.run_for(21);
    assert_eq!(proofs(&driver), before, "four directories were not looked at");
    assert_eq!(driver.status().verdict, Verdict::Working);
    driver.run_for(10);
    assert_eq!(proofs(&driver), before + 1);
    assert_eq!(driver.status().verdict, Verdict::InSync);
}

#[test]
fn a_pause_that_the_service_asks_for_is_a_day_at_most() {
    let day = 24 * HOUR;
    for asked in [u64::MAX, 31_536_000, 2 * day] {
        for what in ["poll", "list_tree"] {
            let mut driver = Driver::new(&["a"]);
            let refusal = refusal(RemoteErrorKind::Unavailable, Some(Duration::from_secs(asked)));
            driver.refusals.insert(what, refusal);
            driver.tell(Event::Request(Request::SyncNow));
            assert_eq!(driver.status().verdict, Verdict::Offline, "{what} {asked}");
            driver.refusals.clear();
            driver.run_for(day + 60);
            assert_eq!(driver.status().verdict, Verdict::InSync, "{what} {asked}");
        }
        let mut driver = Driver::new(&["a", "b"]);
        let refusal = refusal(RemoteErrorKind::Unavailable, Some(Duration::from_secs(asked)));
        driver.refusals.insert("list_directory", refusal);
        driver.doubt("a");
        driver.refusals.clear();
        driver.run_for(day + 60);
        assert_eq!(driver.status().verdict, Verdict::InSync, "one directory {asked}");
    }
}

/// The service answers everything else, so that nothing but what was asked for can say how often it was
/// tried.
#[test]
fn what_asks_for_a_pause_is_asked_for_more_and_more_seldom() {
    for what in ["list_tree", "list_directory"] {
        let mut driver = Driver::new(&["a", "b"]);
        let began = driver.seconds;
        driver.refusals.insert(what, refusal(RemoteErrorKind::Unavailable, Some(Duration::from_secs(1))));
        if what == "list_tree" {
            driver.tell(Event::Request(Request::SyncNow));
        } else {
            driver.doubt("a");
        }
        driver.run_for(2 * HOUR);
        let tries = driver.asked_for(what, began);
        assert!((5..=32).contains(&tries), "{what}: {tries} tries in two hours");
        driver.refusals.clear();
        driver.run_for(HOUR);
        assert_eq!(driver.status().verdict, Verdict::InSync, "{what}");
    }
}

#[test]
fn a_directory_at_which_a_pause_is_asked_for_again_and_again_is_a_problem() {
    let mut driver = Driver::new(&["a", "b"]);
    driver
        .refusals
        .insert("list_directory", refusal(RemoteErrorKind::Unavailable, Some(Duration::from_secs(1))));
    driver.doubt("a");
    assert_eq!(driver.folder.problems().unwrap(), [], "once may be the service's trouble");
    driver.run_for(60);
    let problems = driver.folder.problems().unwrap();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0].path, path("a"));
}

/// What ends a problem.
type End = fn(&mut Driver);

#[test]
fn a_directory_that_is_shown_again_is_no_problem_any_more() {
    let ends: [(&str, End); 2] = [
        ("a person asks", |driver| driver.tell(Event::Request(Request::SyncNow))),
        ("everything is listed", |driver| {
            driver.folder.listing.want_everything();
            driver.tell(Event::Timer);
        }),
    ];
    for (name, end) in ends {
        let mut driver = Driver::new(&["a", "b"]);
        driver.refusals.insert("list_directory", refusal(RemoteErrorKind::NotAllowed, None));
        driver.doubt("a");
        // Until it is tried once an hour.
        driver.run_for(3 * HOUR);
        assert_eq!(driver.status().verdict, Verdict::Problems, "{name}");
        driver.refusals.clear();
        end(&mut driver);
        assert_eq!(driver.folder.problems().unwrap(), [], "{name}");
        driver.run_for(1);
        assert_eq!(driver.status().verdict, Verdict::InSync, "{name}");
    }
}

/// Otherwise a listing each minute would ask for a directory each minute that only a look does not show.
#[test]
fn a_listing_does_not_have_a_directory_asked_for_again() {
    let mut driver = Driver::new(&["a", "b"]);
    driver.refusals.insert("list_directory", refusal(RemoteErrorKind::NotAllowed, None));
    driver.doubt("a");
    let before = driver.asked_for("list_directory", 0);
    for _ in 0..10 {
        driver.folder.listing.want_everything();
        driver.tell(Event::Timer);
        driver.run_for(1);
    }
    assert_eq!(driver.asked_for("list_directory", 0), before);
}

#[test]
fn who_waits_is_told_when_nothing_but_failures_is_left() {
    let refusals = [
        ("list_tree", RemoteErrorKind::Refused),
        ("list_tree", RemoteErrorKind::NotAllowed),
        ("list_tree", RemoteErrorKind::Incomplete),
        ("poll", RemoteErrorKind::NotAllowed),
        ("list_directory", RemoteErrorKind::NotAllowed),
        ("list_directory", RemoteErrorKind::Refused),
    ];
    for (what, kind) in refusals {
        let name = format!("{what} {kind:?}");
        let mut driver = Driver::new(&["a", "b"]);
        driver.refusals.insert(what, refusal(kind, None));
        driver.tell(Event::Request(Request::SyncNow));
        driver.doubt("a");
        let mut seconds = 0;
        while !driver.status().only_failures_left {
            seconds += 1;
            assert!(seconds < 15, "{name}");
            driver.run_for(1);
        }
        assert_eq!(driver.status().verdict, Verdict::Problems, "{name}");
        driver.refusals.clear();
        driver.tell(Event::Request(Request::SyncNow));
        driver.run_for(1);
        let status = driver.status();
        assert_eq!((status.verdict, status.only_failures_left), (Verdict::InSync, false), "{name}");
    }
}

/// A rename is done before it is made durable. Once, what was fetched and could not be made durable was not
/// seen until the next scan, and an edit of it in between was taken for an older state (`sync` 17004596).
#[test]
fn what_failed_on_the_disk_may_be_done_and_is_looked_at() {
    let mut driver = Driver::with(FolderSettings { mode: Mode::Sync, ..settings() }, &["a"]);
    driver.remote_edits.insert("a".to_owned(), 1);
    let began = driver.seconds;
    driver.tell(Event::Request(Request::SyncNow));
    assert_eq!(driver.asked_for("download", began), 1, "{:?}", driver.asked);
    let (_, what, at) =
        driver.asked.iter().rfind(|(_, what, _)| ["download", "scan"].contains(what)).unwrap();
    assert_eq!((*what, at.as_str()), ("scan", "a"), "{:?}", driver.asked);
    driver.run_for(5);
    assert_eq!(driver.status().verdict, Verdict::InSync);
}

#[test]
fn a_verification_tells_what_it_found_from_what_was_done_meanwhile() {
    let mut driver = Driver::new(&["a", "b"]);
    driver.run_for(60);
    driver.missing.extend(["a/f", "b/f", "new", "new/f"].map(str::to_owned));
    driver.directories.push("new".to_owned());
    let told = RemoteHint::Entry { path: Driver::stored("b/f"), told: Told::Gone };
    driver.tell_all(vec![Event::Request(Request::Verify), Event::RemoteHint(told)]);
    driver.run_for(60);
    assert_eq!(driver.missing, BTreeSet::new());
    let found = |driver: &Driver| {
        let report = driver.folder.verification().unwrap();
        assert!(report.ended.is_some());
        (report.sent, report.mended, report.meanwhile)
    };
    assert_eq!(found(&driver), (1, 0, 3), "{:?}", driver.asked);
    // What is found later is not its finding.
    driver.missing.insert("a/f".to_owned());
    driver.tell(Event::Request(Request::SyncNow));
    driver.run_for(60);
    assert_eq!(driver.missing, BTreeSet::new());
    assert_eq!(found(&driver), (1, 0, 3));
}

/// Once, a folder was said to be in sync although a link kept what others had edited from coming (`pull`
/// 23000174 with `--meddling`).
#[test]
fn what_stands_in_the_way_of_an_entry_stays_a_problem_when_others_edit_that() {
    for mode in [Mode::Backup, Mode::Pull, Mode::Sync] {
        let mut driver = Driver::with(FolderSettings { mode, ..settings() }, &["d"]);
        driver.linked.insert("d".to_owned());
        driver.tell(Event::LocalHints(vec![LocalHint::Subtree(path("d"))]));
        driver.run_for(60);
        let kinds = |driver: &Driver| -> Vec<ProblemKind> {
            driver.folder.problems().unwrap().into_iter().map(|problem| problem.kind).collect()
        };
        assert_eq!(kinds(&driver), [ProblemKind::WrongKind], "{mode:?}");
        driver.remote_edits.insert("d".to_owned(), 1);
        driver.doubt("d");
        driver.run_for(60);
        assert_eq!(kinds(&driver), [ProblemKind::WrongKind], "{mode:?}");
    }
}
