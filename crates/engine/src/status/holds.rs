//! What waits for a person, and what was said of it.

use jottad_core::{Operation, RelativePath};

use crate::remote::MissingPlace;

/// Why a folder, or its deletes, wait for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hold {
    /// A root is missing, replaced or suddenly empty.
    Root {
        /// What is wrong with it.
        reason: String,
        /// What a person can say of it.
        root: HeldRoot,
    },
    /// The place on which the remote root lies is not there.
    Place {
        /// What is missing.
        missing: MissingPlace,
        /// The same in words, with how it is made.
        reason: String,
    },
    /// Too many deletes at once.
    Deletes {
        /// How many entries wait, with everything in them.
        entries: u64,
        /// The files among them.
        files: u64,
        /// Files that were deleted within a day before, if it is with them that it is too much; 0 otherwise.
        lost_before: u64,
        /// Why they wait.
        held_for: DeletesHeldFor,
    },
    /// Too many files overwritten at once.
    Overwrites {
        /// How many files wait.
        files: u64,
        /// How many files that should not change were rewritten within a month, if that is why.
        rewritten: Option<u64>,
    },
}

/// What a person decided of what was held, and what is not done yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Noted {
    /// It is to happen; of a root: it is right as it is.
    Approved(Hold),
    /// Of a root: everything is wanted back from the other side.
    Rejected(Hold),
    /// What is mounted at these directories, or not mounted any more, is right as it is.
    Mounts {
        /// Where.
        at: Vec<RelativePath>,
    },
    /// So many entries are wanted back from the other side.
    WantedBack {
        /// How many.
        entries: u64,
    },
}

/// What a person decided, in full.
#[derive(Debug, Clone, PartialEq)]
pub struct NotedInFull {
    /// What was decided.
    pub noted: Noted,
    /// What is to be done for that.
    pub operations: Vec<HeldOperation>,
}

/// What a pass would hold for a person, and by what measure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreseen {
    /// What would be held.
    pub hold: Hold,
    /// Of how many files, those that the measure counts.
    pub of: u64,
    /// The measure.
    pub limit: HoldLimit,
    /// An earlier pass held of it already.
    pub is_held: bool,
}

/// Why deletes wait for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeletesHeldFor {
    /// They are too much.
    Amount,
    /// They are missing in a root that was gone, emptied or replaced, however few they are.
    Root,
}

impl DeletesHeldFor {
    const ALL: [Self; 2] = [Self::Amount, Self::Root];

    /// As it is written down.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Amount => "amount",
            Self::Root => "root",
        }
    }

    /// The one of a word.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|why| why.word() == word)
    }
}

/// What is too much to be done unasked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HoldLimit {
    /// More entries than this, deleted at once.
    MostDeletes(u64),
    /// A greater share of the files than this, deleted at once.
    Share {
        /// In percent.
        percent: u64,
    },
    /// A greater share of the files than this, deleted within a day.
    ShareOfDay {
        /// In percent.
        percent: u64,
    },
    /// A root was held for what is missing in it, or a person said that it is right as it is: whatever is
    /// deleted then is shown first.
    WordOfRoot,
    /// More than half of the files, overwritten at once.
    Overwrites,
    /// More than a tenth of the files that should not change, overwritten within a month.
    Rewrites,
    /// It was held by an earlier pass, and waits.
    Waiting,
}

/// Which root a person is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeldRoot {
    /// Nothing is at the place of the local root.
    Missing,
    /// The local root is there, but it or its rules cannot be read, or another jottad works on it.
    Unreadable,
    /// Something else than before is at the place of the local root.
    Local,
    /// The remote root is gone.
    Remote,
}

/// What waits for a person.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    /// Why.
    pub hold: Hold,
    /// What would be done.
    pub operations: Vec<HeldOperation>,
}

/// An operation that waits for a person.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldOperation {
    /// Which one.
    pub operation: Operation,
    /// How many entries it is about, with everything in them.
    pub entries: u64,
    /// The files among them.
    pub files: u64,
}
