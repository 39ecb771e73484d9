//! Where the walks over the rows that differ stand.

use std::collections::VecDeque;
use std::time::Duration;

use super::deleting::Deleting;
use super::following::Following;
use super::moving::Moving;
use super::overwriting::{self, Overwriting};
use crate::index::{Cursor, NodeId};
use crate::time::Now;

/// A round over so few rows needs no pause.
const UNRESTED: u32 = 256;
/// Most rows that one step of a walk looks at: a fraction of a second.
const MOST_ROWS: usize = 8192;
/// The pause for each row that a round walked over: a few times what all walks of a round cost for it.
const REST: Duration = Duration::from_micros(200);

/// How long what has gone from a watched disk may still turn up elsewhere: the two ends of a rename are not
/// always seen at once.
const MOVE_WINDOW: Duration = Duration::from_millis(500);

/// Where the current round stands.
#[derive(Debug, Default)]
pub(in crate::folder) struct Round {
    pub(super) phase: Phase,
    /// Behind the row that was looked at last.
    pub(super) cursor: Cursor,
    /// Rows that were read and not looked at yet: mostly there is room for one more operation at a time.
    pub(super) ahead: VecDeque<(Cursor, NodeId)>,
    /// Which rows the cursor is in.
    pub(super) side: Pages,
    /// This round did something, so another one follows.
    pub(super) progressed: bool,
    /// Something was observed since the round began.
    pub(super) again: bool,
    unproven: bool,
    /// Rows that may still be looked at in this step.
    budget: usize,
    /// How many that are at its begin, if not as many as take a fraction of a second.
    most_rows: Option<usize>,
    /// When another step is wanted: there is more to look at than one may.
    next_step: Option<Duration>,
    /// What the rows were like when the deletes were last counted, if nothing was left to be done then.
    pub(super) counted_at: Option<(u64, u64)>,
    /// Something is removed, or agreed on, only after a look at this directory.
    pub(super) awaited_look: Option<NodeId>,
    pub(super) rest: Rest,
    /// Until when what has gone from the disk is not taken for deleted.
    move_window: Option<Duration>,
    pub(super) moving: Moving,
    pub(super) following: Following,
    pub(super) overwriting: Overwriting,
    pub(super) counting_overwrites: overwriting::Counting,
    pub(super) deleting: Deleting,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    #[default]
    Over,
    Moves,
    Changes,
    /// Everything that can be asked for was; what runs may allow more.
    Waiting,
    Deletes,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pages {
    #[default]
    Unsettled,
    RemoteOnly,
}

impl Round {
    /// Something was observed: when this round is over another one follows.
    pub(in crate::folder) fn restart(&mut self) {
        self.again = true;
        self.unproven = true;
    }

    /// Deletes are counted anew, also if nothing differs from what was counted last.
    pub(in crate::folder) fn count_deletes_again(&mut self) {
        self.counted_at = None;
    }

    /// A move failed too often: this round makes no others.
    pub(in crate::folder) fn give_up_moves(&mut self) {
        self.moving.give_up();
    }

    /// It is known where everything is, so that moves may be made again.
    pub(in crate::folder) fn go_on_with_moves(&mut self) {
        self.moving.go_on();
    }

    /// Looks at so many rows in one step, instead of as many as take a fraction of a second.
    #[cfg(test)]
    pub(in crate::folder) fn set_most_rows(&mut self, rows: usize) {
        self.most_rows = Some(rows);
    }

    pub(in crate::folder) fn is_over(&self) -> bool {
        self.phase == Phase::Over && !self.again
    }

    /// Whether a round that was just asked for begins at once, if files are not being hashed.
    pub(in crate::folder) fn may_begin_at_once(&self) -> bool {
        matches!(self.phase, Phase::Over | Phase::Waiting)
    }

    /// Whether this round has not come further than to its moves.
    pub(in crate::folder) fn is_at_moves(&self) -> bool {
        self.phase == Phase::Moves
    }

    /// Whether moves of this round are still to be asked for.
    pub(in crate::folder) fn has_moves(&self) -> bool {
        self.moving.has_steps() || self.next_step.is_some()
    }

    /// Whether a directory is being worked through right now.
    pub(in crate::folder) fn is_in(&self, directory: NodeId) -> bool {
        self.phase == Phase::Changes && self.cursor.directory() == directory
    }

    /// Whether anything was done or seen since this was last asked. It counts once.
    pub(in crate::folder) fn take_unproven(&mut self) -> bool {
        std::mem::take(&mut self.unproven)
    }

    /// A step begins, in which only so many rows are looked at: what waits for an answer does not wait for a
    /// walk.
    pub(in crate::folder) fn begin_step(&mut self) {
        self.budget = self.most_rows.unwrap_or(MOST_ROWS);
        self.next_step = None;
    }

    /// Whether so many more rows may be looked at in this step; if not, another step is asked for.
    pub(super) fn spend(&mut self, rows: usize) -> bool {
        self.next_step = (self.budget == 0).then_some(Duration::ZERO);
        self.budget = self.budget.saturating_sub(rows);
        self.next_step.is_none()
    }

    /// At once, if there is more to look at than this step could.
    pub(in crate::folder) fn next_step(&self) -> Option<Duration> {
        self.next_step
    }

    pub(in crate::folder) fn deadline(&self) -> Option<Duration> {
        self.rest.until.filter(|_| self.again)
    }

    pub(in crate::folder) fn timer(&mut self, now: Now) {
        self.rest.timer(now);
        self.move_window = self.move_window.filter(|until| *until > now.monotonic);
    }

    /// Something has gone from the disk.
    pub(in crate::folder) fn open_move_window(&mut self, now: Now) {
        self.move_window = Some(now.monotonic + MOVE_WINDOW);
    }

    /// Until when nothing is taken for deleted, because it may turn up elsewhere.
    pub(in crate::folder) fn move_window(&self) -> Option<Duration> {
        self.move_window
    }

    pub(in crate::folder) fn begin(&mut self) {
        self.phase = Phase::Moves;
        self.rest = Rest::default();
        self.ahead.clear();
        self.cursor = Cursor::default();
        self.side = Pages::Unsettled;
        self.again = false;
        self.progressed = false;
        self.unproven = true;
        self.awaited_look = None;
        self.moving.begin();
        self.following = Following::default();
        self.counting_overwrites = overwriting::Counting::default();
    }
}

/// The pause after a round while files are being hashed.
///
/// Every hash asks for another round, and a round walks over all rows that are not settled yet, so without it
/// the time to take a folder up would grow with the square of its files. It follows what the round walked
/// over and nothing else: however long one file takes to be hashed, the others do not wait for it.
#[derive(Debug, Default)]
pub(super) struct Rest {
    walked: u32,
    until: Option<Duration>,
}

impl Rest {
    pub(super) fn walked(&mut self, rows: usize) {
        self.walked = self.walked.saturating_add(u32::try_from(rows).unwrap_or(u32::MAX));
    }

    /// The round is over.
    pub(in crate::folder) fn begin(&mut self, now: Now) {
        self.until = (self.walked > UNRESTED).then(|| now.monotonic + REST * self.walked);
    }

    fn timer(&mut self, now: Now) {
        self.until = self.until.filter(|time| *time > now.monotonic);
    }

    pub(in crate::folder) fn is_over(&self, now: Now) -> bool {
        self.until.is_none_or(|time| now.monotonic >= time)
    }
}

#[cfg(test)]
mod tests {
    use jottad_core::Timestamp;

    use super::*;

    fn at(time: Duration) -> Now {
        Now { monotonic: time, wall: Timestamp::from_seconds(0) }
    }

    fn after_a_round_over(rows: usize) -> Rest {
        let mut rest = Rest::default();
        rest.walked(rows);
        rest.begin(at(Duration::from_secs(1)));
        rest
    }

    #[test]
    fn few_rows_need_no_pause() {
        assert!(after_a_round_over(256).is_over(at(Duration::from_secs(1))));
    }

    #[test]
    fn the_pause_is_as_long_as_the_round() {
        for (rows, seconds) in [(10_000, 2), (1_000_000, 200)] {
            let rest = after_a_round_over(rows);
            let end = Duration::from_secs(1 + seconds);
            assert_eq!(rest.until, Some(end), "{rows} rows");
            assert!(!rest.is_over(at(end.saturating_sub(Duration::from_nanos(1)))), "{rows} rows");
            assert!(rest.is_over(at(end)), "{rows} rows");
        }
    }

    #[test]
    fn a_pause_that_is_over_wakes_nobody() {
        let mut round = Round { rest: after_a_round_over(1000), again: true, ..Round::default() };
        let end = round.deadline().expect("there is a pause");
        round.timer(at(end.saturating_sub(Duration::from_nanos(1))));
        assert_eq!(round.deadline(), Some(end));
        round.timer(at(end));
        assert_eq!(round.deadline(), None);
    }

    #[test]
    fn a_long_walk_is_made_in_steps() {
        let mut round = Round::default();
        let mut steps = 0;
        for _ in 0..100 {
            round.begin_step();
            assert_eq!(round.next_step(), None);
            while round.spend(256) {
                steps += 1;
            }
            assert_eq!(round.next_step(), Some(Duration::ZERO));
        }
        assert_eq!(steps, 100 * MOST_ROWS / 256);
    }

    #[test]
    fn nothing_to_plan_wakes_nobody() {
        let round = Round { rest: after_a_round_over(1000), ..Round::default() };
        assert_eq!(round.deadline(), None);
    }

    /// What is at work in it is not looked at, so that no look shows a part of it.
    #[test]
    fn a_directory_is_being_worked_through_while_changes_are_planned_in_it() {
        let mut node = crate::index::Node::new(NodeId(7), jottad_core::Name::new(b"a".to_vec()).unwrap());
        node.id = NodeId(8);
        let cursor = Cursor::after(&node);
        for phase in [Phase::Over, Phase::Moves, Phase::Changes, Phase::Waiting, Phase::Deletes] {
            let round = Round { phase, cursor, ..Round::default() };
            let is_in = [NodeId::ROOT, NodeId(7), NodeId(8)].map(|directory| round.is_in(directory));
            assert_eq!(is_in, [false, phase == Phase::Changes, false], "{phase:?}");
        }
    }
}
