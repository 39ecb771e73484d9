//! A person at a terminal: sees what a program prints there, and types.

use std::process::{Command, Stdio};

use rexpect::process::WaitStatus;
use rexpect::session::{PtySession, spawn_command};

use super::TIMEOUT;

/// A program that runs on a terminal of its own. Killed when dropped.
pub(crate) struct Terminal {
    session: PtySession,
    /// Everything that was shown so far.
    shown: String,
}

impl Terminal {
    /// Starts a program on a terminal that echoes what is typed, as usual.
    pub(crate) fn start(command: &Command) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", "stty echo && exec \"$0\" \"$@\""]).arg(command.get_program());
        shell.args(command.get_args()).env_clear();
        shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        shell.stdin(Stdio::inherit());
        let patience = u64::try_from(TIMEOUT.as_millis()).unwrap();
        Self { session: spawn_command(shell, Some(patience)).unwrap(), shown: String::new() }
    }

    /// Waits until a text is shown.
    #[track_caller]
    pub(crate) fn sees(&mut self, text: &str) -> &mut Self {
        match self.session.exp_string(text) {
            Ok(before) => self.shown.extend([before.as_str(), text]),
            Err(error) => panic!("{text:?} is not shown: {error}\n-- before:\n{}", self.shown),
        }
        self
    }

    /// Waits for the end of the line, and returns it.
    #[track_caller]
    pub(crate) fn rest_of_line(&mut self) -> String {
        let line = self.session.read_line().unwrap();
        self.shown.push_str(&line);
        line
    }

    /// Types a line.
    pub(crate) fn types(&mut self, line: &str) -> &mut Self {
        self.session.send_line(line).unwrap();
        self
    }

    /// Presses a key together with Ctrl.
    pub(crate) fn presses_control(&mut self, key: char) -> &mut Self {
        self.session.send_control(key).unwrap();
        self
    }

    /// Waits for the program's end; returns everything that was shown, and the exit code if it was no signal.
    #[track_caller]
    pub(crate) fn ends(mut self) -> (String, Option<i32>) {
        self.shown.push_str(&self.session.exp_eof().unwrap());
        let code = match self.session.process().wait().unwrap() {
            WaitStatus::Exited(_, code) => Some(code),
            _ => None,
        };
        (self.shown, code)
    }
}
