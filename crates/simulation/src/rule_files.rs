//! The `.jottaignore` files of the simulated people, and what they mean, told without the engine's help.

use std::collections::BTreeSet;

use jottad_core::{Content, FoldKey, Name, RelativePath, StoredPath, encode_name};
use jottad_engine::{OtherKind, RemoteNode};

use crate::disk_tree::{Body, Serial};
use crate::text::Text;
use crate::world::World;

/// What such a file is called.
const NAME: &str = ".jottaignore";

/// One line.
struct Line {
    text: &'static str,
    /// `*` for every name.
    name: &'static str,
    negated: bool,
    only_directories: bool,
    only_here: bool,
}

const fn line(text: &'static str, name: &'static str) -> Line {
    Line { text, name, negated: false, only_directories: false, only_here: false }
}

/// The files that people write.
const FILES: [&[Line]; 6] = [
    &[line("b", "b")],
    &[Line { only_directories: true, ..line("e/", "e") }],
    &[line("e", "e"), line("b", "b")],
    &[Line { negated: true, ..line("!b", "b") }],
    &[line("*", "*"), Line { negated: true, ..line("!b", "b") }],
    &[Line { only_here: true, ..line("/b", "b") }],
];

/// How many different files there are.
pub(crate) const COUNT: u8 = 6;

/// What the file with this number holds.
pub(crate) fn text(number: u8) -> Text {
    let lines = FILES[usize::from(number) % FILES.len()];
    Text::of(lines.iter().flat_map(|line| [line.text, "\n"]).collect::<String>().into_bytes())
}

/// What was ignored locally while it was on the service.
#[derive(Debug, Default)]
pub(crate) struct Released {
    /// The user has written rules, so there may be something to note.
    pub(crate) is_possible: bool,
    contents: BTreeSet<Content>,
    directories: BTreeSet<StoredPath>,
}

impl Released {
    /// A directory that was ignored is moved on the service, with all below it: what makes way is no more
    /// agreed on than before.
    pub(crate) fn moved(&mut self, from: &StoredPath, to: &StoredPath) {
        let below = |path: &StoredPath| path.names().strip_prefix(from.names()).map(<[_]>::to_vec);
        let moved: Vec<_> = self.directories.iter().filter_map(below).collect();
        let at_the_end = |rest: Vec<_>| StoredPath::new(to.names().iter().cloned().chain(rest).collect());
        self.directories.extend(moved.into_iter().map(at_the_end));
    }
}

impl World {
    /// Whether the rules keep something on the service out of it all: by its own names, or by those that its
    /// directories have here.
    pub(crate) fn is_ignored_there(&self, path: &StoredPath, node: RemoteNode) -> bool {
        let mut here = RelativePath::root();
        for name in path.names() {
            let beside = self.disk.find(&here).and_then(|directory| self.disk.entries(directory));
            let key = FoldKey::of(name);
            let plain = Name::new(name.as_str().as_bytes()).ok();
            let names = || beside.into_iter().flatten().map(|(name, _)| name);
            let spelled = names().find(|here| Some(*here) == plain.as_ref());
            let spelled = spelled.or_else(|| names().find(|here| FoldKey::of(&encode_name(here)) == key));
            let Some(name) = spelled.cloned().or(plain) else { continue };
            here = here.join(&name);
        }
        let is_directory = node == RemoteNode::Directory;
        self.is_ignored(&here, is_directory) || self.is_ignored(&local_path(path), is_directory)
    }

    /// Notes what is on the service and ignored locally: nothing is agreed on there any more, so it may stay
    /// there for ever, whatever becomes of it, or of the rule, locally.
    pub(crate) fn note_ignored(&mut self) {
        if !self.released.is_possible {
            return;
        }
        for (path, node) in self.remote.walk(&StoredPath::root()) {
            if self.is_ignored_there(&path, node) || self.is_beside_ignored(&path) {
                match node {
                    RemoteNode::File(file) => drop(self.released.contents.insert(file.content)),
                    RemoteNode::Directory => drop(self.released.directories.insert(path)),
                }
            }
        }
    }

    /// Whether what has the path locally is ignored, of whatever kind it is: nothing is agreed on at the path
    /// then, also where a rule for directories alone would not hit what the service has there.
    fn is_beside_ignored(&self, path: &StoredPath) -> bool {
        let path = local_path(path);
        self.disk.find(&path).is_some_and(|node| self.is_ignored(&path, self.disk.entries(node).is_some()))
    }

    /// Whether something on the service was ignored locally while it was there.
    pub(crate) fn was_released(&self, path: &StoredPath, node: RemoteNode) -> bool {
        match node {
            RemoteNode::File(file) => self.released.contents.contains(&file.content),
            RemoteNode::Directory => self.released.directories.contains(path),
        }
    }

    /// Whether the rules that are on the disk now keep an entry, or a directory that it is in, out of it all.
    pub(crate) fn is_ignored(&self, path: &RelativePath, is_directory: bool) -> bool {
        let mut here = RelativePath::root();
        path.components().any(|component| {
            let Ok(name) = Name::new(component) else { return false };
            here = here.join(&name);
            self.is_ignored_itself(&here, is_directory || here != *path)
        })
    }

    fn is_ignored_itself(&self, path: &RelativePath, is_directory: bool) -> bool {
        let Some(name) = path.name() else { return false };
        let mut directory = path.parent();
        let mut is_here = true;
        while let Some(above) = directory {
            let matching = self.lines_in(&above).iter().rev().find(|line| {
                (line.name == "*" || line.name.as_bytes() == name.as_bytes())
                    && (is_directory || !line.only_directories)
                    && (is_here || !line.only_here)
            });
            if let Some(line) = matching {
                return !line.negated;
            }
            directory = above.parent();
            is_here = false;
        }
        false
    }

    fn lines_in(&self, directory: &RelativePath) -> &'static [Line] {
        let Ok(name) = Name::new(NAME.as_bytes()) else { return &[] };
        let Some(mut serial) = self.disk.find(&directory.join(&name)) else { return &[] };
        if let Body::Other(OtherKind::Symlink) = self.disk.inode(serial).body {
            let target = linked(directory, self.disk.link_target(serial));
            let Some(target) = target.and_then(|path| self.disk.find(&path)) else { return &[] };
            serial = target;
        }
        let Body::File(there) = &self.disk.inode(serial).body else { return &[] };
        (0..COUNT).find(|number| text(*number) == *there).map_or(&[], |number| FILES[usize::from(number)])
    }

    /// What has the name of rules and is none.
    pub(crate) fn broken_rules(&self) -> Vec<RelativePath> {
        let is_broken = |path: &RelativePath, serial: Serial| {
            if path.name().is_none_or(|name| name.as_bytes() != NAME.as_bytes()) {
                return false;
            }
            match &self.disk.inode(serial).body {
                Body::File(_) => false,
                Body::Directory(_) => true,
                Body::Other(_) => {
                    let target = linked(&path.parent().unwrap_or_default(), self.disk.link_target(serial));
                    let target = target.and_then(|path| self.disk.find(&path));
                    !target.is_some_and(|target| matches!(self.disk.inode(target).body, Body::File(_)))
                }
            }
        };
        self.disk
            .all()
            .into_iter()
            .filter(|(path, serial)| is_broken(path, *serial))
            .map(|(path, _)| path)
            .collect()
    }
}

/// Where a link leads; `None` if that is not in the folder.
fn linked(directory: &RelativePath, target: &str) -> Option<RelativePath> {
    let mut names: Vec<&[u8]> = directory.components().collect();
    for part in target.split('/') {
        match part {
            "" => return None,
            ".." => drop(names.pop()?),
            name => names.push(name.as_bytes()),
        }
    }
    RelativePath::parse(&names.join(&b'/')).ok()
}

/// Rules are about plain names, which are stored as they are.
pub(crate) fn local_path(path: &StoredPath) -> RelativePath {
    let names = path.names().iter().filter_map(|name| Name::new(name.as_str().as_bytes()).ok());
    names.fold(RelativePath::root(), |path, name| path.join(&name))
}
