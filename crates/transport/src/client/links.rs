//! Public links (protocol 9.1).

use crate::client::Client;
use crate::documents::{self, LinkMarks};
use crate::error::{Error, Result};
use crate::facts::{FoundFile, PublicLink};
use crate::path::RemotePath;

impl Client {
    /// Makes a public link to a file or folder, or returns the one there is. It has no end and no password.
    pub async fn make_link(&self, path: &RemotePath) -> Result<PublicLink> {
        let action = format!("sharing {path}");
        let marks = self.share(action.clone(), path, "enableShare").await?;
        let Some(identity) = marks.public_uri else {
            return Err(Error::Protocol { action, reason: "it names no link".to_owned() });
        };
        let www = &self.0.endpoints.www_url;
        let mut download = format!("{www}/opin/io/downloadPublic");
        for segment in [self.username().await?, &identity] {
            crate::path::push_segment(&mut download, segment)
                .map_err(|reason| Error::Protocol { action: action.clone(), reason: reason.to_owned() })?;
        }
        let page = marks.public_path.map(|path| format!("{www}/{}", path.trim_start_matches('/')));
        Ok(PublicLink { page, download })
    }

    /// Ends the public link to a file or folder; fine if there is none.
    pub async fn remove_link(&self, path: &RemotePath) -> Result<()> {
        self.share(format!("ending the link to {path}"), path, "disableShare").await.map(drop)
    }

    /// All files with a public link, trashed ones included.
    pub async fn linked_files(&self) -> Result<Vec<FoundFile>> {
        self.search("Jotta/Links").await
    }

    async fn share(&self, action: String, path: &RemotePath, mode: &str) -> Result<LinkMarks> {
        let mut call = self.get(action, path).await?;
        call.url = format!("{}?mode={mode}", call.url);
        self.document(call, documents::read_link).await
    }
}
