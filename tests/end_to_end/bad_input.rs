//! Every command that speaks to the service, with everything that can be wrong: a one-line error with a
//! remedy, the documented exit code, no panic, nothing half-written, and memory that has a bound.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Mutex;
use std::thread;

use jottad_emulator::{Act, Effect, Fault, Matching};

use crate::stage::{Nobody, Outcome, World, within};

/// A file and a folder that are there, and what the commands are to do with them. `IN` stands for a place on
/// this machine.
const COMMANDS: &[&str] = &[
    "account",
    "devices",
    "devices create Another",
    "mountpoints Jotta",
    "mountpoints create Jotta Another",
    "trash ls",
    "trash restore Jotta/Archive/trashed",
    "trash empty --yes",
    "ls FOLDER",
    "ls -l FOLDER",
    "ls -R FOLDER",
    "cat FILE",
    "get FILE IN/fetched",
    "get -r FOLDER IN/fetched-folder",
    "put IN/local Jotta/Archive/sent",
    "put -r IN/directory Jotta/Archive/sent-folder",
    "mkdir Jotta/Archive/made",
    "mv FILE Jotta/Archive/moved",
    "mv FOLDER Jotta/Archive/moved-folder",
    "cp FILE Jotta/Archive/copied",
    "rm FILE",
    "rm -r FOLDER",
    "rm --permanent --yes FILE",
    "touch FILE",
    "link FILE",
    "unlink FILE",
    "versions FILE",
    "restore Jotta/Archive/trashed",
    "restore FILE --revision 1",
    "selftest Jotta/Archive",
];

/// Commands at once: most of their time they wait before they try again.
const AT_ONCE: usize = 8;

/// No command gets more memory for its data, in KiB; on Linux, elsewhere the limit has no effect. What the
/// system says of the memory of programs that have ended will not do: it counts the program that started
/// them.
const MEMORY: u32 = 256 * 1024;

fn world() -> World {
    let world = World::new();
    world.service.does(Act::put("Jotta/Archive/file", b"the content"));
    world.service.does(Act::put("Jotta/Archive/file", b"the second content"));
    world.service.does(Act::put("Jotta/Archive/folder/inner", b"inner"));
    world.service.does(Act::put("Jotta/Archive/trashed", b"trashed"));
    world.service.does(Act::delete("Jotta/Archive/trashed"));
    fs::write(world.machine.home().join("local"), "local").unwrap();
    fs::create_dir(world.machine.home().join("directory")).unwrap();
    fs::write(world.machine.home().join("directory/inner"), "inner").unwrap();
    world
}

/// One command, with a file and a folder of choice.
fn run(world: &World, command: &str, file: &str, folder: &str) -> Outcome {
    let home = world.machine.home();
    let arguments = command.split(' ').map(|word| match word {
        "FILE" => file.to_owned(),
        "FOLDER" => folder.to_owned(),
        other => other.replace("IN/", &format!("{}/", home.display())),
    });
    Outcome::of(within(&format!("ulimit -d {MEMORY}"), &world.machine.command(arguments)))
}

fn usual(world: &World, command: &str) -> Outcome {
    run(world, command, "Jotta/Archive/file", "Jotta/Archive/folder")
}

/// Demands that it ended with one of these codes and said why in two lines that a person can use.
#[track_caller]
fn assert_explained(outcome: &Outcome, codes: &[i32]) {
    assert!(outcome.code.is_some_and(|code| codes.contains(&code)), "not one of {codes:?}: {outcome}");
    let lines: Vec<&str> = outcome.stderr.lines().filter(|line| !line.is_empty()).collect();
    let errors = lines.iter().filter(|line| line.starts_with("error: ")).count();
    let hints = lines.iter().filter(|line| line.starts_with("hint: ")).count();
    assert!(errors == 1 && hints == 1, "{errors} errors and {hints} hints: {outcome}");
    assert!(lines.iter().all(|line| line.len() < 1000), "{outcome}");
    assert!(!outcome.stderr.contains("panicked"), "{outcome}");
}

/// Runs all commands against a spoilt service, some at a time, and demands of each that it explains itself.
fn assert_all_explain(world: &World, commands: &[&str], codes: &[i32]) {
    let before = on_disk(world);
    let waiting = Mutex::new(commands.to_vec());
    thread::scope(|scope| {
        let work = || {
            while let Some(command) = { waiting.lock().unwrap().pop() } {
                assert_explained(&usual(world, command), codes);
            }
        };
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            worker.join().unwrap();
        }
    });
    assert_eq!(on_disk(world), before, "something was left behind");
}

/// Every file and directory in the home, with what it holds.
fn on_disk(world: &World) -> BTreeMap<String, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![world.machine.home()];
    while let Some(path) = waiting.pop() {
        let content = if path.is_dir() { None } else { Some(fs::read(&path).unwrap()) };
        if content.is_none() {
            waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
        found.insert(path.display().to_string(), content);
    }
    found
}

fn spoilt(effect: Effect) -> World {
    let world = world();
    world.service.add_fault(Fault::always(Matching::any(), effect));
    world
}

#[test]
fn without_anything_wrong_every_command_works() {
    for command in COMMANDS.iter().filter(|command| !command.starts_with("selftest")) {
        let outcome = usual(&world(), command);
        assert_eq!(outcome.code, Some(0), "{outcome}");
    }
}

#[test]
fn garbage_is_explained() {
    assert_all_explain(&spoilt(Effect::Garbage), COMMANDS, &[8]);
}

#[test]
fn an_endless_document_is_explained() {
    assert_all_explain(&spoilt(Effect::Huge { bytes: 300 << 20 }), COMMANDS, &[8]);
}

#[test]
fn endless_headers_are_explained() {
    assert_all_explain(&spoilt(Effect::EndlessHeaders), COMMANDS, &[1, 8]);
}

#[test]
fn a_redirect_to_elsewhere_is_explained_and_not_followed() {
    for to in ["https://evil.example/", "http://127.0.0.1:1/"] {
        assert_all_explain(&spoilt(Effect::Redirect { to: to.to_owned() }), COMMANDS, &[8]);
    }
}

#[test]
fn an_answer_that_stops_is_explained() {
    assert_all_explain(&spoilt(Effect::CutResponse { after: 10 }), COMMANDS, &[1, 8]);
}

#[test]
fn without_a_network_every_command_is_offline() {
    let world = world();
    let config = fs::read_to_string(world.machine.config()).unwrap();
    let nobody = Nobody::new();
    let config = config.replace(&world.service.url(), &nobody.url());
    fs::write(world.machine.config(), config).unwrap();
    assert_all_explain(&world, COMMANDS, &[8]);
}

#[test]
fn without_a_login_every_command_asks_for_one() {
    let world = world();
    world.machine.jottad(["logout"]).expect(0);
    assert_all_explain(&world, COMMANDS, &[4]);
    world.log_in();
    world.service.revoke_sessions();
    world.service.expire_access_tokens();
    assert_all_explain(&world, COMMANDS, &[4]);
}

#[test]
fn what_is_not_there_is_explained() {
    let commands = COMMANDS.iter().filter(|command| command.contains("FILE") || command.contains("FOLDER"));
    // As on a file system, `touch` makes what is not there.
    for command in commands.filter(|command| !command.starts_with("touch")) {
        let world = world();
        let before = on_disk(&world);
        let outcome = run(&world, command, "Jotta/Archive/no/such", "Jotta/Archive/no/such");
        assert_explained(&outcome, &[1]);
        assert_eq!(world.service.changes(), [""; 0], "{outcome}");
        assert_eq!(on_disk(&world), before);
    }
    for command in
        ["mountpoints Nowhere", "ls Nowhere/Archive", "ls Jotta/Nowhere", "put IN/local Jotta/Nowhere/x"]
    {
        assert_explained(&usual(&world(), command), &[1]);
    }
}

#[test]
fn a_file_where_a_folder_is_meant_is_explained_and_the_other_way_round() {
    for command in [
        "cat Jotta/Archive/folder",
        "get Jotta/Archive/folder IN/fetched",
        "rm Jotta/Archive/folder",
        "versions Jotta/Archive/folder",
        "touch Jotta/Archive/folder",
        "restore Jotta/Archive/folder --revision 1",
        "cp Jotta/Archive/folder Jotta/Archive/copied",
        "mkdir Jotta/Archive/file",
        "mkdir Jotta/Archive/file/below",
        "put IN/local Jotta/Archive/file/below",
        "put -r IN/directory Jotta/Archive/file",
        "put IN/directory Jotta/Archive/sent",
        "ls Jotta/Archive/file/below",
        "ls Jotta/Archive/trashed",
        "mv Jotta/Archive/folder Jotta/Archive/file",
        "cp Jotta/Archive/file Jotta/Archive/file/below",
        "selftest Jotta/Archive/file",
    ] {
        let world = world();
        let (before, tree) = (on_disk(&world), world.service.tree());
        let outcome = usual(&world, command);
        assert_explained(&outcome, &[1, 2]);
        assert_eq!(world.service.tree(), tree, "{outcome}");
        assert_eq!(on_disk(&world), before, "{outcome}");
    }
}

#[test]
fn an_illegal_name_is_explained() {
    let long = "n".repeat(300);
    for place in ["", "/", "Jotta", "Jotta/Archive/..", "Jotta/Archive/a/../b", "../Archive", "Jotta/./x"] {
        for command in ["ls", "cat", "mkdir", "rm", "touch", "link", "versions", "restore", "selftest"] {
            if (command, place) == ("ls", "Jotta") {
                // A device has mountpoints, which are listed.
                continue;
            }
            let outcome = world().machine.jottad([command, place]);
            assert_explained(&outcome, &[2]);
        }
    }
    let long = format!("Jotta/Archive/{long}");
    for command in
        [vec!["mkdir", &long], vec!["put", "../home/local", &long], vec!["mv", "Jotta/Archive/file", &long]]
    {
        let world = world();
        let tree = world.service.tree();
        assert_explained(&world.machine.jottad(&command), &[1, 2]);
        assert_eq!(world.service.tree(), tree);
    }
}

#[test]
fn a_full_account_is_explained() {
    for status in ["460", "507"] {
        let world = world();
        world.service.set_switch("U29", status).unwrap();
        world.service.set_capacity(Some(1));
        for command in [
            "put IN/local Jotta/Archive/sent",
            "put -r IN/directory Jotta/Archive/sent-folder",
            "cp FILE Jotta/Archive/copied",
        ] {
            let outcome = usual(&world, command);
            assert_explained(&outcome, &[1]);
            assert!(outcome.stderr.contains("the account is full"), "{outcome}");
        }
        for path in ["sent", "copied", "sent-folder/inner"] {
            assert!(!world.service.has(&format!("Jotta/Archive/{path}")), "{path}");
        }
        usual(&world, "ls FOLDER").expect(0);
    }
}

#[test]
fn a_locked_account_is_explained() {
    let world = world();
    world.service.set_locks(false, true);
    let tree = world.service.tree();
    for command in [
        "put IN/local Jotta/Archive/sent",
        "mkdir Jotta/Archive/made",
        "mv FILE Jotta/Archive/moved",
        "cp FILE Jotta/Archive/copied",
        "rm FILE",
        "rm -r FOLDER",
        "touch FILE",
        "restore Jotta/Archive/trashed",
    ] {
        assert_explained(&usual(&world, command), &[1]);
    }
    assert_eq!(world.service.tree(), tree);
    usual(&world, "cat FILE").expect(0);
    usual(&world, "account").expect(0);
    world.service.set_locks(true, true);
    for command in
        ["ls FOLDER", "ls -R FOLDER", "cat FILE", "get FILE IN/fetched", "versions FILE", "trash ls"]
    {
        assert_explained(&usual(&world, command), &[1]);
    }
}

#[test]
fn content_that_does_not_match_its_hash_is_not_kept() {
    let world = world();
    let before = on_disk(&world);
    world.service.spoil("content", Effect::WrongContent);
    for command in ["get FILE IN/fetched", "restore FILE --revision 1 --to IN/fetched"] {
        assert_explained(&usual(&world, command), &[1]);
        assert_eq!(on_disk(&world), before);
    }
    // Some of many: the others go on, and the file that could not be had is named.
    let outcome = usual(&world, "get -r FOLDER IN/fetched");
    assert_eq!(outcome.code, Some(6), "{outcome}");
    assert!(outcome.stderr.contains("inner"), "{outcome}");
    assert!(!world.machine.home().join("fetched/inner").exists());
}

#[test]
fn a_login_token_that_is_none_or_leads_to_nonsense_is_explained() {
    let world = world();
    let login = |text: &str| world.machine.jottad_with_input(["login", "--token-stdin"], text);
    for (text, codes) in [("", &[2][..]), ("nonsense", &[1]), ("{}", &[1]), (&"A".repeat(1 << 20), &[1])] {
        assert_explained(&login(text), codes);
    }
    for (effect, codes) in [
        (Effect::Garbage, &[8][..]),
        (Effect::Huge { bytes: 300 << 20 }, &[8]),
        (Effect::EndlessHeaders, &[1, 8]),
        (Effect::Redirect { to: "https://evil.example/".to_owned() }, &[8]),
        (Effect::status(400), &[1, 4]),
        (Effect::status(401), &[4]),
        (Effect::status(500), &[8]),
    ] {
        world.service.add_fault(Fault::always(Matching::any(), effect));
        assert_explained(&login(&world.service.login_token()), codes);
        world.service.clear_faults();
    }
    // The login that was there before is there still.
    world.machine.jottad(["account"]).expect(0);
}
