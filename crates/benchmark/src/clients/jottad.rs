//! jottad: each line as one pass of `run --once`, and what a daemon is for as a daemon.

use std::process::Command;

use super::daemon::Daemon;
use crate::line::{Line, Sample};
use crate::stage::{REMOTE, Stage};
use crate::tree::TOP;

const ONCE: &str = "jottad run --once";
const DAEMON: &str = "jottad, running";

/// Does all lines in order.
pub(super) fn run(stage: &Stage, take: &mut dyn FnMut(Sample)) -> anyhow::Result<()> {
    Stage::prepare(jottad(stage, &["login", "--token-stdin"]), &stage.service.login_token)?;
    let folder = stage.folder().display().to_string();
    Stage::prepare(jottad(stage, &["folder", "add", &folder, REMOTE, "--name", "folder"]), "")?;
    let once = jottad(stage, &["run", "--once"]);

    take(stage.measure(Line::FirstUpload, ONCE, &once)?);
    stage.expect_all(TOP)?;
    take(stage.measure(Line::Unchanged, ONCE, &once)?);
    let (path, size) = stage.change_one(TOP, 1)?;
    take(stage.measure(Line::OneChanged, ONCE, &once)?);
    stage.expect_changed(&path, size)?;
    stage.rename(TOP, "pictures")?;
    take(stage.measure(Line::DirectoryRenamed, ONCE, &once)?);
    stage.expect_all("pictures")?;

    let daemon = Daemon::start(stage)?;
    let before = daemon.begin()?;
    let (path, size) = stage.change_one("pictures", 2)?;
    let cost = daemon.wait_for("upload", &before)?;
    take(stage.sample(Line::OneChanged, DAEMON, cost)?);
    stage.expect_changed(&path, size)?;
    let before = daemon.begin()?;
    stage.rename("pictures", TOP)?;
    let cost = daemon.wait_for("move_remote", &before)?;
    take(stage.sample(Line::DirectoryRenamed, DAEMON, cost)?);
    stage.expect_all(TOP)
}

/// The program with arguments.
pub(crate) fn jottad(stage: &Stage, arguments: &[&str]) -> Command {
    stage.command(&stage.jottad, arguments)
}
