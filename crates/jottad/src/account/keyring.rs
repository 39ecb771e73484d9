//! The key to the login in the system's keyring: the Secret Service on Linux, the Keychain on macOS.
//!
//! Only this key is kept there, and it never changes: what changes with every renewal is in a file that the
//! key seals, durable by our own doing. So a keyring that writes late, or asks a person before it writes,
//! cannot cost a login.

use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use jottad_transport::SealingKey;
#[cfg(any(feature = "keyring", target_os = "macos"))]
use keyring_core::api::CredentialStoreApi as _;
use keyring_core::{Entry, Error};

/// What the key is filed under.
#[cfg(any(feature = "keyring", target_os = "macos"))]
const SERVICE: &str = "jottad";
/// A keyring that asks a person for its password takes as long as that person does.
const TIMEOUT: Duration = Duration::from_secs(45);

/// Why the key cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyringError {
    /// It was left out of the program.
    #[error("this jottad was built without the system's keyring")]
    LeftOut,
    /// No keyring service, or no session bus to ask it on.
    #[error("the system's keyring cannot be reached: {0}")]
    Unreachable(String),
    /// It is there, and does not let us in.
    #[error("the system's keyring is locked, or has no default keyring: {0}")]
    Locked(String),
    /// It waits for something.
    #[error("the system's keyring did not answer within {} seconds", TIMEOUT.as_secs())]
    Silent,
    /// It does not hold the key.
    #[error("the key to the login is not in the system's keyring")]
    NoKey,
    /// It holds something else, or does not hold what it was given.
    #[error("the system's keyring does not give back what it was given")]
    Unreliable,
}

impl KeyringError {
    /// What mends it.
    pub(crate) const fn hint(&self) -> &'static str {
        match self {
            Self::NoKey => "log in with: jottad login",
            Self::LeftOut => {
                "set credentials = \"file\" under [service] in the config and run `jottad login`; or build jottad \
                 with its default features"
            }
            Self::Locked(_) | Self::Silent => {
                "unlock the keyring, for example by logging in to the desktop; or set credentials = \"file\" under \
                 [service] in the config and run `jottad login`"
            }
            Self::Unreachable(_) | Self::Unreliable => {
                "start a keyring (GNOME Keyring, KWallet or KeePassXC) in this session; or set credentials = \"file\" \
                 under [service] in the config and run `jottad login`"
            }
        }
    }

    /// Whether trying again later may help without a new login.
    pub(crate) const fn may_pass(&self) -> bool {
        !matches!(self, Self::NoKey | Self::LeftOut)
    }
}

/// The key for a state directory. Blocks, for as long as the keyring asks a person for its password.
pub(crate) fn find(state_dir: &Path) -> Result<SealingKey, KeyringError> {
    let secret = ask(state_dir, |entry| entry.get_secret())?;
    SealingKey::from_bytes(&secret).ok_or(KeyringError::Unreliable)
}

/// The key for a state directory, made if there is none. Returns only what the keyring gives back. Blocks.
pub(crate) fn find_or_make(state_dir: &Path) -> Result<SealingKey, KeyringError> {
    let keep = |secret: Vec<u8>| ask(state_dir, move |entry| entry.set_secret(&secret));
    find_or_make_with(|| find(state_dir), keep)
}

/// The key that is found, or one that was made and kept. One that is not found again is none: what it seals
/// could never be opened.
fn find_or_make_with(
    find: impl Fn() -> Result<SealingKey, KeyringError>,
    keep: impl FnOnce(Vec<u8>) -> Result<(), KeyringError>,
) -> Result<SealingKey, KeyringError> {
    match find() {
        Err(KeyringError::NoKey | KeyringError::Unreliable) => {}
        found => return found,
    }
    let made = SealingKey::generate().map_err(|error| KeyringError::Unreachable(error.to_string()))?;
    keep(made.expose().to_vec())?;
    let found = find()?;
    if found.expose() == made.expose() { Ok(found) } else { Err(KeyringError::Unreliable) }
}

/// Removes the key; fine if there is none. Blocks.
pub(crate) fn remove(state_dir: &Path) -> Result<(), KeyringError> {
    match ask(state_dir, |entry| entry.delete_credential()) {
        Err(KeyringError::NoKey) => Ok(()),
        done => done,
    }
}

/// Asks on a thread of its own: the libraries below block, some on runtimes of their own, and may never
/// return.
fn ask<T: Send + 'static>(
    state_dir: &Path,
    question: impl FnOnce(Entry) -> keyring_core::Result<T> + Send + 'static,
) -> Result<T, KeyringError> {
    // Several state directories of one user have a key each.
    let name = state_dir.canonicalize().unwrap_or_else(|_| state_dir.to_owned()).display().to_string();
    let (sender, answer) = mpsc::channel();
    let work = move || {
        let asked = open_entry(&name).and_then(question);
        // Whoever asked may have given up.
        let _ = sender.send(asked);
    };
    thread::Builder::new()
        .name("keyring".to_owned())
        .spawn(work)
        .map_err(|error| KeyringError::Unreachable(error.to_string()))?;
    answer.recv_timeout(TIMEOUT).map_err(|_| KeyringError::Silent)?.map_err(explain)
}

/// Over a connection of its own each time: a daemon may be started before the keyring is.
#[cfg(all(feature = "keyring", not(target_os = "macos")))]
fn open_entry(name: &str) -> keyring_core::Result<Entry> {
    // What a person finds in a list of the keyring's content.
    let label = format!("jottad: the key to the login in {name}");
    let modifiers = std::collections::HashMap::from([("label", label.as_str())]);
    zbus_secret_service_keyring_store::Store::new()?.build(SERVICE, name, Some(&modifiers))
}

#[cfg(target_os = "macos")]
fn open_entry(name: &str) -> keyring_core::Result<Entry> {
    apple_native_keyring_store::keychain::Store::new()?.build(SERVICE, name, None)
}

#[cfg(not(any(feature = "keyring", target_os = "macos")))]
fn open_entry(name: &str) -> keyring_core::Result<Entry> {
    Err(Error::NotSupportedByStore(name.to_owned()))
}

fn explain(error: Error) -> KeyringError {
    match error {
        Error::NoEntry => KeyringError::NoKey,
        Error::NotSupportedByStore(_) => KeyringError::LeftOut,
        Error::NoStorageAccess(reason) => KeyringError::Locked(reason.to_string()),
        Error::PlatformFailure(reason) => KeyringError::Unreachable(reason.to_string()),
        Error::BadEncoding(_) | Error::BadDataFormat(..) | Error::Ambiguous(_) => KeyringError::Unreliable,
        other => KeyringError::Unreachable(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// What is sealed with a key that the keyring did not keep is lost, and the login with it.
    #[test]
    fn a_key_is_used_only_if_the_keyring_gives_it_back() {
        type Keep = fn(&RefCell<Option<Vec<u8>>>, Vec<u8>) -> Result<(), KeyringError>;
        let keyrings: [(&str, Keep, bool); 4] = [
            (
                "keeps it",
                |kept, secret| {
                    kept.replace(Some(secret));
                    Ok(())
                },
                true,
            ),
            ("refuses it", |_, _| Err(KeyringError::Locked("no".to_owned())), false),
            ("loses it", |_, _| Ok(()), false),
            (
                "keeps another",
                |kept, secret| {
                    kept.replace(Some(vec![7; secret.len()]));
                    Ok(())
                },
                false,
            ),
        ];
        for (what, keep, is_used) in keyrings {
            let kept = RefCell::new(None);
            let find = || match kept.borrow().as_deref() {
                Some(secret) => SealingKey::from_bytes(secret).ok_or(KeyringError::Unreliable),
                None => Err(KeyringError::NoKey),
            };
            let key = find_or_make_with(find, |secret| keep(&kept, secret));
            assert_eq!(key.is_ok(), is_used, "a keyring that {what}");
        }
    }

    #[test]
    fn what_a_missing_key_or_keyring_needs_is_a_new_login() {
        let reason = || "x".into();
        for (error, may_pass) in [
            (Error::NoEntry, false),
            (Error::NoStorageAccess(reason()), true),
            (Error::PlatformFailure(reason()), true),
            (Error::NoDefaultStore, true),
            (Error::NotSupportedByStore(String::new()), false),
        ] {
            let error = explain(error);
            assert_eq!(error.may_pass(), may_pass, "{error}");
            assert!(error.hint().contains("jottad login"), "{error}");
        }
    }
}
