//! The past: revisions, the trash, and a folder as it was.

use std::fs;

use jottad_emulator::{Act, Switches};

use crate::stage::{Outcome, World};

/// A time by the service's clock that is later than all before it and earlier than all after it.
fn now(world: &World) -> String {
    // Whole seconds are all that the service tells.
    world.service.advance_clock(10);
    world.service.does(Act::put("Jotta/Archive/clock", b"tick"));
    let versions = world.machine.jottad(["versions", "--json", "Jotta/Archive/clock"]).expect(0).json();
    world.service.does(Act::remove("Jotta/Archive/clock"));
    world.service.advance_clock(10);
    versions["versions"][0]["updated"].as_str().unwrap().to_owned()
}

fn put(world: &World, path: &str, content: &str) {
    world.service.does(Act::put_at(&format!("Jotta/Archive/f/{path}"), content.as_bytes(), 1_000_000_000));
}

fn live(world: &World) -> Vec<String> {
    world.service.live_below("Jotta/Archive/f").into_iter().map(|entry| entry.path).collect()
}

fn content(world: &World, path: &str) -> String {
    let content = world.service.content(&format!("Jotta/Archive/f/{path}"));
    content.map_or_else(String::new, |bytes| String::from_utf8(bytes.to_vec()).unwrap())
}

/// A folder in which something is edited, deleted, re-made and added after the time that is returned.
fn changed_folder() -> (World, String) {
    let world = World::new();
    for (path, content) in [
        ("same", "same"),
        ("edited", "one"),
        ("deleted", "deleted"),
        ("dir/in it", "in it"),
        ("dir/deep/er", "deeper"),
        ("again", "first"),
    ] {
        put(&world, path, content);
    }
    world.service.does(Act::mkdir("Jotta/Archive/f/dir/empty"));
    put(&world, "gone before", "gone before");
    world.service.advance_clock(1);
    world.service.does(Act::delete("Jotta/Archive/f/gone before"));
    let then = now(&world);
    put(&world, "edited", "two");
    world.service.does(Act::delete("Jotta/Archive/f/deleted"));
    world.service.does(Act::delete("Jotta/Archive/f/dir"));
    world.service.does(Act::delete("Jotta/Archive/f/again"));
    put(&world, "again", "second");
    put(&world, "new/er", "newer");
    (world, then)
}

fn restored(outcome: &Outcome) -> [u64; 5] {
    let document = outcome.json();
    ["files", "folders", "unchanged", "newer"]
        .map(|key| document[key].as_u64().unwrap())
        .into_iter()
        .chain([document["left"].as_array().unwrap().len() as u64])
        .collect::<Vec<_>>()
        .try_into()
        .unwrap()
}

#[test]
fn a_folder_is_restored_as_it_was() {
    let (world, then) = changed_folder();
    let restore = ["restore", "Jotta/Archive/f", "--at", &then];
    let outcome = world.machine.jottad(restore.iter().chain(&["--json"])).expect(0);
    assert_eq!(restored(&outcome), [5, 3, 1, 1, 0], "{outcome}");
    assert_eq!(
        live(&world),
        [
            "again",
            "deleted",
            "dir",
            "dir/deep",
            "dir/deep/er",
            "dir/empty",
            "dir/in it",
            "edited",
            "new",
            "new/er",
            "same"
        ]
    );
    for (path, expected) in
        [("edited", "one"), ("again", "first"), ("deleted", "deleted"), ("dir/deep/er", "deeper")]
    {
        assert_eq!(content(&world, path), expected, "{path}");
    }
    // What was there before is a revision now.
    assert_eq!(world.service.revision_content("Jotta/Archive/f/edited", 2).as_deref(), Some(&b"two"[..]));
    let outcome = world.machine.jottad(restore.iter().chain(&["--json"])).expect(0);
    assert_eq!(restored(&outcome), [0, 0, 6, 1, 0], "{outcome}");
    world.machine.jottad(restore).expect(0).says("restored 0 files").says("1 file came later and stayed");
}

#[test]
fn a_folder_as_it_was_is_fetched() {
    let (world, then) = changed_folder();
    let fetch = ["restore", "Jotta/Archive/f", "--at", &then, "--to", "out"];
    let outcome = world.machine.jottad(fetch).expect(6);
    // Nothing is given out of the trash; all else is there.
    outcome
        .says("fetched 3 files")
        .complains("jottad restore")
        .complains("f/deleted")
        .complains("f/dir/in it");
    let out = world.machine.home().join("out");
    for (path, expected) in [("edited", "one"), ("again", "first"), ("same", "same")] {
        assert_eq!(fs::read_to_string(out.join(path)).unwrap(), expected, "{path}");
    }
    assert!(out.join("dir/empty").is_dir() && !out.join("new").exists() && !out.join("gone before").exists());
    assert_eq!(content(&world, "edited"), "two");
    // Where the service gives it out, it comes.
    world.service.set_switch("U43", "content").unwrap();
    world.machine.jottad(fetch).expect(0).says("fetched 3 files").says("3 files had been there");
    assert_eq!(fs::read_to_string(out.join("dir/deep/er")).unwrap(), "deeper");
}

#[test]
fn what_cannot_be_had_is_told() {
    let world = World::new();
    put(&world, "kept", "kept");
    for edit in 0..3 {
        put(&world, "often edited", &format!("edit {edit}"));
    }
    let then = now(&world);
    // The service keeps five.
    for edit in 3..9 {
        put(&world, "often edited", &format!("edit {edit}"));
    }
    let restore = ["restore", "Jotta/Archive/f", "--at", &then];
    let outcome = world.machine.jottad(restore).expect(6);
    outcome
        .complains("f/often edited: its oldest revision that is kept is of")
        .says("1 entry could not be had");
    assert_eq!(content(&world, "often edited"), "edit 8");
    let file = ["restore", "Jotta/Archive/f/often edited", "--at", &then];
    world.machine.jottad(file).expect(1).complains("oldest revision").complains("jottad versions");
    world
        .machine
        .jottad(["restore", "Jotta/Archive/f", "--at", "2001-01-01"])
        .expect(6)
        .complains("empties its trash after 30 days");
}

#[test]
fn it_must_be_said_which_past_is_meant() {
    let world = World::new();
    put(&world, "a", "one");
    world.service.advance_clock(60);
    let jottad = |arguments: &[&str]| world.machine.jottad(arguments);
    jottad(&["restore", "Jotta/Archive/f"]).expect(2).complains("--at");
    jottad(&["restore", "Jotta/Archive/f", "--revision", "1"]).expect(1).complains("--at");
    world.service.does(Act::delete("Jotta/Archive/f"));
    let later = now(&world);
    jottad(&["restore", "Jotta/Archive/f", "--at", &later]).expect(1).complains("in the trash since");
    jottad(&["restore", "Jotta/Archive/f/a", "--at", &later]).expect(1).complains("in the trash since");
    jottad(&["restore", "Jotta/Archive/f/a", "--to", "a"])
        .expect(1)
        .complains("jottad restore Jotta/Archive/f/a");
    jottad(&["restore", "Jotta/Archive/f", "--to", "out"]).expect(6).complains("in the trash");
    // A file alone, out of a folder that is in the trash as well.
    jottad(&["restore", "Jotta/Archive/f/a"]).expect(0).says("restored 1 file");
    assert_eq!(content(&world, "a"), "one");
}

#[test]
fn whatever_the_service_does_a_file_is_as_it_was_or_is_told() {
    for seed in 0..30 {
        let (world, then) = changed_folder();
        world.service.set_switches(Switches::random(seed)).unwrap();
        let restore = ["restore", "--json", "Jotta/Archive/f", "--at", &then];
        let outcome = world.machine.jottad(restore);
        let document = outcome.json();
        let left: Vec<&str> =
            document["left"].as_array().unwrap().iter().map(|it| it["path"].as_str().unwrap()).collect();
        for (path, expected) in [
            ("same", "same"),
            ("edited", "one"),
            ("deleted", "deleted"),
            ("dir/in it", "in it"),
            ("dir/deep/er", "deeper"),
            ("again", "first"),
        ] {
            let whole = format!("Jotta/Archive/f/{path}");
            let is_told = left.iter().any(|left| whole == *left || whole.starts_with(&format!("{left}/")));
            assert!(is_told || content(&world, path) == expected, "seed {seed}: {path}: {outcome}");
        }
        assert_eq!(outcome.code, Some(if left.is_empty() { 0 } else { 6 }), "seed {seed}: {outcome}");
        assert_eq!(content(&world, "new/er"), "newer", "seed {seed}");
    }
}

#[test]
fn content_that_is_not_found_by_its_hash_goes_over_this_machine() {
    let (world, then) = changed_folder();
    world.service.set_switch("U19", "off").unwrap();
    let outcome = world.machine.jottad(["restore", "--json", "Jotta/Archive/f", "--at", &then]).expect(0);
    assert_eq!(restored(&outcome), [5, 3, 1, 1, 0], "{outcome}");
    assert_eq!((content(&world, "edited"), content(&world, "again")), ("one".to_owned(), "first".to_owned()));
    let names = fs::read_dir(world.machine.state()).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = names.filter(|name| name.as_encoded_bytes().starts_with(b".tmp")).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Once, a directory was made and nothing was put into it, and a time to come meant now.
#[test]
fn a_folder_in_which_nothing_was_is_not_restored() {
    let world = World::new();
    let before = now(&world);
    put(&world, "dir/one", "one");
    world.service.does(Act::mkdir("Jotta/Archive/f/empty"));
    put(&world, "dir/two", "two");
    world.service.does(Act::delete("Jotta/Archive/f/dir/two"));
    for more in [&["--to", "out"][..], &[], &["--json"]] {
        let restore = ["restore", "Jotta/Archive/f", "--at", &before];
        let outcome = world.machine.jottad(restore.iter().chain(more)).expect(1);
        let outcome = outcome.complains("nothing is known to have been in it on 20");
        // What it says to type brings it.
        let complaint = outcome.stderr.replace("\\\"", "\"");
        let time = complaint.split("--at \"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        if more.is_empty() {
            world.machine.jottad(["restore", "Jotta/Archive/f", "--at", &time]).expect(0);
        }
    }
    assert!(!world.machine.home().join("out").exists());
    for place in ["Jotta/Archive/f", "Jotta/Archive/f/dir/one"] {
        let restore = ["restore", place, "--at", "2999-01-01", "--to", "out"];
        world.machine.jottad(restore).expect(2).complains("is still to come").complains("jottad get -r");
    }
    assert!(!world.machine.home().join("out").exists());
}
