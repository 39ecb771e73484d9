//! What a process costs.
//!
//! A command is run by a process of its own, this program once more: the system tells the memory of children
//! only as the maximum of all of them, so each needs a parent for itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeVal;
use serde::{Deserialize, Serialize};

use crate::line::Cost;
use crate::remark;

/// How much of a failed command's output is shown.
const SHOWN: usize = 2000;
/// Where a measured command's output is, in the scratch directory.
pub(crate) const OUTPUT: &str = "output.log";

/// Measures a command that must succeed.
pub(crate) fn measure(command: &Command, scratch: &Path) -> anyhow::Result<Cost> {
    let file = scratch.join("cost.json");
    let log = scratch.join(OUTPUT);
    let output = fs::File::create(&log).with_context(|| format!("creating {}", log.display()))?;
    let own = std::env::current_exe().context("finding this program")?;
    let mut observer = Command::new(own);
    observer.arg("observe").arg(&file).arg("--").arg(command.get_program()).args(command.get_args());
    observer.env_clear().stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    for (name, value) in command.get_envs() {
        observer.env(name, value.unwrap_or_default());
    }
    let status = observer.status().context("starting this program once more")?;
    if !status.success() {
        let text = fs::read_to_string(&log).unwrap_or_default();
        let start = text.char_indices().rev().nth(SHOWN).map_or(0, |(start, _)| start);
        bail!("{command:?} ended with {status}:\n{}", &text[start..]);
    }
    let text = fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
    let paid: Observed = serde_json::from_slice(&text).context("reading what the command cost")?;
    Ok(Cost {
        wall: Duration::from_secs_f64(paid.wall_seconds),
        cpu: Some(Duration::from_secs_f64(paid.cpu_seconds)),
        peak_memory: Some(paid.peak_memory_bytes),
    })
}

/// `observe FILE COMMAND…`
#[derive(Debug, clap::Args)]
pub(crate) struct Observe {
    file: PathBuf,
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    command: Vec<std::ffi::OsString>,
}

#[derive(Serialize, Deserialize)]
struct Observed {
    wall_seconds: f64,
    cpu_seconds: f64,
    peak_memory_bytes: u64,
}

/// Runs a command, writes its cost, and ends as it ended.
pub(crate) fn observe(observe: &Observe) -> ExitCode {
    match run_observed(observe) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            remark(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run_observed(observe: &Observe) -> anyhow::Result<bool> {
    let started = Instant::now();
    let status = Command::new(&observe.command[0])
        .args(&observe.command[1..])
        .status()
        .with_context(|| format!("starting {}", observe.command[0].display()))?;
    let wall = started.elapsed();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).context("asking for the usage of the command")?;
    let observed = Observed {
        wall_seconds: wall.as_secs_f64(),
        cpu_seconds: (duration(usage.user_time()) + duration(usage.system_time())).as_secs_f64(),
        peak_memory_bytes: peak_memory(&usage),
    };
    fs::write(&observe.file, serde_json::to_vec(&observed)?)
        .with_context(|| format!("writing {}", observe.file.display()))?;
    Ok(status.success())
}

fn duration(time: TimeVal) -> Duration {
    let seconds = u64::try_from(time.tv_sec()).unwrap_or_default();
    Duration::from_secs(seconds) + Duration::from_micros(u64::try_from(time.tv_usec()).unwrap_or_default())
}

fn peak_memory(usage: &Usage) -> u64 {
    // Linux counts in KiB, macOS in bytes.
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    u64::try_from(usage.max_rss()).unwrap_or_default() * unit
}

/// What a process that runs has cost so far, as `/proc` tells it. Threads that have ended do not count in the
/// CPU time.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usages {
    pub(crate) cpu: Option<Duration>,
    pub(crate) peak_memory: Option<u64>,
}

impl Usages {
    /// Of a process.
    pub(crate) fn of(pid: u32) -> Self {
        let process = PathBuf::from(format!("/proc/{pid}"));
        let status = fs::read_to_string(process.join("status")).ok();
        Self { cpu: threads_cpu(&process), peak_memory: status.as_deref().and_then(high_water) }
    }
}

fn threads_cpu(process: &Path) -> Option<Duration> {
    let mut sum = Duration::ZERO;
    for thread in fs::read_dir(process.join("task")).ok()? {
        // A thread may end between being listed and being read.
        let Ok(text) = fs::read_to_string(thread.ok()?.path().join("schedstat")) else { continue };
        sum += Duration::from_nanos(text.split_whitespace().next()?.parse().ok()?);
    }
    Some(sum)
}

/// The peak of resident memory in `/proc/PID/status`, in bytes.
fn high_water(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_of_memory_is_read() {
        let table = [
            ("Name:\tx\nVmPeak:\t  99 kB\nVmHWM:\t   12345 kB\nVmRSS:\t 1 kB\n", Some(12345 * 1024)),
            ("Name:\tzombie\n", None),
            ("VmHWM:\tmany kB\n", None),
        ];
        for (text, expected) in table {
            assert_eq!(high_water(text), expected, "{text:?}");
        }
    }
}
