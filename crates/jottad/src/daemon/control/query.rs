//! What stands behind the question mark of a question.

use axum::extract::RawQuery;
use percent_encoding::percent_decode_str;

use crate::cli::failure::Failure;
use crate::daemon::control::Refusal;

/// The part of a URL behind the question mark; values may be any bytes, as paths are.
pub(super) struct Query(Vec<(String, Vec<u8>)>);

impl Query {
    pub(super) fn parse(RawQuery(query): RawQuery) -> Result<Self, Refusal> {
        let pairs = query.unwrap_or_default();
        let pairs = pairs.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (key.to_owned(), percent_decode_str(value).collect())
        });
        let pairs: Vec<(String, Vec<u8>)> = pairs.collect();
        let known = ["folder", "limit", "path"];
        match pairs.iter().find(|(key, _)| !known.contains(&key.as_str())) {
            None => Ok(Self(pairs)),
            Some((key, _)) => Err(Refusal::bad_request(Failure::usage(format!("unknown parameter {key:?}")))),
        }
    }

    pub(super) fn bytes(&self, key: &str) -> Option<Vec<u8>> {
        self.0.iter().find(|(found, _)| found == key).map(|(_, value)| value.clone())
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<String>, Refusal> {
        let refuse = |_| Refusal::bad_request(Failure::usage(format!("{key} is not UTF-8")));
        self.bytes(key).map(|bytes| String::from_utf8(bytes).map_err(refuse)).transpose()
    }

    pub(super) fn number(&self, key: &str) -> Result<Option<u32>, Refusal> {
        let refuse = |_| Refusal::bad_request(Failure::usage(format!("{key} is not a number")));
        self.text(key)?.map(|text| text.parse().map_err(refuse)).transpose()
    }
}
