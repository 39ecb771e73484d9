//! Noticing what others do: two machines on one account tell each other through the service.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use jottad_emulator::{Act, Effect};

use crate::stage::{Daemon, Machine, Service, Tree, wait_until};

/// Polls that come too late to be what a test waited for.
const SELDOM: &str = "mode = \"sync\"\npoll = \"6h\"\nscan = \"6h\"";
const REMOTE: &str = "Jotta/Archive/docs";

/// Two machines, each with the folder `docs`, on one account.
struct Pair {
    service: Service,
    one: Place,
    two: Place,
}

struct Place {
    machine: Machine,
    root: PathBuf,
}

impl Place {
    fn new(service: &Service, settings: &str) -> Self {
        let machine = Machine::new();
        let root = machine.home().join("docs");
        fs::create_dir_all(&root).unwrap();
        let place = Self { machine, root };
        place.configure(service, settings);
        place.machine.jottad_with_input(["login", "--token-stdin"], &service.login_token()).expect(0);
        place
    }

    fn configure(&self, service: &Service, settings: &str) {
        let urls =
            ["jfs_url", "api_url", "www_url", "id_url"].map(|key| format!("{key} = \"{}\"\n", service.url()));
        let folder = "[[folder]]\nname = \"docs\"\nlocal = \"~/docs\"";
        let text = format!(
            "[service]\n{}\n{folder}\nremote = \"{REMOTE}\"\nsettle = \"50ms\"\n{settings}\n",
            urls.concat()
        );
        fs::write(self.machine.config(), text).unwrap();
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    fn write(&self, path: &str, content: &str) {
        fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        fs::write(self.path(path), content).unwrap();
    }

    #[track_caller]
    fn sync(&self) {
        self.machine.jottad(["sync", "--wait", "--timeout", "60s"]).expect(0);
    }

    #[track_caller]
    fn waits_for(&self, what: &str, is_so: impl Fn(&Path) -> bool) {
        wait_until(what, || is_so(&self.root));
    }

    fn events(&self) -> String {
        self.machine.status()["noticing"]["events"].as_str().unwrap().to_owned()
    }
}

impl Pair {
    /// Both are in sync and hear what is told, and nothing was asked since.
    fn listening() -> (Self, Daemon, Daemon) {
        let service = Service::start();
        let (one, two) = (Place::new(&service, SELDOM), Place::new(&service, SELDOM));
        one.write("first.txt", "from one");
        one.write("d/e/deep.txt", "deep");
        let daemons = (one.machine.start(), two.machine.start());
        let pair = Self { service, one, two };
        wait_until("both listen", || pair.service.event_streams() == 2);
        pair.one.sync();
        pair.two.sync();
        pair.assert_same();
        (pair, daemons.0, daemons.1)
    }

    #[track_caller]
    fn assert_same(&self) {
        let (one, two) = (Tree::on_disk(&self.one.root), Tree::on_disk(&self.two.root));
        one.assert_equals(&two, ("on one", "on two"));
        one.assert_equals(&Tree::on_service(&self.service, REMOTE), ("on one", "on the service"));
    }
}

#[test]
fn what_one_machine_does_the_other_sees_by_event() {
    let (pair, one, two) = Pair::listening();
    pair.service.reset_counters();
    pair.one.write("new.txt", "new");
    pair.two.waits_for("a new file", |root| root.join("new.txt").exists());
    pair.two.write("first.txt", "edited by two");
    pair.one.waits_for("an edit", |root| fs::read(root.join("first.txt")).unwrap() == b"edited by two");
    fs::rename(pair.one.path("d"), pair.one.path("moved")).unwrap();
    pair.two.waits_for("a move", |root| root.join("moved/e/deep.txt").exists() && !root.join("d").exists());
    fs::remove_dir_all(pair.two.path("moved/e")).unwrap();
    pair.one.waits_for("a removal", |root| !root.join("moved/e").exists());
    // None of that took a listing of everything but what removals check right before. The stamp is read for
    // the proof, once for many changes.
    assert!(pair.service.asked("device") <= 8, "{:?}", pair.service.counters());
    for place in [&pair.one, &pair.two] {
        place.sync();
    }
    pair.assert_same();
    one.stop();
    two.stop();
}

#[test]
fn what_happens_while_the_events_are_cut_arrives_after_the_next_connection() {
    let (pair, one, two) = Pair::listening();
    pair.service.spoil("event-token", Effect::status(503));
    pair.service.cut_event_streams();
    wait_until("both wait", || pair.one.events() == "waiting" && pair.two.events() == "waiting");
    let status = pair.two.machine.jottad(["status"]);
    assert!(status.stdout.contains("no events:"), "{status}");
    // A third device, so that nothing but the service can tell.
    pair.service.does(Act::put(&format!("{REMOTE}/third/new.txt"), b"from three"));
    pair.service.does(Act::delete(&format!("{REMOTE}/first.txt")));
    pair.service.does(Act::rename(&format!("{REMOTE}/d/e"), &format!("{REMOTE}/third/e")));
    pair.service.clear_faults();
    for place in [&pair.one, &pair.two] {
        place.waits_for("what happened meanwhile", |root| {
            root.join("third/new.txt").exists()
                && root.join("third/e/deep.txt").exists()
                && !root.join("first.txt").exists()
        });
        wait_until("it listens again", || place.events() == "listening");
        place.sync();
    }
    pair.assert_same();
    one.stop();
    two.stop();
}

#[test]
fn ones_own_work_leads_to_no_listing() {
    let (pair, one, two) = Pair::listening();
    two.stop();
    wait_until("only one listens", || pair.service.event_streams() == 1);
    pair.service.reset_counters();
    for number in 0..60 {
        pair.one.write(&format!("burst/d{}/f{number}.txt", number % 6), &format!("{number}"));
    }
    wait_until("everything is there", || {
        (0..60).all(|number| pair.service.has(&format!("{REMOTE}/burst/d{}/f{number}.txt", number % 6)))
    });
    wait_until("all is done", || pair.one.machine.status()["folders"][0]["settled"] == true);
    assert_eq!(pair.service.asked("liststream"), 0, "{:?}", pair.service.counters());
    one.stop();
}

#[test]
fn a_burst_by_others_leads_to_few_looks() {
    let (pair, one, two) = Pair::listening();
    pair.service.reset_counters();
    for number in 0..300 {
        pair.service.does(Act::put(&format!("{REMOTE}/many/{number}.txt"), b"x"));
    }
    pair.one.waits_for("all of them", |root| {
        fs::read_dir(root.join("many")).is_ok_and(|entries| entries.count() == 300)
    });
    pair.two.waits_for("all of them", |root| {
        fs::read_dir(root.join("many")).is_ok_and(|entries| entries.count() == 300)
    });
    let requests = pair.service.requests();
    let is_look = |target: &str| target.ends_with("/docs") || target.ends_with("/many");
    let looks = requests.iter().filter(|request| request.endpoint == "metadata" && is_look(&request.target));
    let looks = looks.count() as u64 + pair.service.asked("liststream");
    println!("{looks} looks of two machines for 300 files");
    assert!(looks <= 40, "{looks} looks: {:?}", pair.service.counters());
    one.stop();
    two.stop();
}

#[test]
fn only_who_may_and_needs_to_listens() {
    let service = Service::start();
    let place = Place::new(&service, SELDOM);
    let listening = fs::read_to_string(place.machine.config()).unwrap();
    let deaf = listening.replace("[service]\n", "[service]\nevents = false\n");
    fs::write(place.machine.config(), deaf).unwrap();
    let daemon = place.machine.start();
    place.sync();
    assert_eq!((service.event_streams(), place.events().as_str()), (0, "off"));
    place.machine.jottad(["status"]).expect(0).says("polled for changes").says("last word");
    fs::write(place.machine.config(), listening).unwrap();
    daemon.signal(rustix::process::Signal::HUP);
    wait_until("it listens when it may", || service.event_streams() == 1);
    place.sync();
    place.machine.jottad(["status"]).expect(0).says("told by events");

    place.machine.jottad(["pause"]).expect(0);
    wait_until("a paused folder does not", || service.event_streams() == 0);
    service.does(Act::put(&format!("{REMOTE}/meanwhile.txt"), b"x"));
    place.machine.jottad(["resume"]).expect(0);
    place.waits_for("what happened while it was paused", |root| root.join("meanwhile.txt").exists());

    place.machine.jottad(["logout"]).expect(0);
    wait_until("who is logged out does not", || service.event_streams() == 0);
    assert_eq!(place.events(), "off");
    place.machine.jottad_with_input(["login", "--token-stdin"], &service.login_token()).expect(0);
    wait_until("and who is logged in again does", || service.event_streams() == 1);
    place.sync();
    daemon.stop();
}

#[test]
fn a_service_that_is_gone_for_a_while_is_listened_to_again() {
    let (mut pair, one, two) = Pair::listening();
    pair.service.go_offline();
    wait_until("nobody listens", || pair.one.events() == "waiting" && pair.two.events() == "waiting");
    pair.one.write("made offline.txt", "x");
    pair.service.go_online();
    pair.two.waits_for("what was made", |root| root.join("made offline.txt").exists());
    one.stop();
    two.stop();
}

#[test]
fn a_folder_that_dies_is_started_anew_by_itself() {
    let service = Service::start();
    let place = Place::new(&service, SELDOM);
    place.write("before.txt", "before");
    let daemon = place.machine.start();
    place.sync();
    daemon.stop();
    // The damage is in a row, so it is found only when that is read. Nobody asks for the status.
    let index = rusqlite::Connection::open(place.machine.index()).unwrap();
    assert_eq!(index.execute("UPDATE node SET base_kind = 9 WHERE name = ?1", [b"before.txt"]), Ok(1));
    drop(index);
    let daemon = place.machine.start();
    place.write("after.txt", "after");
    wait_until("the folder goes on", || service.has(&format!("{REMOTE}/after.txt")));
    let restarts = place.machine.status()["folders"][0]["restarts"].clone();
    assert!(restarts["times"].as_u64() >= Some(1) && restarts["reason"].is_string(), "{restarts}");
    assert!(restarts["reason"].as_str().unwrap().contains("set aside"), "{restarts}");
    assert!(daemon.log().contains("started anew"));
    place.machine.jottad(["status"]).says("started anew");
    place.sync();
    Tree::on_disk(&place.root).assert_equals(&Tree::on_service(&service, REMOTE), ("here", "there"));
    daemon.stop();
}

#[test]
fn metrics_tell_how_changes_are_noticed() {
    let (pair, one, two) = Pair::listening();
    let mut socket = UnixStream::connect(pair.one.machine.state().join("control.sock")).unwrap();
    write!(socket, "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut metrics = String::new();
    socket.read_to_string(&mut metrics).unwrap();
    for line in [
        "jottad_events_listening 1",
        "jottad_heard_timestamp_seconds ",
        "jottad_folder_restarts{folder=\"docs\"} 0",
    ] {
        assert!(metrics.contains(line), "{line} is missing:\n{metrics}");
    }
    one.stop();
    two.stop();
}

/// It said that all agree, for as long as the listing took that was under way.
#[test]
fn why_does_not_say_that_all_agree_of_what_the_service_has_told_of() {
    let service = Service::start();
    let place = Place::new(&service, SELDOM);
    place.write("a.txt", "one");
    place.machine.jottad(["run", "--once"]).expect(0);
    let daemon = place.machine.start();
    wait_until("events are listened to", || place.machine.status()["noticing"]["events"] == "listening");
    service.does(Act::put(&format!("{REMOTE}/a.txt"), b"edited elsewhere"));
    let path = place.path("a.txt");
    wait_until("it is told", || {
        let why = place.machine.jottad(["why", path.to_str().unwrap()]).expect(0).stdout;
        assert!(fs::read(&path).unwrap() == b"one", "it was fetched before it was told of: {why}");
        why.contains("pending") && why.contains("the service has told of a change since")
    });
    wait_until("it is fetched", || fs::read(&path).unwrap() == b"edited elsewhere");
    daemon.stop();
}
