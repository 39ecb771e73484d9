//! A folder of very many files: what it costs to take it up, to start again, to follow one change and to
//! rename all.
//!
//! The files are empty and on both sides from the beginning, so that what is measured is the looking and
//! comparing.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, ensure};
use clap::Args;

use crate::clients::daemon::Daemon;
use crate::clients::jottad::jottad;
use crate::line::Cost;
use crate::machine;
use crate::measuring::measure;
use crate::programs::Programs;
use crate::remark;
use crate::report::{format_memory, format_seconds};
use crate::stage::{REMOTE, Stage};
use crate::tree::{Shape, TOP};

/// When all files were last changed, seconds since 1970.
const MODIFIED: u64 = 1_700_000_000;

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

/// A folder with empty files that are on both sides from the beginning, and that nobody has looked at yet.
pub(crate) fn on_both_sides(
    files: usize,
    per_directory: usize,
    mode: &str,
    latency: &str,
) -> anyhow::Result<(Stage, Shape)> {
    let programs = Programs::find()?;
    let shape = Shape { files, directories: files.div_ceil(per_directory), size: 0 };
    let stage = Stage::empty(&programs, shape, latency)?;
    remark("making the files on both sides");
    let top = stage.folder().join(TOP);
    make(&top, shape, per_directory).with_context(|| format!("making the files in {}", top.display()))?;
    stage.service.act(&serde_json::json!({
        "act": "populate", "path": format!("{REMOTE}/{TOP}"), "files": files, "per_folder": per_directory,
        "size": 0, "modified": MODIFIED,
    }))?;
    Stage::prepare(jottad(&stage, &["login", "--token-stdin"]), &stage.service.login_token)?;
    let folder = stage.folder().display().to_string();
    Stage::prepare(
        jottad(&stage, &["folder", "add", &folder, REMOTE, "--name", "folder", "--mode", mode]),
        "",
    )?;
    Ok((stage, shape))
}

/// Says what something has cost, with the requests since they were last counted from nothing.
pub(crate) fn say_cost(stage: &Stage, title: &str, cost: Cost) -> anyhow::Result<()> {
    let requests: u64 = stage.service.requests()?.values().sum();
    let cpu = cost.cpu.map_or_else(|| "?".to_owned(), |cpu| format_seconds(cpu.as_secs_f64()));
    let memory = cost.peak_memory.map_or_else(|| "?".to_owned(), format_memory);
    let wall = format_seconds(cost.wall.as_secs_f64());
    say(&format!("{title:<40} wall {wall:>9}  CPU {cpu:>9}  memory {memory:>10}  requests {requests:>4}"))
}

/// The files that the emulator makes, too.
fn make(top: &Path, shape: Shape, per_directory: usize) -> std::io::Result<()> {
    let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(MODIFIED);
    for directory in 0..shape.directories {
        let path = top.join(format!("d{directory:07}"));
        fs::create_dir_all(&path)?;
        let first = directory * per_directory;
        for number in first..shape.files.min(first + per_directory) {
            File::create(path.join(format!("f{number:07}")))?.set_modified(modified)?;
        }
    }
    Ok(())
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

pub(crate) fn say(text: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{text}")?)
}
