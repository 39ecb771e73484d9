//! Everything live below a folder of the service, known to be complete before anything is done with it.

use jottad_core::{Content, StoredPath, Timestamp};
use jottad_transport::{Client, RemotePath, StreamedEntry};

use crate::remote::trouble::Trouble;

/// A file below the listed folder.
#[derive(Debug, Clone)]
pub(crate) struct TreeFile {
    /// Where it is, relative to the listed folder.
    pub(crate) path: StoredPath,
    /// Size and hash.
    pub(crate) content: Content,
    /// As its uploader set it.
    pub(crate) created: Option<Timestamp>,
    /// As its uploader set it.
    pub(crate) modified: Option<Timestamp>,
}

/// A folder with all that is live in it.
#[derive(Debug, Default)]
pub(crate) struct RemoteTree {
    /// Folders below, each before anything in it; not the listed one itself.
    pub(crate) folders: Vec<StoredPath>,
    /// Files below.
    pub(crate) files: Vec<TreeFile>,
}

impl RemoteTree {
    /// Lists everything below a folder.
    pub(crate) async fn list(client: &Client, folder: &RemotePath) -> Result<Self, Trouble> {
        let mut tree = Self::default();
        let mut stream = client.list_stream(folder).await?;
        while let Some(batch) = stream.next_batch().await? {
            for entry in batch {
                match entry {
                    StreamedEntry::Folder(path) => tree.folders.push(path),
                    StreamedEntry::File { path, content, created, modified } => {
                        tree.files.push(TreeFile { path, content, created, modified });
                    }
                    StreamedEntry::Unusable { path, reason } => {
                        tracing::warn!(path, reason, "an entry is left out");
                    }
                }
            }
        }
        Ok(tree)
    }

    /// Bytes of all files.
    pub(crate) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.content.size).sum()
    }
}
