//! Changes of a `.jottaignore` that do not count yet. Editors take the file away for a moment and bring it
//! back, and programs write it in parts: what it names must not be sent in between.
//!
//! Until a change was seen twice, some time apart, nothing in the directory is sent, fetched or removed.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::index::NodeId;
use crate::time::Now;

/// How long a change must stand before it counts.
const SETTLE: Duration = Duration::from_secs(2);

/// The directories whose rules are changing.
#[derive(Debug, Default)]
pub(in crate::folder) struct RulesSettling(BTreeMap<NodeId, Changing>);

#[derive(Debug)]
struct Changing {
    /// What the file holds; `None` if it is not there.
    content: Option<Vec<u8>>,
    since: Duration,
    /// When it is to be read next.
    next: Duration,
}

impl Changing {
    fn seen(content: Option<&[u8]>, now: Now) -> Self {
        let since = now.monotonic;
        Self { content: content.map(<[u8]>::to_vec), since, next: since + SETTLE }
    }
}

impl RulesSettling {
    /// The rules of a directory were read and are not the known ones; tells until when they do not count.
    pub(super) fn changed(
        &mut self,
        directory: NodeId,
        content: Option<&[u8]>,
        now: Now,
    ) -> Option<Duration> {
        let changing = self.0.entry(directory).or_insert_with(|| Changing::seen(content, now));
        if changing.content.as_deref() != content {
            *changing = Changing::seen(content, now);
        }
        let until = changing.since + SETTLE;
        if until <= now.monotonic {
            self.0.remove(&directory);
            return None;
        }
        Some(until)
    }

    /// The rules of a directory count as they are; tells whether they were changing.
    pub(super) fn settled(&mut self, directory: NodeId) -> bool {
        self.0.remove(&directory).is_some()
    }

    /// The directories whose rules are to be read once more, because they have stood for long enough.
    /// What cannot be read then is tried again later.
    pub(super) fn due(&mut self, now: Now) -> Vec<NodeId> {
        let due = self.0.iter_mut().filter(|(_, changing)| changing.next <= now.monotonic);
        due.map(|(directory, changing)| {
            changing.next = now.monotonic + SETTLE;
            *directory
        })
        .collect()
    }

    pub(in crate::folder) fn deadline(&self) -> Option<Duration> {
        self.0.values().map(|changing| changing.next).min()
    }

    pub(in crate::folder) fn is_idle(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it is not known yet which rules a directory has.
    pub(in crate::folder) fn holds(&self, directory: NodeId) -> bool {
        self.0.contains_key(&directory)
    }
}

#[cfg(test)]
mod tests {
    use jottad_core::Timestamp;

    use super::*;

    #[test]
    fn a_change_counts_once_it_has_stood_for_a_while() {
        let at = |millis| Now { monotonic: Duration::from_millis(millis), wall: Timestamp::from_seconds(0) };
        let mut settling = RulesSettling::default();
        let mut see =
            |content: Option<&[u8]>, millis| settling.changed(NodeId(7), content, at(millis)).is_some();
        // Taken away, brought back in part, and whole: each begins anew.
        assert!(see(None, 0) && see(None, 1_999) && see(Some(b"sec"), 2_000) && see(Some(b"secret/"), 3_000));
        assert!(see(Some(b"secret/"), 4_999) && !see(Some(b"secret/"), 5_000));
        assert!(!settling.holds(NodeId(7)));
    }
}
