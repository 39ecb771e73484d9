//! Known directories that were seen at another place: they move as a whole, before anything in them is read.
//!
//! To read a directory that was renamed, and to write each row below it down at both places, takes as long as
//! to take it up anew. Its identity tells at once which one it is. So, where its old place is found empty and
//! nothing else is to be done, the service is asked for the move first, and then its row gets the new place,
//! with all that is below; what is in it is read after that.
//!
//! Wherever anything speaks against it, the directory is what it would be otherwise: gone from one place, and
//! new at the other. The move is found again, then, from what is in it.

use std::collections::{BTreeMap, BTreeSet};

use jottad_core::{Entry, RelativePath};

use crate::disk::Identity;
use crate::folder::namesakes;
use crate::folder::{Folder, FolderError, Purpose};
use crate::index::{Local, Node, NodeId};
use crate::time::Now;

/// Rows of directories that have another place, as far as that is known.
#[derive(Debug, Default)]
pub(in crate::folder) struct Arrivals {
    /// Those that were not seen at their place any more. Their rows still say that they are there.
    departed: BTreeSet<NodeId>,
    /// The places at which known directories were seen, with the rows that these have. Nothing in them is
    /// read yet.
    arrived: BTreeMap<NodeId, NodeId>,
    /// Those that are to move as a whole, with the rows of their new places.
    whole: BTreeMap<NodeId, NodeId>,
}

impl Arrivals {
    /// Whether nothing waits for a move.
    pub(in crate::folder) fn is_idle(&self) -> bool {
        self.departed.is_empty() && self.arrived.is_empty() && self.whole.is_empty()
    }

    /// Whether what is in a directory is read only once it is known whether it moves as a whole.
    pub(super) fn holds_back(&self, place: NodeId) -> bool {
        self.arrived.contains_key(&place)
    }

    /// Something was seen at a place.
    pub(super) fn seen_at(&mut self, place: NodeId) {
        self.departed.remove(&place);
    }

    /// The pairs that are to move as a whole: the row, and that of its new place.
    pub(in crate::folder) fn whole(&self) -> impl Iterator<Item = (NodeId, NodeId)> {
        self.whole.iter().map(|(from, to)| (*from, *to))
    }

    /// Whether a row's directory is to move as a whole.
    pub(in crate::folder) fn moves_whole(&self, from: NodeId) -> bool {
        self.whole.contains_key(&from)
    }

    /// A directory has moved as a whole.
    fn moved(&mut self, from: NodeId) {
        self.departed.remove(&from);
        if let Some(to) = self.whole.remove(&from) {
            self.arrived.remove(&to);
        }
    }
}

impl Folder {
    /// A directory is new at its place: if it is known at another one, what is in it is not read yet.
    pub(super) fn note_arrival(&mut self, node: &Node, identity: Identity) -> Result<(), FolderError> {
        if !self.may_move_whole() || node.base.is_some() || node.remote.is_some() || node.mount.is_some() {
            return Ok(());
        }
        if let [known] = self.index.directories_with(identity)?.as_slice()
            && known.id != node.id
            && is_whole(known)
        {
            self.arrivals.arrived.insert(node.id, known.id);
        }
        Ok(())
    }

    /// A directory was not seen at its place any more: tells whether that is noted only once all that is
    /// being read was read, because it may turn up elsewhere.
    pub(super) fn note_departure(&mut self, node: &Node) -> bool {
        let may_turn_up = self.may_move_whole() && is_whole(node);
        if may_turn_up {
            self.arrivals.departed.insert(node.id);
        }
        may_turn_up
    }

    /// Rules may keep out at one place what they let in at another.
    fn may_move_whole(&self) -> bool {
        self.purpose == Purpose::Work && self.settings.mode.pushes() && self.rules.is_empty()
    }

    /// All was read that was to be: which directories move as a whole is known now, and for the others it
    /// goes on as without.
    pub(in crate::folder) fn review_arrivals(&mut self, now: Now) -> Result<(), FolderError> {
        // The directory that they are to move into may just have been made: then they are asked for next.
        let comes_next = !self.arrivals.whole.is_empty() && self.round.is_at_moves();
        if self.arrivals.is_idle() || self.is_moving_whole() || comes_next {
            return Ok(());
        }
        self.arrivals.whole = self.pairs_that_move_whole(now)?;
        self.give_up_arrivals(now)
    }

    fn pairs_that_move_whole(&self, now: Now) -> Result<BTreeMap<NodeId, NodeId>, FolderError> {
        let mut whole = BTreeMap::new();
        if !self.may_move_at_once(now)? {
            return Ok(whole);
        }
        let mut ends: Vec<RelativePath> = Vec::new();
        for (to, from) in &self.arrivals.arrived {
            if !self.arrivals.departed.contains(from) || !self.is_pair(*from, *to)? {
                continue;
            }
            for end in [self.index.path(*from)?, self.index.path(*to)?] {
                // One of two that lie in each other would be somewhere else after the first move.
                if ends.iter().any(|other| other.starts_with(&end) || end.starts_with(other)) {
                    return Ok(BTreeMap::new());
                }
                ends.push(end);
            }
            if whole.insert(*from, *to).is_some() {
                return Ok(BTreeMap::new());
            }
        }
        Ok(whole)
    }

    /// Whether a move that is decided on now is asked for now.
    fn may_move_at_once(&self, now: Now) -> Result<bool, FolderError> {
        Ok(self.in_flight.is_empty()
            && self.is_rested(now)
            && self.connection.is_open()
            && self.listing.is_known()
            && !self.listing.forbids_structure()
            && self.move_in_doubt.is_idle()
            && self.hints.is_idle()
            && self.pacing.is_idle()
            && self.round.may_begin_at_once()
            && !self.index.is_parked()?)
    }

    /// Whether a row and that of a new place are those of one directory, as far as is known by now.
    fn is_pair(&self, from: NodeId, to: NodeId) -> Result<bool, FolderError> {
        let (Some(from), Some(to)) = (self.index.node(from)?, self.index.node(to)?) else { return Ok(false) };
        Ok(is_whole(&from)
            && from.local == to.local
            && to.base.is_none()
            && to.remote.is_none()
            && to.mount.is_none()
            && !namesakes::is_respelling(&from, &to)
            && !self.index.has_children(to.id)?)
    }

    /// What does not move as a whole, and does not wait for that, is gone from one place and new at the
    /// other.
    fn give_up_arrivals(&mut self, now: Now) -> Result<(), FolderError> {
        let Arrivals { departed, arrived, whole } = &mut self.arrivals;
        let gone: Vec<NodeId> = departed.extract_if(.., |id| !whole.contains_key(id)).collect();
        let places: BTreeSet<NodeId> = whole.values().copied().collect();
        let unread: Vec<NodeId> =
            arrived.extract_if(.., |place, _| !places.contains(place)).map(|(place, _)| place).collect();
        for id in gone {
            // Whatever became of it on the service since.
            if let Some(mut node) = self.index.node(id)?
                && node.local.is_directory()
            {
                let tried = self.attempts.get(&id).copied();
                self.vanish(&mut node, now)?;
                // That it is gone from there is no news: a move that failed has failed so often.
                self.attempts.extend(tried.map(|times| (id, times)));
                self.local_change_was_found()?;
                self.forget_failed_removals_above(node.parent)?;
            }
        }
        for id in unread {
            if self.index.node(id)?.is_some() {
                self.scanning.want_subtree(self.index.path(id)?);
            }
        }
        Ok(())
    }

    /// Moves that were to be asked for at once and were not, or were not done: they are found again from what
    /// is in the directories. Tells whether there were any.
    pub(in crate::folder) fn give_up_waiting_arrivals(&mut self, now: Now) -> Result<bool, FolderError> {
        if self.arrivals.whole.is_empty() || self.is_moving_whole() {
            return Ok(false);
        }
        self.arrivals.whole.clear();
        self.give_up_arrivals(now)?;
        Ok(true)
    }

    /// Whether a move of a whole directory was asked for, or comes next.
    fn is_moving_whole(&self) -> bool {
        !self.arrivals.whole.is_empty() && (self.in_flight.has_structural() || self.round.has_moves())
    }

    /// A directory was moved on the service. If it moves as a whole, it gets its new place with all that is
    /// below it, and what is in it is read next; tells whether it does.
    pub(in crate::folder) fn move_whole(
        &mut self,
        from: NodeId,
        to: NodeId,
        now: Now,
    ) -> Result<bool, FolderError> {
        if !self.arrivals.moves_whole(from) {
            return Ok(false);
        }
        let is_still_so = self.arrivals.whole.get(&from) == Some(&to)
            && self.arrivals.departed.contains(&from)
            && self.is_pair(from, to)?;
        if !is_still_so {
            self.arrivals.whole.remove(&from);
            self.give_up_arrivals(now)?;
            return Ok(false);
        }
        self.arrivals.moved(from);
        self.index.take_place(from, to)?;
        self.scanning.want_subtree(self.index.path(from)?);
        Ok(true)
    }
}

/// Whether a row's directory is there on both sides as was agreed, and can be told from any other.
fn is_whole(node: &Node) -> bool {
    let Local::Directory(identity) = node.local else { return false };
    node.id != NodeId::ROOT
        && identity.born != 0
        && node.mount.is_none()
        && node.base_entry() == Entry::Directory
        && node.base.is_some_and(|base| base.identity == identity)
        && node.remote_entry() == Entry::Directory
        && node.remote.as_ref().is_some_and(|remote| !remote.claimed)
}

#[cfg(test)]
mod tests {
    use jottad_core::{Mode, Name};

    use super::*;
    use crate::builders::{at, new_index, settings};
    use crate::index::{Base, BaseEntry, RemoteRecord, Stamp};
    use crate::remote::RemoteNode;
    use crate::settings::FolderSettings;

    /// Its row said for ever that it was there, if it stopped to be as agreed before it was known whether it
    /// moves.
    #[test]
    fn what_is_gone_is_known_to_be_gone_whatever_others_did_to_it_meanwhile() {
        let identity = Identity { inode: 5, born: 1 };
        let record = |claimed| RemoteRecord { node: RemoteNode::Directory, name: None, claimed };
        for meanwhile in [Some(record(false)), Some(record(true)), None] {
            let (_place, index) = new_index();
            let settings = FolderSettings { mode: Mode::Sync, ..settings() };
            let mut folder = Folder::new(settings, index).unwrap();
            let mut node = Node::new(NodeId::ROOT, Name::try_from("d").unwrap());
            node.local = Local::Directory(identity);
            node.base = Some(Base { entry: BaseEntry::Directory, identity, stamp: Stamp::default() });
            node.remote = Some(record(false));
            folder.index.save(&mut node).unwrap();
            assert!(folder.note_departure(&node));
            node.remote = meanwhile;
            folder.index.save(&mut node).unwrap();
            folder.review_arrivals(at(1)).unwrap();
            assert!(folder.arrivals.is_idle());
            let local = folder.index.node(node.id).unwrap().map(|node| node.local);
            assert_eq!(local, Some(Local::Absent), "{:?}", node.remote);
        }
    }

    #[test]
    fn a_directory_moves_as_a_whole_where_changes_are_sent_and_no_rule_may_part_it() {
        for (mode, ignore, expected) in [
            (Mode::Sync, None, true),
            (Mode::Backup, None, true),
            (Mode::Archive, None, true),
            (Mode::Pull, None, false),
            (Mode::Sync, Some("*.tmp"), false),
            (Mode::Pull, Some("*.tmp"), false),
        ] {
            let (_place, index) = new_index();
            let ignore = ignore.map(str::to_owned).into_iter().collect();
            let folder = Folder::new(FolderSettings { mode, ignore, ..settings() }, index).unwrap();
            assert_eq!(folder.may_move_whole(), expected, "{mode:?}");
        }
    }

    /// Only what both sides have as they agreed on it moves at once: anything else is told apart by what is in
    /// it, or not at all.
    #[test]
    fn a_directory_is_whole_if_it_is_there_on_both_sides_as_was_agreed() {
        type Change = fn(&mut Node);
        let identity = Identity { inode: 5, born: 1 };
        let other = |identity| Some(Base { entry: BaseEntry::Directory, identity, stamp: Stamp::default() });
        let whole = || {
            let mut node = Node::new(NodeId::ROOT, Name::try_from("d").unwrap());
            node.id = NodeId(7);
            node.local = Local::Directory(identity);
            node.base = other(identity);
            node.remote = Some(RemoteRecord { node: RemoteNode::Directory, name: None, claimed: false });
            node
        };
        assert!(is_whole(&whole()));
        let changes: [(&str, Change); 8] = [
            ("it is the root", |node| node.id = NodeId::ROOT),
            ("it cannot be told from another one", |node| {
                node.local = Local::Directory(Identity { inode: 5, born: 0 });
            }),
            ("it cannot be read", |node| {
                node.local = Local::UnreadableDirectory(Identity { inode: 5, born: 1 });
            }),
            ("a disk is mounted there", |node| node.mount = Some(crate::disk::Mount { file_system: 7 })),
            ("nothing was agreed on", |node| node.base = None),
            ("another one was agreed on", |node| {
                node.local = Local::Directory(Identity { inode: 6, born: 1 });
            }),
            ("the service has none", |node| node.remote = None),
            ("the service has not shown it", |node| {
                node.remote.iter_mut().for_each(|remote| remote.claimed = true);
            }),
        ];
        for (what, change) in changes {
            let mut node = whole();
            change(&mut node);
            assert!(!is_whole(&node), "{what}");
        }
    }
}
