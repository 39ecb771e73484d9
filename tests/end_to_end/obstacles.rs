//! Entries that cannot be synced: each is a problem or a documented skip, and everything else goes on.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::stage::{Machine, Service, World};

#[test]
fn an_unreadable_file_is_a_problem_until_it_is_readable() {
    let world = World::of(Machine::unprivileged(), Service::start(), "");
    world.write("secret", "unreadable");
    world.write("other", "readable");
    world.machine.hand_over(&world.root);
    fs::set_permissions(world.path("secret"), Permissions::from_mode(0o000)).unwrap();
    let daemon = world.start();
    world.sync(6);
    assert_eq!(world.problems(), ["secret: unreadable"]);
    assert_eq!(world.remote_paths(), ["other"]);
    world.machine.jottad(["why", world.path("secret").to_str().unwrap()]).expect(0).says("denied");
    fs::set_permissions(world.path("secret"), Permissions::from_mode(0o600)).unwrap();
    world.synced();
    daemon.stop();
}

/// It was called another root, which a person was to approve or to reject.
#[test]
fn an_unreadable_root_is_named_with_what_mends_it_and_no_word_is_asked_for() {
    for mode in ["sync", "backup"] {
        let world = World::of(Machine::unprivileged(), Service::start(), &format!("mode = \"{mode}\""));
        world.fill("tree", 2, 5);
        world.machine.hand_over(&world.root);
        world.settle();
        fs::set_permissions(&world.root, Permissions::from_mode(0o000)).unwrap();
        let said = world.pass(7).says("the folder's root cannot be read: permission denied");
        let said = said.says("let the user that runs jottad read it");
        assert!(!said.stdout.contains("approve") && !said.stdout.contains("reject"), "{said}");
        // No daemon runs that could be told to look.
        world.machine.jottad(["held"]).expect(7).says("look again:  jottad run --once");
        for decision in ["approve", "reject"] {
            let refused = world.machine.jottad([decision, "docs"]).expect(1);
            refused
                .complains("cannot be read")
                .complains("hint: mend that, and look again: jottad run --once");
        }
        fs::set_permissions(&world.root, Permissions::from_mode(0o700)).unwrap();
        world.settle();
        assert!(world.service.has("Jotta/Archive/docs/tree/d01/f04"));
    }
}

#[test]
fn an_unreadable_directory_deletes_nothing() {
    let world = World::of(Machine::unprivileged(), Service::start(), "");
    world.fill("tree", 4, 5);
    world.machine.hand_over(&world.root);
    world.settle();
    world.write("tree/d01/f00", "edited");
    fs::set_permissions(world.path("tree/d00"), Permissions::from_mode(0o000)).unwrap();
    world.pass(6);
    assert!(world.service.has("Jotta/Archive/docs/tree/d00/f04"));
    assert_eq!(world.service.at("Jotta/Archive/docs/tree/d01/f00").revisions, 2);
    fs::set_permissions(world.path("tree/d00"), Permissions::from_mode(0o700)).unwrap();
    world.settle();
}

#[test]
fn a_directory_whose_names_can_be_read_but_not_its_files_deletes_nothing() {
    let world = World::of(Machine::unprivileged(), Service::start(), "");
    world.fill("tree", 2, 5);
    world.machine.hand_over(&world.root);
    world.settle();
    fs::set_permissions(world.path("tree/d00"), Permissions::from_mode(0o400)).unwrap();
    world.machine.jottad(["run", "--once"]);
    assert!(world.service.has("Jotta/Archive/docs/tree/d00/f04"));
    fs::set_permissions(world.path("tree/d00"), Permissions::from_mode(0o700)).unwrap();
    world.settle();
}

#[test]
fn what_is_neither_file_nor_directory_is_skipped() {
    let world = World::new();
    world.write("a.txt", "a");
    let socket = UnixListener::bind(world.path("socket")).unwrap();
    mknodat(CWD, world.path("fifo"), FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    symlink("a.txt", world.path("link to a file")).unwrap();
    symlink("..", world.path("link to a directory")).unwrap();
    symlink("nowhere", world.path("dangling link")).unwrap();
    world.settle();
    assert_eq!(world.remote_paths(), ["a.txt"]);
    // What stands in the place of a file now is no reason to delete the file there.
    world.remove("a.txt");
    symlink("fifo", world.path("a.txt")).unwrap();
    world.machine.jottad(["run", "--once"]);
    assert_eq!(world.remote_paths(), ["a.txt"]);
    drop(socket);
}

#[test]
fn a_name_that_grows_too_long_is_a_problem() {
    let world = World::new();
    // Each byte that is no UTF-8 takes three characters there.
    let long = [b'\xff'; 200];
    world.write(OsStr::from_bytes(&long), "cannot be stored");
    world.write("a.txt", "goes on");
    world.pass(6);
    assert_eq!(world.remote_paths(), ["a.txt"]);
    fs::rename(world.path(OsStr::from_bytes(&long)), world.path("short")).unwrap();
    world.settle();
}

#[test]
fn names_that_the_service_takes_for_the_same_are_a_problem() {
    let world = World::new();
    // Letter case, and the two forms of é.
    for (number, name) in ["Same", "same", "caf\u{e9}", "cafe\u{301}", "other"].iter().enumerate() {
        world.write(name, format!("content {number}"));
    }
    let daemon = world.start();
    world.sync(6);
    let problems = world.problems();
    assert!(
        problems.iter().all(|problem| problem.ends_with(": name_clash")) && problems.len() >= 2,
        "{problems:?}"
    );
    assert!(world.service.has("Jotta/Archive/docs/other"));
    // Whatever of the pairs is there is whole, and none is a revision of the other.
    for path in world.remote_paths() {
        assert_eq!(world.service.at(&format!("Jotta/Archive/docs/{path}")).revisions, 1, "{path}");
    }
    world.remove("same");
    world.remove("cafe\u{301}");
    world.synced();
    daemon.stop();
}
