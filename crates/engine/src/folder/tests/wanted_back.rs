//! What a person wants back from the service.

use super::*;

impl Driver {
    /// Lets nothing be agreed on at a row that the service alone has.
    fn forget_locally(&mut self, text: &str) -> NodeId {
        let mut node = self.folder.index.locate(&path(text)).unwrap().unwrap();
        (node.base, node.local) = (None, Local::Absent);
        self.folder.index.save(&mut node).unwrap();
        node.id
    }
}

/// Once, what a person wanted back waited for ever for its directory, which had come and gone locally since
/// (`backup` 2011679, `archive` 17002639 and 23000466).
#[test]
fn what_is_wanted_back_comes_with_its_directory() {
    for mode in [Mode::Backup, Mode::Archive] {
        let mut driver = Driver::with(FolderSettings { mode, ..settings() }, &["a", "b"]);
        for directory in ["a", "b"] {
            driver.gone_locally.insert(directory.to_owned());
            driver.forget_locally(directory);
            driver.forget_locally(&format!("{directory}/f"));
        }
        let wanted = driver.row("a/f");
        driver.folder.index.restore(wanted).unwrap();
        driver.folder.round.restart();
        driver.tell(Event::Timer);
        let made: Vec<&str> = driver
            .asked
            .iter()
            .filter(|(_, what, _)| matches!(*what, "make_local_directory" | "download"))
            .map(|(_, _, at)| at.as_str())
            .collect();
        assert_eq!(made, ["a", "a/f"], "{mode:?}");
    }
}

/// A person said no to the deletion of a directory, and it was there again before that was followed: nothing
/// is to be brought back any more. Once, that word stayed, and the next deletion of the directory passed for
/// approved (`sync` 33001688 with `--meddling`).
#[test]
fn what_came_back_by_itself_is_not_wanted_back_any_more() {
    let mut driver = Driver::with(settings(), &["a"]);
    let mut node = driver.folder.index.locate(&path("a")).unwrap().unwrap();
    node.base = None;
    driver.folder.index.save(&mut node).unwrap();
    driver.folder.index.restore(node.id).unwrap();
    driver.folder.round.restart();
    driver.tell(Event::Timer);
    assert!(driver.folder.index.node(node.id).unwrap().unwrap().base.is_some());
    assert!(!driver.folder.index.is_fetched(node.id).unwrap());
}
