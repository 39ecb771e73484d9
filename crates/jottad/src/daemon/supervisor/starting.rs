//! Taking a folder up: with a watcher, for one pass, for a look, or from its index alone.

use std::io;
use std::path::Path;
use std::sync::Arc;

use jottad_core::in_words;
use jottad_engine::{FolderHandle, LocalDisk, Verdict};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{FIRST_HEARING, NEVER_COMPARED, Started, Supervisor, tells_all, watch_root};
use crate::account::KnownAccount;
use crate::cli::failure::Failure;
use crate::cli::output::now;
use crate::daemon::Purpose;
use crate::daemon::adapter::{RemoteFolder, remote_error};
use crate::daemon::folder::{KeptBy, Phase, Question};
use crate::daemon::new_place;
use crate::daemon::obstacle::Obstacle;
use crate::places::make_private_directory;

impl Supervisor {
    /// Starts it, for what it is taken up for.
    pub(super) async fn start(&self) -> Result<Started, Obstacle> {
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
        // Nobody else is kept from the index while the service is waited for.
        self.check_new_place().await?;
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
        let held = self.asking(Question::Place, new_place::holds_anything(&client, &folder.remote)).await;
        let is_taken = held.map_err(|error| {
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

    /// Waits for an answer of the service, and lets it be known meanwhile what was asked.
    async fn asking<T>(&self, question: Question, answer: impl Future<Output = T>) -> T {
        let note = |noted| {
            if let Phase::Starting { asked, .. } = &mut *self.lock_phase() {
                *asked = noted;
            }
        };
        note(Some((question, Instant::now())));
        let answer = answer.await;
        note(None);
        answer
    }

    async fn account(&self) -> Result<KnownAccount, Obstacle> {
        let client = self.link.client().map_err(|error| Obstacle::of_service(error.kind, error.message))?;
        self.asking(Question::Account, KnownAccount::find(&self.places, &client)).await.map_err(|error| {
            let error = remote_error(&error);
            Obstacle::of_service(error.kind, error.message)
        })
    }
}
