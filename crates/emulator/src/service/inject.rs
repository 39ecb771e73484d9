//! Doing what the fault script says, before and after a request has its effect.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use http::{HeaderValue, header};
use http_body::Body as _;
use http_body_util::{BodyExt as _, BodyStream};
use hyper::body::Incoming;
use hyper::http::request::Parts;

use super::reply::{Body, Reply, full, refused, reply, streamed};
use super::{Abort, Call, Class, Endpoint, Failure, Shared};
use crate::documents::Spoilt;
use crate::faults::{Effect, ErrorBody, Fault, RandomFaults};
use crate::refusal::{Form, Refusal};

/// The faults that wait for their requests, and the rates of those that come at random.
pub(crate) struct FaultScript {
    pub(crate) random: RandomFaults,
    pub(crate) scripted: VecDeque<Fault>,
    dice: fastrand::Rng,
}

impl FaultScript {
    pub(crate) fn new(random: RandomFaults, seed: u64) -> Self {
        Self { random, scripted: VecDeque::new(), dice: fastrand::Rng::with_seed(seed ^ 0x6661_756c_7473) }
    }

    /// Takes what is due for a request: any number of transparent effects, at most one other.
    fn take(&mut self, endpoint: Endpoint, method: &str, path: &str, query: &str) -> Vec<Effect> {
        let mut taken = Vec::new();
        for fault in &mut self.scripted {
            if fault.times == 0 || !fault.matching.matches(endpoint.name(), method, path, query) {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            if fault.times != u64::MAX {
                fault.times -= 1;
            }
            taken.push(fault.effect.clone());
            if !fault.effect.is_transparent() {
                break;
            }
        }
        self.scripted.retain(|fault| fault.times > 0);
        if taken.iter().all(Effect::is_transparent) {
            taken.extend(self.roll(endpoint));
        }
        taken
    }

    fn roll(&mut self, endpoint: Endpoint) -> Option<Effect> {
        let percent = match endpoint.class() {
            Class::Read => self.random.reads,
            Class::Write => self.random.writes,
            Class::Content => self.random.contents,
            Class::Login => self.random.logins,
            Class::Other => 0.0,
        };
        if percent <= 0.0 || self.dice.f64() * 100.0 >= percent {
            return None;
        }
        let after = self.dice.u64(..4096);
        let mut choices = vec![
            Effect::status(500),
            Effect::status(502),
            Effect::Status { status: 503, body: ErrorBody::Html, retry_after: None },
            Effect::ResetBefore,
        ];
        match endpoint.class() {
            Class::Read => {
                choices.extend([Effect::CutResponse { after }, Effect::TruncateResponse { after }]);
            }
            Class::Write => choices
                .extend([Effect::ResetAfter, Effect::StatusAfter { status: 500, body: ErrorBody::Native }]),
            Class::Content => choices.extend([
                Effect::CutRequest { after },
                Effect::CutResponse { after },
                Effect::ResetAfter,
                Effect::WrongContent,
            ]),
            Class::Login | Class::Other => {}
        }
        if endpoint == Endpoint::Liststream {
            choices.extend([Effect::WithoutStats, Effect::WrongStats]);
        }
        let choice = self.dice.usize(..choices.len());
        Some(choices.swap_remove(choice))
    }
}

/// The one effect that is left for a request after the transparent ones.
pub(crate) struct Injected {
    effect: Option<Effect>,
}

/// Takes what is due for a request and waits where it says so.
pub(super) async fn prepare(shared: &Arc<Shared>, head: &Parts, endpoint: Endpoint) -> Injected {
    let taken = shared.faults().take(
        endpoint,
        head.method.as_str(),
        head.uri.path(),
        head.uri.query().unwrap_or_default(),
    );
    let mut left = None;
    for effect in taken {
        shared.recorder.add_fault();
        match effect {
            Effect::Hang => shared.released.notified().await,
            Effect::Delay { milliseconds } => tokio::time::sleep(Duration::from_millis(milliseconds)).await,
            Effect::Act { acts } => {
                for act in acts {
                    if let Err(error) = crate::state::perform(&mut shared.world(), &act) {
                        tracing::warn!(%error, ?act, "the act before a request failed");
                    }
                }
            }
            other => left = Some(other),
        }
    }
    Injected { effect: left }
}

impl Injected {
    /// After how many bytes of the request's body the connection breaks.
    pub(super) fn cut_request(&self) -> Option<u64> {
        match self.effect {
            Some(Effect::CutRequest { after }) => Some(after),
            _ => None,
        }
    }

    pub(super) fn spoilt(&self) -> Spoilt {
        Spoilt {
            without_stats: matches!(self.effect, Some(Effect::WithoutStats)),
            wrong_stats: matches!(self.effect, Some(Effect::WrongStats)),
        }
    }

    /// The answer when the request is to have no effect.
    pub(super) fn instead(&self, endpoint: Endpoint) -> Option<Result<Reply, Abort>> {
        match self.effect.as_ref()? {
            Effect::Status { status, body, retry_after } => {
                let mut reply = error(*status, *body, endpoint);
                if let Some(seconds) = retry_after {
                    reply.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(*seconds));
                }
                Some(Ok(reply))
            }
            Effect::ResetBefore => Some(Err(Abort)),
            Effect::Garbage => Some(Ok(garbage(endpoint))),
            Effect::Huge { bytes } => Some(Ok(huge(*bytes))),
            Effect::Redirect { to } => {
                let mut redirect = reply(302, "", full(""));
                if let Ok(to) = HeaderValue::from_str(to) {
                    redirect.headers_mut().insert(header::LOCATION, to);
                }
                Some(Ok(redirect))
            }
            Effect::EndlessHeaders => {
                let mut marked = reply(200, "", full(""));
                marked.extensions_mut().insert(EndlessHeaders);
                Some(Ok(marked))
            }
            _ => None,
        }
    }

    /// Spoils an answer whose request had its effect, and counts its bytes.
    pub(super) fn afterwards(&self, mut reply: Reply, call: &Call) -> Result<Reply, Abort> {
        match &self.effect {
            Some(Effect::ResetAfter) => return Err(Abort),
            Some(Effect::StatusAfter { status, body }) => reply = error(*status, *body, call.endpoint),
            Some(Effect::CutResponse { after }) => reply = reply.map(|body| cut(body, *after)),
            Some(Effect::TruncateResponse { after }) => {
                reply.headers_mut().remove(header::CONTENT_LENGTH);
                reply = reply.map(|body| truncate(body, *after));
            }
            Some(Effect::Drip { bytes, pause }) => {
                let (bytes, pause) = ((*bytes).max(1), Duration::from_millis(*pause));
                reply = reply.map(|body| drip(body, bytes, pause));
            }
            Some(Effect::WrongContent) => reply = reply.map(spoil),
            _ => {}
        }
        let shared = Arc::clone(call.shared);
        Ok(reply.map(|body| {
            if let Some(length) = body.size_hint().exact().filter(|length| *length < 1 << 16) {
                shared.recorder.add_bytes_out(usize::try_from(length).unwrap_or_default());
                return body;
            }
            body.map_frame(move |frame| {
                shared.recorder.add_bytes_out(frame.data_ref().map_or(0, Bytes::len));
                frame
            })
            .boxed_unsync()
        }))
    }
}

/// Marks a reply that the connection shall replace by header lines without an end.
#[derive(Clone, Copy)]
pub(crate) struct EndlessHeaders;

fn error(status: u16, body: ErrorBody, endpoint: Endpoint) -> Reply {
    let form = match body {
        ErrorBody::Native => Form::Native,
        ErrorBody::Html => Form::Html,
        ErrorBody::Empty => Form::Empty,
    };
    refused(&Refusal::new(status, "InternalErrorException", "injected").in_form(form), endpoint)
}

fn garbage(endpoint: Endpoint) -> Reply {
    let noise: &[u8] = b"\x00\xff<<<\x80{\"not\": [json,\n<file name=\"\xc3\x28\"><</file";
    let kind = if endpoint.speaks_json() { "application/json" } else { "text/xml" };
    reply(200, kind, full(Bytes::from_static(noise)))
}

/// A document that begins well and goes on with nothing of use.
fn huge(bytes: u64) -> Reply {
    let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<folder name=\"";
    let filler = Bytes::from(vec![b'a'; 64 * 1024]);
    let pieces = futures_util::stream::unfold((bytes, true), move |(left, is_first)| {
        let filler = filler.clone();
        async move {
            if left == 0 {
                return None;
            }
            let piece = if is_first { Bytes::from_static(head.as_bytes()) } else { filler };
            let length = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            Some((Ok(piece.slice(..length)), (left - length as u64, false)))
        }
    });
    reply(200, "text/xml", streamed(pieces))
}

/// The body's pieces of data, with errors in place.
fn pieces(body: Body) -> impl futures_util::Stream<Item = io::Result<Bytes>> + Send + Unpin {
    BodyStream::new(body).filter_map(|frame| {
        std::future::ready(match frame {
            Ok(frame) => frame.into_data().ok().map(Ok),
            Err(error) => Some(Err(error)),
        })
    })
}

/// The first bytes, then a broken connection.
fn cut(body: Body, after: u64) -> Body {
    let broken = futures_util::stream::once(std::future::ready(Err(io::ErrorKind::ConnectionReset.into())));
    streamed(first_bytes(body, after).chain(broken))
}

/// The first bytes, then a clean end.
fn truncate(body: Body, after: u64) -> Body {
    streamed(first_bytes(body, after))
}

fn first_bytes(body: Body, after: u64) -> impl futures_util::Stream<Item = io::Result<Bytes>> + Send {
    futures_util::stream::unfold((pieces(body), after), |(mut pieces, left)| async move {
        if left == 0 {
            return None;
        }
        let piece = pieces.next().await?;
        let piece = piece.map(|piece| {
            let length = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            piece.slice(..length)
        });
        let read = piece.as_ref().map_or(0, |piece| piece.len() as u64);
        Some((piece, (pieces, left - read)))
    })
}

fn drip(body: Body, bytes: usize, pause: Duration) -> Body {
    let start = (pieces(body), Bytes::new());
    streamed(futures_util::stream::unfold(start, move |(mut pieces, mut rest)| async move {
        while rest.is_empty() {
            match pieces.next().await? {
                Ok(piece) => rest = piece,
                Err(error) => return Some((Err(error), (pieces, rest))),
            }
        }
        tokio::time::sleep(pause).await;
        let drop = rest.split_to(bytes.min(rest.len()));
        Some((Ok(drop), (pieces, rest)))
    }))
}

/// The same length, but each piece begins with another byte.
fn spoil(body: Body) -> Body {
    let length = body.size_hint().exact();
    let spoilt = pieces(body).map(|piece| {
        piece.map(|piece| {
            let mut piece = BytesMut::from(piece.as_ref());
            if let Some(first) = piece.first_mut() {
                *first ^= 0x20;
            }
            piece.freeze()
        })
    });
    // The length must stay announced, or the fault would be seen without looking at the content.
    match length {
        Some(length) => http_body_util::BodyExt::boxed_unsync(Sized { body: streamed(spoilt), length }),
        None => streamed(spoilt),
    }
}

/// A body that knows how long it is.
struct Sized {
    body: Body,
    length: u64,
}

impl http_body::Body for Sized {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, io::Error>>> {
        std::pin::Pin::new(&mut self.body).poll_frame(context)
    }

    fn size_hint(&self) -> http_body::SizeHint {
        http_body::SizeHint::with_exact(self.length)
    }
}

/// The body of a request, counted, and cut where a fault says so.
pub(crate) struct RequestBody {
    incoming: Incoming,
    shared: Arc<Shared>,
    left: Option<u64>,
}

impl RequestBody {
    pub(super) fn new(incoming: Incoming, shared: Arc<Shared>, cut_after: Option<u64>) -> Self {
        Self { incoming, shared, left: cut_after }
    }

    /// The next piece; a connection that broke, or is made to break, is [`Failure::Aborted`].
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            if self.left == Some(0) {
                return Err(Failure::Aborted);
            }
            let Some(frame) = self.incoming.frame().await else { return Ok(None) };
            let frame = frame.map_err(|_| Failure::Aborted)?;
            let Ok(mut piece) = frame.into_data() else { continue };
            if let Some(left) = &mut self.left {
                piece.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= piece.len() as u64;
            }
            self.shared.recorder.add_bytes_in(piece.len());
            return Ok(Some(piece));
        }
    }

    /// The whole of a small body.
    pub(super) async fn collect(self) -> Result<Bytes, Failure> {
        self.collect_up_to(1 << 20).await
    }

    pub(super) async fn collect_up_to(mut self, limit: usize) -> Result<Bytes, Failure> {
        let mut whole = BytesMut::new();
        while let Some(piece) = self.next().await? {
            if whole.len() + piece.len() > limit {
                return Err(Refusal::new(413, "PayloadTooLargeException", "the body is too long").into());
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    }
}
