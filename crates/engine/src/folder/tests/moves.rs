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
