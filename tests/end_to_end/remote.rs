//! The remote by hand: the commands that read and change the service directly.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};

use jottad_emulator::{Act, Effect, Fault, Matching};

use crate::stage::{Terminal, World};

fn put(world: &World, path: &str, content: &[u8]) {
    world.service.does(Act::put_at(path, content, 1_000_000_000));
}

fn content(world: &World, path: &str) -> Vec<u8> {
    world.service.content(path).unwrap_or_else(|| panic!("{path} has no content")).to_vec()
}

#[test]
fn a_file_is_printed_whole_or_in_part() {
    let world = World::new();
    put(&world, "Jotta/Archive/a.txt", b"0123456789");
    for (arguments, expected) in [
        (&[][..], "0123456789"),
        (&["--offset", "7"], "789"),
        (&["--length", "2"], "01"),
        (&["--offset", "3", "--length", "4"], "3456"),
        (&["--offset", "8", "--length", "99"], "89"),
        (&["--offset", "10"], ""),
        (&["--length", "0"], ""),
    ] {
        let outcome = world.machine.jottad(["cat", "Jotta/Archive/a.txt"].iter().chain(arguments)).expect(0);
        assert_eq!(outcome.stdout, expected, "{arguments:?}");
    }
}

#[test]
fn a_folder_is_fetched_with_its_times_and_only_once() {
    let world = World::new();
    put(&world, "Jotta/Archive/in/a.txt", b"one");
    put(&world, "Jotta/Archive/in/deep/b\u{ff1a}.txt", b"two");
    world.service.does(Act::mkdir("Jotta/Archive/in/empty"));
    let get = ["get", "-r", "Jotta/Archive/in", "out"];
    world.machine.jottad(["get", "Jotta/Archive/in"]).expect(1).complains("folder").complains("get -r");
    world.machine.jottad(get).expect(0).says("fetched 2 files");
    let out = world.machine.home().join("out");
    assert_eq!(fs::read(out.join("deep/b:.txt")).unwrap(), b"two");
    assert_eq!(fs::metadata(out.join("a.txt")).unwrap().mtime(), 1_000_000_000);
    assert!(out.join("empty").is_dir());
    world.service.reset_counters();
    world.machine.jottad(get).expect(0).says("2 files had been there");
    assert_eq!(world.service.asked("content"), 0);
    fs::write(out.join("a.txt"), "mine").unwrap();
    world.machine.jottad(get).expect(6).complains("a.txt: a file of another content is there");
    assert_eq!(fs::read(out.join("a.txt")).unwrap(), b"mine");
    world.machine.jottad(get.iter().chain(&["--force"])).expect(0).says("fetched 1 file");
    assert_eq!(fs::read(out.join("a.txt")).unwrap(), b"one");
}

#[test]
fn nothing_is_fetched_through_a_symlink() {
    let world = World::new();
    put(&world, "Jotta/Archive/in/deep/a.txt", b"one");
    put(&world, "Jotta/Archive/in/b.txt", b"two");
    let (out, outside) = (world.machine.home().join("out"), world.machine.home().join("outside"));
    fs::create_dir(&out).unwrap();
    fs::create_dir(&outside).unwrap();
    symlink(&outside, out.join("deep")).unwrap();
    world.machine.jottad(["get", "-r", "--force", "Jotta/Archive/in", "out"]).expect(6).complains("symlink");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    assert_eq!(fs::read(out.join("b.txt")).unwrap(), b"two");
}

#[test]
fn what_is_put_is_there_and_is_never_written_over_unasked() {
    let world = World::new();
    let home = world.machine.home();
    fs::create_dir_all(home.join("in/deep/empty")).unwrap();
    fs::write(home.join("in/a?.txt"), "one").unwrap();
    fs::write(home.join("in/deep/b.txt"), "two").unwrap();
    symlink("a?.txt", home.join("in/link")).unwrap();
    let put = ["put", "-r", "in", "Jotta/Archive/new/in"];
    world.machine.jottad(["put", "in", "Jotta/Archive/x"]).expect(1).complains("directory");
    world.machine.jottad(put).expect(6).says("sent 2 files").complains("link: it is neither");
    assert_eq!(content(&world, "Jotta/Archive/new/in/a\u{ff1f}.txt"), b"one");
    assert!(world.service.has("Jotta/Archive/new/in/deep/empty"));
    world.machine.jottad(put).expect(6).says("2 files had been there");
    let one = ["put", "in/deep/b.txt", "Jotta/Archive/new/in/deep"];
    fs::write(home.join("in/deep/b.txt"), "three").unwrap();
    world.machine.jottad(one).expect(1).complains("another content").complains("--force");
    assert_eq!(content(&world, "Jotta/Archive/new/in/deep/b.txt"), b"two");
    world.machine.jottad(one.iter().chain(&["--force"])).expect(0);
    assert_eq!(world.service.at("Jotta/Archive/new/in/deep/b.txt").revisions, 2);
}

#[test]
fn entries_are_moved_and_copied_but_never_onto_others() {
    let world = World::new();
    put(&world, "Jotta/Archive/a.txt", b"one");
    put(&world, "Jotta/Archive/b.txt", b"two");
    put(&world, "Jotta/Archive/gone.txt", b"three");
    world.service.does(Act::delete("Jotta/Archive/gone.txt"));
    let jottad = |arguments: &[&str]| world.machine.jottad(arguments);
    for command in ["mv", "cp"] {
        jottad(&[command, "Jotta/Archive/a.txt", "Jotta/Archive/b.txt"]).expect(1).complains("hint: ");
    }
    jottad(&["mv", "Jotta/Archive/a.txt", "Jotta/Archive/A.txt"]).expect(0);
    assert_eq!(world.service.at("Jotta/Archive/a.txt").path, "Jotta/Archive/A.txt");
    jottad(&["mkdir", "Jotta/Archive/deep/er"]).expect(0);
    jottad(&["mv", "Jotta/Archive/A.txt", "Jotta/Archive/deep/er"]).expect(0);
    jottad(&["mv", "Jotta/Archive/deep", "Jotta/Archive/deep/er"]).expect(2).complains("itself");
    jottad(&["cp", "Jotta/Archive/deep", "Jotta/Archive/copy"]).expect(1).complains("-r");
    jottad(&["cp", "-r", "Jotta/Archive/deep", "Jotta/Archive/copy"]).expect(0).says("copied 1 file");
    assert_eq!(content(&world, "Jotta/Archive/copy/er/A.txt"), b"one");
    jottad(&["cp", "Jotta/Archive/b.txt", "Jotta/Archive/gone.txt"]).expect(0);
    assert_eq!(content(&world, "Jotta/Archive/gone.txt"), b"two");
    assert!(world.service.has("Jotta/Archive/gone.txt"));
}

/// Once, a no was followed by nothing, and by 0.
#[test]
fn a_person_who_says_no_is_told_that_nothing_was_removed() {
    let world = World::new();
    put(&world, "Jotta/Archive/a.txt", b"one");
    put(&world, "Jotta/Archive/b.txt", b"two");
    let [a, b] = ["Jotta/Archive/a.txt", "Jotta/Archive/b.txt"];
    for (command, answers, told) in [
        (&["rm", "--permanent", a][..], &["n"][..], "called off: nothing was removed"),
        (&["trash", "empty"], &[""], "called off: nothing was removed"),
        (&["trash", "empty", "--local"], &["no"], "called off: nothing was removed"),
        (&["rm", "--permanent", a, b], &["n", "n"], "called off: nothing was removed"),
        (&["rm", "--permanent", a, b], &["n", "y"], "called off: not removed: Jotta/Archive/a.txt"),
    ] {
        let mut terminal = Terminal::start(&world.machine.command(command));
        for answer in answers {
            terminal.sees("[y/N]").types(answer);
        }
        let (shown, code) = terminal.ends();
        assert!(code == Some(1) && shown.contains(told) && shown.contains("hint: "), "{command:?}: {shown}");
    }
    assert!(world.service.has(a) && !world.service.has(b));
}

#[test]
fn removing_needs_to_be_meant() {
    let world = World::new();
    put(&world, "Jotta/Archive/dir/a.txt", b"one");
    put(&world, "Jotta/Archive/b.txt", b"two");
    let jottad = |arguments: &[&str]| world.machine.jottad(arguments);
    jottad(&["rm", "Jotta/Archive/dir"]).expect(1).complains("-r");
    jottad(&["rm", "-r", "Jotta/Archive"]).expect(2).complains("mountpoint");
    jottad(&["rm", "--permanent", "Jotta/Archive/b.txt"]).expect(2).complains("--yes");
    assert!(world.service.has("Jotta/Archive/b.txt"));
    jottad(&["rm", "-r", "Jotta/Archive/dir"]).expect(0);
    jottad(&["trash", "ls"]).expect(0).says("Jotta/Archive/dir/");
    jottad(&["restore", "Jotta/Archive/dir"]).expect(0).says("restored 1 file and 1 folder");
    assert!(world.service.has("Jotta/Archive/dir/a.txt"));
    jottad(&["rm", "--permanent", "--yes", "Jotta/Archive/b.txt"]).expect(0);
    assert!(world.service.entry("Jotta/Archive/b.txt").is_none());
    jottad(&["rm", "Jotta/Archive/dir/a.txt"]).expect(0);
    jottad(&["trash", "empty"]).expect(2).complains("--yes");
    jottad(&["trash", "empty", "--yes"]).expect(0).says("1 file");
    assert!(world.service.entry("Jotta/Archive/dir/a.txt").is_none());
}

#[test]
fn an_older_revision_comes_back_also_where_its_hash_is_not_known() {
    let world = World::new();
    put(&world, "Jotta/Archive/a.txt", b"one");
    put(&world, "Jotta/Archive/a.txt", b"two");
    let jottad = |arguments: &[&str]| world.machine.jottad(arguments);
    let versions = jottad(&["versions", "--json", "Jotta/Archive/a.txt"]).expect(0).json();
    let versions = versions["versions"].as_array().unwrap();
    assert_eq!(versions.len(), 2);
    assert_eq!((&versions[0]["current"], &versions[0]["revision"]), (&true.into(), &2.into()));
    jottad(&["restore", "Jotta/Archive/a.txt"]).expect(2).complains("--revision");
    jottad(&["restore", "Jotta/Archive/a.txt", "--revision", "9"]).expect(1).complains("revision 9");
    jottad(&["restore", "Jotta/Archive/a.txt", "--at", "2001-01-01"]).expect(1).complains("2001-01-01");
    jottad(&["restore", "Jotta/Archive/a.txt", "--revision", "1", "--to", "old.txt"]).expect(0);
    // Where another file is, the remedy is one that this command has.
    let onto = ["restore", "Jotta/Archive/a.txt", "--revision", "2", "--to", "old.txt"];
    let refused = jottad(&onto).expect(1).complains("another name keeps both");
    assert!(!refused.stderr.contains("--force"), "{}", refused.stderr);
    jottad(&["get", "Jotta/Archive/a.txt", "old.txt"]).expect(1).complains("--force replaces it");
    assert_eq!(fs::read(world.machine.home().join("old.txt")).unwrap(), b"one");
    assert_eq!(content(&world, "Jotta/Archive/a.txt"), b"two");
    jottad(&["restore", "Jotta/Archive/a.txt", "--revision", "1"]).expect(0);
    assert_eq!(content(&world, "Jotta/Archive/a.txt"), b"one");
    world.service.add_fault(Fault::once(Matching::endpoint("cphash"), Effect::status(404)));
    jottad(&["restore", "Jotta/Archive/a.txt", "--revision", "2"]).expect(0);
    assert_eq!(content(&world, "Jotta/Archive/a.txt"), b"two");
}

#[test]
fn times_and_links_are_set() {
    let world = World::new();
    put(&world, "Jotta/Archive/a.txt", b"one");
    let jottad = |arguments: &[&str]| world.machine.jottad(arguments);
    jottad(&["touch", "--time", "2026-01-02T03:04:05Z", "Jotta/Archive/a.txt"]).expect(0);
    assert_eq!(world.service.at("Jotta/Archive/a.txt").modified, Some(1_767_323_045));
    jottad(&["touch", "Jotta/Archive/empty.txt"]).expect(0);
    assert_eq!(content(&world, "Jotta/Archive/empty.txt"), b"");
    jottad(&["link", "Jotta/Archive/a.txt"]).expect(0).says("http");
    jottad(&["unlink", "Jotta/Archive/a.txt"]).expect(0);
}

#[test]
fn devices_and_mountpoints_are_made() {
    let world = World::new();
    let jottad = |arguments: &[&str]| world.machine.jottad(arguments);
    for _ in 0..2 {
        jottad(&["devices", "create", "laptop"]).expect(0).says("laptop is there");
        jottad(&["mountpoints", "create", "laptop", "docs"]).expect(0).says("docs is there");
    }
    let devices = jottad(&["devices", "--json"]).expect(0).json();
    let names: Vec<_> = devices["devices"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
    assert_eq!(names, ["Jotta", "laptop"]);
    jottad(&["mkdir", "laptop/docs/a/b"]).expect(0);
    assert!(world.service.has("laptop/docs/a/b"));
    jottad(&["devices", "create", ".."]).expect(2).complains("cannot be the name");
}

#[test]
fn letter_case_alone_is_changed_whatever_the_service_would_make_of_it() {
    for answer in ["renames", "no-effect", "refused", "trashed"] {
        let world = World::new();
        world.service.set_switch("U08", answer).unwrap();
        put(&world, "Jotta/Archive/dir/name", b"one");
        for (from, to) in [("dir/name", "dir/NAME"), ("dir", "Dir")] {
            let [from, to] = [from, to].map(|path| format!("Jotta/Archive/{path}"));
            world.machine.jottad(["mv", &from, &to]).expect(0);
            assert_eq!(world.service.at(&to).path, to, "{answer}");
        }
        assert_eq!(content(&world, "Jotta/Archive/Dir/NAME"), b"one");
    }
}

#[test]
fn what_is_wrong_is_told_in_a_line_with_a_remedy() {
    let world = World::new();
    put(&world, "Jotta/Archive/file", b"x");
    fs::write(world.machine.home().join("x"), "xyz").unwrap();
    for (arguments, code) in [
        (&["cat", "Jotta/Archive/nothing"][..], 1),
        (&["cat", "Jotta/Archive"], 1),
        (&["get", "Jotta/Nothing/a"], 1),
        (&["put", "x"], 2),
        (&["put", "x", "Jotta/Nothing/a"], 1),
        (&["put", "x", "Jotta/Trash/a"], 2),
        (&["put", "x", "Jotta/Archive/file/x"], 1),
        (&["mkdir", "Jotta/Archive/file"], 1),
        (&["mv", "Jotta/Archive/nothing", "Jotta/Archive/x"], 1),
        (&["link", "Jotta/Archive"], 1),
        (&["mountpoints", "nothing"], 1),
        (&["versions", "Jotta/Archive"], 1),
        (&["restore", "Jotta/Archive/nothing"], 1),
    ] {
        world.machine.jottad(arguments).expect(code).complains("error: ").complains("hint: ");
    }
    world.service.spoil("allocate", Effect::status(460));
    world.machine.jottad(["put", "x", "Jotta/Archive/x"]).expect(1).complains("hint: free some space");
    world.machine.jottad(["logout"]).expect(0);
    world.machine.jottad(["cat", "Jotta/Archive/file"]).expect(4).complains("jottad login");
}

#[test]
fn an_interrupted_file_is_gone_on_with() {
    let world = World::new();
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    put(&world, "Jotta/Archive/big", &bytes);
    let broken = Effect::CutResponse { after: 1_000_000 };
    world.service.add_fault(Fault::once(Matching::endpoint("content"), broken));
    world.service.add_fault(Fault::always(Matching::endpoint("content"), Effect::ResetBefore));
    world.machine.jottad(["get", "Jotta/Archive/big"]).expect(8).complains("hint: ");
    let home = world.machine.home();
    let held = || {
        fs::read_dir(&home)
            .unwrap()
            .any(|entry| entry.unwrap().path().extension().is_some_and(|it| it == "part"))
    };
    assert!(held() && !home.join("big").exists());
    world.service.clear_faults();
    world.machine.jottad(["get", "Jotta/Archive/big"]).expect(0);
    assert_eq!(fs::read(home.join("big")).unwrap(), bytes);
    assert!(!held());
}
