//! Changes on their way to becoming hints: coalesced, held until they settle, never without bound.
//!
//! Pure: the time comes in, hints come out, and [`Pending::next_deadline`] says when to ask again.
//!
//! - What is finished (closed, moved, removed) is released after a moment that lets a burst gather.
//!   Directories
//!   that stay busy are hinted at growing intervals.
//! - What is being written is released when it was quiet for the settle time, or after ten times as long.
//! - A subtree covers what is below it, and never overtakes the directory that holds it: whoever follows the
//!   hints
//!   knows a directory's name before it is told to look inside.
//! - The two sides of a rename are released together, so that a move can be recognised as one. Those of a
//!   directory's rename wait for no growing interval.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::time::{Duration, Instant};

use jottad_core::{Name, RelativePath};

use crate::hint::{Hint, RescanCause};
use crate::pace::Pace;

/// How many paths are kept apart before they are folded into subtrees.
const PATHS_KEPT: usize = 4096;
/// How many names being written are kept apart in one directory.
const WRITTEN_NAMES_KEPT: usize = 64;
/// How long a burst may gather before finished changes are released.
const GATHERING: Duration = Duration::from_millis(25);
/// The first distance between two hints for the same directory.
const FIRST_GAP: Duration = Duration::from_millis(100);
/// The longest distance between two hints for the same directory, whatever the settle time.
const LONGEST_GAP: Duration = Duration::from_mins(1);
/// How many settle times a file that is never quiet is held.
const PATIENCE: u32 = 10;

/// What an event says about a directory, as far as it matters for when to look.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Change<'a> {
    /// A file of this name was made or written and may be written again.
    Writing(&'a [u8]),
    /// A file of this name was closed after writing, or is gone.
    Done(&'a [u8]),
    /// A file of this name is one side of a rename.
    Moved(&'a [u8]),
    /// A directory of this name is one side of a rename.
    MovedDirectory(&'a [u8]),
    /// Anything else that is over when it is reported: attributes, directories made and removed.
    Touched,
}

/// The changes that were noted and not released.
#[derive(Debug)]
pub(crate) struct Pending {
    settle: Duration,
    limit: usize,
    entries: BTreeMap<RelativePath, Entry>,
    paces: HashMap<RelativePath, Pace>,
}

#[derive(Debug, Default)]
struct Entry {
    /// When finished changes are due.
    finished_at: Option<Instant>,
    /// Set if the whole subtree is to be looked at when `finished_at` comes.
    subtree: Option<RescanCause>,
    /// Whether a rename is among the changes.
    moved: bool,
    writing: Option<Writing>,
}

#[derive(Debug)]
struct Writing {
    first: Instant,
    last: Instant,
    /// `None` when there were too many to keep.
    names: Option<BTreeSet<Box<[u8]>>>,
}

impl Pending {
    pub(crate) fn new(settle: Duration) -> Self {
        Self { settle, limit: PATHS_KEPT, entries: BTreeMap::new(), paces: HashMap::new() }
    }

    /// How many paths wait.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Notes a change in a directory.
    pub(crate) fn note(&mut self, directory: &RelativePath, change: Change<'_>, now: Instant) {
        match change {
            Change::Writing(name) => {
                let entry = self.entries.entry(directory.clone()).or_default();
                entry.writing.get_or_insert_with(|| Writing::new(now)).add(name, now);
            }
            Change::Done(name) => {
                self.stop_writing(directory, name);
                self.finish(directory, false, now);
            }
            Change::Moved(name) => {
                self.stop_writing(directory, name);
                self.finish(directory, true, now);
            }
            Change::MovedDirectory(name) => {
                self.stop_writing(directory, name);
                self.finish(directory, true, now);
                self.hurry(directory, now);
            }
            Change::Touched => self.finish(directory, false, now),
        }
        self.fold();
    }

    /// Notes a directory under a new name: its parent has to be listed and all of it looked at.
    pub(crate) fn appeared(&mut self, parent: &RelativePath, name: &[u8], cause: RescanCause, now: Instant) {
        // No file system gives names that are none.
        let Ok(checked) = Name::new(name) else { return };
        let is_renamed = cause == RescanCause::Renamed;
        let change = if is_renamed { Change::MovedDirectory(name) } else { Change::Touched };
        self.note(parent, change, now);
        self.rescan(&parent.join(&checked), cause, now);
    }

    /// Asks for a look at a directory and all below it.
    pub(crate) fn rescan(&mut self, path: &RelativePath, cause: RescanCause, now: Instant) {
        let moved = cause == RescanCause::Renamed;
        if let Some(cover) = self.covering(path) {
            cover.moved |= moved;
            return;
        }
        let due = self.earliest(path, now);
        let entry = self.entries.entry(path.clone()).or_default();
        entry.finished_at.get_or_insert(due);
        entry.subtree = Some(cause);
        entry.moved |= moved;
        self.fold();
    }

    /// When the next hint is due; `None` when nothing waits.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.entries.values().filter_map(|entry| entry.deadline(self.settle)).min()
    }

    /// Takes out what is due, directories before what is below them.
    pub(crate) fn release(&mut self, now: Instant) -> Vec<Hint> {
        let is_due = |entry: &Entry| entry.deadline(self.settle).is_some_and(|deadline| deadline <= now);
        let moves_are_due = self.entries.values().any(|entry| entry.moved && is_due(entry));
        let due: Vec<RelativePath> = self
            .entries
            .iter()
            .filter(|(_, entry)| is_due(entry) || (moves_are_due && entry.moved))
            .map(|(path, _)| path.clone())
            .collect();
        due.into_iter().filter_map(|path| self.release_entry(path, now)).collect()
    }

    fn release_entry(&mut self, path: RelativePath, now: Instant) -> Option<Hint> {
        // The directory that holds it comes first here if it is due as well; if not, the subtree waits for
        // it.
        let above = path.parent().and_then(|parent| self.entries.get(&parent)?.finished_at);
        // A subtree released just before may have taken this one with it.
        let entry = self.entries.get_mut(&path)?;
        if entry.subtree.is_some() && above.is_some() {
            entry.finished_at = above;
            return None;
        }
        entry.finished_at = None;
        entry.moved = false;
        let subtree = entry.subtree.take();
        if entry.writing.as_ref().is_none_or(|writing| writing.deadline(self.settle) <= now) {
            self.entries.remove(&path);
        }
        self.pace(&path).record(now);
        self.forget_paces(now);
        Some(match subtree {
            None => Hint::Directory { path },
            Some(cause) => {
                self.drop_covered(&path);
                Hint::Subtree { path, cause }
            }
        })
    }

    /// Files that are still being written below a released subtree must be looked at once more; the rest is
    /// done.
    fn drop_covered(&mut self, top: &RelativePath) {
        let below: Vec<RelativePath> = self
            .entries
            .range((Bound::Excluded(top), Bound::Unbounded))
            .map(|(path, _)| path)
            .take_while(|path| path.starts_with(top))
            .cloned()
            .collect();
        for path in below {
            if let Some(entry) = self.entries.get_mut(&path) {
                let writing = entry.writing.take();
                if writing.is_some() {
                    *entry = Entry { writing, ..Entry::default() };
                } else {
                    self.entries.remove(&path);
                }
            }
        }
    }

    fn finish(&mut self, directory: &RelativePath, moved: bool, now: Instant) {
        if let Some(cover) = self.covering(directory) {
            cover.moved |= moved;
            return;
        }
        let due = self.earliest(directory, now);
        let entry = self.entries.entry(directory.clone()).or_default();
        entry.finished_at.get_or_insert(due);
        entry.moved |= moved;
    }

    /// Lets no pace hold up what is due: whoever sees one side of a rename long before the other takes a
    /// whole tree for deleted, or for new.
    fn hurry(&mut self, directory: &RelativePath, now: Instant) {
        let gathered = now + GATHERING.min(self.settle);
        if let Some(entry) = self.entries.get_mut(directory) {
            entry.finished_at = entry.finished_at.map(|due| due.min(gathered));
        }
    }

    fn stop_writing(&mut self, directory: &RelativePath, name: &[u8]) {
        if let Some(entry) = self.entries.get_mut(directory)
            && entry.writing.as_mut().is_some_and(|writing| writing.remove(name))
        {
            entry.writing = None;
            if entry.finished_at.is_none() {
                self.entries.remove(directory);
            }
        }
    }

    /// The pending subtree that covers a path, itself included.
    fn covering(&mut self, path: &RelativePath) -> Option<&mut Entry> {
        let mut at = path.clone();
        while self.entries.get(&at).is_none_or(|entry| entry.subtree.is_none()) {
            at = at.parent()?;
        }
        self.entries.get_mut(&at)
    }

    fn earliest(&mut self, path: &RelativePath, now: Instant) -> Instant {
        let wanted = now + GATHERING.min(self.settle);
        self.paces.get(path).map_or(wanted, |pace| pace.earliest(wanted))
    }

    fn pace(&mut self, path: &RelativePath) -> &mut Pace {
        let longest_gap = (self.settle * PATIENCE).min(LONGEST_GAP);
        self.paces.entry(path.clone()).or_insert_with(|| Pace::new(FIRST_GAP.min(self.settle), longest_gap))
    }

    fn forget_paces(&mut self, now: Instant) {
        if self.paces.len() > self.limit {
            self.paces.retain(|_, pace| !pace.is_over(now));
            if self.paces.len() > self.limit {
                self.paces.clear();
            }
        }
    }

    /// Folds the deepest paths into subtrees of their parents until half the room is free again.
    fn fold(&mut self) {
        if self.entries.len() <= self.limit {
            return;
        }
        while self.entries.len() > self.limit / 2 {
            let Some(deepest) = self.entries.keys().map(RelativePath::depth).max() else { return };
            if deepest == 0 {
                return;
            }
            let folded: Vec<RelativePath> =
                self.entries.keys().filter(|path| path.depth() == deepest).cloned().collect();
            for path in folded {
                let (Some(entry), Some(parent)) = (self.entries.remove(&path), path.parent()) else {
                    continue;
                };
                let due = entry.deadline(self.settle);
                let into = self.entries.entry(parent).or_default();
                into.subtree.get_or_insert(RescanCause::Coalesced);
                into.moved |= entry.moved;
                into.finished_at = match (into.finished_at, due) {
                    (Some(one), Some(other)) => Some(one.max(other)),
                    (one, other) => one.or(other),
                };
            }
        }
    }
}

impl Entry {
    fn deadline(&self, settle: Duration) -> Option<Instant> {
        let quiet_at = self.writing.as_ref().map(|writing| writing.deadline(settle));
        match (self.finished_at, quiet_at) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }
}

impl Writing {
    fn new(now: Instant) -> Self {
        Self { first: now, last: now, names: Some(BTreeSet::new()) }
    }

    fn add(&mut self, name: &[u8], now: Instant) {
        self.last = now;
        if let Some(names) = &mut self.names
            && !names.contains(name)
        {
            names.insert(name.into());
            if names.len() > WRITTEN_NAMES_KEPT {
                self.names = None;
            }
        }
    }

    /// Returns whether nothing is being written any more.
    fn remove(&mut self, name: &[u8]) -> bool {
        self.names.as_mut().is_some_and(|names| {
            names.remove(name);
            names.is_empty()
        })
    }

    fn deadline(&self, settle: Duration) -> Instant {
        (self.last + settle).min(self.first + settle * PATIENCE)
    }
}

#[cfg(test)]
mod tests;
