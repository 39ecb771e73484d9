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
fn what_is_fetched_over_unsent_work_in_a_folder_leaves_it_in_the_local_trash() {
    let world = World::new();
    world.write("a.txt", "one");
    world.write("d/b.txt", "one");
    world.settle();
    for (name, command) in [
        ("a.txt", &["get", "--force", "Jotta/Archive/docs/a.txt", "docs/a.txt"][..]),
        ("d/b.txt", &["get", "-r", "--force", "Jotta/Archive/docs", "docs"]),
    ] {
        world.write(name, "changed and not sent yet");
        let refused: Vec<_> = command.iter().filter(|word| **word != "--force").collect();
        world.machine.jottad(refused).complains("a file of another content is there");
        assert_eq!(fs::read_to_string(world.path(name)).unwrap(), "changed and not sent yet");
        let fetched = world.machine.jottad(command).expect(0);
        fetched
            .says("1 file made way and went to the local trash")
            .complains(&format!("docs/{name}: what it held"));
        assert_eq!(fs::read_to_string(world.path(name)).unwrap(), "one");
        world.machine.jottad(["trash", "ls", "--local"]).expect(0).says(&format!("docs/{name}"));
        fs::remove_file(world.path(name)).unwrap();
        let local = world.path(name).display().to_string();
        world.machine.jottad(["trash", "restore", "--local", &local]).expect(0);
        assert_eq!(fs::read_to_string(world.path(name)).unwrap(), "changed and not sent yet");
        world.write(name, "one");
    }
    // Outside of folders a file that is to be replaced is replaced.
    fs::write(world.machine.home().join("a.txt"), "mine").unwrap();
    let outside = ["get", "--force", "Jotta/Archive/docs/a.txt", "a.txt", "--json"];
    assert_eq!(world.machine.jottad(outside).expect(0).json()["to_local_trash"], 0);
}

#[test]
fn what_restore_tells_of_the_next_pass_is_what_was_done() {
    let world = World::new();
    world.write("a.txt", "one");
    world.write("d/b.txt", "one");
    world.settle();
    let document = |words: &[&str]| {
        let outcome = world.machine.jottad(words.iter().chain(&["--json"])).expect(0);
        outcome.json()["folder"]["next_pass"].as_str().unwrap().to_owned()
    };
    let again = ["restore", "Jotta/Archive/docs/a.txt", "--revision", "1"];
    assert_eq!(document(&again), "nothing");
    let said = world.machine.jottad(again).expect(0).says("was current already");
    let said = said.complains("nothing to do for it");
    assert!(!said.stderr.contains("jottad "), "{said}");
    let now = "now".to_owned();
    assert_eq!(document(&["restore", "Jotta/Archive/docs", "--at", &now]), "nothing");
    // A word about the folder comes with the trash, too.
    world.machine.jottad(["rm", "-r", "Jotta/Archive/docs/d"]).expect(0);
    assert_eq!(document(&["trash", "restore", "Jotta/Archive/docs/d"]), "sends_over");
    world.remove("d");
    world.machine.jottad(["rm", "-r", "Jotta/Archive/docs/d"]).expect(0);
    world
        .machine
        .jottad(["trash", "restore", "Jotta/Archive/docs/d"])
        .expect(0)
        .complains("does not fetch it");
}

#[test]
fn a_local_path_given_to_restore_is_told_from_a_place_on_the_service() {
    let world = World::new();
    world.write("a b.txt", "one");
    world.settle();
    let local = world.path("a b.txt").display().to_string();
    for local in [local.as_str(), "~/docs/a b.txt", "docs/a b.txt", "./docs/a b.txt"] {
        let refused = world.machine.jottad(["restore", local]).expect(2);
        refused.complains("it is a local path").complains("jottad versions 'Jotta/Archive/docs/a b.txt'");
    }
    fs::write(world.machine.home().join("b.txt"), "two").unwrap();
    world.machine.jottad(["restore", "~/b.txt"]).expect(2).complains("it is in no folder");
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
    world.machine.jottad(["folder", "add", "docs"]).expect(2).complains("is folder docs already");
    fs::create_dir_all(world.machine.home().join("other/docs")).unwrap();
    world.machine.jottad(["folder", "add", "other/docs"]).expect(2).complains("--name NAME");
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
