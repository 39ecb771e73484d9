//! A Jottacloud in memory: a live tree that ignores letter case, revisions and a trash.
//!
//! It knows nothing of the engine's seam; [`crate::simulated_remote`] puts it behind that, and the simulated
//! other device works on it directly. A tree is cheap to copy, so that a lagging service can answer from an
//! old one.

use std::collections::BTreeMap;
use std::sync::Arc;

use jottad_core::{Content, File, StoredName, StoredPath, Timestamp};
use jottad_engine::RemoteNode;

use crate::text::Text;

/// How the service tells names apart (protocol 8.8, U-07).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folding {
    /// Every character's lower case is the same.
    Unicode,
    /// Only ASCII letters fold.
    Ascii,
}

/// A live entry.
#[derive(Debug, Clone)]
pub(crate) enum RemoteItem {
    /// A file, its time and what it held before.
    File {
        /// What it holds.
        text: Text,
        /// Seconds since the epoch.
        modified: i64,
        /// What it held before, oldest first.
        revisions: Vec<Text>,
    },
    /// A folder.
    Folder(RemoteEntries),
}

/// The entries of a folder by folded name.
pub(crate) type RemoteEntries = BTreeMap<String, (StoredName, Arc<RemoteItem>)>;

/// Why something was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Nothing is there.
    Missing,
    /// Something else is there.
    Taken,
    /// The name is longer than the service takes.
    TooLong,
}

/// Everything below the folder's remote root, and the trash.
#[derive(Debug, Clone)]
pub(crate) struct RemoteTree {
    root: Option<Arc<RemoteItem>>,
    /// What was trashed, with where it was.
    trash: Vec<(StoredPath, Arc<RemoteItem>)>,
    folding: Folding,
    /// The name that a trashed entry had is the name of the file that is sent to its place.
    trash_keeps_spelling: bool,
    /// When the mountpoint was last modified, seconds since the epoch.
    modified: i64,
    /// Deletes, moves and new folders count as modifications (U-41).
    stamps_everything: bool,
    /// Counts the changes.
    pub(crate) version: u64,
}

impl RemoteItem {
    /// What a look at it shows.
    pub(crate) fn node(&self) -> RemoteNode {
        match self {
            Self::File { text, modified, .. } => RemoteNode::File(File {
                content: text.content(),
                modified: Timestamp::from_seconds(*modified),
            }),
            Self::Folder(_) => RemoteNode::Directory,
        }
    }

    fn revisions(&self) -> Vec<Content> {
        match self {
            Self::File { revisions, .. } => revisions.iter().map(Text::content).collect(),
            Self::Folder(entries) => entries.values().flat_map(|(_, item)| item.revisions()).collect(),
        }
    }

    fn texts(&self, into: &mut Vec<Text>) {
        match self {
            Self::File { text, revisions, .. } => {
                into.push(text.clone());
                into.extend(revisions.iter().cloned());
            }
            Self::Folder(entries) => entries.values().for_each(|(_, item)| item.texts(into)),
        }
    }
}

impl RemoteTree {
    /// Nothing, or an empty remote root.
    pub(crate) fn new(has_root: bool, folding: Folding, stamps_everything: bool) -> Self {
        Self {
            root: has_root.then(|| Arc::new(RemoteItem::Folder(RemoteEntries::new()))),
            trash: Vec::new(),
            folding,
            trash_keeps_spelling: false,
            modified: 0,
            stamps_everything,
            version: 0,
        }
    }

    /// The name that a trashed entry had is, or is not, the name of the file that is sent to its place.
    pub(crate) fn keeping_spelling_in_trash(mut self, keeps: bool) -> Self {
        self.trash_keeps_spelling = keeps;
        self
    }

    fn fold(&self, name: &StoredName) -> String {
        match self.folding {
            Folding::Unicode => name.as_str().to_lowercase(),
            Folding::Ascii => name.as_str().to_ascii_lowercase(),
        }
    }

    fn is_same_path(&self, one: &StoredPath, other: &StoredPath) -> bool {
        one.names().len() == other.names().len()
            && one.names().iter().zip(other.names()).all(|(one, other)| self.fold(one) == self.fold(other))
    }

    /// What is live at a path, whatever its spelling.
    pub(crate) fn find(&self, path: &StoredPath) -> Option<&RemoteItem> {
        self.find_spelled(path).map(|(_, item)| item)
    }

    /// What is at a path, and the name that the service has for it; the root has none.
    pub(crate) fn find_spelled(&self, path: &StoredPath) -> Option<(Option<&StoredName>, &RemoteItem)> {
        path.names().iter().try_fold((None, self.root.as_deref()?), |(_, above), name| match above {
            RemoteItem::Folder(entries) => {
                entries.get(&self.fold(name)).map(|(name, item)| (Some(name), item.as_ref()))
            }
            RemoteItem::File { .. } => None,
        })
    }

    /// The live entries of a folder; `None` if there is no such folder.
    pub(crate) fn entries(&self, path: &StoredPath) -> Option<&RemoteEntries> {
        match self.find(path)? {
            RemoteItem::Folder(entries) => Some(entries),
            RemoteItem::File { .. } => None,
        }
    }

    /// Everything live below a folder, parents first, as spelled by the service.
    pub(crate) fn walk(&self, top: &StoredPath) -> Vec<(StoredPath, RemoteNode)> {
        let mut found = Vec::new();
        if let Some(RemoteItem::Folder(entries)) = self.find(top) {
            walk(&StoredPath::root(), entries, &mut found);
        }
        found
    }

    /// Every content that a person can still get at: live, as a revision, or in the trash.
    pub(crate) fn texts(&self) -> Vec<Text> {
        let mut texts = Vec::new();
        let trashed = self.trash.iter().map(|(_, item)| item);
        self.root.iter().chain(trashed).for_each(|item| item.texts(&mut texts));
        texts
    }

    /// What live files held before.
    pub(crate) fn revisions(&self) -> Vec<Content> {
        self.root.iter().flat_map(|root| root.revisions()).collect()
    }

    /// What the cheap poll says (protocol 9.4): the sum of sizes and the mountpoint's time.
    pub(crate) fn stamp(&self) -> String {
        let size: u64 = self
            .walk(&StoredPath::root())
            .iter()
            .map(|(_, node)| match node {
                RemoteNode::File(file) => file.content.size,
                RemoteNode::Directory => 0,
            })
            .sum();
        format!("{size} {}", self.modified)
    }

    fn changed(&mut self, now: i64) {
        self.version += 1;
        if self.stamps_everything {
            self.modified = now;
        }
    }

    fn folder_mut(&mut self, path: &StoredPath) -> Option<&mut RemoteEntries> {
        let folded: Vec<String> = path.names().iter().map(|name| self.fold(name)).collect();
        let mut here = Arc::make_mut(self.root.as_mut()?);
        for name in folded {
            here = match here {
                RemoteItem::Folder(entries) => Arc::make_mut(&mut entries.get_mut(&name)?.1),
                RemoteItem::File { .. } => return None,
            };
        }
        match here {
            RemoteItem::Folder(entries) => Some(entries),
            RemoteItem::File { .. } => None,
        }
    }

    fn put(&mut self, path: &StoredPath, item: Arc<RemoteItem>) -> Result<(), Refusal> {
        let (Some(parent), Some(name)) = (path.parent(), path.name()) else { return Err(Refusal::Taken) };
        let fold = self.fold(name);
        let entries = self.folder_mut(&parent).ok_or(Refusal::Missing)?;
        entries.insert(fold, (name.clone(), item));
        Ok(())
    }

    fn take(&mut self, path: &StoredPath) -> Option<Arc<RemoteItem>> {
        let (Some(parent), Some(name)) = (path.parent(), path.name()) else { return self.root.take() };
        let fold = self.fold(name);
        self.folder_mut(&parent)?.remove(&fold).map(|(_, item)| item)
    }

    /// Makes a folder and those above it.
    pub(crate) fn make_folder(&mut self, path: &StoredPath, now: i64) -> Result<(), Refusal> {
        match self.find(path) {
            Some(RemoteItem::Folder(_)) => return Ok(()),
            Some(RemoteItem::File { .. }) => return Err(Refusal::Taken),
            None => {}
        }
        check_names(path)?;
        self.changed(now);
        match path.parent() {
            None => {
                self.root = Some(Arc::new(RemoteItem::Folder(RemoteEntries::new())));
                Ok(())
            }
            Some(parent) => {
                self.make_folder(&parent, now)?;
                self.put(path, Arc::new(RemoteItem::Folder(RemoteEntries::new())))
            }
        }
    }

    /// Stores a file, as a new revision if there is one, and the folders above it.
    pub(crate) fn store(
        &mut self,
        path: &StoredPath,
        text: Text,
        modified: i64,
        now: i64,
    ) -> Result<(), Refusal> {
        check_names(path)?;
        let (name, revisions) = match self.find(path) {
            Some(RemoteItem::Folder(_)) => return Err(Refusal::Taken),
            Some(RemoteItem::File { text: old, revisions, .. }) => {
                let mut revisions = revisions.clone();
                if *old != text {
                    revisions.push(old.clone());
                }
                (self.spelling(path), revisions)
            }
            None => (self.spelling_in_trash(path).or_else(|| path.name().cloned()), Vec::new()),
        };
        let (Some(parent), Some(name)) = (path.parent(), name) else { return Err(Refusal::Taken) };
        self.make_folder(&parent, now)?;
        self.put(&parent.join(name), Arc::new(RemoteItem::File { text, modified, revisions }))?;
        self.changed(now);
        self.modified = now;
        Ok(())
    }

    fn spelling(&self, path: &StoredPath) -> Option<StoredName> {
        let (parent, name) = (path.parent()?, path.name()?);
        self.entries(&parent)?.get(&self.fold(name)).map(|(name, _)| name.clone())
    }

    fn spelling_in_trash(&self, path: &StoredPath) -> Option<StoredName> {
        let mut newest_first = self.trash.iter().rev().filter(|_| self.trash_keeps_spelling);
        newest_first.find(|(trashed, _)| self.is_same_path(trashed, path))?.0.name().cloned()
    }

    /// Sets a file's time.
    pub(crate) fn set_modified(&mut self, path: &StoredPath, modified: i64, now: i64) -> Result<(), Refusal> {
        let Some(RemoteItem::File { text, revisions, .. }) = self.find(path) else {
            return Err(Refusal::Missing);
        };
        let item = RemoteItem::File { text: text.clone(), modified, revisions: revisions.clone() };
        let name = self.spelling(path).ok_or(Refusal::Missing)?;
        let parent = path.parent().ok_or(Refusal::Missing)?;
        self.put(&parent.join(name), Arc::new(item))?;
        self.changed(now);
        Ok(())
    }

    /// Moves an entry to a free path, making the folders above.
    pub(crate) fn rename(&mut self, from: &StoredPath, to: &StoredPath, now: i64) -> Result<(), Refusal> {
        if self.find(from).is_none() {
            return Err(Refusal::Missing);
        }
        let is_below_itself = to.names().len() > from.names().len()
            && self.is_same_path(&StoredPath::new(to.names()[..from.names().len()].to_vec()), from);
        if is_below_itself || from.is_root() || self.find(to).is_some() {
            return Err(Refusal::Taken);
        }
        check_names(to)?;
        self.make_folder(&to.parent().ok_or(Refusal::Taken)?, now)?;
        let item = self.take(from).ok_or(Refusal::Missing)?;
        self.put(to, item)?;
        self.changed(now);
        Ok(())
    }

    /// Changes the spelling of a name, as another client may do in two steps.
    pub(crate) fn respell(&mut self, path: &StoredPath, name: StoredName, now: i64) -> Result<(), Refusal> {
        let parent = path.parent().ok_or(Refusal::Missing)?;
        let to = parent.join(name);
        if !self.is_same_path(path, &to) {
            return Err(Refusal::Taken);
        }
        let item = self.take(path).ok_or(Refusal::Missing)?;
        self.put(&to, item)?;
        self.changed(now);
        Ok(())
    }

    /// Puts an entry into the trash, and returns what went there.
    pub(crate) fn trash(&mut self, path: &StoredPath, now: i64) -> Option<Vec<(StoredPath, Content)>> {
        let spelling = self.spelling(path);
        let item = self.take(path)?;
        let mut gone = Vec::new();
        match item.as_ref() {
            RemoteItem::File { text, .. } => gone.push((StoredPath::root(), text.content())),
            RemoteItem::Folder(entries) => {
                let mut below = Vec::new();
                walk(&StoredPath::root(), entries, &mut below);
                gone.extend(below.into_iter().filter_map(|(path, node)| match node {
                    RemoteNode::File(file) => Some((path, file.content)),
                    RemoteNode::Directory => None,
                }));
            }
        }
        let place =
            spelling.zip(path.parent()).map_or_else(|| path.clone(), |(name, parent)| parent.join(name));
        self.trash.push((place, item));
        self.changed(now);
        Some(gone)
    }
}

fn check_names(path: &StoredPath) -> Result<(), Refusal> {
    if path.names().iter().all(StoredName::fits) { Ok(()) } else { Err(Refusal::TooLong) }
}

fn walk(path: &StoredPath, entries: &RemoteEntries, found: &mut Vec<(StoredPath, RemoteNode)>) {
    for (name, item) in entries.values() {
        let path = path.join(name.clone());
        found.push((path.clone(), item.node()));
        if let RemoteItem::Folder(entries) = item.as_ref() {
            walk(&path, entries, found);
        }
    }
}
