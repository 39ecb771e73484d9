//! A late service and what was done there a moment ago.

use super::*;
use crate::index::RemoteRecord;
use crate::remote::RemoteError;

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

/// A directory that holds what was accepted a moment ago is there, whatever a look says that is late.
#[test]
fn a_directory_that_was_just_filled_is_not_gone_because_a_look_does_not_find_it() {
    let mut driver = Driver::new(&["d"]);
    driver.claim("d/f", RemoteNode::File(Driver::edited(0)));
    let (file, directory) = (driver.row("d/f"), driver.row("d"));
    driver.folder.claim_accepted(file, directory);
    driver.refusals.insert("list_directory", refusal(RemoteErrorKind::NotFound, None));
    let before = driver.seconds;
    driver.doubt("d");
    assert_eq!(driver.asked_for("list_directory", before), 1);
    driver.refusals.clear();
    driver.run_for(60);
    let asked = |what| driver.asked_for(what, before);
    assert_eq!((asked("make_directory"), asked("upload")), (0, 0), "{:?}", driver.asked);
    assert_eq!(driver.status().verdict, Verdict::InSync);
}

/// A directory that others brought is shown before what is in it is.
#[test]
fn a_directory_that_came_a_moment_ago_is_looked_into_again() {
    let mut driver = Driver::with(FolderSettings { mode: Mode::Sync, ..settings() }, &["d"]);
    driver.tell(Event::RemoteHint(RemoteHint::Listening));
    driver.run_for(60);
    driver.directories.push("n".to_owned());
    driver.gone_locally.insert("n".to_owned());
    driver.lasting = Some("list_directory");
    let hint = RemoteHint::Entry { path: Driver::stored("n"), told: Told::Nothing };
    driver.tell(Event::RemoteHint(hint));
    driver.run_for(2);
    let shown = driver.listed_in(&jottad_core::StoredPath::root());
    let look = driver.under_way.remove(0);
    driver.tell(Event::Completed(look, Outcome::ListedDirectory(Ok(shown))));
    driver.run_for(2);
    let look = driver.under_way.remove(0);
    driver.lasting = None;
    let missing = RemoteError::new(RemoteErrorKind::NotFound, "the service answered an error".to_owned());
    driver.tell(Event::Completed(look, Outcome::ListedDirectory(Err(missing))));
    driver.run_for(30);
    assert!(
        driver.asked.iter().any(|(_, what, at)| *what == "download" && at == "n/f"),
        "{:?}",
        driver.asked
    );
}

/// A listing is as old as its beginning: what was sent while it went on is not gone because it is not in it.
#[test]
fn what_was_sent_while_a_listing_ran_is_not_gone_because_that_does_not_show_it() {
    let mut driver = Driver::new(&["d"]);
    let (row, before) = (driver.row("d/f"), driver.seconds);
    driver.lasting = Some("list_tree");
    driver.hides_files = true;
    driver.tell(Event::Request(Request::SyncNow));
    let listing = driver.under_way.remove(0);
    driver.hides_files = false;
    driver.lasting = None;
    driver.folder.listing.worked_on(row);
    driver.tell(Event::Completed(listing, Outcome::ListingEnded(Ok(Vec::new()))));
    assert!(driver.folder.index.node(row).unwrap().is_some_and(|row| row.remote.is_some()));
    driver.run_for(60);
    assert_eq!(driver.asked_for("upload", before), 0, "{:?}", driver.asked);
}

/// A link has come to the place of what was sent, and others have removed that. Once, it was a problem for
/// ever that the service did not show it (`sync`, `backup` and `archive` 36002624).
#[test]
fn what_was_sent_and_is_not_shown_is_no_problem_where_nothing_is_left_to_be_sent() {
    for is_left in [true, false] {
        let mut driver = Driver::new(&["d"]);
        let (file, directory) = (driver.row("d/f"), driver.row("d"));
        if !is_left {
            driver.linked.insert("d".to_owned());
            driver.tell(Event::LocalHints(vec![LocalHint::Directory(path("d"))]));
        }
        driver.claim("d/f", RemoteNode::File(Driver::edited(0)));
        driver.missing.insert("d/f".to_owned());
        driver.folder.claim_accepted(file, directory);
        driver.lasting = Some("upload");
        driver.tell(Event::Timer);
        driver.run_for(60);
        let is_failing = |problem: &crate::status::Problem| problem.kind == ProblemKind::Failing;
        let problems = driver.folder.problems().unwrap();
        assert_eq!(problems.iter().any(is_failing), is_left, "{problems:?}: {:?}", driver.asked);
    }
}

/// A removal whose answer was lost, at the end of the run or before it, was done; and something has come to
/// the place meanwhile that is just as what was removed. Once, that went to the local trash after a start,
/// for having been removed by others (`sync` 34002771).
#[test]
fn what_we_may_have_removed_ourselves_others_need_not_have_removed_after_a_start_either() {
    for ends in ["with an answer that was lost", "while it is under way", "refused"] {
        let settings = || FolderSettings { mode: Mode::Sync, ..settings() };
        let mut driver = Driver::with(settings(), &["d"]);
        match ends {
            "with an answer that was lost" => {
                let error = RemoteError {
                    may_be_done: true,
                    ..refusal(RemoteErrorKind::Unavailable, Some(Duration::from_mins(10)))
                };
                driver.refusals.insert("trash", error);
            }
            "refused" => drop(driver.refusals.insert("trash", refusal(RemoteErrorKind::Refused, None))),
            _ => driver.lasting = Some("trash"),
        }
        driver.gone_files.insert("d".to_owned());
        driver.tell(Event::LocalHints(vec![LocalHint::Directory(path("d"))]));
        driver.run_for(1);
        assert_eq!(driver.asked_for("trash", 0), 1, "{:?}", driver.asked);
        let index = driver.folder.crash().after_a_crash().unwrap();
        driver.folder = Folder::new(settings(), index).unwrap();
        driver.commands.clear();
        driver.under_way.clear();
        (driver.lasting, driver.refusals) = (None, BTreeMap::default());
        driver.gone_files.clear();
        driver.missing.insert("d/f".to_owned());
        driver.tell(Event::Started);
        driver.run_for(60);
        let is_sent = driver.asked_for("upload", 0) == 1;
        let is_trashed = driver.asked_for("trash_local", 0) == 1;
        let is_ours = ends != "refused";
        assert_eq!((is_sent, is_trashed), (is_ours, !is_ours), "{ends}: {:?}", driver.asked);
    }
}

/// A directory was removed or got another name on the service while something was sent into it, and was made
/// there anew. Once, what was sent was looked for by nobody, and a proof said that it is there (`sync`
/// 39000706 with `--refusals --doubts`).
#[test]
fn what_was_sent_and_is_looked_for_by_nobody_is_looked_for_after_a_listing() {
    for is_there in [true, false] {
        let mut driver = Driver::new(&["d"]);
        driver.claim("d/f", RemoteNode::File(Driver::edited(0)));
        driver.missing.insert("d/f".to_owned());
        if !is_there {
            let mut directory = driver.folder.index.locate(&path("d")).unwrap().unwrap();
            (directory.base, directory.remote) = (None, None);
            driver.folder.index.save(&mut directory).unwrap();
            driver.missing.insert("d".to_owned());
        }
        assert!(driver.folder.rechecks.is_idle());
        driver.tell(Event::Request(Request::SyncNow));
        driver.run_for(60);
        let made = usize::from(!is_there);
        assert_eq!(driver.asked_for("make_directory", 0), made, "{:?}", driver.asked);
        assert_eq!(driver.asked_for("upload", 0), 1, "{:?}", driver.asked);
        assert_eq!(driver.status().verdict, Verdict::InSync);
    }
}
