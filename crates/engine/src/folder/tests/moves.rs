//! What happens while a move is under way on the service.

use super::*;
use crate::event::OperationError;
use crate::remote::RemoteError;

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

/// What was asked for since, beside looks at the root, in its order.
fn asked_since(driver: &Driver, began: u64) -> Vec<String> {
    let asked = driver.asked.iter().filter(|(at, ..)| *at >= began);
    let told = asked.map(|(_, what, at)| format!("{what} {at}"));
    told.filter(|told| told.starts_with("scan ") || !told.ends_with(' ')).collect()
}

fn hint(driver: &mut Driver, directories: &[&str]) {
    let hints = directories.iter().map(|directory| LocalHint::Directory(path(directory)));
    driver.tell(Event::LocalHints(hints.collect()));
}

/// Once, everything in it was read and written down at both places first: that took seconds for 100,000
/// files.
#[test]
fn a_directory_that_was_renamed_or_moved_is_moved_before_anything_in_it_is_read() {
    let cases = [
        (vec!["d", "d/x"], vec!["e", "e/x"], vec![""], "d", "e"),
        (vec!["a", "b", "a/d", "a/d/x"], vec!["a", "b", "b/d", "b/d/x"], vec!["a", "b"], "a/d", "b/d"),
        (vec!["a", "b", "b/d", "b/d/x"], vec!["a", "b", "a/e", "a/e/x"], vec!["a", "b"], "b/d", "a/e"),
    ];
    for (before, after, hints, from, to) in cases {
        let mut driver = Driver::new(&before);
        driver.run_for(1);
        let (began, row) = (driver.seconds, driver.row(from));
        driver.directories = after.iter().map(|name| (*name).to_owned()).collect();
        hint(&mut driver, &hints);
        driver.run_for(60);
        let asked = asked_since(&driver, began);
        let place = |wanted: &str| asked.iter().position(|asked| asked == wanted);
        let (moved, read) = (place(&format!("move {to}")), place(&format!("scan {to}")));
        assert!(moved.is_some() && moved < read && moved < place(&format!("scan {to}/x")), "{asked:?}");
        assert_eq!(driver.asked_for("move", began), 1, "{asked:?}");
        assert_eq!(driver.row(to), row, "its row has another place, with all that is below");
        assert_eq!(driver.folder.index.locate(&path(from)).unwrap(), None);
        assert!(!asked.iter().any(|asked| asked.starts_with("hash") || asked.starts_with("upload")));
        assert!(driver.status().settled, "{asked:?}");
    }
}

/// Ten directories of one directory, and then all of them in another.
fn ten_directories(directory: &str) -> Vec<String> {
    let beside = ["a", "c"].map(str::to_owned);
    let moved = (0..10).map(|number| format!("{directory}/{number}"));
    beside.into_iter().chain(moved).collect()
}

/// A folder in which ten directories were moved into another one, and no move was answered yet.
fn while_many_move() -> Driver {
    let before = ten_directories("c");
    let mut driver = Driver::new(&before.iter().map(String::as_str).collect::<Vec<_>>());
    driver.run_for(1);
    driver.directories = ten_directories("a");
    driver.lasting = Some("move");
    hint(&mut driver, &["c", "a"]);
    driver
}

/// Once, each waited for the answer to the one before: 1,000 took two minutes and a half.
#[test]
fn directories_that_are_moved_into_another_one_move_together() {
    let mut driver = while_many_move();
    assert_eq!(driver.under_way.len(), 8, "as many as may be asked for at one time");
    assert_eq!(driver.folder.index.remote_moves().unwrap().len(), 8);
    driver.lasting = None;
    for command in std::mem::take(&mut driver.under_way) {
        driver.tell(Event::Completed(command, Outcome::Operation(Ok(Achieved::Done))));
    }
    driver.run_for(60);
    assert_eq!(driver.asked_for("move", 0), 10, "{:?}", driver.asked);
    assert_eq!(driver.asked_for("trash", 0) + driver.asked_for("upload", 0), 0, "{:?}", driver.asked);
    assert!(driver.status().settled && driver.folder.index.remote_moves().unwrap().is_empty());
}

/// The first answer tells that the service cannot be reached: what became of the others is not known, either.
#[test]
fn moves_that_were_asked_for_together_are_looked_at_one_after_the_other_when_they_are_in_doubt() {
    for is_killed in [false, true] {
        let mut driver = while_many_move();
        let began = driver.seconds;
        driver.lasting = None;
        let under_way = std::mem::take(&mut driver.under_way);
        if is_killed {
            let index = driver.folder.crash().after_a_crash().unwrap();
            driver.folder = Folder::new(settings(), index).unwrap();
            driver.tell(Event::Started);
        } else {
            for command in under_way {
                let lost = RemoteError { may_be_done: true, ..refusal(RemoteErrorKind::Offline, None) };
                let failed = Outcome::Operation(Err(OperationError::Remote(lost)));
                driver.tell(Event::Completed(command, failed));
            }
        }
        driver.run_for(2 * HOUR);
        let looked = (0..10).filter(|number| {
            driver
                .asked
                .iter()
                .any(|(at, what, path)| *at >= began && *what == "look" && *path == format!("a/{number}"))
        });
        assert!(looked.count() >= 8, "{:?}", asked_since(&driver, began));
        assert_eq!(driver.asked_for("trash", began) + driver.asked_for("upload", began), 0);
        assert!(driver.status().settled && driver.folder.index.remote_moves().unwrap().is_empty());
    }
}

/// That nothing in it was read before the move is made up for.
#[test]
fn what_has_changed_in_a_directory_that_moved_is_found_after_its_move() {
    let mut driver = Driver::new(&["d", "d/x", "d/y"]);
    driver.run_for(1);
    let began = driver.seconds;
    driver.directories = ["e", "e/x", "e/y"].map(str::to_owned).into();
    driver.local_edits.insert("e/x".to_owned(), 1);
    driver.gone.insert("e/y".to_owned());
    hint(&mut driver, &[""]);
    driver.run_for(60);
    let asked = asked_since(&driver, began);
    let deeds: Vec<_> = asked
        .iter()
        .filter(|asked| ["move ", "upload ", "trash "].iter().any(|deed| asked.starts_with(deed)))
        .collect();
    assert_eq!(deeds, ["move e", "upload e/x/f", "trash e/y"], "{asked:?}");
}

/// It is read like a new one, then, and the move is found again from what is in it.
#[test]
fn a_move_that_fails_keeps_nothing_from_being_read() {
    for kind in [RemoteErrorKind::Refused, RemoteErrorKind::Offline] {
        let mut driver = Driver::new(&["d", "d/x"]);
        driver.run_for(1);
        let began = driver.seconds;
        driver.refusals.insert("move", refusal(kind, None));
        driver.directories = ["e", "e/x"].map(str::to_owned).into();
        hint(&mut driver, &[""]);
        let asked = asked_since(&driver, began);
        let place = |wanted: &str| asked.iter().position(|asked| asked == wanted);
        assert!(place("move e").is_some() && place("move e") < place("scan e/x"), "{asked:?}");
        assert!(driver.folder.arrivals.is_idle(), "{:?}", driver.folder.arrivals);
        driver.refusals.clear();
        driver.run_for(2 * HOUR);
        assert_eq!(driver.asked_for("trash", began), 0, "{:?}", driver.asked);
        assert!(driver.status().settled, "{:?}", asked_since(&driver, began));
    }
}

/// A move that might have to wait for what is under way keeps nothing from being read.
#[test]
fn while_something_is_under_way_a_directory_that_was_renamed_is_read_first() {
    let mut driver = Driver::new(&["d", "d/x", "z"]);
    driver.run_for(1);
    let began = driver.seconds;
    driver.lasting = Some("upload");
    driver.local_edits.insert("z".to_owned(), 1);
    hint(&mut driver, &["z"]);
    driver.directories = ["e", "e/x", "z"].map(str::to_owned).into();
    hint(&mut driver, &[""]);
    let asked = asked_since(&driver, began);
    let place = |wanted: &str| asked.iter().position(|asked| asked == wanted);
    assert!(
        place("scan e/x").is_some_and(|read| place("move e").is_none_or(|moved| read < moved)),
        "{asked:?}"
    );
    assert!(driver.folder.arrivals.is_idle(), "{:?}", driver.folder.arrivals);
}

/// What is in it was not sent under the new name: by a rule it may not be.
#[test]
fn where_rules_count_a_directory_that_was_renamed_is_read_first() {
    let mut driver =
        Driver::with(FolderSettings { ignore: vec!["e/x".to_owned()], ..settings() }, &["d", "d/x"]);
    driver.run_for(1);
    let began = driver.seconds;
    driver.directories = ["e", "e/x"].map(str::to_owned).into();
    hint(&mut driver, &[""]);
    let asked = asked_since(&driver, began);
    let place = |wanted: &str| asked.iter().position(|asked| asked == wanted);
    assert!(
        place("scan e").is_some_and(|read| place("move e").is_none_or(|moved| read < moved)),
        "{asked:?}"
    );
}

/// Of what moves as a whole no two lie in each other. What does not may have to wait for what does.
#[test]
fn beside_a_directory_that_moves_as_a_whole_no_file_is_moved() {
    use super::world::{World, in_mode};
    for (moved, at_once) in [("d>e f>g", 2), ("d>e a>b", 1), ("a>b c>k", 1), ("d>e f>g x>y", 2)] {
        let mut world = World::agreed(in_mode(Mode::Sync), "a=x c=y d/a=1 f/b=2 x=w z=z");
        world.step("lasts move there");
        world.here(moved);
        world.run_for(5);
        assert_eq!(world.under_way(), at_once, "{moved}");
        world.let_end();
        world.run_for(60);
        assert_eq!(world.both(), world.disk(), "{moved}");
    }
}
