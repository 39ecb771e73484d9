//! How many transfers go on at one time: a fixed number, or one that follows what the service and the line
//! bear.
//!
//! This is a concurrency limit found by hill climbing on throughput, with a multiplicative decrease on
//! failures (as in AIMD), a slow start, and a validation of the limit (RFC 7661): what was not made use of is
//! no evidence. By Little's law the throughput at a given limit also tells the latency, so latency that rises
//! without more throughput shows as a limit that could be halved at no loss.
//!
//! Nothing here reads a clock: time comes in with each call, and equal calls lead to equal limits.

use std::time::Duration;

/// The limits that are tried, each twice the one before. With less than two, one file that gets no answer
/// would keep all others waiting.
const LIMITS: [usize; 5] = [2, 4, 8, 16, 32];
/// Where it begins: at 4.
const FIRST: usize = 1;
/// Files below this size are small: they wait for answers and not for bandwidth, so more of them go on at one
/// time.
const SMALL: u64 = 64 << 10;
/// Most transfers at one time of files that are not small.
const MOST: usize = 16;
/// What a file costs besides its bytes, in bytes: throughput is counted in both, so that neither many small
/// files nor a few big ones are taken for nothing.
const FOR_EACH_FILE: u64 = 64 << 10;

/// No sample is shorter: in less time chance says more than the limit.
const SHORTEST_SAMPLE: Duration = Duration::from_millis(100);
/// A higher limit is worth it if throughput rises by so much; as much as can be is twice.
const GAIN: f64 = 1.05;
/// A lower limit costs nothing if so much of the throughput stays.
const NO_LOSS: f64 = 0.98;
/// Throughput that stays below this part of what it was, for so many samples, calls for a look at a lower
/// limit.
const FALL: f64 = 0.7;
const LOW_SAMPLES: u32 = 2;
/// What is remembered of a lower limit's throughput, as a part of that at the limit in use, makes it worth
/// another look.
const NEARLY: f64 = 0.9;
/// Samples between two looks at another limit: at first, and at most. It doubles with each look in vain.
const PATIENCE: u32 = 2;
const LONGEST_PATIENCE: u32 = 256;
/// Samples in which a limit that led to failures is not tried again: at first, and at most. It doubles each
/// time.
const SHORTEST_SHUNNING: u32 = 16;
const LONGEST_SHUNNING: u32 = 1024;
/// So many samples later, what is remembered of another limit is not worth much.
const STALE: u32 = 64;

/// How many transfers may go on at one time, as it is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parallel {
    /// As many as the service and the line bear.
    Auto,
    /// Exactly so many.
    Fixed(usize),
}

/// What the end of a transfer says of the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It carried its content.
    Done,
    /// The service failed, could not be reached or asked to slow down.
    Failed,
    /// It ended for a reason of its own.
    Unrelated,
}

/// The limit on transfers of one kind, uploads or downloads.
#[derive(Debug, Clone)]
pub struct Concurrency(Way);

/// That a transfer has begun, and after how many decreases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Began(u32);

#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "there are two of them for a folder, and mostly adaptive ones")]
enum Way {
    Fixed(usize),
    Adaptive(Adaptive),
}

impl Concurrency {
    /// A limit as it is configured.
    pub const fn new(parallel: Parallel) -> Self {
        Self(match parallel {
            Parallel::Auto => Way::Adaptive(Adaptive::new()),
            Parallel::Fixed(limit) => Way::Fixed(limit),
        })
    }

    /// Whether it follows what happens.
    pub const fn is_adaptive(&self) -> bool {
        matches!(self.0, Way::Adaptive(_))
    }

    /// Most transfers at one time for a file of so many bytes to be begun.
    pub fn limit(&self, bytes: u64) -> usize {
        match &self.0 {
            Way::Fixed(limit) => *limit,
            Way::Adaptive(adaptive) => adaptive.limit(bytes),
        }
    }

    /// A transfer begins; what comes back is for its end.
    pub fn began(&mut self, now: Duration) -> Began {
        match &mut self.0 {
            Way::Fixed(_) => Began(0),
            Way::Adaptive(adaptive) => adaptive.began(now),
        }
    }

    /// A transfer has ended, after a content of so many bytes.
    pub fn ended(&mut self, began: Began, bytes: u64, ending: Ending, now: Duration) {
        if let Way::Adaptive(adaptive) = &mut self.0 {
            adaptive.ended(began, bytes, ending, now);
        }
    }

    /// The service has turned a request away because there were too many.
    pub fn turned_away(&mut self, now: Duration) {
        if let Way::Adaptive(adaptive) = &mut self.0 {
            adaptive.turned_away(now);
        }
    }
}

#[derive(Debug, Clone)]
struct Adaptive {
    /// Which of [`LIMITS`] is in use.
    level: usize,
    /// The other level that is only tried, and the one to go back to if it is no better.
    trial: Option<Trial>,
    in_flight: usize,
    sample: Sample,
    /// The samples so far.
    samples: u32,
    /// What is remembered of each level.
    known: [Known; LIMITS.len()],
    /// Samples until another level is tried.
    rest: u32,
    /// How many there will be after the next trial in vain.
    patience: u32,
    /// Samples in a row in which throughput was low.
    low: u32,
    /// The next trial is of a lower level.
    is_down_next: bool,
    /// So many that were begun before the limit was last lowered are still to end: they say nothing of it.
    older: usize,
    /// Failures of what was begun before the last decrease say nothing new.
    decreases: u32,
}

#[derive(Debug, Clone, Copy)]
struct Trial {
    home: usize,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    /// Work in each second, and the sample in which that was.
    throughput: Option<f64>,
    sample: u32,
    /// It led to failures, and is not tried before this sample; next time, for so many samples.
    shunned_until: u32,
    shunned_for: u32,
}

impl Known {
    const NOTHING: Self =
        Self { throughput: None, sample: 0, shunned_until: 0, shunned_for: SHORTEST_SHUNNING };
}

/// What has ended since a moment.
#[derive(Debug, Clone, Copy)]
struct Sample {
    since: Option<Duration>,
    ended: usize,
    work: u64,
    /// The most that were in flight.
    most: usize,
    /// Transfers in flight, summed up over time in nanoseconds.
    busy: u128,
    /// Until when they are summed up.
    until: Duration,
    /// Some file was not small.
    is_large: bool,
}

impl Sample {
    const fn empty() -> Self {
        Self { since: None, ended: 0, work: 0, most: 0, busy: 0, until: Duration::ZERO, is_large: false }
    }

    fn length(&self) -> Duration {
        self.since.map_or(Duration::ZERO, |since| self.until.saturating_sub(since))
    }

    /// Work in each second.
    #[expect(clippy::cast_precision_loss, reason = "a rate need not be exact")]
    fn throughput(&self) -> f64 {
        self.work as f64 / self.length().as_secs_f64().max(f64::MIN_POSITIVE)
    }

    /// Whether three quarters of so many were in flight, over the time.
    fn is_full(&self, limit: usize) -> bool {
        self.busy * 4 >= self.length().as_nanos() * limit as u128 * 3
    }
}

impl Adaptive {
    const fn new() -> Self {
        Self {
            level: FIRST,
            trial: None,
            in_flight: 0,
            sample: Sample::empty(),
            samples: 0,
            known: [Known::NOTHING; LIMITS.len()],
            rest: 0,
            patience: PATIENCE,
            low: 0,
            is_down_next: false,
            older: 0,
            decreases: 0,
        }
    }

    fn limit(&self, bytes: u64) -> usize {
        let limit = LIMITS[self.level];
        if bytes < SMALL { limit } else { limit.min(MOST) }
    }

    fn began(&mut self, now: Duration) -> Began {
        if self.in_flight == 0 && now.saturating_sub(self.sample.until) > SHORTEST_SAMPLE {
            // There was nothing to do.
            self.older = 0;
            self.begin_sample(now);
        }
        self.pass(now);
        self.in_flight += 1;
        self.sample.most = self.sample.most.max(self.in_flight);
        Began(self.decreases)
    }

    fn ended(&mut self, began: Began, bytes: u64, ending: Ending, now: Duration) {
        self.pass(now);
        self.in_flight = self.in_flight.saturating_sub(1);
        if ending == Ending::Failed {
            if began.0 == self.decreases {
                self.decrease(now);
            }
            return;
        }
        if self.older > 0 {
            self.older -= 1;
            if self.older == 0 {
                self.begin_sample(now);
            }
            return;
        }
        if ending == Ending::Done {
            self.sample.ended += 1;
            self.sample.work = self.sample.work.saturating_add(bytes.saturating_add(FOR_EACH_FILE));
            self.sample.is_large |= bytes >= SMALL;
            self.look_at_sample(now);
        }
    }

    fn turned_away(&mut self, now: Duration) {
        self.pass(now);
        if self.in_flight > 0 && self.older == 0 {
            self.decrease(now);
        }
    }

    /// Time has passed with as many in flight as there are.
    fn pass(&mut self, now: Duration) {
        if self.sample.since.is_none() {
            self.sample.since = Some(now);
            self.sample.until = now;
        }
        let passed = now.saturating_sub(self.sample.until);
        self.sample.busy += passed.as_nanos() * self.in_flight as u128;
        self.sample.until = self.sample.until.max(now);
    }

    /// Multiplicative decrease.
    fn decrease(&mut self, now: Duration) {
        self.decreases = self.decreases.wrapping_add(1);
        // What fails as soon as it is tried is too much; what fails later may be chance.
        if self.trial.take().is_some_and(|trial| trial.home < self.level) {
            let known = &mut self.known[self.level];
            known.shunned_until = self.samples.saturating_add(known.shunned_for);
            known.shunned_for = (known.shunned_for * 2).min(LONGEST_SHUNNING);
        }
        self.rest = PATIENCE;
        self.is_down_next = false;
        self.go_to(self.level.saturating_sub(1));
        self.begin_sample(now);
    }

    fn go_to(&mut self, level: usize) {
        if level < self.level {
            self.older = self.in_flight;
        }
        self.level = level;
    }

    fn be_patient(&mut self) {
        self.rest = self.patience;
        self.patience = (self.patience * 2).min(LONGEST_PATIENCE);
    }

    fn begin_sample(&mut self, now: Duration) {
        self.sample = Sample { since: Some(now), until: now, most: self.in_flight, ..Sample::empty() };
    }

    /// A sample is over when as many have ended as the limit allows, twice that where nothing new is tried.
    fn look_at_sample(&mut self, now: Duration) {
        let limit = LIMITS[self.level];
        let wanted = if self.rest == 0 || self.trial.is_some() { limit } else { 2 * limit };
        if self.sample.ended < wanted || self.sample.length() < SHORTEST_SAMPLE {
            return;
        }
        let sample = self.sample;
        self.samples = self.samples.saturating_add(1);
        self.begin_sample(now);
        // The level above is for small files alone.
        let highest = if sample.is_large { highest_below(MOST) } else { LIMITS.len() - 1 };
        if sample.is_full(LIMITS[self.level.min(highest)]) {
            self.judge(sample.throughput(), highest);
        } else {
            self.validate(sample.most);
        }
    }

    /// The limit was not made use of, so its throughput says nothing, and it may be out of date.
    fn validate(&mut self, most: usize) {
        if let Some(trial) = self.trial.take() {
            self.go_to(trial.home);
            self.be_patient();
        }
        if self.level > FIRST && most <= LIMITS[self.level - 1] {
            self.go_to(self.level - 1);
        }
    }

    fn judge(&mut self, throughput: f64, highest: usize) {
        self.go_to(self.level.min(highest));
        if let Some(trial) = self.trial.take() {
            self.end_trial(trial, throughput, highest);
            return;
        }
        let before = self.known[self.level].throughput;
        self.rest = self.rest.saturating_sub(1);
        let is_low = before.is_some_and(|before| throughput < before * FALL);
        self.low = if is_low { self.low + 1 } else { 0 };
        let is_down_at_once = self.low >= LOW_SAMPLES;
        let usual = before.filter(|_| !is_down_at_once);
        self.know(self.level, usual.map_or(throughput, |before| f64::midpoint(before, throughput)));
        if is_down_at_once {
            self.low = 0;
            self.is_down_next = true;
            self.rest = 0;
        }
        if self.rest == 0 {
            self.try_next(highest);
        }
    }

    fn end_trial(&mut self, trial: Trial, throughput: f64, highest: usize) {
        self.know(self.level, throughput);
        let at_home = self.known[trial.home].throughput.unwrap_or(0.0);
        let is_up = self.level > trial.home;
        if throughput < at_home * if is_up { GAIN } else { NO_LOSS } {
            self.go_to(trial.home);
            self.is_down_next = is_up;
            self.be_patient();
            return;
        }
        self.patience = PATIENCE;
        self.is_down_next = false;
        if is_up {
            self.rest = 0;
            self.try_next(highest);
        } else {
            self.rest = PATIENCE;
        }
    }

    fn know(&mut self, level: usize, throughput: f64) {
        let known = &mut self.known[level];
        (known.throughput, known.sample) = (Some(throughput), self.samples);
        known.shunned_for = (known.shunned_for / 2).max(SHORTEST_SHUNNING);
    }

    /// Tries a level beside the one in use.
    fn try_next(&mut self, highest: usize) {
        let home = self.level;
        let other = if self.is_down_next && self.may_be_as_good_below() {
            home - 1
        } else if home < highest && self.known[home + 1].shunned_until <= self.samples {
            home + 1
        } else if self.may_be_as_good_below() {
            home - 1
        } else {
            self.be_patient();
            return;
        };
        self.trial = Some(Trial { home });
        self.go_to(other);
    }

    /// Whether the level below may carry as much, by what is remembered of it.
    fn may_be_as_good_below(&self) -> bool {
        let Some(below) = self.level.checked_sub(1) else { return false };
        let Some(there) = self.known[below].throughput else { return true };
        let here = self.known[self.level].throughput.unwrap_or(0.0);
        self.samples - self.known[below].sample > STALE || there >= here * NEARLY
    }
}

/// The highest level with no more than so many.
fn highest_below(most: usize) -> usize {
    LIMITS.iter().rposition(|limit| *limit <= most).unwrap_or(0)
}

#[cfg(test)]
mod tests;
