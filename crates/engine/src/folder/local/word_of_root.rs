//! What is missing in a root that was held is shown before it is deleted, however little it is, and is asked
//! about once. That holds after a person's word that the root is right as it is, and where the hold is over
//! without one: a file that is saved in an empty root brings back nothing of what was missing. It holds also
//! where nobody had looked while the root was empty.

use std::collections::BTreeSet;

use jottad_core::{Action, Name};

use crate::disk::{DiskEntry, DiskNode, Identity};
use crate::folder::backlog::Change;
use crate::folder::plan::approvals;
use crate::folder::plan::deciding;
use crate::folder::{Folder, FolderError};
use crate::index::{ChildCursor, Fact, Index, NodeId};
use crate::planted::{self, Planted};

/// A root with fewer files than this has lost them as people put one thing in the place of another.
const FEWEST_FILES: u64 = 5;
/// Most rows that are looked through for what is left in a root.
const MOST_AT_ROOT: usize = 1024;
const PAGE: u32 = 256;

/// The word, as it is written down until all that it is about was shown.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::folder) struct WordOfRoot {
    /// The rows at and below which that was not seen yet; `None` while it is so everywhere.
    unseen: Option<BTreeSet<NodeId>>,
}

impl WordOfRoot {
    /// The word when it is given.
    pub(in crate::folder) fn about_everything() -> String {
        Self { unseen: None }.text()
    }

    /// Anything that is not understood is a word about everything.
    fn parse(text: &str) -> Self {
        let rows = text.strip_prefix("at ").map(|rows| rows.split(' ').map(|row| row.parse().map(NodeId)));
        Self { unseen: rows.and_then(|rows| rows.collect::<Result<_, _>>().ok()) }
    }

    fn text(&self) -> String {
        match &self.unseen {
            None => "1".to_owned(),
            Some(unseen) => unseen.iter().fold("at".to_owned(), |text, row| format!("{text} {}", row.0)),
        }
    }
}

impl Folder {
    /// Writes down that a root is held for what is missing in it.
    pub(in crate::folder) fn note_held_root(&mut self) -> Result<(), FolderError> {
        if self.root.is_held_for_what_is_missing() && !planted::is(Planted::HeldRootForgotten) {
            self.index.set_fact(Fact::HoldNextDeletes, Some(&WordOfRoot::about_everything()))?;
        }
        Ok(())
    }

    /// Writes down that nothing of what was in the root is there any more, and something else is: it was
    /// emptied, or its disk is gone, and somebody saved something before it was looked at.
    pub(super) fn note_emptied_root(
        &mut self,
        root: NodeId,
        entries: &[DiskEntry],
    ) -> Result<(), FolderError> {
        if self.has_lost_all(root, entries)? && !planted::is(Planted::HeldRootForgotten) {
            self.index.set_fact(Fact::HoldNextDeletes, Some(&WordOfRoot::about_everything()))?;
        }
        Ok(())
    }

    /// Whether none of the entries of the root that were agreed on is there any more. Much is not looked
    /// through: to delete that is asked about in any case.
    fn has_lost_all(&self, root: NodeId, entries: &[DiskEntry]) -> Result<bool, FolderError> {
        let totals = self.index.totals();
        if entries.is_empty()
            || entries.len() > MOST_AT_ROOT
            || totals.base_files < FEWEST_FILES
            || totals.base_entries > MOST_AT_ROOT as u64
        {
            return Ok(false);
        }
        let there: BTreeSet<&Name> = entries.iter().map(|entry| &entry.name).collect();
        let (mut cursor, mut has_lost) = (ChildCursor::default(), false);
        for _ in 0..MOST_AT_ROOT / PAGE as usize {
            let page = self.index.next_children(root, &mut cursor, PAGE)?;
            for node in page.iter().filter(|node| node.base.is_some() && node.local.kind().is_some()) {
                if there.contains(&node.name) {
                    return Ok(false);
                }
                has_lost = true;
            }
            if page.len() < PAGE as usize {
                return Ok(has_lost && !self.is_any_known_elsewhere(root, entries)?);
            }
        }
        Ok(false)
    }

    /// Whether an entry of the root is known from another place: then things were moved, and not lost.
    fn is_any_known_elsewhere(&self, root: NodeId, entries: &[DiskEntry]) -> Result<bool, FolderError> {
        let identities: Vec<Identity> = entries
            .iter()
            .filter_map(|entry| match entry.node {
                DiskNode::File(stat) => Some(stat.identity),
                DiskNode::Directory(identity) => Some(identity),
                DiskNode::Other(_) => None,
            })
            .collect();
        let (mut directories, mut left) = (vec![root], 2 * MOST_AT_ROOT);
        while let Some(directory) = directories.pop() {
            let mut cursor = ChildCursor::default();
            loop {
                let page = self.index.next_children(directory, &mut cursor, PAGE)?;
                for node in &page {
                    if node.local.identity().is_some_and(|known| identities.contains(&known)) {
                        return Ok(true);
                    }
                    if node.local.is_directory() {
                        directories.push(node.id);
                    }
                }
                left = left.saturating_sub(page.len());
                if left == 0 {
                    return Ok(false);
                }
                if page.len() < PAGE as usize {
                    break;
                }
            }
        }
        Ok(false)
    }

    /// Follows a person's word that what is missing is wanted back, where the root is not held any more as it
    /// was when that was said. Tells whether there is anything to bring back. `fresh` is what would be
    /// deleted and was approved by nobody.
    pub(in crate::folder) fn want_back_instead_of_deleting(
        &mut self,
        fresh: &BTreeSet<NodeId>,
    ) -> Result<bool, FolderError> {
        let Some(missing) = self.rejected_side() else { return Ok(false) };
        let trash = Action::Trash(missing.other());
        for id in asked_for(&self.index, fresh)? {
            let decision = self
                .index
                .node(id)?
                .map(|node| deciding::decide(&self.index, &self.settings, &node))
                .transpose()?
                .flatten();
            if decision.is_some_and(|decision| decision.action == trash) {
                self.change_below(NodeId::ROOT, Change::MissingWantedBack(missing))?;
                self.round.restart();
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The same at once, where no delete asks about it: nothing is ever deleted, or this is only a look.
    pub(in crate::folder) fn want_back_at_once(&mut self) -> Result<(), FolderError> {
        if let Some(missing) = self.rejected_side() {
            self.forget_decision()?;
            self.change_below(NodeId::ROOT, Change::MissingWantedBack(missing))?;
            self.round.restart();
        }
        Ok(())
    }

    /// Nothing is left to be deleted, or a person has seen it. If everything was looked at, what was said of
    /// the root has had its deletes shown, but for those at and below rows that have kept a problem since:
    /// what is missing there may not have been seen. A problem that lasts does not have each later delete
    /// asked about.
    pub(in crate::folder) fn spend_word_of_root(&mut self) -> Result<(), FolderError> {
        let Some(text) = self.index.fact(Fact::HoldNextDeletes)? else { return Ok(()) };
        if !self.is_looked_through() {
            return Ok(());
        }
        let failing = self.index.problems()?.into_iter().map(|problem| problem.node);
        let unseen = match WordOfRoot::parse(&text).unseen {
            Some(unseen) => failing.filter(|node| unseen.contains(node)).collect(),
            None => failing.collect::<BTreeSet<NodeId>>(),
        };
        // What was wanted back is on its way.
        self.forget_decision()?;
        let left = (!unseen.is_empty()).then(|| WordOfRoot { unseen: Some(unseen) }.text());
        if left.as_ref() != Some(&text) {
            self.index.set_fact(Fact::HoldNextDeletes, left.as_deref())?;
        }
        Ok(())
    }

    /// Whether everything was looked at.
    fn is_looked_through(&self) -> bool {
        self.scanning.is_idle()
            && self.scanning.was_complete()
            && self.listing.is_idle()
            && self.rechecks.is_idle()
    }
}

/// Which of the rows that are to be deleted a person is to see first, for a word that was said of the
/// root.
pub(in crate::folder) fn asked_for(
    index: &Index,
    fresh: &BTreeSet<NodeId>,
) -> Result<BTreeSet<NodeId>, FolderError> {
    let Some(text) = index.fact(Fact::HoldNextDeletes)? else { return Ok(BTreeSet::new()) };
    let Some(unseen) = WordOfRoot::parse(&text).unseen else { return Ok(fresh.clone()) };
    let mut asked_for: BTreeSet<NodeId> = fresh.intersection(&unseen).copied().collect();
    for id in fresh {
        if approvals::above(index, *id, &unseen)?.is_some() {
            asked_for.insert(*id);
        }
    }
    // A directory takes along what is in it.
    for id in &unseen {
        asked_for.extend(approvals::above(index, *id, fresh)?);
    }
    Ok(asked_for)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_a_root_is_written_down_as_it_is_read() {
        for unseen in [None, Some(BTreeSet::from([NodeId(7)])), Some(BTreeSet::from([NodeId(3), NodeId(12)]))]
        {
            let word = WordOfRoot { unseen };
            assert_eq!(WordOfRoot::parse(&word.text()), word);
        }
        for damaged in ["", "at", "at x", "at 3 "] {
            assert_eq!(WordOfRoot::parse(damaged), WordOfRoot { unseen: None }, "{damaged:?}");
        }
    }
}
