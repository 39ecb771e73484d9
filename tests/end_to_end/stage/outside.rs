//! What not every machine has: programs, and what its kernel and file system can do. A test that needs it is
//! skipped with a note, or fails where it is required.

use std::process::{Command, Stdio};

/// Whether a program cannot be run. `JOTTAD_REQUIRE` names those whose absence is a failure.
pub(crate) fn is_missing(name: &str, test: &[&str]) -> bool {
    let mut command = Command::new(test[0]);
    command.args(&test[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    is_lacking(name, command.status().is_ok_and(|status| status.success()))
}

/// Whether something was not found, which fails where `JOTTAD_REQUIRE` names it.
pub(crate) fn is_lacking(name: &str, is_found: bool) -> bool {
    let required = std::env::var("JOTTAD_REQUIRE").unwrap_or_default();
    let is_required = required.split_whitespace().any(|required| required == name);
    assert!(is_found || !is_required, "JOTTAD_REQUIRE names {name}, which this machine lacks");
    if !is_found {
        println!("skipped: this machine lacks {name}");
    }
    !is_found
}
