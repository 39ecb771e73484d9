//! Whether anything is left that a folder could do now.

use super::{Folder, FolderError, Notice};

impl Folder {
    /// Tells when there is nothing left to do.
    pub(super) fn notice_rest(&mut self) -> Result<(), FolderError> {
        let was_settled = self.settled;
        self.settled = self.is_settled() && (was_settled || !self.index.is_trying()?);
        if self.settled && !was_settled {
            self.notices.push(Notice::Settled);
        }
        Ok(())
    }

    /// Whether both sides were looked at, so that it is known what would be done.
    pub(super) fn is_looked_at(&self) -> bool {
        self.is_local_looked_at()
            && self.listing.listed().is_some()
            && self.listing.is_idle()
            && self.connection.is_open()
    }

    /// Whether the local side was looked at.
    pub(super) fn is_local_looked_at(&self) -> bool {
        self.root.is_good()
            && self.scanning.is_idle()
            && self.scanning.was_complete()
            && self.hashing.is_idle()
    }

    /// Whether nothing is left that could be done now.
    pub(super) fn is_settled(&self) -> bool {
        self.resending.is_idle() && self.is_settled_but_for_what_keeps_changing()
    }

    /// Whether nothing is left but files that were just sent, have changed again and wait.
    pub(super) fn is_settled_but_for_what_keeps_changing(&self) -> bool {
        self.rechecks.is_idle() && self.is_settled_but_for_looks()
    }

    /// Whether nothing is left but what failed although the service answers.
    pub(super) fn has_only_failures_left(&self) -> bool {
        let is_at_rest = self.root.is_good()
            && self.scanning.is_idle()
            && self.scanning.was_complete()
            && self.in_flight.is_empty();
        let fails_at_looks = !self.rechecks.is_idle() && self.rechecks.waits_for_failures_alone();
        (is_at_rest && self.connection.is_stuck())
            || (fails_at_looks && self.resending.is_idle() && self.is_settled_but_for_looks())
    }

    pub(super) fn is_settled_but_for_looks(&self) -> bool {
        self.root.is_good()
            && self.backlog.is_idle()
            && self.scanning.is_idle()
            && self.scanning.was_complete()
            && self.hashing.is_idle()
            && self.listing.is_known()
            && self.listing.is_idle()
            && self.hints.is_idle()
            && self.move_in_doubt.is_idle()
            && self.respelling.is_idle()
            && self.contesting.is_idle()
            && self.rules_settling.is_idle()
            && self.in_flight.is_empty()
            && self.round.is_over()
            && self.pacing.is_idle()
            && self.connection.is_open()
    }
}
