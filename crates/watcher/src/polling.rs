//! Hints by the clock alone, for roots that no event source can follow, or not yet.

use std::io::PipeReader;
use std::time::{Duration, Instant};

use jottad_core::RelativePath;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use tokio::sync::mpsc::UnboundedSender;

use crate::hint::{Hint, RescanCause};

/// Trying to take up events again: how often, and how.
pub(crate) struct Retry<'source, Source> {
    pub(crate) interval: Duration,
    pub(crate) start: &'source mut dyn FnMut() -> Option<Source>,
}

/// Hints the whole root at every interval until the other end of `stop` is closed or nobody listens. Ends
/// with an event source as soon as one can be started; what changed before that is hinted then.
pub(crate) fn run<Source>(
    interval: Duration,
    hints: &UnboundedSender<Vec<Hint>>,
    stop: &PipeReader,
    mut retry: Option<Retry<'_, Source>>,
) -> Option<Source> {
    let mut next_poll = Instant::now() + interval;
    let mut next_retry = retry.as_ref().map(|retry| Instant::now() + retry.interval);
    loop {
        let next = next_retry.map_or(next_poll, |retry| retry.min(next_poll));
        if is_stopped(stop, next) {
            return None;
        }
        let now = Instant::now();
        let mut source = None;
        if let Some(retry) = retry.as_mut().filter(|_| next_retry.is_some_and(|at| at <= now)) {
            source = (retry.start)();
            next_retry = Some(now + retry.interval);
        }
        if source.is_some() || next_poll <= now {
            next_poll = now + interval;
            let hint = Hint::Subtree { path: RelativePath::root(), cause: RescanCause::Poll };
            if hints.send(vec![hint]).is_err() {
                return None;
            }
        }
        if source.is_some() {
            return source;
        }
    }
}

/// Sleeps until a time; whether it was woken to stop.
fn is_stopped(stop: &PipeReader, until: Instant) -> bool {
    loop {
        let rest = until.saturating_duration_since(Instant::now());
        let mut descriptors = [PollFd::new(stop, PollFlags::IN)];
        match poll(&mut descriptors, Timespec::try_from(rest).ok().as_ref()) {
            Ok(0) if rest.is_zero() => return false,
            Ok(0) | Err(Errno::INTR) => {}
            Ok(_) => return true,
            Err(error) => {
                tracing::error!(%error, "cannot wait for the next look");
                std::thread::sleep(rest.min(Duration::from_secs(1)));
                return false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_taken_up_again_as_soon_as_the_system_gives_them() {
        let (sender, mut hints) = tokio::sync::mpsc::unbounded_channel();
        let (stop, _writer) = std::io::pipe().unwrap();
        let mut tries = 0;
        let mut start = || {
            tries += 1;
            (tries == 3).then_some("events")
        };
        let retry = Retry { interval: Duration::from_millis(5), start: &mut start };
        assert_eq!(run(Duration::from_hours(1), &sender, &stop, Some(retry)), Some("events"));
        assert_eq!(tries, 3);
        // What changed between the last look and the first event is looked for.
        let hint = Hint::Subtree { path: RelativePath::root(), cause: RescanCause::Poll };
        assert_eq!(hints.try_recv(), Ok(vec![hint]));
        assert!(hints.try_recv().is_err());
    }

    #[test]
    fn it_ends_when_it_is_told_to() {
        let (sender, _hints) = tokio::sync::mpsc::unbounded_channel();
        let (stop, writer) = std::io::pipe().unwrap();
        drop(writer);
        assert_eq!(run::<()>(Duration::from_hours(1), &sender, &stop, None), None);
    }
}
