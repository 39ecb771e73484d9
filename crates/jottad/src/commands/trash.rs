//! `jottad trash`: what was deleted and is still there.

mod local;

use clap::{Args, Subcommand};
use jottad_core::Timestamp;
use serde_json::json;

use crate::cli::completion::place_or_local_path;
use crate::cli::failure::{Exit, Failure};
use crate::cli::invocation::Invocation;
use crate::cli::output::{Columns, count, local_time, rfc3339};
use crate::commands::restore::follow::Follow;
use crate::commands::restore::restore_trashed;
use crate::config::units::format_size;
use crate::remote::{confirm, nothing_removed, target_argument};

#[derive(Debug, Subcommand)]
pub(crate) enum TrashCommand {
    /// List what is in the trash of the account: the top of each deleted tree
    Ls(TrashListArguments),
    /// Bring something back to where it was, a folder with all that was deleted with it
    Restore(TrashRestoreArguments),
    /// Destroy all that is in the trash of the whole account, whatever program put it there
    Empty(TrashEmptyArguments),
}

#[derive(Debug, Args)]
pub(crate) struct TrashListArguments {
    /// List what is in the local trash: what was deleted or replaced here because of the other side
    #[arg(long)]
    local: bool,
    /// With --local: of this folder alone
    #[arg(requires = "local")]
    folder: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct TrashRestoreArguments {
    /// Where it was: DEVICE/MOUNTPOINT/path; with --local the local path
    #[arg(add = place_or_local_path())]
    remote: String,
    /// Bring back what was at a local path last from the local trash
    #[arg(long)]
    local: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TrashEmptyArguments {
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Destroy what is in the local trash, and nothing on the service
    #[arg(long)]
    local: bool,
    /// With --local: of this folder alone
    #[arg(requires = "local")]
    folder: Option<String>,
}

/// Does what was asked with the trash.
pub(crate) fn run(command: &TrashCommand, invocation: &Invocation) -> Result<Exit, Failure> {
    match command {
        TrashCommand::Ls(arguments) if arguments.local => {
            local::list(arguments.folder.as_deref(), invocation)
        }
        TrashCommand::Ls(_) => list(invocation),
        TrashCommand::Restore(arguments) if arguments.local => local::restore(&arguments.remote, invocation),
        TrashCommand::Restore(arguments) => {
            let place = target_argument(&arguments.remote)?;
            let follow = Follow::find(&place, invocation)?;
            let client = invocation.client()?;
            let output = invocation.output;
            invocation.wait(async {
                let restored = restore_trashed(&client, &place, output).await?;
                match follow {
                    Some(follow) => follow.tell(&client, restored, "", false, output).await,
                    None => restored.tell(output),
                }
            })
        }
        TrashCommand::Empty(arguments) if arguments.local => {
            local::empty(arguments.folder.as_deref(), arguments.yes, invocation)
        }
        TrashCommand::Empty(arguments) => empty(arguments, invocation),
    }
}

fn list(invocation: &Invocation) -> Result<Exit, Failure> {
    let client = invocation.client()?;
    let output = invocation.output;
    invocation.wait(async {
        let trash = client.trash().await?;
        let mut columns = Columns::default();
        let mut line = |path: String, kind: &str, size: Option<u64>, at: Option<Timestamp>| {
            if output.json {
                let document = json!({"path": path, "kind": kind, "size": size, "deleted": at.map(rfc3339)});
                return output.document(&document);
            }
            let slash = if kind == "directory" { "/" } else { "" };
            let time = at.map_or_else(|| "unknown".to_owned(), local_time);
            columns.push([time, size.map(format_size).unwrap_or_default(), format!("{path}{slash}")]);
            Ok(())
        };
        for folder in &trash.folders {
            line(folder.path.to_string(), "directory", None, folder.trashed.and_then(|trashed| trashed.at))?;
        }
        for found in &trash.files {
            let size = found.file.current.as_ref().and_then(|revision| revision.size);
            line(found.path.to_string(), "file", size, found.file.trashed.and_then(|trashed| trashed.at))?;
        }
        output.table(&columns)?;
        Ok(Exit::Done)
    })
}

fn empty(arguments: &TrashEmptyArguments, invocation: &Invocation) -> Result<Exit, Failure> {
    let client = invocation.client()?;
    let question =
        "destroy all that is in the trash of the whole account, also what other programs put there?";
    let emptying = async {
        if !confirm(question, arguments.yes, invocation.output).await? {
            return Err(nothing_removed());
        }
        let purged = client.purge_trash().await?;
        let document = json!({"schema": 1, "folders": purged.folders, "files": purged.files});
        invocation.output.either(&document, || {
            let (files, folders) =
                (count(purged.files, "file", "files"), count(purged.folders, "folder", "folders"));
            invocation
                .output
                .prose(format_args!("destroyed {files} and {folders} in the trash of the whole account"))
        })?;
        Ok(Exit::Done)
    };
    invocation.wait_unless(emptying, || {
        Err(Failure::new(Exit::Interrupted, "interrupted")
            .hint("what was ordered is done all the same: `jottad trash ls` shows what is left"))
    })
}
