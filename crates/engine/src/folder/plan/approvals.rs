//! What waits for a person, deletes and overwrites, and what was said of it.

use std::collections::BTreeSet;

use jottad_core::Action;

use super::deciding;
use super::deleting;
use super::losing;
use crate::folder::backlog::Change;
use crate::folder::local::word_of_root::WordOfRoot;
use crate::folder::{Folder, FolderError};
use crate::index::{Amount, Fact, HeldAction, Index, NodeId};
use crate::settings::FolderSettings;
use crate::status::{DeletesHeldFor, Hold};
use crate::time::Now;

/// How much waits to be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::folder) struct HeldDeletes {
    pub(in crate::folder) entries: u64,
    pub(in crate::folder) files: u64,
    /// Files that were deleted within a day before, if it is with them that it is too much.
    pub(in crate::folder) lost_before: u64,
    pub(in crate::folder) held_for: DeletesHeldFor,
}

impl HeldDeletes {
    /// As it is written down.
    pub(super) fn text(&self) -> String {
        let Self { entries, files, lost_before, held_for } = self;
        format!("{entries} {files} {lost_before} {}", held_for.word())
    }
}

impl From<HeldDeletes> for Hold {
    fn from(held: HeldDeletes) -> Self {
        let HeldDeletes { entries, files, lost_before, held_for } = held;
        Self::Deletes { entries, files, lost_before, held_for }
    }
}

impl Folder {
    /// A person lets the held deletes happen, or says that the root is right as it is. What is missing in
    /// that root counts as deleted then, and however little that is, a person sees how much before it goes.
    pub(in crate::folder) fn approve(&mut self, now: Now) -> Result<(), FolderError> {
        self.forget_decision()?;
        if self.root.held().is_some() {
            // What keeps the local root says nothing of the remote one.
            self.listing.trust_missing_root(self.listing.is_held_for_root());
            self.root.trust();
            self.scanning.want_everything();
            self.index.set_fact(Fact::HoldNextDeletes, Some(&WordOfRoot::about_everything()))?;
            self.round.restart();
            return Ok(());
        }
        // Only what was shown is meant.
        match self.waiting_action()? {
            Some(HeldAction::Delete) => {
                self.spend_word_of_root()?;
                self.index.approve_held(HeldAction::Delete)?;
                losing::forgive(&mut self.index, &self.settings, now)?;
            }
            Some(HeldAction::Overwrite) => {
                self.index.forget_rewritten()?;
                self.index.approve_held(HeldAction::Overwrite)?;
            }
            None => {}
        }
        self.round.restart();
        Ok(())
    }

    /// What waits for a person, as the status shows it: one thing at a time, and nothing while something
    /// holds the whole folder.
    pub(in crate::folder) fn waiting_action(&self) -> Result<Option<HeldAction>, FolderError> {
        let is_held_whole = self.root.held_for_place().is_some()
            || self.root.held_unreadable().is_some()
            || self.root.held().is_some();
        for action in [HeldAction::Overwrite, HeldAction::Delete] {
            if !is_held_whole && self.index.count_waiting(action)? > 0 {
                return Ok(Some(action));
            }
        }
        Ok(None)
    }

    /// A person wants what would be removed back from the other side. Where a root is held, that is
    /// everything.
    pub(in crate::folder) fn reject(&mut self) -> Result<(), FolderError> {
        self.forget_decision()?;
        if self.root.held().is_some() {
            if self.root.is_found() {
                let is_remote = self.listing.is_held_for_root();
                self.listing.trust_missing_root(is_remote);
                self.index.forget_base(!is_remote)?;
                self.index.set_fact(Fact::HoldNextDeletes, None)?;
                self.root.trust();
                self.scanning.want_everything();
                self.hashing.restart();
            }
            return Ok(());
        }
        // A person may think better of what was approved as long as it is not done.
        let (action, rows) = match self.waiting_action()? {
            Some(action) => (action, self.index.waiting(action)?),
            None => match approved_action(&self.index)? {
                Some(action) => (action, self.index.approved(action)?),
                None => return Ok(()),
            },
        };
        match action {
            // What would be overwritten is fetched back; what is local now goes to the local trash.
            HeldAction::Overwrite => {
                for id in rows {
                    self.index.restore(id)?;
                }
            }
            HeldAction::Delete => {
                for id in rows {
                    if let Some(node) = self.index.node(id)? {
                        self.want_back(node)?;
                        self.change_below(id, Change::WantedBack)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// What was approved and is not to be deleted any more is forgotten: should it vanish again, that is
/// nothing that a person has seen.
pub(super) fn forget_needless_approvals(
    index: &mut Index,
    settings: &FolderSettings,
    due: impl Iterator<Item = NodeId>,
) -> Result<(), FolderError> {
    let mut approved: BTreeSet<NodeId> = index.approved(HeldAction::Delete)?.into_iter().collect();
    for row in due {
        approved.remove(&row);
    }
    for id in approved {
        let decision = match index.node(id)? {
            Some(node) => deciding::decide(index, settings, &node)?,
            None => None,
        };
        if decision.is_some_and(|decision| !decision.action.is_delete()) {
            index.release_held(id)?;
        }
    }
    Ok(())
}

/// The nearest directory above a row that is among these.
pub(in crate::folder) fn above(
    index: &Index,
    row: NodeId,
    rows: &BTreeSet<NodeId>,
) -> Result<Option<NodeId>, FolderError> {
    let Some(node) = index.node(row)? else { return Ok(None) };
    let above = index.directories_above(node.parent)?;
    Ok(above.iter().map(|directory| directory.id).find(|id| rows.contains(id)))
}

/// What waits to be deleted.
pub(in crate::folder) fn held_deletes(index: &Index) -> Result<Option<HeldDeletes>, FolderError> {
    let waiting = index.count_waiting(HeldAction::Delete)?;
    if waiting == 0 {
        return Ok(None);
    }
    let counted = index.fact(Fact::HeldDeletes)?.unwrap_or_default();
    let mut words = counted.split(' ');
    let mut number = || words.next().and_then(|text| text.parse().ok());
    let (entries, files, lost_before) = (number(), number(), number());
    Ok(Some(HeldDeletes {
        entries: entries.unwrap_or(waiting),
        files: files.unwrap_or(0),
        lost_before: lost_before.unwrap_or(0),
        held_for: words.next().and_then(DeletesHeldFor::of_word).unwrap_or(DeletesHeldFor::Amount),
    }))
}

/// Which of the rows that are to be deleted wait already: themselves, as a part of a directory that
/// waited as a whole, or as a directory that takes along what waited in it.
pub(super) fn still_waiting(
    index: &Index,
    waited: &BTreeSet<NodeId>,
    fresh: &BTreeSet<NodeId>,
) -> Result<BTreeSet<NodeId>, FolderError> {
    let mut still: BTreeSet<NodeId> = waited.intersection(fresh).copied().collect();
    if !waited.is_empty() {
        for id in fresh.difference(waited) {
            if above(index, *id, waited)?.is_some() {
                still.insert(*id);
            }
        }
    }
    for id in waited.difference(fresh) {
        still.extend(above(index, *id, fresh)?);
    }
    Ok(still)
}

/// How much goes because a person approved it.
pub(in crate::folder) fn approved_amount(
    index: &Index,
    settings: &FolderSettings,
) -> Result<Amount, FolderError> {
    let mut sum = Amount::default();
    for id in index.approved(HeldAction::Delete)? {
        if let Some(node) = index.node(id)?
            && let Some(Action::Trash(side)) =
                deciding::decide(index, settings, &node)?.map(|decision| decision.action)
        {
            sum += deleting::amount_at(index, &node, side)?;
        }
    }
    Ok(sum)
}

/// What a person approved that is not done yet: one thing at a time, in the order in which it was asked
/// about.
pub(in crate::folder) fn approved_action(index: &Index) -> Result<Option<HeldAction>, FolderError> {
    for action in [HeldAction::Overwrite, HeldAction::Delete] {
        if !index.approved(action)?.is_empty() {
            return Ok(Some(action));
        }
    }
    Ok(None)
}
