//! Tests of what an index tells of itself: that something has changed, and what is known of a file.

use jottad_core::{Content, File, Md5, Name, RelativePath, Side, Timestamp};

use super::{
    Base, BaseEntry, Descend, HeldAction, Index, Local, Node, NodeId, ProblemRow, RemoteRecord, Stamp,
};
use crate::builders::{file_stat, new_index, path};
use crate::disk::{FileStat, Identity};
use crate::remote::RemoteNode;
use crate::status::{LogLine, ProblemKind};

/// Changes an index.
type Change<'a> = &'a dyn Fn(&mut Index);

fn name(text: &str) -> Name {
    Name::new(text.as_bytes().to_vec()).unwrap()
}

fn problem(node: NodeId) -> ProblemRow {
    ProblemRow {
        node,
        kind: ProblemKind::Failing,
        reason: "it fails".to_owned(),
        remedy: "none".to_owned(),
        since: Timestamp::from_seconds(1),
        tries: 1,
        next_try: None,
    }
}

/// Whoever has read something of the index reads it again when this number is another one. Two changes in a
/// row must not come to the number that was known before them.
#[test]
fn whatever_is_changed_raises_the_number_that_tells_of_changes() {
    let (_place, mut index) = new_index();
    let mut node = Node::new(NodeId::ROOT, name("a"));
    node.local = Local::Directory(Identity { inode: 2, born: 1 });
    index.save(&mut node).unwrap();
    let id = node.id;
    let parked = || path("parked");
    let changes: [(&str, Change<'_>); 11] = [
        ("hold", &|index| index.hold(id, HeldAction::Delete).unwrap()),
        ("approve", &|index| index.approve_held(HeldAction::Delete).unwrap()),
        ("release", &|index| index.release_held(id).unwrap()),
        ("restore", &|index| index.restore(id).unwrap()),
        ("forget what is wanted back", &|index| index.forget_wanted_back(id).unwrap()),
        ("a problem", &|index| index.put_problem(&problem(id)).unwrap()),
        ("no problem", &|index| index.clear_problem(id).unwrap()),
        ("park", &|index| index.park(&parked(), &name("a")).unwrap()),
        ("unpark", &|index| index.unpark(&parked()).unwrap()),
        ("save", &|index| {
            let mut other = Node::new(id, name("b"));
            other.local = Local::Directory(Identity { inode: 3, born: 1 });
            index.save(&mut other).unwrap();
        }),
        ("forget what is inside", &|index| index.forget_insides()),
    ];
    for (what, change) in changes {
        let before = index.revision().0;
        change(&mut index);
        assert!(index.revision().0 > before, "{what}: {before} and {}", index.revision().0);
    }
}

#[test]
fn whatever_changes_a_rule_or_its_place_raises_the_number_that_tells_of_rules() {
    let (_place, mut index) = new_index();
    let [one, other] = ["a", "b"].map(|text| {
        let mut node = Node::new(NodeId::ROOT, name(text));
        node.local = Local::Directory(Identity { inode: 2, born: 1 });
        index.save(&mut node).unwrap();
        node.id
    });
    let set = |index: &mut Index, content: Option<&[u8]>| {
        index.set_ignore_file(one, content, Timestamp::from_seconds(1)).unwrap()
    };
    let changes: [(&str, bool, Change<'_>); 8] = [
        ("no rules where there are none", false, &|index| assert!(!set(index, None))),
        ("rules", true, &|index| assert!(set(index, Some(b"*.tmp")))),
        ("the same rules", false, &|index| assert!(!set(index, Some(b"*.tmp")))),
        ("other rules", true, &|index| assert!(set(index, Some(b"*.bak")))),
        ("rules of another row", true, &|index| index.move_ignore_file(one, other).unwrap()),
        ("no rules", true, &|index| index.forget_ignore_file(other).unwrap()),
        ("no rules once more", false, &|index| index.forget_ignore_file(other).unwrap()),
        ("another path", true, &|index| index.ignore_files_moved()),
    ];
    for (what, is_new, change) in changes {
        let before = index.ignore_revision();
        change(&mut index);
        let after = index.ignore_revision();
        assert!(if is_new { after > before } else { after == before }, "{what}: {before} and {after}");
    }
}

/// A file that came along with a directory is not read again, if it is surely that file.
#[test]
fn the_hash_of_a_file_is_known_by_all_that_its_disk_says_of_it() {
    let (_place, mut index) = new_index();
    let md5 = Md5::from_bytes([7; 16]);
    let stat = file_stat(3, 10);
    let row = |text: &str, stat: FileStat| {
        let mut node = Node::new(NodeId::ROOT, name(text));
        let file = File { content: Content { size: stat.size, md5 }, modified: stat.modified };
        node.base =
            Some(Base { entry: BaseEntry::File(file), identity: stat.identity, stamp: Stamp::of(&stat) });
        node.local = Local::File { stat, md5: Some(md5) };
        node
    };
    let unborn = FileStat { identity: Identity { inode: 4, born: 0 }, ..stat };
    let mut rows = [row("a", stat), row("b", unborn)];
    for node in &mut rows {
        index.save(node).unwrap();
    }
    assert_eq!(index.known_hash(&stat).unwrap(), None, "it is still there");
    for node in &mut rows {
        node.local = Local::Absent;
        index.save(node).unwrap();
    }
    let other = |change: fn(&mut FileStat)| {
        let mut other = stat;
        change(&mut other);
        other
    };
    for (what, stat, known) in [
        ("the same", stat, Some(md5)),
        ("another inode", other(|stat| stat.identity.inode = 9), None),
        ("another birth", other(|stat| stat.identity.born = 9), None),
        ("another size", other(|stat| stat.size = 9), None),
        ("another time", other(|stat| stat.modified = Timestamp::from_seconds(9)), None),
        ("another fraction", other(|stat| stat.modified_nanoseconds = 9), None),
        ("another change", other(|stat| stat.changed = 9), None),
        ("several names", other(|stat| stat.links = 2), None),
        ("no birth time, so that its inode may be used again", unborn, None),
    ] {
        assert_eq!(index.known_hash(&stat).unwrap(), known, "{what}");
    }
    assert_eq!(index.path(rows[0].id).unwrap(), RelativePath::parse(b"a").unwrap());
}

/// Rows that were asked for are kept at hand.
#[test]
fn what_all_rows_lose_at_once_is_gone_from_those_that_were_asked_for_too() {
    let (_place, mut index) = new_index();
    let mut node = Node::new(NodeId::ROOT, name("a"));
    node.local = Local::Directory(Identity { inode: 2, born: 1 });
    node.base = node.base_from_local();
    index.save(&mut node).unwrap();
    assert!(index.node(node.id).unwrap().unwrap().base.is_some());
    assert!(index.child(NodeId::ROOT, &name("a")).unwrap().unwrap().base.is_some());
    index.forget_base(false).unwrap();
    assert_eq!(index.node(node.id).unwrap().unwrap().base, None);
    assert_eq!(index.child(NodeId::ROOT, &name("a")).unwrap().unwrap().base, None);
}

/// Which of the three trees have something at a place: the base, the local and the remote one.
type Has = [bool; 3];

/// What each tree has, as paths.
fn paths(index: &Index) -> [Vec<String>; 3] {
    let mut found: [Vec<String>; 3] = Default::default();
    index
        .walk(NodeId::ROOT, |node, _| {
            let has = [node.base.is_some(), node.local != Local::Absent, node.remote.is_some()];
            for (found, _) in found.iter_mut().zip(has).filter(|(_, has)| *has) {
                found.push(index.path(node.id).unwrap().to_string());
            }
            assert!(has.contains(&true) || index.has_children(node.id).unwrap(), "a row of nothing");
            Ok(Descend::Yes)
        })
        .unwrap();
    for found in &mut found {
        found.sort();
    }
    found
}

fn directory(index: &mut Index, parent: NodeId, text: &str, [base, local, remote]: Has) -> NodeId {
    let mut node = Node::new(parent, name(text));
    node.local = Local::Directory(Identity { inode: 2, born: 1 });
    node.base = node.base_from_local().filter(|_| base);
    if !local {
        node.local = Local::Absent;
    }
    node.remote = remote.then_some(RemoteRecord { node: RemoteNode::Directory, name: None, claimed: false });
    index.save(&mut node).unwrap();
    node.id
}

/// Whatever is below it: what was agreed on goes with the side that has moved, and what the other side has
/// stays where it was seen.
#[test]
fn a_move_takes_along_the_base_and_one_side_and_nothing_of_the_other() {
    let all: Vec<Has> = (1..8).map(|bits| [bits & 1 > 0, bits & 2 > 0, bits & 4 > 0]).collect();
    for (side, moved) in [(Side::Local, 1), (Side::Remote, 2)] {
        // The other side may still be known to have something in a directory that it is known not to have.
        let fits = |above: &Has, below: &Has| [0, moved].iter().all(|tree| above[*tree] || !below[*tree]);
        for top in all.iter().filter(|top| top[0] && top[moved]) {
            for inner in all.iter().filter(|inner| fits(top, inner)) {
                for last in all.iter().filter(|last| fits(inner, last)) {
                    let (_place, mut index) = new_index();
                    let from = directory(&mut index, NodeId::ROOT, "from", *top);
                    let below = directory(&mut index, from, "d", *inner);
                    directory(&mut index, below, "e", *last);
                    let to = directory(&mut index, NodeId::ROOT, "to", [false, moved == 2, moved == 1]);
                    let before = paths(&index);
                    index.relocate(from, to, side).unwrap();
                    let mut expected = before.clone();
                    for tree in [0, moved] {
                        for path in &mut expected[tree] {
                            *path = path.replacen("from", "to", 1);
                        }
                    }
                    assert_eq!(paths(&index), expected, "{side:?}: {before:?}");
                }
            }
        }
    }
}

/// A row may be kept for what is in it alone.
#[test]
fn what_moves_away_leaves_no_row_of_nothing() {
    for is_there in [false, true] {
        let (_place, mut index) = new_index();
        let above = directory(&mut index, NodeId::ROOT, "above", [false, true, false]);
        let left = directory(&mut index, above, "left", [false, true, false]);
        let moved = directory(&mut index, left, "moved", [true, true, true]);
        let place = directory(&mut index, NodeId::ROOT, "place", [false, true, false]);
        if !is_there {
            for id in [left, above] {
                let mut row = index.node(id).unwrap().unwrap();
                row.local = Local::Absent;
                index.save(&mut row).unwrap();
            }
        }
        index.take_place(moved, place).unwrap();
        assert_eq!(index.path(moved).unwrap().to_string(), "place");
        assert_eq!([above, left].map(|id| index.node(id).unwrap().is_some()), [is_there; 2]);
        assert!(index.node(place).unwrap().is_none());
    }
}

#[test]
fn problems_are_counted_by_their_kinds() {
    let (_place, mut index) = new_index();
    let kinds = [ProblemKind::Failing, ProblemKind::Refused, ProblemKind::NameClash];
    let counts = |index: &Index| kinds.map(|kind| index.problem_count_of(kind).unwrap());
    assert_eq!((counts(&index), index.problem_count().unwrap()), ([0; 3], 0));
    for (number, kind) in [(2, kinds[0]), (3, kinds[1]), (4, kinds[0])] {
        index.put_problem(&ProblemRow { kind, ..problem(NodeId(number)) }).unwrap();
    }
    assert_eq!((counts(&index), index.problem_count().unwrap()), ([2, 1, 0], 3));
    index.clear_problem(NodeId(2)).unwrap();
    assert_eq!((counts(&index), index.problem_count().unwrap()), ([1, 1, 0], 2));
}

/// An index must not grow for ever, and who asks what was done gets the last ten thousand lines at least.
#[test]
fn the_oldest_lines_of_the_history_go_when_there_are_many() {
    let (_place, mut index) = new_index();
    let line = |number: i64| LogLine {
        id: 0,
        at: Timestamp::from_seconds(number),
        kind: "upload".to_owned(),
        path: path("a"),
        to: None,
        bytes: None,
        error: None,
    };
    for number in 1..=10_350 {
        assert_eq!(index.record(line(number)).unwrap().id, number);
    }
    let kept = index.history(0, u32::MAX).unwrap();
    assert!((10_000..=10_100).contains(&kept.len()), "{}", kept.len());
    assert_eq!(kept.last().map(|line| line.at.seconds()), Some(10_350), "the newest are kept");
}
