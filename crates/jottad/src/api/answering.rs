//! Who answers a question about the folders: what runs for this state directory, or this very process from
//! the indexes where nothing runs. Either way the same code answers.

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use hyper::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::api::documents::ErrorDocument;
use crate::api::exchange::{self, EventStream};
use crate::cli::failure::{Exit, Failure};
use crate::cli::invocation::Invocation;
use crate::cli::output::remark;
use crate::daemon::{Daemon, control};

/// How long something may have the indexes without answering: it is being started, is ending, or asks a
/// question itself. A daemon that ends may take nearly as long.
const TIMEOUT: Duration = Duration::from_secs(8);
const PAUSE: Duration = Duration::from_millis(20);
/// More than any answer has.
const LONGEST_ANSWER: usize = 1 << 30;

/// Asks for a document.
pub(crate) async fn get<T: DeserializeOwned>(invocation: &Invocation, path: &str) -> Result<T, Failure> {
    Ok(ask(invocation, Method::GET, path, Bytes::new()).await?.0)
}

/// The same, with whether nothing runs; a person is told so.
pub(crate) async fn tell<T: DeserializeOwned>(
    invocation: &Invocation,
    path: &str,
) -> Result<(T, bool), Failure> {
    let (answer, is_at_rest) = ask(invocation, Method::GET, path, Bytes::new()).await?;
    if is_at_rest && !invocation.output.json {
        let indexes = std::fs::read_dir(invocation.places.indexes());
        let has_run = indexes.is_ok_and(|mut indexes| indexes.next().is_some());
        remark(if has_run {
            "no daemon is running: this is as of the last run"
        } else {
            "no daemon is running, and there was no run yet"
        });
    }
    Ok((answer, is_at_rest))
}

/// Listens to what runs; `None` where nothing does.
pub(crate) async fn listen(invocation: &Invocation) -> Result<Option<EventStream>, Failure> {
    match EventStream::open(&invocation.places).await {
        Err(failure) if failure.exit() == Exit::NotRunning => Ok(None),
        events => events.map(Some),
    }
}

/// Gives an order.
pub(crate) async fn post<T: DeserializeOwned>(
    invocation: &Invocation,
    path: &str,
    order: &impl Serialize,
) -> Result<T, Failure> {
    Ok(ask(invocation, Method::POST, path, exchange::write(order)?).await?.0)
}

/// The answer, and whether it is that of indexes on which nothing works.
async fn ask<T: DeserializeOwned>(
    invocation: &Invocation,
    method: Method,
    path: &str,
    body: Bytes,
) -> Result<(T, bool), Failure> {
    let places = &invocation.places;
    let deadline = Instant::now() + TIMEOUT;
    loop {
        match exchange::ask(places, method.clone(), path, body.clone()).await {
            Err(failure) if failure.exit() == Exit::NotRunning => {}
            answered => return Ok((answered?, false)),
        }
        if let Some(daemon) = Daemon::at_rest(places, invocation.tolerant_config()?).await? {
            let answer = from_daemon(&daemon, method, path, body).await;
            daemon.stop().await;
            return Ok((answer?, true));
        }
        if Instant::now() >= deadline {
            let message = format!("another jottad has {} and does not answer", places.state_dir.display());
            return Err(Failure::new(Exit::Stalled, message).path(places.lock().display().to_string()).hint(
                "it may be starting or ending: ask again in a moment; `fuser` with that path names it",
            ));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Asks a daemon in this process.
pub(crate) async fn from_daemon<T: DeserializeOwned>(
    daemon: &Daemon,
    method: Method,
    path: &str,
    body: Bytes,
) -> Result<T, Failure> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json")
        .body(Body::from(body))
        .map_err(|error| Failure::failed(format!("asking for {path}: {error}")))?;
    let response = control::answer(daemon, request).await;
    let is_success = response.status().is_success();
    let text = to_bytes(response.into_body(), LONGEST_ANSWER)
        .await
        .map_err(|error| Failure::failed(format!("the answer broke off: {error}")))?;
    if is_success {
        return exchange::parse(&text);
    }
    Err(exchange::parse::<ErrorDocument>(&text)?.into())
}
