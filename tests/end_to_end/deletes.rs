//! What is deleted here goes to the trash there, and what jottad never had stays.

use jottad_emulator::Act;

use crate::stage::World;

#[test]
fn a_deleted_file_is_in_the_trash() {
    let world = World::new();
    world.write("a.txt", "content");
    world.write("b.txt", "stays");
    world.settle();
    world.remove("a.txt");
    world.settle();
    let entry = world.service.at("Jotta/Archive/docs/a.txt");
    assert!(entry.deleted && entry.md5.is_some(), "{entry:?}");
    assert_eq!(world.service.asked("rm") + world.service.asked("rmDir"), 0);
}

#[test]
fn a_deleted_directory_goes_to_the_trash_in_one_request() {
    let world = World::new();
    world.fill("many", 3, 5);
    world.fill("rest", 5, 10);
    world.settle();
    world.service.reset_counters();
    world.remove("many");
    world.settle();
    assert_eq!((world.service.asked("dlDir"), world.service.asked("dl")), (1, 0));
}

#[test]
fn empty_directories_come_and_go() {
    let world = World::new();
    world.mkdir("a/b/c");
    world.mkdir("d");
    world.settle();
    world.remove("a/b/c");
    world.remove("d");
    world.settle();
    assert_eq!(world.remote_paths(), ["a", "a/b"]);
}

#[test]
fn a_name_can_be_used_again_after_its_trash() {
    let world = World::new();
    world.write("rest", "stays");
    world.write("a", "file");
    world.write("b/inside", "directory");
    world.settle();
    for round in 0..2 {
        world.remove("a");
        world.remove("b");
        world.settle();
        world.write("a", format!("file again {round}"));
        world.write("b/other", format!("inside again {round}"));
        world.settle();
    }
}

#[test]
fn a_directory_that_another_device_filled_is_not_deleted_with_its_new_content() {
    let world = World::new();
    world.write("shared/mine", "mine");
    world.write("rest", "stays");
    world.settle();
    world.remove("shared");
    world.service.does(Act::put("Jotta/Archive/docs/shared/theirs", b"theirs"));
    world.machine.jottad(["run", "--once"]);
    assert!(world.service.has("Jotta/Archive/docs/shared/theirs"));
    assert!(!world.service.has("Jotta/Archive/docs/shared/mine"));
}

#[test]
fn a_file_that_another_device_changed_is_not_deleted() {
    let world = World::new();
    world.write("a.txt", "mine");
    world.settle();
    world.remove("a.txt");
    world.service.does(Act::put("Jotta/Archive/docs/a.txt", b"theirs, and newer"));
    world.machine.jottad(["run", "--once"]);
    let entry = world.service.at("Jotta/Archive/docs/a.txt");
    let theirs = crate::stage::md5(b"theirs, and newer");
    assert!(!entry.deleted && entry.md5.as_deref() == Some(theirs.as_str()), "{entry:?}");
}
