//! Where a local path is, as seen from the roots of folders.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path};

use jottad_core::RelativePath;

use super::overlap::resolve;

/// The root that a path is in, by its place among them, and the path as seen from there. One that is in none
/// and is a link that leads into one is taken for where it leads.
pub(crate) fn place_in<'root>(
    path: &Path,
    roots: impl Iterator<Item = &'root Path> + Clone,
) -> Option<(usize, RelativePath)> {
    let as_written = roots.clone().enumerate().find_map(|(at, root)| Some((at, below(path, root)?)));
    as_written.or_else(|| {
        let led = resolve(path);
        roots.enumerate().find_map(|(at, root)| Some((at, below(&led, root)?)))
    })
}

/// The path as seen from a folder's root, also when one of them is written with symbolic links.
pub(crate) fn below(path: &Path, root: &Path) -> Option<RelativePath> {
    // What leads up and down again is below only where it ends.
    let leads_up = path.components().any(|component| component == Component::ParentDir);
    let direct = path.strip_prefix(root).ok().filter(|_| !leads_up).map(Path::to_owned);
    // The last component stays as it is: it may itself be a link, and that is what is asked about.
    let resolved = || {
        let name = path.file_name()?;
        let real = resolve(path.parent()?).join(name);
        real.strip_prefix(resolve(root)).ok().map(Path::to_owned)
    };
    RelativePath::parse(direct.or_else(resolved)?.as_os_str().as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found_below_their_root_also_through_links() {
        let place = tempfile::tempdir().unwrap();
        let (real, link) = (place.path().join("real"), place.path().join("link"));
        std::fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let relative = |text: &str| Some(RelativePath::try_from(text).unwrap());
        assert_eq!(below(&real.join("a/b"), &real), relative("a/b"));
        assert_eq!(below(&link.join("a"), &real), relative("a"));
        assert_eq!(below(&real.join("a"), &link), relative("a"));
        assert_eq!(below(&real, &real), relative(""));
        // As it is typed in the directory itself.
        assert_eq!(below(&real.join("../real/a"), &real), relative("a"));
        assert_eq!(below(&real.join("../a"), &real), None);
        assert_eq!(below(place.path(), &real), None);
    }

    #[test]
    fn a_link_in_a_folder_is_itself_and_one_outside_of_all_is_where_it_leads() {
        let place = tempfile::tempdir().unwrap();
        let [one, two, link] = ["one", "two", "link"].map(|name| place.path().join(name));
        std::fs::create_dir(&one).unwrap();
        std::fs::create_dir(&two).unwrap();
        std::os::unix::fs::symlink(&two, &link).unwrap();
        std::os::unix::fs::symlink(&two, one.join("inner")).unwrap();
        let relative = |text: &str| RelativePath::try_from(text).unwrap();
        for (path, expected) in [
            (one.join("inner"), Some((1, relative("inner")))),
            (one.join("inner/x"), Some((0, relative("x")))),
            (two.join("../two/x"), Some((0, relative("x")))),
            (link.clone(), Some((0, relative("")))),
            (link.join("x"), Some((0, relative("x")))),
            (place.path().join("x"), None),
        ] {
            let found = place_in(&path, [two.as_path(), one.as_path()].into_iter());
            assert_eq!(found, expected, "{}", path.display());
        }
    }
}
