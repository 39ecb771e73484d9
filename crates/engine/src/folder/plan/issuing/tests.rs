//! Tests of how much is under way at one time.

use jottad_core::{Action, Content, File, Md5, OperationKind, Parallel, RelativePath, Side, Timestamp};

use crate::builders::{file_stat, new_index};
use crate::event::CommandId;
use crate::folder::Folder;
use crate::folder::in_flight::{Detail, Running};
use crate::folder::transfers::LARGE;
use crate::index::{Local, Node, NodeId};
use crate::settings::FolderSettings;

fn running(bytes: Option<u64>) -> Running {
    let content = Content { md5: Md5::from_bytes([0; 16]), size: bytes.unwrap_or(0) };
    let file = File { content, modified: Timestamp::from_seconds(0) };
    Running {
        node: NodeId::ROOT,
        directory: NodeId::ROOT,
        kind: if bytes.is_some() {
            OperationKind::Upload
        } else {
            OperationKind::MakeDirectory(Side::Remote)
        },
        path: RelativePath::root(),
        to: None,
        bytes,
        detail: if bytes.is_some() { Detail::Upload { file } } else { Detail::MakeRemoteDirectory },
        before: None,
    }
}

/// Whatever number a person has set: large files share the line, and what is small does not wait for it.
#[test]
fn four_large_files_travel_at_one_time_and_eight_small_requests_are_made() {
    for (under_way, wanted, has_room) in [
        (&[(3, Some(LARGE + 1))][..], Some(LARGE + 1), true),
        (&[(4, Some(LARGE + 1))], Some(LARGE + 1), false),
        (&[(4, Some(LARGE + 7))], Some(LARGE * 3), false),
        (&[(4, Some(LARGE + 1))], Some(LARGE), true),
        (&[(9, Some(LARGE))], Some(LARGE + 1), true),
        (&[(12, Some(1))], Some(1), false),
        (&[(7, None)], None, true),
        (&[(8, None)], None, false),
        (&[(12, Some(1)), (7, None)], None, true),
        (&[(8, None)], Some(1), true),
    ] {
        let (_place, index) = new_index();
        let settings = FolderSettings { uploads: Parallel::Fixed(12), ..crate::builders::settings() };
        let mut folder = Folder::new(settings, index).unwrap();
        let operations = under_way.iter().flat_map(|(count, bytes)| (0..*count).map(|_| *bytes));
        for (number, bytes) in (1..).zip(operations) {
            folder.in_flight.begin(CommandId(number), running(bytes));
        }
        let mut node = Node::new(NodeId::ROOT, "a".try_into().unwrap());
        if let Some(bytes) = wanted {
            node.local = Local::File { stat: file_stat(3, bytes), md5: None };
        }
        let action = if wanted.is_some() { Action::Upload } else { Action::MakeDirectory(Side::Remote) };
        assert_eq!(folder.has_room(&node, action), has_room, "{under_way:?} {wanted:?}");
    }
}
