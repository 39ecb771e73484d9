//! `jottad restore`: a file or folder as it was.

mod folder;

use std::path::{Path, PathBuf};

use clap::Args;
use jottad_core::{Timestamp, shell_word};
use jottad_transport::{Client, FileDetails, RemotePath, Revision, Sighting, UploadFacts};
use serde_json::json;

use crate::commands::get::local_place;
use crate::commands::versions::revisions;
use crate::completion::remote_place;
use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::moment::moment_argument;
use crate::output::{Escaped, Output, count, local_time, remark, rfc3339};
use crate::remote::{
    LocalFile, Progress, Then, Trouble, Wanted, absent, fetch, make_parent, not_file, send, target_argument,
    then,
};

#[derive(Debug, Args)]
pub(crate) struct RestoreArguments {
    /// What to bring back: DEVICE/MOUNTPOINT/path
    #[arg(add = remote_place())]
    remote: String,
    /// The revision of a file that `jottad versions` shows
    #[arg(long, value_name = "N", conflicts_with = "at")]
    revision: Option<u64>,
    /// As the file, or the folder with all in it, was at this time, as far as revisions and trash tell, for
    /// example "2026-01-31 12:00". What was moved meanwhile is restored where it is now; what came later
    /// stays
    #[arg(long, value_name = "TIME", value_parser = moment_argument)]
    at: Option<Timestamp>,
    /// Fetch it to this machine instead, a folder into this directory; the service stays as it is
    #[arg(long, value_name = "LOCAL")]
    to: Option<PathBuf>,
}

/// Brings back. What is current stays as a revision.
pub(crate) fn run(arguments: &RestoreArguments, invocation: &Invocation) -> Result<Exit, Failure> {
    let place = target_argument(&arguments.remote)?;
    let client = invocation.client()?;
    let output = invocation.output;
    let (revision, at) = (arguments.revision, arguments.at);
    let to = arguments.to.as_deref();
    invocation.wait(async {
        let seen = client.look(&place).await?;
        match (&seen, to) {
            (Sighting::Missing, _) => {
                Err(not_file("restoring", &place, &seen).hint("jottad trash ls shows what can be had"))
            }
            (Sighting::Folder | Sighting::TrashedFolder, _) if revision.is_some() => {
                Err(absent("restoring a revision of", &place, "it is a folder; only files have revisions")
                    .hint(format!(
                        "name a file in it, or a time: jottad restore {} --at TIME",
                        shell_word(&place)
                    )))
            }
            (Sighting::TrashedFile(_) | Sighting::TrashedFolder, None)
                if revision.is_none() && at.is_none() =>
            {
                let restored = restore_trashed(&client, &place, output).await?;
                say_what_follows(&place, true, invocation)?;
                Ok(restored)
            }
            (Sighting::Folder, _) if at.is_none() => {
                Err(Failure::usage(format!("restoring {place}: it is a live folder; say as of when"))
                    .path(place.to_string())
                    .hint(format!("jottad restore {} --at \"2026-01-31 12:00\"", shell_word(&place))))
            }
            (Sighting::Folder | Sighting::TrashedFolder, _) => {
                let at = match at {
                    Some(at) => at,
                    None => folder::before_the_trash(&client, &place).await?,
                };
                folder::restore(&client, &place, at, to, invocation).await
            }
            (Sighting::File(_), None) if revision.is_none() && at.is_none() => {
                Err(Failure::usage(format!("restoring {place}: it is not in the trash; say which revision"))
                    .path(place.to_string())
                    .hint(format!(
                        "jottad versions {} lists them; then --revision N or --at TIME",
                        shell_word(&place)
                    )))
            }
            _ => {
                let details = client.file(&place).await?;
                let details = details.ok_or_else(|| not_file("restoring", &place, &Sighting::Missing))?;
                let revision = choose(&place, &details, revision, at)?;
                if let Some(to) = to {
                    return fetch_revision(&client, &place, &details, &revision, to, output).await;
                }
                let was_trashed = details.entry.trashed.is_some();
                let restored = restore_revision(&client, &place, &details, &revision, invocation).await?;
                say_what_follows(&place, was_trashed, invocation)?;
                Ok(restored)
            }
        }
    })
}

/// What the next pass of the folder does that a restored place belongs to.
fn say_what_follows(place: &RemotePath, was_trashed: bool, invocation: &Invocation) -> Result<(), Failure> {
    let config = invocation.tolerant_config()?;
    let folder = config.folders.iter().find_map(|folder| Some((folder, inside(place, &folder.remote)?)));
    let Some((folder, inside)) = folder.filter(|_| !invocation.output.json) else { return Ok(()) };
    let local = folder.local.join(inside);
    let (name, mode, local) = (&folder.name, folder.mode, local.display());
    let fetch = format!(
        "to have it here as well: jottad get {} {} {}",
        if was_trashed { "-r" } else { "--force" },
        shell_word(place),
        shell_word(&local)
    );
    let text = if mode.pulls() {
        format!("it is in the folder {name:?} (mode {mode}): the next pass brings it to {local}")
    } else if was_trashed {
        format!(
            "it is in the folder {name:?} (mode {mode}): the next pass leaves it there and does not fetch it; {fetch}"
        )
    } else {
        format!(
            "it is in the folder {name:?} (mode {mode}): the next pass sends {local} over it again, and keeps it as a \
             revision; {fetch}"
        )
    };
    remark(Escaped(&text));
    Ok(())
}

/// The local path of a place below a remote root.
fn inside(place: &RemotePath, root: &RemotePath) -> Option<PathBuf> {
    let rest = place.to_string();
    let rest = rest.strip_prefix(&root.to_string())?;
    if rest.is_empty() { Some(PathBuf::new()) } else { rest.strip_prefix('/').map(PathBuf::from) }
}

/// Brings a file or folder out of the trash, and says what could not be had.
pub(crate) async fn restore_trashed(
    client: &Client,
    place: &RemotePath,
    output: Output,
) -> Result<Exit, Failure> {
    match client.look(place).await? {
        Sighting::TrashedFile(_) | Sighting::TrashedFolder => {}
        Sighting::Missing => {
            return Err(absent("restoring", place, "it is not in the trash")
                .hint("jottad trash ls shows what can be had"));
        }
        _ => {
            return Err(absent("restoring", place, "something live has this name by now")
                .hint("move it away first: jottad mv"));
        }
    }
    make_parent(client, place).await?;
    let progress = Progress::new(output);
    let restored = client.restore(place, &mut |restored| progress.reached(restored.files)).await?;
    drop(progress);
    let left: Vec<_> = restored
        .left
        .iter()
        .map(|(path, reason)| json!({"path": path.to_string(), "reason": reason}))
        .collect();
    let document = json!({
        "schema": 1,
        "path": place.to_string(),
        "files": restored.files,
        "folders": restored.folders,
        "left": left,
    });
    output.either(&document, || {
        for (path, reason) in &restored.left {
            remark(format_args!("left in the trash: {path}: {}", Escaped(reason)));
        }
        let (files, folders) =
            (count(restored.files, "file", "files"), count(restored.folders, "folder", "folders"));
        output.line(format_args!("restored {files} and {folders}"))
    })?;
    Ok(if restored.left.is_empty() { Exit::Done } else { Exit::Problems })
}

/// The revision that is meant; without a choice the one that the file holds, or held when it was trashed.
fn choose(
    place: &RemotePath,
    details: &FileDetails,
    number: Option<u64>,
    at: Option<Timestamp>,
) -> Result<Revision, Failure> {
    let all = revisions(details);
    let mut complete =
        all.iter().map(|(revision, _)| *revision).filter(|revision| revision.content().is_some());
    let (found, why) = match (number, at) {
        (Some(number), _) => (
            complete.find(|revision| revision.number == Some(number)).cloned(),
            format!("there is no complete revision {number}"),
        ),
        (None, Some(at)) => match then(details, at) {
            Then::Held(revision) => (Some(revision), String::new()),
            Then::Absent(why) => (None, format!("on {} it was not there: {why}", local_time(at))),
            Then::Unknown(why) => {
                (None, format!("no revision is kept that it had on {}: {why}", local_time(at)))
            }
        },
        (None, None) => (complete.next().cloned(), "no upload of it was ever finished".to_owned()),
    };
    let hint = || format!("jottad versions {} lists what there is", shell_word(place));
    found.ok_or_else(|| absent("restoring", place, &why).hint(hint()))
}

async fn fetch_revision(
    client: &Client,
    place: &RemotePath,
    details: &FileDetails,
    revision: &Revision,
    to: &Path,
    output: Output,
) -> Result<Exit, Failure> {
    let wanted = wanted(place, revision)?;
    let (directory, name) = local_place(place, Some(to))?;
    let progress = Progress::new(output);
    progress.expect(1, wanted.content.size);
    let fetched = fetch(client, &wanted, (&directory, &name), false, &progress).await;
    fetched.map_err(Trouble::into_failure).map_err(|failure| match details.entry.trashed {
        // The service gives out nothing that is in the trash (U-43).
        Some(_) => failure.hint(format!("bring it back first: jottad restore {}", shell_word(place))),
        None => failure,
    })?;
    drop(progress);
    let path = directory.path_of(&name);
    let document = json!({
        "schema": 1,
        "path": place.to_string(),
        "revision": revision.number,
        "to": path.display().to_string(),
    });
    output.either(&document, || {
        output.line(format_args!(
            "{place}{} is in {}",
            numbered(revision),
            Escaped(&path.display().to_string())
        ))
    })?;
    Ok(Exit::Done)
}

/// Makes a revision the current one: by its sum where the service finds it, otherwise over this machine.
async fn restore_revision(
    client: &Client,
    place: &RemotePath,
    details: &FileDetails,
    revision: &Revision,
    invocation: &Invocation,
) -> Result<Exit, Failure> {
    let is_current = details.entry.trashed.is_none()
        && details.entry.current.as_ref().is_some_and(|current| current.number == revision.number);
    if !is_current && !client.restore_revision(place, revision).await? {
        let progress = Progress::new(invocation.output);
        progress.expect(1, revision.size.unwrap_or_default());
        send_again(client, place, revision, invocation, &progress).await.map_err(Trouble::into_failure)?;
    }
    let output = invocation.output;
    let document = json!({
        "schema": 1,
        "path": place.to_string(),
        "revision": revision.number,
        "modified": revision.modified.map(rfc3339),
        "changed": !is_current,
    });
    output.either(&document, || {
        let done = if is_current { "was current already" } else { "is current again" };
        output.line(format_args!("{place}{} {done}", numbered(revision)))
    })?;
    Ok(Exit::Done)
}

/// Downloads a revision and uploads it as a new one.
async fn send_again(
    client: &Client,
    place: &RemotePath,
    revision: &Revision,
    invocation: &Invocation,
    progress: &Progress,
) -> Result<(), Trouble> {
    let wanted = wanted(place, revision)?;
    invocation.places.make_state_dir()?;
    let directory = &invocation.places.state_dir;
    let mut file = tempfile::tempfile_in(directory).map_err(|error| {
        Failure::failed(format!("making a temporary file in {}: {error}", directory.display()))
            .path(directory.display().to_string())
    })?;
    let held = jottad_transport::PartialContent::default();
    client.download(place, wanted.revision, wanted.content, held, &mut file).await?;
    let modified = wanted.modified.unwrap_or_default();
    let facts = UploadFacts { content: wanted.content, created: revision.created, modified };
    let local = LocalFile::own(file, Path::new(&place.to_string()), facts).await?;
    make_parent(client, place).await?;
    send(client, place, &local, true, progress).await?;
    Ok(())
}

fn wanted(place: &RemotePath, revision: &Revision) -> Result<Wanted, Failure> {
    let content = revision.content();
    let content = content.ok_or_else(|| absent("restoring", place, "the revision is not complete"))?;
    Ok(Wanted { place: place.clone(), revision: revision.number, content, modified: revision.modified })
}

fn numbered(revision: &Revision) -> String {
    revision.number.map_or_else(String::new, |number| format!(" (revision {number})"))
}
