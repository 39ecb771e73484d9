//! Lives in which a proof once said what was not so.

use std::iter::once;

use jottad_core::Mode;
use jottad_simulation::{Act, After, Knobs, Scenario};

use crate::living::{assert_lives_well, step};

const ORDERS: u64 = 20;
const MODES: [Mode; 4] = [Mode::Backup, Mode::Sync, Mode::Archive, Mode::Pull];

/// Lives it in these modes: the first step comes when nothing moves, each of the others so many moves after
/// the one before, for every number of them up to this.
#[track_caller]
fn assert_proves_well(modes: &[Mode], before: &[Act], acts: &[Act], most_moves: u16) {
    for mode in modes {
        for moves in 0..=most_moves {
            let (first, others) = acts.split_first().expect("something happens");
            let others = others.iter().map(|act| step(After::Moves(moves), act.clone()));
            let scenario = Scenario {
                mode: *mode,
                knobs: Knobs { remote_root_exists: true, ..Knobs::default() },
                before: before.to_vec(),
                steps: once(step(After::Rest, first.clone())).chain(others).collect(),
            };
            assert_lives_well(&scenario, ORDERS);
        }
    }
}

/// Once, a file that was being hashed when its directory was renamed was never hashed: what was new in it was
/// not sent.
#[test]
fn what_is_hashed_while_its_directory_is_renamed_is_hashed_again() {
    let before = [Act::RemoteWrite("d/e/b", 1), Act::RemoteWrite("d/e/a", 2), Act::RemoteWrite("f/d/e", 3)];
    let acts = [Act::Replace("d/e/b", 4), Act::RemoteRename("d/e", "f/a"), Act::SyncNow];
    assert_proves_well(&[Mode::Sync, Mode::Pull], &before, &acts, 3);
}

/// Once, a look into a directory whose place a file had taken was taken for a sign that nothing is there.
#[test]
fn a_file_that_took_the_place_of_a_directory_is_there() {
    let before = [Act::RemoteWrite("d/b", 1)];
    for away in [0, 30, 500] {
        for mode in MODES {
            let scenario = Scenario {
                mode,
                knobs: Knobs::default(),
                before: before.to_vec(),
                steps: vec![
                    step(After::Rest, Act::Listen(true)),
                    step(After::Rest, Act::RemoteRemove("d")),
                    step(After::Moves(0), Act::Pause),
                    step(After::Seconds(away), Act::RemoteWrite("d", 2)),
                    step(After::Moves(1), Act::Resume),
                ],
            };
            assert_lives_well(&scenario, ORDERS);
        }
    }
}

/// Once, a look at what was sent found what others had given another spelling meanwhile, and the one entry of
/// the service was taken for two.
#[test]
fn what_others_respell_before_it_is_seen_is_one_entry() {
    let before = [Act::RemoteWrite("b", 2)];
    let acts =
        [Act::RemoteTouch("b", -400_000), Act::Rename("b", "a"), Act::RemoteRespell("a", "A"), Act::SyncNow];
    for moves in (6..20).step_by(2) {
        for mode in [Mode::Backup, Mode::Sync] {
            let after = [After::Rest, After::Moves(0), After::Moves(moves), After::Moves(0)];
            let scenario = Scenario {
                mode,
                knobs: Knobs { remote_root_exists: true, ..Knobs::default() },
                before: before.to_vec(),
                steps: after.into_iter().zip(acts.clone()).map(|(after, act)| step(after, act)).collect(),
            };
            assert_lives_well(&scenario, ORDERS);
        }
    }
}

/// Once, a new directory was filled with what the service had in another one whose name it cannot tell from
/// it, and what was in that one was overwritten.
#[test]
fn what_is_in_one_of_two_names_that_are_one_to_the_service_is_not_sent_to_the_other() {
    let before = [Act::Write("f/d/e", 1)];
    for last in [Act::Kill, Act::SyncNow] {
        let acts =
            [Act::RemoteRespell("f/d", "f/D"), Act::Rename("f/d", "f/D"), Act::Write("f/d/e", 7), last];
        assert_proves_well(&[Mode::Backup, Mode::Sync], &before, &acts, 2);
    }
}

/// Once, it mattered which of two spellings a listing showed first: what had been sent to the one was
/// nobody's when others had put something under the other one.
#[test]
fn of_two_spellings_each_is_an_entry_whichever_is_shown_first() {
    for (one, other) in [("é", "e\u{301}"), ("e\u{301}", "é")] {
        let scenario = Scenario {
            mode: Mode::Backup,
            knobs: Knobs { remote_root_exists: true, ..Knobs::default() },
            before: vec![Act::RemoteWrite(one, 1)],
            steps: vec![
                step(After::Rest, Act::Write(other, 3)),
                step(After::Rest, Act::RemoteWrite(other, 4)),
                step(After::Rest, Act::SyncNow),
            ],
        };
        assert_lives_well(&scenario, ORDERS);
    }
}

/// Once, nobody looked into a directory that others had made in the same moment under another spelling of the
/// name.
#[test]
fn what_others_put_into_a_directory_that_is_made_on_both_sides_is_found() {
    for moves in 0..4 {
        for mode in [Mode::Sync, Mode::Pull] {
            let scenario = Scenario {
                mode,
                knobs: Knobs { remote_root_exists: true, asks_at_end: false, ..Knobs::default() },
                before: vec![Act::Write("b", 1)],
                steps: vec![
                    step(After::Rest, Act::Listen(true)),
                    step(After::Seconds(60), Act::RemoteWrite("D/a", 3)),
                    step(After::Moves(moves), Act::Write("d/e/b", 4)),
                ],
            };
            assert_lives_well(&scenario, ORDERS);
        }
    }
}

/// Once, what others put into a directory that they made where a file had just been removed, and whose
/// directory they respelled, was taken for a leftover of that file, and the look for it was lost (`sync`
/// 9109085). What they put where a directory was removed waits for that look.
#[test]
fn what_others_put_where_something_was_removed_is_seen_below_a_new_spelling() {
    for removed in ["d/e", "d/e/c"] {
        for pause in 0..8 {
            for mode in [Mode::Sync, Mode::Pull] {
                let scenario = Scenario {
                    mode,
                    knobs: Knobs { remote_root_exists: true, ..Knobs::default() },
                    before: vec![Act::RemoteWrite(removed, 1), Act::RemoteWrite("d/a", 2)],
                    steps: vec![
                        step(After::Rest, Act::Remove("d/e")),
                        step(After::Seconds(pause), Act::RemoteWrite("d/e/a", 3)),
                        step(After::Moves(20), Act::RemoteWrite("d/e/b", 4)),
                        step(After::Moves(0), Act::RemoteRespell("d", "D")),
                        step(After::Moves(0), Act::SyncNow),
                    ],
                };
                assert_lives_well(&scenario, ORDERS);
            }
        }
    }
}

/// Once, what others had made of a file went along when that was moved, and counted as agreed on when it was
/// seen at its new place: it went to the trash when the file was removed there (`backup` 10002809).
#[test]
fn what_others_made_of_a_moved_file_is_not_agreed_on() {
    for mode in MODES {
        for moves in [0, 3, 6, 9] {
            let scenario = Scenario {
                mode,
                knobs: Knobs { remote_root_exists: true, ..Knobs::default() },
                before: vec![Act::Write("a", 1), Act::Write("f/b", 2)],
                steps: vec![
                    step(After::Rest, Act::Listen(true)),
                    step(After::Rest, Act::Lock("a")),
                    step(After::Rest, Act::Write("a", 3)),
                    step(After::Moves(4), Act::RemoteWrite("a", 4)),
                    step(After::Seconds(30), Act::Rename("a", "f/a")),
                    step(After::Moves(moves), Act::Remove("f/a")),
                ],
            };
            assert_lives_well(&scenario, ORDERS);
        }
    }
}

/// Once, what a look showed at a row where an operation was under way was forgotten: a file that others had
/// put in the place of a directory stayed unseen while that was removed here (`sync` 11001299).
#[test]
fn what_is_seen_where_an_operation_is_under_way_is_looked_at_again() {
    for pause in [0, 5, 15, 21] {
        let scenario = Scenario {
            mode: Mode::Sync,
            knobs: Knobs { remote_root_exists: true, ..Knobs::default() },
            before: vec![Act::Write("f/d/e", 1), Act::Write("d/a", 2)],
            steps: vec![
                step(After::Rest, Act::RemoteRemove("f")),
                step(After::Moves(0), Act::Write("c", 3)),
                step(After::Rest, Act::Kill),
                step(After::Seconds(pause), Act::RemoteWrite("f", 4)),
                step(After::Moves(0), Act::RemoteHint),
            ],
        };
        assert_lives_well(&scenario, 60);
    }
}

/// Once, what a listing that broke off had filed under a new spelling of its directory counted as seen by
/// the next one (`sync` 12502837).
#[test]
fn what_only_a_broken_listing_showed_below_a_new_spelling_is_not_seen() {
    for moves in [4, 6, 8, 12] {
        let scenario = Scenario {
            mode: Mode::Sync,
            knobs: Knobs {
                remote_root_exists: true,
                listing_batch: 1,
                listing_break_permille: 500,
                ..Knobs::default()
            },
            before: vec![Act::Write("d/e", 1), Act::MakeDirectory("a"), Act::Write("f/d", 2)],
            steps: vec![
                step(After::Rest, Act::RemoteRespell("d", "D")),
                step(After::Moves(0), Act::SyncNow),
                step(After::Moves(moves), Act::RemoteRespell("d/e", "d/E")),
                step(After::Moves(0), Act::RemoteWrite("d/e", 3)),
            ],
        };
        assert_lives_well(&scenario, 100);
    }
}

/// Once, a file that others had where a directory was ignored stayed unseen after that was gone, because a
/// rule for directories counted for it as well (`sync` 12000853).
#[test]
fn what_others_have_where_only_a_directory_was_ignored_is_no_directory() {
    // This rule file is for directories that are called `e`.
    const DIRECTORIES: u8 = 1;
    for mode in [Mode::Sync, Mode::Pull] {
        let scenario = Scenario {
            mode,
            knobs: Knobs { remote_root_exists: true, ..Knobs::default() },
            before: vec![Act::Write("d/e/b", 1), Act::WriteRules(".jottaignore", DIRECTORIES)],
            steps: vec![
                step(After::Rest, Act::RemoteWrite("d/e", 2)),
                step(After::Rest, Act::SyncNow),
                step(After::Rest, Act::Remove("d/e")),
                step(After::Rest, Act::SyncNow),
            ],
        };
        assert_lives_well(&scenario, 30);
    }
}
