//! rclone: each line as one `rclone sync`.

use std::path::Path;
use std::process::Command;

use anyhow::ensure;

use crate::line::{Line, Sample};
use crate::stage::Stage;
use crate::tree::TOP;

/// Flags, and what the results are called.
pub(super) struct Settings {
    name: &'static str,
    flags: &'static [&'static str],
    /// The flag that lets it look for renames, if it is used, and what the result is called.
    renames: (&'static str, Option<&'static str>),
}

pub(super) const TUNED: Settings = Settings {
    name: "rclone, tuned",
    flags: &["--transfers", "16", "--checkers", "16", "--fast-list"],
    renames: ("rclone, tuned, --track-renames", Some("--track-renames")),
};

pub(super) const DEFAULT: Settings = Settings { name: "rclone", flags: &[], renames: ("rclone", None) };

/// The questions of `rclone config` for a personal login token, and the answers; the token's is left open.
const QUESTIONS: [(&str, Option<&str>); 3] =
    [("auth_type_done", Some("standard")), ("standard_token", None), ("choose_device_query", Some("false"))];

/// Does all lines in order.
pub(super) fn run(stage: &Stage, settings: &Settings, take: &mut dyn FnMut(Sample)) -> anyhow::Result<()> {
    log_in(stage, &stage.service.login_token)?;
    let sync = |extra: Option<&'static str>| {
        let folder = stage.folder().display().to_string();
        let mut command = rclone(stage, &["sync", &folder, "r:folder"]);
        command.args(settings.flags).args(extra);
        command
    };

    take(stage.measure(Line::FirstUpload, settings.name, &sync(None))?);
    stage.expect_all(TOP)?;
    take(stage.measure(Line::Unchanged, settings.name, &sync(None))?);
    let (path, size) = stage.change_one(TOP, 1)?;
    take(stage.measure(Line::OneChanged, settings.name, &sync(None))?);
    stage.expect_changed(&path, size)?;
    stage.rename(TOP, "pictures")?;
    let (name, flag) = settings.renames;
    take(stage.measure(Line::DirectoryRenamed, name, &sync(flag))?);
    stage.expect_all("pictures")
}

/// Makes the remote `r` with a personal login token.
pub(crate) fn log_in(stage: &Stage, token: &str) -> anyhow::Result<()> {
    let mut said =
        Stage::prepare(rclone(stage, &["config", "create", "r", "jottacloud", "--non-interactive"]), "")?;
    for (question, answer) in QUESTIONS {
        ensure!(said.contains(question), "rclone did not ask {question} but said: {said}");
        let answer = answer.unwrap_or(token);
        let reply = ["config", "update", "r", "--continue", "--state", question, "--result", answer];
        let mut command = rclone(stage, &reply);
        command.arg("--non-interactive");
        said = Stage::prepare(command, "")?;
    }
    Ok(())
}

/// The program with arguments.
pub(crate) fn rclone(stage: &Stage, arguments: &[&str]) -> Command {
    stage.command(Path::new("rclone"), arguments)
}
