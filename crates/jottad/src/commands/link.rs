//! `jottad link` and `jottad unlink`: what everybody who has the address can read.

use clap::Args;
use jottad_transport::{Client, RemotePath, Sighting};
use serde_json::json;

use crate::completion::remote_place;
use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::output::Escaped;
use crate::remote::{absent, not_file, place_argument};

#[derive(Debug, Args)]
pub(crate) struct LinkArguments {
    /// The file or folder: DEVICE/MOUNTPOINT/path
    #[arg(add = remote_place())]
    remote: String,
}

/// Makes a public link, or tells the one there is.
pub(crate) fn run_link(arguments: &LinkArguments, invocation: &Invocation) -> Result<Exit, Failure> {
    let place = place_argument(&arguments.remote)?;
    let client = invocation.client()?;
    invocation.wait(async {
        demand_live(&client, "sharing", &place).await?;
        let link = client.make_link(&place).await?;
        let document = json!({
            "schema": 1,
            "path": place.to_string(),
            "page": link.page,
            "download": link.download,
        });
        invocation.output.either(&document, || {
            invocation.output.line(Escaped(link.page.as_deref().unwrap_or(&link.download)))
        })?;
        Ok(Exit::Done)
    })
}

/// Ends a public link; fine if there is none.
pub(crate) fn run_unlink(arguments: &LinkArguments, invocation: &Invocation) -> Result<Exit, Failure> {
    let place = place_argument(&arguments.remote)?;
    let client = invocation.client()?;
    invocation.wait(async {
        demand_live(&client, "ending the link to", &place).await?;
        client.remove_link(&place).await?;
        invocation.output.either(&json!({"schema": 1, "path": place.to_string()}), || {
            invocation.output.prose(format_args!("{place} has no public link any more"))
        })?;
        Ok(Exit::Done)
    })
}

async fn demand_live(client: &Client, action: &str, place: &RemotePath) -> Result<(), Failure> {
    if place.name().is_none() {
        return Err(absent(action, place, "a mountpoint has no public link").hint("share what is in it"));
    }
    match client.look(place).await? {
        Sighting::File(_) | Sighting::Folder => Ok(()),
        seen => Err(not_file(action, place, &seen)),
    }
}
