use std::collections::{BTreeMap, VecDeque};

use jottad_core::{
    Content, DEEPEST, DeleteLimits, File, Md5, Mode, Name, RelativePath, StoredPath, Timestamp, encode_name,
};

use super::*;
use crate::builders::{self, file_stat, new_index, open_index, path};
use crate::disk::{DiskEntry, DiskListing, DiskNode, Identity, RootIdentity};
use crate::event::{Achieved, Command, CommandId, LocalHint, Outcome, ScannedDirectory, Task};
use crate::index::ROWS_READ;
use crate::remote::{ListedEntry, RemoteNode};
use crate::settings::FolderSettings;
use crate::status::Verdict;

/// Both sides, as simple as can be, and a folder between them whose steps are counted.
struct Stage {
    local: BTreeMap<RelativePath, DiskNode>,
    remote: BTreeMap<RelativePath, RemoteNode>,
    folder: Folder,
    events: VecDeque<Event>,
    seconds: u64,
    inode: u64,
    uploads: u32,
    marker: Option<String>,
    /// Most rows that one step read.
    longest: u64,
    /// The longest step.
    slowest: Duration,
    /// The place of the index.
    _place: tempfile::TempDir,
}

fn settings(mode: Mode) -> FolderSettings {
    let delete_limits = DeleteLimits { max_deletes: u64::MAX, max_delete_percent: 100 };
    FolderSettings { mode, delete_limits, ..builders::settings() }
}

fn stored(path: &RelativePath) -> StoredPath {
    let names = path.components().map(|name| encode_name(&Name::new(name).unwrap()));
    StoredPath::new(names.collect())
}

fn local(path: &StoredPath) -> RelativePath {
    RelativePath::parse(path.to_string().as_bytes()).unwrap()
}

const HASH: [u8; 16] = [7; 16];
/// About as fast as files of a few KiB go.
const UPLOADS_IN_A_SECOND: u32 = 300;

impl Stage {
    fn new(mode: Mode) -> Self {
        let (place, index) = new_index();
        Self {
            local: BTreeMap::new(),
            remote: BTreeMap::new(),
            folder: Folder::new(settings(mode), index).unwrap(),
            events: VecDeque::from([Event::Started]),
            seconds: 1000,
            inode: 1,
            uploads: 0,
            marker: None,
            longest: 0,
            slowest: Duration::ZERO,
            _place: place,
        }
    }

    /// A directory that both sides have.
    fn directory(&mut self, path: &RelativePath) {
        self.inode += 1;
        self.local.insert(path.clone(), DiskNode::Directory(Identity { inode: self.inode, born: 1 }));
        self.remote.insert(path.clone(), RemoteNode::Directory);
    }

    /// A file that both sides have.
    fn file(&mut self, path: &RelativePath) {
        self.inode += 1;
        let stat = file_stat(self.inode, 3);
        self.local.insert(path.clone(), DiskNode::File(stat));
        let content = Content { size: 3, md5: Md5::from_bytes(HASH) };
        self.remote.insert(path.clone(), RemoteNode::File(File { content, modified: stat.modified }));
    }

    fn step(&mut self) {
        let events: Vec<Event> = self.events.drain(..).collect();
        let (before, began) = (ROWS_READ.with(std::cell::Cell::get), std::time::Instant::now());
        let now = Now {
            monotonic: Duration::from_secs(self.seconds),
            wall: Timestamp::from_seconds(self.seconds.cast_signed()),
        };
        let commands = self.folder.handle(events, now).unwrap();
        self.slowest = self.slowest.max(began.elapsed());
        self.longest = self.longest.max(ROWS_READ.with(std::cell::Cell::get) - before);
        if self.folder.is_working_off() {
            assert!(!self.folder.status().unwrap().settled, "a part of what was seen is nothing to rely on");
        }
        for command in commands {
            self.answer(command);
        }
    }

    /// Until nothing is left to be done, at most so many seconds later.
    fn rest(&mut self, seconds: u64) {
        let end = self.seconds + seconds;
        for _ in 0..1_000_000 {
            self.step();
            if !self.events.is_empty() || self.folder.is_working_off() {
                continue;
            }
            let now = Now {
                monotonic: Duration::from_secs(self.seconds),
                wall: Timestamp::from_seconds(self.seconds.cast_signed()),
            };
            match self.folder.deadline(now).unwrap() {
                Some(due) if due.as_secs() < end => self.seconds = self.seconds.max(due.as_secs() + 1),
                _ => return,
            }
            self.events.push_back(Event::Timer);
        }
        panic!("it does not come to rest");
    }

    fn children<T: Copy>(entries: &BTreeMap<RelativePath, T>, top: &RelativePath) -> Vec<(Name, T)> {
        let below = entries.range(top.clone()..).take_while(|(path, _)| path.starts_with(top));
        let depth = top.depth() + 1;
        let inside = below.filter(|(path, _)| path.depth() == depth);
        inside.map(|(path, node)| (path.name().unwrap(), *node)).collect()
    }

    fn answer(&mut self, Command { id, task, .. }: Command) {
        let outcome = match task {
            Task::CheckRoot => {
                let identity = Identity { inode: 1, born: 1 };
                Outcome::Root(Ok(RootIdentity { file_system: 1, identity, marker: self.marker.clone() }))
            }
            Task::ClaimRoot { marker, .. } => {
                self.marker = Some(marker);
                Outcome::Claimed(Ok(()))
            }
            Task::Scan { directory } => {
                let entries = Self::children(&self.local, &directory).into_iter();
                let entries = entries.map(|(name, node)| DiskEntry { name, node }).collect();
                let listing = DiskListing { mount: None, entries };
                Outcome::Scanned(Ok(ScannedDirectory { listing, rules: Ok(None) }))
            }
            Task::Hash { files } => {
                Outcome::Hashed(Ok(files.iter().map(|_| Ok(Md5::from_bytes(HASH))).collect()))
            }
            Task::Poll => Outcome::Polled(Ok("1".to_owned())),
            Task::ListTree => {
                self.list(id);
                Outcome::ListingEnded(Ok(Vec::new()))
            }
            Task::ListDirectory { directory } => {
                let entries = Self::children(&self.remote, &local(&directory)).into_iter();
                Outcome::ListedDirectory(Ok(entries.map(|(name, node)| (encode_name(&name), node)).collect()))
            }
            Task::Look { path } => {
                Outcome::Looked(Ok(self.remote.get(&local(&path)).copied().map(Into::into)))
            }
            Task::MakeRemoteDirectory { path, .. } => {
                self.remote.extend((!path.is_root()).then_some((path, RemoteNode::Directory)));
                Outcome::Operation(Ok(Achieved::Done))
            }
            Task::Upload { path, file, .. } => {
                self.remote.insert(path, RemoteNode::File(file));
                self.uploads += 1;
                self.seconds += u64::from(self.uploads.is_multiple_of(UPLOADS_IN_A_SECOND));
                Outcome::Operation(Ok(Achieved::Done))
            }
            Task::TrashRemote { path, .. } => {
                self.remote.retain(|there, _| !there.starts_with(&path));
                Outcome::Operation(Ok(Achieved::Done))
            }
            Task::TrashLocal { path, .. } => {
                self.local.retain(|here, _| !here.starts_with(&path));
                Outcome::Operation(Ok(Achieved::Done))
            }
            other => panic!("nobody expected {other:?}"),
        };
        self.events.push_back(Event::Completed(id, outcome));
    }

    fn list(&mut self, id: CommandId) {
        let entries: Vec<ListedEntry> =
            self.remote.iter().map(|(path, node)| ListedEntry { path: stored(path), node: *node }).collect();
        for batch in entries.chunks(1000) {
            self.events.push_back(Event::Listed(id, batch.to_vec()));
        }
    }

    fn everything_is_settled(&mut self) {
        self.rest(30);
        let status = self.folder.status().unwrap();
        assert_eq!((status.verdict, status.problems), (Verdict::InSync, 0));
    }

    fn longest_step(&mut self) -> (u64, Duration) {
        (std::mem::take(&mut self.longest), std::mem::take(&mut self.slowest))
    }
}

/// A directory with so many files in it, all in one or a hundred in each of the directories in it.
fn filled(mode: Mode, files: usize, is_flat: bool) -> Stage {
    let mut stage = Stage::new(mode);
    stage.directory(&path("top"));
    stage.file(&path("other"));
    let mut inner = path("top");
    for number in 0..files {
        if !is_flat && number % 100 == 0 {
            inner = path(&format!("top/d{number}"));
            stage.directory(&inner);
        }
        let name = Name::new(format!("f{number}").into_bytes()).unwrap();
        stage.file(&inner.join(&name));
    }
    stage.everything_is_settled();
    stage
}

/// The longest step while a directory with so many files goes from one side and then from the other, in rows.
fn removed(mode: Mode, files: usize, is_flat: bool, here: bool, most_rows: Option<usize>) -> (u64, Duration) {
    let mut stage = filled(mode, files, is_flat);
    if let Some(rows) = most_rows {
        stage.folder.backlog.set_most_rows(rows);
        stage.folder.round.set_most_rows(rows);
    }
    stage.longest_step();
    let top = path("top");
    if here {
        stage.local.retain(|there, _| !there.starts_with(&top));
        stage.events.push_back(Event::LocalHints(vec![LocalHint::Directory(RelativePath::root())]));
    } else {
        stage.remote.retain(|there, _| !there.starts_with(&top));
        stage.events.push_back(Event::Request(crate::event::Request::SyncNow));
    }
    stage.everything_is_settled();
    assert_eq!((stage.local.len(), stage.remote.len()), (1, 1), "both sides have the other file alone");
    stage.longest_step()
}

#[test]
fn no_step_grows_with_the_directory_that_goes() {
    for (mode, is_flat, here) in
        [(Mode::Backup, true, true), (Mode::Sync, false, true), (Mode::Sync, true, false)]
    {
        // Each walk of a step reads a page more than it may, and each row that is written is read once more.
        let (rows, _) = removed(mode, 4000, is_flat, here, Some(50));
        assert!(rows < 1500, "{mode}, flat {is_flat}, here {here}: {rows} rows in one step");
    }
}

#[test]
#[ignore = "a measurement"]
fn how_long_the_longest_step_takes() {
    for files in [20_000, 100_000] {
        let mut stage = filled(Mode::Sync, files, true);
        println!("{files} files taken up: {:?}", stage.longest_step());
        for (what, is_flat, here) in
            [("flat, here", true, true), ("flat, there", true, false), ("spread, here", false, true)]
        {
            println!("{files} files removed, {what}: {:?}", removed(Mode::Sync, files, is_flat, here, None));
        }
    }
}

#[test]
fn events_wait_in_their_order_until_all_of_the_earlier_ones_is_done() {
    let mut stage = filled(Mode::Backup, 300, true);
    stage.folder.backlog.set_most_rows(10);
    let top = path("top");
    let again: Vec<(RelativePath, DiskNode)> = stage
        .local
        .iter()
        .filter(|(there, _)| there.starts_with(&top))
        .map(|(path, node)| (path.clone(), *node))
        .collect();
    stage.local.retain(|there, _| !there.starts_with(&top));
    stage.events.push_back(Event::LocalHints(vec![LocalHint::Directory(RelativePath::root())]));
    while !stage.folder.is_working_off() {
        stage.step();
    }
    // It comes back before all of its rows are known to be gone.
    stage.local.extend(again);
    stage.events.push_back(Event::LocalHints(vec![LocalHint::Directory(RelativePath::root())]));
    stage.everything_is_settled();
    assert_eq!(stage.remote.len(), 302, "nothing was removed");
    assert_eq!(stage.folder.status().unwrap().files, Some(301));
}

#[test]
fn a_stop_between_two_steps_leaves_the_index_as_it_was() {
    let mut stage = filled(Mode::Backup, 300, true);
    stage.folder.backlog.set_most_rows(10);
    stage.local.retain(|there, _| !there.starts_with(&path("top")));
    stage.events.push_back(Event::LocalHints(vec![LocalHint::Directory(RelativePath::root())]));
    while !stage.folder.is_working_off() {
        stage.step();
    }
    stage.step();
    let Stage { folder, _place: place, .. } = stage;
    folder.close().unwrap();
    let index = open_index(&place);
    assert_eq!(index.totals().files, 301);
}

#[test]
fn what_is_ordered_while_nothing_runs_is_done_to_its_end_at_once() {
    let mut stage = filled(Mode::Backup, 300, true);
    stage.folder.settings.delete_limits.max_deletes = 1;
    stage.local.retain(|there, _| !there.starts_with(&path("top")));
    stage.events.push_back(Event::LocalHints(vec![LocalHint::Directory(RelativePath::root())]));
    stage.rest(60);
    assert_eq!(stage.folder.status().unwrap().verdict, Verdict::Held);
    stage.folder = stage.folder.at_rest(Timestamp::default()).unwrap().in_steps_of(10);
    stage.folder.backlog.left = 10;
    stage.events = VecDeque::from([Event::Request(crate::event::Request::Reject)]);
    stage.step();
    assert!(!stage.folder.is_working_off());
    assert_eq!(stage.folder.hold().unwrap(), None, "all of it is wanted back");
}

/// A chain of directories as deep as a number says, with a file in each.
fn chain(depth: usize) -> (Stage, RelativePath) {
    let mut stage = Stage::new(Mode::Backup);
    let mut directory = RelativePath::root();
    for level in 0..depth {
        directory = directory.join(&Name::new(format!("d{level}").into_bytes()).unwrap());
        stage.directory(&directory);
        stage.file(&directory.join(&Name::try_from("f").unwrap()));
    }
    (stage, directory)
}

#[test]
fn what_a_deep_tree_costs_grows_with_its_levels_and_no_faster() {
    let cost = |depth| {
        let (mut stage, _) = chain(depth);
        let before = ROWS_READ.with(std::cell::Cell::get);
        stage.everything_is_settled();
        ROWS_READ.with(std::cell::Cell::get) - before
    };
    let (small, large) = (cost(100), cost(200));
    assert!(large * 2 < small * 5, "{small} rows, then {large}");
}

#[test]
fn what_is_deeper_than_anything_that_is_synced_is_a_problem_and_the_rest_goes_on() {
    let (mut stage, deepest) = chain(DEEPEST);
    stage.rest(30);
    let problems = stage.folder.problems().unwrap();
    let kinds: Vec<(String, &str)> =
        problems.iter().map(|problem| (problem.path.to_string(), problem.kind.as_str())).collect();
    let below = deepest.join(&Name::try_from("f").unwrap());
    assert_eq!(kinds, [(below.to_string(), "name_too_long"), (".".to_owned(), "impossible_name")]);
    assert_eq!(stage.folder.status().unwrap().verdict, Verdict::Problems);
    // Neither side has lost it, and nothing else is wrong.
    let pending = stage.folder.status().unwrap().pending.unwrap();
    assert_eq!(pending, crate::status::Pending::default());
}

/// A folder in directories of a hundred files each, which both sides have and no index knows.
fn unknown_to_the_index(mode: Mode, files: usize) -> Stage {
    let mut stage = Stage::new(mode);
    let mut directory = RelativePath::root();
    for number in 0..files {
        if number % 100 == 0 {
            directory = path(&format!("d{number}"));
            stage.directory(&directory);
        }
        stage.file(&directory.join(&Name::new(format!("f{number}").into_bytes()).unwrap()));
    }
    stage
}

/// How many statements the index runs for so many files until both sides are in step, for each hundred files.
fn statements_of(files: usize, stage: &mut Stage) -> u64 {
    let counts = stage.folder.index.count_statements();
    stage.everything_is_settled();
    let counts = std::mem::take(&mut *counts.lock().unwrap());
    let all: u64 = counts.values().sum();
    if std::env::var_os("STATEMENTS").is_some() {
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        for (text, count) in counts {
            let words: Vec<&str> = text.split_whitespace().collect();
            let text = words.join(" ");
            let text: String = text.split("FROM node").last().unwrap_or(&text).chars().take(100).collect();
            println!("{count:10} {text}");
        }
    }
    all * 100 / files as u64
}

/// A file is read and written when it is seen, hashed and agreed on, and asked for no more often than that.
/// `STATEMENTS=all` in the environment lists the statements, with `--nocapture`.
#[test]
fn a_file_takes_few_statements() {
    for files in [1000, 3000] {
        let mut stage = unknown_to_the_index(Mode::Backup, files);
        stage.remote.clear();
        let sent = statements_of(files, &mut stage);
        assert_eq!(stage.remote.len(), files + files / 100);

        let mut stage = unknown_to_the_index(Mode::Sync, files);
        let taken_up = statements_of(files, &mut stage);
        stage.folder.scanning.want_everything();
        stage.folder.listing.want_everything();
        let looked_at_again = statements_of(files, &mut stage);
        println!(
            "{files} files, for a hundred of them: sent {sent}, taken up {taken_up}, again {looked_at_again}"
        );
        assert!(sent <= 800 && taken_up <= 600 && looked_at_again <= 10);
    }
}

/// What happens to a directory on the service happens to all in it, but for what is being worked on: how that
/// ends tells what is there.
#[test]
fn what_goes_with_its_directory_goes_unless_something_is_at_work_there() {
    use crate::folder::plan::deleting::tests::{directory, file};
    let (_place, mut index) = new_index();
    let top = directory(&mut index, NodeId::ROOT, "d");
    let [busy, idle, gone] = ["busy", "idle", "gone"].map(|name| file(&mut index, top, name, 3));
    let mut row = index.node(gone).unwrap().unwrap();
    row.remote = None;
    index.save(&mut row).unwrap();
    let mut folder = Folder::new(settings(Mode::Sync), index).unwrap();
    folder.in_flight.set_at(busy, true);
    folder.change_below(top, Change::RemoteGone).unwrap();
    let is_there = |row| folder.index.node(row).unwrap().unwrap().remote.is_some();
    assert_eq!([busy, idle, gone].map(is_there), [true, false, false]);
    assert!(is_there(top), "it is about what is below");
}

/// What is wanted back of a root is what is missing on that side, and was agreed on.
#[test]
fn what_is_missing_and_was_agreed_on_is_wanted_back_and_nothing_else() {
    use crate::folder::plan::deleting::tests::file;
    for side in [Side::Local, Side::Remote] {
        let (_place, mut index) = new_index();
        let mut rows = Vec::new();
        // Whether it was agreed on, and is there on each side.
        for has in (1..8).map(|bits: u8| [bits & 1 > 0, bits & 2 > 0, bits & 4 > 0]) {
            let id = file(&mut index, NodeId::ROOT, &format!("{has:?}"), 3);
            let mut row = index.node(id).unwrap().unwrap();
            row.base = row.base.filter(|_| has[0]);
            if !has[1] {
                row.local = Local::Absent;
            }
            row.remote = row.remote.filter(|_| has[2]);
            index.save(&mut row).unwrap();
            rows.push((id, has));
        }
        let mut folder = Folder::new(settings(Mode::Sync), index).unwrap();
        folder.change_below(NodeId::ROOT, Change::MissingWantedBack(side)).unwrap();
        for (id, has) in rows {
            let [was_agreed, local, remote] = has;
            let is_wanted = was_agreed
                && match side {
                    Side::Local => !local && remote,
                    Side::Remote => local && !remote,
                };
            let is_agreed = folder.index.node(id).unwrap().is_some_and(|row| row.base.is_some());
            assert_eq!(is_agreed, was_agreed && !is_wanted, "{side:?} {has:?}");
            let is_fetched = folder.index.is_restored(id).unwrap();
            assert_eq!(is_fetched, is_wanted && side == Side::Local, "{side:?} {has:?}");
        }
    }
}
