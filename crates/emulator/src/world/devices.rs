//! Devices and mountpoints (protocol 3).

use std::sync::Arc;

use super::World;
use super::lookup::special_mountpoint;
use super::tree::{Entry, Folder};
use crate::address::{Address, check_name};
use crate::refusal::Refusal;
use crate::times::Seconds;

/// The device types that the service has (protocol 3.3).
const KINDS: [&str; 10] = [
    "JOTTA",
    "WORKSTATION",
    "LAPTOP",
    "IMAC",
    "MACBOOK",
    "IPAD",
    "ANDROID",
    "IPHONE",
    "WINDOWS_PHONE",
    "CLI",
];

/// A device; the children of its root are its mountpoints.
#[derive(Clone)]
pub(crate) struct Device {
    pub(crate) name: Box<str>,
    pub(crate) kind: Box<str>,
    pub(crate) sid: u128,
    pub(crate) modified: Option<Seconds>,
    pub(crate) root: Arc<Folder>,
}

impl World {
    pub(super) fn add_built_in_device(&mut self) {
        self.add_device("Jotta", "JOTTA");
        let jotta = Address::new(vec!["Jotta".to_owned()]);
        for name in ["Archive", "Sync"] {
            self.add_mountpoint(&jotta.child(name));
        }
    }

    fn add_device(&mut self, name: &str, kind: &str) {
        let device = Device {
            name: name.into(),
            kind: kind.into(),
            sid: self.uuid(),
            modified: None,
            root: Arc::new(Folder::new(name, self.now())),
        };
        self.devices.insert(self.key(name), device);
    }

    /// Makes a device. It is no error if it exists.
    pub(crate) fn create_device(&mut self, name: &str, kind: &str) -> Result<(), Refusal> {
        self.check_writable()?;
        check_name(name, &self.switches)?;
        let kind = KINDS
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(kind))
            .ok_or_else(|| Refusal::invalid(format!("unknown device type {kind:?}")))?;
        if !self.devices.contains_key(&self.key(name)) {
            self.remember();
            self.add_device(name, kind);
            self.emit("CREATE_DEVICE", &Address::new(vec![name.to_owned()]), None);
        }
        Ok(())
    }

    pub(crate) fn remove_device(&mut self, address: &Address) -> Result<(), Refusal> {
        self.check_writable()?;
        if address.leaf().eq_ignore_ascii_case("Jotta") {
            return Err(Refusal::not_allowed("the built-in device cannot be removed"));
        }
        self.remember();
        let key = self.key(address.leaf());
        self.devices.remove(&key).ok_or_else(|| Refusal::no_path(&self.path(address)))?;
        self.emit("DELETE_DEVICE", address, None);
        Ok(())
    }

    /// Makes a mountpoint or brings it back from the trash. Says whether it is new.
    pub(crate) fn create_mountpoint(&mut self, address: &Address) -> Result<bool, Refusal> {
        self.check_way(address)?;
        let existed = self.live_folder(address).is_some();
        if !existed {
            self.add_mountpoint(address);
        }
        Ok(!existed)
    }

    /// A mountpoint that nothing was uploaded to has no time (protocol 3.3).
    fn add_mountpoint(&mut self, address: &Address) {
        let is_new = self.folder(address).is_none();
        self.make_folders(address);
        if is_new {
            self.change(address, |entry| {
                if let Entry::Folder(folder) = entry {
                    Arc::make_mut(folder).modified = None;
                }
            });
        }
    }

    pub(crate) fn trash_mountpoint(&mut self, address: &Address) -> Result<(), Refusal> {
        self.check_writable()?;
        if special_mountpoint(address).is_some() || self.folder(address).is_none() {
            return Err(Refusal::no_mountpoint(&self.path(address)));
        }
        let now = self.now();
        self.change(address, |entry| entry.trash(now));
        self.emit("DELETE_MP", address, None);
        Ok(())
    }

    pub(crate) fn remove_mountpoint(&mut self, address: &Address) -> Result<(), Refusal> {
        self.check_writable()?;
        if special_mountpoint(address).is_some() || self.folder(address).is_none() {
            return Err(Refusal::no_mountpoint(&self.path(address)));
        }
        self.remove_entry(address);
        self.emit("DELETE_MP", address, None);
        Ok(())
    }

    /// Takes an entry away for good.
    pub(super) fn remove_entry(&mut self, address: &Address) -> Option<Entry> {
        let key = self.key(address.leaf());
        self.within(&address.parent(), |folder| folder.take(&key)).flatten()
    }
}
