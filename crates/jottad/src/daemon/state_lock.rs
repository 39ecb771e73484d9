//! One daemon per state directory: a lock that is held for life.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;

use crate::failure::Failure;
use crate::places::Places;

/// Held for as long as the daemon lives; the system drops it with the process, however that ends.
#[derive(Debug)]
pub(crate) struct StateLock {
    _file: File,
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
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => {
                let message = format!("another jottad is running in {}", places.state_dir.display());
                Err(Failure::failed(message).path(places.state_dir.display().to_string()).hint(
                    "ask it with `jottad status` or `jottad sync --wait`; stop it with `jottad service stop`",
                ))
            }
            Err(TryLockError::Error(error)) => Err(trouble(error)),
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
}
