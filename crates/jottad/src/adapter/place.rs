//! The device and the mountpoint on which a folder's remote root lies. The daemon never makes them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jottad_engine::{RemoteError, RemoteErrorKind};
use jottad_transport::{Client, RemotePath};
use tokio::time::Instant;

use crate::adapter::remote_error;
use crate::remote::{Presence, presence};

/// A place that was seen is not looked at again for so long: many folders are made one after the other.
const SEEN_LATELY: Duration = Duration::from_secs(30);

/// Where a remote root lies.
#[derive(Debug, Clone)]
pub(super) struct Place {
    root: RemotePath,
    seen: Arc<Mutex<Option<Instant>>>,
}

impl Place {
    pub(super) fn of(root: &RemotePath) -> Self {
        Self { root: root.clone(), seen: Arc::default() }
    }

    /// Demands that the place is there.
    pub(super) async fn check(&self, client: &Client) -> Result<(), RemoteError> {
        if self.lock().is_some_and(|seen| seen.elapsed() < SEEN_LATELY) {
            return Ok(());
        }
        *self.lock() = None;
        let found = presence(client, &self.root).await.map_err(|error| remote_error(&error))?;
        let (device, mountpoint) = (self.root.device(), self.root.mountpoint());
        let message = match found {
            Presence::Present => {
                *self.lock() = Some(Instant::now());
                return Ok(());
            }
            Presence::NoMountpoint(_) => format!(
                "there is no mountpoint {mountpoint} on the device {device}: make it with \
                 `jottad mountpoints create {device} {mountpoint}`, or correct the folder with \
                 `jottad folder set NAME remote=…`"
            ),
            Presence::NoDevice => format!(
                "there is no device {device} on the service: make it with `jottad devices create {device}` and \
                 `jottad mountpoints create {device} {mountpoint}`, or correct the folder with \
                 `jottad folder set NAME remote=…`"
            ),
        };
        Err(RemoteError::new(RemoteErrorKind::PlaceMissing, message))
    }

    /// Finds out, where something was not found, whether that is because the whole place is not there.
    pub(super) async fn explain(&self, client: &Client, error: RemoteError) -> RemoteError {
        if error.kind != RemoteErrorKind::NotFound {
            return error;
        }
        *self.lock() = None;
        self.check(client).await.err().unwrap_or(error)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
