//! The emulator against the protocol document, section by section, over real sockets.

// A panic in a test is its report, in the functions that it calls too.
#![allow(clippy::unwrap_used)]

mod client;
mod commands;
mod faults;
mod listing;
mod login;
mod proxy;
mod switches;
mod upload;
