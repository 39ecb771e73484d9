//! What the service says of changes: hints that lead to looks, as few as will do.
//!
//! A hint of what is known already leads to nothing, which is how our own work, being hinted like
//! everybody's, costs nothing. The others wait a moment, so that many of them share the looks at their
//! directories, and longer while they keep coming. Where looks would be many, one listing of everything is
//! made instead.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jottad_core::staleness::{RECHECK_DELAYS, STALENESS_WINDOW};
use jottad_core::{Entry, StoredName, StoredPath};

use super::matching;
use crate::event::{RemoteHint, Told};
use crate::folder::{Folder, FolderError};
use crate::index::{Descend, Index, NodeId};
use crate::remote::RemoteNode;
use crate::settings::FolderSettings;
use crate::time::Now;

/// How long a hint waits for others.
const SETTLE: Duration = Duration::from_millis(500);
/// The longest that it waits while hints keep leading to looks.
const LONGEST_PACE: Duration = Duration::from_secs(10);
/// How long a hint waits for the operation that it may be about.
const BUSY_DELAY: Duration = Duration::from_secs(1);
/// Looks that are made without asking how large the folder is; beyond that a part of the folder's
/// directories.
const FEW_LOOKS: u64 = 16;
const PART: u64 = 50;
/// More hints than this are not kept apart.
const MOST_HINTS: usize = 10_000;

/// The hints that were not taken up yet.
#[derive(Debug, Default)]
pub(in crate::folder) struct Hints {
    /// Since when every change is hinted.
    listening_since: Option<Duration>,
    waiting: BTreeMap<StoredPath, Hinted>,
    /// Directories of whose content nothing is known, because a look at the directory above has shown them.
    unknown: BTreeSet<NodeId>,
    /// Directories that a look has shown as new, and that were not looked into since: whatever is in them was
    /// brought by others, even where something was made or sent there at the same time.
    fresh: BTreeSet<NodeId>,
    /// Names in directories below which an answer has shown what it may have shown too late. It was not taken
    /// in, so what is below such a name is not known, whoever makes the directory meanwhile.
    left_out: BTreeMap<NodeId, BTreeSet<StoredName>>,
    /// Directories that are looked at because of a hint.
    looking: BTreeSet<NodeId>,
    /// Looks since nothing was hinted.
    looks: u64,
    /// When the next of them is to be taken up.
    due: Option<Duration>,
    /// It has come, or a look has ended, since they were last compared with what is known.
    has_news: bool,
    taken_up: Option<Duration>,
    pace: Duration,
}

#[derive(Debug, Clone, Copy)]
struct Hinted {
    told: Told,
    /// How often it was looked for.
    tries: usize,
    not_before: Duration,
    /// When it came it was no news of our own work. Others may have brought a directory with all that is in
    /// it, of which only the top is told, to where one is made or was made a moment later.
    is_foreign: bool,
}

/// What a hint says against what is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Known,
    /// Whether it is known cannot be said now.
    Pending,
    /// A look at this directory tells; if there is another one, all below that must be looked at too.
    Look(NodeId, Option<NodeId>),
    /// Only a listing of everything tells.
    Everything,
}

impl Hints {
    /// Since when every change is hinted, without a gap.
    pub(in crate::folder) fn listening_since(&self) -> Option<Duration> {
        self.listening_since
    }

    pub(in crate::folder) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.unknown.is_empty() && self.looking.is_empty()
    }

    /// Whether a change by others was told of at a path, or above it, that was not looked at yet.
    pub(in crate::folder) fn tells_of(&self, path: &StoredPath) -> bool {
        self.waiting.iter().any(|(told, hint)| hint.is_foreign && path.names().starts_with(told.names()))
    }

    pub(in crate::folder) fn deadline(&self) -> Option<Duration> {
        self.due
    }

    pub(in crate::folder) fn timer(&mut self, now: Now) {
        if self.due.is_some_and(|time| time <= now.monotonic) {
            self.due = None;
            self.has_news = true;
        }
    }

    /// A look at a directory has ended; tells whether it was made because of a hint.
    pub(super) fn looked(&mut self, directory: NodeId) -> bool {
        self.has_news = true;
        self.looking.remove(&directory)
    }

    /// A directory that was told of is not shown yet, and is looked at again.
    pub(super) fn looks_again(&mut self, directory: NodeId) {
        self.looking.insert(directory);
    }

    /// A look has shown a directory that was not known.
    pub(in crate::folder) fn arrived(&mut self, directory: NodeId) {
        self.unknown.insert(directory);
        self.fresh.insert(directory);
    }

    /// What an answer has shown below a name in a directory was not taken in.
    pub(super) fn leave_out(&mut self, directory: NodeId, name: StoredName) {
        self.left_out.entry(directory).or_default().insert(name);
    }

    /// A look shows a directory by this name: tells whether something below it was left out before, once.
    pub(super) fn take_left_out(&mut self, directory: NodeId, name: &StoredName) -> bool {
        let Some(names) = self.left_out.get_mut(&directory) else { return false };
        let was_left_out = names.remove(name);
        if names.is_empty() {
            self.left_out.remove(&directory);
        }
        was_left_out
    }

    /// Directories that were not looked into since a look has shown them as new, or since something below
    /// them was left out.
    pub(super) fn not_looked_into(&self) -> impl Iterator<Item = NodeId> {
        self.unknown.union(&self.fresh).chain(self.left_out.keys()).copied()
    }

    /// A directory was looked into; tells whether that was for the first time since a look has shown it.
    pub(super) fn looked_into(&mut self, directory: NodeId) -> bool {
        self.fresh.remove(&directory)
    }

    /// A listing of everything begins. It may lag behind the hints, so they are compared with it afterwards.
    pub(in crate::folder) fn listed(&mut self) {
        self.unknown.clear();
        self.fresh.clear();
        self.left_out.clear();
        self.looking.clear();
        self.looks = 0;
        for hint in self.waiting.values_mut() {
            hint.tries = hint.tries.max(1);
        }
        self.has_news = true;
    }

    fn put(&mut self, path: StoredPath, told: Told, is_foreign: bool, now: Now) {
        if self.waiting.is_empty() {
            let since = self.taken_up.map(|time| now.monotonic.saturating_sub(time));
            if since.is_none_or(|since| since > self.pace * 4) {
                self.pace = SETTLE;
            }
        }
        let not_before = now.monotonic + self.pace;
        let hint = Hinted { told, tries: 0, not_before, is_foreign };
        let waiting = self.waiting.entry(path).or_insert(hint);
        // Of two that do not say the same neither is a description of what is there now.
        let told = if waiting.told == told { told } else { Told::Nothing };
        let is_foreign = is_foreign || waiting.is_foreign;
        *waiting = Hinted { told, tries: 0, not_before: waiting.not_before.min(not_before), is_foreign };
        self.due = Some(self.due.map_or(not_before, |due| due.min(not_before)));
    }
}

impl Folder {
    pub(in crate::folder) fn remote_hint(&mut self, hint: RemoteHint, now: Now) -> Result<(), FolderError> {
        match hint {
            // There is no replay: whatever happened before is still to be found.
            RemoteHint::Listening => {
                self.hints.listening_since = Some(now.monotonic);
                // One that takes long is made once, when it cannot be too late to show what happened before.
                // In modes that do not pull, that one comes when it is due for its cost.
                if self.settings.mode.pulls() && self.listing.took() < STALENESS_WINDOW {
                    self.listing.want_everything();
                } else {
                    self.listing.want_poll();
                }
            }
            RemoteHint::Deaf => {
                self.hints.listening_since = None;
                self.listing.want_poll();
            }
            RemoteHint::Anywhere => {
                self.verifying.change_was_told(None);
                self.listing.stamps.change_was_told();
                self.change_was_heard(now.monotonic)?;
                self.listing.want_everything();
            }
            RemoteHint::Elsewhere => self.listing.stamps.change_was_told(),
            RemoteHint::Entry { path, told } => {
                self.listing.stamps.change_was_told();
                let comparison = self.compare(&path, told)?;
                if comparison == Comparison::Known && !self.hints.waiting.contains_key(&path) {
                    return Ok(());
                }
                if self.hints.waiting.len() >= MOST_HINTS {
                    self.hints.waiting.clear();
                    self.hints.due = None;
                    self.change_was_heard(now.monotonic)?;
                    self.listing.want_everything();
                    return Ok(());
                }
                let is_foreign = matches!(comparison, Comparison::Look(..) | Comparison::Everything);
                if is_foreign {
                    self.verifying.change_was_told(Some(&path));
                    self.change_was_heard(now.monotonic)?;
                }
                self.hints.put(path, told, is_foreign, now);
            }
        }
        Ok(())
    }

    /// Compares what was hinted with what is known, and looks where that is not the same.
    pub(in crate::folder) fn take_up_hints(&mut self, now: Now) -> Result<(), FolderError> {
        if self.hints.is_idle() {
            self.hints.looks = 0;
            return Ok(());
        }
        // A listing in progress may be older than a hint and newer than another. What moves or removes is not
        // known until it has ended.
        if self.listing.is_running() || self.in_flight.has_structural() {
            return Ok(());
        }
        let mut directories = std::mem::take(&mut self.hints.unknown);
        if std::mem::take(&mut self.hints.has_news) {
            self.compare_hints(&mut directories, now)?;
        }
        if directories.is_empty() {
            return Ok(());
        }
        self.hints.looks += directories.len() as u64;
        if self.hints.looks > FEW_LOOKS + self.index.totals().directories / PART {
            self.listing.want_everything();
            return Ok(());
        }
        for directory in directories {
            if self.index.node(directory)?.is_some() {
                self.rechecks.want(directory);
                self.hints.looking.insert(directory);
            }
        }
        Ok(())
    }

    fn compare_hints(&mut self, directories: &mut BTreeSet<NodeId>, now: Now) -> Result<(), FolderError> {
        let mut looks = false;
        let before = self.hints.waiting.values().filter(|hint| hint.is_foreign).count();
        let waiting = std::mem::take(&mut self.hints.waiting);
        // Before it was looked at, only its time makes a hint worth comparing. What may be of our own work is
        // compared as soon as its directory is looked at for another hint.
        let (due, early): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|(_, hint)| hint.tries > 0 || hint.not_before <= now.monotonic);
        let mut looked_in = BTreeSet::new();
        for (path, mut hint) in due.into_iter().chain(early) {
            let directory = path.parent();
            let is_due = hint.not_before <= now.monotonic
                || (hint.tries == 0 && !hint.is_foreign && looked_in.contains(&directory));
            if !is_due && hint.tries == 0 {
                self.hints.waiting.insert(path, hint);
                continue;
            }
            match self.compare(&path, hint.told)? {
                Comparison::Known => {
                    if hint.is_foreign
                        && hint.tries == 0
                        && hint.told == Told::Directory
                        && let Some(top) = directory_on_service(&self.index, &self.settings, &path)?
                    {
                        // A directory that was made below it since may have existed before, with more in it.
                        add_directories(&self.index, top, directories)?;
                    }
                    continue;
                }
                Comparison::Look(..) | Comparison::Everything if !is_due => {}
                Comparison::Pending => hint.not_before = hint.not_before.max(now.monotonic + BUSY_DELAY),
                comparison => {
                    // What says nothing can never be found as it was told: a look, and one against the lag.
                    let most = if hint.told == Told::Nothing { 2 } else { 1 + RECHECK_DELAYS.len() };
                    if hint.tries >= most {
                        continue;
                    }
                    // Two words of our own work that came while it was under way say nothing together, and
                    // nothing of others. Nor does one of what was there before something else was sent.
                    let says_of_others = match hint.told {
                        Told::Nothing => false,
                        Told::Gone => true,
                        Told::Directory => !self.recent_writes.was_there_before(&path, RemoteNode::Directory),
                        Told::File(file) => {
                            !self.recent_writes.was_there_before(&path, RemoteNode::File(file))
                        }
                    };
                    if hint.is_foreign || says_of_others {
                        self.recent_writes.others_wrote(&path);
                    }
                    if let Comparison::Look(looked_at, inside) = comparison {
                        looked_in.insert(directory);
                        directories.insert(looked_at);
                        if let Some(top) = inside {
                            add_directories(&self.index, top, directories)?;
                        }
                    } else {
                        self.listing.want_everything();
                    }
                    if hint.tries == 0 {
                        looks = true;
                        self.change_was_heard(now.monotonic)?;
                    }
                    // The last look cannot be late any more.
                    let delay = RECHECK_DELAYS.get(hint.tries).copied().unwrap_or_default();
                    hint.not_before = now.monotonic + delay;
                    hint.tries += 1;
                }
            }
            self.hints.waiting.insert(path, hint);
        }
        if looks {
            self.hints.taken_up = Some(now.monotonic);
            self.hints.pace = (self.hints.pace * 2).min(LONGEST_PACE);
        }
        if self.hints.waiting.values().filter(|hint| hint.is_foreign).count() < before {
            // What waited to be taken for agreed on does so no more.
            self.round.restart();
        }
        self.hints.due = self.hints.waiting.values().map(|hint| hint.not_before).min();
        Ok(())
    }

    fn compare(&self, path: &StoredPath, told: Told) -> Result<Comparison, FolderError> {
        let Some(mut here) = self.index.node(NodeId::ROOT)? else { return Ok(Comparison::Everything) };
        if path.is_root() {
            let is_known = told == Told::Directory && here.remote_entry() == Entry::Directory;
            // It may be told to be there while it is being made.
            if !is_known && self.in_flight.is_at(here.id) {
                return Ok(Comparison::Pending);
            }
            return Ok(if is_known { Comparison::Known } else { Comparison::Everything });
        }
        for name in path.names() {
            if here.remote_entry() != Entry::Directory {
                return Ok(match told {
                    Told::Gone => Comparison::Known,
                    _ if here.id == NodeId::ROOT => Comparison::Everything,
                    _ => Comparison::Look(here.parent, None),
                });
            }
            if self.in_flight.is_at(here.id) || self.rechecks.is_looking_at(here.id) {
                return Ok(Comparison::Pending);
            }
            match matching::find_on_service(&self.index, &self.settings, here.id, name)? {
                Some(below) => here = below,
                None if told == Told::Gone => return Ok(Comparison::Known),
                None => return Ok(Comparison::Look(here.id, None)),
            }
        }
        if self.in_flight.is_at(here.id) {
            return Ok(Comparison::Pending);
        }
        let known = here.remote.as_ref().map(|remote| remote.node);
        let is_known = match told {
            Told::Directory => known == Some(RemoteNode::Directory),
            Told::File(file) => known == Some(RemoteNode::File(file)),
            Told::Gone | Told::Nothing => false,
        };
        if is_known {
            return Ok(Comparison::Known);
        }
        // Another directory may be in its place by now, of which everything else is to be found out.
        let inside = (known == Some(RemoteNode::Directory)).then_some(here.id);
        Ok(Comparison::Look(here.parent, inside))
    }
}

/// A directory with those below it that are known on the service.
fn add_directories(
    index: &Index,
    top: NodeId,
    directories: &mut BTreeSet<NodeId>,
) -> Result<(), FolderError> {
    directories.insert(top);
    index.walk(top, |node, _| {
        if node.remote_entry() == Entry::Directory {
            directories.insert(node.id);
            Ok(Descend::Yes)
        } else {
            Ok(Descend::No)
        }
    })?;
    Ok(())
}

/// The row of what is known as a directory at a path on the service.
fn directory_on_service(
    index: &Index,
    settings: &FolderSettings,
    path: &StoredPath,
) -> Result<Option<NodeId>, FolderError> {
    let mut here = index.node(NodeId::ROOT)?;
    for name in path.names() {
        let Some(directory) = here.filter(|here| here.remote_entry() == Entry::Directory) else {
            return Ok(None);
        };
        here = matching::find_on_service(index, settings, directory.id, name)?;
    }
    Ok(here.filter(|here| here.remote_entry() == Entry::Directory).map(|here| here.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer that does not show it yet must not make it be forgotten.
    #[test]
    fn what_was_left_out_is_looked_for_until_its_directory_is_shown() {
        let name = |text| StoredName::new(text).unwrap();
        let (directory, other) = (NodeId(1), NodeId(2));
        let mut hints = Hints::default();
        hints.leave_out(directory, name("d"));
        for (looked_at, shown, expected) in
            [(directory, "e", false), (other, "d", false), (directory, "d", true), (directory, "d", false)]
        {
            assert_eq!(hints.take_left_out(looked_at, &name(shown)), expected, "{looked_at:?} {shown}");
        }
        assert_eq!(hints.not_looked_into().count(), 0);
    }

    /// Another folder may be made in the place of one that is gone, and that is nothing which a look at one
    /// directory shows.
    #[test]
    fn what_is_told_of_the_root_is_known_if_it_is_there_and_else_everything_is_listed() {
        use crate::index::RemoteRecord;
        for (is_there, told, is_at_work, expected) in [
            (true, Told::Directory, false, Comparison::Known),
            (true, Told::Directory, true, Comparison::Known),
            (true, Told::Gone, false, Comparison::Everything),
            (true, Told::Nothing, false, Comparison::Everything),
            (true, Told::Gone, true, Comparison::Pending),
            (false, Told::Directory, false, Comparison::Everything),
            (false, Told::Directory, true, Comparison::Pending),
        ] {
            let (_place, mut index) = crate::builders::new_index();
            let mut root = index.node(NodeId::ROOT).unwrap().unwrap();
            root.remote =
                is_there.then_some(RemoteRecord { node: RemoteNode::Directory, name: None, claimed: false });
            index.save(&mut root).unwrap();
            let mut folder = Folder::new(crate::builders::settings(), index).unwrap();
            folder.in_flight.set_at(NodeId::ROOT, is_at_work);
            let came = folder.compare(&StoredPath::root(), told).unwrap();
            assert_eq!(came, expected, "{is_there} {told:?} {is_at_work}");
        }
    }
}
