//! Change events over a websocket (protocol 9.5): hints that something happened, never facts.
//!
//! There is no replay, so after each connection everything may have changed. The socket runs over the same HTTP
//! client as everything else, so proxies and certificates are the same too.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use jottad_core::StoredName;
use reqwest::header::{
    CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use serde::Deserialize;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use crate::client::Client;
use crate::documents;
use crate::error::{Error, Result};
use crate::http::{Call, Lane};
use crate::path::{RemotePath, push_segment};

/// A silent client is dropped after a minute or so; the interval the service wants is not known (U-40).
const PING_INTERVAL: Duration = Duration::from_secs(30);
/// Without any word for so long the connection is dead, whatever TCP thinks.
const SILENCE_LIMIT: Duration = Duration::from_secs(90);
const MESSAGE_LIMIT: usize = 1 << 20;

/// Something that happened to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What, as the service names it: `NEW_UPLOAD`, `MOVE_DIR`, …; names unknown here may come.
    pub kind: String,
    /// Where; `None` if the event names no path that could be read.
    pub path: Option<RemotePath>,
    /// Where to, of a move.
    pub to: Option<RemotePath>,
}

/// An open stream of events.
pub struct EventStream {
    socket: WebSocketStream<reqwest::Upgraded>,
    next_ping: Instant,
    last_word: Instant,
    pings: u32,
}

impl std::fmt::Debug for EventStream {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("EventStream").finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Incoming {
    #[serde(rename = "EVENT")]
    event: Option<RawEvent>,
}

#[derive(Deserialize)]
struct RawEvent {
    #[serde(rename = "ST", default)]
    kind: String,
    #[serde(rename = "D", default)]
    details: Details,
}

#[derive(Deserialize, Default)]
struct Details {
    #[serde(rename = "FROM")]
    from: Option<String>,
    #[serde(rename = "TO")]
    to: Option<String>,
}

const ACTION: &str = "listening to events";

impl Client {
    /// Connects to the account's events. What happened before, and between two connections, is not told.
    pub async fn events(&self) -> Result<EventStream> {
        let mut url = format!("{}/rest/token", self.0.endpoints.jfs_url);
        let escape = |reason: &'static str| protocol(reason.to_owned());
        push_segment(&mut url, self.username().await?).map_err(escape)?;
        let call = Call::get(ACTION, format!("{url}/createToken"));
        let token = self.document(call, documents::read_event_token).await?;
        let mut url = format!("{}/ws", self.0.endpoints.events_url);
        push_segment(&mut url, self.username().await?).map_err(escape)?;
        push_segment(&mut url, &token).map_err(escape)?;
        let key = generate_key();
        let key_header = HeaderValue::try_from(&key).map_err(|error| protocol(error.to_string()))?;
        let call = Call { lane: Lane::Transfer, ..Call::get(ACTION, url) }
            .header(CONNECTION.as_str(), HeaderValue::from_static("Upgrade"))
            .header(UPGRADE.as_str(), HeaderValue::from_static("websocket"))
            .header(SEC_WEBSOCKET_VERSION.as_str(), HeaderValue::from_static("13"))
            .header(SEC_WEBSOCKET_KEY.as_str(), key_header);
        let answer = self.send(call).await?;
        let proof = answer.headers().get(SEC_WEBSOCKET_ACCEPT).map(HeaderValue::as_bytes);
        if answer.status() != 101 || proof != Some(derive_accept_key(key.as_bytes()).as_bytes()) {
            return Err(protocol("it is no websocket".to_owned()));
        }
        let upgraded =
            answer.into_response().upgrade().await.map_err(|error| crate::http::connection(ACTION, error))?;
        let limits = WebSocketConfig::default()
            .max_message_size(Some(MESSAGE_LIMIT))
            .max_frame_size(Some(MESSAGE_LIMIT));
        let socket = WebSocketStream::from_raw_socket(upgraded, Role::Client, Some(limits)).await;
        let now = Instant::now();
        let mut stream = EventStream { socket, next_ping: now + PING_INTERVAL, last_word: now, pings: 0 };
        let agent =
            serde_json::to_string(&self.http().options().user_agent).unwrap_or_else(|_| "\"\"".to_owned());
        stream.say(format!("{{\"SUBSCRIBE\":{{\"path\":\"ALL\",\"UA\":{agent}}}}}")).await?;
        Ok(stream)
    }
}

impl EventStream {
    /// The next event. An error means that the stream has ended: connect again and compare everything.
    ///
    /// Cancel safe: no event is lost by dropping this future.
    pub async fn next(&mut self) -> Result<Event> {
        loop {
            let wake = self.next_ping.min(self.last_word + SILENCE_LIMIT);
            let message = tokio::select! {
                message = self.socket.next() => message,
                () = tokio::time::sleep_until(wake) => {
                    self.ping().await?;
                    continue;
                }
            };
            self.last_word = Instant::now();
            match message {
                Some(Ok(Message::Text(text))) => {
                    if let Some(event) = read_event(&text) {
                        return Ok(event);
                    }
                }
                Some(Ok(Message::Close(_))) | None => return Err(ended("the service closed the stream")),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(ended(&error.to_string())),
            }
        }
    }

    /// How long the service has said nothing, answers to pings included.
    pub fn silence(&self) -> Duration {
        self.last_word.elapsed()
    }

    /// Two forms of ping are known and either may be ignored (U-40): they take turns.
    async fn ping(&mut self) -> Result<()> {
        if self.silence() >= SILENCE_LIMIT {
            return Err(ended("the service says nothing any more"));
        }
        self.next_ping = Instant::now() + PING_INTERVAL;
        self.pings = self.pings.wrapping_add(1);
        let form = if self.pings % 2 == 1 { "{\"PING\":\"Ok\"}" } else { "\"PING\"" };
        self.say(form.to_owned()).await
    }

    async fn say(&mut self, text: String) -> Result<()> {
        self.socket.send(Message::text(text)).await.map_err(|error| ended(&error.to_string()))
    }
}

/// Reads a message; `None` for everything that is no event. Numbers in it come as text, so nothing else is read.
fn read_event(text: &str) -> Option<Event> {
    let event = serde_json::from_str::<Incoming>(text).ok()?.event?;
    let place = |path: Option<String>| path.as_deref().and_then(place_of);
    Some(Event { kind: event.kind, path: place(event.details.from), to: place(event.details.to) })
}

/// `/<user>/<device>/<mountpoint>/…` in stored names.
fn place_of(path: &str) -> Option<RemotePath> {
    let mut names = path.strip_prefix('/')?.split('/').skip(1).map(StoredName::new);
    let mut place = RemotePath::new(names.next()??, names.next()??);
    for name in names {
        place = place.join(name?);
    }
    Some(place)
}

/// Finding out which forms of ping a service knows (U-40).
impl EventStream {
    /// The forms in which programs have said a ping: as an object, and as a text.
    pub const PINGS: [&str; 2] = ["{\"PING\":\"Ok\"}", "\"PING\""];

    /// Whether the service answers a ping of this text within `patience`. Events that come meanwhile are lost.
    pub async fn answers(&mut self, ping: &str, patience: Duration) -> Result<bool> {
        self.say(ping.to_owned()).await?;
        let until = Instant::now() + patience;
        loop {
            match tokio::time::timeout_at(until, self.socket.next()).await {
                Err(_) => return Ok(false),
                Ok(Some(Ok(Message::Text(text)))) if text.contains("\"PONG\"") => return Ok(true),
                Ok(Some(Ok(Message::Close(_))) | None) => return Err(ended("the service closed the stream")),
                Ok(Some(Ok(_))) => {}
                Ok(Some(Err(error))) => return Err(ended(&error.to_string())),
            }
        }
    }
}

fn protocol(reason: String) -> Error {
    Error::Protocol { action: ACTION.to_owned(), reason }
}

fn ended(reason: &str) -> Error {
    Error::StreamEnded { action: ACTION.to_owned(), reason: reason.chars().take(200).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_name_the_places_they_are_about() {
        let text = r#"{"EVENT":{"U":"u7","A":"x","T":"PATH","ST":"MOVE","TS":1767323045000,
            "D":{"FROM":"/u7/Jotta/Archive/a：b.txt","TO":"/u7/Jotta/Archive/c","revision":"3","size":"1"},
            "uuid":"x","unixnano":1767323045000000000},"Length":612}"#;
        let event = read_event(text).unwrap();
        assert_eq!(event.kind, "MOVE");
        assert_eq!(event.path.unwrap().to_string(), "Jotta/Archive/a:b.txt");
        assert_eq!(event.to.unwrap().to_string(), "Jotta/Archive/c");
    }

    #[test]
    fn an_event_without_a_readable_path_is_still_an_event() {
        for details in
            ["{}", r#"{"FROM":"/u7/Jotta"}"#, r#"{"FROM":"nowhere"}"#, r#"{"FROM":"/u7/Jotta//x"}"#]
        {
            let event =
                read_event(&format!("{{\"EVENT\":{{\"ST\":\"SOMETHING_NEW\",\"D\":{details}}}}}")).unwrap();
            assert_eq!((event.kind.as_str(), event.path), ("SOMETHING_NEW", None), "{details}");
        }
    }

    #[test]
    fn everything_else_is_no_event() {
        for text in
            [r#"{"PONG":"ok"}"#, r#"{"SUBSCRIBE":{"PATH":"ALL","LAST_UUID":"x"}}"#, "", "[]", "{", "\"x\""]
        {
            assert_eq!(read_event(text), None, "{text}");
        }
    }
}
