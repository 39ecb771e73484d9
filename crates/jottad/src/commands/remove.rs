//! `jottad rm`: into the trash, or away for good.

use clap::Args;
use jottad_core::shell_word;
use jottad_transport::{Client, RemotePath, Sighting};
use serde_json::json;

use crate::cli::completion::remote_place;
use crate::cli::failure::{Exit, Failure};
use crate::cli::invocation::Invocation;
use crate::cli::output::remark;
use crate::remote::{
    Found, absent, confirm, is_pattern, named, not_file, nothing_removed, place_argument, with_device,
    writable,
};

#[derive(Debug, Args)]
pub(crate) struct RemoveArguments {
    /// What to remove: DEVICE/MOUNTPOINT/path. Of a pattern in quotes such as 'Jotta/Archive/x/*.tmp' that
    /// matches several it is shown what would go, and asked about
    #[arg(required = true, add = remote_place())]
    remote: Vec<String>,
    /// Remove folders with all that is in them
    #[arg(short, long)]
    recursive: bool,
    /// Destroy it, past the trash or out of it; nothing brings it back
    #[arg(long)]
    permanent: bool,
    /// Do not ask before something is destroyed, or before all goes that a pattern matches
    #[arg(long)]
    yes: bool,
}

/// Removes one after the other, and stops at the first that cannot be.
pub(crate) fn run(arguments: &RemoveArguments, invocation: &Invocation) -> Result<Exit, Failure> {
    let texts = &arguments.remote;
    texts
        .iter()
        .filter(|text| !is_pattern(text))
        .try_for_each(|text| removable(place_argument(text)?, text).map(drop))?;
    let client = invocation.client()?;
    let (mut kept, mut is_any_removed) = (Vec::new(), false);
    let removing = async {
        let mut places = Vec::new();
        for text in texts {
            let Some(found) = chosen(&client, text, arguments, invocation).await? else {
                kept.push(text.clone());
                continue;
            };
            places.extend(found);
        }
        for place in &places {
            if !remove(&client, place, arguments, invocation).await? {
                kept.push(place.to_string());
                continue;
            }
            is_any_removed = true;
            let document = json!({"schema": 1, "path": place.to_string(), "permanent": arguments.permanent});
            invocation.output.either(&document, || {
                let done = if arguments.permanent { "is destroyed" } else { "is in the trash" };
                invocation.output.prose(format_args!("{place} {done}"))
            })?;
        }
        match kept.len() {
            0 => Ok(Exit::Done),
            _ if !is_any_removed => Err(nothing_removed()),
            _ => Err(Failure::failed(format!("called off: not removed: {}", kept.join(", ")))
                .hint("to remove it, answer y, or add --yes")),
        }
    };
    invocation.wait_unless(removing, || {
        Err(Failure::new(Exit::Interrupted, "interrupted")
            .hint("what was not said to be removed may be there still: `jottad ls` shows it"))
    })
}

/// A place that can be removed; `text` is how it was named.
fn removable(place: RemotePath, text: &str) -> Result<RemotePath, Failure> {
    let place = writable(place, text)?;
    if place.name().is_some() {
        return Ok(place);
    }
    Err(Failure::usage(format!("removing {place}: a mountpoint is not removed by hand")).path(text).hint(
        match with_device(place.device(), text) {
            Some(meant) => format!("a path begins with the device, which rclone leaves out: {meant}"),
            None => "remove what is in it, or remove the mountpoint on the web site".to_owned(),
        },
    ))
}

/// What a text names. Of a pattern that matches several it is shown what would go, and asked about: a pattern
/// is easily wider than it was meant. `None` if the person said no.
async fn chosen(
    client: &Client,
    text: &str,
    arguments: &RemoveArguments,
    invocation: &Invocation,
) -> Result<Option<Vec<RemotePath>>, Failure> {
    if !is_pattern(text) {
        return Ok(Some(vec![removable(place_argument(text)?, text)?]));
    }
    let mut places: Vec<RemotePath> = Vec::new();
    for Found { place, .. } in named(client, "removing", text).await?.into_all() {
        places.push(removable(place, text)?);
    }
    // What is destroyed for good is asked about one by one.
    if places.len() < 2 || arguments.permanent || arguments.yes {
        return Ok(Some(places));
    }
    if !invocation.output.json {
        for place in &places {
            remark(format_args!("  {place}"));
        }
    }
    let question = format!("put these {} into the trash, which {} matches?", places.len(), shell_word(text));
    let is_meant = confirm(&question, false, invocation.output).await?;
    Ok(is_meant.then_some(places))
}

/// Looks what it is before anything is sent: files and folders have orders of their own, and the wrong one
/// may destroy (protocol 6.2). `false` if the person said no.
async fn remove(
    client: &Client,
    place: &RemotePath,
    arguments: &RemoveArguments,
    invocation: &Invocation,
) -> Result<bool, Failure> {
    let seen = client.look(place).await?;
    let is_folder = match &seen {
        Sighting::File(_) | Sighting::UnfinishedFile(_) => false,
        Sighting::Folder => true,
        Sighting::TrashedFile(_) if arguments.permanent => false,
        Sighting::TrashedFolder if arguments.permanent => true,
        Sighting::TrashedFile(_) | Sighting::TrashedFolder => {
            return Err(absent("removing", place, "it is in the trash already").hint(format!(
                "jottad rm --permanent {0} destroys it, jottad restore {0} brings it back",
                shell_word(place)
            )));
        }
        Sighting::Missing => return Err(not_file("removing", place, &seen)),
    };
    if is_folder && !arguments.recursive {
        return Err(
            absent("removing", place, "it is a folder").hint("add -r to remove it with all that is in it")
        );
    }
    match (is_folder, arguments.permanent) {
        (false, false) => client.trash_file(place).await?,
        (true, false) => client.trash_folder(place).await?,
        (_, true) => {
            let what = if is_folder { "the folder " } else { "" };
            let rest = if is_folder { " with all that is in it" } else { " with all its revisions" };
            let question = format!("destroy {what}{place}{rest} for good?");
            if !confirm(&question, arguments.yes, invocation.output).await? {
                return Ok(false);
            }
            if is_folder { client.destroy_folder(place).await? } else { client.destroy_file(place).await? }
        }
    }
    Ok(true)
}
