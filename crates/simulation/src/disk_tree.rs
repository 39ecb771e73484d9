//! A file system in memory: inodes whose numbers are reused at once, times of a chosen granularity, links.
//!
//! It knows nothing of the engine's seam; [`crate::simulated_disk`] puts it behind that, and the simulated user works
//! on it directly.

use std::collections::BTreeMap;

use jottad_core::{Name, RelativePath, Timestamp};
use jottad_engine::{DiskNode, FileStat, Identity, OtherKind};

use crate::text::Text;

/// Names an inode for good, unlike its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Serial(u64);

/// What an inode is.
#[derive(Debug, Clone)]
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
    /// What `.jottad/root-id` says.
    pub(crate) marker: Option<String>,
    /// What lies in `.jottad/trash`.
    pub(crate) trash: Vec<(RelativePath, Serial)>,
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
            marker: None,
            trash: Vec::new(),
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
            here = next;
        }
        Ok(Some(here))
    }

    /// What stands at a path, whoever may read it.
    pub(crate) fn find(&self, path: &RelativePath) -> Option<Serial> {
        path.components().try_fold(self.root(), |here, component| match &self.inode(here).body {
            Body::Directory(entries) => entries.get(&Name::new(component).ok()?).copied(),
            _ => None,
        })
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
        let mut found = Vec::new();
        let mut pending = vec![(RelativePath::root(), top)];
        while let Some((path, directory)) = pending.pop() {
            for (name, serial) in self.entries(directory).into_iter().flatten() {
                let path = path.join(name);
                found.push((path.clone(), *serial));
                pending.push((path, *serial));
            }
        }
        found.sort();
        found
    }

    /// Every entry of the folder's own disk, mounted or not.
    pub(crate) fn all(&self) -> Vec<(RelativePath, Serial)> {
        self.walk(self.root)
    }

    /// Every content that a person can still get at: in place, or in the local trash.
    pub(crate) fn texts(&self) -> Vec<Text> {
        let trashed = self.trash.iter().map(|(_, serial)| *serial);
        let tops: Vec<Serial> = std::iter::once(self.root).chain(trashed).collect();
        let below = tops.iter().flat_map(|top| self.walk(*top)).map(|(_, serial)| serial);
        tops.iter()
            .copied()
            .chain(below)
            .filter_map(|serial| match &self.inode(serial).body {
                Body::File(text) => Some(text.clone()),
                _ => None,
            })
            .collect()
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
        if to.starts_with(from) || self.find(to).is_some() || self.find(from).is_none() {
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
        if from == to || !is_file(from) || !is_file(to) || self.find(from) == self.find(to) {
            return false;
        }
        self.remove(to, now);
        self.rename(from, to, now)
    }

    /// Gives a file a second name; tells whether it was done.
    pub(crate) fn link(&mut self, from: &RelativePath, to: &RelativePath, now: i64) -> bool {
        let Some(serial) = self.find(from) else { return false };
        let Some((parent, name)) = self.split(to) else { return false };
        if self.find(to).is_some() || self.entries(serial).is_some() {
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
        self.inode_mut(serial).links += 1;
        self.trash.push((path.clone(), serial));
    }
}
