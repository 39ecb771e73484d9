//! The programs that are measured, and the emulator: where they are and what they are.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

use crate::remark;

/// Where the programs are.
#[derive(Debug)]
pub(crate) struct Programs {
    pub(crate) jottad: PathBuf,
    pub(crate) emulator: PathBuf,
    jottad_version: String,
    /// `None` when there is no rclone on the path.
    pub(crate) rclone_version: Option<String>,
}

impl Programs {
    /// jottad and the emulator from beside this program, built by cargo if they are not there; rclone from
    /// the path.
    pub(crate) fn find() -> anyhow::Result<Self> {
        let own = std::env::current_exe().context("finding this program")?;
        let beside = own.parent().context("this program is in no directory")?;
        let (jottad, emulator) = (beside.join("jottad"), beside.join("jottad-emulator"));
        if !jottad.exists() || !emulator.exists() {
            build(beside)?;
        }
        if !is_release(beside) {
            remark("note: this is no release build; run it with: cargo run --release -p jottad-benchmark");
        }
        let jottad_version =
            version(&jottad, "--version").with_context(|| format!("{} cannot be run", jottad.display()))?;
        Ok(Self { jottad, emulator, jottad_version, rclone_version: version(Path::new("rclone"), "version") })
    }

    /// Name and version of each program that takes part.
    pub(crate) fn versions(&self) -> Vec<String> {
        std::iter::once(self.jottad_version.clone()).chain(self.rclone_version.clone()).collect()
    }
}

fn is_release(directory: &Path) -> bool {
    directory.file_name().is_some_and(|name| name == "release")
}

fn build(beside: &Path) -> anyhow::Result<()> {
    remark("building jottad and the emulator");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--locked", "-p", "jottad", "-p", "jottad-emulator"]);
    if is_release(beside) {
        cargo.arg("--release");
    }
    let status = cargo.status().context("starting cargo")?;
    ensure!(status.success(), "jottad and the emulator could not be built: {status}");
    Ok(())
}

/// The first line of what a program says of itself.
fn version(program: &Path, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().next().filter(|_| output.status.success()).map(str::to_owned)
}
