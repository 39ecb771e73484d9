//! What every test stands on: the machine, the service, the daemon, and the comparison of what is here and
//! there.

mod browser;
mod daemon;
mod keyring;
mod machine;
mod mounting;
mod naming;
mod outcome;
mod outside;
mod recorder;
mod relay;
mod running;
mod screen;
mod service;
mod terminal;
mod tree;
mod world;

pub(crate) use browser::{browse, where_to};
pub(crate) use daemon::Daemon;
pub(crate) use keyring::Keyring;
pub(crate) use machine::{Machine, within};
pub(crate) use mounting::{in_own_mounts, run_on};
pub(crate) use naming::{encode, names_that_a_file_can_have};
pub(crate) use outcome::Outcome;
pub(crate) use outside::{is_lacking, is_missing};
pub(crate) use recorder::Recording;
pub(crate) use relay::Relay;
pub(crate) use running::Running;
pub(crate) use screen::{Screen, Steady, flowing};
pub(crate) use service::{Nobody, Service, wait_until};
pub(crate) use terminal::Terminal;
pub(crate) use tree::{Tree, md5};
pub(crate) use world::{REMOTE, World};

/// How long anything may take before a test gives up. Only a failing test ever waits so long.
pub(crate) const TIMEOUT: std::time::Duration = std::time::Duration::from_mins(1);
