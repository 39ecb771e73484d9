//! `jottad touch`: a file's time on the service.

use clap::Args;
use jottad_core::{Content, Timestamp};
use jottad_transport::{Sighting, UploadFacts, storable_time};
use serde_json::json;

use crate::completion::remote_place;
use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::moment::moment_argument;
use crate::output::{local_time, now, rfc3339};
use crate::remote::{make_parent, not_file, target_argument};

#[derive(Debug, Args)]
pub(crate) struct TouchArguments {
    /// The file; an empty one is made if there is none: DEVICE/MOUNTPOINT/path
    #[arg(add = remote_place())]
    remote: String,
    /// The time to set, for example 2026-01-31T12:00:00Z or "2026-01-31 12:00" [default: now]
    #[arg(long, value_name = "TIME", value_parser = moment_argument)]
    time: Option<Timestamp>,
}

/// Sets the time; no content is sent.
pub(crate) fn run(arguments: &TouchArguments, invocation: &Invocation) -> Result<Exit, Failure> {
    let place = target_argument(&arguments.remote)?;
    let modified = storable_time(arguments.time.unwrap_or_else(now));
    let client = invocation.client()?;
    invocation.wait(async {
        match client.look(&place).await? {
            Sighting::File(file) => client.set_times(&place, file.content, file.created, modified).await?,
            Sighting::Missing if place.name().is_some() => {
                make_parent(&client, &place).await?;
                let facts = UploadFacts { content: Content::EMPTY, created: None, modified };
                let mut nothing: &[u8] = &[];
                client.upload(&place, &facts, &mut nothing).await?;
            }
            seen => return Err(not_file("setting the time of", &place, &seen)),
        }
        let document = json!({"schema": 1, "path": place.to_string(), "modified": rfc3339(modified)});
        invocation.output.either(&document, || {
            invocation.output.prose(format_args!("{place} is of {}", local_time(modified)))
        })?;
        Ok(Exit::Done)
    })
}
