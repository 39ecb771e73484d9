//! Two sides, a base, and an engine reduced to the path rules: it walks the paths, decides each, carries the
//! steps out and writes the base from what was achieved, as the real one does. It has no moves, no partial
//! observations and nobody who edits meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jottad_core::{
    Action, Content, Decision, Entry, File, Md5, Mode, Name, RelativePath, Side, Timestamp, Trees,
    conflict_name, reconcile,
};

pub(crate) type Tree = BTreeMap<RelativePath, Entry>;

/// A decision function: the real one, or one with a planted bug.
pub(crate) type Rules = fn(Mode, Trees, &dyn Fn(Side) -> bool) -> Decision;

/// The real path rules.
pub(crate) fn real_rules(mode: Mode, trees: Trees, changed_inside: &dyn Fn(Side) -> bool) -> Decision {
    reconcile(mode, trees, changed_inside)
}

/// What carries decisions out.
#[derive(Clone, Copy)]
pub(crate) struct Engine {
    pub(crate) mode: Mode,
    pub(crate) rules: Rules,
    /// A planted bug: the base is written before the deed is done.
    pub(crate) records_first: bool,
}

/// Where a run is cut short. Steps are counted over all rounds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Crash {
    /// Before this step was done.
    Before(usize),
    /// When it was done, but the base had not been written.
    Within(usize),
    /// After it, and all that had been written to the base since the start is lost.
    After(usize),
}

/// A step of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) action: Action,
    pub(crate) path: RelativePath,
}

/// What becomes of the base when a step is done.
#[derive(Clone, Copy)]
enum Record {
    /// The base has this here, and nothing below unless it is a directory.
    Set(Entry),
    /// The base has nothing here; what it has below is judged by itself.
    Drop,
}

#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct World {
    pub(crate) base: Tree,
    pub(crate) local: Tree,
    pub(crate) remote: Tree,
    pub(crate) local_trash: BTreeSet<Content>,
    pub(crate) remote_trash: BTreeSet<Content>,
    pub(crate) revisions: BTreeSet<Content>,
}

impl World {
    pub(crate) fn trees(&self, path: &RelativePath) -> Trees {
        Trees {
            base: entry(&self.base, path),
            local: entry(&self.local, path),
            remote: entry(&self.remote, path),
        }
    }

    pub(crate) fn paths(&self) -> BTreeSet<&RelativePath> {
        [&self.base, &self.local, &self.remote].into_iter().flat_map(BTreeMap::keys).collect()
    }

    pub(crate) const fn side(&self, side: Side) -> &Tree {
        match side {
            Side::Local => &self.local,
            Side::Remote => &self.remote,
        }
    }

    const fn side_mut(&mut self, side: Side) -> &mut Tree {
        match side {
            Side::Local => &mut self.local,
            Side::Remote => &mut self.remote,
        }
    }

    /// Whether something below differs from the base on a side; what was deleted there does not count.
    pub(crate) fn changed_inside(&self, side: Side, path: &RelativePath) -> bool {
        below(self.side(side), path).any(|(inner, here)| !here.same_content(entry(&self.base, inner)))
    }

    /// Whether nothing may be done at a path because it, or a directory above it, cannot be synced.
    pub(crate) fn is_blocked(&self, path: &RelativePath) -> bool {
        std::iter::successors(Some(path.clone()), RelativePath::parent).any(|above| {
            [Side::Local, Side::Remote]
                .into_iter()
                .any(|side| entry(self.side(side), &above) == Entry::Untracked)
        })
    }

    /// Runs rounds of planning and doing until there is nothing to do; the number of steps that took.
    pub(crate) fn settle(&mut self, engine: Engine, crash: Option<Crash>) -> Result<usize, String> {
        let before = self.base.clone();
        let mut done = 0;
        let bound = 8 + 2 * self.paths().len();
        for _ in 0..bound {
            let plan = self.plan(engine);
            if plan.is_empty() {
                return Ok(done);
            }
            for step in plan {
                let number = done;
                done += 1;
                if matches!(crash, Some(Crash::Before(at)) if at == number) {
                    if engine.records_first {
                        let record = self.clone().perform(engine.mode, &step)?;
                        self.record(&step.path, record);
                    }
                    break;
                }
                let record =
                    self.perform(engine.mode, &step).map_err(|error| format!("{step:?}: {error}"))?;
                if matches!(crash, Some(Crash::Within(at)) if at == number && !engine.records_first) {
                    break;
                }
                self.record(&step.path, record);
                if matches!(crash, Some(Crash::After(at)) if at == number) {
                    self.base = before.clone();
                    break;
                }
            }
        }
        Err(format!("nothing settled after {bound} rounds"))
    }

    /// The steps of one round: makes and contents from the top down, then deletes from the bottom up.
    pub(crate) fn plan(&self, engine: Engine) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut deletes = Vec::new();
        let mut closed: Option<&RelativePath> = None;
        for path in self.paths() {
            if closed.is_some_and(|above| path.starts_with(above)) {
                continue;
            }
            let trees = self.trees(path);
            let action = (engine.rules)(engine.mode, trees, &|side| self.changed_inside(side, path)).action;
            if matches!(action, Action::Trash(_) | Action::MoveAside(_) | Action::Block) {
                closed = Some(path);
            }
            let step = Step { action, path: path.clone() };
            match action {
                Action::Nothing | Action::Block => {}
                Action::Forget => deletes.push(step),
                Action::Trash(_) if !(trees.local.is_present() && trees.remote.is_present()) => {
                    deletes.push(step);
                }
                _ => steps.push(step),
            }
        }
        steps.extend(deletes.into_iter().rev());
        steps
    }

    /// Does a step, refusing what the mode forbids and what is not as it was planned.
    fn perform(&mut self, mode: Mode, step: &Step) -> Result<Record, String> {
        let Step { action, path } = step;
        let Trees { local, remote, .. } = self.trees(path);
        let record = match *action {
            Action::Nothing | Action::Block => Err("nothing to do")?,
            Action::Adopt if local.same_content(remote) => Record::Set(local),
            Action::Adopt => Err("the sides do not agree")?,
            Action::Forget => Record::Drop,
            Action::Upload => self.copy(mode, Side::Remote, path, local)?,
            Action::Download => self.copy(mode, Side::Local, path, remote)?,
            Action::MakeDirectory(side) => {
                self.may_write(mode, side, path)?;
                if entry(self.side(side), path).is_present() {
                    Err("the name is taken")?;
                }
                self.side_mut(side).insert(path.clone(), Entry::Directory);
                Record::Set(Entry::Directory)
            }
            Action::Trash(side) => self.trash(mode, side, path)?,
            Action::SetTime(side) => {
                self.may_write(mode, side, path)?;
                let truth = if side == Side::Local { remote } else { local };
                if !local.same_content(remote) {
                    Err("the contents differ")?;
                }
                self.side_mut(side).insert(path.clone(), truth);
                Record::Set(truth)
            }
            Action::MoveAside(side) => self.move_aside(mode, side, path)?,
        };
        Ok(record)
    }

    fn copy(&mut self, mode: Mode, to: Side, path: &RelativePath, what: Entry) -> Result<Record, String> {
        self.may_write(mode, to, path)?;
        what.file().ok_or("no file to copy")?;
        match self.side_mut(to).insert(path.clone(), what) {
            None => {}
            Some(Entry::File(old)) if to == Side::Remote => {
                self.revisions.insert(old.content);
            }
            Some(Entry::File(old)) => {
                self.local_trash.insert(old.content);
            }
            Some(other) => Err(format!("a file cannot replace {other:?}"))?,
        }
        Ok(Record::Set(what))
    }

    fn trash(&mut self, mode: Mode, side: Side, path: &RelativePath) -> Result<Record, String> {
        self.may_write(mode, side, path)?;
        if mode == Mode::Archive {
            Err("archive deletes nothing")?;
        }
        let other = if side == Side::Local { Side::Remote } else { Side::Local };
        if entry(self.side(other), path).same_content(entry(self.side(side), path)) {
            Err("the other side still has it")?;
        }
        let subtree: Vec<_> = std::iter::once((path, entry(self.side(side), path)))
            .chain(below(self.side(side), path))
            .map(|(inner, here)| (inner.clone(), here))
            .collect();
        let mut contents = Vec::new();
        for (inner, here) in subtree {
            if !here.is_present() || !here.same_content(entry(&self.base, &inner)) {
                Err(format!("{inner} is not what the base knows"))?;
            }
            contents.extend(here.file().map(|file| file.content));
            self.side_mut(side).remove(&inner);
        }
        let trash = if side == Side::Local { &mut self.local_trash } else { &mut self.remote_trash };
        trash.extend(contents);
        Ok(Record::Set(Entry::Absent))
    }

    fn move_aside(&mut self, mode: Mode, side: Side, path: &RelativePath) -> Result<Record, String> {
        self.may_write(mode, side, path)?;
        let (parent, name) = path.split_last();
        let name = name.ok_or("the root cannot move")?;
        let taken = |name: &Name| self.paths().contains(&parent.join(name));
        let aside = parent.join(&conflict_name(&name, "kari", "2026-11-23 140509", taken));
        if !entry(self.side(side), path).is_present() {
            Err("nothing to move")?;
        }
        let tree = std::mem::take(self.side_mut(side));
        *self.side_mut(side) = tree
            .into_iter()
            .map(|(inner, here)| (inner.rebase(path, &aside).unwrap_or(inner), here))
            .collect();
        Ok(Record::Set(Entry::Absent))
    }

    fn may_write(&self, mode: Mode, side: Side, path: &RelativePath) -> Result<(), String> {
        let allowed = if side == Side::Local { mode.pulls() } else { mode.pushes() };
        if !allowed {
            Err(format!("{mode} writes nothing on the {side:?} side"))?;
        }
        let parent = path.parent().ok_or("the root is not written")?;
        if !parent.is_root() && entry(self.side(side), &parent) != Entry::Directory {
            Err(format!("{parent} is not a directory on the {side:?} side"))?;
        }
        if self.is_blocked(path) {
            Err("something untracked is here or above")?;
        }
        Ok(())
    }

    fn record(&mut self, path: &RelativePath, record: Record) {
        match record {
            Record::Set(Entry::Directory) => {
                self.base.insert(path.clone(), Entry::Directory);
            }
            Record::Set(now) => {
                self.base.retain(|other, _| !other.starts_with(path));
                if now.is_present() {
                    self.base.insert(path.clone(), now);
                }
            }
            Record::Drop => {
                self.base.remove(path);
            }
        }
    }
}

/// What a tree has at a path.
pub(crate) fn entry(tree: &Tree, path: &RelativePath) -> Entry {
    tree.get(path).copied().unwrap_or(Entry::Absent)
}

fn below<'tree>(
    tree: &'tree Tree,
    path: &'tree RelativePath,
) -> impl Iterator<Item = (&'tree RelativePath, Entry)> {
    tree.range(path..)
        .take_while(|(inner, _)| inner.starts_with(path))
        .filter(move |(inner, _)| *inner != path)
        .map(|(inner, here)| (inner, *here))
}

/// A file whose content is told by a number.
pub(crate) fn file(number: u8, modified: i64) -> Entry {
    let content = Content { size: u64::from(number), md5: Md5::from_bytes([number; 16]) };
    Entry::File(File { content, modified: Timestamp::from_seconds(modified) })
}

impl fmt::Debug for World {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |here: Entry| match here {
            Entry::Absent => "-".to_owned(),
            Entry::Directory => "directory".to_owned(),
            Entry::Untracked => "untracked".to_owned(),
            Entry::File(file) => format!("file {}@{}", file.content.size, file.modified.seconds()),
        };
        for path in self.paths() {
            let Trees { base, local, remote } = self.trees(path);
            writeln!(
                formatter,
                "{:40} base {:10} local {:10} remote {:10}",
                path.to_string(),
                show(base),
                show(local),
                show(remote)
            )?;
        }
        let numbers = |contents: &BTreeSet<Content>| contents.iter().map(|one| one.size).collect::<Vec<_>>();
        writeln!(
            formatter,
            "local trash {:?}, remote trash {:?}, revisions {:?}",
            numbers(&self.local_trash),
            numbers(&self.remote_trash),
            numbers(&self.revisions)
        )
    }
}
