//! What a file holds and when it was changed: the facts that both sides can agree on.

use std::fmt;
use std::str::FromStr;

/// An MD5 hash, the identity of a content together with its size.
///
/// The service keeps the letter case in which a hash was sent (protocol 4.2); in jottad it is bytes, so
/// comparing ignores case by construction.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Md5([u8; 16]);

impl Md5 {
    /// The hash of no bytes at all.
    pub const EMPTY: Self = Self([
        0xd4, 0x1d, 0x8c, 0xd9, 0x8f, 0x00, 0xb2, 0x04, 0xe9, 0x80, 0x09, 0x98, 0xec, 0xf8, 0x42, 0x7e,
    ]);

    /// Wraps the sixteen bytes of a hash.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The sixteen bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for Md5 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digit = |value: u8| b"0123456789abcdef"[usize::from(value)];
        let pairs = self.0.map(|byte| [digit(byte >> 4), digit(byte & 0x0f)]);
        formatter.write_str(std::str::from_utf8(pairs.as_flattened()).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Md5 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// The text is not 32 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an MD5 hash of 32 hexadecimal digits")]
pub struct ParseMd5Error {
    text: String,
}

impl FromStr for Md5 {
    type Err = ParseMd5Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || ParseMd5Error { text: text.chars().take(64).collect() };
        let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return Err(refuse()) };
        let pairs: &[[u8; 2]; 16] = pairs.try_into().map_err(|_| refuse())?;
        // What is no digit sets the high bits of its value, and so those of the sum: a listing has millions
        // of hashes, and one question for each is enough.
        let (mut bytes, mut strange) = ([0; 16], 0);
        for (byte, &[high, low]) in bytes.iter_mut().zip(pairs) {
            let (high, low) = (DIGITS[usize::from(high)], DIGITS[usize::from(low)]);
            strange |= high | low;
            *byte = high << 4 | low;
        }
        if strange > 0x0f { Err(refuse()) } else { Ok(Self(bytes)) }
    }
}

/// What each byte is worth as a hexadecimal digit; `0xff` for what is none.
const DIGITS: [u8; 256] = {
    let mut digits = [0xff; 256];
    let mut value = 0;
    while value < 16 {
        digits[b"0123456789abcdef"[value as usize] as usize] = value;
        digits[b"0123456789ABCDEF"[value as usize] as usize] = value;
        value += 1;
    }
    digits
};

/// Size in bytes and MD5: two files are the same exactly when these are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Content {
    /// Bytes.
    pub size: u64,
    /// The MD5 over all bytes.
    pub md5: Md5,
}

impl Content {
    /// The content of an empty file.
    pub const EMPTY: Self = Self { size: 0, md5: Md5::EMPTY };
}

/// A point in time in whole seconds since 1970-01-01T00:00:00Z, the precision of the service (protocol 4.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From seconds since the epoch; negative before it.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// From nanoseconds since the epoch, rounded down as the service does.
    pub const fn from_nanoseconds(nanoseconds: i128) -> Self {
        // An i128 of nanoseconds that came from a file system always fits an i64 of seconds.
        #[allow(clippy::cast_possible_truncation)]
        Self(nanoseconds.div_euclid(1_000_000_000) as i64)
    }

    /// Seconds since the epoch.
    pub const fn seconds(self) -> i64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn md5_reads_both_letter_cases_and_prints_lower() {
        let lower: Md5 = "d41d8cd98f00b204e9800998ecf8427e".parse().unwrap();
        let upper: Md5 = "D41D8CD98F00B204E9800998ECF8427E".parse().unwrap();
        assert_eq!(lower, upper);
        assert_eq!(lower, Md5::EMPTY);
        assert_eq!(upper.to_string(), "d41d8cd98f00b204e9800998ecf8427e");
    }

    #[test]
    fn md5_refuses_what_is_not_a_hash() {
        for text in [
            "",
            "d41d8cd98f00b204e9800998ecf8427",
            "+41d8cd98f00b204e9800998ecf8427e",
            "é".repeat(16).as_str(),
        ] {
            assert!(text.parse::<Md5>().is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn md5_reads_what_the_library_reads(text in "[0-9a-fA-F]{32}|[0-9a-fA-Fg+é/: \\x00@`]{30,33}") {
            let digits = text.as_bytes();
            let is_hash = digits.len() == 32 && digits.iter().all(u8::is_ascii_hexdigit);
            let bytes = (0..16).map(|at| u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok());
            let expected: Option<Vec<u8>> = bytes.collect::<Option<_>>().filter(|_| is_hash);
            prop_assert_eq!(text.parse::<Md5>().ok().map(|md5| md5.as_bytes().to_vec()), expected);
        }
    }

    #[test]
    fn timestamps_keep_their_seconds() {
        for seconds in [i64::MIN, -2, 0, 1_700_000_000] {
            assert_eq!(Timestamp::from_seconds(seconds).seconds(), seconds);
        }
    }

    #[test]
    fn timestamps_round_down_before_the_epoch_too() {
        assert_eq!(Timestamp::from_nanoseconds(1_999_999_999), Timestamp::from_seconds(1));
        assert_eq!(Timestamp::from_nanoseconds(-1), Timestamp::from_seconds(-1));
    }
}
