//! The adapter against an emulator: every call, on a real connection.

use jottad_core::{Md5, Name, encode_name};
use jottad_emulator::{Emulator, EmulatorConfig};
use jottad_engine::{DiskErrorKind, MissingPlace};
use jottad_transport::{CredentialFile, Endpoints, HostIdentity, LoginToken, Session};
use tempfile::TempDir;

use super::*;
use crate::cli::invocation::connections;
use crate::config::Config;
use crate::places::Places;

/// An emulator with a folder on it, and the login for it.
struct World {
    emulator: Emulator,
    places: Places,
    link: ServiceLink,
    _temporary: TempDir,
}

impl World {
    async fn new() -> Self {
        Self::with(EmulatorConfig::default()).await
    }

    async fn with(config: EmulatorConfig) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let emulator = Emulator::start(config).await.unwrap();
        let places = Places {
            home: temporary.path().to_owned(),
            config_file: temporary.path().join("config.toml"),
            state_dir: temporary.path().to_owned(),
        };
        let world = Self { emulator, places, link: ServiceLink::default(), _temporary: temporary };
        world.log_in().await;
        world.link.reopen(&world.places, &world.config()).await;
        world
    }

    async fn log_in(&self) {
        let token = LoginToken::parse(&self.emulator.login_token()).unwrap();
        let file = CredentialFile::new(self.places.credentials());
        Session::log_in(connections().unwrap(), &token, file, &HostIdentity::of_this_machine())
            .await
            .unwrap();
    }

    fn config(&self) -> Config {
        let mut config = Config::parse("", &self.places).unwrap();
        config.service.endpoints = Endpoints::on_one_host(&self.emulator.base_url());
        config
    }

    fn folder(&self, hard_delete: bool) -> RemoteFolder {
        RemoteFolder::new(self.link.clone(), RemotePath::parse("Jotta/Archive/docs").unwrap(), hard_delete)
    }

    fn folder_at(&self, place: &str) -> RemoteFolder {
        RemoteFolder::new(self.link.clone(), RemotePath::parse(place).unwrap(), false)
    }
}

/// A file in memory.
struct Bytes(&'static [u8]);

impl LocalContent for Bytes {
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = self.0.get(usize::try_from(offset).unwrap()..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}

/// A file that is no longer what it was.
struct Torn;

impl LocalContent for Torn {
    fn read_at(&mut self, _: u64, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other(DiskErrorKind::Changed))
    }
}

#[derive(Default)]
struct Staged(Vec<u8>);

impl StagedFile for Staged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

const HELLO: &[u8] = b"hello";

fn hello() -> File {
    let md5: Md5 = "5d41402abc4b2a76b9719d911017c592".parse().unwrap();
    File { content: Content { size: 5, md5 }, modified: Timestamp::from_seconds(1_700_000_000) }
}

fn stored(path: &str) -> StoredPath {
    StoredPath::new(path.split('/').map(|name| encode_name(&Name::try_from(name).unwrap())).collect())
}

async fn tree(folder: &RemoteFolder) -> Vec<(String, Kind)> {
    let mut listing = folder.list_tree(&StoredPath::root()).await.unwrap();
    let mut found = Vec::new();
    while let Some(batch) = listing.next_batch().await.unwrap() {
        found.extend(batch.into_iter().map(|entry| (entry.path.to_string(), entry.node.kind())));
    }
    found.sort();
    found
}

fn kind_of<T: std::fmt::Debug>(result: Result<T, RemoteError>) -> RemoteErrorKind {
    result.unwrap_err().kind
}

#[tokio::test]
async fn a_file_lives_its_life() {
    let world = World::new().await;
    let folder = world.folder(false);
    assert_eq!(kind_of(folder.list_directory(&StoredPath::root()).await), RemoteErrorKind::NotFound);
    assert_eq!(folder.list_tree(&StoredPath::root()).await.err().unwrap().kind, RemoteErrorKind::NotFound);
    assert_eq!(folder.look(&stored("a: b/c")).await.unwrap(), None);

    folder.upload(&stored("a: b/c"), hello(), Bytes(HELLO)).await.unwrap();
    assert_eq!(folder.look(&stored("a: b/c")).await.unwrap(), Some(RemoteNode::File(hello()).into()));
    assert_eq!(
        tree(&folder).await,
        [("a： b".to_owned(), Kind::Directory), ("a： b/c".to_owned(), Kind::File)]
    );
    let listed = folder.list_directory(&stored("a: b")).await.unwrap();
    assert_eq!(listed, [(encode_name(&Name::try_from("c").unwrap()), RemoteNode::File(hello()))]);

    let mut staged = Staged::default();
    folder.download(&stored("a: b/c"), hello().content, &mut staged).await.unwrap();
    assert_eq!(staged.0, HELLO);

    let later = Timestamp::from_seconds(1_700_000_100);
    folder.set_modified(&stored("a: b/c"), hello().content, later).await.unwrap();
    let touched = RemoteNode::File(File { modified: later, ..hello() });
    assert_eq!(folder.look(&stored("a: b/c")).await.unwrap(), Some(touched.into()));

    folder.make_directory(&stored("x/y")).await.unwrap();
    folder.make_directory(&stored("x/y")).await.unwrap();
    folder.move_entry(&stored("a: b/c"), &stored("x/y/d"), Kind::File).await.unwrap();
    folder.move_entry(&stored("x/y"), &stored("z"), Kind::Directory).await.unwrap();
    assert_eq!(folder.look(&stored("z/d")).await.unwrap(), Some(touched.into()));

    folder.trash(&stored("z"), Kind::Directory).await.unwrap();
    folder.trash(&stored("z"), Kind::Directory).await.unwrap();
    assert_eq!(folder.look(&stored("z/d")).await.unwrap(), None);
    assert_eq!(kind_of(folder.list_directory(&stored("z")).await), RemoteErrorKind::NotFound);
}

#[tokio::test]
async fn a_look_tells_another_spelling_only_where_the_service_does() {
    for (answer, respelled) in [("U50=stored", Some("Letter")), ("U50=asked", None)] {
        let mut config = EmulatorConfig::default();
        config.switches.apply(answer).unwrap();
        let world = World::with(config).await;
        let folder = world.folder(false);
        folder.upload(&stored("Letter"), hello(), Bytes(HELLO)).await.unwrap();
        folder.make_directory(&stored("Drawer")).await.unwrap();
        let name_seen = async |path: &str| folder.look(&stored(path)).await.unwrap().unwrap().respelled;
        assert_eq!(name_seen("lETTER").await.as_ref().map(StoredName::as_str), respelled, "{answer}");
        assert_eq!(name_seen("dRAWER").await.is_some(), respelled.is_some(), "{answer}");
        assert_eq!(name_seen("Letter").await, None, "{answer}");
    }
}

#[tokio::test]
async fn what_stands_in_the_way_is_a_conflict_and_what_is_gone_is_not_found() {
    let world = World::new().await;
    let folder = world.folder(false);
    for path in ["one", "two"] {
        folder.upload(&stored(path), hello(), Bytes(HELLO)).await.unwrap();
    }
    let (one, two, none) = (stored("one"), stored("two"), stored("none"));
    assert_eq!(kind_of(folder.move_entry(&one, &two, Kind::File).await), RemoteErrorKind::Conflict);
    assert_eq!(kind_of(folder.move_entry(&none, &stored("x"), Kind::File).await), RemoteErrorKind::NotFound);
    assert_eq!(kind_of(folder.make_directory(&one).await), RemoteErrorKind::Conflict);
    let other = Content { size: 4, ..hello().content };
    assert_eq!(
        kind_of(folder.set_modified(&one, other, Timestamp::default()).await),
        RemoteErrorKind::Conflict
    );
    assert_eq!(
        kind_of(folder.upload(&one, File { content: other, ..hello() }, Torn).await),
        RemoteErrorKind::SourceChanged
    );
    assert_eq!(folder.look(&one).await.unwrap(), Some(RemoteNode::File(hello()).into()));
}

#[tokio::test]
async fn a_hard_delete_leaves_nothing_in_the_trash() {
    let world = World::new().await;
    for (hard, trashed) in [(false, true), (true, false)] {
        let folder = world.folder(hard);
        folder.upload(&stored("gone"), hello(), Bytes(HELLO)).await.unwrap();
        folder.trash(&stored("gone"), Kind::File).await.unwrap();
        let place = RemotePath::parse("Jotta/Archive/docs/gone").unwrap();
        let seen = world.link.client().unwrap().look(&place).await.unwrap();
        assert_eq!(matches!(seen, Sighting::TrashedFile(_)), trashed, "{seen:?}");
    }
}

#[tokio::test]
async fn the_stamp_moves_with_an_upload() {
    let world = World::new().await;
    let folder = world.folder(false);
    let before = folder.change_stamp().await.unwrap();
    assert_eq!(folder.change_stamp().await.unwrap(), before);
    folder.upload(&stored("new"), hello(), Bytes(HELLO)).await.unwrap();
    assert_ne!(folder.change_stamp().await.unwrap(), before);
}

#[tokio::test]
async fn without_a_login_every_call_says_so_and_a_new_login_is_taken_up() {
    let world = World::new().await;
    let folder = world.folder(false);
    CredentialFile::new(world.places.credentials()).remove().unwrap();
    world.link.reopen(&world.places, &world.config()).await;
    assert_eq!(kind_of(folder.look(&stored("x")).await), RemoteErrorKind::LoginNeeded);
    assert_eq!(kind_of(folder.change_stamp().await), RemoteErrorKind::LoginNeeded);
    world.log_in().await;
    world.link.reopen(&world.places, &world.config()).await;
    assert_eq!(folder.look(&stored("x")).await.unwrap(), None);
}

/// Goes through a place's look being too old, without waiting for it.
async fn time_passes(duration: std::time::Duration) {
    tokio::time::pause();
    tokio::time::advance(duration).await;
    tokio::time::resume();
}

#[tokio::test]
async fn nothing_is_sent_to_a_place_that_is_not_there_whatever_the_service_would_make_of_it() {
    for answer in ["U49=made", "U49=not-found", "U49=made-by-all"] {
        let mut config = EmulatorConfig::default();
        config.switches.apply(answer).unwrap();
        let world = World::with(config).await;
        let client = world.link.client().unwrap();
        for (place, missing) in
            [("laptop/docs/x", MissingPlace::Device), ("Jotta/Archve/x", MissingPlace::Mountpoint)]
        {
            let folder = world.folder_at(place);
            let uploaded = folder.upload(&stored("a"), hello(), Bytes(HELLO)).await;
            assert_eq!(kind_of(uploaded), RemoteErrorKind::PlaceMissing(missing), "{answer} {place}");
            let made = folder.make_directory(&stored("d")).await;
            assert_eq!(kind_of(made), RemoteErrorKind::PlaceMissing(missing), "{answer} {place}");
            assert_eq!(client.look(&RemotePath::parse(place).unwrap()).await.unwrap(), Sighting::Missing);
        }
        // One that was there, and is taken away by another device.
        let (device, docs) = (StoredName::new("laptop").unwrap(), StoredName::new("docs").unwrap());
        client.create_device(&device).await.unwrap();
        client.create_mountpoint(&device, &docs).await.unwrap();
        let folder = world.folder_at("laptop/docs/x");
        folder.upload(&stored("a"), hello(), Bytes(HELLO)).await.unwrap();
        folder.make_directory(&stored("d")).await.unwrap();
        world.emulator.state().act(&jottad_emulator::Act::remove("laptop/docs")).unwrap();
        time_passes(std::time::Duration::from_secs(3)).await;
        let uploaded = folder.upload(&stored("b"), hello(), Bytes(HELLO)).await.unwrap_err();
        let missing = RemoteErrorKind::PlaceMissing(MissingPlace::Mountpoint);
        assert_eq!(uploaded.kind, missing, "{answer}");
        assert!(!uploaded.may_be_done && uploaded.message.contains("jottad mountpoints create laptop docs"));
        assert_eq!(kind_of(folder.make_directory(&stored("e")).await), missing);
        let mountpoint = RemotePath::parse("laptop/docs").unwrap();
        assert_eq!(client.look(&mountpoint).await.unwrap(), Sighting::Missing, "{answer}");
    }
}

#[tokio::test]
async fn many_uploads_at_a_time_ask_for_their_place_once() {
    let world = World::new().await;
    let folder = world.folder(false);
    folder.upload(&stored("first"), hello(), Bytes(HELLO)).await.unwrap();
    time_passes(std::time::Duration::from_secs(3)).await;
    world.emulator.state().reset_counters();
    let names = ["a", "b", "c"].map(stored);
    let uploads = names.iter().map(|name| folder.upload(name, hello(), Bytes(HELLO)));
    for uploaded in futures_util::future::join_all(uploads).await {
        uploaded.unwrap();
    }
    // The content is there, so that each upload is one request.
    assert_eq!(world.emulator.state().counters().requests, 1 + 3);
}

#[test]
fn errors_are_told_apart_by_what_they_mean() {
    let action = || "uploading Jotta/Archive/x".to_owned();
    let source = |source| Error::Source { action: action(), source };
    let cases = [
        (source(io::Error::other(DiskErrorKind::Changed)), RemoteErrorKind::SourceChanged),
        (source(io::ErrorKind::PermissionDenied.into()), RemoteErrorKind::SourceUnreadable),
        (
            Error::Sink { action: action(), source: io::ErrorKind::StorageFull.into() },
            RemoteErrorKind::StagingFailed,
        ),
        (Error::SourceChanged { action: action() }, RemoteErrorKind::SourceChanged),
        (Error::LoginNeeded { reason: "x".into() }, RemoteErrorKind::LoginNeeded),
        (
            Error::Stalled { action: action(), after: std::time::Duration::from_secs(1) },
            RemoteErrorKind::Offline,
        ),
        (Error::Exists { action: action(), reason: "x".into() }, RemoteErrorKind::Conflict),
        (Error::Incomplete { action: action(), reason: "x".into() }, RemoteErrorKind::Incomplete),
        (Error::Protocol { action: action(), reason: "x".into() }, RemoteErrorKind::Unavailable),
        (Error::InvalidPath { path: "x".into(), reason: "y" }, RemoteErrorKind::Refused),
    ];
    for (error, kind) in cases {
        assert_eq!(remote_error(&error).kind, kind, "{error}");
    }
}
