//! The tokens of a login in a file of their own: private, replaced atomically, tied to one machine.
//!
//! A refresh token that is used twice logs everybody out (protocol 2.3), so the file knows the machine it was
//! made on, and a copy of it elsewhere is recognised before its token is shown to the service.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use md5::{Digest as _, Md5};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

const FORMAT: u32 = 1;
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

/// What tells this machine from a copy of its disk elsewhere: a hash, so that the file gives nothing away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HostIdentity(Option<String>);

impl HostIdentity {
    /// From the operating system's machine id. A machine without one has no identity and is never told apart.
    pub fn of_this_machine() -> Self {
        Self::from_machine_id(machine_id().as_deref().unwrap_or_default())
    }

    /// From an id of any form; empty means that there is none.
    pub fn from_machine_id(id: &str) -> Self {
        let id = id.trim();
        let hash = || {
            let sum = Md5::new_with_prefix(b"jottad host identity\0").chain_update(id).finalize();
            jottad_core::Md5::from_bytes(sum.into()).to_string()
        };
        Self((!id.is_empty()).then(hash))
    }
}

#[cfg(not(target_os = "macos"))]
fn machine_id() -> Option<String> {
    ["/etc/machine-id", "/var/lib/dbus/machine-id"].iter().find_map(|path| fs::read_to_string(path).ok())
}

#[cfg(target_os = "macos")]
fn machine_id() -> Option<String> {
    let command = ["-rd1", "-c", "IOPlatformExpertDevice"];
    let output = std::process::Command::new("/usr/sbin/ioreg").args(command).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let line = text.lines().find(|line| line.contains("IOPlatformUUID"))?;
    line.rsplit('"').nth(1).map(str::to_owned)
}

impl Credentials {
    /// Refuses a login that was made on another machine.
    pub(crate) fn check_host(&self, host: &HostIdentity) -> Result<()> {
        match (&self.host.0, &host.0) {
            (Some(made_on), Some(here)) if made_on != here => Err(Error::LoginNeeded {
                reason: "the login was copied from another machine; using it would log out both".to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// Whether both would show the same refresh token.
    pub(crate) fn same_tokens(&self, other: &Self) -> bool {
        self.refresh_token.expose_secret() == other.refresh_token.expose_secret()
            && self.access_token.expose_secret() == other.access_token.expose_secret()
    }
}

/// The file's content.
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
            format: FORMAT,
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialFile {
    path: PathBuf,
}

/// Room on disk for credentials that do not exist yet.
pub(crate) struct Reservation {
    file: File,
    temporary: PathBuf,
    path: PathBuf,
}

/// Held while tokens are renewed, so that two processes never show the same refresh token.
pub(crate) struct CredentialLock {
    _file: File,
}

impl CredentialFile {
    /// Names the file; its directory must exist before anything is kept.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it holds; `None` if nobody is logged in.
    pub fn load(&self) -> Result<Option<Credentials>> {
        let mut text = String::new();
        match File::open(&self.path) {
            Ok(file) => {
                file.take(RESERVED as u64).read_to_string(&mut text).map_err(|error| self.trouble(error))?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.trouble(error)),
        };
        let damaged = |what: &str| Error::LoginNeeded {
            reason: format!("the credentials in {} {what}", self.path.display()),
        };
        let stored: Stored = serde_json::from_str(text.trim_end()).map_err(|_| damaged("are damaged"))?;
        if stored.format != FORMAT {
            return Err(damaged("are of another version of this program"));
        }
        Ok(Some(stored.into()))
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
            file.set_permissions(fs::Permissions::from_mode(0o600))?;
            file.write_all(" ".repeat(RESERVED).as_bytes())?;
            file.sync_all()?;
            Ok(Reservation { file, temporary, path: self.path.clone() })
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
        let mut text = serde_json::to_vec_pretty(&Stored::from(credentials))?;
        text.push(b'\n');
        // Overwritten in place: these blocks are allocated already.
        self.file.rewind()?;
        self.file.write_all(&text)?;
        self.file.sync_all()?;
        self.file.set_len(text.len() as u64)?;
        self.file.sync_all()?;
        fs::rename(&self.temporary, &self.path)?;
        sync_directory(&self.path)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        // After a commit there is nothing under this name any more.
        let _ = fs::remove_file(&self.temporary);
    }
}

fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}
