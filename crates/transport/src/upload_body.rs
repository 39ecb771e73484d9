//! The body of an upload: bytes that come through a channel, with their number known beforehand.
//!
//! A body of known size is sent with `Content-Length`, and one that ends early is an error for the HTTP
//! library, so that a truncated upload cannot pass for a whole one.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::error::Error;
use crate::http::{connection, stalled};

/// The writing end, and what is known of the reading one.
#[derive(Clone)]
pub(crate) struct Feed {
    sender: mpsc::Sender<Bytes>,
    progress: Arc<Progress>,
}

struct Progress {
    length: u64,
    taken: AtomicU64,
    last: Mutex<Instant>,
}

struct UploadBody {
    pieces: mpsc::Receiver<Bytes>,
    left: u64,
    progress: Arc<Progress>,
}

/// Why no answer came.
pub(crate) enum Trouble {
    Connection(reqwest::Error),
    Stalled(Duration),
}

impl Trouble {
    pub(crate) fn into_error(self, action: &str) -> Error {
        match self {
            Self::Connection(source) => connection(action, source),
            Self::Stalled(after) => stalled(action, after),
        }
    }
}

/// A body of exactly `length` bytes and the feed that fills it.
pub(crate) fn upload_body(length: u64) -> (Feed, reqwest::Body) {
    // One piece waiting while one is sent: enough to keep the connection busy, little enough for many
    // uploads.
    let (sender, pieces) = mpsc::channel(1);
    let progress = Arc::new(Progress { length, taken: AtomicU64::new(0), last: Mutex::new(Instant::now()) });
    let body = UploadBody { pieces, left: length, progress: Arc::clone(&progress) };
    (Feed { sender, progress }, reqwest::Body::wrap(body))
}

impl Feed {
    /// Hands over bytes when there is room; `false` once nobody takes them any more.
    pub(crate) async fn send(&self, piece: Bytes) -> bool {
        self.sender.send(piece).await.is_ok()
    }

    /// Notes that the source, not the connection, is what is being waited for.
    pub(crate) fn touch(&self) {
        self.progress.note(0);
    }

    /// Bytes that the connection has taken.
    pub(crate) fn taken(&self) -> u64 {
        self.progress.taken.load(Ordering::Relaxed)
    }

    /// Waits for the answer as long as bytes move, and once all are sent for `commit` more.
    pub(crate) async fn watch(
        &self,
        answer: impl Future<Output = Result<reqwest::Response, reqwest::Error>>,
        stall: Duration,
        commit: Duration,
    ) -> Result<reqwest::Response, Trouble> {
        let mut answer = std::pin::pin!(answer);
        loop {
            if let Ok(answer) = tokio::time::timeout_at(self.deadline(stall, commit), answer.as_mut()).await {
                return answer.map_err(Trouble::Connection);
            }
            // Something may have moved meanwhile.
            if self.deadline(stall, commit) <= Instant::now() {
                return Err(Trouble::Stalled(self.patience(stall, commit)));
            }
        }
    }
}

impl Feed {
    fn patience(&self, stall: Duration, commit: Duration) -> Duration {
        if self.taken() == self.progress.length { commit } else { stall }
    }

    fn deadline(&self, stall: Duration, commit: Duration) -> Instant {
        self.progress.last() + self.patience(stall, commit)
    }
}

impl Progress {
    fn last(&self) -> Instant {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, bytes: usize) {
        self.taken.fetch_add(bytes as u64, Ordering::Relaxed);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

impl http_body::Body for UploadBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        Poll::Ready(match ready!(self.pieces.poll_recv(context)) {
            Some(piece) => {
                self.left = self.left.saturating_sub(piece.len() as u64);
                self.progress.note(piece.len());
                Some(Ok(Frame::data(piece)))
            }
            None => Some(Err(std::io::ErrorKind::UnexpectedEof.into())),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
