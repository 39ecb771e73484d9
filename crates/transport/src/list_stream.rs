//! The recursive listing as a stream (protocol 4.4), proven complete or refused.
//!
//! A listing shows an absence only if the body came to its marked end, the root element was closed, and the
//! counts that the service sends last are those of what was received. [`ListStream::next_batch`] answers
//! `None` then and only then.

mod plain;

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};

use jottad_core::{Content, DEEPEST, Md5, StoredName, StoredPath, Timestamp};
use tokio::io::AsyncBufRead;

use crate::answer::{Answer, BodyReader, document_error};
use crate::error::{Error, Result};
use crate::path::RemotePath;
use crate::time::parse_time;
use crate::xml::{Document, Element, XmlError};

use plain::{PlainEntry, plain_entry};

/// Entries in a batch, at most.
const BATCH: usize = 1000;
/// A batch whose paths have so many names together is full, too: deep paths must not take more memory than
/// others.
const BATCH_NAMES: usize = 50_000;
/// So much of a path that cannot be used is told, in characters.
const PATH_SHOWN: usize = 300;
/// No tree of any account has this many bytes of listing.
const SIZE_LIMIT: u64 = 64 << 30;

/// Something live below the listed folder. Paths are relative to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamedEntry {
    /// A folder, before anything in it. The listed folder itself is not reported.
    Folder(StoredPath),
    /// A complete file.
    File {
        /// Where it is.
        path: StoredPath,
        /// Size and hash.
        content: Content,
        /// As the uploader set it.
        created: Option<Timestamp>,
        /// As the uploader set it.
        modified: Option<Timestamp>,
    },
    /// An entry that is there but cannot be used: it is counted, so its listing is as complete as any.
    Unusable {
        /// Its path as the service has it, shortened, for people.
        path: String,
        /// Why it cannot be used.
        reason: &'static str,
    },
}

/// Why an entry cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unusable {
    /// It is deeper than anything that is synced.
    TooDeep,
    /// A name in its path is empty.
    EmptyName,
    /// Its own name is none.
    WrongName,
}

impl Unusable {
    const fn words(self) -> &'static str {
        match self {
            Self::TooDeep => "the path is too deep",
            Self::EmptyName => "the path holds an empty name",
            Self::WrongName => "the name is empty or holds a slash",
        }
    }
}

/// A recursive listing in progress.
pub struct ListStream {
    action: String,
    entries: Entries<BodyReader>,
    end_is_marked: bool,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Reading,
    Complete,
    Failed,
}

impl std::fmt::Debug for ListStream {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ListStream").field("action", &self.action).finish_non_exhaustive()
    }
}

impl ListStream {
    pub(crate) async fn open(answer: Answer, directory: &RemotePath) -> Result<Self> {
        let action = answer.action().to_owned();
        let end_is_marked = answer.end_is_marked();
        let entries = Entries::open(answer.into_reader(), directory).await;
        let entries = entries.map_err(|error| incomplete(&action, error))?;
        Ok(Self { action, entries, end_is_marked, state: State::Reading })
    }

    /// The next entries, or `None` once the listing is proven complete.
    ///
    /// After an error there is no more to be had: what was received shows that things are there, never that
    /// others are not. Not cancel safe: a stream whose `next_batch` was dropped must be dropped too.
    pub async fn next_batch(&mut self) -> Result<Option<Vec<StreamedEntry>>> {
        match std::mem::replace(&mut self.state, State::Failed) {
            State::Reading => {}
            State::Complete => {
                self.state = State::Complete;
                return Ok(None);
            }
            State::Failed => return Err(self.refuse("it failed before")),
        }
        let batch = self.entries.next_batch().await.map_err(|error| incomplete(&self.action, error))?;
        if batch.is_none() && !self.end_is_marked {
            return Err(self.refuse("the connection's end is its only end"));
        }
        self.state = if batch.is_some() { State::Reading } else { State::Complete };
        Ok(batch)
    }

    fn refuse(&self, reason: &str) -> Error {
        Error::Incomplete { action: self.action.clone(), reason: reason.to_owned() }
    }
}

/// Trouble with the connection stays what it is; everything else means that the listing is not complete.
fn incomplete(action: &str, error: XmlError) -> Error {
    match document_error(action, error) {
        Error::Protocol { action, reason } => Error::Incomplete { action, reason },
        other => other,
    }
}

/// The parser behind [`ListStream`], over any input.
pub(crate) struct Entries<R> {
    document: Document<R>,
    taken: Taken,
    /// Whether plain entries are read without the document's help: so always, but where a test compares.
    reads_plain: bool,
}

/// What was taken of a listing so far.
struct Taken {
    /// Mountpoint and names of the listed folder, as asked for.
    prefix: Vec<String>,
    folders: Folders,
    /// The folder of the last plain entry, which was announced, and its path as it stood there.
    last_plain: Option<(String, StoredPath)>,
    files: u64,
    stats: Option<Stats>,
    pending: Vec<StreamedEntry>,
    /// How many names the paths of those have together.
    pending_names: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stats {
    folders: u64,
    files: u64,
}

impl<R: AsyncBufRead + Unpin> Entries<R> {
    pub(crate) async fn open(input: R, directory: &RemotePath) -> Result<Self, XmlError> {
        let names = std::iter::once(directory.mountpoint()).chain(directory.names());
        let taken = Taken {
            prefix: names.map(|name| name.as_str().to_lowercase()).collect(),
            folders: Folders::default(),
            last_plain: None,
            files: 0,
            stats: None,
            pending: Vec::new(),
            pending_names: 0,
        };
        Ok(Self { document: Document::open(input, SIZE_LIMIT).await?, taken, reads_plain: true })
    }

    /// Like [`open`](Self::open), but each entry is made an element of: what all others are measured by.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) async fn open_without_plain(input: R, directory: &RemotePath) -> Result<Self, XmlError> {
        Ok(Self { reads_plain: false, ..Self::open(input, directory).await? })
    }

    pub(crate) async fn next_batch(&mut self) -> Result<Option<Vec<StreamedEntry>>, XmlError> {
        let Self { document, taken, reads_plain } = self;
        taken.pending.reserve(BATCH);
        while !taken.is_full() {
            if *reads_plain {
                let passed = taken.take_plain(document.ahead().await?);
                document.pass(passed);
                if passed > 0 {
                    continue;
                }
            }
            let Some(child) = document.next(&[]).await? else {
                if !taken.pending.is_empty() {
                    break;
                }
                return taken.prove().map(|()| None);
            };
            taken.take(&child.element)?;
        }
        taken.pending_names = 0;
        Ok(Some(std::mem::take(&mut taken.pending)))
    }
}

impl Taken {
    fn is_full(&self) -> bool {
        self.pending.len() >= BATCH || self.pending_names >= BATCH_NAMES
    }

    /// Takes plain entries from the beginning for as long as there are any and nothing about them is out of
    /// the ordinary; tells how many bytes they have.
    fn take_plain(&mut self, bytes: &[u8]) -> usize {
        let mut passed = 0;
        while !self.is_full()
            && self.stats.is_none()
            && let Some((entry, length)) = plain_entry(&bytes[passed..])
            && self.take_plain_entry(&entry).is_some()
        {
            passed += length;
        }
        passed
    }

    /// `None`, and nothing was done, if something is wrong with it, which [`take`](Self::take) would tell.
    fn take_plain_entry(&mut self, entry: &PlainEntry<'_>) -> Option<()> {
        if !entry.is_file {
            let folder = self.relative(&entry.path).ok()?.ok()?;
            self.announce_plain(&entry.path, folder);
            return Some(());
        }
        let name = StoredName::new(entry.filename.as_deref()?)?;
        let content =
            Content { size: entry.size?.trim().parse().ok()?, md5: entry.md5?.trim().parse().ok()? };
        let time = |text: Option<&str>| text.and_then(|text| parse_time(text).ok().flatten());
        let (created, modified) = (time(entry.created), time(entry.modified));
        if self.last_plain.as_ref().is_none_or(|(path, _)| *path != entry.path) {
            let folder = self.relative(&entry.path).ok()?.ok()?;
            if folder.names().len() >= DEEPEST {
                return None;
            }
            self.announce_plain(&entry.path, folder);
        }
        let (_, folder) = self.last_plain.as_ref().filter(|(_, folder)| folder.names().len() < DEEPEST)?;
        let path = folder.join(name);
        self.files += 1;
        self.pending_names += path.names().len();
        self.pending.push(StreamedEntry::File { path, content, created, modified });
        Some(())
    }

    fn announce_plain(&mut self, path: &str, folder: StoredPath) {
        self.announce(&folder);
        self.last_plain = Some((path.to_owned(), folder));
    }

    fn take(&mut self, element: &Element) -> Result<(), XmlError> {
        if self.stats.is_some() {
            return Err(malformed("something follows the counts"));
        }
        match element.name() {
            "folder" => {
                let path = required(element, "path")?;
                match self.relative(path)? {
                    Ok(folder) => self.announce(&folder),
                    Err(reason) => {
                        if !self.folders.note_unusable(path) && self.note_unusable(path, reason) {
                            self.pending.push(unusable(path, reason));
                        }
                    }
                }
                Ok(())
            }
            "file" => self.take_file(element),
            "stats" => {
                self.stats =
                    Some(Stats { folders: number(element, "folders")?, files: number(element, "files")? });
                Ok(())
            }
            "error" => Err(XmlError::Malformed(format!(
                "the service broke off: {}",
                element.child_text("message").unwrap_or("no reason given")
            ))),
            // Something new that may come some day: if it were an entry, the counts would not match.
            _ => Ok(()),
        }
    }

    fn take_file(&mut self, element: &Element) -> Result<(), XmlError> {
        let path = required(element, "path")?;
        let filename = required(element, "filename")?;
        let folder = self.relative(path)?;
        let name = StoredName::new(filename).ok_or(Unusable::WrongName);
        let is_too_deep = folder.as_ref().is_ok_and(|folder| folder.names().len() >= DEEPEST);
        let name = if is_too_deep { Err(Unusable::TooDeep) } else { name };
        let (folder, name) = match (folder, name) {
            (Ok(folder), Ok(name)) => (folder, name),
            (Ok(folder), Err(reason)) => {
                self.announce(&folder);
                self.files += 1;
                self.tell_unusable(&format!("{path}/{filename}"), reason);
                return Ok(());
            }
            (Err(reason), _) => {
                self.folders.note_unusable(path);
                self.files += 1;
                self.tell_unusable(&format!("{path}/{filename}"), reason);
                return Ok(());
            }
        };
        let md5: Md5 =
            required(element, "md5")?.trim().parse().map_err(|_| malformed("a hash is not an MD5"))?;
        let content = Content { size: number(element, "size")?, md5 };
        let time = |name| element.child_text(name).and_then(|text| parse_time(text).ok().flatten());
        let mut names = folder.names().to_vec();
        names.push(name);
        let entry = StreamedEntry::File {
            path: StoredPath::new(names),
            content,
            created: time("created"),
            modified: time("modified"),
        };
        self.announce(&folder);
        self.files += 1;
        self.pending_names += folder.names().len() + 1;
        self.pending.push(entry);
        Ok(())
    }

    fn tell_unusable(&mut self, path: &str, reason: Unusable) {
        if self.note_unusable(path, reason) {
            self.pending.push(unusable(path, reason));
        }
    }

    /// Remembers an entry that cannot be used; tells whether it is not below one that was told for the same
    /// reason.
    fn note_unusable(&mut self, path: &str, reason: Unusable) -> bool {
        reason != Unusable::TooDeep || {
            let mut slashes = path.match_indices('/').map(|(at, _)| at);
            // One before each name, those of the listed folder included.
            let end = slashes.nth(self.prefix.len() + DEEPEST + 1).unwrap_or(path.len());
            self.folders.tell_deep(&path[..end])
        }
    }

    /// Reports a folder that is new, those above it first. Only what the service names itself is counted.
    fn announce(&mut self, folder: &StoredPath) {
        if self.folders.note(folder.names(), true) {
            return;
        }
        let mut unreported = Vec::new();
        let mut names = folder.names();
        while let Some((_, above)) = names.split_last() {
            self.pending_names += names.len();
            unreported.push(StoredPath::new(names.to_vec()));
            names = above;
            if self.folders.note(above, false) {
                break;
            }
        }
        self.pending.extend(unreported.into_iter().rev().map(StreamedEntry::Folder));
    }

    /// Cuts the listed folder off a path that starts at the mountpoint; or why a path below it cannot be
    /// used.
    fn relative(&self, path: &str) -> Result<Result<StoredPath, Unusable>, XmlError> {
        let rest =
            path.strip_prefix('/').ok_or_else(|| malformed("a path does not start at the mountpoint"))?;
        let mut components = rest.split('/');
        for expected in &self.prefix {
            let found = components.next().unwrap_or_default();
            if found != expected && found.to_lowercase() != *expected {
                return Err(malformed("a path lies outside the listed folder"));
            }
        }
        let names = components.take(DEEPEST + 1).map(StoredName::new).collect::<Option<Vec<_>>>();
        Ok(match names {
            None => Err(Unusable::EmptyName),
            Some(names) if names.len() > DEEPEST => Err(Unusable::TooDeep),
            Some(names) => Ok(StoredPath::new(names)),
        })
    }

    fn prove(&self) -> Result<(), XmlError> {
        let seen = Stats { folders: self.folders.counted, files: self.files };
        match self.stats {
            None => Err(malformed("the counts at its end are missing")),
            // A listing of an empty folder may or may not report the folder itself (U-03).
            Some(told) if told == seen => Ok(()),
            Some(told) => Err(XmlError::Malformed(format!(
                "{} folders and {} files were announced, {} and {} came",
                told.folders, told.files, seen.folders, seen.files
            ))),
        }
    }
}

/// Which folders were reported already, in 16 bytes each: hashes with a key of this listing's own.
///
/// Should two folders ever share a hash, the counts differ and the listing is asked for again with another
/// key.
#[derive(Default)]
struct Folders {
    key: RandomState,
    seen: HashMap<u64, bool>,
    counted: u64,
    last: Option<Vec<StoredName>>,
    /// The topmost of those that are too deep.
    deep: HashSet<u64>,
}

impl Folders {
    /// Whether the folder was reported before. It counts when the service names it for the first time.
    fn note(&mut self, folder: &[StoredName], named: bool) -> bool {
        if named && self.last.as_deref() == Some(folder) {
            return true;
        }
        let mut reported = true;
        let counted = self.seen.entry(self.key.hash_one(folder)).or_insert_with(|| {
            reported = false;
            false
        });
        if named {
            self.counted += u64::from(!*counted);
            *counted = true;
            self.last = Some(folder.to_vec());
        }
        reported
    }

    /// Notes one of the topmost paths that are too deep; tells whether it is new.
    fn tell_deep(&mut self, path: &str) -> bool {
        self.deep.insert(self.key.hash_one(path))
    }

    /// Counts a folder whose path cannot be used, once; tells whether it was counted before.
    fn note_unusable(&mut self, path: &str) -> bool {
        let before = self.seen.insert(self.key.hash_one(path), true);
        self.counted += u64::from(before.is_none());
        before.is_some()
    }
}

/// One that is there and cannot be used, told in one bounded line.
fn unusable(path: &str, reason: Unusable) -> StreamedEntry {
    let printable = path.chars().map(|character| if character.is_control() { '?' } else { character });
    StreamedEntry::Unusable { path: printable.take(PATH_SHOWN).collect(), reason: reason.words() }
}

fn required<'a>(element: &'a Element, name: &str) -> Result<&'a str, XmlError> {
    element
        .child_text(name)
        .ok_or_else(|| XmlError::Malformed(format!("a <{}> has no <{name}>", element.name())))
}

fn number(element: &Element, name: &str) -> Result<u64, XmlError> {
    let text = required(element, name)?;
    text.trim().parse().map_err(|_| XmlError::Malformed(format!("a <{name}> is not a number")))
}

fn malformed(reason: &str) -> XmlError {
    XmlError::Malformed(reason.to_owned())
}

#[cfg(test)]
mod tests;
