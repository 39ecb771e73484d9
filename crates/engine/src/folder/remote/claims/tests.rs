//! Tests of what is known of what was sent and is not seen.

use jottad_core::{Content, File, Md5, Timestamp};

use super::*;
use crate::builders::{at, new_index, settings};
use crate::folder::plan::deleting::tests::file as agreed_file;

fn file(content: u8) -> RemoteNode {
    let content = Content { size: 10, md5: Md5::from_bytes([content; 16]) };
    RemoteNode::File(File { content, modified: Timestamp::from_seconds(1) })
}

/// Others need not have done anything if the service shows what was there before that which both sides had
/// agreed on: it is late, and has that still. Where it shows what was sent, or that was agreed on, it tells
/// what is there.
#[test]
fn what_is_older_than_what_was_agreed_on_is_no_news() {
    let [oldest, agreed, sent, others] = [1, 7, 8, 9].map(file);
    for (claimed, shown, is_older) in [
        (Some(sent), Some(oldest), true),
        (Some(sent), Some(agreed), false),
        (Some(sent), Some(sent), false),
        (Some(sent), Some(others), false),
        (Some(sent), None, false),
        // It was sent as it was agreed on.
        (Some(agreed), Some(oldest), false),
        // Nothing is still to be seen.
        (None, Some(oldest), false),
    ] {
        let (_place, mut index) = new_index();
        let id = agreed_file(&mut index, NodeId::ROOT, "a", 10);
        let mut node = index.node(id).unwrap().unwrap();
        assert_eq!(node.remote_node(), Some(agreed));
        if let Some(node_sent) = claimed {
            node.remote = Some(RemoteRecord { node: node_sent, name: None, claimed: true });
        }
        index.save(&mut node).unwrap();
        let mut folder = Folder::new(settings(), index).unwrap();
        let path = folder.index.stored_path_of(&node).unwrap();
        folder.recent_writes.sent(&path, Some(oldest), at(100));
        folder.recent_writes.sent(&path, Some(agreed), at(105));
        let known = folder.known_before_claim(&node, shown, Duration::from_secs(106)).unwrap();
        assert_eq!(known.map(|(before, _)| before), is_older.then_some(agreed), "{claimed:?} {shown:?}");
        assert!(known.is_none_or(|(_, until)| until > Duration::from_secs(106)));
        // An answer to what is asked for long after that is not late.
        let known = folder.known_before_claim(&node, shown, Duration::from_secs(1000)).unwrap();
        assert_eq!(known, None, "{claimed:?} {shown:?}");
    }
}
