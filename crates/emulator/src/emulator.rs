//! A running emulator: start, addresses, end.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpSocket};
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
    address: SocketAddr,
    proxy: Option<Proxy>,
    state: State,
    shared: Arc<Shared>,
    tasks: Vec<JoinHandle<Infallible>>,
    /// What keeps its ports from others, also while nobody listens on them.
    reserved: Vec<TcpSocket>,
}

/// How the proxy is reached.
struct Proxy {
    address: SocketAddr,
    ca_pem: String,
    tls: TlsAcceptor,
}

impl Emulator {
    /// Starts serving in the background of the current tokio runtime.
    #[allow(clippy::unused_async, reason = "it is to be called within a runtime")]
    pub async fn start(config: EmulatorConfig) -> Result<Self, StartError> {
        let mut reserved = Vec::new();
        let (listener, address) = listen(config.listen, &mut reserved)?;
        let shared = Arc::new(Shared::new(&config));
        shared.base_url.get_or_init(|| format!("http://{address}"));
        let state = State::new(Arc::clone(&shared));
        let mut emulator = Self { address, proxy: None, state, shared, tasks: Vec::new(), reserved };
        if let Some(address) = config.proxy_listen {
            let (listener, address) = listen(address, &mut emulator.reserved)?;
            let proxy = Proxy::new(address, config.ca_file)?;
            emulator.serve_proxy(listener, &proxy);
            emulator.proxy = Some(proxy);
        }
        emulator.serve(listener);
        Ok(emulator)
    }

    /// Closes all connections and refuses new ones; the account stays. Clients find nobody until
    /// [`Emulator::go_online`]. The ports stay its own.
    pub async fn go_offline(&mut self) -> Result<(), StartError> {
        self.close().await;
        if !KEPT_FROM_THE_START {
            let addresses = std::iter::once(self.address).chain(self.proxy.iter().map(|proxy| proxy.address));
            self.reserved = addresses.map(bind).collect::<Result<_, _>>()?;
        }
        Ok(())
    }

    /// Serves again on the ports of before.
    pub async fn go_online(&mut self) -> Result<(), StartError> {
        self.close().await;
        let mut reserved = Vec::new();
        if !KEPT_FROM_THE_START {
            self.reserved.clear();
        }
        let (listener, _) = listen(self.address, &mut reserved)?;
        if let Some(proxy) = self.proxy.take() {
            let (listener, _) = listen(proxy.address, &mut reserved)?;
            self.serve_proxy(listener, &proxy);
            self.proxy = Some(proxy);
        }
        self.reserved = reserved;
        self.shared.offline.send_replace(false);
        self.serve(listener);
        Ok(())
    }

    async fn close(&mut self) {
        self.shared.offline.send_replace(true);
        for task in std::mem::take(&mut self.tasks) {
            task.abort();
            // The task was just aborted; how it ended says nothing.
            let _ = task.await;
        }
    }

    fn serve(&mut self, listener: TcpListener) {
        self.tasks.push(tokio::spawn(accept_plain(listener, Arc::clone(&self.shared))));
    }

    fn serve_proxy(&mut self, listener: TcpListener, proxy: &Proxy) {
        let shared = Arc::clone(&self.shared);
        self.tasks.push(tokio::spawn(accept_proxied(listener, proxy.tls.clone(), shared)));
    }

    /// Where everything is served, without a slash at the end: `http://127.0.0.1:PORT`.
    pub fn base_url(&self) -> String {
        self.shared.base_url().to_owned()
    }

    /// Where the CONNECT proxy is, for `HTTPS_PROXY`, if it was asked for.
    pub fn proxy_url(&self) -> Option<String> {
        self.proxy.as_ref().map(|proxy| format!("http://{}", proxy.address))
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
        self.close().await;
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.shared.offline.send_replace(true);
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Proxy {
    fn new(address: SocketAddr, ca_file: Option<PathBuf>) -> Result<Self, StartError> {
        let authority = Authority::new()?;
        let ca_pem = authority.pem();
        if let Some(path) = ca_file {
            std::fs::write(&path, &ca_pem).map_err(|source| StartError::CaFile { path, source })?;
        }
        let tls = TlsAcceptor::from(Arc::new(authority.server_config()?));
        Ok(Self { address, ca_pem, tls })
    }
}

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;

/// Whether a port can be kept from others while it is listened on. Where not, it is free for a moment when it is
/// listened on no more, and any connection that is made may get it.
const KEPT_FROM_THE_START: bool = cfg!(target_os = "linux");

fn listen(
    address: SocketAddr,
    reserved: &mut Vec<TcpSocket>,
) -> Result<(TcpListener, SocketAddr), StartError> {
    if !address.ip().is_loopback() {
        return Err(StartError::NotLoopback(address));
    }
    let failed = |source| StartError::Listen { address, source };
    let socket = bind(address)?;
    let bound = socket.local_addr().map_err(failed)?;
    if KEPT_FROM_THE_START {
        reserved.push(bind(bound)?);
    }
    let listener = socket.listen(BACKLOG).map_err(failed)?;
    Ok((listener, bound))
}

/// Takes a port without listening on it: who connects is refused, and nobody else gets it.
fn bind(address: SocketAddr) -> Result<TcpSocket, StartError> {
    let bound = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // Connections of before may still be on their way to an end.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok(socket)
    };
    bound().map_err(|source| StartError::Listen { address, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_is_kept_from_others_while_nobody_listens_on_it_and_refuses_all() {
        let mut reserved = Vec::new();
        let (listener, address) = listen("127.0.0.1:0".parse().unwrap(), &mut reserved).unwrap();
        let take = || TcpSocket::new_v4().unwrap().bind(address).map_err(|error| error.kind());
        assert_eq!(take(), Err(io::ErrorKind::AddrInUse));
        drop(listener);
        if !KEPT_FROM_THE_START {
            reserved.push(bind(address).unwrap());
        }
        assert_eq!(take(), Err(io::ErrorKind::AddrInUse));
        let refused = tokio::net::TcpStream::connect(address).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        let (listener, _) = listen(address, &mut Vec::new()).unwrap();
        tokio::net::TcpStream::connect(address).await.unwrap();
        drop((listener, reserved));
        assert_eq!(take(), Ok(()));
    }
}
