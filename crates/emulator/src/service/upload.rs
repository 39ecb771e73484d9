//! Receiving content: the upload nodes, and the old way (protocol 5.2, 5.5).

use serde_json::json;

use super::inject::RequestBody;
use super::reply::{json_ok, xml_with};
use super::views::{entry, locate};
use super::{Call, Endpoint, Failure, Reply, commands};
use crate::refusal::Refusal;
use crate::world::Uploading;
use crate::world::content::lock_spool;

/// POST to an `upload_url`.
pub(super) async fn upload(call: &Call<'_>, body: RequestBody) -> Result<Reply, Failure> {
    let id = call.path().trim_start_matches("/upload/");
    let uploading = call.shared.world().begin_upload(id)?;
    let start = match call.header("range") {
        None => 0,
        Some(range) => range_start(range, uploading.size)?,
    };
    let received = receive(&uploading, start, body).await;
    // A connection that broke leaves what arrived; the revision stays incomplete.
    let finished = call.shared.world().finish_upload(id);
    received?;
    let finished = finished?;
    Ok(json_ok(&json!({
        "path": format!("/jfs/{}", finished.address.plain()),
        "content_id": finished.content_id,
        "bytes": finished.facts.key.size,
        "md5": finished.facts.md5,
        "modified": finished.facts.modified * 1000,
    })))
}

/// Appends the body to what is there already.
async fn receive(uploading: &Uploading, start: u64, mut body: RequestBody) -> Result<(), Failure> {
    let held = lock_spool(&uploading.spool).length();
    if start > held {
        return Err(Refusal::invalid(format!("bytes {held} to {start} are missing")).into());
    }
    lock_spool(&uploading.spool).truncate(start).map_err(|_| Failure::Aborted)?;
    let mut position = start;
    while let Some(piece) = body.next().await? {
        let mut spool = lock_spool(&uploading.spool);
        if spool.length() != position {
            return Err(
                Refusal::new(409, "ConcurrentUploadOpenApiException", "another upload writes here").into()
            );
        }
        position += piece.len() as u64;
        if position > uploading.size {
            return Err(Refusal::invalid("more bytes than announced").into());
        }
        spool.push(&piece).map_err(|_| Failure::Aborted)?;
    }
    Ok(())
}

/// The first byte of `bytes=<start>-<last>`, where the last one must be the last of the file.
fn range_start(range: &str, size: u64) -> Result<u64, Refusal> {
    let bad = || Refusal::new(416, "RequestedRangeNotSatisfiedException", format!("{range} of {size} bytes"));
    let (start, last) =
        range.strip_prefix("bytes=").and_then(|range| range.split_once('-')).ok_or_else(bad)?;
    let start: u64 = start.parse().map_err(|_| bad())?;
    let ends_right = last.is_empty() || last.parse::<u64>().is_ok_and(|last| last < size.max(1));
    if start > size || !ends_right { Err(bad()) } else { Ok(start) }
}

/// POST of content to a JFS path: raw with `umode=nomultipart`, or a multipart form with a part named `file`.
/// The answer is 201 even when bytes are missing or wrong; the document tells.
pub(super) async fn old_upload(call: &Call<'_>, body: RequestBody) -> Result<Reply, Failure> {
    let (address, facts, id, uploading) = {
        let mut world = call.shared.world();
        let (address, _) = locate(call, &world)?;
        let facts = commands::facts_of_headers(call, &world)?;
        world.check_upload_target(&address, &facts)?;
        world.check_quota(facts.key.size)?;
        let (id, _) = world.start_upload(&address, &facts);
        let uploading = world.begin_upload(&id)?;
        (address, facts, id, uploading)
    };
    let held = lock_spool(&uploading.spool).length();
    let received = if call.endpoint == Endpoint::OldUpload {
        let length = call.header("content-length").and_then(|length| length.parse().ok());
        // A body that is just the rest goes on where the last one ended.
        let is_rest = length == Some(facts.key.size - held);
        receive(&uploading, if is_rest { held } else { 0 }, body).await
    } else {
        receive_form(call, &uploading, body).await
    };
    // Short or corrupt content is no error here.
    let _ = call.shared.world().finish_upload(&id);
    received?;
    let world = call.shared.world();
    Ok(xml_with(201, entry(&world, &address)?))
}

async fn receive_form(call: &Call<'_>, uploading: &Uploading, body: RequestBody) -> Result<(), Failure> {
    let boundary = call
        .header("content-type")
        .and_then(|kind| kind.split_once("boundary="))
        .map(|(_, boundary)| boundary.trim_matches('"').to_owned())
        .ok_or_else(|| Refusal::invalid("the form has no boundary"))?;
    let body = body.collect_up_to(256 << 20).await?;
    let part = form_part(&body, &boundary, "file").ok_or_else(|| Refusal::invalid("no part named file"))?;
    let mut spool = lock_spool(&uploading.spool);
    spool.truncate(0).map_err(|_| Failure::Aborted)?;
    spool.push(part).map_err(|_| Failure::Aborted)
}

/// The content of the part with this name.
fn form_part<'a>(body: &'a [u8], boundary: &str, name: &str) -> Option<&'a [u8]> {
    let find =
        |haystack: &[u8], needle: &[u8]| haystack.windows(needle.len()).position(|part| part == needle);
    let mark = format!("--{boundary}");
    let mut rest = body;
    loop {
        rest = &rest[find(rest, mark.as_bytes())? + mark.len()..];
        let head_end = find(rest, b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&rest[..head_end]).to_lowercase();
        let content = &rest[head_end + 4..];
        let end = find(content, format!("\r\n{mark}").as_bytes())?;
        if head.contains(&format!("name=\"{name}\"")) || head.contains(&format!("name={name}")) {
            return Some(&content[..end]);
        }
        rest = &content[end..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_named_file_is_found_among_others() {
        let form = b"--b\r\nContent-Disposition: form-data; name=\"md5\"\r\n\r\nx\r\n\
            --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\
            Content-Type: application/octet-stream\r\n\r\nline\r\n\r\nend\r\n--b--\r\n";
        assert_eq!(form_part(form, "b", "file"), Some(&b"line\r\n\r\nend"[..]));
        assert_eq!(form_part(form, "b", "other"), None);
    }

    #[test]
    fn an_upload_range_starts_inside_the_file() {
        for (range, expected) in
            [("bytes=0-9", Some(0)), ("bytes=4-9", Some(4)), ("bytes=11-", None), ("x", None)]
        {
            assert_eq!(range_start(range, 10).ok(), expected, "{range}");
        }
    }
}
