//! One request just as it is given, and its answer as it came: for finding out how the service behaves.
//!
//! Nothing here repeats, checks or completes anything, and any status is a result. What changes something
//! belongs into the other files of this folder, where it is made safe.

use std::borrow::Cow;

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use serde_json::Value;

use crate::answer::Answer;
use crate::client::{Client, bearer};
use crate::error::{Error, ErrorKind, Result};
use crate::fault::ServerFault;
use crate::http::{Lane, connection, stalled};
use crate::path::RemotePath;

/// No answer that is looked at raw is longer; what comes beyond it is left out.
const ANSWER_LIMIT: usize = 4 << 20;

/// What a raw request asks for.
#[derive(Debug, Clone)]
pub enum RawRequest<'a> {
    /// A GET on a path.
    Look {
        /// The path.
        path: &'a RemotePath,
        /// The query, already escaped; empty for none.
        query: &'a str,
    },
    /// A command on a path: a POST without a body and without a content type (protocol 6).
    Order {
        /// The path.
        path: &'a RemotePath,
        /// The query, already escaped.
        query: &'a str,
        /// Further headers.
        headers: &'a [(&'static str, &'a str)],
    },
    /// A move or copy (protocol 6.1), without a look at either end.
    Relocation {
        /// `mv`, `mvDir` or `cp`.
        command: &'static str,
        /// What is moved.
        from: &'a RemotePath,
        /// Whether the source's URL ends in a slash, as folders need it.
        slash: bool,
        /// The new path.
        to: &'a RemotePath,
    },
    /// The announcement of an upload (protocol 5.1).
    Allocation {
        /// Where the file is to be.
        path: &'a RemotePath,
        /// Bytes of it.
        size: u64,
        /// Its hash, as it is to be sent.
        md5: &'a str,
        /// Further fields.
        more: Value,
    },
    /// Content for an upload that was announced (protocol 5.2).
    Content {
        /// Where an allocation's answer said that it is to go.
        upload_url: &'a str,
        /// The bytes.
        bytes: Bytes,
        /// The value of `Range`, if it is not the beginning.
        range: Option<String>,
    },
}

/// An answer as it came.
#[derive(Debug, Clone)]
pub struct RawAnswer {
    /// The HTTP status.
    pub status: u16,
    /// Whether the service asked to be left alone for a while.
    pub retry_after: Option<u64>,
    /// The body, at most the first 4 MiB.
    pub body: Vec<u8>,
}

impl RawAnswer {
    /// Whether the status is one of success.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as text.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The body as JSON; `Null` if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// What the service said, if this is an error.
    pub fn fault(&self) -> ServerFault {
        ServerFault::parse(self.status, &self.body)
    }
}

impl Client {
    /// Sends a request exactly once. Only a token that has ended is renewed, and the request then sent again.
    ///
    /// An error means that there was no answer; whether the request had its effect is then unknown. Refused
    /// are paths that cannot be sent and addresses that tokens must not go to.
    pub async fn send_raw(&self, request: RawRequest<'_>) -> Result<RawAnswer> {
        let mut renewed = false;
        loop {
            let access = self.0.session.access().await?;
            let (action, builder) = self.raw(&request).await?;
            let builder = builder.header(AUTHORIZATION, bearer(&access.token)?);
            let patience = self.http().options().stall_timeout;
            let response = match tokio::time::timeout(patience, builder.send()).await {
                Ok(Ok(response)) => response,
                Ok(Err(source)) => return Err(connection(&action, source)),
                Err(_) => return Err(stalled(&action, patience)),
            };
            let status = response.status().as_u16();
            let retry_after = response.headers().get(RETRY_AFTER);
            let retry_after = retry_after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
            let body =
                Answer::new(&action, response, patience, self.http().silence()).start(ANSWER_LIMIT).await;
            let answer = RawAnswer { status, retry_after, body };
            if status == 401 && answer.fault().kind() == ErrorKind::LoginNeeded {
                let fault = Box::new(answer.fault());
                self.renew_once(&mut renewed, &access, Error::Answer { action, fault, retry_after: None })
                    .await?;
                continue;
            }
            return Ok(answer);
        }
    }

    async fn raw(&self, request: &RawRequest<'_>) -> Result<(String, reqwest::RequestBuilder)> {
        let metadata = self.http().pool(Lane::Metadata);
        let order = |url: String| metadata.request(Method::POST, url).header(CONTENT_LENGTH, 0);
        Ok(match request {
            RawRequest::Look { path, query } => {
                let mark = if query.is_empty() { "" } else { "?" };
                let url = format!("{}{mark}{query}", self.url(path).await?);
                (format!("looking at {path}"), metadata.get(url))
            }
            RawRequest::Order { path, query, headers } => {
                let mut builder = order(format!("{}?{query}", self.url(path).await?));
                for (name, value) in *headers {
                    let value = HeaderValue::try_from(*value).map_err(|_| Error::InvalidPath {
                        path: path.to_string(),
                        reason: "a header's value cannot be sent",
                    })?;
                    builder = builder.header(HeaderName::from_static(name), value);
                }
                (format!("the command {query} on {path}"), builder)
            }
            RawRequest::Relocation { command, from, slash, to } => {
                let target = to.query_value(self.username().await?)?;
                let slash = if *slash { "/" } else { "" };
                let url = format!("{}{slash}?{command}={target}", self.url(from).await?);
                (format!("{command} of {from} to {to}"), order(url))
            }
            RawRequest::Allocation { path, size, md5, more } => {
                let mut fields = serde_json::json!({
                    "path": path.allocation_path()?,
                    "bytes": size,
                    "md5": md5,
                });
                if let (Some(fields), Some(more)) = (fields.as_object_mut(), more.as_object()) {
                    fields.extend(more.clone());
                }
                let url = format!("{}/files/v1/allocate", self.0.endpoints.api_url);
                let builder = metadata.post(url).header(CONTENT_TYPE, "application/json");
                (format!("announcing {path}"), builder.body(fields.to_string()))
            }
            RawRequest::Content { upload_url, bytes, range } => {
                let url = self.0.endpoints.check_named("sending content", upload_url)?;
                let mut builder = self.http().pool(Lane::Transfer).post(url);
                if let Some(range) = range {
                    builder = builder.header(reqwest::header::RANGE, range);
                }
                let builder = builder.header(CONTENT_TYPE, "application/octet-stream").body(bytes.clone());
                ("sending content".to_owned(), builder)
            }
        })
    }
}
