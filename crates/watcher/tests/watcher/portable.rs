//! What the `notify` backend promises: the same hints, with its gaps closed by looking again.

use std::fs;

use jottad_watcher::RescanCause;

use crate::scanner::Bench;

#[test]
fn ordinary_work_is_hinted() {
    let mut bench = Bench::with_notify();
    fs::write(bench.path("f"), "one").unwrap();
    fs::create_dir_all(bench.path("a/b")).unwrap();
    bench.assert_nothing_missed();

    fs::write(bench.path("a/b/g"), "two").unwrap();
    fs::rename(bench.path("f"), bench.path("a/f")).unwrap();
    bench.assert_nothing_missed();

    fs::rename(bench.path("a"), bench.path("c")).unwrap();
    fs::write(bench.path("c/b/h"), "three").unwrap();
    bench.assert_nothing_missed();
    assert!(bench.subtree_hints("c").contains(&RescanCause::Renamed));

    fs::write(bench.path("c/b/i"), "four").unwrap();
    fs::remove_file(bench.path("c/b/g")).unwrap();
    bench.assert_nothing_missed();

    fs::remove_dir_all(bench.path("c")).unwrap();
    bench.assert_nothing_missed();
    assert!(!bench.knows("c"));
}

#[test]
fn what_is_made_in_a_new_or_renamed_directory_is_found_by_looking_again() {
    let mut bench = Bench::with_notify();
    for number in 0..200 {
        let directory = bench.path(&format!("r{number}/a/b"));
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("f"), "content").unwrap();
    }
    bench.assert_nothing_missed();

    fs::rename(bench.path("r7"), bench.path("renamed")).unwrap();
    for number in 0..20 {
        fs::write(bench.path(&format!("renamed/a/b/{number}")), "content").unwrap();
    }
    bench.assert_nothing_missed();
}

#[test]
fn excluded_names_are_not_hinted() {
    let mut bench = Bench::with_notify();
    fs::create_dir_all(bench.path(".jottad/tmp")).unwrap();
    fs::write(bench.path(".jottad/tmp/part"), "content").unwrap();
    bench.assert_nothing_missed();
    assert_eq!(bench.directory_hints(".jottad") + bench.directory_hints(".jottad/tmp"), 0);
    assert_eq!(bench.subtree_hints(".jottad"), []);
}
