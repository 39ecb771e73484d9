//! What the program prints as a command is one that a shell takes as it is meant, whatever the names are.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use jottad_emulator::Act;

use crate::stage::{Daemon, Machine, Outcome, World, wait_until};

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
    typed_in("sh", machine, line)
}

/// The same, in a shell that knows more ways to quote.
fn typed_in(shell: &str, machine: &Machine, line: &str) -> Outcome {
    let program = machine.command([""; 0]);
    let mut command = Command::new(shell);
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

/// Every content that a file of this machine has or had: live, as a conflict copy or in the local trash.
fn kept_here(machine: &Machine) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut directories = vec![machine.home().clone()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                directories.push(entry.path());
            } else {
                found.extend(fs::read_to_string(entry.path()));
            }
        }
    }
    found
}

#[test]
fn no_next_step_of_a_restore_gives_up_what_is_nowhere_else() {
    let world = World::new();
    let file = "Jotta/Archive/docs/f 1's.txt";
    for edit in ["one", "two, and longer"] {
        world.write("f 1's.txt", edit);
        world.write("d/other.txt", edit);
        world.settle();
        world.service.advance_clock(60);
    }
    for restore in [
        &["restore", file, "--revision", "1"][..],
        &["restore", "Jotta/Archive/docs", "--at", "now"],
        &["restore", file, "--revision", "1", "--here"],
    ] {
        let [first, second] = ["f 1's.txt", "d/other.txt"].map(|name| {
            let unsent = format!("nowhere else: {name} before {restore:?}");
            world.write(name, &unsent);
            unsent
        });
        let restored = world.machine.jottad(restore).expect(0);
        let told = format!("{}{}", restored.stdout, restored.stderr);
        for command in commands(&told).iter().filter(|command| !command.contains(" trash ")) {
            typed(&world.machine, command).expect(0);
        }
        let kept = kept_here(&world.machine);
        assert!(kept.contains(&first) && kept.contains(&second), "{restored}\n{kept:?}");
    }
}

#[test]
fn what_a_refused_command_on_the_service_hints_at_can_be_typed_as_it_stands() {
    let world = World::new();
    for path in ["Jotta/Archive/file", "Jotta/Archive/my d/sub/x", "Jotta/Archive/sub/y"] {
        world.service.does(Act::put(path, b"one"));
    }
    for refused in [
        &["mountpoints", "create", "latop", "docs"][..],
        &["get", "Jotta/Archive/file/*", "."],
        &["mv", "Jotta/Archive/sub", "Jotta/Archive/my d"],
        &["get", "Jotta/Archive/file", "Jotta/Archive/sub/y"],
        &["restore", "Jotta/Archive/nothing"],
    ] {
        let refused = world.machine.jottad(refused).expect(1);
        let hints = commands(&refused.stderr);
        // What stands for a name is to be put in.
        let whole = hints.iter().filter(|hint| !hint.contains("DEVICE"));
        assert!(whole.clone().count() > 0, "{refused}");
        for hint in whole {
            typed(&world.machine, hint).expect(0);
        }
    }
}

/// A person who keeps the config and the state in places of their own, and says so with every command. What
/// is in the usual place is another configuration, which cannot even be read.
struct Elsewhere {
    world: World,
    programs: PathBuf,
}

impl Elsewhere {
    const OPTIONS: &str = "--config 'my config.toml' --state-dir \"kari's state\"";

    fn new() -> Self {
        let world = World::new();
        let home = world.machine.home();
        fs::write(home.join("my config.toml"), world.service_section()).unwrap();
        fs::create_dir_all(home.join(".config/jottad")).unwrap();
        fs::write(home.join(".config/jottad/config.toml"), "[[folder]\n").unwrap();
        // The service manager of a test orders nobody about.
        let programs = world.machine.beside("bin");
        fs::create_dir(&programs).unwrap();
        for (name, text) in [
            ("systemctl", "exit 0"),
            ("jottad", &format!("exec '{}' \"$@\"", program(&world.machine).display())),
        ] {
            let file = programs.join(name);
            fs::write(&file, format!("#!/bin/sh\n{text}\n")).unwrap();
            fs::set_permissions(&file, Permissions::from_mode(0o755)).unwrap();
        }
        Self { world, programs }
    }

    /// A line that is typed into a shell.
    fn line(&self, line: &str) -> Command {
        let mut command = Command::new("sh");
        let path = format!("{}:{}", self.programs.display(), std::env::var("PATH").unwrap());
        command.args(["-c", line]).env_clear().env("PATH", path).env("TZ", "UTC");
        command.env("HOME", self.world.machine.home()).current_dir(self.world.machine.home());
        command.stdin(Stdio::null());
        command
    }

    fn types(&self, line: &str) -> Outcome {
        Outcome::of(self.line(line))
    }

    /// A command, with the person's options.
    fn runs(&self, words: &str) -> Outcome {
        self.types(&format!("jottad {words} {}", Self::OPTIONS))
    }

    /// Types every command that was printed, as it stands, and finds the same configuration. Commands that
    /// ask a person are left out, and of two decisions the second.
    #[track_caller]
    fn follows(&self, printed: &Outcome, commands: &[&str]) {
        let mut found: BTreeSet<String> = commands_in(&printed.stdout);
        found.extend(commands_in(&printed.stderr));
        let plain = |command: &String| command.replacen(&format!(" {}", Self::OPTIONS), "", 1);
        let names: BTreeSet<String> = found.iter().map(plain).collect();
        assert_eq!(names, commands.iter().map(|&name| name.to_owned()).collect(), "{printed}");
        for command in found {
            if ["--help", " setup", " demo", " reject "].iter().any(|word| command.contains(word)) {
                continue;
            }
            assert!(command.starts_with(&format!("jottad {}", Self::OPTIONS)), "{command}: {printed}");
            let outcome = self.types(&command);
            let said = format!("{}{}", outcome.stdout, outcome.stderr);
            assert!(!said.contains(".config/jottad"), "another configuration was met: {outcome}");
            assert!(matches!(outcome.code, Some(0..=10)), "{outcome}");
        }
    }
}

fn program(machine: &Machine) -> PathBuf {
    machine.command([""; 0]).get_program().into()
}

/// The commands that a text for people holds; those of the first page stand by themselves in a column.
fn commands_in(text: &str) -> BTreeSet<String> {
    let column = text.lines().filter_map(|line| line.strip_prefix("  jottad "));
    let column = column.map(|line| format!("jottad {}", line.split("  ").next().unwrap()));
    let text = text.replace("`, or `", "`  `");
    commands(&text).into_iter().chain(column).collect()
}

#[test]
fn what_is_printed_means_the_configuration_that_was_asked_with() {
    let kari = Elsewhere::new();
    let documents = kari.world.machine.home().join("Documents");
    fs::create_dir(&documents).unwrap();
    for number in 0..30 {
        fs::write(documents.join(format!("{number:02}.txt")), format!("{number}")).unwrap();
    }
    kari.follows(&kari.runs("").expect(0), &["jottad --help", "jottad demo", "jottad login", "jottad setup"]);
    kari.follows(&kari.runs("account").expect(4), &["jottad login"]);
    let token = kari.world.machine.home().join("token");
    fs::write(&token, kari.world.service.login_token()).unwrap();
    let login = format!("login --token-stdin < {:?}", token.display().to_string());
    let next = ["jottad folder add ~/Documents", "jottad setup"];
    kari.follows(&kari.runs(&login).expect(0), &next);
    let start = ["jottad run --once", "jottad service install"];
    kari.follows(&kari.runs("sync").expect(3), &start);
    let unit = kari.world.machine.home().join(".config/systemd/user/jottad.service");
    assert!(fs::read_to_string(unit).unwrap().contains("my config.toml"));

    fs::write(documents.join("A.txt"), "one").unwrap();
    fs::write(documents.join("a.txt"), "another").unwrap();
    kari.runs("run --once").expect(6);
    let status = ["jottad problems", "jottad run --once", "jottad service start"];
    kari.follows(&kari.runs("status").expect(6), &status);
    fs::remove_file(documents.join("A.txt")).unwrap();
    for number in 0..25 {
        fs::remove_file(documents.join(format!("{number:02}.txt"))).unwrap();
    }
    kari.runs("run --once").expect(7);
    kari.follows(&kari.runs("status").expect(7), &["jottad held Documents", status[1], status[2]]);
    let decisions = ["jottad approve Documents", "jottad reject Documents"];
    kari.follows(&kari.runs("held").expect(7), &decisions);
    kari.follows(&kari.runs("approve dosc").expect(2), &[]);
    kari.runs("run --once").expect(0);

    let daemon = Daemon::start(
        kari.line(&format!("exec jottad {} run", Elsewhere::OPTIONS)),
        &kari.programs,
        Vec::new(),
    );
    kari.runs("pause").expect(0);
    kari.follows(&kari.runs("status").expect(10), &["jottad resume"]);
    kari.runs("sync --wait").expect(0);
    fs::rename(&documents, kari.world.machine.home().join("Papers")).unwrap();
    wait_until("it is held", || kari.runs("status").code == Some(7));
    let choices = ["jottad folder set Documents local=PATH", "jottad sync Documents"];
    kari.follows(&kari.runs("held"), &choices);
    // What scripts read is as the daemon says it.
    let held = kari.runs("held --json").json();
    assert_eq!(held["folders"][0]["choices"][0]["command"], choices[1]);
    daemon.stop();
    assert!(!kari.world.machine.home().join(".local/state/jottad").exists());
}

#[test]
fn a_variable_of_the_environment_is_not_repeated_in_what_is_printed() {
    let world = World::new();
    let outcome = world.machine.jottad(["status"]).expect(5);
    assert!(outcome.stdout.contains("`jottad run --once`"), "{outcome}");
    // Nor is an option that says the same.
    let config = world.machine.config();
    let outcome = world.machine.jottad(["status", "--config", config.to_str().unwrap()]).expect(5);
    assert!(outcome.stdout.contains("`jottad run --once`"), "{outcome}");
    let state = world.machine.beside("another state");
    let outcome = world.machine.jottad(["status", "--state-dir", state.to_str().unwrap()]);
    let command = format!("`jottad --state-dir '{}' run --once`", state.display());
    assert!(outcome.stdout.contains(&command), "{outcome}");
}

/// Once, a name with the byte 0xff and one that spells it out were shown alike.
#[test]
#[cfg(target_os = "linux")]
fn no_two_names_are_shown_alike_and_what_is_shown_can_be_typed() {
    use std::os::unix::ffi::OsStrExt as _;

    use crate::stage::is_missing;

    let world = World::new();
    for (name, content) in [(&b"inv\xff"[..], "byte"), (br"inv\xff", "text"), (b"two\nlines", "line")] {
        world.write(std::ffi::OsStr::from_bytes(name), content);
    }
    world.mkdir("tab\tin it");
    world.pass(0);
    let listed = world.machine.jottad(["ls", "Jotta/Archive/docs"]).expect(0).stdout;
    let mut names: Vec<&str> = listed.lines().collect();
    names.sort_unstable();
    let shown = [r"$'inv\xff'", r"$'tab\tin it'/", r"$'two\nlines'", r"inv\xff"];
    assert_eq!(names, shown);
    if is_missing("bash", &["bash", "--version"]) {
        return;
    }
    for (word, path) in [(shown[0], shown[0]), (r"'inv\xff'", shown[3]), (shown[2], shown[2])] {
        let why = typed_in("bash", &world.machine, &format!("jottad why docs/{word}")).expect(0);
        assert!(why.stdout.starts_with(&format!("{path} in docs: in sync")), "{why}");
    }
    let refused = typed_in("bash", &world.machine, r"jottad cat Jotta/Archive/docs/$'tab\tin it'").expect(1);
    let command = refused.stderr.lines().find_map(|line| line.split_once("in it: jottad ls ")).unwrap().1;
    typed_in("bash", &world.machine, &format!("jottad ls {command}")).expect(0);
}
