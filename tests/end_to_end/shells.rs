//! Completions in the shells themselves: a person types, presses Tab, and runs what stands there then.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use jottad_emulator::Act;

use crate::stage::{Screen, Steady, World, is_missing};

/// What is shown when a shell waits for a command.
const PROMPT: &str = "ready>";

/// A folder whose name has a space in it, as it is known on both sides, and a place beside it.
fn world() -> World {
    let world = World::new();
    let local = world.machine.home().join("my docs");
    fs::create_dir(&local).unwrap();
    fs::write(local.join("letter.txt"), "hello").unwrap();
    let folder =
        "[[folder]]\nname = \"my docs\"\nlocal = \"~/my docs\"\nremote = \"Jotta/Archive/my docs\"\n";
    fs::write(world.machine.config(), format!("{}{folder}", world.service_section())).unwrap();
    world.machine.jottad(["run", "--once"]).expect(0);
    world.service.does(Act::put("Jotta/Archive/in/a b/one.txt", b"one"));
    world.service.does(Act::put("Jotta/Archive/in/it's (1)/two.txt", b"two"));
    world
}

/// A shell that has read the completions.
fn shell(world: &World, program: &str, arguments: &[&str], begin: &str) -> Screen {
    let programs = world.machine.beside("bin");
    fs::create_dir_all(&programs).unwrap();
    let jottad = world.machine.command([""; 0]);
    symlink(jottad.get_program(), programs.join("jottad")).unwrap();
    let script = world.machine.beside("completions");
    fs::write(&script, world.machine.jottad(["completions", program]).expect(0).stdout).unwrap();
    let mut command = Command::new(program);
    command.args(arguments).envs(jottad.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    command.env("PATH", path).current_dir(world.machine.home());
    let mut screen = Screen::start(&command, 100, 200);
    screen.types(&begin.replace("SCRIPT", script.to_str().unwrap()));
    screen.until("the shell is ready", |lines| lines.iter().any(|line| line.trim() == PROMPT));
    screen
}

/// Types each line, in which a tab completes what is typed; what must stand there before it is run, and what
/// running it shows.
fn complete_in(mut screen: Screen) {
    for (keys, completed, shown) in [
        ("jottad stat\t", "jottad status".to_owned(), "in sync as of"),
        ("jottad plan my\t", format!("jottad plan {}", escaped("my docs")), "my docs: nothing to do"),
        ("jottad folder rem\tno", "jottad folder remove no".to_owned(), "no folder is called \"no\""),
        (
            "jottad ls Jotta/Archive/in/a\t",
            format!("jottad ls {}", escaped("Jotta/Archive/in/a b/")),
            "one.txt",
        ),
        (
            "jottad ls Jotta/Archive/in/a\\ \t",
            format!("jottad ls {}", escaped("Jotta/Archive/in/a b/")),
            "one.txt",
        ),
        (
            "jottad ls Jotta/Archive/in/it\t",
            format!("jottad ls {}", escaped("Jotta/Archive/in/it's (1)/")),
            "two.txt",
        ),
        (
            "jottad why ~/my\\ docs/le\t",
            format!("jottad why {}", escaped("~/my docs/letter.txt")),
            "letter.txt in my docs: in sync",
        ),
        ("jottad put ~/my\\ docs/le\t", format!("jottad put {}", escaped("~/my docs/letter.txt")), "error: "),
        (
            "jottad trash restore --local ~/my\\ docs/le\t",
            format!("jottad trash restore --local {}", escaped("~/my docs/letter.txt")),
            "error: ",
        ),
        ("jottad ls \"Jotta/Archive/in/a \t", "jottad ls \"Jotta/Archive/in/a b/\"".to_owned(), "one.txt"),
        // Some shells split what is typed at the sign.
        (
            "jottad folder set my\\ docs mo\tba\t",
            "jottad folder set my\\ docs mode=backup".to_owned(),
            "mode is backup already",
        ),
        (
            "jottad folder set my\\ docs mode=arc\t",
            "jottad folder set my\\ docs mode=archive".to_owned(),
            "mode is archive now",
        ),
        (
            "jottad folder set my\\ docs watch=\tau\t",
            "jottad folder set my\\ docs watch=auto".to_owned(),
            "watch is auto already",
        ),
        (
            "jottad folder set my\\ docs mode=back\t max\tunl\t",
            "jottad folder set my\\ docs mode=backup max_size=unlimited".to_owned(),
            "max_size is unlimited already",
        ),
        ("jottad why ~/my\t", format!("jottad why {}", escaped("~/my docs/")), ". in my docs: in sync"),
    ] {
        let before = screen.lines().iter().filter(|line| line.starts_with(PROMPT)).count();
        screen.presses(keys);
        screen.until(&format!("{keys:?} is completed to {completed:?}"), |lines| {
            let line = lines.iter().rfind(|line| line.starts_with(PROMPT));
            let line = line.map(|line| line.trim_start_matches(PROMPT).trim());
            // A slash may come with the next key, and an open quote be closed or not.
            let without_end = |text: &str| text.trim_end_matches(['/', '"']).replace("  ", " ");
            line.is_some_and(|line| without_end(line) == without_end(&completed))
        });
        // Some shells close a quote themselves.
        let has_open_quote = screen
            .lines()
            .iter()
            .rfind(|line| line.starts_with(PROMPT))
            .is_some_and(|line| line.matches('"').count() == 1);
        screen.presses(if has_open_quote { "\"\r" } else { "\r" });
        screen.until(&format!("{completed:?} shows {shown:?}"), |lines| {
            let prompts = lines.iter().filter(|line| line.starts_with(PROMPT)).count();
            let last = lines.iter().rposition(|line| line.starts_with(PROMPT)).unwrap();
            prompts > before && lines[..last].iter().rev().take(8).any(|line| line.contains(shown))
        });
    }
    // A shell that somebody types at does not end by being asked to.
    screen.presses("exit\r");
    screen.ends(&Steady::default());
}

/// As all of the shells write it.
fn escaped(text: &str) -> String {
    text.replace('\'', "\\'").replace(' ', "\\ ").replace('(', "\\(").replace(')', "\\)")
}

#[test]
fn bash_completes_commands_folders_and_places() {
    if is_missing("bash", &["bash", "--version"]) {
        return;
    }
    let world = world();
    let begin = format!("source 'SCRIPT'; PS1='{PROMPT} '; bind 'set enable-bracketed-paste off'");
    let screen = shell(&world, "bash", &["--norc", "--noprofile", "-i"], &begin);
    complete_in(screen);
}

#[test]
fn zsh_completes_commands_folders_and_places() {
    if is_missing("zsh", &["zsh", "--version"]) {
        return;
    }
    let world = world();
    let begin = format!(
        "PS1='{PROMPT} '; autoload -Uz compinit; compinit -u -D; source 'SCRIPT'; unsetopt prompt_sp"
    );
    let screen = shell(&world, "zsh", &["-f", "-i"], &begin);
    complete_in(screen);
}

#[test]
fn fish_completes_commands_folders_and_places() {
    if is_missing("fish", &["fish", "--version"]) {
        return;
    }
    let world = world();
    // What fish suggests from its history would stand behind what is completed.
    let begin = format!(
        "set -g fish_autosuggestion_enabled 0; source 'SCRIPT'; function fish_prompt; echo -n '{PROMPT} '; end"
    );
    let screen = shell(&world, "fish", &["--no-config", "-i"], &begin);
    complete_in(screen);
}
