//! Recursive listings: `mode=list` and `mode=liststream` (protocol 4.3, 4.4).
//!
//! Both are written piece by piece into a sink, so that a million entries need no more memory than one piece.

use std::fmt::Write as _;

use super::Xml;
use super::account::HOST;
use super::entries::listed_file;
use super::xml::escape;
use crate::address::Address;
use crate::switches::{EmptyRoot, FolderElements, ListstreamRoot, Switches};
use crate::times::{Seconds, classic, write_milliseconds};
use crate::world::tree::{File, Folder};

/// How much is written before it goes to the sink.
const PIECE_BYTES: usize = 64 * 1024;

/// The reader is gone.
pub(crate) struct Stopped;

/// Takes pieces of a listing.
pub(crate) type Sink<'a> = dyn FnMut(String) -> Result<(), Stopped> + 'a;

/// Writes `mode=list` of the folder at `place`.
pub(crate) fn list(
    folder: &Folder,
    place: &Address,
    user: &str,
    now: Seconds,
    sink: &mut Sink,
) -> Result<(), Stopped> {
    let mut xml = Xml::new();
    xml.open("filedirlist", &[("time", &classic(now)), ("host", HOST)]);
    xml.open("folders", &[]);
    list_folder(&mut xml, folder, place, user, sink)?;
    xml.close("folders");
    xml.close("filedirlist");
    sink(xml.finish())
}

fn list_folder(
    xml: &mut Xml,
    folder: &Folder,
    place: &Address,
    user: &str,
    sink: &mut Sink,
) -> Result<(), Stopped> {
    let deleted = folder.deleted.map(classic);
    let mut attributes = vec![("name", folder.name.as_ref())];
    if let Some(deleted) = &deleted {
        attributes.push(("deleted", deleted));
    }
    xml.open("folder", &attributes);
    let parent = place.parent().absolute(user);
    let here = place.absolute(user);
    xml.preserved("path", &parent);
    xml.preserved("abspath", &parent);
    if folder.files().next().is_some() {
        xml.open("files", &[]);
        for file in folder.files() {
            listed_file(xml, file, &here, false);
            if xml.len() >= PIECE_BYTES {
                sink(xml.take())?;
            }
        }
        xml.close("files");
    }
    xml.close("folder");
    for child in folder.folders() {
        list_folder(xml, child, &place.child(&child.name), user, sink)?;
    }
    Ok(())
}

/// How a liststream is to be spoilt, for tests of what clients make of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Spoilt {
    pub(crate) without_stats: bool,
    pub(crate) wrong_stats: bool,
}

/// Writes `mode=liststream` of the folder at `place`.
pub(crate) fn liststream(
    folder: &Folder,
    place: &Address,
    switches: &Switches,
    spoilt: Spoilt,
    sink: &mut Sink,
) -> Result<(), Stopped> {
    let root = match switches.liststream_root {
        ListstreamRoot::Liststream => "liststream",
        ListstreamRoot::Filelist => "filelist",
    };
    let mut stream = Stream {
        out: format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root}>\n"),
        folders: 0,
        files: 0,
        switches,
        // A tombstone is listed only when the switch says that tombstones are listed as if they were live.
        tombstones: folder.deleted.is_some(),
        sink,
    };
    // Paths start at the mountpoint: no user, no device.
    let mut path = String::new();
    for part in &place.parts()[1..] {
        path.push('/');
        escape(&mut path, part);
    }
    stream.folder(folder, &path, true)?;
    let Stream { mut out, folders, mut files, sink, .. } = stream;
    if spoilt.wrong_stats {
        files += 1;
    }
    if !spoilt.without_stats {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "<stats><folders>{folders}</folders><files>{files}</files></stats>");
    }
    let _ = writeln!(out, "</{root}>");
    sink(out)
}

struct Stream<'a, 'sink> {
    out: String,
    folders: u64,
    files: u64,
    switches: &'a Switches,
    tombstones: bool,
    sink: &'a mut Sink<'sink>,
}

impl Stream<'_, '_> {
    fn folder(&mut self, folder: &Folder, path: &str, is_root: bool) -> Result<(), Stopped> {
        let tombstones = self.tombstones;
        let shown = move |deleted: Option<Seconds>| tombstones || deleted.is_none();
        let files = || folder.files().filter(|file| shown(file.deleted) && file.current().is_some());
        let folders = || folder.folders().filter(|child| shown(child.deleted));
        let has_files = files().next().is_some();
        let is_hidden = is_root
            && !has_files
            && folders().next().is_none()
            && self.switches.empty_root == EmptyRoot::Nothing;
        if is_hidden {
            return Ok(());
        }
        // A file announces its folder too, so every folder counts, with an element of its own or not.
        self.folders += 1;
        if !has_files || self.switches.folder_elements == FolderElements::EveryFolder {
            self.out.push_str("<folder><path>");
            self.out.push_str(path);
            self.out.push_str("</path></folder>\n");
        }
        for file in files() {
            self.file(file, path)?;
        }
        for child in folders() {
            let mut below = String::with_capacity(path.len() + 1 + child.name.len());
            below.push_str(path);
            below.push('/');
            escape(&mut below, &child.name);
            self.folder(child, &below, false)?;
        }
        Ok(())
    }

    fn file(&mut self, file: &File, path: &str) -> Result<(), Stopped> {
        let Some(current) = file.current() else { return Ok(()) };
        self.files += 1;
        let out = &mut self.out;
        out.push_str("<file><path>");
        out.push_str(path);
        out.push_str("</path><filename>");
        escape(out, &file.name);
        out.push_str("</filename><md5>");
        escape(out, &current.md5);
        out.push_str("</md5><size>");
        out.push_str(&current.key.size.to_string());
        out.push_str("</size><modified>");
        write_milliseconds(out, current.modified);
        out.push_str("</modified><created>");
        write_milliseconds(out, current.created);
        out.push_str("</created></file>\n");
        if out.len() >= PIECE_BYTES {
            (self.sink)(std::mem::take(out))?;
        }
        Ok(())
    }
}
