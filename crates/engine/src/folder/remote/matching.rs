//! Under which row what the service shows is filed: remote and local names are not the same, and several of
//! one may be one of the other.

use jottad_core::{DecodedName, Entry, FoldKey, Kind, Name, StoredName, decode_name, encode_name};

use super::merging::{Answer, is_confirmed};
use crate::folder::{Folder, FolderError};
use crate::index::{Index, Local, Node, NodeId};
use crate::remote::RemoteNode;
use crate::settings::FolderSettings;

impl Folder {
    /// Lets a row be filled by the entry that has its very name, where a listing has filed another spelling
    /// of it there. One that shows both shows two entries, whatever the service makes of other names. Which
    /// of them it shows first makes no difference: where the other spelling may still come, only what is not
    /// that one's content makes it another entry. Returns the rows that are free for it, and those that the
    /// other spelling has now, the top first.
    pub(super) fn make_way_for_own_name(
        &mut self,
        directory: NodeId,
        stored: &StoredName,
        seen: RemoteNode,
        answer: &Answer,
    ) -> Result<Vec<(NodeId, NodeId)>, FolderError> {
        let own_name = |stored: &StoredName| match decode_name(stored) {
            DecodedName::Native(name) if encode_name(&name) == *stored => Some(name),
            _ => None,
        };
        let Some(name) = own_name(stored) else { return Ok(Vec::new()) };
        let is_another = |node: &Node| match (node.remote_entry().file(), seen) {
            (Some(known), RemoteNode::File(seen)) => {
                !self.settings.mode.pulls()
                    && node.local.kind() == Some(Kind::File)
                    && known.content != seen.content
            }
            _ => false,
        };
        let is_misfiled = |node: &Node| {
            (answer.saw(node.id) || is_another(node))
                && !self.is_at_work(answer, node.id)
                && node.remote.as_ref().is_some_and(|remote| !remote.claimed)
                && node.stored_name() != *stored
        };
        let Some(mut misfiled) = self.index.child(directory, &name)?.filter(is_misfiled) else {
            return Ok(Vec::new());
        };
        let Some(other_name) = own_name(&misfiled.stored_name()) else { return Ok(Vec::new()) };
        let mut other = match self.index.child(directory, &other_name)? {
            Some(other) if answer.saw(other.id) || self.is_at_work(answer, other.id) => return Ok(Vec::new()),
            Some(other) => other,
            None => Node::new(directory, other_name),
        };
        if !self.settings.mode.pulls() && misfiled.local.kind() == Some(Kind::File) {
            // What was agreed on is what was sent to the other one. What is local is sent to its own name.
            other.base = other.base.or(misfiled.base.take());
            self.index.save(&mut misfiled)?;
        }
        other.remote.clone_from(&misfiled.remote);
        self.index.save(&mut other)?;
        self.respell(misfiled.id, other.id)
    }
}

/// The row that a stored name belongs to, a new one if there is none (protocol 8.5, 8.8).
///
/// The spelling that was seen before wins; then what was sent and is seen now for the first time, which
/// may have got the spelling of an entry in the trash; then the name that it decodes to; then a local
/// name that the service cannot tell from it. `seen` is what has the name, where that is known, and
/// `taken` tells which rows belong to another stored name of the same listing.
pub(super) fn find_for_stored(
    index: &Index,
    settings: &FolderSettings,
    directory: NodeId,
    stored: &StoredName,
    seen: Option<RemoteNode>,
    taken: &dyn Fn(NodeId) -> bool,
) -> Result<Option<Node>, FolderError> {
    let mut names: Vec<Name> = match decode_name(stored) {
        DecodedName::Native(name) | DecodedName::Foreign(name) => vec![name],
        DecodedName::Unrepresentable(_) => Vec::new(),
    };
    if let Ok(raw) = Name::new(stored.as_str().as_bytes())
        && !names.contains(&raw)
    {
        names.push(raw);
    }
    let is_known = |node: &Node| node.remote.is_some() && node.stored_name() == *stored;
    for name in &names {
        if let Some(node) = index.child(directory, name)?.filter(is_known) {
            return Ok(Some(node));
        }
    }
    let namesakes = index.namesakes(directory, stored)?;
    if let Some(node) = namesakes.iter().find(|node| is_known(node)) {
        return Ok(Some(node.clone()));
    }
    let key = FoldKey::of(stored);
    let is_sent = |node: &&Node| {
        !taken(node.id)
            && node
                .remote
                .as_ref()
                .is_some_and(|remote| remote.claimed && seen.is_none_or(|seen| seen == remote.node))
            && FoldKey::of(&node.stored_name()) == key
    };
    if let Some(node) = namesakes.iter().find(is_sent) {
        return Ok(Some(node.clone()));
    }
    let is_free = |node: &Node| node.remote.is_none() && !taken(node.id);
    for name in &names {
        if encode_name(name) == *stored
            && let Some(node) = index.child(directory, name)?.filter(is_free)
        {
            return Ok(Some(node));
        }
    }
    // What is known under another spelling has got that of its row.
    let is_respelled = |node: &Node| {
        !taken(node.id)
            && is_confirmed(node)
            && seen.is_some_and(|seen| node.remote_node().is_some_and(|known| known.kind() == seen.kind()))
    };
    for name in &names {
        if encode_name(name) == *stored
            && let Some(node) = index.child(directory, name)?.filter(is_respelled)
        {
            return Ok(Some(node));
        }
    }
    let may_take = |node: &Node| {
        is_free(node) && node.local != Local::Absent && FoldKey::of(&encode_name(&node.name)) == key
    };
    if let Some(node) = namesakes.into_iter().find(may_take) {
        return Ok(Some(node));
    }
    for name in names {
        match index.child(directory, &name)? {
            None => return Ok(Some(Node::new(directory, name))),
            Some(node) if !taken(node.id) => return Ok(Some(node)),
            Some(_) => {}
        }
    }
    tracing::warn!(folder = %settings.name, name = %stored, "a remote entry has no possible local name and is left alone");
    Ok(None)
}

/// The row that the service is known to have under this name.
pub(super) fn find_on_service(
    index: &Index,
    settings: &FolderSettings,
    directory: NodeId,
    stored: &StoredName,
) -> Result<Option<Node>, FolderError> {
    // The way down a deep path is asked for again and again.
    if let DecodedName::Native(name) = decode_name(stored)
        && let Some(node) = index.remembered_in(directory, &name)
        && node.remote.is_some()
        && node.stored_name() == *stored
    {
        return Ok(Some(Node::clone(&node)));
    }
    let found = find_for_stored(index, settings, directory, stored, None, &|_| false)?;
    let found = found.filter(|node| node.id != NodeId::NEW && node.remote.is_some());
    if let Some(node) = found.as_ref().filter(|node| node.remote_entry() == Entry::Directory) {
        index.remember(node.clone());
    }
    Ok(found)
}
