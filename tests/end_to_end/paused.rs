//! Pauses where nothing runs and while files travel, and what is watched while nothing runs.

use std::io::{BufRead as _, BufReader};
use std::thread;
use std::time::{Duration, Instant};

use jottad_emulator::Effect;
use serde_json::Value;

use crate::stage::{Running, World, wait_until};

#[test]
fn a_pause_without_a_daemon_is_kept_by_whatever_runs_next() {
    let world = World::new();
    world.write("a.txt", "one");
    world.settle();
    world
        .machine
        .jottad(["pause"])
        .expect(0)
        .says("paused until `jottad resume`: docs")
        .says("no daemon is running: whatever runs next keeps to the pause");
    world.write("b.txt", "two");
    world.machine.jottad(["status"]).expect(10).says("paused until `jottad resume`");
    let asked = world.service.changes().len();
    world.pass(10).says("paused until `jottad resume`").says("go on with: jottad resume");
    assert_eq!(world.service.changes().len(), asked, "a paused folder was worked on");
    let daemon = world.start();
    wait_until("the daemon keeps to it", || world.machine.status()["verdict"] == "paused");
    daemon.stop();
    let resumed = world.machine.jottad(["resume", "docs", "--json"]).expect(0).json();
    assert_eq!((&resumed["folders"][0], &resumed["noted"]), (&"docs".into(), &true.into()));
    world.machine.jottad(["resume"]).expect(0).says("go on now with `jottad run --once`");
    world.settle();
    assert!(world.service.has("Jotta/Archive/docs/b.txt"));
}

/// Once, the plan of a paused folder said that there was nothing to do while changes waited.
#[test]
fn the_plan_of_a_paused_folder_says_that_changes_wait() {
    let world = World::new();
    world.write("a.txt", "one");
    let daemon = world.start();
    world.synced();
    world.machine.jottad(["plan"]).expect(0).says("docs: nothing to do");
    world.machine.jottad(["pause"]).expect(0);
    world.write("b.txt", "two");
    wait_until("the change is heard of", || world.machine.status()["folders"][0]["unseen_directories"] == 1);
    let plan = world.machine.jottad(["plan"]).expect(0);
    let plan = plan.says("docs: paused until `jottad resume`, changes in 1 directory wait");
    assert!(!plan.stdout.contains("docs: nothing to do"), "{plan}");
    let plan = world.machine.jottad(["plan", "--json"]).expect(0).json();
    let folder = &plan["folders"][0];
    assert_eq!((&folder["unseen_directories"], &folder["verdict"]), (&1.into(), &"paused".into()), "{plan}");
    assert!(folder["paused"].is_object(), "{plan}");
    world.machine.jottad(["resume"]).expect(0);
    world.synced();
    world.machine.jottad(["plan"]).expect(0).says("docs: nothing to do");
    daemon.stop();
}

#[test]
fn what_is_not_paused_is_not_said_to_go_on() {
    let world = World::new();
    world.write("a.txt", "one");
    world.settle();
    world.machine.jottad(["resume"]).expect(0).says("was not paused: docs");
    let daemon = world.start();
    world.synced();
    world.machine.jottad(["resume", "docs"]).expect(0).says("was not paused: docs");
    world.machine.jottad(["pause"]).expect(0);
    world.machine.jottad(["resume", "docs"]).expect(0).says("not paused any more: docs");
    daemon.stop();
}

#[test]
fn a_folder_is_paused_before_its_first_run() {
    let world = World::new();
    world.write("a.txt", "one");
    world.machine.jottad(["resume", "docs"]).expect(0);
    world.machine.jottad(["pause", "docs", "2h"]).expect(0).says("paused for 2 h: docs");
    world.machine.jottad(["status"]).expect(10).says("paused until 2").says("never compared");
    world.pass(10);
    assert!(world.remote_paths().is_empty());
    world.machine.jottad(["resume", "docs"]).expect(0);
    let status = world.machine.jottad(["status"]).expect(5).says("never compared");
    assert!(!status.stdout.contains("looking"), "nobody looks: {status}");
    world.settle();
    world.machine.jottad(["pause", "nothing"]).expect(2).complains("no folder is called");
}

#[test]
fn without_a_login_ever_nothing_need_be_paused() {
    let world = World::new();
    std::fs::remove_dir_all(world.machine.state()).unwrap();
    world.machine.jottad(["pause"]).expect(4).complains("nobody has logged in").complains("jottad login");
    world.machine.jottad(["resume"]).expect(0);
}

#[test]
fn a_pause_that_is_over_is_not_told_any_more() {
    let world = World::new();
    world.write("a.txt", "one");
    world.settle();
    world.machine.jottad(["pause", "1s"]).expect(0);
    wait_until("it is over", || world.machine.status()["verdict"] == "in_sync");
    world.write("b.txt", "two");
    world.settle();
}

/// The lines of a command in progress, one after the other.
fn lines(running: &mut Running) -> impl Iterator<Item = String> + use<> {
    BufReader::new(running.printed()).lines().map(Result::unwrap)
}

#[test]
fn a_status_that_is_watched_goes_on_when_a_daemon_starts_and_ends() {
    let world = World::new();
    world.write("a.txt", "one");
    world.settle();
    let mut watching = Running::start(world.machine.command(["status", "--watch", "--json"]));
    let mut complaints = watching.complaints();
    let mut statuses = lines(&mut watching).map(|line| serde_json::from_str::<Value>(&line).unwrap());
    let mut sees = |is_daemon: bool, verdict: &str| {
        let is_so = |status: &Value| status["daemon"] == is_daemon && status["verdict"] == verdict;
        let is_seen = statuses.any(|status| is_so(&status));
        let mut told = String::new();
        if !is_seen {
            std::io::Read::read_to_string(&mut complaints, &mut told).unwrap();
        }
        assert!(is_seen, "daemon {is_daemon}, {verdict}: {told}");
    };
    sees(false, "in_sync");
    world.machine.jottad(["pause"]).expect(0);
    sees(false, "paused");
    world.machine.jottad(["resume"]).expect(0);
    let daemon = world.start();
    sees(true, "in_sync");
    daemon.stop();
    sees(false, "in_sync");
    assert!(!watching.reap());
}

#[test]
fn a_history_that_is_followed_goes_on_when_a_daemon_starts_and_ends() {
    let world = World::new();
    world.write("a.txt", "one");
    world.write("b.txt", "one");
    world.settle();
    let mut following = Running::start(world.machine.command(["log", "-f", "-n", "1", "--json"]));
    let mut paths = lines(&mut following).map(|line| {
        let line: Value = serde_json::from_str(&line).unwrap();
        line["path"].as_str().unwrap().to_owned()
    });
    assert!(["a.txt", "b.txt"].contains(&paths.next().unwrap().as_str()), "one of what was done before");
    let daemon = world.start();
    world.write("c.txt", "two");
    world.synced();
    assert_eq!(paths.next().unwrap(), "c.txt");
    daemon.stop();
    world.write("d.txt", "three");
    world.settle();
    assert_eq!(paths.next().unwrap(), "d.txt");
    assert!(!following.reap());
}

const SIZE: usize = 6 << 20;
const HALF: u64 = SIZE as u64 / 2;
/// So soon what travels must have ended.
const SOON: Duration = Duration::from_secs(2);

fn big() -> Vec<u8> {
    (0..251_u8).flat_map(|byte| [byte; 3]).cycle().take(SIZE).collect()
}

/// Pauses while a file travels: it ends, and waits, and nothing but that is said of it.
fn pause_while_it_travels(world: &World, bytes: impl Fn() -> u64, waiting: &str) {
    wait_until("a part of it has travelled", || bytes() > HALF / 4);
    world.machine.jottad(["pause"]).expect(0);
    let began = Instant::now();
    let mut status = Value::Null;
    wait_until("it has ended", || {
        status = world.machine.status();
        status["folders"][0]["transfers"].as_array().is_some_and(Vec::is_empty)
    });
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    let folder = &status["folders"][0];
    assert_eq!((&folder["verdict"], &folder["problems"]), (&"paused".into(), &0.into()), "{folder:#}");
    let pending = &folder["pending"];
    assert_eq!((&pending[waiting], &pending["bytes"]), (&1.into(), &SIZE.into()), "{folder:#}");
    assert_eq!((&pending["bytes_per_second"], &pending["seconds_left"]), (&Value::Null, &Value::Null));
    let told = world.machine.jottad(["status"]).expect(10).says("paused until `jottad resume`");
    assert!(!told.stdout.contains(" left") && !told.stdout.contains("/s"), "{told}");
    // What the connection had taken by then has arrived.
    let mut before = 0;
    wait_until("its bytes stand still", || {
        thread::sleep(Duration::from_millis(500));
        std::mem::replace(&mut before, bytes()) == bytes()
    });
    assert!(before < 2 * HALF, "it travelled to its end: {before}");
    assert!(world.problems().is_empty());
    let failed = world.machine.jottad(["log", "--failed", "--json"]).expect(0);
    assert_eq!(failed.stdout, "", "an interruption is no failure");
    world.machine.jottad(["resume"]).expect(0);
}

#[test]
fn a_pause_ends_an_upload_and_it_goes_on_where_it_was() {
    let world = World::configured("\n[transfer]\nupload_limit = \"1 MiB\"\nresume_limit = \"1 MiB\"");
    world.write("a.txt", "one");
    let daemon = world.start();
    world.synced();
    world.service.reset_counters();
    world.write("big", big());
    let bytes = || world.service.counters().bytes_in;
    pause_while_it_travels(&world, bytes, "uploads");
    world.synced();
    assert_eq!(world.service.content("Jotta/Archive/docs/big").unwrap(), big());
    assert!(bytes() < 2 * HALF + (1 << 20), "it began anew: {}", bytes());
    daemon.stop();
}

#[test]
fn a_pause_ends_a_download_and_it_is_fetched_after_it() {
    let world = World::configured("mode = \"pull\"\npoll = \"1s\"\n\n[transfer]\ndownload_limit = \"1 MiB\"");
    std::fs::write(world.machine.home().join("big"), big()).unwrap();
    world.machine.jottad(["put", "big", "Jotta/Archive/docs/big"]).expect(0);
    world.service.reset_counters();
    let daemon = world.start();
    pause_while_it_travels(&world, || world.service.counters().bytes_out, "downloads");
    assert!(!world.path("big").exists(), "a part of it has its place");
    world.sync(0);
    assert_eq!(std::fs::read(world.path("big")).unwrap(), big());
    daemon.stop();
}

#[test]
fn an_order_for_a_folder_that_is_being_started_is_heard_once_it_has() {
    let world = World::new();
    world.settle();
    // The daemon has to ask whose login it is, and the answer takes a while.
    std::fs::remove_file(world.machine.state().join("account.json")).unwrap();
    world.service.spoil("customer", Effect::Delay { milliseconds: 1500 });
    let daemon = world.start();
    world.machine.jottad(["pause"]).expect(0).says("paused until `jottad resume`: docs");
    world.machine.jottad(["status"]).expect(10);
    daemon.stop();
    let daemon = world.start();
    world.machine.jottad(["resume"]).expect(0).says("not paused any more: docs");
    daemon.stop();
}
