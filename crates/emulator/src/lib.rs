//! A Jottacloud on localhost, for tests, the demo and benchmarks.
//!
//! It is written from what is known of the service and shares no code with any client. What is not known is a
//! switch.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use jottad_emulator::{Act, Effect, Emulator, EmulatorConfig, Fault, Matching};
//!
//! let emulator = Emulator::start(EmulatorConfig::default()).await?;
//! let url = emulator.base_url(); // all hosts in one: /jfs/…, /files/…, /account/…, /auth/…
//! let token = emulator.login_token(); // single-use, base64url JSON
//!
//! emulator.state().act(&Act::put("Jotta/Archive/a.txt", b"by another device"))?;
//! emulator.state().set_switch("U02", "every-folder")?;
//! emulator.state().add_fault(Fault::once(
//!     Matching::endpoint("mvDir"),
//!     Effect::StatusAfter { status: 500, body: Default::default() },
//! ));
//! // … let a client work …
//! assert_eq!(emulator.state().counters().of("liststream"), 1);
//! assert!(emulator.state().entry("Jotta/Archive/a.txt").is_some());
//! emulator.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! - [`State`], from [`Emulator::state`], is the hand of the test: tree, contents, counters, requests,
//!   switches, faults,
//!   other devices, tokens, quota, locks, clock.
//! - [`Emulator::go_offline`] refuses connections and keeps the port and the account,
//!   [`Emulator::go_online`] serves again.
//! - With `proxy_listen` set, clients that have the real host names built in reach it unmodified through
//!   `HTTPS_PROXY` and `SSL_CERT_FILE`.
//! - Tests in other processes have the same by HTTP below `/control/`.
//!
//! Paths in this interface are `DEVICE/MOUNTPOINT/path` with *stored* names: nothing is encoded or decoded.

mod act;
mod address;
mod config;
mod documents;
mod emulator;
mod faults;
mod line;
mod proxy;
mod refusal;
mod server;
mod service;
mod state;
pub mod switches;
mod times;
mod tls;
mod tokens;
mod world;

pub use act::{Act, PutState, Source};
pub use config::{Account, EmulatorConfig, LegacyLogin, TokenRules};
pub use emulator::{Emulator, StartError};
pub use faults::{Effect, ErrorBody, Fault, FaultArgument, FaultError, Matching, RandomFaults};
pub use refusal::Refusal;
pub use service::{Counters, RequestRecord};
pub use state::{State, TreeEntry, TreeKind};
pub use switches::{SwitchError, SwitchInfo, Switches};
pub use tls::TlsError;
