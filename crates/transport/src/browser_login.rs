//! Logging in with a browser: authorization code, loopback redirect, PKCE (protocol 2.4).
//!
//! The browser is sent to the login service and comes back to a port of this machine with a code. The `state`
//! that goes around proves that it is the answer to this login; PKCE keeps the code useless to anybody else.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use futures_util::StreamExt as _;
use futures_util::future::select_all;
use futures_util::stream::FuturesUnordered;
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::brands::Brand;
use crate::credentials::{CredentialFile, Flow};
use crate::endpoints::Endpoints;
use crate::error::{Error, Result};
use crate::host_identity::HostIdentity;
use crate::http::Http;
use crate::login::{GrantedLogin, Obtained, refusal};
use crate::oauth;

/// The only port that the service is known to send a browser back to.
pub const REDIRECT_PORT: u16 = 53682;

/// A browser sends its whole request at once; nobody else has business here.
const TIMEOUT: Duration = Duration::from_secs(5);
const REQUEST_LIMIT: usize = 16 * 1024;

/// What a browser brings back: good for one exchange, by the login that sent it out.
#[derive(Debug)]
pub struct AuthorizationCode(SecretString);

/// A login that waits for a browser.
#[derive(Debug)]
pub struct BrowserLogin {
    http: Http,
    brand: &'static Brand,
    listeners: Vec<TcpListener>,
    url: String,
    redirect_uri: String,
    token_endpoint: String,
    state: String,
    verifier: Option<SecretString>,
}

impl BrowserLogin {
    /// Asks the brand's login service and starts listening on [`REDIRECT_PORT`], or on any free port with 0.
    pub async fn begin(http: Http, endpoints: &Endpoints, brand: &'static Brand, port: u16) -> Result<Self> {
        let discovery = oauth::discover(&http, &brand.well_known_link(endpoints)).await?;
        let authorization_endpoint = discovery.authorization_endpoint.ok_or_else(|| Error::LoginRefused {
            reason: format!("{} offers no login by browser", brand.name),
        })?;
        let listeners = listen(port).await?;
        let port =
            listeners.first().and_then(|listener| listener.local_addr().ok()).map_or(port, |it| it.port());
        let redirect_uri = format!("http://localhost:{port}/");
        let state = random_text()?;
        let takes = |method: &str| discovery.code_challenge_methods_supported.iter().any(|it| it == method);
        let verifier = if takes("S256") { Some(random_text()?) } else { None };
        let mut url = Url::parse(&authorization_endpoint).map_err(|error| Error::Protocol {
            action: "asking the login service".to_owned(),
            reason: error.to_string(),
        })?;
        url.query_pairs_mut().extend_pairs([
            ("client_id", brand.client_id()),
            ("redirect_uri", &redirect_uri),
            ("response_type", "code"),
            ("scope", brand.scopes()),
            ("state", &state),
        ]);
        if let Some(verifier) = &verifier {
            let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
            url.query_pairs_mut()
                .append_pair("code_challenge", &challenge)
                .append_pair("code_challenge_method", "S256");
        }
        Ok(Self {
            http,
            brand,
            listeners,
            url: url.into(),
            redirect_uri,
            token_endpoint: discovery.token_endpoint,
            state,
            verifier: verifier.map(SecretString::from),
        })
    }

    /// The port that the browser comes back to.
    pub fn port(&self) -> u16 {
        self.listeners.first().and_then(|listener| listener.local_addr().ok()).map_or(0, |it| it.port())
    }

    /// Where the browser is to go.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Waits for the browser to come back with a code, or with the service's refusal. Everything else that
    /// comes is sent away. Has no end of its own; dropping the future turns away whoever is just being
    /// answered.
    pub async fn wait(&self) -> Result<AuthorizationCode> {
        // Browsers open connections ahead of need: one that says nothing must not keep the others waiting.
        let mut visits = FuturesUnordered::new();
        loop {
            let accepting = self.listeners.iter().map(|listener| Box::pin(listener.accept()));
            tokio::select! {
                (accepted, ..) = select_all(accepting) => match accepted {
                    Ok((stream, _)) => visits.push(self.attend(stream)),
                    // Too many open files, for example: it passes, but not at once.
                    Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
                },
                Some(outcome) = visits.next(), if !visits.is_empty() => {
                    if let Some(outcome) = outcome {
                        return outcome;
                    }
                }
            }
        }
    }

    /// Answers one visitor; the outcome of the login if it is the browser that was sent out.
    async fn attend(&self, mut stream: TcpStream) -> Option<Result<AuthorizationCode>> {
        let request = tokio::time::timeout(TIMEOUT, read_request(&mut stream)).await;
        let outcome = request.ok().flatten().and_then(|url| self.code_in(&url));
        let words = match &outcome {
            Some(Ok(_)) => "The service let you in. Go back to the terminal: it tells how the login ended.",
            Some(Err(_)) => "The login was refused. The terminal tells more.",
            None => "This is not the answer to the login that is waiting.",
        };
        let status = if outcome.is_some() { "200 OK" } else { "404 Not Found" };
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\n\
             Referrer-Policy: no-referrer\r\n\r\n<!doctype html><title>jottad</title><p>{words}"
        );
        let _ = tokio::time::timeout(TIMEOUT, answer_and_close(stream, &answer)).await;
        outcome
    }

    /// The code in an address that a browser was sent to and could not open, for one that runs on another
    /// machine;
    /// `None` if it is not an address of this login.
    pub fn read_address(&self, address: &str) -> Option<Result<AuthorizationCode>> {
        let address = address.trim();
        // Some browsers leave the scheme out when the address is copied.
        let url = Url::parse(address).ok().filter(|url| url.scheme().starts_with("http"));
        self.code_in(&url.or_else(|| Url::parse(&format!("http://{address}")).ok())?)
    }

    /// Exchanges the code for a login that the file is to keep.
    pub async fn redeem(
        self,
        code: AuthorizationCode,
        file: CredentialFile,
        host: &HostIdentity,
    ) -> Result<GrantedLogin> {
        // A code is single-use: it must not be spent if the result cannot be kept.
        drop(file.reserve()?);
        let mut form = vec![
            ("client_id", self.brand.client_id()),
            ("grant_type", "authorization_code"),
            ("code", code.0.expose_secret()),
            ("redirect_uri", &self.redirect_uri),
        ];
        if let Some(verifier) = &self.verifier {
            form.push(("code_verifier", verifier.expose_secret()));
        }
        let granted = oauth::request_grant(&self.http, "logging in", &self.token_endpoint, &form).await;
        let grant = granted.map_err(|error| refusal(error, "the browser's code is used up or expired"))?;
        let obtained = Obtained {
            brand: self.brand.key,
            flow: Flow::Standard,
            token_endpoint: self.token_endpoint.clone(),
            client_id: self.brand.client_id(),
            client_secret: None,
            host,
        };
        GrantedLogin::new(self.http, file, grant, obtained)
    }

    /// The code in an address that a browser was sent back to; `None` if it is not about this login.
    fn code_in(&self, url: &Url) -> Option<Result<AuthorizationCode>> {
        let parameter = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value);
        if parameter("state")? != self.state.as_str() {
            return None;
        }
        if let Some(code) = parameter("code").filter(|code| !code.is_empty()) {
            return Some(Ok(AuthorizationCode(SecretString::from(code.into_owned()))));
        }
        let words = parameter("error_description").or_else(|| parameter("error"));
        let words = words.unwrap_or_else(|| "no reason given".into());
        let reason = words.chars().filter(|character| !character.is_control()).take(200).collect();
        Some(Err(Error::LoginRefused { reason }))
    }
}

/// `localhost` is either family, and browsers differ in which they try.
async fn listen(port: u16) -> Result<Vec<TcpListener>> {
    let busy = |source: std::io::Error| Error::RedirectPort { port, source };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(busy)?;
    let port = listener.local_addr().map_err(busy)?.port();
    let mut listeners = vec![listener];
    // A machine without the newer family is fine.
    listeners.extend(TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await.ok());
    Ok(listeners)
}

/// The address in the request line; `None` for what is no request of a browser.
async fn read_request(stream: &mut TcpStream) -> Option<Url> {
    let mut head = Vec::new();
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        if head.len() >= REQUEST_LIMIT || stream.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    let line = head.split(|byte| *byte == b'\r').next()?;
    let target = std::str::from_utf8(line).ok()?.strip_prefix("GET ")?.split(' ').next()?;
    let query = target.strip_prefix("/?")?;
    let mut url = Url::parse("http://localhost/").ok()?;
    url.set_query(Some(query));
    Some(url)
}

async fn answer_and_close(mut stream: TcpStream, answer: &str) {
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}

/// 256 random bits as text.
fn random_text() -> Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::Setup { reason: format!("no random numbers: {error}") })?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}
