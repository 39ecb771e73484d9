//! The login that all folders of a daemon share. It may be missing, and it may come or change while they run.

use std::sync::{Arc, Weak};
use std::time::Duration;

use jottad_engine::{RemoteError, RemoteErrorKind, Verdict};
use jottad_transport::{Client, ErrorKind};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle};

use crate::account::login::{self, LoginError};
use crate::config::{Config, CredentialStore};
use crate::daemon::adapter::remote_error;
use crate::places::Places;

/// So long the daemon waits for a keyring before it goes on without the login.
const KEYRING_TIMEOUT: Duration = Duration::from_secs(2);
/// So long it waits for a login that a file keeps. Only a machine or a disk in distress takes longer.
const FILE_TIMEOUT: Duration = Duration::from_secs(20);
/// How often a login that could not be taken up, for a reason that may pass, is tried again.
const TRY_AGAIN: Duration = Duration::from_mins(1);

/// The way to the service, if there is one. Cheap to clone; all clones see the same login.
#[derive(Debug, Clone)]
pub(crate) struct ServiceLink(Arc<watch::Sender<State>>);

/// Tells when the way to the service has changed.
#[derive(Debug)]
pub(crate) struct LinkChanges(watch::Receiver<State>);

#[derive(Debug)]
struct State {
    link: Result<Client, Trouble>,
    /// Counts how often the login was taken up, so that an older attempt does not undo a newer one.
    generation: u64,
}

/// Why there is no way to the service.
#[derive(Debug, Clone)]
pub(crate) struct Trouble {
    error: RemoteError,
    may_pass: bool,
    /// In words.
    pub(crate) reason: String,
    /// What mends it.
    pub(crate) remedy: Option<String>,
}

/// No login was taken up yet.
impl Default for ServiceLink {
    fn default() -> Self {
        let reason = "the login was not taken up yet".to_owned();
        let link = Err(Trouble::new(login_needed(&reason), reason, None, false));
        Self(Arc::new(watch::Sender::new(State { link, generation: 0 })))
    }
}

impl ServiceLink {
    /// Takes the kept login up: it may be another one by now, or none. Nothing is sent.
    ///
    /// What may pass by itself, a keyring that is still locked for example, is tried again in the background.
    pub(crate) async fn reopen(&self, places: &Places, config: &Config) {
        if let Ok(client) = self.client() {
            // A renewal in progress ends first, so that it is the new tokens that are read.
            client.session().settle().await;
        }
        let attempt = Attempt { generation: self.begin(), places: places.clone(), config: config.clone() };
        let connecting = tokio::spawn(attempt.clone().connect());
        self.take_up(attempt, connecting).await;
    }

    /// Waits for an attempt, and lets it go on in the background if it takes longer than one waits for it.
    async fn take_up(&self, attempt: Attempt, mut connecting: JoinHandle<Result<Client, Trouble>>) {
        let (patience, slow) = attempt.patience();
        if let Ok(outcome) = tokio::time::timeout(patience, &mut connecting).await {
            if self.store(outcome.unwrap_or_else(|error| Err(broken(&error))), attempt.generation) {
                tokio::spawn(attempt.keep_trying(Arc::downgrade(&self.0)));
            }
            return;
        }
        self.store(Err(slow), attempt.generation);
        tokio::spawn(attempt.finish(connecting, Arc::downgrade(&self.0)));
    }

    /// The client, or why there is none.
    pub(crate) fn client(&self) -> Result<Client, RemoteError> {
        self.0.borrow().link.clone().map_err(|trouble| trouble.error)
    }

    /// Why there is no client, and what mends it.
    pub(crate) fn trouble(&self) -> Option<Trouble> {
        self.0.borrow().link.as_ref().err().cloned()
    }

    /// Tells of what changes from now on.
    pub(crate) fn changes(&self) -> LinkChanges {
        LinkChanges(self.0.subscribe())
    }

    fn begin(&self) -> u64 {
        let mut generation = 0;
        self.0.send_if_modified(|state| {
            state.generation += 1;
            generation = state.generation;
            false
        });
        generation
    }

    /// Keeps an outcome, if it is of the newest attempt; whether it is to be tried again.
    fn store(&self, link: Result<Client, Trouble>, generation: u64) -> bool {
        let again = link.as_ref().is_err_and(|trouble| trouble.may_pass);
        let is_newest = self.0.send_if_modified(|state| {
            let is_newest = state.generation == generation;
            if is_newest {
                state.link = link;
            }
            is_newest
        });
        is_newest && again
    }
}

impl LinkChanges {
    /// Forgets the changes so far.
    pub(crate) fn forget(&mut self) {
        self.0.mark_unchanged();
    }

    /// Completes with the next change. Cancel safe.
    pub(crate) async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            // Nobody is left who could change it.
            std::future::pending::<()>().await;
        }
    }
}

/// What is said of everything that an error of the service keeps from running.
pub(crate) const fn verdict_of(kind: RemoteErrorKind) -> Verdict {
    match kind {
        RemoteErrorKind::LoginNeeded => Verdict::LoginNeeded,
        RemoteErrorKind::Offline | RemoteErrorKind::Unavailable => Verdict::Offline,
        _ => Verdict::Stalled,
    }
}

impl Trouble {
    /// What is said of everything that it keeps from running.
    pub(crate) fn verdict(&self) -> Verdict {
        verdict_of(self.error.kind)
    }

    /// Why no login is kept, found out without taking one up: nothing is read of it and no keyring is asked.
    pub(crate) fn of_kept_login(places: &Places, config: &Config) -> Option<Self> {
        let error = login::check_kept(places, config).err()?;
        Some(explain(&error))
    }

    fn new(error: RemoteError, reason: String, remedy: Option<String>, may_pass: bool) -> Self {
        Self { error, may_pass, reason, remedy }
    }
}

/// Taking up the login once, or until it succeeds.
#[derive(Debug, Clone)]
struct Attempt {
    generation: u64,
    places: Places,
    config: Config,
}

impl Attempt {
    /// How long one waits for it, and what is told after that.
    fn patience(&self) -> (Duration, Trouble) {
        match self.config.service.credentials {
            CredentialStore::Keyring => {
                let reason = "the system's keyring is being asked for the key to the login".to_owned();
                let remedy = Some("unlock the keyring, if it asks".to_owned());
                (KEYRING_TIMEOUT, Trouble::new(login_needed(&reason), reason, remedy, true))
            }
            CredentialStore::File => {
                let reason = format!("{} is still being read", self.places.credentials().display());
                let error = RemoteError::new(RemoteErrorKind::Unavailable, reason.clone());
                (FILE_TIMEOUT, Trouble::new(error, reason, None, true))
            }
        }
    }

    /// Takes the login up on a thread for waiting: a keyring may have to ask a person.
    async fn connect(self) -> Result<Client, Trouble> {
        let connecting = tokio::task::spawn_blocking(move || login::client(&self.places, &self.config));
        match connecting.await {
            Ok(client) => client.map_err(|error| explain(&error)),
            Err(error) => Err(broken(&error)),
        }
    }

    /// Waits for what takes its time, and goes on trying if it comes to nothing.
    async fn finish(self, connecting: JoinHandle<Result<Client, Trouble>>, link: Weak<watch::Sender<State>>) {
        let outcome = connecting.await.unwrap_or_else(|error| Err(broken(&error)));
        let again = link.upgrade().map(ServiceLink).is_some_and(|link| link.store(outcome, self.generation));
        if again {
            self.keep_trying(link).await;
        }
    }

    /// Ends with the first success, with a newer attempt, or with the daemon.
    async fn keep_trying(self, link: Weak<watch::Sender<State>>) {
        loop {
            tokio::time::sleep(TRY_AGAIN).await;
            let outcome = self.clone().connect().await;
            let Some(link) = link.upgrade().map(ServiceLink) else { return };
            if !link.store(outcome, self.generation) {
                return;
            }
        }
    }
}

fn broken(error: &JoinError) -> Trouble {
    let reason = format!("taking up the login failed: {error}");
    Trouble::new(login_needed(&reason), reason, None, true)
}

fn explain(error: &LoginError) -> Trouble {
    let reason = error.to_string();
    let remote = match error {
        LoginError::Transport(error) if !matches!(error.kind(), ErrorKind::Local | ErrorKind::Setup) => {
            remote_error(error)
        }
        // Whatever keeps us from the login, it is by logging in, or where the login is kept, that it is
        // mended.
        _ => login_needed(&reason),
    };
    Trouble::new(remote, reason, error.hint(), error.may_pass())
}

fn login_needed(reason: &str) -> RemoteError {
    RemoteError::new(RemoteErrorKind::LoginNeeded, reason.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A keyring is asked only where it keeps the login, and what comes late is told to those who wait for
    /// it.
    #[tokio::test(start_paused = true)]
    async fn what_takes_long_is_told_as_what_it_is_and_comes_when_it_comes() {
        let stores = [
            ("file", KEYRING_TIMEOUT * 5, "credentials.json is still being read", Verdict::Offline),
            ("keyring", KEYRING_TIMEOUT, "keyring is being asked", Verdict::LoginNeeded),
        ];
        for (store, patience, told, verdict) in stores {
            let places =
                Places { home: "/home/kari".into(), config_file: "/c".into(), state_dir: "/state".into() };
            let config = Config::parse(&format!("[service]\ncredentials = \"{store}\"\n"), &places).unwrap();
            let link = ServiceLink::default();
            let mut changes = link.changes();
            let attempt = Attempt { generation: link.begin(), places, config };
            let connecting = tokio::spawn(async move {
                tokio::time::sleep(Duration::from_secs(30)).await;
                let reason = "nobody is logged in".to_owned();
                Err(Trouble::new(login_needed(&reason), reason, None, false))
            });
            let began = tokio::time::Instant::now();
            link.take_up(attempt, connecting).await;
            assert!(began.elapsed() >= patience, "{store}");
            assert!(link.trouble().unwrap().reason.contains(told), "{:?}", link.trouble());
            assert_eq!(link.trouble().unwrap().verdict(), verdict, "{store}");
            changes.forget();
            changes.changed().await;
            assert_eq!(began.elapsed(), Duration::from_secs(30), "{store}");
            assert_eq!(link.trouble().unwrap().reason, "nobody is logged in");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_pass_is_tried_again_until_it_has() {
        let place = tempfile::tempdir().unwrap();
        let state_dir = place.path().to_owned();
        let places = Places { home: "/home/kari".into(), config_file: "/c".into(), state_dir };
        let config = Config::parse("", &places).unwrap();
        // A directory in the place of the file cannot be read as one.
        std::fs::create_dir(places.credentials()).unwrap();
        let link = ServiceLink::default();
        link.reopen(&places, &config).await;
        let trouble = link.trouble().unwrap();
        assert!(trouble.may_pass, "{trouble:?}");
        std::fs::remove_dir(places.credentials()).unwrap();
        tokio::time::sleep(TRY_AGAIN * 2).await;
        // Now it is known that nobody is logged in, which does not pass.
        let trouble = link.trouble().unwrap();
        assert!(!trouble.may_pass && trouble.reason.contains("nobody is logged in"), "{trouble:?}");
        assert_eq!(trouble.remedy.as_deref(), Some("log in with: jottad login"));
    }
}
