//! The service's XML documents turned into facts (protocol 3.2, 3.3, 4.1, 4.2, 9.3).
//!
//! Lenient where nothing hangs on it, strict where a wrong reading could look like an absence: a complete
//! revision without a readable size and hash makes the whole document unreadable.

use jottad_core::{StoredName, Timestamp};
use tokio::io::AsyncBufRead;

use crate::facts::{
    Device, DeviceDetails, FileDetails, FileEntry, FolderEntry, FolderListing, FoundFile, Mountpoint, Quota,
    Revision, RevisionState, TrashListing, Trashed, TrashedFolder, User,
};
use crate::path::RemotePath;
use crate::time::parse_time;
use crate::xml::{Child, Document, Element, XmlError};

/// No document but a recursive listing is bigger.
pub(crate) const DOCUMENT_LIMIT: u64 = 64 << 20;

type Result<T> = std::result::Result<T, XmlError>;

/// What a direct GET on a path answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    File(Box<FileDetails>),
    Folder(FolderListing),
}

/// Reads a file's or a folder's document to its end.
pub(crate) async fn read_place(input: impl AsyncBufRead + Unpin) -> Result<Place> {
    let document = Document::open(input, DOCUMENT_LIMIT).await?;
    if document.root().name() == "file" {
        return Ok(Place::File(Box::new(file_details(&document.into_element().await?)?)));
    }
    Ok(Place::Folder(read_folder(document).await?))
}

/// Like [`read_place`], but of a folder only what it is itself: a big listing is not waited for.
pub(crate) async fn read_place_itself(input: impl AsyncBufRead + Unpin) -> Result<Place> {
    let mut document = Document::open(input, DOCUMENT_LIMIT).await?;
    if document.root().name() == "file" {
        return Ok(Place::File(Box::new(file_details(&document.into_element().await?)?)));
    }
    let mut folder = folder_root(document.root())?;
    while let Some(child) = document.next(FOLDER_CONTAINERS).await? {
        if child.container.is_some() {
            break;
        }
        note_own_element(&mut folder, &child.element);
    }
    Ok(Place::Folder(folder))
}

/// Reads a file's document.
pub(crate) async fn read_file(input: impl AsyncBufRead + Unpin) -> Result<FileDetails> {
    let element = Document::open(input, DOCUMENT_LIMIT).await?.into_element().await?;
    expect_root(&element, &["file"])?;
    file_details(&element)
}

/// Reads the account's document.
pub(crate) async fn read_user(input: impl AsyncBufRead + Unpin) -> Result<User> {
    let mut document = Document::open(input, DOCUMENT_LIMIT).await?;
    expect_root(document.root(), &["user"])?;
    let mut fields = Element::default();
    let mut devices = Vec::new();
    while let Some(Child { container, element }) = document.next(&["devices"]).await? {
        match container {
            Some(_) if element.name() == "device" => devices.push(device(&element)?),
            Some(_) => {}
            None => fields.push(element),
        }
    }
    let is_true = |name| fields.child_text(name).is_some_and(|text| text.trim() == "true");
    Ok(User {
        username: fields.child_text("username").unwrap_or_default().to_owned(),
        account_type: optional_text(&fields, "account-type"),
        used_bytes: count(&fields, "usage"),
        quota: fields.child_text("capacity").and_then(|text| text.trim().parse().ok()).map(Quota::of_number),
        write_locked: is_true("locked") || is_true("write-locked") || is_true("quota-write-locked"),
        read_locked: is_true("read-locked"),
        devices,
    })
}

/// Reads a device's document.
pub(crate) async fn read_device(input: impl AsyncBufRead + Unpin) -> Result<DeviceDetails> {
    let mut document = Document::open(input, DOCUMENT_LIMIT).await?;
    expect_root(document.root(), &["device"])?;
    let mut fields = Element::default();
    let mut mountpoints = Vec::new();
    while let Some(Child { container, element }) = document.next(&["mountPoints"]).await? {
        match container {
            Some(_) if element.name() == "mountPoint" => mountpoints.push(mountpoint(&element)?),
            Some(_) => {}
            None => fields.push(element),
        }
    }
    Ok(DeviceDetails { device: device(&fields)?, mountpoints })
}

/// Reads the answer to making a mountpoint.
pub(crate) async fn read_mountpoint(input: impl AsyncBufRead + Unpin) -> Result<Mountpoint> {
    let element = Document::open(input, DOCUMENT_LIMIT).await?.into_element().await?;
    expect_root(&element, &["mountPoint"])?;
    mountpoint(&element)
}

/// Reads the trash: the top of each trashed subtree with the folder it was in.
pub(crate) async fn read_trash(input: impl AsyncBufRead + Unpin) -> Result<TrashListing> {
    let mut document = Document::open(input, DOCUMENT_LIMIT).await?;
    expect_root(document.root(), &["mountPoint", "folder"])?;
    let mut trash = TrashListing::default();
    while let Some(Child { container, element }) = document.next(FOLDER_CONTAINERS).await? {
        if container.is_none() {
            continue;
        }
        let Some(path) = original_path(&element) else {
            tracing::warn!(name = element.attribute("name"), "a trashed entry cannot be addressed");
            continue;
        };
        match element.name() {
            "folder" => trash.folders.push(TrashedFolder { path, trashed: trashed(&element) }),
            "file" => {
                if let Some(file) = file_entry(&element)? {
                    trash.files.push(FoundFile { path, file });
                }
            }
            _ => {}
        }
    }
    Ok(trash)
}

/// Reads a search result: the views of newest and of shared files.
pub(crate) async fn read_search_result(input: impl AsyncBufRead + Unpin) -> Result<Vec<FoundFile>> {
    let mut document = Document::open(input, DOCUMENT_LIMIT).await?;
    expect_root(document.root(), &["searchresult"])?;
    let mut found = Vec::new();
    while let Some(Child { container, element }) = document.next(&["files"]).await? {
        if let (Some(_), "file", Some(path)) = (container, element.name(), original_path(&element))
            && let Some(file) = file_entry(&element)?
        {
            found.push(FoundFile { path, file });
        }
    }
    Ok(found)
}

/// What the answer to sharing says of the link.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct LinkMarks {
    pub(crate) public_uri: Option<String>,
    pub(crate) public_path: Option<String>,
}

/// Reads a shared file's or folder's document for its link alone.
pub(crate) async fn read_link(input: impl AsyncBufRead + Unpin) -> Result<LinkMarks> {
    let mut document = Document::open(input, DOCUMENT_LIMIT).await?;
    let mut marks = LinkMarks::default();
    while let Some(Child { container, element }) = document.next(FOLDER_CONTAINERS).await? {
        let text = Some(element.text().to_owned()).filter(|text| !text.is_empty());
        match (container, element.name()) {
            (None, "publicURI") => marks.public_uri = text,
            (None, "publicSharePath") => marks.public_path = text,
            _ => {}
        }
    }
    Ok(marks)
}

/// Reads the answer to asking for an event token.
pub(crate) async fn read_event_token(input: impl AsyncBufRead + Unpin) -> Result<String> {
    let element = Document::open(input, DOCUMENT_LIMIT).await?.into_element().await?;
    expect_root(&element, &["token"])?;
    optional_text(&element, "authToken").ok_or_else(|| XmlError::Malformed("it holds no token".to_owned()))
}

const FOLDER_CONTAINERS: &[&str] = &["folders", "files"];

async fn read_folder<R: AsyncBufRead + Unpin>(mut document: Document<R>) -> Result<FolderListing> {
    let mut listing = folder_root(document.root())?;
    let mut counted = None;
    // Entries that no request could ever name still count.
    let (mut folders, mut files) = (0, 0);
    while let Some(Child { container, element }) = document.next(FOLDER_CONTAINERS).await? {
        match (container, element.name()) {
            (Some("folders"), "folder") => {
                folders += 1;
                listing.folders.extend(folder_entry(&element));
            }
            (Some("files"), "file") => {
                files += 1;
                listing.files.extend(file_entry(&element)?);
            }
            (None, "metadata") => {
                counted =
                    Some((attribute_count(&element, "num_folders"), attribute_count(&element, "num_files")));
            }
            (None, _) => note_own_element(&mut listing, &element),
            (Some(_), _) => {}
        }
    }
    match counted {
        Some((Some(told_folders), Some(told_files))) if (told_folders, told_files) != (folders, files) => {
            return Err(XmlError::CutOff);
        }
        // An absent count of an empty kind is how some answers say "none".
        Some((told_folders, told_files)) => {
            listing.proves_absence =
                told_folders.unwrap_or_default() == folders && told_files.unwrap_or_default() == files;
        }
        None => listing.proves_absence = false,
    }
    Ok(listing)
}

fn folder_root(root: &Element) -> Result<FolderListing> {
    expect_root(root, &["folder", "mountPoint"])?;
    let name = root.attribute("name").and_then(StoredName::new);
    Ok(FolderListing { name, trashed: trashed(root), ..FolderListing::default() })
}

/// A mountpoint says in child elements what folders say in attributes (protocol 3.3).
fn note_own_element(listing: &mut FolderListing, element: &Element) {
    match element.name() {
        "name" => listing.name = StoredName::new(element.text()),
        "deleted" => listing.trashed = Some(Trashed { at: time(element.text()) }),
        _ => {}
    }
}

fn file_details(element: &Element) -> Result<FileDetails> {
    let entry = file_entry(element)?
        .ok_or_else(|| XmlError::Malformed("the file has a name that cannot be".to_owned()))?;
    let older = element.child("revisions").map(Element::children).unwrap_or_default();
    let revisions =
        older.iter().filter(|child| child.name() == "revision").map(revision).collect::<Result<_>>()?;
    Ok(FileDetails { entry, revisions, public_path: optional_text(element, "publicSharePath") })
}

fn folder_entry(element: &Element) -> Option<FolderEntry> {
    Some(FolderEntry { name: addressable_name(element)?, trashed: trashed(element) })
}

fn file_entry(element: &Element) -> Result<Option<FileEntry>> {
    let Some(name) = addressable_name(element) else { return Ok(None) };
    let latest = element.child("latestRevision").or_else(|| element.child("revision"));
    Ok(Some(FileEntry {
        name,
        uuid: element.attribute("uuid").map(str::to_owned),
        trashed: trashed(element),
        current: element.child("currentRevision").map(revision).transpose()?,
        latest: latest.map(revision).transpose()?,
        public_uri: optional_text(element, "publicURI"),
    }))
}

fn revision(element: &Element) -> Result<Revision> {
    let text = |name| element.child_text(name).map(str::trim).filter(|text| !text.is_empty());
    let state = match text("state") {
        Some("COMPLETED") => RevisionState::Completed,
        Some("INCOMPLETE") => RevisionState::Incomplete,
        Some("CORRUPT") => RevisionState::Corrupt,
        _ => RevisionState::Other,
    };
    let size = text("size").and_then(|text| text.parse().ok());
    let md5 = text("md5").and_then(|text| text.parse().ok());
    if state == RevisionState::Completed && (size.is_none() || md5.is_none()) {
        return Err(XmlError::Malformed("a complete revision has no readable size and hash".to_owned()));
    }
    Ok(Revision {
        number: text("number").and_then(|text| text.parse().ok()),
        state,
        size,
        md5,
        created: text("created").and_then(time),
        modified: text("modified").and_then(time),
        updated: text("updated").and_then(time),
        mime: text("mime").map(str::to_owned),
    })
}

fn device(element: &Element) -> Result<Device> {
    Ok(Device {
        name: child_name(element)?,
        display_name: optional_text(element, "display_name"),
        kind: optional_text(element, "type"),
        size: count(element, "size"),
        modified: element.child_text("modified").and_then(time),
    })
}

fn mountpoint(element: &Element) -> Result<Mountpoint> {
    Ok(Mountpoint {
        name: child_name(element)?,
        size: count(element, "size"),
        modified: element.child_text("modified").and_then(time),
        trashed: element.child("deleted").is_some() || trashed(element).is_some(),
    })
}

/// The mark is the attribute's presence, whatever its value (protocol 4.1).
fn trashed(element: &Element) -> Option<Trashed> {
    element.attribute("deleted").map(|stamp| Trashed { at: time(stamp) })
}

fn addressable_name(element: &Element) -> Option<StoredName> {
    let text = element.attribute("name").unwrap_or_default();
    let name = StoredName::new(text);
    if name.is_none() {
        tracing::warn!(name = text, "a name in a listing cannot be addressed");
    }
    name
}

fn child_name(element: &Element) -> Result<StoredName> {
    StoredName::new(element.child_text("name").unwrap_or_default())
        .ok_or_else(|| XmlError::Malformed("a name is missing".to_owned()))
}

/// `abspath` is the absolute path, with the user, of the folder that an entry is or was in.
fn original_path(element: &Element) -> Option<RemotePath> {
    let parent = element.child_text("abspath").or_else(|| element.child_text("path"))?;
    let name = addressable_name(element)?;
    let mut names = parent.strip_prefix('/')?.split('/').skip(1).map(StoredName::new);
    let device = names.next()??;
    let Some(mountpoint) = names.next() else { return Some(RemotePath::new(device, name)) };
    let mut path = RemotePath::new(device, mountpoint?);
    for above in names {
        path = path.join(above?);
    }
    Some(path.join(name))
}

fn expect_root(root: &Element, expected: &[&str]) -> Result<()> {
    if expected.contains(&root.name()) {
        return Ok(());
    }
    let name: String = root.name().chars().take(40).collect();
    Err(XmlError::Malformed(format!("the document is a <{name}>, not a <{}>", expected.join("> or <"))))
}

fn optional_text(element: &Element, name: &str) -> Option<String> {
    element.child_text(name).map(str::to_owned).filter(|text| !text.is_empty())
}

/// A number of bytes; empty and negative ones (unlimited) are none.
fn count(element: &Element, name: &str) -> Option<u64> {
    element.child_text(name)?.trim().parse().ok()
}

fn attribute_count(element: &Element, name: &str) -> Option<u64> {
    element.attribute(name)?.trim().parse().ok()
}

fn time(text: &str) -> Option<Timestamp> {
    parse_time(text).ok().flatten()
}

#[cfg(test)]
mod tests;
