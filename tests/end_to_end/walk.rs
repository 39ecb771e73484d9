//! The first minutes on a terminal, from the first call to the running service, with a mistake at every
//! prompt. Everything that is shown is kept in `walk/`, where people read it: `JOTTAD_WRITE_DOCS=1` writes it
//! again.

use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use jottad_emulator::Act;

use crate::stage::{Daemon, Machine, Outcome, Screen, Service, Steady, flowing};

/// The usual height of a terminal.
const ROWS: u16 = 24;

/// A person at a terminal of a certain width, who has just installed the program.
struct Walk {
    machine: Machine,
    service: Service,
    columns: u16,
    steady: Steady,
    told: String,
}

impl Walk {
    fn begin(columns: u16) -> Self {
        // Where lines are folded depends on how long the paths are.
        let (machine, service) = (Machine::within(Path::new("/tmp")), Service::start());
        let home = machine.home();
        let config = home.join(".config/jottad/config.toml");
        fs::create_dir_all(config.parent().unwrap()).unwrap();
        let addresses = ["jfs_url", "api_url", "www_url", "id_url"];
        let addresses = addresses.map(|key| format!("{key} = \"{}\"\n", service.url()));
        fs::write(&config, format!("[service]\n{}", addresses.concat())).unwrap();
        let programs = machine.beside("bin");
        fs::create_dir(&programs).unwrap();
        symlink(machine.command([""; 0]).get_program(), programs.join("jottad")).unwrap();
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let host = host.split('.').next().unwrap();
        let steady = Steady::default()
            .with(home.to_str().unwrap(), "/home/kari")
            .with(format!("{host}/Documents"), "laptop/Documents")
            .with(format!("{host}/Pictures"), "laptop/Pictures")
            .with(format!("conflict {host}"), "conflict laptop")
            .with(machine.beside("jottad-demo").to_str().unwrap(), "/tmp/jottad-demo")
            .with(machine.command([""; 0]).get_program().to_str().unwrap(), "/usr/bin/jottad")
            .with(service.url(), "https://jottacloud.example")
            .with(service.url().trim_start_matches("http://"), "jottacloud.example");
        Self { machine, service, columns, steady, told: String::new() }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.machine.home().join(path)
    }

    fn write(&self, path: &str, content: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// What happens between two commands.
    fn tells(&mut self, text: &str) {
        writeln!(self.told, "# {text}\n").unwrap();
    }

    fn command(&self, line: &str) -> Command {
        self.command_of(&line.split(' ').skip(1).collect::<Vec<_>>())
    }

    fn command_of(&self, words: &[&str]) -> Command {
        let mut command = self.machine.command(words);
        let path = format!("{}:{}", self.machine.beside("bin").display(), std::env::var("PATH").unwrap());
        command.env("PATH", path).env_remove("JOTTAD_CONFIG").env_remove("JOTTAD_STATE_DIR");
        command
    }

    /// Types a command.
    fn types(&self, line: &str) -> Screen {
        Screen::start(&self.command(line), self.columns, ROWS)
    }

    /// Waits until a command that has asked something has ended, and keeps what it has shown.
    #[track_caller]
    fn ended(&mut self, line: &str, screen: Screen, code: i32) {
        assert!(screen.is_as_usual(), "{line} did not leave the terminal as it was");
        self.keep(line, screen, code);
    }

    /// Waits until a command has ended, and keeps what it has shown.
    #[track_caller]
    fn keep(&mut self, line: &str, screen: Screen, code: i32) {
        let (lines, ended) = screen.ends(&self.steady);
        let text = lines.join("\n");
        assert_eq!(ended, code, "{line}:\n{text}");
        assert!(!text.contains("panicked") && !flowing(&text).contains("os error"), "{text}");
        writeln!(self.told, "$ {line}\n{text}\n[exit {ended}]\n").unwrap();
    }

    /// A command that asks nothing.
    #[track_caller]
    fn runs(&mut self, line: &str, code: i32) {
        self.runs_words(&line.split(' ').skip(1).collect::<Vec<_>>(), code);
    }

    /// The same, with blanks in its words.
    #[track_caller]
    fn runs_words(&mut self, words: &[&str], code: i32) {
        let command = self.command_of(words);
        let words = words
            .iter()
            .map(|word| if word.contains(' ') { format!("'{word}'") } else { (*word).to_owned() });
        let line = ["jottad".to_owned()].into_iter().chain(words).collect::<Vec<_>>().join(" ");
        let screen = Screen::start(&command, self.columns, ROWS);
        self.keep(&line, screen, code);
    }

    fn starts_daemon(&self) -> Daemon {
        Daemon::start(self.command("jottad run"), &self.machine.beside("."), Vec::new())
    }

    fn logs_in(&self) {
        let token = self.machine.beside("token");
        fs::write(&token, self.service.login_token()).unwrap();
        let mut login = self.command("jottad login --token-stdin");
        login.stdin(fs::File::open(token).unwrap());
        Outcome::of(login).expect(0);
    }

    /// Compares what was shown with what was kept.
    #[track_caller]
    fn compare(&self, name: &str) {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("end_to_end/walk/{name}{}.txt", self.columns));
        if std::env::var_os("JOTTAD_WRITE_DOCS").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &self.told).unwrap();
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        // Where a line is folded depends on how many digits an age has.
        let commands = |text: &str| text.split("\n\n").map(flowing).collect::<Vec<_>>();
        let (kept, told) = (commands(&kept), commands(&self.told));
        let differing = kept.iter().zip(&told).find(|(kept, told)| kept != told);
        let (path, shown) = (path.display(), &self.told);
        assert!(
            kept == told,
            "{path} is not what is shown any more ({differing:?}); read what is, and write it with \
             JOTTAD_WRITE_DOCS=1\n{shown}"
        );
    }
}

fn asks_for_everything(walk: &mut Walk) {
    const SETUP: &str = "jottad setup";
    walk.tells("Ctrl-C at the first prompt");
    let mut screen = walk.types(SETUP);
    screen.sees("Token (it is not shown):").presses_control('c');
    screen.sees("hint: ");
    walk.ended(SETUP, screen, 130);
    walk.tells("the end of input at the first prompt");
    let mut screen = walk.types(SETUP);
    screen.sees("Token (it is not shown):").presses_control('d');
    screen.sees("hint: ");
    walk.ended(SETUP, screen, 1);
    walk.tells("a text that is no token, a token that was used, and Ctrl-C at the question for a mode");
    let used = walk.service.login_token();
    let elsewhere = Machine::new();
    fs::copy(walk.path(".config/jottad/config.toml"), elsewhere.config()).unwrap();
    elsewhere.jottad_with_input(["login", "--token-stdin"], &used).expect(0);
    let mut screen = walk.types(SETUP);
    screen.sees("Token (it is not shown):").types("my password");
    screen.sees("error: ").sees("Token (it is not shown):").types(&used);
    screen.sees("error: ").sees("Token (it is not shown):").types(&walk.service.login_token());
    screen.sees("Which directory? [~/Documents]").types("");
    screen.sees("What is it to be called? [Documents]").types("");
    screen.sees("Which mode? [backup]").presses_control('c');
    screen.sees("hint: ");
    walk.ended(SETUP, screen, 130);
    walk.tells(
        "a mistake at each prompt: directories, names, a mode, places that are none, do not exist or are taken, and \
         the end of input",
    );
    let mut screen = walk.types(SETUP);
    screen.sees("Which directory? [~/Documents]").types("~/Dokuments");
    screen.sees("error: ").sees("Which directory? [~/Documents]").types("~/letter.txt");
    screen.sees("error: ").sees("Which directory? [~/Documents]").types("/proc");
    screen.sees("error: ").sees("Which directory? [~/Documents]").types("Documents");
    screen.sees("What is it to be called? [Documents]").types("my/docs");
    screen.sees("error: ").sees("What is it to be called? [Documents]").types("docs");
    screen.sees("Which mode? [backup]").types("mirror");
    screen.sees("error: ").sees("Which mode? [backup]").types("");
    screen.sees("Which place on the service? [").types("Documents");
    screen.sees("error: ").sees("Which place on the service? [").types("Jotta/Archive/../x");
    screen.sees("error: ").sees("Which place on the service? [").types("Archive/Documents");
    screen.sees("[y/N]").types("n");
    screen.sees("error: ").sees("Which place on the service? [").types("Jotta/Archive/theirs");
    screen.sees("[y/N]").types("n");
    screen.sees("error: ").sees("Which place on the service? [").types("Jotta/Archive/theirs/one.txt");
    screen.sees("error: ").sees("Which place on the service? [").types("Jotta/Archive/Documents");
    screen.sees("added docs: ");
    screen.sees("Another directory? [none]").types("~/Documents/2019");
    screen.sees("error: ").sees("Another directory? [none]").types("~/Pictures");
    screen.sees("What is it to be called? [Pictures]").types("docs");
    screen.sees("error: ").sees("What is it to be called? [Pictures]").types("pictures");
    screen.sees("Which mode? [backup]").types("pull");
    screen.sees("Which place on the service? [").types("Jotta/Archive/Documents/2019");
    screen.sees("error: ").sees("Which place on the service? [").presses_control('d');
    screen.sees("hint: ");
    walk.ended(SETUP, screen, 1);
    walk.tells("once more, where no systemd of the user runs, with an answer that is no yes and no no");
    let mut screen = walk.types(SETUP);
    screen.sees("Another directory? [none]").types("");
    screen.sees("[yes]").types("maybe");
    screen.sees("error: ").sees("[yes]").types("");
    screen.sees("next: ");
    walk.ended(SETUP, screen, 5);
}

/// Puts a program in the place of systemd's, which no test may order about.
fn has_systemd(walk: &Walk, is_running: bool) {
    let program = walk.machine.beside("bin/systemctl");
    let text = if is_running { "exit 0" } else { "echo 'Failed to connect to bus' >&2; exit 1" };
    fs::write(&program, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
}

fn walk(columns: u16) {
    let mut walk = Walk::begin(columns);
    for number in 1..=30 {
        walk.write(&format!("Documents/2019/invoice {number:02}.txt"), &format!("invoice {number}"));
    }
    walk.write("Documents/letter.txt", "hello");
    walk.write("letter.txt", "not in a folder");
    fs::create_dir(walk.path("Pictures")).unwrap();
    walk.service.does(Act::put("Jotta/Archive/theirs/one.txt", b"12345"));
    has_systemd(&walk, false);
    walk.runs("jottad", 0);
    asks_for_everything(&mut walk);
    walk.runs("jottad folder list", 0);
    walk.runs("jottad plan", 0);
    walk.tells("the first pass, by hand");
    walk.runs("jottad run --once", 0);
    walk.runs("jottad status", 0);
    walk.tells("two names that the service takes for the same");
    walk.write("Documents/Letter.txt", &"another hello ".repeat(100));
    walk.runs("jottad run --once", 6);
    walk.runs("jottad status", 6);
    walk.runs("jottad problems", 6);
    walk.runs("jottad why Documents/Letter.txt", 0);
    walk.tells("its remedy: mv Documents/Letter.txt Documents/other.txt");
    fs::rename(walk.path("Documents/Letter.txt"), walk.path("Documents/other.txt")).unwrap();
    walk.runs("jottad run --once", 0);
    walk.runs("jottad problems", 0);
    walk.tells("rm -r Documents/2019");
    fs::remove_dir_all(walk.path("Documents/2019")).unwrap();
    walk.runs("jottad run --once", 7);
    walk.runs("jottad status", 7);
    walk.runs("jottad held", 7);
    walk.runs("jottad approve dosc", 2);
    walk.runs("jottad approve docs", 0);
    walk.runs("jottad run --once", 0);
    walk.runs("jottad log -n 2", 0);
    walk.tells("the service");
    walk.runs("jottad service start", 1);
    has_systemd(&walk, true);
    walk.runs("jottad service install", 0);
    let daemon = walk.starts_daemon();
    walk.runs("jottad sync --wait", 0);
    walk.runs("jottad status", 0);
    walk.runs("jottad", 0);
    walk.runs("jottad why Documents/letter.txt", 0);
    walk.runs("jottad pause docs", 0);
    walk.runs("jottad status", 10);
    walk.runs("jottad resume", 0);
    daemon.stop();
    walk.compare("");
}

#[test]
fn the_first_minutes_on_a_wide_terminal() {
    walk(80);
}

#[test]
fn the_first_minutes_on_a_narrow_terminal() {
    walk(40);
}

/// Everything that lists something, or tells what happens.
fn lists(columns: u16) {
    const PHOTOS: &str = "Jotta/Archive/Photos of the summer";
    const ADD: &str = "jottad folder add Notes Jotta/Archive/Notes --mode sync";
    let mut walk = Walk::begin(columns);
    walk.runs("jottad login --list-brands", 0);
    walk.logs_in();
    for content in ["one", "another one", "the last one of these"] {
        walk.service.does(Act::put(
            &format!("{PHOTOS}/by the sea/a long name, as cameras give.jpg"),
            content.as_bytes(),
        ));
    }
    walk.service.does(Act::put(&format!("{PHOTOS}/plan.txt"), b"12345"));
    walk.service.does(Act::put(&format!("{PHOTOS}/gone.txt"), b"12345"));
    walk.service.does(Act::delete(&format!("{PHOTOS}/gone.txt")));
    walk.service.does(Act::put("Jotta/Archive/Notes/agreed.txt", b"agreed"));
    walk.service.does(Act::put("Jotta/Archive/Notes/old.txt", b"old"));
    walk.runs("jottad account", 0);
    walk.runs("jottad devices", 0);
    walk.runs("jottad mountpoints Jotta", 0);
    walk.runs("jottad ls -l Jotta/Archive/Notes", 0);
    walk.runs("jottad ls -l -R Jotta/Archive", 0);
    walk.runs_words(&["versions", &format!("{PHOTOS}/by the sea/a long name, as cameras give.jpg")], 0);
    walk.runs("jottad trash ls", 0);
    walk.write("Notes/agreed.txt", "not agreed at all");
    let mut screen = walk.types(ADD);
    screen.sees("[y/N]").types("y").sees("next: ");
    walk.ended(ADD, screen, 0);
    walk.runs_words(&["folder", "set", "Notes", "ignore=*.tmp", "max_size=4 GiB", "settle=2s"], 0);
    walk.runs("jottad run --once", 0);
    walk.runs("jottad folder list", 0);
    walk.runs("jottad conflicts", 0);
    walk.write("Notes/a list of what is to be bought.txt", "milk");
    walk.runs("jottad run --once", 0);
    walk.runs("jottad log -n 1", 0);
    walk.runs("jottad doctor", 1);
    walk.runs("jottad get -r Jotta/Archive/Notes fetched", 0);
    walk.runs("jottad put -r fetched Jotta/Archive", 0);
    walk.runs("jottad selftest Jotta/Archive --only U-07 --only U-12", 0);
    // What happens to several files has no order.
    walk.write("Letters/to the bank, about nothing at all.txt", "Dear bank,\n");
    let mut screen = walk.types("jottad demo Letters");
    screen.sees("in sync").presses_control('c').sees("ended");
    walk.keep("jottad demo Letters", screen, 0);
    walk.compare("lists-");
}

#[test]
fn what_lists_something_on_a_wide_terminal() {
    lists(80);
}

#[test]
fn what_lists_something_on_a_narrow_terminal() {
    lists(40);
}
