//! Stopping and starting again costs next to nothing, and losing the index costs time but no transfer.

use std::fs;

use rustix::fs::inotify;

use crate::stage::World;

#[test]
fn a_restart_reads_no_file_and_changes_nothing() {
    let world = World::new();
    world.fill("tree", 10, 10);
    world.settle();
    world.service.reset_counters();
    let opened = Opens::below(&world);
    let daemon = world.start();
    // Without an order to look again, which might come after the look that every start brings.
    crate::stage::wait_until("the restart is in sync", || world.machine.status()["verdict"] == "in_sync");
    daemon.stop();
    assert_eq!(opened.files(), [""; 0]);
    assert_eq!(world.service.changes(), [""; 0]);
    let requests = world.service.requests();
    // Who we are and what others do is asked beside that, sooner or later than the folder is compared.
    let is_beside = |endpoint: &str| ["customer", "event-token", "events"].contains(&endpoint);
    let mut asked: Vec<&str> = requests.iter().map(|request| request.endpoint).collect();
    asked.retain(|endpoint| !is_beside(endpoint));
    let listings = asked.iter().filter(|endpoint| **endpoint == "liststream").count();
    assert!(listings <= 1 && asked.len() <= 3 && requests.len() <= 7, "{requests:?}");
}

#[test]
fn a_second_pass_asks_but_a_handful_of_questions() {
    let world = World::new();
    world.fill("tree", 10, 10);
    world.settle();
    // What the first pass did is seen by the second; from then on nothing is new.
    world.pass(0);
    world.service.reset_counters();
    world.pass(0);
    let counters = world.service.counters();
    assert!(counters.requests <= 5 && counters.of("liststream") <= 1, "{counters:?}");
}

#[test]
fn one_changed_file_in_many_costs_a_handful_of_requests() {
    let world = World::new();
    world.fill("tree", 10, 10);
    let daemon = world.start();
    world.synced();
    world.service.reset_counters();
    world.write("tree/d03/f04", "changed");
    crate::stage::wait_until("the change arrives", || world.service.asked("upload") == 1);
    daemon.stop();
    world.assert_same();
    let counters = world.service.counters();
    assert!(counters.requests <= 4, "{counters:?}");
}

#[test]
fn a_lost_index_is_built_anew_without_sending_or_deleting() {
    let world = World::new();
    world.fill("tree", 5, 10);
    world.write("a:b?", "awkward");
    world.mkdir("empty");
    world.settle();
    let before = world.service.tree();
    fs::remove_dir_all(world.machine.state().join("index")).unwrap();
    world.service.reset_counters();
    world.settle();
    assert_eq!(world.service.changes(), [""; 0]);
    assert_eq!(world.service.tree(), before);
}

/// Hears which files below a folder are opened.
struct Opens {
    inotify: std::os::fd::OwnedFd,
}

impl Opens {
    fn below(world: &World) -> Self {
        let inotify = inotify::init(inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC).unwrap();
        let mut waiting = vec![world.root.clone()];
        while let Some(directory) = waiting.pop() {
            inotify::add_watch(&inotify, &directory, inotify::WatchFlags::OPEN).unwrap();
            for entry in fs::read_dir(&directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    waiting.push(path);
                }
            }
        }
        let opens = Self { inotify };
        // Reading the directories was heard, too.
        opens.files();
        opens
    }

    fn files(&self) -> Vec<String> {
        let mut buffer = [std::mem::MaybeUninit::uninit(); 16384];
        let mut reader = inotify::Reader::new(&self.inotify, &mut buffer);
        let mut files = Vec::new();
        while let Ok(event) = reader.next() {
            if !event.events().contains(inotify::ReadFlags::ISDIR) {
                files.extend(event.file_name().map(|name| name.to_string_lossy().into_owned()));
            }
        }
        files
    }
}
