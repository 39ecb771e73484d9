//! Names that Linux allows and the service does not: what rclone makes of them, and that they come back.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use crate::rclone::Rclone;

/// Local names and what rclone stores for them (protocol 8.3).
const NAMES: [(&[u8], &str); 37] = [
    (b"report.txt", "report.txt"),
    (b"...", "..."),
    (b".hidden", ".hidden"),
    ("．".as_bytes(), "．"),
    ("．．".as_bytes(), "．．"),
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
    ("␀".as_bytes(), "␀"),
    ("␡".as_bytes(), "‛␡"),
    ("␠".as_bytes(), "␠"),
    ("a：b".as_bytes(), "a‛：b"),
    ("a／b".as_bytes(), "a／b"),
    ("50％".as_bytes(), "50‛％"),
    (b"\xff", "‛FF"),
    (b"a\xbf\xfeb", "a‛BF‛FEb"),
    (b"\xc3(", "‛C3("),
    (b"\xed\xa0\x80", "‛ED‛A0‛80"),
    (b"\xef\xbf\xbd", "\u{fffd}"),
    ("æøå Ω".as_bytes(), "æøå Ω"),
    ("e\u{301}".as_bytes(), "e\u{301}"),
    ("😀".as_bytes(), "😀"),
];

/// Names with the quote rune: rclone cannot open such local files (1.75), but writes them by path.
const QUOTED: [(&str, &str); 3] = [("‛", "‛‛"), ("‛FF", "‛‛FF"), ("a‛：", "a‛‛‛：")];

#[tokio::test(flavor = "multi_thread")]
async fn every_name_is_stored_as_documented_and_comes_back() {
    let Some(rclone) = Rclone::start().await else { return };
    let local = rclone.local("src");
    // Each in a folder of its own: rclone takes all invalid bytes for the same when it compares siblings.
    let folder = |number: usize| format!("{number:02}");
    for (number, (name, _)) in NAMES.iter().enumerate() {
        std::fs::create_dir(local.join(folder(number))).unwrap();
        std::fs::write(local.join(folder(number)).join(OsStr::from_bytes(name)), name).unwrap();
    }
    let source = local.to_str().unwrap();
    rclone.run(["copy", source, "r:names"]);
    for (number, (name, stored)) in NAMES.iter().enumerate() {
        let content = rclone.state().content(&format!("Jotta/Archive/names/{}/{stored}", folder(number)));
        assert_eq!(content.as_deref(), Some(*name), "{}", name.escape_ascii());
    }
    rclone.run(["check", "--download", source, "r:names"]);
    rclone.run(["check", "--download", "--fast-list", source, "r:names"]);
    let back = rclone.local("back");
    rclone.run(["copy", "r:names", back.to_str().unwrap()]);
    for (number, (name, _)) in NAMES.iter().enumerate() {
        let path = back.join(folder(number)).join(OsStr::from_bytes(name));
        assert_eq!(std::fs::read(path).unwrap(), *name, "{}", name.escape_ascii());
    }
    rclone.state().reset_counters();
    rclone.run(["sync", source, "r:names"]);
    assert_eq!(rclone.state().counters().of("allocate"), 0, "a second run finds every name again");
}

/// Every byte that a name on the service cannot hold as it is and a Linux name can, each in a name of its
/// own, with its stored form: the map of protocol 8.3, and all bytes that are no UTF-8.
fn every_restricted_byte() -> Vec<(Vec<u8>, String)> {
    let mut names = Vec::new();
    for byte in (1..=0xff_u8).filter(|byte| *byte != b'/') {
        let stored = match byte {
            1..=0x1f => char::from_u32(0x2400 + u32::from(byte)).unwrap().to_string(),
            0x7f => "\u{2421}".to_owned(),
            b'"' | b'%' | b'*' | b':' | b'<' | b'>' | b'?' | b'|' => {
                char::from_u32(0xfee0 + u32::from(byte)).unwrap().to_string()
            }
            0x80.. => format!("\u{201b}{byte:02X}"),
            _ => continue,
        };
        names.push((vec![b'a', byte, b'z'], format!("a{stored}z")));
    }
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn every_restricted_byte_is_stored_as_documented_and_comes_back() {
    let Some(rclone) = Rclone::start().await else { return };
    let names = every_restricted_byte();
    assert_eq!(names.len(), 31 + 1 + 8 + 128);
    let local = rclone.local("src");
    for (number, (name, _)) in names.iter().enumerate() {
        let folder = local.join(number.to_string());
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join(OsStr::from_bytes(name)), name).unwrap();
    }
    rclone.run(["copy", local.to_str().unwrap(), "r:bytes", "--transfers", "8"]);
    for (number, (name, stored)) in names.iter().enumerate() {
        let content = rclone.state().content(&format!("Jotta/Archive/bytes/{number}/{stored}"));
        assert_eq!(content.as_deref(), Some(name.as_slice()), "{}", name.escape_ascii());
    }
    let back = rclone.local("back");
    rclone.run(["copy", "r:bytes", back.to_str().unwrap(), "--transfers", "8"]);
    for (number, (name, _)) in names.iter().enumerate() {
        let path = back.join(number.to_string()).join(OsStr::from_bytes(name));
        assert_eq!(std::fs::read(path).unwrap(), *name, "{}", name.escape_ascii());
    }
}

/// Names that other programs store, what rclone shows of them, and whether it finds them again under that
/// name: only if it would have stored it so itself (protocol 8.3, decode-only vectors). It shows the quote
/// rune twice, as it writes every name in its own inner coding (8.6).
const FOREIGN: [(&str, &[u8], bool); 9] = [
    ("a:b", "a:b".as_bytes(), false),
    ("half‛", "half‛‛".as_bytes(), false),
    ("‛a", "‛‛a".as_bytes(), false),
    ("‛GG", "‛‛GG".as_bytes(), false),
    ("‛41", b"A", false),
    // The service does not mind that rclone would write `‛FF`.
    ("‛fF", b"\xff", true),
    ("a．b", "a．b".as_bytes(), true),
    ("␠a", "␠a".as_bytes(), true),
    ("a‛：b", "a：b".as_bytes(), true),
];

#[tokio::test(flavor = "multi_thread")]
async fn foreign_names_are_shown_and_only_found_where_they_lead_back() {
    let Some(rclone) = Rclone::start().await else { return };
    for (number, (stored, shown, leads_back)) in FOREIGN.iter().enumerate() {
        let path = format!("Jotta/Archive/foreign{number}/{stored}");
        rclone.state().act(&jottad_emulator::Act::put(&path, stored.as_bytes())).unwrap();
        let listed = rclone.output(["lsf", &format!("r:foreign{number}")]).stdout;
        assert_eq!(listed, [shown, &b"\n"[..]].concat(), "{stored}");
        let mut place = format!("r:foreign{number}/").into_bytes();
        place.extend_from_slice(shown);
        let read = rclone.output([OsStr::new("cat"), OsStr::from_bytes(&place)]);
        assert_eq!(read.status.success() && read.stdout == stored.as_bytes(), *leads_back, "{stored}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_with_the_quote_rune_are_written_by_path() {
    let Some(rclone) = Rclone::start().await else { return };
    let input = rclone.local("in").join("text");
    for (name, stored) in QUOTED {
        std::fs::write(&input, name).unwrap();
        rclone.feed(&input, &["rcat", &format!("r:names/{name}")]);
        let content = rclone.state().content(&format!("Jotta/Archive/names/{stored}"));
        assert_eq!(content.as_deref(), Some(name.as_bytes()), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_can_have_such_names_too() {
    let Some(rclone) = Rclone::start().await else { return };
    let local = rclone.local("src");
    for (number, (name, _)) in NAMES.iter().enumerate() {
        let folder = local.join(number.to_string()).join(OsStr::from_bytes(name));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("file"), name).unwrap();
    }
    let source = local.to_str().unwrap();
    rclone.run(["sync", source, "r:names"]);
    rclone.run(["check", "--download", source, "r:names"]);
    rclone.run(["moveto", "r:names", "r:a?b"]);
    rclone.run(["check", "--fast-list", source, "r:a?b"]);
    assert!(rclone.state().entry("Jotta/Archive/a？b/6/a：b/file").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_of_256_is_refused_and_one_of_255_is_not() {
    let Some(rclone) = Rclone::start().await else { return };
    rclone.run(["mkdir", &format!("r:{}", "n".repeat(255))]);
    rclone.fail(["mkdir", &format!("r:{}", "n".repeat(256)), "--retries", "1"]);
}
