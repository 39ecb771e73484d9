//! What an emulator is started with.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::faults::RandomFaults;
use crate::switches::Switches;

/// Everything that can be chosen at the start. The default suits a test: any free port, no delay, no faults,
/// the likely answers, an unlimited account.
#[derive(Debug, Clone)]
pub struct EmulatorConfig {
    /// Where plain HTTP is served; must be a loopback address, because the control endpoint asks no one for a
    /// password.
    pub listen: SocketAddr,
    /// Where the CONNECT proxy listens, if there is to be one; must be a loopback address too.
    pub proxy_listen: Option<SocketAddr>,
    /// Where the certificate authority of the proxy is written as PEM, for `SSL_CERT_FILE`.
    pub ca_file: Option<PathBuf>,
    /// How long each request waits before it is looked at.
    pub latency: Duration,
    /// The account that is served.
    pub account: Account,
    /// Answers to what is not known of the service.
    pub switches: Switches,
    /// Faults that hit requests at random.
    pub faults: RandomFaults,
    /// How tokens behave.
    pub tokens: TokenRules,
    /// What random ids, tokens and faults are drawn from.
    pub seed: u64,
}

impl Default for EmulatorConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            proxy_listen: None,
            ca_file: None,
            latency: Duration::ZERO,
            account: Account::default(),
            switches: Switches::default(),
            faults: RandomFaults::default(),
            tokens: TokenRules::default(),
            seed: 0,
        }
    }
}

/// The account and its state.
#[derive(Debug, Clone)]
pub struct Account {
    /// The internal user name, as JFS paths have it.
    pub username: String,
    /// The e-mail address, which is no user name (protocol 1.2).
    pub email: String,
    /// The name of the person.
    pub name: String,
    /// Bytes that may be stored; `None` is unlimited.
    pub capacity: Option<u64>,
    /// Whether the account is locked.
    pub locked: bool,
    /// Whether it is locked for reading.
    pub read_locked: bool,
    /// Whether it is locked for writing.
    pub write_locked: bool,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            username: "u7k2m9qp0example".to_owned(),
            email: "kari@example.net".to_owned(),
            name: "Kari Example".to_owned(),
            capacity: None,
            locked: false,
            read_locked: false,
            write_locked: false,
        }
    }
}

/// How tokens behave.
#[derive(Debug, Clone)]
pub struct TokenRules {
    /// How long an access token lives.
    pub access_lifetime: Duration,
    /// The legacy login (protocol 2.5), which no service is known to accept any more.
    pub legacy: Option<LegacyLogin>,
    /// Whether browser logins may prove themselves by PKCE. A service that does not know it refuses the
    /// parameter.
    pub pkce: bool,
    /// Whether access tokens tell nothing to those who look into them.
    pub opaque: bool,
}

impl Default for TokenRules {
    fn default() -> Self {
        Self { access_lifetime: Duration::from_hours(1), legacy: None, pkce: true, opaque: false }
    }
}

/// A user name, password and perhaps a one-time code that the legacy login accepts.
#[derive(Debug, Clone)]
pub struct LegacyLogin {
    /// The password that belongs to the account's e-mail address.
    pub password: String,
    /// Six digits that are asked for as a second factor.
    pub one_time_code: Option<String>,
}
