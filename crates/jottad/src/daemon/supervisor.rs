//! Keeps one folder running: starts engine and watcher, carries hints from the one to the other, tries again
//! what cannot be done now, and starts anew what died.

mod starting;

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jottad_core::{Name, Timestamp};
use jottad_engine::{FolderHandle, LocalDisk, LocalHint, Notice, Verdict, since_boot};
use jottad_watcher::{Coverage, Hint, Watcher, WatcherOptions};
use tempfile::TempDir;
use tokio::sync::{Notify, broadcast, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::account::link::{LinkChanges, ServiceLink};
use crate::api::documents::{EventDocument, LogDocument, VerdictWord};
use crate::cli::output::{now, path_text};
use crate::daemon::Purpose;
use crate::daemon::events::Events;
use crate::daemon::folder::{Kept, Phase, Setup};
use crate::daemon::local_trash;
use crate::daemon::noticing::{Hearing, Noticing};
use crate::daemon::obstacle::{Obstacle, TRY_AGAIN};
use crate::daemon::pass::Pass;
use crate::daemon::steady_clock::{SteadyClock, TRUSTED_AFTER};
use crate::places::Places;

/// How often the local trash is looked through for what is too old or too much.
const TRASH_INTERVAL: Duration = Duration::from_hours(1);
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
        self.enter(Phase::starting(after));
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
        self.enter(Phase::starting(None));
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
            phase: Arc::new(Mutex::new(Phase::starting(None))),
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

    #[tokio::test(start_paused = true)]
    async fn a_watcher_that_could_not_start_is_tried_again_until_it_can() {
        let began = Instant::now();
        let tries = AtomicU32::new(0);
        tried_again(async || tries.fetch_add(1, Ordering::Relaxed) == 2).await;
        assert_eq!((tries.into_inner(), began.elapsed()), (3, TRY_AGAIN * 3));
    }
}
