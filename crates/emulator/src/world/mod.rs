//! The account as the service holds it, and what may be done to it. No HTTP here, and no waiting: one lock
//! around it makes every request atomic.

mod allocate;
mod commands;
pub(crate) mod content;
mod devices;
mod events;
mod lookup;
mod populate;
mod trash;
pub(crate) mod tree;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tokio::sync::broadcast;

pub(crate) use allocate::{Allocation, Facts, Uploading};
pub(crate) use devices::Device;
pub(crate) use events::{Event, write_uuid};
pub(crate) use lookup::{Found, Snapshot, special_mountpoint};

use crate::address::{Address, name_key};
use crate::config::Account;
use crate::refusal::Refusal;
use crate::switches::{ContainerModified, ReadAfterWrite, RevisionLimit, SwitchError, Switches, TrashUsage};
use crate::times::Seconds;
use content::{Content, Contents};
use tree::{Entry, Folder, Revision, State};

/// So many events a slow listener may be behind before it loses some.
const EVENTS_KEPT: usize = 4096;

/// Views that look like mountpoints of the device `Jotta` (protocol 3.5).
pub(crate) const SPECIAL_MOUNTPOINTS: [&str; 4] = ["Trash", "Links", "Latest", "Shared"];

/// How far behind a delayed or stale listing is, unless it is chosen.
const LISTING_LAG: Duration = Duration::from_secs(5);

/// Everything the service knows.
pub(crate) struct World {
    pub(crate) account: Account,
    pub(crate) switches: Switches,
    /// Seconds that the service's clock is ahead of this machine's.
    pub(crate) clock_offset: Seconds,
    pub(crate) contents: Contents,
    pub(crate) random: fastrand::Rng,
    devices: BTreeMap<Box<str>, Device>,
    uploads: HashMap<String, allocate::Upload>,
    events: broadcast::Sender<Event>,
    /// How often each event is sent: 0 loses it, 2 repeats it.
    pub(crate) event_copies: u8,
    /// Snapshots from before each write, while `read-after-write` needs them.
    history: VecDeque<(Instant, Snapshot)>,
    /// How far behind a delayed or stale listing is.
    pub(crate) listing_lag: Duration,
    /// Counts listings, to send every other one to the stale node.
    listings: u64,
    /// Who acts: the name that events carry.
    pub(crate) actor: &'static str,
}

impl World {
    pub(crate) fn new(account: Account, switches: Switches, seed: u64) -> Self {
        let mut world = Self {
            account,
            switches,
            clock_offset: 0,
            contents: Contents::default(),
            random: fastrand::Rng::with_seed(seed),
            devices: BTreeMap::new(),
            uploads: HashMap::new(),
            events: broadcast::channel(EVENTS_KEPT).0,
            event_copies: 1,
            history: VecDeque::new(),
            listing_lag: LISTING_LAG,
            listings: 0,
            actor: "CLIENT",
        };
        world.add_built_in_device();
        world
    }

    /// The service's time.
    pub(crate) fn now(&self) -> Seconds {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Seconds::try_from(elapsed.as_secs()).unwrap_or_default() + self.clock_offset
    }

    pub(crate) fn key(&self, name: &str) -> Box<str> {
        name_key(name, &self.switches)
    }

    pub(crate) fn keys(&self, parts: &[String]) -> Vec<Box<str>> {
        parts.iter().map(|part| self.key(part)).collect()
    }

    pub(crate) fn path(&self, address: &Address) -> String {
        address.absolute(&self.account.username)
    }

    /// Bytes that count towards the quota.
    pub(crate) fn usage(&self) -> u64 {
        self.devices
            .values()
            .map(|device| device.root.totals())
            .map(|sums| {
                let trashed = match self.switches.trash_usage {
                    TrashUsage::Counts => sums.trashed,
                    TrashUsage::Free => 0,
                };
                sums.live + sums.old + trashed
            })
            .sum()
    }

    /// Changes the answers; names may not become equal by it.
    pub(crate) fn set_switches(&mut self, switches: Switches) -> Result<(), SwitchError> {
        let key = |name: &str| name_key(name, &switches);
        let mut devices = BTreeMap::new();
        for device in self.devices.values() {
            let root = device.root.rekey(&key).map_err(SwitchError::NamesCollide)?;
            devices.insert(key(&device.name), Device { root: Arc::new(root), ..device.clone() });
        }
        self.devices = devices;
        self.switches = switches;
        self.history.clear();
        Ok(())
    }

    /// What a reader of a listing sees now: the present, or a little of the past.
    pub(crate) fn snapshot_for_listing(&mut self) -> Snapshot {
        self.listings += 1;
        let stale = match self.switches.read_after_write {
            ReadAfterWrite::Immediate => false,
            ReadAfterWrite::Delayed => true,
            ReadAfterWrite::StaleNode => self.listings.is_multiple_of(2),
        };
        if !stale {
            return self.snapshot();
        }
        let now = Instant::now();
        let past = self.history.iter().find(|(written, _)| now.duration_since(*written) < self.listing_lag);
        let mut snapshot = past.map_or_else(|| self.snapshot(), |(_, snapshot)| snapshot.clone());
        snapshot.is_stale_node = self.switches.read_after_write == ReadAfterWrite::StaleNode;
        snapshot
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot { devices: self.devices.clone(), switches: self.switches, is_stale_node: false }
    }

    /// To be called before each write.
    fn remember(&mut self) {
        if self.switches.read_after_write == ReadAfterWrite::Immediate {
            return;
        }
        let now = Instant::now();
        while self
            .history
            .front()
            .is_some_and(|(written, _)| now.duration_since(*written) >= self.listing_lag)
        {
            self.history.pop_front();
        }
        let snapshot = self.snapshot();
        self.history.push_back((now, snapshot));
    }

    /// Changes the folder at `address` (depth 2 or more), which must exist. Trashed ones count as existing.
    fn within<R>(&mut self, address: &Address, change: impl FnOnce(&mut Folder) -> R) -> Option<R> {
        let keys = self.keys(address.parts());
        let (device, folders) = keys.split_first()?;
        self.remember();
        let device = self.devices.get_mut(device)?;
        descend(Arc::make_mut(&mut device.root), folders, change)
    }

    /// Changes the entry at `address`, which must exist. Mountpoints are entries too.
    fn change<R>(&mut self, address: &Address, change: impl FnOnce(&mut Entry) -> R) -> Option<R> {
        let key = self.key(address.leaf());
        self.within(&address.parent(), |folder| folder.change(&key, change))?
    }

    /// Makes every missing folder on the way to and including `address`, and revives trashed ones.
    /// The way must have been checked with [`World::check_way`].
    fn make_folders(&mut self, address: &Address) {
        let now = self.now();
        for depth in 2..=address.depth() {
            let place = Address::new(address.parts()[..depth].to_vec());
            let key = self.key(place.leaf());
            let name = place.leaf().to_owned();
            let made = self.within(&place.parent(), |parent| {
                let state = parent.get(&key).map(|entry| (entry.is_live(), entry.as_folder().is_some()));
                match state {
                    Some((true, true)) => None,
                    Some((false, true)) => {
                        parent.change(&key, |entry| {
                            if let Entry::Folder(folder) = entry {
                                Arc::make_mut(folder).deleted = None;
                            }
                        });
                        Some(None)
                    }
                    _ => Some(parent.put(key, Entry::Folder(Arc::new(Folder::new(&name, now))))),
                }
            });
            if let Some(displaced) = made.flatten() {
                self.displace(&place.parent(), displaced);
                self.emit("CREATE_DIR", &place, None);
            }
        }
    }

    /// Puts an entry at a place that may hold a tombstone.
    fn place(&mut self, address: &Address, mut entry: Entry) {
        entry.rename(address.leaf());
        let key = self.key(address.leaf());
        let displaced = self.within(&address.parent(), |folder| folder.put(key, entry)).flatten();
        self.displace(&address.parent(), displaced);
    }

    fn displace(&mut self, parent: &Address, displaced: Option<Entry>) {
        use crate::switches::TombstoneAndLive::Both;
        if let Some(tombstone) = displaced.filter(|entry| !entry.is_live())
            && self.switches.tombstone_and_live == Both
        {
            self.within(parent, |folder| folder.shadow(tombstone));
        }
    }

    /// Notes on the mountpoint (and, under U-33, the parent) that something below changed.
    fn touch_containers(&mut self, address: &Address, is_upload: bool) {
        let now = self.now();
        if let Some(device) = address.parts().first().map(|name| self.key(name)).as_ref()
            && let Some(device) = self.devices.get_mut(device)
            && (is_upload || self.switches.container_modified == ContainerModified::Everything)
        {
            device.modified = Some(now);
            let mountpoint = Address::new(address.parts()[..address.depth().min(2)].to_vec());
            self.change(&mountpoint, |entry| {
                if let Entry::Folder(folder) = entry {
                    Arc::make_mut(folder).modified = Some(now);
                }
            });
        }
        if address.depth() > 3 {
            self.within(&address.parent(), |folder| folder.modified = Some(now));
        }
    }

    /// Whether a revision counts towards the limit of five.
    fn revision_counter(&self) -> impl Fn(&Revision) -> bool + use<> {
        let only_completed = self.switches.revision_limit == RevisionLimit::Completed;
        move |revision| !only_completed || revision.is_completed()
    }

    /// The content for a key, as far as the switch lets the service find it without an upload.
    fn known_content(&self, key: content::ContentKey) -> Option<Arc<Content>> {
        use crate::switches::DedupScope;
        match self.switches.dedup_scope {
            DedupScope::Account | DedupScope::Global => self.contents.find(key),
            DedupScope::Off => None,
            DedupScope::Live => {
                let content = self.contents.find(key)?;
                self.devices.values().any(|device| holds_live(&device.root, key)).then_some(content)
            }
        }
    }

    pub(crate) fn add_bytes(&mut self, bytes: Bytes) -> Arc<Content> {
        let keep = self.keeps_content();
        self.contents.add_bytes(bytes, keep)
    }

    fn keeps_content(&self) -> bool {
        self.switches.dedup_scope == crate::switches::DedupScope::Global
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// How many listen to events.
    pub(crate) fn event_streams(&self) -> usize {
        self.events.receiver_count()
    }

    /// Nobody listens to events any more.
    pub(crate) fn cut_event_streams(&mut self) {
        self.events = broadcast::channel(EVENTS_KEPT).0;
    }

    fn uuid(&mut self) -> u128 {
        self.random.u128(..)
    }

    fn check_writable(&self) -> Result<(), Refusal> {
        if self.account.locked || self.account.write_locked {
            return Err(Refusal::not_allowed("the account is locked for writing"));
        }
        Ok(())
    }
}

fn descend<R>(folder: &mut Folder, keys: &[Box<str>], change: impl FnOnce(&mut Folder) -> R) -> Option<R> {
    // The recursion goes through a boxed closure, or each level would be a type of its own.
    let mut change = Some(change);
    let mut result = None;
    descend_to(folder, keys, &mut |folder| {
        if let Some(change) = change.take() {
            result = Some(change(folder));
        }
    });
    result
}

fn descend_to(folder: &mut Folder, keys: &[Box<str>], change: &mut dyn FnMut(&mut Folder)) {
    match keys.split_first() {
        None => change(folder),
        Some((key, rest)) => {
            folder.change(key, |entry| {
                if let Entry::Folder(child) = entry {
                    descend_to(Arc::make_mut(child), rest, change);
                }
            });
        }
    }
}

fn holds_live(folder: &Folder, key: content::ContentKey) -> bool {
    folder.children().filter(|entry| entry.is_live()).any(|entry| match entry {
        Entry::Folder(child) => holds_live(child, key),
        Entry::File(file) => file.current().is_some_and(|current| current.key == key),
    })
}

/// A revision as a client describes it, before it has a number.
fn revision(facts: &Facts, now: Seconds, state: State) -> Revision {
    Revision {
        number: 0,
        created: facts.created,
        modified: facts.modified,
        updated: now,
        md5: facts.md5.as_str().into(),
        key: facts.key,
        state,
    }
}
