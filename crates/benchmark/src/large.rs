//! One large file: what it costs jottad and rclone to send and to fetch it, beside md5sum, which only reads it.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};
use clap::Args;

use crate::clients::jottad::jottad;
use crate::clients::rclone;
use crate::machine;
use crate::measuring::measure;
use crate::programs::Programs;
use crate::remark;
use crate::stage::{REMOTE, Stage};
use crate::telling::{say, say_cost};
use crate::tree::Shape;

const NAME: &str = "film.mkv";

/// `large`
#[derive(Debug, Args)]
pub(crate) struct Large {
    /// Bytes of the file
    #[arg(long, default_value_t = 2 << 30)]
    bytes: u64,
    /// How long the service takes to begin each answer
    #[arg(long, default_value = "20ms")]
    latency: String,
}

/// Measures all of it and prints a line for each.
pub(crate) fn run(large: &Large) -> anyhow::Result<()> {
    ensure!(large.bytes > 0, "--bytes: at least one");
    let programs = Programs::find()?;
    say(&format!("one file of {} bytes, latency {}", large.bytes, large.latency))?;
    say(&programs.versions().join(", "))?;
    say(&machine::describe())?;
    let stage = set(&programs, large)?;
    let file = stage.folder().join(NAME).display().to_string();
    stage.service.reset()?;
    say_cost(&stage, "md5sum", measure(&stage.command(Path::new("md5sum"), [&file]), stage.place())?)?;

    Stage::prepare(jottad(&stage, &["login", "--token-stdin"]), &stage.service.login_token)?;
    let folder = stage.folder().display().to_string();
    let add = ["folder", "add", &folder, REMOTE, "--name", "folder", "--mode", "backup"];
    Stage::prepare(jottad(&stage, &add), "")?;
    let fetched = stage.place().join(NAME).display().to_string();
    let get = jottad(&stage, &["get", &format!("{REMOTE}/{NAME}"), &fetched]);
    send_and_fetch(&stage, large, "jottad", &jottad(&stage, &["run", "--once"]), &get)?;
    drop(stage);

    if programs.rclone_version.is_none() {
        remark("rclone: left out, there is no rclone on the path");
        return Ok(());
    }
    let stage = set(&programs, large)?;
    rclone::log_in(&stage, &stage.service.login_token)?;
    let folder = stage.folder().display().to_string();
    let place = stage.place().display().to_string();
    let fetch = rclone::rclone(&stage, &["copy", &format!("r:folder/{NAME}"), &place]);
    send_and_fetch(&stage, large, "rclone", &rclone::rclone(&stage, &["sync", &folder, "r:folder"]), &fetch)
}

/// A service and a folder with the file in it.
fn set(programs: &Programs, large: &Large) -> anyhow::Result<Stage> {
    let size = usize::try_from(large.bytes).context("--bytes")?;
    let stage = Stage::empty(programs, Shape { files: 1, directories: 1, size }, &large.latency)?;
    let folder = stage.folder();
    fs::create_dir(&folder).with_context(|| format!("creating {}", folder.display()))?;
    let file = folder.join(NAME);
    make(&file, large.bytes).with_context(|| format!("writing {}", file.display()))?;
    Ok(stage)
}

fn send_and_fetch(
    stage: &Stage,
    large: &Large,
    client: &str,
    send: &Command,
    fetch: &Command,
) -> anyhow::Result<()> {
    stage.service.reset()?;
    say_cost(stage, &format!("{client}: sent"), measure(send, stage.place())?)?;
    let arrived = stage.service.size(&format!("{REMOTE}/{NAME}"))?;
    ensure!(arrived == large.bytes, "{arrived} of {} bytes have arrived", large.bytes);
    stage.service.reset()?;
    say_cost(stage, &format!("{client}: fetched"), measure(fetch, stage.place())?)?;
    let fetched = stage.place().join(NAME);
    let there = fs::metadata(&fetched).with_context(|| format!("looking at {}", fetched.display()))?.len();
    ensure!(there == large.bytes, "{client} fetched {there} of {} bytes", large.bytes);
    Ok(())
}

/// Makes a file that cannot be compressed, and no two blocks of which are alike.
fn make(file: &Path, bytes: u64) -> std::io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(file)?);
    let mut random = fastrand::Rng::with_seed(bytes);
    let mut block = vec![0; 1 << 20];
    let mut left = bytes;
    while left > 0 {
        random.fill(&mut block);
        let now = usize::try_from(left).unwrap_or(usize::MAX).min(block.len());
        out.write_all(&block[..now])?;
        left -= now as u64;
    }
    out.flush()
}
