//! Entries under a temporary name on the service, in the middle of a ring of moves or of a change of letter
//! case: the name, and what becomes of one that was left behind under it.

use jottad_core::moves::Step;
use jottad_core::staleness::STALENESS_WINDOW;
use jottad_core::{Content, FoldKey, Loss, Md5, Mode, Name, RelativePath, Side, Timestamp, encode_name};
use md5::{Digest as _, Md5 as Md5Hasher};

use super::deleting::Doomed;
use super::places::Surroundings;
use crate::folder::{Folder, FolderError};
use crate::index::{Descend, Fact, Index, Local, Node};
use crate::time::Now;

/// What the temporary names of moves on the service begin with.
const PARKED_PREFIX: &str = ".jottad-moving-";

impl Folder {
    /// The temporary name of a parked entry: beside where it came from, and the same for both steps. No other
    /// machine uses it, or would take what is parked there for what it left behind itself.
    pub(super) fn parking_place(&self, step: &Step) -> Option<RelativePath> {
        let (directory, name) = step.from.split_last();
        let identity = self.root.identity()?;
        let mut hash = Md5Hasher::new();
        hash.update(FoldKey::of(&encode_name(&name?)).number().to_be_bytes());
        hash.update(identity.inode.to_be_bytes());
        hash.update(identity.born.to_be_bytes());
        hash.update(self.settings.host.as_bytes());
        let hash = Md5::from_bytes(hash.finalize().into()).to_string();
        let name = Name::new(format!("{PARKED_PREFIX}{}", hash.get(..16)?).into_bytes()).ok()?;
        Some(directory.join(&name))
    }

    /// Takes away the temporary names that were left behind without anybody knowing what they hold. A name
    /// that still has a base is picked up by the moves.
    ///
    /// What it holds has mostly been sent anew by now, and goes to the trash. What is nowhere else is given
    /// a name that people find: it is what others put there, or made of it, while it was parked.
    pub(super) fn clear_parked(&mut self, now: Now) -> Result<(), FolderError> {
        // An archive removes nothing, not even what it left behind itself.
        if self.settings.mode == Mode::Archive {
            return Ok(());
        }
        for path in self.index.parked()? {
            let Some(node) = self.index.locate(&path)? else { continue };
            if !is_left_behind(&node) || self.in_flight.is_at(node.id) || self.is_blocked(node.id, now)? {
                continue;
            }
            let is_elsewhere = is_all_elsewhere(&self.index, self.settings.mode, &node)?;
            let doomed = Doomed { node, side: Side::Remote, because: "left behind by a move" };
            if self.give_up_removing(&doomed, now)? {
                continue;
            }
            if is_elsewhere {
                let digest = self.digest(&doomed, false)?.unwrap_or_default();
                self.issue_delete(&doomed, Loss::default(), digest)?;
            } else {
                let Doomed { node, .. } = doomed;
                let here = self.surroundings(node.parent)?;
                let name = self.index.parked_name(&path)?.unwrap_or_else(|| node.name.clone());
                self.issue_move_aside(&node, &name, &here, Side::Remote, now)?;
            }
        }
        Ok(())
    }

    /// Whether a row is a temporary name of ours that the service may be too late to show: what was forgotten
    /// locally would be nobody's when it is shown.
    pub(in crate::folder) fn may_hide_parked(&self, node: &Node, now: Now) -> Result<bool, FolderError> {
        Ok(self.recent_writes.has_moved_lately(now)
            && node.base.is_some()
            && node.name.as_bytes().starts_with(PARKED_PREFIX.as_bytes())
            && self.index.parked()?.contains(&self.index.path(node.id)?))
    }
}

/// Whether nobody knows any more what the service has at a row.
fn is_left_behind(node: &Node) -> bool {
    node.base.is_none() && node.local == Local::Absent && node.remote.is_some()
}

/// Forgets the temporary names that a complete listing did not show, unless it may have been late
/// (protocol U-38): what it hid would be nobody's.
pub(in crate::folder) fn forget_parked(index: &mut Index, listed_from: Timestamp) -> Result<(), FolderError> {
    let parked_at = index.number(Fact::ParkedAt)?.unwrap_or(0);
    if listed_from.seconds() < parked_at.saturating_add_unsigned(STALENESS_WINDOW.as_secs()) {
        return Ok(());
    }
    for path in index.parked()? {
        if index.locate(&path)?.is_none() {
            index.unpark(&path)?;
        }
    }
    Ok(())
}

/// Whether the local side has the content of every file that the service has at a row and below it, and keeps
/// it. Where remote changes are fetched, what others have removed or replaced at its own place is about to go
/// locally, too. Of an empty file there is nothing to lose.
fn is_all_elsewhere(index: &Index, mode: Mode, node: &Node) -> Result<bool, FolderError> {
    let mut contents: Vec<Content> =
        node.remote_entry().file().map(|file| file.content).into_iter().collect();
    index.walk(node.id, |below, _| {
        contents.extend(below.remote_entry().file().map(|file| file.content));
        Ok(Descend::Yes)
    })?;
    for content in contents {
        let is_kept =
            if mode.pulls() { index.is_on_both_sides(content)? } else { index.is_local(content)? };
        if content.size > 0 && !is_kept {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a row is a temporary name of ours on the service with something that nobody knows of any more.
pub(super) fn is_parked_remains(
    index: &Index,
    node: &Node,
    here: &Surroundings,
) -> Result<bool, FolderError> {
    Ok(is_left_behind(node)
        && node.name.as_bytes().starts_with(PARKED_PREFIX.as_bytes())
        && index.parked()?.contains(&here.join(&node.name)))
}

#[cfg(test)]
mod tests {
    use jottad_core::File;

    use super::*;
    use crate::builders::{new_index, path};
    use crate::disk::Identity;
    use crate::event::Task;
    use crate::folder::plan::deleting::tests::{file, now, settings};
    use crate::index::{NodeId, RemoteRecord};
    use crate::remote::RemoteNode;
    use crate::settings::FolderSettings;

    /// What is done with a file, or with a directory that holds it, that was left behind under a temporary
    /// name. It has the content of a local file, or another one.
    fn cleared(mode: Mode, in_directory: bool, is_here: bool, is_agreed: bool) -> Option<Task> {
        let (_place, mut index) = new_index();
        let here = file(&mut index, NodeId::ROOT, "kept", 10);
        let mut row = index.node(here).unwrap().unwrap();
        let kept = row.remote_entry().file().unwrap();
        if !is_agreed {
            row.remote = None;
            index.save(&mut row).unwrap();
        }
        let other = Content { size: 10, md5: Md5::from_bytes([8; 16]) };
        let left = File {
            content: if is_here { kept.content } else { other },
            modified: Timestamp::from_seconds(1),
        };
        let mut save = |parent, name: &str, node| {
            let mut row = Node::new(parent, Name::new(name.as_bytes().to_vec()).unwrap());
            row.remote = Some(RemoteRecord { node, name: None, claimed: false });
            index.save(&mut row).unwrap();
            row.id
        };
        let parked = ".jottad-moving-1";
        if in_directory {
            let directory = save(NodeId::ROOT, parked, RemoteNode::Directory);
            save(directory, "a", RemoteNode::File(left));
        } else {
            save(NodeId::ROOT, parked, RemoteNode::File(left));
        }
        let known_by = Name::new(b"notes.txt".to_vec()).unwrap();
        index.park(&RelativePath::parse(parked.as_bytes()).unwrap(), &known_by).unwrap();
        let mut folder = Folder::new(FolderSettings { mode, ..settings() }, index).unwrap();
        folder.root.found_as(Identity { inode: 2, born: 1 });
        folder.clear_parked(now(1)).unwrap();
        folder.commands.pop().map(|command| command.task)
    }

    #[test]
    fn what_was_left_behind_goes_only_if_its_content_is_here() {
        for in_directory in [false, true] {
            for mode in [Mode::Backup, Mode::Sync, Mode::Pull] {
                let task = cleared(mode, in_directory, true, true);
                assert!(matches!(task, Some(Task::TrashRemote { .. })), "{task:?}");
                let Some(Task::MoveRemote { to, .. }) = cleared(mode, in_directory, false, true) else {
                    panic!("it is not kept");
                };
                assert!(to.to_string().starts_with("notes (conflict kari "), "{to}");
                // What others have removed is about to go here as well, where that is followed (`sync`
                // 35002371 with `--refusals --doubts`).
                let task = cleared(mode, in_directory, true, false);
                let is_kept = matches!(task, Some(Task::MoveRemote { .. }));
                assert_eq!(is_kept, mode.pulls(), "{mode}: {task:?}");
            }
            assert!(cleared(Mode::Archive, in_directory, true, true).is_none());
        }
    }

    /// Once, it got a name that people find, and a backup had it twice (`backup` 60002155).
    #[test]
    fn what_the_user_has_and_did_not_send_yet_is_here_where_nothing_is_removed_locally() {
        for (mode, is_hashed, is_removed) in
            [(Mode::Backup, true, true), (Mode::Backup, false, false), (Mode::Sync, true, false)]
        {
            let (_place, mut index) = new_index();
            let unsent = file(&mut index, NodeId::ROOT, "kept", 10);
            let mut row = index.node(unsent).unwrap().unwrap();
            let content = row.remote_entry().file().unwrap().content;
            (row.base, row.remote) = (None, None);
            if let (Local::File { md5, .. }, false) = (&mut row.local, is_hashed) {
                *md5 = None;
            }
            index.save(&mut row).unwrap();
            let left = File { content, modified: Timestamp::from_seconds(1) };
            let name = Name::new(b".jottad-moving-1".to_vec()).unwrap();
            let mut parked = Node::new(NodeId::ROOT, name.clone());
            parked.remote = Some(RemoteRecord { node: RemoteNode::File(left), name: None, claimed: false });
            index.save(&mut parked).unwrap();
            index
                .park(&RelativePath::root().join(&name), &Name::new(b"notes.txt".to_vec()).unwrap())
                .unwrap();
            let mut folder = Folder::new(FolderSettings { mode, ..settings() }, index).unwrap();
            folder.root.found_as(Identity { inode: 2, born: 1 });
            folder.clear_parked(now(1)).unwrap();
            let task = folder.commands.pop().map(|command| command.task);
            let was_removed = matches!(task, Some(Task::TrashRemote { .. }));
            assert_eq!(was_removed, is_removed, "{mode} {is_hashed}: {task:?}");
        }
    }

    fn row(has_base: bool, is_local: bool, is_on_service: bool) -> Node {
        let mut node = Node::new(NodeId::ROOT, Name::new(b"parked".to_vec()).unwrap());
        node.local = Local::Directory(Identity { inode: 2, born: 1 });
        node.base = node.base_from_local().filter(|_| has_base);
        if !is_local {
            node.local = Local::Absent;
        }
        node.remote =
            is_on_service.then_some(RemoteRecord { node: RemoteNode::Directory, name: None, claimed: false });
        node
    }

    /// What anybody still knows of is moved on, not removed.
    #[test]
    fn a_temporary_name_is_left_behind_if_the_service_alone_has_it() {
        for [has_base, is_local, is_on_service] in
            (0..8).map(|bits: u8| [bits & 1 > 0, bits & 2 > 0, bits & 4 > 0])
        {
            let expected = is_on_service && !has_base && !is_local;
            assert_eq!(is_left_behind(&row(has_base, is_local, is_on_service)), expected);
        }
    }

    #[test]
    fn a_temporary_name_is_forgotten_when_a_listing_that_cannot_be_late_does_not_show_it() {
        let window = i64::try_from(STALENESS_WINDOW.as_secs()).unwrap();
        for (after, is_shown, is_known) in [
            (window - 1, false, true),
            (window, false, false),
            (window + 1, false, false),
            (window, true, true),
        ] {
            let (_place, mut index) = new_index();
            index.set_fact(Fact::ParkedAt, Some("1000")).unwrap();
            index.park(&path("parked"), &Name::new(b"a".to_vec()).unwrap()).unwrap();
            if is_shown {
                index.save(&mut row(false, false, true)).unwrap();
            }
            forget_parked(&mut index, Timestamp::from_seconds(1000 + after)).unwrap();
            assert_eq!(index.is_parked().unwrap(), is_known, "{after} {is_shown}");
        }
    }

    /// It is tried again at its time, as everything that fails.
    #[test]
    fn what_was_left_behind_and_could_not_be_removed_is_left_alone_until_its_time() {
        for (what, is_tried) in [("nothing", true), ("it fails", false), ("it is being worked on", false)] {
            let (_place, mut index) = new_index();
            let mut left = row(false, false, true);
            index.save(&mut left).unwrap();
            index.park(&path("parked"), &Name::new(b"a".to_vec()).unwrap()).unwrap();
            let mut folder = Folder::new(settings(), index).unwrap();
            folder.root.found_as(Identity { inode: 2, born: 1 });
            match what {
                "it fails" => {
                    let finding = crate::scope::found(crate::scope::Finding::DoesNotSettle);
                    folder.put_problem(left.id, finding, "it fails".to_owned(), now(1)).unwrap();
                }
                "it is being worked on" => folder.in_flight.set_at(left.id, true),
                _ => {}
            }
            folder.clear_parked(now(2)).unwrap();
            assert_eq!(!folder.commands.is_empty(), is_tried, "{what}");
        }
    }
}
