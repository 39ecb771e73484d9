//! A client of Jottacloud: login, names, listings, uploads, downloads, commands, events.
//!
//! It knows the service and nothing of folders that are kept in step. Where to begin: [`Http`] holds the
//! connections, [`Session::log_in`] spends a [`LoginToken`] and [`Session::open`] takes a kept login up
//! again, [`Client::new`] makes of it what everything is asked of.

mod endpoints;
mod error;
mod facts;
mod fault;
mod path;
mod time;
mod transfer;

mod documents;
mod list_stream;
mod xml;

mod answer;
mod http;
mod last_word;
mod rate;
mod retry;
mod silence;
mod upload_body;

mod brands;
mod browser_login;
mod credentials;
mod host_identity;
mod legacy_login;
mod login;
mod login_token;
mod oauth;
mod rotation;
mod sealing;
mod session;

mod client;

#[cfg(feature = "fuzzing")]
pub mod fuzzing;

pub use brands::Brand;
pub use browser_login::{AuthorizationCode, BrowserLogin, REDIRECT_PORT};
pub use client::{
    Client, ClientOptions, ContentStream, Event, EventStream, MoveOutcome, RawAnswer, RawRequest, Restored,
};
pub use credentials::{CredentialFile, Credentials, Flow};
pub use endpoints::Endpoints;
pub use error::{Error, ErrorKind, Result};
pub use facts::{
    Customer, Device, DeviceDetails, FileDetails, FileEntry, FolderEntry, FolderListing, FoundFile, LiveFile,
    Mountpoint, PublicLink, Purged, Quota, Revision, RevisionState, Sighting, TrashListing, Trashed,
    TrashedFolder, User,
};
pub use fault::ServerFault;
pub use host_identity::HostIdentity;
pub use http::{Http, HttpOptions};
pub use last_word::LastWord;
pub use legacy_login::{LegacyDevice, LegacyLogin};
pub use list_stream::{ListStream, StreamedEntry};
pub use login::GrantedLogin;
pub use login_token::LoginToken;
pub use path::RemotePath;
pub use retry::RetryPolicy;
pub use rotation::Rotation;
pub use sealing::SealingKey;
pub use session::Session;
pub use silence::Unanswered;
pub use time::{ParseTimeError, storable_time};
pub use transfer::{PartialContent, UploadFacts, UploadSource, Uploaded};
