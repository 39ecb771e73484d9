//! One daemon per state directory: a lock that is held for life.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::time::Duration;

use jottad_core::in_words;
use tokio::net::UnixStream;
use tokio::time::Instant;

use crate::cli::failure::Failure;
use crate::places::Places;
use crate::service::RunBy;

/// How long a lock is waited for that nobody who answers has, and between two tries.
const TIMEOUT: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(10);

/// Held for as long as the daemon lives; the system drops it with the process, however that ends.
#[derive(Debug)]
pub(crate) struct StateLock {
    file: File,
}

impl StateLock {
    /// Takes the lock, or says that another daemon has it. Who only answers a question has it for a moment.
    pub(crate) async fn take(places: &Places) -> Result<Self, Failure> {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            if let Some(lock) = Self::try_take(places)? {
                return Ok(lock);
            }
            let is_answering = UnixStream::connect(places.socket()).await.is_ok();
            if is_answering || Instant::now() >= deadline {
                let message = format!("another jottad is running in {}", places.state_dir.display());
                let stop = RunBy::of_daemon(places).await.stop();
                return Err(Failure::failed(message)
                    .path(places.state_dir.display().to_string())
                    .hint(format!("ask it with `jottad status` or `jottad sync --wait`; {stop}")));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Takes the lock if nobody has it.
    pub(crate) fn try_take(places: &Places) -> Result<Option<Self>, Failure> {
        let path = places.lock();
        let shown = path.display().to_string();
        let trouble = |error: std::io::Error| {
            Failure::of_system(format_args!("locking {shown}"), &error).path(shown.clone())
        };
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(trouble)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(trouble(error)),
        }
    }

    /// Whether the lock is still where it was taken; if not, why not.
    pub(crate) fn check(&self, places: &Places) -> Result<(), String> {
        let shown = places.state_dir.display();
        let identity = |found: &std::fs::Metadata| (found.dev(), found.ino());
        // An open file can always be looked at.
        let taken = self
            .file
            .metadata()
            .map(|found| identity(&found))
            .map_err(|error| format!("{shown}: {}", in_words(error)))?;
        match std::fs::metadata(places.lock()) {
            Ok(found) if identity(&found) == taken => Ok(()),
            Ok(_) => Err(format!("the state directory {shown} was replaced while jottad was running")),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Err(format!("the state directory {shown} was deleted or moved away while jottad was running"))
            }
            // It may come back: a disk that does not answer is no other directory.
            Err(error) => {
                tracing::warn!(%error, "the state directory cannot be looked at");
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn places_in(state_dir: &Path) -> Places {
        Places { home: "/home/kari".into(), config_file: "/c".into(), state_dir: state_dir.to_owned() }
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_daemon_is_refused_until_the_first_is_gone() {
        let place = tempfile::tempdir().unwrap();
        let places = places_in(place.path());
        let first = StateLock::take(&places).await.unwrap();
        let refused = StateLock::take(&places).await.unwrap_err();
        assert!(refused.message().starts_with("another jottad is running in "));
        drop(first);
        assert!(StateLock::take(&places).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_it_for_a_moment_is_waited_for() {
        let place = tempfile::tempdir().unwrap();
        let places = places_in(place.path());
        let first = StateLock::take(&places).await.unwrap();
        let giving_back = async {
            tokio::time::sleep(TIMEOUT / 2).await;
            drop(first);
        };
        let (taken, ()) = tokio::join!(StateLock::take(&places), giving_back);
        assert!(taken.is_ok());
    }

    #[test]
    fn a_state_directory_that_was_deleted_or_replaced_is_noticed() {
        let place = tempfile::tempdir().unwrap();
        let state_dir = place.path().join("state");
        std::fs::create_dir(&state_dir).unwrap();
        let places =
            Places { home: "/home/kari".into(), config_file: "/c".into(), state_dir: state_dir.clone() };
        let lock = StateLock::try_take(&places).unwrap().unwrap();
        assert_eq!(lock.check(&places), Ok(()));
        std::fs::rename(&state_dir, place.path().join("elsewhere")).unwrap();
        assert!(lock.check(&places).unwrap_err().contains("deleted or moved away"));
        std::fs::create_dir(&state_dir).unwrap();
        let other = StateLock::try_take(&places).unwrap().unwrap();
        assert!(lock.check(&places).unwrap_err().contains("was replaced"));
        assert_eq!(other.check(&places), Ok(()));
    }
}
