//! The commands that need no daemon, and what they say when something is wrong.

use std::fs;

use jottad_emulator::Act;

use crate::stage::{Machine, Outcome, Service, World};

#[test]
fn the_first_steps_of_a_new_user_work_in_the_usual_places() {
    let (machine, service) = (Machine::new(), Service::start());
    let documents = machine.home().join("Documents");
    fs::create_dir_all(documents.join("letters")).unwrap();
    fs::write(documents.join("letters/to kari.txt"), "hello").unwrap();
    let url = service.url();
    let config = machine.home().join(if cfg!(target_os = "macos") {
        "Library/Application Support/jottad/config.toml"
    } else {
        ".config/jottad/config.toml"
    });
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    let keys = ["jfs_url", "api_url", "www_url", "id_url"];
    let text = keys.map(|key| format!("{key} = \"{url}\" # kept\n")).concat();
    fs::write(&config, format!("[service]\n{text}")).unwrap();
    let jottad = |arguments: &[&str]| {
        let mut command = machine.command(arguments);
        command.env_remove("JOTTAD_CONFIG").env_remove("JOTTAD_STATE_DIR");
        Outcome::of(command)
    };
    fs::write(machine.home().join("token"), service.login_token()).unwrap();
    let mut login = machine.command(["login", "--token-stdin"]);
    login.env_remove("JOTTAD_CONFIG").env_remove("JOTTAD_STATE_DIR");
    login.stdin(fs::File::open(machine.home().join("token")).unwrap());
    Outcome::of(login).expect(0).says("logged in as kari@example.net");
    jottad(&["folder", "add", documents.to_str().unwrap(), "Jotta/Archive/Documents", "--mode", "backup"])
        .expect(0)
        .says("1 file")
        .says("Jotta/Archive/Documents");
    jottad(&["run", "--once"]).expect(0).says("in sync");
    jottad(&["ls", "-R", "-l", "Jotta/Archive/Documents"]).expect(0).says("letters/to kari.txt").says("5 B");
    assert!(service.has("Jotta/Archive/Documents/letters/to kari.txt"));
    let written = fs::read_to_string(&config).unwrap();
    assert!(written.contains("# kept") && written.contains("local = \"~/Documents\""), "{written}");
    if cfg!(not(target_os = "macos")) {
        assert!(machine.home().join(".local/state/jottad").is_dir());
    }
}

#[test]
fn a_listing_shows_names_as_the_user_knows_them() {
    let world = World::new();
    world.write("100% rye?.txt", "12345");
    world.write("a/b/c.txt", "");
    world.set_time("100% rye?.txt", 1_000_000_000);
    world.settle();
    let lines = world.machine.jottad(["ls", "Jotta/Archive/docs"]).expect(0).stdout;
    assert_eq!(lines.lines().collect::<Vec<_>>(), ["100% rye?.txt", "a/"]);
    let all = world.machine.jottad(["ls", "-R", "Jotta/Archive/docs"]).expect(0).stdout;
    let mut all: Vec<&str> = all.lines().collect();
    all.sort_unstable();
    for line in ["100% rye?.txt", "a/b/c.txt"] {
        assert!(all.contains(&line), "{all:?}");
    }
    let long = world.machine.jottad(["ls", "-l", "Jotta/Archive/docs"]).expect(0);
    long.says("2001-09-09 01:46:40").says("5 B");
    for arguments in
        [&["ls", "--json", "Jotta/Archive/docs"][..], &["ls", "--json", "-R", "Jotta/Archive/docs"]]
    {
        let documents = world.machine.jottad(arguments).expect(0).json_lines();
        let file = documents.iter().find(|document| document["name"] == "100% rye?.txt").unwrap();
        assert_eq!((&file["kind"], &file["size"]), (&"file".into(), &5.into()));
        assert_eq!(file["md5"], crate::stage::md5(b"12345"));
        assert_eq!(file["modified"], "2001-09-09T01:46:40Z");
    }
    // What one reads, one can ask for.
    world.machine.jottad(["ls", "Jotta/Archive/docs/100% rye?.txt"]).expect(0).says("100% rye?.txt");
}

#[test]
fn a_listing_of_what_is_not_there_says_so() {
    let world = World::new();
    world.service.does(Act::put("Jotta/Archive/gone.txt", b"x"));
    world.service.does(Act::delete("Jotta/Archive/gone.txt"));
    for (remote, code, complaint) in [
        ("Jotta/Archive/nothing", 1, "there is nothing"),
        ("Jotta/Archive/gone.txt", 1, "it is in the trash"),
        ("Jotta/Nothing", 1, "there is nothing"),
        ("Nothing/Archive", 1, "there is nothing"),
        ("", 2, "DEVICE/MOUNTPOINT"),
        ("Archive/x", 1, "there is nothing"),
        ("Archive", 1, "there is no device"),
        ("Jotta/Archive/../x", 2, "not names"),
    ] {
        world.machine.jottad(["ls", remote]).expect(code).complains(complaint).complains("hint: ");
    }
}

#[test]
fn a_mistake_in_the_config_is_told_with_its_place_and_its_remedy() {
    let world = World::new();
    let section = world.service_section();
    let folder = "[[folder]]\nname = \"docs\"\nlocal = \"~/docs\"\nremote = \"Jotta/Archive/docs\"\n";
    for (text, complaints) in [
        ("[transfer]\nuplaods = 3\n".to_owned(), vec!["uplaods", "uploads"]),
        ("[transfer]\nuploads = \"many\"\n".to_owned(), vec!["auto"]),
        ("[guard]\nmax_deletes = -1\n".to_owned(), vec!["max_deletes"]),
        ("[guard\n".to_owned(), vec![":"]),
        (format!("{folder}mode = \"mirror\"\n"), vec!["mirror", "backup", "archive"]),
        (format!("{folder}settle = \"soon\"\n"), vec!["settle", "soon"]),
        (format!("{folder}ignore = \"*.tmp\"\n"), vec!["ignore"]),
        (format!("{folder}{folder}"), vec!["docs"]),
        (folder.replace("~/docs", "docs"), vec!["absolute"]),
        (folder.replace("~/docs", "~/state/inside"), vec!["state"]),
        (folder.replace("Archive", "Trash"), vec!["Trash"]),
    ] {
        fs::write(world.machine.config(), format!("{section}{text}")).unwrap();
        let config = world.machine.config();
        for command in [&["run", "--once"][..], &["folder", "list"]] {
            let mut outcome = world.machine.command(command);
            if text.contains("~/state") {
                // The state directory beside the home would be no mistake.
                outcome.env("JOTTAD_STATE_DIR", world.machine.home().join("state"));
            }
            let outcome = Outcome::of(outcome).expect(2).complains(config.to_str().unwrap());
            for complaint in &complaints {
                assert!(outcome.stderr.contains(complaint), "{complaint:?}: {outcome}");
            }
        }
    }
}

#[test]
fn the_example_of_a_config_is_one() {
    let world = World::new();
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/jottad.toml");
    world.machine.jottad(["--config", example, "folder", "list"]).expect(0);
}

#[test]
fn a_running_daemon_keeps_its_config_when_the_new_one_is_wrong() {
    let world = World::new();
    let daemon = world.start();
    world.synced();
    fs::write(world.machine.config(), "nonsense").unwrap();
    daemon.signal(rustix::process::Signal::HUP);
    crate::stage::wait_until("the mistake is logged", || {
        daemon.log().contains("configuration stays as it was")
    });
    world.write("a.txt", "still going");
    crate::stage::wait_until("the file arrives", || world.service.has("Jotta/Archive/docs/a.txt"));
    daemon.stop();
}

#[test]
fn folders_are_added_changed_and_removed() {
    let world = World::new();
    let photos = world.machine.home().join("photos");
    fs::create_dir(&photos).unwrap();
    let photos = photos.to_str().unwrap();
    let jottad = |arguments: &[&str]| world.machine.jottad(arguments);
    jottad(&["folder", "add", photos, "--name", "pictures"]).expect(0);
    let again = jottad(&["folder", "add", photos]).expect(2).complains("photos is folder pictures already");
    again.complains("jottad folder set pictures");
    let above = world.machine.home();
    jottad(&["folder", "add", above.to_str().unwrap()]).expect(2).complains("overlaps").complains("hint: ");
    jottad(&["folder", "add", "/nowhere/at/all"]).expect(2).complains("/nowhere/at/all").complains("hint: ");
    jottad(&["folder", "add", photos, "--mode", "mirror"]).expect(2).complains("mirror");
    jottad(&["folder", "set", "pictures", "mode=archive", "ignore=[\"*.raw\"]"]).expect(0);
    let list = jottad(&["folder", "list", "--json"]).expect(0).json();
    assert_eq!(list["folders"][1]["name"], "pictures");
    assert_eq!(list["folders"][1]["mode"], "archive");
    assert_eq!(list["folders"][1]["ignore"][0], "*.raw");
    jottad(&["folder", "remove", "pictures"]).expect(0);
    jottad(&["folder", "remove", "pictures"]).expect(2).complains("pictures").complains("docs");
    jottad(&["sync", "pictures"]).expect(2).complains("pictures");
}

#[test]
fn the_program_explains_itself() {
    let machine = Machine::new();
    machine.jottad([""; 0]).expect(0).says("jottad setup");
    machine.jottad(["--version"]).expect(0).says(env!("CARGO_PKG_VERSION"));
    machine.jottad(["--help"]).expect(0).says("demo").says("Exit codes");
    machine.jottad(["frobnicate"]).expect(2).complains("frobnicate");
    machine.jottad(["man"]).expect(0).says(".TH");
    for shell in ["bash", "zsh", "fish"] {
        machine.jottad(["completions", shell]).expect(0).says("jottad");
    }
}

#[test]
fn the_account_and_its_devices_are_shown() {
    let world = World::new();
    let account = world.machine.jottad(["account", "--json"]).expect(0).json();
    for field in ["username", "email", "brand", "device", "used_bytes", "quota_bytes", "devices"] {
        assert!(account.get(field).is_some(), "{field}: {account}");
    }
    assert_eq!(account["email"], "kari@example.net");
    assert!(account["quota_bytes"].is_null(), "{account}");
    world.machine.jottad(["devices"]).expect(0).says("Jotta");
    world.machine.jottad(["mountpoints", "Jotta"]).expect(0).says("Archive");
}

#[test]
fn a_plan_tells_what_would_be_done() {
    let world = World::configured("\n[transfer]\nuploads = 1\n");
    world.write("one.txt", "12345");
    world.write("other.txt", "54321");
    world.service.spoil("allocate", jottad_emulator::Effect::Hang);
    let daemon = world.start();
    world.service.wait_for("allocate", 1);
    // One of them hangs; the other one is hashed meanwhile, and waits.
    crate::stage::wait_until("the other file is planned", || {
        let plan = world.machine.jottad(["plan", "--json"]).expect(0).json();
        let operations = plan["folders"][0]["operations"].as_array().unwrap();
        operations.iter().any(|told| told["kind"] == "upload" && told["bytes"] == 5)
    });
    world.machine.jottad(["plan"]).expect(0).says("upload");
    assert_eq!(world.service.asked("allocate"), 1);
    world.service.clear_faults();
    world.synced();
    daemon.stop();
}
