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
/// Most small files of a directory that are hashed by one command: to open and read one takes less time than
/// a command does.
const MOST_TOGETHER: usize = 64;
const PAGE: u32 = 64;

/// Files that are being hashed.
#[derive(Debug, Default)]
pub(in crate::folder) struct Hashing {
    running: BTreeMap<CommandId, Vec<(NodeId, FileStat)>>,
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
        Self::has_room(self.running.values().map(|files| bytes_of(files)))
    }

    fn is_running(&self, node: NodeId) -> bool {
        self.running.values().flatten().any(|(running, _)| *running == node)
    }
}

impl Folder {
    pub(in crate::folder) fn issue_hashes(&mut self) -> Result<(), FolderError> {
        while self.hashing.may_go_on() {
            let (directory, files) = self.next_to_hash()?;
            if files.is_empty() {
                break;
            }
            let directory = self.index.path(directory)?;
            let running = files.iter().map(|(node, stat)| (node.id, *stat)).collect();
            let files = files.iter().map(|(node, stat)| (directory.join(&node.name), *stat)).collect();
            let id = self.issue(Task::Hash { files });
            self.hashing.running.insert(id, running);
        }
        Ok(())
    }

    /// Files of one directory that are to be read, as many as one command is worth; none if there are none
    /// any more.
    fn next_to_hash(&mut self) -> Result<(NodeId, Vec<(Node, FileStat)>), FolderError> {
        let mut directory = NodeId::NEW;
        let mut files: Vec<(Node, FileStat)> = Vec::new();
        let mut bytes = 0_u64;
        while files.len() < MOST_TOGETHER
            && let Some(next) = self.next_unhashed()?
        {
            let Some(mut node) = self.index.node(next)? else { continue };
            let Some(stat) = self.must_be_read(&mut node)? else { continue };
            bytes = bytes.saturating_add(stat.size);
            if !files.is_empty() && (node.parent != directory || bytes > SMALL) {
                self.hashing.ahead.push_front(next);
                break;
            }
            directory = node.parent;
            files.push((node, stat));
        }
        Ok((directory, files))
    }

    /// The next row whose file has no hash, as far as the walk over these has come.
    fn next_unhashed(&mut self) -> Result<Option<NodeId>, FolderError> {
        while self.hashing.ahead.is_empty() && !self.hashing.over {
            let page = self.index.page(Difference::Unhashed, self.hashing.cursor, PAGE)?;
            match page.last() {
                Some(last) => self.hashing.cursor = Cursor::after(last),
                None => self.hashing.over = true,
            }
            for node in page {
                self.hashing.ahead.push_back(node.id);
                self.index.remember(node);
            }
        }
        Ok(self.hashing.ahead.pop_front())
    }

    /// What a file must be whose hash only reading it can tell; `None` if nothing is to be read now. A hash
    /// that is known otherwise is noted.
    fn must_be_read(&mut self, node: &mut Node) -> Result<Option<FileStat>, FolderError> {
        let Local::File { stat, md5: None } = node.local else { return Ok(None) };
        if self.hashing.is_running(node.id)
            || self.pacing.is_resting(node.id)
            || self.is_new_for_sure(node)
            || self
                .index
                .problem(node.id)?
                .is_some_and(|problem| problem.next_try != Some(crate::folder::BEING_TRIED))
        {
            return Ok(None);
        }
        if let Some(md5) = hash_without_reading(&self.index, node, &stat)? {
            self.set_hash(node, stat, md5)?;
            return Ok(None);
        }
        Ok(Some(stat))
    }

    /// Whether a file that is only looked at would be sent whatever it holds: nothing was ever agreed on that
    /// it could be, and nothing is at its place on the service.
    pub(in crate::folder) fn is_new_for_sure(&self, node: &Node) -> bool {
        self.purpose == Purpose::Look && node.remote.is_none() && self.index.totals().base_entries == 0
    }

    pub(in crate::folder) fn hashed(
        &mut self,
        command: CommandId,
        results: Result<Vec<Result<Md5, DiskError>>, DiskError>,
        now: Now,
    ) -> Result<(), FolderError> {
        let Some(files) = self.hashing.running.remove(&command) else { return Ok(()) };
        match results {
            Ok(hashes) => {
                for ((id, stat), hash) in files.into_iter().zip(hashes) {
                    self.file_hashed(id, stat, hash.as_ref(), now)?;
                }
            }
            Err(error) => {
                for (id, stat) in files {
                    self.file_hashed(id, stat, Err(&error), now)?;
                }
            }
        }
        Ok(())
    }

    fn file_hashed(
        &mut self,
        id: NodeId,
        stat: FileStat,
        hash: Result<&Md5, &DiskError>,
        now: Now,
    ) -> Result<(), FolderError> {
        if hash.is_ok() {
            self.hashing.restless.remove(&id);
        }
        let Some(mut node) = self.index.node(id)? else {
            self.hashing.restless.remove(&id);
            // The file may be in another row by now.
            self.hashing.restart();
            return Ok(());
        };
        match hash {
            // What was hashed counts only for what was seen before: the stat may have been replaced
            // meanwhile.
            Ok(md5) => {
                if node.local == (Local::File { stat, md5: None }) {
                    self.set_hash(&mut node, stat, *md5)?;
                } else {
                    self.hashing.restart();
                }
                Ok(())
            }
            Err(error) if self.take_lost_root(error, now) => Ok(()),
            // An operation that has ended meanwhile has told what is in it, or it is no file any more.
            Err(_) if !matches!(node.local, Local::File { md5: None, .. }) => Ok(()),
            Err(error) => self.hash_failed(&node, error, now),
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

fn bytes_of(files: &[(NodeId, FileStat)]) -> u64 {
    files.iter().fold(0, |bytes, (_, stat)| bytes.saturating_add(stat.size))
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
    use jottad_core::{Name, Timestamp};

    use super::*;
    use crate::builders::{at, file_stat, new_index, path, settings};
    use crate::disk::Identity;

    /// A directory with files of so many bytes each, named by their numbers.
    fn add(folder: &mut Folder, directory: &str, sizes: &[u64]) {
        let name = |text: &str| Name::try_from(text).unwrap();
        let mut parent = Node::new(NodeId::ROOT, name(directory));
        parent.local = Local::Directory(Identity { inode: 2, born: 1 });
        folder.index.save(&mut parent).unwrap();
        for (number, size) in sizes.iter().enumerate() {
            let mut node = Node::new(parent.id, name(&number.to_string()));
            node.local = Local::File { stat: file_stat(9, *size), md5: None };
            folder.index.save(&mut node).unwrap();
        }
    }

    /// How many files each command reads, and where.
    fn asked(folder: &mut Folder) -> Vec<(String, usize)> {
        folder.issue_hashes().unwrap();
        let asked = std::mem::take(&mut folder.commands).into_iter().map(|command| match command.task {
            Task::Hash { files } => (files[0].0.parent().unwrap().to_string(), files.len()),
            other => panic!("{other:?}"),
        });
        asked.collect()
    }

    #[test]
    fn small_files_of_a_directory_are_hashed_together_and_large_ones_alone() {
        let (_place, index) = new_index();
        let mut folder = Folder::new(settings(), index).unwrap();
        add(&mut folder, "many", &[100; 70]);
        add(&mut folder, "few", &[100, 100]);
        add(&mut folder, "large", &[5, 1 << 30, 5]);
        add(&mut folder, "more", &[5]);
        let expected = [("many", 64), ("many", 6), ("few", 2), ("large", 1), ("large", 1)];
        assert_eq!(asked(&mut folder), expected.map(|(at, files)| (at.to_owned(), files)));
        assert_eq!(asked(&mut folder), [], "the large one is enough for now");
        let large = *folder.hashing.running.last_key_value().unwrap().0;
        let now = at(1);
        folder.hashed(large, Ok(vec![Ok(Md5::from_bytes([1; 16]))]), now).unwrap();
        assert_eq!(asked(&mut folder), [("large", 1), ("more", 1)].map(|(at, files)| (at.to_owned(), files)));
        assert!(!folder.hashing.is_idle() && folder.hashing.over);
    }

    /// The others of its command have their hashes all the same.
    #[test]
    fn a_file_that_cannot_be_read_is_a_problem_of_its_own() {
        let (_place, index) = new_index();
        let mut folder = Folder::new(settings(), index).unwrap();
        add(&mut folder, "d", &[1, 1, 1]);
        assert_eq!(asked(&mut folder).len(), 1);
        let command = *folder.hashing.running.first_key_value().unwrap().0;
        let denied =
            || DiskError { action: "reading", path: path("d/1"), kind: DiskErrorKind::PermissionDenied };
        let hash = |byte| Ok(Md5::from_bytes([byte; 16]));
        folder.hashed(command, Ok(vec![hash(1), Err(denied()), hash(3)]), at(1)).unwrap();
        let row = |name| folder.index.locate(&path(name)).unwrap().unwrap();
        let md5 = |name| match row(name).local {
            Local::File { md5, .. } => md5,
            other => panic!("{other:?}"),
        };
        assert_eq!([md5("d/0"), md5("d/1"), md5("d/2")], [hash(1).ok(), None, hash(3).ok()]);
        let problem = folder.index.problem(row("d/1").id).unwrap().unwrap();
        assert_eq!(problem.reason, "the file cannot be read: permission denied");
        assert_eq!(folder.index.problem(row("d/0").id).unwrap(), None);
        // Without its root none was read, and none has a problem for it.
        folder.hashing.restart();
        add(&mut folder, "e", &[1, 1]);
        assert_eq!(asked(&mut folder), [("e".to_owned(), 2)]);
        let command = *folder.hashing.running.first_key_value().unwrap().0;
        let lost = DiskError { kind: DiskErrorKind::RootLost, ..denied() };
        folder.hashed(command, Err(lost), at(2)).unwrap();
        assert!(folder.hashing.running.is_empty());
        let row = folder.index.locate(&path("e/0")).unwrap().unwrap();
        assert_eq!(folder.index.problem(row.id).unwrap(), None);
    }

    /// Its problem would stay: nobody would read it once more.
    #[test]
    fn what_needs_no_reading_any_more_is_no_problem_for_not_having_been_read() {
        let (_place, index) = new_index();
        let mut folder = Folder::new(settings(), index).unwrap();
        add(&mut folder, "d", &[1, 1]);
        assert_eq!(asked(&mut folder), [("d".to_owned(), 2)]);
        let command = *folder.hashing.running.first_key_value().unwrap().0;
        let row = |folder: &Folder, name| folder.index.locate(&path(name)).unwrap().unwrap();
        let mut fetched = row(&folder, "d/0");
        folder.set_hash(&mut fetched, file_stat(9, 1), Md5::from_bytes([1; 16])).unwrap();
        let mut gone = row(&folder, "d/1");
        gone.local = Local::Absent;
        folder.index.save(&mut gone).unwrap();
        let denied =
            || DiskError { action: "reading", path: path("d/0"), kind: DiskErrorKind::PermissionDenied };
        folder.hashed(command, Ok(vec![Err(denied()), Err(denied())]), at(1)).unwrap();
        for id in [fetched.id, gone.id] {
            assert_eq!(folder.index.problem(id).unwrap(), None);
        }
    }

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

    /// To read a file costs much, and to take another one for it would lose what it holds.
    #[test]
    fn a_file_is_taken_for_the_one_that_was_hashed_if_all_that_a_disk_says_of_it_is_the_same() {
        type Change = fn(&mut FileStat);
        let (_place, mut index) = new_index();
        let row = crate::folder::plan::deleting::tests::file(&mut index, NodeId::ROOT, "a", 10);
        let node = index.node(row).unwrap().unwrap();
        let agreed = node.base_entry().file().unwrap();
        let Local::File { stat, .. } = node.local else { panic!("it is a file") };
        let changes: [(&str, Change); 6] = [
            ("nothing", |_| {}),
            ("its size", |stat| stat.size += 1),
            ("its time", |stat| stat.modified = Timestamp::from_seconds(9)),
            ("the time of its last change", |stat| stat.changed += 1),
            ("another file", |stat| stat.identity.inode += 1),
            ("it cannot be told from another one", |stat| stat.identity.born = 0),
        ];
        for (what, change) in changes {
            let mut stat = stat;
            change(&mut stat);
            let known = hash_without_reading(&index, &node, &stat).unwrap();
            assert_eq!(known, (what == "nothing").then_some(agreed.content.md5), "{what}");
        }
    }
}
