//! A scanner that believes hints and nothing else, and the tree it should then know.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Bound;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jottad_core::{Name, RelativePath};
use jottad_watcher::{Backend, Coverage, Hint, RescanCause, Watcher, WatcherOptions};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// How long a test waits for what must come. Reached only by a failure.
const PATIENCE: Duration = Duration::from_secs(30);
const EXCLUDED: &str = ".jottad";
/// A directory in every root that only the bench itself changes.
const PROBE: &str = "probe";

/// What a scan keeps of an entry: enough to notice any change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stats {
    inode: u64,
    mode: u32,
    /// Of files only: a directory's times follow from its names.
    content: Option<(u64, i64, i64)>,
}

pub(crate) type Tree = BTreeMap<RelativePath, Stats>;

/// A watched directory, the view that its hints have given, and the hints themselves.
pub(crate) struct Bench {
    pub(crate) hints: Vec<Hint>,
    pub(crate) watcher: Watcher,
    root: PathBuf,
    receiver: UnboundedReceiver<Vec<Hint>>,
    view: Tree,
    probes: usize,
    /// Outlives the rest; `None` if the test removed it.
    _directory: Option<TempDir>,
}

/// Options that settle within a test.
pub(crate) fn quick(root: &Path) -> WatcherOptions {
    WatcherOptions {
        settle: Duration::from_millis(20),
        read_gap: Duration::from_millis(10),
        poll_interval: Duration::from_millis(100),
        excluded: vec![Name::try_from(EXCLUDED).unwrap()],
        ..WatcherOptions::new(root)
    }
}

/// A temporary directory for a root.
pub(crate) fn directory() -> TempDir {
    tempfile::Builder::new().prefix("watched-").tempdir().unwrap()
}

impl Bench {
    /// Watches a new, empty directory.
    pub(crate) fn new() -> Self {
        Self::with(|_| {}, |_| {})
    }

    pub(crate) fn with_notify() -> Self {
        Self::with(|_| {}, |options| options.backend = Backend::Notify)
    }

    /// Watches a new directory that is filled first.
    pub(crate) fn filled(fill: impl FnOnce(&Path)) -> Self {
        Self::with(fill, |_| {})
    }

    pub(crate) fn with(fill: impl FnOnce(&Path), adapt: impl FnOnce(&mut WatcherOptions)) -> Self {
        let directory = directory();
        let root = directory.path().join("root");
        fs::create_dir_all(root.join(PROBE)).unwrap();
        fill(&root);
        let mut options = quick(&root);
        adapt(&mut options);
        let (sender, receiver) = unbounded_channel();
        let watcher = Watcher::start(options, sender).unwrap();
        // The scan that follows a start.
        let mut view = Tree::new();
        list(&root, &RelativePath::root(), true, &mut view);
        Self { hints: Vec::new(), watcher, root, receiver, view, probes: 0, _directory: Some(directory) }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.root.join(below)
    }

    /// A directory beside the root, on the same file system and not watched.
    pub(crate) fn outside(&self, name: &str) -> PathBuf {
        self.root.parent().unwrap().join(name)
    }

    /// The coverage; the bench's own directory counts as one.
    pub(crate) fn coverage(&self) -> Coverage {
        self.watcher.coverage()
    }

    /// Follows hints until everything that happened before the call must have been hinted, and asserts that
    /// the view is the tree.
    pub(crate) fn assert_nothing_missed(&mut self) {
        let from = self.hints.len();
        self.follow_until_quiet();
        let truth = tree(&self.root);
        if self.view != truth {
            let difference = difference(&self.view, &truth);
            let shown = &difference[..difference.len().min(20)];
            panic!("the hints missed {}: {shown:#?}\nhints: {:#?}", difference.len(), &self.hints[from..]);
        }
    }

    /// Asserts that every directory is watched under its present name: a change in each of them is hinted.
    pub(crate) fn assert_all_watched(&mut self) {
        for (path, stats) in tree(&self.root) {
            if stats.content.is_none() && path.as_bytes() != PROBE.as_bytes() {
                fs::write(below(&self.root, &path).join("watched"), "").unwrap();
            }
        }
        self.assert_nothing_missed();
        let expected = 1 + tree(&self.root).values().filter(|stats| stats.content.is_none()).count();
        self.follow_until(|bench| bench.coverage().directories == expected);
    }

    /// The queue is read in order, so a hint for what happened last proves that all before it was read. A
    /// directory of its own makes sure that nothing else leads there; a file moved in is one event, which is
    /// hinted once.
    pub(crate) fn follow_until_quiet(&mut self) {
        let probe = RelativePath::try_from(PROBE).unwrap();
        let is_proof = |hint: &Hint| *hint == Hint::Directory { path: probe.clone() };
        // A look at the whole root covers the probe but may stem from before it.
        let covers = |hint: &Hint| matches!(hint, Hint::Subtree { path, .. } if path.is_root());
        let mut proven = false;
        while !proven {
            self.probes += 1;
            let probe = self.outside("probe");
            fs::write(&probe, "").unwrap();
            fs::rename(probe, self.path(PROBE).join(self.probes.to_string())).unwrap();
            let from = self.hints.len();
            self.follow_until(|bench| bench.hints[from..].iter().any(|hint| is_proof(hint) || covers(hint)));
            proven = self.hints[from..].iter().any(is_proof);
        }
        self.follow_until(|bench| bench.coverage().pending == 0 && bench.receiver.is_empty());
    }

    /// Follows hints until something holds.
    pub(crate) fn follow_until(&mut self, holds: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !holds(self) {
            assert!(start.elapsed() < PATIENCE, "still waiting; {:?}", self.coverage());
            self.follow();
            std::thread::sleep(Duration::from_millis(1));
        }
        self.follow();
    }

    /// Whether a subtree was hinted, and why.
    pub(crate) fn subtree_hints(&self, below: &str) -> Vec<RescanCause> {
        let wanted = RelativePath::try_from(below).unwrap();
        let causes = self.hints.iter().filter_map(|hint| match hint {
            Hint::Subtree { path, cause } if *path == wanted => Some(*cause),
            _ => None,
        });
        causes.collect()
    }

    pub(crate) fn has_hint(&self, cause: RescanCause) -> bool {
        self.hints.iter().any(|hint| matches!(hint, Hint::Subtree { cause: other, .. } if *other == cause))
    }

    /// The hints since a moment, without those that the bench itself gave rise to.
    pub(crate) fn hints_since(&self, from: usize) -> Vec<&Hint> {
        let probe = Hint::Directory { path: PROBE.try_into().unwrap() };
        self.hints[from..].iter().filter(|hint| **hint != probe).collect()
    }

    /// How often a directory was hinted.
    pub(crate) fn directory_hints(&self, below: &str) -> usize {
        let wanted = RelativePath::try_from(below).unwrap();
        self.hints.iter().filter(|hint| matches!(hint, Hint::Directory { path } if *path == wanted)).count()
    }

    pub(crate) fn knows(&self, below: &str) -> bool {
        self.view.contains_key(&RelativePath::try_from(below).unwrap())
    }

    fn follow(&mut self) {
        let new = self.hints.len();
        while let Ok(hints) = self.receiver.try_recv() {
            self.hints.extend(hints);
        }
        for at in new..self.hints.len() {
            // One look now answers all equal hints that have come in a row.
            if self.hints.get(at + 1) != Some(&self.hints[at]) {
                self.look(&self.hints[at].clone());
            }
        }
    }

    fn look(&mut self, hint: &Hint) {
        match hint {
            Hint::Directory { path } => list(&self.root, path, false, &mut self.view),
            Hint::Subtree { path, .. } => list(&self.root, path, true, &mut self.view),
            Hint::RootLost => {}
        }
    }
}

/// What is really there.
pub(crate) fn tree(root: &Path) -> Tree {
    let mut tree = Tree::new();
    list(root, &RelativePath::root(), true, &mut tree);
    tree
}

fn below(root: &Path, path: &RelativePath) -> PathBuf {
    root.join(std::ffi::OsStr::from_bytes(path.as_bytes()))
}

/// Brings a view up to date with one directory or subtree. A new directory is known by name only until it is
/// hinted itself, and a path that is not known as a directory is not looked at.
fn list(root: &Path, directory: &RelativePath, recursive: bool, view: &mut Tree) {
    if !directory.is_root() && !view.contains_key(directory) {
        return;
    }
    let path = below(root, directory);
    let entries = match fs::symlink_metadata(&path) {
        Ok(metadata) if metadata.is_dir() => fs::read_dir(&path),
        Ok(_) => return,
        Err(error) => Err(error),
    };
    let mut now = Tree::new();
    for entry in entries.into_iter().flatten().flatten() {
        let name = entry.file_name();
        if directory.is_root() && name == EXCLUDED {
            continue;
        }
        let Ok(metadata) = entry.metadata() else { continue };
        let content = (!metadata.is_dir()).then(|| (metadata.len(), metadata.mtime(), metadata.mtime_nsec()));
        let stats = Stats { inode: metadata.ino(), mode: metadata.mode(), content };
        now.insert(directory.join(&Name::new(name.as_bytes()).unwrap()), stats);
    }
    let known: Vec<RelativePath> = view
        .range((Bound::Excluded(directory), Bound::Unbounded))
        .map(|(path, _)| path)
        .take_while(|path| path.starts_with(directory))
        .cloned()
        .collect();
    // What is below a vanished name vanishes with it, and so does everything of a directory that became a
    // file.
    let mut kept: Option<RelativePath> = None;
    for path in known {
        let is_below_kept = kept.as_ref().is_some_and(|kept| path.starts_with(kept));
        let is_kept_directory = now.get(&path).map(|stats| stats.content.is_none());
        match is_kept_directory {
            _ if is_below_kept => {}
            Some(true) => kept = Some(path),
            Some(false) => {}
            None => {
                view.remove(&path);
            }
        }
    }
    for (path, stats) in now {
        let is_directory = stats.content.is_none();
        view.insert(path.clone(), stats);
        if recursive && is_directory {
            list(root, &path, true, view);
        }
    }
}

fn difference(view: &Tree, truth: &Tree) -> Vec<String> {
    let missing = truth
        .iter()
        .filter(|(path, stats)| view.get(*path) != Some(*stats))
        .map(|(path, stats)| format!("{path}: hints say {:?}, it is {stats:?}", view.get(path)));
    let left = view.keys().filter(|path| !truth.contains_key(*path)).map(|path| format!("{path}: is gone"));
    missing.chain(left).collect()
}
