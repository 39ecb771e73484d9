//! The folder that the test makes for itself, and the only way to anything in it: no request that changes
//! something can name a place outside.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use jottad_core::{Content, StoredName, Timestamp};
use jottad_transport::{
    Client, FileDetails, FolderListing, PartialContent, RawAnswer, RawRequest, RemotePath, Sighting,
    UploadFacts,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::cli::failure::Failure;
use crate::cli::output::now;

/// How often a request that was turned away for its rate is sent again.
const PATIENCE: u32 = 12;
/// No pause that the service asks for is waited out if it is longer, in seconds.
const LONGEST_PAUSE: u64 = 60;

/// What was seen of the service's lag so far (U-38).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Lag {
    /// How long after a write a listing may be old.
    pub(crate) listings: Duration,
    /// How long after a write the document of a file may be old.
    pub(crate) files: Duration,
}

/// A file's content, made up: no other file anywhere has it.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) bytes: Vec<u8>,
    pub(crate) content: Content,
}

impl Sample {
    /// These bytes.
    pub(crate) fn of(bytes: Vec<u8>) -> Self {
        let mut held = PartialContent::default();
        held.update(&bytes);
        Self { bytes, content: held.finish() }
    }

    /// Its size in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.content.size
    }

    /// Its hash in lower case.
    pub(crate) fn md5(&self) -> String {
        self.content.md5.to_string()
    }
}

/// The answer to an announcement.
#[derive(Debug)]
pub(crate) struct Allocated {
    /// The answer itself.
    pub(crate) answer: RawAnswer,
    /// `COMPLETED`, `INCOMPLETE`, …; empty if it was refused.
    pub(crate) state: String,
    /// Where the content is to go.
    pub(crate) upload_url: String,
    /// How many bytes the service holds already.
    pub(crate) resume_position: u64,
}

impl Allocated {
    /// Whether the service has the content already.
    pub(crate) fn is_known(&self) -> bool {
        self.state == "COMPLETED"
    }
}

/// The test's own folder on the service.
#[derive(Debug)]
pub(crate) struct Scratch {
    client: Client,
    root: RemotePath,
    /// Tells contents of this run from those of every other.
    seed: String,
    samples: Cell<u64>,
    written: Cell<Option<Instant>>,
    pub(crate) lag: Cell<Lag>,
    /// What the service did about the rate of requests while other things were asked.
    pub(crate) turned_away: RefCell<Vec<u16>>,
}

impl Scratch {
    /// Makes a new folder below `parent`, which must be there.
    pub(crate) async fn make(client: Client, parent: &RemotePath) -> Result<Self, Failure> {
        let seed = format!("{}-{}", jiff::Timestamp::now().strftime("%Y%m%d-%H%M%S-%f"), std::process::id());
        let name = StoredName::new(format!("jottad-selftest-{seed}"))
            .ok_or_else(|| Failure::failed("naming the scratch folder"))?;
        let root = parent.join(name);
        if client.look(&root).await? != Sighting::Missing {
            return Err(Failure::failed(format!("making {root}: it is there already")));
        }
        client.make_folder(&root).await?;
        Ok(Self {
            client,
            root,
            seed,
            samples: Cell::new(0),
            written: Cell::new(Some(Instant::now())),
            lag: Cell::default(),
            turned_away: RefCell::default(),
        })
    }

    /// The client, for looking at what is not in the folder: the account, the device, events.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// The folder itself.
    pub(crate) fn root(&self) -> &RemotePath {
        &self.root
    }

    /// Puts the folder with all that is in it into the trash, and looks whether it is there.
    pub(crate) async fn put_away(&self) -> Result<(), Failure> {
        self.client.trash_folder(&self.root).await?;
        self.written.set(Some(Instant::now()));
        self.settle_listings().await;
        if self.client.look(&self.root).await? == Sighting::Folder {
            return Err(Failure::failed(format!("trashing {}: it is still there", self.root)));
        }
        Ok(())
    }

    /// A path in the folder; names are taken as they are stored, nothing is encoded.
    pub(crate) fn place(&self, path: &str) -> RemotePath {
        path.split('/').filter_map(StoredName::new).fold(self.root.clone(), |place, name| place.join(name))
    }

    /// Content that is nowhere else.
    pub(crate) fn sample(&self) -> Sample {
        self.sized_sample(0)
    }

    /// Content that is nowhere else, of about so many bytes.
    pub(crate) fn sized_sample(&self, size: usize) -> Sample {
        let number = self.samples.get() + 1;
        self.samples.set(number);
        let mut bytes = format!("jottad selftest {} sample {number}\n", self.seed).into_bytes();
        let line = bytes.clone();
        while bytes.len() < size {
            bytes.extend_from_slice(&line);
        }
        Sample::of(bytes)
    }

    /// Uploads a new file, or a new revision.
    pub(crate) async fn put(&self, path: &str) -> Result<Sample, Failure> {
        let sample = self.sample();
        self.put_sample(path, &sample).await?;
        Ok(sample)
    }

    /// Uploads this content.
    pub(crate) async fn put_sample(&self, path: &str, sample: &Sample) -> Result<(), Failure> {
        let facts = UploadFacts {
            content: sample.content,
            created: None,
            modified: Timestamp::from_seconds(1_700_000_000),
        };
        let mut bytes: &[u8] = &sample.bytes;
        self.client.upload(&self.inside(&self.place(path))?, &facts, &mut bytes).await?;
        self.wrote();
        Ok(())
    }

    /// Makes a folder.
    pub(crate) async fn mkdir(&self, path: &str) -> Result<(), Failure> {
        self.client.make_folder(&self.inside(&self.place(path))?).await?;
        self.wrote();
        Ok(())
    }

    /// Sets a file's time as jottad does it.
    pub(crate) async fn touch(&self, path: &str, sample: &Sample, seconds: i64) -> Result<bool, Failure> {
        let time = Timestamp::from_seconds(seconds);
        let place = self.inside(&self.place(path))?;
        let matched = self.client.match_content(&place, sample.content, time, time).await?;
        self.wrote();
        Ok(matched.is_some())
    }

    /// Gives a command, raw.
    pub(crate) async fn order(&self, path: &str, command: &str) -> Result<RawAnswer, Failure> {
        self.order_with(path, command, &[]).await
    }

    /// Gives a command with headers, raw.
    pub(crate) async fn order_with(
        &self,
        path: &str,
        command: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<RawAnswer, Failure> {
        let place = self.inside(&self.place(path))?;
        let answer = self.send(RawRequest::Order { path: &place, query: command, headers }).await?;
        self.wrote();
        Ok(answer)
    }

    /// Gives a command that must succeed for the question to be asked at all.
    pub(crate) async fn must(&self, path: &str, command: &str) -> Result<(), Failure> {
        let answer = self.order(path, command).await?;
        if answer.is_success() {
            return Ok(());
        }
        Err(Failure::failed(format!("{command} of {}: {}", self.place(path), answer.fault())))
    }

    /// Moves or copies, raw. A folder's source gets its slash from `command`: `mvDir/`.
    pub(crate) async fn relocate(
        &self,
        command: Relocation,
        from: &str,
        to: &str,
    ) -> Result<RawAnswer, Failure> {
        let (from, to) = (self.inside(&self.place(from))?, self.inside(&self.place(to))?);
        let (command, slash) = match command {
            Relocation::File => ("mv", false),
            Relocation::Folder => ("mvDir", true),
            Relocation::FolderWithoutSlash => ("mvDir", false),
            Relocation::Copy => ("cp", false),
        };
        let answer = self.send(RawRequest::Relocation { command, from: &from, slash, to: &to }).await?;
        self.wrote();
        Ok(answer)
    }

    /// Announces a file, raw.
    pub(crate) async fn allocate(&self, path: &str, sample: &Sample) -> Result<Allocated, Failure> {
        self.allocate_as(path, sample.size(), &sample.md5(), json!({})).await
    }

    /// Announces a file with any values, raw.
    pub(crate) async fn allocate_as(
        &self,
        path: &str,
        size: u64,
        md5: &str,
        more: Value,
    ) -> Result<Allocated, Failure> {
        let place = self.inside(&self.place(path))?;
        let time = "2023-11-14T22:13:20Z";
        let mut fields = json!({"created": time, "modified": time});
        if let (Some(fields), Some(more)) = (fields.as_object_mut(), more.as_object()) {
            fields.extend(more.clone());
        }
        let answer = self.send(RawRequest::Allocation { path: &place, size, md5, more: fields }).await?;
        self.wrote();
        let document = if answer.is_success() { answer.json() } else { Value::Null };
        let text = |field: &str| document[field].as_str().unwrap_or_default().to_owned();
        Ok(Allocated {
            state: text("state"),
            upload_url: text("upload_url"),
            resume_position: document["resume_pos"].as_u64().unwrap_or_default(),
            answer,
        })
    }

    /// Announces a file whose content must be asked for, or the question cannot be asked.
    pub(crate) async fn allocate_wanted(&self, path: &str, sample: &Sample) -> Result<Allocated, Failure> {
        let allocated = self.allocate(path, sample).await?;
        if !allocated.answer.is_success() {
            let place = self.place(path);
            return Err(Failure::failed(format!("announcing {place}: {}", allocated.answer.fault())));
        }
        if allocated.upload_url.is_empty() {
            return Err(Failure::failed(format!("announcing {}: no upload address came", self.place(path))));
        }
        Ok(allocated)
    }

    /// Sends bytes to an upload address, from an offset on if it is not 0.
    pub(crate) async fn send_content(
        &self,
        allocated: &Allocated,
        bytes: &[u8],
        range: Option<String>,
    ) -> Result<RawAnswer, Failure> {
        let bytes = bytes.to_vec().into();
        let answer =
            self.send(RawRequest::Content { upload_url: &allocated.upload_url, bytes, range }).await?;
        self.wrote();
        Ok(answer)
    }

    /// A GET on a path in the folder, raw.
    pub(crate) async fn look_raw(&self, path: &str, query: &str) -> Result<RawAnswer, Failure> {
        let place = self.place(path);
        self.send(RawRequest::Look { path: &place, query }).await
    }

    /// Like [`Scratch::look_raw`], but an answer that turns it away for its rate is returned like any other.
    pub(crate) async fn look_impatiently(&self, path: &str) -> Result<RawAnswer, Failure> {
        let place = self.place(path);
        Ok(self.client.send_raw(RawRequest::Look { path: &place, query: "" }).await?)
    }

    /// The document of a file; `None` if there is none.
    pub(crate) async fn file(&self, path: &str) -> Result<Option<FileDetails>, Failure> {
        self.settle(self.lag.get().files).await;
        match self.client.look(&self.place(path)).await? {
            Sighting::Folder | Sighting::TrashedFolder | Sighting::Missing => Ok(None),
            _ => Ok(self.client.file(&self.place(path)).await?),
        }
    }

    /// Whether a live file with this content is at a path.
    pub(crate) async fn holds(&self, path: &str, sample: &Sample) -> Result<bool, Failure> {
        let live = self.file(path).await?.and_then(|details| details.entry.live());
        Ok(live.is_some_and(|live| live.content == sample.content))
    }

    /// Whatever is at a path, when listings are up to date.
    pub(crate) async fn look(&self, path: &str) -> Result<Sighting, Failure> {
        self.settle_listings().await;
        Ok(self.client.look(&self.place(path)).await?)
    }

    /// What is in a folder, when listings are up to date.
    pub(crate) async fn list(&self, path: &str) -> Result<Option<FolderListing>, Failure> {
        self.settle_listings().await;
        self.list_at_once(path).await
    }

    /// What a listing of a folder says right now.
    pub(crate) async fn list_at_once(&self, path: &str) -> Result<Option<FolderListing>, Failure> {
        Ok(self.client.folder(&self.place(path)).await?)
    }

    /// Waits until listings show all that was written so far.
    pub(crate) async fn settle_listings(&self) {
        self.settle(self.lag.get().listings).await;
    }

    /// Waits until the service's clock, which counts in seconds, has moved on.
    pub(crate) async fn next_second(&self) {
        let start = now();
        while now() <= start {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }

    async fn settle(&self, lag: Duration) {
        if let Some(written) = self.written.get().filter(|_| !lag.is_zero()) {
            tokio::time::sleep_until(written + lag).await;
        }
    }

    fn wrote(&self) {
        self.written.set(Some(Instant::now()));
    }

    /// Refuses a place that is not strictly inside of the folder. It cannot happen; if it does, nothing is
    /// sent.
    fn inside(&self, place: &RemotePath) -> Result<RemotePath, Failure> {
        if place.starts_with(&self.root) && *place != self.root {
            return Ok(place.clone());
        }
        Err(Failure::failed(format!("{place} is not in {}: nothing was sent", self.root)))
    }

    /// Sends a request, again if it was turned away for its rate.
    async fn send(&self, request: RawRequest<'_>) -> Result<RawAnswer, Failure> {
        let mut answer = self.client.send_raw(request.clone()).await?;
        for _ in 0..PATIENCE {
            if !matches!(answer.status, 429 | 503) {
                break;
            }
            self.turned_away.borrow_mut().push(answer.status);
            let pause = answer.retry_after.unwrap_or(0).min(LONGEST_PAUSE);
            tokio::time::sleep(Duration::from_millis(200).max(Duration::from_secs(pause))).await;
            answer = self.client.send_raw(request.clone()).await?;
        }
        Ok(answer)
    }
}

/// The commands with a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relocation {
    /// `mv`
    File,
    /// `mvDir` with the slash that it needs.
    Folder,
    /// `mvDir` without it.
    FolderWithoutSlash,
    /// `cp`
    Copy,
}
