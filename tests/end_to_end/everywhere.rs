//! Every command in every circumstance: no answer lacks its remedy, and none is wrong about whether a daemon
//! runs.

use std::process::Stdio;

use serde_json::Value;

use crate::stage::{Outcome, World};

const DOCUMENT: &str = include_str!("../../docs/commands.md");

/// What works on the indexes where no daemon runs.
const ALONE: [&str; 12] = [
    "status",
    "problems",
    "held",
    "approve",
    "reject",
    "why",
    "log",
    "conflicts",
    "plan",
    "verify",
    "pause",
    "resume",
];

/// A call of every command, in an order in which none spoils the next.
const CALLS: &[&[&str]] = &[
    &["demo", "~/nowhere"],
    &["selftest", "Jotta/none"],
    &["selftest", "Jotta/Archive", "--only", "U-99"],
    &["login", "--token-stdin"],
    &["account"],
    &["folder add", "~/nowhere"],
    &["folder list"],
    &["folder remove", "nothing"],
    &["folder set", "docs", "mode=backup"],
    &["status"],
    &["status", "--line"],
    &["plan"],
    &["plan", "nothing"],
    &["problems"],
    &["conflicts"],
    &["held"],
    &["held", "nothing"],
    &["approve", "docs"],
    &["approve", "nothing"],
    &["reject", "docs"],
    &["why", "docs/a.txt"],
    &["why", "/elsewhere"],
    &["log"],
    &["sync"],
    &["sync", "nothing"],
    &["verify"],
    &["verify", "nothing"],
    &["pause", "1s"],
    &["pause", "nothing"],
    &["resume", "nothing"],
    &["resume"],
    &["ls", "Jotta/Archive/docs"],
    &["ls", "Jotta"],
    &["ls", "Jotta/Archive/none"],
    &["cat", "Jotta/Archive/docs/a.txt"],
    &["cat", "Jotta/Archive/docs/none"],
    &["get", "Jotta/Archive/docs/none"],
    &["get", "Jotta/Archive/docs/*.none", "Jotta/Archive/docs/a.txt", "."],
    &["put", "nowhere", "Jotta/Archive/docs"],
    &["put", "nowhere", "-", "Jotta/Archive/docs"],
    &["put", "-", "Jotta/Archive/docs"],
    &["mkdir", "Jotta/Archive/made"],
    &["mv", "Jotta/Archive/none", "Jotta/Archive/other"],
    &["mv", "Jotta/Archive/docs", "Jotta/Archive/docs/inside"],
    &["mv", "Archive/docs", "Archive/other"],
    &["rm", "Archive/docs"],
    &["get", "Jotta/Archive/docs/a.txt", "nowhere/a.txt"],
    &["put", "docs/a.txt", "Jotta/Archive/nowhere/"],
    &["folder set", "docs", "local=~/nowhere"],
    &["folder add", "docs"],
    &["cp", "Jotta/Archive/none", "Jotta/Archive/other"],
    &["rm", "Jotta/Archive/none"],
    &["touch", "Jotta/Archive/none"],
    &["link", "Jotta/Archive/none"],
    &["unlink", "Jotta/Archive/none"],
    &["versions", "Jotta/Archive/none"],
    &["restore", "Jotta/Archive/none"],
    &["restore", "Jotta/Archive/docs/none", "--here"],
    &["restore", "Jotta/Archive/none", "--here"],
    &["trash ls"],
    &["trash restore", "Jotta/Archive/none"],
    &["trash empty"],
    &["devices"],
    &["devices create", "a/b"],
    &["mountpoints", "Jotta"],
    &["mountpoints create", "none", "a/b"],
    &["service start"],
    &["service stop"],
    &["service restart"],
    &["service logs"],
    &["service uninstall"],
    &["service install"],
    &["run", "--once", "--dry-run"],
    &["run", "--once"],
    &["setup"],
    &["doctor"],
    &["completions", "bash"],
    &["completions", "none"],
    &["man"],
    &["nonsense"],
    &["logout"],
];

/// What a command may complain of without that being an error.
fn errors(outcome: &Outcome) -> Vec<&str> {
    outcome.stderr.lines().filter(|line| line.starts_with("error: ")).collect()
}

fn run(world: &World, call: &[&str], more: &[&str]) -> Outcome {
    let words = call[0].split(' ').chain(call[1..].iter().copied()).chain(more.iter().copied());
    world.machine.jottad(words)
}

/// What is wrong with the answers to all calls, each with its answer.
#[derive(Default)]
struct Complaints(Vec<String>);

impl Complaints {
    fn demand(&mut self, is_so: bool, what: &str, outcome: &Outcome) {
        if !is_so {
            self.0.push(format!("{what}: {outcome}"));
        }
    }

    #[track_caller]
    fn end(self) {
        assert!(self.0.is_empty(), "{} complaints\n\n{}", self.0.len(), self.0.join("\n\n"));
    }

    /// What holds of every answer.
    fn check(&mut self, outcome: &Outcome) {
        let code = outcome.code.unwrap_or(-1);
        self.demand((0..=10).contains(&code), "the exit code", outcome);
        self.demand(!outcome.stderr.contains("panicked"), "a panic", outcome);
        let is_in_words = !format!("{}{}", outcome.stdout, outcome.stderr).contains("os error");
        self.demand(is_in_words, "a number of the system", outcome);
    }

    /// What holds of every error.
    fn check_remedy(&mut self, outcome: &Outcome, is_json: bool) {
        if is_json {
            self.demand(errors(outcome).is_empty(), "an error that is no JSON", outcome);
            if outcome.stdout.is_empty() && outcome.code != Some(0) {
                let mut told =
                    outcome.stderr.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
                let error = told.next_back().map(|told| told["error"].clone()).unwrap_or_default();
                self.demand(error["kind"].is_string() && error["message"].is_string(), "no JSON", outcome);
                self.demand(error["hint"].is_string(), "no remedy", outcome);
            }
        } else {
            let is_usage = outcome.stderr.contains("For more information, try");
            let has_remedy = is_usage || outcome.stderr.contains("hint: ");
            self.demand(errors(outcome).is_empty() || has_remedy, "no remedy", outcome);
        }
    }

    /// What holds where a daemon runs, or none.
    fn check_daemon(&mut self, outcome: &Outcome, call: &[&str], is_daemon: bool) {
        let code = outcome.code.unwrap_or(-1);
        let says_none = format!("{}{}", outcome.stdout, outcome.stderr).contains("no daemon is running");
        self.demand(!(is_daemon && says_none), "a daemon runs", outcome);
        if ALONE.contains(&call[0]) {
            self.demand(code != 3, "it needs no daemon", outcome);
        }
        if !is_daemon && call == ["sync"] {
            self.demand(code == 3, "only a daemon can do it", outcome);
        }
        // Whoever mistypes a folder is told that, and not what else is missing.
        if call[1..].contains(&"nothing") {
            let is_told = code == 2 && outcome.stderr.contains("no folder is called");
            self.demand(is_told, "another mistake is told than the one that was made", outcome);
        }
    }
}

/// Runs every command in the ways in which commands are run.
fn everywhere(world: &World, is_daemon: bool) {
    let mut complaints = Complaints::default();
    for call in CALLS {
        for is_json in [false, true] {
            let outcome = run(world, call, if is_json { &["--json"] } else { &[] });
            complaints.check(&outcome);
            complaints.check_remedy(&outcome, is_json);
            complaints.check_daemon(&outcome, call, is_daemon);
            if is_json && !matches!(call[0], "completions" | "man" | "cat") {
                let is_json = outcome.stdout.lines().all(|line| serde_json::from_str::<Value>(line).is_ok());
                complaints.demand(is_json, "a result that is no JSON", &outcome);
            }
        }
    }
    complaints.end();
}

/// Runs every command with nobody to read what it prints.
fn into_closed_pipes(world: &World) {
    let mut complaints = Complaints::default();
    for call in CALLS {
        for is_json in [false, true] {
            let words = call[0].split(' ').chain(call[1..].iter().copied());
            let words: Vec<&str> = words.chain(is_json.then_some("--json")).collect();
            let closed = || {
                let (reader, writer) = std::io::pipe().unwrap();
                drop(reader);
                writer
            };
            let mut command = world.machine.command(&words);
            command.stdout(closed()).stderr(Stdio::piped());
            let output = command.spawn().unwrap().wait_with_output().unwrap();
            let outcome = Outcome::new(&command, &output);
            complaints.check(&outcome);
            let is_silent = !outcome.stderr.to_lowercase().contains("broken pipe");
            complaints.demand(is_silent, "who does not read is told", &outcome);
            if !is_json {
                // Nobody reads what goes wrong either.
                let mut command = world.machine.command(&words);
                command.stdout(closed()).stderr(closed());
                let output = command.spawn().unwrap().wait_with_output().unwrap();
                complaints.check(&Outcome::new(&command, &output));
            }
        }
    }
    complaints.end();
}

fn world() -> World {
    let world = World::new();
    world.write("a.txt", "one");
    world.settle();
    world
}

#[test]
fn every_command_is_called_here() {
    let commands = DOCUMENT.lines().filter_map(|line| line.strip_prefix("## "));
    let commands: Vec<&str> = commands.filter(|command| *command != "For every command").collect();
    assert!(commands.len() > 40, "{commands:?}");
    for command in commands {
        assert!(CALLS.iter().any(|call| call[0] == command), "{command}");
    }
}

#[test]
fn with_a_daemon_and_a_login() {
    let world = world();
    let daemon = world.start();
    everywhere(&world, true);
    daemon.stop();
}

#[test]
fn with_a_daemon_and_no_login() {
    let world = world();
    world.machine.jottad(["logout"]).expect(0);
    let daemon = world.start();
    everywhere(&world, true);
    daemon.stop();
}

#[test]
fn without_a_daemon() {
    everywhere(&world(), false);
}

#[test]
fn without_a_daemon_and_without_a_login() {
    let world = world();
    world.machine.jottad(["logout"]).expect(0);
    everywhere(&world, false);
}

#[test]
fn before_anything_was_done() {
    let world = World::new();
    world.machine.jottad(["logout"]).expect(0);
    std::fs::remove_dir_all(world.machine.state()).unwrap();
    everywhere(&world, false);
}

#[test]
fn with_a_config_that_is_wrong() {
    with_a_wrong_config(&world());
}

#[test]
fn with_a_daemon_and_a_config_that_is_wrong() {
    let world = world();
    let daemon = world.start();
    with_a_wrong_config(&world);
    daemon.stop();
}

/// The config cannot be read any more.
fn with_a_wrong_config(world: &World) {
    std::fs::write(world.machine.config(), "[[folder]\n").unwrap();
    let mut complaints = Complaints::default();
    for call in CALLS.iter().filter(|call| !call.contains(&"nothing")) {
        for is_json in [false, true] {
            let outcome = run(world, call, if is_json { &["--json"] } else { &[] });
            complaints.check(&outcome);
            complaints.check_remedy(&outcome, is_json);
        }
    }
    complaints.end();
}

#[test]
fn with_nobody_to_read_what_is_printed() {
    let world = world();
    into_closed_pipes(&world);
    world.log_in();
    let daemon = world.start();
    into_closed_pipes(&world);
    daemon.stop();
}
