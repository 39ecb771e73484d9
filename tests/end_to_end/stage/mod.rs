//! What every test stands on: the machine, the service, the daemon, and the comparison of what is here and there.

mod daemon;
mod machine;
mod naming;
mod outcome;
mod outside;
mod running;
mod service;
mod tree;
mod world;

pub(crate) use daemon::Daemon;
pub(crate) use machine::Machine;
pub(crate) use naming::{encode, names_that_a_file_can_have};
pub(crate) use outcome::Outcome;
pub(crate) use outside::is_missing;
pub(crate) use running::Running;
pub(crate) use service::{Service, wait_until};
pub(crate) use tree::{Tree, md5};
pub(crate) use world::World;

/// How long anything may take before a test gives up. Only a failing test ever waits so long.
pub(crate) const PATIENCE: std::time::Duration = std::time::Duration::from_mins(1);
