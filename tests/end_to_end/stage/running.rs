//! A command in progress. Killed when dropped.

use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::Outcome;

pub(crate) struct Running {
    command: Command,
    child: Option<Child>,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self { command, child: Some(child) }
    }

    fn child(&mut self) -> &mut Child {
        self.child.as_mut().unwrap()
    }

    /// What it prints; once.
    pub(crate) fn printed(&mut self) -> ChildStdout {
        self.child().stdout.take().unwrap()
    }

    /// What it complains of; once.
    pub(crate) fn complaints(&mut self) -> ChildStderr {
        self.child().stderr.take().unwrap()
    }

    /// The process.
    pub(crate) fn pid(&mut self) -> Pid {
        Pid::from_child(self.child())
    }

    /// Takes in its end, if it has come; tells whether it has.
    pub(crate) fn reap(&mut self) -> bool {
        self.child().try_wait().unwrap().is_some()
    }

    /// Sends a signal.
    pub(crate) fn signal(&mut self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Kills it where it is.
    pub(crate) fn kill(self) {
        drop(self);
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Outcome {
        let output = self.child.take().unwrap().wait_with_output().unwrap();
        Outcome::new(&self.command, &output)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
