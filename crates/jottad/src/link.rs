//! The login that all folders of a daemon share. It may be missing, and it may come or change while they run.

use std::sync::{Arc, PoisonError, RwLock};

use jottad_engine::{RemoteError, RemoteErrorKind};
use jottad_transport::Client;

use crate::adapter::remote_error;
use crate::config::Config;
use crate::invocation;
use crate::places::Places;

/// The way to the service, if there is one. Cheap to clone; all clones see the same login.
#[derive(Debug, Clone)]
pub(crate) struct ServiceLink(Arc<RwLock<Result<Client, RemoteError>>>);

/// No login was taken up yet.
impl Default for ServiceLink {
    fn default() -> Self {
        let message = "the login was not taken up yet".to_owned();
        let error = RemoteError { kind: RemoteErrorKind::LoginNeeded, message, retry_after: None };
        Self(Arc::new(RwLock::new(Err(error))))
    }
}

impl ServiceLink {
    /// Takes the kept login up: it may be another one by now, or none. Nothing is sent.
    pub(crate) async fn reopen(&self, places: &Places, config: &Config) {
        if let Ok(client) = self.client() {
            // A renewal in progress ends first, so that it is the new tokens that are read.
            client.session().settle().await;
        }
        let renewed = connect(places, config);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = renewed;
    }

    /// The client, or why there is none.
    pub(crate) fn client(&self) -> Result<Client, RemoteError> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn connect(places: &Places, config: &Config) -> Result<Client, RemoteError> {
    invocation::client(places, config).map_err(|error| match error.kind() {
        // Whatever keeps us from the login, it is by logging in, or at the login's file, that it is mended.
        jottad_transport::ErrorKind::Local | jottad_transport::ErrorKind::Setup => {
            RemoteError { kind: RemoteErrorKind::LoginNeeded, message: error.to_string(), retry_after: None }
        }
        _ => remote_error(&error),
    })
}
