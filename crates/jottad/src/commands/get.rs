//! `jottad get`: files from the service to this machine.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use jottad_core::{Name, RelativePath, shell_word, shown_path};
use jottad_transport::{Client, LiveFile, RemotePath, Sighting};

use crate::cli::completion::local_path_or_place;
use crate::cli::failure::{Exit, Failure};
use crate::cli::invocation::Invocation;
use crate::commands::cat;
use crate::remote::{
    AtOnce, Directory, Fetched, Found, LocalTree, Named, Progress, RemoteTree, Replacing, Tally, TreeFile,
    Trouble, Wanted, absent, fetch, is_pattern, local_name, named, not_file, place_argument,
};

/// What helps where a file of another content is in the way.
const OR_FORCE: &str =
    "another name keeps both; --force replaces it, in a folder into the local trash and elsewhere for good";

#[derive(Debug, Args)]
#[command(override_usage = "jottad get [OPTIONS] REMOTE… [LOCAL]")]
pub(crate) struct GetArguments {
    /// What to fetch, DEVICE/MOUNTPOINT[/path], and where to. What to fetch may be several, and patterns in
    /// quotes such as 'Jotta/Archive/x/*.jpg': all of it goes into the directory that is named last. One file
    /// goes into a directory or to the file's new path, and with `-` to standard output; what is in one
    /// folder goes, with -r, into the directory [default of LOCAL: the same name, here]
    #[arg(required = true, num_args = 1.., value_name = "REMOTE… [LOCAL]", add = local_path_or_place())]
    places: Vec<PathBuf>,
    /// Fetch a folder with all that is in it
    #[arg(short, long)]
    recursive: bool,
    /// Replace files of another content. Those in a folder go to its local trash, those elsewhere are gone
    #[arg(long)]
    force: bool,
}

/// Fetches. What was interrupted is gone on with by the same command; what is local already is not fetched
/// again. What cannot be done at all is refused before anything is fetched.
pub(crate) fn run(arguments: &GetArguments, invocation: &Invocation) -> Result<Exit, Failure> {
    let (texts, local) = match arguments.places.split_last() {
        Some((local, texts @ [_, ..])) => (texts, Some(local.as_path())),
        _ => (&arguments.places[..], None),
    };
    let texts: Vec<String> = texts.iter().map(|text| text.display().to_string()).collect();
    texts.iter().filter(|text| !is_pattern(text)).try_for_each(|text| place_argument(text).map(drop))?;
    let is_printed = local.is_some_and(|local| local.as_os_str() == "-");
    if is_printed && invocation.output.json {
        return Err(Failure::usage("the content and a JSON document cannot both go to standard output")
            .hint("leave --json out, or name a file"));
    }
    if let Some(local) = local.filter(|_| !is_printed && !arguments.recursive) {
        check_above(local, &texts)?;
    }
    let replacing = if arguments.force { Some(Replacing::new(&invocation.tolerant_config()?)) } else { None };
    let replacing = replacing.as_ref();
    let client = invocation.client()?;
    let progress = Progress::new(invocation.output);
    invocation.wait(async {
        let mut sources = Vec::new();
        let mut are_several = texts.len() > 1;
        for text in &texts {
            let named = named(&client, "fetching", text).await?;
            are_several |= matches!(named, Named::Matches(_));
            sources.extend(named.into_all());
        }
        check_kinds(&sources, arguments.recursive)?;
        if is_printed {
            drop(progress);
            return print(&client, &sources).await;
        }
        let tally = if are_several {
            several(&client, &sources, local.unwrap_or(Path::new(".")), replacing, &progress).await?
        } else {
            let mut tally = Tally::default();
            for Found { place, seen } in sources {
                tally = if let Sighting::File(file) = seen {
                    one_file(&client, &place, file, local, replacing, &progress).await?
                } else {
                    let root = match local {
                        Some(local) => local.to_owned(),
                        None => own_name(&place)?,
                    };
                    folder(&client, &place, &root, replacing, &progress).await?
                };
            }
            tally
        };
        drop(progress);
        tally.finish("fetched", invocation.output)
    })
}

/// Demands that there is a directory for what was named last: it is the local place, even where something on
/// the service is called so.
fn check_above(local: &Path, texts: &[String]) -> Result<(), Failure> {
    let above = local.parent().filter(|above| !above.as_os_str().is_empty());
    let Some(above) = above.filter(|above| !above.exists() && !local.exists()) else { return Ok(()) };
    let (shown, above) = (shown_path(local), shown_path(above));
    let message = format!("fetching to {shown}: the directory {above} is not there");
    let words: Vec<_> = texts.iter().map(shell_word).collect();
    Err(Failure::failed(message).path(shown.to_string()).hint(format!(
        "what is named last is where it goes on this machine; to fetch all of them to where you are: jottad get {} {} .",
        words.join(" "),
        shell_word(&shown)
    )))
}

/// Demands that all of it can be fetched.
fn check_kinds(sources: &[Found], is_recursive: bool) -> Result<(), Failure> {
    for Found { place, seen } in sources {
        match seen {
            Sighting::File(_) => {}
            Sighting::Folder if is_recursive => {}
            Sighting::Folder => {
                return Err(absent("fetching", place, "it is a folder")
                    .hint(format!("add -r for all that is in it: jottad get -r {}", shell_word(place))));
            }
            seen => return Err(not_file("fetching", place, seen)),
        }
    }
    Ok(())
}

/// Prints the only file.
async fn print(client: &Client, sources: &[Found]) -> Result<Exit, Failure> {
    match sources {
        [Found { place, seen: Sighting::File(file) }] => {
            cat::whole(client, place, file).await?;
            io::stdout().flush().map_err(|error| Failure::from_output(&error))?;
            Ok(Exit::Done)
        }
        _ => Err(Failure::usage("only one file can go to standard output")
            .hint("name a directory for several: jottad get REMOTE… LOCAL")),
    }
}

/// Fetches each thing into a directory under its own name.
async fn several(
    client: &Client,
    sources: &[Found],
    local: &Path,
    replacing: Option<&Replacing>,
    progress: &Progress,
) -> Result<Tally, Failure> {
    if !local.is_dir() {
        let shown = shown_path(local);
        return Err(Failure::failed(format!("fetching into {shown}: it is not a directory that is there"))
            .path(shown.to_string())
            .hint(format!("make it first: mkdir {}", shell_word(shown_path(local)))));
    }
    let mut names: BTreeMap<PathBuf, &RemotePath> = BTreeMap::new();
    for Found { place, .. } in sources {
        if let Some(other) = names.insert(own_name(place)?, place) {
            return Err(Failure::failed(format!("fetching {place}: here it has the same name as {other}"))
                .path(place.to_string())
                .hint("fetch one of them under another name: jottad get REMOTE LOCAL"));
        }
    }
    let mut all = Tally::default();
    for Found { place, seen } in sources {
        let target = local.join(own_name(place)?);
        all.add(match seen {
            Sighting::File(file) => {
                match one_file(client, place, *file, Some(&target), replacing, progress).await {
                    Ok(tally) => tally,
                    // One that is in the way keeps none of the others.
                    Err(failure) if failure.exit() == Exit::Failed => {
                        all.skip(&place.to_string(), failure.message(), progress);
                        continue;
                    }
                    Err(failure) => return Err(failure),
                }
            }
            _ => folder(client, place, &target, replacing, progress).await?,
        });
    }
    Ok(all)
}

/// Fetches one file to where [`local_place`] says.
pub(crate) async fn one_file(
    client: &Client,
    place: &RemotePath,
    file: LiveFile,
    local: Option<&Path>,
    replacing: Option<&Replacing>,
    progress: &Progress,
) -> Result<Tally, Failure> {
    let (directory, name) = local_place(place, local)?;
    progress.expect(1, file.content.size);
    let wanted =
        Wanted { place: place.clone(), revision: None, content: file.content, modified: file.modified };
    let fetched = fetch(client, &wanted, (&directory, &name), replacing.ok_or(OR_FORCE), progress).await;
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
pub(crate) async fn folder(
    client: &Client,
    place: &RemotePath,
    root: &Path,
    replacing: Option<&Replacing>,
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
    let work = |(name, file): (Name, TreeFile)| {
        let opened = target.open_parent(&file.path);
        async move {
            let wanted = Wanted {
                place: place.below(&file.path),
                revision: None,
                content: file.content,
                modified: file.modified,
            };
            let fetched = match opened {
                Ok(directory) => {
                    fetch(client, &wanted, (&directory, &name), replacing.ok_or(OR_FORCE), progress).await
                }
                Err(failure) => Err(failure.into()),
            };
            progress.file_done();
            (wanted, fetched)
        }
    };
    let take = |wanted: Wanted, fetched| {
        match fetched {
            Ok(fetched) => count(&mut tally, fetched, wanted.content.size),
            Err(trouble) => tally.suffer(&wanted.place.to_string(), trouble, progress)?,
        }
        Ok::<(), Failure>(())
    };
    AtOnce::new(client).each(files, |(_, file)| file.content.size, work, take).await?;
    Ok(tally)
}

fn count(tally: &mut Tally, fetched: Fetched, size: u64) {
    match fetched {
        Fetched::Written | Fetched::Exchanged => {
            tally.files += 1;
            tally.bytes += size;
            tally.exchanged += u64::from(fetched == Fetched::Exchanged);
        }
        Fetched::Unchanged => tally.unchanged += 1,
    }
}

/// What a place of the service is called locally when nobody says otherwise.
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
