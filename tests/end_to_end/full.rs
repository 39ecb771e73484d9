//! Disks without room: what cannot be done is a named problem, all else goes on, and nothing is lost.

use std::fs;
use std::path::Path;

use jottad_emulator::Act;

use crate::stage::{World, in_own_mounts, run_on, wait_until};

const MIB: usize = 1 << 20;

/// Mounts a disk of so many MiB, empty.
fn mount(mebibytes: usize, path: &Path) {
    run_on("mount", &["-t", "tmpfs", "-o", &format!("size={mebibytes}m"), "jottad-test"], path);
}

fn resize(mebibytes: usize, path: &Path) {
    run_on("mount", &["-o", &format!("remount,size={mebibytes}m")], path);
}

#[test]
fn what_finds_no_room_here_is_a_problem_and_comes_when_there_is() {
    in_own_mounts("full::what_finds_no_room_here_is_a_problem_and_comes_when_there_is", || {
        let world = World::configured("mode = \"sync\"");
        mount(2, &world.path(""));
        world.write("kept", "what was here");
        for name in ["first", "second", "third"] {
            world.service.does(Act::put(&format!("Jotta/Archive/docs/{name}"), &vec![7; MIB]));
        }
        world.service.does(Act::put("Jotta/Archive/docs/small", b"small"));
        let daemon = world.start();
        world.sync(6);
        let problems = world.problems();
        assert!((2..=3).contains(&problems.len()), "{problems:?}");
        assert!(problems.iter().all(|line| line.ends_with(": local_disk")), "{problems:?}");
        world.machine.jottad(["problems"]).expect(6).says("no space left").says("free some space");
        assert_eq!(fs::read(world.path("small")).unwrap(), b"small");
        assert!(world.service.has("Jotta/Archive/docs/kept"));
        let unfinished = fs::read_dir(world.path(".jottad/tmp")).map_or(0, Iterator::count);
        assert_eq!(unfinished, 0, "temporary files take the room");
        resize(16, &world.path(""));
        world.synced();
        daemon.stop();
    });
}

#[test]
fn a_full_state_directory_loses_nothing_and_is_taken_up_again_when_there_is_room() {
    in_own_mounts(
        "full::a_full_state_directory_loses_nothing_and_is_taken_up_again_when_there_is_room",
        || {
            let world = World::new();
            world.fill("before", 2, 10);
            world.settle();
            // The state moves to a small disk of its own.
            let (state, aside) = (world.machine.state(), world.machine.beside("state before"));
            run_on("cp", &["-a", state.to_str().unwrap()], &aside);
            mount(2, &state);
            run_on("cp", &["-a", &format!("{}/.", aside.display())], &state);
            let ballast = state.join("ballast");
            let mut filled = Vec::new();
            for kibibytes in [64, 4] {
                while fs::write(&ballast, &filled).is_ok() {
                    filled.resize(filled.len() + kibibytes * 1024, 7);
                }
                filled.truncate(filled.len().saturating_sub(kibibytes * 1024));
                fs::write(&ballast, &filled).unwrap();
            }
            world.fill("after", 20, 50);
            world.remove("before/d00");
            let outcome = world.machine.jottad(["run", "--once"]);
            assert_ne!(outcome.code, Some(0), "it cannot have been done: {outcome:?}");
            let daemon = world.start();
            wait_until("the daemon says what is wrong", || {
                world.machine.jottad(["status"]).stdout.contains("free some space")
            });
            assert!(world.service.has("Jotta/Archive/docs/before/d01/f00"));
            fs::remove_file(&ballast).unwrap();
            resize(32, &state);
            world.synced();
            daemon.stop();
        },
    );
}
