//! What is deleted or shared, across all devices: the trash, public links, the newest files (protocol 9).

use std::sync::Arc;

use super::tree::{Entry, File, Folder};
use super::{Found, Snapshot, World};
use crate::address::Address;
use crate::refusal::Refusal;
use crate::times::Seconds;

/// How many entries were purged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Purged {
    pub(crate) folders: u64,
    pub(crate) files: u64,
}

impl Snapshot {
    /// The top of every trashed subtree with the address of its parent.
    pub(crate) fn trashed(&self) -> Vec<(Address, Entry)> {
        let mut found = Vec::new();
        for device in self.devices.values() {
            let place = Address::new(vec![device.name.to_string()]);
            collect(&device.root, &place, &mut found, &|entry| !entry.is_live());
        }
        found
    }

    /// Every shared file with the address of its parent, trashed ones included.
    pub(crate) fn shared_files(&self) -> Vec<(Address, Arc<File>)> {
        let mut found = Vec::new();
        self.each_file(&mut |parent, file| {
            if file.share.is_some() {
                found.push((parent.clone(), Arc::clone(file)));
            }
        });
        found
    }

    /// The newest live files first.
    pub(crate) fn latest_files(&self) -> Vec<(Address, Arc<File>)> {
        let mut found = Vec::new();
        self.each_file(&mut |parent, file| {
            if file.deleted.is_none() && file.current().is_some() {
                found.push((parent.clone(), Arc::clone(file)));
            }
        });
        found.sort_by_key(|(_, file)| std::cmp::Reverse(file.current().map(|current| current.updated)));
        found
    }

    /// The entry that is shared under `uri`.
    pub(crate) fn shared_entry(&self, uri: &str) -> Option<Entry> {
        fn search(folder: &Folder, uri: &str) -> Option<Entry> {
            folder.children().find_map(|entry| {
                if entry.is_live() && entry.share() == Some(uri) {
                    return Some(entry.clone());
                }
                entry.as_folder().and_then(|child| search(child, uri))
            })
        }
        self.devices.values().find_map(|device| search(&device.root, uri))
    }

    fn each_file(&self, visit: &mut dyn FnMut(&Address, &Arc<File>)) {
        fn walk(folder: &Folder, place: &Address, visit: &mut dyn FnMut(&Address, &Arc<File>)) {
            for entry in folder.children() {
                match entry {
                    Entry::File(file) => visit(place, file),
                    Entry::Folder(child) => walk(child, &place.child(&child.name), visit),
                }
            }
        }
        for device in self.devices.values() {
            walk(&device.root, &Address::new(vec![device.name.to_string()]), visit);
        }
    }
}

fn collect(
    folder: &Folder,
    place: &Address,
    found: &mut Vec<(Address, Entry)>,
    wanted: &impl Fn(&Entry) -> bool,
) {
    for entry in folder.children() {
        if wanted(entry) {
            found.push((place.clone(), entry.clone()));
        } else if let Entry::Folder(child) = entry {
            collect(child, &place.child(&child.name), found, wanted);
        }
    }
}

impl World {
    /// Empties the trash of the whole account of what was deleted before `until`.
    pub(crate) fn purge_trash(&mut self, until: Seconds) -> Purged {
        self.remember();
        let mut purged = Purged::default();
        for device in self.devices.values_mut() {
            purge(Arc::make_mut(&mut device.root), until, &mut purged);
        }
        purged
    }

    /// Makes a public link, or keeps the one there is.
    pub(crate) fn share(&mut self, address: &Address) -> Result<(), Refusal> {
        let uri: Box<str> = format!("{:032x}", self.uuid()).into();
        let shared = match self.find(address) {
            Some(Found::File(file)) if file.deleted.is_none() => file.share.is_some(),
            Some(Found::Folder(folder)) if folder.deleted.is_none() && address.depth() > 2 => {
                folder.share.is_some()
            }
            _ => return Err(self.missing_entry(address)),
        };
        if !shared {
            self.change(address, |entry| entry.set_share(Some(uri)));
            self.emit("SHARE_FILE", address, None);
        }
        Ok(())
    }

    /// Takes the public link away, if there is one.
    pub(crate) fn unshare(&mut self, address: &Address) -> Result<(), Refusal> {
        if !self.find(address).is_some_and(|found| found.is_live()) {
            return Err(self.missing_entry(address));
        }
        self.change(address, |entry| entry.set_share(None));
        self.emit("UNSHARE_FILE", address, None);
        Ok(())
    }

    fn missing_entry(&self, address: &Address) -> Refusal {
        Refusal::no_file(&self.path(address))
    }
}

fn purge(folder: &mut Folder, until: Seconds, purged: &mut Purged) {
    // Only what holds something trashed is copied and changed.
    if folder.children().all(|entry| !holds_trashed(entry, until)) {
        return;
    }
    folder.retain(|entry| {
        if entry.deleted().is_some_and(|deleted| deleted <= until) {
            count(entry, purged);
            return false;
        }
        if let Entry::Folder(child) = entry {
            purge(Arc::make_mut(child), until, purged);
        }
        true
    });
}

fn holds_trashed(entry: &Entry, until: Seconds) -> bool {
    entry.deleted().is_some_and(|deleted| deleted <= until)
        || entry.as_folder().is_some_and(|folder| folder.children().any(|child| holds_trashed(child, until)))
}

fn count(entry: &Entry, purged: &mut Purged) {
    match entry {
        Entry::File(_) => purged.files += 1,
        Entry::Folder(folder) => {
            purged.folders += 1;
            folder.children().for_each(|child| count(child, purged));
        }
    }
}

impl World {
    /// Brings an entry back from the trash with all in it, as the web interface can.
    pub(crate) fn restore(&mut self, address: &Address) -> Result<(), Refusal> {
        if self.find(address).is_none() {
            return Err(self.missing(address));
        }
        self.make_folders(&address.parent());
        self.change(address, Entry::restore);
        self.emit("RESTORE", address, None);
        Ok(())
    }
}
