//! Folders and files as the service keeps them: names, trash stamps, revisions.
//!
//! Folders are shared and copied on write, so a snapshot of the whole account costs nothing and can be listed
//! while writes go on. Every folder knows the sums of what is below it; all changes go through methods that
//! keep them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::content::{Content, ContentKey, SharedSpool, lock_spool};
use crate::times::Seconds;

/// A file or a folder.
#[derive(Debug, Clone)]
pub(crate) enum Entry {
    Folder(Arc<Folder>),
    File(Arc<File>),
}

/// A mountpoint or a folder in one.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    pub(crate) name: Box<str>,
    pub(crate) deleted: Option<Seconds>,
    pub(crate) modified: Option<Seconds>,
    pub(crate) share: Option<Box<str>>,
    children: BTreeMap<Box<str>, Entry>,
    /// Tombstones whose name is live again, under `tombstone-and-live=both`.
    shadows: Vec<Entry>,
    totals: Totals,
}

/// A file with its revisions.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) name: Box<str>,
    pub(crate) uuid: u128,
    pub(crate) deleted: Option<Seconds>,
    pub(crate) share: Option<Box<str>>,
    /// Oldest first, numbers rising.
    pub(crate) revisions: Vec<Revision>,
    /// The highest number that was ever given.
    pub(crate) last_number: u64,
}

/// One upload attempt of a file.
#[derive(Debug, Clone)]
pub(crate) struct Revision {
    pub(crate) number: u64,
    pub(crate) created: Seconds,
    pub(crate) modified: Seconds,
    pub(crate) updated: Seconds,
    /// In the letter case that was sent.
    pub(crate) md5: Box<str>,
    pub(crate) key: ContentKey,
    pub(crate) state: State,
}

/// What of a revision's content is there.
#[derive(Debug, Clone)]
pub(crate) enum State {
    Completed(Arc<Content>),
    Incomplete(SharedSpool),
    Corrupt,
}

/// Sums over a subtree.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// Bytes of the current revisions of live files.
    pub(crate) live: u64,
    /// Bytes of older revisions of live files.
    pub(crate) old: u64,
    /// Bytes of all revisions of trashed files.
    pub(crate) trashed: u64,
}

impl Totals {
    fn replace(&mut self, before: Self, after: Self) {
        self.live = self.live - before.live + after.live;
        self.old = self.old - before.old + after.old;
        self.trashed = self.trashed - before.trashed + after.trashed;
    }
}

impl Entry {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Folder(folder) => &folder.name,
            Self::File(file) => &file.name,
        }
    }

    pub(crate) fn deleted(&self) -> Option<Seconds> {
        match self {
            Self::Folder(folder) => folder.deleted,
            Self::File(file) => file.deleted,
        }
    }

    pub(crate) fn is_live(&self) -> bool {
        self.deleted().is_none()
    }

    pub(crate) fn share(&self) -> Option<&str> {
        match self {
            Self::Folder(folder) => folder.share.as_deref(),
            Self::File(file) => file.share.as_deref(),
        }
    }

    pub(crate) fn set_share(&mut self, share: Option<Box<str>>) {
        match self {
            Self::Folder(folder) => Arc::make_mut(folder).share = share,
            Self::File(file) => Arc::make_mut(file).share = share,
        }
    }

    pub(crate) fn rename(&mut self, name: &str) {
        match self {
            Self::Folder(folder) => Arc::make_mut(folder).name = name.into(),
            Self::File(file) => Arc::make_mut(file).name = name.into(),
        }
    }

    /// Moves everything live in here to the trash. What was there already keeps its stamp.
    pub(crate) fn trash(&mut self, now: Seconds) {
        match self {
            Self::Folder(folder) => Arc::make_mut(folder).trash(now),
            Self::File(file) if file.deleted.is_none() => Arc::make_mut(file).deleted = Some(now),
            Self::File(_) => {}
        }
    }

    /// Brings everything in here back from the trash.
    pub(crate) fn restore(&mut self) {
        match self {
            Self::Folder(folder) => {
                let folder = Arc::make_mut(folder);
                folder.deleted = None;
                folder.children.values_mut().for_each(Self::restore);
                folder.add_up();
            }
            Self::File(file) => Arc::make_mut(file).deleted = None,
        }
    }

    pub(crate) fn totals(&self) -> Totals {
        match self {
            Self::Folder(folder) => folder.totals,
            Self::File(file) => file.totals(),
        }
    }

    pub(crate) fn as_file(&self) -> Option<&Arc<File>> {
        match self {
            Self::File(file) => Some(file),
            Self::Folder(_) => None,
        }
    }

    pub(crate) fn as_folder(&self) -> Option<&Arc<Folder>> {
        match self {
            Self::Folder(folder) => Some(folder),
            Self::File(_) => None,
        }
    }
}

impl Folder {
    pub(crate) fn new(name: &str, now: Seconds) -> Self {
        Self {
            name: name.into(),
            deleted: None,
            modified: Some(now),
            share: None,
            children: BTreeMap::new(),
            shadows: Vec::new(),
            totals: Totals::default(),
        }
    }

    pub(crate) fn totals(&self) -> Totals {
        self.totals
    }

    /// Every child, ordered by name, displaced tombstones last.
    pub(crate) fn children(&self) -> impl Iterator<Item = &Entry> {
        self.children.values().chain(&self.shadows)
    }

    pub(crate) fn folders(&self) -> impl Iterator<Item = &Arc<Folder>> {
        self.children().filter_map(Entry::as_folder)
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = &Arc<File>> {
        self.children().filter_map(Entry::as_file)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        self.children.get(key)
    }

    /// Puts an entry in place of whatever has its key, which is returned.
    pub(crate) fn put(&mut self, key: Box<str>, entry: Entry) -> Option<Entry> {
        let after = entry.totals();
        let displaced = self.children.insert(key, entry);
        self.totals.replace(displaced.as_ref().map(Entry::totals).unwrap_or_default(), after);
        displaced
    }

    /// Keeps a displaced tombstone beside the live entry of its name.
    pub(crate) fn shadow(&mut self, tombstone: Entry) {
        self.totals.replace(Totals::default(), tombstone.totals());
        self.shadows.push(tombstone);
    }

    pub(crate) fn take(&mut self, key: &str) -> Option<Entry> {
        let taken = self.children.remove(key)?;
        self.totals.replace(taken.totals(), Totals::default());
        Some(taken)
    }

    /// Changes the child with this key in place.
    pub(crate) fn change<R>(&mut self, key: &str, change: impl FnOnce(&mut Entry) -> R) -> Option<R> {
        let entry = self.children.get_mut(key)?;
        let before = entry.totals();
        let result = change(entry);
        self.totals.replace(before, entry.totals());
        Some(result)
    }

    /// Keeps the children for which `keep` says so. Removed ones are gone for good.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&mut Entry) -> bool) {
        self.children.retain(|_, entry| keep(entry));
        self.shadows.retain_mut(|entry| keep(entry));
        self.add_up();
    }

    /// Builds the children anew under other keys. Fails with the name when two become one.
    pub(crate) fn rekey(&self, key: &impl Fn(&str) -> Box<str>) -> Result<Self, String> {
        let mut children = BTreeMap::new();
        for entry in self.children.values() {
            let entry = match entry {
                Entry::Folder(folder) => Entry::Folder(Arc::new(folder.rekey(key)?)),
                file @ Entry::File(_) => file.clone(),
            };
            let name = entry.name().to_owned();
            if children.insert(key(&name), entry).is_some() {
                return Err(name);
            }
        }
        Ok(Self { children, ..self.clone() })
    }

    fn trash(&mut self, now: Seconds) {
        if self.deleted.is_none() {
            self.deleted = Some(now);
        }
        for entry in self.children.values_mut() {
            entry.trash(now);
        }
        self.add_up();
    }

    /// Cuts the trashed descendants out. Returns a tombstone of this folder that holds them, if there are
    /// any.
    pub(crate) fn split_trashed(&mut self, now: Seconds) -> Option<Self> {
        let mut trashed = BTreeMap::new();
        for (key, entry) in std::mem::take(&mut self.children) {
            if !entry.is_live() {
                trashed.insert(key, entry);
                continue;
            }
            match entry {
                Entry::Folder(mut folder) => {
                    if let Some(rest) = Arc::make_mut(&mut folder).split_trashed(now) {
                        trashed.insert(key.clone(), Entry::Folder(Arc::new(rest)));
                    }
                    self.children.insert(key, Entry::Folder(folder));
                }
                file @ Entry::File(_) => {
                    self.children.insert(key, file);
                }
            }
        }
        let shadows = std::mem::take(&mut self.shadows);
        self.add_up();
        if trashed.is_empty() && shadows.is_empty() {
            return None;
        }
        let mut rest = Self { children: trashed, shadows, ..Self::new(&self.name, now) };
        rest.deleted = Some(now);
        rest.add_up();
        Some(rest)
    }

    fn add_up(&mut self) {
        self.totals = self.children().fold(Totals::default(), |mut sum, entry| {
            sum.replace(Totals::default(), entry.totals());
            sum
        });
    }
}

impl File {
    pub(crate) fn new(name: &str, uuid: u128) -> Self {
        Self { name: name.into(), uuid, deleted: None, share: None, revisions: Vec::new(), last_number: 0 }
    }

    /// The newest completed revision.
    pub(crate) fn current(&self) -> Option<&Revision> {
        self.revisions.iter().rev().find(|revision| revision.is_completed())
    }

    /// A newer upload that is not complete.
    pub(crate) fn latest(&self) -> Option<&Revision> {
        self.revisions.last().filter(|revision| !revision.is_completed())
    }

    /// All but the current and the latest one, newest first.
    pub(crate) fn older(&self) -> impl Iterator<Item = &Revision> {
        let shown = [self.current().map(|shown| shown.number), self.latest().map(|shown| shown.number)];
        self.revisions.iter().rev().filter(move |revision| !shown.contains(&Some(revision.number)))
    }

    /// Adds a revision under the next number, which is returned, and drops the oldest beyond five.
    pub(crate) fn push(&mut self, mut revision: Revision, counts: impl Fn(&Revision) -> bool) -> u64 {
        self.last_number += 1;
        revision.number = self.last_number;
        if self.revisions.is_empty() {
            // Most files never have a second one, and there may be a million files.
            self.revisions.reserve_exact(1);
        }
        self.revisions.push(revision);
        self.trim(counts);
        self.last_number
    }

    /// Drops the oldest revisions beyond five.
    pub(crate) fn trim(&mut self, counts: impl Fn(&Revision) -> bool) {
        // The current revision is never dropped for the sake of newer, incomplete ones.
        let current = self.current().map(|current| current.number);
        while self.revisions.iter().filter(|revision| counts(revision)).count() > 5 {
            let oldest = self
                .revisions
                .iter()
                .position(|revision| counts(revision) && Some(revision.number) != current);
            match oldest {
                Some(place) => drop(self.revisions.remove(place)),
                None => break,
            }
        }
    }

    fn totals(&self) -> Totals {
        let all: u64 =
            self.revisions.iter().filter(|revision| revision.is_completed()).map(|r| r.key.size).sum();
        if self.deleted.is_some() {
            return Totals { trashed: all, ..Totals::default() };
        }
        let live = self.current().map_or(0, |current| current.key.size);
        Totals { live, old: all - live, trashed: 0 }
    }
}

impl Revision {
    pub(crate) fn is_completed(&self) -> bool {
        matches!(self.state, State::Completed(_))
    }

    pub(crate) fn content(&self) -> Option<&Arc<Content>> {
        match &self.state {
            State::Completed(content) => Some(content),
            State::Incomplete(_) | State::Corrupt => None,
        }
    }

    pub(crate) fn state_name(&self) -> &'static str {
        match self.state {
            State::Completed(_) => "COMPLETED",
            State::Incomplete(_) => "INCOMPLETE",
            State::Corrupt => "CORRUPT",
        }
    }

    /// Bytes that arrived so far, of an incomplete revision.
    pub(crate) fn received(&self) -> Option<u64> {
        match &self.state {
            State::Incomplete(spool) => Some(lock_spool(spool).length()),
            State::Completed(_) | State::Corrupt => None,
        }
    }
}
