//! The documents of the account and its devices (protocol 3).

use super::Xml;
use crate::address::Address;
use crate::times::{Seconds, classic};
use crate::world::tree::Folder;
use crate::world::{Device, World};

/// The serving node that documents name.
pub(crate) const HOST: &str = "dn-777";
/// The node that is behind, under `read-after-write=stale-node`.
pub(crate) const STALE_HOST: &str = "dn-778";

/// The user document (protocol 3.2).
pub(crate) fn user(world: &World) -> String {
    let account = &world.account;
    let capacity = account.capacity.map_or("-1".to_owned(), |bytes| bytes.to_string());
    let is_full = account.capacity.is_some_and(|capacity| world.usage() >= capacity);
    let mut xml = Xml::new();
    xml.open("user", &[("time", &classic(world.now())), ("host", HOST)]);
    xml.element("username", &account.username);
    xml.element("account-type", if account.capacity.is_none() { "unlimited" } else { "personal" });
    xml.element("locked", flag(account.locked));
    xml.element("capacity", &capacity);
    xml.element("max-devices", "-1");
    xml.element("max-mobile-devices", "-1");
    xml.number("usage", world.usage());
    xml.element("read-locked", flag(account.read_locked));
    xml.element("write-locked", flag(account.write_locked));
    xml.element("quota-write-locked", flag(is_full));
    xml.element("enable-sync", "true");
    xml.element("enable-foldershare", "true");
    xml.open("devices", &[]);
    for listed in world.devices() {
        xml.open("device", &[]);
        device_facts(&mut xml, listed);
        xml.close("device");
    }
    xml.close("devices");
    xml.close("user");
    xml.finish()
}

/// The device document (protocol 3.3).
pub(crate) fn device(world: &World, device: &Device) -> String {
    let mut xml = Xml::new();
    let username = &world.account.username;
    xml.open("device", &[("time", &classic(world.now())), ("host", HOST)]);
    device_facts(&mut xml, device);
    xml.element("user", username);
    let count = device.root.folders().count();
    if count > 0 {
        xml.open("mountPoints", &[]);
        let place = Address::new(vec![device.name.to_string()]).absolute(username);
        for mountpoint in device.root.folders() {
            mountpoint_in_device(&mut xml, mountpoint, &place);
        }
        xml.close("mountPoints");
    }
    let count = count.to_string();
    xml.empty("metadata", &[("first", ""), ("max", ""), ("total", &count), ("num_mountpoints", &count)]);
    xml.close("device");
    xml.finish()
}

/// The answer to making a device: no mountpoints (protocol 3.4).
pub(crate) fn created_device(world: &World, device: &Device) -> String {
    let mut xml = Xml::new();
    xml.open("device", &[("time", &classic(world.now())), ("host", HOST)]);
    device_facts(&mut xml, device);
    xml.element("user", &world.account.username);
    xml.close("device");
    xml.finish()
}

/// The answer to `createToken` (protocol 9.5).
pub(crate) fn token(username: &str, token: &str) -> String {
    let mut xml = Xml::new();
    xml.open("token", &[]);
    xml.element("username", username);
    xml.element("authToken", token);
    xml.close("token");
    xml.finish()
}

fn device_facts(xml: &mut Xml, device: &Device) {
    xml.preserved("name", &device.name);
    xml.preserved("display_name", &device.name);
    xml.element("type", &device.kind);
    xml.element("sid", &crate::world::write_uuid(device.sid));
    xml.number("size", device.root.totals().live);
    xml.time("modified", device.modified);
}

fn mountpoint_in_device(xml: &mut Xml, mountpoint: &Folder, place: &str) {
    xml.open("mountPoint", &[]);
    xml.preserved("name", &mountpoint.name);
    if let Some(deleted) = mountpoint.deleted {
        xml.time("deleted", Some(deleted));
        xml.preserved("abspath", place);
    }
    xml.number("size", mountpoint.totals().live);
    xml.time("modified", shown_time(mountpoint));
    xml.close("mountPoint");
}

/// A trashed mountpoint has an empty time.
fn shown_time(mountpoint: &Folder) -> Option<Seconds> {
    mountpoint.modified.filter(|_| mountpoint.deleted.is_none())
}

fn flag(is_set: bool) -> &'static str {
    if is_set { "true" } else { "false" }
}
