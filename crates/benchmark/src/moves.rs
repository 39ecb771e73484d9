//! Many directories that are moved into another one: what it costs until the service has followed.

use std::fs;

use anyhow::{Context as _, ensure};
use clap::Args;

use crate::clients::daemon::Daemon;
use crate::machine;
use crate::telling::{say, say_cost};
use crate::tree::TOP;
use crate::twins::on_both_sides;

/// Where they are moved to.
const INTO: &str = "into";

/// `moves`
#[derive(Debug, Args)]
pub(crate) struct Moves {
    /// How many directories
    #[arg(long, default_value_t = 1000)]
    directories: usize,
    /// How many files in each
    #[arg(long, default_value_t = 100)]
    per_directory: usize,
    /// How long the service takes to begin each answer
    #[arg(long, default_value = "20ms")]
    latency: String,
    /// How the folder is kept in step
    #[arg(long, default_value = "sync")]
    mode: String,
}

/// Moves them while the daemon runs, and prints what that cost.
pub(crate) fn run(moves: &Moves) -> anyhow::Result<()> {
    let &Moves { directories, per_directory, ref latency, ref mode } = moves;
    ensure!(directories > 0 && per_directory > 0, "--directories and --per-directory: at least one");
    let (stage, _) = on_both_sides(directories * per_directory, per_directory, mode, latency)?;
    say(&format!(
        "{directories} directories of {per_directory} empty files, mode {mode}, latency {latency}"
    ))?;
    say(&machine::describe())?;
    let daemon = Daemon::start(&stage)?;
    let (from, to) = (stage.folder().join(TOP), stage.folder().join(INTO));
    let before = daemon.begin()?;
    fs::create_dir(&to).with_context(|| format!("creating {}", to.display()))?;
    for number in 0..directories {
        let name = format!("d{number:07}");
        let (from, to) = (from.join(&name), to.join(&name));
        fs::rename(&from, &to).with_context(|| format!("moving {}", from.display()))?;
    }
    let cost = daemon.wait_for_all("move_remote", directories, &before)?;
    say_cost(&stage, "all of them moved", cost)
}
