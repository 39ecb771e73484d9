//! What the file system knows of one entry, from one look at it.

use jottad_core::Timestamp;
use rustix::fd::AsFd;
use rustix::fs::{AtFlags, FileType, RawMode};
use rustix::io::Errno;

use crate::disk::{DiskNode, FileStat, Identity, OtherKind};

/// An entry's facts at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) node: DiskNode,
    /// Modification time in nanoseconds since the epoch, of any kind of entry.
    pub(super) modified: i64,
    /// Change time in nanoseconds since the epoch, of any kind of entry.
    pub(super) changed: i64,
    /// The permission bits.
    pub(super) mode: RawMode,
    pub(super) owner: u32,
    pub(super) group: u32,
    /// The number of the file system, for as long as it is mounted.
    pub(super) device: u64,
    /// Whether a file system is mounted right here; `None` if the system does not tell.
    pub(super) is_mount_root: Option<bool>,
}

impl Facts {
    /// Looks at a name in a directory, without following a symlink; `None` if nothing is there.
    pub(super) fn at(directory: impl AsFd, name: &[u8]) -> Result<Option<Self>, Errno> {
        match look(directory, name, AtFlags::SYMLINK_NOFOLLOW | no_automount()) {
            Ok(facts) => Ok(Some(facts)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Looks at what is open.
    pub(super) fn of(file: impl AsFd) -> Result<Self, Errno> {
        own_facts(file)
    }

    /// The file's facts, if it is a regular file.
    pub(super) fn file(&self) -> Option<FileStat> {
        match self.node {
            DiskNode::File(stat) => Some(stat),
            _ => None,
        }
    }

    /// Whether it is this file or directory.
    pub(super) fn is(&self, identity: Identity) -> bool {
        self.node.identity() == Some(identity)
    }
}

/// Whether two facts are of one file with one content; a rename changes the change time and nothing of these.
pub(super) fn same_file(one: &FileStat, other: &FileStat) -> bool {
    (one.identity, one.size, one.modified, one.modified_nanoseconds)
        == (other.identity, other.size, other.modified, other.modified_nanoseconds)
}

fn node(kind: FileType, stat: FileStat) -> DiskNode {
    match kind {
        FileType::RegularFile => DiskNode::File(stat),
        FileType::Directory => DiskNode::Directory(stat.identity),
        FileType::Symlink => DiskNode::Other(OtherKind::Symlink),
        FileType::Fifo => DiskNode::Other(OtherKind::Fifo),
        FileType::Socket => DiskNode::Other(OtherKind::Socket),
        FileType::BlockDevice | FileType::CharacterDevice | FileType::Unknown => {
            DiskNode::Other(OtherKind::Device)
        }
    }
}

fn nanoseconds(seconds: i64, nanoseconds: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds)
}

#[cfg(target_os = "linux")]
mod system {
    use rustix::fs::{Statx, StatxAttributes, StatxFlags, StatxTimestamp, statx};

    use super::{
        AsFd, AtFlags, Errno, Facts, FileStat, FileType, Identity, RawMode, Timestamp, nanoseconds, node,
    };

    /// Looking at a mount point must not mount it.
    pub(super) const fn no_automount() -> AtFlags {
        AtFlags::NO_AUTOMOUNT
    }

    pub(super) fn own_facts(file: impl AsFd) -> Result<Facts, Errno> {
        look(file, b"", AtFlags::EMPTY_PATH)
    }

    pub(super) fn look(directory: impl AsFd, name: &[u8], flags: AtFlags) -> Result<Facts, Errno> {
        let mask = StatxFlags::BASIC_STATS | StatxFlags::BTIME;
        statx(directory, name, flags, mask).map(|stat| from_statx(&stat))
    }

    fn from_statx(stat: &Statx) -> Facts {
        let stamp = |stamp: &StatxTimestamp| nanoseconds(stamp.tv_sec, i64::from(stamp.tv_nsec));
        let has_birth = StatxFlags::from_bits_retain(stat.stx_mask).contains(StatxFlags::BTIME);
        let file = FileStat {
            identity: Identity {
                inode: stat.stx_ino,
                born: if has_birth { stamp(&stat.stx_btime) } else { 0 },
            },
            size: stat.stx_size,
            modified: Timestamp::from_seconds(stat.stx_mtime.tv_sec),
            modified_nanoseconds: stat.stx_mtime.tv_nsec,
            changed: stamp(&stat.stx_ctime),
            links: stat.stx_nlink,
        };
        let mode = RawMode::from(stat.stx_mode);
        Facts {
            node: node(FileType::from_raw_mode(mode), file),
            modified: stamp(&stat.stx_mtime),
            changed: file.changed,
            mode: mode & 0o7777,
            owner: stat.stx_uid,
            group: stat.stx_gid,
            device: u64::from(stat.stx_dev_major) << 32 | u64::from(stat.stx_dev_minor),
            // Linux tells since 5.8.
            is_mount_root: stat
                .stx_attributes_mask
                .contains(StatxAttributes::MOUNT_ROOT)
                .then(|| stat.stx_attributes.contains(StatxAttributes::MOUNT_ROOT)),
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use rustix::fs::{Stat, fstat, statat};

    use super::{AsFd, AtFlags, Errno, Facts, FileStat, FileType, Identity, Timestamp, nanoseconds, node};

    pub(super) const fn no_automount() -> AtFlags {
        AtFlags::empty()
    }

    pub(super) fn own_facts(file: impl AsFd) -> Result<Facts, Errno> {
        fstat(file).map(|stat| from_stat(&stat))
    }

    pub(super) fn look(directory: impl AsFd, name: &[u8], flags: AtFlags) -> Result<Facts, Errno> {
        statat(directory, name, flags).map(|stat| from_stat(&stat))
    }

    // The fields of `struct stat` have other widths on every system.
    #[allow(clippy::useless_conversion, clippy::unnecessary_cast, clippy::cast_sign_loss)]
    #[allow(clippy::cast_possible_truncation, clippy::cast_lossless)]
    fn from_stat(stat: &Stat) -> Facts {
        let file = FileStat {
            identity: Identity {
                inode: stat.st_ino as u64,
                born: nanoseconds(stat.st_birthtime as i64, stat.st_birthtime_nsec as i64),
            },
            size: stat.st_size as u64,
            modified: Timestamp::from_seconds(stat.st_mtime as i64),
            modified_nanoseconds: stat.st_mtime_nsec as u32,
            changed: nanoseconds(stat.st_ctime as i64, stat.st_ctime_nsec as i64),
            links: stat.st_nlink as u32,
        };
        Facts {
            node: node(FileType::from_raw_mode(stat.st_mode), file),
            modified: nanoseconds(stat.st_mtime as i64, stat.st_mtime_nsec as i64),
            changed: file.changed,
            mode: stat.st_mode & 0o7777,
            owner: stat.st_uid,
            group: stat.st_gid,
            device: stat.st_dev as u64,
            is_mount_root: None,
        }
    }
}

use system::{look, no_automount, own_facts};
