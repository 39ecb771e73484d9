//! How many files this process may have open at once. Each transfer, each watched folder and each index takes
//! some.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// With fewer than this, transfers beside each other and the watching of folders may not find room.
pub(crate) const FEWEST: u64 = 512;
/// No more are asked for.
const ENOUGH: u64 = 65_536;

/// What macOS allows at most unless it was told otherwise.
const SURELY_ALLOWED: u64 = 10_240;

/// What mends it where too few are allowed.
pub(crate) const REMEDY: &str =
    "let it have more: LimitNOFILE=65536 in the service's unit, or `ulimit -n 65536` before `jottad run`";

/// Takes as many as the system gives without being asked by an administrator; returns what is allowed now, if
/// there is a limit.
pub(super) fn raise_limit() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let current = limit.current?;
    // Some systems refuse what the limit itself would allow.
    for wanted in [ENOUGH, SURELY_ALLOWED] {
        let wanted = limit.maximum.map_or(wanted, |most| most.min(wanted));
        if current >= wanted {
            break;
        }
        match setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum }) {
            Ok(()) => return Some(wanted),
            Err(error) => tracing::debug!(%error, wanted, "the limit of open files cannot be raised to this"),
        }
    }
    Some(current)
}
