//! What a folder lost lately of what was agreed on before: deletes that come a few at a time are counted
//! together.
//!
//! Two windows of time overlap, so that there is always one that began a day ago at least. What was new since
//! then does not count: neither as something to lose, nor as something that makes a loss look small.

use std::collections::BTreeMap;

use jottad_core::{DeleteLimits, Loss, Side, holds_loss, is_about_the_size};

use crate::folder::FolderError;
use crate::folder::plan::approvals;
use crate::index::{Fact, Index, IndexError, Local, Node, NodeId};
use crate::settings::FolderSettings;
use crate::time::Now;

/// How long a window takes until the next one begins, in seconds.
const WINDOW: i64 = 24 * 3600;

/// What was lost since a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    /// When it began, in seconds since the epoch.
    began: i64,
    /// The newest row then.
    mark: NodeId,
    loss: Loss,
}

/// The window that counts and the one that is to follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Losing {
    current: Window,
    next: Window,
}

impl Losing {
    /// What counts now, if anything is counted yet.
    fn of(index: &Index) -> Result<Option<Self>, FolderError> {
        let Some(text) = index.fact(Fact::Losses)? else { return Ok(None) };
        let damaged = || IndexError::Damaged(format!("what was lost lately is {text:?}"));
        Ok(Some(Self::parse(&text).ok_or_else(damaged)?))
    }

    fn save(self, index: &mut Index) -> Result<(), FolderError> {
        index.set_mark(self.current.mark);
        Ok(index.set_fact(Fact::Losses, Some(&self.text()))?)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split(' ').map(str::parse::<i64>);
        let mut next = || numbers.next()?.ok();
        let mut window = || {
            let (began, mark) = (next()?, NodeId(next()?));
            let [agreed, deleted, replaced] = [next()?, next()?, next()?].map(i64::cast_unsigned);
            Some(Window { began, mark, loss: Loss { agreed, deleted, replaced } })
        };
        Some(Self { current: window()?, next: window()? })
    }

    fn text(&self) -> String {
        let window = |one: &Window| {
            let Loss { agreed, deleted, replaced } = one.loss;
            format!("{} {} {agreed} {deleted} {replaced}", one.began, one.mark.0)
        };
        format!("{} {}", window(&self.current), window(&self.next))
    }

    /// Whether what is to be deleted now is too much, with what was deleted before.
    fn holds(&self, limits: DeleteLimits, more: Loss) -> bool {
        holds_loss(limits, self.current.loss.with(more))
    }
}

/// The new files of a directory by size: what a deleted one may have been made into.
#[derive(Debug, Default)]
pub(super) struct Newcomers {
    directory: Option<NodeId>,
    sizes: Vec<u64>,
}

impl Newcomers {
    /// Takes out one that is about as large.
    fn take(&mut self, size: u64) -> bool {
        let first = self.sizes.partition_point(|new| *new < size && !is_about_the_size(size, *new));
        let is_found = self.sizes.get(first).is_some_and(|new| is_about_the_size(size, *new));
        if is_found {
            self.sizes.remove(first);
        }
        is_found
    }
}

/// Deletes of which it is not known whether they were done, with what goes with them.
#[derive(Debug, Default)]
pub(in crate::folder) struct LossesInDoubt {
    rows: BTreeMap<NodeId, Loss>,
}

impl LossesInDoubt {
    /// Whether a delete was done is not known. It counts until the row turns out to be there still.
    pub(in crate::folder) fn add(&mut self, node: NodeId, loss: Loss) {
        if loss.deleted > 0 {
            self.rows.insert(node, loss);
        }
    }

    /// The row is there still, or the delete is asked for again.
    pub(in crate::folder) fn withdraw(&mut self, node: NodeId) {
        self.rows.remove(&node);
    }

    /// A row is gone on both sides: so a delete that was in doubt was done.
    pub(super) fn settle(&mut self, node: NodeId, index: &mut Index) -> Result<(), FolderError> {
        self.rows.remove(&node).map_or(Ok(()), |loss| note(index, loss))
    }

    /// How many files were deleted lately, if to delete this much more of what was there before would be too
    /// much.
    pub(super) fn too_much_with(
        &self,
        more: Loss,
        limits: DeleteLimits,
        index: &Index,
    ) -> Result<Option<u64>, FolderError> {
        let Some(losing) = Losing::of(index)?.filter(|_| more.deleted > 0) else { return Ok(None) };
        let in_doubt = self.rows.values().fold(Loss::default(), |sum, loss| sum.with(*loss));
        let is_too_much = losing.holds(limits, more.with(in_doubt));
        Ok(is_too_much.then(|| losing.current.loss.with(in_doubt).deleted))
    }
}

/// Counting begins: what counts as old is what was there when the window began.
pub(in crate::folder) fn take_up(index: &mut Index) -> Result<(), FolderError> {
    let mark = Losing::of(index)?.map_or(NodeId(i64::MAX), |losing| losing.current.mark);
    index.set_mark(mark);
    Ok(())
}

/// How many files were agreed on when the window of time began by which losses are counted.
pub(super) fn agreed_before(index: &Index) -> Result<u64, FolderError> {
    Ok(Losing::of(index)?.map_or(0, |losing| losing.current.loss.agreed))
}

/// A person decided: what was lost until now is meant to be, and so is what was just approved. Neither
/// makes what is lost later look small.
pub(super) fn forgive(index: &mut Index, settings: &FolderSettings, now: Now) -> Result<(), FolderError> {
    let mut fresh = fresh_window(index, now);
    fresh.loss.agreed = fresh.loss.agreed.saturating_sub(approvals::approved_amount(index, settings)?.files);
    Losing { current: fresh, next: fresh }.save(index)
}

/// Deletes were done. It is not counted when they are asked for: a kill would have them asked for, and
/// counted, twice.
pub(in crate::folder) fn note(index: &mut Index, more: Loss) -> Result<(), FolderError> {
    if more.deleted == 0 {
        return Ok(());
    }
    let Some(mut losing) = Losing::of(index)? else { return Ok(()) };
    for window in [&mut losing.current, &mut losing.next] {
        window.loss = window.loss.with(more);
    }
    losing.save(index)
}

/// Nothing is left to be deleted: another window may begin.
pub(super) fn turn(index: &mut Index, now: Now) -> Result<(), FolderError> {
    let fresh = fresh_window(index, now);
    let losing = match Losing::of(index)? {
        None => Losing { current: fresh, next: fresh },
        // A clock that was set back would make a window last.
        Some(losing) if (0..WINDOW).contains(&(fresh.began - losing.next.began)) => return Ok(()),
        Some(losing) => Losing { current: losing.next, next: fresh },
    };
    losing.save(index)
}

/// The clock was set: the windows move along.
pub(in crate::folder) fn shift(index: &mut Index, seconds: i64) -> Result<(), FolderError> {
    let Some(mut losing) = Losing::of(index)? else { return Ok(()) };
    for window in [&mut losing.current, &mut losing.next] {
        window.began = window.began.saturating_add(seconds);
    }
    losing.save(index)
}

/// Whether a file that is to be deleted gave way to a new one beside it.
pub(super) fn is_replaced(
    index: &Index,
    node: &Node,
    side: Side,
    newcomers: &mut Newcomers,
) -> Result<bool, FolderError> {
    let mark = index.mark();
    let bytes = match (side, node.local, node.remote_entry().file()) {
        (Side::Remote, _, Some(file)) => file.content.size,
        (Side::Local, Local::File { stat, .. }, _) => stat.size,
        _ => return Ok(false),
    };
    if node.id > mark || index.last_row() <= mark {
        return Ok(false);
    }
    if newcomers.directory != Some(node.parent) {
        newcomers.directory = Some(node.parent);
        newcomers.sizes = index.sizes_of_newer(node.parent, mark)?;
    }
    Ok(newcomers.take(bytes))
}

fn fresh_window(index: &Index, now: Now) -> Window {
    let loss = Loss { agreed: index.totals().base_files, deleted: 0, replaced: 0 };
    Window { began: now.wall.seconds(), mark: index.last_row(), loss }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builders::{new_index, open_index};
    use crate::folder::plan::deleting::tests::{directory, file, now, remove, settings};

    const DAY: i64 = 24 * 3600;

    fn files(index: &mut Index, names: &str, count: usize) -> Vec<NodeId> {
        (0..count).map(|number| file(index, NodeId::ROOT, &format!("{names}{number}"), 10_000)).collect()
    }

    #[test]
    fn what_counts_is_a_window_that_began_a_day_ago_at_least_once_there_is_one() {
        let (_place, mut index) = new_index();
        assert_eq!(agreed_before(&index).unwrap(), 0);
        files(&mut index, "a", 10);
        for (time, agreed) in [
            (1000, 10),
            (1000 + DAY - 1, 10),
            // The next window becomes the one that counts, and another one begins.
            (1000 + DAY, 10),
            (1000 + 2 * DAY - 1, 10),
            (1000 + 2 * DAY, 12),
            (1000 + 3 * DAY, 14),
            // A clock that was set back makes no window last.
            (500, 15),
        ] {
            turn(&mut index, now(time)).unwrap();
            assert_eq!(agreed_before(&index).unwrap(), agreed, "at {time}");
            files(&mut index, &format!("at {time} "), 1);
        }
    }

    /// Otherwise a clock that is set ahead by a day makes all that was lost in this one forgotten.
    #[test]
    fn a_clock_that_was_set_moves_both_windows_along() {
        let (_place, mut index) = new_index();
        files(&mut index, "a", 10);
        turn(&mut index, now(1000)).unwrap();
        files(&mut index, "b", 1);
        shift(&mut index, 10 * DAY).unwrap();
        let shifted = Losing::of(&index).unwrap().unwrap();
        assert_eq!((shifted.current.began, shifted.next.began), (1000 + 10 * DAY, 1000 + 10 * DAY));
        turn(&mut index, now(1000 + 11 * DAY - 1)).unwrap();
        assert_eq!(Losing::of(&index).unwrap(), Some(shifted));
    }

    #[test]
    fn what_was_lost_counts_in_both_windows_until_a_person_decides() {
        let (_place, mut index) = new_index();
        let rows = files(&mut index, "a", 40);
        let one = Loss { deleted: 1, ..Loss::default() };
        let limits = settings().delete_limits;
        let too_much =
            |doubt: &LossesInDoubt, index: &Index| doubt.too_much_with(one, limits, index).unwrap();
        let mut doubt = LossesInDoubt::default();
        turn(&mut index, now(1000)).unwrap();
        note(&mut index, Loss { deleted: 20, ..Loss::default() }).unwrap();
        assert_eq!(too_much(&doubt, &index), Some(20));
        note(&mut index, one).unwrap();
        assert_eq!(too_much(&doubt, &index), Some(21));
        // What was not there before is no part of it.
        assert_eq!(doubt.too_much_with(Loss::default(), limits, &index).unwrap(), None);
        turn(&mut index, now(1000 + DAY)).unwrap();
        assert_eq!(too_much(&doubt, &index), Some(21));
        forgive(&mut index, &settings(), now(1000 + DAY)).unwrap();
        assert_eq!(too_much(&doubt, &index), None);
        // So does what may have been done, until it turns out that it was not.
        doubt.add(rows[0], Loss { deleted: 20, ..Loss::default() });
        assert_eq!(too_much(&doubt, &index), Some(20));
        doubt.withdraw(rows[0]);
        assert_eq!(too_much(&doubt, &index), None);
        doubt.settle(rows[0], &mut index).unwrap();
        assert_eq!(too_much(&doubt, &index), None);
        // What is known to be done is in doubt no longer, and counts.
        doubt.add(rows[0], Loss { deleted: 20, ..Loss::default() });
        doubt.settle(rows[0], &mut index).unwrap();
        doubt.withdraw(rows[0]);
        assert_eq!(too_much(&doubt, &index), Some(20));
    }

    #[test]
    fn what_is_old_stays_old_in_the_next_run() {
        let (place, mut index) = new_index();
        let old = files(&mut index, "old", 3);
        turn(&mut index, now(1000)).unwrap();
        files(&mut index, "new", 3);
        index.commit().unwrap();
        drop(index);
        let mut index = open_index(&place);
        take_up(&mut index).unwrap();
        assert_eq!(index.mark(), old[2]);
    }

    #[test]
    fn only_an_old_file_is_replaced_and_only_by_a_new_one_beside_it() {
        for side in [Side::Local, Side::Remote] {
            let (_place, mut index) = new_index();
            let [one, two] = ["one", "two"].map(|name| directory(&mut index, NodeId::ROOT, name));
            let beside = file(&mut index, two, "b", 10_000);
            // The newest of the old rows is old, too.
            let old = file(&mut index, one, "a", 10_000);
            turn(&mut index, now(1000)).unwrap();
            let mut newcomers = Newcomers::default();
            let mut is_replaced = |index: &Index, id| {
                let node = index.node(id).unwrap().unwrap();
                is_replaced(index, &node, side, &mut newcomers).unwrap()
            };
            assert!(!is_replaced(&index, old));
            let new = file(&mut index, one, "a.locked", 10_100);
            assert!(!is_replaced(&index, beside), "{side:?}: nothing is new beside it");
            assert!(!is_replaced(&index, new), "{side:?}: it is new itself");
            assert!(is_replaced(&index, old), "{side:?}");
            assert!(!is_replaced(&index, old), "{side:?}: one stands for one");
            // What the side has not is replaced by nothing.
            let mut newcomers = Newcomers::default();
            let mut node = index.node(old).unwrap().unwrap();
            if side == Side::Local {
                remove(&mut index, old);
                node = index.node(old).unwrap().unwrap();
            } else {
                node.remote = None;
            }
            assert!(!super::is_replaced(&index, &node, side, &mut newcomers).unwrap());
        }
    }

    #[test]
    fn windows_are_written_down_as_they_are_read() {
        let window = |began, deleted| Window {
            began,
            mark: NodeId(7),
            loss: Loss { agreed: 300, deleted, replaced: 2 },
        };
        let losing = Losing { current: window(1_000, 5), next: window(-3, 0) };
        assert_eq!(Losing::parse(&losing.text()), Some(losing));
        for damaged in ["", "1 2 3 4 5", "1 2 3 4 5 6 7 8 9 x"] {
            assert_eq!(Losing::parse(damaged), None, "{damaged:?}");
        }
    }

    #[test]
    fn each_new_file_stands_for_one_that_is_gone() {
        let mut newcomers = Newcomers { directory: None, sizes: vec![10, 20, 1 << 20, 2 << 20] };
        assert!(newcomers.take(2 << 20));
        assert!(!newcomers.take(2 << 20));
        assert!(newcomers.take(1 << 20));
        assert!(newcomers.take(0) && newcomers.take(0) && !newcomers.take(0));
        // It may be a little smaller as well.
        let mut newcomers = Newcomers { directory: None, sizes: vec![1 << 20, 15 << 16] };
        newcomers.sizes.sort_unstable();
        assert!(newcomers.take(1 << 20) && newcomers.take(1 << 20) && !newcomers.take(1 << 20));
    }
}
