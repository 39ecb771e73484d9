//! What a folder answers: what a plan says that would be done, and how one path stands.

use super::world::{World, in_mode};
use super::*;
use Mode::{Archive, Backup, Pull, Sync};

/// The mode; what was agreed on; changes here; changes there; what would be done, and why.
type Planned = (Mode, &'static str, &'static str, &'static str, &'static str);

const PLANNED: &[Planned] = &[
    (Sync, "a=x", "", "", ""),
    (Sync, "a=x", "a=xyz@200", "", "upload a (3): edited here"),
    (Sync, "a=x", "", "a=xyz@200", "download a (3): edited on the remote side"),
    (
        Sync,
        "a=x",
        "a=yy@200",
        "a=zzz@300",
        "move_local_aside a: changed on both sides; download a (3): takes the name that is free then; upload a (2): under its conflict name, beside the other one",
    ),
    (
        Pull,
        "a=x",
        "a=yy@200",
        "a=zzz@300",
        "move_local_aside a: different here; the remote side keeps the name; download a (3): takes the name that is free then",
    ),
    (
        Backup,
        "a=x",
        "a=yy@200",
        "a=zzz@300",
        "upload a (2): differs from the remote side, whose content is kept as a revision",
    ),
    (Backup, "a=x", "a=y@200", "-a b/c=d", "upload a (1): missing on the remote side"),
    (Sync, "a=x b=y", "-a", "-b", "trash_remote a: deleted here; trash_local b: deleted on the remote side"),
    (Archive, "a=x b=y", "-a", "-b", "upload b (1): missing on the remote side"),
    (Pull, "a=x b=y", "-a", "-b", "download a (1): missing here; trash_local b: deleted on the remote side"),
    (Sync, "a=x", "a=x@200", "", "set_remote_time a: same content, other modification time"),
    (Sync, "a=x", "", "a=x@200", "set_local_time a: same content, other modification time"),
    (Sync, "a=x d/b=y", "d>e a>c", "", "move_remote a to c: moved here; move_remote d to e: moved here"),
    (
        Sync,
        "a=x d/b=y",
        "",
        "d>e a>c",
        "move_local d to e: moved on the remote side; move_local a to c: moved on the remote side",
    ),
    (Sync, "a=x b=y", "a>t b>a t>b", "", "move_remote b to a: moved here; move_remote a to b: moved here"),
    (Sync, "d/a=x", "", "d>D", "move_local d to D: spelled otherwise on the remote side"),
    (
        Sync,
        "z=z",
        "n/m/a=new",
        "p/q/b=newer",
        "make_remote_directory n: new directory here; make_remote_directory n/m: new directory here; upload n/m/a (3): new here; make_local_directory p: new directory on the remote side; make_local_directory p/q: new directory on the remote side; download p/q/b (5): new on the remote side",
    ),
    (Sync, "z=z", "a=much-too-large", "b=much-too-large", ""),
    (Sync, ".jottaignore=*.tmp z=z", "a.tmp=x", "b.tmp=y", ""),
    (
        Backup,
        "a=x z=z",
        "-a a/b=y",
        "",
        "trash_remote a: replaced by a directory here; upload a/b (1): new here",
    ),
    (
        Archive,
        "a=x z=z",
        "-a a/b=y",
        "",
        "move_remote_aside a: a directory here, a file on the remote side; make_remote_directory a: takes the name that is free then; upload a/b (1): new here",
    ),
    (
        Sync,
        "a/b=x z=z",
        "-a a=y",
        "a/b=v@200",
        "move_local_aside a: a file here, a directory on the remote side; make_local_directory a: takes the name that is free then; upload a (1): under its conflict name, beside the other one; download a/b (1): deleted here, but changed on the remote side",
    ),
    (Sync, "a=x b=y", "-a -b", "", ""),
    (
        Sync,
        "z=z",
        "a=x",
        "a/b=y",
        "move_local_aside a: a file here, a directory on the remote side; make_local_directory a: takes the name that is free then; upload a (1): under its conflict name, beside the other one; download a/b (1): new on the remote side",
    ),
    (
        Sync,
        "z=z",
        "a/b=x",
        "a=y",
        "move_remote_aside a: a directory here, a file on the remote side; make_remote_directory a: takes the name that is free then; upload a/b (1): new here",
    ),
    (
        Sync,
        "d/a=x z=z",
        "-d",
        "d/b=new",
        "make_local_directory d: deleted here, but changed inside on the remote side; trash_remote d/a: deleted here; download d/b (3): new on the remote side",
    ),
    (
        Backup,
        "z=z d/a=x",
        "",
        "-d",
        "make_remote_directory d: missing on the remote side; upload d/a (1): missing on the remote side",
    ),
    (Sync, "a=x", "-a a->", "a=y@200", ""),
    (
        Sync,
        "d/a=x d/b=y d/c=w z=z",
        "",
        "d/a>e/a d/b>e/b d/c>f/c -d",
        "move_local d to e: moved on the remote side; make_local_directory f: new directory on the remote side; download f/c (1): new on the remote side",
    ),
    (
        Sync,
        "d/a=x e/b=y z=z",
        "d/a>f/a",
        "e>g",
        "move_remote d/a to f/a: moved here; move_local e to g: moved on the remote side; make_remote_directory f: new directory here",
    ),
    (Backup, "z=z", "b= d/", "c=y", "upload b (0): new here; make_remote_directory d: new directory here"),
];

/// The mode; what was agreed on; what happens; a path; how it stands.
type Said = (Mode, &'static str, &'static [&'static str], &'static str, &'static str);

const SAID: &[Said] = &[
    (Sync, "a=x", &["sync"], "a", "InSync: all agree"),
    (Sync, "a=x", &["sync"], "nothing", "Unknown: the index has nothing at this path"),
    (
        Sync,
        ".jottaignore=*.tmp a=x",
        &["here b.tmp=y"],
        "b.tmp",
        "Ignored: a rule ignores b.tmp [*.tmp (.jottaignore, line 1)]",
    ),
    (Sync, ".jottaignore=d d/a=x", &["sync"], "d/a", "Ignored: a rule ignores d [d (.jottaignore, line 1)]"),
    (
        Sync,
        ".jottaignore=*.tmp a=x",
        &["there b.tmp=y", "sync"],
        "b.tmp",
        "Ignored: a rule ignores b.tmp [*.tmp (.jottaignore, line 1)]",
    ),
    (
        Sync,
        "a=x",
        &["here b=much-too-large"],
        "b",
        "Ignored: b is larger than what is synced [max_size = 8 bytes (in the configuration)]",
    ),
    (
        Sync,
        "a=x",
        &["there b=much-too-large", "sync"],
        "b",
        "Ignored: b is larger than what is synced [max_size = 8 bytes (in the configuration)]",
    ),
    (Sync, "a=x", &["lasts upload", "here a=y@200"], "a", "Pending: it is being sent"),
    (Sync, "a=x", &["lasts download", "there b=y", "sync"], "b", "Pending: it is being fetched"),
    (
        Backup,
        "a=x",
        &["shows a=x", "here b=y"],
        "b",
        "Pending: it was sent, and the service has not confirmed yet that it has it",
    ),
    (
        Backup,
        "a=x",
        &["fails upload b: refused", "here b=y"],
        "b",
        "Problem: the service answered an error; rename or change it, or ignore it: the service does not take it as it is",
    ),
    (
        Backup,
        "a=x",
        &["fails make there d: refused", "here d/b=y"],
        "d/b",
        "Pending: it waits for d, which has a problem: the service answered an error; rename or change it, or ignore it: the service does not take it as it is",
    ),
    (
        Backup,
        "a=x",
        &["fails make there d: refused", "here d/b=y"],
        "d",
        "Problem: the service answered an error; rename or change it, or ignore it: the service does not take it as it is",
    ),
    (
        Backup,
        "a=x b=y",
        &["here -a -b", "approve"],
        "a",
        "Held: it would go to the trash; that waits for a person: `jottad approve docs` lets it happen, `jottad reject docs` brings it back",
    ),
    (
        Sync,
        "d/a=x d/b=y",
        &["here -d", "approve"],
        "d/b",
        "Held: it would go to the trash; that waits for a person: `jottad approve docs` lets it happen, `jottad reject docs` brings it back",
    ),
    (
        Sync,
        "a=x b=y",
        &["here -a -b"],
        "a",
        "InSync: all agree, as of the last look; another one is under way, as of the last look; the folder is held, see `jottad held docs`",
    ),
    (Backup, "a=x", &["pause", "unseen a=y@200"], "a", "InSync: all agree"),
    (Backup, "a=x", &["there a=y@200 b=z", "sync"], "b", "InSync: only on the remote side, left alone"),
    (
        Backup,
        "a=x",
        &["lasts hash", "here a=yy@200"],
        "a",
        "Pending: it is being hashed, or something in it is being confirmed",
    ),
    (
        Sync,
        "a=x",
        &["listen", "shows a=x", "heard a=y@200"],
        "a",
        "Pending: all agree, as of the last look; the service has told of a change since, which is looked at next",
    ),
    (
        Sync,
        "a=x",
        &["listen", "shows a=x", "heard d/b=y"],
        "d/b",
        "Unknown: the index has nothing at this path",
    ),
    (
        Sync,
        "a=x",
        &["fails list all: unavailable", "sync"],
        "a",
        "InSync: all agree, as of the last look; another one is under way",
    ),
    (
        Sync,
        "a=x z=z",
        &["fails root: gone", "sync"],
        "a",
        "InSync: all agree, as of the last look; another one is under way, as of the last look; the folder is held, see `jottad held docs`",
    ),
    (
        Sync,
        "a=x",
        &["here .jottaignore->", "sync"],
        "a",
        "InSync: all agree, as of the last look; another one is under way, as of the last look; the folder is held, see `jottad held docs`",
    ),
    (
        Sync,
        "a=x",
        &["here A=y"],
        "A",
        "Problem: the service may take its name and \"a\" beside it for the same; rename one of the two",
    ),
    (
        Sync,
        "a=x",
        &["here -a a->"],
        "a",
        "Problem: a symbolic link is here now; what was synced before stays on the remote side; remove it, put the file or directory back, or ignore it",
    ),
    (
        Sync,
        "d/a=x",
        &["fails scan d: denied", "here d/b=y"],
        "d",
        "Problem: the directory cannot be read: permission denied; let the user that runs jottad read it, or ignore it",
    ),
    (
        Sync,
        "d/a=x",
        &["fails scan d: denied", "here d/b=y"],
        "d/a",
        "Pending: it waits for d, which has a problem: the directory cannot be read: permission denied; let the user that runs jottad read it, or ignore it",
    ),
    (
        Sync,
        "a=x z=z",
        &["fails trash there a: refused", "here -a"],
        "a",
        "Problem: the service answered an error; rename or change it, or ignore it: the service does not take it as it is",
    ),
    (
        Backup,
        "a=x",
        &["fails upload: full", "here b=y"],
        "b",
        "Problem: the service answered an error; free space in the account (jottad account shows it) or ignore the file",
    ),
    (Backup, "a=x", &["stop"], "a", "InSync: all agree"),
    (
        Backup,
        "a=x",
        &["fails upload b: refused", "here b=y", "stop"],
        "b",
        "Problem: the service answered an error; rename or change it, or ignore it: the service does not take it as it is",
    ),
    (Backup, "a=x", &["pause", "unseen b=y", "stop"], "b", "Unknown: the index has nothing at this path"),
    (
        Backup,
        "a=x",
        &["here d/.jottaignore=[z-a]"],
        "d/.jottaignore",
        "Problem: line 1 is no rule: error parsing glob '[z-a]': invalid range; 'z' > 'a'; correct the rules; the other lines of the file count",
    ),
    (
        Backup,
        "a=x",
        &["fails upload: lost", "shows a=x", "here b=y"],
        "b",
        "Problem: the service answered an error; nothing: it is tried again",
    ),
];

#[test]
fn a_plan_says_what_would_be_done_and_nothing_is() {
    let mut wrong = Vec::new();
    for (mode, agreed, here, there, plan) in PLANNED.iter().copied() {
        let settings = || FolderSettings { max_size: Some(8), ..in_mode(mode) };
        let mut world = World::agreed(settings(), agreed);
        world.here_unseen(here);
        world.there(there);
        let before = world.both();
        let mut world = world.look(settings());
        let came = world.plan();
        if came != plan {
            wrong.push(format!("{:?},", (mode, agreed, here, there, came)));
        }
        assert_eq!((world.done(), world.both()), (String::new(), before), "{mode:?} {here:?} {there:?}");
    }
    assert!(wrong.is_empty(), "otherwise than expected:\n{}", wrong.join("\n"));
}

/// What has only moved is not deleted, however much it is.
#[test]
fn a_plan_foresees_no_hold_for_what_has_moved() {
    let all = |word: &dyn Fn(u32) -> String| (0..30).map(word).collect::<Vec<_>>().join(" ");
    let agreed = format!("{} z=z", all(&|number| format!("a{number}={number}x")));
    let moved = all(&|number| format!("a{number}>b{number}"));
    let removed = all(&|number| format!("-a{number}"));
    for (here, there, is_held) in [
        (moved.as_str(), "", false),
        ("", moved.as_str(), false),
        (removed.as_str(), "", true),
        ("", removed.as_str(), true),
    ] {
        let mut world = World::agreed(in_mode(Sync), &agreed);
        world.here_unseen(here);
        world.there(there);
        let world = world.look(in_mode(Sync));
        let foreseen = world.folder.foresee(world.time()).unwrap();
        assert_eq!(!foreseen.is_empty(), is_held, "{here:.10} {there:.10}: {foreseen:?}");
    }
}

#[test]
fn a_plan_counts_what_was_sent_and_is_not_shown_yet() {
    for (shown, unconfirmed) in [("a=x", 1), ("a=x b=y", 0)] {
        let mut world = World::agreed(in_mode(Backup), "a=x");
        world.shows(Some(shown));
        world.here("b=y");
        world.run_for(1);
        let plan = world.folder.plan_preview(usize::MAX).unwrap();
        assert_eq!(plan.unconfirmed, unconfirmed, "{shown}");
    }
}

#[test]
fn how_a_path_stands_is_said_with_the_reason() {
    let mut wrong = Vec::new();
    for (mode, agreed, steps, path, said) in SAID.iter().copied() {
        let settings = || FolderSettings { max_size: Some(8), ..in_mode(mode) };
        let mut world = World::agreed(settings(), agreed);
        for step in steps {
            if *step == "stop" {
                world = world.stop(settings());
            } else {
                world.step(step);
            }
        }
        let came = world.explain(path);
        if came != said {
            wrong.push(format!("{:?},", (mode, agreed, steps, path, came)));
        }
    }
    assert!(wrong.is_empty(), "otherwise than expected:\n{}", wrong.join("\n"));
}
