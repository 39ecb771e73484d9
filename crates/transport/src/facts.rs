//! What the service says about accounts, folders and files: the answers of protocol 3, 4 and 9, as plain
//! data.

use jottad_core::{Content, StoredName, Timestamp};

/// Who the account belongs to and how full it is (protocol 3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// The internal name that paths are made of; not the e-mail address.
    pub username: String,
    /// E-mail address.
    pub email: Option<String>,
    /// The person's name.
    pub name: Option<String>,
    /// Which brand sold the account.
    pub brand: Option<String>,
    /// Kind of account, as the service names it.
    pub account_type: Option<String>,
    /// Bytes in use.
    pub used_bytes: Option<u64>,
    /// How much may be used; `None` when not told.
    pub quota: Option<Quota>,
    /// Nothing may be written at present.
    pub write_locked: bool,
    /// Nothing may be read at present.
    pub read_locked: bool,
}

/// How much an account may hold (protocol 9.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quota {
    /// As much as one likes.
    Unlimited,
    /// So many bytes.
    Bytes(u64),
}

impl Quota {
    /// What the service means by a number: negative ones are unlimited.
    pub(crate) fn of_number(number: i64) -> Self {
        u64::try_from(number).map_or(Self::Unlimited, Self::Bytes)
    }

    /// The bytes, where there is a limit.
    pub fn bytes(self) -> Option<u64> {
        match self {
            Self::Unlimited => None,
            Self::Bytes(bytes) => Some(bytes),
        }
    }
}

/// The account as the metadata host sees it (protocol 3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The internal name.
    pub username: String,
    /// Kind of account, as the service names it.
    pub account_type: Option<String>,
    /// Bytes in use.
    pub used_bytes: Option<u64>,
    /// How much may be used; `None` when not told.
    pub quota: Option<Quota>,
    /// The account is locked, or writing is.
    pub write_locked: bool,
    /// Reading is locked.
    pub read_locked: bool,
    /// All devices.
    pub devices: Vec<Device>,
}

/// A device: a computer, or the built-in `Jotta` (protocol 3.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its name in paths.
    pub name: StoredName,
    /// Its name for people.
    pub display_name: Option<String>,
    /// `JOTTA`, `WORKSTATION`, … as the service names it.
    pub kind: Option<String>,
    /// Bytes stored on it.
    pub size: Option<u64>,
    /// Newest change that the service counts; a hint only.
    pub modified: Option<Timestamp>,
}

/// A device with what is on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceDetails {
    /// The device itself.
    pub device: Device,
    /// Its mountpoints, trashed ones included.
    pub mountpoints: Vec<Mountpoint>,
}

/// A top folder of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mountpoint {
    /// Its name, as the service spells it.
    pub name: StoredName,
    /// Bytes below it.
    pub size: Option<u64>,
    /// Newest change that the service counts; a hint only.
    pub modified: Option<Timestamp>,
    /// Whether it is in the trash.
    pub trashed: bool,
}

/// One level of a folder or mountpoint (protocol 4.1).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FolderListing {
    /// The name that the document gives the folder itself, where it can be addressed. Whether it is as stored
    /// or as it was asked for is not known (U-50).
    pub name: Option<StoredName>,
    /// The folder itself is in the trash: a listing with status 200 does not mean that it is live.
    pub trashed: Option<Trashed>,
    /// Folders in it, trashed ones included.
    pub folders: Vec<FolderEntry>,
    /// Files in it: live, trashed and unfinished ones.
    pub files: Vec<FileEntry>,
    /// The service counted its entries and the counts agree: only then is an absence an absence.
    pub proves_absence: bool,
}

impl FolderListing {
    /// Whether the folder is not in the trash.
    pub fn is_live(&self) -> bool {
        self.trashed.is_none()
    }
}

/// Since when something is in the trash; `None` where the service gave a stamp that is no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trashed {
    /// When it was deleted.
    pub at: Option<Timestamp>,
}

/// A folder as its parent's listing names it. Folders have no times that can be relied on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderEntry {
    /// Its name, as stored.
    pub name: StoredName,
    /// In the trash.
    pub trashed: Option<Trashed>,
}

/// A file as a listing names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// Its name, as stored.
    pub name: StoredName,
    /// The service's identity of the file, kept when it is moved or trashed.
    pub uuid: Option<String>,
    /// In the trash.
    pub trashed: Option<Trashed>,
    /// The newest complete revision: what the file holds. `None` if no upload was ever finished.
    pub current: Option<Revision>,
    /// A newer upload that is unfinished or corrupt.
    pub latest: Option<Revision>,
    /// Identity of its public link, while it is shared.
    pub public_uri: Option<String>,
}

impl FileEntry {
    /// What the file holds, if it is live and complete: the only sense in which a file exists (protocol 4.2).
    pub fn live(&self) -> Option<LiveFile> {
        if self.trashed.is_some() {
            return None;
        }
        self.current.as_ref()?.live()
    }
}

/// A file with its older revisions (protocol 4.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDetails {
    /// The file itself.
    pub entry: FileEntry,
    /// Older revisions, newest first.
    pub revisions: Vec<Revision>,
    /// Path of the web page of its public link, while it is shared.
    pub public_path: Option<String>,
}

/// How far a revision came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevisionState {
    /// All bytes are there and match their hash.
    Completed,
    /// Bytes are missing.
    Incomplete,
    /// The bytes did not match their hash.
    Corrupt,
    /// A state of which this program knows nothing.
    Other,
}

/// One upload to a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// Rises with each upload attempt.
    pub number: Option<u64>,
    /// How far it came.
    pub state: RevisionState,
    /// Bytes; of an incomplete one those received so far, where told.
    pub size: Option<u64>,
    /// The hash that the uploader announced.
    pub md5: Option<jottad_core::Md5>,
    /// As the uploader set it.
    pub created: Option<Timestamp>,
    /// As the uploader set it.
    pub modified: Option<Timestamp>,
    /// When the content arrived, by the service's clock.
    pub updated: Option<Timestamp>,
    /// The service's guess of the kind of content.
    pub mime: Option<String>,
}

impl Revision {
    /// Size and hash, if this revision is complete and both are told.
    pub fn content(&self) -> Option<Content> {
        (self.state == RevisionState::Completed).then_some(())?;
        Some(Content { size: self.size?, md5: self.md5? })
    }

    fn live(&self) -> Option<LiveFile> {
        Some(LiveFile {
            content: self.content()?,
            created: self.created,
            modified: self.modified,
            revision: self.number,
        })
    }
}

/// A file that exists: live and complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveFile {
    /// Size and hash.
    pub content: Content,
    /// As the uploader set it.
    pub created: Option<Timestamp>,
    /// As the uploader set it.
    pub modified: Option<Timestamp>,
    /// Number of the revision.
    pub revision: Option<u64>,
}

/// What a direct look at a path found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sighting {
    /// Nothing at all (404).
    Missing,
    /// A file in the trash.
    TrashedFile(Box<FileDetails>),
    /// A folder in the trash.
    TrashedFolder,
    /// A live, complete file.
    File(LiveFile),
    /// A live entry whose upload was never finished: no content, but the name is taken.
    UnfinishedFile(Box<FileDetails>),
    /// A live folder.
    Folder,
}

impl Sighting {
    /// Whether something live, with content or as a folder, is there.
    pub fn is_live(&self) -> bool {
        matches!(self, Self::File(_) | Self::Folder)
    }

    /// The file, if that is what was seen.
    pub fn file(&self) -> Option<&LiveFile> {
        match self {
            Self::File(file) => Some(file),
            _ => None,
        }
    }
}

/// A file that belongs somewhere: in a search result or in the trash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFile {
    /// Where it is, or was before it was trashed.
    pub path: crate::RemotePath,
    /// The file.
    pub file: FileEntry,
}

/// The top of each trashed subtree, of all devices (protocol 9.3).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrashListing {
    /// Folders, each with all that was in it.
    pub folders: Vec<TrashedFolder>,
    /// Files that were trashed by themselves.
    pub files: Vec<FoundFile>,
}

/// A folder in the trash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrashedFolder {
    /// Where it was.
    pub path: crate::RemotePath,
    /// Since when it is there.
    pub trashed: Option<Trashed>,
}

/// A public link (protocol 9.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicLink {
    /// The page for people, where the service told one.
    pub page: Option<String>,
    /// Direct download.
    pub download: String,
}

/// How many things were destroyed by emptying the trash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Purged {
    /// Folders.
    pub folders: u64,
    /// Files.
    pub files: u64,
}
