//! What drawn lives have shown.

use super::*;
use crate::index::Local;
use crate::remote::RemoteError;

/// The answer to an upload was lost, and a late service showed what was there two versions ago, or nothing.
/// Once, that was taken for what others did, nothing was agreed on any more when the file was removed here,
/// and a proof said that the one that stayed on the service was none of ours (`backup` 44000368).
#[test]
fn what_is_older_than_what_was_seen_before_an_upload_is_no_news_when_that_upload_is_lost() {
    for mode in [Mode::Backup, Mode::Sync] {
        for was_new in [false, true] {
            let settings = FolderSettings { mode, ..settings() };
            let mut driver = Driver::unstarted(settings, &["d"]);
            if was_new {
                driver.gone_files.insert("d".to_owned());
                driver.missing.insert("d/f".to_owned());
            }
            driver.tell(Event::Started);
            driver.run_for(60);
            driver.gone_files.clear();
            driver.edit("d");
            driver.run_for(1);
            let show_what_was_before = |driver: &mut Driver| {
                if was_new {
                    driver.missing.insert("d/f".to_owned());
                } else {
                    driver.remote_edits.insert("d".to_owned(), 0);
                }
            };
            let lost = RemoteError { may_be_done: true, ..refusal(RemoteErrorKind::Unavailable, None) };
            driver.refusals.insert("upload", lost);
            show_what_was_before(&mut driver);
            driver.edit("d");
            driver.gone_files.insert("d".to_owned());
            driver.tell(Event::LocalHints(vec![LocalHint::Directory(path("d"))]));
            driver.missing.clear();
            driver.remote_edits.insert("d".to_owned(), 1);
            driver.run_for(2);
            driver.missing.insert("d/f".to_owned());
            driver.run_for(60);
            let asked = |what| driver.asked_for(what, 0);
            assert!(asked("trash") > 0 && asked("download") == 0, "{mode:?} {was_new}: {:?}", driver.asked);
        }
    }
}

/// A file has come to the place of a directory that was removed here, while others put something into that.
/// Once, all that had been agreed on in it was fetched again (`sync` 44000993).
#[test]
fn what_was_removed_with_a_directory_stays_removed_when_a_file_makes_way_for_it() {
    let mut driver = Driver::with(FolderSettings { mode: Mode::Sync, ..settings() }, &["d"]);
    driver.replaced.insert("d".to_owned());
    driver.directories.push("d/n".to_owned());
    driver.gone_locally.insert("d/n".to_owned());
    driver.gone_files.insert("d".to_owned());
    driver.tell(Event::Request(Request::SyncNow));
    driver.run_for(1);
    let asked_at = |what: &str, place: &str| {
        driver.asked.iter().filter(|(_, asked, at)| *asked == what && at == place).count()
    };
    assert_eq!(asked_at("make_local_directory", "d"), 1, "{:?}", driver.asked);
    assert_eq!(asked_at("trash", "d/f"), 1, "{:?}", driver.asked);
    assert_eq!(asked_at("download", "d/f"), 0, "{:?}", driver.asked);
    assert_eq!(asked_at("download", "d/n/f"), 1, "{:?}", driver.asked);
}

/// A directory with rules of its own got another spelling on the service, and locally after that. Once, its
/// rules were looked for at its old path until the next start (`sync` 44000061 with `--rules`).
#[test]
fn the_rules_of_a_directory_follow_it_to_its_new_name() {
    let settings = FolderSettings { mode: Mode::Sync, ignore: vec!["f".to_owned()], ..settings() };
    let mut driver = Driver::unstarted(settings, &["d", "D"]);
    for name in ["d", "D"] {
        driver.rules.insert(name.to_owned(), "!f");
    }
    driver.gone_locally.insert("D".to_owned());
    driver.missing.extend(["D".to_owned(), "D/f".to_owned()]);
    driver.tell(Event::Started);
    driver.run_for(60);
    driver.missing = BTreeSet::from(["d".to_owned(), "d/f".to_owned()]);
    driver.tell(Event::Request(Request::SyncNow));
    driver.run_for(60);
    assert_eq!(driver.asked_for("move_local", 0), 1, "{:?}", driver.asked);
    let file = driver.folder.index.locate(&path("D/f")).unwrap().unwrap();
    assert!(matches!(file.local, Local::File { .. }), "{file:?}");
}

/// What others had put to a place was not shown yet when a file was sent there, and a late answer showed it
/// right after. Once, that was taken for their work on what was sent, and what was removed here then stayed
/// on the service, in step by proof (`backup` 45000449 with `--meddling`).
#[test]
fn what_nobody_had_seen_before_a_file_was_sent_there_is_not_what_became_of_that() {
    for (asked_after, is_stale) in [(1, true), (21, true), (23, false)] {
        let mut driver = Driver::unstarted(settings(), &["d"]);
        driver.missing.insert("d/f".to_owned());
        driver.local_edits.insert("d".to_owned(), 3);
        driver.tell(Event::Started);
        driver.run_for(asked_after);
        assert_eq!((driver.remote_edits["d"], driver.asked_for("upload", 0)), (3, 1));
        driver.remote_edits.insert("d".to_owned(), 4);
        driver.doubt("d");
        let is_sent_over_it = driver.asked_for("upload", 0) == 2;
        assert_eq!(is_sent_over_it, !is_stale, "{asked_after}: {:?}", driver.asked);
    }
}
