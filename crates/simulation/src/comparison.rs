//! Comparing both sides at the end by what the mode means, without asking the engine what it believes.

use std::collections::{BTreeMap, BTreeSet};

use jottad_core::{Content, FoldKey, Kind, Mode, RelativePath, Side, StoredPath, encode_name};
use jottad_engine::{DiskNode, Folder, FolderError, Problem, ProblemKind, RemoteNode};

use crate::disk_tree::{Body, Serial};
use crate::rule_files::local_path;
use crate::run::Run;
use crate::scenario::Act;
use crate::world::World;

impl Run<'_> {
    /// What is not as the mode says it must be at the end.
    pub(crate) fn differences(&self) -> Result<Vec<String>, FolderError> {
        let problems = self.problems()?;
        let world = self.world.lock();
        let remote: BTreeMap<StoredPath, RemoteNode> =
            world.remote.walk(&StoredPath::root()).into_iter().collect();
        let by_fold: BTreeMap<Vec<FoldKey>, &StoredPath> =
            remote.keys().map(|path| (fold(path), path)).collect();
        let mut differences = Vec::new();
        let mut explained = BTreeSet::new();
        let mut blocked: Vec<RelativePath> = problems.iter().map(|problem| problem.path.clone()).collect();
        // What cannot be synced may still be what the service's entry belongs to.
        let holding = problems.into_iter().filter(|problem| problem.kind != ProblemKind::NameClash);
        let holding: Vec<RelativePath> = holding.map(|problem| problem.path).collect();
        let all = world.disk.all();
        let is_blocked = |path: &RelativePath| blocked.iter().any(|above| path.starts_with(above));
        let is_never_synced = |path: &RelativePath, serial: Serial| {
            matches!(world.disk.inode(serial).body, Body::Other(_))
                || world.is_ignored(path, world.disk.entries(serial).is_some())
        };
        // Where the file system tells names apart that the service does not, an entry belongs to its own
        // spelling first, if that is anything that the service can have.
        let may_be_there =
            |(path, serial): &&(RelativePath, Serial)| !is_blocked(path) && !is_never_synced(path, *serial);
        let spelled: BTreeSet<StoredPath> =
            all.iter().filter(may_be_there).map(|(path, _)| World::stored(path)).collect();
        let mut namesakes: BTreeMap<Vec<FoldKey>, Vec<Serial>> = BTreeMap::new();
        for (path, serial) in &all {
            namesakes.entry(fold(&World::stored(path))).or_default().push(*serial);
        }
        for (path, serial) in all {
            let is_directory = world.disk.entries(serial).is_some();
            if is_never_synced(&path, serial) {
                blocked.push(path.clone());
            }
            if blocked.iter().any(|above| path.starts_with(above)) {
                continue;
            }
            let stored = World::stored(&path);
            let exact = remote.get_key_value(&stored).map(|(path, _)| path);
            // What is ignored in the directory that it is in belongs to no namesake of that directory. Beside
            // such an entry its own namesake cannot be sent: the service has one entry for both, and its
            // content follows what is local. Only where nothing is sent do the two stay apart.
            let is_apart =
                |above: &StoredPath| !world.mode.pushes() || stored.parent().as_ref() != Some(above);
            let is_ignored_there = |there: &StoredPath| {
                let above = there.parent().filter(|above| spelled.contains(above) && is_apart(above));
                let beside = above.and_then(|above| world.disk.find(&local_path(&above)));
                beside.is_some_and(|beside| world.disk.entries(beside).is_some())
                    && world.is_ignored(&local_path(there), remote[there] == RemoteNode::Directory)
            };
            let is_free = |there: &&StoredPath| !spelled.contains(*there) && !is_ignored_there(there);
            let folded = || by_fold.get(&fold(&stored)).copied().filter(is_free);
            let Some(there) = exact.or_else(folded) else {
                // Elsewhere its directory is made on the service again.
                let may_stay = world.mode.pulls()
                    && self.scenario.has_other_devices()
                    && world.stays_for_unsynced(&path, serial, &holding);
                if world.mode.pushes() && !may_stay {
                    differences.push(format!("{path} is only here"));
                }
                continue;
            };
            let own = local_path(there);
            if !world.mode.pushes()
                && exact.is_none()
                && (holding.iter().any(|above| own.starts_with(above) && !path.starts_with(above))
                    || world.is_ignored(&own, is_directory))
            {
                // It belongs to a namesake, or is ignored under the name that it has there, and what only this
                // side has is nobody's business (`pull` 60002283 with `--rules`).
                continue;
            }
            explained.insert(there.clone());
            // In modes that pull, the local name follows.
            let follows =
                world.mode.pulls() && !world.disk.holds_mount(&path) && !world.is_ignored(&own, is_directory);
            let is_ours = !self.scenario.has_other_devices()
                && !self.loses_index()
                && !self.scenario.knobs.trash_keeps_spelling;
            // Of two that are one to the service, one waits for a person; which of them has the name is told
            // by that.
            let is_alone = namesakes[&fold(&stored)].len() == 1;
            if (follows || is_ours) && is_alone && there.name() != stored.name() {
                differences.push(format!("{path} is spelled {there} on the service"));
            }
            let matching = |serial| match (world.disk.node(serial), text(&world, serial), remote[there]) {
                (DiskNode::Directory(_), _, RemoteNode::Directory) => Some(true),
                (DiskNode::File(stat), Some(content), RemoteNode::File(file)) if content == file.content => {
                    Some(world.disk.keeps(file.modified) == stat.modified)
                }
                _ => None,
            };
            match matching(serial) {
                Some(true) => {}
                // Which of several the service has cannot be told by their names where only its side counts.
                _ if !world.mode.pushes()
                    && namesakes[&fold(&stored)].iter().any(|other| matching(*other) == Some(true)) => {}
                Some(false) => differences.push(format!("{path} has another time on the service")),
                None => differences.push(format!("{path} differs")),
            }
        }
        for (path, node) in &remote {
            if explained.contains(path)
                || blocked.iter().any(|above| is_below(path, above))
                || world.is_ignored_there(path, *node)
            {
                continue;
            }
            if !self.may_be_only_remote(&world, path, *node) {
                differences.push(format!("{path} is only on the service"));
            }
        }
        Ok(differences)
    }

    /// Whose spelling of a name counts was in the index that is lost, or what was agreed on was forgotten
    /// when a person wanted all back that had gone: what is equal but for it is adopted as it is.
    fn loses_index(&self) -> bool {
        self.scenario.steps.iter().any(|step| matches!(step.act, Act::LoseIndex | Act::Reject))
    }

    fn may_be_only_remote(&self, world: &World, path: &StoredPath, node: RemoteNode) -> bool {
        if world.mode.pulls() {
            return false;
        }
        let forgets = world.decided.wants_back
            || self.scenario.steps.iter().any(|step| matches!(step.act, Act::LoseIndex | Act::Reject));
        let top = path.names().iter().position(|name| name.as_str().contains("(conflict kari "));
        let top = top.map(|top| StoredPath::new(path.names()[..=top].to_vec()));
        // What makes way because of what is ignored in it does so as a whole.
        let made_way = top.is_some_and(|top| self.scenario.has_other_devices() || holds_ignored(world, &top));
        let is_kept = forgets || world.was_released(path, node);
        if world.mode == Mode::Archive || is_kept || made_way {
            return true;
        }
        match node {
            RemoteNode::File(file) => world.foreign.contains(&file.content),
            // What is ignored in it stays, and so does it.
            RemoteNode::Directory => self.scenario.has_other_devices() || holds_ignored(world, path),
        }
    }

    fn problems(&self) -> Result<Vec<Problem>, FolderError> {
        self.folder.as_ref().map_or(Ok(Vec::new()), Folder::problems)
    }

    /// Problems that nothing in the world explains any more.
    pub(crate) fn unexplained_problems(&self) -> Result<Vec<String>, FolderError> {
        let problems = self.problems()?;
        let world = self.world.lock();
        let mut unexplained = Vec::new();
        for problem in problems {
            let here = world.disk.find(&problem.path);
            let is_explained = match problem.kind {
                ProblemKind::NameTooLong => {
                    here.is_some() && World::stored(&problem.path).names().iter().any(|name| !name.fits())
                }
                ProblemKind::NameClash => here.is_some() && clashes(&world, &problem.path),
                ProblemKind::WrongKind => {
                    here.is_some_and(|serial| matches!(world.disk.inode(serial).body, Body::Other(_)))
                }
                // What chance let fail is tried again.
                ProblemKind::LocalDisk if problem.reason.contains("a simulated fault") => false,
                // What is on another disk than `.jottad` is only read.
                ProblemKind::LocalDisk => {
                    let directory = problem.path.parent().unwrap_or_default();
                    world.disk.file_system(&directory) != world.disk.file_system(&RelativePath::root())
                        || world.disk.holds_mount(&problem.path)
                }
                _ => false,
            };
            if !is_explained {
                unexplained.push(format!("{}: {:?}: {}", problem.path, problem.kind, problem.reason));
            }
        }
        Ok(unexplained)
    }
}

impl World {
    /// Whether a directory holds something that is never synced or cannot be removed, at any depth, and else
    /// at most directories: deleted on the service, it stays for that alone. What cannot be removed, because
    /// it is on another disk, is told as a problem.
    fn stays_for_unsynced(&self, path: &RelativePath, directory: Serial, problems: &[RelativePath]) -> bool {
        let below = self.disk.walk(directory);
        let mut never_synced = below.iter().filter_map(|(below, serial)| {
            let is_directory = self.disk.entries(*serial).is_some();
            let path = below.rebase(&RelativePath::root(), path)?;
            let is_other = matches!(self.disk.inode(*serial).body, Body::Other(_));
            let is_held = problems.iter().any(|above| path.starts_with(above));
            let is_out = is_other || is_held || self.is_ignored(&path, is_directory);
            (is_out || !is_directory).then_some(is_out)
        });
        self.disk.entries(directory).is_some()
            && never_synced.next() == Some(true)
            && never_synced.all(|is_out| is_out)
    }

    /// Contents that somebody saved, that nobody gave up, and that are not live where the mode wants them.
    pub(crate) fn lost_from_view(&self) -> Vec<Content> {
        let local: BTreeSet<Content> =
            self.disk.all().iter().filter_map(|(_, serial)| text(self, *serial)).collect();
        let remote: BTreeSet<Content> = self
            .remote
            .walk(&StoredPath::root())
            .into_iter()
            .filter_map(|(_, node)| match node {
                RemoteNode::File(file) => Some(file.content),
                RemoteNode::Directory => None,
            })
            .collect();
        let is_live = |content: &Content, side: Side| match (self.mode, side) {
            // The local side wins; what it displaces is a revision.
            (Mode::Backup | Mode::Archive, Side::Remote) => self.reachable().contains(content),
            (Mode::Backup | Mode::Archive | Mode::Pull, Side::Local) => local.contains(content),
            (Mode::Pull, Side::Remote) => remote.contains(content),
            // That the sides agree is compared path by path; where a problem forbids it, one side suffices.
            (Mode::Sync, _) => {
                local.contains(content)
                    || remote.contains(content)
                    || (self.displaced.contains(content) && self.reachable().contains(content))
            }
        };
        // What lies beneath a mounted disk, or on one that has no place any more, is out of everybody's
        // sight.
        let hidden: BTreeSet<Content> =
            self.disk.hidden().iter().chain(&self.disk.orphaned()).map(crate::text::Text::content).collect();
        let is_wanted = |content: &Content| !self.given_up.contains(content) && !hidden.contains(content);
        let wanted = self.saved.iter().filter(|(content, _)| is_wanted(content));
        wanted.filter(|(content, side)| !is_live(content, **side)).map(|(content, _)| *content).collect()
    }
}

fn text(world: &World, serial: crate::disk_tree::Serial) -> Option<Content> {
    match &world.disk.inode(serial).body {
        Body::File(text) => Some(text.content()),
        _ => None,
    }
}

fn fold(path: &StoredPath) -> Vec<FoldKey> {
    path.names().iter().map(FoldKey::of).collect()
}

fn is_below(path: &StoredPath, above: &RelativePath) -> bool {
    let (path, above) = (fold(path), fold(&World::stored(above)));
    path.starts_with(&above)
}

/// Whether a directory on the service holds anything, at any depth, that a rule ignores or ignored.
fn holds_ignored(world: &World, directory: &StoredPath) -> bool {
    world.remote.walk(directory).into_iter().any(|(below, node)| {
        let path = StoredPath::new(directory.names().iter().chain(below.names()).cloned().collect());
        world.is_ignored_there(&path, node) || world.was_released(&path, node)
    })
}

/// Whether another entry beside this one has a name that the service may take for the same.
fn clashes(world: &World, path: &RelativePath) -> bool {
    let (parent, Some(name)) = path.split_last() else { return false };
    let key = FoldKey::of(&encode_name(&name));
    let here = world.disk.find(&parent).and_then(|parent| world.disk.entries(parent));
    let beside = here
        .into_iter()
        .flatten()
        .any(|(other, _)| *other != name && FoldKey::of(&encode_name(other)) == key);
    let there = world.remote.entries(&World::stored(&parent));
    let on_service = there.into_iter().flatten().any(|(_, (other, item))| {
        *other != encode_name(&name) && FoldKey::of(other) == key && item.node().kind() <= Kind::Directory
    });
    beside || on_service
}
