//! Why one entry of many could not be had, and whether it is worth trying the next.

use std::io;

use jottad_transport::{Error, ErrorKind};

use crate::cli::failure::Failure;

/// What keeps an entry from being transferred.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// This entry alone: the others go on.
    Entry(Failure),
    /// Every other entry would fail for the same reason.
    All(Failure),
}

impl Trouble {
    /// The failure, whatever its reach.
    pub(crate) fn into_failure(self) -> Failure {
        match self {
            Self::Entry(failure) | Self::All(failure) => failure,
        }
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Entry(failure)
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::LoginNeeded
            | ErrorKind::Offline
            | ErrorKind::RateLimited
            | ErrorKind::QuotaExceeded
            | ErrorKind::Locked
            | ErrorKind::Setup => Self::All(error.into()),
            _ => match &error {
                Error::Sink { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                    Self::All(Failure::from(error).hint("free some space on this disk"))
                }
                _ => Self::Entry(error.into()),
            },
        }
    }
}
