//! What the path rules say of a row, with what they cannot see: what is below it, and what must stay where it
//! is.

use jottad_core::{Action, Decision, Entry, Side, reconcile};

use crate::folder::FolderError;
use crate::folder::local::mounting;
use crate::index::{Index, Local, Node, NodeId};
use crate::planted::{self, Planted};
use crate::settings::FolderSettings;

/// What the path rules say of a row; `None` while the file was not hashed or an upload was not seen.
pub(in crate::folder) fn decide(
    index: &Index,
    settings: &FolderSettings,
    node: &Node,
) -> Result<Option<Decision>, FolderError> {
    let Some(mut trees) = node.trees() else { return Ok(None) };
    if node.remote.as_ref().is_some_and(|remote| remote.claimed) {
        return Ok(None);
    }
    let mut mode = settings.mode;
    if node.id == NodeId::ROOT && !trees.remote.is_present() {
        // Whether a remote root may be missing was settled when it was listed. It is no entry that one
        // side could have deleted: where changes travel there it is made.
        trees.base = Entry::Absent;
    }
    if node.base.is_none() && node.local == Local::Absent && index.is_fetched(node.id)? {
        trees.base = Entry::Absent;
        mode = jottad_core::Mode::Sync;
    } else if trees.local.file().is_some()
        && trees.remote.file().is_some()
        && !trees.local.same_content(trees.remote)
        && index.is_restored(node.id)?
    {
        trees.base = trees.local;
        mode = jottad_core::Mode::Sync;
    }
    let failure = std::cell::Cell::new(None);
    let is_pending = std::cell::Cell::new(false);
    let decision = reconcile(mode, trees, |side| match changed_inside(index, node, side) {
        Ok(Some(changed)) => changed,
        Ok(None) => {
            is_pending.set(true);
            true
        }
        Err(error) => {
            failure.set(Some(error));
            true
        }
    });
    if planted::is(Planted::LostConflict)
        && decision.action == Action::MoveAside(Side::Local)
        && trees.remote.file().is_some()
    {
        return Ok(Some(Decision { action: Action::Download, ..decision }));
    }
    match failure.into_inner() {
        Some(error) => Err(error),
        None if is_pending.get() => Ok(None),
        None if decision.action == Action::Trash(Side::Remote) && mounting::misses_mount(index, node.id)? => {
            Ok(Some(Decision { action: Action::Block, because: "a disk that was mounted below is missing" }))
        }
        // What else is in it goes one by one.
        None if decision.action == Action::Trash(Side::Local) && holds_unsynced(index, node)? => {
            Ok(Some(Decision {
                action: Action::Block,
                because: "deleted on the remote side; stays for what is never synced in it",
            }))
        }
        None => Ok(Some(decision)),
    }
}

/// Whether a local directory has anything in it, at any depth, that is never synced.
fn holds_unsynced(index: &Index, top: &Node) -> Result<bool, FolderError> {
    Ok(top.holds_unsynced || (top.local.is_directory() && index.inside(top.id)?.holds_unsynced))
}

/// Whether anything below a row differs from the base on a side, deletions not counted; `None` while
/// something below was sent and not seen, because that is our own work and no change by others.
fn changed_inside(index: &Index, top: &Node, side: Side) -> Result<Option<bool>, FolderError> {
    // Something else is to take the place of a directory that has to stay.
    if side == Side::Local && top.remote.is_some() && holds_unsynced(index, top)? {
        return Ok(Some(true));
    }
    let inside = index.inside(top.id)?;
    Ok(match side {
        Side::Local => Some(inside.local_changed),
        Side::Remote if inside.claimed && !inside.remote_changed => None,
        Side::Remote => Some(inside.remote_changed),
    })
}

#[cfg(test)]
mod tests;
