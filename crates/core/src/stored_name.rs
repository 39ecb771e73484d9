//! Names as the service stores them: the reversible encoding of protocol 8.3.
//!
//! Characters that Jottacloud refuses are replaced by look-alikes from the full-width and control-picture
//! blocks; a look-alike that was there already is marked with the quote rune. The result is the same, byte
//! for byte, as what rclone stores, so that people can use both programs on one account.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use crate::name::{Name, NameError};

/// Marks a replacement rune that was in the name already, and bytes that are not UTF-8.
const QUOTE: char = '\u{201B}';
const FULLWIDTH_STOP: char = '\u{FF0E}';
const FULLWIDTH_OFFSET: u32 = 0xFEE0;
const CONTROL_PICTURES: u32 = 0x2400;

/// A name as it stands on the service: never empty, no `/`, otherwise whatever some client once stored.
///
/// A copy shares the text, because a path copies the names of all that is above.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoredName(Arc<str>);

impl StoredName {
    /// Takes a name that the service sent; `None` if it is empty or holds a `/`, which no stored name does.
    pub fn new(text: impl Into<Arc<str>>) -> Option<Self> {
        let text = text.into();
        (!text.is_empty() && !text.contains('/')).then_some(Self(text))
    }

    /// The text, not escaped for any use.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The local name, where nothing in it is written in another way on the service and it can be told at a
    /// glance: nearly always. Otherwise [`decode_name`] tells.
    pub fn plain(&self) -> Option<&str> {
        let has_only_plain_bytes = self.0.bytes().all(|byte| IS_PLAIN[usize::from(byte)]);
        (has_only_plain_bytes && !matches!(&*self.0, "." | "..")).then_some(&self.0)
    }

    /// Whether the service takes a name of this length whatever it counts (protocol 8.7, U-06).
    pub fn fits(&self) -> bool {
        self.0.len() <= 255
    }
}

impl fmt::Display for StoredName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::shell::write_name(formatter, self.0.as_bytes())
    }
}

impl fmt::Debug for StoredName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "\"{self}\"")
    }
}

/// What a stored name is called locally (protocol 8.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DecodedName {
    /// Encoding the local name gives the stored name back.
    Native(Name),
    /// Another program's spelling: the stored name stays the identity and must be used in requests.
    Foreign(Name),
    /// No legal local name: the entry is reported and left alone.
    Unrepresentable(NameError),
}

/// Encodes a local name for the service. Injective over all byte strings.
pub fn encode_name(name: &Name) -> StoredName {
    StoredName(encode(name.as_bytes()).into())
}

/// Decodes a stored name to a local one, or says that it is another program's or cannot be one.
pub fn decode_name(stored: &StoredName) -> DecodedName {
    if let Some(plain) = stored.plain().and_then(|plain| Name::try_from(plain).ok()) {
        return DecodedName::Native(plain);
    }
    decode_any(stored)
}

fn decode_any(stored: &StoredName) -> DecodedName {
    let decoded = decode(stored.as_str());
    let native = encode(&decoded) == stored.as_str();
    match Name::new(decoded) {
        Ok(name) if native => DecodedName::Native(name),
        Ok(name) => DecodedName::Foreign(name),
        Err(reason) => match Name::new(stored.as_str().as_bytes()) {
            Ok(name) => DecodedName::Foreign(name),
            Err(_) => DecodedName::Unrepresentable(reason),
        },
    }
}

/// The bytes that stand for themselves on either side, whatever is around them. Of those that are no ASCII,
/// `0xe2` begins the quote rune and the control pictures among others, and `0xef` what is full-width.
const IS_PLAIN: [bool; 256] = {
    let mut is_plain = [true; 256];
    let mut byte: usize = 0;
    while byte < 0x20 {
        is_plain[byte] = false;
        byte += 1;
    }
    let special = b"\"%*/:<>?|\x7f\xe2\xef";
    let mut at = 0;
    while at < special.len() {
        is_plain[special[at] as usize] = false;
        at += 1;
    }
    is_plain
};

fn encode(name: &[u8]) -> String {
    match name {
        b"." => return FULLWIDTH_STOP.to_string(),
        b".." => return [FULLWIDTH_STOP; 2].iter().collect(),
        _ if name == "．".as_bytes() => return [QUOTE, FULLWIDTH_STOP].iter().collect(),
        _ if name == "．．".as_bytes() => {
            return [QUOTE, FULLWIDTH_STOP, QUOTE, FULLWIDTH_STOP].iter().collect();
        }
        _ => {}
    }
    let mut stored = String::with_capacity(name.len());
    for chunk in name.utf8_chunks() {
        for character in chunk.valid().chars() {
            if let Some(replacement) = replacement(character) {
                stored.push(replacement);
            } else {
                if character == QUOTE || original(character).is_some() {
                    stored.push(QUOTE);
                }
                stored.push(character);
            }
        }
        for byte in chunk.invalid() {
            stored.push(QUOTE);
            let _ = write!(stored, "{byte:02X}");
        }
    }
    stored
}

fn decode(stored: &str) -> Vec<u8> {
    match stored {
        "．" => return b".".to_vec(),
        "．．" => return b"..".to_vec(),
        "‛．" => return "．".into(),
        "‛．‛．" => return "．．".into(),
        _ => {}
    }
    let mut name = Vec::with_capacity(stored.len());
    let push = |name: &mut Vec<u8>, character: char| {
        name.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    };
    let mut quoted = false;
    let mut rest = stored.chars();
    loop {
        let here = rest.as_str();
        let Some(character) = rest.next() else { break };
        if character == QUOTE {
            if quoted {
                push(&mut name, QUOTE);
            }
            quoted = !quoted;
            continue;
        }
        match original(character) {
            Some(raw) => push(&mut name, if quoted { character } else { raw }),
            None if quoted => {
                if let Some(byte) = hexadecimal_byte(here) {
                    name.push(byte);
                    rest.next();
                } else {
                    push(&mut name, QUOTE);
                    push(&mut name, character);
                }
            }
            None => push(&mut name, character),
        }
        quoted = false;
    }
    if quoted {
        push(&mut name, QUOTE);
    }
    name
}

fn hexadecimal_byte(text: &str) -> Option<u8> {
    let digits = text.as_bytes().get(..2)?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// What stands on the service for a character that it refuses.
fn replacement(character: char) -> Option<char> {
    let code = u32::from(character);
    match character {
        '"' | '%' | '*' | '/' | ':' | '<' | '>' | '?' | '|' => char::from_u32(code + FULLWIDTH_OFFSET),
        '\0'..='\x1f' => char::from_u32(code + CONTROL_PICTURES),
        '\x7f' => Some('\u{2421}'),
        _ => None,
    }
}

/// The refused character that a replacement stands for: the inverse of [`replacement`].
fn original(character: char) -> Option<char> {
    let code = u32::from(character);
    match character {
        '＂' | '％' | '＊' | '／' | '：' | '＜' | '＞' | '？' | '｜' => {
            char::from_u32(code - FULLWIDTH_OFFSET)
        }
        '\u{2400}'..='\u{241f}' => char::from_u32(code - CONTROL_PICTURES),
        '\u{2421}' => Some('\x7f'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Number, local bytes, stored name (protocol 8.3).
    #[rustfmt::skip]
    const VECTORS: &[(u32, &[u8], &str)] = &[
        (1, b"report.txt", "report.txt"),
        (2, b".", "\u{ff0e}"),
        (3, b"..", "\u{ff0e}\u{ff0e}"),
        (4, b"...", "..."),
        (5, b".hidden", ".hidden"),
        (6, b"\xef\xbc\x8e", "\u{201b}\u{ff0e}"),
        (7, b"\xef\xbc\x8e\xef\xbc\x8e", "\u{201b}\u{ff0e}\u{201b}\u{ff0e}"),
        (8, b"\xef\xbc\x8ea", "\u{ff0e}a"),
        (9, b"a:b", "a\u{ff1a}b"),
        (10, b"a?b*c", "a\u{ff1f}b\u{ff0a}c"),
        (11, b"<x>|\"y\"", "\u{ff1c}x\u{ff1e}\u{ff5c}\u{ff02}y\u{ff02}"),
        (12, b"a/b", "a\u{ff0f}b"),
        (13, b"100%", "100\u{ff05}"),
        (14, b"a%20b", "a\u{ff05}20b"),
        (15, b"a+b&c=d", "a+b&c=d"),
        (16, b"#tag;@,$", "#tag;@,$"),
        (17, b"it's (1) [2]!", "it's (1) [2]!"),
        (18, b" lead", " lead"),
        (19, b"trail ", "trail "),
        (20, b"trail.", "trail."),
        (21, b"~x", "~x"),
        (22, b"back\\slash", "back\\slash"),
        (23, b"n\x00x", "n\u{2400}x"),
        (24, b"a\x0ab", "a\u{240a}b"),
        (25, b"a\x09b\x0d", "a\u{2409}b\u{240d}"),
        (26, b"\x1f\x7f", "\u{241f}\u{2421}"),
        (27, b"\xe2\x90\x8a", "\u{201b}\u{240a}"),
        (28, b"\xe2\x90\x80", "\u{201b}\u{2400}"),
        (29, b"\xe2\x90\xa1", "\u{201b}\u{2421}"),
        (30, b"\xe2\x90\xa0", "\u{2420}"),
        (31, b"a\xef\xbc\x9ab", "a\u{201b}\u{ff1a}b"),
        (32, b"a\xef\xbc\x8fb", "a\u{201b}\u{ff0f}b"),
        (33, b"50\xef\xbc\x85", "50\u{201b}\u{ff05}"),
        (34, b"\xe2\x80\x9b", "\u{201b}\u{201b}"),
        (35, b"\xe2\x80\x9b\xe2\x80\x9b", "\u{201b}\u{201b}\u{201b}\u{201b}"),
        (36, b"\xe2\x80\x9bFF", "\u{201b}\u{201b}FF"),
        (37, b"a\xe2\x80\x9b\xef\xbc\x9a", "a\u{201b}\u{201b}\u{201b}\u{ff1a}"),
        (38, b"\xe2\x80\x9b\xef\xbc\x8e", "\u{201b}\u{201b}\u{ff0e}"),
        (39, b"\xff", "\u{201b}FF"),
        (40, b"a\xbf\xfeb", "a\u{201b}BF\u{201b}FEb"),
        (41, b"\xc3(", "\u{201b}C3("),
        (42, b"\xe2\x82", "\u{201b}E2\u{201b}82"),
        (43, b"\xed\xa0\x80", "\u{201b}ED\u{201b}A0\u{201b}80"),
        (44, b"\xc0\xaf", "\u{201b}C0\u{201b}AF"),
        (45, b"\xef\xbf\xbd", "\u{fffd}"),
        (46, b"\xc3\xa6\xc3\xb8\xc3\xa5 \xce\xa9", "\u{e6}\u{f8}\u{e5} \u{3a9}"),
        (47, b"e\xcc\x81", "e\u{301}"),
        (48, b"\xf0\x9f\x98\x80", "\u{1f600}"),
        (49, b"\xef\xbc\x83\xef\xbc\x86", "\u{ff03}\u{ff06}"),
    ];

    /// Stored name of another program, its local bytes, and whether encoding those gives it back (protocol
    /// 8.3).
    const DECODE_ONLY: &[(&str, &[u8], bool)] = &[
        ("a%b", b"a%b", false),
        ("a:b", b"a:b", false),
        ("‛", "‛".as_bytes(), false),
        ("‛a", "‛a".as_bytes(), false),
        ("‛4", "‛4".as_bytes(), false),
        ("‛GG", "‛GG".as_bytes(), false),
        ("‛41", b"A", false),
        ("‛fF", b"\xff", false),
        ("‛e9t", b"\xe9t", false),
        ("‛‛‛FF", b"\xe2\x80\x9b\xff", true),
        ("a．b", "a．b".as_bytes(), true),
        ("．．", b"..", true),
        ("..／..／x", b"../../x", true),
        ("␀", b"\0", true),
        ("␠a", "␠a".as_bytes(), true),
    ];

    #[test]
    fn every_vector_encodes_and_decodes() {
        for (number, local, stored) in VECTORS {
            assert_eq!(encode(local), *stored, "encoding vector {number}");
            assert_eq!(decode(stored), *local, "decoding vector {number}");
        }
    }

    #[test]
    fn names_of_other_programs_decode() {
        for (stored, local, comes_back) in DECODE_ONLY {
            assert_eq!(decode(stored), *local, "{stored}");
            assert_eq!(encode(local) == *stored, *comes_back, "{stored}");
        }
    }

    #[test]
    fn a_decoded_name_is_never_a_path() {
        for stored in ["．．", "．", "..／..／x", "␀"] {
            let decoded = decode_name(&StoredName::new(stored).unwrap());
            assert_eq!(decoded, DecodedName::Foreign(Name::try_from(stored).unwrap()), "{stored}");
        }
        assert_eq!(
            decode_name(&StoredName::new("..").unwrap()),
            DecodedName::Unrepresentable(NameError::Reference)
        );
    }

    #[test]
    fn what_we_store_is_ours_and_what_others_store_is_told_from_it() {
        let decoded = |stored: &str| decode_name(&StoredName::new(stored).unwrap());
        for (number, local, stored) in VECTORS {
            let Ok(name) = Name::new(*local) else { continue };
            assert_eq!(decoded(stored), DecodedName::Native(name), "vector {number}");
        }
        for (stored, local, comes_back) in DECODE_ONLY {
            let Ok(name) = Name::new(*local) else { continue };
            let expected = if *comes_back { DecodedName::Native(name) } else { DecodedName::Foreign(name) };
            assert_eq!(decoded(stored), expected, "{stored}");
        }
    }

    /// Nothing is plain that is written in another way on one of the two sides, and usual names are.
    #[test]
    fn every_character_is_plain_only_if_it_stands_for_itself() {
        for character in '\0'..=char::MAX {
            let Some(stored) = StoredName::new(character.to_string()) else { continue };
            let local = Name::try_from(stored.as_str());
            let stands_for_itself = local.is_ok_and(|name| decode_any(&stored) == DecodedName::Native(name));
            assert!(stored.plain().is_none() || stands_for_itself, "{character:?}");
        }
        for name in ["a", "IMG 0001.jpg", "...", "årsrapport (2).pdf", "日本", "it's & co"] {
            assert_eq!(StoredName::new(name).unwrap().plain(), Some(name));
        }
        for name in [".", "..", "a:b", "‛", "．"] {
            assert_eq!(StoredName::new(name).unwrap().plain(), None, "{name}");
        }
    }

    #[test]
    fn what_fits_is_counted_in_the_bytes_that_are_stored() {
        for (name, fits) in [
            ("x".repeat(255), true),
            ("x".repeat(256), false),
            ("å".repeat(127), true),
            ("å".repeat(128), false),
            ("%".repeat(85), true),
            ("%".repeat(86), false),
        ] {
            let stored = encode_name(&Name::try_from(name.as_str()).unwrap());
            assert_eq!(stored.fits(), fits, "{} bytes", stored.as_str().len());
        }
    }

    #[test]
    fn a_stored_name_is_shown_as_others_are() {
        for (name, shown) in [("a b", "a b"), ("a\nb", r"$'a\nb'"), ("＂", "＂")] {
            assert_eq!(StoredName::new(name).unwrap().to_string(), shown);
        }
        assert_eq!((StoredName::new(""), StoredName::new("a/b")), (None, None));
    }

    proptest! {
        #[test]
        fn encoding_is_reversible_for_all_bytes(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            prop_assert_eq!(decode(&encode(&bytes)), bytes);
        }

        #[test]
        fn encoding_is_reversible_where_it_is_hard(
            text in "[‛．／：␀␊␡%:./a4Ff]{0,12}", tail in prop::collection::vec(any::<u8>(), 0..2),
        ) {
            let bytes = [text.as_bytes(), &tail].concat();
            prop_assert_eq!(decode(&encode(&bytes)), bytes);
        }

        #[test]
        fn what_is_decoded_at_a_glance_is_what_decoding_gives(
            text in ".{1,6}|[ -~\u{80}-\u{ffff}]{1,4}|[‛．／：␀␊␡%:.ø–a4]{1,5}",
        ) {
            let Some(stored) = StoredName::new(text) else { return Ok(()) };
            prop_assert_eq!(decode_name(&stored), decode_any(&stored));
            if let Some(plain) = stored.plain() {
                prop_assert_eq!(decode_any(&stored), DecodedName::Native(Name::try_from(plain).unwrap()));
            }
        }

        #[test]
        fn decoding_takes_anything(text in ".{0,20}") {
            decode(&text);
        }
    }
}
