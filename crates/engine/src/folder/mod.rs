//! A folder as a deterministic state machine: an event and a time in, commands out.
//!
//! It owns the index and does no other I/O: it starts no thread, reads no clock and draws no random number.
//! A change goes through three rooms: [`local`] knows what the disk has, [`remote`] what the service has, and
//! [`plan`] what follows from both. [`in_flight`] is what is under way, [`proving`] tells as of when both
//! sides agree, and [`reporting`] answers questions. No room reaches into the state of another one.

mod backlog;
mod clock;
mod error;
mod explaining;
mod failures;
mod in_flight;
mod interrupting;
mod local;
mod namesakes;
mod operations;
mod pacing;
mod plan;
mod problems;
mod proving;
mod remote;
mod reporting;
mod requests;
mod resting;
mod settling;
#[cfg(any(test, feature = "simulation"))]
mod simulated;
mod transfers;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use jottad_core::{RelativePath, Timestamp};

use crate::event::{Command, CommandId, Event, LocalHint, Outcome, Task};
use crate::folder::plan::losing::{self, LossesInDoubt};
use crate::ignore_rules::IgnoreRules;
use crate::index::{Fact, HeldAction, Index, Local, Node, NodeId};
use crate::planted::{self, Planted};
use crate::settings::FolderSettings;
use crate::status::LogLine;
use crate::time::Now;

use backlog::Backlog;
use clock::Clock;
pub use error::FolderError;
use in_flight::InFlight;
use interrupting::Interrupting;
use local::arrivals::Arrivals;
use local::hashing::Hashing;
use local::mounting::Mounting;
use local::renamed::Renamed;
use local::root::Root;
use local::rules_settling::RulesSettling;
use local::scanning::Scanning;
use local::skipping::Skipping;
use local::standing::Standing;
use local::verifying::Verifying;
use pacing::Pacing;
use plan::resending::Resending;
use plan::respelling::Respelling;
use plan::round::Round;
pub use proving::Proof;
use proving::Proving;
use remote::claims::Claims;
use remote::connection::Connection;
use remote::contesting::Contesting;
use remote::hints::Hints;
use remote::listing::Listing;
use remote::move_in_doubt::MoveInDoubt;
use remote::recent_writes::RecentWrites;
use remote::rechecks::Rechecks;
use reporting::Tally;
use requests::Pause;
pub(crate) use resting::leave_word;
use resting::{Decision, LastWords};
use transfers::Transfers;

/// Something worth telling while it happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// An operation began.
    OperationStarted {
        /// Its command, to look its progress up.
        command: CommandId,
        /// The word for it.
        kind: &'static str,
        /// Where.
        path: RelativePath,
    },
    /// An operation ended.
    OperationEnded(LogLine),
    /// The folder was paused, or goes on.
    Paused(bool),
    /// Nothing is left that could be done now, after there was something.
    Settled,
}

/// What a folder was taken up for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// To bring both sides in step.
    Work,
    /// To find out what would be done: both sides are looked at, and nothing is changed.
    Look,
    /// To answer from the index: nothing is looked at.
    Rest,
}

/// One folder.
pub struct Folder {
    settings: FolderSettings,
    purpose: Purpose,
    rules: IgnoreRules,
    index: Index,
    next_command: u64,
    backlog: Backlog,
    commands: Vec<Command>,
    notices: Vec<Notice>,
    /// Whether nothing was left to do after the last step.
    settled: bool,
    /// A person stopped it: until then, or for ever.
    paused: Option<Pause>,
    interrupting: Interrupting,
    root: Root,
    scanning: Scanning,
    skipping: Skipping,
    standing: Standing,
    arrivals: Arrivals,
    hashing: Hashing,
    listing: Listing,
    hints: Hints,
    mounting: Mounting,
    rechecks: Rechecks,
    claims: Claims,
    recent_writes: RecentWrites,
    rules_settling: RulesSettling,
    renamed: Renamed,
    resending: Resending,
    move_in_doubt: MoveInDoubt,
    respelling: Respelling,
    verifying: Verifying,
    connection: Connection,
    contesting: Contesting,
    proving: Proving,
    clock: Clock,
    round: Round,
    in_flight: InFlight,
    transfers: Transfers,
    /// How often a row was worked on without settling.
    attempts: BTreeMap<NodeId, u32>,
    /// Of how many files of the base how many are made once and then left as they are, as last counted.
    written_once: Option<(u64, u64)>,
    losses_in_doubt: LossesInDoubt,
    pacing: Pacing,
    /// How often in a row what was seen was not written down at once.
    postponed: u32,
    /// What is still to be done, as far as it was counted for questions.
    tally: RefCell<Tally>,
    /// At rest: what the last run knew that is in no row.
    last_words: LastWords,
    /// What a person decided about a held root before this run.
    decision: Option<Decision>,
}

/// The time of the next try of a problem that is being tried now.
const BEING_TRIED: Timestamp = Timestamp::from_seconds(0);
/// A row that was worked on this often without settling is left alone for a while.
const MOST_ATTEMPTS: u32 = 6;
/// What was seen is written down at the latest after so many times.
const MOST_POSTPONED: u32 = 64;

impl Folder {
    /// Takes a folder up where its index left it. Nothing happens until [`Event::Started`].
    pub fn new(settings: FolderSettings, index: Index) -> Result<Self, FolderError> {
        let mut rules = IgnoreRules::with_own(&settings.ignore, &settings.own)?;
        rules.refresh(&index)?;
        let paused = match index.fact(Fact::Paused)?.as_deref() {
            None => None,
            Some("forever") => Some(Pause::Forever),
            Some(_) => {
                index.number(Fact::Paused)?.map(|seconds| Pause::Until(Timestamp::from_seconds(seconds)))
            }
        };
        let listing = Listing::new(&index)?;
        let move_in_doubt = MoveInDoubt::new(&index)?;
        let mut folder = Self {
            transfers: Transfers::new(&settings),
            settings,
            purpose: Purpose::Work,
            rules,
            index,
            next_command: 0,
            backlog: Backlog::default(),
            commands: Vec::new(),
            notices: Vec::new(),
            settled: false,
            paused,
            interrupting: Interrupting::default(),
            root: Root::default(),
            scanning: Scanning::default(),
            skipping: Skipping::default(),
            standing: Standing::default(),
            arrivals: Arrivals::default(),
            hashing: Hashing::default(),
            listing,
            hints: Hints::default(),
            mounting: Mounting::default(),
            rechecks: Rechecks::default(),
            claims: Claims::default(),
            recent_writes: RecentWrites::default(),
            rules_settling: RulesSettling::default(),
            renamed: Renamed::default(),
            resending: Resending::default(),
            move_in_doubt,
            respelling: Respelling::default(),
            verifying: Verifying::default(),
            connection: Connection::default(),
            contesting: Contesting::default(),
            proving: Proving::default(),
            clock: Clock::default(),
            round: Round::default(),
            in_flight: InFlight::default(),
            attempts: BTreeMap::new(),
            written_once: None,
            losses_in_doubt: LossesInDoubt::default(),
            pacing: Pacing::default(),
            postponed: 0,
            tally: RefCell::default(),
            last_words: LastWords::default(),
            decision: None,
        };
        losing::take_up(&mut folder.index)?;
        Ok(folder)
    }

    /// Only to find out what would be done. Both sides are looked at, no command changes anything on either,
    /// and what is seen goes into the index, which is best a copy.
    pub fn only_looking(mut self) -> Result<Self, FolderError> {
        self.purpose = Purpose::Look;
        self.paused = None;
        // By that it is foreseen what would be held.
        losing::take_up(&mut self.index)?;
        Ok(self)
    }

    /// Handles what happened and returns what is to be done about it. Everything that the commands rest on is
    /// durable when this returns; reading the disk rests on nothing.
    ///
    /// An error is fatal for this run of the folder; the index is left as of the last call.
    pub fn handle(
        &mut self,
        events: impl IntoIterator<Item = Event>,
        now: Now,
    ) -> Result<Vec<Command>, FolderError> {
        if self.purpose == Purpose::Rest {
            self.take_orders(events, now)?;
            return Ok(Vec::new());
        }
        self.follow_clock(now)?;
        self.forget_old_writes(now);
        self.backlog.begin_step(events, now);
        while self.work_off()?
            && let Some((event, came)) = self.backlog.next_event(now)
        {
            self.backlog.only_seen &= event.only_shows_the_disk();
            self.apply(event, came)?;
        }
        // Nothing is decided on a part of what was seen, nor written down.
        if self.backlog.is_idle() {
            self.advance(now)?;
        }
        if !self.backlog.is_idle() {
            return Ok(Vec::new());
        }
        self.notice_rest()?;
        self.claims.write_down(&mut self.index, now)?;
        let only_seen = std::mem::replace(&mut self.backlog.only_seen, true);
        self.write_down(only_seen)?;
        Ok(std::mem::take(&mut self.commands))
    }

    /// What no answer can be older than any more need not be remembered.
    fn forget_old_writes(&mut self, now: Now) {
        let asked_at = [self.listing.began_at(), self.rechecks.oldest_look()].into_iter().flatten().min();
        self.recent_writes.expire(asked_at.unwrap_or(now.monotonic).min(now.monotonic));
    }

    /// Whether what one event brought about is not done yet, so that another call is wanted at once.
    pub fn is_working_off(&self) -> bool {
        !self.backlog.is_idle()
    }

    /// Commits the index, which waits for the disk. What was only seen on the disk can be seen again after a
    /// crash, so while more of it is on its way several such steps share a commit.
    fn write_down(&mut self, only_seen: bool) -> Result<(), FolderError> {
        let is_looking_on = !self.commands.is_empty()
            && self.commands.iter().all(|command| command.task.only_reads_the_disk());
        if only_seen && is_looking_on && self.postponed < MOST_POSTPONED {
            self.postponed += 1;
            return Ok(());
        }
        self.postponed = 0;
        Ok(self.index.commit()?)
    }

    /// Writes down what was seen and still waits for that. Without it nothing is lost, but it has to be seen
    /// again.
    pub fn close(mut self) -> Result<(), FolderError> {
        if !self.backlog.is_idle() {
            // A part of what was seen is worse than nothing of it.
            return Ok(());
        }
        self.leave_last_words()?;
        Ok(self.index.close()?)
    }

    /// What happened since the last call, for people.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// When [`Event::Timer`] is wanted, on the monotonic clock; `None` while only an event can change
    /// anything.
    pub fn deadline(&self, now: Now) -> Result<Option<Duration>, FolderError> {
        if self.purpose == Purpose::Rest {
            return Ok(None);
        }
        if let Some(at_once) = self.backlog.deadline() {
            return Ok(Some(at_once));
        }
        let at_wall = |time: Timestamp| self.clock.when(time, now);
        if let Some(pause) = self.paused {
            return Ok(match pause {
                Pause::Forever => None,
                Pause::Until(time) => Some(at_wall(time)),
            });
        }
        let mut deadlines = vec![
            self.root.deadline(),
            self.scanning.deadline(),
            self.rules_settling.deadline().filter(|_| self.root.is_good()),
            self.connection.deadline(),
            self.rechecks.deadline(),
            self.listing.deadline(),
            self.resending.deadline(),
            self.proof_due(),
            self.move_in_doubt.deadline(),
            self.hints.deadline(),
            self.respelling.deadline(),
            self.pacing.deadline(),
        ];
        if !self.hashing.is_idle() {
            deadlines.push(self.round.deadline());
        }
        deadlines.extend([self.round.next_step(), self.round.move_window()]);
        deadlines.push(self.index.next_try()?.map(at_wall));
        Ok(deadlines.into_iter().flatten().min())
    }

    fn apply(&mut self, event: Event, now: Now) -> Result<(), FolderError> {
        match event {
            Event::Started => {
                self.take_up_orders(now)?;
                self.take_up_proof(now)?;
                if planted::is(Planted::HoldUnkept) {
                    self.index.approve_held(HeldAction::Delete)?;
                }
                self.check_times(now)?;
                self.notices.push(Notice::Paused(self.paused.is_some()));
                self.scanning.want_everything();
                let is_proven = self.index.number(Fact::ProvenAt)?.is_some();
                let listed_at = self.index.number(Fact::RemoteCheckedAt)?.filter(|_| is_proven);
                self.listing.start(&self.settings, listed_at.map(Timestamp::from_seconds), now);
                if self.index.fact(Fact::ContestedNames)?.is_some() {
                    self.listing.want_everything();
                }
                self.claims.take_up(&self.index)?;
                self.follow_earlier_run(now)?;
                // A person may have mended what was wrong and started anew for that very reason.
                self.retry_all_problems()?;
            }
            Event::LocalHints(hints) => hints.into_iter().for_each(|hint| self.local_hint(hint, now)),
            Event::RemoteHint(hint) => self.remote_hint(hint, now)?,
            Event::Timer => self.timer(now)?,
            Event::TurnedAway => self.transfers.turned_away(now),
            Event::Request(request) => self.request(&request, now)?,
            Event::Listed(command, entries) => self.merge_listed(command, &entries, now)?,
            Event::Completed(command, outcome) => self.complete(command, outcome, now)?,
        }
        Ok(())
    }

    fn local_hint(&mut self, hint: LocalHint, now: Now) {
        if !matches!(hint, LocalHint::Unheard | LocalHint::Heard) {
            self.proving.local_word_came(now);
        }
        if let LocalHint::Directory(path) | LocalHint::Subtree(path) = &hint
            && let Some(place) = self.renamed.place_of(path, now)
        {
            match hint {
                LocalHint::Subtree(_) => self.scanning.want_subtree(place),
                _ => self.scanning.want_directory(place),
            }
        }
        match hint {
            LocalHint::Directory(path) => {
                if path.is_root() && self.rules.is_unread() {
                    // They may have been mended, and until then the root is held.
                    self.root.doubt();
                }
                self.scanning.want_directory(path);
            }
            // Who cannot watch asks for everything from time to time, which proves what a full scan proves.
            LocalHint::Subtree(path) if path.is_root() && !self.settings.watched => {
                self.scanning.want_everything();
            }
            LocalHint::Subtree(path) => self.scanning.want_subtree(path),
            LocalHint::Root => {
                self.root.told_of();
                self.scanning.want_everything();
            }
            LocalHint::Unheard => {
                self.settings.watched = false;
                self.scanning.scan_within(proving::scan_interval(&self.index, &self.settings), now);
            }
            LocalHint::Heard => self.settings.watched = true,
        }
    }

    fn timer(&mut self, now: Now) -> Result<(), FolderError> {
        if let Some(Pause::Until(time)) = self.paused
            && now.wall >= time
        {
            self.set_pause(None)?;
        }
        self.root.timer(now);
        if self.scanning.timer(now) {
            self.root.doubt();
        }
        self.read_rules_again(now)?;
        if self.connection.timer(now) && !planted::is(Planted::RoomNotNoticed) {
            self.round.restart();
        }
        self.rechecks.timer(now);
        self.listing.timer(now);
        self.prove_in_time(now);
        self.move_in_doubt.timer(now);
        self.hints.timer(now);
        self.round.timer(now);
        if self.pacing.timer(now) {
            // What rested was left out when deletes were counted.
            self.round.count_deletes_again();
            self.hashing.restart();
            self.round.restart();
        }
        if self.respelling.timer(now) | self.resending.timer(now) {
            self.round.restart();
        }
        self.retry_due_problems(now)?;
        Ok(())
    }

    /// Asks for everything that can be done now.
    fn advance(&mut self, now: Now) -> Result<(), FolderError> {
        self.rules.refresh(&self.index)?;
        self.review_contests()?;
        self.round.begin_step();
        self.note_held_root()?;
        if self.paused.is_some() {
            return Ok(());
        }
        if !self.check_root(now) {
            if self.root.held().is_some() {
                self.proving.discard();
                self.follow_decision(now)?;
            }
            return Ok(());
        }
        self.review_mounts(now)?;
        if !self.backlog.is_idle() {
            return Ok(());
        }
        self.issue_scans(now)?;
        if self.scanning.is_idle() {
            self.review_arrivals(now)?;
            if !self.backlog.is_idle() {
                return Ok(());
            }
            if !self.scanning.is_idle() {
                self.issue_scans(now)?;
            }
        }
        if self.scanning.is_idle() {
            self.end_full_scan(now)?;
            self.issue_hashes()?;
            self.issue_verifications(now)?;
        }
        self.issue_probe();
        if self.connection.is_open() && self.resolve_move()? {
            self.take_up_hints(now)?;
            self.issue_listing(now);
            if self.scanning.is_idle() && self.listing.is_known() {
                self.plan(now)?;
            }
            self.issue_rechecks(now)?;
        }
        if self.give_up_waiting_arrivals(now)? {
            if !self.backlog.is_idle() {
                return Ok(());
            }
            self.issue_scans(now)?;
        }
        self.prove(now)
    }

    fn issue(&mut self, task: Task) -> CommandId {
        self.next_command += 1;
        let id = CommandId(self.next_command);
        let mounts = self.mounting.expected_for(&task);
        self.commands.push(Command { id, task, mounts });
        id
    }

    fn complete(&mut self, command: CommandId, outcome: Outcome, now: Now) -> Result<(), FolderError> {
        match outcome {
            Outcome::Root(result) => self.root_checked(result, now)?,
            Outcome::Claimed(result) => self.root_claimed(result, now)?,
            Outcome::Scanned(result) => self.scanned(command, result, now)?,
            Outcome::Hashed(results) if self.verifying.asked(command) => {
                self.verified(command, results, now)?;
            }
            Outcome::Hashed(results) => self.hashed(command, results, now)?,
            Outcome::Polled(result) if self.connection.asked(command) => self.probe_ended(result, now)?,
            Outcome::Polled(result) => self.polled(result, now)?,
            Outcome::ListingEnded(result) => self.listing_ended(command, result, now)?,
            Outcome::ListedDirectory(result) => self.directory_looked_at(command, result, now)?,
            Outcome::Looked(result) if self.move_in_doubt.asked(command) => {
                self.move_looked_at(command, result, now)?;
            }
            Outcome::Looked(result) => self.entry_looked_at(command, result, now)?,
            Outcome::Operation(result) => self.operation_ended(command, result, now)?,
        }
        Ok(())
    }

    /// Saves a row whose observation changed: what was wrong with it before may be mended.
    fn save_observed(&mut self, node: &mut Node) -> Result<(), FolderError> {
        if !node.local.is_directory() {
            self.skipping.forget(node.id);
        }
        if node.id != NodeId::NEW {
            if matches!(node.local, Local::File { md5: None, .. }) && self.index.problem(node.id)?.is_some() {
                // What kept it from being hashed was a problem until now, and nothing else remembers it.
                self.hashing.restart();
            }
            if !problems::remains(&self.index, node)? {
                self.index.clear_problem(node.id)?;
            }
            self.attempts.remove(&node.id);
        }
        self.index.save(node)?;
        self.round.restart();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
