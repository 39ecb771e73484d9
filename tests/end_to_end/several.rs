//! `get` and `put` with several things at once, with patterns, and with standard input and output.

use std::fs;
use std::process::Stdio;

use jottad_emulator::Act;

use crate::stage::{Outcome, World};

/// A service with a few files, and a place for them here.
fn world() -> World {
    let world = World::new();
    for (path, content) in [("x/a.jpg", "a"), ("x/b.jpg", "bb"), ("x/c.txt", "c"), ("y/a.jpg", "other")] {
        world.service.does(Act::put(&format!("Jotta/Archive/{path}"), content.as_bytes()));
    }
    fs::create_dir(world.machine.home().join("here")).unwrap();
    world
}

fn names(world: &World) -> Vec<String> {
    let entries = fs::read_dir(world.machine.home().join("here")).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn several_things_and_patterns_are_fetched_into_a_directory() {
    let world = world();
    world
        .machine
        .jottad(["get", "Jotta/Archive/x/*.jpg", "Jotta/Archive/x/c.txt", "here"])
        .expect(0)
        .says("fetched 3 files");
    assert_eq!(names(&world), ["a.jpg", "b.jpg", "c.txt"]);
    let document =
        world.machine.jottad(["get", "Jotta/Archive/[xz]/?.jpg", "here", "--json"]).expect(0).json();
    assert_eq!((&document["files"], &document["unchanged"]), (&0.into(), &2.into()));
    world.machine.jottad(["get", "-r", "Jotta/Archive/[xy]", "here"]).expect(0).says("fetched 4 files");
    assert_eq!(fs::read(world.machine.home().join("here/y/a.jpg")).unwrap(), b"other");
    // A name may hold what is a pattern elsewhere.
    world.service.does(Act::put("Jotta/Archive/z[1].txt", b"1"));
    world.machine.jottad(["get", "Jotta/Archive/z[1].txt", "here"]).expect(0);
    assert_eq!(fs::read(world.machine.home().join("here/z[1].txt")).unwrap(), b"1");
}

#[test]
fn what_a_pattern_matches_is_listed_and_printed() {
    let world = world();
    let list = |arguments: &[&str]| world.machine.jottad([&["ls"], arguments].concat());
    let listed = list(&["Jotta/Archive/[xy]/*.jpg"]).expect(0);
    assert_eq!(listed.stdout, "Jotta/Archive/x/a.jpg\nJotta/Archive/x/b.jpg\nJotta/Archive/y/a.jpg\n");
    assert_eq!(list(&["Jotta/Archive/[xz]"]).expect(0).stdout, "Jotta/Archive/x/\n");
    list(&["-R", "Jotta/Archive/[xz]"]).expect(0).says("Jotta/Archive/x/\n").says("Jotta/Archive/x/c.txt\n");
    let lines = list(&["--json", "Jotta/Archive/x/?.txt"]).expect(0).json_lines();
    assert_eq!((&lines[0]["path"], &lines[0]["name"]), (&"Jotta/Archive/x/c.txt".into(), &"c.txt".into()));
    list(&["Jotta/Archive/x/*.png"]).expect(1).complains("nothing there matches \"*.png\"");
    let cat = |arguments: &[&str]| world.machine.jottad([&["cat"], arguments].concat());
    assert_eq!(cat(&["Jotta/Archive/[xy]/a.jpg"]).expect(0).stdout, "aother");
    assert_eq!(cat(&["--length", "1", "Jotta/Archive/x/b*"]).expect(0).stdout, "b");
    cat(&["--length", "1", "Jotta/Archive/x/*"]).expect(2).complains("a single file");
    let refused = cat(&["Jotta/Archive/*"]).expect(1).complains("it is a folder");
    assert_eq!(refused.stdout, "");
}

#[test]
fn several_that_a_pattern_matches_are_removed_only_with_a_yes() {
    let world = world();
    let remove = |arguments: &[&str]| world.machine.jottad([&["rm"], arguments].concat());
    remove(&["Jotta/Archive/x/*.jpg"])
        .expect(2)
        .complains("  Jotta/Archive/x/a.jpg")
        .complains("  Jotta/Archive/x/b.jpg")
        .complains("put these 2 into the trash")
        .complains("--yes");
    assert!(world.service.has("Jotta/Archive/x/a.jpg"));
    // One is what was meant.
    remove(&["Jotta/Archive/x/*.txt"]).expect(0).says("Jotta/Archive/x/c.txt is in the trash");
    remove(&["--yes", "Jotta/Archive/x/*"]).expect(0).says("x/a.jpg is in the trash").says("x/b.jpg");
    assert!(!world.service.has("Jotta/Archive/x/b.jpg") && world.service.has("Jotta/Archive/y/a.jpg"));
    remove(&["Jotta/Archive/x/*"]).expect(1).complains("nothing there matches");
    // A name may hold what is a pattern elsewhere.
    world.service.does(Act::put("Jotta/Archive/[y]", b"1"));
    remove(&["Jotta/Archive/[y]"]).expect(0).says("Jotta/Archive/[y] is in the trash");
    assert!(world.service.has("Jotta/Archive/y/a.jpg"));
}

#[test]
fn what_cannot_be_fetched_is_refused_before_the_first_byte() {
    let world = world();
    fs::write(world.machine.home().join("file"), "mine").unwrap();
    for (arguments, code, complaint) in [
        (
            &["Jotta/Archive/x/*.jpg", "Jotta/Archive/y/a.jpg", "here"][..],
            1,
            "the same name as Jotta/Archive/x/a.jpg",
        ),
        (&["Jotta/Archive/x/a.jpg", "Jotta/Archive/x/c.txt", "file"], 1, "it is not a directory"),
        (&["Jotta/Archive/x/*", "Jotta/Archive/x/none", "here"], 1, "there is nothing"),
        (&["Jotta/Archive/x/*.png", "here"], 1, "nothing there matches \"*.png\""),
        (&["Jotta/*/a.jpg", "here"], 2, "a pattern stands behind"),
        (&["Jotta/Archive/*", "here"], 1, "add -r"),
        (&["Jotta/Archive/x/*.jpg", "-"], 2, "only one file"),
        (&["Jotta/Archive/x/a.jpg", "-", "--json"], 2, "standard output"),
    ] {
        let outcome = world.machine.jottad(["get"].iter().chain(arguments)).expect(code);
        outcome.complains(complaint).complains(if arguments.contains(&"--json") { "hint" } else { "hint: " });
        assert!(names(&world).is_empty(), "{arguments:?}");
    }
    assert_eq!(fs::read(world.machine.home().join("file")).unwrap(), b"mine");
}

#[test]
fn several_things_are_sent_into_a_folder_or_refused_before_the_first_byte() {
    let world = world();
    let home = world.machine.home();
    fs::create_dir_all(home.join("d/deep")).unwrap();
    for (path, content) in [("one", "1"), ("two", "2"), ("d/one", "3"), ("d/deep/f", "4")] {
        fs::write(home.join(path), content).unwrap();
    }
    let changes = world.service.changes();
    for (arguments, code, complaint) in [
        (&["one", "d/one", "Jotta/Archive/x"][..], 1, "the same name as one"),
        (&["one", "two", "Jotta/Archive/x/c.txt"], 1, "it is a file"),
        (&["one", "two", "Jotta/Archive/none"], 1, "jottad mkdir Jotta/Archive/none"),
        (&["one", "d", "Jotta/Archive/x"], 1, "add -r"),
        (&["one", "none", "Jotta/Archive/x"], 1, "No such file"),
        (&["one", "-", "Jotta/Archive/x"], 2, "standard input"),
        (&["-", "Jotta/Archive/x"], 1, "standard input has no name"),
        (&["one"], 2, "where to"),
    ] {
        let outcome = world.machine.jottad(["put"].iter().chain(arguments)).expect(code);
        let _ = outcome.complains(complaint);
        assert_eq!(world.service.changes(), changes, "{arguments:?}");
    }
    world.machine.jottad(["put", "one", "two", "Jotta/Archive/x"]).expect(0).says("sent 2 files, 2 B");
    world.machine.jottad(["put", "-r", "one", "d", "Jotta/Archive/x"]).expect(0).says("sent 2 files");
    for path in ["one", "two", "d/one", "d/deep/f"] {
        assert!(world.service.has(&format!("Jotta/Archive/x/{path}")), "{path}");
    }
}

#[test]
fn standard_input_is_sent_and_standard_output_gets_a_file() {
    let world = world();
    world
        .machine
        .jottad_with_input(["put", "-", "Jotta/Archive/new/piped.txt"], "through a pipe")
        .expect(0)
        .says("sent 1 file");
    let outcome = world.machine.jottad(["get", "Jotta/Archive/new/piped.txt", "-"]).expect(0);
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("through a pipe", ""));
    let other = ["put", "-", "Jotta/Archive/new/piped.txt"];
    world.machine.jottad_with_input(other, "else").expect(1).complains("--force").complains("hint: ");
    let forced = ["put", "--force", "--json", "-", "Jotta/Archive/new/piped.txt"];
    let document = world.machine.jottad_with_input(forced, "else").expect(0).json();
    assert_eq!((&document["files"], &document["bytes"]), (&1.into(), &4.into()));
    assert_eq!(world.machine.jottad(["get", "Jotta/Archive/new/piped.txt", "-"]).expect(0).stdout, "else");
    // Who does not read on is not told of it.
    world.service.does(Act::put("Jotta/Archive/large", &vec![7; 1 << 20]));
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = world.machine.command(["get", "Jotta/Archive/large", "-"]);
    let output = command.stdout(writer).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    let outcome = Outcome::new(&command, &output);
    assert!(!outcome.stderr.to_lowercase().contains("broken pipe"), "{outcome}");
}
