//! Points in time as people write them.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jottad_core::Timestamp;

/// Reads RFC 3339, or a date with or without a time of day in this machine's time zone; whole seconds.
pub(crate) fn moment_argument(text: &str) -> Result<Timestamp, String> {
    read(text.trim(), &TimeZone::system()).ok_or_else(|| {
        format!("{text:?} is not a time: write for example 2026-01-31T12:00:00Z, \"2026-01-31 12:00\" or 2026-01-31")
    })
}

fn read(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let instant = if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        instant
    } else {
        // A date alone is its first moment.
        let local = text.parse::<DateTime>().or_else(|_| text.parse::<Date>().map(DateTime::from)).ok()?;
        zone.to_timestamp(local).ok()?
    };
    Some(Timestamp::from_nanoseconds(instant.as_nanosecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_write_times_in_many_ways() {
        let oslo = TimeZone::fixed(jiff::tz::offset(1));
        for (text, seconds) in [
            ("2026-01-31T12:00:00Z", 1_769_860_800),
            ("2026-01-31T13:00:00+01:00", 1_769_860_800),
            ("2026-01-31 13:00:00", 1_769_860_800),
            ("2026-01-31 13:00", 1_769_860_800),
            ("2026-01-31T13:00", 1_769_860_800),
            ("2026-01-31", 1_769_814_000),
        ] {
            assert_eq!(read(text, &oslo), Some(Timestamp::from_seconds(seconds)), "{text}");
        }
        for text in ["", "yesterday", "2026-02-30", "12:00"] {
            assert_eq!(read(text, &oslo), None, "{text}");
        }
    }
}
