mod asking;

use std::time::Duration;

use jottad_core::{Content, File, Md5, Name, Timestamp};

use super::*;
use crate::builders::{self, file_stat, new_index, open_index};
use crate::disk::Identity;
use crate::folder::local::root::Look;
use crate::folder::plan::approvals;
use crate::index::{Base, BaseEntry, Descend, Index, ROWS_READ, RemoteRecord, Stamp};
use crate::scope::Failure;
use crate::settings::FolderSettings;
use crate::status::{DeletesHeldFor, Hold, HoldLimit, Noted, ProblemKind};

pub(in crate::folder) fn now(seconds: i64) -> Now {
    Now { monotonic: Duration::from_secs(1000), wall: Timestamp::from_seconds(seconds) }
}

pub(in crate::folder) fn settings() -> FolderSettings {
    FolderSettings { list_at_start: false, ..builders::settings() }
}

fn name(text: &str) -> Name {
    Name::new(text.as_bytes().to_vec()).unwrap()
}

fn remote(node: RemoteNode) -> RemoteRecord {
    RemoteRecord { node, name: None, claimed: false }
}

/// A directory that both sides have.
pub(in crate::folder) fn directory(index: &mut Index, parent: NodeId, text: &str) -> NodeId {
    let mut node = Node::new(parent, name(text));
    node.local = Local::Directory(Identity { inode: 2, born: 1 });
    node.base = node.base_from_local();
    node.remote = Some(remote(RemoteNode::Directory));
    index.save(&mut node).unwrap();
    node.id
}

/// A file that both sides have.
pub(in crate::folder) fn file(index: &mut Index, parent: NodeId, text: &str, size: u64) -> NodeId {
    let modified = Timestamp::from_seconds(1);
    let content = Content { size, md5: Md5::from_bytes([7; 16]) };
    let stat = file_stat(3, size);
    let mut node = Node::new(parent, name(text));
    node.local = Local::File { stat, md5: Some(content.md5) };
    let agreed = File { content, modified };
    node.base =
        Some(Base { entry: BaseEntry::File(agreed), identity: stat.identity, stamp: Stamp::of(&stat) });
    node.remote = Some(remote(RemoteNode::File(agreed)));
    index.save(&mut node).unwrap();
    node.id
}

/// A row, and everything below it.
fn rows_from(index: &Index, top: NodeId) -> Vec<NodeId> {
    let mut rows = vec![top];
    index
        .walk(top, |node, _| {
            rows.push(node.id);
            Ok(Descend::Yes)
        })
        .unwrap();
    rows
}

/// Everything below a row, and the row, is gone locally.
pub(in crate::folder) fn remove(index: &mut Index, top: NodeId) {
    for id in rows_from(index, top) {
        let mut node = index.node(id).unwrap().unwrap();
        node.local = Local::Absent;
        index.save(&mut node).unwrap();
    }
}

/// Counts the deletes to the end and tells how many rows were read for it, and in how many steps.
fn count(folder: &mut Folder, time: i64) -> (u64, u32) {
    let before = ROWS_READ.with(std::cell::Cell::get);
    folder.round.deleting = Deleting::default();
    for step in 1..10_000 {
        folder.round.begin_step();
        if folder.count_deletes(now(time)).unwrap() {
            return (ROWS_READ.with(std::cell::Cell::get) - before, step);
        }
        assert!(folder.round.next_step().is_some(), "something changed");
    }
    panic!("counting does not end");
}

/// A folder of which a directory with so many files was removed: all in it, in as many directories in it, or
/// in directories each in the one before.
pub(in crate::folder) fn removed(files: usize, shape: &str) -> (tempfile::TempDir, Folder) {
    let (place, mut index) = new_index();
    let top = directory(&mut index, NodeId::ROOT, "top");
    let mut inner = top;
    for number in 0..files {
        match shape {
            "wide" => inner = directory(&mut index, top, &format!("d{number}")),
            "deep" if number % 4 == 0 => inner = directory(&mut index, inner, "d"),
            _ => {}
        }
        file(&mut index, inner, &format!("f{number}"), 10);
    }
    remove(&mut index, top);
    (place, Folder::new(settings(), index).unwrap())
}

#[test]
fn what_a_removed_directory_costs_grows_with_its_entries_and_no_faster() {
    for shape in ["flat", "wide", "deep"] {
        let cost = |files| {
            let (_place, mut folder) = removed(files, shape);
            let (counted, _) = count(&mut folder, 1);
            let before = ROWS_READ.with(std::cell::Cell::get);
            let pending = folder.pending().unwrap().unwrap();
            assert!(pending.deletes > files as u64);
            let walked = ROWS_READ.with(std::cell::Cell::get) - before;
            [counted, walked, folder.index.visited_inside()]
        };
        let (small, large) = (cost(400), cost(800));
        for (small, large) in small.into_iter().zip(large) {
            assert!(large * 2 < small * 5, "{shape}: {small} rows, then {large}");
        }
    }
}

#[test]
fn a_hold_says_how_much_is_in_what_it_holds_and_costs_nothing() {
    let (_place, mut folder) = removed(1500, "flat");
    count(&mut folder, 1);
    assert_eq!(
        folder.hold().unwrap(),
        Some(Hold::Deletes { entries: 1501, files: 1500, lost_before: 0, held_for: DeletesHeldFor::Amount })
    );
    folder.pending().unwrap();
    let before = ROWS_READ.with(std::cell::Cell::get);
    for _ in 0..100 {
        folder.hold().unwrap();
        assert_eq!(folder.pending().unwrap().unwrap().deletes, 1501);
        folder.round.deleting = Deleting::default();
        folder.round.begin_step();
        assert!(folder.plan_deletes(now(2)).unwrap());
    }
    assert_eq!(ROWS_READ.with(std::cell::Cell::get), before);
    let held = folder.held().unwrap().unwrap();
    assert_eq!((held.operations.len(), held.operations[0].files), (1, 1500));
}

#[test]
fn many_rows_are_counted_in_steps() {
    let (_place, mut index) = new_index();
    let top = directory(&mut index, NodeId::ROOT, "top");
    let files: Vec<NodeId> =
        (0..20_000).map(|number| file(&mut index, top, &format!("f{number}"), 10)).collect();
    for id in &files {
        remove(&mut index, *id);
    }
    let mut folder = Folder::new(settings(), index).unwrap();
    let (_, steps) = count(&mut folder, 1);
    assert_eq!(steps, 3);
    assert_eq!(
        folder.hold().unwrap(),
        Some(Hold::Deletes {
            entries: 20_000,
            files: 20_000,
            lost_before: 0,
            held_for: DeletesHeldFor::Amount
        })
    );
}

#[test]
fn what_changes_between_two_steps_is_counted_anew() {
    let (_place, mut index) = new_index();
    let files: Vec<NodeId> =
        (0..9_000).map(|number| file(&mut index, NodeId::ROOT, &format!("f{number}"), 10)).collect();
    for id in &files {
        remove(&mut index, *id);
    }
    let kept = file(&mut index, NodeId::ROOT, "kept", 10);
    let mut folder = Folder::new(settings(), index).unwrap();
    folder.round.begin_step();
    assert!(!folder.count_deletes(now(1)).unwrap());
    remove(&mut folder.index, kept);
    folder.round.begin_step();
    assert!(!folder.count_deletes(now(1)).unwrap());
    assert!(folder.round.again, "another round counts all of it");
}

/// A word said while nothing runs let everything go that vanished before the next run: measured with what was
/// approved, the rest was little.
#[test]
fn an_approval_is_about_what_was_shown_and_the_rest_is_counted_anew() {
    for approved_in_directory in [false, true] {
        let (_place, mut index) = new_index();
        let top = directory(&mut index, NodeId::ROOT, "top");
        let shown: Vec<NodeId> =
            (0..60).map(|number| file(&mut index, top, &format!("s{number}"), 10)).collect();
        let later: Vec<NodeId> =
            (0..50).map(|number| file(&mut index, NodeId::ROOT, &format!("l{number}"), 10)).collect();
        if approved_in_directory {
            remove(&mut index, top);
        } else {
            for id in &shown {
                remove(&mut index, *id);
            }
        }
        let mut folder = Folder::new(settings(), index).unwrap();
        count(&mut folder, 1);
        assert!(matches!(folder.hold().unwrap(), Some(Hold::Deletes { files: 60, .. })));
        folder.approve(now(2)).unwrap();
        assert_eq!(folder.hold().unwrap(), None);
        for id in &later {
            remove(&mut folder.index, *id);
        }
        count(&mut folder, 3);
        let held =
            Some(Hold::Deletes { entries: 50, files: 50, lost_before: 0, held_for: DeletesHeldFor::Amount });
        assert_eq!(folder.hold().unwrap(), held);
        let due = folder.round.deleting.due.len();
        assert_eq!(due, if approved_in_directory { 1 } else { 60 });
        let foreseen = folder.foresee(now(3)).unwrap();
        let measure = foreseen.first().map(|one| (one.of, one.limit.clone()));
        assert_eq!(measure, Some((50, HoldLimit::Share { percent: 50 })));
        // Nor does what was approved and is done make what goes in the same day look small.
        assert_eq!(losing::agreed_before(&folder.index).unwrap(), 50);
    }
}

/// What is new counts among no losses of a day, so that it is measured by what there is alone.
#[test]
fn what_came_after_an_approval_is_not_measured_with_what_that_lets_go() {
    let (_place, mut folder) = removed(60, "flat");
    count(&mut folder, 1);
    folder.approve(now(2)).unwrap();
    for number in 0..50 {
        let id = file(&mut folder.index, NodeId::ROOT, &format!("l{number}"), 10);
        remove(&mut folder.index, id);
    }
    count(&mut folder, 3);
    assert!(matches!(folder.hold().unwrap(), Some(Hold::Deletes { files: 50, .. })), "{:?}", folder.hold());
}

#[test]
fn what_was_approved_and_came_back_is_not_approved_any_more() {
    let (_place, mut index) = new_index();
    let top = directory(&mut index, NodeId::ROOT, "top");
    for number in 0..60 {
        file(&mut index, top, &format!("f{number}"), 10);
    }
    remove(&mut index, top);
    let mut folder = Folder::new(settings(), index).unwrap();
    count(&mut folder, 1);
    folder.approve(now(2)).unwrap();
    // The directory is back, with another file in it than those that were shown.
    let mut node = folder.index.node(top).unwrap().unwrap();
    node.local = Local::Directory(Identity { inode: 2, born: 1 });
    folder.index.save(&mut node).unwrap();
    count(&mut folder, 3);
    remove(&mut folder.index, top);
    count(&mut folder, 4);
    assert!(matches!(folder.hold().unwrap(), Some(Hold::Deletes { files: 60, .. })));
}

/// Once, any word about an entry passed for one to delete it, a word to bring it back as well.
#[test]
fn a_word_about_anything_else_lets_nothing_be_deleted() {
    for is_wanted_back in [true, false] {
        let (_place, mut folder) = removed(60, "flat");
        let top = folder.index.locate(&crate::builders::path("top")).unwrap().unwrap().id;
        if is_wanted_back {
            folder.index.restore(top).unwrap();
        } else {
            folder.index.hold(top, HeldAction::Overwrite).unwrap();
            folder.index.approve_held(HeldAction::Overwrite).unwrap();
        }
        count(&mut folder, 1);
        assert!(folder.round.deleting.due.is_empty(), "{is_wanted_back}");
        assert!(matches!(folder.hold().unwrap(), Some(Hold::Deletes { files: 60, .. })), "{is_wanted_back}");
        folder.approve(now(2)).unwrap();
        count(&mut folder, 3);
        assert_eq!(folder.round.deleting.due.len(), 1, "{is_wanted_back}");
    }
}

#[test]
fn an_approval_can_be_taken_back_until_it_is_done() {
    let (_place, mut folder) = removed(60, "flat");
    count(&mut folder, 1);
    let shown = folder.held().unwrap().unwrap();
    folder.approve(now(2)).unwrap();
    let noted = folder.noted_in_full().unwrap().unwrap();
    assert_eq!((noted.noted, noted.operations), (Noted::Approved(shown.hold), shown.operations));
    folder.reject().unwrap();
    while !folder.work_off().unwrap() {}
    assert!(matches!(folder.noted().unwrap(), Some(Noted::WantedBack { .. })));
    count(&mut folder, 3);
    assert_eq!(folder.hold().unwrap(), None);
    assert!(folder.round.deleting.due.is_empty());
}

#[test]
fn what_is_held_is_shown_in_the_order_of_paths() {
    let (_place, mut index) = new_index();
    for number in [7, 3, 9, 1, 5] {
        for letter in ["c", "a", "b", "e", "d"] {
            let id = file(&mut index, NodeId::ROOT, &format!("{number}{letter}"), 10);
            remove(&mut index, id);
        }
    }
    let mut folder = Folder::new(settings(), index).unwrap();
    count(&mut folder, 1);
    let operations = folder.held().unwrap().unwrap().operations;
    assert_eq!(operations.len(), 25);
    assert!(operations.is_sorted_by(|one, other| one.operation.path < other.operation.path));
}

/// A folder of so many files, all of them agreed on for a day, that then loses some of them a few at a time:
/// how many go before the rest is held; `new` names what takes their place.
fn lost_before_held(files: usize, at_once: usize, new: Option<u64>) -> usize {
    let (_place, mut index) = new_index();
    let rows: Vec<NodeId> =
        (0..files).map(|number| file(&mut index, NodeId::ROOT, &format!("f{number}"), 10_000)).collect();
    let mut folder = Folder::new(settings(), index).unwrap();
    folder.issue_rechecks(now(1000)).unwrap();
    count(&mut folder, 1000);
    for (number, some) in rows.chunks(at_once).enumerate() {
        for id in some {
            remove(&mut folder.index, *id);
            if let Some(size) = new {
                file(&mut folder.index, NodeId::ROOT, &format!("f{}.locked", id.0), size);
            }
        }
        count(&mut folder, 1001);
        if folder.hold().unwrap().is_some() {
            return number * at_once;
        }
        for due in std::mem::take(&mut folder.round.deleting.due) {
            losing::note(&mut folder.index, due.loss).unwrap();
            let mut node = folder.index.node(due.node).unwrap().unwrap();
            (node.base, node.remote) = (None, None);
            folder.index.save(&mut node).unwrap();
        }
    }
    files
}

#[test]
fn deletes_that_come_a_few_at_a_time_are_counted_together() {
    // Half of 300 may go; what is new makes nobody blind, and where it takes the place of what goes it
    // counts, too.
    assert_eq!(lost_before_held(300, 10, None), 150);
    assert_eq!(lost_before_held(300, 10, Some(10_100)), 70);
    assert_eq!(lost_before_held(300, 10, Some(1_000_000)), 150);
    assert_eq!(lost_before_held(300, 300, Some(1_000_000)), 0);
    assert_eq!(lost_before_held(19, 1, None), 19);
}

/// What waits is let go by a person, or by coming back; not by what else comes or goes.
#[test]
fn deletes_that_wait_go_on_waiting_whatever_else_changes() {
    let (_place, mut index) = new_index();
    for number in 0..49 {
        file(&mut index, NodeId::ROOT, &format!("old {number}"), 10);
    }
    let mut folder = Folder::new(settings(), index).unwrap();
    folder.issue_rechecks(now(1000)).unwrap();
    count(&mut folder, 1000);
    let top = directory(&mut folder.index, NodeId::ROOT, "today");
    let files: Vec<NodeId> =
        (0..51).map(|number| file(&mut folder.index, top, &format!("new {number}"), 10)).collect();
    for id in &files {
        remove(&mut folder.index, *id);
    }
    count(&mut folder, 1001);
    let held = |files, entries| {
        Some(Hold::Deletes { entries, files, lost_before: 0, held_for: DeletesHeldFor::Amount })
    };
    assert_eq!(folder.hold().unwrap(), held(51, 51));
    // The folder grows.
    for number in 0..10 {
        file(&mut folder.index, NodeId::ROOT, &format!("more {number}"), 10);
    }
    count(&mut folder, 1002);
    assert_eq!(folder.hold().unwrap(), held(51, 51));
    // A day goes by, and something else is deleted, which is little.
    let other = file(&mut folder.index, NodeId::ROOT, "other", 10);
    remove(&mut folder.index, other);
    count(&mut folder, 400_000);
    assert_eq!(folder.hold().unwrap(), held(51, 51));
    assert_eq!(folder.round.deleting.due.len(), 1);
    // One comes back.
    let mut back = folder.index.node(files[0]).unwrap().unwrap();
    let base = back.base.unwrap();
    let BaseEntry::File(agreed) = base.entry else { panic!("{base:?}") };
    let stat = file_stat(base.identity.inode, agreed.content.size);
    back.local = Local::File { stat, md5: Some(agreed.content.md5) };
    folder.index.save(&mut back).unwrap();
    count(&mut folder, 400_001);
    assert_eq!(folder.hold().unwrap(), held(50, 50));
    // The directory goes as a whole by now, with what waits in it and what came back.
    remove(&mut folder.index, top);
    count(&mut folder, 400_002);
    assert_eq!(folder.hold().unwrap(), held(51, 52));
    // It is made again, empty.
    let mut node = folder.index.node(top).unwrap().unwrap();
    node.local = Local::Directory(Identity { inode: 9, born: 9 });
    folder.index.save(&mut node).unwrap();
    count(&mut folder, 400_003);
    assert_eq!(folder.hold().unwrap(), held(51, 51));
    folder.approve(now(400_004)).unwrap();
    count(&mut folder, 400_005);
    assert_eq!(folder.hold().unwrap(), None);
    assert_eq!(folder.round.deleting.due.len(), 52);
}

/// A person decides on what was shown.
#[test]
fn a_word_is_about_one_hold() {
    let (_place, mut index) = new_index();
    let files: Vec<NodeId> =
        (0..300).map(|number| file(&mut index, NodeId::ROOT, &format!("f{number}"), 10)).collect();
    let mut folder = Folder::new(settings(), index).unwrap();
    for id in &files[..10] {
        folder.index.hold(*id, HeldAction::Overwrite).unwrap();
    }
    for id in &files[10..30] {
        folder.index.hold(*id, HeldAction::Delete).unwrap();
    }
    let waiting = |folder: &Folder| {
        [HeldAction::Overwrite, HeldAction::Delete].map(|action| folder.index.count_waiting(action).unwrap())
    };
    assert!(matches!(folder.hold().unwrap(), Some(Hold::Overwrites { files: 10, .. })));
    folder.approve(now(1)).unwrap();
    assert_eq!(waiting(&folder), [0, 20]);
    assert!(matches!(folder.hold().unwrap(), Some(Hold::Deletes { .. })));
    folder.root.hold_unreadable(
        "the disk is not there".to_owned(),
        crate::folder::local::root::Look::Entries,
        now(2),
    );
    folder.approve(now(2)).unwrap();
    folder.reject().unwrap();
    assert_eq!(waiting(&folder), [0, 20]);
}

#[test]
fn what_is_new_may_go_again() {
    let (_place, mut index) = new_index();
    for number in 0..30 {
        file(&mut index, NodeId::ROOT, &format!("f{number}"), 10);
    }
    let mut folder = Folder::new(settings(), index).unwrap();
    folder.issue_rechecks(now(1000)).unwrap();
    count(&mut folder, 1000);
    for number in 0..200 {
        let id = file(&mut folder.index, NodeId::ROOT, &format!("t{number}"), 10);
        remove(&mut folder.index, id);
        count(&mut folder, 1001);
        assert_eq!(folder.hold().unwrap(), None);
        let due = std::mem::take(&mut folder.round.deleting.due);
        assert_eq!(due.len(), 1);
        losing::note(&mut folder.index, due[0].loss).unwrap();
        let mut node = folder.index.node(id).unwrap().unwrap();
        (node.base, node.remote) = (None, None);
        folder.index.save(&mut node).unwrap();
    }
}

/// A kill between the question and its answer has the same delete asked for again.
#[test]
fn a_delete_counts_once_however_often_it_is_asked_for() {
    let (place, mut index) = new_index();
    let files: Vec<NodeId> =
        (0..40).map(|number| file(&mut index, NodeId::ROOT, &format!("f{number}"), 10_000)).collect();
    let mut folder = Folder::new(settings(), index).unwrap();
    folder.issue_rechecks(now(1000)).unwrap();
    count(&mut folder, 1000);
    for id in &files[..10] {
        let mut node = folder.index.node(*id).unwrap().unwrap();
        node.remote = None;
        folder.index.save(&mut node).unwrap();
    }
    let asked = Loss { deleted: 1, ..Loss::default() };
    for _ in 0..10 {
        folder.round.begin_step();
        folder.plan_deletes(now(1001)).unwrap();
        assert_eq!(folder.in_flight.len(), MOST_DELETES);
        folder.index.commit().unwrap();
        drop(folder);
        folder = Folder::new(settings(), open_index(&place)).unwrap();
    }
    let limits = settings().delete_limits;
    let too_much =
        |folder: &Folder| folder.losses_in_doubt.too_much_with(asked, limits, &folder.index).unwrap();
    assert_eq!(too_much(&folder), None);
    // What was in doubt counts, too, until the row turns out to be there.
    folder.losses_in_doubt.add(files[0], Loss { deleted: 30, ..Loss::default() });
    assert_eq!(too_much(&folder), Some(30));
    folder.losses_in_doubt.settle(files[0], &mut folder.index).unwrap();
    folder.losses_in_doubt.settle(files[0], &mut folder.index).unwrap();
    assert_eq!(too_much(&folder), Some(30));
}

#[test]
fn after_a_word_about_the_root_the_smallest_delete_is_shown_first() {
    let (_place, mut index) = new_index();
    for number in 0..30 {
        file(&mut index, NodeId::ROOT, &format!("f{number}"), 10);
    }
    let gone = file(&mut index, NodeId::ROOT, "gone", 10);
    remove(&mut index, gone);
    let mut folder = Folder::new(settings(), index).unwrap();
    folder.root.hold("another directory".to_owned(), Look::Root, now(1));
    folder.approve(now(1)).unwrap();
    count(&mut folder, 2);
    // That is where it begins to wait for a person; the root would be looked at before.
    assert_eq!(
        approvals::held_deletes(&folder.index).unwrap(),
        Some(approvals::HeldDeletes { entries: 1, files: 1, lost_before: 0, held_for: DeletesHeldFor::Root })
    );
    folder.root = crate::folder::local::root::Root::default();
    folder.approve(now(3)).unwrap();
    count(&mut folder, 4);
    assert_eq!(approvals::held_deletes(&folder.index).unwrap(), None);
    assert_eq!(folder.round.deleting.due.len(), 1);
}

/// The directory's row asks for its delete, too, before the file can take its place.
#[test]
fn a_directory_that_a_file_replaced_is_counted_once() {
    for side in [Side::Remote, Side::Local] {
        let (_place, mut index) = new_index();
        for number in 0..100 {
            file(&mut index, NodeId::ROOT, &format!("kept {number}"), 10);
        }
        let top = directory(&mut index, NodeId::ROOT, "top");
        let inner = directory(&mut index, top, "inner");
        let mut inside = vec![inner];
        inside.extend((0..30).map(|number| file(&mut index, inner, &format!("f{number}"), 10_000)));
        let mut folder = Folder::new(settings(), index).unwrap();
        folder.issue_rechecks(now(1000)).unwrap();
        count(&mut folder, 1000);
        let newcomer = file(&mut folder.index, NodeId::ROOT, "newcomer", 20);
        let newcomer = folder.index.node(newcomer).unwrap().unwrap();
        let mut replaced = folder.index.node(top).unwrap().unwrap();
        match side {
            Side::Remote => replaced.local = newcomer.local,
            Side::Local => replaced.remote = newcomer.remote,
        }
        folder.index.save(&mut replaced).unwrap();
        for id in inside {
            let mut node = folder.index.node(id).unwrap().unwrap();
            match side {
                Side::Remote => node.local = Local::Absent,
                Side::Local => node.remote = None,
            }
            folder.index.save(&mut node).unwrap();
        }
        count(&mut folder, 1001);
        let due = &folder.round.deleting.due;
        let (entries, files, lost) = due.iter().fold((0, 0, 0), |(entries, files, lost), due| {
            (entries + due.amount.entries, files + due.amount.files, lost + due.loss.deleted)
        });
        assert_eq!((entries, files, lost), (32, 30, 30), "{side:?}: {due:?}");
    }
}

/// A problem may last for ever, and may hide what is missing.
#[test]
fn after_a_word_about_the_root_only_what_was_not_seen_is_asked_about_again() {
    let (_place, mut index) = new_index();
    let files: Vec<NodeId> =
        (0..30).map(|number| file(&mut index, NodeId::ROOT, &format!("f{number}"), 10)).collect();
    let outer = directory(&mut index, NodeId::ROOT, "outer");
    let unread = directory(&mut index, outer, "unread");
    let hidden = [1, 2].map(|number| file(&mut index, unread, &format!("hidden {number}"), 10));
    remove(&mut index, files[0]);
    let mut folder = Folder::new(settings(), index).unwrap();
    folder.issue_rechecks(now(1)).unwrap();
    folder.scanning.set_complete();
    let lasting = "it lasts".to_owned();
    let failure = Failure { kind: ProblemKind::Unreadable, remedy: "none", pause: None };
    folder.put_problem(unread, failure, lasting, now(1)).unwrap();
    folder.root.hold("another directory".to_owned(), Look::Root, now(1));
    folder.approve(now(1)).unwrap();
    folder.root = crate::folder::local::root::Root::default();
    folder.scanning.set_complete();
    let held = |folder: &Folder| approvals::held_deletes(&folder.index).unwrap().map(|held| held.entries);
    count(&mut folder, 2);
    assert_eq!(held(&folder), Some(1));
    folder.approve(now(3)).unwrap();
    count(&mut folder, 4);
    assert_eq!((held(&folder), folder.round.deleting.due.len()), (None, 1));
    let mut gone = folder.index.node(files[0]).unwrap().unwrap();
    (gone.base, gone.remote) = (None, None);
    folder.index.save(&mut gone).unwrap();
    // Much later another one is deleted, and then one that nobody could see when the word was given.
    remove(&mut folder.index, files[1]);
    count(&mut folder, 100_000);
    assert_eq!((held(&folder), folder.round.deleting.due.len()), (None, 1));
    remove(&mut folder.index, hidden[0]);
    folder.index.clear_problem(unread).unwrap();
    count(&mut folder, 100_001);
    assert_eq!((held(&folder), folder.round.deleting.due.len()), (Some(1), 1));
    // A directory above goes with what is in it.
    remove(&mut folder.index, outer);
    count(&mut folder, 100_002);
    assert_eq!((held(&folder), folder.round.deleting.due.len()), (Some(4), 1));
    folder.approve(now(100_002)).unwrap();
    assert_eq!(folder.index.fact(Fact::HoldNextDeletes).unwrap(), None);
    count(&mut folder, 100_003);
    assert_eq!(held(&folder), None);
}
