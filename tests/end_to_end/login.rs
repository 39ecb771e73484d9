//! Logging in, with a mistake at every prompt; whose login it is; and logins that belong to another machine.

use std::fs;

use jottad_emulator::{EmulatorConfig, LegacyLogin};

use crate::stage::{Machine, Service, Terminal, World, wait_until};

/// A service where somebody else has an account.
fn service_of(username: &str, email: &str) -> Service {
    let mut config = EmulatorConfig::default();
    (config.account.username, config.account.email) = (username.to_owned(), email.to_owned());
    Service::with(config)
}

/// A service that still takes the legacy login.
fn legacy_service() -> Service {
    let mut config = EmulatorConfig::default();
    let one_time_code = Some("123456".to_owned());
    config.tokens.legacy = Some(LegacyLogin { password: "correct horse".to_owned(), one_time_code });
    Service::with(config)
}

/// A world whose user has logged out again.
fn logged_out(service: Service) -> World {
    let world = World::of(Machine::new(), service, "");
    world.machine.jottad(["logout"]).expect(0);
    world.service.reset_counters();
    world
}

fn has_login(world: &World) -> bool {
    world.machine.state().join("credentials.json").exists()
}

#[test]
fn after_a_mistake_at_the_token_prompt_one_is_asked_again() {
    let world = logged_out(Service::start());
    let used = world.service.login_token();
    world.machine.jottad_with_input(["login", "--token-stdin"], &used).expect(0);
    world.machine.jottad(["logout"]).expect(0);
    let good = world.service.login_token();
    let mut terminal = Terminal::start(&world.machine.command(["login"]));
    terminal.sees("web/secure").sees("Token (it is not shown): ").types("");
    terminal.sees("Token").types("this is no token");
    terminal.sees("error: the login token is not valid").sees("hint: copy the whole token");
    terminal.sees("Token").types(&used);
    terminal.sees("used up, expired or wrong").sees("hint: each token works once");
    terminal.sees("Token").types(&good);
    let (shown, code) = terminal.ends();
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("logged in as kari@example.net"), "{shown}");
    assert!(!shown.contains(&good) && !shown.contains(&used), "{shown}");
    world.machine.jottad(["account"]).expect(0);
}

#[test]
fn mistakes_at_the_token_prompt_come_to_an_end() {
    let world = logged_out(Service::start());
    let mut terminal = Terminal::start(&world.machine.command(["login"]));
    for _ in 0..3 {
        terminal.sees("Token").types("aGVsbG8").sees("error: ");
    }
    let (shown, code) = terminal.ends();
    assert_eq!(code, Some(1), "{shown}");
    let mut terminal = Terminal::start(&world.machine.command(["login"]));
    for _ in 0..3 {
        terminal.sees("Token").types("");
    }
    let (shown, code) = terminal.ends();
    assert_eq!(code, Some(2), "{shown}");
    assert_eq!((has_login(&world), world.service.asked("token")), (false, 0));
}

#[test]
fn a_prompt_can_be_called_off() {
    let world = logged_out(Service::start());
    for key in ['c', 'd'] {
        let mut terminal = Terminal::start(&world.machine.command(["login"]));
        terminal.sees("Token").presses_control(key);
        let (shown, code) = terminal.ends();
        assert_ne!(code, Some(0), "{shown}");
        assert!(!shown.contains("panicked"), "{shown}");
    }
    assert_eq!((has_login(&world), world.service.asked("token")), (false, 0));
}

#[test]
fn without_a_terminal_nobody_is_asked() {
    let world = logged_out(legacy_service());
    world.machine.jottad(["login"]).expect(2).complains("no terminal").complains("--token-stdin");
    let legacy = world.machine.jottad_with_input(["login", "--legacy"], "kari@example.net\ncorrect horse\n");
    legacy.expect(2).complains("no terminal").complains("hint: ");
    assert_eq!(world.service.counters().requests, 0);
}

#[test]
fn the_legacy_login_bears_a_mistake_at_every_prompt() {
    let world = logged_out(legacy_service());
    let mut terminal = Terminal::start(&world.machine.command(["login", "--legacy"]));
    terminal.sees("No brand is known to serve this login");
    terminal.sees("E-mail address: ").types("").sees("E-mail address: ").types("kari@example.net");
    terminal.sees("Password").types("").sees("Password").types("wrong pony");
    terminal.sees("user name or password is wrong").sees("hint: ");
    terminal.sees("E-mail address: ").types("kari@example.net");
    terminal.sees("Password").types("correct horse");
    terminal.sees("sent by SMS").sees("One-time code: ").types("").sees("One-time code: ").types("654-321");
    terminal.sees("This is not the code.").sees("One-time code: ").types("123-456");
    let (shown, code) = terminal.ends();
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("logged in as kari@example.net"), "{shown}");
    for secret in ["correct horse", "wrong pony"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert_eq!(world.service.asked("legacy-register"), 1);
    for file in fs::read_dir(world.machine.state()).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            assert!(!text.contains("correct horse"), "{}", path.display());
        }
    }
    // It is renewed in the way, and as the client, that it was made with.
    world.service.expire_access_tokens();
    world.machine.jottad(["account"]).expect(0);
    world.settle();
}

#[test]
fn a_service_without_the_legacy_login_is_told_before_a_password_is_asked_for() {
    let world = logged_out(Service::start());
    let terminal = Terminal::start(&world.machine.command(["login", "--legacy"]));
    let (shown, code) = terminal.ends();
    assert_eq!(code, Some(4), "{shown}");
    assert!(shown.contains("no longer supported") && !shown.contains("Password"), "{shown}");
    assert!(shown.contains("hint: no brand is known to serve this login"), "{shown}");
}

#[test]
fn contradicting_wishes_are_refused() {
    let machine = Machine::new();
    for arguments in [
        &["login", "--legacy", "--token-stdin"][..],
        &["login", "--legacy", "--brand", "tele2"],
        &["login", "--legacy", "--no-browser"],
        &["login", "--token-stdin", "--no-browser"],
        &["login", "--list-brands", "--legacy"],
        &["login", "--password", "x"],
    ] {
        machine.jottad(arguments).expect(2);
    }
    machine
        .jottad(["login", "--brand", "nobody"])
        .expect(2)
        .complains("\"nobody\"")
        .complains("--list-brands");
}

#[test]
fn the_brands_are_listed() {
    let machine = Machine::new();
    machine.jottad(["login", "--list-brands"]).expect(0).says("jottacloud").says("Telia Sky (Norway)");
    let list = machine.jottad(["login", "--list-brands", "--json"]).expect(0).json();
    let brands = list["brands"].as_array().unwrap();
    assert_eq!(brands.len(), 13);
    assert!(brands.iter().any(|brand| brand["key"] == "phonero" && brand["name"] == "Phonero Sky (Norway)"));
}

#[test]
fn a_token_of_another_brand_is_not_spent() {
    let world = logged_out(Service::start());
    let token = world.service.login_token();
    let outcome = world.machine.jottad_with_input(["login", "--token-stdin", "--brand", "telia_no"], &token);
    outcome.expect(2).complains("a token of Jottacloud, not of Telia Sky").complains("it was not used");
    assert_eq!(world.service.counters().requests, 0);
    world.machine.jottad_with_input(["login", "--token-stdin", "--brand", "jottacloud"], &token).expect(0);
}

#[test]
fn a_login_service_that_is_none_is_named() {
    let world = logged_out(Service::start());
    let token = world.service.login_token();
    world.service.spoil("discovery", jottad_emulator::Effect::Garbage);
    let outcome = world.machine.jottad_with_input(["login", "--token-stdin"], &token).expect(8);
    outcome.complains("127.0.0.1").complains("hint: the token names this host");
    world.service.clear_faults();
    world.machine.jottad_with_input(["login", "--token-stdin"], &token).expect(0);
}

#[test]
fn another_account_is_refused_and_the_old_login_stays_in_force() {
    let world = World::new();
    world.write("a.txt", "a");
    world.settle();
    let before = fs::read(world.machine.state().join("credentials.json")).unwrap();
    let other = service_of("u9other", "lise@example.net");
    let config = fs::read_to_string(world.machine.config()).unwrap();
    let login = || world.machine.jottad_with_input(["login", "--token-stdin"], &other.login_token());

    // The configured service does not know the other's token; the token itself tells whose it is.
    login().expect(1).complains("u9other").complains("kari@example.net");
    fs::write(world.machine.config(), config.replace(&world.service.url(), &other.url())).unwrap();
    login()
        .expect(1)
        .complains("the login of lise@example.net")
        .complains("the folders here belong to kari@example.net")
        .complains("jottad folder remove");
    assert_eq!(fs::read(world.machine.state().join("credentials.json")).unwrap(), before);
    fs::write(world.machine.config(), &config).unwrap();
    world.machine.jottad(["account"]).expect(0).says("kari@example.net");
    world.settle();

    // Logging out is not forgetting whose the folders are.
    world.machine.jottad(["logout"]).expect(0);
    fs::write(world.machine.config(), config.replace(&world.service.url(), &other.url())).unwrap();
    login().expect(1).complains("belong to kari@example.net");
    world.machine.jottad(["account"]).expect(4);
    // Without folders there is nothing to mix up.
    world.machine.jottad(["folder", "remove", "docs"]).expect(0);
    login().expect(0).says("logged in as lise@example.net");
    world.machine.jottad(["account"]).expect(0).says("lise@example.net");
    assert_eq!(other.tree().iter().filter(|entry| entry.path.contains("docs")).count(), 0);
}

#[test]
fn whose_a_login_is_may_come_from_the_token_but_must_come_from_somewhere() {
    for (opaque, code) in [(false, 0), (true, 1)] {
        let mut config = EmulatorConfig::default();
        config.tokens.opaque = opaque;
        let world = World::of(Machine::new(), Service::with(config), "");
        let before = fs::read(world.machine.state().join("credentials.json")).unwrap();
        world.service.spoil("customer", jottad_emulator::Effect::status(503));
        let token = world.service.login_token();
        let outcome = world.machine.jottad_with_input(["login", "--token-stdin"], &token).expect(code);
        let is_kept = fs::read(world.machine.state().join("credentials.json")).unwrap() != before;
        assert_eq!(is_kept, !opaque, "{outcome}");
        if opaque {
            outcome
                .complains("whose login this is")
                .complains("hint: the login that was kept before is still");
        }
        world.service.clear_faults();
        world.machine.jottad(["account"]).expect(0).says("kari@example.net");
        world.settle();
    }
}

#[test]
fn logging_in_again_keeps_everything() {
    let world = World::new();
    world.fill("tree", 2, 5);
    let daemon = world.start();
    world.synced();
    world.service.reset_counters();
    for _ in 0..3 {
        world.log_in();
    }
    world.synced();
    assert_eq!(world.service.changes(), [""; 0]);
    world.machine.jottad(["logout"]).expect(0);
    wait_until("the daemon needs a login", || world.machine.status()["verdict"] == "login_needed");
    world.log_in();
    world.synced();
    assert_eq!(world.service.changes(), [""; 0]);
    daemon.stop();
}

/// Makes the kept login one of another machine, as a copy of the state directory is.
fn pretend_copied(world: &World) {
    let file = world.machine.state().join("credentials.json");
    let mut credentials: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert!(credentials["host"].is_string(), "this machine has no identity");
    credentials["host"] = "0123456789abcdef0123456789abcdef".into();
    fs::write(&file, credentials.to_string()).unwrap();
}

#[test]
fn a_copied_login_is_recognised_by_every_command_before_it_is_used() {
    let world = World::new();
    world.write("a.txt", "a");
    world.settle();
    pretend_copied(&world);
    world.service.expire_access_tokens();
    world.service.reset_counters();
    for command in
        [&["account"][..], &["ls", "Jotta/Archive"], &["devices"], &["get", "Jotta/Archive/docs/a.txt"]]
    {
        let outcome = world.machine.jottad(command).expect(4);
        outcome.complains("made on another machine").complains("hint: log in on this machine");
    }
    world.machine.jottad(["run", "--once"]).expect(4).says("made on another machine");
    world.machine.jottad(["doctor"]).expect(1).says("made on another machine").says("log in on this machine");
    let daemon = world.start();
    world.machine.jottad(["status"]).expect(4).says("made on another machine").says("log in on this machine");
    world.machine.jottad(["sync", "--wait"]).expect(4);
    assert_eq!(world.service.counters().requests, 0);
    // The remedy is one, and the sync state is still good.
    world.log_in();
    world.synced();
    assert_eq!(world.service.changes(), [""; 0]);
    daemon.stop();
}

#[test]
fn many_commands_at_once_renew_the_login_without_killing_it() {
    let world = World::new();
    for _ in 0..3 {
        world.service.expire_access_tokens();
        world.service.reset_counters();
        let start = |_| {
            let mut command = world.machine.command(["account"]);
            command.stdout(std::process::Stdio::null()).spawn().unwrap()
        };
        let commands: Vec<_> = (0..6).map(start).collect();
        for mut command in commands {
            assert!(command.wait().unwrap().success());
        }
        assert_eq!(world.service.asked("token"), 1);
    }
}

/// A world whose only folder has a table that is wrong.
fn badly_written() -> World {
    let world = World::new();
    world.write("a.txt", "a");
    world.settle();
    let config = fs::read_to_string(world.machine.config()).unwrap();
    fs::write(world.machine.config(), format!("{config}mode = \"mirror\"\n")).unwrap();
    world
}

#[test]
fn a_table_that_is_wrong_keeps_nobody_from_logging_in_or_using_the_account() {
    let world = badly_written();
    world.machine.jottad(["logout"]).expect(0);
    world.log_in();
    world.machine.jottad(["account"]).expect(0).says("kari@example.net");
    world.machine.jottad(["ls", "Jotta/Archive/docs"]).expect(0).says("a.txt");
    world.machine.jottad(["selftest", "Jotta/Archive/nowhere"]).expect(1).complains("nowhere");
}

#[test]
fn a_folder_whose_table_is_wrong_belongs_to_its_account_all_the_same() {
    let world = badly_written();
    let other = service_of("u9other", "lise@example.net");
    let config = fs::read_to_string(world.machine.config()).unwrap();
    fs::write(world.machine.config(), config.replace(&world.service.url(), &other.url())).unwrap();
    world
        .machine
        .jottad_with_input(["login", "--token-stdin"], &other.login_token())
        .expect(1)
        .complains("belong to kari@example.net");
}

#[test]
fn logging_out_and_in_is_followed_whatever_the_table_of_another_folder_says() {
    let pics = "[[folder]]\nname = \"pics\"\nlocal = \"~/pics\"\nremote = \"Jotta/Archive/pics\"\n";
    let world = World::configured(&format!("\n{pics}mode = \"mirror\"\n"));
    let daemon = world.start();
    world.machine.jottad(["sync", "docs", "--wait", "--timeout", "30s"]).expect(0);
    // It is refused as a whole.
    let config = fs::read_to_string(world.machine.config()).unwrap();
    fs::write(world.machine.config(), format!("{config}colour = \"red\"\n")).unwrap();
    world.machine.jottad(["logout"]).expect(0).complains("did not follow");
    wait_until("the daemon needs a login", || world.machine.status()["verdict"] == "login_needed");
    fs::write(world.machine.config(), config).unwrap();
    world.log_in();
    world.write("b.txt", "b");
    world.machine.jottad(["sync", "docs", "--wait", "--timeout", "30s"]).expect(0);
    assert!(world.service.has("Jotta/Archive/docs/b.txt"));
    daemon.stop();
}
