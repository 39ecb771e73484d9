//! Lives that are to end well, whatever the order in which chance lets things happen.

use jottad_core::Mode;
use jottad_simulation::{Act, After, Knobs, Scenario, Step, run};

/// Something happens.
pub(crate) fn step(after: After, act: Act) -> Step {
    Step { after, act }
}

/// Something happens when all has come to rest.
pub(crate) fn rest(act: Act) -> Step {
    step(After::Rest, act)
}

/// Something happens three moves later, while jottad is still at work.
pub(crate) fn soon(act: Act) -> Step {
    step(After::Moves(3), act)
}

/// Lives it in so many orders of events.
#[track_caller]
pub(crate) fn assert_lives_well(scenario: &Scenario, orders: u64) {
    for seed in 0..orders {
        let violations = run(scenario, seed, false).violations;
        assert!(violations.is_empty(), "seed {seed}: {violations:?}\n{scenario:?}");
    }
}

/// Lives it in these modes, in a world in which nothing goes wrong; each act waits for rest.
#[track_caller]
pub(crate) fn assert_lives_well_in(modes: &[Mode], before: &[Act], acts: &[Act]) {
    for mode in modes {
        let steps = acts.iter().cloned().map(rest).collect();
        let scenario = Scenario { mode: *mode, knobs: Knobs::default(), before: before.to_vec(), steps };
        assert_lives_well(&scenario, 20);
    }
}
