//! The watcher on real directories, judged by a scanner that looks only where hints point.

// A panic is the report; helper functions outside of `#[test]` are no exception.
#![allow(clippy::unwrap_used)]

mod idle;
mod limits;
mod mounts;
mod moves;
mod portable;
mod random;
mod root;
mod saves;
mod scanner;
mod storms;
