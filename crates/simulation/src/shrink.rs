//! From a scenario that fails to a small one that still does.

use crate::run::run;
use crate::scenario::{After, Knobs, Scenario};

/// How many orders of events are tried for each smaller scenario.
const ORDERS: u64 = 4;

/// A small failing scenario.
#[derive(Debug, Clone)]
pub struct Shrunk {
    /// What happens in it.
    pub scenario: Scenario,
    /// The seed of chance with which it fails.
    pub seed: u64,
    /// How it fails.
    pub violations: Vec<String>,
}

/// Drops and simplifies what happens as long as the run still fails.
pub fn shrink(scenario: &Scenario, seed: u64, violations: Vec<String>) -> Shrunk {
    let mut best = Shrunk { scenario: scenario.clone(), seed, violations };
    loop {
        let before = best.scenario.clone();
        calm_the_world(&mut best);
        drop_parts(&mut best);
        hurry(&mut best);
        if best.scenario == before {
            return best;
        }
    }
}

fn try_it(best: &mut Shrunk, smaller: Scenario) -> bool {
    if smaller == best.scenario {
        return false;
    }
    for seed in (0..ORDERS).map(|order| best.seed.wrapping_add(order)) {
        let report = run(&smaller, seed, false);
        if is_same_failure(&report.violations, &best.violations) {
            *best = Shrunk { scenario: smaller, seed, violations: report.violations };
            return true;
        }
    }
    false
}

/// Failures are the same if their texts end alike; paths and numbers are in front.
fn is_same_failure(some: &[String], others: &[String]) -> bool {
    let end = |texts: &[String]| {
        let mut words: Vec<String> =
            texts.first()?.split_whitespace().rev().take(3).map(str::to_owned).collect();
        words.retain(|word| word.chars().all(char::is_alphabetic));
        Some(words)
    };
    !some.is_empty() && end(some) == end(others)
}

fn drop_parts(best: &mut Shrunk) {
    for part in [16, 4, 1] {
        let mut from = best.scenario.steps.len();
        while from > 0 {
            let start = from.saturating_sub(part);
            let mut smaller = best.scenario.clone();
            smaller.steps.drain(start..from);
            try_it(best, smaller);
            from = start.min(best.scenario.steps.len());
        }
        let mut from = best.scenario.before.len();
        while from > 0 {
            let start = from.saturating_sub(part);
            let mut smaller = best.scenario.clone();
            smaller.before.drain(start..from);
            try_it(best, smaller);
            from = start.min(best.scenario.before.len());
        }
    }
}

fn hurry(best: &mut Shrunk) {
    for index in 0..best.scenario.steps.len() {
        if matches!(best.scenario.steps[index].after, After::Rest | After::Moves(0)) {
            continue;
        }
        for after in [After::Rest, After::Moves(0)] {
            let mut smaller = best.scenario.clone();
            smaller.steps[index].after = after;
            if try_it(best, smaller) {
                break;
            }
        }
    }
}

fn calm_the_world(best: &mut Shrunk) {
    let plain = Knobs::default();
    let changes: [fn(&mut Knobs, &Knobs); 26] = [
        // The first makes all later tries faster.
        |knobs, plain| knobs.asks_at_end = plain.asks_at_end,
        |knobs, plain| knobs.granularity_milliseconds = plain.granularity_milliseconds,
        |knobs, plain| knobs.has_birth_times = plain.has_birth_times,
        |knobs, plain| knobs.hints = plain.hints,
        |knobs, plain| knobs.disk_fault_permille = plain.disk_fault_permille,
        |knobs, plain| knobs.remote_fault_permille = plain.remote_fault_permille,
        |knobs, plain| knobs.listing_break_permille = plain.listing_break_permille,
        |knobs, plain| knobs.listing_batch = plain.listing_batch,
        |knobs, plain| knobs.announces_folders = plain.announces_folders,
        |knobs, plain| knobs.lag_milliseconds = plain.lag_milliseconds,
        |knobs, plain| knobs.hang_permille = plain.hang_permille,
        |knobs, plain| knobs.late_folders = plain.late_folders,
        |knobs, plain| knobs.looks_name_as_asked = plain.looks_name_as_asked,
        |knobs, plain| knobs.stamps_everything = plain.stamps_everything,
        |knobs, plain| knobs.folding = plain.folding,
        |knobs, plain| knobs.trash_keeps_spelling = plain.trash_keeps_spelling,
        |knobs, plain| knobs.rows_in_a_step = plain.rows_in_a_step,
        |knobs, plain| knobs.remote_root_exists = plain.remote_root_exists,
        |knobs, plain| knobs.transfers = plain.transfers,
        |knobs, plain| knobs.max_deletes = plain.max_deletes,
        |knobs, plain| {
            knobs.poll_minutes = plain.poll_minutes;
            knobs.backstop_minutes = plain.backstop_minutes;
        },
        |knobs, plain| knobs.brings_back = plain.brings_back,
        |knobs, plain| knobs.empties_root = plain.empties_root,
        |knobs, plain| knobs.haste = plain.haste,
        |knobs, plain| knobs.proves_by_cost = plain.proves_by_cost,
        |knobs, plain| knobs.empty_stamps = plain.empty_stamps,
    ];
    for change in changes {
        let mut smaller = best.scenario.clone();
        change(&mut smaller.knobs, &plain);
        try_it(best, smaller);
    }
}
