//! How far an upload has come that the service has not shown yet: on its way, accepted, or cut off.
//!
//! A claim is made before anything leaves, so a claim alone does not tell that something was sent. The
//! service has accepted what this run knows it has; all else was cut off by a pause, by the network or by the
//! end of an earlier run, and is still to be sent as far as anybody knows.

use jottad_core::{Operation, OperationKind, RelativePath, Side};

use crate::folder::{Folder, FolderError, Purpose};
use crate::index::{Index, Local, Node, NodeId};
use crate::remote::RemoteNode;
use crate::status::Pending;

/// Directories with claims that are read at once.
const PAGE: u32 = 256;
const NANOSECONDS: i64 = 1_000_000_000;

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::folder) enum Claim {
    BeingSent,
    Accepted,
    CutOff,
}

impl Folder {
    /// How far the upload of a row has come; `None` if nothing is claimed there.
    pub(in crate::folder) fn claim_of(&self, node: &Node) -> Option<Claim> {
        node.remote.as_ref().filter(|remote| remote.claimed)?;
        Some(if self.in_flight.is_at(node.id) {
            Claim::BeingSent
        } else if self.claims.is_accepted(node.id) {
            Claim::Accepted
        } else {
            Claim::CutOff
        })
    }

    /// Adds what is on its way, which is not counted with what is to be sent, and what was cut off.
    pub(in crate::folder) fn with_what_is_being_sent(
        &self,
        mut pending: Pending,
    ) -> Result<Pending, FolderError> {
        for running in self.in_flight.operations().filter(|running| running.kind == OperationKind::Upload) {
            pending.uploads += 1;
            pending.bytes += running.bytes.unwrap_or_default();
        }
        for node in self.cut_off()? {
            // What cannot be done now is told as a problem.
            if self.index.problem(node.id)?.is_some() {
                continue;
            }
            match sent_by(&self.index, &node, &self.index.path(node.id)?)? {
                Some(RemoteNode::File(file)) => {
                    pending.uploads += 1;
                    pending.bytes += file.content.size;
                }
                Some(RemoteNode::Directory) => pending.directories += 1,
                None => {}
            }
        }
        Ok(pending)
    }

    /// The rows whose claims were cut off.
    fn cut_off(&self) -> Result<Vec<Node>, FolderError> {
        let is_cut_off = |node: &Node| self.claim_of(node) == Some(Claim::CutOff);
        if self.purpose == Purpose::Rest {
            // Nobody knows more than the index.
            return Ok(claims(&self.index)?.into_iter().filter(is_cut_off).collect());
        }
        let mut found = Vec::new();
        for id in self.claims.cut_off() {
            found.extend(self.index.node(id)?.filter(is_cut_off));
        }
        Ok(found)
    }

    /// The operation that a claim stands for, until the service has accepted it.
    pub(in crate::folder) fn claimed_operation(
        &self,
        node: &Node,
        path: &RelativePath,
    ) -> Result<Option<Operation>, FolderError> {
        let because = match self.claim_of(node) {
            Some(Claim::BeingSent) => "being sent now",
            Some(Claim::CutOff) => "cut off while it was sent; whether it arrived is looked at first",
            Some(Claim::Accepted) | None => return Ok(None),
        };
        let Some(sent) = sent_by(&self.index, node, path)? else { return Ok(None) };
        let (kind, bytes) = match sent {
            RemoteNode::File(file) => (OperationKind::Upload, Some(file.content.size)),
            RemoteNode::Directory => (OperationKind::MakeDirectory(Side::Remote), None),
        };
        Ok(Some(Operation { kind, path: path.clone(), to: None, bytes, because }))
    }

    /// What is said of a row that is claimed.
    pub(in crate::folder) fn word_of_claim(
        &self,
        node: &Node,
        path: &RelativePath,
    ) -> Result<&'static str, FolderError> {
        Ok(match self.claim_of(node) {
            Some(Claim::BeingSent) => "it is being sent",
            Some(Claim::CutOff) if self.claims.is_answer_lost(node.id) => {
                "it was sent and no answer came; whether it arrived is looked at next, and else it is sent again"
            }
            Some(Claim::CutOff) if self.purpose != Purpose::Rest => {
                "it was being sent and was cut off; whether it arrived is looked at next, and else it is sent again"
            }
            Some(Claim::CutOff) if !was_sent(&self.index, node, path)? => {
                "it was being sent when the last run ended; the next one looks whether it arrived, and else \
                 sends it again"
            }
            _ => "it was sent, and the service has not confirmed yet that it has it",
        })
    }

    /// Whether what is claimed is known to have been accepted.
    pub(in crate::folder) fn is_sent(&self, node: &Node, path: &RelativePath) -> Result<bool, FolderError> {
        Ok(match self.claim_of(node) {
            Some(Claim::Accepted) => true,
            Some(Claim::CutOff) if self.purpose == Purpose::Rest => was_sent(&self.index, node, path)?,
            Some(Claim::CutOff) => self.claims.is_answer_lost(node.id),
            Some(Claim::BeingSent) | None => false,
        })
    }
}

/// All rows that are claimed.
pub(super) fn claims(index: &Index) -> Result<Vec<Node>, FolderError> {
    let (mut found, mut after) = (Vec::new(), NodeId::NEW);
    loop {
        let page = index.claimed_directories(after, PAGE)?;
        let Some(last) = page.last() else { return Ok(found) };
        after = last.directory;
        for claimed in page {
            found.extend(index.claims(claimed.directory)?);
        }
    }
}

/// At rest: whether the last thing that was done at a path was to send what is there now. A file that
/// changed in the same second or later may be another one.
fn was_sent(index: &Index, node: &Node, path: &RelativePath) -> Result<bool, FolderError> {
    let last = index.history_of(path, 1)?.pop().filter(|line| line.error.is_none());
    let Some(last) = last else { return Ok(false) };
    Ok(match (node.local, sent_by(index, node, path)?) {
        // It was moved, or has another time.
        (_, None) => true,
        (Local::File { stat, .. }, Some(_)) => {
            last.kind == OperationKind::Upload.as_str()
                && stat.changed.div_euclid(NANOSECONDS) < last.at.seconds()
        }
        _ => last.kind == OperationKind::MakeDirectory(Side::Remote).as_str(),
    })
}

/// What was to be sent at a claimed row; `None` where what both sides had agreed on was moved or got a
/// time.
fn sent_by(index: &Index, node: &Node, path: &RelativePath) -> Result<Option<RemoteNode>, FolderError> {
    let Some(remote) = node.remote.as_ref().filter(|remote| remote.claimed) else { return Ok(None) };
    let is_known = match remote.node {
        RemoteNode::File(file) => node.base_entry().file().is_some_and(|base| base.content == file.content),
        RemoteNode::Directory => node.base_entry() == jottad_core::Entry::Directory,
    };
    if is_known
        && let Some(last) = index.history_of(path, 1)?.pop()
        && last.error.is_none()
    {
        let others = [OperationKind::Move, OperationKind::MoveAside, OperationKind::SetTime];
        if others.iter().any(|kind| kind(Side::Remote).as_str() == last.kind) {
            return Ok(None);
        }
    }
    Ok(Some(remote.node))
}

#[cfg(test)]
mod tests;
