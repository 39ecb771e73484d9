//! Asks tests: which mutants each of them reaches, and whether those that reach one notice it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use crate::list::{State, numbers_in};

/// A test that takes longer than this is not asked: four or five of a crate take most of the time that all
/// take.
const LONGEST: Duration = Duration::from_secs(10);
/// A test gets so much time for what it did in one, and some more, before it counts as one that never ends.
const PATIENCE: u32 = 5;
const SLACK: Duration = Duration::from_secs(15);

/// A test of one of the programs that hold tests.
struct Test {
    program: PathBuf,
    name: String,
    takes: Duration,
    reaches: Vec<usize>,
}

enum Ended {
    Well,
    Badly,
    Never,
}

/// Runs some tests, and ends them when one fails.
fn run(program: &Path, tests: &[&str], (key, value): (&str, &str), longest: Duration) -> Ended {
    let mut child = Command::new(program)
        .args(["--exact", "--test-threads", "1"])
        .args(tests)
        .env(key, value)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("a program with tests");
    let (sender, lines) = channel();
    let output = BufReader::new(child.stdout.take().expect("its output"));
    std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    let end = Instant::now() + longest;
    let ended = loop {
        match lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(line) if line.starts_with("test ") && line.ends_with("FAILED") => break Some(Ended::Badly),
            Ok(_) => {}
            Err(RecvTimeoutError::Timeout) => break Some(Ended::Never),
            Err(RecvTimeoutError::Disconnected) => break None,
        }
    };
    if ended.is_some() {
        let _ = child.kill();
    }
    let status = child.wait().expect("its end");
    ended.unwrap_or(if status.success() { Ended::Well } else { Ended::Badly })
}

/// Notes of every test how long it takes and what it reaches.
pub fn reach(state: &State, programs: &[PathBuf]) {
    let mut text = String::new();
    let note = state.file("reached.new");
    for program in programs {
        let listed = Command::new(program).args(["--list", "--format", "terse"]).output().expect("its tests");
        for name in
            String::from_utf8_lossy(&listed.stdout).lines().filter_map(|line| line.strip_suffix(": test"))
        {
            // A test may give up its rights, and shall be able to write there all the same.
            fs::write(&note, "").expect("a file for what is reached");
            fs::set_permissions(&note, fs::Permissions::from_mode(0o666)).expect("a file that all may write");
            let began = Instant::now();
            let ended =
                run(program, &[name], ("MUTANTS_REACHED", &note.to_string_lossy()), Duration::from_mins(5));
            let takes = began.elapsed().as_millis();
            if !matches!(ended, Ended::Well) {
                eprintln!("it fails by itself, and is not asked: {name}");
                continue;
            }
            let numbers: Vec<String> = numbers_in(&note).iter().map(usize::to_string).collect();
            text += &format!("{}\t{name}\t{takes}\t{}\n", program.display(), numbers.join(" "));
        }
    }
    fs::write(state.file("reached"), text).expect("what is reached");
}

fn tests(state: &State) -> Vec<Test> {
    let text = fs::read_to_string(state.file("reached")).expect("what is reached");
    let test = |line: &str| {
        let mut parts = line.split('\t');
        let mut next = || parts.next().unwrap_or_default().to_owned();
        let (program, name) = (next().into(), next());
        let takes = Duration::from_millis(next().parse().unwrap_or(0));
        let reaches = next().split(' ').filter_map(|number| number.parse().ok()).collect();
        Test { program, name, takes, reaches }
    };
    text.lines().map(test).filter(|test| test.takes <= LONGEST).collect()
}

/// Tries the mutants that are untried or missed, every `step`th of the list from `first` on, in files whose
/// names hold `file`.
pub fn ask(state: &State, (first, step): (usize, usize), file: &str) {
    let mutants = state.mutants();
    let tests = tests(state);
    let (not_in, known) = (state.numbers("not_in"), state.known());
    let mut reaching: BTreeMap<usize, Vec<&Test>> = BTreeMap::new();
    for test in &tests {
        for number in &test.reaches {
            reaching.entry(*number).or_default().push(test);
        }
    }
    let mut file_of_known =
        fs::OpenOptions::new().append(true).create(true).open(state.file("known")).expect("what is known");
    for (number, mutant) in mutants.iter().enumerate().skip(first).step_by(step) {
        let is_open = known.get(&mutant.name).is_none_or(|outcome| outcome == "missed");
        if !is_open || not_in.contains(&number) || !mutant.file.contains(file) {
            continue;
        }
        // First those that answer quickly and reach little else.
        let mut asked = reaching.remove(&number).unwrap_or_default();
        asked.sort_by_key(|test| test.takes.as_millis() * test.reaches.len() as u128);
        let outcome = outcome(&asked, number);
        writeln!(file_of_known, "{outcome}\t{}", mutant.name).expect("writing what is known");
        if outcome == "missed" {
            println!("missed by {} tests: {}", asked.len(), mutant.name);
        }
    }
}

/// What comes of a mutant, in portions of tests that take longer and longer.
fn outcome(asked: &[&Test], number: usize) -> &'static str {
    let mut rest = asked;
    let mut most = Duration::from_millis(150);
    while !rest.is_empty() {
        let mut takes = Duration::ZERO;
        let program = &rest[0].program;
        let portion = rest.iter().take_while(|test| {
            let fits = takes <= most && test.program == *program;
            takes += test.takes;
            fits
        });
        let names: Vec<&str> = portion.map(|test| test.name.as_str()).collect();
        rest = &rest[names.len()..];
        match run(program, &names, ("MUTANT", &number.to_string()), SLACK + takes * PATIENCE) {
            Ended::Well => {}
            Ended::Badly => return "caught",
            Ended::Never => return "timeout",
        }
        most = (most * 2).min(Duration::from_secs(4));
    }
    "missed"
}
