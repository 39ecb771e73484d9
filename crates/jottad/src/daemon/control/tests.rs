//! The control API over its real socket, asked by the command line's own client.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::api::documents::{EventDocument, HeldDocument};
use crate::api::exchange::{self, EventStream};
use crate::cli::failure::Exit;
use crate::config::Config;
use crate::daemon::folder::{Phase, Setup};
use crate::daemon::{Purpose, Serving};
use crate::places::Places;

struct World {
    serving: Serving,
    places: Places,
    _temporary: TempDir,
}

impl World {
    /// A daemon that nobody has logged in to, with one folder.
    async fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let top = temporary.path();
        fs::create_dir(top.join("docs")).unwrap();
        let places = Places {
            home: top.to_owned(),
            config_file: top.join("config.toml"),
            state_dir: top.join("state"),
        };
        fs::write(&places.config_file, folder_table("docs", "docs")).unwrap();
        let config = Config::load(&places).unwrap();
        let daemon = Daemon::start(&places, config, Purpose::Serve).await.unwrap();
        Self { serving: Serving::begin(daemon).await.unwrap(), places, _temporary: temporary }
    }

    async fn status(&self) -> StatusDocument {
        exchange::get(&self.places, "/v1/status").await.unwrap()
    }

    async fn refusal(&self, path: &str) -> Failure {
        exchange::get::<Value>(&self.places, path).await.unwrap_err()
    }
}

fn folder_table(name: &str, directory: &str) -> String {
    format!("[[folder]]\nname = \"{name}\"\nlocal = \"~/{directory}\"\nremote = \"Jotta/Archive/{name}\"\n")
}

#[tokio::test]
async fn without_a_login_the_status_says_so_and_what_is_unknown_is_null() {
    let world = World::new().await;
    let status = world.status().await;
    assert_eq!(status.verdict.0, jottad_engine::Verdict::LoginNeeded);
    assert_eq!(status.problems, None);
    let folder = &status.folders[0];
    assert_eq!((folder.name.as_str(), folder.mode.as_str()), ("docs", "backup"));
    assert_eq!((folder.files, folder.proven_at, folder.pending), (None, None, None));
    world.serving.end().await;
}

#[tokio::test]
async fn the_socket_is_private_replaces_a_dead_one_and_goes_with_the_daemon() {
    let world = World::new().await;
    let socket = world.places.socket();
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(&world.places.state_dir).unwrap().permissions().mode() & 0o777, 0o700);
    world.serving.end().await;
    assert!(!socket.exists());
    let gone = exchange::get::<Value>(&world.places, "/v1/status").await.unwrap_err();
    assert_eq!(gone.exit(), Exit::NotRunning);

    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    let dead = exchange::get::<Value>(&world.places, "/v1/status").await.unwrap_err();
    assert_eq!(dead.exit(), Exit::NotRunning);
    let config = Config::load(&world.places).unwrap();
    let daemon = Daemon::start(&world.places, config, Purpose::Serve).await.unwrap();
    let serving = Serving::begin(daemon).await.unwrap();
    assert!(exchange::get::<Value>(&world.places, "/v1/status").await.is_ok());
    serving.end().await;
}

#[tokio::test]
async fn what_cannot_be_answered_is_refused_with_words() {
    let world = World::new().await;
    let cases = [
        ("/v1/nothing", "the control API has no such path"),
        ("/v1/plan?folder=pics", "no folder is called \"pics\""),
        ("/v1/plan?folder=docs", "the folder \"docs\" is not running: login needed: nobody is logged in"),
        ("/v1/plan?limit=many", "limit is not a number"),
        ("/v1/plan?colour=red", "unknown parameter \"colour\""),
        ("/v1/plan?folder=%FF", "folder is not UTF-8"),
        ("/v1/why", "which path?"),
        ("/v1/why?path=%2Felsewhere", "/elsewhere is in no folder"),
    ];
    for (path, message) in cases {
        assert_eq!(world.refusal(path).await.message(), message, "{path}");
    }
    let order = OrderDocument::default();
    let refused = exchange::post::<Value>(&world.places, "/v1/approve", &order).await.unwrap_err();
    assert_eq!(refused.message(), "a decision needs the name of a folder");
    world.serving.end().await;
}

#[tokio::test]
async fn a_reload_follows_the_config_and_a_broken_one_changes_nothing() {
    let world = World::new().await;
    fs::create_dir(world.places.home.join("pics")).unwrap();
    let order = OrderDocument::default();
    let both = folder_table("docs", "docs") + &folder_table("pics", "pics");
    fs::write(&world.places.config_file, &both).unwrap();
    let accepted: AcceptedDocument = exchange::post(&world.places, "/v1/reload", &order).await.unwrap();
    assert_eq!(accepted.folders, ["docs", "pics"]);

    fs::write(&world.places.config_file, both + "mode = \"mirror\"\n").unwrap();
    let refused = exchange::post::<Value>(&world.places, "/v1/reload", &order).await.unwrap_err();
    assert_eq!(refused.exit(), Exit::Usage);
    assert!(refused.message().contains("config.toml:9: folder \"pics\": mode"), "{refused}");
    assert_eq!(world.status().await.folders.len(), 2);

    fs::write(&world.places.config_file, folder_table("pics", "pics")).unwrap();
    let accepted: AcceptedDocument = exchange::post(&world.places, "/v1/reload", &order).await.unwrap();
    assert_eq!(accepted.folders, ["pics"]);
    world.serving.end().await;
}

#[tokio::test(start_paused = true)]
async fn folders_that_are_being_started_are_waited_for_together() {
    let place = tempfile::tempdir().unwrap();
    let top = place.path();
    let places =
        Places { home: top.to_owned(), config_file: top.join("config.toml"), state_dir: top.join("state") };
    fs::write(&places.config_file, ["a", "b", "c"].map(|name| folder_table(name, name)).concat()).unwrap();
    let config = Config::load(&places).unwrap();
    let daemon = Daemon::start(&places, config, Purpose::Serve).await.unwrap();
    for folder in daemon.folders() {
        folder.stop().await;
        *folder.phase.lock().unwrap() = Phase::starting(None);
    }
    let began = tokio::time::Instant::now();
    let order = Json(OrderDocument::default());
    let Json(accepted) = sync(State(daemon.clone()), order).await.unwrap_or_else(|_| panic!("refused"));
    assert_eq!(accepted.folders, ["a", "b", "c"]);
    assert!(began.elapsed() < LONGEST_START + Duration::from_secs(1), "{:?}", began.elapsed());
    daemon.stop().await;
}

/// The clock of a folder that hangs as soon as it has begun.
fn clock_that_stops() -> jottad_core::Timestamp {
    static HAS_BEGUN: AtomicBool = AtomicBool::new(false);
    while HAS_BEGUN.swap(true, Ordering::Relaxed) {
        std::thread::park();
    }
    jottad_core::Timestamp::default()
}

#[tokio::test(start_paused = true)]
async fn who_asks_does_not_wait_for_a_folder_that_hangs() {
    let place = tempfile::tempdir().unwrap();
    let top = place.path();
    let places =
        Places { home: top.to_owned(), config_file: top.join("config.toml"), state_dir: top.join("state") };
    fs::write(&places.config_file, folder_table("docs", "docs")).unwrap();
    let config = Config::load(&places).unwrap();
    let daemon = Daemon::start(&places, config.clone(), Purpose::Serve).await.unwrap();
    let folder = daemon.folders().remove(0);
    folder.stop().await;
    let index = top.join("index.sqlite");
    FolderHandle::make_index(&index).unwrap();
    let settings = Setup::new(folder.config(), &config, None, Purpose::Rest).settings(false);
    let handle = FolderHandle::start_at_rest(settings, &index, clock_that_stops).unwrap();
    handle.local_hints(Vec::new());
    *folder.phase.lock().unwrap() = Phase::Running { handle, watcher: None, blind: None };
    for question in ["/v1/problems", "/v1/conflicts", "/v1/plan", "/v1/held"] {
        let began = tokio::time::Instant::now();
        let request = extract::Request::get(question).body(axum::body::Body::empty()).unwrap();
        let answer = tokio::time::timeout(DEADLINE * 2, answer(&daemon, request)).await;
        assert_eq!(answer.unwrap().status(), StatusCode::GATEWAY_TIMEOUT, "{question}");
        assert!(began.elapsed() < DEADLINE + Duration::from_secs(1), "{question}: {:?}", began.elapsed());
    }
}

#[tokio::test]
async fn folders_that_do_not_run_are_left_out_of_no_answer_without_a_word() {
    let world = World::new().await;
    let text = folder_table("docs", "docs") + &folder_table("pics", "pics") + "mode = \"mirror\"\n";
    fs::write(&world.places.config_file, text).unwrap();
    let config = Config::load_tolerantly(&world.places).unwrap();
    world.serving.daemon.follow(config).await;
    for path in ["/v1/problems", "/v1/plan", "/v1/conflicts"] {
        let answer: Value = exchange::get(&world.places, path).await.unwrap();
        let left_out: Vec<_> = answer["left_out"].as_array().unwrap().iter().collect();
        assert_eq!(left_out.len(), 2, "{path}: {answer}");
        assert_eq!(left_out[0]["name"], "docs", "{path}");
        assert_eq!(
            (&left_out[1]["name"], &left_out[1]["verdict"]),
            (&"pics".into(), &"held".into()),
            "{path}"
        );
        assert!(left_out[1]["reason"].as_str().unwrap().contains("mode"), "{path}");
    }
    for path in ["/v1/held", "/v1/held?folder=pics"] {
        let held: HeldDocument = exchange::get(&world.places, path).await.unwrap();
        assert_eq!(held.folders.len(), 1, "{path}");
        assert_eq!(
            (held.folders[0].name.as_str(), held.folders[0].kind.as_str()),
            ("pics", "folder"),
            "{path}"
        );
    }
    let refused = world.refusal("/v1/held?folder=docs").await;
    assert!(refused.message().starts_with("the folder \"docs\" is not running"), "{refused}");
    world.serving.end().await;
}

#[tokio::test]
async fn listeners_hear_events_and_the_end() {
    let world = World::new().await;
    let mut events = EventStream::open(&world.places).await.unwrap();
    let order = OrderDocument::default();
    fs::remove_file(&world.places.config_file).unwrap();
    let _: AcceptedDocument = exchange::post(&world.places, "/v1/reload", &order).await.unwrap();
    fs::write(&world.places.config_file, folder_table("docs", "docs")).unwrap();
    let _: AcceptedDocument = exchange::post(&world.places, "/v1/reload", &order).await.unwrap();
    // The folder cannot begin without a login, and says so.
    let event = events.next().await.unwrap();
    assert!(matches!(event, Some(EventDocument::Verdict { .. })), "{event:?}");
    world.serving.end().await;
    while let Some(event) = events.next().await.unwrap() {
        assert!(matches!(event, EventDocument::Verdict { .. }), "{event:?}");
    }
}

#[tokio::test]
async fn metrics_leave_out_what_is_unknown() {
    let world = World::new().await;
    let text = metrics::text(&world.status().await);
    assert!(text.contains("jottad_folder_in_sync{folder=\"docs\"} 0\n"), "{text}");
    assert!(text.contains("jottad_folder_verdict{folder=\"docs\",jottad_folder_verdict=\""), "{text}");
    assert!(!text.contains("jottad_folder_files{"), "{text}");
    assert!(text.ends_with("# EOF\n"));
    world.serving.end().await;
}

#[test]
fn queries_carry_any_bytes() {
    let query =
        Query::parse(RawQuery(Some("path=%2Fa%FF%2Bb&limit=7".to_owned()))).unwrap_or_else(|_| panic!());
    assert_eq!(query.bytes("path").unwrap(), b"/a\xff+b");
    assert_eq!(query.number("limit").unwrap_or(None), Some(7));
    assert!(query.text("path").is_err());
}
