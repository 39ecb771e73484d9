//! `jottad mkdir`: a folder on the service.

use clap::Args;
use jottad_transport::Sighting;
use serde_json::json;

use crate::completion::remote_place;
use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::remote::{absent, make_parent, target_argument};

#[derive(Debug, Args)]
pub(crate) struct MakeDirectoryArguments {
    /// The folder to make, with those above it: DEVICE/MOUNTPOINT/path
    #[arg(add = remote_place())]
    remote: String,
}

/// Makes a folder; fine if it is there.
pub(crate) fn run(arguments: &MakeDirectoryArguments, invocation: &Invocation) -> Result<Exit, Failure> {
    let place = target_argument(&arguments.remote)?;
    let client = invocation.client()?;
    invocation.wait(async {
        let is_new = match client.look(&place).await? {
            Sighting::Folder => false,
            Sighting::File(_) | Sighting::UnfinishedFile(_) => {
                return Err(absent("making the folder", &place, "a file has this name"));
            }
            Sighting::Missing | Sighting::TrashedFile(_) | Sighting::TrashedFolder => {
                make_parent(&client, &place).await?;
                client.make_folder(&place).await?;
                true
            }
        };
        let document = json!({"schema": 1, "path": place.to_string(), "made": is_new});
        invocation.output.either(&document, || {
            let there = if is_new { "is made" } else { "was there" };
            invocation.output.prose(format_args!("the folder {place} {there}"))
        })?;
        Ok(Exit::Done)
    })
}
