//! One run: the real folder and its real index in a simulated world, until the world has come to rest.

use std::time::Duration;

use jottad_core::{DeleteLimits, Parallel, RelativePath};
use jottad_engine::{
    Command, Event, Folder, FolderError, FolderSettings, FolderStatus, LocalHint, Outcome, ProofInterval,
    RemoteHint, Request, Task,
};

use crate::executor::Executor;
use crate::index_file::IndexFile;
use crate::news::News;
use crate::proof::Proofs;
use crate::scenario::{Act, After, Scenario, Work};
use crate::simulated_disk;
use crate::world::{Shared, World};

/// More moves than any honest run takes.
const MOST_MOVES: u64 = 200_000;
/// So many moves are waited for that something is worked on.
const MOST_WAIT_FOR_WORK: u32 = 150;
/// So many timers in a row without time passing are a busy loop.
const MOST_TIMERS: u32 = 100;

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What must never happen and did; empty if all is well.
    pub violations: Vec<String>,
    /// A number that equal runs share, if what happens was asked for.
    pub trace: u64,
    /// What happened, if it was asked for.
    pub lines: Vec<String>,
    /// How often commands and events moved.
    pub moves: u64,
    /// The most requests in a minute in which nothing changed, and the most of them for one thing.
    pub busiest: (u32, u32),
}

/// Runs a scenario, with chance from a seed.
pub fn run(scenario: &Scenario, seed: u64, keeps_trace: bool) -> Report {
    let attempt = std::panic::catch_unwind(|| {
        let mut run = Run::new(scenario, seed, keeps_trace);
        let result = run.play();
        if let Err(error) = result {
            run.world.lock().violate(format!("the folder gave up: {error}"));
        }
        run.report()
    });
    attempt.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        let violations = vec![format!("panic: {}", text.unwrap_or_default())];
        Report { violations, trace: 0, lines: Vec::new(), moves: 0, busiest: (0, 0) }
    })
}

/// A run under way.
pub(crate) struct Run<'scenario> {
    pub(crate) scenario: &'scenario Scenario,
    pub(crate) world: Shared,
    pub(crate) folder: Option<Folder>,
    pub(crate) executor: Executor,
    pub(crate) proofs: Proofs,
    index: IndexFile,
    moves: u64,
    timers: u32,
    /// From whom there can be news.
    news: News,
    /// Commands of each sort since the counters were reset.
    pub(crate) issued: Issued,
}

/// Counts commands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Issued {
    pub(crate) all: u32,
    pub(crate) hashes: u32,
    pub(crate) listings: u32,
    pub(crate) operations: u32,
}

impl Issued {
    fn count(&mut self, task: &Task) {
        self.all += 1;
        match task {
            Task::CheckRoot
            | Task::ClaimRoot { .. }
            | Task::Scan { .. }
            | Task::ListDirectory { .. }
            | Task::Look { .. }
            | Task::Poll => {}
            Task::Hash { files } => self.hashes += u32::try_from(files.len()).unwrap_or(u32::MAX),
            Task::ListTree => self.listings += 1,
            _ => self.operations += 1,
        }
    }
}

impl<'scenario> Run<'scenario> {
    fn new(scenario: &'scenario Scenario, seed: u64, keeps_trace: bool) -> Self {
        Self {
            scenario,
            world: Shared::new(World::new(scenario.mode, &scenario.knobs, seed, keeps_trace)),
            folder: None,
            executor: Executor::default(),
            proofs: Proofs::default(),
            index: IndexFile::of_life(seed),
            moves: 0,
            timers: 0,
            news: scenario.news(),
            issued: Issued::default(),
        }
    }

    fn report(mut self) -> Report {
        // What cannot be closed is not used again.
        if self.die().is_ok() {
            self.index.leave();
        }
        let mut world = self.world.lock();
        Report {
            violations: std::mem::take(&mut world.violations),
            trace: world.trace.hash(),
            lines: world.trace.lines().to_vec(),
            moves: self.moves,
            busiest: (world.request_rate.most, world.request_rate.most_of_one),
        }
    }

    fn play(&mut self) -> Result<(), FolderError> {
        for act in &self.scenario.before {
            self.note_act(act);
            let mut world = self.world.lock();
            world.let_people(act);
            // Nobody watches yet.
            world.hints.clear();
        }
        self.open()?;
        for step in &self.scenario.steps {
            self.wait(step.after)?;
            if !self.goes_on() {
                return Ok(());
            }
            self.act(&step.act)?;
        }
        self.come_to_rest()
    }

    /// Whether it is worth going on: nothing went wrong for good.
    pub(crate) fn goes_on(&self) -> bool {
        self.world.lock().violations.is_empty()
    }

    fn settings(&self) -> FolderSettings {
        let knobs = &self.scenario.knobs;
        let transfers = match knobs.transfers {
            0 => Parallel::Auto,
            number => Parallel::Fixed(number.into()),
        };
        FolderSettings {
            name: "docs".to_owned(),
            mode: self.scenario.mode,
            max_size: None,
            ignore: Vec::new(),
            own: Vec::new(),
            delete_limits: DeleteLimits { max_deletes: knobs.max_deletes.into(), max_delete_percent: 50 },
            poll: Duration::from_mins(knobs.poll_minutes.into()),
            resend: Duration::ZERO,
            scan: Duration::from_mins(knobs.backstop_minutes.into()),
            list: Duration::from_mins(knobs.backstop_minutes.into()),
            proof: if knobs.proves_by_cost {
                ProofInterval::Auto
            } else {
                let pulls = self.scenario.mode.pulls();
                let minutes = if pulls {
                    knobs.poll_minutes.min(knobs.backstop_minutes)
                } else {
                    knobs.backstop_minutes
                };
                ProofInterval::Every(Duration::from_mins(minutes.into()))
            },
            watched: true,
            list_at_start: false,
            uploads: transfers,
            downloads: transfers,
            host: "kari".to_owned(),
        }
    }

    fn open(&mut self) -> Result<(), FolderError> {
        let (index, was_damaged) = self.index.open()?;
        if was_damaged {
            self.world.lock().violate("the index was found damaged".to_owned());
        }
        let mut folder = Folder::new(self.settings(), index)?;
        if self.scenario.knobs.is_prompt {
            folder = folder.with_staleness_window(Duration::ZERO);
        }
        if self.scenario.knobs.rows_in_a_page > 0 {
            folder = folder.in_pages_of(self.scenario.knobs.rows_in_a_page.into());
        }
        self.folder = Some(match self.scenario.knobs.rows_in_a_step {
            0 => folder,
            rows => folder.in_steps_of(rows.into()),
        });
        self.handle(vec![Event::Started])
    }

    /// Ends the process at once and starts it again.
    pub(crate) fn kill(&mut self) -> Result<(), FolderError> {
        self.die()?;
        {
            let mut world = self.world.lock();
            world.inbox.clear();
            world.hints.clear();
            world.root_is_settled = false;
            world.batches_taken = world.batches_sent;
            world.monotonic += Duration::from_secs(1);
        }
        self.open()?;
        if self.world.lock().listening {
            self.hear(RemoteHint::Listening);
        }
        Ok(())
    }

    fn die(&mut self) -> Result<(), FolderError> {
        self.executor.clear();
        self.proofs = Proofs::default();
        if let Some(folder) = self.folder.take() {
            self.index.close(folder.crash())?;
        }
        Ok(())
    }

    fn note_act(&self, act: &Act) {
        let mut world = self.world.lock();
        let now = world.monotonic;
        // Whatever a person does, or a new process, may be a reason to ask the service.
        world.ticks += 1;
        world.trace.note(format_args!("{now:?} {act:?}"));
    }

    fn act(&mut self, act: &Act) -> Result<(), FolderError> {
        self.note_act(act);
        match act {
            Act::Kill => self.kill()?,
            // Without its index nobody can tell the place of a lost disk from a new folder, and nobody says
            // of an empty mount point that it is the right one, or has it filled.
            Act::LoseIndex | Act::Approve | Act::Reject if !self.world.lock().disk.is_mounted => {}
            Act::LoseIndex => {
                self.die()?;
                self.index.lose()?;
                {
                    let mut world = self.world.lock();
                    world.root_was_seen = false;
                    // What the run before did is to this one as if another device had done it.
                    world.others_changed = Some(world.monotonic);
                }
                self.kill()?;
            }
            Act::SyncNow => self.request(Request::SyncNow),
            Act::Pause => self.request(Request::Pause(Some(Duration::from_mins(30)))),
            Act::PauseTransfer => {
                self.go_on_until(Work::Transfer)?;
                self.request(Request::Pause(Some(Duration::from_mins(30))));
            }
            Act::Resume => self.request(Request::Resume),
            Act::Approve => self.approve(),
            Act::WriteIntoWork(work, number) => self.write_into_work(*work, *number)?,
            Act::Reject => self.reject(),
            Act::RemoteHint => self.hear(RemoteHint::Anywhere),
            Act::Listen(listening) => {
                self.world.lock().listening = *listening;
                self.hear(if *listening { RemoteHint::Listening } else { RemoteHint::Deaf });
            }
            _ => {
                self.world.lock().let_people(act);
                if *act == Act::LogIn {
                    self.request(Request::Reconnect);
                }
            }
        }
        Ok(())
    }

    fn hear(&self, hint: RemoteHint) {
        self.world.lock().inbox.push(Event::RemoteHint(hint));
    }

    fn write_into_work(&mut self, work: Work, number: u32) -> Result<(), FolderError> {
        self.go_on_until(work)?;
        if let Some(path) = self.executor.works_at(work) {
            self.world.lock().save_at_work(path, number);
        }
        Ok(())
    }

    /// Goes on until something of this sort is being done, and maybe for a few moves of it.
    fn go_on_until(&mut self, work: Work) -> Result<(), FolderError> {
        for _ in 0..MOST_WAIT_FOR_WORK {
            if self.executor.works_at(work).is_some() || !self.advance()? {
                break;
            }
        }
        let moves = self.world.lock().random.u8(0..6);
        for _ in 0..moves {
            if self.executor.works_at(work).is_some() {
                self.advance()?;
            }
        }
        Ok(())
    }

    pub(crate) fn approve(&self) {
        self.world.lock().decided.approved = true;
        self.request(Request::Approve);
    }

    pub(crate) fn reject(&self) {
        self.world.lock().decided.wants_back = true;
        self.request(Request::Reject);
    }

    pub(crate) fn request(&self, request: Request) {
        self.world.lock().inbox.push(Event::Request(request));
    }

    fn wait(&mut self, after: After) -> Result<(), FolderError> {
        match after {
            After::Moves(count) => {
                for _ in 0..count {
                    if !self.advance()? {
                        break;
                    }
                }
            }
            After::Rest => self.rest()?,
            After::Seconds(seconds) => {
                self.rest()?;
                self.pass(Duration::from_secs(seconds.into()))?;
            }
            After::Pending(seconds) => {
                let end = self.world.lock().monotonic + Duration::from_secs(seconds.into());
                self.go_on_until_time(end)?;
                let mut world = self.world.lock();
                world.monotonic = world.monotonic.max(end);
            }
        }
        Ok(())
    }

    /// Goes on until nothing moves without time passing. What only sleeps for a moment is waited for.
    pub(crate) fn rest(&mut self) -> Result<(), FolderError> {
        loop {
            while self.advance()? {}
            let Some(time) = self.executor.wakes_at().filter(|_| self.goes_on()) else { return Ok(()) };
            // What becomes due while an answer hangs is not put off.
            if self.scenario.knobs.hang_permille > 0 && self.timer_before(time)? {
                continue;
            }
            let mut world = self.world.lock();
            world.monotonic = world.monotonic.max(time);
        }
    }

    /// Goes on until a time, and no further: what sleeps for longer goes on sleeping.
    fn go_on_until_time(&mut self, end: Duration) -> Result<(), FolderError> {
        loop {
            while self.advance()? {}
            if !self.goes_on() {
                return Ok(());
            }
            let wakes = self.executor.wakes_at().filter(|time| *time <= end);
            if self.timer_before(wakes.unwrap_or(end))? {
                continue;
            }
            let Some(time) = wakes else { return Ok(()) };
            let mut world = self.world.lock();
            world.monotonic = world.monotonic.max(time);
        }
    }

    /// Lets time pass, with everything that becomes due.
    pub(crate) fn pass(&mut self, duration: Duration) -> Result<(), FolderError> {
        let end = self.world.lock().monotonic + duration;
        while self.goes_on() {
            if !self.next_timer(end)? {
                let mut world = self.world.lock();
                world.monotonic = world.monotonic.max(end);
                return Ok(());
            }
        }
        Ok(())
    }

    /// Goes to the folder's next deadline and comes to rest again; `false` if it is later than `end`.
    pub(crate) fn next_timer(&mut self, end: Duration) -> Result<bool, FolderError> {
        let is_due = self.timer_before(end)?;
        if is_due {
            self.rest()?;
        }
        Ok(is_due)
    }

    /// Goes to the folder's next deadline; `false` if it is later than `end`.
    fn timer_before(&mut self, end: Duration) -> Result<bool, FolderError> {
        let now = self.world.lock().now();
        let Some(folder) = &self.folder else { return Ok(false) };
        let Some(deadline) = folder.deadline(now)? else { return Ok(false) };
        if deadline > end {
            return Ok(false);
        }
        // As the real loop does: deadlines on the wall clock are in whole seconds.
        let due = deadline.max(now.monotonic) + Duration::from_millis(1);
        self.timers = if due > now.monotonic + Duration::from_millis(2) { 0 } else { self.timers + 1 };
        if self.timers > MOST_TIMERS {
            self.world.lock().violate("the folder asks for timers without end".to_owned());
            return Ok(false);
        }
        self.world.lock().monotonic = due;
        self.handle(vec![Event::Timer])?;
        Ok(true)
    }

    /// One move of anything that can move; `false` if nothing can.
    fn advance(&mut self) -> Result<bool, FolderError> {
        self.moves += 1;
        let mut world = self.world.lock();
        if self.moves > MOST_MOVES {
            world.violate("the run does not end".to_owned());
        }
        if !world.violations.is_empty() {
            return Ok(false);
        }
        let ready = self.executor.ready(world.monotonic, world.batches_taken);
        let letters = usize::from(!world.inbox.is_empty());
        let hints = usize::from(!world.hints.is_empty());
        let steps = usize::from(self.folder.as_ref().is_some_and(Folder::is_working_off));
        let weight = ready.len() * usize::from(self.scenario.knobs.haste);
        let all = weight + letters * 5 + hints * 2 + steps * 9;
        if all == 0 {
            return Ok(false);
        }
        let microseconds = world.random.u64(0..3000);
        world.monotonic += Duration::from_micros(microseconds);
        let choice = world.random.usize(0..all);
        if choice < weight {
            let index = ready[choice % ready.len()];
            drop(world);
            self.executor.advance(index, &self.world);
        } else if choice < weight + letters * 5 {
            let letters = world.inbox.len();
            let count = world.random.usize(1..=letters);
            let events: Vec<Event> = world.inbox.drain(..count).collect();
            drop(world);
            self.handle(events)?;
        } else if choice >= weight + letters * 5 + hints * 2 {
            drop(world);
            self.handle(vec![Event::Timer])?;
        } else {
            let count = world.hints.len();
            let index = world.random.usize(0..count);
            let hint = world.hints.swap_remove(index);
            world.inbox.push(Event::LocalHints(vec![hint]));
        }
        Ok(true)
    }

    pub(crate) fn handle(&mut self, events: Vec<Event>) -> Result<(), FolderError> {
        let Some(folder) = &mut self.folder else { return Ok(()) };
        let now = {
            let mut world = self.world.lock();
            let batches = events.iter().filter(|event| matches!(event, Event::Listed(..))).count();
            world.batches_taken += batches as u64;
            world.now()
        };
        {
            let mut world = self.world.lock();
            for event in &events {
                // What was seen of it before a crash is not known.
                if let Event::Completed(_, Outcome::Root(Ok(found))) = event {
                    world.root_was_seen |= found.file_system == simulated_disk::ROOT;
                }
                if !matches!(event, Event::Completed(..)) {
                    world.trace.note(format_args!("{:?} {event:?}", now.monotonic));
                }
            }
        }
        for command in folder.handle(events, now)? {
            let Command { id, task, .. } = &command;
            self.world.lock().trace.note(format_args!("{:?} {} {task:?}", now.monotonic, id.0));
            self.issued.count(task);
            self.world.lock().check_news(self.news, task);
            self.executor.start(command, &self.world);
        }
        for interrupted in folder.take_interrupted() {
            self.executor.interrupt(interrupted, &self.world);
        }
        drop(folder.take_notices());
        self.check_proof()
    }

    pub(crate) fn status(&self) -> Result<Option<FolderStatus>, FolderError> {
        self.folder.as_ref().map(Folder::status).transpose()
    }

    /// A hint for everything.
    pub(crate) fn hint_everything(&self) {
        self.world.lock().inbox.push(Event::LocalHints(vec![LocalHint::Root]));
        self.world.lock().inbox.push(Event::LocalHints(vec![LocalHint::Subtree(RelativePath::root())]));
    }
}
