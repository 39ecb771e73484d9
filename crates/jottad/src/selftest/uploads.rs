//! U-15, U-17, U-19, U-20, U-21, U-23, U-27, U-37, U-42, U-44, U-46, U-47, U-48: announcing, sending,
//! revisions.

use serde_json::json;

use super::Asking;
use super::finding::Finding;
use super::scratch::Scratch;
use crate::cli::failure::Failure;
use crate::cli::output::now;

/// A little more than 32 bits can count.
pub(crate) const FOUR_GIBIBYTES: u64 = 4 << 30;

pub(crate) async fn ask(number: u8, scratch: &Scratch, asking: &Asking) -> Result<Finding, Failure> {
    match number {
        15 => rejected_conflict(scratch).await,
        17 => touched_number(scratch).await,
        19 => known_content(scratch, asking).await,
        20 => interrupted(scratch).await,
        21 => over_folder(scratch).await,
        23 => used_again(scratch).await,
        27 => corrupt(scratch).await,
        37 => revisions(scratch).await,
        42 => largest_file(scratch).await,
        44 => unreadable_time(scratch).await,
        46 => after_trashing(scratch).await,
        47 => two_at_once(scratch).await,
        _ => conditions(scratch).await,
    }
}

/// The number of a file's current revision.
pub(crate) async fn number(scratch: &Scratch, path: &str) -> Result<Option<u64>, Failure> {
    Ok(scratch.file(path).await?.and_then(|details| details.entry.current?.number))
}

async fn rejected_conflict(scratch: &Scratch) -> Result<Finding, Failure> {
    scratch.put("u15/file").await?;
    let sample = scratch.sample();
    let more = json!({"conflict_handler": "REJECT_CONFLICTS"});
    let answer = scratch.allocate_as("u15/file", sample.size(), &sample.md5(), more).await?.answer;
    let seen = answer.fault().to_string();
    Ok(match answer.status {
        200 => Finding::other("the conflict is not rejected"),
        409 => Finding::answer("conflict", seen),
        400 => Finding::answer("bad-request", seen),
        _ => Finding::other(seen),
    })
}

async fn touched_number(scratch: &Scratch) -> Result<Finding, Failure> {
    let sample = scratch.put("u17/file").await?;
    let before = number(scratch, "u17/file").await?;
    scratch.touch("u17/file", &sample, 1_600_000_000).await?;
    let after = number(scratch, "u17/file").await?;
    let seen = format!("revision {before:?} before, {after:?} after").replace("Some", "");
    Ok(match (before, after) {
        (Some(before), Some(after)) if before == after => Finding::answer("kept", seen),
        (Some(before), Some(after)) if after > before => Finding::answer("raised", seen),
        _ => Finding::other(seen),
    })
}

/// Whether an announcement finds this content, which is then at `path`.
async fn is_found(scratch: &Scratch, path: &str, sample: &super::scratch::Sample) -> Result<bool, Failure> {
    let allocated = scratch.allocate(path, sample).await?;
    if !allocated.answer.is_success() {
        return Err(Failure::failed(format!("announcing known content: {}", allocated.answer.fault())));
    }
    Ok(allocated.is_known())
}

async fn known_content(scratch: &Scratch, asking: &Asking) -> Result<Finding, Failure> {
    let live = scratch.put("u19/live").await?;
    if !is_found(scratch, "u19/live-again", &live).await? {
        return Ok(Finding::answer("off", "content of a live file is asked for again"));
    }
    let trashed = scratch.put("u19/trashed").await?;
    scratch.must("u19/trashed", "dl=true").await?;
    if !is_found(scratch, "u19/trashed-again", &trashed).await? {
        return Ok(Finding::answer("live", "content of a live file is found, that of a trashed one is not"));
    }
    if !asking.destroy {
        return Ok(Finding::not_told(
            "content in the trash is found; to tell \"account\" from \"global\" a file must be destroyed: \
             --destroy",
        ));
    }
    let destroyed = scratch.put("u19/destroyed").await?;
    scratch.must("u19/destroyed", "rm=true").await?;
    scratch.settle_listings().await;
    // Something else is written in between: what was destroyed may be forgotten only then.
    scratch.put("u19/meanwhile").await?;
    Ok(if is_found(scratch, "u19/destroyed-again", &destroyed).await? {
        Finding::answer("global", "content of a destroyed file is found")
    } else {
        Finding::answer("account", "content in the trash is found, that of a destroyed file is not")
    })
}

async fn interrupted(scratch: &Scratch) -> Result<Finding, Failure> {
    let one = scratch.sample();
    let allocated = scratch.allocate_wanted("u20/file", &one).await?;
    let short = scratch.send_content(&allocated, &one.bytes[..5], None).await?;
    let held = scratch.allocate_wanted("u20/file", &one).await?.resume_position;
    if held != 5 {
        return Ok(Finding::other(format!(
            "of 5 bytes sent (status {}) {held} are kept, also for the same content",
            short.status
        )));
    }
    let other = scratch.allocate_wanted("u20/file", &scratch.sample()).await?.resume_position;
    if other != 0 {
        return Ok(Finding::other(format!("other content is to go on at byte {other} of the first")));
    }
    Ok(match scratch.allocate_wanted("u20/file", &one).await?.resume_position {
        0 => Finding::answer("dropped", "after other content was announced, the first begins anew"),
        5 => Finding::answer("kept", "after other content was announced, the first still goes on"),
        held => Finding::other(format!("after other content was announced, {held} of 5 bytes are kept")),
    })
}

async fn over_folder(scratch: &Scratch) -> Result<Finding, Failure> {
    scratch.put("u21/folder/child").await?;
    let answer = scratch.allocate("u21/folder", &scratch.sample()).await?.answer;
    let seen = answer.fault().to_string();
    Ok(match answer.status {
        409 => Finding::answer("conflict", seen),
        400 => Finding::answer("bad-request", seen),
        200 => Finding::other("it is taken"),
        _ => Finding::other(seen),
    })
}

async fn used_again(scratch: &Scratch) -> Result<Finding, Failure> {
    let sample = scratch.sample();
    let allocated = scratch.allocate_wanted("u23/file", &sample).await?;
    scratch.send_content(&allocated, &sample.bytes[..5], None).await?;
    let range = format!("bytes=5-{}", sample.size() - 1);
    let answer = scratch.send_content(&allocated, &sample.bytes[5..], Some(range)).await?;
    Ok(if answer.is_success() && scratch.holds("u23/file", &sample).await? {
        Finding::answer("reusable", "the rest was taken at the same address")
    } else {
        Finding::answer("single-use", format!("the rest at the same address: {}", answer.fault()))
    })
}

async fn corrupt(scratch: &Scratch) -> Result<Finding, Failure> {
    let sample = scratch.sample();
    let allocated = scratch.allocate_wanted("u27/file", &sample).await?;
    let mut wrong = sample.bytes.clone();
    wrong[0] ^= 1;
    let corrupt = scratch.send_content(&allocated, &wrong, None).await?.status;
    let sample = scratch.sample();
    let allocated = scratch.allocate_wanted("u27/other", &sample).await?;
    let short = scratch.send_content(&allocated, &sample.bytes[..5], None).await?.status;
    let seen = format!("status {corrupt} for wrong bytes, {short} for too few");
    Ok(match (short, corrupt) {
        (420, 421) => Finding::answer("split", seen),
        (420, 420) => Finding::answer("same", seen),
        _ => Finding::other(seen),
    })
}

async fn revisions(scratch: &Scratch) -> Result<Finding, Failure> {
    const SENT: usize = 6;
    for _ in 0..SENT {
        scratch.put("u37/file").await?;
    }
    let kept = async || -> Result<usize, Failure> {
        let details = scratch.file("u37/file").await?;
        Ok(details.map_or(0, |details| {
            let complete = |revision: &&jottad_transport::Revision| revision.content().is_some();
            details.revisions.iter().chain(details.entry.current.as_ref()).filter(complete).count()
        }))
    };
    let before = kept().await?;
    scratch.allocate_wanted("u37/file", &scratch.sample()).await?;
    let after = kept().await?;
    let seen = format!("{before} of {SENT} are kept, {after} after a further one was announced");
    Ok(match before.checked_sub(after) {
        _ if before == SENT => Finding::other(seen),
        Some(1) => Finding::answer("all", seen),
        Some(0) => Finding::answer("completed", seen),
        _ => Finding::other(seen),
    })
}

async fn largest_file(scratch: &Scratch) -> Result<Finding, Failure> {
    let size = FOUR_GIBIBYTES + 1;
    let free = super::account::free_bytes(scratch).await?;
    if free.is_some_and(|free| free < size) {
        return Ok(Finding::not_told("there is less than 4 GiB free on the account"));
    }
    // Only announced; nothing is sent.
    let answer = scratch.allocate_as("u42/file", size, &scratch.sample().md5(), json!({})).await?.answer;
    Ok(match answer.status {
        200 => Finding::answer("none", "4 GiB and a byte can be announced"),
        400 => Finding::answer("4-gib", answer.fault().to_string()),
        _ => Finding::other(answer.fault().to_string()),
    })
}

async fn unreadable_time(scratch: &Scratch) -> Result<Finding, Failure> {
    let sample = scratch.put("u44/file").await?;
    let (size, md5) = (sample.size().to_string(), sample.md5());
    let headers = [
        ("jsize", size.as_str()),
        ("jmd5", md5.as_str()),
        ("jcreated", "yesterday"),
        ("jmodified", "yesterday"),
    ];
    let answer = scratch.order_with("u44/file", "cphash=true", &headers).await?;
    if !answer.is_success() {
        let seen = answer.fault().to_string();
        return Ok(if answer.status == 400 {
            Finding::answer("bad-request", seen)
        } else {
            Finding::other(seen)
        });
    }
    let modified = scratch.file("u44/file").await?.and_then(|details| details.entry.current?.modified);
    Ok(match modified {
        Some(time) if (time.seconds() - now().seconds()).abs() < 24 * 3600 => {
            Finding::answer("now", "the present time was set")
        }
        _ => Finding::other("it was taken, and the present time was not set"),
    })
}

async fn after_trashing(scratch: &Scratch) -> Result<Finding, Failure> {
    scratch.put("u46/file").await?;
    let sample = scratch.sample();
    let allocated = scratch.allocate_wanted("u46/file", &sample).await?;
    scratch.must("u46/file", "dl=true").await?;
    let answer = scratch.send_content(&allocated, &sample.bytes, None).await?;
    let is_live = scratch.holds("u46/file", &sample).await?;
    Ok(match (answer.status, is_live) {
        (200, true) => Finding::answer("live", "the file is live with the new content"),
        (404, false) => Finding::answer("not-found", answer.fault().to_string()),
        (status, _) => Finding::other(format!("status {status}; the file is live: {is_live}")),
    })
}

async fn two_at_once(scratch: &Scratch) -> Result<Finding, Failure> {
    scratch.put("u47/file").await?;
    let slow = scratch.sample();
    let allocated = scratch.allocate_wanted("u47/file", &slow).await?;
    let fast = scratch.put("u47/file").await?;
    let answer = scratch.send_content(&allocated, &slow.bytes, None).await?;
    if answer.status == 409 {
        return Ok(Finding::answer("conflict", answer.fault().to_string()));
    }
    let details = scratch.file("u47/file").await?;
    let keeps_fast = details.is_some_and(|details| {
        details.revisions.iter().any(|revision| revision.content() == Some(fast.content))
    });
    let is_slow = scratch.holds("u47/file", &slow).await?;
    Ok(match (answer.is_success(), is_slow, keeps_fast) {
        (true, true, true) => {
            Finding::answer("last-wins", "the last is current, the other an older revision")
        }
        _ => Finding::other(format!(
            "status {}; the last is current: {is_slow}, the other is a revision: {keeps_fast}",
            answer.status
        )),
    })
}

async fn conditions(scratch: &Scratch) -> Result<Finding, Failure> {
    let sample = scratch.put("u48/file").await?;
    let other = scratch.sample().md5();
    let answer = scratch.order_with("u48/file", "dl=true", &[("if-match", &other)]).await?;
    let is_live = scratch.holds("u48/file", &sample).await?;
    Ok(match (answer.status, is_live) {
        (412, true) => Finding::answer("honoured", "status 412, the file is as before"),
        (200, false) => {
            Finding::answer("ignored", "the file was trashed although the condition did not hold")
        }
        (status, is_live) => Finding::other(format!("status {status}; the file is live: {is_live}")),
    })
}
