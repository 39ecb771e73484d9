//! Keeps one folder running: starts engine and watcher, carries hints from the one to the other, tries again
//! what cannot be done now, and starts anew what died.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jottad_core::{Name, Timestamp, in_words, shell_word};
use jottad_engine::{
    DiskErrorKind, FolderError, FolderHandle, LocalDisk, LocalHint, Notice, RemoteErrorKind, Verdict,
    since_boot,
};
use jottad_watcher::{Coverage, Hint, Watcher, WatcherOptions};
use tempfile::TempDir;
use tokio::sync::{Notify, broadcast, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::account::KnownAccount;
use crate::account::link::{LinkChanges, ServiceLink, verdict_of};
use crate::api::documents::{EventDocument, LogDocument, VerdictWord};
use crate::cli::failure::Failure;
use crate::cli::output::{now, path_text};
use crate::daemon::Purpose;
use crate::daemon::adapter::{RemoteFolder, remote_error};
use crate::daemon::events::Events;
use crate::daemon::folder::{Kept, KeptBy, Phase, Setup};
use crate::daemon::local_trash;
use crate::daemon::new_place;
use crate::daemon::noticing::{Hearing, Noticing};
use crate::daemon::pass::Pass;
use crate::daemon::steady_clock::{SteadyClock, TRUSTED_AFTER};
use crate::places::{Places, make_private_directory};

/// How often the local trash is looked through for what is too old or too much.
const TRASH_INTERVAL: Duration = Duration::from_hours(1);
/// How often something that cannot be done now is tried again.
const TRY_AGAIN: Duration = Duration::from_mins(1);
/// How often it is looked whether a root is back: until the folder is started anew, nobody watches it.
const LOOK_FOR_ROOT: Duration = Duration::from_secs(2);
/// How often it is looked whether a watcher that cannot hear everything can by now.
const LOOK_AT_COVERAGE: Duration = Duration::from_secs(10);
/// How soon what died is started anew: the first time, and at most.
const FIRST_RESTART: Duration = Duration::from_secs(1);
const LAST_RESTART: Duration = Duration::from_mins(5);
/// Whatever lived so long did not die of being started.
const LONG_LIFE: Duration = Duration::from_mins(10);
/// A folder's first comparison is worth more if changes are hinted before it begins, but not more than this.
const FIRST_HEARING: Duration = Duration::from_secs(2);

/// What is said of a folder that was added and never run.
pub(super) const NEVER_COMPARED: &str = "it was never compared yet; `jottad plan` shows what would be done";

/// What one folder's task works with.
#[derive(Clone)]
pub(super) struct Supervisor {
    pub(super) setup: Setup,
    pub(super) places: Places,
    pub(super) link: ServiceLink,
    pub(super) events: Events,
    pub(super) noticing: Noticing,
    pub(super) phase: Arc<Mutex<Phase>>,
    pub(super) deaths: Arc<Mutex<Deaths>>,
    pub(super) pass: Pass,
    pub(super) wake: Arc<Notify>,
    pub(super) stop: watch::Receiver<bool>,
}

/// What a folder has died of.
#[derive(Debug, Clone, Default)]
pub(super) struct Deaths {
    /// How often, since the daemon was started.
    pub(super) times: u32,
    /// The last time.
    pub(super) at: Option<Timestamp>,
    /// The last reason.
    pub(super) reason: String,
    /// How often without a long life in between.
    in_a_row: u32,
}

/// Why a folder cannot be started now.
struct Obstacle {
    verdict: Verdict,
    reason: String,
    try_again: Duration,
    by: KeptBy,
}

/// A folder that was started, with what it says.
struct Started {
    handle: FolderHandle,
    /// At rest nothing of it is looked at.
    disk: Option<LocalDisk>,
    /// The index that a mere look works on.
    _copy: Option<TempDir>,
    notices: broadcast::Receiver<Notice>,
    hints: mpsc::UnboundedReceiver<Vec<Hint>>,
    hearing: Option<Hearing>,
    /// Whether every local change is told, as the engine knows it.
    is_told: bool,
    at: Instant,
}

/// Why a running folder is left.
enum Left {
    /// It is to end.
    Stopped,
    /// Something keeps it from running.
    Obstructed(Obstacle),
    /// The engine has ended by itself.
    Died(String),
    /// Everything begins anew.
    Again,
    /// What keeps it from running is tried again, which nobody has asked for.
    Retry,
}

/// Runs a folder until it is told to stop, whatever happens to the task that does it.
pub(super) async fn supervise<F>(supervisor: Supervisor, run: impl Fn(Supervisor) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    loop {
        let began = Instant::now();
        let Err(death) = tokio::spawn(run(supervisor.clone())).await else { return };
        let mut supervisor = supervisor.clone();
        let orphan = match &*supervisor.lock_phase() {
            Phase::Running { handle, .. } => Some(handle.clone()),
            Phase::Starting { .. } | Phase::Waiting(_) => None,
        };
        if let Some(handle) = orphan {
            handle.shutdown().await;
        }
        let obstacle = supervisor.died(format!("the folder's task died: {death}"), began.elapsed());
        let mut changes = supervisor.link.changes();
        if matches!(supervisor.wait_to_try_again(obstacle, &mut changes).await, Left::Stopped) {
            return;
        }
    }
}

impl Supervisor {
    /// Runs until told to stop.
    pub(super) async fn run(mut self) {
        let mut changes = self.link.changes();
        loop {
            changes.forget();
            let left = match self.start().await {
                Ok(started) => {
                    let began = started.at;
                    match self.attend(started).await {
                        Left::Died(reason) => Left::Obstructed(self.died(reason, began.elapsed())),
                        left => left,
                    }
                }
                Err(obstacle) => Left::Obstructed(obstacle),
            };
            let next = match left {
                Left::Obstructed(obstacle) => self.wait_to_try_again(obstacle, &mut changes).await,
                left => left,
            };
            if matches!(next, Left::Stopped) {
                return;
            }
            self.begin(&next);
        }
    }

    /// Begins to start it again. What kept it from running is told until it runs, unless somebody has asked
    /// for the new try.
    fn begin(&self, left: &Left) {
        let after = match (&*self.lock_phase(), left) {
            (Phase::Waiting(kept), Left::Retry) => Some(kept.clone()),
            _ => None,
        };
        self.enter(Phase::Starting { since: Instant::now(), after });
    }

    async fn start(&self) -> Result<Started, Obstacle> {
        match self.setup.purpose {
            Purpose::Rest => return self.start_at_rest(),
            Purpose::Look => return self.start_looking().await,
            Purpose::Serve | Purpose::OnePass => {}
        }
        let folder = &self.setup.folder;
        let account = self.account().await?;
        self.check_new_place().await?;
        let index = self.setup.index_file(&self.places, &account.username);
        make_private_directory(&self.places.indexes())
            .map_err(|failure| Obstacle::new(Verdict::Stalled, failure.message().to_owned()))?;
        // The watcher first: what changes while the first scan runs must be hinted.
        let (sender, hints) = mpsc::unbounded_channel();
        let (watcher, blind) = if self.setup.purpose.is_daemon() {
            match watch_root(&self.setup, sender).await {
                Ok(watcher) => (Some(Arc::new(watcher)), None),
                Err(reason) => (None, Some(reason)),
            }
        } else {
            (None, None)
        };
        let disk = LocalDisk::open(folder.local.clone())
            .map_err(|error| Obstacle::of_root(&folder.name, &folder.local, &error.kind))?;
        let mut hearing = self.setup.purpose.is_daemon().then(|| self.noticing.attach(folder.remote.clone()));
        if hearing.is_some() {
            // What is compared after hearing began need not be compared again.
            let _ = tokio::time::timeout(FIRST_HEARING, self.noticing.tried()).await;
        }
        let remote =
            RemoteFolder::new(self.link.clone(), folder.remote.clone(), self.setup.guard.hard_delete);
        let is_told = watcher.as_ref().is_some_and(|watcher| tells_all(&watcher.coverage()));
        let settings = self.setup.settings(is_told);
        let handle = FolderHandle::start(settings, &index, disk.clone(), remote, now)
            .map_err(|error| Obstacle::of_index(&index, &error))?;
        if let Some(hearing) = &mut hearing {
            hearing.begin(handle.clone());
        }
        let notices = handle.notices();
        self.enter(Phase::Running { handle: handle.clone(), watcher, blind });
        let disk = Some(disk);
        Ok(Started { handle, disk, _copy: None, notices, hints, hearing, is_told, at: Instant::now() })
    }

    /// Takes up an index that is there, to answer from it.
    fn start_at_rest(&self) -> Result<Started, Obstacle> {
        let not_yet = || {
            let obstacle = Obstacle::new(Verdict::Working, NEVER_COMPARED.to_owned());
            Obstacle { by: KeptBy::NoRunYet, ..obstacle }
        };
        if new_place::was_taken(&self.setup.folder, &self.places) {
            return Err(self.place_is_taken());
        }
        let account = KnownAccount::owner(&self.places).ok_or_else(not_yet)?;
        let index = self.setup.index_file(&self.places, &account.username);
        if !index.exists() {
            return Err(not_yet());
        }
        let handle =
            FolderHandle::start_at_rest(self.setup.settings(false), &index, now).map_err(|error| {
                let reason = format!(
                    "the index {} cannot be read: {error}; the next run sets it aside and compares everything anew",
                    index.display()
                );
                Obstacle::new(Verdict::Working, reason)
            })?;
        Ok(self.started(handle, None, None))
    }

    /// Takes up a copy of the index, or an empty one, to find out what would be done.
    async fn start_looking(&self) -> Result<Started, Obstacle> {
        let folder = &self.setup.folder;
        let account = match KnownAccount::owner(&self.places) {
            Some(account) => account,
            None => self.account().await?,
        };
        self.check_new_place().await?;
        let index = self.setup.index_file(&self.places, &account.username);
        let copied = |error: io::Error| {
            let reason = format!("copying the index {}: {}", index.display(), in_words(error));
            Obstacle::new(Verdict::Stalled, format!("{reason}; make some room where TMPDIR says"))
        };
        let directory = tempfile::tempdir().map_err(copied)?;
        let copy = directory.path().join("index.sqlite");
        for ending in ["", "-wal"] {
            let with_ending = |path: &Path| {
                let mut name = path.as_os_str().to_owned();
                name.push(ending);
                std::path::PathBuf::from(name)
            };
            match tokio::fs::copy(with_ending(&index), with_ending(&copy)).await {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(copied(error)),
                _ => {}
            }
        }
        let disk = LocalDisk::open(folder.local.clone())
            .map_err(|error| Obstacle::of_root(&folder.name, &folder.local, &error.kind))?;
        let remote =
            RemoteFolder::new(self.link.clone(), folder.remote.clone(), self.setup.guard.hard_delete);
        let settings = self.setup.settings(false);
        let handle = FolderHandle::start_looking(settings, &copy, disk.clone(), remote, now)
            .map_err(|error| Obstacle::of_index(&index, &error))?;
        Ok(self.started(handle, Some(disk), Some(directory)))
    }

    /// A folder that nothing is watched for.
    fn started(&self, handle: FolderHandle, disk: Option<LocalDisk>, copy: Option<TempDir>) -> Started {
        self.enter(Phase::Running { handle: handle.clone(), watcher: None, blind: None });
        let (notices, hints) = (handle.notices(), mpsc::unbounded_channel().1);
        let is_told = false;
        Started { handle, disk, _copy: copy, notices, hints, hearing: None, is_told, at: Instant::now() }
    }

    /// Looks whether the place of a folder that begins is still as empty as it was when the folder was added.
    async fn check_new_place(&self) -> Result<(), Obstacle> {
        let folder = &self.setup.folder;
        if !new_place::is_nothing_expected(folder, &self.places) {
            return Ok(());
        }
        let client = self.link.client().map_err(|error| Obstacle::of_service(error.kind, error.message))?;
        let is_taken = new_place::holds_anything(&client, &folder.remote).await.map_err(|error| {
            let error = remote_error(&error);
            Obstacle::of_service(error.kind, error.message)
        })?;
        let failed = |failure: Failure| Obstacle::new(Verdict::Stalled, failure.message().to_owned());
        if is_taken {
            if self.setup.purpose != Purpose::Look {
                new_place::note_taken(folder, &self.places).map_err(failed)?;
            }
            return Err(self.place_is_taken());
        }
        if self.setup.purpose == Purpose::Look {
            return Ok(());
        }
        // From here on what is there may be this folder's own.
        new_place::expect_anything(folder, &self.places).map_err(failed)
    }

    fn place_is_taken(&self) -> Obstacle {
        let reason = new_place::why_taken(&self.setup.folder.remote);
        Obstacle { by: KeptBy::TakenPlace, ..Obstacle::new(Verdict::Held, reason) }
    }

    async fn account(&self) -> Result<KnownAccount, Obstacle> {
        let client = self.link.client().map_err(|error| Obstacle::of_service(error.kind, error.message))?;
        KnownAccount::find(&self.places, &client).await.map_err(|error| {
            let error = remote_error(&error);
            Obstacle::of_service(error.kind, error.message)
        })
    }

    /// Carries hints in and notices out.
    async fn attend(&mut self, mut started: Started) -> Left {
        let mut watched = true;
        let is_blind = matches!(&*self.lock_phase(), Phase::Running { blind: Some(_), .. });
        let setup = self.setup.clone();
        let mut watchable = std::pin::pin!(tried_again(async move || {
            watch_root(&setup, mpsc::unbounded_channel().0).await.is_ok()
        }));
        let mut clock = SteadyClock::default();
        clock.look(since_boot(), now());
        let mut trash_is_due = Instant::now() + TRUSTED_AFTER;
        let mut expiring: Option<JoinHandle<()>> = None;
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(trash_is_due), if self.setup.purpose == Purpose::Serve => {
                    if !clock.look(since_boot(), now()) {
                        tracing::info!(
                            folder = self.setup.folder.name,
                            "the clock was set, so nothing goes from the local trash before it has gone evenly for an hour"
                        );
                    } else if let Some(disk) = &started.disk
                        // One look at a time, and none for the hours that the machine has slept.
                        && expiring.as_ref().is_none_or(JoinHandle::is_finished)
                    {
                        let setup = self.setup.clone();
                        expiring = Some(tokio::spawn(local_trash::expire(setup, disk.clone())));
                    }
                    trash_is_due = Instant::now() + TRASH_INTERVAL.max(TRUSTED_AFTER);
                }
                // Nothing was heard until now, so everything is looked at with a watcher that hears from the
                // beginning.
                () = &mut watchable, if is_blind => return self.leave(started.handle, Left::Again).await,
                () = stopped(&mut self.stop) => return self.leave(started.handle, Left::Stopped).await,
                end = started.handle.ended() => return self.leave(started.handle, Left::Died(end.reason)).await,
                hints = started.hints.recv(), if watched => if let Some(hints) = hints {
                    let is_root_lost = hints.contains(&Hint::RootLost);
                    started.handle.local_hints(hints.into_iter().map(local_hint).collect());
                    self.tell_coverage(&mut started);
                    if is_root_lost {
                        return self.outlive_root(started).await;
                    }
                } else {
                    // Nothing is watched: the engine's own scans have to do.
                    watched = false;
                    started.is_told = false;
                    started.handle.local_hints(vec![LocalHint::Unheard]);
                },
                () = tokio::time::sleep(LOOK_AT_COVERAGE), if watched && !started.is_told => {
                    self.tell_coverage(&mut started);
                }
                notice = started.notices.recv() => self.pass_on(notice, started.hearing.as_ref()),
            }
        }
    }

    /// Tells the engine whether events tell of every local change, if that is not what it knows.
    fn tell_coverage(&self, started: &mut Started) {
        let coverage = match &*self.lock_phase() {
            Phase::Running { watcher: Some(watcher), .. } => watcher.coverage(),
            _ => return,
        };
        if let Some(word) = word_of_coverage(started.is_told, &coverage) {
            started.is_told = word == LocalHint::Heard;
            started.handle.local_hints(vec![word]);
        }
    }

    /// The watcher has ended with the root. The engine says what it thinks of that, until the root is back.
    async fn outlive_root(&mut self, mut started: Started) -> Left {
        let local = self.setup.folder.local.clone();
        let mut next_look = Instant::now() + LOOK_FOR_ROOT;
        loop {
            tokio::select! {
                () = stopped(&mut self.stop) => return self.leave(started.handle, Left::Stopped).await,
                end = started.handle.ended() => return self.leave(started.handle, Left::Died(end.reason)).await,
                () = self.wake.notified() => next_look = Instant::now(),
                () = tokio::time::sleep_until(next_look) => {
                    if is_directory(&local).await {
                        return self.leave(started.handle, Left::Again).await;
                    }
                    next_look = Instant::now() + LOOK_FOR_ROOT;
                }
                notice = started.notices.recv() => self.pass_on(notice, started.hearing.as_ref()),
            }
        }
    }

    async fn leave(&self, handle: FolderHandle, left: Left) -> Left {
        // The watcher goes first, so that nothing is hinted to a folder that is gone.
        self.enter(Phase::Starting { since: Instant::now(), after: None });
        handle.shutdown().await;
        left
    }

    async fn wait_to_try_again(&mut self, obstacle: Obstacle, changes: &mut LinkChanges) -> Left {
        let Obstacle { verdict, reason, try_again, by } = obstacle;
        // A pass ends with an answer that says so.
        if self.setup.purpose.is_daemon() {
            tracing::warn!(folder = self.setup.folder.name, reason, "waiting");
        }
        self.enter(Phase::Waiting(Kept { verdict, reason, by }));
        self.announce(verdict);
        let waits_for_link = matches!(verdict, Verdict::LoginNeeded | Verdict::Offline);
        tokio::select! {
            () = stopped(&mut self.stop) => Left::Stopped,
            () = self.wake.notified() => Left::Again,
            () = changes.changed(), if waits_for_link => Left::Again,
            () = tokio::time::sleep(try_again) => Left::Retry,
        }
    }

    /// Notes a death, and how long to wait before the next life: longer if one follows the other.
    fn died(&self, reason: String, lived: Duration) -> Obstacle {
        let mut deaths = self.deaths.lock().unwrap_or_else(PoisonError::into_inner);
        deaths.in_a_row = if lived >= LONG_LIFE { 0 } else { deaths.in_a_row };
        let try_again = FIRST_RESTART.saturating_mul(1 << deaths.in_a_row.min(16)).min(LAST_RESTART);
        deaths.times += 1;
        deaths.in_a_row += 1;
        deaths.at = Some(now());
        deaths.reason.clone_from(&reason);
        // A command that asks tells it itself.
        if self.setup.purpose != Purpose::Rest {
            tracing::error!(folder = self.setup.folder.name, reason, ?try_again, "died, and is started anew");
        }
        Obstacle { try_again, ..Obstacle::new(Verdict::Stalled, reason) }
    }

    fn pass_on(&self, notice: Result<Notice, broadcast::error::RecvError>, hearing: Option<&Hearing>) {
        let folder = &self.setup.folder.name;
        self.events.send(match notice {
            Ok(Notice::OperationStarted { kind, path, .. }) => EventDocument::Started {
                folder: folder.clone(),
                kind: kind.to_owned(),
                path: path_text(&path),
            },
            Ok(Notice::OperationEnded(line)) => {
                self.pass.note(&line);
                EventDocument::Ended(LogDocument::new(folder, &line))
            }
            Ok(Notice::Settled) => {
                self.pass.ended();
                return;
            }
            Ok(Notice::Paused(paused)) => {
                if let Some(hearing) = hearing {
                    hearing.set_paused(paused);
                }
                return;
            }
            Err(_) => EventDocument::Missed,
        });
    }

    fn announce(&self, verdict: Verdict) {
        let folder = self.setup.folder.name.clone();
        self.events.send(EventDocument::Verdict { folder, verdict: VerdictWord(verdict) });
    }

    fn enter(&self, phase: Phase) {
        // The old phase is dropped outside the lock: ending a watcher waits for its thread.
        let old = std::mem::replace(&mut *self.lock_phase(), phase);
        drop(old);
    }

    fn lock_phase(&self) -> std::sync::MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Obstacle {
    const fn new(verdict: Verdict, reason: String) -> Self {
        Self { verdict, reason, try_again: TRY_AGAIN, by: KeptBy::Root }
    }

    /// The root cannot be taken up. The folder waits for a person, and the others go on.
    fn of_root(name: &str, root: &Path, kind: &DiskErrorKind) -> Self {
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
    fn that_passes(reason: &str) -> Self {
        Self::new(Verdict::Stalled, format!("{reason}; it is tried again each minute"))
    }

    /// The index cannot be opened, and could not be set aside either.
    fn of_index(file: &Path, error: &FolderError) -> Self {
        let reason = error.to_string();
        if error.may_pass() {
            return Self::that_passes(&format!("the index {}: {reason}", file.display()));
        }
        let remedy = "let the user that runs jottad write there, or move the file away: it is built anew, and nothing \
                      is lost by that";
        let reason = format!("the index {} cannot be used: {reason}; {remedy}", file.display());
        Self { by: KeptBy::Folder, ..Self::new(Verdict::Held, reason) }
    }

    fn of_service(kind: RemoteErrorKind, reason: String) -> Self {
        Self::new(verdict_of(kind), reason)
    }
}

async fn watch_root(setup: &Setup, hints: mpsc::UnboundedSender<Vec<Hint>>) -> Result<Watcher, String> {
    let mut options = WatcherOptions::new(&setup.folder.local);
    options.backend = setup.folder.watch;
    options.settle = setup.folder.settle;
    options.excluded = Name::try_from(".jottad").into_iter().collect();
    let started = tokio::task::spawn_blocking(move || Watcher::start(options, hints)).await;
    match started {
        Ok(watcher) => watcher.map_err(|error| error.to_string()),
        Err(error) => Err(format!("the watcher did not start: {error}")),
    }
}

/// Completes when something that failed succeeds.
async fn tried_again(attempt: impl AsyncFn() -> bool) {
    loop {
        tokio::time::sleep(TRY_AGAIN).await;
        if attempt().await {
            return;
        }
    }
}

async fn is_directory(path: &Path) -> bool {
    let look = tokio::fs::metadata(path).await;
    look.map_err(|error: io::Error| tracing::debug!(%error, "the root is not back"))
        .is_ok_and(|found| found.is_dir())
}

/// Whether every local change is told as it happens.
fn tells_all(coverage: &Coverage) -> bool {
    coverage.polled_directories == 0
}

/// What is to be said of the watcher to an engine that knows of it what `is_told` says. What is still to be
/// hinted comes before the word that all is heard.
fn word_of_coverage(is_told: bool, coverage: &Coverage) -> Option<LocalHint> {
    match (is_told, tells_all(coverage)) {
        (true, false) => Some(LocalHint::Unheard),
        (false, true) if coverage.pending == 0 => Some(LocalHint::Heard),
        _ => None,
    }
}

fn local_hint(hint: Hint) -> LocalHint {
    match hint {
        Hint::Directory { path } => LocalHint::Directory(path),
        Hint::Subtree { path, .. } => LocalHint::Subtree(path),
        Hint::RootLost => LocalHint::Root,
    }
}

/// Completes when the folder is to end. Cancel safe.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that nobody is left who could want the folder to go on.
    let _ = stop.wait_for(|stopping| *stopping).await;
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::config::Config;

    fn supervisor(stop: watch::Receiver<bool>) -> Supervisor {
        let places =
            Places { home: "/home/kari".into(), config_file: "/c".into(), state_dir: "/state".into() };
        let text = "[[folder]]\nname = \"docs\"\nlocal = \"/d\"\nremote = \"Jotta/Archive/d\"\n";
        let config = Config::parse(text, &places).unwrap();
        let link = ServiceLink::default();
        Supervisor {
            setup: Setup::new(&config.folders[0], &config, None, Purpose::Serve),
            places,
            noticing: Noticing::start(link.clone()),
            link,
            events: Events::new(),
            phase: Arc::new(Mutex::new(Phase::Starting { since: Instant::now(), after: None })),
            deaths: Arc::default(),
            pass: Pass::default(),
            wake: Arc::default(),
            stop,
        }
    }

    #[test]
    fn a_watcher_that_polls_anything_does_not_tell_of_every_change() {
        let coverage = |polled_directories, pending| Coverage {
            directories: 5,
            polled_directories,
            pending,
            ..Coverage::default()
        };
        for (is_told, coverage, expected) in [
            (true, coverage(0, 0), None),
            (true, coverage(0, 3), None),
            (true, coverage(1, 0), Some(LocalHint::Unheard)),
            (true, coverage(5, 2), Some(LocalHint::Unheard)),
            (false, coverage(5, 0), None),
            (false, coverage(1, 0), None),
            // What is still to be hinted may be what was not heard.
            (false, coverage(0, 1), None),
            (false, coverage(0, 0), Some(LocalHint::Heard)),
        ] {
            assert_eq!(word_of_coverage(is_told, &coverage), expected, "{is_told} {coverage:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_dies_lives_again_after_longer_and_longer_pauses() {
        let stop = watch::Sender::new(false);
        let supervisor = supervisor(stop.subscribe());
        let deaths = Arc::clone(&supervisor.deaths);
        let phase = Arc::clone(&supervisor.phase);
        let lives = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&lives);
        let began = Instant::now();
        supervise(supervisor, move |_| {
            let life = counted.fetch_add(1, Ordering::Relaxed);
            async move { assert!(life >= 5, "a bug") }
        })
        .await;
        // 1 + 2 + 4 + 8 + 16 seconds.
        assert_eq!(began.elapsed().as_secs(), 31);
        assert_eq!(lives.load(Ordering::Relaxed), 6);
        let deaths = deaths.lock().unwrap().clone();
        assert_eq!(deaths.times, 5);
        assert!(deaths.at.is_some() && deaths.reason.contains("a bug"), "{}", deaths.reason);
        let told = matches!(&*phase.lock().unwrap(), Phase::Waiting(Kept { verdict: Verdict::Stalled, .. }));
        assert!(told);
    }

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

    #[tokio::test(start_paused = true)]
    async fn a_watcher_that_could_not_start_is_tried_again_until_it_can() {
        let began = Instant::now();
        let tries = AtomicU32::new(0);
        tried_again(async || tries.fetch_add(1, Ordering::Relaxed) == 2).await;
        assert_eq!((tries.into_inner(), began.elapsed()), (3, TRY_AGAIN * 3));
    }

    #[tokio::test(start_paused = true)]
    async fn a_login_that_comes_late_is_taken_up_at_once() {
        let stop = watch::Sender::new(false);
        let supervisor = supervisor(stop.subscribe());
        let (phase, link) = (Arc::clone(&supervisor.phase), supervisor.link.clone());
        let (places, config) = (supervisor.places.clone(), Config::parse("", &supervisor.places).unwrap());
        let supervised = tokio::spawn(supervise(supervisor, Supervisor::run));
        let waits_for = async |word: &str| {
            let is_told = || match &*phase.lock().unwrap() {
                Phase::Waiting(Kept { reason, .. }) => reason.contains(word),
                _ => false,
            };
            while !is_told() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        waits_for("not taken up yet").await;
        let began = Instant::now();
        link.reopen(&places, &config).await;
        waits_for("nobody is logged in").await;
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        stop.send_replace(true);
        supervised.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_tried_again_unasked_stays_held_meanwhile() {
        let stop = watch::Sender::new(false);
        let mut supervisor = supervisor(stop.subscribe());
        let mut changes = supervisor.link.changes();
        let held = || Obstacle::new(Verdict::Held, "the disk is gone".to_owned());
        let left = supervisor.wait_to_try_again(held(), &mut changes).await;
        supervisor.begin(&left);
        let is_held = |phase: &Phase| {
            matches!(phase, Phase::Starting { after: Some(Kept { verdict: Verdict::Held, .. }), .. })
        };
        assert!(is_held(&supervisor.lock_phase()));
        supervisor.wake.notify_one();
        let left = supervisor.wait_to_try_again(held(), &mut changes).await;
        supervisor.begin(&left);
        assert!(!is_held(&supervisor.lock_phase()), "a person wants to know how it is now");
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_to_live_again_can_be_stopped() {
        let stop = watch::Sender::new(false);
        let supervisor = supervisor(stop.subscribe());
        let supervised = tokio::spawn(supervise(supervisor, |_| async { panic!("a bug") }));
        stop.send_replace(true);
        supervised.await.unwrap();
    }
}
