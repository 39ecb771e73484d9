//! The CONNECT proxy: for clients that have the service's host names built in. It lets them believe that they
//! reached the real hosts, and reaches nobody else.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::server::serve_connection;
use crate::service::{Origin, Shared};

/// The domains of the service and of all its brands (protocol 1.1, 1.3).
const DOMAINS: [&str; 11] = [
    "jottacloud.com",
    "jotta.cloud",
    "jotta.no",
    "cloud.elgiganten.dk",
    "cloud.elgiganten.se",
    "cloud.elkjop.no",
    "cloud.elko.is",
    "cloud.gigantti.fi",
    "onlime.dk",
    "tele2.se",
    "phonero.no",
];

/// Telia's brands are under two domains of their own.
const TELIA_HOSTS: [&str; 2] = ["sky-auth.telia.no", "cloud-auth.telia.se"];

/// Accepts proxy connections until the task is dropped.
pub(crate) async fn accept_proxied(
    listener: TcpListener,
    tls: TlsAcceptor,
    shared: Arc<Shared>,
) -> Infallible {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors, most likely; the next connection may do better.
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            continue;
        };
        // Nagle would add a delay to every small answer.
        let _ = stream.set_nodelay(true);
        connections.spawn(serve_proxy(stream, tls.clone(), Arc::clone(&shared)));
    }
}

async fn serve_proxy(stream: TcpStream, tls: TlsAcceptor, shared: Arc<Shared>) {
    // The tunnel ends with the connection that it came by.
    let (tunnels, mut opened) = tokio::sync::mpsc::unbounded_channel();
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = connect(request, &tunnels);
        async move { Ok::<_, Infallible>(answer) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    // A proxy connection that fails is the client's business.
    let _ = connection.await;
    let Some((host, upgrade)) = opened.recv().await else { return };
    let Ok(upgraded) = upgrade.await else { return };
    match tls.accept(TokioIo::new(upgraded)).await {
        Ok(stream) => serve_connection(stream, shared, Origin::Proxied { host }).await,
        Err(error) => tracing::debug!(%error, host, "a client did not like the certificate"),
    }
}

type Tunnels = tokio::sync::mpsc::UnboundedSender<(String, hyper::upgrade::OnUpgrade)>;

fn connect(mut request: Request<Incoming>, tunnels: &Tunnels) -> Response<Full<Bytes>> {
    let host = request.uri().host().unwrap_or_default().to_ascii_lowercase();
    let is_tls = request.uri().port_u16() == Some(443);
    let mut answer = Response::new(Full::default());
    if request.method() == Method::CONNECT && is_tls && is_of_the_service(&host) {
        // The receiver lives as long as this connection is served.
        let _ = tunnels.send((host, hyper::upgrade::on(&mut request)));
    } else {
        *answer.status_mut() = StatusCode::FORBIDDEN;
        *answer.body_mut() =
            Full::from(format!("{host} is no host of Jottacloud, or not by CONNECT to port 443\n"));
    }
    answer
}

fn is_of_the_service(host: &str) -> bool {
    TELIA_HOSTS.contains(&host)
        || DOMAINS.iter().any(|domain| {
            host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_of_the_service_are_reached() {
        for host in ["jfs.jottacloud.com", "jottacloud.com", "letsgo.jotta.cloud", "sky-auth.telia.no"] {
            assert!(is_of_the_service(host), "{host}");
        }
        for host in ["example.net", "notjottacloud.com", "jottacloud.com.example.net", "telia.no", ""] {
            assert!(!is_of_the_service(host), "{host}");
        }
    }
}
