//! What the index does not know of a path, for `why`: what is on the disk there at this moment.
//!
//! The index tells what was seen. What is never looked at, what is new, and what has changed since is told
//! here.

use std::fs::{self, Metadata};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use jottad_core::{Entry, RelativePath, Timestamp, in_words};
use jottad_engine::{EntryState, Explanation};

use crate::cli::output::local_time;
use crate::daemon::first_pass::FirstPass;

/// jottad's own directory in a folder's root.
const OWN: &[u8] = b".jottad";

/// File systems keep times in steps of up to so many seconds, and what was agreed on may be finer.
const COARSEST_TIMES: u64 = 2;

/// What is at a path now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing.
    Nothing,
    File {
        size: u64,
        modified: Timestamp,
    },
    Directory,
    /// Something that is never synced, at the path or above it.
    Special {
        at: RelativePath,
        /// In words, with their article.
        kind: &'static str,
    },
    /// jottad's own files.
    Own,
    /// It cannot be seen.
    Hidden(String),
}

/// Looks at a path in a folder, without following links.
pub(crate) fn look(root: &Path, path: &RelativePath) -> Found {
    if path.components().next() == Some(OWN) {
        return Found::Own;
    }
    // Above a path there are directories; a link there leads out of what is synced.
    let mut above: Vec<RelativePath> = std::iter::successors(path.parent(), RelativePath::parent).collect();
    above.retain(|directory| !directory.is_root());
    for at in above.iter().rev().chain([path]) {
        let found = match fs::symlink_metadata(root.join(std::ffi::OsStr::from_bytes(at.as_bytes()))) {
            Ok(found) => found,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Found::Nothing,
            Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => return Found::Nothing,
            Err(error) => return Found::Hidden(in_words(error)),
        };
        if let Some(kind) = special(&found) {
            return Found::Special { at: at.clone(), kind };
        }
        if at == path {
            return if found.is_dir() { Found::Directory } else { file(&found) };
        }
    }
    Found::Directory
}

fn special(found: &Metadata) -> Option<&'static str> {
    let kind = found.file_type();
    if kind.is_symlink() {
        Some("a symbolic link")
    } else if kind.is_fifo() {
        Some("a named pipe")
    } else if kind.is_socket() {
        Some("a socket")
    } else if kind.is_block_device() || kind.is_char_device() {
        Some("a device")
    } else {
        None
    }
}

fn file(found: &Metadata) -> Found {
    use std::os::unix::fs::MetadataExt as _;
    Found::File { size: found.size(), modified: Timestamp::from_seconds(found.mtime()) }
}

/// Adds to what the index tells what is there now, and before the first pass what that will do.
pub(crate) fn complete(
    explanation: Explanation,
    path: &RelativePath,
    found: &Found,
    first: Option<&FirstPass>,
) -> Explanation {
    let mut explanation = explanation;
    let told = match (found, explanation.state) {
        // A rule is about whatever has the name, and a problem tells of what is there.
        (_, EntryState::Ignored | EntryState::Problem) => None,
        (Found::Own, _) => Some((
            EntryState::Skipped,
            "jottad keeps its own files there: the marker of the folder, the local trash and what is being fetched"
                .to_owned(),
        )),
        (Found::Special { at, kind }, _) if at == path => {
            Some((EntryState::Skipped, format!("it is {kind}, and those are never synced")))
        }
        (Found::Special { at, kind }, _) => Some((EntryState::Skipped, format!("{at} is {kind}, which is never followed"))),
        (Found::Hidden(reason), EntryState::Unknown) => Some((EntryState::Unknown, format!("it cannot be looked at: {reason}"))),
        (_, EntryState::Unknown) if let Some(rule) = first.and_then(|first| first.size_rule(found)) => {
            explanation.rule = Some(rule);
            Some((EntryState::Ignored, format!("{path} is larger than what is synced")))
        }
        (Found::Nothing, EntryState::Unknown) if let Some(first) = first => {
            Some((EntryState::Unknown, first.words(found)))
        }
        (Found::File { .. } | Found::Directory, EntryState::Unknown) if let Some(first) = first => {
            Some((EntryState::Pending, first.words(found)))
        }
        (Found::Nothing, EntryState::Unknown) => {
            Some((EntryState::Unknown, "nothing is here, and nothing is known to have been here".to_owned()))
        }
        (Found::File { .. } | Found::Directory, EntryState::Unknown) => {
            Some((EntryState::Pending, "it is new here and was not looked at yet".to_owned()))
        }
        _ => changed(&explanation, found).map(|reason| (EntryState::Pending, reason.to_owned())),
    };
    if let Some((state, reason)) = told {
        (explanation.state, explanation.reason) = (state, reason);
        explanation.next = None;
    }
    if let (Some(paused), EntryState::Pending | EntryState::InSync | EntryState::Held) =
        (explanation.paused, explanation.state)
    {
        if explanation.state == EntryState::InSync {
            explanation.state = EntryState::Paused;
            explanation.reason = format!("{}, as of the last look", explanation.reason);
        }
        let until = match paused.until {
            Some(until) => local_time(until),
            None => "`jottad resume`".to_owned(),
        };
        explanation.reason = format!("{}; the folder is paused until {until}", explanation.reason);
    }
    explanation
}

/// How what is here now differs from what was seen, if it does.
fn changed(explanation: &Explanation, found: &Found) -> Option<&'static str> {
    let seen = explanation.trees?.local;
    match (seen, found) {
        (Entry::File(file), Found::File { size, modified }) => (file.content.size != *size
            || file.modified.seconds().abs_diff(modified.seconds()) > COARSEST_TIMES)
            .then_some("it has changed since it was last looked at"),
        (Entry::File(_), Found::Directory) | (Entry::Directory, Found::File { .. }) => {
            Some("something else is here since it was last looked at")
        }
        (Entry::File(_) | Entry::Directory, Found::Nothing) => {
            Some("it was here when it was last looked at, and is not any more")
        }
        (Entry::Absent, Found::File { .. } | Found::Directory) => {
            Some("it is new here and was not looked at yet")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use jottad_core::{Content, File, Md5, Trees};
    use jottad_engine::EntryState::{Held, Ignored, InSync, Pending, Problem, Skipped, Unknown};
    use jottad_engine::Paused;

    use super::*;

    fn path(text: &str) -> RelativePath {
        RelativePath::try_from(text).unwrap()
    }

    #[test]
    fn everything_that_exists_is_told_for_what_it_is() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path();
        fs::create_dir_all(root.join("d/e")).unwrap();
        fs::create_dir(root.join(".jottad")).unwrap();
        fs::write(root.join("d/file"), "four").unwrap();
        symlink("d", root.join("link")).unwrap();
        symlink("nowhere", root.join("d/dangling")).unwrap();
        let _socket = UnixListener::bind(root.join("socket")).unwrap();
        let pipe = std::process::Command::new("mkfifo").arg(root.join("pipe")).status().unwrap();
        assert!(pipe.success());
        let special = |at: &str, kind| Found::Special { at: path(at), kind };
        for (asked, expected) in [
            ("d", Found::Directory),
            ("d/e", Found::Directory),
            ("link", special("link", "a symbolic link")),
            ("link/file", special("link", "a symbolic link")),
            ("link/e/deep", special("link", "a symbolic link")),
            ("d/dangling", special("d/dangling", "a symbolic link")),
            ("socket", special("socket", "a socket")),
            ("pipe", special("pipe", "a named pipe")),
            (".jottad", Found::Own),
            (".jottad/tmp/x", Found::Own),
            ("d/none", Found::Nothing),
            ("none/deep", Found::Nothing),
            ("d/file/x", Found::Nothing),
        ] {
            assert_eq!(look(root, &path(asked)), expected, "{asked}");
        }
        assert!(matches!(look(root, &path("d/file")), Found::File { size: 4, .. }));
        assert_eq!(look(root, &RelativePath::root()), Found::Directory);
    }

    #[test]
    fn what_is_there_now_completes_what_the_index_knows() {
        let file = |size| {
            let content = Content { size, md5: Md5::from_bytes([1; 16]) };
            Entry::File(File { content, modified: Timestamp::from_seconds(7) })
        };
        let seen = |local| Some(Trees { base: local, local, remote: local });
        let here = |size, seconds| Found::File { size, modified: Timestamp::from_seconds(seconds) };
        let link = |at: &str| Found::Special { at: path(at), kind: "a symbolic link" };
        let paused = Some(Paused { until: None });
        for (state, trees, found, paused, expected, words) in [
            (Unknown, None, Found::Nothing, None, Unknown, "nothing is here"),
            (Unknown, None, here(1, 1), None, Pending, "it is new here"),
            (
                Unknown,
                None,
                here(1, 1),
                paused,
                Pending,
                "it is new here and was not looked at yet; the folder is paused until `jottad resume`",
            ),
            (Unknown, None, Found::Directory, None, Pending, "it is new here"),
            (Unknown, None, link("a/b"), None, Skipped, "it is a symbolic link"),
            (Unknown, None, link("a"), None, Skipped, "a is a symbolic link"),
            (Unknown, None, Found::Own, None, Skipped, "its own files"),
            (Unknown, None, Found::Hidden("why".to_owned()), None, Unknown, "cannot be looked at: why"),
            (Ignored, None, link("a/b"), None, Ignored, "as the index has it"),
            (Problem, seen(file(3)), Found::Nothing, None, Problem, "as the index has it"),
            (InSync, seen(file(3)), here(3, 7), None, InSync, "as the index has it"),
            (InSync, seen(file(3)), here(3, 8), None, InSync, "as the index has it"),
            (
                InSync,
                seen(file(3)),
                here(3, 7),
                paused,
                EntryState::Paused,
                "as of the last look; the folder is paused",
            ),
            (Held, seen(file(3)), here(3, 7), paused, Held, "as the index has it; the folder is paused"),
            (InSync, seen(file(3)), here(4, 7), None, Pending, "it has changed"),
            (
                InSync,
                seen(file(3)),
                here(3, 17),
                paused,
                Pending,
                "it has changed since it was last looked at; the folder is paused",
            ),
            (InSync, seen(file(3)), Found::Nothing, None, Pending, "is not any more"),
            (InSync, seen(Entry::Directory), here(1, 1), None, Pending, "something else is here"),
            (InSync, seen(Entry::Absent), Found::Nothing, None, InSync, "as the index has it"),
            (
                Pending,
                seen(file(3)),
                here(3, 7),
                paused,
                Pending,
                "as the index has it; the folder is paused",
            ),
        ] {
            let explanation = Explanation {
                state,
                reason: "as the index has it".to_owned(),
                rule: None,
                trees,
                is_claimed: false,
                is_sent: false,
                next: None,
                paused,
                last_operations: Vec::new(),
            };
            let told = complete(explanation, &path("a/b"), &found, None);
            assert_eq!(told.state, expected, "{state:?} {found:?}");
            assert!(told.reason.contains(words), "{state:?} {found:?}: {}", told.reason);
        }
    }
}
