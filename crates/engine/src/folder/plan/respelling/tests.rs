//! Tests of local names that are to follow the service's spelling.

use super::*;
use crate::builders::at;

/// A row of the service shown a moment after a move of our own may have its earlier spelling: it is followed
/// later, and until then nothing is settled.
#[test]
fn a_name_that_had_to_wait_is_waited_for_until_its_time() {
    let mut respelling = Respelling::default();
    assert!(respelling.is_idle());
    respelling.not_before = Some(Duration::from_secs(100));
    assert!(!respelling.is_idle());
    assert_eq!(respelling.deadline(), Some(Duration::from_secs(100)));
    assert!(!respelling.timer(at(99)));
    assert!(!respelling.is_idle());
    assert!(respelling.timer(at(100)));
    assert!(respelling.is_idle());
    assert!(!respelling.timer(at(101)), "it is told once");
}

/// Every name gets its turn before any gets another one.
#[test]
fn the_names_that_are_to_follow_are_taken_one_after_the_other() {
    let mut respelling = Respelling { noted: [1, 5, 9].map(NodeId).into(), ..Respelling::default() };
    assert_eq!(respelling.next(), Some(NodeId(1)));
    respelling.forget(NodeId(5));
    assert!(!respelling.is_to_follow(NodeId(5)));
    assert_eq!(respelling.next(), Some(NodeId(9)));
    assert_eq!(respelling.next(), None, "the round is over");
    assert_eq!(respelling.next(), Some(NodeId(1)), "the next one begins anew");
}
