//! A file or folder of the service as it was at a time, as far as revisions and trash tell.
//!
//! What is certain is little: a revision tells when it came, a mark in the trash since when it is there. A
//! move leaves no trace, so what was moved counts where it is now. Of what cannot be known it is said so, and
//! nothing is guessed.

use std::collections::HashSet;

use jottad_core::{FoldKey, StoredName, StoredPath, Timestamp};
use jottad_transport::{Client, FileDetails, FileEntry, LiveFile, RemotePath, Revision, Trashed};

use crate::cli::output::local_time;
use crate::remote::at_once::AtOnce;
use crate::remote::place::absent;
use crate::remote::trouble::Trouble;

/// What a file was at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Then {
    /// It held this revision.
    Held(Revision),
    /// It was not there, and why that is known.
    Absent(String),
    /// It was not there: the first that is known of it is of this time.
    Later(Timestamp),
    /// It may have been there, but what it held is not kept.
    Unknown(String),
}

/// What a file was at a time, from its revisions.
pub(crate) fn then(details: &FileDetails, at: Timestamp) -> Then {
    let entry = &details.entry;
    if let Some(since) = gone_since(entry.trashed, at) {
        return Then::Absent(format!("it has been in the trash since {}", local_time(since)));
    }
    let complete = || entry.current.iter().chain(&details.revisions).filter(|it| it.content().is_some());
    let newest = complete()
        .filter(|revision| revision.updated.is_some_and(|updated| updated <= at))
        .max_by_key(|revision| (revision.updated, revision.number));
    if let Some(revision) = newest {
        return Then::Held(revision.clone());
    }
    let Some(oldest) = complete().filter_map(|revision| revision.updated).min() else {
        return Then::Unknown("the service does not tell when its revisions came".to_owned());
    };
    let first = complete().chain(&entry.latest).filter_map(|revision| revision.number).min();
    match first {
        // Numbers rise from one with each upload: nothing was before this.
        Some(1) => Then::Later(oldest),
        _ => Then::Unknown(format!("its oldest revision that is kept is of {}", local_time(oldest))),
    }
}

/// Since when something was in the trash, if it was at the time.
fn gone_since(trashed: Option<Trashed>, at: Timestamp) -> Option<Timestamp> {
    trashed.and_then(|trashed| trashed.at).filter(|since| *since <= at)
}

/// What a listing tells of a file is enough, if its current revision is older than the time.
fn then_by_listing(entry: &FileEntry, at: Timestamp) -> Option<Then> {
    let details = FileDetails { entry: entry.clone(), revisions: Vec::new(), public_path: None };
    match then(&details, at) {
        Then::Unknown(_) => None,
        then => Some(then),
    }
}

/// A folder as it was.
#[derive(Debug, Default)]
pub(crate) struct Past {
    /// Folders below that were there, each before anything in it; not the folder itself.
    pub(crate) folders: Vec<PastFolder>,
    /// Files below that were there.
    pub(crate) files: Vec<PastFile>,
    /// What may have been there and cannot be had, and why.
    pub(crate) left: Vec<(RemotePath, String)>,
    /// Live files that came later.
    pub(crate) newer: u64,
    /// When the first of all files that came later did, those in the trash included.
    pub(crate) next: Option<Timestamp>,
    /// The folder itself is live now.
    pub(crate) is_live: bool,
}

/// A folder that was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PastFolder {
    /// Where, relative to the folder that was asked for.
    pub(crate) path: StoredPath,
    /// It still is.
    pub(crate) is_live: bool,
}

/// A file that was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PastFile {
    /// Where, relative to the folder that was asked for.
    pub(crate) path: StoredPath,
    /// What it held.
    pub(crate) revision: Revision,
    /// What it holds now; `None` if it is in the trash.
    pub(crate) live: Option<LiveFile>,
    /// The revision is what it holds, or held when it was trashed.
    pub(crate) is_current: bool,
}

impl PastFile {
    /// Bytes of what it held.
    pub(crate) fn size(&self) -> u64 {
        self.revision.size.unwrap_or_default()
    }
}

/// A folder while the walk goes on.
#[derive(Debug)]
struct Walked {
    path: StoredPath,
    is_live: bool,
    parent: Option<usize>,
    /// There is a file in it or below, of whatever time.
    has_files: bool,
    /// There is one that was there at the time.
    held_files: bool,
}

impl Past {
    /// Walks through a folder, live or trashed, with all that is in it, live or trashed.
    pub(crate) async fn read(client: &Client, place: &RemotePath, at: Timestamp) -> Result<Self, Trouble> {
        let mut past = Self::default();
        let mut walked: Vec<Walked> = Vec::new();
        let mut at_once = AtOnce::new(client);
        let mut waiting = vec![(StoredPath::root(), true, None)];
        while let Some((path, above_is_live, parent)) = waiting.pop() {
            let here = place.below(&path);
            let listing = match client.folder(&here).await.map_err(Trouble::from) {
                Ok(Some(listing)) => listing,
                Ok(None) => {
                    past.left.push((here, "it vanished meanwhile".to_owned()));
                    continue;
                }
                Err(Trouble::Entry(failure)) if !path.is_root() => {
                    past.left.push((here, failure.message().to_owned()));
                    continue;
                }
                Err(trouble) => return Err(trouble),
            };
            if let (Some(since), true) = (gone_since(listing.trashed, at), path.is_root()) {
                let why = format!("it has been in the trash since {}", local_time(since));
                return Err(absent("restoring", place, &why).into());
            }
            let is_live = above_is_live && listing.is_live();
            let number = walked.len();
            let has_files = !listing.files.is_empty();
            walked.push(Walked { path: path.clone(), is_live, parent, has_files, held_files: false });

            let live_folders = listing.folders.iter().filter(|folder| folder.trashed.is_none());
            let live_files = listing.files.iter().filter(|file| file.trashed.is_none());
            let live: HashSet<FoldKey> = live_folders
                .map(|folder| FoldKey::of(&folder.name))
                .chain(live_files.map(|file| FoldKey::of(&file.name)))
                .collect();
            // Where a name is live and in the trash as well, requests reach what is live (U-18).
            let hidden = |trashed: Option<Trashed>, name: &StoredName| {
                trashed.is_some() && live.contains(&FoldKey::of(name))
            };
            for folder in listing.folders {
                if gone_since(folder.trashed, at).is_some() {
                    continue;
                }
                if hidden(folder.trashed, &folder.name) {
                    past.left.push((here.join(folder.name), "its name is taken again".to_owned()));
                } else {
                    waiting.push((path.join(folder.name), is_live, Some(number)));
                }
            }
            let mut files = Vec::new();
            for file in listing.files {
                if gone_since(file.trashed, at).is_some() || file.current.is_none() {
                    continue;
                }
                if hidden(file.trashed, &file.name) {
                    past.left.push((here.join(file.name), "its name is taken again".to_owned()));
                } else {
                    files.push(file);
                }
            }
            let before = past.files.len();
            past.read_files((client, &mut at_once), place, &path, is_live, files, at).await?;
            walked[number].held_files = past.files.len() > before;
        }
        past.keep_folders(walked);
        Ok(past)
    }

    /// Finds out what the files of one folder were.
    async fn read_files(
        &mut self,
        (client, at_once): (&Client, &mut AtOnce<'_>),
        place: &RemotePath,
        folder: &StoredPath,
        folder_is_live: bool,
        files: Vec<FileEntry>,
        at: Timestamp,
    ) -> Result<(), Trouble> {
        let mut all = Vec::new();
        let mut asked = Vec::new();
        for (number, entry) in files.into_iter().enumerate() {
            let path = folder.join(entry.name.clone());
            match then_by_listing(&entry, at) {
                Some(found) => all.push((number, path, entry, Ok(found))),
                None => asked.push((number, path, entry)),
            }
        }
        let work = |(number, path, entry): (usize, StoredPath, FileEntry)| async move {
            let found = match client.file(&place.below(&path)).await {
                Ok(Some(details)) => Ok(then(&details, at)),
                Ok(None) => Ok(Then::Unknown("it vanished meanwhile".to_owned())),
                Err(error) => Err(Trouble::from(error)),
            };
            ((number, path, entry), found)
        };
        let take = |(number, path, entry), found| match found {
            Err(Trouble::All(failure)) => Err(Trouble::All(failure)),
            found => {
                all.push((number, path, entry, found));
                Ok(())
            }
        };
        at_once.each(asked, |_| 0, work, take).await?;
        all.sort_by_key(|(number, ..)| *number);
        for (_, path, entry, found) in all {
            let live = entry.live().filter(|_| folder_is_live);
            match found {
                Ok(Then::Held(revision)) => {
                    let is_current =
                        entry.current.as_ref().is_some_and(|current| current.number == revision.number);
                    self.files.push(PastFile { path, revision, live, is_current });
                }
                Ok(Then::Absent(_)) => {}
                Ok(Then::Later(came)) => {
                    self.newer += u64::from(live.is_some());
                    self.next = Some(self.next.map_or(came, |next| next.min(came)));
                }
                Ok(Then::Unknown(reason)) => self.left.push((place.below(&path), reason)),
                Err(trouble) => {
                    self.left.push((place.below(&path), trouble.into_failure().message().to_owned()));
                }
            }
        }
        Ok(())
    }

    /// Folders tell no times. One that holds something from then was there; one whose files all came later
    /// was not; of one without any file nothing is known, and it does no harm.
    fn keep_folders(&mut self, mut walked: Vec<Walked>) {
        for number in (0..walked.len()).rev() {
            let Walked { has_files, held_files, parent, .. } = walked[number];
            if let Some(above) = parent.and_then(|parent| walked.get_mut(parent)) {
                above.has_files |= has_files;
                above.held_files |= held_files;
            }
        }
        self.is_live = walked.first().is_some_and(|root| root.is_live);
        let there = walked.into_iter().skip(1).filter(|folder| folder.held_files || !folder.has_files);
        self.folders =
            there.map(|folder| PastFolder { path: folder.path, is_live: folder.is_live }).collect();
    }

    /// When the first came, if it is known of every file that it was not there at the time.
    pub(crate) fn all_came_later(&self) -> Option<Timestamp> {
        self.next.filter(|_| self.files.is_empty() && self.left.is_empty())
    }

    /// Bytes of all files that were there.
    pub(crate) fn bytes(&self) -> u64 {
        self.files.iter().map(PastFile::size).sum()
    }
}

#[cfg(test)]
mod tests {
    use jottad_core::Md5;
    use jottad_transport::RevisionState;

    use super::*;

    fn revision(number: u64, updated: Option<i64>) -> Revision {
        Revision {
            number: Some(number),
            state: RevisionState::Completed,
            size: Some(number),
            md5: Some(Md5::EMPTY),
            created: None,
            modified: None,
            updated: updated.map(Timestamp::from_seconds),
            mime: None,
        }
    }

    /// The revisions by number and time, newest first; the file is in the trash since a time.
    fn file(revisions: &[(u64, i64)], trashed: Option<i64>) -> FileDetails {
        let mut all = revisions.iter().map(|(number, updated)| revision(*number, Some(*updated)));
        let trashed = trashed.map(|at| Trashed { at: Some(Timestamp::from_seconds(at)) });
        let name = StoredName::new("a").unwrap();
        let entry =
            FileEntry { name, uuid: None, trashed, current: all.next(), latest: None, public_uri: None };
        FileDetails { entry, revisions: all.collect(), public_path: None }
    }

    #[test]
    fn what_a_file_was_is_told_by_its_revisions_and_the_trash() {
        for (revisions, trashed, at, expected) in [
            (&[(2, 20), (1, 10)][..], None, 25, "held 2"),
            (&[(2, 20), (1, 10)], None, 20, "held 2"),
            (&[(2, 20), (1, 10)], None, 19, "held 1"),
            (&[(2, 20), (1, 10)], None, 9, "later: 10"),
            (&[(7, 20), (6, 10)], None, 9, "unknown"),
            (&[(2, 20), (1, 10)], Some(30), 29, "held 2"),
            (&[(2, 20), (1, 10)], Some(30), 30, "absent"),
            (&[(2, 20), (1, 10)], Some(30), 15, "held 1"),
        ] {
            let found = match then(&file(revisions, trashed), Timestamp::from_seconds(at)) {
                Then::Held(revision) => format!("held {}", revision.number.unwrap()),
                Then::Absent(_) => "absent".to_owned(),
                Then::Later(came) => format!("later: {}", came.seconds()),
                Then::Unknown(_) => "unknown".to_owned(),
            };
            assert_eq!(found, expected, "{revisions:?} {trashed:?} {at}");
        }
    }

    #[test]
    fn a_revision_of_no_time_is_not_guessed_at() {
        let mut details = file(&[(2, 20), (1, 10)], None);
        details.entry.current = Some(revision(2, None));
        details.revisions.clear();
        assert!(matches!(then(&details, Timestamp::from_seconds(99)), Then::Unknown(_)));
        assert_eq!(then_by_listing(&details.entry, Timestamp::from_seconds(99)), None);
    }

    #[test]
    fn a_listing_is_enough_where_the_newest_revision_is_old_enough() {
        let entry = file(&[(3, 20)], None).entry;
        let found = |at| then_by_listing(&entry, Timestamp::from_seconds(at));
        assert!(matches!(found(20), Some(Then::Held(_))));
        assert_eq!(found(19), None);
    }
}
