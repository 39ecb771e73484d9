//! `jottad mv`: moving and renaming on the service.

use clap::Args;
use jottad_core::FoldKey;
use jottad_transport::{Client, Error, RemotePath, Sighting};
use serde_json::json;

use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::remote::{destination, free_place, make_parent, not_file, target_argument};

#[derive(Debug, Args)]
pub(crate) struct MoveArguments {
    /// What to move: DEVICE/MOUNTPOINT/path
    from: String,
    /// Where to: a folder for it to go into, or its new path
    to: String,
}

/// Moves; nothing is ever overwritten.
pub(crate) fn run(arguments: &MoveArguments, invocation: &Invocation) -> Result<Exit, Failure> {
    let (from, target) = (target_argument(&arguments.from)?, target_argument(&arguments.to)?);
    let Some(name) = from.name().cloned() else {
        return Err(Failure::usage(format!("moving {from}: a mountpoint cannot be moved"))
            .path(&arguments.from)
            .hint("move what is in it"));
    };
    let client = invocation.client()?;
    invocation.wait(async {
        let seen = client.look(&from).await?;
        let is_folder = match seen {
            Sighting::File(_) => false,
            Sighting::Folder => true,
            seen => return Err(not_file("moving", &from, &seen)),
        };
        let to = if differs_in_case(&from, &target) {
            target
        } else {
            destination(&client, &target, &name).await?
        };
        if from == to || (is_folder && is_below(&to, &from)) {
            return Err(Failure::usage(format!("moving {from} to {to}: it cannot go into itself"))
                .path(&arguments.to));
        }
        if differs_in_case(&from, &to) {
            rename_case(&client, &from, &to, is_folder).await?;
        } else {
            free_place(&client, &format!("moving {from} to"), &to).await?;
            make_parent(&client, &to).await?;
            relocate(&client, &from, &to, is_folder).await?;
        }
        let document = json!({"schema": 1, "path": from.to_string(), "to": to.to_string()});
        invocation.output.either(&document, || invocation.output.line(format_args!("{from} -> {to}")))?;
        Ok(Exit::Done)
    })
}

/// Changes letter case alone. What the service makes of that in one step is not known (protocol 6.2), so it goes
/// through another name; if this ends between the two steps, that name says what it was.
async fn rename_case(
    client: &Client,
    from: &RemotePath,
    to: &RemotePath,
    is_folder: bool,
) -> Result<(), Failure> {
    let between = free_name(client, from).await?;
    relocate(client, from, &between, is_folder).await?;
    let Err(error) = relocate(client, &between, to, is_folder).await else { return Ok(()) };
    if relocate(client, &between, from, is_folder).await.is_ok() {
        return Err(error.into());
    }
    Err(Failure::failed(format!("{error}; it is called {between} now"))
        .path(between.to_string())
        .hint(format!("jottad mv {between} {to}")))
}

/// A name beside a path that nothing has, live or trashed.
async fn free_name(client: &Client, path: &RemotePath) -> Result<RemotePath, Failure> {
    let stored = path.name().map_or("", |name| name.as_str());
    let mut short = stored;
    while short.len() > 230 {
        short = &short[..short.floor_char_boundary(short.len() - 1)];
    }
    for number in 1..100 {
        let text = format!("{short}.renaming-{number}");
        let Some(name) = jottad_core::StoredName::new(text) else { break };
        let between = path.with_name(name);
        if client.look(&between).await? == Sighting::Missing {
            return Ok(between);
        }
    }
    Err(Failure::failed(format!("renaming {path}: every name for the time between is taken"))
        .path(path.to_string()))
}

async fn relocate(client: &Client, from: &RemotePath, to: &RemotePath, is_folder: bool) -> Result<(), Error> {
    if is_folder { client.move_folder(from, to).await } else { client.move_file(from, to).await }.map(drop)
}

/// Whether two different paths may be one to the service.
fn differs_in_case(one: &RemotePath, two: &RemotePath) -> bool {
    one != two && keys(one) == keys(two)
}

fn is_below(path: &RemotePath, folder: &RemotePath) -> bool {
    keys(path).starts_with(&keys(folder))
}

fn keys(path: &RemotePath) -> Vec<FoldKey> {
    [path.device(), path.mountpoint()].into_iter().chain(path.names()).map(FoldKey::of).collect()
}
