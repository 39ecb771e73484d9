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
