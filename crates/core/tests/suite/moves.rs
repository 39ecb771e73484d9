//! Renames of one side arrive on the other as moves, one request for each, whatever was renamed how.

use jottad_core::RelativePath;
use jottad_core::moves::{Candidate, Parked, arrange};
use proptest::prelude::*;

use crate::renames::{Identity, Node, Tree, World};

/// Name, candidates (`→` onto a free slot, `⇒` onto a taken one), steps in order (`~` is the temporary name).
#[rustfmt::skip]
const ROUNDS: &[(&str, &str, &str)] = &[
    ("a renamed file", "a → b", "a → b"),
    ("a renamed directory takes along what is in it", "d → e, d/f → e/f, d/s → e/s, d/s/f → e/s/f", "d → e"),
    ("a chain goes last first", "a ⇒ b, b ⇒ c, c → d", "c → d, b → c, a → b"),
    ("a swap goes through one temporary name", "a ⇒ b, b ⇒ a", "a → ~, b → a, ~ → b"),
    ("a ring goes through one temporary name", "a ⇒ b, b ⇒ c, c ⇒ a", "a → ~, c → a, b → c, ~ → b"),
    ("two rings", "a ⇒ b, b ⇒ a, c ⇒ d, d ⇒ c", "a → ~, b → a, ~ → b, c → ~, d → c, ~ → d"),
    ("a child leaves before its directory moves", "d → e, d/f → g", "d/f → g, d → e"),
    ("a child renamed inside a moved directory follows in the next round", "d → e, d/f → e/g", "d → e"),
    ("into a directory that moves to there: next round", "d → e, f → e/f", "d → e"),
    ("into a new directory under the name of one that leaves: next round", "d → e, f → d/f", "d → e"),
    ("up to the name of its own directory, which leaves: next round", "d → e, d/b ⇒ d", "d → e"),
    ("onto something that does not leave", "a ⇒ b", ""),
    ("a chain onto something that does not leave", "a ⇒ b, b ⇒ c", ""),
    ("a directory onto one that does not leave: what is in it goes alone", "d ⇒ e, d/f → e/f, d/g ⇒ e/g", "d/f → e/f"),
    ("a directory into itself, once that is there", "d ⇒ d/e, d/f → d/e/f", "d/f → d/e/f"),
    ("each into the other", "d → e/x, e → d/y", ""),
    ("two arrivals from one place prove nothing", "a → b, a → c, d → e", "d → e"),
    ("two departures to one place prove nothing", "a → c, b → c, d → e", "d → e"),
    ("onto one whose own partner is in doubt", "a ⇒ b, b → c, b → d", ""),
    ("nowhere to go", "a → a", ""),
    ("a swap inside a renamed directory: next round", "d → e, d/a → e/b, d/b → e/a", "d → e"),
    ("a swap of a directory and a file outside it", "d ⇒ f, d/g → f/g, f ⇒ d", "d → ~, f → d, ~ → f"),
];

#[test]
fn candidates_become_steps() {
    for (name, candidates, expected) in ROUNDS {
        let steps = arrange(candidates.split(", ").map(candidate).collect(), |_| true);
        let shown: Vec<_> = steps
            .iter()
            .map(|step| match step.parked {
                Parked::No => format!("{} → {}", step.from, step.to),
                Parked::To => format!("{} → ~", step.from),
                Parked::From => format!("~ → {}", step.to),
            })
            .collect();
        assert_eq!(shown.join(", "), *expected, "{name}");
    }
}

/// Name; the agreed tree; what happens here (`→` renames, `+` makes a directory, `-` deletes); what happens
/// there; what is done there. In all of them every file is at its new place afterwards unless `left over` is
/// noted.
#[rustfmt::skip]
const HISTORIES: &[(&str, &str, &str, &str, &str)] = &[
    ("a file moves", "d/ f", "f → d/f", "", "f → d/f"),
    ("a directory moves", "d/ d/f e/", "d → e/d", "", "d → e/d"),
    ("both move a file to the same place", "f", "f → g", "f → g", ""),
    ("a directory moves, a file inside changed there", "d/ d/f", "d → e", "+ d/new", "d → e"),
    ("a directory moves, a file inside was deleted there", "d/ d/f d/g", "d → e", "- d/g", "d → e, left over 1"),
    ("a directory moves and was deleted there", "d/ d/f", "d → e", "- d", "make e, left over 1"),
    ("each moved into the other", "a/ a/f b/ b/g", "a → b/a", "b → a/b", "make b, a → b/a, left over 1"),
    ("a child moves out and the directory goes", "d/ d/f d/g", "d/f → f, - d", "", "d/f → f"),
    ("a swap", "a b", "a → t, b → a, t → b", "", "a → ~0, b → a, ~0 → b"),
    ("a ring of directories", "a/ a/f b/ b/f c/ c/f", "a → t, c → a, b → c, t → b", "", "a → ~0, c → a, b → c, ~0 → b"),
    ("a chain", "a b c", "c → d, b → c, a → b", "", "c → d, b → c, a → b"),
    ("onto a new file there", "a", "a → t", "+ t", "left over 1"),
    ("only the letter case", "readme", "readme → README", "", "readme → README"),
    ("into a new directory", "f", "+ n, f → n/f", "", "make n, f → n/f"),
    ("into new directories three deep", "f", "+ n, + n/m, + n/m/o, f → n/m/o/f", "", "make n, make n/m, make n/m/o, f → n/m/o/f"),
    ("into a new directory inside a moved one", "d/ f", "d → e, + e/n, f → e/n/f", "", "d → e, make e/n, f → e/n/f"),
    ("a new directory takes the name of the moved one", "d/ d/f d/g", "d → e, + d, e/g → d/g", "", "d → e, make d, e/g → d/g"),
    ("the inner directory replaces the outer", "a/ a/b/ a/b/f a/g", "a/b → b, a → b/a", "", "a/b → b, a → b/a"),
    ("outer and inner change places", "a/ a/f a/b/ a/b/g", "a/b → t, a → t/b, t → a", "", "a/b/g → a/g, a/f → a/b/f"),
    ("a directory into a new one of its name", "a/ a/f a/s/ a/s/f", "a → t, + a, t → a/a", "", "make a/a, make a/a/s, a/f → a/a/f, a/s/f → a/a/s/f"),
    ("a file takes the name of the directory it was in", "a/ a/x a/y", "a/x → x, a → t, x → a", "", "a → t, t/x → a"),
];

#[test]
fn histories_of_renames_are_carried_over() {
    for (name, tree, here, there, expected) in HISTORIES {
        let mut world = World::agreed(tree_of(tree));
        perform(&mut world.local, here, 1000);
        perform(&mut world.remote, there, 2000);
        world.settle().unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut done = world.log.clone();
        if world.left_over() > 0 {
            done.push(format!("left over {}", world.left_over()));
        }
        assert_eq!(done.join(", "), *expected, "{name}");
    }
}

fn candidate(text: &str) -> Candidate {
    let (from, to, occupied) = text
        .split_once(" ⇒ ")
        .map(|(from, to)| (from, to, true))
        .or_else(|| text.split_once(" → ").map(|(from, to)| (from, to, false)))
        .unwrap();
    Candidate { from: path(from), to: path(to), occupied }
}

fn path(text: &str) -> RelativePath {
    RelativePath::try_from(text).unwrap()
}

fn tree_of(text: &str) -> Tree {
    let mut tree = Tree::default();
    for (word, identity) in text.split(' ').zip(1..) {
        let is_directory = word.ends_with('/');
        tree.insert(path(word.trim_end_matches('/')), Node { identity, is_directory }).unwrap();
    }
    tree
}

fn perform(tree: &mut Tree, edits: &str, first_identity: Identity) {
    for (edit, identity) in edits.split(", ").filter(|edit| !edit.is_empty()).zip(first_identity..) {
        if let Some((from, to)) = edit.split_once(" → ") {
            tree.rename(&path(from), &path(to)).unwrap();
        } else if let Some(made) = edit.strip_prefix("+ ") {
            tree.insert(path(made), Node { identity, is_directory: true }).unwrap();
        } else {
            tree.remove(&path(edit.strip_prefix("- ").unwrap()));
        }
    }
}

/// Something a person does; numbers choose among what is there, and what cannot be done is not done.
#[derive(Debug, Clone, Copy)]
enum Edit {
    Rename { what: usize, into: usize, name: usize },
    Exchange { one: usize, other: usize },
    MakeDirectory { into: usize, name: usize },
    MakeFile { into: usize, name: usize },
    Delete { what: usize },
}

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

fn apply(edit: Edit, tree: &mut Tree, identity: Identity) {
    let entries: Vec<_> = tree.0.keys().cloned().collect();
    let directories: Vec<_> = std::iter::once(RelativePath::root())
        .chain(entries.iter().filter(|path| tree.is_directory(path)).cloned())
        .filter(|path| path.depth() < 4)
        .collect();
    let entry = |number: usize| (!entries.is_empty()).then(|| &entries[number % entries.len()]);
    let place = |into: usize, name: usize| {
        let name = NAMES[name % NAMES.len()].try_into().unwrap();
        directories[into % directories.len()].join(&name)
    };
    // An edit that is not possible on this tree is no edit.
    let _ = match edit {
        Edit::Rename { what, into, name } => entry(what).map(|from| tree.rename(from, &place(into, name))),
        Edit::Exchange { one, other } => entry(one).zip(entry(other)).map(|(one, other)| {
            if !one.starts_with(other) && !other.starts_with(one) {
                let aside = path("aside");
                tree.rename(one, &aside)?;
                tree.rename(other, one)?;
                tree.rename(&aside, other)?;
            }
            Ok(())
        }),
        Edit::MakeDirectory { into, name } => {
            Some(tree.insert(place(into, name), Node { identity, is_directory: true }))
        }
        Edit::MakeFile { into, name } => {
            Some(tree.insert(place(into, name), Node { identity, is_directory: false }))
        }
        Edit::Delete { what } => entry(what).map(|path| {
            tree.remove(path);
            Ok(())
        }),
    };
}

fn number() -> std::ops::Range<usize> {
    0..1000
}

fn making() -> impl Strategy<Value = Edit> {
    prop_oneof![
        (number(), number()).prop_map(|(into, name)| Edit::MakeDirectory { into, name }),
        (number(), number()).prop_map(|(into, name)| Edit::MakeFile { into, name }),
    ]
}

fn renaming() -> impl Strategy<Value = Edit> {
    prop_oneof![
        5 => (number(), number(), number())
            .prop_map(|(what, into, name)| Edit::Rename { what, into, name }),
        2 => (number(), number()).prop_map(|(one, other)| Edit::Exchange { one, other }),
        1 => (number(), number()).prop_map(|(into, name)| Edit::MakeDirectory { into, name }),
    ]
}

fn any_edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        4 => renaming(),
        1 => making(),
        1 => number().prop_map(|what| Edit::Delete { what }),
    ]
}

fn trees() -> impl Strategy<Value = Tree> {
    prop::collection::vec(making(), 1..16).prop_map(|edits| {
        let mut tree = Tree::default();
        for (edit, identity) in edits.into_iter().zip(1..) {
            apply(edit, &mut tree, identity);
        }
        tree
    })
}

fn edited(mut world: World, edits: Vec<Edit>) -> World {
    for (edit, identity) in edits.into_iter().zip(1000..) {
        apply(edit, &mut world.local, identity);
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn renames_alone_move_no_content(tree in trees(), edits in prop::collection::vec(renaming(), 1..10)) {
        let mut world = edited(World::agreed(tree), edits);
        world.settle().map_err(TestCaseError::fail)?;
        prop_assert!(world.knotted || world.left_over() == 0, "{} left over: {world:#?}", world.left_over());
    }

    #[test]
    fn no_history_leads_to_an_impossible_step(
        tree in trees(),
        here in prop::collection::vec(any_edit(), 0..10),
        there in prop::collection::vec(any_edit(), 0..4),
    ) {
        let mut world = edited(World::agreed(tree), here);
        for (edit, identity) in there.into_iter().zip(2000..) {
            apply(edit, &mut world.remote, identity);
        }
        world.settle().map_err(TestCaseError::fail)?;
    }

    #[test]
    fn one_rename_is_one_step(tree in trees(), what in number(), into in number(), name in number()) {
        let mut world = edited(World::agreed(tree), vec![Edit::Rename { what, into, name }]);
        let renamed = world.local != world.remote;
        world.settle().map_err(TestCaseError::fail)?;
        prop_assert_eq!(world.log.len(), usize::from(renamed));
        prop_assert_eq!(world.local, world.remote);
    }
}
