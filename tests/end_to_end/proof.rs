//! "In sync" is said only when it is so, and status tells as of when that is known.

use std::fs;
use std::time::{Duration, Instant};

use jottad_emulator::Act;
use serde_json::Value;

use crate::stage::{World, wait_until};

/// A listing that begins so long after a change cannot be too late to show it, and a bit longer.
const STALENESS_WINDOW: Duration = Duration::from_secs(23);

/// A world whose daemon is not told of changes; `more` follows the `[[folder]]` table.
fn untold(more: &str) -> World {
    let world = World::new();
    configure(&world, "events = false", "~/docs", more);
    world
}

fn configure(world: &World, service: &str, local: &str, more: &str) {
    let text = format!(
        "{}{service}\n[[folder]]\nname = \"docs\"\nlocal = \"{local}\"\nremote = \"Jotta/Archive/docs\"\n\
         settle = \"50ms\"\n{more}\n",
        world.service_section().trim_end().to_owned() + "\n"
    );
    fs::write(world.machine.config(), text).unwrap();
}

fn folder(world: &World) -> Value {
    world.machine.status()["folders"][0].clone()
}

#[test]
fn a_folder_that_others_delete_is_missed_although_the_stamp_stays() {
    let world = untold("poll = \"1s\"");
    world.fill("tree", 2, 3);
    let daemon = world.start();
    world.synced();
    // Deletes do not move the mountpoint's stamp.
    world.service.does(Act::delete("Jotta/Archive/docs/tree/d00"));
    wait_until("it is sent again", || world.service.has("Jotta/Archive/docs/tree/d00/f02"));
    world.synced();
    daemon.stop();
}

#[test]
fn what_others_do_right_after_our_own_work_is_seen() {
    let world = untold("poll = \"1s\"");
    world.fill("tree", 1, 3);
    let daemon = world.start();
    world.synced();
    world.write("mine.txt", "mine");
    wait_until("it was sent", || world.service.has("Jotta/Archive/docs/mine.txt"));
    world.service.does(Act::put("Jotta/Archive/docs/tree/d00/f00", b"overwritten by another device"));
    world.service.does(Act::delete("Jotta/Archive/docs/tree/d00/f01"));
    wait_until("it is put right", || {
        let local = crate::stage::Tree::on_disk(&world.root);
        local == crate::stage::Tree::on_service(&world.service, crate::stage::REMOTE)
    });
    daemon.stop();
}

#[test]
fn a_backup_hears_of_what_others_do() {
    let world = World::configured("poll = \"6h\"\nproof = \"6h\"");
    world.write("a.txt", "mine");
    let daemon = world.start();
    wait_until("it listens", || world.service.event_streams() == 1);
    world.synced();
    world.service.does(Act::delete("Jotta/Archive/docs/a.txt"));
    wait_until("it is sent again", || world.service.has("Jotta/Archive/docs/a.txt"));
    daemon.stop();
}

#[test]
fn our_own_work_is_no_proof_but_events_with_a_stamp_are() {
    let world = untold("poll = \"1s\"\nproof = \"1h\"");
    world.write("a.txt", "one");
    let daemon = world.start();
    world.synced();
    let proven = folder(&world)["proven_at"].clone();
    assert!(proven.is_string());
    world.machine.jottad(["status"]).expect(0).says("others' changes are looked for every 1 h");
    world.write("b.txt", "two");
    wait_until("it was sent", || world.service.has("Jotta/Archive/docs/b.txt"));
    let asked = world.service.asked("device");
    wait_until("the stamp was read a few times", || world.service.asked("device") >= asked + 3);
    // All is done, and what others did meanwhile is not known.
    wait_until("it is done", || folder(&world)["settled"] == true);
    assert_eq!((&folder(&world)["verdict"], &folder(&world)["proven_at"]), (&"working".into(), &proven));
    world.machine.jottad(["status"]).expect(5).says("all done, last compared ");
    assert_eq!(folder(&world)["heard"], "polls");

    configure(&world, "events = true", "~/docs", "poll = \"1s\"\nproof = \"1h\"");
    daemon.signal(rustix::process::Signal::HUP);
    wait_until("it listens", || folder(&world)["heard"] == "events");
    // The connection has no memory, so the proof begins with a listing that is so much newer that it cannot
    // have been late.
    let listened = Instant::now();
    wait_until("a listing shows all that came before", || listened.elapsed() > STALENESS_WINDOW);
    world.synced();
    let proven = folder(&world)["proven_at"].as_str().unwrap().to_owned();
    let listed = world.service.asked("liststream");
    wait_until("the proof is renewed", || folder(&world)["proven_at"].as_str() > Some(proven.as_str()));
    assert_eq!(world.service.asked("liststream"), listed);
    daemon.stop();
}

/// A world in sync whose root is `~/a/docs`.
fn nested() -> World {
    let world = World::new();
    configure(&world, "", "~/a/docs", "poll = \"1s\"");
    let home = world.machine.home();
    fs::create_dir_all(home.join("a/docs")).unwrap();
    for number in 0..3 {
        fs::write(home.join(format!("a/docs/f{number}.txt")), format!("{number}")).unwrap();
    }
    world
}

#[track_caller]
fn assert_held(world: &World) {
    wait_until("it is held", || folder(world)["verdict"] == "held");
    let status = world.machine.jottad(["status"]).expect(7);
    status.says("jottad folder set docs local=");
    let proven = folder(world)["proven_at"].clone();
    let asked = world.service.counters().requests;
    std::thread::sleep(std::time::Duration::from_millis(2_500));
    assert_eq!(folder(world)["proven_at"], proven, "nothing is proven of a root that is elsewhere");
    assert!(world.service.counters().requests <= asked + 1, "nothing is done for it");
}

#[test]
fn a_root_that_went_with_a_directory_above_it_is_held_and_comes_back() {
    let world = nested();
    let home = world.machine.home();
    let daemon = world.start();
    world.sync(0);
    fs::rename(home.join("a"), home.join("b")).unwrap();
    assert_held(&world);
    fs::write(home.join("b/docs/f0.txt"), "edited meanwhile").unwrap();
    fs::rename(home.join("b"), home.join("a")).unwrap();
    world.sync(0);
    assert_eq!(
        world.machine.jottad(["cat", "Jotta/Archive/docs/f0.txt"]).expect(0).stdout,
        "edited meanwhile"
    );
    daemon.stop();
}

#[test]
fn another_tree_in_place_of_the_one_above_the_root_is_held() {
    let world = nested();
    let home = world.machine.home();
    let daemon = world.start();
    world.sync(0);
    fs::create_dir_all(home.join("other/docs")).unwrap();
    fs::write(home.join("other/docs/f0.txt"), "another").unwrap();
    fs::rename(home.join("a"), home.join("old")).unwrap();
    fs::rename(home.join("other"), home.join("a")).unwrap();
    assert_held(&world);
    assert_eq!(world.machine.jottad(["cat", "Jotta/Archive/docs/f0.txt"]).expect(0).stdout, "0");
    daemon.stop();
}

#[test]
fn a_folder_that_is_polled_is_no_more_in_step_than_when_it_was_looked_at_last() {
    let world = World::configured("watch = \"poll\"\nproof = \"3s\"");
    world.write("a.txt", "one");
    let daemon = world.start();
    world.synced();
    let before = world.machine.status()["folders"][0]["proven_at"].as_str().unwrap().to_owned();
    // The watcher itself would look after a minute.
    world.write("b.txt", "nobody tells of it");
    let mut folder = Value::Null;
    wait_until("it is proven anew", || {
        folder = world.machine.status()["folders"][0].clone();
        folder["verdict"] == "in_sync" && folder["proven_at"].as_str().unwrap() > before.as_str()
    });
    // Both are told in whole seconds, so only that there was a look since can be told.
    assert!(folder["local_checked_at"].as_str().unwrap() > before.as_str(), "{folder}");
    wait_until("it is sent", || world.service.has("Jotta/Archive/docs/b.txt"));
    daemon.stop();
}

#[test]
fn after_an_edit_in_sync_is_said_only_with_a_proof_that_is_newer() {
    // Whether the service tells of changes, and what is said of how others' changes are noticed.
    for (is_told, proof) in [(true, "auto"), (false, "auto"), (false, "15s")] {
        let world = World::new();
        configure(&world, &format!("events = {is_told}"), "~/docs", &format!("proof = \"{proof}\""));
        world.write("a.txt", "one");
        let daemon = world.start();
        world.synced();
        // What is written now is newer than the proof in whole seconds, too.
        let before = folder(&world)["proven_at"].as_str().unwrap().to_owned();
        std::thread::sleep(Duration::from_millis(1_100));
        let written = world.machine.status()["folders"][0]["proven_at"].as_str().unwrap().to_owned();
        assert_eq!(written, before);
        world.write("a.txt", "edited");
        let mut said = Vec::new();
        wait_until("the verdict is in sync with the edit", || {
            let is_sent = world.service.at("Jotta/Archive/docs/a.txt").size == Some(6);
            let folder = folder(&world);
            said.push((is_sent, folder["verdict"].as_str().unwrap().to_owned(), folder["proven_at"].clone()));
            is_sent && folder["verdict"] == "in_sync"
        });
        let (_, _, proven) = said.last().unwrap();
        assert!(proven.as_str().unwrap() > before.as_str(), "told {is_told}, proof {proof}: {said:?}");
        daemon.stop();
    }
}

/// Adds a line to a file again and again until it is dropped.
struct Writer {
    is_over: std::sync::Arc<std::sync::atomic::AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Writer {
    fn start(path: std::path::PathBuf, pause: Duration) -> Self {
        use std::io::Write as _;
        let is_over = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let ends = std::sync::Arc::clone(&is_over);
        let thread = std::thread::spawn(move || {
            let mut log = fs::OpenOptions::new().append(true).open(path).unwrap();
            while !ends.load(std::sync::atomic::Ordering::Relaxed) {
                log.write_all(b"another line\n").unwrap();
                std::thread::sleep(pause);
            }
        });
        Self { is_over, thread: Some(thread) }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.is_over.store(true, std::sync::atomic::Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[test]
fn who_waits_beside_a_file_that_is_always_written_to_waits_for_what_was_there_when_asked() {
    for is_told in [true, false] {
        let world = World::new();
        configure(&world, &format!("events = {is_told}"), "~/docs", "");
        world.write("app.log", "started\n");
        let daemon = world.start();
        world.synced();
        let writer = Writer::start(world.path("app.log"), Duration::from_millis(100));
        wait_until("it is sent again", || world.service.asked("allocate") >= 5);
        for number in 0..3 {
            world.write(format!("letter{number}"), "what somebody waits for");
            let asked = Instant::now();
            let outcome = world.machine.jottad(["sync", "--wait", "--timeout", "40s"]);
            let took = asked.elapsed();
            println!("told {is_told}: {took:?}");
            assert!(took < Duration::from_secs(20), "told {is_told}: {took:?}: {outcome}");
            outcome.expect(0);
            assert!(world.service.has(&format!("Jotta/Archive/docs/letter{number}")));
        }
        drop(writer);
        world.synced();
        daemon.stop();
    }
}

#[test]
fn a_file_that_changes_faster_than_it_is_read_is_a_problem_and_keeps_nobody_waiting() {
    let world = World::new();
    configure(&world, "", "~/docs", "");
    world.write("a.txt", "one");
    let daemon = world.start();
    world.synced();
    world.write("app.log", vec![b'x'; 32 << 20]);
    let writer = Writer::start(world.path("app.log"), Duration::from_millis(1));
    world.write("letter", "what somebody waits for");
    let outcome = world.machine.jottad(["sync", "--wait", "--timeout", "50s"]);
    assert!(world.service.has("Jotta/Archive/docs/letter"), "{outcome}");
    outcome.expect(6).says("1 problem");
    assert_eq!(world.problems(), ["app.log: keeps_changing"]);
    drop(writer);
    // Asked again, it is read at once.
    world.sync(0);
    daemon.stop();
}
