//! The simulated Jottacloud behind the engine's seam: every call gives way, may fail before or after its
//! effect, and may find other devices at work.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jottad_core::{
    Content, DecodedName, File, FoldKey, Kind, Mode, Name, RelativePath, StoredName, StoredPath, Timestamp,
    decode_name, encode_name,
};
use jottad_engine::{
    ListedEntry, LocalContent, MoveAnswer, Remote, RemoteError, RemoteErrorKind, RemoteListing, RemoteNode,
    Sighted, StagedFile, is_source_changed,
};

use crate::disk_tree::Body;
use crate::refusals::Call;
use crate::remote_tree::{Refusal, RemoteItem};
use crate::text::Text;
use crate::world::{Shared, World};

/// How long an answer hangs, and how much longer at most.
const SHORTEST_HANG: Duration = Duration::from_secs(5);
const MORE_HANG: Duration = Duration::from_secs(55);
/// What changes something hangs so much more seldom than what only asks.
const WORK_HANGS: u16 = 4;

/// The service as one command sees it.
#[derive(Debug)]
pub(crate) struct SimulatedRemote {
    world: Shared,
    /// What the user had done locally when the command began.
    user_changes: u64,
    /// What the command saw when it looked last. What another device does after that cannot be known (U-48).
    looked: Mutex<Option<Seen>>,
    /// When it looked or listed last.
    looked_at: Mutex<Option<Duration>>,
}

/// What a look saw; nothing is an answer, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen(Option<RemoteNode>);

/// A recursive listing in progress.
#[derive(Debug)]
pub(crate) struct Listing {
    world: Shared,
    rest: std::collections::VecDeque<ListedEntry>,
    batch: usize,
    /// After so many more batches it breaks off.
    breaks_after: Option<u8>,
}

type Result<T> = std::result::Result<T, RemoteError>;

impl SimulatedRemote {
    /// The service for a command that begins now.
    pub(crate) fn new(world: Shared) -> Self {
        let user_changes = world.lock().user_changes;
        Self { world, user_changes, looked: Mutex::default(), looked_at: Mutex::default() }
    }

    fn note_look(&self, now: Duration) {
        *self.looked_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
    }

    /// One step: others move first, then chance may let the call fail without effect.
    async fn step<T>(&self, what: &str, act: impl FnOnce(&mut World) -> Result<T>) -> Result<T> {
        self.world.pause().await;
        let mut world = self.world.lock();
        world.fault(what)?;
        act(&mut world)
    }

    /// A step that only asks: the answer is about this moment, and may come much later.
    async fn ask<T>(&self, what: &str, act: impl FnOnce(&mut World) -> Result<T>) -> Result<T> {
        let answer = self.step(what, act).await;
        // That the tokens are no longer good is said at once.
        if !answer.as_ref().is_err_and(|error| error.kind == RemoteErrorKind::LoginNeeded) {
            self.hang(1).await;
        }
        answer
    }

    /// One upload.
    async fn send<C: LocalContent>(&self, path: &StoredPath, file: File, mut content: C) -> Result<()> {
        self.step("uploading", |world| {
            world.ask(Call::Upload, path)?;
            if world.weather.full {
                return Err(error(RemoteErrorKind::QuotaExceeded, "uploading", "the account is full"));
            }
            Ok(())
        })
        .await?;
        let mut bytes = Vec::new();
        loop {
            self.world.pause().await;
            let mut buffer = [0; 16];
            let read = content.read_at(bytes.len() as u64, &mut buffer).map_err(|cause| {
                let kind = if is_source_changed(&cause) {
                    RemoteErrorKind::SourceChanged
                } else {
                    RemoteErrorKind::SourceUnreadable
                };
                error(kind, "uploading", &cause.to_string())
            })?;
            if read == 0 {
                break;
            }
            bytes.extend_from_slice(&buffer[..read]);
            self.step("uploading", |_| Ok(())).await?;
        }
        let text = Text::of(bytes);
        if text.content() != file.content {
            return Err(error(RemoteErrorKind::SourceChanged, "uploading", "it is not what was hashed"));
        }
        let looked = *self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        self.change((Call::Upload, path), "uploading", |world| {
            let there = world.remote.find(path).map(RemoteItem::node);
            if let (Some(seen), Some(RemoteNode::File(file))) = (looked, there)
                && seen != Seen(there)
            {
                world.displaced.insert(file.content);
            }
            world
                .as_engine("uploading", |world| {
                    world.change_remote(|tree, now| tree.store(path, text, file.modified.seconds(), now))
                })
                .map_err(refusal("uploading"))
        })
        .await
    }

    /// Lets the answer hang, if chance will have it, or one in so many of such answers.
    async fn hang(&self, share: u16) {
        let until = self.world.lock().hangs_until(share);
        if let Some(until) = until {
            self.world.sleep_until(until).await;
        }
    }

    /// A step that changes something; the answer may be lost afterwards.
    async fn change<T>(
        &self,
        (call, path): (Call, &StoredPath),
        what: &str,
        act: impl FnOnce(&mut World) -> Result<T>,
    ) -> Result<T> {
        let result = self
            .step(what, |world| {
                // An upload was asked for when it began.
                if call != Call::Upload {
                    world.ask(call, path)?;
                }
                if !world.mode.pushes() {
                    world.violate(format!("{what} in a mode that never writes to the service"));
                }
                act(world)
            })
            .await?;
        self.world.pause().await;
        self.hang(WORK_HANGS).await;
        let lost = self.world.lock().fault(what);
        lost.map_err(|error| RemoteError { may_be_done: true, ..error })?;
        self.world.lock().answer(call, path)?;
        Ok(result)
    }
}

impl World {
    /// Until when an answer hangs that is ready now.
    fn hangs_until(&mut self, share: u16) -> Option<Duration> {
        let permille = self.knobs.hang_permille / share;
        if self.weather.calm || !self.chance(permille) {
            return None;
        }
        let until = self.monotonic + SHORTEST_HANG + MORE_HANG.mul_f32(self.random.f32());
        self.trace.note(format_args!("  an answer hangs until {until:?}"));
        Some(until)
    }

    /// Lets a call fail as the weather or chance will have it.
    fn fault(&mut self, what: &str) -> Result<()> {
        if self.weather.offline {
            return Err(error(RemoteErrorKind::Offline, what, "no network"));
        }
        if self.weather.logged_out {
            return Err(error(RemoteErrorKind::LoginNeeded, what, "log in again"));
        }
        let permille = self.knobs.remote_fault_permille;
        if self.weather.calm || !self.chance(permille) {
            return Ok(());
        }
        let kinds = [
            RemoteErrorKind::Unavailable,
            RemoteErrorKind::Unavailable,
            RemoteErrorKind::Offline,
            RemoteErrorKind::Offline,
            RemoteErrorKind::Refused,
            RemoteErrorKind::NotAllowed,
            RemoteErrorKind::Conflict,
        ];
        let kind = kinds[self.random.usize(0..kinds.len())];
        let mut fault = error(kind, what, "a simulated fault");
        if kind == RemoteErrorKind::Unavailable && self.random.bool() {
            fault.retry_after = Some(Duration::from_secs(self.random.u64(1..90)));
        }
        Err(fault)
    }

    /// Whether a person would agree that what is trashed on the service may go: the local side has given it
    /// up, or has it under another name.
    fn check_trash(
        &mut self,
        path: &StoredPath,
        gone: &[(StoredPath, Content)],
        user_changes: u64,
        looked_at: Option<Duration>,
    ) {
        if self.mode == Mode::Archive {
            self.violate(format!("archive trashed {path} on the service"));
        }
        // What another device puts there after the last look nobody can know (U-48), nor what no look at a
        // late service shows yet (U-38).
        let lag = Duration::from_millis(self.knobs.lag_milliseconds.into());
        let looked_at = looked_at.unwrap_or(self.monotonic);
        let is_unseen =
            |content: &Content| self.put_by_others.get(content).is_some_and(|at| looked_at <= *at + lag);
        let unseen: Vec<Content> =
            gone.iter().map(|(_, content)| *content).filter(|content| is_unseen(content)).collect();
        self.displaced.extend(&unseen);
        // What the user does between the last look and the request cannot be known.
        if self.user_changes != user_changes {
            return;
        }
        let mut local = BTreeSet::new();
        for (path, serial) in self.disk.all() {
            if let Body::File(text) = &self.disk.inode(serial).body {
                local.insert((path, text.content()));
            }
        }
        // The user may have put it where a disk is mounted over it by now. A disk without a lasting number is
        // not told from another one that is mounted in its place.
        let mut elsewhere = self.disk.hidden();
        if !self.knobs.has_birth_times {
            elsewhere.extend(self.disk.orphaned());
        }
        let mut elsewhere: BTreeSet<Content> = elsewhere.iter().map(Text::content).collect();
        // Another device may have saved the same under another name, which does not make it what the user
        // kept here. Where the local side wins that may be a revision by now.
        let mut live = self.contents_at(&StoredPath::root());
        if !self.mode.pulls() {
            live.extend(self.remote.revisions());
        }
        elsewhere.extend(live.into_iter().filter(|content| self.foreign.contains(content)));
        elsewhere.extend(unseen);
        for (below, content) in gone {
            let names = path.names().iter().chain(below.names());
            let here = local_path(names.clone());
            // Of what others have put there since, the user's word is not known.
            let is_removed_here = here
                .as_ref()
                .and_then(|here| self.removed_here.get(here))
                .is_some_and(|removed| removed.contains(content))
                && !self.put_there.contains(&StoredPath::new(names.cloned().collect()));
            // Of two local directories whose names are one to the service only one travels, and the other one
            // is told as a problem: what has left the first for the second has gone as far as can be known.
            if local.iter().any(|(path, held)| Some(path) == here.as_ref() && held == content)
                && !here.as_ref().is_some_and(|here| self.has_left_namesake(here))
            {
                self.violate(format!("{path} was trashed on the service, but is here: {below}"));
            } else if !self.given_up.contains(content)
                && !is_removed_here
                && !elsewhere.contains(content)
                && !local.iter().any(|(_, held)| held == content)
            {
                self.violate(format!(
                    "{path} was trashed on the service without evidence: {below} {content:?}"
                ));
            }
            if let Some(here) = here {
                self.waits_to_be_trashed.remove(&here);
                self.moved_away.remove(&here);
            }
        }
    }

    /// Whether what is trashed has one of jottad's own temporary names, and the local side has all of it:
    /// that is no delete that a person would have to agree to.
    fn is_left_over_from_a_move(&self, path: &StoredPath, gone: &[(StoredPath, Content)]) -> bool {
        let is_temporary = |name: &StoredName| name.as_str().starts_with(".jottad-moving-");
        let local: BTreeSet<Content> = self.disk.texts().iter().map(Text::content).collect();
        path.name().is_some_and(is_temporary) && gone.iter().all(|(_, content)| local.contains(content))
    }

    /// Whether a directory beside one that an entry is in has a name that is the same to the service, and
    /// does not hold the entry.
    fn has_left_namesake(&self, path: &RelativePath) -> bool {
        let names: Vec<Name> = path.components().filter_map(|name| Name::new(name).ok()).collect();
        let mut directory = RelativePath::root();
        for (depth, name) in names.iter().enumerate().take(names.len().saturating_sub(1)) {
            let key = FoldKey::of(&encode_name(name));
            let here = self.disk.find(&directory).and_then(|here| self.disk.entries(here));
            for (other, serial) in here.into_iter().flatten() {
                let rest =
                    names[depth + 1..].iter().fold(directory.join(other), |path, name| path.join(name));
                if other != name
                    && FoldKey::of(&encode_name(other)) == key
                    && self.disk.entries(*serial).is_some()
                    && self.disk.find(&rest).is_none()
                {
                    return true;
                }
            }
            directory = directory.join(name);
        }
        false
    }
}

fn local_path<'a>(names: impl Iterator<Item = &'a StoredName>) -> Option<RelativePath> {
    names.into_iter().try_fold(RelativePath::root(), |path, name| match decode_name(name) {
        DecodedName::Native(name) | DecodedName::Foreign(name) => Some(path.join(&name)),
        DecodedName::Unrepresentable(_) => None,
    })
}

fn error(kind: RemoteErrorKind, what: &str, why: &str) -> RemoteError {
    let may_be_done = matches!(kind, RemoteErrorKind::Offline | RemoteErrorKind::Unavailable);
    RemoteError { may_be_done, ..RemoteError::new(kind, format!("{what}: {why}")) }
}

fn refusal(what: &str) -> impl Fn(Refusal) -> RemoteError {
    move |refusal| match refusal {
        Refusal::Missing => error(RemoteErrorKind::NotFound, what, "nothing is there"),
        Refusal::Taken => error(RemoteErrorKind::Conflict, what, "something else is there"),
        Refusal::TooLong => error(RemoteErrorKind::Refused, what, "the name is too long"),
    }
}

impl Remote for SimulatedRemote {
    type Listing = Listing;

    async fn list_tree(&self, directory: &StoredPath) -> Result<Listing> {
        self.ask("listing", |world| {
            world.ask(Call::ListTree, directory)?;
            self.note_look(world.monotonic);
            let tree = world.listed_remote();
            let Some(entries) = tree.entries(directory) else {
                return Err(error(RemoteErrorKind::NotFound, "listing", "no such folder"));
            };
            let root_is_empty = entries.is_empty();
            let mut rest = std::collections::VecDeque::new();
            if root_is_empty && world.random.bool() {
                rest.push_back(ListedEntry { path: StoredPath::root(), node: RemoteNode::Directory });
            }
            for (path, node) in tree.walk(directory) {
                let is_implied = node == RemoteNode::Directory
                    && !world.knobs.announces_folders
                    && tree
                        .entries(
                            &directory
                                .names()
                                .iter()
                                .chain(path.names())
                                .cloned()
                                .fold(StoredPath::root(), |path, name| path.join(name)),
                        )
                        .is_some_and(|entries| {
                            entries.values().any(|(_, item)| matches!(**item, RemoteItem::File { .. }))
                        });
                if !is_implied {
                    rest.push_back(ListedEntry { path, node });
                }
            }
            let permille = world.knobs.listing_break_permille;
            let breaks = !world.weather.calm && world.chance(permille);
            Ok(Listing {
                world: self.world.clone(),
                rest,
                batch: world.knobs.listing_batch.max(1).into(),
                breaks_after: breaks.then(|| world.random.u8(0..3)),
            })
        })
        .await
    }

    async fn list_directory(&self, directory: &StoredPath) -> Result<Vec<(StoredName, RemoteNode)>> {
        self.ask("listing", |world| {
            world.ask(Call::ListDirectory, directory)?;
            let permille = world.knobs.listing_break_permille;
            if !world.weather.calm && world.chance(permille) {
                return Err(error(RemoteErrorKind::Incomplete, "listing", "it broke off"));
            }
            let tree = world.listed_remote();
            let entries = tree.entries(directory);
            let entries =
                entries.ok_or_else(|| error(RemoteErrorKind::NotFound, "listing", "no such folder"))?;
            Ok(entries.values().map(|(name, item)| (name.clone(), item.node())).collect())
        })
        .await
    }

    async fn look(&self, path: &StoredPath) -> Result<Option<Sighted>> {
        let look = |world: &mut World| {
            world.ask(Call::Look, path)?;
            self.note_look(world.monotonic);
            Ok(world.look(path))
        };
        let seen = self.ask("looking", look).await?;
        let node = seen.as_ref().map(|seen| seen.node);
        *self.looked.lock().unwrap_or_else(PoisonError::into_inner) = Some(Seen(node));
        Ok(seen)
    }

    async fn upload<C: LocalContent>(&self, path: &StoredPath, file: File, content: C) -> Result<()> {
        // Whoever ends the process in between hears no more of it either.
        let what = (path.clone(), file.content, file.modified.seconds());
        self.world.lock().maybe_sent.insert(what.clone());
        let sent = self.send(path, file, content).await;
        if !sent.as_ref().is_err_and(|error| error.may_be_done) {
            self.world.lock().maybe_sent.remove(&what);
        }
        sent
    }

    async fn download<S: StagedFile>(
        &self,
        path: &StoredPath,
        content: Content,
        staged: &mut S,
    ) -> Result<()> {
        let text = self
            .step("downloading", |world| {
                world.ask(Call::Download, path)?;
                match world.remote.find(path) {
                    Some(RemoteItem::File { text, .. }) if text.content() == content => Ok(text.clone()),
                    Some(_) => Err(error(RemoteErrorKind::Conflict, "downloading", "it changed")),
                    None => Err(error(RemoteErrorKind::NotFound, "downloading", "nothing is there")),
                }
            })
            .await?;
        for piece in text.bytes().chunks(16) {
            self.step("downloading", |_| Ok(())).await?;
            staged
                .write(piece)
                .map_err(|cause| error(RemoteErrorKind::StagingFailed, "downloading", &cause.to_string()))?;
        }
        Ok(())
    }

    async fn make_directory(&self, path: &StoredPath) -> Result<()> {
        self.change((Call::MakeDirectory, path), "making a folder", |world| {
            world.change_remote(|tree, now| tree.make_folder(path, now)).map_err(refusal("making a folder"))
        })
        .await
    }

    async fn trash(&self, path: &StoredPath, kind: Kind) -> Result<()> {
        self.change((Call::Trash, path), "trashing", |world| {
            match world.remote.find(path).map(|item| item.node().kind()) {
                None => return Ok(()),
                Some(there) if there != kind => return Err(refusal("trashing")(Refusal::Taken)),
                Some(_) => {}
            }
            let gone =
                world.as_engine("trashing", |world| world.change_remote(|tree, now| tree.trash(path, now)));
            let gone = gone.unwrap_or_default();
            let looked_at = *self.looked_at.lock().unwrap_or_else(PoisonError::into_inner);
            world.check_trash(path, &gone, self.user_changes, looked_at);
            if !world.is_left_over_from_a_move(path, &gone) {
                world.check_hold(gone.len());
            }
            Ok(())
        })
        .await
    }

    async fn move_entry(&self, from: &StoredPath, to: &StoredPath, kind: Kind) -> Result<MoveAnswer> {
        let is_late = self.world.lock().knobs.late_folders;
        if is_late {
            self.step("moving", |world| match world.look(to) {
                Some(_) => Err(refusal("moving")(Refusal::Taken)),
                None => Ok(()),
            })
            .await?;
        }
        let moved = self.change((Call::Move, from), "moving", |world| {
            if world.remote.find(from).is_some_and(|item| item.node().kind() != kind) {
                return Err(refusal("moving")(Refusal::Missing));
            }
            world
                .as_engine("moving", |world| world.change_remote(|tree, now| tree.rename(from, to, now)))
                .map_err(refusal("moving"))?;
            world.released.moved(from, to);
            if let Some(from) = local_path(from.names().iter()) {
                world.moved_away.retain(|path, _| !path.starts_with(&from));
            }
            Ok(())
        });
        let moved = moved.await;
        let is_in_doubt = moved.as_ref().is_err_and(|error| error.kind == RemoteErrorKind::Unavailable);
        if is_late && is_in_doubt {
            // The answer was lost, so both ends are looked at.
            let (source, target) =
                self.step("moving", |world| Ok((world.look(from), world.look(to)))).await?;
            if source.is_none() && target.is_some_and(|seen| seen.node.kind() == kind) {
                return Ok(MoveAnswer::SeemsDone);
            }
        }
        moved.map(|()| MoveAnswer::Done)
    }

    async fn set_modified(&self, path: &StoredPath, content: Content, modified: Timestamp) -> Result<()> {
        self.change((Call::SetTime, path), "setting a time", |world| match world.remote.find(path) {
            Some(RemoteItem::File { text, .. }) if text.content() == content => world
                .change_remote(|tree, now| tree.set_modified(path, modified.seconds(), now))
                .map_err(refusal("setting a time")),
            Some(_) => Err(refusal("setting a time")(Refusal::Taken)),
            None => Err(refusal("setting a time")(Refusal::Missing)),
        })
        .await
    }

    async fn change_stamp(&self) -> Result<String> {
        let stamp = |world: &mut World| {
            world.ask(Call::Stamp, &StoredPath::root())?;
            Ok(if world.knobs.empty_stamps { String::new() } else { world.remote.stamp() })
        };
        self.ask("asking for the stamp", stamp).await
    }
}

impl RemoteListing for Listing {
    async fn next_batch(&mut self) -> Result<Option<Vec<ListedEntry>>> {
        self.world.pause().await;
        self.world.lock().fault("listing")?;
        if let Some(left) = &mut self.breaks_after {
            if *left == 0 {
                return Err(error(RemoteErrorKind::Incomplete, "listing", "it broke off"));
            }
            *left -= 1;
        }
        if self.rest.is_empty() {
            return match self.breaks_after {
                Some(_) => Err(error(RemoteErrorKind::Incomplete, "listing", "the totals do not match")),
                None => Ok(None),
            };
        }
        let count = self.batch.min(self.rest.len());
        Ok(Some(self.rest.drain(..count).collect()))
    }
}
