//! The remote side: what the service has, what of its answers counts, and whether it can be worked with.

pub(super) mod claims;
pub(super) mod connection;
pub(super) mod contesting;
pub(super) mod earlier_run;
mod given_up;
pub(super) mod hints;
pub(super) mod listing;
pub(super) mod matching;
pub(super) mod merging;
pub(super) mod mismatches;
pub(super) mod move_in_doubt;
pub(super) mod recent_writes;
pub(super) mod rechecks;
mod row_set;
pub(super) mod stamp;
pub(super) mod sweeping;
pub(super) mod unconfirmed;
pub(super) mod unseen;
pub(super) mod unusable;
