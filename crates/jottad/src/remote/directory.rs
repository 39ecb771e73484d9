//! A directory on this machine that things from the service are put into.
//!
//! The directory that the user named may be reached through symlinks; below it nothing ever is. Names are
//! taken one at a time, relative to an open directory, so nothing that happens meanwhile can lead outside.

use std::fs::{File, FileTimes, Metadata, Permissions};
use std::io::{self, Read as _, Seek as _, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use jottad_core::{Content, Name, RelativePath, Timestamp};
use jottad_engine::{Disk as _, DiskError, DiskNode, LocalDisk};
use jottad_transport::PartialContent;
use rustix::fd::OwnedFd;
use rustix::fs::{
    AtFlags, FlockOperation, Mode, OFlags, RenameFlags, flock, mkdirat, openat, renameat, renameat_with,
    unlinkat,
};
use rustix::io::Errno;

use crate::cli::failure::Failure;

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
/// A pipe or a terminal in the place of a file must not block or take over.
const FILE: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);
const PART: OFlags = OFlags::RDWR
    .union(OFlags::CREATE)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

/// An open directory with the path by which people know it.
#[derive(Debug)]
pub(crate) struct Directory {
    descriptor: OwnedFd,
    path: PathBuf,
}

/// What mends a directory that cannot be opened.
const OPENABLE: &str = "make the directory first, or correct the path";

/// What a name in a directory stands for.
#[derive(Debug)]
pub(crate) enum Occupant {
    /// Nothing.
    Nothing,
    /// A file, open for reading.
    File(File, Metadata),
    /// Something that is never replaced.
    Other(&'static str),
}

impl Directory {
    /// Opens a directory that the user named, making it and those above it where they are missing.
    pub(crate) fn make(path: &Path) -> Result<Self, Failure> {
        let fail = |error| failure("making the directory", path, &error);
        std::fs::create_dir_all(path).map_err(fail)?;
        Self::open(path)
    }

    /// Opens a directory that the user named.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let descriptor = rustix::fs::open(path, DIRECTORY, Mode::empty())
            .map_err(|error| failure("opening the directory", path, &error.into()).hint(OPENABLE))?;
        Ok(Self { descriptor, path: path.to_owned() })
    }

    /// A directory in this one, made if it is missing; never through a symlink.
    pub(crate) fn descend(&self, name: &Name) -> Result<Self, Failure> {
        let path = self.path_of(name);
        match mkdirat(&self.descriptor, name.as_bytes(), Mode::from_raw_mode(0o777)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(failure("making the directory", &path, &error.into())),
        }
        match openat(&self.descriptor, name.as_bytes(), DIRECTORY | OFlags::NOFOLLOW, Mode::empty()) {
            Ok(descriptor) => Ok(Self { descriptor, path }),
            Err(Errno::LOOP | Errno::NOTDIR) => {
                let text = format!("{}: a symlink or a file is in the place of a directory", path.display());
                Err(Failure::failed(text).path(path.display().to_string()))
            }
            Err(error) => Err(failure("opening the directory", &path, &error.into())),
        }
    }

    /// The path of a name in here, for people.
    pub(crate) fn path_of(&self, name: &Name) -> PathBuf {
        self.path.join(std::ffi::OsStr::from_bytes(name.as_bytes()))
    }

    /// What has this name now.
    pub(crate) fn occupant(&self, name: &Name) -> Result<Occupant, Failure> {
        let fail = |error| failure("looking at", &self.path_of(name), &error);
        let file: File = match openat(&self.descriptor, name.as_bytes(), FILE, Mode::empty()) {
            Ok(descriptor) => descriptor.into(),
            Err(Errno::NOENT) => return Ok(Occupant::Nothing),
            Err(Errno::LOOP | Errno::MLINK) => return Ok(Occupant::Other("a symlink")),
            Err(Errno::NXIO | Errno::OPNOTSUPP) => return Ok(Occupant::Other("a socket or device")),
            Err(error) => return Err(fail(error.into())),
        };
        let metadata = file.metadata().map_err(fail)?;
        Ok(match metadata.file_type() {
            kind if kind.is_file() => Occupant::File(file, metadata),
            kind if kind.is_dir() => Occupant::Other("a directory"),
            _ => Occupant::Other("a special file"),
        })
    }

    /// A file beside the one to be made, with what an earlier attempt at the same content left in it.
    pub(crate) fn stage(&self, name: &Name, content: Content) -> Result<Staged<'_>, Failure> {
        let mut mark = PartialContent::default();
        mark.update(name.as_bytes());
        let mark = mark.finish().md5.to_string();
        let part = format!(".jottad-{}-{}.part", content.md5, &mark[..8]);
        let path = self.path.join(&part);
        let fail = |error| failure("writing", &path, &error);
        let descriptor = openat(&self.descriptor, part.as_str(), PART, Mode::from_raw_mode(0o666))
            .map_err(|error| fail(error.into()))?;
        match flock(&descriptor, FlockOperation::NonBlockingLockExclusive) {
            // Some network file systems have no locks; there two commands at once are the user's affair.
            Ok(()) | Err(Errno::NOSYS | Errno::OPNOTSUPP | Errno::NOLCK) => {}
            Err(Errno::WOULDBLOCK) => {
                let text = format!("writing {}: another command is fetching this file", path.display());
                return Err(Failure::failed(text)
                    .path(path.display().to_string())
                    .hint("wait for it to end"));
            }
            Err(error) => return Err(fail(error.into())),
        }
        let file = File::from(descriptor);
        let metadata = file.metadata().map_err(fail)?;
        if !metadata.is_file()
            || metadata.nlink() != 1
            || metadata.uid() != rustix::process::geteuid().as_raw()
        {
            let text = format!("{} is in the way and is not this program's", path.display());
            return Err(Failure::failed(text).path(path.display().to_string()).hint("move it away"));
        }
        if metadata.len() > content.size {
            file.set_len(0).map_err(fail)?;
        }
        Ok(Staged { directory: self, file, part })
    }
}

/// A file that is being filled, under a name of its own. It stays when it is dropped: the next attempt goes
/// on with it.
#[derive(Debug)]
pub(crate) struct Staged<'directory> {
    directory: &'directory Directory,
    file: File,
    part: String,
}

impl Staged<'_> {
    /// Reads what is there from the beginning; what is written afterwards follows it.
    pub(crate) async fn take_up(&mut self) -> Result<PartialContent, Failure> {
        let path = self.directory.path.join(&self.part);
        if self.file.metadata().is_ok_and(|metadata| metadata.len() == 0) {
            return Ok(PartialContent::default());
        }
        let read = async {
            let held = hash(&self.file).await?;
            (&self.file).seek(io::SeekFrom::Start(held.size()))?;
            Ok(held)
        };
        read.await.map_err(|error| failure("reading", &path, &error))
    }

    /// Throws away what it holds: it is of no use.
    pub(crate) fn discard(self) {
        let _ = unlinkat(&self.directory.descriptor, self.part.as_str(), AtFlags::empty());
    }

    /// Gives the file its time and its name. `replaced` is what may be replaced: it must still be as it was.
    pub(crate) async fn place(
        self,
        name: &Name,
        modified: Option<Timestamp>,
        replaced: Option<&Metadata>,
    ) -> Result<(), Failure> {
        let path = self.directory.path_of(name);
        let fail = |error| failure("writing", &path, &error);
        self.finish(modified, replaced).await.map_err(fail)?;
        let (directory, part) = (&self.directory.descriptor, self.part.as_str());
        let changed = || changed(&path);
        if replaced.is_none() {
            match renameat_with(directory, part, directory, name.as_bytes(), RenameFlags::NOREPLACE) {
                Ok(()) => return Ok(()),
                Err(Errno::EXIST) => return Err(changed()),
                // Not every file system can do that in one step.
                Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {}
                Err(error) => return Err(fail(error.into())),
            }
        }
        // RACE: what is written to the name between this look and the next call is lost.
        match (self.directory.occupant(name)?, replaced) {
            (Occupant::Nothing, _) => {}
            (Occupant::File(_, now), Some(before)) if is_same(before, &now) => {}
            _ => return Err(changed()),
        }
        renameat(directory, part, directory, name.as_bytes()).map_err(|error| fail(error.into()))
    }

    /// The same in a folder: what is replaced goes to the folder's local trash in the same step.
    pub(crate) async fn place_over(
        self,
        name: &Name,
        modified: Option<Timestamp>,
        replaced: &Metadata,
        (disk, inside): (&LocalDisk, &RelativePath),
    ) -> Result<(), Failure> {
        let path = self.directory.path_of(name);
        self.finish(modified, Some(replaced)).await.map_err(|error| failure("writing", &path, &error))?;
        let refuse = |error: DiskError| {
            let text = format!("{} {}: {}", error.action, path.display(), error.kind);
            let hint = "what is there is only replaced if it can be kept in the local trash; another name keeps both";
            Failure::failed(text).path(path.display().to_string()).hint(hint)
        };
        let there = disk.stat(inside).await.map_err(refuse)?;
        let (Some(DiskNode::File(there)), Occupant::File(_, now)) = (there, self.directory.occupant(name)?)
        else {
            return Err(changed(&path));
        };
        if !is_same(replaced, &now) || there.identity.inode != now.ino() {
            return Err(changed(&path));
        }
        let part = Name::new(self.part.as_bytes()).map_err(|_| changed(&path))?;
        let part = inside.split_last().0.join(&part);
        disk.replace(part, inside, there).await.map_err(refuse)
    }

    /// Gives the file its mode and time, and makes it durable: a name that survives a power cut must not
    /// stand for a file that did not. That takes the disk its time, in which other transfers go on.
    async fn finish(&self, modified: Option<Timestamp>, replaced: Option<&Metadata>) -> io::Result<()> {
        let file = self.file.try_clone()?;
        let mode = replaced.map(|replaced| replaced.mode() & 0o777);
        let finishing = tokio::task::spawn_blocking(move || {
            if let Some(mode) = mode {
                file.set_permissions(Permissions::from_mode(mode))?;
            }
            if let Some(modified) = modified {
                set_modified(&file, modified)?;
            }
            file.sync_all()
        });
        finishing.await.map_err(io::Error::other)?
    }
}

fn changed(path: &Path) -> Failure {
    let text = format!("writing {}: something else came to this name meanwhile", path.display());
    Failure::failed(text).path(path.display().to_string()).hint("look at it and try again")
}

impl Write for Staged<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Size and hash of a file from its beginning; hashed beside, so that other transfers go on meanwhile.
pub(crate) async fn hash(file: &File) -> io::Result<PartialContent> {
    let mut file = file.try_clone()?;
    tokio::task::spawn_blocking(move || read_all(&mut file)).await.map_err(io::Error::other)?
}

/// Size and hash of a file from its beginning.
pub(crate) fn read_all(file: &mut File) -> io::Result<PartialContent> {
    file.seek(io::SeekFrom::Start(0))?;
    let mut content = PartialContent::default();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(content),
            Ok(count) => content.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Sets the time of the last change.
pub(crate) fn set_modified(file: &File, modified: Timestamp) -> io::Result<()> {
    let distance = Duration::from_secs(modified.seconds().unsigned_abs());
    let time = if modified.seconds() < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(distance)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(distance)
    };
    // A time that this machine cannot express is not worth a file.
    time.map_or(Ok(()), |time| file.set_times(FileTimes::new().set_modified(time)))
}

/// Whether a file is untouched since it was looked at.
pub(crate) fn is_same(before: &Metadata, now: &Metadata) -> bool {
    let facts = |it: &Metadata| {
        (it.dev(), it.ino(), it.len(), it.mtime(), it.mtime_nsec(), it.ctime(), it.ctime_nsec())
    };
    facts(before) == facts(now)
}

fn failure(action: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::of_system(format_args!("{action} {}", path.display()), error).path(path.display().to_string())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn name(text: &str) -> Name {
        Name::try_from(text).unwrap()
    }

    fn content(bytes: &[u8]) -> Content {
        let mut content = PartialContent::default();
        content.update(bytes);
        content.finish()
    }

    /// A program that another test starts at this moment holds every lock of this process until it runs.
    fn stage<'place>(directory: &'place Directory, text: &str, content: Content) -> Staged<'place> {
        for _ in 0..500 {
            if let Ok(staged) = directory.stage(&name(text), content) {
                return staged;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        directory.stage(&name(text), content).unwrap()
    }

    #[tokio::test]
    async fn an_interrupted_file_is_gone_on_with_and_gets_its_name_in_one_step() {
        let place = tempfile::tempdir().unwrap();
        let directory = Directory::open(place.path()).unwrap();
        let whole = content(b"one two");
        let mut first = stage(&directory, "a", whole);
        assert_eq!(first.take_up().await.unwrap().size(), 0);
        first.write_all(b"one ").unwrap();
        drop(first);
        let mut second = stage(&directory, "a", whole);
        assert_eq!(second.take_up().await.unwrap().size(), 4);
        second.write_all(b"two").unwrap();
        second.place(&name("a"), Some(Timestamp::from_seconds(-5)), None).await.unwrap();
        let file = place.path().join("a");
        assert_eq!(fs::read(&file).unwrap(), b"one two");
        assert_eq!(fs::metadata(&file).unwrap().mtime(), -5);
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn a_name_that_was_taken_meanwhile_is_not_replaced() {
        let place = tempfile::tempdir().unwrap();
        let directory = Directory::open(place.path()).unwrap();
        let file = place.path().join("a");
        let staged = stage(&directory, "a", content(b""));
        fs::write(&file, "new").unwrap();
        staged.place(&name("a"), None, None).await.unwrap_err();
        let seen = fs::metadata(&file).unwrap();
        fs::write(&file, "newer").unwrap();
        let staged = stage(&directory, "a", content(b""));
        staged.place(&name("a"), None, Some(&seen)).await.unwrap_err();
        assert_eq!(fs::read(&file).unwrap(), b"newer");
    }

    #[test]
    fn nothing_below_is_reached_through_a_symlink() {
        let place = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(outside.path(), place.path().join("link")).unwrap();
        let directory = Directory::open(place.path()).unwrap();
        directory.descend(&name("link")).unwrap_err();
        assert!(matches!(directory.occupant(&name("link")).unwrap(), Occupant::Other("a symlink")));
        directory.descend(&name("real")).unwrap();
        assert!(place.path().join("real").is_dir());
    }

    #[test]
    fn two_commands_do_not_fill_one_file() {
        let place = tempfile::tempdir().unwrap();
        let directory = Directory::open(place.path()).unwrap();
        let _first = stage(&directory, "a", content(b"x"));
        directory.stage(&name("a"), content(b"x")).unwrap_err();
        stage(&directory, "b", content(b"x"));
    }
}
