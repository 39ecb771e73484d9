//! One daemon per state directory: a lock that is held for life.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};

use crate::failure::Failure;
use crate::places::Places;

/// Held for as long as the daemon lives; the system drops it with the process, however that ends.
#[derive(Debug)]
pub(crate) struct StateLock {
    file: File,
}

impl StateLock {
    /// Takes the lock, or says that another daemon has it.
    pub(crate) fn take(places: &Places) -> Result<Self, Failure> {
        let path = places.lock();
        let shown = path.display().to_string();
        let trouble =
            |error: std::io::Error| Failure::failed(format!("locking {shown}: {error}")).path(shown.clone());
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(trouble)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file }),
            Err(TryLockError::WouldBlock) => {
                let message = format!("another jottad is running in {}", places.state_dir.display());
                Err(Failure::failed(message).path(places.state_dir.display().to_string()).hint(
                    "ask it with `jottad status` or `jottad sync --wait`; stop it with `jottad service stop`",
                ))
            }
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
            .map_err(|error| format!("{shown}: {error}"))?;
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
    use super::*;

    #[test]
    fn a_second_daemon_is_refused_until_the_first_is_gone() {
        let place = tempfile::tempdir().unwrap();
        let places = Places {
            home: "/home/kari".into(),
            config_file: "/c".into(),
            state_dir: place.path().to_owned(),
        };
        let first = StateLock::take(&places).unwrap();
        assert!(StateLock::take(&places).unwrap_err().message().starts_with("another jottad is running in "));
        drop(first);
        assert!(StateLock::take(&places).is_ok());
    }
    #[test]
    fn a_state_directory_that_was_deleted_or_replaced_is_noticed() {
        let place = tempfile::tempdir().unwrap();
        let state_dir = place.path().join("state");
        std::fs::create_dir(&state_dir).unwrap();
        let places =
            Places { home: "/home/kari".into(), config_file: "/c".into(), state_dir: state_dir.clone() };
        let lock = StateLock::take(&places).unwrap();
        assert_eq!(lock.check(&places), Ok(()));
        std::fs::rename(&state_dir, place.path().join("elsewhere")).unwrap();
        assert!(lock.check(&places).unwrap_err().contains("deleted or moved away"));
        std::fs::create_dir(&state_dir).unwrap();
        let other = StateLock::take(&places).unwrap();
        assert!(lock.check(&places).unwrap_err().contains("was replaced"));
        assert_eq!(other.check(&places), Ok(()));
    }
}
