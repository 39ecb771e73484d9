//! A connection that can go wrong below HTTP: torn down hard, or writing header lines for ever.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What becomes of a connection; shared between it and the service that answers on it.
#[derive(Clone, Default)]
pub(crate) struct Fate(Arc<AtomicU8>);

const RESET: u8 = 1;
const ENDLESS_HEADERS: u8 = 2;

impl Fate {
    /// The connection is reset when it is dropped.
    pub(crate) fn reset(&self) {
        self.0.store(RESET, Ordering::Relaxed);
    }

    /// Whatever is written from now on becomes header lines without an end.
    pub(crate) fn endless_headers(&self) {
        self.0.store(ENDLESS_HEADERS, Ordering::Relaxed);
    }

    fn is(&self, fate: u8) -> bool {
        self.0.load(Ordering::Relaxed) == fate
    }
}

/// A stream that may be able to end without a goodbye.
pub(crate) trait Abortive {
    /// Makes the next close a reset, if that can be.
    fn abort(&self) {}
}

impl Abortive for TcpStream {
    fn abort(&self) {
        // If it cannot be, the connection is closed in the ordinary way; the client sees an end all the same.
        let _ = self.set_zero_linger();
    }
}

impl<S> Abortive for tokio_rustls::server::TlsStream<S> {}

/// A stream under a fate.
pub(crate) struct Line<S: Abortive> {
    stream: S,
    fate: Fate,
    wrote_status: bool,
}

impl<S: Abortive> Line<S> {
    pub(crate) fn new(stream: S, fate: Fate) -> Self {
        Self { stream, fate, wrote_status: false }
    }
}

impl<S: Abortive> Drop for Line<S> {
    fn drop(&mut self) {
        if self.fate.is(RESET) {
            self.stream.abort();
        }
    }
}

impl<S: Abortive + AsyncRead + Unpin> AsyncRead for Line<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: Abortive + AsyncWrite + Unpin> AsyncWrite for Line<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        const FILLER: &[u8] = b"X-Filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n";
        while self.fate.is(ENDLESS_HEADERS) {
            let bytes = if self.wrote_status { FILLER } else { b"HTTP/1.1 200 OK\r\n" };
            // A line may be cut where the socket is full; the rest of it is then the client's riddle.
            match Pin::new(&mut self.stream).poll_write(context, bytes) {
                Poll::Ready(Ok(_)) => self.wrote_status = true,
                ended => return ended,
            }
        }
        Pin::new(&mut self.stream).poll_write(context, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
