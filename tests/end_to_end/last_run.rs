//! How the last run ended is told for as long as nothing runs: a status without a daemon is no better than
//! what the run before it came to.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jottad_emulator::Effect;

use crate::stage::{Machine, Running, Service, World, wait_until};

const IN_SYNC: i32 = 0;
const LOGIN_NEEDED: i32 = 4;
const WORKING: i32 = 5;
const HELD: i32 = 7;
const OFFLINE: i32 = 8;

/// What the three ways of asking for the status say and exit with.
#[track_caller]
fn assert_told(world: &World, code: i32, verdict: &str, reason: &str, remedy: &str) {
    let machine = &world.machine;
    machine.jottad(["status"]).expect(code).says(reason).says(remedy).says("as of the last run");
    machine.jottad(["status", "--line"]).expect(code).says(reason).says(remedy).says("no daemon is running");
    let status = machine.jottad(["status", "--json"]).expect(code).json();
    assert_eq!(status["verdict"], verdict, "{status:#}");
    let text = status.to_string();
    assert!(text.contains(reason) && text.contains(remedy), "{status:#}");
}

/// Once, "all done" was said of what a killed run had left, as long as no file was to travel.
#[test]
fn a_time_that_a_killed_daemon_has_not_set_yet_is_not_finished() {
    let world = World::new();
    world.write("a.txt", "one");
    world.settle();
    for endpoint in ["cphash", "allocate"] {
        world.service.spoil(endpoint, Effect::Hang);
    }
    let daemon = world.start();
    world.sync(0);
    world.service.reset_counters();
    let file = File::options().write(true).open(world.root.join("a.txt")).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_hours(2)).unwrap();
    let is_asked = || ["cphash", "allocate"].into_iter().any(|name| world.service.asked(name) > 0);
    wait_until("the time is being set", is_asked);
    daemon.kill();
    let told = world.machine.jottad(["status"]).expect(WORKING).says("not finished").says("1 time to set");
    assert!(!format!("{told:?}").contains("all done"), "{told:?}");
    let status = world.machine.jottad(["status", "--json"]).expect(WORKING).json();
    assert_eq!(
        (&status["folders"][0]["settled"], &status["folders"][0]["pending"]["times"]),
        (&false.into(), &1.into())
    );
    world.service.clear_faults();
    world.settle();
    world.machine.jottad(["status"]).expect(IN_SYNC);
}

#[test]
fn a_root_that_a_pass_did_not_find_is_told_by_the_status_until_a_pass_finds_it() {
    let world = World::new();
    world.write("a.txt", "one");
    world.settle();
    let away = world.machine.home().join("docs.away");
    fs::rename(&world.root, &away).unwrap();
    world.pass(HELD);
    assert_told(&world, HELD, "held", "the folder's root is not there", "jottad ");
    world.machine.jottad(["held"]).expect(HELD).says("the folder's root is not there");
    fs::rename(&away, &world.root).unwrap();
    assert_told(&world, HELD, "held", "the folder's root is not there", "jottad ");
    world.settle();
    world.machine.jottad(["status"]).expect(IN_SYNC);
}

#[test]
fn a_login_that_a_pass_found_to_be_ended_is_told_until_somebody_logs_in() {
    let world = World::new();
    world.write("a.txt", "one");
    world.settle();
    world.service.revoke_sessions();
    world.service.expire_access_tokens();
    world.pass(LOGIN_NEEDED);
    assert_told(&world, LOGIN_NEEDED, "login_needed", "the service ended the login", "jottad login");
    world.log_in();
    // Not within the same second.
    let account = File::options().write(true).open(world.machine.state().join("account.json")).unwrap();
    account.set_modified(SystemTime::now() + Duration::from_secs(5)).unwrap();
    // Nothing was compared since, and what the old login came to is not what is wrong now.
    let status = world.machine.jottad(["status"]).expect(WORKING);
    assert!(!status.stdout.contains("ended the login"), "{status}");
    status.says("somebody has logged in since the last run").says("jottad run --once");
    world.settle();
    world.machine.jottad(["status"]).expect(IN_SYNC);
}

#[test]
fn a_daemon_that_ended_without_the_service_leaves_word_of_that() {
    let mut world = World::of(Machine::new(), Service::start(), "poll = \"1s\"");
    world.write("a.txt", "one");
    let daemon = world.start();
    world.synced();
    Arc::get_mut(&mut world.service).unwrap().go_offline();
    wait_until("it is said", || world.machine.status()["verdict"] == "offline");
    daemon.stop();
    assert_told(&world, OFFLINE, "offline", "cannot connect", "jottad run --once");
    Arc::get_mut(&mut world.service).unwrap().go_online();
    world.settle();
    world.machine.jottad(["status"]).expect(IN_SYNC);
}

#[test]
fn a_first_pass_that_failed_is_told_too() {
    let world = World::new();
    world.service.revoke_sessions();
    world.service.expire_access_tokens();
    world.pass(LOGIN_NEEDED);
    assert_told(&world, LOGIN_NEEDED, "login_needed", "the service ended the login", "jottad login");
}

#[test]
fn what_a_pass_left_out_on_purpose_is_counted_where_nothing_runs() {
    let world = World::configured("ignore = [\"*.log\"]");
    world.write("a.txt", "one");
    world.write("a.log", "is ignored");
    std::os::unix::fs::symlink("a.txt", world.path("link")).unwrap();
    world.pass(IN_SYNC);
    world.machine.jottad(["status"]).expect(IN_SYNC).says("skipped: 1 ignored, 1 link");
    let skipped = world.machine.status()["folders"][0]["skipped"].clone();
    assert_eq!((&skipped["rules"], &skipped["links"]), (&1.into(), &1.into()), "{skipped}");
}

#[test]
fn questions_say_that_the_answer_is_of_the_last_run_where_nothing_runs() {
    let world = World::new();
    let machine = &world.machine;
    machine.jottad(["log"]).expect(0).complains("nothing was done yet").complains("there was no run yet");
    world.write("a.txt", "one");
    world.settle();
    let questions: [&[&str]; 5] =
        [&["problems"], &["held"], &["conflicts"], &["why", "docs/a.txt"], &["log"]];
    for question in questions {
        let answer = machine.jottad(question).expect(0);
        let remark = "no daemon is running: this is as of the last run\n";
        assert_eq!(answer.stderr.matches(remark).count(), 1, "{answer}");
        assert!(!answer.stdout.contains("last run"), "{answer}");
        let json = machine.jottad([question, &["--json"]].concat()).expect(0);
        assert_eq!(json.stderr, "", "{json}");
    }
    machine.jottad(["log", "--failed"]).expect(0).complains("nothing of that kind was done");
    let daemon = world.start();
    world.synced();
    for question in questions {
        let answer = machine.jottad(question).expect(0);
        assert_eq!(answer.stderr, "", "{answer}");
    }
    daemon.stop();
}

#[test]
fn nothing_is_being_tried_where_nothing_runs() {
    let world = World::of(Machine::unprivileged(), Service::start(), "");
    world.write("secret", "unreadable");
    world.machine.hand_over(&world.root);
    fs::set_permissions(world.path("secret"), Permissions::from_mode(0o000)).unwrap();
    world.pass(6);
    let problems = world.machine.jottad(["problems"]).expect(6).says("secret");
    assert!(!problems.stdout.contains("being tried") && !problems.stdout.contains("again at"), "{problems}");
    problems.says("tried again by the next run");
}

#[test]
fn a_machine_without_a_folder_does_not_say_that_it_works() {
    let world = World::new();
    fs::write(world.machine.config(), world.service_section()).unwrap();
    let status = world.machine.jottad(["status"]).expect(WORKING).says("no folder is configured");
    assert!(!status.stdout.contains("working"), "{status}");
}

#[test]
fn a_pause_of_no_length_is_refused() {
    let world = World::new();
    for arguments in [&["pause", "0h"][..], &["pause", "docs", "0s"]] {
        world.machine.jottad(arguments).expect(2).complains("no length").complains("jottad pause 2h");
    }
    assert!(world.machine.status()["folders"][0]["paused"].is_null());
}

#[test]
fn a_verification_says_only_of_the_service_what_it_has_asked() {
    let mut world = World::of(Machine::new(), Service::start(), "");
    world.write("a.txt", "one");
    world.settle();
    // It stops where a person has stopped the folder.
    world.machine.jottad(["pause"]).expect(0);
    let paused =
        world.machine.jottad(["verify"]).expect(10).says("nothing was read again").says("it is paused");
    assert!(!paused.stdout.contains("holding what was synced"), "{paused}");
    world.machine.jottad(["resume"]).expect(0);
    Arc::get_mut(&mut world.service).unwrap().go_offline();
    let offline = world.machine.jottad(["verify"]).expect(OFFLINE).complains("offline");
    assert!(!offline.stdout.contains("the service has the same"), "{offline}");
    offline
        .says("1 file (3 B) read again")
        .says("it was not compared with the service")
        .says("cannot connect");
    Arc::get_mut(&mut world.service).unwrap().go_online();
    // Where it ended well nothing goes on any more.
    let verified = world.machine.jottad(["verify"]).expect(0).says("and the service has the same");
    assert!(!verified.stdout.contains("under way") && !verified.stdout.contains("looked for"), "{verified}");
    verified.says("no daemon is running: this was one pass");
}

#[test]
fn a_verification_goes_on_by_itself_when_the_pass_that_ran_has_ended() {
    let world = World::new();
    world.fill("tree", 5, 10);
    world.service.spoil("allocate", Effect::Delay { milliseconds: 200 });
    let pass = Running::start(world.machine.command(["run", "--once"]));
    wait_until("the pass answers", || world.machine.status()["pid"].is_number());
    let verifying = Running::start(world.machine.command(["verify"]));
    pass.end().expect(0);
    verifying.end().expect(0).says("read again").says("in sync");
}

#[test]
fn a_state_directory_that_one_may_not_use_is_said_to_be_that() {
    let world = World::of(Machine::unprivileged(), Service::start(), "");
    world.write("a.txt", "one");
    world.machine.hand_over(&world.root);
    world.settle();
    let state = world.machine.state();
    let mode = fs::metadata(&state).unwrap().permissions();
    fs::set_permissions(&state, Permissions::from_mode(0o000)).unwrap();
    for command in [&[][..], &["status"], &["problems"], &["run", "--once"], &["ls", "Jotta"], &["doctor"]] {
        let outcome = world.machine.jottad(command).expect(1);
        let said = format!("{}{}", outcome.stdout, outcome.stderr);
        let state = state.to_str().unwrap();
        assert!(said.contains(state) && said.contains("Permission denied"), "{outcome}");
        assert!(said.contains("sudo chown -R"), "{outcome}");
    }
    fs::set_permissions(&state, mode).unwrap();
    let config = world.machine.config();
    let directory = config.parent().unwrap();
    fs::set_permissions(directory, Permissions::from_mode(0o555)).unwrap();
    let refused = world.machine.jottad(["folder", "set", "docs", "mode=archive"]).expect(1);
    assert!(!refused.stderr.contains(".tmp"), "{refused}");
    refused.complains(config.to_str().unwrap()).complains("hint: let the user that runs jottad");
    fs::set_permissions(directory, Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&config, Permissions::from_mode(0o000)).unwrap();
    world.machine.jottad(["status"]).expect(2).complains("hint: let the user that runs jottad");
}

/// Once, the history was asked for less cleverly than `why` is.
#[test]
fn the_history_and_the_local_trash_find_a_path_as_why_does() {
    let world = World::configured("mode = \"sync\"");
    world.write("dir/a.txt", "one");
    world.pass(0);
    std::os::unix::fs::symlink("docs", world.machine.home().join("link")).unwrap();
    for (path, lines) in [
        ("docs/../docs/dir/a.txt", 1),
        ("link/dir/a.txt", 1),
        ("link/dir", 2),
        ("link", 3),
        ("docs/dir/../dir", 2),
        ("dir/a.txt", 1),
    ] {
        let log = world.machine.jottad(["log", "--path", path]).expect(0);
        assert_eq!(log.stdout.lines().count(), lines, "{path}: {log}");
        if path != "dir/a.txt" {
            world.machine.jottad(["why", path]).expect(0).says("in docs: in sync");
        }
    }
    world.machine.jottad(["log", "--path", "../elsewhere"]).expect(2).complains("is in no folder");
    let missing = ["trash", "restore", "--local", "link/../docs/dir/a.txt"];
    world.machine.jottad(missing).expect(1).complains("is not in the local trash");
}
