//! A listing of very many entries: `jottad ls -R` beside `rclone lsf -R`, and beside curl, which takes the
//! same bytes and does nothing with them: less than that is not to be had.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};
use clap::Args;

use crate::clients::jottad::jottad;
use crate::clients::rclone;
use crate::line::Cost;
use crate::machine;
use crate::measuring::{OUTPUT, measure};
use crate::programs::Programs;
use crate::remark;
use crate::report::{format_memory, format_seconds};
use crate::stage::{REMOTE, Stage};
use crate::telling::say;
use crate::tree::Shape;

/// When all files were last changed, seconds since 1970.
const MODIFIED: u64 = 1_700_000_000;

/// `list`
#[derive(Debug, Args)]
pub(crate) struct Listing {
    /// How many files
    #[arg(long, default_value_t = 1_000_000)]
    files: usize,
    /// How many in each directory
    #[arg(long, default_value_t = 100)]
    per_directory: usize,
    /// How often each is run; the least of each number is told
    #[arg(long, default_value_t = 3)]
    runs: usize,
}

/// Measures all of it and prints a line for each.
pub(crate) fn run(listing: &Listing) -> anyhow::Result<()> {
    let &Listing { files, per_directory, runs } = listing;
    ensure!(files > 0 && per_directory > 0 && runs > 0, "--files, --per-directory and --runs: at least one");
    let programs = Programs::find()?;
    let shape = Shape { files, directories: files.div_ceil(per_directory), size: 0 };
    let stage = Stage::empty(&programs, shape, "0ms")?;
    say(&format!("{files} empty files in {} directories, the least of {runs} runs", shape.directories))?;
    say(&programs.versions().join(", "))?;
    say(&machine::describe())?;
    stage.service.act(&serde_json::json!({
        "act": "populate", "path": REMOTE, "files": files, "per_folder": per_directory, "size": 0,
        "modified": MODIFIED,
    }))?;

    let mut commands: Vec<(&str, Command, Option<usize>)> = Vec::new();
    Stage::prepare(jottad(&stage, &["login", "--token-stdin"]), &stage.service.login_token)?;
    let entries = Some(files + shape.directories);
    commands.push(("jottad ls -R", jottad(&stage, &["ls", "-R", REMOTE]), entries));
    commands.push(("jottad ls -R -l", jottad(&stage, &["ls", "-R", "-l", REMOTE]), entries));
    commands.push(("jottad ls -R --json", jottad(&stage, &["ls", "-R", "--json", REMOTE]), entries));
    if let Some(curl) = curl(&stage)? {
        commands.push(("curl, the same bytes", curl, None));
    }
    if programs.rclone_version.is_some() {
        rclone::log_in(&stage, &stage.service.new_login_token()?)?;
        let lsf = ["lsf", "-R", "--fast-list", "r:folder"];
        commands.push(("rclone lsf -R --fast-list", rclone::rclone(&stage, &lsf), entries));
    } else {
        remark("rclone: left out, there is no rclone on the path");
    }
    for (title, command, lines) in commands {
        let cost = least(&command, stage.place(), runs)?;
        if let Some(lines) = lines {
            let told = fs::read_to_string(stage.place().join(OUTPUT)).context("reading what was listed")?;
            let told = told.lines().count();
            ensure!(told == lines, "{title} told {told} lines instead of {lines}");
        }
        let cpu = cost.cpu.unwrap_or_default().as_secs_f64();
        #[allow(clippy::cast_precision_loss)]
        let each = cpu * 1e6 / (files + shape.directories) as f64;
        let (wall, cpu) = (format_seconds(cost.wall.as_secs_f64()), format_seconds(cpu));
        let memory = format_memory(cost.peak_memory.unwrap_or_default());
        let costs = format!("wall {wall:>8}  CPU {cpu:>8}, {each:.2} µs an entry  memory {memory:>9}");
        say(&format!("{title:<28} {costs}"))?;
    }
    Ok(())
}

/// The least wall time, the least CPU and the least memory of several runs.
fn least(command: &Command, place: &Path, runs: usize) -> anyhow::Result<Cost> {
    let mut least = measure(command, place)?;
    for _ in 1..runs {
        let cost = measure(command, place)?;
        least.wall = least.wall.min(cost.wall);
        least.cpu = least.cpu.min(cost.cpu);
        least.peak_memory = least.peak_memory.min(cost.peak_memory);
    }
    Ok(least)
}

/// curl fetching the listing; `None` if there is no curl.
fn curl(stage: &Stage) -> anyhow::Result<Option<Command>> {
    let curl = Path::new("curl");
    if stage.command(curl, ["--version"]).output().is_err() {
        remark("curl: left out, there is no curl on the path");
        return Ok(None);
    }
    let granted = stage.service.log_in()?;
    let url = format!("https://jfs.jottacloud.com/jfs/{}/{REMOTE}?mode=liststream", granted.username);
    let authorization = format!("Authorization: Bearer {}", granted.access_token);
    let mut command = stage.command(curl, ["-sS", "--fail", "-o", "/dev/null", "-H", &authorization]);
    command.arg("--cacert").arg(&stage.service.ca_file).arg(url);
    Ok(Some(command))
}
