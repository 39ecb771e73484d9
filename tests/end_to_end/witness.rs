//! rclone as a witness from outside: what jottad has stored, it finds under the same names with the same content.
//!
//! Both programs run with their built-in host names, through the emulator's proxy with TLS.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::process::{Command, Stdio};

use jottad_emulator::EmulatorConfig;
use serde_json::Value;

use crate::stage::{Machine, Outcome, Service, is_missing, names_that_a_file_can_have};

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

/// Whether rclone on Linux can handle a local file of this name, and stores it under the same name as jottad
/// (protocol 8.6): it reads local names by a coding of its own.
fn is_agreed_on(name: &[u8]) -> bool {
    std::str::from_utf8(name).is_ok_and(|name| {
        !name.trim_matches('\u{FF0E}').is_empty() && !name.contains(['\u{2400}', '\u{FF0F}', '\u{201B}'])
    })
}

#[test]
fn rclone_finds_what_jottad_stored() {
    if is_missing("rclone", &["rclone", "version"]) {
        return;
    }
    let world = Proxied::new();
    fs::write(world.machine.beside("token"), world.token()).unwrap();
    let mut login = world.machine.command(["login", "--token-stdin"]);
    login.stdin(fs::File::open(world.machine.beside("token")).unwrap());
    world.run(login).expect(0);
    let root = world.machine.home().join("docs");
    fs::create_dir_all(root.join("below/empty")).unwrap();
    let names = names_that_a_file_can_have();
    for name in names.iter().filter(|name| is_agreed_on(name)) {
        fs::write(root.join(OsStr::from_bytes(name)), name).unwrap();
        let directory = root.join("below").join(OsStr::from_bytes(name));
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join(OsStr::from_bytes(name)), name).unwrap();
    }
    fs::write(root.join("3 MiB"), vec![3; 3 << 20]).unwrap();
    let root = root.to_str().unwrap();
    world.jottad(&["folder", "add", root, "Jotta/Archive/docs"]).expect(0);
    world.jottad(&["run", "--once"]).expect(0);
    world.log_rclone_in();
    let check = world.rclone(&["check", "--download", root, "r:docs"]).expect(0);
    assert!(check.stderr.contains("0 differences found"), "{check}");
    // Sizes and times too: rclone would send nothing.
    let sync = world.rclone(&["sync", "--dry-run", "--create-empty-src-dirs", root, "r:docs"]).expect(0);
    assert!(!sync.stderr.contains("Skipped"), "{sync}");
}
