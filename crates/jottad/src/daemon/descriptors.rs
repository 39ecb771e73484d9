//! How many files this process may have open at once. Each transfer, each watched folder and each index takes some.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// With fewer than this, transfers beside each other and the watching of folders may not find room.
pub(crate) const FEWEST: u64 = 512;
/// No more are asked for: some systems give a number that means "no end" and refuse it.
const ENOUGH: u64 = 65_536;

/// What mends it where too few are allowed.
pub(crate) const REMEDY: &str =
    "let it have more: LimitNOFILE=65536 in the service's unit, or `ulimit -n 65536` before `jottad run`";

/// Takes as many as the system gives without being asked by an administrator; returns what is allowed now, if there is
/// a limit.
pub(super) fn raise_limit() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(ENOUGH, |most| most.min(ENOUGH));
    let current = limit.current?;
    if current >= wanted {
        return Some(current);
    }
    match setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum }) {
        Ok(()) => Some(wanted),
        Err(error) => {
            tracing::debug!(%error, current, "the limit of open files stays as it is");
            Some(current)
        }
    }
}
