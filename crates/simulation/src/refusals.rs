//! What the service does not do, whatever else it does: any request for any name may be refused in any way,
//! for as long as the world is not calm. And the rule that such a refusal must not become a storm of
//! requests.

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use jottad_core::{RelativePath, StoredPath};
use jottad_engine::{RemoteError, RemoteErrorKind};

use crate::world::World;

/// What the service is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call {
    /// To list everything below a directory.
    ListTree,
    /// To list one directory.
    ListDirectory,
    /// To show one entry.
    Look,
    /// To take a file.
    Upload,
    /// To give a file.
    Download,
    /// To make a directory.
    MakeDirectory,
    /// To put an entry into the trash.
    Trash,
    /// To move an entry; its path is the one that it leaves.
    Move,
    /// To set a file's time.
    SetTime,
    /// Whether anything changed.
    Stamp,
}

/// How the service refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Without having done anything.
    Kind(RemoteErrorKind),
    /// Without having done anything, asking for a pause of so many seconds.
    Pause(u8),
    /// After it was done: the answer is always lost.
    Lost,
}

/// One thing that the service refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// What it is asked for …
    pub call: Call,
    /// … at which path; "" is the root.
    pub path: &'static str,
    /// What it says.
    pub answer: Answer,
}

const CALLS: [Call; 9] = [
    Call::ListTree,
    Call::ListDirectory,
    Call::Look,
    Call::Upload,
    Call::Upload,
    Call::Download,
    Call::MakeDirectory,
    Call::Trash,
    Call::Move,
];
const KINDS: [RemoteErrorKind; 9] = [
    RemoteErrorKind::Refused,
    RemoteErrorKind::Refused,
    RemoteErrorKind::TooLarge,
    RemoteErrorKind::NotAllowed,
    RemoteErrorKind::Conflict,
    RemoteErrorKind::Unavailable,
    RemoteErrorKind::Offline,
    RemoteErrorKind::QuotaExceeded,
    RemoteErrorKind::NotFound,
];

/// What is refused in a life.
pub(crate) fn draw(random: &mut Rng, paths: &[&'static str]) -> Vec<Refusal> {
    let count = random.u32(1..=MOST_REFUSALS);
    (0..count).map(|_| refusal(random, paths)).collect()
}

fn refusal(random: &mut Rng, paths: &[&'static str]) -> Refusal {
    let call = if random.u8(0..10) == 0 { Call::SetTime } else { CALLS[random.usize(0..CALLS.len())] };
    let path = if call == Call::ListTree { "" } else { paths[random.usize(0..paths.len())] };
    let changes =
        matches!(call, Call::Upload | Call::MakeDirectory | Call::Trash | Call::Move | Call::SetTime);
    let kind = KINDS[random.usize(0..KINDS.len())];
    // Where nothing is changed the service does not lie about what there is: only what is done can find
    // nothing to do.
    let kind = if kind == RemoteErrorKind::NotFound && !changes { RemoteErrorKind::NotAllowed } else { kind };
    let answer = match random.u8(0..6) {
        0 if changes => Answer::Lost,
        1 => Answer::Pause(random.u8(1..90)),
        _ => Answer::Kind(kind),
    };
    Refusal { call, path, answer }
}

/// At most so many things are refused in a life.
const MOST_REFUSALS: u32 = 7;
/// More requests in a minute in which nothing changes on any side are a storm.
const MOST_REQUESTS: u32 = 60;
/// More requests for the same thing in such a minute are tried again without a pause that grows.
const MOST_OF_ONE: u32 = 16;
const MINUTE: Duration = Duration::from_mins(1);
/// More refusals of the same thing in such a time are no pauses that double: from a second to five minutes
/// that makes nine.
const MOST_REFUSED: u32 = 24;
const TEN_MINUTES: Duration = Duration::from_mins(10);

/// Counts the requests since anything changed.
#[derive(Debug, Default)]
pub(crate) struct RequestRate {
    since: Duration,
    progress: u64,
    requests: u32,
    of_one: BTreeMap<(Call, StoredPath), u32>,
    /// What was refused since anything changed: since when, and how often.
    refused: BTreeMap<(Call, StoredPath), (Duration, u32)>,
    refused_progress: u64,
    /// The most that were made in a minute without progress.
    pub(crate) most: u32,
    pub(crate) most_of_one: u32,
}

impl RequestRate {
    /// Notes a request; tells what is wrong with how many there were.
    fn note(&mut self, call: Call, path: &StoredPath, progress: u64, now: Duration) -> Option<String> {
        if progress != self.progress || now.saturating_sub(self.since) >= MINUTE {
            (self.since, self.progress, self.requests) = (now, progress, 0);
            self.of_one.clear();
        }
        self.requests += 1;
        let of_one = self.of_one.entry((call, path.clone())).or_default();
        *of_one += 1;
        self.most = self.most.max(self.requests);
        self.most_of_one = self.most_of_one.max(*of_one);
        // The stamp is asked for once for each of the others that fails.
        if *of_one > MOST_OF_ONE && call != Call::Stamp {
            return Some(format!(
                "{call:?} of {path} was asked for {of_one} times in a minute without progress"
            ));
        }
        (self.requests > MOST_REQUESTS).then(|| {
            format!("{} requests in a minute without progress, now {call:?} of {path}", self.requests)
        })
    }
}

impl RequestRate {
    /// Notes a refusal; tells what is wrong with how many of the same thing there were.
    fn note_refused(
        &mut self,
        call: Call,
        path: &StoredPath,
        progress: u64,
        now: Duration,
    ) -> Option<String> {
        if progress != self.refused_progress {
            self.refused_progress = progress;
            self.refused.clear();
        }
        let (since, count) = self.refused.entry((call, path.clone())).or_insert((now, 0));
        if now.saturating_sub(*since) >= TEN_MINUTES {
            (*since, *count) = (now, 0);
        }
        *count += 1;
        (*count > MOST_REFUSED)
            .then(|| format!("{call:?} of {path} was refused {count} times in ten minutes without progress"))
    }
}

impl World {
    /// The service is asked for something, which it may refuse before it does it.
    pub(crate) fn ask(&mut self, call: Call, path: &StoredPath) -> Result<(), RemoteError> {
        let progress = self.remote.version + self.ticks;
        let now = self.monotonic;
        if let Some(storm) = self.request_rate.note(call, path, progress, now) {
            self.violate(storm);
        }
        let refusal = self.refusal_of(call, path);
        if matches!(refusal, Some(Answer::Kind(_) | Answer::Pause(_)))
            && let Some(storm) = self.request_rate.note_refused(call, path, progress, now)
        {
            self.violate(storm);
        }
        match refusal {
            Some(Answer::Kind(kind)) => Err(refused(kind, call, path)),
            Some(Answer::Pause(seconds)) => Err(RemoteError {
                retry_after: Some(Duration::from_secs(seconds.into())),
                ..refused(RemoteErrorKind::Unavailable, call, path)
            }),
            Some(Answer::Lost) | None => Ok(()),
        }
    }

    /// What was asked for was done; its answer may be lost.
    pub(crate) fn answer(&self, call: Call, path: &StoredPath) -> Result<(), RemoteError> {
        match self.refusal_of(call, path) {
            Some(Answer::Lost) => {
                let error = refused(RemoteErrorKind::Unavailable, call, path);
                Err(RemoteError { may_be_done: true, ..error })
            }
            _ => Ok(()),
        }
    }

    fn refusal_of(&self, call: Call, path: &StoredPath) -> Option<Answer> {
        if self.weather.calm {
            return None;
        }
        let is_of = |refusal: &&Refusal| refusal.call == call && is_at(refusal.path, path);
        self.knobs.refusals.iter().find(is_of).map(|refusal| refusal.answer)
    }
}

fn is_at(refused: &str, path: &StoredPath) -> bool {
    let refused =
        RelativePath::try_from(refused).map_or_else(|_| StoredPath::root(), |path| World::stored(&path));
    let fold = |path: &StoredPath| -> Vec<String> {
        path.names().iter().map(|name| name.as_str().to_lowercase()).collect()
    };
    fold(&refused) == fold(path)
}

fn refused(kind: RemoteErrorKind, call: Call, path: &StoredPath) -> RemoteError {
    let may_be_done = matches!(kind, RemoteErrorKind::Offline | RemoteErrorKind::Unavailable);
    RemoteError { may_be_done, ..RemoteError::new(kind, format!("{call:?} of {path}: refused")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_that_is_not_asked_for_more_and_more_seldom_is_a_storm() {
        let is_storm = |pause: &dyn Fn(u32) -> u64| {
            let (mut rate, mut now, path) = (RequestRate::default(), 0, StoredPath::root());
            (0..200).any(|tries| {
                now += pause(tries);
                rate.note_refused(Call::ListTree, &path, 7, Duration::from_secs(now)).is_some()
            })
        };
        assert!(is_storm(&|_| 5));
        assert!(!is_storm(&|tries| (1 << tries.min(16)).min(300)));
    }

    #[test]
    fn only_requests_without_progress_are_a_storm() {
        let path = StoredPath::root();
        let mut rate = RequestRate::default();
        let second = Duration::from_secs(1);
        for step in 0..1000 {
            assert_eq!(rate.note(Call::Upload, &path, step, second), None, "each brings something about");
        }
        for _ in 1..MOST_OF_ONE {
            assert_eq!(rate.note(Call::Upload, &path, 999, second), None);
        }
        assert!(rate.note(Call::Upload, &path, 999, second).is_some());
        assert_eq!(rate.note(Call::Upload, &path, 999, second + MINUTE), None, "a minute later");
    }
}
