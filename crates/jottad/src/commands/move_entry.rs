//! `jottad mv`: moving and renaming on the service.

use clap::Args;
use jottad_transport::{RemotePath, Sighting};
use serde_json::json;

use crate::cli::completion::remote_place;
use crate::cli::failure::{Exit, Failure};
use crate::cli::invocation::Invocation;
use crate::remote::{
    NO_PATTERN, destination, differs_in_case, finish_renamings, fold_keys, free_place, is_pattern,
    make_parent, not_file, relocate, rename_case, target_argument, with_device,
};

#[derive(Debug, Args)]
pub(crate) struct MoveArguments {
    /// What to move: DEVICE/MOUNTPOINT/path
    #[arg(add = remote_place())]
    from: String,
    /// Where to: a folder for it to go into, or its new path
    #[arg(add = remote_place())]
    to: String,
}

/// Moves; nothing is ever overwritten.
pub(crate) fn run(arguments: &MoveArguments, invocation: &Invocation) -> Result<Exit, Failure> {
    let (from, target) = (target_argument(&arguments.from)?, target_argument(&arguments.to)?);
    let Some(name) = from.name().cloned() else {
        return Err(Failure::usage(format!("moving {from}: a mountpoint cannot be moved"))
            .path(&arguments.from)
            .hint(match with_device(from.device(), &arguments.from) {
                Some(meant) => format!("a path begins with the device, which rclone leaves out: {meant}"),
                None => "move what is in it".to_owned(),
            }));
    };
    let client = invocation.client()?;
    invocation.wait(async {
        let tell = |to: &RemotePath| {
            let document = json!({"schema": 1, "path": from.to_string(), "to": to.to_string()});
            invocation.output.either(&document, || invocation.output.prose(format_args!("{from} -> {to}")))
        };
        if finish_renamings(&client, &invocation.places).await?.contains(&target) {
            tell(&target)?;
            return Ok(Exit::Done);
        }
        let seen = client.look(&from).await?;
        let is_folder = match seen {
            Sighting::File(_) => false,
            Sighting::Folder => true,
            Sighting::Missing if is_pattern(&arguments.from) => {
                return Err(not_file("moving", &from, &Sighting::Missing).hint(NO_PATTERN));
            }
            seen => return Err(not_file("moving", &from, &seen)),
        };
        let to = if differs_in_case(&from, &target) {
            target
        } else {
            // A folder may be meant to have that name, as elsewhere.
            let typed = if is_folder { arguments.to.trim_end_matches('/') } else { &arguments.to };
            destination(&client, &target, typed, &name).await?
        };
        let is_respelt = differs_in_case(&from, &to);
        if from == to || (is_folder && !is_respelt && is_below(&to, &from)) {
            return Err(Failure::usage(format!("moving {from} to {to}: it cannot go into itself"))
                .path(&arguments.to)
                .hint("name a place outside of it"));
        }
        if is_respelt {
            rename_case(&client, &invocation.places, &from, &to, is_folder).await?;
        } else {
            free_place(&client, &format!("moving {from} to"), &to).await?;
            make_parent(&client, &to).await?;
            relocate(&client, &from, &to, is_folder).await?;
        }
        tell(&to)?;
        Ok(Exit::Done)
    })
}

fn is_below(path: &RemotePath, folder: &RemotePath) -> bool {
    fold_keys(path).starts_with(&fold_keys(folder))
}
