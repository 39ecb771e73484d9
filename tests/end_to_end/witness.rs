//! rclone as a witness from outside: what jottad has stored, it finds under the same names with the same
//! content.
//!
//! Both programs run with their built-in host names, through the emulator's proxy with TLS.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use jottad_emulator::EmulatorConfig;
use serde_json::Value;

use crate::stage::{Machine, Outcome, Service, encode, is_missing, names_that_a_file_can_have};

/// A machine that has no special configuration, behind a proxy that pretends to be the network.
struct Proxied {
    machine: Machine,
    service: Service,
}

impl Proxied {
    fn new() -> Self {
        let config = EmulatorConfig {
            proxy_listen: Some("127.0.0.1:0".parse().unwrap()),
            ..EmulatorConfig::default()
        };
        let (machine, service) = (Machine::new(), Service::with(config));
        fs::write(machine.beside("ca.pem"), service.proxy().1).unwrap();
        Self { machine, service }
    }

    fn run(&self, mut command: Command) -> Outcome {
        command
            .env("HTTPS_PROXY", self.service.proxy().0)
            .env("SSL_CERT_FILE", self.machine.beside("ca.pem"));
        Outcome::of(command)
    }

    fn jottad(&self, arguments: &[&str]) -> Outcome {
        self.run(self.machine.command(arguments))
    }

    fn rclone(&self, arguments: &[&str]) -> Outcome {
        let mut command = Command::new("rclone");
        command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.machine.home())
            .stdin(Stdio::null());
        self.run(command)
    }

    fn token(&self) -> String {
        self.service.login_token_for("id.jottacloud.com", "jottacloud")
    }

    /// Logs rclone in through its own questions; the remote is `r:`.
    fn log_rclone_in(&self) {
        self.rclone(&["config", "create", "r", "jottacloud", "--non-interactive"]).expect(0);
        let token = self.token();
        for (state, result) in [
            ("auth_type_done", "standard"),
            ("standard_token", token.as_str()),
            ("choose_device_query", "false"),
        ] {
            let outcome = self
                .rclone(&[
                    "config",
                    "update",
                    "r",
                    "--continue",
                    "--state",
                    state,
                    "--result",
                    result,
                    "--non-interactive",
                ])
                .expect(0);
            let answer: Value = outcome.json();
            assert_eq!(answer["Error"], "", "{outcome}");
        }
    }
}

/// Whether rclone on Linux calls a local file of this name the same as jottad does (protocol 8.6): it reads
/// and writes local names by a coding of its own.
fn is_agreed_on(name: &[u8]) -> bool {
    let text = String::from_utf8_lossy(name);
    !text.trim_matches('\u{FF0E}').is_empty() && !text.contains(['\u{2400}', '\u{FF0F}', '\u{201B}'])
}

impl Proxied {
    /// Both programs, logged in to one account.
    fn with_both_logged_in() -> Self {
        let world = Self::new();
        fs::write(world.machine.beside("token"), world.token()).unwrap();
        let mut login = world.machine.command(["login", "--token-stdin"]);
        login.stdin(fs::File::open(world.machine.beside("token")).unwrap());
        world.run(login).expect(0);
        world.log_rclone_in();
        world
    }
}

/// The whole names that both sides of protocol 8.3 speak of, each in a directory of its own: rclone takes all
/// bytes that are no UTF-8 for the same when it compares siblings.
fn place_each(root: &Path, names: &[Vec<u8>]) {
    for (number, name) in names.iter().enumerate() {
        let directory = root.join(number.to_string());
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join(OsStr::from_bytes(name)), name).unwrap();
    }
}

#[test]
fn every_name_that_jottad_writes_rclone_reads() {
    if is_missing("rclone", &["rclone", "version"]) {
        return;
    }
    let world = Proxied::with_both_logged_in();
    let names = names_that_a_file_can_have();
    let source = world.machine.home().join("source");
    place_each(&source, &names);
    world.jottad(&["put", "-r", "source", "Jotta/Archive/names"]).expect(0);
    for (number, name) in names.iter().enumerate() {
        let stored = format!("Jotta/Archive/names/{number}/{}", encode(name));
        assert_eq!(
            world.service.content(&stored).as_deref(),
            Some(name.as_slice()),
            "{}",
            name.escape_ascii()
        );
    }
    let back = world.machine.home().join("back");
    world.rclone(&["copy", "r:names", back.to_str().unwrap(), "--transfers", "8"]).expect(0);
    for (number, name) in names.iter().enumerate() {
        let files: Vec<_> =
            fs::read_dir(back.join(number.to_string())).unwrap().map(|entry| entry.unwrap().path()).collect();
        // Whatever it calls it, it has it.
        let [file] = files.as_slice() else { panic!("{}: {files:?}", name.escape_ascii()) };
        assert_eq!(fs::read(file).unwrap(), *name, "{}", name.escape_ascii());
        if is_agreed_on(name) {
            assert_eq!(file.file_name().unwrap().as_bytes(), name, "{}", name.escape_ascii());
        }
    }
}

#[test]
fn every_name_that_rclone_writes_jottad_reads() {
    if is_missing("rclone", &["rclone", "version"]) {
        return;
    }
    let world = Proxied::with_both_logged_in();
    let mut names = names_that_a_file_can_have();
    // Local files with the quote rune it cannot open (1.75): they are written by path below.
    let (quoted, plain): (Vec<_>, Vec<_>) =
        names.drain(..).partition(|name| name.windows(3).any(|rune| rune == "\u{201B}".as_bytes()));
    let source = world.machine.home().join("source");
    place_each(&source, &plain);
    world.rclone(&["copy", source.to_str().unwrap(), "r:names", "--transfers", "8"]).expect(0);
    world.jottad(&["get", "-r", "Jotta/Archive/names", "back"]).expect(0);
    for (number, name) in plain.iter().enumerate() {
        let directory = world.machine.home().join("back").join(number.to_string());
        let files: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
        let [file] = files.as_slice() else { panic!("{}: {files:?}", name.escape_ascii()) };
        assert_eq!(fs::read(file).unwrap(), *name, "{}", name.escape_ascii());
        if is_agreed_on(name) {
            assert_eq!(file.file_name().unwrap().as_bytes(), name, "{}", name.escape_ascii());
        }
    }
    for (number, name) in quoted.iter().enumerate() {
        let place = format!("quoted/{number}/{}", String::from_utf8_lossy(name));
        let source = world.machine.home().join("one");
        fs::write(&source, name).unwrap();
        world.rclone(&["copyto", source.to_str().unwrap(), &format!("r:{place}")]).expect(0);
        let out = world.machine.home().join(format!("quoted{number}"));
        world
            .jottad(&["get", "-r", &format!("Jotta/Archive/quoted/{number}"), out.to_str().unwrap()])
            .expect(0);
        let files: Vec<_> = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path()).collect();
        let [file] = files.as_slice() else { panic!("{}: {files:?}", name.escape_ascii()) };
        assert_eq!(fs::read(file).unwrap(), *name, "{}", name.escape_ascii());
    }
}

#[test]
fn rclone_finds_what_jottad_stored() {
    if is_missing("rclone", &["rclone", "version"]) {
        return;
    }
    let world = Proxied::with_both_logged_in();
    let root = world.machine.home().join("docs");
    fs::create_dir_all(root.join("below/empty")).unwrap();
    // Not the bytes that are no UTF-8: rclone takes them for the same when it compares siblings.
    let names = names_that_a_file_can_have();
    for name in names.iter().filter(|name| std::str::from_utf8(name).is_ok() && is_agreed_on(name)) {
        fs::write(root.join(OsStr::from_bytes(name)), name).unwrap();
        let directory = root.join("below").join(OsStr::from_bytes(name));
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join(OsStr::from_bytes(name)), name).unwrap();
    }
    fs::write(root.join("3 MiB"), vec![3; 3 << 20]).unwrap();
    let root = root.to_str().unwrap();
    world.jottad(&["folder", "add", root, "Jotta/Archive/docs"]).expect(0);
    world.jottad(&["run", "--once"]).expect(0);
    let check = world.rclone(&["check", "--download", root, "r:docs"]).expect(0);
    assert!(check.stderr.contains("0 differences found"), "{check}");
    // Sizes and times too: rclone would send nothing.
    let sync = world.rclone(&["sync", "--dry-run", "--create-empty-src-dirs", root, "r:docs"]).expect(0);
    assert!(!sync.stderr.contains("Skipped"), "{sync}");
}
