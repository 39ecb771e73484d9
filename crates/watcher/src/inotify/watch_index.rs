//! From watch descriptor to node. Not a hash map: descriptors only grow, so a sorted vector is the smallest.

use super::tree::NodeId;

/// Finds the node of a watch. 8 bytes per watch; the kernel gives out descriptors in growing order.
#[derive(Debug, Default)]
pub(super) struct WatchIndex {
    entries: Vec<(i32, Option<NodeId>)>,
    live: usize,
}

impl WatchIndex {
    /// How many watches there are.
    pub(super) fn len(&self) -> usize {
        self.live
    }

    pub(super) fn get(&self, watch: i32) -> Option<NodeId> {
        let at = self.position(watch).ok()?;
        self.entries[at].1
    }

    pub(super) fn insert(&mut self, watch: i32, node: NodeId) {
        match self.position(watch) {
            Ok(at) => {
                self.live += usize::from(self.entries[at].1.is_none());
                self.entries[at].1 = Some(node);
            }
            Err(at) => {
                self.live += 1;
                self.entries.insert(at, (watch, Some(node)));
            }
        }
    }

    pub(super) fn remove(&mut self, watch: i32) {
        let Ok(at) = self.position(watch) else { return };
        if self.entries[at].1.take().is_none() {
            return;
        }
        self.live -= 1;
        // Half of it dead: close the gaps, which costs less than the removals that made them.
        if self.entries.len() > 64 && self.live < self.entries.len() / 2 {
            self.entries.retain(|(_, node)| node.is_some());
            self.entries.shrink_to(self.live * 2);
        }
    }

    fn position(&self, watch: i32) -> Result<usize, usize> {
        // Nearly always a new watch is the largest.
        match self.entries.last() {
            Some((last, _)) if *last < watch => Err(self.entries.len()),
            _ => self.entries.binary_search_by_key(&watch, |(watch, _)| *watch),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_answers_like_a_map(steps in prop::collection::vec((0..200_i32, prop::option::of(0..9_u32)), 0..600)) {
            let (mut index, mut model) = (WatchIndex::default(), BTreeMap::new());
            for (watch, node) in steps {
                if let Some(node) = node {
                    index.insert(watch, NodeId(node));
                    model.insert(watch, NodeId(node));
                } else {
                    index.remove(watch);
                    model.remove(&watch);
                }
            }
            prop_assert_eq!(index.len(), model.len());
            for watch in 0..200 {
                prop_assert_eq!(index.get(watch), model.get(&watch).copied());
            }
        }
    }
}
