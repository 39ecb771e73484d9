//! A model of two sides whose entries keep their identity when they are renamed, and the rounds that carry
//! the renames of one side to the other. It knows no contents: what a round cannot move counts as left over.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jottad_core::RelativePath;
use jottad_core::moves::{Candidate, Parked, Step, arrange, missing_directories};

/// Which entry something is, wherever it lies.
pub(crate) type Identity = u32;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) identity: Identity,
    pub(crate) is_directory: bool,
}

impl fmt::Debug for Node {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}", self.identity, if self.is_directory { "/" } else { "" })
    }
}

/// One side, or the base.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tree(pub(crate) BTreeMap<RelativePath, Node>);

impl Tree {
    pub(crate) fn get(&self, path: &RelativePath) -> Option<Node> {
        self.0.get(path).copied()
    }

    pub(crate) fn is_directory(&self, path: &RelativePath) -> bool {
        path.is_root() || self.get(path).is_some_and(|node| node.is_directory)
    }

    pub(crate) fn insert(&mut self, path: RelativePath, node: Node) -> Result<(), String> {
        let parent = path.parent().unwrap_or_default();
        if !self.is_directory(&parent) {
            return Err(format!("{parent} is not a directory"));
        }
        if self.0.contains_key(&path) {
            return Err(format!("{path} is taken"));
        }
        self.0.insert(path, node);
        Ok(())
    }

    pub(crate) fn remove(&mut self, path: &RelativePath) {
        self.0.retain(|other, _| !other.starts_with(path));
    }

    /// Moves an entry with everything below it, as a server that refuses everything doubtful would.
    pub(crate) fn rename(&mut self, from: &RelativePath, to: &RelativePath) -> Result<(), String> {
        if !self.0.contains_key(from) {
            return Err(format!("{from} is not there"));
        }
        if self.0.contains_key(to) {
            return Err(format!("{to} is taken"));
        }
        if to.starts_with(from) {
            return Err(format!("{from} cannot go into itself"));
        }
        let parent = to.parent().unwrap_or_default();
        if !self.is_directory(&parent) {
            return Err(format!("{parent} is not a directory"));
        }
        let entries = std::mem::take(&mut self.0);
        self.0 =
            entries.into_iter().map(|(path, node)| (path.rebase(from, to).unwrap_or(path), node)).collect();
        Ok(())
    }

    fn files(&self) -> BTreeMap<&RelativePath, Identity> {
        self.0
            .iter()
            .filter(|(_, node)| !node.is_directory)
            .map(|(path, node)| (path, node.identity))
            .collect()
    }
}

/// Both sides and what the base knows; renames are carried from the local to the remote side.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) local: Tree,
    pub(crate) base: Tree,
    pub(crate) remote: Tree,
    /// What was done on the remote side, for people.
    pub(crate) log: Vec<String>,
    /// Whether the rounds ended at a knot.
    pub(crate) knotted: bool,
}

impl World {
    /// Both sides agree on a tree.
    pub(crate) fn agreed(tree: Tree) -> Self {
        Self { local: tree.clone(), base: tree.clone(), remote: tree, log: Vec::new(), knotted: false }
    }

    pub(crate) fn candidates(&self) -> Vec<Candidate> {
        let places: BTreeMap<_, _> = self.local.0.iter().map(|(path, node)| (node.identity, path)).collect();
        let departed = self.base.0.iter().filter_map(|(from, known)| {
            let to = *places.get(&known.identity)?;
            let is_there = self.remote.get(from) == Some(*known);
            let known_at_target = self.base.get(to);
            let arrived = known_at_target.is_none_or(|node| node.identity != known.identity)
                && (known_at_target.is_none() || self.remote.get(to).is_some());
            (from != to && is_there && arrived).then(|| Candidate {
                from: from.clone(),
                to: to.clone(),
                occupied: self.remote.get(to).is_some(),
            })
        });
        departed.collect()
    }

    fn is_agreed_directory(&self, path: &RelativePath) -> bool {
        self.remote.is_directory(path) && self.base.is_directory(path)
    }

    fn is_free_or_directory(&self, path: &RelativePath) -> bool {
        self.remote.is_directory(&path.parent().unwrap_or_default())
            && self.remote.get(path).is_none_or(|node| node.is_directory)
    }

    /// Carries every rename over that can be, as the engine would.
    pub(crate) fn settle(&mut self) -> Result<(), String> {
        let bound = 4 * self.local.0.len() + 8;
        for _ in 0..bound {
            if self.round()? {
                continue;
            }
            self.knotted |= self.is_knotted();
            if !self.make_and_adopt_directories()? {
                return Ok(());
            }
        }
        Err(format!("not settled after {bound} rounds"))
    }

    /// The files that are not where they should be.
    pub(crate) fn left_over(&self) -> usize {
        let remote = self.remote.files();
        self.local.files().iter().filter(|(path, identity)| remote.get(**path) != Some(*identity)).count()
    }

    /// Whether some renames wait for each other in a circle that parking cannot open: one needs a place
    /// inside a directory that itself waits for it to leave, or went below itself. Only these can cost
    /// content.
    fn is_knotted(&self) -> bool {
        let known: BTreeMap<_, _> = self.base.0.iter().map(|(path, node)| (node.identity, path)).collect();
        let pairs: Vec<_> = self
            .local
            .0
            .iter()
            .filter_map(|(to, node)| Some((*known.get(&node.identity)?, to)))
            .filter(|(from, to)| from != to)
            .collect();
        let below = |path: &RelativePath, above: &RelativePath| path != above && path.starts_with(above);
        let nests = |one: usize, other: usize| {
            let ((from, to), (other_from, other_to)) = (pairs[one], pairs[other]);
            let needs_place = self.remote.get(to).is_some();
            below(to, other_from) || below(to, other_to) || (needs_place && below(from, other_from))
        };
        let waits = |one: usize, other: usize| nests(one, other) || pairs[one].1 == pairs[other].0;
        let reaches = |from: usize, to: usize| {
            let mut seen = BTreeSet::from([from]);
            let mut open = vec![from];
            while let Some(here) = open.pop() {
                if here == to {
                    return true;
                }
                open.extend((0..pairs.len()).filter(|next| waits(here, *next) && seen.insert(*next)));
            }
            false
        };
        (0..pairs.len()).any(|one| (0..pairs.len()).any(|other| nests(one, other) && reaches(other, one)))
    }

    /// One round of moves; whether anything was done.
    fn round(&mut self) -> Result<bool, String> {
        let candidates = self.candidates();
        let missing = missing_directories(&candidates, |path| self.is_agreed_directory(path));
        let mut made = false;
        for path in &missing {
            // Something else in its place is a matter for the path rules.
            if self.is_free_or_directory(path) {
                self.make(path)?;
                made = true;
            }
        }
        let steps = arrange(candidates, |path| self.is_agreed_directory(path));
        let mut parked = BTreeMap::new();
        let mut moved = BTreeSet::new();
        for step in &steps {
            self.apply(step, &mut parked, &mut moved)
                .map_err(|error| format!("{step:?} of {steps:?}: {error}\n{self:#?}"))?;
        }
        if parked.is_empty() {
            Ok(made || !steps.is_empty())
        } else {
            Err(format!("{parked:?} stay parked after {steps:?}"))
        }
    }

    fn apply(
        &mut self,
        step: &Step,
        parked: &mut BTreeMap<RelativePath, RelativePath>,
        moved: &mut BTreeSet<Identity>,
    ) -> Result<(), String> {
        let (from, to) = match step.parked {
            Parked::No => (step.from.clone(), step.to.clone()),
            Parked::To => {
                let name = format!("~{}", parked.len()).as_str().try_into().map_err(|_| "bad name")?;
                let place = step.from.parent().unwrap_or_default().join(&name);
                parked.insert(step.from.clone(), place.clone());
                (step.from.clone(), place)
            }
            Parked::From => (parked.remove(&step.from).ok_or("nothing is parked for it")?, step.to.clone()),
        };
        if step.parked != Parked::From {
            let subject = self.remote.get(&from).ok_or("nothing to move")?;
            if !moved.insert(subject.identity) {
                return Err(format!("{from} moves twice"));
            }
        }
        self.remote.rename(&from, &to)?;
        self.base.rename(&from, &to)?;
        self.log.push(format!("{from} → {to}"));
        Ok(())
    }

    fn make(&mut self, path: &RelativePath) -> Result<(), String> {
        let here = self.local.get(path).ok_or_else(|| format!("{path} is made for nothing"))?;
        if !self.remote.is_directory(path) {
            self.remote.insert(path.clone(), here).map_err(|error| format!("making {path}: {error}"))?;
        }
        self.base.0.insert(path.clone(), here);
        self.log.push(format!("make {path}"));
        Ok(())
    }

    /// What the path rules do to directories: make those that are missing, and know those that agree.
    fn make_and_adopt_directories(&mut self) -> Result<bool, String> {
        let mut changed = false;
        let directories: Vec<_> = self
            .local
            .0
            .iter()
            .filter(|(_, node)| node.is_directory)
            .map(|(path, node)| (path.clone(), *node))
            .collect();
        for (path, here) in directories {
            let parent = path.parent().unwrap_or_default();
            match self.remote.get(&path) {
                None if self.remote.is_directory(&parent) => {
                    self.make(&path)?;
                    changed = true;
                }
                Some(there) if there.is_directory && there.identity != here.identity => {
                    self.remote.0.insert(path.clone(), here);
                    self.base.0.insert(path, here);
                    changed = true;
                }
                _ => {}
            }
        }
        Ok(changed)
    }
}
