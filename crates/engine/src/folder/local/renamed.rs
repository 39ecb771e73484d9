//! Local directories that jottad itself has renamed a moment ago: word of what changed in one before may come
//! after, under its old path.

use std::collections::VecDeque;
use std::time::Duration;

use jottad_core::RelativePath;

use crate::time::Now;

/// Word of a local change takes no longer than this.
const LATEST_WORD: Duration = Duration::from_mins(1);
/// More renames are not remembered.
const MOST: usize = 256;

/// The renames, in the order in which they were done.
#[derive(Debug, Default)]
pub(in crate::folder) struct Renamed(VecDeque<Rename>);

#[derive(Debug)]
struct Rename {
    from: RelativePath,
    to: RelativePath,
    until: Duration,
}

impl Renamed {
    /// A local entry was renamed.
    pub(in crate::folder) fn note(&mut self, from: &RelativePath, to: &RelativePath, now: Now) {
        self.0.retain(|rename| now.monotonic < rename.until);
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        let until = now.monotonic + LATEST_WORD;
        self.0.push_back(Rename { from: from.clone(), to: to.clone(), until });
    }

    /// Where what was at a path may be now; `None` if it was not renamed.
    pub(in crate::folder) fn place_of(&self, path: &RelativePath, now: Now) -> Option<RelativePath> {
        let mut place = None;
        for rename in self.0.iter().filter(|rename| now.monotonic < rename.until) {
            let known = place.as_ref().unwrap_or(path);
            place = known.rebase(&rename.from, &rename.to).or(place);
        }
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builders::{at, new_index, path, settings};
    use crate::event::LocalHint;
    use crate::folder::Folder;

    #[test]
    fn late_word_of_an_old_path_is_about_the_new_one() {
        let mut renamed = Renamed::default();
        renamed.note(&path("d"), &path("D"), at(1));
        renamed.note(&path("D/e"), &path("D/E"), at(2));
        let place_of = |text, seconds| renamed.place_of(&path(text), at(seconds));
        assert_eq!(place_of("d", 3), Some(path("D")));
        assert_eq!(place_of("d/e/a", 3), Some(path("D/E/a")));
        assert_eq!(place_of("D/e", 3), Some(path("D/E")));
        assert_eq!(place_of("x", 3), None);
        assert_eq!(place_of("d", 61), None);
    }

    /// Once, what had gone from a directory just before it followed its new spelling was not seen (simulated
    /// life `pull` 14001688).
    #[test]
    fn what_late_word_is_about_is_looked_at_under_both_paths() {
        let (_place, index) = new_index();
        let mut folder = Folder::new(settings(), index).unwrap();
        let before = folder.scanning.waiting();
        folder.renamed.note(&path("d"), &path("D"), at(1));
        folder.local_hint(LocalHint::Directory(path("d/e")), at(2));
        assert_eq!(folder.scanning.waiting(), before + 2);
    }
}
