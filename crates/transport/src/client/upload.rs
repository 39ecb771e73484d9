//! Sending a file: announce it, send what the service lacks, go on where an attempt broke off (protocol 5.1,
//! 5.2).

use bytes::Bytes;
use jottad_core::{Content, Md5};
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, RANGE};
use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::client::{Client, bearer};
use crate::error::{Error, ErrorKind, Result};
use crate::http::{Call, Judged, Lane, Repeat};
use crate::path::RemotePath;
use crate::time::{JsonTime, rfc3339_time};
use crate::transfer::{UploadFacts, UploadSource, Uploaded};
use crate::upload_body::{Feed, upload_body};

/// Read from the source at a time, and so the most that is in memory twice over for each upload.
const PIECE: usize = 256 * 1024;

/// Bytes between two looks at the rate limit: waiting for a slow limit must not look like a stall.
const SLICE: usize = 16 * 1024;

#[derive(Serialize)]
struct Allocate<'a> {
    path: &'a str,
    bytes: u64,
    md5: String,
    created: String,
    modified: String,
}

#[derive(Deserialize)]
struct Allocated {
    state: String,
    upload_url: Option<String>,
    #[serde(default)]
    resume_pos: u64,
}

#[derive(Deserialize)]
struct Stored {
    bytes: Option<u64>,
    md5: Option<String>,
    #[allow(dead_code)]
    modified: Option<JsonTime>,
}

/// One upload with everything that its attempts share.
struct Upload<'a> {
    client: &'a Client,
    action: String,
    allocation: Bytes,
    content: Content,
    path: &'a RemotePath,
    result: Uploaded,
}

impl Client {
    /// Sends a file: as a new one, as a new revision of a live one, or reviving a trashed one. Folders above
    /// are made.
    ///
    /// Two requests when nothing goes wrong, one when the service has the content already. Broken attempts go
    /// on where the service says. The answer's size and hash are checked; whether the path shows them is for
    /// the caller to confirm. [`ErrorKind::Corrupt`] means that the bytes sent did not match `facts`: the
    /// file has to be read anew.
    pub async fn upload(
        &self,
        path: &RemotePath,
        facts: &UploadFacts,
        source: &mut dyn UploadSource,
    ) -> Result<Uploaded> {
        let allocation = Allocate {
            path: &path.allocation_path()?,
            bytes: facts.content.size,
            md5: facts.content.md5.to_string(),
            created: rfc3339_time(facts.created.unwrap_or(facts.modified)),
            modified: rfc3339_time(facts.modified),
        };
        let action = format!("uploading {path}");
        let allocation = serde_json::to_vec(&allocation)
            .map_err(|error| Error::Protocol { action: action.clone(), reason: error.to_string() })?;
        let upload = Upload {
            client: self,
            action,
            allocation: allocation.into(),
            content: facts.content,
            path,
            result: Uploaded { deduplicated: false, sent_bytes: 0, resumed_at: 0 },
        };
        upload.run(source).await
    }
}

impl Upload<'_> {
    async fn run(mut self, source: &mut dyn UploadSource) -> Result<Uploaded> {
        let mut failed = 0;
        let mut renewed = false;
        let mut sent_any = false;
        let mut restarted = false;
        let mut uncertain = false;
        loop {
            // Each attempt asks anew: for a fresh address, and for how much arrived (protocol 5.2).
            let allocated = self.allocate().await.map_err(|error| error.after_uncertain(uncertain))?;
            if allocated.state == "COMPLETED" {
                self.result.deduplicated = !sent_any;
                return Ok(self.result);
            }
            let from = self.usable_start(&allocated, sent_any).await?;
            if !sent_any {
                self.result.resumed_at = from;
            }
            source.resumed(from);
            sent_any = true;
            let access = self.client.0.session.access().await?;
            let before = self.result.sent_bytes;
            let error = match self.send_content(&allocated, from, bearer(&access.token)?, source).await {
                Ok(()) => return Ok(self.result),
                Err(error) => error.after_uncertain(uncertain),
            };
            uncertain |= error.is_uncertain();
            match error.kind() {
                ErrorKind::LoginNeeded => {
                    self.client.renew_once(&mut renewed, &access, error).await?;
                    continue;
                }
                // What was held from an earlier attempt may have been of another file (U-20), or may have
                // been put before what was sent from the start: once more, with nothing held.
                ErrorKind::Corrupt if allocated.resume_pos > 0 && !restarted => {
                    restarted = true;
                    continue;
                }
                ErrorKind::Offline | ErrorKind::ServerFault | ErrorKind::RateLimited => {}
                _ => return Err(error),
            }
            // An attempt that got a good deal further is no reason to lose patience.
            let progress = self.result.sent_bytes - before >= 4 * PIECE as u64;
            failed = if progress { 1 } else { failed + 1 };
            self.client.http().wait_to_repeat(Repeat::Freely, failed, error).await?;
        }
    }

    /// Announces the file. Repeating it is harmless: it is the same content for the same path.
    async fn allocate(&self) -> Result<Allocated> {
        let url = format!("{}/files/v1/allocate", self.client.0.endpoints.api_url);
        let call = Call::post(self.action.clone(), url, self.allocation.clone())
            .header(CONTENT_TYPE.as_str(), HeaderValue::from_static("application/json"))
            .repeatable();
        self.client.fetch(call, Answer::json::<Allocated>).await
    }

    /// Where to go on. What the service holds from before this call is used only if it is of the same
    /// content, and only of files that are big enough for that to be worth a look.
    async fn usable_start(&self, allocated: &Allocated, own: bool) -> Result<u64> {
        let from = allocated.resume_pos;
        // Of all of it nothing could be sent, and the end of no bytes cannot be named (protocol 5.2).
        if from == 0 || from >= self.content.size {
            return Ok(0);
        }
        if !own {
            if self.content.size <= self.client.0.resume_limit {
                return Ok(0);
            }
            let details = self.client.file(self.path).await?;
            let held = details.and_then(|details| details.entry.latest);
            if held.and_then(|revision| revision.md5).is_some_and(|md5| md5 != self.content.md5) {
                return Ok(0);
            }
        }
        Ok(from)
    }

    /// Sends the bytes from an offset to the end, and checks what the service says it has.
    async fn send_content(
        &mut self,
        allocated: &Allocated,
        from: u64,
        bearer: HeaderValue,
        source: &mut dyn UploadSource,
    ) -> Result<()> {
        let url = self.upload_url(allocated)?;
        self.client.http().hold_back(&self.action, url.as_str()).await?;
        let length = self.content.size - from;
        let (feed, body) = upload_body(length);
        let mut request = self
            .client
            .http()
            .pool(Lane::Transfer)
            .post(url)
            .header(AUTHORIZATION, bearer)
            .header(CONTENT_TYPE, "application/octet-stream")
            .header(CONTENT_LENGTH, length)
            .body(body);
        if from > 0 {
            request = request.header(RANGE, format!("bytes={from}-{}", self.content.size - 1));
        }
        let options = self.client.http().options().clone();
        let answer = feed.watch(request.send(), options.stall_timeout, options.commit_timeout);
        let filling = fill(self.client, &self.action, feed.clone(), from, self.content.size, source);
        let outcome = tokio::select! {
            // The answer first: one that comes early says more than a source that cannot be sent any more.
            biased;
            answer = answer => Ok(answer),
            trouble = filling => Err(trouble),
            never = self.client.0.session.keep_fresh() => match never {},
        };
        self.result.sent_bytes += feed.taken();
        let response = outcome?.map_err(|trouble| trouble.into_error(&self.action))?;
        match self.client.http().judge(&self.action, response).await? {
            Judged::Success(answer) => self.check(answer).await,
            Judged::Elsewhere(url) => {
                Err(Error::Redirected { action: self.action.clone(), host: url.into() })
            }
        }
    }

    fn upload_url(&self, allocated: &Allocated) -> Result<reqwest::Url> {
        let text = allocated.upload_url.as_deref().unwrap_or_default();
        if text.is_empty() {
            let reason = format!("it is {} and has no upload address", allocated.state);
            return Err(Error::Protocol { action: self.action.clone(), reason });
        }
        self.client.0.endpoints.check_named(&self.action, text)
    }

    /// Compares what the service says it has with what it was to have.
    async fn check(&self, answer: Answer) -> Result<()> {
        let stored: Stored = answer.json().await?;
        let size_differs = stored.bytes.is_some_and(|bytes| bytes != self.content.size);
        let hash = stored.md5.as_deref().map(str::parse::<Md5>);
        let hash_differs = hash.is_some_and(|hash| hash != Ok(self.content.md5));
        if size_differs || hash_differs {
            let reason = "the service stored other bytes than announced".to_owned();
            return Err(Error::Corrupt { action: self.action.clone(), reason });
        }
        Ok(())
    }
}

/// Reads the source into the request's body. Returns only when that is impossible: the answer ends an upload.
async fn fill(
    client: &Client,
    action: &str,
    feed: Feed,
    from: u64,
    size: u64,
    source: &mut dyn UploadSource,
) -> Error {
    let mut offset = from;
    while offset < size {
        let left = usize::try_from(size - offset).unwrap_or(usize::MAX);
        let mut piece = vec![0; left.min(PIECE)];
        let mut filled = 0;
        while filled < piece.len() {
            match source.read_at(offset + filled as u64, &mut piece[filled..]) {
                Ok(0) => return Error::SourceChanged { action: action.to_owned() },
                Ok(count) => filled += count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(source) => return Error::Source { action: action.to_owned(), source },
            }
        }
        for slice in piece.chunks(SLICE) {
            client.0.upload_limit.pass(slice.len()).await;
            feed.touch();
        }
        offset += filled as u64;
        if !feed.send(piece.into()).await {
            // The connection has ended: its answer or error tells why.
            break;
        }
        source.sent(offset);
    }
    std::future::pending().await
}
