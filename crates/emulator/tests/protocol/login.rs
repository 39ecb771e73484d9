//! Protocol 2 and 3: tokens, customer, user, devices.

use serde_json::json;

use crate::client::{USER, World, send};

#[tokio::test]
async fn a_login_token_is_good_for_one_login() {
    let world = World::start().await;
    let token = world.emulator.login_token();
    let grant = world.log_in(&token).await.expect(200).json();
    assert_eq!(grant["scope"], "openid email offline_access");
    assert_eq!(grant["token_type"], "bearer");
    let error = world.log_in(&token).await.expect(401).json();
    assert_eq!(error["error"], "invalid_grant");
}

#[tokio::test]
async fn a_refresh_rotates_and_a_reused_token_ends_the_family() {
    let world = World::start().await;
    let refresh = |token: String| {
        let world = &world;
        async move {
            let form =
                [("grant_type", "refresh_token"), ("client_id", "jottacli"), ("refresh_token", &token)];
            world.token(&form).await
        }
    };
    let next = refresh(world.refresh.clone()).await.expect(200).json();
    let next = next["refresh_token"].as_str().unwrap().to_owned();
    assert_ne!(next, world.refresh);
    let error = refresh(world.refresh.clone()).await.expect(400).json();
    assert_eq!(
        error,
        json!({"error":"invalid_grant","error_description":"Session doesn't have required client"})
    );
    refresh(next).await.expect(400);
    world.get("/account/v1/customer").await.expect(200);
}

#[tokio::test]
async fn wrong_refresh_requests_are_refused_and_harm_nothing() {
    let world = World::start().await;
    for form in [
        vec![("grant_type", "REFRESH_TOKEN"), ("client_id", "jottacli"), ("refresh_token", &world.refresh)],
        vec![("grant_type", "refresh_token"), ("client_id", "desktop"), ("refresh_token", &world.refresh)],
        vec![("grant_type", "refresh_token"), ("refresh_token", &world.refresh)],
        vec![
            ("grant_type", "refresh_token"),
            ("client_id", "jottacli"),
            ("client_secret", "x"),
            ("refresh_token", &world.refresh),
        ],
    ] {
        world.token(&form).await.expect(400);
    }
    let form =
        [("grant_type", "refresh_token"), ("client_id", "jottacli"), ("refresh_token", &world.refresh)];
    world.token(&form).await.expect(200);
}

#[tokio::test]
async fn an_expired_token_gets_401_in_the_form_of_the_host() {
    let world = World::start().await;
    world.state().expire_access_tokens();
    let xml = world.jfs("").await.expect(401);
    assert!(xml.has("BadCredentialsException"));
    let json = world.get("/account/v1/customer").await.expect(401).json();
    assert_eq!(json["error_id"], "BadCredentialsException");
    world.state().set_switch("U25", "empty").unwrap();
    assert_eq!(world.jfs("").await.expect(401).text, "");
}

#[tokio::test]
async fn the_browser_flow_gives_a_code_for_tokens() {
    let world = World::start().await;
    let auth = "/auth/realms/telia_no/protocol/openid-connect/auth?client_id=desktop&response_type=code\
        &scope=openid+jotta-default+offline_access&state=a%20b&redirect_uri=http%3A%2F%2Flocalhost%3A53682%2F";
    let answer = world.http.get(world.url(auth)).send().await.unwrap();
    assert_eq!(answer.status(), 302);
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    assert!(location.starts_with("http://localhost:53682/?state=a%20b&"), "{location}");
    let code = location.rsplit_once("code=").unwrap().1;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "desktop"),
        ("code", code),
        ("redirect_uri", "http://localhost:53682/"),
    ];
    world.token(&form).await.expect(200);
    world.token(&form).await.expect(400);
}

#[tokio::test]
async fn the_legacy_login_is_off_unless_configured() {
    use jottad_emulator::{EmulatorConfig, LegacyLogin};
    let world = World::start().await;
    world.post("/auth/v1/register?device_id=x").await.expect(400);

    let mut config = EmulatorConfig::default();
    config.tokens.legacy =
        Some(LegacyLogin { password: "secret".to_owned(), one_time_code: Some("123456".to_owned()) });
    let world = World::with(config).await;
    let device = world.post("/auth/v1/register?device_id=x").await.expect(200).json();
    let url = format!(
        "/auth/v1/token?grant_type=PASSWORD&username=kari%40example.net&password=secret&client_id={}&client_secret={}",
        device["client_id"].as_str().unwrap(),
        device["client_secret"].as_str().unwrap()
    );
    let asked = world.http.post(world.url(&url)).send().await.unwrap();
    assert_eq!(asked.headers()["x-jottacloud-otp"], "required; SMS");
    send(world.http.post(world.url(&url)).header("X-Jottacloud-Otp", "123456")).await.expect(200);
}

#[tokio::test]
async fn paths_belong_to_the_user_of_the_token() {
    let world = World::start().await;
    assert!(world.get("/jfs/kari%40example.net/Jotta").await.expect(401).has("Token mismatch!"));
    assert!(
        world.get("/jfs/").await.expect(400).has("UsernameNotFoundException: Username not found in url!")
    );
}

#[tokio::test]
async fn the_account_documents_name_user_quota_and_devices() {
    let world = World::start().await;
    let customer = world.get("/account/v1/customer").await.expect(200).json();
    assert_eq!(customer["username"], USER);
    assert_eq!(customer["quota"], -1);
    let user = world.jfs("").await.expect(200);
    assert!(user.has("<capacity>-1</capacity>") && user.has("<type>JOTTA</type>"), "{}", user.text);
    let device = world.jfs("jotta").await.expect(200);
    assert!(device.has("<name xml:space=\"preserve\">Archive</name>"), "{}", device.text);
    assert!(device.has("<modified></modified>") && device.has("num_mountpoints=\"2\""));
}

#[tokio::test]
async fn devices_and_mountpoints_are_made_trashed_and_removed() {
    let world = World::start().await;
    world.command("laptop").await.expect(500);
    for _ in 0..2 {
        let made = world.command("laptop?type=WORKSTATION").await.expect(201);
        assert!(!made.has("mountPoints"), "{}", made.text);
    }
    world.command("laptop/set").await.expect(201);
    world.command("Laptop/SET").await.expect(200);
    world.command("laptop/other/deep/er?mkDir=true").await.expect(200);
    assert!(world.command("laptop/set?dl=true").await.expect(200).has("<deleted>"));
    let device = world.jfs("laptop").await.expect(200);
    assert!(device.has("<deleted>") && device.has("num_mountpoints=\"2\""), "{}", device.text);
    assert!(world.command("laptop/set?rm=true").await.expect(200).has("num_mountpoints=\"1\""));
    world.command("laptop?rm=true").await.expect(200);
    world.jfs("laptop").await.expect(404);
}
