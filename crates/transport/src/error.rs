//! What can go wrong between a program and the service, and what to do about it.
//!
//! Every error says what was being done and on which thing; [`Error::kind`] is what code decides by. Tokens
//! and passwords never appear in one.

use std::io;
use std::time::Duration;

use jottad_core::in_words;

use crate::fault::ServerFault;
use crate::http::error_chain;

/// The result of everything that talks to the service.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The service answered with an error status.
    #[error("{action}: {fault}")]
    Answer {
        /// What was being done, and on what.
        action: String,
        /// What the service said.
        fault: Box<ServerFault>,
        /// How long the service asked to be left alone.
        retry_after: Option<Duration>,
    },
    /// No answer: the host is unreachable, the connection broke or TLS failed.
    #[error("{action}: {}", connection_trouble(source))]
    Connection {
        /// What was being done, and on what.
        action: String,
        /// What the HTTP library said.
        source: Box<reqwest::Error>,
    },
    /// Nothing moved on the connection for too long.
    #[error("{action}: nothing was received for {} seconds", after.as_secs())]
    Stalled {
        /// What was being done, and on what.
        action: String,
        /// The patience that was exceeded.
        after: Duration,
    },
    /// A stream that has no end of its own has ended.
    #[error("{action}: {reason}")]
    StreamEnded {
        /// What was being done.
        action: String,
        /// How it ended.
        reason: String,
    },
    /// The service redirected to another host, which is never followed.
    #[error("{action}: refused a redirect to {host}")]
    Redirected {
        /// What was being done, and on what.
        action: String,
        /// Where it pointed.
        host: String,
    },
    /// The service named an address that is not its own, to which no token is sent.
    #[error("{action}: refused to send to {host}, which does not belong to the service")]
    ForeignHost {
        /// What was being done, and on what.
        action: String,
        /// Where it was to go.
        host: String,
    },
    /// The answer is not what the protocol promises.
    #[error("{action}: the answer is not understood: {reason}")]
    Protocol {
        /// What was being done, and on what.
        action: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A listing ended before it was proven complete: it proves no absence.
    #[error("{action}: the listing is incomplete: {reason}")]
    Incomplete {
        /// What was being done, and on what.
        action: String,
        /// What is missing.
        reason: String,
    },
    /// Received or stored bytes do not have the announced size and hash.
    #[error("{action}: {reason}")]
    Corrupt {
        /// What was being done, and on what.
        action: String,
        /// What differs.
        reason: String,
    },
    /// The local source gave fewer bytes than announced.
    #[error("{action}: the file changed while it was read")]
    SourceChanged {
        /// What was being done, and on what.
        action: String,
    },
    /// The local source could not be read.
    #[error("{action}: cannot read the file: {}", in_words(source))]
    Source {
        /// What was being done, and on what.
        action: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The local destination could not be written.
    #[error("{action}: cannot write the file: {}", in_words(source))]
    Sink {
        /// What was being done, and on what.
        action: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// What is needed is not there.
    #[error("{action}: {reason}")]
    Missing {
        /// What was being done, and on what.
        action: String,
        /// What is missing.
        reason: String,
    },
    /// Something stands where something else is to go.
    #[error("{action}: {reason}")]
    Exists {
        /// What was being done, and on what.
        action: String,
        /// What is in the way.
        reason: String,
    },
    /// The path, name or time cannot be sent to the service at all.
    #[error("{path}: {reason}")]
    InvalidPath {
        /// The path as given.
        path: String,
        /// Why not.
        reason: &'static str,
    },
    /// The last attempt had no effect, but an earlier one at the same request may have had one.
    #[error("{0}")]
    AfterUncertain(Box<Error>),
    /// Renewing the login failed for everybody who waited for it.
    #[error("{0}")]
    Renewal(std::sync::Arc<Error>),
    /// A new login is the only way on.
    #[error("login needed: {reason}")]
    LoginNeeded {
        /// Why the present one does not serve.
        reason: String,
    },
    /// The kept login was made on another machine, whose it is.
    #[error("the login in {path} was made on another machine, and using it here would log both out")]
    LoginOfOtherMachine {
        /// The file.
        path: String,
    },
    /// The login token is malformed.
    #[error("the login token is not valid: {reason}")]
    LoginToken {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The login was refused by the service.
    #[error("the login was refused: {reason}")]
    LoginRefused {
        /// What the service said.
        reason: String,
    },
    /// The port to which a browser comes back cannot be listened on.
    #[error("port {port}, to which the browser comes back, cannot be used: {}", in_words(source))]
    RedirectPort {
        /// The port.
        port: u16,
        /// What the operating system said.
        source: io::Error,
    },
    /// The legacy login wants a one-time code.
    #[error("the login needs the one-time code that was sent by {channel}")]
    OneTimeCodeNeeded {
        /// How the code reaches the user, as the service names it (`SMS`).
        channel: String,
    },
    /// The credentials cannot be kept or read.
    #[error("credentials in {path}: {}", in_words(source))]
    Credentials {
        /// The file.
        path: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// A URL that tokens must not be sent to.
    #[error("refused the address {url:?}: {reason}")]
    InsecureUrl {
        /// The address, shortened.
        url: String,
        /// Why.
        reason: &'static str,
    },
    /// The HTTP client cannot be set up: no usable certificates, a bad proxy address.
    #[error("cannot set up HTTPS: {reason}")]
    Setup {
        /// What the library said.
        reason: String,
    },
}

/// What kind of trouble an [`Error`] is: what callers decide by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The thing is not there (404).
    NotFound,
    /// Only a new login helps.
    LoginNeeded,
    /// The service cannot be reached, or the connection broke.
    Offline,
    /// The service asks to be left alone for a while (429).
    RateLimited,
    /// No space left on the account (460).
    QuotaExceeded,
    /// The account is locked, or this is not allowed (403).
    Locked,
    /// The service will never take this name, path or parameter (400 and other client errors).
    Refused,
    /// The service does not take so many bytes (413).
    TooLarge,
    /// Something stands where something else is to go.
    Conflict,
    /// A listing that is not proven complete.
    Incomplete,
    /// Bytes do not match their size or hash.
    Corrupt,
    /// The local file changed while it was sent.
    SourceChanged,
    /// The service failed (5xx).
    ServerFault,
    /// The service answered something that the protocol does not know.
    Protocol,
    /// The local disk refused: source, destination or credentials.
    Local,
    /// The program was set up wrongly: a bad URL, token or certificate store.
    Setup,
}

impl Error {
    /// What kind of trouble this is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Answer { fault, .. } => fault.kind(),
            Self::Renewal(error) => error.kind(),
            Self::AfterUncertain(error) => error.kind(),
            Self::Connection { .. } | Self::Stalled { .. } | Self::StreamEnded { .. } => ErrorKind::Offline,
            Self::Redirected { .. } | Self::ForeignHost { .. } | Self::Protocol { .. } => ErrorKind::Protocol,
            Self::Incomplete { .. } => ErrorKind::Incomplete,
            Self::Corrupt { .. } => ErrorKind::Corrupt,
            Self::SourceChanged { .. } => ErrorKind::SourceChanged,
            Self::Source { .. } | Self::Sink { .. } | Self::Credentials { .. } => ErrorKind::Local,
            Self::Missing { .. } => ErrorKind::NotFound,
            Self::Exists { .. } => ErrorKind::Conflict,
            Self::InvalidPath { .. } => ErrorKind::Refused,
            Self::LoginNeeded { .. }
            | Self::LoginOfOtherMachine { .. }
            | Self::LoginRefused { .. }
            | Self::OneTimeCodeNeeded { .. } => ErrorKind::LoginNeeded,
            Self::LoginToken { .. }
            | Self::InsecureUrl { .. }
            | Self::RedirectPort { .. }
            | Self::Setup { .. } => ErrorKind::Setup,
        }
    }

    /// Whether the same request may succeed later without anybody doing anything.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self.kind(),
            ErrorKind::Offline
                | ErrorKind::RateLimited
                | ErrorKind::Incomplete
                | ErrorKind::Corrupt
                | ErrorKind::SourceChanged
                | ErrorKind::ServerFault
        )
    }

    /// Whether the thing asked for is not there.
    pub fn is_not_found(&self) -> bool {
        self.kind() == ErrorKind::NotFound
    }

    /// What the local system said, where that is what failed.
    pub fn of_system(&self) -> Option<io::ErrorKind> {
        match self {
            Self::Renewal(error) => error.of_system(),
            Self::AfterUncertain(error) => error.of_system(),
            Self::Source { source, .. } | Self::Sink { source, .. } | Self::Credentials { source, .. } => {
                Some(source.kind())
            }
            _ => None,
        }
    }

    /// Whether who answered could not prove to be the service: a proxy or the login page of a network may have
    /// answered in its place, or this machine's clock is wrong.
    pub fn is_untrusted(&self) -> bool {
        match self {
            // The HTTP library hands the reason on as text.
            Self::Connection { source, .. } => error_chain(source).contains("invalid peer certificate"),
            Self::Renewal(error) => error.is_untrusted(),
            Self::AfterUncertain(error) => error.is_untrusted(),
            _ => false,
        }
    }

    /// How long the service asked to be left alone, where it did.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Answer { retry_after, .. } => *retry_after,
            Self::Renewal(error) => error.retry_after(),
            Self::AfterUncertain(error) => error.retry_after(),
            _ => None,
        }
    }

    /// Whether a request that was not only a question may have had its effect although it failed (protocol
    /// 6.2).
    pub fn is_uncertain(&self) -> bool {
        match self {
            Self::Connection { source, .. } => !source.is_connect() && !source.is_builder(),
            Self::Stalled { .. } | Self::Protocol { .. } | Self::AfterUncertain(_) => true,
            Self::Answer { fault, .. } => fault.status() >= 500,
            _ => false,
        }
    }

    /// The same error, noting that an earlier attempt at the request may have had its effect.
    #[must_use]
    pub(crate) fn after_uncertain(self, uncertain: bool) -> Self {
        if uncertain && !self.is_uncertain() { Self::AfterUncertain(Box::new(self)) } else { self }
    }

    /// The error of the last attempt.
    pub fn last(&self) -> &Self {
        match self {
            Self::AfterUncertain(error) => error.last(),
            error => error,
        }
    }
}

/// The innermost words of a connection error: its outer layers only repeat the URL.
fn connection_trouble(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let prefix = if error.is_connect() {
        "cannot connect"
    } else if error.is_timeout() {
        "timed out"
    } else {
        "the connection broke"
    };
    format!("{prefix}: {}", in_words(innermost))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whatever_the_system_says_is_told_without_its_number() {
        let source = || io::Error::from_raw_os_error(2);
        let action = || "sending".to_owned();
        // Nothing listens at the port of a listener that is gone.
        let address = std::net::TcpListener::bind("127.0.0.1:0").and_then(|gone| gone.local_addr()).unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let refused = http.get(format!("http://{address}/")).send().await.unwrap_err();
        for error in [
            Error::Source { action: action(), source: source() },
            Error::Sink { action: action(), source: source() },
            Error::RedirectPort { port: 1, source: source() },
            Error::Credentials { path: "/x".to_owned(), source: source() },
            Error::Connection { action: action(), source: Box::new(refused) },
        ] {
            let text = error.to_string();
            assert!(text.contains(": ") && !text.contains("os error"), "{text}");
        }
    }

    #[test]
    fn a_pause_that_the_service_asks_for_is_known_whatever_is_said_around_it() {
        let pause = Some(Duration::from_secs(7));
        let refused = || Error::Answer {
            action: "sending".to_owned(),
            fault: Box::new(ServerFault::parse(503, b"")),
            retry_after: pause,
        };
        for error in [refused(), Error::Renewal(refused().into()), Error::AfterUncertain(refused().into())] {
            assert_eq!(error.retry_after(), pause, "{error:?}");
        }
        assert_eq!(Error::LoginNeeded { reason: String::new() }.retry_after(), None);
    }
}
