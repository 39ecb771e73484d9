//! The index is never ahead of the files: each call of the program to the disk is watched, and the index is
//! looked at as a power cut would have left it.

use std::path::Path;

use jottad_emulator::Act;

use crate::stage::{Recording, World};

/// The rows that say that the sides agreed on something, by name.
const AGREED: &str =
    "SELECT CAST(name AS TEXT) FROM node WHERE base_kind IS NOT NULL AND id <> 1 ORDER BY name";

/// One pass that is watched. All that got a name in the folder, and all of the program's own that was
/// replaced, was durable under that name. A lost index costs time only, so its directory need not be.
fn watched_pass(world: &World) -> Option<Recording> {
    let (outcome, recording) = Recording::of(&world.machine, &["run", "--once"])?;
    outcome.expect(0);
    for named in recording.named_below(&world.root) {
        recording.durable(&named).unwrap();
    }
    assert_replaced_durably(&recording, world);
    Some(recording)
}

/// Demands that what the program keeps of its own is replaced by what is durable already, and stays replaced.
fn assert_replaced_durably(recording: &Recording, world: &World) {
    let named = recording.named_below(&world.machine.state());
    for named in named.iter().filter(|named| named.from.is_some()) {
        recording.durable(named).unwrap();
    }
}

/// Demands that the index knew of what got this name no sooner than that was durable.
#[track_caller]
fn assert_known_once_durable(recording: &Recording, path: &Path) {
    let named = recording.named_below(path);
    let named = named.iter().rfind(|named| named.path == path);
    let durable = recording.durable(named.unwrap_or_else(|| panic!("{} got no name", path.display())));
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let knows = |moment| recording.index_at(moment, AGREED).contains(&name);
    assert!(!knows(durable.unwrap()), "the index knew of {name} before it was durable");
    assert!(knows(recording.end()), "the index never knew of {name}");
}

#[test]
fn a_row_says_that_a_file_was_fetched_once_the_file_and_its_name_are_durable() {
    let world = World::configured("mode = \"sync\"");
    for path in ["top.txt", "made/inner.txt", "made/below/deep.txt"] {
        world.service.does(Act::put(&format!("Jotta/Archive/docs/{path}"), path.as_bytes()));
    }
    let Some(recording) = watched_pass(&world) else { return };
    world.assert_same();
    for path in ["made", "made/below", "top.txt", "made/inner.txt", "made/below/deep.txt"] {
        assert_known_once_durable(&recording, &world.path(path));
    }
}

#[test]
fn a_row_says_that_a_file_was_replaced_or_removed_once_that_is_durable() {
    let world = World::configured("mode = \"sync\"");
    for path in ["edited", "removed", "gone/inner"] {
        world.write(path, path);
    }
    world.settle();
    world.service.does(Act::put("Jotta/Archive/docs/edited", b"by another device"));
    world.service.does(Act::delete("Jotta/Archive/docs/removed"));
    world.service.does(Act::delete("Jotta/Archive/docs/gone"));
    let Some(recording) = watched_pass(&world) else { return };
    world.assert_same();
    let trash = world.path(".jottad/trash");
    for (place, name, sign) in [
        (world.path("edited"), "edited", "EXISTS (SELECT 1 FROM node WHERE name = ?1 AND base_size = 17)"),
        (trash.clone(), "removed", "NOT EXISTS (SELECT 1 FROM node WHERE name = ?1)"),
        (trash, "gone", "NOT EXISTS (SELECT 1 FROM node WHERE name = ?1)"),
    ] {
        let named = recording.named_below(&place);
        let named = named.iter().rfind(|named| named.from.is_some() && named.path.ends_with(name));
        let durable = recording.durable(named.unwrap_or_else(|| panic!("{name} got no place"))).unwrap();
        let question = format!("SELECT 1 WHERE {}", sign.replace("?1", &format!("CAST('{name}' AS BLOB)")));
        let knows = |moment| !recording.index_at(moment, &question).is_empty();
        assert!(!knows(durable), "the index knew of {name} before it was durable");
        assert!(knows(recording.end()), "the index never knew of {name}");
    }
}

#[test]
fn a_time_is_durable_before_the_row_that_says_so() {
    let world = World::configured("mode = \"sync\"");
    world.write("touched", "touched");
    world.settle();
    let path = "Jotta/Archive/docs/touched".to_owned();
    world.service.does(Act::Touch { path, modified: 1_234_567_890 });
    let Some(recording) = watched_pass(&world) else { return };
    world.assert_same();
    let durable = recording.synced(&world.path("touched"), 0).expect("the time was never made durable");
    let question = "SELECT 1 FROM node WHERE coalesce(base_local_modified, base_modified) = 1234567890";
    assert!(recording.index_at(durable, question).is_empty(), "the index knew of the time before");
    assert!(!recording.index_at(recording.end(), question).is_empty());
}

#[test]
fn tokens_and_markers_are_durable_when_they_are_replaced() {
    let world = World::configured("mode = \"sync\"");
    world.service.expire_access_tokens();
    let Some(recording) = watched_pass(&world) else { return };
    let replaced = |path: &Path| recording.named_below(path).iter().any(|named| named.from.is_some());
    assert!(replaced(&world.machine.state().join("credentials.json")), "no tokens were renewed");
    assert!(replaced(&world.path(".jottad/root-id")), "the root got no marker");
}
