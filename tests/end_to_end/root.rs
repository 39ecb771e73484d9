//! The local root is not what it was: nothing is deleted, and a person is asked.

use std::fs;

use crate::stage::World;

/// A world in sync, whose root is then spoilt by `spoil` while nothing runs.
fn spoilt(spoil: impl FnOnce(&World)) -> World {
    let world = World::new();
    world.fill("tree", 5, 10);
    world.settle();
    spoil(&world);
    world.service.reset_counters();
    world
}

#[track_caller]
fn assert_held(world: &World) {
    let before = world.service.tree();
    let outcome = world.pass(7);
    assert!(outcome.stdout.contains("held"), "{outcome}");
    assert_eq!(world.service.changes(), [""; 0]);
    assert_eq!(world.service.tree(), before);
}

#[test]
fn a_root_that_is_not_there_is_held() {
    let world = spoilt(|world| fs::rename(&world.root, world.machine.beside("elsewhere")).unwrap());
    assert_held(&world);
    fs::rename(world.machine.beside("elsewhere"), &world.root).unwrap();
    world.settle();
}

#[test]
fn an_empty_directory_in_place_of_the_root_is_held() {
    // As it is when a disk is not mounted.
    let world = spoilt(|world| {
        fs::rename(&world.root, world.machine.beside("elsewhere")).unwrap();
        fs::create_dir(&world.root).unwrap();
    });
    assert_held(&world);
}

#[test]
fn a_root_that_is_suddenly_empty_is_held() {
    let world = spoilt(|world| fs::remove_dir_all(world.path("tree")).unwrap());
    assert_held(&world);
}

#[test]
fn a_root_that_goes_while_the_daemon_runs_is_held_and_comes_back() {
    let world = World::new();
    world.fill("tree", 5, 10);
    let daemon = world.start();
    world.synced();
    let before = world.service.tree();
    fs::rename(&world.root, world.machine.beside("elsewhere")).unwrap();
    fs::create_dir(&world.root).unwrap();
    world.sync(7);
    let status = world.machine.status();
    assert_eq!(status["verdict"], "held");
    assert!(status["folders"][0]["held"]["reason"].is_string(), "{status}");
    assert_eq!(world.service.tree(), before);
    fs::remove_dir(&world.root).unwrap();
    fs::rename(world.machine.beside("elsewhere"), &world.root).unwrap();
    world.write("tree/d00/f00", "edited meanwhile");
    world.synced();
    daemon.stop();
}

#[test]
fn a_remote_folder_that_is_gone_is_held() {
    let world = World::new();
    world.fill("tree", 2, 2);
    world.settle();
    world.service.does(jottad_emulator::Act::delete("Jotta/Archive/docs"));
    let daemon = world.start();
    world.sync(7);
    world.machine.jottad(["approve", "docs"]).expect(0);
    world.synced();
    daemon.stop();
}
