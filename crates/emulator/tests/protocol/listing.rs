//! Protocol 4 and 9.5: listings of one level, recursive listings, names, events.

use futures_util::{SinkExt as _, StreamExt as _};
use jottad_emulator::{Act, PutState, Source};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::client::{USER, World};

fn small_tree(world: &World) {
    for act in [
        Act::put_at("Jotta/Archive/a.txt", b"a", 1_767_323_045),
        Act::put_at("Jotta/Archive/reports/deep/budget.ods", b"bb", 1_767_323_045),
        Act::mkdir("Jotta/Archive/empty"),
        Act::put("Jotta/Archive/gone.txt", b"c"),
        Act::delete("Jotta/Archive/gone.txt"),
        Act::Put {
            path: "Jotta/Archive/half.iso".to_owned(),
            content: Source::Random { size: 10, seed: 1 },
            modified: None,
            created: None,
            state: PutState::Incomplete,
        },
    ] {
        world.state().act(&act).unwrap();
    }
}

#[tokio::test]
async fn a_folder_lists_one_level_with_tombstones_and_unfinished_files() {
    let world = World::start().await;
    small_tree(&world);
    let listing = world.jfs("Jotta/archive").await.expect(200);
    assert!(listing.has("<mountPoint time="), "{}", listing.text);
    assert!(listing.has("<folder name=\"reports\"/>") && !listing.has("budget"));
    assert!(listing.has("<file name=\"gone.txt\" uuid="));
    assert!(listing.has("<abspath xml:space=\"preserve\">/u7k2m9qp0example/Jotta/Archive</abspath>"));
    assert!(listing.has("total=\"5\" num_folders=\"2\" num_files=\"3\""));
    let (_, half) = listing.text.split_once("half.iso").unwrap();
    assert!(half.contains("<state>INCOMPLETE</state>") && !half.contains("<size>"), "{half}");
    let empty = world.jfs("Jotta/Archive/empty").await.expect(200);
    assert!(empty.has("<folder name=\"empty\" time=") && !empty.has("<files>") && !empty.has("<folders>"));
}

#[tokio::test]
async fn names_are_found_in_any_letter_case_and_keep_their_first() {
    let world = World::start().await;
    world.upload("Jotta/Archive/B.txt", b"1").await;
    world.upload("Jotta/Archive/b.TXT", b"2").await;
    let entry = world.state().entry("Jotta/Archive/b.txt").unwrap();
    assert_eq!((entry.path.as_str(), entry.revisions), ("Jotta/Archive/B.txt", 2));
    assert!(world.jfs("JOTTA/archive/b.txt").await.expect(200).has("name=\"B.txt\""));
}

#[tokio::test]
async fn awkward_names_survive_xml_and_urls() {
    let world = World::start().await;
    for (name, url) in [
        ("a+b&c=d", "a%2Bb&c=d"),
        (" lead", "%20lead"),
        ("trail.", "trail."),
        ("<&>\"'", "%3C%26%3E%22%27"),
        ("æøå Ω😀", "%C3%A6%C3%B8%C3%A5%20%CE%A9%F0%9F%98%80"),
        ("#tag;@,$", "%23tag;@,$"),
        ("‛FF", "%E2%80%9BFF"),
    ] {
        world.upload(&format!("Jotta/Archive/{name}"), name.as_bytes()).await;
        assert_eq!(world.jfs(&format!("Jotta/Archive/{url}?mode=bin")).await.expect(200).text, name);
    }
    let listing = world.jfs("Jotta/Archive").await.expect(200);
    assert!(
        listing.has("name=\"&lt;&amp;&gt;&quot;'\"") && listing.has("name=\" lead\""),
        "{}",
        listing.text
    );
    world.upload("Jotta/Archive/a b", b"plus is a space").await;
    assert_eq!(world.jfs("Jotta/Archive/a+b?mode=bin").await.expect(200).text, "plus is a space");
}

#[tokio::test]
async fn liststream_is_consistent_under_both_policies() {
    let both = "<file><path>/Archive</path><filename>a.txt</filename>\
        <md5>0cc175b9c0f1b6a831c399e269772661</md5><size>1</size>\
        <modified>2026-01-02T03:04:05.000Z</modified><created>2026-01-02T03:04:05.000Z</created></file>";
    for (answer, folders) in [
        ("U02=without-files", vec!["/Archive/empty", "/Archive/reports"]),
        ("U02=every-folder", vec!["/Archive", "/Archive/empty", "/Archive/reports", "/Archive/reports/deep"]),
    ] {
        let world = World::answering(answer).await;
        small_tree(&world);
        let stream = world.jfs("Jotta/Archive?mode=liststream").await.expect(200);
        assert!(stream.has(both), "{answer}: {}", stream.text);
        assert!(
            stream.has("<stats><folders>4</folders><files>2</files></stats>"),
            "{answer}: {}",
            stream.text
        );
        assert!(!stream.has("gone.txt") && !stream.has("half.iso"));
        let announced: Vec<_> = stream
            .text
            .lines()
            .filter_map(|line| line.strip_prefix("<folder><path>")?.strip_suffix("</path></folder>"))
            .collect();
        assert_eq!(announced, folders, "{answer}");
    }
}

#[tokio::test]
async fn liststream_of_a_part_has_paths_from_the_mountpoint() {
    let world = World::start().await;
    small_tree(&world);
    let stream = world.jfs("jotta/ARCHIVE/Reports?mode=liststream").await.expect(200);
    assert!(stream.has("<path>/Archive/reports/deep</path>"), "{}", stream.text);
    assert!(stream.has("<stats><folders>2</folders><files>1</files></stats>"));
    world.jfs("Jotta/Archive/nowhere?mode=liststream").await.expect(404);
}

#[tokio::test]
async fn an_empty_and_a_trashed_folder_follow_the_switches() {
    for (answer, path, status, stats) in [
        ("U03=one-folder", "empty", 200, Some((1, 0))),
        ("U03=nothing", "empty", 200, Some((0, 0))),
        ("U04=not-found", "reports", 404, None),
        ("U04=empty", "reports", 200, Some((1, 0))),
        ("U04=tombstones", "reports", 200, Some((2, 1))),
    ] {
        let world = World::answering(answer).await;
        small_tree(&world);
        world.command("Jotta/Archive/reports?dlDir=true").await.expect(200);
        let stream = world.jfs(&format!("Jotta/Archive/{path}?mode=liststream")).await.expect(status);
        if let Some((folders, files)) = stats {
            let stats = format!("<stats><folders>{folders}</folders><files>{files}</files></stats>");
            assert!(stream.has(&stats), "{answer}: {}", stream.text);
        }
    }
}

#[tokio::test]
async fn a_big_listing_is_streamed_whole() {
    let world = World::start().await;
    let populate = Act::Populate {
        path: "Jotta/Archive/many".to_owned(),
        files: 20_000,
        per_folder: 1000,
        size: 8,
        modified: None,
    };
    world.state().act(&populate).unwrap();
    let stream = world.jfs("Jotta/Archive?mode=liststream").await.expect(200);
    assert_eq!(stream.text.matches("<file>").count(), 20_000);
    assert!(stream.has("<stats><folders>22</folders><files>20000</files></stats>"));
    let list = world.jfs("Jotta/Archive?mode=list").await.expect(200);
    assert_eq!(list.text.matches("<file ").count(), 20_000);
    assert!(list.text.ends_with("</filedirlist>\n"));
}

#[tokio::test]
async fn a_delayed_node_shows_the_past() {
    let world = World::start().await;
    small_tree(&world);
    world.state().set_switch("U38", "stale-node").unwrap();
    world.state().act(&Act::put("Jotta/Archive/new", b"x")).unwrap();
    let mut seen = Vec::new();
    for _ in 0..2 {
        let listing = world.jfs("Jotta/Archive").await.expect(200);
        seen.push((listing.has("dn-778"), listing.has("name=\"new\"")));
    }
    seen.sort_unstable();
    assert_eq!(seen, [(false, true), (true, false)]);
}

#[tokio::test]
async fn mountpoint_times_and_sizes_follow_uploads() {
    let world = World::start().await;
    assert!(world.jfs("Jotta").await.expect(200).has("<size>0</size>"));
    world.upload("Jotta/Archive/a", b"12345").await;
    let device = world.jfs("Jotta").await.expect(200);
    assert_eq!(device.text.matches("<size>5</size>").count(), 2, "{}", device.text);
    assert_eq!(device.text.matches("<modified></modified>").count(), 1, "{}", device.text);
}

#[tokio::test]
async fn the_event_socket_tells_what_happens() {
    let world = World::start().await;
    let token = world.get(&format!("/rest/token/{USER}/createToken")).await.expect(200).text;
    let token = token.split_once("<authToken>").unwrap().1.split_once('<').unwrap().0;
    let url = world.url(&format!("/ws/{USER}/{token}")).replace("http://", "ws://");
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    let mut ask = async |text: &str| -> Value {
        socket.send(Message::text(text)).await.unwrap();
        let answer = socket.next().await.unwrap().unwrap();
        serde_json::from_str(answer.to_text().unwrap()).unwrap()
    };
    let subscribed = ask(r#"{"SUBSCRIBE":{"path":"ALL","UA":"test/1.0"}}"#).await;
    assert_eq!(subscribed["SUBSCRIBE"]["PATH"], "ALL");
    assert_eq!(ask(r#"{"PING":"Ok"}"#).await, json!({"PONG":"ok"}));
    assert_eq!(ask(r#""PING""#).await, json!({"PONG":"ok"}));
    world.state().act(&Act::put("Jotta/Archive/a", b"x")).unwrap();
    world.state().act(&Act::rename("Jotta/Archive/a", "Jotta/Archive/b")).unwrap();
    let mut events = Vec::new();
    for _ in 0..2 {
        let event = socket.next().await.unwrap().unwrap();
        events.push(serde_json::from_str::<Value>(event.to_text().unwrap()).unwrap()["EVENT"].clone());
    }
    assert_eq!(events[0]["ST"], "NEW_UPLOAD");
    assert_eq!(events[0]["D"]["size"], "1");
    assert_eq!(events[0]["D"]["FROM"], format!("/{USER}/Jotta/Archive/a"));
    assert_eq!(
        (&events[1]["ST"], &events[1]["D"]["TO"]),
        (&json!("MOVE"), &json!(format!("/{USER}/Jotta/Archive/b")))
    );
}
