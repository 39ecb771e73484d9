//! `docs/commands.md` tells what `--json` prints: it is what is printed.

use std::collections::BTreeSet;

use jottad_emulator::Act;
use serde_json::Value;

use crate::stage::World;

const DOCUMENT: &str = include_str!("../../docs/commands.md");

/// The names on the first level of the shape that the document has for a command, and whether there may be
/// more.
fn told(command: &str) -> (BTreeSet<String>, bool) {
    let section = DOCUMENT.split(&format!("\n## {command}\n")).nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let line = section.lines().find(|line| line.starts_with("JSON")).unwrap_or_else(|| panic!("{command}"));
    let shape = line.split('`').nth(1).unwrap();
    let mut names = BTreeSet::new();
    let (mut depth, mut name) = (0, String::new());
    for letter in shape.chars() {
        match letter {
            '{' | '[' => depth += 1,
            '}' | ']' => depth -= 1,
            _ => {}
        }
        match letter {
            ',' | '}' if depth <= 1 => {
                let text = std::mem::take(&mut name);
                names.extend(
                    text.split(':').next().map(|text| text.trim().to_owned()).filter(|it| !it.is_empty()),
                );
            }
            '{' if depth == 1 => name.clear(),
            letter => name.push(letter),
        }
    }
    let is_open = names.remove("…");
    (names, is_open)
}

#[track_caller]
fn assert_as_told(command: &str, document: &Value) {
    let (told, is_open) = told(command);
    let printed: BTreeSet<String> = document.as_object().unwrap().keys().cloned().collect();
    let missing: Vec<_> = told.difference(&printed).collect();
    let untold: Vec<_> = printed.difference(&told).filter(|_| !is_open).collect();
    assert!(
        missing.is_empty() && untold.is_empty(),
        "{command}: not printed {missing:?}, not told {untold:?}"
    );
}

#[test]
fn what_json_holds_is_what_is_told() {
    let world = World::new();
    world.write("a.txt", "a");
    world.settle();
    world.service.does(Act::put("Jotta/Archive/in/one", b"one"));
    world.service.does(Act::put("Jotta/Archive/two", b"two"));
    world.service.does(Act::put("Jotta/Archive/gone", b"gone"));
    world.service.does(Act::delete("Jotta/Archive/gone"));
    let daemon = world.start();
    world.sync(0);
    for command in [
        "account",
        "folder list",
        "status",
        "plan",
        "held",
        "problems",
        "why a.txt",
        "log",
        "ls Jotta/Archive",
        "get -r Jotta/Archive/in fetched",
        "put -r fetched Jotta/Archive/sent",
        "mkdir Jotta/Archive/made",
        "mv Jotta/Archive/two Jotta/Archive/moved",
        "touch Jotta/Archive/moved",
        "link Jotta/Archive/moved",
        "unlink Jotta/Archive/moved",
        "versions Jotta/Archive/moved",
        "rm Jotta/Archive/moved",
        "trash ls",
        "trash empty --yes",
        "devices",
        "devices create laptop",
        "mountpoints Jotta",
        "mountpoints create laptop documents",
        "doctor",
        "folder set docs settle=1s",
        "folder remove docs",
        "selftest Jotta/Archive --only U-39",
        "logout",
    ] {
        let mut arguments = vec!["--json"];
        arguments.extend(command.split(' '));
        let outcome = world.machine.command(arguments).current_dir(&world.root).output().unwrap();
        let text = String::from_utf8(outcome.stdout).unwrap();
        let line = text.lines().next().unwrap_or_else(|| {
            panic!("{command} printed nothing: {}", String::from_utf8_lossy(&outcome.stderr))
        });
        let words: Vec<&str> = command.split(' ').collect();
        // The longest heading that the command line begins with.
        let heading = (1..=words.len()).rev().map(|count| words[..count].join(" "));
        let heading = heading.into_iter().find(|it| DOCUMENT.contains(&format!("\n## {it}\n"))).unwrap();
        assert_as_told(&heading, &serde_json::from_str(line).unwrap());
    }
    daemon.stop();
}
