//! The CONNECT proxy: the service's own host names, and no others.

use jottad_emulator::{Act, EmulatorConfig};

use crate::client::{USER, World, send};

async fn proxied() -> (World, reqwest::Client) {
    let config =
        EmulatorConfig { proxy_listen: Some("127.0.0.1:0".parse().unwrap()), ..EmulatorConfig::default() };
    let world = World::with(config).await;
    let authority = reqwest::Certificate::from_pem(world.emulator.ca_pem().unwrap().as_bytes()).unwrap();
    let client = reqwest::Client::builder()
        .proxy(reqwest::Proxy::all(world.emulator.proxy_url().unwrap()).unwrap())
        .tls_certs_only([authority])
        .build()
        .unwrap();
    (world, client)
}

#[tokio::test]
async fn every_url_in_an_answer_leads_back_through_the_proxy() {
    let (world, client) = proxied().await;
    for (host, realm) in [("id.jottacloud.com", "jottacloud"), ("cloud.elkjop.no", "elkjop")] {
        let link = format!("https://{host}/auth/realms/{realm}/.well-known/openid-configuration");
        let document = send(client.get(&link)).await.expect(200).json();
        let expected = format!("https://{host}/auth/realms/{realm}/protocol/openid-connect/token");
        assert_eq!(document["token_endpoint"], expected);
    }
    let body = r#"{"path":"/jfs/Jotta/Archive/a","bytes":1,"md5":"9dd4e461268c8034f5c8564e155c67a6"}"#;
    let allocate = client.post("https://api.jottacloud.com/files/v1/allocate").bearer_auth(&world.access);
    let allocated = send(allocate.body(body)).await.expect(200).json();
    let upload_url = allocated["upload_url"].as_str().unwrap();
    assert!(upload_url.starts_with("https://up-"), "{upload_url}");
    send(client.post(upload_url).bearer_auth(&world.access).body("x")).await.expect(200);
    let file = format!("https://jfs.jottacloud.com/jfs/{USER}/Jotta/Archive/a?mode=bin");
    let answer = client.get(&file).bearer_auth(&world.access).send().await.unwrap();
    assert_eq!(answer.version(), reqwest::Version::HTTP_2);
    assert_eq!(answer.text().await.unwrap(), "x");
}

#[tokio::test]
async fn no_other_host_is_reached() {
    let (world, client) = proxied().await;
    for url in
        ["https://example.net/", "http://jfs.jottacloud.com/jfs/", "https://jfs.jottacloud.com:8443/jfs/"]
    {
        let answer = client.get(url).send().await;
        assert!(answer.is_err() || answer.is_ok_and(|answer| answer.status() == 403), "{url}");
    }
    let control = client.get("https://jfs.jottacloud.com/control/tree").bearer_auth(&world.access);
    send(control).await.expect(404);
}

#[tokio::test]
async fn an_account_outlives_its_absence() {
    let (mut world, client) = proxied().await;
    world.state().act(&Act::put("Jotta/Archive/a", b"x")).unwrap();
    let proxied_url = format!("https://jfs.jottacloud.com/jfs/{USER}/Jotta/Archive/a");
    world.emulator.go_offline().await.unwrap();
    let url = world.url(&format!("/jfs/{USER}/Jotta/Archive/a"));
    assert!(world.http.get(&url).send().await.is_err());
    assert!(client.get(&proxied_url).send().await.is_err());
    world.emulator.go_online().await.unwrap();
    world.jfs("Jotta/Archive/a").await.expect(200);
    send(client.get(&proxied_url).bearer_auth(&world.access)).await.expect(200);
}

#[tokio::test]
async fn only_loopback_is_listened_on() {
    let config = EmulatorConfig { listen: "0.0.0.0:0".parse().unwrap(), ..EmulatorConfig::default() };
    let error = jottad_emulator::Emulator::start(config).await.err().unwrap().to_string();
    assert_eq!(
        error,
        "cannot listen on 0.0.0.0:0: only loopback addresses are allowed, for example 127.0.0.1:0"
    );
}

#[test]
fn the_program_says_where_it_is() {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};
    let home = tempfile::tempdir().unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_jottad-emulator"))
        .args(["--proxy-listen", "127.0.0.1:0", "--switch", "U02=every-folder", "--token-file", "token"])
        .current_dir(home.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(program.stdout.take().unwrap()).lines().take(5);
    let lines: Vec<_> = lines.map(|line| line.unwrap()).collect();
    let keys: Vec<_> = lines.iter().map(|line| line.split_once('=').unwrap().0).collect();
    assert_eq!(keys, ["base_url", "login_token", "proxy_url", "ca_file", "proxy_login_token"]);
    assert_eq!(std::fs::read_to_string(home.path().join("token")).unwrap(), lines[1]["login_token=".len()..]);
    assert!(home.path().join("jottad-emulator-ca.pem").exists());
    let killed = Command::new("kill").arg(program.id().to_string()).status().unwrap();
    assert!(killed.success() && program.wait().unwrap().success(), "SIGTERM is a clean end");
}

#[test]
fn wrong_options_are_named() {
    let program = env!("CARGO_BIN_EXE_jottad-emulator");
    for (arguments, part) in [
        (["--switch", "U02=maybe"], "switch U02 has no answer"),
        (["--fault", "birds=3"], "is no fault"),
        (["--latency", "soon"], "is no duration"),
        (["--listen", "0.0.0.0:0"], "only loopback"),
    ] {
        let output = std::process::Command::new(program).args(arguments).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && errors.contains(part), "{errors}");
    }
    let output = std::process::Command::new(program).arg("--list-switches").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 50);
}
