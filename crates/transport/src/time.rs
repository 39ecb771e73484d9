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
    let refuse = || ParseTimeError { text: text.chars().take(64).collect() };
    let plain = match text.split_once("-T") {
        Some((date, rest)) => format!("{date}T{rest}"),
        None => text.to_owned(),
    };
    let parsed: jiff::Timestamp = plain.parse().map_err(|_| refuse())?;
    Ok(Some(Timestamp::from_nanoseconds(parsed.as_nanosecond())))
}

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

        #[test]
        fn reading_takes_anything(text in ".{0,30}") {
            let _ = parse_time(&text);
        }
    }
}
