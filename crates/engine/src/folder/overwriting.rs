//! What overwrites: counted before a round sends anything, and held for a person where it is nearly everything.
//!
//! The service keeps few revisions of a file (protocol 4.6, U-37). A disk full of encrypted or garbled files must not
//! wash the good ones out.

use jottad_core::{Entry, holds_overwrites};

use super::{Folder, FolderError};
use crate::index::{Cursor, Difference, HeldAction, Local, Node};

const PAGE: u32 = 256;

/// Whether files that the base has may be overwritten on the service in this round.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overwriting {
    #[default]
    Free,
    /// It depends on files that are not summed yet.
    Unsure,
    /// Only what a person approved.
    Held,
}

impl Folder {
    /// Counts what would be overwritten and parks all of it if it is too much. What a person approved does not count.
    pub(super) fn count_overwrites(&mut self) -> Result<Overwriting, FolderError> {
        let files = self.index.totals().base_files;
        // No smaller number of overwrites is ever held, so counting can wait until there are so many differences.
        if !self.settings.mode.pushes() || !holds_overwrites(files, files) {
            return Ok(Overwriting::Free);
        }
        let (mut edited, mut unsummed) = (Vec::new(), 0);
        let mut cursor = Cursor::default();
        loop {
            let page = self.index.page(Difference::Edited, cursor, PAGE)?;
            let Some(last) = page.last() else { break };
            cursor = Cursor::after(last);
            for node in page {
                let Some(is_edited) = edit(&node) else { continue };
                if self.index.held(node.id)? == Some(true) {
                    continue;
                }
                if is_edited {
                    edited.push(node.id);
                } else {
                    unsummed += u64::from(self.index.problem(node.id)?.is_none());
                }
            }
        }
        self.index.release_waiting(HeldAction::Overwrite)?;
        let count = edited.len() as u64;
        if holds_overwrites(count, files) {
            for id in edited {
                self.index.hold(id, HeldAction::Overwrite)?;
            }
            return Ok(Overwriting::Held);
        }
        Ok(if holds_overwrites(count + unsummed, files) { Overwriting::Unsure } else { Overwriting::Free })
    }

    /// Whether sending a file must wait because it would be one of too many that overwrite.
    pub(super) fn waits_to_overwrite(&self, node: &Node) -> Result<bool, FolderError> {
        Ok(self.round.overwriting != Overwriting::Free
            && edit(node).is_some()
            && self.index.held(node.id)? != Some(true))
    }
}

/// Whether a local file has other content than the base, which the service still has; `Some(false)` while that is not
/// known, `None` if nothing of the base would be overwritten.
fn edit(node: &Node) -> Option<bool> {
    let (base @ Entry::File(_), remote @ Entry::File(_)) = (node.base_entry(), node.remote_entry()) else {
        return None;
    };
    match (node.local, node.trees()) {
        _ if !remote.same_content(base) => None,
        (Local::File { .. }, Some(trees)) => (!trees.local.same_content(base)).then_some(true),
        (Local::File { .. }, None) => Some(false),
        _ => None,
    }
}
