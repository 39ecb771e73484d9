//! Moving to the local trash, and what leaves it again.

use super::*;

const DAY: i64 = 24 * 60 * 60;

#[test]
fn entries_keep_their_path_in_the_trash_and_never_collide() {
    let folder = Folder::new();
    for content in ["one", "two", "three"] {
        let stat = folder.write("a/b/file", content);
        folder.trash("a/b/file", &DiskNode::File(stat)).unwrap();
    }
    folder.write("a/b/file", "in a directory");
    let directory = DiskNode::Directory(folder.identity("a"));
    folder.trash("a", &directory).unwrap();
    let stat = folder.write("a", "a file now");
    folder.trash("a", &DiskNode::File(stat)).unwrap();

    assert!(folder.names("").is_empty());
    assert_eq!(
        folder.trashed(),
        [
            ("a".into(), "a file now".into()),
            ("a/b/file".into(), "in a directory".into()),
            ("a/b/file".into(), "one".into()),
            ("a/b/file".into(), "three".into()),
            ("a/b/file".into(), "two".into()),
        ]
    );
}

#[test]
fn only_the_expected_entry_is_trashed() {
    let folder = Folder::new();
    let stat = folder.write("d/file", "f");
    let other = folder.write("d/other", "o");
    symlink("file", folder.at("d/link")).unwrap();
    let directory = DiskNode::Directory(folder.identity("d"));
    assert_eq!(kind(folder.trash("d/file", &DiskNode::File(other))), "Changed");
    assert_eq!(kind(folder.trash("d/file", &directory)), "Changed");
    assert_eq!(kind(folder.trash("d/missing", &DiskNode::File(stat))), "NotFound");
    assert_eq!(folder.file("d/file"), stat, "it was not moved, not even for a moment");
    assert!(!folder.at(".jottad").exists());
    assert_eq!(kind(folder.trash("d/link", &DiskNode::Other(OtherKind::Symlink))), "Other");
    assert_eq!(kind(folder.trash("", &DiskNode::Directory(folder.identity("")))), "Other");
    folder.write("d/file", "edited");
    assert_eq!(kind(folder.trash("d/file", &DiskNode::File(stat))), "Changed");
    assert_eq!(folder.names("d"), [&b"file"[..], b"link", b"other"]);
    folder.swap_for_outside("d");
    assert_eq!(kind(folder.trash("d/file", &DiskNode::File(stat))), "Changed");
    assert_eq!(folder.trashed(), []);
    folder.assert_outside_untouched();
}

#[test]
fn a_directory_with_more_than_is_known_is_where_it_was() {
    let folder = Folder::new();
    let stat = folder.write("d/e/file", "f");
    let known = [("e", DiskNode::Directory(folder.identity("d/e"))), ("e/file", DiskNode::File(stat))];
    let saved = folder.write("d/e/saved", "in the last moment");
    assert_eq!(kind(folder.trash_with("d", &known)), "Changed");
    assert_eq!(folder.file("d/e/saved"), saved);
    assert_eq!(folder.file("d/e/file"), stat);
    assert_eq!(folder.trashed(), []);

    fs::remove_file(folder.at("d/e/saved")).unwrap();
    folder.trash_with("d", &known).unwrap();
    assert!(folder.names("").is_empty());
    assert_eq!(folder.trashed(), [("d/e/file".into(), "f".into())]);
}

#[test]
fn the_trash_is_kept_for_its_days() {
    let folder = Folder::new();
    let stat = folder.write("letters/a", "a");
    folder.trash("letters/a", &DiskNode::File(stat)).unwrap();
    assert_eq!(expire_after(&folder, 29 * DAY), 0);
    assert_eq!(folder.trashed(), [("letters/a".into(), "a".into())]);
    assert_eq!(expire_after(&folder, 30 * DAY + 60), 1);
    assert_eq!(everything_below(&folder.at(".jottad/trash")), [folder.at(".jottad/trash")]);
}

#[test]
fn what_is_too_old_is_told_to_the_second() {
    let folder = Folder::new();
    folder.write_unseen(".jottad/trash/2020-02-29T1200Z/file", "f");
    let written = fs::metadata(folder.at(".jottad/trash/2020-02-29T1200Z/file")).unwrap().ctime();
    let expire = |limit, seconds| {
        let now = Timestamp::from_seconds(written + seconds);
        folder.runtime.block_on(folder.disk.expire_trash(30, limit, now)).unwrap().expired
    };
    assert_eq!(expire(TrashLimit::Unlimited, 30 * DAY), 0);
    assert_eq!(expire(TrashLimit::Bytes(0), DAY), 0);
    assert_eq!(expire(TrashLimit::Unlimited, 30 * DAY + 1), 1);
}

#[test]
fn a_limit_is_said_in_bytes_and_a_report_deletes_nothing() {
    let folder = Folder::new();
    let report = |limit| folder.runtime.block_on(folder.disk.trash_report(limit)).unwrap();
    let disk = rustix::fs::statvfs(folder.root()).unwrap();
    let tenth = u64::try_from(u128::from(disk.f_blocks) * u128::from(disk.f_frsize) * 10 / 100).unwrap();
    assert_eq!(report(TrashLimit::Percent(10)).bytes, 0);
    for slot in ["2020-02-28T1200Z", "2020-02-28T1201Z-2"] {
        folder.write_unseen(&format!(".jottad/trash/{slot}/a/file"), "x".repeat(100));
    }
    for (limit, bytes, is_over) in [
        (TrashLimit::Unlimited, None, false),
        (TrashLimit::Bytes(199), Some(199), true),
        (TrashLimit::Bytes(200), Some(200), false),
        (TrashLimit::Percent(10), Some(tenth), false),
    ] {
        let report = report(limit);
        assert_eq!((report.expired, report.bytes, report.limit), (0, 200, bytes), "{limit:?}");
        assert_eq!(report.is_over_limit(), is_over, "{limit:?}");
    }
}

#[test]
fn what_was_written_to_after_it_was_trashed_is_kept_longer() {
    let folder = Folder::new();
    folder.write_unseen(".jottad/trash/2020-02-29T1200Z/a/file", "written just now");
    assert_eq!(expire_after(&folder, 29 * DAY), 0);
    assert_eq!(folder.trashed().len(), 1);
    assert_eq!(expire_after(&folder, 30 * DAY + 60), 1);
}

#[test]
fn only_what_jottad_trashed_expires() {
    let folder = Folder::new();
    for name in ["notes", "2020-02-30T1200Z", "2020-02-28T1200Z-x", "2020-02-28T1200Z~", "2020-02-28"] {
        folder.write_unseen(&format!(".jottad/trash/{name}/file"), name);
    }
    folder.write_unseen(".jottad/trash/2020-02-28T1200Z-12/file", "ours");
    let before = folder.trashed().len();
    assert_eq!(expire_after(&folder, 365 * DAY), 1);
    assert_eq!(folder.trashed().len(), before - 1);
    assert!(!folder.trashed().contains(&("file".into(), "ours".into())));
}

#[test]
fn expiring_follows_no_symlink() {
    let folder = Folder::new();
    let slot = folder.at(".jottad/trash/2020-02-28T1200Z");
    fs::create_dir_all(&slot).unwrap();
    symlink(folder.outside(), slot.join("directory")).unwrap();
    symlink(folder.outside().join("file"), slot.join("file")).unwrap();
    symlink(folder.outside(), folder.at(".jottad/trash/2020-02-28T1201Z")).unwrap();
    assert_eq!(expire_after(&folder, 365 * DAY), 2);
    folder.assert_outside_untouched();
}

#[test]
fn a_folder_without_trash_has_nothing_to_expire() {
    let folder = Folder::new();
    assert_eq!(expire_after(&folder, 365 * DAY), 0);
    assert_eq!(everything_below(&folder.root()), [folder.root()]);
}

/// Expires what is older than 30 days, as if so many seconds had passed.
fn expire_after(folder: &Folder, seconds: i64) -> usize {
    let now = Timestamp::from_seconds(jiff::Timestamp::now().as_second() + seconds);
    folder.runtime.block_on(folder.disk.expire_trash(30, TrashLimit::Unlimited, now)).unwrap().expired
}

#[test]
fn beyond_its_limit_the_oldest_goes_but_nothing_of_the_last_day() {
    const DAY: i64 = 24 * 60 * 60;
    for (limit, expected_expired, expected_bytes) in [
        (TrashLimit::Unlimited, 0, 600),
        (TrashLimit::Bytes(600), 0, 600),
        (TrashLimit::Bytes(599), 1, 500),
        (TrashLimit::Bytes(450), 2, 300),
        (TrashLimit::Bytes(0), 2, 300),
        (TrashLimit::Percent(100), 0, 600),
    ] {
        let folder = Folder::new();
        for (slot, bytes) in [("2001-09-09T0146Z", 100), ("2001-09-09T0147Z", 200), ("2001-09-12T0000Z", 300)]
        {
            let path = format!(".jottad/trash/{slot}/file");
            folder.write_unseen(&path, "x".repeat(bytes));
        }
        folder.write_unseen(".jottad/trash/a persons/file", "kept");
        // What was written just now counts as old as that, so that is where the test's time begins.
        let written = Timestamp::from_seconds(jiff::Timestamp::now().as_second());
        let early = folder.runtime.block_on(folder.disk.expire_trash(30, limit, written)).unwrap();
        assert_eq!(
            (early.expired, early.bytes),
            (0, 600),
            "{limit:?}: all of it was changed within the last day"
        );
        let later = Timestamp::from_seconds(written.seconds() + DAY + 60);
        fs::rename(
            folder.at(".jottad/trash/2001-09-12T0000Z"),
            folder.at(&format!(".jottad/trash/{}", slot_of(later))),
        )
        .unwrap();
        let report = folder.runtime.block_on(folder.disk.expire_trash(30, limit, later)).unwrap();
        assert_eq!((report.expired, report.bytes), (expected_expired, expected_bytes), "{limit:?}");
        let is_over = matches!(limit, TrashLimit::Bytes(limit) if limit < expected_bytes);
        assert_eq!(report.is_over_limit(), is_over, "{limit:?}");
        assert_eq!(read(folder.at(".jottad/trash/a persons/file")), "kept");
    }
}

/// What the trash calls a minute.
fn slot_of(time: Timestamp) -> String {
    let time = jiff::Timestamp::from_second(time.seconds()).unwrap();
    time.strftime("%Y-%m-%dT%H%MZ").to_string()
}

#[test]
fn what_is_in_the_trash_is_listed_restored_and_destroyed() {
    let folder = Folder::new();
    folder.write("letters/a.txt", "old");
    folder.make_directory("empty").unwrap();
    let open_to_all: fs::Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(folder.at("empty"), open_to_all).unwrap();
    for path in ["letters", "empty"] {
        let node = folder.stat(path).unwrap().unwrap();
        folder.trash(path, &node).unwrap();
    }
    let trashed = || folder.runtime.block_on(folder.disk.trashed()).unwrap();
    let shown = |trashed: &[super::super::Trashed]| -> Vec<(String, Option<u64>)> {
        trashed.iter().map(|one| (one.path.to_string(), one.size)).collect()
    };
    let found = trashed();
    assert_eq!(shown(&found), [("empty".to_owned(), None), ("letters/a.txt".to_owned(), Some(3))]);
    assert!(found[0].slot.ends_with('Z'), "the first one of a minute has no number: {}", found[0].slot);
    let mode = fs::metadata(folder.at(".jottad/trash").join(&found[0].slot).join("empty")).unwrap().mode();
    assert_eq!(mode & 0o7777, 0o755, "to look at it changes nothing");

    folder.write("letters/a.txt", "new");
    let restore = |number: usize| folder.runtime.block_on(folder.disk.restore_trashed(found[number].clone()));
    assert_eq!(kind(restore(1)), "Occupied");
    fs::remove_dir_all(folder.at("letters")).unwrap();
    restore(1).unwrap();
    restore(0).unwrap();
    assert_eq!(read(folder.at("letters/a.txt")), "old");
    assert!(folder.at("empty").is_dir());
    assert_eq!(shown(&trashed()), []);

    let node = folder.stat("letters").unwrap().unwrap();
    folder.trash("letters", &node).unwrap();
    folder.write_unseen(".jottad/trash/a persons/file", "kept");
    assert_eq!(folder.runtime.block_on(folder.disk.empty_trash()).unwrap(), 3);
    assert_eq!(shown(&trashed()), []);
    assert_eq!(read(folder.at(".jottad/trash/a persons/file")), "kept");
}

#[test]
fn what_was_trashed_is_listed_with_the_second_in_which_it_came() {
    let folder = Folder::new();
    let stat = folder.write("letters/a", "a");
    let now = || jiff::Timestamp::now().as_second();
    // In the first second of a minute, the minute is the second.
    while now() % 60 == 0 {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let before = now();
    folder.trash("letters/a", &DiskNode::File(stat)).unwrap();
    let after = now();
    let listed = folder.runtime.block_on(folder.disk.trashed()).unwrap();
    assert!((before..=after).contains(&listed[0].at.seconds()), "{listed:?} between {before} and {after}");
}
