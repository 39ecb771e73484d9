//! The first minutes with jottad: what is asked, what is told, and where things go by themselves.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::Arc;

use jottad_emulator::Act;

use crate::stage::{Machine, Outcome, Service, Terminal, World, wait_until};

const README: &str = include_str!("../../README.md");

/// What this machine is called in an account.
fn host() -> String {
    let system = rustix::system::uname();
    system.nodename().to_string_lossy().split('.').next().unwrap().to_owned()
}

#[test]
fn the_first_lines_of_the_readme_end_with_a_status() {
    let block = README.split("## Your first folder").nth(1).unwrap().split("```").nth(1).unwrap();
    let (machine, service) = (Machine::new(), Service::start());
    fs::create_dir_all(machine.home().join("Documents")).unwrap();
    fs::write(machine.home().join("Documents/letter.txt"), "hello").unwrap();
    fs::write(machine.home().join("token"), service.login_token()).unwrap();
    let config = machine.home().join(".config/jottad/config.toml");
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    let lines =
        ["jfs_url", "api_url", "www_url", "id_url"].map(|key| format!("{key} = \"{}\"\n", service.url()));
    fs::write(&config, format!("[service]\n{}", lines.concat())).unwrap();
    let programs = machine.beside("bin");
    fs::create_dir(&programs).unwrap();
    symlink(machine.command([""; 0]).get_program(), programs.join("jottad")).unwrap();
    let lines: Vec<&str> = block.trim().lines().collect();
    assert!(lines.len() == 5 && lines[4] == "jottad status", "{lines:?}");
    let mut shown = Vec::new();
    for line in lines {
        let mut command = std::process::Command::new("sh");
        let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
        command.args(["-c", line]).env_clear().env("PATH", path).env("HOME", machine.home());
        command.env("TMPDIR", machine.beside("")).current_dir(machine.home());
        shown.push(Outcome::of(command).expect(0).stdout);
    }
    assert!(shown[3].contains("letter.txt"), "{shown:?}");
    assert!(shown[4].contains("in sync as of") && shown[4].contains("no daemon is running"), "{shown:?}");
}

#[test]
fn bare_jottad_shows_how_to_begin_from_how_far_one_is() {
    let machine = Machine::new();
    machine.jottad([""; 0]).expect(0).says("jottad setup").says("jottad demo");
    assert_eq!(machine.jottad(["--json"]).expect(0).json()["state"], "no_login");
    let world = World::new();
    fs::write(world.machine.config(), world.service_section()).unwrap();
    world.machine.jottad([""; 0]).expect(0).says("no folder is chosen").says("jottad folder add");
    world.configure("");
    world.settle();
    world.machine.jottad([""; 0]).expect(0).says("in sync").says("no daemon is running");
    let daemon = world.start();
    world.synced();
    let outcome = world.machine.jottad([""; 0]).expect(0).says("in sync");
    assert!(!outcome.stdout.contains("no daemon"), "{outcome}");
    daemon.stop();
}

#[test]
fn the_home_directory_can_be_kept_without_what_is_jottads_own() {
    let world = World::new();
    let home = world.machine.home();
    let state = home.join(".local/state/jottad");
    fs::create_dir_all(state.parent().unwrap()).unwrap();
    fs::rename(world.machine.state(), &state).unwrap();
    fs::write(home.join("a.txt"), "one").unwrap();
    fs::write(world.machine.config(), world.service_section()).unwrap();
    let jottad = |arguments: &[&str]| {
        let mut command = world.machine.command(arguments);
        command.env("JOTTAD_STATE_DIR", &state);
        Outcome::of(command)
    };
    jottad(&["folder", "add", "~", "Jotta/Archive/home", "--name", "home"])
        .expect(0)
        .says("it holds 1 file in");
    jottad(&["run", "--once"]).expect(0);
    let live = |path: &str| world.service.has(&format!("Jotta/Archive/home/{path}"));
    assert!(live("a.txt") && live(".local/state") && !live(".local/state/jottad"));
    jottad(&["status"]).expect(0).says("in sync");
    jottad(&["why", ".local/state/jottad/lock"]).expect(0).says("ignored");
    // Nothing that jottad writes about the folder is news of the folder.
    let again = jottad(&["plan"]).expect(0).says("home: nothing to do");
    assert!(!again.stdout.contains("jottad/"), "{again}");
}

#[test]
fn no_rule_of_anybody_brings_back_what_is_jottads_own() {
    let world = World::new();
    let home = world.machine.home();
    let state = home.join(".local/state/jottad");
    fs::create_dir_all(state.parent().unwrap()).unwrap();
    fs::rename(world.machine.state(), &state).unwrap();
    let part = ".jottad-d41d8cd98f00b204e9800998ecf8427e-0cc175b9.part";
    for directory in ["", ".local/", ".local/state/", ".local/state/jottad/"] {
        let text = "!*\n!**/jottad/\n!jottad/\n!jottad/**\n!*.part\n";
        fs::write(home.join(format!("{directory}.jottaignore")), text).unwrap();
        fs::write(home.join(format!("{directory}{part}")), "a beginning").unwrap();
    }
    let folder =
        "[[folder]]\nname = \"home\"\nlocal = \"~\"\nremote = \"Jotta/Archive/home\"\nignore = [\"!*\"]\n";
    fs::write(world.machine.config(), format!("{}{folder}", world.service_section())).unwrap();
    let jottad = |arguments: &[&str]| {
        let mut command = world.machine.command(arguments);
        command.env("JOTTAD_STATE_DIR", &state);
        Outcome::of(command)
    };
    jottad(&["run", "--once"]).expect(0);
    let live = |path: &str| world.service.has(&format!("Jotta/Archive/home/{path}"));
    assert!(live(".jottaignore") && live(".local/state/.jottaignore"));
    for own in [".local/state/jottad", part, &format!(".local/{part}")] {
        assert!(!live(own), "{own} was sent");
    }
    jottad(&["why", ".local/state/jottad/lock"]).expect(0).says("ignored").says("jottad's own");
    jottad(&["why", part]).expect(0).says("ignored").says("jottad's own");
}

#[test]
#[cfg(target_os = "linux")]
fn what_the_system_makes_up_is_no_folder() {
    let world = World::new();
    for directory in ["/proc", "/proc/self", "/sys", "/dev", "/"] {
        let add = ["folder", "add", directory, "Jotta/Archive/x", "--name", "x"];
        world.machine.jottad(add).expect(2).complains(directory).complains("hint: ");
    }
    world
        .machine
        .jottad(["folder", "add", "~/nothing"])
        .expect(2)
        .complains("No such file")
        .complains("hint: ");
}

#[test]
fn a_folder_without_a_place_goes_to_one_of_this_machine() {
    let world = World::new();
    let photos = world.machine.home().join("photos");
    fs::create_dir(&photos).unwrap();
    fs::write(photos.join("p.jpg"), "a photo").unwrap();
    let place = format!("{}/photos", host());
    world
        .machine
        .jottad(["folder", "add", "~/photos"])
        .expect(0)
        .says(&place)
        .complains(&format!("made {place}"))
        .complains("next: `jottad plan`");
    world.pass(0);
    assert!(world.service.has(&format!("{place}/p.jpg")));
    // Somebody's files are there by now: whose, only a person knows.
    world.machine.jottad(["folder", "remove", "photos"]).expect(0);
    let config = fs::read_to_string(world.machine.config()).unwrap();
    world
        .machine
        .jottad(["folder", "add", "~/photos"])
        .expect(2)
        .complains("holds 1 file already")
        .complains("--yes");
    assert_eq!(fs::read_to_string(world.machine.config()).unwrap(), config);
    world.machine.jottad(["folder", "add", "~/photos", "--yes"]).expect(0);
}

/// Once, two users of one machine, or two machines of one name, shared a place without being told, where
/// neither had sent anything yet.
#[test]
fn a_place_that_somebody_has_just_made_is_told_of() {
    let world = World::new();
    let photos = world.machine.home().join("photos");
    fs::create_dir(&photos).unwrap();
    let add = ["folder", "add", "~/photos"];
    let made = world.machine.jottad(add).expect(0);
    assert!(!made.stderr.contains("is there already"), "{made}");
    world.machine.jottad(["folder", "remove", "photos"]).expect(0);
    world.machine.jottad(add).expect(0).complains(&format!("{}/photos is there already, and empty", host()));
}

/// Once, two machines of one name that both added a folder before either had sent anything shared its place
/// in silence, and the one overwrote what the other had sent.
#[test]
fn of_two_machines_of_one_name_the_second_is_asked_before_anything_is_overwritten() {
    let (one, other) = (World::new(), Machine::new());
    let other = World::of(other, Arc::clone(&one.service), "");
    let place = format!("{}/photos", host());
    for (world, content) in [(&one, "mine"), (&other, "other")] {
        fs::write(world.machine.config(), world.service_section()).unwrap();
        fs::create_dir(world.machine.home().join("photos")).unwrap();
        fs::write(world.machine.home().join("photos/a.jpg"), content).unwrap();
        world.machine.jottad(["folder", "add", "~/photos"]).expect(0);
    }
    let cat = || one.machine.jottad(["cat", &format!("{place}/a.jpg")]).expect(0).stdout;
    one.pass(0);
    other
        .machine
        .jottad(["plan"])
        .expect(7)
        .complains("holds something that was not there")
        .complains("--yes");
    let asked = other.pass(7).says(&format!("{place} holds something that was not there"));
    let share = format!("jottad folder set photos remote={place} --yes");
    asked.says(&share);
    other.machine.jottad(["status"]).expect(7).says("holds something that was not there").says(&share);
    other.machine.jottad(["held"]).expect(7).says(&share);
    other.machine.jottad(["approve", "photos"]).expect(7).complains(&share);
    // Nothing but a yes ends that: neither the place's name once more, nor another mode, name or directory.
    let named = ["folder", "set", "photos", &format!("remote={place}")];
    other.machine.jottad(named).expect(2).complains("holds 1 file already").complains("--yes");
    other.machine.jottad(["folder", "set", "photos", "mode=sync"]).expect(0);
    other.pass(7);
    fs::rename(other.machine.home().join("photos"), other.machine.home().join("pictures")).unwrap();
    other.machine.jottad(["folder", "set", "photos", "mode=backup", "local=~/pictures"]).expect(0);
    other.machine.jottad(["status"]).expect(7).says("holds something that was not there").says(&share);
    other.pass(7);
    let daemon = other.start();
    other.sync(7).says("holds something that was not there");
    let held = other.machine.jottad(["held", "--json"]).expect(7).json();
    assert_eq!(held["folders"][0]["kind"], "place", "{held}");
    assert_eq!(cat(), "mine");
    // It was this one's all the same.
    other.machine.jottad(["folder", "set", "photos", &format!("remote={place}"), "--yes"]).expect(0);
    other.sync(0);
    assert_eq!(cat(), "other");
    daemon.stop();
    // Who was first, and who has said so, is not asked again.
    for (world, local) in [(&one, "photos"), (&other, "pictures")] {
        fs::write(world.machine.home().join(local).join("b.jpg"), "more").unwrap();
        world.pass(0);
    }
}

#[test]
fn a_folder_whose_place_turns_out_to_be_another_s_is_kept_elsewhere() {
    let world = World::new();
    let photos = world.machine.home().join("photos");
    fs::write(world.machine.config(), world.service_section()).unwrap();
    fs::create_dir(&photos).unwrap();
    fs::write(photos.join("a.jpg"), "mine").unwrap();
    world.machine.jottad(["folder", "add", "~/photos"]).expect(0);
    let theirs = format!("{}/photos/b.jpg", host());
    world.service.does(Act::put(&theirs, b"theirs"));
    world.pass(7);
    let set = ["folder", "set", "photos", "remote=Jotta/Archive/photos"];
    world.machine.jottad(set).expect(0);
    world.pass(0);
    assert!(world.service.has("Jotta/Archive/photos/a.jpg") && world.service.has(&theirs));
    // A place that somebody names is what they say it is.
    world.machine.jottad(["folder", "remove", "photos"]).expect(0);
    world.machine.jottad(["folder", "add", "~/photos", &format!("{}/photos", host())]).expect(0);
    world.pass(0);
}

/// Once, a folder that only fetches was in sync with a mistyped place for ever, without a word.
#[test]
fn a_folder_that_only_fetches_is_told_where_there_is_nothing_to_fetch() {
    let world = World::new();
    world.service.does(Act::put("Jotta/Archive/theirs/a.txt", b"one"));
    let holds_nothing = |place: &str, mode: &str| {
        fs::create_dir_all(world.machine.home().join("kept")).unwrap();
        let add = ["folder", "add", "~/kept", place, "--mode", mode, "--make"];
        let told = world.machine.jottad(add).expect(0);
        world.machine.jottad(["folder", "remove", "kept"]).expect(0);
        told.stderr.contains("holds nothing") && told.stderr.contains("jottad folder set NAME remote=PLACE")
    };
    assert!(holds_nothing("Jotta/Archive/thiers", "pull"));
    assert!(holds_nothing("Jotta/Pictures/theirs", "pull"), "its mountpoint is made");
    assert!(!holds_nothing("Jotta/Archive/theirs", "pull"));
    assert!(!holds_nothing("Jotta/Archive/mine", "backup"));
}

/// Once, what had gone from one side while nobody kept the two in step was deleted on the other.
#[test]
fn a_folder_that_is_added_or_set_once_more_brings_both_sides_together() {
    for mode in ["backup", "sync"] {
        for is_set in [false, true] {
            let world = World::new();
            world.fill("tree", 4, 10);
            world.pass(0);
            let docs = world.path("").to_string_lossy().into_owned();
            let mode_setting = format!("mode={mode}");
            let orders: [&[&str]; 2] = if is_set {
                [
                    &["set", "docs", "remote=Jotta/Archive/elsewhere"],
                    &["set", "docs", "remote=Jotta/Archive/docs"],
                ]
            } else {
                [&["remove", "docs"], &["add", &docs, "Jotta/Archive/docs", "--name", "docs"]]
            };
            let folder = |order: &[&str]| {
                world.machine.jottad(["folder"].iter().chain(order)).expect(0);
            };
            folder(orders[0]);
            world.remove("tree/d01/f01");
            world.service.does(Act::delete("Jotta/Archive/docs/tree/d02/f02"));
            folder(orders[1]);
            folder(&["set", "docs", &mode_setting]);
            world.pass(0);
            assert!(world.service.has("Jotta/Archive/docs/tree/d01/f01"), "{mode}, {is_set}");
            assert!(world.service.has("Jotta/Archive/docs/tree/d02/f02"), "{mode}, {is_set}");
            assert!(world.path("tree/d02/f02").exists(), "{mode}, {is_set}");
            assert_eq!(world.path("tree/d01/f01").exists(), mode == "sync", "{is_set}");
        }
    }
}

#[test]
fn a_place_that_holds_something_is_told_and_asked_about() {
    let world = World::new();
    fs::create_dir(world.machine.home().join("photos")).unwrap();
    world.service.does(Act::put("Jotta/Archive/theirs/one.txt", b"12345"));
    let add = ["folder", "add", "~/photos", "Jotta/Archive/theirs"];
    let config = fs::read_to_string(world.machine.config()).unwrap();
    let mut terminal = Terminal::start(&world.machine.command(add));
    terminal.sees("holds 1 file already").sees("Keep the folder there? [y/N]").types("n");
    let (shown, code) = terminal.ends();
    assert!(code == Some(1) && shown.contains("nothing was written"), "{shown}");
    assert_eq!(fs::read_to_string(world.machine.config()).unwrap(), config);
    // A script that names the place is told, and goes on.
    world.machine.jottad(add).expect(0).complains("holds 1 file already").complains("kept as a revision");
    world.machine.jottad(["folder", "remove", "photos"]).expect(0);
    let document = world.machine.jottad(add.iter().chain(&["--json"])).expect(0).json();
    assert_eq!((&document["remote_files"], &document["remote_bytes"]), (&1.into(), &5.into()));
}

#[test]
fn without_a_login_a_folder_still_gets_a_place_of_its_own() {
    let world = World::new();
    fs::create_dir(world.machine.home().join("photos")).unwrap();
    world.machine.jottad(["logout"]).expect(0);
    let place = format!("Jotta/Archive/{}/photos", host());
    world.machine.jottad(["folder", "add", "~/photos"]).expect(0).says(&place);
}

#[test]
fn setup_asks_for_everything_and_asks_again_after_each_mistake() {
    let (machine, service) = (Machine::new(), Service::start());
    let world = World { root: machine.home().join("Documents"), service: service.into(), machine };
    fs::create_dir_all(&world.root).unwrap();
    fs::write(world.path("letter.txt"), "hello").unwrap();
    fs::write(world.machine.config(), world.service_section()).unwrap();
    world
        .machine
        .jottad(["setup"])
        .expect(2)
        .complains("no terminal")
        .complains("jottad login --token-stdin");
    let mut terminal = Terminal::start(&world.machine.command(["setup"]));
    terminal.sees("Token").types("this is no token");
    terminal.sees("error: the login token is not valid");
    terminal.sees("Token").types(&world.service.login_token());
    terminal.sees("logged in as kari@example.net");
    terminal.sees("Which directory? [~/Documents]").types("~/Dokuments");
    terminal.sees("error: ~/Dokuments: No such file").sees("hint: ");
    terminal.sees("Which directory? [~/Documents]").types("");
    terminal.sees("What is it to be called? [Documents]").types("a/b");
    terminal.sees("error: ").sees("What is it to be called? [Documents]").types("n");
    terminal.sees("\"n\" is no answer to that").sees("press Enter for Documents");
    terminal.sees("What is it to be called? [Documents]").types("docs");
    terminal.sees("Which mode? [backup]").types("mirror");
    terminal.sees("error: ").sees("archive").sees("Which mode? [backup]").types("yes");
    terminal.sees("press Enter for backup").sees("Which mode? [backup]").types("");
    terminal.sees(&format!("Which place on the service? [{}/Documents]", host())).types("nowhere");
    terminal.sees("error: ").sees("Which place on the service?").types("");
    terminal.sees("added docs: ");
    terminal.sees("Another directory? [none]").types("No");
    terminal.sees("also after a restart? [yes]").types("maybe");
    terminal.sees("answer yes or no").sees("also after a restart? [yes]").types("no");
    terminal.sees("never compared");
    let (shown, code) = terminal.ends();
    assert_eq!(code, Some(5), "{shown}");
    world.pass(0);
    assert!(world.service.has(&format!("{}/Documents/letter.txt", host())));
}

#[test]
fn places_are_understood_or_answered_with_the_right_one() {
    let world = World::new();
    world.service.does(Act::put("Jotta/Archive/x/one.txt", b"one"));
    let mountpoints = world.machine.jottad(["ls", "Jotta"]).expect(0).says("Archive/");
    assert!(!mountpoints.stdout.contains("x/"), "{mountpoints}");
    for document in world.machine.jottad(["ls", "Jotta", "--json"]).expect(0).json_lines() {
        assert_eq!(document["kind"], "directory");
    }
    for command in [
        &["ls", "Archive/x"][..],
        &["cat", "Archive/x/one.txt"],
        &["get", "-r", "Archive/x"],
        &["rm", "Archive/x/one.txt"],
    ] {
        world.machine.jottad(command).expect(1).complains("rclone").complains("Jotta/Archive/x");
    }
    fs::create_dir(world.machine.home().join("photos")).unwrap();
    let add = ["folder", "add", "~/photos", "Archive/photos"];
    world.machine.jottad(add).expect(2).complains("Jotta/Archive/photos");
}

#[test]
fn what_is_restored_into_a_backup_comes_with_a_word_on_the_next_pass() {
    let world = World::new();
    world.write("a.txt", "one");
    world.write("b.txt", "one");
    world.settle();
    world.write("a.txt", "two, and longer");
    world.remove("b.txt");
    world.settle();
    world
        .machine
        .jottad(["restore", "Jotta/Archive/docs/b.txt"])
        .expect(0)
        .complains("leaves it there and does not fetch it")
        .complains("jottad get");
    let versions = world.machine.jottad(["versions", "--json", "Jotta/Archive/docs/a.txt"]).expect(0).json();
    let oldest =
        versions["versions"].as_array().unwrap().iter().map(|one| one["revision"].as_u64().unwrap()).min();
    world
        .machine
        .jottad(["restore", "Jotta/Archive/docs/a.txt", "--revision", &oldest.unwrap().to_string()])
        .expect(0)
        .complains("sends")
        .complains("over it again");
    // The word is true.
    world.pass(0);
    assert!(!world.path("b.txt").exists() && world.service.has("Jotta/Archive/docs/b.txt"));
    let content = world.machine.jottad(["cat", "Jotta/Archive/docs/a.txt"]).expect(0).stdout;
    assert_eq!(content, "two, and longer");
}

/// A folder of one file that was edited, and one that was deleted; and the first revision of the former.
fn with_a_past(mode: &str) -> (World, String) {
    let world = World::new();
    world.write("a.txt", "one");
    world.write("d/b.txt", "one");
    world.settle();
    world.write("a.txt", "two, and longer");
    world.remove("d");
    world.settle();
    world.configure(mode);
    let versions = world.machine.jottad(["versions", "--json", "Jotta/Archive/docs/a.txt"]).expect(0).json();
    let numbers = versions["versions"].as_array().unwrap().iter();
    let oldest = numbers.filter_map(|one| one["revision"].as_u64()).min().unwrap();
    (world, oldest.to_string())
}

#[test]
fn what_is_restored_into_a_backup_is_brought_here_as_well_where_that_is_wanted() {
    let (world, oldest) = with_a_past("");
    let of_a = ["restore", "Jotta/Archive/docs/a.txt", "--revision", &oldest];
    let document = world.machine.jottad(of_a.iter().chain(&["--here", "--json"])).expect(0).json();
    let (folder, here) = (&document["folder"], &document["here"]);
    assert_eq!((&folder["name"], &folder["next_pass"]), (&"docs".into(), &"sends_over".into()), "{document}");
    assert_eq!((&here["files"], &document["changed"]), (&1.into(), &true.into()), "{document}");
    assert_eq!(fs::read_to_string(world.path("a.txt")).unwrap(), "one");
    // A person is asked.
    let mut terminal = Terminal::start(&world.machine.command(["restore", "Jotta/Archive/docs/d"]));
    terminal.sees("leaves it there and does not fetch it");
    terminal.sees(&format!("Bring it to {} as well? [y/N]", world.path("d").display())).types("y");
    let (shown, code) = terminal.ends();
    assert!(code == Some(0) && shown.contains("brought here: 1 file"), "{shown}");
    assert_eq!(fs::read_to_string(world.path("d/b.txt")).unwrap(), "one");
    // Both sides have it now, and the next pass sends no content.
    let sent = world.service.asked("upload");
    world.settle();
    assert_eq!(world.service.asked("upload"), sent);
}

#[test]
fn what_nobody_has_kept_yet_is_not_given_up_for_what_was_restored() {
    let (world, oldest) = with_a_past("");
    world.write("a.txt", "three, and nowhere else");
    world
        .machine
        .jottad(["restore", "Jotta/Archive/docs/a.txt", "--revision", &oldest, "--here"])
        .expect(0)
        .says("is current again")
        .says("1 file made way and went to the local trash")
        .complains("docs/a.txt: what it held is in the local trash");
    assert_eq!(fs::read_to_string(world.path("a.txt")).unwrap(), "one");
    world.remove("a.txt");
    let local = world.path("a.txt").display().to_string();
    world.machine.jottad(["trash", "restore", "--local", &local]).expect(0);
    assert_eq!(fs::read_to_string(world.path("a.txt")).unwrap(), "three, and nowhere else");
}

#[test]
fn what_is_restored_comes_by_itself_where_changes_travel_here() {
    for mode in ["sync", "pull"] {
        let (world, _) = with_a_past(&format!("mode = \"{mode}\""));
        let restored = world.machine.jottad(["restore", "Jotta/Archive/docs/d"]).expect(0);
        let restored = restored.complains(&format!("(mode {mode}): the next pass brings it to"));
        assert!(!restored.stderr.contains("jottad get"), "{restored}");
        world.pass(0);
        assert!(world.path("d/b.txt").exists(), "{mode}");
    }
}

#[test]
fn what_is_restored_outside_of_folders_comes_without_a_word_on_them() {
    let (world, oldest) = with_a_past("");
    world.configure("");
    let config = fs::read_to_string(world.machine.config()).unwrap();
    fs::write(world.machine.config(), config.replace("Archive/docs", "Archive/doc")).unwrap();
    let of_a = ["restore", "Jotta/Archive/docs/a.txt", "--revision", &oldest];
    world
        .machine
        .jottad(of_a.iter().chain(&["--here"]))
        .expect(2)
        .complains("is in no folder")
        .complains("--to LOCAL");
    let restored = world.machine.jottad(of_a).expect(0);
    assert!(!restored.stderr.contains("folder"), "{restored}");
    let document = world.machine.jottad(of_a.iter().chain(&["--json"])).expect(0).json();
    assert_eq!(document["folder"], serde_json::Value::Null);
}

#[test]
fn a_daemon_that_keeps_the_home_directory_rests_when_nothing_happens() {
    let world = World::new();
    let home = world.machine.home();
    fs::write(home.join("a.txt"), "one").unwrap();
    let state = home.join("state");
    fs::rename(world.machine.state(), &state).unwrap();
    let folder =
        "[[folder]]\nname = \"home\"\nlocal = \"~\"\nremote = \"Jotta/Archive/home\"\nsettle = \"50ms\"\n";
    fs::write(world.machine.config(), format!("{}{folder}", world.service_section())).unwrap();
    let daemon = world.machine.start_in(|mut command| {
        command.env("JOTTAD_STATE_DIR", &state);
        command
    });
    let status = || {
        let mut command = world.machine.command(["status", "--json"]);
        command.env("JOTTAD_STATE_DIR", &state);
        Outcome::of(command).json()
    };
    wait_until("it is in sync", || status()["verdict"] == "in_sync");
    fs::write(home.join("b.txt"), "two").unwrap();
    wait_until("the file arrives", || world.service.has("Jotta/Archive/home/b.txt"));
    wait_until("it is in sync again", || status()["verdict"] == "in_sync");
    assert!(!world.service.has("Jotta/Archive/home/state"));
    daemon.stop();
}

/// Once, nothing was said of any path before the first pass but that nothing was known.
#[test]
fn before_the_first_pass_it_is_told_what_that_will_do_with_a_path() {
    let world = World::new();
    for (mode, words) in [
        ("backup", "it sends this to Jotta/Archive/docs/a.txt"),
        ("archive", "it sends this to Jotta/Archive/docs/a.txt"),
        ("sync", "both are kept"),
        ("pull", "it sends nothing"),
    ] {
        world.configure(&format!("mode = \"{mode}\"\nignore = [\"*.log\"]\nmax_size = \"1 kB\""));
        world.write("a.txt", "one");
        let why = world.machine.jottad(["why", "docs/a.txt"]).expect(0);
        let why = why.says("a.txt in docs: pending").says("no pass has run yet").says(words);
        assert!(why.says("`jottad run --once` starts it").stderr.contains("there was no run yet"), "{mode}");
    }
    world.write("x.log", "one");
    world.write("big", [0; 2000]);
    symlink("a.txt", world.path("link")).unwrap();
    world.machine.jottad(["why", "docs/x.log"]).expect(0).says("ignored").says("*.log");
    world.machine.jottad(["why", "docs/big"]).expect(0).says("ignored").says("max_size");
    world.machine.jottad(["why", "docs/link"]).expect(0).says("skipped").says("a symbolic link");
    world.machine.jottad(["why", "docs/.jottad"]).expect(0).says("skipped");
    world.machine.jottad(["why", "docs/gone"]).expect(0).says("it fetches what is at");
    let document = world.machine.jottad(["why", "docs/a.txt", "--json"]).expect(0).json();
    assert_eq!((&document["state"], &document["next"]), (&"pending".into(), &().into()));
    // A question makes no index, and none is needed for a pause to be told.
    assert_eq!(fs::read_dir(world.machine.state().join("index")).map_or(0, Iterator::count), 0);
    world.machine.jottad(["pause"]).expect(0);
    world.machine.jottad(["why", "docs/a.txt"]).expect(0).says("no pass has run yet").says("paused until");
    world.machine.jottad(["resume"]).expect(0).says("or `jottad service install`");
    // Where the service is installed it makes the first pass.
    if cfg!(target_os = "linux") {
        let unit = world.machine.home().join(".config/systemd/user/jottad.service");
        fs::create_dir_all(unit.parent().unwrap()).unwrap();
        fs::write(&unit, "[Service]\nExecStart=jottad run\n").unwrap();
        world.machine.jottad(["why", "docs/a.txt"]).expect(0).says("`jottad service start` starts it");
        fs::remove_file(unit).unwrap();
    }
    world.machine.jottad(["logout"]).expect(0);
    world.machine.jottad(["why", "docs/a.txt"]).expect(0).says("no pass has run yet");
    fs::remove_dir_all(world.machine.state()).unwrap();
    world.machine.jottad(["why", "docs/a.txt"]).expect(0).says("`jottad login` and then");
}

/// Once, a wrong value on the command line was blamed on the config file.
#[test]
fn a_wrong_setting_is_one_of_the_command() {
    let world = World::new();
    let config = fs::read_to_string(world.machine.config()).unwrap();
    for (setting, accepted) in [
        ("mode=both", "mode may be backup, sync, archive or pull"),
        ("max_size=4", "max_size may be unlimited, or a size with its unit"),
        ("local=/nowhere/../at/all", "hint: make the directory first"),
        ("local=", "hint: name a directory"),
        ("remote=foo", "remote may be DEVICE/MOUNTPOINT[/path]"),
    ] {
        let outcome = world.machine.jottad(["folder", "set", "docs", setting]).expect(2).complains(accepted);
        assert!(!outcome.stderr.contains("config.toml"), "{outcome}");
    }
    fs::create_dir(world.machine.home().join("photos")).unwrap();
    let add = ["folder", "add", "~/photos", "foo"];
    let outcome = world.machine.jottad(add).expect(2).complains("remote may be DEVICE/MOUNTPOINT");
    assert!(!outcome.stderr.contains("config.toml"), "{outcome}");
    assert_eq!(fs::read_to_string(world.machine.config()).unwrap(), config);
}

#[test]
fn without_a_folder_the_status_says_how_one_is_added_and_not_how_a_daemon_is_started() {
    let world = World::new();
    fs::write(world.machine.config(), world.service_section()).unwrap();
    let status = world.machine.jottad(["status"]).expect(5).says("no folder is configured");
    assert!(!status.says("jottad folder add LOCAL").stdout.contains("service install"));
    let line = world.machine.jottad(["status", "--line"]).expect(5).says("jottad folder add LOCAL");
    assert_eq!(line.stdout.lines().count(), 1);
    assert_eq!(world.machine.status()["folders"], serde_json::json!([]));
}

#[test]
fn a_plan_that_names_nothing_says_that_there_is_something() {
    let world = World::new();
    world.write("a.txt", "one");
    let plan = world.machine.jottad(["plan", "--limit", "0"]).expect(0).says("docs: 2 operations");
    assert!(!plan.says("none of them is named; --limit 2 names all").stdout.contains("nothing to do"));
}
