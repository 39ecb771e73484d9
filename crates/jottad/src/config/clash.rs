//! Folders that would fight with one another, or with jottad itself.

use jottad_core::shell_word;
use jottad_transport::RemotePath;

use super::Folder;
use super::overlap::{Overlap, local_overlap, only_second_is_led, remote_overlap, resolve};
use crate::places::Places;

/// Why a folder would fight with another or with jottad itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clash {
    /// What is wrong.
    pub(super) reason: String,
    /// What mends it.
    pub(super) hint: String,
    /// Whether the paths overlap as they are written. Otherwise a link makes them.
    pub(super) is_in_file: bool,
    /// The index of the other folder if its path is the link; `None` if the folder itself is the one to hold.
    pub(super) linked_other: Option<usize>,
}

/// Finds out whether a folder would fight with one of those before it.
pub(super) fn clash_with_others<'folder>(
    folder: &Folder,
    others: impl Iterator<Item = &'folder Folder>,
    places: &Places,
) -> Option<Clash> {
    let Folder { name, local, remote, .. } = folder;
    // State that lies inside a folder is left out of it.
    if let Some(overlap) = local_overlap(local, &places.state_dir)
        && resolve(local).starts_with(resolve(&places.state_dir))
    {
        return Some(Clash {
            reason: format!(
                "folder {name:?}: {} lies in jottad's own state in {}",
                local.display(),
                places.state_dir.display()
            ),
            hint: "keep the state elsewhere with --state-dir or JOTTAD_STATE_DIR, or choose another folder"
                .to_owned(),
            is_in_file: overlap == Overlap::AsWritten,
            linked_other: None,
        });
    }
    // What the file says is told first: a link may be put right without anybody looking at the file.
    let mut by_link = None;
    for (index, other) in others.enumerate() {
        match local_overlap(local, &other.local) {
            None => {}
            Some(Overlap::AsWritten) => {
                return Some(Clash {
                    reason: format!(
                        "folder {name:?}: {} overlaps with {} of folder {:?}",
                        local.display(),
                        other.local.display(),
                        other.name
                    ),
                    hint: "one folder cannot lie inside another: remove one, or choose directories beside each other"
                        .to_owned(),
                    is_in_file: true,
                    linked_other: None,
                });
            }
            Some(Overlap::ByLink) => {
                let is_other = only_second_is_led(local, &other.local);
                let (linked, plain) = if is_other { (other, folder) } else { (folder, other) };
                by_link = by_link.or_else(|| Some(Clash {
                    reason: format!(
                        "folder {:?}: {} leads to {} by a link, which overlaps with {} of folder {:?}",
                        linked.name,
                        linked.local.display(),
                        resolve(&linked.local).display(),
                        plain.local.display(),
                        plain.name
                    ),
                    hint: format!(
                        "one folder cannot lie inside another: put the directory back, or choose another one with \
                         `jottad folder set {} local=PATH`",
                        shell_word(&linked.name)
                    ),
                    is_in_file: false,
                    linked_other: is_other.then_some(index),
                }));
            }
        }
        if remote_overlap(remote, &other.remote) {
            return Some(remote_clash(folder, &other.name, &other.remote));
        }
    }
    by_link
}

/// Finds out whether a folder would share its remote root with one that is held.
pub(super) fn clash_with_taken(folder: &Folder, taken: &[(String, RemotePath)]) -> Option<Clash> {
    let (name, remote) = taken.iter().find(|(_, remote)| remote_overlap(&folder.remote, remote))?;
    Some(remote_clash(folder, name, remote))
}

fn remote_clash(folder: &Folder, other_name: &str, other_remote: &RemotePath) -> Clash {
    Clash {
        reason: format!(
            "folder {:?}: {} overlaps with {other_remote} of folder {other_name:?}",
            folder.name, folder.remote
        ),
        hint: "two folders cannot share a remote place: choose another path on the service for one"
            .to_owned(),
        is_in_file: true,
        linked_other: None,
    }
}
