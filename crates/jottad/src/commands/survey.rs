//! A first look into a directory that is to become a folder: how much is in it, and what cannot be read.

use std::fs;
use std::path::{Path, PathBuf};

use crate::config::resolve;
use crate::places::Places;

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Survey {
    /// Regular files.
    pub(crate) files: u64,
    /// Directories, the top one not counted.
    pub(crate) directories: u64,
    /// Bytes of the files.
    pub(crate) bytes: u64,
    /// What is neither, and is never synced.
    pub(crate) special: u64,
    /// Files and directories that cannot be read.
    pub(crate) unreadable: u64,
    /// One of them.
    pub(crate) first_unreadable: Option<PathBuf>,
}

/// Walks a directory, never through symbolic links. jottad's own `.jottad` at the top is left out, and so is
/// its state.
pub(crate) fn survey(top: &Path, places: &Places) -> Survey {
    let own = [resolve(&places.state_dir), resolve(&places.config_file)];
    let real = resolve(top);
    let mut found = Survey::default();
    let mut waiting = vec![top.to_owned()];
    while let Some(directory) = waiting.pop() {
        let Ok(entries) = fs::read_dir(&directory) else {
            found.cannot_read(&directory);
            continue;
        };
        for entry in entries {
            let Ok(entry) = entry else {
                found.cannot_read(&directory);
                break;
            };
            let path = entry.path();
            if directory == top && entry.file_name() == ".jottad" {
                continue;
            }
            if path.strip_prefix(top).is_ok_and(|inside| own.contains(&real.join(inside))) {
                continue;
            }
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => {
                    found.directories += 1;
                    waiting.push(path);
                }
                Ok(metadata) if metadata.is_file() => {
                    found.files += 1;
                    found.bytes += metadata.len();
                    if !is_readable(&path) {
                        found.cannot_read(&path);
                    }
                }
                Ok(_) => found.special += 1,
                Err(_) => found.cannot_read(&path),
            }
        }
    }
    found
}

impl Survey {
    fn cannot_read(&mut self, path: &Path) {
        self.unreadable += 1;
        self.first_unreadable.get_or_insert_with(|| path.to_owned());
    }
}

fn is_readable(path: &Path) -> bool {
    use rustix::fs::{Access, AtFlags, CWD, accessat};
    accessat(CWD, path, Access::READ_OK, AtFlags::EACCESS).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(directory: &Path) -> Places {
        Places {
            home: "/home/kari".into(),
            config_file: directory.join("config.toml"),
            state_dir: directory.join("state"),
        }
    }

    #[test]
    fn a_directory_is_counted_without_following_links() {
        let place = tempfile::tempdir().unwrap();
        let top = place.path();
        fs::create_dir_all(top.join("a/b")).unwrap();
        fs::create_dir_all(top.join(".jottad/trash")).unwrap();
        fs::write(top.join("a/one"), "12345").unwrap();
        fs::write(top.join("two"), "").unwrap();
        std::os::unix::fs::symlink(top, top.join("a/loop")).unwrap();
        let expected =
            Survey { files: 2, directories: 2, bytes: 5, special: 1, unreadable: 0, first_unreadable: None };
        let places = places(&top.join("a"));
        fs::create_dir(&places.state_dir).unwrap();
        fs::write(places.state_dir.join("index"), "not counted").unwrap();
        assert_eq!(survey(top, &places), expected);
    }

    #[test]
    fn a_directory_that_is_not_there_is_told() {
        let found = survey(Path::new("/nowhere/at/all"), &places(Path::new("/home/kari")));
        assert_eq!((found.unreadable, found.first_unreadable), (1, Some("/nowhere/at/all".into())));
    }
}
