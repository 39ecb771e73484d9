//! File systems that are mounted, unmounted and full, in a mount namespace of the test's own.
#![cfg(target_os = "linux")]

use super::*;

/// Runs the test again where it may mount. True if that is done and there is nothing left to do.
fn done_in_own_mounts(test: &str) -> bool {
    const MARK: &str = "JOTTAD_TEST_OWN_MOUNTS";
    if std::env::var_os(MARK).is_some() {
        return false;
    }
    let own: &[&str] = if rustix::process::geteuid().is_root() {
        &["unshare", "--mount", "--propagation", "private", "--"]
    } else {
        &["unshare", "--map-root-user", "--mount", "--"]
    };
    let tried = Command::new(own[0]).args(&own[1..]).arg("true").status();
    if is_lacking("unshare", tried.is_ok_and(|status| status.success())) {
        return true;
    }
    let output = run_again(own, &format!("local_disk::tests::mounts::{test}"), MARK);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && printed.contains("1 passed"), "{output:?}");
    true
}

fn mount(path: &Path, options: &str) {
    run("mount", &["-t", "tmpfs", "-o", options, "none", path.to_str().unwrap()]);
}

fn unmount(path: &Path) {
    run("umount", &[path.to_str().unwrap()]);
}

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {output:?}");
}

#[test]
fn an_unmounted_root_is_lost_and_a_resting_disk_keeps_no_mount_busy() {
    if done_in_own_mounts("an_unmounted_root_is_lost_and_a_resting_disk_keeps_no_mount_busy") {
        return;
    }
    let folder = Folder::new();
    mount(&folder.root(), "size=1m");
    let stat = folder.write("file", "f");
    folder.list("").unwrap();
    unmount(&folder.root());
    assert_eq!(kind(folder.identify()), "RootLost");
    assert_eq!(kind(folder.list("")), "RootLost");
    assert_eq!(kind(folder.stat("file")), "RootLost");
    assert_eq!(kind(folder.trash("file", &DiskNode::File(stat))), "RootLost");
    assert_eq!(everything_below(&folder.root()), [folder.root()]);
}

#[test]
fn a_full_disk_loses_nothing() {
    if done_in_own_mounts("a_full_disk_loses_nothing") {
        return;
    }
    let folder = Folder::new();
    mount(&folder.root(), "size=256k,nr_inodes=24");
    let stat = folder.write("file", "old");
    let large = folder.runtime.block_on(async {
        let mut staged = folder.disk.stage(0).await.unwrap();
        staged.write(&vec![b'x'; 1 << 20])
    });
    assert_eq!(large.unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    assert!(files_below(&folder.at(".jottad/tmp")).is_empty());

    let mut fillers = 0;
    while fs::write(folder.at(&format!("filler {fillers}")), "").is_ok() {
        fillers += 1;
    }
    assert_eq!(kind(folder.place("new", "n", None)), "NoSpace");
    assert_eq!(kind(folder.make_directory("new")), "NoSpace");
    // Room for the new file, but for no directory in the trash.
    fs::remove_file(folder.at("filler 0")).unwrap();
    assert_eq!(kind(folder.place("file", "new", Some(&stat))), "NoSpace");
    assert_eq!(kind(folder.trash("file", &DiskNode::File(stat))), "NoSpace");
    assert_eq!(folder.file("file"), stat);
    assert_eq!(read(folder.at("file")), "old");
    assert!(files_below(&folder.at(".jottad")).is_empty());
}

#[test]
fn a_file_system_below_the_root_is_read_but_not_written_across() {
    if done_in_own_mounts("a_file_system_below_the_root_is_read_but_not_written_across") {
        return;
    }
    let folder = Folder::new();
    folder.make_directory("other").unwrap();
    mount(&folder.at("other"), "size=1m");
    let stat = folder.write("other/file", "f");
    assert_eq!(folder.names("other"), [b"file"]);
    assert!(folder.hash("other/file", &stat).is_ok());
    for error in [
        folder.place("other/new", "n", None).unwrap_err(),
        folder.trash("other/file", &DiskNode::File(stat)).unwrap_err(),
        folder.rename("other/file", "file", stat.identity).unwrap_err(),
    ] {
        assert!(error.to_string().contains("another file system"), "{error}");
    }
    assert_eq!(folder.names("other"), [b"file"]);
}

#[test]
fn a_file_system_that_came_into_the_trash_is_not_emptied() {
    if done_in_own_mounts("a_file_system_that_came_into_the_trash_is_not_emptied") {
        return;
    }
    for bind in [false, true] {
        let folder = Folder::new();
        folder.make_directory("d").unwrap();
        folder.make_directory("d/mounted").unwrap();
        if bind {
            let (from, to) = (folder.outside(), folder.at("d/mounted"));
            run("mount", &["--bind", from.to_str().unwrap(), to.to_str().unwrap()]);
        } else {
            mount(&folder.at("d/mounted"), "size=1m");
            folder.write("d/mounted/file", "secret");
        }
        let directory = DiskNode::Directory(folder.identity("d"));
        folder.trash("d", &directory).unwrap();
        let in_a_year = Timestamp::from_seconds(jiff::Timestamp::now().as_second() + 366 * 24 * 60 * 60);
        let result = folder.runtime.block_on(folder.disk.expire_trash(30, TrashLimit::Unlimited, in_a_year));
        assert_eq!(kind(result), "Other");
        assert_eq!(folder.trashed(), [("d/mounted/file".into(), "secret".into())]);
        folder.assert_outside_untouched();
        let slot = fs::read_dir(folder.at(".jottad/trash")).unwrap().next().unwrap().unwrap();
        unmount(&slot.path().join("d/mounted"));
    }
}

#[test]
fn what_is_mounted_at_a_directory_is_told_from_the_directory() {
    if done_in_own_mounts("what_is_mounted_at_a_directory_is_told_from_the_directory") {
        return;
    }
    let folder = Folder::new();
    folder.make_directory("a").unwrap();
    folder.make_directory("a/disk").unwrap();
    assert_eq!((folder.mount("a"), folder.mount("a/disk"), folder.mount("a/none")), (None, None, None));
    mount(&folder.at("a/disk"), "size=1m");
    folder.write("a/disk/below/file", "f");
    assert!(folder.mount("a/disk").is_some());
    assert_eq!(
        (folder.mount("a"), folder.mount("a/disk/below"), folder.mount("a/disk/below/file")),
        (None, None, None)
    );
    unmount(&folder.at("a/disk"));
    assert_eq!(folder.mount("a/disk"), None);
    // A bind mount is one, although it is on the same file system.
    fs::create_dir(folder.at("elsewhere")).unwrap();
    let (from, to) = (folder.at("elsewhere"), folder.at("a/disk"));
    run("mount", &["--bind", from.to_str().unwrap(), to.to_str().unwrap()]);
    assert!(folder.mount("a/disk").is_some());
    unmount(&folder.at("a/disk"));
}
