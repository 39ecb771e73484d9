//! Every small situation, cut short at every step in three ways: each mode keeps its promises.

use jottad_core::{Action, Decision, Entry, Mode, RelativePath, Side, reconcile};

use crate::model::{Crash, Engine, Rules, Tree, World, file, real_rules};
use crate::promises;

#[test]
fn backup_survives_every_crash() {
    survives_every_crash(Mode::Backup);
}

#[test]
fn sync_survives_every_crash() {
    survives_every_crash(Mode::Sync);
}

#[test]
fn archive_survives_every_crash() {
    survives_every_crash(Mode::Archive);
}

#[test]
fn pull_survives_every_crash() {
    survives_every_crash(Mode::Pull);
}

fn survives_every_crash(mode: Mode) {
    let engine = Engine { mode, rules: real_rules, records_first: false };
    let mut runs = 0_u64;
    let mut failures = Vec::new();
    for_each_situation(|start| match examine(engine, start) {
        Ok(number) => runs += number,
        Err(failure) => failures.push(failure),
    });
    assert!(failures.is_empty(), "{} failures in {mode}, the first:\n{}", failures.len(), failures[0]);
    assert!(runs > 100_000, "only {runs} runs in {mode}");
}

/// What the check would let through, were it not able to fail.
pub(crate) const PLANTED_BUGS: &[(&str, Mode, Rules)] = &[
    ("a conflict overwrites the remote edit", Mode::Sync, |mode, trees, changed_inside| {
        let decision = reconcile(mode, trees, changed_inside);
        match decision.action {
            Action::MoveAside(Side::Local) if trees.remote.file().is_some() => {
                Decision { action: Action::Upload, ..decision }
            }
            _ => decision,
        }
    }),
    ("deleting a directory ignores edits inside", Mode::Sync, |mode, trees, _| {
        reconcile(mode, trees, |_| false)
    }),
    ("a remote delete beats a local edit", Mode::Sync, |mode, trees, changed_inside| {
        let decision = reconcile(mode, trees, changed_inside);
        match (decision.action, trees.base.is_present()) {
            (Action::Upload, true) if !trees.remote.is_present() => {
                Decision { action: Action::Trash(Side::Local), ..decision }
            }
            _ => decision,
        }
    }),
    ("local changes are not looked at", Mode::Sync, |mode, trees, changed_inside| {
        let decision = reconcile(mode, trees, changed_inside);
        match decision.action {
            Action::MoveAside(Side::Local) if trees.remote.file().is_some() => {
                Decision { action: Action::Download, ..decision }
            }
            _ => decision,
        }
    }),
    ("a new file there counts as deleted here", Mode::Sync, |mode, trees, changed_inside| {
        let decision = reconcile(mode, trees, changed_inside);
        match decision.action {
            Action::Download if !trees.local.is_present() => {
                Decision { action: Action::Trash(Side::Remote), ..decision }
            }
            _ => decision,
        }
    }),
    ("a backup deletes what it never knew", Mode::Backup, |mode, trees, changed_inside| {
        let decision = reconcile(mode, trees, changed_inside);
        match decision.action {
            Action::Nothing if !trees.local.is_present() && trees.remote.is_present() => {
                Decision { action: Action::Trash(Side::Remote), ..decision }
            }
            _ => decision,
        }
    }),
    ("a backup forgets to delete", Mode::Backup, |mode, trees, changed_inside| {
        let decision = reconcile(mode, trees, changed_inside);
        match decision.action {
            Action::Trash(_) => Decision { action: Action::Forget, ..decision },
            _ => decision,
        }
    }),
    ("a backup takes remote edits over", Mode::Backup, |_, trees, changed_inside| {
        reconcile(Mode::Sync, trees, changed_inside)
    }),
    ("an archive deletes", Mode::Archive, |_, trees, changed_inside| {
        reconcile(Mode::Backup, trees, changed_inside)
    }),
    ("a pull overwrites local edits", Mode::Pull, |mode, trees, changed_inside| {
        let decision = reconcile(mode, trees, changed_inside);
        match decision.action {
            Action::MoveAside(Side::Local)
                if trees.local.file().is_some() && trees.remote.file().is_some() =>
            {
                Decision { action: Action::Download, ..decision }
            }
            _ => decision,
        }
    }),
    ("a pull sends", Mode::Pull, |_, trees, changed_inside| reconcile(Mode::Sync, trees, changed_inside)),
];

#[test]
fn every_planted_bug_is_found() {
    for (bug, mode, rules) in PLANTED_BUGS {
        let engine = Engine { mode: *mode, rules: *rules, records_first: false };
        assert!(finds_a_failure(engine), "not found: {bug}");
    }
}

#[test]
fn a_base_ahead_of_the_deed_is_found() {
    // An archive heals by itself: it sends whatever the remote side has not.
    for mode in [Mode::Backup, Mode::Sync, Mode::Pull] {
        let engine = Engine { mode, rules: real_rules, records_first: true };
        assert!(finds_a_failure(engine), "not found in {mode}");
    }
}

fn finds_a_failure(engine: Engine) -> bool {
    let mut found = false;
    for_each_situation(|start| found = found || examine(engine, start).is_err());
    found
}

/// Runs a situation without a crash and with every crash; how many runs that were.
fn examine(engine: Engine, start: &World) -> Result<u64, String> {
    let run = |crash| {
        let mut world = start.clone();
        let outcome = world
            .settle(engine, crash)
            .and_then(|steps| promises::check(engine, start, &world).map(|()| steps));
        outcome.map_err(|error| format!("{error}\ncrash: {crash:?}\nstart:\n{start:?}end:\n{world:?}"))
    };
    let steps = run(None)?;
    let crashes = (0..steps).flat_map(|at| [Crash::Before(at), Crash::Within(at), Crash::After(at)]);
    crashes.map(|crash| run(Some(crash))).try_fold(1, |runs, outcome| outcome.map(|_| runs + 1))
}

/// All triples of a base, a local and a remote tree: a file, a directory with a child `c`, which may be a
/// file or a directory with `x` in it, and a child `e`. Contents are told by two digits: where, and whose (1
/// is the base's, 2 the local, 3 the remote, 4 the same edit on both sides).
fn for_each_situation(mut examine: impl FnMut(&World)) {
    let bases = trees(&[1], false);
    let locals = trees(&[1, 2, 4], true);
    let remotes = trees(&[1, 3, 4], false);
    for base in &bases {
        for local in &locals {
            for remote in &remotes {
                examine(&World {
                    base: base.clone(),
                    local: local.clone(),
                    remote: remote.clone(),
                    ..World::default()
                });
            }
        }
    }
}

fn trees(owners: &[u8], with_untracked: bool) -> Vec<Tree> {
    let path = |text| RelativePath::try_from(text).unwrap();
    let files = |place: u8| owners.iter().map(move |owner| file(10 * place + owner, 0));
    let mut trees = vec![Tree::new()];
    trees.extend(files(1).map(|file| Tree::from([(path("p"), file)])));
    let directory = Tree::from([(path("p"), Entry::Directory)]);

    let mut children = vec![Tree::new()];
    children.extend(files(2).map(|file| Tree::from([(path("p/c"), file)])));
    children.push(Tree::from([(path("p/c"), Entry::Directory)]));
    children
        .extend(files(3).map(|file| Tree::from([(path("p/c"), Entry::Directory), (path("p/c/x"), file)])));
    if with_untracked {
        trees.push(Tree::from([(path("p"), Entry::Untracked)]));
        children.push(Tree::from([(path("p/c"), Entry::Untracked)]));
    }
    for child in &children {
        let tree: Tree = directory.clone().into_iter().chain(child.clone()).collect();
        trees.extend(files(4).map(|file| {
            let mut tree = tree.clone();
            tree.insert(path("p/e"), file);
            tree
        }));
        trees.push(tree);
    }
    trees
}
