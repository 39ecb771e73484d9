//! Each command that the documents name does its work, with few files. What it measures is not looked at.

// A panic here is the report, in the helpers of the tests too.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// The benchmark, in a directory with the jottad that the end-to-end tests were built with, if they were. Else
/// it builds one, which takes minutes.
fn benchmark() -> (Option<TempDir>, PathBuf) {
    let own = Path::new(env!("CARGO_BIN_EXE_jottad-benchmark"));
    let (jottad, emulator) = (own.with_file_name("jottad-under-test"), own.with_file_name("jottad-emulator"));
    if !jottad.exists() || !emulator.exists() {
        return (None, own.to_owned());
    }
    // Not a copy: while one is written no other thread may start a program.
    let place = tempfile::tempdir_in(own.parent().unwrap()).unwrap();
    let linked = place.path().join("jottad-benchmark");
    fs::hard_link(own, &linked).unwrap();
    symlink(jottad, place.path().join("jottad")).unwrap();
    symlink(emulator, place.path().join("jottad-emulator")).unwrap();
    (Some(place), linked)
}

/// Runs the benchmark to its end, and demands that it prints these words.
#[track_caller]
fn assert_prints(arguments: &[&str], words: &[&str]) {
    let (_place, program) = benchmark();
    let output = Command::new(program).args(arguments).output().unwrap();
    let (printed, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?} ended with {}:\n{printed}{said}", output.status);
    for word in words {
        assert!(printed.contains(word), "{arguments:?} does not say {word:?}:\n{printed}{said}");
    }
}

#[test]
fn the_lines_are_measured() {
    let few = ["--files", "20", "--directories", "2", "--latency", "1ms", "--client", "jottad"];
    let words = ["first upload", "nothing changed", "one file changed", "renamed", "jottad, running"];
    assert_prints(&few, &words);
}

#[test]
fn very_many_files_are_measured() {
    let words = ["taken up", "a second pass", "until proven", "one change", "renamed", "index:"];
    assert_prints(&["scale", "--files", "200"], &words);
}

#[test]
fn many_moves_are_measured() {
    let few = ["moves", "--directories", "3", "--per-directory", "4", "--latency", "1ms"];
    assert_prints(&few, &["all of them moved"]);
}

#[test]
fn a_listing_is_measured() {
    let words = ["jottad ls -R ", "jottad ls -R -l", "jottad ls -R --json"];
    assert_prints(&["list", "--files", "200", "--runs", "1"], &words);
}

#[test]
fn one_large_file_is_measured() {
    let words = ["md5sum", "jottad: sent", "jottad: fetched"];
    assert_prints(&["large", "--bytes", "3000000", "--latency", "1ms"], &words);
}

#[test]
fn numbers_of_transfers_are_measured() {
    let few = ["sweep", "--latency", "0ms", "--files", "4x4096", "--fixed", "2"];
    assert_prints(&few, &["fetch", "upload", "auto against the best"]);
}
