//! `jottad demo`: works without account, config and network, and leaves nothing behind.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};

use crate::stage::{Machine, TIMEOUT};

/// A demo that runs, and its lines.
struct Demo {
    child: Child,
    lines: Receiver<String>,
}

impl Demo {
    fn start(machine: &Machine, arguments: &[&str]) -> Self {
        let mut command = machine.command([&["demo"], arguments].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, lines }
    }

    /// Reads on until a line has this in it, and returns that line.
    #[track_caller]
    fn until(&mut self, part: &str) -> String {
        let mut seen = String::new();
        loop {
            let Ok(line) = self.lines.recv_timeout(TIMEOUT) else {
                self.child.kill().unwrap();
                panic!("the demo did not say {part:?}, but:\n{seen}");
            };
            assert!(!line.contains('\u{1b}'), "not a plain line: {line:?}");
            if line.contains(part) {
                return line;
            }
            seen.push_str(&line);
            seen.push('\n');
        }
    }

    #[track_caller]
    fn interrupt(mut self) {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
        self.until("ended");
        let output = self.child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    }
}

#[test]
fn the_demo_shows_what_happens_and_leaves_nothing_behind() {
    let machine = Machine::new();
    let before: Vec<PathBuf> = entries(&machine);
    let mut demo = Demo::start(&machine, &[]);
    let folder = demo.until("cd ").trim().trim_start_matches("cd ").trim_matches('\'').to_owned();
    demo.until("in sync");
    fs::write(PathBuf::from(&folder).join("new.txt"), "hello").unwrap();
    demo.until("new.txt");
    demo.until("in sync");
    fs::rename(PathBuf::from(&folder).join("letters"), PathBuf::from(&folder).join("post")).unwrap();
    assert!(demo.until("post").contains("letters"));
    demo.interrupt();
    assert_eq!(entries(&machine), before);
}

#[test]
fn the_demo_leaves_a_directory_of_the_user_as_it_was() {
    let machine = Machine::new();
    let mine = machine.home().join("mine");
    fs::create_dir(&mine).unwrap();
    fs::write(mine.join("a.txt"), "mine").unwrap();
    let mut demo = Demo::start(&machine, &[mine.to_str().unwrap()]);
    demo.until("in sync");
    demo.interrupt();
    let names: Vec<_> = fs::read_dir(&mine).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["a.txt"]);
    machine.jottad(["demo", "/nowhere/at/all"]).expect(2).complains("/nowhere/at/all");
}

fn entries(machine: &Machine) -> Vec<PathBuf> {
    let entries = fs::read_dir(machine.home().parent().unwrap()).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}
