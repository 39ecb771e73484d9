//! Points in time as people write them, in every command that takes one.

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::{Span, ToSpan as _, Zoned};
use jottad_core::Timestamp;

/// What is said of a text that is none.
const EXAMPLES: &str = "write for example \"2h ago\", yesterday, \"last week\", \"monday 14:00\", 2026-01-31, \
    \"2026-01-31 12:00\" or 2026-01-31T12:00:00Z";

/// Reads RFC 3339; a date, a day (`today`, `yesterday`, `monday`) or a time of day in this machine's time
/// zone; or how long ago it was.
pub(crate) fn moment_argument(text: &str) -> Result<Timestamp, String> {
    read(text.trim(), &Zoned::now()).ok_or_else(|| format!("{text:?} is not a time: {EXAMPLES}"))
}

fn read(text: &str, now: &Zoned) -> Option<Timestamp> {
    let instant = if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        instant
    } else if text.eq_ignore_ascii_case("now") {
        now.timestamp()
    } else if let Some(local) = local(text, now) {
        now.time_zone().to_timestamp(local).ok()?
    } else {
        let span = span(text)?;
        // Nobody asks for what is to come: without a word it is as long ago.
        now.checked_sub(span.abs()).ok()?.timestamp()
    };
    Some(Timestamp::from_nanoseconds(instant.as_nanosecond()))
}

/// How long ago it was, in numbers or in words.
fn span(text: &str) -> Option<Span> {
    let text = text.to_lowercase();
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((&text, ""));
    match (first, rest.trim_start()) {
        ("last", "week") => Some(1.week()),
        ("last", "month") => Some(1.month()),
        ("last", "year") => Some(1.year()),
        ("a" | "an", rest) => format!("1 {rest}").parse().ok(),
        _ => text.parse().ok(),
    }
}

/// A time by the clock on the wall. A day alone is its first moment, a time alone the last one that the clock
/// showed it.
fn local(text: &str, now: &Zoned) -> Option<DateTime> {
    if let Ok(local) = text.parse::<DateTime>() {
        return Some(local);
    }
    if let Some(time) = time_of_day(text) {
        let today = now.date().to_datetime(time);
        return if today <= now.datetime() { Some(today) } else { today.checked_sub(1.day()).ok() };
    }
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    if first.eq_ignore_ascii_case("last") {
        return local(rest.trim_start(), now).filter(|_| weekday(rest.trim_start()).is_some());
    }
    let day = day(first, now)?;
    let time = if rest.is_empty() { Time::midnight() } else { time_of_day(rest.trim_start())? };
    Some(day.to_datetime(time))
}

fn day(text: &str, now: &Zoned) -> Option<Date> {
    if let Ok(date) = text.parse::<Date>() {
        return Some(date);
    }
    match text.to_lowercase().as_str() {
        "today" => Some(now.date()),
        "yesterday" => now.date().yesterday().ok(),
        // The last one, which is not today.
        _ => now.date().nth_weekday(-1, weekday(text)?).ok(),
    }
}

/// A day of the week, whole or by its first letters.
fn weekday(text: &str) -> Option<Weekday> {
    const DAYS: [(&str, Weekday); 7] = [
        ("monday", Weekday::Monday),
        ("tuesday", Weekday::Tuesday),
        ("wednesday", Weekday::Wednesday),
        ("thursday", Weekday::Thursday),
        ("friday", Weekday::Friday),
        ("saturday", Weekday::Saturday),
        ("sunday", Weekday::Sunday),
    ];
    let text = text.split_whitespace().next()?.to_lowercase();
    let mut days = DAYS.into_iter().filter(|(name, _)| text.len() >= 3 && name.starts_with(&text));
    days.next().map(|(_, day)| day)
}

/// `14:00`, `8:30`, `noon`.
fn time_of_day(text: &str) -> Option<Time> {
    match text.to_lowercase().as_str() {
        "noon" => return Some(Time::constant(12, 0, 0, 0)),
        "midnight" => return Some(Time::midnight()),
        _ => {}
    }
    match text.find(':')? {
        1 => format!("0{text}").parse().ok(),
        _ => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_write_times_in_many_ways() {
        // A Saturday, in winter.
        let now: Zoned = "2026-01-31T13:00:00+01:00[Europe/Oslo]".parse().unwrap();
        for (text, expected) in [
            ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"),
            ("2026-01-31T13:00:00+01:00", "2026-01-31T12:00:00Z"),
            ("2026-01-31 13:00:00", "2026-01-31T12:00:00Z"),
            ("2026-01-31 13:00", "2026-01-31T12:00:00Z"),
            ("2026-01-31T13:00", "2026-01-31T12:00:00Z"),
            ("2026-01-31", "2026-01-30T23:00:00Z"),
            ("2025-07-01", "2025-06-30T22:00:00Z"),
            ("now", "2026-01-31T12:00:00Z"),
            ("2h ago", "2026-01-31T10:00:00Z"),
            ("2h", "2026-01-31T10:00:00Z"),
            ("2 hours ago", "2026-01-31T10:00:00Z"),
            ("1 hour ago", "2026-01-31T11:00:00Z"),
            ("90 min ago", "2026-01-31T10:30:00Z"),
            ("1h 30m ago", "2026-01-31T10:30:00Z"),
            ("3 days ago", "2026-01-28T12:00:00Z"),
            ("1 week ago", "2026-01-24T12:00:00Z"),
            ("a week ago", "2026-01-24T12:00:00Z"),
            ("An hour ago", "2026-01-31T11:00:00Z"),
            ("last week", "2026-01-24T12:00:00Z"),
            ("Last month", "2025-12-31T12:00:00Z"),
            ("last year", "2025-01-31T12:00:00Z"),
            ("yesterday noon", "2026-01-30T11:00:00Z"),
            ("noon", "2026-01-31T11:00:00Z"),
            ("midnight", "2026-01-30T23:00:00Z"),
            // Across the change to summer time it is the same time of day.
            ("6 months ago", "2025-07-31T11:00:00Z"),
            ("today", "2026-01-30T23:00:00Z"),
            ("yesterday", "2026-01-29T23:00:00Z"),
            ("Yesterday 14:00", "2026-01-30T13:00:00Z"),
            ("today 8:30", "2026-01-31T07:30:00Z"),
            ("12:00", "2026-01-31T11:00:00Z"),
            ("14:00", "2026-01-30T13:00:00Z"),
            ("friday", "2026-01-29T23:00:00Z"),
            ("sat", "2026-01-23T23:00:00Z"),
            ("last monday", "2026-01-25T23:00:00Z"),
            ("last monday 14:00", "2026-01-26T13:00:00Z"),
        ] {
            let expected: jiff::Timestamp = expected.parse().unwrap();
            let expected = Timestamp::from_seconds(expected.as_second());
            assert_eq!(read(text, &now), Some(expected), "{text}");
        }
        for text in [
            "",
            "soon",
            "2026-02-30",
            "25:00",
            "tomorrow",
            "last",
            "last century",
            "yesterday evening",
            "next week",
            "a",
            "12",
            "x ago",
            "mo",
        ] {
            assert_eq!(read(text, &now), None, "{text}");
        }
    }
}
