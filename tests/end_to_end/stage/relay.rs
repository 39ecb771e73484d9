//! A way to the service that can fall silent: it takes connections and bytes, and passes nothing on, as a
//! dropped tunnel does.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

/// Passes bytes on between a port of its own and a service, for as long as the test lives.
pub(crate) struct Relay {
    address: SocketAddr,
    silence: Silence,
}

#[derive(Clone, Default)]
struct Silence(Arc<(Mutex<bool>, Condvar)>);

impl Relay {
    /// `url` is where the service is.
    pub(crate) fn to(url: &str) -> Self {
        let service: SocketAddr = url.trim_start_matches("http://").parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let silence = Silence::default();
        let heard = silence.clone();
        thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let Ok(far) = TcpStream::connect(service) else { continue };
                let ends = (near.try_clone().unwrap(), far.try_clone().unwrap());
                heard.clone().pass_on(near, far);
                heard.clone().pass_on(ends.1, ends.0);
            }
        });
        Self { address, silence }
    }

    /// Where the service seems to be.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Whether nothing is passed on from now on.
    pub(crate) fn set_silent(&self, is_silent: bool) {
        let (state, changed) = &*self.silence.0;
        *state.lock().unwrap() = is_silent;
        changed.notify_all();
    }
}

impl Silence {
    fn pass_on(self, mut from: TcpStream, mut to: TcpStream) {
        thread::spawn(move || {
            let mut buffer = [0; 16 * 1024];
            while let Ok(read @ 1..) = from.read(&mut buffer) {
                self.wait_for_its_end();
                if to.write_all(&buffer[..read]).is_err() {
                    break;
                }
            }
            self.wait_for_its_end();
            // The other side may be gone already.
            let _ = to.shutdown(Shutdown::Write);
        });
    }

    fn wait_for_its_end(&self) {
        let (state, changed) = &*self.0;
        let mut is_silent = state.lock().unwrap();
        while *is_silent {
            is_silent = changed.wait(is_silent).unwrap();
        }
    }
}
