//! What could not be written locally: nothing is done on its account, and nothing of it is believed.

use super::*;

/// Otherwise the next root at the path, an unmounted disk's for example, would pass for this one.
#[test]
fn a_root_that_cannot_be_marked_is_neither_believed_to_be_nor_worked_in() {
    let mut driver = Driver::unstarted(FolderSettings { mode: Mode::Sync, ..settings() }, &["a"]);
    driver.claims_in_vain = true;
    driver.tell(Event::Started);
    driver.run_for(HOUR);
    assert!(driver.folder.root.held_unreadable().is_some_and(|reason| reason.contains("the disk is full")));
    assert_eq!(driver.folder.index.fact(Fact::RootMarker).unwrap(), None);
    let looked = ["root", "claim", "poll", "list_tree"];
    assert!(driver.asked.iter().all(|(_, what, _)| looked.contains(what)), "{:?}", driver.asked);
    driver.claims_in_vain = false;
    driver.run_for(HOUR);
    assert_eq!(driver.status().verdict, Verdict::InSync);
    assert_eq!(driver.folder.index.fact(Fact::RootMarker).unwrap(), driver.marker);
}

/// What is sent is noted before, so that a kill does not let it pass for another device's.
#[test]
fn what_the_index_cannot_note_is_not_sent() {
    let mut driver = Driver::new(&["a"]);
    driver.local_edits.insert("a".to_owned(), 1);
    driver.folder.index.refuse_commits();
    let mut events = vec![Event::LocalHints(vec![LocalHint::Subtree(path("a"))])];
    let failed = (0..100).any(|_| {
        let now = driver.now();
        let Ok(commands) = driver.folder.handle(std::mem::take(&mut events), now) else { return true };
        for Command { id, task, .. } in commands {
            assert!(task.only_looks(), "it was asked for: {task:?}");
            events.push(Event::Completed(id, driver.outcome(&task)));
        }
        if events.is_empty() {
            driver.seconds += 1;
            events.push(Event::Timer);
        }
        false
    });
    assert!(failed, "nobody noticed that nothing can be written");
}
