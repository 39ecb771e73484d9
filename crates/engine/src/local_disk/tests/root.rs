//! Which directory the root is, whether it is still there, and who may work on it.

use super::*;

#[test]
fn only_a_directory_can_be_a_root() {
    let folder = Folder::new();
    folder.write("file", "");
    for path in ["missing", "file", "file/below"] {
        assert_eq!(kind(LocalDisk::open(folder.at(path))), "RootLost", "{path}");
    }
    symlink(folder.root(), folder.directory.path().join("link")).unwrap();
    assert!(LocalDisk::open(folder.directory.path().join("link")).is_ok());
}

#[test]
fn a_lost_root_is_noticed_by_every_operation_and_found_again() {
    let folder = Folder::new();
    let stat = folder.write("file", "f");
    let node = DiskNode::File(stat);
    let identity = folder.identify().unwrap();
    let away = folder.directory.path().join("away");

    for replaced in [false, true] {
        fs::rename(folder.root(), &away).unwrap();
        if replaced {
            fs::create_dir(folder.root()).unwrap();
        }
        assert_eq!(kind(folder.identify()), "RootLost");
        assert_eq!(kind(folder.list("")), "RootLost");
        assert_eq!(kind(folder.stat("file")), "RootLost");
        assert_eq!(kind(folder.hash("file", &stat)), "RootLost");
        assert_eq!(kind(folder.open("file", &stat)), "RootLost");
        assert_eq!(kind(folder.make_directory("new")), "RootLost");
        assert_eq!(kind(folder.place("new", "n", None)), "RootLost");
        assert_eq!(kind(folder.rename("file", "new", stat.identity)), "RootLost");
        assert_eq!(kind(folder.trash("file", &node)), "RootLost");
        assert_eq!(kind(folder.set_modified("file", &stat)), "RootLost");
        assert_eq!(kind(folder.claim("marker")), "RootLost");
        if replaced {
            assert_eq!(
                everything_below(&folder.root()),
                [folder.root()],
                "nothing was written to the other one"
            );
            fs::remove_dir(folder.root()).unwrap();
        }
        fs::rename(&away, folder.root()).unwrap();
        assert_eq!(folder.identify().unwrap(), identity);
        assert_eq!(folder.stat("file").unwrap(), Some(node));
    }
}

#[test]
fn looking_at_the_root_settles_nothing_but_working_in_it_does() {
    let folder = Folder::new();
    let first = folder.identify().unwrap();
    fs::rename(folder.root(), folder.directory.path().join("away")).unwrap();
    fs::create_dir(folder.root()).unwrap();
    let second = folder.identify().unwrap();
    assert_ne!(first.identity, second.identity);

    folder.list("").unwrap();
    fs::remove_dir(folder.root()).unwrap();
    fs::rename(folder.directory.path().join("away"), folder.root()).unwrap();
    assert_eq!(kind(folder.identify()), "RootLost");
}

#[test]
fn a_directory_that_took_the_roots_place_after_the_look_is_not_claimed() {
    let folder = Folder::new();
    let seen = folder.identify().unwrap();
    let away = folder.directory.path().join("away");
    fs::rename(folder.root(), &away).unwrap();
    fs::create_dir(folder.root()).unwrap();
    let claim = |root| folder.runtime.block_on(folder.disk.claim_root(root, "id"));
    assert_eq!(kind(claim(&seen)), "RootLost");
    assert_eq!(fs::read_dir(folder.root()).unwrap().count(), 0, "nothing was written");

    fs::remove_dir(folder.root()).unwrap();
    fs::rename(away, folder.root()).unwrap();
    claim(&seen).unwrap();
}

#[test]
fn the_marker_is_what_was_claimed_first() {
    let folder = Folder::new();
    assert_eq!(folder.identify().unwrap().marker, None);
    folder.claim("first").unwrap();
    folder.claim("second").unwrap();
    assert_eq!(folder.identify().unwrap().marker.as_deref(), Some("first"));
    assert!(read(folder.at(".jottad/README")).contains("jottad"));
}

/// Writing fails for root too where a directory stands in the place of the new file.
#[test]
fn a_marker_that_cannot_be_written_is_no_claim() {
    let folder = Folder::new();
    fs::create_dir_all(folder.at(".jottad/root-id.new/in")).unwrap();
    assert!(folder.claim("id").is_err());
    assert_eq!(folder.identify().unwrap().marker, None);
    fs::remove_dir_all(folder.at(".jottad/root-id.new")).unwrap();
    folder.claim("id").unwrap();
    assert_eq!(folder.identify().unwrap().marker.as_deref(), Some("id"));
}

#[test]
fn whatever_stands_in_the_markers_place_is_read_safely() {
    let folder = Folder::new();
    let marker = folder.at(".jottad/root-id");
    fs::create_dir(folder.at(".jottad")).unwrap();
    fs::write(&marker, vec![b'x'; 1_000_000]).unwrap();
    assert_eq!(folder.identify().unwrap().marker, Some("x".repeat(1024)));
    fs::write(&marker, b"id\xff\r\nsecond line").unwrap();
    assert_eq!(folder.identify().unwrap().marker.as_deref(), Some("id\u{fffd}"));
    fs::remove_file(&marker).unwrap();
    symlink(folder.outside().join("file"), &marker).unwrap();
    assert_eq!(folder.identify().unwrap().marker, None);
    fs::remove_file(&marker).unwrap();
    make_fifo(&marker);
    assert_eq!(folder.identify().unwrap().marker, None);
}

#[test]
fn one_daemon_works_on_a_root_at_a_time() {
    let folder = Folder::new();
    folder.claim("id").unwrap();
    let other = LocalDisk::open(folder.root()).unwrap();
    let root = folder.identify().unwrap();
    let claim = |disk: &LocalDisk| folder.runtime.block_on(disk.claim_root(&root, "id"));
    assert_eq!(kind(claim(&other)), "Locked");
    assert!(claim(&folder.disk.clone()).is_ok(), "a clone is the same daemon");

    let Folder { directory, runtime, disk } = folder;
    drop(disk);
    assert!(runtime.block_on(other.claim_root(&root, "id")).is_ok());
    drop(directory);
}

#[test]
fn claiming_deletes_what_was_left_unfinished_and_nothing_else() {
    let folder = Folder::new();
    folder.write_unseen(".jottad/tmp/1-7.part", "half");
    folder.write_unseen(".jottad/tmp/mine.txt", "whole");
    folder.write_unseen(".jottad/trash/2026-11-23T1714Z/file", "old");
    folder.claim("id").unwrap();
    assert_eq!(files_below(&folder.at(".jottad/tmp")), [folder.at(".jottad/tmp/mine.txt")]);
    assert_eq!(folder.trashed(), [("file".into(), "old".into())]);
}

#[test]
fn a_marker_is_one_short_line() {
    let folder = Folder::new();
    for marker in ["", "two\nlines", &"x".repeat(1024)] {
        assert_eq!(kind(folder.claim(marker)), "Other", "{marker:?}");
    }
    assert_eq!(everything_below(&folder.root()), [folder.root()]);
}

#[test]
fn the_own_directory_is_invisible_and_cannot_be_changed_by_path() {
    let folder = Folder::new();
    folder.claim("id").unwrap();
    assert!(folder.names("").is_empty());
    assert_eq!(folder.stat(".jottad").unwrap(), None);
    assert_eq!(folder.stat(".jottad/root-id").unwrap(), None);
    assert_eq!(kind(folder.list(".jottad")), "NotFound");

    let stat = folder.write("file", "f");
    for path in [".jottad", ".jottad/root-id", ".JottaD/x"] {
        assert_eq!(kind(folder.make_directory(path)), "Other", "{path}");
        assert_eq!(kind(folder.place(path, "x", None)), "Other", "{path}");
        assert_eq!(kind(folder.rename("file", path, stat.identity)), "Other", "{path}");
        assert_eq!(kind(folder.rename(path, "new", stat.identity)), "Other", "{path}");
        assert_eq!(kind(folder.trash(path, &DiskNode::File(stat))), "Other", "{path}");
        assert_eq!(kind(folder.set_modified(path, &stat)), "Other", "{path}");
    }
    assert_eq!(folder.identify().unwrap().marker.as_deref(), Some("id"));
}

#[test]
fn an_own_directory_that_leads_outside_is_not_used() {
    for name in [".jottad", ".jottad/tmp", ".jottad/trash"] {
        let folder = Folder::new();
        let stat = folder.write("file", "f");
        fs::create_dir_all(folder.at(name).parent().unwrap()).unwrap();
        symlink(folder.outside(), folder.at(name)).unwrap();
        if name == ".jottad" {
            assert_eq!(kind(folder.claim("id")), "Other");
        }
        if name != ".jottad/trash" {
            assert_eq!(kind(folder.place("new", "n", None)), "Other", "{name}");
        }
        if name != ".jottad/tmp" {
            assert_eq!(kind(folder.trash("file", &DiskNode::File(stat))), "Other", "{name}");
        }
        folder.assert_outside_untouched();
        assert_eq!(read(folder.at("file")), "f");
    }
}
