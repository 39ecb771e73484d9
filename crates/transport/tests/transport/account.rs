//! A logged-in client of an emulator of its own.

use std::time::Duration;

use jottad_core::{Content, Timestamp};
use jottad_emulator::{Emulator, EmulatorConfig, Fault, Matching, State};
use jottad_transport::{
    Client, ClientOptions, CredentialFile, Endpoints, HostIdentity, Http, HttpOptions, LoginToken,
    PartialContent, RemotePath, RetryPolicy, Session, UploadFacts,
};
use tempfile::TempDir;

pub(crate) const MODIFIED: Timestamp = Timestamp::from_seconds(1_767_323_045);

pub(crate) struct Account {
    pub(crate) emulator: Emulator,
    pub(crate) client: Client,
    pub(crate) directory: TempDir,
}

impl Account {
    pub(crate) async fn open() -> Self {
        Self::with(http()).await
    }

    /// Gives up after so many attempts that hung for so long.
    pub(crate) async fn open_with(patience: Duration, attempts: u32) -> Self {
        let retry = RetryPolicy { attempts, first_delay: Duration::from_millis(1), ..RetryPolicy::default() };
        let options = HttpOptions {
            stall_timeout: patience,
            commit_timeout: patience,
            retry,
            ..HttpOptions::default()
        };
        Self::with(Http::new(options).unwrap()).await
    }

    async fn with(http: Http) -> Self {
        let emulator = Emulator::start(EmulatorConfig::default()).await.unwrap();
        let directory = TempDir::new().unwrap();
        let token = LoginToken::parse(&emulator.login_token()).unwrap();
        let session = Session::log_in(http, &token, credential_file(&directory), &host()).await.unwrap();
        let client =
            Client::new(Endpoints::on_one_host(&emulator.base_url()), session, ClientOptions::default())
                .unwrap();
        client.username().await.unwrap();
        emulator.state().reset_counters();
        Self { emulator, client, directory }
    }

    pub(crate) fn state(&self) -> &State {
        self.emulator.state()
    }

    pub(crate) fn fault(&self, endpoint: &str, effect: jottad_emulator::Effect) {
        self.state().add_fault(Fault::once(Matching::endpoint(endpoint), effect));
    }

    pub(crate) async fn put(&self, place: &str, content: &[u8]) {
        let mut source = content;
        self.client.upload(&path(place), &facts(content), &mut source).await.unwrap();
    }

    /// Live entries below the archive as the emulator has them, folders with a slash.
    pub(crate) fn live(&self) -> Vec<String> {
        let entries = self.state().live_below("Jotta/Archive");
        let mut names: Vec<_> =
            entries
                .into_iter()
                .map(|entry| {
                    if entry.size.is_none() && entry.state.is_none() { entry.path + "/" } else { entry.path }
                })
                .collect();
        names.sort();
        names
    }
}

pub(crate) fn credential_file(directory: &TempDir) -> CredentialFile {
    CredentialFile::new(directory.path().join("credentials.json"))
}

pub(crate) fn host() -> HostIdentity {
    HostIdentity::from_machine_id("0123456789abcdef")
}

pub(crate) async fn log_in(emulator: &Emulator, directory: &TempDir) -> jottad_transport::Result<Session> {
    let token = LoginToken::parse(&emulator.login_token()).unwrap();
    Session::log_in(http(), &token, credential_file(directory), &host()).await
}

/// Little patience: what takes long in the world is quick here.
pub(crate) fn http() -> Http {
    let retry = RetryPolicy { first_delay: Duration::from_millis(1), ..RetryPolicy::default() };
    let stall_timeout = Duration::from_secs(5);
    Http::new(HttpOptions { stall_timeout, retry, ..HttpOptions::default() }).unwrap()
}

pub(crate) fn path(text: &str) -> RemotePath {
    RemotePath::parse(text).unwrap()
}

pub(crate) fn content(bytes: &[u8]) -> Content {
    let mut held = PartialContent::default();
    held.update(bytes);
    held.finish()
}

pub(crate) fn facts(bytes: &[u8]) -> UploadFacts {
    UploadFacts { content: content(bytes), created: None, modified: MODIFIED }
}

/// Bytes that do not repeat.
pub(crate) fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = vec![0; size];
    for byte in &mut bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        *byte = state.to_le_bytes()[3];
    }
    bytes
}
