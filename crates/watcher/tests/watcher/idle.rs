//! An idle watcher costs nothing: its threads are never scheduled.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use jottad_watcher::{Backend, Watcher};
use tokio::sync::mpsc::unbounded_channel;

use crate::scanner::quick;

/// Context switches so far of the threads of that name.
fn switches(thread: &str) -> Vec<(PathBuf, u64)> {
    let mut found = Vec::new();
    for task in fs::read_dir("/proc/self/task").unwrap().flatten() {
        // Threads of other tests may end while we look.
        let Ok(name) = fs::read_to_string(task.path().join("comm")) else { continue };
        let Ok(status) = fs::read_to_string(task.path().join("status")) else { continue };
        if name.trim_end() == thread {
            let counts = status.lines().filter(|line| line.contains("ctxt_switches"));
            let total = counts.filter_map(|line| line.split_whitespace().last()?.parse::<u64>().ok()).sum();
            found.push((task.path(), total));
        }
    }
    found
}

#[test]
fn inotify_sleeps_while_nothing_changes() {
    let folder = "calm";
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join(folder);
    fs::create_dir_all(root.join("a/b")).unwrap();
    let (sender, mut receiver) = unbounded_channel();
    let watcher = Watcher::start(quick(&root), sender).unwrap();

    // Idle after work, which is when a timer would be left over.
    fs::create_dir(root.join("a/b/c")).unwrap();
    fs::write(root.join("a/b/c/f"), "").unwrap();
    fs::rename(root.join("a/b"), root.join("b")).unwrap();
    assert!(receiver.blocking_recv().is_some());
    while watcher.coverage().pending > 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(300));
    let thread = format!("watch {folder}");
    assert_eq!(switches(&thread).len(), 1, "one thread per watcher");
    // Mounts anywhere on the machine are changes too, so there are three tries; a timer would fail them all.
    let sleeps = (0..3).any(|_| {
        let before = switches(&thread);
        std::thread::sleep(Duration::from_secs(2));
        // A program that only reads must not wake it either.
        for path in ["", "b", "b/c"] {
            assert!(fs::read_dir(root.join(path)).unwrap().count() > 0);
        }
        fs::read(root.join("b/c/f")).unwrap();
        switches(&thread) == before
    });
    assert!(sleeps);
}

#[test]
fn a_long_poll_interval_is_the_only_wake_up_of_polling() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("slow");
    fs::create_dir(&root).unwrap();
    let (sender, _receiver) = unbounded_channel();
    let mut options = quick(&root);
    options.backend = Backend::Poll;
    options.poll_interval = Duration::from_mins(1);
    let _watcher = Watcher::start(options, sender).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    let before = switches("watch slow");
    assert_eq!(before.len(), 1);
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(switches("watch slow"), before);
}
