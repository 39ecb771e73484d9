//! How names are stored on the service (protocol 8.3), written for the tests alone, so that they judge the
//! program.

use std::fmt::Write as _;

/// U+201B, which quotes.
const QUOTE: char = '\u{201B}';
/// What stands for itself only when it is quoted, with what it stands for otherwise.
const REPLACED: [(char, char); 10] = [
    ('"', '\u{FF02}'),
    ('%', '\u{FF05}'),
    ('*', '\u{FF0A}'),
    ('/', '\u{FF0F}'),
    (':', '\u{FF1A}'),
    ('<', '\u{FF1C}'),
    ('>', '\u{FF1E}'),
    ('?', '\u{FF1F}'),
    ('|', '\u{FF5C}'),
    ('\u{7F}', '\u{2421}'),
];

/// The stored form of a local name.
pub(crate) fn encode(name: &[u8]) -> String {
    match std::str::from_utf8(name) {
        Ok("\u{FF0E}") => return format!("{QUOTE}\u{FF0E}"),
        Ok("\u{FF0E}\u{FF0E}") => return format!("{QUOTE}\u{FF0E}{QUOTE}\u{FF0E}"),
        _ => {}
    }
    let mut stored = String::new();
    for chunk in name.utf8_chunks() {
        for character in chunk.valid().chars() {
            push(&mut stored, character);
        }
        for byte in chunk.invalid() {
            write!(stored, "{QUOTE}{byte:02X}").unwrap();
        }
    }
    stored
}

fn push(stored: &mut String, character: char) {
    if let Some((_, replacement)) = REPLACED.iter().find(|(raw, _)| *raw == character) {
        stored.push(*replacement);
    } else if character < ' ' {
        stored.extend(char::from_u32(0x2400 + u32::from(character)));
    } else {
        let is_replacement = REPLACED.iter().any(|(_, replacement)| *replacement == character);
        if is_replacement || character == QUOTE || ('\u{2400}'..='\u{241F}').contains(&character) {
            stored.push(QUOTE);
        }
        stored.push(character);
    }
}

/// The vectors of protocol 8.3 that a file name can be (not `.`, `..`, nor one with a slash or NUL), with
/// their stored forms.
const VECTORS: [(&[u8], &str); 45] = [
    (b"report.txt", "report.txt"),
    (b"...", "..."),
    (b".hidden", ".hidden"),
    ("．".as_bytes(), "‛．"),
    ("．．".as_bytes(), "‛．‛．"),
    ("．a".as_bytes(), "．a"),
    (b"a:b", "a：b"),
    (b"a?b*c", "a？b＊c"),
    (b"<x>|\"y\"", "＜x＞｜＂y＂"),
    (b"100%", "100％"),
    (b"a%20b", "a％20b"),
    (b"a+b&c=d", "a+b&c=d"),
    (b"#tag;@,$", "#tag;@,$"),
    (b"it's (1) [2]!", "it's (1) [2]!"),
    (b" lead", " lead"),
    (b"trail ", "trail "),
    (b"trail.", "trail."),
    (b"~x", "~x"),
    (b"back\\slash", "back\\slash"),
    (b"a\nb", "a␊b"),
    (b"a\tb\r", "a␉b␍"),
    (b"\x1f\x7f", "␟␡"),
    ("␊".as_bytes(), "‛␊"),
    ("␀".as_bytes(), "‛␀"),
    ("␡".as_bytes(), "‛␡"),
    ("␠".as_bytes(), "␠"),
    ("a：b".as_bytes(), "a‛：b"),
    ("a／b".as_bytes(), "a‛／b"),
    ("50％".as_bytes(), "50‛％"),
    ("‛".as_bytes(), "‛‛"),
    ("‛‛".as_bytes(), "‛‛‛‛"),
    ("‛FF".as_bytes(), "‛‛FF"),
    ("a‛：".as_bytes(), "a‛‛‛："),
    ("‛．".as_bytes(), "‛‛．"),
    (b"\xff", "‛FF"),
    (b"a\xbf\xfeb", "a‛BF‛FEb"),
    (b"\xc3(", "‛C3("),
    (b"\xe2\x82", "‛E2‛82"),
    (b"\xed\xa0\x80", "‛ED‛A0‛80"),
    (b"\xc0\xaf", "‛C0‛AF"),
    ("\u{fffd}".as_bytes(), "\u{fffd}"),
    ("æøå Ω".as_bytes(), "æøå Ω"),
    (b"e\xcc\x81", "e\u{301}"),
    ("😀".as_bytes(), "😀"),
    ("＃＆".as_bytes(), "＃＆"),
];

/// Every awkward name that one directory can hold and the service can store.
pub(crate) fn names_that_a_file_can_have() -> Vec<Vec<u8>> {
    let mut names: Vec<Vec<u8>> = VECTORS.iter().map(|(name, _)| name.to_vec()).collect();
    names.extend([
        vec![b'n'; 255],
        "æ".repeat(127).into_bytes(),
        "文".repeat(85).into_bytes(),
        "😀".repeat(63).into_bytes(),
        // NFC, in another directory than the NFD of the vectors; here with a letter more, so that both can
        // be.
        "\u{e9}t\u{e9}".as_bytes().to_vec(),
        b"-rf".to_vec(),
        b"--help".to_vec(),
        b"CON".to_vec(),
        b"desktop.ini".to_vec(),
        b"&amp;<![CDATA[".to_vec(),
        b"%2e%2e%2f".to_vec(),
        b"' OR 1=1;--".to_vec(),
    ]);
    names
}

#[test]
fn the_tests_own_encoder_agrees_with_the_vectors() {
    for (name, stored) in VECTORS {
        assert_eq!(encode(name), stored, "{}", name.escape_ascii());
    }
}
