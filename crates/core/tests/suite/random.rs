//! Random worlds: a base of some depth, two sides that were edited away from it, every mode, a crash
//! anywhere.
//!
//! `PROPTEST_CASES` sets another number of cases. A case that fails is shrunk; it belongs into `cases.rs`
//! under a name that says what went wrong.

use jottad_core::{Entry, Mode, Name, RelativePath};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

use crate::crashes::PLANTED_BUGS;
use crate::model::{Crash, Engine, Tree, World, entry, file, real_rules};
use crate::promises;

/// Something done to a tree. Numbers choose among what is there; what is not possible is not done.
#[derive(Debug, Clone, Copy)]
enum Edit {
    Write {
        place: usize,
        content: Option<u8>,
    },
    MakeDirectory {
        place: usize,
    },
    Touch {
        what: usize,
        modified: i64,
    },
    Rename {
        what: usize,
        place: usize,
    },
    Delete {
        what: usize,
    },
    /// What is here cannot be synced from now on.
    Obscure {
        what: usize,
    },
}

/// Contents that both sides may come to by themselves.
const SHARED_CONTENTS: std::ops::Range<u8> = 250..253;
const NAMES: [&str; 3] = ["a", "b", "c"];
const DEEPEST: usize = 4;

#[derive(Debug, Clone)]
struct Case {
    base: Vec<Edit>,
    local: Vec<Edit>,
    remote: Vec<Edit>,
    crash: Option<(u8, usize)>,
}

impl Case {
    fn world(&self) -> World {
        let edited = |mut tree: Tree, edits: &[Edit], contents: std::ops::Range<u8>| {
            for (edit, fresh) in edits.iter().zip(contents) {
                apply(*edit, &mut tree, fresh);
            }
            tree
        };
        let base = edited(Tree::new(), &self.base, 1..100);
        let local = edited(base.clone(), &self.local, 100..150);
        let remote = edited(base.clone(), &self.remote, 150..200);
        World { base, local, remote, ..World::default() }
    }

    /// Runs the case, cut short where it says, and checks what the mode promises.
    fn run(&self, engine: Engine) -> Result<(), String> {
        let start = self.world();
        let crash = match self.crash {
            None => None,
            Some((kind, at)) => match start.clone().settle(engine, None)? {
                0 => None,
                steps if kind == 0 => Some(Crash::Before(at % steps)),
                steps if kind == 1 => Some(Crash::Within(at % steps)),
                steps => Some(Crash::After(at % steps)),
            },
        };
        let mut end = start.clone();
        end.settle(engine, crash)
            .and_then(|_| promises::check(engine, &start, &end))
            .map_err(|error| format!("{error} in {}, {crash:?}\nstart:\n{start:?}end:\n{end:?}", engine.mode))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100_000))]

    #[test]
    fn every_mode_keeps_its_promises(case in cases(), mode in 0_usize..4) {
        let engine = Engine { mode: Mode::ALL[mode], rules: real_rules, records_first: false };
        case.run(engine).map_err(TestCaseError::fail)?;
    }
}

#[test]
fn every_planted_bug_is_found_at_random() {
    for (bug, mode, rules) in PLANTED_BUGS {
        let engine = Engine { mode: *mode, rules: *rules, records_first: false };
        let config = ProptestConfig {
            cases: 10_000,
            max_shrink_iters: 0,
            failure_persistence: None,
            ..ProptestConfig::default()
        };
        let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
        let outcome = runner.run(&cases(), |case| case.run(engine).map_err(TestCaseError::fail));
        assert!(outcome.is_err(), "not found: {bug}");
    }
}

fn cases() -> impl Strategy<Value = Case> {
    let base = prop::collection::vec(edits(false), 0..24);
    let side = || prop::collection::vec(edits(true), 0..8);
    (base, side(), side(), prop::option::of((0_u8..3, any::<usize>())))
        .prop_map(|(base, local, remote, crash)| Case { base, local, remote, crash })
}

fn edits(on_a_side: bool) -> impl Strategy<Value = Edit> {
    let number = any::<usize>;
    let content =
        if on_a_side { prop::option::weighted(0.3, SHARED_CONTENTS).boxed() } else { Just(None).boxed() };
    let obscured = u32::from(on_a_side);
    prop_oneof![
        4 => (number(), content).prop_map(|(place, content)| Edit::Write { place, content }),
        3 => number().prop_map(|place| Edit::MakeDirectory { place }),
        1 => (number(), 1_i64..4).prop_map(|(what, modified)| Edit::Touch { what, modified }),
        2 => (number(), number()).prop_map(|(what, place)| Edit::Rename { what, place }),
        2 => number().prop_map(|what| Edit::Delete { what }),
        obscured => number().prop_map(|what| Edit::Obscure { what }),
    ]
}

fn apply(edit: Edit, tree: &mut Tree, fresh: u8) {
    match edit {
        Edit::Write { place, content } => {
            let path = place_in(tree, place);
            let here = entry(tree, &path);
            if !matches!(here, Entry::Untracked | Entry::Directory) {
                tree.insert(path, file(content.unwrap_or(fresh), 0));
            }
        }
        Edit::MakeDirectory { place } => {
            let path = place_in(tree, place);
            if entry(tree, &path) != Entry::Untracked {
                tree.insert(path, Entry::Directory);
            }
        }
        Edit::Touch { what, modified } => {
            if let Some((_, Entry::File(file))) = nth(tree, what) {
                file.modified = jottad_core::Timestamp::from_seconds(modified);
            }
        }
        Edit::Rename { what, place } => {
            let to = place_in(tree, place);
            let Some((from, _)) = nth(tree, what) else { return };
            let from = from.clone();
            if to.starts_with(&from) || from.starts_with(&to) {
                return;
            }
            tree.retain(|path, _| !path.starts_with(&to));
            let moved = std::mem::take(tree);
            *tree = moved
                .into_iter()
                .map(|(path, here)| (path.rebase(&from, &to).unwrap_or(path), here))
                .filter(|(path, _)| path.depth() <= DEEPEST)
                .collect();
        }
        Edit::Delete { what } => {
            if let Some((path, _)) = nth(tree, what) {
                let path = path.clone();
                tree.retain(|inner, _| !inner.starts_with(&path));
            }
        }
        Edit::Obscure { what } => {
            if let Some((path, _)) = nth(tree, what) {
                let path = path.clone();
                tree.retain(|inner, _| !inner.starts_with(&path));
                tree.insert(path, Entry::Untracked);
            }
        }
    }
}

fn nth(tree: &mut Tree, number: usize) -> Option<(&RelativePath, &mut Entry)> {
    let count = tree.len();
    if count == 0 { None } else { tree.iter_mut().nth(number % count) }
}

/// A name in one of the directories.
fn place_in(tree: &Tree, number: usize) -> RelativePath {
    let directories: Vec<_> = std::iter::once(RelativePath::root())
        .chain(tree.iter().filter(|(_, here)| **here == Entry::Directory).map(|(path, _)| path.clone()))
        .filter(|path| path.depth() < DEEPEST)
        .collect();
    let name = Name::try_from(NAMES[number % NAMES.len()]).unwrap();
    directories[(number / NAMES.len()) % directories.len()].join(&name)
}
