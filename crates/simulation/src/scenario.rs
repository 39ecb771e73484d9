//! What happens to a folder in a run, as plain data: a failing one is printed, shrunk, and kept as a test.

use jottad_core::Mode;

use crate::emptied_root::EmptiedRoot;
use crate::refusals::Refusal;
use crate::remote_tree::Folding;

/// Everything that a run depends on but the order in which chance lets things happen.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// Which side's changes travel.
    pub mode: Mode,
    /// What the world is like.
    pub knobs: Knobs,
    /// What is there before jottad comes.
    pub before: Vec<Act>,
    /// What happens while it runs.
    pub steps: Vec<Step>,
}

/// What the world is like. Each seed switches its own set of faults on.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::struct_excessive_bools)]
pub struct Knobs {
    /// Of the times on the disk; 0 for times that are never equal.
    pub granularity_milliseconds: u16,
    /// The file system knows when an inode was born.
    pub has_birth_times: bool,
    /// What the watcher gives.
    pub hints: Hints,
    /// How often a disk call fails, in a thousand.
    pub disk_fault_permille: u16,
    /// How often a call of the service fails, before or after its effect, in a thousand.
    pub remote_fault_permille: u16,
    /// How often a listing breaks off, in a thousand.
    pub listing_break_permille: u16,
    /// How many entries a batch of a listing has.
    pub listing_batch: u8,
    /// A listing shows every folder, not only those without files (U-02).
    pub announces_folders: bool,
    /// How late listings may be, at most (U-38).
    pub lag_milliseconds: u16,
    /// The service is never late, and jottad is told so.
    pub is_prompt: bool,
    /// How often an answer of the service hangs, in a thousand: it is about the moment at which it was asked
    /// for, and comes seconds or a minute later.
    pub hang_permille: u16,
    /// A folder's own document, and whether a path is free, are as late as listings.
    pub late_folders: bool,
    /// A look names what it shows as it was asked for, and not as it is spelled (protocol U-50).
    pub looks_name_as_asked: bool,
    /// Not only uploads change the mountpoint's time (U-41).
    pub stamps_everything: bool,
    /// How the service tells names apart.
    pub folding: Folding,
    /// A file that is sent where a trashed one is gets the spelling of that one's name (8.8).
    pub trash_keeps_spelling: bool,
    /// How many rows one step of the folder works on; 0 for as many as it does by itself.
    pub rows_in_a_step: u8,
    /// How many rows of the index are read at one time; 0 for as many as the folder does by itself.
    pub rows_in_a_page: u8,
    /// The remote root is there before jottad comes.
    pub remote_root_exists: bool,
    /// Most transfers at one time; 0 for as many as the folder finds out by itself.
    pub transfers: u8,
    /// The delete hold's limit.
    pub max_deletes: u16,
    /// How often jottad asks the service whether anything changed.
    pub poll_minutes: u16,
    /// How often it scans and lists everything.
    pub backstop_minutes: u16,
    /// It lists everything as often as that costs little, not only with the polls or the backstop.
    pub proves_by_cost: bool,
    /// The service gives no change stamp.
    pub empty_stamps: bool,
    /// At the end a person asks for everything to be looked at; if not, it has to come by itself.
    pub asks_at_end: bool,
    /// A person who is asked about a root wants everything back from the service, instead of taking it as it
    /// is.
    pub brings_back: bool,
    /// In the end the root is emptied, a file is saved in it, and then this happens.
    pub empties_root: Option<EmptiedRoot>,
    /// How much more likely commands move than what they found is heard, 1 to 10.
    pub haste: u8,
    /// What the service refuses until the world is calm.
    pub refusals: Vec<Refusal>,
    /// Time passes while everything is refused, or a pause is asked for, to see how often that is asked for
    /// again.
    pub waits_on_refusals: bool,
}

/// What the watcher gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hints {
    /// A hint for every change, sooner or later.
    All,
    /// Some are lost without a word.
    Some,
    /// Instead of most, one that everything may have changed.
    Overflow,
}

impl Default for Knobs {
    /// A world in which nothing goes wrong.
    fn default() -> Self {
        Self {
            granularity_milliseconds: 0,
            has_birth_times: true,
            hints: Hints::All,
            disk_fault_permille: 0,
            remote_fault_permille: 0,
            listing_break_permille: 0,
            listing_batch: 4,
            announces_folders: false,
            lag_milliseconds: 0,
            is_prompt: false,
            hang_permille: 0,
            late_folders: false,
            looks_name_as_asked: false,
            stamps_everything: false,
            folding: Folding::Unicode,
            trash_keeps_spelling: false,
            rows_in_a_step: 0,
            rows_in_a_page: 0,
            remote_root_exists: false,
            transfers: 4,
            max_deletes: 1000,
            poll_minutes: 10,
            backstop_minutes: 60,
            proves_by_cost: false,
            empty_stamps: false,
            asks_at_end: true,
            brings_back: false,
            empties_root: None,
            haste: 5,
            refusals: Vec::new(),
            waits_on_refusals: false,
        }
    }
}

impl Scenario {
    /// Whether another device is at work in it.
    pub fn has_other_devices(&self) -> bool {
        let steps = self.steps.iter().map(|step| &step.act);
        self.before.iter().chain(steps).any(Act::is_remote)
    }
}

/// One thing that happens, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// How long after the one before.
    pub after: After,
    /// What.
    pub act: Act,
}

/// How long after the step before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// So many moves of commands and events later, or when nothing moves any more.
    Moves(u16),
    /// When nothing moves any more.
    Rest,
    /// So many seconds after that.
    Seconds(u32),
    /// So many seconds later, with the requests that hang still under way.
    Pending(u8),
}

/// One thing that happens. Where it makes no sense nothing happens.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// The user saves a file, in place, making the directories above.
    Write(&'static str, u32),
    /// The same, but the modification time stays what it was.
    WriteWithOldTime(&'static str, u32),
    /// The user saves a file as editors do: a new one is renamed over it.
    Replace(&'static str, u32),
    /// The user sets a file's time, in seconds after the start.
    Touch(&'static str, i32),
    /// The user deletes an entry with all below it.
    Remove(&'static str),
    /// The user makes a directory and those above it.
    MakeDirectory(&'static str),
    /// The user renames an entry to a free path, or a file over another.
    Rename(&'static str, &'static str),
    /// The user swaps two entries.
    Swap(&'static str, &'static str),
    /// The user gives a file a second name.
    Link(&'static str, &'static str),
    /// The user puts a symbolic link there.
    Symlink(&'static str),
    /// The user forbids reading an entry.
    Lock(&'static str),
    /// The user allows reading it again.
    Unlock(&'static str),
    /// The disk is gone; its mount point is empty.
    Unmount,
    /// The disk is back.
    Mount,
    /// The root's path leads elsewhere, or where it led again, and nothing tells of it.
    MoveRoot(bool),
    /// The user mounts the disk that belongs at a directory; the first time a new one, at a new or empty
    /// directory.
    MountBelow(&'static str),
    /// A disk below the root is gone; its mount point is empty.
    UnmountBelow(&'static str),
    /// The local disk is full, or not any more.
    Full(bool),
    /// The user writes a `.jottaignore`, one of a few.
    WriteRules(&'static str, u8),
    /// The user makes a `.jottaignore` a link to something.
    LinkRules(&'static str, &'static str),
    /// The user saves the file that jottad is at work on, or one in the directory that it is; waits a little
    /// for there to be one.
    WriteIntoWork(Work, u32),
    /// Another device stores a `.jottaignore`.
    RemoteWriteRules(&'static str, u8),
    /// Another device stores a file.
    RemoteWrite(&'static str, u32),
    /// Another device sets a file's time.
    RemoteTouch(&'static str, i32),
    /// Another device trashes an entry.
    RemoteRemove(&'static str),
    /// Another device makes a folder.
    RemoteMakeFolder(&'static str),
    /// Another device moves an entry.
    RemoteRename(&'static str, &'static str),
    /// Another device changes the spelling of a name.
    RemoteRespell(&'static str, &'static str),
    /// The account is full, or not any more.
    AccountFull(bool),
    /// The network is gone, or back.
    Offline(bool),
    /// The tokens are no longer good.
    LogOut,
    /// The user logs in again.
    LogIn,
    /// A person asks for everything to be looked at.
    SyncNow,
    /// A person stops the folder.
    Pause,
    /// A person stops the folder while a file travels.
    PauseTransfer,
    /// A person lets it go on.
    Resume,
    /// A person lets held deletes happen.
    Approve,
    /// A person wants held deletes undone.
    Reject,
    /// The service says that something changed.
    RemoteHint,
    /// From now on the service tells of every change, or it does not any more.
    Listen(bool),
    /// The process is killed and started again.
    Kill,
    /// The process is killed, the index is lost, and it is started again.
    LoseIndex,
    /// Somebody sets the clock, by so many seconds.
    SetClock(i32),
}

/// What jottad is doing with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// It sends or fetches it.
    Transfer,
    /// It removes it, on either side.
    Delete,
}

impl Act {
    /// Whether another device is at work.
    pub fn is_remote(&self) -> bool {
        matches!(
            self,
            Self::RemoteWrite(..)
                | Self::RemoteWriteRules(..)
                | Self::RemoteTouch(..)
                | Self::RemoteRemove(_)
                | Self::RemoteMakeFolder(_)
                | Self::RemoteRename(..)
                | Self::RemoteRespell(..)
        )
    }
}
