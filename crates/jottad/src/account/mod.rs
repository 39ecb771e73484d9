//! The account: who is logged in, where the login is kept, the one connection that all folders share, and how
//! full it is.

pub(crate) mod keyring;
mod known;
pub(crate) mod link;
pub(crate) mod login;
pub(crate) mod quota;

pub(crate) use known::{BUILT_IN_DEVICE, KnownAccount};
