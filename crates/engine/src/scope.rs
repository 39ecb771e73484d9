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

/// What is found out about an entry, by looking at it and not by a failure, that keeps it from being synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finding {
    /// The local file cannot be read.
    UnreadableFile,
    /// The local directory cannot be read.
    UnreadableDirectory,
    /// The `.jottaignore` of a directory cannot be read as rules.
    UnreadableRules,
    /// A `.jottaignore` has lines that are no rules.
    WrongRules,
    /// The file changes whenever it is read.
    KeepsChanging,
    /// The content changed although nobody wrote the file.
    Damaged,
    /// Something that is never synced stands where a file or directory was.
    WrongKind,
    /// Something that is never synced has the name that an entry beside it is to get.
    NameTaken,
    /// The service may take the names of two entries for the same.
    NamesAlike,
    /// The service does not take a name so long.
    NameTooLong,
    /// It is deeper than anything that is synced.
    TooDeep,
    /// The disk that was mounted there is not there as it was.
    MountChanged,
    /// The service has it under a name that no local file can have.
    Unnameable,
    /// It is to be removed with something in it that no local file can stand for.
    HoldsUnnameable,
    /// It is worked on again and again without settling.
    DoesNotSettle,
    /// It was to be removed again and again and is still there.
    CannotBeRemoved,
    /// The service accepted it and does not show it.
    NotShown,
}

/// How what was found out about an entry is told.
pub(crate) const fn found(finding: Finding) -> Failure {
    const LET_READ: &str = "let the user that runs jottad read it, or ignore it";
    let (kind, remedy, minutes) = match finding {
        Finding::UnreadableFile | Finding::UnreadableDirectory => {
            (ProblemKind::Unreadable, LET_READ, Some(10))
        }
        Finding::UnreadableRules => (
            ProblemKind::Unreadable,
            "put a file with the rules there that the user that runs jottad may read, or a link to one in the folder, \
             or remove it; until then its directory is left alone",
            Some(10),
        ),
        Finding::WrongRules => {
            (ProblemKind::BadRule, "correct the rules; the other lines of the file count", None)
        }
        Finding::KeepsChanging => (
            ProblemKind::KeepsChanging,
            "nothing: it is tried again when it rests; ignore it if it never does",
            Some(1),
        ),
        Finding::Damaged => (
            ProblemKind::Damaged,
            "look at the service's copy with `jottad cat` or `jottad get`; touch the file to send it as it is",
            None,
        ),
        Finding::WrongKind => {
            (ProblemKind::WrongKind, "remove it, put the file or directory back, or ignore it", None)
        }
        Finding::NameTaken => (ProblemKind::NameClash, "rename or remove it", None),
        Finding::NamesAlike => (ProblemKind::NameClash, "rename one of the two", None),
        Finding::NameTooLong => (ProblemKind::NameTooLong, "shorten the name", None),
        Finding::TooDeep => (ProblemKind::NameTooLong, "move it up, or ignore it", None),
        Finding::MountChanged => (
            ProblemKind::MountChanged,
            // With the folder's name and the path behind it.
            "mount it as it was; if it is to stay like this, say so: jottad approve",
            Some(1),
        ),
        Finding::Unnameable => (ProblemKind::ImpossibleName, "rename it on the service", None),
        Finding::HoldsUnnameable => (
            ProblemKind::ImpossibleName,
            "rename or remove that on the service: jottad cannot name it",
            Some(10),
        ),
        Finding::DoesNotSettle => (
            ProblemKind::Failing,
            "nothing: it is tried again later; if it stays, another program may be working on it",
            Some(5),
        ),
        Finding::CannotBeRemoved => (ProblemKind::Failing, "nothing: it is tried again later", Some(5)),
        Finding::NotShown => (ProblemKind::Failing, "nothing: it is sent again", Some(1)),
    };
    let pause = match minutes {
        Some(minutes) => Some(Duration::from_mins(minutes)),
        None => None,
    };
    Failure { kind, remedy, pause }
}

#[cfg(test)]
mod tests;
