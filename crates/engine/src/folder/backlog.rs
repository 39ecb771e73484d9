//! What one event brings about in many rows: it is done a bounded number of rows at a time, and between two
//! steps the folder answers questions and can be stopped.
//!
//! Until all of it is done later events wait, nothing is decided and nothing is written down. So the folder
//! does what it would do in one long step, and a crash in between leaves the index as it was before.

use std::collections::VecDeque;
use std::time::Duration;

use jottad_core::Side;

use super::local::merging::Merge;
use super::remote::sweeping::Sweep;
use super::{Folder, FolderError};
use crate::event::Event;
use crate::index::{ChildCursor, Local, Node, NodeId};
use crate::time::Now;

/// Most rows that one step works on: a fraction of a second.
const MOST_ROWS: usize = 4096;
/// Rows that are read at one time.
const PAGE: usize = 256;

/// What is still to be done, and the events that wait for it.
#[derive(Debug)]
pub(super) struct Backlog {
    works: VecDeque<Work>,
    /// With the time at which each came.
    events: VecDeque<(Event, Duration)>,
    /// Everything since the last commit tells what is on the disk and nothing else.
    pub(super) only_seen: bool,
    most_rows: usize,
    /// Rows that may still be worked on in this step.
    left: usize,
}

impl Default for Backlog {
    fn default() -> Self {
        let (works, events) = (VecDeque::new(), VecDeque::new());
        Self { works, events, only_seen: true, most_rows: MOST_ROWS, left: MOST_ROWS }
    }
}

/// Something that takes more than one step where there are many rows.
#[derive(Debug)]
pub(super) enum Work {
    /// The same change to every row below one.
    Below(Descent, Change),
    /// What a directory was seen to hold.
    Merge(Box<Merge>),
    /// What a complete listing did not show.
    Sweep(Box<Sweep>),
}

/// What becomes of a row below another one.
#[derive(Debug, Clone, Copy)]
pub(super) enum Change {
    /// The local side has it no more; given a time, but for what is on a disk that was mounted there.
    LocalGone(Option<Now>),
    /// The remote side has it no more, but for what is being sent there right now.
    RemoteGone,
    /// Nothing is agreed on any more.
    BaseGone,
    /// A rule ignores a directory above it.
    Ignored,
    /// A person wants it back from the other side.
    WantedBack,
    /// The same, of what is missing on this side alone.
    MissingWantedBack(Side),
}

/// A walk over all that is below a row.
#[derive(Debug)]
pub(super) struct Descent {
    /// Directories that are still to be gone through, and behind which of their rows.
    pending: Vec<(NodeId, ChildCursor)>,
}

impl Descent {
    fn new(top: NodeId) -> Self {
        Self { pending: vec![(top, ChildCursor::default())] }
    }
}

impl Backlog {
    /// Whether nothing is left to be done.
    pub(super) fn is_idle(&self) -> bool {
        self.works.is_empty() && self.events.is_empty()
    }

    /// When another step is wanted.
    pub(super) fn deadline(&self) -> Option<Duration> {
        (!self.is_idle()).then_some(Duration::ZERO)
    }

    pub(super) fn begin_step(&mut self, events: impl IntoIterator<Item = Event>, now: Now) {
        self.left = self.most_rows;
        // What is due is asked for anew when everything is done.
        let is_idle = self.is_idle();
        let events = events.into_iter().filter(|event| is_idle || !matches!(event, Event::Timer));
        self.events.extend(events.map(|event| (event, now.monotonic)));
    }

    /// The next event, if nothing has to be done before it and this step may go on.
    pub(super) fn next_event(&mut self, now: Now) -> Option<(Event, Now)> {
        if !self.works.is_empty() || self.left == 0 {
            return None;
        }
        let (event, came) = self.events.pop_front()?;
        // What it says was so when it came.
        let now = if came == now.monotonic { now } else { Now { monotonic: came, wall: now.wall_at(came) } };
        Some((event, now))
    }

    /// Takes so many rows out of what may be worked on in this step; tells whether any were left.
    pub(super) fn spend(&mut self, rows: usize) -> bool {
        let is_left = self.left > 0;
        self.left = self.left.saturating_sub(rows);
        is_left
    }

    #[cfg(any(test, feature = "simulation"))]
    pub(super) fn set_most_rows(&mut self, rows: usize) {
        self.most_rows = rows.max(1);
    }

    /// How many rows to read at one time.
    pub(super) fn page(&self) -> u32 {
        u32::try_from(PAGE.min(self.most_rows)).unwrap_or(u32::MAX)
    }
}

impl Folder {
    /// Does what there is to do, at once as far as this step may, and the rest before the next event.
    pub(super) fn work(&mut self, mut work: Work) -> Result<(), FolderError> {
        if !self.work_on(&mut work)? {
            self.backlog.works.push_back(work);
        }
        Ok(())
    }

    /// Works on through what is left of earlier events; tells whether nothing is left.
    pub(super) fn work_off(&mut self) -> Result<bool, FolderError> {
        while let Some(mut work) = self.backlog.works.pop_front() {
            if !self.work_on(&mut work)? {
                self.backlog.works.push_front(work);
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Works on as long as this step may; tells whether it came to the end.
    fn work_on(&mut self, work: &mut Work) -> Result<bool, FolderError> {
        match work {
            Work::Below(descent, change) => self.change_on(descent, *change),
            Work::Merge(merge) => self.merge_on(merge),
            Work::Sweep(sweep) => self.sweep_on(sweep),
        }
    }

    /// Changes every row below one.
    pub(super) fn change_below(&mut self, top: NodeId, change: Change) -> Result<(), FolderError> {
        if top == NodeId::NEW || !self.index.has_children(top)? {
            return Ok(());
        }
        self.work(Work::Below(Descent::new(top), change))
    }

    fn change_on(&mut self, descent: &mut Descent, change: Change) -> Result<bool, FolderError> {
        while let Some((directory, mut cursor)) = descent.pending.pop() {
            if !self.backlog.spend(1) {
                descent.pending.push((directory, cursor));
                return Ok(false);
            }
            let page = self.index.next_children(directory, &mut cursor, self.backlog.page())?;
            self.backlog.spend(page.len());
            if page.len() == self.backlog.page() as usize {
                descent.pending.push((directory, cursor));
            }
            for node in page {
                let id = node.id;
                if self.change(node, change)? && self.index.has_children(id)? {
                    descent.pending.push((id, ChildCursor::default()));
                }
            }
        }
        Ok(true)
    }

    /// Changes one row; tells whether what is below it changes as well.
    fn change(&mut self, mut node: Node, change: Change) -> Result<bool, FolderError> {
        match change {
            Change::LocalGone(now) => {
                if let (Some(_), Some(now)) = (node.mount, now)
                    && !self.take_lost_mount(&mut node, now)?
                {
                    return Ok(false);
                }
                if node.local != Local::Absent {
                    node.local = Local::Absent;
                    self.save_observed(&mut node)?;
                }
            }
            Change::RemoteGone => {
                let was_claimed = node.remote.as_ref().is_some_and(|remote| remote.claimed);
                if node.remote.is_some() && !self.in_flight.is_at(node.id) {
                    node.remote = None;
                    // What was sent did not arrive: that is no news.
                    if was_claimed {
                        self.keeping_failures(&mut node, Self::save_observed)?;
                    } else {
                        self.save_observed(&mut node)?;
                    }
                }
            }
            Change::BaseGone => {
                if node.base.take().is_some() {
                    self.save_observed(&mut node)?;
                }
            }
            Change::Ignored => {
                self.standing.forget(node.id);
                if node.base.is_some() || node.local != Local::Absent {
                    node.base = None;
                    node.local = Local::Absent;
                    self.save_observed(&mut node)?;
                }
            }
            Change::WantedBack => self.want_back(node)?,
            Change::MissingWantedBack(side) => {
                let is_local_absent = node.local == Local::Absent;
                let is_missing = match side {
                    Side::Local => is_local_absent && node.remote.is_some(),
                    Side::Remote => !is_local_absent && node.remote.is_none(),
                };
                if is_missing && node.base.is_some() {
                    self.want_back(node)?;
                }
            }
        }
        Ok(true)
    }

    /// A person wants a row back from the other side.
    pub(super) fn want_back(&mut self, mut node: Node) -> Result<(), FolderError> {
        node.base = None;
        self.index.release_held(node.id)?;
        if node.local == Local::Absent && node.remote.is_some() {
            self.index.restore(node.id)?;
        }
        self.save_observed(&mut node)
    }
}

#[cfg(test)]
mod tests;
