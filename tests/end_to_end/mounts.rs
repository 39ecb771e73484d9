//! A disk that is mounted inside a folder and goes: nothing is deleted, and a person is asked. Each test runs
//! itself again in a mount namespace of its own.

use std::fs;

use crate::stage::{Daemon, World, in_own_mounts, run_on, wait_until};

/// A folder with a disk in it. What is on the disk outlasts its being unmounted.
fn with_disk(settings: &str) -> (World, Daemon) {
    let world = World::configured(settings);
    let disk = world.machine.beside("disk");
    fs::create_dir_all(disk.join("photos")).unwrap();
    // Fewer files than the delete hold would catch, and not all there is.
    for number in 0..15 {
        fs::write(disk.join(format!("photos/{number}.jpg")), format!("photo {number}")).unwrap();
    }
    world.mkdir("usb");
    world.fill("tree", 2, 10);
    mount(&world);
    let daemon = world.start();
    world.synced();
    (world, daemon)
}

fn mount(world: &World) {
    let disk = world.machine.beside("disk");
    run_on("mount", &["--bind", disk.to_str().unwrap()], &world.path("usb"));
}

fn unmount(world: &World) {
    run_on("umount", &[], &world.path("usb"));
}

fn photos(world: &World) -> usize {
    world.remote_paths().iter().filter(|path| path.starts_with("usb/photos/")).count()
}

#[test]
fn a_disk_that_goes_deletes_nothing_and_its_return_mends_everything() {
    in_own_mounts("mounts::a_disk_that_goes_deletes_nothing_and_its_return_mends_everything", || {
        for settings in ["mode = \"backup\"", "mode = \"sync\""] {
            let (world, daemon) = with_disk(settings);
            unmount(&world);
            wait_until("the disk is missed", || world.problems() == ["usb: mount_changed"]);
            world
                .machine
                .jottad(["problems"])
                .expect(6)
                .says("mount it as it was")
                .says("jottad approve docs usb");
            // Everything else goes on, also over a restart.
            world.write("tree/new.txt", "new");
            world.remove("tree/d00");
            world.sync(6);
            daemon.stop();
            world.pass(6);
            let daemon = world.start();
            world.sync(6);
            assert_eq!(photos(&world), 15);
            assert!(world.service.has("Jotta/Archive/docs/tree/new.txt"));
            assert!(!world.service.has("Jotta/Archive/docs/tree/d00"));

            // What was really deleted on it is deleted, and only that.
            fs::remove_file(world.machine.beside("disk").join("photos/3.jpg")).unwrap();
            mount(&world);
            world.synced();
            assert_eq!((photos(&world), world.problems()), (14, vec![]));
            unmount(&world);
            daemon.stop();
        }
    });
}

#[test]
fn a_disk_that_goes_with_its_directory_deletes_nothing_until_a_person_says_so() {
    in_own_mounts(
        "mounts::a_disk_that_goes_with_its_directory_deletes_nothing_until_a_person_says_so",
        || {
            let (world, daemon) = with_disk("mode = \"sync\"");
            unmount(&world);
            fs::remove_dir(world.path("usb")).unwrap();
            wait_until("the disk is missed", || world.problems() == ["usb: mount_changed"]);
            world.sync(6);
            assert_eq!(photos(&world), 15);
            world.machine.jottad(["approve", "docs", "tree"]).expect(1).complains("no disk has come or gone");
            world.machine.jottad(["approve", "docs", "usb"]).expect(0);
            world.synced();
            assert_eq!(photos(&world), 0);
            daemon.stop();
        },
    );
}

#[test]
fn a_word_about_a_disk_where_nothing_runs_is_shown_and_can_be_taken_back() {
    in_own_mounts("mounts::a_word_about_a_disk_where_nothing_runs_is_shown_and_can_be_taken_back", || {
        let (world, daemon) = with_disk("mode = \"sync\"");
        daemon.stop();
        unmount(&world);
        world.pass(6);
        let approve = || world.machine.jottad(["approve", "docs", "usb"]).expect(0);
        approve().says("approved: docs");
        approve();
        let noted = "docs: approved, to be done by the next run: what is mounted, or not mounted any more, at usb is right as it is";
        for command in ["held", "status"] {
            world.machine.jottad([command]).says(noted).says("jottad reject docs");
        }
        world.machine.jottad(["approve", "docs"]).expect(1).complains("nothing is held");
        world.machine.jottad(["reject", "docs"]).expect(0).says("at usb");
        world.machine.jottad(["held"]).expect(0).says("nothing is held");
        world.machine.jottad(["reject", "docs"]).expect(1).complains("nothing is held");
        world.pass(6);
        assert_eq!(photos(&world), 15);
        approve();
        world.pass(0);
        assert_eq!(photos(&world), 0);
        world.machine.jottad(["held"]).expect(0).says("nothing is held");
    });
}
