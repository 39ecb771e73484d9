//! How the last run ended is told for as long as nothing runs: a status without a daemon is no better than what
//! the run before it came to.

use std::fs;
use std::sync::Arc;

use crate::stage::{Machine, Service, World, wait_until};

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
    world.settle();
    world.machine.jottad(["status"]).expect(IN_SYNC).says("skipped: 1 ignored, 1 link");
    let skipped = world.machine.status()["folders"][0]["skipped"].clone();
    assert_eq!((&skipped["rules"], &skipped["links"]), (&1.into(), &1.into()), "{skipped}");
}
