//! The emulator against the protocol document, section by section, over real sockets.

mod client;
mod commands;
mod faults;
mod listing;
mod login;
mod upload;
