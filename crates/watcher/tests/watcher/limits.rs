//! Directories that cannot be watched are polled, counted and never fatal.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use jottad_watcher::{Backend, RescanCause};

use crate::scanner::Bench;

#[test]
fn beyond_the_limit_of_watches_directories_are_polled_and_counted() {
    let mut bench = Bench::with(
        |root| {
            for number in 0..20 {
                fs::create_dir_all(root.join(format!("d{number}/e"))).unwrap();
            }
        },
        |options| options.watch_limit = Some(11),
    );
    let coverage = bench.coverage();
    assert_eq!((coverage.directories, coverage.polled_directories), (42, 31));
    let command = coverage.limit_hint.unwrap();
    assert!(command.starts_with("sudo sysctl -w fs.inotify.max_user_watches="), "{command}");

    for number in 0..20 {
        fs::write(bench.path(&format!("d{number}/e/f")), "").unwrap();
    }
    bench.follow_until(|bench| (0..20).all(|number| bench.knows(&format!("d{number}/e/f"))));
    assert!(bench.has_hint(RescanCause::Poll));

    fs::create_dir_all(bench.path("new/deep")).unwrap();
    fs::write(bench.path("new/deep/f"), "").unwrap();
    bench.follow_until(|bench| bench.knows("new/deep/f"));
    assert!(bench.subtree_hints("new").contains(&RescanCause::WatchLimit));
    bench.follow_until(|bench| bench.coverage().polled_directories == 33);
}

#[test]
fn freed_watches_are_used_for_what_was_polled() {
    let mut bench = Bench::with(
        |root| {
            for number in 0..8 {
                fs::create_dir(root.join(format!("d{number}"))).unwrap();
            }
        },
        |options| options.watch_limit = Some(8),
    );
    assert_eq!(bench.coverage().polled_directories, 2);
    for number in 0..8 {
        fs::remove_dir(bench.path(&format!("d{number}"))).unwrap();
        fs::create_dir(bench.path(&format!("e{number}"))).unwrap();
    }
    fs::remove_dir(bench.path("e0")).unwrap();
    fs::remove_dir(bench.path("e1")).unwrap();
    bench.follow_until(|bench| bench.coverage().polled_directories == 0);
    assert_eq!(bench.coverage().limit_hint, None);
    assert_eq!(bench.coverage().directories, 8);
    bench.assert_nothing_missed();
}

#[test]
fn polling_alone_finds_everything() {
    let mut bench = Bench::with(
        |root| fs::create_dir(root.join("d")).unwrap(),
        |options| {
            options.backend = Backend::Poll;
            options.poll_interval = Duration::from_millis(20);
        },
    );
    let coverage = bench.coverage();
    assert_eq!((coverage.directories, coverage.polled_directories), (3, 3));
    assert!(coverage.notice.is_some());
    fs::create_dir_all(bench.path("a/b")).unwrap();
    fs::write(bench.path("a/b/f"), "").unwrap();
    bench.follow_until(|bench| bench.knows("a/b/f"));
}

/// Root reads everything, so this needs an ordinary user; for root it asserts that the directory is watched.
#[test]
fn an_unreadable_directory_is_hinted_counted_and_watched_once_it_can_be_read() {
    let mut bench = Bench::filled(|root| {
        fs::create_dir_all(root.join("locked/inner")).unwrap();
        fs::set_permissions(root.join("locked"), fs::Permissions::from_mode(0o000)).unwrap();
    });
    let reads_all = fs::read_dir(bench.path("locked")).is_ok();
    assert_eq!(bench.coverage().unreadable_directories, usize::from(!reads_all));
    assert_eq!(bench.coverage().polled_directories, 0);

    fs::set_permissions(bench.path("locked"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(bench.path("locked/inner/f"), "").unwrap();
    bench.follow_until(|bench| bench.coverage().unreadable_directories == 0);
    bench.assert_nothing_missed();
    assert!(bench.knows("locked/inner/f"));

    fs::create_dir(bench.path("late")).unwrap();
    fs::set_permissions(bench.path("late"), fs::Permissions::from_mode(0o000)).unwrap();
    bench.assert_nothing_missed();
    fs::set_permissions(bench.path("late"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::create_dir(bench.path("late/inner")).unwrap();
    bench.assert_nothing_missed();
    assert_eq!(bench.coverage().directories, 6);
}
