//! Names in directories that survive a power cut, with one call for all that wait for the same directory.
//!
//! This is a group commit: whoever comes while a directory is being synced waits for the next call, which
//! begins after its own change and so covers it. Nobody is told that its names are durable by a call that had
//! begun before they were there.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use rustix::fd::OwnedFd;
use rustix::fs::{fstat, fsync};
use rustix::io::Errno;

use super::own_directory::open_existing;

/// The directories that are being synced, by device and inode.
static GROUPS: Mutex<BTreeMap<(u64, u64), Arc<Group>>> = Mutex::new(BTreeMap::new());

/// Those who wait for one directory.
#[derive(Debug, Default)]
struct Group {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    is_running: bool,
    /// Calls that have begun.
    begun: u64,
    /// The last of them that has ended well.
    done: u64,
    /// The last of them that has failed.
    failed: u64,
}

impl Group {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns once a call has ended well that began after this one came. An error is told to whoever made
    /// the call; the others make one of their own, because the system tells each of them of an error only
    /// once.
    fn sync(&self, call: impl FnOnce() -> Result<(), Errno>) -> Result<(), Errno> {
        let mut state = self.lock();
        let wanted = state.begun + 1;
        while state.is_running {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            if state.done >= wanted && state.failed < wanted {
                return Ok(());
            }
        }
        state.is_running = true;
        state.begun += 1;
        let number = state.begun;
        drop(state);
        let result = call();
        let mut state = self.lock();
        state.is_running = false;
        match result {
            Ok(()) => state.done = number,
            Err(_) => state.failed = number,
        }
        self.changed.notify_all();
        result
    }
}

/// Makes the names in a directory durable. It may have been opened only to be passed through.
pub(super) fn sync_directory(directory: &OwnedFd) -> Result<(), Errno> {
    let stat = fstat(directory)?;
    #[cfg_attr(target_os = "linux", expect(clippy::useless_conversion, reason = "it is narrower elsewhere"))]
    let key = (u64::try_from(stat.st_dev).unwrap_or_default(), u64::from(stat.st_ino));
    let lock = || GROUPS.lock().unwrap_or_else(PoisonError::into_inner);
    let group = Arc::clone(lock().entry(key).or_default());
    let result = group.sync(|| sync_alone(directory));
    let mut groups = lock();
    // Besides this one the map alone has it.
    if Arc::strong_count(&group) == 2 {
        groups.remove(&key);
    }
    drop(group);
    result
}

fn sync_alone(directory: &OwnedFd) -> Result<(), Errno> {
    match fsync(directory) {
        Err(Errno::BADF) => fsync(open_existing(directory, b".")?),
        // Some network file systems sync directories on their own and refuse to be asked.
        Err(Errno::INVAL) => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::thread;
    use std::time::Duration;

    use rustix::fs::{CWD, Mode, OFlags, openat};

    use super::*;

    /// Each thread makes a change and syncs; a call makes durable what was there when it began.
    #[test]
    fn nobody_goes_on_before_a_call_that_began_after_its_change() {
        let group = Group::default();
        let (changes, durable, calls) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let mine = changes.fetch_add(1, Ordering::SeqCst) + 1;
                        let call = || {
                            let covered = changes.load(Ordering::SeqCst);
                            calls.fetch_add(1, Ordering::SeqCst);
                            thread::sleep(Duration::from_micros(200));
                            durable.fetch_max(covered, Ordering::SeqCst);
                            Ok(())
                        };
                        group.sync(call).unwrap();
                        assert!(durable.load(Ordering::SeqCst) >= mine);
                    }
                });
            }
        });
        assert!(calls.load(Ordering::SeqCst) < 400, "{calls:?}");
    }

    #[test]
    fn a_call_that_fails_covers_nobody() {
        let group = Group::default();
        let failures = AtomicU64::new(0);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let call = || {
                        thread::sleep(Duration::from_millis(5));
                        Err(Errno::IO)
                    };
                    failures.fetch_add(u64::from(group.sync(call) == Err(Errno::IO)), Ordering::SeqCst);
                });
            }
        });
        assert_eq!(failures.load(Ordering::SeqCst), 8);
    }

    /// What the first call after the change of several was told of is no news to the system by the next one.
    #[test]
    fn nobody_is_covered_by_a_call_after_one_that_failed() {
        let group = Group::default();
        let (here, calls) = (AtomicU64::new(0), AtomicU64::new(0));
        let call = || {
            let number = calls.fetch_add(1, Ordering::SeqCst);
            // The first one ends when all others wait for the second one, which fails.
            while number == 0 && here.load(Ordering::SeqCst) < 6 {
                thread::sleep(Duration::from_millis(1));
            }
            thread::sleep(Duration::from_millis(if number == 0 { 300 } else { 1 }));
            if number == 1 { Err(Errno::IO) } else { Ok(()) }
        };
        let sync = || {
            here.fetch_add(1, Ordering::SeqCst);
            group.sync(call)
        };
        let failed = thread::scope(|scope| {
            let threads: Vec<_> = (0..6).map(|_| scope.spawn(sync)).collect();
            threads.into_iter().filter_map(|thread| thread.join().unwrap().err()).count()
        });
        assert_eq!((failed, calls.into_inner()), (1, 6));
    }

    #[test]
    fn a_directory_that_nobody_waits_for_is_forgotten() {
        let place = tempfile::tempdir().unwrap();
        for flags in [OFlags::RDONLY, OFlags::PATH] {
            let directory = openat(CWD, place.path(), OFlags::DIRECTORY | flags, Mode::empty()).unwrap();
            sync_directory(&directory).unwrap();
            let stat = fstat(&directory).unwrap();
            let groups = GROUPS.lock().unwrap();
            assert!(!groups.contains_key(&(stat.st_dev as u64, stat.st_ino as u64)));
        }
    }
}
