//! One configured folder in a running daemon: what it is set up with, and how it is asked.

mod report;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jottad_core::{RelativePath, Side, Timestamp};
use jottad_engine::{
    CommandId, Explanation, FolderError, FolderHandle, FolderRequestError, FolderSettings, FolderStatus,
    HeldRoot, Hold, Request, RunEnd, Verdict,
};
use jottad_watcher::Watcher;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::account::KnownAccount;
use crate::account::link::ServiceLink;
use crate::api::documents::{RestartsDocument, Time, TransferDocument};
use crate::api::waiting::WORTH_TELLING;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::{now, path_text};
use crate::config::{Config, Folder, Guard, Transfer};
use crate::daemon::Purpose;
use crate::daemon::events::Events;
use crate::daemon::first_pass;
use crate::daemon::index_file::index_file;
use crate::daemon::noticing::Noticing;
use crate::daemon::pass::Pass;
use crate::daemon::supervisor::{Deaths, NEVER_COMPARED, Supervisor, supervise};
use crate::places::{Places, make_private_directory};
pub(crate) use report::Report;
use report::{LONGEST_STILLNESS, judge, late, longest_wait, stall, unanswered};

/// A loop that does not answer for so long is stuck.
const TIMEOUT: Duration = Duration::from_secs(5);
/// What is said of a folder whose loop does not answer.
const SILENT: &str = "the folder's loop does not answer";

/// Everything in config and login that concerns one folder: if it changes, the folder is started anew.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Setup {
    pub(crate) folder: Folder,
    pub(crate) guard: Guard,
    pub(crate) transfer: Transfer,
    /// Whose files these are; unknown until somebody has logged in.
    pub(crate) username: Option<String>,
    pub(crate) purpose: Purpose,
}

impl Setup {
    /// What config and login say.
    pub(crate) fn new(
        folder: &Folder,
        config: &Config,
        account: Option<&KnownAccount>,
        purpose: Purpose,
    ) -> Self {
        Self {
            folder: folder.clone(),
            guard: config.guard.clone(),
            transfer: config.transfer.clone(),
            username: account.map(|account| account.username.clone()),
            purpose,
        }
    }

    /// What the engine needs to know.
    pub(crate) fn settings(&self, watched: bool) -> FolderSettings {
        FolderSettings {
            name: self.folder.name.clone(),
            mode: self.folder.mode,
            max_size: self.folder.max_size,
            ignore: self.folder.ignore.clone(),
            own: self.folder.own.clone(),
            delete_limits: self.guard.delete_limits,
            poll: self.folder.poll,
            // One pass does not wait for files to come to rest.
            resend: if self.purpose.is_daemon() { self.folder.resend } else { Duration::ZERO },
            scan: self.folder.scan,
            // The remote's full look is as much a backstop as the local one.
            list: self.folder.scan,
            proof: self.folder.proof,
            watched,
            list_at_start: !self.purpose.is_daemon(),
            uploads: self.transfer.uploads,
            downloads: self.transfer.downloads,
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        }
    }

    /// Where the folder's index is.
    pub(crate) fn index_file(&self, places: &Places, username: &str) -> PathBuf {
        index_file(&self.folder, places, username)
    }
}

/// A folder that the daemon keeps in step, or tries to.
pub(crate) struct RunningFolder {
    setup: Setup,
    pub(super) phase: Arc<Mutex<Phase>>,
    /// Progress as of the last look, to tell speeds.
    progress: Mutex<BTreeMap<CommandId, Sample>>,
    deaths: Arc<Mutex<Deaths>>,
    pass: Pass,
    wake: Arc<Notify>,
    stop: watch::Sender<bool>,
    task: Mutex<Option<JoinHandle<()>>>,
    /// At rest: when somebody last logged in.
    logged_in_at: Option<Timestamp>,
}

/// How far a folder has come.
pub(super) enum Phase {
    /// It is being started.
    Starting {
        /// Since then.
        since: Instant,
        /// What kept it from running before. A new try ends that only when it succeeds.
        after: Option<Kept>,
        /// What the service is asked for that, and since when.
        asked: Option<(Question, Instant)>,
    },
    /// It cannot be started now; it is tried again.
    Waiting(Kept),
    /// It runs.
    Running {
        handle: FolderHandle,
        watcher: Option<Arc<Watcher>>,
        /// Why it is not watched.
        blind: Option<String>,
    },
}

impl Phase {
    /// It begins to be started; `after` is what kept it from running before.
    pub(super) fn starting(after: Option<Kept>) -> Self {
        Self::Starting { since: Instant::now(), after, asked: None }
    }
}

/// What the service is asked before a folder runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    /// Whose account it is.
    Account,
    /// Whether the place of a new folder holds anything.
    Place,
}

/// What keeps a folder from running.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) verdict: Verdict,
    pub(super) reason: String,
    pub(super) by: KeptBy,
}

/// What it is that keeps a folder from running; what is held, where a person must decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeptBy {
    /// The root cannot be taken up.
    Root,
    /// Something else of the folder.
    Folder,
    /// Somebody else may keep something at the place that nobody named for it.
    TakenPlace,
    /// At rest: it was never run, so there is no index to answer from.
    NoRunYet,
}

impl RunningFolder {
    /// Starts in the background; what keeps it from running is told by its status.
    pub(crate) fn start(
        setup: Setup,
        places: &Places,
        link: &ServiceLink,
        events: &Events,
        noticing: &Noticing,
    ) -> Arc<Self> {
        let phase = Arc::new(Mutex::new(Phase::starting(None)));
        let deaths = Arc::default();
        let pass = Pass::default();
        let wake = Arc::new(Notify::new());
        let stop = watch::Sender::new(false);
        let supervisor = Supervisor {
            setup: setup.clone(),
            places: places.clone(),
            link: link.clone(),
            events: events.clone(),
            noticing: noticing.clone(),
            phase: Arc::clone(&phase),
            deaths: Arc::clone(&deaths),
            pass: pass.clone(),
            wake: Arc::clone(&wake),
            stop: stop.subscribe(),
        };
        let task = Mutex::new(Some(tokio::spawn(supervise(supervisor, Supervisor::run))));
        let is_at_rest = setup.purpose == Purpose::Rest;
        let logged_in_at = is_at_rest.then(|| KnownAccount::logged_in_at(places)).flatten();
        let progress = Mutex::default();
        Arc::new(Self { setup, phase, progress, deaths, pass, wake, stop, task, logged_in_at })
    }

    /// Its name in the config.
    pub(crate) fn name(&self) -> &str {
        &self.setup.folder.name
    }

    /// Its part of the config.
    pub(crate) fn config(&self) -> &Folder {
        &self.setup.folder
    }

    /// What it is taken up for.
    pub(crate) fn purpose(&self) -> Purpose {
        self.setup.purpose
    }

    /// Whether it runs with exactly this setup.
    pub(crate) fn runs(&self, setup: &Setup) -> bool {
        self.setup == *setup
    }

    /// Where its index is; unknown until somebody has logged in.
    pub(crate) fn index_file(&self, places: &Places) -> Option<PathBuf> {
        let owner = KnownAccount::owner(places)?;
        Some(self.setup.index_file(places, &owner.username))
    }

    /// Makes the index of a folder that was never run, with an order in it.
    pub(crate) async fn note_before_first_run(&self, places: &Places, order: Request) -> Result<(), Failure> {
        let name = self.name();
        let index = self.index_file(places).ok_or_else(|| {
            let message =
                format!("nothing can be noted for {name:?}: nobody has logged in yet, so nothing is synced");
            Failure::new(Exit::LoginNeeded, message).hint("log in with: jottad login")
        })?;
        make_private_directory(&places.indexes())?;
        let failed = |error: &dyn std::error::Error, lacks_room| {
            let shown = index.display().to_string();
            let failure = Failure::failed(format!("noting that in {shown}: {error}"));
            failure.no_room_if(lacks_room).path(shown)
        };
        FolderHandle::make_index(&index).map_err(|error| failed(&error, error.lacks_room()))?;
        let handle = FolderHandle::start_at_rest(self.setup.settings(false), &index, now);
        let handle = handle.map_err(|error| failed(&error, error.lacks_room()))?;
        let noted = handle.request(order).await.map_err(|error| match &error {
            FolderRequestError::Stopped(_) => failed(&error, false),
            FolderRequestError::Folder(cause) => failed(&error, cause.lacks_room()),
        });
        handle.shutdown().await;
        noted
    }

    /// At rest: whether a pass has ever looked at its local side.
    pub(crate) async fn was_compared(&self) -> bool {
        match self.handle() {
            Some(handle) => handle.status().await.is_ok_and(|status| status.local_checked_at.is_some()),
            // Something else may keep it from being asked.
            None => self.kept_by() != Some(KeptBy::NoRunYet),
        }
    }

    /// What is known of a path before there is an index.
    pub(crate) async fn explain_before_first_run(&self, path: RelativePath) -> Result<Explanation, Failure> {
        first_pass::explain(self.setup.settings(false), path).await
    }

    /// The engine's handle, while it runs.
    pub(crate) fn handle(&self) -> Option<FolderHandle> {
        match &*self.lock() {
            Phase::Running { handle, .. } => Some(handle.clone()),
            Phase::Starting { .. } | Phase::Waiting(_) => None,
        }
    }

    /// Why it does not run, if it waits for something.
    pub(crate) fn obstacle(&self) -> Option<String> {
        self.kept(|kept| kept.reason.clone())
    }

    /// What it is that keeps it from running, if something does.
    pub(super) fn kept_by(&self) -> Option<KeptBy> {
        self.kept(|kept| kept.by)
    }

    /// Something of what keeps it from running, if something does.
    fn kept<T>(&self, of: impl FnOnce(&Kept) -> T) -> Option<T> {
        match &*self.lock() {
            Phase::Waiting(kept) | Phase::Starting { after: Some(kept), .. } => Some(of(kept)),
            Phase::Starting { .. } | Phase::Running { .. } => None,
        }
    }

    /// Whether somebody waits for what it is taken up for.
    fn is_waited_for(&self) -> bool {
        matches!(self.setup.purpose, Purpose::OnePass | Purpose::Look)
    }

    /// Waits until it runs or asks the service, for as long as it is being started: its index is copied then.
    pub(crate) async fn copied_within(&self, longest: Duration) {
        let deadline = Instant::now() + longest;
        while matches!(*self.lock(), Phase::Starting { asked: None, .. }) && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until it runs, for as long as it is being started; tells whether it does.
    pub(crate) async fn starts_within(&self, longest: Duration) -> bool {
        let deadline = Instant::now() + longest;
        loop {
            if self.handle().is_some() {
                return true;
            }
            let is_starting = matches!(*self.lock(), Phase::Starting { .. });
            if !is_starting || Instant::now() >= deadline {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Tries at once what waits for a better time.
    pub(crate) async fn wake(&self) {
        self.wake.notify_one();
        if let Some(handle) = self.handle()
            && let Err(error) = handle.request(Request::Reconnect).await
        {
            tracing::warn!(folder = self.name(), %error, "the folder was not woken");
        }
    }

    /// Ends it; what travels is left resumable.
    pub(crate) async fn stop(&self) {
        self.stop.send_replace(true);
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task
            && let Err(error) = task.await
        {
            tracing::error!(folder = self.name(), %error, "the folder ended badly");
        }
    }

    /// What it died of, if it ever did.
    pub(crate) fn restarts(&self) -> Option<RestartsDocument> {
        let deaths = self.deaths.lock().unwrap_or_else(PoisonError::into_inner);
        let at = deaths.at?;
        Some(RestartsDocument { times: deaths.times, at: Time(at), reason: deaths.reason.clone() })
    }

    /// What can be said of it now.
    pub(crate) async fn report(&self) -> Report {
        let (handle, coverage, blind) = match &*self.lock() {
            Phase::Running { handle, watcher, blind } => {
                (handle.clone(), watcher.as_ref().map(|watcher| watcher.coverage()), blind.clone())
            }
            Phase::Waiting(kept) | Phase::Starting { after: Some(kept), .. } => return Report::of_kept(kept),
            Phase::Starting { since, asked, .. } => {
                let asked = asked.map(|(question, since)| (question, since.elapsed()));
                return Report::of_start(since.elapsed(), asked, self.is_waited_for());
            }
        };
        let (status, transferred) = match tokio::time::timeout(TIMEOUT, ask(&handle)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                return Report::without_engine(Verdict::Stalled, Some(error.to_string()));
            }
            Err(_) => {
                let report = Report::without_engine(Verdict::Stalled, Some(SILENT.to_owned()));
                return Report { is_silent: true, ..report };
            }
        };
        // What the watcher has heard and not yet passed on is newer than any proof.
        let unheard = coverage.as_ref().is_some_and(|coverage| coverage.pending > 0);
        let longest_wait = longest_wait(self.setup.folder.resend);
        let stillness = handle.stillness(LONGEST_STILLNESS);
        let stall = stall(&stillness, longest_wait, status.only_failures_left);
        let is_stalled = stall.is_some() && !status.settled;
        let verdict = judge(status.verdict, unheard, is_stalled);
        let (verdict, status) = self.as_the_last_run_ended(verdict, status);
        // A hold is told first, and what it waits for beside that all the same.
        let stall = stall.filter(|_| is_stalled && matches!(verdict, Verdict::Stalled | Verdict::Held));
        // Its index may be there although no run has ended yet.
        let is_new = self.setup.purpose == Purpose::Rest && status.local_checked_at.is_none();
        let never = is_new.then(|| NEVER_COMPARED.to_owned());
        let waits_for = (verdict == Verdict::Working)
            .then(|| {
                let lately = handle.stillness(WORTH_TELLING);
                let is_free = status.trouble.is_none() && status.remote_checked_at.is_some();
                unanswered(&lately, verdict).or_else(|| late(&lately, status.pending, is_free))
            })
            .flatten();
        let unanswered = match (self.setup.purpose, verdict) {
            // Somebody waits for this very pass.
            (Purpose::OnePass | Purpose::Look, Verdict::Working) => waits_for.clone(),
            _ => unanswered(&stillness, verdict),
        };
        let trouble = stall.or(unanswered).or_else(|| status.trouble.clone()).or(blind).or(never);
        let transfers = self.transfers(&status, &transferred);
        let done = self.pass.done();
        // What moved until the pause tells nothing of when the rest will have.
        let rate = handle.rate().filter(|_| status.paused.is_none());
        Report {
            verdict,
            status: Some(status),
            transfers,
            rate,
            coverage,
            trouble,
            waits_for,
            done,
            by: KeptBy::Root,
            is_silent: false,
        }
    }

    /// At rest: the verdict with what the last run ended with, and the status without what is over since.
    fn as_the_last_run_ended(&self, verdict: Verdict, status: FolderStatus) -> (Verdict, FolderStatus) {
        let Some(end) = &status.last_end else { return (verdict, status) };
        let has_logged_in = || self.logged_in_at.is_some_and(|login| login > end.at);
        if end.verdict == Verdict::LoginNeeded && has_logged_in() {
            let trouble =
                "somebody has logged in since the last run; nothing was compared yet with that login";
            return (
                verdict.min(Verdict::Working),
                FolderStatus { trouble: Some(trouble.to_owned()), ..status },
            );
        }
        (verdict.min(end.verdict), status)
    }

    /// How it stands when the run ends, if that is to be told while nothing runs.
    pub(super) async fn end(&self) -> Option<RunEnd> {
        let Report { verdict, status, trouble, by, .. } = self.report().await;
        let (reason, hold) = match (verdict, &status) {
            (Verdict::LoginNeeded | Verdict::Stalled | Verdict::Offline, _) => (trouble, None),
            // A hold of a folder that runs is told by its engine.
            (Verdict::Held, None) if by == KeptBy::Root => {
                let reason = trouble.unwrap_or_default();
                (None, Some(Hold::Root { reason, root: HeldRoot::Missing }))
            }
            _ => return None,
        };
        Some(RunEnd { at: now(), verdict, reason, hold })
    }

    /// Leaves in the index how the run ended. Nobody may have it open any more.
    pub(super) async fn leave_word(&self, places: &Places, end: RunEnd) {
        let Some(index) = self.index_file(places) else { return };
        let (name, indexes) = (self.name().to_owned(), places.indexes());
        let failed = |index: &Path, error: &FolderError| {
            Failure::failed(format!("noting in {} how the run ended: {error}", index.display()))
        };
        let written = tokio::task::spawn_blocking(move || {
            // A folder that was never run has no word to leave but this one.
            if !index.exists() {
                make_private_directory(&indexes)?;
                FolderHandle::make_index(&index).map_err(|error| failed(&index, &error))?;
            }
            FolderHandle::leave_word(&index, &end).map_err(|error| failed(&index, &error))
        });
        if let Ok(Err(failure)) = written.await {
            tracing::warn!(
                folder = name,
                reason = failure.message(),
                "the status does not tell how the run ended"
            );
        }
    }

    fn transfers(
        &self,
        status: &FolderStatus,
        transferred: &BTreeMap<CommandId, u64>,
    ) -> Vec<TransferDocument> {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let mut seen = BTreeMap::new();
        let documents = status.transfers.iter().map(|transfer| {
            let bytes = transferred.get(&transfer.command).copied();
            let before = progress.get(&transfer.command).copied();
            let (rate, kept) = speed(before, bytes, now);
            if let Some(kept) = kept {
                seen.insert(transfer.command, kept);
            }
            TransferDocument {
                path: path_text(&transfer.path),
                direction: if transfer.to == Side::Remote { "up" } else { "down" }.to_owned(),
                bytes,
                total_bytes: transfer.total_bytes,
                bytes_per_second: rate,
            }
        });
        let documents = documents.collect();
        *progress = seen;
        documents
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn ask(handle: &FolderHandle) -> Result<(FolderStatus, BTreeMap<CommandId, u64>), FolderRequestError> {
    let status = handle.status().await?;
    let transferred = if status.transfers.is_empty() { BTreeMap::new() } else { handle.transferred() };
    Ok((status, transferred))
}

/// Bytes as of a moment, and the speed that was told then.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Sample {
    at: Instant,
    bytes: u64,
    rate: Option<u64>,
}

/// The speed since the last sample, if that is long enough ago to mean anything, and the sample to keep.
fn speed(before: Option<Sample>, bytes: Option<u64>, now: Instant) -> (Option<u64>, Option<Sample>) {
    let Some(bytes) = bytes else { return (None, None) };
    let Some(before) = before else { return (None, Some(Sample { at: now, bytes, rate: None })) };
    let milliseconds = u64::try_from(now.duration_since(before.at).as_millis()).unwrap_or(u64::MAX);
    if milliseconds < 500 {
        return (before.rate, Some(before));
    }
    let rate = Some(bytes.saturating_sub(before.bytes).saturating_mul(1000) / milliseconds);
    (rate, Some(Sample { at: now, bytes, rate }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_need_some_time_to_be_told() {
        let start = Instant::now();
        let (rate, first) = speed(None, Some(1000), start);
        assert_eq!(rate, None);
        let soon = start + Duration::from_millis(100);
        assert_eq!(speed(first, Some(2000), soon), (None, first));
        let later = start + Duration::from_secs(2);
        let (rate, second) = speed(first, Some(5000), later);
        assert_eq!(rate, Some(2000));
        assert_eq!(speed(second, Some(9000), later + Duration::from_millis(10)).0, Some(2000));
        assert_eq!(speed(second, None, later), (None, None));
    }
}
