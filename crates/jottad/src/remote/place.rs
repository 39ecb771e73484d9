//! Places on the service as the command line names them, and what is said when something else is there.

use std::path::{Component, Path};

use jottad_core::{DecodedName, Name, StoredName, decode_name, shell_word};
use jottad_transport::{Client, RemotePath, Sighting};

use crate::cli::failure::Failure;
use crate::config::is_view;
use crate::remote::presence::{Presence, nearest, presence};

/// Reads a place that is only looked at.
pub(crate) fn place_argument(text: &str) -> Result<RemotePath, Failure> {
    if is_local(Path::new(text)) {
        return Err(Failure::usage(format!("{text} is a local path, and not a place on the service")).path(text).hint(
            "a place is DEVICE/MOUNTPOINT[/path], for example Jotta/Archive/Photos; `jottad folder list` shows the \
             place of each local directory that is kept in step",
        ));
    }
    RemotePath::parse(text).map_err(|error| {
        Failure::usage(error.to_string())
            .path(text)
            .hint("a remote path is DEVICE/MOUNTPOINT[/path], for example Jotta/Archive/Photos")
    })
}

/// Whether something is meant that is local: a shell has made an absolute path of what began with `~`. No
/// place begins like that, and with a slash only if nothing local is there.
fn is_local(path: &Path) -> bool {
    let is_inside =
        |path: &Path| path.parent().is_some_and(|parent| parent.parent().is_some() && parent.is_dir());
    match path.components().next() {
        Some(Component::CurDir | Component::ParentDir) => true,
        Some(Component::Normal(first)) => first == "~",
        Some(Component::RootDir) => {
            path.parent().is_some() && (path.symlink_metadata().is_ok() || is_inside(path))
        }
        _ => false,
    }
}

/// The place that is meant where the device of the mountpoint was left out, as rclone has it.
pub(crate) fn with_device(device: &StoredName, rest: &str) -> Option<String> {
    if device.as_str().contains(':')
        && let Some((_, below)) = rest.split_once(':')
    {
        return Some(format!("Jotta/{below}").trim_end_matches('/').to_owned());
    }
    let is_mountpoint = ["Archive", "Sync"].iter().any(|name| device.as_str().eq_ignore_ascii_case(name));
    is_mountpoint.then(|| format!("Jotta/{rest}"))
}

/// Reads a place that is to be changed: below a mountpoint, and not in one of the service's views.
pub(crate) fn target_argument(text: &str) -> Result<RemotePath, Failure> {
    writable(place_argument(text)?, text)
}

/// A place that can be changed; `text` is how it was named.
pub(crate) fn writable(place: RemotePath, text: &str) -> Result<RemotePath, Failure> {
    if is_view(&place) {
        return Err(Failure::usage(format!("{place} is a view of the service that cannot be written"))
            .path(text)
            .hint("use Jotta/Archive, Jotta/Sync or a device of your own"));
    }
    Ok(place)
}

/// What is meant is not at this place; `action` is what was to be done, `why` what is there instead.
pub(crate) fn absent(action: &str, place: &RemotePath, why: &str) -> Failure {
    let failure = Failure::failed(format!("{action} {place}: {why}")).path(place.to_string());
    if let Some(meant) = with_device(place.device(), &place.to_string()) {
        return failure.hint(format!("a path begins with the device, which rclone leaves out: {meant}"));
    }
    match place.parent() {
        Some(parent) => failure.hint(format!("see what is there: jottad ls {}", shell_word(parent))),
        None => failure.hint(format!("see what is there: jottad mountpoints {}", shell_word(place.device()))),
    }
}

/// The failure for a place where a live file was expected and something else was seen.
pub(crate) fn not_file(action: &str, place: &RemotePath, seen: &Sighting) -> Failure {
    match seen {
        Sighting::Missing => absent(action, place, "there is nothing"),
        Sighting::UnfinishedFile(_) => absent(action, place, "its upload was never finished"),
        Sighting::TrashedFile(_) | Sighting::TrashedFolder => absent(action, place, "it is in the trash")
            .hint(format!("bring it back: jottad restore {}", shell_word(place))),
        Sighting::Folder => absent(action, place, "it is a folder")
            .hint(format!("see what is in it: jottad ls {}", shell_word(place))),
        Sighting::File(_) => absent(action, place, "it is a file"),
    }
}

/// What a stored name is called on this machine, or why it cannot be.
pub(crate) fn local_name(stored: &StoredName) -> Result<Name, String> {
    match decode_name(stored) {
        DecodedName::Native(name) | DecodedName::Foreign(name) => Ok(name),
        DecodedName::Unrepresentable(reason) => Err(format!("no file here can have this name: {reason}")),
    }
}

/// Where something goes that is given a destination: into a live folder under its own name, otherwise exactly
/// there. What is `typed` with a slash at its end is meant for a folder.
pub(crate) async fn destination(
    client: &Client,
    target: &RemotePath,
    typed: &str,
    name: &StoredName,
) -> Result<RemotePath, Failure> {
    match client.look(target).await? {
        Sighting::Folder => Ok(target.join(name.clone())),
        _ if typed.ends_with('/') => Err(absent("writing into", target, "there is no such folder")
            .hint(format!("make it first: jottad mkdir {}", shell_word(target)))),
        _ => Ok(target.clone()),
    }
}

/// Demands that nothing live is at a place; `action` is what was to be done.
pub(crate) async fn free_place(client: &Client, action: &str, place: &RemotePath) -> Result<(), Failure> {
    let (taken, remove) = match client.look(place).await? {
        Sighting::File(_) => ("a file is there already", "rm"),
        Sighting::Folder => ("a folder is there already", "rm -r"),
        Sighting::UnfinishedFile(_) => ("an unfinished upload is there", "rm"),
        Sighting::Missing | Sighting::TrashedFile(_) | Sighting::TrashedFolder => return Ok(()),
    };
    Err(Failure::failed(format!("{action} {place}: {taken}"))
        .path(place.to_string())
        .hint(format!("choose another name, or put it away first: jottad {remove} {}", shell_word(place))))
}

/// Makes the folder that is to hold a place, with those above it; devices and mountpoints must be there: a
/// slip of the pen in their names would hide what is stored.
pub(crate) async fn make_parent(client: &Client, place: &RemotePath) -> Result<(), Failure> {
    let mountpoint = RemotePath::new(place.device().clone(), place.mountpoint().clone());
    let Some(parent) = place.parent() else { return mountpoint_is_there(client, &mountpoint).await };
    match client.look(&parent).await? {
        Sighting::Folder => Ok(()),
        Sighting::File(_) | Sighting::UnfinishedFile(_) => {
            Err(absent("using as a folder", &parent, "it is a file"))
        }
        Sighting::Missing | Sighting::TrashedFile(_) | Sighting::TrashedFolder => {
            mountpoint_is_there(client, &mountpoint).await?;
            Ok(client.make_folder(&parent).await?)
        }
    }
}

/// Demands that device and mountpoint are on the service: neither is ever made along with what is stored.
async fn mountpoint_is_there(client: &Client, mountpoint: &RemotePath) -> Result<(), Failure> {
    let (device, name) = (mountpoint.device(), mountpoint.mountpoint());
    let (device_word, name_word) = (shell_word(device), shell_word(name));
    let (missing, remedy) = match presence(client, mountpoint).await? {
        Presence::Present => return Ok(()),
        Presence::NoMountpoint(names) => (
            format!("there is no mountpoint {name} on the device {device}{}", meant(name, names)),
            format!(
                "`jottad mountpoints {device_word}` lists them; `jottad mountpoints create {device_word} {name_word}` \
                 makes it"
            ),
        ),
        Presence::NoDevice => {
            let devices = client.user().await?.devices.into_iter().map(|device| device.name);
            let remedy = match with_device(device, &mountpoint.to_string()) {
                Some(meant) => format!("a path begins with the device, which rclone leaves out: {meant}"),
                None => format!(
                    "`jottad devices` lists them; `jottad devices create {device_word}` and `jottad mountpoints \
                     create {device_word} {name_word}` make this one"
                ),
            };
            (format!("there is no device {device} on the service{}", meant(device, devices)), remedy)
        }
    };
    Err(Failure::failed(missing).path(mountpoint.to_string()).hint(remedy))
}

/// The name that was probably meant, as the end of a message.
fn meant(name: &StoredName, names: impl IntoIterator<Item = StoredName>) -> String {
    nearest(name, names).map(|name| format!(" (did you mean {name}?)")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::failure::Exit;

    #[test]
    fn what_rclone_leaves_out_or_writes_before_a_colon_is_put_right() {
        for (typed, meant) in [
            ("Archive/x", Some("Jotta/Archive/x")),
            ("sync/x", Some("Jotta/sync/x")),
            ("jotta:Archive/x", Some("Jotta/Archive/x")),
            ("mine:Archive", Some("Jotta/Archive")),
            ("jotta:", Some("Jotta")),
            ("laptop/docs", None),
            ("laptop/12:30", None),
        ] {
            let device = StoredName::new(typed.split('/').next().unwrap()).unwrap();
            assert_eq!(with_device(&device, typed).as_deref(), meant, "{typed}");
        }
    }

    /// Once, a directory that a shell had put in the place of `~` was taken for a device, to be made on the
    /// service.
    #[test]
    fn a_local_path_is_no_place() {
        let directory = tempfile::tempdir().unwrap();
        let inside = |name: &str| directory.path().join(name).display().to_string();
        std::fs::write(inside("f"), "").unwrap();
        for text in ["~/f", "~", "./f", "../f", "..", &inside("f"), &inside(""), &inside("to be made")] {
            for refused in [place_argument(text), target_argument(text)] {
                let refused = refused.unwrap_err();
                assert!(refused.message().contains("is a local path"), "{text}: {}", refused.message());
            }
        }
        for text in ["Jotta/Archive/f", "/Jotta/Archive/f", "tmp/f", "~kari/f", ".config/f"] {
            let is_refused = place_argument(text).is_err_and(|refused| refused.message().contains("local"));
            assert!(!is_refused, "{text}");
        }
    }

    #[test]
    fn what_is_no_place_or_cannot_be_written_is_a_mistake_of_usage() {
        for text in ["Jotta", "", "Jotta/Archive/..", "Jotta/Trash/x", "jotta/links"] {
            assert_eq!(target_argument(text).unwrap_err().exit(), Exit::Usage, "{text}");
        }
        assert_eq!(target_argument("Jotta/Archive/Trash").unwrap().to_string(), "Jotta/Archive/Trash");
    }
}
