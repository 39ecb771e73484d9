//! What a directory holds, in a number that does not depend on the order of a listing.

use jottad_core::{Content, RelativePath, StoredPath};
use md5::{Digest as _, Md5 as Md5Hasher};

use crate::disk::{DiskNode, FileStat};

/// Sums the entries below a directory, in any order, so that an index and a listing can be compared without
/// holding either in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct TreeDigest {
    entries: u64,
    sum: u128,
}

impl TreeDigest {
    /// Adds a remote file by its path below the directory. Remote directories are not summed: listings may
    /// leave them out, and an empty one holds nothing that could be lost.
    pub fn add_remote_file(&mut self, path: &StoredPath, content: Content) {
        let mut hasher = Md5Hasher::new();
        hasher.update(b"file\0");
        hasher.update(content.size.to_le_bytes());
        hasher.update(content.md5.as_bytes());
        for name in path.names() {
            hasher.update(name.as_str().as_bytes());
            hasher.update(b"/");
        }
        self.add(hasher);
    }

    /// Adds a local file by its path below the directory and all that tells whether it might have changed.
    pub fn add_local_file(&mut self, path: &RelativePath, stat: &FileStat) {
        let mut hasher = Md5Hasher::new();
        hasher.update(b"file\0");
        hasher.update(stat.identity.inode.to_le_bytes());
        hasher.update(stat.identity.born.to_le_bytes());
        hasher.update(stat.size.to_le_bytes());
        hasher.update(stat.modified.seconds().to_le_bytes());
        hasher.update(stat.modified_nanoseconds.to_le_bytes());
        hasher.update(stat.changed.to_le_bytes());
        hasher.update(path.as_bytes());
        self.add(hasher);
    }

    /// Adds a local directory by its path below the directory.
    pub fn add_local_directory(&mut self, path: &RelativePath) {
        let mut hasher = Md5Hasher::new();
        hasher.update(b"directory\0");
        hasher.update(path.as_bytes());
        self.add(hasher);
    }

    /// Adds a local entry by its path below the directory; tells whether it is of a kind that is synced.
    #[must_use]
    pub fn add_local_entry(&mut self, path: &RelativePath, node: &DiskNode) -> bool {
        match node {
            DiskNode::File(stat) => self.add_local_file(path, stat),
            DiskNode::Directory(_) => self.add_local_directory(path),
            DiskNode::Other(_) => return false,
        }
        true
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

#[cfg(test)]
mod tests {
    use jottad_core::{Md5, StoredName};

    use super::*;
    use crate::disk::{Identity, OtherKind};

    fn digest(files: &[(&str, u64)]) -> TreeDigest {
        let mut digest = TreeDigest::default();
        for (path, size) in files {
            let names = path.split('/').filter_map(StoredName::new).collect();
            digest.add_remote_file(&StoredPath::new(names), Content { size: *size, md5: Md5::EMPTY });
        }
        digest
    }

    /// A directory that holds anything of the sort never goes as a whole.
    #[test]
    fn what_is_never_synced_is_told_from_what_is() {
        let mut digest = TreeDigest::default();
        let path = RelativePath::try_from("a").unwrap();
        for (node, is_synced) in [
            (DiskNode::File(crate::builders::file_stat(1, 3)), true),
            (DiskNode::Directory(Identity { inode: 1, born: 1 }), true),
            (DiskNode::Other(OtherKind::Symlink), false),
        ] {
            assert_eq!(digest.add_local_entry(&path, &node), is_synced, "{node:?}");
        }
        assert_eq!(digest.entries(), 2);
    }

    #[test]
    fn order_does_not_matter_but_every_entry_does() {
        assert_eq!(digest(&[("a", 1), ("b/c", 2)]), digest(&[("b/c", 2), ("a", 1)]));
        for other in [
            &[("a", 1)][..],
            &[("a", 1), ("b/c", 3)],
            &[("a", 1), ("bc", 2)],
            &[("a", 1), ("b/c", 2), ("a", 1)],
        ] {
            assert_ne!(digest(&[("a", 1), ("b/c", 2)]), digest(other));
        }
    }
}
