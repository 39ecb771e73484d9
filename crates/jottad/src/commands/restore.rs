//! `jottad restore`: a file or folder as it was.

mod folder;
pub(crate) mod follow;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use jottad_core::{Name, StoredPath, Timestamp, encode_name, shell_word};
use jottad_transport::{Client, FileDetails, RemotePath, Revision, Sighting, UploadFacts};
use serde_json::{Value, json};

use crate::cli::completion::remote_place;
use crate::cli::failure::{Exit, Failure};
use crate::cli::invocation::Invocation;
use crate::cli::moment::moment_argument;
use crate::cli::output::{Escaped, Output, count, local_time, now, remark, rfc3339};
use crate::commands::get::local_place;
use crate::commands::restore::follow::Follow;
use crate::commands::versions::revisions;
use crate::remote::{
    LocalFile, Progress, Then, Trouble, Wanted, absent, fetch, make_parent, not_file, send, target_argument,
    then,
};

/// Clocks that somebody looks after differ by no more than that.
const LARGEST_SKEW: Duration = Duration::from_mins(10);

/// What helps where a file of another content is in the way of what `--to` names.
const ELSEWHERE: &str =
    "nothing local is replaced by --to: another name keeps both, --to LOCAL; move the file away for this one";

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
    #[arg(long, value_name = "LOCAL", conflicts_with = "here")]
    to: Option<PathBuf>,
    /// Bring it to where its folder has it on this machine as well, where the next pass does not; what
    /// differs there goes to the folder's local trash. Without it, ask on a terminal
    #[arg(long)]
    here: bool,
}

/// What was restored in its place, to be told when all is done.
pub(crate) struct Restored {
    document: Value,
    /// Whether anything is other than before.
    is_changed: bool,
    /// What could not be had, and the result.
    remarks: Vec<String>,
    line: String,
    exit: Exit,
}

impl Restored {
    pub(crate) fn tell(&self, output: Output) -> Result<Exit, Failure> {
        output.either(&self.document, || {
            self.remarks.iter().for_each(|text| remark(Escaped(text)));
            output.prose(&self.line)
        })?;
        Ok(self.exit)
    }
}

/// Brings back. What is current stays as a revision.
pub(crate) fn run(arguments: &RestoreArguments, invocation: &Invocation) -> Result<Exit, Failure> {
    let place = match target_argument(&arguments.remote) {
        Err(failure) => return Err(meant_locally(&arguments.remote, invocation)?.unwrap_or(failure)),
        Ok(place) => place,
    };
    let follow = Follow::find(&place, invocation)?;
    if arguments.here && follow.is_none() {
        return Err(Failure::usage(format!("{place} is in no folder, so it is nowhere on this machine"))
            .path(place.to_string())
            .hint(format!("say where to: jottad restore {} --to LOCAL", shell_word(place))));
    }
    let (revision, at) = (arguments.revision, arguments.at);
    if let Some(at) = at.filter(|at| is_to_come(*at, now())) {
        return Err(Failure::usage(format!("restoring {place}: {} is still to come", local_time(at)))
            .path(place.to_string())
            .hint(format!(
                "say a time that has passed, such as --at yesterday; as it is now it is fetched by: jottad get -r {}",
                shell_word(place)
            )));
    }
    let client = invocation.client()?;
    let output = invocation.output;
    let to = arguments.to.as_deref();
    let asked = match (revision, at) {
        (Some(revision), _) => format!("--revision {revision}"),
        (None, Some(at)) => format!("--at {}", rfc3339(at)),
        (None, None) => String::new(),
    };
    invocation.wait(async {
        let seen = client.look(&place).await?;
        let was_trashed = matches!(seen, Sighting::TrashedFile(_) | Sighting::TrashedFolder);
        let restored = match &seen {
            Sighting::Missing => {
                return Err(meant_locally(&arguments.remote, invocation)?.unwrap_or_else(|| {
                    not_file("restoring", &place, &seen).hint("`jottad trash ls` shows what can be had")
                }));
            }
            Sighting::Folder | Sighting::TrashedFolder if revision.is_some() => {
                return Err(absent(
                    "restoring a revision of",
                    &place,
                    "it is a folder; only files have revisions",
                )
                .hint(format!(
                    "name a file in it, or a time: jottad restore {} --at TIME",
                    shell_word(place)
                )));
            }
            _ if was_trashed && to.is_none() && revision.is_none() && at.is_none() => {
                restore_trashed(&client, &place, output).await?
            }
            Sighting::Folder if at.is_none() => {
                let message = format!("restoring {place}: it is a live folder; say as of when");
                return Err(Failure::usage(message)
                    .path(place.to_string())
                    .hint(format!("jottad restore {} --at \"2026-01-31 12:00\"", shell_word(place))));
            }
            Sighting::Folder | Sighting::TrashedFolder => {
                let at = match at {
                    Some(at) => at,
                    None => folder::before_the_trash(&client, &place).await?,
                };
                let past = folder::read(&client, &place, at).await?;
                if let Some(to) = to {
                    return folder::fetch_past(&client, &place, past, to, invocation).await;
                }
                folder::restore_past(&client, &place, past, at, invocation).await?
            }
            Sighting::File(_) if to.is_none() && revision.is_none() && at.is_none() => {
                let message = format!("restoring {place}: it is not in the trash; say which revision");
                return Err(Failure::usage(message).path(place.to_string()).hint(format!(
                    "jottad versions {} lists them; then --revision N or --at TIME",
                    shell_word(place)
                )));
            }
            _ => {
                let details = client.file(&place).await?;
                let details = details.ok_or_else(|| not_file("restoring", &place, &Sighting::Missing))?;
                let revision = choose(&place, &details, revision, at)?;
                if let Some(to) = to {
                    return fetch_revision(&client, &place, &details, &revision, to, output).await;
                }
                restore_revision(&client, &place, &details, &revision, invocation).await?
            }
        };
        match follow {
            Some(follow) => follow.tell(&client, restored, &asked, arguments.here, output).await,
            None => restored.tell(output),
        }
    })
}

/// What is said where nothing has such a name on the service, and it is one of something local.
fn meant_locally(text: &str, invocation: &Invocation) -> Result<Option<Failure>, Failure> {
    let path = invocation.places.expand(Path::new(text));
    let Ok(path) = std::path::absolute(path) else { return Ok(None) };
    let config = invocation.tolerant_config()?;
    let folder = config.place_of(&path);
    if folder.is_none() && !path.exists() {
        return Ok(None);
    }
    let failure = Failure::usage(format!("restoring {text}: it is a local path")).path(text.to_owned());
    let remote = folder.and_then(|(folder, inside)| {
        let names = inside.components().map(|name| Some(encode_name(&Name::new(name).ok()?)));
        Some(folder.remote.below(&StoredPath::new(names.collect::<Option<_>>()?)))
    });
    Ok(Some(match remote {
        Some(remote) => {
            let (word, local) = (shell_word(&remote), shell_word(text));
            failure.hint(format!(
                "on the service it is {remote}: `jottad versions {word}` lists its revisions; what the local \
                 trash has of it comes back by `jottad trash restore --local {local}`"
            ))
        }
        None => failure.hint("it is in no folder; name its place on the service: DEVICE/MOUNTPOINT/path"),
    }))
}

/// Whether a time has not come yet, by whichever clock: the service's may go differently.
fn is_to_come(at: Timestamp, now: Timestamp) -> bool {
    at.seconds().saturating_sub(now.seconds()) > LARGEST_SKEW.as_secs().cast_signed()
}

/// Brings a file or folder out of the trash.
pub(crate) async fn restore_trashed(
    client: &Client,
    place: &RemotePath,
    output: Output,
) -> Result<Restored, Failure> {
    match client.look(place).await? {
        Sighting::TrashedFile(_) | Sighting::TrashedFolder => {}
        Sighting::Missing => {
            return Err(absent("restoring", place, "it is not in the trash")
                .hint("`jottad trash ls` shows what can be had"));
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
    let (files, folders) =
        (count(restored.files, "file", "files"), count(restored.folders, "folder", "folders"));
    let remarks = restored.left.iter().map(|(path, reason)| format!("left in the trash: {path}: {reason}"));
    Ok(Restored {
        document,
        is_changed: restored.files + restored.folders > 0,
        remarks: remarks.collect(),
        line: format!("restored {files} and {folders}"),
        exit: if restored.left.is_empty() { Exit::Done } else { Exit::Problems },
    })
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
            Then::Later(came) => {
                let (at, came) = (local_time(at), local_time(came));
                (None, format!("on {at} it was not there: it came later, on {came}"))
            }
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
    let fetched = fetch(client, &wanted, (&directory, &name), Err(ELSEWHERE), &progress).await;
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
        output.prose(format_args!(
            "{place}{} is in {}",
            numbered(revision),
            Escaped(&path.display().to_string())
        ))
    })?;
    Ok(Exit::Done)
}

/// Makes a revision the current one: by its hash where the service finds it, otherwise over this machine.
async fn restore_revision(
    client: &Client,
    place: &RemotePath,
    details: &FileDetails,
    revision: &Revision,
    invocation: &Invocation,
) -> Result<Restored, Failure> {
    let is_as = |current: &Revision| {
        let is_equal = current.content().is_some() && current.content() == revision.content();
        current.number == revision.number || is_equal && current.modified == revision.modified
    };
    let is_current = details.entry.trashed.is_none() && details.entry.current.as_ref().is_some_and(is_as);
    if !is_current && !client.restore_revision(place, revision).await? {
        let progress = Progress::new(invocation.output);
        progress.expect(1, revision.size.unwrap_or_default());
        send_again(client, place, revision, invocation, &progress).await.map_err(Trouble::into_failure)?;
    }
    let document = json!({
        "schema": 1,
        "path": place.to_string(),
        "revision": revision.number,
        "modified": revision.modified.map(rfc3339),
        "changed": !is_current,
    });
    let done = if is_current { "was current already" } else { "is current again" };
    let line = format!("{place}{} {done}", numbered(revision));
    Ok(Restored { document, is_changed: !is_current, remarks: Vec::new(), line, exit: Exit::Done })
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
        Failure::of_system(format_args!("making a temporary file in {}", directory.display()), &error)
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
