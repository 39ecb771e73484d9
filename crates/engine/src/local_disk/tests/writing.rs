//! Making directories, placing files, renaming and setting times.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

#[test]
fn a_new_file_is_placed_with_its_time_and_the_usual_mode() {
    let folder = Folder::new();
    let usual = folder.write("usual", "");
    let placed = folder.place("new", "content", None).unwrap();
    assert_eq!(read(folder.at("new")), "content");
    assert_eq!(folder.file("new"), placed);
    assert_eq!((placed.modified, placed.modified_nanoseconds, placed.size), (LONG_AGO, 0, 7));
    assert_eq!(mode(&folder, "new"), mode(&folder, "usual"));
    assert_ne!(placed.identity, usual.identity);
    assert_eq!(files_below(&folder.at(".jottad")), Vec::<PathBuf>::new());
}

#[test]
fn a_copy_is_a_file_of_its_own_with_the_same_content() {
    let folder = Folder::new();
    for bytes in [1, 300_000] {
        let content = "x".repeat(bytes);
        let source = folder.write("source", &content);
        let (staged, md5) = folder.copy("source", &source).unwrap();
        assert_eq!(md5, folder.hash("source", &source).unwrap());
        let target = relative(&format!("copy of {bytes}"));
        let placed = folder.runtime.block_on(folder.disk.place(staged, &target, LONG_AGO, None)).unwrap();
        assert_ne!(placed.identity, source.identity);
        folder.write("source", "edited");
        assert_eq!(read(folder.at(&format!("copy of {bytes}"))), content);
    }
    assert_eq!(files_below(&folder.at(".jottad")), Vec::<PathBuf>::new());
}

#[test]
fn a_new_file_has_the_group_that_its_directory_hands_on() {
    if !rustix::process::geteuid().is_root() {
        return; // Another group can only be given by root.
    }
    let folder = Folder::new();
    folder.make_directory("shared").unwrap();
    std::os::unix::fs::chown(folder.at("shared"), None, Some(12_345)).unwrap();
    fs::set_permissions(folder.at("shared"), fs::Permissions::from_mode(0o2775)).unwrap();
    folder.place("shared/file", "new", None).unwrap();
    assert_eq!(fs::metadata(folder.at("shared/file")).unwrap().gid(), 12_345);

    std::os::unix::fs::chown(folder.at("shared/file"), Some(54_321), None).unwrap();
    folder.place("shared/file", "newer", Some(&folder.file("shared/file"))).unwrap();
    let data = fs::metadata(folder.at("shared/file")).unwrap();
    assert_eq!((data.uid(), data.gid()), (54_321, 12_345));
}

#[test]
fn a_replaced_file_goes_to_the_trash_and_leaves_its_mode() {
    let folder = Folder::new();
    folder.write("letters/a.sh", "old");
    fs::set_permissions(folder.at("letters/a.sh"), fs::Permissions::from_mode(0o750)).unwrap();
    let old = folder.file("letters/a.sh");
    let placed = folder.place("letters/a.sh", "new", Some(&old)).unwrap();
    assert_eq!(read(folder.at("letters/a.sh")), "new");
    assert_eq!(folder.file("letters/a.sh"), placed);
    assert_eq!(mode(&folder, "letters/a.sh"), 0o750);
    assert_eq!(folder.trashed(), [("letters/a.sh".into(), "old".into())]);
    assert!(files_below(&folder.at(".jottad/tmp")).is_empty());
}

#[test]
fn a_finished_file_takes_the_place_of_another_one_which_goes_to_the_trash() {
    for is_edited in [false, true] {
        let folder = Folder::new();
        let old = folder.write("d/file", "old");
        folder.write("d/finished", "new");
        if is_edited {
            folder.write("d/file", "edited");
        }
        let (finished, place) = (relative("d/finished"), relative("d/file"));
        let replaced = folder.runtime.block_on(folder.disk.replace(finished, &place, old));
        if is_edited {
            assert_eq!(kind(replaced), "Changed");
            assert_eq!(read(folder.at("d/file")), "edited");
            assert_eq!(folder.trashed(), []);
        } else {
            replaced.unwrap();
            assert_eq!(read(folder.at("d/file")), "new");
            assert_eq!(folder.names("d"), [b"file"]);
            assert_eq!(folder.trashed(), [("d/file".into(), "old".into())]);
        }
    }
}

#[test]
fn placing_leaves_alone_whatever_is_not_expected() {
    type Change = fn(&Folder);
    let changes: [(&str, &str, Change); 7] = [
        ("edited", "Changed", |folder| fs::write(folder.at("d/file"), "edited").unwrap()),
        ("touched", "Changed", |folder| {
            fs::File::open(folder.at("d/file")).unwrap().set_modified(std::time::SystemTime::now()).unwrap();
        }),
        ("replaced", "Changed", |folder| {
            fs::write(folder.at("d/new"), "other").unwrap();
            fs::rename(folder.at("d/new"), folder.at("d/file")).unwrap();
        }),
        ("a directory", "Changed", |folder| {
            fs::remove_file(folder.at("d/file")).unwrap();
            fs::create_dir(folder.at("d/file")).unwrap();
        }),
        ("deleted", "Changed", |folder| fs::remove_file(folder.at("d/file")).unwrap()),
        ("deleted with its directory", "NotFound", |folder| fs::remove_dir_all(folder.at("d")).unwrap()),
        ("in a directory that is a symlink now", "Changed", |folder| folder.swap_for_outside("d")),
    ];
    for (what, expected, change) in changes {
        let folder = Folder::new();
        let stat = folder.write("d/file", "old");
        change(&folder);
        let before = stamps_below(&folder.at("d"));
        assert_eq!(kind(folder.place("d/file", "new", Some(&stat))), expected, "{what}");
        assert_eq!(stamps_below(&folder.at("d")), before, "{what}");
        assert!(files_below(&folder.at(".jottad")).is_empty(), "{what}");
        folder.assert_outside_untouched();
    }
}

#[test]
fn a_name_that_must_be_free_is_never_taken_from_another() {
    for make in [
        |path: &Path| fs::write(path, "there").unwrap(),
        |path: &Path| fs::create_dir(path).unwrap(),
        |path: &Path| symlink("nowhere", path).unwrap(),
    ] {
        let folder = Folder::new();
        let other = folder.write("other", "o");
        make(&folder.at("taken"));
        let node = folder.stat("taken").unwrap();
        assert_eq!(kind(folder.place("taken", "new", None)), "Occupied");
        assert_eq!(kind(folder.rename("other", "taken", other.identity)), "Occupied");
        assert_eq!(folder.stat("taken").unwrap(), node);
        assert_eq!(folder.file("other"), other);
    }
}

#[test]
fn a_staged_file_that_is_not_placed_leaves_nothing() {
    let folder = Folder::new();
    folder.runtime.block_on(async {
        let mut staged = folder.disk.stage(0).await.unwrap();
        staged.write(b"half").unwrap();
        assert_eq!(files_below(&folder.at(".jottad/tmp")).len(), 1);
        let other = folder.disk.stage(0).await.unwrap();
        assert_eq!(files_below(&folder.at(".jottad/tmp")).len(), 2);
        drop((staged, other));
    });
    assert!(files_below(&folder.at(".jottad")).is_empty());
}

#[test]
fn what_is_not_downloaded_yet_is_closed_to_others() {
    let folder = Folder::new();
    folder.runtime.block_on(async {
        let _staged = folder.disk.stage(0).await.unwrap();
        let file = &files_below(&folder.at(".jottad/tmp"))[0];
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    });
    for directory in [".jottad", ".jottad/tmp"] {
        assert_eq!(mode(&folder, directory), 0o700);
    }
}

#[test]
fn making_a_directory_that_is_there_is_fine() {
    let folder = Folder::new();
    let made = folder.make_directory("d").unwrap();
    assert_eq!(folder.make_directory("d").unwrap(), made);
    assert_eq!(folder.identity("d"), made);
    folder.write("file", "");
    symlink(folder.outside(), folder.at("link")).unwrap();
    assert_eq!(kind(folder.make_directory("file")), "Occupied");
    assert_eq!(kind(folder.make_directory("link")), "Occupied");
    assert_eq!(kind(folder.make_directory("link/below")), "Changed");
    assert_eq!(kind(folder.make_directory("missing/below")), "NotFound");
    assert_eq!(kind(folder.make_directory("file/below")), "NotFound");
    assert_eq!(kind(folder.make_directory("")), "Other");
    folder.assert_outside_untouched();
}

#[test]
fn an_entry_is_renamed_with_all_that_is_in_it() {
    let folder = Folder::new();
    let stat = folder.write("from/inner/file", "f");
    folder.make_directory("to").unwrap();
    let identity = folder.identity("from/inner");
    folder.rename("from/inner", "to/moved", identity).unwrap();
    assert_eq!(folder.stat("from/inner").unwrap(), None);
    assert_eq!(folder.file("to/moved/file"), stat, "what is in a renamed directory does not change");
    folder.rename("to/moved/file", "File", stat.identity).unwrap();
    assert_eq!(read(folder.at("File")), "f");
}

#[test]
fn renaming_refuses_what_is_not_expected() {
    let folder = Folder::new();
    let stat = folder.write("d/file", "f");
    let other = folder.write("d/other", "o");
    let directory = folder.identity("d");
    assert_eq!(kind(folder.rename("d/file", "new", other.identity)), "Changed");
    assert_eq!(kind(folder.rename("d/missing", "new", stat.identity)), "NotFound");
    assert_eq!(kind(folder.rename("d/file", "missing/new", stat.identity)), "NotFound");
    assert_eq!(kind(folder.rename("d", "d/below", directory)), "Other");
    // Renaming one hard link to another would silently do nothing.
    fs::hard_link(folder.at("d/file"), folder.at("d/FILE")).unwrap();
    assert_eq!(kind(folder.rename("d/file", "d/FILE", stat.identity)), "Occupied");
    symlink(folder.outside(), folder.at("link")).unwrap();
    assert_eq!(kind(folder.rename("d/other", "link/new", other.identity)), "Changed");
    assert_eq!(folder.names("d"), [&b"FILE"[..], b"file", b"other"]);
    folder.assert_outside_untouched();
}

#[test]
fn a_time_is_set_on_the_expected_file_alone() {
    let folder = Folder::new();
    let stat = folder.write("d/file", "f");
    let now = folder.set_modified("d/file", &stat).unwrap();
    assert_eq!((now.modified, now.modified_nanoseconds), (LONG_AGO, 0));
    assert_eq!(folder.file("d/file"), now);
    assert_eq!((now.identity, now.size), (stat.identity, stat.size));
    assert_eq!(kind(folder.set_modified("d/file", &stat)), "Changed");
    assert_eq!(kind(folder.set_modified("d/missing", &stat)), "NotFound");
    folder.swap_for_outside("d");
    assert_eq!(kind(folder.set_modified("d/file", &stat)), "Changed");
    assert_ne!(fs::metadata(folder.outside().join("file")).unwrap().mtime(), LONG_AGO.seconds());
}

pub(super) fn mode(folder: &Folder, path: &str) -> u32 {
    fs::metadata(folder.at(path)).unwrap().permissions().mode() & 0o777
}
