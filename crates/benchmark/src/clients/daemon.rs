//! A running daemon, and the history that it tells as it happens.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde::Deserialize;

use super::jottad::jottad;
use crate::line::Cost;
use crate::measuring::Usages;
use crate::process::Process;
use crate::stage::Stage;

/// How long a change may take.
const TIMEOUT: Duration = Duration::from_mins(30);
/// So much quiet is left between two measurements.
const REST: Duration = Duration::from_secs(2);

/// `jottad run`, in step, with a listener to its history. Both end when dropped.
pub(crate) struct Daemon<'a> {
    stage: &'a Stage,
    process: Process,
    _listener: Process,
    history: Receiver<Operation>,
}

/// A line of the history.
#[derive(Debug, Deserialize)]
struct Operation {
    kind: String,
    path: String,
    error: Option<String>,
}

/// The moment before a change.
pub(crate) struct Before {
    at: Instant,
    usages: Usages,
}

impl<'a> Daemon<'a> {
    /// Starts it and waits until it is in step.
    pub(crate) fn start(stage: &'a Stage) -> anyhow::Result<Self> {
        let quiet = || Stdio::null();
        let daemon = jottad(stage, &["run"]).stdout(quiet()).stderr(quiet()).spawn();
        let process = Process(daemon.context("starting the daemon")?);
        let started = Instant::now();
        // Its socket appears when it is ready.
        while let Err(error) = Stage::prepare(jottad(stage, &["sync", "--wait", "--timeout", "30m"]), "") {
            if started.elapsed() > TIMEOUT {
                return Err(error.context("waiting for the daemon"));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let listener = jottad(stage, &["--json", "log", "--follow", "-n", "1"])
            .stdout(Stdio::piped())
            .stderr(quiet())
            .spawn();
        let mut listener = Process(listener.context("listening to the daemon")?);
        let output = listener.0.stdout.take().context("the listener has no output")?;
        let (sender, history) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Ok(operation) = serde_json::from_str(&line)
                    && sender.send(operation).is_err()
                {
                    return;
                }
            }
        });
        Ok(Self { stage, process, _listener: listener, history })
    }

    /// What it has cost from a moment until now.
    pub(crate) fn cost_since(&self, at: Instant) -> Cost {
        let usages = Usages::of(self.process.0.id());
        Cost { wall: at.elapsed(), cpu: usages.cpu, peak_memory: usages.peak_memory }
    }

    /// Lets it come to rest and notes where it stands.
    pub(crate) fn begin(&self) -> anyhow::Result<Before> {
        std::thread::sleep(REST);
        while self.history.try_recv().is_ok() {}
        self.stage.service.reset()?;
        Ok(Before { at: Instant::now(), usages: Usages::of(self.process.0.id()) })
    }

    /// Waits until the history tells an operation of this kind, which is when the service has confirmed it
    /// and the index holds it.
    pub(crate) fn wait_for(&self, kind: &str, before: &Before) -> anyhow::Result<Cost> {
        self.wait_for_all(kind, 1, before)
    }

    /// The same for so many operations of a kind.
    pub(crate) fn wait_for_all(&self, kind: &str, count: usize, before: &Before) -> anyhow::Result<Cost> {
        let mut told = 0;
        while told < count {
            let left = TIMEOUT.saturating_sub(before.at.elapsed());
            match self.history.recv_timeout(left) {
                Ok(Operation { kind, path, error: Some(error) }) => bail!("{kind} of {path} failed: {error}"),
                Ok(operation) if operation.kind == kind => told += 1,
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => {
                    bail!("the daemon made {told} of {count} {kind} in {TIMEOUT:?}")
                }
                Err(RecvTimeoutError::Disconnected) => bail!("the daemon ended while a {kind} was awaited"),
            }
        }
        let wall = before.at.elapsed();
        // What follows from it belongs to its cost.
        std::thread::sleep(REST);
        let after = Usages::of(self.process.0.id());
        let cpu = after.cpu.zip(before.usages.cpu).map(|(after, before)| after.saturating_sub(before));
        Ok(Cost { wall, cpu, peak_memory: after.peak_memory })
    }
}
