//! The real rclone as the judge of the emulator: unmodified, through the TLS proxy, it must do its whole work.
//!
//! Without an rclone on the path the tests say so and pass; when `JOTTAD_REQUIRE` names it, they fail.

mod content;
mod login;
mod names;
mod paths;
mod rclone;
mod trash;
