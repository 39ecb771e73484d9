//! What the program prints as a command is one that a shell takes as it is meant, whatever the names are.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use jottad_emulator::Act;

use crate::stage::{Machine, Outcome, World, wait_until};

/// Names that a shell would take apart.
const NAMES: [&str; 2] = ["my docs", "it's"];

/// A world with a folder of each name, in sync mode with enough files, and the config of them.
fn world(remote: impl Fn(&str) -> String) -> World {
    let world = World::new();
    let mut config = world.service_section();
    for name in NAMES {
        let root = world.machine.home().join(name);
        fs::create_dir_all(&root).unwrap();
        for number in 0..30 {
            fs::write(root.join(format!("{number:02}.txt")), format!("{name} {number}")).unwrap();
        }
        let remote = remote(name);
        let ends = format!("name = \"{name}\"\nlocal = \"~/{name}\"\nremote = \"{remote}\"\n");
        config.extend(["[[folder]]\n", &ends, "mode = \"sync\"\nsettle = \"50ms\"\n"]);
    }
    fs::write(world.machine.config(), config).unwrap();
    world
}

/// Runs a line as a person would who copies it from the terminal.
fn typed(machine: &Machine, line: &str) -> Outcome {
    let program = machine.command([""; 0]);
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("jottad() {{ \"$PROGRAM\" \"$@\"; }}; {line}"));
    command.env_clear().env("PROGRAM", program.get_program());
    command.envs(program.get_envs().filter_map(|(key, value)| Some((key, value?))));
    Outcome::of({
        command.current_dir(machine.home()).stdin(std::process::Stdio::null());
        command
    })
}

/// The commands that a text holds: in backquotes, or behind two blanks or a colon up to the end of the line.
fn commands(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in text.lines() {
        let quoted = line.split('`').skip(1).step_by(2).filter(|part| part.starts_with("jottad "));
        found.extend(quoted.map(str::to_owned));
        if let Some((_, command)) = line.split_once(": ").filter(|_| !line.contains('`'))
            && let Some(begin) = command.find("jottad ")
        {
            found.insert(command[begin..].to_owned());
        }
    }
    found
}

/// What the commands about a folder are that all views of the daemon's state show.
fn shown(machine: &Machine) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for view in [&["held"][..], &["status"], &["problems"], &["folder", "list"], &["plan"]] {
        found.extend(commands(&machine.jottad(view).stdout));
    }
    let held = machine.jottad(["held", "--json"]).json();
    for folder in held["folders"].as_array().unwrap() {
        for choice in folder["choices"].as_array().unwrap() {
            found.insert(choice["command"].as_str().unwrap().to_owned());
        }
    }
    found
}

#[test]
fn what_held_status_and_problems_print_can_be_typed_as_it_stands() {
    let world = world(|name| format!("Jotta/Archive/{name}"));
    let daemon = world.start();
    world.sync(0);
    for name in NAMES {
        for number in 0..25 {
            fs::remove_file(world.machine.home().join(name).join(format!("{number:02}.txt"))).unwrap();
        }
    }
    world.sync(7);
    let commands = shown(&world.machine);
    for word in ["held", "approve", "reject"] {
        let of_word = commands.iter().filter(|command| command.starts_with(&format!("jottad {word} ")));
        assert_eq!(of_word.count(), NAMES.len(), "{word}: {commands:?}");
    }
    // One of the decisions is taken in each folder; everything else is asked before.
    let is_decision = |command: &&String| command.contains(" approve ") || command.contains(" reject ");
    for command in commands.iter().filter(|command| !is_decision(command)) {
        let code = typed(&world.machine, command).code;
        assert!(matches!(code, Some(0 | 6 | 7)), "{command}: {code:?}");
    }
    for command in commands.iter().filter(|command| command.contains(" approve ")) {
        typed(&world.machine, command).expect(0).says("approved");
    }
    world.sync(0);
    assert!(world.service.at("Jotta/Archive/my docs/00.txt").deleted);
    assert!(world.service.at("Jotta/Archive/it's/00.txt").deleted);
    daemon.stop();
}

#[test]
fn what_makes_a_missing_place_or_says_that_it_is_elsewhere_can_be_typed_as_it_stands() {
    // One lacks its mountpoint, the other one also the device.
    let world = world(|name| match name {
        "my docs" => "Jotta/My Files/x".to_owned(),
        _ => "it's mine/Its Files/x".to_owned(),
    });
    let daemon = world.start();
    let held = || world.machine.jottad(["held", "--json"]).json();
    wait_until("both are held", || held()["folders"].as_array().unwrap().len() == 2);
    world.machine.jottad(["status"]).expect(7).says("jottad folder set 'my docs' remote=PLACE");
    for folder in held()["folders"].as_array().unwrap() {
        assert_eq!(folder["kind"], "place", "{folder}");
        let choices = folder["choices"].as_array().unwrap();
        let command = |number: usize| choices[number]["command"].as_str().unwrap();
        assert!(
            command(1).starts_with("jottad folder set ") && command(1).ends_with(" remote=PLACE"),
            "{folder}"
        );
        typed(&world.machine, command(0)).expect(0);
    }
    wait_until("they go on", || world.machine.jottad(["sync", "--wait"]).code == Some(0));
    assert!(world.service.has("Jotta/My Files/x/00.txt"));
    assert!(world.service.has("it's mine/Its Files/x/00.txt"));
    daemon.stop();
}

#[test]
fn what_a_missing_root_asks_for_can_be_typed_as_it_stands() {
    let world = world(|name| format!("Jotta/Archive/{name}"));
    let daemon = world.start();
    world.sync(0);
    for name in NAMES {
        fs::rename(world.machine.home().join(name), world.machine.home().join(format!("{name} moved")))
            .unwrap();
    }
    wait_until("both are held", || {
        let held = world.machine.jottad(["held", "--json"]).json();
        held["folders"].as_array().unwrap().len() == 2
    });
    let commands = shown(&world.machine);
    for (name, word) in [("my docs", "'my docs'"), ("it's", "\"it's\"")] {
        let command = format!("jottad folder set {word} local=PATH");
        assert!(commands.contains(&command), "{command}: {commands:?}");
        let place = world.machine.home().join(format!("{name} moved"));
        let command = command.replace("PATH", &format!("\"{}\"", place.display()));
        typed(&world.machine, &command).expect(0);
    }
    world.sync(0);
    daemon.stop();
}

#[test]
fn a_hint_about_a_place_on_the_service_can_be_typed_as_it_stands() {
    let world = World::new();
    world.service.does(Act::put("Jotta/Archive/my docs/it's.txt", b"one"));
    world.machine.jottad(["rm", "Jotta/Archive/my docs/it's.txt"]).expect(0);
    let outcome = world.machine.jottad(["cat", "Jotta/Archive/my docs/it's.txt"]).expect(1);
    let hints = commands(&outcome.stderr);
    assert_eq!(hints.len(), 1, "{}", outcome.stderr);
    typed(&world.machine, hints.first().unwrap()).expect(0);
    assert!(world.service.has("Jotta/Archive/my docs/it's.txt"));
}
