//! The local side: what the disk has, and what of it counts.

pub(super) mod arrivals;
pub(super) mod hashing;
pub(super) mod merging;
pub(super) mod mounting;
pub(super) mod renamed;
pub(super) mod root;
pub(super) mod rules_settling;
pub(super) mod scanning;
pub(super) mod skipping;
pub(super) mod standing;
pub(super) mod unheard;
pub(super) mod verifying;
pub(super) mod word_of_root;
