//! What a pause does to what is under way.

use super::*;
use crate::event::OperationError;

/// A folder with one file that is being sent, or one directory that is being made.
fn at_work(lasting: &'static str, missing: &[&str]) -> Driver {
    let mut driver = Driver::new(&["d"]);
    driver.run_for(1);
    driver.missing.extend(missing.iter().map(|path| (*path).to_owned()));
    driver.lasting = Some(lasting);
    driver.tell(Event::Request(Request::SyncNow));
    // What is gone on the service is looked for until it cannot be late any more.
    driver.run_for(120);
    assert_eq!(driver.under_way.len(), 1, "{:?}", driver.asked);
    driver
}

fn interrupt(driver: &mut Driver) {
    driver.tell(Event::Request(Request::Pause(None)));
    let interrupted = driver.folder.take_interrupted();
    assert_eq!(interrupted, driver.under_way);
    assert!(driver.folder.take_interrupted().is_empty(), "each is interrupted once");
    driver.under_way.clear();
    for command in interrupted {
        let outcome = Outcome::Operation(Err(OperationError::Interrupted));
        driver.tell(Event::Completed(command, outcome));
    }
}

#[test]
fn a_pause_interrupts_what_is_being_sent_and_it_waits() {
    let mut driver = at_work("upload", &["d/f"]);
    assert_eq!(driver.status().transfers.len(), 1);
    let history = driver.folder.log(0, 100).unwrap().len();
    interrupt(&mut driver);
    let status = driver.status();
    assert_eq!((status.verdict, status.problems), (Verdict::Paused, 0), "{status:?}");
    assert!(status.transfers.is_empty());
    let pending = status.pending.unwrap();
    assert_eq!((pending.uploads, pending.bytes), (1, 3), "{pending:?}");
    assert_eq!(driver.folder.log(0, 100).unwrap().len(), history, "it is no failure");
    let asked = driver.asked.len();
    driver.run_for(HOUR);
    assert_eq!(driver.asked.len(), asked, "a paused folder was worked on");
}

#[test]
fn what_was_interrupted_goes_on_after_the_pause_however_often() {
    let mut driver = at_work("upload", &["d/f"]);
    for _ in 0..3 * MOST_ATTEMPTS {
        interrupt(&mut driver);
        driver.run_for(60);
        driver.tell(Event::Request(Request::Resume));
        // A moment, and no wait for another try.
        driver.run_for(1);
        assert_eq!(driver.under_way.len(), 1, "{:?}", driver.asked);
        let status = driver.status();
        assert_eq!((status.verdict, status.problems), (Verdict::Working, 0), "{status:?}");
        assert_eq!(status.pending.unwrap().uploads, 1);
    }
    driver.lasting = None;
    interrupt(&mut driver);
    driver.tell(Event::Request(Request::Resume));
    driver.run_for(60);
    assert_eq!(driver.status().verdict, Verdict::InSync, "{:?}", driver.asked);
}

#[test]
fn what_arrived_before_the_interruption_is_not_sent_again() {
    let mut driver = at_work("upload", &["d/f"]);
    driver.missing.clear();
    interrupt(&mut driver);
    let began = driver.seconds + 1;
    driver.run_for(1);
    driver.tell(Event::Request(Request::Resume));
    driver.run_for(60);
    assert_eq!(driver.status().verdict, Verdict::InSync, "{:?}", driver.asked);
    assert_eq!(driver.asked_for("upload", began), 0);
}

#[test]
fn what_is_done_in_a_moment_is_not_interrupted() {
    let mut driver = at_work("make_directory", &["d", "d/f"]);
    driver.tell(Event::Request(Request::Pause(None)));
    assert!(driver.folder.take_interrupted().is_empty());
}

#[test]
fn until_when_a_pause_lasts_is_told_if_it_ends_by_itself() {
    let mut driver = Driver::new(&["a"]);
    let told = |driver: &Driver| {
        let status = driver.status();
        assert_eq!(status.paused.and_then(|paused| paused.until), driver.folder.paused_until());
        (status.paused.is_some(), driver.folder.paused_until())
    };
    assert_eq!(told(&driver), (false, None));
    let began = driver.now().wall.seconds();
    driver.tell(Event::Request(Request::Pause(Some(Duration::from_secs(90)))));
    assert_eq!(told(&driver), (true, Some(Timestamp::from_seconds(began + 90))));
    driver.run_for(91);
    assert_eq!(told(&driver), (false, None));
    driver.tell(Event::Request(Request::Pause(None)));
    driver.run_for(HOUR);
    assert_eq!(told(&driver), (true, None), "a person has to say so");
}
