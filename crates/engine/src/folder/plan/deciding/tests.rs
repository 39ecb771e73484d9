//! Tests of what is decided about the root.

use jottad_core::Mode;

use super::*;
use crate::builders::{new_index, settings};
use crate::disk::Identity;
use crate::index::RemoteRecord;
use crate::remote::RemoteNode;

/// That a folder is missing on the service as a whole is no deletion by others: it is made there where
/// changes are sent. Where they are not, nothing is removed here for it either.
#[test]
fn a_root_that_is_missing_on_the_service_is_made_there_and_never_removed_here() {
    let make = Action::MakeDirectory(Side::Remote);
    for (mode, was_agreed, is_there, expected) in [
        (Mode::Sync, true, false, make),
        (Mode::Sync, false, false, make),
        (Mode::Backup, true, false, make),
        (Mode::Archive, true, false, make),
        (Mode::Pull, true, false, Action::Nothing),
        (Mode::Sync, true, true, Action::Nothing),
        (Mode::Backup, true, true, Action::Nothing),
        (Mode::Sync, false, true, Action::Adopt),
    ] {
        let (_place, mut index) = new_index();
        let mut root = index.node(NodeId::ROOT).unwrap().unwrap();
        root.local = Local::Directory(Identity { inode: 2, born: 1 });
        root.base = root.base_from_local().filter(|_| was_agreed);
        root.remote =
            is_there.then_some(RemoteRecord { node: RemoteNode::Directory, name: None, claimed: false });
        index.save(&mut root).unwrap();
        let decision = decide(&index, &FolderSettings { mode, ..settings() }, &root).unwrap().unwrap();
        assert_eq!(decision.action, expected, "{mode} {was_agreed} {is_there}");
    }
}

/// Whether the service has anything new in a directory that was removed here is not known while something that
/// was sent into it is not seen: what is shown of it may be our own.
#[test]
fn a_directory_is_not_removed_while_what_was_sent_into_it_is_not_seen() {
    let record = |node, claimed| Some(RemoteRecord { node, name: None, claimed });
    for (inside, expected) in [
        (None, Some(Action::Trash(Side::Remote))),
        (Some(true), None),
        (Some(false), Some(Action::MakeDirectory(Side::Local))),
    ] {
        let (_place, mut index) = new_index();
        let name = |text: &str| jottad_core::Name::try_from(text).unwrap();
        let mut directory = Node::new(NodeId::ROOT, name("d"));
        directory.local = Local::Directory(Identity { inode: 2, born: 1 });
        directory.base = directory.base_from_local();
        directory.local = Local::Absent;
        directory.remote = record(RemoteNode::Directory, false);
        index.save(&mut directory).unwrap();
        if let Some(claimed) = inside {
            let mut below = Node::new(directory.id, name("e"));
            below.remote = record(RemoteNode::Directory, claimed);
            index.save(&mut below).unwrap();
        }
        let decision = decide(&index, &settings(), &directory).unwrap();
        assert_eq!(decision.map(|decision| decision.action), expected, "{inside:?}");
    }
}
