//! A folder of very many files: what it costs to take it up, to start again, to follow one change and to
//! rename all.
//!
//! The files are empty and on both sides from the beginning, so that what is measured is the looking and
//! comparing.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use clap::Args;

use crate::clients::daemon::Daemon;
use crate::clients::jottad::jottad;
use crate::line::Cost;
use crate::machine;
use crate::measuring::measure;
use crate::report::format_memory;
use crate::telling::{say, say_cost};
use crate::tree::TOP;
use crate::twins::on_both_sides;

/// `scale`
#[derive(Debug, Args)]
pub(crate) struct Scale {
    /// How many files
    #[arg(long, default_value_t = 1_000_000)]
    files: usize,
    /// How many in each directory
    #[arg(long, default_value_t = 100)]
    per_directory: usize,
    /// How the folder is kept in step
    #[arg(long, default_value = "sync")]
    mode: String,
}

/// Measures all of it and prints a line for each.
pub(crate) fn run(scale: &Scale) -> anyhow::Result<()> {
    let &Scale { files, per_directory, ref mode } = scale;
    ensure!(files > 0 && per_directory > 0, "--files and --per-directory: at least one");
    let (stage, shape) = on_both_sides(files, per_directory, mode, "0ms")?;
    let top = stage.folder().join(TOP);
    say(&format!("{files} empty files in {} directories, mode {mode}", shape.directories))?;
    say(&machine::describe())?;
    let once = jottad(&stage, &["run", "--once"]);

    let take = |title: &str, cost: Cost| say_cost(&stage, title, cost);
    stage.service.reset()?;
    let cost = measure(&once, stage.place())?;
    take("taken up: both sides equal, no index", cost)?;
    say(&format!("index: {}", format_memory(index_size(stage.place())?)))?;
    stage.service.reset()?;
    let cost = measure(&once, stage.place())?;
    take("a second pass, nothing changed", cost)?;

    stage.service.reset()?;
    let started = Instant::now();
    let daemon = Daemon::start(&stage)?;
    take("the daemon started again, until proven", daemon.cost_since(started))?;
    let before = daemon.begin()?;
    fs::write(top.join("d0000000/f0000000"), "changed")?;
    take("one change", daemon.wait_for("upload", &before)?)?;
    let before = daemon.begin()?;
    stage.rename(TOP, "pictures")?;
    take("the top directory renamed", daemon.wait_for("move_remote", &before)?)?;
    say(&format!("index: {}", format_memory(index_size(stage.place())?)))
}

/// Bytes of the index, its journal included.
fn index_size(place: &Path) -> anyhow::Result<u64> {
    let directory = place.join("home/.local/state/jottad/index");
    let entries = fs::read_dir(&directory).with_context(|| format!("reading {}", directory.display()))?;
    let mut bytes = 0;
    for entry in entries {
        bytes += entry?.metadata()?.len();
    }
    Ok(bytes)
}
