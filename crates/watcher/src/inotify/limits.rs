//! The kernel's limits on inotify and the commands that raise them.

use std::fs;

const DIRECTORY: &str = "/proc/sys/fs/inotify";

/// The command that makes room for twice as many watches as there are directories.
pub(super) fn raise_watches(directories: usize) -> String {
    raise("max_user_watches", directories.max(8192))
}

/// The command that makes room for more watching programs.
pub(super) fn raise_instances() -> String {
    raise("max_user_instances", 128)
}

fn raise(name: &str, needed: usize) -> String {
    let current = fs::read_to_string(format!("{DIRECTORY}/{name}")).ok();
    let current: usize = current.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    let wanted = (needed.max(current) * 2).next_power_of_two();
    format!("sudo sysctl -w fs.inotify.{name}={wanted}")
}
