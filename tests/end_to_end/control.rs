//! The daemon and its command line: start, stop, status, pause.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

use jottad_emulator::Effect;
use rustix::process::Signal;
use serde_json::Value;

use crate::stage::World;

#[test]
fn what_only_a_daemon_can_do_says_so_where_none_runs() {
    let world = World::new();
    for command in [&["sync"][..], &["sync", "docs", "--wait"]] {
        world
            .machine
            .jottad(command)
            .expect(3)
            .complains("no daemon is running")
            .complains("do one pass now with `jottad run --once`")
            .complains("`jottad service install`");
    }
    let outcome = world.machine.jottad(["sync", "--json"]).expect(3);
    let error: Value = serde_json::from_str(&outcome.stderr).unwrap();
    assert_eq!((&error["schema"], &error["error"]["kind"]), (&1.into(), &"not_running".into()));
}

#[test]
fn a_second_daemon_is_refused() {
    let world = World::new();
    let daemon = world.start();
    world.machine.jottad(["run"]).expect(1).complains("hint: ");
    world.machine.jottad(["run", "--once"]).expect(1);
    world.sync(0);
    daemon.stop();
}

#[test]
fn a_socket_left_behind_by_a_crash_is_no_daemon() {
    let world = World::new();
    world.start().kill();
    assert!(world.machine.state().join("control.sock").exists());
    world.machine.jottad(["status"]).says("no daemon is running");
    let daemon = world.start();
    world.sync(0);
    daemon.stop();
    assert!(!world.machine.state().join("control.sock").exists());
}

#[test]
fn both_signals_end_it_in_good_order_even_when_the_service_hangs() {
    for signal in [Signal::TERM, Signal::INT] {
        let world = World::new();
        world.fill("tree", 2, 10);
        world.service.spoil("upload", Effect::Hang);
        let daemon = world.start();
        world.service.wait_for("upload", 1);
        daemon.stop_with(signal);
        world.service.clear_faults();
        world.settle();
    }
}

#[test]
fn one_pass_can_be_interrupted() {
    let world = World::new();
    world.write("a.txt", "a");
    world.service.spoil("upload", Effect::Hang);
    let mut child =
        world.machine.command(["run", "--once"]).stdout(std::process::Stdio::null()).spawn().unwrap();
    world.service.wait_for("upload", 1);
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn status_has_the_documented_fields() {
    let world = World::new();
    world.write("a/b.txt", "12345");
    let daemon = world.start();
    world.synced();
    let status = world.machine.jottad(["status", "--json"]).expect(0).json();
    let fields = |value: &Value| {
        let mut fields: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
        fields.sort();
        fields.join(" ")
    };
    let has = |value: &Value, wanted: &str| {
        for field in wanted.split(' ') {
            assert!(
                value.as_object().unwrap().contains_key(field),
                "{field} is missing in {}",
                fields(value)
            );
        }
    };
    has(&status, "schema verdict version pid started_at account folders problems");
    has(&status["account"], "username email used_bytes quota_bytes checked_at");
    let folder = &status["folders"][0];
    has(
        folder,
        "name local remote mode verdict proven_at local_checked_at remote_checked_at files directories bytes pending \
         transfers held problems watching heard listed_every_seconds",
    );
    has(&folder["pending"], "uploads downloads moves deletes directories bytes");
    has(&folder["watching"], "directories polled_directories");
    assert_eq!(status["schema"], 1);
    assert_eq!(status["verdict"], "in_sync");
    assert_eq!(status["account"]["email"], "kari@example.net");
    assert_eq!(status["account"]["quota_bytes"], Value::Null);
    assert_eq!(folder["name"], "docs");
    assert_eq!(folder["remote"], "Jotta/Archive/docs");
    assert_eq!(folder["local"], world.root.to_str().unwrap());
    assert_eq!(
        (&folder["files"], &folder["directories"], &folder["bytes"]),
        (&1.into(), &1.into(), &5.into())
    );
    assert_eq!(folder["held"], Value::Null);
    for time in ["proven_at", "local_checked_at", "remote_checked_at"] {
        let text = folder[time].as_str().unwrap();
        assert!(text.starts_with("20") && text.ends_with('Z'), "{time}: {text}");
    }
    assert_eq!(status["pid"].as_i64(), Some(i64::from(daemon.pid().as_raw_nonzero().get())));
    world
        .machine
        .jottad(["status"])
        .expect(0)
        .says("in sync as of")
        .says("others' changes are heard of at once");
    let line = world.machine.jottad(["status", "--line"]).expect(0).stdout;
    assert_eq!(line.lines().count(), 1, "{line}");
    daemon.stop();
}

#[test]
fn a_transfer_is_shown_while_it_runs() {
    let world = World::new();
    world.write("big.iso", vec![1; 3 << 20]);
    world.service.spoil("upload", Effect::Hang);
    let daemon = world.start();
    world.service.wait_for("upload", 1);
    let status = world.machine.jottad(["status", "--json"]).expect(5).json();
    let transfer = &status["folders"][0]["transfers"][0];
    assert_eq!((&transfer["path"], &transfer["direction"]), (&"big.iso".into(), &"up".into()));
    assert_eq!(transfer["total_bytes"], 3 << 20);
    assert_eq!(status["folders"][0]["proven_at"], Value::Null);
    assert_eq!(world.machine.jottad(["sync", "--wait", "--timeout", "1s"]).code, Some(5));
    world.service.clear_faults();
    world.synced();
    daemon.stop();
}

#[test]
fn a_pause_holds_across_a_restart() {
    let world = World::new();
    let daemon = world.start();
    world.synced();
    world.machine.jottad(["pause"]).expect(0).says("docs");
    world.machine.jottad(["status"]).expect(10).says("paused");
    daemon.stop();
    let daemon = world.start();
    world.write("a.txt", "a");
    world.machine.jottad(["sync", "--wait"]).expect(10);
    assert_eq!(world.remote_paths(), [""; 0]);
    world.machine.jottad(["resume"]).expect(0);
    world.synced();
    daemon.stop();
}

#[test]
fn a_pause_can_have_an_end() {
    let world = World::new();
    let daemon = world.start();
    world.synced();
    world.machine.jottad(["pause", "docs", "2s"]).expect(0);
    world.write("a.txt", "a");
    world.machine.jottad(["status"]).expect(10);
    crate::stage::wait_until("the pause is over", || world.service.has("Jotta/Archive/docs/a.txt"));
    daemon.stop();
}

#[test]
fn the_history_tells_what_was_done() {
    let world = World::new();
    world.write("a.txt", "a");
    let daemon = world.start();
    world.synced();
    world.rename("a.txt", "b.txt");
    world.synced();
    let lines = world.machine.jottad(["log", "--json"]).expect(0).json_lines();
    let told: Vec<(&str, &str)> =
        lines.iter().map(|line| (line["kind"].as_str().unwrap(), line["path"].as_str().unwrap())).collect();
    assert!(told.iter().any(|(_, path)| *path == "a.txt"), "{told:?}");
    assert!(lines.iter().any(|line| line["to"] == "b.txt"), "{lines:?}");
    daemon.stop();
}

#[test]
fn the_socket_is_for_its_owner_and_speaks_http() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    let daemon = world.start();
    world.synced();
    let socket = world.machine.state().join("control.sock");
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    let get = |path: &str| {
        let mut stream = UnixStream::connect(&socket).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let status = get("/v1/status");
    assert!(status.starts_with("HTTP/1.1 200") && status.contains(r#""verdict":"in_sync""#), "{status}");
    let metrics = get("/metrics");
    assert!(metrics.starts_with("HTTP/1.1 200") && metrics.contains("# EOF"), "{metrics}");
    assert!(get("/v1/nothing").starts_with("HTTP/1.1 404"));
    daemon.stop();
}

#[test]
fn a_folder_added_while_it_runs_is_followed() {
    let world = World::new();
    let daemon = world.start();
    world.synced();
    let photos = world.machine.home().join("photos");
    fs::create_dir(&photos).unwrap();
    fs::write(photos.join("p.jpg"), "a photo").unwrap();
    let add = ["folder", "add", photos.to_str().unwrap(), "Jotta/Archive/photos"];
    world.machine.jottad(add).expect(0).says("Jotta/Archive/photos").complains("what runs follows");
    world.sync(0);
    assert!(world.service.has("Jotta/Archive/photos/p.jpg"));
    world.machine.jottad(["folder", "remove", "photos"]).expect(0);
    let names = world.machine.status()["folders"].as_array().unwrap().len();
    assert_eq!(names, 1);
    assert!(world.service.has("Jotta/Archive/photos/p.jpg") && photos.join("p.jpg").exists());
    daemon.stop();
}
