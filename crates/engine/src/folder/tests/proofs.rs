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
