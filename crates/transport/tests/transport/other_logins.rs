//! Logins by browser and the legacy one (protocol 2.4, 2.5).

use jottad_emulator::{Emulator, EmulatorConfig, LegacyLogin as Accepted, TokenRules};
use jottad_transport::{
    Brand, BrowserLogin, Client, ClientOptions, Endpoints, Error, ErrorKind, LegacyDevice, LegacyLogin,
    Result, Session,
};
use secrecy::SecretString;
use tempfile::TempDir;

use crate::account::{credential_file, host, http};

async fn check(emulator: &Emulator, session: Session, directory: &TempDir) {
    let endpoints = Endpoints::on_one_host(&emulator.base_url());
    let client = Client::new(endpoints, session, ClientOptions::default()).unwrap();
    client.customer().await.unwrap();
    // Renewing names the same client as the login did.
    emulator.state().expire_access_tokens();
    client.customer().await.unwrap();
    let kept = Session::open(http(), credential_file(directory), &host()).unwrap();
    assert_eq!(kept.brand(), client.session().brand());
}

/// Waits for the browser and keeps the login.
async fn finish(login: BrowserLogin, directory: &TempDir) -> Result<Session> {
    let code = login.wait().await?;
    login.redeem(code, credential_file(directory), &host()).await?.keep()
}

/// A browser: goes where it is sent, and back again.
async fn browse(url: &str) {
    let browser = reqwest::Client::builder().no_proxy().build().unwrap();
    browser.get(url).send().await.unwrap().error_for_status().unwrap();
}

#[tokio::test]
async fn every_brand_logs_in_by_browser() {
    let emulator = Emulator::start(EmulatorConfig::default()).await.unwrap();
    let endpoints = Endpoints::on_one_host(&emulator.base_url());
    for brand in Brand::ALL {
        let directory = TempDir::new().unwrap();
        let login = BrowserLogin::begin(http(), &endpoints, brand, 0).await.unwrap();
        assert!(login.url().contains("code_challenge"), "{}", login.url());
        let url = login.url().to_owned();
        let (session, ()) = tokio::join!(finish(login, &directory), browse(&url));
        let session = session.unwrap();
        assert_eq!(session.brand(), brand.key);
        check(&emulator, session, &directory).await;
    }
}

#[tokio::test]
async fn strangers_at_the_door_do_not_disturb_a_login() {
    let emulator = Emulator::start(EmulatorConfig::default()).await.unwrap();
    let endpoints = Endpoints::on_one_host(&emulator.base_url());
    let directory = TempDir::new().unwrap();
    let login = BrowserLogin::begin(http(), &endpoints, &Brand::ALL[0], 0).await.unwrap();
    let url = login.url().to_owned();
    let redirect = url.split("redirect_uri=http%3A%2F%2Flocalhost%3A").nth(1).unwrap();
    let port: u16 = redirect.split('%').next().unwrap().parse().unwrap();
    let strangers = async {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        for target in
            ["favicon.ico", "?code=stolen&state=guessed", "?code=stolen", "?error=access_denied&state=x", ""]
        {
            let answer = client.get(format!("http://127.0.0.1:{port}/{target}")).send().await.unwrap();
            assert_eq!(answer.status().as_u16(), 404, "{target}");
        }
        let mut rude = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut rude, b"\xff\xfe\r\n\r\n").await.unwrap();
        // One that says nothing does not keep the others waiting.
        let _silent = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let begun = std::time::Instant::now();
        browse(&url).await;
        assert!(begun.elapsed() < std::time::Duration::from_secs(4));
    };
    let (session, ()) = tokio::join!(finish(login, &directory), strangers);
    check(&emulator, session.unwrap(), &directory).await;
}

#[tokio::test]
async fn a_browser_elsewhere_hands_its_address_over() {
    let emulator = Emulator::start(EmulatorConfig::default()).await.unwrap();
    let endpoints = Endpoints::on_one_host(&emulator.base_url());
    let directory = TempDir::new().unwrap();
    let begin = || BrowserLogin::begin(http(), &endpoints, &Brand::ALL[0], 0);
    let browser =
        reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let login = begin().await.unwrap();
    let answer = browser.get(login.url()).send().await.unwrap();
    let address = answer.headers()["location"].to_str().unwrap().to_owned();
    let other = begin().await.unwrap();
    assert!(other.read_address(&address).is_none(), "another login's address");
    for wrong in ["", "http://localhost/", "no address", "file:///etc/passwd", "https://"] {
        assert!(login.read_address(wrong).is_none(), "{wrong}");
    }
    let without_scheme = address.strip_prefix("http://").unwrap();
    assert!(login.read_address(without_scheme).unwrap().is_ok());
    let code = login.read_address(&format!(" {address}\n")).unwrap().unwrap();
    let granted = login.redeem(code, credential_file(&directory), &host()).await.unwrap();
    check(&emulator, granted.keep().unwrap(), &directory).await;
}

#[tokio::test]
async fn the_service_s_refusal_is_told() {
    let emulator = Emulator::start(EmulatorConfig::default()).await.unwrap();
    let endpoints = Endpoints::on_one_host(&emulator.base_url());
    let login = BrowserLogin::begin(http(), &endpoints, &Brand::ALL[0], 0).await.unwrap();
    let state = login.url().split("state=").nth(1).unwrap().split('&').next().unwrap();
    let address =
        format!("http://localhost/?error=access_denied&error_description=Not+today%1b&state={state}");
    let error = login.read_address(&address).unwrap().unwrap_err();
    assert_eq!(error.to_string(), "the login was refused: Not today");
}

#[tokio::test]
async fn a_service_without_pkce_is_not_bothered_with_it() {
    let tokens = TokenRules { pkce: false, ..TokenRules::default() };
    let emulator = Emulator::start(EmulatorConfig { tokens, ..EmulatorConfig::default() }).await.unwrap();
    let endpoints = Endpoints::on_one_host(&emulator.base_url());
    let directory = TempDir::new().unwrap();
    let login = BrowserLogin::begin(http(), &endpoints, &Brand::ALL[0], 0).await.unwrap();
    assert!(!login.url().contains("challenge"), "{}", login.url());
    let url = login.url().to_owned();
    let (session, ()) = tokio::join!(finish(login, &directory), browse(&url));
    check(&emulator, session.unwrap(), &directory).await;
}

#[tokio::test]
async fn a_code_is_not_spent_when_the_login_cannot_be_kept() {
    let emulator = Emulator::start(EmulatorConfig::default()).await.unwrap();
    let endpoints = Endpoints::on_one_host(&emulator.base_url());
    let login = BrowserLogin::begin(http(), &endpoints, &Brand::ALL[0], 0).await.unwrap();
    let url = login.url().to_owned();
    let (code, ()) = tokio::join!(login.wait(), browse(&url));
    let nowhere = jottad_transport::CredentialFile::new("/nowhere/at/all/credentials.json");
    let error = login.redeem(code.unwrap(), nowhere, &host()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Local);
    assert_eq!(emulator.state().counters().of("token"), 0);
}

#[tokio::test]
async fn one_port_serves_one_login_at_a_time() {
    let emulator = Emulator::start(EmulatorConfig::default()).await.unwrap();
    let endpoints = Endpoints::on_one_host(&emulator.base_url());
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = BrowserLogin::begin(http(), &endpoints, &Brand::ALL[0], port).await.unwrap_err();
    assert!(matches!(error, Error::RedirectPort { port: told, .. } if told == port), "{error}");
}

#[tokio::test]
async fn the_legacy_login_asks_for_a_code_where_there_is_one() {
    let legacy = Accepted { password: "correct".to_owned(), one_time_code: Some("123456".to_owned()) };
    let tokens = TokenRules { legacy: Some(legacy), ..TokenRules::default() };
    let emulator = Emulator::start(EmulatorConfig { tokens, ..EmulatorConfig::default() }).await.unwrap();
    let endpoints = Endpoints::on_one_host(&emulator.base_url());
    let directory = TempDir::new().unwrap();
    let device = LegacyDevice::register(&http(), &endpoints, &LegacyDevice::fresh_id()).await.unwrap();
    let attempt = async |password: &str, code: Option<&str>| {
        let login = LegacyLogin {
            username: "kari@example.net".to_owned(),
            password: SecretString::from(password),
            one_time_code: code.map(str::to_owned),
        };
        let granted = device.log_in(http(), &endpoints, &login, credential_file(&directory), &host()).await;
        granted.and_then(jottad_transport::GrantedLogin::keep)
    };
    let error = attempt("wrong", None).await.unwrap_err();
    assert!(matches!(error, Error::LoginRefused { .. }), "{error}");
    assert!(!error.to_string().contains("wrong password"));
    let error = attempt("correct", None).await.unwrap_err();
    assert!(matches!(&error, Error::OneTimeCodeNeeded { channel } if channel == "SMS"), "{error}");
    let error = attempt("correct", Some("654-321")).await.unwrap_err();
    assert!(matches!(error, Error::OneTimeCodeNeeded { .. }), "{error}");
    let session = attempt("correct", Some("123-456")).await.unwrap();
    check(&emulator, session, &directory).await;
    let kept = std::fs::read_to_string(credential_file(&directory).path()).unwrap();
    assert!(!kept.contains("correct"), "the password is not kept");
}

#[tokio::test]
async fn a_service_without_legacy_login_says_so() {
    let emulator = Emulator::start(EmulatorConfig::default()).await.unwrap();
    let endpoints = Endpoints::on_one_host(&emulator.base_url());
    let error = LegacyDevice::register(&http(), &endpoints, "x").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LoginNeeded);
}
