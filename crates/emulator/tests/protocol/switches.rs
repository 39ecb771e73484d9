//! Protocol 10: every answer of every switch can be told from the others by a client, except where only time
//! or size beyond a test would tell.

use std::collections::BTreeMap;

use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use jottad_emulator::{Act, Switches};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::client::md5_of::md5;
use crate::client::{Answer, USER, World, send};

#[tokio::test]
async fn every_answer_can_be_told_from_the_others() {
    let mut alike = Vec::new();
    for info in Switches::ALL {
        let mut told = BTreeMap::new();
        for answer in info.answers {
            let world = World::answering(&format!("{}={answer}", info.id)).await;
            let seen = probe(info.id, &world).await;
            if let Some(other) = told.insert(seen.clone(), answer) {
                alike.push(format!("{}: {other} and {answer} both show {seen}", info.id));
            }
        }
    }
    assert!(alike.is_empty(), "{alike:#?}");
}

/// What a client sees of one open question.
async fn probe(id: &str, world: &World) -> String {
    match &id[1..] {
        "01" | "02" | "03" | "04" | "33" | "38" | "41" => listings(id, world).await,
        "05" | "06" | "07" | "09" | "39" => names(id, world).await,
        "49" => {
            let made = world.command("Jotta/Missing/made?mkDir=true").await;
            let sent = world.allocate("Jotta/Absent/sent", b"x").await;
            let found = [world.jfs("Jotta/Missing").await, world.jfs("Jotta/Absent").await];
            format!("{} {} {} {}", made.status, found[0].status, sent.status, found[1].status)
        }
        "50" => {
            put(world, "d/Letter", "x");
            let looks = [world.jfs("Jotta/Archive/d/lETTER").await, world.jfs("Jotta/Archive/D").await];
            format!("{} {}", looks[0].has("name=\"Letter\""), looks[1].has("name=\"d\""))
        }
        "08" | "10" | "11" | "12" | "34" | "35" | "45" => transfers(id, world).await,
        "13" | "14" | "16" | "18" | "30" | "31" | "32" | "36" | "43" => trash(id, world).await,
        "15" | "17" | "19" | "20" | "21" | "22" | "23" | "27" | "29" | "37" | "42" | "44" | "46" | "47"
        | "48" => uploads(id, world).await,
        "24" | "25" | "26" | "28" | "40" => sessions(id, world).await,
        _ => unreachable!("{id}"),
    }
}

fn put(world: &World, path: &str, content: &str) {
    world.state().act(&Act::put(&format!("Jotta/Archive/{path}"), content.as_bytes())).unwrap();
}

/// The live paths below the mountpoint, with the content of files.
fn live(world: &World) -> String {
    let entries = world.state().live_below("Jotta/Archive").into_iter().map(|entry| {
        let content = world.state().content(&format!("Jotta/Archive/{}", entry.path)).unwrap_or_default();
        format!("{}={}", entry.path, String::from_utf8_lossy(&content))
    });
    entries.collect::<Vec<_>>().join(" ")
}

async fn listings(id: &str, world: &World) -> String {
    put(world, "d/sub/file", "x");
    put(world, "d/file", "x");
    world.state().act(&Act::mkdir("Jotta/Archive/empty")).unwrap();
    match id {
        "U01" => world.jfs("Jotta/Archive?mode=liststream").await.text.lines().nth(1).unwrap().to_owned(),
        "U02" => {
            let stream = world.jfs("Jotta/Archive/d?mode=liststream").await;
            stream.text.matches("<folder>").count().to_string()
        }
        "U03" => world.jfs("Jotta/Archive/empty?mode=liststream").await.text,
        "U04" => {
            world.command("Jotta/Archive/d?dlDir=true").await.expect(200);
            let stream = world.jfs("Jotta/Archive/d?mode=liststream").await;
            format!("{} {}", stream.status, stream.text.matches("<file>").count())
        }
        "U33" => world.jfs("Jotta/Archive/empty").await.has("<modified>").to_string(),
        "U38" => {
            put(world, "new", "x");
            let mut seen = Vec::new();
            for _ in 0..4 {
                let listing = world.jfs("Jotta/Archive").await;
                seen.push((listing.has("\"new\""), listing.has("dn-778")));
            }
            seen.sort_unstable();
            format!("{seen:?}")
        }
        _ => {
            let times = |device: Answer| device.text.matches("<modified></modified>").count();
            let before = times(world.jfs("Jotta").await);
            world.command("Jotta/Sync/made?mkDir=true").await.expect(200);
            (before - times(world.jfs("Jotta").await)).to_string()
        }
    }
}

async fn names(id: &str, world: &World) -> String {
    let mut seen = Vec::new();
    let names: &[&str] = match id {
        "U05" => &["a\u{1}"],
        "U06" => &[&"æ".repeat(200), &"\u{1d11e}".repeat(130)],
        "U07" => &["straße", "Æ", "STRASSE", "æ"],
        "U09" => &["e\u{301}", "\u{e9}"],
        _ => &[],
    };
    for (number, name) in names.iter().enumerate() {
        let content = number.to_string();
        seen.push(world.allocate(&format!("Jotta/Archive/{name}"), content.as_bytes()).await.status);
    }
    if id == "U39" {
        let md5 = md5(b"x").to_uppercase();
        let body = json!({"path":"/jfs/Jotta/Archive/a","bytes":1,"md5":md5});
        world.allocate_json(body).await.expect(200);
        return world.jfs("Jotta/Archive/a").await.has(&md5).to_string();
    }
    format!("{seen:?} {}", world.state().live_below("Jotta/Archive").len())
}

async fn transfers(id: &str, world: &World) -> String {
    put(world, "from/a", "source");
    put(world, "to/a", "target");
    put(world, "from/gone", "gone");
    world.state().act(&Act::delete("Jotta/Archive/from/gone")).unwrap();
    let (command, from, to) = match id {
        "U08" => ("mv", "from/a", "from/A"),
        "U10" => ("mv", "from/a", "to/a"),
        "U11" => ("mvDir", "from/", "to"),
        "U12" => ("cp", "from/a", "to/a"),
        "U34" => ("mvDir", "from", "new"),
        "U35" => ("mv", "from/a", "from/b"),
        _ => ("mvDir", "from/", "new"),
    };
    let answer =
        world.transfer(command, &format!("Jotta/Archive/{from}"), &format!("Jotta/Archive/{to}")).await;
    let old = world.jfs("Jotta/Archive/to/a?mode=bin&revision=1").await;
    let old = if old.status == 200 { old.text } else { "none".to_owned() };
    let stayed = world.jfs("Jotta/Archive/from/gone").await.status;
    format!("{} {} {old} {stayed}", answer.status, live(world))
}

async fn trash(id: &str, world: &World) -> String {
    put(world, "file", "x");
    put(world, "folder/child", "y");
    let archive = |command: &str| format!("Jotta/Archive/{command}");
    let status = match id {
        "U13" => world.command(&archive("folder?rm=true")).await.status,
        "U14" => world.command(&archive("file?dlDir=true")).await.status,
        "U16" => world.command(&archive("file?mkDir=true")).await.status,
        "U18" => {
            world.command(&archive("file?dl=true")).await.expect(200);
            world.transfer("mv", &archive("folder/child"), &archive("file")).await.expect(200);
            return world.jfs("Jotta/Archive").await.text.matches("<file ").count().to_string();
        }
        "U30" => {
            world.command(&archive("folder?dlDir=true")).await.expect(200);
            world.allocate(&archive("folder/new"), b"z").await.status
        }
        "U31" => {
            world.command(&archive("file?dl=true")).await.expect(200);
            let before = world.jfs(&archive("file")).await.text;
            world.state().advance_clock(60);
            world.command(&archive("file?dl=true")).await.expect(200);
            let stamp = |text: &str| text.split("deleted=").nth(1).unwrap()[..22].to_owned();
            return (stamp(&before) == stamp(&world.jfs(&archive("file")).await.text)).to_string();
        }
        "U32" => {
            world.command(&archive("file?dl=true")).await.expect(200);
            world.cphash(&archive("file"), b"x", "").await.expect(200);
            return format!("{:?}", world.state().entry("Jotta/Archive/file").unwrap().revision);
        }
        "U36" => {
            world.command(&archive("file?dl=true")).await.expect(200);
            return world.jfs("").await.has("<usage>2</usage>").to_string();
        }
        _ => {
            world.command(&archive("file?dl=true")).await.expect(200);
            world.jfs(&archive("file?mode=bin")).await.status
        }
    };
    format!("{status} {}", live(world))
}

async fn uploads(id: &str, world: &World) -> String {
    let path = "Jotta/Archive/a";
    match id {
        "U15" => {
            put(world, "a", "x");
            let body = json!({"path":format!("/jfs/{path}"),"bytes":1,"md5":md5(b"y"),
                "conflict_handler":"REJECT_CONFLICTS"});
            world.allocate_json(body).await.status.to_string()
        }
        "U17" => {
            put(world, "a", "x");
            world.cphash(path, b"x", "2020-01-01-T00:00:00Z").await.expect(200);
            format!("{:?}", world.state().entry(path).unwrap().revision)
        }
        "U19" => {
            let mut seen = Vec::new();
            put(world, "live", "live content");
            put(world, "trashed", "trashed content");
            put(world, "purged", "purged content");
            world.state().act(&Act::delete("Jotta/Archive/trashed")).unwrap();
            world.state().act(&Act::remove("Jotta/Archive/purged")).unwrap();
            for content in ["live content", "trashed content", "purged content"] {
                seen.push(world.allocate(path, content.as_bytes()).await.json()["state"] == "COMPLETED");
                world.state().act(&Act::remove(path)).unwrap();
            }
            format!("{seen:?}")
        }
        "U20" | "U22" => {
            let allocated = world.allocate(path, b"interrupted").await.json();
            let url = allocated["upload_url"].as_str().unwrap();
            send(world.http.post(url).bearer_auth(&world.access).body("inter")).await.expect(420);
            if id == "U22" {
                world.state().set_access_lifetime(std::time::Duration::from_secs(1_000_000));
                let token = world.emulator.login_token();
                let access = world.log_in(&token).await.json()["access_token"].clone();
                world.state().advance_clock(3 * 3600);
                let body =
                    json!({"path":format!("/jfs/{path}"),"bytes":11,"md5":md5(b"interrupted")}).to_string();
                let request = world.http.post(world.url("/files/v1/allocate"));
                let request = request.bearer_auth(access.as_str().unwrap());
                return send(request.body(body)).await.json()["resume_pos"].to_string();
            }
            world.allocate(path, b"other").await.expect(200);
            world.allocate(path, b"interrupted").await.json()["resume_pos"].to_string()
        }
        "U21" => {
            put(world, "a/b", "x");
            world.allocate(path, b"y").await.status.to_string()
        }
        "U23" => {
            let allocated = world.allocate(path, b"content").await.json();
            let url = allocated["upload_url"].as_str().unwrap();
            send(world.http.post(url).bearer_auth(&world.access).body("con")).await.expect(420);
            world.send_content(&allocated, b"content", 3).await.status.to_string()
        }
        "U27" => {
            let allocated = world.allocate(path, b"content").await.json();
            world.send_content(&allocated, b"CONTENT", 0).await.status.to_string()
        }
        "U29" => {
            world.state().set_capacity(Some(1));
            world.allocate(path, b"content").await.status.to_string()
        }
        "U37" => {
            for number in 0..5 {
                put(world, "a", &number.to_string());
            }
            world.allocate(path, b"incomplete").await.expect(200);
            world.jfs("Jotta/Archive/a?mode=bin&revision=1").await.status.to_string()
        }
        "U42" => {
            let body = json!({"path":format!("/jfs/{path}"),"bytes":5_000_000_000_u64,"md5":md5(b"x")});
            world.allocate_json(body).await.status.to_string()
        }
        "U44" => {
            put(world, "a", "x");
            world.cphash(path, b"x", "yesterday").await.status.to_string()
        }
        "U46" => {
            put(world, "a", "x");
            let allocated = world.allocate(path, b"content").await.json();
            world.command("Jotta/Archive/a?dl=true").await.expect(200);
            world.send_content(&allocated, b"content", 0).await.status.to_string()
        }
        "U47" => {
            let one = world.allocate(path, b"one").await.json();
            put(world, "a", "two");
            world.send_content(&one, b"one", 0).await.status.to_string()
        }
        _ => {
            put(world, "a", "x");
            let url = world.url(&format!("/jfs/{USER}/{path}?dl=true"));
            send(world.http.post(url).bearer_auth(&world.access).header("If-Match", md5(b"y")))
                .await
                .status
                .to_string()
        }
    }
}

async fn sessions(id: &str, world: &World) -> String {
    let refresh = || {
        let form =
            [("grant_type", "refresh_token"), ("client_id", "jottacli"), ("refresh_token", &world.refresh)];
        let request = world.http.post(world.url("/auth/realms/jottacloud/protocol/openid-connect/token"));
        send(request.form(&form)).map(|answer| answer.status)
    };
    match id {
        "U24" => {
            let mut seen = vec![refresh().await];
            world.state().advance_clock(10);
            seen.push(refresh().await);
            world.state().advance_clock(100);
            seen.push(refresh().await);
            format!("{seen:?}")
        }
        "U25" => {
            world.state().expire_access_tokens();
            let body = world.jfs("").await.expect(401).text;
            body.chars().take(6).collect()
        }
        "U26" => {
            world.state().advance_clock(31 * 24 * 3600);
            refresh().await.to_string()
        }
        "U28" => {
            for _ in 0..200 {
                world.jfs("").await;
            }
            let statuses = world.state().counters().by_status;
            format!("{:?}", statuses.keys().collect::<Vec<_>>())
        }
        _ => {
            let token = world.get(&format!("/rest/token/{USER}/createToken")).await.text;
            let token = token.split_once("<authToken>").unwrap().1.split_once('<').unwrap().0;
            let url = world.url(&format!("/ws/{USER}/{token}")).replace("http://", "ws://");
            let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
            let mut seen = Vec::new();
            for ping in [r#"{"PING":"Ok"}"#, r#""PING""#] {
                socket.send(Message::text(ping)).await.unwrap();
                // A subscription is always answered, so its answer shows that there was none to the ping.
                socket.send(Message::text(r#"{"SUBSCRIBE":{"path":"ALL"}}"#)).await.unwrap();
                let mut pongs = 0;
                while !socket.next().await.unwrap().unwrap().to_text().unwrap().contains("SUBSCRIBE") {
                    pongs += 1;
                }
                seen.push(pongs);
            }
            format!("{seen:?}")
        }
    }
}
