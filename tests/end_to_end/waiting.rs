//! Who asks gets an answer in time, and a true one.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::symlink;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use jottad_emulator::{Effect, Fault, Matching};
use rustix::process::Signal;

use crate::stage::{Daemon, Running, World, wait_until, within};

const USAGE: i32 = 2;
const WORKING: i32 = 5;
const PROBLEMS: i32 = 6;
const HELD: i32 = 7;
const STALLED: i32 = 9;
const PAUSED: i32 = 10;

#[test]
fn a_daemon_that_was_stopped_keeps_nobody_waiting() {
    let world = World::new();
    world.write("a.txt", "a");
    let daemon = world.start();
    world.synced();
    // What they print tells that they listen.
    let listen = |command: &[&str]| {
        let mut running = Running::start(world.machine.command(command));
        let mut printed = BufReader::new(running.printed());
        printed.read_line(&mut String::new()).unwrap();
        (running, printed)
    };
    let (watching, _watched) = listen(&["status", "--watch"]);
    let (following, _followed) = listen(&["log", "-f"]);
    daemon.signal(Signal::STOP);
    // A thread that answers just now stops when it has.
    #[cfg(target_os = "linux")]
    wait_until("all of it has stopped", || {
        let threads = fs::read_dir(format!("/proc/{}/task", daemon.pid().as_raw_nonzero())).unwrap();
        threads.flatten().all(|thread| {
            let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
            stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('T'))
        })
    });
    let began = Instant::now();
    let kill = format!("kill -KILL {}", daemon.pid().as_raw_nonzero());
    let questions: &[&[&str]] = &[
        &["status"],
        &["status", "--line"],
        &["status", "--watch"],
        &["problems"],
        &["conflicts"],
        &["held"],
        &["plan"],
        &["log"],
        &["sync"],
        &["sync", "--wait"],
        &["verify"],
        &["pause"],
        &["resume"],
        &["approve", "docs"],
        &["why", "docs/a"],
    ];
    thread::scope(|scope| {
        for question in questions {
            scope.spawn(|| {
                let outcome = world.machine.jottad(*question).expect(STALLED);
                // It was started by hand, and a process that was stopped hears no other signal.
                outcome.complains("does not answer").complains(&kill);
            });
        }
    });
    assert_eq!(watching.end().code, Some(STALLED));
    assert_eq!(following.end().code, Some(STALLED));
    assert!(began.elapsed() < Duration::from_secs(25), "{:?}", began.elapsed());
    daemon.signal(Signal::CONT);
    // It takes up what was ordered meanwhile.
    world.machine.jottad(["resume"]).expect(0);
    world.sync(0);
    daemon.stop();
}

#[test]
fn a_pause_is_told_whatever_else_there_is() {
    let world = World::new();
    let daemon = world.start();
    world.synced();
    world.write("twin.txt", "a");
    world.write("TWIN.txt", "b");
    world.sync(PROBLEMS);
    world.machine.jottad(["pause", "docs", "2h"]).expect(0);
    let folder = world.machine.status()["folders"][0].clone();
    assert!(folder["paused"]["until"].as_str().is_some_and(|until| until.starts_with("20")), "{folder}");
    world.machine.jottad(["status"]).expect(6).says("paused until 20").says("problem").says("jottad resume");
    world.machine.jottad(["pause"]).expect(0);
    assert_eq!(world.machine.status()["folders"][0]["paused"], serde_json::json!({"until": null}));
    world.machine.jottad(["resume"]).expect(0);
    assert_eq!(world.machine.status()["folders"][0]["paused"], serde_json::Value::Null);
    world.remove("TWIN.txt");
    world.sync(0);
    world.machine.jottad(["pause"]).expect(0);
    wait_until("nothing is noticed any more", || world.machine.status()["noticing"]["events"] == "off");
    world.write("d/new.txt", "made while it is paused");
    world.write("twin.txt", "changed while it is paused");
    wait_until("what waits is known", || world.machine.status()["folders"][0]["unseen_directories"] != 0);
    let told = world.machine.jottad(["status"]).expect(PAUSED);
    told.says("paused until `jottad resume`, changes in ").says("changes on the service are not noticed now");
    world
        .machine
        .jottad(["why", "docs/d/new.txt"])
        .expect(0)
        .says("it is new here")
        .says("paused until `jottad resume`");
    world
        .machine
        .jottad(["why", "docs/twin.txt"])
        .expect(0)
        .says("it has changed since it was last looked at");
    daemon.stop();
}

#[test]
fn what_cannot_travel_is_not_to_go_and_not_the_verdict_while_others_travel() {
    let world = World::new();
    let daemon = world.start();
    world.synced();
    world.write("twin.bin", vec![1; 5000]);
    world.write("TWIN.bin", vec![3; 5000]);
    world.sync(PROBLEMS);
    let folder = world.machine.status()["folders"][0].clone();
    assert_eq!(
        (&folder["verdict"], &folder["pending"]["bytes"]),
        (&"problems".into(), &0.into()),
        "{folder}"
    );
    world.service.spoil("upload", Effect::Hang);
    world.write("travels.bin", vec![2; 1 << 20]);
    wait_until("a file travels", || {
        world.machine.status()["folders"][0]["transfers"] != serde_json::json!([])
    });
    let folder = world.machine.status()["folders"][0].clone();
    assert_eq!(folder["verdict"], "working", "{folder}");
    // What travels is to go until it has arrived.
    assert_eq!(folder["pending"]["uploads"], 1, "{folder}");
    world.machine.jottad(["status"]).expect(WORKING).says("1 upload").says("1 problem");
    world.service.clear_faults();
    daemon.kill();
}

#[test]
fn a_changed_configuration_that_is_wrong_is_told_until_it_is_right() {
    let world = World::new();
    let daemon = world.start();
    world.synced();
    let good = fs::read_to_string(world.machine.config()).unwrap();
    fs::write(world.machine.config(), format!("{good}colour = \"red\"\n")).unwrap();
    daemon.signal(Signal::HUP);
    wait_until("it is told", || world.machine.status()["trouble"].as_str().is_some());
    let outcome = world.machine.jottad(["status"]).expect(0);
    let reload = format!("kill -HUP {}", daemon.pid().as_raw_nonzero());
    outcome.says("the changed configuration is not followed").says("colour").says(&reload);
    world.machine.jottad(["doctor"]).expect(1).says("is not followed");
    fs::write(world.machine.config(), good).unwrap();
    daemon.signal(Signal::HUP);
    wait_until("it is right again", || world.machine.status()["trouble"].is_null());
    world.synced();
    daemon.stop();
}

#[test]
fn a_state_directory_that_was_moved_away_ends_the_daemon_with_a_reason() {
    let world = World::new();
    let mut daemon = world.start();
    world.synced();
    let elsewhere = world.machine.beside("elsewhere");
    fs::rename(world.machine.state(), &elsewhere).unwrap();
    let asked = ["--state-dir", elsewhere.to_str().unwrap(), "status"];
    world.machine.jottad(asked).expect(STALLED).says("deleted or moved away");
    assert_eq!(daemon.wait().code(), Some(1));
    assert!(daemon.log().contains("deleted or moved away while jottad was running"), "{}", daemon.log());
    fs::rename(&elsewhere, world.machine.state()).unwrap();
    world.settle();
}

/// A second folder, `pics`, that runs beside `docs`.
fn with_pictures(more: &str) -> World {
    let pics = "[[folder]]\nname = \"pics\"\nlocal = \"~/pics\"\nremote = \"Jotta/Archive/pics\"\n";
    let world = World::configured(&format!("\n{pics}{more}"));
    fs::create_dir(world.machine.home().join("pics")).unwrap();
    fs::write(world.machine.home().join("pics/p.jpg"), "a photo").unwrap();
    world.write("a.txt", "a");
    world
}

/// Demands that `docs` runs and `pics` waits for a person, for this reason.
#[track_caller]
fn assert_only_pictures_are_held(world: &World, reason: &str) -> Daemon {
    let daemon = world.start();
    world.machine.jottad(["sync", "docs", "--wait", "--timeout", "30s"]).expect(0);
    assert!(world.service.has("Jotta/Archive/docs/a.txt"));
    let status = world.machine.status();
    let folders = status["folders"].as_array().unwrap();
    let pics = folders.iter().find(|folder| folder["name"] == "pics").unwrap();
    assert_eq!(pics["verdict"], "held", "{pics}");
    assert!(pics["held"]["reason"].as_str().unwrap().contains(reason), "{pics}");
    world.machine.jottad(["status"]).expect(HELD).says(reason);
    world.machine.jottad(["doctor"]).expect(1).says(reason);
    daemon
}

#[test]
fn a_folder_whose_path_became_a_link_into_another_is_held_alone() {
    let world = with_pictures("");
    world.pass(0);
    let pics = world.machine.home().join("pics");
    fs::rename(&pics, world.machine.beside("pics")).unwrap();
    world.mkdir("inner");
    symlink(world.path("inner"), &pics).unwrap();
    let daemon = assert_only_pictures_are_held(&world, "leads to ");
    world.machine.jottad(["sync", "pics"]).expect(HELD).complains("leads to ");
    assert!(world.service.has("Jotta/Archive/pics/p.jpg"));
    fs::remove_file(&pics).unwrap();
    fs::rename(world.machine.beside("pics"), &pics).unwrap();
    world.machine.jottad(["folder", "set", "pics", "poll=5m"]).expect(0);
    world.sync(0);
    daemon.stop();
}

#[test]
fn every_kind_of_wrong_folder_is_held_alone() {
    type Spoil = fn(&World);
    let kinds: &[(&str, Spoil, &str)] = &[
        ("ignore = [\"a\\\\\"]", |_| {}, "ignore"),
        ("mode = \"mirror\"", |_| {}, "mirror"),
        ("remote = \"Jotta/Archive/docs/x\"", |_| {}, "overlaps"),
        ("", |world| fs::remove_dir_all(world.machine.home().join("pics")).unwrap(), "is not there"),
        (
            "",
            |world| {
                let pics = world.machine.home().join("pics");
                fs::remove_dir_all(&pics).unwrap();
                fs::write(pics, "a file").unwrap();
            },
            "pics",
        ),
        ("", spoil_index, "the index"),
    ];
    for (more, spoil, reason) in kinds {
        let world = with_pictures("");
        world.pass(0);
        let config = fs::read_to_string(world.machine.config()).unwrap();
        let config = match more.split_once(" = ") {
            Some(("remote", _)) => config.replace("remote = \"Jotta/Archive/pics\"", more),
            _ => format!("{config}{more}\n"),
        };
        fs::write(world.machine.config(), config).unwrap();
        spoil(&world);
        assert_only_pictures_are_held(&world, reason).stop();
        world.pass(HELD);
    }
}

/// Puts a directory that cannot be moved in the place of the index of `pics`.
fn spoil_index(world: &World) {
    let indexes = fs::read_dir(world.machine.state().join("index")).unwrap();
    let files: Vec<_> = indexes.map(|entry| entry.unwrap().path()).collect();
    for file in files {
        let text = fs::read(&file).unwrap_or_default();
        let is_of_pics = text.windows(5).any(|window| window == b"p.jpg");
        if is_of_pics && file.extension().is_some_and(|extension| extension == "sqlite") {
            fs::remove_file(&file).unwrap();
            fs::create_dir_all(file.join("in/the/way")).unwrap();
        }
    }
}

#[test]
fn few_open_files_are_told_and_the_limit_is_raised_where_that_is_allowed() {
    let world = World::new();
    world.fill("tree", 5, 20);
    let daemon = world.machine.start_in(|daemon| within("ulimit -Sn 64", &daemon));
    world.synced();
    assert!(world.problems().is_empty());
    assert_eq!(world.machine.status()["trouble"], serde_json::Value::Null);
    daemon.stop();
    let daemon = world.machine.start_in(|daemon| within("ulimit -n 64", &daemon));
    world.synced();
    world.machine.jottad(["status"]).expect(0).says("only 64 files may be open at once").says("LimitNOFILE");
    world.machine.jottad(["doctor"]).expect(1).says("64 may be open at once");
    daemon.stop();
}

#[test]
fn where_the_system_gives_no_events_doctor_says_how_to_mend_it() {
    if crate::stage::is_missing("unshare", &["unshare", "--user", "--map-root-user", "true"]) {
        return;
    }
    let world = World::new();
    let daemon = world.machine.start_in(|command| {
        let script = "echo 0 > /proc/sys/user/max_inotify_instances";
        let inside = within(script, &command);
        let mut outside = std::process::Command::new("unshare");
        outside
            .args(["--user", "--map-root-user"])
            .arg(inside.get_program())
            .args(inside.get_args())
            .env_clear();
        outside.envs(inside.get_envs().filter_map(|(name, value)| Some((name, value?))));
        outside
    });
    world.sync(0);
    let folder = world.machine.status()["folders"][0].clone();
    assert_eq!(folder["watching"]["polled_directories"], 1, "{folder}");
    let outcome = world.machine.jottad(["doctor"]).expect(1);
    outcome.says("polled instead of watched").says("sudo sysctl -w fs.inotify.max_user_instances=");
    daemon.stop();
}

#[test]
fn what_does_not_run_is_left_out_of_no_answer_without_a_word() {
    let world = with_pictures("mode = \"mirror\"\n");
    let daemon = assert_only_pictures_are_held(&world, "mirror");
    world.machine.jottad(["held"]).expect(HELD).says("pics: ").says("mirror");
    for (command, code) in [("problems", WORKING), ("conflicts", 0), ("plan", HELD)] {
        let answer = world.machine.jottad([command]).expect(code);
        answer.says("pics: not known, as it does not run (held): ").says("mirror");
    }
    daemon.stop();
}

#[test]
fn what_travelled_is_forgotten_when_there_is_nothing_left_to_do() {
    let world = World::new();
    world.write("first.bin", vec![1; 1000]);
    let daemon = world.start();
    world.synced();
    world.service.spoil("upload", Effect::Hang);
    world.write("second.bin", vec![2; 1 << 20]);
    wait_until("a file travels", || {
        world.machine.status()["folders"][0]["transfers"] != serde_json::json!([])
    });
    let pending = world.machine.status()["folders"][0]["pending"].clone();
    assert_eq!(pending["done_files"], 0, "{pending}");
    world.service.clear_faults();
    daemon.kill();
}

#[test]
fn a_pass_leaves_the_local_trash_alone_because_it_cannot_know_its_clock() {
    let world = World::configured("mode = \"sync\"");
    let old = world.path(".jottad/trash/2020-01-01T0000Z");
    fs::create_dir_all(old.join("letters")).unwrap();
    world.pass(0);
    assert!(old.exists());
}

#[test]
fn the_only_folder_is_held_too_if_it_is_wrong_and_goes_on_once_it_is_mended() {
    let world = World::configured("mode = \"archive\"");
    world.write("a.txt", "one");
    let right = fs::read_to_string(world.machine.config()).unwrap();
    let line = 1 + right.lines().position(|line| line.contains("archive\"")).unwrap();
    fs::write(world.machine.config(), right.replace("\"archive\"", "\"archve\"")).unwrap();
    let at = format!(":{line}: folder \"docs\": mode: \"archve\"");
    let is_told = |with_daemon: bool| {
        let status = world.machine.jottad(["status"]).expect(HELD);
        assert!(status.stdout.contains("–") && !status.stdout.contains('↔'), "{status}");
        status.says(&at).says("jottad folder set docs mode=VALUE");
        world.machine.jottad(["held"]).expect(HELD).says(&at).says("jottad folder set docs mode=VALUE");
        world.machine.jottad(["problems"]).expect(5).says(&at);
        let why = world.machine.jottad(["why", "docs/a.txt"]).expect(HELD).complains(&at);
        why.complains("jottad folder set docs mode=VALUE");
        let list = world.machine.jottad(["folder", "list"]).expect(USAGE).complains(&at);
        list.complains("jottad folder set docs mode=VALUE").complains("backup, sync, archive or pull");
        if with_daemon {
            world.sync(HELD).says(&at);
        }
    };
    is_told(false);
    let pass = world.pass(USAGE).complains(&at);
    pass.complains("jottad folder set docs mode=VALUE").complains("jottad folder remove docs");
    let daemon = world.start();
    is_told(true);
    world.machine.jottad(["folder", "set", "docs", "mode=archive"]).expect(0);
    world.sync(0);
    assert!(world.service.has("Jotta/Archive/docs/a.txt"));
    daemon.stop();
}

/// Runs a command whose output is closed after its first line at the latest; tells its exit code.
fn code_without_reader(world: &World, arguments: &[&str]) -> Option<i32> {
    let mut command = world.machine.command(arguments);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    drop(child.stdout.take());
    child.wait().unwrap().code()
}

#[test]
fn the_verdict_is_the_exit_code_whoever_reads() {
    let world = World::new();
    world.write("a\u{1}.txt", "one");
    world.write("large.bin", "two");
    world.pass(0);
    world.service.set_locks(false, true);
    world.write("new.txt", "waits");
    assert_eq!(code_without_reader(&world, &["run", "--once"]), Some(6));
    assert_eq!(code_without_reader(&world, &["status"]), Some(6));
    assert_eq!(code_without_reader(&world, &["status", "--json"]), Some(6));
    assert_eq!(code_without_reader(&world, &["problems"]), Some(6));
    let daemon = world.start();
    assert_eq!(code_without_reader(&world, &["sync", "--wait"]), Some(6));
    // What shows something for ever ends with its reader.
    assert_eq!(code_without_reader(&world, &["log", "-f"]), Some(0));
    daemon.stop();
}

#[test]
fn a_paused_folder_is_said_to_be_paused_once() {
    let world = World::new();
    world.write("a.txt", "one");
    world.pass(0);
    world.machine.jottad(["pause"]).expect(0);
    let status = world.machine.jottad(["status"]).expect(PAUSED);
    let line = status.stdout.lines().find(|line| line.starts_with("docs")).unwrap();
    assert_eq!(line.matches("paused").count(), 1, "{line}");
    assert!(line.contains("paused until `jottad resume`"), "{line}");
}

#[test]
fn a_service_that_answers_nonsense_to_everything_is_offline_to_every_command() {
    for effect in [Effect::status(500), Effect::Garbage] {
        let world = World::new();
        world.service.add_fault(Fault::always(Matching::any(), effect));
        for command in [&["ls", "Jotta/Archive"][..], &["account"]] {
            let outcome = world.machine.jottad(command);
            assert_eq!(outcome.code, Some(8), "{outcome}");
        }
    }
}
