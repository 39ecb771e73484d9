//! HTTP: from a request to the world and back.

mod commands;
mod control;
mod counters;
mod download;
mod endpoint;
mod events;
mod files;
mod identity;
mod inject;
mod legacy;
mod public;
mod public_archive;
mod query;
mod reply;
mod upload;
mod views;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::{Method, Request};
use tokio::sync::{Notify, watch};

pub use counters::{Counters, RequestRecord};
pub(crate) use endpoint::{Class, Endpoint};
pub(crate) use inject::{EndlessHeaders, FaultScript};
pub(crate) use reply::{Body, Reply};

use crate::config::EmulatorConfig;
use crate::refusal::{Form, Refusal};
use crate::switches::{ExpiredTokenBody, Throttling};
use crate::tokens::{Access, Tokens};
use crate::world::World;
use counters::Recorder;
use inject::{Injected, RequestBody};

/// What all connections share.
pub(crate) struct Shared {
    world: Mutex<World>,
    tokens: Mutex<Tokens>,
    faults: Mutex<FaultScript>,
    pub(crate) recorder: Recorder,
    /// Microseconds that each request waits.
    latency: AtomicU64,
    /// Wakes requests that hang.
    pub(crate) released: Notify,
    /// Where plain HTTP is served.
    pub(crate) base_url: OnceLock<String>,
    requests: AtomicU64,
    /// Turns true when sockets that live on their own shall end.
    pub(crate) offline: watch::Sender<bool>,
}

/// The connection is to be broken off without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is broken off on purpose")]
pub(crate) struct Abort;

/// How a client reached the service, to build URLs that lead it back.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    /// By the base URL, all hosts in one.
    Plain,
    /// Through the proxy, by the name of a host.
    Proxied {
        /// Without a port.
        host: String,
    },
}

/// One request, without its body.
pub(crate) struct Call<'a> {
    pub(crate) shared: &'a Arc<Shared>,
    pub(crate) head: &'a Parts,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) origin: &'a Origin,
    pub(crate) endpoint: Endpoint,
}

/// What answering can end in besides a reply.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The service says no.
    Refused(Refusal),
    /// The client is gone, or shall think that the service is.
    Aborted,
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Shared {
    pub(crate) fn new(config: &EmulatorConfig) -> Self {
        let world = World::new(config.account.clone(), config.switches, config.seed);
        let tokens = Tokens::new(config.tokens.clone(), &config.account.username, config.seed);
        let shared = Self {
            world: Mutex::new(world),
            tokens: Mutex::new(tokens),
            faults: Mutex::new(FaultScript::new(config.faults, config.seed)),
            recorder: Recorder::default(),
            latency: AtomicU64::new(0),
            released: Notify::new(),
            base_url: OnceLock::new(),
            requests: AtomicU64::new(0),
            offline: watch::channel(false).0,
        };
        shared.set_latency(config.latency);
        shared
    }

    /// The world. A panic under the lock is a bug of the emulator; others go on with what it left.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tokens(&self) -> MutexGuard<'_, Tokens> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, FaultScript> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_latency(&self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.latency.store(micros, Ordering::Relaxed);
    }

    pub(crate) fn base_url(&self) -> &str {
        self.base_url.get().map_or("", String::as_str)
    }
}

impl Call<'_> {
    pub(crate) fn path(&self) -> &str {
        self.head.uri.path()
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The base of URLs for one of the service's hosts: itself on localhost, the host's name behind the
    /// proxy.
    pub(crate) fn url_of(&self, host: &str) -> String {
        match self.origin {
            Origin::Plain => self.asked_at(),
            Origin::Proxied { .. } => format!("https://{host}"),
        }
    }

    /// Where the client believes the emulator to be, which may be a relay before it: a client takes no other
    /// host and port for the service's.
    pub(crate) fn asked_at(&self) -> String {
        match self.header("host").filter(|host| !host.is_empty()) {
            Some(host) => format!("http://{host}"),
            None => self.shared.base_url().to_owned(),
        }
    }

    /// Whether the request came to the host of the old uploads.
    pub(crate) fn is_upload_host(&self) -> bool {
        match self.origin {
            Origin::Plain => self.path().starts_with("/up/"),
            Origin::Proxied { host } => host.starts_with("up."),
        }
    }

    /// Demands a valid access token (protocol 2.6).
    fn authorize(&self) -> Result<(), Refusal> {
        let token = self.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        let (now, expired_body) = {
            let world = self.shared.world();
            (world.now(), world.switches.expired_token_body)
        };
        let access =
            token.map_or(Access::Unknown, |token| self.shared.tokens().check_access(token.trim(), now));
        let bad = || Refusal::new(401, "BadCredentialsException", "Bad credentials");
        match (access, expired_body) {
            (Access::Valid, _) => Ok(()),
            (Access::Expired, ExpiredTokenBody::Html) => Err(bad().in_form(Form::Html)),
            (Access::Expired, ExpiredTokenBody::Empty) => Err(bad().in_form(Form::Empty)),
            (Access::Expired, ExpiredTokenBody::Error) | (Access::Unknown, _) => Err(bad()),
        }
    }
}

/// Answers one request.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    origin: Origin,
    mut request: Request<Incoming>,
) -> Result<Reply, Abort> {
    let query = query::parse(request.uri().query().unwrap_or_default());
    let endpoint = Endpoint::of(request.method(), request.uri().path(), &query);
    if endpoint == Endpoint::Control && matches!(origin, Origin::Plain) {
        return Ok(control::answer(&shared, request, &query).await);
    }
    shared.recorder.begin(endpoint);
    let upgrade = (endpoint == Endpoint::Events).then(|| hyper::upgrade::on(&mut request));
    let (head, body) = request.into_parts();
    let latency = Duration::from_micros(shared.latency.load(Ordering::Relaxed));
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let injected = inject::prepare(&shared, &head, endpoint).await;
    let body = RequestBody::new(body, Arc::clone(&shared), injected.cut_request());
    let call = Call { shared: &shared, head: &head, query, origin: &origin, endpoint };
    let result = match injected.instead(endpoint) {
        Some(result) => result,
        None => route(&call, body, upgrade, &injected).await,
    };
    let result = result.and_then(|reply| injected.afterwards(reply, &call));
    let status = result.as_ref().map_or(0, |reply| reply.status().as_u16());
    shared.recorder.end(counters::RequestRecord {
        endpoint: endpoint.name(),
        method: head.method.to_string(),
        target: head.uri.path_and_query().map_or_else(String::new, ToString::to_string),
        status,
    });
    result
}

async fn route(
    call: &Call<'_>,
    body: RequestBody,
    upgrade: Option<hyper::upgrade::OnUpgrade>,
    injected: &Injected,
) -> Result<Reply, Abort> {
    match answer(call, body, upgrade, injected).await {
        Ok(reply) => Ok(reply),
        Err(Failure::Refused(refusal)) => Ok(reply::refused(&refusal, call.endpoint)),
        Err(Failure::Aborted) => Err(Abort),
    }
}

async fn answer(
    call: &Call<'_>,
    body: RequestBody,
    upgrade: Option<hyper::upgrade::OnUpgrade>,
    injected: &Injected,
) -> Result<Reply, Failure> {
    throttle(call)?;
    match call.endpoint {
        Endpoint::Discovery | Endpoint::Token | Endpoint::Authorize => {
            return identity::answer(call, body).await;
        }
        Endpoint::LegacyRegister | Endpoint::LegacyToken => return legacy::answer(call, body).await,
        Endpoint::Public | Endpoint::WebPage => return public::answer(call),
        Endpoint::Events => return events::answer(call, upgrade),
        _ => call.authorize()?,
    }
    match call.endpoint {
        Endpoint::Customer => Ok(files::customer(call)),
        Endpoint::Allocate => files::allocate(call, body).await,
        Endpoint::PurgeTrash => Ok(files::purge_trash(call)),
        Endpoint::Upload => upload::upload(call, body).await,
        Endpoint::EventToken => events::create_token(call),
        Endpoint::Control | Endpoint::Unknown => {
            Err(Refusal::new(404, "NotFoundException", call.path().to_owned()).into())
        }
        _ if call.head.method == Method::POST => commands::answer(call, body).await,
        _ if call.head.method == Method::GET => views::answer(call, injected),
        _ => Err(Refusal::new(405, "MethodNotAllowedException", call.head.method.to_string()).into()),
    }
}

/// Refuses some requests for their rate, under U-28.
fn throttle(call: &Call<'_>) -> Result<(), Failure> {
    let count = call.shared.requests.fetch_add(1, Ordering::Relaxed);
    let throttling = call.shared.world().switches.throttling;
    let is_refused = match throttling {
        Throttling::Off => return Ok(()),
        Throttling::TooManyRequests => (count % 50 == 49).then_some(429),
        Throttling::Bursts => (count % 200 >= 195).then_some(503),
    };
    match is_refused {
        Some(status) => Err(Refusal::new(status, "TooManyRequestsException", "slow down").into()),
        None => Ok(()),
    }
}
