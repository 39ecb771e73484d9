//! Why a folder cannot be started now.

use std::path::Path;
use std::time::Duration;

use jottad_core::shell_word;
use jottad_engine::{DiskErrorKind, FolderError, RemoteErrorKind, Verdict};

use crate::account::link::verdict_of;
use crate::daemon::folder::KeptBy;

/// How often something that cannot be done now is tried again.
pub(super) const TRY_AGAIN: Duration = Duration::from_mins(1);

/// Why a folder cannot be started now.
pub(super) struct Obstacle {
    pub(super) verdict: Verdict,
    pub(super) reason: String,
    pub(super) try_again: Duration,
    pub(super) by: KeptBy,
}

impl Obstacle {
    pub(super) const fn new(verdict: Verdict, reason: String) -> Self {
        Self { verdict, reason, try_again: TRY_AGAIN, by: KeptBy::Root }
    }

    /// The root cannot be taken up. The folder waits for a person, and the others go on.
    pub(super) fn of_root(name: &str, root: &Path, kind: &DiskErrorKind) -> Self {
        if kind.may_pass() {
            return Self::that_passes(&format!("{}: {kind}", root.display()));
        }
        let remedy = match kind {
            DiskErrorKind::RootLost => String::new(),
            DiskErrorKind::PermissionDenied => "; let the user that runs jottad read it".to_owned(),
            _ => format!(
                "; look after its disk, or choose another directory with `jottad folder set {} local=PATH`",
                shell_word(name)
            ),
        };
        Self::new(Verdict::Held, format!("{}: {kind}{remedy}", root.display()))
    }

    /// Something has run out. Nobody need decide anything, and what the folder has must stay where it is.
    pub(super) fn that_passes(reason: &str) -> Self {
        Self::new(Verdict::Stalled, format!("{reason}; it is tried again each minute"))
    }

    /// The index cannot be opened, and could not be set aside either.
    pub(super) fn of_index(file: &Path, error: &FolderError) -> Self {
        let reason = error.to_string();
        if error.may_pass() {
            return Self::that_passes(&format!("the index {}: {reason}", file.display()));
        }
        let remedy = "let the user that runs jottad write there, or move the file away: it is built anew, and nothing \
                      is lost by that";
        let reason = format!("the index {} cannot be used: {reason}; {remedy}", file.display());
        Self { by: KeptBy::Folder, ..Self::new(Verdict::Held, reason) }
    }

    pub(super) fn of_service(kind: RemoteErrorKind, reason: String) -> Self {
        Self::new(verdict_of(kind), reason)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn what_has_run_out_is_waited_for_and_what_a_person_must_mend_is_held() {
        let root = Path::new("/srv/docs");
        for (kind, verdict) in [
            (DiskErrorKind::TooManyFiles, Verdict::Stalled),
            (DiskErrorKind::NoSpace, Verdict::Stalled),
            (DiskErrorKind::RootLost, Verdict::Held),
            (DiskErrorKind::PermissionDenied, Verdict::Held),
        ] {
            let obstacle = Obstacle::of_root("docs", root, &kind);
            assert_eq!(obstacle.verdict, verdict, "{kind}");
            assert_eq!(
                obstacle.reason.contains("tried again"),
                verdict == Verdict::Stalled,
                "{}",
                obstacle.reason
            );
        }
        // Moving the index away is no remedy for a lack that passes.
        let index = |source: io::Error| {
            let error = jottad_engine::IndexError::File { path: "/state/index".into(), source };
            Obstacle::of_index(Path::new("/state/index/i.sqlite"), &error.into())
        };
        for (errno, verdict) in [
            (rustix::io::Errno::MFILE, Verdict::Stalled),
            (rustix::io::Errno::NOSPC, Verdict::Stalled),
            (rustix::io::Errno::ACCESS, Verdict::Held),
        ] {
            let obstacle = index(errno.into());
            assert_eq!(obstacle.verdict, verdict, "{errno}");
            let advises = obstacle.reason.contains("move the file away");
            assert_eq!(advises, verdict == Verdict::Held, "{}", obstacle.reason);
        }
    }
}
