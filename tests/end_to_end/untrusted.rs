//! Who answers in the service's place: a proxy that opens what is encrypted, or the login page of a network.

use std::fs;

use jottad_emulator::EmulatorConfig;

use crate::stage::{Machine, Outcome, Service};

#[test]
fn who_cannot_prove_to_be_the_service_is_not_spoken_to_and_the_remedy_is_named() {
    let proxy_listen = Some("127.0.0.1:0".parse().unwrap());
    let service = Service::with(EmulatorConfig { proxy_listen, ..EmulatorConfig::default() });
    let machine = Machine::new();
    let authority = machine.beside("ca.pem");
    fs::write(&authority, service.proxy().1).unwrap();
    let token = machine.beside("token");
    fs::write(&token, service.login_token_for("id.jottacloud.com", "jottacloud")).unwrap();
    let run = |arguments: &[&str], is_trusted: bool| {
        let mut command = machine.command(arguments);
        command.env("HTTPS_PROXY", service.proxy().0);
        command.stdin(fs::File::open(&token).unwrap());
        if is_trusted {
            command.env("SSL_CERT_FILE", &authority);
        }
        Outcome::of(command)
    };
    run(&["login", "--token-stdin"], true).expect(0);
    service.reset_counters();
    let said = run(&["ls", "Jotta"], false).expect(8).complains("invalid peer certificate");
    let said = said.complains("hint: a proxy or the login page of this network may answer in its place");
    assert_eq!(said.stderr.lines().count(), 2, "each line is said once, by jottad:\n{}", said.stderr);
    run(&["doctor"], false).says("SSL_CERT_FILE");
    assert_eq!(service.counters().requests, 0);
    run(&["ls", "Jotta"], true).expect(0);
}
