//! What the operating system's errors mean for a file or directory in a folder.

use std::io;

use jottad_core::in_words;
use rustix::io::Errno;

use crate::disk::DiskErrorKind;

impl From<Errno> for DiskErrorKind {
    fn from(error: Errno) -> Self {
        match error {
            // A component that is no directory any more: what was meant is not there.
            Errno::NOENT | Errno::NOTDIR => Self::NotFound,
            // A symlink took the place of a component, or another process holds a lease on the file.
            Errno::LOOP | Errno::MLINK | Errno::AGAIN => Self::Changed,
            Errno::ACCESS | Errno::PERM => Self::PermissionDenied,
            Errno::NOSPC | Errno::DQUOT => Self::NoSpace,
            Errno::EXIST => Self::Occupied,
            Errno::NAMETOOLONG | Errno::ILSEQ => Self::ImpossibleName,
            Errno::MFILE | Errno::NFILE => Self::TooManyFiles,
            Errno::XDEV => Self::Other(io::Error::new(
                io::ErrorKind::CrossesDevices,
                "it is on another file system than the folder's root",
            )),
            _ => Self::Other(error.into()),
        }
    }
}

impl From<io::Error> for DiskErrorKind {
    fn from(error: io::Error) -> Self {
        match Errno::from_io_error(&error) {
            Some(errno) => errno.into(),
            None => Self::Other(error),
        }
    }
}

/// An error in the root's own `.jottad`, of which the caller's path knows nothing: that something is missing
/// or in the way there says nothing about the entry.
pub(super) fn own(error: Errno) -> DiskErrorKind {
    match error.into() {
        kind @ (DiskErrorKind::NoSpace | DiskErrorKind::PermissionDenied | DiskErrorKind::TooManyFiles) => {
            kind
        }
        _ => DiskErrorKind::Other(io::Error::new(
            io::Error::from(error).kind(),
            format!("in .jottad: {}", in_words(error)),
        )),
    }
}

#[cfg(test)]
mod tests {
    use jottad_core::RelativePath;

    use super::*;
    use crate::{DiskError, IndexError};

    #[test]
    fn whatever_the_system_says_is_told_without_its_number() {
        for number in 1..=133 {
            let errno = Errno::from_raw_os_error(number);
            let disk = |kind| DiskError { action: "reading", path: RelativePath::root(), kind }.to_string();
            let source = || io::Error::from(errno);
            let sqlite = rusqlite::Error::ToSqlConversionFailure(Box::new(source()));
            let file = IndexError::File { path: "/i".into(), source: source() };
            let cause = file.to_string();
            for text in [
                disk(errno.into()),
                disk(source().into()),
                disk(own(errno)),
                cause.clone(),
                IndexError::Aside { cause, path: "/i".into(), source: source() }.to_string(),
                IndexError::Sqlite(sqlite).to_string(),
            ] {
                assert!(!text.contains("os error"), "{text}");
                assert!(!text.ends_with(": "), "{text}");
            }
        }
    }

    #[test]
    fn what_the_system_says_is_told_by_what_it_means() {
        for (errnos, expected) in [
            (&[Errno::NOENT, Errno::NOTDIR][..], DiskErrorKind::NotFound),
            (&[Errno::LOOP, Errno::MLINK, Errno::AGAIN], DiskErrorKind::Changed),
            (&[Errno::ACCESS, Errno::PERM], DiskErrorKind::PermissionDenied),
            (&[Errno::NOSPC, Errno::DQUOT], DiskErrorKind::NoSpace),
            (&[Errno::EXIST], DiskErrorKind::Occupied),
            (&[Errno::NAMETOOLONG, Errno::ILSEQ], DiskErrorKind::ImpossibleName),
            (&[Errno::MFILE, Errno::NFILE], DiskErrorKind::TooManyFiles),
        ] {
            for errno in errnos {
                assert_eq!(DiskErrorKind::from(*errno).to_string(), expected.to_string(), "{errno:?}");
            }
        }
    }

    /// What is missing or in the way in `.jottad` says nothing of the entry.
    #[test]
    fn what_is_wrong_in_jottads_own_directory_is_no_error_of_the_entry() {
        for (errno, passes) in [
            (Errno::NOSPC, true),
            (Errno::ACCESS, true),
            (Errno::MFILE, true),
            (Errno::NOENT, false),
            (Errno::EXIST, false),
            (Errno::LOOP, false),
        ] {
            let kind = own(errno);
            assert_eq!(!matches!(kind, DiskErrorKind::Other(_)), passes, "{errno:?}");
            assert_eq!(kind.to_string().starts_with("in .jottad: "), !passes, "{kind}");
        }
    }
}
