//! One folder's engine: the index, scanning, listing, planning and executing.
//!
//! [`Folder`] is a deterministic state machine: an event and a time in, commands out. It owns the index and
//! does no other I/O. [`perform`] carries commands out through the two seams, [`Disk`] and [`Remote`]; the
//! third seam is time, which comes in as [`Now`]. A whole run can therefore be replayed from one seed.

mod activity;
#[cfg(test)]
mod builders;
mod digest;
mod disk;
mod event;
mod folder;
mod ignore_rules;
mod index;
mod local_disk;
mod metered;
mod perform;
mod planted;
mod remote;
mod rules_file;
mod run;
mod scope;
mod settings;
mod status;
mod time;

pub use activity::{Stillness, Unanswered};
pub use digest::TreeDigest;
pub use disk::{
    Disk, DiskEntry, DiskError, DiskErrorKind, DiskListing, DiskNode, FileStat, Identity, LocalContent,
    Mount, OtherKind, RootIdentity, StagedFile,
};
pub use event::{
    Achieved, Command, CommandId, Event, ExpectedMount, Followed, LinkedRules, LocalExpectation, LocalHint,
    OperationError, Outcome, RemoteExpectation, RemoteHint, Replaces, Request, RulesFile, ScannedDirectory,
    Task, Told,
};
pub use folder::{Folder, FolderError, Notice, Proof};
pub use ignore_rules::{IgnoreRuleError, check_ignore_rules};
pub use index::{Index, IndexError};
pub use local_disk::{LocalDisk, TrashLimit, TrashReport, Trashed};
pub use perform::{is_source_changed, perform};
#[cfg(feature = "planted")]
pub use planted::{Planted, plant};
pub use remote::{
    ListedEntry, MissingPlace, MoveAnswer, Remote, RemoteError, RemoteErrorKind, RemoteListing, RemoteNode,
    Sighted, UnusableEntry,
};
pub use run::{FolderEnd, FolderHandle, FolderRequestError, FolderStopped};
pub use settings::{FolderSettings, ProofInterval};
pub use status::{
    Conflict, DeletesHeldFor, EntryState, Explanation, FolderStatus, Foreseen, Heard, Held, HeldOperation,
    HeldRoot, Hold, HoldLimit, LogLine, Noted, NotedInFull, Paused, Pending, Preview, Problem, ProblemKind,
    RunEnd, Skipped, Transfer, Verdict, Verification,
};
pub use time::{Now, since_boot};
