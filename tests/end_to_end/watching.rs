//! What keeps showing something, or waits, on a terminal: it fits, it follows the terminal's size, and Ctrl-C
//! ends it with the terminal as it was.

use std::fmt::Write as _;
use std::fs;

use jottad_emulator::Effect;

use crate::stage::{Screen, Steady, World, wait_until};

const INTERRUPTED: i32 = 130;

/// Thirty folders with long names; one of the last ones has a problem.
fn with_many_folders() -> World {
    let world = World::new();
    let mut config = world.service_section();
    for number in 0..30 {
        let name = format!("photographs of the year {number:02} in many places");
        let local = world.machine.home().join(&name);
        fs::create_dir(&local).unwrap();
        fs::write(local.join("a.txt"), &name).unwrap();
        if number == 27 {
            fs::write(local.join("A.txt"), "the same name to the service").unwrap();
        }
        write!(
            config,
            "[[folder]]\nname = {name:?}\nlocal = \"~/{name}\"\nremote = \"Jotta/Archive/{name}\"\nsettle = \"50ms\"\n"
        )
        .unwrap();
    }
    fs::write(world.machine.config(), config).unwrap();
    world
}

#[track_caller]
fn assert_in_sight(lines: &[String], columns: u16) {
    let text = lines.join("\n");
    assert!(lines[0].starts_with("jottad  problems"), "{text}");
    assert!(lines[1].starts_with("photographs") && lines[1].contains("problems"), "{text}");
    assert!(text.contains("see `jottad problems`"), "{text}");
    assert!(lines.iter().all(|line| line.chars().count() <= usize::from(columns)), "{text}");
}

#[test]
fn the_verdict_on_many_folders_is_in_sight_whatever_the_size_of_the_terminal() {
    let world = with_many_folders();
    let daemon = world.start();
    world.sync(6);
    for (columns, rows) in [(80, 24), (40, 24), (40, 10)] {
        let (lines, code) =
            Screen::start(&world.machine.command(["status"]), columns, rows).ends(&Steady::default());
        assert!(lines.len() < usize::from(rows), "{}", lines.join("\n"));
        assert!(!lines.iter().any(|line| line.ends_with('↩')), "{}", lines.join("\n"));
        assert_in_sight(&lines, columns);
        assert!(lines.iter().any(|line| line.contains("more folders")), "{}", lines.join("\n"));
        assert_eq!(code, 6);
    }
    let mut screen = Screen::start(&world.machine.command(["status", "--watch"]), 80, 24);
    let is_there = |lines: &[String]| lines.iter().any(|line| line.contains("see `jottad problems`"));
    screen.until("the status", is_there);
    assert_in_sight(&screen.lines(), 80);
    for (columns, rows) in [(40, 24), (100, 40), (40, 12), (80, 24)] {
        screen.resize(columns, rows);
        // As long as the old lines are there, some are longer or more than now.
        screen.until("the status in its new size", |lines| {
            let used = lines.iter().filter(|line| !line.is_empty()).count();
            let longest = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
            is_there(lines)
                && lines[0].starts_with("jottad  problems")
                && used < usize::from(rows)
                && longest <= usize::from(columns)
                && lines.iter().filter(|line| line.starts_with("jottad  ")).count() == 1
        });
        assert_in_sight(&screen.lines(), columns);
    }
    assert!(screen.is_as_usual());
    screen.presses_control('c');
    assert_eq!(screen.ends(&Steady::default()).1, INTERRUPTED);
    daemon.stop();
}

#[test]
fn control_c_ends_whatever_waits_and_leaves_the_terminal_as_it_was() {
    let world = World::new();
    world.write("a.txt", "a");
    let daemon = world.start();
    world.synced();
    world.service.spoil("upload", Effect::Hang);
    world.write("b.txt", "it never arrives");
    world.service.wait_for("upload", 2);
    fs::write(world.machine.home().join("large"), vec![7; 100_000]).unwrap();
    for (command, shown, told) in [
        (&["status", "--watch"][..], "jottad working", ""),
        (&["log", "-f"], "upload a.txt", ""),
        (&["sync", "--wait"], "", "what runs goes on all the same"),
        (&["put", "large", "Jotta/Archive/large"], "", "run it again: it goes on where it was"),
        (&["trash", "empty"], "[y/N]", "error: interrupted"),
        (&["login"], "Token (it is not shown):", "run the command again: nothing was changed"),
    ] {
        let (uploads, requests) = (world.service.asked("upload"), world.service.counters().requests);
        let mut screen = Screen::start(&world.machine.command(command), 80, 24);
        screen.sees(shown);
        match command[0] {
            "put" => world.service.wait_for("upload", uploads + 1),
            // It says nothing while it waits, but the daemon looks at both sides.
            "sync" => wait_until("the daemon looks", || world.service.counters().requests > requests),
            _ => {}
        }
        screen.presses_control('c');
        screen.sees(told);
        assert!(screen.is_as_usual(), "{command:?} did not leave the terminal as it was");
        let (lines, code) = screen.ends(&Steady::default());
        let text = lines.join("\n");
        assert_eq!(code, INTERRUPTED, "{command:?}:\n{text}");
        assert!(!told.is_empty() || !text.contains("error: "), "{command:?}:\n{text}");
    }
    daemon.stop();
}
