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
    folder.runtime.block_on(folder.disk.expire_trash(30, now)).unwrap()
}
