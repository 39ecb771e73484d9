//! Stories of runs that follow one another: what a new one knows of the last one.

use super::stories::{Story, assert_stories};
use super::world::in_mode;
use super::*;
use Mode::Sync;

const RUNS: &[Story] = &[(
    "others put back what an earlier run removed: what it removed last may be shown only because it is late",
    Sync,
    "a=x b=y c=z d=w",
    &[
        ("here -a", "trash there a", "Working"),
        ("wait 15", "", "Working"),
        ("here -b", "trash there b", "Working"),
        ("restart", "", "InSync"),
        ("there a=x b=y", "", "InSync"),
        ("sync", "download a", "Working"),
        ("wait 60", "download b", "InSync"),
    ],
)];

#[test]
fn a_new_run_knows_what_the_last_one_did_and_when() {
    assert_stories(RUNS, in_mode);
}
