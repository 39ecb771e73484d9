//! The device and the mountpoint on which a folder's remote root lies. The daemon never makes them.

use std::sync::Arc;
use std::time::Duration;

use jottad_core::shell_word;
use jottad_engine::{MissingPlace, RemoteError, RemoteErrorKind};
use jottad_transport::{Client, RemotePath};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::adapter::remote_error;
use crate::remote::{Presence, presence};

/// A place that was seen is not looked at again for so long. Many requests follow each other closely, and one
/// look in two seconds costs nothing beside them; another device has no longer than that to take the place
/// away unnoticed.
const SEEN_LATELY: Duration = Duration::from_secs(2);

/// What makes a missing place, as one line for a shell.
pub(crate) fn command_to_make(root: &RemotePath, missing: MissingPlace) -> String {
    let mountpoint = command_to_make_mountpoint(root);
    match missing {
        MissingPlace::Device => format!("{} && {mountpoint}", command_to_make_device(root)),
        MissingPlace::Mountpoint => mountpoint,
    }
}

fn command_to_make_device(root: &RemotePath) -> String {
    format!("jottad devices create {}", shell_word(root.device()))
}

fn command_to_make_mountpoint(root: &RemotePath) -> String {
    let (device, mountpoint) = (shell_word(root.device()), shell_word(root.mountpoint()));
    format!("jottad mountpoints create {device} {mountpoint}")
}

/// Where a remote root lies.
#[derive(Debug, Clone)]
pub(super) struct Place {
    root: RemotePath,
    /// When it was seen. Who looks holds the lock, so that others wait for that look instead of asking too.
    seen: Arc<Mutex<Option<Instant>>>,
}

impl Place {
    pub(super) fn of(root: &RemotePath) -> Self {
        Self { root: root.clone(), seen: Arc::default() }
    }

    /// Demands that the place is there.
    pub(super) async fn check(&self, client: &Client) -> Result<(), RemoteError> {
        let mut seen = self.seen.lock().await;
        if seen.is_some_and(|seen| seen.elapsed() < SEEN_LATELY) {
            return Ok(());
        }
        *seen = None;
        let found = presence(client, &self.root).await.map_err(|error| remote_error(&error))?;
        let (device, mountpoint) = (self.root.device(), self.root.mountpoint());
        let (missing, message) = match found {
            Presence::Present => {
                *seen = Some(Instant::now());
                return Ok(());
            }
            Presence::NoMountpoint(_) => (
                MissingPlace::Mountpoint,
                format!(
                    "there is no mountpoint {mountpoint} on the device {device}: make it with `{}`",
                    command_to_make_mountpoint(&self.root)
                ),
            ),
            Presence::NoDevice => (
                MissingPlace::Device,
                format!(
                    "there is no device {device} on the service: make it with `{}` and `{}`",
                    command_to_make_device(&self.root),
                    command_to_make_mountpoint(&self.root)
                ),
            ),
        };
        Err(RemoteError::new(RemoteErrorKind::PlaceMissing(missing), message))
    }

    /// Finds out, where something was not found, whether that is because the whole place is not there.
    pub(super) async fn explain(&self, client: &Client, error: RemoteError) -> RemoteError {
        if error.kind != RemoteErrorKind::NotFound {
            return error;
        }
        *self.seen.lock().await = None;
        self.check(client).await.err().unwrap_or(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_a_place_follows_from_what_is_missing() {
        let root = RemotePath::parse("laptop/My docs/x").unwrap();
        for (missing, command) in [
            (
                MissingPlace::Device,
                "jottad devices create laptop && jottad mountpoints create laptop 'My docs'",
            ),
            (MissingPlace::Mountpoint, "jottad mountpoints create laptop 'My docs'"),
        ] {
            assert_eq!(command_to_make(&root, missing), command);
        }
    }
}
