//! Faults on purpose, each in as few places as it needs, to show that the simulation finds faults of its
//! sort.
//!
//! Only the feature `planted` lets one be chosen, for the thread that asks; without it [`is()`] is constantly
//! false and nothing of this is in the program.

/// A fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(feature = "planted"), allow(unreachable_pub))]
pub enum Planted {
    /// Of two edits the remote one takes the place of the local one.
    LostConflict,
    /// A listing that breaks off counts as read to its end, and a local file goes without a look whether it
    /// is gone on the service.
    TruncatedListing,
    /// The base says that a file was fetched before it is on the disk.
    BaseBeforeDisk,
    /// A file keeps its hash when it is changed without changing its size.
    StaleHash,
    /// What another device stored meanwhile is overwritten without a look.
    OverwriteUnseen,
    /// A file that was edited while another version was fetched is replaced.
    DownloadOverEdit,
    /// What is left of the root of a disk that is gone counts as the folder.
    RootUnchecked,
    /// That a root was held for what is missing in it is known only while it is held.
    HeldRootForgotten,
    /// Deletes are never too many.
    NoHold,
    /// A directory counts as one delete, whatever is in it.
    DirectoryIsOne,
    /// What waits for a person does so only until the process ends.
    HoldUnkept,
    /// A file is removed on the service without a look whether it is back on the disk.
    DeleteUnseen,
    /// A local directory is removed without a look at what it holds.
    DirectoryUnseen,
    /// A move is sent before it is noted that it was.
    MoveNotNoted,
    /// What a rule ignores counts as deleted.
    IgnoredIsDeleted,
    /// What failed at a row is forgotten when a look finds what was there before.
    RefusalForgotten,
    /// An error of one entry is taken for one of the whole service.
    EntryStopsFolder,
    /// A pause that is asked for at one listing or directory does not count as a try of it.
    PauseUncounted,
    /// What was on a disk that is gone counts as deleted.
    LostDiskIsDeleted,
    /// A stamp that did not move, or that is empty, is a proof without anything else.
    StampProves,
    /// A stamp that moved while something was sent is a proof without anything else.
    OwnWorkExplains,
    /// A listing that began right after the first word of the service counts as not late.
    LateListingProves,
    /// A move that failed is always tried again after the first pause, whatever the service refused at its
    /// end.
    MoveTriedOn,
    /// What is still to be looked at in a directory is forgotten when that is moved.
    DoubtLeftBehind,
    /// What was given up too early is taken for others' when it is seen.
    GivenUpForgotten,
    /// That files may be sent to the account again is no reason to send those that waited for it.
    RoomNotNoticed,
    /// What a look at a directory shows is judged by when the answer came, not by when it was asked for.
    AnswerAge,
    /// A proof needs no look at the root's path.
    RootPathUnchecked,
    /// The deletes of the first page are all that are counted.
    DeletesOfOnePage,
}

#[cfg(feature = "planted")]
mod chosen {
    use std::cell::Cell;

    use super::Planted;

    thread_local! {
        static CHOSEN: Cell<Option<Planted>> = const { Cell::new(None) };
    }

    /// Lets this thread's folders have a fault from now on, or none.
    pub fn plant(fault: Option<Planted>) {
        CHOSEN.set(fault);
    }

    pub(crate) fn is(fault: Planted) -> bool {
        CHOSEN.get() == Some(fault)
    }
}

#[cfg(feature = "planted")]
pub(crate) use chosen::is;
#[cfg(feature = "planted")]
pub use chosen::plant;

#[cfg(not(feature = "planted"))]
pub(crate) const fn is(_: Planted) -> bool {
    false
}
