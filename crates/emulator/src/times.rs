//! The service's time formats (protocol 4.8). All times here are whole seconds since 1970, UTC.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

/// Whole seconds since 1970, UTC.
pub(crate) type Seconds = i64;

/// Writes the classic format with its extra dash: `2026-01-02-T03:04:05Z`.
pub(crate) fn write_classic(out: &mut String, time: Seconds) {
    write(out, time, "-T", "Z");
}

/// The classic format as a string of its own.
pub(crate) fn classic(time: Seconds) -> String {
    let mut out = String::with_capacity(21);
    write_classic(&mut out, time);
    out
}

/// Writes RFC 3339 with three decimals: `2026-01-02T03:04:05.000Z`.
pub(crate) fn write_milliseconds(out: &mut String, time: Seconds) {
    write(out, time, "T", ".000Z");
}

fn write(out: &mut String, time: Seconds, separator: &str, end: &str) {
    let time: DateTime = Offset::UTC.to_datetime(Timestamp::from_second(time).unwrap_or_default());
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "{:04}-{:02}-{:02}{separator}{:02}:{:02}:{:02}{end}",
        time.year(),
        time.month(),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    );
}

/// Reads the classic format, RFC 3339, and both with any offset. Fractions are cut off.
pub(crate) fn parse(text: &str) -> Option<Seconds> {
    let text = text.trim();
    let joined = match text.get(10..12) {
        Some("-T") => format!("{}{}", &text[..10], &text[11..]),
        _ => text.to_owned(),
    };
    let time: Timestamp = joined.parse().ok()?;
    // `as_second` rounds towards zero; before 1970 a fraction would round up.
    Some(time.as_second() - i64::from(time.subsec_nanosecond() < 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_that_clients_send_are_read() {
        for text in [
            "2026-01-02-T03:04:05Z",
            "2026-01-02-T04:04:05+0100",
            "2026-01-02-T04:04:05+01:00",
            "2026-01-02T03:04:05Z",
            "2026-01-02T03:04:05.999Z",
            "2026-01-01T22:04:05-05:00",
        ] {
            assert_eq!(parse(text), Some(1_767_323_045), "{text}");
        }
    }

    #[test]
    fn nonsense_is_no_time() {
        for text in ["", "now", "2026-13-02T03:04:05Z", "2014-10-26T12:33:09Z+00:00", "-T", "2026-01-02é-T"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn both_formats_are_written_exactly() {
        assert_eq!(classic(1_767_323_045), "2026-01-02-T03:04:05Z");
        let mut out = String::new();
        write_milliseconds(&mut out, -1);
        assert_eq!(out, "1969-12-31T23:59:59.000Z");
    }
}
