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
fn what_a_pull_finds_no_room_for_is_a_problem_and_comes_when_there_is() {
    in_own_mounts("full::what_a_pull_finds_no_room_for_is_a_problem_and_comes_when_there_is", || {
        let world = World::configured("mode = \"pull\"");
        mount(4, &world.path(""));
        // What stands there before keeps its content until all of the new one is there.
        world.service.does(Act::put("Jotta/Archive/docs/grows", b"before"));
        world.service.does(Act::put("Jotta/Archive/docs/d/small", b"small"));
        let daemon = world.start();
        world.synced();
        world.service.does(Act::put("Jotta/Archive/docs/grows", &vec![7; 8 * MIB]));
        world.service.does(Act::put("Jotta/Archive/docs/d/large", &vec![8; 8 * MIB]));
        for number in 0..4 {
            let path = format!("Jotta/Archive/docs/d/fits{number}");
            world.service.does(Act::put(&path, format!("fits {number}").as_bytes()));
        }
        world.sync(6);
        assert_eq!(world.problems(), ["d/large: local_disk", "grows: local_disk"]);
        world.machine.jottad(["problems"]).expect(6).says("no space left").says("free some space");
        assert_eq!(fs::read(world.path("grows")).unwrap(), b"before");
        assert!(!world.path("d/large").exists(), "half a file has the name of the whole");
        let unfinished = fs::read_dir(world.path(".jottad/tmp")).map_or(0, Iterator::count);
        assert_eq!(unfinished, 0, "temporary files take the room");
        for number in 0..4 {
            assert_eq!(
                fs::read_to_string(world.path(format!("d/fits{number}"))).unwrap(),
                format!("fits {number}")
            );
        }
        // The disk is filled while a file comes.
        let ballast = fill_up(&world.path("d"));
        world.service.does(Act::put("Jotta/Archive/docs/d/late", &vec![9; MIB]));
        world.sync(6);
        assert_eq!(world.problems(), ["d/large: local_disk", "d/late: local_disk", "grows: local_disk"]);
        assert!(!world.path("d/late").exists());
        fs::remove_file(ballast).unwrap();
        resize(32, &world.path(""));
        world.synced();
        assert_eq!(world.problems(), [""; 0]);
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

/// Fills a disk to its last byte.
fn fill_up(path: &Path) -> std::path::PathBuf {
    use std::io::Write as _;
    let ballast = path.join("ballast");
    let mut file = fs::File::create(&ballast).unwrap();
    while file.write_all(&[7; 4096]).is_ok() {}
    while file.write_all(&[7]).is_ok() {}
    ballast
}

#[test]
fn commands_that_find_no_room_name_the_place_and_the_remedy_and_leave_nothing_half_written() {
    in_own_mounts(
        "full::commands_that_find_no_room_name_the_place_and_the_remedy_and_leave_nothing_half_written",
        || {
            let world = World::new();
            world.write("a.txt", "one");
            world.settle();
            world.service.does(Act::put("Jotta/Archive/large", &vec![7; 3 * MIB]));
            // State and config move to a small disk of their own.
            let (state, aside) = (world.machine.state(), world.machine.beside("state before"));
            run_on("cp", &["-a", state.to_str().unwrap()], &aside);
            mount(2, &state);
            run_on("cp", &["-a", &format!("{}/.", aside.display())], &state);
            let config = state.join("config.toml");
            fs::copy(world.machine.config(), &config).unwrap();
            fs::create_dir(world.machine.home().join("photos")).unwrap();
            let ballast = fill_up(&state);
            let before = fs::read(&config).unwrap();
            let files = || {
                let mut names: Vec<_> =
                    fs::read_dir(&state).unwrap().map(|entry| entry.unwrap().file_name()).collect();
                names.sort();
                names
            };
            let there = files();
            let jottad = |arguments: &[&str], input: &str| {
                use std::io::Write as _;
                use std::process::Stdio;
                let mut command = world.machine.command(arguments);
                command.env("JOTTAD_CONFIG", &config);
                command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
                let mut child = command.spawn().unwrap();
                let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
                let output = child.wait_with_output().unwrap();
                crate::stage::Outcome::new(&command, &output)
            };
            let token = world.service.login_token();
            for (arguments, input) in [
                (&["folder", "add", "~/photos", "Jotta/Archive/photos"][..], ""),
                (&["folder", "set", "docs", "mode=archive"], ""),
                (&["folder", "remove", "docs"], ""),
                (&["pause"], ""),
                (&["put", "-", "Jotta/Archive/piped"], "some text"),
                (&["login", "--token-stdin"], token.as_str()),
            ] {
                let outcome = jottad(arguments, input).expect(1);
                let outcome = outcome.complains(state.to_str().unwrap()).complains("hint: ");
                let names_the_reason = outcome.stderr.contains("No space left on device")
                    || outcome.stderr.contains("database or disk is full");
                assert!(
                    names_the_reason && outcome.stderr.contains("room") || outcome.stderr.contains("space")
                );
                assert!(!outcome.stderr.contains("ERROR"), "{outcome}");
                assert_eq!(files(), there, "{outcome}");
                assert!(fs::read(&config).unwrap() == before, "{outcome}");
            }
            jottad(&["status"], "").expect(0).says("in sync");
            fs::remove_file(&ballast).unwrap();
            jottad(&["pause"], "").expect(0);
            jottad(&["resume"], "").expect(0);
            // The token was not spent.
            jottad(&["login", "--token-stdin"], &token).expect(0);
            jottad(&["run", "--once"], "").expect(0);
            // What is fetched finds no room either.
            let here = world.machine.home().join("here");
            fs::create_dir(&here).unwrap();
            mount(2, &here);
            for more in [&[][..], &["--json"]] {
                let get = ["get", "Jotta/Archive/large", "here"];
                let outcome = world.machine.jottad(get.iter().chain(more)).expect(1);
                outcome.complains("No space left on device").complains("free some space").complains("here");
                assert!(!here.join("large").exists(), "half a file has the name of the whole");
            }
            resize(8, &here);
            world.machine.jottad(["get", "Jotta/Archive/large", "here"]).expect(0);
            assert_eq!(fs::read(here.join("large")).unwrap().len(), 3 * MIB);
        },
    );
}
