//! Entrances for the fuzz targets: what reads bytes from outside, without a connection around it.

use futures_util::FutureExt as _;

use crate::documents;
use crate::list_stream::{Entries, StreamedEntry};
use crate::path::RemotePath;

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

/// Reads the bytes as a recursive listing of a folder; the entries, if it is proven complete.
pub fn list_stream(bytes: &[u8], folder: &RemotePath) -> Option<Vec<StreamedEntry>> {
    let reading = async {
        let mut entries = Entries::open(bytes, folder).await.ok()?;
        let mut seen = Vec::new();
        while let Some(batch) = entries.next_batch().await.ok()? {
            seen.extend(batch);
        }
        Some(seen)
    };
    reading.now_or_never().flatten()
}
