//! Notices mounts inside the root and over it, which inotify does not report. Sleeps until the kernel says
//! so.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use jottad_core::RelativePath;

const MOUNT_TABLE: &str = "/proc/self/mountinfo";

/// The mount table, as far as it concerns one root.
#[derive(Debug)]
pub(super) struct Mounts {
    table: File,
    inside: BTreeSet<Mount>,
}

/// A mount point below the root and what is mounted there; mounting something else makes it another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Mount {
    path: RelativePath,
    id: Box<[u8]>,
}

impl Mounts {
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        Ok(Self { table: File::open(MOUNT_TABLE)?, inside: read(root)? })
    }

    /// The mount points below the root where something was mounted or unmounted since the last call.
    pub(super) fn changed(&mut self, root: &Path) -> io::Result<BTreeSet<RelativePath>> {
        let now = read(root)?;
        let changed = self.inside.symmetric_difference(&now).map(|mount| mount.path.clone()).collect();
        self.inside = now;
        Ok(changed)
    }
}

/// Reports an exceptional condition when the table has changed (proc(5)).
impl AsFd for Mounts {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.table.as_fd()
    }
}

fn read(root: &Path) -> io::Result<BTreeSet<Mount>> {
    Ok(parse(&fs::read(MOUNT_TABLE)?, root.as_os_str().as_bytes()))
}

/// Mounts below the root. Fields are separated by spaces; the first is the mount's number, the fifth its
/// path.
fn parse(table: &[u8], root: &[u8]) -> BTreeSet<Mount> {
    table
        .split(|byte| *byte == b'\n')
        .filter_map(|line| {
            let mut fields = line.split(|byte| *byte == b' ');
            let id = fields.next()?;
            let path = unescape(fields.nth(3)?);
            let below = path.strip_prefix(root)?;
            let below = if root.ends_with(b"/") { below } else { below.strip_prefix(b"/")? };
            Some(Mount { path: RelativePath::parse(below).ok()?, id: id.into() })
        })
        .filter(|mount| !mount.path.is_root())
        .collect()
}

/// Space, tab, newline and backslash are written as a backslash and three octal digits.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, tail @ ..] = rest {
        rest = tail;
        let digits = tail.get(..3).and_then(|digits| str::from_utf8(digits).ok());
        let escaped =
            digits.filter(|_| *first == b'\\').and_then(|digits| u8::from_str_radix(digits, 8).ok());
        if escaped.is_some() {
            rest = &tail[3..];
        }
        bytes.push(escaped.unwrap_or(*first));
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_mounts_below_the_root_count() {
        let table = b"22 1 254:0 / / rw - ext4 /dev/vda rw\n\
            30 22 0:5 / /home/kari/Documents rw - ext4 /dev/vdb rw\n\
            31 30 0:6 / /home/kari/Documents/usb\\040stick/a\\134b rw shared:1 - vfat /dev/sda1 rw\n\
            32 22 0:7 / /home/kari/Documents2 rw - tmpfs tmpfs rw\n\
            broken\n";
        let paths: Vec<String> =
            parse(table, b"/home/kari/Documents").into_iter().map(|mount| mount.path.to_string()).collect();
        assert_eq!(paths, ["usb stick/a\\b"]);
        assert_eq!(parse(table, b"/").len(), 3);
    }
}
