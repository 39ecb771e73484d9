//! Folders that have the same files on both sides before anybody looks at them.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;

use crate::clients::jottad::jottad;
use crate::programs::Programs;
use crate::remark;
use crate::stage::{REMOTE, Stage};
use crate::tree::{Shape, TOP};

/// When all files were last changed, seconds since 1970.
const MODIFIED: u64 = 1_700_000_000;

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
