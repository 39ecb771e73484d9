//! Tests of when everything is listed.

use std::time::Duration;

use jottad_core::{Mode, Timestamp};

use super::{Listed, Listing};
use crate::builders::{at, new_index};
use crate::folder::Folder;
use crate::index::Fact;
use crate::settings::FolderSettings;
use crate::time::Now;

/// A folder that was listed before knows how long ago, by the wall clock alone.
#[test]
fn a_run_begins_with_a_listing_unless_the_stamp_tells_enough() {
    for (mode, list_at_start, was_listed, is_wanted) in [
        (Mode::Backup, false, true, false),
        (Mode::Backup, false, false, true),
        (Mode::Backup, true, true, true),
        (Mode::Archive, false, true, false),
        (Mode::Sync, false, true, true),
        (Mode::Pull, false, true, true),
    ] {
        let (_place, mut index) = new_index();
        if was_listed {
            index.set_fact(Fact::RemoteCheckedAt, Some("40")).unwrap();
        }
        let mut listing = Listing::new(&index).unwrap();
        let settings = FolderSettings { mode, list_at_start, ..crate::builders::settings() };
        let now = Now { monotonic: Duration::from_secs(1000), wall: Timestamp::from_seconds(100) };
        listing.start(&settings, was_listed.then(|| Timestamp::from_seconds(40)), now);
        assert_eq!(listing.is_wanted(), is_wanted, "{mode:?} {list_at_start} {was_listed}");
        let ended = listing.listed().map(|listed| listed.ended);
        assert_eq!(ended, was_listed.then(|| Duration::from_secs(940)), "{mode:?}");
    }
}

#[test]
fn an_operation_that_met_something_else_has_everything_listed_at_once_and_the_next_ones_later() {
    let (_place, index) = new_index();
    let mut listing = Listing::new(&index).unwrap();
    assert!(!listing.is_wanted());
    listing.mismatched(at(100));
    assert!(listing.is_wanted());
    assert_eq!(listing.deadline(), None);
    let mut listing = Listing::new(&index).unwrap();
    listing.list_by(Duration::from_secs(61));
    listing.list_by(Duration::from_secs(50));
    listing.list_by(Duration::from_secs(70));
    assert_eq!(listing.deadline(), Some(Duration::from_secs(50)), "the first of them counts");
    listing.timer(at(49));
    assert!(!listing.is_wanted());
    listing.timer(at(50));
    assert!(listing.is_wanted());
    assert_eq!(listing.deadline(), None, "it is made once");
}

/// The change stamp is asked for again and again, and that something was sent is a reason to wait for the next
/// listing, not to do without it.
#[test]
fn a_stamp_that_moved_with_our_own_work_puts_a_listing_off_for_an_hour_at_most() {
    for was_sent in [true, false] {
        let (_place, index) = new_index();
        let mut folder = Folder::new(crate::builders::settings(), index).unwrap();
        let listed = Listed { began: Duration::from_secs(950), ended: Duration::from_secs(1000) };
        folder.listing.listed = Some(listed);
        if was_sent {
            folder.listing.stamps.something_was_sent();
        }
        assert_eq!(folder.listing.explained_by_own_work_alone_until(), None);
        folder.judge_stamp("another one".to_owned(), at(1100)).unwrap();
        let until = Duration::from_secs(1000) + Duration::from_hours(1);
        let explained = folder.listing.explained_by_own_work_alone_until();
        assert_eq!(explained, was_sent.then_some(until));
        assert_eq!(folder.listing.is_wanted(), !was_sent);
    }
}

#[test]
fn a_missing_root_is_looked_for_again_at_its_time() {
    let (_place, index) = new_index();
    let mut listing = Listing::new(&index).unwrap();
    listing.root_looked_for_at = Some(Duration::from_secs(50));
    listing.timer(at(49));
    assert_eq!(listing.deadline(), Some(Duration::from_secs(50)));
    listing.timer(at(50));
    assert_eq!(listing.deadline(), None);
}
