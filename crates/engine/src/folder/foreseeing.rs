//! What a pass would hold for a person, for who asks for a plan. The pass counts again when it comes to that;
//! nothing here changes anything.

use std::collections::BTreeSet;

use jottad_core::{
    Loss, RelativePath, Side, Timestamp, holds_deletes, holds_overwrites, holds_rewrites, is_written_once,
};

use super::losing::Newcomers;
use super::overwriting::{MONTH, edit};
use super::places::Places;
use super::{Folder, FolderError};
use crate::index::{Amount, Difference, Fact, HeldAction, NodeId};
use crate::status::{Foreseen, Hold, HoldLimit};
use crate::time::Now;

/// What leaves a place without being deleted.
struct Leaving {
    node: NodeId,
    from: RelativePath,
    /// Which side still has it there.
    side: Side,
}

impl Folder {
    /// What a pass would hold, by what is known now.
    pub fn foresee(&self, now: Now) -> Result<Vec<Foreseen>, FolderError> {
        let overwrites = self.foresee_overwrites(now)?;
        Ok(overwrites.into_iter().chain(self.foresee_deletes(now)?).collect())
    }

    fn foresee_overwrites(&self, now: Now) -> Result<Option<Foreseen>, FolderError> {
        if !self.settings.mode.pushes() {
            return Ok(None);
        }
        let (mut edited, mut lasting) = (0, BTreeSet::new());
        self.each_page(Difference::Edited, |node| {
            if edit(node) == Some(true) && self.index.held(node.id)? != Some(true) {
                edited += 1;
                if is_written_once(node.name.as_bytes()) {
                    lasting.insert(node.id);
                }
            }
            Ok(true)
        })?;
        let files = self.index.totals().base_files;
        let foreseen = |files, rewritten, of, limit| {
            Some(Foreseen { hold: Hold::Overwrites { files, rewritten }, of, limit })
        };
        if holds_overwrites(edited, files) {
            return Ok(foreseen(edited, None, files, HoldLimit::Overwrites));
        }
        let since = Timestamp::from_seconds(now.wall.seconds().saturating_sub(MONTH));
        let mut rewritten = self.index.rewritten_since(since)?;
        rewritten.extend(&lasting);
        let count = rewritten.len() as u64;
        // All of them are to be looked at for the share, which nobody needs as long as there are few.
        if !lasting.is_empty() && holds_rewrites(count, 0) {
            let of = self.index.count_files_named(is_written_once)?;
            if holds_rewrites(count, of) {
                return Ok(foreseen(lasting.len() as u64, Some(count), of, HoldLimit::Rewrites));
            }
        }
        let waiting = self.index.count_waiting(HeldAction::Overwrite)?;
        let before = self.index.number(Fact::HeldRewrites)?.map(i64::cast_unsigned);
        Ok(if waiting > 0 { foreseen(waiting, before, files, HoldLimit::Waiting) } else { None })
    }

    fn foresee_deletes(&self, now: Now) -> Result<Option<Foreseen>, FolderError> {
        let leaving = self.leaving()?;
        let left: BTreeSet<&[u8]> = leaving.iter().map(|one| one.from.as_bytes()).collect();
        let leaves = |path: &RelativePath| {
            let mut above = Some(path.clone());
            while let Some(path) = above {
                if left.contains(path.as_bytes()) {
                    return true;
                }
                above = path.parent();
            }
            false
        };
        let (mut amount, mut loss) = (Amount::default(), Loss::default());
        let (mut places, mut newcomers) = (Places::default(), Newcomers::default());
        let (mut is_waiting, mut fresh) = (false, BTreeSet::new());
        self.each_page(Difference::Unsettled, |node| {
            let Some(doomed) = self.doomed(node.clone(), &mut places, now)? else { return Ok(true) };
            let held = self.index.held(node.id)?;
            is_waiting |= held == Some(false);
            let path = self.index.path(node.id)?;
            if held == Some(true) || leaves(&path) {
                return Ok(true);
            }
            fresh.insert(node.id);
            if self.is_in_replaced(node)? {
                return Ok(true);
            }
            let mut gone = self.amount_at(node, doomed.side)?;
            let is_inside = |one: &&Leaving| one.side == doomed.side && one.from.starts_with(&path);
            let has_more = gone.entries > 1;
            for one in leaving.iter().filter(|_| has_more).filter(is_inside) {
                if let Some(node) = self.index.node(one.node)? {
                    gone = gone.without(self.amount_at(&node, one.side)?);
                }
            }
            amount += gone;
            loss.deleted += gone.old_files;
            loss.replaced += u64::from(self.is_replaced(node, doomed.side, &mut newcomers)?);
            Ok(true)
        })?;
        let Amount { entries, files, .. } = amount;
        let of = self.index.totals().base_files;
        let limits = self.settings.delete_limits;
        let foreseen = |lost_before, of, limit| {
            Some(Foreseen { hold: Hold::Deletes { entries, files, lost_before }, of, limit })
        };
        if entries == 0 {
            return Ok(None);
        }
        if !self.asked_for(&fresh)?.is_empty() {
            return Ok(foreseen(0, of, HoldLimit::WordOfRoot));
        }
        if entries > limits.max_deletes {
            return Ok(foreseen(0, of, HoldLimit::MostDeletes(limits.max_deletes)));
        }
        let percent = limits.max_delete_percent;
        if holds_deletes(limits, entries, files, of) {
            return Ok(foreseen(0, of, HoldLimit::Share { percent }));
        }
        if let Some(before) = self.too_much_with(loss)? {
            return Ok(foreseen(before, self.agreed_before()?, HoldLimit::ShareOfDay { percent }));
        }
        Ok(if is_waiting { foreseen(0, of, HoldLimit::Waiting) } else { None })
    }

    /// What a pass would move before it deletes anything; what goes along with a directory is left out.
    fn leaving(&self) -> Result<Vec<Leaving>, FolderError> {
        let mut leaving = Vec::new();
        for found in self.find_moves()? {
            if let Some(node) = self.index.locate(&found.from)? {
                leaving.push(Leaving { node: node.id, from: found.from, side: Side::Remote });
            }
        }
        for pair in self.find_followable_here()? {
            let from = self.index.path(pair.from)?;
            leaving.push(Leaving { node: pair.from, from, side: Side::Local });
        }
        leaving.sort_by(|one, other| one.from.as_bytes().cmp(other.from.as_bytes()));
        leaving.dedup_by(|next, one| next.side == one.side && next.from.starts_with(&one.from));
        Ok(leaving)
    }
}

#[cfg(test)]
mod tests {
    use super::super::deleting::Deleting;
    use super::super::deleting::tests::{file, now, open, remove, removed, settings};
    use super::*;

    /// What a count holds in the end.
    fn held(folder: &mut Folder) -> Option<Hold> {
        folder.round.deleting = Deleting::default();
        folder.round.begin_step();
        assert!(folder.count_deletes(now(1)).unwrap());
        folder.hold().unwrap()
    }

    #[test]
    fn deletes_are_foreseen_as_they_are_held() {
        for shape in ["flat", "wide", "deep"] {
            for (files, most, percent, is_held) in
                [(19, 1000, 50, false), (20, 1000, 50, true), (20, 1000, 100, false), (20, 19, 100, true)]
            {
                let (_place, mut folder) = removed(files, shape);
                folder.settings.delete_limits.max_deletes = most;
                folder.settings.delete_limits.max_delete_percent = percent;
                let foreseen = folder.foresee(now(1)).unwrap();
                let case = format!("{files} files {shape}, {most}, {percent} %: {foreseen:?}");
                assert_eq!(foreseen.first().map(|one| one.hold.clone()), held(&mut folder), "{case}");
                assert_eq!(!foreseen.is_empty(), is_held, "{case}");
                let limit =
                    if most < 1000 { HoldLimit::MostDeletes(most) } else { HoldLimit::Share { percent } };
                assert!(foreseen.iter().all(|one| one.limit == limit && one.of == files as u64), "{case}");
            }
        }
    }

    #[test]
    fn what_waits_or_is_approved_is_foreseen_as_such() {
        let (_place, mut folder) = removed(20, "flat");
        assert!(held(&mut folder).is_some());
        // However many files come meanwhile.
        for number in 0..100 {
            file(&mut folder.index, NodeId::ROOT, &format!("n{number}"), 10);
        }
        let foreseen = folder.foresee(now(1)).unwrap();
        assert_eq!(foreseen.first().map(|one| one.limit.clone()), Some(HoldLimit::Waiting), "{foreseen:?}");
        folder.approve(now(1)).unwrap();
        assert_eq!(folder.foresee(now(1)).unwrap(), []);
    }

    /// Once, a plan said of every delete that it would be held, for as long as one row kept a problem.
    #[test]
    fn a_word_of_a_root_holds_what_it_is_about_and_nothing_else() {
        for (word, is_held) in [("1", true), ("at 999999", false)] {
            let (_place, mut folder) = removed(3, "flat");
            folder.index.set_fact(Fact::HoldNextDeletes, Some(word)).unwrap();
            let foreseen = folder.foresee(now(1)).unwrap();
            assert_eq!(foreseen.first().map(|one| one.hold.clone()), held(&mut folder), "{word}");
            assert_eq!(foreseen.first().map(|one| &one.limit), is_held.then_some(&HoldLimit::WordOfRoot));
        }
    }

    #[test]
    fn deletes_of_a_day_are_foreseen_together() {
        let (_place, mut index) = open();
        let rows: Vec<NodeId> =
            (0..40).map(|number| file(&mut index, NodeId::ROOT, &format!("f{number}"), 10)).collect();
        let mut folder = Folder::new(settings(), index).unwrap();
        folder.issue_confirmations(now(1)).unwrap();
        assert_eq!(held(&mut folder), None);
        folder.note_loss(Loss { agreed: 0, deleted: 15, replaced: 0 }).unwrap();
        rows.iter().take(6).for_each(|id| remove(&mut folder.index, *id));
        let foreseen = folder.foresee(now(1)).unwrap();
        assert_eq!(foreseen.first().map(|one| one.hold.clone()), held(&mut folder), "{foreseen:?}");
        assert_eq!((foreseen[0].of, &foreseen[0].limit), (40, &HoldLimit::ShareOfDay { percent: 50 }));
    }
}
