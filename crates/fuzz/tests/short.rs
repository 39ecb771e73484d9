//! The fuzz targets on any compiler: the corpus, and thousands of inputs that come of changing it. The same
//! every time, unless `JOTTAD_FUZZ_SEED` and `JOTTAD_FUZZ_CASES` say otherwise.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use jottad_fuzz::TARGETS;
use nix::sys::resource::{UsageWho, getrusage};

/// What parsers stumble over.
const TOKENS: &[&str] = &[
    "<",
    ">",
    "</",
    "/>",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?xml",
    "<!DOCTYPE a [<!ENTITY b \"c\">]>",
    "&amp;",
    "&b;",
    "&#0;",
    "&#x110000;",
    "\"",
    "'",
    "\0",
    "\u{fffe}",
    "\u{201b}",
    "\u{ff0e}",
    "\u{2400}",
    "/",
    "..",
    "-1",
    "18446744073709551616",
    "<folder>",
    "<file>",
    "<stats>",
    "</liststream>",
    "xmlns:",
    "deleted=\"",
    "[[folder]]",
    "[service]",
    "= ",
    "\n",
    "\r\n",
    "'''",
    "\"\"\"",
    "{",
    "}",
    "=",
    "==",
    "9999-12-31-T23:59:59Z",
];

fn number(variable: &str, usual: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// One change, as fuzzers make them.
fn change(bytes: &mut Vec<u8>, corpus: &[Vec<u8>], random: &mut fastrand::Rng) {
    let at = random.usize(..=bytes.len());
    let length = random.usize(..=bytes.len() - at).min(random.usize(1..200));
    match random.u8(..7) {
        0 if at < bytes.len() => bytes[at] ^= 1 << random.u8(..8),
        1 if at < bytes.len() => bytes[at] = random.u8(..),
        2 => drop(bytes.drain(at..at + length)),
        3 => {
            let piece = bytes[at..at + length].to_vec();
            drop(bytes.splice(at..at, piece.repeat(random.usize(1..20))));
        }
        4 => bytes.truncate(at),
        5 => {
            let other = &corpus[random.usize(..corpus.len())];
            let from = random.usize(..=other.len());
            drop(bytes.splice(at.., other[from..].iter().copied()));
        }
        _ => {
            let token = TOKENS[random.usize(..TOKENS.len())];
            drop(bytes.splice(at..at, token.bytes()));
        }
    }
}

#[test]
fn no_input_is_too_odd() {
    let (seed, cases) = (number("JOTTAD_FUZZ_SEED", 1), number("JOTTAD_FUZZ_CASES", 4000));
    for (name, target) in TARGETS {
        let corpus = corpus(name);
        assert!(corpus.len() > 1, "{name} has no corpus");
        let feed = |bytes: &[u8], case: String| {
            let fed = catch_unwind(AssertUnwindSafe(|| target(bytes)));
            assert!(fed.is_ok(), "{name}, {case}: {:?}", String::from_utf8_lossy(bytes));
        };
        for (number, bytes) in corpus.iter().enumerate() {
            feed(bytes, format!("file {number} of its corpus"));
        }
        for case in 0..cases {
            let mut random = fastrand::Rng::with_seed(seed.wrapping_mul(1_000_003).wrapping_add(case));
            let mut bytes = corpus[random.usize(..corpus.len())].clone();
            for _ in 0..random.usize(1..6) {
                change(&mut bytes, &corpus, &mut random);
            }
            feed(&bytes, format!("case {case} of seed {seed}"));
        }
    }
}

#[test]
fn no_input_is_too_big() {
    /// Bytes of each input.
    const BIG: usize = 1 << 20;
    for piece in [
        "<a>",
        "a",
        "<a b=\"",
        "&amp;",
        "<file name=\"a\"/>",
        "[a]\n",
        "[",
        "<!--",
        "x = 1\n",
        "\u{201b}",
        "A",
    ] {
        for head in ["", "<folder>", "<folder name=\"", "<liststream>", "<error><message>"] {
            let input = head.to_owned() + &piece.repeat(BIG / piece.len());
            for (name, target) in TARGETS {
                // A config of megabytes is its owner's own doing; a name comes from a directory.
                if !matches!(*name, "config" | "names") {
                    target(input.as_bytes());
                }
            }
        }
    }
    let used = getrusage(UsageWho::RUSAGE_SELF).unwrap().max_rss();
    assert!(used < 128 * 1024, "{used} KiB");
}
