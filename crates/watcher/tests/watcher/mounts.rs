//! Mounts inside the root and over it. Each test runs itself again in a mount namespace of its own.

use std::fs;
use std::path::Path;
use std::process::Command;

use jottad_watcher::Hint;

use crate::scanner::Bench;

const INSIDE: &str = "JOTTAD_TEST_MOUNT_NAMESPACE";

/// Runs a test of this file where it may mount; an ordinary user becomes root of a new user namespace for
/// that.
fn in_own_namespace(name: &str, test: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        return test();
    }
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "--"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &format!("mounts::{name}"), "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let report =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "in its own namespace: {report}");
    assert!(report.contains("1 passed"), "{report}");
}

fn run(program: &str, arguments: &[&str], path: &Path) {
    let status = Command::new(program).args(arguments).arg(path).status().unwrap();
    assert!(status.success(), "{program} {arguments:?} {}", path.display());
}

fn mount(path: &Path) {
    run("mount", &["-t", "tmpfs", "tmpfs"], path);
}

#[test]
fn what_is_mounted_and_unmounted_inside_the_root_is_noticed() {
    in_own_namespace("what_is_mounted_and_unmounted_inside_the_root_is_noticed", || {
        let mut bench = Bench::filled(|root| {
            fs::create_dir_all(root.join("a/disk/below")).unwrap();
            fs::write(root.join("a/disk/below/f"), "").unwrap();
        });
        let disk = bench.path("a/disk");
        for flags in [&[][..], &["--lazy"]] {
            mount(&disk);
            bench.follow_until(|bench| !bench.knows("a/disk/below"));
            fs::create_dir_all(disk.join("new/deep")).unwrap();
            fs::write(disk.join("new/deep/f"), "").unwrap();
            bench.assert_nothing_missed();
            assert!(bench.knows("a/disk/new/deep/f"));
            assert_eq!(bench.coverage().polled_directories, 0);

            run("umount", flags, &disk);
            bench.follow_until(|bench| bench.knows("a/disk/below/f"));
            fs::write(disk.join("below/g"), "").unwrap();
            bench.assert_nothing_missed();
            bench.follow_until(|bench| bench.coverage().directories == 5);
        }
    });
}

#[test]
fn a_mount_over_the_root_loses_it_and_so_does_unmounting_it() {
    in_own_namespace("a_mount_over_the_root_loses_it_and_so_does_unmounting_it", || {
        let mut bench = Bench::new();
        mount(bench.root());
        bench.follow_until(|bench| bench.hints.last() == Some(&Hint::RootLost));

        let mut bench = Bench::filled(mount);
        fs::create_dir(bench.path("d")).unwrap();
        bench.follow_until(|bench| bench.knows("d"));
        // The watches do not keep the file system busy.
        run("umount", &[], bench.root());
        bench.follow_until(|bench| bench.hints.last() == Some(&Hint::RootLost));
    });
}

#[test]
fn a_directory_that_is_in_the_tree_twice_is_polled_at_one_place() {
    in_own_namespace("a_directory_that_is_in_the_tree_twice_is_polled_at_one_place", || {
        let mut bench = Bench::filled(|root| {
            fs::create_dir_all(root.join("one/inner")).unwrap();
            fs::create_dir(root.join("two")).unwrap();
        });
        let one = bench.path("one");
        run("mount", &["--bind", one.to_str().unwrap()], &bench.path("two"));
        bench.follow_until(|bench| bench.coverage().polled_directories == 2);
        fs::write(one.join("inner/f"), "").unwrap();
        bench.follow_until(|bench| bench.knows("one/inner/f") && bench.knows("two/inner/f"));

        run("umount", &[], &bench.path("two"));
        bench.follow_until(|bench| bench.coverage().polled_directories == 0 && !bench.knows("two/inner"));
        bench.assert_nothing_missed();
    });
}
