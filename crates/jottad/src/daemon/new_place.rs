//! Whether a folder may begin at the place that nobody named for it. It held nothing when the folder was
//! added, or could not be looked at then; somebody else may have come first since: machines of one name, and
//! users of one machine, have the same default places.

use std::path::{Path, PathBuf};
use std::{fs, io};

use jottad_transport::{Client, Error, FolderListing, RemotePath};

use crate::cli::failure::Failure;
use crate::config::Folder;
use crate::daemon::index_file::index_file;
use crate::places::{Places, make_private_directory};

/// What the note says once something was found.
const TAKEN: &str = "taken\n";

/// What is said of a place that somebody else may keep something at.
pub(super) fn why_taken(place: &RemotePath) -> String {
    format!(
        "{place} holds something that was not there, or not looked at, when the folder was added: another machine or user \
         may keep it there"
    )
}

/// Notes that nothing is expected at the place of a folder that is added.
pub(crate) fn expect_nothing(folder: &Folder, places: &Places) -> Result<(), Failure> {
    make_private_directory(&places.indexes())?;
    let note = note(folder, places);
    fs::write(&note, "").map_err(|error| failed("noting", &note, &error))
}

/// Notes that something was found there, for who asks while nothing runs.
pub(crate) fn note_taken(folder: &Folder, places: &Places) -> Result<(), Failure> {
    let note = note(folder, places);
    fs::write(&note, TAKEN).map_err(|error| failed("noting", &note, &error))
}

/// Whether something was found there that a person has not said anything of yet.
pub(crate) fn was_taken(folder: &Folder, places: &Places) -> bool {
    fs::read_to_string(note(folder, places)).is_ok_and(|text| text == TAKEN)
}

/// Whether nothing is expected there, which was not found out yet.
pub(crate) fn is_nothing_expected(folder: &Folder, places: &Places) -> bool {
    note(folder, places).exists()
}

/// Whatever is there is this folder's: a person has said so, or nothing was there when the folder began.
pub(crate) fn expect_anything(folder: &Folder, places: &Places) -> Result<(), Failure> {
    let note = note(folder, places);
    match fs::remove_file(&note) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("forgetting", &note, &error)),
        _ => Ok(()),
    }
}

/// Whether there is anything live at a place.
pub(super) async fn holds_anything(client: &Client, place: &RemotePath) -> Result<bool, Error> {
    let Some(listing) = client.folder(place).await?.filter(FolderListing::is_live) else { return Ok(false) };
    let has_folder = listing.folders.iter().any(|folder| folder.trashed.is_none());
    Ok(has_folder || listing.files.iter().any(|file| file.live().is_some()))
}

/// Beside the index. Whose account it is need not be known yet when a folder is added.
fn note(folder: &Folder, places: &Places) -> PathBuf {
    index_file(folder, places, "").with_extension("new")
}

fn failed(action: &str, note: &Path, error: &io::Error) -> Failure {
    let shown = note.display();
    let action = format_args!("{action} in {shown} that nothing is expected at the folder's place");
    Failure::of_system(action, error).path(shown.to_string())
}
