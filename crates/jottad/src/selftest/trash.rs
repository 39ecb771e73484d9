//! U-13, U-14, U-16, U-30, U-31, U-32, U-43: the trash, and commands that meet the wrong kind of thing.

use jottad_transport::Sighting;

use super::finding::Finding;
use super::scratch::Scratch;
use crate::cli::failure::Failure;

pub(crate) async fn ask(number: u8, scratch: &Scratch) -> Result<Finding, Failure> {
    match number {
        13 => file_command_on_folder(scratch).await,
        14 => folder_command_on_file(scratch).await,
        16 => folder_over_file(scratch).await,
        30 => below_trashed(scratch).await,
        31 => trashed_again(scratch).await,
        32 => restored_number(scratch).await,
        _ => content_of_trashed(scratch).await,
    }
}

/// Asked with the command that trashes, not with the one that destroys.
async fn file_command_on_folder(scratch: &Scratch) -> Result<Finding, Failure> {
    let child = scratch.put("u13/folder/child").await?;
    let status = scratch.order("u13/folder", "dl=true").await?.status;
    let seen = format!("status {status} for dl on a folder");
    if scratch.holds("u13/folder/child", &child).await? {
        return Ok(if status == 404 {
            Finding::answer("not-found", format!("{seen}, it is as before"))
        } else {
            Finding::other(format!("{seen}, it is as before"))
        });
    }
    Ok(match scratch.file("u13/folder/child").await? {
        None => Finding::answer("destroys", format!("{seen}, and all in it is gone")),
        Some(_) => Finding::other(format!("{seen}, and it is in the trash")),
    })
}

/// Asked with the command that trashes, not with the one that destroys.
async fn folder_command_on_file(scratch: &Scratch) -> Result<Finding, Failure> {
    let sample = scratch.put("u14/file").await?;
    let status = scratch.order("u14/file", "dlDir=true").await?.status;
    let seen = format!("status {status} for dlDir on a file");
    if scratch.holds("u14/file", &sample).await? {
        return Ok(if status == 404 {
            Finding::answer("not-found", format!("{seen}, it is as before"))
        } else {
            Finding::other(format!("{seen}, it is as before"))
        });
    }
    Ok(match scratch.file("u14/file").await? {
        Some(_) => Finding::answer("works", format!("{seen}, and it is in the trash")),
        None => Finding::other(format!("{seen}, and it is gone")),
    })
}

async fn folder_over_file(scratch: &Scratch) -> Result<Finding, Failure> {
    let sample = scratch.put("u16/name").await?;
    let status = scratch.order("u16/name", "mkDir=true").await?.status;
    let seen = format!("status {status}");
    Ok(match scratch.look("u16/name").await? {
        Sighting::Folder => Finding::answer("converts", format!("{seen}, a folder is there now")),
        Sighting::File(file) if file.content == sample.content => {
            if (400..500).contains(&status) {
                Finding::answer("refused", format!("{seen}, the file is as before"))
            } else {
                Finding::answer("no-effect", format!("{seen}, the file is as before"))
            }
        }
        _ => Finding::other(format!("{seen}, and neither the file nor a folder is there")),
    })
}

async fn below_trashed(scratch: &Scratch) -> Result<Finding, Failure> {
    scratch.put("u30/folder/sibling").await?;
    scratch.must("u30/folder", "dlDir=true").await?;
    let sample = scratch.sample();
    let allocated = scratch.allocate("u30/folder/new", &sample).await?;
    let status = allocated.answer.status;
    if !allocated.answer.is_success() {
        return Ok(match status {
            404 => Finding::answer("refused", "status 404"),
            _ => Finding::other(format!("{}", allocated.answer.fault())),
        });
    }
    if !allocated.is_known() {
        scratch.send_content(&allocated, &sample.bytes, None).await?;
    }
    let is_live = scratch.holds("u30/folder/new", &sample).await?;
    let sibling = scratch.file("u30/folder/sibling").await?;
    let is_trashed = sibling.is_some_and(|sibling| sibling.entry.trashed.is_some());
    Ok(match (is_live, is_trashed) {
        (true, true) => Finding::answer("revives", "the new file is live, its sibling is in the trash"),
        _ => Finding::other(format!("the new file is live: {is_live}, its sibling is trashed: {is_trashed}")),
    })
}

async fn trashed_again(scratch: &Scratch) -> Result<Finding, Failure> {
    scratch.put("u31/file").await?;
    scratch.must("u31/file", "dl=true").await?;
    let stamp = async || -> Result<_, Failure> {
        let details = scratch.file("u31/file").await?;
        Ok(details.and_then(|details| details.entry.trashed?.at))
    };
    let before = stamp().await?;
    scratch.next_second().await;
    let again = scratch.order("u31/file", "dl=true").await?;
    let after = stamp().await?;
    if !again.is_success() {
        return Ok(Finding::other(format!("the second time: {}", again.fault())));
    }
    Ok(match (before, after) {
        (Some(before), Some(after)) if before == after => {
            Finding::answer("keeps-stamp", "the time of deletion stays")
        }
        (Some(_), Some(_)) => Finding::answer("new-stamp", "the time of deletion is that of the second time"),
        _ => Finding::not_told("a trashed file has no readable time of deletion"),
    })
}

async fn restored_number(scratch: &Scratch) -> Result<Finding, Failure> {
    let sample = scratch.put("u32/file").await?;
    let before = super::uploads::number(scratch, "u32/file").await?;
    scratch.must("u32/file", "dl=true").await?;
    if !scratch.touch("u32/file", &sample, 1_700_000_000).await? {
        return Ok(Finding::not_told("the file could not be restored"));
    }
    let after = super::uploads::number(scratch, "u32/file").await?;
    Ok(match (before, after) {
        (Some(before), Some(after)) => {
            let seen = format!("revision {before} before, {after} after");
            match after.checked_sub(before) {
                Some(0) => Finding::answer("same", seen),
                Some(1) => Finding::answer("next", seen),
                _ => Finding::other(seen),
            }
        }
        _ => Finding::not_told("the revision has no number"),
    })
}

async fn content_of_trashed(scratch: &Scratch) -> Result<Finding, Failure> {
    let sample = scratch.put("u43/folder/file").await?;
    let folder = scratch.look_raw("u43/folder", "mode=bin").await?.status;
    scratch.must("u43/folder/file", "dl=true").await?;
    let answer = scratch.look_raw("u43/folder/file", "mode=bin").await?;
    let seen = format!("status {} (of a folder: {folder})", answer.status);
    Ok(match answer.status {
        404 => Finding::answer("not-found", seen),
        200 if answer.body == sample.bytes => Finding::answer("content", seen),
        _ => Finding::other(seen),
    })
}
