//! `mode=bin`: content, ranges, old revisions (protocol 4.5, 4.6).

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, header};

use super::reply::{full, streamed};
use super::views::binary;
use super::{Body, Call, Reply};
use crate::address::Address;
use crate::refusal::Refusal;
use crate::switches::ContentOfTrashed;
use crate::world::content::Content;
use crate::world::{Found, World};

const PIECE_BYTES: usize = 256 * 1024;

pub(super) fn content(call: &Call, world: &World, address: &Address) -> Result<Reply, Refusal> {
    let missing = || Refusal::no_file(&world.path(address));
    let file = match world.find(address) {
        Some(Found::File(file)) => file,
        Some(_) => return Err(Refusal::invalid(format!("{} is no file", world.path(address)))),
        None => return Err(missing()),
    };
    if file.deleted.is_some() && world.switches.content_of_trashed == ContentOfTrashed::NotFound {
        return Err(missing());
    }
    let revision = match call.query("revision") {
        None => file.current(),
        Some(number) => {
            let number: u64 = number.parse().map_err(|_| Refusal::invalid("revision is no number"))?;
            file.revisions.iter().find(|revision| revision.number == number)
        }
    };
    let content = revision.and_then(|revision| revision.content()).ok_or_else(missing)?;
    let size = content.key.size;
    let Some(range) = call.header("range") else {
        return Ok(binary(200, body(content, 0, size), size));
    };
    let (first, last) = parse_range(range, size).ok_or_else(|| {
        Refusal::new(416, "RequestedRangeNotSatisfiedException", format!("{range} of {size} bytes"))
    })?;
    let length = last + 1 - first;
    let mut reply = binary(206, body(content, first, length), length);
    if let Ok(value) = HeaderValue::from_str(&format!("bytes {first}-{last}/{size}")) {
        reply.headers_mut().insert(header::CONTENT_RANGE, value);
    }
    Ok(reply)
}

/// The bytes of a content from `offset`, read piece by piece.
pub(super) fn body(content: &Arc<Content>, offset: u64, length: u64) -> Body {
    if let Ok(length) = usize::try_from(length)
        && length <= PIECE_BYTES
        && let Ok(bytes) = content.read(offset, length)
    {
        return full(bytes);
    }
    let start = (Arc::clone(content), offset, length);
    streamed(futures_util::stream::unfold(start, |(content, offset, left)| async move {
        if left == 0 {
            return None;
        }
        let wanted = PIECE_BYTES.min(usize::try_from(left).unwrap_or(usize::MAX));
        let piece: io::Result<Bytes> = content.read(offset, wanted);
        let read = piece.as_ref().map_or(left, |piece| piece.len() as u64);
        Some((piece, (content, offset + read, left - read)))
    }))
}

/// First and last byte of `bytes=a-b`, `bytes=a-` or `bytes=-n`.
fn parse_range(text: &str, size: u64) -> Option<(u64, u64)> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    let (first, last) = match (first.trim(), last.trim()) {
        ("", last) => (size.saturating_sub(last.parse().ok()?), size.checked_sub(1)?),
        (first, "") => (first.parse().ok()?, size.checked_sub(1)?),
        (first, last) => (first.parse().ok()?, last.parse::<u64>().ok()?.min(size.checked_sub(1)?)),
    };
    (first <= last && first < size).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_inclusive_and_end_with_the_content() {
        for (text, expected) in [
            ("bytes=0-0", Some((0, 0))),
            ("bytes=2-", Some((2, 9))),
            ("bytes=2-100", Some((2, 9))),
            ("bytes=-3", Some((7, 9))),
            ("bytes=-30", Some((0, 9))),
            ("bytes=10-", None),
            ("bytes=5-4", None),
            ("bytes=a-", None),
            ("pages=0-1", None),
        ] {
            assert_eq!(parse_range(text, 10), expected, "{text}");
        }
        assert_eq!(parse_range("bytes=0-", 0), None);
    }
}
