//! A Jottacloud on localhost, in the tests' own process: what it holds, what it was asked, and what goes
//! wrong with it.

use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use jottad_emulator::{Act, Effect, Emulator, EmulatorConfig, Fault, Matching, State, TreeEntry};
use tokio::net::TcpSocket;
use tokio::runtime::Runtime;

use super::TIMEOUT;

/// Serves all emulators of all tests.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
});

/// An address where nobody listens, nor comes to listen as long as this lives.
pub(crate) struct Nobody {
    _socket: TcpSocket,
    address: SocketAddr,
}

impl Nobody {
    pub(crate) fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = socket.local_addr().unwrap();
        Self { _socket: socket, address }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// A service of its own for one test. It can do what [`State`] can.
pub(crate) struct Service {
    emulator: Emulator,
}

impl Service {
    pub(crate) fn start() -> Self {
        Self::with(EmulatorConfig::default())
    }

    pub(crate) fn with(mut config: EmulatorConfig) -> Self {
        // Its tokens are its own, so that what gets to the service of another test is refused there.
        static NEXT_SEED: AtomicU64 = AtomicU64::new(1_000_000);
        if config.seed == 0 {
            config.seed = NEXT_SEED.fetch_add(1, Ordering::Relaxed);
        }
        Self { emulator: RUNTIME.block_on(Emulator::start(config)).unwrap() }
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        self.emulator.base_url()
    }

    /// The proxy that pretends to be the real hosts, and the authority of its certificates.
    pub(crate) fn proxy(&self) -> (String, &str) {
        (self.emulator.proxy_url().unwrap(), self.emulator.ca_pem().unwrap())
    }

    /// It cannot be reached any more.
    pub(crate) fn go_offline(&mut self) {
        RUNTIME.block_on(self.emulator.go_offline()).unwrap();
    }

    /// It is back, at the same address.
    pub(crate) fn go_online(&mut self) {
        RUNTIME.block_on(self.emulator.go_online()).unwrap();
    }

    /// Another device does something.
    #[track_caller]
    #[allow(clippy::needless_pass_by_value, reason = "it is said where it is done")]
    pub(crate) fn does(&self, act: Act) {
        self.act(&act).unwrap_or_else(|refusal| panic!("{act:?}: {refusal}"));
    }

    /// Something goes wrong with every request to an endpoint until the faults are cleared.
    pub(crate) fn spoil(&self, endpoint: &str, effect: Effect) {
        self.add_fault(Fault::always(Matching::endpoint(endpoint), effect));
    }

    /// Requests to an endpoint since the counters were reset.
    pub(crate) fn asked(&self, endpoint: &str) -> u64 {
        self.counters().of(endpoint)
    }

    /// Waits until an endpoint was asked so often.
    #[track_caller]
    pub(crate) fn wait_for(&self, endpoint: &str, times: u64) {
        wait_until(&format!("{times} × {endpoint}"), || self.asked(endpoint) >= times);
    }

    /// The entry at a path, which must be there, live or trashed.
    #[track_caller]
    pub(crate) fn at(&self, path: &str) -> TreeEntry {
        self.entry(path).unwrap_or_else(|| panic!("{path} is not on the service"))
    }

    /// Whether something live is at a path.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.entry(path).is_some_and(|entry| !entry.deleted)
    }

    /// The requests that changed something, as `endpoint target`, in order.
    pub(crate) fn changes(&self) -> Vec<String> {
        let changing =
            ["allocate", "upload", "cphash", "mkDir", "dl", "dlDir", "rm", "rmDir", "mv", "mvDir", "cp"];
        let requests = self.requests();
        let changes = requests.iter().filter(|request| changing.contains(&request.endpoint));
        changes.map(|request| format!("{} {}", request.endpoint, request.target)).collect()
    }
}

impl Deref for Service {
    type Target = State;

    fn deref(&self) -> &State {
        self.emulator.state()
    }
}

/// Waits for a state that another process or thread brings about.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < TIMEOUT, "waited in vain for this: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}
