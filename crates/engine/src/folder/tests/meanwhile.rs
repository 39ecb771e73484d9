//! Stories of what fails, and of what happens while something is under way.

use super::stories::{Story, assert_stories};
use super::world::{World, in_mode};
use super::*;
use Mode::{Backup, Pull, Sync};

const SPELLINGS: &[Story] = &[
    (
        "a new spelling that a directory cannot get is no nearer when something changes in it",
        Sync,
        "d/a=x",
        &[
            ("fails rename d: broken", "", "InSync"),
            ("there d>D", "", "InSync"),
            ("sync", "move here d to D", "Problems d: LocalDisk"),
            ("here d/b=y", "upload D/b", "Problems d: LocalDisk"),
            ("works", "", "Problems d: LocalDisk"),
            ("wait 3600", "move here d to D", "Working"),
        ],
    ),
    (
        "rules are about the new spelling once it is there",
        Sync,
        ".jottaignore=d/o d/a=x",
        &[
            ("here d/o=1", "", "InSync"),
            ("there d>D", "", "InSync"),
            ("sync", "move here d to D, upload D/o", "InSync"),
            ("wait 30", "", "InSync"),
        ],
    ),
    (
        "a rename that is in vain, again and again",
        Sync,
        "a=x",
        &[
            ("fails rename a: changed", "", "InSync"),
            ("there a>A", "", "InSync"),
            ("sync", "move here a to A (3 times)", "Working"),
            ("wait 60", "move here a to A (4 times)", "Working"),
            ("works", "", "Problems a: Failing"),
            ("sync", "move here a to A", "InSync"),
        ],
    ),
    (
        "nothing is renamed where rules cannot be read",
        Sync,
        "d/a=x z=z",
        &[
            ("here d/.jottaignore->", "", "Problems d: Unreadable"),
            ("there d/a>d/A", "", "Problems d: Unreadable"),
            ("sync", "", "Problems d: Unreadable"),
            ("here -d/.jottaignore", "move here d/a to d/A", "InSync"),
            ("wait 30", "", "InSync"),
        ],
    ),
    (
        "a rename that the disk refused is made by the user",
        Sync,
        "a=x z=z",
        &[
            ("fails rename a: denied", "", "InSync"),
            ("there a>A", "", "InSync"),
            ("sync", "move here a to A", "Problems a: Unreadable"),
            ("here a>A", "", "Working"),
            ("wait 30", "", "Working"),
        ],
    ),
    (
        "two new names that are one to the service",
        Sync,
        "z=z",
        &[
            ("shows z=z", "", "InSync"),
            ("here a=1 A=2", "upload A", "Problems a: NameClash"),
            ("wait 10", "", "Problems a: NameClash"),
            ("shows all", "", "Problems a: NameClash"),
            ("wait 60", "", "Problems a: NameClash"),
        ],
    ),
];

const PROBLEMS: &[Story] = &[
    (
        "what could not be fetched stands in a directory that is ignored by now",
        Sync,
        "a=x d/b=y",
        &[
            ("fails download d/n: not allowed", "", "InSync"),
            ("there d/n=1", "", "InSync"),
            ("sync", "download d/n", "Problems d/n: NotAllowed"),
            ("here .jottaignore=d", "upload .jottaignore", "Working"),
            ("wait 10", "", "Working"),
        ],
    ),
    (
        "what could not be fetched is ignored before it is tried again",
        Pull,
        "a=x d/b=y",
        &[
            ("fails download d/n: not allowed", "", "InSync"),
            ("there d/n=1", "", "InSync"),
            ("sync", "download d/n", "Problems d/n: NotAllowed"),
            ("there .jottaignore=n", "", "Problems d/n: NotAllowed"),
            ("sync", "download .jottaignore, download d/n", "InSync"),
        ],
    ),
    (
        "the account is full",
        Backup,
        "z=z",
        &[
            ("fails upload: full", "", "InSync"),
            ("here a=1 b=2", "upload a, upload b", "Problems a: QuotaExceeded, b: QuotaExceeded"),
            ("sync", "upload a, upload b", "Problems a: QuotaExceeded, b: QuotaExceeded"),
            ("wait 60", "", "Problems a: QuotaExceeded, b: QuotaExceeded"),
            ("works", "", "Problems a: QuotaExceeded, b: QuotaExceeded"),
            ("sync", "upload a, upload b", "InSync"),
        ],
    ),
    (
        "nothing is allowed to the account",
        Sync,
        "z=z",
        &[
            ("fails poll: not allowed", "", "InSync"),
            ("fails list all: not allowed", "", "InSync"),
            ("fails upload: not allowed", "", "InSync"),
            ("here a=1", "upload a", "Problems .: NotAllowed"),
            ("sync", "", "Problems .: NotAllowed"),
            ("works", "", "Problems .: NotAllowed"),
            ("sync", "upload a", "InSync"),
        ],
    ),
    (
        "an account that is locked may not even read then",
        Backup,
        "z=z",
        &[
            ("fails upload: locked", "", "InSync"),
            ("here a=1 b=2", "upload a, upload b", "Problems .: AccountLocked"),
            ("fails poll: not allowed", "", "Problems .: AccountLocked"),
            ("fails list all: not allowed", "", "Problems .: AccountLocked"),
            ("sync", "", "Problems .: NotAllowed"),
            ("works", "", "Problems .: NotAllowed"),
            ("sync", "upload a, upload b", "InSync"),
        ],
    ),
    (
        "there is no stamp yet",
        Sync,
        "z=z",
        &[
            ("fails poll: not found", "", "InSync"),
            ("sync", "", "InSync"),
            ("here a=1", "upload a", "Working"),
            ("wait 60", "", "Working"),
            ("there b=2", "", "Working"),
            ("sync", "download b", "InSync"),
        ],
    ),
    (
        "a file that changes whenever it is read",
        Backup,
        "z=z",
        &[
            ("fails hash a: changed", "", "InSync"),
            ("here a=1", "", "Problems a: KeepsChanging"),
            ("here a=2@200", "", "Problems a: KeepsChanging"),
            ("here a=3@300", "", "Problems a: KeepsChanging"),
            ("here a=4@400", "", "Problems a: KeepsChanging"),
            ("here a=5@500", "", "Problems a: KeepsChanging"),
            ("here a=6@600", "", "Problems a: KeepsChanging"),
            ("wait 60", "", "Problems a: KeepsChanging"),
            ("lasts hash", "", "Problems a: KeepsChanging"),
            ("here a=7@700", "", "Problems a: KeepsChanging"),
            ("wait 600", "", "Problems a: KeepsChanging"),
            ("here a=8@800", "", "Problems a: KeepsChanging"),
            ("ends", "", "Problems a: KeepsChanging"),
            ("works", "", "Problems a: KeepsChanging"),
            ("wait 600", "upload a", "Working"),
        ],
    ),
];

const UNDER_WAY: &[Story] = &[
    (
        "a disk is gone, and the directory above it is read",
        Backup,
        "d/a=x z=z",
        &[
            ("mount d 7", "", "InSync"),
            ("sync", "", "Problems d: MountChanged"),
            ("accept d", "", "InSync"),
            ("unmount d", "", "InSync"),
            ("unseen -d/a", "", "InSync"),
            ("sync", "", "Problems d: MountChanged"),
            ("here n=1", "upload n", "Problems d: MountChanged"),
            ("wait 60", "", "Problems d: MountChanged"),
            ("mount d 7", "", "Problems d: MountChanged"),
            ("unseen d/a=x", "", "Problems d: MountChanged"),
            ("sync", "", "InSync"),
        ],
    ),
    (
        "a directory is made where a file is being sent",
        Sync,
        "a=x z=z",
        &[
            ("lasts upload", "", "InSync"),
            ("here a=y@200", "upload a", "Working"),
            ("here -a a/b=z", "", "Working"),
            ("ends", "trash there a, make there a, upload a/b", "Working"),
            ("wait 60", "", "Working"),
        ],
    ),
    (
        "others remove what is being fetched",
        Sync,
        "z=z",
        &[
            ("lasts download", "", "InSync"),
            ("there a=x", "", "InSync"),
            ("sync", "download a", "Working"),
            ("there -a", "", "Working"),
            ("ends", "download a", "InSync"),
            ("wait 60", "", "InSync"),
            ("sync", "", "InSync"),
        ],
    ),
    (
        "others save what is being fetched, and the user what it replaces",
        Sync,
        "a=x z=z",
        &[
            ("lasts download", "", "InSync"),
            ("there a=y@200", "", "InSync"),
            ("sync", "download a", "Working"),
            ("there a=v@300", "", "Working"),
            ("here a=w@400", "", "Working"),
            ("ends", "move here a to a~, download a, upload a~, download a (2 times)", "Working"),
            ("wait 60", "", "Working"),
            ("sync", "", "InSync"),
        ],
    ),
    (
        "a file is renamed while it is being sent",
        Sync,
        "z=z",
        &[
            ("lasts upload", "", "InSync"),
            ("here a=x", "upload a", "Working"),
            ("here a>b", "upload b", "Working"),
            ("ends", "", "Working"),
            ("wait 60", "", "Working"),
        ],
    ),
    (
        "a directory is renamed while something is fetched into it",
        Sync,
        "d/a=x z=z",
        &[
            ("lasts download", "", "InSync"),
            ("there d/b=y", "", "InSync"),
            ("sync", "download d/b", "Working"),
            ("here d>e", "", "Working"),
            ("ends", "move there d to e, download e/b", "Working"),
            ("wait 60", "", "Working"),
        ],
    ),
    (
        "others rename a directory while something is sent into it",
        Sync,
        "d/a=x z=z",
        &[
            ("lasts upload", "", "InSync"),
            ("here d/b=y", "upload d/b", "Working"),
            ("there d>e", "", "Working"),
            ("ends", "", "Working"),
            ("sync", "make here e, move here d/a to e/a", "InSync"),
            ("wait 60", "", "InSync"),
            ("sync", "", "InSync"),
        ],
    ),
    (
        "a directory is removed while it is being made there",
        Sync,
        "z=z",
        &[
            ("lasts make there", "", "InSync"),
            ("here d/a=x", "make there d", "Working"),
            ("here -d", "", "Working"),
            ("ends", "", "Working"),
            ("wait 60", "", "Working"),
        ],
    ),
    (
        "a file comes back while it is being removed there",
        Backup,
        "a=x z=z",
        &[
            ("lasts trash there", "", "InSync"),
            ("here -a", "trash there a", "Working"),
            ("here a=x", "", "Working"),
            ("ends", "", "Working"),
            ("wait 60", "", "Working"),
        ],
    ),
    (
        "a root is emptied by ourselves and by a person at one time",
        Sync,
        "a=1 b=2 c=3 d=4 e=5 f=6",
        &[
            ("lasts trash here", "", "InSync"),
            ("there -a", "", "InSync"),
            ("sync", "trash here a", "Working"),
            ("here -a -b -c -d -e -f", "", "Working"),
            ("ends", "", "Held"),
            ("wait 10", "", "Held"),
        ],
    ),
    (
        "what others are told to have changed is looked at before the two sides agree",
        Sync,
        "z=z",
        &[
            ("listen", "", "InSync"),
            ("lasts hash", "", "InSync"),
            ("here a=x", "", "Working"),
            ("there a=x", "", "Working"),
            ("sync", "", "Working"),
            ("shows a=x z=z", "", "Working"),
            ("heard a=y@200", "", "Working"),
            ("ends", "", "Working"),
            ("shows all", "", "Working"),
            ("wait 60", "move here a to a~, download a, upload a~", "InSync"),
        ],
    ),
    (
        "a root that a person wants back",
        Sync,
        "a=1 b=2 c=3 d=4 e=5 f=6",
        &[
            ("here -a -b -c -d -e -f", "", "Held"),
            ("reject", "download a, download b, download c, download d, download e, download f", "Working"),
            ("wait 30", "", "Working"),
        ],
    ),
];

#[test]
fn another_spelling_is_followed_as_far_as_that_is_possible() {
    assert_stories(SPELLINGS, in_mode);
}

#[test]
fn what_is_wrong_is_told_as_long_as_it_is_wrong() {
    assert_stories(PROBLEMS, in_mode);
}

#[test]
fn what_is_under_way_is_not_mistaken_for_what_others_do() {
    assert_stories(UNDER_WAY, in_mode);
}

/// One file that fails is a problem of its own; where all fail it is the service, although it answers.
#[test]
fn a_service_that_fails_at_everything_is_out_of_order_until_something_is_done() {
    for (files, verdict) in [(3, Verdict::Problems), (12, Verdict::Offline)] {
        let mut world = World::agreed(in_mode(Backup), "z=z");
        world.step("fails upload: unavailable");
        let files: Vec<String> = (0..files).map(|number| format!("f{number}=x")).collect();
        world.here(&files.join(" "));
        world.run_for(60);
        assert_eq!(world.verdict(), verdict);
        assert_eq!(world.status().trouble.is_some(), verdict == Verdict::Offline);
        world.step("works");
        world.sync();
        world.run_for(600);
        assert_eq!((world.verdict(), world.status().trouble), (Verdict::InSync, None));
        assert_eq!(world.both(), world.disk());
    }
}

/// What was refused is a problem that is told; what was not even tried is no part of any proof.
#[test]
fn nothing_is_proven_while_a_full_account_keeps_files_waiting() {
    let mut world = World::agreed(in_mode(Sync), "a=x");
    let proven = world.status().proven_at;
    world.step("fails upload: full");
    let files: Vec<String> = (0..12).map(|number| format!("f{number}=x")).collect();
    world.here(&files.join(" "));
    for _ in 0..3 {
        world.run_for(60);
        world.sync();
    }
    assert_eq!(world.status().proven_at, proven);
    // What is not there any more does not wait.
    world.here(
        &files.iter().map(|file| format!("-{}", &file[..file.len() - 2])).collect::<Vec<_>>().join(" "),
    );
    world.run_for(60);
    world.sync();
    world.run_for(60);
    assert!(world.status().proven_at > proven);
    assert_eq!(world.verdict(), Verdict::InSync);
}

/// Nothing deeper is synced, and whoever has put it there is told once.
#[test]
fn what_is_too_deep_on_the_service_is_told() {
    let mut world = World::agreed(in_mode(Backup), "z=z");
    let deep = vec!["d"; jottad_core::DEEPEST + 1].join("/");
    world.there(&format!("{deep}/a=x {deep}/b=y"));
    world.sync();
    world.run_for(60);
    let kinds: Vec<ProblemKind> =
        world.folder.problems().unwrap().into_iter().map(|problem| problem.kind).collect();
    assert!(!kinds.is_empty() && kinds.iter().all(|kind| *kind == ProblemKind::ImpossibleName), "{kinds:?}");
    assert_eq!(world.status().problems, kinds.len() as u64);
}
