//! A client just clever enough to send what a test wants and to show what came back.

use jottad_emulator::{Emulator, EmulatorConfig, State};
use md5_of::md5;
use serde_json::{Value, json};

pub(crate) const USER: &str = "u7k2m9qp0example";

/// An emulator, and a client that is logged in to it.
pub(crate) struct World {
    pub(crate) emulator: Emulator,
    pub(crate) http: reqwest::Client,
    pub(crate) access: String,
    pub(crate) refresh: String,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// Whether the document holds this text.
    pub(crate) fn has(&self, part: &str) -> bool {
        self.text.contains(part)
    }
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(EmulatorConfig::default()).await
    }

    /// With one answer of a switch changed.
    pub(crate) async fn answering(answer: &str) -> Self {
        let mut config = EmulatorConfig::default();
        config.switches.apply(answer).unwrap();
        Self::with(config).await
    }

    pub(crate) async fn with(config: EmulatorConfig) -> Self {
        let emulator = Emulator::start(config).await.unwrap();
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let world = Self { emulator, http, access: String::new(), refresh: String::new() };
        let grant = world.log_in(&world.emulator.login_token()).await.expect(200).json();
        let text = |field: &str| grant[field].as_str().unwrap().to_owned();
        Self { access: text("access_token"), refresh: text("refresh_token"), ..world }
    }

    pub(crate) fn state(&self) -> &State {
        self.emulator.state()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.emulator.base_url())
    }

    /// The password grant with a personal login token.
    pub(crate) async fn log_in(&self, token: &str) -> Answer {
        use base64::Engine as _;
        let token = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(token).unwrap();
        let token: Value = serde_json::from_slice(&token).unwrap();
        let link = token["well_known_link"].as_str().unwrap();
        let discovery = send(self.http.get(link)).await.expect(200).json();
        let form = [
            ("client_id", "jottacli"),
            ("grant_type", "password"),
            ("username", token["username"].as_str().unwrap()),
            ("password", token["auth_token"].as_str().unwrap()),
            ("scope", "openid offline_access"),
        ];
        send(self.http.post(discovery["token_endpoint"].as_str().unwrap()).form(&form)).await
    }

    /// The token endpoint with any form.
    pub(crate) async fn token(&self, form: &[(&str, &str)]) -> Answer {
        let url = self.url("/auth/realms/jottacloud/protocol/openid-connect/token");
        send(self.http.post(url).form(form)).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.http.get(self.url(path)).bearer_auth(&self.access)).await
    }

    pub(crate) async fn post(&self, path: &str) -> Answer {
        send(self.http.post(self.url(path)).bearer_auth(&self.access)).await
    }

    /// GET below the user's own JFS path.
    pub(crate) async fn jfs(&self, path: &str) -> Answer {
        self.get(&format!("/jfs/{USER}/{path}")).await
    }

    /// POST of a command below the user's own JFS path.
    pub(crate) async fn command(&self, path: &str) -> Answer {
        self.post(&format!("/jfs/{USER}/{path}")).await
    }

    /// A move or copy; the target is `DEVICE/MOUNTPOINT/path`.
    pub(crate) async fn transfer(&self, command: &str, from: &str, to: &str) -> Answer {
        let target = format!("/{USER}/{to}").replace('/', "%2F").replace(' ', "+");
        self.command(&format!("{from}?{command}={target}")).await
    }

    pub(crate) async fn allocate_json(&self, body: Value) -> Answer {
        let request = self.http.post(self.url("/files/v1/allocate")).bearer_auth(&self.access);
        send(request.header("content-type", "application/json").body(body.to_string())).await
    }

    pub(crate) async fn allocate(&self, path: &str, content: &[u8]) -> Answer {
        self.allocate_json(json!({
            "path": format!("/jfs/{path}"),
            "bytes": content.len(),
            "md5": md5(content),
            "created": "2025-12-24T10:11:12Z",
            "modified": "2026-01-02T03:04:05Z",
        }))
        .await
    }

    /// Sends content to an upload URL, from `start` on.
    pub(crate) async fn send_content(&self, allocated: &Value, content: &[u8], start: usize) -> Answer {
        let mut request = self
            .http
            .post(allocated["upload_url"].as_str().unwrap())
            .bearer_auth(&self.access)
            .header("content-type", "application/octet-stream")
            .body(content[start..].to_vec());
        if start > 0 {
            request = request.header("range", format!("bytes={start}-{}", content.len() - 1));
        }
        send(request).await
    }

    /// Allocates and uploads what is needed.
    pub(crate) async fn upload(&self, path: &str, content: &[u8]) {
        let allocated = self.allocate(path, content).await.expect(200).json();
        if allocated["state"] != "COMPLETED" {
            self.send_content(&allocated, content, 0).await.expect(200);
        }
    }

    /// cphash with the facts of this content.
    pub(crate) async fn cphash(&self, path: &str, content: &[u8], modified: &str) -> Answer {
        let request = self
            .http
            .post(self.url(&format!("/jfs/{USER}/{path}?cphash=true")))
            .bearer_auth(&self.access)
            .header("JSize", content.len())
            .header("JMd5", md5(content))
            .header("JCreated", "2025-12-24-T10:11:12Z")
            .header("JModified", modified);
        send(request).await
    }
}

pub(crate) async fn send(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    Answer { status, text: String::from_utf8_lossy(&response.bytes().await.unwrap()).into_owned() }
}

pub(crate) mod md5_of {
    use md5::{Digest as _, Md5};
    use std::fmt::Write as _;

    pub(crate) fn md5(content: &[u8]) -> String {
        Md5::digest(content).iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        })
    }
}
