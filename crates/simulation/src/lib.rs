//! The real engine on a simulated disk and a simulated Jottacloud.
//!
//! A [`Scenario`] says what happens; a seed decides everything that is left to chance: which command moves
//! next, when its end is heard, when people act, which call fails. So one seed is one run, and a run that
//! fails can be replayed, shrunk to what matters, and kept as a test. Read [`run()`] first.

mod coming_to_rest;
mod comparison;
mod disk_tree;
mod emptied_root;
mod executor;
mod generate;
mod hangs;
mod index_file;
mod news;
mod people;
#[cfg(feature = "planted")]
mod planted;
mod proof;
mod refusals;
mod remote_tree;
mod rule_files;
mod run;
mod scenario;
mod shrink;
mod simulated_disk;
mod simulated_remote;
mod telling;
mod text;
mod trace;
mod world;

pub use emptied_root::EmptiedRoot;
pub use generate::{Extras, scenario, usual};
#[cfg(feature = "planted")]
pub use jottad_engine::plant;
#[cfg(feature = "planted")]
pub use planted::{Found, PLANTS, Plant};
pub use refusals::{Answer, Call, Refusal};
pub use remote_tree::Folding;
pub use run::{Report, run};
pub use scenario::{Act, After, Hints, Knobs, Scenario, Step, Work};
pub use shrink::{Shrunk, shrink};
