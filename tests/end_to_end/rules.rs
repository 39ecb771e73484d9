//! Ignore rules: what they keep away from the service, and that changing them deletes nothing on either side.

use std::fs;
use std::os::unix::fs::symlink;

use jottad_emulator::Act;

use crate::stage::{World, wait_until};

#[test]
fn rules_in_files_keep_entries_from_being_sent_and_are_themselves_synced() {
    let world = World::new();
    world.write(".jottaignore", "*.log\n/build/\n");
    world.write("code/.jottaignore", "# kept after all\n!keep.log\n");
    for path in ["a.txt", "a.log", "build/out", "code/keep.log", "code/drop.log", "code/build/kept"] {
        world.write(path, path);
    }
    world.pass(0);
    let mut paths = world.remote_paths();
    paths.retain(|path| !path.ends_with('/'));
    for path in [".jottaignore", "code/.jottaignore", "a.txt", "code/keep.log", "code/build/kept"] {
        assert!(world.service.has(&format!("Jotta/Archive/docs/{path}")), "{path} is missing: {paths:?}");
    }
    for path in ["a.log", "build", "code/drop.log"] {
        assert!(!world.service.has(&format!("Jotta/Archive/docs/{path}")), "{path} was sent");
    }
}

#[test]
fn changing_rules_deletes_nothing_on_either_side() {
    for mode in ["backup", "sync"] {
        let world = World::configured(&format!("mode = \"{mode}\""));
        let there = |path: &str| world.service.has(&format!("Jotta/Archive/docs/{path}"));
        world.write("d/a.log", "a");
        world.write("d/e/b.log", "b");
        let daemon = world.start();
        world.sync(0);
        world.write("d/.jottaignore", "*.log\ne/\n");
        world.sync(0);
        // What is ignored is out of it all: its end here is none there, and what is new here stays here.
        world.remove("d/a.log");
        world.remove("d/e");
        world.write("d/c.log", "c");
        world.sync(0);
        assert!(there("d/a.log") && there("d/e/b.log") && !there("d/c.log"), "{mode}");
        // The rules are known again after a restart, before anything is looked at.
        daemon.stop();
        let daemon = world.start();
        world.sync(0);
        assert!(there("d/a.log") && there("d/e/b.log") && !there("d/c.log"), "{mode}");
        // Without them everything is of account again: what only one side has is sent, or fetched where that
        // is the mode.
        world.remove("d/.jottaignore");
        world.sync(0);
        assert!(there("d/a.log") && there("d/e/b.log") && there("d/c.log"), "{mode}");
        assert_eq!(world.path("d/a.log").exists(), mode == "sync");
        assert_eq!(world.path("d/e/b.log").exists(), mode == "sync");
        daemon.stop();
    }
}

#[test]
fn the_rule_that_ignores_an_entry_is_named_with_its_file_and_line() {
    let world = World::configured("ignore = [\"*.tmp\"]");
    world.write("d/.jottaignore", "\n*.log\n");
    for path in ["d/a.log", "d/a.tmp", "d/a.txt"] {
        world.write(path, path);
    }
    let daemon = world.start();
    world.sync(0);
    let why = |path: &str| {
        let path = world.path(path).into_os_string();
        world.machine.jottad(["why".into(), "--json".into(), path]).expect(0).json()
    };
    assert_eq!(why("d/a.log")["rule"], "*.log (d/.jottaignore, line 2)");
    assert_eq!(why("d/a.tmp")["rule"], "*.tmp (ignore in the configuration)");
    assert_eq!(why("d/a.log")["state"], "ignored");
    assert_eq!(why("d/a.txt")["state"], "in_sync");
    daemon.stop();
}

#[test]
fn a_file_beyond_the_size_limit_stays_where_it_is() {
    for mode in ["backup", "sync"] {
        let world = World::configured(&format!("mode = \"{mode}\"\nmax_size = \"1 KiB\""));
        let remote = |path: &str| format!("Jotta/Archive/docs/{path}");
        let large = "x".repeat(1025);
        for path in ["d/small", "grows", "edited there"] {
            world.write(path, "small");
        }
        world.write("d/large", &large);
        world.write("limit", "x".repeat(1024));
        let daemon = world.start();
        world.sync(0);
        assert!(world.service.has(&remote("limit")) && !world.service.has(&remote("d/large")), "{mode}");
        // One that was synced and grows beyond it is as if it were no more of the folder.
        world.write("grows", &large);
        world.service.does(Act::put(&remote("edited there"), large.as_bytes()));
        world.service.does(Act::put(&remote("there"), large.as_bytes()));
        world.sync(0);
        assert_eq!(world.service.at(&remote("grows")).size, Some(5), "{mode}");
        assert_eq!(std::fs::read(world.path("edited there")).unwrap(), b"small", "{mode}");
        assert!(!world.path("there").exists(), "{mode}");
        let why = |path: &str| {
            let path = world.path(path).into_os_string();
            world.machine.jottad(["why".into(), "--json".into(), path]).expect(0).json()
        };
        for path in ["d/large", "grows"] {
            assert_eq!(why(path)["state"], "ignored", "{path}");
            assert_eq!(why(path)["rule"], "max_size = 1024 bytes (in the configuration)", "{path}");
        }
        // Deleting all around it does not take it along, here or there.
        world.remove("grows");
        if mode == "sync" {
            world.service.does(Act::delete(&remote("d")));
        }
        world.sync(0);
        assert!(world.service.has(&remote("grows")) && world.path("d/large").exists(), "{mode}");
        daemon.stop();
        // A limit that is raised lets everything in.
        world.machine.jottad(["folder", "set", "docs", "max_size=2 KiB"]).expect(0);
        world.pass(0);
        assert_eq!(world.service.at(&remote("d/large")).size, Some(1025), "{mode}");
        assert_eq!(world.path("there").exists(), mode == "sync");
    }
}

#[test]
fn a_line_that_is_no_rule_is_a_problem_and_a_file_too_large_stops_its_directory() {
    let world = World::new();
    world.write("bad/.jottaignore", "a{b\n*.log\n");
    world.write("bad/a.log", "ignored");
    world.write("bad/a.txt", "sent");
    world.write("large/.jottaignore", "x\n".repeat(40_000));
    world.write("large/a.txt", "waits");
    world.write("fine.txt", "sent");
    let daemon = world.start();
    world.sync(6);
    let problems = world.machine.jottad(["problems"]).expect(6);
    let problems = problems.says("bad/.jottaignore").says("line 1 is no rule");
    problems.says("large").says("rules may have 65536");
    let there = |path: &str| world.service.has(&format!("Jotta/Archive/docs/{path}"));
    assert!(there("bad/.jottaignore") && there("bad/a.txt") && there("fine.txt"));
    assert!(!there("bad/a.log") && !there("large/a.txt"));
    world.write("bad/.jottaignore", "*.log\n");
    world.write("large/.jottaignore", "x\n");
    world.sync(0);
    assert!(there("large/a.txt") && !there("bad/a.log"));
    daemon.stop();
}

/// Puts something in a directory where its rules should be, and takes it away again.
fn spoil_rules(world: &World, directory: &str, kind: &str) {
    let path = format!("{directory}/.jottaignore");
    match kind {
        "a directory" => world.mkdir(&path),
        "too large" => world.write(&path, "x\n".repeat(40_000)),
        target => symlink(target, world.path(&path)).unwrap(),
    }
}

#[test]
fn what_is_no_rules_leaves_its_directory_alone_and_is_named() {
    for (mode, kind) in
        [("backup", "../../rules"), ("sync", "nowhere"), ("backup", "a directory"), ("sync", "too large")]
    {
        let world = World::configured(&format!("mode = \"{mode}\""));
        let there = |path: &str| world.service.has(&format!("Jotta/Archive/docs/{path}"));
        fs::write(world.machine.home().join("rules"), "secret/\n").unwrap();
        world.write("d/synced", "s");
        world.write("d/edited", "before");
        let daemon = world.start();
        world.sync(0);
        spoil_rules(&world, "d", kind);
        world.sync(6);
        world.write("d/secret/key", "password");
        world.write("d/edited", "after");
        world.remove("d/synced");
        world.write("beside", "b");
        world.sync(6);
        assert_eq!(world.problems(), ["d: unreadable"], "{kind}");
        let told = world.machine.jottad(["problems"]).expect(6);
        told.says("the rules in d/.jottaignore cannot be read: ").says("put a file with the rules there");
        assert!(there("beside") && !there("d/secret") && there("d/synced"), "{kind}");
        assert_eq!(world.service.at("Jotta/Archive/docs/d/edited").size, Some(6), "{kind}");
        // Between the two there are no rules at all.
        daemon.stop();
        world.remove("d/.jottaignore");
        world.write("d/.jottaignore", "secret/\n");
        let daemon = world.start();
        world.sync(0);
        assert!(!there("d/secret") && !there("d/synced") && there("d/.jottaignore"), "{kind}");
        assert_eq!(world.service.at("Jotta/Archive/docs/d/edited").size, Some(5), "{kind}");
        daemon.stop();
    }
}

#[test]
fn a_folder_whose_own_rules_lead_out_of_it_sends_nothing_until_they_are_mended() {
    let world = World::new();
    let there = |path: &str| world.service.has(&format!("Jotta/Archive/docs/{path}"));
    fs::write(world.machine.home().join("rules"), "secret/\n").unwrap();
    symlink("../rules", world.path(".jottaignore")).unwrap();
    world.write("secret/key", "password");
    world.pass(7);
    let daemon = world.start();
    world.sync(7);
    assert_eq!(world.problems(), [".jottaignore: unreadable"]);
    world.machine.jottad(["held"]).expect(7).says("which is not inside the folder");
    assert!(!there("secret"));
    fs::rename(world.machine.home().join("rules"), world.path(".jottaignore")).unwrap();
    // Nobody has to ask for it.
    wait_until("the folder goes on", || there(".jottaignore"));
    world.sync(0);
    assert_eq!(world.problems(), [""; 0]);
    assert!(!there("secret"));
    daemon.stop();
}

#[test]
fn rules_behind_a_link_in_the_folder_count_and_are_followed_when_they_change() {
    let world = World::new();
    let there = |path: &str| world.service.has(&format!("Jotta/Archive/docs/{path}"));
    world.write("shared/rules", "secret/\n");
    world.write("d/secret/key", "password");
    symlink("../shared/rules", world.path("d/.jottaignore")).unwrap();
    let daemon = world.start();
    world.sync(0);
    assert!(there("shared/rules") && !there("d/secret"));
    world.write("shared/rules", "secret/\nother\n");
    world.sync(0);
    world.write("d/other", "o");
    world.write("d/third", "t");
    wait_until("the third is sent", || there("d/third"));
    assert!(!there("d/other") && !there("d/secret"));
    // Where nothing is any more there are no rules to go by.
    world.remove("shared/rules");
    world.sync(6);
    assert_eq!(world.problems(), ["d: unreadable"]);
    assert!(!there("d/other") && !there("d/secret") && there("d/third"));
    daemon.stop();
}

/// Once, rules that were away for the 30 ms of a slow save sent what they named.
#[test]
fn an_editor_that_saves_the_rules_lets_nothing_through() {
    let world = World::new();
    world.write("d/.jottaignore", "secret/\n");
    world.write("d/secret/key", "a password");
    let daemon = world.start();
    world.sync(0);
    let rules = world.path("d/.jottaignore");
    for is_truncated in [false, true] {
        if is_truncated {
            fs::write(&rules, "").unwrap();
        } else {
            fs::rename(&rules, world.path("d/.jottaignore~")).unwrap();
        }
        std::thread::sleep(std::time::Duration::from_millis(400));
        fs::write(&rules, "# saved\nsecret/\n").unwrap();
        world.sync(0);
        assert!(!world.service.has("Jotta/Archive/docs/d/secret"), "truncated: {is_truncated}");
    }
    // What stays away is meant.
    fs::remove_file(&rules).unwrap();
    world.sync(0);
    assert!(world.service.has("Jotta/Archive/docs/d/secret/key"));
    daemon.stop();
}

/// Once, the service's copy went to the trash and the new place was not sent: the backup had neither.
#[test]
fn a_directory_that_is_left_alone_keeps_its_copy_when_it_is_renamed() {
    let world = World::new();
    world.write("p/.jottaignore", "secret/\n");
    world.write("p/a", "a");
    let daemon = world.start();
    world.sync(0);
    world.remove("p/.jottaignore");
    symlink("/etc/hostname", world.path("p/.jottaignore")).unwrap();
    world.sync(6);
    world.rename("p", "r");
    world.sync(6);
    assert!(world.service.has("Jotta/Archive/docs/p/a") && !world.service.has("Jotta/Archive/docs/r"));
    // Once the rules can be read it is moved.
    fs::remove_file(world.path("r/.jottaignore")).unwrap();
    world.sync(0);
    assert!(world.service.has("Jotta/Archive/docs/r/a") && !world.service.has("Jotta/Archive/docs/p"));
    daemon.stop();
}

/// Once, the service's copies went to the trash, and nothing was sent in their stead.
#[test]
fn what_is_moved_into_a_directory_that_is_left_alone_keeps_its_copy() {
    let world = World::new();
    let there = |path: &str| world.service.has(&format!("Jotta/Archive/docs/{path}"));
    world.write("p/known/old", "o");
    for path in ["file", "deeper", "directory/inside", "removed"] {
        world.write(path, path);
    }
    let daemon = world.start();
    world.sync(0);
    symlink("/etc/hostname", world.path("p/.jottaignore")).unwrap();
    world.sync(6);
    world.rename("file", "p/file");
    world.rename("deeper", "p/known/deeper");
    world.rename("directory", "p/directory");
    world.remove("removed");
    world.sync(6);
    assert!(there("file") && there("deeper") && there("directory/inside"));
    assert!(!there("removed") && !there("p/file") && !there("p/known/deeper") && !there("p/directory"));
    let plan = world.machine.jottad(["plan"]).expect(0);
    assert!(!plan.stdout.contains("trash"), "{plan}");
    // Once the rules can be read each of them is moved.
    let sent = world.service.asked("allocate");
    fs::remove_file(world.path("p/.jottaignore")).unwrap();
    world.sync(0);
    assert!(there("p/file") && there("p/known/deeper") && there("p/directory/inside"));
    assert!(!there("file") && !there("deeper") && !there("directory"));
    assert_eq!(world.service.asked("allocate"), sent);
    daemon.stop();
}
