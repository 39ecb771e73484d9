//! Talking to the daemon: HTTP over its Unix socket. The command line is the first client of the control API.
//!
//! Every question has a deadline: a daemon that was stopped or hangs takes connections and never answers.

use std::io;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use crate::api::documents::{ErrorDocument, EventDocument};
use crate::cli::failure::{Exit, Failure};
use crate::places::Places;
use crate::service::{RunBy, last_words};

/// The header in which each side tells its version.
pub(crate) const VERSION_HEADER: &str = "jottad-version";

/// A whole answer is there after so long, or the daemon is not well. A stream of events may be without a sign
/// of life for no longer than that.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How often the daemon gives a sign of life to who listens to its events: two of them may be late.
pub(crate) const SIGN_OF_LIFE: Duration = Duration::from_secs(3);

/// Asks the daemon for a document.
pub(crate) async fn get<T: DeserializeOwned>(places: &Places, path: &str) -> Result<T, Failure> {
    ask(places, Method::GET, path, Bytes::new()).await
}

/// Gives the daemon an order.
pub(crate) async fn post<T: DeserializeOwned>(
    places: &Places,
    path: &str,
    order: &impl Serialize,
) -> Result<T, Failure> {
    ask(places, Method::POST, path, write(order)?).await
}

/// Asks for a document in one way or the other.
pub(crate) async fn ask<T: DeserializeOwned>(
    places: &Places,
    method: Method,
    path: &str,
    body: Bytes,
) -> Result<T, Failure> {
    let asked = async { receive(places, exchange(places, method, path, body).await?).await };
    within(places, asked).await
}

/// Writes an order.
pub(crate) fn write(order: &impl Serialize) -> Result<Bytes, Failure> {
    let text = serde_json::to_vec(order);
    text.map(Bytes::from).map_err(|error| Failure::failed(format!("writing the order: {error}")))
}

/// Waits no longer than that for a daemon.
async fn within<T>(places: &Places, asked: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    if let Ok(answer) = tokio::time::timeout(TIMEOUT, asked).await {
        return answer;
    }
    let message = format!(
        "the daemon for {} does not answer: nothing came for {} s",
        places.state_dir.display(),
        TIMEOUT.as_secs()
    );
    let restart = RunBy::of_daemon(places).await.restart_by_force();
    Err(Failure::new(Exit::Stalled, message)
        .path(places.socket().display().to_string())
        .hint(format!("it may be stopped or hang, and do later what it was told: {restart}")))
}

/// What happens in the daemon, as it happens.
pub(crate) struct EventStream {
    places: Places,
    body: Incoming,
    received: Vec<u8>,
}

impl EventStream {
    /// Begins to listen.
    pub(crate) async fn open(places: &Places) -> Result<Self, Failure> {
        let asked = exchange(places, Method::GET, "/v1/events", Bytes::new());
        let response = within(places, asked).await?;
        Ok(Self { places: places.clone(), body: response.into_body(), received: Vec::new() })
    }

    /// The next event; `None` when the daemon ends.
    pub(crate) async fn next(&mut self) -> Result<Option<EventDocument>, Failure> {
        loop {
            while let Some(end) = self.received.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.received.drain(..=end).collect();
                if let Some(data) = line.strip_prefix(b"data:") {
                    return parse(data).map(Some);
                }
            }
            // A daemon that was killed is, for a listener, one that has ended.
            let frame = within(&self.places, async { Ok(self.body.frame().await) }).await?;
            let Some(Ok(frame)) = frame else { return Ok(None) };
            self.received.extend(frame.into_data().unwrap_or_default());
        }
    }
}

/// Sends a request and checks that it was taken.
async fn exchange(
    places: &Places,
    method: Method,
    path: &str,
    body: Bytes,
) -> Result<Response<Incoming>, Failure> {
    let socket = places.socket();
    places.check_socket_path()?;
    let stream = UnixStream::connect(&socket).await.map_err(|error| unreachable(places, &error))?;
    let broken =
        |error: hyper::Error| cut_off(places, &format!("asking the daemon at {}", socket.display()), &error);
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    tokio::spawn(connection);
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "jottad")
        .header("content-type", "application/json")
        .header(VERSION_HEADER, env!("CARGO_PKG_VERSION"))
        .body(Full::new(body))
        .map_err(|error| Failure::failed(format!("asking the daemon for {path}: {error}")))?;
    let response = sender.send_request(request).await.map_err(broken)?;
    check_version(places, &response).await?;
    if response.status().is_success() {
        return Ok(response);
    }
    let status = response.status();
    let body = collect(places, response).await?;
    Err(match serde_json::from_slice::<ErrorDocument>(&body) {
        Ok(document) => Failure::from(document),
        Err(_) => Failure::failed(format!("the daemon answered {status}")),
    })
}

async fn check_version(places: &Places, response: &Response<Incoming>) -> Result<(), Failure> {
    let theirs =
        response.headers().get(VERSION_HEADER).and_then(|value| value.to_str().ok()).unwrap_or("unknown");
    let ours = env!("CARGO_PKG_VERSION");
    let series = |version: &str| version.split('.').next().map(str::to_owned);
    if series(theirs) == series(ours) {
        return Ok(());
    }
    Err(Failure::failed(format!("the daemon is version {theirs} and this command {ours}"))
        .hint(RunBy::of_daemon(places).await.restart()))
}

async fn receive<T: DeserializeOwned>(places: &Places, response: Response<Incoming>) -> Result<T, Failure> {
    parse(&collect(places, response).await?)
}

async fn collect(places: &Places, response: Response<Incoming>) -> Result<Bytes, Failure> {
    let body = response.into_body().collect().await;
    body.map(http_body_util::Collected::to_bytes)
        .map_err(|error| cut_off(places, "the daemon's answer broke off", &error))
}

/// A daemon that ends does not finish what it is about to say. Whoever asks again finds none.
fn cut_off(places: &Places, what: &str, error: &hyper::Error) -> Failure {
    let exit = if error.is_parse() || error.is_user() { Exit::Failed } else { Exit::NotRunning };
    Failure::new(exit, format!("{what}: {error}"))
        .hint(format!("it may have ended meanwhile: {}, and ask again", last_words(places)))
}

pub(crate) fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(text)
        .map_err(|error| Failure::failed(format!("the daemon's answer is not understood: {error}")))
}

fn unreachable(places: &Places, error: &io::Error) -> Failure {
    let socket = places.socket();
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
            Failure::new(Exit::NotRunning, format!("no daemon is running for {}", places.state_dir.display()))
                .path(socket.display().to_string())
                .hint(format!(
                    "do one pass now with `jottad run --once`, or start the daemon with `{}`",
                    crate::service::start_command(places)
                ))
        }
        _ => Failure::of_system(format_args!("connecting to {}", socket.display()), error)
            .path(socket.display().to_string()),
    }
}

impl From<ErrorDocument> for Failure {
    fn from(document: ErrorDocument) -> Self {
        let error = document.error;
        let mut failure = Self::new(Exit::from_word(&error.kind), error.message);
        if let Some(path) = error.path {
            failure = failure.path(path);
        }
        match error.hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// Writes a value into a query; any bytes.
pub(crate) fn query_value(bytes: &[u8]) -> String {
    percent_encode(bytes, NON_ALPHANUMERIC).to_string()
}
