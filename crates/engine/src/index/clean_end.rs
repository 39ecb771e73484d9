//! How a run left an index that it closed in good order. As long as the file is as it was left, the next run
//! need not go through all of it.
//!
//! A run that ends otherwise leaves a log beside the file, or has written to the file, so nothing has to be
//! taken back while it runs.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// What the note is called, behind the name of the index.
const ENDING: &str = ".left";

/// Notes how an index is that was just closed. A note that cannot be written costs the next start some time.
pub(super) fn note(index: &Path) {
    let noted = match stamp(index) {
        Some(stamp) => fs::write(beside(index, ENDING), stamp),
        None => return,
    };
    if let Err(error) = noted {
        tracing::debug!(index = %index.display(), %error, "how the index was left was not noted");
    }
}

/// Whether an index is as it was left by a run that closed it.
pub(super) fn is_as_left(index: &Path) -> bool {
    let noted = fs::read_to_string(beside(index, ENDING)).ok();
    noted.is_some() && noted == stamp(index)
}

/// Changes with everything that anybody does to the file; `None` if a log says that it was not closed.
fn stamp(index: &Path) -> Option<String> {
    let has_log = fs::metadata(beside(index, "-wal")).is_ok_and(|log| log.len() > 0);
    let file = fs::metadata(index).ok().filter(|_| !has_log)?;
    let times = [file.mtime(), file.mtime_nsec(), file.ctime(), file.ctime_nsec()];
    Some(format!("{} {} {} {times:?}\n", file.dev(), file.ino(), file.len()))
}

fn beside(index: &Path, ending: &str) -> PathBuf {
    let mut name = index.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

#[cfg(test)]
mod tests {
    use std::fs::{File, FileTimes};
    use std::io::Write as _;
    use std::os::unix::fs::FileExt as _;

    use super::*;
    use crate::index::Index;

    fn closed(place: &Path) -> PathBuf {
        let file = place.join("i.sqlite");
        Index::open(&file).unwrap().0.close().unwrap();
        file
    }

    type Change = fn(&Path);

    #[test]
    fn an_index_is_as_it_was_left_until_anything_touches_it() {
        let changes: [(&str, bool, Change); 6] = [
            ("nothing", true, |_| {}),
            ("opened and closed", true, |file| Index::open(file).unwrap().0.close().unwrap()),
            ("looked at", true, |file| drop(Index::open_as_it_is(file).unwrap())),
            ("written without another time", false, |file| {
                let modified = fs::metadata(file).unwrap().modified().unwrap();
                let opened = File::options().write(true).open(file).unwrap();
                opened.write_all_at(b"x", 5000).unwrap();
                opened.set_times(FileTimes::new().set_modified(modified)).unwrap();
            }),
            ("copied", false, |file| {
                let copy = file.with_extension("copy");
                fs::copy(file, &copy).unwrap();
                fs::rename(copy, file).unwrap();
            }),
            ("not closed", false, |file| {
                File::create(beside(file, "-wal")).unwrap().write_all(b"something").unwrap();
            }),
        ];
        for (what, expected, change) in changes {
            let place = tempfile::tempdir().unwrap();
            let file = closed(place.path());
            change(&file);
            assert_eq!(is_as_left(&file), expected, "{what}");
        }
    }

    #[test]
    fn what_was_not_closed_or_is_missing_is_not_as_it_was_left() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("i.sqlite");
        assert!(!is_as_left(&file));
        drop(Index::open(&file).unwrap());
        assert!(!is_as_left(&file));
        note(&place.path().join("no/index"));
    }
}
