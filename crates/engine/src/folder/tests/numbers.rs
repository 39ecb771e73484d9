//! What a folder counts and tells besides its verdict.

use jottad_core::Parallel;

use super::world::{World, in_mode};
use super::*;
use crate::status::{Pending, Skipped};

#[test]
fn what_is_there_and_what_is_left_out_is_counted() {
    let ignoring = FolderSettings { max_size: Some(8), ..in_mode(Mode::Sync) };
    for (agreed, changes, (files, directories, bytes), skipped) in [
        ("a=x", "", (1, 0, 1), [0, 0, 0]),
        ("d/a=xyz d/e/b=yy", "", (2, 2, 5), [0, 0, 0]),
        ("d/a=xyz d/e/b=yy", "-d/e", (1, 1, 3), [0, 0, 0]),
        ("d/a=xyz b=y", "d>e b=yyyy@200", (2, 1, 7), [0, 0, 0]),
        (".jottaignore=*.tmp a=x", "n.tmp=1 m.tmp=2", (2, 0, 6), [2, 0, 0]),
        ("a=x", "large=much-too-large", (1, 0, 1), [0, 1, 0]),
        ("a=x", "l-> d/l->", (1, 1, 1), [0, 0, 2]),
    ] {
        let mut world = World::agreed(ignoring.clone(), agreed);
        world.here_unseen(changes);
        world.sync();
        world.run_for(60);
        let status = world.status();
        let counted = (status.files, status.directories, status.bytes);
        assert_eq!(counted, (Some(files), Some(directories), Some(bytes)), "{agreed:?} {changes:?}");
        let [rules, max_size, links] = skipped;
        let expected = Skipped { rules, max_size, links, special: 0 };
        assert_eq!(status.skipped, Some(expected), "{agreed:?} {changes:?}");
    }
}

#[test]
fn what_is_still_to_be_done_is_counted() {
    let none = Pending::default();
    for (mode, agreed, here, there, expected) in [
        (Mode::Sync, "a=x", "", "", none),
        (Mode::Sync, "a=x", "a=xyz@200 d/b=yy", "", Pending { uploads: 2, directories: 1, bytes: 5, ..none }),
        (Mode::Sync, "a=x b=y", "-b", "", Pending { deletes: 1, ..none }),
        (Mode::Sync, "a=x b=y", "a=x@200", "", Pending { times: 1, ..none }),
        (Mode::Backup, "a=x b=y", "", "b=yyy@200 c=z", Pending { uploads: 1, bytes: 1, ..none }),
        (
            Mode::Pull,
            "a=x b=y",
            "",
            "b=yyy@200 c=z d/",
            Pending { downloads: 2, directories: 1, bytes: 4, ..none },
        ),
        (Mode::Sync, "a=x b=y", "a=xx@200", "a=xxx@300", Pending { moves: 1, ..none }),
    ] {
        let mut world = World::agreed(in_mode(mode), agreed);
        world.here_unseen(here);
        world.there(there);
        world.now += Duration::from_secs(10);
        let before = world.status();
        let world = world.look(in_mode(mode));
        let status = world.status();
        assert_eq!(status.pending, Some(expected), "{mode:?} {here:?} {there:?}");
        // It is about now.
        assert!(status.settled && status.local_checked_at > before.local_checked_at, "{mode:?} {status:?}");
    }
}

#[test]
fn no_more_travels_at_one_time_than_is_set() {
    let settings = || FolderSettings {
        uploads: Parallel::Fixed(2),
        downloads: Parallel::Fixed(3),
        ..in_mode(Mode::Sync)
    };
    let files = |side: &str| (0..12).map(|number| format!("{side}{number}=x")).collect::<Vec<_>>().join(" ");
    let directories = (0..12).map(|number| format!("d{number}/")).collect::<Vec<_>>().join(" ");
    for (lasting, here, there, at_once) in [
        ("upload", files("u"), String::new(), 2),
        ("download", String::new(), files("v"), 3),
        ("make there", directories.clone(), String::new(), 8),
        ("make here", String::new(), directories, 8),
    ] {
        let mut world = World::agreed(settings(), "z=z");
        world.here_unseen(&here);
        world.there(&there);
        world.step(&format!("lasts {lasting}"));
        world.sync();
        world.run_for(60);
        assert_eq!(world.under_way(), at_once, "{lasting}");
        let travelling = world.status().transfers.len();
        assert_eq!(travelling, if lasting.ends_with("load") { at_once } else { 0 }, "{lasting}");
        world.let_end();
        assert_eq!(world.under_way(), 0, "{lasting}");
        world.run_for(60);
        assert_eq!(world.both(), world.disk(), "{lasting}");
    }
}

#[test]
fn a_file_that_travels_is_told_from_others() {
    let mut world = World::agreed(in_mode(Mode::Sync), "z=z");
    world.step("lasts upload");
    world.step("here a=x d/b=y");
    for (at, travels) in [("a", true), ("d/b", true), ("z", false), ("d", false)] {
        assert_eq!(world.folder.is_travelling(&path(at)), travels, "{at}");
        assert_eq!(world.explain(at).contains("being sent"), travels, "{at}");
    }
}

#[test]
fn what_happens_is_told_as_it_happens() {
    let mut world = World::agreed(in_mode(Mode::Sync), "z=z");
    let told = |world: &mut World| -> Vec<String> {
        let notices = world.folder.take_notices().into_iter();
        notices
            .map(|notice| match notice {
                Notice::OperationStarted { kind, path, .. } => format!("{kind} {path} begins"),
                Notice::OperationEnded(line) => format!("{} {} ends", line.kind, line.path),
                Notice::Paused(is_paused) => format!("paused: {is_paused}"),
                Notice::Settled => "settled".to_owned(),
            })
            .collect()
    };
    told(&mut world);
    world.step("here a=x");
    assert_eq!(told(&mut world), ["upload a begins", "upload a ends", "settled"]);
    assert_eq!(told(&mut world), Vec::<String>::new(), "each is told once");
    world.step("pause");
    assert_eq!(told(&mut world), ["paused: true"]);
    world.step("resume");
    assert_eq!(told(&mut world)[0], "paused: false");
}

#[test]
fn a_file_that_keeps_changing_is_said_to_wait() {
    let settings = FolderSettings { resend: Duration::from_mins(5), ..in_mode(Mode::Backup) };
    let mut world = World::agreed(settings, "a=0");
    for time in 1..6 {
        world.here(&format!("a={time}@{time}00"));
    }
    let said = world.explain("a");
    assert!(said.starts_with("Pending: it keeps changing, so it is sent again 1 s after"), "{said}");
    // Another file does not wait for it.
    world.here("b=1");
    assert!(world.service().contains("b=1"), "{}", world.service());
    assert!(!world.explain("b").contains("keeps changing"));
    world.run_for(60);
    assert_eq!(world.disk(), world.service());
}

/// What a run knew of its root is said at rest as it was said while it ran.
#[test]
fn a_hold_is_the_same_at_rest() {
    for (steps, root) in [
        (&["fails root: gone", "sync"][..], "Missing"),
        (&["fails root: denied", "sync"], "Unreadable"),
        (&["fails list all: not found", "sync", "wait 60"], "Remote"),
        (&["here -a -b"], "Local"),
    ] {
        let mut world = World::agreed(in_mode(Mode::Sync), "a=x b=y");
        for step in steps {
            world.step(step);
        }
        let hold = world.folder.hold().unwrap();
        assert!(format!("{hold:?}").contains(root), "{hold:?}");
        let world = world.stop(in_mode(Mode::Sync));
        assert_eq!(world.folder.hold().unwrap(), hold);
    }
}

/// The name says whose it is and when it came about, in UTC.
#[test]
fn a_conflict_copy_is_named_and_told_for_as_long_as_both_are_there() {
    let mut world = World::agreed(in_mode(Mode::Sync), "a=x z=z");
    world.here_unseen("a=y@200");
    world.there("a=w@300");
    world.sync();
    world.run_for(60);
    let name = "a (conflict kari 2023-11-14 223100)";
    assert_eq!(world.disk(), format!("a=w@300 {name}=y@200 z=z"));
    assert_eq!(world.folder.conflicts().unwrap().len(), 1);
    world.step("here -a");
    world.run_for(60);
    assert_eq!(world.folder.conflicts().unwrap().len(), 0);
}

/// What the service has there becomes a revision, whatever it is.
#[test]
fn a_backup_sends_over_what_it_has_not_seen() {
    let mut world = World::agreed(in_mode(Mode::Backup), "a=x");
    world.there("a=w@300");
    world.step("here a=y@200");
    assert_eq!((world.done(), world.service()), ("upload a".to_owned(), "a=y@200".to_owned()));
}

#[test]
fn what_was_on_a_disk_that_is_gone_stays_on_the_service_with_the_directory_above_it() {
    for mode in [Mode::Backup, Mode::Sync] {
        let mut world = World::agreed(in_mode(mode), "z=z");
        for step in ["mount d/m 7", "here d/m/a=x d/b=y", "wait 60", "unmount d/m", "here -d", "wait 600"] {
            world.step(step);
        }
        assert!(world.service().contains("d/m/a=x"), "{mode:?}: {}", world.service());
    }
}

/// A directory whose files went to several others went where most of them are.
#[test]
fn a_directory_is_where_most_of_its_files_went() {
    for (moved, to) in [("d/a>e/a d/b>f/b d/c>f/c -d", "f"), ("d/a>e/a d/b>e/b d/c>f/c -d", "e")] {
        let mut world = World::agreed(in_mode(Mode::Sync), "d/a=x d/b=y d/c=w z=z");
        world.there(moved);
        world.sync();
        world.run_for(60);
        assert!(world.done().starts_with(&format!("move here d to {to},")), "{to}");
        assert_eq!(world.disk(), world.service());
    }
}

#[test]
fn what_was_done_at_a_path_is_remembered_with_that() {
    let mut world = World::agreed(in_mode(Mode::Backup), "a=x b=y");
    world.step("here a=w@200");
    world.step("here -a");
    let done = |world: &World, at: &str| -> Vec<String> {
        let said = world.folder.explain(&path(at)).unwrap();
        said.last_operations.into_iter().map(|line| line.kind).collect()
    };
    let mut of_a = done(&world, "a");
    of_a.sort_unstable();
    assert_eq!(of_a, ["trash_remote", "upload"]);
    assert_eq!(done(&world, "b"), Vec::<String>::new());
    let all: Vec<String> = world.folder.log(0, 10).unwrap().into_iter().map(|line| line.kind).collect();
    assert_eq!(all, ["upload", "trash_remote"], "oldest first");
    let last = world.folder.log(0, 10).unwrap()[0].id;
    assert_eq!(world.folder.log(last, 10).unwrap().len(), 1, "only what came later");
}

#[test]
fn what_keeps_all_from_getting_on_is_told_once_with_what_helps() {
    let mut world = World::agreed(in_mode(Mode::Backup), "z=z");
    world.step("fails upload: locked");
    world.step("here b=x c=y");
    let problems = world.folder.problems().unwrap();
    let [problem] = &problems[..] else { panic!("{problems:?}") };
    assert_eq!(problem.reason, "the account is locked for writing: 2 entries wait");
    assert!(problem.next_try.is_some());
    let mut world = World::agreed(in_mode(Mode::Sync), "z=z");
    world.step("fails list all: not allowed");
    world.step("sync");
    let problems = world.folder.problems().unwrap();
    let [problem] = &problems[..] else { panic!("{problems:?}") };
    assert_eq!(problem.remedy, crate::scope::REMEDY_OF_LOCKED_ACCOUNT);
}

#[test]
fn a_word_of_the_service_is_about_its_path_alone() {
    let mut world = World::agreed(in_mode(Mode::Sync), "a=x z=z");
    for step in ["listen", "shows a=x z=z", "heard a=y@200"] {
        world.step(step);
    }
    assert!(world.explain("a").starts_with("Pending: "), "{}", world.explain("a"));
    assert!(world.explain("z").starts_with("InSync: all agree"), "{}", world.explain("z"));
}

/// What has only another name is known by its identity.
#[test]
fn a_file_that_was_renamed_is_not_read_again() {
    let mut world = World::agreed(in_mode(Mode::Backup), "a=x d/b=y z=z");
    let began = world.now;
    world.step("here a>c d>e");
    let asked = world.looks(began);
    assert!(asked.contains("move there a to c") && !asked.contains("hash"), "{asked}");
}

/// A swap goes through a temporary name, which is known after a kill at each step.
#[test]
fn a_swap_that_a_kill_interrupts_comes_to_its_end() {
    for lasting in ["move there a", "move there b", "move there .jottad"] {
        let mut world = World::agreed(in_mode(Mode::Sync), "a=x b=y");
        world.step(&format!("lasts {lasting}"));
        world.step("here a>t b>a t>b");
        assert_eq!(world.under_way(), 1, "{lasting}");
        world.lasting = None;
        let mut world = world.restart(in_mode(Mode::Sync));
        world.run_for(120);
        world.sync();
        world.run_for(120);
        assert_eq!((world.both(), world.verdict()), ("a=y b=x".to_owned(), Verdict::InSync), "{lasting}");
    }
}

#[test]
fn another_directory_at_the_path_of_the_root_is_no_deletion() {
    for mode in [Mode::Backup, Mode::Sync, Mode::Pull, Mode::Archive] {
        let mut world = World::agreed(in_mode(mode), "a=x d/b=y");
        world.replace_root();
        world.sync();
        world.run_for(600);
        assert_eq!((world.verdict(), world.done()), (Verdict::Held, String::new()), "{mode:?}");
        assert_eq!((world.disk(), world.service()), (String::new(), "a=x d/ d/b=y".to_owned()), "{mode:?}");
    }
}

/// What has begun to travel is not there yet.
#[test]
fn what_is_on_its_way_counts_as_still_to_be_sent() {
    let mut world = World::agreed(in_mode(Mode::Sync), "z=z");
    world.step("lasts upload");
    world.here("a=12 b=345");
    world.run_for(2);
    assert_eq!(world.under_way(), 2);
    let expected = Pending { uploads: 2, bytes: 5, ..Pending::default() };
    assert_eq!(world.status().pending, Some(expected));
    world.let_end();
    world.run_for(60);
    assert_eq!(world.status().pending, Some(Pending::default()));
}

/// What a listing shows of a directory is there, even if the directory itself is not shown (protocol U-02).
#[test]
fn a_directory_is_there_if_anything_in_it_is_shown() {
    for mode in [Mode::Sync, Mode::Pull, Mode::Backup] {
        let mut world = World::unstarted(in_mode(mode), "z=z", "d/e/a=x d/f/b=y z=z");
        world.list_files_alone();
        world.tell(Event::Started);
        world.run_for(60);
        let rows = ["d", "d/e", "d/f"].map(|at| {
            let row = world.folder.index.locate(&path(at)).unwrap().unwrap();
            row.remote_node() == Some(RemoteNode::Directory)
        });
        assert_eq!(rows, [true; 3], "{mode}");
        assert_eq!(world.disk() == world.service(), mode != Mode::Backup, "{mode}");
    }
}

/// Each directory of the service is made in one that is there.
#[test]
fn directories_that_a_move_needs_are_made_one_after_the_other() {
    let mut world = World::agreed(in_mode(Mode::Sync), "a=x b=y");
    world.step("lasts make there");
    world.here("b>d/e/f/b");
    world.run_for(2);
    assert_eq!((world.under_way(), world.done().as_str()), (1, "make there d"));
    world.let_end();
    world.run_for(60);
    assert_eq!(world.done(), "make there d/e, make there d/e/f, move there b to d/e/f/b");
}

/// A word of an event leads to a look at a directory that is gone, of which nothing told.
#[test]
fn a_directory_that_cannot_be_found_when_it_is_looked_at_is_gone() {
    for (told, mode, disk) in [
        (Told::Nothing, Mode::Sync, "z=z"),
        (Told::Directory, Mode::Sync, "z=z"),
        (Told::Directory, Mode::Backup, "d/ d/a=x z=z"),
    ] {
        let mut world = World::agreed(in_mode(mode), "d/a=x z=z");
        world.listen();
        world.there("-d");
        world.tell(Event::RemoteHint(RemoteHint::Entry { path: Driver::stored("d/n"), told }));
        world.run_for(120);
        assert_eq!(world.disk(), disk, "{told:?} {mode}");
        assert_eq!(world.service() == "z=z", mode == Mode::Sync, "{told:?} {mode}");
    }
}

/// Whoever asked for it is told what was found: not what was done for other reasons while it went on.
#[test]
fn a_verification_counts_what_it_found_and_what_happened_meanwhile() {
    // What happens before and while it goes on; files, bytes, damaged, unread, sent, mended, meanwhile.
    for (before, meanwhile, found) in [
        ("", "", [3, 6, 0, 0, 0, 0, 0]),
        ("rots b=zz", "", [2, 4, 1, 0, 0, 0, 0]),
        ("there -a", "", [3, 6, 0, 0, 1, 0, 0]),
        ("there -a -b", "", [3, 6, 0, 0, 2, 0, 0]),
        ("there b=yyyy@200", "", [3, 6, 0, 0, 1, 0, 0]),
        ("there b=yy@300", "", [3, 6, 0, 0, 0, 1, 0]),
        ("", "here n=1", [4, 7, 0, 0, 0, 0, 1]),
        ("", "here b=y@200", [2, 4, 0, 1, 0, 0, 1]),
        ("", "heard -a", [3, 6, 0, 0, 0, 0, 1]),
        ("there -c", "heard -a", [3, 6, 0, 0, 1, 0, 1]),
    ] {
        let mut world = World::agreed(in_mode(Mode::Backup), "a=x b=yy c=zzz");
        world.listen();
        if !before.is_empty() {
            world.step(before);
        }
        world.step("lasts hash b");
        world.tell(Event::Request(Request::Verify));
        if !meanwhile.is_empty() {
            world.step(meanwhile);
        }
        world.let_end();
        world.run_for(120);
        let report = world.folder.verification().unwrap();
        assert!(report.ended.is_some_and(|end| end >= report.began));
        let came = [
            report.files,
            report.bytes,
            report.damaged,
            report.unread,
            report.sent,
            report.mended,
            report.meanwhile,
        ];
        assert_eq!(came, found, "{before}; {meanwhile}");
    }
}
