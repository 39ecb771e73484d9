//! A terminal of a certain size, as a person sees it: what is shown, where lines break, and what happens when
//! it is resized.

use std::io::IsTerminal as _;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rexpect::process::WaitStatus;
use rexpect::reader::Regex;
use rexpect::session::{PtySession, spawn_command};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use super::TIMEOUT;

/// More lines than any command of a test prints.
const TRANSCRIPT: u16 = 500;

/// What differs from run to run, and what is shown in its place.
#[derive(Debug, Clone, Default)]
pub(crate) struct Steady {
    texts: Vec<(String, String)>,
}

impl Steady {
    /// Shows one text in the place of another.
    pub(crate) fn with(mut self, text: impl Into<String>, shown: &str) -> Self {
        self.texts.push((text.into(), shown.to_owned()));
        self
    }

    /// The text with all of it replaced, times and ages included.
    fn apply(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (found, shown) in &self.texts {
            text = text.replace(found, shown);
        }
        for (found, shown) in [
            (r"\b\d{4}-\d\d-\d\d\b", "2026-01-31"),
            (r"\b\d\d:\d\d:\d\d\b", "12:00:00"),
            (r"T\d\d:\d\d:\d\d\.\d{6}Z", "T12:00:00.000000Z"),
            (r"2026-01-31(\s+)\d{6}\b", "2026-01-31${1}120000"),
            (r"\bjottad-demo-\w{6}", "jottad-demo-123456"),
            (r"\bjottad-selftest-[\d-]+", "jottad-selftest-20260131-120000-123456789-12345"),
            (r"\b127\.0\.0\.1:\d+", "127.0.0.1:12345"),
            (r"[\d.]+ \w+ free\b", "100.0 GiB free"),
            (r"\d+( |\r\n +)watches allowed", "100000${1}watches allowed"),
            // Folded in its middle it goes to the next line as a whole.
            (r"[( ](just|\d+( s| min)?)(\r?\n +)(now|(s |min )?ago)", "${3}now"),
            (r"\bas\s+of\s+(now|just\s+now|\d+\s+(s|min)\s+ago)", "as of now"),
            // Not longer than what it stands for, or the line would break.
            (r"\b(just\s+now|\d+\s+(s|min)\s+ago)", "now"),
            // What was cut off behind an age depends on how long that is.
            (r"(?m)(as of now.*) · [^·\n]*…", "$1 · …"),
        ] {
            text = Regex::new(found).unwrap().replace_all(&text, shown).into_owned();
        }
        text
    }
}

/// A program on a terminal of its own. Killed when dropped.
pub(crate) struct Screen {
    session: PtySession,
    columns: u16,
    rows: u16,
    received: Vec<u8>,
    ended: Option<WaitStatus>,
    /// So much of what was shown, without its line breaks, was seen.
    seen: usize,
}

impl Screen {
    /// Starts a program.
    pub(crate) fn start(command: &Command, columns: u16, rows: u16) -> Self {
        let mut shell = Command::new("sh");
        let size = format!("stty echo cols {columns} rows {rows} && exec \"$0\" \"$@\"");
        shell.args(["-c", &size]).arg(command.get_program()).args(command.get_args()).env_clear();
        shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        shell.env("TERM", "xterm").stdin(Stdio::inherit());
        if let Some(directory) = command.get_current_dir() {
            shell.current_dir(directory);
        }
        let patience = u64::try_from(TIMEOUT.as_millis()).unwrap();
        let session = spawn_command(shell, Some(patience)).unwrap();
        Self { session, columns, rows, received: Vec::new(), ended: None, seen: 0 }
    }

    fn receive(&mut self) {
        // Bytes come as characters of the same number.
        while let Some(byte) = self.session.try_read() {
            self.received.push(u8::try_from(byte).unwrap());
        }
    }

    /// Whether the program has ended and nothing more comes of it.
    fn comes_to_its_end(&mut self) -> bool {
        let received = self.received.len();
        if self.ended.is_none() {
            self.ended = self.session.process().status().filter(|status| *status != WaitStatus::StillAlive);
            return false;
        }
        thread::sleep(Duration::from_millis(200));
        self.receive();
        self.received.len() == received
    }

    fn flowing(&self) -> String {
        flowing(&String::from_utf8_lossy(&self.received))
    }

    /// Waits until a text is shown after what was seen before, wherever its lines break.
    #[track_caller]
    pub(crate) fn sees(&mut self, text: &str) -> &mut Self {
        let mut found = None;
        let deadline = Instant::now() + TIMEOUT;
        while found.is_none() {
            self.receive();
            let shown = self.flowing();
            found = shown.get(self.seen..).and_then(|rest| rest.find(text));
            let is_in_time = Instant::now() < deadline && !self.comes_to_its_end();
            assert!(is_in_time || found.is_some(), "{text:?} is not shown:\n{shown}");
            thread::sleep(Duration::from_millis(5));
        }
        self.seen += found.unwrap() + text.len();
        self
    }

    /// Types a line.
    pub(crate) fn types(&mut self, line: &str) -> &mut Self {
        self.session.send_line(line).unwrap();
        self
    }

    /// Types, and presses no Enter.
    pub(crate) fn presses(&mut self, keys: &str) -> &mut Self {
        self.session.send(keys).unwrap();
        self.session.flush().unwrap();
        self
    }

    /// Presses a key together with Ctrl.
    pub(crate) fn presses_control(&mut self, key: char) -> &mut Self {
        self.session.send_control(key).unwrap();
        self
    }

    /// Makes the terminal larger or smaller, as a person does with a window.
    pub(crate) fn resize(&mut self, columns: u16, rows: u16) {
        (self.columns, self.rows) = (columns, rows);
        let terminal = self.session.process().get_file_handle().unwrap();
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&terminal, size).unwrap();
    }

    /// Whether what is typed is shown, and whether Ctrl-C is a signal.
    pub(crate) fn is_as_usual(&self) -> bool {
        let terminal = self.session.process().get_file_handle().unwrap();
        assert!(terminal.is_terminal());
        let modes = tcgetattr(&terminal).unwrap().local_modes;
        modes.contains(LocalModes::ECHO | LocalModes::ISIG | LocalModes::ICANON)
    }

    /// What is on the screen now.
    pub(crate) fn lines(&mut self) -> Vec<String> {
        self.receive();
        let mut terminal = emulator(self.rows, self.columns);
        terminal.process(&self.received);
        terminal.screen().rows(0, self.columns).map(|line| line.trim_end().to_owned()).collect()
    }

    /// Waits until the screen shows something.
    #[track_caller]
    pub(crate) fn until(&mut self, what: &str, mut is_so: impl FnMut(&[String]) -> bool) {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let lines = self.lines();
            if is_so(&lines) {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "waited in vain for this: {what}:\n{}",
                lines.join("\n").trim()
            );
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for the program's end; returns everything that was shown, line by line, and the exit code as
    /// shells number it. `↩` marks where the terminal broke a line.
    #[track_caller]
    pub(crate) fn ends(mut self, steady: &Steady) -> (Vec<String>, i32) {
        self.receive();
        let rest = self.session.exp_eof().unwrap();
        self.received.extend(rest.chars().map(|byte| u8::try_from(byte).unwrap()));
        let code = match self.ended.unwrap_or_else(|| self.session.process().wait().unwrap()) {
            WaitStatus::Exited(_, code) => code,
            WaitStatus::Signaled(_, signal, _) => 128 + signal as i32,
            status => panic!("{status:?}"),
        };
        let mut terminal = emulator(TRANSCRIPT, self.columns);
        terminal.process(steady.apply(&String::from_utf8_lossy(&self.received)).as_bytes());
        let screen = terminal.screen();
        let lines = screen.rows(0, self.columns).enumerate().map(|(row, line)| {
            let is_broken = screen.row_wrapped(u16::try_from(row).unwrap());
            format!("{}{}", line.trim_end(), if is_broken { " ↩" } else { "" })
        });
        let mut lines: Vec<String> = lines.collect();
        lines.truncate(lines.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1));
        (lines, code)
    }
}

/// A text as if its lines had no end.
pub(crate) fn flowing(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn emulator(rows: u16, columns: u16) -> vt100::Parser {
    vt100::Parser::new(rows.try_into().unwrap(), columns.try_into().unwrap(), 0)
}
