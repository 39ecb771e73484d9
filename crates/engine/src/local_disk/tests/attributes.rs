//! What a person attached to a file is on the file that replaces it, or nobody else may read that.

use std::os::unix::fs::PermissionsExt as _;

use rustix::fs::{XattrFlags, lgetxattr, lsetxattr};
use rustix::io::Errno;

use super::writing::mode;
use super::*;

const ACCESS: &str = "system.posix_acl_access";
const DEFAULT: &str = "system.posix_acl_default";

/// Who an entry of an access list is about.
const OWNER: (u16, u32) = (1, u32::MAX);
const USER: (u16, u32) = (2, 1000);
const GROUP: (u16, u32) = (4, u32::MAX);
const MASK: (u16, u32) = (16, u32::MAX);
const OTHERS: (u16, u32) = (32, u32::MAX);

fn list(entries: &[((u16, u32), u16)]) -> Vec<u8> {
    let mut bytes = 2_u32.to_le_bytes().to_vec();
    for ((tag, who), permissions) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(permissions.to_le_bytes());
        bytes.extend(who.to_le_bytes());
    }
    bytes
}

fn get(folder: &Folder, path: &str, name: &str) -> Option<Vec<u8>> {
    let mut value = vec![0; 1024];
    let length = lgetxattr(folder.at(path), name, value.as_mut_slice()).ok()?;
    value.truncate(length);
    Some(value)
}

/// Sets an attribute; tells whether the file system keeps such attributes at all.
fn set(folder: &Folder, path: &str, name: &str, value: &[u8]) -> bool {
    let result = lsetxattr(folder.at(path), name, value, XattrFlags::empty());
    let feature = if [ACCESS, DEFAULT].contains(&name) { "acl" } else { "xattr" };
    if is_lacking(feature, result != Err(Errno::NOTSUP)) {
        return false;
    }
    result.unwrap();
    true
}

fn replace(folder: &Folder, path: &str) {
    folder.place(path, "new", Some(&folder.file(path))).unwrap();
    assert_eq!(read(folder.at(path)), "new");
}

#[test]
fn an_access_list_stays_with_the_name() {
    let folder = Folder::new();
    folder.write("file", "old");
    // The mode shows what the mask lets through, which the group itself does not have.
    let guarded = list(&[(OWNER, 6), (USER, 6), (GROUP, 0), (MASK, 6), (OTHERS, 0)]);
    if !set(&folder, "file", ACCESS, &guarded) {
        return;
    }
    assert_eq!(mode(&folder, "file"), 0o660);
    replace(&folder, "file");
    assert_eq!(get(&folder, "file", ACCESS), Some(guarded));
    assert_eq!(mode(&folder, "file"), 0o660);
    replace(&folder, "file");
    assert_eq!(mode(&folder, "file"), 0o660, "a second time");
}

#[test]
fn extended_attributes_stay_with_the_name() {
    let folder = Folder::new();
    folder.write("file", "old");
    if !set(&folder, "file", "user.tag", b"blue\0green") {
        return;
    }
    set(&folder, "file", "user.empty", b"");
    replace(&folder, "file");
    assert_eq!(get(&folder, "file", "user.tag").as_deref(), Some(&b"blue\0green"[..]));
    assert_eq!(get(&folder, "file", "user.empty").as_deref(), Some(&b""[..]));
}

/// Flags that `chattr` sets. One that lets nobody change the file would not let it be replaced.
#[cfg(target_os = "linux")]
#[test]
fn flags_that_a_person_set_stay_with_the_name() {
    use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};
    let folder = Folder::new();
    folder.write("file", "old");
    let flags = |folder: &Folder| ioctl_getflags(fs::File::open(folder.at("file")).unwrap());
    let Ok(usual) = flags(&folder) else { return };
    for flag in [IFlags::NODUMP, IFlags::NOATIME, IFlags::SYNC] {
        // The file system may not have this one.
        if ioctl_setflags(fs::File::open(folder.at("file")).unwrap(), usual | flag).is_err() {
            continue;
        }
        replace(&folder, "file");
        assert_eq!(flags(&folder), Ok(usual | flag));
    }
}

#[test]
fn what_was_a_privilege_of_the_old_content_is_none_of_the_new_one() {
    let folder = Folder::new();
    folder.write("file", "old");
    // A permitted CAP_NET_RAW, and the bits that make a program run as its owner.
    let capability = [0x0200_0000_u32, 1 << 13, 0, 0, 0].map(u32::to_le_bytes).concat();
    if rustix::process::geteuid().is_root() {
        set(&folder, "file", "security.capability", &capability);
    }
    fs::set_permissions(folder.at("file"), fs::Permissions::from_mode(0o6755)).unwrap();
    replace(&folder, "file");
    assert_eq!(get(&folder, "file", "security.capability"), None);
    assert_eq!(mode(&folder, "file") & 0o7777, 0o755);
}

#[test]
fn a_file_without_a_list_gets_none_from_where_it_was_filled() {
    let folder = Folder::new();
    folder.write("d/file", "old");
    fs::set_permissions(folder.at("d/file"), fs::Permissions::from_mode(0o640)).unwrap();
    // What jottad makes in the root gets the root's list; the directory below has no such list.
    let handed_on = list(&[(OWNER, 7), (USER, 7), (GROUP, 5), (MASK, 7), (OTHERS, 5)]);
    if !set(&folder, "", DEFAULT, &handed_on) {
        return;
    }
    replace(&folder, "d/file");
    assert_eq!(get(&folder, "d/file", ACCESS), None);
    assert_eq!(mode(&folder, "d/file"), 0o640);
    folder.place("d/new", "new", None).unwrap();
    assert_eq!(get(&folder, "d/new", ACCESS), None);
    assert_eq!(mode(&folder, "d/new") & 0o077, 0, "what would be usual is not known");
}

#[test]
fn a_new_file_has_the_list_that_its_directory_hands_on() {
    let folder = Folder::new();
    folder.make_directory("d").unwrap();
    let handed_on = list(&[(OWNER, 7), (USER, 5), (GROUP, 0), (MASK, 7), (OTHERS, 0)]);
    if !set(&folder, "d", DEFAULT, &handed_on) {
        return;
    }
    folder.write("d/made here", "");
    folder.place("d/fetched", "new", None).unwrap();
    assert_eq!(get(&folder, "d/fetched", ACCESS), get(&folder, "d/made here", ACCESS));
    assert_eq!(mode(&folder, "d/fetched"), mode(&folder, "d/made here"));
}

#[test]
fn what_comes_where_a_conflict_copy_made_way_is_as_closed_as_that() {
    let folder = Folder::new();
    let stat = folder.write("diary.txt", "mine");
    fs::set_permissions(folder.at("diary.txt"), fs::Permissions::from_mode(0o600)).unwrap();
    let copy = "diary (conflict kari 2026-11-23 171400).txt";
    folder.rename("diary.txt", copy, stat.identity).unwrap();
    folder.place("diary.txt", "theirs", None).unwrap();
    assert_eq!((read(folder.at("diary.txt")), mode(&folder, "diary.txt")), ("theirs".to_owned(), 0o600));
    assert_eq!((read(folder.at(copy)), mode(&folder, copy)), ("mine".to_owned(), 0o600));
    // That was all that it was good for.
    fs::remove_file(folder.at("diary.txt")).unwrap();
    folder.write("usual", "");
    folder.place("diary.txt", "new", None).unwrap();
    assert_eq!(mode(&folder, "diary.txt"), mode(&folder, "usual"));
}
