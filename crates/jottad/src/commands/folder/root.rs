//! What is never a folder's root: directories that the system makes up as one looks.

use std::path::Path;

/// Why a directory can be no folder, if it can be none.
pub(super) fn why_never(directory: &Path) -> Option<String> {
    let real = crate::config::resolve(directory);
    if real == Path::new("/") {
        return Some("it holds the whole system, with what the system makes up as one looks".to_owned());
    }
    if let Some(name) = made_up_file_system(&real) {
        return Some(format!("what is in it is made up by the system as one looks ({name}), and is no file"));
    }
    let is_devices = real.starts_with("/dev") && !real.starts_with("/dev/shm");
    is_devices.then(|| "it holds devices, and no files".to_owned())
}

/// The name of a file system that holds no files of anybody's.
#[cfg(target_os = "linux")]
fn made_up_file_system(directory: &Path) -> Option<&'static str> {
    const KINDS: [(u64, &str); 16] = [
        (0x9fa0, "proc"),
        (0x6265_6572, "sysfs"),
        (0x1cd1, "devpts"),
        (0x0027_e0eb, "cgroup"),
        (0x6367_7270, "cgroup2"),
        (0x6462_6720, "debugfs"),
        (0x7472_6163, "tracefs"),
        (0x7363_6673, "securityfs"),
        (0xcafe_4a11, "bpf"),
        (0x6265_6570, "configfs"),
        (0x6165_676c, "pstore"),
        (0xde5e_81e4, "efivarfs"),
        (0x1980_0202, "mqueue"),
        (0x9584_58f6, "hugetlbfs"),
        (0xf97c_ff8c, "selinuxfs"),
        (0x6e73_6673, "nsfs"),
    ];
    let found = rustix::fs::statfs(directory).ok()?;
    // Some machines have it as a signed number of 32 bits.
    let kind = found.f_type.cast_unsigned() & 0xffff_ffff;
    KINDS.into_iter().find(|(number, _)| *number == kind).map(|(_, name)| name)
}

/// The name of a file system that holds no files of anybody's.
#[cfg(not(target_os = "linux"))]
fn made_up_file_system(_directory: &Path) -> Option<&'static str> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_makes_up_is_refused_with_its_reason() {
        let place = tempfile::tempdir().unwrap();
        assert_eq!(why_never(place.path()), None);
        assert!(why_never(Path::new("/")).is_some() && why_never(Path::new("/dev")).is_some());
        #[cfg(target_os = "linux")]
        for directory in ["/proc", "/proc/self", "/sys"] {
            assert!(why_never(Path::new(directory)).unwrap().contains("made up"), "{directory}");
        }
    }
}
