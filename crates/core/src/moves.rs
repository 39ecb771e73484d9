//! Which vanished entries are the appeared ones: moves, found before the path rules run.
//!
//! A slot is a path with its three trees. An entry *departed* from a slot when the base knew it there and it
//! is not there now; it *arrived* at a slot when it is there now and the base did not know it there. The
//! evidence that an arrival is a departure is the entry's identity on disk (inode and birth time), which a
//! rename keeps.
//!
//! Moves are an optimisation that may always be left out, and nothing here weighs the evidence or looks at a
//! tree. One pass goes in rounds until a round has nothing to do: make [`missing_directories`], [`arrange`]
//! the candidates, carry the steps out, move the base with them, look for candidates again. Then the path
//! rules make the directories that are still missing and the base takes over the identities of those that
//! agree; that frees what was stuck, so the rounds are tried once more before any content travels.
//!
//! Left to the path rules: pairs without a unique partner; a file whose place is held by something that does
//! not move away; an entry that moved below itself. Of a directory that is left to them, the entries inside
//! are moved one by one once the directory they go to is there.

use std::collections::{BTreeMap, BTreeSet};

use crate::path::RelativePath;

/// A pair with evidence: what departed from one slot arrived at another.
///
/// To be offered only while the other side still has at `from` what the base has, and the base has nothing at
/// `to` that the other side has not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// Where the base knew it.
    pub from: RelativePath,
    /// Where it is now.
    pub to: RelativePath,
    /// Whether the other side already has something at `to`, so that this move must wait until that has left.
    pub occupied: bool,
}

/// One step on the other side.
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
///
/// The two steps of a parked entry have the same `from` and `to`, which tells which belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parked {
    /// A plain move.
    No,
    /// The entry goes from `from` to a temporary name that the caller chooses in the same directory.
    To,
    /// The entry goes from that temporary name to `to`.
    From,
}

/// The directories that have to be made on the other side before these candidates can be arranged, top first.
///
/// Directories that a candidate will bring are not among them, nor any inside a directory that is about to
/// leave.
/// `is_directory` is asked about the other side and the base together.
pub fn missing_directories(
    candidates: &[Candidate],
    is_directory: impl Fn(&RelativePath) -> bool,
) -> BTreeSet<RelativePath> {
    let moving: BTreeSet<_> = candidates.iter().flat_map(|one| [&one.from, &one.to]).collect();
    let mut missing = BTreeSet::new();
    for candidate in candidates {
        if ancestors(&candidate.to).any(|above| moving.contains(&above)) {
            continue;
        }
        missing.extend(ancestors(&candidate.to).take_while(|above| !is_directory(above)));
    }
    missing
}

/// Arranges candidates into steps that the other side can take one after the other, each onto a free slot in
/// a directory that is there. `is_directory` is asked about the other side and the base together.
///
/// What cannot be done in this round (its directory is not there yet, its target is taken) is left out: the
/// next round sees it again, and a round without steps leaves the rest to the path rules.
pub fn arrange(candidates: Vec<Candidate>, is_directory: impl Fn(&RelativePath) -> bool) -> Vec<Step> {
    let mut pairs = unambiguous(candidates);
    loop {
        let leading = without_implied(&pairs);
        let outlooks = outlooks(&leading, &is_directory);
        let with = |outlook: Outlook| {
            outlooks.iter().filter(move |(_, one)| **one == outlook).map(|(from, _)| (*from).clone())
        };
        let hopeless: BTreeSet<_> = with(Outlook::Hopeless).collect();
        if hopeless.is_empty() {
            return in_order(&leading, &with(Outlook::Ready).collect());
        }
        // Without these, what would have gone along with them can go by itself.
        pairs.retain(|from, _| !hopeless.contains(from));
    }
}

/// Candidates by where they come from.
type Pairs = BTreeMap<RelativePath, Target>;

#[derive(Debug, Clone)]
struct Target {
    to: RelativePath,
    occupied: bool,
}

/// What a pair can expect of this round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outlook {
    Ready,
    /// Another pair has to be done first, and what then remains of this one is for the next round.
    Waiting,
    Hopeless,
}

/// Every directory above a path, the nearest first, without the root.
fn ancestors(path: &RelativePath) -> impl Iterator<Item = RelativePath> {
    std::iter::successors(path.parent(), RelativePath::parent).take_while(|above| !above.is_root())
}

/// Whether `path` lies below `above` and is not it.
fn strictly_below(path: &RelativePath, above: &RelativePath) -> bool {
    path != above && path.starts_with(above)
}

/// The candidates whose two ends belong to no other.
fn unambiguous(candidates: Vec<Candidate>) -> Pairs {
    let mut departures = BTreeMap::<_, u32>::new();
    let mut arrivals = BTreeMap::<_, u32>::new();
    for candidate in &candidates {
        *departures.entry(candidate.from.clone()).or_default() += 1;
        *arrivals.entry(candidate.to.clone()).or_default() += 1;
    }
    candidates
        .into_iter()
        .filter(|one| departures[&one.from] == 1 && arrivals[&one.to] == 1)
        .filter(|one| one.from != one.to && !one.from.is_root() && !one.to.is_root())
        .map(|Candidate { from, to, occupied }| {
            let occupied = occupied || departures.contains_key(&to);
            (from, Target { to, occupied })
        })
        .collect()
}

/// The pairs that do not simply go along with a directory above them.
fn without_implied(pairs: &Pairs) -> Pairs {
    let goes_along = |from: &RelativePath, to: &RelativePath| {
        let (mut from, mut to) = (from.split_last(), to.split_last());
        while from.1 == to.1 && !from.0.is_root() && !to.0.is_root() {
            if pairs.get(&from.0).is_some_and(|target| target.to == to.0) {
                return true;
            }
            (from, to) = (from.0.split_last(), to.0.split_last());
        }
        false
    };
    pairs
        .iter()
        .filter(|(from, target)| !goes_along(from, &target.to))
        .map(|(from, target)| (from.clone(), target.clone()))
        .collect()
}

fn outlooks<'pairs>(
    pairs: &'pairs Pairs,
    is_directory: &impl Fn(&RelativePath) -> bool,
) -> BTreeMap<&'pairs RelativePath, Outlook> {
    let arrivals: BTreeSet<_> = pairs.values().map(|target| &target.to).collect();
    let alone = |from: &RelativePath, target: &Target| {
        if strictly_below(&target.to, from) {
            return Some(Outlook::Hopeless);
        }
        if ancestors(&target.to).any(|above| pairs.contains_key(&above) || arrivals.contains(&above)) {
            return Some(Outlook::Waiting);
        }
        if ancestors(&target.to).next().is_some_and(|directory| !is_directory(&directory)) {
            return Some(Outlook::Waiting);
        }
        if !target.occupied {
            return Some(Outlook::Ready);
        }
        // A directory takes what is in it along, so an entry that needs a place to become free cannot leave
        // before its directory does: it follows in the next round.
        if ancestors(from).any(|above| pairs.contains_key(&above)) {
            return Some(Outlook::Waiting);
        }
        if !pairs.contains_key(&target.to) {
            return Some(Outlook::Hopeless);
        }
        None
    };
    let mut outlooks = BTreeMap::new();
    for first in pairs.keys() {
        // Down the chain of those who take each other's place, until one decides for all.
        let mut chain = Vec::new();
        let mut here = first;
        let decided = loop {
            if let Some(known) = outlooks.get(here) {
                break *known;
            }
            if here == first && !chain.is_empty() {
                break Outlook::Ready; // A ring: parking one of them frees the others.
            }
            let Some((from, target)) = pairs.get_key_value(here) else { break Outlook::Hopeless };
            chain.push(from);
            if let Some(known) = alone(from, target) {
                break known;
            }
            here = &target.to;
        };
        outlooks.extend(chain.into_iter().map(|from| (from, decided)));
    }
    outlooks
}

/// The ready pairs, each after those that must leave before it.
fn in_order(pairs: &Pairs, ready: &BTreeSet<RelativePath>) -> Vec<Step> {
    let mut steps = Vec::with_capacity(ready.len());
    let plain =
        |from: &RelativePath| Step { from: from.clone(), to: pairs[from].to.clone(), parked: Parked::No };
    // What leaves a directory that itself moves goes first, the deepest before all others: it waits for
    // nobody.
    let (inner, outer): (Vec<_>, Vec<_>) =
        ready.iter().partition(|from| ancestors(from).any(|above| ready.contains(&above)));
    steps.extend(inner.into_iter().rev().map(plain));

    let mut done = BTreeSet::new();
    for first in outer {
        let mut chain = Vec::new();
        let mut here = first;
        while ready.contains(here) && done.insert(here) {
            chain.push(here);
            here = &pairs[here].to;
        }
        let is_ring = !chain.is_empty() && here == first;
        if is_ring {
            steps.push(Step { parked: Parked::To, ..plain(first) });
            steps.extend(chain[1..].iter().rev().map(|from| plain(from)));
            steps.push(Step { parked: Parked::From, ..plain(first) });
        } else {
            steps.extend(chain.into_iter().rev().map(plain));
        }
    }
    steps
}
