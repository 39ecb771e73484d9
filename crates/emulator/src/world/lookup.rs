//! Finding what is at an address, in the present or in a snapshot.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::tree::{Entry, File, Folder};
use super::{Device, SPECIAL_MOUNTPOINTS, World};
use crate::address::{Address, check_name, name_key};
use crate::refusal::Refusal;
use crate::switches::{NameInLooks, Switches};

/// The whole account at one moment.
#[derive(Clone)]
pub(crate) struct Snapshot {
    pub(crate) devices: BTreeMap<Box<str>, Device>,
    pub(crate) switches: Switches,
    /// Whether this is the view of a node that is behind.
    pub(crate) is_stale_node: bool,
}

/// What is at an address.
pub(crate) enum Found<'a> {
    Device(&'a Device),
    Folder(&'a Arc<Folder>),
    File(&'a Arc<File>),
}

impl Found<'_> {
    pub(crate) fn is_live(&self) -> bool {
        match self {
            Found::Device(_) => true,
            Found::Folder(folder) => folder.deleted.is_none(),
            Found::File(file) => file.deleted.is_none(),
        }
    }
}

impl Snapshot {
    pub(crate) fn find(&self, address: &Address) -> Option<Found<'_>> {
        find(&self.devices, &self.switches, address)
    }

    /// The address under which the document of an entry shows it (U50).
    pub(crate) fn named(&self, address: &Address) -> Address {
        match self.switches.name_in_looks {
            NameInLooks::Stored => self.spelled(address),
            NameInLooks::Asked => self.spelled(&address.parent()).child(address.leaf()),
        }
    }

    /// The address in the server's own spelling.
    pub(crate) fn spelled(&self, address: &Address) -> Address {
        spelled(&self.devices, &self.switches, address)
    }
}

fn find<'a>(
    devices: &'a BTreeMap<Box<str>, Device>,
    switches: &Switches,
    address: &Address,
) -> Option<Found<'a>> {
    let (device, rest) = address.parts().split_first()?;
    let device = devices.get(&name_key(device, switches))?;
    let mut found = Found::Device(device);
    for name in rest {
        let folder = match found {
            Found::Device(device) => &device.root,
            Found::Folder(folder) => folder,
            Found::File(_) => return None,
        };
        found = match folder.get(&name_key(name, switches))? {
            Entry::Folder(folder) => Found::Folder(folder),
            Entry::File(file) => Found::File(file),
        };
    }
    Some(found)
}

fn spelled(devices: &BTreeMap<Box<str>, Device>, switches: &Switches, address: &Address) -> Address {
    let mut parts = Vec::with_capacity(address.depth());
    for depth in 1..=address.depth() {
        let place = Address::new(address.parts()[..depth].to_vec());
        parts.push(match find(devices, switches, &place) {
            Some(Found::Device(device)) => device.name.to_string(),
            Some(Found::Folder(folder)) => folder.name.to_string(),
            Some(Found::File(file)) => file.name.to_string(),
            None => place.leaf().to_owned(),
        });
    }
    Address::new(parts)
}

impl World {
    pub(crate) fn find(&self, address: &Address) -> Option<Found<'_>> {
        find(&self.devices, &self.switches, address)
    }

    pub(crate) fn spelled(&self, address: &Address) -> Address {
        spelled(&self.devices, &self.switches, address)
    }

    pub(crate) fn devices(&self) -> impl Iterator<Item = &Device> {
        self.devices.values()
    }

    /// The file at an address, live or trashed.
    pub(crate) fn file(&self, address: &Address) -> Option<&Arc<File>> {
        match self.find(address) {
            Some(Found::File(file)) => Some(file),
            _ => None,
        }
    }

    /// The folder (or mountpoint) at an address, live or trashed.
    pub(crate) fn folder(&self, address: &Address) -> Option<&Arc<Folder>> {
        match self.find(address) {
            Some(Found::Folder(folder)) => Some(folder),
            _ => None,
        }
    }

    pub(crate) fn live_file(&self, address: &Address) -> Option<&Arc<File>> {
        self.file(address).filter(|file| file.deleted.is_none())
    }

    pub(crate) fn live_folder(&self, address: &Address) -> Option<&Arc<Folder>> {
        self.folder(address).filter(|folder| folder.deleted.is_none())
    }

    /// 404 with the exception that fits what is missing.
    pub(crate) fn missing(&self, address: &Address) -> Refusal {
        let path = self.path(address);
        let mountpoint = Address::new(address.parts()[..address.depth().min(2)].to_vec());
        if address.depth() >= 2 && self.find(&mountpoint).is_none() {
            return Refusal::no_mountpoint(&self.path(&mountpoint));
        }
        Refusal::no_path(&path)
    }

    /// Checks what [`World::check_way`] checks, and that the mountpoint is there, live or trashed.
    pub(crate) fn check_way_in_mountpoint(&self, address: &Address) -> Result<(), Refusal> {
        self.check_way(address)?;
        let mountpoint = Address::new(address.parts()[..address.depth().min(2)].to_vec());
        if self.find(&mountpoint).is_none() { Err(self.missing(address)) } else { Ok(()) }
    }

    /// Checks that an entry can be made at `address`, perhaps with its mountpoint: legal names, no view, no
    /// file on the way.
    pub(crate) fn check_way(&self, address: &Address) -> Result<(), Refusal> {
        self.check_writable()?;
        if let Some(special) = special_mountpoint(address) {
            return Err(Refusal::not_allowed(format!("{special} is a read-only view")));
        }
        for name in &address.parts()[1..] {
            check_name(name, &self.switches)?;
        }
        if self.find(&Address::new(address.parts()[..1].to_vec())).is_none() {
            return Err(self.missing(address));
        }
        for depth in 2..address.depth() {
            let place = Address::new(address.parts()[..depth].to_vec());
            match self.find(&place) {
                Some(Found::File(file)) if file.deleted.is_none() => {
                    return Err(Refusal::taken(&self.path(&place)));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Whether an address is in one of the read-only views.
pub(crate) fn special_mountpoint(address: &Address) -> Option<&'static str> {
    let [device, mountpoint, ..] = address.parts() else { return None };
    if !device.eq_ignore_ascii_case("Jotta") {
        return None;
    }
    SPECIAL_MOUNTPOINTS.into_iter().find(|special| mountpoint.eq_ignore_ascii_case(special))
}
