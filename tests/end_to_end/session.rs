//! The login: mistakes are told, tokens are renewed, and only a person is asked for a new one.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use crate::stage::{Machine, Service, World, wait_until};

#[test]
fn a_token_works_once() {
    let world = World::new();
    let token = world.service.login_token();
    world.machine.jottad_with_input(["login", "--token-stdin"], &token).expect(0);
    world
        .machine
        .jottad_with_input(["login", "--token-stdin"], &token)
        .expect(4)
        .complains("each token works once");
    // The login that was kept before is still good.
    world.machine.jottad(["account"]).expect(0).says("kari@example.net");
}

#[test]
fn a_token_may_come_with_blanks_around_it() {
    let world = World::new();
    let token = format!("\n  {}  \r\n", world.service.login_token());
    world.machine.jottad_with_input(["login", "--token-stdin"], &token).expect(0);
}

#[test]
fn what_is_no_token_is_told() {
    let world = World::new();
    for (token, complaint) in [
        ("", "no token"),
        ("hello", "error: "),
        ("%%%%", "error: "),
        ("aGVsbG8gd29ybGQ", "error: "),
        // {"username":"kari"}
        ("eyJ1c2VybmFtZSI6ImthcmkifQ", "error: "),
        // A discovery document over plain http on another host.
        (
            "eyJ1c2VybmFtZSI6ImsiLCJyZWFsbSI6ImoiLCJ3ZWxsX2tub3duX2xpbmsiOiJodHRwOi8vZXhhbXBsZS5uZXQveCIsImF1dGhfdG9rZW4iOiJ4In0",
            "https",
        ),
    ] {
        let outcome = world.machine.jottad_with_input(["login", "--token-stdin"], token).complains(complaint);
        assert!(matches!(outcome.code, Some(1 | 2)), "{token:?}: {outcome}");
        assert!(outcome.stderr.contains("hint: "), "{token:?}: {outcome}");
    }
}

#[test]
fn without_a_login_every_command_says_so() {
    let world = World::new();
    world.machine.jottad(["logout"]).expect(0);
    for command in [&["ls", "Jotta/Archive"][..], &["account"], &["run", "--once"]] {
        world.machine.jottad(command).expect(4);
    }
    let daemon = world.start();
    world.machine.jottad(["status"]).expect(4).says("jottad login");
    world.write("a.txt", "a");
    // The running daemon takes the new login up.
    world.log_in();
    world.synced();
    daemon.stop();
}

#[test]
fn the_tokens_are_for_their_owner_alone_and_in_no_output() {
    let world = World::new();
    let file = world.machine.state().join("credentials.json");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&file).unwrap();
    let credentials: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut secrets = Vec::new();
    collect_long_texts(&credentials, &mut secrets);
    assert!(secrets.len() >= 2, "{} texts", secrets.len());
    world.write("a.txt", "a");
    let daemon = world.start();
    world.synced();
    let mut texts = vec![daemon.log()];
    for command in [&["status", "--json"][..], &["account", "--json"], &["account"], &["doctor"]] {
        let outcome = world.machine.jottad([command, &["-vvv"]].concat());
        texts.extend([outcome.stdout, outcome.stderr]);
    }
    for secret in secrets {
        let shown = texts.iter().find(|text| text.contains(&secret));
        assert!(shown.is_none(), "a token is shown");
    }
    daemon.stop();
}

fn collect_long_texts(value: &serde_json::Value, texts: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) if text.len() > 20 && !text.starts_with("http") => {
            texts.push(text.clone());
        }
        serde_json::Value::Array(values) => values.iter().for_each(|value| collect_long_texts(value, texts)),
        serde_json::Value::Object(map) => map.values().for_each(|value| collect_long_texts(value, texts)),
        _ => {}
    }
}

#[test]
fn tokens_are_renewed_while_the_daemon_runs() {
    let mut config = jottad_emulator::EmulatorConfig::default();
    config.tokens.access_lifetime = Duration::from_secs(10);
    let world = World::of(Machine::new(), Service::with(config), "");
    let daemon = world.start();
    let renewals = world.service.asked("token");
    for round in 0..3 {
        world.write("a.txt", format!("round {round}"));
        world.synced();
        world.service.expire_access_tokens();
    }
    assert!(world.service.asked("token") > renewals);
    daemon.stop();
    // The renewed tokens were kept.
    world.settle();
}

#[test]
fn an_expired_token_is_renewed_by_a_command_too() {
    let world = World::new();
    world.service.expire_access_tokens();
    world.machine.jottad(["ls", ""]).expect(2);
    world.machine.jottad(["ls", "Jotta/Archive"]).expect(0);
    world.machine.jottad(["account"]).expect(0);
}

#[test]
fn a_revoked_login_needs_a_person_and_then_goes_on() {
    let world = World::new();
    world.write("a.txt", "a");
    let daemon = world.start();
    world.synced();
    world.service.revoke_sessions();
    world.service.expire_access_tokens();
    world.write("b.txt", "b");
    wait_until("the daemon needs a login", || world.machine.status()["verdict"] == "login_needed");
    world.sync(4);
    let asked = world.service.asked("token");
    world.sync(4);
    assert!(world.service.asked("token") <= asked + 1, "a dead token is asked for over and over");
    world.log_in();
    world.synced();
    daemon.stop();
}
