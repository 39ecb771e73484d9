//! Quantities as people write them: sizes, durations and counts.

use std::time::Duration;

use bytesize::ByteSize;
use jiff::{Span, SpanRelativeTo};

/// Nobody means more, and a clock that is so much further on would overflow.
const LONGEST: Duration = Duration::from_hours(24 * 36_525);

/// Reads `500ms`, `10m`, `1h 30m`, `2d`; a day has 24 hours.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let refuse = || format!("{text:?} is not a duration: write for example \"500ms\", \"10m\" or \"6h\"");
    let span: Span = text.trim().parse().map_err(|_| refuse())?;
    let parsed = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| refuse())?;
    let duration = Duration::try_from(parsed).map_err(|_| refuse())?;
    if duration > LONGEST {
        return Err(format!("{text:?} is longer than a hundred years"));
    }
    Ok(duration)
}

/// Reads `10 MiB`, `512 kB`, `4096 B`. Without a unit it is refused: nobody knows whether `4` means bytes.
pub(crate) fn parse_size(text: &str) -> Result<u64, String> {
    let refuse = |_| format!("{text:?} is not a size: write for example \"10 MiB\" or \"500 kB\"");
    let size: ByteSize = text.trim().parse().map_err(refuse)?;
    if size.0 > 0 && !text.contains(|character: char| character.is_ascii_alphabetic()) {
        let number = text.trim();
        return Err(format!(
            "{text:?} has no unit: write for example \"{number} MiB\", or \"{number} B\" for bytes"
        ));
    }
    Ok(size.0)
}

/// Prints bytes for people.
pub(crate) fn format_size(bytes: u64) -> String {
    ByteSize(bytes).display().iec().to_string()
}

/// Prints a duration for people, in its one or two largest units.
pub(crate) fn format_duration(duration: Duration) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let seconds = duration.as_secs();
    let Some(first) = UNITS.iter().position(|(length, _)| seconds >= *length) else {
        return "0 s".to_owned();
    };
    let (length, unit) = UNITS[first];
    let (count, rest) = (seconds / length, seconds % length);
    match UNITS.get(first + 1) {
        // The second unit matters only while the first is a small number.
        Some((length, unit_below)) if count < 10 && rest >= *length => {
            format!("{count} {unit} {} {unit_below}", rest / length)
        }
        _ => format!("{count} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        let cases = [
            ("500ms", 500),
            ("10m", 600_000),
            ("6h", 21_600_000),
            ("1h 30m", 5_400_000),
            (" 2s ", 2000),
            ("1d", 86_400_000),
            ("1d 12h", 129_600_000),
            ("2 weeks", 1_209_600_000),
        ];
        for (text, milliseconds) in cases {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in [
            "",
            "10",
            "-5m",
            "soon",
            "10 potatoes",
            "99999999999999999999h",
            "900000h",
            "2562047788015215h",
            "1 month",
            "-1d",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_read_as_people_write_them() {
        let cases = [
            ("10 MiB", 10 << 20),
            ("2MiB", 2 << 20),
            ("500 kB", 500_000),
            ("4096 B", 4096),
            ("4096b", 4096),
            ("0", 0),
        ];
        for (text, bytes) in cases {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for text in ["", "-1", "many", "10 XiB", "4", "4096", " 4 "] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_size_without_a_unit_is_refused_with_what_may_be_meant() {
        let error = parse_size("4").unwrap_err();
        assert_eq!(error, "\"4\" has no unit: write for example \"4 MiB\", or \"4 B\" for bytes");
    }

    #[test]
    fn durations_are_printed_in_few_words() {
        let cases = [
            (0, "0 s"),
            (12, "12 s"),
            (60, "1 min"),
            (61, "1 min 1 s"),
            (754, "12 min"),
            (3_660, "1 h 1 min"),
            (90_000, "1 d 1 h"),
            (86_400 * 30, "30 d"),
        ];
        for (seconds, text) in cases {
            assert_eq!(format_duration(Duration::from_secs(seconds)), text);
        }
    }
}
