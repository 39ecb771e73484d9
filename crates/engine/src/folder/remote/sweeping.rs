//! What a complete listing did not show: after it, that is not there, unless a late service may only not show
//! it yet.

use std::collections::VecDeque;

use jottad_core::Timestamp;

use super::listing::RunningListing;
use super::merging::is_confirmed;
use crate::folder::backlog::Work;
use crate::folder::local::scanning::ROWS_READ_FOR_ONE_WRITTEN;
use crate::folder::plan::parking;
use crate::folder::plan::planning;
use crate::folder::{Folder, FolderError};
use crate::index::{Fact, Node, NodeId};
use crate::time::Now;

/// So many rows are read at a time.
const SWEEP: u32 = 1024;

/// A complete listing whose absences are not all in the index yet.
#[derive(Debug)]
pub(in crate::folder) struct Sweep {
    running: RunningListing,
    /// The change stamp that was read before it.
    stamp: Option<String>,
    /// When it began, if it showed the root.
    began: Option<Timestamp>,
    /// When it ended.
    now: Now,
    /// The last row that was read; `None` once all were.
    after: Option<NodeId>,
    /// Rows that were read and not judged.
    page: VecDeque<NodeId>,
}

impl Folder {
    /// After a complete listing, what it did not show is not there. `began` is given if it showed the root.
    pub(super) fn sweep(
        &mut self,
        running: RunningListing,
        stamp: Option<String>,
        began: Option<Timestamp>,
        now: Now,
    ) -> Result<(), FolderError> {
        let sweep = Sweep { running, stamp, began, now, after: Some(NodeId::ROOT), page: VecDeque::new() };
        self.work(Work::Sweep(Box::new(sweep)))
    }

    /// Works on through what a complete listing did not show; tells whether it came to the end.
    pub(in crate::folder) fn sweep_on(&mut self, sweep: &mut Sweep) -> Result<bool, FolderError> {
        loop {
            while let Some(id) = sweep.page.pop_front() {
                if sweep.running.answer.saw(id) {
                    continue;
                }
                self.judge_unseen(id, sweep)?;
                if !self.backlog.spend(1) {
                    return Ok(false);
                }
            }
            let Some(after) = sweep.after else { break };
            if !self.backlog.spend(SWEEP as usize / ROWS_READ_FOR_ONE_WRITTEN / 4) {
                return Ok(false);
            }
            sweep.page = self.index.with_remote(after, SWEEP)?.into();
            sweep.after = sweep.page.back().copied();
        }
        if let Some(until) = sweep.running.answer.list_again_at() {
            self.listing.list_by(until);
        }
        if let Some(began) = sweep.began {
            parking::forget_parked(&mut self.index, began)?;
        }
        self.claims.given_up.judged(None, sweep.running.answer.asked_at);
        self.review_contests()?;
        if self.contesting.is_idle() {
            self.index.set_fact(Fact::ContestedNames, None)?;
        }
        self.listing_merged(&sweep.running, sweep.stamp.take(), sweep.now)?;
        Ok(true)
    }

    /// A complete listing did not show a row.
    fn judge_unseen(&mut self, id: NodeId, sweep: &mut Sweep) -> Result<(), FolderError> {
        let answer = &mut sweep.running.answer;
        if self.is_at_work(answer, id) {
            if let Some(node) = self.index.node(id)?.filter(is_confirmed)
                && self.contest(&node, &|id| answer.saw(id))?
            {
                self.recheck(answer, node.parent, sweep.now.monotonic);
            }
            return self.doubt_spelling(id, &|id| answer.saw(id));
        }
        let Some(node) = self.index.node(id)? else { return Ok(()) };
        if !is_confirmed(&node) {
            return self.look_for_forgotten_claim(node);
        }
        // What is too deep is never shown, so that says nothing.
        if planning::is_too_deep_in(&self.index, node.parent)? {
            return Ok(());
        }
        let moved = self.judge_missing(node, answer, sweep.now)?;
        // What an earlier listing that broke off filed below the new spelling may be gone by now.
        let unseen = moved.into_iter().map(|(_, to)| to).filter(|to| !answer.saw(*to));
        unseen.for_each(|to| sweep.page.push_front(to));
        Ok(())
    }

    /// What was sent into a directory that has got another name on the service meanwhile, or was removed, is
    /// looked for there by nobody any more. Where the directory is not there nothing can have arrived in it.
    fn look_for_forgotten_claim(&mut self, mut claim: Node) -> Result<(), FolderError> {
        let is_claimed = claim.remote.as_ref().is_some_and(|remote| remote.claimed);
        if !is_claimed || self.rechecks.is_about(claim.parent) {
            return Ok(());
        }
        match self.index.node(claim.parent)?.and_then(|directory| directory.remote) {
            None => self.give_up_claim(&mut claim),
            Some(directory) if !directory.claimed => {
                self.rechecks.want(claim.parent);
                Ok(())
            }
            Some(_) => Ok(()),
        }
    }
}
