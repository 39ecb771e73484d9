//! Fetching content: whole and verified, or a part of it (protocol 4.5, 4.6).

use std::io;

use bytes::Bytes;
use jottad_core::Content;
use reqwest::header::{CONTENT_RANGE, HeaderValue, RANGE};

use crate::answer::Answer;
use crate::client::Client;
use crate::error::{Error, Result};
use crate::facts::Sighting;
use crate::http::{Call, Lane, Repeat};
use crate::path::RemotePath;
use crate::transfer::PartialContent;

/// Content as it comes. Its bytes are not verified: what they should be is not known here.
#[derive(Debug)]
pub struct ContentStream {
    client: Client,
    answer: Answer,
    /// Bytes to leave out, because the service sent more than was asked for.
    skip: u64,
    /// Bytes still wanted.
    left: Option<u64>,
}

impl ContentStream {
    /// The next bytes; `None` at the end. An error is final.
    pub async fn next_chunk(&mut self) -> Result<Option<Bytes>> {
        while self.left != Some(0) {
            let Some(mut chunk) = self.answer.chunk().await? else { return Ok(None) };
            self.client.0.download_limit.pass(chunk.len()).await;
            let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(chunk.len());
            self.skip -= skipped as u64;
            let mut wanted = chunk.split_off(skipped);
            if let Some(left) = &mut self.left {
                wanted.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= wanted.len() as u64;
            }
            if !wanted.is_empty() {
                return Ok(Some(wanted));
            }
        }
        Ok(None)
    }
}

impl Client {
    /// Fetches a file's content to the end and verifies it: size and MD5 are `content`'s when this returns
    /// well.
    ///
    /// `held` is the beginning that the sink has already; bytes are appended to it. Broken connections are
    /// taken up where they broke. [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if the file holds
    /// something else by now, [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) if what came is not what the
    /// service itself says: in both cases what the sink holds is worthless.
    pub async fn download(
        &self,
        path: &RemotePath,
        revision: Option<u64>,
        content: Content,
        held: PartialContent,
        sink: &mut (dyn io::Write + Send),
    ) -> Result<()> {
        let action = format!("downloading {path}");
        let mut held = held;
        let mut failed = 0;
        while held.size() < content.size {
            let before = held.size();
            let error = match self.append(path, revision, content.size, &mut held, sink).await {
                // A body that ends early, properly as it seems, may have been cut short by something in
                // between.
                Ok(()) if before < held.size() && held.size() < content.size => {
                    Error::Corrupt { action: action.clone(), reason: "the content ended early".to_owned() }
                }
                // Nothing more comes: the hash decides.
                Ok(()) => break,
                Err(Error::Answer { fault, .. }) if fault.status() == 416 => break,
                Err(error) => error,
            };
            let progress = held.size() - before >= 1 << 20;
            failed = if progress { 1 } else { failed + 1 };
            self.http().wait_to_repeat(Repeat::Freely, failed, error).await?;
        }
        let size = held.size();
        if held.finish() == content {
            return Ok(());
        }
        if revision.is_none()
            && let Sighting::File(file) = self.look(path).await?
            && file.content == content
        {
            let reason = format!("received {size} bytes that do not match the hash");
            return Err(Error::Corrupt { action, reason });
        }
        match revision {
            None => Err(Error::Exists { action, reason: "it holds another content by now".to_owned() }),
            Some(_) => {
                Err(Error::Corrupt { action, reason: "the revision does not match its hash".to_owned() })
            }
        }
    }

    /// Opens a file's content, or a part of it: `length` bytes from `offset`, as far as there are so many.
    pub async fn open_content(
        &self,
        path: &RemotePath,
        revision: Option<u64>,
        offset: u64,
        length: Option<u64>,
    ) -> Result<ContentStream> {
        let mut url = format!("{}?mode=bin", self.url(path).await?);
        if let Some(number) = revision {
            url = format!("{url}&revision={number}");
        }
        let mut call = Call { lane: Lane::Transfer, ..Call::get(format!("downloading {path}"), url) };
        if offset > 0 || length.is_some() {
            let last = length.map(|length| offset.saturating_add(length.max(1)) - 1);
            let range = format!("bytes={offset}-{}", last.map(|last| last.to_string()).unwrap_or_default());
            let range = HeaderValue::try_from(range).unwrap_or_else(|_| HeaderValue::from_static("bytes=0-"));
            call = call.header(RANGE.as_str(), range);
        }
        let answer = self.send(call).await?;
        let skip = match answer.status() {
            206 => {
                check_range(&answer, offset)?;
                0
            }
            // The whole content instead of a part: right, only slower.
            _ => offset,
        };
        Ok(ContentStream { client: self.clone(), answer, skip, left: length })
    }

    async fn append(
        &self,
        path: &RemotePath,
        revision: Option<u64>,
        size: u64,
        held: &mut PartialContent,
        sink: &mut (dyn io::Write + Send),
    ) -> Result<()> {
        let mut stream = self.open_content(path, revision, held.size(), None).await?;
        while let Some(chunk) = stream.next_chunk().await? {
            if chunk.len() as u64 > size - held.size() {
                // More than there should be: another content. The hash will say so too.
                held.update(&chunk);
                return Ok(());
            }
            sink.write_all(&chunk)
                .map_err(|source| Error::Sink { action: format!("downloading {path}"), source })?;
            held.update(&chunk);
        }
        Ok(())
    }
}

fn check_range(answer: &Answer, offset: u64) -> Result<()> {
    let text = answer.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let start = text.strip_prefix("bytes ").and_then(|rest| rest.split_once('-')).map(|(start, _)| start);
    if start.and_then(|start| start.trim().parse::<u64>().ok()) == Some(offset) {
        return Ok(());
    }
    let reason =
        format!("asked for bytes from {offset}, got the range {:?}", text.escape_debug().to_string());
    Err(Error::Protocol { action: answer.action().to_owned(), reason })
}
