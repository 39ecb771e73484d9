//! Lives that failed once, shrunk to what matters.

use jottad_core::Mode;
use jottad_simulation::{Act, After, Extras, Knobs, Scenario, Work, run, scenario};

use crate::living::{assert_lives_well, assert_lives_well_in, rest, soon, step};

/// Once, a look at a service that was late showed the old name as taken and the temporary name as free, which
/// was taken for the end of the rename: the directory stayed under the temporary name, and nobody knew of it.
#[test]
fn a_change_of_letter_case_is_ended_on_a_late_service() {
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
        assert_lives_well(&scenario, 40);
    }
}

/// Once, the first listing of a new process held the folder, because a late service did not show the remote
/// root yet.
#[test]
fn a_remote_root_that_was_just_made_is_not_taken_for_gone() {
    let scenario = Scenario {
        mode: Mode::Sync,
        knobs: Knobs { lag_milliseconds: 5000, ..Knobs::default() },
        before: Vec::new(),
        steps: vec![rest(Act::Write("a", 3)), rest(Act::Kill), rest(Act::Write("b", 4))],
    };
    assert_lives_well(&scenario, 40);
}

/// Once, such a directory was compared with what is synced in it for ever, and stayed a problem.
#[test]
fn a_directory_that_is_deleted_on_the_service_stays_for_what_is_ignored_in_it() {
    let before = [Act::WriteRules(".jottaignore", 0), Act::Write("d/e/a", 1), Act::Write("d/e/b", 2)];
    let both = [Mode::Sync, Mode::Pull];
    assert_lives_well_in(&both, &before, &[Act::RemoteRemove("d")]);
    // It goes with the last of it, lives again with what is new in it, and makes way for a file.
    assert_lives_well_in(&both, &before, &[Act::RemoteRemove("d"), Act::Remove("d/e/b")]);
    assert_lives_well_in(&both, &before, &[Act::RemoteRemove("d"), Act::Write("d/e/a", 3)]);
    assert_lives_well_in(&both, &before, &[Act::RemoteRemove("d"), Act::Remove(".jottaignore")]);
    assert_lives_well_in(&both, &before, &[Act::RemoteRemove("d"), Act::RemoteWrite("d", 3)]);
    assert_lives_well_in(&both, &before, &[Act::RemoteRemove("d"), Act::RemoteWrite("d/e/a", 3), Act::Kill]);
}

#[test]
fn a_directory_that_is_deleted_on_the_service_stays_for_a_link_in_it() {
    let before = [Act::Write("d/a", 1), Act::Symlink("d/b")];
    assert_lives_well_in(&[Mode::Sync, Mode::Pull], &before, &[Act::RemoteRemove("d")]);
}

/// Once, a rename was tried that reached from disk to disk, again and again.
#[test]
fn a_move_on_the_service_to_another_disk_is_not_followed_by_a_rename() {
    let before = [Act::Write("d", 1), Act::MakeDirectory("f"), Act::MountBelow("f")];
    assert_lives_well_in(&[Mode::Sync, Mode::Pull], &before, &[Act::RemoteRename("d", "f/a")]);
}

/// Once, a file that was saved when a person wanted the one back that had been there was replaced by that
/// one: the word was given for what was not there.
#[test]
fn what_is_saved_in_the_place_of_what_a_person_wants_back_is_kept() {
    for mode in [Mode::Backup, Mode::Sync] {
        let scenario = Scenario {
            mode,
            knobs: Knobs { max_deletes: 0, ..Knobs::default() },
            before: vec![Act::Write("a", 3), Act::Write("b", 5)],
            steps: vec![
                step(After::Rest, Act::Remove("a")),
                step(After::Rest, Act::Write("a", 6)),
                step(After::Moves(0), Act::Reject),
            ],
        };
        assert_lives_well(&scenario, 40);
    }
}

/// Once, what was saved in a directory between the last look and the rename went to the local trash with it.
#[test]
fn what_is_saved_in_a_directory_that_is_just_being_removed_stays() {
    let scenario = Scenario {
        mode: Mode::Sync,
        knobs: Knobs::default(),
        before: vec![Act::Write("d/a", 1)],
        steps: vec![
            step(After::Rest, Act::RemoteRemove("d")),
            step(After::Moves(0), Act::SyncNow),
            step(After::Moves(0), Act::WriteIntoWork(Work::Delete, 2)),
        ],
    };
    assert_lives_well(&scenario, 100);
}

/// Once, a file that could not be read was forgotten when another device touched it: it was neither sent nor
/// a problem.
#[test]
fn a_file_that_could_not_be_hashed_is_not_forgotten_when_its_remote_side_changes() {
    let scenario = Scenario {
        mode: Mode::Sync,
        knobs: Knobs {
            granularity_milliseconds: 4,
            disk_fault_permille: 100,
            poll_minutes: 60,
            backstop_minutes: 360,
            asks_at_end: false,
            haste: 2,
            ..Knobs::default()
        },
        before: vec![Act::Write("d/e/b", 6)],
        steps: vec![
            step(After::Rest, Act::Listen(true)),
            step(After::Rest, Act::Listen(false)),
            step(After::Moves(0), Act::Rename("d/e/b", "d/b")),
            step(After::Rest, Act::Listen(true)),
        ],
    };
    assert_lives_well(&scenario, 400);
}

/// Once, a listing that was late took what had just been sent and seen for deleted, or for what it had been
/// before: what was deleted here then stayed on the service for ever.
#[test]
fn a_late_listing_does_not_hide_what_was_just_sent() {
    let lives = [
        vec![
            rest(Act::Write("a", 1)),
            rest(Act::RemoteHint),
            soon(Act::Remove("a")),
            rest(Act::Write("b", 2)),
        ],
        vec![
            rest(Act::Listen(true)),
            rest(Act::Write("a", 1)),
            rest(Act::Write("a", 2)),
            rest(Act::Remove("a")),
            rest(Act::RemoteHint),
            rest(Act::Write("b", 3)),
        ],
        vec![rest(Act::Write("a", 1)), rest(Act::Kill), rest(Act::RemoteHint), soon(Act::Remove("a"))],
    ];
    for mode in [Mode::Backup, Mode::Sync] {
        for steps in &lives {
            let knobs = Knobs { lag_milliseconds: 5000, remote_root_exists: true, ..Knobs::default() };
            let scenario = Scenario { mode, knobs, before: Vec::new(), steps: steps.clone() };
            assert_lives_well(&scenario, 40);
        }
    }
}

/// Once, a late service that did not show a directory yet was taken to have removed it.
#[test]
fn a_directory_that_a_late_service_does_not_show_is_not_taken_for_removed() {
    let scenario = Scenario {
        mode: Mode::Backup,
        knobs: Knobs { lag_milliseconds: 2000, late_folders: true, ..Knobs::default() },
        before: vec![Act::Write("d/e/a", 1), Act::RemoteWrite("d/e/a", 2)],
        steps: vec![rest(Act::MakeDirectory("f/d")), rest(Act::Remove("d/e")), rest(Act::Write("c", 3))],
    };
    assert_lives_well(&scenario, 40);
}

/// Once, what had been wrong with a file of the service stayed a problem when a rule came to ignore it.
#[test]
fn nothing_is_wrong_with_what_a_rule_ignores_by_now() {
    for moves in [20, 30, 40, 50] {
        let scenario = Scenario {
            mode: Mode::Pull,
            knobs: Knobs { disk_fault_permille: 100, ..Knobs::default() },
            before: vec![Act::RemoteWrite("d/e/a", 1)],
            steps: vec![step(After::Moves(moves), Act::WriteRules(".jottaignore", 4))],
        };
        assert_lives_well(&scenario, 100);
    }
}

/// What was ignored here is left alone on the service for good, also when its rule and all that is here go at
/// once.
#[test]
fn what_was_ignored_stays_on_the_service_when_its_rule_goes_with_it() {
    let backup = [Mode::Backup];
    let ignores_directories = Act::WriteRules("d/.jottaignore", 1);
    assert_lives_well_in(&backup, &[Act::Write("d/e/b", 1)], &[ignores_directories, Act::Remove("d")]);
    let ignores_files = Act::WriteRules("d/.jottaignore", 0);
    let acts = [ignores_files, Act::Rename("d", "b"), Act::WriteRules("d/.jottaignore", 4)];
    assert_lives_well_in(&backup, &[Act::Write("d/b", 1)], &acts);
}

/// Once, what was sent to a name that another device had spelled otherwise was thought to be there as it is
/// spelled here, until the next listing showed it as the file that has that name here.
#[test]
fn of_two_names_that_are_one_to_the_service_the_one_that_was_sent_keeps_it() {
    for apart in [After::Moves(0), After::Moves(20), After::Rest] {
        for mode in [Mode::Backup, Mode::Archive] {
            let scenario = Scenario {
                mode,
                knobs: Knobs { asks_at_end: false, ..Knobs::default() },
                before: Vec::new(),
                steps: vec![
                    step(After::Rest, Act::RemoteWrite("d/a", 4)),
                    step(After::Rest, Act::Write("d/A", 5)),
                    step(apart, Act::Write("d/a", 6)),
                    step(After::Moves(10), Act::SyncNow),
                ],
            };
            assert_lives_well(&scenario, 40);
        }
    }
}

/// Once, what was moved or removed a moment ago and shown by a late listing was taken for what others had put
/// there: the directory that it was in stayed on the service for ever.
#[test]
fn what_a_late_listing_shows_where_it_was_removed_is_not_taken_for_new() {
    let lives = [
        vec![rest(Act::Rename("f/d", "c")), rest(Act::SyncNow), rest(Act::Write("b", 3))],
        vec![rest(Act::Rename("f/d/e", "c")), rest(Act::SyncNow), rest(Act::Write("b", 3))],
        vec![rest(Act::Remove("f")), rest(Act::SyncNow), soon(Act::SyncNow), rest(Act::Write("b", 3))],
        vec![rest(Act::Remove("f/d")), rest(Act::Kill), rest(Act::SyncNow), rest(Act::Write("b", 3))],
    ];
    for mode in [Mode::Backup, Mode::Sync] {
        for steps in &lives {
            for late_folders in [false, true] {
                let knobs = Knobs { lag_milliseconds: 5000, late_folders, ..Knobs::default() };
                let knobs = Knobs { remote_root_exists: true, ..knobs };
                let before = vec![Act::Write("f/d/e/a", 1), Act::Write("f/a", 2)];
                let scenario = Scenario { mode, knobs, before, steps: steps.clone() };
                assert_lives_well(&scenario, 40);
            }
        }
    }
}

/// What others put where something was just removed is late news, but news; and it shows that the directory
/// is there.
#[test]
fn what_others_put_where_something_was_just_removed_comes_in_time() {
    for mode in [Mode::Backup, Mode::Sync] {
        for act in [Act::RemoteWrite("f/d/e/a", 17), Act::RemoteMakeFolder("f/d/e/a/b")] {
            let scenario = Scenario {
                mode,
                knobs: Knobs { asks_at_end: false, ..Knobs::default() },
                before: vec![Act::MakeDirectory("f/d/e/a")],
                steps: vec![
                    step(After::Seconds(60), Act::Remove("f/d/e/a")),
                    rest(Act::Write("f/a", 2)),
                    rest(act),
                    rest(Act::RemoteHint),
                ],
            };
            for seed in 0..40 {
                let report = run(&scenario, seed, true);
                assert!(report.violations.is_empty(), "{mode}, seed {seed}: {:?}", report.violations);
                let asked_for = |what: &str| report.lines.iter().filter(|line| line.contains(what)).count();
                assert_eq!(asked_for(r#"MakeRemoteDirectory { path: "f/d/e","#), 1, "{mode}, seed {seed}");
                assert_eq!(asked_for("TrashLocal {"), 0, "{mode}, seed {seed}");
            }
        }
    }
}

/// Once, what had reached the service before the login was lost was taken for not sent: moved here, it stayed
/// at its old place there.
#[test]
fn what_arrived_before_the_login_was_lost_is_not_forgotten() {
    for moves in 10..45 {
        let scenario = Scenario {
            mode: Mode::Backup,
            knobs: Knobs { remote_root_exists: true, haste: 5, ..Knobs::default() },
            before: vec![Act::Write("d/a", 1)],
            steps: vec![
                step(After::Rest, Act::Write("b", 5)),
                step(After::Moves(moves), Act::LogOut),
                step(After::Rest, Act::Rename("b", "d/b")),
            ],
        };
        assert_lives_well(&scenario, 20);
    }
}

/// Once, what an earlier run had sent and a late service did not show yet was given up before it was known
/// whether it was still here to be sent again.
#[test]
fn what_was_sent_before_a_kill_and_is_gone_by_now_is_removed_when_it_is_seen() {
    let scenario = Scenario {
        mode: Mode::Backup,
        knobs: Knobs { lag_milliseconds: 5000, late_folders: true, ..Knobs::default() },
        before: Vec::new(),
        steps: vec![
            step(After::Rest, Act::MakeDirectory("d")),
            step(After::Rest, Act::Rename("d", "b")),
            step(After::Moves(0), Act::Kill),
            step(After::Rest, Act::SyncNow),
        ],
    };
    assert_lives_well(&scenario, 40);
}

/// Once, a rule in a directory that another device had spelled otherwise was looked for under that spelling.
#[test]
fn what_is_ignored_in_a_directory_is_so_under_another_spelling() {
    let before = [Act::MountBelow("f"), Act::WriteRules("f/.jottaignore", 2)];
    let acts = [Act::RemoteRespell("f", "F"), Act::RemoteWrite("f/d/e", 5)];
    assert_lives_well_in(&[Mode::Sync, Mode::Pull], &before, &acts);
}

/// Once, a file that the user removed and saved again as it was, while another device removed it, was missed.
/// Nobody had seen that it was away: it is as if it had been saved once more, and goes to the local trash.
#[test]
fn what_is_saved_again_as_it_was_goes_if_another_device_removes_it() {
    let scenario = Scenario {
        mode: Mode::Sync,
        knobs: Knobs::default(),
        before: vec![Act::Write("d/e/a", 1)],
        steps: vec![
            step(After::Rest, Act::Remove("d/e/a")),
            step(After::Moves(0), Act::RemoteRemove("d/e/a")),
            step(After::Moves(0), Act::WriteWithOldTime("d/e/a", 1)),
        ],
    };
    assert_lives_well(&scenario, 40);
}

/// Once, it was held against jottad that a directory went to the trash with what another device had put into
/// it a moment ago, although the service was too late to show that to anybody.
#[test]
fn what_a_late_service_shows_to_nobody_may_go_to_the_trash_with_its_directory() {
    for mode in [Mode::Backup, Mode::Sync] {
        let scenario = Scenario {
            mode,
            knobs: Knobs { lag_milliseconds: 2000, ..Knobs::default() },
            before: vec![Act::Write("d/a", 1), Act::Write("b", 3)],
            steps: vec![
                step(After::Seconds(2887), Act::RemoteWrite("d/e/b", 16)),
                step(After::Moves(0), Act::Remove("d")),
                step(After::Rest, Act::Write("c", 2)),
            ],
        };
        assert_lives_well(&scenario, 40);
    }
}

/// What another device has spelled as a file is spelled here takes its name; before, that one had to wait
/// beside it.
#[test]
fn a_file_that_waits_for_its_name_gets_it_when_the_other_one_is_spelled_like_it() {
    let before = [Act::Write("d/b", 1)];
    let acts = [
        Act::RemoteWrite("d/a", 5),
        Act::SyncNow,
        Act::Write("d/A", 6),
        Act::RemoteRespell("d/a", "d/A"),
        Act::SyncNow,
    ];
    assert_lives_well_in(&[Mode::Backup, Mode::Archive], &before, &acts);
}

/// Once, it was held against jottad that another device saved where something was being removed, after the
/// last look.
#[test]
fn what_others_save_where_something_is_just_being_removed_may_go_to_the_trash() {
    for mode in [Mode::Backup, Mode::Sync] {
        for (removed, put) in [("f/d", "f/d/e"), ("d", "d/e/b")] {
            for moves in 0..12 {
                let scenario = Scenario {
                    mode,
                    knobs: Knobs::default(),
                    before: vec![Act::Write(put, 5), Act::Write("a", 6)],
                    steps: vec![
                        step(After::Rest, Act::Remove(removed)),
                        step(After::Moves(0), Act::WriteIntoWork(Work::Delete, 1)),
                        step(After::Moves(moves), Act::RemoteWrite(put, 7)),
                    ],
                };
                assert_lives_well(&scenario, 10);
            }
        }
    }
}

/// Once, it was held against jottad that what the user had removed went to the trash, when another device had
/// saved the same content elsewhere meanwhile and that was overwritten.
#[test]
fn what_was_removed_here_goes_whatever_others_saved_elsewhere() {
    let scenario = Scenario {
        mode: Mode::Backup,
        // What is removed waits for a person's word until the rest is done.
        knobs: Knobs { max_deletes: 1, ..Knobs::default() },
        before: vec![Act::Write("d/e/a", 1)],
        steps: vec![rest(Act::Remove("d/e")), rest(Act::RemoteWrite("c", 1)), rest(Act::Write("c", 4))],
    };
    assert_lives_well(&scenario, 40);
}

/// Once, what was claimed of a request that a crash cut off was given up at once, although what was there by
/// then was no directory, and so did not send it again: the directory, which had arrived, was taken for
/// somebody else's.
#[test]
fn a_directory_that_was_being_made_and_became_a_file_is_known_again() {
    for moves in 12..36 {
        let scenario = Scenario {
            mode: Mode::Backup,
            knobs: Knobs { lag_milliseconds: 5000, late_folders: true, ..Knobs::default() },
            before: vec![Act::Write("a", 1)],
            steps: vec![
                step(After::Rest, Act::MakeDirectory("b")),
                step(After::Moves(moves), Act::Kill),
                step(After::Moves(0), Act::Remove("b")),
                step(After::Moves(0), Act::Write("b", 2)),
                step(After::Moves(0), Act::AccountFull(true)),
                step(After::Seconds(300), Act::SyncNow),
                step(After::Rest, Act::AccountFull(false)),
            ],
        };
        assert_lives_well(&scenario, 20);
    }
}

/// Nobody agreed on what was ignored, so it stays on the service, also where it makes way for what is saved
/// at its place.
#[test]
fn an_ignored_directory_that_makes_way_for_a_file_stays_on_the_service() {
    let before = [Act::MakeDirectory("d/b"), Act::Write("d/a", 1)];
    let acts = [
        Act::WriteRules("d/.jottaignore", 5),
        Act::Remove("d/b"),
        Act::Remove("d/.jottaignore"),
        Act::Write("d/b", 3),
    ];
    assert_lives_well_in(&[Mode::Backup, Mode::Archive], &before, &acts);
}

/// Once, what had kept a directory from going to the local trash was its problem for ever when it had to stay
/// anyway.
#[test]
fn a_directory_that_could_not_be_removed_and_now_has_to_stay_is_no_problem() {
    for mode in [Mode::Sync, Mode::Pull] {
        let scenario = Scenario {
            mode,
            knobs: Knobs { remote_fault_permille: 300, asks_at_end: false, ..Knobs::default() },
            before: vec![Act::RemoteWrite("d/e/a", 1)],
            steps: vec![
                step(After::Seconds(2000), Act::RemoteRemove("d")),
                step(After::Seconds(2000), Act::Symlink("d/e/b")),
            ],
        };
        assert_lives_well(&scenario, 60);
    }
}

/// A file was sent, its answer was lost, and it was removed on both sides meanwhile: what had failed at it
/// was kept for a row that was gone, and the index was taken for damaged (found in `sync` 1938).
#[test]
fn what_failed_at_an_entry_that_is_gone_is_forgotten() {
    for seed in [1938, 1939] {
        let violations = run(&scenario(seed, Mode::Sync, Extras::default()), seed, false).violations;
        assert!(violations.is_empty(), "{seed}: {violations:?}");
    }
}

/// Once, a file that was put back as it was, when the service had removed it and the answer was lost, was
/// taken for removed by others, and went to the local trash.
#[test]
fn what_is_put_back_after_it_was_removed_without_an_answer_stays() {
    for top in ["d/g", "d"] {
        let scenario = Scenario {
            mode: Mode::Sync,
            knobs: Knobs { remote_fault_permille: 150, remote_root_exists: true, ..Knobs::default() },
            before: vec![Act::Write("d/g", 1), Act::Write("a", 2)],
            steps: vec![
                step(After::Rest, Act::SyncNow),
                step(After::Rest, Act::Remove(top)),
                step(After::Seconds(2), Act::Write("d/g", 1)),
                step(After::Moves(0), Act::SyncNow),
            ],
        };
        assert_lives_well(&scenario, 200);
    }
}
