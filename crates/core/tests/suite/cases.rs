//! Cases worth a name: what becomes of both sides when each was edited. No case is interrupted.

use jottad_core::{Entry, Mode, RelativePath};

use crate::model::{Engine, Tree, World, file, real_rules};
use crate::promises;

/// A mode, and what the local and the remote side have in the end.
type End = (Mode, &'static str, &'static str);

/// Name; base; local; remote; then the ends. `d/` is a directory, `f=2` a file with content 2, `s?` something
/// that cannot be synced, and `(c)` a conflict mark.
#[rustfmt::skip]
const CASES: &[(&str, [&str; 3], &[End])] = &[
    ("a first run with content on both sides deletes nothing",
        ["", "same=1 here=2 differs=3", "same=1 there=4 differs=5"], &[
        (Mode::Backup, "same=1 here=2 differs=3", "same=1 here=2 there=4 differs=3"),
        (Mode::Sync, "same=1 here=2 there=4 differs=5 differs(c)=3", "same=1 here=2 there=4 differs=5 differs(c)=3"),
        (Mode::Archive, "same=1 here=2 differs=3", "same=1 here=2 there=4 differs=3"),
        (Mode::Pull, "same=1 here=2 there=4 differs=5 differs(c)=3", "same=1 there=4 differs=5"),
    ]),
    ("a file deleted here",
        ["f=1", "", "f=1"], &[
        (Mode::Backup, "", ""), (Mode::Sync, "", ""), (Mode::Archive, "", "f=1"), (Mode::Pull, "f=1", "f=1"),
    ]),
    ("a file deleted there",
        ["f=1", "f=1", ""], &[
        (Mode::Backup, "f=1", "f=1"), (Mode::Sync, "", ""), (Mode::Archive, "f=1", "f=1"), (Mode::Pull, "", ""),
    ]),
    ("a file deleted here, edited there",
        ["f=1", "", "f=2"], &[
        (Mode::Backup, "", "f=2"), (Mode::Sync, "f=2", "f=2"), (Mode::Archive, "", "f=2"), (Mode::Pull, "f=2", "f=2"),
    ]),
    ("a file edited here, deleted there",
        ["f=1", "f=2", ""], &[
        (Mode::Backup, "f=2", "f=2"), (Mode::Sync, "f=2", "f=2"), (Mode::Archive, "f=2", "f=2"), (Mode::Pull, "f=2", ""),
    ]),
    ("both sides made the same edit",
        ["f=1", "f=2", "f=2"], &[
        (Mode::Backup, "f=2", "f=2"), (Mode::Sync, "f=2", "f=2"), (Mode::Archive, "f=2", "f=2"), (Mode::Pull, "f=2", "f=2"),
    ]),
    ("a directory deleted here, one file inside edited there",
        ["d/ d/e=1 d/f=2", "", "d/ d/e=1 d/f=3"], &[
        (Mode::Backup, "", "d/ d/f=3"),
        (Mode::Sync, "d/ d/f=3", "d/ d/f=3"),
        (Mode::Archive, "", "d/ d/e=1 d/f=3"),
        (Mode::Pull, "d/ d/e=1 d/f=3", "d/ d/e=1 d/f=3"),
    ]),
    ("a directory deleted there, one file inside edited here",
        ["d/ d/e=1 d/f=2", "d/ d/e=1 d/f=3", ""], &[
        (Mode::Backup, "d/ d/e=1 d/f=3", "d/ d/e=1 d/f=3"),
        (Mode::Sync, "d/ d/f=3", "d/ d/f=3"),
        (Mode::Pull, "d/ d/f=3", ""),
    ]),
    ("a directory deleted there that holds something ignored",
        ["d/ d/f=1", "d/ d/f=1 d/s?", ""], &[
        (Mode::Sync, "d/ d/s?", "d/"), (Mode::Pull, "d/ d/s?", ""),
    ]),
    ("a file became a directory here",
        ["p=1", "p/ p/f=2", "p=1"], &[
        (Mode::Backup, "p/ p/f=2", "p/ p/f=2"),
        (Mode::Sync, "p/ p/f=2", "p/ p/f=2"),
        (Mode::Archive, "p/ p/f=2", "p(c)=1 p/ p/f=2"),
        (Mode::Pull, "p=1 p(c)/ p(c)/f=2", "p=1"),
    ]),
    ("a file became a directory here and was edited there",
        ["p=1", "p/ p/f=2", "p=3"], &[
        (Mode::Backup, "p/ p/f=2", "p(c)=3 p/ p/f=2"), (Mode::Sync, "p(c)=3 p/ p/f=2", "p(c)=3 p/ p/f=2"),
    ]),
    ("a directory became a file here",
        ["p/ p/f=1", "p=2", "p/ p/f=1"], &[
        (Mode::Backup, "p=2", "p=2"),
        (Mode::Sync, "p=2", "p=2"),
        (Mode::Archive, "p=2", "p(c)/ p(c)/f=1 p=2"),
        (Mode::Pull, "p/ p/f=1 p(c)=2", "p/ p/f=1"),
    ]),
    ("a directory became a file here and has something new there",
        ["p/ p/f=1", "p=2", "p/ p/f=1 p/g=3"], &[
        (Mode::Backup, "p=2", "p(c)/ p(c)/f=1 p(c)/g=3 p=2"),
        (Mode::Sync, "p/ p/f=1 p/g=3 p(c)=2", "p/ p/f=1 p/g=3 p(c)=2"),
    ]),
    ("both made a directory",
        ["", "d/ d/f=1", "d/ d/g=2"], &[
        (Mode::Backup, "d/ d/f=1", "d/ d/f=1 d/g=2"),
        (Mode::Sync, "d/ d/f=1 d/g=2", "d/ d/f=1 d/g=2"),
        (Mode::Pull, "d/ d/f=1 d/g=2", "d/ d/g=2"),
    ]),
    ("a symlink took the place of a file: nothing is done",
        ["f=1", "f?", "f=2"], &[
        (Mode::Backup, "f?", "f=2"), (Mode::Sync, "f?", "f=2"), (Mode::Archive, "f?", "f=2"), (Mode::Pull, "f?", "f=2"),
    ]),
];

#[test]
fn both_sides_end_as_the_case_says() {
    for (name, [base, local, remote], ends) in CASES {
        let start = World { base: tree(base), local: tree(local), remote: tree(remote), ..World::default() };
        for (mode, local, remote) in *ends {
            let engine = Engine { mode: *mode, rules: real_rules, records_first: false };
            let mut end = start.clone();
            end.settle(engine, None).unwrap_or_else(|error| panic!("{name}, {mode}: {error}"));
            assert_eq!((&end.local, &end.remote), (&tree(local), &tree(remote)), "{name}, {mode}:\n{end:?}");
            promises::check(engine, &start, &end).unwrap_or_else(|error| panic!("{name}, {mode}: {error}"));
        }
    }
}

fn tree(text: &str) -> Tree {
    let path = |text: &str| {
        RelativePath::try_from(text.replace("(c)", " (conflict kari 2026-11-23 140509)").as_str()).unwrap()
    };
    text.split_whitespace()
        .map(|word| {
            if let Some(directory) = word.strip_suffix('/') {
                (path(directory), Entry::Directory)
            } else if let Some(untracked) = word.strip_suffix('?') {
                (path(untracked), Entry::Untracked)
            } else {
                let (name, content) = word.split_once('=').unwrap();
                (path(name), file(content.parse().unwrap(), 0))
            }
        })
        .collect()
}
