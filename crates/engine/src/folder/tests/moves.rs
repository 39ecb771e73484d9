//! What happens while a move is under way on the service.

use super::*;

/// The service has done it, and the answer hangs: once, looks into the directory found nothing at its old
/// place, and all that is in it was taken for gone.
#[test]
fn nothing_is_looked_for_in_a_directory_whose_move_is_under_way() {
    let mut driver = Driver::new(&["d"]);
    let began = driver.seconds;
    driver.lasting = Some("move");
    driver.directories = vec!["e".to_owned()];
    driver.tell(Event::LocalHints(vec![LocalHint::Directory(RelativePath::root())]));
    driver.run_for(5);
    assert_eq!(driver.under_way.len(), 1, "{:?}", driver.asked);
    driver.doubt("d");
    driver.run_for(60);
    assert_eq!(driver.asked_for("list_directory", began), 0, "{:?}", driver.asked);
    let moved = driver.under_way.pop().unwrap();
    driver.lasting = None;
    driver.tell(Event::Completed(moved, Outcome::Operation(Ok(Achieved::Done))));
    driver.run_for(60);
    assert_eq!(driver.asked_for("upload", began), 0, "{:?}", driver.asked);
    assert!(driver.status().settled, "{:?}", driver.asked);
}

/// A directory was moved to where it cannot be read, and something else has come to its old place. What is in
/// it may still be there: once, the copies at the old place went to the trash of the service (`sync` 34000672
/// with `--refusals --doubts`).
#[test]
fn what_is_in_a_directory_that_was_moved_and_cannot_be_read_is_not_deleted() {
    let mut driver = Driver::new(&["a", "a/x", "b"]);
    let began = driver.seconds + 1;
    driver.run_for(1);
    driver.directories[0] = "b/a".to_owned();
    driver.directories.push("a".to_owned());
    driver.gone.insert("a/x".to_owned());
    driver.missing.extend(["b/a", "b/a/f"].map(str::to_owned));
    driver.unreadable.insert("b/a".to_owned());
    for directory in [path("b"), RelativePath::root(), path("a")] {
        driver.tell(Event::LocalHints(vec![LocalHint::Directory(directory)]));
    }
    driver.run_for(60);
    assert_eq!(driver.asked_for("trash", began), 0, "{:?}", driver.asked);
    let problems = driver.folder.problems().unwrap();
    let told: Vec<_> = problems.iter().map(|problem| (problem.path.clone(), problem.kind)).collect();
    assert_eq!(told, [(path("b/a"), ProblemKind::Unreadable)]);
    driver.unreadable.clear();
    driver.tell(Event::LocalHints(vec![LocalHint::Directory(path("b/a"))]));
    let first_deed =
        driver.asked.iter().find(|(at, what, _)| *at >= began && ["move", "trash"].contains(what));
    assert_eq!(first_deed.map(|(_, what, to)| (*what, to.as_str())), Some(("move", "b/a")));
}
