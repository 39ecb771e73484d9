//! Directories that move, vanish and come back.

use std::fs;
use std::time::Duration;

use jottad_watcher::{Hint, RescanCause};

use crate::scanner::Bench;

/// Proves that a directory is watched where it is now: a change in it is hinted there.
fn assert_watched(bench: &mut Bench, directory: &str) {
    bench.assert_nothing_missed();
    bench.hints.clear();
    fs::write(bench.path(&format!("{directory}/probe")), "").unwrap();
    bench.assert_nothing_missed();
    assert!(bench.directory_hints(directory) > 0, "{directory} is not watched: {:?}", bench.hints);
}

#[test]
fn a_directory_is_followed_in_and_out_of_the_root() {
    let mut bench = Bench::new();
    let outside = bench.outside("full");
    fs::create_dir_all(outside.join("a/b")).unwrap();
    fs::write(outside.join("a/b/f"), "content").unwrap();

    fs::rename(&outside, bench.path("in")).unwrap();
    bench.assert_nothing_missed();
    assert!(bench.knows("in/a/b/f"));
    assert_watched(&mut bench, "in/a/b");

    fs::rename(bench.path("in"), &outside).unwrap();
    bench.assert_nothing_missed();
    bench.follow_until(|bench| bench.coverage().directories == 2);
    let hints = bench.hints.len();
    fs::write(outside.join("a/b/g"), "content").unwrap();
    bench.assert_nothing_missed();
    assert!(bench.hints_since(hints).is_empty(), "what has left the root is not watched any more");
}

#[test]
fn renames_are_followed_in_any_order_and_speed() {
    let mut bench = Bench::filled(|root| {
        fs::create_dir_all(root.join("a/b/c")).unwrap();
        fs::create_dir_all(root.join("x/y")).unwrap();
    });
    // Through several names at once.
    fs::rename(bench.path("a"), bench.path("a1")).unwrap();
    fs::rename(bench.path("a1"), bench.path("x/a2")).unwrap();
    fs::rename(bench.path("x/a2/b"), bench.path("b3")).unwrap();
    fs::write(bench.path("b3/c/f"), "").unwrap();
    assert_watched(&mut bench, "b3/c");
    assert_watched(&mut bench, "x/a2");

    // Two directories change places.
    fs::rename(bench.path("b3"), bench.path("swap")).unwrap();
    fs::rename(bench.path("x"), bench.path("b3")).unwrap();
    fs::rename(bench.path("swap"), bench.path("x")).unwrap();
    assert_watched(&mut bench, "b3/a2");
    assert_watched(&mut bench, "x/c");

    // A child becomes the parent of its parent.
    fs::rename(bench.path("x/c"), bench.path("c")).unwrap();
    fs::rename(bench.path("x"), bench.path("c/x")).unwrap();
    assert_watched(&mut bench, "c/x");
    assert_eq!(bench.coverage().directories, 7);
}

#[test]
fn a_name_used_again_is_watched_as_what_it_is_now() {
    let mut bench = Bench::new();
    for _ in 0..100 {
        fs::create_dir(bench.path("d")).unwrap();
        fs::rename(bench.path("d"), bench.path("e")).unwrap();
        fs::create_dir_all(bench.path("d/sub")).unwrap();
        fs::write(bench.path("d/sub/f"), "").unwrap();
        fs::write(bench.path("e/f"), "").unwrap();
        fs::remove_dir_all(bench.path("d")).unwrap();
        fs::create_dir_all(bench.path("d/sub")).unwrap();
        fs::write(bench.path("d/sub/g"), "").unwrap();
        fs::remove_dir_all(bench.path("e")).unwrap();
        fs::rename(bench.path("d"), bench.path("e")).unwrap();
        fs::remove_dir_all(bench.path("e")).unwrap();
    }
    fs::create_dir_all(bench.path("d/sub")).unwrap();
    assert_watched(&mut bench, "d/sub");
    bench.follow_until(|bench| bench.coverage().directories == 4);
}

#[test]
fn a_directory_made_filled_and_renamed_at_once_is_known_whole() {
    let mut bench = Bench::new();
    for number in 0..200 {
        let (made, renamed) = (bench.path(&format!("tmp{number}")), bench.path(&format!("done{number}")));
        fs::create_dir_all(made.join("a/b")).unwrap();
        fs::write(made.join("a/b/f"), "content").unwrap();
        fs::rename(&made, &renamed).unwrap();
        fs::create_dir(renamed.join("a/late")).unwrap();
        fs::write(renamed.join("a/late/f"), "content").unwrap();
    }
    bench.assert_nothing_missed();
    bench.assert_all_watched();
}

#[test]
fn a_directory_filled_and_renamed_between_two_readings_is_watched_whole() {
    let mut bench = Bench::with(
        |root| {
            fs::create_dir(root.join("a")).unwrap();
            fs::create_dir(root.join("b")).unwrap();
        },
        |options| options.read_gap = Duration::from_millis(500),
    );
    // This is read at once, what follows half a second later and together.
    fs::write(bench.path("first"), "").unwrap();
    bench.follow_until(|bench| bench.knows("first"));
    fs::create_dir_all(bench.path("a/sub/deep")).unwrap();
    fs::rename(bench.path("a"), bench.path("b/a")).unwrap();
    fs::create_dir_all(bench.path("a/sub")).unwrap();
    bench.assert_nothing_missed();
    bench.assert_all_watched();
    assert_eq!(bench.coverage().directories, 8);
}

#[test]
fn a_directory_that_becomes_a_file_and_back_is_noticed() {
    let mut bench = Bench::filled(|root| fs::create_dir_all(root.join("d/e")).unwrap());
    fs::remove_dir_all(bench.path("d")).unwrap();
    fs::write(bench.path("d"), "a file").unwrap();
    bench.assert_nothing_missed();
    fs::remove_file(bench.path("d")).unwrap();
    fs::create_dir_all(bench.path("d/f")).unwrap();
    assert_watched(&mut bench, "d/f");
}

#[test]
fn both_sides_of_a_rename_are_hinted_next_to_each_other() {
    let mut bench = Bench::filled(|root| {
        fs::create_dir_all(root.join("from")).unwrap();
        fs::create_dir_all(root.join("to")).unwrap();
        fs::create_dir_all(root.join("from/d/e")).unwrap();
    });
    fs::rename(bench.path("from/d"), bench.path("to/d")).unwrap();
    bench.follow_until(|bench| bench.knows("to/d/e"));
    let expected = ["from", "to"].map(|path| Hint::Directory { path: path.try_into().unwrap() });
    assert_eq!(bench.hints[..2], expected);
    let moved = Hint::Subtree { path: "to/d".try_into().unwrap(), cause: RescanCause::Renamed };
    assert_eq!(bench.hints[2..], [moved]);
}

#[test]
fn a_path_longer_than_the_system_takes_is_watched() {
    let mut bench = Bench::new();
    let name = "n".repeat(200);
    let levels = 30;
    // Built from the inside out, because no path leads so deep.
    let outside = bench.outside("shell");
    fs::create_dir_all(outside.join("core")).unwrap();
    let mut top = outside.join("core");
    for level in 0..levels {
        let wrap = outside.join(format!("wrap{level}"));
        fs::create_dir(&wrap).unwrap();
        fs::rename(&top, wrap.join(&name)).unwrap();
        top = wrap;
    }
    fs::rename(&top, bench.path("deep")).unwrap();
    bench.follow_until(|bench| bench.coverage().directories == levels + 3);
    assert_eq!(bench.coverage().polled_directories, 0);

    // Taken apart again, so that the temporary directory can be removed.
    for _ in 0..levels {
        fs::rename(bench.path("deep").join(&name), bench.path("next")).unwrap();
        fs::remove_dir(bench.path("deep")).unwrap();
        fs::rename(bench.path("next"), bench.path("deep")).unwrap();
    }
    bench.assert_nothing_missed();
    bench.follow_until(|bench| bench.coverage().directories == 3);
}
