//! The client against the emulator, over real sockets, with everything going wrong that can.

mod account;
mod commands;
mod downloads;
mod events;
mod hostile;
mod listings;
mod login;
mod names;
mod other_logins;
mod past;
mod uploads;
