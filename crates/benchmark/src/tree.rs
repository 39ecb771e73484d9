//! The files that are sent: always the same for the same numbers, no two alike.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use serde::Serialize;

/// What the directory that holds everything is called at first.
pub(crate) const TOP: &str = "photos";

/// How many files, in how many directories, how large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Shape {
    pub(crate) files: usize,
    pub(crate) directories: usize,
    pub(crate) size: usize,
}

impl Shape {
    /// A shape that can be made: something in every directory, and room in every file to differ from all
    /// others.
    pub(crate) fn new(files: usize, directories: usize, size: usize) -> anyhow::Result<Self> {
        ensure!(directories > 0, "--directories: at least one is needed for the files");
        ensure!(files >= directories, "--files: {files} files cannot fill {directories} directories");
        ensure!(size >= 16, "--size: {size} bytes are too few to tell {files} files apart, give at least 16");
        Ok(Self { files, directories, size })
    }

    /// Where a file is, below the top.
    pub(crate) fn path(self, number: usize) -> PathBuf {
        Path::new(&format!("{:04}", number % self.directories)).join(format!("picture {number:06}.jpg"))
    }

    /// Makes all files below `folder`/[`TOP`].
    pub(crate) fn make(self, folder: &Path) -> anyhow::Result<()> {
        let top = folder.join(TOP);
        let trouble = || format!("making the files in {}", top.display());
        for number in 0..self.directories {
            fs::create_dir_all(top.join(format!("{number:04}"))).with_context(trouble)?;
        }
        for number in 0..self.files {
            fs::write(top.join(self.path(number)), content(number, self.size)).with_context(trouble)?;
        }
        Ok(())
    }

    /// Gives one file other content, one byte longer each time; returns its path below the top.
    pub(crate) fn change_one(self, top: &Path, times: usize) -> io::Result<PathBuf> {
        let number = self.files / 2;
        fs::write(top.join(self.path(number)), content(self.files + times, self.size + times))?;
        Ok(self.path(number))
    }
}

/// Bytes that no other number has: the number itself, then what a simple generator makes of it.
fn content(number: usize, size: usize) -> Vec<u8> {
    let mut state = (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = (number as u64).to_le_bytes().to_vec();
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_have_their_size_and_differ() {
        let all: std::collections::BTreeSet<_> = (0..1000).map(|number| content(number, 20)).collect();
        assert_eq!(all.len(), 1000);
        assert!(all.iter().all(|content| content.len() == 20));
    }

    #[test]
    fn impossible_shapes_are_refused() {
        for (files, directories, size) in [(0, 0, 4096), (5, 10, 4096), (10, 5, 8)] {
            assert!(Shape::new(files, directories, size).is_err(), "{files} {directories} {size}");
        }
    }

    #[test]
    fn a_tree_has_what_its_shape_says() {
        let place = tempfile::tempdir().unwrap();
        let shape = Shape::new(25, 10, 100).unwrap();
        shape.make(place.path()).unwrap();
        let mut files = 0;
        for directory in fs::read_dir(place.path().join(TOP)).unwrap() {
            files += fs::read_dir(directory.unwrap().path()).unwrap().count();
        }
        assert_eq!(files, 25);
        let top = place.path().join(TOP);
        let changed = shape.change_one(&top, 1).unwrap();
        assert_eq!(fs::read(top.join(changed)).unwrap().len(), 101);
    }
}
