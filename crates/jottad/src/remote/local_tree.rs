//! The directories of this machine that a folder of the service is fetched into.
//!
//! Names come from the service: they are decoded one at a time, two that would be one locally are told apart,
//! and no way leads through a symlink. Of all the directories only the root stays open, and the one that was
//! used last: a tree may have more of them than a program may hold open.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jottad_core::{Name, StoredPath};

use crate::cli::failure::Failure;
use crate::remote::directory::Directory;
use crate::remote::place::local_name;

/// A local directory with what was made in it.
#[derive(Debug)]
pub(crate) struct LocalTree {
    root: Arc<Directory>,
    /// The local names that lead to each directory that was made.
    ways: HashMap<StoredPath, Vec<Name>>,
    taken: HashSet<(StoredPath, Name)>,
    last: Option<(StoredPath, Arc<Directory>)>,
}

impl LocalTree {
    /// Nothing is made in the root yet.
    pub(crate) fn new(root: Directory) -> Self {
        let ways = HashMap::from([(StoredPath::root(), Vec::new())]);
        Self { root: Arc::new(root), ways, taken: HashSet::new(), last: None }
    }

    /// Makes the directory of a folder, unless the one above could not be made, which was told already.
    pub(crate) fn make(&mut self, path: &StoredPath) -> Result<(), Failure> {
        let name = match self.claim(path) {
            None => return Ok(()),
            Some(claimed) => claimed.map_err(Failure::failed)?,
        };
        self.open_parent(path)?.descend(&name)?;
        let mut way = path.parent().and_then(|parent| self.ways.get(&parent).cloned()).unwrap_or_default();
        way.push(name);
        self.ways.insert(path.clone(), way);
        Ok(())
    }

    /// The local name for an entry, taken from now on; or why it can have none. `None` if the directory that
    /// it belongs into was not made.
    pub(crate) fn claim(&mut self, path: &StoredPath) -> Option<Result<Name, String>> {
        let (parent, stored) = (path.parent()?, path.name()?);
        self.ways.contains_key(&parent).then_some(())?;
        Some(local_name(stored).and_then(|name| {
            let is_free = self.taken.insert((parent, name.clone()));
            is_free
                .then_some(name)
                .ok_or_else(|| "another entry of this folder has the same name here".to_owned())
        }))
    }

    /// The directory that an entry belongs into, which was made.
    pub(crate) fn open_parent(&mut self, path: &StoredPath) -> Result<Arc<Directory>, Failure> {
        let parent = path.parent().unwrap_or_else(StoredPath::root);
        if let Some((last, directory)) = &self.last
            && *last == parent
        {
            return Ok(Arc::clone(directory));
        }
        let mut directory = Arc::clone(&self.root);
        for name in self.ways.get(&parent).into_iter().flatten() {
            directory = Arc::new(directory.descend(name)?);
        }
        self.last = Some((parent, Arc::clone(&directory)));
        Ok(directory)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use jottad_core::StoredName;

    use super::*;

    fn path(text: &str) -> StoredPath {
        StoredPath::new(text.split('/').map(|name| StoredName::new(name).unwrap()).collect())
    }

    #[test]
    fn names_that_are_one_here_are_told_apart_and_what_is_below_them_is_left() {
        let place = tempfile::tempdir().unwrap();
        let mut tree = LocalTree::new(Directory::open(place.path()).unwrap());
        // A colon as other programs store it, and as this one does.
        tree.make(&path("a\u{ff1a}b")).unwrap();
        tree.make(&path("a:b")).unwrap_err();
        tree.make(&path("a:b/below")).unwrap();
        assert!(tree.claim(&path("a:b/below/file")).is_none());
        let name = tree.claim(&path("a\u{ff1a}b/file")).unwrap().unwrap();
        tree.claim(&path("a\u{ff1a}b/file")).unwrap().unwrap_err();
        tree.open_parent(&path("a\u{ff1a}b/file")).unwrap().descend(&name).unwrap();
        assert!(place.path().join("a:b/file").is_dir());
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_directory_that_became_a_symlink_is_not_followed() {
        let (place, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut tree = LocalTree::new(Directory::open(place.path()).unwrap());
        tree.make(&path("a")).unwrap();
        tree.make(&path("b")).unwrap();
        fs::remove_dir(place.path().join("a")).unwrap();
        std::os::unix::fs::symlink(outside.path(), place.path().join("a")).unwrap();
        tree.open_parent(&path("a/file")).unwrap_err();
    }
}
