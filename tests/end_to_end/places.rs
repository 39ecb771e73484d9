//! The place of a folder on the service: it is asked about before it is made, and never made by accident.

use std::fs;
use std::time::{Duration, Instant};

use jottad_emulator::{EmulatorConfig, Switches};
use serde_json::Value;

use crate::stage::{Machine, Service, Terminal, World, wait_until};

/// A world whose folder has another remote place.
fn world_at(place: &str, answer: Option<&str>) -> World {
    let mut switches = Switches::default();
    if let Some(answer) = answer {
        switches.apply(answer).unwrap();
    }
    let service = Service::with(EmulatorConfig { switches, ..EmulatorConfig::default() });
    let world = World::of(Machine::new(), service, "");
    let config = fs::read_to_string(world.machine.config()).unwrap();
    fs::write(world.machine.config(), config.replace("Jotta/Archive/docs", place)).unwrap();
    world
}

/// The only folder's hold.
fn held(world: &World) -> Value {
    world.machine.status()["folders"][0]["held"].clone()
}

#[test]
fn a_place_that_is_not_there_holds_its_folder_without_a_storm() {
    for (place, missing, remedy) in [
        ("laptop/docs/x", "no device laptop", "jottad devices create laptop"),
        ("Jotta/Archve/x", "no mountpoint Archve", "jottad mountpoints create Jotta Archve"),
    ] {
        for answer in ["U49=made", "U49=not-found"] {
            let world = world_at(place, Some(answer));
            world.write("a/b.txt", "a");
            let daemon = world.start();
            wait_until("the folder is held", || held(&world)["kind"] == "place");
            let reason = held(&world)["reason"].as_str().unwrap().to_owned();
            assert!(reason.contains(missing) && reason.contains(remedy), "{reason}");
            world.machine.jottad(["status"]).expect(7).says(missing);
            world.service.reset_counters();
            let began = Instant::now();
            while began.elapsed() < Duration::from_secs(2) {
                world.machine.jottad(["status"]).expect(7);
            }
            assert!(world.service.counters().requests < 20, "{:?}", world.service.counters());
            assert_eq!(world.service.changes(), [""; 0]);
            world.sync(7);
            daemon.stop();
            assert!(world.service.entry(place.rsplit_once('/').unwrap().0).is_none(), "{place} was made");
            world.pass(7);
        }
    }
}

#[test]
fn a_held_folder_goes_on_when_its_place_is_made() {
    let world = world_at("laptop/docs/x", None);
    world.write("a.txt", "a");
    let daemon = world.start();
    wait_until("the folder is held", || held(&world)["kind"] == "place");
    world.machine.jottad(["devices", "create", "laptop"]).expect(0);
    world.machine.jottad(["mountpoints", "create", "laptop", "docs"]).expect(0);
    world.machine.jottad(["folder", "set", "docs", "poll=5m"]).expect(0);
    wait_until("the file is sent", || world.service.has("laptop/docs/x/a.txt"));
    daemon.stop();
}

#[test]
fn a_place_that_goes_away_holds_its_folder() {
    let world = world_at("laptop/docs/x", None);
    world.machine.jottad(["devices", "create", "laptop"]).expect(0);
    world.machine.jottad(["mountpoints", "create", "laptop", "docs"]).expect(0);
    world.write("a.txt", "a");
    let daemon = world.start();
    world.sync(0);
    world.service.does(jottad_emulator::Act::remove("laptop/docs"));
    world.sync(7);
    assert_eq!(held(&world)["kind"], "place");
    world.write("new/b.txt", "b");
    world.sync(7);
    assert!(world.service.entry("laptop/docs").is_none());
    daemon.stop();
}

#[test]
fn adding_a_folder_asks_before_it_makes_a_place() {
    let world = World::new();
    let photos = world.machine.home().join("photos");
    fs::create_dir(&photos).unwrap();
    let photos = photos.to_str().unwrap();
    let config = fs::read_to_string(world.machine.config()).unwrap();

    let add = |place: &str| world.machine.jottad(["folder", "add", photos, place]);
    add("Jotta/Archve/photos").expect(2).complains("did you mean Archive?").complains("--make");
    add("Jota/Archive/photos").expect(2).complains("no device Jota").complains("did you mean Jotta?");
    add("laptop/photos").expect(2).complains("no device laptop on the service").complains("hint: ");
    add("Jotta/Trash/photos").expect(2).complains("view that cannot be written");
    assert_eq!(fs::read_to_string(world.machine.config()).unwrap(), config);
    assert_eq!(world.service.changes(), [""; 0]);

    let mut terminal = Terminal::start(&world.machine.command(["folder", "add", photos, "laptop/photos"]));
    terminal.sees("Make it? [y/N]").types("n");
    let (shown, code) = terminal.ends();
    assert!(code == Some(1) && shown.contains("nothing was written"), "{shown}");
    assert_eq!(fs::read_to_string(world.machine.config()).unwrap(), config);
    assert!(world.service.entry("laptop").is_none());

    let mut terminal = Terminal::start(&world.machine.command(["folder", "add", photos, "laptop/photos"]));
    terminal.sees("Make it? [y/N]").types("y");
    let (shown, code) = terminal.ends();
    assert!(code == Some(0) && shown.contains("made laptop/photos"), "{shown}");
    assert!(world.service.has("laptop/photos"));
    world.machine.jottad(["folder", "set", "photos", "remote=laptop/pictures"]).expect(2).complains("--make");
    world.machine.jottad(["folder", "set", "--make", "photos", "remote=laptop/pictures"]).expect(0);
    assert!(world.service.has("laptop/pictures"));
}

#[test]
fn a_folder_is_added_without_a_look_where_the_service_cannot_be_asked() {
    let world = World::new();
    let photos = world.machine.home().join("photos");
    fs::create_dir(&photos).unwrap();
    world.machine.jottad(["logout"]).expect(0);
    let added = ["folder", "add", photos.to_str().unwrap(), "Jotta/Archve/photos"];
    world.machine.jottad(added).expect(0).complains("was not looked for on the service");
}

#[test]
fn a_command_makes_no_device_and_no_mountpoint_on_the_way() {
    for answer in ["U49=made", "U49=not-found", "U49=made-by-all"] {
        let world = world_at("Jotta/Archive/docs", Some(answer));
        fs::create_dir_all(world.machine.home().join("in/deep")).unwrap();
        fs::write(world.machine.home().join("in/deep/a.txt"), "one").unwrap();
        world.service.does(jottad_emulator::Act::put("Jotta/Archive/b.txt", b"two"));
        let before = world.service.tree();
        world.service.reset_counters();
        for (place, missing, remedy) in [
            (
                "Jotta/Archve",
                "no mountpoint Archve on the device Jotta (did you mean Archive?)",
                "create Jotta Archve",
            ),
            ("laptop/docs", "no device laptop on the service", "jottad devices create laptop"),
            ("Archive/docs", "no device Archive on the service", "Jotta/Archive/docs"),
        ] {
            let (file, below) = (format!("{place}/x"), format!("{place}/x/y"));
            for command in [
                ["put", "in/deep/a.txt", &file].as_slice(),
                &["put", "in/deep/a.txt", &below],
                &["put", "-r", "in", place],
                &["put", "-r", "in", &below],
                &["mkdir", place],
                &["mkdir", &below],
                &["touch", &file],
                &["cp", "Jotta/Archive/b.txt", &below],
                &["mv", "Jotta/Archive/b.txt", &below],
            ] {
                world.machine.jottad(command).expect(1).complains(missing).complains(remedy);
            }
        }
        assert_eq!(world.service.changes(), [""; 0]);
        assert_eq!(world.service.tree(), before, "{answer}");
    }
}
