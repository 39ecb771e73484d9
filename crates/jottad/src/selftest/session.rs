//! U-24, U-28, U-40: logins, the rate of requests, the event socket.

use std::time::Duration;

use jottad_transport::{EventStream, Rotation};

use super::Asking;
use super::finding::Finding;
use super::scratch::Scratch;
use crate::cli::failure::Failure;

/// Requests in a row to see whether some are turned away.
const REQUESTS: usize = 220;
/// How long the answer to a ping may take.
const TIMEOUT: Duration = Duration::from_secs(3);

pub(crate) async fn ask(number: u8, scratch: &Scratch, asking: &Asking) -> Result<Finding, Failure> {
    match number {
        24 => spent_token(scratch, asking).await,
        28 => rate(scratch).await,
        _ => pings(scratch).await,
    }
}

async fn spent_token(scratch: &Scratch, asking: &Asking) -> Result<Finding, Failure> {
    let Some(token) = &asking.token else {
        return Ok(Finding::not_told("it needs a login of its own to spend: --token-stdin"));
    };
    let rotation = Rotation::find_out(scratch.client().session().http(), token).await?;
    let seen = format!(
        "a refresh brings another token: {}; the spent one is taken again at once: {}; the newest one is good \
         after that: {}",
        rotation.rotates, rotation.takes_spent, rotation.survives_reuse
    );
    Ok(match rotation {
        Rotation { rotates: false, .. } => Finding::answer("no-rotation", seen),
        Rotation { takes_spent: true, .. } => Finding::answer("grace-30s", seen),
        Rotation { takes_spent: false, survives_reuse: false, .. } => Finding::answer("strict", seen),
        Rotation { takes_spent: false, survives_reuse: true, .. } => Finding::other(seen),
    })
}

async fn rate(scratch: &Scratch) -> Result<Finding, Failure> {
    scratch.put("u28/file").await?;
    for asked in 1..=REQUESTS {
        let answer = scratch.look_impatiently("u28/file").await?;
        let seen = || format!("request {asked} of {REQUESTS} in a row: {}", answer.fault());
        match answer.status {
            200 => {}
            429 => return Ok(Finding::answer("429", seen())),
            503 => return Ok(Finding::answer("503-bursts", seen())),
            _ => return Ok(Finding::other(seen())),
        }
    }
    let turned_away = scratch.turned_away.borrow();
    Ok(match turned_away.first() {
        None => Finding::answer("off", format!("none of {REQUESTS} requests in a row was turned away")),
        Some(429) => Finding::answer("429", "seen while other things were asked"),
        Some(_) => Finding::answer("503-bursts", "seen while other things were asked"),
    })
}

async fn pings(scratch: &Scratch) -> Result<Finding, Failure> {
    let mut answered = Vec::new();
    for ping in EventStream::PINGS {
        // One socket each: a service may close one that says what it does not know.
        let mut events = scratch.client().events().await?;
        answered.push(events.answers(ping, TIMEOUT).await?);
    }
    let seen = format!("the object is answered: {}, the text is answered: {}", answered[0], answered[1]);
    Ok(match answered[..] {
        [true, true] => Finding::answer("both", seen),
        [true, false] => Finding::answer("object", seen),
        [false, true] => Finding::answer("text", seen),
        _ => Finding::other(seen),
    })
}
