//! A path on the service, below a folder's remote root.

use std::fmt;

use crate::stored_name::StoredName;

/// More names than this no path below a folder's root may have, on either side. People and programs stay far
/// below it, and each level costs a row, a request and a part of every path below it.
pub const DEEPEST: usize = 950;

/// Stored names from a folder's remote root down; the root itself is empty.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct StoredPath(Vec<StoredName>);

impl StoredPath {
    /// The folder's remote root.
    pub fn root() -> Self {
        Self::default()
    }

    /// From names, top first.
    pub fn new(names: Vec<StoredName>) -> Self {
        Self(names)
    }

    /// The names, top first.
    pub fn names(&self) -> &[StoredName] {
        &self.0
    }

    /// Whether this is the remote root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The path of a name in this directory.
    pub fn join(&self, name: StoredName) -> Self {
        let mut names = Vec::with_capacity(self.0.len() + 1);
        names.extend_from_slice(&self.0);
        names.push(name);
        Self(names)
    }

    /// The directory that holds this entry; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        let (_, above) = self.0.split_last()?;
        Some(Self(above.to_vec()))
    }

    /// The last name; `None` for the root.
    pub fn name(&self) -> Option<&StoredName> {
        self.0.last()
    }
}

impl fmt::Display for StoredPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.0.iter().enumerate() {
            let slash = if index == 0 { "" } else { "/" };
            write!(formatter, "{slash}{name}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for StoredPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "\"{self}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> StoredName {
        StoredName::new(text).unwrap()
    }

    #[test]
    fn a_stored_path_is_its_names() {
        let root = StoredPath::root();
        let one = root.join(name("a"));
        let two = one.join(name("b\n"));
        assert_eq!([root.is_root(), one.is_root(), two.is_root()], [true, false, false]);
        assert_eq!(
            [root.parent(), one.parent(), two.parent()],
            [None, Some(root.clone()), Some(one.clone())]
        );
        assert_eq!([root.name(), two.name()], [None, Some(&name("b\n"))]);
        assert_eq!((root.names(), two.names()), (&[][..], &[name("a"), name("b\n")][..]));
        assert_eq!(two, StoredPath::new(vec![name("a"), name("b\n")]));
        assert_eq!([root.to_string(), one.to_string(), two.to_string()], ["", "a", r"a/$'b\n'"]);
    }
}
