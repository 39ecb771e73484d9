//! What people are told of what they did: what is left out on purpose and why, what was done, and what was
//! changed.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::time::Duration;

use jottad_emulator::Act;
use serde_json::{Value, json};

use crate::stage::{Terminal, World, is_lacking, wait_until};

const USAGE: i32 = 2;

/// A folder with something of everything that is left out.
fn with_everything_that_is_left_out() -> (World, UnixListener) {
    let world = World::configured("ignore = [\"*.tmp\", \"cache/\"]\nmax_size = \"1 KiB\"");
    world.write("kept.txt", "kept");
    world.write("a.tmp", "ignored");
    world.write("cache/deep/file", "ignored with its directory");
    world.write("d/.jottaignore", "*.o\n");
    world.write("d/x.o", "ignored by a file");
    world.write("large.bin", vec![7; 2000]);
    symlink("kept.txt", world.path("link")).unwrap();
    symlink("nowhere", world.path("d/dangling")).unwrap();
    symlink("d", world.path("linked")).unwrap();
    let socket = UnixListener::bind(world.path("d/socket")).unwrap();
    assert!(Command::new("mkfifo").arg(world.path("pipe")).status().unwrap().success());
    (world, socket)
}

#[test]
fn what_is_left_out_on_purpose_is_counted_and_explained() {
    let (world, _socket) = with_everything_that_is_left_out();
    let daemon = world.start();
    world.sync(0);
    let skipped = |world: &World| world.machine.status()["folders"][0]["skipped"].clone();
    let all = json!({"rules": 3, "max_size": 1, "links": 3, "special": 2});
    assert_eq!(skipped(&world), all);
    world.machine.jottad(["status"]).expect(0).says("skipped: 3 ignored, 1 too large, 3 links, 2 pipes");
    for (path, state, words) in [
        ("link", "skipped", "it is a symbolic link"),
        ("d/dangling", "skipped", "it is a symbolic link"),
        ("linked/kept.txt", "skipped", "linked is a symbolic link, which is never followed"),
        ("pipe", "skipped", "it is a named pipe"),
        ("d/socket", "skipped", "it is a socket"),
        (".jottad", "skipped", "jottad keeps its own files there"),
        ("large.bin", "ignored", "larger than what is synced"),
        ("a.tmp", "ignored", "a rule ignores a.tmp"),
        ("cache/deep/file", "ignored", "a rule ignores cache"),
        ("d/x.o", "ignored", "a rule ignores d/x.o"),
        ("kept.txt", "in_sync", ""),
        ("none", "unknown", "nothing is here"),
    ] {
        let why = world.machine.jottad(["why", "--json", &format!("docs/{path}")]).expect(0).json();
        assert_eq!(why["state"], state, "{path}: {why}");
        assert!(why["reason"].as_str().unwrap().contains(words), "{path}: {why}");
    }
    for (path, rule) in [
        ("cache/deep/file", "cache/ (ignore in the configuration)"),
        ("d/x.o", "*.o (d/.jottaignore, line 1)"),
    ] {
        let why = world.machine.jottad(["why", "--json", &format!("docs/{path}")]).expect(0).json();
        assert_eq!(why["rule"], rule, "{path}");
    }
    // The count follows what happens.
    world.remove("link");
    world.rename("d", "e");
    world.write("more.tmp", "ignored");
    world.sync(0);
    assert_eq!(skipped(&world), json!({"rules": 4, "max_size": 1, "links": 2, "special": 2}));
    world.remove("e");
    fs::write(world.path("large.bin"), "small by now").unwrap();
    world.sync(0);
    assert_eq!(skipped(&world), json!({"rules": 3, "max_size": 0, "links": 1, "special": 1}));
    // A link where a file was is no choice but a problem.
    world.remove("kept.txt");
    symlink("nowhere", world.path("kept.txt")).unwrap();
    world.sync(6);
    assert_eq!(skipped(&world), json!({"rules": 3, "max_size": 0, "links": 1, "special": 1}));
    daemon.stop();
}

#[test]
fn the_history_is_shown_by_place_kind_and_time() {
    let world = World::new();
    world.write("a/one.txt", "1");
    world.write("b/two.txt", "22");
    world.settle();
    let daemon = world.start();
    world.remove("b/two.txt");
    world.synced();
    let log = |arguments: &[&str]| {
        let outcome = world.machine.jottad([&["log", "--json"], arguments].concat()).expect(0);
        let lines = outcome.stdout.lines().map(|line| serde_json::from_str(line).unwrap());
        lines
            .map(|line: serde_json::Value| {
                format!("{} {}", line["kind"].as_str().unwrap(), line["path"].as_str().unwrap())
            })
            .collect::<Vec<_>>()
    };
    let place = world.path("b");
    for (arguments, expected) in [
        (vec!["--path", place.to_str().unwrap(), "--kind", "upload"], vec!["upload b/two.txt"]),
        (vec!["--path", "docs/b/two.txt"], vec!["upload b/two.txt", "trash_remote b/two.txt"]),
        (vec!["--path", "b/two.txt", "-n", "1"], vec!["trash_remote b/two.txt"]),
        (vec!["--kind", "trash", "--since", "1h ago"], vec!["trash_remote b/two.txt"]),
        (vec!["--kind", "trash", "--until", "yesterday"], vec![]),
        (vec!["--failed"], vec![]),
    ] {
        assert_eq!(log(&arguments), expected, "{arguments:?}");
    }
    world.machine.jottad(["log", "--since", "soon"]).expect(USAGE).complains("\"soon\" is not a time");
    world.machine.jottad(["log", "--path", "/etc"]).expect(USAGE).complains("/etc is in no folder");
    daemon.stop();
}

#[test]
fn what_is_set_is_told_and_what_nobody_can_mean_is_refused() {
    let world = World::new();
    let daemon = world.start();
    let set = |setting: &str| world.machine.jottad(["folder", "set", "docs", setting]);
    set("ignore=*.tmp,*.bak").expect(0).says("docs: ignore is *.tmp, *.bak now (was nothing)");
    set("max_size=4 GiB").expect(0).says("docs: max_size is 4.0 GiB now (was unlimited)");
    set("mode=backup").expect(0).says("docs: mode is backup already");
    for (setting, complaint) in [
        ("max_size=4", "\"4\" has no unit: write for example \"4 MiB\""),
        ("ignore=[*.tmp, *.bak]", "is not a list"),
        ("ignore=*.tmp,a{b", "the ignore rule \"a{b\" cannot be understood"),
    ] {
        set(setting).expect(USAGE).complains(complaint);
    }
    let listed = world.machine.jottad(["folder", "list"]).expect(0);
    listed.says("  ignore: *.tmp, *.bak").says("  max_size: 4.0 GiB");
    world.write("a.tmp", "left out");
    world.write("a.bak", "left out");
    world.write("a.txt", "sent");
    wait_until("the daemon follows", || world.service.has("Jotta/Archive/docs/a.txt"));
    assert!(!world.service.has("Jotta/Archive/docs/a.bak") && !world.service.has("Jotta/Archive/docs/a.tmp"));
    daemon.stop();
}

#[test]
fn a_status_is_cut_to_its_terminal_and_nowhere_else() {
    let (world, _socket) = with_everything_that_is_left_out();
    let daemon = world.start();
    world.sync(0);
    for columns in [40, 80] {
        let status = world.machine.command(["status"]);
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("stty cols {columns} rows 24; exec \"$0\" status")]);
        shell.arg(status.get_program()).current_dir(world.machine.home());
        shell.envs(status.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let (shown, code) = Terminal::start(&shell).ends();
        // What comes from the terminal is read byte by byte.
        let bytes: Option<Vec<u8>> = shown.chars().map(|byte| u8::try_from(byte).ok()).collect();
        let shown = String::from_utf8(bytes.unwrap()).unwrap();
        assert_eq!(code, Some(0), "{shown}");
        let lines: Vec<&str> = shown.lines().map(str::trim_end).collect();
        assert!(lines.iter().all(|line| line.chars().count() <= columns), "{columns}: {shown}");
        assert!(lines[0].starts_with("jottad  in sync"), "{columns}: {shown}");
        assert!(lines[1].starts_with("docs  in sync") && lines[1].ends_with('…'), "{columns}: {shown}");
    }
    world.machine.jottad(["status"]).expect(0).says("Jotta/Archive/docs").says("pipes, sockets and devices");
    daemon.stop();
}

/// `why`, as people read it.
fn why(world: &World, path: &str) -> String {
    world.machine.jottad(["why", &format!("docs/{path}")]).expect(0).stdout
}

#[test]
fn why_and_plan_say_of_a_held_delete_that_it_waits_for_a_person() {
    let world = World::new();
    world.fill("tree", 2, 15);
    let daemon = world.start();
    world.synced();
    world.remove("tree/d01");
    for number in 0..10 {
        world.remove(&format!("tree/d00/f{number:02}"));
    }
    world.sync(7);
    for path in ["tree/d00/f03", "tree/d01", "tree/d01/f03"] {
        let told = why(&world, path);
        assert!(told.contains("held") && !told.contains("next:"), "{path}: {told}");
        assert!(told.contains("`jottad approve docs`") && told.contains("`jottad reject docs`"), "{told}");
    }
    let plan = world.machine.jottad(["plan"]).expect(0);
    assert!(!plan.stdout.contains("deleted here"), "{plan}");
    plan.says("held: it waits to be approved or rejected").says("this is held: ").says("jottad approve docs");
    daemon.stop();
}

#[test]
fn why_takes_nothing_that_was_only_sent_for_what_the_service_has() {
    let world = World::new();
    world.write("old.txt", "old");
    let daemon = world.start();
    world.synced();
    world.service.set_switch("U38", "delayed").unwrap();
    world.service.set_listing_lag(Duration::from_secs(10));
    // Of so many their directory is listed, and that is late.
    for name in ["new.txt", "newer.txt", "newest.txt", "and one more.txt"] {
        world.write(name, "new");
    }
    wait_until("it was sent", || {
        let why = world.machine.jottad(["why", "--json", "docs/new.txt"]).json();
        why["sent"] == true
    });
    let document = world.machine.jottad(["why", "--json", "docs/new.txt"]).expect(0).json();
    assert_eq!(document["remote"], Value::Null, "{document}");
    let told = why(&world, "new.txt");
    assert!(told.contains("on Jottacloud: sent, not confirmed yet"), "{told}");
    world.machine.jottad(["plan"]).expect(0).says("sent, which the service has not confirmed yet");
    daemon.stop();
}

#[test]
fn what_is_in_a_directory_that_has_a_problem_is_not_to_go_and_why_names_the_directory() {
    let world = World::new();
    world.write("Dir/1", "one");
    world.write("dir/2", "two");
    if is_lacking("a file system that tells cases apart", !world.path("Dir/2").exists()) {
        return;
    }
    let daemon = world.start();
    world.sync(6);
    let problem = world.problems();
    assert_eq!(problem.len(), 1, "{problem:?}");
    let (clashing, file) = if problem[0].starts_with("Dir") { ("Dir", "Dir/1") } else { ("dir", "dir/2") };
    let told = why(&world, file);
    assert!(told.contains(&format!("it waits for {clashing}, which has a problem")), "{told}");
    assert!(!told.contains("next:"), "{told}");
    let pending = &world.machine.status()["folders"][0]["pending"];
    assert_eq!(pending["uploads"], 0, "{pending}");
    world.machine.jottad(["plan"]).expect(0).says("docs: nothing to do");
    // It goes on as soon as the directory may.
    world.rename(clashing, "other");
    world.synced();
    daemon.stop();
}

#[test]
fn why_says_of_what_was_in_sync_that_the_folder_is_paused() {
    let world = World::new();
    world.write("a.txt", "one");
    let daemon = world.start();
    world.synced();
    world.machine.jottad(["pause"]).expect(0);
    world.service.does(Act::put("Jotta/Archive/docs/a.txt", b"others"));
    let told = why(&world, "a.txt");
    assert!(told.contains("paused until `jottad resume`") && !told.contains("in sync"), "{told}");
    daemon.stop();
}

/// What is told of a file that is on its way, was cut off, or is sent.
fn uploads(world: &World) -> (u64, Vec<String>) {
    let pending = world.machine.status()["folders"][0]["pending"]["uploads"].as_u64().unwrap();
    let plan = world.machine.jottad(["plan", "--json"]).expect(0).json();
    let operations = plan["folders"][0]["operations"].as_array().unwrap().iter();
    (pending, operations.map(|operation| operation["why"].as_str().unwrap().to_owned()).collect())
}

#[test]
fn an_upload_that_is_cut_off_is_still_to_be_done_for_everybody_who_asks() {
    let world = World::new();
    world.write("a.txt", "one");
    let config = fs::read_to_string(world.machine.config()).unwrap();
    fs::write(world.machine.config(), format!("{config}\n[transfer]\nupload_limit = \"64 KiB\"\n")).unwrap();
    let daemon = world.start();
    world.synced();
    world.write("big", vec![7; 2 * 1024 * 1024]);
    wait_until("it is sent", || why(&world, "big").contains("it is being sent"));
    assert_eq!(uploads(&world), (1, vec!["being sent now".to_owned()]));
    assert!(!why(&world, "big").contains("not confirmed"));
    world.machine.jottad(["pause"]).expect(0);
    wait_until("it is cut off", || why(&world, "big").contains("was cut off"));
    let (pending, plan) = uploads(&world);
    assert!(pending == 1 && plan.len() == 1 && plan[0].starts_with("cut off while it was sent"), "{plan:?}");
    world.machine.jottad(["resume"]).expect(0);
    wait_until("it is sent again", || why(&world, "big").contains("it is being sent"));
    daemon.kill();
    let status = world.machine.jottad(["status"]).expect(5).says("1 upload");
    assert!(!status.stdout.contains("all done"), "{status}");
    let status = world.machine.jottad(["status", "--json"]).json();
    let pending = &status["folders"][0]["pending"];
    assert_eq!((&pending["uploads"], &pending["bytes"]), (&1.into(), &(2 * 1024 * 1024).into()), "{status}");
    let told = why(&world, "big");
    assert!(told.contains("it was being sent when the last run ended"), "{told}");
    assert!(!told.contains("sent, not confirmed yet"), "{told}");
    fs::write(world.machine.config(), config).unwrap();
    world.settle();
    assert!(world.service.has("Jotta/Archive/docs/big"));
    world.machine.jottad(["status"]).expect(0);
}

#[test]
fn what_is_not_named_or_not_there_is_said_to_be() {
    let world = World::new();
    let config = fs::read_to_string(world.machine.config()).unwrap();
    fs::write(world.machine.config(), format!("{config}[[folder]]\nname = \"x\"\n")).unwrap();
    let status = world.machine.jottad(["status"]);
    status.says("no local directory is named").says("no place on the service is named");
    fs::remove_file(world.machine.config()).unwrap();
    world.machine.jottad(["status"]).says("config.toml is not there, so no folder is known");
}
