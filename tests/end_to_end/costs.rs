//! What work costs, in counts that are the same on every machine: requests, calls to the system, memory. Times
//! are for the benchmarks.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use crate::stage::{Outcome, World, is_missing, wait_until, within};

const DIRECTORIES: usize = 10;
const FILES: usize = 30;
/// All files of a [`filled`] folder.
const ALL: u64 = (DIRECTORIES * FILES) as u64;

/// A folder with [`ALL`] files.
fn filled() -> World {
    let world = World::new();
    world.fill("many", DIRECTORIES, FILES);
    world
}

/// One pass, and how often the program called the system for what; `None` where that cannot be watched.
fn watched_pass(world: &World) -> Option<BTreeMap<String, u64>> {
    if is_missing("strace", &["strace", "-o", "/dev/null", "true"]) {
        return None;
    }
    let summary = world.machine.beside("calls");
    let program = world.machine.command(["run", "--once"]);
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-c", "-U", "calls,name", "-o"]).arg(&summary);
    command.arg(program.get_program()).args(program.get_args()).current_dir(world.machine.home());
    command.env_clear().envs(program.get_envs().filter_map(|(key, value)| Some((key, value?))));
    Outcome::of(command).expect(0);
    let summary = fs::read_to_string(summary).unwrap();
    let counts = summary.lines().filter_map(|line| {
        let (count, name) = line.trim().split_once(' ')?;
        Some((name.trim().to_owned(), count.parse().ok()?))
    });
    Some(counts.collect())
}

#[track_caller]
fn assert_at_most(what: &str, count: u64, most: u64) {
    assert!(count <= most, "{what}: {count}, at most {most} are expected");
}

#[test]
fn a_new_file_costs_two_requests_and_a_directory_two_and_nothing_is_sent_twice() {
    let world = filled();
    world.service.reset_counters();
    world.pass(0);
    world.assert_same();
    let counters = world.service.counters();
    let directories = DIRECTORIES as u64 + 2;
    assert_eq!((counters.of("allocate"), counters.of("upload")), (ALL, ALL));
    assert_eq!(counters.of("mkDir"), directories);
    assert_at_most("all requests", counters.requests, 2 * ALL + 2 * directories + 12);
}

#[test]
fn what_has_not_changed_is_neither_read_nor_asked_for() {
    let world = filled();
    world.settle();
    let Some(few) = watched_pass(&world) else { return };
    world.fill("more", DIRECTORIES, FILES);
    world.settle();
    world.service.reset_counters();
    let Some(many) = watched_pass(&world) else { return };
    assert_at_most("requests", world.service.counters().requests, 6);
    // What each of as many files more costs: a start reads the machine's certificates, too.
    let of = |calls: &BTreeMap<String, u64>, names: &[&str]| -> u64 {
        names.iter().filter_map(|name| calls.get(*name)).sum()
    };
    let more = |names: &[&str]| of(&many, names).saturating_sub(of(&few, names));
    // Each is looked at once, and none is opened; its directory is.
    assert_at_most("looks", more(&["statx", "newfstatat", "fstat", "stat", "lstat"]), ALL + ALL / 4);
    assert_at_most("opened", more(&["open", "openat", "openat2"]), ALL / 5);
    assert_at_most("all calls", more(&["total"]), 2 * ALL + ALL / 2);
}

#[test]
fn a_pass_over_many_files_takes_little_memory() {
    let world = filled();
    world.settle();
    // Memory of the program's own, as the system counts it; its code does not count.
    let limited = within("ulimit -d 49152", &world.machine.command(["run", "--once"]));
    Outcome::of(limited).expect(0);
}

#[test]
fn a_renamed_directory_is_one_request_however_much_is_in_it() {
    let world = filled();
    world.settle();
    let _daemon = world.start();
    wait_until("it is in step", || world.machine.status()["folders"][0]["verdict"] == "in_sync");
    world.service.reset_counters();
    world.rename("many", "renamed");
    wait_until("it has moved", || world.service.has("Jotta/Archive/docs/renamed/d00/f00"));
    wait_until("it is in step", || world.machine.status()["folders"][0]["verdict"] == "in_sync");
    let counters = world.service.counters();
    assert_eq!((counters.of("mvDir"), counters.of("upload"), counters.of("allocate")), (1, 0, 0));
    // What was sent a moment ago is looked at once more at its new place, a directory at a time.
    let most = DIRECTORIES as u64 + 12;
    assert_at_most(&format!("requests, of {:?}", counters.by_endpoint), counters.requests, most);
}
