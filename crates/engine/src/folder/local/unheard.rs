//! Changes that no event tells of: a file that is written through a name elsewhere, and rules behind a link.
//!
//! Where the other place is in the folder too, what is seen there leads to a look at this one. Where it is
//! not, the directory is read now and then.

use std::collections::BTreeMap;
use std::time::Duration;

use jottad_core::{Name, RelativePath};

use crate::disk::{DiskEntry, DiskNode, FileStat};
use crate::event::LinkedRules;
use crate::folder::{Folder, FolderError};
use crate::index::{Node, NodeId};
use crate::time::Now;

/// How long other names of a changed file are left alone: whoever writes may go on writing.
const OTHER_NAMES_DELAY: Duration = Duration::from_secs(1);
/// Most directories that one poll reads.
const MOST_POLLED: usize = 64;
/// Most rows that one poll looks at.
const MOST_ROWS: usize = 4096;

/// What is to be looked at without being told.
#[derive(Debug, Default)]
pub(super) struct Unheard {
    /// What a `.jottaignore` that is a link leads to, by its directory.
    linked_rules: BTreeMap<RelativePath, LinkedRules>,
    /// When the next poll is due.
    poll_at: Option<Duration>,
    /// It is due, and begins when something can be read.
    is_due: bool,
    /// The inode at which the last poll ended.
    polled_to: Option<i64>,
    /// Files that have names which are no rows, as last counted.
    files: u64,
}

impl Unheard {
    pub(in crate::folder) fn deadline(&self) -> Option<Duration> {
        self.poll_at
    }

    pub(in crate::folder) fn timer(&mut self, now: Now) {
        if self.poll_at.is_some_and(|time| time <= now.monotonic) {
            self.poll_at = None;
            self.is_due = true;
        }
    }

    /// A directory was read, and its rules with it.
    pub(super) fn note_rules(&mut self, directory: &RelativePath, linked: Option<LinkedRules>) {
        match linked {
            Some(linked) => drop(self.linked_rules.insert(directory.clone(), linked)),
            None => drop(self.linked_rules.remove(directory)),
        }
    }

    /// The directories whose rules may have changed, after what was seen in another one. Each is told once:
    /// reading it notes its rules again.
    fn take_changed_rules(&mut self, directory: &RelativePath, entries: &[DiskEntry]) -> Vec<RelativePath> {
        let is_changed = |at: &RelativePath, linked: &LinkedRules| {
            at != directory && linked.path.starts_with(directory) && !shows(directory, entries, linked)
        };
        let changed = self.linked_rules.iter().filter(|(at, linked)| is_changed(at, linked));
        let changed: Vec<RelativePath> = changed.map(|(at, _)| at.clone()).collect();
        for at in &changed {
            self.linked_rules.remove(at);
        }
        changed
    }
}

/// Whether a directory holds what leads to the rules as they were read.
fn shows(directory: &RelativePath, entries: &[DiskEntry], linked: &LinkedRules) -> bool {
    let mut below = linked.path.components().skip(directory.depth());
    let Some(name) = below.next().and_then(|name| Name::new(name).ok()) else { return false };
    let is_last = below.next().is_none();
    entries.iter().filter(|entry| entry.name == name).any(|entry| match entry.node {
        DiskNode::File(stat) => is_last && stat == linked.stat,
        DiskNode::Directory(_) => !is_last,
        DiskNode::Other(_) => false,
    })
}

impl Folder {
    /// How many files have names that no watch covers, as last counted.
    pub(in crate::folder) fn unheard_files(&self) -> u64 {
        self.scanning.unheard.files
    }

    /// Rules that lie in a directory may be those of another one.
    pub(super) fn follow_changed_rules(&mut self, directory: &RelativePath, entries: &[DiskEntry]) {
        for at in self.scanning.unheard.take_changed_rules(directory, entries) {
            self.scanning.want_directory(at);
        }
    }

    /// A file with several names has changed: the others have changed with it. Those in the directory that is
    /// being read are seen anyway.
    pub(in crate::folder) fn look_at_other_names(
        &mut self,
        node: &Node,
        stat: &FileStat,
        being_read: Option<NodeId>,
        now: Now,
    ) -> Result<(), FolderError> {
        if stat.links < 2 {
            return Ok(());
        }
        self.arm_poll(now);
        for other in self.index.outdated_names(node.id, stat)? {
            if Some(other.parent) != being_read {
                let directory = self.index.path(other.parent)?;
                self.scanning.delay(directory, now.monotonic + OTHER_NAMES_DELAY);
            }
        }
        Ok(())
    }

    /// Everything was read. What cannot be heard of is counted, and polled if there is any.
    pub(super) fn count_unheard(&mut self, now: Now) -> Result<(), FolderError> {
        self.scanning.unheard.files = self.index.count_unheard_files()?;
        if !self.scanning.unheard.linked_rules.is_empty() || self.index.has_several_names()? {
            self.arm_poll(now);
        }
        Ok(())
    }

    fn arm_poll(&mut self, now: Now) {
        let next = now.monotonic + self.settings.poll;
        self.scanning.unheard.poll_at.get_or_insert(next);
    }

    /// Reads, once a poll is due, the directories with linked rules and a share of those with files that have
    /// names elsewhere.
    pub(super) fn poll_unheard(&mut self, now: Now) -> Result<(), FolderError> {
        if !std::mem::take(&mut self.scanning.unheard.is_due) {
            return Ok(());
        }
        let mut directories: Vec<RelativePath> =
            self.scanning.unheard.linked_rules.keys().take(MOST_POLLED).cloned().collect();
        let rows = self.index.names_after(self.scanning.unheard.polled_to, MOST_ROWS)?;
        // Of the last file of a full page there may be more rows.
        let is_cut = rows.len() == MOST_ROWS;
        let mut parents: Vec<NodeId> = Vec::new();
        let mut polled_to = None;
        let files: Vec<_> = rows.chunk_by(|one, next| one.inode == next.inode).collect();
        let whole = if is_cut && files.len() > 1 { files.len() - 1 } else { files.len() };
        let mut is_full = false;
        for names in files.into_iter().take(whole) {
            if parents.len() >= MOST_POLLED {
                is_full = true;
                break;
            }
            polled_to = names.last().map(|name| name.inode);
            let known = u32::try_from(names.len()).unwrap_or(u32::MAX);
            // What jottad itself did through one name, setting a time, is not known of the others.
            let is_one = names.windows(2).all(|two| two[0].changed == two[1].changed);
            if !is_one || names.iter().any(|name| name.links > known) {
                parents.extend(names.iter().map(|name| name.parent));
                parents.sort_unstable();
                parents.dedup();
            }
        }
        self.scanning.unheard.polled_to = polled_to.filter(|_| is_cut || is_full);
        for parent in parents {
            directories.push(self.index.path(parent)?);
        }
        for directory in directories {
            self.scanning.want_directory(directory);
        }
        self.count_unheard(now)
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::builders::{at, file_stat};
    use crate::disk::Identity;

    fn stat(changed: i64) -> FileStat {
        FileStat { changed, ..file_stat(7, 3) }
    }

    #[test]
    fn rules_behind_a_link_are_read_again_when_what_leads_to_them_changed() {
        let path = |path: &str| RelativePath::parse(path.as_bytes()).unwrap();
        let entry = |name: &str, node| DiskEntry { name: Name::try_from(name).unwrap(), node };
        let directory = DiskNode::Directory(Identity { inode: 9, born: 1 });
        let cases = [
            ("a/b", vec![entry("rules", DiskNode::File(stat(5)))], false),
            ("a/b", vec![entry("rules", DiskNode::File(stat(6)))], true),
            ("a/b", vec![entry("rules", directory)], true),
            ("a/b", vec![], true),
            ("a", vec![entry("b", directory)], false),
            ("a", vec![entry("b", DiskNode::File(stat(5)))], true),
            ("a", vec![], true),
            ("", vec![], true),
            ("c", vec![], false),
            ("a/b/c", vec![], false),
            // It was read with its rules.
            ("x", vec![], false),
        ];
        for (seen, entries, expected) in cases {
            let mut unheard = Unheard::default();
            let linked = LinkedRules { path: path("a/b/rules"), stat: stat(5) };
            unheard.note_rules(&path("x"), Some(linked));
            let changed = unheard.take_changed_rules(&path(seen), &entries);
            assert_eq!(!changed.is_empty(), expected, "{seen}: {entries:?}");
            assert_eq!(unheard.take_changed_rules(&path(seen), &entries), [], "it is told once");
        }
    }

    #[test]
    fn a_poll_is_due_at_its_time_and_once() {
        let mut unheard = Unheard { poll_at: Some(Duration::from_secs(100)), ..Unheard::default() };
        unheard.timer(at(99));
        assert_eq!((unheard.deadline(), unheard.is_due), (Some(Duration::from_secs(100)), false));
        unheard.timer(at(100));
        assert_eq!((unheard.deadline(), unheard.is_due), (None, true));
    }
}
