//! A running daemon, which tells by systemd's protocol when it is ready. Killed when dropped.

use std::fs::{self, File};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::{Outcome, TIMEOUT, wait_until};

/// How soon the daemon must have ended after it was told to.
const SHUTDOWN: Duration = Duration::from_secs(5);

static STARTED: AtomicU32 = AtomicU32::new(0);

pub(crate) struct Daemon {
    child: Child,
    log: PathBuf,
    /// What it is asked if the test fails.
    questions: Vec<Command>,
}

impl Daemon {
    /// Starts it and waits until it is ready; the working files go to `place`.
    #[track_caller]
    pub(crate) fn start(mut command: Command, place: &Path, questions: Vec<Command>) -> Self {
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let socket = place.join(format!("notify-{number}"));
        let ready = UnixDatagram::bind(&socket).unwrap();
        // A daemon of another user must be able to write to it.
        fs::set_permissions(&socket, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        let log = place.join(format!("log-{number}"));
        let child = command
            .env("NOTIFY_SOCKET", &socket)
            .env("JOTTAD_LOG", "jottad=debug,jottad_engine=debug,jottad_transport=debug,info")
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut daemon = Self { child, log, questions };
        ready.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let mut text = [0; 4096];
        let started = Instant::now();
        loop {
            match ready.recv(&mut text) {
                Ok(length) if text[..length].split(|byte| *byte == b'\n').any(|line| line == b"READY=1") => {
                    return daemon;
                }
                _ => {}
            }
            let ended = daemon.child.try_wait().unwrap();
            let failed = ended.is_some() || started.elapsed() > TIMEOUT;
            assert!(!failed, "the daemon did not get ready ({ended:?}):\n{}", daemon.log());
        }
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// The process.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Stops it as a service manager does; it must end in good order and in time.
    #[track_caller]
    pub(crate) fn stop(self) {
        self.stop_with(Signal::TERM);
    }

    /// Stops it by a signal; it must end in good order and in time.
    #[track_caller]
    pub(crate) fn stop_with(mut self, signal: Signal) {
        self.signal(signal);
        let started = Instant::now();
        let status = self.wait();
        let took = started.elapsed();
        assert!(status.success() && took < SHUTDOWN, "{status} after {took:?}:\n{}", self.log());
    }

    /// Ends it as a power cut does: at once, wherever it is.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until it has ended by itself.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        wait_until("the daemon has ended", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let is_running = self.child.try_wait().is_ok_and(|ended| ended.is_none());
        if std::thread::panicking() && is_running {
            for question in self.questions.drain(..) {
                eprintln!("-- {}", Outcome::of(question));
            }
        }
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = self.log();
            let end = log.lines().rev().take(60).collect::<Vec<_>>();
            let end: Vec<&str> = end.into_iter().rev().collect();
            eprintln!("-- the end of the daemon's log:\n{}", end.join("\n"));
        }
    }
}
