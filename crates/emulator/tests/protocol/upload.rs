//! Protocol 5: every row of the allocate table, content, cphash, old uploads, revisions.

use jottad_emulator::{Act, Effect, Fault, Matching};
use serde_json::json;

use crate::client::md5_of::md5;
use crate::client::{USER, World, send};

#[tokio::test]
async fn new_content_is_announced_sent_and_live() {
    let world = World::start().await;
    let allocated = world.allocate("Jotta/Archive/new/a.txt", b"hello").await.expect(200).json();
    assert_eq!((&allocated["state"], &allocated["resume_pos"]), (&json!("INCOMPLETE"), &json!(0)));
    let pending = world.jfs("Jotta/Archive/new/a.txt").await.expect(200);
    assert!(pending.has("<latestRevision>") && !pending.has("<currentRevision>"), "{}", pending.text);
    let sent = world.send_content(&allocated, b"hello", 0).await.expect(200).json();
    assert_eq!((&sent["bytes"], &sent["md5"]), (&json!(5), &json!(md5(b"hello"))));
    let file = world.jfs("Jotta/Archive/new/a.txt").await.expect(200);
    assert!(file.has("<number>1</number>") && file.has("<state>COMPLETED</state>"), "{}", file.text);
    assert!(file.has("<modified>2026-01-02-T03:04:05Z</modified>"));
    assert_eq!(world.jfs("Jotta/Archive/new/a.txt?mode=bin").await.expect(200).text, "hello");
}

#[tokio::test]
async fn known_content_is_live_without_an_upload() {
    let world = World::start().await;
    world.upload("Jotta/Archive/a", b"same").await;
    let allocated = world.allocate("Jotta/Sync/b", b"same").await.expect(200).json();
    assert_eq!(allocated["state"], "COMPLETED");
    assert!(allocated.get("upload_url").is_none());
    assert_eq!(world.state().content("Jotta/Sync/b").unwrap(), "same");
}

#[tokio::test]
async fn the_same_content_again_sets_the_times_and_no_number() {
    for (answer, number) in [("U17=kept", 1), ("U17=raised", 2)] {
        let world = World::answering(answer).await;
        world.upload("Jotta/Archive/a", b"x").await;
        let body = json!({"path":"/jfs/Jotta/Archive/a","bytes":1,"md5":md5(b"x"),
            "created":1000, "modified":"2020-01-01T00:00:00+01:00"});
        assert_eq!(world.allocate_json(body).await.expect(200).json()["state"], "COMPLETED");
        let entry = world.state().entry("Jotta/Archive/a").unwrap();
        assert_eq!((entry.created, entry.modified), (Some(1), Some(1_577_833_200)), "{answer}");
        assert_eq!(entry.revision, Some(number), "{answer}");
    }
}

#[tokio::test]
async fn other_content_replaces_the_current_revision_only_when_complete() {
    let world = World::start().await;
    world.upload("Jotta/Archive/a", b"one").await;
    let allocated = world.allocate("Jotta/Archive/a", b"two").await.expect(200).json();
    assert_eq!(world.jfs("Jotta/Archive/a?mode=bin").await.text, "one");
    world.send_content(&allocated, b"two", 0).await.expect(200);
    assert_eq!(world.jfs("Jotta/Archive/a?mode=bin").await.text, "two");
    assert_eq!(world.jfs("Jotta/Archive/a?mode=bin&revision=1").await.text, "one");
}

#[tokio::test]
async fn an_interrupted_upload_goes_on_where_it_ended() {
    let world = World::start().await;
    let content = vec![7; 300_000];
    let allocated = world.allocate("Jotta/Archive/big", &content).await.expect(200).json();
    let short = send(
        world
            .http
            .post(allocated["upload_url"].as_str().unwrap())
            .bearer_auth(&world.access)
            .body(content[..100_000].to_vec()),
    )
    .await;
    assert_eq!(short.expect(420).json()["error_id"], "IncompleteUploadOpenApiException");
    let direct = world.jfs("Jotta/Archive/big").await.expect(200);
    assert!(direct.has("<state>INCOMPLETE</state>") && direct.has("<size>100000</size>"), "{}", direct.text);
    assert!(!world.jfs("Jotta/Archive").await.expect(200).has("<size>100000</size>"));
    let again = world.allocate("Jotta/Archive/big", &content).await.expect(200).json();
    assert_eq!(again["resume_pos"], 100_000);
    world.send_content(&again, &content, 100_000).await.expect(200);
    assert_eq!(world.state().content("Jotta/Archive/big").unwrap(), content);
}

#[tokio::test]
async fn a_cut_connection_keeps_a_prefix() {
    let world = World::start().await;
    let content = vec![7; 300_000];
    world.state().add_fault(Fault::once(Matching::endpoint("upload"), Effect::CutRequest { after: 70_000 }));
    let allocated = world.allocate("Jotta/Archive/big", &content).await.expect(200).json();
    let request = world.http.post(allocated["upload_url"].as_str().unwrap()).bearer_auth(&world.access);
    assert!(request.body(content.clone()).send().await.is_err());
    let again = world.allocate("Jotta/Archive/big", &content).await.expect(200).json();
    assert_eq!(again["resume_pos"], 70_000);
    let other = world.allocate("Jotta/Archive/big", b"other").await.expect(200).json();
    assert_eq!(other["resume_pos"], 0);
    let first = world.allocate("Jotta/Archive/big", &content).await.expect(200).json();
    assert_eq!(first["resume_pos"], 0, "the partial upload of other content is forgotten");
}

#[tokio::test]
async fn wrong_bytes_make_a_corrupt_revision_and_harm_no_other() {
    for (answer, status) in [("U27=split", 421), ("U27=same", 420)] {
        let world = World::answering(answer).await;
        world.upload("Jotta/Archive/a", b"good").await;
        let allocated = world.allocate("Jotta/Archive/a", b"next").await.expect(200).json();
        let error = world.send_content(&allocated, b"oops", 0).await.expect(status).json();
        assert_eq!(error["error_id"], "CorruptUploadOpenApiException");
        let file = world.jfs("Jotta/Archive/a").await.expect(200);
        assert!(file.has("<latestRevision>") && file.has("<state>CORRUPT</state>"), "{}", file.text);
        assert_eq!(world.jfs("Jotta/Archive/a?mode=bin").await.text, "good");
        world.upload("Jotta/Archive/a", b"next").await;
        assert_eq!(world.jfs("Jotta/Archive/a?mode=bin").await.text, "next");
    }
}

#[tokio::test]
async fn a_trashed_file_is_live_again_with_its_revisions() {
    let world = World::start().await;
    world.upload("Jotta/Archive/d/a", b"one").await;
    world.upload("Jotta/Archive/d/b", b"other").await;
    world.command("Jotta/Archive/d?dlDir=true").await.expect(200);
    world.upload("Jotta/Archive/d/a", b"two").await;
    let entry = world.state().entry("Jotta/Archive/d/a").unwrap();
    assert_eq!((entry.deleted, entry.revision, entry.revisions), (false, Some(2), 2));
    assert!(!world.state().entry("Jotta/Archive/d").unwrap().deleted, "the parent is revived");
    assert!(world.state().entry("Jotta/Archive/d/b").unwrap().deleted, "the sibling is not");
}

#[tokio::test]
async fn no_bytes_need_no_upload() {
    let world = World::start().await;
    assert_eq!(world.allocate("Jotta/Archive/empty", b"").await.expect(200).json()["state"], "COMPLETED");
    assert_eq!(world.jfs("Jotta/Archive/empty?mode=bin").await.expect(200).text, "");
}

#[tokio::test]
async fn a_full_account_takes_nothing() {
    for (answer, status) in [("U29=460", 460), ("U29=403", 403), ("U29=507", 507)] {
        let world = World::answering(answer).await;
        world.upload("Jotta/Archive/a", b"12345").await;
        world.state().set_capacity(Some(8));
        world.allocate("Jotta/Archive/b", b"1234").await.expect(status);
        assert!(world.state().entry("Jotta/Archive/b").is_none(), "{answer}");
        world.allocate("Jotta/Archive/b", b"123").await.expect(200);
        assert!(world.jfs("").await.expect(200).has("<capacity>8</capacity>"));
    }
}

#[tokio::test]
async fn names_that_the_service_does_not_store_are_refused() {
    let world = World::start().await;
    for name in ["a\nb", "\u{7f}", &"x".repeat(256), "..", "."] {
        let error = world.allocate(&format!("Jotta/Archive/{name}"), b"x").await.expect(400).json();
        assert_eq!(error["error_id"], "InvalidArgumentException", "{name:?}");
    }
    world.allocate("Jotta/Archive/100%", b"x").await.expect(200);
    let html = world.jfs("Jotta/Archive/100%25").await.expect(400);
    assert!(html.has("<html>"), "the front proxy does not speak XML: {}", html.text);
}

#[tokio::test]
async fn a_live_folder_is_no_place_for_content() {
    let world = World::start().await;
    world.command("Jotta/Archive/d?mkDir=true").await.expect(200);
    world.allocate("Jotta/Archive/d", b"x").await.expect(409);
    world.state().set_switch("U21", "bad-request").unwrap();
    world.allocate("Jotta/Archive/d", b"x").await.expect(400);
}

#[tokio::test]
async fn conflicts_are_rejected_when_asked_for() {
    let world = World::start().await;
    let body = json!({"path":"/jfs/Jotta/Archive/a","bytes":1,"md5":md5(b"y"),"conflict_handler":"REJECT_CONFLICTS"});
    world.allocate_json(body.clone()).await.expect(200);
    world.upload("Jotta/Archive/a", b"x").await;
    assert_eq!(world.allocate_json(body).await.expect(409).json()["error_id"], "UniqueFileException");
}

#[tokio::test]
async fn requests_without_sense_are_refused() {
    let world = World::start().await;
    for body in [
        json!({"path":"/jfs/Jotta/Archive/a","bytes":1}),
        json!({"path":"/jfs/Jotta/Archive/a","bytes":1,"md5":"xyz"}),
        json!({"path":"/jfs/Jotta/Archive/a","bytes":-1,"md5":md5(b"")}),
        json!({"path":"/jfs/Jotta/Archive/a","bytes":1,"md5":md5(b"x"),"modified":"yesterday"}),
        json!({"path":"/jfs/Jotta","bytes":1,"md5":md5(b"x")}),
        json!([]),
    ] {
        world.allocate_json(body.clone()).await.expect(400);
    }
    world.allocate("Jotta/Trash/a", b"x").await.expect(403);
    world.allocate("nodevice/set/a", b"x").await.expect(404);
}

#[tokio::test]
async fn cphash_sets_times_restores_and_copies_but_never_needs_content() {
    let world = World::start().await;
    world.upload("Jotta/Archive/a", b"x").await;
    let touched = world.cphash("Jotta/Archive/a", b"x", "2020-01-01-T00:00:00+0100").await.expect(200);
    assert!(touched.has("<modified>2019-12-31-T23:00:00Z</modified>"), "{}", touched.text);
    world.command("Jotta/Archive/a?dl=true").await.expect(200);
    world.cphash("Jotta/Archive/a", b"x", "").await.expect(200);
    assert!(!world.state().entry("Jotta/Archive/a").unwrap().deleted);
    world.cphash("Jotta/Archive/new/b", b"x", "").await.expect(200);
    world.cphash("Jotta/Archive/c", b"unknown", "").await.expect(404);
    assert!(world.state().entry("Jotta/Archive/c").is_none());
}

#[tokio::test]
async fn an_old_upload_says_201_whatever_came() {
    let world = World::start().await;
    let post = |announced: &'static [u8], sent: &'static [u8]| {
        let request = world
            .http
            .post(world.url(&format!("/up/jfs/{USER}/Jotta/Archive/old?umode=nomultipart")))
            .bearer_auth(&world.access)
            .header("JSize", announced.len())
            .header("JMd5", md5(announced).to_uppercase())
            .header("JModified", "nonsense")
            .body(sent);
        send(request)
    };
    let good = post(b"good", b"good").await.expect(201);
    assert!(good.has("COMPLETED") && good.has(&md5(b"good").to_uppercase()), "{}", good.text);
    assert!(post(b"good", b"evil").await.expect(201).has("CORRUPT"));
    assert!(post(b"longer", b"lon").await.expect(201).has("INCOMPLETE"));
    assert!(post(b"longer", b"ger").await.expect(201).has(&md5(b"longer").to_uppercase()));
    assert_eq!(world.state().content("Jotta/Archive/old").unwrap(), "longer");
}

#[tokio::test]
async fn five_revisions_are_kept() {
    let world = World::start().await;
    for number in 0..8 {
        world.state().act(&Act::put("Jotta/Archive/a", format!("content {number}").as_bytes())).unwrap();
    }
    let entry = world.state().entry("Jotta/Archive/a").unwrap();
    assert_eq!((entry.revision, entry.revisions), (Some(8), 5));
    assert_eq!(world.jfs("Jotta/Archive/a?mode=bin&revision=4").await.expect(200).text, "content 3");
    world.jfs("Jotta/Archive/a?mode=bin&revision=3").await.expect(404);
}

#[tokio::test]
async fn the_last_of_two_uploads_wins_and_both_are_revisions() {
    for (answer, second) in [("U47=last-wins", 200), ("U47=conflict", 409)] {
        let world = World::answering(answer).await;
        let one = world.allocate("Jotta/Archive/a", b"one").await.expect(200).json();
        let two = world.allocate("Jotta/Archive/a", b"two").await.expect(200).json();
        world.send_content(&two, b"two", 0).await.expect(200);
        world.send_content(&one, b"one", 0).await.expect(second);
        let expected = if second == 200 { "one" } else { "two" };
        assert_eq!(world.state().content("Jotta/Archive/a").unwrap(), expected, "{answer}");
        assert!(world.state().holds_content(&md5(b"two")), "{answer}");
    }
}

#[tokio::test]
async fn content_has_ranges() {
    let world = World::start().await;
    world.upload("Jotta/Archive/a", b"0123456789").await;
    let range = |range: &'static str| {
        let url = world.url(&format!("/jfs/{USER}/Jotta/Archive/a?mode=bin"));
        send(world.http.get(url).bearer_auth(&world.access).header("range", range))
    };
    assert_eq!(range("bytes=2-4").await.expect(206).text, "234");
    assert_eq!(range("bytes=8-").await.expect(206).text, "89");
    assert!(range("bytes=10-").await.expect(416).has("RequestedRangeNotSatisfiedException"));
}

#[tokio::test]
async fn addresses_are_named_where_the_client_believes_the_service_to_be() {
    let world = World::start().await;
    let body = json!({"path": "/jfs/Jotta/Archive/a", "bytes": 1, "md5": md5(b"x")}).to_string();
    let asked_at =
        |url: String| world.http.post(url).header("host", "127.0.0.1:9").bearer_auth(&world.access);
    let allocated = send(asked_at(world.url("/files/v1/allocate")).body(body)).await.expect(200).json();
    let upload_url = allocated["upload_url"].as_str().unwrap();
    assert!(upload_url.starts_with("http://127.0.0.1:9/upload/"), "{upload_url}");
    let link = world.url("/auth/realms/jottacloud/.well-known/openid-configuration");
    let discovery = send(world.http.get(link).header("host", "127.0.0.1:9")).await.expect(200).json();
    let endpoint = discovery["token_endpoint"].as_str().unwrap();
    assert!(endpoint.starts_with("http://127.0.0.1:9/auth/"), "{endpoint}");
}
