//! Which machine this is. A login belongs to one machine, since two that use it log each other out (protocol
//! 2.3).

use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};

/// What tells this machine from a copy of its disk elsewhere: a hash, so that it gives nothing away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HostIdentity(Option<String>);

impl HostIdentity {
    /// From the operating system's machine id. A machine without one has no identity and is never told apart.
    pub fn of_this_machine() -> Self {
        Self::from_machine_id(machine_id().as_deref().unwrap_or_default())
    }

    /// From an id of any form; empty means that there is none.
    pub fn from_machine_id(id: &str) -> Self {
        let id = id.trim();
        let hash = || {
            let hash = Md5::new_with_prefix(b"jottad host identity\0").chain_update(id).finalize();
            jottad_core::Md5::from_bytes(hash.into()).to_string()
        };
        Self((!id.is_empty()).then(hash))
    }

    /// Whether these are certainly two machines.
    pub(crate) fn is_other_than(&self, other: &Self) -> bool {
        matches!((&self.0, &other.0), (Some(one), Some(two)) if one != two)
    }
}

#[cfg(not(target_os = "macos"))]
fn machine_id() -> Option<String> {
    let paths = ["/etc/machine-id", "/var/lib/dbus/machine-id"];
    paths.iter().find_map(|path| std::fs::read_to_string(path).ok())
}

#[cfg(target_os = "macos")]
fn machine_id() -> Option<String> {
    let command = ["-rd1", "-c", "IOPlatformExpertDevice"];
    let output = std::process::Command::new("/usr/sbin/ioreg").args(command).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let line = text.lines().find(|line| line.contains("IOPlatformUUID"))?;
    line.rsplit('"').nth(1).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_are_told_apart_only_where_both_are_known() {
        let [one, two, unknown] = ["one", "two\n", " \n"].map(HostIdentity::from_machine_id);
        assert!(one.is_other_than(&two));
        assert!(!one.is_other_than(&HostIdentity::from_machine_id("one\n")));
        assert!(!one.is_other_than(&unknown) && !unknown.is_other_than(&one));
    }
}
