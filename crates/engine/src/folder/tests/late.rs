//! A late service and what was done there a moment ago.

use super::*;
use crate::index::RemoteRecord;

impl Driver {
    /// Lets a row have a claim that was cut off, where nothing was agreed on.
    pub(super) fn claim(&mut self, text: &str, node: RemoteNode) {
        let mut row = self.folder.index.locate(&path(text)).unwrap().unwrap();
        row.base = None;
        row.remote = Some(RemoteRecord { node, name: None, claimed: true });
        self.folder.index.save(&mut row).unwrap();
    }
}

/// What was removed where something was sent since is shown once more. Once, that was taken for what the
/// service has there instead, and under its spelling it was sent to (`backup` 12508576).
#[test]
fn what_left_a_place_is_not_what_became_of_what_was_sent_there() {
    let mut driver = Driver::new(&["d"]);
    let now = driver.now();
    let old = RemoteNode::File(Driver::edited(0));
    driver.folder.recent_writes.removed(&Driver::stored("d/f"), Some(old), now);
    driver.claim("d/f", RemoteNode::File(Driver::edited(1)));
    driver.local_edits.insert("d".to_owned(), 1);
    driver.lasting = Some("upload");
    driver.tell(Event::LocalHints(vec![LocalHint::Subtree(path("d"))]));
    driver.doubt("d");
    driver.run_for(1);
    let sent = driver.folder.in_flight.operations().next().expect("it is sent again");
    assert_eq!(sent.before, None);
}
