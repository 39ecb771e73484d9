//! The emulator seen by a test: its tree, its counters, its switches and faults, and the hand of another
//! device.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Serialize;

use crate::act::{Act, PutState, Source};
use crate::address::Address;
use crate::faults::{Fault, RandomFaults};
use crate::refusal::Refusal;
use crate::service::{Counters, RequestRecord, Shared};
use crate::switches::{SwitchError, Switches};
use crate::times::Seconds;
use crate::world::content::{Content, generate, write_md5};
use crate::world::tree::{Entry, Folder, Revision, State as RevisionState};
use crate::world::{Facts, Found, World, write_uuid};

/// Access to a running emulator; clones lead to the same one.
#[derive(Clone)]
pub struct State {
    shared: Arc<Shared>,
}

/// What a [`TreeEntry`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TreeKind {
    /// A mountpoint.
    Mountpoint,
    /// A folder below a mountpoint.
    Folder,
    /// A file.
    File,
}

/// One entry of the account, live or trashed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TreeEntry {
    /// `DEVICE/MOUNTPOINT/path` with stored names.
    pub path: String,
    /// What it is.
    pub kind: TreeKind,
    /// Whether it is in the trash.
    pub deleted: bool,
    /// Bytes of the current revision; `None` for folders, and for files that were never complete.
    pub size: Option<u64>,
    /// MD5 of the current revision, as the service shows it.
    pub md5: Option<String>,
    /// Seconds since 1970.
    pub created: Option<i64>,
    /// Seconds since 1970.
    pub modified: Option<i64>,
    /// The number of the current revision.
    pub revision: Option<u64>,
    /// How many revisions are kept.
    pub revisions: usize,
    /// `COMPLETED`, or the state of the newest revision if none is complete.
    pub state: Option<&'static str>,
    /// The id of a file.
    pub uuid: Option<String>,
}

impl State {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Every mountpoint, folder and file of every device, parents first, ordered by name.
    pub fn tree(&self) -> Vec<TreeEntry> {
        let snapshot = self.shared.world().snapshot();
        let mut entries = Vec::new();
        for device in snapshot.devices.values() {
            describe(&device.root, &device.name, 1, &mut entries);
        }
        entries
    }

    /// The live entries below `path`, with paths relative to it.
    pub fn live_below(&self, path: &str) -> Vec<TreeEntry> {
        let prefix = format!("{}/", path.trim_matches('/'));
        let mut entries = self.tree();
        entries.retain_mut(|entry| match entry.path.strip_prefix(&prefix) {
            Some(rest) if !entry.deleted => {
                entry.path = rest.to_owned();
                true
            }
            _ => false,
        });
        entries
    }

    /// The entry at a path, live or trashed. The spelling may differ where the service takes it for the same.
    pub fn entry(&self, path: &str) -> Option<TreeEntry> {
        let address = Address::from_plain(path);
        let world = self.shared.world();
        let parent = world.spelled(&address.parent());
        let key = world.key(address.leaf());
        let entry = match world.find(&parent)? {
            Found::Device(device) => device.root.get(&key)?.clone(),
            Found::Folder(folder) => folder.get(&key)?.clone(),
            Found::File(_) => return None,
        };
        Some(describe_entry(&entry, &parent.plain(), parent.depth()))
    }

    /// The current content of a live file.
    pub fn content(&self, path: &str) -> Option<Bytes> {
        let world = self.shared.world();
        let file = world.live_file(&Address::from_plain(path))?;
        let content = file.current()?.content()?;
        content.read(0, usize::try_from(content.key.size).ok()?).ok()
    }

    /// The content of one revision of a file, live or trashed.
    pub fn revision_content(&self, path: &str, number: u64) -> Option<Bytes> {
        let world = self.shared.world();
        let file = world.file(&Address::from_plain(path))?;
        let revision = file.revisions.iter().find(|revision| revision.number == number)?;
        let content = revision.content()?;
        content.read(0, usize::try_from(content.key.size).ok()?).ok()
    }

    /// Whether content with this MD5 (lower case) can still be had from anywhere: a live file, the trash, an
    /// older revision. This is what "nothing was lost" means.
    pub fn holds_content(&self, md5: &str) -> bool {
        let snapshot = self.shared.world().snapshot();
        snapshot.devices.values().any(|device| holds(&device.root, md5))
    }

    /// What was asked since the start or the last reset.
    pub fn counters(&self) -> Counters {
        self.shared.recorder.counters()
    }

    /// The last requests, oldest first, up to 20,000.
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.shared.recorder.records()
    }

    /// Sets all counters to zero and forgets the requests.
    pub fn reset_counters(&self) {
        self.shared.recorder.reset();
    }

    /// The answers that hold now.
    pub fn switches(&self) -> Switches {
        self.shared.world().switches
    }

    /// Changes all answers.
    pub fn set_switches(&self, switches: Switches) -> Result<(), SwitchError> {
        self.shared.world().set_switches(switches)
    }

    /// Changes one answer: `U02`, `every-folder`.
    pub fn set_switch(&self, id: &str, answer: &str) -> Result<(), SwitchError> {
        let mut world = self.shared.world();
        let mut switches = world.switches;
        switches.set(id, answer)?;
        world.set_switches(switches)
    }

    /// Adds a fault after those that wait already.
    pub fn add_fault(&self, fault: Fault) {
        self.shared.faults().scripted.push_back(fault);
    }

    /// How many scripted faults still wait for a request.
    pub fn waiting_faults(&self) -> usize {
        self.shared.faults().scripted.len()
    }

    /// Sets the rates of random faults.
    pub fn set_random_faults(&self, random: RandomFaults) {
        self.shared.faults().random = random;
    }

    /// Ends all faults, scripted and random, and releases what hangs.
    pub fn clear_faults(&self) {
        {
            let mut faults = self.shared.faults();
            faults.scripted.clear();
            faults.random = RandomFaults::default();
        }
        self.release();
    }

    /// Lets requests that hang go on.
    pub fn release(&self) {
        self.shared.released.notify_waiters();
    }

    /// How often each event is sent: 0 loses it, 2 repeats it.
    pub fn set_event_copies(&self, copies: u8) {
        self.shared.world().event_copies = copies;
    }

    /// How many event streams are open.
    pub fn event_streams(&self) -> usize {
        self.shared.world().event_streams()
    }

    /// Ends all event streams without a word.
    pub fn cut_event_streams(&self) {
        self.shared.world().cut_event_streams();
    }

    /// How long each request waits.
    pub fn set_latency(&self, latency: Duration) {
        self.shared.set_latency(latency);
    }

    /// Does something as another device of the account would.
    pub fn act(&self, act: &Act) -> Result<(), Refusal> {
        perform(&mut self.shared.world(), act)
    }

    /// A fresh personal login token, good for one login by the base URL.
    pub fn login_token(&self) -> String {
        self.shared.tokens().login_token(self.shared.base_url(), "jottacloud")
    }

    /// A fresh personal login token for a client behind the proxy: it leads to the service's own host name.
    pub fn login_token_for(&self, host: &str, realm: &str) -> String {
        self.shared.tokens().login_token(&format!("https://{host}"), realm)
    }

    /// Makes all access tokens expire now.
    pub fn expire_access_tokens(&self) {
        self.shared.tokens().expire_access();
    }

    /// Ends all sessions: access tokens live on until they expire, refreshing fails.
    pub fn revoke_sessions(&self) {
        self.shared.tokens().revoke_sessions();
    }

    /// How long access tokens live that are given out from now on.
    pub fn set_access_lifetime(&self, lifetime: Duration) {
        self.shared.tokens().rules.access_lifetime = lifetime;
    }

    /// Chooses how far behind listings are under `read-after-write`, instead of five seconds.
    pub fn set_listing_lag(&self, lag: Duration) {
        self.shared.world().listing_lag = lag;
    }

    /// Sets the capacity in bytes; `None` is unlimited.
    pub fn set_capacity(&self, capacity: Option<u64>) {
        self.shared.world().account.capacity = capacity;
    }

    /// Bytes that count towards the capacity.
    pub fn usage(&self) -> u64 {
        self.shared.world().usage()
    }

    /// Locks or unlocks the account for reading and for writing.
    pub fn set_locks(&self, read_locked: bool, write_locked: bool) {
        let mut world = self.shared.world();
        world.account.read_locked = read_locked;
        world.account.write_locked = write_locked;
    }

    /// Puts the service's clock ahead by so many seconds (negative: back). What was trashed 30 days before
    /// the clock's new time is purged, as the service does on its own.
    pub fn advance_clock(&self, seconds: i64) {
        let mut world = self.shared.world();
        world.clock_offset += seconds;
        let until = world.now() - 30 * 24 * 3600;
        world.purge_trash(until);
    }
}

fn describe(folder: &Folder, parent: &str, depth: usize, entries: &mut Vec<TreeEntry>) {
    for entry in folder.children() {
        let described = describe_entry(entry, parent, depth);
        let path = described.path.clone();
        entries.push(described);
        if let Entry::Folder(child) = entry {
            describe(child, &path, depth + 1, entries);
        }
    }
}

fn describe_entry(entry: &Entry, parent: &str, parent_depth: usize) -> TreeEntry {
    let mut described = TreeEntry {
        path: format!("{parent}/{}", entry.name()),
        kind: if parent_depth == 1 { TreeKind::Mountpoint } else { TreeKind::Folder },
        deleted: !entry.is_live(),
        size: None,
        md5: None,
        created: None,
        modified: None,
        revision: None,
        revisions: 0,
        state: None,
        uuid: None,
    };
    if let Entry::File(file) = entry {
        described.kind = TreeKind::File;
        described.revisions = file.revisions.len();
        described.uuid = Some(write_uuid(file.uuid));
        described.state = file.latest().map(Revision::state_name);
        if let Some(current) = file.current() {
            described.state = Some(current.state_name());
            described.size = Some(current.key.size);
            described.md5 = Some(current.md5.to_string());
            described.created = Some(current.created);
            described.modified = Some(current.modified);
            described.revision = Some(current.number);
        }
    }
    described
}

fn holds(folder: &Folder, md5: &str) -> bool {
    folder.children().any(|entry| match entry {
        Entry::Folder(child) => holds(child, md5),
        Entry::File(file) => file
            .revisions
            .iter()
            .any(|revision| revision.is_completed() && revision.md5.eq_ignore_ascii_case(md5)),
    })
}

/// Performs one act of another device.
pub(crate) fn perform(world: &mut World, act: &Act) -> Result<(), Refusal> {
    let actor = std::mem::replace(&mut world.actor, "OTHER");
    let result = perform_as_other(world, act);
    world.actor = actor;
    result
}

fn perform_as_other(world: &mut World, act: &Act) -> Result<(), Refusal> {
    match act {
        Act::Put { path, content, modified, created, state } => {
            let modified = modified.unwrap_or_else(|| world.now());
            let address = Address::from_plain(path);
            let content = make_content(world, content)?;
            put(world, &address, content, (created.unwrap_or(modified), modified), *state)
        }
        Act::Populate { path, files, per_folder, size, modified } => {
            let modified = modified.unwrap_or_else(|| world.now());
            world.populate(&Address::from_plain(path), *files, *per_folder, *size, modified)
        }
        Act::Mkdir { path } => world.make_folder(&Address::from_plain(path)),
        Act::Delete { path } => {
            let address = Address::from_plain(path);
            match world.find(&address) {
                None => Err(world.missing(&address)),
                Some(Found::File(_)) => world.trash_file(&address),
                Some(_) => world.trash_folder(&address),
            }
        }
        Act::Remove { path } => {
            let address = Address::from_plain(path);
            match world.find(&address) {
                Some(Found::Folder(_)) if address.depth() == 2 => world.remove_mountpoint(&address),
                Some(Found::Folder(_)) => world.remove_folder(&address),
                _ => world.remove_file(&address),
            }
        }
        Act::Move { from, to } => {
            let (from, to) = (Address::from_plain(from), Address::from_plain(to));
            match world.find(&from) {
                Some(Found::Folder(_)) => world.move_folder(&from, &to),
                _ => world.move_file(&from, &to),
            }
        }
        Act::Touch { path, modified } => {
            let address = Address::from_plain(path);
            let file = world.live_file(&address).and_then(|file| file.current());
            let current = file.ok_or_else(|| world.missing(&address))?;
            let facts = Facts {
                md5: current.md5.to_string(),
                key: current.key,
                created: current.created,
                modified: *modified,
            };
            world.match_hash(&address, &facts)
        }
        Act::Restore { path } => world.restore(&Address::from_plain(path)),
        Act::PurgeTrash => {
            world.purge_trash(Seconds::MAX);
            Ok(())
        }
    }
}

fn make_content(world: &mut World, source: &Source) -> Result<Arc<Content>, Refusal> {
    match source {
        Source::Text { text } => Ok(world.add_bytes(Bytes::from(text.clone()))),
        Source::Base64 { base64 } => {
            let bytes =
                STANDARD.decode(base64).map_err(|error| Refusal::invalid(format!("base64: {error}")))?;
            Ok(world.add_bytes(bytes.into()))
        }
        Source::Random { size, seed } => {
            let mut spool = world.contents.spool(0);
            generate(*seed, *size, |piece| spool.push(piece))
                .map_err(|error| Refusal::new(507, "StorageException", error.to_string()))?;
            Ok(world.contents.add(spool.take(), false))
        }
    }
}

fn put(
    world: &mut World,
    address: &Address,
    content: Arc<Content>,
    (created, modified): (Seconds, Seconds),
    state: PutState,
) -> Result<(), Refusal> {
    let facts = Facts { md5: write_md5(content.key.md5), key: content.key, created, modified };
    let state = match state {
        PutState::Completed => RevisionState::Completed(content),
        PutState::Corrupt => RevisionState::Corrupt,
        PutState::Incomplete => {
            let spool = world.contents.spool(world.now());
            RevisionState::Incomplete(Arc::new(std::sync::Mutex::new(spool)))
        }
    };
    world.write(address, &facts, state)
}
