//! Sending requests and receiving answers: clients, patience, repetition. Not what is asked: that is
//! `client`.
//!
//! Two connection pools, because they have different needs: metadata may share one HTTP/2 connection, while
//! each transfer gets an HTTP/1.1 connection with a congestion window of its own. Redirects are never
//! followed to another host, bodies are bounded, and whatever makes no progress is given up.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_LENGTH, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::{Method, StatusCode};

use crate::answer::Answer;
use crate::error::{Error, Result};
use crate::fault::ServerFault;
use crate::last_word::LastWord;
use crate::retry::{Restraint, RetryPolicy, parse_retry_after};
use crate::silence::{Silence, Unanswered};

/// Connections are dropped before a server does it, because a request on a connection that is just being
/// closed fails.
const IDLE_CONNECTION: Duration = Duration::from_secs(15);
/// An error's body is read for its words; more than this it does not need.
const FAULT_LIMIT: usize = 64 * 1024;
const REDIRECTS: usize = 3;

/// How the program introduces itself and how patient it is.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// The `User-Agent`.
    pub user_agent: String,
    /// Patience for a connection.
    pub connect_timeout: Duration,
    /// Patience while nothing moves.
    pub stall_timeout: Duration,
    /// Patience for the answer once an upload's last byte is sent: the service checks the hash meanwhile.
    pub commit_timeout: Duration,
    /// When to ask again.
    pub retry: RetryPolicy,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            user_agent: concat!("jottad/", env!("CARGO_PKG_VERSION")).to_owned(),
            connect_timeout: Duration::from_secs(10),
            stall_timeout: Duration::from_mins(1),
            commit_timeout: Duration::from_mins(5),
            retry: RetryPolicy::default(),
        }
    }
}

/// The connections to the service, shared by everything that talks to it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Http(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    metadata: reqwest::Client,
    transfers: reqwest::Client,
    restraint: Restraint,
    last_word: LastWord,
    silence: Silence,
    options: HttpOptions,
}

/// Which pool a request uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    Metadata,
    Transfer,
}

/// Whether a request may be sent again when it is not known what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// It only asks, or doing it twice is the same as once.
    Freely,
    /// It must be found out first what the attempt achieved.
    Never,
}

/// A request, as often as it has to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// What is being done, and on what: the beginning of every error.
    pub(crate) action: String,
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<bytes::Bytes>,
    pub(crate) lane: Lane,
    pub(crate) repeat: Repeat,
}

impl Call {
    /// A question.
    pub(crate) fn get(action: impl Into<String>, url: String) -> Self {
        Self {
            action: action.into(),
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body: None,
            lane: Lane::Metadata,
            repeat: Repeat::Freely,
        }
    }

    /// An order with a body; it is not repeated unless said so.
    pub(crate) fn post(action: impl Into<String>, url: String, body: impl Into<bytes::Bytes>) -> Self {
        Self {
            method: Method::POST,
            body: Some(body.into()),
            repeat: Repeat::Never,
            ..Self::get(action, url)
        }
    }

    /// Says that doing this twice is the same as once.
    pub(crate) fn repeatable(self) -> Self {
        Self { repeat: Repeat::Freely, ..self }
    }

    pub(crate) fn header(mut self, name: &'static str, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }
}

/// The attempts at one call so far.
#[derive(Debug)]
pub(crate) struct Attempts {
    repeat: Repeat,
    /// A question has no effect that could be uncertain.
    has_effect: bool,
    failed: u32,
    may_be_done: bool,
}

impl Attempts {
    pub(crate) fn at(call: &Call) -> Self {
        Self { repeat: call.repeat, has_effect: call.method != Method::GET, failed: 0, may_be_done: false }
    }

    /// An error that came after these attempts: where one of them may have had its effect, it says so.
    pub(crate) fn mark(&self, error: Error) -> Error {
        error.after_uncertain(self.may_be_done)
    }

    /// One more has failed.
    pub(crate) fn fail(&mut self, error: Error) -> Error {
        let error = self.mark(error);
        self.may_be_done |= self.has_effect && error.is_uncertain();
        error
    }

    /// Waits before the next one, or returns the error if there is to be none.
    pub(crate) async fn wait_to_repeat(&mut self, http: &Http, error: Error) -> Result<()> {
        self.failed += 1;
        http.wait_to_repeat(self.repeat, self.failed, error).await
    }
}

impl Http {
    /// Sets up the pools. `https_proxy`, `no_proxy` and `SSL_CERT_FILE` are honoured.
    pub fn new(options: HttpOptions) -> Result<Self> {
        let setup = |error: reqwest::Error| Error::Setup { reason: error_chain(&error) };
        let builder = || -> Result<reqwest::ClientBuilder> {
            let builder = reqwest::Client::builder()
                .user_agent(&options.user_agent)
                .connect_timeout(options.connect_timeout)
                .pool_idle_timeout(IDLE_CONNECTION)
                .tcp_nodelay(true)
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .http1_max_headers(100);
            #[cfg(target_os = "linux")]
            let builder = builder.tcp_user_timeout(options.stall_timeout);
            with_certificates_of_the_environment(builder)
        };
        let metadata = builder()?
            .http2_adaptive_window(true)
            .http2_max_header_list_size(64 * 1024)
            .build()
            .map_err(setup)?;
        let transfers = builder()?.http1_only().build().map_err(setup)?;
        let (restraint, last_word, silence) =
            (Restraint::default(), LastWord::none_yet(), Silence::default());
        Ok(Self(Arc::new(Shared { metadata, transfers, restraint, last_word, silence, options })))
    }

    /// When the service last answered, whatever the answer was.
    pub fn last_word(&self) -> &LastWord {
        &self.0.last_word
    }

    /// What has had no answer, and for how long nothing has come; `None` if nothing is waited for.
    pub fn unanswered(&self) -> Option<Unanswered> {
        self.0.silence.unanswered()
    }

    /// How often the service has turned a request away for having too much to do (429, 503), whether or not
    /// it was sent again since.
    pub fn turned_away(&self) -> u64 {
        self.0.restraint.turned_away()
    }

    pub(crate) fn silence(&self) -> &Silence {
        &self.0.silence
    }

    /// The options it was made with.
    pub fn options(&self) -> &HttpOptions {
        &self.0.options
    }

    pub(crate) fn pool(&self, lane: Lane) -> &reqwest::Client {
        match lane {
            Lane::Metadata => &self.0.metadata,
            Lane::Transfer => &self.0.transfers,
        }
    }

    /// Sends a request, repeating it where that is allowed and may help. Returns only answers of success.
    ///
    /// Cancel safe in the sense that nothing is kept; whether the request had its effect is then unknown.
    pub(crate) async fn send(&self, call: &Call) -> Result<Answer> {
        let mut attempts = Attempts::at(call);
        loop {
            let error = match self.send_once(call).await {
                Ok(answer) => return Ok(answer),
                Err(error) => attempts.fail(error),
            };
            attempts.wait_to_repeat(self, error).await?;
        }
    }

    /// Waits before the next attempt, or returns the error if there is to be none.
    pub(crate) async fn wait_to_repeat(&self, repeat: Repeat, failed: u32, error: Error) -> Result<()> {
        let may = match repeat {
            Repeat::Freely => error.is_retryable(),
            // The request has never left: no connection, or it was turned away at the door.
            Repeat::Never => error.is_retryable() && !error.last().is_uncertain(),
        };
        let Some(delay) = self.0.options.retry.delay(failed).filter(|_| may) else { return Err(error) };
        if error.retry_after().is_some_and(|pause| pause > self.0.options.retry.longest_pause) {
            return Err(error);
        }
        if !self.0.restraint.spend() {
            return Err(error);
        }
        tracing::debug!(%error, ?delay, failed, "trying again");
        tokio::time::sleep(delay).await;
        Ok(())
    }

    /// Sends a request exactly once, same-host redirects of questions aside.
    pub(crate) async fn send_once(&self, call: &Call) -> Result<Answer> {
        let mut url = call.url.clone();
        for _ in 0..=REDIRECTS {
            let mut request =
                self.pool(call.lane).request(call.method.clone(), &url).headers(call.headers.clone());
            if let Some(body) = &call.body {
                if body.is_empty() {
                    // hyper leaves the header out for an empty body, the service insists on it.
                    request = request.header(CONTENT_LENGTH, 0);
                }
                request = request.body(body.clone());
            }
            self.hold_back(&call.action, &url).await?;
            let question = self.0.silence.ask(&call.action);
            let sent = tokio::time::timeout(self.0.options.stall_timeout, request.send()).await;
            let response = match sent {
                Ok(Ok(response)) => response,
                Ok(Err(source)) => return Err(connection(&call.action, source)),
                Err(_) => return Err(stalled(&call.action, self.0.options.stall_timeout)),
            };
            question.answered();
            match self.judge(&call.action, response).await? {
                Judged::Success(answer) => return Ok(answer),
                Judged::Elsewhere(next) if call.method == Method::GET => url = next.into(),
                Judged::Elsewhere(next) => {
                    return Err(Error::Redirected { action: call.action.clone(), host: next.into() });
                }
            }
        }
        Err(Error::Protocol { action: call.action.clone(), reason: "redirected in a circle".to_owned() })
    }

    /// Waits while the host wants to be left alone, if it is not for too long.
    pub(crate) async fn hold_back(&self, action: &str, url: &str) -> Result<()> {
        let Some(pause) = self.0.restraint.pause_left(host_of(url)) else { return Ok(()) };
        if pause > self.0.options.retry.longest_pause {
            let fault = Box::new(ServerFault::parse(429, b""));
            return Err(Error::Answer { action: action.to_owned(), fault, retry_after: Some(pause) });
        }
        tokio::time::sleep(pause).await;
        Ok(())
    }

    /// Turns answers that are not of success into errors, and notes the pause a host asks for.
    pub(crate) async fn judge(&self, action: &str, response: reqwest::Response) -> Result<Judged> {
        self.0.last_word.note();
        let status = response.status();
        if status.is_success() || status == StatusCode::SWITCHING_PROTOCOLS {
            self.0.restraint.earn();
            return Ok(Judged::Success(Answer::new(
                action,
                response,
                self.0.options.stall_timeout,
                &self.0.silence,
            )));
        }
        if status.is_redirection() {
            return redirected(action, &response);
        }
        let retry_after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| parse_retry_after(value.to_str().ok()?, jiff::Timestamp::now()));
        let is_turned_away = matches!(status.as_u16(), 429 | 503);
        if is_turned_away {
            self.0.restraint.note_turned_away();
        }
        if let Some(pause) = retry_after.filter(|_| is_turned_away) {
            self.0.restraint.pause(response.url().host_str().unwrap_or_default(), pause);
        }
        let code = response
            .headers()
            .get("x-jottacloud-otp")
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let body = Answer::new(action, response, self.0.options.connect_timeout, &self.0.silence);
        // Whatever happens to the words, the status is what counts.
        let words = body.start(FAULT_LIMIT).await;
        let answer: String = String::from_utf8_lossy(&words).chars().take(300).collect();
        tracing::debug!(action, status = status.as_u16(), answer, "the service answered an error");
        let fault = Box::new(ServerFault::parse(status.as_u16(), &words).with_code_header(code.as_deref()));
        Err(Error::Answer { action: action.to_owned(), fault, retry_after })
    }
}

/// What became of one exchange.
pub(crate) enum Judged {
    Success(Answer),
    /// The same host asks to look at another address.
    Elsewhere(reqwest::Url),
}

fn redirected(action: &str, response: &reqwest::Response) -> Result<Judged> {
    let target = response
        .headers()
        .get(LOCATION)
        .and_then(|location| response.url().join(location.to_str().ok()?).ok())
        .ok_or_else(|| Error::Protocol {
            action: action.to_owned(),
            reason: format!("status {} without a destination", response.status().as_u16()),
        })?;
    if target.origin() == response.url().origin() {
        return Ok(Judged::Elsewhere(target));
    }
    let host = target.host_str().unwrap_or("another place").chars().take(100).collect();
    Err(Error::Redirected { action: action.to_owned(), host })
}

/// The host of a URL, as far as it matters for telling hosts apart.
pub(crate) fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

pub(crate) fn connection(action: &str, source: reqwest::Error) -> Error {
    // The URL may hold names or, with legacy logins, worse; the action says what matters.
    Error::Connection { action: action.to_owned(), source: Box::new(source.without_url()) }
}

pub(crate) fn stalled(action: &str, after: Duration) -> Error {
    Error::Stalled { action: action.to_owned(), after }
}

/// On Linux the platform's verifier reads `SSL_CERT_FILE` by itself; elsewhere its certificates are added
/// here.
#[cfg(target_os = "linux")]
#[allow(clippy::unnecessary_wraps)]
fn with_certificates_of_the_environment(builder: reqwest::ClientBuilder) -> Result<reqwest::ClientBuilder> {
    Ok(builder)
}

#[cfg(not(target_os = "linux"))]
fn with_certificates_of_the_environment(builder: reqwest::ClientBuilder) -> Result<reqwest::ClientBuilder> {
    let Some(path) = std::env::var_os("SSL_CERT_FILE") else { return Ok(builder) };
    let refuse = |reason: String| Error::Setup {
        reason: format!("certificates in {}: {reason}", std::path::Path::new(&path).display()),
    };
    let pem = std::fs::read(&path).map_err(|error| refuse(error.to_string()))?;
    let certificates =
        reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| refuse(error_chain(&error)))?;
    Ok(builder.tls_certs_merge(certificates))
}

pub(crate) fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_told_apart() {
        for (url, host) in [
            ("https://a.example/x", "a.example"),
            ("https://a.example:8443/x?y", "a.example"),
            ("http://[::1]:80/x", "[::1]"),
            ("http://[::1]", "[::1]"),
            ("https://a.example", "a.example"),
        ] {
            assert_eq!(host_of(url), host, "{url}");
        }
    }
}
