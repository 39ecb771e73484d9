//! Hashing what changed: the only time that file contents are read before they are sent.

use std::collections::{BTreeMap, VecDeque};

use jottad_core::Md5;

use crate::disk::{DiskError, DiskErrorKind, FileStat};
use crate::event::{CommandId, Task};
use crate::folder::failures::CROWDED;
use crate::folder::{Folder, FolderError, Purpose};
use crate::index::{Cursor, Difference, Index, Local, Node, NodeId, Stamp};
use crate::scope::{Finding, found};
use crate::status::ProblemKind;
use crate::time::Now;

/// Most files that are hashed at one time: more would only make the disk seek.
const MOST_HASHES: usize = 2;
/// Most files if they are small: what takes time then is to find them.
const MOST_SMALL_HASHES: usize = 8;
/// How many bytes small files have together.
const SMALL: u64 = 1 << 20;
const PAGE: u32 = 64;

/// Files that are being hashed.
#[derive(Debug, Default)]
pub(in crate::folder) struct Hashing {
    running: BTreeMap<CommandId, (NodeId, FileStat)>,
    /// How often in a row a file changed while it was hashed.
    restless: BTreeMap<NodeId, u32>,
    /// Rows that were read and wait for their turn, which comes one at a time.
    ahead: VecDeque<NodeId>,
    /// Behind the last of them.
    cursor: Cursor,
    /// The cursor has seen every file that is to be hashed.
    over: bool,
}

impl Hashing {
    /// There may be new files to hash.
    pub(in crate::folder) fn restart(&mut self) {
        self.ahead.clear();
        self.cursor = Cursor::default();
        self.over = false;
    }

    pub(in crate::folder) fn is_idle(&self) -> bool {
        self.running.is_empty() && self.over
    }

    /// Whether another file may be hashed now.
    pub(super) fn has_room(sizes: impl Iterator<Item = u64>) -> bool {
        let (count, bytes) =
            sizes.fold((0, 0_u64), |(count, bytes), size| (count + 1, bytes.saturating_add(size)));
        count < MOST_HASHES || (count < MOST_SMALL_HASHES && bytes < SMALL)
    }

    fn may_go_on(&self) -> bool {
        Self::has_room(self.running.values().map(|(_, stat)| stat.size))
    }

    fn is_running(&self, node: NodeId) -> bool {
        self.running.values().any(|(running, _)| *running == node)
    }
}

impl Folder {
    pub(in crate::folder) fn issue_hashes(&mut self) -> Result<(), FolderError> {
        while self.hashing.may_go_on() && !self.hashing.over {
            let Some(next) = self.hashing.ahead.pop_front() else {
                let page = self.index.page(Difference::Unhashed, self.hashing.cursor, PAGE)?;
                match page.last() {
                    Some(last) => self.hashing.cursor = Cursor::after(last),
                    None => self.hashing.over = true,
                }
                for node in page {
                    self.hashing.ahead.push_back(node.id);
                    self.index.remember(node);
                }
                continue;
            };
            if let Some(mut node) = self.index.node(next)? {
                self.issue_hash(&mut node)?;
            }
        }
        Ok(())
    }

    fn issue_hash(&mut self, node: &mut Node) -> Result<(), FolderError> {
        let Local::File { stat, md5: None } = node.local else { return Ok(()) };
        if self.hashing.is_running(node.id)
            || self.pacing.is_resting(node.id)
            || self.is_new_for_sure(node)
            || self
                .index
                .problem(node.id)?
                .is_some_and(|problem| problem.next_try != Some(crate::folder::BEING_TRIED))
        {
            return Ok(());
        }
        if let Some(md5) = hash_without_reading(&self.index, node, &stat)? {
            return self.set_hash(node, stat, md5);
        }
        let path = self.index.path(node.id)?;
        let id = self.issue(Task::Hash { path, stat });
        self.hashing.running.insert(id, (node.id, stat));
        Ok(())
    }

    /// Whether a file that is only looked at would be sent whatever it holds: nothing was ever agreed on that
    /// it could be, and nothing is at its place on the service.
    pub(in crate::folder) fn is_new_for_sure(&self, node: &Node) -> bool {
        self.purpose == Purpose::Look && node.remote.is_none() && self.index.totals().base_entries == 0
    }

    pub(in crate::folder) fn hashed(
        &mut self,
        command: CommandId,
        result: Result<Md5, DiskError>,
        now: Now,
    ) -> Result<(), FolderError> {
        let Some((id, stat)) = self.hashing.running.remove(&command) else { return Ok(()) };
        if result.is_ok() {
            self.hashing.restless.remove(&id);
        }
        let Some(mut node) = self.index.node(id)? else {
            self.hashing.restless.remove(&id);
            // The file may be in another row by now.
            self.hashing.restart();
            return Ok(());
        };
        match result {
            // What was hashed counts only for what was seen before: the stat may have been replaced
            // meanwhile.
            Ok(md5) => {
                if node.local == (Local::File { stat, md5: None }) {
                    self.set_hash(&mut node, stat, md5)?;
                } else {
                    self.hashing.restart();
                }
                Ok(())
            }
            Err(error) if self.take_lost_root(&error, now) => Ok(()),
            Err(error) => self.hash_failed(&node, &error, now),
        }
    }

    fn set_hash(&mut self, node: &mut Node, stat: FileStat, md5: Md5) -> Result<(), FolderError> {
        node.local = Local::File { stat, md5: Some(md5) };
        self.save_observed(node)
    }

    pub(super) fn hash_failed(
        &mut self,
        node: &Node,
        error: &DiskError,
        now: Now,
    ) -> Result<(), FolderError> {
        let path = self.index.path(node.id)?;
        match error.kind {
            DiskErrorKind::Changed | DiskErrorKind::NotFound | DiskErrorKind::MountChanged => {
                if let Some(parent) = path.parent() {
                    self.scanning.want_directory(parent);
                }
                // What has changed once more is no evidence that it rests by now.
                let attempts = self.hashing.restless.entry(node.id).or_default();
                *attempts += 1;
                let problem = self.index.problem(node.id)?;
                let is_told = problem.is_some_and(|problem| problem.kind == ProblemKind::KeepsChanging);
                if *attempts > crate::folder::MOST_ATTEMPTS || is_told {
                    self.hashing.restless.remove(&node.id);
                    let reason = "the file changes while it is read".to_owned();
                    self.put_problem(node.id, found(Finding::KeepsChanging), reason, now)?;
                } else {
                    self.hashing.restart();
                }
            }
            DiskErrorKind::TooManyFiles => self.pacing.rest_for(node.id, CROWDED, now),
            _ => {
                let reason = format!("the file cannot be read: {}", error.kind);
                self.put_problem(node.id, found(Finding::UnreadableFile), reason, now)?;
            }
        }
        Ok(())
    }
}

/// A file whose every stat is that of a file that was hashed is that file: a directory above it was
/// renamed.
fn hash_without_reading(index: &Index, node: &Node, stat: &FileStat) -> Result<Option<Md5>, FolderError> {
    if let (Some(base), Some(file)) = (node.base, node.base_entry().file())
        && stat.identity.born != 0
        && base.identity == stat.identity
        && base.stamp == Stamp::of(stat)
        && file.content.size == stat.size
    {
        return Ok(Some(file.content.md5));
    }
    Ok(index.known_hash(stat)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_files_are_read_at_one_time_and_some_more_if_they_are_small() {
        const LARGE: u64 = 5 << 30;
        let table: [(&[u64], bool); 7] = [
            (&[], true),
            (&[LARGE], true),
            (&[LARGE, LARGE], false),
            (&[LARGE, 0], false),
            (&[4096; 7], true),
            (&[4096; 8], false),
            (&[600 << 10; 2], false),
        ];
        for (sizes, expected) in table {
            assert_eq!(Hashing::has_room(sizes.iter().copied()), expected, "{sizes:?}");
        }
    }
}
