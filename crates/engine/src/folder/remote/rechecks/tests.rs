use super::*;
use crate::builders::at;

const DIRECTORY: NodeId = NodeId(7);
const OTHER: NodeId = NodeId(8);

fn loaded() -> Rechecks {
    Rechecks { loaded: true, ..Rechecks::default() }
}

/// What is asked for, and what still waits to be asked for, count alike.
#[test]
fn a_directory_is_in_doubt_as_long_as_anything_in_it_is_to_be_looked_at() {
    let mut rechecks = Rechecks::default();
    assert!(rechecks.is_about(DIRECTORY), "what an earlier run left is not known yet");
    assert!(!rechecks.is_idle() && !rechecks.waits_for_failures_alone());
    rechecks = loaded();
    assert!(!rechecks.is_about(DIRECTORY) && rechecks.is_idle() && rechecks.waits_for_failures_alone());
    rechecks.want(DIRECTORY);
    assert!(rechecks.is_about(DIRECTORY) && !rechecks.is_about(OTHER) && !rechecks.is_idle());
    assert!(!rechecks.is_looking_at(DIRECTORY), "it only waits");
    rechecks.waiting.get_mut(&DIRECTORY).unwrap().looking = true;
    assert!(rechecks.is_looking_at(DIRECTORY) && !rechecks.is_looking_at(OTHER));
    assert!(rechecks.is_about(DIRECTORY));
    let mut rechecks = loaded();
    rechecks.entries.insert(CommandId(1), (NodeId(9), DIRECTORY));
    assert!(rechecks.is_about(DIRECTORY) && !rechecks.is_about(OTHER));
    assert!(!rechecks.is_idle() && !rechecks.waits_for_failures_alone());
    assert_eq!(rechecks.looks(), 1);
}

/// Who waits for a folder waits for looks that are due, and for no others.
#[test]
fn a_look_that_is_put_off_and_did_not_fail_is_waited_for() {
    let mut rechecks = loaded();
    rechecks.want_at(DIRECTORY, Duration::from_secs(30));
    rechecks.want_at(OTHER, Duration::from_secs(20));
    assert!(!rechecks.waits_for_failures_alone());
    assert_eq!(rechecks.deadline(), Some(Duration::from_secs(20)));
    rechecks.timer(at(19));
    assert_eq!(rechecks.deadline(), Some(Duration::from_secs(20)));
    rechecks.timer(at(20));
    assert_eq!(rechecks.deadline(), Some(Duration::from_secs(30)));
    rechecks.timer(at(30));
    assert_eq!(rechecks.deadline(), None, "both may be looked at now");
    assert!(rechecks.is_about(DIRECTORY) && rechecks.is_about(OTHER));
}
