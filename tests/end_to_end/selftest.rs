//! `jottad selftest`: it finds out how a service answers what is not known, and touches nothing but what it
//! made.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use jottad_emulator::{Account, Act, EmulatorConfig, SwitchInfo, Switches};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::stage::{Machine, Service, Tree, World};

/// Enough for the four answers of a question, and for three with either kind of account.
const RUNS: usize = 6;
/// Bytes of an account that is limited.
const CAPACITY: u64 = 1 << 30;

/// How far behind listings are, where they are: long enough to be seen on a busy machine.
const LAG: Duration = Duration::from_secs(2);

/// What cannot be seen from outside within a test, whatever the service is like.
const NEVER_TOLD: [&str; 4] = ["U22", "U25", "U26", "U49"];

/// Every answer of every question in one of the runs; which ones come together is random.
fn switches(seed: u64, run: usize) -> Switches {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut switches = Switches::default();
    for info in Switches::ALL {
        let answer = info.answers[(random.usize(..info.answers.len()) + run) % info.answers.len()];
        switches.set(info.id, answer).unwrap();
    }
    switches
}

fn is_limited(run: usize) -> bool {
    run >= RUNS / 2
}

/// Whether a question can be answered in this run.
fn is_told(info: &SwitchInfo, run: usize) -> bool {
    match info.id {
        // Only an account with a limit can be full; only one with room can be offered a big file.
        "U29" => is_limited(run),
        "U42" => !is_limited(run),
        id => !NEVER_TOLD.contains(&id),
    }
}

#[test]
fn it_names_every_switch_that_can_be_seen_and_touches_nothing_else() {
    let seed = std::env::var("JOTTAD_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(11);
    let named: Vec<BTreeSet<(&str, &str)>> = thread::scope(|scope| {
        let runs: Vec<_> = (0..RUNS).map(|run| scope.spawn(move || examine(seed, run))).collect();
        runs.into_iter().map(|run| run.join().unwrap_or_else(|_| panic!("JOTTAD_SEED={seed}"))).collect()
    });
    let named: BTreeSet<(&str, &str)> = named.into_iter().flatten().collect();
    for info in Switches::ALL.iter().filter(|info| !NEVER_TOLD.contains(&info.id)) {
        for answer in info.answers {
            assert!(named.contains(&(info.id, answer)), "{} was never found to be {answer}", info.id);
        }
    }
}

/// One run; returns what it found out.
fn examine(seed: u64, run: usize) -> BTreeSet<(&'static str, &'static str)> {
    let switches = switches(seed, run);
    let capacity = is_limited(run).then_some(CAPACITY);
    let account = Account { capacity, ..Account::default() };
    let config = EmulatorConfig { account, seed, ..EmulatorConfig::default() };
    let world = World::of(Machine::new(), Service::with(config), "");
    world.service.does(Act::put("Jotta/Archive/kept/file", b"kept"));
    world.service.does(Act::put("Jotta/Archive/kept/trashed", b"trashed"));
    world.service.does(Act::delete("Jotta/Archive/kept/trashed"));
    let before = Tree::on_service(&world.service, "Jotta/Archive");
    world.service.set_listing_lag(LAG);
    // From here on, so that what was just put there is old news.
    world.service.set_switches(switches).unwrap();

    let arguments = ["selftest", "Jotta/Archive", "--json", "--destroy", "--token-stdin"];
    let outcome = world.machine.jottad_with_input(arguments, &world.service.login_token());
    let report = outcome.expect(0).json();

    let mut named = BTreeSet::new();
    let mut wrong = Vec::new();
    for (info, entry) in Switches::ALL.iter().zip(report["questions"].as_array().unwrap()) {
        let actual = switches.get(info.id).unwrap();
        let expected = is_told(info, run).then_some(actual);
        if entry["answer"].as_str() != expected {
            wrong.push(format!("{}={actual}: {entry}", info.id));
        }
        if let Some(answer) = expected {
            named.insert((info.id, answer));
            assert_eq!(entry["differs"], info.answers[0] != answer, "{entry}");
        }
    }
    assert!(wrong.is_empty(), "run {run} of seed {seed}:\n{}", wrong.join("\n"));
    assert_eq!(named.len() as u64, count(&report, "as_assumed") + count(&report, "different"));

    Tree::on_service(&world.service, "Jotta/Archive").assert_equals(&before, ("after", "before"));
    let scratch = report["scratch"].as_str().unwrap();
    assert!(world.service.at(scratch).deleted);
    assert!(world.service.at("Jotta/Archive/kept/trashed").deleted);
    named
}

fn count(report: &Value, key: &str) -> u64 {
    report[key].as_u64().unwrap()
}

#[test]
fn interrupted_it_puts_its_folder_away_and_says_so() {
    let world = World::new();
    let mut command = world.machine.command(["selftest", "Jotta/Archive"]);
    let child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn();
    let child = child.unwrap();
    world.service.wait_for("allocate", 10);
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("interrupted"), "{errors}");
    assert!(String::from_utf8(output.stdout).unwrap().contains("is in the trash"));
    assert_eq!(Tree::on_service(&world.service, "Jotta/Archive").paths(), Vec::<&str>::new());
}

#[test]
fn without_leave_nothing_is_destroyed_and_no_login_is_spent() {
    let world = World::new();
    let told =
        world.machine.jottad(["selftest", "Jotta/Archive", "--only", "U-19", "--only", "u24"]).expect(0);
    assert_eq!(world.service.asked("rm") + world.service.asked("rmDir"), 0);
    told.says("--destroy").says("--token-stdin");
    world.machine.jottad(["account"]).expect(0);
}

#[test]
fn it_begins_only_in_a_folder_that_is_there() {
    let world = World::new();
    for (place, code) in [("Jotta/Archive/nowhere", 1), ("Jotta/Trash", 2), ("Jotta", 2)] {
        world.machine.jottad(["selftest", place]).expect(code);
    }
    world.machine.jottad(["selftest", "Jotta/Archive", "--only", "U-99"]).expect(2);
    assert_eq!(world.service.changes(), Vec::<String>::new());
}
