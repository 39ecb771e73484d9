//! What left its place on the service by our own doing a moment ago: a late service may still show it
//! (protocol U-38), as if others had just put it there. Taken for that, it would stay there for ever.

use std::collections::BTreeMap;
use std::time::Duration;

use jottad_core::lateness::PATIENCE;
use jottad_core::{FoldKey, Kind, OperationKind, RelativePath, Side, StoredPath, Timestamp, encode_name};

use crate::folder::{Folder, FolderError};
use crate::index::NodeId;
use crate::remote::RemoteNode;
use crate::status::LogLine;
use crate::time::Now;

/// More places than this are not kept: what is removed or moved in great numbers goes directory by directory.
const MOST_PLACES: usize = 256;

/// So many operations of an earlier run are looked through for them.
const MOST_OPERATIONS: u32 = 1024;

/// The places, as the service may compare names.
#[derive(Debug, Default)]
pub(in crate::folder) struct Departing(BTreeMap<Vec<FoldKey>, Departed>);

/// What may still be shown at a place that it has left.
#[derive(Debug, Clone, Copy)]
struct Departed {
    /// When the service cannot be late any more.
    until: Duration,
    /// What it was. `None` if either may have been there: nothing is known of it, or both left one after the
    /// other.
    kind: Option<Kind>,
}

impl Departed {
    fn may_be(&self, kind: Kind) -> bool {
        self.kind.is_none_or(|left| left == kind)
    }
}

impl Departing {
    /// What was there has left, or may have. `kind` is what it was, if that is known.
    pub(in crate::folder) fn left(&mut self, path: &StoredPath, kind: Option<Kind>, now: Now) {
        self.left_until(path, Departed { until: now.monotonic + PATIENCE, kind }, now);
    }

    fn left_until(&mut self, path: &StoredPath, departed: Departed, now: Now) {
        self.0.retain(|_, departed| now.monotonic < departed.until);
        let path = key(path);
        let earlier = self.0.get(&path).copied();
        if self.0.len() < MOST_PLACES || earlier.is_some() {
            let kind = departed.kind.filter(|kind| earlier.is_none_or(|earlier| earlier.kind == Some(*kind)));
            self.0.insert(path, Departed { kind, ..departed });
        }
    }

    /// Takes in an operation of an earlier run, that was so long ago; they come oldest first.
    fn replay(&mut self, line: &LogLine, since: Duration, now: Now) {
        let Some(rest) = PATIENCE.checked_sub(since).filter(|_| has_left(line)) else { return };
        self.left_until(&stored(&line.path), Departed { until: now.monotonic + rest, kind: None }, now);
        if let Some(to) = &line.to {
            self.arrived(&stored(to));
        }
    }

    /// Something was moved there: what is seen of it is no leftover.
    pub(in crate::folder) fn arrived(&mut self, path: &StoredPath) {
        self.0.remove(&key(path));
    }

    /// Others are at work there: what is seen may be theirs.
    pub(super) fn believe(&mut self, path: &StoredPath) {
        let path = key(path);
        self.0.retain(|place, _| !place.starts_with(&path) && !path.starts_with(place));
    }

    /// Whether something left just this path a moment ago.
    pub(super) fn has_left_lately(&self, path: &StoredPath) -> bool {
        !self.0.is_empty() && self.0.contains_key(&key(path))
    }

    /// Until when what a look shows at a path may be what left it, or left with a directory above. Below a
    /// file there was nothing, so others have made a directory where it was.
    fn late_until(&self, path: &StoredPath, shown: Kind, looked: Duration) -> Option<Duration> {
        if self.0.is_empty() {
            return None;
        }
        let path = key(path);
        let left = |length| {
            let kind = if length == path.len() { shown } else { Kind::Directory };
            self.0.get(&path[..length]).filter(|departed| departed.may_be(kind))
        };
        let until = (1..=path.len()).filter_map(left).map(|departed| departed.until).max();
        until.filter(|until| looked < *until)
    }
}

/// What may only seem to be there.
#[derive(Debug)]
pub(super) struct Leftover {
    /// What is known above it, from the top: nothing says that it is not there.
    pub(super) above: Vec<NodeId>,
    /// The nearest of those, or the root: it is to be looked at again.
    pub(super) directory: NodeId,
    /// When it cannot be late any more.
    pub(super) until: Duration,
}

fn key(path: &StoredPath) -> Vec<FoldKey> {
    path.names().iter().map(FoldKey::of).collect()
}

impl Folder {
    /// Whether what a look shows at a path, and nobody knows of, may have left.
    pub(super) fn may_have_left(
        &self,
        path: &StoredPath,
        shown: RemoteNode,
        looked: Duration,
    ) -> Result<Option<Leftover>, FolderError> {
        let Some(until) = self.departing.late_until(path, shown.kind(), looked) else { return Ok(None) };
        let mut leftover = Leftover { above: Vec::new(), directory: NodeId::ROOT, until };
        for name in path.names() {
            let Some(below) = self.find_on_service(leftover.directory, name)? else {
                return Ok(Some(leftover));
            };
            leftover.directory = below.id;
            leftover.above.push(below.id);
        }
        Ok(None)
    }

    /// What an earlier run removed or moved a moment ago. Its last operation, at `last` on the wall clock,
    /// was so long ago; that clock tells how long before it the others were.
    pub(super) fn follow_departures(
        &mut self,
        last: Timestamp,
        since: Duration,
        now: Now,
    ) -> Result<(), FolderError> {
        for line in self.index.history(0, MOST_OPERATIONS)? {
            let before = last.seconds().saturating_sub(line.at.seconds()).max(0).cast_unsigned();
            self.departing.replay(&line, since + Duration::from_secs(before), now);
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

#[cfg(test)]
mod tests {
    use jottad_core::StoredName;

    use super::*;
    use crate::builders::at;

    fn place(names: &[&str]) -> StoredPath {
        StoredPath::new(names.iter().map(|name| StoredName::new(*name).unwrap()).collect())
    }

    #[test]
    fn what_was_removed_or_is_below_it_may_be_shown_for_a_while() {
        let mut departing = Departing::default();
        departing.left(&place(&["d"]), Some(Kind::Directory), at(1));
        let leftovers = [
            (place(&["d"]), Kind::Directory),
            (place(&["D"]), Kind::Directory),
            (place(&["d", "a"]), Kind::File),
        ];
        for (path, kind) in leftovers {
            let until = |looked| departing.late_until(&path, kind, looked);
            assert_eq!(until(Duration::from_secs(2)), Some(at(1).monotonic + PATIENCE));
            assert_eq!(until(Duration::from_secs(1) + PATIENCE), None);
        }
        assert!(!may_be_late(&departing, &["e"], Kind::Directory));
    }

    /// Once, what others put into a directory that they had made where a file was removed a moment before
    /// counted as a leftover of that file (`sync` 9109085).
    #[test]
    fn what_is_of_another_kind_than_what_left_is_no_leftover() {
        let mut departing = Departing::default();
        departing.left(&place(&["e"]), Some(Kind::File), at(1));
        assert!(may_be_late(&departing, &["e"], Kind::File));
        assert!(!may_be_late(&departing, &["e"], Kind::Directory));
        assert!(!may_be_late(&departing, &["e", "a"], Kind::File));
        departing.left(&place(&["d"]), Some(Kind::Directory), at(1));
        assert!(!may_be_late(&departing, &["d"], Kind::File));
    }

    #[test]
    fn where_a_file_and_a_directory_left_one_after_the_other_either_may_be_shown() {
        let mut departing = Departing::default();
        departing.left(&place(&["e"]), Some(Kind::Directory), at(1));
        departing.left(&place(&["e"]), Some(Kind::File), at(2));
        assert!(may_be_late(&departing, &["e"], Kind::File));
        assert!(may_be_late(&departing, &["e"], Kind::Directory));
        assert!(may_be_late(&departing, &["e", "a"], Kind::File));
    }

    fn may_be_late(departing: &Departing, names: &[&str], kind: Kind) -> bool {
        departing.late_until(&place(names), kind, Duration::from_secs(3)).is_some()
    }

    /// Once, what others put into a directory whose letter case had changed was not seen for 22 s.
    #[test]
    fn what_has_only_another_spelling_has_not_left() {
        let mut departing = Departing::default();
        departing.left(&place(&["d"]), Some(Kind::Directory), at(1));
        departing.left(&place(&["d", "a"]), Some(Kind::File), at(1));
        departing.arrived(&place(&["D"]));
        assert!(!may_be_late(&departing, &["D", "b"], Kind::File));
        assert!(may_be_late(&departing, &["D", "a"], Kind::File));
    }

    fn line(kind: OperationKind, path: &[u8], to: Option<&[u8]>, error: Option<&str>) -> LogLine {
        LogLine {
            id: 1,
            at: Timestamp::from_seconds(0),
            kind: kind.as_str().to_owned(),
            path: RelativePath::parse(path).unwrap(),
            to: to.map(|to| RelativePath::parse(to).unwrap()),
            bytes: None,
            error: error.map(str::to_owned),
        }
    }

    /// Once, each start looked away for 22 s from what others did where jottad had failed to remove
    /// something, so that it failed again.
    #[test]
    fn what_failed_has_left_nothing() {
        let trash = |side, error| line(OperationKind::Trash(side), b"d", None, error);
        assert!(has_left(&trash(Side::Remote, None)));
        assert!(!has_left(&trash(Side::Remote, Some("d changed on the remote side meanwhile"))));
        assert!(!has_left(&trash(Side::Local, None)));
    }

    /// Once, a start forgot where things had been moved to: what others put into a directory that had changed
    /// its letter case was not seen for 22 s.
    #[test]
    fn what_an_earlier_run_moved_somewhere_is_no_leftover_there() {
        let mut departing = Departing::default();
        let moved = OperationKind::Move(Side::Remote);
        departing.replay(&line(moved, b"d", Some(b"parked"), None), Duration::ZERO, at(1));
        assert!(departing.has_left_lately(&place(&["d"])));
        departing.replay(&line(moved, b"parked", Some(b"D"), None), Duration::ZERO, at(1));
        assert!(departing.has_left_lately(&place(&["parked"])));
        assert!(!may_be_late(&departing, &["D", "b"], Kind::File));
    }
}
