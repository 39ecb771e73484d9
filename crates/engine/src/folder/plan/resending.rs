//! Files that keep changing: what was just sent waits before it is sent again, twice as long each time.
//!
//! The service keeps few revisions. A log that is sent whole every few seconds fills them with its last
//! moments, and the line with it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::index::NodeId;
use crate::time::Now;

/// How long a file waits that was sent for the second time in a row.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// A file that did not change for so long, and for as long as it waited, has come to rest.
const QUIET: Duration = Duration::from_mins(1);
/// Most files that are remembered; beyond that those that have come to rest are forgotten.
const MOST: usize = 10_000;

/// When files that keep changing may be sent again.
#[derive(Debug, Default)]
pub(in crate::folder) struct Resending {
    sent: BTreeMap<NodeId, Sent>,
    /// Since when files are being sent.
    under_way: BTreeMap<NodeId, Duration>,
    /// When the first file that was found waiting may be sent.
    due: Option<Duration>,
}

#[derive(Debug, Clone, Copy)]
struct Sent {
    at: Duration,
    /// How long it waits from then on.
    pause: Duration,
    /// When it was read at the earliest.
    read_from: Duration,
}

impl Sent {
    fn has_come_to_rest(&self, now: Now) -> bool {
        now.monotonic >= self.at + self.pause + QUIET.max(self.pause)
    }
}

impl Resending {
    /// A file was sent. The longest pause is a setting.
    pub(in crate::folder) fn sent(&mut self, node: NodeId, longest: Duration, now: Now) {
        if self.sent.len() >= MOST {
            self.sent.retain(|_, sent| !sent.has_come_to_rest(now));
        }
        let pause = match self.sent.get(&node).filter(|sent| !sent.has_come_to_rest(now)) {
            Some(sent) if sent.pause.is_zero() => FIRST_PAUSE,
            Some(sent) => sent.pause * 2,
            None => Duration::ZERO,
        };
        let read_from = self.under_way.remove(&node).unwrap_or_default();
        self.sent.insert(node, Sent { at: now.monotonic, pause: pause.min(longest), read_from });
    }

    /// A file is about to be sent.
    pub(super) fn sends(&mut self, node: NodeId, now: Now) {
        self.under_way.insert(node, now.monotonic);
    }

    /// A file was not sent after all.
    pub(in crate::folder) fn not_sent(&mut self, node: NodeId) {
        self.under_way.remove(&node);
    }

    /// If anything waits to be sent again: all that there was at this time has been sent.
    pub(in crate::folder) fn sent_as_of(&self, now: Now) -> Option<Duration> {
        let waiting = self.sent.values().filter(|sent| sent.at + sent.pause > now.monotonic);
        waiting.map(|sent| sent.read_from).min().filter(|_| !self.is_idle())
    }

    /// Until when a file waits that was sent a moment ago; `None` if it may be sent.
    pub(super) fn waits_until(&self, node: NodeId, now: Now) -> Option<Duration> {
        let sent = self.sent.get(&node)?;
        Some(sent.at + sent.pause).filter(|time| *time > now.monotonic)
    }

    /// A file would be sent now, and waits until then.
    pub(super) fn note_due(&mut self, time: Duration) {
        self.due = Some(self.due.map_or(time, |due| due.min(time)));
    }

    /// A person wants everything as it is now: what waits is sent at once, and waits again only for what is
    /// written from then on.
    pub(in crate::folder) fn wait_no_longer(&mut self) {
        self.sent.values_mut().for_each(|sent| sent.pause = Duration::ZERO);
        self.due = None;
    }

    /// Whether nothing that changed waits to be sent again.
    pub(in crate::folder) fn is_idle(&self) -> bool {
        self.due.is_none()
    }

    /// How long a file waits that keeps changing; `None` if it does not.
    pub(in crate::folder) fn pause_of(&self, node: NodeId) -> Option<Duration> {
        self.sent.get(&node).map(|sent| sent.pause).filter(|pause| !pause.is_zero())
    }

    pub(in crate::folder) fn deadline(&self) -> Option<Duration> {
        self.due
    }

    /// Whether something that waited may be sent now.
    pub(in crate::folder) fn timer(&mut self, now: Now) -> bool {
        let is_due = self.due.is_some_and(|time| time <= now.monotonic);
        if is_due {
            self.due = None;
        }
        is_due
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::builders::at;

    #[test]
    fn a_file_that_keeps_changing_waits_twice_as_long_each_time_until_it_comes_to_rest() {
        const LOG: NodeId = NodeId(7);
        let longest = Duration::from_mins(5);
        let mut resending = Resending::default();
        // It changes all the time and is sent as soon as it may be.
        let mut now = 1000;
        let mut waits = Vec::new();
        for _ in 0..12 {
            resending.sent(LOG, longest, at(now));
            assert_eq!(resending.waits_until(NodeId(8), at(now)), None, "others do not wait for it");
            let until = resending.waits_until(LOG, at(now)).map_or(now, |time| time.as_secs());
            waits.push(until - now);
            now = until + 1;
        }
        assert_eq!(waits, [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        // It still changes: what it waited for does not count as rest.
        now += 250;
        resending.sent(LOG, longest, at(now));
        assert_eq!(resending.waits_until(LOG, at(now)), Some(Duration::from_secs(now + 300)));
        // It has rested.
        now += 601;
        resending.sent(LOG, longest, at(now));
        assert_eq!(resending.waits_until(LOG, at(now)), None);
        // A person asks.
        resending.sent(LOG, longest, at(now));
        resending.sent(LOG, longest, at(now));
        assert!(resending.waits_until(LOG, at(now)).is_some());
        resending.wait_no_longer();
        assert_eq!(resending.waits_until(LOG, at(now)), None);
        // What it waits for then is only a second, and what was sent is as of when that began.
        resending.note_due(Duration::from_secs(now));
        assert_eq!(resending.sent_as_of(at(now)), None);
        resending.sends(LOG, at(now + 1));
        resending.sent(LOG, longest, at(now + 3));
        assert_eq!(resending.waits_until(LOG, at(now + 3)), Some(Duration::from_secs(now + 4)));
        assert_eq!(resending.sent_as_of(at(now + 3)), Some(Duration::from_secs(now + 1)));
        now += 600;
        // Without a longest pause nothing waits.
        for _ in 0..5 {
            resending.sent(LOG, Duration::ZERO, at(now));
            assert_eq!(resending.waits_until(LOG, at(now)), None);
        }
    }
}
