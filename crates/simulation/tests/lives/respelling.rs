//! Names whose spelling alone changes, in ways that the service does not tell apart: where changes travel
//! here the local name follows by a rename; nothing is fetched anew, and nothing goes to a trash.

use jottad_core::Mode;
use jottad_simulation::{Act, After, Knobs, Scenario, Step, run};

use crate::living::step;

const SEEDS: u64 = 40;
const BOTH: [Mode; 2] = [Mode::Sync, Mode::Pull];

/// What jottad was asked for in a life, as far as it moved or removed something or sent or fetched it.
struct Deeds(Vec<String>);

impl Deeds {
    fn count(&self, words: &[&str]) -> usize {
        self.0.iter().filter(|line| words.iter().all(|word| line.contains(word))).count()
    }
}

/// Lives it in these modes with many orders of events, and shows what was done.
#[track_caller]
fn live(modes: &[Mode], before: &[Act], steps: &[Step], judge: impl Fn(Mode, &Deeds)) {
    live_with(&Knobs { remote_root_exists: true, ..Knobs::default() }, modes, before, steps, judge);
}

#[track_caller]
fn live_with(knobs: &Knobs, modes: &[Mode], before: &[Act], steps: &[Step], judge: impl Fn(Mode, &Deeds)) {
    for mode in modes {
        let scenario =
            Scenario { mode: *mode, knobs: knobs.clone(), before: before.to_vec(), steps: steps.to_vec() };
        for seed in 0..SEEDS {
            let report = run(&scenario, seed, true);
            assert!(report.violations.is_empty(), "{mode}, seed {seed}: {:?}", report.violations);
            // An order has a number and a name; what became of it is told apart.
            let deeds = report.lines.into_iter().filter(|line| !line.contains("ended:")).collect();
            judge(*mode, &Deeds(deeds));
        }
    }
}

#[track_caller]
fn renames_only(deeds: &Deeds, from: &str, to: &str) {
    let rename = format!("MoveLocal {{ from: \"{from}\", to: \"{to}\"");
    assert_eq!(deeds.count(&[&rename]), 1, "{:#?}", deeds.0);
    assert_eq!(deeds.count(&["TrashLocal"]) + deeds.count(&["TrashRemote"]), 0, "{:#?}", deeds.0);
    assert_eq!(deeds.count(&["MoveRemote"]) + deeds.count(&["Upload {"]), 0, "{:#?}", deeds.0);
}

#[test]
fn a_file_that_is_spelled_otherwise_on_the_service_is_renamed_here() {
    let before = [Act::RemoteWrite("d/a", 1)];
    live(&BOTH, &before, &[step(After::Rest, Act::RemoteRespell("d/a", "d/A"))], |_, deeds| {
        renames_only(deeds, "d/a", "d/A");
        assert_eq!(deeds.count(&["Download"]), 1);
    });
}

#[test]
fn a_directory_that_is_spelled_otherwise_is_renamed_as_a_whole() {
    let before = [Act::RemoteWrite("d/a", 1), Act::RemoteWrite("d/e/a", 2), Act::RemoteMakeFolder("d/e/b")];
    let steps = [
        step(After::Rest, Act::RemoteRespell("d", "D")),
        step(After::Rest, Act::RemoteRespell("D/e", "D/E")),
    ];
    live(&BOTH, &before, &steps, |_, deeds| {
        assert_eq!(deeds.count(&["MoveLocal"]), 2);
        assert_eq!(deeds.count(&["Download"]), 2);
        assert_eq!(deeds.count(&["Trash"]), 0);
    });
}

#[test]
fn a_file_that_is_edited_there_too_is_renamed_and_fetched() {
    let before = [Act::RemoteWrite("d/a", 1)];
    let steps = [
        step(After::Rest, Act::RemoteRespell("d/a", "d/A")),
        step(After::Moves(0), Act::RemoteWrite("d/A", 2)),
    ];
    live(&BOTH, &before, &steps, |_, deeds| renames_only(deeds, "d/a", "d/A"));
}

#[test]
fn what_is_edited_in_a_directory_meanwhile_stays_in_it() {
    let before = [Act::RemoteWrite("d/a", 1), Act::RemoteWrite("d/b", 2), Act::RemoteWrite("d/e/a", 3)];
    let steps = [
        step(After::Rest, Act::RemoteRespell("d", "D")),
        step(After::Moves(0), Act::RemoteWrite("D/a", 4)),
        step(After::Moves(0), Act::Write("d/b", 5)),
        step(After::Moves(0), Act::Write("d/e/b", 6)),
    ];
    live(&[Mode::Sync], &before, &steps, |_, deeds| assert_eq!(deeds.count(&["Trash"]), 0));
}

#[test]
fn of_two_spellings_one_wins_on_both_sides() {
    for apart in [After::Moves(0), After::Moves(5), After::Rest] {
        let before = [Act::RemoteWrite("ab/a", 1)];
        let steps = [
            step(After::Rest, Act::Rename("ab", "Ab")),
            step(apart, Act::RemoteRespell("ab", "aB")),
            step(After::Rest, Act::RemoteWrite("AB/b", 2)),
        ];
        live(&BOTH, &before, &steps, |_, deeds| assert_eq!(deeds.count(&["Trash"]), 0));
    }
}

#[test]
fn what_both_sides_spell_alike_at_once_is_left_as_it_is() {
    for apart in [After::Moves(0), After::Moves(3)] {
        let before = [Act::RemoteWrite("d/a", 1)];
        let steps =
            [step(After::Rest, Act::RemoteRespell("d/a", "d/A")), step(apart, Act::Rename("d/a", "d/A"))];
        live(&BOTH, &before, &steps, |_, deeds| {
            assert_eq!(deeds.count(&["Download"]), 1);
            assert_eq!(deeds.count(&["Trash"]) + deeds.count(&["Upload {"]), 0);
        });
    }
}

#[test]
fn a_rename_that_a_crash_interrupted_is_not_undone() {
    for moves in 0..12 {
        let before = [Act::RemoteWrite("d/a", 1), Act::RemoteWrite("b", 2)];
        let steps = [
            step(After::Rest, Act::RemoteRespell("d", "D")),
            step(After::Moves(0), Act::RemoteRespell("b", "B")),
            step(After::Moves(0), Act::SyncNow),
            step(After::Moves(moves), Act::Kill),
        ];
        live(&BOTH, &before, &steps, |_, deeds| {
            assert_eq!(deeds.count(&["Download"]), 2);
            assert_eq!(deeds.count(&["Trash"]), 0);
        });
    }
}

#[test]
fn where_the_local_side_wins_the_local_name_does_too() {
    let before = [Act::Write("d/a", 1)];
    let steps = [step(After::Rest, Act::RemoteRespell("d", "D")), step(After::Rest, Act::Write("d/a", 2))];
    live(&[Mode::Backup, Mode::Archive], &before, &steps, |_, deeds| {
        assert_eq!(deeds.count(&["MoveLocal"]) + deeds.count(&["Download"]), 0);
        assert_eq!(deeds.count(&["MoveRemote"]), 0);
    });
}

/// Where the file system tells both spellings apart, a user may have made the other one. Then the entry of
/// the old one is gone from the service, although a look at its path finds what the new one stands for.
#[test]
fn a_namesake_that_a_user_made_gets_the_name_and_the_other_one_goes_to_the_trash() {
    let before = [Act::Write("d/a", 1)];
    let steps = [step(After::Rest, Act::MakeDirectory("D")), step(After::Rest, Act::RemoteRespell("d", "D"))];
    live(&[Mode::Sync], &before, &steps, |_, deeds| {
        assert_eq!(deeds.count(&["TrashLocal { path: \"d\""]), 1);
        assert_eq!(deeds.count(&["TrashRemote"]), 0);
    });
}

/// Once, nobody knew that a link has the name, so the rename was tried anew with each run.
#[test]
fn a_name_that_a_link_has_is_followed_once_the_link_is_gone() {
    let before = [Act::RemoteWrite("d/a", 1)];
    let steps = [step(After::Rest, Act::Symlink("d/A")), step(After::Rest, Act::RemoteRespell("d/a", "d/A"))];
    let rename = "MoveLocal { from: \"d/a\", to: \"d/A\"";
    live(&BOTH, &before, &steps, |_, deeds| assert!(deeds.count(&[rename]) <= 1, "{:#?}", deeds.0));
    let gone = [&steps[..], &[step(After::Rest, Act::Remove("d/A"))]].concat();
    live(&BOTH, &before, &gone, |_, deeds| assert_eq!(deeds.count(&["Download"]), 1));
}

/// Once, what had kept the name from following was a problem for ever: nobody looked at an entry that was in
/// step.
#[test]
fn a_name_that_could_not_follow_and_is_taken_by_now_is_no_problem() {
    let knobs = Knobs { listing_break_permille: 500, remote_root_exists: true, ..Knobs::default() };
    let before = [Act::RemoteWrite("d/a", 1)];
    for moves in [10, 20, 30] {
        let steps =
            [step(After::Seconds(60), Act::Rename("d", "D")), step(After::Moves(moves), Act::Write("d", 2))];
        live_with(&knobs, &[Mode::Pull], &before, &steps, |_, _| {});
    }
}

/// Once, looks at directories below the old spelling that were under way when it was found gone brought back
/// what they showed: files that were to be fetched for ever.
#[test]
fn what_is_below_a_namesake_that_is_gone_is_not_shown_by_a_look_at_its_old_path() {
    let before = [Act::RemoteWrite("F/d/e/a", 1)];
    let steps = [
        step(After::Rest, Act::Kill),
        step(After::Rest, Act::MakeDirectory("f")),
        step(After::Rest, Act::RemoteRespell("F", "f")),
        step(After::Moves(0), Act::SyncNow),
    ];
    live(&BOTH, &before, &steps, |_, _| {});
}

/// Where only the service's side counts, the namesake is neither renamed nor taken for what the service has.
#[test]
fn what_only_this_side_has_beside_a_name_that_is_in_the_way_stays() {
    let link = [Act::Symlink("d"), Act::RemoteWrite("d/a", 1)];
    let disk = [Act::MountBelow("d"), Act::Write("d/a", 1), Act::RemoteWrite("d", 2)];
    for before in [&link[..], &disk[..]] {
        live(&[Mode::Pull], before, &[step(After::Rest, Act::Write("D/a", 3))], |_, deeds| {
            let moved = deeds.count(&["MoveLocal { from: \"D"]) + deeds.count(&["TrashLocal { path: \"D"]);
            assert_eq!(moved, 0, "{:#?}", deeds.0);
        });
    }
}

/// Once, such a file was fetched beside the one that was renamed, and neither could ever be sent.
#[test]
fn a_file_that_is_spelled_otherwise_here_and_edited_there_is_one_file() {
    for apart in [After::Moves(0), After::Moves(4)] {
        let before = [Act::Write("d/a", 1)];
        let steps = [step(After::Rest, Act::Rename("d/a", "d/A")), step(apart, Act::RemoteWrite("d/a", 2))];
        live(&[Mode::Sync], &before, &steps, |_, deeds| assert_eq!(deeds.count(&["NameClash"]), 0));
    }
}

/// Once, a new directory of the service was made beside one that was new here under another spelling.
#[test]
fn what_is_new_on_both_sides_under_two_spellings_is_one_entry() {
    for apart in [After::Moves(0), After::Moves(6)] {
        let steps = [
            step(After::Rest, Act::RemoteWrite("d/a", 1)),
            step(apart, Act::Write("D/b", 2)),
            step(After::Rest, Act::RemoteWrite("F", 3)),
            step(apart, Act::Write("f", 4)),
        ];
        live(&[Mode::Sync], &[], &steps, |_, _| {});
    }
}

/// Once, they were fetched under the old names beside the new ones.
#[test]
fn what_gets_the_old_spelling_out_of_the_trash_follows_it_here() {
    let knobs = Knobs { remote_root_exists: true, trash_keeps_spelling: true, ..Knobs::default() };
    let names = [("d/a", "d/A"), ("d/b", "d/B"), ("d/c", "d/C"), ("d/e", "d/E"), ("d/f", "d/F")];
    for apart in [After::Moves(0), After::Moves(4)] {
        let before = [1, 2, 3, 4, 5].map(|number| Act::Write(names[number as usize - 1].0, number));
        let mut steps = vec![step(After::Rest, Act::Pause)];
        steps.extend(names.map(|(from, to)| step(After::Moves(0), Act::Rename(from, to))));
        steps.extend(names.map(|(from, _)| step(After::Moves(0), Act::RemoteRemove(from))));
        steps.push(step(apart, Act::Resume));
        live_with(&knobs, &[Mode::Sync, Mode::Backup], &before, &steps, |mode, deeds| {
            assert_eq!(deeds.count(&["Download"]), 0, "{mode}: {:#?}", deeds.0);
            assert_eq!(deeds.count(&["NameClash"]), 0);
        });
    }
}

/// Once, a look at its path alone did not tell that it has the old spelling, and it was taken for what has
/// that one here.
#[test]
fn what_got_the_old_spelling_is_not_taken_for_a_namesake_that_is_made_later() {
    let knobs = Knobs { remote_root_exists: true, trash_keeps_spelling: true, ..Knobs::default() };
    let before = [Act::Write("f", 1)];
    let steps = [
        step(After::Rest, Act::Remove("f")),
        step(After::Rest, Act::Write("F", 2)),
        step(After::Rest, Act::Write("f/d", 3)),
    ];
    live_with(&knobs, &[Mode::Sync], &before, &steps, |_, deeds| {
        assert_eq!(deeds.count(&["TrashLocal"]) + deeds.count(&["MoveRemote"]), 0, "{:#?}", deeds.0);
    });
}
