//! A running emulator: start, addresses, end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::config::EmulatorConfig;
use crate::server::accept_plain;
use crate::service::Shared;
use crate::state::State;

/// Why an emulator did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The control endpoint asks for no password, so it must not be reachable from elsewhere.
    #[error("cannot listen on {0}: only loopback addresses are allowed, for example 127.0.0.1:0")]
    NotLoopback(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The reason.
        source: io::Error,
    },
    /// There is no place for big contents.
    #[error("cannot make a temporary directory")]
    Storage(#[source] io::Error),
}

/// A Jottacloud on localhost. It ends when dropped.
pub struct Emulator {
    base_url: String,
    state: State,
    task: JoinHandle<std::convert::Infallible>,
}

impl Emulator {
    /// Starts serving in the background of the current tokio runtime.
    pub async fn start(config: EmulatorConfig) -> Result<Self, StartError> {
        let listener = listen(config.listen).await?;
        let address =
            listener.local_addr().map_err(|source| StartError::Listen { address: config.listen, source })?;
        let shared = Arc::new(Shared::new(&config).map_err(StartError::Storage)?);
        let base_url = format!("http://{address}");
        shared.base_url.get_or_init(|| base_url.clone());
        let task = tokio::spawn(accept_plain(listener, Arc::clone(&shared)));
        Ok(Self { base_url, state: State::new(shared), task })
    }

    /// Where everything is served, without a slash at the end: `http://127.0.0.1:PORT`.
    pub fn base_url(&self) -> String {
        self.base_url.clone()
    }

    /// A fresh personal login token, good for one login.
    pub fn login_token(&self) -> String {
        self.state.login_token()
    }

    /// What is inside.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Stops serving and breaks open connections off.
    pub async fn shutdown(mut self) {
        self.task.abort();
        // The task was just aborted; how it ended says nothing.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    if !address.ip().is_loopback() {
        return Err(StartError::NotLoopback(address));
    }
    TcpListener::bind(address).await.map_err(|source| StartError::Listen { address, source })
}
