//! Whether the device and the mountpoint of a place are on the service: jottad makes neither without being
//! told to.

use jottad_core::StoredName;
use jottad_transport::{Client, Error, RemotePath};

/// What of a place is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Presence {
    /// Device and mountpoint.
    Present,
    /// The device, with these mountpoints.
    NoMountpoint(Vec<StoredName>),
    /// Nothing.
    NoDevice,
}

/// Asks the service for the device and the mountpoint of a place.
pub(crate) async fn presence(client: &Client, place: &RemotePath) -> Result<Presence, Error> {
    let Some(device) = client.device(place.device()).await? else { return Ok(Presence::NoDevice) };
    let live = device.mountpoints.into_iter().filter(|mountpoint| !mountpoint.trashed);
    let names: Vec<StoredName> = live.map(|mountpoint| mountpoint.name).collect();
    let is_there = names.iter().any(|name| is_same(name, place.mountpoint()));
    Ok(if is_there { Presence::Present } else { Presence::NoMountpoint(names) })
}

/// The service compares these names without regard to letter case (protocol 3.3).
fn is_same(one: &StoredName, other: &StoredName) -> bool {
    one.as_str().to_lowercase() == other.as_str().to_lowercase()
}

/// The name that is spelled most like another one, if one is enough like it to be a slip.
pub(crate) fn nearest(name: &StoredName, names: impl IntoIterator<Item = StoredName>) -> Option<StoredName> {
    let wanted = name.as_str().to_lowercase();
    let most = wanted.chars().count().div_ceil(3);
    let distance = |name: &StoredName| strsim::osa_distance(&wanted, &name.as_str().to_lowercase());
    names
        .into_iter()
        .map(|name| (distance(&name), name))
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_told_from_another_name() {
        let stored = |text: &str| StoredName::new(text).unwrap();
        let names = ["Archive", "Sync", "laptop", "Photos"];
        for (name, expected) in [
            ("Archve", Some("Archive")),
            ("archiev", Some("Archive")),
            ("Snyc", Some("Sync")),
            ("Phtos", Some("Photos")),
            ("desktop", None),
            ("x", None),
        ] {
            let found = nearest(&stored(name), names.map(stored));
            assert_eq!(found.as_ref().map(StoredName::as_str), expected, "{name}");
        }
    }
}
