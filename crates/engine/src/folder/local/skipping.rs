//! What is left out on purpose: counted for each directory when it is read, so that `status` need not look
//! for it.

use std::collections::BTreeMap;

use jottad_core::RelativePath;

use crate::disk::{DiskEntry, DiskNode, OtherKind};
use crate::folder::{Folder, FolderError};
use crate::index::NodeId;
use crate::status::Skipped;

/// Why an entry is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    Rule,
    TooLarge,
    Link,
    Special,
}

/// What was left out of which directory, as it was read last. It is not kept beyond a run: everything is read
/// at the start.
#[derive(Debug, Default)]
pub(in crate::folder) struct Skipping {
    directories: BTreeMap<NodeId, Skipped>,
    total: Skipped,
}

impl Skipping {
    /// A directory was read.
    pub(in crate::folder) fn note(&mut self, directory: NodeId, skipped: Skipped) {
        self.forget(directory);
        if skipped != Skipped::default() {
            self.directories.insert(directory, skipped);
            self.total = self.total.with(skipped);
        }
    }

    /// No directory is there any more.
    pub(in crate::folder) fn forget(&mut self, directory: NodeId) {
        if let Some(before) = self.directories.remove(&directory) {
            self.total = self.total.without(before);
        }
    }

    /// In all directories together.
    pub(in crate::folder) fn total(&self) -> Skipped {
        self.total
    }
}

impl Skipped {
    /// One more for this reason.
    pub(super) fn count(&mut self, reason: Reason) {
        *match reason {
            Reason::Rule => &mut self.rules,
            Reason::TooLarge => &mut self.max_size,
            Reason::Link => &mut self.links,
            Reason::Special => &mut self.special,
        } += 1;
    }

    fn with(self, other: Self) -> Self {
        Self {
            rules: self.rules + other.rules,
            max_size: self.max_size + other.max_size,
            links: self.links + other.links,
            special: self.special + other.special,
        }
    }

    fn without(self, other: Self) -> Self {
        Self {
            rules: self.rules - other.rules,
            max_size: self.max_size - other.max_size,
            links: self.links - other.links,
            special: self.special - other.special,
        }
    }
}

impl Folder {
    /// Why an entry stays out of it all, whatever the other side has; `None` if it does not.
    pub(super) fn why_skipped(&self, directory: &RelativePath, entry: &DiskEntry) -> Option<Reason> {
        let is_directory = matches!(entry.node, DiskNode::Directory(_));
        if self.rules.may_ignore(&entry.name)
            && self.rules.ignores(&directory.join(&entry.name), is_directory)
        {
            return Some(Reason::Rule);
        }
        match entry.node {
            DiskNode::Other(OtherKind::Symlink) => Some(Reason::Link),
            DiskNode::Other(_) => Some(Reason::Special),
            DiskNode::File(stat) if self.settings.is_too_large(stat.size) => Some(Reason::TooLarge),
            DiskNode::File(_) | DiskNode::Directory(_) => None,
        }
    }

    /// Rows went elsewhere with their directories: what was left out is counted where those are read again.
    pub(in crate::folder) fn forget_skipped_where_no_directory_is(&mut self) -> Result<(), FolderError> {
        let directories: Vec<NodeId> = self.skipping.directories.keys().copied().collect();
        for id in directories {
            if !self.index.node(id)?.is_some_and(|node| node.local.is_directory()) {
                self.skipping.forget(id);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each directory counts as it was read last, and no more when it is gone.
    #[test]
    fn what_is_left_out_is_the_sum_of_what_is_left_out_of_each_directory() {
        let one = Skipped { rules: 1, max_size: 2, links: 3, special: 4 };
        let other = Skipped { rules: 50, max_size: 60, links: 70, special: 80 };
        let both = Skipped { rules: 51, max_size: 62, links: 73, special: 84 };
        let none = Skipped::default();
        let mut skipping = Skipping::default();
        for (directory, skipped, total) in [
            (1, one, one),
            (2, other, both),
            (1, one, both),
            (1, none, other),
            (1, one, both),
            (2, none, one),
            (1, other, other),
        ] {
            skipping.note(NodeId(directory), skipped);
            assert_eq!(skipping.total(), total);
        }
        skipping.forget(NodeId(2));
        assert_eq!(skipping.total(), other, "nothing was left out of it");
        skipping.forget(NodeId(1));
        assert_eq!(skipping.total(), none);
    }
}
