//! Files with several names: what is written through one of them is a change of all.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use crate::stage::{World, wait_until};

fn append(path: &Path) {
    OpenOptions::new().append(true).open(path).unwrap().write_all(b" two").unwrap();
}

#[test]
fn a_file_that_is_written_through_one_of_its_names_is_sent_under_all_of_them() {
    let world = World::new();
    world.write("b.txt", "one");
    world.write("other", "o");
    world.mkdir("sub");
    fs::hard_link(world.path("b.txt"), world.path("sub/a.txt")).unwrap();
    let daemon = world.start();
    world.sync(0);
    append(&world.path("b.txt"));
    // No event tells of the second one, and nobody asks for a look.
    wait_until("both are sent", || {
        let size = |path: &str| world.service.at(&format!("Jotta/Archive/docs/{path}")).size;
        size("b.txt") == Some(7) && size("sub/a.txt") == Some(7)
    });
    world.synced();
    daemon.stop();
}

#[test]
fn a_file_that_has_a_name_outside_of_the_folder_is_polled_and_counted() {
    let world = World::configured("poll = \"1s\"");
    world.write("d/a.txt", "one");
    let outside = world.machine.home().join("outside.txt");
    fs::hard_link(world.path("d/a.txt"), &outside).unwrap();
    let daemon = world.start();
    world.sync(0);
    assert_eq!(world.machine.status()["folders"][0]["watching"]["polled_files"], 1);
    world.machine.jottad(["status"]).says("1 file has names outside of the folder");
    append(&outside);
    wait_until("it is sent", || world.service.at("Jotta/Archive/docs/d/a.txt").size == Some(7));
    world.synced();
    daemon.stop();
}
