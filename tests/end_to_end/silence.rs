//! A service that takes connections and never answers: it is said in time, with what is waited for, and ends
//! with an answer.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::time::{Duration, Instant};

use jottad_emulator::{Act, Effect, Fault, Matching};
use serde_json::Value;

use crate::stage::{Relay, Running, World, wait_until};

const STALLED: i32 = 9;
/// So soon it must be said.
const SOON: Duration = Duration::from_mins(1);

#[test]
fn a_service_that_is_silent_is_said_to_be_within_a_minute_and_nothing_but_an_answer_ends_that() {
    let world = World::configured("poll = \"5s\"");
    let relay = Relay::to(&world.service.url());
    let config = fs::read_to_string(world.machine.config()).unwrap();
    fs::write(world.machine.config(), config.replace(&world.service.url(), &relay.url())).unwrap();
    let daemon = world.start();
    world.synced();
    wait_until("events are listened to", || world.machine.status()["noticing"]["events"] == "listening");
    relay.set_silent(true);
    let began = Instant::now();
    world.write("waits.txt", "for the service");
    let mut verdicts = Vec::new();
    wait_until("it is said", || {
        let verdict = world.machine.status()["verdict"].as_str().unwrap().to_owned();
        if verdicts.last() != Some(&verdict) {
            verdicts.push(verdict);
        }
        // Somebody else's work on the disk says nothing of the service.
        world.write("meanwhile.txt", format!("{:?}", began.elapsed()));
        verdicts.last().is_some_and(|verdict| verdict == "stalled")
    });
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    assert!(
        verdicts.iter().all(|verdict| ["in_sync", "working", "stalled"].contains(&verdict.as_str())),
        "{verdicts:?}"
    );
    world
        .machine
        .jottad(["status"])
        .expect(STALLED)
        .says("it waits for the service, to ")
        .says("nothing has moved for");
    relay.set_silent(false);
    world.synced();
    daemon.stop();
}

#[test]
fn an_upload_without_an_answer_is_named_although_others_go_on() {
    let world = World::configured("poll = \"5s\"");
    let daemon = world.start();
    world.write("a.txt", "one");
    world.synced();
    world.service.add_fault(Fault::once(Matching::endpoint("upload"), Effect::Hang));
    world.write("hang.txt", "is never answered");
    world.service.wait_for("upload", 2);
    let began = Instant::now();
    let mut told = Value::Null;
    wait_until("it is said", || {
        world.write(format!("meanwhile {}.txt", began.elapsed().as_secs()), "is answered");
        let status = world.machine.status();
        assert_ne!(status["verdict"], "stalled", "others go on: {status:#}");
        told = status["folders"][0]["trouble"].clone();
        told != Value::Null
    });
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    let told = told.as_str().unwrap();
    assert!(told.starts_with("no answer for 5") && told.ends_with(" s: uploading hang.txt"), "{told}");
    world.machine.jottad(["status"]).expect(5).says(" s: uploading hang.txt");
    let hanging = world.path("hang.txt");
    let why = world.machine.command(["why"]).arg(hanging).output().unwrap();
    let why = String::from_utf8(why.stdout).unwrap();
    assert!(why.contains("it is being sent; no answer for 5"), "{why}");
    daemon.stop();
}

#[test]
fn a_command_says_soon_what_it_waits_for_and_the_doctor_what_it_knows_without_the_service() {
    let world = World::new();
    let relay = Relay::to(&world.service.url());
    let config = fs::read_to_string(world.machine.config()).unwrap();
    fs::write(world.machine.config(), config.replace(&world.service.url(), &relay.url())).unwrap();
    world.write("a.txt", "one");
    world.pass(0);
    relay.set_silent(true);
    let first_words = |commands: &[&[&str]]| {
        let began = Instant::now();
        let start = |arguments: &&[&str]| Running::start(world.machine.command(*arguments));
        let mut waiting: Vec<Running> = commands.iter().map(start).collect();
        for (arguments, running) in commands.iter().zip(&mut waiting) {
            // Before that it may say what it waits for, where the service was asked later than it began to
            // wait.
            let mut lines = BufReader::new(running.complaints()).lines().map(Result::unwrap).take(2);
            assert!(lines.any(|line| line.contains("no answer for ")), "{arguments:?}");
            assert!(began.elapsed() < Duration::from_secs(20), "{arguments:?}: {:?}", began.elapsed());
        }
        waiting
    };
    // Only one of them may work on the index at a time.
    drop(first_words(&[&["run", "--once"]]));
    let mut waiting = first_words(&[&["doctor"], &["ls", "Jotta"], &["account"], &["plan"]]);
    let doctor = waiting.first_mut().unwrap();
    let mut printed = [0; 64];
    let length = doctor.printed().read(&mut printed).unwrap();
    assert!(String::from_utf8_lossy(&printed[..length]).contains("clock"));
}

/// Once, a pass said nothing for up to 20 s while it waited for a proof that is newer than what was sent.
#[test]
fn a_pass_says_once_that_it_waits_for_a_late_service() {
    let world = World::configured("mode = \"sync\"");
    world.write("a.txt", "one");
    world.pass(0);
    world.service.does(Act::put("Jotta/Archive/docs/a.txt", b"theirs"));
    let outcome = world.machine.jottad(["run", "--once"]).expect(0);
    let told = "docs: all is done but to wait for the service";
    assert_eq!(outcome.stderr.matches(told).count(), 1, "{outcome}");
    assert!(outcome.stdout.contains("in sync") && !outcome.stdout.contains(told), "{outcome}");
    assert_eq!(fs::read_to_string(world.path("a.txt")).unwrap(), "theirs");
}

/// The first line on stderr, which must come soon.
#[track_caller]
fn first_word(running: &mut Running) -> String {
    let began = Instant::now();
    let mut line = String::new();
    BufReader::new(running.complaints()).read_line(&mut line).unwrap();
    assert!(began.elapsed() < Duration::from_secs(12), "{:?}: {line}", began.elapsed());
    line
}

/// Once, a folder that was just added was said to wait for the local disk, and nothing was said for a minute.
#[test]
fn a_folder_that_was_just_added_is_said_to_wait_for_the_service() {
    let world = World::new();
    let relay = Relay::to(&world.service.url());
    let config = fs::read_to_string(world.machine.config()).unwrap();
    fs::write(world.machine.config(), config.replace(&world.service.url(), &relay.url())).unwrap();
    let added = world.machine.home().join("new");
    fs::create_dir(&added).unwrap();
    world.settle();
    world.machine.jottad(["folder", "add", added.to_str().unwrap(), "Jotta/Archive/new"]).expect(0);
    world.machine.jottad(["folder", "remove", "docs"]).expect(0);
    relay.set_silent(true);
    for arguments in [&["plan", "new"][..], &["run", "--once"]] {
        let mut running = Running::start(world.machine.command(arguments));
        let mut lines = BufReader::new(running.complaints()).lines();
        let is_told = |line: &String| line.starts_with("new: no answer for ") && line.contains(": asking ");
        let began = Instant::now();
        assert!(lines.by_ref().map(Result::unwrap).take(3).any(|line| is_told(&line)), "{arguments:?}");
        assert!(began.elapsed() < Duration::from_secs(30), "{arguments:?}: {:?}", began.elapsed());
    }
}

/// Once, 22 s passed without a word where the remote folder was gone and something was edited locally.
#[test]
fn whoever_waits_for_a_late_service_is_told_so_although_something_is_left_to_do() {
    let world = World::configured("mode = \"sync\"");
    world.write("a.txt", "one");
    world.pass(0);
    world.machine.jottad(["rm", "-r", "Jotta/Archive/docs"]).expect(0);
    world.write("a.txt", "edited");
    for (arguments, expected) in [
        (&["plan"][..], "docs: waiting until both sides are looked at; the service may show"),
        (&["run", "--once"], "docs: "),
    ] {
        let told = first_word(&mut Running::start(world.machine.command(arguments)));
        assert!(told.starts_with(expected) && told.contains("wait"), "{arguments:?}: {told}");
    }
}

/// Once, another folder was said to be done but for a late service, and then nothing was said until the end.
#[test]
fn whoever_waits_for_a_daemon_is_told_again_and_again_what_has_no_answer() {
    let world = World::configured(
        "poll = \"2s\"\n[[folder]]\nname = \"other\"\nlocal = \"~/other\"\nremote = \"Jotta/Archive/other\"\n",
    );
    fs::create_dir(world.machine.home().join("other")).unwrap();
    let relay = Relay::to(&world.service.url());
    let config = fs::read_to_string(world.machine.config()).unwrap();
    fs::write(world.machine.config(), config.replace(&world.service.url(), &relay.url())).unwrap();
    let daemon = world.start();
    world.synced();
    relay.set_silent(true);
    world.write("a.txt", "one");
    let mut waiting = Running::start(world.machine.command(["sync", "--wait"]));
    let began = Instant::now();
    let mut lines = BufReader::new(waiting.complaints()).lines().map(Result::unwrap);
    let told: Vec<String> = lines.by_ref().filter(|line| line.contains(": no answer for ")).take(2).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}: {told:?}", began.elapsed());
    drop(waiting);
    relay.set_silent(false);
    daemon.stop();
}
