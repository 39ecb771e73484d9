//! The local root is not what it was: nothing is deleted, and a person is asked.

use std::fs;
use std::time::{Duration, Instant};

use crate::stage::{Daemon, World, wait_until};

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
fn what_is_saved_after_a_root_came_back_is_heard_of() {
    let world = World::new();
    world.write("kept.txt", "kept");
    let daemon = world.start();
    world.synced();
    fs::rename(&world.root, world.machine.beside("elsewhere")).unwrap();
    wait_until("it is held", || world.machine.status()["verdict"] == "held");
    fs::rename(world.machine.beside("elsewhere"), &world.root).unwrap();
    let began = Instant::now();
    wait_until("it goes on", || world.machine.status()["verdict"] == "in_sync");
    world.write("new.txt", "new");
    wait_until("it is sent", || world.service.has("Jotta/Archive/docs/new.txt"));
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
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

/// A running daemon whose folder of five files is suddenly empty.
fn emptied(more: &str) -> (World, Daemon) {
    let world = World::configured(more);
    world.fill("tree", 1, 5);
    world.settle();
    world.remove("tree");
    let daemon = world.start();
    world.sync(7);
    (world, daemon)
}

#[test]
fn a_hold_of_a_root_names_what_can_be_done() {
    let (world, daemon) = emptied("");
    for command in ["status", "held"] {
        let said = world.machine.jottad([command]).expect(7);
        let said = said.says("jottad reject docs").says("jottad approve docs");
        said.says("jottad folder set docs local=PATH");
    }
    let held = world.machine.jottad(["held", "--json"]).expect(7).json();
    assert_eq!(held["folders"][0]["kind"], "root", "{held}");
    assert_eq!(held["folders"][0]["choices"].as_array().unwrap().len(), 3, "{held}");
    daemon.stop();
}

#[test]
fn everything_is_fetched_again_into_an_emptied_root_also_where_nothing_else_is() {
    for mode in ["backup", "sync", "archive"] {
        let (world, daemon) = emptied(&format!("mode = \"{mode}\""));
        world.machine.jottad(["reject", "docs"]).expect(0);
        world.synced();
        assert_eq!(fs::read_to_string(world.path("tree/d00/f04")).unwrap(), "tree 0 4", "{mode}");
        // What was fetched is as it was before: the mode counts again.
        world.write("tree/d00/f04", "edited");
        world.sync(0);
        world.machine.jottad(["cat", "Jotta/Archive/docs/tree/d00/f04"]).expect(0).says("edited");
        daemon.stop();
    }
}

#[test]
fn an_emptied_root_that_is_right_leads_to_a_hold_of_the_deletes_however_few() {
    let (world, daemon) = emptied("");
    world.machine.jottad(["approve", "docs"]).expect(0).says("shown first");
    world.sync(7);
    world
        .machine
        .jottad(["status"])
        .expect(7)
        .says("7 entries would be deleted (5 files): they are missing in a root");
    assert!(world.service.has("Jotta/Archive/docs/tree/d00/f04"));
    world.machine.jottad(["approve", "docs"]).expect(0);
    world.synced();
    assert!(world.service.at("Jotta/Archive/docs/tree").deleted);
    daemon.stop();
}

/// The file that was saved hid that the root had been empty, and few deletes go unasked.
#[test]
fn what_an_emptied_root_has_lost_is_asked_about_also_if_something_was_saved_before_anybody_looked() {
    for (mode, decision) in
        [("backup", "approve"), ("sync", "approve"), ("backup", "reject"), ("sync", "reject")]
    {
        let world = World::configured(&format!("mode = \"{mode}\""));
        world.fill("tree", 1, 5);
        world.settle();
        world.remove("tree");
        world.write("new.txt", "saved");
        world.pass(7).says("7 entries would be deleted (5 files): they are missing in a root that was");
        assert!(world.service.has("Jotta/Archive/docs/new.txt"), "{mode}");
        assert!(world.service.has("Jotta/Archive/docs/tree/d00/f04"), "{mode}");
        world.machine.jottad([decision, "docs"]).expect(0);
        world.settle();
        assert_eq!(world.path("tree/d00/f04").exists(), decision == "reject", "{mode}");
    }
}

#[test]
fn a_new_directory_in_place_of_the_root_is_filled_and_keeps_what_it_holds() {
    let world = World::configured("mode = \"sync\"");
    world.fill("tree", 1, 5);
    let daemon = world.start();
    world.synced();
    fs::rename(&world.root, world.machine.beside("elsewhere")).unwrap();
    fs::create_dir(&world.root).unwrap();
    world.write("new.txt", "new");
    // What was there is missed at first; then what is there now is taken up.
    wait_until("the other directory is seen", || {
        world.machine.status()["folders"][0]["held"]["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("replaced by another directory"))
    });
    world.machine.jottad(["reject", "docs"]).expect(0);
    world.synced();
    assert_eq!(fs::read_to_string(world.path("tree/d00/f04")).unwrap(), "tree 0 4");
    assert!(world.service.has("Jotta/Archive/docs/new.txt"));
    daemon.stop();
}

#[test]
fn a_root_that_is_elsewhere_goes_on_there() {
    let world = World::new();
    world.fill("tree", 1, 5);
    let daemon = world.start();
    world.synced();
    fs::rename(&world.root, world.machine.home().join("papers")).unwrap();
    fs::create_dir(&world.root).unwrap();
    world.sync(7);
    world.service.reset_counters();
    world.machine.jottad(["folder", "set", "docs", "local=~/papers"]).expect(0);
    world.sync(0);
    assert_eq!(world.service.changes(), [""; 0]);
    daemon.stop();
}

#[test]
fn a_remote_folder_that_is_gone_is_sent_again_or_followed() {
    for (word, is_kept) in [("reject", true), ("approve", false)] {
        let world = World::configured("mode = \"sync\"");
        world.fill("tree", 1, 5);
        let daemon = world.start();
        world.synced();
        world.service.does(jottad_emulator::Act::delete("Jotta/Archive/docs"));
        world.sync(7);
        world.machine.jottad([word, "docs"]).expect(0);
        if is_kept {
            world.synced();
            assert!(world.service.has("Jotta/Archive/docs/tree/d00/f04"));
        } else {
            world.sync(7);
            world.machine.jottad(["held"]).expect(7).says("local trash").says("(5 files)");
            world.machine.jottad(["approve", "docs"]).expect(0);
            world.sync(0);
        }
        assert_eq!(world.path("tree/d00/f04").exists(), is_kept);
        daemon.stop();
    }
}

/// Fewer files than are ever held by their number.
const FEW: usize = 8;

fn few() -> impl Iterator<Item = String> {
    (0..FEW).map(|number| format!("f{number}"))
}

/// A folder of a few files, from which all are removed.
fn emptied_by_hand(mode: &str) -> World {
    // A pull sends nothing, so a backup has filled it.
    let world = World::configured("mode = \"backup\"");
    few().for_each(|name| world.write(&name, format!("precious {name}")));
    world.settle();
    world.configure(&format!("mode = \"{mode}\""));
    world.settle();
    few().for_each(|name| world.remove(&name));
    world
}

/// A folder of so many files whose remote root another device removes and makes anew, empty.
fn made_anew_by_another_device(files: usize, between: impl FnOnce(&World)) -> World {
    let world = World::configured("mode = \"sync\"");
    (0..files).for_each(|number| world.write(format!("f{number}"), format!("precious {number}")));
    world.settle();
    world.service.does(jottad_emulator::Act::delete("Jotta/Archive/docs"));
    world.pass(7);
    between(&world);
    world.service.does(jottad_emulator::Act::mkdir("Jotta/Archive/docs"));
    world
}

/// Once, one file that was saved in an emptied folder let all others go to the trash.
#[test]
fn a_file_that_is_saved_in_an_emptied_root_ends_no_hold() {
    for mode in ["backup", "sync"] {
        for is_daemon in [false, true] {
            let world = emptied_by_hand(mode);
            let case = format!("{mode}, a daemon: {is_daemon}");
            if is_daemon {
                let daemon = world.start();
                world.sync(7);
                world.write("new", "new");
                world.sync(7);
                daemon.stop();
                let daemon = world.start();
                world.sync(7);
                world.machine.jottad(["verify"]);
                world.sync(7);
                daemon.stop();
            } else {
                world.pass(7);
                world.write("new", "new");
                world.pass(7);
                world.machine.jottad(["verify"]);
                world.pass(7);
            }
            world.machine.jottad(["status"]).expect(7);
            world.machine.jottad(["held"]).expect(7).says("8 files").says("remote trash: f3");
            assert!(few().all(|name| world.service.has(&format!("Jotta/Archive/docs/{name}"))), "{case}");
            assert!(world.service.has("Jotta/Archive/docs/new"), "{case}");
            world.machine.jottad(["reject", "docs"]).expect(0);
            world.pass(0);
            assert_eq!(fs::read_to_string(world.path("f3")).unwrap(), "precious f3", "{case}");
            // It was asked about once.
            world.remove("f3");
            world.pass(0);
            assert!(world.service.at("Jotta/Archive/docs/f3").deleted, "{case}");
        }
    }
}

#[test]
fn what_comes_back_to_an_emptied_root_is_not_asked_about() {
    let world = emptied_by_hand("sync");
    world.pass(7);
    few().skip(1).for_each(|name| world.write(&name, format!("precious {name}")));
    world.pass(7);
    world.machine.jottad(["held"]).expect(7).says("1 file").says("remote trash: f0");
    world.write("f0", "precious f0");
    world.settle();
    world.machine.jottad(["held"]).expect(0).says("nothing is held");
}

#[test]
fn a_remote_root_that_is_made_anew_empty_ends_no_hold() {
    let world = made_anew_by_another_device(FEW, |_| ());
    world.pass(7);
    world.pass(7);
    let daemon = world.start();
    world.sync(7);
    world.machine.jottad(["held"]).expect(7).says("local trash: f3").says("8 files");
    assert!(few().all(|name| world.path(name).exists()));
    world.machine.jottad(["reject", "docs"]).expect(0);
    world.synced();
    assert!(few().all(|name| world.service.has(&format!("Jotta/Archive/docs/{name}"))));
    daemon.stop();
}

/// Once, such a word was dropped, and the opposite was done.
#[test]
fn what_is_wanted_back_in_an_emptied_root_comes_back_whatever_is_saved_in_it_first() {
    for mode in ["backup", "sync", "archive", "pull"] {
        let world = emptied_by_hand(mode);
        world.pass(7);
        world.machine.jottad(["reject", "docs"]).expect(0);
        world.write("new", "new");
        world.pass(0);
        for name in few() {
            assert!(world.service.has(&format!("Jotta/Archive/docs/{name}")), "{mode}");
            let content = fs::read_to_string(world.path(&name)).unwrap_or_default();
            assert_eq!(content, format!("precious {name}"), "{mode}");
        }
        assert!(world.path("new").exists(), "{mode}");
        world.machine.jottad(["held"]).expect(0).says("nothing is held");
    }
}

#[test]
fn what_is_wanted_back_in_a_remote_root_is_sent_again_also_if_that_is_made_anew_first() {
    for files in [FEW, 40] {
        let world = made_anew_by_another_device(files, |world| {
            world.machine.jottad(["reject", "docs"]).expect(0);
        });
        world.pass(0);
        assert!((0..files).all(|number| world.path(format!("f{number}")).exists()), "{files}");
        assert_eq!(world.remote_paths().len(), files);
    }
}
