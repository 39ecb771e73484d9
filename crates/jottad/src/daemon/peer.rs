//! Who is at the other end of the control socket: only the same user, and root, may ask.

use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use axum::serve::IncomingStream;
use tokio::net::UnixListener;

use crate::cli::failure::Failure;
use crate::daemon::control::Refusal;

/// The user at the other end, as the kernel says; `None` if it does not say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer {
    user: Option<u32>,
}

impl Connected<IncomingStream<'_, UnixListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        Self { user: stream.io().peer_cred().ok().map(|credentials| credentials.uid()) }
    }
}

impl Peer {
    fn may_ask(self) -> bool {
        self.user.is_some_and(|user| user == rustix::process::geteuid().as_raw() || user == 0)
    }
}

/// Refuses everybody else.
pub(super) async fn check(ConnectInfo(peer): ConnectInfo<Peer>, request: Request, next: Next) -> Response {
    if peer.may_ask() {
        return next.run(request).await;
    }
    Refusal::forbidden(Failure::failed("this daemon belongs to another user")).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_user_and_root_may_ask() {
        let own = rustix::process::geteuid().as_raw();
        let cases = [(Some(own), true), (Some(0), true), (Some(own + 1), false), (None, false)];
        for (user, may) in cases {
            assert_eq!(Peer { user }.may_ask(), may, "{user:?}");
        }
    }
}
