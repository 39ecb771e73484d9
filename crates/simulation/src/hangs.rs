//! Lives in which requests hang: what the service answers is about the moment at which it was asked for, and
//! while it is under way the user, jottad and others go on.

use fastrand::Rng;

use crate::scenario::{Act, After, Scenario, Step};

/// The first of the contents that are saved while requests hang.
const HUNG: u32 = 7001;
/// Files of one directory: one that is to be settled when others are sent, a name that is free, and more than
/// are looked at one by one.
const FILLED: [[&str; 5]; 3] =
    [["g", "h", "a", "b", "c"], ["d/g", "d/h", "d/a", "d/b", "d/c"], ["f/g", "f/h", "f/a", "f/b", "f/c"]];

/// Lets requests hang in a life, and something happen meanwhile.
pub(crate) fn add(scenario: &mut Scenario, random: &mut Rng) {
    scenario.knobs.hang_permille = [30, 200, 600][random.usize(0..3)];
    if random.bool() {
        scenario.knobs.remote_fault_permille = 0;
    }
    for burst in 0..random.u32(2..6) {
        let [settled, other, sent @ ..] = FILLED[random.usize(0..FILLED.len())];
        let text = HUNG + 10 * burst;
        let moves = |random: &mut Rng| After::Moves(random.u16(0..60));
        // What is sent to one directory makes jottad look at it, and with that the rest of it changes.
        let mut steps = vec![Step { after: After::Rest, act: Act::Write(settled, text) }];
        for (number, path) in (1..).zip(sent) {
            let after = if number == 1 { After::Seconds(random.u32(0..60)) } else { After::Moves(0) };
            steps.push(Step { after, act: Act::Write(path, text + number) });
        }
        let work = match random.u8(0..4) {
            0 | 1 => Act::Remove(settled),
            2 => Act::Rename(settled, other),
            _ => Act::Write(settled, text + 9),
        };
        steps.push(Step { after: moves(random), act: work });
        let last = match random.u8(0..8) {
            0 => Some(Act::SyncNow),
            1 => Some(Act::Remove(sent[0])),
            2 => Some(Act::Write(settled, text)),
            3 if scenario.has_other_devices() => Some(Act::RemoteWrite(settled, text + 8)),
            4 if scenario.has_other_devices() => Some(Act::RemoteRemove(sent[1])),
            _ => None,
        };
        steps.extend(last.map(|act| Step { after: After::Pending(random.u8(0..40)), act }));
        let place = random.usize(0..=scenario.steps.len());
        scenario.steps.splice(place..place, steps);
    }
}
