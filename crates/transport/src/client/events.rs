//! Change events over a websocket (protocol 9.5): hints that something happened, never facts.
//!
//! There is no replay, so after each connection everything may have changed. The socket runs over the same
//! HTTP client as everything else, so proxies and certificates are the same too.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use jottad_core::{Content, StoredName, Timestamp};
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
use crate::http::{Call, Http, Lane};
use crate::last_word::LastWord;
use crate::path::{RemotePath, push_segment};
use crate::time::parse_time;

/// A client that says nothing is dropped, after a minute as far as we guess (protocol U-40).
const PING_INTERVAL: Duration = Duration::from_secs(45);
/// While it is not known which form of ping counts: both must come in time.
const SEARCHING_INTERVAL: Duration = Duration::from_secs(20);
/// Without any word for so long after a ping the connection is dead, whatever TCP thinks.
const ANSWER_LIMIT: Duration = Duration::from_secs(15);
/// How long the answer to a subscription is waited for.
const SUBSCRIBE_LIMIT: Duration = Duration::from_secs(5);
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
    /// Size and hash of the file that it is about, if it says so.
    pub content: Option<Content>,
    /// The file's modification time, if it says so.
    pub modified: Option<Timestamp>,
}

/// An open stream of events.
///
/// An idle stream costs one small message each way every 45 seconds.
pub struct EventStream {
    socket: WebSocketStream<reqwest::Upgraded>,
    next_ping: Instant,
    /// When the last ping was sent that nothing was heard after.
    unanswered: Option<Instant>,
    /// The form that was sent last.
    form: Option<PingForm>,
    /// The service has answered it.
    is_form_known: bool,
    /// It came before anybody asked for it.
    early: Option<Event>,
    last_word: LastWord,
    http: Http,
}

/// Two forms of ping are known, and either may be ignored (protocol U-40).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PingForm {
    Object,
    Text,
}

impl PingForm {
    const fn text(self) -> &'static str {
        match self {
            Self::Object => "{\"PING\":\"Ok\"}",
            Self::Text => "\"PING\"",
        }
    }

    const fn other(self) -> Self {
        match self {
            Self::Object => Self::Text,
            Self::Text => Self::Object,
        }
    }
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
    #[serde(rename = "PONG")]
    pong: Option<serde::de::IgnoredAny>,
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
    md5: Option<String>,
    /// A number as text.
    size: Option<String>,
    modified: Option<String>,
}

const ACTION: &str = "listening to events";

impl Client {
    /// Connects to the account's events. What happened before, and between two connections, is not told.
    ///
    /// Not cancel safe, but a connection that was begun and dropped does no harm.
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
        let mut stream = EventStream {
            socket,
            next_ping: Instant::now(),
            unanswered: None,
            form: None,
            is_form_known: false,
            early: None,
            last_word: LastWord::none_yet(),
            http: self.http().clone(),
        };
        let agent =
            serde_json::to_string(&self.http().options().user_agent).unwrap_or_else(|_| "\"\"".to_owned());
        stream.say(format!("{{\"SUBSCRIBE\":{{\"path\":\"ALL\",\"UA\":{agent}}}}}")).await?;
        // What happens from now on is told as soon as this is answered. A service that does not answer it is
        // believed.
        if let Ok(first) = tokio::time::timeout(SUBSCRIBE_LIMIT, stream.message()).await {
            stream.early = first?;
        }
        Ok(stream)
    }
}

impl EventStream {
    /// The next event. An error means that the stream has ended: connect again and compare everything.
    ///
    /// Cancel safe: no event is lost by dropping this future.
    pub async fn next(&mut self) -> Result<Event> {
        loop {
            if let Some(event) = self.early.take() {
                return Ok(event);
            }
            let limit = self.unanswered.map(|asked| asked + ANSWER_LIMIT);
            let wake = limit.map_or(self.next_ping, |limit| limit.min(self.next_ping));
            tokio::select! {
                event = self.message() => self.early = event?,
                () = tokio::time::sleep_until(wake) => self.ping().await?,
            }
        }
    }

    /// The next message; `None` if it is no event. Cancel safe.
    async fn message(&mut self) -> Result<Option<Event>> {
        let text = match self.socket.next().await {
            Some(Ok(Message::Close(_))) | None => return Err(ended("the service closed the stream")),
            Some(Err(error)) => return Err(ended(&error.to_string())),
            Some(Ok(Message::Text(text))) => Some(text),
            Some(Ok(_)) => None,
        };
        self.unanswered = None;
        self.last_word.note();
        self.http.last_word().note();
        Ok(text.and_then(|text| self.read(&text)))
    }

    /// When something last came on this stream, answers to pings included.
    pub fn last_word(&self) -> LastWord {
        self.last_word.clone()
    }

    fn read(&mut self, text: &str) -> Option<Event> {
        let message: Incoming = serde_json::from_str(text).ok()?;
        self.is_form_known |= message.pong.is_some();
        message.event.map(Event::from)
    }

    /// The service's own ping keeps the client from being dropped for silence; the websocket's, which
    /// everybody must answer, tells whether anybody is there.
    async fn ping(&mut self) -> Result<()> {
        let now = Instant::now();
        if self.unanswered.is_some_and(|asked| now >= asked + ANSWER_LIMIT) {
            return Err(ended("the service says nothing any more"));
        }
        if now < self.next_ping {
            return Ok(());
        }
        // Most often the other form is never needed, and its turn comes before the service loses patience.
        let interval = if self.is_form_known { PING_INTERVAL } else { SEARCHING_INTERVAL };
        self.next_ping = now + interval;
        self.unanswered = self.unanswered.or(Some(now));
        let form = match self.form {
            None => PingForm::Object,
            Some(form) if self.is_form_known => form,
            Some(form) => form.other(),
        };
        self.form = Some(form);
        self.say(form.text().to_owned()).await?;
        let ping = Message::Ping(tokio_tungstenite::tungstenite::Bytes::new());
        self.socket.send(ping).await.map_err(|error| ended(&error.to_string()))
    }

    async fn say(&mut self, text: String) -> Result<()> {
        self.socket.send(Message::text(text)).await.map_err(|error| ended(&error.to_string()))
    }
}

impl From<RawEvent> for Event {
    fn from(RawEvent { kind, details }: RawEvent) -> Self {
        let place = |path: Option<String>| path.as_deref().and_then(place_of);
        let content = || {
            let (size, md5) = (details.size.as_deref()?.parse().ok()?, details.md5.as_deref()?.parse().ok()?);
            Some(Content { size, md5 })
        };
        let modified = || parse_time(details.modified.as_deref()?).ok()?;
        Self {
            kind,
            content: content(),
            modified: modified(),
            path: place(details.from),
            to: place(details.to),
        }
    }
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

    /// Whether the service answers a ping of this text within `patience`. Events that come meanwhile are
    /// lost.
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

    fn read_event(text: &str) -> Option<Event> {
        serde_json::from_str::<Incoming>(text).ok()?.event.map(Event::from)
    }

    #[test]
    fn events_name_the_places_they_are_about() {
        let text = r#"{"EVENT":{"U":"u7","A":"x","T":"PATH","ST":"MOVE","TS":1767323045000,
            "D":{"FROM":"/u7/Jotta/Archive/a：b.txt","TO":"/u7/Jotta/Archive/c","revision":"3","size":"1",
            "md5":"0cc175b9c0f1b6a831c399e269772661","modified":"2026-01-02-T03:04:05Z"},
            "uuid":"x","unixnano":1767323045000000000},"Length":612}"#;
        let event = read_event(text).unwrap();
        assert_eq!(event.kind, "MOVE");
        assert_eq!(event.path.unwrap().to_string(), "Jotta/Archive/a:b.txt");
        assert_eq!(event.to.unwrap().to_string(), "Jotta/Archive/c");
        let md5 = "0cc175b9c0f1b6a831c399e269772661".parse().unwrap();
        assert_eq!(event.content, Some(Content { size: 1, md5 }));
        assert_eq!(event.modified, Some(Timestamp::from_seconds(1_767_323_045)));
    }

    #[test]
    fn what_an_event_says_of_a_file_is_all_or_nothing() {
        let content = |details: &str| {
            let text = format!(r#"{{"EVENT":{{"ST":"NEW_UPLOAD","D":{{"FROM":"/u/d/m/f"{details}}}}}}}"#);
            read_event(&text).unwrap().content
        };
        let md5 = r#","md5":"0cc175b9c0f1b6a831c399e269772661""#;
        assert!(content(&format!(r#"{md5},"size":"1""#)).is_some());
        for details in ["", md5, r#","size":"1""#, r#","size":"1","md5":"x""#] {
            assert_eq!(content(details), None, "{details}");
        }
        assert_eq!(content(&format!(r#"{md5},"size":"-1""#)), None);
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
