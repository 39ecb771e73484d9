//! What must be known of a file system before it is watched: whether it changes without this machine's kernel
//! being told, and how many directories it holds. Not a list of mounts.

use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::StatFs;

/// The name of the network file system that an open directory is on; `None` if it is a local one, or unknown.
pub(crate) fn network_file_system(directory: impl AsFd) -> Option<&'static str> {
    rustix::fs::fstatfs(directory).ok().and_then(|status| name_of(&status))
}

/// Magic numbers as in statfs(2) and the kernel's `magic.h`.
#[cfg(target_os = "linux")]
fn name_of(status: &StatFs) -> Option<&'static str> {
    // The field is signed on some machines, and the numbers are 32 bits wide.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let magic = status.f_type as u32;
    Some(match magic {
        0x6969 => "nfs",
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => "smb",
        0x6573_5546 => "fuse",
        0x00c3_6400 => "ceph",
        0x5346_414f => "afs",
        0x7375_7245 => "coda",
        0x0102_1997 => "9p",
        0x7461_636f => "ocfs2",
        0x0116_1970 => "gfs2",
        0x0bd0_0bd0 => "lustre",
        0x1983_0326 => "beegfs",
        0x4750_4653 => "gpfs",
        0x786f_4256 => "vboxsf",
        0xbacb_acbc => "vmhgfs",
        0x7c7c_6673 => "prl_fs",
        _ => return None,
    })
}

/// macOS marks what is stored on this machine.
#[cfg(target_os = "macos")]
fn name_of(status: &StatFs) -> Option<&'static str> {
    const MNT_LOCAL: u32 = 0x1000;
    (status.f_flags & MNT_LOCAL == 0).then_some("network")
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn name_of(_status: &StatFs) -> Option<&'static str> {
    None
}

/// How many directories there are in a tree, its top included, as far as they can be read.
pub(crate) fn count_directories(top: &Path) -> io::Result<usize> {
    let mut count = 1;
    let mut listings = vec![fs::read_dir(top)?];
    while let Some(listing) = listings.last_mut() {
        let Some(entry) = listing.next() else {
            listings.pop();
            continue;
        };
        let Ok(entry) = entry else { continue };
        if entry.file_type().is_ok_and(|file_type| file_type.is_dir()) {
            count += 1;
            listings.extend(fs::read_dir(entry.path()));
        }
    }
    Ok(count)
}
