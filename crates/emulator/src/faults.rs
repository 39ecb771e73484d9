//! Faults on demand: what goes wrong, for which requests, how often. Plain data; `service/inject.rs` does it.

use serde::{Deserialize, Serialize};

use crate::act::Act;

/// Something that goes wrong with the next requests that match.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Which requests are meant.
    #[serde(default)]
    pub matching: Matching,
    /// How many matching requests pass before the fault begins.
    #[serde(default)]
    pub skip: u64,
    /// How many requests it hits.
    #[serde(default = "once")]
    pub times: u64,
    /// What happens to them.
    pub effect: Effect,
}

fn once() -> u64 {
    1
}

impl Fault {
    /// The next request that matches.
    pub fn once(matching: Matching, effect: Effect) -> Self {
        Self { matching, skip: 0, times: 1, effect }
    }

    /// Every request that matches, until the faults are cleared.
    pub fn always(matching: Matching, effect: Effect) -> Self {
        Self { matching, skip: 0, times: u64::MAX, effect }
    }

    /// Lets `skip` matching requests pass first.
    #[must_use]
    pub fn after(mut self, skip: u64) -> Self {
        self.skip = skip;
        self
    }

    /// Hits `times` requests.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = times;
        self
    }
}

/// Which requests a fault is for; what is not given matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Matching {
    /// The name of an endpoint, as the counters have it: `allocate`, `liststream`, `mvDir` …
    pub endpoint: Option<String>,
    /// The HTTP method.
    pub method: Option<String>,
    /// A part of the URL's path, as sent (percent-encoded).
    pub path: Option<String>,
    /// A part of the query, as sent, for example `mode=bin`.
    pub query: Option<String>,
}

impl Matching {
    /// Every request.
    pub fn any() -> Self {
        Self::default()
    }

    /// Requests to the endpoint of this name.
    pub fn endpoint(name: &str) -> Self {
        Self { endpoint: Some(name.to_owned()), ..Self::default() }
    }

    /// Of those, the ones with this in their path.
    #[must_use]
    pub fn with_path(mut self, part: &str) -> Self {
        self.path = Some(part.to_owned());
        self
    }

    pub(crate) fn matches(&self, endpoint: &str, method: &str, path: &str, query: &str) -> bool {
        let fits = |wanted: &Option<String>, test: &dyn Fn(&str) -> bool| wanted.as_deref().is_none_or(test);
        fits(&self.endpoint, &|wanted| wanted == endpoint)
            && fits(&self.method, &|wanted| wanted.eq_ignore_ascii_case(method))
            && fits(&self.path, &|wanted| path.contains(wanted))
            && fits(&self.query, &|wanted| query.contains(wanted))
    }
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Effect {
    /// The request is answered with this status and has no effect.
    Status {
        /// The HTTP status.
        status: u16,
        /// What the answer's body is.
        #[serde(default)]
        body: ErrorBody,
        /// Seconds for a `Retry-After` header.
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// The request has its effect, then it is answered with this status.
    StatusAfter {
        /// The HTTP status.
        status: u16,
        /// What the answer's body is.
        #[serde(default)]
        body: ErrorBody,
    },
    /// The connection breaks; the request has no effect.
    ResetBefore,
    /// The request has its effect, then the connection breaks. On the token endpoint: a lost refresh answer.
    ResetAfter,
    /// The connection breaks after so many bytes of the request's body; they are kept.
    CutRequest {
        /// Bytes that arrive.
        after: u64,
    },
    /// The connection breaks after so many bytes of the answer's body.
    CutResponse {
        /// Bytes that are sent.
        after: u64,
    },
    /// The answer's body ends after so many bytes as if that were all of it.
    TruncateResponse {
        /// Bytes that are sent.
        after: u64,
    },
    /// A liststream ends without `stats`.
    WithoutStats,
    /// A liststream's `stats` count one file too many.
    WrongStats,
    /// The answer comes in small pieces.
    Drip {
        /// Bytes per piece.
        bytes: usize,
        /// Milliseconds before each.
        pause: u64,
    },
    /// Header lines without an end.
    EndlessHeaders,
    /// 200 and a body that is neither XML nor JSON.
    Garbage,
    /// 200 and a well-begun XML document of so many bytes.
    Huge {
        /// Bytes of the body.
        bytes: u64,
    },
    /// The body has its length, but not its bytes.
    WrongContent,
    /// A redirect.
    Redirect {
        /// The value of `Location`.
        to: String,
    },
    /// The request waits until the hung ones are released, then goes on.
    Hang,
    /// The request waits so many milliseconds, then goes on.
    Delay {
        /// Milliseconds.
        milliseconds: u64,
    },
    /// Another device acts right before the request, which then goes on.
    Act {
        /// What it does.
        acts: Vec<Act>,
    },
}

impl Effect {
    /// An error status with the body that the host usually sends.
    pub fn status(status: u16) -> Self {
        Self::Status { status, body: ErrorBody::Native, retry_after: None }
    }

    /// Whether a request goes on as usual, so that further faults may hit it.
    pub(crate) fn is_transparent(&self) -> bool {
        matches!(self, Self::Hang | Self::Delay { .. } | Self::Act { .. })
    }
}

/// The body of an injected error.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorBody {
    /// XML or JSON, as the host does.
    #[default]
    Native,
    /// A page of a front proxy.
    Html,
    /// Nothing.
    Empty,
}

/// Faults that hit requests at random, in percent of the requests of a class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomFaults {
    /// Metadata and listings.
    pub reads: f64,
    /// Commands, allocate and cphash.
    pub writes: f64,
    /// Uploads and downloads of content.
    pub contents: f64,
    /// Discovery, tokens, the customer document.
    pub logins: f64,
}

impl RandomFaults {
    /// The same rate for everything but logins.
    pub fn percent(percent: f64) -> Self {
        Self { reads: percent, writes: percent, contents: percent, logins: 0.0 }
    }
}

/// A fault text of the command line that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no fault: use CLASS=PERCENT with reads, writes, contents, logins or all, or a fault in JSON"
)]
pub struct FaultError(String);

/// A fault as the command line has it: a rate, or one scripted fault.
#[derive(Debug, Clone, PartialEq)]
pub enum FaultArgument {
    /// `CLASS=PERCENT`.
    Rate {
        /// `reads`, `writes`, `contents`, `logins` or `all`.
        class: String,
        /// Percent of the requests.
        percent: f64,
    },
    /// A [`Fault`] in JSON.
    Scripted(Box<Fault>),
}

impl std::str::FromStr for FaultArgument {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let error = || FaultError(text.to_owned());
        if text.trim_start().starts_with('{') {
            return serde_json::from_str(text)
                .map(|fault| Self::Scripted(Box::new(fault)))
                .map_err(|_| error());
        }
        let (class, percent) = text.split_once('=').ok_or_else(error)?;
        let percent: f64 = percent.trim_end_matches('%').parse().map_err(|_| error())?;
        let is_class = ["reads", "writes", "contents", "logins", "all"].contains(&class);
        if !is_class || !(0.0..=100.0).contains(&percent) {
            return Err(error());
        }
        Ok(Self::Rate { class: class.to_owned(), percent })
    }
}

impl RandomFaults {
    /// Sets the rate of one class; `all` means everything but logins.
    pub fn set(&mut self, class: &str, percent: f64) {
        match class {
            "reads" => self.reads = percent,
            "writes" => self.writes = percent,
            "contents" => self.contents = percent,
            "logins" => self.logins = percent,
            _ => *self = Self { logins: self.logins, ..Self::percent(percent) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_from_the_command_line() {
        assert_eq!(
            "writes=30%".parse::<FaultArgument>().unwrap(),
            FaultArgument::Rate { class: "writes".to_owned(), percent: 30.0 }
        );
        let scripted = r#"{"matching":{"endpoint":"mvDir"},"effect":{"kind":"status-after","status":500}}"#;
        let expected = Fault::once(
            Matching::endpoint("mvDir"),
            Effect::StatusAfter { status: 500, body: ErrorBody::Native },
        );
        assert_eq!(scripted.parse::<FaultArgument>().unwrap(), FaultArgument::Scripted(Box::new(expected)));
        for wrong in ["", "writes", "writes=x", "writes=101", "birds=3", "{}"] {
            assert!(wrong.parse::<FaultArgument>().is_err(), "{wrong}");
        }
    }
}
