//! What became of moves on the service whose answers were lost: both ends of each are looked at, one move
//! after the other, before anything else is done.
//!
//! A move is the one operation whose half-known end could be mistaken: an entry that arrived unseen looks
//! like another device's, and one that was thought to have left like a deletion. A service that lags
//! (protocol U-38) may show both ends as they were before an earlier move, which can look like the end of
//! this one: in a change of letter case or a ring the old name is still taken then, and the temporary name
//! not yet. So a look is believed only if a later one says the same, and where it may still be older than
//! another move, only once it cannot be that any more.

use std::collections::VecDeque;
use std::time::Duration;

use jottad_core::staleness::{RECHECK_DELAYS, STALENESS_WINDOW};
use jottad_core::{StoredPath, encode_name};

use super::connection::Suspected;
use crate::event::{CommandId, Task};
use crate::folder::{Folder, FolderError};
use crate::index::{Index, Node, NodeId, RemoteMove, RemoteRecord};
use crate::remote::{RemoteError, RemoteNode, Sighted};
use crate::time::Now;

/// The moves that are in doubt. There is more than one only of directories that move as a whole, of which no
/// two lie in each other.
#[derive(Debug, Default)]
pub(in crate::folder) struct MoveInDoubt {
    /// The first of them is looked at.
    doubted: VecDeque<RemoteMove>,
    looks: Looks,
    /// Those of whose ends looks tell nothing, because the service does not show them although it answers, or
    /// shows two directories: the next complete listing tells.
    unshown: Vec<RemoteMove>,
    /// From which row the last of those led.
    unshown_before: Option<NodeId>,
}

/// The looks at both ends.
#[derive(Debug, Default)]
struct Looks {
    source: Look,
    target: Look,
    /// How often both ends were seen, and what that said the last time.
    seen: usize,
    before: Option<Sight>,
    /// How often the service did not show an end although it answers.
    failed: usize,
    /// When they are looked at again.
    not_before: Option<Duration>,
}

/// One end, and what was seen there.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Look {
    #[default]
    Wanted,
    Asked(CommandId),
    Seen(Option<RemoteNode>),
}

/// What both ends say of a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sight {
    Stayed,
    Arrived,
    /// The service is late at one of the ends, or somebody else was at work.
    Neither,
}

impl MoveInDoubt {
    /// Takes up the moves that a crash interrupted.
    pub(in crate::folder) fn new(index: &Index) -> Result<Self, FolderError> {
        Ok(Self { doubted: index.remote_moves()?.into(), ..Self::default() })
    }

    /// The answer to a move was not that it was done.
    pub(in crate::folder) fn doubt(&mut self, remote_move: RemoteMove) {
        self.unshown.retain(|other| other.source != remote_move.source);
        if self.doubted.is_empty() {
            self.looks = Looks::default();
        }
        self.doubted.push_back(remote_move);
    }

    /// Looks at both ends of the first one do not tell: the next complete listing does.
    fn leave_to_listing(&mut self) {
        self.unshown.extend(self.doubted.pop_front());
        self.looks = Looks::default();
    }

    pub(in crate::folder) fn is_idle(&self) -> bool {
        self.doubted.is_empty() && self.unshown.is_empty()
    }

    /// Whether this command looks at an end of the move.
    pub(in crate::folder) fn asked(&self, command: CommandId) -> bool {
        self.looks.source == Look::Asked(command) || self.looks.target == Look::Asked(command)
    }

    pub(in crate::folder) fn deadline(&self) -> Option<Duration> {
        self.looks.not_before
    }

    pub(in crate::folder) fn timer(&mut self, now: Now) {
        self.looks.not_before = self.looks.not_before.filter(|time| *time > now.monotonic);
    }

    /// Takes what both ends say now; `None` if they are to be looked at again. `is_stale` says that it may be
    /// older than another move.
    fn weigh(&mut self, sight: Sight, is_stale: bool, now: Now) -> Option<Sight> {
        let may_be_older = sight == Sight::Arrived && is_stale;
        let looks = &mut self.looks;
        let is_repeated = looks.before.replace(sight) == Some(sight);
        looks.seen += 1;
        if is_repeated && sight != Sight::Neither && !may_be_older {
            return Some(sight);
        }
        let Some(delay) = RECHECK_DELAYS.get(looks.seen - 1) else { return Some(sight) };
        looks.not_before = Some(now.monotonic + *delay);
        (looks.source, looks.target) = (Look::Wanted, Look::Wanted);
        None
    }
}

impl Folder {
    /// Looks at both ends of the first move that is in doubt; tells whether none is.
    pub(in crate::folder) fn resolve_move(&mut self) -> Result<bool, FolderError> {
        let doubted = loop {
            let Some(doubted) = self.move_in_doubt.doubted.front().cloned() else { return Ok(true) };
            if self.index.node(doubted.source)?.is_some() && self.index.node(doubted.directory)?.is_some() {
                break doubted;
            }
            // One of the ends means nothing any more; a listing shows what there is.
            self.listing.want_everything();
            self.end_doubt()?;
        };
        if self.move_in_doubt.looks.not_before.is_some() {
            return Ok(false);
        }
        let (from, to) = paths_of(&self.index, &doubted)?;
        if self.move_in_doubt.looks.source == Look::Wanted {
            self.move_in_doubt.looks.source = Look::Asked(self.issue(Task::Look { path: from }));
        }
        if self.move_in_doubt.looks.target == Look::Wanted {
            self.move_in_doubt.looks.target = Look::Asked(self.issue(Task::Look { path: to }));
        }
        Ok(false)
    }

    /// Whether what the service shows at an end of a move may be older than another move.
    fn is_move_stale(&self, remote_move: &RemoteMove, now: Now) -> Result<bool, FolderError> {
        let (from, to) = paths_of(&self.index, remote_move)?;
        Ok([from, to].iter().any(|end| self.recent_writes.move_stale_until(end, now).is_some()))
    }

    pub(in crate::folder) fn move_looked_at(
        &mut self,
        command: CommandId,
        result: Result<Option<Sighted>, RemoteError>,
        now: Now,
    ) -> Result<(), FolderError> {
        let look = match result {
            Ok(seen) => {
                self.connection.succeeded();
                Look::Seen(seen.map(|seen| seen.node))
            }
            Err(error) => {
                self.look_failed(Suspected::Move, &error, now)?;
                Look::Wanted
            }
        };
        let looks = &mut self.move_in_doubt.looks;
        if looks.source == Look::Asked(command) {
            looks.source = look;
        } else {
            looks.target = look;
        }
        if let (Look::Seen(source), Look::Seen(target)) = (looks.source, looks.target) {
            self.judge_move(source, target, now)?;
        }
        Ok(())
    }

    /// The service answers, but does not show an end of the move: after some tries a listing has to tell.
    pub(super) fn move_look_failed(&mut self, now: Now) {
        let Some(source) = self.move_in_doubt.doubted.front().map(|doubted| doubted.source) else { return };
        let was_unshown = self.move_in_doubt.unshown_before == Some(source);
        let looks = &mut self.move_in_doubt.looks;
        if let Some(delay) = RECHECK_DELAYS.get(looks.failed) {
            // Looks that told nothing the last time are not worth more than one, but the listing may be as
            // late as before.
            let (skipped, delay) =
                if was_unshown { (RECHECK_DELAYS.len(), STALENESS_WINDOW) } else { (1, *delay) };
            looks.failed += skipped;
            looks.not_before = Some(now.monotonic + delay);
            return;
        }
        self.move_in_doubt.unshown_before = Some(source);
        self.move_in_doubt.leave_to_listing();
        self.listing.want_everything();
    }

    /// A complete listing shows what became of moves of whose ends looks told nothing: tells whether any
    /// arrived. Then what was known where it came from is known where it is now, and has to be listed once
    /// more.
    pub(super) fn judge_moves_by_listing(
        &mut self,
        is_seen: &dyn Fn(NodeId) -> bool,
        now: Now,
    ) -> Result<bool, FolderError> {
        let mut any_arrived = false;
        for unshown in std::mem::take(&mut self.move_in_doubt.unshown) {
            any_arrived |= self.judge_move_by_listing(&unshown, is_seen, now)?;
            self.index.forget_remote_move(unshown.source)?;
            self.round.restart();
        }
        Ok(any_arrived)
    }

    fn judge_move_by_listing(
        &mut self,
        unshown: &RemoteMove,
        is_seen: &dyn Fn(NodeId) -> bool,
        now: Now,
    ) -> Result<bool, FolderError> {
        let source = self.index.node(unshown.source)?;
        let target = match self.index.node(unshown.directory)? {
            Some(directory) => self.index.child(directory.id, &unshown.name)?,
            None => None,
        };
        let shown = |node: &Node| node.remote.as_ref().map(|remote| remote.node).filter(|_| is_seen(node.id));
        let mut has_arrived = false;
        if let (Some(source), Some(target)) = (&source, &target) {
            has_arrived = target.base.is_none()
                && (sight_of(source, shown(source), shown(target)) == Sight::Arrived
                    || has_gone_over(&self.index, source.id, target.id, is_seen)?)
                && !self.is_move_stale(unshown, now)?;
            if has_arrived {
                self.moved(source, unshown, now)?;
                self.listing.want_everything();
            }
        }
        Ok(has_arrived)
    }

    fn judge_move(
        &mut self,
        source: Option<RemoteNode>,
        target: Option<RemoteNode>,
        now: Now,
    ) -> Result<(), FolderError> {
        let Some(doubted) = self.move_in_doubt.doubted.front().cloned() else { return Ok(()) };
        let Some(node) = self.index.node(doubted.source)? else { return self.end_doubt() };
        let is_stale = self.is_move_stale(&doubted, now)?;
        let Some(sight) = self.move_in_doubt.weigh(sight_of(&node, source, target), is_stale, now) else {
            return Ok(());
        };
        if (source, target) == (Some(RemoteNode::Directory), Some(RemoteNode::Directory)) {
            // One of them is the one that was to be moved, and others made the other one. What is in them
            // tells.
            self.move_in_doubt.leave_to_listing();
            self.listing.want_everything();
            self.round.restart();
            return Ok(());
        }
        self.end_doubt()?;
        // What a directory holds was not looked at, and anything else than one of the two ends is somebody
        // else's work.
        let is_directory = node.remote.as_ref().is_some_and(|known| known.node == RemoteNode::Directory);
        let is_replaced = sight == Sight::Arrived && source.is_some();
        if is_directory || is_replaced || sight == Sight::Neither {
            self.listing.want_everything();
        }
        if sight != Sight::Neither {
            // It is known where everything is, so the moves may go on. How often one is tried is counted
            // apart.
            self.round.go_on_with_moves();
        }
        if sight == Sight::Arrived { self.moved_before_claim(node, target, &doubted, now) } else { Ok(()) }
    }

    /// A move has arrived. What was sent there before it may not have: then what was agreed on has moved.
    fn moved_before_claim(
        &mut self,
        mut node: Node,
        arrived: Option<RemoteNode>,
        remote_move: &RemoteMove,
        now: Now,
    ) -> Result<(), FolderError> {
        if let Some(before) = before_claim(&node)
            && is_same_entry(Some(before), arrived)
            && let Some(remote) = node.remote.take_if(|remote| !is_same_entry(Some(remote.node), arrived))
        {
            node.remote = Some(RemoteRecord { node: before, claimed: false, ..remote });
            self.index.save(&mut node)?;
            self.claims.forget(node.id);
        }
        self.moved(&node, remote_move, now)
    }

    /// It is known what became of the first move.
    fn end_doubt(&mut self) -> Result<(), FolderError> {
        if let Some(doubted) = self.move_in_doubt.doubted.pop_front() {
            self.index.forget_remote_move(doubted.source)?;
        }
        self.move_in_doubt.looks = Looks::default();
        self.round.restart();
        Ok(())
    }
}

/// What is shown at both ends of what was moved. Others may have put something else where it came from.
fn sight_of(moved: &Node, source: Option<RemoteNode>, target: Option<RemoteNode>) -> Sight {
    let known = moved.remote.as_ref().map(|remote| remote.node);
    let before = before_claim(moved);
    let is_it = |shown| {
        (known.is_some() && is_same_entry(known, shown)) || (before.is_some() && is_same_entry(before, shown))
    };
    if !is_it(source) && is_it(target) {
        Sight::Arrived
    } else if target.is_none() && is_it(source) {
        Sight::Stayed
    } else {
        Sight::Neither
    }
}

/// What the service had at a row before something was sent there that may not have arrived.
fn before_claim(node: &Node) -> Option<RemoteNode> {
    let is_claimed = node.remote.as_ref().is_some_and(|remote| remote.claimed);
    node.base_entry().file().filter(|_| is_claimed).map(RemoteNode::File)
}

/// Whether a listing shows at another directory what was in one, and nothing of it where it was.
fn has_gone_over(
    index: &Index,
    source: NodeId,
    target: NodeId,
    is_seen: &dyn Fn(NodeId) -> bool,
) -> Result<bool, FolderError> {
    let shown = |node: &Node| node.remote.as_ref().map(|remote| remote.node).filter(|_| is_seen(node.id));
    let mut has_arrived = false;
    for child in index.children(source)?.into_iter().filter(|child| child.base.is_some()) {
        if shown(&child).is_some() {
            return Ok(false);
        }
        let known = child.remote.as_ref().map(|remote| remote.node);
        let arrived = index.child(target, &child.name)?;
        has_arrived |= known.is_some() && is_same_entry(known, arrived.as_ref().and_then(shown));
    }
    Ok(has_arrived)
}

fn is_same_entry(one: Option<RemoteNode>, other: Option<RemoteNode>) -> bool {
    match (one, other) {
        (Some(RemoteNode::File(one)), Some(RemoteNode::File(other))) => one.content == other.content,
        (one, other) => one == other,
    }
}

/// Where a move that the index does not show yet leads from and to.
pub(in crate::folder) fn paths_of(
    index: &Index,
    remote_move: &RemoteMove,
) -> Result<(StoredPath, StoredPath), FolderError> {
    let directory = index.stored_path(remote_move.directory)?;
    Ok((index.stored_path(remote_move.source)?, directory.join(encode_name(&remote_move.name))))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jottad_core::{Content, File, Md5, Name, Timestamp};

    use super::*;
    use crate::builders::{at, new_index};
    use crate::disk::Identity;
    use crate::index::{Base, BaseEntry, Stamp};

    /// When a move that is seen to be so is believed, in seconds, if all answers may be older than another
    /// one for so long.
    fn believed_after(sight: Sight, stale_until: u64) -> u64 {
        let mut move_in_doubt = MoveInDoubt::default();
        let mut now = at(0);
        loop {
            let is_stale = now.monotonic.as_secs() < stale_until;
            if move_in_doubt.weigh(sight, is_stale, now) == Some(sight) {
                return now.monotonic.as_secs();
            }
            now.monotonic = move_in_doubt.deadline().unwrap();
            move_in_doubt.timer(now);
        }
    }

    /// The second look, and the last one.
    const SOON: u64 = RECHECK_DELAYS[0].as_secs();
    const LATE: u64 = STALENESS_WINDOW.as_secs();

    #[test]
    fn a_move_is_believed_when_two_looks_say_that_it_arrived() {
        assert_eq!(believed_after(Sight::Arrived, 0), SOON);
    }

    fn file(size: u64) -> RemoteNode {
        let content = Content { size, md5: Md5::EMPTY };
        RemoteNode::File(File { content, modified: Timestamp::from_seconds(0) })
    }

    fn row(parent: NodeId, name: &str, node: Option<RemoteNode>) -> Node {
        let mut row = Node::new(parent, Name::try_from(name).unwrap());
        row.remote = node.map(|node| RemoteRecord { node, name: None, claimed: false });
        row
    }

    /// Others may have put something where the entry came from since. Once, nobody knew then that it had
    /// arrived, and it was taken for others' (`backup` 25002365).
    #[test]
    fn what_is_at_the_target_and_not_at_the_source_has_arrived() {
        let moved = row(NodeId::ROOT, "a", Some(file(1)));
        for (source, target, sight) in [
            (None, Some(file(1)), Sight::Arrived),
            (Some(file(2)), Some(file(1)), Sight::Arrived),
            (Some(RemoteNode::Directory), Some(file(1)), Sight::Arrived),
            (Some(file(1)), None, Sight::Stayed),
            (Some(file(1)), Some(file(1)), Sight::Neither),
            (Some(file(2)), None, Sight::Neither),
            (None, Some(file(2)), Sight::Neither),
            (None, None, Sight::Neither),
        ] {
            assert_eq!(sight_of(&moved, source, target), sight, "{source:?} {target:?}");
        }
    }

    /// An upload was cut off before the move, so either content may have moved. Once, that of before was
    /// taken for others', and stayed (`backup` 37002956).
    #[test]
    fn what_was_agreed_on_may_have_moved_instead_of_what_was_sent_to_it() {
        let mut moved = row(NodeId::ROOT, "a", Some(file(2)));
        let RemoteNode::File(agreed) = file(1) else { unreachable!() };
        let entry = BaseEntry::File(agreed);
        moved.base = Some(Base { entry, identity: Identity { inode: 1, born: 1 }, stamp: Stamp::default() });
        for (is_claimed, arrived, sight) in [
            (true, file(1), Sight::Arrived),
            (true, file(2), Sight::Arrived),
            (true, file(3), Sight::Neither),
            (false, file(1), Sight::Neither),
        ] {
            moved.remote.as_mut().unwrap().claimed = is_claimed;
            assert_eq!(sight_of(&moved, None, Some(arrived)), sight, "{arrived:?}");
        }
        moved.remote.as_mut().unwrap().claimed = true;
        assert_eq!(sight_of(&moved, Some(file(1)), None), Sight::Stayed);
        assert_eq!(sight_of(&moved, Some(file(1)), Some(file(2))), Sight::Neither);
    }

    /// Of two directories what was in the one that was moved tells which it is (`backup` 14006781).
    #[test]
    fn a_directory_has_gone_over_if_all_that_was_in_it_is_shown_elsewhere() {
        let (_place, mut index) = new_index();
        let mut save = |mut row: Node, is_agreed: bool| {
            let entry = BaseEntry::Directory;
            let base = Base { entry, identity: Identity { inode: 1, born: 1 }, stamp: Stamp::default() };
            row.base = is_agreed.then_some(base);
            index.save(&mut row).unwrap();
            row.id
        };
        let source = save(row(NodeId::ROOT, "d", Some(RemoteNode::Directory)), true);
        let target = save(row(NodeId::ROOT, "e", Some(RemoteNode::Directory)), false);
        let known = ["a", "b"].map(|name| save(row(source, name, Some(file(1))), true));
        let arrived = save(row(target, "a", Some(file(1))), false);
        let other = save(row(target, "b", Some(file(2))), false);
        let gone_over = |seen: &[NodeId]| {
            let seen: BTreeSet<NodeId> = seen.iter().copied().collect();
            has_gone_over(&index, source, target, &|id| seen.contains(&id)).unwrap()
        };
        assert!(gone_over(&[arrived]) && gone_over(&[arrived, other]));
        assert!(!gone_over(&[]) && !gone_over(&[other]));
        assert!(!gone_over(&[arrived, known[0]]) && !gone_over(&[arrived, known[1]]));
    }

    #[test]
    fn looks_that_may_be_older_than_another_move_are_believed_once_they_cannot_be() {
        assert_eq!(believed_after(Sight::Arrived, LATE), LATE);
    }

    #[test]
    fn that_a_move_did_not_arrive_is_believed_without_regard_to_others() {
        assert_eq!(believed_after(Sight::Stayed, LATE), SOON);
    }

    #[test]
    fn what_says_nothing_of_the_move_is_looked_at_to_the_end() {
        assert_eq!(believed_after(Sight::Neither, 0), LATE);
    }
}
