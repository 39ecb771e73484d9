//! The storms that lose changes elsewhere.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use jottad_watcher::RescanCause;

use crate::scanner::Bench;

#[test]
fn nothing_is_missed_in_a_thousand_new_trees_that_are_filled_at_once() {
    let mut bench = Bench::new();
    for number in 0..1000 {
        let directory = bench.path(&format!("r{number}/a/b"));
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("f"), "content").unwrap();
    }
    bench.assert_nothing_missed();
    assert_eq!(bench.coverage().directories, 3002);
}

#[test]
fn nothing_is_missed_in_a_large_directory_that_was_just_renamed() {
    let mut bench = Bench::filled(|root| {
        for number in 0..2000 {
            fs::create_dir_all(root.join(format!("old/d{number}"))).unwrap();
        }
    });
    fs::rename(bench.path("old"), bench.path("new")).unwrap();
    for number in 0..20 {
        fs::write(bench.path(&format!("new/d{}/f", number * 97)), "content").unwrap();
    }
    bench.assert_nothing_missed();
    assert!(bench.subtree_hints("new").contains(&RescanCause::Renamed));

    // The watches have moved along: what happens now is noticed where it is.
    fs::write(bench.path("new/d1999/late"), "content").unwrap();
    bench.assert_nothing_missed();
    assert!(bench.directory_hints("new/d1999") > 0);
    assert_eq!(bench.coverage().directories, 2003);
}

#[test]
fn nothing_is_missed_in_forty_thousand_creations_and_the_hints_stay_few() {
    let mut bench = Bench::with(
        |root| fs::create_dir(root.join("d")).unwrap(),
        |options| options.settle = Duration::from_millis(200),
    );
    let start = Instant::now();
    for number in 0..40_000 {
        fs::File::create(bench.path(&format!("d/{number}"))).unwrap();
    }
    bench.assert_nothing_missed();
    // One in two seconds, and some at the start where they come faster.
    let allowed = 12 + start.elapsed().as_secs() / 2;
    let hints = bench.directory_hints("d");
    assert!(hints as u64 <= allowed, "{hints} hints in {:?}", start.elapsed());
}

#[test]
fn a_file_that_is_written_all_the_time_is_hinted_seldom() {
    let mut bench = Bench::with(|_| {}, |options| options.settle = Duration::from_millis(50));
    let mut log = fs::File::create(bench.path("log")).unwrap();
    let start = Instant::now();
    let mut written = 0_u32;
    while start.elapsed() < Duration::from_millis(1200) {
        log.write_all(b"a line\n").unwrap();
        written += 1;
    }
    assert!(written > 1000);
    drop(log);
    bench.assert_nothing_missed();
    // Two or three when the writer is never kept from writing for longer than the settle time.
    let hints = bench.directory_hints("");
    assert!((2..15).contains(&hints), "{hints} hints");
}

#[test]
fn an_overflow_of_the_queue_is_made_good_by_a_rescan() {
    let mut bench = Bench::with(
        |root| fs::create_dir(root.join("d")).unwrap(),
        |options| options.read_gap = Duration::from_secs(2),
    );
    let files = ["one", "two"].map(|name| fs::File::create(bench.path(name)).unwrap());
    bench.follow_until(|bench| bench.knows("one"));
    // The queue has just been read and is left alone for two seconds. Equal events are merged, alternating
    // ones not.
    let limit = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    for number in 0..limit.trim().parse::<u32>().unwrap() {
        let mode = fs::Permissions::from_mode(0o600 + (number & 1));
        files[(number % 2) as usize].set_permissions(mode).unwrap();
    }
    fs::create_dir_all(bench.path("unseen/deep")).unwrap();
    fs::rename(bench.path("d"), bench.path("moved")).unwrap();
    bench.follow_until(|bench| bench.has_hint(RescanCause::Overflow));
    bench.assert_nothing_missed();

    // The watches were put right as well.
    bench.hints.clear();
    fs::write(bench.path("unseen/deep/f"), "").unwrap();
    fs::write(bench.path("moved/f"), "").unwrap();
    bench.assert_nothing_missed();
    assert!(bench.directory_hints("unseen/deep") > 0 && bench.directory_hints("moved") > 0);
}
