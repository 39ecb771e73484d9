//! Tests of what is known, while nothing runs, of what the last run was sending.

use jottad_core::{Content, File, Md5, Name, Timestamp};

use super::*;
use crate::builders::{file_stat, new_index, path};
use crate::disk::{FileStat, Identity};
use crate::index::RemoteRecord;
use crate::status::LogLine;

const NAMED: &str = "a";

fn line(kind: OperationKind, at: i64, error: Option<&str>) -> LogLine {
    LogLine {
        id: 0,
        at: Timestamp::from_seconds(at),
        kind: kind.as_str().to_owned(),
        path: path(NAMED),
        to: None,
        bytes: None,
        error: error.map(str::to_owned),
    }
}

/// A row that is claimed on the service: a new file that was changed in the hundredth second, or a directory.
fn claimed(index: &mut Index, is_directory: bool) -> Node {
    let content = Content { size: 3, md5: Md5::from_bytes([7; 16]) };
    let file = File { content, modified: Timestamp::from_seconds(1) };
    let mut node = Node::new(NodeId::ROOT, Name::new(NAMED.as_bytes().to_vec()).unwrap());
    let stat = FileStat { changed: 100 * NANOSECONDS + 5, ..file_stat(3, 3) };
    node.local = if is_directory {
        Local::Directory(Identity { inode: 2, born: 1 })
    } else {
        Local::File { stat, md5: Some(content.md5) }
    };
    let there = if is_directory { RemoteNode::Directory } else { RemoteNode::File(file) };
    node.remote = Some(RemoteRecord { node: there, name: None, claimed: true });
    index.save(&mut node).unwrap();
    node
}

/// Whoever asks while nothing runs is told that it was sent if the history says so of just this content: what
/// changed in that second or later may be another one.
#[test]
fn what_was_sent_last_at_a_path_is_known_from_the_history() {
    let upload = OperationKind::Upload;
    let make = OperationKind::MakeDirectory(Side::Remote);
    let made_here = OperationKind::MakeDirectory(Side::Local);
    for (is_directory, lines, expected) in [
        (false, vec![], false),
        (false, vec![line(upload, 101, None)], true),
        (false, vec![line(upload, 100, None)], false),
        (false, vec![line(upload, 99, None)], false),
        (false, vec![line(upload, 101, Some("it failed"))], false),
        (false, vec![line(upload, 101, None), line(upload, 102, Some("it failed"))], false),
        (false, vec![line(OperationKind::Download, 101, None)], false),
        (false, vec![line(make, 101, None)], false),
        (true, vec![], false),
        (true, vec![line(make, 101, None)], true),
        (true, vec![line(make, 101, Some("it failed"))], false),
        (true, vec![line(made_here, 101, None)], false),
        (true, vec![line(upload, 101, None)], false),
    ] {
        let (_place, mut index) = new_index();
        let node = claimed(&mut index, is_directory);
        let said = format!("{is_directory} {lines:?}");
        for line in lines {
            index.record(line).unwrap();
        }
        assert_eq!(was_sent(&index, &node, &path(NAMED)).unwrap(), expected, "{said}");
        // Whoever asks is told the same.
        index.commit().unwrap();
        let wall = Timestamp::from_seconds(1000);
        let folder = Folder::new(crate::builders::settings(), index).unwrap().at_rest(wall).unwrap();
        assert_eq!(folder.is_sent(&node, &path(NAMED)).unwrap(), expected, "{said}");
        let is_ended = folder.word_of_claim(&node, &path(NAMED)).unwrap().contains("when the last run ended");
        assert_eq!(is_ended, !expected, "{said}");
    }
}

/// While a folder runs it knows which answers were lost, and which transfers were cut off before an answer.
#[test]
fn what_was_cut_off_is_told_from_what_got_no_answer() {
    for (is_answer_lost, word) in
        [(true, "it was sent and no answer came"), (false, "it was being sent and was cut off")]
    {
        let (_place, mut index) = new_index();
        let node = claimed(&mut index, false);
        let mut folder = Folder::new(crate::builders::settings(), index).unwrap();
        folder.claims.cut(node.id, is_answer_lost);
        assert_eq!(folder.claim_of(&node), Some(Claim::CutOff));
        assert_eq!(folder.is_sent(&node, &path(NAMED)).unwrap(), is_answer_lost);
        assert!(folder.word_of_claim(&node, &path(NAMED)).unwrap().starts_with(word));
        let pending = folder.with_what_is_being_sent(Pending::default()).unwrap();
        assert_eq!(pending, Pending { uploads: 1, bytes: 3, ..Pending::default() });
    }
}
