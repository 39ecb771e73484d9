//! Tests of which of two rows has a name that may be one to the service.

use super::*;
use crate::builders::{new_index, settings};
use crate::disk::Identity;
use crate::index::RemoteRecord;
use crate::remote::RemoteNode;

fn name(text: &str) -> Name {
    Name::new(text.as_bytes().to_vec()).unwrap()
}

/// A row as `"base local remote"` has it, of which each may be missing. The service has it under its local
/// name, or as it says after a colon; it is not yet seen there if that is `claimed`.
fn row(index: &mut Index, text: &str, has: &str) -> Node {
    let mut node = Node::new(NodeId::ROOT, name(text));
    node.local = Local::Directory(Identity { inode: 2, born: 1 });
    node.base = node.base_from_local().filter(|_| has.contains("base"));
    if !has.contains("local") {
        node.local = Local::Absent;
    }
    let spelled = has.split("remote:").nth(1).map(|rest| StoredName::new(rest).unwrap());
    node.remote = has.contains("remote").then(|| RemoteRecord {
        node: RemoteNode::Directory,
        name: spelled,
        claimed: has.contains("claimed"),
    });
    index.save(&mut node).unwrap();
    node
}

/// What the service has under one spelling and the disk under another one may be one entry. It is not taken
/// for that if both were agreed on, if the service has both, or if it is not sure yet that it has it.
#[test]
fn what_the_service_has_is_taken_for_a_local_entry_of_another_spelling_or_of_its_very_name() {
    for (one, other, is_taken) in [
        // The row has nothing local of its own.
        ("remote", "local", true),
        ("base remote", "local", true),
        ("remote", "base local", true),
        ("base remote", "base local", false),
        ("remote", "local remote", false),
        ("remote", "remote", false),
        ("remote", "base", false),
        ("remote claimed", "local", false),
        ("base", "local", false),
        // It has, and the other one has the very name that the service shows.
        ("local remote:A", "local", true),
        ("local remote:A", "base local", false),
        ("local remote:A", "local remote", false),
        ("local remote:A", "base", false),
        ("local remote:A", "remote", false),
        ("base local remote:A", "local", false),
        ("local remote", "local", false),
        ("local remote:AA", "local", false),
    ] {
        let (_place, mut index) = new_index();
        let one_row = row(&mut index, "a", one);
        let other_row = row(&mut index, "A", other);
        let taken = counterpart(&index, &one_row).unwrap().map(|node| node.id);
        assert_eq!(taken, is_taken.then_some(other_row.id), "{one}, {other}");
        assert_eq!(has_counterpart(&index, &one_row).unwrap(), is_taken, "{one}, {other}");
        assert_eq!(is_shown_respelled(&index, &other_row).unwrap(), is_taken, "{one}, {other}");
        let holder = holder_of_name(&index, &other_row).unwrap();
        assert_eq!(holder, is_taken.then_some(one_row.id), "{one}, {other}");
    }
}

/// What is below it was agreed on, and goes its own way.
#[test]
fn a_directory_in_which_anything_was_agreed_on_is_not_taken_for_another_one() {
    for is_agreed in [false, true] {
        let (_place, mut index) = new_index();
        let one = row(&mut index, "a", "local remote:A");
        row(&mut index, "A", "local");
        let mut below = Node::new(one.id, name("b"));
        below.local = Local::Directory(Identity { inode: 3, born: 1 });
        below.base = below.base_from_local().filter(|_| is_agreed);
        index.save(&mut below).unwrap();
        assert_eq!(has_counterpart(&index, &one).unwrap(), !is_agreed);
    }
}

/// Of two local entries whose names are one to the service the one that was there first is sent, and the
/// other one is a problem until it has another name. What was agreed on, or is there, comes before both.
#[test]
fn the_first_of_two_names_has_the_better_claim_unless_the_service_knows_the_other_one() {
    for (first, second, rivals) in [
        ("local", "local", [false, true]),
        ("local", "local remote", [true, true]),
        ("local", "remote", [true, true]),
        ("local", "base", [true, true]),
        ("remote", "local", [false, true]),
        ("base local remote", "local", [false, true]),
    ] {
        let (_place, mut index) = new_index();
        let rows = [row(&mut index, "a", first), row(&mut index, "A", second)];
        for (number, is_rival) in rivals.into_iter().enumerate() {
            let (node, other) = (&rows[number], &rows[1 - number]);
            let found = rival(&index, node, &node.stored_name()).unwrap().map(|node| node.id);
            assert_eq!(found, is_rival.then_some(other.id), "{first}, {second}: {number}");
        }
        // Another name is no rival.
        let else_where = row(&mut index, "b", "local");
        assert!(rival(&index, &else_where, &else_where.stored_name()).unwrap().is_none());
    }
}

/// What has gone leaves no row that something else would have to make way for.
#[test]
fn what_is_nowhere_is_no_rival() {
    let (_place, mut index) = new_index();
    let gone = row(&mut index, "a", "");
    let new = row(&mut index, "A", "local");
    // A row may be kept for what is in it.
    let mut below = Node::new(gone.id, name("b"));
    below.local = Local::Directory(Identity { inode: 3, born: 1 });
    assert!(gone.id == NodeId::NEW || index.save(&mut below).is_ok());
    assert!(rival(&index, &new, &new.stored_name()).unwrap().is_none());
}

/// An archive keeps what nobody agreed on as its own, unless it is the very entry.
#[test]
fn what_nobody_agreed_on_may_be_taken_for_a_local_entry_and_in_an_archive_under_its_very_name_alone() {
    for (mode, has, asked, may) in [
        (Mode::Sync, "remote", "A", true),
        (Mode::Backup, "remote", "A", true),
        (Mode::Pull, "remote", "A", true),
        (Mode::Archive, "remote", "A", false),
        (Mode::Archive, "remote", "a", true),
        (Mode::Archive, "remote:A", "A", true),
        (Mode::Archive, "remote:A", "a", false),
        (Mode::Sync, "base remote", "A", false),
        (Mode::Sync, "base remote", "a", true),
        (Mode::Sync, "base remote:A", "A", true),
    ] {
        let (_place, mut index) = new_index();
        let rival = row(&mut index, "a", has);
        let stored = StoredName::new(asked).unwrap();
        let settings = FolderSettings { mode, ..settings() };
        assert_eq!(may_be_taken_up(&settings, &rival, &stored), may, "{mode} {has} {asked}");
    }
}

/// A disk may have both names, and the service one of them: which one a name is to follow is told by its row.
#[test]
fn the_name_that_a_row_is_to_get_is_that_of_the_entry_which_waits_for_none() {
    for (one, other, waits) in [
        ("base local remote:A", "local", true),
        ("base local remote", "local", false),
        ("base local remote:A", "base local", false),
        ("base local remote:A", "local remote", false),
        ("base remote:A", "local", false),
        // The one is taken for the other then.
        ("local remote:A", "local", false),
    ] {
        let (_place, mut index) = new_index();
        let one_row = row(&mut index, "a", one);
        let other_row = row(&mut index, "A", other);
        let waiting = waiting_for_name(&index, &other_row).unwrap().map(|node| node.id);
        assert_eq!(waiting, waits.then_some(one_row.id), "{one}, {other}");
        let pulls = FolderSettings { mode: Mode::Pull, ..settings() };
        assert_eq!(clashes(&index, &pulls, other_row.id).unwrap(), waits, "{one}, {other}");
    }
}
