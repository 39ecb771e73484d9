//! The kernel's queue of file events and the watches that feed it. Knows no tree.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;

/// Room for about 2,000 events with middling names in one read.
const BUFFER: usize = 64 * 1024;

/// One inotify instance.
#[derive(Debug)]
pub(super) struct Queue {
    inotify: Arc<OwnedFd>,
    buffer: Box<[MaybeUninit<u8>]>,
}

/// What the kernel reports. The cookie that pairs the two sides of a rename is left out: see `cover`.
#[derive(Debug)]
pub(super) struct Event<'a> {
    pub(super) watch: i32,
    pub(super) flags: ReadFlags,
    pub(super) name: Option<&'a [u8]>,
}

/// Whether more is left in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Drained {
    Empty,
    More,
}

impl Queue {
    pub(super) fn open() -> io::Result<Self> {
        let inotify = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        Ok(Self {
            inotify: Arc::new(inotify),
            buffer: vec![MaybeUninit::uninit(); BUFFER].into_boxed_slice(),
        })
    }

    /// The descriptor, to see whether something waits to be read.
    pub(super) fn descriptor(&self) -> &Arc<OwnedFd> {
        &self.inotify
    }

    /// Watches an open directory. The same directory always gives the same descriptor, wherever it was moved
    /// to.
    pub(super) fn watch(&self, directory: BorrowedFd<'_>, is_root: bool) -> Result<i32, Errno> {
        let mut mask = WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::MODIFY
            | WatchFlags::ATTRIB
            | WatchFlags::ONLYDIR
            | WatchFlags::EXCL_UNLINK
            // The root may be met again below itself; it must not lose what only it is asked for.
            | WatchFlags::MASK_ADD;
        if is_root {
            mask |= WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF;
        }
        // inotify takes paths only. This one leads to the very directory that is open, whatever its name is
        // now.
        inotify::add_watch(&self.inotify, format!("/proc/self/fd/{}", directory.as_raw_fd()), mask)
    }

    pub(super) fn unwatch(&self, watch: i32) {
        // The kernel may have removed it already, with the directory.
        let _ = inotify::remove_watch(&self.inotify, watch);
    }

    /// Hands on what is queued, at most about `limit` events.
    pub(super) fn drain(
        &mut self,
        limit: usize,
        mut handle: impl FnMut(&Event<'_>),
    ) -> Result<Drained, Errno> {
        let mut reader = inotify::Reader::new(&self.inotify, &mut self.buffer);
        let mut handled = 0;
        while handled < limit || !reader.is_buffer_empty() {
            match reader.next() {
                Ok(event) => {
                    let name = event.file_name().map(std::ffi::CStr::to_bytes);
                    handle(&Event { watch: event.wd(), flags: event.events(), name });
                }
                Err(Errno::AGAIN) => return Ok(Drained::Empty),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
            handled += 1;
        }
        Ok(Drained::More)
    }
}

impl AsFd for Queue {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}
