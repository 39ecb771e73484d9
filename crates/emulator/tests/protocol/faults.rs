//! Faults on demand: what a client sees, and what had an effect all the same.

use std::time::Duration;

use jottad_emulator::{Act, Effect, ErrorBody, Fault, Matching, RandomFaults};
use serde_json::json;

use crate::client::{USER, World, send};

impl World {
    async fn try_jfs(&self, path: &str) -> Result<String, reqwest::Error> {
        let url = self.url(&format!("/jfs/{USER}/{path}"));
        self.http.get(url).bearer_auth(&self.access).send().await?.text().await
    }

    async fn with_file() -> Self {
        let world = Self::start().await;
        world.upload("Jotta/Archive/a", b"0123456789").await;
        world.state().reset_counters();
        world
    }

    fn add(&self, endpoint: &str, effect: Effect) {
        self.state().add_fault(Fault::once(Matching::endpoint(endpoint), effect));
    }
}

#[tokio::test]
async fn a_status_comes_in_three_bodies_and_without_effect() {
    let world = World::with_file().await;
    for (body, part) in [(ErrorBody::Native, "<error>"), (ErrorBody::Html, "<html>"), (ErrorBody::Empty, "")]
    {
        world.add("dl", Effect::Status { status: 503, body, retry_after: Some(7) });
        let url = world.url(&format!("/jfs/{USER}/Jotta/Archive/a?dl=true"));
        let answer = world.http.post(url).bearer_auth(&world.access).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].to_str().unwrap()), (503, "7"));
        let text = answer.text().await.unwrap();
        assert!(text.contains(part) && text.is_empty() == part.is_empty(), "{text}");
    }
    assert!(!world.state().entry("Jotta/Archive/a").unwrap().deleted);
    assert_eq!(world.state().counters().faults, 3);
}

#[tokio::test]
async fn an_effect_may_have_taken_place_before_the_error() {
    let world = World::with_file().await;
    world.add("mv", Effect::StatusAfter { status: 500, body: ErrorBody::Native });
    world.transfer("mv", "Jotta/Archive/a", "Jotta/Archive/b").await.expect(500);
    assert!(world.state().entry("Jotta/Archive/b").is_some());
    world.add("mv", Effect::ResetAfter);
    let target = format!("%2F{USER}%2FJotta%2FArchive%2Fc");
    let url = world.url(&format!("/jfs/{USER}/Jotta/Archive/b?mv={target}"));
    assert!(world.http.post(&url).bearer_auth(&world.access).send().await.is_err());
    assert!(world.state().entry("Jotta/Archive/c").is_some());
    world.add("mv", Effect::ResetBefore);
    let back = world.url(&format!("/jfs/{USER}/Jotta/Archive/c?mv=%2F{USER}%2FJotta%2FArchive%2Fd"));
    assert!(world.http.post(&back).bearer_auth(&world.access).send().await.is_err());
    assert!(world.state().entry("Jotta/Archive/c").is_some());
}

#[tokio::test]
async fn answers_are_cut_truncated_and_spoilt() {
    let world = World::with_file().await;
    world.add("content", Effect::CutResponse { after: 4 });
    assert!(world.try_jfs("Jotta/Archive/a?mode=bin").await.is_err());
    world.add("content", Effect::TruncateResponse { after: 4 });
    assert_eq!(world.try_jfs("Jotta/Archive/a?mode=bin").await.unwrap(), "0123");
    world.add("content", Effect::WrongContent);
    let spoilt = world.try_jfs("Jotta/Archive/a?mode=bin").await.unwrap();
    assert!(spoilt.len() == 10 && spoilt != "0123456789", "{spoilt}");
    world.add("content", Effect::Drip { bytes: 3, pause: 1 });
    assert_eq!(world.try_jfs("Jotta/Archive/a?mode=bin").await.unwrap(), "0123456789");
    world.add("liststream", Effect::WithoutStats);
    assert!(!world.try_jfs("Jotta/Archive?mode=liststream").await.unwrap().contains("<stats>"));
    world.add("liststream", Effect::WrongStats);
    let wrong = world.try_jfs("Jotta/Archive?mode=liststream").await.unwrap();
    assert!(wrong.contains("<files>2</files>"), "{wrong}");
}

#[tokio::test]
async fn answers_are_garbage_huge_endless_or_elsewhere() {
    let world = World::with_file().await;
    world.add("metadata", Effect::Garbage);
    let garbage = world.jfs("Jotta/Archive").await.expect(200);
    assert!(!garbage.has("</folder>"));
    world.add("metadata", Effect::Huge { bytes: 1_000_000 });
    assert_eq!(world.jfs("Jotta/Archive").await.expect(200).text.len(), 1_000_000);
    world.add("metadata", Effect::EndlessHeaders);
    assert!(world.try_jfs("Jotta/Archive").await.is_err());
    world.add("metadata", Effect::Redirect { to: "http://127.0.0.1:1/".to_owned() });
    world.jfs("Jotta/Archive").await.expect(302);
    world.jfs("Jotta/Archive").await.expect(200);
}

#[tokio::test]
async fn a_lost_refresh_answer_ends_the_session() {
    let world = World::with_file().await;
    let form =
        [("grant_type", "refresh_token"), ("client_id", "jottacli"), ("refresh_token", &world.refresh)];
    world.add("token", Effect::ResetAfter);
    let url = world.url("/auth/realms/jottacloud/protocol/openid-connect/token");
    assert!(world.http.post(url).form(&form).send().await.is_err());
    world.token(&form).await.expect(400);
}

#[tokio::test]
async fn faults_wait_for_the_request_they_are_meant_for() {
    let world = World::with_file().await;
    let matching = Matching {
        endpoint: None,
        method: Some("GET".to_owned()),
        path: Some("Archive".to_owned()),
        query: Some("mode=bin".to_owned()),
    };
    world.state().add_fault(Fault::once(matching, Effect::status(500)).after(1).times(2));
    let mut seen = Vec::new();
    for _ in 0..4 {
        world.jfs("Jotta/Archive/a").await.expect(200);
        seen.push(world.jfs("Jotta/Archive/a?mode=bin").await.status);
    }
    assert_eq!(seen, [200, 500, 500, 200]);
    assert_eq!(world.state().waiting_faults(), 0);
}

#[tokio::test]
async fn another_device_acts_right_before_a_request() {
    let world = World::with_file().await;
    world.add("dl", Effect::Act { acts: vec![Act::put("Jotta/Archive/a", b"edited meanwhile")] });
    world.command("Jotta/Archive/a?dl=true").await.expect(200);
    let entry = world.state().entry("Jotta/Archive/a").unwrap();
    assert_eq!((entry.deleted, entry.revisions), (true, 2));
}

#[tokio::test]
async fn a_request_hangs_until_it_is_released() {
    let world = World::with_file().await;
    world.add("metadata", Effect::Hang);
    let hanging = world.jfs("Jotta/Archive/a");
    tokio::pin!(hanging);
    assert!(tokio::time::timeout(Duration::from_millis(50), &mut hanging).await.is_err());
    assert_eq!(world.state().counters().of("metadata"), 1);
    world.state().release();
    hanging.await.expect(200);
}

#[tokio::test]
async fn random_faults_follow_from_the_seed() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let world = World::with_file().await;
        world.state().set_random_faults(RandomFaults::percent(30.0));
        let mut run = Vec::new();
        for _ in 0..40 {
            run.push(world.try_jfs("Jotta/Archive/a").await.ok());
        }
        assert!(world.state().counters().faults > 0);
        // The time in the document is not of interest.
        runs.push(run.into_iter().map(|text| text.map(|text| text.contains("</file>"))).collect::<Vec<_>>());
    }
    assert_eq!(runs[0], runs[1]);
}

#[tokio::test]
async fn the_control_endpoint_does_what_the_library_does() {
    let world = World::with_file().await;
    let control = |name: &'static str, body: serde_json::Value| {
        send(world.http.post(world.url(&format!("/control/{name}"))).body(body.to_string()))
    };
    control(
        "act",
        json!([
            {"act":"put","path":"Jotta/Archive/text","content":{"text":"hi"},"modified":1000},
            {"act":"put","path":"Jotta/Archive/random","content":{"size":300_000,"seed":1}},
            {"act":"mkdir","path":"Jotta/Archive/d"},
            {"act":"move","from":"Jotta/Archive/d","to":"Jotta/Archive/e"},
            {"act":"delete","path":"Jotta/Archive/e"},
            {"act":"touch","path":"Jotta/Archive/text","modified":2000},
        ]),
    )
    .await
    .expect(200);
    control("act", json!({"act":"delete","path":"Jotta/Archive/none"})).await.expect(404);
    control("act", json!({"act":"dance"})).await.expect(400);
    let get = |path: &'static str| send(world.http.get(world.url(path)));
    let tree = get("/control/tree").await.expect(200).json();
    let paths: Vec<_> =
        tree["entries"].as_array().unwrap().iter().map(|entry| entry["path"].clone()).collect();
    let below = ["a", "e", "random", "text"].map(|name| format!("Jotta/Archive/{name}"));
    assert_eq!(
        paths,
        [vec!["Jotta/Archive".to_owned()], below.to_vec(), vec!["Jotta/Sync".to_owned()]].concat()
    );
    let entry = get("/control/entry?path=Jotta/Archive/text").await.expect(200).json();
    assert_eq!(
        (&entry["size"], &entry["modified"], &entry["kind"]),
        (&json!(2), &json!(2000), &json!("file"))
    );
    assert_eq!(get("/control/content?path=Jotta/Archive/text").await.expect(200).text, "hi");
    control(
        "faults",
        json!({"add":[{"matching":{"endpoint":"user"},"effect":{"kind":"status","status":502}}]}),
    )
    .await
    .expect(200);
    world.jfs("").await.expect(502);
    control("switches", json!({"U02":"every-folder"})).await.expect(200);
    control("switches", json!({"U02":"sometimes"})).await.expect(400);
    assert_eq!(get("/control/switches").await.json()["U02"], "every-folder");
    control("quota", json!({"capacity":5})).await.expect(200);
    world.allocate("Jotta/Archive/more", b"x").await.expect(460);
    control("lock", json!({"read":true})).await.expect(200);
    world.jfs("Jotta/Archive").await.expect(403);
    control("expire-tokens", json!({})).await.expect(200);
    world.jfs("").await.expect(401);
    let token = control("login-token", json!({})).await.expect(200).json();
    world.log_in(token["token"].as_str().unwrap()).await.expect(200);
    assert_eq!(get("/control/counters").await.json()["by_status"]["460"], 1);
    control("counters/reset", json!({})).await.expect(200);
    assert_eq!(get("/control/counters").await.json()["requests"], 0);
    control("nothing", json!({})).await.expect(404);
}

#[tokio::test]
async fn the_rate_of_requests_may_be_limited() {
    for (answer, status) in [("U28=429", 429), ("U28=503-bursts", 503)] {
        let world = World::with_file().await;
        world.state().set_switch("U28", answer.split_once('=').unwrap().1).unwrap();
        for _ in 0..200 {
            world.jfs("Jotta/Archive/a").await;
        }
        assert!(world.state().counters().by_status[&status] >= 4, "{answer}");
    }
}
