//! A folder on a disk and a service of a few lines each, driven by its own deadlines: what it does about
//! trouble.

mod drawn;
mod driver;
mod late;
mod looking;
mod meanwhile;
mod moves;
mod names;
mod numbers;
mod pauses;
mod proofs;
mod questions;
mod rest;
mod runs;
mod small_lives;
mod stories;
mod transfers;
mod unwritten;
mod wanted_back;
mod world;

use std::collections::BTreeSet;

use jottad_core::{Content, File, Mode, StoredName};

use driver::{Driver, HOUR, refusal, settings};

use super::*;
use crate::builders::path;
use crate::event::{Achieved, RemoteHint, Request, Told};
use crate::remote::{RemoteErrorKind, RemoteNode};
use crate::settings::ProofInterval;
use crate::status::{DeletesHeldFor, Hold, ProblemKind, Verdict};

#[test]
fn a_directory_that_was_away_for_a_moment_is_read_with_all_below_it() {
    let mut driver = Driver::new(&["a", "a/b", "a/b/c"]);
    let began = driver.seconds + 1;
    driver.run_for(1);
    driver.away.push("a".to_owned());
    driver.tell(Event::Request(Request::SyncNow));
    let read: Vec<&str> = driver
        .asked
        .iter()
        .filter(|(at, what, _)| *what == "scan" && *at >= began)
        .map(|(_, _, directory)| directory.as_str())
        .collect();
    for directory in ["a", "a/b", "a/b/c"] {
        assert!(read.contains(&directory), "{directory} is not among {read:?}");
    }
}

/// Once, a directory that could not be read at a start, and could a moment later, was read alone: what had
/// changed deeper in it while nothing ran stayed unseen (`backup` 17002142).
#[test]
fn what_is_below_a_directory_that_could_not_be_read_is_looked_at_once_it_can_be() {
    let mut driver = Driver::new(&["a", "a/b"]);
    driver.unreadable.insert("a".to_owned());
    driver.local_edits.insert("a/b".to_owned(), 1);
    driver.tell(Event::Request(Request::SyncNow));
    assert_eq!(driver.asked_for("upload", 0), 0, "{:?}", driver.asked);
    driver.unreadable.clear();
    driver.tell(Event::LocalHints(vec![LocalHint::Directory(path("a"))]));
    assert_eq!(driver.asked_for("upload", 0), 1, "{:?}", driver.asked);
}

#[test]
fn a_file_that_changes_faster_than_it_is_read_is_read_more_and_more_seldom() {
    let mut driver = Driver::new(&["a", "b"]);
    driver.restless.insert("a".to_owned());
    let began = driver.seconds;
    for _ in 0..HOUR / 2 {
        driver.run_for(2);
        driver.edit("a");
        driver.edit("b");
    }
    let problems = driver.folder.problems().unwrap();
    assert_eq!(problems.iter().map(|problem| problem.kind).collect::<Vec<_>>(), [ProblemKind::KeepsChanging]);
    let others = driver.asked_for("upload", began);
    let read = driver.asked_for("hash", began) - others;
    assert!((8..30).contains(&read), "it was read {read} times");
    assert_eq!(others, usize::try_from(HOUR / 2).unwrap(), "others do not wait for it");
    // Who waits is told of it as soon as all else is done.
    driver.tell(Event::Request(Request::SyncNow));
    let status = driver.status();
    assert_eq!((status.verdict, status.settled, status.problems), (Verdict::Problems, true, 1));
    assert_eq!(status.proven_at, Some(driver.now().wall));
    driver.restless.clear();
    driver.run_for(11 * 60);
    assert_eq!(driver.status().problems, 0);
    assert_eq!(driver.remote_edits, driver.local_edits);
}

/// Two answers about one directory may come in the other order than they were asked for. Once, what the older
/// one showed stood, and a proof said that it was so (`backup` 41003397 with `--disks`).
#[test]
fn what_an_older_answer_shows_of_a_directory_does_not_count() {
    for is_older_first in [true, false] {
        let mut driver = Driver::new(&["d"]);
        let root = || Event::LocalHints(vec![LocalHint::Directory(RelativePath::root())]);
        let scan = Task::Scan { directory: RelativePath::root() };
        driver.lasting = Some("scan");
        driver.tell(root());
        let old = driver.outcome(&scan);
        driver.directories.push("n".to_owned());
        driver.missing.extend(["n", "n/f"].map(str::to_owned));
        driver.tell(root());
        let new = driver.outcome(&scan);
        driver.lasting = None;
        let [first, second] = driver.under_way[..] else { panic!("two scans run: {:?}", driver.asked) };
        let mut answers = [Event::Completed(first, old), Event::Completed(second, new)];
        if !is_older_first {
            answers.reverse();
        }
        let before = driver.asked_for("scan", 0);
        for answer in answers {
            driver.tell(answer);
        }
        driver.run_for(60);
        assert_eq!(
            driver.asked_for("upload", 0),
            1,
            "the older one first: {is_older_first}, {:?}",
            driver.asked
        );
        assert_eq!(
            driver.asked_for("trash", 0),
            0,
            "the older one first: {is_older_first}, {:?}",
            driver.asked
        );
        // The new directory is read, and the root once more.
        let expected = if is_older_first { 1 } else { 2 };
        assert!(driver.asked_for("scan", 0) - before >= expected, "{:?}", driver.asked);
    }
}

/// One end of a rename may be read before it and the other one after it, and a watcher tells of both only a
/// moment later.
#[test]
fn a_renamed_directory_is_moved_whichever_end_is_seen_first() {
    for hinted in [["to", "from"], ["from", "to"]] {
        let mut driver = Driver::new(&["from", "from/x", "to"]);
        let began = driver.seconds + 1;
        driver.run_for(1);
        driver.directories[1] = "to/x".to_owned();
        for directory in hinted {
            driver.tell(Event::LocalHints(vec![LocalHint::Directory(path(directory))]));
        }
        driver.run_for(1);
        for (what, times) in [("move", 1), ("make_directory", 0), ("upload", 0), ("trash", 0)] {
            assert_eq!(driver.asked_for(what, began), times, "{what}, {hinted:?}: {:?}", driver.asked);
        }
    }
}

/// A root that was emptied, or whose disk is gone, and in which something was saved before anybody looked.
#[test]
fn where_nothing_is_left_of_a_root_what_is_missing_is_shown_before_it_goes() {
    for (names, left, held) in [
        (&["a", "b", "c", "d", "e"][..], None, true),
        (&["a", "b", "c", "d", "e"], Some("e"), false),
        (&["a", "b", "c", "d"], None, false),
    ] {
        let mut driver = Driver::new(names);
        let began = driver.seconds + 1;
        driver.run_for(1);
        driver.gone =
            names.iter().filter(|name| Some(**name) != left).map(|name| (*name).to_owned()).collect();
        driver.directories.push("new".to_owned());
        driver.missing.extend(["new", "new/f"].map(str::to_owned));
        driver.tell(Event::LocalHints(vec![LocalHint::Directory(RelativePath::root())]));
        driver.run_for(60);
        assert_eq!(driver.asked_for("upload", began), 1, "{names:?}: {:?}", driver.asked);
        let hold = driver.status().held;
        if held {
            let held_for = DeletesHeldFor::Root;
            assert_eq!(hold, Some(Hold::Deletes { entries: 10, files: 5, lost_before: 0, held_for }));
            assert_eq!(driver.asked_for("trash", began), 0, "{:?}", driver.asked);
            driver.tell(Event::Request(Request::Approve));
            driver.run_for(60);
        } else {
            assert_eq!(hold, None, "{names:?}");
        }
        assert_eq!(driver.asked_for("trash", began), driver.gone.len(), "{names:?}: {:?}", driver.asked);
    }
}

/// The same directory with the marker of another folder, or none, is what an unmounted disk leaves behind
/// where inodes are used again.
#[test]
fn a_root_without_its_marker_is_held_even_if_it_is_the_same_directory() {
    for marker in [None, Some("another".to_owned())] {
        let mut driver = Driver::with(FolderSettings { mode: Mode::Sync, ..settings() }, &["a"]);
        assert!(driver.marker.is_some());
        driver.marker = marker;
        driver.tell(Event::LocalHints(vec![LocalHint::Root]));
        assert!(driver.folder.root.held().is_some_and(|reason| reason.contains("marker")));
        assert_eq!(driver.status().verdict, Verdict::Held);
    }
}

#[test]
fn a_root_in_which_all_was_renamed_has_lost_nothing() {
    let mut driver = Driver::new(&["a", "a/b", "a/c", "a/d", "a/e"]);
    let began = driver.seconds + 1;
    driver.run_for(1);
    driver.directories = ["z", "z/b", "z/c", "z/d", "z/e"].map(str::to_owned).into();
    driver.gone.insert("z/e".to_owned());
    driver.tell(Event::LocalHints(vec![LocalHint::Directory(RelativePath::root())]));
    driver.run_for(60);
    assert!(driver.asked_for("move", began) > 0, "{:?}", driver.asked);
    assert_eq!((driver.asked_for("trash", began), driver.status().held), (1, None), "{:?}", driver.asked);
}

#[test]
fn what_was_moved_out_of_the_way_as_a_whole_asks_for_nothing() {
    let mut driver = Driver::new(&["a", "b", "c", "d", "e"]);
    let began = driver.seconds + 1;
    driver.run_for(1);
    driver.directories = ["new/a", "new/b", "new/c", "new/d", "new/e", "new"].map(str::to_owned).into();
    driver.missing.insert("new".to_owned());
    driver.tell(Event::LocalHints(vec![LocalHint::Directory(RelativePath::root())]));
    driver.run_for(60);
    assert!(driver.asked_for("move", began) > 0, "{:?}", driver.asked);
    assert_eq!((driver.asked_for("trash", began), driver.status().held), (0, None), "{:?}", driver.asked);
    // What goes later goes unasked.
    driver.gone.insert("new/a".to_owned());
    driver.tell(Event::LocalHints(vec![LocalHint::Directory(path("new"))]));
    driver.run_for(60);
    assert_eq!(driver.asked_for("trash", began), 1, "{:?}", driver.asked);
}

#[test]
fn what_does_not_turn_up_elsewhere_is_removed_a_moment_later() {
    let mut driver = Driver::new(&["from", "from/x", "to"]);
    let began = driver.seconds + 1;
    driver.run_for(1);
    driver.directories.remove(1);
    driver.tell(Event::LocalHints(vec![LocalHint::Directory(path("from"))]));
    assert_eq!(driver.asked_for("trash", began), 0);
    driver.run_for(1);
    assert_eq!(driver.asked_for("trash", began), 1, "{:?}", driver.asked);
}

/// A directory is not known while it is made, and nothing is new about it when it is (`sync` 40000703).
#[test]
fn a_directory_is_read_when_it_is_made_if_something_was_told_of_it_before() {
    for (told, is_read) in [(Some("n"), true), (Some("n/new"), true), (Some("other"), false), (None, false)] {
        let mut driver = Driver::with(FolderSettings { mode: Mode::Sync, ..settings() }, &["d"]);
        driver.directories.push("n".to_owned());
        driver.gone_locally.insert("n".to_owned());
        driver.missing.insert("n/f".to_owned());
        driver.lasting = Some("make_local_directory");
        driver.tell(Event::Request(Request::SyncNow));
        driver.run_for(1);
        driver.lasting = None;
        let making = driver.under_way.pop().expect("it is made");
        let began = driver.asked.len();
        driver.lasting = Some("scan");
        driver.tell(Event::LocalHints(told.map(|at| LocalHint::Subtree(path(at))).into_iter().collect()));
        driver.lasting = None;
        let made = Achieved::LocalDirectory(crate::disk::Identity { inode: 11, born: 1 });
        driver.tell(Event::Completed(making, Outcome::Operation(Ok(made))));
        if let Some(scan) = driver.under_way.pop() {
            let seen = driver.read(&RelativePath::root());
            driver.tell(Event::Completed(scan, Outcome::Scanned(seen)));
        }
        driver.run_for(10);
        let was_read = driver.asked[began..].iter().any(|(_, what, at)| *what == "scan" && at == "n");
        assert_eq!(was_read, is_read, "{told:?}: {:?}", &driver.asked[began..]);
    }
}

/// Once, what was in such a directory was left alone until the next start, and all was said to be done
/// (`backup` and `archive` 36000815).
#[test]
fn rules_that_are_changing_hold_nothing_once_their_directory_is_gone() {
    let mut driver = Driver::new(&["d", "d/a", "e"]);
    let began = driver.seconds + 1;
    driver.run_for(1);
    driver.rules.insert("d".to_owned(), "x");
    driver.tell(Event::LocalHints(vec![LocalHint::Directory(path("d"))]));
    driver.gone.extend(["d", "d/a"].map(str::to_owned));
    driver.tell(Event::Request(Request::SyncNow));
    driver.run_for(1);
    assert!(!driver.status().settled, "{:?}", driver.asked);
    driver.run_for(10);
    assert!(driver.folder.rules_settling.is_idle());
    assert_eq!(driver.asked_for("trash", began), 1, "{:?}", driver.asked);
}

/// Editors take a file away for a moment when they save it.
#[test]
fn rules_that_are_away_for_a_moment_let_nothing_through() {
    let mut driver = Driver::new(&["d", "d/a"]);
    let began = driver.seconds;
    let see = |driver: &mut Driver, rules: Option<&'static str>, seconds| {
        driver.rules = rules.map(|rules| ("d".to_owned(), rules)).into_iter().collect();
        driver.tell(Event::LocalHints(vec![LocalHint::Directory(path("d"))]));
        driver.run_for(seconds);
    };
    see(&mut driver, Some("secret/"), 5);
    driver.directories.push("d/secret".to_owned());
    driver.missing.extend(["d/secret".to_owned(), "d/secret/f".to_owned()]);
    see(&mut driver, Some("secret/"), 5);
    for rules in [None, Some("")] {
        see(&mut driver, rules, 1);
        see(&mut driver, Some("secret/"), 10);
        assert_eq!(driver.asked_for("make_directory", began), 0, "{rules:?}: {:?}", driver.asked);
    }
    assert_eq!(driver.status().verdict, Verdict::InSync);
    see(&mut driver, None, 10);
    assert_eq!(driver.asked_for("make_directory", began), 1, "{:?}", driver.asked);
}

/// Rules may lie elsewhere in the folder, and nothing tells the directory that has them of a change there.
#[test]
fn a_directory_whose_rules_are_a_link_is_read_again_when_what_it_leads_to_changes() {
    for (edited, is_read) in [("shared", true), ("other", false)] {
        let mut driver = Driver::new(&["d", "shared", "other"]);
        driver.rules.insert("d".to_owned(), "*.tmp");
        driver.rules_from.insert("d".to_owned(), "shared".to_owned());
        driver.tell(Event::LocalHints(vec![LocalHint::Directory(path("d"))]));
        driver.run_for(60);
        let began = driver.seconds;
        driver.edit(edited);
        driver.run_for(1);
        let is_of =
            |(at, what, directory): &(u64, &str, String)| *at >= began && *what == "scan" && directory == "d";
        assert_eq!(driver.asked.iter().any(is_of), is_read, "{edited}: {:?}", driver.asked);
    }
}

/// Whoever writes a file through one of its names changes it under the other ones, of which no event tells.
#[test]
fn a_file_that_changed_under_one_name_is_looked_at_under_the_others() {
    for (names, is_read) in [(&["a", "b"][..], true), (&[], false)] {
        let mut driver = Driver::unstarted(settings(), &["a", "b", "c"]);
        driver.one_file = names.iter().map(|name| (*name).to_owned()).collect();
        driver.tell(Event::Started);
        driver.run_for(60);
        let began = driver.seconds;
        driver.edit("a");
        driver.run_for(3);
        let is_scanned = |of: &str| {
            driver.asked.iter().any(|(at, what, path)| *at >= began && *what == "scan" && path == of)
        };
        assert_eq!((is_scanned("b"), is_scanned("c")), (is_read, false), "{:?}", driver.asked);
    }
}

/// What has gone from its place stands where nothing may be sent from: the copy at the old place is all that
/// the service has of it.
#[test]
fn what_has_gone_to_where_rules_cannot_be_read_keeps_its_copy() {
    for is_readable in [false, true] {
        let mut driver = Driver::new(&["from", "from/x", "to"]);
        if !is_readable {
            driver.unreadable_rules.insert("to".to_owned());
            driver.tell(Event::LocalHints(vec![LocalHint::Directory(path("to"))]));
            driver.run_for(60);
        }
        let began = driver.seconds;
        driver.directories[1] = "to/x".to_owned();
        driver.missing.extend(["to/x".to_owned(), "to/x/f".to_owned()]);
        for directory in ["to", "from"] {
            driver.tell(Event::LocalHints(vec![LocalHint::Directory(path(directory))]));
        }
        driver.run_for(60);
        assert_eq!(driver.asked_for("trash", began), 0, "{is_readable}: {:?}", driver.asked);
        assert_eq!(driver.asked_for("move", began), usize::from(is_readable), "{:?}", driver.asked);
        if !is_readable {
            driver.unreadable_rules.clear();
            driver.tell(Event::LocalHints(vec![LocalHint::Directory(path("to"))]));
            driver.run_for(60);
            assert_eq!((driver.asked_for("trash", began), driver.asked_for("move", began)), (0, 1));
        }
    }
}

/// A late listing may have left something out of more directories than are looked at one by one.
#[test]
fn nothing_is_proven_while_a_listing_is_known_to_be_incomplete() {
    let names: Vec<String> = (0..20).map(|number| format!("d{number:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut driver = Driver::new(&names);
    for (number, name) in names.iter().enumerate() {
        if number == 16 {
            driver.run_for(15);
        }
        let now = driver.now();
        driver.folder.recent_writes.sent(&Driver::stored(&format!("{name}/f")), None, now);
    }
    driver.hides_files = true;
    driver.tell(Event::Request(Request::SyncNow));
    driver.hides_files = false;
    let proofs = |driver: &Driver| driver.folder.last_proof().map_or(0, |proof| proof.number);
    let before = proofs(&driver);
    driver.run_for(21);
    assert_eq!(proofs(&driver), before, "four directories were not looked at");
    assert_eq!(driver.status().verdict, Verdict::Working);
    driver.run_for(10);
    assert_eq!(proofs(&driver), before + 1);
    assert_eq!(driver.status().verdict, Verdict::InSync);
}

#[test]
fn a_pause_that_the_service_asks_for_is_a_day_at_most() {
    let day = 24 * HOUR;
    for asked in [u64::MAX, 31_536_000, 2 * day] {
        for what in ["poll", "list_tree"] {
            let mut driver = Driver::new(&["a"]);
            let refusal = refusal(RemoteErrorKind::Unavailable, Some(Duration::from_secs(asked)));
            driver.refusals.insert(what, refusal);
            driver.tell(Event::Request(Request::SyncNow));
            assert_eq!(driver.status().verdict, Verdict::Offline, "{what} {asked}");
            driver.refusals.clear();
            driver.run_for(day + 60);
            assert_eq!(driver.status().verdict, Verdict::InSync, "{what} {asked}");
        }
        let mut driver = Driver::new(&["a", "b"]);
        let refusal = refusal(RemoteErrorKind::Unavailable, Some(Duration::from_secs(asked)));
        driver.refusals.insert("list_directory", refusal);
        driver.doubt("a");
        driver.refusals.clear();
        driver.run_for(day + 60);
        assert_eq!(driver.status().verdict, Verdict::InSync, "one directory {asked}");
    }
}

/// The service answers everything else, so that nothing but what was asked for can say how often it was
/// tried.
#[test]
fn what_asks_for_a_pause_is_asked_for_more_and_more_seldom() {
    for what in ["list_tree", "list_directory"] {
        let mut driver = Driver::new(&["a", "b"]);
        let began = driver.seconds;
        driver.refusals.insert(what, refusal(RemoteErrorKind::Unavailable, Some(Duration::from_secs(1))));
        if what == "list_tree" {
            driver.tell(Event::Request(Request::SyncNow));
        } else {
            driver.doubt("a");
        }
        driver.run_for(2 * HOUR);
        let tries = driver.asked_for(what, began);
        assert!((5..=32).contains(&tries), "{what}: {tries} tries in two hours");
        driver.refusals.clear();
        driver.run_for(HOUR);
        assert_eq!(driver.status().verdict, Verdict::InSync, "{what}");
    }
}

#[test]
fn a_directory_at_which_a_pause_is_asked_for_again_and_again_is_a_problem() {
    let mut driver = Driver::new(&["a", "b"]);
    driver
        .refusals
        .insert("list_directory", refusal(RemoteErrorKind::Unavailable, Some(Duration::from_secs(1))));
    driver.doubt("a");
    assert_eq!(driver.folder.problems().unwrap(), [], "once may be the service's trouble");
    driver.run_for(60);
    let problems = driver.folder.problems().unwrap();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0].path, path("a"));
}

/// What ends a problem.
type End = fn(&mut Driver);

#[test]
fn a_directory_that_is_shown_again_is_no_problem_any_more() {
    let ends: [(&str, End); 2] = [
        ("a person asks", |driver| driver.tell(Event::Request(Request::SyncNow))),
        ("everything is listed", |driver| {
            driver.folder.listing.want_everything();
            driver.tell(Event::Timer);
        }),
    ];
    for (name, end) in ends {
        let mut driver = Driver::new(&["a", "b"]);
        driver.refusals.insert("list_directory", refusal(RemoteErrorKind::NotAllowed, None));
        driver.doubt("a");
        // Until it is tried once an hour.
        driver.run_for(3 * HOUR);
        assert_eq!(driver.status().verdict, Verdict::Problems, "{name}");
        driver.refusals.clear();
        end(&mut driver);
        assert_eq!(driver.folder.problems().unwrap(), [], "{name}");
        driver.run_for(1);
        assert_eq!(driver.status().verdict, Verdict::InSync, "{name}");
    }
}

/// Otherwise a listing each minute would ask for a directory each minute that only a look does not show.
#[test]
fn a_listing_does_not_have_a_directory_asked_for_again() {
    let mut driver = Driver::new(&["a", "b"]);
    driver.refusals.insert("list_directory", refusal(RemoteErrorKind::NotAllowed, None));
    driver.doubt("a");
    let before = driver.asked_for("list_directory", 0);
    for _ in 0..10 {
        driver.folder.listing.want_everything();
        driver.tell(Event::Timer);
        driver.run_for(1);
    }
    assert_eq!(driver.asked_for("list_directory", 0), before);
}

#[test]
fn who_waits_is_told_when_nothing_but_failures_is_left() {
    let refusals = [
        ("list_tree", RemoteErrorKind::Refused),
        ("list_tree", RemoteErrorKind::NotAllowed),
        ("list_tree", RemoteErrorKind::Incomplete),
        ("poll", RemoteErrorKind::NotAllowed),
        ("list_directory", RemoteErrorKind::NotAllowed),
        ("list_directory", RemoteErrorKind::Refused),
    ];
    for (what, kind) in refusals {
        let name = format!("{what} {kind:?}");
        let mut driver = Driver::new(&["a", "b"]);
        driver.refusals.insert(what, refusal(kind, None));
        driver.tell(Event::Request(Request::SyncNow));
        driver.doubt("a");
        let mut seconds = 0;
        while !driver.status().only_failures_left {
            seconds += 1;
            assert!(seconds < 15, "{name}");
            driver.run_for(1);
        }
        assert_eq!(driver.status().verdict, Verdict::Problems, "{name}");
        driver.refusals.clear();
        driver.tell(Event::Request(Request::SyncNow));
        driver.run_for(1);
        let status = driver.status();
        assert_eq!((status.verdict, status.only_failures_left), (Verdict::InSync, false), "{name}");
    }
}

/// A rename is done before it is made durable. Once, what was fetched and could not be made durable was not
/// seen until the next scan, and an edit of it in between was taken for an older state (`sync` 17004596).
#[test]
fn what_failed_on_the_disk_may_be_done_and_is_looked_at() {
    let mut driver = Driver::with(FolderSettings { mode: Mode::Sync, ..settings() }, &["a"]);
    driver.remote_edits.insert("a".to_owned(), 1);
    let began = driver.seconds;
    driver.tell(Event::Request(Request::SyncNow));
    assert_eq!(driver.asked_for("download", began), 1, "{:?}", driver.asked);
    let (_, what, at) =
        driver.asked.iter().rfind(|(_, what, _)| ["download", "scan"].contains(what)).unwrap();
    assert_eq!((*what, at.as_str()), ("scan", "a"), "{:?}", driver.asked);
    driver.run_for(5);
    assert_eq!(driver.status().verdict, Verdict::InSync);
}

#[test]
fn a_verification_tells_what_it_found_from_what_was_done_meanwhile() {
    let mut driver = Driver::new(&["a", "b"]);
    driver.run_for(60);
    driver.missing.extend(["a/f", "b/f", "new", "new/f"].map(str::to_owned));
    driver.directories.push("new".to_owned());
    let told = RemoteHint::Entry { path: Driver::stored("b/f"), told: Told::Gone };
    driver.tell_all(vec![Event::Request(Request::Verify), Event::RemoteHint(told)]);
    driver.run_for(60);
    assert_eq!(driver.missing, BTreeSet::new());
    let found = |driver: &Driver| {
        let report = driver.folder.verification().unwrap();
        assert!(report.ended.is_some());
        (report.sent, report.mended, report.meanwhile)
    };
    assert_eq!(found(&driver), (1, 0, 3), "{:?}", driver.asked);
    // What is found later is not its finding.
    driver.missing.insert("a/f".to_owned());
    driver.tell(Event::Request(Request::SyncNow));
    driver.run_for(60);
    assert_eq!(driver.missing, BTreeSet::new());
    assert_eq!(found(&driver), (1, 0, 3));
}

/// Once, a folder was said to be in sync although a link kept what others had edited from coming (`pull`
/// 23000174 with `--meddling`).
#[test]
fn what_stands_in_the_way_of_an_entry_stays_a_problem_when_others_edit_that() {
    for mode in [Mode::Backup, Mode::Pull, Mode::Sync] {
        let mut driver = Driver::with(FolderSettings { mode, ..settings() }, &["d"]);
        driver.linked.insert("d".to_owned());
        driver.tell(Event::LocalHints(vec![LocalHint::Subtree(path("d"))]));
        driver.run_for(60);
        let kinds = |driver: &Driver| -> Vec<ProblemKind> {
            driver.folder.problems().unwrap().into_iter().map(|problem| problem.kind).collect()
        };
        assert_eq!(kinds(&driver), [ProblemKind::WrongKind], "{mode:?}");
        driver.remote_edits.insert("d".to_owned(), 1);
        driver.doubt("d");
        driver.run_for(60);
        assert_eq!(kinds(&driver), [ProblemKind::WrongKind], "{mode:?}");
    }
}

/// Something else than a directory was at the path of one, and no word had come of that. Once, each hint for
/// it added one more to what was read each second, for ever, and nobody looked at what had taken its place.
#[test]
fn a_directory_that_changes_all_the_time_is_read_once_a_second_and_the_one_above_now_and_then() {
    let mut driver = Driver::new(&["a", "a/b"]);
    let began = driver.seconds;
    driver.changing.insert("a/b".to_owned());
    for _ in 0..5 {
        driver.tell(Event::LocalHints(vec![LocalHint::Subtree(path("a/b"))]));
        driver.tell(Event::LocalHints(vec![LocalHint::Directory(path("a/b"))]));
        driver.seconds += 1;
    }
    driver.run_for(60);
    let read = |directory: &str| {
        driver
            .asked
            .iter()
            .filter(|(at, what, path)| *at >= began && *what == "scan" && path == directory)
            .count()
    };
    assert!(read("a/b") <= 80, "{}", read("a/b"));
    assert!((2..10).contains(&read("a")), "{}", read("a"));
}

/// Listings of everything showed what looks at a directory did not. Once, each of them made the next looks
/// come as quickly as the first ones.
#[test]
fn looks_that_fail_again_after_a_listing_come_more_and_more_seldom() {
    let proof = ProofInterval::Every(Duration::from_mins(1));
    let mut driver = Driver::with(FolderSettings { proof, ..settings() }, &["d"]);
    let began = driver.seconds;
    driver.refusals.insert("list_directory", refusal(RemoteErrorKind::Unavailable, None));
    for _ in 0..10 {
        driver.doubt("d");
        driver.run_for(60);
    }
    assert!(driver.asked_for("list_directory", began) <= 25, "{}", driver.asked_for("list_directory", began));
}

/// Once, what was saved in such a directory waited for the next try to remove it, for hours (`sync` 39004154
/// with `--disks`).
#[test]
fn what_changes_in_a_directory_that_cannot_be_removed_is_sent_at_once() {
    let mut driver = Driver::with(FolderSettings { mode: Mode::Sync, ..settings() }, &["d", "e"]);
    let began = driver.seconds + 1;
    driver.run_for(1);
    driver.disk_failures.insert("trash_local");
    driver.missing.extend(["d", "d/f"].map(str::to_owned));
    driver.folder.rechecks.want(NodeId::ROOT);
    driver.tell(Event::Timer);
    driver.run_for(60);
    let problems = driver.folder.problems().unwrap();
    let told: Vec<_> = problems.iter().map(|problem| (problem.path.clone(), problem.kind)).collect();
    assert_eq!(told, [(path("d"), ProblemKind::LocalDisk)], "{:?}", driver.asked);
    driver.directories.push("d/a".to_owned());
    driver.missing.extend(["d/a", "d/a/f"].map(str::to_owned));
    driver.tell(Event::LocalHints(vec![LocalHint::Directory(path("d"))]));
    driver.run_for(5);
    assert_eq!(driver.asked_for("make_directory", began), 2, "{:?}", driver.asked);
    let problems = driver.folder.problems().unwrap();
    assert!(problems.iter().all(|problem| problem.path != path("d")), "{problems:?}");
}
