//! The documents of folders and files (protocol 4.1, 4.2, 9.1, 9.3).

use std::sync::Arc;

use super::Xml;
use super::account::{HOST, STALE_HOST};
use crate::address::Address;
use crate::switches::FolderTimes;
use crate::times::{Seconds, classic};
use crate::world::tree::{File, Folder, Revision, State};
use crate::world::{Snapshot, write_uuid};

/// What every document of an entry needs to know besides the entry.
pub(crate) struct Scene<'a> {
    pub(crate) user: &'a str,
    pub(crate) now: Seconds,
    pub(crate) snapshot: &'a Snapshot,
}

impl Scene<'_> {
    fn host(&self) -> &'static str {
        if self.snapshot.is_stale_node { STALE_HOST } else { HOST }
    }
}

/// The listing of a folder or mountpoint, one level (protocol 4.1).
pub(crate) fn folder(scene: &Scene, folder: &Folder, place: &Address) -> String {
    let mut xml = Xml::new();
    let root = open_folder(&mut xml, scene, folder, place);
    if scene.snapshot.switches.folder_times == FolderTimes::Modified && root == "folder" {
        xml.time("modified", folder.modified);
    }
    share(&mut xml, folder.share.as_deref());
    let here = place.absolute(scene.user);
    if folder.folders().next().is_some() {
        xml.open("folders", &[]);
        folder.folders().for_each(|child| listed_folder(&mut xml, child, &here, false));
        xml.close("folders");
    }
    if folder.files().next().is_some() {
        xml.open("files", &[]);
        folder.files().for_each(|child| listed_file(&mut xml, child, &here, false));
        xml.close("files");
    }
    let counts = (folder.folders().count(), folder.files().count());
    metadata(&mut xml, counts);
    xml.close(root);
    xml.finish()
}

/// The answer to `mkDir` and other commands on folders: no children, no metadata.
pub(crate) fn made_folder(scene: &Scene, folder: &Folder, place: &Address) -> String {
    let mut xml = Xml::new();
    let root = open_folder(&mut xml, scene, folder, place);
    share(&mut xml, folder.share.as_deref());
    xml.close(root);
    xml.finish()
}

fn open_folder(xml: &mut Xml, scene: &Scene, folder: &Folder, place: &Address) -> &'static str {
    let time = classic(scene.now);
    let parent = place.parent().absolute(scene.user);
    let deleted = folder.deleted.map(classic);
    if place.depth() == 2 {
        xml.open("mountPoint", &[("time", &time), ("host", scene.host())]);
        xml.preserved("name", place.leaf());
        xml.preserved("path", &parent);
        xml.preserved("abspath", &parent);
        if let Some(deleted) = &deleted {
            xml.element("deleted", deleted);
        }
        xml.number("size", folder.totals().live);
        xml.time("modified", folder.modified);
        xml.preserved("device", place.parent().leaf());
        xml.element("user", scene.user);
        return "mountPoint";
    }
    let mut attributes = vec![("name", place.leaf()), ("time", time.as_str()), ("host", scene.host())];
    if let Some(deleted) = &deleted {
        attributes.push(("deleted", deleted));
    }
    xml.open("folder", &attributes);
    xml.preserved("path", &parent);
    xml.preserved("abspath", &parent);
    "folder"
}

/// The metadata of a file with all its revisions (protocol 4.2).
pub(crate) fn file(scene: &Scene, file: &File, place: &Address) -> String {
    let mut xml = Xml::new();
    let time = classic(scene.now);
    let uuid = write_uuid(file.uuid);
    let deleted = file.deleted.map(classic);
    let mut attributes = vec![("name", place.leaf()), ("uuid", uuid.as_str())];
    if let Some(deleted) = &deleted {
        attributes.push(("deleted", deleted));
    }
    attributes.extend([("time", time.as_str()), ("host", scene.host())]);
    xml.open("file", &attributes);
    let parent = place.parent().absolute(scene.user);
    xml.preserved("path", &parent);
    xml.preserved("abspath", &parent);
    share(&mut xml, file.share.as_deref());
    if let Some(current) = file.current() {
        revision(&mut xml, "currentRevision", &file.name, current, true);
    }
    if let Some(latest) = file.latest() {
        revision(&mut xml, "latestRevision", &file.name, latest, true);
    }
    if file.older().next().is_some() {
        xml.open("revisions", &[]);
        file.older().for_each(|old| revision(&mut xml, "revision", &file.name, old, true));
        xml.close("revisions");
    }
    xml.close("file");
    xml.finish()
}

/// The answer to trashing a file that was never there.
pub(crate) fn tombstone(scene: &Scene, place: &Address) -> String {
    let mut missing = File::new(place.leaf(), 0);
    missing.deleted = Some(scene.now);
    file(scene, &missing, place)
}

/// The view of the trash (protocol 9.3).
pub(crate) fn trash(scene: &Scene) -> String {
    let trashed = scene.snapshot.trashed();
    let mut xml = Xml::new();
    open_view(&mut xml, scene, "Trash");
    let folders = trashed.iter().filter_map(|(place, entry)| entry.as_folder().map(|folder| (place, folder)));
    let files = trashed.iter().filter_map(|(place, entry)| entry.as_file().map(|file| (place, file)));
    let counts = (folders.clone().count(), files.clone().count());
    if counts.0 > 0 {
        xml.open("folders", &[]);
        folders
            .for_each(|(place, folder)| listed_folder(&mut xml, folder, &place.absolute(scene.user), true));
        xml.close("folders");
    }
    if counts.1 > 0 {
        xml.open("files", &[]);
        files.for_each(|(place, file)| listed_file(&mut xml, file, &place.absolute(scene.user), true));
        xml.close("files");
    }
    metadata(&mut xml, counts);
    xml.close("mountPoint");
    xml.finish()
}

fn open_view(xml: &mut Xml, scene: &Scene, name: &str) {
    let device = format!("/{}/Jotta", scene.user);
    xml.open("mountPoint", &[("time", &classic(scene.now)), ("host", scene.host())]);
    xml.preserved("name", name);
    xml.preserved("path", &device);
    xml.preserved("abspath", &device);
    xml.element("size", "");
    xml.element("modified", "");
    xml.preserved("device", "Jotta");
    xml.element("user", scene.user);
}

/// Files from anywhere: links, latest (protocol 4.7). `total` may be more than are shown.
pub(crate) fn search_result(scene: &Scene, files: &[(Address, Arc<File>)], total: usize) -> String {
    let mut xml = Xml::new();
    xml.open("searchresult", &[("time", &classic(scene.now)), ("host", scene.host())]);
    if !files.is_empty() {
        xml.open("files", &[]);
        for (place, file) in files {
            open_listed_file(&mut xml, file, false);
            let parent = place.absolute(scene.user);
            xml.preserved("path", &parent);
            xml.preserved("abspath", &parent);
            share(&mut xml, file.share.as_deref());
            listed_revisions(&mut xml, file);
            xml.close("file");
        }
        xml.close("files");
    }
    let (shown, total) = (files.len().to_string(), total.to_string());
    // The count sits in `num_folders`, as captured.
    xml.empty("metadata", &[("first", "0"), ("max", &shown), ("total", &total), ("num_folders", &total)]);
    xml.close("searchresult");
    xml.finish()
}

fn listed_folder(xml: &mut Xml, folder: &Folder, parent: &str, in_trash: bool) {
    let deleted = folder.deleted.map(classic);
    let mut attributes = vec![("name", folder.name.as_ref())];
    if let Some(deleted) = &deleted {
        attributes.push(("deleted", deleted));
    }
    if in_trash {
        attributes.push(("contextType", "TRASH"));
    }
    if deleted.is_none() {
        xml.empty("folder", &attributes);
        return;
    }
    xml.open("folder", &attributes);
    xml.preserved("abspath", parent);
    xml.close("folder");
}

pub(super) fn listed_file(xml: &mut Xml, file: &File, parent: &str, in_trash: bool) {
    open_listed_file(xml, file, in_trash);
    if file.deleted.is_some() {
        xml.preserved("abspath", parent);
    }
    share(xml, file.share.as_deref());
    listed_revisions(xml, file);
    xml.close("file");
}

fn open_listed_file(xml: &mut Xml, file: &File, in_trash: bool) {
    let uuid = write_uuid(file.uuid);
    let deleted = file.deleted.map(classic);
    let mut attributes = vec![("name", file.name.as_ref()), ("uuid", uuid.as_str())];
    if let Some(deleted) = &deleted {
        attributes.push(("deleted", deleted));
    }
    if in_trash {
        attributes.push(("contextType", "TRASH"));
    }
    xml.open("file", &attributes);
}

fn listed_revisions(xml: &mut Xml, file: &File) {
    if let Some(current) = file.current() {
        revision(xml, "currentRevision", &file.name, current, false);
    }
    if let Some(latest) = file.latest() {
        revision(xml, "latestRevision", &file.name, latest, false);
    }
}

/// One revision. The size of one that is not complete is told only in a file's own document, and never of a
/// corrupt one (protocol 4.2).
fn revision(xml: &mut Xml, element: &str, name: &str, revision: &Revision, is_direct: bool) {
    let mime = mime(name);
    xml.open(element, &[]);
    xml.number("number", revision.number);
    xml.element("state", revision.state_name());
    xml.time("created", Some(revision.created));
    xml.time("modified", Some(revision.modified));
    xml.element("mime", mime);
    let size = match revision.state {
        State::Completed(_) => Some(revision.key.size),
        State::Incomplete(_) if is_direct => revision.received(),
        State::Incomplete(_) | State::Corrupt => None,
    };
    if let Some(size) = size {
        xml.number("size", size);
    }
    xml.element("md5", &revision.md5);
    xml.time("updated", Some(revision.updated));
    xml.close(element);
}

fn share(xml: &mut Xml, uri: Option<&str>) {
    if let Some(uri) = uri {
        xml.element("publicURI", uri);
        xml.element("publicSharePath", &format!("s/{uri}"));
    }
}

fn metadata(xml: &mut Xml, (folders, files): (usize, usize)) {
    let total = (folders + files).to_string();
    let (folders, files) = (folders.to_string(), files.to_string());
    xml.empty(
        "metadata",
        &[("first", ""), ("max", ""), ("total", &total), ("num_folders", &folders), ("num_files", &files)],
    );
}

/// The service's guess from the name.
fn mime(name: &str) -> &'static str {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    match ending.to_ascii_lowercase().as_str() {
        "txt" | "log" | "md" => "text/plain",
        "html" | "htm" => "text/html",
        "pdf" => "application/pdf",
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "iso" => "application/x-iso9660-image",
        "ods" => "application/vnd.oasis.opendocument.spreadsheet",
        _ => "application/octet-stream",
    }
}
