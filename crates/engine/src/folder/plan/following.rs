//! Remote moves that are followed locally: what departed and arrived on the service is renamed, not fetched
//! anew.
//!
//! The service says nothing of identities, so a file is known again by its content, and a directory by files
//! that departed with it and arrived with it. Like every move this is an optimisation: one that is not
//! recognised, or taken for one by mistake, costs time and never data, because a rename keeps all there is.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jottad_core::{Content, Entry, OperationKind, Side};

use super::deleting::Doomed;
use crate::event::{Followed, Task};
use crate::folder::in_flight::{Detail, Running};
use crate::folder::namesakes;
use crate::folder::{Folder, FolderError};
use crate::index::{Cursor, Difference, Index, Local, Node, NodeId};
use crate::time::Now;

const PAGE: u32 = 256;
/// Most departed files that are looked for in one round; the rest follows in the next.
const MOST_DEPARTED: usize = 65_536;

/// The moves of the current round that are still to be followed.
#[derive(Debug, Default)]
pub(super) struct Following {
    looked: bool,
    moves: VecDeque<Followable>,
}

/// A move on the service as it shows in the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Followable {
    pub(super) from: NodeId,
    pub(super) to: NodeId,
}

impl Folder {
    /// Works on through the moves on the service, one at a time; tells whether none is left.
    pub(super) fn plan_following(&mut self, now: Now) -> Result<bool, FolderError> {
        if !self.settings.mode.pulls() {
            return Ok(true);
        }
        loop {
            if self.in_flight.has_structural() {
                return Ok(false);
            }
            if let Some(next) = self.round.following.moves.pop_front() {
                if self.issue_following(next, now)? {
                    self.round.progressed = true;
                    return Ok(false);
                }
                continue;
            }
            if std::mem::replace(&mut self.round.following.looked, true) {
                return Ok(true);
            }
            self.round.following.moves = self.find_followable()?.into();
        }
    }

    /// The moves that the service shows, where they are followed.
    pub(super) fn find_followable_in_mode(&self) -> Result<Vec<Followable>, FolderError> {
        if self.settings.mode.pulls() { self.find_followable() } else { Ok(Vec::new()) }
    }

    /// The moves that the service shows: directories first, each as a whole.
    fn find_followable(&self) -> Result<Vec<Followable>, FolderError> {
        if self.index.page(Difference::RemoteOnly, Cursor::default(), 1)?.is_empty() {
            // Nothing arrived, so nothing has moved, however much departed.
            return Ok(Vec::new());
        }
        let departed = self.departed_files()?;
        if departed.is_empty() {
            return Ok(Vec::new());
        }
        let mut directories: BTreeMap<Followable, u64> = BTreeMap::new();
        let mut tops: BTreeMap<Followable, Option<Followable>> = BTreeMap::new();
        let mut files = Vec::new();
        self.each_page(Difference::RemoteOnly, |arrived| {
            let Entry::File(file) = arrived.remote_entry() else { return Ok(true) };
            let Some(sources) = departed.get(&file.content) else { return Ok(true) };
            let is_namesake = |source: &&Node| source.name == arrived.name;
            let ((Some(source), _) | (None, [source])) =
                (sources.iter().find(is_namesake), sources.as_slice())
            else {
                // Which one of several with the same content it was cannot be told.
                return Ok(true);
            };
            let parents = Followable { from: source.parent, to: arrived.parent };
            let top = if source.name != arrived.name {
                None
            } else if let Some(known) = tops.get(&parents) {
                *known
            } else {
                let top = top_directory(&self.index, parents)?;
                tops.insert(parents, top);
                top
            };
            match top {
                Some(top) => *directories.entry(top).or_default() += 1,
                None => files.push(Followable { from: source.id, to: arrived.id }),
            }
            Ok(true)
        })?;
        let mut by_votes: Vec<(u64, Followable)> =
            directories.into_iter().map(|(pair, votes)| (votes, pair)).collect();
        by_votes.sort_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(&other.1)));
        let mut used = BTreeSet::new();
        let pairs = by_votes.into_iter().map(|(_, pair)| pair).chain(files);
        Ok(pairs
            .filter(|pair| used.insert((Side::Local, pair.from)) & used.insert((Side::Remote, pair.to)))
            .collect())
    }

    /// Keeps a file that is to be removed from the service if others may have moved it to its place, from
    /// where it is locally: that goes locally because the service has it no more, and nobody would have it.
    /// Tells whether it stays, for good or until a look shows whether it was moved.
    ///
    /// The user moves a file, its upload to the old place had no answer, and another device moves it back
    /// (`sync` 53001307).
    pub(super) fn keep_what_moved_back(&mut self, doomed: &Doomed) -> Result<bool, FolderError> {
        let (Side::Remote, Some(file)) = (doomed.side, doomed.node.remote_entry().file()) else {
            return Ok(false);
        };
        if !self.settings.mode.pulls() {
            return Ok(false);
        }
        let Some(elsewhere) = self.index.with_content(file.content)? else { return Ok(false) };
        if elsewhere.remote.is_some() {
            let is_in_doubt = self.rechecks.is_about(elsewhere.parent);
            self.round.awaited_look = is_in_doubt.then_some(elsewhere.parent).or(self.round.awaited_look);
            return Ok(is_in_doubt);
        }
        let mut moved = doomed.node.clone();
        moved.base = None;
        self.index.save(&mut moved)?;
        self.round.restart();
        Ok(true)
    }

    /// The files that the service has no more at their places, by content, as far as they are untouched
    /// locally.
    fn departed_files(&self) -> Result<BTreeMap<Content, Vec<Node>>, FolderError> {
        let mut departed: BTreeMap<Content, Vec<Node>> = BTreeMap::new();
        let mut count = 0;
        self.each_page(Difference::Departed, |node| {
            if let (Entry::File(file), Some(trees)) = (node.base_entry(), node.trees())
                && trees.local.same_content(trees.base)
                // An empty file is like every other.
                && file.content.size > 0
            {
                departed.entry(file.content).or_default().push(node.clone());
                count += 1;
            }
            Ok(count < MOST_DEPARTED)
        })?;
        Ok(departed)
    }

    /// Shows every row of a difference, until told that it is enough.
    pub(super) fn each_page(
        &self,
        difference: Difference,
        mut visit: impl FnMut(&Node) -> Result<bool, FolderError>,
    ) -> Result<(), FolderError> {
        let mut cursor = Cursor::default();
        loop {
            let page = self.index.page(difference, cursor, PAGE)?;
            let Some(last) = page.last() else { return Ok(()) };
            cursor = Cursor::after(last);
            for node in &page {
                if !visit(node)? {
                    return Ok(());
                }
            }
        }
    }

    /// Asks for one rename; `false` if the trees changed and it makes no sense any more.
    fn issue_following(&mut self, pair: Followable, now: Now) -> Result<bool, FolderError> {
        let (Some(source), Some(target)) = (self.index.node(pair.from)?, self.index.node(pair.to)?) else {
            return Ok(false);
        };
        let (Some(identity), Some(remote)) = (source.local.identity(), target.remote.as_ref()) else {
            return Ok(false);
        };
        let (from, to) = (self.index.path(source.id)?, self.index.path(target.id)?);
        let (above, here) = (self.surroundings(source.parent)?, self.surroundings(target.parent)?);
        let is_possible = source.remote.is_none()
            && source.base.is_some()
            && is_only_remote(&target)
            && here.local_is_there
            && ![&above, &here].iter().any(|place| place.frozen || place.busy)
            && ![&source, &target].iter().any(|end| self.contesting.holds(end.id))
            && !to.starts_with(&from)
            // A rename does not reach from disk to disk; what arrived is fetched.
            && self.mounting.may_rename(&from, &to)
            && !self.in_flight.is_along(&from)
            && !self.in_flight.is_along(&to)
            && !self.is_given_up(&source)
            && !self.is_blocked(source.id, now)?
            && !self.rules.ignores(&to, target.remote_entry() == Entry::Directory)
            // Beside a namesake it would be one too many for the service.
            && namesakes::local_namesake(&self.index, &target)?.is_none_or(|namesake| namesake.id == source.id);
        if !is_possible {
            return Ok(false);
        }
        let followed = Followed::Move {
            from: self.index.stored_path(source.id)?,
            to: self.index.stored_path(target.id)?,
            node: remote.node,
        };
        let task = Task::MoveLocal { from: from.clone(), to: to.clone(), identity, followed: Some(followed) };
        let command = self.issue(task);
        let running = Running {
            node: source.id,
            directory: target.parent,
            kind: OperationKind::Move(Side::Local),
            path: from,
            to: Some(to),
            bytes: None,
            detail: Detail::Follow { target: target.id },
            before: None,
        };
        self.start(command, running)?;
        Ok(true)
    }

    /// A local entry was renamed as the service had it: base and local follow it.
    pub(in crate::folder) fn followed(&mut self, source: &Node, target: NodeId) -> Result<(), FolderError> {
        let (old, new) = (self.index.path(source.parent)?, self.index.node(target)?);
        let Some(new) = new else {
            // The row went meanwhile; a scan finds what there is.
            self.scanning.want_directory(old);
            self.round.restart();
            return Ok(());
        };
        let new = self.index.path(new.parent)?;
        self.index.relocate(source.id, target, Side::Local)?;
        self.forget_skipped_where_no_directory_is()?;
        // What was still to be hashed is in other rows now.
        self.hashing.restart();
        self.attempts.remove(&source.id);
        self.attempts.remove(&target);
        self.scanning.want_directory(old);
        self.scanning.want_directory(new);
        self.look_for_what_is_in_the_way(target)?;
        self.rules.refresh(&self.index)?;
        if !self.rules.is_empty() {
            // What is below may stand under other rules there.
            self.scanning.want_subtree(self.index.path(target)?);
        }
        self.round.restart();
        Ok(())
    }
}

/// Whether the remote side alone has anything at a row.
fn is_only_remote(node: &Node) -> bool {
    node.base.is_none()
        && node.local == Local::Absent
        && node.remote.as_ref().is_some_and(|remote| !remote.claimed)
}

/// The topmost directories that can have moved if these two are one, as far up as names agree; `None` if
/// these two cannot.
fn top_directory(index: &Index, parents: Followable) -> Result<Option<Followable>, FolderError> {
    let mut top = None;
    let Followable { mut from, mut to } = parents;
    while from != NodeId::ROOT && to != NodeId::ROOT {
        let (Some(departed), Some(arrived)) = (index.node(from)?, index.node(to)?) else {
            break;
        };
        let may_have_moved = departed.base_entry() == Entry::Directory
            && departed.remote.is_none()
            && departed.local.is_directory()
            && arrived.remote_entry() == Entry::Directory
            && is_only_remote(&arrived);
        if !may_have_moved {
            break;
        }
        top = Some(Followable { from, to });
        if departed.name != arrived.name {
            break;
        }
        (from, to) = (departed.parent, arrived.parent);
    }
    Ok(top)
}
