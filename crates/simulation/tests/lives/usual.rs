//! The engine through four thousand lives, in every mode: random edits, faults, lost hints, crashes. A
//! failure names the command that replays it.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use jottad_core::Mode;
use jottad_simulation::{Extras, run, scenario, usual};

const SEEDS: u64 = 4000;
/// Lives of which each has something besides that is not in the others.
const FEWER: u64 = 400;

/// Those that are known to fail. One that does not fail any more is to leave this list.
const KNOWN_TO_FAIL: [u64; 0] = [];

/// How those lives end badly that do.
fn failures(seeds: u64, life_of: impl Fn(u64) -> (Mode, Extras) + Sync) -> BTreeMap<u64, String> {
    let next = AtomicU64::new(0);
    let failed = Mutex::new(BTreeMap::new());
    let live = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds {
                return;
            }
            let (mode, extras) = life_of(seed);
            let violations = run(&scenario(seed, mode, extras), seed, false).violations;
            if !violations.is_empty() {
                let switches = extras.switches();
                let told = format!(
                    "{violations:?}\nreplay it: cargo run --release -p jottad-simulation -- simulate --mode \
                     {mode}{switches} --replay {seed}"
                );
                failed.lock().expect("no life panics").insert(seed, told);
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(live);
        scope.spawn(live);
    });
    failed.into_inner().expect("no life panics")
}

#[test]
fn no_life_loses_anything() {
    let mut failed = failures(SEEDS, usual);
    let mended: Vec<u64> = KNOWN_TO_FAIL.into_iter().filter(|seed| failed.remove(seed).is_none()).collect();
    let failed: Vec<String> = failed.into_values().collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(mended.is_empty(), "these do not fail any more: {mended:?}");
}

#[test]
fn no_life_with_requests_that_hang_loses_anything() {
    assert_fewer_lives_pass(|extras| Extras { hangs: true, ..extras });
}

/// Nothing but the ledger of what was done lately depends on how late the service may be.
#[test]
fn no_life_loses_anything_that_expects_no_late_answers_of_a_service_that_gives_none() {
    assert_fewer_lives_pass(|extras| Extras { prompt: true, ..extras });
}

/// Trees of lives are small: where a page of the index is smaller, walks over them have many pages.
#[test]
fn no_life_whose_tree_is_many_pages_loses_anything() {
    assert_fewer_lives_pass(|extras| Extras { pages: true, ..extras });
}

/// Lives fewer of the usual lives with something more in each.
#[track_caller]
fn assert_fewer_lives_pass(with: fn(Extras) -> Extras) {
    let failed = failures(FEWER, |seed| {
        let (mode, extras) = usual(seed);
        (mode, with(extras))
    });
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn a_seed_is_one_life() {
    for seed in 0..40 {
        let (mode, extras) = usual(seed);
        let scenario = scenario(seed, mode, extras);
        assert_eq!(run(&scenario, seed, true).trace, run(&scenario, seed, true).trace, "seed {seed}");
    }
}
