//! The control endpoint: what tests in other processes see and do. JSON over plain HTTP, on loopback only.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::{Method, Request};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::reply::{full, json_ok, json_with, reply};
use super::{Reply, Shared};
use crate::act::Act;
use crate::faults::{Fault, RandomFaults};
use crate::state::State;

/// The longest body: a file's content in base64.
const BODY_LIMIT: usize = 256 << 20;

/// A request that cannot be done, with its status.
struct Wrong(u16, String);

impl Wrong {
    fn request(message: impl std::fmt::Display) -> Self {
        Self(400, message.to_string())
    }
}

pub(super) async fn answer(
    shared: &Arc<Shared>,
    request: Request<Incoming>,
    query: &[(String, String)],
) -> Reply {
    let (head, body) = request.into_parts();
    let body = match Limited::new(body, BODY_LIMIT).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return failed(&Wrong::request(error)),
    };
    let state = State::new(Arc::clone(shared));
    let name = head.uri.path().trim_start_matches("/control/");
    let result = match (&head.method, name) {
        (&Method::GET, _) => get(&state, name, query),
        (&Method::POST, _) => post(&state, name, &body).map(|value| json_ok(&value)),
        _ => Err(Wrong(405, "GET or POST".to_owned())),
    };
    result.unwrap_or_else(|wrong| failed(&wrong))
}

fn failed(wrong: &Wrong) -> Reply {
    json_with(wrong.0, &json!({ "error": wrong.1 }))
}

fn get(state: &State, name: &str, query: &[(String, String)]) -> Result<Reply, Wrong> {
    let path = || {
        query.iter().find(|(key, _)| key == "path").map(|(_, value)| value.as_str()).ok_or_else(|| {
            Wrong::request("the parameter path is missing, for example ?path=Jotta/Archive/a.txt")
        })
    };
    match name {
        "tree" => serialized(&json!({ "entries": state.tree() })),
        "entry" => {
            let entry = state.entry(path()?).ok_or_else(|| Wrong(404, "no such entry".to_owned()))?;
            serialized(&entry)
        }
        "content" => {
            let content = state.content(path()?).ok_or_else(|| Wrong(404, "no such live file".to_owned()))?;
            Ok(reply(200, "application/octet-stream", full(content)))
        }
        "counters" => serialized(&state.counters()),
        "requests" => serialized(&state.requests()),
        "switches" => serialized(&state.switches()),
        "usage" => serialized(&json!({ "usage": state.usage() })),
        _ => Err(Wrong(
            404,
            format!("no control {name:?}; GET tree, entry, content, counters, requests, switches, usage"),
        )),
    }
}

fn serialized(value: &impl serde::Serialize) -> Result<Reply, Wrong> {
    serde_json::to_vec(value)
        .map(|text| reply(200, "application/json", full(text)))
        .map_err(|error| Wrong(500, error.to_string()))
}

/// The body of `POST /control/login-token`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LoginTokenBody {
    /// The host that the token leads to, for clients behind the proxy.
    host: Option<String>,
    #[serde(default = "default_realm")]
    realm: String,
}

fn default_realm() -> String {
    "jottacloud".to_owned()
}

/// The body of `POST /control/faults`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultsBody {
    /// Forget all that wait, release what hangs.
    #[serde(default)]
    clear: bool,
    #[serde(default)]
    add: Vec<Fault>,
    random: Option<RandomFaults>,
    /// Let requests that hang go on.
    #[serde(default)]
    release: bool,
    latency_milliseconds: Option<u64>,
    /// How often each event is sent.
    event_copies: Option<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QuotaBody {
    capacity: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LockBody {
    #[serde(default)]
    read: bool,
    #[serde(default)]
    write: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockBody {
    advance_seconds: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LifetimeBody {
    seconds: u64,
}

/// One act or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Acts {
    Many(Vec<Act>),
    One(Box<Act>),
}

fn post(state: &State, name: &str, body: &Bytes) -> Result<Value, Wrong> {
    match name {
        "counters/reset" => state.reset_counters(),
        "login-token" => {
            let wanted: LoginTokenBody = parse(body)?;
            let token = match wanted.host {
                Some(host) => state.login_token_for(&host, &wanted.realm),
                None => state.login_token(),
            };
            return Ok(json!({ "token": token }));
        }
        "faults" => faults(state, parse(body)?),
        "switches" => switches(state, &parse::<Value>(body)?)?,
        "act" => {
            let acts = match parse::<Acts>(body)? {
                Acts::Many(acts) => acts,
                Acts::One(act) => vec![*act],
            };
            for act in &acts {
                state.act(act).map_err(|refusal| Wrong(refusal.status, refusal.to_string()))?;
            }
        }
        "expire-tokens" => state.expire_access_tokens(),
        "revoke-sessions" => state.revoke_sessions(),
        "access-lifetime" => {
            let lifetime: LifetimeBody = parse(body)?;
            state.set_access_lifetime(Duration::from_secs(lifetime.seconds));
        }
        "quota" => state.set_capacity(parse::<QuotaBody>(body)?.capacity),
        "lock" => {
            let lock: LockBody = parse(body)?;
            state.set_locks(lock.read, lock.write);
        }
        "clock" => state.advance_clock(parse::<ClockBody>(body)?.advance_seconds),
        _ => {
            let known = "counters/reset, login-token, faults, switches, act, expire-tokens, revoke-sessions, \
                access-lifetime, quota, lock, clock";
            return Err(Wrong(404, format!("no control {name:?}; POST {known}")));
        }
    }
    Ok(json!({ "ok": true }))
}

fn faults(state: &State, wanted: FaultsBody) {
    if wanted.clear {
        state.clear_faults();
    }
    if let Some(random) = wanted.random {
        state.set_random_faults(random);
    }
    if let Some(latency) = wanted.latency_milliseconds {
        state.set_latency(Duration::from_millis(latency));
    }
    if let Some(copies) = wanted.event_copies {
        state.set_event_copies(copies);
    }
    wanted.add.into_iter().for_each(|fault| state.add_fault(fault));
    if wanted.release {
        state.release();
    }
}

/// `{"U02":"every-folder", …}`, or `{"random": SEED}`.
fn switches(state: &State, wanted: &Value) -> Result<(), Wrong> {
    let wanted = wanted.as_object().ok_or_else(|| Wrong::request("an object of switches is needed"))?;
    let mut switches = state.switches();
    for (id, answer) in wanted {
        match (id.as_str(), answer.as_u64(), answer.as_str()) {
            ("random", Some(seed), _) => switches = crate::switches::Switches::random(seed),
            (id, _, Some(answer)) => switches.set(id, answer).map_err(Wrong::request)?,
            _ => return Err(Wrong::request(format!("the answer of {id} is no text"))),
        }
    }
    state.set_switches(switches).map_err(Wrong::request)
}

/// An empty body is an empty object.
fn parse<T: DeserializeOwned>(body: &Bytes) -> Result<T, Wrong> {
    let text: &[u8] = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(text).map_err(Wrong::request)
}
