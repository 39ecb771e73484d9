//! U-01 to U-04, U-18, U-33, U-38: what folders and listings look like.

use std::time::{Duration, Instant};

use super::finding::Finding;
use super::scratch::{Lag, Relocation, Scratch};
use crate::cli::failure::Failure;

/// How long a write may take to be seen before the question is given up.
const LONGEST_LAG: Duration = Duration::from_mins(1);
/// Looks right after a write.
const LOOKS: usize = 6;
/// As many looks in a row must agree before the new state counts as seen everywhere.
const AGREEING: u32 = 4;

pub(crate) async fn ask(number: u8, scratch: &Scratch) -> Result<Finding, Failure> {
    match number {
        1 => root_element(scratch).await,
        2 => folder_elements(scratch).await,
        3 => empty_root(scratch).await,
        4 => trashed_root(scratch).await,
        18 => tombstone_and_live(scratch).await,
        33 => folder_times(scratch).await,
        _ => read_after_write(scratch).await,
    }
}

async fn stream(scratch: &Scratch, path: &str) -> Result<jottad_transport::RawAnswer, Failure> {
    scratch.settle_listings().await;
    scratch.look_raw(path, "mode=liststream").await
}

async fn root_element(scratch: &Scratch) -> Result<Finding, Failure> {
    scratch.put("u01/file").await?;
    let answer = stream(scratch, "u01").await?;
    let text = answer.text();
    let root = text.split('<').skip(1).find(|element| !element.starts_with(['?', '!'])).unwrap_or_default();
    let root: String = root.chars().take_while(char::is_ascii_alphanumeric).take(40).collect();
    Ok(match root.as_str() {
        "liststream" => Finding::answer("liststream", "<liststream>"),
        // Any other name is one answer to jottad, which does not read it.
        "" => Finding::other(format!("no element, status {}", answer.status)),
        name => Finding::answer("filelist", format!("<{name}>")),
    })
}

async fn folder_elements(scratch: &Scratch) -> Result<Finding, Failure> {
    scratch.put("u02/with/file").await?;
    scratch.mkdir("u02/empty").await?;
    let answer = stream(scratch, "u02").await?;
    let text = answer.text();
    let announces = |name: &str| {
        text.split("<folder>").skip(1).any(|folder| {
            folder.split("</folder>").next().is_some_and(|folder| folder.contains(&format!("/u02/{name}<")))
        })
    };
    Ok(match (announces("with"), announces("empty")) {
        (false, true) => Finding::answer("without-files", "the empty folder alone is announced"),
        (true, true) => Finding::answer("every-folder", "the folder with a file is announced too"),
        (with, empty) => Finding::other(format!(
            "status {}; announced are: with a file {with}, empty {empty}",
            answer.status
        )),
    })
}

async fn empty_root(scratch: &Scratch) -> Result<Finding, Failure> {
    scratch.mkdir("u03/empty").await?;
    let answer = stream(scratch, "u03/empty").await?;
    if !answer.is_success() {
        return Ok(Finding::other(format!("status {}", answer.status)));
    }
    Ok(match answer.text().matches("<folder>").count() {
        0 => Finding::answer("nothing", "no folder is listed"),
        1 => Finding::answer("one-folder", "it is listed itself"),
        count => Finding::other(format!("{count} folders are listed")),
    })
}

async fn trashed_root(scratch: &Scratch) -> Result<Finding, Failure> {
    scratch.put("u04/folder/file").await?;
    scratch.must("u04/folder", "dlDir=true").await?;
    let answer = stream(scratch, "u04/folder").await?;
    Ok(match (answer.status, answer.text().matches("<file>").count()) {
        (404, _) => Finding::answer("not-found", "status 404"),
        (200, 0) => Finding::answer("empty", "a listing without files"),
        (200, _) => Finding::answer("tombstones", "the trashed file is listed"),
        (status, _) => Finding::other(format!("status {status}")),
    })
}

async fn tombstone_and_live(scratch: &Scratch) -> Result<Finding, Failure> {
    scratch.put("u18/name").await?;
    scratch.must("u18/name", "dl=true").await?;
    let moved = scratch.put("u18/other").await?;
    scratch.relocate(Relocation::File, "u18/other", "u18/name").await?;
    if !scratch.holds("u18/name", &moved).await? {
        return Ok(Finding::not_told("a file could not be moved to a name that is in the trash"));
    }
    let Some(listing) = scratch.list("u18").await? else {
        return Ok(Finding::not_told("the folder could not be listed"));
    };
    let entries: Vec<_> = listing.files.iter().filter(|file| file.name.as_str() == "name").collect();
    let trashed = entries.iter().filter(|file| file.trashed.is_some()).count();
    Ok(match (entries.len() - trashed, trashed) {
        (1, 0) => Finding::answer("replaced", "the live file alone is listed"),
        (1, _) => Finding::answer("both", "the live file and the trashed one are listed"),
        (live, trashed) => Finding::other(format!("{live} live and {trashed} trashed entries are listed")),
    })
}

async fn folder_times(scratch: &Scratch) -> Result<Finding, Failure> {
    scratch.mkdir("u33/empty").await?;
    scratch.settle_listings().await;
    let answer = scratch.look_raw("u33/empty", "").await?;
    if !answer.is_success() {
        return Ok(Finding::other(format!("status {}", answer.status)));
    }
    let text = answer.text();
    let time = text.split("<modified>").nth(1).and_then(|rest| rest.split('<').next()).unwrap_or_default();
    Ok(match time.trim() {
        "" => Finding::answer("absent", "the folder's document has no time"),
        time => Finding::answer("modified", format!("modified {time}")),
    })
}

/// Also notes the lag, for all other questions: so it is asked first.
async fn read_after_write(scratch: &Scratch) -> Result<Finding, Failure> {
    scratch.put("u38/before").await?;
    let sample = scratch.put("u38/written").await?;
    let written = Instant::now();
    let place = scratch.place("u38/written");
    let is_listed = async || -> Result<bool, Failure> {
        let listing = scratch.list_at_once("u38").await?;
        Ok(listing.is_some_and(|listing| listing.files.iter().any(|file| file.name.as_str() == "written")))
    };
    let mut looks = Vec::new();
    for _ in 0..LOOKS {
        looks.push(is_listed().await?);
    }
    let file = scratch.client().look(&place).await?;
    let file_is_late = file.file().is_none_or(|file| file.content != sample.content);
    let mut lag = Lag::default();
    if looks.contains(&false) || file_is_late {
        let mut agreeing = 0;
        while agreeing < AGREEING {
            if written.elapsed() > LONGEST_LAG {
                return Ok(Finding::other(format!(
                    "what was written is not seen after {} seconds",
                    LONGEST_LAG.as_secs()
                )));
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
            agreeing = if is_listed().await? { agreeing + 1 } else { 0 };
        }
        // A margin, since the next lag may be a little longer than this one.
        let waited = written.elapsed() + Duration::from_secs(1);
        lag.listings = waited;
        if file_is_late {
            lag.files = waited;
        }
    }
    scratch.lag.set(lag);
    let pattern: String = looks.iter().map(|saw| if *saw { '+' } else { '-' }).collect();
    let seen = format!("{pattern} in {LOOKS} listings right after a write");
    let seen = if lag.listings.is_zero() {
        seen
    } else {
        format!("{seen}, seen by all after {:.1} s", written.elapsed().as_secs_f32())
    };
    let is_stale_node = looks.windows(2).any(|pair| pair == [true, false]);
    Ok(match (looks.contains(&false), is_stale_node) {
        (false, _) if file_is_late => Finding::other(format!("{seen}; the file's own document is late")),
        (false, _) => Finding::answer("immediate", seen),
        (true, true) => Finding::answer("stale-node", seen),
        (true, false) => Finding::answer("delayed", seen),
    })
}
