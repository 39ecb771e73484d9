//! The path rules: three entries and a mode in, a decision out.
//!
//! The rules are complete by themselves and know nothing of moves: to them a move is a delete and a create.
//! Moves are found before ([`crate::moves`]) and applied to the base and to the other side, after which these
//! rules see nothing left to do. A move that is not recognised therefore costs time, never data.

use crate::entry::{Entry, File, Side, Trees};
use crate::mode::Mode;

/// What is to be done at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// All three trees agree, or the mode leaves this difference alone.
    Nothing,
    /// Both sides agree: the base becomes what they have.
    Adopt,
    /// Neither the mode nor any side has a claim on this path any more: the base is dropped, nothing is
    /// touched.
    Forget,
    /// Send the local file; an existing remote file becomes a revision.
    Upload,
    /// Fetch the remote file; an existing local file goes to the local trash.
    Download,
    /// Make the directory on that side.
    MakeDirectory(Side),
    /// Put what that side has at the path, with everything below, into that side's trash.
    Trash(Side),
    /// Give the file on that side the other side's modification time; no bytes travel.
    SetTime(Side),
    /// Rename what that side has at the path to a conflict name; the name is then free for the other side.
    MoveAside(Side),
    /// Something untracked stands in the way: nothing is done at the path or below, and it is reported.
    Block,
}

impl Action {
    /// Whether this removes something from a side.
    pub const fn is_delete(self) -> bool {
        matches!(self, Self::Trash(_))
    }
}

/// What is to be done at a path, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decision {
    /// What.
    pub action: Action,
    /// Why, as a fragment for `plan`, `why` and the log.
    pub because: &'static str,
}

/// Decides one path.
///
/// `changed_inside` tells whether anything below this path differs from the base on a side, deletions not
/// counted, something untracked counted: it would go with its directory. It is asked only when one side still
/// has the directory of the base and the other side has given it up.
///
/// What is below a directory has decisions of its own, but for `Trash`, `MoveAside` and `Block`, which close
/// it.
pub fn reconcile(mode: Mode, trees: Trees, changed_inside: impl Fn(Side) -> bool) -> Decision {
    // The base only ever holds what both sides had; should it claim more, it knows nothing.
    let base = if trees.base == Entry::Untracked { Entry::Absent } else { trees.base };
    let Trees { local, remote, .. } = trees;
    if local == Entry::Untracked {
        return decide(Action::Block, "something that cannot be synced is here");
    }
    if remote == Entry::Untracked {
        return decide(Action::Block, "something that cannot be synced is on the remote side");
    }
    if local.same_content(remote) {
        return agree(mode, Trees { base, local, remote });
    }
    match mode {
        Mode::Backup => push(base, local, remote, Deletes::Travel, changed_inside),
        Mode::Archive => push(base, local, remote, Deletes::Stay, changed_inside),
        Mode::Pull => pull(base, local, remote, changed_inside),
        Mode::Sync => both_ways(base, local, remote, changed_inside),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Deletes {
    Travel,
    Stay,
}

const A_FILE_HERE: &str = "a file here, a directory on the remote side";
const A_DIRECTORY_HERE: &str = "a directory here, a file on the remote side";

const fn decide(action: Action, because: &'static str) -> Decision {
    Decision { action, because }
}

/// Both sides have the same content, or nothing.
fn agree(mode: Mode, Trees { base, local, remote }: Trees) -> Decision {
    if let (Entry::File(here), Entry::File(there)) = (local, remote)
        && here.modified != there.modified
    {
        let side = match mode {
            Mode::Backup | Mode::Archive => Side::Remote,
            Mode::Pull => Side::Local,
            Mode::Sync => side_with_stale_time(base, here, there),
        };
        return decide(Action::SetTime(side), "same content, other modification time");
    }
    if base == local {
        return decide(Action::Nothing, "all agree");
    }
    if local == Entry::Absent {
        return decide(Action::Forget, "gone on both sides");
    }
    decide(Action::Adopt, "the same on both sides")
}

/// A time that changed against the base travels; of two unknown or two changed times the older one does,
/// since a copy made later is what usually lost the true time.
fn side_with_stale_time(base: Entry, here: File, there: File) -> Side {
    if let Entry::File(agreed) = base
        && agreed.content == here.content
    {
        if here.modified == agreed.modified {
            return Side::Local;
        }
        if there.modified == agreed.modified {
            return Side::Remote;
        }
    }
    if here.modified < there.modified { Side::Remote } else { Side::Local }
}

/// `backup` and `archive`: the local side is the truth, and nothing is ever written there.
fn push(
    base: Entry,
    local: Entry,
    remote: Entry,
    deletes: Deletes,
    changed_inside: impl Fn(Side) -> bool,
) -> Decision {
    match (local, remote) {
        (Entry::File(_), Entry::Absent) if base == Entry::Absent => decide(Action::Upload, "new here"),
        (Entry::File(_), Entry::Absent) => decide(Action::Upload, "missing on the remote side"),
        (Entry::File(_), Entry::File(_)) if remote.same_content(base) => {
            decide(Action::Upload, "edited here")
        }
        (Entry::File(_), Entry::File(_)) => {
            decide(Action::Upload, "differs from the remote side, whose content is kept as a revision")
        }
        (Entry::Directory, Entry::Absent) if base == Entry::Absent => {
            decide(Action::MakeDirectory(Side::Remote), "new directory here")
        }
        (Entry::Directory, Entry::Absent) => {
            decide(Action::MakeDirectory(Side::Remote), "missing on the remote side")
        }
        // The name is taken by the other kind. What the base knew may go to the trash; anything else is not
        // ours to remove and steps aside.
        (Entry::File(_), Entry::Directory) => {
            if deletes == Deletes::Travel && base == Entry::Directory && !changed_inside(Side::Remote) {
                decide(Action::Trash(Side::Remote), "replaced by a file here")
            } else {
                decide(Action::MoveAside(Side::Remote), A_FILE_HERE)
            }
        }
        (Entry::Directory, Entry::File(_)) => {
            if deletes == Deletes::Travel && remote.same_content(base) {
                decide(Action::Trash(Side::Remote), "replaced by a directory here")
            } else {
                decide(Action::MoveAside(Side::Remote), A_DIRECTORY_HERE)
            }
        }
        (Entry::Absent, _) if base == Entry::Absent => {
            decide(Action::Nothing, "only on the remote side, left alone")
        }
        (Entry::Absent, _) if deletes == Deletes::Stay => {
            decide(Action::Forget, "deleted here, kept on the remote side")
        }
        (Entry::Absent, Entry::Directory) if base == Entry::Directory => {
            if changed_inside(Side::Remote) {
                decide(Action::Forget, "deleted here, but changed inside on the remote side")
            } else {
                decide(Action::Trash(Side::Remote), "deleted here")
            }
        }
        (Entry::Absent, _) if remote.same_content(base) => {
            decide(Action::Trash(Side::Remote), "deleted here")
        }
        (Entry::Absent, _) => decide(Action::Forget, "deleted here, but changed on the remote side"),
        (Entry::Untracked, _) | (_, Entry::Untracked) | (Entry::Directory, Entry::Directory) => {
            unreachable_by_construction()
        }
    }
}

/// `pull`: the remote side is the truth, and nothing is ever written there.
fn pull(base: Entry, local: Entry, remote: Entry, changed_inside: impl Fn(Side) -> bool) -> Decision {
    let local_is_base = || match local {
        Entry::Directory => base == Entry::Directory && !changed_inside(Side::Local),
        _ => local.same_content(base),
    };
    match (remote, local) {
        (Entry::File(_), Entry::Absent) if base == Entry::Absent => {
            decide(Action::Download, "new on the remote side")
        }
        (Entry::File(_), Entry::Absent) => decide(Action::Download, "missing here"),
        (Entry::Directory, Entry::Absent) if base == Entry::Absent => {
            decide(Action::MakeDirectory(Side::Local), "new directory on the remote side")
        }
        (Entry::Directory, Entry::Absent) => decide(Action::MakeDirectory(Side::Local), "missing here"),
        (Entry::File(_), Entry::File(_)) if local_is_base() => {
            decide(Action::Download, "edited on the remote side")
        }
        (Entry::File(_) | Entry::Directory, _) => {
            if local_is_base() {
                decide(Action::Trash(Side::Local), "replaced on the remote side")
            } else {
                decide(Action::MoveAside(Side::Local), "different here; the remote side keeps the name")
            }
        }
        (Entry::Absent, _) if base == Entry::Absent => decide(Action::Nothing, "only here, left alone"),
        (Entry::Absent, _) if local_is_base() => {
            decide(Action::Trash(Side::Local), "deleted on the remote side")
        }
        (Entry::Absent, _) => decide(Action::Forget, "deleted on the remote side, but changed here"),
        (Entry::Untracked, _) => unreachable_by_construction(),
    }
}

/// `sync`: changes travel both ways, edits beat deletes, and of two edits both are kept.
fn both_ways(base: Entry, local: Entry, remote: Entry, changed_inside: impl Fn(Side) -> bool) -> Decision {
    let local_is_base = local.same_content(base);
    let remote_is_base = remote.same_content(base);
    match (local, remote) {
        (Entry::Absent, Entry::Directory) => {
            if remote_is_base && !changed_inside(Side::Remote) {
                decide(Action::Trash(Side::Remote), "deleted here")
            } else if base == Entry::Absent {
                decide(Action::MakeDirectory(Side::Local), "new directory on the remote side")
            } else if base == Entry::Directory {
                decide(
                    Action::MakeDirectory(Side::Local),
                    "deleted here, but changed inside on the remote side",
                )
            } else {
                decide(Action::MakeDirectory(Side::Local), "deleted here, but changed on the remote side")
            }
        }
        (Entry::Directory, Entry::Absent) => {
            if local_is_base && !changed_inside(Side::Local) {
                decide(Action::Trash(Side::Local), "deleted on the remote side")
            } else if base == Entry::Absent {
                decide(Action::MakeDirectory(Side::Remote), "new directory here")
            } else if base == Entry::Directory {
                decide(
                    Action::MakeDirectory(Side::Remote),
                    "deleted on the remote side, but changed inside here",
                )
            } else {
                decide(Action::MakeDirectory(Side::Remote), "deleted on the remote side, but changed here")
            }
        }
        (Entry::File(_), Entry::Absent) if local_is_base => {
            decide(Action::Trash(Side::Local), "deleted on the remote side")
        }
        (Entry::File(_), Entry::Absent) if base == Entry::Absent => decide(Action::Upload, "new here"),
        (Entry::File(_), Entry::Absent) => {
            decide(Action::Upload, "deleted on the remote side, but changed here")
        }
        (Entry::Absent, Entry::File(_)) if remote_is_base => {
            decide(Action::Trash(Side::Remote), "deleted here")
        }
        (Entry::Absent, Entry::File(_)) if base == Entry::Absent => {
            decide(Action::Download, "new on the remote side")
        }
        (Entry::Absent, Entry::File(_)) => {
            decide(Action::Download, "deleted here, but changed on the remote side")
        }
        (Entry::File(_), Entry::File(_)) => {
            if local_is_base {
                decide(Action::Download, "edited on the remote side")
            } else if remote_is_base {
                decide(Action::Upload, "edited here")
            } else if base == Entry::Absent {
                decide(Action::MoveAside(Side::Local), "new on both sides, with different content")
            } else {
                decide(Action::MoveAside(Side::Local), "changed on both sides")
            }
        }
        // A file on one side and a directory on the other: the side that is still the base gives way, and if
        // neither is, the file takes a conflict name because a directory may hold much more.
        (Entry::File(_), Entry::Directory) => {
            if local_is_base {
                decide(Action::Trash(Side::Local), "replaced by a directory on the remote side")
            } else if remote_is_base && !changed_inside(Side::Remote) {
                decide(Action::Trash(Side::Remote), "replaced by a file here")
            } else {
                decide(Action::MoveAside(Side::Local), A_FILE_HERE)
            }
        }
        (Entry::Directory, Entry::File(_)) => {
            if remote_is_base {
                decide(Action::Trash(Side::Remote), "replaced by a directory here")
            } else if local_is_base && !changed_inside(Side::Local) {
                decide(Action::Trash(Side::Local), "replaced by a file on the remote side")
            } else {
                decide(Action::MoveAside(Side::Remote), A_DIRECTORY_HERE)
            }
        }
        (Entry::Untracked, _)
        | (_, Entry::Untracked)
        | (Entry::Absent, Entry::Absent)
        | (Entry::Directory, Entry::Directory) => unreachable_by_construction(),
    }
}

/// Untracked and agreeing entries are decided before the modes differ. Doing nothing is right even if not.
fn unreachable_by_construction() -> Decision {
    debug_assert!(false, "decided before the modes differ");
    decide(Action::Nothing, "decided already")
}
