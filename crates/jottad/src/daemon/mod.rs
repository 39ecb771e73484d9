//! The daemon: holds the state directory, runs the folders, answers on the control socket, and ends in good
//! order.

mod account;
pub(crate) mod adapter;
pub(crate) mod control;
pub(crate) mod descriptors;
mod events;
mod first_pass;
mod folder;
pub(crate) mod index_file;
mod local_trash;
mod metrics;
pub(crate) mod new_place;
mod noticing;
mod obstacle;
pub(crate) mod pass;
mod peer;
mod serving;
mod state_lock;
mod status;
mod steady_clock;
mod supervisor;
mod whereabouts;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jottad_core::Timestamp;
use jottad_engine::RunEnd;
use tokio::sync::{Mutex, watch};

use crate::account::KnownAccount;
use crate::account::link::{ServiceLink, Trouble};
use crate::api::documents::StatusDocument;
use crate::cli::failure::Failure;
use crate::cli::output::now;
use crate::config::{Config, ConfigError, WrongFolder};
use crate::daemon::account::AccountWatch;
use crate::daemon::events::Events;
use crate::daemon::folder::{RunningFolder, Setup};
use crate::daemon::noticing::Noticing;
use crate::daemon::state_lock::StateLock;
use crate::places::Places;
use crate::service::RunBy;
pub(crate) use serving::{Serving, one_pass, serve};

/// Folders get so long to bring themselves to an end.
const SHUTDOWN: Duration = Duration::from_secs(4);
/// How often the daemon looks whether its state directory is still there, and whether a held folder is right
/// again.
const LOOK_AROUND: Duration = Duration::from_mins(1);
/// A large index is copied in this time.
const LONGEST_COPY: Duration = Duration::from_mins(5);
/// Answers that are on their way get so long when the daemon cannot go on, and what is to be told while
/// nothing runs.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// What a daemon is started for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To go on until it is told to stop.
    Serve,
    /// For one pass: nothing is watched.
    OnePass,
    /// To find out what a pass would do: both sides are looked at and nothing is changed.
    Look,
    /// To answer from the indexes, and to write down what a person decides.
    Rest,
}

impl Purpose {
    /// Whether it ends by itself, so that nobody is to be told that a daemon runs.
    pub(crate) fn is_daemon(self) -> bool {
        self == Self::Serve
    }
}

/// A running daemon. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub(crate) struct Daemon(Arc<Inner>);

struct Inner {
    places: Places,
    purpose: Purpose,
    started_at: Timestamp,
    link: ServiceLink,
    account: AccountWatch,
    events: Events,
    noticing: Noticing,
    folders: RwLock<Vec<Arc<RunningFolder>>>,
    /// What is followed, with the folders that cannot run as they are configured.
    followed: RwLock<Config>,
    /// At rest, where no login is taken up: why there is none.
    no_login: RwLock<Option<Trouble>>,
    /// Why the configuration was not followed when it was last to be.
    unfollowed: RwLock<Option<Unfollowed>>,
    /// How many files may be open at once, if that is little.
    descriptor_limit: Option<u64>,
    /// Why the daemon cannot go on, once its state directory is not there any more.
    lost_state: watch::Sender<Option<String>>,
    /// Held while folders are started and stopped, so that two requests do not mix.
    changing: Mutex<()>,
    stopping: watch::Sender<bool>,
    /// Nobody need be kept away from a state directory that is not there.
    lock: Option<StateLock>,
}

/// Why a configuration was not followed, and what mends it.
#[derive(Debug, Clone)]
pub(crate) struct Unfollowed {
    pub(crate) reason: String,
    pub(crate) remedy: String,
}

impl Daemon {
    /// Takes the state directory and starts every folder; the login is the one that is kept there.
    pub(crate) async fn start(places: &Places, config: Config, purpose: Purpose) -> Result<Self, Failure> {
        if purpose == Purpose::Serve {
            places.check_socket_path()?;
        }
        places.make_state_dir()?;
        let lock = StateLock::take(places).await?;
        Ok(Self::begin(places, config, purpose, Some(lock)).await)
    }

    /// Takes the indexes to answer a question from them, if nobody else has them. Nothing is looked at and
    /// nothing is made.
    pub(crate) async fn at_rest(places: &Places, config: Config) -> Result<Option<Self>, Failure> {
        let lock = if places.state_dir.exists() {
            let Some(lock) = StateLock::try_take(places)? else { return Ok(None) };
            Some(lock)
        } else {
            None
        };
        let daemon = Self::begin(places, config, Purpose::Rest, lock).await;
        daemon.started(SHUTDOWN).await;
        Ok(Some(daemon))
    }

    /// Looks at both sides to find out what would be done. The indexes are copied first, and nobody else is
    /// kept from them after that.
    pub(crate) async fn look(places: &Places, config: Config) -> Result<Self, Failure> {
        let lock = if places.state_dir.exists() { Some(StateLock::take(places).await?) } else { None };
        let daemon = Self::begin(places, config, Purpose::Look, None).await;
        for folder in daemon.folders() {
            folder.copied_within(LONGEST_COPY).await;
        }
        drop(lock);
        Ok(daemon)
    }

    /// Waits until every folder runs or is known not to.
    pub(crate) async fn started(&self, longest: Duration) {
        for folder in self.folders() {
            folder.starts_within(longest).await;
        }
    }

    async fn begin(places: &Places, config: Config, purpose: Purpose, lock: Option<StateLock>) -> Self {
        let descriptor_limit = descriptors::raise_limit().filter(|limit| *limit < descriptors::FEWEST);
        if let Some(limit) = descriptor_limit {
            tracing::warn!(limit, remedy = descriptors::REMEDY, "few files may be open at once");
        }
        let link = ServiceLink::default();
        let daemon = Self(Arc::new(Inner {
            places: places.clone(),
            purpose,
            started_at: now(),
            account: AccountWatch::new(link.clone()),
            noticing: Noticing::start(link.clone()),
            link,
            events: Events::new(),
            folders: RwLock::default(),
            followed: RwLock::new(config.clone()),
            no_login: RwLock::default(),
            unfollowed: RwLock::default(),
            descriptor_limit,
            lost_state: watch::Sender::new(None),
            changing: Mutex::default(),
            stopping: watch::Sender::new(false),
            lock,
        }));
        daemon.follow(config).await;
        daemon
    }

    /// What it was started for.
    pub(crate) fn purpose(&self) -> Purpose {
        self.0.purpose
    }

    /// Why there is no way to the service, if there is none.
    fn login_trouble(&self) -> Option<Trouble> {
        match self.0.purpose {
            Purpose::Rest => self.0.no_login.read().unwrap_or_else(PoisonError::into_inner).clone(),
            Purpose::Serve | Purpose::OnePass | Purpose::Look => self.0.link.trouble(),
        }
    }

    /// Reads config and login again and follows them. A config that is wrong is not followed, which the
    /// status shows until it is; the login is followed all the same.
    pub(crate) async fn reload(&self) -> Result<(), Failure> {
        match self.load_again() {
            Ok(config) => {
                self.follow(config).await;
                Ok(())
            }
            Err(error) => {
                {
                    let _changing = self.0.changing.lock().await;
                    let followed = self.followed();
                    self.bring_in_line(followed).await;
                }
                let reload = RunBy::of_this_process(&self.0.places).await.reload();
                let remedy = error.hint.clone().unwrap_or_else(|| format!("correct it, then {reload}"));
                let reason = format!("the changed configuration is not followed: {error}");
                *write(&self.0.unfollowed) = Some(Unfollowed { reason, remedy });
                Err(error.into())
            }
        }
    }

    /// The config, checked as for somebody who changes it, unless it is the one that is followed already.
    fn load_again(&self) -> Result<Config, ConfigError> {
        let error = match Config::load(&self.0.places) {
            Ok(config) => return Ok(config),
            Err(error) => error,
        };
        let same = Config::load_tolerantly(&self.0.places).ok().filter(|config| *config == self.followed());
        same.ok_or(error)
    }

    /// The folders that cannot run as they are configured.
    pub(crate) fn wrong(&self) -> Vec<WrongFolder> {
        self.0.followed.read().unwrap_or_else(PoisonError::into_inner).wrong.clone()
    }

    fn followed(&self) -> Config {
        self.0.followed.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn unfollowed(&self) -> Option<Unfollowed> {
        self.0.unfollowed.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks whether the state directory is still the one that was taken. A daemon without it ends: nothing
    /// that it keeps could be found again.
    fn check_state(&self) -> Option<String> {
        if self.0.lost_state.borrow().is_none()
            && let Some(lock) = &self.0.lock
            && let Err(reason) = lock.check(&self.0.places)
        {
            tracing::error!(reason, "the daemon ends");
            self.0.lost_state.send_replace(Some(reason));
        }
        self.0.lost_state.borrow().clone()
    }

    /// Takes up folders that were held and are right by now. Nobody has asked for that: of anything else that
    /// the file says by now nothing is followed.
    async fn look_after_wrong_folders(&self) {
        if self.wrong().is_empty() && self.unfollowed().is_none() {
            return;
        }
        let found = match Config::load_tolerantly(&self.0.places) {
            Ok(found) => found,
            Err(error) => {
                tracing::debug!(%error, "the folders that are held stay so");
                return;
            }
        };
        let _changing = self.0.changing.lock().await;
        let followed = self.followed();
        if let Some(recovered) = followed.with_recovered(&found) {
            self.bring_in_line(recovered).await;
        } else if found != followed {
            return;
        }
        // The file says what is followed.
        *write(&self.0.unfollowed) = None;
    }

    /// The folders, in the order of the config.
    pub(crate) fn folders(&self) -> Vec<Arc<RunningFolder>> {
        self.0.folders.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What happens from now on.
    pub(crate) fn events(&self) -> &Events {
        &self.0.events
    }

    /// Everything that can be known at this moment.
    pub(crate) async fn status(&self) -> StatusDocument {
        status::gather(self).await
    }

    /// Stops the folders; what travels is left resumable.
    pub(crate) async fn stop(self) {
        self.0.stopping.send_replace(true);
        self.0.noticing.stop();
        let _changing = self.0.changing.lock().await;
        let folders = std::mem::take(&mut *write(&self.0.folders));
        let ends = self.ends(&folders).await;
        let stopping = folders.iter().map(|folder| folder.stop());
        let all = futures_util::future::join_all(stopping);
        if tokio::time::timeout(SHUTDOWN, all).await.is_err() {
            tracing::warn!("some folders did not end in time; what they did is found out at the next start");
        } else if self.0.lost_state.borrow().is_none() {
            let leaving = folders.iter().zip(ends).filter_map(|(folder, end)| Some((folder, end?)));
            let leaving = leaving.map(|(folder, end)| folder.leave_word(&self.0.places, end));
            let _ = tokio::time::timeout(LAST_WORDS, futures_util::future::join_all(leaving)).await;
        }
        if let Ok(client) = self.0.link.client() {
            // New tokens that are on their way must reach the disk.
            let _ = tokio::time::timeout(Duration::from_secs(1), client.session().settle()).await;
        }
    }

    /// How each folder stands when the run ends, if its index alone does not tell that while nothing runs.
    async fn ends(&self, folders: &[Arc<RunningFolder>]) -> Vec<Option<RunEnd>> {
        if !matches!(self.0.purpose, Purpose::Serve | Purpose::OnePass) {
            return Vec::new();
        }
        let ends = futures_util::future::join_all(folders.iter().map(|folder| folder.end()));
        // Nobody waits for a folder whose loop hangs.
        tokio::time::timeout(LAST_WORDS, ends).await.unwrap_or_default()
    }

    /// Follows a config as it was read, and the login.
    async fn follow(&self, config: Config) {
        let _changing = self.0.changing.lock().await;
        self.bring_in_line(config).await;
        *write(&self.0.unfollowed) = None;
    }

    /// Brings the running folders in line with config and login: the changed ones are started anew, others
    /// woken. The caller sees to it that nobody else does so meanwhile.
    async fn bring_in_line(&self, config: Config) {
        for wrong in config.wrong.iter().filter(|_| self.0.purpose.is_daemon()) {
            tracing::warn!(folder = wrong.name, reason = wrong.reason(), "held");
        }
        write(&self.0.followed).clone_from(&config);
        let account = KnownAccount::load(&self.0.places);
        let mut old = self.folders();
        let mut wanted = Vec::with_capacity(config.folders.len());
        for folder in &config.folders {
            let setup = Setup::new(folder, &config, account.as_ref(), self.0.purpose);
            let kept =
                old.iter().position(|running| running.runs(&setup)).map(|index| old.swap_remove(index));
            wanted.push((setup, kept));
        }
        // What goes is gone before anything new begins: two folders may share a root, and none must ever see
        // the files of an account that it was not made for.
        for running in old {
            running.stop().await;
        }
        if self.0.purpose == Purpose::Rest {
            *write(&self.0.no_login) = Trouble::of_kept_login(&self.0.places, &config);
        } else {
            self.0.link.reopen(&self.0.places, &config).await;
        }
        let username = account.as_ref().map(|account| account.username.clone());
        self.0.noticing.follow(username, config.service.events);
        self.0.account.replace(account);
        self.0.account.refresh();
        let mut folders = Vec::with_capacity(wanted.len());
        for (setup, kept) in wanted {
            folders.push(match kept {
                Some(running) => {
                    running.wake().await;
                    running
                }
                None => RunningFolder::start(
                    setup,
                    &self.0.places,
                    &self.0.link,
                    &self.0.events,
                    &self.0.noticing,
                ),
            });
        }
        *write(&self.0.folders) = folders;
    }

    fn stopping(&self) -> watch::Receiver<bool> {
        self.0.stopping.subscribe()
    }
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
