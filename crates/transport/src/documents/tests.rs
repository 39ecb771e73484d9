//! Readings of documents in the service's own shapes (protocol 3, 4 and 9).

use futures_util::FutureExt as _;
use jottad_core::{Content, Timestamp};
use proptest::prelude::*;

use jottad_core::StoredName;

use super::*;

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

const REVISION: &str = "<number>3</number>\n<state>COMPLETED</state>\n<created>2025-12-24-T10:11:12Z</created>\n\
    <modified>2026-01-02-T03:04:05Z</modified>\n<mime>text/plain</mime>\n<size>48211</size>\n\
    <md5>0F343b0931126a20f133d67c2b018a3b</md5>\n<updated>2026-01-02-T03:05:00Z</updated>";

const HALF: &str = "<number>1</number><state>INCOMPLETE</state><created>2026-03-01-T00:00:00Z</created>\
    <modified>2026-03-01-T00:00:00Z</modified><md5>9e107d9d372bb6826bd81d3542a419d6</md5>";

fn folder_document() -> String {
    format!(
        "{HEAD}<folder name=\"reports\" time=\"2026-03-04-T05:06:09Z\" host=\"dn-1\">\n\
         <path xml:space=\"preserve\">/u7/Jotta/Archive</path>\n<abspath xml:space=\"preserve\">/u7/Jotta/Archive</abspath>\n\
         <folders>\n<folder name=\"2025\"/>\n<folder name=\"old\" deleted=\"2026-02-11-T08:00:00Z\">\n\
         <abspath xml:space=\"preserve\">/u7/Jotta/Archive/reports</abspath>\n</folder>\n</folders>\n\
         <files>\n<file name=\" budget &amp; plan.ods\" uuid=\"77b4\">\n<currentRevision>\n{REVISION}\n</currentRevision>\n</file>\n\
         <file name=\"gone.txt\" uuid=\"77b5\" deleted=\"2026-02-12-T08:00:00Z\"><abspath>/x</abspath>\
         <currentRevision>{REVISION}</currentRevision></file>\n\
         <file name=\"half.iso\" uuid=\"77b6\"><latestRevision>{HALF}</latestRevision></file>\n</files>\n\
         <metadata first=\"\" max=\"\" total=\"5\" num_folders=\"2\" num_files=\"3\"/>\n</folder>\n"
    )
}

/// Everything is in memory, so nothing is ever waited for.
fn now<T>(reading: impl Future<Output = Result<T>>) -> Result<T> {
    reading.now_or_never().expect("memory is never pending")
}

fn folder(text: &str) -> Result<FolderListing> {
    match now(read_place(text.as_bytes()))? {
        Place::Folder(listing) => Ok(listing),
        Place::File(_) => panic!("it is a file"),
    }
}

fn at(text: &str) -> Option<Timestamp> {
    parse_time(text).unwrap()
}

#[test]
fn a_folder_shows_live_trashed_and_unfinished_entries() {
    let listing = folder(&folder_document()).unwrap();
    assert!(listing.is_live() && listing.proves_absence);
    let names: Vec<_> = listing.folders.iter().map(|it| (it.name.as_str(), it.trashed)).collect();
    assert_eq!(names, [("2025", None), ("old", Some(Trashed { at: at("2026-02-11T08:00:00Z") }))]);
    let [budget, gone, half] = listing.files.as_slice() else { panic!("{:?}", listing.files) };
    assert_eq!(budget.name.as_str(), " budget & plan.ods");
    let live = budget.live().unwrap();
    let md5 = "0f343b0931126a20f133d67c2b018a3b".parse().unwrap();
    assert_eq!(live.content, Content { size: 48211, md5 });
    assert_eq!((live.created, live.modified), (at("2025-12-24T10:11:12Z"), at("2026-01-02T03:04:05Z")));
    assert_eq!(live.revision, Some(3));
    assert!(gone.live().is_none() && gone.current.is_some());
    assert!(half.live().is_none() && half.current.is_none());
    assert_eq!(half.latest.as_ref().unwrap().state, RevisionState::Incomplete);
}

#[test]
fn no_prefix_of_a_folder_is_a_listing() {
    let document = folder_document();
    let end = document.trim_end().len();
    for cut in 0..end {
        if document.is_char_boundary(cut) {
            assert!(folder(&document[..cut]).is_err(), "{cut}");
        }
    }
}

#[test]
fn a_listing_that_does_not_match_its_own_counts_is_refused() {
    for (told, lie) in [("num_files=\"3\"", "num_files=\"4\""), ("num_folders=\"2\"", "num_folders=\"1\"")] {
        assert!(folder(&folder_document().replace(told, lie)).is_err(), "{lie}");
    }
    let uncounted = folder_document().replace("<metadata ", "<other ");
    assert!(!folder(&uncounted).unwrap().proves_absence);
}

#[test]
fn empty_and_trashed_folders() {
    let empty = "<folder name=\"x\"><metadata num_folders=\"0\" num_files=\"0\"/></folder>";
    let name = StoredName::new("x");
    assert_eq!(
        folder(empty).unwrap(),
        FolderListing { name: name.clone(), proves_absence: true, ..FolderListing::default() }
    );
    for trashed in [
        "<folder name=\"x\" deleted=\"2026-02-11-T08:00:00Z\"/>",
        "<folder name=\"x\" deleted=\"\"/>",
        "<mountPoint><name>x</name><deleted>2026-02-11-T08:00:00Z</deleted></mountPoint>",
    ] {
        assert!(!folder(trashed).unwrap().is_live(), "{trashed}");
        let Place::Folder(itself) = now(read_place_itself(trashed.as_bytes())).unwrap() else { panic!() };
        assert!(!itself.is_live() && itself.name == name, "{trashed}");
    }
}

#[test]
fn a_name_that_no_request_can_name_is_counted_and_left_out() {
    let text = "<folder name=\"x\"><files><file name=\"a/b\"/><file name=\"\"/></files>\
                <metadata num_folders=\"0\" num_files=\"2\"/></folder>";
    let listing = folder(text).unwrap();
    assert!(listing.proves_absence && listing.files.is_empty());
}

#[test]
fn a_complete_revision_without_readable_content_makes_the_document_unreadable() {
    for (there, broken) in [
        ("<size>48211</size>", ""),
        ("<size>48211</size>", "<size></size>"),
        ("<size>48211</size>", "<size>-1</size>"),
        ("<md5>0F343b0931126a20f133d67c2b018a3b</md5>", ""),
        ("<md5>0F343b0931126a20f133d67c2b018a3b</md5>", "<md5>0F34</md5>"),
    ] {
        assert!(folder(&folder_document().replacen(there, broken, 1)).is_err(), "{broken}");
    }
}

#[test]
fn a_file_shows_its_revisions() {
    let text = format!(
        "{HEAD}<file name=\"budget.ods\" uuid=\"77b4\" time=\"2026-03-04-T05:06:10Z\" host=\"dn-1\">\n\
         <path xml:space=\"preserve\">/u7/Jotta/Archive</path><publicURI>5d41</publicURI><publicSharePath>s/5d41</publicSharePath>\n\
         <currentRevision>{REVISION}</currentRevision><latestRevision>{HALF}</latestRevision>\
         <revisions>\n<revision>{REVISION}</revision>\n<revision>{HALF}</revision></revisions></file>"
    );
    let details = now(read_file(text.as_bytes())).unwrap();
    assert!(details.entry.live().is_some());
    assert_eq!(details.entry.latest.as_ref().unwrap().content(), None);
    assert_eq!(details.entry.public_uri.as_deref(), Some("5d41"));
    assert_eq!(details.public_path.as_deref(), Some("s/5d41"));
    let states: Vec<_> = details.revisions.iter().map(|revision| revision.state).collect();
    assert_eq!(states, [RevisionState::Completed, RevisionState::Incomplete]);
    assert_eq!(now(read_place(text.as_bytes())).unwrap(), Place::File(Box::new(details)));
}

#[test]
fn the_account_and_its_devices() {
    let text = "<user time=\"t\" host=\"h\">\n<username>u7</username>\n<account-type>unlimited</account-type>\n\
        <locked>false</locked>\n<capacity>-1</capacity>\n<usage>734003200</usage>\n<read-locked>false</read-locked>\n\
        <quota-write-locked>true</quota-write-locked>\n<devices>\n<device>\n<name xml:space=\"preserve\">Jotta</name>\n\
        <display_name xml:space=\"preserve\">Jotta</display_name>\n<type>JOTTA</type>\n<sid>0c3f</sid>\n<size>734003200</size>\n\
        <modified>2026-03-04-T05:00:00Z</modified>\n</device>\n<device><name>My PC</name><size/><modified/></device></devices>\n</user>";
    let user = now(read_user(text.as_bytes())).unwrap();
    assert_eq!((user.username.as_str(), user.used_bytes), ("u7", Some(734_003_200)));
    assert_eq!(user.quota, Some(Quota::Unlimited));
    assert!(user.write_locked && !user.read_locked);
    let devices: Vec<_> =
        user.devices.iter().map(|it| (it.name.as_str(), it.kind.as_deref(), it.size)).collect();
    assert_eq!(devices, [("Jotta", Some("JOTTA"), Some(734_003_200)), ("My PC", None, None)]);
}

#[test]
fn a_device_shows_its_mountpoints() {
    let text = "<device time=\"t\" host=\"h\"><name xml:space=\"preserve\">Jotta</name><type>JOTTA</type><user>u7</user>\
        <mountPoints><mountPoint><name>Archive</name><size>5</size><modified>2026-03-04-T05:00:00Z</modified></mountPoint>\
        <mountPoint><name>OldSet</name><deleted>2026-02-01-T10:00:00Z</deleted><size>0</size><modified></modified></mountPoint>\
        </mountPoints><metadata first=\"\" max=\"\" total=\"2\" num_mountpoints=\"2\"/></device>";
    let details = now(read_device(text.as_bytes())).unwrap();
    let seen: Vec<_> = details.mountpoints.iter().map(|it| (it.name.as_str(), it.size, it.trashed)).collect();
    assert_eq!(seen, [("Archive", Some(5), false), ("OldSet", Some(0), true)]);
    let fresh = now(read_device(&b"<device><name>New</name></device>"[..])).unwrap();
    assert_eq!(fresh.mountpoints, []);
}

#[test]
fn the_trash_tells_where_things_were() {
    let text = format!(
        "<mountPoint time=\"t\" host=\"h\"><name>Trash</name><abspath>/u7/Jotta</abspath><size></size>\
         <folders><folder name=\"old\" deleted=\"2026-02-11-T08:00:00Z\" contextType=\"TRASH\">\
         <abspath xml:space=\"preserve\">/u7/Jotta/Archive/reports</abspath></folder>\
         <folder name=\"Set\" deleted=\"2026-02-11-T08:00:00Z\"><abspath>/u7/My PC</abspath></folder>\
         <folder name=\"lost\" deleted=\"2026-02-11-T08:00:00Z\"/></folders>\
         <files><file name=\"gone.txt\" deleted=\"2026-02-12-T08:00:00Z\"><abspath>/u7/Jotta/Archive</abspath>\
         <currentRevision>{REVISION}</currentRevision></file></files>\
         <metadata total=\"4\" num_folders=\"3\" num_files=\"1\"/></mountPoint>"
    );
    let trash = now(read_trash(text.as_bytes())).unwrap();
    let folders: Vec<_> = trash.folders.iter().map(|it| it.path.to_string()).collect();
    assert_eq!(folders, ["Jotta/Archive/reports/old", "My PC/Set"]);
    assert_eq!(trash.files[0].path.to_string(), "Jotta/Archive/gone.txt");
    assert!(trash.files[0].file.live().is_none());
}

#[test]
fn search_results_and_links() {
    let text = format!(
        "<searchresult time=\"t\" host=\"h\"><files><file name=\"a.txt\" uuid=\"u\"><path>/u7/Jotta/Archive</path>\
         <abspath>/u7/Jotta/Archive</abspath><publicURI>5d41</publicURI><currentRevision>{REVISION}</currentRevision></file></files>\
         <metadata first=\"0\" max=\"1\" total=\"1\" num_folders=\"1\"/></searchresult>"
    );
    let found = now(read_search_result(text.as_bytes())).unwrap();
    assert_eq!(found[0].path.to_string(), "Jotta/Archive/a.txt");
    assert!(now(read_search_result(&b"<folder name=\"x\"/>"[..])).is_err());
    let shared = "<folder name=\"x\"><publicURI>5d41</publicURI><files><file name=\"y\"><publicURI>no</publicURI></file></files></folder>";
    assert_eq!(now(read_link(shared.as_bytes())).unwrap().public_uri.as_deref(), Some("5d41"));
}

#[test]
fn another_document_than_expected_is_refused() {
    for text in ["<html><body>Gateway</body></html>", "<error><code>500</code></error>", "<user/>"] {
        assert!(folder(text).is_err(), "{text}");
        assert!(now(read_file(text.as_bytes())).is_err(), "{text}");
        assert!(now(read_device(text.as_bytes())).is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn a_damaged_document_is_read_or_refused_but_never_a_panic(at in 0usize..1500, byte in any::<u8>()) {
        let mut bytes = folder_document().into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        let _ = now(read_place(bytes.as_slice()));
        let _ = now(read_trash(bytes.as_slice()));
    }
}
