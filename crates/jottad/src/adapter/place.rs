//! The device and the mountpoint on which a folder's remote root lies. The daemon never makes them.

use std::sync::Arc;
use std::time::Duration;

use jottad_core::shell_word;
use jottad_engine::{RemoteError, RemoteErrorKind};
use jottad_transport::{Client, RemotePath};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::adapter::remote_error;
use crate::remote::{Presence, presence};

/// A place that was seen is not looked at again for so long. Many requests follow each other closely, and one
/// look in two seconds costs nothing beside them; another device has no longer than that to take the place
/// away unnoticed.
const SEEN_LATELY: Duration = Duration::from_secs(2);

/// How the reason begins where not even the device is there.
const NO_DEVICE: &str = "there is no device";

/// What makes a missing place, as one line for a shell; `reason` is what a check has said of it.
pub(crate) fn command_to_make(root: &RemotePath, reason: &str) -> String {
    let mountpoint = command_to_make_mountpoint(root);
    if reason.starts_with(NO_DEVICE) {
        return format!("{} && {mountpoint}", command_to_make_device(root));
    }
    mountpoint
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
        let message = match found {
            Presence::Present => {
                *seen = Some(Instant::now());
                return Ok(());
            }
            Presence::NoMountpoint(_) => format!(
                "there is no mountpoint {mountpoint} on the device {device}: make it with `{}`",
                command_to_make_mountpoint(&self.root)
            ),
            Presence::NoDevice => format!(
                "{NO_DEVICE} {device} on the service: make it with `{}` and `{}`",
                command_to_make_device(&self.root),
                command_to_make_mountpoint(&self.root)
            ),
        };
        Err(RemoteError::new(RemoteErrorKind::PlaceMissing, message))
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
