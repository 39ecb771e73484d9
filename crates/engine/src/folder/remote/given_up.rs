//! What was sent, whose answer was lost, and that a look did not show: the look may have been too late for
//! that (protocol U-38). If it turns up after all, it is ours, also in a later run.

use std::collections::BTreeMap;
use std::time::Duration;

use jottad_core::Name;
use jottad_core::staleness::STALENESS_WINDOW;

use crate::folder::FolderError;
use crate::index::{Index, Node, NodeId, Sent};
use crate::planted::{self, Planted};
use crate::remote::RemoteNode;
use crate::time::Now;

/// What is beyond so many is taken for others' if it turns up.
const MOST: usize = 1024;

/// What was given up and may turn up.
#[derive(Debug, Default)]
pub(super) struct GivenUp {
    places: BTreeMap<Place, Missed>,
    /// It is not written down as it is.
    is_changed: bool,
}

/// A directory and a name in it.
type Place = (NodeId, Name);

#[derive(Debug)]
struct Missed {
    node: RemoteNode,
    /// An answer that was asked for then cannot be late any more. It is noted with the next step.
    until: Option<Duration>,
}

impl GivenUp {
    /// Takes up what an earlier run has given up.
    pub(super) fn take_up(&mut self, index: &Index) -> Result<(), FolderError> {
        for Sent { directory, name, node } in index.given_up()? {
            self.places.insert((directory, name), Missed { node, until: None });
        }
        Ok(())
    }

    /// A look contradicts what was sent to a row.
    pub(super) fn add(&mut self, row: &Node, sent: RemoteNode) {
        if self.places.len() < MOST {
            self.places.insert(place(row), Missed { node: sent, until: None });
            self.is_changed = true;
        }
    }

    /// Whether this was given up at a place.
    pub(super) fn is_at(&self, directory: NodeId, name: &Name, seen: RemoteNode) -> bool {
        !self.places.is_empty()
            && self.places.get(&(directory, name.clone())).is_some_and(|missed| missed.node == seen)
    }

    /// Takes what is seen at a row; tells whether it was given up there.
    pub(super) fn take(&mut self, row: &Node, seen: RemoteNode) -> bool {
        let is_ours = self.is_at(row.parent, &row.name, seen) && !planted::is(Planted::GivenUpForgotten);
        if is_ours {
            self.forget(row);
        }
        is_ours
    }

    /// What was sent to a row since was seen there.
    pub(super) fn forget(&mut self, row: &Node) {
        self.is_changed |= !self.places.is_empty() && self.places.remove(&place(row)).is_some();
    }

    /// An answer has shown all that is in a directory, or everything: what it did not show never arrived, if
    /// it was not late.
    pub(super) fn judged(&mut self, directory: Option<NodeId>, asked_at: Duration) {
        let before = self.places.len();
        self.places.retain(|(parent, _), missed| {
            directory.is_some_and(|directory| directory != *parent)
                || missed.until.is_none_or(|until| asked_at < until)
        });
        self.is_changed |= self.places.len() != before;
    }

    /// Writes down what has changed.
    pub(super) fn write_down(&mut self, index: &mut Index, now: Now) -> Result<(), FolderError> {
        for missed in self.places.values_mut() {
            missed.until.get_or_insert(now.monotonic + STALENESS_WINDOW);
        }
        if std::mem::take(&mut self.is_changed) {
            let sent = |((directory, name), missed): (&Place, &Missed)| Sent {
                directory: *directory,
                name: name.clone(),
                node: missed.node,
            };
            index.set_given_up(self.places.iter().map(sent))?;
        }
        Ok(())
    }
}

fn place(row: &Node) -> Place {
    (row.parent, row.name.clone())
}

#[cfg(test)]
mod tests {
    use jottad_core::{Content, File, Md5, Timestamp};

    use super::*;
    use crate::builders::{at, new_index};

    const LATE: u64 = STALENESS_WINDOW.as_secs();

    fn file(size: u64) -> RemoteNode {
        let content = Content { size, md5: Md5::EMPTY };
        RemoteNode::File(File { content, modified: Timestamp::from_seconds(-5) })
    }

    fn row(name: &str) -> Node {
        Node::new(NodeId(7), Name::try_from(name).unwrap())
    }

    #[test]
    fn what_was_given_up_is_known_again_once_and_in_a_later_run() {
        let (_place, mut index) = new_index();
        let mut given_up = GivenUp::default();
        for (name, sent) in [("a b", file(1)), ("d", RemoteNode::Directory)] {
            given_up.add(&row(name), sent);
        }
        given_up.write_down(&mut index, at(0)).unwrap();
        let mut later = GivenUp::default();
        later.take_up(&index).unwrap();
        for mut known in [given_up, later] {
            assert!(!known.take(&row("a b"), file(2)) && !known.take(&row("a"), file(1)));
            assert!(known.take(&row("a b"), file(1)) && known.take(&row("d"), RemoteNode::Directory));
            assert!(!known.take(&row("a b"), file(1)));
            known.write_down(&mut index, at(0)).unwrap();
            assert!(index.given_up().unwrap().is_empty());
        }
    }

    #[test]
    fn what_an_answer_does_not_show_that_cannot_be_late_never_arrived() {
        let (_place, mut index) = new_index();
        for (directory, asked_at, is_known) in [
            (None, LATE - 1, true),
            (None, LATE, false),
            (Some(NodeId(7)), LATE, false),
            (Some(NodeId(8)), LATE, true),
        ] {
            let mut given_up = GivenUp::default();
            given_up.add(&row("a"), file(1));
            given_up.judged(directory, Duration::from_secs(asked_at));
            given_up.write_down(&mut index, at(0)).unwrap();
            given_up.judged(directory, Duration::from_secs(asked_at));
            assert_eq!(given_up.take(&row("a"), file(1)), is_known, "{directory:?} {asked_at}");
        }
    }
}
