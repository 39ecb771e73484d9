//! The login that is kept: where it is, taking it up, replacing it, forgetting it.

use std::path::PathBuf;

use jottad_transport::{
    Client, ClientOptions, CredentialFile, ErrorKind, HostIdentity, Http, HttpOptions, Session,
};

use crate::account::KnownAccount;
use crate::account::keyring::{self, KeyringError};
use crate::cli::failure::{Exit, Failure};
use crate::config::{Config, CredentialStore};
use crate::places::Places;

/// Why there is no login to be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoginError {
    /// The login itself, or what it is needed for.
    #[error(transparent)]
    Transport(#[from] jottad_transport::Error),
    /// The key to it.
    #[error("the login in {}: {source}", file.display())]
    Keyring { file: PathBuf, source: KeyringError },
    /// It was made under another setting.
    #[error("the login is kept in {}, and the config says credentials = {wanted:?}", file.display())]
    KeptElsewhere { file: PathBuf, wanted: &'static str },
}

impl LoginError {
    /// What mends it.
    pub(crate) fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Keyring { source, .. } => source.hint().to_owned(),
            Self::KeptElsewhere { .. } => {
                "log in again with `jottad login`, or change `credentials` in the config back".to_owned()
            }
            Self::Transport(jottad_transport::Error::LoginOfOtherMachine { .. }) => {
                "log in on this machine with `jottad login`; the other one keeps its own login".to_owned()
            }
            Self::Transport(error) if error.kind() == ErrorKind::LoginNeeded => {
                "log in with: jottad login".to_owned()
            }
            Self::Transport(_) => return None,
        })
    }

    /// Whether trying again later may help without anybody logging in.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Transport(error) => error.kind() == ErrorKind::Local,
            Self::Keyring { source, .. } => source.may_pass(),
            Self::KeptElsewhere { .. } => false,
        }
    }
}

impl From<LoginError> for Failure {
    fn from(error: LoginError) -> Self {
        let (hint, message) = (error.hint(), error.to_string());
        let failure = match error {
            LoginError::Transport(error) => Self::from(error),
            LoginError::Keyring { source, file } => {
                let exit = if source.may_pass() { Exit::Failed } else { Exit::LoginNeeded };
                Self::new(exit, message).path(file.display().to_string())
            }
            LoginError::KeptElsewhere { file, .. } => {
                Self::new(Exit::LoginNeeded, message).path(file.display().to_string())
            }
        };
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// The service, with the login that is kept. Nothing is sent; a keyring is asked, which blocks.
pub(crate) fn client(places: &Places, config: &Config) -> Result<Client, LoginError> {
    client_with(places, config, HttpOptions::default())
}

/// The service, with the login that is kept and a patience of one's own.
pub(crate) fn client_with(
    places: &Places,
    config: &Config,
    options: HttpOptions,
) -> Result<Client, LoginError> {
    let file = kept(places, config)?;
    let session = Session::open(Http::new(options)?, file, &HostIdentity::of_this_machine())?;
    let options = ClientOptions {
        upload_limit: config.transfer.upload_limit,
        download_limit: config.transfer.download_limit,
        resume_limit: config.transfer.resume_limit,
    };
    Ok(Client::new(config.service.endpoints.clone(), session, options)?)
}

/// Whether a login is kept where the config says, without taking it up.
pub(crate) fn check_kept(places: &Places, config: &Config) -> Result<(), LoginError> {
    let store = config.service.credentials;
    if file_of(store, places).exists() {
        return Ok(());
    }
    kept(places, config)?;
    Err(jottad_transport::Error::LoginNeeded { reason: "nobody is logged in".to_owned() }.into())
}

/// The file that keeps the login now.
fn kept(places: &Places, config: &Config) -> Result<CredentialFile, LoginError> {
    let store = config.service.credentials;
    let (path, elsewhere) = (file_of(store, places), file_of(store.other(), places));
    if !path.exists() && elsewhere.exists() {
        return Err(LoginError::KeptElsewhere { file: elsewhere, wanted: store.word() });
    }
    match store {
        CredentialStore::Keyring if path.exists() => {
            // A copy from another machine is told as such, rather than as a key that is missing.
            CredentialFile::new(&path).check_host(&HostIdentity::of_this_machine())?;
            let key = keyring::find(&places.state_dir);
            let key = key.map_err(|source| LoginError::Keyring { file: path.clone(), source })?;
            Ok(CredentialFile::sealed(path, key))
        }
        _ => Ok(CredentialFile::new(path)),
    }
}

/// The file that is to keep a new login. Asked before a token is spent: whatever keeps us from keeping the
/// login is found out by then. Blocks while a keyring is asked.
pub(crate) fn prepare(places: &Places, config: &Config) -> Result<CredentialFile, LoginError> {
    let path = file_of(config.service.credentials, places);
    match config.service.credentials {
        CredentialStore::File => Ok(CredentialFile::new(path)),
        CredentialStore::Keyring => {
            let key = keyring::find_or_make(&places.state_dir);
            let key = key.map_err(|source| LoginError::Keyring { file: path.clone(), source })?;
            Ok(CredentialFile::sealed(path, key))
        }
    }
}

/// Removes what an earlier login left where logins are not kept any more.
pub(crate) fn clear_other_store(places: &Places, config: &Config) -> Result<(), jottad_transport::Error> {
    let other = config.service.credentials.other();
    let file = CredentialFile::new(file_of(other, places));
    if file.path().exists() {
        file.remove()?;
        if other == CredentialStore::Keyring {
            remove_key(places);
        }
    }
    Ok(())
}

/// Forgets the login, wherever it is kept; whether there was one. Whose it was stays known.
pub(crate) fn forget(places: &Places) -> Result<bool, jottad_transport::Error> {
    let mut was_there = false;
    for store in [CredentialStore::File, CredentialStore::Keyring] {
        let file = CredentialFile::new(file_of(store, places));
        if file.path().exists() {
            file.remove()?;
            was_there = true;
            if store == CredentialStore::Keyring {
                remove_key(places);
            }
        }
    }
    KnownAccount::log_out(places);
    Ok(was_there)
}

fn remove_key(places: &Places) {
    // What it opened is gone: the key is worth nothing.
    if let Err(error) = keyring::remove(&places.state_dir) {
        tracing::warn!(%error, "a key that opens nothing any more stays in the keyring");
    }
}

fn file_of(store: CredentialStore, places: &Places) -> PathBuf {
    match store {
        CredentialStore::File => places.credentials(),
        CredentialStore::Keyring => places.sealed_credentials(),
    }
}
