//! What was asked of the service: requests by endpoint and status, bytes both ways, and the last requests
//! themselves.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use super::Endpoint;

/// How many requests are remembered one by one.
const REMEMBERED: usize = 20_000;

/// Sums since the start or the last reset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// All requests but those to the control endpoint.
    pub requests: u64,
    /// Requests by the endpoint's name: `allocate`, `upload`, `liststream`, `metadata`, `mkDir`, `mvDir` …
    pub by_endpoint: BTreeMap<&'static str, u64>,
    /// Answers by status. A connection that was broken off has none.
    pub by_status: BTreeMap<u16, u64>,
    /// Bytes of request bodies.
    pub bytes_in: u64,
    /// Bytes of answer bodies.
    pub bytes_out: u64,
    /// Faults that were injected.
    pub faults: u64,
}

impl Counters {
    /// Requests to the endpoint of this name.
    pub fn of(&self, endpoint: &str) -> u64 {
        self.by_endpoint.get(endpoint).copied().unwrap_or_default()
    }
}

/// One request that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RequestRecord {
    /// The name of the endpoint.
    pub endpoint: &'static str,
    /// The HTTP method.
    pub method: String,
    /// Path and query, as sent.
    pub target: String,
    /// The status of the answer; 0 when the connection was broken off.
    pub status: u16,
}

#[derive(Default)]
pub(crate) struct Recorder {
    inner: Mutex<(Counters, VecDeque<RequestRecord>)>,
}

impl Recorder {
    fn lock(&self) -> MutexGuard<'_, (Counters, VecDeque<RequestRecord>)> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request when it begins, so that one that hangs is seen too.
    pub(crate) fn begin(&self, endpoint: Endpoint) {
        let (counters, _) = &mut *self.lock();
        counters.requests += 1;
        *counters.by_endpoint.entry(endpoint.name()).or_default() += 1;
    }

    pub(crate) fn end(&self, record: RequestRecord) {
        let (counters, records) = &mut *self.lock();
        if record.status != 0 {
            *counters.by_status.entry(record.status).or_default() += 1;
        }
        if records.len() == REMEMBERED {
            records.pop_front();
        }
        records.push_back(record);
    }

    pub(crate) fn add_bytes_in(&self, bytes: usize) {
        self.lock().0.bytes_in += bytes as u64;
    }

    pub(crate) fn add_bytes_out(&self, bytes: usize) {
        self.lock().0.bytes_out += bytes as u64;
    }

    pub(crate) fn add_fault(&self) {
        self.lock().0.faults += 1;
    }

    pub(crate) fn counters(&self) -> Counters {
        self.lock().0.clone()
    }

    pub(crate) fn records(&self) -> Vec<RequestRecord> {
        self.lock().1.iter().cloned().collect()
    }

    pub(crate) fn reset(&self) {
        *self.lock() = Default::default();
    }
}
