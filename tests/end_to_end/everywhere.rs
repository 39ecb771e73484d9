//! Every command in every circumstance: no answer lacks its remedy, and none is wrong about whether a daemon runs.

use std::process::Stdio;

use serde_json::Value;

use crate::stage::{Outcome, World};

const DOCUMENT: &str = include_str!("../../docs/commands.md");

/// Commands that run until they are told to stop, or ask a person: they have tests of their own.
const LONG: [&str; 2] = ["demo", "selftest"];

/// What works on the indexes where no daemon runs.
const ALONE: [&str; 9] =
    ["status", "problems", "held", "approve", "reject", "why", "log", "conflicts", "plan"];

/// A call of every command, in an order in which none spoils the next.
const CALLS: &[&[&str]] = &[
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
    &["resume"],
    &["ls", "Jotta/Archive/docs"],
    &["ls", "Jotta"],
    &["ls", "Jotta/Archive/none"],
    &["cat", "Jotta/Archive/docs/a.txt"],
    &["cat", "Jotta/Archive/docs/none"],
    &["get", "Jotta/Archive/docs/none"],
    &["put", "nowhere", "Jotta/Archive/docs"],
    &["mkdir", "Jotta/Archive/made"],
    &["mv", "Jotta/Archive/none", "Jotta/Archive/other"],
    &["cp", "Jotta/Archive/none", "Jotta/Archive/other"],
    &["rm", "Jotta/Archive/none"],
    &["touch", "Jotta/Archive/none"],
    &["link", "Jotta/Archive/none"],
    &["unlink", "Jotta/Archive/none"],
    &["versions", "Jotta/Archive/none"],
    &["restore", "Jotta/Archive/none"],
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

/// Runs every command in the ways in which commands are run.
fn everywhere(world: &World, is_daemon: bool) {
    for call in CALLS {
        let plain = run(world, call, &[]);
        check(&plain, call, is_daemon);
        let is_told = plain.code == Some(0) || errors(&plain).is_empty() || plain.stderr.contains("hint: ");
        let is_usage_of_clap = plain.stderr.contains("For more information, try");
        assert!(is_told || is_usage_of_clap, "no remedy: {plain}");
        let json = run(world, call, &["--json"]);
        check(&json, call, is_daemon);
        if !matches!(call[0], "completions" | "man" | "cat" | "service logs") {
            for line in json.stdout.lines() {
                assert!(serde_json::from_str::<Value>(line).is_ok(), "no JSON: {json}");
            }
        }
        assert!(errors(&json).is_empty(), "no JSON: {json}");
        if json.stdout.is_empty() && json.code != Some(0) {
            let told = json.stderr.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let error = told.last().unwrap_or_else(|| panic!("no JSON: {json}"))["error"].clone();
            assert!(error["kind"].is_string() && error["message"].is_string(), "{json}");
            assert!(error["hint"].is_string(), "no remedy: {json}");
        }
    }
}

fn check(outcome: &Outcome, call: &[&str], is_daemon: bool) {
    let code = outcome.code.unwrap_or_else(|| panic!("ended by a signal: {outcome}"));
    assert!((0..=10).contains(&code), "{outcome}");
    assert!(!outcome.stderr.contains("panicked"), "{outcome}");
    let is_about_service = call[0].starts_with("service");
    let says_none = format!("{}{}", outcome.stdout, outcome.stderr).contains("no daemon is running");
    assert!(is_about_service || !(is_daemon && says_none), "a daemon runs: {outcome}");
    assert!(is_daemon || !outcome.stdout.contains("the daemon does not answer"), "{outcome}");
    if ALONE.contains(&call[0]) || call[0] == "verify" {
        assert_ne!(code, 3, "it needs no daemon: {outcome}");
    }
    if !is_daemon && matches!(call, ["sync"] | ["pause", _] | ["resume"]) {
        assert_eq!(code, 3, "{outcome}");
    }
    // Whoever mistypes a folder is told that, and not what else is missing.
    if call[1..].contains(&"nothing") {
        assert!(code == 2 && outcome.stderr.contains("no folder is called"), "{outcome}");
    }
}

/// Runs every command with nobody to read what it prints.
fn into_closed_pipes(world: &World) {
    for call in CALLS {
        let words = call[0].split(' ').chain(call[1..].iter().copied());
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = world.machine.command(words);
        command.stdout(writer).stderr(Stdio::piped());
        let output = command.spawn().unwrap().wait_with_output().unwrap();
        let outcome = Outcome::new(&command, &output);
        let code = outcome.code.unwrap_or_else(|| panic!("ended by a signal: {outcome}"));
        assert!((0..=10).contains(&code) && !outcome.stderr.contains("panicked"), "{outcome}");
        assert!(!outcome.stderr.to_lowercase().contains("broken pipe"), "{outcome}");
    }
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
    let commands = commands.filter(|command| *command != "For every command" && !LONG.contains(command));
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
    let world = world();
    std::fs::write(world.machine.config(), "[[folder]\n").unwrap();
    for call in CALLS.iter().filter(|call| !call.contains(&"nothing")) {
        for more in [&[][..], &["--json"]] {
            let outcome = run(&world, call, more);
            let code = outcome.code.unwrap();
            assert!((0..=2).contains(&code) || code == 6, "{outcome}");
            assert!(!outcome.stderr.contains("panicked"), "{outcome}");
            if code == 2 && !outcome.stderr.contains("Usage: ") {
                assert!(outcome.stderr.contains("hint"), "no remedy: {outcome}");
            }
        }
    }
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
