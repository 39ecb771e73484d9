//! Hears what the service tells of changes, on one connection for all folders, and passes it on as hints.
//!
//! The connection is there while a folder is not paused, whatever its mode, unless the configuration switches
//! events off: what is told of at once need not be looked for, and without being told nobody can say that
//! nothing has changed. There is no replay (protocol 9.5): after each connection every folder is told that
//! anything may have happened before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jottad_core::{File, FoldKey, StoredPath, Timestamp};
use jottad_engine::{FolderHandle, RemoteHint, Told};
use jottad_transport::{Client, ErrorKind, Event, EventStream, LastWord, RemotePath};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};

use crate::account::link::ServiceLink;
use crate::api::documents::{NoticingDocument, Time};
use crate::cli::output::now;

/// How long it is waited before the next connection, the first time.
const FIRST_DELAY: Duration = Duration::from_secs(1);
/// And at most, if the service cannot be reached.
const LONGEST_OUTAGE: Duration = Duration::from_mins(5);
/// A connection that does not last leads to a listing each time, so it must not be had too often.
const LONGEST_BREAK: Duration = Duration::from_mins(10);
/// A service that answers, but has no events, will hardly have them soon.
const LONGEST_REFUSAL: Duration = Duration::from_hours(1);
/// A connection that lasted so long was a good one.
const LASTING: Duration = Duration::from_mins(10);
/// Changes outside a folder are told to it this much later, once for all of them.
const ELSEWHERE: Duration = Duration::from_secs(1);

/// What listens to events for all folders. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub(crate) struct Noticing(Arc<Shared>);

struct Shared {
    link: ServiceLink,
    inner: Mutex<Inner>,
    /// Something changed that decides whether, or as whom, to listen.
    changed: Notify,
    state: watch::Sender<State>,
    stopping: watch::Sender<bool>,
}

#[derive(Default)]
struct Inner {
    folders: BTreeMap<u64, Attached>,
    last: u64,
    username: Option<String>,
    /// The configuration lets it listen.
    is_on: bool,
    /// Grows when a connection that was made before must not go on.
    generation: u64,
}

/// A folder that may be told of changes.
struct Attached {
    root: RemotePath,
    paused: bool,
    /// Once it runs.
    handle: Option<FolderHandle>,
}

#[derive(Debug, Clone, Default)]
enum State {
    /// Nobody wants to hear.
    #[default]
    Off,
    /// The first attempt.
    Connecting,
    Listening {
        since: Timestamp,
        last_word: LastWord,
    },
    /// For another try, or for a login.
    Waiting {
        trouble: String,
    },
}

/// A folder's place among those that are told. Dropped, it is told nothing any more.
pub(super) struct Hearing {
    noticing: Noticing,
    id: u64,
}

impl Hearing {
    /// The folder runs: from now on it is told.
    pub(super) fn begin(&mut self, handle: FolderHandle) {
        let mut inner = self.noticing.lock();
        if self.noticing.is_listening() {
            handle.remote_hint(RemoteHint::Listening);
        }
        if let Some(attached) = inner.folders.get_mut(&self.id) {
            attached.handle = Some(handle);
        }
    }

    /// A paused folder wants to hear nothing.
    pub(super) fn set_paused(&self, paused: bool) {
        if let Some(attached) = self.noticing.lock().folders.get_mut(&self.id) {
            attached.paused = paused;
        }
        self.noticing.0.changed.notify_one();
    }
}

impl Drop for Hearing {
    fn drop(&mut self) {
        self.noticing.lock().folders.remove(&self.id);
        self.noticing.0.changed.notify_one();
    }
}

impl Noticing {
    /// Begins to listen as soon as somebody wants to hear. Must be called on a runtime.
    pub(super) fn start(link: ServiceLink) -> Self {
        let noticing = Self(Arc::new(Shared {
            link,
            inner: Mutex::default(),
            changed: Notify::new(),
            state: watch::Sender::default(),
            stopping: watch::Sender::default(),
        }));
        tokio::spawn(noticing.clone().stay_alive());
        noticing
    }

    /// Takes a folder in.
    pub(super) fn attach(&self, root: RemotePath) -> Hearing {
        let mut inner = self.lock();
        inner.last += 1;
        let id = inner.last;
        inner.folders.insert(id, Attached { root, paused: false, handle: None });
        if inner.is_on && matches!(*self.0.state.borrow(), State::Off) {
            self.0.state.send_replace(State::Connecting);
        }
        self.0.changed.notify_one();
        Hearing { noticing: self.clone(), id }
    }

    /// Waits until the first attempt to listen has ended, if one is under way. Cancel safe.
    pub(super) async fn tried(&self) {
        let mut state = self.0.state.subscribe();
        // An error means that nobody will ever listen.
        let _ = state.wait_for(|state| !matches!(state, State::Connecting)).await;
    }

    /// The login may have changed: another account's events are not ours, and what failed may succeed now. So
    /// may have whether it is to listen at all.
    pub(super) fn follow(&self, username: Option<String>, is_on: bool) {
        let mut inner = self.lock();
        inner.is_on = is_on;
        let is_waiting = matches!(*self.0.state.borrow(), State::Waiting { .. });
        if inner.username != username || is_waiting || self.0.link.client().is_err() {
            inner.generation += 1;
        }
        inner.username = username;
        drop(inner);
        self.0.changed.notify_one();
    }

    /// Listens no more.
    pub(super) fn stop(&self) {
        self.0.stopping.send_replace(true);
    }

    /// What can be said of it.
    pub(super) fn describe(&self) -> NoticingDocument {
        let (word, since, heard, trouble) = match &*self.0.state.borrow() {
            State::Off => ("off", None, None, None),
            State::Connecting => ("connecting", None, None, None),
            State::Listening { since, last_word } => ("listening", Some(*since), last_word.time(), None),
            State::Waiting { trouble } => ("waiting", None, None, Some(trouble.clone())),
        };
        NoticingDocument {
            events: word.to_owned(),
            events_since: since.map(Time),
            events_heard_at: heard.map(Time),
            events_trouble: trouble,
            ..NoticingDocument::default()
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_listening(&self) -> bool {
        matches!(*self.0.state.borrow(), State::Listening { .. })
    }

    fn is_wanted(&self) -> bool {
        let inner = self.lock();
        inner.is_on && inner.folders.values().any(|folder| !folder.paused)
    }

    fn generation(&self) -> u64 {
        self.lock().generation
    }

    /// Listens until it is stopped, whatever happens to the task that does it.
    async fn stay_alive(self) {
        let mut stopping = self.0.stopping.subscribe();
        loop {
            let mut life = tokio::spawn(self.clone().run());
            tokio::select! {
                death = &mut life => {
                    tracing::error!(?death, "listening to events died, and is started anew");
                    self.tell_all(|| RemoteHint::Deaf);
                }
                _ = stopping.wait_for(|stopping| *stopping) => {
                    life.abort();
                    return;
                }
            }
            tokio::time::sleep(LONGEST_OUTAGE).await;
        }
    }

    async fn run(self) {
        let mut failures = 0;
        loop {
            if !self.is_wanted() {
                self.0.state.send_replace(State::Off);
                self.0.changed.notified().await;
                continue;
            }
            let client = match self.0.link.client() {
                Ok(client) => client,
                Err(error) => {
                    self.0.state.send_replace(State::Waiting { trouble: error.message });
                    self.0.changed.notified().await;
                    continue;
                }
            };
            self.0.state.send_replace(State::Connecting);
            let generation = self.generation();
            let began = Instant::now();
            let outcome = tokio::select! {
                error = self.listen(&client) => Some(error),
                () = self.unwanted(generation) => None,
            };
            let has_listened = self.is_listening();
            if has_listened {
                self.tell_all(|| RemoteHint::Deaf);
            }
            let Some(error) = outcome else { continue };
            if has_listened && began.elapsed() >= LASTING {
                failures = 0;
            }
            let delay = delay(failures, has_listened, error.kind(), error.retry_after());
            failures += 1;
            tracing::info!(%error, ?delay, "not listening to events");
            self.0.state.send_replace(State::Waiting { trouble: error.to_string() });
            self.wait_to_try_again(generation, delay).await;
        }
    }

    /// Waits for so long, or until it makes no sense any more to wait.
    async fn wait_to_try_again(&self, generation: u64, delay: Duration) {
        tokio::select! {
            () = self.unwanted(generation) => {}
            () = tokio::time::sleep(delay) => {}
        }
    }

    /// Completes when the connection must not go on.
    async fn unwanted(&self, generation: u64) {
        while self.is_wanted() && self.generation() == generation {
            self.0.changed.notified().await;
        }
    }

    /// Listens until the connection ends, and says why it has.
    async fn listen(&self, client: &Client) -> jottad_transport::Error {
        let stream = match client.events().await {
            Ok(stream) => stream,
            Err(error) => return error,
        };
        self.hear(stream).await
    }

    async fn hear(&self, mut stream: EventStream) -> jottad_transport::Error {
        {
            // Whoever begins meanwhile is told once.
            let inner = self.lock();
            let state = State::Listening { since: now(), last_word: stream.last_word() };
            self.0.state.send_replace(state);
            tell(&inner, || RemoteHint::Listening);
        }
        tracing::info!("listening to events");
        let mut elsewhere = BTreeSet::new();
        let mut elsewhere_due = Instant::now();
        loop {
            tokio::select! {
                event = stream.next() => match event {
                    Ok(event) => {
                        if elsewhere.is_empty() {
                            elsewhere_due = Instant::now() + ELSEWHERE;
                        }
                        self.pass_on(&event, &mut elsewhere);
                    }
                    Err(error) => return error,
                },
                () = sleep_until(elsewhere_due), if !elsewhere.is_empty() => {
                    let inner = self.lock();
                    for id in std::mem::take(&mut elsewhere) {
                        if let Some(handle) = inner.folders.get(&id).and_then(|folder| folder.handle.as_ref()) {
                            handle.remote_hint(RemoteHint::Elsewhere);
                        }
                    }
                }
            }
        }
    }

    /// Tells each folder what an event means for it.
    fn pass_on(&self, event: &Event, elsewhere: &mut BTreeSet<u64>) {
        tracing::debug!(kind = event.kind, path = ?event.path, to = ?event.to, "event");
        let inner = self.lock();
        for (path, told) in told_by(event) {
            for (id, folder) in &inner.folders {
                let Some(handle) = &folder.handle else { continue };
                match relation(path, &folder.root) {
                    Relation::Inside(path) => handle.remote_hint(RemoteHint::Entry { path, told }),
                    // A directory that was made holds nothing yet.
                    Relation::Above if told == Told::Directory && event.kind == "CREATE_DIR" => {}
                    Relation::Above => handle.remote_hint(RemoteHint::Anywhere),
                    Relation::Beside => drop(elsewhere.insert(*id)),
                    Relation::None => {}
                }
            }
        }
    }

    fn tell_all(&self, hint: impl Fn() -> RemoteHint) {
        tell(&self.lock(), hint);
    }
}

fn tell(inner: &Inner, hint: impl Fn() -> RemoteHint) {
    for handle in inner.folders.values().filter_map(|folder| folder.handle.as_ref()) {
        handle.remote_hint(hint());
    }
}

/// How long to wait before the next connection, somewhere in the upper half, so that not all come back at
/// once.
fn delay(failures: u32, has_listened: bool, kind: ErrorKind, retry_after: Option<Duration>) -> Duration {
    let longest = match kind {
        _ if has_listened => LONGEST_BREAK,
        ErrorKind::Offline | ErrorKind::RateLimited | ErrorKind::ServerFault => LONGEST_OUTAGE,
        _ => LONGEST_REFUSAL,
    };
    let bound = FIRST_DELAY.saturating_mul(1 << failures.min(16)).min(longest);
    let jittered = bound / 2 + bound.mul_f64(fastrand::f64() / 2.0);
    jittered.max(retry_after.unwrap_or_default())
}

/// The places that an event is about, with what it says of each.
fn told_by(event: &Event) -> Vec<(&RemotePath, Told)> {
    let file = match (event.content, event.modified) {
        (Some(content), Some(modified)) => Told::File(File { content, modified }),
        _ => Told::Nothing,
    };
    let (from, to) = match event.kind.as_str() {
        "DELETE" | "DELETE_DIR" | "HARD_DELETE_FILE" | "HARD_DELETE_DIR" | "DELETE_MP" => {
            (Some(Told::Gone), None)
        }
        "CREATE_DIR" => (Some(Told::Directory), None),
        "MOVE" => (Some(Told::Gone), Some(file)),
        "MOVE_DIR" => (Some(Told::Gone), Some(Told::Directory)),
        "NEW_UPLOAD" | "RESTORE" => (Some(file), None),
        // Who may see something changes nothing of what is there.
        "SHARE_FILE" | "UNSHARE_FILE" | "INIT_SHARE_FOLDER" | "ACCEPT_SHARE_FOLDER_INVITE" => (None, None),
        _ => (Some(Told::Nothing), Some(Told::Nothing)),
    };
    event.path.iter().zip(from).chain(event.to.iter().zip(to)).collect()
}

/// Where a path lies, seen from a folder's remote root.
#[derive(Debug, PartialEq, Eq)]
enum Relation {
    /// In the folder, or it is the root itself.
    Inside(StoredPath),
    /// The root lies below it.
    Above,
    /// On the same mountpoint, whose change stamp they share.
    Beside,
    None,
}

/// The service may spell a name in another letter case than the config does.
fn relation(path: &RemotePath, root: &RemotePath) -> Relation {
    let is_same = |one, other| FoldKey::of(one) == FoldKey::of(other);
    if !is_same(path.device(), root.device()) || !is_same(path.mountpoint(), root.mountpoint()) {
        return Relation::None;
    }
    let (names, above) = (path.names(), root.names());
    let shared = names.iter().zip(above).take_while(|(one, other)| is_same(one, other)).count();
    if shared == above.len() {
        Relation::Inside(StoredPath::new(names[shared..].to_vec()))
    } else if shared == names.len() {
        Relation::Above
    } else {
        Relation::Beside
    }
}

#[cfg(test)]
mod tests {
    use jottad_core::{Content, Md5};

    use super::*;

    fn remote(text: &str) -> RemotePath {
        RemotePath::parse(text).unwrap()
    }

    #[test]
    fn a_path_is_inside_above_beside_or_no_concern() {
        let root = remote("Jotta/Archive/Docs/work");
        for (path, expected) in [
            ("Jotta/Archive/Docs/work/a/b.txt", Some("a/b.txt")),
            ("Jotta/Archive/docs/Work/a", Some("a")),
            ("Jotta/Archive/Docs/work", Some("")),
        ] {
            let Relation::Inside(inside) = relation(&remote(path), &root) else { panic!("{path}") };
            assert_eq!(Some(inside.to_string().trim_start_matches('.')), expected, "{path}");
        }
        for (path, expected) in [
            ("Jotta/Archive/Docs", Relation::Above),
            ("Jotta/Archive", Relation::Above),
            ("Jotta/Archive/Docs/workshop", Relation::Beside),
            ("Jotta/Archive/Other/work", Relation::Beside),
            ("Jotta/Sync/Docs/work", Relation::None),
            ("Laptop/Archive/Docs/work", Relation::None),
        ] {
            assert_eq!(relation(&remote(path), &root), expected, "{path}");
        }
    }

    #[test]
    fn events_say_what_is_there_now() {
        let content = Content { size: 1, md5: Md5::from_bytes([1; 16]) };
        let modified = Timestamp::from_seconds(5);
        let told = |kind: &str, is_file: bool| {
            let event = Event {
                kind: kind.to_owned(),
                path: Some(remote("Jotta/Archive/a")),
                to: Some(remote("Jotta/Archive/b")),
                content: is_file.then_some(content),
                modified: is_file.then_some(modified),
            };
            told_by(&event).into_iter().map(|(path, told)| (path.to_string(), told)).collect::<Vec<_>>()
        };
        let (a, b) = ("Jotta/Archive/a".to_owned(), "Jotta/Archive/b".to_owned());
        let file = Told::File(File { content, modified });
        assert_eq!(told("NEW_UPLOAD", true), [(a.clone(), file)]);
        assert_eq!(told("NEW_UPLOAD", false), [(a.clone(), Told::Nothing)]);
        assert_eq!(told("DELETE", true), [(a.clone(), Told::Gone)]);
        assert_eq!(told("MOVE", true), [(a.clone(), Told::Gone), (b.clone(), file)]);
        assert_eq!(told("MOVE_DIR", false), [(a.clone(), Told::Gone), (b.clone(), Told::Directory)]);
        assert_eq!(told("SHARE_FILE", true), []);
        assert_eq!(told("NEVER_HEARD_OF", false), [(a, Told::Nothing), (b, Told::Nothing)]);
    }

    #[test]
    fn a_service_without_events_is_asked_seldom_and_one_out_of_reach_often() {
        let bounds = |failures, listened, kind| delay(failures, listened, kind, None);
        assert!(bounds(0, false, ErrorKind::Offline) <= FIRST_DELAY);
        for (listened, kind, longest) in [
            (false, ErrorKind::Offline, LONGEST_OUTAGE),
            (true, ErrorKind::Offline, LONGEST_BREAK),
            (false, ErrorKind::NotFound, LONGEST_REFUSAL),
        ] {
            let last = bounds(40, listened, kind);
            assert!(longest / 2 <= last && last <= longest, "{kind:?}: {last:?}");
        }
        let asked = Duration::from_hours(2);
        assert_eq!(delay(0, false, ErrorKind::ServerFault, Some(asked)), asked);
    }
}
