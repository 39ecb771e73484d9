//! Moves as moves: what departed and arrived locally becomes one request, before the path rules run.

use std::collections::VecDeque;

use jottad_core::moves::{Candidate, Parked, Step, arrange, missing_directories};
use jottad_core::{Entry, FoldKey, Name, OperationKind, RelativePath, Side, encode_name};

use super::round::Phase;
use crate::event::Task;
use crate::folder::in_flight::{Detail, Running};
use crate::folder::namesakes;
use crate::folder::{BEING_TRIED, Folder, FolderError};
use crate::index::{Fact, Index, Local, MoveCandidate, Node, NodeId, RemoteMove};
use crate::planted::{self, Planted};
use crate::remote::RemoteNode;
use crate::settings::FolderSettings;
use crate::status::ProblemKind;
use crate::time::Now;

/// Most pairs that are weighed in one round; the rest follows in the next.
const MOST_CANDIDATES: u32 = 1024;
/// Fewer than after which a row is left alone, so that the path rules get their turn.
const MOST_MOVE_ATTEMPTS: u32 = 3;

/// The moves of the current round.
#[derive(Debug, Default)]
pub(in crate::folder) struct Moving {
    steps: VecDeque<Step>,
    /// A step failed: the rest of this round is left to the path rules.
    given_up: bool,
}

impl Moving {
    pub(in crate::folder) fn begin(&mut self) {
        self.steps.clear();
        self.given_up = false;
    }

    pub(super) fn has_steps(&self) -> bool {
        !self.steps.is_empty()
    }

    pub(in crate::folder) fn go_on(&mut self) {
        self.given_up = false;
    }

    pub(in crate::folder) fn give_up(&mut self) {
        self.steps.clear();
        self.given_up = true;
    }
}

impl Folder {
    /// Works on through the moves, one at a time but for directories that move as a whole; tells whether none
    /// is left.
    pub(super) fn plan_moves(&mut self, now: Now) -> Result<bool, FolderError> {
        debug_assert_eq!(self.round.phase, Phase::Moves);
        loop {
            if self.in_flight.has_structural() && !self.may_move_beside()? {
                return Ok(false);
            }
            if self.round.moving.given_up || !self.settings.mode.pushes() {
                return Ok(true);
            }
            if let Some(step) = self.round.moving.steps.pop_front() {
                self.round.progressed |= self.issue_step(&step, now)?;
                continue;
            }
            let candidates = self.find_moves()?;
            if candidates.is_empty() {
                return Ok(true);
            }
            if candidates
                .iter()
                .any(|one| self.in_flight.is_along(&one.from) || self.in_flight.is_along(&one.to))
            {
                // A transfer is under way at one of the ends; its completion starts the round anew.
                return Ok(false);
            }
            let is_directory = |path: &RelativePath| is_directory_on_both_sides(&self.index, path);
            let missing = missing_directories(&candidates, is_directory);
            let steps = arrange(candidates, is_directory);
            if self.make_missing(missing, now)? {
                self.round.progressed = true;
                return Ok(false);
            }
            if steps.is_empty() {
                return Ok(true);
            }
            self.round.moving.steps = steps.into_iter().flat_map(split_change_of_case).collect();
        }
    }

    /// Whether the next step may be asked for beside what is in flight: of directories that move as a whole
    /// no two lie in each other, so that it does not matter which of them arrives first.
    fn may_move_beside(&self) -> Result<bool, FolderError> {
        let Some(step) = self.round.moving.steps.front().filter(|step| step.parked == Parked::No) else {
            return Ok(false);
        };
        let moves_whole = |running: &Running| match running.detail {
            Detail::MoveRemote(_) => self.arrivals.moves_whole(running.node),
            _ => !running.is_structural(),
        };
        let is_next_whole =
            self.index.locate(&step.from)?.is_some_and(|row| self.arrivals.moves_whole(row.id));
        Ok(is_next_whole
            && !self.round.moving.given_up
            && self.move_in_doubt.is_idle()
            && self.in_flight.operations().all(moves_whole)
            && self.has_room_for_small())
    }

    /// The pairs of departures and arrivals that are evidence for a move.
    pub(super) fn find_moves(&self) -> Result<Vec<Candidate>, FolderError> {
        let mut candidates = Vec::new();
        for (from, to) in self.arrivals.whole() {
            if let (Some(from), Some(to)) = (self.index.node(from)?, self.index.node(to)?)
                && self.may_move(&from, &to)?
            {
                candidates.push(self.candidate(&from, &to)?);
            }
        }
        for MoveCandidate { from, to } in self.index.move_candidates(MOST_CANDIDATES)? {
            if self.may_move(&from, &to)? && is_evidence(&self.index, &from, &to)? {
                candidates.push(self.candidate(&from, &to)?);
            }
        }
        self.leave_resting(&mut candidates)?;
        Ok(candidates)
    }

    /// Whether nothing is in the way of a move.
    fn may_move(&self, from: &Node, to: &Node) -> Result<bool, FolderError> {
        Ok(remote_may_follow(&self.settings, from)
            && !self.is_given_up(from)
            && !is_refused(&self.index, from)?
            && is_possible_target(&self.index, from, to)?
            && !self.is_frozen(from)?
            && !self.is_frozen(to)?)
    }

    fn candidate(&self, from: &Node, to: &Node) -> Result<Candidate, FolderError> {
        Ok(Candidate {
            from: self.index.path(from.id)?,
            to: self.index.path(to.id)?,
            occupied: to.remote.is_some(),
        })
    }

    /// A move that failed is tried again after a while. Until then neither it nor what is below its ends is
    /// moved: a directory would be taken apart.
    fn leave_resting(&self, candidates: &mut Vec<Candidate>) -> Result<(), FolderError> {
        let mut resting = Vec::new();
        for id in self.pacing.resting() {
            if self.index.node(id)?.is_some() {
                resting.push(self.index.path(id)?);
            }
        }
        candidates.retain(|candidate| {
            !resting.iter().any(|path| candidate.from.starts_with(path) || candidate.to.starts_with(path))
        });
        Ok(())
    }

    /// A move that failed for its own sake this often is left to the path rules.
    pub(super) fn is_given_up(&self, from: &Node) -> bool {
        self.attempts.get(&from.id).is_some_and(|attempts| *attempts >= MOST_MOVE_ATTEMPTS)
    }

    fn is_frozen(&self, node: &Node) -> Result<bool, FolderError> {
        Ok(self.contesting.holds(node.id) || self.surroundings(node.parent)?.frozen)
    }

    /// Makes the remote directories that moves need; tells whether any was asked for.
    fn make_missing(
        &mut self,
        missing: impl IntoIterator<Item = RelativePath>,
        now: Now,
    ) -> Result<bool, FolderError> {
        let mut asked = false;
        for path in missing {
            let Some(node) = self.index.locate(&path)? else { continue };
            let here = self.surroundings(node.parent)?;
            let possible = node.local.is_directory()
                && node.remote.is_none()
                && here.remote_is_there
                && !here.frozen
                && !self.is_blocked(node.id, now)?;
            // A name that the service takes for another one's is asked for in vain, again and again.
            if possible && self.name_is_possible(&node, &node.stored_name(), now)? {
                let remote = here.join_stored(node.stored_name());
                let command = self.issue(Task::MakeRemoteDirectory { path: path.clone(), remote });
                self.start(
                    command,
                    Running {
                        node: node.id,
                        directory: node.parent,
                        kind: OperationKind::MakeDirectory(Side::Remote),
                        path,
                        to: None,
                        bytes: None,
                        detail: Detail::MakeRemoteDirectory,
                        before: None,
                    },
                )?;
                asked = true;
                // One at a time, top first: the next one may be inside this one.
                break;
            }
        }
        Ok(asked)
    }

    /// Asks for one step; `false` if the trees changed and it makes no sense any more.
    fn issue_step(&mut self, step: &Step, now: Now) -> Result<bool, FolderError> {
        let source_path = match step.parked {
            Parked::From => self.parking_place(step),
            Parked::No | Parked::To => Some(step.from.clone()),
        };
        let target_path = match step.parked {
            Parked::To => self.parking_place(step),
            Parked::No | Parked::From => Some(step.to.clone()),
        };
        let (Some(source_path), Some(target_path)) = (source_path, target_path) else { return Ok(false) };
        // What others did there since the moves of this round were arranged may forbid it.
        let Some(source) =
            self.index.locate(&source_path)?.filter(|source| remote_may_follow(&self.settings, source))
        else {
            return Ok(false);
        };
        let Some(remote) = source.remote.clone() else { return Ok(false) };
        let (target_directory, Some(name)) = target_path.split_last() else { return Ok(false) };
        let Some(directory) = self.index.locate(&target_directory)? else { return Ok(false) };
        let stored_directory = self.index.stored_path(directory.id)?;
        if step.parked == Parked::To && !planted::is(Planted::MoveNotNoted) {
            self.index.park(&target_path, &source.name)?;
        }
        if self.index.is_parked()? {
            self.index.set_fact(Fact::ParkedAt, Some(&now.wall.seconds().to_string()))?;
        }
        let remote_move =
            RemoteMove { source: source.id, directory: directory.id, name, parked: step.parked };
        if !planted::is(Planted::MoveNotNoted) {
            self.index.note_remote_move(remote_move.clone())?;
        }
        let command = self.issue(Task::MoveRemote {
            from: self.index.stored_path(source.id)?,
            to: stored_directory.join(encode_name(&remote_move.name)),
            kind: remote.node.kind(),
            content: match remote.node {
                RemoteNode::File(file) if self.settings.mode.pulls() => Some(file.content),
                _ => None,
            },
        });
        self.start(
            command,
            Running {
                node: source.id,
                directory: directory.id,
                kind: OperationKind::Move(Side::Remote),
                path: source_path,
                to: Some(target_path),
                bytes: None,
                detail: Detail::MoveRemote(remote_move),
                before: None,
            },
        )?;
        Ok(true)
    }
}

/// A rename that the service cannot tell from no rename goes through a temporary name (protocol U-08).
fn split_change_of_case(step: Step) -> Vec<Step> {
    let fold = |path: &RelativePath| path.name().map(|name| FoldKey::of(&encode_name(&name)));
    if step.parked == Parked::No
        && step.from.parent() == step.to.parent()
        && fold(&step.from) == fold(&step.to)
    {
        return vec![Step { parked: Parked::To, ..step.clone() }, Step { parked: Parked::From, ..step }];
    }
    vec![step]
}

/// Whether the remote side still has what moved locally. Where both sides count, a file that was edited
/// there did not just move: the edit stays where it is, and the path rules bring both together.
fn remote_may_follow(settings: &FolderSettings, from: &Node) -> bool {
    match (from.base_entry(), from.remote_entry()) {
        (Entry::Directory, Entry::Directory) => true,
        (base @ Entry::File(_), remote @ Entry::File(_)) => {
            !settings.mode.pulls() || remote.same_content(base)
        }
        _ => false,
    }
}

/// Whether the service can take the entry under its new name: where it cannot, the path rules say why.
fn is_possible_target(index: &Index, from: &Node, to: &Node) -> Result<bool, FolderError> {
    let stored = encode_name(&to.name);
    let is_taken = |other: &Node| other.id != to.id && other.id != from.id && other.remote.is_some();
    Ok(stored.fits() && !index.namesakes(to.parent, &stored)?.iter().any(is_taken))
}

/// Whether the service refused something at a row a moment ago: it is not asked for a move of it either,
/// until the pause of that problem is over.
fn is_refused(index: &Index, from: &Node) -> Result<bool, FolderError> {
    if planted::is(Planted::MoveTriedOn) {
        return Ok(false);
    }
    Ok(index.problem(from.id)?.is_some_and(|problem| {
        problem.next_try.is_some_and(|time| time != BEING_TRIED)
            && matches!(problem.kind, ProblemKind::Failing | ProblemKind::NotAllowed | ProblemKind::Refused)
    }))
}

/// An inode with a birth time names an entry for good. Without one a file must look the same too. A
/// directory must hold something that it held before, unless only its spelling changed.
pub(super) fn is_evidence(index: &Index, from: &Node, to: &Node) -> Result<bool, FolderError> {
    let has_birth_time = from.base.is_some_and(|base| base.identity.born != 0);
    match to.local {
        Local::File { stat, .. } => Ok(has_birth_time
            || from.base.zip(from.base_entry().file()).is_some_and(|(base, file)| {
                file.content.size == stat.size && base.stamp.modified == stat.modified && stat.size > 0
            })),
        Local::Directory(_) => {
            let held: Vec<Name> = index
                .children(from.id)?
                .into_iter()
                .filter(|node| node.base.is_some())
                .map(|node| node.name)
                .collect();
            if held.is_empty() || (has_birth_time && namesakes::is_respelling(from, to)) {
                return Ok(has_birth_time);
            }
            for name in &held {
                if index.child(to.id, name)?.is_some_and(|node| node.local != Local::Absent) {
                    return Ok(true);
                }
            }
            Ok(has_birth_time && !index.has_children(to.id)?)
        }
        _ => Ok(false),
    }
}

fn is_directory_on_both_sides(index: &Index, path: &RelativePath) -> bool {
    index.locate(path).ok().flatten().is_some_and(|node| {
        node.remote_entry() == Entry::Directory
            && (node.id == NodeId::ROOT || node.base_entry() == Entry::Directory || node.local.is_directory())
    })
}

#[cfg(test)]
mod tests {
    use jottad_core::{Content, File, Md5, Timestamp};

    use super::*;
    use crate::builders::{file_stat, new_index, path};
    use crate::disk::{FileStat, Identity};
    use crate::index::{Base, BaseEntry, RemoteRecord, Stamp};

    fn name(text: &str) -> Name {
        Name::new(text.as_bytes().to_vec()).unwrap()
    }

    fn row(index: &mut Index, parent: NodeId, text: &str, base: Option<Base>, local: Local) -> Node {
        let mut node = Node::new(parent, name(text));
        (node.base, node.local) = (base, local);
        index.save(&mut node).unwrap();
        node
    }

    /// A file system without birth times gives the inode of what was removed to the next best file.
    #[test]
    fn a_file_is_the_one_that_left_by_its_birth_or_by_its_looks() {
        let other = |change: fn(&mut FileStat)| {
            let mut stat = file_stat(3, 10);
            change(&mut stat);
            stat
        };
        for (what, there, unborn) in [
            ("the same", file_stat(3, 10), true),
            ("another size", other(|stat| stat.size = 9), false),
            ("another time", other(|stat| stat.modified = Timestamp::from_seconds(9)), false),
            ("nothing in it", other(|stat| stat.size = 0), false),
        ] {
            for (born, expected) in [(0, unborn), (1, true)] {
                let (_place, mut index) = new_index();
                let stat = file_stat(3, if there.size == 0 { 0 } else { 10 });
                let content = Content { size: stat.size, md5: Md5::from_bytes([7; 16]) };
                let file = File { content, modified: stat.modified };
                let base = Base {
                    entry: BaseEntry::File(file),
                    identity: Identity { inode: 3, born },
                    stamp: Stamp::of(&stat),
                };
                let from = row(&mut index, NodeId::ROOT, "a", Some(base), Local::Absent);
                let to = row(&mut index, NodeId::ROOT, "b", None, Local::File { stat: there, md5: None });
                assert_eq!(is_evidence(&index, &from, &to).unwrap(), expected, "{what}, born {born}");
            }
        }
    }

    /// Where a directory is not born, what it holds tells.
    #[test]
    fn a_directory_is_the_one_that_left_if_it_holds_what_that_held() {
        for (what, held, holds, expected) in [
            ("something is still in it", &["x", "y"][..], &["y", "z"][..], [true, true]),
            ("all of it is other", &["x"], &["z"], [false, false]),
            ("it was emptied", &["x"], &[], [false, true]),
            ("it was empty", &[], &[], [false, true]),
            ("it was empty and is not", &[], &["z"], [false, true]),
        ] {
            for (born, expected) in [0, 1].into_iter().zip(expected) {
                let (_place, mut index) = new_index();
                let directory = Local::Directory(Identity { inode: 3, born });
                let base = Base {
                    entry: BaseEntry::Directory,
                    identity: Identity { inode: 3, born },
                    stamp: Stamp::default(),
                };
                let from = row(&mut index, NodeId::ROOT, "a", Some(base), Local::Absent);
                let to = row(&mut index, NodeId::ROOT, "b", None, directory);
                for text in held {
                    row(&mut index, from.id, text, Some(base), Local::Absent);
                }
                for text in holds {
                    row(&mut index, to.id, text, None, directory);
                }
                assert_eq!(is_evidence(&index, &from, &to).unwrap(), expected, "{what}, born {born}");
            }
        }
    }

    #[test]
    fn a_move_may_end_in_a_directory_that_the_service_has_and_that_is_or_was_one_here() {
        let (_place, mut index) = new_index();
        let directory = Local::Directory(Identity { inode: 3, born: 1 });
        let base = Base {
            entry: BaseEntry::Directory,
            identity: Identity { inode: 3, born: 1 },
            stamp: Stamp::default(),
        };
        let file = Local::File { stat: file_stat(4, 1), md5: None };
        for (text, base, local, is_there, expected) in [
            ("both", Some(base), directory, true, true),
            ("new here", None, directory, true, true),
            ("gone here", Some(base), Local::Absent, true, true),
            ("only there", None, Local::Absent, true, false),
            ("a file here", None, file, true, false),
            ("only here", None, directory, false, false),
        ] {
            let mut node = Node::new(NodeId::ROOT, name(text));
            (node.base, node.local) = (base, local);
            node.remote =
                is_there.then_some(RemoteRecord { node: RemoteNode::Directory, name: None, claimed: false });
            index.save(&mut node).unwrap();
            assert_eq!(is_directory_on_both_sides(&index, &path(text)), expected, "{text}");
        }
        assert!(!is_directory_on_both_sides(&index, &path("nothing")));
    }
}
