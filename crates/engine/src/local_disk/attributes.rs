//! What a person attached to a file besides its content: owner, group and mode, access lists, extended
//! attributes, flags.
//!
//! A file that takes the place of another one has all of that too before it stands there. What cannot be
//! kept, and would have kept somebody out, leaves the new file to its owner alone.

use std::ffi::CString;

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{
    Gid, Mode, OFlags, RawMode, Uid, XattrFlags, fchmod, fchown, fgetxattr, fgetxattr_query, flistxattr,
    flistxattr_query, fremovexattr, fsetxattr, openat,
};
use rustix::io::Errno;

use super::beneath::{At, READ_FILE};
use super::facts::Facts;
use super::staging::Staged;

const ACCESS_LIST: &[u8] = b"system.posix_acl_access";
const DEFAULT_LIST: &[u8] = b"system.posix_acl_default";
/// Attributes by which the system lets in or keeps out. The capabilities of a program are not among them:
/// they were given to its content, and whoever writes to a file takes them away.
const GUARDS: [&[u8]; 6] = [
    b"security.selinux",
    b"security.SMACK64",
    b"security.apparmor",
    b"system.nfs4_acl",
    b"system.richacl",
    b"system.cifs_acl",
];

/// What a system calls an attribute that is not there.
#[cfg(target_os = "linux")]
const MISSING: Errno = Errno::NODATA;
#[cfg(not(target_os = "linux"))]
const MISSING: Errno = Errno::NOATTR;

const OWNER_ALONE: RawMode = 0o700;
const PERMISSIONS: RawMode = 0o777;

/// What is known of an access list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AccessList {
    /// There is none.
    None,
    /// The new file has it too.
    Kept,
    /// There is one, or may be one, which the new file does not have.
    Lost,
}

/// Gives a new file everything that belongs to the file that it is to replace, which is at a place and has
/// these facts.
pub(super) fn take_over(staged: &Staged, place: At<'_>, replaced: &Facts) -> Result<(), Errno> {
    let has_group = take_over_owner(staged, replaced)?;
    let (list, keeps_guards) = match open_replaced(place, replaced)? {
        Some(old) => (take_over_list(staged, &old, has_group), take_over_attributes(staged, &old)),
        // Who may not read it cannot see what it has.
        None => (AccessList::Lost, false),
    };
    if list != AccessList::Kept {
        remove_list(staged)?;
    }
    let mode = replaced.mode & PERMISSIONS;
    let mode = match (list, keeps_guards, has_group) {
        (AccessList::Lost, _, _) | (_, false, _) => mode & OWNER_ALONE,
        (_, true, true) => mode,
        (_, true, false) => without_group(mode),
    };
    fchmod(&staged.file, Mode::from_raw_mode(mode))
}

/// Gives a new file what it would have if it had been made in its directory: the group of one that hands its
/// group on, the access list of one that hands a list on, and the usual mode.
pub(super) fn take_from_directory(staged: &Staged, directory: &OwnedFd) -> Result<(), Errno> {
    const SET_GROUP: RawMode = 0o2000;
    let facts = Facts::of(directory)?;
    if facts.mode & SET_GROUP != 0 {
        // Not allowed to those outside the group, who get a file of their own group.
        let _ = fchown(&staged.file, None, Some(Gid::from_raw(facts.group)));
    }
    let mode = match inherited(directory)? {
        Some(list) => match fsetxattr(&staged.file, ACCESS_LIST, &list, XattrFlags::empty()) {
            Ok(()) => return Ok(()),
            Err(_) => staged.usual_mode & OWNER_ALONE,
        },
        // What it got where it was filled hides what would be usual.
        None if remove_list(staged)? => staged.usual_mode & OWNER_ALONE,
        None => staged.usual_mode,
    };
    fchmod(&staged.file, Mode::from_raw_mode(mode))
}

/// Opens the file that is to be replaced; `None` if it may not be read.
fn open_replaced(place: At<'_>, replaced: &Facts) -> Result<Option<OwnedFd>, Errno> {
    let flags = READ_FILE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match openat(place.directory, place.name, flags, Mode::empty()) {
        Ok(old) if Facts::of(&old)?.node == replaced.node => Ok(Some(old)),
        // Another one has taken its place, which is noticed when that is swapped.
        Ok(_) | Err(Errno::ACCESS | Errno::PERM | Errno::NOENT) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Gives the file the owner and group of the one it replaces where that is allowed; tells whether it has the
/// group.
fn take_over_owner(staged: &Staged, replaced: &Facts) -> Result<bool, Errno> {
    let ours = Facts::of(&staged.file)?;
    if (ours.owner, ours.group) == (replaced.owner, replaced.group) {
        return Ok(true);
    }
    let (owner, group) = (Uid::from_raw(replaced.owner), Gid::from_raw(replaced.group));
    Ok(fchown(&staged.file, Some(owner), Some(group)).is_ok()
        || ours.group == replaced.group
        || fchown(&staged.file, None, Some(group)).is_ok())
}

/// The mode of a file that has another group now: nobody outside of the owner may do what not both the group
/// and all others might, because who was in the one may be in the other.
const fn without_group(mode: RawMode) -> RawMode {
    let both = (mode >> 3) & mode & 0o7;
    (mode & OWNER_ALONE) | (both << 3) | both
}

/// Its entry for the group is about the group that the file had.
fn take_over_list(staged: &Staged, old: &OwnedFd, has_group: bool) -> AccessList {
    match attribute(old, ACCESS_LIST) {
        Ok(None) => AccessList::None,
        Ok(Some(list))
            if has_group && fsetxattr(&staged.file, ACCESS_LIST, &list, XattrFlags::empty()).is_ok() =>
        {
            AccessList::Kept
        }
        Ok(Some(_)) | Err(_) => AccessList::Lost,
    }
}

/// Removes the access list that a file got where it was filled; tells whether it had one.
fn remove_list(staged: &Staged) -> Result<bool, Errno> {
    if !cfg!(target_os = "linux") || attribute(&staged.file, ACCESS_LIST)?.is_none() {
        return Ok(false);
    }
    fremovexattr(&staged.file, ACCESS_LIST)?;
    Ok(true)
}

/// Tells whether everything by which the system lets in or keeps out is on the new file too.
fn take_over_attributes(staged: &Staged, old: &OwnedFd) -> bool {
    take_over_flags(staged, old);
    let Ok(names) = attribute_names(old) else { return false };
    let mut keeps_guards = true;
    for name in names {
        let is_guard = GUARDS.contains(&name.as_bytes());
        if !is_guard && !is_persons(name.as_bytes()) {
            continue;
        }
        let kept = attribute(old, name.as_bytes()).and_then(|value| {
            let Some(value) = value else { return Ok(()) };
            if is_guard && attribute(&staged.file, name.as_bytes())?.as_ref() == Some(&value) {
                return Ok(());
            }
            fsetxattr(&staged.file, &name, &value, XattrFlags::empty())
        });
        if let Err(error) = kept {
            tracing::warn!(attribute = ?name, %error, "an extended attribute of a replaced file could not be kept");
            keeps_guards &= !is_guard;
        }
    }
    keeps_guards
}

/// Whether an attribute is a person's or a program's, not the system's.
fn is_persons(name: &[u8]) -> bool {
    // macOS has no name spaces: all but access lists, which are none, are for programs.
    cfg!(target_os = "macos") || name.starts_with(b"user.")
}

/// Flags that a person set with `chattr`. Not all file systems have them, and none of these lets anybody in.
#[cfg(target_os = "linux")]
fn take_over_flags(staged: &Staged, old: &OwnedFd) {
    use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};
    let kept = IFlags::NODUMP | IFlags::NOATIME | IFlags::SYNC | IFlags::COMPRESSED;
    let Ok(flags) = ioctl_getflags(old).map(|flags| flags & kept) else { return };
    if !flags.is_empty()
        && let Ok(own) = ioctl_getflags(&staged.file)
    {
        let _ = ioctl_setflags(&staged.file, own | flags);
    }
}

#[cfg(not(target_os = "linux"))]
fn take_over_flags(_: &Staged, _: &OwnedFd) {}

/// The access list of a file that is made in a directory for reading and writing; `None` if that hands no
/// list on.
fn inherited(directory: &OwnedFd) -> Result<Option<Vec<u8>>, Errno> {
    if !cfg!(target_os = "linux") {
        return Ok(None);
    }
    Ok(attribute(directory, DEFAULT_LIST)?.and_then(|list| for_a_file(&list)))
}

/// A directory's list for what is made in it, as it is on a file: nobody may run that.
///
/// Four bytes of a version, and for each entry its tag, its permissions and whom it is about, in two, two and
/// four bytes.
fn for_a_file(list: &[u8]) -> Option<Vec<u8>> {
    const HEAD: usize = 4;
    const ENTRY: usize = 8;
    const MASK: [u8; 2] = 0x10_u16.to_le_bytes();
    const OWNER: [u8; 2] = 0x01_u16.to_le_bytes();
    const GROUP: [u8; 2] = 0x04_u16.to_le_bytes();
    const OTHERS: [u8; 2] = 0x20_u16.to_le_bytes();
    let entries = list.get(HEAD..)?;
    let has_mask = entries.chunks_exact(ENTRY).any(|entry| entry[..2] == MASK);
    let mut made = list[..HEAD].to_vec();
    for entry in entries.chunks_exact(ENTRY) {
        let tag = [entry[0], entry[1]];
        let is_limited = tag == OWNER || tag == OTHERS || tag == MASK || (tag == GROUP && !has_mask);
        let mut entry = entry.to_vec();
        if is_limited {
            entry[2] &= 0o6;
        }
        made.extend(entry);
    }
    Some(made)
}

/// An attribute of what is open; `None` if it has none of that name, or the file system keeps no such ones.
fn attribute(file: impl AsFd, name: &[u8]) -> Result<Option<Vec<u8>>, Errno> {
    let read = || -> Result<Vec<u8>, Errno> {
        let mut value = vec![0; fgetxattr_query(&file, name)?];
        let length = fgetxattr(&file, name, value.as_mut_slice())?;
        value.truncate(length);
        Ok(value)
    };
    match read() {
        Ok(value) => Ok(Some(value)),
        Err(MISSING | Errno::NOTSUP | Errno::NOSYS) => Ok(None),
        Err(error) => Err(error),
    }
}

fn attribute_names(file: impl AsFd) -> Result<Vec<CString>, Errno> {
    let length = match flistxattr_query(&file) {
        Ok(length) => length,
        Err(Errno::NOTSUP | Errno::NOSYS) => 0,
        Err(error) => return Err(error),
    };
    let mut names = vec![0_u8; length];
    let length = if length == 0 { 0 } else { flistxattr(&file, names.as_mut_slice())? };
    names.truncate(length);
    let names = names.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    Ok(names.filter_map(|name| CString::new(name).ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_group_gives_nobody_more_than_before() {
        for (mode, expected) in
            [(0o640, 0o600), (0o644, 0o644), (0o604, 0o600), (0o660, 0o600), (0o755, 0o755), (0o775, 0o755)]
        {
            assert_eq!(without_group(mode), expected, "{mode:o}");
        }
        // Whoever reads now could read as a member of the group and as anybody else.
        for mode in 0..=PERMISSIONS {
            let narrowed = without_group(mode);
            assert_eq!(narrowed & !mode, 0, "{mode:o}");
            assert_eq!((narrowed >> 3) & 0o7, narrowed & 0o7, "{mode:o}");
        }
    }

    #[test]
    fn what_a_directory_hands_on_lets_nobody_run_a_file() {
        let list = |entries: &[(u16, u16)]| -> Vec<u8> {
            let entry = |(tag, permissions): &(u16, u16)| {
                [tag.to_le_bytes(), permissions.to_le_bytes(), [9, 0], [0, 0]].concat()
            };
            [2_u32.to_le_bytes().to_vec(), entries.iter().flat_map(entry).collect()].concat()
        };
        let made = for_a_file(&list(&[(1, 7), (2, 7), (4, 7), (16, 5), (32, 1)]));
        assert_eq!(made, Some(list(&[(1, 6), (2, 7), (4, 7), (16, 4), (32, 0)])));
        let made = for_a_file(&list(&[(1, 7), (4, 5), (32, 0)]));
        assert_eq!(made, Some(list(&[(1, 6), (4, 4), (32, 0)])));
        assert_eq!(for_a_file(&[1]), None);
    }
}
