//! Disks that are mounted below the root. One that goes is no deletion of what was on it.
//!
//! The index remembers what was mounted at a directory when it was read. Where that changes under content
//! that both sides agreed on, nothing below is looked at or changed on either side until it is as it was, or
//! a person says that it is right.

use std::collections::BTreeMap;

use jottad_core::{Kind, RelativePath, shell_word};

use crate::disk::Mount;
use crate::event::{ExpectedMount, Task};
use crate::folder::backlog::Change;
use crate::folder::{BEING_TRIED, Folder, FolderError};
use crate::index::{Descend, Index, Local, Node, NodeId};
use crate::planted::{self, Planted};
use crate::scope::{self, found};
use crate::status::ProblemKind;
use crate::time::Now;

/// What is mounted below the root.
#[derive(Debug, Default)]
pub(in crate::folder) struct Mounting {
    /// Where commands may go only while the same is mounted as when it was read.
    expected: Vec<ExpectedMount>,
    /// Directories of which a person said that what is mounted there is right, with what they were told of
    /// it.
    accepted: BTreeMap<NodeId, Option<MountChange>>,
}

/// What is wrong with what is mounted at a directory. A person's word is about one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MountChange {
    Gone,
    GoneWithItsDirectory,
    Covered,
    Other,
}

impl MountChange {
    const ALL: [Self; 4] = [Self::Gone, Self::GoneWithItsDirectory, Self::Covered, Self::Other];

    const fn of(known: Option<Mount>, seen: Option<Mount>) -> Self {
        match (known, seen) {
            (Some(_), None) => Self::Gone,
            (None, _) => Self::Covered,
            (Some(_), Some(_)) => Self::Other,
        }
    }

    const fn reason(self) -> &'static str {
        match self {
            Self::Gone => "the disk that was mounted here is not any more",
            Self::GoneWithItsDirectory => "the disk that was mounted here is gone, with its directory",
            Self::Covered => "a disk was mounted here, over what was synced",
            Self::Other => "another disk is mounted here",
        }
    }

    /// Whether a word about this one is one about the other. A disk that is gone is gone, whatever becomes of
    /// the directory.
    fn is_as(self, other: Self) -> bool {
        let is_gone = |one| matches!(one, Self::Gone | Self::GoneWithItsDirectory);
        self == other || (is_gone(self) && is_gone(other))
    }
}

impl Mounting {
    /// Takes a person's word about a directory; tells whether it is about what was found there. It is spent.
    fn take_word(&mut self, directory: NodeId, change: MountChange) -> bool {
        let word = self.accepted.remove(&directory);
        word.is_some_and(|shown| shown.is_none_or(|shown| shown.is_as(change)))
    }

    /// What must be mounted on the way for a task to be about what it was decided on.
    pub(in crate::folder) fn expected_for(&self, task: &Task) -> Vec<ExpectedMount> {
        let Some(path) = task.local_path() else { return Vec::new() };
        let is_on_the_way =
            |expected: &&ExpectedMount| path != &expected.path && path.starts_with(&expected.path);
        self.expected.iter().filter(is_on_the_way).cloned().collect()
    }

    /// Whether both paths are on one disk, and nothing is mounted at the first.
    pub(in crate::folder) fn may_rename(&self, from: &RelativePath, to: &RelativePath) -> bool {
        let is_on =
            |path: &RelativePath, one: &ExpectedMount| path != &one.path && path.starts_with(&one.path);
        self.expected.iter().all(|one| one.path != *from && is_on(from, one) == is_on(to, one))
    }
}

impl Folder {
    /// Takes stock of the mounts before anything is asked for.
    pub(in crate::folder) fn review_mounts(&mut self, now: Now) -> Result<(), FolderError> {
        self.mounting.expected.clear();
        for node in self.index.mounts()? {
            if !matches!(node.local, Local::MountChanged(_)) {
                if let Some(mount) = node.mount {
                    let path = self.index.path(node.id)?;
                    self.mounting.expected.push(ExpectedMount { path, mount });
                }
            } else if !holds_agreed(&self.index, node.id)? && node.base.is_none() && node.remote.is_none() {
                // What was on it has moved elsewhere, with a directory above.
                let mut node = node;
                self.change_below(node.id, Change::LocalGone(None))?;
                node.local = Local::Absent;
                self.save_observed(&mut node)?;
            } else if self.index.problem(node.id)?.is_none() {
                // It is here that it has moved to.
                let mut node = node;
                self.suspect_mount(&mut node, MountChange::Gone, now)?;
            }
        }
        Ok(())
    }

    /// Whether a directory that was read is the one that was there before; if not, what was read is not
    /// believed.
    pub(super) fn is_mount_right(
        &mut self,
        directory: &mut Node,
        seen: Option<Mount>,
        now: Now,
    ) -> Result<bool, FolderError> {
        let is_same = Mount::may_be_same(directory.mount, seen);
        let was_changed = matches!(directory.local, Local::MountChanged(_));
        let change = MountChange::of(directory.mount, seen);
        let is_accepted = self.mounting.take_word(directory.id, change);
        let is_right = is_same
            || planted::is(Planted::LostDiskIsDeleted)
            || is_accepted
            || !holds_agreed(&self.index, directory.id)?;
        if !is_right {
            self.suspect_mount(directory, change, now)?;
            return Ok(false);
        }
        if directory.mount != seen {
            directory.mount = seen;
            self.index.save(directory)?;
        }
        if let Local::MountChanged(identity) = directory.local {
            directory.local = Local::Directory(identity);
            self.save_observed(directory)?;
        }
        if was_changed {
            // Everything below may have changed while it was away, and the directory may be another one.
            let path = self.index.path(directory.id)?;
            if let Some(parent) = path.parent() {
                self.scanning.want_directory(parent);
            }
            self.scanning.want_subtree(path);
        }
        Ok(true)
    }

    /// Takes that a directory is gone at which something was mounted: systems remove mount points that they
    /// made themselves. Tells whether that was to be expected, so that the directory is really gone; if not,
    /// the disk is missed.
    pub(in crate::folder) fn take_lost_mount(
        &mut self,
        node: &mut Node,
        now: Now,
    ) -> Result<bool, FolderError> {
        if node.mount.is_none()
            || self.mounting.take_word(node.id, MountChange::GoneWithItsDirectory)
            || (node.base.is_none() && !holds_agreed(&self.index, node.id)?)
        {
            return Ok(true);
        }
        self.suspect_mount(node, MountChange::GoneWithItsDirectory, now)?;
        Ok(false)
    }

    fn suspect_mount(&mut self, node: &mut Node, change: MountChange, now: Now) -> Result<(), FolderError> {
        if let Some(identity) = node.local.identity()
            && !matches!(node.local, Local::MountChanged(_))
        {
            node.local = Local::MountChanged(identity);
            self.save_observed(node)?;
        }
        let known = self.index.problem(node.id)?;
        if known.is_some_and(|problem| {
            problem.kind == ProblemKind::MountChanged
                && problem.next_try != Some(BEING_TRIED)
                && problem.reason == change.reason()
        }) {
            return Ok(());
        }
        let path = self.index.path(node.id)?;
        let failure = found(scope::Finding::MountChanged);
        let remedy = format!("{} {} {}", failure.remedy, shell_word(&self.settings.name), shell_word(path));
        self.put_problem_with(node.id, failure, change.reason().to_owned(), remedy, now)
    }

    /// A person says that what is mounted at a directory, or not mounted, is right as it is.
    pub(in crate::folder) fn accept_mount(
        &mut self,
        path: &RelativePath,
        now: Now,
    ) -> Result<(), FolderError> {
        let Some(mut node) = self.index.locate(path)? else { return Ok(()) };
        if !matches!(node.local, Local::MountChanged(_)) {
            return Ok(());
        }
        let told = self.index.problem(node.id)?.map(|problem| problem.reason);
        let told = MountChange::ALL.into_iter().find(|change| Some(change.reason()) == told.as_deref());
        self.mounting.accepted.insert(node.id, told);
        if self.index.node(node.parent)?.is_some_and(|above| above.local.kind() != Some(Kind::Directory)) {
            // The directory above was seen to be gone, whatever is there now, and no scan will come by here
            // again.
            return self.vanish(&mut node, now);
        }
        self.look_for_mount(path);
        Ok(())
    }

    pub(in crate::folder) fn look_for_mount(&mut self, path: &RelativePath) {
        if let Some(parent) = path.parent() {
            self.scanning.want_directory(parent);
        }
        self.scanning.want_subtree(path.clone());
    }
}

/// Whether a disk that was mounted below a directory is not there as it was.
pub(in crate::folder) fn misses_mount(index: &Index, directory: NodeId) -> Result<bool, FolderError> {
    for mount in index.mounts()? {
        if matches!(mount.local, Local::MountChanged(_))
            && index.lineage(mount.parent)?.iter().any(|above| above.id == directory)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether anything in a directory was ever agreed on, or will be as soon as what was sent is seen.
fn holds_agreed(index: &Index, directory: NodeId) -> Result<bool, FolderError> {
    let mut holds = false;
    index.walk(directory, |node, _| {
        holds |= node.base.is_some() || node.remote.as_ref().is_some_and(|remote| remote.claimed);
        Ok(if holds { Descend::No } else { Descend::Yes })
    })?;
    Ok(holds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builders::new_index;
    use crate::folder::plan::deleting::tests::{directory, file, now, settings};

    /// A word said while nothing runs is about what was shown, not about what is there when it is followed.
    #[test]
    fn a_word_about_a_disk_that_is_gone_is_none_about_another_one_in_its_place() {
        let disk = |number| Some(Mount { file_system: number });
        for (shown, seen, is_followed) in
            [(None, None, true), (None, disk(8), false), (disk(8), disk(8), true), (disk(8), None, false)]
        {
            let (_place, mut index) = new_index();
            let top = directory(&mut index, NodeId::ROOT, "usb");
            file(&mut index, top, "photo", 10);
            let mut node = index.node(top).unwrap().unwrap();
            node.mount = disk(7);
            index.save(&mut node).unwrap();
            let mut folder = Folder::new(settings(), index).unwrap();
            assert!(!folder.is_mount_right(&mut node, shown, now(1)).unwrap());
            // Nothing else happens before the run that follows it.
            folder.accept_mount(&RelativePath::try_from("usb").unwrap(), now(2)).unwrap();
            let mut node = folder.index.node(top).unwrap().unwrap();
            assert_eq!(
                folder.is_mount_right(&mut node, seen, now(3)).unwrap(),
                is_followed,
                "{shown:?}, {seen:?}"
            );
            if !is_followed {
                // What is there now is told, and can be approved as well.
                let told = folder.index.problem(top).unwrap().unwrap().reason;
                assert_eq!(told, MountChange::of(disk(7), seen).reason());
                folder.accept_mount(&RelativePath::try_from("usb").unwrap(), now(4)).unwrap();
                let mut node = folder.index.node(top).unwrap().unwrap();
                assert!(folder.is_mount_right(&mut node, seen, now(5)).unwrap());
            }
        }
    }

    /// A directory with a disk in it was moved, and a file has come to its old place. Once, a person's word
    /// about the disk led to a look that never came by there (`backup` 36004779, `archive` 23003805 with
    /// `--disks`).
    #[test]
    fn a_word_about_a_disk_is_followed_where_something_else_has_the_place_of_the_directory_above() {
        let (_place, mut index) = new_index();
        let above = directory(&mut index, NodeId::ROOT, "d");
        let top = directory(&mut index, above, "usb");
        file(&mut index, top, "photo", 10);
        let mut node = index.node(top).unwrap().unwrap();
        node.mount = Some(Mount { file_system: 7 });
        index.save(&mut node).unwrap();
        let mut folder = Folder::new(settings(), index).unwrap();
        assert!(!folder.take_lost_mount(&mut node, now(1)).unwrap());
        let mut above = folder.index.node(above).unwrap().unwrap();
        above.local = Local::File { stat: crate::builders::file_stat(3, 10), md5: None };
        folder.index.save(&mut above).unwrap();
        folder.accept_mount(&RelativePath::try_from("d/usb").unwrap(), now(2)).unwrap();
        assert_eq!(folder.index.node(top).unwrap().unwrap().local, Local::Absent);
    }

    /// A rename from one disk to another one is no rename, and what is mounted does not go along.
    #[test]
    fn what_is_on_one_disk_may_be_renamed_there_and_no_mount_may() {
        let path = |text: &str| RelativePath::try_from(text).unwrap();
        let expected = |text: &str| ExpectedMount { path: path(text), mount: Mount { file_system: 7 } };
        let mounting =
            Mounting { expected: vec![expected("d/usb"), expected("other")], ..Mounting::default() };
        for (from, to, may) in [
            ("a", "b", true),
            ("d/a", "e/a", true),
            ("d/usb/a", "d/usb/b", true),
            ("d/usb/a", "d/usb/in/b", true),
            ("d/usb/a", "d/a", false),
            ("d/a", "d/usb/a", false),
            ("d/usb/a", "other/a", false),
            ("d/usb", "d/disk", false),
            ("other", "else", false),
        ] {
            assert_eq!(mounting.may_rename(&path(from), &path(to)), may, "{from} to {to}");
        }
    }
}
