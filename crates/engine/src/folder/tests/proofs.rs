//! What a status says of its proof, by what tells of changes.

use super::*;
use crate::event::LocalHint;
use crate::status::Heard;

const MINUTE: u64 = 60;

fn settings_of(watched: bool) -> FolderSettings {
    FolderSettings {
        poll: Duration::from_secs(5 * MINUTE),
        proof: ProofInterval::Auto,
        watched,
        ..settings()
    }
}

impl Driver {
    /// When something was asked for last; a scan of the root is one of everything.
    fn last(&self, what: &str) -> u64 {
        let root = RelativePath::root().to_string();
        let of_all =
            self.asked.iter().filter(|(_, asked, at)| *asked == what && (at.is_empty() || *at == root));
        of_all.map(|(at, ..)| *at).max().unwrap_or_default()
    }

    /// As of when both sides are said to agree.
    fn proven_at(&self) -> u64 {
        let status = self.status();
        assert_eq!(status.verdict, Verdict::InSync, "{:?}", self.asked.last());
        u64::try_from(status.proven_at.unwrap().seconds()).unwrap() - 1_700_000_000
    }
}

#[test]
fn a_proof_is_as_of_what_was_seen_or_told_whatever_tells_of_changes() {
    // Whether local changes and those on the service are told, and how old a proof may be.
    for (watched, heard, oldest) in
        [(true, true, 5 * MINUTE), (true, false, MINUTE), (false, true, 5 * MINUTE), (false, false, MINUTE)]
    {
        let mut driver = Driver::with(settings_of(watched), &["a", "a/b"]);
        if heard {
            driver.tell(Event::RemoteHint(RemoteHint::Listening));
        }
        driver.run_for(2 * MINUTE);
        for _ in 0..7 * HOUR / 30 {
            driver.run_for(30);
            let (proven, now) = (driver.proven_at(), driver.seconds);
            let name = format!("watched {watched}, heard {heard}, proven at {proven}, now {now}");
            let remote = if heard {
                driver.last("list_tree").max(driver.last("poll"))
            } else {
                driver.last("list_tree")
            };
            assert!(proven <= remote, "{name}, remote {remote}");
            assert!(watched || proven <= driver.last("scan"), "{name}, local {}", driver.last("scan"));
            assert!(proven + oldest + 30 >= now, "{name}");
            assert_eq!(driver.status().heard.unwrap() == Heard::Events, heard, "{name}");
        }
    }
}

#[test]
fn what_no_event_tells_any_more_is_not_proven_by_events() {
    let mut driver = Driver::with(settings_of(true), &["a"]);
    driver.tell(Event::RemoteHint(RemoteHint::Listening));
    driver.run_for(HOUR);
    let scanned = driver.last("scan");
    assert!(driver.proven_at() > scanned + HOUR / 2, "each change is told, so the scan may be old");
    driver.tell(Event::LocalHints(vec![LocalHint::Unheard]));
    driver.run_for(10 * MINUTE);
    assert!(driver.proven_at() <= driver.last("scan"));
    assert!(driver.last("scan") + 2 * MINUTE > driver.seconds, "it is looked at instead");
    // A watcher that only polls asks for everything; that is a scan of everything.
    let polled = driver.seconds + 1;
    driver.run_for(1);
    driver.tell(Event::LocalHints(vec![LocalHint::Subtree(RelativePath::root())]));
    let checked = driver.status().local_checked_at.unwrap().seconds();
    assert_eq!(u64::try_from(checked).unwrap() - 1_700_000_000, polled);
    driver.tell(Event::LocalHints(vec![LocalHint::Heard]));
    driver.run_for(HOUR);
    assert!(driver.proven_at() > driver.last("scan") + HOUR / 2);
}

impl Driver {
    /// The local file of a directory is edited, and that is told.
    pub(super) fn edit(&mut self, directory: &str) {
        *self.local_edits.entry(directory.to_owned()).or_default() += 1;
        self.tell(Event::LocalHints(vec![LocalHint::Directory(path(directory))]));
    }

    /// Another device edits the file of a directory; it is told of if somebody listens.
    fn others_edit(&mut self, directory: &str, is_heard: bool) {
        let edits = self.remote_edits.entry(directory.to_owned()).or_default();
        *edits += 100;
        let told = Told::File(Self::edited(*edits));
        if is_heard {
            let path = Self::stored(&format!("{directory}/f"));
            self.tell(Event::RemoteHint(RemoteHint::Entry { path, told }));
        }
    }

    /// When both sides are said to agree, and as of when, in seconds from now on.
    fn said(&self) -> (Verdict, i64) {
        let status = self.status();
        let proven = status.proven_at.unwrap().seconds() - 1_700_000_000;
        (status.verdict, proven - i64::try_from(self.seconds).unwrap())
    }
}

#[test]
fn in_sync_is_said_with_a_proof_that_is_newer_than_the_last_change_heard_of() {
    let hour = ProofInterval::Every(Duration::from_secs(HOUR));
    for (heard, proof, what, at_once, settles_within) in [
        // Events with a stamp prove it a moment later.
        (true, ProofInterval::Auto, "own edit", Verdict::Working, 6),
        (true, hour, "own edit", Verdict::Working, 6),
        // Nothing tells what others did meanwhile: only a listing does.
        (false, ProofInterval::Auto, "own edit", Verdict::Working, MINUTE / 6),
        (false, hour, "own edit", Verdict::Working, HOUR),
        // A listing that ends after the word of the edit covers it, however much later that is sent.
        (true, hour, "own edit during a listing", Verdict::InSync, 0),
        (false, hour, "own edit during a listing", Verdict::InSync, 0),
        (true, hour, "other's edit", Verdict::Working, 30),
        // Nobody can know of it: what is said is as of before.
        (false, hour, "other's edit", Verdict::InSync, 0),
        // A look that shows nothing new outdates nothing.
        (true, hour, "word of nothing", Verdict::InSync, 0),
        (false, hour, "word of nothing", Verdict::InSync, 0),
    ] {
        let mut driver = Driver::with(FolderSettings { proof, ..settings_of(true) }, &["a", "b"]);
        if heard {
            driver.tell(Event::RemoteHint(RemoteHint::Listening));
        }
        // Long enough for a listing that cannot be too late for what came before the first word.
        driver.run_for(30);
        driver.tell(Event::Request(Request::SyncNow));
        driver.run_for(20);
        let name = format!("heard {heard}, {proof:?}, {what}");
        assert_eq!(driver.said().0, Verdict::InSync, "{name}");
        let listings = driver.asked_for("list_tree", 0);
        match what {
            "own edit" => driver.edit("a"),
            "other's edit" => driver.others_edit("a", heard),
            "own edit during a listing" => {
                driver.lasting = Some("list_tree");
                driver.tell(Event::Request(Request::SyncNow));
                driver.run_for(5);
                driver.edit("a");
                driver.lasting = None;
                driver.run_for(5);
                let listing = driver.under_way.pop().unwrap();
                driver.tell(Event::Completed(listing, Outcome::ListingEnded(Ok(Vec::new()))));
            }
            _ => driver.tell(Event::LocalHints(vec![LocalHint::Directory(path("a"))])),
        }
        let (verdict, proven) = driver.said();
        assert_eq!(verdict, at_once, "{name}, proven {proven} s");
        let edited = driver.seconds;
        let mut took = 0;
        while driver.said().0 != Verdict::InSync {
            driver.run_for(1);
            took += 1;
            assert!(took <= settles_within + 1, "{name}: {:?}", driver.said());
        }
        let proven = driver.proven_at();
        if at_once == Verdict::Working {
            assert!(proven >= edited, "{name}: {proven} {edited}");
            assert_eq!(driver.remote_edits.get("a"), driver.local_edits.get("a").or(Some(&0)), "{name}");
        }
        let listed = driver.asked_for("list_tree", 0) - listings;
        assert!(listed <= usize::from(!heard || what.contains("listing")), "{name}: listed {listed} times");
    }
}

#[test]
fn that_a_proof_is_outdated_is_remembered_by_the_index() {
    let hour = ProofInterval::Every(Duration::from_secs(HOUR));
    let mut driver = Driver::with(FolderSettings { proof: hour, ..settings_of(true) }, &["a"]);
    driver.run_for(20);
    driver.edit("a");
    driver.run_for(60);
    assert_eq!((driver.said().0, driver.status().settled), (Verdict::Working, true));
    let settings = FolderSettings { list_at_start: false, proof: hour, ..settings_of(true) };
    let index = driver.folder.crash().after_a_crash().unwrap();
    let wall = Timestamp::from_seconds(1_700_000_000);
    let rest = Folder::new(settings.clone(), index).unwrap().at_rest(wall).unwrap();
    assert_eq!(rest.status().unwrap().verdict, Verdict::Working);
    driver.folder = Folder::new(settings, rest.crash().after_a_crash().unwrap()).unwrap();
    driver.tell(Event::Started);
    driver.run_for(60);
    assert_eq!((driver.said().0, driver.status().settled), (Verdict::Working, true));
    driver.run_for(HOUR);
    assert_eq!(driver.said().0, Verdict::InSync);
}

#[test]
fn what_there_was_when_somebody_asked_is_done_whatever_changes_since() {
    let resend = Duration::from_secs(5 * MINUTE);
    let mut driver = Driver::with(FolderSettings { resend, ..settings_of(true) }, &["a", "b"]);
    // It is written to every second, and asked for at any moment of that.
    for asked_after in [1, 2, 3, 5, 8, 13, 200] {
        for _ in 0..asked_after {
            driver.run_for(1);
            driver.edit("a");
        }
        driver.edit("b");
        let (asked, edits) = (driver.now().wall, driver.local_edits["a"]);
        driver.tell(Event::Request(Request::SyncNow));
        let mut took = 0;
        while driver.status().caught_up_at.is_none() {
            driver.run_for(1);
            driver.edit("a");
            took += 1;
            assert!(took < 10, "asked after {asked_after} s");
        }
        assert!(driver.status().caught_up_at >= Some(asked));
        assert!(driver.remote_edits["a"] >= edits, "what was there when it was asked was sent");
        assert_eq!(driver.remote_edits["b"], driver.local_edits["b"]);
        let status = driver.status();
        assert_eq!(status.verdict == Verdict::InSync, status.settled, "what has changed since is not hidden");
    }
}

/// The service has something where a rule ignores what is local: the next scan notes that in the row, and
/// nothing has changed. Once, the proof was outdated by that, for as long as nothing else renewed it.
#[test]
fn what_is_ignored_is_no_change_when_it_is_noted() {
    let ignore = vec!["e/".to_owned()];
    let mut driver = Driver::with(FolderSettings { ignore, ..settings() }, &["d", "e"]);
    driver.tell(Event::LocalHints(vec![LocalHint::Subtree(RelativePath::root())]));
    driver.run_for(1);
    assert_eq!(driver.status().verdict, Verdict::InSync, "{:?}", driver.asked);
}
