//! What packages and `service install` put on a machine.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::stage::{Machine, Outcome, World, is_missing};

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Puts a program on a machine that takes the place of systemd's, which no test may order about: it notes how
/// it was called and succeeds.
fn note_calls_of_systemctl(machine: &Machine) {
    let directory = machine.beside("bin");
    fs::create_dir_all(&directory).unwrap();
    let program = directory.join("systemctl");
    fs::write(&program, "#!/bin/sh\necho \"$@\" >> \"$HOME/calls\"\n").unwrap();
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
}

fn with_noted_calls(machine: &Machine, arguments: &[&str]) -> Command {
    let mut command = machine.command(arguments);
    let path = std::env::var("PATH").unwrap();
    command.env("PATH", format!("{}:{path}", machine.beside("bin").display()));
    command
}

#[test]
#[cfg(target_os = "linux")]
fn the_service_is_installed_and_uninstalled() {
    let world = World::new();
    let machine = &world.machine;
    note_calls_of_systemctl(machine);
    let unit = machine.home().join(".config/systemd/user/jottad.service");
    Outcome::of(with_noted_calls(machine, &["service", "install"])).expect(0).says(unit.to_str().unwrap());
    let text = fs::read_to_string(&unit).unwrap();
    assert!(text.contains(env!("CARGO_BIN_EXE_jottad-under-test")), "{text}");
    assert!(text.contains(machine.config().to_str().unwrap()), "{text}");
    let calls = fs::read_to_string(machine.home().join("calls")).unwrap();
    for call in ["daemon-reload", "enable", "restart"] {
        assert!(calls.contains(call), "{calls}");
    }
    verify(&unit);
    Outcome::of(with_noted_calls(machine, &["service", "uninstall"])).expect(0).says("uninstalled");
    assert!(!unit.exists());
    assert!(machine.config().exists() && world.root.exists());
    Outcome::of(with_noted_calls(machine, &["service", "uninstall"])).expect(0).says("not installed");
    Outcome::of(with_noted_calls(machine, &["service", "logs"])).expect(1).complains("not installed");
}

#[test]
#[cfg(target_os = "linux")]
fn the_service_of_one_config_is_not_replaced_by_that_of_another() {
    let world = World::new();
    let machine = &world.machine;
    note_calls_of_systemctl(machine);
    let unit = machine.home().join(".config/systemd/user/jottad.service");
    let service = |config: &Path, arguments: &[&str]| {
        let mut command = with_noted_calls(machine, &["service"]);
        command.args(arguments).arg("--config").arg(config);
        Outcome::of(command)
    };
    let (ours, work) = (machine.config(), machine.beside("work.toml"));
    service(&work, &["install"]).expect(2).complains("there is no config file").complains("folder add LOCAL");
    fs::copy(&ours, &work).unwrap();
    service(&ours, &["install"]).expect(0);
    // The same again, after an update of the program for example.
    service(&ours, &["install"]).expect(0);
    let text = fs::read_to_string(&unit).unwrap();
    service(&work, &["install"]).expect(1).complains("another configuration").complains("--force");
    assert_eq!(fs::read_to_string(&unit).unwrap(), text);
    service(&work, &["install", "--force"]).expect(0);
    assert!(fs::read_to_string(&unit).unwrap().contains(work.to_str().unwrap()));
}

#[test]
#[cfg(target_os = "linux")]
fn a_service_is_not_taken_from_another_configuration_in_silence() {
    let world = World::new();
    let machine = &world.machine;
    note_calls_of_systemctl(machine);
    let unit = machine.home().join(".config/systemd/user/jottad.service");
    Outcome::of(with_noted_calls(machine, &["service", "install"])).expect(0);
    let before = fs::read_to_string(&unit).unwrap();
    let calls = fs::read_to_string(machine.home().join("calls")).unwrap();
    let other = machine.beside("other.toml");
    fs::copy(machine.config(), &other).unwrap();
    for command in ["install", "start", "stop", "restart"] {
        let words = ["--config", other.to_str().unwrap(), "service", command];
        Outcome::of(with_noted_calls(machine, &words))
            .expect(1)
            .complains("the service is there for another configuration")
            .complains(unit.to_str().unwrap())
            .complains("service uninstall`");
    }
    let words = ["--config", other.to_str().unwrap(), "status"];
    Outcome::of(with_noted_calls(machine, &words)).expect(5).says("start it with `jottad --config");
    assert_eq!(fs::read_to_string(&unit).unwrap(), before);
    assert_eq!(fs::read_to_string(machine.home().join("calls")).unwrap(), calls);
    // The same once more is fine.
    Outcome::of(with_noted_calls(machine, &["service", "install"])).expect(0);
}

/// What a service does not run it can neither stop nor start anew.
#[test]
#[cfg(target_os = "linux")]
fn what_stops_a_daemon_follows_from_who_runs_it() {
    let world = World::new();
    let machine = &world.machine;
    note_calls_of_systemctl(machine);
    let daemon = world.start();
    let process = daemon.pid().as_raw_nonzero();
    let second = || Outcome::of(with_noted_calls(machine, &["run"])).expect(1).complains("another jottad");
    let in_terminal = second();
    assert!(!in_terminal.stderr.contains("jottad service"), "{in_terminal}");
    in_terminal.complains("Ctrl-C").complains(&format!("kill {process}"));
    // From now on it is the main process of the unit.
    let systemctl = machine.beside("bin/systemctl");
    fs::write(&systemctl, format!("#!/bin/sh\ncase \"$*\" in *MainPID*) echo {process};; esac\n")).unwrap();
    let of_service = second().complains("stop it with `jottad service stop`");
    assert!(!of_service.stderr.contains("kill"), "{of_service}");
    // Another service's process is not this one.
    fs::write(&systemctl, "#!/bin/sh\necho 1\n").unwrap();
    second().complains(&format!("kill {process}"));
    daemon.stop();
}

#[test]
#[cfg(target_os = "linux")]
fn the_packaged_unit_is_right() {
    let machine = Machine::new();
    let text = fs::read_to_string(format!("{REPOSITORY}/packaging/systemd/jottad.service")).unwrap();
    assert!(text.contains("ExecStart=/usr/bin/jottad run"));
    // systemd wants the program to be there.
    let text = text.replace("/usr/bin/jottad", env!("CARGO_BIN_EXE_jottad-under-test"));
    let unit = machine.beside("jottad.service");
    fs::write(&unit, text).unwrap();
    verify(&unit);
}

#[cfg(target_os = "linux")]
fn verify(unit: &Path) {
    if is_missing("systemd", &["systemd-analyze", "--version"]) {
        return;
    }
    // The user's manager keeps its sockets in a directory that a test's user may not have.
    let runtime = tempfile::tempdir().unwrap();
    let output = Command::new("systemd-analyze")
        .args(["verify", "--user", "--man=no"])
        .arg(unit)
        .env("XDG_RUNTIME_DIR", runtime.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    // Before its version 254 systemd does not know that delays can grow, and ignores it.
    let is_known = |line: &str| line.contains("'RestartSteps'") || line.contains("'RestartMaxDelaySec'");
    let complaints: Vec<&str> =
        said.lines().filter(|line| line.contains("jottad") && !is_known(line)).collect();
    assert!(output.status.success() && complaints.is_empty(), "{said}");
}

#[test]
fn the_debian_package_holds_what_it_should() {
    let is_required = std::env::var("JOTTAD_REQUIRE")
        .is_ok_and(|names| names.split_whitespace().any(|name| name == "cargo-deb"));
    if is_missing("cargo-deb", &["cargo", "deb", "--version"]) || !is_required {
        // Building it takes a release build of the program.
        println!("skipped: JOTTAD_REQUIRE does not name cargo-deb");
        return;
    }
    let machine = Machine::new();
    let package = machine.beside("jottad.deb");
    let built = Command::new("sh")
        .args(["packaging/deb/build", "--output"])
        .arg(&package)
        .current_dir(REPOSITORY)
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let root = machine.beside("root");
    let unpacked = Command::new("dpkg-deb").arg("--extract").args([&package, &root]).status().unwrap();
    assert!(unpacked.success());
    for file in [
        "usr/share/man/man1/jottad.1.gz",
        "usr/share/bash-completion/completions/jottad",
        "usr/share/zsh/vendor-completions/_jottad",
        "usr/share/fish/vendor_completions.d/jottad.fish",
        "usr/share/doc/jottad/copyright",
        "usr/share/doc/jottad/examples/jottad.toml",
    ] {
        assert!(root.join(file).metadata().is_ok_and(|file| file.len() > 0), "{file} is not in the package");
    }
    let unit = fs::read_to_string(root.join("usr/lib/systemd/user/jottad.service")).unwrap();
    let started = unit.lines().find_map(|line| line.strip_prefix("ExecStart=/")).unwrap();
    let mut command = started.split(' ');
    let program = root.join(command.next().unwrap());
    assert_eq!(command.next(), Some("run"));
    let version = Command::new(program).arg("--version").output().unwrap();
    assert!(version.status.success() && version.stdout.starts_with(b"jottad "), "{version:?}");
    let depends = Command::new("dpkg-deb").arg("--field").arg(&package).arg("Depends").output().unwrap();
    let depends = String::from_utf8_lossy(&depends.stdout).into_owned();
    assert!(depends.contains("libc6") && depends.contains("ca-certificates"), "{depends}");
}
