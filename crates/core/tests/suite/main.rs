//! What the path rules and the moves promise, shown on small models of two sides and a base.
#![allow(clippy::unwrap_used, reason = "a panic is how a test reports")]

mod cases;
mod crashes;
mod model;
mod moves;
mod promises;
mod random;
mod renames;
mod table;
