//! A folder as it was at a time: in its place on the service, or fetched to this machine.

use std::path::Path;
use std::time::Duration;

use jottad_core::{Name, Timestamp, shell_word};
use jottad_transport::{Client, RemotePath};
use serde_json::json;

use crate::cli::failure::{Exit, Failure};
use crate::cli::invocation::Invocation;
use crate::cli::output::{count, local_time, now, remark, rfc3339};
use crate::commands::restore::{Restored, send_again};
use crate::remote::{
    AtOnce, Directory, Fetched, LocalTree, Past, PastFile, Progress, Tally, Trouble, Wanted, absent, fetch,
    make_parent,
};

/// How long the service keeps what is in the trash (protocol 9.3).
const TRASH_KEPT: Duration = Duration::from_hours(30 * 24);

/// The last moment before a folder was trashed.
pub(super) async fn before_the_trash(client: &Client, place: &RemotePath) -> Result<Timestamp, Failure> {
    let trashed = client.folder(place).await?.and_then(|listing| listing.trashed);
    let stamp = trashed.and_then(|trashed| trashed.at).ok_or_else(|| {
        absent("restoring", place, "the service does not tell when it was trashed")
            .hint(format!("say as of when: jottad restore {} --at TIME", shell_word(place)))
    })?;
    Ok(Timestamp::from_seconds(stamp.seconds() - 1))
}

/// Finds out what was there at a time.
pub(super) async fn read(client: &Client, place: &RemotePath, at: Timestamp) -> Result<Past, Failure> {
    let past = Past::read(client, place, at).await.map_err(Trouble::into_failure)?;
    let reach = now().seconds().saturating_sub(TRASH_KEPT.as_secs().cast_signed());
    if at.seconds() < reach {
        remark(format_args!(
            "the service empties its trash after 30 days: what was deleted before {} is neither known nor to be had",
            local_time(Timestamp::from_seconds(reach))
        ));
    }
    match past.all_came_later() {
        Some(first) => {
            let (at, first) = (local_time(at), local_time(first));
            let why =
                format!("nothing is known to have been in it on {at}: the first that is came on {first}");
            Err(absent("restoring", place, &why)
                .hint(format!("say a later time: jottad restore {} --at \"{first}\"", shell_word(place))))
        }
        None => Ok(past),
    }
}

/// Fetches what was there into a directory.
pub(super) async fn fetch_past(
    client: &Client,
    place: &RemotePath,
    past: Past,
    to: &Path,
    invocation: &Invocation,
) -> Result<Exit, Failure> {
    let progress = &Progress::new(invocation.output);
    progress.expect(past.files.len() as u64, past.bytes());
    let mut tally = Tally::default();
    let mut target = LocalTree::new(Directory::make(to)?);
    for (path, reason) in &past.left {
        tally.skip(&path.to_string(), reason, progress);
    }
    for folder in &past.folders {
        if let Err(failure) = target.make(&folder.path) {
            tally.skip(&place.below(&folder.path).to_string(), failure.message(), progress);
        }
    }
    let mut files = Vec::new();
    for file in past.files {
        match target.claim(&file.path) {
            Some(Ok(name)) => files.push((name, file)),
            Some(Err(reason)) => tally.skip(&place.below(&file.path).to_string(), &reason, progress),
            None => {}
        }
    }
    let work = |(name, file): (Name, PastFile)| {
        let opened = target.open_parent(&file.path);
        async move {
            let fetched = fetch_file(client, place, &file, opened, &name, progress).await;
            progress.file_done();
            (file, fetched)
        }
    };
    let take = |file: PastFile, fetched| {
        match fetched {
            Ok(Fetched::Written | Fetched::Exchanged) => {
                tally.files += 1;
                tally.bytes += file.size();
            }
            Ok(Fetched::Unchanged) => tally.unchanged += 1,
            Err(trouble) => tally.suffer(&place.below(&file.path).to_string(), trouble, progress)?,
        }
        Ok::<(), Failure>(())
    };
    AtOnce::new(client).each(files, |(_, file)| file.size(), work, take).await?;
    tally.finish("fetched", invocation.output)
}

async fn fetch_file(
    client: &Client,
    place: &RemotePath,
    file: &PastFile,
    directory: Result<std::sync::Arc<Directory>, Failure>,
    name: &Name,
    progress: &Progress,
) -> Result<Fetched, Trouble> {
    let place = place.below(&file.path);
    let content = file.revision.content();
    let content = content.ok_or_else(|| absent("restoring", &place, "the revision is not complete"))?;
    let revision = file.revision.number.filter(|_| !file.is_current);
    let wanted = Wanted { place: place.clone(), revision, content, modified: file.revision.modified };
    match fetch(client, &wanted, (&*directory?, name), Err(super::ELSEWHERE), progress).await {
        // The service gives out nothing that is in the trash (U-43).
        Err(Trouble::Entry(failure)) if file.live.is_none() => Err(Failure::failed(format!(
            "{}; it is in the trash: bring it back first, with `jottad restore`",
            failure.message()
        ))
        .path(place.to_string())
        .into()),
        fetched => fetched,
    }
}

/// How a file came to be as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Done {
    Changed,
    Unchanged,
}

/// Makes folders and files of the service what they were. Nothing is removed; what a file holds now becomes a
/// revision.
pub(super) async fn restore_past(
    client: &Client,
    place: &RemotePath,
    past: Past,
    at: Timestamp,
    invocation: &Invocation,
) -> Result<Restored, Failure> {
    let progress = Progress::new(invocation.output);
    progress.expect(past.files.len() as u64, 0);
    let (mut left, mut folders, mut changed, mut unchanged) = (past.left, 0, 0, 0);
    if !past.is_live {
        make_parent(client, place).await?;
        client.make_folder(place).await?;
        folders += 1;
    }
    for folder in past.folders.iter().filter(|folder| !folder.is_live) {
        let path = place.below(&folder.path);
        match client.make_folder(&path).await.map_err(Trouble::from) {
            Ok(()) => folders += 1,
            Err(Trouble::Entry(failure)) => left.push((path, failure.message().to_owned())),
            Err(Trouble::All(failure)) => return Err(failure),
        }
    }
    let progress_of_all = &progress;
    let work = |file: PastFile| async move {
        let path = place.below(&file.path);
        let restored = restore_file(client, &path, &file, invocation, progress_of_all).await;
        progress_of_all.file_done();
        (path, restored)
    };
    let take = |path, restored| {
        match restored {
            Ok(Done::Changed) => changed += 1,
            Ok(Done::Unchanged) => unchanged += 1,
            Err(Trouble::Entry(failure)) => left.push((path, failure.message().to_owned())),
            Err(Trouble::All(failure)) => return Err(failure),
        }
        Ok(())
    };
    // Mostly no content travels: a revision is restored by its hash.
    AtOnce::new(client).each(past.files, |_| 0, work, take).await?;
    drop(progress);
    left.sort();
    let told: Vec<_> =
        left.iter().map(|(path, reason)| json!({"path": path.to_string(), "reason": reason})).collect();
    let document = json!({
        "schema": 1,
        "path": place.to_string(),
        "at": rfc3339(at),
        "files": changed,
        "folders": folders,
        "unchanged": unchanged,
        "newer": past.newer,
        "left": told,
    });
    let mut line = format!(
        "restored {} and {} as of {}",
        count(changed, "file", "files"),
        count(folders, "folder", "folders"),
        local_time(at)
    );
    for (number, what) in [(unchanged, "had not changed"), (past.newer, "came later and stayed")] {
        if number > 0 {
            line = format!("{line}; {} {what}", count(number, "file", "files"));
        }
    }
    if !left.is_empty() {
        line = format!("{line}; {} could not be had", count(left.len() as u64, "entry", "entries"));
    }
    let remarks = left.iter().map(|(path, reason)| format!("could not be had: {path}: {reason}")).collect();
    let exit = if left.is_empty() { Exit::Done } else { Exit::Problems };
    Ok(Restored { document, is_changed: changed + folders > 0, remarks, line, exit })
}

async fn restore_file(
    client: &Client,
    place: &RemotePath,
    file: &PastFile,
    invocation: &Invocation,
    progress: &Progress,
) -> Result<Done, Trouble> {
    let revision = &file.revision;
    let is_so = file
        .live
        .is_some_and(|live| Some(live.content) == revision.content() && live.modified == revision.modified);
    if is_so {
        return Ok(Done::Unchanged);
    }
    if !client.restore_revision(place, revision).await? {
        send_again(client, place, revision, invocation, progress).await?;
    }
    Ok(Done::Changed)
}
