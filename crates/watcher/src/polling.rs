//! Hints by the clock alone, for roots that no event source can follow.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use jottad_core::RelativePath;
use tokio::sync::mpsc::UnboundedSender;

use crate::hint::{Hint, RescanCause};

/// Hints the whole root at every interval until the sender of `stop` is dropped or nobody listens.
pub(crate) fn run(interval: Duration, hints: &UnboundedSender<Hint>, stop: &Receiver<()>) {
    while stop.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
        let hint = Hint::Subtree { path: RelativePath::root(), cause: RescanCause::Poll };
        if hints.send(hint).is_err() {
            return;
        }
    }
}
