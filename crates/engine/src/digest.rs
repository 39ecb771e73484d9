//! What a directory holds, in a number that does not depend on the order of a listing.

use jottad_core::{Md5, RelativePath};
use md5::{Digest as _, Md5 as Md5Hasher};

/// Sums the entries below a directory, in any order, so that an index and a listing can be compared without
/// holding either in memory. Times are left out: only what would be lost counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct TreeDigest {
    entries: u64,
    sum: u128,
}

impl TreeDigest {
    /// Adds a file by its path below the directory.
    pub fn add_file(&mut self, path: &[u8], size: u64, md5: Md5) {
        let mut hasher = Md5Hasher::new();
        hasher.update(b"file\0");
        hasher.update(size.to_le_bytes());
        hasher.update(md5.as_bytes());
        hasher.update(path);
        self.add(hasher);
    }

    /// Adds a directory by its path below the directory.
    pub fn add_directory(&mut self, path: &[u8]) {
        let mut hasher = Md5Hasher::new();
        hasher.update(b"directory\0");
        hasher.update(path);
        self.add(hasher);
    }

    /// How many entries were added.
    pub const fn entries(&self) -> u64 {
        self.entries
    }

    fn add(&mut self, hasher: Md5Hasher) {
        self.entries += 1;
        self.sum = self.sum.wrapping_add(u128::from_le_bytes(hasher.finalize().into()));
    }
}

/// The bytes by which a path below `directory` is summed.
pub(crate) fn path_below<'a>(directory: &RelativePath, path: &'a RelativePath) -> &'a [u8] {
    let skip = if directory.is_root() { 0 } else { directory.as_bytes().len() + 1 };
    path.as_bytes().get(skip..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_does_not_matter_but_every_entry_does() {
        let mut one = TreeDigest::default();
        one.add_file(b"a", 1, Md5::EMPTY);
        one.add_directory(b"b");
        let mut two = TreeDigest::default();
        two.add_directory(b"b");
        two.add_file(b"a", 1, Md5::EMPTY);
        assert_eq!(one, two);
        for (path, size) in [(b"b", 1), (b"a", 2)] {
            let mut other = TreeDigest::default();
            other.add_directory(b"b");
            other.add_file(path, size, Md5::EMPTY);
            assert_ne!(one, other);
        }
    }
}
