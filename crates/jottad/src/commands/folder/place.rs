//! What is found out of a folder's place on the service before it is written down: its device and its mountpoint are
//! there, or a person says that they are to be made.

use std::time::Duration;

use jottad_core::StoredName;
use jottad_transport::{Client, Error, RemotePath};

use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::output::{Escaped, remark};
use crate::remote::{Presence, confirm, presence};

/// A service that is silent for so long is not waited for: the daemon looks again.
const PATIENCE: Duration = Duration::from_secs(10);

/// Looks whether a place is there, and makes what is missing of it if that is meant. Where the service cannot be asked
/// the folder is written down all the same.
pub(super) fn make_sure(place: &RemotePath, may_make: bool, invocation: &Invocation) -> Result<(), Failure> {
    let client = match invocation.client() {
        Ok(client) => client,
        Err(failure) => {
            not_looked_at(place, failure.message(), invocation);
            return Ok(());
        }
    };
    invocation.wait(async {
        let found = match tokio::time::timeout(PATIENCE, look(&client, place)).await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => {
                not_looked_at(place, &error.to_string(), invocation);
                return Ok(());
            }
            Err(_) => {
                not_looked_at(place, "the service does not answer", invocation);
                return Ok(());
            }
        };
        let Some(missing) = found else { return Ok(()) };
        if !may_make && !may_ask(invocation) {
            return Err(missing.refusal(place));
        }
        let question = format!("{}. Make it?", missing.text(place));
        if !confirm(&question, may_make, invocation.output).await? {
            return Err(Failure::failed("called off: nothing was made and nothing was written"));
        }
        if missing.is_device {
            client.create_device(place.device()).await?;
        }
        client.create_mountpoint(place.device(), place.mountpoint()).await?;
        if !invocation.output.json {
            remark(format_args!("made {}/{}", place.device(), place.mountpoint()));
        }
        Ok(())
    })
}

/// What of a place is not there.
struct Missing {
    /// The device, and with it the mountpoint.
    is_device: bool,
    /// The name that may have been meant.
    nearest: Option<StoredName>,
}

async fn look(client: &Client, place: &RemotePath) -> Result<Option<Missing>, Error> {
    Ok(match presence(client, place).await? {
        Presence::Present => None,
        Presence::NoMountpoint(names) => {
            Some(Missing { is_device: false, nearest: nearest(place.mountpoint(), names) })
        }
        Presence::NoDevice => {
            let devices = client.user().await?.devices.into_iter().map(|device| device.name);
            Some(Missing { is_device: true, nearest: nearest(place.device(), devices) })
        }
    })
}

impl Missing {
    fn text(&self, place: &RemotePath) -> String {
        let (device, mountpoint) = (place.device(), place.mountpoint());
        let what = if self.is_device {
            format!("there is no device {device} on the service")
        } else {
            format!("there is no mountpoint {mountpoint} on the device {device}")
        };
        match &self.nearest {
            Some(name) => format!("{what} (did you mean {name}?)"),
            None => what,
        }
    }

    fn refusal(&self, place: &RemotePath) -> Failure {
        Failure::usage(self.text(place))
            .path(place.to_string())
            .hint("correct the place, or let it be made with --make; `jottad devices` shows what is there")
    }
}

fn may_ask(invocation: &Invocation) -> bool {
    use std::io::IsTerminal as _;
    !invocation.output.json && std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

fn not_looked_at(place: &RemotePath, reason: &str, invocation: &Invocation) {
    if !invocation.output.json {
        let text = format!("{place} was not looked for on the service: {reason}");
        remark(Escaped(&text));
    }
}

/// The name that is spelled most like another one, if one is enough like it to be a slip.
fn nearest(name: &StoredName, names: impl IntoIterator<Item = StoredName>) -> Option<StoredName> {
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
