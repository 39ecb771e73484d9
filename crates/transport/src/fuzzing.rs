//! Entrances for the fuzz targets: what reads bytes from outside, without a connection around it.

use futures_util::FutureExt as _;

use crate::documents;
use crate::list_stream::{Entries, StreamedEntry};
use crate::path::RemotePath;
use crate::xml::XmlError;

/// Reads the bytes as every kind of XML document that the service sends.
pub fn documents(bytes: &[u8]) {
    let reading = async {
        // Only what is read matters, and that it ends: most inputs are refused.
        let _ = documents::read_place(bytes).await;
        let _ = documents::read_place_itself(bytes).await;
        let _ = documents::read_file(bytes).await;
        let _ = documents::read_user(bytes).await;
        let _ = documents::read_device(bytes).await;
        let _ = documents::read_mountpoint(bytes).await;
        let _ = documents::read_trash(bytes).await;
        let _ = documents::read_search_result(bytes).await;
        let _ = documents::read_link(bytes).await;
        let _ = documents::read_event_token(bytes).await;
    };
    reading.now_or_never();
}

/// Reads the bytes as a recursive listing of a folder; the entries, if it is proven complete, else why not.
pub fn list_stream(bytes: &[u8], folder: &RemotePath) -> Result<Vec<StreamedEntry>, String> {
    all_of(Entries::open(bytes, folder))
}

/// The same with a tree of elements for each entry, which must come to the same.
pub fn list_stream_of_trees(bytes: &[u8], folder: &RemotePath) -> Result<Vec<StreamedEntry>, String> {
    all_of(Entries::open_without_plain(bytes, folder))
}

fn all_of<'a>(
    opening: impl Future<Output = Result<Entries<&'a [u8]>, XmlError>>,
) -> Result<Vec<StreamedEntry>, String> {
    let reading = async {
        let mut entries = opening.await?;
        let mut seen = Vec::new();
        while let Some(batch) = entries.next_batch().await? {
            seen.extend(batch);
        }
        Ok(seen)
    };
    // Memory is never pending.
    reading.now_or_never().unwrap_or(Err(XmlError::CutOff)).map_err(|error| error.to_string())
}
