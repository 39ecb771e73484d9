//! What jottad did on the service lately, by place, and what others were seen to have done. For a while a
//! late service may still show what was there before, or not yet show what is there now (protocol U-38).
//!
//! This is the only part that knows how late the service may be with what it shows. It is pure: it knows
//! neither the folder nor the index. A place is a path as the service may compare names, so that two names
//! that are one to the service are one place.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use jottad_core::staleness::STALENESS_WINDOW;
use jottad_core::{FoldKey, Kind, StoredPath};

use crate::remote::RemoteNode;
use crate::time::Now;

/// A path as the service may compare names.
type Place = Arc<[FoldKey]>;

/// Beyond so many places what others did is not remembered.
const MOST_PLACES: usize = 4096;

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
    /// What is there now was moved there.
    arrived: Option<Arrived>,
    /// A move began or ended there; until when an answer may be older.
    moved_until: Option<Duration>,
}

/// What was at a place, one after the other, and until when each may be shown.
#[derive(Debug, Default)]
struct Earlier(Vec<(Duration, Option<RemoteNode>)>);

/// Something was sent, or moved, to a place.
#[derive(Debug, Default)]
struct Sent {
    /// What was there before. `None` stands for nothing.
    was: Earlier,
}

/// Something was removed from a place, or moved away.
#[derive(Debug, Default)]
struct Left {
    /// What it was. `None` stands for what nothing is known of.
    was: Earlier,
    /// Something else was moved to the place since.
    is_taken: bool,
}

/// Where what was moved to a place was before the first of its moves.
#[derive(Debug)]
struct Arrived {
    from: Place,
    until: Duration,
}

impl Earlier {
    /// Until when something of it may be shown, of all that may be what is wanted.
    fn until(&self, is_wanted: impl Fn(Option<RemoteNode>) -> bool) -> Option<Duration> {
        self.0.iter().filter(|(_, was)| is_wanted(*was)).map(|(until, _)| *until).max()
    }

    /// Forgets what was over at a time; tells whether all was.
    fn expire(&mut self, time: Duration) -> bool {
        self.0.retain(|(until, _)| *until > time);
        self.0.is_empty()
    }
}

impl Sent {
    /// Adds what was there before, each once.
    fn merge(&mut self, other: Self) {
        for (until, was) in other.was.0 {
            match self.was.0.iter_mut().find(|(_, known)| *known == was) {
                Some((known_until, _)) => *known_until = until.max(*known_until),
                None => self.was.0.push((until, was)),
            }
        }
    }
}

impl Left {
    /// Until when something of this kind may be shown.
    fn until_of_kind(&self, kind: Kind) -> Option<Duration> {
        self.was.until(|was| was.is_none_or(|was| was.kind() == kind))
    }
}

impl Write {
    /// Forgets what was over at a time; tells whether anything is left.
    fn expire(&mut self, time: Duration) -> bool {
        self.sent.take_if(|sent| sent.was.expire(time));
        self.left.take_if(|left| left.was.expire(time));
        self.arrived.take_if(|arrived| arrived.until <= time);
        self.moved_until.take_if(|until| *until <= time);
        self.sent.is_some() || self.left.is_some() || self.arrived.is_some() || self.moved_until.is_some()
    }
}

impl Default for RecentWrites {
    fn default() -> Self {
        Self::with_window(STALENESS_WINDOW)
    }
}

impl RecentWrites {
    /// For a service that is at most so late. Where it is never late, only an answer that was asked for
    /// before something was done can be older than that.
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
        let was = Earlier(vec![(now.monotonic + self.window, was)]);
        self.merge_sent(place(path), Sent { was });
    }

    /// What was at a place was removed, or may have been. `was` is what it was, if that is known.
    pub(in crate::folder) fn removed(&mut self, path: &StoredPath, was: Option<RemoteNode>, now: Now) {
        self.left(place(path), was, now.monotonic + self.window);
    }

    /// An answer has shown that others overwrote or removed what was at a place: a later one may be older.
    pub(super) fn others_changed(
        &mut self,
        path: &StoredPath,
        was: RemoteNode,
        is: Option<RemoteNode>,
        now: Now,
    ) {
        if self.places.len() >= MOST_PLACES {
            return;
        }
        if is.is_some() {
            self.sent(path, Some(was), now);
        } else {
            self.removed(path, Some(was), now);
        }
    }

    /// Something was moved, with all that is in it: what was sent there is at the new place by now.
    pub(in crate::folder) fn moved(
        &mut self,
        from: &StoredPath,
        to: &StoredPath,
        was: Option<RemoteNode>,
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
        let origin = self.origin(&source, now);
        self.left(source.clone(), was, until);
        self.arrived(&target, Arrived { from: origin, until });
        for end in [source, target] {
            self.places.entry(end.clone()).or_default().moved_until = Some(until);
            self.ends.push_back((until, end));
        }
        self.moves_until = until;
    }

    /// Where what leaves a place was before it was moved, once or more often.
    fn origin(&mut self, place: &Place, now: Now) -> Place {
        let arrived = self.places.get_mut(place).and_then(|write| write.arrived.take());
        let arrived = arrived.filter(|arrived| now.monotonic < arrived.until);
        arrived.map_or_else(|| place.clone(), |arrived| arrived.from)
    }

    /// Something came to a place. If it is what left the place, and the only thing that did, it has not left.
    fn arrived(&mut self, place: &Place, arrived: Arrived) {
        self.ends.push_back((arrived.until, place.clone()));
        let write = self.places.entry(place.clone()).or_default();
        write.left.take_if(|left| arrived.from == *place && left.was.0.len() == 1);
        write.left.iter_mut().for_each(|left| left.is_taken = true);
        write.arrived = Some(arrived);
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
        let (source, until) = (place(from), now.monotonic + rest);
        let origin = self.origin(&source, now);
        self.left(source, None, until);
        if let Some(to) = to {
            self.arrived(&place(to), Arrived { from: origin, until });
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
            (Some(_), Some(shown)) => {
                let path = place(path);
                let before = self.sent_until(&path, Some(shown)).max(self.replaced_until(&path, shown));
                before.max(self.unseen_until(&path, shown)).max(Some(self.anything_until))
            }
            (_, None) => {
                let path = place(path);
                let above = (1..=path.len()).filter_map(|length| self.sent_until(&path[..length], None));
                let inside = self.below(&path).filter(|(place, _)| place.len() > path.len());
                let below = inside.filter_map(|(_, write)| write.sent.as_ref()?.was.until(|_| true));
                above.chain(below).max().max(Some(self.anything_until))
            }
        };
        until.filter(|until| asked_at < *until)
    }

    /// Whether this was at a place before something was sent there lately.
    pub(super) fn was_there_before(&self, path: &StoredPath, node: RemoteNode) -> bool {
        let write = self.places.get(&place(path));
        let sent = write.and_then(|write| write.sent.as_ref());
        sent.is_some_and(|sent| sent.was.until(|was| was == Some(node)).is_some())
    }

    /// Until when `shown` at a place may be older than `before`, which was there when something was sent that
    /// is not seen, in an answer that was asked for at `asked_at`.
    pub(super) fn older_until(
        &self,
        path: &StoredPath,
        before: RemoteNode,
        shown: Option<RemoteNode>,
        asked_at: Duration,
    ) -> Option<Duration> {
        let was = &self.places.get(&place(path))?.sent.as_ref()?.was;
        let until = was.until(|was| was == shown && was != Some(before))?;
        let before_until = was.until(|was| was == Some(before))?;
        (asked_at < until && until <= before_until).then_some(until)
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
        let left = || self.places.get(&place(path))?.left.as_ref();
        let is_recent = |left: &Left| left.was.until(|_| true).is_some_and(|until| now.monotonic < until);
        now.monotonic < self.left_until && left().is_some_and(|left| !left.is_taken && is_recent(left))
    }

    fn merge_sent(&mut self, place: Place, sent: Sent) {
        let Some(until) = sent.was.until(|_| true) else { return };
        self.ends.push_back((until, place.clone()));
        self.places.entry(place).or_default().sent.get_or_insert_default().merge(sent);
    }

    fn left(&mut self, place: Place, was: Option<RemoteNode>, until: Duration) {
        self.ends.push_back((until, place.clone()));
        self.left_until = self.left_until.max(until);
        let left = self.places.entry(place).or_default().left.get_or_insert_default();
        left.was.0.push((until, was));
        left.is_taken = false;
    }

    fn sent_until(&self, place: &[FoldKey], shown: Option<RemoteNode>) -> Option<Duration> {
        self.places.get(place)?.sent.as_ref()?.was.until(|was| was == shown)
    }

    /// Until when a file that is shown may have been where nothing was seen before something was sent. What
    /// we removed there ourselves is known.
    fn unseen_until(&self, place: &[FoldKey], shown: RemoteNode) -> Option<Duration> {
        let write = self.places.get(place).filter(|write| write.left.is_none())?;
        let sent = write.sent.as_ref().filter(|_| shown.kind() == Kind::File)?;
        sent.was.until(|was| was.is_none())
    }

    /// Until when what is shown where something else is by now may be what left the place before that came,
    /// or what was in a directory above that left.
    fn replaced_until(&self, path: &Place, shown: RemoteNode) -> Option<Duration> {
        let replaced = |length: usize| {
            let write = self.places.get(&path[..length])?;
            let left = write.left.as_ref()?;
            if length == path.len() {
                left.was.until(|was| was == Some(shown))
            } else {
                // A directory was moved to the place since, or made there.
                left.until_of_kind(Kind::Directory).filter(|_| left.is_taken || write.sent.is_some())
            }
        };
        (1..=path.len()).filter_map(replaced).max()
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
            self.places.get(&path[..length])?.left.as_ref()?.until_of_kind(kind)
        };
        (1..=path.len()).filter_map(left).max()
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
