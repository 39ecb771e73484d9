//! From the three trees to operations: rounds over the rows that differ, a bounded page at a time.
//!
//! A round takes moves first ([`super::moving`]), then everything that adds or changes, and when a round of
//! those finds nothing more to do, what removes ([`super::deleting`]). What an operation brings about may
//! allow others (a directory that was made can be filled), so rounds follow each other until one finds
//! nothing.

use std::rc::Rc;

use jottad_core::{
    Action, DEEPEST, Decision, Entry, Kind, Mode, RelativePath, Side, StoredName, encode_name,
};

use super::deciding;
use super::deleting::Deleting;
use super::parking;
use super::places::{Places, Surroundings};
use super::round::{Pages, Phase};
use crate::folder::namesakes;
use crate::folder::problems;
use crate::folder::{Folder, FolderError, MOST_ATTEMPTS, Purpose};
use crate::index::{Cursor, Difference, Index, Local, Node, NodeId};
use crate::scope::{Finding, found};
use crate::settings::FolderSettings;
use crate::status::ProblemKind;
use crate::time::Now;

/// So many rows are read at one time.
const PAGE: u32 = 32;

/// What became of looking at a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Considered {
    /// Nothing to do at this row, or it was done at once.
    Passed,
    /// An operation was asked for.
    Issued,
    /// There is something to do, but no room for it now.
    NoRoom,
}

impl Folder {
    pub(in crate::folder) fn plan(&mut self, now: Now) -> Result<(), FolderError> {
        if self.purpose == Purpose::Look {
            return if self.is_looked_at() { self.want_back_at_once() } else { Ok(()) };
        }
        loop {
            // Nothing is decided while a person's word is followed only in part.
            if self.listing.forbids_structure() || !self.pacing.may_start() || !self.backlog.is_idle() {
                return Ok(());
            }
            match self.round.phase {
                Phase::Over => {
                    if self.round.awaited_look.take_if(|at| !self.rechecks.is_about(*at)).is_some() {
                        self.round.restart();
                    }
                    if !self.round.again || !self.is_rested(now) {
                        return Ok(());
                    }
                    self.round.begin();
                }
                Phase::Moves => {
                    if !self.plan_respelling(now)? || !self.plan_moves(now)? || !self.plan_following(now)? {
                        return Ok(());
                    }
                    if self.settings.mode == Mode::Archive {
                        // What is missing would be left alone.
                        self.want_back_at_once()?;
                    }
                    if !self.count_overwrites(now)? {
                        return Ok(());
                    }
                    self.round.phase = Phase::Changes;
                }
                Phase::Changes => {
                    if !self.plan_changes(now)? {
                        return Ok(());
                    }
                    if self.round.progressed {
                        self.round.restart();
                    }
                    self.round.rest.begin(now);
                    self.round.phase = Phase::Waiting;
                }
                Phase::Waiting => {
                    if self.round.again {
                        if !self.is_rested(now) {
                            return Ok(());
                        }
                        self.round.begin();
                    } else if self.in_flight.is_empty()
                        && self.hashing.is_idle()
                        && self.hints.is_idle()
                        && !self.pacing.is_move_resting()
                        && self.round.move_window().is_none_or(|until| until <= now.monotonic)
                    {
                        // What is hinted may turn out to be the other end of a move.
                        self.round.phase = Phase::Deletes;
                        self.round.deleting = Deleting::default();
                    } else {
                        return Ok(());
                    }
                }
                Phase::Deletes => {
                    if !self.plan_deletes(now)? {
                        return Ok(());
                    }
                    self.round.phase = Phase::Over;
                }
            }
        }
    }

    /// Whether the next round may begin.
    pub(in crate::folder) fn is_rested(&self, now: Now) -> bool {
        self.hashing.is_idle() || self.round.rest.is_over(now)
    }

    /// Works on through the rows that differ; tells whether the end was reached.
    fn plan_changes(&mut self, now: Now) -> Result<bool, FolderError> {
        let mut surroundings: Option<Rc<Surroundings>> = None;
        let mut places = Places::default();
        loop {
            let Some((place, id)) = self.round.ahead.pop_front() else {
                if self.read_ahead()? {
                    // The directory that the cursor was in last may now be confirmed.
                    self.round.cursor = Cursor::default();
                    self.round.side = Pages::Unsettled;
                    return Ok(true);
                }
                if self.round.next_step().is_some() {
                    return Ok(false);
                }
                continue;
            };
            // It may have changed since it was read, or be gone.
            let Some(mut node) = self.index.node(id)? else {
                self.round.cursor = place;
                continue;
            };
            if waits_for_directory(&self.index, &node)? {
                self.forget_what_was_tried(&node, now)?;
                self.round.cursor = place;
                continue;
            }
            let here = match surroundings.take() {
                Some(here) if here.directory == node.parent => here,
                _ => self.place(&mut places, node.parent)?,
            };
            let considered = self.consider(&mut node, &here, now)?;
            surroundings = Some(here);
            match considered {
                Considered::NoRoom => {
                    self.round.ahead.push_front((place, id));
                    return Ok(false);
                }
                Considered::Issued => self.round.progressed = true,
                Considered::Passed => {}
            }
            self.round.cursor = place;
        }
    }

    /// Reads the next page of rows that differ; tells whether there is none. When enough was read in this
    /// step, another one is asked for.
    fn read_ahead(&mut self) -> Result<bool, FolderError> {
        loop {
            let difference = match self.round.side {
                Pages::Unsettled => Difference::Unsettled,
                Pages::RemoteOnly => Difference::RemoteOnly,
            };
            let page = self.index.page(difference, self.round.cursor, PAGE)?;
            if !page.is_empty() {
                self.round.rest.walked(page.len());
                self.round.spend(page.len());
                for node in page {
                    self.round.ahead.push_back((Cursor::after(&node), node.id));
                    self.index.remember(node);
                }
                return Ok(false);
            }
            if self.round.side == Pages::RemoteOnly || !visits_remote_only(&self.index, &self.settings)? {
                return Ok(true);
            }
            self.round.side = Pages::RemoteOnly;
            self.round.cursor = Cursor::default();
        }
    }

    /// What is known of a directory, with all above it.
    pub(in crate::folder) fn surroundings(&self, directory: NodeId) -> Result<Rc<Surroundings>, FolderError> {
        self.place(&mut Places::default(), directory)
    }

    fn consider(
        &mut self,
        node: &mut Node,
        here: &Surroundings,
        now: Now,
    ) -> Result<Considered, FolderError> {
        if here.busy || self.in_flight.is_at(node.id) || self.contesting.holds(node.id) {
            return Ok(Considered::Passed);
        }
        // What the remote side has was never seen by a scan, so the rules are asked here.
        if here.frozen || self.is_left_to_remote(node, here) {
            self.forget_problem_of_ignored(node)?;
            if here.frozen {
                self.forget_what_was_tried(node, now)?;
            }
            return Ok(Considered::Passed);
        }
        if self.is_blocked(node.id, now)? {
            return Ok(Considered::Passed);
        }
        let Some(decision) = deciding::decide(&self.index, &self.settings, node)? else {
            return Ok(Considered::Passed);
        };
        if node.id == NodeId::ROOT && decision.action != Action::MakeDirectory(Side::Remote) {
            return self.settle(node, decision, now);
        }
        if self.attempts.get(&node.id).is_some_and(|attempts| *attempts > MOST_ATTEMPTS)
            && !matches!(decision.action, Action::Nothing | Action::Adopt | Action::Forget)
        {
            self.attempts.remove(&node.id);
            let reason = format!("it does not come to rest: {}", decision.because);
            self.put_problem(node.id, found(Finding::DoesNotSettle), reason, now)?;
            return Ok(Considered::Passed);
        }
        // What a look has shown otherwise, which may be late, is looked at again first: what was agreed on now
        // would give way to that (`sync` 64000710 with `--meddling`).
        if node.base.is_none()
            && node.local.kind() == Some(Kind::File)
            && matches!(decision.action, Action::Adopt | Action::SetTime(_))
            && self.rechecks.doubts(node.parent)
        {
            self.round.awaited_look = Some(node.parent);
            return Ok(Considered::Passed);
        }
        match decision.action {
            Action::Nothing | Action::Adopt | Action::Forget => self.settle(node, decision, now),
            _ if parking::is_parked_remains(&self.index, node, here)? => Ok(Considered::Passed),
            // What was wrong with removing it is not wrong any more once it has to stay.
            Action::Block if node.local.is_directory() => {
                self.index.clear_problem(node.id)?;
                Ok(Considered::Passed)
            }
            // Removing waits until nothing else is left to do; what is blocked is reported where it was seen.
            Action::Trash(_) | Action::Block => Ok(Considered::Passed),
            Action::Upload | Action::MakeDirectory(Side::Remote)
                if !here.remote_is_there && node.id != NodeId::ROOT =>
            {
                self.forget_what_was_tried(node, now)?;
                Ok(Considered::Passed)
            }
            Action::Download | Action::MakeDirectory(Side::Local) if !here.local_is_there => {
                self.forget_what_was_tried(node, now)?;
                self.want_directory_back(node)?;
                Ok(Considered::Passed)
            }
            action => {
                if !self.has_room(node, action) {
                    return Ok(Considered::NoRoom);
                }
                if action == Action::Upload
                    && let Some(time) = self.resending.waits_until(node.id, now)
                {
                    self.resending.note_due(time);
                    return Ok(Considered::Passed);
                }
                if action == Action::Upload
                    && (!self.connection.takes_uploads() || self.waits_to_overwrite(node)?)
                {
                    return Ok(Considered::Passed);
                }
                self.issue_action(node, here, action, now)
            }
        }
    }

    /// What was wrong with an entry is not tried while nothing can be done in its directory, locally or on
    /// the other side. Until then it is the directory that something may be wrong with. What kept a file from
    /// being hashed stays a problem.
    fn forget_what_was_tried(&mut self, node: &Node, now: Now) -> Result<(), FolderError> {
        if node.trees().is_some() && !self.is_blocked(node.id, now)? {
            self.index.clear_problem(node.id)?;
        }
        Ok(())
    }

    /// What was wrong with an entry that only the remote side has is not wrong any more once a rule ignores
    /// it, or a directory that it is in: nobody tries it again.
    fn forget_problem_of_ignored(&mut self, node: &Node) -> Result<(), FolderError> {
        if !self.rules.may_ignore(&node.name) || node.base.is_some() || self.index.problem(node.id)?.is_none()
        {
            return Ok(());
        }
        let mut path = RelativePath::root();
        let is_ignored = self.index.lineage(node.id)?.iter().any(|above| {
            path = path.join(&above.name);
            self.rules.ignores(&path, above.id != node.id || node.remote_entry() == Entry::Directory)
        });
        if is_ignored {
            self.index.clear_problem(node.id)?;
        }
        Ok(())
    }

    /// Whether a rule keeps what the remote side has from being fetched: one for what was never local, or the
    /// size.
    pub(in crate::folder) fn is_left_to_remote(&self, node: &Node, here: &Surroundings) -> bool {
        let is_directory = node.remote_entry() == Entry::Directory;
        let is_only_there = node.id != NodeId::ROOT && node.local == Local::Absent && node.base.is_none();
        is_remote_too_large(&self.settings, node)
            || (is_only_there
                && self.rules.may_ignore(&node.name)
                && self.rules.ignores(&here.join(&node.name), is_directory))
    }

    /// What a person wants back needs its directory, which may have come and gone locally since.
    fn want_directory_back(&mut self, node: &Node) -> Result<(), FolderError> {
        if self.settings.mode.pulls() || !self.index.is_fetched(node.id)? {
            return Ok(());
        }
        if let Some(directory) = self.index.node(node.parent)?
            && directory.base.is_none()
            && directory.local == Local::Absent
            && directory.remote_entry() == Entry::Directory
            && !self.index.is_fetched(directory.id)?
        {
            self.index.restore(directory.id)?;
            self.round.restart();
        }
        Ok(())
    }

    /// Brings the base up to what both sides have; no operation is needed.
    fn settle(&mut self, node: &mut Node, decision: Decision, now: Now) -> Result<Considered, FolderError> {
        match decision.action {
            Action::Forget => {
                node.base = None;
                self.index.save(node)?;
                self.losses_in_doubt.settle(node.id, &mut self.index)?;
                self.free_namesakes(node)?;
            }
            Action::Adopt => {
                if node.remote.as_ref().is_some_and(|remote| remote.claimed) {
                    return Ok(Considered::Passed);
                }
                // A change that others are told to have made is looked at first: what were agreed on now
                // would give way to it.
                if !self.hints.is_idle() && self.hints.tells_of(&self.index.stored_path(node.id)?) {
                    return Ok(Considered::Passed);
                }
                node.base = node.base_from_local();
                self.index.save(node)?;
                // Both sides have it, whichever way it came back.
                self.index.forget_wanted_back(node.id)?;
            }
            _ => {
                let agreed =
                    node.trees().is_some_and(|trees| trees.base == trees.local && trees.base == trees.remote);
                if !agreed || node.remote.as_ref().is_some_and(|remote| remote.claimed) {
                    self.leave_alone(node, now)?;
                    return Ok(Considered::Passed);
                }
                // What is in the directory that was here before may be there still, and is known by it.
                let is_another = node.base.is_some_and(|base| node.local.identity() != Some(base.identity));
                if node.local.is_directory() && is_another && self.is_where_nothing_is_sent(node)? {
                    return Ok(Considered::Passed);
                }
                node.base = node.base_from_local();
                self.index.save(node)?;
            }
        }
        self.attempts.remove(&node.id);
        if !problems::remains(&self.index, node)? {
            self.index.clear_problem(node.id)?;
        }
        Ok(Considered::Passed)
    }

    /// Nothing is to be done at a row, although both sides differ there. So nothing can fail any more.
    ///
    /// Where nothing is sent nobody asks whether the service can take the name of what only this side has. It
    /// may be in the way of an entry beside it all the same: of one that is to get this very name.
    fn leave_alone(&mut self, node: &Node, now: Now) -> Result<(), FolderError> {
        if let Some(problem) = self.index.problem(node.id)?
            && self.is_overcome(&problem)?
        {
            self.index.clear_problem(node.id)?;
        }
        if self.settings.mode.pushes() {
            return Ok(());
        }
        if let Some(waiting) = namesakes::waiting_for_name(&self.index, node)? {
            let reason =
                format!("the service has what {:?} beside it stands for under this name", waiting.name);
            return self.put_problem(node.id, found(Finding::NamesAlike), reason, now);
        }
        if self.index.problem(node.id)?.is_some_and(|problem| problem.kind == ProblemKind::NameClash) {
            self.index.clear_problem(node.id)?;
        }
        Ok(())
    }

    /// Whether the service can take this name beside those that are there; a problem says why not.
    pub(super) fn name_is_possible(
        &mut self,
        node: &Node,
        stored: &StoredName,
        now: Now,
    ) -> Result<bool, FolderError> {
        if is_too_deep_in(&self.index, node.parent)? {
            let reason = format!("it is more than {DEEPEST} levels deep, and nothing deeper is synced");
            self.put_problem(node.id, found(Finding::TooDeep), reason, now)?;
            return Ok(false);
        }
        if !stored.fits() {
            let length = stored.as_str().len();
            let reason =
                format!("the name takes {length} bytes on the service, which is sure to take 255 at most");
            self.put_problem(node.id, found(Finding::NameTooLong), reason, now)?;
            return Ok(false);
        }
        if let Some(rival) = namesakes::rival(&self.index, node, stored)? {
            if namesakes::may_be_taken_up(&self.settings, &rival, stored) && self.take_up_namesake(&rival)? {
                return Ok(false);
            }
            let reason = format!("the service may take its name and {:?} beside it for the same", rival.name);
            self.put_problem(node.id, found(Finding::NamesAlike), reason, now)?;
            return Ok(false);
        }
        Ok(true)
    }

    /// A row gave up its name: those that waited for it may try again.
    pub(in crate::folder) fn free_namesakes(&mut self, node: &Node) -> Result<(), FolderError> {
        if node.id == NodeId::ROOT {
            return Ok(());
        }
        for other in self.index.namesakes(node.parent, &encode_name(&node.name))? {
            if self.index.problem(other.id)?.is_some_and(|problem| problem.kind == ProblemKind::NameClash) {
                self.index.clear_problem(other.id)?;
                self.round.restart();
            }
        }
        Ok(())
    }
}

/// Backups leave alone what only the remote side has, unless a person asked for it back.
fn visits_remote_only(index: &Index, settings: &FolderSettings) -> Result<bool, FolderError> {
    Ok(settings.mode.pulls() || index.is_restoring()?)
}

/// Whether a new local entry is in a directory that is new as well and not yet on the service. Nothing
/// can be done for it, and in a deep tree most are such: to look at all that is above each of them in
/// every round would take for ever.
fn waits_for_directory(index: &Index, node: &Node) -> Result<bool, FolderError> {
    Ok(node.base.is_none()
        && node.remote.is_none()
        && node.local.kind().is_some()
        && node.parent != NodeId::ROOT
        && index.is_only_here(node.parent)?)
}

/// Whether a file that would have to be fetched is ignored for its size.
pub(in crate::folder) fn is_remote_too_large(settings: &FolderSettings, node: &Node) -> bool {
    let remote = node.remote_entry().file();
    settings.mode.pulls() && remote.is_some_and(|file| settings.is_too_large(file.content.size))
}

/// Whether what is in a directory is deeper than anything that is synced.
pub(in crate::folder) fn is_too_deep_in(index: &Index, directory: NodeId) -> Result<bool, FolderError> {
    Ok(index.directories_above(directory)?.len() >= DEEPEST)
}
