//! Listening: plain HTTP, one connection after the other.

use std::convert::Infallible;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::line::{Abortive, Fate, Line};
use crate::service::{Abort, EndlessHeaders, Origin, Shared, serve};

/// Accepts connections until the task is dropped.
pub(crate) async fn accept_plain(listener: TcpListener, shared: Arc<Shared>) -> Infallible {
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
        let shared = Arc::clone(&shared);
        connections.spawn(async move { serve_connection(stream, shared, Origin::Plain).await });
    }
}

/// Serves HTTP/1.1 or HTTP/2 on one connection until it ends.
pub(crate) async fn serve_connection<S>(stream: S, shared: Arc<Shared>, origin: Origin)
where
    S: AsyncRead + AsyncWrite + Abortive + Unpin + Send + 'static,
{
    let fate = Fate::default();
    let line = Line::new(stream, fate.clone());
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let answer = serve(Arc::clone(&shared), origin.clone(), request);
        let fate = fate.clone();
        async move {
            let answer = answer.await;
            match &answer {
                Ok(reply) if reply.extensions().get::<EndlessHeaders>().is_some() => fate.endless_headers(),
                Ok(_) => {}
                Err(Abort) => fate.reset(),
            }
            answer
        }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new());
    builder.http2().timer(TokioTimer::new());
    // A connection that fails is the client's business, or a fault of ours on purpose.
    let _ = builder.serve_connection_with_upgrades(TokioIo::new(line), service).await;
}
