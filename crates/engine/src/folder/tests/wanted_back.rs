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
