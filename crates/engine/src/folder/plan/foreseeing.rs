//! What a pass would hold for a person, for who asks for a plan. The pass counts again when it comes to that;
//! nothing here changes anything.

use std::collections::BTreeSet;

use jottad_core::{Loss, RelativePath, Side, is_written_once};

use super::deleting;
use super::holding::{
    self, CountedOverwrites, DeleteHold, Measure, OverwriteHold, month_before, too_many_rewrites,
};
use super::losing::Newcomers;
use super::places::Places;
use crate::folder::{Folder, FolderError};
use crate::index::{Amount, Difference, HeldAction, NodeId};
use crate::status::{Foreseen, Hold};
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
        let mut counted = CountedOverwrites::default();
        self.each_page(Difference::Edited, |node| {
            holding::count_overwrite(&self.index, node, &mut counted)?;
            Ok(true)
        })?;
        let rewrites = if counted.lasting().is_empty() {
            None
        } else {
            let mut rewritten = self.index.rewritten_since(month_before(now.wall))?;
            rewritten.extend(counted.lasting());
            let of = || Ok(self.index.count_files_named(is_written_once)?);
            too_many_rewrites(rewritten.len() as u64, of)?
        };
        let files = self.index.totals().base_files;
        let OverwriteHold { rows, rewritten, measure, .. } =
            counted.judge(files, rewrites, holding::rewritten_before(&self.index)?);
        let hold = Hold::Overwrites { files: rows.len() as u64, rewritten };
        Ok(measure.map(|measure| foreseen(hold, measure)))
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
        let (mut fresh, mut loss, mut approved_files) = (Vec::new(), Loss::default(), 0);
        let (mut places, mut newcomers) = (Places::default(), Newcomers::default());
        self.each_page(Difference::Unsettled, |node| {
            let Some(doomed) = self.doomed(node.clone(), &mut places, now)? else { return Ok(true) };
            let path = self.index.path(node.id)?;
            if self.index.is_approved(node.id, HeldAction::Delete)? {
                approved_files += deleting::amount_at(&self.index, node, doomed.side)?.files;
                return Ok(true);
            }
            if leaves(&path) {
                return Ok(true);
            }
            let is_inside = |one: &&Leaving| one.side == doomed.side && one.from.starts_with(&path);
            let mut moved = Amount::default();
            for one in leaving.iter().filter(is_inside) {
                if let Some(node) = self.index.node(one.node)? {
                    moved += deleting::amount_at(&self.index, &node, one.side)?;
                }
            }
            let (amount, with_it) =
                holding::weigh_delete(&self.index, &self.settings, node, doomed.side, moved, &mut newcomers)?;
            fresh.push((node.id, amount));
            loss = loss.with(with_it);
            Ok(true)
        })?;
        Ok(self
            .judge_deletes(&fresh, loss, approved_files)?
            .map(|DeleteHold { held, measure, .. }| foreseen(held.into(), measure)))
    }

    /// What a pass would move before it deletes anything; what goes along with a directory is left out.
    fn leaving(&self) -> Result<Vec<Leaving>, FolderError> {
        let mut leaving = Vec::new();
        for found in self.find_moves()? {
            if let Some(node) = self.index.locate(&found.from)? {
                leaving.push(Leaving { node: node.id, from: found.from, side: Side::Remote });
            }
        }
        for pair in self.find_followable_in_mode()? {
            let from = self.index.path(pair.from)?;
            leaving.push(Leaving { node: pair.from, from, side: Side::Local });
        }
        leaving.sort_by(|one, other| one.from.as_bytes().cmp(other.from.as_bytes()));
        leaving.dedup_by(|next, one| next.side == one.side && next.from.starts_with(&one.from));
        Ok(leaving)
    }
}

fn foreseen(hold: Hold, Measure { limit, of, is_held }: Measure) -> Foreseen {
    Foreseen { hold, of, limit, is_held }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builders::new_index;
    use crate::folder::plan::deleting::Deleting;
    use crate::folder::plan::deleting::tests::{file, now, remove, removed, settings};
    use crate::folder::plan::losing;
    use crate::index::Fact;
    use crate::status::HoldLimit;

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
        let (_place, mut index) = new_index();
        let rows: Vec<NodeId> =
            (0..40).map(|number| file(&mut index, NodeId::ROOT, &format!("f{number}"), 10)).collect();
        let mut folder = Folder::new(settings(), index).unwrap();
        folder.issue_rechecks(now(1)).unwrap();
        assert_eq!(held(&mut folder), None);
        losing::note(&mut folder.index, Loss { agreed: 0, deleted: 15, replaced: 0 }).unwrap();
        rows.iter().take(6).for_each(|id| remove(&mut folder.index, *id));
        let foreseen = folder.foresee(now(1)).unwrap();
        assert_eq!(foreseen.first().map(|one| one.hold.clone()), held(&mut folder), "{foreseen:?}");
        assert_eq!((foreseen[0].of, &foreseen[0].limit), (40, &HoldLimit::ShareOfDay { percent: 50 }));
    }

    /// What is new since the day began is nothing that was lost, also where nothing was counted yet.
    #[test]
    fn files_that_came_and_went_within_the_day_are_no_loss_before_the_first_count() {
        let (_place, mut index) = new_index();
        for number in 0..40 {
            file(&mut index, NodeId::ROOT, &format!("f{number}"), 10);
        }
        let mut folder = Folder::new(settings(), index).unwrap();
        folder.issue_rechecks(now(1)).unwrap();
        assert_eq!(held(&mut folder), None);
        let new: Vec<NodeId> = (0..30)
            .map(|number| file(&mut folder.index, NodeId::ROOT, &format!("n{number}"), 1 << 20))
            .collect();
        for id in new {
            remove(&mut folder.index, id);
        }
        folder.index.commit().unwrap();
        let mut folder = Folder::new(settings(), folder.crash().after_a_crash().unwrap()).unwrap();
        assert_eq!(folder.foresee(now(1)).unwrap(), []);
        assert_eq!(held(&mut folder), None);
    }

    #[test]
    fn what_comes_to_what_waits_is_foreseen_to_go() {
        let (_place, mut folder) = removed(20, "flat");
        assert!(held(&mut folder).is_some());
        let rows: Vec<NodeId> =
            (0..100).map(|number| file(&mut folder.index, NodeId::ROOT, &format!("n{number}"), 10)).collect();
        remove(&mut folder.index, rows[0]);
        let foreseen = folder.foresee(now(1)).unwrap();
        assert_eq!(foreseen.first().map(|one| one.hold.clone()), held(&mut folder), "{foreseen:?}");
        assert!(matches!(foreseen[0].hold, Hold::Deletes { entries: 21, files: 20, .. }), "{foreseen:?}");
    }

    #[test]
    fn overwrites_are_foreseen_as_they_are_held() {
        use crate::folder::plan::overwriting::tests::{folder, garble, recount};
        for (of, ending, edited, unhashed, limit) in [
            (120, ".txt", 70, 0, Some(HoldLimit::Overwrites)),
            (120, ".txt", 60, 0, None),
            (120, ".txt", 40, 30, None),
            (99, ".jpg", 20, 0, Some(HoldLimit::Rewrites)),
            (99, ".jpg", 19, 0, None),
            (120, ".jpg", 70, 0, Some(HoldLimit::Overwrites)),
        ] {
            let (_place, mut folder, files) = folder(of, ending);
            for (number, id) in files[..edited + unhashed].iter().enumerate() {
                garble(&mut folder, *id, 0, number < edited);
            }
            for is_held in [false, true] {
                let foreseen = folder.foresee(now(1)).unwrap();
                let case = format!("{edited} and {unhashed} of {of} files {ending}: {foreseen:?}");
                assert_eq!(foreseen.first().map(|one| one.limit.clone()), limit, "{case}");
                assert!(foreseen.iter().all(|one| one.is_held == is_held), "{case}");
                recount(&mut folder);
                assert_eq!(foreseen.first().map(|one| one.hold.clone()), folder.hold().unwrap(), "{case}");
            }
        }
    }
}
