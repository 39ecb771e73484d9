//! Whether the service can be worked with, and when to ask again if not.
//!
//! A request for one entry may fail because the service cannot be reached, or for a reason of the entry's
//! own. So the service is asked for its change stamp after it: an answer acquits the service, and the entry
//! has a problem. Trouble with the service ends only with such an answer, never with a new try.

use std::time::Duration;

use jottad_core::Timestamp;

use crate::event::{CommandId, Task};
use crate::folder::in_flight::Running;
use crate::folder::{Folder, FolderError};
use crate::index::NodeId;
use crate::planted::{self, Planted};
use crate::remote::{RemoteError, RemoteErrorKind};
use crate::scope::{self, Asked, Blame, Scope};
use crate::time::Now;

const FIRST_DELAY: Duration = Duration::from_secs(5);
const LONGEST_DELAY: Duration = Duration::from_mins(5);
/// A longer pause than this no service means, whatever it asks for.
const LONGEST_PAUSE: Duration = Duration::from_hours(24);

/// The state of the service as the last answers showed it.
#[derive(Debug, Default)]
pub(in crate::folder) struct Connection {
    trouble: Option<Trouble>,
    failures: u32,
    /// How often the folder could not be listed in a row although the service answered something else.
    listing_failures: u32,
    /// Until then no file is sent, because the account is full.
    full_until: Option<Duration>,
    /// The question whether the service answers.
    probe: Probe,
    /// What failed and has a problem if the service answers.
    suspects: Vec<Suspect>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Probe {
    #[default]
    None,
    Wanted,
    Asked(CommandId),
}

/// Something that failed for a reason that may be the service's or its own.
#[derive(Debug)]
struct Suspect {
    error: RemoteError,
    what: Suspected,
}

#[derive(Debug)]
pub(in crate::folder) enum Suspected {
    /// An operation.
    Operation(Box<Running>),
    /// A look at the content of a directory, or at entries in it.
    Directory(NodeId),
    /// A look at an end of a move in doubt.
    Move,
    /// The listing of everything.
    Listing,
}

#[derive(Debug, Clone)]
struct Trouble {
    scope: Scope,
    kind: RemoteErrorKind,
    message: String,
    since: Timestamp,
    tries: u32,
    retry_at: Option<Duration>,
    /// The same by the wall clock, for people.
    next_try: Option<Timestamp>,
}

/// Why the whole folder does not get on, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::folder) struct TroubleView<'a> {
    pub(in crate::folder) scope: Scope,
    pub(in crate::folder) kind: RemoteErrorKind,
    pub(in crate::folder) message: &'a str,
    pub(in crate::folder) since: Timestamp,
    /// How often the service was asked in vain.
    pub(in crate::folder) tries: u32,
    pub(in crate::folder) next_try: Option<Timestamp>,
}

impl Connection {
    /// Whether anything but the question whether the service answers may be asked.
    pub(in crate::folder) fn is_open(&self) -> bool {
        self.trouble.is_none() && self.probe == Probe::None
    }

    /// Whether files may be sent.
    pub(in crate::folder) fn takes_uploads(&self) -> bool {
        self.full_until.is_none()
    }

    /// Whether nothing gets on before a person logs in. While it is asked whether the service takes the login
    /// by now, nobody knows: a person may have logged in a moment ago.
    pub(in crate::folder) fn is_login_needed(&self) -> bool {
        self.probe == Probe::None
            && self.trouble.as_ref().is_some_and(|trouble| trouble.kind == RemoteErrorKind::LoginNeeded)
    }

    /// What keeps the folder from going on, until the service has answered.
    pub(in crate::folder) fn trouble(&self) -> Option<TroubleView<'_>> {
        let Trouble { scope, kind, message, since, tries, next_try, .. } = self.trouble.as_ref()?;
        Some(TroubleView {
            scope: *scope,
            kind: *kind,
            message,
            since: *since,
            tries: *tries,
            next_try: *next_try,
        })
    }

    pub(in crate::folder) fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// The folder was listed.
    pub(in crate::folder) fn listed(&mut self) {
        self.listing_failures = 0;
    }

    pub(in crate::folder) fn deadline(&self) -> Option<Duration> {
        let retry = self.trouble.as_ref().and_then(|trouble| trouble.retry_at);
        [retry, self.full_until].into_iter().flatten().min()
    }

    /// Tells whether files may be sent again, which had to wait for room in the account.
    pub(in crate::folder) fn timer(&mut self, now: Now) -> bool {
        if let Some(trouble) = &mut self.trouble
            && trouble.retry_at.is_some_and(|time| time <= now.monotonic)
        {
            (trouble.retry_at, trouble.next_try) = (None, None);
            self.want_probe();
        }
        self.full_until.take_if(|time| *time <= now.monotonic).is_some()
    }

    /// Asks now whether the service answers, if it did not. Uploads are tried again even if the account was
    /// full.
    pub(in crate::folder) fn retry_now(&mut self) {
        self.full_until = None;
        if let Some(trouble) = &mut self.trouble {
            (trouble.retry_at, trouble.next_try) = (None, None);
            self.want_probe();
        }
    }

    fn want_probe(&mut self) {
        if self.probe == Probe::None {
            self.probe = Probe::Wanted;
        }
    }

    /// Whether this command asks whether the service answers.
    pub(in crate::folder) fn asked(&self, command: CommandId) -> bool {
        self.probe == Probe::Asked(command)
    }

    /// Takes an error that concerns more than what was asked for.
    pub(super) fn fail(&mut self, scope: Scope, error: &RemoteError, now: Now) {
        let failures = self.failures;
        self.failures += 1;
        self.close(scope, error, failures, now);
    }

    fn close(&mut self, scope: Scope, error: &RemoteError, failures: u32, now: Now) {
        let delay = if error.kind == RemoteErrorKind::LoginNeeded {
            None
        } else {
            let doubled = FIRST_DELAY.saturating_mul(1 << failures.min(10)).min(LONGEST_DELAY);
            Some(doubled.max(pause_asked_for(error).unwrap_or_default()))
        };
        let before = self.trouble.as_ref().map(|trouble| (trouble.since, trouble.tries));
        let (since, tries) = before.unwrap_or((now.wall, 0));
        self.trouble = Some(Trouble {
            since,
            tries: tries + 1,
            scope,
            kind: error.kind,
            message: error.message.clone(),
            retry_at: delay.map(|delay| now.monotonic.saturating_add(delay)),
            next_try: delay.map(|delay| {
                Timestamp::from_seconds(now.wall.seconds().saturating_add_unsigned(delay.as_secs()))
            }),
        });
        if self.probe == Probe::Wanted {
            self.probe = Probe::None;
        }
    }

    /// Counts another listing that failed; tells how many did in a row before it.
    fn count_listing_failure(&mut self) -> u32 {
        let before = self.listing_failures;
        self.listing_failures = before.saturating_add(1);
        before
    }

    /// Whether nothing can be done until the service is asked again, although it answers, and a new try was
    /// in vain already.
    pub(in crate::folder) fn is_stuck(&self) -> bool {
        let is_waiting = self.probe == Probe::None;
        self.trouble.as_ref().filter(|_| is_waiting).is_some_and(|trouble| {
            trouble.scope != Scope::Network
                && trouble.kind != RemoteErrorKind::LoginNeeded
                && trouble.tries.max(self.listing_failures) > 1
        })
    }

    /// The account is full or locked: nothing is sent for a while, everything else goes on.
    pub(in crate::folder) fn account_is_full(&mut self, now: Now) {
        self.full_until = Some(now.monotonic + Duration::from_mins(10));
    }
}

impl Folder {
    /// Asks whether the service answers, where that has come into doubt.
    pub(in crate::folder) fn issue_probe(&mut self) {
        if self.connection.probe == Probe::Wanted {
            self.connection.probe = Probe::Asked(self.issue(Task::Poll));
        }
    }

    /// The question whether the service answers has ended. Any answer of its own acquits it.
    pub(in crate::folder) fn probe_ended(
        &mut self,
        result: Result<String, RemoteError>,
        now: Now,
    ) -> Result<(), FolderError> {
        self.connection.probe = Probe::None;
        self.round.restart();
        let suspects = std::mem::take(&mut self.connection.suspects);
        if let Err(error) = result
            && let Blame::Known(scope @ (Scope::Network | Scope::Account)) =
                scope::of_remote(Asked::Stamp, error.kind, error.retry_after.is_some())
        {
            self.connection.fail(scope, &error, now);
            for suspect in suspects {
                self.acquit(&suspect.what);
            }
            return Ok(());
        }
        self.connection.trouble = None;
        for Suspect { error, what } in suspects {
            match what {
                Suspected::Operation(running) => self.entry_failed(&running, &error, now)?,
                Suspected::Directory(directory) => self.directory_failed(directory, &error, now),
                Suspected::Move => self.move_look_failed(now),
                Suspected::Listing => self.listing_failed(&error, now),
            }
        }
        Ok(())
    }

    /// It was the service that failed, which says nothing of what was asked for.
    fn acquit(&mut self, suspected: &Suspected) {
        match suspected {
            Suspected::Operation(running) => {
                self.attempts.remove(&running.node);
            }
            Suspected::Directory(_) | Suspected::Move | Suspected::Listing => {}
        }
    }

    /// Something failed in a way in which everything may fail: the service is asked, unless it is known to be
    /// in trouble.
    pub(super) fn suspect(&mut self, what: Suspected, error: &RemoteError, now: Now) {
        if self.connection.trouble.is_some() {
            self.acquit(&what);
            return;
        }
        if planted::is(Planted::EntryStopsFolder) {
            self.connection.fail(Scope::Network, error, now);
            return;
        }
        self.connection.suspects.push(Suspect { error: error.clone(), what });
        self.connection.want_probe();
    }

    /// Takes the failure of a look.
    pub(in crate::folder) fn look_failed(
        &mut self,
        what: Suspected,
        error: &RemoteError,
        now: Now,
    ) -> Result<(), FolderError> {
        let asked = match what {
            Suspected::Operation(_) | Suspected::Move => Asked::Entry,
            Suspected::Directory(_) => Asked::Directory,
            Suspected::Listing => Asked::Listing,
        };
        // The folder is held until the place is there.
        if self.take_missing_place(error, now) {
            self.acquit(&what);
            return Ok(());
        }
        let is_full = matches!(error.kind, RemoteErrorKind::QuotaExceeded | RemoteErrorKind::AccountLocked);
        match (scope::of_remote(asked, error.kind, error.retry_after.is_some()), what) {
            (Blame::Unless(_), what) => self.suspect(what, error, now),
            (Blame::Known(scope @ (Scope::Network | Scope::Account)), what) if !is_full => {
                self.stopped_by(what, scope, error, now);
            }
            (_, Suspected::Operation(running)) => self.entry_failed(&running, error, now)?,
            (_, Suspected::Directory(directory)) => self.directory_failed(directory, error, now),
            (_, Suspected::Move) => self.move_look_failed(now),
            (_, Suspected::Listing) => self.listing_failed(error, now),
        }
        Ok(())
    }

    /// Takes a failure that stops more than what was asked for. A pause may be asked for because of this one
    /// thing, so its tries count at their own place, whatever the service answers to anything else, and the
    /// others come first.
    fn stopped_by(&mut self, what: Suspected, scope: Scope, error: &RemoteError, now: Now) {
        let is_uncounted = planted::is(Planted::PauseUncounted) && !matches!(what, Suspected::Operation(_));
        if is_uncounted {
            self.connection.fail(scope, error, now);
            return;
        }
        if let (Suspected::Listing, Some(_)) = (&what, error.retry_after) {
            let failures = self.connection.count_listing_failure();
            self.connection.close(scope, error, failures, now);
            return;
        }
        self.connection.fail(scope, error, now);
        let pause = self.connection.deadline().map(|time| time.saturating_sub(now.monotonic));
        match (pause.filter(|_| error.retry_after.is_some()), what) {
            (Some(pause), Suspected::Operation(running)) => self.rest_after(&running, pause, now),
            (Some(_), Suspected::Directory(directory)) => self.directory_failed(directory, error, now),
            (Some(_), Suspected::Move) => self.move_look_failed(now),
            (_, what) => self.acquit(&what),
        }
    }

    /// The service answers, but does not list the folder: nothing is known of it until it does.
    fn listing_failed(&mut self, error: &RemoteError, now: Now) {
        let failures = self.connection.count_listing_failure();
        self.connection.close(Scope::Folder, error, failures, now);
    }
}

/// How long the service wants to be left alone.
pub(super) fn pause_asked_for(error: &RemoteError) -> Option<Duration> {
    error.retry_after.map(|pause| pause.min(LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builders::at;

    /// Once, who had just logged in and asked for a pass was told that a login is needed.
    #[test]
    fn a_login_is_not_said_to_be_needed_while_it_is_asked_whether_it_is() {
        let error = RemoteError {
            kind: RemoteErrorKind::LoginNeeded,
            message: "the service ended the login".to_owned(),
            retry_after: None,
            may_be_done: false,
        };
        let mut connection = Connection::default();
        connection.fail(Scope::Account, &error, at(0));
        assert!(connection.is_login_needed());
        connection.retry_now();
        assert!(!connection.is_login_needed());
        connection.probe = Probe::Asked(CommandId(1));
        assert!(!connection.is_login_needed());
        connection.probe = Probe::None;
        connection.fail(Scope::Account, &error, at(1));
        assert!(connection.is_login_needed());
    }

    /// Who waits for a folder is told of the trouble when that is not over by itself at once.
    #[test]
    fn a_folder_is_stuck_when_a_service_that_answers_failed_twice() {
        let refused = RemoteError::new(RemoteErrorKind::Unavailable, "out of order".to_owned());
        for (scope, kind, is_stuck) in [
            (Scope::Account, RemoteErrorKind::Unavailable, [false, true, true]),
            (Scope::Folder, RemoteErrorKind::Incomplete, [false, true, true]),
            (Scope::Network, RemoteErrorKind::Offline, [false, false, false]),
            (Scope::Account, RemoteErrorKind::LoginNeeded, [false, false, false]),
        ] {
            let mut connection = Connection::default();
            assert!(!connection.is_stuck());
            let told = [10, 20, 30].map(|seconds| {
                connection.fail(scope, &RemoteError { kind, ..refused.clone() }, at(seconds));
                connection.probe = Probe::None;
                connection.is_stuck()
            });
            assert_eq!(told, is_stuck, "{kind:?}");
            connection.want_probe();
            assert!(!connection.is_stuck(), "it is asked again: {kind:?}");
        }
    }

    /// Everything else goes on meanwhile.
    #[test]
    fn a_full_account_is_tried_again_after_ten_minutes() {
        let mut connection = Connection::default();
        connection.account_is_full(at(1000));
        assert!(connection.is_open());
        for (seconds, is_over) in [(1001, false), (1599, false), (1600, true), (1601, false)] {
            assert_eq!(connection.timer(at(seconds)), is_over, "{seconds}");
            assert_eq!(connection.takes_uploads(), seconds >= 1600, "{seconds}");
        }
    }

    /// Each answer in vain doubles the pause, up to five minutes; a pause that the service asks for is
    /// longer.
    #[test]
    fn the_service_is_asked_again_after_pauses_that_double() {
        let error = RemoteError::new(RemoteErrorKind::Offline, "no answer".to_owned());
        let mut connection = Connection::default();
        for pause in [5, 10, 20, 40, 80, 160, 300, 300] {
            connection.fail(Scope::Network, &error, at(1000));
            assert_eq!(connection.deadline(), Some(Duration::from_secs(1000 + pause)));
            assert!(!connection.is_open());
        }
        let asked = RemoteError { retry_after: Some(Duration::from_mins(15)), ..error.clone() };
        connection.fail(Scope::Network, &asked, at(1000));
        assert_eq!(connection.deadline(), Some(Duration::from_secs(1900)));
        // An answer lets it begin anew.
        connection.succeeded();
        connection.fail(Scope::Network, &error, at(2000));
        assert_eq!(connection.deadline(), Some(Duration::from_secs(2005)));
    }

    /// How often an operation was tried says nothing while it is the service that fails.
    #[test]
    fn an_operation_that_met_a_service_in_trouble_was_not_tried() {
        for is_in_trouble in [true, false] {
            let (_place, index) = crate::builders::new_index();
            let mut folder = Folder::new(crate::builders::settings(), index).unwrap();
            let error = RemoteError::new(RemoteErrorKind::Unavailable, "it has too much to do".to_owned());
            if is_in_trouble {
                folder.connection.fail(Scope::Network, &error, at(0));
            }
            let node = NodeId(7);
            folder.attempts.insert(node, 2);
            let running = Running {
                node,
                directory: NodeId::ROOT,
                kind: jottad_core::OperationKind::MakeDirectory(jottad_core::Side::Remote),
                path: jottad_core::RelativePath::root(),
                to: None,
                bytes: None,
                detail: crate::folder::in_flight::Detail::MakeRemoteDirectory,
                before: None,
            };
            folder.suspect(Suspected::Operation(Box::new(running)), &error, at(1));
            assert_eq!(folder.attempts.contains_key(&node), !is_in_trouble);
        }
    }
}
