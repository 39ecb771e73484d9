//! What was sent lately: for a while a late service may still show what was there before (protocol U-38), or
//! not show it at all.

use std::collections::BTreeMap;
use std::time::Duration;

use jottad_core::lateness::PATIENCE;

use crate::folder::{Folder, FolderError};
use crate::index::{Fact, NodeId};
use crate::remote::RemoteNode;
use crate::status::LogLine;
use crate::time::Now;

/// The rows that something was sent to, for as long as the service may be too late to show it.
#[derive(Debug, Default)]
pub(in crate::folder) struct RecentWrites {
    sent: BTreeMap<NodeId, Sent>,
    /// An earlier run may have sent anything until then.
    all_sent_until: Option<Duration>,
}

#[derive(Debug)]
struct Sent {
    at: Duration,
    /// What was there before, one after the other.
    was: Vec<Option<RemoteNode>>,
}

impl RecentWrites {
    /// Something was sent to a row where that was before: it may be shown for a while yet.
    pub(in crate::folder) fn sent(&mut self, node: NodeId, was: Option<RemoteNode>, now: Now) {
        self.sent.retain(|_, sent| now.monotonic < sent.at + PATIENCE);
        let sent = self.sent.entry(node).or_insert_with(|| Sent { at: now.monotonic, was: Vec::new() });
        sent.at = now.monotonic;
        if !sent.was.contains(&was) {
            sent.was.push(was);
        }
    }
}

impl Folder {
    /// What an earlier run did a short time ago the service may not show yet, and what it was about to do was
    /// maybe done.
    pub(in crate::folder) fn follow_earlier_run(&mut self, now: Now) -> Result<(), FolderError> {
        let was_sending = !self.index.claimed_directories(NodeId::NEW, 1)?.is_empty();
        let last = self.index.history(0, 1)?.pop();
        let since = last.as_ref().map(|last| self.since_last_operation(last, now)).transpose()?;
        let rest =
            if was_sending { Some(PATIENCE) } else { since.and_then(|since| PATIENCE.checked_sub(since)) };
        self.recent_writes.all_sent_until = rest.map(|rest| now.monotonic + rest);
        match (last, since) {
            (Some(last), Some(since)) => self.follow_departures(last.at, since, now),
            _ => Ok(()),
        }
    }

    /// How long ago, at least, the last operation of an earlier run was. The clock that never jumps goes on
    /// while jottad is not running; after a restart of the machine, it is at least as long as that runs.
    fn since_last_operation(&self, last: &LogLine, now: Now) -> Result<Duration, FolderError> {
        let Some(at) = self.index.number(Fact::OperatedAt)? else {
            // An older version noted the wall clock alone. One that was set back says nothing.
            let since = now.wall.seconds().saturating_sub(last.at.seconds()).max(0);
            return Ok(Duration::from_secs(since.cast_unsigned()));
        };
        let at = Duration::from_secs(u64::try_from(at).unwrap_or(0));
        // A second less, for what rounding does.
        Ok(now.monotonic.checked_sub(at).unwrap_or(now.monotonic).saturating_sub(Duration::from_secs(1)))
    }

    /// What a look shows at a row or below it is believed, whatever was sent there.
    pub(super) fn believe_below(&mut self, top: NodeId) -> Result<(), FolderError> {
        let sent: Vec<NodeId> = self.recent_writes.sent.keys().copied().collect();
        for node in sent {
            let is_below = self.index.node(node)?.is_none()
                || node == top
                || self.index.lineage(node)?.iter().any(|above| above.id == top);
            if is_below {
                self.recent_writes.sent.remove(&node);
            }
        }
        Ok(())
    }

    /// The directories that something was sent into, at any depth, so short a time before a look that it may
    /// be too late to show them (protocol U-38), and until when that is so.
    pub(super) fn lately_filled(&self, looked: Duration) -> Result<BTreeMap<NodeId, Duration>, FolderError> {
        let mut filled = BTreeMap::new();
        let mut sent: Vec<(Duration, NodeId)> =
            self.recent_writes.sent.iter().map(|(node, sent)| (sent.at, *node)).collect();
        // What was sent last comes first, so that what is above is found with its latest time and need not be
        // climbed again.
        sent.sort_by(|one, other| other.cmp(one));
        for (at, node) in sent {
            let until = at + PATIENCE;
            if looked >= until {
                break;
            }
            let mut above = self.index.node(node)?.map(|node| node.parent);
            while let Some(id) = above.filter(|id| *id != NodeId::ROOT && *id != NodeId::NEW)
                && let std::collections::btree_map::Entry::Vacant(entry) = filled.entry(id)
            {
                entry.insert(until);
                above = self.index.above(id)?.map(|node| node.parent);
            }
        }
        Ok(filled)
    }

    /// Until when what a look shows at a row, or that it shows nothing, may be what was there before we sent
    /// something.
    pub(in crate::folder) fn may_be_older(
        &self,
        node: NodeId,
        seen: Option<RemoteNode>,
        looked: Duration,
        filled: &BTreeMap<NodeId, Duration>,
    ) -> Result<Option<Duration>, FolderError> {
        let sent_at = |node: NodeId| {
            let sent = self.recent_writes.sent.get(&node);
            sent.filter(|sent| sent.was.contains(&seen)).map(|sent| sent.at + PATIENCE)
        };
        let mut until = self.recent_writes.all_sent_until.max(sent_at(node));
        // What was seen beside it may have made it another row.
        if seen.is_none() && !self.recent_writes.sent.is_empty() && self.index.node(node)?.is_some() {
            until = until.max(filled.get(&node).copied());
            for above in self.index.lineage(node)? {
                until = until.max(sent_at(above.id));
            }
        }
        Ok(until.filter(|until| looked < *until))
    }
}
