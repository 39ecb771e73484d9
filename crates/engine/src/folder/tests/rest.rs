//! A folder in which nothing runs: it says of what a run has left undone that it is.

use jottad_core::{Content, Md5, Name};

use super::*;
use crate::builders::{new_index, settings};
use crate::folder::plan::deleting::tests::{directory, file};
use crate::index::{Fact, Index, Local, Node, NodeId, ProblemRow, RemoteRecord};
use crate::status::{FolderStatus, Pending};

const WALL: Timestamp = Timestamp::from_seconds(1_700_000_000);

/// What a killed run says that has compared both sides and left a row of which `leave` makes something else.
fn said_after(mode: Mode, leave: impl FnOnce(&mut Index, NodeId)) -> FolderStatus {
    let (_place, mut index) = new_index();
    for fact in [Fact::LocalCheckedAt, Fact::RemoteCheckedAt, Fact::ProvenAt] {
        index.set_fact(fact, Some(&WALL.seconds().to_string())).unwrap();
    }
    directory(&mut index, NodeId::ROOT, "d");
    let row = file(&mut index, NodeId::ROOT, "f", 5);
    leave(&mut index, row);
    index.commit().unwrap();
    let settings = FolderSettings { mode, list_at_start: false, ..settings() };
    Folder::new(settings, index).unwrap().at_rest(WALL).unwrap().status().unwrap()
}

/// What a run makes of a row.
type Leave = Box<dyn Fn(&mut Index, NodeId)>;

fn changed(change: impl Fn(&mut Node) + 'static) -> Leave {
    Box::new(move |index, row| {
        let mut node = index.node(row).unwrap().unwrap();
        change(&mut node);
        index.save(&mut node).unwrap();
    })
}

fn remote_file(node: &Node) -> File {
    node.remote_entry().file().unwrap()
}

#[test]
fn what_a_killed_run_has_left_is_never_called_done() {
    let later = Timestamp::from_seconds(9);
    let none = Pending::default();
    let other = Md5::from_bytes([9; 16]);
    for (what, leave, left, expected) in [
        ("nothing", changed(|_| {}), false, none),
        (
            "a time to set on the service",
            changed(move |node| {
                if let Local::File { stat, .. } = &mut node.local {
                    stat.modified = later;
                }
            }),
            true,
            Pending { times: 1, ..none },
        ),
        (
            "a time to set locally",
            changed(move |node| {
                let file = File { modified: later, ..remote_file(node) };
                node.remote =
                    Some(RemoteRecord::seen(RemoteNode::File(file), &node.stored_name(), &node.name));
            }),
            true,
            Pending { times: 1, ..none },
        ),
        (
            "an upload",
            changed(move |node| {
                if let Local::File { md5, .. } = &mut node.local {
                    *md5 = Some(other);
                }
            }),
            true,
            Pending { uploads: 1, bytes: 5, ..none },
        ),
        (
            "a file to hash",
            changed(|node| {
                if let Local::File { md5, .. } = &mut node.local {
                    *md5 = None;
                }
            }),
            true,
            Pending { uploads: 1, bytes: 5, ..none },
        ),
        (
            "a download",
            changed(move |node| {
                let file = File { content: Content { size: 6, md5: other }, ..remote_file(node) };
                node.remote =
                    Some(RemoteRecord::seen(RemoteNode::File(file), &node.stored_name(), &node.name));
            }),
            true,
            Pending { downloads: 1, bytes: 6, ..none },
        ),
        (
            "a delete on the service",
            changed(|node| node.local = Local::Absent),
            true,
            Pending { deletes: 1, ..none },
        ),
        ("a local delete", changed(|node| node.remote = None), true, Pending { deletes: 1, ..none }),
        (
            "what was sent and not seen",
            changed(|node| node.remote.as_mut().unwrap().claimed = true),
            true,
            Pending { uploads: 1, bytes: 5, ..none },
        ),
        ("what agrees and was not agreed on", changed(|node| node.base = None), true, none),
        (
            "what nobody has any more",
            changed(|node| (node.local, node.remote) = (Local::Absent, None)),
            true,
            none,
        ),
        (
            "a directory to make",
            Box::new(|index: &mut Index, _| {
                let mut new = Node::new(NodeId::ROOT, Name::new(b"new".to_vec()).unwrap());
                new.local = Local::Directory(crate::disk::Identity { inode: 8, born: 1 });
                index.save(&mut new).unwrap();
            }),
            true,
            Pending { directories: 1, ..none },
        ),
    ] {
        let status = said_after(Mode::Sync, leave);
        assert_eq!(status.pending, Some(expected), "{what}");
        assert_eq!(status.settled, !left, "{what}");
        assert_eq!(status.verdict, if left { Verdict::Working } else { Verdict::InSync }, "{what}");
    }
}

#[test]
fn what_cannot_be_done_or_is_left_alone_is_not_left_undone() {
    let refused = said_after(Mode::Sync, |index, row| {
        let mut node = index.node(row).unwrap().unwrap();
        node.local = Local::Absent;
        index.save(&mut node).unwrap();
        let problem = ProblemRow {
            node: row,
            kind: ProblemKind::Refused,
            reason: "it was refused".to_owned(),
            remedy: "rename it".to_owned(),
            since: WALL,
            tries: 1,
            next_try: None,
        };
        index.put_problem(&problem).unwrap();
    });
    assert_eq!((refused.verdict, refused.settled), (Verdict::Problems, true));
    let kept = said_after(Mode::Archive, |index, row| {
        let mut node = index.node(row).unwrap().unwrap();
        (node.local, node.base) = (Local::Absent, None);
        index.save(&mut node).unwrap();
    });
    assert_eq!((kept.verdict, kept.settled), (Verdict::InSync, true));
}
