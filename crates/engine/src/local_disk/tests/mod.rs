//! Real directories and files, and what else may stand in them.

mod attributes;
mod crash;
mod mounts;
mod reading;
mod root;
mod trash;
mod unprivileged;
mod writing;

use std::fmt::Debug;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use jottad_core::{Md5, RelativePath, Timestamp};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::reading::CheckedFile;
use super::staging::Staged;
use super::{LocalDisk, TrashLimit};
use crate::digest::TreeDigest;
use crate::disk::{
    Disk as _, DiskEntry, DiskError, DiskNode, FileStat, Identity, LocalContent as _, Mount, OtherKind,
    RootIdentity, StagedFile as _,
};

/// A modification time that no test would come by.
const LONG_AGO: Timestamp = Timestamp::from_seconds(1_000_000_007);

/// Whether the machine does not have what a test needs. Such a test is skipped with a note, or fails where
/// `JOTTAD_REQUIRE` names what is missing.
fn is_lacking(feature: &str, is_found: bool) -> bool {
    let required = std::env::var("JOTTAD_REQUIRE").unwrap_or_default();
    let is_required = required.split_whitespace().any(|required| required == feature);
    assert!(is_found || !is_required, "JOTTAD_REQUIRE names {feature}, which this machine lacks");
    if !is_found {
        println!("skipped: this machine lacks {feature}");
    }
    !is_found
}

/// A root in a temporary directory, beside it a place that is outside, and a runtime to drive the disk.
struct Folder {
    directory: TempDir,
    runtime: Runtime,
    disk: LocalDisk,
}

impl Folder {
    fn new() -> Self {
        Self::below(std::env::temp_dir())
    }

    fn below(directory: PathBuf) -> Self {
        let directory = tempfile::tempdir_in(directory).unwrap();
        fs::create_dir(directory.path().join("root")).unwrap();
        fs::create_dir(directory.path().join("outside")).unwrap();
        fs::write(directory.path().join("outside/file"), "secret").unwrap();
        let disk = LocalDisk::open(directory.path().join("root")).unwrap();
        Self { directory, runtime: runtime(), disk }
    }

    /// Where a path of the folder is.
    fn at(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    fn root(&self) -> PathBuf {
        self.directory.path().join("root")
    }

    fn outside(&self) -> PathBuf {
        self.directory.path().join("outside")
    }

    /// Writes a file, with the directories above it, and looks at it.
    fn write(&self, path: &str, content: impl AsRef<[u8]>) -> FileStat {
        self.write_unseen(path, content);
        self.file(path)
    }

    /// Writes a file that the disk may not show, with the directories above it.
    fn write_unseen(&self, path: &str, content: impl AsRef<[u8]>) {
        fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        fs::write(self.at(path), content).unwrap();
    }

    /// Moves an entry away and puts a symlink to the outside in its place.
    fn swap_for_outside(&self, path: &str) {
        fs::rename(self.at(path), self.directory.path().join("swapped")).unwrap();
        symlink(self.outside(), self.at(path)).unwrap();
    }

    fn identify(&self) -> Result<RootIdentity, DiskError> {
        self.runtime.block_on(self.disk.root())
    }

    fn list(&self, path: &str) -> Result<Vec<DiskEntry>, DiskError> {
        self.runtime.block_on(self.disk.list(&relative(path))).map(|listing| listing.entries)
    }

    fn mount(&self, path: &str) -> Option<Mount> {
        let mount = self.runtime.block_on(self.disk.mount(&relative(path))).unwrap();
        if let Ok(listing) = self.runtime.block_on(self.disk.list(&relative(path))) {
            assert_eq!(listing.mount, mount, "{path}");
        }
        mount
    }

    fn names(&self, path: &str) -> Vec<Vec<u8>> {
        let entries = self.list(path).unwrap();
        let mut names: Vec<_> = entries.iter().map(|entry| entry.name.as_bytes().to_vec()).collect();
        names.sort();
        names
    }

    fn stat(&self, path: &str) -> Result<Option<DiskNode>, DiskError> {
        self.runtime.block_on(self.disk.stat(&relative(path)))
    }

    fn file(&self, path: &str) -> FileStat {
        match self.stat(path).unwrap() {
            Some(DiskNode::File(stat)) => stat,
            other => panic!("{path} is {other:?}"),
        }
    }

    fn identity(&self, path: &str) -> Identity {
        self.stat(path).unwrap().unwrap().identity().unwrap()
    }

    fn hash(&self, path: &str, expected: &FileStat) -> Result<Md5, DiskError> {
        self.runtime.block_on(self.disk.hash(&relative(path), expected))
    }

    fn open(&self, path: &str, expected: &FileStat) -> Result<CheckedFile, DiskError> {
        self.runtime.block_on(self.disk.open(&relative(path), expected))
    }

    fn copy(&self, path: &str, expected: &FileStat) -> Result<(Staged, Md5), DiskError> {
        self.runtime.block_on(self.disk.copy(&relative(path), expected))
    }

    fn make_directory(&self, path: &str) -> Result<Identity, DiskError> {
        self.runtime.block_on(self.disk.make_directory(&relative(path)))
    }

    /// Stages content and places it.
    fn place(&self, path: &str, content: &str, replaces: Option<&FileStat>) -> Result<FileStat, DiskError> {
        self.runtime.block_on(async {
            let mut staged = self.disk.stage(content.len() as u64).await?;
            staged.write(content.as_bytes()).unwrap();
            self.disk.place(staged, &relative(path), LONG_AGO, replaces).await
        })
    }

    fn rename(&self, from: &str, to: &str, expected: Identity) -> Result<(), DiskError> {
        self.runtime.block_on(self.disk.rename(&relative(from), &relative(to), expected))
    }

    fn trash(&self, path: &str, expected: &DiskNode) -> Result<(), DiskError> {
        self.runtime.block_on(self.disk.trash(&relative(path), expected, None))
    }

    /// Moves a directory to the trash if it holds just these entries.
    fn trash_with(&self, path: &str, holds: &[(&str, DiskNode)]) -> Result<(), DiskError> {
        let mut digest = TreeDigest::default();
        assert!(holds.iter().all(|(path, node)| digest.add_local_entry(&relative(path), node)));
        let expected = DiskNode::Directory(self.identity(path));
        self.runtime.block_on(self.disk.trash(&relative(path), &expected, Some(digest)))
    }

    fn set_modified(&self, path: &str, expected: &FileStat) -> Result<FileStat, DiskError> {
        self.runtime.block_on(self.disk.set_modified(&relative(path), expected, LONG_AGO))
    }

    fn claim(&self, marker: &str) -> Result<(), DiskError> {
        let root = self.identify()?;
        self.runtime.block_on(self.disk.claim_root(&root, marker))
    }

    /// Every file in the trash, by the path it had, and its content; sorted.
    fn trashed(&self) -> Vec<(String, String)> {
        let trash = self.at(".jottad/trash");
        let mut found: Vec<_> = files_below(&trash)
            .into_iter()
            .map(|path| {
                let below = path.strip_prefix(&trash).unwrap();
                let had = below.iter().skip(1).collect::<PathBuf>();
                (had.to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap())
            })
            .collect();
        found.sort();
        found
    }

    /// Says that what is outside the root is as it was made.
    fn assert_outside_untouched(&self) {
        assert_eq!(files_below(&self.outside()), [self.outside().join("file")]);
        assert_eq!(read(self.outside().join("file")), "secret");
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

fn relative(path: &str) -> RelativePath {
    RelativePath::try_from(path).unwrap()
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).unwrap()
}

fn make_fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// The kind of an error, by name.
fn kind<T: Debug>(result: Result<T, DiskError>) -> String {
    let kind = format!("{:?}", result.unwrap_err().kind);
    kind.split('(').next().unwrap_or_default().to_owned()
}

/// Everything below a directory that is no directory; nothing if there is none.
fn files_below(path: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = everything_below(path).into_iter().filter(|path| !is_directory(path)).collect();
    files.sort();
    files
}

fn everything_below(path: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    let mut pending = vec![path.to_owned()];
    while let Some(path) = pending.pop() {
        if is_directory(&path) {
            pending.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
        if path.symlink_metadata().is_ok() {
            all.push(path);
        }
    }
    all
}

fn is_directory(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|data| data.is_dir())
}

/// Everything below a directory with its stamps, to show that nothing at all was written.
fn stamps_below(path: &Path) -> Vec<String> {
    let mut all: Vec<_> = everything_below(path)
        .into_iter()
        .map(|path| {
            let data = fs::symlink_metadata(&path).unwrap();
            let stamps = [data.mtime(), data.mtime_nsec(), data.ctime(), data.ctime_nsec()];
            // Only Linux lets a program read without leaving an access time.
            let accessed = if cfg!(target_os = "linux") { [data.atime(), data.atime_nsec()] } else { [0; 2] };
            format!("{} {} {stamps:?} {accessed:?}", path.display(), data.ino())
        })
        .collect();
    all.sort();
    all
}

/// Runs one test of this binary again in other circumstances, and returns what it printed.
fn run_again(wrapper: &[&str], test: &str, mark: &str) -> Output {
    // The build directory may be closed to others than the one who builds.
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("tests");
    // A process of its own copies it: a file that this process had open for writing could still be open in a
    // child that another test started in that moment, and could then not be run.
    let copied = Command::new("cp").arg(std::env::current_exe().unwrap()).arg(&program).status().unwrap();
    assert!(copied.success(), "{program:?}");
    let everyone = |mode| std::os::unix::fs::PermissionsExt::from_mode(mode);
    fs::set_permissions(&program, everyone(0o755)).unwrap();
    fs::set_permissions(directory.path(), everyone(0o777)).unwrap();
    Command::new(wrapper[0])
        .args(&wrapper[1..])
        .arg(&program)
        .args(["--exact", test, "--test-threads=1"])
        .current_dir(directory.path())
        .env("TMPDIR", directory.path())
        .env(mark, "1")
        .output()
        .unwrap_or_else(|error| panic!("{} is needed for this test: {error}", wrapper[0]))
}
