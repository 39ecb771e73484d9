//! What a folder holds, here and there, in one form, and the difference between the two.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use jottad_emulator::{State, TreeKind};
use md5::{Digest as _, Md5};

use super::encode;

/// Every directory and regular file below a root, by stored path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tree(BTreeMap<String, Node>);

/// What is compared of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    Directory,
    File {
        size: u64,
        md5: String,
        /// Whole seconds since 1970.
        modified: i64,
    },
}

impl Tree {
    /// What is on the disk, without jottad's own directory and without what is never synced.
    pub(crate) fn on_disk(root: &Path) -> Self {
        let mut tree = BTreeMap::new();
        walk(root, "", &mut tree);
        Self(tree)
    }

    /// What is live on the service below a path.
    pub(crate) fn on_service(state: &State, root: &str) -> Self {
        let entries = state.live_below(root).into_iter().filter_map(|entry| {
            let node = match (entry.kind, entry.md5) {
                (TreeKind::File, Some(md5)) => {
                    Node::File { size: entry.size?, md5: md5.to_ascii_lowercase(), modified: entry.modified? }
                }
                // A file without a complete revision is not there.
                (TreeKind::File, None) => return None,
                (TreeKind::Folder | TreeKind::Mountpoint, _) => Node::Directory,
            };
            Some((entry.path, node))
        });
        Self(entries.collect())
    }

    /// How many files.
    pub(crate) fn files(&self) -> usize {
        self.0.values().filter(|node| matches!(node, Node::File { .. })).count()
    }

    /// The paths, sorted.
    pub(crate) fn paths(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    /// Leaves out the entries whose stored paths these are, with all below them.
    pub(crate) fn without(mut self, left_out: &[&str]) -> Self {
        let is_left_out = |path: &str| {
            left_out.iter().any(|out| {
                path.strip_prefix(out).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
        };
        self.0.retain(|path, _| !is_left_out(path));
        self
    }

    /// The entries that another tree has, too, whatever they are there.
    pub(crate) fn shared_with(mut self, other: &Self) -> Self {
        self.0.retain(|path, _| other.0.contains_key(path));
        self
    }

    /// Demands that both are the same; shows where they are not.
    #[track_caller]
    pub(crate) fn assert_equals(&self, other: &Self, names: (&str, &str)) {
        let paths: BTreeSet<&String> = self.0.keys().chain(other.0.keys()).collect();
        let show = |node: Option<&Node>| node.map_or("nothing".to_owned(), ToString::to_string);
        let differing: Vec<String> = paths
            .into_iter()
            .filter(|path| self.0.get(*path) != other.0.get(*path))
            .map(|path| {
                let (one, two) = (show(self.0.get(path)), show(other.0.get(path)));
                format!("  {path:?}: {} {one}, {} {two}", names.0, names.1)
            })
            .collect();
        let shown = differing[..differing.len().min(40)].join("\n");
        assert!(differing.is_empty(), "{} entries differ:\n{shown}", differing.len());
    }
}

impl fmt::Display for Node {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory => formatter.write_str("a directory"),
            Self::File { size, md5, modified } => {
                write!(formatter, "{size} bytes, md5 {md5}, modified {modified}")
            }
        }
    }
}

fn walk(directory: &Path, prefix: &str, tree: &mut BTreeMap<String, Node>) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if prefix.is_empty() && name == ".jottad" {
            continue;
        }
        let path = format!("{prefix}{}", encode(name.as_bytes()));
        let metadata = entry.metadata().unwrap();
        if metadata.is_dir() {
            walk(&entry.path(), &format!("{path}/"), tree);
            tree.insert(path, Node::Directory);
        } else if metadata.is_file() {
            let content = fs::read(entry.path()).unwrap();
            let node = Node::File { size: metadata.len(), md5: md5(&content), modified: metadata.mtime() };
            tree.insert(path, node);
        }
    }
}

/// The MD5 of some bytes, as hex.
pub(crate) fn md5(content: &[u8]) -> String {
    Md5::digest(content).iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}
