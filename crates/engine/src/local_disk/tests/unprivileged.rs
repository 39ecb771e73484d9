//! Permissions as a user without privileges meets them.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

/// Runs the test as nobody if we are root, for whom nothing is forbidden. True if that is done and there is
/// nothing left to do.
fn done_as_nobody(test: &str) -> bool {
    const MARK: &str = "JOTTAD_TEST_AS_NOBODY";
    if !rustix::process::geteuid().is_root() {
        return false;
    }
    assert!(std::env::var_os(MARK).is_none(), "still root");
    let nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--"];
    let output = run_again(&nobody, &format!("local_disk::tests::unprivileged::{test}"), MARK);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && printed.contains("1 passed"), "{output:?}");
    true
}

fn forbid(folder: &Folder, path: &str, mode: u32) {
    fs::set_permissions(folder.at(path), fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_may_not_be_read_hides_nothing_else() {
    if done_as_nobody("what_may_not_be_read_hides_nothing_else") {
        return;
    }
    let folder = Folder::new();
    let secret = folder.write("secret", "s");
    let plain = folder.write("plain", "p");
    for directory in ["closed", "names only", "entries only"] {
        folder.write(&format!("{directory}/file"), "f");
    }
    forbid(&folder, "secret", 0);
    forbid(&folder, "closed", 0);
    forbid(&folder, "names only", 0o600);
    forbid(&folder, "entries only", 0o300);

    assert_eq!(folder.list("").unwrap().len(), 5);
    let secret_now = folder.file("secret");
    assert_eq!(secret_now.size, secret.size);
    assert_eq!(kind(folder.hash("secret", &secret_now)), "PermissionDenied");
    assert_eq!(kind(folder.open("secret", &secret_now)), "PermissionDenied");
    assert!(folder.hash("plain", &plain).is_ok());
    for directory in ["closed", "names only"] {
        assert_eq!(kind(folder.list(directory)), "PermissionDenied", "{directory}");
        assert_eq!(kind(folder.stat(&format!("{directory}/file"))), "PermissionDenied", "{directory}");
    }
    assert_eq!(kind(folder.list("entries only")), "PermissionDenied");
    if cfg!(target_os = "linux") {
        let file = folder.file("entries only/file");
        assert!(folder.hash("entries only/file", &file).is_ok());
    }

    for directory in ["closed", "names only", "entries only"] {
        forbid(&folder, directory, 0o700);
    }
}

#[test]
fn what_may_not_be_written_stays_as_it_is() {
    if done_as_nobody("what_may_not_be_written_stays_as_it_is") {
        return;
    }
    let folder = Folder::new();
    folder.claim("id").unwrap();
    let stat = folder.write("fixed/file", "f");
    forbid(&folder, "fixed", 0o500);
    assert_eq!(kind(folder.place("fixed/new", "n", None)), "PermissionDenied");
    assert_eq!(kind(folder.place("fixed/file", "n", Some(&stat))), "PermissionDenied");
    assert_eq!(kind(folder.make_directory("fixed/new")), "PermissionDenied");
    assert_eq!(kind(folder.rename("fixed/file", "moved", stat.identity)), "PermissionDenied");
    assert_eq!(kind(folder.trash("fixed/file", &DiskNode::File(stat))), "PermissionDenied");
    assert_eq!(folder.file("fixed/file"), stat);
    assert_eq!(folder.names("fixed"), [b"file"]);
    assert_eq!(folder.trashed(), []);
    assert!(files_below(&folder.at(".jottad/tmp")).is_empty());
    forbid(&folder, "fixed", 0o700);
}

/// It was taken for one without a marker, which is another root.
#[test]
fn a_root_that_may_not_be_looked_into_says_so() {
    if done_as_nobody("a_root_that_may_not_be_looked_into_says_so") {
        return;
    }
    for has_marker in [false, true] {
        let folder = Folder::new();
        if has_marker {
            folder.write_unseen(".jottad/root-id", "another's");
        }
        for mode in [0o000, 0o600] {
            forbid(&folder, "", mode);
            assert_eq!(kind(folder.identify()), "PermissionDenied", "{mode:o}");
        }
        forbid(&folder, "", 0o700);
        assert!(folder.identify().is_ok());
    }
}

#[test]
fn a_root_that_may_not_be_written_is_read_all_the_same() {
    if done_as_nobody("a_root_that_may_not_be_written_is_read_all_the_same") {
        return;
    }
    let folder = Folder::new();
    let stat = folder.write("file", "abc");
    folder.write_unseen(".jottad/root-id", "another's");
    forbid(&folder, ".jottad", 0);
    forbid(&folder, "", 0o500);
    assert_eq!(folder.identify().unwrap().marker, None);
    assert_eq!(folder.names(""), [b"file"]);
    assert!(folder.hash("file", &stat).is_ok());
    assert_eq!(kind(folder.claim("id")), "PermissionDenied");
    forbid(&folder, "", 0o700);
    forbid(&folder, ".jottad", 0o700);
}

#[test]
fn the_trash_expires_whatever_the_modes_in_it() {
    if done_as_nobody("the_trash_expires_whatever_the_modes_in_it") {
        return;
    }
    let folder = Folder::new();
    folder.write("d/fixed/file", "f");
    folder.write("d/closed/file", "f");
    let directory = DiskNode::Directory(folder.identity("d"));
    forbid(&folder, "d/fixed", 0o500);
    forbid(&folder, "d/closed", 0);
    folder.trash("d", &directory).unwrap();
    let in_a_year = Timestamp::from_seconds(jiff::Timestamp::now().as_second() + 366 * 24 * 60 * 60);
    assert_eq!(
        folder
            .runtime
            .block_on(folder.disk.expire_trash(30, TrashLimit::Unlimited, in_a_year))
            .unwrap()
            .expired,
        1
    );
    assert_eq!(everything_below(&folder.at(".jottad/trash")), [folder.at(".jottad/trash")]);
}
