//! How programs save files, and how soon that is hinted.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::time::{Duration, Instant, SystemTime};

use crate::scanner::Bench;

#[test]
fn every_way_to_save_a_file_is_noticed() {
    let mut bench = Bench::filled(|root| fs::write(root.join("doc"), "old").unwrap());

    fs::write(bench.path("doc"), "in place").unwrap();
    bench.assert_nothing_missed();

    fs::write(bench.path("doc.tmp"), "renamed over").unwrap();
    fs::rename(bench.path("doc.tmp"), bench.path("doc")).unwrap();
    bench.assert_nothing_missed();

    fs::rename(bench.path("doc"), bench.path("doc~")).unwrap();
    fs::write(bench.path("doc"), "with backup").unwrap();
    fs::remove_file(bench.path("doc~")).unwrap();
    bench.assert_nothing_missed();

    fs::remove_file(bench.path("doc")).unwrap();
    fs::write(bench.path("doc"), "removed and made again").unwrap();
    bench.assert_nothing_missed();

    fs::hard_link(bench.path("doc"), bench.path("link")).unwrap();
    symlink("doc", bench.path("symlink")).unwrap();
    fs::set_permissions(bench.path("doc"), fs::Permissions::from_mode(0o600)).unwrap();
    bench.assert_nothing_missed();

    let past = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    fs::File::options().write(true).open(bench.path("doc")).unwrap().set_modified(past).unwrap();
    bench.assert_nothing_missed();
}

#[test]
fn a_write_is_noticed_while_the_file_stays_open() {
    let mut bench = Bench::new();
    let mut file = fs::File::create(bench.path("open")).unwrap();
    bench.assert_nothing_missed();
    file.write_all(b"more").unwrap();
    bench.assert_nothing_missed();
    drop(file);
}

#[test]
fn a_saved_file_is_hinted_at_once_and_once() {
    let mut bench = Bench::with(
        |root| fs::create_dir(root.join("d")).unwrap(),
        |options| {
            options.settle = Duration::from_secs(5);
            options.read_gap = Duration::from_millis(50);
        },
    );
    let start = Instant::now();
    fs::write(bench.path("d/doc.tmp"), "content").unwrap();
    fs::rename(bench.path("d/doc.tmp"), bench.path("d/doc")).unwrap();
    bench.follow_until(|bench| bench.knows("d/doc"));
    // Without the settle time; the target is a tenth of a second, the rest is for a busy machine.
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    bench.follow_until(|bench| bench.coverage().pending == 0);
    assert_eq!(bench.hints.len(), 1, "{:?}", bench.hints);
}

/// Who asks in between was told that nothing is to be hinted, and a moment later that something is.
#[test]
#[cfg(target_os = "linux")]
fn what_the_system_keeps_unread_is_still_to_be_hinted() {
    let mut bench = Bench::with(
        |root| ["a", "b"].iter().for_each(|name| fs::write(root.join(name), "").unwrap()),
        |options| options.read_gap = Duration::from_mins(1),
    );
    let root = bench.root().to_owned();
    let touch = |name: &str| fs::set_permissions(root.join(name), fs::Permissions::from_mode(0o600)).unwrap();
    touch("a");
    bench.follow_until(|bench| !bench.hints.is_empty() && bench.coverage().pending == 0);
    touch("b");
    assert_eq!(bench.coverage().pending, 1);
}

#[test]
fn names_need_not_be_text() {
    let mut bench = Bench::new();
    let directory = bench.root().join(OsStr::from_bytes(b"caf\xe9\n"));
    fs::create_dir(&directory).unwrap();
    bench.assert_nothing_missed();
    fs::write(directory.join(OsStr::from_bytes(b"\xff\xfe")), "").unwrap();
    fs::create_dir_all(directory.join(OsStr::from_bytes(&[b'x'; 255])).join("deep")).unwrap();
    bench.assert_nothing_missed();
}

#[test]
fn a_link_to_a_directory_is_not_followed() {
    let mut bench = Bench::new();
    let outside = bench.outside("elsewhere");
    fs::create_dir(&outside).unwrap();
    symlink(&outside, bench.path("link")).unwrap();
    bench.assert_nothing_missed();
    let hints = bench.hints.len();

    fs::create_dir(outside.join("d")).unwrap();
    fs::write(outside.join("f"), "").unwrap();
    bench.assert_nothing_missed();
    assert!(bench.hints_since(hints).is_empty(), "{:?}", bench.hints_since(hints));
    assert_eq!(bench.coverage().directories, 2);
}

#[test]
fn excluded_names_are_neither_watched_nor_hinted() {
    let mut bench = Bench::filled(|root| fs::create_dir_all(root.join(".jottad/tmp")).unwrap());
    assert_eq!(bench.coverage().directories, 2);
    fs::write(bench.path(".jottad/tmp/part"), "content").unwrap();
    fs::create_dir(bench.path(".jottad/trash")).unwrap();
    bench.assert_nothing_missed();
    assert!(bench.hints_since(0).is_empty(), "{:?}", bench.hints);

    // Out of it and into it is a change.
    fs::rename(bench.path(".jottad/tmp"), bench.path("restored")).unwrap();
    bench.assert_nothing_missed();
    assert!(bench.knows("restored/part"));
    fs::rename(bench.path("restored"), bench.path(".jottad/trash/restored")).unwrap();
    bench.assert_nothing_missed();
    bench.follow_until(|bench| bench.coverage().directories == 2);
    assert!(fs::metadata(bench.path(".jottad/trash/restored/part")).unwrap().size() > 0);
}
