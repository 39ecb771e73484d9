//! Whose login this is, kept beside the tokens so that a daemon knows it without asking. No secrets in here.

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::SystemTime;

use jottad_core::Timestamp;
use jottad_transport::{Client, Customer};
use serde::{Deserialize, Serialize};

use crate::cli::failure::Failure;
use crate::places::Places;

/// The built-in device of every account (protocol 3.5).
pub(crate) const BUILT_IN_DEVICE: &str = "Jotta";

/// What is known of the account that is logged in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KnownAccount {
    /// The internal name, by which indexes of different accounts are kept apart.
    pub(crate) username: String,
    /// For people.
    pub(crate) email: Option<String>,
}

impl From<&Customer> for KnownAccount {
    fn from(customer: &Customer) -> Self {
        Self { username: customer.username.clone(), email: customer.email.clone() }
    }
}

impl KnownAccount {
    /// What was kept at the last login; `None` if nothing was, or nothing that can be read.
    pub(crate) fn load(places: &Places) -> Option<Self> {
        serde_json::from_str(&fs::read_to_string(file(places)).ok()?).ok()
    }

    /// What is kept, or what the service says, which is then kept.
    pub(crate) async fn find(places: &Places, client: &Client) -> Result<Self, jottad_transport::Error> {
        if let Some(known) = Self::load(places) {
            return Ok(known);
        }
        let known = Self::from(&client.customer().await?);
        if let Err(failure) = known.save(places) {
            tracing::warn!(failure = failure.message(), "the account's name is asked for again next time");
        }
        Ok(known)
    }

    /// Keeps it.
    pub(crate) fn save(&self, places: &Places) -> Result<(), Failure> {
        let path = file(places);
        let write = || -> io::Result<()> {
            let mut temporary = tempfile::NamedTempFile::new_in(&places.state_dir)?;
            temporary.write_all(serde_json::to_string(self)?.as_bytes())?;
            temporary.as_file().sync_all()?;
            temporary.persist(&path).map_err(|error| error.error)?;
            Ok(())
        };
        write().map_err(|error| Failure::of_system(format_args!("writing {}", path.display()), &error))
    }

    /// When somebody last logged in, as far as the file tells.
    pub(crate) fn logged_in_at(places: &Places) -> Option<Timestamp> {
        let written = fs::metadata(file(places)).ok()?.modified().ok()?;
        let since_epoch = written.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        Some(Timestamp::from_seconds(i64::try_from(since_epoch.as_secs()).ok()?))
    }

    /// What a person calls it.
    pub(crate) fn for_people(&self) -> &str {
        self.email.as_deref().unwrap_or(&self.username)
    }

    /// Forgets it; fine if it is not there.
    pub(crate) fn forget(places: &Places) {
        // What is left behind is read by nobody without a login, and replaced by the next one.
        let _ = fs::remove_file(file(places));
        let _ = fs::remove_file(former_file(places));
    }

    /// Remembers after a logout whose the folders are.
    pub(crate) fn log_out(places: &Places) {
        // If it was never known, there is nothing to remember.
        let _ = fs::rename(file(places), former_file(places));
    }

    /// Whose the folders are: the account that is logged in, or was last.
    pub(crate) fn owner(places: &Places) -> Option<Self> {
        let former = || serde_json::from_str(&fs::read_to_string(former_file(places)).ok()?).ok();
        Self::load(places).or_else(former)
    }
}

fn former_file(places: &Places) -> PathBuf {
    places.state_dir.join("former-account.json")
}

fn file(places: &Places) -> PathBuf {
    places.state_dir.join("account.json")
}
