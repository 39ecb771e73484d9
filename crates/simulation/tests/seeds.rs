//! The engine through two thousand lives, in every mode: random edits, faults, lost hints, crashes. A failure names the
//! command that replays it.

use std::sync::atomic::{AtomicU64, Ordering};

use jottad_core::Mode;
use jottad_simulation::{Act, After, Extras, Knobs, Scenario, Step, run, scenario};

const SEEDS: u64 = 2000;

fn mode_of(seed: u64) -> Mode {
    match seed % 4 {
        0 => Mode::Backup,
        1 => Mode::Sync,
        2 => Mode::Pull,
        _ => Mode::Archive,
    }
}

#[test]
fn no_life_loses_anything() {
    let next = AtomicU64::new(0);
    let live = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= SEEDS {
                return;
            }
            let mode = mode_of(seed);
            let report = run(&scenario(seed, mode, Extras::default()), seed, false);
            assert!(
                report.violations.is_empty(),
                "{:?}\nreplay it: cargo run --release -p jottad-simulation -- simulate --replay {seed} --mode {mode}",
                report.violations
            );
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(live);
        scope.spawn(live);
    });
}

#[test]
fn a_seed_is_one_life() {
    for seed in 0..20 {
        let scenario = scenario(seed, mode_of(seed), Extras::default());
        assert_eq!(run(&scenario, seed, true).trace, run(&scenario, seed, true).trace, "seed {seed}");
    }
}

/// Once, the mark of a missing disk stayed behind when a directory above was renamed: what was on it looked deleted at
/// its new place.
#[test]
fn what_is_on_a_missing_disk_stays_when_a_directory_above_is_renamed() {
    let step = |act| Step { after: After::Rest, act };
    for mode in [Mode::Backup, Mode::Sync] {
        let scenario = Scenario {
            mode,
            knobs: Knobs::default(),
            before: vec![Act::MountBelow("d/e")],
            steps: vec![
                step(Act::Write("d/e/b", 3)),
                step(Act::UnmountBelow("d/e")),
                step(Act::Rename("d", "c")),
                step(Act::MountBelow("c/e")),
            ],
        };
        for seed in 0..20 {
            let violations = run(&scenario, seed, false).violations;
            assert!(violations.is_empty(), "{mode}, seed {seed}: {violations:?}");
        }
    }
}

/// Once, a look at a service that was late showed the old name as taken and the temporary name as free, which was taken for
/// the end of the rename: the directory stayed under the temporary name, and nobody knew of it.
#[test]
fn a_change_of_letter_case_is_ended_on_a_late_service() {
    let step = |after, act| Step { after, act };
    for mode in [Mode::Backup, Mode::Sync] {
        let scenario = Scenario {
            mode,
            knobs: Knobs { lag_milliseconds: 5000, late_folders: true, ..Knobs::default() },
            before: Vec::new(),
            steps: vec![
                step(After::Rest, Act::Write("d/e/b", 3)),
                step(After::Seconds(60), Act::Rename("d", "D")),
                step(After::Rest, Act::Write("c", 4)),
                step(After::Seconds(60), Act::Rename("D", "d")),
                step(After::Moves(30), Act::Kill),
                step(After::Rest, Act::Write("b", 5)),
            ],
        };
        for seed in 0..40 {
            let violations = run(&scenario, seed, false).violations;
            assert!(violations.is_empty(), "{mode}, seed {seed}: {violations:?}");
        }
    }
}

/// Once, the first listing of a new process held the folder, because a late service did not show the remote root yet.
#[test]
fn a_remote_root_that_was_just_made_is_not_taken_for_gone() {
    let step = |act| Step { after: After::Rest, act };
    let scenario = Scenario {
        mode: Mode::Sync,
        knobs: Knobs { lag_milliseconds: 5000, ..Knobs::default() },
        before: Vec::new(),
        steps: vec![step(Act::Write("a", 3)), step(Act::Kill), step(Act::Write("b", 4))],
    };
    for seed in 0..40 {
        let violations = run(&scenario, seed, false).violations;
        assert!(violations.is_empty(), "seed {seed}: {violations:?}");
    }
}
