//! How many files travel at one time.

use jottad_core::Parallel;

use super::*;

/// A folder with more files to send than it may send at one time. None of them ends by itself.
fn much_to_send(uploads: Parallel) -> Driver {
    let names: Vec<String> = (0..12).map(|number| format!("d{number:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut driver = Driver::with(FolderSettings { uploads, ..settings() }, &names);
    driver.lasting = Some("upload");
    driver.local_edits.extend(names.iter().map(|name| ((*name).to_owned(), 1)));
    driver.tell(Event::LocalHints(vec![LocalHint::Subtree(path(""))]));
    driver.run_for(1);
    driver
}

fn end_all(driver: &mut Driver) {
    for command in std::mem::take(&mut driver.under_way) {
        driver.tell(Event::Completed(command, Outcome::Operation(Ok(Achieved::Done))));
    }
}

#[test]
fn a_number_that_was_set_is_kept_whatever_the_service_says() {
    let mut driver = much_to_send(Parallel::Fixed(3));
    assert_eq!(driver.under_way.len(), 3, "{:?}", driver.asked);
    driver.tell(Event::TurnedAway);
    end_all(&mut driver);
    assert_eq!(driver.under_way.len(), 3, "{:?}", driver.asked);
}

#[test]
fn without_a_number_it_begins_with_four_and_yields_to_a_service_that_has_too_much_to_do() {
    let mut driver = much_to_send(Parallel::Auto);
    assert_eq!(driver.under_way.len(), 4, "{:?}", driver.asked);
    driver.tell(Event::TurnedAway);
    end_all(&mut driver);
    assert_eq!(driver.under_way.len(), 2, "{:?}", driver.asked);
}
