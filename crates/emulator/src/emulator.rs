//! A running emulator: start, addresses, end.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::config::EmulatorConfig;
use crate::proxy::accept_proxied;
use crate::server::accept_plain;
use crate::service::Shared;
use crate::state::State;
use crate::tls::{Authority, TlsError};

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
    /// The proxy has no certificates.
    #[error("the proxy cannot start")]
    Tls(#[from] TlsError),
    /// The file for the authority's certificate cannot be written.
    #[error("cannot write the certificate to {path}")]
    CaFile {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
}

/// A Jottacloud on localhost. It ends when dropped.
pub struct Emulator {
    base_url: String,
    proxy: Option<Proxy>,
    state: State,
    tasks: Vec<JoinHandle<Infallible>>,
}

/// How the proxy is reached.
struct Proxy {
    url: String,
    ca_pem: String,
}

impl Emulator {
    /// Starts serving in the background of the current tokio runtime.
    pub async fn start(config: EmulatorConfig) -> Result<Self, StartError> {
        let (listener, address) = listen(config.listen).await?;
        let shared = Arc::new(Shared::new(&config).map_err(StartError::Storage)?);
        let base_url = format!("http://{address}");
        shared.base_url.get_or_init(|| base_url.clone());
        let mut tasks = Vec::new();
        let proxy = match config.proxy_listen {
            None => None,
            Some(address) => {
                let (proxy, task) = start_proxy(address, &config, &shared).await?;
                tasks.push(task);
                Some(proxy)
            }
        };
        tasks.push(tokio::spawn(accept_plain(listener, Arc::clone(&shared))));
        Ok(Self { base_url, proxy, state: State::new(shared), tasks })
    }

    /// Where everything is served, without a slash at the end: `http://127.0.0.1:PORT`.
    pub fn base_url(&self) -> String {
        self.base_url.clone()
    }

    /// Where the CONNECT proxy is, for `HTTPS_PROXY`, if it was asked for.
    pub fn proxy_url(&self) -> Option<String> {
        self.proxy.as_ref().map(|proxy| proxy.url.clone())
    }

    /// The certificate authority of the proxy as PEM, for `SSL_CERT_FILE`.
    pub fn ca_pem(&self) -> Option<&str> {
        self.proxy.as_ref().map(|proxy| proxy.ca_pem.as_str())
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
        for task in std::mem::take(&mut self.tasks) {
            task.abort();
            // The task was just aborted; how it ended says nothing.
            let _ = task.await;
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn start_proxy(
    address: SocketAddr,
    config: &EmulatorConfig,
    shared: &Arc<Shared>,
) -> Result<(Proxy, JoinHandle<Infallible>), StartError> {
    let (listener, address) = listen(address).await?;
    let authority = Authority::new()?;
    let ca_pem = authority.pem();
    if let Some(path) = &config.ca_file {
        let failed = |source| StartError::CaFile { path: path.clone(), source };
        std::fs::write(path, &ca_pem).map_err(failed)?;
    }
    let tls = TlsAcceptor::from(Arc::new(authority.server_config()?));
    let task = tokio::spawn(accept_proxied(listener, tls, Arc::clone(shared)));
    Ok((Proxy { url: format!("http://{address}"), ca_pem }, task))
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    if !address.ip().is_loopback() {
        return Err(StartError::NotLoopback(address));
    }
    let failed = |source| StartError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}
