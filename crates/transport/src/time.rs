//! The service's ways to write a time (protocol 4.8), all read to whole seconds.

use jiff::tz::TimeZone;
use jottad_core::Timestamp;
use serde::Deserialize;

/// The times that the library and four digits of a year can write.
const FIRST: Timestamp = Timestamp::from_seconds(-62_135_596_800);
const LAST: Timestamp = Timestamp::from_seconds(253_402_207_200);

/// The text is no time in any of the service's formats.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a time")]
pub struct ParseTimeError {
    text: String,
}

/// The time that the service can keep for this one: years 1 to 9999 less a day, everything else is moved to
/// the nearest end.
pub fn storable_time(time: Timestamp) -> Timestamp {
    time.clamp(FIRST, LAST)
}

/// Reads the classic format (`2026-01-02-T03:04:05Z`), RFC 3339 with or without decimals, and offsets with or
/// without a colon. Empty means that there is no time.
pub(crate) fn parse_time(text: &str) -> Result<Option<Timestamp>, ParseTimeError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if let Some(time) = usual_time(text.as_bytes()) {
        return Ok(Some(time));
    }
    by_library(text).map(Some)
}

fn by_library(text: &str) -> Result<Timestamp, ParseTimeError> {
    let refuse = || ParseTimeError { text: text.chars().take(64).collect() };
    let plain = match text.split_once("-T") {
        Some((date, rest)) => format!("{date}T{rest}"),
        None => text.to_owned(),
    };
    let parsed: jiff::Timestamp = plain.parse().map_err(|_| refuse())?;
    Ok(Timestamp::from_nanoseconds(parsed.as_nanosecond()))
}

/// A time in UTC, written as the service writes it: `2026-01-02-T03:04:05Z`, `2026-01-02T03:04:05.000Z`. A
/// listing has two for each entry. `None` of everything else, which may be a time all the same.
fn usual_time(text: &[u8]) -> Option<Timestamp> {
    let (date, rest) = text.split_first_chunk::<10>()?;
    let rest = rest.strip_prefix(b"-").unwrap_or(rest);
    let (time, rest) = rest.split_first_chunk::<9>()?;
    let decimals = rest.strip_suffix(b"Z")?;
    let has_usual_decimals = match decimals {
        [] => true,
        [b'.', digits @ ..] => (1..=9).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = date else { return None };
    let &[b'T', h1, h2, b':', n1, n2, b':', s1, s2] = time else { return None };
    let mut are_digits = true;
    let mut two = |tens: u8, ones: u8| {
        let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
        are_digits &= tens <= 9 && ones <= 9;
        10 * i64::from(tens) + i64::from(ones)
    };
    let year = 100 * two(y1, y2) + two(y3, y4);
    let (month, day) = (two(m1, m2), two(d1, d2));
    let (hour, minute, second) = (two(h1, h2), two(n1, n2), two(s1, s2));
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_before = if is_leap { LEAP_DAYS_BEFORE } else { DAYS_BEFORE };
    let month = usize::try_from(month).ok()?;
    let (first, next) = (*days_before.get(month.checked_sub(1)?)?, *days_before.get(month)?);
    // Those at either end, and the leap seconds that there were, are the library's.
    let is_usual = (1..9999).contains(&year) && (1..=next - first).contains(&day);
    if !are_digits || !has_usual_decimals || !is_usual || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let years = year - 1;
    let days = 365 * years + years / 4 - years / 100 + years / 400 + first + day - 1 - DAYS_TO_EPOCH;
    Some(Timestamp::from_seconds(((24 * days + hour) * 60 + minute) * 60 + second))
}

/// How many days of a year are before each month, and in the whole year.
const DAYS_BEFORE: [i64; 13] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];
const LEAP_DAYS_BEFORE: [i64; 13] = [0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335, 366];
/// From the first day of year 1.
const DAYS_TO_EPOCH: i64 = 719_162;

/// Writes the classic format of the metadata hosts.
pub(crate) fn classic_time(time: Timestamp) -> String {
    written(time, "%Y-%m-%d-T%H:%M:%SZ")
}

/// Writes RFC 3339 for allocations.
pub(crate) fn rfc3339_time(time: Timestamp) -> String {
    written(time, "%Y-%m-%dT%H:%M:%SZ")
}

fn written(time: Timestamp, format: &str) -> String {
    let time = jiff::Timestamp::from_second(storable_time(time).seconds()).unwrap_or_default();
    time.to_zoned(TimeZone::UTC).strftime(format).to_string()
}

/// A time in JSON: a text in one of the formats, or whole milliseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct JsonTime(pub(crate) Option<Timestamp>);

impl<'de> Deserialize<'de> for JsonTime {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Milliseconds(i64),
            Text(String),
            Nothing,
        }
        Ok(Self(match Form::deserialize(deserializer)? {
            Form::Milliseconds(milliseconds) => Some(Timestamp::from_seconds(milliseconds.div_euclid(1000))),
            Form::Text(text) => parse_time(&text).map_err(serde::de::Error::custom)?,
            Form::Nothing => None,
        }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MOMENT: i64 = 1_767_323_045;

    #[test]
    fn every_format_of_the_service_is_read() {
        for (text, seconds) in [
            ("2026-01-02-T03:04:05Z", MOMENT),
            ("2026-01-02-T04:04:05+0100", MOMENT),
            ("2026-01-01-T22:34:05-0430", MOMENT),
            ("2026-01-02T03:04:05Z", MOMENT),
            ("2026-01-02T04:04:05+01:00", MOMENT),
            ("2026-01-02T03:04:05.000Z", MOMENT),
            ("2026-01-02T03:04:05.999Z", MOMENT),
            ("1969-12-31T23:59:59.500Z", -1),
            ("0001-01-01-T00:00:00Z", FIRST.seconds()),
            ("9999-12-30-T20:00:00Z", 253_402_207_200 - 7200),
        ] {
            assert_eq!(parse_time(text), Ok(Some(Timestamp::from_seconds(seconds))), "{text}");
        }
        assert_eq!(parse_time(""), Ok(None));
        assert_eq!(parse_time("  "), Ok(None));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["yesterday", "2026-13-01-T00:00:00Z", "2026-01-02", "2026-01-02T03:04:05", "-T", "1"] {
            assert!(parse_time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn json_times_are_texts_or_milliseconds() {
        let read = |json: &str| serde_json::from_str::<JsonTime>(json).map(|time| time.0);
        assert_eq!(read("1767323045999").unwrap(), Some(Timestamp::from_seconds(MOMENT)));
        assert_eq!(read("-1").unwrap(), Some(Timestamp::from_seconds(-1)));
        assert_eq!(read("\"2026-01-02-T03:04:05Z\"").unwrap(), Some(Timestamp::from_seconds(MOMENT)));
        assert_eq!(read("null").unwrap(), None);
        assert!(read("\"soon\"").is_err());
    }

    #[test]
    fn times_beyond_the_service_are_moved_to_its_ends() {
        assert_eq!(classic_time(Timestamp::from_seconds(i64::MAX)), "9999-12-30-T22:00:00Z");
        assert_eq!(rfc3339_time(Timestamp::from_seconds(i64::MIN)), "0001-01-01T00:00:00Z");
    }

    proptest! {
        #[test]
        fn written_times_are_read_back(seconds in FIRST.seconds()..=LAST.seconds()) {
            let time = Timestamp::from_seconds(seconds);
            prop_assert_eq!(parse_time(&classic_time(time)), Ok(Some(time)));
            prop_assert_eq!(parse_time(&rfc3339_time(time)), Ok(Some(time)));
        }

        /// Each of the short ways, and what is nearly one.
        #[test]
        fn usual_times_are_what_the_library_reads(
            year in prop_oneof!["[0-9]{4}", "(19|20)[0-9]{2}", "0000|0001|9998|9999|1900|2000|2024"],
            month in prop_oneof!["(0[0-9]|1[0-3])", "02", "[0-9]{2}"],
            day in prop_oneof!["[0-3][0-9]", "(28|29|30|31|32|00)"],
            between in prop_oneof!["T", "-T", "t|-t| |_T|--T"],
            hour in "[0-2][0-9]",
            minute in prop_oneof!["[0-5][0-9]", "60"],
            second in prop_oneof!["[0-5][0-9]", "6[01]"],
            rest in prop_oneof!["Z", "\\.[0-9]{3}Z", "(|\\.[0-9]{0,11}|,5|\\.x)(Z|z|\\+00:00|\\+0100|)"],
        ) {
            let text = format!("{year}-{month}-{day}{between}{hour}:{minute}:{second}{rest}");
            if let Some(time) = usual_time(text.as_bytes()) {
                prop_assert_eq!(Ok(time), by_library(&text), "{}", text);
            }
        }

        #[test]
        fn what_the_service_writes_is_usual(
            seconds in FIRST.seconds()..253_370_764_800, decimals in 0..1000,
        ) {
            let time = Timestamp::from_seconds(seconds);
            let with_decimals = rfc3339_time(time).replace('Z', &format!(".{decimals:03}Z"));
            for text in [classic_time(time), rfc3339_time(time), with_decimals] {
                prop_assert_eq!(usual_time(text.as_bytes()), Some(time), "{}", text);
            }
        }

        #[test]
        fn reading_takes_anything(text in ".{0,30}") {
            let _ = parse_time(&text);
        }
    }
}
