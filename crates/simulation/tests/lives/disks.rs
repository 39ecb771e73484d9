//! Lives whose disks come and go, below the root or the one that it is on.

use jottad_core::Mode;
use jottad_simulation::{Act, Knobs, Scenario};

use crate::living::{assert_lives_well, assert_lives_well_in, rest};

/// Once, the mark of a missing disk stayed behind when a directory above was renamed: what was on it looked
/// deleted at its new place.
#[test]
fn what_is_on_a_missing_disk_stays_when_a_directory_above_is_renamed() {
    for mode in [Mode::Backup, Mode::Sync] {
        let scenario = Scenario {
            mode,
            knobs: Knobs::default(),
            before: vec![Act::MountBelow("d/e")],
            steps: vec![
                rest(Act::Write("d/e/b", 3)),
                rest(Act::UnmountBelow("d/e")),
                rest(Act::Rename("d", "c")),
                rest(Act::MountBelow("c/e")),
            ],
        };
        assert_lives_well(&scenario, 20);
    }
}

/// Once, a person's word about a lost disk did nothing if the directory above was gone as well.
#[test]
fn a_disk_that_is_gone_with_the_directory_above_can_be_given_up() {
    let before = [Act::MountBelow("d/e"), Act::Write("d/e/a", 2)];
    let acts = [Act::UnmountBelow("d/e"), Act::Remove("d")];
    assert_lives_well_in(&[Mode::Backup, Mode::Sync, Mode::Pull], &before, &acts);
}

/// Once, a person's word that the root was right was kept until it was needed: said when reading the root had
/// failed, it let a root whose disk was gone pass later.
#[test]
fn that_the_root_is_right_is_said_of_the_root_that_is_there() {
    for mode in [Mode::Backup, Mode::Sync] {
        let scenario = Scenario {
            mode,
            knobs: Knobs { disk_fault_permille: 100, ..Knobs::default() },
            before: Vec::new(),
            steps: vec![
                rest(Act::Write("a", 6)),
                rest(Act::Approve),
                rest(Act::Unmount),
                rest(Act::Write("b", 1)),
            ],
        };
        assert_lives_well(&scenario, 200);
    }
}

/// Once, a fault at a directory was thought to be explained by a disk below it, and the end of such a life to
/// have come.
#[test]
fn a_fault_passes_although_a_disk_is_mounted_below() {
    let scenario = Scenario {
        mode: Mode::Backup,
        knobs: Knobs { disk_fault_permille: 100, asks_at_end: false, ..Knobs::default() },
        before: vec![Act::MountBelow("d/e")],
        steps: vec![rest(Act::UnmountBelow("d/e"))],
    };
    assert_lives_well(&scenario, 200);
}

/// Once, nobody said of a disk that it was mounted where another one had been, whose own place had moved.
#[test]
fn another_disk_at_a_place_whose_disk_has_moved_waits_for_a_word() {
    let before = [Act::MountBelow("d"), Act::Write("d/a", 0)];
    let acts = [Act::UnmountBelow("d"), Act::Rename("d", "D"), Act::MountBelow("d")];
    assert_lives_well_in(&[Mode::Backup], &before, &acts);
}
