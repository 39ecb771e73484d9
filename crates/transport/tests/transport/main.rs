//! The client against the emulator, over real sockets, with everything going wrong that can.

// A panic here is the report, in the helpers of the tests too.
#![allow(clippy::unwrap_used)]

mod account;
mod commands;
mod downloads;
mod events;
mod hostile;
mod listings;
mod login;
mod names;
mod other_logins;
mod partial;
mod past;
mod uploads;
