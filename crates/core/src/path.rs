//! A path below a folder's root.

use std::fmt;

use crate::name::{Name, NameError};
use crate::shell::write_names;

/// A path relative to a folder's root: checked names joined by `/`. The root itself is the empty path.
///
/// The order is that of a walk: component by component, a directory before what is in it.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct RelativePath(Box<[u8]>);

/// Bytes that are no path below a root.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path:?} is not a path below a folder: {reason}")]
pub struct PathError {
    path: String,
    reason: NameError,
}

impl RelativePath {
    /// The root of a folder.
    pub fn root() -> Self {
        Self::default()
    }

    /// Checks bytes joined by `/`; no leading, trailing or doubled slash, no `.` and `..`.
    pub fn parse(bytes: &[u8]) -> Result<Self, PathError> {
        if !bytes.is_empty() {
            for component in bytes.split(|byte| *byte == b'/') {
                Name::check(component).map_err(|reason| PathError {
                    path: String::from_utf8_lossy(bytes).into_owned(),
                    reason,
                })?;
            }
        }
        Ok(Self(bytes.into()))
    }

    /// The path of a name in this directory.
    pub fn join(&self, name: &Name) -> Self {
        if self.is_root() {
            return Self(name.as_bytes().into());
        }
        let mut bytes = Vec::with_capacity(self.0.len() + 1 + name.as_bytes().len());
        bytes.extend_from_slice(&self.0);
        bytes.push(b'/');
        bytes.extend_from_slice(name.as_bytes());
        Self(bytes.into())
    }

    /// The path of names from the root down.
    pub fn of_names<'a>(names: impl IntoIterator<Item = &'a Name>) -> Self {
        let mut bytes = Vec::new();
        for name in names {
            if !bytes.is_empty() {
                bytes.push(b'/');
            }
            bytes.extend_from_slice(name.as_bytes());
        }
        Self(bytes.into())
    }

    /// Whether this is the folder's root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The directory that holds this entry; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        (!self.is_root()).then(|| self.split_last().0)
    }

    /// The last component; `None` for the root.
    pub fn name(&self) -> Option<Name> {
        self.split_last().1
    }

    /// The directory and the name of this entry; the root is `(root, None)`.
    pub fn split_last(&self) -> (Self, Option<Name>) {
        if self.is_root() {
            return (Self::root(), None);
        }
        let at = self.0.iter().rposition(|byte| *byte == b'/');
        let name_start = at.map_or(0, |at| at + 1);
        let name = Name::new(&self.0[name_start..]).ok();
        (Self(self.0[..at.unwrap_or(0)].into()), name)
    }

    /// The components from the root down.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.0.split(|byte| *byte == b'/').filter(|component| !component.is_empty())
    }

    /// How many components there are; 0 for the root.
    pub fn depth(&self) -> usize {
        self.components().count()
    }

    /// The path of the topmost components, so many of them.
    pub fn top(&self, components: usize) -> Self {
        if components == 0 {
            return Self::root();
        }
        let slashes = self.0.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        let end = slashes.map(|(at, _)| at).nth(components - 1).unwrap_or(self.0.len());
        Self(self.0[..end].into())
    }

    /// Whether this is `ancestor` or lies below it.
    pub fn starts_with(&self, ancestor: &Self) -> bool {
        ancestor.is_root()
            || (self.0.starts_with(&ancestor.0)
                && (self.0.len() == ancestor.0.len() || self.0[ancestor.0.len()] == b'/'))
    }

    /// This path with the directory `from` above it (or itself) replaced by `to`; `None` if it is not below
    /// `from`.
    pub fn rebase(&self, from: &Self, to: &Self) -> Option<Self> {
        if !self.starts_with(from) {
            return None;
        }
        let mut bytes = to.0.to_vec();
        for component in self.components().skip(from.depth()) {
            if !bytes.is_empty() {
                bytes.push(b'/');
            }
            bytes.extend_from_slice(component);
        }
        Some(Self(bytes.into()))
    }

    /// The bytes, joined by `/`.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl TryFrom<&str> for RelativePath {
    type Error = PathError;

    fn try_from(text: &str) -> Result<Self, PathError> {
        Self::parse(text.as_bytes())
    }
}

impl PartialOrd for RelativePath {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for RelativePath {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        // Comparing components is comparing bytes with the slash before every byte that a name can have.
        // Paths are compared millions of times, components are slow.
        let rank = |byte: &u8| if *byte == b'/' { 0 } else { *byte };
        self.0.iter().map(rank).cmp(other.0.iter().map(rank))
    }
}

/// Prints the path for people: control characters and bytes that are not UTF-8 are escaped. The root is `.`.
impl fmt::Display for RelativePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() { formatter.write_str(".") } else { write_names(formatter, &self.0) }
    }
}

impl fmt::Debug for RelativePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "\"{self}\"")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn path(text: &str) -> RelativePath {
        RelativePath::try_from(text).unwrap()
    }

    #[test]
    fn hostile_paths_are_refused() {
        for text in ["/", "/etc", "a/", "a//b", "..", "a/../b", "./a", "a/.", "a\0b"] {
            assert!(RelativePath::try_from(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_directory_sorts_before_what_is_in_it_and_next_to_nothing_else() {
        let mut paths = [path("a b"), path("a/z"), path("a"), path("a-b"), path("")];
        paths.sort();
        assert_eq!(paths, [path(""), path("a"), path("a/z"), path("a b"), path("a-b")]);
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_the_components(one in "[a/ \u{1}é]{0,6}", two in "[a/ \u{1}é]{0,6}") {
            let (Ok(one), Ok(two)) = (RelativePath::try_from(&*one), RelativePath::try_from(&*two)) else {
                return Ok(());
            };
            prop_assert_eq!(one.cmp(&two), one.components().cmp(two.components()));
            prop_assert_eq!(one == two, one.cmp(&two).is_eq());
        }

        #[test]
        fn a_path_is_its_components(names in prop::collection::vec("[^/\0]{1,4}", 0..5)) {
            let names: Vec<Name> = names.iter().filter_map(|name| Name::try_from(&**name).ok()).collect();
            let path = names.iter().fold(RelativePath::root(), |path, name| path.join(name));
            prop_assert_eq!(path.depth(), names.len());
            prop_assert!(path.components().eq(names.iter().map(Name::as_bytes)));
            prop_assert_eq!(RelativePath::parse(path.as_bytes()), Ok(path.clone()));
            prop_assert_eq!(path.name(), names.last().cloned());
            prop_assert_eq!(path.top(names.len()), path.clone());
            prop_assert_eq!(path.top(1), RelativePath::of_names(names.first()));
            prop_assert_eq!(path.top(names.len().saturating_sub(1)), path.parent().unwrap_or_default());
            for above in std::iter::successors(Some(path.clone()), RelativePath::parent) {
                prop_assert!(path.starts_with(&above));
                let moved = path.rebase(&above, &RelativePath(b"x".as_slice().into()));
                let kept = path.depth() - above.depth();
                prop_assert_eq!(moved.as_ref().map(RelativePath::depth), Some(kept + 1));
                prop_assert_eq!(moved.and_then(|moved| moved.rebase(&RelativePath(b"x".as_slice().into()), &above)), Some(path.clone()));
            }
        }
    }

    #[test]
    fn joining_and_splitting_are_inverse() {
        let child = path("a/b").join(&Name::try_from("c").unwrap());
        assert_eq!(child, path("a/b/c"));
        assert_eq!(child.split_last(), (path("a/b"), Some(Name::try_from("c").unwrap())));
        assert_eq!(path("a").parent(), Some(RelativePath::root()));
        assert_eq!(RelativePath::root().parent(), None);
    }

    #[test]
    fn rebasing_moves_a_subtree() {
        assert_eq!(path("a/b/c").rebase(&path("a"), &path("x/y")), Some(path("x/y/b/c")));
        assert_eq!(path("a").rebase(&path("a"), &path("x")), Some(path("x")));
        assert_eq!(path("ab").rebase(&path("a"), &path("x")), None);
        assert_eq!(path("a/b").rebase(&path("a"), &path("")), Some(path("b")));
    }
}
