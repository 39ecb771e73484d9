//! An emulator in a process of its own, and its control endpoint.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::runtime::Runtime;

use crate::process::Process;

/// How long the control endpoint may take to answer.
const TIMEOUT: Duration = Duration::from_mins(1);

/// A Jottacloud of one client's own. Ends when dropped.
pub(crate) struct Service {
    _process: Process,
    base_url: String,
    pub(crate) proxy_url: String,
    pub(crate) ca_file: PathBuf,
    pub(crate) login_token: String,
    runtime: Runtime,
    client: reqwest::Client,
}

#[derive(Deserialize)]
struct Counters {
    by_endpoint: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
struct Tree {
    entries: Vec<Entry>,
}

/// What a login is granted.
#[derive(Debug, Deserialize)]
pub(crate) struct Granted {
    #[serde(skip)]
    pub(crate) username: String,
    pub(crate) access_token: String,
}

/// What a personal login token holds.
#[derive(Deserialize)]
struct LoginToken {
    username: String,
    auth_token: String,
    well_known_link: String,
}

#[derive(Deserialize)]
struct Issued {
    token: String,
}

/// An entry as the service has it.
#[derive(Debug, Deserialize)]
pub(crate) struct Entry {
    path: String,
    deleted: bool,
    pub(crate) size: Option<u64>,
}

impl Service {
    /// Starts it, with its files in `place`.
    pub(crate) fn start(program: &Path, place: &Path, latency: &str) -> anyhow::Result<Self> {
        let ca_file = place.join("ca.pem");
        let process = Command::new(program)
            .args(["--proxy-listen", "127.0.0.1:0", "--latency", latency, "--ca-file"])
            .arg(&ca_file)
            .current_dir(place)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let mut process = Process(process);
        let printed = process.0.stdout.take().context("the emulator has no output")?;
        let mut told = BTreeMap::new();
        for line in BufReader::new(printed).lines() {
            let line = line.context("reading what the emulator prints")?;
            if let Some((key, value)) = line.split_once('=') {
                told.insert(key.to_owned(), value.to_owned());
            }
            if told.contains_key("proxy_login_token") {
                break;
            }
        }
        // Minutes pass between two questions; the emulator closes what is idle for so long.
        let client =
            reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).timeout(TIMEOUT).build()?;
        let mut take = |key: &str| told.remove(key).with_context(|| format!("the emulator told no {key}"));
        Ok(Self {
            base_url: take("base_url")?,
            proxy_url: take("proxy_url")?,
            login_token: take("proxy_login_token")?,
            ca_file,
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build()?,
            client,
            _process: process,
        })
    }

    /// Requests since the last reset, by the endpoint's name.
    pub(crate) fn requests(&self) -> anyhow::Result<BTreeMap<String, u64>> {
        Ok(self.get::<Counters>("counters")?.by_endpoint)
    }

    /// Begins to count anew.
    pub(crate) fn reset(&self) -> anyhow::Result<()> {
        self.runtime.block_on(async {
            let url = format!("{}/control/counters/reset", self.base_url);
            self.client.post(url).body("{}").send().await?.error_for_status()?;
            Ok(())
        })
    }

    /// One more login token, for clients behind the proxy.
    pub(crate) fn new_login_token(&self) -> anyhow::Result<String> {
        Ok(self.issue(&serde_json::json!({ "host": "id.jottacloud.com" }))?.token)
    }

    /// Logs in by itself, for programs that cannot.
    pub(crate) fn log_in(&self) -> anyhow::Result<Granted> {
        let token = self.issue(&serde_json::json!({}))?.token;
        let text = BASE64_URL_SAFE_NO_PAD.decode(token.trim_end_matches('=')).context("reading a token")?;
        let token: LoginToken = serde_json::from_slice(&text).context("reading a token")?;
        let granted = self.runtime.block_on(async {
            let described = self.client.get(&token.well_known_link).send().await?.error_for_status()?;
            let described: serde_json::Value = described.json().await?;
            let form = [
                ("client_id", "jottacli"),
                ("grant_type", "password"),
                ("username", &token.username),
                ("password", &token.auth_token),
                ("scope", "openid offline_access"),
            ];
            let endpoint = described["token_endpoint"].as_str().unwrap_or_default();
            let granted = self.client.post(endpoint).form(&form).send().await?.error_for_status()?;
            granted.json::<Granted>().await
        });
        Ok(Granted { username: token.username, ..granted.context("logging in")? })
    }

    fn issue(&self, wanted: &serde_json::Value) -> anyhow::Result<Issued> {
        let issued = self.runtime.block_on(async {
            let url = format!("{}/control/login-token", self.base_url);
            self.client.post(url).body(wanted.to_string()).send().await?.error_for_status()?.json().await
        });
        issued.context("asking the emulator for a login token")
    }

    /// Another device does something, which may take long.
    pub(crate) fn act(&self, act: &serde_json::Value) -> anyhow::Result<()> {
        self.runtime.block_on(async {
            let url = format!("{}/control/act", self.base_url);
            let request = self.client.post(url).timeout(10 * TIMEOUT).body(act.to_string());
            request.send().await?.error_for_status()?;
            Ok(())
        })
    }

    /// The live files below a path.
    pub(crate) fn live_files(&self, path: &str) -> anyhow::Result<Vec<Entry>> {
        let mut entries = self.get::<Tree>("tree")?.entries;
        let below = format!("{path}/");
        entries.retain(|entry| !entry.deleted && entry.size.is_some() && entry.path.starts_with(&below));
        Ok(entries)
    }

    /// The size of the live file at a path.
    pub(crate) fn size(&self, path: &str) -> anyhow::Result<u64> {
        let found = self.live_files(path.rsplit_once('/').map_or("", |(parent, _)| parent))?;
        match found.iter().find(|entry| entry.path == path).and_then(|entry| entry.size) {
            Some(size) => Ok(size),
            None => bail!("{path} is not on the service"),
        }
    }

    fn get<T: DeserializeOwned>(&self, name: &str) -> anyhow::Result<T> {
        let answer = self.runtime.block_on(async {
            let url = format!("{}/control/{name}", self.base_url);
            self.client.get(url).send().await?.error_for_status()?.json().await
        });
        answer.with_context(|| format!("asking the emulator for its {name}"))
    }
}
