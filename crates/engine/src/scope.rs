//! What an error is about: one entry, a directory, the folder, the account or the network.
//!
//! This is the only place that decides it. The tables in `docs/errors.md` are printed from here, and a test
//! compares them. An error of one entry never stops the others; a request for one entry that fails in a way
//! in which every request may fail is followed by a question to the service, whose answer tells the two
//! apart.

use std::time::Duration;

use crate::disk::DiskErrorKind;
use crate::remote::{RemoteError, RemoteErrorKind};
use crate::status::ProblemKind;

/// What an error is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Scope {
    /// One file or directory: it becomes a problem, and the others go on.
    Entry,
    /// What is in one directory of the service: nothing is known of it, and the other directories go on.
    Directory,
    /// The whole folder waits; other folders go on.
    Folder,
    /// Every folder of the account waits.
    Account,
    /// The service cannot be reached, or asks to be left alone.
    Network,
}

impl Scope {
    /// The word in the documentation.
    #[cfg(test)]
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Entry => "entry",
            Self::Directory => "directory",
            Self::Folder => "folder",
            Self::Account => "account",
            Self::Network => "network",
        }
    }
}

/// What the service was asked for when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Asked {
    /// To send, fetch, make, move, trash or set the time of one entry, or to show one.
    Entry,
    /// To list one directory.
    Directory,
    /// To list the whole folder.
    Listing,
    /// For the change stamp: the cheapest question there is, and so also the one that tells whether it
    /// answers.
    Stamp,
}

impl Asked {
    /// Every one.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 4] = [Self::Entry, Self::Directory, Self::Listing, Self::Stamp];

    /// What fails if the service answers everything else.
    const fn narrowest(self) -> Scope {
        match self {
            Self::Entry => Scope::Entry,
            Self::Directory => Scope::Directory,
            Self::Listing | Self::Stamp => Scope::Folder,
        }
    }
}

/// Who is to blame for an error of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Blame {
    /// This is what it is about.
    Known(Scope),
    /// It is about this if the service answers the question for the stamp; else that question's error counts.
    Unless(Scope),
}

/// What an error of the service is about.
pub(crate) fn of_remote(asked: Asked, kind: RemoteErrorKind, asks_for_pause: bool) -> Blame {
    let narrowest = asked.narrowest();
    match kind {
        // Of a full account only uploads wait for room; everything else goes on.
        RemoteErrorKind::LoginNeeded | RemoteErrorKind::QuotaExceeded | RemoteErrorKind::AccountLocked => {
            Blame::Known(Scope::Account)
        }
        RemoteErrorKind::PlaceMissing(_) => Blame::Known(Scope::Folder),
        RemoteErrorKind::Unavailable if asks_for_pause => Blame::Known(Scope::Network),
        RemoteErrorKind::Offline | RemoteErrorKind::Unavailable if asked == Asked::Stamp => {
            Blame::Known(Scope::Network)
        }
        RemoteErrorKind::NotAllowed if asked == Asked::Stamp => Blame::Known(Scope::Account),
        RemoteErrorKind::Offline | RemoteErrorKind::Unavailable | RemoteErrorKind::NotAllowed => {
            Blame::Unless(narrowest)
        }
        RemoteErrorKind::NotFound
        | RemoteErrorKind::Conflict
        | RemoteErrorKind::Refused
        | RemoteErrorKind::TooLarge
        | RemoteErrorKind::Incomplete
        | RemoteErrorKind::SourceChanged
        | RemoteErrorKind::SourceUnreadable
        | RemoteErrorKind::StagingFailed => Blame::Known(narrowest),
    }
}

/// What an error of the local disk is about.
pub(crate) fn of_disk(kind: &DiskErrorKind) -> Scope {
    match kind {
        DiskErrorKind::RootLost | DiskErrorKind::Locked | DiskErrorKind::TooManyFiles => Scope::Folder,
        DiskErrorKind::MountChanged => Scope::Directory,
        DiskErrorKind::NotFound
        | DiskErrorKind::Changed
        | DiskErrorKind::Occupied
        | DiskErrorKind::PermissionDenied
        | DiskErrorKind::NoSpace
        | DiskErrorKind::ImpossibleName
        | DiskErrorKind::Other(_) => Scope::Entry,
    }
}

/// Whether what keeps a folder from being taken up may pass by itself: it waits for that, and nobody is to
/// change anything but what has run out.
pub(crate) fn may_pass(kind: &DiskErrorKind) -> bool {
    match kind {
        DiskErrorKind::TooManyFiles | DiskErrorKind::NoSpace => true,
        DiskErrorKind::RootLost
        | DiskErrorKind::Locked
        | DiskErrorKind::MountChanged
        | DiskErrorKind::NotFound
        | DiskErrorKind::Changed
        | DiskErrorKind::Occupied
        | DiskErrorKind::PermissionDenied
        | DiskErrorKind::ImpossibleName
        | DiskErrorKind::Other(_) => false,
    }
}

/// How an entry's failure is told and when it is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The word for scripts.
    pub(crate) kind: ProblemKind,
    /// What mends it.
    pub(crate) remedy: &'static str,
    /// How long to wait before the second try; it doubles with each further one. `None` if only a change of
    /// the entry helps.
    pub(crate) pause: Option<Duration>,
}

/// What mends a locked account. Nothing local does, and room in it does not unlock it.
pub(crate) const REMEDY_OF_LOCKED_ACCOUNT: &str = "log in at www.jottacloud.com, where it says why, or ask Jottacloud's support: only the service can unlock it";

/// How a failure of one entry on the service is told.
pub(crate) fn remote_failure(error: &RemoteError) -> Failure {
    let (kind, remedy, pause) = match error.kind {
        RemoteErrorKind::QuotaExceeded => (
            ProblemKind::QuotaExceeded,
            "free space in the account (jottad account shows it) or ignore the file",
            Duration::from_mins(10),
        ),
        RemoteErrorKind::AccountLocked => {
            (ProblemKind::AccountLocked, REMEDY_OF_LOCKED_ACCOUNT, Duration::from_mins(1))
        }
        RemoteErrorKind::NotAllowed => (
            ProblemKind::NotAllowed,
            "look at it in the browser: the account may not do this with it; or ignore it",
            Duration::from_mins(1),
        ),
        RemoteErrorKind::Refused => (
            ProblemKind::Refused,
            "rename or change it, or ignore it: the service does not take it as it is",
            Duration::from_mins(1),
        ),
        RemoteErrorKind::TooLarge => (
            ProblemKind::Refused,
            "ignore it, or set max_size: the service does not take a file of this size",
            Duration::from_mins(10),
        ),
        RemoteErrorKind::SourceUnreadable => (
            ProblemKind::Unreadable,
            "let the user that runs jottad read it, or ignore it",
            Duration::from_mins(10),
        ),
        RemoteErrorKind::StagingFailed => {
            (ProblemKind::LocalDisk, "free some space on the local disk", Duration::from_mins(5))
        }
        RemoteErrorKind::Conflict | RemoteErrorKind::NotFound => (
            ProblemKind::Failing,
            "nothing: it is tried again; if it stays, look at it in the browser",
            Duration::from_secs(5),
        ),
        RemoteErrorKind::PlaceMissing(_) => (
            ProblemKind::Failing,
            "make the device or the mountpoint, or let the folder be somewhere else",
            Duration::from_mins(1),
        ),
        RemoteErrorKind::LoginNeeded
        | RemoteErrorKind::Offline
        | RemoteErrorKind::Unavailable
        | RemoteErrorKind::Incomplete
        | RemoteErrorKind::SourceChanged => {
            (ProblemKind::Failing, "nothing: it is tried again", Duration::from_secs(5))
        }
    };
    Failure { kind, remedy, pause: Some(pause) }
}

/// How a failure of one entry on the local disk is told.
pub(crate) fn disk_failure(kind: &DiskErrorKind) -> Failure {
    let (kind, remedy, pause) = match kind {
        DiskErrorKind::PermissionDenied => (
            ProblemKind::Unreadable,
            "let the user that runs jottad read and write it, or ignore it",
            Some(Duration::from_mins(5)),
        ),
        DiskErrorKind::NoSpace => {
            let remedy = "free some space on the local disk; `jottad trash empty --local` empties what jottad keeps there";
            (ProblemKind::LocalDisk, remedy, Some(Duration::from_mins(5)))
        }
        DiskErrorKind::ImpossibleName => (
            ProblemKind::ImpossibleName,
            "rename it on the service: the local disk does not take this name",
            None,
        ),
        _ => (ProblemKind::LocalDisk, "check the local disk", Some(Duration::from_mins(5))),
    };
    Failure { kind, remedy, pause }
}

#[cfg(test)]
mod tests;
