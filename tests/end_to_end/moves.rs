//! Renames: one request on the service, and not a byte of content, whether the daemon was there or not.

use std::fs;

use jottad_emulator::{Act, Effect, ErrorBody};

use crate::stage::World;

/// Does something in the folder while no program runs, and brings it to the service; tells the requests that
/// changed something there.
fn done_while_stopped(world: &World, change: fn(&World)) -> Vec<String> {
    world.settle();
    world.service.reset_counters();
    change(world);
    world.settle();
    world.service.changes()
}

/// As [`done_while_stopped`], with the daemon running.
fn done_while_running(world: &World, change: fn(&World)) -> Vec<String> {
    let daemon = world.start();
    world.synced();
    world.service.reset_counters();
    change(world);
    world.synced();
    daemon.stop();
    world.service.changes()
}

/// The commands without their targets, in order.
fn commands(changes: &[String]) -> Vec<&str> {
    changes.iter().map(|change| change.split(' ').next().unwrap_or(change)).collect()
}

#[test]
fn a_renamed_file_is_one_move() {
    for run in [done_while_stopped, done_while_running] {
        let world = World::new();
        world.write("a.txt", "content of a");
        world.write("b.txt", "content of b");
        let changes = run(&world, |world| world.rename("a.txt", "c.txt"));
        assert_eq!(commands(&changes), ["mv"], "{changes:?}");
    }
}

#[test]
fn a_renamed_directory_is_one_move() {
    for run in [done_while_stopped, done_while_running] {
        let world = World::new();
        world.fill("old name", 5, 20);
        let changes = run(&world, |world| world.rename("old name", "new name"));
        assert_eq!(commands(&changes), ["mvDir"], "{changes:?}");
    }
}

#[test]
fn a_file_moves_into_a_new_directory_without_being_sent() {
    for run in [done_while_stopped, done_while_running] {
        let world = World::new();
        world.write("a.txt", "content of a");
        let changes = run(&world, |world| {
            world.mkdir("year/month");
            world.rename("a.txt", "year/month/a.txt");
        });
        assert_eq!(commands(&changes).iter().filter(|command| **command == "mv").count(), 1, "{changes:?}");
        assert!(!commands(&changes).contains(&"allocate"), "{changes:?}");
    }
}

#[test]
fn a_directory_moves_with_edits_inside() {
    let world = World::new();
    world.fill("old", 3, 10);
    let changes = done_while_stopped(&world, |world| {
        world.rename("old", "new");
        world.write("new/d00/f00", "edited after the rename");
        world.remove("new/d01/f01");
        world.write("new/d02/new", "made after the rename");
    });
    let commands = commands(&changes);
    assert_eq!(commands.iter().filter(|command| **command == "mvDir").count(), 1, "{changes:?}");
    assert_eq!(commands.iter().filter(|command| **command == "upload").count(), 2, "{changes:?}");
}

#[test]
fn two_files_change_places_without_being_sent() {
    let world = World::new();
    world.write("a.txt", "content of a");
    world.write("b.txt", "content of b");
    let changes = done_while_stopped(&world, |world| {
        world.rename("a.txt", "x");
        world.rename("b.txt", "a.txt");
        world.rename("x", "b.txt");
    });
    assert!(!commands(&changes).contains(&"upload"), "{changes:?}");
}

#[test]
fn a_chain_of_renames_is_followed() {
    let world = World::new();
    for name in ["1", "2", "3"] {
        world.write(name, format!("content of {name}"));
    }
    let changes = done_while_stopped(&world, |world| {
        world.rename("3", "4");
        world.rename("2", "3");
        world.rename("1", "2");
    });
    assert_eq!(commands(&changes), ["mv", "mv", "mv"], "{changes:?}");
}

#[test]
fn another_letter_case_is_a_rename() {
    for run in [done_while_stopped, done_while_running] {
        let world = World::new();
        world.write("Notes.txt", "content");
        world.fill("Dir", 1, 3);
        let changes = run(&world, |world| {
            world.rename("Notes.txt", "notes.TXT");
            world.rename("Dir", "dIR");
        });
        assert!(!commands(&changes).contains(&"upload"), "{changes:?}");
    }
}

#[test]
fn a_copy_is_not_a_move_and_needs_no_bytes() {
    let world = World::new();
    world.write("a.txt", "content of a");
    let changes = done_while_stopped(&world, |world| world.write("b.txt", "content of a"));
    assert_eq!(commands(&changes), ["allocate"], "{changes:?}");
}

#[test]
fn a_move_that_was_done_but_not_confirmed_is_recognised() {
    for (command, name) in [("mv", "file"), ("mvDir", "directory")] {
        for effect in [Effect::StatusAfter { status: 500, body: ErrorBody::Native }, Effect::ResetAfter] {
            let world = World::new();
            world.write("file", "content");
            world.write("directory/inside", "other content");
            world.settle();
            world.service.reset_counters();
            world.service.spoil(command, effect.clone());
            world.rename(name, "moved");
            world.settle();
            assert_eq!(world.service.asked("upload"), 0, "{command} {effect:?}");
        }
    }
}

#[test]
fn what_is_here_under_another_name_is_copied_and_not_fetched() {
    for mode in ["sync", "pull"] {
        let world = World::configured(&format!("mode = \"{mode}\""));
        world.service.does(Act::put("Jotta/Archive/docs/d/first", b"the same content"));
        world.pass(0);
        world.service.reset_counters();
        // Another device copies it, and puts something else beside it.
        world.service.does(Act::put("Jotta/Archive/docs/second", b"the same content"));
        world.service.does(Act::put("Jotta/Archive/docs/other", b"another content"));
        world.settle();
        assert_eq!(world.service.asked("content"), 1, "{mode}: {:?}", world.service.counters());
        // What is no more what it was is no source.
        world.service.does(Act::put("Jotta/Archive/docs/third", b"the same content"));
        world.write("d/first", "edited in between");
        world.write("second", "edited in between, too");
        world.pass(0);
        assert_eq!(fs::read(world.path("third")).unwrap(), b"the same content", "{mode}");
    }
}
