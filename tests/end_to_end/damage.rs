//! An index that is damaged is set aside and built anew from both sides: nothing is sent, fetched or deleted,
//! and the status says what happened.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use crate::stage::World;

/// What is done to an index, what is said of it, and how it is done.
type Damage = (&'static str, &'static str, fn(&Path));

/// Ways to damage an index that is closed.
const DAMAGES: [Damage; 5] = [
    ("cut off", "was damaged", |index| {
        File::options().write(true).open(index).unwrap().set_len(1000).unwrap();
    }),
    ("zeroed", "was damaged", |index| overwrite(index, 0, 0)),
    ("zeroed pages", "was damaged", |index| overwrite(index, 4096, 0)),
    ("garbage", "was damaged", |index| overwrite(index, 0, 0xA5)),
    // The version lies at byte 60 of the file, four bytes long.
    ("a newer version", "was written by a newer jottad", |index| {
        File::options().write(true).open(index).unwrap().write_all_at(&999_u32.to_be_bytes(), 60).unwrap();
    }),
];

fn overwrite(index: &Path, from: usize, byte: u8) {
    let mut bytes = fs::read(index).unwrap();
    bytes[from..].fill(byte);
    // In place: a running daemon has this very file open.
    File::options().write(true).open(index).unwrap().write_all_at(&bytes, 0).unwrap();
}

#[test]
fn damage_while_stopped_costs_no_transfer_and_deletes_nothing() {
    for mode in ["backup", "sync"] {
        let world = World::configured(&format!("mode = \"{mode}\""));
        world.fill("tree", 5, 10);
        world.mkdir("empty");
        world.settle();
        let before = world.service.tree();
        for (what, reason, damage) in DAMAGES {
            damage(&world.machine.index());
            world.service.reset_counters();
            let daemon = world.start();
            world.synced();
            assert_eq!(world.service.tree(), before, "{mode}, {what}");
            assert_eq!(world.service.changes(), [""; 0], "{mode}, {what}");
            assert_eq!(world.service.asked("content"), 0, "{mode}, {what}");
            expect_notice(&world, reason, what);
            daemon.stop();
        }
    }
}

/// The status tells of the file that was set aside until it is removed.
#[track_caller]
fn expect_notice(world: &World, reason: &str, what: &str) {
    world.machine.jottad(["status"]).expect(0).says(reason).says("was set aside as");
    for entry in fs::read_dir(world.machine.state().join("index")).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().contains(".sqlite.") {
            fs::remove_file(path).unwrap();
        }
    }
    let status = world.machine.status();
    assert_eq!(status["folders"][0]["trouble"], serde_json::Value::Null, "{what}: {status}");
}

#[test]
fn damage_while_running_is_found_at_the_next_start_at_the_latest() {
    let world = World::configured("mode = \"sync\"");
    world.fill("tree", 5, 10);
    // Closed in good order: everything is in the file itself.
    world.settle();
    let before = world.service.tree();
    let daemon = world.start();
    world.sync(0);
    // What the daemon needs may all be in its memory, so that it goes on as if nothing were wrong.
    overwrite(&world.machine.index(), 4096, 0xA5);
    world.sync(0);
    daemon.kill();
    world.service.reset_counters();
    let daemon = world.start();
    world.synced();
    assert_eq!(world.service.tree(), before);
    assert_eq!(world.service.changes(), [""; 0]);
    world.machine.jottad(["status"]).expect(0).says("was damaged and was set aside as");
    daemon.stop();
}

#[test]
fn an_index_that_is_deleted_while_running_costs_nothing_but_time() {
    let world = World::configured("mode = \"sync\"");
    world.fill("tree", 5, 10);
    let daemon = world.start();
    world.synced();
    fs::remove_dir_all(world.machine.state().join("index")).unwrap();
    world.write("tree/d00/f00", "edited");
    world.synced();
    daemon.kill();
    world.service.reset_counters();
    let before = world.service.tree();
    world.settle();
    assert_eq!(world.service.changes(), [""; 0]);
    assert_eq!(world.service.tree(), before);
}
