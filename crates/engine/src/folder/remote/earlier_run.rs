//! What an earlier run did on the service a short time ago.

use std::time::Duration;

use jottad_core::{OperationKind, RelativePath, Side, StoredPath, Timestamp, encode_name};

use crate::folder::{Folder, FolderError};
use crate::index::{Fact, Index, NodeId};
use crate::status::LogLine;
use crate::time::Now;

/// So many operations of an earlier run are looked through for what it removed or moved.
const MOST_OPERATIONS: u32 = 1024;

impl Folder {
    /// What an earlier run did a short time ago the service may not show yet, and what it was about to do was
    /// maybe done.
    pub(in crate::folder) fn follow_earlier_run(&mut self, now: Now) -> Result<(), FolderError> {
        if self.index.is_parked()? {
            // It used temporary names, nobody knows how long ago.
            self.recent_writes.anything_was_moved(now);
        }
        let was_sending = !self.index.claimed_directories(NodeId::NEW, 1)?.is_empty();
        let last = self.index.history(0, 1)?.pop();
        let since = last.as_ref().map(|last| since_last_operation(&self.index, last, now)).transpose()?;
        let window = self.recent_writes.window();
        let rest = if was_sending { Some(window) } else { since.and_then(|since| window.checked_sub(since)) };
        if let Some(rest) = rest {
            self.recent_writes.anything_was_sent(rest, now);
        }
        match (last, since) {
            (Some(last), Some(since)) => self.follow_departures(last.at, since, now),
            _ => Ok(()),
        }
    }

    /// What an earlier run removed or moved. Its last operation, at `last` on the wall clock, was so long
    /// ago; that clock tells how long before it the others were.
    fn follow_departures(&mut self, last: Timestamp, since: Duration, now: Now) -> Result<(), FolderError> {
        for line in self.index.history(0, MOST_OPERATIONS)?.into_iter().filter(has_left) {
            let before = last.seconds().saturating_sub(line.at.seconds()).max(0).cast_unsigned();
            let since = since + Duration::from_secs(before);
            let to = line.to.as_ref().map(stored);
            self.recent_writes.left_before(&stored(&line.path), to.as_ref(), since, now);
        }
        Ok(())
    }
}

/// Whether an operation took something from its place. What failed has left it there, and what others do
/// there is news.
fn has_left(line: &LogLine) -> bool {
    let departures = [OperationKind::Trash, OperationKind::Move, OperationKind::MoveAside]
        .map(|kind| kind(Side::Remote).as_str());
    line.error.is_none() && departures.contains(&line.kind.as_str())
}

fn stored(path: &RelativePath) -> StoredPath {
    let names = path.components().filter_map(|name| jottad_core::Name::new(name).ok());
    StoredPath::new(names.map(|name| encode_name(&name)).collect())
}

/// How long ago, at least, the last operation of an earlier run was. The clock that never jumps goes on
/// while jottad is not running; after a restart of the machine, it is at least as long as that runs.
fn since_last_operation(index: &Index, last: &LogLine, now: Now) -> Result<Duration, FolderError> {
    let Some(at) = index.number(Fact::OperatedAt)? else {
        // An older version noted the wall clock alone. One that was set back says nothing.
        let since = now.wall.seconds().saturating_sub(last.at.seconds()).max(0);
        return Ok(Duration::from_secs(since.cast_unsigned()));
    };
    let at = Duration::from_secs(u64::try_from(at).unwrap_or(0));
    // A second less, for what rounding does.
    Ok(now.monotonic.checked_sub(at).unwrap_or(now.monotonic).saturating_sub(Duration::from_secs(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Once, each start looked away for 22 s from what others did where jottad had failed to remove
    /// something, so that it failed again.
    #[test]
    fn what_failed_has_left_nothing() {
        let trash = |side, error: Option<&str>| LogLine {
            id: 1,
            at: Timestamp::from_seconds(0),
            kind: OperationKind::Trash(side).as_str().to_owned(),
            path: RelativePath::parse(b"d").unwrap(),
            to: None,
            bytes: None,
            error: error.map(str::to_owned),
        };
        assert!(has_left(&trash(Side::Remote, None)));
        assert!(!has_left(&trash(Side::Remote, Some("d changed on the remote side meanwhile"))));
        assert!(!has_left(&trash(Side::Local, None)));
    }
}
