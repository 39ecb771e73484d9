//! What each mode promises about the end of a run, whatever happened on the way.

use std::collections::BTreeSet;

use jottad_core::{Content, Entry, Mode, RelativePath, Side};

use crate::model::{Engine, Tree, World, entry};

/// Names the promise that the end of a run breaks.
pub(crate) fn check(engine: Engine, start: &World, end: &World) -> Result<(), String> {
    nothing_is_lost(start, end)?;
    if !end.plan(engine).is_empty() {
        Err(format!("there is more to do: {:?}", end.plan(engine)))?;
    }
    match engine.mode {
        Mode::Sync => sync(start, end),
        Mode::Backup => {
            local_is_untouched(start, end)?;
            follows(start, end, Side::Remote, Side::Local)?;
            known_and_deleted_is_gone(start, end, Side::Remote, Side::Local)?;
            foreign_is_not_trashed(start, end)
        }
        Mode::Archive => {
            local_is_untouched(start, end)?;
            follows(start, end, Side::Remote, Side::Local)?;
            if !end.remote_trash.is_empty() {
                Err("something was deleted on the remote side")?;
            }
            Ok(())
        }
        Mode::Pull => {
            if end.remote != start.remote || !end.remote_trash.is_empty() || !end.revisions.is_empty() {
                Err("the remote side was written")?;
            }
            follows(start, end, Side::Local, Side::Remote)?;
            known_and_deleted_is_gone(start, end, Side::Local, Side::Remote)?;
            is_live(&edited(start, Side::Local), &end.local, "an edit made here is not live here")
        }
    }
}

/// Every content of both sides is still somewhere.
fn nothing_is_lost(start: &World, end: &World) -> Result<(), String> {
    let kept: BTreeSet<_> = contents(&end.local)
        .chain(contents(&end.remote))
        .chain(end.local_trash.iter().copied())
        .chain(end.remote_trash.iter().copied())
        .chain(end.revisions.iter().copied())
        .collect();
    match contents(&start.local).chain(contents(&start.remote)).find(|content| !kept.contains(content)) {
        Some(lost) => Err(format!("content {} is lost", lost.size)),
        None => Ok(()),
    }
}

/// Both sides and the base agree but for what cannot be synced, and edits of both sides live on both.
fn sync(start: &World, end: &World) -> Result<(), String> {
    for path in end.paths() {
        let trees = end.trees(path);
        if !end.is_blocked(path) && (trees.local != trees.remote || trees.base != trees.local) {
            Err(format!("{path} does not agree"))?;
        }
    }
    let mine = edited(start, Side::Local);
    let theirs = edited(start, Side::Remote);
    is_live(&mine, &end.local, "an edit made here is not live here")?;
    is_live(&theirs, &end.remote, "an edit made there is not live there")?;
    if [&start.local, &start.remote].into_iter().all(|tree| tree.values().all(|one| *one != Entry::Untracked))
    {
        is_live(&mine, &end.remote, "an edit made here is not live there")?;
        is_live(&theirs, &end.local, "an edit made there is not live here")?;
    }
    Ok(())
}

fn local_is_untouched(start: &World, end: &World) -> Result<(), String> {
    if end.local != start.local || !end.local_trash.is_empty() {
        Err("the local side was written")?;
    }
    Ok(())
}

/// One side has all that the leading side has, and the base knows exactly that.
fn follows(start: &World, end: &World, follower: Side, leader: Side) -> Result<(), String> {
    for path in end.paths().into_iter().filter(|path| !end.is_blocked(path)) {
        let leading = entry(end.side(leader), path);
        if leading != entry(&end.base, path) {
            Err(format!("the base is wrong about {path}"))?;
        }
        if leading.is_present() && leading != entry(end.side(follower), path) {
            Err(format!("{path} has not followed"))?;
        }
        let untouched = entry(end.side(follower), path) == entry(start.side(follower), path);
        if !leading.is_present() && !untouched && !is_conflict_copy(path) {
            Err(format!("{path} was changed without a cause"))?;
        }
    }
    Ok(())
}

/// A file that both sides had agreed on and the leading side deleted is gone from the follower too.
fn known_and_deleted_is_gone(start: &World, end: &World, follower: Side, leader: Side) -> Result<(), String> {
    for (path, known) in &start.base {
        let was = entry(start.side(follower), path);
        let is_known_file = was.file().is_some() && was.same_content(*known);
        if is_known_file
            && !entry(start.side(leader), path).is_present()
            && !start.is_blocked(path)
            && entry(end.side(follower), path).same_content(was)
        {
            Err(format!("{path} was deleted but is still there"))?;
        }
    }
    Ok(())
}

/// What others put on the remote side is never deleted by a backup.
fn foreign_is_not_trashed(start: &World, end: &World) -> Result<(), String> {
    match edited(start, Side::Remote).intersection(&end.remote_trash).next() {
        Some(content) => Err(format!("content {} of others is in the trash", content.size)),
        None => Ok(()),
    }
}

/// The contents of a side that the base does not know at their path.
fn edited(world: &World, side: Side) -> BTreeSet<Content> {
    world
        .side(side)
        .iter()
        .filter(|(path, here)| !here.same_content(entry(&world.base, path)))
        .filter_map(|(_, here)| Some(here.file()?.content))
        .collect()
}

fn is_live(edited: &BTreeSet<Content>, tree: &Tree, complaint: &str) -> Result<(), String> {
    let live: BTreeSet<_> = contents(tree).collect();
    match edited.difference(&live).next() {
        Some(content) => Err(format!("{complaint}: content {}", content.size)),
        None => Ok(()),
    }
}

fn contents(tree: &Tree) -> impl Iterator<Item = Content> {
    tree.values().filter_map(|here| Some(here.file()?.content))
}

fn is_conflict_copy(path: &RelativePath) -> bool {
    path.components().any(|name| String::from_utf8_lossy(name).contains(" (conflict "))
}
