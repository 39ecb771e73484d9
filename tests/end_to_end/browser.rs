//! Logging in with a browser: here, elsewhere, refused, and with strangers at the door.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};

use crate::stage::{Outcome, Terminal, World, browse, wait_until, where_to};

/// A login that waits for a browser, and the address that it printed.
fn begin(mut command: Command) -> (Child, String) {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    // Byte by byte, so that nothing of what follows is taken away.
    BufReader::with_capacity(1, child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    (child, line.trim().to_owned())
}

fn end(child: Child) -> Outcome {
    Outcome::new(&Command::new("the waiting login"), &child.wait_with_output().unwrap())
}

fn logged_out() -> World {
    let world = World::new();
    world.machine.jottad(["logout"]).expect(0);
    world
}

fn login(world: &World, arguments: &[&str]) -> Command {
    world.machine.command([&["login", "--redirect-port", "0"], arguments].concat())
}

/// The port that a browser is to come back to.
fn port_in(address: &str) -> String {
    let rest = address.split("redirect_uri=http%3A%2F%2Flocalhost%3A").nth(1).unwrap();
    rest.split('%').next().unwrap().to_owned()
}

fn parameter<'a>(address: &'a str, name: &str) -> &'a str {
    let rest = address.split(&format!("&{name}=")).nth(1).unwrap();
    rest.split('&').next().unwrap()
}

#[test]
fn a_brand_logs_in_by_browser_and_stays_so() {
    let world = logged_out();
    for (brand, realm, client) in [
        ("tele2", "/comhem/", "client_id=desktop&"),
        ("phonero", "/phonero/", "client_id=desktop-win&"),
        ("jottacloud", "/jottacloud/", "client_id=desktop&"),
    ] {
        let (child, address) = begin(login(&world, &["--brand", brand, "--no-browser"]));
        assert!(address.contains(realm) && address.contains(client), "{address}");
        assert!(address.contains("code_challenge_method=S256"), "{address}");
        let (status, page) = browse(&address);
        assert_eq!(status, 200, "{page}");
        let outcome = end(child).expect(0).says("logged in as kari@example.net");
        let outcome = outcome.complains("ssh -L").complains("paste it here");
        assert!(!outcome.stderr.contains("code="), "{outcome}");
        // A renewal names the same client, or the service would refuse it.
        world.service.expire_access_tokens();
        let account = world.machine.jottad(["account", "--json"]).expect(0).json();
        assert_eq!(account["login_brand"], brand);
    }
    world.write("a.txt", "a");
    world.settle();
}

#[test]
fn the_brand_of_the_config_needs_no_naming() {
    let world = logged_out();
    let config = fs::read_to_string(world.machine.config()).unwrap();
    fs::write(world.machine.config(), config.replace("[service]", "[service]\nbrand = \"telia_no\""))
        .unwrap();
    let (child, address) = begin(login(&world, &["--no-browser"]));
    assert!(address.contains("/realms/get/"), "{address}");
    browse(&address);
    end(child).expect(0);
    // A token of another brand is not what was configured.
    let token = world.service.login_token();
    let outcome = world.machine.jottad_with_input(["login", "--token-stdin"], &token);
    outcome.expect(2).complains("not of Telia Sky (Norway)");
}

#[test]
fn the_desktop_is_asked_to_open_the_address() {
    let world = logged_out();
    let programs = world.machine.beside("programs");
    fs::create_dir(&programs).unwrap();
    let visited = world.machine.beside("visited");
    let opener = programs.join(if cfg!(target_os = "macos") { "open" } else { "xdg-open" });
    let script =
        format!("#!/bin/sh\nprintf %s \"$1\" > '{0}.new' && mv '{0}.new' '{0}'\n", visited.display());
    fs::write(&opener, script).unwrap();
    fs::set_permissions(&opener, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let mut command = login(&world, &["--brand", "telia_se"]);
    command.env("PATH", &path).env("DISPLAY", ":7").stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    wait_until("the browser is opened", || visited.exists());
    browse(&fs::read_to_string(&visited).unwrap());
    end(child).expect(0).says("logged in as").complains("in the browser that opens");
    // With --no-browser, and where there is no screen, it is not asked.
    fs::remove_file(&visited).unwrap();
    for (arguments, screen) in
        [(&["--brand", "telia_se", "--no-browser"][..], ":7"), (&["--brand", "telia_se"], "")]
    {
        let mut command = login(&world, arguments);
        command.env("PATH", &path).env("DISPLAY", screen).env("SSH_CONNECTION", "1");
        let (child, address) = begin(command);
        browse(&address);
        end(child).expect(0);
    }
    assert!(!visited.exists());
}

#[test]
fn strangers_are_sent_away_and_a_refusal_is_told() {
    let world = logged_out();
    let (child, address) = begin(login(&world, &["--brand", "elkjop", "--no-browser"]));
    let door = format!("http://127.0.0.1:{}", port_in(&address));
    for stranger in ["/?code=stolen&state=guessed", "/?code=stolen", "/favicon.ico", "/?error=x&state=y"] {
        assert_eq!(browse(&format!("{door}{stranger}")).0, 404, "{stranger}");
    }
    let state = parameter(&address, "state");
    let (status, page) =
        browse(&format!("{door}/?error=access_denied&error_description=You+said+no&state={state}"));
    assert_eq!((status, page.contains("refused")), (200, true), "{page}");
    end(child).expect(4).complains("the login was refused: You said no").complains("hint: ");
    world.machine.jottad(["account"]).expect(4);
    // A code that the service did not give leads nowhere either.
    let (child, address) = begin(login(&world, &["--brand", "elkjop", "--no-browser"]));
    let state = parameter(&address, "state");
    browse(&format!("http://127.0.0.1:{}/?code=invented&state={state}", port_in(&address)));
    end(child).expect(4).complains("used up or expired").complains("hint: ");
}

#[test]
fn an_address_from_a_browser_elsewhere_can_be_pasted() {
    let world = logged_out();
    let mut terminal = Terminal::start(&login(&world, &["--brand", "onlime", "--no-browser"]));
    terminal.sees("http://");
    let mut address = "http://".to_owned();
    address.push_str(terminal.rest_of_line().trim());
    terminal.sees("paste it here").types("").types("https://example.net/?code=x");
    terminal.sees("not the address of this login").types(&where_to(&address));
    let (shown, code) = terminal.ends();
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("logged in as kari@example.net"), "{shown}");
}

#[test]
fn a_port_that_is_taken_is_told() {
    let world = logged_out();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let arguments = ["login", "--brand", "tele2", "--no-browser", "--redirect-port", &port];
    let outcome = world.machine.jottad(arguments).expect(1);
    outcome.complains(&format!("port {port}")).complains("hint: is another login running?");
}
