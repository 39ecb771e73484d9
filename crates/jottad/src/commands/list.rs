//! `jottad ls`: a place on the service.

use std::borrow::Cow;

use clap::Args;
use jottad_core::{
    Content, DecodedName, RelativePath, StoredName, StoredPath, Timestamp, decode_name, plain_text,
    shell_word, shown_text,
};
use jottad_transport::{Client, LiveFile, RemotePath, Sighting, StreamedEntry};
use serde::Serialize;

use crate::cli::completion::remote_place;
use crate::cli::failure::{Exit, Failure};
use crate::cli::invocation::Invocation;
use crate::cli::output::{Output, Page, local_time, path_text, rfc3339};
use crate::config::units::format_size;
use crate::remote::{Found, Named, is_pattern, named, with_device};

#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// What to list: DEVICE/MOUNTPOINT[/path], for example Jotta/Archive/Photos, or a device for its
    /// mountpoints. A pattern in quotes such as 'Jotta/Archive/x/*.jpg' lists what it matches
    #[arg(add = remote_place())]
    remote: String,
    /// With size and time
    #[arg(short)]
    long: bool,
    /// Everything below, as it comes
    #[arg(short = 'R', long)]
    recursive: bool,
}

/// One entry.
#[derive(Debug, Clone, Copy)]
struct Line<'a> {
    path: &'a str,
    facts: Option<Facts>,
}

/// One entry, as scripts get it.
#[derive(Debug, Serialize)]
struct Document<'a> {
    path: &'a str,
    name: &'a str,
    kind: &'static str,
    size: Option<u64>,
    md5: Option<String>,
    modified: Option<String>,
}

/// Lists; of `-R` the first lines come before the last are known.
pub(crate) fn run(arguments: &ListArguments, invocation: &Invocation) -> Result<Exit, Failure> {
    let device = arguments.remote.trim_end_matches('/');
    if let Some(device) = StoredName::new(device) {
        return list_device(&device, arguments.long, invocation);
    }
    let parsed = RemotePath::parse(&arguments.remote).map_err(|error| {
        Failure::usage(error.to_string()).path(&arguments.remote).hint("for example: jottad ls Jotta/Archive")
    });
    if !is_pattern(&arguments.remote) {
        parsed?;
    }
    let client = invocation.client()?;
    let (output, long) = (invocation.output, arguments.long);
    invocation.wait(async {
        let Found { place: remote, seen } = match named(&client, "listing", &arguments.remote).await? {
            Named::Place(found) => found,
            Named::Matches(all) => {
                list_matches(&client, &all, arguments, output).await?;
                return Ok(Exit::Done);
            }
        };
        match seen {
            Sighting::Folder => {}
            Sighting::File(file) => {
                let name = remote.name().cloned().unwrap_or_else(|| remote.mountpoint().clone());
                let mut page = output.page();
                Line::file(&decoded_name(&name), file.into()).print(&mut page, long)?;
                page.finish()?;
                return Ok(Exit::Done);
            }
            Sighting::Missing => return Err(absent(&remote, "there is nothing")),
            Sighting::UnfinishedFile(_) => return Err(absent(&remote, "its upload was never finished")),
            Sighting::TrashedFile(_) | Sighting::TrashedFolder => {
                return Err(absent(&remote, "it is in the trash"));
            }
        }
        if arguments.recursive {
            list_all(&client, &remote, &StoredPath::root(), output, long).await?;
        } else {
            list_one(&client, &remote, output, long).await?;
        }
        Ok(Exit::Done)
    })
}

/// What a device holds are mountpoints.
fn list_device(device: &StoredName, long: bool, invocation: &Invocation) -> Result<Exit, Failure> {
    let client = invocation.client()?;
    invocation.wait(async {
        let Some(found) = client.device(device).await? else {
            let failure = Failure::failed(format!("there is no device {device}")).path(device.as_str());
            return Err(failure.hint(match with_device(device, device.as_str()) {
                Some(meant) => {
                    format!(
                        "a path begins with the device, which rclone leaves out: jottad ls {}",
                        shell_word(meant)
                    )
                }
                None => "`jottad devices` lists them".to_owned(),
            }));
        };
        let mut page = invocation.output.page();
        for mountpoint in found.mountpoints.into_iter().filter(|mountpoint| !mountpoint.trashed) {
            Line::folder(&decoded_name(&mountpoint.name)).print(&mut page, long)?;
        }
        page.finish()?;
        Ok(Exit::Done)
    })
}

async fn list_one(client: &Client, remote: &RemotePath, output: Output, long: bool) -> Result<(), Failure> {
    let listing = client.folder(remote).await?.filter(jottad_transport::FolderListing::is_live);
    let listing = listing.ok_or_else(|| absent(remote, "there is nothing"))?;
    let mut entries: Vec<(Cow<'_, str>, Option<Facts>)> = Vec::new();
    for folder in listing.folders.iter().filter(|folder| folder.trashed.is_none()) {
        entries.push((decoded_name(&folder.name), None));
    }
    for file in &listing.files {
        if let Some(live) = file.live() {
            entries.push((decoded_name(&file.name), Some(live.into())));
        }
    }
    entries.sort_by(|(one, _), (two, _)| one.cmp(two));
    let mut page = output.page();
    for (name, facts) in &entries {
        Line { path: name, facts: *facts }.print(&mut page, long)?;
    }
    page.finish()
}

/// What a pattern matches, each with its place: they may be in different folders.
async fn list_matches(
    client: &Client,
    all: &[Found],
    arguments: &ListArguments,
    output: Output,
) -> Result<(), Failure> {
    let long = arguments.long;
    for Found { place, seen } in all {
        let names = [place.device(), place.mountpoint()].into_iter().chain(place.names());
        let path = StoredPath::new(names.cloned().collect());
        let mut page = output.page();
        let mut texts = Texts::below(&StoredPath::root());
        match seen {
            Sighting::File(file) => Line::file(texts.of(&path), (*file).into()).print(&mut page, long)?,
            _ => Line::folder(texts.of(&path)).print(&mut page, long)?,
        }
        page.finish()?;
        if arguments.recursive && matches!(seen, Sighting::Folder) {
            list_all(client, place, &path, output, long).await?;
        }
    }
    Ok(())
}

/// Everything below a place; `above` is put before each path.
async fn list_all(
    client: &Client,
    remote: &RemotePath,
    above: &StoredPath,
    output: Output,
    long: bool,
) -> Result<(), Failure> {
    let mut texts = Texts::below(above);
    let mut stream = client.list_stream(remote).await?;
    let mut page = output.page();
    while let Some(batch) = stream.next_batch().await? {
        for entry in batch {
            let line = match &entry {
                StreamedEntry::Folder(path) => Line::folder(texts.of(path)),
                StreamedEntry::File { path, content, modified, .. } => {
                    Line::file(texts.of(path), Facts { content: *content, modified: *modified })
                }
                StreamedEntry::Unusable { path, reason } => {
                    tracing::warn!(path, reason, "an entry is left out");
                    continue;
                }
            };
            line.print(&mut page, long)?;
        }
        // What came is shown before more is waited for.
        page.flush()?;
    }
    page.finish()
}

/// What a listing tells of a file.
#[derive(Debug, Clone, Copy)]
struct Facts {
    content: Content,
    modified: Option<Timestamp>,
}

impl From<LiveFile> for Facts {
    fn from(file: LiveFile) -> Self {
        Self { content: file.content, modified: file.modified }
    }
}

impl<'a> Line<'a> {
    fn folder(path: &'a str) -> Self {
        Self { path, facts: None }
    }

    fn file(path: &'a str, facts: Facts) -> Self {
        Self { path, facts: Some(facts) }
    }

    fn document(&self) -> Document<'a> {
        let &Self { path, facts } = self;
        Document {
            path,
            name: path.rsplit('/').next().unwrap_or(path),
            kind: if facts.is_some() { "file" } else { "directory" },
            size: facts.map(|facts| facts.content.size),
            md5: facts.map(|facts| facts.content.md5.to_string()),
            modified: facts.and_then(|facts| facts.modified).map(rfc3339),
        }
    }

    fn print(&self, page: &mut Page, long: bool) -> Result<(), Failure> {
        if page.json() {
            return page.document(&self.document());
        }
        let slash = if self.facts.is_none() { "/" } else { "" };
        let name = shown_text(self.path);
        if !long {
            return page.line(format_args!("{name}{slash}"));
        }
        let size = self.facts.map(|facts| format_size(facts.content.size)).unwrap_or_default();
        let time = self.facts.and_then(|facts| facts.modified).map(local_time).unwrap_or_default();
        if !page.is_narrow() {
            return page.line(format_args!("{size:>10}  {time:<19}  {name}{slash}"));
        }
        page.line(format_args!("{name}{slash}"))?;
        if self.facts.is_some() { page.line(format_args!("  {size}  {time}")) } else { Ok(()) }
    }
}

/// Paths as the user knows them, one after the other. The text of the folder is kept for what else is in it.
struct Texts {
    text: String,
    /// Bytes of what all paths are below, with a slash.
    start: usize,
    folder: Vec<StoredName>,
    /// Bytes of the folder with all above it, with a slash.
    folder_end: usize,
}

impl Texts {
    fn below(above: &StoredPath) -> Self {
        let mut text = String::new();
        push_names(&mut text, above.names());
        Self { start: text.len(), folder: Vec::new(), folder_end: text.len(), text }
    }

    /// Names decoded; a name that has no local form as it is stored.
    fn of(&mut self, path: &StoredPath) -> &str {
        let Some((name, folder)) = path.names().split_last() else { return "" };
        if folder != self.folder {
            self.text.truncate(self.start);
            push_names(&mut self.text, folder);
            self.folder = folder.to_vec();
            self.folder_end = self.text.len();
        }
        self.text.truncate(self.folder_end);
        self.text.push_str(&decoded_name(name));
        &self.text
    }
}

fn push_names(text: &mut String, names: &[StoredName]) {
    for name in names {
        text.push_str(&decoded_name(name));
        text.push('/');
    }
}

fn decoded_name(name: &StoredName) -> Cow<'_, str> {
    if let Some(plain) = name.plain().and_then(|plain| plain_text(plain.as_bytes())) {
        return Cow::Borrowed(plain);
    }
    match decode_name(name) {
        DecodedName::Native(decoded) | DecodedName::Foreign(decoded) => {
            Cow::Owned(path_text(&RelativePath::root().join(&decoded)))
        }
        DecodedName::Unrepresentable(_) => Cow::Borrowed(name.as_str()),
    }
}

fn absent(remote: &RemotePath, why: &str) -> Failure {
    let failure = Failure::failed(format!("listing {remote}: {why}")).path(remote.to_string());
    if let Some(meant) = with_device(remote.device(), &remote.to_string()) {
        return failure.hint(format!(
            "a path begins with the device, which rclone leaves out: jottad ls {}",
            shell_word(meant)
        ));
    }
    match remote.parent() {
        Some(parent) => failure.hint(format!("jottad ls {}", shell_word(parent))),
        None => failure.hint(format!("jottad mountpoints {}", shell_word(remote.device()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_is_its_names_decoded_whatever_came_before_it() {
        let path = |names: &[&str]| {
            StoredPath::new(names.iter().map(|name| StoredName::new(*name).unwrap()).collect())
        };
        let listed: [(&[&str], &str); 8] = [
            (&["a"], "a"),
            (&["a", "b：c"], "a/b:c"),
            (&["a", "longer than it"], "a/longer than it"),
            (&["a", "ø"], "a/ø"),
            (&["x"], "x"),
            (&["a：", "b", ".."], "a:/b/.."),
            (&["a", "$'b"], "a/$'$\\'b'"),
            (&[], ""),
        ];
        for (above, start) in [(&[][..], ""), (&["Jotta", "Archive", "％"][..], "Jotta/Archive/%/")] {
            let mut texts = Texts::below(&path(above));
            for (names, text) in listed {
                let expected = if text.is_empty() { String::new() } else { format!("{start}{text}") };
                assert_eq!(texts.of(&path(names)), expected);
            }
        }
    }
}
