//! `jottad logout`: forget the tokens.

use serde_json::json;

use crate::account::login;
use crate::cli::failure::{Exit, Failure};
use crate::cli::invocation::Invocation;
use crate::commands::folder::tell_daemon;

/// Forgets the login. Files, indexes and the config stay.
pub(crate) fn run(invocation: &Invocation) -> Result<Exit, Failure> {
    let was_there = login::forget(&invocation.places)?;
    invocation.output.either(&json!({"schema": 1, "was_logged_in": was_there}), || {
        invocation.output.prose(if was_there {
            "logged out; nothing was deleted on either side"
        } else {
            "nobody was logged in"
        })
    })?;
    invocation.wait(async {
        tell_daemon(invocation).await;
        Ok(Exit::Done)
    })
}
