//! The local trash, `.jottad/trash`: what was deleted or replaced because of the other side.
//!
//! An entry lies under the minute it came in (UTC) and the path it had, so that a person finds it and can copy a
//! whole minute back: `2026-11-23T1714Z/letters/a.txt`. Where that is taken the minute gets a number.

use std::io;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jottad_core::{RelativePath, Timestamp};
use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, Mode, chmodat, fstat, unlinkat};
use rustix::io::Errno;

use super::beneath::{At, Place, READ_DIRECTORY};
use super::errors::own;
use super::facts::{Facts, same_file};
use super::listing::{self, read_names};
use super::own_directory::{self, TRASH, open_existing, open_or_make, sync_directory};
use super::renaming::rename_to_free;
use crate::digest::TreeDigest;
use crate::disk::{DiskErrorKind, DiskNode};

const MINUTE: &str = "%Y-%m-%dT%H%MZ";
const SECONDS_PER_DAY: i64 = 24 * 60 * 60;

/// Moves an entry into the trash; see [`crate::Disk::trash`].
pub(super) fn trash(
    root: &OwnedFd,
    path: &RelativePath,
    expected: &DiskNode,
    holds: Option<TreeDigest>,
) -> Result<(), DiskErrorKind> {
    if let DiskNode::Other(kind) = expected {
        return Err(DiskErrorKind::Other(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("a {kind} is never synced"),
        )));
    }
    let place = Place::of(root, path, READ_DIRECTORY)?;
    match place.facts()? {
        Some(facts) if facts.node == *expected => {}
        Some(_) => return Err(DiskErrorKind::Changed),
        None => return Err(DiskErrorKind::NotFound),
    }
    let spot = take_in(root, path, place.at())?;
    if !spot.at().facts()?.is_some_and(|facts| is_still(&facts.node, expected)) {
        // Another entry took the name just before. It goes back; if its name is taken once more, it is whole in the
        // trash.
        let _ = rename_to_free(spot.at(), place.at());
        return Err(DiskErrorKind::Changed);
    }
    if let Some(holds) = holds
        && digest(&spot).ok().flatten() != Some(holds)
    {
        // Somebody saved something in it just before. It goes back; if its name is taken already, it is whole in the trash.
        let _ = rename_to_free(spot.at(), place.at());
        return Err(DiskErrorKind::Changed);
    }
    sync_directory(&spot.directory)?;
    sync_directory(&place.directory)?;
    Ok(())
}

/// What a directory holds; `None` if there is anything in it that is never synced.
fn digest(place: &Place) -> Result<Option<TreeDigest>, DiskErrorKind> {
    let mut digest = TreeDigest::default();
    let top = RelativePath::root().join(&place.name);
    let mut pending = vec![(top, RelativePath::root())];
    while let Some((directory, below)) = pending.pop() {
        for entry in listing::list(&place.directory, &directory)?.entries {
            let path = below.join(&entry.name);
            if !digest.add_local_entry(&path, &entry.node) {
                return Ok(None);
            }
            if let DiskNode::Directory(_) = entry.node {
                pending.push((directory.join(&entry.name), path));
            }
        }
    }
    Ok(Some(digest))
}

/// Moves an entry to a free spot in the trash, as that which was at `path`.
pub(super) fn take_in(root: &OwnedFd, path: &RelativePath, entry: At<'_>) -> Result<Place, DiskErrorKind> {
    let trash = own_directory::open(root, TRASH).map_err(own)?;
    let minute = jiff::Timestamp::now().strftime(MINUTE).to_string();
    let mut number = 0_u64;
    loop {
        let name = if number == 0 { minute.clone() } else { format!("{minute}-{number}") };
        let slot = open_or_make(&trash, name.as_bytes()).map_err(own)?;
        if let Some(free) = spot_below(&slot, path)? {
            match rename_to_free(entry, free.at()) {
                Ok(()) => return Ok(free),
                Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
        number += 1;
    }
}

/// Opens or makes the directories for a path; `None` if something else is in the way there.
fn spot_below(slot: &OwnedFd, path: &RelativePath) -> Result<Option<Place>, DiskErrorKind> {
    let (parent, Some(name)) = path.split_last() else { return Err(own(Errno::INVAL)) };
    let mut directory = slot.try_clone().map_err(DiskErrorKind::from)?;
    for component in parent.components() {
        directory = match open_or_make(&directory, component) {
            Ok(next) => next,
            Err(Errno::NOTDIR | Errno::LOOP | Errno::MLINK) => return Ok(None),
            Err(error) => return Err(own(error)),
        };
    }
    Ok(Some(Place { directory, name }))
}

/// Moving changes a file's change time; a directory is known by its identity alone.
fn is_still(node: &DiskNode, expected: &DiskNode) -> bool {
    match (node, expected) {
        (DiskNode::File(stat), DiskNode::File(expected)) => same_file(stat, expected),
        _ => node == expected,
    }
}

/// Deletes for good what has been in the trash for longer than some days, and returns how many minutes of it.
///
/// A minute in which anything was changed since is kept: a program may have gone on writing to a file that was
/// replaced. What a person put into the trash by another name is left alone, and so are mounted file systems.
pub(super) fn expire(root: &OwnedFd, days: u32, now: Timestamp) -> Result<usize, DiskErrorKind> {
    let Some(trash) = open_if_there(root)? else { return Ok(0) };
    let cutoff = now.seconds().saturating_sub(i64::from(days) * SECONDS_PER_DAY);
    let mut expired = 0;
    let mut first_error = None;
    for slot in names(&trash)? {
        if slot_seconds(&slot).is_none_or(|seconds| seconds >= cutoff) {
            continue;
        }
        let result = match newest_change(&trash, &slot) {
            Ok(newest) if newest >= cutoff => Ok(0),
            Ok(_) => remove(&trash, &slot).map(|()| 1),
            Err(error) => Err(error),
        };
        match result {
            Ok(count) => expired += count,
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    first_error.map_or(Ok(expired), Err)
}

fn open_if_there(root: &OwnedFd) -> Result<Option<OwnedFd>, DiskErrorKind> {
    let opened = open_existing(root, own_directory::NAME.as_bytes())
        .and_then(|directory| open_existing(&directory, TRASH.as_bytes()));
    match opened {
        Ok(trash) => Ok(Some(trash)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(own(error)),
    }
}

/// The minute that a name stands for, in seconds since the epoch; `None` if it is not one of ours.
fn slot_seconds(name: &[u8]) -> Option<i64> {
    let name = std::str::from_utf8(name).ok()?;
    let (minute, number) = name.split_once('Z')?;
    let is_number = |text: &str| text.strip_prefix('-').is_some_and(|text| text.parse::<u64>().is_ok());
    if !number.is_empty() && !is_number(number) {
        return None;
    }
    let minute = DateTime::strptime(MINUTE, format!("{minute}Z")).ok()?;
    Some(minute.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
}

/// The latest change time of anything that is no directory, in seconds; the smallest number if there is none.
fn newest_change(parent: &OwnedFd, name: &[u8]) -> Result<i64, DiskErrorKind> {
    let Some(facts) = Facts::at(parent, name).map_err(own)? else { return Ok(i64::MIN) };
    if !matches!(facts.node, DiskNode::Directory(_)) {
        return Ok(facts.changed.div_euclid(1_000_000_000));
    }
    let directory = enter(parent, name, &facts)?;
    names(&directory)?
        .iter()
        .try_fold(i64::MIN, |newest, name| Ok(newest.max(newest_change(&directory, name)?)))
}

fn remove(parent: &OwnedFd, name: &[u8]) -> Result<(), DiskErrorKind> {
    let Some(facts) = Facts::at(parent, name).map_err(own)? else { return Ok(()) };
    let flags = if matches!(facts.node, DiskNode::Directory(_)) {
        let directory = enter(parent, name, &facts)?;
        names(&directory)?.iter().try_for_each(|name| remove(&directory, name))?;
        AtFlags::REMOVEDIR
    } else {
        AtFlags::empty()
    };
    unlinkat(parent, name, flags).map_err(own)
}

/// Opens a directory in the trash whatever its mode says, but never a mounted file system: that is the user's.
fn enter(parent: &OwnedFd, name: &[u8], facts: &Facts) -> Result<OwnedFd, DiskErrorKind> {
    if facts.mode & 0o700 != 0o700 {
        chmodat(parent, name, Mode::RWXU, AtFlags::empty()).map_err(own)?;
    }
    let directory = open_on_same_mount(parent, name).map_err(own)?;
    if fstat(&directory).map_err(own)?.st_dev == fstat(parent).map_err(own)?.st_dev {
        Ok(directory)
    } else {
        Err(own(Errno::XDEV))
    }
}

#[cfg(target_os = "linux")]
fn open_on_same_mount(parent: &OwnedFd, name: &[u8]) -> Result<OwnedFd, Errno> {
    use rustix::fs::{OFlags, ResolveFlags, openat2};

    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    // The device number alone would not tell a directory that is mounted a second time.
    match openat2(parent, name, flags, Mode::empty(), ResolveFlags::NO_XDEV | ResolveFlags::NO_SYMLINKS) {
        Err(Errno::NOSYS | Errno::PERM) => open_existing(parent, name),
        result => result,
    }
}

#[cfg(not(target_os = "linux"))]
fn open_on_same_mount(parent: &OwnedFd, name: &[u8]) -> Result<OwnedFd, Errno> {
    open_existing(parent, name)
}

fn names(directory: &OwnedFd) -> Result<Vec<Vec<u8>>, DiskErrorKind> {
    let mut names = Vec::new();
    read_names(directory, |name, _, _| {
        names.push(name.to_vec());
        Ok(true)
    })?;
    Ok(names)
}
