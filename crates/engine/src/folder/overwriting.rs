//! What overwrites: counted before a round sends anything, and held for a person where it is nearly everything.
//!
//! The service keeps few revisions of a file (protocol 4.6, U-37). A disk full of encrypted or garbled files must not
//! wash the good ones out.

use jottad_core::{Entry, Timestamp, holds_overwrites, holds_rewrites, is_written_once};

use super::{Folder, FolderError};
use crate::index::{Cursor, Difference, Fact, HeldAction, Local, Node, NodeId};
use crate::time::Now;

const PAGE: u32 = 256;
/// How long a rewrite is remembered, in seconds.
const MONTH: i64 = 30 * 24 * 3600;

/// Whether files that the base has may be overwritten on the service in this round.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overwriting {
    #[default]
    Free,
    /// It depends on files that are not summed yet.
    Unsure,
    /// Only what a person approved.
    Held,
    /// All but what is held.
    SomeHeld,
}

/// How far the overwrites were counted.
#[derive(Debug, Default)]
pub(super) struct Counting {
    cursor: Cursor,
    edited: Vec<NodeId>,
    /// Those that should not change.
    lasting: Vec<NodeId>,
    unsummed: u64,
}

impl Folder {
    /// Counts what would be overwritten and parks all of it if it is too much, or what should not change if too much of
    /// that did within a month. What a person approved does not count. Tells whether it is done; it is not if there are too
    /// many rows for one step. What changes meanwhile counts in the next round.
    pub(super) fn count_overwrites(&mut self, now: Now) -> Result<bool, FolderError> {
        let files = self.index.totals().base_files;
        // No smaller number of overwrites is ever held, so counting can wait until there are so many differences.
        if !self.settings.mode.pushes() || !holds_overwrites(files, files) {
            self.round.overwriting = Overwriting::Free;
            return Ok(true);
        }
        let mut counting = std::mem::take(&mut self.round.counting_overwrites);
        loop {
            let page = self.index.page(Difference::Edited, counting.cursor, PAGE)?;
            let Some(last) = page.last() else { break };
            if !self.round.spend(page.len()) {
                self.round.counting_overwrites = counting;
                return Ok(false);
            }
            counting.cursor = Cursor::after(last);
            for node in page {
                let Some(is_edited) = edit(&node) else { continue };
                if self.index.held(node.id)? == Some(true) {
                    continue;
                }
                if is_edited {
                    counting.edited.push(node.id);
                    if is_written_once(node.name.as_bytes()) {
                        counting.lasting.push(node.id);
                    }
                } else {
                    counting.unsummed += u64::from(self.index.problem(node.id)?.is_none());
                }
            }
        }
        let Counting { edited, lasting, unsummed, .. } = counting;
        let rewritten = self.rewrites_too_much(&lasting, now)?;
        let count = edited.len() as u64;
        let (mut held, overwriting) = if holds_overwrites(count, files) {
            (edited, Overwriting::Held)
        } else if rewritten.is_some() {
            (lasting, Overwriting::SomeHeld)
        } else if holds_overwrites(count + unsummed, files) {
            (Vec::new(), Overwriting::Unsure)
        } else {
            (Vec::new(), Overwriting::Free)
        };
        let rewritten = rewritten.filter(|_| overwriting == Overwriting::SomeHeld);
        self.index.set_fact(Fact::HeldRewrites, rewritten.map(|count| count.to_string()).as_deref())?;
        held.sort();
        held.dedup();
        if self.index.waiting(HeldAction::Overwrite)? != held {
            self.index.release_waiting(HeldAction::Overwrite)?;
            for id in held {
                self.index.hold(id, HeldAction::Overwrite)?;
            }
        }
        self.round.overwriting = overwriting;
        Ok(true)
    }

    /// How many of the files that should not change were rewritten within a month, if those are too many.
    fn rewrites_too_much(&mut self, lasting: &[NodeId], now: Now) -> Result<Option<u64>, FolderError> {
        if lasting.is_empty() {
            return Ok(None);
        }
        for id in lasting {
            self.index.note_rewritten(*id, now.wall)?;
        }
        let since = Timestamp::from_seconds(now.wall.seconds().saturating_sub(MONTH));
        let rewritten = self.index.count_rewritten(since)?;
        // All of them are to be looked at for the share, which nobody needs as long as there are few.
        let is_too_much = holds_rewrites(rewritten, 0)
            && holds_rewrites(rewritten, self.index.count_files_named(is_written_once)?);
        Ok(is_too_much.then_some(rewritten))
    }

    /// Whether sending a file must wait because it would be one of too many that overwrite.
    pub(super) fn waits_to_overwrite(&self, node: &Node) -> Result<bool, FolderError> {
        let held = self.index.held(node.id)?;
        Ok(match self.round.overwriting {
            Overwriting::Free => false,
            Overwriting::SomeHeld => held == Some(false),
            Overwriting::Unsure | Overwriting::Held => edit(node).is_some() && held != Some(true),
        })
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
