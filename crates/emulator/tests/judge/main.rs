//! The real rclone as the judge of the emulator: unmodified, through the TLS proxy, it must do its whole
//! work.
//!
//! Without an rclone on the path the tests say so and pass; when `JOTTAD_REQUIRE` names it, they fail.

// A panic in a test is its report, in the functions that it calls too.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod content;
mod login;
mod names;
mod paths;
mod rclone;
mod trash;
