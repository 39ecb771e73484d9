//! What happens in the folders, for everybody who listens.

use tokio::sync::broadcast;

use crate::api::documents::EventDocument;

/// So many events are kept for a listener that is slow; beyond that it is told that it missed some.
const KEPT: usize = 4096;

/// All events of a daemon.
#[derive(Debug, Clone)]
pub(crate) struct Events(broadcast::Sender<EventDocument>);

impl Events {
    /// Nothing has happened yet.
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(KEPT))
    }

    /// Tells everybody; it is fine if nobody listens.
    pub(crate) fn send(&self, event: EventDocument) {
        let _ = self.0.send(event);
    }

    /// Listens from now on.
    pub(crate) fn subscribe(&self) -> Listener {
        Listener(self.0.subscribe())
    }
}

/// Somebody who listens.
#[derive(Debug)]
pub(crate) struct Listener(broadcast::Receiver<EventDocument>);

impl Listener {
    /// The next event; `None` when the daemon is gone. Cancel safe.
    pub(crate) async fn recv(&mut self) -> Option<EventDocument> {
        match self.0.recv().await {
            Ok(event) => Some(event),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(EventDocument::Missed),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}
