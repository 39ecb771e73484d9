//! U-29, U-36, U-41: quota, usage and the mountpoint's time. Whatever else happens on the account meanwhile
//! shows in them too, so they are read close together.

use std::time::Duration;

use jottad_core::{FoldKey, Timestamp};
use serde_json::json;

use super::finding::Finding;
use super::scratch::{Relocation, Scratch};
use super::uploads::FOUR_GIBIBYTES;
use crate::cli::failure::Failure;

/// Big enough to be told from what other programs may be writing.
const BIG: usize = 1_000_003;
/// How long a change may take to show in the usage, in looks a second apart.
const LOOKS: usize = 5;

pub(crate) async fn ask(number: u8, scratch: &Scratch) -> Result<Finding, Failure> {
    match number {
        29 => full_account(scratch).await,
        36 => trash_in_usage(scratch).await,
        _ => mountpoint_time(scratch).await,
    }
}

/// Bytes that are free; `None` if that is not limited or not told.
pub(crate) async fn free_bytes(scratch: &Scratch) -> Result<Option<u64>, Failure> {
    let user = scratch.client().user().await?;
    let limit = user.quota.and_then(jottad_transport::Quota::bytes);
    Ok(limit.map(|limit| limit.saturating_sub(user.used_bytes.unwrap_or_default())))
}

async fn full_account(scratch: &Scratch) -> Result<Finding, Failure> {
    let Some(free) = free_bytes(scratch).await? else {
        return Ok(Finding::not_told("the account has no limit"));
    };
    // Only announced; nothing is sent.
    let size = free.saturating_add(1 << 20);
    let answer = scratch.allocate_as("u29/file", size, &scratch.sample().md5(), json!({})).await?.answer;
    let seen = answer.fault().to_string();
    Ok(match answer.status {
        200 => Finding::other(format!("{size} bytes are taken where {free} are free")),
        400 if size > FOUR_GIBIBYTES => Finding::not_told("a file that does not fit is too large anyway"),
        460 => Finding::answer("460", seen),
        403 => Finding::answer("403", seen),
        507 => Finding::answer("507", seen),
        _ => Finding::other(seen),
    })
}

async fn used(scratch: &Scratch) -> Result<Option<u64>, Failure> {
    Ok(scratch.client().user().await?.used_bytes)
}

/// Waits until the usage is about `wanted`.
async fn comes_to(scratch: &Scratch, wanted: u64) -> Result<bool, Failure> {
    for look in 0..LOOKS {
        if look > 0 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        if used(scratch).await?.is_some_and(|used| used.abs_diff(wanted) < BIG as u64 / 2) {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn trash_in_usage(scratch: &Scratch) -> Result<Finding, Failure> {
    let sample = scratch.sized_sample(BIG);
    let Some(before) = used(scratch).await? else {
        return Ok(Finding::not_told("the account's usage is not told"));
    };
    scratch.put_sample("u36/file", &sample).await?;
    let with_file = before + sample.size();
    if !comes_to(scratch, with_file).await? {
        return Ok(Finding::not_told("the usage does not follow an upload within seconds"));
    }
    scratch.must("u36/file", "dl=true").await?;
    Ok(if comes_to(scratch, before).await? {
        Finding::answer("free", "the usage falls when a file is trashed")
    } else {
        Finding::answer("counts", format!("the usage is the same {LOOKS} seconds after a file was trashed"))
    })
}

/// The time of the mountpoint that the test is in, when it is up to date.
async fn modified(scratch: &Scratch) -> Result<Option<Timestamp>, Failure> {
    scratch.settle_listings().await;
    let device = scratch.client().device(scratch.root().device()).await?;
    let key = FoldKey::of(scratch.root().mountpoint());
    let mountpoints = device.map(|device| device.mountpoints).unwrap_or_default();
    Ok(mountpoints.iter().find(|mountpoint| FoldKey::of(&mountpoint.name) == key).and_then(|it| it.modified))
}

async fn mountpoint_time(scratch: &Scratch) -> Result<Finding, Failure> {
    let before = modified(scratch).await?;
    scratch.next_second().await;
    scratch.put("u41/file").await?;
    let uploaded = modified(scratch).await?;
    if uploaded == before {
        return Ok(Finding::other("an upload does not move it"));
    }
    scratch.next_second().await;
    scratch.mkdir("u41/folder").await?;
    scratch.relocate(Relocation::File, "u41/file", "u41/folder/file").await?;
    scratch.must("u41/folder/file", "dl=true").await?;
    Ok(if modified(scratch).await? == uploaded {
        Finding::answer("uploads", "an upload moves it; making a folder, moving and trashing do not")
    } else {
        Finding::answer("everything", "making a folder, moving or trashing moves it too")
    })
}
