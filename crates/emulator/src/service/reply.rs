//! Answers: bodies, content types, errors.

use std::io;

use bytes::Bytes;
use futures_util::Stream;
use http::{HeaderValue, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::Response;
use hyper::body::Frame;
use serde_json::json;

use super::Endpoint;
use crate::documents;
use crate::refusal::{Form, Refusal};

pub(crate) type Body = UnsyncBoxBody<Bytes, io::Error>;
pub(crate) type Reply = Response<Body>;

/// A body that is there as a whole.
pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// A body that comes in pieces.
pub(crate) fn streamed(pieces: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Body {
    use futures_util::TryStreamExt as _;
    StreamBody::new(pieces.map_ok(Frame::data)).boxed_unsync()
}

pub(crate) fn reply(status: u16, content_type: &'static str, body: Body) -> Reply {
    let mut reply = Response::new(body);
    *reply.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if !content_type.is_empty() {
        reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    reply
}

pub(crate) fn xml(document: String) -> Reply {
    xml_with(200, document)
}

pub(crate) fn xml_with(status: u16, document: String) -> Reply {
    reply(status, "text/xml;charset=utf-8", full(document))
}

pub(crate) fn json_with(status: u16, value: &serde_json::Value) -> Reply {
    reply(status, "application/json;charset=UTF-8", full(value.to_string()))
}

pub(crate) fn json_ok(value: &serde_json::Value) -> Reply {
    json_with(200, value)
}

pub(crate) fn html(status: u16, text: &str) -> Reply {
    reply(
        status,
        "text/html",
        full(format!("<html><head><title>{text}</title></head><body><h1>{text}</h1></body></html>\n")),
    )
}

/// The error in the form that the endpoint's host uses (protocol 7.1, 7.2).
pub(crate) fn refused(refusal: &Refusal, endpoint: Endpoint) -> Reply {
    let mut reply = refusal_document(refusal, endpoint);
    if refusal.status == 429 {
        reply.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    reply
}

fn refusal_document(refusal: &Refusal, endpoint: Endpoint) -> Reply {
    match refusal.form {
        Form::Empty => reply(refusal.status, "", full(Bytes::new())),
        Form::Html => html(refusal.status, &format!("{} {}", refusal.status, refusal.reason())),
        Form::Native if endpoint.speaks_json() => json_with(
            refusal.status,
            &json!({
                "code": refusal.status,
                "message": refusal.message,
                "cause": "",
                "error_id": refusal.exception,
                "x-id": "123456789012",
            }),
        ),
        Form::Native => xml_with(refusal.status, documents::error(refusal)),
    }
}
