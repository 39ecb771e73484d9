//! Programs that not every machine has: a test that needs one is skipped with a note, or fails where it is
//! required.

use std::process::{Command, Stdio};

/// Whether a program can be run. `JOTTAD_REQUIRE` names those whose absence is a failure.
pub(crate) fn is_missing(name: &str, test: &[&str]) -> bool {
    let mut command = Command::new(test[0]);
    command.args(&test[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let is_found = command.status().is_ok_and(|status| status.success());
    let required = std::env::var("JOTTAD_REQUIRE").unwrap_or_default();
    assert!(is_found || !required.contains(name), "JOTTAD_REQUIRE names {name}, which cannot be run");
    if !is_found {
        println!("skipped: {name} cannot be run");
    }
    !is_found
}
