//! Each rule alone: what may be older than what, and until when.

use jottad_core::{Content, File, Md5, StoredName, Timestamp};

use super::*;
use crate::builders::at;

/// When it was done, in seconds.
const DONE: u64 = 1;
/// When nothing that was asked for can be older any more.
const OVER: u64 = DONE + STALENESS_WINDOW.as_secs();

fn path(text: &str) -> StoredPath {
    StoredPath::new(text.split('/').map(|name| StoredName::new(name).unwrap()).collect())
}

fn file(size: u64) -> RemoteNode {
    let content = Content { size, md5: Md5::EMPTY };
    RemoteNode::File(File { content, modified: Timestamp::from_seconds(0) })
}

const DIRECTORY: RemoteNode = RemoteNode::Directory;

/// Until when, in seconds, what is shown may be older, if it is asked for right after.
fn stale(
    writes: &RecentWrites,
    place: &str,
    known: Option<RemoteNode>,
    shown: Option<RemoteNode>,
) -> Option<u64> {
    let until = |second| writes.stale_until(&path(place), known, shown, Duration::from_secs(second));
    let until_then = until(DONE + 1).map(|until| until.as_secs());
    assert!(until(OVER).is_none(), "{place}");
    until_then
}

fn is_leftover(writes: &RecentWrites, place: &str, shown: RemoteNode) -> bool {
    stale(writes, place, None, Some(shown)).is_some()
}

fn is_missing_late(writes: &RecentWrites, place: &str, known: RemoteNode) -> bool {
    stale(writes, place, Some(known), None).is_some()
}

/// A late word of it says nothing of others.
#[test]
fn what_was_there_before_something_was_sent_is_known_for_a_while() {
    let mut writes = RecentWrites::default();
    writes.sent(&path("d/f"), Some(file(1)), at(DONE));
    let known = |writes: &RecentWrites| {
        [("d/f", file(1)), ("D/F", file(1)), ("d/f", file(2)), ("d/f", DIRECTORY), ("d", file(1))]
            .map(|(place, node)| writes.was_there_before(&path(place), node))
    };
    assert_eq!(known(&writes), [true, true, false, false, false]);
    writes.sent(&path("d/f"), Some(file(2)), at(DONE));
    assert_eq!(known(&writes), [true, true, true, false, false]);
    writes.expire(Duration::from_secs(OVER));
    assert_eq!(known(&writes), [false; 5]);
}

#[test]
fn what_was_there_before_something_was_sent_may_be_shown_for_a_while() {
    let mut writes = RecentWrites::default();
    writes.sent(&path("d/f"), Some(file(1)), at(DONE));
    assert_eq!(stale(&writes, "d/f", Some(file(2)), Some(file(1))), Some(OVER));
    assert_eq!(stale(&writes, "D/F", Some(file(2)), Some(file(1))), Some(OVER));
    assert_eq!(stale(&writes, "d/f", Some(file(2)), Some(file(3))), None);
    assert_eq!(stale(&writes, "d/f", Some(file(2)), Some(file(2))), None);
    assert_eq!(stale(&writes, "d/g", Some(file(2)), Some(file(1))), None);
    // It was there before as well, so others have removed it.
    assert_eq!(stale(&writes, "d/f", Some(file(2)), None), None);
    writes.sent(&path("d/f"), Some(file(2)), at(DONE));
    for before in [file(1), file(2)] {
        assert_eq!(stale(&writes, "d/f", Some(file(3)), Some(before)), Some(OVER));
    }
}

#[test]
fn what_others_were_seen_to_overwrite_or_remove_may_be_shown_once_more() {
    let mut writes = RecentWrites::default();
    writes.others_changed(&path("d/f"), file(1), Some(file(2)), at(DONE));
    assert_eq!(stale(&writes, "d/f", Some(file(2)), Some(file(1))), Some(OVER));
    assert_eq!(stale(&writes, "d/f", Some(file(2)), Some(file(3))), None);
    assert_eq!(stale(&writes, "d/f", Some(file(2)), None), None);
    writes.others_changed(&path("e"), DIRECTORY, None, at(DONE));
    assert!(is_leftover(&writes, "e", DIRECTORY) && is_leftover(&writes, "e/a", file(1)));
    writes.others_wrote(&path("e"));
    assert!(!is_leftover(&writes, "e", DIRECTORY));
}

#[test]
fn of_many_that_others_changed_not_all_are_remembered() {
    let mut writes = RecentWrites::default();
    for number in 0..=MOST_PLACES {
        writes.others_changed(&path(&number.to_string()), file(1), None, at(DONE));
    }
    assert_eq!(writes.places.len(), MOST_PLACES);
}

#[test]
fn what_is_new_may_not_be_shown_yet_nor_what_it_is_in_or_holds() {
    let mut writes = RecentWrites::default();
    writes.sent(&path("d/e/f"), None, at(DONE));
    assert!(is_missing_late(&writes, "d/e/f", file(1)));
    for above in ["d", "d/e"] {
        assert!(is_missing_late(&writes, above, DIRECTORY), "{above}");
    }
    assert!(!is_missing_late(&writes, "d/e/g", file(1)));
    assert!(!is_missing_late(&writes, "de", DIRECTORY));
    writes.sent(&path("x"), None, at(DONE));
    assert!(is_missing_late(&writes, "x/y/z", file(1)));
}

#[test]
fn what_was_sent_where_something_was_before_says_nothing_of_an_absence_below_it() {
    let mut writes = RecentWrites::default();
    writes.sent(&path("d"), Some(file(1)), at(DONE));
    assert!(!is_missing_late(&writes, "d/f", file(1)));
}

#[test]
fn what_was_removed_or_is_below_it_may_be_shown_for_a_while() {
    let mut writes = RecentWrites::default();
    writes.removed(&path("d"), Some(DIRECTORY), at(DONE));
    for (place, shown) in [("d", DIRECTORY), ("D", DIRECTORY), ("d/a", file(1))] {
        assert_eq!(stale(&writes, place, None, Some(shown)), Some(OVER), "{place}");
    }
    assert!(!is_leftover(&writes, "e", DIRECTORY));
}

/// Once, what others put into a directory that they had made where a file was removed a moment before counted
/// as a leftover of that file (`sync` 9109085).
#[test]
fn what_is_of_another_kind_than_what_left_is_no_leftover() {
    let mut writes = RecentWrites::default();
    writes.removed(&path("e"), Some(file(1)), at(DONE));
    assert!(is_leftover(&writes, "e", file(1)));
    assert!(!is_leftover(&writes, "e", DIRECTORY));
    assert!(!is_leftover(&writes, "e/a", file(1)));
    writes.removed(&path("d"), Some(DIRECTORY), at(DONE));
    assert!(!is_leftover(&writes, "d", file(1)));
}

#[test]
fn where_a_file_and_a_directory_left_one_after_the_other_either_may_be_shown() {
    let mut writes = RecentWrites::default();
    writes.removed(&path("e"), Some(DIRECTORY), at(DONE));
    writes.removed(&path("e"), Some(file(1)), at(DONE));
    for (place, shown) in [("e", file(1)), ("e", DIRECTORY), ("e/a", file(1))] {
        assert!(is_leftover(&writes, place, shown), "{place}");
    }
}

/// Once, what others put into a directory whose letter case had changed was not seen for 22 s.
#[test]
fn what_has_only_another_spelling_has_not_left() {
    let mut writes = RecentWrites::default();
    writes.removed(&path("d/a"), Some(file(1)), at(DONE));
    writes.moved(&path("d"), &path("parked"), Some(DIRECTORY), at(DONE));
    writes.moved(&path("parked"), &path("D"), Some(DIRECTORY), at(DONE));
    assert!(!is_leftover(&writes, "D/b", file(1)));
    assert!(is_leftover(&writes, "D/a", file(1)));
}

/// Once, where a file and a directory were swapped, the directory was taken for others' work (`backup`
/// 7001495, `sync` 7001906), and so was the content of the other one of two swapped files (`backup`
/// 14004590).
#[test]
fn what_left_its_place_for_something_else_may_be_shown_for_a_while() {
    for (one, other) in [(DIRECTORY, file(1)), (file(1), file(2)), (file(1), DIRECTORY)] {
        let mut writes = RecentWrites::default();
        writes.moved(&path("a"), &path("parked"), Some(one), at(DONE));
        writes.moved(&path("b"), &path("a"), Some(other), at(DONE));
        writes.moved(&path("parked"), &path("b"), Some(one), at(DONE));
        assert_eq!(stale(&writes, "a", Some(other), Some(one)), Some(OVER));
        assert_eq!(stale(&writes, "b", Some(one), Some(other)), Some(OVER));
        assert_eq!(stale(&writes, "b", Some(one), Some(file(3))), None);
    }
}

#[test]
fn what_was_in_a_directory_that_left_for_another_one_may_be_shown_for_a_while() {
    let mut writes = RecentWrites::default();
    writes.moved(&path("d"), &path("parked"), Some(DIRECTORY), at(DONE));
    writes.moved(&path("e"), &path("d"), Some(DIRECTORY), at(DONE));
    assert!(is_leftover(&writes, "d/a", file(1)));
    assert_eq!(stale(&writes, "d/a", Some(file(1)), Some(file(2))), Some(OVER));
    writes.others_wrote(&path("d/a"));
    assert!(!is_leftover(&writes, "d/a", file(1)));
    assert_eq!(stale(&writes, "d/a", Some(file(1)), Some(file(2))), None);
}

/// Once, what had been in it was fetched over what was just sent there (`sync` 37000602).
#[test]
fn what_was_in_a_directory_that_left_before_one_was_made_there_may_be_shown_for_a_while() {
    let mut writes = RecentWrites::default();
    writes.moved(&path("d"), &path("e"), Some(DIRECTORY), at(DONE));
    assert_eq!(stale(&writes, "d/a", Some(file(1)), Some(file(2))), None);
    writes.sent(&path("d"), None, at(DONE));
    writes.sent(&path("d/a"), None, at(DONE));
    assert_eq!(stale(&writes, "d/a", Some(file(1)), Some(file(2))), Some(OVER));
}

#[test]
fn what_was_removed_where_something_was_sent_may_be_shown_for_a_while() {
    let mut writes = RecentWrites::default();
    writes.removed(&path("a"), Some(file(1)), at(DONE));
    writes.sent(&path("a"), None, at(DONE));
    assert_eq!(stale(&writes, "a", Some(file(2)), Some(file(1))), Some(OVER));
    assert_eq!(stale(&writes, "a", Some(file(2)), Some(file(3))), None);
}

#[test]
fn a_file_that_nobody_had_seen_where_something_was_sent_may_be_shown_for_a_while() {
    let mut writes = RecentWrites::default();
    writes.sent(&path("a"), None, at(DONE));
    assert_eq!(stale(&writes, "a", Some(file(2)), Some(file(3))), Some(OVER));
    assert_eq!(stale(&writes, "a", Some(file(2)), Some(DIRECTORY)), None);
    writes.others_wrote(&path("a"));
    assert_eq!(stale(&writes, "a", Some(file(2)), Some(file(3))), None);
}

#[test]
fn what_was_swapped_twice_may_be_shown_either_way() {
    let mut writes = RecentWrites::default();
    for (one, other) in [(file(1), file(2)), (file(2), file(1))] {
        writes.moved(&path("a"), &path("parked"), Some(one), at(DONE));
        writes.moved(&path("b"), &path("a"), Some(other), at(DONE));
        writes.moved(&path("parked"), &path("b"), Some(one), at(DONE));
    }
    assert_eq!(stale(&writes, "a", Some(file(1)), Some(file(2))), Some(OVER));
    assert_eq!(stale(&writes, "b", Some(file(2)), Some(file(1))), Some(OVER));
}

#[test]
fn what_was_sent_moves_along_with_the_directory_that_it_is_in() {
    let mut writes = RecentWrites::default();
    writes.sent(&path("d/e/f"), Some(file(1)), at(DONE));
    writes.moved(&path("d"), &path("x/y"), Some(DIRECTORY), at(DONE));
    assert_eq!(stale(&writes, "x/y/e/f", Some(file(2)), Some(file(1))), Some(OVER));
    assert!(!is_missing_late(&writes, "d/e", DIRECTORY));
}

#[test]
fn what_others_are_told_to_have_done_is_believed_at_once() {
    let mut writes = RecentWrites::default();
    writes.sent(&path("d/f"), None, at(DONE));
    writes.removed(&path("e"), None, at(DONE));
    writes.others_wrote(&path("d"));
    writes.others_wrote(&path("e/a"));
    assert!(!is_missing_late(&writes, "d/f", file(1)));
    assert!(!is_leftover(&writes, "e/b", file(1)));
}

/// Once, a start forgot where things had been moved to: what others put into a directory that had changed its
/// letter case was not seen for 22 s.
#[test]
fn what_an_earlier_run_moved_somewhere_is_no_leftover_there() {
    let mut writes = RecentWrites::default();
    writes.left_before(&path("d"), Some(&path("parked")), Duration::ZERO, at(DONE));
    assert!(writes.has_left_lately(&path("d"), at(DONE)));
    writes.left_before(&path("parked"), Some(&path("D")), Duration::ZERO, at(DONE));
    assert!(writes.has_left_lately(&path("parked"), at(DONE)));
    assert!(!is_leftover(&writes, "D/b", file(1)));
}

#[test]
fn what_an_earlier_run_did_long_ago_is_shown_as_it_is() {
    let mut writes = RecentWrites::default();
    writes.left_before(&path("d"), None, Duration::from_secs(20), at(DONE));
    assert_eq!(stale(&writes, "d", None, Some(DIRECTORY)), Some(DONE + 2));
    writes.left_before(&path("e"), None, Duration::from_secs(30), at(DONE));
    assert!(!is_leftover(&writes, "e", DIRECTORY));
}

#[test]
fn after_a_run_that_may_have_sent_anything_what_is_known_is_not_given_up() {
    let mut writes = RecentWrites::default();
    writes.anything_was_sent(Duration::from_secs(5), at(DONE));
    assert_eq!(stale(&writes, "a", Some(file(1)), None), Some(DONE + 5));
    assert_eq!(stale(&writes, "a", Some(file(1)), Some(file(2))), Some(DONE + 5));
    assert_eq!(stale(&writes, "a", None, Some(file(2))), None);
}

/// An answer that was long under way was asked for before something was sent.
#[test]
fn an_answer_is_judged_by_when_it_was_asked_for() {
    let mut writes = RecentWrites::default();
    writes.removed(&path("d"), Some(DIRECTORY), at(DONE));
    writes.expire(Duration::from_secs(DONE + 1));
    let until = |asked| writes.stale_until(&path("d"), None, Some(DIRECTORY), Duration::from_secs(asked));
    assert!(until(DONE - 1).is_some() && until(OVER - 1).is_some() && until(OVER).is_none());
}

/// Whether an answer may be older than these moves, right after them.
fn is_move_late(moves: &[(&str, &str)], place: &str) -> bool {
    let mut writes = RecentWrites::default();
    for (from, to) in moves {
        writes.moved(&path(from), &path(to), None, at(DONE));
    }
    let until = |second| writes.move_stale_until(&path(place), at(second)).map(|until| until.as_secs());
    assert_eq!(until(OVER), None);
    let is_late = until(DONE + 1);
    assert!(is_late.is_none_or(|until| until == OVER));
    is_late.is_some()
}

#[test]
fn an_answer_may_be_older_than_a_move_at_above_or_below_its_place_and_no_other() {
    for (from, to, place) in [
        ("a", "x", "a"),
        ("x", "a", "a"),
        ("d", "e", "e/a"),
        ("d/e/f", "g", "d"),
        ("A", "x", "a"),
        ("e\u{301}/x", "y", "\u{c9}"),
    ] {
        assert!(is_move_late(&[("c", "d"), (from, to)], place), "{from} {to} {place}");
    }
    for (from, to, place) in [("c", "d", "a"), ("d/a", "d/c", "d/b"), ("ab", "ba", "a")] {
        assert!(!is_move_late(&[(from, to)], place), "{from} {to} {place}");
    }
}

#[test]
fn after_moves_of_an_earlier_run_any_answer_may_be_older() {
    let mut writes = RecentWrites::default();
    writes.anything_was_moved(at(DONE));
    assert!(writes.has_moved_lately(at(DONE)));
    assert_eq!(writes.move_stale_until(&path("a"), at(DONE)).map(|until| until.as_secs()), Some(OVER));
    assert!(!writes.has_moved_lately(at(OVER)));
}

/// Once, all that was ever there was remembered of a file that is sent again and again.
#[test]
fn what_was_there_long_ago_is_forgotten_of_a_place_that_is_sent_to_all_the_time() {
    let mut writes = RecentWrites::default();
    for second in 0..1000 {
        writes.sent(&path("f"), Some(file(second)), at(second));
        writes.expire(Duration::from_secs(second));
    }
    let until = |shown| {
        let known = Some(file(1000));
        writes
            .stale_until(&path("f"), known, Some(file(shown)), Duration::from_secs(999))
            .map(|until| until.as_secs())
    };
    assert_eq!(until(999), Some(999 + STALENESS_WINDOW.as_secs()));
    assert_eq!(until(999 - STALENESS_WINDOW.as_secs() + 1), Some(1000));
    assert_eq!(until(999 - STALENESS_WINDOW.as_secs()), None);
    let sent = writes.places[&place(&path("f"))].sent.as_ref().unwrap();
    assert!(sent.was.0.len() as u64 <= STALENESS_WINDOW.as_secs());
}

/// An answer that hangs is older than all that was done meanwhile, however long ago that is by now.
#[test]
fn an_answer_that_was_asked_for_long_ago_may_show_what_has_left_before_something_else_did() {
    let mut writes = RecentWrites::default();
    let (asked_at, later) = (10, 10 + 2 * STALENESS_WINDOW.as_secs());
    writes.removed(&path("f"), Some(file(1)), at(asked_at));
    writes.expire(Duration::from_secs(asked_at));
    writes.removed(&path("f"), Some(DIRECTORY), at(later));
    let asked_at = Duration::from_secs(asked_at);
    assert!(writes.stale_until(&path("f"), None, Some(file(1)), asked_at).is_some());
}

#[test]
fn what_is_over_takes_no_memory() {
    let mut writes = RecentWrites::default();
    for second in 0..1000 {
        let place = path(&format!("d/{second}"));
        writes.sent(&place, None, at(second));
        writes.moved(&place, &path(&format!("e/{second}")), None, at(second));
        writes.expire(Duration::from_secs(second));
    }
    let most = usize::try_from(STALENESS_WINDOW.as_secs()).unwrap() + 1;
    assert!(writes.places.len() <= 2 * most && writes.ends.len() <= 6 * most);
    writes.expire(Duration::from_secs(1000 + OVER));
    assert!(writes.places.is_empty() && writes.ends.is_empty());
}

#[test]
fn where_the_service_is_never_late_only_what_was_asked_for_before_may_be_older() {
    let mut writes = RecentWrites::with_window(Duration::ZERO);
    writes.removed(&path("d"), Some(RemoteNode::Directory), at(DONE));
    let until = |writes: &RecentWrites, second| {
        writes.stale_until(&path("d"), None, Some(DIRECTORY), Duration::from_secs(second))
    };
    assert_eq!(until(&writes, DONE - 1), Some(Duration::from_secs(DONE)));
    assert_eq!(until(&writes, DONE), None);
    writes.expire(Duration::from_secs(DONE));
    assert_eq!(until(&writes, DONE - 1), None);
}
