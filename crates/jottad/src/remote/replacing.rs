//! What becomes of a file of another content that is in the way of what is fetched.

use std::path::Path;

use jottad_core::RelativePath;
use jottad_engine::LocalDisk;

use crate::cli::failure::Failure;
use crate::config::Config;

/// That such a file is to be replaced. Inside of a folder it goes to the folder's local trash: it may hold
/// work that was not sent yet and is nowhere else.
#[derive(Debug)]
pub(crate) struct Replacing {
    config: Config,
}

impl Replacing {
    /// With the folders of a config.
    pub(crate) fn new(config: &Config) -> Self {
        Self { config: config.clone() }
    }

    /// The folder that a path is in, and the path in it.
    pub(super) fn folder_of(&self, path: &Path) -> Result<Option<(LocalDisk, RelativePath)>, Failure> {
        let fail = |reason: String| {
            Failure::failed(format!("replacing {}: {reason}", path.display()))
                .path(path.display().to_string())
        };
        let absolute = std::path::absolute(path).map_err(|error| fail(error.to_string()))?;
        let Some((folder, inside)) = self.config.place_of(&absolute) else { return Ok(None) };
        let disk = LocalDisk::open(folder.local.clone()).map_err(|error| fail(error.kind.to_string()))?;
        Ok(Some((disk, inside)))
    }
}
