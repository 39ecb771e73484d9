//! A desktop session's keyring: a session bus with a Secret Service on it, for one test.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::{Machine, is_missing, wait_until};

/// The password of the keyring.
const PASSWORD: &str = "the keyring's own password";

/// A bus, and whatever keyring runs on it. Both are ended when dropped.
pub(crate) struct Keyring {
    bus: Child,
    address: String,
    service: Option<Child>,
    home: PathBuf,
}

impl Keyring {
    /// Starts bus and keyring and unlocks it; `None` where the programs are missing.
    pub(crate) fn start(machine: &Machine) -> Option<Self> {
        let programs = "command -v dbus-daemon && command -v dbus-send && command -v gnome-keyring-daemon";
        if is_missing("keyring", &["sh", "-c", programs]) {
            return None;
        }
        let home = machine.beside("session");
        std::fs::create_dir_all(&home).unwrap();
        let mut bus = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--nopidfile", "--print-address"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(bus.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let mut keyring = Self { bus, address: address.trim().to_owned(), service: None, home };
        keyring.unlock();
        Some(keyring)
    }

    /// Ends the keyring and starts it again, unlocked.
    pub(crate) fn unlock(&mut self) {
        self.run(&["--unlock"], PASSWORD);
    }

    /// Ends the keyring and starts it again, locked.
    pub(crate) fn lock(&mut self) {
        self.run(&[], "");
    }

    fn run(&mut self, arguments: &[&str], input: &str) {
        self.end();
        let mut service = self
            .in_session(Command::new("gnome-keyring-daemon"))
            .args(["--foreground", "--components=secrets"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        service.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        self.service = Some(service);
        wait_until("the keyring is there", || self.is_there());
    }

    /// Ends the keyring; the bus goes on without one.
    pub(crate) fn end(&mut self) {
        if let Some(mut service) = self.service.take() {
            let _ = service.kill();
            let _ = service.wait();
            wait_until("the keyring is gone", || !self.is_there());
        }
    }

    fn is_there(&self) -> bool {
        let mut ask = self.in_session(Command::new("dbus-send"));
        ask.args(["--session", "--print-reply", "--dest=org.freedesktop.DBus", "/org/freedesktop/DBus"]);
        ask.args(["org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.secrets"]);
        let answer = ask.output().unwrap_or_else(|error| panic!("dbus-send: {error}"));
        String::from_utf8_lossy(&answer.stdout).contains("boolean true")
    }

    /// The environment of the session, for a command.
    pub(crate) fn in_session(&self, mut command: Command) -> Command {
        command
            .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
            .env("XDG_DATA_HOME", self.home.join("data"))
            .env("XDG_RUNTIME_DIR", &self.home)
            .env("GNOME_KEYRING_CONTROL", &self.home);
        command
    }

    /// Where the keyring keeps its own files.
    pub(crate) fn files(&self) -> &Path {
        &self.home
    }
}

impl Drop for Keyring {
    fn drop(&mut self) {
        if let Some(mut service) = self.service.take() {
            let _ = service.kill();
            let _ = service.wait();
        }
        let _ = self.bus.kill();
        let _ = self.bus.wait();
    }
}
