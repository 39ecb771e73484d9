//! Whether the service can be worked with, and when to try again if not.

use std::time::Duration;

use super::Folder;
use crate::remote::{RemoteError, RemoteErrorKind};
use crate::time::Now;

const FIRST_DELAY: Duration = Duration::from_secs(5);
const LONGEST_DELAY: Duration = Duration::from_mins(5);

/// The state of the service as the last answers showed it.
#[derive(Debug, Default)]
pub(super) struct Connection {
    trouble: Option<Trouble>,
    failures: u32,
    /// Until then no file is sent, because the account is full.
    full_until: Option<Duration>,
}

#[derive(Debug, Clone)]
struct Trouble {
    kind: RemoteErrorKind,
    message: String,
    retry_at: Option<Duration>,
}

impl Connection {
    pub(super) fn is_open(&self) -> bool {
        self.trouble.is_none()
    }

    /// Whether files may be sent.
    pub(super) fn takes_uploads(&self) -> bool {
        self.full_until.is_none()
    }

    pub(super) fn is_login_needed(&self) -> bool {
        self.trouble.as_ref().is_some_and(|trouble| trouble.kind == RemoteErrorKind::LoginNeeded)
    }

    /// The last error, while it keeps the folder from going on.
    pub(super) fn trouble(&self) -> Option<&str> {
        self.trouble.as_ref().map(|trouble| trouble.message.as_str())
    }

    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        let retry = self.trouble.as_ref().and_then(|trouble| trouble.retry_at);
        [retry, self.full_until].into_iter().flatten().min()
    }

    pub(super) fn timer(&mut self, now: Now) {
        if self.deadline().is_some_and(|time| time <= now.monotonic) {
            if self
                .trouble
                .as_ref()
                .is_some_and(|trouble| trouble.retry_at.is_some_and(|time| time <= now.monotonic))
            {
                self.trouble = None;
            }
            if self.full_until.is_some_and(|time| time <= now.monotonic) {
                self.full_until = None;
            }
        }
    }

    pub(super) fn retry_now(&mut self) {
        self.trouble = None;
        self.full_until = None;
    }

    fn fail(&mut self, error: &RemoteError, now: Now) {
        let delay = if error.kind == RemoteErrorKind::LoginNeeded {
            None
        } else {
            let doubled = FIRST_DELAY.saturating_mul(1 << self.failures.min(10)).min(LONGEST_DELAY);
            Some(doubled.max(error.retry_after.unwrap_or_default()))
        };
        self.failures += 1;
        self.trouble = Some(Trouble {
            kind: error.kind,
            message: error.message.clone(),
            retry_at: delay.map(|delay| now.monotonic + delay),
        });
    }
}

impl Folder {
    /// Takes an error that concerns the whole service, not one entry; tells whether it did.
    pub(super) fn is_connection_trouble(&mut self, error: &RemoteError, now: Now) -> bool {
        match error.kind {
            RemoteErrorKind::LoginNeeded | RemoteErrorKind::Offline | RemoteErrorKind::NotAllowed => {
                self.connection.fail(error, now);
                true
            }
            RemoteErrorKind::Unavailable if error.retry_after.is_some() => {
                self.connection.fail(error, now);
                true
            }
            _ => false,
        }
    }

    /// Takes the failure of something that the whole folder waits for.
    pub(super) fn connection_failed(&mut self, error: &RemoteError, now: Now) {
        self.connection.fail(error, now);
    }

    /// The account is full: nothing is sent for a while, everything else goes on.
    pub(super) fn account_is_full(&mut self, now: Now) {
        self.connection.full_until = Some(now.monotonic + Duration::from_mins(10));
    }
}
