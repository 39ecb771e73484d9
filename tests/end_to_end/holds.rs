//! Many deletes or overwrites at once wait for a person, and everything else goes on.

use jottad_emulator::{Effect, Fault, Matching};
use serde_json::Value;

use crate::stage::{Daemon, World};

/// A world whose user has deleted more than half of the files; the daemon runs and holds the deletes.
fn held() -> (World, Daemon) {
    let world = World::new();
    world.fill("tree", 3, 10);
    let daemon = world.start();
    world.synced();
    world.remove("tree/d01");
    world.remove("tree/d02");
    world.write("new.txt", "goes on");
    world.sync(7);
    (world, daemon)
}

#[test]
fn many_deletes_wait_and_the_rest_goes_on() {
    let (world, daemon) = held();
    assert!(world.service.has("Jotta/Archive/docs/new.txt"));
    assert!(world.service.has("Jotta/Archive/docs/tree/d01/f00"));
    let status = world.machine.jottad(["status", "--json"]).expect(7).json();
    assert_eq!(status["folders"][0]["held"]["kind"], "deletes");
    let held = world.machine.jottad(["held", "--json"]).expect(7).json();
    assert_eq!(held["folders"][0]["name"], "docs");
    let deletes: Vec<&Value> = held["folders"][0]["deletes"].as_array().unwrap().iter().collect();
    assert!(!deletes.is_empty() && deletes.iter().all(|delete| delete["side"] == "remote"), "{held}");
    world.machine.jottad(["held"]).expect(7).says("jottad approve docs").says("jottad reject docs");
    daemon.stop();
    // A restart does not make them happen.
    world.pass(7);
    assert!(world.service.has("Jotta/Archive/docs/tree/d01/f00"));
}

/// The hold is told first, and hid that nothing could be done about the rest: the pass never ended.
#[test]
fn a_pass_ends_where_deletes_wait_and_the_service_cannot_be_reached() {
    let (world, daemon) = held();
    daemon.stop();
    world.service.add_fault(Fault::always(Matching::any(), Effect::ResetBefore));
    world.pass(7);
}

#[test]
fn approved_deletes_happen() {
    let (world, daemon) = held();
    world.machine.jottad(["approve", "docs"]).expect(0);
    world.synced();
    assert!(world.service.at("Jotta/Archive/docs/tree/d01").deleted);
    world.machine.jottad(["held"]).expect(0).says("nothing is held");
    daemon.stop();
}

#[test]
fn rejected_deletes_do_not_happen_and_are_not_asked_for_again() {
    let (world, daemon) = held();
    world.machine.jottad(["reject", "docs"]).expect(0);
    world.sync(0);
    assert!(world.service.has("Jotta/Archive/docs/tree/d01/f00"));
    daemon.stop();
    world.pass(0);
    assert!(world.service.has("Jotta/Archive/docs/tree/d02/f09"));
}

#[test]
fn the_limits_are_those_of_the_config() {
    let world = World::configured("\n[guard]\nmax_deletes = 2\n");
    world.fill("tree", 2, 10);
    world.settle();
    for file in ["f00", "f01"] {
        world.remove(&format!("tree/d00/{file}"));
    }
    world.settle();
    for file in ["f02", "f03", "f04"] {
        world.remove(&format!("tree/d00/{file}"));
    }
    world.pass(7);
    assert!(world.service.has("Jotta/Archive/docs/tree/d00/f02"));
}

/// A world in which something has garbled nearly every file; the daemon runs and holds what would be
/// overwritten.
fn garbled() -> (World, Daemon) {
    let world = World::new();
    world.fill("tree", 6, 20);
    let daemon = world.start();
    world.synced();
    daemon.stop();
    for directory in 0..6 {
        for file in 0..19 {
            world.write(format!("tree/d{directory:02}/f{file:02}"), format!("garbled {directory} {file}"));
        }
    }
    world.write("new.txt", "goes on");
    let daemon = world.start();
    world.sync(7);
    (world, daemon)
}

/// What the service has at the first of the files.
fn first(world: &World) -> String {
    world.machine.jottad(["cat", "Jotta/Archive/docs/tree/d00/f00"]).expect(0).stdout
}

#[test]
fn many_overwrites_wait_and_the_rest_goes_on() {
    let (world, daemon) = garbled();
    assert!(world.service.has("Jotta/Archive/docs/new.txt"));
    assert_eq!(first(&world), "tree 0 0");
    let held = world.machine.jottad(["held", "--json"]).expect(7).json();
    assert_eq!(held["folders"][0]["overwrites"].as_array().unwrap().len(), 114, "{held}");
    world.machine.jottad(["held"]).expect(7).says("114 files would be overwritten at once");
    daemon.stop();
    world.pass(7);
    assert_eq!(first(&world), "tree 0 0");
}

#[test]
fn approved_overwrites_happen() {
    let (world, daemon) = garbled();
    world.machine.jottad(["approve", "docs"]).expect(0);
    world.synced();
    assert_eq!(first(&world), "garbled 0 0");
    daemon.stop();
}

#[test]
fn rejected_overwrites_bring_the_files_back() {
    let (world, daemon) = garbled();
    world.machine.jottad(["reject", "docs"]).expect(0);
    world.synced();
    assert_eq!(first(&world), "tree 0 0");
    assert_eq!(std::fs::read_to_string(world.path("tree/d05/f18")).unwrap(), "tree 5 18");
    daemon.stop();
}

#[test]
fn new_times_alone_are_no_overwrites() {
    let world = World::new();
    world.fill("tree", 6, 20);
    world.settle();
    for directory in 0..6 {
        for file in 0..20 {
            world.set_time(&format!("tree/d{directory:02}/f{file:02}"), 1_600_000_000);
        }
    }
    world.settle();
}

#[test]
fn a_hold_says_how_much_is_in_the_directories_that_it_holds() {
    let (world, daemon) = held();
    // Two directories with ten files each.
    world.machine.jottad(["status"]).expect(7).says("22 entries would be deleted at once (20 files)");
    let held = world.machine.jottad(["held", "--json"]).expect(7).json();
    let folder = &held["folders"][0];
    assert_eq!((&folder["kind"], folder["deletes"].as_array().unwrap().len()), (&"deletes".into(), 2));
    assert_eq!((&folder["deletes"][0]["entries"], &folder["deletes"][0]["files"]), (&11.into(), &10.into()));
    world.machine.jottad(["held"]).expect(7).says("with 10 files in it");
    daemon.stop();
}

/// Something encrypts files of a directory under other names and removes the plain ones.
fn encrypt(world: &World, directory: usize, files: std::ops::Range<usize>) {
    for file in files {
        let path = format!("tree/d{directory:02}/f{file:02}");
        world.write(format!("{path}.locked"), format!("{directory} {file} in secret"));
        world.remove(&path);
    }
}

#[test]
fn files_that_take_other_names_and_contents_all_at_once_are_held() {
    let world = World::new();
    world.fill("tree", 10, 15);
    world.settle();
    for directory in 0..10 {
        encrypt(&world, directory, 0..15);
    }
    world.pass(7);
    assert!(
        (0..10).all(|directory| world.service.has(&format!("Jotta/Archive/docs/tree/d{directory:02}/f00")))
    );
}

#[test]
fn files_that_take_other_names_and_contents_a_few_at_a_time_are_held_before_half_is_gone() {
    let world = World::new();
    world.fill("tree", 6, 10);
    let daemon = world.start();
    world.synced();
    let mut codes = Vec::new();
    for directory in 0..6 {
        encrypt(&world, directory, 0..10);
        codes.push(world.machine.jottad(["sync", "--wait", "--timeout", "60s"]).code);
    }
    assert_eq!(codes, [Some(0), Some(7), Some(7), Some(7), Some(7), Some(7)]);
    assert!(world.service.has("Jotta/Archive/docs/tree/d01/f00"));
    world.machine.jottad(["reject", "docs"]).expect(0);
    world.sync(0);
    assert_eq!(std::fs::read_to_string(world.path("tree/d01/f00")).unwrap(), "tree 1 0");
    daemon.stop();
}

#[test]
fn photos_that_are_garbled_a_few_at_a_time_are_held_in_the_end() {
    let world = World::new();
    for number in 0..150 {
        world.write(format!("photos/{number:03}.jpg"), format!("photo {number}"));
    }
    let daemon = world.start();
    world.synced();
    let garble = |numbers: std::ops::Range<usize>| {
        for number in numbers {
            world.write(format!("photos/{number:03}.jpg"), format!("garbled {number}"));
        }
    };
    garble(0..10);
    world.sync(0);
    garble(10..19);
    world.sync(0);
    // Others go on.
    garble(19..22);
    world.write("notes.txt", "day two");
    world.sync(7);
    world.machine.jottad(["status"]).expect(7).says("3 files would be overwritten: 22 photos");
    let remote = |path: &str| world.machine.jottad(["cat", path]).expect(0).stdout;
    assert_eq!(remote("Jotta/Archive/docs/notes.txt"), "day two");
    assert_eq!(remote("Jotta/Archive/docs/photos/018.jpg"), "garbled 18");
    assert_eq!(remote("Jotta/Archive/docs/photos/019.jpg"), "photo 19");
    world.machine.jottad(["approve", "docs"]).expect(0);
    world.synced();
    // What was approved is forgotten.
    garble(22..30);
    world.synced();
    daemon.stop();
}
