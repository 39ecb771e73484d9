//! Renames that never replace anything, also where the file system cannot promise that in one call.

use jottad_core::RelativePath;
use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, RenameFlags, linkat, renameat, renameat_with, unlinkat};
use rustix::io::Errno;

use super::beneath::{At, Place, READ_DIRECTORY};
use super::facts::Facts;
use super::syncing::sync_directory;
use crate::disk::{DiskErrorKind, DiskNode, Identity};

/// Renames an entry durably; see [`crate::Disk::rename`].
pub(super) fn rename(
    root: &OwnedFd,
    from: &RelativePath,
    to: &RelativePath,
    expected: Identity,
) -> Result<(), DiskErrorKind> {
    let from = Place::of(root, from, READ_DIRECTORY)?;
    let to = Place::of(root, to, READ_DIRECTORY)?;
    let facts = from.facts()?.ok_or(DiskErrorKind::NotFound)?;
    if !facts.is(expected) {
        return Err(DiskErrorKind::Changed);
    }
    match rename_to_free(from.at(), to.at()) {
        Err(Errno::EXIST) if is_other_spelling(&from, &to, &facts)? => {
            renameat(&from.directory, from.name.as_bytes(), &to.directory, to.name.as_bytes())?;
        }
        result => result?,
    }
    if !to.facts()?.is_some_and(|facts| facts.is(expected)) {
        // Another entry took the name just before the rename. It goes back; if its name is taken once more,
        // it stays where it is now, whole.
        let _ = rename_to_free(to.at(), from.at());
        return Err(DiskErrorKind::Changed);
    }
    sync_directory(&to.directory)?;
    sync_directory(&from.directory)?;
    Ok(())
}

/// Renames, or fails with `EEXIST` if anything is at `to`.
pub(super) fn rename_to_free(from: At<'_>, to: At<'_>) -> Result<(), Errno> {
    match renameat_with(from.directory, from.name, to.directory, to.name, RenameFlags::NOREPLACE) {
        Err(error) if is_unsupported(error) => rename_to_free_in_steps(from, to),
        result => result,
    }
}

/// Swaps two entries; `false` if this file system cannot.
pub(super) fn exchange(one: At<'_>, other: At<'_>) -> Result<bool, Errno> {
    match renameat_with(one.directory, one.name, other.directory, other.name, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(true),
        Err(error) if is_unsupported(error) => Ok(false),
        Err(error) => Err(error),
    }
}

fn is_unsupported(error: Errno) -> bool {
    [Errno::INVAL, Errno::NOSYS, Errno::NOTSUP, Errno::OPNOTSUPP].contains(&error)
}

fn rename_to_free_in_steps(from: At<'_>, to: At<'_>) -> Result<(), Errno> {
    // A hard link never replaces. A crash between the two steps leaves two names and loses nothing.
    match linkat(from.directory, from.name, to.directory, to.name, AtFlags::empty()) {
        Ok(()) => unlinkat(from.directory, from.name, AtFlags::empty()),
        Err(error @ (Errno::EXIST | Errno::NOENT | Errno::NOSPC | Errno::DQUOT)) => Err(error),
        // A directory, or a file system without links.
        Err(_) => {
            if to.facts()?.is_some() {
                return Err(Errno::EXIST);
            }
            // RACE: a file that appears at `to` right here is replaced. No portable call closes this gap on
            // such file systems.
            renameat(from.directory, from.name, to.directory, to.name)
        }
    }
}

/// Whether `to` is only another spelling of `from`, on a file system that ignores letter case or normal
/// forms.
fn is_other_spelling(from: &Place, to: &Place, facts: &Facts) -> Result<bool, Errno> {
    // What has one name only and is found under two is found under two spellings. Two hard links are two
    // entries, and renaming one to the other would silently do nothing.
    let has_one_name = match facts.node {
        DiskNode::File(file) => file.links == 1,
        DiskNode::Directory(_) => true,
        DiskNode::Other(_) => false,
    };
    Ok(has_one_name
        && Facts::of(&from.directory)?.node == Facts::of(&to.directory)?.node
        && to.facts()?.is_some_and(|there| there.node == facts.node))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rustix::fd::AsFd as _;
    use rustix::fs::{CWD, Mode, OFlags, openat};

    use super::*;

    #[test]
    fn neither_way_of_renaming_replaces() {
        for rename in [rename_to_free, rename_to_free_in_steps] {
            let directory = tempfile::tempdir().unwrap();
            let path = |name: &str| directory.path().join(name);
            fs::write(path("one"), "1").unwrap();
            fs::write(path("two"), "2").unwrap();
            fs::create_dir(path("full")).unwrap();
            fs::create_dir(path("empty")).unwrap();
            fs::write(path("full/file"), "3").unwrap();
            let opened = openat(CWD, directory.path(), OFlags::DIRECTORY, Mode::empty()).unwrap();
            let at = |name| At { directory: opened.as_fd(), name };

            for (from, to, expected) in [
                (&b"one"[..], &b"two"[..], Err(Errno::EXIST)),
                (b"full", b"empty", Err(Errno::EXIST)),
                (b"one", b"empty", Err(Errno::EXIST)),
                (b"missing", b"free", Err(Errno::NOENT)),
                (b"one", b"free file", Ok(())),
                (b"full", b"free directory", Ok(())),
            ] {
                assert_eq!(rename(at(from), at(to)), expected, "{}", String::from_utf8_lossy(to));
            }
            assert_eq!(fs::read(path("free file")).unwrap(), b"1");
            assert_eq!(fs::read(path("two")).unwrap(), b"2");
            assert_eq!(fs::read(path("free directory/file")).unwrap(), b"3");
            assert!(!path("one").exists() && !path("full").exists());
        }
    }
}
