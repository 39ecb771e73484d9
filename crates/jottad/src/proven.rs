//! The proof in words: as of when both sides are known to agree, and how others' changes are noticed
//! meanwhile.

use std::time::Duration;

use jottad_core::Timestamp;
use jottad_engine::{Heard, Verdict};

use crate::config::units::format_duration;
use crate::documents::{FolderDocument, Time};
use crate::output::age;

/// The words for how others' changes are noticed, as scripts get them.
pub(crate) fn heard_word(heard: Heard) -> &'static str {
    match heard {
        Heard::Events => "events",
        Heard::Polls(_) => "polls",
    }
}

/// How often everything is looked at for the sake of others' changes, in seconds.
pub(crate) fn listed_every(heard: Heard) -> Option<u64> {
    match heard {
        Heard::Events => None,
        Heard::Polls(interval) => Some(interval.as_secs()),
    }
}

/// A folder's verdict; where both sides agree, with its age and with how others' changes are noticed.
pub(crate) fn verdict_in_words(folder: &FolderDocument, now: Timestamp) -> String {
    let mut text = match folder.verdict.0 {
        Verdict::InSync => agreed(folder.proven_at.map(|Time(time)| time), now),
        Verdict::Working if is_only_unproven(folder) => unproven(folder, now),
        verdict => return crate::commands::status::words(verdict),
    };
    if let Some(noticed) = noticed(folder) {
        text.push_str(" · ");
        text.push_str(&noticed);
    }
    text
}

/// Whether all is done, and the comparison that shows that both sides agree is still to come: a change was
/// heard of after the last one.
pub(crate) fn is_only_unproven(folder: &FolderDocument) -> bool {
    folder.settled == Some(true) && folder.proven_at.is_some()
}

/// That all is done, and as of when both sides were last known to agree.
pub(crate) fn unproven(folder: &FolderDocument, now: Timestamp) -> String {
    format!("all done, last compared {}", age(folder.proven_at.map(|Time(time)| time), now))
}

/// That both sides agree, and as of when. Everything is as of a time ahead by a clock that was set back.
pub(crate) fn agreed(proven_at: Option<Timestamp>, now: Timestamp) -> String {
    match proven_at {
        Some(time) if time < now => format!("in sync as of {}", age(Some(time), now)),
        Some(time) if time == now => "in sync as of now".to_owned(),
        Some(_) => "in sync as of a time ahead of this clock".to_owned(),
        None => "not proven yet".to_owned(),
    }
}

fn noticed(folder: &FolderDocument) -> Option<String> {
    match (folder.heard.as_deref()?, folder.listed_every_seconds) {
        ("events", _) => Some("others' changes are heard of at once".to_owned()),
        (_, Some(seconds)) => {
            let interval = format_duration(Duration::from_secs(seconds.max(1)));
            Some(format!("others' changes are looked for every {interval}"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_of_a_proof_is_told() {
        let now = Timestamp::from_seconds(1_000);
        for (proven, text) in [
            (Some(760), "in sync as of 4 min ago"),
            (Some(1_000), "in sync as of now"),
            (Some(1_001), "in sync as of a time ahead of this clock"),
            (None, "not proven yet"),
        ] {
            assert_eq!(agreed(proven.map(Timestamp::from_seconds), now), text);
        }
    }
}
