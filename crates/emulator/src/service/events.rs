//! The event socket (protocol 9.5).

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use http::{HeaderValue, header};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::sync::broadcast;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::reply::{full, reply, xml};
use super::views::check_user;
use super::{Call, Failure, Reply};
use crate::documents;
use crate::refusal::Refusal;
use crate::switches::WebsocketPing;
use crate::world::Event;

/// A client from which nothing that is understood has come for so long is dropped.
const IDLE_LIMIT: Duration = Duration::from_mins(1);

/// `GET /rest/token/<user>/createToken`.
pub(super) fn create_token(call: &Call) -> Result<Reply, Failure> {
    let world = call.shared.world();
    let user = call.path().split('/').nth(3).unwrap_or_default();
    check_user(&world, user)?;
    Ok(xml(documents::token(user, &call.shared.tokens().event_token())))
}

/// The handshake; the socket then lives on its own.
pub(super) fn answer(call: &Call, upgrade: Option<OnUpgrade>) -> Result<Reply, Failure> {
    let mut parts = call.path().trim_start_matches("/ws/").split('/');
    let (user, token) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let (events, ping) = {
        let world = call.shared.world();
        check_user(&world, user)?;
        (world.subscribe(), world.switches.websocket_ping)
    };
    if !call.shared.tokens().is_event_token(token) {
        return Err(Refusal::new(401, "BadCredentialsException", "Bad credentials").into());
    }
    let (Some(key), Some(upgrade)) = (call.header("sec-websocket-key"), upgrade) else {
        return Err(Refusal::invalid("this is a websocket").into());
    };
    let mut offline = call.shared.offline.subscribe();
    tokio::spawn(async move {
        let life = async {
            let Ok(upgraded) = upgrade.await else { return };
            let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
            converse(socket, events, ping).await;
        };
        tokio::select! {
            () = life => {}
            // Either way it is over: going offline, or the emulator is gone.
            _ = offline.wait_for(|is_offline| *is_offline) => {}
        }
    });
    let mut accepted = reply(101, "", full(""));
    let headers = accepted.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(proof) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, proof);
    }
    Ok(accepted)
}

async fn converse<S>(
    mut socket: WebSocketStream<S>,
    mut events: broadcast::Receiver<Event>,
    ping: WebsocketPing,
) where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let mut last_event = String::from("00000000-0000-0000-0000-000000000000");
    let mut is_subscribed = false;
    let idle = tokio::time::sleep(IDLE_LIMIT);
    tokio::pin!(idle);
    loop {
        let outgoing = tokio::select! {
            message = socket.next() => match message {
                Some(Ok(Message::Text(text))) => {
                    let answer = respond(&text, ping, &last_event, &mut is_subscribed);
                    if answer.is_some() {
                        idle.as_mut().reset(tokio::time::Instant::now() + IDLE_LIMIT);
                    }
                    answer
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => None,
            },
            event = events.recv() => match event {
                Ok(event) => {
                    last_event = event.uuid;
                    is_subscribed.then_some(event.text)
                }
                // What a slow reader missed is lost; there is no replay.
                Err(broadcast::error::RecvError::Lagged(_)) => None,
                Err(broadcast::error::RecvError::Closed) => return,
            },
            () = &mut idle => {
                let _ = socket.close(None).await;
                return;
            }
        };
        if let Some(text) = outgoing
            && socket.send(Message::text(text)).await.is_err()
        {
            return;
        }
    }
}

fn respond(text: &str, ping: WebsocketPing, last_event: &str, is_subscribed: &mut bool) -> Option<String> {
    let message: Value = serde_json::from_str(text).ok()?;
    let path = &message["SUBSCRIBE"]["path"];
    if !path.is_null() {
        *is_subscribed = true;
        return Some(json!({ "SUBSCRIBE": { "PATH": path, "LAST_UUID": last_event } }).to_string());
    }
    let is_text = message.as_str() == Some("PING") && ping != WebsocketPing::Object;
    let is_object = message.get("PING").is_some() && ping != WebsocketPing::Text;
    (is_text || is_object).then(|| json!({ "PONG": "ok" }).to_string())
}
