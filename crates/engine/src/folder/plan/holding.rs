//! What is held for a person, and by what measure, decided from what was counted. A round that acts on it and
//! a plan that only tells of it both ask here; nothing here changes anything.

use std::collections::BTreeSet;

use jottad_core::{
    DeleteLimits, Loss, Side, Timestamp, holds_deletes, holds_overwrites, holds_rewrites, is_written_once,
};

use super::approvals::{self, HeldDeletes};
use super::deleting;
use super::losing::{self, Newcomers};
use super::overwriting::{Overwriting, edit};
use crate::folder::local::word_of_root;
use crate::folder::{Folder, FolderError};
use crate::index::{Amount, Fact, HeldAction, Index, Node, NodeId};
use crate::settings::FolderSettings;
use crate::status::{DeletesHeldFor, HoldLimit};

/// How long a rewrite is remembered, in seconds.
const MONTH: i64 = 30 * 24 * 3600;

/// What is held of the deletes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DeleteHold {
    pub(super) rows: BTreeSet<NodeId>,
    pub(super) held: HeldDeletes,
    pub(super) measure: Measure,
}

/// Why something is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Measure {
    pub(super) limit: HoldLimit,
    /// Of how many files, those that the limit counts.
    pub(super) of: u64,
    /// An earlier round held of it already.
    pub(super) is_held: bool,
}

/// By what measure all that is to be deleted is too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TooMuch {
    Number,
    Share,
    /// With so many files that were deleted within a day before.
    ShareOfDay(u64),
}

/// Whether so much is too much to be deleted unasked. `files` are those of the base; `lost_before` are those
/// that were deleted within a day before, if this is too much with them.
fn too_many_deletes(
    limits: DeleteLimits,
    amount: Amount,
    files: u64,
    lost_before: Option<u64>,
) -> Option<TooMuch> {
    if amount.entries > limits.max_deletes {
        Some(TooMuch::Number)
    } else if holds_deletes(limits, amount.entries, amount.files, files) {
        Some(TooMuch::Share)
    } else {
        lost_before.map(TooMuch::ShareOfDay)
    }
}

/// What was counted of the files that would be overwritten, but for those that a person approved.
#[derive(Debug, Default)]
pub(super) struct CountedOverwrites {
    edited: BTreeSet<NodeId>,
    /// Those of them that should not change.
    lasting: BTreeSet<NodeId>,
    /// Files that may turn out to be edited.
    unhashed: u64,
    /// Those that waited before. They go on waiting until a person says so or nothing of them would be
    /// overwritten, whatever else came or went, and however long that takes.
    still: BTreeSet<NodeId>,
    /// How many a person approved.
    approved: u64,
}

/// What is held of the overwrites.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OverwriteHold {
    pub(super) overwriting: Overwriting,
    pub(super) rows: BTreeSet<NodeId>,
    /// How many files that should not change were rewritten within a month, if that is why.
    pub(super) rewritten: Option<u64>,
    /// `None` if nothing is held.
    pub(super) measure: Option<Measure>,
}

/// Too many files that should not change were rewritten within a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rewrites {
    count: u64,
    /// Of how many files of that kind.
    of: u64,
}

impl CountedOverwrites {
    /// Those that should not change, of which other content is to be sent.
    pub(super) const fn lasting(&self) -> &BTreeSet<NodeId> {
        &self.lasting
    }

    /// What is held of it. `files` are those of the base, and `rewritten_before` is why it was held before,
    /// if that was for rewrites.
    pub(super) fn judge(
        self,
        files: u64,
        rewrites: Option<Rewrites>,
        rewritten_before: Option<u64>,
    ) -> OverwriteHold {
        let Self { edited, lasting, unhashed, still, approved } = self;
        let is_held = !still.is_empty();
        let count = edited.len() as u64;
        let measure = |limit, of| Some(Measure { limit, of, is_held });
        if holds_overwrites(count, files, approved) {
            return OverwriteHold {
                overwriting: Overwriting::Held,
                rows: &still | &edited,
                rewritten: None,
                measure: measure(HoldLimit::Overwrites, files),
            };
        }
        if let Some(Rewrites { count, of }) = rewrites {
            return OverwriteHold {
                overwriting: Overwriting::SomeHeld,
                rows: &still | &lasting,
                rewritten: Some(count),
                measure: measure(HoldLimit::Rewrites, of),
            };
        }
        let overwriting = if holds_overwrites(count + unhashed, files, approved) {
            Overwriting::Unsure
        } else if is_held {
            Overwriting::SomeHeld
        } else {
            Overwriting::Free
        };
        OverwriteHold {
            overwriting,
            rows: still,
            rewritten: rewritten_before.filter(|_| is_held),
            measure: if is_held { measure(HoldLimit::Waiting, files) } else { None },
        }
    }
}

impl Folder {
    /// What is held of the deletes, each with what goes with it, that nobody approved; `loss` is what is lost
    /// with all of them. The files that go because a person approved it are no part of what they are measured
    /// by: what is left then is.
    ///
    /// What waits goes on waiting until a person says so or nothing is left to be deleted there. That the
    /// folder has grown since, or a day is over, makes nothing of it less.
    pub(super) fn judge_deletes(
        &self,
        fresh: &[(NodeId, Amount)],
        loss: Loss,
        approved_files: u64,
    ) -> Result<Option<DeleteHold>, FolderError> {
        let rows: BTreeSet<NodeId> = fresh.iter().map(|(row, _)| *row).collect();
        let sum = |rows: &BTreeSet<NodeId>| {
            let mut sum = Amount::default();
            fresh.iter().filter(|(row, _)| rows.contains(row)).for_each(|(_, amount)| sum += *amount);
            sum
        };
        let waited: BTreeSet<NodeId> = self.index.waiting(HeldAction::Delete)?.into_iter().collect();
        let asked_for = word_of_root::asked_for(&self.index, &rows)?;
        let limits = self.settings.delete_limits;
        let files = self.index.totals().base_files.saturating_sub(approved_files);
        let lost_before = self.losses_in_doubt.too_much_with(loss, limits, &self.index)?;
        let too_much = too_many_deletes(limits, sum(&rows), files, lost_before);
        let held_rows = match too_much {
            Some(_) => rows,
            None => &approvals::still_waiting(&self.index, &waited, &rows)? | &asked_for,
        };
        if held_rows.is_empty() {
            return Ok(None);
        }
        let percent = limits.max_delete_percent;
        let (limit, of) = match too_much {
            _ if !asked_for.is_empty() => (HoldLimit::WordOfRoot, files),
            Some(TooMuch::Number) => (HoldLimit::MostDeletes(limits.max_deletes), files),
            Some(TooMuch::Share) => (HoldLimit::Share { percent }, files),
            Some(TooMuch::ShareOfDay(_)) => {
                (HoldLimit::ShareOfDay { percent }, losing::agreed_before(&self.index)?)
            }
            None => (HoldLimit::Waiting, files),
        };
        let earlier = approvals::held_deletes(&self.index)?;
        let (lost_before, held_for) = match too_much {
            _ if !asked_for.is_empty() => (0, DeletesHeldFor::Root),
            Some(TooMuch::ShareOfDay(before)) => (before, DeletesHeldFor::Amount),
            Some(TooMuch::Number | TooMuch::Share) => (0, DeletesHeldFor::Amount),
            None => earlier.map_or((0, DeletesHeldFor::Amount), |held| (held.lost_before, held.held_for)),
        };
        let Amount { entries, files, .. } = sum(&held_rows);
        let measure = Measure { limit, of, is_held: !waited.is_empty() };
        let held = HeldDeletes { entries, files, lost_before, held_for };
        Ok(Some(DeleteHold { rows: held_rows, held, measure }))
    }
}

/// Since when rewrites count.
pub(super) fn month_before(time: Timestamp) -> Timestamp {
    Timestamp::from_seconds(time.seconds().saturating_sub(MONTH))
}

/// Whether so many rewrites within a month are too many. Of how many files that is takes long to tell, and
/// nobody needs it as long as there are few.
pub(super) fn too_many_rewrites(
    count: u64,
    of: impl FnOnce() -> Result<u64, FolderError>,
) -> Result<Option<Rewrites>, FolderError> {
    if !holds_rewrites(count, 0) {
        return Ok(None);
    }
    let of = of()?;
    Ok(holds_rewrites(count, of).then_some(Rewrites { count, of }))
}

/// How much goes with a row that is to be deleted, and what counts as lost with it. `leaving` is what
/// leaves it before.
pub(super) fn weigh_delete(
    index: &Index,
    settings: &FolderSettings,
    node: &Node,
    side: Side,
    leaving: Amount,
    newcomers: &mut Newcomers,
) -> Result<(Amount, Loss), FolderError> {
    // It was counted with the directory that a file took the place of.
    if deleting::is_in_replaced(index, settings, node)? {
        return Ok((Amount::default(), Loss::default()));
    }
    let amount = deleting::amount_at(index, node, side)?.without(leaving);
    let replaced = u64::from(losing::is_replaced(index, node, side, newcomers)?);
    Ok((amount, Loss { agreed: 0, deleted: amount.old_files, replaced }))
}

/// Counts a file that may overwrite what the service has, unless a person approved that.
pub(super) fn count_overwrite(
    index: &Index,
    node: &Node,
    counted: &mut CountedOverwrites,
) -> Result<(), FolderError> {
    let Some(is_edited) = edit(node) else { return Ok(()) };
    // What is wanted back from the service is not sent over it.
    if index.is_approved(node.id, HeldAction::Overwrite)? || index.is_restored(node.id)? {
        counted.approved += 1;
        return Ok(());
    }
    if index.waits(node.id, HeldAction::Overwrite)? {
        counted.still.insert(node.id);
    }
    if !is_edited {
        counted.unhashed += u64::from(index.problem(node.id)?.is_none());
        return Ok(());
    }
    counted.edited.insert(node.id);
    if is_written_once(node.name.as_bytes()) {
        counted.lasting.insert(node.id);
    }
    Ok(())
}

/// How many files that should not change were rewritten before, if the last hold of overwrites was for
/// that.
pub(super) fn rewritten_before(index: &Index) -> Result<Option<u64>, FolderError> {
    Ok(index.number(Fact::HeldRewrites)?.map(i64::cast_unsigned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deletes_are_too_many_by_number_then_by_share_then_with_those_of_a_day() {
        let limits = DeleteLimits { max_deletes: 30, max_delete_percent: 50 };
        for (entries, files, of, lost_before, expected) in [
            (31, 31, 100, None, Some(TooMuch::Number)),
            (31, 31, 40, Some(5), Some(TooMuch::Number)),
            (25, 25, 40, None, Some(TooMuch::Share)),
            (25, 25, 40, Some(5), Some(TooMuch::Share)),
            (25, 25, 100, Some(5), Some(TooMuch::ShareOfDay(5))),
            (25, 25, 100, None, None),
            (30, 30, 100, None, None),
            (30, 30, 100, Some(5), Some(TooMuch::ShareOfDay(5))),
            (0, 0, 100, None, None),
        ] {
            let amount = Amount { entries, files, old_files: files };
            let found = too_many_deletes(limits, amount, of, lost_before);
            assert_eq!(found, expected, "{entries} of {of}, {lost_before:?} before");
        }
    }

    #[test]
    fn a_hold_of_deletes_says_whether_anything_of_it_waited_before() {
        let (_place, mut folder) = deleting::tests::removed(60, "flat");
        let top = folder.index.locate(&crate::builders::path("top")).unwrap().unwrap();
        let amount = deleting::amount_at(&folder.index, &top, Side::Remote).unwrap();
        for waited in [false, true] {
            if waited {
                folder.index.hold(top.id, HeldAction::Delete).unwrap();
            }
            let hold = folder.judge_deletes(&[(top.id, amount)], Loss::default(), 0).unwrap().unwrap();
            assert_eq!((hold.rows, hold.measure.is_held), (BTreeSet::from([top.id]), waited));
            assert_eq!((hold.held.entries, hold.held.files), (61, 60));
        }
    }

    #[test]
    fn overwrites_are_held_by_share_then_for_rewrites_and_what_waits_goes_on_waiting() {
        let rows = |rows: std::ops::Range<i64>| rows.map(NodeId).collect::<BTreeSet<_>>();
        let rewrites = Some(Rewrites { count: 20, of: 99 });
        for (edited, lasting, unhashed, still, rewrites, expected) in [
            (rows(0..60), rows(0..0), 0, rows(0..0), None, (Overwriting::Held, rows(0..60), None)),
            (rows(0..60), rows(0..20), 0, rows(60..61), rewrites, (Overwriting::Held, rows(0..61), None)),
            (
                rows(0..30),
                rows(0..20),
                0,
                rows(0..0),
                rewrites,
                (Overwriting::SomeHeld, rows(0..20), Some(20)),
            ),
            (
                rows(0..30),
                rows(0..20),
                0,
                rows(20..21),
                rewrites,
                (Overwriting::SomeHeld, rows(0..21), Some(20)),
            ),
            (rows(0..30), rows(0..0), 30, rows(0..0), None, (Overwriting::Unsure, rows(0..0), None)),
            (rows(0..30), rows(0..0), 30, rows(1..2), None, (Overwriting::Unsure, rows(1..2), Some(7))),
            (rows(0..30), rows(0..0), 0, rows(1..2), None, (Overwriting::SomeHeld, rows(1..2), Some(7))),
            (rows(0..30), rows(0..0), 0, rows(0..0), None, (Overwriting::Free, rows(0..0), None)),
        ] {
            let case =
                format!("{} edited, {unhashed} not hashed, {still:?} waiting, {rewrites:?}", edited.len());
            let is_held = !still.is_empty();
            let hold = CountedOverwrites { edited, lasting, unhashed, still, approved: 0 }.judge(
                100,
                rewrites,
                Some(7),
            );
            assert_eq!(hold.measure.is_some(), !hold.rows.is_empty(), "{case}");
            assert!(hold.measure.is_none_or(|measure| measure.is_held == is_held), "{case}");
            assert_eq!((hold.overwriting, hold.rows, hold.rewritten), expected, "{case}");
        }
    }
}
