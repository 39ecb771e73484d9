//! Names that may be one to the service: questions about rows beside each other, which need the index alone.
//!
//! Where the local file system tells names apart that the service does not, two rows may stand for one entry.

use std::collections::BTreeSet;

use jottad_core::{DecodedName, FoldKey, Mode, Name, StoredName, decode_name, encode_name};

use super::FolderError;
use crate::index::{Index, Local, Node, NodeId};
use crate::settings::FolderSettings;

/// Whether two rows are spellings of one name.
pub(super) fn is_respelling(one: &Node, other: &Node) -> bool {
    let key = |node: &Node| FoldKey::of(&encode_name(&node.name));
    one.parent == other.parent && key(one) == key(other)
}

/// The local name that the spelling on the service stands for, if the local entry is not called so.
pub(super) fn name_to_follow(node: &Node) -> Option<Name> {
    let stored = node.remote.as_ref()?.name.as_ref()?;
    let (DecodedName::Native(name) | DecodedName::Foreign(name)) = decode_name(stored) else { return None };
    let key = |name: &Name| FoldKey::of(&encode_name(name));
    (name != node.name && key(&name) == key(&node.name)).then_some(name)
}

/// Whether the name of a row is the one that an entry beside it is to get.
pub(super) fn is_name_to_follow(
    index: &Index,
    settings: &FolderSettings,
    node: &Node,
) -> Result<bool, FolderError> {
    let is_its = |other: &Node| name_to_follow(other).as_ref() == Some(&node.name);
    Ok(settings.mode.pulls() && others(index, node)?.iter().any(is_its))
}

/// A local entry beside a row whose name the service may not tell from it.
pub(super) fn local_namesake(index: &Index, node: &Node) -> Result<Option<Node>, FolderError> {
    Ok(others(index, node)?.into_iter().find(|other| other.local.kind().is_some()))
}

/// Whether something was sent from a namesake of what is to be fetched, and is not yet seen: it may be the
/// entry itself, which got the spelling of one that is in the trash (protocol 8.8). The looks for it decide
/// first.
pub(super) fn is_local_namesake_claimed(index: &Index, node: &Node) -> Result<bool, FolderError> {
    let is_claimed = |namesake: Node| namesake.remote.is_some_and(|remote| remote.claimed);
    Ok(local_namesake(index, node)?.is_some_and(is_claimed))
}

/// The local entry that what a row has on the service can be taken for. The row has no local entry of its
/// own; or nothing is agreed on at it or below it, and the other one has the very name that the service
/// shows.
pub(super) fn counterpart(index: &Index, node: &Node) -> Result<Option<Node>, FolderError> {
    if node.remote.as_ref().is_none_or(|remote| remote.claimed) {
        return Ok(None);
    }
    if node.local == Local::Absent {
        return Ok(local_namesake(index, node)?.filter(|namesake| {
            namesake.remote.is_none() && (node.base.is_none() || namesake.base.is_none())
        }));
    }
    let Some(name) = name_to_follow(node).filter(|_| node.base.is_none()) else { return Ok(None) };
    let is_new =
        |other: &Node| other.local.kind().is_some() && other.remote.is_none() && other.base.is_none();
    let named = index.child(node.parent, &name)?.filter(is_new);
    Ok(if named.is_some() && index.is_agreed_below(node.id)? { None } else { named })
}

/// A row beside a new local entry that has what the service has under just that entry's name.
pub(super) fn holder_of_name(index: &Index, node: &Node) -> Result<Option<NodeId>, FolderError> {
    for other in others(index, node)? {
        if counterpart(index, &other)?.is_some_and(|counterpart| counterpart.id == node.id) {
            return Ok(Some(other.id));
        }
    }
    Ok(None)
}

/// Whether what only the service has at a row can be taken for a local entry beside it.
pub(super) fn has_counterpart(index: &Index, node: &Node) -> Result<bool, FolderError> {
    Ok(counterpart(index, node)?.is_some())
}

/// Whether the service is thought to have a namesake of a row: a look at the path may show that one.
pub(super) fn has_remote_namesake(index: &Index, node: &Node) -> Result<bool, FolderError> {
    let is_confirmed = |other: &Node| other.remote.as_ref().is_some_and(|remote| !remote.claimed);
    Ok(others(index, node)?.iter().any(is_confirmed))
}

/// Whether the service shows what may be a row's entry under another spelling, which no local entry has.
pub(super) fn is_shown_respelled(index: &Index, node: &Node) -> Result<bool, FolderError> {
    for other in others(index, node)? {
        if has_counterpart(index, &other)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the service has nothing any more at a row, or at one above it, and has another spelling of its
/// name beside it: what a look at the old path shows is what the other one stands for.
pub(super) fn is_path_of_namesake(index: &Index, id: NodeId) -> Result<bool, FolderError> {
    for node in index.lineage(id)? {
        if node.remote.is_none() && others(index, &node)?.iter().any(|other| other.remote.is_some()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The namesakes of a row that a look has shown.
pub(super) fn shown(
    index: &Index,
    unseen: &Node,
    is_seen: &dyn Fn(NodeId) -> bool,
) -> Result<BTreeSet<NodeId>, FolderError> {
    let is_shown = |other: &&Node| other.remote.is_some() && is_seen(other.id);
    Ok(others(index, unseen)?.iter().filter(is_shown).map(|other| other.id).collect())
}

/// Another entry of the directory that has a better claim to a name which the service may take for this
/// one.
pub(super) fn rival(index: &Index, node: &Node, stored: &StoredName) -> Result<Option<Node>, FolderError> {
    let is_rival = |other: &Node| {
        other.id != node.id
            && (other.remote.is_some()
                || other.base.is_some()
                || (other.id < node.id && other.local.kind().is_some()))
    };
    Ok(index.namesakes(node.parent, stored)?.into_iter().find(is_rival))
}

/// Whether what the service has at a row may be taken for a local entry beside it: if the service has
/// given it just that one's name, or if nobody agreed on it. What was agreed on goes its own way first,
/// and what an archive keeps it keeps.
pub(super) fn may_be_taken_up(settings: &FolderSettings, rival: &Node, stored: &StoredName) -> bool {
    let is_nobodys = rival.base.is_none() && settings.mode != Mode::Archive;
    is_nobodys || rival.stored_name() == *stored
}

/// The row that is to get the name of a local entry which only this side has, and cannot while that has it.
pub(super) fn waiting_for_name(index: &Index, node: &Node) -> Result<Option<Node>, FolderError> {
    if node.local.kind().is_none() || node.base.is_some() || node.remote.is_some() {
        return Ok(None);
    }
    for other in others(index, node)? {
        if other.local != Local::Absent
            && name_to_follow(&other).as_ref() == Some(&node.name)
            && counterpart(index, &other)?.is_none()
        {
            return Ok(Some(other));
        }
    }
    Ok(None)
}

/// Whether a row still has to give way to another one for its name.
pub(super) fn clashes(index: &Index, settings: &FolderSettings, node: NodeId) -> Result<bool, FolderError> {
    let Some(node) = index.node(node)? else { return Ok(false) };
    if !settings.mode.pushes() {
        return Ok(waiting_for_name(index, &node)?.is_some());
    }
    match rival(index, &node, &node.stored_name())? {
        Some(rival) => {
            Ok(!may_be_taken_up(settings, &rival, &encode_name(&node.name))
                || !has_counterpart(index, &rival)?)
        }
        None => Ok(false),
    }
}

/// The rows beside a row that may have its name on the service.
fn others(index: &Index, node: &Node) -> Result<Vec<Node>, FolderError> {
    let mut namesakes = index.namesakes(node.parent, &node.stored_name())?;
    namesakes.retain(|other| other.id != node.id);
    Ok(namesakes)
}

#[cfg(test)]
mod tests;
