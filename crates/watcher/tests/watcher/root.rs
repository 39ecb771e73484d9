//! The root itself: where it may be, and how it is lost.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use jottad_watcher::{Backend, Hint, WatchError, Watcher};
use tokio::sync::mpsc::unbounded_channel;

use crate::scanner::{Bench, directory, quick};

/// Loses the root in some way and asserts that this is the last hint.
fn assert_lost(mut bench: Bench, lose: impl FnOnce(&Path)) {
    lose(bench.root());
    bench.follow_until(|bench| bench.hints.last() == Some(&Hint::RootLost));
    assert_eq!(bench.coverage().pending, 0);
}

#[test]
fn a_removed_root_is_lost() {
    assert_lost(Bench::new(), |root| fs::remove_dir_all(root).unwrap());
    assert_lost(Bench::filled(|root| fs::create_dir_all(root.join("a/b")).unwrap()), |root| {
        fs::remove_dir_all(root).unwrap();
    });
}

#[test]
fn a_moved_or_replaced_root_is_lost() {
    assert_lost(Bench::new(), |root| fs::rename(root, root.with_extension("moved")).unwrap());
    assert_lost(Bench::new(), |root| {
        fs::rename(root, root.with_extension("moved")).unwrap();
        fs::create_dir(root).unwrap();
    });
}

#[test]
fn notify_notices_a_lost_root_too() {
    assert_lost(Bench::with_notify(), |root| fs::remove_dir_all(root).unwrap());
    assert_lost(Bench::with_notify(), |root| fs::rename(root, root.with_extension("moved")).unwrap());
}

#[test]
fn a_root_that_cannot_be_opened_is_an_error_with_its_path() {
    let directory = directory();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    for backend in [Backend::Auto, Backend::Notify, Backend::Poll] {
        for path in [directory.path().join("missing"), file.clone()] {
            let (sender, _receiver) = unbounded_channel();
            let mut options = quick(&path);
            options.backend = backend;
            let error = Watcher::start(options, sender).unwrap_err();
            assert!(matches!(error, WatchError::Root { .. }), "{backend:?}: {error:?}");
            assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        }
    }
}

#[test]
fn the_root_may_be_reached_by_a_link() {
    let target = directory();
    let links = directory();
    let link = links.path().join("link");
    symlink(target.path(), &link).unwrap();
    let (sender, mut receiver) = unbounded_channel();
    let _watcher = Watcher::start(quick(&link), sender).unwrap();
    fs::create_dir(target.path().join("d")).unwrap();
    let first = receiver.blocking_recv().unwrap();
    assert_eq!(first[0], Hint::Directory { path: "".try_into().unwrap() });
}

#[test]
fn a_watcher_ends_when_dropped_and_when_nobody_listens() {
    for backend in [Backend::Auto, Backend::Notify, Backend::Poll] {
        let directory = directory();
        let (sender, mut receiver) = unbounded_channel();
        let mut options = quick(directory.path());
        options.backend = backend;
        let watcher = Watcher::start(options.clone(), sender).unwrap();
        drop(watcher);
        // The sender went with the thread.
        assert!(receiver.blocking_recv().is_none(), "{backend:?}");

        let (sender, receiver) = unbounded_channel();
        let watcher = Watcher::start(options, sender).unwrap();
        drop(receiver);
        fs::write(directory.path().join("f"), "").unwrap();
        drop(watcher);
    }
}
