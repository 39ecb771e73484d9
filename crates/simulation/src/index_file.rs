//! The index of a run, which is the real one in a real file.
//!
//! To open a file and to prepare every statement anew takes longer than most runs, so a thread lives its
//! lives in one index: a process that dies loses what was not committed, and a new life begins with what a
//! new file holds. Every eighth life opens and closes a file of its own instead, whenever a process does.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use jottad_engine::{Index, IndexError};

/// A file, removed at the end. Where there is a file system in memory it is there.
pub(crate) struct IndexFile {
    /// Before its directory, so that it is closed first.
    index: Option<Index>,
    is_kept_open: bool,
    _directory: tempfile::TempDir,
    path: PathBuf,
}

thread_local! {
    /// What the life before has left.
    static LEFT: Cell<Option<IndexFile>> = const { Cell::new(None) };
}

impl IndexFile {
    /// An empty index.
    pub(crate) fn of_life(seed: u64) -> Self {
        if seed.is_multiple_of(8) {
            return Self::create(false);
        }
        let left = LEFT.take().and_then(|mut left| {
            left.index = Some(left.index.take()?.emptied().ok()?);
            Some(left)
        });
        left.unwrap_or_else(|| Self::create(true))
    }

    fn create(is_kept_open: bool) -> Self {
        let directory = directory();
        let path = directory.path().join("index.db");
        write_empty(&path);
        Self { index: None, is_kept_open, _directory: directory, path }
    }

    /// Opens it, as a process that starts; `true` if it was found damaged.
    pub(crate) fn open(&mut self) -> Result<(Index, bool), IndexError> {
        if let Some(index) = self.index.take() {
            return Ok((index, false));
        }
        let (index, aside) = Index::open(&self.path)?;
        Ok((index, aside.is_some()))
    }

    /// The process died that had opened it.
    pub(crate) fn close(&mut self, index: Index) -> Result<(), IndexError> {
        self.index = if self.is_kept_open { Some(index.after_a_crash()?) } else { None };
        Ok(())
    }

    /// Loses what it holds. It must be closed.
    pub(crate) fn lose(&mut self) -> Result<(), IndexError> {
        match self.index.take() {
            Some(index) => self.index = Some(index.emptied()?),
            None => write_empty(&self.path),
        }
        Ok(())
    }

    /// Leaves it to the next life.
    pub(crate) fn leave(self) {
        if self.index.is_some() {
            LEFT.set(Some(self));
        }
    }
}

/// Puts an empty index there. Making the tables takes longer than most runs, so they are made once.
fn write_empty(path: &Path) {
    static EMPTY: OnceLock<Vec<u8>> = OnceLock::new();
    let empty = EMPTY.get_or_init(|| {
        let directory = directory();
        let path = directory.path().join("index.db");
        let opened = Index::open(&path);
        assert!(opened.is_ok(), "no index can be made in {}", path.display());
        drop(opened);
        std::fs::read(&path).unwrap_or_default()
    });
    for ending in ["-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        // It need not be there.
        let _ = std::fs::remove_file(name);
    }
    let written = std::fs::write(path, empty);
    assert!(written.is_ok(), "no index can be written to {}", path.display());
}

fn directory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.unwrap_or_else(|error| panic!("no directory for the index: {error}"))
}
