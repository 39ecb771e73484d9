//! The simulated disk behind the engine's seam: every call gives way, may fail, and may find the user at
//! work.

use std::io;
use std::time::Duration;

use jottad_core::{Md5, Name, RelativePath, Timestamp};
use jottad_engine::{
    Disk, DiskEntry, DiskError, DiskErrorKind, DiskListing, DiskNode, FileStat, Identity, LocalContent,
    Mount, OtherKind, RootIdentity, StagedFile, TreeDigest,
};

use crate::disk_tree::{Body, Forbidden, Serial};
use crate::text::Text;
use crate::world::{Shared, World};

/// The local disk as one command sees it.
#[derive(Debug)]
pub(crate) struct SimulatedDisk {
    world: Shared,
    /// Of the remote side when the command began.
    remote_version: u64,
}

/// A file that is open for sending.
#[derive(Debug)]
pub(crate) struct OpenFile {
    world: Shared,
    serial: Serial,
    expected: FileStat,
}

/// A temporary file.
#[derive(Debug)]
pub(crate) struct TemporaryFile {
    world: Shared,
    bytes: Vec<u8>,
}

type Result<T> = std::result::Result<T, DiskErrorKind>;

impl SimulatedDisk {
    /// The disk for a command that begins now.
    pub(crate) fn new(world: Shared) -> Self {
        let remote_version = world.lock().remote.version;
        Self { world, remote_version }
    }

    /// One step: others move first, then chance may let the disk fail, then `act` happens at once.
    async fn step<T>(
        &self,
        action: &'static str,
        path: &RelativePath,
        act: impl FnOnce(&mut World) -> Result<T>,
    ) -> std::result::Result<T, DiskError> {
        self.world.pause().await;
        let mut world = self.world.lock();
        let permille = world.knobs.disk_fault_permille;
        let result = if !world.weather.calm && world.chance(permille) {
            Err(DiskErrorKind::Other(io::Error::other("a simulated fault")))
        } else {
            act(&mut world)
        };
        result.map_err(|kind| DiskError { action, path: path.clone(), kind })
    }

    /// Waits until a change from now on must give another change time.
    async fn wait_until_distinct(&self, changed: i64) {
        let until = {
            let world = self.world.lock();
            let rest = world.disk.distinct_at(changed).saturating_sub(world.nanoseconds());
            // A stamp in the future says nothing about the next one but that it takes a tick.
            let most = world.disk.distinct_at(0);
            let rest = u64::try_from(rest.clamp(0, most)).unwrap_or(0);
            (rest > 0).then(|| world.monotonic + Duration::from_nanos(rest))
        };
        if let Some(until) = until {
            self.world.sleep_until(until).await;
        }
    }

    fn writing<T>(world: &mut World, what: &str, act: impl FnOnce(&mut World) -> Result<T>) -> Result<T> {
        if !world.may_write_locally() {
            world.violate(format!("{what} in a mode that never writes locally"));
        }
        if world.root_is_settled && !world.disk.is_mounted {
            return Err(DiskErrorKind::RootLost);
        }
        if !world.disk.is_mounted {
            world.violate(format!("{what} while the disk is not mounted"));
        }
        world.as_engine(what, act)
    }
}

fn see(world: &World, path: &RelativePath) -> Result<Option<Serial>> {
    // The path is opened anew for each operation, and leads to another directory than before.
    if world.root_went.is_some() {
        return Err(DiskErrorKind::RootLost);
    }
    world.disk.look(path).map_err(|Forbidden| DiskErrorKind::PermissionDenied)
}

fn expect(world: &World, path: &RelativePath, expected: &FileStat) -> Result<Serial> {
    let serial = see(world, path)?.ok_or(DiskErrorKind::NotFound)?;
    if world.disk.node(serial) != DiskNode::File(*expected) {
        return Err(DiskErrorKind::Changed);
    }
    if world.disk.inode(serial).readable { Ok(serial) } else { Err(DiskErrorKind::PermissionDenied) }
}

/// The directory that a new entry goes into must be there.
fn check_place(world: &World, path: &RelativePath) -> Result<()> {
    let parent = see(world, &path.parent().unwrap_or_default())?;
    match parent.map(|parent| world.disk.entries(parent)) {
        Some(Some(_)) => Ok(()),
        _ => Err(DiskErrorKind::NotFound),
    }
}

fn mount_at(world: &World, path: &RelativePath) -> Option<Mount> {
    world.disk.mounted_at(path).map(|file_system| Mount { file_system })
}

/// A file is moved into its place and out of it, which needs the same file system as `.jottad` is on.
fn check_file_system(world: &World, path: &RelativePath) -> Result<()> {
    let directory = path.parent().unwrap_or_default();
    if world.disk.file_system(&directory) == world.disk.file_system(&RelativePath::root())
        && world.disk.mounted_at(path).is_none()
    {
        return Ok(());
    }
    Err(DiskErrorKind::Other(io::Error::other("it is on another file system")))
}

/// A mount point stays where it is, and nothing is renamed to another file system. What is in the way there
/// does not go away by looking again.
fn check_rename(world: &World, from: &RelativePath, to: &RelativePath) -> Result<()> {
    let file_system = |path: &RelativePath| world.disk.file_system(&path.parent().unwrap_or_default());
    if world.disk.mounted_at(from).is_some() {
        return Err(DiskErrorKind::Other(io::ErrorKind::ResourceBusy.into()));
    }
    if file_system(from) != file_system(to) {
        return Err(DiskErrorKind::Other(io::ErrorKind::CrossesDevices.into()));
    }
    Ok(())
}

fn text_of(world: &World, serial: Serial) -> Option<Text> {
    match &world.disk.inode(serial).body {
        Body::File(text) => Some(text.clone()),
        _ => None,
    }
}

/// The disk of the root, and the one with its mount point.
pub(crate) const ROOT: u64 = 1;
const BENEATH_ROOT: u64 = 0;

impl Disk for SimulatedDisk {
    type Content = OpenFile;
    type Staged = TemporaryFile;

    async fn root(&self) -> std::result::Result<RootIdentity, DiskError> {
        self.step("looking at", &RelativePath::root(), |world| {
            let identity = world.disk.node(world.disk.root()).identity();
            let marker = world.disk.marker.clone().filter(|_| world.disk.is_mounted);
            Ok(RootIdentity {
                file_system: if world.disk.is_mounted { ROOT } else { BENEATH_ROOT },
                identity: identity.ok_or(DiskErrorKind::RootLost)?,
                marker,
            })
        })
        .await
    }

    async fn list(&self, directory: &RelativePath) -> std::result::Result<DiskListing, DiskError> {
        const ACTION: &str = "listing";
        let open = |world: &mut World| {
            // Which directory is meant is settled by the first operation in it.
            world.root_is_settled |= world.disk.is_mounted;
            let serial = see(world, directory)?.ok_or(DiskErrorKind::NotFound)?;
            if world.disk.entries(serial).is_none() {
                return Err(DiskErrorKind::Changed);
            }
            let inode = world.disk.inode(serial);
            if inode.readable { Ok((serial, inode.changed)) } else { Err(DiskErrorKind::PermissionDenied) }
        };
        for _ in 0..2 {
            let (_, changed) = self.step(ACTION, directory, open).await?;
            self.wait_until_distinct(changed).await;
            let (serial, version, mount, names) = self
                .step(ACTION, directory, |world| {
                    let (serial, _) = open(world)?;
                    let names: Vec<Name> = world
                        .disk
                        .entries(serial)
                        .into_iter()
                        .flatten()
                        .map(|(name, _)| name.clone())
                        .collect();
                    Ok((serial, world.disk.inode(serial).version, mount_at(world, directory), names))
                })
                .await?;
            let mut entries = Vec::new();
            let mut complete = true;
            for name in names {
                if self.world.lock().chance(300) {
                    self.world.pause().await;
                }
                let world = self.world.lock();
                let is_there = world.disk.entries(serial).is_some_and(|entries| entries.contains_key(&name));
                let found = world.disk.find(&directory.join(&name)).filter(|_| is_there);
                match found {
                    Some(found) => entries.push(DiskEntry { name, node: world.disk.node(found) }),
                    None => complete = false,
                }
            }
            let unchanged = self
                .step(ACTION, directory, |world| {
                    Ok(see(world, directory)? == Some(serial)
                        && world.disk.inode(serial).version == version
                        && mount_at(world, directory) == mount)
                })
                .await?;
            if complete && unchanged {
                return Ok(DiskListing { mount, entries });
            }
        }
        Err(DiskError { action: ACTION, path: directory.clone(), kind: DiskErrorKind::Changed })
    }

    async fn mount(&self, path: &RelativePath) -> std::result::Result<Option<Mount>, DiskError> {
        self.step("looking at", path, |world| Ok(mount_at(world, path))).await
    }

    async fn link_target(&self, path: &RelativePath) -> std::result::Result<Vec<u8>, DiskError> {
        self.step("looking at", path, |world| {
            let serial = see(world, path)?.ok_or(DiskErrorKind::NotFound)?;
            match world.disk.node(serial) {
                DiskNode::Other(OtherKind::Symlink) => Ok(world.disk.link_target(serial).into()),
                _ => Err(DiskErrorKind::Changed),
            }
        })
        .await
    }

    async fn stat(&self, path: &RelativePath) -> std::result::Result<Option<DiskNode>, DiskError> {
        self.step("looking at", path, |world| Ok(see(world, path)?.map(|serial| world.disk.node(serial))))
            .await
    }

    async fn hash(&self, path: &RelativePath, expected: &FileStat) -> std::result::Result<Md5, DiskError> {
        const ACTION: &str = "reading";
        self.step(ACTION, path, |world| expect(world, path, expected)).await?;
        self.wait_until_distinct(expected.changed).await;
        let serial = self.step(ACTION, path, |world| expect(world, path, expected)).await?;
        let mut bytes = Vec::new();
        loop {
            let mut buffer = [0; 16];
            let read = self
                .step(ACTION, path, |world| Ok(read_bytes(world, serial, bytes.len() as u64, &mut buffer)))
                .await?;
            if read == 0 {
                break;
            }
            bytes.extend_from_slice(&buffer[..read]);
        }
        self.step(ACTION, path, |world| expect(world, path, expected)).await?;
        Ok(Text::of(bytes).content().md5)
    }

    async fn open(
        &self,
        path: &RelativePath,
        expected: &FileStat,
    ) -> std::result::Result<OpenFile, DiskError> {
        self.step("reading", path, |world| expect(world, path, expected)).await?;
        self.wait_until_distinct(expected.changed).await;
        let serial = self.step("reading", path, |world| expect(world, path, expected)).await?;
        Ok(OpenFile { world: self.world.clone(), serial, expected: *expected })
    }

    async fn read(
        &self,
        path: &RelativePath,
        expected: &FileStat,
    ) -> std::result::Result<Vec<u8>, DiskError> {
        self.step("reading", path, |world| expect(world, path, expected)).await?;
        self.wait_until_distinct(expected.changed).await;
        self.step("reading", path, |world| {
            let text = text_of(world, expect(world, path, expected)?);
            Ok(text.map_or_else(Vec::new, |text| text.bytes().to_vec()))
        })
        .await
    }

    async fn make_directory(&self, path: &RelativePath) -> std::result::Result<Identity, DiskError> {
        let made = self.step("making", path, |world| {
            check_place(world, path)?;
            if see(world, path)?.is_none() {
                if world.weather.no_space {
                    return Err(DiskErrorKind::NoSpace);
                }
                Self::writing(world, "making a directory", |world| {
                    let now = world.tick();
                    world.disk.make_directory(path, now).map(drop).ok_or(DiskErrorKind::NotFound)
                })?;
            }
            match see(world, path)?.map(|serial| world.disk.node(serial)) {
                Some(DiskNode::Directory(identity)) => Ok(identity),
                _ => Err(DiskErrorKind::Occupied),
            }
        });
        let identity = made.await?;
        self.world.pause().await;
        Ok(identity)
    }

    async fn stage(&self, _: u64) -> std::result::Result<TemporaryFile, DiskError> {
        self.step("making", &RelativePath::root(), |world| {
            if !world.may_write_locally() {
                world.violate("a temporary file in a mode that never writes locally".to_owned());
            }
            if world.weather.no_space { Err(DiskErrorKind::NoSpace) } else { Ok(()) }
        })
        .await?;
        Ok(TemporaryFile { world: self.world.clone(), bytes: Vec::new() })
    }

    async fn copy(
        &self,
        path: &RelativePath,
        expected: &FileStat,
    ) -> std::result::Result<(TemporaryFile, Md5), DiskError> {
        let content = self.open(path, expected).await?;
        let mut staged = self.stage(expected.size).await?;
        loop {
            let offset = staged.bytes.len() as u64;
            let mut buffer = [0; 16];
            let read = self
                .step("copying", path, |world| Ok(read_bytes(world, content.serial, offset, &mut buffer)))
                .await?;
            if read == 0 {
                break;
            }
            staged.bytes.extend_from_slice(&buffer[..read]);
        }
        self.step("copying", path, |world| expect(world, path, expected)).await?;
        let md5 = Text::of(staged.bytes.clone()).content().md5;
        Ok((staged, md5))
    }

    async fn place(
        &self,
        staged: TemporaryFile,
        path: &RelativePath,
        modified: Timestamp,
        replaces: Option<&FileStat>,
    ) -> std::result::Result<FileStat, DiskError> {
        let text = Text::of(staged.bytes.clone());
        let placed = self.step("placing", path, |world| {
            check_place(world, path)?;
            check_file_system(world, path)?;
            let there = see(world, path)?.map(|serial| world.disk.node(serial));
            match (there, replaces) {
                (Some(_), None) => return Err(DiskErrorKind::Occupied),
                (there, Some(replaces)) if there != Some(DiskNode::File(*replaces)) => {
                    return Err(DiskErrorKind::Changed);
                }
                _ => {}
            }
            Self::writing(world, "placing a file", |world| {
                let now = world.tick();
                let modified = modified.seconds().saturating_mul(1_000_000_000);
                let serial = world.disk.place(path, text.clone(), modified, now);
                let serial = serial.ok_or(DiskErrorKind::NotFound)?;
                Ok((serial, world.disk.node(serial)))
            })
        });
        let (serial, finished) = placed.await?;
        self.step("placing", path, |world| {
            let now = world.disk.node(serial);
            let time = |node| if let DiskNode::File(stat) = node { Some(stat.modified) } else { None };
            // A program may have written to it at once, or given it a time.
            match now {
                DiskNode::File(stat)
                    if text_of(world, serial).as_ref() == Some(&text) && time(now) == time(finished) =>
                {
                    Ok(stat)
                }
                _ => Err(DiskErrorKind::Changed),
            }
        })
        .await
    }

    async fn rename(
        &self,
        from: &RelativePath,
        to: &RelativePath,
        expected: Identity,
    ) -> std::result::Result<(), DiskError> {
        let renamed = self.step("renaming", from, |world| {
            let serial = see(world, from)?.ok_or(DiskErrorKind::NotFound)?;
            if world.disk.node(serial).identity() != Some(expected) {
                return Err(DiskErrorKind::Changed);
            }
            check_place(world, to)?;
            if see(world, to)?.is_some() {
                return Err(DiskErrorKind::Occupied);
            }
            check_rename(world, from, to)?;
            Self::writing(world, "renaming", |world| {
                let now = world.tick();
                if world.disk.inode(serial).links > 1 && world.disk.entries(serial).is_none() {
                    world.disk.touched_by_name.insert(serial);
                }
                if world.disk.rename(from, to, now) { Ok(()) } else { Err(DiskErrorKind::Changed) }
            })
        });
        renamed.await?;
        self.world.pause().await;
        Ok(())
    }

    async fn trash(
        &self,
        path: &RelativePath,
        expected: &DiskNode,
        holds: Option<TreeDigest>,
    ) -> std::result::Result<(), DiskError> {
        let trashed = self.step("trashing", path, |world| {
            let serial = see(world, path)?.ok_or(DiskErrorKind::NotFound)?;
            if world.disk.node(serial) != *expected {
                return Err(DiskErrorKind::Changed);
            }
            check_file_system(world, path)?;
            if holds.is_some() && holds != digest(world, serial) {
                return Err(DiskErrorKind::Changed);
            }
            let files =
                std::iter::once(serial).chain(world.disk.walk(serial).into_iter().map(|(_, below)| below));
            let files = files.filter(|one| world.disk.entries(*one).is_none()).count();
            world.check_hold(files);
            world.check_local_trash(path, self.remote_version);
            Self::writing(world, "trashing", |world| {
                let now = world.tick();
                if world.disk.trash(path, now) { Ok(()) } else { Err(DiskErrorKind::NotFound) }
            })
        });
        trashed.await?;
        self.world.pause().await;
        Ok(())
    }

    async fn set_modified(
        &self,
        path: &RelativePath,
        expected: &FileStat,
        modified: Timestamp,
    ) -> std::result::Result<FileStat, DiskError> {
        self.step("reading", path, |world| expect(world, path, expected)).await?;
        self.wait_until_distinct(expected.changed).await;
        let set = self.step("setting the time of", path, |world| {
            let serial = expect(world, path, expected)?;
            Self::writing(world, "setting a time", |world| {
                let now = world.tick();
                world.disk.set_modified(serial, modified.seconds().saturating_mul(1_000_000_000), now);
                Ok(())
            })?;
            match world.disk.node(serial) {
                DiskNode::File(stat) => Ok(stat),
                _ => Err(DiskErrorKind::Changed),
            }
        });
        set.await
    }

    async fn claim_root(&self, root: &RootIdentity, marker: &str) -> std::result::Result<(), DiskError> {
        self.step("claiming", &RelativePath::root(), |world| {
            let identity = world.disk.node(world.disk.root()).identity();
            if identity != Some(root.identity) || root.file_system != u64::from(world.disk.is_mounted) {
                return Err(DiskErrorKind::RootLost);
            }
            Self::writing(world, "claiming the root", |world| {
                world.disk.marker.get_or_insert_with(|| marker.to_owned());
                world.root_is_settled = true;
                Ok(())
            })
        })
        .await
    }
}

/// What a directory holds; `None` if there is anything in it that is never synced.
fn digest(world: &World, directory: Serial) -> Option<TreeDigest> {
    let mut digest = TreeDigest::default();
    let below = world.disk.walk(directory);
    below.iter().all(|(path, below)| digest.add_local_entry(path, &world.disk.node(*below))).then_some(digest)
}

fn read_bytes(world: &World, serial: Serial, offset: u64, buffer: &mut [u8]) -> usize {
    let text = text_of(world, serial);
    let bytes = text.as_ref().map_or(&[][..], Text::bytes);
    let rest = usize::try_from(offset).ok().and_then(|offset| bytes.get(offset..)).unwrap_or_default();
    let count = rest.len().min(buffer.len());
    buffer[..count].copy_from_slice(&rest[..count]);
    count
}

impl LocalContent for OpenFile {
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let world = self.world.lock();
        let read = read_bytes(&world, self.serial, offset, buffer);
        let is_end = offset + read as u64 >= self.expected.size;
        if is_end && world.disk.node(self.serial) != DiskNode::File(self.expected) {
            return Err(io::Error::other(DiskErrorKind::Changed));
        }
        Ok(read)
    }
}

impl StagedFile for TemporaryFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.world.lock().weather.no_space {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}
