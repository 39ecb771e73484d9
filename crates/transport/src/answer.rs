//! The body of an answer: bounded, watched for stalls, and told apart from one that merely stopped.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, TryStreamExt as _};
use reqwest::Version;
use reqwest::header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use tokio_util::io::StreamReader;

use crate::error::{Error, Result};
use crate::http::{connection, stalled};
use crate::silence::Silence;
use crate::xml::XmlError;

/// A successful answer whose body has not been read yet.
#[derive(Debug)]
pub(crate) struct Answer {
    action: String,
    response: reqwest::Response,
    stall: Duration,
    silence: Silence,
}

/// Bytes of a body as they come.
pub(crate) struct BodyStream(Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>);

/// A body for parsers.
pub(crate) type BodyReader = StreamReader<BodyStream, Bytes>;

impl Answer {
    pub(crate) fn new(action: &str, response: reqwest::Response, stall: Duration, silence: &Silence) -> Self {
        Self { action: action.to_owned(), response, stall, silence: silence.clone() }
    }

    pub(crate) fn action(&self) -> &str {
        &self.action
    }

    pub(crate) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    pub(crate) fn into_response(self) -> reqwest::Response {
        self.response
    }

    /// Whether the end of the body will be marked, so that a broken connection cannot pass for it.
    pub(crate) fn end_is_marked(&self) -> bool {
        self.response.version() == Version::HTTP_2
            || self.headers().contains_key(CONTENT_LENGTH)
            || self.headers().contains_key(TRANSFER_ENCODING)
    }

    /// The next bytes of the body; `None` at its proper end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>> {
        let question = self.silence.ask(&self.action);
        match tokio::time::timeout(self.stall, self.response.chunk()).await {
            Ok(Ok(chunk)) => {
                question.answered();
                Ok(chunk)
            }
            Ok(Err(source)) => Err(connection(&self.action, source)),
            Err(_) => Err(stalled(&self.action, self.stall)),
        }
    }

    /// The whole body, which must not be longer than `limit`.
    pub(crate) async fn bytes(mut self, limit: usize) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            if body.len() + chunk.len() > limit {
                return Err(Error::Protocol { action: self.action, reason: "it is too long".to_owned() });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// As much of the beginning as comes without trouble.
    pub(crate) async fn start(mut self, limit: usize) -> Vec<u8> {
        let mut body = Vec::new();
        while let Ok(Some(chunk)) = self.chunk().await {
            let room = limit - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if body.len() == limit {
                break;
            }
        }
        body
    }

    /// A JSON document.
    pub(crate) async fn json<T: serde::de::DeserializeOwned>(self) -> Result<T> {
        let action = self.action.clone();
        let body = self.bytes(1 << 20).await?;
        serde_json::from_slice(&body).map_err(|error| Error::Protocol { action, reason: error.to_string() })
    }

    /// The body as a reader; its errors carry an [`Error`] inside.
    pub(crate) fn into_reader(self) -> BodyReader {
        let stream = futures_util::stream::try_unfold(self, async |mut answer| {
            let chunk = answer.chunk().await.map_err(io::Error::other)?;
            Ok(chunk.map(|chunk| (chunk, answer)))
        });
        StreamReader::new(BodyStream(stream.into_stream().boxed()))
    }
}

impl Stream for BodyStream {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(context)
    }
}

/// Says what a parser's trouble was: the connection's own, or the document's.
pub(crate) fn document_error(action: &str, error: XmlError) -> Error {
    let reason = match error {
        XmlError::Input(error) => match error.downcast::<Error>() {
            Ok(error) => return error,
            Err(error) => error.to_string(),
        },
        other => other.to_string(),
    };
    Error::Protocol { action: action.to_owned(), reason }
}
