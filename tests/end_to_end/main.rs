//! End-to-end tests: the program as a user has it, on real files, against a Jottacloud on localhost.
//!
//! Each test has a machine of its own ([`stage::Machine`]: home, config, state) and a service of its own
//! ([`stage::Service`]). Nothing outside of temporary directories is touched, and nothing but loopback is
//! spoken to. What the tests wait for is an event, or a state of the service; none waits for time to pass.

// A panic is the report of a failed test, in the stage as in the tests.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

mod stage;

mod account;
mod alone;
mod answers;
mod backup;
mod bad_input;
mod browser;
mod commands;
mod conflicts;
mod control;
mod costs;
mod crash;
mod damage;
mod deletes;
mod demo;
mod durability;
mod edits;
mod everywhere;
mod first_minutes;
mod full;
mod holds;
mod keyring;
mod last_run;
mod login;
mod machines;
mod mounts;
mod moves;
mod noticing;
mod obstacles;
mod other_names;
mod packaging;
mod past;
mod paused;
mod places;
mod printed_commands;
mod private;
mod proof;
mod reference;
mod refusals;
mod remedies;
mod remote;
mod restart;
mod root;
mod rules;
mod selftest;
mod session;
mod several;
mod shells;
mod silence;
mod telling;
mod transfers;
mod trouble;
mod untrusted;
mod verify;
mod waiting;
mod walk;
mod watching;
mod witness;
