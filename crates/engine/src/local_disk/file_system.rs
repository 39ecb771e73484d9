//! What can be known of a file system without writing to it: whether its number lasts, and how fine its
//! change times are.

use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fd::AsFd;
use rustix::fs::fstatfs;
#[cfg(target_os = "linux")]
use rustix::fs::fstatvfs;
use rustix::io::Errno;

use crate::disk::is_coarse;

/// Two ticks of the slowest kernel clock.
const TICK: Duration = Duration::from_millis(20);
/// Longer than the two seconds of FAT, the coarsest there is.
const COARSE: Duration = Duration::from_millis(2500);
/// How far the clock of a file server may be from ours before we mistake a young stamp for an old one.
const SERVER_SKEW: Duration = Duration::from_mins(1);

/// A number for the file system that survives a remount and a reboot, 0 where the system has none.
#[cfg(target_os = "linux")]
pub(super) fn stable_number(file: impl AsFd) -> Result<u64, Errno> {
    // Others make the number from that of the block device, which another disk may have tomorrow.
    let lasting =
        [magic::EXT4, magic::BTRFS, magic::ZFS, magic::BCACHEFS].contains(&magic::of(file.as_fd())?);
    if lasting { Ok(fstatvfs(file)?.f_fsid) } else { Ok(0) }
}

/// A number for the file system that survives a remount and a reboot: macOS numbers them in the order of
/// mounting.
#[cfg(not(target_os = "linux"))]
pub(super) fn stable_number(_: impl AsFd) -> Result<u64, Errno> {
    Ok(0)
}

/// Waits until a change from now on must give what is open another change time than `changed`, in nanoseconds
/// since the epoch. Of most files that is so already.
///
/// Blocks the thread for at most 2.5 s, on the usual local file systems 20 ms.
pub(super) fn wait_until_distinct(file: impl AsFd, changed: i64) -> Result<(), Errno> {
    let age = age(changed);
    if age.is_none_or(|age| age <= COARSE + SERVER_SKEW) {
        thread::sleep(remaining(has_fine_times(file)?, changed, age));
    }
    Ok(())
}

/// `None` if the stamp is in the future.
fn age(changed: i64) -> Option<Duration> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    match u64::try_from(changed) {
        Ok(changed) => now.checked_sub(Duration::from_nanos(changed)),
        Err(_) => Some(now),
    }
}

fn remaining(fine: bool, changed: i64, age: Option<Duration>) -> Duration {
    let (granularity, skew) = match (fine, is_coarse(changed)) {
        (true, false) => (TICK, Duration::ZERO),
        (true, true) => (COARSE, Duration::ZERO),
        (false, _) => (COARSE, SERVER_SKEW),
    };
    match age {
        Some(age) if age > granularity + skew => Duration::ZERO,
        Some(age) if skew.is_zero() => granularity.saturating_sub(age),
        // The clock that stamps is not ours, or one of them jumped: it has moved on after a whole
        // granularity.
        _ => granularity,
    }
}

/// Whether change times come from this machine's clock and are as fine as its ticks.
#[cfg(target_os = "linux")]
fn has_fine_times(file: impl AsFd) -> Result<bool, Errno> {
    Ok(magic::FINE_TIMES.contains(&magic::of(file)?))
}

/// Whether change times come from this machine's clock and are as fine as its ticks.
#[cfg(target_os = "macos")]
fn has_fine_times(file: impl AsFd) -> Result<bool, Errno> {
    let kind = fstatfs(file)?.f_fstypename;
    Ok(kind.iter().map(|byte| byte.cast_unsigned()).take_while(|byte| *byte != 0).eq(*b"apfs"))
}

/// Whether change times come from this machine's clock and are as fine as its ticks; not known here.
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn has_fine_times(file: impl AsFd) -> Result<bool, Errno> {
    fstatfs(file).map(|_| false)
}

/// The numbers by which Linux names its file systems, statfs(2).
#[cfg(target_os = "linux")]
mod magic {
    use super::{AsFd, Errno, fstatfs};

    /// ext2, ext3 and ext4.
    pub(super) const EXT4: i64 = 0xef53;
    pub(super) const BTRFS: i64 = 0x9123_683e;
    pub(super) const ZFS: i64 = 0x2fc1_2fc1;
    pub(super) const BCACHEFS: i64 = 0xca45_1a4e;
    const XFS: i64 = 0x5846_5342;
    const F2FS: i64 = 0xf2f5_2010;
    const TMPFS: i64 = 0x0102_1994;
    const OVERLAYFS: i64 = 0x794c_7630;

    pub(super) const FINE_TIMES: [i64; 8] = [EXT4, BTRFS, ZFS, BCACHEFS, XFS, F2FS, TMPFS, OVERLAYFS];

    // The field is unsigned and narrower on some processors.
    #[allow(clippy::unnecessary_cast, clippy::cast_lossless)]
    pub(super) fn of(file: impl AsFd) -> Result<i64, Errno> {
        Ok(fstatfs(file)?.f_type as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_young_stamps_are_waited_for() {
        const FRACTION: i64 = 1_000_000_000_123_456_789;
        const WHOLE: i64 = 1_000_000_000_000_000_000;
        let milliseconds = Duration::from_millis;
        for (what, fine, changed, age, expected) in [
            ("just changed", true, FRACTION, Some(milliseconds(0)), milliseconds(20)),
            ("five milliseconds ago", true, FRACTION, Some(milliseconds(5)), milliseconds(15)),
            ("long enough ago", true, FRACTION, Some(milliseconds(21)), milliseconds(0)),
            ("the clock was set back", true, FRACTION, None, milliseconds(20)),
            ("no fractions kept", true, WHOLE, Some(milliseconds(1000)), milliseconds(1500)),
            ("no fractions kept, old", true, WHOLE, Some(milliseconds(2501)), milliseconds(0)),
            ("another's clock", false, FRACTION, Some(milliseconds(30_000)), milliseconds(2500)),
            ("another's clock, ahead", false, FRACTION, None, milliseconds(2500)),
            ("another's clock, old", false, FRACTION, Some(milliseconds(62_501)), milliseconds(0)),
        ] {
            assert_eq!(remaining(fine, changed, age), expected, "{what}");
        }
    }
}
