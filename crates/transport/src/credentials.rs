//! The tokens of a login in a file of their own: private, replaced atomically, tied to one machine, sealed if
//! wished.
//!
//! A refresh token that is used twice logs everybody out (protocol 2.3), so the file knows the machine it was
//! made on, and a copy of it elsewhere is recognised before its token is shown to the service.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::host_identity::HostIdentity;
use crate::sealing::SealingKey;

/// Credentials that can be read by whoever can read the file.
const PLAIN_FORMAT: u32 = 1;
/// Credentials in the plain format inside a seal.
const SEALED_FORMAT: u32 = 2;
/// More room than any pair of tokens needs.
const RESERVED: usize = 64 * 1024;

/// All that a login consists of. Printing it shows no secret.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Key of the brand (protocol 1.3).
    pub brand: String,
    /// Which kind of refresh the tokens need.
    pub flow: Flow,
    /// Where tokens are refreshed.
    pub token_endpoint: String,
    /// The client that obtained the tokens; a refresh by another is refused.
    pub client_id: String,
    /// Only the legacy flow has one.
    pub client_secret: Option<SecretString>,
    /// Token for requests.
    pub access_token: SecretString,
    /// Single-use token for the next refresh.
    pub refresh_token: SecretString,
    /// When the access token ends, by the wall clock.
    pub expires_at: SystemTime,
    /// How long it lived in all.
    pub lifetime: Duration,
    /// The machine on which the login was made.
    pub host: HostIdentity,
}

/// How a login is refreshed (protocol 2.3, 2.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flow {
    /// Personal tokens and browser logins.
    Standard,
    /// The old token service.
    Legacy,
}

impl Credentials {
    /// Whether both would show the same refresh token.
    pub(crate) fn same_tokens(&self, other: &Self) -> bool {
        self.refresh_token.expose_secret() == other.refresh_token.expose_secret()
            && self.access_token.expose_secret() == other.access_token.expose_secret()
    }
}

/// What every format begins with: enough to recognise a copy without opening it.
#[derive(Deserialize)]
struct Header {
    format: u32,
    host: HostIdentity,
}

/// The content of a sealed file.
#[derive(Serialize, Deserialize)]
struct Sealed {
    format: u32,
    host: HostIdentity,
    /// [`Stored`], sealed, in base64.
    content: String,
}

/// The content of a plain file.
#[derive(Serialize, Deserialize)]
struct Stored {
    format: u32,
    brand: String,
    flow: Flow,
    token_endpoint: String,
    client_id: String,
    client_secret: Option<String>,
    access_token: String,
    refresh_token: String,
    expires_at: u64,
    lifetime: u64,
    host: HostIdentity,
}

impl From<&Credentials> for Stored {
    fn from(credentials: &Credentials) -> Self {
        let since_epoch = credentials.expires_at.duration_since(SystemTime::UNIX_EPOCH);
        Self {
            format: PLAIN_FORMAT,
            brand: credentials.brand.clone(),
            flow: credentials.flow,
            token_endpoint: credentials.token_endpoint.clone(),
            client_id: credentials.client_id.clone(),
            client_secret: credentials.client_secret.as_ref().map(|secret| secret.expose_secret().to_owned()),
            access_token: credentials.access_token.expose_secret().to_owned(),
            refresh_token: credentials.refresh_token.expose_secret().to_owned(),
            expires_at: since_epoch.unwrap_or_default().as_secs(),
            lifetime: credentials.lifetime.as_secs(),
            host: credentials.host.clone(),
        }
    }
}

impl From<Stored> for Credentials {
    fn from(stored: Stored) -> Self {
        let expires_at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(stored.expires_at));
        Self {
            brand: stored.brand,
            flow: stored.flow,
            token_endpoint: stored.token_endpoint,
            client_id: stored.client_id,
            client_secret: stored.client_secret.map(SecretString::from),
            access_token: stored.access_token.into(),
            refresh_token: stored.refresh_token.into(),
            expires_at: expires_at.unwrap_or(SystemTime::UNIX_EPOCH),
            lifetime: Duration::from_secs(stored.lifetime),
            host: stored.host,
        }
    }
}

/// Where a login is kept: one file, readable by its owner alone, and a lock beside it.
#[derive(Debug, Clone)]
pub struct CredentialFile {
    path: PathBuf,
    key: Option<SealingKey>,
}

/// Room on disk for credentials that do not exist yet.
pub(crate) struct Reservation {
    file: File,
    temporary: PathBuf,
    path: PathBuf,
    key: Option<SealingKey>,
}

/// Held while tokens are renewed, so that two processes never show the same refresh token.
pub(crate) struct CredentialLock {
    _file: File,
}

impl CredentialFile {
    /// Names the file; its directory must exist before anything is kept.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), key: None }
    }

    /// Names a file whose content only this key opens.
    pub fn sealed(path: impl Into<PathBuf>, key: SealingKey) -> Self {
        Self { path: path.into(), key: Some(key) }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Refuses a login that was made on another machine, without opening its seal. No login is fine.
    pub fn check_host(&self, host: &HostIdentity) -> Result<()> {
        let Some(text) = self.read()? else { return Ok(()) };
        match serde_json::from_str::<Header>(text.expose_secret()) {
            Ok(header) if header.host.is_other_than(host) => {
                Err(Error::LoginOfOtherMachine { path: self.to_string() })
            }
            // Whatever else is wrong is told by whoever reads it.
            _ => Ok(()),
        }
    }

    /// What it holds; `None` if nobody is logged in.
    ///
    /// [`ErrorKind::LoginNeeded`](crate::ErrorKind::LoginNeeded) if it is damaged, or does not open with the
    /// key.
    pub fn load(&self) -> Result<Option<Credentials>> {
        let Some(text) = self.read()? else { return Ok(None) };
        let useless = |what: &str| Error::LoginNeeded { reason: format!("the credentials in {self} {what}") };
        let damaged = |_| useless("are damaged");
        let header: Header = serde_json::from_str(text.expose_secret()).map_err(damaged)?;
        let plain = match (header.format, &self.key) {
            (PLAIN_FORMAT, None) => text,
            (SEALED_FORMAT, Some(key)) => {
                let sealed: Sealed = serde_json::from_str(text.expose_secret()).map_err(damaged)?;
                let sealed = BASE64_STANDARD.decode(sealed.content).map_err(|_| useless("are damaged"))?;
                key.open(&sealed).ok_or_else(|| useless("were sealed with another key, or are damaged"))?
            }
            (PLAIN_FORMAT, Some(_)) => return Err(useless("are not sealed")),
            (SEALED_FORMAT, None) => return Err(useless("are sealed")),
            _ => return Err(useless("are of another version of this program")),
        };
        let stored: Stored = serde_json::from_str(plain.expose_secret()).map_err(damaged)?;
        Ok(Some(stored.into()))
    }

    fn read(&self) -> Result<Option<SecretString>> {
        let mut text = String::new();
        match File::open(&self.path) {
            Ok(file) => match self.close_to_others(file).take(RESERVED as u64).read_to_string(&mut text) {
                // What is not even text is damaged, which is for the reader to say.
                Err(error) if error.kind() != io::ErrorKind::InvalidData => Err(self.trouble(error)),
                _ => Ok(Some(SecretString::from(text))),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.trouble(error)),
        }
    }

    /// Who may read the tokens may do everything with the account, so nobody but their owner may, whoever
    /// made the file.
    fn close_to_others(&self, file: File) -> File {
        let Some((mode, closed)) = close(&file) else { return file };
        match closed {
            Ok(()) => tracing::warn!(
                "other users could get at the login in {self} (mode {mode:o}), and cannot any more: if there are others on \
                 this machine, log in anew"
            ),
            Err(error) => tracing::warn!(
                "other users can get at the login in {self} (mode {mode:o}): closing it to them: {error}"
            ),
        }
        file
    }

    /// Closes the file to others than its owner, if they may get at it: its mode until then, and what came of
    /// it.
    pub fn close_if_exposed(&self) -> Option<(u32, io::Result<()>)> {
        close(&File::open(&self.path).ok()?)
    }

    /// Forgets the login. The tokens are not revoked: the service has no call for it.
    pub fn remove(&self) -> Result<()> {
        let _lock = self.lock()?;
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.trouble(error)),
            _ => sync_directory(&self.path).map_err(|error| self.trouble(error)),
        }
    }

    /// Waits until no other process renews the tokens, and keeps others from it.
    pub(crate) fn lock(&self) -> Result<CredentialLock> {
        let lock = || -> io::Result<CredentialLock> {
            let path = self.beside("lock");
            let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?;
            file.lock()?;
            Ok(CredentialLock { _file: file })
        };
        lock().map_err(|error| self.trouble(error))
    }

    /// Writes and syncs a temporary file that is big enough, so that a full or read-only disk is found out
    /// before a token is spent.
    pub(crate) fn reserve(&self) -> Result<Reservation> {
        let reserve = || -> io::Result<Reservation> {
            let temporary = self.beside("new");
            match fs::remove_file(&temporary) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&temporary)?;
            let mut reserve_room = || {
                file.set_permissions(fs::Permissions::from_mode(0o600))?;
                file.write_all(" ".repeat(RESERVED).as_bytes())?;
                file.sync_all()
            };
            if let Err(error) = reserve_room() {
                // A part of it is of no use, and takes the room that is wanting.
                let _ = fs::remove_file(&temporary);
                return Err(error);
            }
            Ok(Reservation { file, temporary, path: self.path.clone(), key: self.key.clone() })
        };
        reserve().map_err(|error| self.trouble(error))
    }

    fn beside(&self, extension: &str) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(".");
        name.push(extension);
        name.into()
    }

    fn trouble(&self, source: io::Error) -> Error {
        Error::Credentials { path: self.to_string(), source }
    }
}

impl fmt::Display for CredentialFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.path.display(), formatter)
    }
}

impl Reservation {
    /// Puts the credentials in place, durable when this returns.
    pub(crate) fn commit(mut self, credentials: &Credentials) -> Result<()> {
        self.write(credentials)
            .map_err(|source| Error::Credentials { path: self.path.display().to_string(), source })
    }

    fn write(&mut self, credentials: &Credentials) -> io::Result<()> {
        let text = self.text_of(credentials)?;
        let text = text.expose_secret().as_bytes();
        // Overwritten in place: these blocks are allocated already.
        self.file.rewind()?;
        self.file.write_all(text)?;
        self.file.sync_all()?;
        self.file.set_len(text.len() as u64)?;
        self.file.sync_all()?;
        fs::rename(&self.temporary, &self.path)?;
        sync_directory(&self.path)
    }

    fn text_of(&self, credentials: &Credentials) -> io::Result<SecretString> {
        let plain = SecretString::from(serde_json::to_string_pretty(&Stored::from(credentials))? + "\n");
        let Some(key) = &self.key else { return Ok(plain) };
        let sealed = key.seal(&plain).ok_or_else(|| io::Error::other("sealing failed"))?;
        let sealed = Sealed {
            format: SEALED_FORMAT,
            host: credentials.host.clone(),
            content: BASE64_STANDARD.encode(sealed),
        };
        Ok(SecretString::from(serde_json::to_string_pretty(&sealed)? + "\n"))
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        // After a commit there is nothing under this name any more.
        let _ = fs::remove_file(&self.temporary);
    }
}

/// Closes a file to others than its owner, if they may get at it: its mode until then, and what came of it.
fn close(file: &File) -> Option<(u32, io::Result<()>)> {
    let mode = exposure(file)?;
    Some((mode, file.set_permissions(fs::Permissions::from_mode(0o600))))
}

fn exposure(file: &File) -> Option<u32> {
    let mode = file.metadata().ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests;
