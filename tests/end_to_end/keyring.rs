//! A login behind the system's keyring, with a real Secret Service on a bus of its own.

use std::fs;
use std::process::{Command, Stdio};

use crate::stage::{Keyring, Machine, Outcome, Service, World, wait_until};

/// A world whose config asks for the keyring; nobody is logged in.
fn world() -> World {
    let world = World::of(Machine::new(), Service::start(), "");
    world.machine.jottad(["logout"]).expect(0);
    ask_for_keyring(&world);
    world.service.reset_counters();
    world
}

fn ask_for_keyring(world: &World) {
    let config = fs::read_to_string(world.machine.config()).unwrap();
    let config = config.replace("[service]", "[service]\ncredentials = \"keyring\"");
    fs::write(world.machine.config(), config).unwrap();
}

/// Logs in within a session, or with what is left of one.
fn log_in(world: &World, prepare: impl Fn(Command) -> Command) -> Outcome {
    let token = world.machine.beside("token");
    fs::write(&token, world.service.login_token()).unwrap();
    let mut command = prepare(world.machine.command(["login", "--token-stdin"]));
    command.stdin(fs::File::open(token).unwrap());
    Outcome::of(command)
}

/// A command without any bus.
fn without_session(mut command: Command) -> Command {
    command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/at/all").env("XDG_RUNTIME_DIR", "/nowhere");
    command
}

#[test]
fn a_login_behind_the_keyring_works_as_one_in_a_file() {
    let world = world();
    let Some(keyring) = Keyring::start(&world.machine) else { return };
    let jottad = |arguments: &[&str]| Outcome::of(keyring.in_session(world.machine.command(arguments)));
    log_in(&world, |command| keyring.in_session(command)).expect(0).says("logged in as kari@example.net");
    let state = world.machine.state();
    assert!(!state.join("credentials.json").exists());
    let sealed = fs::read_to_string(state.join("credentials.sealed")).unwrap();
    assert!(!sealed.contains("token") && sealed.contains("\"content\""), "{sealed}");
    world.write("a.txt", "a");
    jottad(&["run", "--once"]).expect(0);
    world.assert_same();
    // Renewals are kept, by one program at a time, and every program reads what another has renewed.
    for _ in 0..3 {
        world.service.expire_access_tokens();
        world.service.reset_counters();
        let start = |_| {
            let mut command = keyring.in_session(world.machine.command(["account"]));
            command.stdout(Stdio::null()).spawn().unwrap()
        };
        let commands: Vec<_> = (0..4).map(start).collect();
        for mut command in commands {
            assert!(command.wait().unwrap().success());
        }
        assert_eq!(world.service.asked("token"), 1);
    }
    jottad(&["doctor"]).says("kari@example.net");
    jottad(&["logout"]).expect(0).says("logged out");
    assert!(!state.join("credentials.sealed").exists());
    jottad(&["account"]).expect(4).complains("nobody is logged in");
}

#[test]
fn without_a_keyring_no_token_is_spent_and_nothing_is_lost() {
    let world = world();
    let outcome = log_in(&world, without_session).expect(1);
    outcome
        .complains("the system's keyring cannot be reached")
        .complains("hint: start a keyring")
        .complains("credentials = \"file\"");
    assert_eq!(world.service.counters().requests, 0);
    let Some(mut keyring) = Keyring::start(&world.machine) else { return };
    log_in(&world, |command| keyring.in_session(command)).expect(0);
    world.service.reset_counters();
    let account = || world.machine.command(["account"]);
    Outcome::of(without_session(account())).expect(1).complains("cannot be reached");
    keyring.lock();
    let locked = Outcome::of(keyring.in_session(account())).expect(1);
    locked.complains("keyring is locked").complains("hint: unlock the keyring");
    assert_eq!(world.service.counters().requests, 0);
    keyring.unlock();
    Outcome::of(keyring.in_session(account())).expect(0).says("kari@example.net");
    // A keyring that has lost the key makes a new login necessary, and possible.
    keyring.end();
    fs::remove_dir_all(keyring.files().join("data")).unwrap();
    keyring.unlock();
    let lost = Outcome::of(keyring.in_session(account())).expect(4);
    lost.complains("the key to the login is not in the system's keyring").complains("hint: log in with");
    log_in(&world, |command| keyring.in_session(command)).expect(0);
    Outcome::of(keyring.in_session(account())).expect(0);
}

#[test]
fn a_daemon_that_comes_before_the_keyring_says_what_it_waits_for() {
    let world = world();
    let Some(mut keyring) = Keyring::start(&world.machine) else { return };
    log_in(&world, |command| keyring.in_session(command)).expect(0);
    keyring.lock();
    world.write("a.txt", "a");
    let daemon = world.machine.start_in(|command| keyring.in_session(command));
    let status = || world.machine.jottad(["status"]).expect(4);
    wait_until("the keyring has answered", || !status().stdout.contains("is being asked"));
    status().says("keyring is locked").says("unlock the keyring");
    keyring.unlock();
    daemon.signal(rustix::process::Signal::HUP);
    wait_until("the login is taken up", || world.machine.status()["verdict"] != "login_needed");
    world.synced();
    daemon.stop();
}

#[test]
fn changing_where_the_login_is_kept_takes_a_new_login_and_moves_it() {
    let world = World::new();
    let Some(keyring) = Keyring::start(&world.machine) else { return };
    let account = || Outcome::of(keyring.in_session(world.machine.command(["account"])));
    ask_for_keyring(&world);
    account()
        .expect(4)
        .complains("credentials.json")
        .complains("credentials = \"keyring\"")
        .complains("hint: ");
    log_in(&world, |command| keyring.in_session(command)).expect(0);
    account().expect(0);
    let files = ["credentials.json", "credentials.sealed"].map(|name| world.machine.state().join(name));
    assert_eq!(files.each_ref().map(|file| file.exists()), [false, true]);
    world.configure("");
    account().expect(4).complains("credentials.sealed").complains("credentials = \"file\"");
    log_in(&world, |command| keyring.in_session(command)).expect(0);
    account().expect(0);
    assert_eq!(files.each_ref().map(|file| file.exists()), [true, false]);
}

#[test]
fn a_copied_login_is_recognised_before_the_keyring_is_asked() {
    let world = world();
    let Some(keyring) = Keyring::start(&world.machine) else { return };
    log_in(&world, |command| keyring.in_session(command)).expect(0);
    let file = world.machine.state().join("credentials.sealed");
    let mut sealed: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    sealed["host"] = "0123456789abcdef0123456789abcdef".into();
    fs::write(&file, sealed.to_string()).unwrap();
    world.service.reset_counters();
    let outcome = Outcome::of(without_session(world.machine.command(["account"]))).expect(4);
    outcome.complains("made on another machine");
    assert_eq!(world.service.counters().requests, 0);
}
