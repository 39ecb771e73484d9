//! What overwrites: counted before a round sends anything, and held for a person where it is nearly
//! everything.
//!
//! The service keeps few revisions of a file (protocol 4.6, U-37). A disk full of encrypted or garbled files
//! must not wash the good ones out.

use std::collections::BTreeSet;

use jottad_core::{Entry, is_written_once};

use super::holding::{self, CountedOverwrites, Rewrites, month_before, too_many_rewrites};
use crate::folder::{Folder, FolderError};
use crate::index::{Cursor, Difference, Fact, HeldAction, Local, Node, NodeId};
use crate::time::Now;

const PAGE: u32 = 256;

/// Whether files that the base has may be overwritten on the service in this round.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overwriting {
    #[default]
    Free,
    /// It depends on files that are not hashed yet.
    Unsure,
    /// Only what a person approved.
    Held,
    /// All but what is held.
    SomeHeld,
}

/// How far the overwrites were counted.
#[derive(Debug, Default)]
pub(super) struct Counting {
    cursor: Cursor,
    counted: CountedOverwrites,
}

impl Folder {
    /// Counts what would be overwritten and parks all of it if it is too much, or what should not change if
    /// too much of that did within a month. What a person approved does not count. Tells whether it is done;
    /// it is not if there are too many rows for one step. What changes meanwhile counts in the next round.
    pub(super) fn count_overwrites(&mut self, now: Now) -> Result<bool, FolderError> {
        if !self.settings.mode.pushes() {
            self.round.overwriting = Overwriting::Free;
            return Ok(true);
        }
        let files = self.index.totals().base_files;
        let mut counting = std::mem::take(&mut self.round.counting_overwrites);
        loop {
            let page = self.index.page(Difference::Edited, counting.cursor, PAGE)?;
            let Some(last) = page.last() else { break };
            if !self.round.spend(page.len()) {
                self.round.counting_overwrites = counting;
                return Ok(false);
            }
            counting.cursor = Cursor::after(last);
            for node in page {
                holding::count_overwrite(&self.index, &node, &mut counting.counted)?;
            }
        }
        let rewrites = self.rewrites_too_much(counting.counted.lasting(), now)?;
        let hold = counting.counted.judge(files, rewrites, holding::rewritten_before(&self.index)?);
        let rewritten = hold.rewritten.map(|count| count.to_string());
        self.index.set_fact(Fact::HeldRewrites, rewritten.as_deref())?;
        self.index.set_waiting(HeldAction::Overwrite, &hold.rows)?;
        self.round.overwriting = hold.overwriting;
        Ok(true)
    }

    /// Whether too many of the files that should not change were rewritten within a month.
    fn rewrites_too_much(
        &mut self,
        lasting: &BTreeSet<NodeId>,
        now: Now,
    ) -> Result<Option<Rewrites>, FolderError> {
        if lasting.is_empty() {
            return Ok(None);
        }
        for id in lasting {
            self.index.note_rewritten(*id, now.wall)?;
        }
        let rewritten = self.index.count_rewritten(month_before(now.wall))?;
        too_many_rewrites(rewritten, || self.count_written_once())
    }

    /// How many files the base has that are made once and then left as they are. They are counted again when
    /// the base has another number of files.
    fn count_written_once(&mut self) -> Result<u64, FolderError> {
        let files = self.index.totals().base_files;
        match self.written_once {
            Some((of, count)) if of == files => Ok(count),
            _ => {
                let count = self.index.count_files_named(is_written_once)?;
                self.written_once = Some((files, count));
                Ok(count)
            }
        }
    }

    /// Whether sending a file must wait because it would be one of too many that overwrite.
    pub(super) fn waits_to_overwrite(&self, node: &Node) -> Result<bool, FolderError> {
        Ok(match self.round.overwriting {
            Overwriting::Free => false,
            Overwriting::SomeHeld => self.index.waits(node.id, HeldAction::Overwrite)?,
            Overwriting::Unsure | Overwriting::Held => {
                edit(node).is_some()
                    && !self.index.is_approved(node.id, HeldAction::Overwrite)?
                    && !self.index.is_restored(node.id)?
            }
        })
    }
}

/// Whether a local file has other content than the base, which the service still has; `Some(false)` while
/// that is not known, `None` if nothing of the base would be overwritten.
pub(super) fn edit(node: &Node) -> Option<bool> {
    let (base @ Entry::File(_), remote @ Entry::File(_)) = (node.base_entry(), node.remote_entry()) else {
        return None;
    };
    match (node.local, node.trees()) {
        _ if !remote.same_content(base) => None,
        (Local::File { .. }, Some(trees)) => (!trees.local.same_content(base)).then_some(true),
        (Local::File { .. }, None) => Some(false),
        _ => None,
    }
}

#[cfg(test)]
pub(in crate::folder) mod tests {
    use jottad_core::{Content, File, Md5, Timestamp};

    use super::*;
    use crate::builders::new_index;
    use crate::folder::plan::deleting::tests::{file, now, remove, settings};
    use crate::index::{Base, BaseEntry, Stamp};
    use crate::remote::RemoteNode;
    use crate::scope::Failure;
    use crate::status::{Hold, ProblemKind};

    const DAY: i64 = 24 * 3600;

    /// A folder of so many files.
    pub(in crate::folder) fn folder(files: usize, ending: &str) -> (tempfile::TempDir, Folder, Vec<NodeId>) {
        let (place, mut index) = new_index();
        let rows = (0..files).map(|number| file(&mut index, NodeId::ROOT, &format!("f{number}{ending}"), 10));
        let rows = rows.collect();
        (place, Folder::new(settings(), index).unwrap(), rows)
    }

    /// Other content is on the disk, for the how manieth time; without a hash it is not known what.
    pub(in crate::folder) fn garble(folder: &mut Folder, id: NodeId, time: u8, is_hashed: bool) {
        let mut node = folder.index.node(id).unwrap().unwrap();
        let Local::File { mut stat, .. } = node.local else { panic!("{node:?}") };
        stat.changed += 1;
        let md5 = is_hashed.then(|| Md5::from_bytes([100 + time; 16]));
        node.local = Local::File { stat, md5 };
        folder.index.forget_word(id).unwrap();
        folder.index.save(&mut node).unwrap();
    }

    /// What is on the disk was sent.
    fn agree(folder: &mut Folder, id: NodeId) {
        let mut node = folder.index.node(id).unwrap().unwrap();
        let Local::File { stat, md5: Some(md5) } = node.local else { panic!("{node:?}") };
        let sent = File { content: Content { size: stat.size, md5 }, modified: stat.modified };
        node.base =
            Some(Base { entry: BaseEntry::File(sent), identity: stat.identity, stamp: Stamp::of(&stat) });
        node.remote.as_mut().unwrap().node = RemoteNode::File(sent);
        folder.index.save(&mut node).unwrap();
    }

    /// Counts to the end.
    pub(in crate::folder) fn recount(folder: &mut Folder) {
        count(folder, 1);
    }

    fn count(folder: &mut Folder, seconds: i64) -> Overwriting {
        folder.round.counting_overwrites = Counting::default();
        folder.round.begin_step();
        assert!(folder.count_overwrites(now(seconds)).unwrap());
        folder.round.overwriting
    }

    /// How many files wait to overwrite what the service has.
    fn held(folder: &Folder) -> u64 {
        match folder.hold().unwrap() {
            Some(Hold::Overwrites { files, .. }) => files,
            None => 0,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn overwrites_that_wait_go_on_waiting_whatever_else_changes() {
        let (_place, mut folder, files) = folder(120, ".txt");
        for id in &files[..70] {
            garble(&mut folder, *id, 0, true);
        }
        assert_eq!(count(&mut folder, 1), Overwriting::Held);
        assert_eq!(held(&folder), 70);
        // The folder grows.
        for number in 0..40 {
            file(&mut folder.index, NodeId::ROOT, &format!("README {number}"), 10);
        }
        assert_eq!(count(&mut folder, 2), Overwriting::SomeHeld);
        assert_eq!(held(&folder), 70);
        // It shrinks below what is ever held.
        for id in &files[80..] {
            remove(&mut folder.index, *id);
            let mut node = folder.index.node(*id).unwrap().unwrap();
            (node.base, node.remote) = (None, None);
            folder.index.save(&mut node).unwrap();
        }
        count(&mut folder, 3);
        assert_eq!(held(&folder), 70);
        // They are garbled once more, and not hashed for a while.
        for is_hashed in [false, true] {
            for id in &files[..70] {
                garble(&mut folder, *id, 1, is_hashed);
            }
            count(&mut folder, 4);
            assert_eq!(held(&folder), 70);
            let node = folder.index.node(files[0]).unwrap().unwrap();
            assert!(folder.waits_to_overwrite(&node).unwrap());
        }
        // One is as it was: it waits no longer.
        let mut node = folder.index.node(files[0]).unwrap().unwrap();
        let Local::File { stat, .. } = node.local else { panic!("{node:?}") };
        node.local = Local::File { stat, md5: Some(Md5::from_bytes([7; 16])) };
        folder.index.save(&mut node).unwrap();
        count(&mut folder, 5);
        assert_eq!(held(&folder), 69);
        folder.approve(now(6)).unwrap();
        assert_eq!((count(&mut folder, 7), held(&folder)), (Overwriting::Free, 0));
    }

    #[test]
    fn photos_that_wait_go_on_waiting_when_a_month_is_over_or_the_clock_is_set() {
        let (_place, mut folder, files) = folder(99, ".jpg");
        for id in &files[..19] {
            garble(&mut folder, *id, 0, true);
        }
        assert_eq!((count(&mut folder, 1), held(&folder)), (Overwriting::Free, 0));
        assert_eq!(holding::rewritten_before(&folder.index).unwrap(), None);
        garble(&mut folder, files[19], 0, true);
        assert_eq!(count(&mut folder, 29 * DAY), Overwriting::SomeHeld);
        assert_eq!(held(&folder), 20);
        assert_eq!(holding::rewritten_before(&folder.index).unwrap(), Some(20));
        assert_eq!(count(&mut folder, 61 * DAY), Overwriting::SomeHeld);
        assert_eq!(held(&folder), 20);
    }

    #[test]
    fn what_was_rewritten_more_than_a_month_ago_counts_no_more() {
        for (days, expected) in [(29, Overwriting::SomeHeld), (31, Overwriting::Free)] {
            let (_place, mut folder, files) = folder(99, ".jpg");
            for id in &files[..19] {
                garble(&mut folder, *id, 0, true);
            }
            count(&mut folder, 100 * DAY);
            for id in &files[..19] {
                agree(&mut folder, *id);
            }
            garble(&mut folder, files[19], 0, true);
            assert_eq!(count(&mut folder, (100 + days) * DAY), expected, "{days} days");
        }
    }

    /// Something was deleted, which waits, and something else is saved under its name: that is an edit like
    /// any other.
    #[test]
    fn a_delete_that_waits_makes_no_edit_wait() {
        let (_place, mut folder, files) = folder(120, ".txt");
        folder.index.hold(files[0], HeldAction::Delete).unwrap();
        garble(&mut folder, files[0], 0, true);
        assert_eq!((count(&mut folder, 1), held(&folder)), (Overwriting::Free, 0));
        let node = folder.index.node(files[0]).unwrap().unwrap();
        assert!(!folder.waits_to_overwrite(&node).unwrap());
    }

    #[test]
    fn an_approval_is_about_the_content_that_was_shown_and_the_rest_is_counted_anew() {
        let (_place, mut folder, files) = folder(120, ".txt");
        for id in &files[..70] {
            garble(&mut folder, *id, 0, true);
        }
        count(&mut folder, 1);
        folder.approve(now(2)).unwrap();
        assert_eq!((count(&mut folder, 3), held(&folder)), (Overwriting::Free, 0));
        // A few more go as always.
        for id in &files[70..80] {
            garble(&mut folder, *id, 0, true);
        }
        assert_eq!((count(&mut folder, 4), held(&folder)), (Overwriting::Free, 0));
        for id in &files[80..110] {
            garble(&mut folder, *id, 0, true);
        }
        assert_eq!((count(&mut folder, 5), held(&folder)), (Overwriting::Held, 40));
        let [approved, fresh] = [0, 80].map(|at: usize| folder.index.node(files[at]).unwrap().unwrap());
        assert!(!folder.waits_to_overwrite(&approved).unwrap());
        assert!(folder.waits_to_overwrite(&fresh).unwrap());
    }

    #[test]
    fn a_clock_that_is_set_makes_no_month_end() {
        let (_place, mut folder, files) = folder(99, ".jpg");
        for id in &files[..19] {
            garble(&mut folder, *id, 0, true);
        }
        count(&mut folder, 1);
        folder.index.shift_times(40 * DAY).unwrap();
        garble(&mut folder, files[19], 0, true);
        assert_eq!(count(&mut folder, 40 * DAY + 2), Overwriting::SomeHeld);
    }

    #[test]
    fn what_is_not_hashed_yet_may_be_too_much_unless_it_cannot_be_read() {
        let (_place, mut folder, files) = folder(120, ".txt");
        for id in &files[..70] {
            garble(&mut folder, *id, 0, false);
        }
        assert_eq!((count(&mut folder, 1), held(&folder)), (Overwriting::Unsure, 0));
        let [unhashed, same] = [0, 100].map(|at: usize| folder.index.node(files[at]).unwrap().unwrap());
        assert!(folder.waits_to_overwrite(&unhashed).unwrap());
        assert!(!folder.waits_to_overwrite(&same).unwrap());
        for id in &files[..70] {
            let failure = Failure { kind: ProblemKind::Unreadable, remedy: "none", pause: None };
            folder.put_problem(*id, failure, "it lasts".to_owned(), now(1)).unwrap();
        }
        assert_eq!((count(&mut folder, 2), held(&folder)), (Overwriting::Free, 0));
    }

    #[test]
    fn what_is_written_once_is_counted_again_when_there_are_more_files_and_not_before() {
        let (_place, mut folder, _) = folder(30, ".jpg");
        assert_eq!(folder.count_written_once().unwrap(), 30);
        file(&mut folder.index, NodeId::ROOT, "more.jpg", 10);
        assert_eq!(folder.count_written_once().unwrap(), 31);
        file(&mut folder.index, NodeId::ROOT, "more.txt", 10);
        assert_eq!(folder.count_written_once().unwrap(), 31);
        folder.written_once = Some((32, 7));
        assert_eq!(folder.count_written_once().unwrap(), 7, "they were not counted again");
    }

    #[test]
    fn an_edit_is_other_content_here_than_both_sides_had_and_the_service_still_has() {
        let (_place, folder, files) = folder(1, ".txt");
        let agreed = folder.index.node(files[0]).unwrap().unwrap();
        let Local::File { stat, md5 } = agreed.local else { panic!("{agreed:?}") };
        let other = Local::File { stat: crate::disk::FileStat { changed: 2, ..stat }, md5: Some(Md5::EMPTY) };
        let unhashed = Local::File { stat: crate::disk::FileStat { changed: 2, ..stat }, md5: None };
        let changed = RemoteNode::File(File {
            content: Content { size: 10, md5: Md5::from_bytes([9; 16]) },
            modified: Timestamp::from_seconds(1),
        });
        for (local, remote, expected) in [
            (Local::File { stat, md5 }, None, None),
            (other, None, Some(true)),
            (unhashed, None, Some(false)),
            (Local::Absent, None, None),
            (other, Some(changed), None),
            (unhashed, Some(changed), None),
        ] {
            let mut node = agreed.clone();
            node.local = local;
            if let (Some(changed), Some(record)) = (remote, &mut node.remote) {
                record.node = changed;
            }
            assert_eq!(edit(&node), expected, "{local:?}, {remote:?}");
            for forget in [|node: &mut Node| node.base = None, |node: &mut Node| node.remote = None] {
                let mut node = node.clone();
                forget(&mut node);
                assert_eq!(edit(&node), None);
            }
        }
    }
}
