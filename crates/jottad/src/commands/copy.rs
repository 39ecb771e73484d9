//! `jottad cp`: copying on the service, without a byte passing this machine.

use clap::Args;
use jottad_core::{Content, Timestamp};
use jottad_transport::{Client, RemotePath, Sighting};

use crate::cli::completion::remote_place;
use crate::cli::failure::{Exit, Failure};
use crate::cli::invocation::Invocation;
use crate::remote::{
    AtOnce, NO_PATTERN, Progress, RemoteTree, Tally, TreeFile, Trouble, absent, destination, is_pattern,
    make_parent, not_file, place_argument, target_argument,
};

#[derive(Debug, Args)]
pub(crate) struct CopyArguments {
    /// What to copy: DEVICE/MOUNTPOINT/path
    #[arg(add = remote_place())]
    from: String,
    /// Where to: a folder for a file to go into, the copy's path, or with -r the folder that gets what is in
    /// the other
    #[arg(add = remote_place())]
    to: String,
    /// Copy a folder with all that is in it, file by file
    #[arg(short, long)]
    recursive: bool,
    /// Store a new revision where a file of another content is
    #[arg(long)]
    force: bool,
}

/// A file to copy, as it was seen.
#[derive(Debug)]
struct Original {
    place: RemotePath,
    content: Content,
    created: Option<Timestamp>,
    modified: Option<Timestamp>,
}

/// How a copy came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Copied {
    Stored,
    Unchanged,
}

/// Copies; a file of another content in the way is left alone unless forced.
pub(crate) fn run(arguments: &CopyArguments, invocation: &Invocation) -> Result<Exit, Failure> {
    let (from, target) = (place_argument(&arguments.from)?, target_argument(&arguments.to)?);
    let client = invocation.client()?;
    let progress = Progress::new(invocation.output);
    invocation.wait(async {
        let mut tally = Tally::default();
        match client.look(&from).await? {
            Sighting::File(file) => {
                let name = from.name().unwrap_or(from.mountpoint());
                let to = destination(&client, &target, &arguments.to, name).await?;
                make_parent(&client, &to).await?;
                let (content, created, modified) = (file.content, file.created, file.modified);
                let original = Original { place: from, content, created, modified };
                progress.expect(1, content.size);
                let copied = copy(&client, &original, &to, arguments.force, &progress).await;
                count(&mut tally, copied.map_err(Trouble::into_failure)?, content.size);
            }
            Sighting::Folder if arguments.recursive => {
                folder(&client, &from, &target, arguments.force, &mut tally, &progress).await?;
            }
            Sighting::Folder => {
                return Err(
                    absent("copying", &from, "it is a folder").hint("add -r to copy all that is in it")
                );
            }
            Sighting::Missing if is_pattern(&arguments.from) => {
                return Err(not_file("copying", &from, &Sighting::Missing).hint(NO_PATTERN));
            }
            seen => return Err(not_file("copying", &from, &seen)),
        }
        drop(progress);
        tally.finish("copied", invocation.output)
    })
}

/// Copies what is in a folder into another, which may be in the first: the list is complete before anything
/// is made.
async fn folder(
    client: &Client,
    from: &RemotePath,
    to: &RemotePath,
    force: bool,
    tally: &mut Tally,
    progress: &Progress,
) -> Result<(), Failure> {
    let tree = RemoteTree::list(client, from).await.map_err(Trouble::into_failure)?;
    progress.expect(tree.files.len() as u64, tree.bytes());
    make_parent(client, to).await?;
    client.make_folder(to).await?;
    for path in &tree.folders {
        let place = to.below(path);
        // A file in a folder's place keeps everything below from being copied; each will say so.
        if let Err(error) = client.make_folder(&place).await {
            tally.suffer(&place.to_string(), error.into(), progress)?;
        }
    }
    let work = |file: TreeFile| async move {
        let place = from.below(&file.path);
        let original =
            Original { place, content: file.content, created: file.created, modified: file.modified };
        let copied = copy(client, &original, &to.below(&file.path), force, progress).await;
        progress.file_done();
        (original, copied)
    };
    let take = |original: Original, copied| {
        match copied {
            Ok(copied) => count(tally, copied, original.content.size),
            Err(trouble) => tally.suffer(&original.place.to_string(), trouble, progress)?,
        }
        Ok::<(), Failure>(())
    };
    // No content travels.
    AtOnce::new(client).each(tree.files, |_| 0, work, take).await
}

async fn copy(
    client: &Client,
    original: &Original,
    to: &RemotePath,
    force: bool,
    progress: &Progress,
) -> Result<Copied, Trouble> {
    let Original { place: from, content, created, modified } = original;
    match client.look(to).await? {
        Sighting::File(there) if there.content == *content => {
            progress.moved(content.size);
            return Ok(Copied::Unchanged);
        }
        Sighting::File(_) if force => {
            // By its hash, so that what is there becomes a revision: what `cp` does to a live file is not
            // known (U-12).
            let modified = modified.unwrap_or_default();
            if client.match_content(to, *content, created.unwrap_or(modified), modified).await?.is_none() {
                let why = "the service does not find the content by its hash";
                let hint = "fetch it and send it again: jottad get, jottad put --force";
                return Err(absent("copying to", to, why).hint(hint).into());
            }
        }
        Sighting::File(_) => {
            return Err(Failure::failed(format!(
                "copying {from} to {to}: a file of another content is there"
            ))
            .path(to.to_string())
            .hint("--force stores a new revision of it; another name keeps both")
            .into());
        }
        Sighting::Folder => return Err(absent("copying to", to, "a folder is there").into()),
        Sighting::UnfinishedFile(_) => {
            return Err(absent("copying to", to, "an unfinished upload is there").into());
        }
        Sighting::Missing | Sighting::TrashedFile(_) | Sighting::TrashedFolder => {
            client.copy_file(from, to).await?;
        }
    }
    match client.look(to).await? {
        Sighting::File(there) if there.content == *content => {
            progress.moved(content.size);
            Ok(Copied::Stored)
        }
        _ => Err(absent("copying to", to, "the service said yes, but shows something else").into()),
    }
}

fn count(tally: &mut Tally, copied: Copied, size: u64) {
    match copied {
        Copied::Stored => {
            tally.files += 1;
            tally.bytes += size;
        }
        Copied::Unchanged => tally.unchanged += 1,
    }
}
