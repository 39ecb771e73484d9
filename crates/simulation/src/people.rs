//! The people of the world: a user at the local side and another device on the service.

use jottad_core::{Content, RelativePath, Side, StoredPath};
use jottad_engine::{LocalHint, OtherKind, RemoteNode};

use crate::disk_tree::{Body, Serial};
use crate::remote_tree::RemoteItem;
use crate::rule_files;
use crate::scenario::{Act, Hints};
use crate::text::Text;
use crate::world::World;

/// Paths in scenarios are constants.
fn local(path: &str) -> RelativePath {
    RelativePath::parse(path.as_bytes()).unwrap_or_default()
}

fn remote(path: &str) -> StoredPath {
    World::stored(&local(path))
}

impl World {
    /// Lets people do something. Acts that are for the process or for jottad itself are not theirs.
    pub(crate) fn let_people(&mut self, act: &Act) {
        let before = self.remote.version;
        self.let_one(act);
        if act.is_remote() && self.remote.version != before {
            self.others_changed = Some(self.monotonic);
        }
    }

    fn let_one(&mut self, act: &Act) {
        match *act {
            Act::RemoteWrite(path, number) => self.write_remotely(&remote(path), Text::numbered(number)),
            Act::RemoteWriteRules(path, number) => {
                self.write_remotely(&remote(path), rule_files::text(number));
            }
            Act::RemoteTouch(path, seconds) => {
                let path = remote(path);
                let modified = self.service_seconds() + i64::from(seconds);
                self.mark_foreign(&path);
                // What is missing cannot be touched.
                let _ = self.change_remote(|tree, now| tree.set_modified(&path, modified, now));
            }
            Act::RemoteRemove(path) => self.remove_remotely(&remote(path)),
            Act::RemoteMakeFolder(path) => {
                let _ = self.change_remote(|tree, now| tree.make_folder(&remote(path), now));
            }
            Act::RemoteRename(from, to) => {
                let (from, to) = (remote(from), remote(to));
                self.mark_foreign(&from);
                if self.change_remote(|tree, now| tree.rename(&from, &to, now)).is_ok() {
                    self.note_put(&to);
                }
            }
            Act::RemoteRespell(from, to) => {
                let (from, to) = (remote(from), remote(to));
                self.mark_foreign(&from);
                if let Some(name) = to.name().cloned()
                    && self.change_remote(|tree, now| tree.respell(&from, name, now)).is_ok()
                {
                    self.note_put(&to);
                }
            }
            Act::AccountFull(full) => self.weather.full = full,
            Act::Offline(offline) => self.weather.offline = offline,
            Act::LogOut => self.weather.logged_out = true,
            Act::LogIn => self.weather.logged_out = false,
            Act::Full(full) => self.weather.no_space = full,
            Act::Unmount | Act::MoveRoot(true) if !self.root_was_seen => {}
            Act::Unmount | Act::Mount => {
                self.disk.is_mounted = *act == Act::Mount;
                self.root_went = self.root_went.filter(|_| !self.disk.is_mounted);
                self.hint(LocalHint::Root);
            }
            Act::MoveRoot(is_away) => {
                self.root_went = is_away.then_some(self.monotonic).filter(|_| self.disk.is_mounted);
                self.disk.is_mounted = !is_away;
            }
            Act::SetClock(seconds) => self.clock_jump += i64::from(seconds),
            _ => self.let_user(act),
        }
    }

    /// The user saves a file that jottad is at work on, or one in a directory that it is.
    pub(crate) fn save_at_work(&mut self, path: &RelativePath, number: u32) {
        if !self.disk.is_mounted {
            return;
        }
        let now = self.tick();
        let is_directory = self.disk.find(path).is_some_and(|serial| self.disk.entries(serial).is_some());
        let name = jottad_core::Name::new(*b"a").ok().filter(|_| is_directory);
        let path = name.map_or_else(|| path.clone(), |name| path.join(&name));
        self.save(&path, Text::numbered(number), None, now);
    }

    fn let_user(&mut self, act: &Act) {
        if !self.disk.is_mounted {
            return;
        }
        let now = self.tick();
        match *act {
            Act::Write(path, number) => self.save(&local(path), Text::numbered(number), None, now),
            Act::WriteRules(path, number) => {
                self.released.is_possible = true;
                self.save(&local(path), rule_files::text(number), None, now);
            }
            Act::LinkRules(path, target) => self.link_rules(&local(path), target, now),
            Act::WriteWithOldTime(path, number) => {
                let path = local(path);
                let modified = self.disk.find(&path).map(|serial| self.disk.inode(serial).modified);
                self.save(&path, Text::numbered(number), modified, now);
            }
            Act::Replace(path, number) => {
                let path = local(path);
                let held = self.file_at(&path).map(|serial| self.disk.inode(serial).body.clone());
                if held.is_some_and(|held| held != Body::File(Text::numbered(number))) {
                    self.give_up(&path);
                    self.disk.remove(&path, now);
                    self.save(&path, Text::numbered(number), None, now);
                }
            }
            Act::Touch(path, seconds) => {
                let path = local(path);
                if let Some(serial) = self.file_at(&path) {
                    let modified = now + i64::from(seconds) * 1_000_000_000;
                    self.disk.set_modified(serial, modified, now);
                    self.changed_locally(&path);
                }
            }
            Act::Remove(path) => self.remove_locally(&local(path), now),
            Act::MakeDirectory(path) => self.make_directories(&local(path), now),
            Act::MountBelow(path) => {
                let path = local(path);
                self.make_directories(&path, now);
                self.disk.mount_below(&path, now);
                self.hint(LocalHint::Subtree(path));
            }
            Act::UnmountBelow(path) => {
                let path = local(path);
                self.disk.unmount_below(&path);
                self.hint(LocalHint::Subtree(path));
            }
            Act::Rename(from, to) => self.rename_locally(&local(from), &local(to), now),
            Act::Swap(one, other) => {
                let (one, other, aside) = (local(one), local(other), local("aside"));
                if !one.starts_with(&other) && !other.starts_with(&one) && self.disk.find(&other).is_some() {
                    self.rename_locally(&one, &aside, now);
                    self.rename_locally(&other, &one, now);
                    self.rename_locally(&aside, &other, now);
                }
            }
            Act::Link(from, to) => {
                let (from, to) = (local(from), local(to));
                if self.disk.link(&from, &to, now) {
                    self.changed_locally(&from);
                    self.changed_locally(&to);
                }
            }
            Act::Symlink(path) => {
                let path = local(path);
                if self.disk.make(&path, Body::Other(OtherKind::Symlink), now).is_some() {
                    self.changed_locally(&path);
                }
            }
            Act::Lock(path) | Act::Unlock(path) => {
                let path = local(path);
                if let Some(serial) = self.disk.find(&path) {
                    self.disk.set_readable(serial, matches!(act, Act::Unlock(_)), now);
                    self.changed_locally(&path);
                }
            }
            _ => {}
        }
        self.note_ignored();
    }

    fn file_at(&self, path: &RelativePath) -> Option<Serial> {
        self.disk.find(path).filter(|serial| matches!(self.disk.inode(*serial).body, Body::File(_)))
    }

    fn save(&mut self, path: &RelativePath, text: Text, modified: Option<i64>, now: i64) {
        if let Some(parent) = path.parent() {
            self.make_directories(&parent, now);
        }
        let content = text.content();
        let held = self.file_at(path).map(|serial| self.disk.inode(serial).body.clone());
        // To save once more what is there changes nothing: if another device gave it up, it is given up. Nor
        // does it where that was removed locally in between, or replaced by what never reached the service:
        // nobody may have seen that.
        let was_seen = match &held {
            Some(Body::File(held)) => self.has_been_there(path, held),
            _ => held.is_some(),
        };
        let is_back = !was_seen
            && self.removed_here.get(path).is_some_and(|removed| removed.contains(&content))
            && self.removed_by_others.contains(&content);
        let is_other = held != Some(Body::File(text.clone()));
        let is_new = is_other && !is_back;
        let serial = match self.disk.find(path) {
            None => self.disk.make(path, Body::File(text), now),
            Some(_) => self.file_at(path).inspect(|serial| {
                if is_other {
                    self.give_up(path);
                }
                self.disk.write(*serial, text, now);
            }),
        };
        let Some(serial) = serial else { return };
        self.moved_away.remove(path);
        if let Some(modified) = modified {
            self.disk.set_modified(serial, modified, now);
        }
        if is_new {
            self.saved.insert(content, Side::Local);
            self.given_up.remove(&content);
        }
        self.changed_locally(path);
    }

    /// Whether the service has or had a file's content at just this place: what it has at another one says
    /// nothing of this one.
    fn has_been_there(&self, path: &RelativePath, text: &Text) -> bool {
        self.been_there.contains(&(Self::stored(path), text.content()))
    }

    /// The user, or a program that manages such files, puts a link where the rules are.
    fn link_rules(&mut self, path: &RelativePath, target: &'static str, now: i64) {
        self.released.is_possible = true;
        if self.disk.holds_mount(path) {
            return;
        }
        self.make_directories(&path.parent().unwrap_or_default(), now);
        self.give_up(path);
        self.disk.remove(path, now);
        if self.disk.make_link(path, target, now) {
            self.changed_locally(path);
        }
    }

    /// The user removes the links that lead to no rules; tells whether there was one.
    pub(crate) fn mend_rules(&mut self) -> bool {
        let broken = self.broken_rules();
        if broken.is_empty() {
            return false;
        }
        let now = self.tick();
        for path in &broken {
            self.disk.remove(path, now);
            self.changed_locally(path);
        }
        true
    }

    fn make_directories(&mut self, path: &RelativePath, now: i64) {
        if path.is_root() || self.disk.find(path).is_some() {
            return;
        }
        if let Some(parent) = path.parent() {
            self.make_directories(&parent, now);
        }
        if self.disk.make_directory(path, now).is_some() {
            self.changed_locally(path);
        }
    }

    fn rename_locally(&mut self, from: &RelativePath, to: &RelativePath, now: i64) {
        let file_system = |path: &RelativePath| self.disk.file_system(&path.parent().unwrap_or_default());
        if file_system(from) != file_system(to) {
            return;
        }
        let over = self.file_at(to).is_some() && self.file_at(from).is_some();
        let leaving = self.files_as_on_service(from);
        let done = if over {
            let is_same = self.disk.find(from) == self.disk.find(to);
            if from != to && !is_same {
                self.give_up(to);
            }
            self.disk.rename_over(from, to, now)
        } else {
            self.disk.rename(from, to, now)
        };
        if done {
            self.moved_away.extend(leaving);
            self.moved_away.retain(|path, _| !path.starts_with(to));
            self.changed_locally(from);
            self.changed_locally(to);
        }
    }

    /// The files at a path and below it that the service has just so at the same place.
    fn files_as_on_service(&self, path: &RelativePath) -> Vec<(RelativePath, Content)> {
        let Some(top) = self.disk.find(path) else { return Vec::new() };
        let below = std::iter::once((RelativePath::root(), top)).chain(self.disk.walk(top));
        let files = below.filter_map(|(below, serial)| match &self.disk.inode(serial).body {
            Body::File(text) => {
                Some((below.rebase(&RelativePath::root(), path).unwrap_or(below), text.content()))
            }
            _ => None,
        });
        let is_there = |(path, content): &(RelativePath, Content)| {
            let there = self.remote.find(&Self::stored(path)).map(RemoteItem::node);
            matches!(there, Some(RemoteNode::File(file)) if file.content == *content)
        };
        files.filter(is_there).collect()
    }

    /// The user sees what is local and lets it go.
    fn give_up(&mut self, path: &RelativePath) {
        let Some(top) = self.disk.find(path) else { return };
        for (below, serial) in std::iter::once((RelativePath::root(), top)).chain(self.disk.walk(top)) {
            if let Body::File(text) = &self.disk.inode(serial).body {
                self.given_up.insert(text.content());
                let path = below.rebase(&RelativePath::root(), path).unwrap_or(below);
                let was_on_service = self.has_been_there(&path, text);
                let there = self.remote.find(&Self::stored(&path)).map(RemoteItem::node);
                if let Some(RemoteNode::File(file)) = there
                    && file.content == text.content()
                {
                    self.waits_to_be_trashed.insert(path.clone(), file.content);
                    self.agreed_before.insert(path.clone(), file.content);
                }
                let removed = self.removed_here.entry(path).or_default();
                if was_on_service {
                    removed.clear();
                }
                removed.push(text.content());
            }
        }
    }

    fn changed_locally(&mut self, path: &RelativePath) {
        self.user_changes += 1;
        let is_directory = self.disk.find(path).is_some_and(|serial| self.disk.entries(serial).is_some());
        if is_directory {
            self.hint(LocalHint::Subtree(path.clone()));
        }
        self.hint(LocalHint::Directory(path.parent().unwrap_or_default()));
    }

    fn hint(&mut self, hint: LocalHint) {
        let is_lost = self.knobs.hints == Hints::Some && self.chance(500);
        match self.knobs.hints {
            Hints::Overflow => self.hints.push(LocalHint::Subtree(RelativePath::root())),
            Hints::All | Hints::Some if !is_lost => self.hints.push(hint),
            Hints::All | Hints::Some => {}
        }
    }

    fn write_remotely(&mut self, path: &StoredPath, text: Text) {
        let content = text.content();
        // To save once more what is there changes nothing: if the user gave it up, it is given up.
        let held = self.remote.find(path).map(RemoteItem::node);
        let is_other = !matches!(held, Some(RemoteNode::File(file)) if file.content == content);
        // Nor does it to put back what both sides had before one of them changed it: nobody who compares what
        // they have with what they had can tell.
        let is_back = self.agreed_before.get(&rule_files::local_path(path)) == Some(&content);
        let is_new = is_other && !is_back;
        if is_other {
            self.give_up_remotely(path);
        }
        let modified = self.service_seconds();
        if self.change_remote(|tree, now| tree.store(path, text, modified, now)).is_ok() {
            self.foreign.insert(content);
            self.put_by_others.insert(content, self.monotonic);
            // Nobody who compares both sides can tell what was put back as it was from what was never
            // changed: it goes to the trash for having been removed here, as the path rules say, whatever its
            // time.
            if self.is_back_as_it_was_removed_here(path)
                || self.is_back_as_it_was_moved_away(path)
                || self.is_as_it_was_removed_unheard(path)
                || self.may_be_what_was_sent(path, modified)
            {
                self.given_up.insert(content);
                return;
            }
            self.note_put(path);
            if is_new {
                self.saved.insert(content, Side::Remote);
                self.given_up.remove(&content);
            }
        }
    }

    /// The user deletes an entry with all below it.
    pub(crate) fn remove_locally(&mut self, path: &RelativePath, now: i64) {
        if self.disk.holds_mount(path) {
            return;
        }
        self.give_up(path);
        if self.disk.remove(path, now) {
            self.changed_locally(path);
        }
    }

    fn remove_remotely(&mut self, path: &StoredPath) {
        if path.is_root() {
            return;
        }
        self.give_up_remotely(path);
        self.change_remote(|tree, now| tree.trash(path, now));
    }

    fn give_up_remotely(&mut self, path: &StoredPath) {
        let agreed = self.files_as_on_service(&rule_files::local_path(path));
        self.agreed_before.extend(agreed);
        let contents = self.contents_at(path);
        self.removed_by_others.extend(&contents);
        self.given_up.extend(contents);
    }

    fn is_back_as_it_was_removed_here(&self, path: &StoredPath) -> bool {
        let Some(RemoteNode::File(file)) = self.remote.find(path).map(RemoteItem::node) else { return false };
        self.waits_to_be_trashed.get(&rule_files::local_path(path)) == Some(&file.content)
    }

    /// The same of what the user moved away from there, and has nowhere any more.
    fn is_back_as_it_was_moved_away(&self, path: &StoredPath) -> bool {
        let Some(RemoteNode::File(file)) = self.remote.find(path).map(RemoteItem::node) else { return false };
        self.moved_away.get(&rule_files::local_path(path)) == Some(&file.content)
            && !self.disk.texts().iter().any(|text| text.content() == file.content)
    }

    /// The same of what the service never had, where the watcher may have told nobody that it was removed
    /// here: both sides seem to have it, and then it is found to be removed.
    fn is_as_it_was_removed_unheard(&self, path: &StoredPath) -> bool {
        let Some(RemoteNode::File(file)) = self.remote.find(path).map(RemoteItem::node) else { return false };
        let here = rule_files::local_path(path);
        self.knobs.hints == Hints::Some
            && self.removed_here.get(&here).is_some_and(|removed| removed.contains(&file.content))
            && self.disk.find(&here).is_none()
    }

    /// Whether jottad sent just this to this very place, with this time, and nobody heard whether it arrived,
    /// and the user has removed it here since: what another device saves there cannot be told from it by
    /// anybody.
    fn may_be_what_was_sent(&self, path: &StoredPath, modified: i64) -> bool {
        let Some(RemoteNode::File(file)) = self.remote.find(path).map(RemoteItem::node) else { return false };
        let here = rule_files::local_path(path);
        self.maybe_sent.contains(&(path.clone(), file.content, modified))
            && self.removed_here.get(&here).is_some_and(|removed| removed.contains(&file.content))
            && self.disk.find(&here).is_none()
    }

    fn note_put(&mut self, path: &StoredPath) {
        let below = self.remote.walk(path).into_iter();
        let below = below
            .map(|(below, _)| below.names().iter().cloned().fold(path.clone(), |path, name| path.join(name)));
        self.put_there.extend(std::iter::once(path.clone()).chain(below));
    }

    fn mark_foreign(&mut self, path: &StoredPath) {
        let contents = self.contents_at(path);
        self.foreign.extend(contents);
    }

    pub(crate) fn contents_at(&self, path: &StoredPath) -> Vec<jottad_core::Content> {
        let here = self.remote.find(path).map(RemoteItem::node);
        let below = self.remote.walk(path).into_iter().map(|(_, node)| node);
        here.into_iter()
            .chain(below)
            .filter_map(|node| match node {
                RemoteNode::File(file) => Some(file.content),
                RemoteNode::Directory => None,
            })
            .collect()
    }
}
