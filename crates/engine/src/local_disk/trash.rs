//! The local trash, `.jottad/trash`: what was deleted or replaced because of the other side.
//!
//! An entry lies under the minute it came in (UTC) and the path it had, so that a person finds it and can
//! copy a whole minute back: `2026-11-23T1714Z/letters/a.txt`. Where that is taken the minute gets a number.

use std::io;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jottad_core::{Name, RelativePath, Timestamp};
use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, Mode, chmodat, fstat, unlinkat};
use rustix::io::Errno;

use super::beneath::{At, Place, READ_DIRECTORY};
use super::errors::own;
use super::facts::{Facts, same_file};
use super::listing::{self, read_names};
use super::own_directory::{self, TRASH, open_existing, open_or_make};
use super::placing;
use super::renaming::rename_to_free;
use super::syncing::sync_directory;
use crate::digest::TreeDigest;
use crate::disk::{DiskErrorKind, DiskNode};

const MINUTE: &str = "%Y-%m-%dT%H%MZ";
/// How much the local trash may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrashLimit {
    /// Whatever comes.
    Unlimited,
    /// So many bytes.
    Bytes(u64),
    /// A share of the disk that it is on.
    Percent(u8),
}

/// What became of the local trash when what is too old or too much was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrashReport {
    /// How many minutes' worth of trash were deleted.
    pub expired: usize,
    /// The bytes that are left.
    pub bytes: u64,
    /// The most that it should have; what is over that is too young to be deleted.
    pub limit: Option<u64>,
}

impl TrashReport {
    /// Whether there is more than there should be.
    pub fn is_over_limit(&self) -> bool {
        self.limit.is_some_and(|limit| self.bytes > limit)
    }
}

/// Something in the local trash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trashed {
    /// The minute in which it came, as its directory in the trash is called.
    pub slot: String,
    /// Where it was.
    pub path: RelativePath,
    /// Its bytes; `None` for an empty directory.
    pub size: Option<u64>,
    /// When it came.
    pub at: Timestamp,
}

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
    trash_from(root, path, &place, expected, holds)
}

/// Moves what was just looked at into the trash, and looks at it again there: what took its name in between
/// goes back.
fn trash_from(
    root: &OwnedFd,
    path: &RelativePath,
    place: &Place,
    expected: &DiskNode,
    holds: Option<TreeDigest>,
) -> Result<(), DiskErrorKind> {
    let spot = take_in(root, path, place.at())?;
    if !spot.at().facts()?.is_some_and(|facts| is_still(&facts.node, expected)) {
        // Another entry took the name just before. It goes back; if its name is taken once more, it is whole
        // in the trash.
        let _ = rename_to_free(spot.at(), place.at());
        return Err(DiskErrorKind::Changed);
    }
    if let Some(holds) = holds
        && digest(&spot).ok().flatten() != Some(holds)
    {
        // Somebody saved something in it just before. It goes back; if its name is taken already, it is whole
        // in the trash.
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

/// Deletes for good what has been in the trash for longer than some days, and, while there is more than the
/// limit allows, the oldest of what has been there for longer than a day. What is younger stays whatever its
/// size: it may be wanted back.
///
/// A minute in which anything was changed since is kept: a program may have gone on writing to a file that
/// was replaced. What a person put into the trash by another name is left alone, and so are mounted file
/// systems.
pub(super) fn expire(
    root: &OwnedFd,
    days: u32,
    limit: TrashLimit,
    now: Timestamp,
) -> Result<TrashReport, DiskErrorKind> {
    let limit = limit.bytes(root)?;
    let mut report = TrashReport { expired: 0, bytes: 0, limit };
    let Some(trash) = open_if_there(root)? else { return Ok(report) };
    let old = now.seconds().saturating_sub(i64::from(days) * SECONDS_PER_DAY);
    let young = now.seconds().saturating_sub(SECONDS_PER_DAY);
    let mut first_error = None;
    let mut kept = Vec::new();
    for slot in slots(&trash)? {
        match sum(&trash, &slot.name) {
            // Where nothing changes, what is in the slot is as old as the slot.
            Ok(sum) if slot.seconds.max(sum.newest_change) < old => match remove(&trash, &slot.name) {
                Ok(()) => report.expired += 1,
                Err(error) => first_error = first_error.or(Some(error)),
            },
            Ok(sum) => {
                report.bytes = report.bytes.saturating_add(sum.bytes);
                kept.push((slot, sum));
            }
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    for (slot, sum) in kept {
        if limit.is_none_or(|limit| report.bytes <= limit) {
            break;
        }
        if slot.seconds.max(sum.newest_change) >= young {
            continue;
        }
        match remove(&trash, &slot.name) {
            Ok(()) => {
                report.expired += 1;
                report.bytes = report.bytes.saturating_sub(sum.bytes);
            }
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    first_error.map_or(Ok(report), Err)
}

/// How much is in the trash.
pub(super) fn report(root: &OwnedFd, limit: TrashLimit) -> Result<TrashReport, DiskErrorKind> {
    let mut report = TrashReport { expired: 0, bytes: 0, limit: limit.bytes(root)? };
    if let Some(trash) = open_if_there(root)? {
        for slot in slots(&trash)? {
            report.bytes = report.bytes.saturating_add(sum(&trash, &slot.name)?.bytes);
        }
    }
    Ok(report)
}

impl TrashLimit {
    /// In bytes; `None` if there is none.
    fn bytes(self, root: &OwnedFd) -> Result<Option<u64>, DiskErrorKind> {
        Ok(match self {
            Self::Unlimited => None,
            Self::Bytes(bytes) => Some(bytes),
            Self::Percent(percent) => {
                let disk = rustix::fs::fstatvfs(root)?;
                let size = u128::from(disk.f_blocks) * u128::from(disk.f_frsize);
                u64::try_from(size * u128::from(percent) / 100).ok()
            }
        })
    }
}

/// A minute of the trash.
struct Slot {
    name: Vec<u8>,
    seconds: i64,
}

/// The minutes of the trash that are jottad's, oldest first.
fn slots(trash: &OwnedFd) -> Result<Vec<Slot>, DiskErrorKind> {
    let slots = names(trash)?.into_iter();
    let slots = slots.filter_map(|name| slot_seconds(&name).map(|seconds| Slot { name, seconds }));
    let mut slots: Vec<Slot> = slots.collect();
    slots.sort_by(|one, next| (one.seconds, &one.name).cmp(&(next.seconds, &next.name)));
    Ok(slots)
}

/// Every file in the trash, and every directory in which nothing is; oldest first.
pub(super) fn list(root: &OwnedFd) -> Result<Vec<Trashed>, DiskErrorKind> {
    let Some(trash) = open_if_there(root)? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for slot in slots(&trash)? {
        let name = String::from_utf8_lossy(&slot.name).into_owned();
        let at = Timestamp::from_seconds(slot.seconds);
        list_below(&trash, (&slot.name, &RelativePath::root()), at, &mut |path, size, at| {
            found.push(Trashed { slot: name.clone(), path: path.clone(), size, at });
        })?;
    }
    Ok(found)
}

/// When an entry came: being moved changed it, in the minute of its slot. Anything else says nothing of that,
/// and it came with what is above it.
fn came_at(above: Timestamp, facts: &Facts) -> Timestamp {
    let minute = above.seconds() - above.seconds().rem_euclid(60);
    let changed = facts.changed.div_euclid(1_000_000_000);
    if (minute..minute + 60).contains(&changed) { Timestamp::from_seconds(changed) } else { above }
}

/// Lists what is below a name that stands at a path. `at` is when what is above it came.
fn list_below(
    parent: &OwnedFd,
    (name, path): (&[u8], &RelativePath),
    at: Timestamp,
    found: &mut impl FnMut(&RelativePath, Option<u64>, Timestamp),
) -> Result<(), DiskErrorKind> {
    let Some(facts) = Facts::at(parent, name).map_err(own)? else { return Ok(()) };
    let at = came_at(at, &facts);
    if !matches!(facts.node, DiskNode::Directory(_)) {
        found(path, Some(facts.file().map_or(0, |file| file.size)), at);
        return Ok(());
    }
    let directory = enter(parent, name, &facts)?;
    let mut names = names(&directory)?;
    names.sort();
    if names.is_empty() && !path.is_root() {
        found(path, None, at);
    }
    for name in names {
        let Ok(below) = Name::new(name.as_slice()) else { continue };
        list_below(&directory, (&name, &path.join(&below)), at, found)?;
    }
    Ok(())
}

/// Puts something back to where it was, which must be free. Directories above are made where they are
/// missing.
pub(super) fn restore(root: &OwnedFd, trashed: &Trashed) -> Result<(), DiskErrorKind> {
    let slot = Name::new(trashed.slot.as_bytes()).map_err(|_| DiskErrorKind::NotFound)?;
    let trash = open_if_there(root)?.ok_or(DiskErrorKind::NotFound)?;
    let inside = trashed.path.components().try_fold(RelativePath::root().join(&slot), |path, name| {
        Name::new(name).map(|name| path.join(&name))
    });
    let inside = inside.map_err(|_| DiskErrorKind::NotFound)?;
    let from = Place::of(&trash, &inside, READ_DIRECTORY)?;
    let mut above: Vec<RelativePath> =
        std::iter::successors(trashed.path.parent(), RelativePath::parent).collect();
    above.pop();
    for directory in above.into_iter().rev() {
        placing::make_directory(root, &directory)?;
    }
    let to = Place::of(root, &trashed.path, READ_DIRECTORY)?;
    rename_to_free(from.at(), to.at())?;
    sync_directory(&to.directory)?;
    // Directories that were there for its sake go with it, until one holds something else.
    for directory in std::iter::successors(inside.parent(), RelativePath::parent) {
        let Ok(place) = Place::of(&trash, &directory, READ_DIRECTORY) else { break };
        if unlinkat(&place.directory, place.name.as_bytes(), AtFlags::REMOVEDIR).is_err() {
            break;
        }
    }
    Ok(())
}

/// Deletes for good all that jottad put into the trash, and returns how many bytes that was.
pub(super) fn empty(root: &OwnedFd) -> Result<u64, DiskErrorKind> {
    let Some(trash) = open_if_there(root)? else { return Ok(0) };
    let mut bytes = 0_u64;
    for slot in slots(&trash)? {
        bytes = bytes.saturating_add(sum(&trash, &slot.name)?.bytes);
        remove(&trash, &slot.name)?;
    }
    Ok(bytes)
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

/// What all that is no directory adds up to.
#[derive(Debug, Clone, Copy)]
struct Sum {
    bytes: u64,
    /// The latest change time, in seconds; the smallest number if there is nothing.
    newest_change: i64,
}

fn sum(parent: &OwnedFd, name: &[u8]) -> Result<Sum, DiskErrorKind> {
    let nothing = Sum { bytes: 0, newest_change: i64::MIN };
    let Some(facts) = Facts::at(parent, name).map_err(own)? else { return Ok(nothing) };
    if !matches!(facts.node, DiskNode::Directory(_)) {
        let bytes = facts.file().map_or(0, |file| file.size);
        return Ok(Sum { bytes, newest_change: facts.changed.div_euclid(1_000_000_000) });
    }
    let directory = enter(parent, name, &facts)?;
    names(&directory)?.iter().try_fold(nothing, |all, name| {
        let one = sum(&directory, name)?;
        let bytes = all.bytes.saturating_add(one.bytes);
        Ok(Sum { bytes, newest_change: all.newest_change.max(one.newest_change) })
    })
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

/// Opens a directory in the trash whatever its mode says, but never a mounted file system: that is the
/// user's.
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

#[cfg(test)]
mod tests {
    use std::fs;

    use rustix::fs::{CWD, OFlags, openat};

    use super::*;

    #[test]
    fn what_took_the_name_in_between_goes_back() {
        for saved_between in [None, Some("saved"), Some("another file")] {
            let directory = tempfile::tempdir().unwrap();
            let file = directory.path().join("file");
            fs::write(&file, "known").unwrap();
            let root = openat(CWD, directory.path(), OFlags::DIRECTORY, Mode::empty()).unwrap();
            let path = RelativePath::try_from("file").unwrap();
            let place = Place::of(&root, &path, READ_DIRECTORY).unwrap();
            let expected = place.facts().unwrap().unwrap().node;
            if let Some(content) = saved_between {
                fs::write(directory.path().join("new"), content).unwrap();
                fs::rename(directory.path().join("new"), &file).unwrap();
            }
            let result = trash_from(&root, &path, &place, &expected, None);
            assert_eq!(matches!(result, Err(DiskErrorKind::Changed)), saved_between.is_some(), "{result:?}");
            assert_eq!(fs::read_to_string(&file).ok().as_deref(), saved_between);
        }
    }

    #[test]
    fn an_entry_came_when_it_changed_if_that_was_in_the_minute_of_what_is_above_it() {
        let directory = tempfile::tempdir().unwrap();
        let place = rustix::fs::openat(
            rustix::fs::CWD,
            directory.path(),
            rustix::fs::OFlags::DIRECTORY,
            Mode::empty(),
        );
        let facts = Facts::of(place.unwrap()).unwrap();
        for (above, changed, came) in [
            (600, 600, 600),
            (600, 659, 659),
            (600, 660, 600),
            (600, 599, 600),
            (645, 600, 600),
            (645, 659, 659),
            (645, 660, 645),
            (645, 599, 645),
            (-30, -60, -60),
            (-30, -61, -30),
        ] {
            let facts = Facts { changed: changed * 1_000_000_000 + 999_999_999, ..facts };
            let found = came_at(Timestamp::from_seconds(above), &facts);
            assert_eq!(found, Timestamp::from_seconds(came), "above at {above}, changed at {changed}");
        }
    }
}
