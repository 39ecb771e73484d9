//! The end of a run: faults stop, and everything must come right by itself.

use std::time::Duration;

use jottad_engine::{
    FolderError, FolderStatus, Heard, HeldRoot, Hold, Pending, ProblemKind, Request, Verdict,
};

use crate::refusals::{Answer, Call, Refusal};
use crate::run::{Issued, Run};
use crate::scenario::{Act, Hints};

/// Longer than the longest time after which anything is tried again.
const PATIENCE: Duration = Duration::from_hours(48);
/// Long enough for everything but what is refused to be done.
const SETTLING: Duration = Duration::from_mins(10);
/// So many minutes in a row a folder may be offline for the pauses that the service asks for at some entries.
const MOST_MINUTES_OFFLINE: u32 = 60;
/// Longer than a full account is left alone.
const LONGEST_REST: Duration = Duration::from_mins(15);
/// Longer than a service is expected to be late.
const LATEST: Duration = Duration::from_secs(30);

impl Run<'_> {
    /// Lets faults stop and checks that both sides come to agree, that then nothing more is done, and that a
    /// restart finds nothing to do.
    pub(crate) fn come_to_rest(&mut self) -> Result<(), FolderError> {
        self.check_one_bad_entry()?;
        self.calm_down();
        if !self.converge()? {
            return Ok(());
        }
        self.check_outcome()?;
        self.check_second_pass()?;
        self.check_restart()?;
        self.check_idleness()?;
        if self.goes_on() { self.check_emptied_root() } else { Ok(()) }
    }

    /// What is refused at some entries does not stop the others: while nothing else is wrong the folder is
    /// not offline, or not all the time where the service asks for a pause.
    fn check_one_bad_entry(&mut self) -> Result<(), FolderError> {
        let knobs = &self.scenario.knobs;
        let asks_for_pause = |refusal: &Refusal| matches!(refusal.answer, Answer::Pause(_));
        let is_of_everything = |refusal: &Refusal| refusal.call == Call::ListTree;
        let pauses = if knobs.refusals.iter().any(asks_for_pause) { MOST_MINUTES_OFFLINE } else { 0 };
        let is_fair = {
            let weather = &self.world.lock().weather;
            knobs.remote_fault_permille == 0
                && !weather.offline
                && !weather.logged_out
                && !knobs.refusals.is_empty()
        };
        let is_everything_refused = knobs.refusals.iter().any(is_of_everything);
        let asks_too_much = is_everything_refused || pauses > 0;
        if !is_fair || (asks_too_much && !knobs.waits_on_refusals) {
            return Ok(());
        }
        self.rest()?;
        // Who is paused asks for nothing, and so cannot hear that the network is back.
        if self.status()?.is_some_and(|status| status.paused.is_some()) {
            return Ok(());
        }
        // Whatever is refused must not become a storm meanwhile.
        self.pass(SETTLING)?;
        if is_everything_refused {
            return Ok(());
        }
        for _ in 0..pauses {
            if self.is_offline()? {
                self.pass(Duration::from_mins(1))?;
            }
        }
        if self.is_offline()? {
            self.world.lock().violate("one bad entry stops the folder".to_owned());
        }
        Ok(())
    }

    fn is_offline(&self) -> Result<bool, FolderError> {
        Ok(self.status()?.is_some_and(|status| status.verdict == Verdict::Offline))
    }

    fn acts(&self) -> impl Iterator<Item = &Act> {
        self.scenario.before.iter().chain(self.scenario.steps.iter().map(|step| &step.act))
    }

    fn calm_down(&mut self) {
        let mut world = self.world.lock();
        let now = world.tick();
        world.trace.note(format_args!("CALM"));
        world.weather = crate::world::Weather { calm: true, ..Default::default() };
        world.disk.mount_everything();
        world.root_went = None;
        let locked: Vec<_> =
            world.disk.all().into_iter().filter(|(_, one)| !world.disk.inode(*one).readable).collect();
        for (_, serial) in &locked {
            world.disk.set_readable(*serial, true, now);
        }
        let had_broken_rules = world.mend_rules();
        let is_unmount = |act: &Act| matches!(act, Act::Unmount | Act::UnmountBelow(_) | Act::MoveRoot(_));
        let was_gone = self.scenario.steps.iter().any(|step| is_unmount(&step.act));
        // A name that a file loses changes its stat also under its other names, which no watcher tells of.
        let has_links = self.acts().any(|act| matches!(act, Act::Link(..)));
        // A directory with rules behind a link that led nowhere for a while is looked at again later.
        let has_linked_rules = self.acts().any(|act| matches!(act, Act::LinkRules(..)));
        let is_sure = world.knobs.hints == Hints::All
            && locked.is_empty()
            && !was_gone
            && !has_links
            && !had_broken_rules
            && !has_linked_rules;
        drop(world);
        self.request(Request::Resume);
        self.request(Request::Reconnect);
        if !is_sure {
            self.hint_everything();
        }
        if self.scenario.knobs.asks_at_end {
            self.request(Request::SyncNow);
        }
    }

    /// Tells whether both sides agree in the end.
    fn converge(&mut self) -> Result<bool, FolderError> {
        let end = self.world.lock().monotonic + PATIENCE;
        if self.scenario.mode.pulls() && !self.scenario.knobs.asks_at_end {
            // What others did on the service is noticed when it is asked next, which is the later the longer
            // a listing takes.
            self.rest()?;
            let poll = Duration::from_mins(self.scenario.knobs.poll_minutes.into());
            let asked = match self.status()?.and_then(|status| status.heard) {
                Some(Heard::Polls(interval)) => interval,
                _ => Duration::ZERO,
            };
            self.pass(poll.max(asked) + Duration::from_mins(6))?;
        }
        let mut idle_since = None;
        let reason = loop {
            self.rest()?;
            if self.leaves_undone(&mut idle_since)? {
                return Ok(false);
            }
            if !self.goes_on() {
                return Ok(false);
            }
            let Some(status) = self.status()? else { return Ok(false) };
            // No act takes the remote root away, so only a late service can hide it.
            if let Some(Hold::Root { reason, .. }) = &status.held
                && reason.contains("the remote folder is not there")
            {
                self.world.lock().violate("the remote root was taken for gone".to_owned());
                return Ok(false);
            }
            if status.verdict == Verdict::Held {
                let is_root = matches!(status.held, Some(Hold::Root { root: HeldRoot::Local, .. }));
                if is_root && self.scenario.knobs.brings_back {
                    self.reject();
                } else {
                    self.approve();
                }
                self.rest()?;
            }
            self.accept_lost_disks()?;
            // A person's word may have brought more to decide.
            let Some(status) = self.status()? else { return Ok(false) };
            let differences = self.differences()?;
            let problems = self.unexplained_problems()?;
            let reason = match (status.verdict, differences.first(), problems.first()) {
                (Verdict::InSync | Verdict::Problems, None, None) if status.settled => return Ok(true),
                (_, Some(difference), _) => difference.clone(),
                (_, _, Some(problem)) => format!("there is the problem {problem}"),
                (verdict, ..) => format!("the verdict stays {verdict:?}"),
            };
            if !self.next_timer(end)? {
                break reason;
            }
        };
        if self.goes_on() {
            self.world.lock().violate(format!("does not come to rest: {reason}"));
        }
        Ok(false)
    }

    /// Whether the folder has long had nothing under way although something is to be done, and neither a
    /// problem nor a person is to blame for that.
    fn leaves_undone(&self, idle_since: &mut Option<Duration>) -> Result<bool, FolderError> {
        let Some(status) = self.status()? else { return Ok(false) };
        let mut world = self.world.lock();
        let is_idle = |status: &FolderStatus| {
            status.settled
                && matches!(status.verdict, Verdict::InSync | Verdict::Working)
                && status.pending.is_some_and(|pending| pending != Pending::default())
        };
        *idle_since = is_idle(&status).then(|| idle_since.unwrap_or(world.monotonic));
        let is_long = idle_since.is_some_and(|since| world.monotonic.saturating_sub(since) > LONGEST_REST);
        if is_long {
            world.violate(format!("all is done, but {:?}", status.pending));
        }
        Ok(is_long)
    }

    /// A person says of every disk that cannot be mounted any more that it is gone for good, of one that
    /// hides something that it may, and of one that was mounted where another one had been that it belongs
    /// there.
    fn accept_lost_disks(&mut self) -> Result<(), FolderError> {
        for problem in self.folder.as_ref().map_or(Ok(Vec::new()), jottad_engine::Folder::problems)? {
            let is_to_stay = problem.kind == ProblemKind::MountChanged && {
                let disk = &self.world.lock().disk;
                disk.mounted_at(&problem.path).is_none()
                    || disk.holds_beneath(&problem.path)
                    || disk.has_orphans()
                    || disk.has_changed_disk(&problem.path)
                    || problem.reason.contains("over what was synced")
            };
            if is_to_stay {
                let mut world = self.world.lock();
                let gone = world.disk.orphaned().into_iter().chain(world.disk.hidden());
                let gone: Vec<_> = gone.map(|text| text.content()).collect();
                world.given_up.extend(gone);
                drop(world);
                self.request(Request::AcceptMount(problem.path));
                self.rest()?;
            }
        }
        Ok(())
    }

    fn check_outcome(&mut self) -> Result<(), FolderError> {
        let Some(status) = self.status()? else { return Ok(()) };
        let mut world = self.world.lock();
        if status.verdict == Verdict::InSync && status.proven_at.is_none() {
            world.violate("in sync without a proof".to_owned());
        }
        let pending = status.pending.unwrap_or_default();
        if status.verdict == Verdict::InSync && pending != Pending::default() {
            world.violate(format!("in sync, but {pending:?}"));
        }
        let lost = world.lost_from_view();
        for content in lost {
            world.violate(format!("{content:?} was saved and never given up, but is not live"));
        }
        Ok(())
    }

    fn check_second_pass(&mut self) -> Result<(), FolderError> {
        let problems = self.folder.as_ref().map_or(Ok(Vec::new()), jottad_engine::Folder::problems)?;
        let has_clash = problems.iter().any(|problem| problem.kind == ProblemKind::NameClash);
        if has_clash && !self.scenario.knobs.asks_at_end {
            // Two names clash as long as nobody has looked whether another device has put the service's word
            // on it, which this pass would be the first to do.
            self.request(Request::SyncNow);
            self.rest()?;
            self.pass(LATEST)?;
        }
        self.issued = Issued::default();
        self.request(Request::SyncNow);
        self.rest()?;
        // Where nobody asked for it before, this may be the first look at what others did a moment after
        // something was sent: that is looked at again before it is believed.
        let is_looking_again = self.status()?.is_some_and(|status| status.verdict == Verdict::Working);
        if is_looking_again && !self.scenario.knobs.asks_at_end {
            self.pass(LATEST)?;
        }
        // What cannot be done for another disk is tried again when a person asks.
        let hopeless = self.disk_problems()?;
        let unseen = u32::try_from(self.world.lock().disk.touched_by_name.len()).unwrap_or(u32::MAX);
        self.expect("a second pass", |issued| issued.hashes <= unseen && issued.operations <= hopeless);
        self.expect_agreement("after a second pass")
    }

    fn disk_problems(&self) -> Result<u32, FolderError> {
        let problems = self.folder.as_ref().map_or(Ok(Vec::new()), jottad_engine::Folder::problems)?;
        let count = problems.iter().filter(|problem| problem.kind == ProblemKind::LocalDisk).count();
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    fn check_restart(&mut self) -> Result<(), FolderError> {
        self.issued = Issued::default();
        self.kill()?;
        self.rest()?;
        // In modes that pull, the stamp alone is not enough (U-41).
        let listings = u32::from(self.scenario.mode.pulls());
        let hopeless = self.disk_problems()?;
        self.expect("a restart without changes", |issued| {
            issued.hashes == 0 && issued.operations <= hopeless && issued.listings <= listings
        });
        self.expect_agreement("after a restart")
    }

    fn check_idleness(&mut self) -> Result<(), FolderError> {
        self.issued = Issued::default();
        let hour = Duration::from_hours(1);
        self.pass(hour)?;
        let knobs = &self.scenario.knobs;
        let entries = u32::try_from(self.world.lock().disk.all().len()).unwrap_or(u32::MAX);
        let rounds = 60 / u32::from(knobs.backstop_minutes) + 1;
        let polls = 60 / u32::from(knobs.poll_minutes) + 1;
        // What no event tells of is read with every poll.
        let is_unheard = |act: &Act| matches!(act, Act::Link(..) | Act::LinkRules(..));
        let unheard = if self.acts().any(is_unheard) { polls * entries } else { 0 };
        // Where remote changes travel to the local side, every poll is a listing too.
        let listings = match (knobs.proves_by_cost, self.scenario.mode.pulls()) {
            (true, _) => 60,
            (false, true) => polls.max(rounds),
            (false, false) => rounds,
        };
        // Before each listing the stamp is read, and after each of the two the root is looked at.
        let most = 2 * polls + 3 * listings + unheard + rounds * (entries + 5);
        // They are tried again more and more seldom.
        let hopeless = self.disk_problems()? * 12;
        self.expect("an idle hour", |issued| {
            issued.all <= most + 4 * hopeless && issued.hashes == 0 && issued.operations <= hopeless
        });
        self.expect_agreement("after an idle hour")
    }

    fn expect(&self, what: &str, holds: impl Fn(&Issued) -> bool) {
        if !holds(&self.issued) {
            self.world.lock().violate(format!("{what} issues too much: {:?}", self.issued));
        }
    }

    fn expect_agreement(&self, when: &str) -> Result<(), FolderError> {
        let Some(status) = self.status()? else { return Ok(()) };
        let differences = self.differences()?;
        let mut world = self.world.lock();
        if !matches!(status.verdict, Verdict::InSync | Verdict::Problems) {
            world.violate(format!("{when} the verdict is {:?}", status.verdict));
        }
        if let Some(difference) = differences.first() {
            world.violate(format!("{when} {difference}"));
        }
        Ok(())
    }
}
