//! The remote by hand: what the commands that read and change the service directly have in common.
//!
//! Nothing here knows of the index or of the daemon, and of folders that are kept in step only [`replacing`].
//! Each step looks before it acts and looks again afterwards; what is in the way is told, never overwritten.

mod place;
mod presence;
mod question;

mod progress;
mod tally;
mod trouble;

mod at_once;
mod directory;
mod fetching;
mod local_tree;
mod past;
mod pattern;
mod renaming;
mod replacing;
mod sending;
mod tree;

pub(crate) use at_once::AtOnce;
pub(crate) use directory::Directory;
pub(crate) use fetching::{Fetched, Wanted, fetch};
pub(crate) use local_tree::LocalTree;
pub(crate) use past::{Past, PastFile, Then, then};
pub(crate) use pattern::{Found, NO_PATTERN, Named, is_pattern, named};
pub(crate) use place::{
    absent, destination, free_place, local_name, make_parent, not_file, place_argument, target_argument,
    with_device, writable,
};
pub(crate) use presence::{Presence, nearest, presence};
pub(crate) use progress::Progress;
pub(crate) use question::{confirm, nothing_removed};
pub(crate) use renaming::{differs_in_case, finish_renamings, fold_keys, relocate, rename_case};
pub(crate) use replacing::Replacing;
pub(crate) use sending::{LocalFile, Sent, holds, send};
pub(crate) use tally::Tally;
pub(crate) use tree::{RemoteTree, TreeFile};
pub(crate) use trouble::Trouble;
