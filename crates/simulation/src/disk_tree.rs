//! A file system in memory: inodes whose numbers are reused at once, times of a chosen granularity, links.
//!
//! It knows nothing of the engine's seam; [`crate::simulated_disk`] puts it behind that, and the simulated
//! user works on it directly.

use std::collections::{BTreeMap, BTreeSet};

use jottad_core::{Name, RelativePath, Timestamp};
use jottad_engine::{DiskNode, FileStat, Identity, OtherKind};

use crate::text::Text;

/// Names an inode for good, unlike its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Serial(u64);

/// What an inode is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Body {
    /// A file with its content.
    File(Text),
    /// A directory with its entries.
    Directory(BTreeMap<Name, Serial>),
    /// Something that is never synced.
    Other(OtherKind),
}

/// One inode. Times are in nanoseconds since the epoch.
#[derive(Debug, Clone)]
pub(crate) struct Inode {
    number: u64,
    born: i64,
    /// When the content was changed, or when a program says that it was.
    pub(crate) modified: i64,
    /// When anything was changed.
    pub(crate) changed: i64,
    /// How many names it has; one without is gone but may still be open.
    pub(crate) links: u32,
    /// The user that jottad runs as may read it.
    pub(crate) readable: bool,
    /// A power cut leaves the content as it is.
    pub(crate) written_back: bool,
    /// What it is.
    pub(crate) body: Body,
    /// Counts the changes of a directory's entries or a file's content.
    pub(crate) version: u64,
}

/// The path leads through a directory that may not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Forbidden;

/// A whole file system.
#[derive(Debug, Clone)]
pub(crate) struct DiskTree {
    inodes: BTreeMap<Serial, Inode>,
    next_serial: u64,
    free_numbers: Vec<u64>,
    next_number: u64,
    root: Serial,
    /// The empty directory beneath the mount point.
    beneath: Serial,
    granularity: i64,
    has_birth_times: bool,
    /// The disk is mounted; if not, its mount point shows an empty directory.
    pub(crate) is_mounted: bool,
    /// Disks that are mounted at a directory below the root, or were, by that directory.
    disks: BTreeMap<Serial, OtherDisk>,
    /// Which disks were ever mounted at a path.
    seen_at: BTreeMap<RelativePath, BTreeSet<Serial>>,
    /// What `.jottad/root-id` says.
    pub(crate) marker: Option<String>,
    /// What lies in `.jottad/trash`.
    pub(crate) trash: Vec<(RelativePath, Serial)>,
    /// Files of which jottad took or moved one of several names: their stat changed under the others, which
    /// no watcher tells of.
    pub(crate) touched_by_name: BTreeSet<Serial>,
    /// Where links lead; all others lead nowhere.
    targets: BTreeMap<Serial, &'static str>,
}

/// A disk that belongs at a directory.
#[derive(Debug, Clone, Copy)]
struct OtherDisk {
    root: Serial,
    is_mounted: bool,
}

impl DiskTree {
    /// An empty disk. `granularity` of its times is in nanoseconds, at least 1.
    pub(crate) fn new(granularity: i64, has_birth_times: bool, now: i64) -> Self {
        let mut tree = Self {
            inodes: BTreeMap::new(),
            next_serial: 1,
            free_numbers: Vec::new(),
            next_number: 100,
            root: Serial(0),
            beneath: Serial(0),
            granularity,
            has_birth_times,
            is_mounted: true,
            disks: BTreeMap::new(),
            seen_at: BTreeMap::new(),
            marker: None,
            trash: Vec::new(),
            touched_by_name: BTreeSet::new(),
            targets: BTreeMap::new(),
        };
        tree.beneath = tree.make_inode(Body::Directory(BTreeMap::new()), now);
        tree.root = tree.make_inode(Body::Directory(BTreeMap::new()), now);
        tree
    }

    /// The directory that stands at the folder's root now.
    pub(crate) fn root(&self) -> Serial {
        if self.is_mounted { self.root } else { self.beneath }
    }

    /// Until when a change might get the same change time as the last one; then a later one is told apart.
    pub(crate) fn distinct_at(&self, changed: i64) -> i64 {
        changed.saturating_add(self.granularity)
    }

    /// An inode. Serials come from this tree, so there is one.
    pub(crate) fn inode(&self, serial: Serial) -> &Inode {
        &self.inodes[&serial]
    }

    fn inode_mut(&mut self, serial: Serial) -> &mut Inode {
        self.inodes.get_mut(&serial).unwrap_or_else(|| unreachable!("serials come from this tree"))
    }

    /// The facts of an inode as `stat` gives them.
    pub(crate) fn node(&self, serial: Serial) -> DiskNode {
        let inode = self.inode(serial);
        let identity =
            Identity { inode: inode.number, born: if self.has_birth_times { inode.born } else { 0 } };
        match &inode.body {
            Body::File(text) => DiskNode::File(FileStat {
                identity,
                size: text.content().size,
                modified: Timestamp::from_nanoseconds(inode.modified.into()),
                modified_nanoseconds: u32::try_from(inode.modified.rem_euclid(1_000_000_000)).unwrap_or(0),
                changed: inode.changed,
                links: inode.links,
            }),
            Body::Directory(_) => DiskNode::Directory(identity),
            Body::Other(kind) => DiskNode::Other(*kind),
        }
    }

    /// What stands at a path, as the user that jottad runs as sees it.
    pub(crate) fn look(&self, path: &RelativePath) -> Result<Option<Serial>, Forbidden> {
        let mut here = self.root();
        for component in path.components() {
            let inode = self.inode(here);
            let Body::Directory(entries) = &inode.body else { return Ok(None) };
            if !inode.readable {
                return Err(Forbidden);
            }
            let next = Name::new(component).ok().and_then(|name| entries.get(&name).copied());
            let Some(next) = next else { return Ok(None) };
            here = self.enter(next);
        }
        Ok(Some(here))
    }

    /// What stands at a path, whoever may read it.
    pub(crate) fn find(&self, path: &RelativePath) -> Option<Serial> {
        path.components().try_fold(self.root(), |here, component| match &self.inode(here).body {
            Body::Directory(entries) => {
                entries.get(&Name::new(component).ok()?).map(|below| self.enter(*below))
            }
            _ => None,
        })
    }

    /// What stands at a directory's place: the root of what is mounted there.
    fn enter(&self, point: Serial) -> Serial {
        match self.disks.get(&point) {
            Some(disk) if disk.is_mounted => disk.root,
            _ => point,
        }
    }

    /// The directory at a path itself, beneath whatever is mounted there.
    fn point(&self, path: &RelativePath) -> Option<Serial> {
        let (parent, name) = self.split(path)?;
        self.entries(parent)?.get(&name).copied()
    }

    /// The number of the file system that is mounted at a path, if one is.
    pub(crate) fn mounted_at(&self, path: &RelativePath) -> Option<u64> {
        let disk = self.disks.get(&self.point(path)?)?;
        disk.is_mounted.then_some(if self.has_birth_times { disk.root.0 } else { 0 })
    }

    /// The root of the file system that a path is on.
    pub(crate) fn file_system(&self, path: &RelativePath) -> Serial {
        let mut above = Some(path.clone());
        while let Some(directory) = above {
            if self.mounted_at(&directory).is_some() {
                return self.find(&directory).unwrap_or(self.root);
            }
            above = directory.parent();
        }
        self.root
    }

    /// Whether something is mounted at a path or below it.
    pub(crate) fn holds_mount(&self, path: &RelativePath) -> bool {
        let top = self.find(path);
        let below = top.map(|top| self.walk(top)).unwrap_or_default();
        let paths = below.into_iter().filter_map(|(below, _)| below.rebase(&RelativePath::root(), path));
        std::iter::once(path.clone()).chain(paths).any(|path| self.mounted_at(&path).is_some())
    }

    /// Mounts the disk that belongs at a directory, the first time a new one at an empty directory.
    pub(crate) fn mount_below(&mut self, path: &RelativePath, now: i64) {
        let Some(point) = self.point(path) else { return };
        if let Some(disk) = self.disks.get_mut(&point) {
            disk.is_mounted = true;
        } else if self.entries(point).is_some_and(BTreeMap::is_empty) {
            let root = self.make_inode(Body::Directory(BTreeMap::new()), now);
            self.inode_mut(root).links = 1;
            self.disks.insert(point, OtherDisk { root, is_mounted: true });
        }
        if let Some(disk) = self.disks.get(&point) {
            self.seen_at.entry(path.clone()).or_default().insert(disk.root);
        }
    }

    /// Whether another disk was mounted at a path before, which belongs at a directory that was renamed
    /// since, or that is gone.
    pub(crate) fn has_changed_disk(&self, path: &RelativePath) -> bool {
        self.seen_at.get(path).is_some_and(|disks| disks.len() > 1)
    }

    /// Unmounts what is mounted at a directory.
    pub(crate) fn unmount_below(&mut self, path: &RelativePath) {
        let disk = self.point(path).and_then(|point| self.disks.get_mut(&point));
        if let Some(disk) = disk {
            disk.is_mounted = false;
        }
    }

    /// Mounts every disk where it belongs.
    pub(crate) fn mount_everything(&mut self) {
        self.is_mounted = true;
        self.disks.values_mut().for_each(|disk| disk.is_mounted = true);
    }

    /// Whether the directory at a path, beneath whatever is mounted there, holds something.
    pub(crate) fn holds_beneath(&self, path: &RelativePath) -> bool {
        let point = self.point(path);
        point.and_then(|point| self.entries(point)).is_some_and(|entries| !entries.is_empty())
    }

    /// Every content in a directory that something is mounted over.
    pub(crate) fn hidden(&self) -> Vec<Text> {
        let points = self.disks.iter().filter(|(_, disk)| disk.is_mounted).map(|(point, _)| *point);
        points
            .flat_map(|point| self.walk_as(point, true))
            .filter_map(|(_, serial)| self.text(serial))
            .collect()
    }

    /// The disks that cannot be mounted any more, because their place is gone.
    fn orphans(&self) -> Vec<Serial> {
        let attached: Vec<Serial> = self.all().into_iter().map(|(_, serial)| serial).collect();
        self.disks.values().map(|disk| disk.root).filter(|root| !attached.contains(root)).collect()
    }

    /// Whether there is a disk that cannot be mounted any more.
    pub(crate) fn has_orphans(&self) -> bool {
        !self.orphans().is_empty()
    }

    /// Every content on a disk that cannot be mounted any more.
    pub(crate) fn orphaned(&self) -> Vec<Text> {
        let orphans = self.orphans().into_iter();
        orphans
            .flat_map(|root| self.walk_as(root, true))
            .filter_map(|(_, serial)| self.text(serial))
            .collect()
    }

    fn text(&self, serial: Serial) -> Option<Text> {
        match &self.inode(serial).body {
            Body::File(text) => Some(text.clone()),
            _ => None,
        }
    }

    /// The entries of a directory.
    pub(crate) fn entries(&self, directory: Serial) -> Option<&BTreeMap<Name, Serial>> {
        match &self.inode(directory).body {
            Body::Directory(entries) => Some(entries),
            _ => None,
        }
    }

    /// Every entry on the disk below a directory, parents first.
    pub(crate) fn walk(&self, top: Serial) -> Vec<(RelativePath, Serial)> {
        self.walk_as(top, false)
    }

    /// The same, with what is on disks that are not mounted, if that is wanted.
    fn walk_as(&self, top: Serial, everything: bool) -> Vec<(RelativePath, Serial)> {
        let mut found = Vec::new();
        let mut pending = vec![(RelativePath::root(), top)];
        while let Some((path, directory)) = pending.pop() {
            for (name, point) in self.entries(directory).into_iter().flatten() {
                let path = path.join(name);
                let here = self.enter(*point);
                let away =
                    self.disks.get(point).map(|disk| disk.root).filter(|root| everything && *root != here);
                for serial in std::iter::once(here).chain(away) {
                    found.push((path.clone(), serial));
                    pending.push((path.clone(), serial));
                }
            }
        }
        found.sort();
        found
    }

    /// Every entry of the folder's own disks, mounted or not.
    pub(crate) fn all(&self) -> Vec<(RelativePath, Serial)> {
        self.walk_as(self.root, true)
    }

    /// Every content that a person can still get at: in place, or in the local trash.
    pub(crate) fn texts(&self) -> Vec<Text> {
        let trashed = self.trash.iter().map(|(_, serial)| *serial);
        let disks = self.disks.iter().flat_map(|(point, disk)| [*point, disk.root]);
        let tops: Vec<Serial> = std::iter::once(self.root).chain(trashed).chain(disks).collect();
        let below = tops.iter().flat_map(|top| self.walk_as(*top, true)).map(|(_, serial)| serial);
        tops.iter().copied().chain(below).filter_map(|serial| self.text(serial)).collect()
    }

    /// What this disk makes of a file's time in whole seconds.
    pub(crate) fn keeps(&self, modified: Timestamp) -> Timestamp {
        Timestamp::from_seconds(self.stamp(modified.seconds() * 1_000_000_000).div_euclid(1_000_000_000))
    }

    fn stamp(&self, now: i64) -> i64 {
        now.div_euclid(self.granularity) * self.granularity
    }

    fn make_inode(&mut self, body: Body, now: i64) -> Serial {
        let number = self.free_numbers.pop().unwrap_or_else(|| {
            self.next_number += 1;
            self.next_number
        });
        let serial = Serial(self.next_serial);
        self.next_serial += 1;
        let now = self.stamp(now);
        let inode = Inode {
            number,
            born: now,
            modified: now,
            changed: now,
            links: 0,
            readable: true,
            written_back: false,
            body,
            version: 0,
        };
        self.inodes.insert(serial, inode);
        serial
    }

    fn split(&self, path: &RelativePath) -> Option<(Serial, Name)> {
        let (parent, name) = path.split_last();
        let parent = self.find(&parent)?;
        self.entries(parent)?;
        Some((parent, name?))
    }

    fn attach(&mut self, parent: Serial, name: Name, child: Serial, now: i64) {
        let stamp = self.stamp(now);
        let directory = self.inode_mut(parent);
        if let Body::Directory(entries) = &mut directory.body {
            entries.insert(name, child);
        }
        directory.version += 1;
        directory.modified = stamp;
        directory.changed = stamp;
        let inode = self.inode_mut(child);
        inode.links += 1;
        inode.changed = stamp;
    }

    fn detach(&mut self, parent: Serial, name: &Name, now: i64) -> Option<Serial> {
        let stamp = self.stamp(now);
        let directory = self.inode_mut(parent);
        let Body::Directory(entries) = &mut directory.body else { return None };
        let child = entries.remove(name)?;
        directory.version += 1;
        directory.modified = stamp;
        directory.changed = stamp;
        let inode = self.inode_mut(child);
        inode.links -= 1;
        inode.changed = stamp;
        Some(child)
    }

    fn release(&mut self, serial: Serial) {
        let inode = self.inode(serial);
        if inode.links == 0 {
            let number = inode.number;
            self.free_numbers.push(number);
        }
    }

    /// Makes a directory; `None` if the one above is missing or something is there.
    pub(crate) fn make_directory(&mut self, path: &RelativePath, now: i64) -> Option<Serial> {
        let (parent, name) = self.split(path)?;
        if self.find(path).is_some() {
            return None;
        }
        let made = self.make_inode(Body::Directory(BTreeMap::new()), now);
        self.attach(parent, name, made, now);
        Some(made)
    }

    /// Makes something at a free path.
    pub(crate) fn make(&mut self, path: &RelativePath, body: Body, now: i64) -> Option<Serial> {
        let (parent, name) = self.split(path)?;
        if self.find(path).is_some() {
            return None;
        }
        let made = self.make_inode(body, now);
        self.attach(parent, name, made, now);
        Some(made)
    }

    /// Makes a symbolic link at a free path; tells whether it was done.
    pub(crate) fn make_link(&mut self, path: &RelativePath, target: &'static str, now: i64) -> bool {
        let made = self.make(path, Body::Other(OtherKind::Symlink), now);
        made.is_some_and(|made| {
            self.targets.insert(made, target);
            true
        })
    }

    /// Where a link leads.
    pub(crate) fn link_target(&self, serial: Serial) -> &'static str {
        self.targets.get(&serial).copied().unwrap_or("nowhere")
    }

    /// Writes into a file that is there; the inode stays.
    pub(crate) fn write(&mut self, serial: Serial, text: Text, now: i64) {
        let stamp = self.stamp(now);
        let inode = self.inode_mut(serial);
        inode.body = Body::File(text);
        inode.modified = stamp;
        inode.changed = stamp;
        inode.written_back = false;
        inode.version += 1;
    }

    /// Sets the modification time, in nanoseconds.
    pub(crate) fn set_modified(&mut self, serial: Serial, modified: i64, now: i64) {
        let (modified, changed) = (self.stamp(modified), self.stamp(now));
        let inode = self.inode_mut(serial);
        inode.modified = modified;
        inode.changed = changed;
    }

    /// Allows or forbids reading.
    pub(crate) fn set_readable(&mut self, serial: Serial, readable: bool, now: i64) {
        let changed = self.stamp(now);
        let inode = self.inode_mut(serial);
        inode.readable = readable;
        inode.changed = changed;
    }

    /// Removes an entry with all below it for good; tells whether something was there.
    pub(crate) fn remove(&mut self, path: &RelativePath, now: i64) -> bool {
        if self.holds_mount(path) {
            return false;
        }
        let Some((parent, name)) = self.split(path) else { return false };
        let Some(serial) = self.find(path) else { return false };
        let names: Vec<Name> = self.entries(serial).into_iter().flat_map(BTreeMap::keys).cloned().collect();
        for name in names {
            self.remove(&path.join(&name), now);
        }
        self.detach(parent, &name, now);
        self.release(serial);
        true
    }

    /// Renames an entry to a path that must be free; tells whether it was done.
    pub(crate) fn rename(&mut self, from: &RelativePath, to: &RelativePath, now: i64) -> bool {
        let file_system = |path: &RelativePath| self.file_system(&path.parent().unwrap_or_default());
        if to.starts_with(from)
            || self.find(to).is_some()
            || self.find(from).is_none()
            || self.mounted_at(from).is_some()
            || file_system(from) != file_system(to)
        {
            return false;
        }
        let (Some((from_parent, from_name)), Some((to_parent, to_name))) = (self.split(from), self.split(to))
        else {
            return false;
        };
        let Some(serial) = self.detach(from_parent, &from_name, now) else { return false };
        self.attach(to_parent, to_name, serial, now);
        true
    }

    /// Renames a file over another one, as editors save; tells whether it was done.
    pub(crate) fn rename_over(&mut self, from: &RelativePath, to: &RelativePath, now: i64) -> bool {
        let is_file = |path: &RelativePath| self.find(path).is_some_and(|one| self.entries(one).is_none());
        let file_system = |path: &RelativePath| self.file_system(&path.parent().unwrap_or_default());
        if from == to
            || !is_file(from)
            || !is_file(to)
            || self.find(from) == self.find(to)
            || file_system(from) != file_system(to)
        {
            return false;
        }
        self.remove(to, now);
        self.rename(from, to, now)
    }

    /// Gives a file a second name; tells whether it was done.
    pub(crate) fn link(&mut self, from: &RelativePath, to: &RelativePath, now: i64) -> bool {
        let Some(serial) = self.find(from) else { return false };
        let Some((parent, name)) = self.split(to) else { return false };
        let file_system = |path: &RelativePath| self.file_system(&path.parent().unwrap_or_default());
        if self.find(to).is_some() || self.entries(serial).is_some() || file_system(from) != file_system(to) {
            return false;
        }
        self.attach(parent, name, serial, now);
        true
    }

    /// Puts a new file in its place, what was there into the local trash.
    pub(crate) fn place(
        &mut self,
        path: &RelativePath,
        text: Text,
        modified: i64,
        now: i64,
    ) -> Option<Serial> {
        let (parent, name) = self.split(path)?;
        if let Some(old) = self.detach(parent, &name, now) {
            self.keep_in_trash(path, old);
        }
        let made = self.make_inode(Body::File(text), now);
        self.attach(parent, name, made, now);
        self.set_modified(made, modified, now);
        self.inode_mut(made).written_back = true;
        Some(made)
    }

    /// Moves an entry with all below it into the local trash; tells whether something was there.
    pub(crate) fn trash(&mut self, path: &RelativePath, now: i64) -> bool {
        let Some((parent, name)) = self.split(path) else { return false };
        let Some(serial) = self.detach(parent, &name, now) else { return false };
        self.keep_in_trash(path, serial);
        true
    }

    fn keep_in_trash(&mut self, path: &RelativePath, serial: Serial) {
        if self.inode(serial).links > 0 {
            self.touched_by_name.insert(serial);
        }
        self.inode_mut(serial).links += 1;
        self.trash.push((path.clone(), serial));
    }
}
