//! `jottad get`: files from the service to this machine.

use std::path::{Path, PathBuf};

use clap::Args;
use futures_util::StreamExt as _;
use futures_util::stream;
use jottad_core::{Name, RelativePath, shell_word};
use jottad_transport::{Client, LiveFile, RemotePath, Sighting};

use crate::completion::remote_place;
use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::remote::{
    Directory, Fetched, LocalTree, Progress, RemoteTree, Tally, TreeFile, Trouble, Wanted, absent, fetch,
    local_name, not_file, place_argument,
};

/// Files fetched at the same time: enough to hide the way to the service and back.
const AT_ONCE: usize = 4;

#[derive(Debug, Args)]
pub(crate) struct GetArguments {
    /// What to fetch: DEVICE/MOUNTPOINT[/path]
    #[arg(add = remote_place())]
    remote: String,
    /// Where to: a directory for a file to go into, the file's new path, or with -r the directory that gets
    /// what is in the folder [default: the same name, here]
    local: Option<PathBuf>,
    /// Fetch a folder with all that is in it
    #[arg(short, long)]
    recursive: bool,
    /// Replace files of another content
    #[arg(long)]
    force: bool,
}

/// Fetches. What was interrupted is gone on with by the same command; what is here already is not fetched
/// again.
pub(crate) fn run(arguments: &GetArguments, invocation: &Invocation) -> Result<Exit, Failure> {
    let place = place_argument(&arguments.remote)?;
    let client = invocation.client()?;
    let progress = Progress::new(invocation.output);
    invocation.wait(async {
        let tally = match client.look(&place).await? {
            Sighting::File(file) => {
                one_file(&client, &place, file, arguments.local.as_deref(), arguments.force, &progress)
                    .await?
            }
            Sighting::Folder if arguments.recursive => {
                let root = match &arguments.local {
                    Some(local) => local.clone(),
                    None => own_name(&place)?,
                };
                folder(&client, &place, &root, arguments.force, &progress).await?
            }
            Sighting::Folder => {
                let hint = format!("jottad get -r {}", shell_word(&place));
                return Err(absent("fetching", &place, "it is a folder").hint(hint));
            }
            seen => return Err(not_file("fetching", &place, &seen)),
        };
        drop(progress);
        tally.finish("fetched", invocation.output)
    })
}

/// Fetches one file to where [`local_place`] says.
async fn one_file(
    client: &Client,
    place: &RemotePath,
    file: LiveFile,
    local: Option<&Path>,
    force: bool,
    progress: &Progress,
) -> Result<Tally, Failure> {
    let (directory, name) = local_place(place, local)?;
    progress.expect(1, file.content.size);
    let wanted =
        Wanted { place: place.clone(), revision: None, content: file.content, modified: file.modified };
    let fetched = fetch(client, &wanted, (&directory, &name), force, progress).await;
    let mut tally = Tally::default();
    count(&mut tally, fetched.map_err(Trouble::into_failure)?, file.content.size);
    Ok(tally)
}

/// The directory and name for a file: into a directory under its own name, otherwise exactly where it was
/// said.
pub(crate) fn local_place(place: &RemotePath, local: Option<&Path>) -> Result<(Directory, Name), Failure> {
    let own = || own_name(place).and_then(|name| checked_name(&name));
    match local {
        None => Ok((Directory::open(Path::new("."))?, own()?)),
        Some(local) if local.is_dir() || local.as_os_str().as_encoded_bytes().ends_with(b"/") => {
            Ok((Directory::open(local)?, own()?))
        }
        Some(local) => {
            let name = checked_name(local)?;
            let parent = local.parent().filter(|parent| !parent.as_os_str().is_empty());
            Ok((Directory::open(parent.unwrap_or(Path::new(".")))?, name))
        }
    }
}

/// Fetches what is in a folder into a directory.
async fn folder(
    client: &Client,
    place: &RemotePath,
    root: &Path,
    force: bool,
    progress: &Progress,
) -> Result<Tally, Failure> {
    let tree = RemoteTree::list(client, place).await.map_err(Trouble::into_failure)?;
    progress.expect(tree.files.len() as u64, tree.bytes());
    let mut tally = Tally::default();
    let mut target = LocalTree::new(Directory::make(root)?);
    for path in &tree.folders {
        if let Err(failure) = target.make(path) {
            tally.skip(&place.below(path).to_string(), failure.message(), progress);
        }
    }
    let mut files = Vec::new();
    for file in tree.files {
        match target.claim(&file.path) {
            Some(Ok(name)) => files.push((name, file)),
            Some(Err(reason)) => tally.skip(&place.below(&file.path).to_string(), &reason, progress),
            // What is wrong with a directory was told once; all below it is left with it.
            None => {}
        }
    }
    let mut fetching = stream::iter(files)
        .map(|(name, file): (Name, TreeFile)| {
            let opened = target.open_parent(&file.path);
            async move {
                let wanted = Wanted {
                    place: place.below(&file.path),
                    revision: None,
                    content: file.content,
                    modified: file.modified,
                };
                let fetched = match opened {
                    Ok(directory) => fetch(client, &wanted, (&directory, &name), force, progress).await,
                    Err(failure) => Err(failure.into()),
                };
                progress.file_done();
                (wanted, fetched)
            }
        })
        .buffer_unordered(AT_ONCE);
    while let Some((wanted, fetched)) = fetching.next().await {
        match fetched {
            Ok(fetched) => count(&mut tally, fetched, wanted.content.size),
            Err(trouble) => tally.suffer(&wanted.place.to_string(), trouble, progress)?,
        }
    }
    Ok(tally)
}

fn count(tally: &mut Tally, fetched: Fetched, size: u64) {
    match fetched {
        Fetched::Written => {
            tally.files += 1;
            tally.bytes += size;
        }
        Fetched::Unchanged => tally.unchanged += 1,
    }
}

/// What a place of the service is called here when nobody says otherwise.
fn own_name(place: &RemotePath) -> Result<PathBuf, Failure> {
    let name = local_name(place.name().unwrap_or(place.mountpoint()))
        .map_err(|reason| absent("fetching", place, &reason).hint("say where to: jottad get REMOTE LOCAL"))?;
    Ok(path_of(&name))
}

fn path_of(name: &Name) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    PathBuf::from(std::ffi::OsStr::from_bytes(RelativePath::root().join(name).as_bytes()))
}

fn checked_name(path: &Path) -> Result<Name, Failure> {
    let refuse = || {
        Failure::usage(format!("{} is not a path for a file", path.display()))
            .path(path.display().to_string())
    };
    let name = path.file_name().ok_or_else(refuse)?;
    Name::new(name.as_encoded_bytes()).map_err(|_| refuse())
}
