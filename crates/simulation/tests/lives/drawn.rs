//! Drawn lives that failed once, as they were drawn.

use jottad_core::Mode;
use jottad_simulation::{Extras, run, scenario};

const PLAIN: Extras = Extras::PLAIN;
const DOUBTED: Extras = Extras { refusals: true, doubts: true, ..PLAIN };
const RULED: Extras = Extras { rules: true, ..PLAIN };
const ON_DISKS: Extras = Extras { disks: true, ..PLAIN };
const MEDDLED: Extras = Extras { meddling: true, ..PLAIN };
const HUNG: Extras = Extras { hangs: true, ..PLAIN };

#[track_caller]
fn assert_ends_well(lives: &[(Mode, Extras, u64)]) {
    for (mode, extras, seed) in lives {
        let violations = run(&scenario(*seed, *mode, *extras), *seed, false).violations;
        assert!(violations.is_empty(), "{mode}{} {seed}: {violations:?}", extras.switches());
    }
}

/// Once, a listing that began right after the first word of the service was thought to show all that came
/// before that word.
#[test]
fn a_listing_that_may_have_been_late_is_not_the_beginning_of_a_proof_by_events() {
    assert_ends_well(&[(Mode::Sync, DOUBTED, 1_002_788)]);
}

/// Once, a directory was moved that a late service had still to show as it is: where it is now nobody looked.
#[test]
fn what_is_still_to_be_looked_at_is_looked_at_where_it_was_moved_to() {
    assert_ends_well(&[(Mode::Backup, DOUBTED, 2_004_059), (Mode::Archive, DOUBTED, 2_004_059)]);
}

/// Once, what was sent, was given up too early, and was removed or moved here before it was seen, was taken
/// for others'.
#[test]
fn what_was_given_up_too_early_is_known_again_when_it_is_seen() {
    let lives = [1_000_597, 2_006_581, 2_007_417, 3_003_625];
    assert_ends_well(&lives.map(|seed| (Mode::Backup, DOUBTED, seed)));
}

/// Once, whatever else was tried at an end of a failed move made it be tried again after five seconds, for
/// ever.
#[test]
fn a_move_that_fails_is_tried_more_and_more_seldom_whatever_else_is_tried() {
    assert_ends_well(&[(Mode::Backup, DOUBTED, 1_003_021), (Mode::Sync, DOUBTED, 2_002_029)]);
}

/// Once, a move whose ends the service refused to show was forgotten, and what it had moved was nobody's.
#[test]
fn a_listing_tells_what_became_of_a_move_whose_ends_are_not_shown() {
    assert_ends_well(&[(Mode::Backup, DOUBTED, 2_007_940)]);
}

/// Once, a move that waited for a listing was sent although that showed an edit, which was overwritten then.
#[test]
fn what_others_edited_meanwhile_is_not_moved() {
    assert_ends_well(&[(Mode::Sync, DOUBTED, 2_003_160)]);
}

/// Once, files that waited for room in the account waited until something else happened in the folder.
#[test]
fn what_waited_for_room_in_the_account_is_sent_when_it_may_be() {
    assert_ends_well(&[(Mode::Backup, Extras { rules: true, ..PLAIN }, 2724)]);
}

/// Once, what had been wrong with an entry stayed a problem for ever when nothing could be tried at it any
/// more.
#[test]
fn nothing_is_wrong_with_what_cannot_be_tried() {
    let refused = [2_000_205, 2_002_246].map(|seed| (Mode::Backup, DOUBTED, seed));
    let others = [(Mode::Archive, DOUBTED, 2_000_205), (Mode::Pull, DOUBTED, 2_013_865)];
    assert_ends_well(&[refused.as_slice(), &others].concat());
}

/// Once, what kept a directory from being read was forgotten when it was made on the service, and was not
/// looked at again.
#[test]
fn a_directory_that_cannot_be_read_is_read_again_although_it_was_made() {
    assert_ends_well(&[(Mode::Archive, DOUBTED, 2_031_899)]);
}

/// Once, names that the service tells apart were paired crosswise, and names that it does not tell apart
/// changed their owner or waited for each other for ever.
#[test]
fn what_the_service_has_goes_to_the_name_that_it_has_there() {
    let doubted = [1_002_406, 2_000_238, 2_002_800, 2_004_351, 2_022_593, 2_024_846];
    let meddled = Extras { disks: true, meddling: true, refusals: true, ..PLAIN };
    let lives = [
        (Mode::Backup, PLAIN, 5012),
        (Mode::Archive, PLAIN, 21_659),
        (Mode::Archive, PLAIN, 21_741),
        (Mode::Backup, meddled, 517),
        (Mode::Backup, meddled, 1368),
    ];
    assert_ends_well(&[doubted.map(|seed| (Mode::Backup, DOUBTED, seed)).as_slice(), &lives].concat());
}

/// What another device was told to own was once taken up for a namesake here; and a claim that came along was
/// never looked for.
#[test]
fn what_was_agreed_on_goes_its_own_way_before_a_namesake_has_its_place() {
    let doubted = [2_020_966, 2_023_273, 2_023_324, 2_023_977];
    assert_ends_well(&doubted.map(|seed| (Mode::Backup, DOUBTED, seed)));
    assert_ends_well(&doubted.map(|seed| (Mode::Archive, DOUBTED, seed)));
    assert_ends_well(&[(Mode::Archive, Extras { refusals: true, ..PLAIN }, 163)]);
}

/// Once, the simulation held against jottad what was right: a link here is nobody's on the service, what is
/// saved again as it was while others overwrite it is a revision, and what is ignored in a directory keeps
/// that only where deletes travel.
#[test]
fn what_nobody_can_have_on_the_service_claims_no_name_there() {
    let names = [1_000_521, 1_005_944].map(|seed| (Mode::Backup, DOUBTED, seed));
    let saved_again = [1_002_002, 1_005_000, 2_005_078].map(|seed| (Mode::Sync, DOUBTED, seed));
    assert_ends_well(&[names, [(Mode::Backup, Extras { rules: true, ..PLAIN }, 21_059); 2]].concat());
    assert_ends_well(&saved_again);
}

/// A file was renamed to another letter case, and its old name could not be removed from a service that has
/// one entry for both. Once, what the service showed under the old name was taken for the old file, which was
/// to go, and the new one for removed there.
#[test]
fn one_entry_that_is_both_names_is_not_removed_under_either() {
    assert_ends_well(&[(Mode::Sync, DOUBTED, 5_009_371)]);
}

/// What the service had made way for something under a name of our own, and the answer was lost. Once, nobody
/// looked where it was.
#[test]
fn what_may_have_made_way_is_looked_for() {
    assert_ends_well(&[(Mode::Sync, DOUBTED, 5_007_306)]);
}

/// A delete waited, and another file was saved under its name. Once, that edit waited in the place of the
/// delete, and a person's no to the delete put it into the local trash.
#[test]
fn a_delete_that_waits_is_over_when_something_is_saved_there() {
    let lives = [6_003_684, 6_004_898].map(|seed| (Mode::Backup, DOUBTED, seed));
    assert_ends_well(&lives);
}

/// Proofs of what was not so, and what shared their causes: see `proofs`.
#[test]
fn what_is_proven_is_so() {
    let doubted = [
        (Mode::Backup, 5_004_397),
        (Mode::Backup, 6_005_853),
        (Mode::Backup, 7_008_277),
        (Mode::Sync, 3_005_451),
        (Mode::Pull, 3_005_451),
        (Mode::Sync, 3_008_333),
        (Mode::Sync, 6_000_218),
        (Mode::Sync, 6_006_675),
        (Mode::Sync, 7_001_604),
        (Mode::Sync, 7_002_113),
        (Mode::Sync, 7_007_626),
        (Mode::Archive, 2_030_299),
    ];
    assert_ends_well(&doubted.map(|(mode, seed)| (mode, DOUBTED, seed)));
    assert_ends_well(&[(Mode::Sync, PLAIN, 8_800_022), (Mode::Sync, PLAIN, 5_005_157)]);
}

/// A file was replaced in the second in which the clock was set back, so that nothing told it from the one
/// before. Once, what was sent of it was held against the hash of that one, again and again.
#[test]
fn what_is_not_what_was_hashed_is_hashed_again() {
    assert_ends_well(&[Mode::Backup, Mode::Archive].map(|mode| (mode, DOUBTED, 7_003_051)));
}

/// The service showed neither end of a move, and refused it: once, each try led to four looks.
#[test]
fn ends_that_are_not_shown_are_looked_at_less_often_the_next_time() {
    assert_ends_well(&[(Mode::Backup, DOUBTED, 7_007_135)]);
}

/// What was to be made was refused, and might have been made. Once, each look that did not find it made it be
/// tried anew.
#[test]
fn a_directory_that_is_refused_is_not_tried_anew_because_it_is_not_there() {
    assert_ends_well(&[(Mode::Backup, DOUBTED, 4_001_330)]);
}

/// A look at a directory hung, what it showed was removed meanwhile, saved once more, and that was sent
/// without an answer. Once, the old answer was taken for a sight of what had been sent, and the file went to
/// the local trash with the next look.
#[test]
fn what_left_its_place_before_something_was_sent_there_is_not_what_was_sent() {
    assert_ends_well(&[(Mode::Sync, HUNG, 896)]);
}

/// Once, a scan that only noted what is ignored, or never synced, outdated the proof.
#[test]
fn what_is_never_synced_outdates_no_proof() {
    for mode in [Mode::Backup, Mode::Archive] {
        let plain = [15_005_593, 17_007_834].map(|seed| (mode, PLAIN, seed));
        assert_ends_well(&plain);
        assert_ends_well(&[(mode, Extras { rules: true, ..PLAIN }, 25_004_943), (mode, DOUBTED, 17_007_834)]);
    }
}

/// The answer to a move was lost, and others put something where it came from before anybody had looked:
/// once, what had arrived was taken for theirs.
#[test]
fn a_move_has_arrived_whatever_others_put_where_it_came_from() {
    assert_ends_well(&[(Mode::Backup, PLAIN, 25_002_365)]);
    assert_ends_well(&[5_003_295, 14_006_781].map(|seed| (Mode::Backup, DOUBTED, seed)));
}

/// A look showed what had been there before others changed it, which a listing had shown already: once, the
/// older was fetched over the newer.
#[test]
fn an_older_answer_is_not_believed_against_what_others_were_seen_to_have_done() {
    assert_ends_well(&[(Mode::Sync, DOUBTED, 26_003_232)]);
}

/// What the service puts in the place of a trashed namesake has that one's spelling. Once, that was only
/// looked for where jottad itself had removed it.
#[test]
fn what_is_sent_where_others_removed_a_namesake_is_looked_at_for_its_spelling() {
    assert_ends_well(&[(Mode::Sync, DOUBTED, 9_102_639), (Mode::Sync, PLAIN, 14_004_104)]);
}

/// A directory was shown under another spelling, by a listing that was late: once, what it showed in it was
/// believed against what had been sent there.
#[test]
fn what_a_late_listing_shows_in_a_respelled_directory_is_not_believed() {
    assert_ends_well(&[(Mode::Sync, DOUBTED, 24_002_321)]);
}

/// Once, each listing of everything made the looks at a directory that is refused come as quickly as the
/// first.
#[test]
fn a_directory_that_is_refused_is_asked_for_more_and_more_seldom_whatever_a_listing_shows() {
    assert_ends_well(&[Mode::Backup, Mode::Archive].map(|mode| (mode, DOUBTED, 26_003_133)));
}

/// A look at a directory was too late to show it. Once, what else was in it was not looked at again when only
/// what had been sent there was.
#[test]
fn what_is_in_a_directory_that_a_late_look_did_not_show_is_looked_at_again() {
    assert_ends_well(&[(Mode::Archive, DOUBTED, 18_100_207)]);
}

/// Once, what kept a local name from following was its problem for ever when its name was taken, and a name
/// that could not follow three times, or whose file went meanwhile, never did.
#[test]
fn a_name_follows_in_the_end() {
    assert_ends_well(&[25_000_474, 11_004_090, 9_100_877].map(|seed| (Mode::Pull, DOUBTED, seed)));
    assert_ends_well(&[(Mode::Sync, DOUBTED, 18_002_366)]);
}

/// Once, a directory that could not be read was forgotten when a pause ended.
#[test]
fn what_could_not_be_read_before_a_pause_is_read_after_it() {
    assert_ends_well(&[(Mode::Pull, DOUBTED, 3_001_110)]);
}

/// A link took the place of a directory, and no word came of that: once, it was read without end.
#[test]
fn what_is_no_directory_any_more_is_not_read_without_end() {
    assert_ends_well(&[(Mode::Archive, DOUBTED, 12_509_317)]);
}

/// Once, the simulation held against jottad what was right: that a paused folder hears nothing of a network
/// that is back, that what others put back just as it was removed here goes, that what makes way for what is
/// ignored in it does so as a whole, and that of two spellings none counts when what was agreed on was
/// forgotten. And it had taken a root for known that jottad was killed before it heard of, and let it work in
/// two of them.
#[test]
fn what_nobody_can_know_is_not_expected() {
    let paused = [5_009_137, 6_006_854];
    assert_ends_well(&paused.map(|seed| (Mode::Backup, DOUBTED, seed)));
    assert_ends_well(&[(Mode::Sync, DOUBTED, 5_005_971), (Mode::Backup, PLAIN, 17_006_788)]);
    assert_ends_well(&[(Mode::Backup, Extras { rules: true, ..PLAIN }, 24_000_635)]);
    assert_ends_well(&[Mode::Sync, Mode::Pull].map(|mode| (mode, PLAIN, 5_002_633)));
    assert_ends_well(&[(Mode::Backup, PLAIN, 24_001_378)]);
}

/// Others had brought a directory with what is in it, of which only the top is told, while the same was made
/// from here: once, what was in a directory below it was not looked for.
#[test]
fn what_others_brought_is_looked_for_in_all_that_was_made_there_meanwhile() {
    assert_ends_well(&[(Mode::Sync, DOUBTED, 30_001_463)]);
}

/// What the service had was saved here as it was when others were told to have overwritten it: once, both
/// were taken for agreed on before that was looked at, and what was saved here made way for what others had
/// saved.
#[test]
fn what_others_are_told_to_have_done_is_seen_before_anything_is_agreed_on() {
    assert_ends_well(&[(Mode::Pull, PLAIN, 30_002_697)]);
}

/// What was sent, and whose answer was lost, was moved while it was looked for: once, that look said nothing,
/// and nobody looked again.
#[test]
fn what_was_moved_while_it_was_looked_for_is_looked_for_again() {
    let all = Extras { rules: true, disks: true, meddling: true, ..DOUBTED };
    assert_ends_well(&[(Mode::Archive, all, 30_001_523)]);
}

/// A file was moved into a directory whose rules were changing, and that a rule above it then ignored: once,
/// what the service had at the old place was kept for ever, as if the rules were still to be known.
#[test]
fn what_was_moved_into_a_directory_that_is_ignored_is_not_waited_for() {
    assert_ends_well(&[Mode::Backup, Mode::Sync].map(|mode| (mode, Extras { rules: true, ..PLAIN }, 944)));
}

/// A directory that a rule for directories ignores has taken the place of a file: once, it was held against
/// jottad that the file stays on the service and makes way when the rule goes.
#[test]
fn what_makes_way_for_what_was_ignored_may_stay_on_the_service() {
    assert_ends_well(&[(Mode::Backup, Extras { rules: true, ..PLAIN }, 33_001_271)]);
}

/// Once, a directory that others removed was expected to go although what is in it is on another disk, and
/// cannot; and what others did to be seen before anybody asked, where a listing had taken long.
#[test]
fn what_cannot_be_removed_stays_and_what_is_asked_for_later_is_seen_later() {
    let all = Extras { rules: true, disks: true, meddling: true, ..DOUBTED };
    assert_ends_well(&[(Mode::Sync, all, 30_001_272)]);
    assert_ends_well(&[(Mode::Pull, Extras { hangs: true, ..DOUBTED }, 30_002_060)]);
}

/// A person said no to the deletion of a directory, and made it anew before that was followed: once, that
/// word stayed there, and passed for one to delete it when all was emptied later.
#[test]
fn what_was_wanted_back_once_is_not_approved_to_go() {
    assert_ends_well(&[(Mode::Sync, Extras { meddling: true, ..PLAIN }, 33_001_688)]);
}

/// What the service had was ignored, and a directory whose name differs by letter case alone was made beside
/// it: the service has one entry for both. Once, the two were expected to stay apart.
#[test]
fn what_is_ignored_on_the_service_is_one_with_what_has_to_be_sent_to_its_name() {
    assert_ends_well(&[(Mode::Sync, Extras { rules: true, ..PLAIN }, 33_003_451)]);
}

/// Once, `pull` said nothing of a local entry that has the name which another one beside it is to get, and
/// what had kept that one from it stayed a problem for ever.
#[test]
fn a_local_entry_that_has_the_name_which_another_is_to_get_is_told_or_taken() {
    assert_ends_well(&[
        (Mode::Pull, RULED, 32_000_499),
        (Mode::Pull, ON_DISKS, 33_000_520),
        (Mode::Pull, DOUBTED, 36_003_324),
    ]);
}

/// Once, a start did not know that it may have been jottad that had removed what is gone.
#[test]
fn what_is_put_where_jottad_removed_something_before_a_kill_stays() {
    assert_ends_well(&[(Mode::Sync, PLAIN, 34_002_771)]);
}

/// Once, copies went to the trash of what is in a directory that was moved and cannot be read.
#[test]
fn what_is_in_a_moved_directory_that_cannot_be_read_keeps_its_copies() {
    assert_ends_well(&[(Mode::Sync, DOUBTED, 34_000_672)]);
}

/// Once, what only the service had was ignored under its new name because a rule ignored the old one.
#[test]
fn what_gets_a_name_that_no_rule_ignores_is_fetched() {
    assert_ends_well(&[(Mode::Sync, RULED, 35_004_262), (Mode::Pull, RULED, 35_004_262)]);
}

/// Once, a person's word about a disk that was moved along with a directory was never followed where a file
/// had come to the directory's old place.
#[test]
fn a_disk_that_is_moved_along_with_a_directory_comes_to_rest() {
    assert_ends_well(&[
        (Mode::Sync, ON_DISKS, 35_000_453),
        (Mode::Backup, ON_DISKS, 36_004_779),
        (Mode::Archive, ON_DISKS, 23_003_805),
    ]);
}

/// Once, what a move had left behind went to the trash because its local copy was still there, and that went
/// to the local trash at the same time.
#[test]
fn what_a_move_left_behind_is_kept_if_its_local_copy_goes() {
    assert_ends_well(&[(Mode::Sync, DOUBTED, 35_002_371)]);
}

/// Once, it was a problem for ever that the service did not show what was sent, although a link had its
/// place.
#[test]
fn what_is_not_shown_is_no_problem_where_nothing_is_left_to_be_sent() {
    let lives = [Mode::Sync, Mode::Backup, Mode::Archive].map(|mode| (mode, PLAIN, 36_002_624));
    assert_ends_well(&lives);
}

/// Once, rules that were changing held what was below their directory until the next start when that went.
#[test]
fn what_rules_held_goes_with_their_directory() {
    assert_ends_well(&[(Mode::Backup, RULED, 36_000_815), (Mode::Archive, RULED, 36_000_815)]);
}

/// Once, a late listing was believed that showed what had been in a directory that was moved away before
/// another one was made in its place.
#[test]
fn what_was_in_a_directory_that_left_is_not_what_is_in_its_successor() {
    assert_ends_well(&[(Mode::Sync, PLAIN, 37_000_602)]);
}

/// Once, a move was not known again that had arrived with what was there before an upload to it was cut off.
#[test]
fn what_moved_before_it_was_overwritten_is_ours() {
    assert_ends_well(&[(Mode::Backup, PLAIN, 37_002_956)]);
}

/// Once, a claim was left in a directory that had got another name on the service meanwhile, and nobody
/// looked for what was sent there.
#[test]
fn what_was_sent_into_a_directory_that_was_made_anew_is_looked_for() {
    assert_ends_well(&[(Mode::Sync, DOUBTED, 39_000_706)]);
}

/// Once, what was saved in a directory that could not be removed waited for the next try to remove it.
#[test]
fn what_is_saved_in_a_directory_that_cannot_be_removed_is_sent() {
    assert_ends_well(&[(Mode::Sync, ON_DISKS, 39_004_154)]);
}

/// Of what others save just as it was sent, removed or moved away nobody knows whose it is.
#[test]
fn what_is_the_same_as_what_was_there_may_go_as_that_would() {
    assert_ends_well(&[
        (Mode::Backup, PLAIN, 34_003_065),
        (Mode::Backup, RULED, 34_001_924),
        (Mode::Sync, DOUBTED, 36_004_204),
        (Mode::Backup, RULED, 38_003_378),
        (Mode::Sync, DOUBTED, 39_003_881),
        (Mode::Sync, ON_DISKS, 39_002_747),
    ]);
}

/// Once, it was left out for being shown too soon after others had removed the directory, which jottad had
/// made anew when it was looked for again; so nobody looked into it, and a proof said that nothing is there.
#[test]
fn what_was_left_out_is_looked_for_in_a_directory_that_was_made_meanwhile() {
    assert_ends_well(&[(Mode::Sync, MEDDLED, 49_002_068)]);
}

/// Once, each word of a directory that changed its letter case led to a look of its own.
#[test]
fn what_is_told_of_one_directory_is_looked_at_together() {
    assert_ends_well(&[(Mode::Sync, PLAIN, 49_001_830)]);
}

/// Once, that a file could not be read stayed a problem, although it had been fetched meanwhile.
#[test]
fn what_was_fetched_needs_no_reading() {
    assert_ends_well(&[(Mode::Pull, DOUBTED, 49_000_868)]);
}

/// Once, they were read only with the next full scan.
#[test]
fn other_names_of_a_file_that_was_given_a_time_are_read_at_once() {
    assert_ends_well(&[(Mode::Pull, MEDDLED, 36_001_327), (Mode::Pull, MEDDLED, 50_004_597)]);
}

/// Once, a late word of what was sent before was taken for one of others, and what the late service showed of
/// it was fetched over what had been sent since.
#[test]
fn a_late_word_of_an_earlier_upload_is_no_word_of_others() {
    assert_ends_well(&[(Mode::Sync, MEDDLED, 52_003_255)]);
}

/// What was put back as both sides had it before is as if it had never been changed.
#[test]
fn what_is_back_as_it_was_agreed_on_may_go_as_that_would() {
    assert_ends_well(&[(Mode::Sync, PLAIN, 49_000_136), (Mode::Sync, PLAIN, 51_002_664)]);
}

/// Once, it counted anew how often that had failed, each time that a look found it missing once more.
#[test]
fn a_directory_that_is_refused_with_what_is_in_it_is_asked_for_ever_less_often() {
    assert_ends_well(&[(Mode::Backup, DOUBTED, 53_003_605)]);
}

/// Once, what was left under a temporary name was nobody's from when nothing was agreed on there any more: a
/// backup left it where it was, and a proof said nothing of it.
#[test]
fn what_is_left_under_a_temporary_name_is_cleared_away_whatever_was_agreed_on() {
    assert_ends_well(&[(Mode::Backup, MEDDLED, 55_004_858)]);
}

/// Once, a file that the user and another device moved in opposite directions went to both trashes.
#[test]
fn what_was_moved_there_and_back_is_kept() {
    assert_ends_well(&[(Mode::Sync, PLAIN, 53_001_307)]);
}

/// Once, what was put into a directory while it was made was seen by the next full scan alone.
#[test]
fn what_is_put_into_a_directory_while_it_is_made_is_read() {
    assert_ends_well(&[(Mode::Sync, DOUBTED, 40_000_703)]);
}

/// Once, a word about a root was taken for one about another, that had been told to be elsewhere since it was
/// looked at.
#[test]
fn a_word_about_a_root_that_may_be_another_by_now_is_asked_for_again() {
    assert_ends_well(&[Mode::Sync, Mode::Pull].map(|mode| (mode, ON_DISKS, 59_003_733)));
}

/// Once, what was sent into a directory, and was moved away before it was seen, was taken for others' when the
/// directory was shown under another spelling.
#[test]
fn what_was_sent_is_known_in_a_directory_that_others_respelled() {
    assert_ends_well(&[(Mode::Backup, PLAIN, 60_000_714)]);
}

/// Once, what was left under a temporary name was given a name that people find, although the user had it: as a
/// file that was still to be sent.
#[test]
fn what_is_left_under_a_temporary_name_goes_if_the_user_has_it() {
    assert_ends_well(&[(Mode::Backup, PLAIN, 60_002_155)]);
}

/// What waits for a look before it is removed is removed after that look.
#[test]
fn what_was_not_moved_back_is_removed_at_once() {
    assert_ends_well(&[(Mode::Sync, RULED, 60_004_517)]);
}

/// Once, the simulation held against jottad that it left alone what a rule ignores under the name that the
/// service has.
#[test]
fn what_is_ignored_under_the_name_that_the_service_has_is_not_compared() {
    assert_ends_well(&[(Mode::Pull, RULED, 60_002_283)]);
}

/// Once, what the running listing had shown was filed under another row by a look meanwhile, and was taken for
/// gone when the listing ended.
#[test]
fn what_a_listing_has_shown_stays_shown_when_a_look_files_it_elsewhere() {
    assert_ends_well(&[(Mode::Sync, DOUBTED, 61_000_886)]);
}

/// Once, the index was said to be damaged when a move in doubt turned out to be done whose entry a rule ignored
/// by then.
#[test]
fn a_move_of_what_is_ignored_by_now_ends_well() {
    assert_ends_well(&[(Mode::Backup, RULED, 62_004_867)]);
}

/// Once, a name that had followed the service's did not follow it back until the next round.
#[test]
fn a_name_follows_there_and_back() {
    assert_ends_well(&[(Mode::Sync, PLAIN, 63_000_062)]);
}

/// Once, a file that the user saved as the service had it a moment ago was taken for agreed on, although a look
/// had shown something else there since; that was fetched over it.
#[test]
fn what_a_look_has_shown_otherwise_is_not_agreed_on() {
    assert_ends_well(&[(Mode::Sync, MEDDLED, 64_000_710)]);
}
