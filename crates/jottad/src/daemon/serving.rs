//! A daemon that answers on its control socket: until a signal stops it, or for one pass.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::Instant;

use super::{Daemon, LAST_WORDS, LOOK_AROUND, control};
use crate::api::documents::StatusDocument;
use crate::api::verdict::Patience;
use crate::api::waiting::{Outage, Waiting};
use crate::cli::failure::Failure;
use crate::cli::output::{Escaped, Output, now, remark};
use crate::daemon::control::Control;
use crate::service::RunBy;
use crate::signals::{Signal, Signals, called_off};

/// A daemon that answers on its control socket.
pub(crate) struct Serving {
    pub(super) daemon: Daemon,
    /// None where the control socket's path is too long for the system: then nobody can ask.
    control: Option<Control>,
}

impl Serving {
    /// Begins to answer; if that is impossible the daemon is ended.
    pub(crate) async fn begin(daemon: Daemon) -> Result<Self, Failure> {
        match control::serve(&daemon) {
            Ok(control) => Ok(Self { daemon, control: Some(control) }),
            Err(failure) => {
                daemon.stop().await;
                Err(failure)
            }
        }
    }

    /// The same for who can do without answering.
    pub(crate) async fn if_possible(daemon: Daemon) -> Result<Self, Failure> {
        if daemon.0.places.check_socket_path().is_err() {
            return Ok(Self { daemon, control: None });
        }
        Self::begin(daemon).await
    }

    /// Ends the folders, then the socket.
    pub(crate) async fn end(self) {
        self.daemon.stop().await;
        if let Some(control) = self.control {
            control.close().await;
        }
    }
}

/// Answers on the control socket until a signal stops it, then ends everything.
pub(crate) async fn serve(daemon: Daemon, mut signals: Signals) -> Result<(), Failure> {
    let serving = Serving::begin(daemon.clone()).await?;
    tracing::info!(socket = %daemon.0.places.socket().display(), folders = daemon.folders().len(), "running");
    notify(&[NotifyState::Ready, NotifyState::Status("running")]);
    let watchdog =
        sd_notify::watchdog_enabled().map(|limit| tokio::spawn(feed_watchdog(daemon.clone(), limit)));
    let mut lost_state = daemon.0.lost_state.subscribe();
    let mut next_look = Instant::now() + LOOK_AROUND;
    let reason = loop {
        tokio::select! {
            signal = signals.recv() => match signal {
                Some(Signal::Reload) => reload_on_signal(&daemon).await,
                _ => break None,
            },
            () = tokio::time::sleep_until(next_look) => {
                daemon.check_state();
                daemon.look_after_wrong_folders().await;
                next_look = Instant::now() + LOOK_AROUND;
            }
            reason = lost_state.wait_for(Option::is_some) => {
                let reason = reason.ok().and_then(|reason| reason.clone());
                // Whoever asked and found it out gets an answer.
                tokio::time::sleep(LAST_WORDS).await;
                break reason;
            }
        }
    };
    tracing::info!("stopping");
    notify(&[NotifyState::Stopping]);
    if let Some(watchdog) = watchdog {
        watchdog.abort();
    }
    serving.end().await;
    match reason {
        None => Ok(()),
        Some(reason) => {
            let again = RunBy::of_this_process(&daemon.0.places).await.start_again();
            Err(Failure::failed(reason)
                .path(daemon.0.places.state_dir.display().to_string())
                .hint(format!("{again}; it compares everything anew, nothing is lost")))
        }
    }
}

/// Waits until every folder is proven or will not get on by itself, then ends everything; returns the last
/// status.
pub(crate) async fn one_pass(
    daemon: Daemon,
    mut signals: Signals,
    output: Output,
) -> Result<(StatusDocument, bool), Failure> {
    let began = now();
    let mut patience = Patience::since(began);
    let (mut outage, mut waiting) = (Outage::default(), Waiting::since(Instant::now()));
    let serving = Serving::if_possible(daemon.clone()).await?;
    let status = loop {
        let status = daemon.status().await;
        let offline = outage.word(&status, Instant::now());
        if offline.is_some() {
            waiting.told();
        }
        let words = [offline, waiting.word(&status, Instant::now())];
        for word in words.into_iter().flatten().filter(|_| !output.json) {
            remark(Escaped(&word));
        }
        if patience.judge(&status, Instant::now()) {
            break Some(status);
        }
        tokio::select! {
            () = called_off(&mut signals) => break None,
            () = tokio::time::sleep(patience.pause(Instant::now())) => {}
        }
    };
    serving.end().await;
    // By the time that it is read this process is gone.
    let status =
        status.map(|status| StatusDocument { pid: None, started_at: None, after_pass: true, ..status });
    let status = status.ok_or_else(Failure::interrupted)?;
    let is_only_outrun = patience.is_only_outrun(&status);
    Ok((status, is_only_outrun))
}

async fn reload_on_signal(daemon: &Daemon) {
    let begun = NotifyState::monotonic_usec_now().ok();
    notify(&begun.into_iter().chain([NotifyState::Reloading]).collect::<Vec<_>>());
    let word = match daemon.reload().await {
        Ok(()) => "running".to_owned(),
        Err(failure) => {
            tracing::error!(reason = failure.message(), "the configuration stays as it was");
            format!("running with the old configuration: {}", failure.message())
        }
    };
    notify(&[NotifyState::Ready, NotifyState::Status(&word)]);
}

/// Tells systemd that all is well, for as long as every folder's loop answers.
async fn feed_watchdog(daemon: Daemon, limit: Duration) {
    loop {
        let status = daemon.status().await;
        if status.folders.iter().all(|folder| !folder.is_silent) {
            let word = status.verdict.0.as_str().replace('_', " ");
            notify(&[NotifyState::Watchdog, NotifyState::Status(&word)]);
        }
        tokio::time::sleep(limit / 2).await;
    }
}

fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "systemd was not told");
    }
}
