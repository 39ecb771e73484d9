//! What people ask of a folder: to look anew, to pause, to decide about a hold.

use std::time::Duration;

use jottad_core::Timestamp;

use super::{Folder, FolderError, Notice};
use crate::event::Request;
use crate::index::Fact;
use crate::time::Now;

/// How long nothing is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pause {
    Forever,
    Until(Timestamp),
}

impl Folder {
    pub(super) fn request(&mut self, request: &Request, now: Now) -> Result<(), FolderError> {
        match request {
            Request::SyncNow => self.want_everything(now)?,
            Request::Verify => {
                self.want_everything(now)?;
                self.verifying.begin(now);
            }
            Request::Pause(duration) => self.pause_for(*duration, now)?,
            Request::Resume => self.set_pause(None)?,
            Request::Approve => self.approve(now)?,
            Request::Reject => self.reject()?,
            Request::AcceptMount(path) => self.accept_mount(path, now)?,
            Request::Reconnect => self.connection.retry_now(),
        }
        self.round.restart();
        Ok(())
    }

    /// Both sides are looked at anew, and what failed is tried again.
    pub(super) fn want_everything(&mut self, now: Now) -> Result<(), FolderError> {
        self.proving.request_came(now);
        self.root.forget_hold();
        self.root.doubt();
        self.scanning.want_everything();
        self.listing.want_everything();
        self.connection.retry_now();
        self.rechecks.retry_now();
        self.pacing.retry_now();
        self.round.count_deletes_again();
        self.resending.wait_no_longer();
        self.retry_all_problems()
    }

    /// Stops for so long, or until a person says so.
    pub(super) fn pause_for(&mut self, duration: Option<Duration>, now: Now) -> Result<(), FolderError> {
        let Some(duration) = duration else { return self.set_pause(Some(Pause::Forever)) };
        let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        let until = Timestamp::from_seconds(now.wall.seconds().saturating_add(seconds));
        self.set_pause(Some(Pause::Until(until)))?;
        Ok(self.index.set_fact(Fact::PausedFor, Some(&seconds.to_string()))?)
    }

    pub(super) fn set_pause(&mut self, pause: Option<Pause>) -> Result<(), FolderError> {
        self.paused = pause;
        self.interrupt_transfers();
        self.notices.push(Notice::Paused(pause.is_some()));
        let value = match pause {
            None => None,
            Some(Pause::Forever) => Some("forever".to_owned()),
            Some(Pause::Until(time)) => Some(time.seconds().to_string()),
        };
        self.index.set_fact(Fact::Paused, value.as_deref())?;
        Ok(())
    }
}
