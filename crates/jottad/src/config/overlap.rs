//! What must not lie inside what: local roots, remote roots and the state directory.

use std::path::{Path, PathBuf};

use jottad_core::FoldKey;
use jottad_transport::RemotePath;

/// Mountpoints of the built-in device that are views, not places (protocol 3.5).
const VIEWS: [&str; 4] = ["Trash", "Links", "Latest", "Shared"];

/// How two local paths overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overlap {
    /// Already as they are written.
    AsWritten,
    /// Once symbolic links are resolved.
    ByLink,
}

/// Whether one of two local paths is the other or lies inside it.
pub(crate) fn local_overlap(one: &Path, two: &Path) -> Option<Overlap> {
    let overlaps = |one: &Path, two: &Path| one.starts_with(two) || two.starts_with(one);
    if overlaps(one, two) {
        return Some(Overlap::AsWritten);
    }
    overlaps(&resolve(one), &resolve(two)).then_some(Overlap::ByLink)
}

/// Of two paths that overlap by a link: whether it is the second alone that a link leads elsewhere, be it in
/// its last component or above. A link that both go through leads neither to the other.
pub(crate) fn only_second_is_led(first: &Path, second: &Path) -> bool {
    let pairs = first.components().zip(second.components());
    let shared: PathBuf = pairs.take_while(|(one, two)| one == two).map(|(one, _)| one).collect();
    let resolved = resolve(&shared);
    let is_led =
        |path: &Path| path.strip_prefix(&shared).is_ok_and(|rest| resolve(path) != resolved.join(rest));
    is_led(second) && !is_led(first)
}

/// Whether one of two remote paths is the other or lies inside it, as the service compares names.
pub(crate) fn remote_overlap(one: &RemotePath, two: &RemotePath) -> bool {
    let (one, two) = (keys(one), keys(two));
    let shared = one.len().min(two.len());
    one[..shared] == two[..shared]
}

/// Whether a remote path is on a mountpoint that cannot be written.
pub(crate) fn is_view(path: &RemotePath) -> bool {
    path.device().as_str().eq_ignore_ascii_case("Jotta")
        && VIEWS.iter().any(|view| path.mountpoint().as_str().eq_ignore_ascii_case(view))
}

/// The path with symbolic links resolved as far as it exists.
pub(crate) fn resolve(path: &Path) -> PathBuf {
    for ancestor in path.ancestors() {
        if let Ok(resolved) = ancestor.canonicalize() {
            let rest = path.strip_prefix(ancestor).unwrap_or(Path::new(""));
            return if rest.as_os_str().is_empty() { resolved } else { resolved.join(rest) };
        }
    }
    path.to_owned()
}

fn keys(path: &RemotePath) -> Vec<FoldKey> {
    [path.device(), path.mountpoint()].into_iter().chain(path.names()).map(FoldKey::of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remote(text: &str) -> RemotePath {
        RemotePath::parse(text).unwrap()
    }

    #[test]
    fn remote_paths_overlap_without_regard_to_letter_case() {
        let cases = [
            ("Jotta/Archive/a", "jotta/ARCHIVE/A/b", true),
            ("Jotta/Archive", "Jotta/Archive/x", true),
            ("Jotta/Archive/a", "Jotta/Archive/ab", false),
            ("Jotta/Archive/a", "Jotta/Sync/a", false),
        ];
        for (one, two, expected) in cases {
            assert_eq!(remote_overlap(&remote(one), &remote(two)), expected, "{one} {two}");
            assert_eq!(remote_overlap(&remote(two), &remote(one)), expected, "{two} {one}");
        }
    }

    #[test]
    fn views_are_known_on_the_built_in_device_alone() {
        assert!(is_view(&remote("jotta/trash/x")));
        assert!(is_view(&remote("Jotta/Shared")));
        assert!(!is_view(&remote("laptop/Trash")));
        assert!(!is_view(&remote("Jotta/Archive/Trash")));
    }

    #[test]
    fn local_paths_overlap_through_symbolic_links() {
        let place = tempfile::tempdir().unwrap();
        let real = place.path().join("real");
        std::fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, place.path().join("link")).unwrap();
        let link = place.path().join("link");
        assert_eq!(local_overlap(&real, &link.join("not/there")), Some(Overlap::ByLink));
        assert_eq!(local_overlap(&real, &real.join("x")), Some(Overlap::AsWritten));
        assert_eq!(local_overlap(&real, &place.path().join("really")), None);
        assert!(only_second_is_led(&real, &link) && !only_second_is_led(&link, &real));
    }
}
