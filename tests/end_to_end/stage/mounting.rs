//! Tests that mount: each runs itself again in a mount namespace of its own.

use std::path::Path;
use std::process::Command;

use super::is_missing;

const INSIDE: &str = "JOTTAD_TEST_OWN_MOUNTS";

/// Runs the rest of a test where what it mounts is seen by nothing else, and goes with it. `name` is that of
/// the test, with its module.
pub(crate) fn in_own_mounts(name: &str, test: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        return test();
    }
    let own: &[&str] = if rustix::process::geteuid().is_root() {
        &["--mount", "--propagation", "private", "--"]
    } else {
        &["--map-root-user", "--mount", "--"]
    };
    let test: Vec<&str> = std::iter::once("unshare").chain(own.iter().copied()).chain(["true"]).collect();
    if is_missing("unshare", &test) {
        return;
    }
    let output = Command::new("unshare")
        .args(own)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let report =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && report.contains("1 passed"), "in its own mounts: {report}");
}

/// Runs a program whose last argument is a path, which must succeed.
#[track_caller]
pub(crate) fn run_on(program: &str, arguments: &[&str], path: &Path) {
    let status = Command::new(program).args(arguments).arg(path).status().unwrap();
    assert!(status.success(), "{program} {arguments:?} {}", path.display());
}
