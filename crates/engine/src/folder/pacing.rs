//! How fast what fails is tried again: a row that failed rests before it is tried the next time, twice as
//! long each time, and a folder in which nothing but failures happens slows down as a whole.
//!
//! A row with a problem has a pause of its own, which is kept in the index. What is kept here is for failures
//! that are no problem yet, and is forgotten with the process.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::index::NodeId;
use crate::planted::{self, Planted};
use crate::time::Now;

/// The first try again is made at once, the second after this; it doubles with each further one.
const FIRST_REST: Duration = Duration::from_secs(1);
const FIRST_MOVE_REST: Duration = Duration::from_secs(5);
const LONGEST_REST: Duration = Duration::from_mins(5);
/// So many operations may fail in a row before the folder slows down.
const MOST_FAILURES: u32 = 8;
const FIRST_BREAK: Duration = Duration::from_secs(1);
/// Failures of single entries slow the others down no further: each entry has a pause of its own that grows.
const LONGEST_BREAK: Duration = Duration::from_secs(10);
/// Where every request fails although the service answers, as if only a part of it were reachable, waiting
/// costs nothing.
const LONGEST_OUTAGE: Duration = Duration::from_mins(5);

/// The rows that rest, and how the folder as a whole gets on.
#[derive(Debug, Default)]
pub(super) struct Pacing {
    resting: BTreeMap<NodeId, Duration>,
    /// The ends of moves among them.
    moving: BTreeSet<NodeId>,
    /// How often a move from a row failed in a row, and when last. What else is tried at the row does not
    /// make that count anew.
    failed_moves: BTreeMap<NodeId, (u32, Duration)>,
    failures: u32,
    breaks: u32,
    break_until: Option<Duration>,
    /// The rows at which the service failed since an operation was done last.
    struck: BTreeSet<NodeId>,
    outage: Option<String>,
}

/// The service failed at a row, and would as well at others.
#[derive(Debug)]
pub(super) struct Outage {
    node: NodeId,
    message: String,
}

impl Outage {
    pub(super) fn at(node: NodeId, message: &str) -> Self {
        Self { node, message: message.to_owned() }
    }
}

impl Pacing {
    /// A row failed for so many times in a row: it rests before it is tried again, unless this was the first
    /// time.
    pub(super) fn rest(&mut self, node: NodeId, attempts: u32, now: Now) {
        if let Some(doublings) = attempts.checked_sub(2) {
            let rest = FIRST_REST.saturating_mul(1 << doublings.min(16)).min(LONGEST_REST);
            self.resting.insert(node, now.monotonic + rest);
        }
    }

    /// A row rests for as long as this.
    pub(super) fn rest_for(&mut self, node: NodeId, rest: Duration, now: Now) {
        self.resting.insert(node, now.monotonic + rest);
    }

    /// A move failed: its ends rest before it is tried again, twice as long each time. Longer than others,
    /// because what is not moved is sent anew.
    pub(super) fn rest_move(&mut self, source: NodeId, target: Option<NodeId>, now: Now) {
        self.failed_moves.retain(|_, (_, failed)| now.monotonic.saturating_sub(*failed) < LONGEST_REST * 2);
        let (failures, failed) = self.failed_moves.entry(source).or_default();
        let rest = FIRST_MOVE_REST.saturating_mul(1 << (*failures).min(16)).min(LONGEST_REST);
        (*failures, *failed) = (failures.saturating_add(1), now.monotonic);
        if planted::is(Planted::MoveTriedOn) {
            *failures = 0;
        }
        for end in [source].into_iter().chain(target) {
            self.resting.insert(end, now.monotonic + rest);
            self.moving.insert(end);
        }
    }

    /// What was at a row was moved.
    pub(super) fn moved(&mut self, source: NodeId) {
        self.failed_moves.remove(&source);
    }

    /// Whether a move is to be tried again, so that nothing may be removed for having left.
    pub(super) fn is_move_resting(&self) -> bool {
        !self.moving.is_empty()
    }

    pub(super) fn is_resting(&self, node: NodeId) -> bool {
        self.resting.contains_key(&node)
    }

    /// The rows that rest now.
    pub(super) fn resting(&self) -> impl Iterator<Item = NodeId> {
        self.resting.keys().copied()
    }

    /// Nothing rests, so nothing is still to be tried that is not a problem.
    pub(super) fn is_idle(&self) -> bool {
        self.resting.is_empty() && self.break_until.is_none()
    }

    /// Why nothing gets on although the service answers: it failed at many rows, and was asked for nothing
    /// that it did.
    pub(super) fn outage(&self) -> Option<&str> {
        self.outage.as_deref()
    }

    /// An operation was done: the folder gets on.
    pub(super) fn succeeded(&mut self) {
        (self.failures, self.breaks, self.break_until) = (0, 0, None);
        self.struck.clear();
        self.outage = None;
    }

    /// An operation failed, maybe in a way in which all of them may.
    pub(super) fn failed(&mut self, outage: Option<Outage>, now: Now) {
        self.failures = self.failures.saturating_add(1);
        if let Some(Outage { node, message }) = outage {
            self.struck.insert(node);
            if self.struck.len() > MOST_FAILURES as usize {
                self.struck.pop_first();
                self.outage = Some(message);
            }
        }
        if self.failures > MOST_FAILURES && self.break_until.is_none() {
            let longest = if self.outage.is_some() { LONGEST_OUTAGE } else { LONGEST_BREAK };
            let pause = FIRST_BREAK.saturating_mul(1 << self.breaks.min(16)).min(longest);
            self.breaks += 1;
            self.break_until = Some(now.monotonic + pause);
        }
    }

    /// Whether operations may be started now.
    pub(super) fn may_start(&self) -> bool {
        self.break_until.is_none()
    }

    /// A person asks for everything to be tried now.
    pub(super) fn retry_now(&mut self) {
        *self = Self::default();
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        self.resting.values().copied().chain(self.break_until).min()
    }

    /// Ends what is over; tells whether anything was.
    pub(super) fn timer(&mut self, now: Now) -> bool {
        let before = (self.resting.len(), self.break_until);
        self.resting.retain(|_, until| *until > now.monotonic);
        self.moving.retain(|node| self.resting.contains_key(node));
        self.break_until = self.break_until.filter(|until| *until > now.monotonic);
        before != (self.resting.len(), self.break_until)
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::builders::at;

    const ROW: NodeId = NodeId(7);

    #[test]
    fn a_row_rests_twice_as_long_each_time() {
        for (attempts, rest) in [(1, 0), (2, 1), (3, 2), (4, 4), (5, 8), (6, 16), (7, 32), (40, 300)] {
            let mut pacing = Pacing::default();
            pacing.rest(ROW, attempts, at(100));
            assert_eq!(pacing.deadline().map_or(0, |time| time.as_secs() - 100), rest, "{attempts}");
            assert_eq!(pacing.is_resting(ROW), rest > 0, "{attempts}");
            pacing.timer(at(100 + rest));
            assert!(!pacing.is_resting(ROW), "{attempts}");
        }
    }

    /// Once, whatever else failed at one of its ends made a move be tried again after five seconds.
    #[test]
    fn a_move_rests_twice_as_long_each_time_until_it_is_done() {
        let mut pacing = Pacing::default();
        let mut time = 100;
        for rest in [5, 10, 20, 40, 80, 160, 300, 300] {
            pacing.rest_move(ROW, Some(NodeId(8)), at(time));
            // What is tried at the row meanwhile.
            pacing.rest(ROW, 1, at(time));
            assert_eq!(pacing.deadline(), Some(Duration::from_secs(time + rest)));
            time += rest;
            pacing.timer(at(time));
            assert!(!pacing.is_move_resting());
        }
        pacing.moved(ROW);
        pacing.rest_move(ROW, None, at(time));
        assert_eq!(pacing.deadline(), Some(Duration::from_secs(time + 5)));
        // What failed long ago says nothing.
        pacing.rest_move(ROW, None, at(time + 600));
        assert_eq!(pacing.deadline(), Some(Duration::from_secs(time + 605)));
    }

    #[test]
    fn nothing_is_left_to_try_when_no_row_rests_and_all_may_start() {
        let mut pacing = Pacing::default();
        assert!(pacing.is_idle());
        pacing.rest_for(ROW, Duration::from_secs(2), at(100));
        assert!(!pacing.is_idle() && pacing.may_start(), "a row rests");
        pacing.timer(at(102));
        assert!(pacing.is_idle());
        for _ in 0..=MOST_FAILURES {
            pacing.failed(None, at(200));
        }
        assert!(!pacing.is_idle() && !pacing.may_start(), "everything rests");
        pacing.timer(at(10_000));
        assert!(pacing.is_idle());
    }

    /// How many operations are started in the first seconds if each fails at once.
    fn started_within(seconds: u64, is_outage: bool) -> u32 {
        let (mut pacing, mut started) = (Pacing::default(), 0);
        for second in 0..seconds {
            pacing.timer(at(second));
            for _ in 0..1000 {
                if pacing.may_start() {
                    started += 1;
                    let outage = is_outage.then(|| Outage::at(NodeId(started.into()), "it fails"));
                    pacing.failed(outage, at(second));
                }
            }
        }
        started
    }

    #[test]
    fn a_folder_in_which_everything_fails_slows_down() {
        assert!(started_within(60, false) <= 20, "{}", started_within(60, false));
        assert!(started_within(3600, false) <= 380, "{}", started_within(3600, false));
        assert!(started_within(3600, true) <= 30, "{}", started_within(3600, true));
    }

    #[test]
    fn a_folder_that_gets_on_does_not_slow_down() {
        let mut pacing = Pacing::default();
        for _ in 0..1000 {
            pacing.failed(None, at(1));
            pacing.failed(Some(Outage::at(ROW, "it fails")), at(1));
            pacing.succeeded();
            assert!(pacing.may_start());
        }
    }

    #[test]
    fn one_row_at_which_the_service_fails_for_ever_is_no_outage() {
        let mut pacing = Pacing::default();
        for second in 0..1000 {
            pacing.failed(Some(Outage::at(ROW, "it fails")), at(second));
            assert_eq!(pacing.outage(), None);
        }
        for row in 0..i64::from(MOST_FAILURES) {
            assert_eq!(pacing.outage(), None, "{row}");
            pacing.failed(Some(Outage::at(NodeId(100 + row), "it fails")), at(2000));
        }
        assert_eq!(pacing.outage(), Some("it fails"));
        pacing.succeeded();
        assert_eq!(pacing.outage(), None);
    }
}
