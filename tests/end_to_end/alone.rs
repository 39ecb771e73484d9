//! Where no daemon runs: questions are answered from the indexes, decisions are written down, and no command
//! is wrong about whether a daemon runs.

use std::fs;
use std::sync::Arc;

use jottad_emulator::{Act, Effect};
use serde_json::Value;

use crate::stage::{Running, World, wait_until};

#[test]
fn after_a_pass_the_status_says_how_old_it_is_and_that_no_daemon_runs() {
    let world = World::new();
    world.write("a.txt", "one");
    world.settle();
    let before = fs::read(world.machine.index()).unwrap();
    world
        .machine
        .jottad(["status"])
        .expect(0)
        .says("in sync as of")
        .says("no daemon is running: this is as of the last run")
        .says("jottad service install")
        .says("1 file");
    let status = world.machine.status();
    assert_eq!(
        (&status["daemon"], &status["pid"], &status["started_at"]),
        (&false.into(), &Value::Null, &Value::Null)
    );
    assert_eq!((&status["verdict"], &status["folders"][0]["heard"]), (&"in_sync".into(), &Value::Null));
    assert!(status["folders"][0]["proven_at"].is_string(), "{status}");
    for (command, code, says) in [
        (&["problems"][..], 0, "no problems"),
        (&["held"], 0, "nothing is held"),
        (&["conflicts"], 0, "no conflicts"),
        (&["log"], 0, "upload a.txt"),
        (&["why", "docs/a.txt"], 0, "in sync"),
        (&["plan"], 0, "docs: nothing to do"),
        (&["verify"], 0, "1 file (3 B) read again, and the service has the same"),
    ] {
        world.machine.jottad(command).expect(code).says(says);
    }
    assert_eq!(fs::read(world.machine.index()).unwrap().len(), before.len());
    // A daemon that is there is asked.
    let daemon = world.start();
    world.synced();
    let status = world.machine.status();
    assert_eq!(status["daemon"], true);
    assert!(status["pid"].is_number(), "{status}");
    daemon.stop();
}

#[test]
fn questions_change_nothing_and_ask_the_service_nothing() {
    let world = World::new();
    world.write("a.txt", "one");
    world.settle();
    world.write("b.txt", "two");
    let (requests, index) = (world.service.requests().len(), fs::read(world.machine.index()).unwrap());
    for question in
        [&["status"][..], &["problems"], &["held"], &["conflicts"], &["log"], &["why", "docs/a.txt"]]
    {
        world.machine.jottad(question).expect(0);
    }
    assert_eq!(world.service.requests().len(), requests);
    assert!(fs::read(world.machine.index()).unwrap() == index, "the index was changed by questions");
    // A plan looks, and changes nothing either.
    world.machine.jottad(["plan"]).expect(0).says("upload").says("b.txt");
    assert!(fs::read(world.machine.index()).unwrap() == index, "the index was changed by a plan");
    assert!(!world.service.has("Jotta/Archive/docs/b.txt"));
    world.settle();
}

#[test]
fn deletes_that_a_pass_held_are_shown_and_decided_where_nothing_runs() {
    for (decision, noted, is_deleted) in [
        ("approve", "approved, to be done by the next run: ", true),
        ("reject", "are brought back, by", false),
    ] {
        let world = World::new();
        world.fill("tree", 3, 10);
        world.settle();
        world.remove("tree/d01");
        world.remove("tree/d02");
        world.pass(7);
        world.machine.jottad(["status"]).expect(7).says("held");
        world.machine.jottad(["held"]).expect(7).says("20 files").says("jottad approve docs");
        world.machine.jottad([decision, "docs"]).expect(0).says("the next `jottad run --once`");
        world.machine.jottad(["held"]).expect(0).says(noted);
        if !is_deleted {
            // What is wanted back is not given up by a word.
            let refused = world.machine.jottad(["approve", "docs"]).expect(1);
            refused.complains("that cannot be taken back").complains("delete again what is to go");
        }
        world.machine.jottad(["status"]).says(noted);
        world.pass(0);
        world.machine.jottad(["held"]).expect(0).says("nothing is held");
        let path = "Jotta/Archive/docs/tree/d01";
        assert_eq!(world.service.at(path).deleted, is_deleted, "{decision}");
        world.machine.jottad([decision, "docs"]).expect(1).complains("nothing is held").complains("hint: ");
    }
}

/// An approval was a blank cheque: measured with what was approved, whatever vanished after it was little.
#[test]
fn an_approval_where_nothing_runs_is_about_what_was_shown() {
    let world = World::new();
    world.fill("films", 3, 20);
    world.fill("photos", 2, 25);
    world.settle();
    world.remove("films/d00");
    world.remove("films/d01");
    world.remove("films/d02");
    world.pass(7);
    world
        .machine
        .jottad(["approve", "docs"])
        .expect(0)
        .says("63 entries would be deleted at once (60 files)");
    world.remove("photos");
    let noted = world.machine.jottad(["held", "--json"]).expect(0).json();
    assert_eq!(noted["folders"], serde_json::json!([]));
    assert_eq!(
        (&noted["noted"][0]["word"], &noted["noted"][0]["kind"]),
        (&"approved".into(), &"deletes".into())
    );
    let paths: Vec<&str> = noted["noted"][0]["deletes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["path"].as_str().unwrap())
        .collect();
    assert_eq!(paths, ["films/d00", "films/d01", "films/d02"]);
    world.pass(7).says("53 entries would be deleted at once (50 files)");
    assert!(world.service.at("Jotta/Archive/docs/films/d00").deleted);
    assert!(world.service.has("Jotta/Archive/docs/photos/d00/f00"));
}

#[test]
fn an_approval_where_nothing_runs_is_shown_and_can_be_taken_back() {
    let world = World::new();
    world.fill("tree", 3, 10);
    world.settle();
    world.remove("tree/d01");
    world.remove("tree/d02");
    world.pass(7);
    world.machine.jottad(["approve", "docs"]).expect(0);
    let status = world.machine.jottad(["status", "--json"]).json();
    assert_eq!(status["folders"][0]["held"], Value::Null);
    assert_eq!(status["folders"][0]["noted"]["word"], "approved", "{status}");
    let back = "jottad reject docs";
    world
        .machine
        .jottad(["status"])
        .says("docs: approved, to be done by the next run: 22 entries")
        .says(back);
    world.machine.jottad(["held"]).expect(0).says("will go to the remote trash: tree/d01").says(back);
    world.machine.jottad(["why", "docs/tree/d01"]).expect(0).says("deleted here; that was approved");
    world.machine.jottad(["reject", "docs"]).expect(0).says("rejected: docs: 22 entries");
    world.machine.jottad(["approve", "docs"]).expect(1).complains("it was rejected");
    world.pass(0);
    assert!(world.service.has("Jotta/Archive/docs/tree/d01/f00") && world.path("tree/d02/f09").exists());
}

#[test]
fn a_word_about_a_root_where_nothing_runs_is_shown_and_can_be_taken_back() {
    let world = World::new();
    world.fill("tree", 1, 5);
    world.settle();
    world.remove("tree");
    world.pass(7);
    for (decision, noted, back) in [
        (
            "approve",
            "docs: approved, to be done by the next run: the folder is suddenly empty",
            "jottad reject",
        ),
        (
            "reject",
            "docs: rejected, to be done by the next run: the folder is suddenly empty",
            "jottad approve",
        ),
    ] {
        world.machine.jottad([decision, "docs"]).expect(0);
        world.machine.jottad(["held"]).expect(7).says(noted).says(back);
        // Nothing has run since: it is held as before.
        world.machine.jottad(["status"]).expect(7).says("held").says(noted).says(back);
        world.machine.jottad(["status", "--line"]).expect(7).says(noted.trim_start_matches("docs: "));
        let status = world.machine.jottad(["status", "--json"]).expect(7).json();
        assert_eq!((&status["verdict"], &status["folders"][0]["verdict"]), (&"held".into(), &"held".into()));
    }
    // The last word counts.
    world.pass(0);
    assert!(world.path("tree/d00/f00").exists());
}

#[test]
fn a_root_that_a_pass_held_is_decided_about_where_nothing_runs() {
    for (decision, is_back) in [("approve", false), ("reject", true)] {
        let world = World::new();
        world.fill("tree", 1, 5);
        world.settle();
        world.remove("tree");
        world.pass(7);
        let held = world.machine.jottad(["held", "--json"]).expect(7).json();
        assert_eq!(held["folders"][0]["kind"], "root", "{held}");
        world.machine.jottad([decision, "docs"]).expect(0);
        world.machine.jottad(["held"]).expect(7);
        // What would go for an approved root is shown first.
        world.pass(if is_back { 0 } else { 7 });
        assert_eq!(world.path("tree/d00/f00").exists(), is_back, "{decision}");
        if !is_back {
            world.machine.jottad(["held"]).expect(7).says("tree");
            world.machine.jottad(["approve", "docs"]).expect(0);
            world.pass(0);
            assert!(world.service.at("Jotta/Archive/docs/tree").deleted);
        }
    }
}

#[test]
fn a_decision_about_a_root_is_spent_when_that_root_is_well() {
    let world = World::new();
    world.fill("tree", 1, 5);
    world.settle();
    fs::rename(world.path("tree"), world.machine.beside("kept")).unwrap();
    world.pass(7);
    world.machine.jottad(["approve", "docs"]).expect(0);
    // It comes back by itself; when it goes again later, that is another matter.
    fs::rename(world.machine.beside("kept"), world.path("tree")).unwrap();
    world.settle();
    world.remove("tree");
    world.pass(7);
    let held = world.machine.jottad(["held", "--json"]).expect(7).json();
    assert_eq!(held["folders"][0]["kind"], "root", "{held}");
    assert!(world.service.has("Jotta/Archive/docs/tree/d00/f00"));
}

#[test]
fn problems_of_a_pass_are_told_after_it_also_those_that_no_file_here_has() {
    let world = World::new();
    world.write("a.txt", "one");
    world.settle();
    // Deeper than any local path goes.
    let deep = "a/".repeat(1100);
    world.service.does(Act::put(&format!("Jotta/Archive/docs/{deep}f"), b"x"));
    world.pass(6);
    world.machine.jottad(["status"]).expect(6).says("1 problem");
    world.machine.jottad(["problems"]).expect(6).says("the service has").says("rename it on the service");
    world.service.does(Act::delete("Jotta/Archive/docs/a"));
    world.settle();
    world.machine.jottad(["problems"]).expect(0).says("no problems");
}

#[test]
fn a_folder_that_was_just_added_is_planned_for_before_anything_is_sent() {
    let world = World::new();
    world.write("a.txt", "one");
    world.write("b/c.txt", "two");
    world.service.does(Act::put("Jotta/Archive/docs/a.txt", b"one"));
    for command in [&["plan"][..], &["run", "--once", "--dry-run"]] {
        let outcome = world.machine.jottad(command).expect(0).says("b/c.txt").says("upload");
        assert!(!outcome.stdout.contains("a.txt"), "it is there already: {outcome}");
        let document = world.machine.jottad(command.iter().chain(&["--json"])).expect(0).json();
        assert_eq!(document["folders"][0]["operations"].as_array().unwrap().len(), 2, "{document}");
    }
    assert_eq!(world.remote_paths(), ["a.txt"]);
    let index = world.machine.state().join("index");
    assert!(!index.exists() || fs::read_dir(index).unwrap().count() == 0, "a plan leaves no index");
    world.machine.jottad(["status"]).expect(5).says("never compared").says("jottad plan");
    let why = world.machine.jottad(["why", "docs/a.txt"]).expect(0);
    why.says("no pass has run yet").says("jottad run --once");
    world.settle();
}

/// What was overwritten or renamed by the pass was not in the plan.
#[test]
fn a_plan_names_what_differs_on_both_sides_and_what_becomes_of_it() {
    for (mode, expected) in [
        ("backup", vec![("upload", "whose content is kept as a revision")]),
        ("archive", vec![("upload", "whose content is kept as a revision")]),
        (
            "sync",
            vec![
                ("move_local_aside", "new on both sides, with different content"),
                ("download", "takes the name that is free then"),
                ("upload", "under its conflict name"),
            ],
        ),
        (
            "pull",
            vec![
                ("move_local_aside", "different here; the remote side keeps the name"),
                ("download", "takes the name that is free then"),
            ],
        ),
    ] {
        let world = World::configured(&format!("mode = \"{mode}\""));
        world.write("letter.txt", "mine");
        world.write("same.txt", "one");
        world.service.does(Act::put("Jotta/Archive/docs/letter.txt", b"theirs, which is longer"));
        world.service.does(Act::put("Jotta/Archive/docs/same.txt", b"one"));
        for command in [&["plan"][..], &["run", "--once", "--dry-run"]] {
            let plan = world.machine.jottad(command.iter().chain(&["--json"])).expect(0).json();
            let operations = plan["folders"][0]["operations"].as_array().unwrap();
            let of_letter: Vec<(&str, &str)> = operations
                .iter()
                .filter(|one| one["path"] == "letter.txt")
                .map(|one| (one["kind"].as_str().unwrap(), one["why"].as_str().unwrap()))
                .collect();
            assert_eq!(of_letter.len(), expected.len(), "{mode}: {plan}");
            for (found, expected) in of_letter.iter().zip(&expected) {
                assert!(found.0 == expected.0 && found.1.contains(expected.1), "{mode}: {plan}");
            }
            let is_sent = |one: &&Value| one["path"] == "same.txt" && one["kind"] != "set_local_time";
            assert!(
                !operations.iter().any(|one| is_sent(&one) && one["bytes"].is_number()),
                "{mode}: {plan}"
            );
        }
    }
}

#[test]
fn a_plan_counts_all_and_names_as_many_as_are_asked_for() {
    let world = World::new();
    world.fill("tree", 1, 30);
    let all = "docs: 33 operations, 260 B";
    world.machine.jottad(["plan"]).expect(0).says(all);
    for (limit, named) in [("0", 0), ("5", 5), ("33", 33)] {
        let said = world.machine.jottad(["plan", "--limit", limit]).expect(0).says(all);
        let more = match named {
            0 => "none of them is named; --limit 33 names all".to_owned(),
            named => format!("and {} more; --limit 33 names all", 33 - named),
        };
        assert_eq!(said.stdout.contains(&more), named < 33, "{said}");
        let plan = world.machine.jottad(["plan", "--limit", limit, "--json"]).expect(0).json();
        assert_eq!(plan["folders"][0]["operations"].as_array().unwrap().len(), named);
        assert_eq!((&plan["folders"][0]["count"], &plan["folders"][0]["bytes"]), (&33.into(), &260.into()));
    }
}

#[test]
fn a_folder_that_cannot_be_used_keeps_no_other_from_being_planned() {
    let world = World::configured(
        "\n[[folder]]\nname = \"gone\"\nlocal = \"~/nowhere\"\nremote = \"Jotta/Archive/gone\"\n",
    );
    world.write("a.txt", "one");
    world.machine.jottad(["plan"]).expect(7).says("upload").says("a.txt").says("gone: not known");
    let plan = world.machine.jottad(["plan", "--json"]).expect(7).json();
    assert_eq!(plan["folders"].as_array().unwrap().len(), 1, "{plan}");
    assert_eq!((&plan["folders"][0]["name"], &plan["folders"][0]["count"]), (&"docs".into(), &2.into()));
    assert_eq!(plan["left_out"][0]["name"], "gone", "{plan}");
    world.machine.jottad(["plan", "gone"]).expect(7).complains("gone").complains("hint: ");
}

#[test]
fn why_says_of_a_rules_file_what_is_wrong_with_it() {
    let world = World::new();
    world.write(".jottaignore", "*.tmp\nfoo\\\n");
    world.pass(6);
    world.machine.jottad(["problems"]).expect(6).says(".jottaignore").says("line 2 is no rule");
    let said = world.machine.jottad(["why", "docs/.jottaignore"]).expect(0);
    said.says(".jottaignore in docs: problem").says("line 2 is no rule").says("correct the rules");
}

#[test]
fn a_plan_says_what_would_be_held_and_by_which_limit() {
    let world = World::new();
    world.fill("tree", 12, 10);
    world.settle();
    let would_hold = |command: &[&str]| {
        let document = world.machine.jottad(command.iter().chain(&["--json"])).expect(0).json();
        document["folders"][0]["would_hold"].clone()
    };
    // What only moves is not deleted.
    world.rename("tree/d00", "moved");
    world.rename("tree", "other");
    assert_eq!(would_hold(&["plan"]), serde_json::json!([]));
    world.settle();
    for directory in 1..=7 {
        world.remove(&format!("other/d{directory:02}"));
    }
    for command in [&["plan"][..], &["run", "--once", "--dry-run"]] {
        world
            .machine
            .jottad(command)
            .expect(0)
            .says("docs: this would be held: 77 entries would be deleted at once (70 files), of 120 files")
            .says("at most 50 % go unasked (max_delete_percent)")
            .says("jottad approve docs");
        let held = &would_hold(command)[0];
        let numbers = ["entries", "files", "of", "allowed"].map(|key| held[key].as_u64());
        assert_eq!(numbers, [Some(77), Some(70), Some(120), Some(50)], "{held}");
        assert_eq!((&held["kind"], &held["limit"]), (&"deletes".into(), &"max_delete_percent".into()));
    }
    // The word is true.
    world.pass(7);
    assert_eq!(would_hold(&["plan"])[0]["files"], 70);
    world.machine.jottad(["approve", "docs"]).expect(0);
    assert_eq!(would_hold(&["plan"]), serde_json::json!([]));
    world.settle();
}

#[test]
fn a_plan_says_that_too_much_would_be_overwritten() {
    let world = World::new();
    world.fill("tree", 11, 10);
    world.settle();
    for directory in 0..6 {
        for file in 0..10 {
            world.write(format!("tree/d{directory:02}/f{file:02}"), "something else altogether");
        }
    }
    world
        .machine
        .jottad(["plan"])
        .expect(0)
        .says("docs: this would be held: 60 files would be overwritten at once, of 110 files")
        .says("at most half go unasked");
    world.pass(7).says("60 files would be overwritten at once");
}

#[test]
fn a_plan_in_the_modes_that_write_here_claims_no_root() {
    let world = World::new();
    world.configure("mode = \"sync\"");
    world.write("a.txt", "one");
    world.service.does(Act::put("Jotta/Archive/docs/b.txt", b"two"));
    world.machine.jottad(["plan"]).expect(0).says("upload").says("a.txt").says("download").says("b.txt");
    assert!(!world.path(".jottad").exists() && !world.path("b.txt").exists());
    assert_eq!(world.remote_paths(), ["b.txt"]);
    world.settle();
}

#[test]
fn without_the_service_a_plan_says_what_it_rests_on() {
    let world = World::new();
    world.write("a.txt", "one");
    world.machine.jottad(["logout"]).expect(0);
    world.machine.jottad(["plan"]).expect(4).complains("nobody is logged in").complains("hint: ");
    world.log_in();
    world.settle();
    world.write("b.txt", "two");
    world.machine.jottad(["logout"]).expect(0);
    world.machine.jottad(["plan"]).expect(4).says("b.txt").complains("by what was last known");
    world.machine.jottad(["status"]).expect(4).says("nobody is logged in").says("no daemon is running");
}

#[test]
fn a_plan_without_the_service_ends_as_offline_with_and_without_a_daemon() {
    let mut world = World::new();
    world.write("a.txt", "one");
    world.settle();
    world.write("b.txt", "two");
    Arc::get_mut(&mut world.service).unwrap().go_offline();
    world.machine.jottad(["plan"]).expect(8).says("b.txt").complains("by what was last known");
    let daemon = world.start();
    wait_until("the daemon is offline", || world.machine.status()["verdict"] == "offline");
    world.machine.jottad(["plan"]).expect(8).complains("docs: offline; this is by what was last known");
    daemon.stop();
}

#[test]
fn while_a_pass_is_under_way_it_is_asked() {
    let world = World::new();
    world.write("a.txt", "one");
    world.service.spoil("upload", Effect::Hang);
    let pass = Running::start(world.machine.command(["run", "--once"]));
    world.service.wait_for("upload", 1);
    let status = world.machine.status();
    assert_eq!((&status["verdict"], &status["daemon"]), (&"working".into(), &false.into()), "{status}");
    assert!(status["pid"].is_number());
    world.machine.jottad(["status"]).expect(5).says("no daemon is running; one pass is under way");
    world.machine.jottad(["doctor"]).expect(1).says("no daemon is running; one pass is under way");
    world.machine.jottad(["problems"]).expect(0);
    world.machine.jottad(["plan"]).expect(0);
    world.machine.jottad(["run", "--once"]).expect(1).complains("another jottad is running");
    pass.kill();
    world.service.clear_faults();
    world.settle();
}

#[test]
fn an_interrupted_pass_exits_as_shells_expect_and_an_outage_is_told_at_once() {
    let world = World::new();
    world.write("a.txt", "one");
    world.settle();
    let config = fs::read_to_string(world.machine.config()).unwrap();
    fs::write(world.machine.config(), config.replace(&world.service.url(), "http://127.0.0.1:9")).unwrap();
    let mut pass = Running::start(world.machine.command(["run", "--once"]));
    let mut told = std::io::BufReader::new(pass.complaints());
    let mut line = String::new();
    while !line.contains("offline") {
        line.clear();
        assert_ne!(std::io::BufRead::read_line(&mut told, &mut line).unwrap(), 0, "nothing was said");
    }
    assert!(line.contains("waiting for the service"), "{line}");
    pass.signal(rustix::process::Signal::INT);
    pass.end().expect(130);
}

#[test]
fn a_plan_of_a_held_root_says_that_it_is_held_and_what_can_be_said_of_it() {
    let world = World::new();
    world.fill("tree", 1, 5);
    world.settle();
    world.remove("tree");
    for is_held_before in [false, true] {
        for command in [&["plan"][..], &["run", "--once", "--dry-run"]] {
            let said = world.machine.jottad(command).expect(7);
            let said = said.says("docs: held: the folder is suddenly empty");
            let said = said.says("jottad reject docs").says("jottad approve docs");
            assert!(!said.stdout.contains("nothing to do"), "{said}");
            let plan = world.machine.jottad(command.iter().chain(&["--json"])).expect(7).json();
            assert_eq!(plan["folders"][0]["held"]["kind"], "root", "{plan}");
        }
        if !is_held_before {
            world.pass(7);
        }
    }
    let daemon = world.start();
    world.sync(7);
    world.machine.jottad(["plan"]).expect(7).says("docs: held: the folder is suddenly empty");
    daemon.stop();
    // A word is planned by, also if the root looks otherwise meanwhile.
    world.machine.jottad(["reject", "docs"]).expect(0);
    world.machine.jottad(["plan"]).expect(0).says("make local directory");
    world.write("new", "new");
    let said = world.machine.jottad(["plan"]).expect(0).says("download");
    assert!(!said.stdout.contains("trash"), "{said}");
    world.pass(0);
    assert!(world.path("tree/d00/f00").exists());
    world.machine.jottad(["plan"]).expect(0).says("nothing to do");
}
