//! What a folder says of itself. Unknown is `None`, never 0.

mod holds;

use std::time::Duration;

use jottad_core::{Operation, RelativePath, Side, Timestamp};

pub use holds::{
    DeletesHeldFor, Foreseen, Held, HeldOperation, HeldRoot, Hold, HoldLimit, Noted, NotedInFull,
};

/// The state of a folder in one word, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// The tokens are no longer good.
    LoginNeeded,
    /// Something that must move does not.
    Stalled,
    /// A person must decide.
    Held,
    /// The service cannot be reached.
    Offline,
    /// Everything that can be synced is; some entries cannot.
    Problems,
    /// Not yet in sync.
    Working,
    /// Stopped by a person.
    Paused,
    /// Proven, and no change was heard of since.
    InSync,
}

impl Verdict {
    /// The word in `status --json`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LoginNeeded => "login_needed",
            Self::Stalled => "stalled",
            Self::Held => "held",
            Self::Offline => "offline",
            Self::Problems => "problems",
            Self::Working => "working",
            Self::Paused => "paused",
            Self::InSync => "in_sync",
        }
    }
}

/// A folder's state at one moment, read in one go.
#[derive(Debug, Clone, PartialEq)]
pub struct FolderStatus {
    /// In one word.
    pub verdict: Verdict,
    /// Nothing is left that could be done now: what is not in sync waits for a person, a change or a later
    /// try.
    pub settled: bool,
    /// Nothing is left but what has failed although the service answers, and is tried again later: a
    /// directory or the whole folder that it does not show, or an account that may do nothing. Unlike
    /// failures of entries this keeps it from being settled.
    pub only_failures_left: bool,
    /// As of when all three trees are known to agree: the end of the last complete comparison, or later where
    /// every change since is known to have been heard.
    pub proven_at: Option<Timestamp>,
    /// As of when all that there was when a person last asked for a look, or the run began, is done and seen
    /// to be, whatever has changed since; `None` until it is.
    pub caught_up_at: Option<Timestamp>,
    /// How others' changes are noticed; `None` if they are not now.
    pub heard: Option<Heard>,
    /// When the last full scan ended.
    pub local_checked_at: Option<Timestamp>,
    /// When the last complete listing ended.
    pub remote_checked_at: Option<Timestamp>,
    /// When the service last said whether anything may have changed, in this run.
    pub polled_at: Option<Timestamp>,
    /// Local files; unknown before the first scan ended.
    pub files: Option<u64>,
    /// Local directories, the root not counted.
    pub directories: Option<u64>,
    /// Their bytes.
    pub bytes: Option<u64>,
    /// What is left out on purpose; unknown before the first scan ended.
    pub skipped: Option<Skipped>,
    /// What is still to be done; unknown before both sides were looked at.
    pub pending: Option<Pending>,
    /// What is being sent or fetched now.
    pub transfers: Vec<Transfer>,
    /// Whether a person stopped it, and until when.
    pub paused: Option<Paused>,
    /// Why a person must decide.
    pub held: Option<Hold>,
    /// What a person decided, where nobody sees to it at the moment.
    pub noted: Option<Noted>,
    /// How many entries cannot be synced now.
    pub problems: u64,
    /// Files that have names outside of the folder, through which a change is not heard of; as last counted.
    pub unheard_files: u64,
    /// Directories in which something may have changed and that were not read since; while the folder is
    /// paused they wait. Unknown before the first scan ended.
    pub unseen_directories: Option<u64>,
    /// Why the folder does not move, if it does not: the last error of the service, with its remedy.
    pub trouble: Option<String>,
    /// At rest: how the last run ended, if its rows do not show that.
    pub last_end: Option<RunEnd>,
}

/// How a run ended that did not end well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunEnd {
    /// When.
    pub at: Timestamp,
    /// With what verdict.
    pub verdict: Verdict,
    /// Why.
    pub reason: Option<String>,
    /// Why a person must decide, if the folder was not even taken up for that.
    pub hold: Option<Hold>,
}

/// A person stopped the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paused {
    /// When it goes on by itself; `None` if a person must say so.
    pub until: Option<Timestamp>,
}

/// How others' changes are noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// The service tells of each at once.
    Events,
    /// Everything is listed this often.
    Polls(Duration),
}

/// How a walk that reads every file again went, or how far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// When it began.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Files that hold what was synced.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files that do not, each of them a problem.
    pub damaged: u64,
    /// Files that changed before they were read to the end, or that could not be read.
    pub unread: u64,
    /// Files that were sent, because the comparison found the service to have something else or nothing.
    pub sent: u64,
    /// Other entries that were brought in line: fetched, made, moved, removed, or given another time.
    pub mended: u64,
    /// Operations for what was not agreed on when it began, or was changed or told of while it went on.
    pub meanwhile: u64,
}

/// Operations that are still to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pending {
    /// Files to send.
    pub uploads: u64,
    /// Files to fetch.
    pub downloads: u64,
    /// Entries to move.
    pub moves: u64,
    /// Entries to put into a trash.
    pub deletes: u64,
    /// Directories to make.
    pub directories: u64,
    /// Modification times to set.
    pub times: u64,
    /// Bytes to send and fetch.
    pub bytes: u64,
}

/// Local entries that are left out on purpose, by why. An ignored directory is one, whatever is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Skipped {
    /// A rule ignores them.
    pub rules: u64,
    /// Files that are larger than what is synced.
    pub max_size: u64,
    /// Symbolic links.
    pub links: u64,
    /// Pipes, sockets and devices.
    pub special: u64,
}

/// A file that travels now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// Which one.
    pub path: RelativePath,
    /// The side that receives it.
    pub to: Side,
    /// Bytes in all.
    pub total_bytes: u64,
    /// The operation, to look its progress up.
    pub command: crate::event::CommandId,
}

/// An entry that cannot be synced now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Which one.
    pub path: RelativePath,
    /// A word for scripts.
    pub kind: ProblemKind,
    /// What is wrong.
    pub reason: String,
    /// What mends it.
    pub remedy: String,
    /// Since when.
    pub since: Timestamp,
    /// How often it was tried.
    pub tries: u32,
    /// When it is tried again; `None` if only a change of the entry helps.
    pub next_try: Option<Timestamp>,
    /// Whether it is being tried at this moment.
    pub is_being_tried: bool,
}

/// Why an entry cannot be synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProblemKind {
    /// The local file or directory cannot be read.
    Unreadable,
    /// The name is longer than the service takes.
    NameTooLong,
    /// The service refuses the name or the request.
    Refused,
    /// The name on the service is none that a local file can have.
    ImpossibleName,
    /// Another entry beside it has a name that the service takes for the same.
    NameClash,
    /// Something that is never synced stands where a file or directory was.
    WrongKind,
    /// A disk that was mounted here is not there as it was.
    MountChanged,
    /// The file never rests long enough to be read.
    KeepsChanging,
    /// The account is full.
    QuotaExceeded,
    /// The account is locked.
    AccountLocked,
    /// The account may not do this.
    NotAllowed,
    /// The local disk cannot take it.
    LocalDisk,
    /// The service fails at it.
    Failing,
    /// A `.jottaignore` has lines that are no rules.
    BadRule,
    /// The content changed although nobody wrote the file.
    Damaged,
}

impl ProblemKind {
    /// Every kind.
    pub const ALL: [Self; 15] = [
        Self::Unreadable,
        Self::NameTooLong,
        Self::Refused,
        Self::ImpossibleName,
        Self::NameClash,
        Self::WrongKind,
        Self::MountChanged,
        Self::KeepsChanging,
        Self::QuotaExceeded,
        Self::AccountLocked,
        Self::NotAllowed,
        Self::LocalDisk,
        Self::Failing,
        Self::BadRule,
        Self::Damaged,
    ];

    /// The word for scripts and for the index.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::NameTooLong => "name_too_long",
            Self::Refused => "refused",
            Self::ImpossibleName => "impossible_name",
            Self::NameClash => "name_clash",
            Self::WrongKind => "wrong_kind",
            Self::MountChanged => "mount_changed",
            Self::KeepsChanging => "keeps_changing",
            Self::QuotaExceeded => "quota_exceeded",
            Self::AccountLocked => "account_locked",
            Self::NotAllowed => "not_allowed",
            Self::LocalDisk => "local_disk",
            Self::Failing => "failing",
            Self::BadRule => "bad_rule",
            Self::Damaged => "damaged",
        }
    }
}

/// Two versions of one file that were both kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The one that has the name.
    pub path: RelativePath,
    /// The one that was put beside it.
    pub copy: RelativePath,
}

/// One line of the history of operations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// A number that only grows.
    pub id: i64,
    /// When it ended.
    pub at: Timestamp,
    /// The word for the operation ([`jottad_core::OperationKind::as_str`]).
    pub kind: String,
    /// Where.
    pub path: RelativePath,
    /// The new path, of a move.
    pub to: Option<RelativePath>,
    /// Bytes that travelled.
    pub bytes: Option<u64>,
    /// What went wrong; `None` if it was done.
    pub error: Option<String>,
}

/// What would be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The first ones.
    pub operations: Vec<Operation>,
    /// How many there are.
    pub count: u64,
    /// How many bytes travel with all of them.
    pub bytes: u64,
    /// How many entries were sent, and the service has not confirmed yet that it has them.
    pub unconfirmed: u64,
    limit: usize,
}

impl Preview {
    pub(crate) const fn new(limit: usize) -> Self {
        Self { operations: Vec::new(), count: 0, bytes: 0, unconfirmed: 0, limit }
    }

    pub(crate) fn push(&mut self, operation: Operation) {
        self.count += 1;
        self.bytes = self.bytes.saturating_add(operation.bytes.unwrap_or(0));
        if self.operations.len() < self.limit {
            self.operations.push(operation);
        }
    }
}

/// Why an operation of a plan is not done.
pub(crate) const WAITS_FOR_A_PERSON: &str = "held: it waits to be approved or rejected";

/// The state of one path, for `why`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryState {
    /// Both sides agree.
    InSync,
    /// Something is to be done with it, or is being found out.
    Pending,
    /// It waits for a person.
    Held,
    /// It cannot be synced now.
    Problem,
    /// A rule or its size keeps it out.
    Ignored,
    /// The index has nothing of it.
    Unknown,
    /// It is nothing that is ever synced. Only whoever looks at the disk can tell.
    Skipped,
    /// Both sides agreed when the folder was paused.
    Paused,
}

impl EntryState {
    /// The word for scripts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InSync => "in_sync",
            Self::Pending => "pending",
            Self::Held => "held",
            Self::Problem => "problem",
            Self::Ignored => "ignored",
            Self::Unknown => "unknown",
            Self::Skipped => "skipped",
            Self::Paused => "paused",
        }
    }
}

/// What jottad knows of one path, for `why`.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The state in a word.
    pub state: EntryState,
    /// Why.
    pub reason: String,
    /// The rule that ignores it, with its file and line.
    pub rule: Option<String>,
    /// What the three trees have, as text; `None` where there is no record.
    pub trees: Option<jottad_core::Trees>,
    /// Whether what the remote tree has was only to be sent, and not yet seen on the service.
    pub is_claimed: bool,
    /// Whether that is known to have been sent.
    pub is_sent: bool,
    /// What would be done now.
    pub next: Option<Operation>,
    /// Whether a person stopped the folder, so that nothing is looked at.
    pub paused: Option<Paused>,
    /// The last operations at this path.
    pub last_operations: Vec<LogLine>,
}
