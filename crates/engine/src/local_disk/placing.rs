//! Putting files and directories in their place, and times on files, so that nothing there is ever lost.

use jottad_core::{RelativePath, Timestamp};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, Mode, Timespec, Timestamps, UTIME_OMIT, futimens, mkdirat, unlinkat};
use rustix::io::Errno;

use super::attributes;
use super::beneath::{self, At, Place, READ_DIRECTORY};
use super::facts::{Facts, same_file};
use super::reading;
use super::renaming::{exchange, rename_to_free};
use super::staging::Staged;
use super::syncing::sync_directory;
use super::trash;
use crate::disk::{DiskErrorKind, DiskNode, FileStat, Identity};

/// Makes a directory durably; see [`crate::Disk::make_directory`].
pub(super) fn make_directory(root: &OwnedFd, path: &RelativePath) -> Result<Identity, DiskErrorKind> {
    let place = Place::of(root, path, READ_DIRECTORY)?;
    match mkdirat(&place.directory, place.name.as_bytes(), Mode::from_raw_mode(0o777)) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(error.into()),
    }
    match place.facts()?.map(|facts| facts.node) {
        Some(DiskNode::Directory(identity)) => {
            sync_directory(&place.directory)?;
            Ok(identity)
        }
        Some(_) => Err(DiskErrorKind::Occupied),
        None => Err(DiskErrorKind::Changed),
    }
}

/// Puts a finished file in its place; see [`crate::Disk::place`]. Where nothing is, `set_aside` is where the
/// file is now that had the name until a moment ago, and made way for this one.
pub(super) fn place(
    root: &OwnedFd,
    staged: &Staged,
    path: &RelativePath,
    modified: Timestamp,
    replaces: Option<&FileStat>,
    set_aside: Option<&RelativePath>,
) -> Result<FileStat, DiskErrorKind> {
    let place = Place::of(root, path, READ_DIRECTORY)?;
    let there = place.facts()?;
    let model_place;
    match (&there, replaces) {
        (Some(_), None) => return Err(DiskErrorKind::Occupied),
        (Some(facts), Some(replaces)) if facts.file() == Some(*replaces) => {}
        (None, None) => {}
        (_, Some(_)) => return Err(DiskErrorKind::Changed),
    }

    let model = match (there, set_aside) {
        (Some(there), _) => Some((place.at(), there)),
        (None, None) => None,
        (None, Some(path)) => {
            model_place = Place::of(root, path, READ_DIRECTORY).ok();
            let model = model_place.as_ref().map(Place::at);
            model.and_then(|at| Some((at, at.facts().ok()??))).filter(|(_, facts)| facts.file().is_some())
        }
    };
    let finished = finish(staged, modified, &place, model)?;
    put(root, staged, &finished, path, &place, replaces)
}

/// Puts a file that is finished in its place, durably.
fn put(
    root: &OwnedFd,
    staged: &Staged,
    finished: &FileStat,
    path: &RelativePath,
    place: &Place,
    replaces: Option<&FileStat>,
) -> Result<FileStat, DiskErrorKind> {
    match replaces {
        None => {
            rename_to_free(staged.at(), place.at())?;
            staged.left_its_name();
        }
        Some(replaces) => {
            let identity = Facts::of(&staged.file)?.node.identity();
            replace(root, New { at: staged.at(), identity }, path, place, replaces)?;
        }
    }
    sync_directory(&place.directory)?;

    // A program may have written to the file as soon as it was in place. Its facts must not be taken for
    // those of what came from the service.
    let placed = Facts::of(&staged.file)?.file().ok_or(DiskErrorKind::Changed)?;
    if same_file(&placed, finished) { Ok(placed) } else { Err(DiskErrorKind::Changed) }
}

/// Sets a file's modification time; see [`crate::Disk::set_modified`].
pub(super) fn set_modified(
    root: &OwnedFd,
    path: &RelativePath,
    expected: &FileStat,
    modified: Timestamp,
) -> Result<FileStat, DiskErrorKind> {
    let file = reading::open_expected(root, path, expected)?;
    set_time_of(&file, root, path, expected, modified)
}

/// Sets the modification time of a file that was just seen to be the expected one. It counts if the file has
/// neither grown nor lost its place meanwhile.
fn set_time_of(
    file: &std::fs::File,
    root: &OwnedFd,
    path: &RelativePath,
    expected: &FileStat,
    modified: Timestamp,
) -> Result<FileStat, DiskErrorKind> {
    // RACE: a write between that look and this call, that leaves the size, cannot be told from our own
    // change.
    set_times(file, modified)?;
    file.sync_all()?;
    let stat = Facts::of(file)?.file().ok_or(DiskErrorKind::Changed)?;
    let is_in_place = beneath::facts(root, path)?.is_some_and(|facts| facts.file() == Some(stat));
    if is_in_place && stat.size == expected.size { Ok(stat) } else { Err(DiskErrorKind::Changed) }
}

/// Gives the file everything that it is to have besides its content, as the file has that it comes after, and
/// makes it durable.
fn finish(
    staged: &Staged,
    modified: Timestamp,
    place: &Place,
    model: Option<(At<'_>, Facts)>,
) -> Result<FileStat, DiskErrorKind> {
    match model {
        Some((at, facts)) => attributes::take_over(staged, at, &facts)?,
        None => attributes::take_from_directory(staged, &place.directory)?,
    }
    set_times(&staged.file, modified)?;
    // Not only the data: a time that was lost in a power cut would look like a change by the user.
    staged.file.sync_all()?;
    Facts::of(&staged.file)?.file().ok_or(DiskErrorKind::Changed)
}

fn set_times(file: impl AsFd, modified: Timestamp) -> Result<(), Errno> {
    let times = Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: modified.seconds(), tv_nsec: 0 },
    };
    futimens(file, &times)
}

/// Puts a finished file that lies in the root in the place of another one, which goes to the trash; see
/// [`crate::LocalDisk::replace`].
pub(super) fn replace_by(
    root: &OwnedFd,
    new: &RelativePath,
    path: &RelativePath,
    replaces: &FileStat,
) -> Result<(), DiskErrorKind> {
    let from = Place::of(root, new, READ_DIRECTORY)?;
    let place = Place::of(root, path, READ_DIRECTORY)?;
    let file = from.facts()?.and_then(|facts| facts.file()).ok_or(DiskErrorKind::NotFound)?;
    replace(root, New { at: from.at(), identity: Some(file.identity) }, path, &place, replaces)?;
    sync_directory(&place.directory)?;
    Ok(())
}

/// A finished file that has no place yet.
#[derive(Clone, Copy)]
struct New<'file> {
    at: At<'file>,
    identity: Option<Identity>,
}

/// Swaps the new file, lying in the trash where the old one is to be, with the old one. So the old one is
/// never anywhere but in its place or in the trash, whenever we are interrupted.
fn replace(
    root: &OwnedFd,
    new: New<'_>,
    path: &RelativePath,
    place: &Place,
    replaces: &FileStat,
) -> Result<(), DiskErrorKind> {
    let spot = trash::take_in(root, path, new.at)?;
    match exchange(spot.at(), place.at()) {
        Ok(true) => {}
        Ok(false) => return replace_in_steps(root, path, spot.at(), place.at(), replaces),
        Err(error) => {
            discard(spot.at())?;
            // It was there a moment ago.
            return Err(if error == Errno::NOENT { DiskErrorKind::Changed } else { error.into() });
        }
    }
    if spot.at().facts()?.and_then(|facts| facts.file()).is_some_and(|old| same_file(&old, replaces)) {
        sync_directory(&spot.directory)?;
        return Ok(());
    }
    give_back(new.identity, spot.at(), place.at())?;
    sync_directory(&place.directory)?;
    Err(DiskErrorKind::Changed)
}

/// Undoes a swap that brought another file out of its place than the one to be replaced.
fn give_back(new: Option<Identity>, spot: At<'_>, place: At<'_>) -> Result<(), DiskErrorKind> {
    match exchange(spot, place) {
        Ok(_) => {}
        // Our file was removed again in the meantime.
        Err(Errno::NOENT) => return Ok(rename_to_free(spot, place)?),
        Err(error) => return Err(error.into()),
    }
    let came_out = spot.facts()?.and_then(|facts| facts.node.identity());
    if came_out == new {
        discard(spot)
    } else {
        // A still newer one had replaced ours: it belongs in the place, and the other stays in the trash.
        exchange(spot, place)?;
        Ok(())
    }
}

/// For file systems that cannot swap: the old file goes to the trash, then the new one to its place.
///
/// For a moment, or after a crash until the next pass, nothing is there. In return nothing can be
/// overwritten.
fn replace_in_steps(
    root: &OwnedFd,
    path: &RelativePath,
    new: At<'_>,
    place: At<'_>,
    replaces: &FileStat,
) -> Result<(), DiskErrorKind> {
    let spot = match trash::take_in(root, path, place) {
        Ok(spot) => spot,
        Err(error) => {
            discard(new)?;
            return Err(error);
        }
    };
    let is_expected =
        spot.at().facts()?.and_then(|facts| facts.file()).is_some_and(|old| same_file(&old, replaces));
    let result = if is_expected { rename_to_free(new, place) } else { Err(Errno::EXIST) };
    if let Err(error) = result {
        discard(new)?;
        // If the name is taken, what is there is newer, and the old file is safe in the trash.
        let _ = rename_to_free(spot.at(), place);
        return Err(if error == Errno::EXIST { DiskErrorKind::Changed } else { error.into() });
    }
    sync_directory(&spot.directory)?;
    Ok(())
}

/// Deletes a file that came from the service and found no place.
fn discard(new: At<'_>) -> Result<(), DiskErrorKind> {
    match unlinkat(new.directory, new.name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use rustix::fs::{CWD, OFlags, openat};

    use super::*;
    use crate::disk::StagedFile as _;
    use crate::local_disk::staging::stage;

    type Replace = fn(&OwnedFd, New<'_>, &RelativePath, &Place, &FileStat) -> Result<(), DiskErrorKind>;

    /// The two ways of replacing, which must not differ in what they leave.
    const WAYS: [Replace; 2] = [replace, |root, new, path, place, replaces| {
        let spot = trash::take_in(root, path, new.at)?;
        replace_in_steps(root, path, spot.at(), place.at(), replaces)
    }];

    /// Replaces `d/file` after something was done to it that the first look could not see.
    fn replace_after(replace: Replace, change: fn(&Path)) -> (tempfile::TempDir, Result<(), DiskErrorKind>) {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("d")).unwrap();
        let file = directory.path().join("d/file");
        fs::write(&file, "old").unwrap();
        let root = openat(CWD, directory.path(), OFlags::DIRECTORY, Mode::empty()).unwrap();
        let path = RelativePath::try_from("d/file").unwrap();
        let place = Place::of(&root, &path, READ_DIRECTORY).unwrap();
        let expected = place.facts().unwrap().unwrap().file().unwrap();
        let mut staged = stage(&root).unwrap();
        staged.write(b"new").unwrap();
        change(&file);
        let identity = Facts::of(&staged.file).unwrap().node.identity();
        let new = New { at: staged.at(), identity };
        let result = replace(&root, new, &path, &place, &expected);
        (directory, result)
    }

    fn trashed(root: &Path) -> Vec<String> {
        let slots = fs::read_dir(root.join(".jottad/trash")).unwrap();
        slots.filter_map(|slot| fs::read_to_string(slot.unwrap().path().join("d/file")).ok()).collect()
    }

    #[test]
    fn the_old_file_goes_to_the_trash() {
        for way in WAYS {
            let (root, result) = replace_after(way, |_| {});
            result.unwrap();
            assert_eq!(fs::read_to_string(root.path().join("d/file")).unwrap(), "new");
            assert_eq!(trashed(root.path()), ["old"]);
        }
    }

    #[test]
    fn what_came_in_between_stays_in_place() {
        for way in WAYS {
            let (root, result) = replace_after(way, |file| fs::write(file, "edited").unwrap());
            assert!(matches!(result, Err(DiskErrorKind::Changed)));
            assert_eq!(fs::read_to_string(root.path().join("d/file")).unwrap(), "edited");
            assert_eq!(trashed(root.path()), Vec::<String>::new());

            let (root, result) = replace_after(way, |file| {
                fs::remove_file(file).unwrap();
                fs::create_dir(file).unwrap();
            });
            assert!(matches!(result, Err(DiskErrorKind::Changed)));
            assert!(root.path().join("d/file").is_dir());
        }
    }

    /// The base must not say that the service has what a program wrote to the file as soon as it could.
    #[test]
    fn what_is_written_to_a_file_as_soon_as_it_is_there_is_not_what_was_fetched() {
        for is_written in [false, true] {
            let directory = tempfile::tempdir().unwrap();
            let root = openat(CWD, directory.path(), OFlags::DIRECTORY, Mode::empty()).unwrap();
            let path = RelativePath::try_from("file").unwrap();
            let place = Place::of(&root, &path, READ_DIRECTORY).unwrap();
            let mut staged = stage(&root).unwrap();
            staged.write(b"fetched").unwrap();
            let finished = finish(&staged, Timestamp::from_seconds(1), &place, None).unwrap();
            if is_written {
                staged.write(b" and edited").unwrap();
            }
            let result = put(&root, &staged, &finished, &path, &place, None);
            assert_eq!(matches!(result, Err(DiskErrorKind::Changed)), is_written, "{result:?}");
            assert!(directory.path().join("file").is_file());
        }
    }

    type Change = fn(&Path);

    /// A time that was set counts as the file's only if it is still the file that it was set for.
    #[test]
    fn a_time_is_not_that_of_a_file_that_grew_or_lost_its_place_meanwhile() {
        let changes: [(Change, bool); 4] = [
            (|_| (), true),
            (|file| fs::write(file, "longer than it was").unwrap(), false),
            (|file| fs::rename(file, file.with_file_name("elsewhere")).unwrap(), false),
            (|file| fs::rename(file.with_file_name("other"), file).unwrap(), false),
        ];
        for (number, (change, counts)) in changes.into_iter().enumerate() {
            let directory = tempfile::tempdir().unwrap();
            let place = directory.path().join("file");
            for name in ["file", "other"] {
                fs::write(directory.path().join(name), "old").unwrap();
            }
            let root = openat(CWD, directory.path(), OFlags::DIRECTORY, Mode::empty()).unwrap();
            let path = RelativePath::try_from("file").unwrap();
            let expected = beneath::facts(&root, &path).unwrap().unwrap().file().unwrap();
            let file = reading::open_expected(&root, &path, &expected).unwrap();
            change(&place);
            let result = set_time_of(&file, &root, &path, &expected, Timestamp::from_seconds(1));
            assert_eq!(result.is_ok(), counts, "{number}: {result:?}");
            assert_eq!(matches!(result, Err(DiskErrorKind::Changed)), !counts, "{number}: {result:?}");
        }
    }

    #[test]
    fn what_was_deleted_in_between_stays_deleted() {
        for way in WAYS {
            let (root, result) = replace_after(way, |file| fs::remove_file(file).unwrap());
            assert!(result.is_err());
            assert!(!root.path().join("d/file").exists());
            assert_eq!(trashed(root.path()), Vec::<String>::new());
        }
    }
}
