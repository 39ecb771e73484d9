//! Long transfers by hand: resumed, bounded, renewing their login, and silent where nobody looks.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::time::Duration;

use jottad_emulator::{Act, Effect, Fault, Matching};
use rustix::process::Signal;

use crate::stage::{Machine, Running, Service, World, wait_until, within};

fn configured(transfer: &str) -> World {
    World::of(Machine::new(), Service::start(), &format!("\n[transfer]\n{transfer}\n"))
}

fn big(size: usize) -> Vec<u8> {
    (0..251_u8).flat_map(|byte| [byte; 3]).cycle().take(size).collect()
}

#[test]
fn a_killed_upload_is_gone_on_with_if_it_is_big_enough() {
    const SIZE: usize = 12 << 20;
    for (limit, resumes) in [("1 MiB", true), ("12 MiB", false)] {
        let world = configured(&format!("upload_limit = \"8 MiB\"\nresume_limit = \"{limit}\""));
        let bytes = big(SIZE);
        fs::write(world.machine.home().join("big"), &bytes).unwrap();
        let put = || world.machine.command(["put", "big", "Jotta/Archive/big"]);
        let running = Running::start(put());
        wait_until("half of it is sent", || world.service.counters().bytes_in > (SIZE / 2) as u64);
        running.kill();
        world.service.reset_counters();
        world.configure(&format!("\n[transfer]\nresume_limit = \"{limit}\"\n"));
        Running::start(put()).end().expect(0).says("sent 1 file");
        assert_eq!(world.service.content("Jotta/Archive/big").unwrap(), bytes, "{limit}");
        let sent = world.service.counters().bytes_in;
        assert_eq!(sent < (SIZE / 2 + (1 << 20)) as u64, resumes, "{limit}: {sent} bytes");
    }
}

#[test]
fn the_login_is_renewed_while_one_file_is_sent_and_is_not_lost_at_its_end() {
    let world = configured("upload_limit = \"1 MiB\"");
    world.service.set_access_lifetime(Duration::from_secs(2));
    world.service.expire_access_tokens();
    fs::write(world.machine.home().join("big"), big(4 << 20)).unwrap();
    world.machine.jottad(["put", "big", "Jotta/Archive/big"]).expect(0);
    let counters = world.service.counters();
    assert!(counters.of("token") >= 2 && counters.of("upload") == 1, "{counters:?}");
    world.machine.jottad(["ls", "Jotta/Archive"]).expect(0).says("big");
}

#[test]
fn a_signal_does_not_cost_the_login() {
    let world = World::new();
    world.service.expire_access_tokens();
    world.service.set_access_lifetime(Duration::from_hours(1));
    // The tokens are exchanged, and the answer takes its time.
    world
        .service
        .add_fault(Fault::once(Matching::endpoint("token"), Effect::Drip { bytes: 200, pause: 200 }));
    world.service.reset_counters();
    let mut running = Running::start(world.machine.command(["ls", "Jotta/Archive"]));
    world.service.wait_for("token", 1);
    running.signal(Signal::INT);
    running.end().expect(130).complains("interrupted");
    world.service.clear_faults();
    world.machine.jottad(["ls", "Jotta/Archive"]).expect(0);
}

#[test]
#[cfg(target_os = "linux")]
fn a_big_file_takes_no_more_memory_than_a_small_one() {
    const SIZE: u64 = 300 << 20;
    let world = World::new();
    let file = fs::File::create(world.machine.home().join("big")).unwrap();
    file.set_len(SIZE).unwrap();
    let put = world.machine.command(["put", "big", "Jotta/Archive/big"]);
    let get = world.machine.command(["get", "Jotta/Archive/big", "back"]);
    for command in [put, get] {
        let mut running = Running::start(command);
        let status = format!("/proc/{}/status", running.pid().as_raw_nonzero());
        let mut peak = 0;
        while !running.reap() {
            let text = fs::read_to_string(&status).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
            peak = peak.max(kibibytes.unwrap_or_default());
            std::thread::yield_now();
        }
        running.end().expect(0);
        assert!((1..128 << 10).contains(&peak), "{peak} KiB at most for {SIZE} bytes");
    }
    assert_eq!(fs::metadata(world.machine.home().join("back")).unwrap().len(), SIZE);
}

#[test]
fn a_tree_may_have_more_directories_than_files_can_be_open() {
    let world = World::new();
    let populate = |path: &str| Act::Populate {
        path: path.to_owned(),
        files: 300,
        per_folder: 1,
        size: 3,
        modified: None,
    };
    world.service.does(populate("Jotta/Archive/tree"));
    let get = world.machine.command(["get", "-r", "Jotta/Archive/tree", "out"]);
    Running::start(within("ulimit -n 64", &get)).end().expect(0).says("fetched 300 files");
    let put = world.machine.command(["put", "-r", "out", "Jotta/Archive/back"]);
    Running::start(within("ulimit -n 64", &put)).end().expect(0).says("sent 300 files");
    assert_eq!(world.service.live_below("Jotta/Archive/back").len(), 600);
}

#[test]
fn a_listing_is_shown_while_it_comes() {
    let world = World::new();
    let populate = Act::Populate {
        path: "Jotta/Archive/tree".to_owned(),
        files: 4000,
        per_folder: 50,
        size: 1,
        modified: None,
    };
    world.service.does(populate);
    // Most of it never comes.
    world.service.spoil("liststream", Effect::Drip { bytes: 300_000, pause: 500 });
    let mut running = Running::start(world.machine.command(["ls", "-R", "Jotta/Archive/tree"]));
    let mut lines = BufReader::new(running.printed()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "d0000000/");
    assert_eq!(lines.next().unwrap().unwrap(), "d0000000/f0000000");
    assert!(!running.reap());
    running.kill();
}

#[test]
fn nothing_but_results_is_written_where_nobody_looks() {
    let world = World::new();
    fs::write(world.machine.home().join("a"), big(1 << 20)).unwrap();
    for arguments in [
        &["put", "a", "Jotta/Archive/a"][..],
        &["get", "Jotta/Archive/a", "b"],
        &["cp", "Jotta/Archive/a", "Jotta/Archive/c"],
        &["rm", "Jotta/Archive/c"],
        &["restore", "Jotta/Archive/c"],
        &["ls", "Jotta/Archive"],
    ] {
        let outcome = world.machine.jottad(arguments).expect(0);
        assert_eq!(outcome.stderr, "", "{outcome}");
        assert!(!outcome.stdout.contains(['\r', '\u{1b}']), "{outcome}");
    }
}

#[test]
fn a_change_of_letter_case_survives_a_kill_between_its_steps() {
    let cases =
        [("mv", "name", false), ("mv", "name", true), ("mvDir", "dir", false), ("mvDir", "dir", true)];
    for (command, path, is_carried_out) in cases {
        let world = World::new();
        world.service.does(Act::put("Jotta/Archive/name", b"content"));
        world.service.does(Act::put("Jotta/Archive/dir/a", b"a"));
        world.service.add_fault(Fault::once(Matching::endpoint(command), Effect::Hang).after(1));
        let (from, to) = (format!("Jotta/Archive/{path}"), format!("Jotta/Archive/{}", path.to_uppercase()));
        let rename = ["mv", &from, &to];
        let mut running = Running::start(world.machine.command(rename));
        world.service.wait_for(command, 2);
        if is_carried_out {
            // Stopped, so that the answer reaches nobody.
            running.signal(Signal::STOP);
            wait_until("the order that hung is carried out", || {
                world.service.release();
                world.service.has(&to)
            });
        }
        running.kill();
        let outcome = world.machine.jottad(rename).expect(0);
        let is_ended = outcome.stderr.contains("ended an interrupted renaming");
        assert_eq!(is_ended, !is_carried_out, "{outcome}");
        assert_eq!(world.service.at(&from).path, to);
        assert!(!world.service.tree().iter().any(|entry| entry.path.contains(".renaming-")), "{command}");
        // A look that does not find the name between is no proof yet, while the record is young.
        let records = fs::read_dir(world.machine.state().join("renaming")).unwrap().count();
        assert_eq!(records, usize::from(is_carried_out), "{command}");
    }
}

#[test]
fn places_are_completed_and_trouble_is_silent() {
    let world = World::new();
    for path in ["in/a b.txt", "in/a\u{ff1a}.txt", "in/dir/x", "other"] {
        world.service.does(Act::put(&format!("Jotta/Archive/{path}"), b"x"));
    }
    world.service.does(Act::put("Jotta/Archive/in/away", b"x"));
    world.service.does(Act::delete("Jotta/Archive/in/away"));
    let complete = |shell: &str, words: &[&str]| {
        let mut command = world.machine.command(["--"].iter().chain(words));
        command.env("JOTTAD_COMPLETE", shell).env("_CLAP_IFS", "\n");
        command.env("_CLAP_COMPLETE_INDEX", (words.len() - 1).to_string());
        let outcome = Running::start(command).end().expect(0);
        assert_eq!(outcome.stderr, "", "{outcome}");
        let mut lines: Vec<String> = outcome.stdout.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let ls = |place: &str| complete("zsh", &["jottad", "ls", place]);
    assert_eq!(ls("Jo"), ["Jotta/"]);
    assert_eq!(ls("Jotta/A"), ["Jotta/Archive/"]);
    assert_eq!(ls("Jotta/Archive/in/a"), ["Jotta/Archive/in/a b.txt", "Jotta/Archive/in/a\\:.txt"]);
    assert_eq!(complete("fish", &["jottad", "get", "-r", "Jotta/Archive/in/d"]), ["Jotta/Archive/in/dir/"]);
    let bash = complete("bash", &["jottad", "mv", "Jotta/Archive/other", "Jotta/Archive/in/a\\ "]);
    assert_eq!(bash, ["Jotta/Archive/in/a\\ b.txt"]);
    assert_eq!(ls("Jotta/Archive/nothing/x"), [""; 0]);
    world.service.spoil("metadata", Effect::status(500));
    assert_eq!(ls("Jotta/Archive/in/a"), [""; 0]);
    world.machine.jottad(["logout"]).expect(0);
    assert_eq!(ls("Jotta/Archive/in/a"), [""; 0]);
}
