//! The engine through two thousand lives, in every mode: random edits, faults, lost hints, crashes. A failure names the
//! command that replays it.

use std::sync::atomic::{AtomicU64, Ordering};

use jottad_core::Mode;
use jottad_simulation::{run, scenario};

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
            let report = run(&scenario(seed, mode), seed, false);
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
        let scenario = scenario(seed, mode_of(seed));
        assert_eq!(run(&scenario, seed, true).trace, run(&scenario, seed, true).trace, "seed {seed}");
    }
}
