//! Slips of a person: each is answered with what helps, and nothing is done that was not meant.

use std::fs;

use jottad_emulator::Act;

use crate::stage::World;

#[test]
fn what_is_sent_into_a_folder_that_is_not_there_does_not_become_a_file_of_its_name() {
    let world = World::new();
    world.write("a.txt", "one");
    world.service.does(Act::put("Jotta/Archive/b.txt", b"two"));
    for words in [
        ["put", "docs/a.txt", "Jotta/Archive/nowhere/"],
        ["cp", "Jotta/Archive/b.txt", "Jotta/Archive/nowhere/"],
        ["mv", "Jotta/Archive/b.txt", "Jotta/Archive/nowhere/"],
    ] {
        world.machine.jottad(words).expect(1).complains("jottad mkdir Jotta/Archive/nowhere");
        assert!(!world.service.has("Jotta/Archive/nowhere"));
    }
    world.machine.jottad(["mkdir", "Jotta/Archive/nowhere"]).expect(0);
    world.machine.jottad(["put", "docs/a.txt", "Jotta/Archive/nowhere/"]).expect(0);
    assert!(world.service.has("Jotta/Archive/nowhere/a.txt"));
    // A name without the slash is a name.
    world.machine.jottad(["put", "docs/a.txt", "Jotta/Archive/c.txt"]).expect(0);
    assert!(world.service.has("Jotta/Archive/c.txt"));
}

#[test]
fn what_replaces_a_file_that_is_in_the_way_of_a_restore_is_a_command_that_works() {
    let world = World::new();
    world.write("a.txt", "one");
    world.settle();
    world.write("a.txt", "changed and not sent yet");
    let refused = world.machine.jottad(["restore", "Jotta/Archive/docs/a.txt", "--revision", "1", "--here"]);
    let refused = refused.expect(1);
    let (_, command) = refused.stderr.split_once("to replace it: jottad ").unwrap();
    assert_eq!(fs::read_to_string(world.path("a.txt")).unwrap(), "changed and not sent yet");
    world.machine.jottad(command.trim().split(' ')).expect(0);
    assert_eq!(fs::read_to_string(world.path("a.txt")).unwrap(), "one");
}

#[test]
fn a_folder_is_not_led_to_what_is_no_directory() {
    let world = World::new();
    world.write("a.txt", "one");
    let config = || fs::read_to_string(world.machine.config()).unwrap();
    let before = config();
    for (local, reason) in [("~/nowhere", "No such file"), ("~/docs/a.txt", "it is not a directory")] {
        let setting = format!("local={local}");
        world
            .machine
            .jottad(["folder", "set", "docs", &setting])
            .expect(2)
            .complains(reason)
            .complains("hint: ");
    }
    world.machine.jottad(["folder", "add", "docs"]).expect(2).complains("--name NAME");
    assert_eq!(config(), before);
}

#[test]
fn the_notation_of_rclone_is_answered_with_the_place_that_is_meant() {
    let world = World::new();
    world.service.does(Act::put("Jotta/Archive/x/a.txt", b"one"));
    fs::create_dir(world.machine.home().join("papers")).unwrap();
    for words in [
        &["ls", "jotta:Archive/x"][..],
        &["cat", "jotta:Archive/x/a.txt"],
        &["rm", "Archive/x"],
        &["mv", "Archive/x", "Archive/y"],
        &["folder", "add", "papers", "jotta:Archive/x"],
    ] {
        let outcome = world.machine.jottad(words);
        assert!(outcome.code != Some(0), "{outcome}");
        outcome.complains("Jotta/Archive/x");
    }
}

#[test]
fn where_nothing_runs_nothing_is_said_to_run() {
    let world = World::new();
    world.write("A.txt", "one");
    world.write("a.txt", "another");
    world.pass(6);
    let told = "no daemon is running: this is as of the last run";
    world.machine.jottad(["problems"]).expect(6).says("tried again by the next run").complains(told);
    world.machine.jottad(["held"]).expect(0).says("nothing is held").complains(told);
    world.machine.jottad(["why", "docs/a.txt"]).expect(0).complains(told);
    // The process that has verified is gone when this is read.
    let verified = world.machine.jottad(["verify"]).expect(6);
    assert!(!verified.stdout.contains("(process "), "{verified}");
    let daemon = world.start();
    world.sync(6);
    let problems = world.machine.jottad(["problems"]).expect(6);
    assert!(!problems.stderr.contains(told) && !problems.stdout.contains("next run"), "{problems}");
    daemon.stop();
}
