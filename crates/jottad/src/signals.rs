//! What the operating system asks of a program that runs for long. Only `main` knows how it is heard.

use std::io;

use tokio::sync::mpsc::UnboundedReceiver;

use crate::terminal::leave_line;

/// A request from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// End in good order.
    Stop,
    /// Read the configuration again.
    Reload,
}

/// Signals in the order in which they came.
pub type Signals = UnboundedReceiver<Signal>;

/// Begins to listen; from then on signals no longer end the program by themselves, but for a second stop, and
/// for those that come when all who listened have stopped listening.
pub type Listen = fn() -> io::Result<Signals>;

/// Waits for whatever ends a command that serves nobody: a stop, or that its terminal is gone.
pub(crate) async fn ended(signals: &mut Signals) {
    if signals.recv().await.is_none() {
        // Nobody can ask any more.
        std::future::pending::<()>().await;
    }
}

/// Waits for a stop, and leaves other requests aside.
pub(crate) async fn stopped(signals: &mut Signals) {
    while let Some(signal) = signals.recv().await {
        if signal == Signal::Stop {
            return;
        }
    }
    // Nobody can ask any more.
    std::future::pending::<()>().await;
}

/// Waits for a stop of a command that a person looks at; what comes next begins on a line of its own.
pub(crate) async fn called_off(signals: &mut Signals) {
    stopped(signals).await;
    leave_line();
}
