//! Applying a move: what the base and one side had at one place, they have at another.

use std::collections::BTreeMap;

use jottad_core::{Name, Side};

use super::{Index, IndexError, Local, Node, NodeId, RemoteRecord};
use crate::disk::Mount;

impl Index {
    /// Moves the base and one side of a row, with everything below, to another row. What the other side has
    /// stays where it was seen. The target must have neither a base nor anything on that side.
    pub(crate) fn relocate(&mut self, from: NodeId, to: NodeId, side: Side) -> Result<(), IndexError> {
        let mut pending = vec![(from, to)];
        let mut emptied = Vec::new();
        while let Some((from, to)) = pending.pop() {
            let (Some(mut source), Some(mut target)) = (self.node(from)?, self.node(to)?) else { continue };
            let renamed = source.name != target.name;
            target.base = source.base.take();
            match side {
                Side::Local => {
                    target.local = std::mem::replace(&mut source.local, Local::Absent);
                    target.mount = source.mount.take();
                    target.holds_unsynced = std::mem::take(&mut source.holds_unsynced);
                }
                Side::Remote => {
                    keep_mount(&source, &mut target);
                    target.remote = source.remote.take();
                    if renamed && let Some(remote) = &mut target.remote {
                        // The service has the entry under the new name, encoded as ours are.
                        remote.name = None;
                    }
                }
            }
            self.save(&mut target)?;
            if side == Side::Local {
                self.move_ignore_file(from, to)?;
            }
            let mut arrived: BTreeMap<Name, Node> =
                self.children(to)?.into_iter().map(|node| (node.name.clone(), node)).collect();
            for mut child in self.children(from)? {
                match arrived.remove(&child.name) {
                    Some(counterpart) => pending.push((child.id, counterpart.id)),
                    None if !self.subtree_stays(&child, side.other())? => {
                        child.parent = to;
                        self.save(&mut child)?;
                    }
                    None if child.base.is_none() && !is_at(&child, side) => {}
                    None => {
                        let mut counterpart = Node::new(to, child.name.clone());
                        // A row is only kept if it holds something; the next turn of the loop moves it over.
                        counterpart.base = child.base;
                        match side {
                            Side::Local => {
                                (counterpart.local, counterpart.mount) = (child.local, child.mount);
                            }
                            Side::Remote => counterpart.remote.clone_from(&child.remote),
                        }
                        self.save(&mut counterpart)?;
                        pending.push((child.id, counterpart.id));
                    }
                }
            }
            emptied.push(from);
            self.save(&mut source)?;
        }
        self.clear_out(emptied)
    }

    /// Gives a row, with everything below it, the place of another one, which holds nothing but what the
    /// first one has there. On the service it has the new name, encoded as ours are.
    pub(crate) fn take_place(&mut self, id: NodeId, place: NodeId) -> Result<(), IndexError> {
        let (Some(mut node), Some(mut taken)) = (self.node(id)?, self.node(place)?) else { return Ok(()) };
        let left = node.parent;
        (node.parent, node.name) = (taken.parent, taken.name.clone());
        taken.local = Local::Absent;
        self.save(&mut taken)?;
        node.remote.iter_mut().for_each(|remote| remote.name = None);
        self.save(&mut node)?;
        self.clear_out(vec![left])
    }

    /// Moves what the remote side has at a row that only it has, with everything below, to the row whose name
    /// the service cannot tell from this one. Returns which rows it left, and at which it arrived, the top
    /// first; what has the same row as before is not among them.
    pub(crate) fn respell(&mut self, from: NodeId, to: NodeId) -> Result<Vec<(NodeId, NodeId)>, IndexError> {
        let mut pending = vec![(from, to)];
        let mut emptied = Vec::new();
        let mut reached = Vec::new();
        while let Some((from, to)) = pending.pop() {
            let (Some(mut source), Some(mut target)) = (self.node(from)?, self.node(to)?) else { continue };
            let stored = source.stored_name();
            let claim = target.remote.take().filter(|record| record.claimed);
            target.remote = source.remote.take().map(|record| RemoteRecord {
                claimed: record.claimed,
                ..RemoteRecord::seen(record.node, &stored, &target.name)
            });
            // What was sent to the old spelling is shown below the new one, and is no one else's (`backup`
            // 60000714).
            if let (Some(claim), Some(seen)) = (claim, &target.remote)
                && !seen.claimed
                && seen.node == claim.node
            {
                target.base = Some(target.base_from_claim(&claim));
            }
            self.save(&mut target)?;
            reached.push((from, to));
            for mut child in self.children(from)? {
                let is_left_alone = source.local != Local::Absent && child.remote.is_none();
                match self.child(to, &child.name)? {
                    _ if is_left_alone => {}
                    Some(counterpart) => pending.push((child.id, counterpart.id)),
                    None if source.local == Local::Absent => {
                        child.parent = to;
                        self.save(&mut child)?;
                    }
                    None => {
                        // What is local stays below what it is in.
                        let mut counterpart = Node::new(to, child.name.clone());
                        counterpart.remote.clone_from(&child.remote);
                        self.save(&mut counterpart)?;
                        pending.push((child.id, counterpart.id));
                    }
                }
            }
            emptied.push(from);
            self.save(&mut source)?;
        }
        self.clear_out(emptied)?;
        Ok(reached)
    }

    /// Rows that were kept only for their children can go once those have left; the lower ones come last.
    fn clear_out(&mut self, emptied: Vec<NodeId>) -> Result<(), IndexError> {
        for id in emptied.into_iter().rev() {
            if let Some(mut node) = self.node(id)?
                && node.is_empty()
                && !self.has_children(id)?
            {
                self.save_empty(&mut node)?;
            }
        }
        Ok(())
    }

    /// Whether both sides agreed on anything below a row.
    pub(crate) fn is_agreed_below(&self, top: NodeId) -> Result<bool, IndexError> {
        let mut found = false;
        self.walk(top, |node, _| {
            found |= node.base.is_some();
            Ok(if found { super::tree::Descend::No } else { super::tree::Descend::Yes })
        })?;
        Ok(found)
    }

    /// Whether a side has anything at a row or below it.
    fn subtree_stays(&self, top: &Node, side: Side) -> Result<bool, IndexError> {
        let mut found = is_at(top, side);
        if !found {
            self.walk(top.id, |node, _| {
                found |= is_at(node, side);
                Ok(if found { super::tree::Descend::No } else { super::tree::Descend::Yes })
            })?;
        }
        Ok(found)
    }
}

/// What was on a disk that is missing now is missing at its new place too, not deleted.
fn keep_mount(source: &Node, target: &mut Node) {
    if let Local::MountChanged(identity) = source.local
        && source.mount.is_some()
        && !Mount::may_be_same(source.mount, target.mount)
    {
        target.local = Local::MountChanged(target.local.identity().unwrap_or(identity));
        target.mount = source.mount;
    }
}

fn is_at(node: &Node, side: Side) -> bool {
    match side {
        Side::Local => node.local != Local::Absent,
        Side::Remote => node.remote.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use jottad_core::{Content, File, Md5, Timestamp, encode_name};

    use super::*;
    use crate::builders::new_index;
    use crate::index::BaseEntry;
    use crate::remote::RemoteNode;

    fn sent(size: u64) -> RemoteNode {
        let content = Content { size, md5: Md5::EMPTY };
        RemoteNode::File(File { content, modified: Timestamp::from_seconds(1) })
    }

    /// A row that only the remote side has, under a name of its own.
    fn row(index: &mut Index, parent: NodeId, name: &str, node: RemoteNode, claimed: bool) -> NodeId {
        let name = Name::try_from(name).unwrap();
        let stored = encode_name(&name);
        let mut row = Node::new(parent, name.clone());
        row.remote = Some(RemoteRecord { claimed, ..RemoteRecord::seen(node, &stored, &name) });
        index.save(&mut row).unwrap();
        row.id
    }

    /// What was sent to the old spelling is seen below the new one.
    #[test]
    fn what_was_sent_to_a_place_is_agreed_on_when_it_is_shown_under_another_spelling() {
        for (claimed, shown, shown_claimed, is_agreed) in [
            (true, sent(1), false, true),
            // Others have put something else there, or it was kept because the service may be late.
            (true, sent(2), false, false),
            (true, sent(1), true, false),
            // It was theirs all along.
            (false, sent(1), false, false),
        ] {
            let (_place, mut index) = new_index();
            let known = row(&mut index, NodeId::ROOT, "e", RemoteNode::Directory, false);
            let own = row(&mut index, known, "a", sent(1), claimed);
            let respelled = row(&mut index, NodeId::ROOT, "E", RemoteNode::Directory, false);
            row(&mut index, respelled, "a", shown, shown_claimed);
            index.respell(respelled, known).unwrap();
            let own = index.node(own).unwrap().unwrap();
            assert_eq!(own.remote_node(), Some(shown));
            let base = own.base.map(|base| base.entry);
            let RemoteNode::File(file) = shown else { unreachable!() };
            assert_eq!(base, is_agreed.then_some(BaseEntry::File(file)), "{claimed} {shown_claimed}");
            let known = index.node(known).unwrap().unwrap();
            assert_eq!(known.stored_name().as_str(), "E");
            assert!(known.base.is_none() && index.node(respelled).unwrap().is_none());
        }
    }
}
