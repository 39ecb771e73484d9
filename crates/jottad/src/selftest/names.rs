//! U-05, U-06, U-07, U-09, U-39, U-50: which names and hashes the service takes, which are the same to it,
//! and how it spells them.

use serde_json::json;

use super::finding::Finding;
use super::scratch::Scratch;
use crate::cli::failure::Failure;

pub(crate) async fn ask(number: u8, scratch: &Scratch) -> Result<Finding, Failure> {
    match number {
        5 => refused_characters(scratch).await,
        6 => name_length(scratch).await,
        7 => letter_case(scratch).await,
        9 => normal_forms(scratch).await,
        50 => name_in_looks(scratch).await,
        _ => hash_case(scratch).await,
    }
}

/// The status of announcing a file of this name.
async fn announce(scratch: &Scratch, folder: &str, name: &str) -> Result<u16, Failure> {
    Ok(scratch.allocate(&format!("{folder}/{name}"), &scratch.sample()).await?.answer.status)
}

async fn refused_characters(scratch: &Scratch) -> Result<Finding, Failure> {
    // What is taken in the announcement may make listings of its folder unreadable, so it has one of its own.
    let control = announce(scratch, "u05/control", "a\u{1}b").await?;
    let announced = announce(scratch, "u05/percent", "100%25").await?;
    let percent =
        if announced == 200 { scratch.look_raw("u05/percent/100%25", "").await?.status } else { announced };
    let seen = format!("status {control} for a control character, {percent} for a look at a name with %");
    Ok(match (control, percent) {
        (400, 400) => Finding::answer("control-and-percent", seen),
        (200, 200) => Finding::answer("none", seen),
        _ => Finding::other(seen),
    })
}

async fn name_length(scratch: &Scratch) -> Result<Finding, Failure> {
    let names = [
        ("255 letters", "a".repeat(255)),
        ("256 letters", "a".repeat(256)),
        // 400 bytes, 200 units of UTF-16.
        ("200 æ", "æ".repeat(200)),
        // 520 bytes, 260 units, 130 code points.
        ("130 clefs", "\u{1d11e}".repeat(130)),
    ];
    let mut statuses = Vec::new();
    for (_, name) in &names {
        statuses.push(announce(scratch, "u06", name).await?);
    }
    let shown: Vec<String> =
        names.iter().zip(&statuses).map(|((what, _), status)| format!("{what}: {status}")).collect();
    let seen = shown.join(", ");
    let taken: Vec<bool> = statuses.iter().map(|status| *status == 200).collect();
    Ok(match taken[..] {
        [true, false, true, false] => Finding::answer("utf16-units", seen),
        [true, false, true, true] => Finding::answer("code-points", seen),
        [true, false, false, false] => Finding::answer("bytes", seen),
        _ => Finding::other(seen),
    })
}

/// Whether what was stored under one name is found under another.
async fn are_same(scratch: &Scratch, folder: &str, one: &str, two: &str) -> Result<bool, Failure> {
    let sample = scratch.put(&format!("{folder}/{one}")).await?;
    scratch.holds(&format!("{folder}/{two}"), &sample).await
}

async fn letter_case(scratch: &Scratch) -> Result<Finding, Failure> {
    let ascii = are_same(scratch, "u07/ascii", "letter", "LETTER").await?;
    let simple = are_same(scratch, "u07/simple", "\u{e6}", "\u{c6}").await?;
    let full = are_same(scratch, "u07/full", "stra\u{df}e", "STRASSE").await?;
    let seen = format!("the same are: a and A {ascii}, æ and Æ {simple}, ß and SS {full}");
    Ok(match (ascii, simple, full) {
        (true, true, false) => Finding::answer("simple-lowercase", seen),
        (true, false, false) => Finding::answer("ascii", seen),
        (true, true, true) => Finding::answer("full-fold", seen),
        _ => Finding::other(seen),
    })
}

async fn normal_forms(scratch: &Scratch) -> Result<Finding, Failure> {
    Ok(if are_same(scratch, "u09", "\u{e9}", "e\u{301}").await? {
        Finding::answer("same", "é is found in both forms")
    } else {
        Finding::answer("distinct", "é is found in the form in which it was stored alone")
    })
}

async fn name_in_looks(scratch: &Scratch) -> Result<Finding, Failure> {
    scratch.put("u50/Letter").await?;
    let document = scratch.look_raw("u50/lETTER", "").await?;
    let names = |name: &str| document.text().contains(&format!("name=\"{name}\""));
    Ok(match (names("Letter"), names("lETTER")) {
        (true, false) => Finding::answer("stored", "a look names the file as it was stored"),
        (false, true) => Finding::answer("asked", "a look names the file as it was asked for"),
        _ => Finding::other(format!("status {} for another letter case", document.status)),
    })
}

async fn hash_case(scratch: &Scratch) -> Result<Finding, Failure> {
    let sample = scratch.sample();
    let sent = sample.md5().to_uppercase();
    let allocated = scratch.allocate_as("u39/file", sample.size(), &sent, json!({})).await?;
    if !allocated.answer.is_success() {
        return Ok(Finding::other(format!("a hash in upper case: {}", allocated.answer.fault())));
    }
    scratch.send_content(&allocated, &sample.bytes, None).await?;
    if !scratch.holds("u39/file", &sample).await? {
        return Ok(Finding::not_told("the file was not stored"));
    }
    let document = scratch.look_raw("u39/file", "").await?;
    let text = document.text();
    Ok(if text.contains(&sent) {
        Finding::answer("as-sent", "a hash sent in upper case comes back so")
    } else if text.contains(&sample.md5()) {
        Finding::answer("lower", "a hash sent in upper case comes back in lower case")
    } else {
        Finding::other("the hash comes back in neither case")
    })
}
