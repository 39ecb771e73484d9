//! What a complete listing did not show: after it, that is not there, unless a late service may only not show
//! it yet.

use std::collections::VecDeque;

use jottad_core::Timestamp;
use jottad_core::lateness::PATIENCE;

use super::listing::RunningListing;
use crate::folder::backlog::Work;
use crate::folder::local::scanning::ROWS_READ_FOR_ONE_WRITTEN;
use crate::folder::{Folder, FolderError};
use crate::index::{Fact, NodeId};
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
                if sweep.running.saw(id) {
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
        if let Some(until) = sweep.running.list_again_at {
            self.listing.list_by(until);
        }
        if let Some(began) = sweep.began {
            self.forget_parked(began)?;
        }
        self.review_contests()?;
        if self.contesting.is_idle() {
            self.index.set_fact(Fact::ContestedNames, None)?;
        }
        self.listing_merged(&sweep.running, sweep.stamp.take(), sweep.now)?;
        Ok(true)
    }

    /// A complete listing did not show a row.
    fn judge_unseen(&mut self, id: NodeId, sweep: &mut Sweep) -> Result<(), FolderError> {
        let running = &mut sweep.running;
        if running.touched.contains(&id) {
            if let Some(node) = self.index.node(id)?
                && node.remote.as_ref().is_some_and(|remote| !remote.claimed)
                && self.contest(&node, &|id| sweep.running.saw(id))?
            {
                self.doubt_listed(&mut sweep.running, node.parent, sweep.now.monotonic);
            }
            return self.doubt_spelling(id, &|id| sweep.running.saw(id));
        }
        let Some(mut node) = self.index.node(id)? else { return Ok(()) };
        // What is too deep is never shown, so that says nothing.
        if node.remote.as_ref().is_none_or(|remote| remote.claimed) || self.is_too_deep_in(node.parent)? {
            return Ok(());
        }
        if let Some(respelled) = self.respelled(&node, &|id| running.saw(id))? {
            let moved = self.respell(respelled, node.id)?;
            running.follow_respelling(&moved);
            // What an earlier listing that broke off filed below the new spelling may be gone by now.
            let unseen = moved.into_iter().map(|(_, to)| to).filter(|to| !running.saw(*to));
            unseen.for_each(|to| sweep.page.push_front(to));
            return Ok(());
        }
        if self.may_hide_parked(&node, sweep.now)? || self.awaits_inside(&node)? {
            // It is judged when that is known, not by the next listing, which may be far away.
            self.doubt_listed(running, node.parent, sweep.now.monotonic + PATIENCE);
            self.contest(&node, &|id| sweep.running.saw(id))?;
            return Ok(());
        }
        if let Some(until) = self.missing_late_until(&node, running.began_at)? {
            self.doubt_listed(running, node.parent, until);
            self.contest(&node, &|id| sweep.running.saw(id))?;
            return Ok(());
        }
        node.remote = None;
        self.save_observed(&mut node)
    }
}
