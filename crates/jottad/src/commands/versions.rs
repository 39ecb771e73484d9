//! `jottad versions`: what a file held before.

use clap::Args;
use jottad_transport::{FileDetails, Revision, RevisionState, Sighting};
use serde_json::{Value, json};

use crate::completion::remote_place;
use crate::config::units::format_size;
use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::output::{Columns, local_time, rfc3339};
use crate::remote::{not_file, place_argument};

#[derive(Debug, Args)]
pub(crate) struct VersionsArguments {
    /// The file, live or in the trash: DEVICE/MOUNTPOINT/path
    #[arg(add = remote_place())]
    remote: String,
}

/// Lists the revisions, newest first. The service keeps few (protocol 4.6).
pub(crate) fn run(arguments: &VersionsArguments, invocation: &Invocation) -> Result<Exit, Failure> {
    let place = place_argument(&arguments.remote)?;
    let client = invocation.client()?;
    invocation.wait(async {
        if matches!(client.look(&place).await?, Sighting::Folder | Sighting::TrashedFolder) {
            return Err(not_file("listing the versions of", &place, &Sighting::Folder));
        }
        let details = client.file(&place).await?;
        let details =
            details.ok_or_else(|| not_file("listing the versions of", &place, &Sighting::Missing))?;
        let revisions = revisions(&details);
        let documents: Vec<Value> =
            revisions.iter().map(|(revision, is_current)| document(revision, *is_current)).collect();
        let document = json!({
            "schema": 1,
            "path": place.to_string(),
            "trashed": details.entry.trashed.is_some(),
            "versions": documents,
        });
        invocation.output.either(&document, || {
            let mut columns = Columns::default();
            for (revision, is_current) in &revisions {
                let number = revision.number.map_or_else(|| "?".to_owned(), |number| number.to_string());
                let size = revision.size.map(format_size).unwrap_or_default();
                let time = revision.modified.map(local_time).unwrap_or_default();
                let remark = match (is_current, revision.state) {
                    (true, _) if details.entry.trashed.is_some() => "in the trash",
                    (true, _) => "current",
                    (false, RevisionState::Completed) => "",
                    (false, state) => word(state),
                };
                columns.push([number, size, time, remark.to_owned()]);
            }
            invocation.output.table(&columns)
        })?;
        Ok(Exit::Done)
    })
}

/// All revisions, newest first, each with whether it is what the file holds.
pub(crate) fn revisions(details: &FileDetails) -> Vec<(&Revision, bool)> {
    let entry = &details.entry;
    let newer = entry.latest.iter().map(|revision| (revision, false));
    let current = entry.current.iter().map(|revision| (revision, true));
    newer.chain(current).chain(details.revisions.iter().map(|revision| (revision, false))).collect()
}

fn document(revision: &Revision, is_current: bool) -> Value {
    json!({
        "revision": revision.number,
        "state": word(revision.state),
        "size": revision.size,
        "md5": revision.md5.map(|md5| md5.to_string()),
        "modified": revision.modified.map(rfc3339),
        "updated": revision.updated.map(rfc3339),
        "current": is_current,
    })
}

fn word(state: RevisionState) -> &'static str {
    match state {
        RevisionState::Completed => "completed",
        RevisionState::Incomplete => "incomplete",
        RevisionState::Corrupt => "corrupt",
        RevisionState::Other => "unknown",
    }
}
