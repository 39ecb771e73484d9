//! Changes to what is there already: content, time, kind.

use std::fs;
use std::time::{Duration, Instant};

use jottad_emulator::Effect;

use crate::stage::World;

#[test]
fn an_edit_becomes_a_new_revision() {
    let world = World::new();
    world.write("a.txt", "one");
    world.write("b.txt", "untouched");
    world.settle();
    world.service.reset_counters();
    world.write("a.txt", "two, which is longer");
    world.settle();
    assert_eq!(world.service.at("Jotta/Archive/docs/a.txt").revisions, 2);
    assert_eq!((world.service.asked("allocate"), world.service.asked("upload")), (1, 1));
}

#[test]
fn an_edit_of_the_same_length_is_seen() {
    let world = World::new();
    world.write("a.txt", "one");
    world.settle();
    world.write("a.txt", "two");
    world.settle();
}

#[test]
fn a_changed_time_travels_without_the_content() {
    let world = World::new();
    world.write("a.txt", "the content");
    world.settle();
    world.service.reset_counters();
    world.set_time("a.txt", 1_234_567_890);
    world.settle();
    let counters = world.service.counters();
    assert_eq!((counters.of("cphash"), counters.of("allocate"), counters.of("upload")), (1, 0, 0));
    assert_eq!(counters.bytes_in, 0);
    assert_eq!(world.service.at("Jotta/Archive/docs/a.txt").modified, Some(1_234_567_890));
}

#[test]
fn a_file_that_is_written_anew_with_the_same_content_is_not_sent() {
    let world = World::new();
    world.write("a.txt", "the content");
    world.set_time("a.txt", 1_000_000_000);
    world.settle();
    world.service.reset_counters();
    fs::remove_file(world.path("a.txt")).unwrap();
    world.write("a.txt", "the content");
    world.set_time("a.txt", 1_000_000_000);
    world.settle();
    assert_eq!(world.service.changes(), [""; 0]);
}

#[test]
fn a_save_by_way_of_a_temporary_file_is_an_edit() {
    let world = World::new();
    world.write("letter.odt", "first draft");
    let daemon = world.start();
    world.synced();
    world.write(".~letter.odt", "second draft");
    world.rename(".~letter.odt", "letter.odt");
    world.synced();
    assert_eq!(world.remote_paths(), ["letter.odt"]);
    assert_eq!(world.service.at("Jotta/Archive/docs/letter.odt").revisions, 2);
    daemon.stop();
}

#[test]
fn a_running_daemon_follows_changes_without_being_asked() {
    let world = World::new();
    world.write("rest", "stays");
    let daemon = world.start();
    world.synced();
    world.write("new/file.txt", "made while it runs");
    crate::stage::wait_until("the new file arrives", || world.service.has("Jotta/Archive/docs/new/file.txt"));
    world.remove("new");
    crate::stage::wait_until("the directory goes", || !world.service.has("Jotta/Archive/docs/new"));
    daemon.stop();
}

#[test]
fn a_file_becomes_a_directory_and_a_directory_a_file() {
    let world = World::new();
    world.write("was file", "x");
    world.write("was directory/inside", "y");
    world.settle();
    world.remove("was file");
    world.write("was file/inside", "z");
    world.remove("was directory");
    world.write("was directory", "w");
    world.settle();
}

#[test]
fn a_file_that_changes_while_it_is_sent_arrives_as_it_became() {
    let world = World::new();
    world.write("a.bin", vec![1; 100_000]);
    world.service.spoil("upload", Effect::Hang);
    let daemon = world.start();
    world.service.wait_for("upload", 1);
    world.write("a.bin", vec![2; 100_000]);
    world.service.clear_faults();
    world.synced();
    daemon.stop();
}

#[test]
fn an_ignored_file_stays_here_and_what_was_sent_before_stays_there() {
    let world = World::new();
    world.write("a.txt", "a");
    world.write("a.tmp", "sent before it was ignored");
    world.settle();
    world.configure("ignore = [\"*.tmp\", \"cache/\"]");
    world.write("b.tmp", "never sent");
    world.write("cache/c.txt", "never sent");
    world.remove("a.tmp");
    world.pass(0);
    assert_eq!(world.remote_paths(), ["a.tmp", "a.txt"]);
}

#[test]
fn a_file_that_keeps_changing_is_sent_more_and_more_seldom_and_at_once_when_a_person_asks() {
    let world = World::new();
    world.write("log", "line\n");
    let daemon = world.start();
    world.sync(0);
    let end = Instant::now() + Duration::from_secs(8);
    let mut lines = 1;
    while Instant::now() < end {
        lines += 1;
        world.write("log", "line\n".repeat(lines));
        std::thread::sleep(Duration::from_millis(300));
    }
    let sent = world.service.asked("upload");
    assert!((2..=5).contains(&sent), "it was sent {sent} times");
    let path = world.path("log").into_os_string();
    let why = world.machine.jottad(["why".into(), path]);
    why.says("it keeps changing, so it is sent again");
    world.synced();
    daemon.stop();
}
