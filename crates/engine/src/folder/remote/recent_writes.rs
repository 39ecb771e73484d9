//! What jottad did on the service lately, by place. For a while a late service may still show what was there
//! before, or not yet show what is there now (protocol U-38).
//!
//! This is the only part that knows how late the service may be with what it shows. It is pure: it knows
//! neither the folder nor the index. A place is a path as the service may compare names, so that two names
//! that are one to the service are one place.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use jottad_core::lateness::PATIENCE;
use jottad_core::{FoldKey, Kind, StoredPath};

use crate::remote::RemoteNode;
use crate::time::Now;

/// A path as the service may compare names.
type Place = Arc<[FoldKey]>;

/// The places that something was sent to, moved or removed at, for as long as an answer may be older.
#[derive(Debug)]
pub(in crate::folder) struct RecentWrites {
    /// How late an answer may be.
    window: Duration,
    places: BTreeMap<Place, Write>,
    /// When what was noted at a place is over, about in that order.
    ends: VecDeque<(Duration, Place)>,
    /// The last time at which something that left its place may still be shown.
    left_until: Duration,
    /// An earlier run may have sent anything, which may not be shown until then.
    anything_until: Duration,
    /// Until then an answer may be older than a move of which it is not known where it was.
    moves_anywhere_until: Duration,
    /// Until then an answer may be older than a move.
    moves_until: Duration,
}

/// What was done at a place.
#[derive(Debug, Default)]
struct Write {
    sent: Option<Sent>,
    left: Option<Left>,
    /// A move began or ended there; until when an answer may be older.
    moved_until: Option<Duration>,
}

/// Something was sent, or moved, to a place.
#[derive(Debug)]
struct Sent {
    until: Duration,
    /// What was there before, one after the other.
    was: Vec<Option<RemoteNode>>,
}

/// Something was removed from a place, or moved away.
#[derive(Debug, Clone, Copy)]
struct Left {
    until: Duration,
    /// What it was. `None` if either may have been there: nothing is known of it, or both left one after the
    /// other.
    kind: Option<Kind>,
}

impl Sent {
    fn merge(&mut self, other: Self) {
        self.until = self.until.max(other.until);
        for was in other.was {
            if !self.was.contains(&was) {
                self.was.push(was);
            }
        }
    }
}

impl Left {
    fn may_be(&self, kind: Kind) -> bool {
        self.kind.is_none_or(|left| left == kind)
    }
}

impl Write {
    /// Forgets what was over at a time; tells whether anything is left.
    fn expire(&mut self, time: Duration) -> bool {
        self.sent.take_if(|sent| sent.until <= time);
        self.left.take_if(|left| left.until <= time);
        self.moved_until.take_if(|until| *until <= time);
        self.sent.is_some() || self.left.is_some() || self.moved_until.is_some()
    }
}

impl Default for RecentWrites {
    fn default() -> Self {
        Self::with_window(PATIENCE)
    }
}

impl RecentWrites {
    /// For a service that is at most so late. Where it is never late, only an answer that was asked for before
    /// something was done can be older than that.
    pub(in crate::folder) fn with_window(window: Duration) -> Self {
        Self {
            window,
            places: BTreeMap::new(),
            ends: VecDeque::new(),
            left_until: Duration::ZERO,
            anything_until: Duration::ZERO,
            moves_anywhere_until: Duration::ZERO,
            moves_until: Duration::ZERO,
        }
    }

    /// How late an answer may be.
    pub(super) fn window(&self) -> Duration {
        self.window
    }

    /// Something was sent to a place where that was before.
    pub(in crate::folder) fn sent(&mut self, path: &StoredPath, was: Option<RemoteNode>, now: Now) {
        let sent = Sent { until: now.monotonic + self.window, was: vec![was] };
        self.merge_sent(place(path), sent);
    }

    /// What was at a place was removed, or may have been. `kind` is what it was, if that is known.
    pub(in crate::folder) fn removed(&mut self, path: &StoredPath, kind: Option<Kind>, now: Now) {
        self.left(path, Left { until: now.monotonic + self.window, kind }, now);
    }

    /// Something was moved, with all that is in it: what was sent there is at the new place by now.
    pub(in crate::folder) fn moved(
        &mut self,
        from: &StoredPath,
        to: &StoredPath,
        kind: Option<Kind>,
        now: Now,
    ) {
        let until = now.monotonic + self.window;
        let (source, target) = (place(from), place(to));
        let moved: Vec<(Place, Sent)> = self
            .below_mut(&source)
            .filter_map(|(below, write)| Some((below.clone(), write.sent.take()?)))
            .collect();
        for (below, sent) in moved {
            let names = target.iter().chain(&below[source.len()..]).cloned();
            self.merge_sent(names.collect(), sent);
        }
        self.removed(from, kind, now);
        self.arrived(to);
        for end in [source, target] {
            self.places.entry(end.clone()).or_default().moved_until = Some(until);
            self.ends.push_back((until, end));
        }
        self.moves_until = until;
    }

    /// Something came to a place: what is seen of it has not left.
    fn arrived(&mut self, path: &StoredPath) {
        if let Some(write) = self.places.get_mut(&place(path)) {
            write.left = None;
        }
    }

    /// Others are at work at a place: what is seen there, or below, may be theirs, however soon.
    pub(in crate::folder) fn others_wrote(&mut self, path: &StoredPath) {
        let path = place(path);
        for (_, write) in self.below_mut(&path) {
            (write.sent, write.left) = (None, None);
        }
        for length in 0..path.len() {
            if let Some(write) = self.places.get_mut(&path[..length]) {
                write.left = None;
            }
        }
    }

    /// An earlier run may have sent anything: for so long it may not be shown.
    pub(super) fn anything_was_sent(&mut self, rest: Duration, now: Now) {
        self.anything_until = now.monotonic + rest;
    }

    /// An earlier run moved something, nobody knows where and how long ago.
    pub(super) fn anything_was_moved(&mut self, now: Now) {
        self.moves_anywhere_until = now.monotonic + self.window;
        self.moves_until = self.moves_until.max(self.moves_anywhere_until);
    }

    /// An earlier run removed or moved something so long ago. They are told oldest first.
    pub(super) fn left_before(
        &mut self,
        from: &StoredPath,
        to: Option<&StoredPath>,
        since: Duration,
        now: Now,
    ) {
        let Some(rest) = self.window.checked_sub(since) else { return };
        self.left(from, Left { until: now.monotonic + rest, kind: None }, now);
        if let Some(to) = to {
            self.arrived(to);
        }
    }

    /// Forgets what no answer can be older than that was asked for at this time or later.
    pub(in crate::folder) fn expire(&mut self, asked_at: Duration) {
        while let Some((_, place)) = self.ends.pop_front_if(|(until, _)| *until <= asked_at) {
            if let Some(write) = self.places.get_mut(&place)
                && !write.expire(asked_at)
            {
                self.places.remove(&place);
            }
        }
    }

    /// Until when `shown` at a place may be older than what was done there, above or below, in an answer that
    /// was asked for at `asked_at`. `known` is what is thought to be there; `None` stands for nothing.
    ///
    /// What nobody knows of may have left the place, or left with a directory above. Something else than what
    /// is known may be what was there before something was sent. And where nothing is shown, what is known
    /// may have been sent or moved there with a directory above, or may exist only since something was sent
    /// into it.
    pub(in crate::folder) fn stale_until(
        &self,
        path: &StoredPath,
        known: Option<RemoteNode>,
        shown: Option<RemoteNode>,
        asked_at: Duration,
    ) -> Option<Duration> {
        let until = match (known, shown) {
            _ if known == shown => None,
            (None, Some(shown)) => self.left_until(path, shown.kind(), asked_at),
            (Some(_), _) if self.places.is_empty() => Some(self.anything_until),
            (Some(_), Some(_)) => self.sent_until(&place(path), shown).max(Some(self.anything_until)),
            (_, None) => {
                let path = place(path);
                let above = (1..=path.len()).filter_map(|length| self.sent_until(&path[..length], None));
                let inside = self.below(&path).filter(|(place, _)| place.len() > path.len());
                let below = inside.filter_map(|(_, write)| Some(write.sent.as_ref()?.until));
                above.chain(below).max().max(Some(self.anything_until))
            }
        };
        until.filter(|until| asked_at < *until)
    }

    /// Until when an answer at a place, asked for now, may be older than a move that began or ended at the
    /// place, above or below it.
    pub(in crate::folder) fn move_stale_until(&self, path: &StoredPath, now: Now) -> Option<Duration> {
        if self.moves_until <= now.monotonic {
            return None;
        }
        let path = place(path);
        let above = (0..path.len()).filter_map(|length| self.places.get(&path[..length])?.moved_until);
        let below = self.below(&path).filter_map(|(_, write)| write.moved_until);
        let until = above.chain(below).max().max(Some(self.moves_anywhere_until));
        until.filter(|until| now.monotonic < *until)
    }

    /// Whether an answer that is asked for now may be older than any move.
    pub(in crate::folder) fn has_moved_lately(&self, now: Now) -> bool {
        now.monotonic < self.moves_until
    }

    /// Whether something left just this place lately.
    pub(super) fn has_left_lately(&self, path: &StoredPath, now: Now) -> bool {
        let left = || self.places.get(&place(path))?.left;
        now.monotonic < self.left_until && left().is_some_and(|left| now.monotonic < left.until)
    }

    fn merge_sent(&mut self, place: Place, sent: Sent) {
        self.ends.push_back((sent.until, place.clone()));
        let write = self.places.entry(place).or_default();
        match &mut write.sent {
            Some(before) => before.merge(sent),
            None => write.sent = Some(sent),
        }
    }

    fn left(&mut self, path: &StoredPath, left: Left, now: Now) {
        let path = place(path);
        self.ends.push_back((left.until, path.clone()));
        self.left_until = self.left_until.max(left.until);
        let write = self.places.entry(path).or_default();
        let before = write.left.filter(|before| now.monotonic < before.until);
        let kind = left.kind.filter(|kind| before.is_none_or(|before| before.kind == Some(*kind)));
        write.left = Some(Left { kind, ..left });
    }

    fn sent_until(&self, place: &[FoldKey], shown: Option<RemoteNode>) -> Option<Duration> {
        let sent = self.places.get(place)?.sent.as_ref()?;
        sent.was.contains(&shown).then_some(sent.until)
    }

    /// Until when what is shown at a place may have left it, or left with a directory above. Below a file
    /// there was nothing, so others have made a directory where it was.
    fn left_until(&self, path: &StoredPath, shown: Kind, asked_at: Duration) -> Option<Duration> {
        if self.left_until <= asked_at {
            return None;
        }
        let path = place(path);
        let left = |length: usize| {
            let kind = if length == path.len() { shown } else { Kind::Directory };
            self.places.get(&path[..length])?.left.filter(|left| left.may_be(kind))
        };
        (1..=path.len()).filter_map(left).map(|left| left.until).max()
    }

    /// A place and all below it.
    fn below<'a>(&'a self, top: &'a [FoldKey]) -> impl Iterator<Item = (&'a Place, &'a Write)> {
        self.places.range::<[FoldKey], _>(from(top)).take_while(|(place, _)| place.starts_with(top))
    }

    fn below_mut<'a>(&'a mut self, top: &'a [FoldKey]) -> impl Iterator<Item = (&'a Place, &'a mut Write)> {
        self.places.range_mut::<[FoldKey], _>(from(top)).take_while(|(place, _)| place.starts_with(top))
    }
}

fn from(top: &[FoldKey]) -> (Bound<&[FoldKey]>, Bound<&[FoldKey]>) {
    (Bound::Included(top), Bound::Unbounded)
}

fn place(path: &StoredPath) -> Place {
    path.names().iter().map(FoldKey::of).collect()
}

#[cfg(test)]
mod tests;
