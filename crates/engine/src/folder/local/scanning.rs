//! What the disk has: directories to read, and what reading them means for the index.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jottad_core::{Kind, Name, RelativePath, root_suddenly_empty};

use super::merging::Merge;
use super::root::{Look, why_root_is_unreadable};
use super::skipping::Reason;
use super::unheard::Unheard;
use crate::disk::{DiskError, DiskErrorKind, DiskListing};
use crate::event::{CommandId, RulesFile, ScannedDirectory, Task};
use crate::folder::backlog::Work;
use crate::folder::proving;
use crate::folder::{Folder, FolderError};
use crate::index::{ChildCursor, Fact, Local, NodeId};
use crate::planted::{self, Planted};
use crate::scope::{Finding, found};
use crate::status::{HeldRoot, Skipped};
use crate::time::Now;

/// Most directories that are read at one time.
const MOST_SCANS: usize = 4;
/// How long a directory that changes while it is read is left alone.
const BUSY_DELAY: Duration = Duration::from_secs(1);
/// So many rows are read in the time that one takes to be written.
pub(in crate::folder) const ROWS_READ_FOR_ONE_WRITTEN: usize = 4;

/// How far below a directory a scan goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Depth {
    /// Its own entries.
    Entries,
    /// Everything below.
    Subtree,
}

/// Directories that are to be read.
#[derive(Debug, Default)]
pub(in crate::folder) struct Scanning {
    queue: BTreeMap<RelativePath, Depth>,
    running: BTreeMap<CommandId, (RelativePath, Depth)>,
    /// Those of them whose directory was read anew meanwhile: what they will show is older.
    outdated: BTreeSet<CommandId>,
    /// Busy directories, by when they are read again.
    delayed: BTreeMap<(Duration, RelativePath), Depth>,
    /// How often directories that change while they are read did so in a row.
    changing: BTreeMap<RelativePath, u32>,
    /// A scan of everything is under way.
    everything: bool,
    /// A scan of everything ended since the start.
    complete: bool,
    /// When everything is scanned next, as the watcher's backstop.
    everything_at: Option<Duration>,
    /// Directories that were to be read with all below them, and were not found or not known: when they are
    /// there, they still are.
    pub(super) missed: BTreeSet<RelativePath>,
    /// The root's marker and lock are ours.
    claimed: bool,
    pub(super) unheard: Unheard,
}

impl Scanning {
    pub(in crate::folder) fn want_everything(&mut self) {
        self.queue.clear();
        self.delayed.clear();
        self.changing.clear();
        self.missed.clear();
        self.queue.insert(RelativePath::root(), Depth::Subtree);
        self.everything = true;
    }

    pub(in crate::folder) fn want_directory(&mut self, path: RelativePath) {
        self.want(path, Depth::Entries);
    }

    pub(in crate::folder) fn want_subtree(&mut self, path: RelativePath) {
        self.want(path, Depth::Subtree);
    }

    /// Of two wishes the deeper one stays.
    fn want(&mut self, path: RelativePath, depth: Depth) {
        let wanted = self.queue.entry(path).or_insert(depth);
        *wanted = depth.max(*wanted);
    }

    pub(in crate::folder) fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.running.is_empty()
    }

    /// A scan ended: which directory was read. If the answer to a later one was faster, the directory is read
    /// once more instead.
    fn ended(&mut self, scan: CommandId) -> Option<(RelativePath, Depth)> {
        let (directory, depth) = self.running.remove(&scan)?;
        if self.outdated.remove(&scan) {
            self.want(directory, depth);
            return None;
        }
        let older = self.running.range(..scan).filter(|(_, (other, _))| *other == directory);
        self.outdated.extend(older.map(|(id, _)| *id));
        Some((directory, depth))
    }

    /// How many directories are to be read.
    pub(in crate::folder) fn waiting(&self) -> u64 {
        self.queue.len() as u64
    }

    /// Whether everything was scanned since the start and nothing waits to be looked at again.
    pub(in crate::folder) fn was_complete(&self) -> bool {
        self.complete && self.delayed.is_empty()
    }

    #[cfg(test)]
    pub(in crate::folder) fn set_complete(&mut self) {
        self.queue.clear();
        self.complete = true;
    }

    pub(super) fn is_claimed(&self) -> bool {
        self.claimed
    }

    pub(super) fn set_claimed(&mut self) {
        self.claimed = true;
    }

    pub(in crate::folder) fn deadline(&self) -> Option<Duration> {
        let delayed = self.delayed.keys().next().map(|(time, _)| *time);
        [delayed, self.everything_at, self.unheard.deadline()].into_iter().flatten().min()
    }

    /// Everything is to be scanned again so soon, or before.
    pub(in crate::folder) fn scan_within(&mut self, interval: Duration, now: Now) {
        let due = now.monotonic + interval;
        self.everything_at = self.everything_at.map(|time| time.min(due));
    }

    /// Reads a directory's own entries later, if that is not to be done anyway.
    pub(super) fn delay(&mut self, path: RelativePath, until: Duration) {
        if !self.queue.contains_key(&path) && !self.delayed.keys().any(|(_, delayed)| *delayed == path) {
            self.delayed.insert((until, path), Depth::Entries);
        }
    }

    /// A directory could not be read because something was at work there: it is read again, once. Where that
    /// happens again and again something else may have taken its place, which reading the one above shows.
    fn read_again(&mut self, directory: RelativePath, depth: Depth, now: Now) {
        let times = self.changing.entry(directory.clone()).or_default();
        *times += 1;
        if *times > 1
            && times.is_power_of_two()
            && let Some(above) = directory.parent()
        {
            self.want_directory(above);
        }
        let mut deepest = depth;
        self.delayed.retain(|(_, delayed), depth| {
            let is_it = *delayed == directory;
            if is_it {
                deepest = deepest.max(*depth);
            }
            !is_it
        });
        self.delayed.insert((now.monotonic + BUSY_DELAY, directory), deepest);
    }

    /// Takes up what is due; tells whether everything is to be scanned again.
    pub(in crate::folder) fn timer(&mut self, now: Now) -> bool {
        while let Some(entry) = self.delayed.first_entry()
            && entry.key().0 <= now.monotonic
        {
            let ((_, path), depth) = entry.remove_entry();
            self.want(path, depth);
        }
        self.unheard.timer(now);
        let everything = self.everything_at.is_some_and(|time| time <= now.monotonic);
        if everything {
            self.everything_at = None;
            self.want_everything();
        }
        everything
    }
}

impl Folder {
    pub(in crate::folder) fn issue_scans(&mut self, now: Now) -> Result<(), FolderError> {
        self.poll_unheard(now)?;
        while self.scanning.running.len() < MOST_SCANS
            && let Some((directory, depth)) = self.scanning.queue.pop_first()
        {
            // Only what the index knows as a directory can be merged; a hint from below a new directory is
            // answered by the nearest directory above that is known, whose scan brings all the rest.
            let Some(known) = self.nearest_directory(&directory)? else { continue };
            if self.is_read_later(&known)? {
                continue;
            }
            let (directory, depth) = if known == directory {
                (directory, depth)
            } else {
                self.note_missed(directory.top(known.depth() + 1));
                (known, Depth::Entries)
            };
            let id = self.issue(Task::Scan { directory: directory.clone() });
            self.scanning.running.insert(id, (directory, depth));
        }
        Ok(())
    }

    /// Something was told of a directory that is not known yet. The scan of the one above shows nothing new of
    /// it if it is being made right now, so it is read when that is done (`sync` 40000703).
    fn note_missed(&mut self, directory: RelativePath) {
        if self.in_flight.is_along(&directory) {
            self.scanning.missed.insert(directory);
        }
    }

    /// A directory was made: it is read if something was told of it before.
    pub(in crate::folder) fn read_if_missed(&mut self, directory: &RelativePath) {
        if self.scanning.missed.remove(directory) {
            self.scanning.want_subtree(directory.clone());
        }
    }

    /// Whether a directory is read with all below it as soon as it is known whether it moves as a whole.
    fn is_read_later(&self, directory: &RelativePath) -> Result<bool, FolderError> {
        if self.arrivals.is_idle() {
            return Ok(false);
        }
        Ok(self.index.locate(directory)?.is_some_and(|node| self.arrivals.holds_back(node.id)))
    }

    /// The directory itself or the nearest one above it that can be scanned; `None` if a rule ignores it.
    fn nearest_directory(&self, directory: &RelativePath) -> Result<Option<RelativePath>, FolderError> {
        let (mut id, mut depth) = (NodeId::ROOT, 0);
        for component in directory.components() {
            let Ok(name) = Name::new(component) else { break };
            if !self.rules.is_empty() && self.rules.ignores(&directory.top(depth + 1), true) {
                return Ok(None);
            }
            match self.index.directory_in(id, &name)? {
                // What is below it now may be on another disk.
                Some(child) if matches!(child.local, Local::MountChanged(_)) => {
                    depth += 1;
                    break;
                }
                Some(child) if matches!(child.local, Local::Directory(_) | Local::UnreadableDirectory(_)) => {
                    id = child.id;
                    depth += 1;
                }
                _ => break,
            }
        }
        Ok(Some(directory.top(depth)))
    }

    pub(in crate::folder) fn end_full_scan(&mut self, now: Now) -> Result<(), FolderError> {
        if self.scanning.everything
            && self.scanning.is_idle()
            && self.scanning.delayed.is_empty()
            && self.arrivals.is_idle()
        {
            self.scanning.everything = false;
            self.scanning.missed.clear();
            self.scanning.complete = true;
            self.scanning.everything_at =
                Some(now.monotonic + proving::scan_interval(&self.index, &self.settings));
            self.proving.scanned(now);
            self.index.set_fact(Fact::LocalCheckedAt, Some(&now.wall.seconds().to_string()))?;
            self.index.keep_fetching_what_is_missing()?;
            self.forget_skipped_where_no_directory_is()?;
            self.count_unheard(now)?;
            self.hashing.restart();
            self.round.restart();
        }
        Ok(())
    }

    pub(in crate::folder) fn scanned(
        &mut self,
        command: CommandId,
        result: Result<ScannedDirectory, DiskError>,
        now: Now,
    ) -> Result<(), FolderError> {
        let Some((directory, depth)) = self.scanning.ended(command) else { return Ok(()) };
        if result.is_ok() {
            self.scanning.changing.remove(&directory);
        }
        match result {
            Ok(ScannedDirectory { listing, rules: Ok(rules) }) => {
                self.merge_scan(&directory, depth, listing, rules, now)
            }
            Err(error) | Ok(ScannedDirectory { rules: Err(error), .. })
                if self.take_lost_root(&error, now) =>
            {
                Ok(())
            }
            Ok(ScannedDirectory { listing, rules: Err(error) }) => {
                if let Some(node) = self.index.locate(&directory)? {
                    self.note_standing(node.id, &listing.entries)?;
                }
                self.scan_failed(directory, depth, &error, now)
            }
            Err(error) => self.scan_failed(directory, depth, &error, now),
        }
    }

    fn scan_failed(
        &mut self,
        directory: RelativePath,
        depth: Depth,
        error: &DiskError,
        now: Now,
    ) -> Result<(), FolderError> {
        if let DiskErrorKind::NotFound = error.kind {
            match directory.parent() {
                Some(parent) => {
                    self.scanning.want_directory(parent);
                    if depth == Depth::Subtree {
                        self.scanning.missed.insert(directory);
                    }
                }
                None => self.root.doubt(),
            }
            return Ok(());
        }
        if let DiskErrorKind::MountChanged = error.kind {
            self.look_for_mount(&error.path);
        }
        if let DiskErrorKind::Changed | DiskErrorKind::MountChanged | DiskErrorKind::TooManyFiles = error.kind
        {
            self.scanning.read_again(directory, depth, now);
            return Ok(());
        }
        self.scanning.unheard.note_rules(&directory, None);
        let rules = (error.path != directory)
            .then(|| format!("the rules in {} cannot be read: {}", error.path, error.kind));
        if directory.is_root() {
            let reason = match &rules {
                Some(why) => format!("{why}; {}", found(Finding::UnreadableRules).remedy),
                None => why_root_is_unreadable(&error.kind),
            };
            self.root.hold_unreadable(reason, Look::Entries, now);
            if let Some(reason) = rules {
                self.rules.set_unread(error.path.clone(), reason, now.wall);
            }
            self.scanning.want_everything();
            return Ok(());
        }
        if let Some(mut node) = self.index.locate(&directory)?
            && let Some(identity) = node.local.identity()
        {
            node.local = Local::UnreadableDirectory(identity);
            self.index.save(&mut node)?;
            let (finding, reason) = match rules {
                Some(reason) => (Finding::UnreadableRules, reason),
                None => {
                    (Finding::UnreadableDirectory, format!("the directory cannot be read: {}", error.kind))
                }
            };
            self.put_problem(node.id, found(finding), reason, now)?;
            self.round.restart();
        }
        Ok(())
    }

    /// Brings what a directory was seen to hold into the index. Everything here was read to its end, so what
    /// is not in
    /// `entries` is absent.
    fn merge_scan(
        &mut self,
        directory: &RelativePath,
        mut depth: Depth,
        DiskListing { mount, entries }: DiskListing,
        rules: Option<RulesFile>,
        now: Now,
    ) -> Result<(), FolderError> {
        if directory.is_root() {
            self.rules.clear_unread();
        }
        let Some(mut parent) = self.index.locate(directory)? else {
            return Ok(());
        };
        let is_trusted = directory.is_root() && self.root.spend_word();
        // Where nothing was known to be on the disk any more, or a person said that it is so, it is not
        // sudden.
        let had_something = self.index.totals().files + self.index.totals().directories > 0;
        if directory.is_root()
            && !planted::is(Planted::RootUnchecked)
            && root_suddenly_empty(self.index.totals().base_entries, entries.len() as u64)
            && had_something
            && !is_trusted
        {
            if self.in_flight.trashes_locally() {
                // That may be what emptied it; a look after it tells.
                self.scanning.delayed.insert((now.monotonic + BUSY_DELAY, directory.clone()), depth);
                return Ok(());
            }
            let reason = "the folder is suddenly empty: is its disk mounted?".to_owned();
            self.root.hold(reason, Look::Entries, now);
            self.scanning.want_everything();
            return Ok(());
        }
        if directory.is_root() {
            if had_something && !is_trusted && !self.in_flight.trashes_locally() {
                self.note_emptied_root(parent.id, &entries)?;
            }
            self.root.found_right(Look::Entries);
            self.forget_decision_about(HeldRoot::Local)?;
        }
        if parent.local.kind() == Some(Kind::Directory)
            && !directory.is_root()
            && !self.is_mount_right(&mut parent, mount, now)?
        {
            return Ok(());
        }
        match parent.local {
            Local::UnreadableDirectory(identity) => {
                parent.local = Local::Directory(identity);
                self.save_observed(&mut parent)?;
                // What is below it was not looked at, whatever asks for it now.
                depth = Depth::Subtree;
            }
            Local::Directory(_) => {}
            // It was replaced meanwhile; the scan of the directory above says by what.
            _ => {
                if let Some(above) = directory.parent() {
                    self.scanning.want_directory(above);
                }
                return Ok(());
            }
        }
        let (content, linked) = rules.map_or((None, None), |rules| (Some(rules.content), rules.linked));
        self.scanning.unheard.note_rules(directory, linked);
        self.follow_changed_rules(directory, &entries);
        if self.await_rules(parent.id, directory, content.as_deref(), depth, now)? {
            self.note_standing(parent.id, &entries)?;
            return Ok(());
        }
        self.standing.forget(parent.id);
        if self.index.set_ignore_file(parent.id, content.as_deref(), now.wall)? {
            // Other rules may let in, or keep out, anything below.
            depth = Depth::Subtree;
            self.round.restart();
        }
        self.rules.refresh(&self.index)?;
        let (mut holds_unsynced, mut skipped) = (false, Skipped::default());
        for entry in &entries {
            let Some(reason) = self.why_skipped(directory, entry) else { continue };
            holds_unsynced = true;
            let is_in_the_way = matches!(reason, Reason::Link | Reason::Special)
                && self
                    .index
                    .child(parent.id, &entry.name)?
                    .is_some_and(|node| node.base.is_some() || node.remote.is_some());
            // What stands where something is synced is a problem.
            if !is_in_the_way {
                skipped.count(reason);
            }
        }
        self.skipping.note(parent.id, skipped);
        if parent.holds_unsynced != holds_unsynced {
            parent.holds_unsynced = holds_unsynced;
            self.save_observed(&mut parent)?;
        }
        let directory = directory.clone();
        let entries = entries.into_iter();
        self.work(Work::Merge(Box::new(Merge {
            parent: parent.id,
            directory,
            depth,
            known: BTreeMap::new(),
            unread: Some(ChildCursor::default()),
            entries,
            now,
        })))
    }

    /// Lets a directory be read again if its rules have changed a moment ago; tells whether it is. Where
    /// nothing was known yet, nothing can have been kept back.
    fn await_rules(
        &mut self,
        id: NodeId,
        directory: &RelativePath,
        content: Option<&[u8]>,
        depth: Depth,
        now: Now,
    ) -> Result<bool, FolderError> {
        if !self.index.is_other_ignore_file(id, content)? || !self.index.has_children(id)? {
            if self.rules_settling.settled(id) {
                self.go_on_where_rules_settled();
            }
            return Ok(false);
        }
        let Some(until) = self.rules_settling.changed(id, content, now) else { return Ok(false) };
        self.scanning.delayed.insert((until, directory.clone()), depth);
        Ok(true)
    }

    /// Reads rules again that have stood for long enough, wherever their directory is by now.
    pub(in crate::folder) fn read_rules_again(&mut self, now: Now) -> Result<(), FolderError> {
        if !self.root.is_good() {
            // A root that is good again is read as a whole.
            return Ok(());
        }
        for id in self.rules_settling.due(now) {
            if self.index.node(id)?.is_some_and(|node| node.local.is_directory()) {
                self.scanning.want_directory(self.index.path(id)?);
            } else if self.rules_settling.settled(id) {
                self.standing.forget(id);
                self.go_on_where_rules_settled();
            }
        }
        Ok(())
    }

    /// What was held for rules that were changing may go on, and was left out when deletes were counted.
    fn go_on_where_rules_settled(&mut self) {
        self.round.count_deletes_again();
        self.round.restart();
    }
}

#[cfg(test)]
mod tests {
    use jottad_core::Timestamp;

    use super::*;

    /// A way in which a directory gets into the queue.
    type Wish = fn(&mut Scanning, RelativePath);

    #[test]
    fn of_two_wishes_to_read_a_directory_the_deeper_one_stays() {
        let now = Now { monotonic: Duration::from_secs(100), wall: Timestamp::from_seconds(0) };
        let wishes: [(Depth, Wish); 4] = [
            (Depth::Entries, Scanning::want_directory),
            (Depth::Subtree, Scanning::want_subtree),
            (Depth::Entries, |scanning, path| {
                scanning.delayed.insert((Duration::from_secs(99), path), Depth::Entries);
            }),
            (Depth::Subtree, |scanning, path| {
                scanning.delayed.insert((Duration::from_secs(98), path), Depth::Subtree);
            }),
        ];
        let path = RelativePath::parse(b"a/b").unwrap();
        for (number, (one, wish)) in wishes.iter().enumerate() {
            for (other_number, (other, then)) in wishes.iter().enumerate() {
                let mut scanning = Scanning::default();
                wish(&mut scanning, path.clone());
                then(&mut scanning, path.clone());
                scanning.timer(now);
                let expected = *one.max(other);
                assert_eq!(scanning.queue.get(&path), Some(&expected), "{number}, then {other_number}");
            }
        }
    }

    /// Whatever is found wrong with a watcher: its backstop comes sooner, and never later.
    #[test]
    fn everything_is_scanned_again_within_the_time_that_is_asked_for() {
        let now = crate::builders::at;
        let mut scanning = Scanning { everything_at: Some(Duration::from_secs(1000)), ..Scanning::default() };
        for (interval, due) in [(600, 700), (900, 700), (60, 160)] {
            scanning.scan_within(Duration::from_secs(interval), now(100));
            assert_eq!(scanning.deadline(), Some(Duration::from_secs(due)), "{interval}");
        }
        let mut scanning = Scanning::default();
        scanning.scan_within(Duration::from_mins(1), now(100));
        assert_eq!(scanning.deadline(), None, "everything is being scanned, and then it is set");
    }

    /// What is read again later is read once, and as deep as anybody wanted; others wait as they did.
    #[test]
    fn a_directory_that_changed_while_it_was_read_is_read_again_in_its_whole_depth() {
        let path = |text: &str| RelativePath::parse(text.as_bytes()).unwrap();
        let now = crate::builders::at;
        let mut scanning = Scanning::default();
        scanning.delayed.insert((Duration::from_secs(103), path("d/a")), Depth::Subtree);
        scanning.delayed.insert((Duration::from_secs(105), path("d/b")), Depth::Subtree);
        scanning.read_again(path("d/a"), Depth::Entries, now(100));
        scanning.timer(now(100));
        assert!(scanning.queue.is_empty(), "not at once");
        scanning.timer(now(101));
        let queued: Vec<_> = scanning.queue.iter().map(|(path, depth)| (path.to_string(), *depth)).collect();
        assert_eq!(queued, [("d/a".to_owned(), Depth::Subtree)]);
        assert_eq!(scanning.deadline(), Some(Duration::from_secs(105)), "the other one waits on");
    }

    /// Where it goes on, something else may have taken its place: the directory above shows that.
    #[test]
    fn the_directory_above_one_that_changes_again_and_again_is_read_more_and_more_seldom() {
        let path = |text: &str| RelativePath::parse(text.as_bytes()).unwrap();
        let mut scanning = Scanning::default();
        let mut times_above = Vec::new();
        for time in 1..=20 {
            scanning.read_again(path("d/a"), Depth::Entries, crate::builders::at(100));
            if scanning.queue.remove(&path("d")).is_some() {
                times_above.push(time);
            }
            assert_eq!(scanning.delayed.len(), 1);
        }
        assert_eq!(times_above, [2, 4, 8, 16]);
    }
}
