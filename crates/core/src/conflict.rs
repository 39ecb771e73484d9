//! The name of a conflict copy. Which entry gets one, and when, is decided elsewhere.

use crate::name::Name;
use crate::stored_name::encode_name;

/// Longest host name that goes into a conflict name, in bytes.
const LONGEST_HOST: usize = 64;
/// Longest ending that counts as an extension, in bytes and without its dot.
const LONGEST_EXTENSION: usize = 16;
const MARK: &str = " (conflict ";

/// The name under which a conflict copy of `name` is kept: `stem (conflict HOST YYYY-MM-DD
/// HHMMSS).extension`.
///
/// `date_time` is `2026-11-23 140509`. If `taken` says that a name is in use, ` 2`, ` 3` … is put behind the
/// parenthesis. A conflict copy of a conflict copy bears only the new mark. The stem is cut so that the
/// stored name fits.
pub fn conflict_name(name: &Name, host: &str, date_time: &str, taken: impl Fn(&Name) -> bool) -> Name {
    let (stem, extension) = split_extension(name.as_bytes());
    let stem = without_mark(stem);
    let mark = format!("{MARK}{} {})", harmless(host, LONGEST_HOST), harmless(date_time, LONGEST_HOST));
    let mut number = 1_u64;
    loop {
        let numbered = if number == 1 { mark.clone() } else { format!("{mark} {number}") };
        let candidate = fitting(stem, &numbered, extension);
        if !taken(&candidate) {
            return candidate;
        }
        number += 1;
    }
}

/// Whether a name is one that [`conflict_name`] makes: a conflict copy of something.
pub fn is_conflict_name(name: &Name) -> bool {
    mark_start(split_extension(name.as_bytes()).0).is_some()
}

/// Whether `copy` is a name under which a conflict copy of `original` is kept.
pub fn is_conflict_copy(copy: &Name, original: &Name) -> bool {
    let (copied, _) = split_extension(copy.as_bytes());
    let mark = mark_start(copied).and_then(|start| std::str::from_utf8(&copied[start..]).ok());
    let (stem, extension) = split_extension(original.as_bytes());
    mark.is_some_and(|mark| mark_start(stem).is_none() && fitting(stem, mark, extension) == *copy)
}

/// The longest piece of the stem, the mark and the extension that the service takes.
fn fitting(stem: &[u8], mark: &str, extension: &[u8]) -> Name {
    let mut stem = stem;
    loop {
        let bytes = [stem, mark.as_bytes(), extension].concat();
        // The parts of a name have no slash and no NUL, a harmless mark has neither, and is not empty.
        let candidate = Name::new(bytes).unwrap_or_else(|error| unreachable!("{error}"));
        if encode_name(&candidate).fits() || stem.is_empty() {
            return candidate;
        }
        stem = without_last_character(stem);
    }
}

fn without_last_character(bytes: &[u8]) -> &[u8] {
    let last = bytes.utf8_chunks().last().map_or(0, |chunk| {
        if chunk.invalid().is_empty() {
            chunk.valid().chars().next_back().map_or(1, char::len_utf8)
        } else {
            1
        }
    });
    &bytes[..bytes.len() - last]
}

/// Splits a name before its extension, of which an archive's counts double: `.tar.gz`.
fn split_extension(name: &[u8]) -> (&[u8], &[u8]) {
    let Some(dot) = extension_start(name) else { return (name, b"") };
    match extension_start(&name[..dot]) {
        Some(outer) if name[outer..dot].eq_ignore_ascii_case(b".tar") => name.split_at(outer),
        _ => name.split_at(dot),
    }
}

/// Where the dot of an extension is: not at the start, as in `.bashrc`, and followed by what looks like one.
fn extension_start(name: &[u8]) -> Option<usize> {
    let dot = name.iter().rposition(|byte| *byte == b'.').filter(|dot| *dot > 0)?;
    let ending = std::str::from_utf8(&name[dot + 1..]).ok()?;
    let looks_like_one = (1..=LONGEST_EXTENSION).contains(&ending.len())
        && ending.chars().all(|character| character.is_alphanumeric() || "_-+~".contains(character));
    looks_like_one.then_some(dot)
}

/// The stem without the mark of an earlier conflict, if it ends with one.
fn without_mark(stem: &[u8]) -> &[u8] {
    mark_start(stem).map_or(stem, |start| &stem[..start])
}

/// Where the mark of a conflict begins, if the stem ends with one.
fn mark_start(stem: &[u8]) -> Option<usize> {
    let start = stem.windows(MARK.len()).rposition(|window| window == MARK.as_bytes())?;
    let inside = std::str::from_utf8(&stem[start + MARK.len()..]).ok()?;
    let (inside, number) = inside.rsplit_once(')')?;
    let is_number = number.is_empty()
        || number
            .strip_prefix(' ')
            .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()));
    let ends_with_date_time = inside.len() > DATE_TIME.len()
        && inside.bytes().rev().zip(DATE_TIME.bytes().rev()).all(|(byte, pattern)| match pattern {
            b'0' => byte.is_ascii_digit(),
            _ => byte == pattern,
        });
    (start > 0 && is_number && ends_with_date_time).then_some(start)
}

/// What ends a mark; `0` is any digit.
const DATE_TIME: &str = " 0000-00-00 000000";

/// Text without anything that a name cannot have or that would look like the end of the mark.
fn harmless(text: &str, longest: usize) -> String {
    let mut harmless = String::new();
    for character in text.chars() {
        let stays = character.is_alphanumeric() || " ._-".contains(character);
        let character = if stays { character } else { '-' };
        if harmless.len() + character.len_utf8() > longest {
            break;
        }
        harmless.push(character);
    }
    if harmless.is_empty() { "unknown".to_owned() } else { harmless }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DATE: &str = "2026-11-23 140509";

    #[test]
    fn a_copy_belongs_to_its_original_and_to_nothing_else() {
        let name = |text: &str| Name::new(text.as_bytes()).unwrap();
        let long = format!("{}.txt", "x".repeat(250));
        for original in ["a.txt", "a", "a.tar.gz", ".bashrc", "a (1).txt", long.as_str()] {
            let original = name(original);
            let copy = conflict_name(&original, "kari", DATE, |_| false);
            let second = conflict_name(&original, "kari", DATE, |taken| *taken == copy);
            for copy in [&copy, &second] {
                assert!(is_conflict_name(copy) && is_conflict_copy(copy, &original), "{copy:?}");
                assert!(!is_conflict_copy(copy, &name("b.txt")) && !is_conflict_copy(copy, copy));
            }
            assert!(!is_conflict_copy(&second, &copy) && !is_conflict_copy(&original, &original));
        }
        for text in [
            "a (conflict).txt",
            "a (conflict kari).txt",
            " (conflict kari 2026-11-23 140509)",
            "a (conflict  2026-11-23 140509)",
            "a (conflict of interest between the two of us).txt",
        ] {
            assert!(!is_conflict_name(&name(text)), "{text}");
        }
    }

    fn copy_of(name: &str) -> String {
        conflict_name(&Name::try_from(name).unwrap(), "kari", DATE, |_| false).to_string()
    }

    #[test]
    fn the_mark_goes_before_the_extension() {
        let cases = [
            ("report.txt", "report (conflict kari 2026-11-23 140509).txt"),
            ("backup.tar.gz", "backup (conflict kari 2026-11-23 140509).tar.gz"),
            ("backup.TAR.zst", "backup (conflict kari 2026-11-23 140509).TAR.zst"),
            ("jquery.min.js", "jquery.min (conflict kari 2026-11-23 140509).js"),
            ("Makefile", "Makefile (conflict kari 2026-11-23 140509)"),
            (".bashrc", ".bashrc (conflict kari 2026-11-23 140509)"),
            (".config.toml", ".config (conflict kari 2026-11-23 140509).toml"),
            (".tar.gz", ".tar (conflict kari 2026-11-23 140509).gz"),
            ("Dr. No", "Dr. No (conflict kari 2026-11-23 140509)"),
            ("ends.", "ends. (conflict kari 2026-11-23 140509)"),
            ("draft.txt~", "draft (conflict kari 2026-11-23 140509).txt~"),
            ("bilde.bøk", "bilde (conflict kari 2026-11-23 140509).bøk"),
            ("a.not-an-extension-at-all", "a.not-an-extension-at-all (conflict kari 2026-11-23 140509)"),
        ];
        for (name, copy) in cases {
            assert_eq!(copy_of(name), copy);
        }
    }

    #[test]
    fn a_conflict_copy_of_a_conflict_copy_bears_one_mark() {
        for earlier in
            ["a (conflict old host 2025-01-02 030405).txt", "a (conflict h 2025-01-02 030405) 17.txt"]
        {
            assert_eq!(copy_of(earlier), "a (conflict kari 2026-11-23 140509).txt");
        }
        for unlike in [
            "a (conflict).txt",
            "a (conflict of interest).txt",
            "a (conflict h 2025-01-02 030405) b.txt",
            " (conflict h 2025-01-02 030405).txt",
        ] {
            assert_eq!(copy_of(unlike), unlike.replace(".txt", " (conflict kari 2026-11-23 140509).txt"));
        }
    }

    #[test]
    fn taken_names_are_counted_past() {
        let name = Name::try_from("a.txt").unwrap();
        let taken = ["a (conflict kari 2026-11-23 140509).txt", "a (conflict kari 2026-11-23 140509) 2.txt"];
        let copy = conflict_name(&name, "kari", DATE, |name| taken.contains(&name.to_string().as_str()));
        assert_eq!(copy.to_string(), "a (conflict kari 2026-11-23 140509) 3.txt");
    }

    #[test]
    fn hostile_host_names_do_no_harm() {
        let name = Name::try_from("a").unwrap();
        for (host, shown) in [("../x\0)", "..-x--"), ("", "unknown"), ("kari's mac", "kari-s mac")] {
            let copy = conflict_name(&name, host, DATE, |_| false);
            assert_eq!(copy.to_string(), format!("a (conflict {shown} {DATE})"));
        }
    }

    #[test]
    fn a_long_host_name_is_cut_between_two_letters() {
        let name = Name::try_from("a").unwrap();
        for (host, bytes) in
            [("x".repeat(64), 64), ("x".repeat(65), 64), ("å".repeat(33), 64), ("å".repeat(32) + "x", 64)]
        {
            let copy = conflict_name(&name, &host, DATE, |_| false).to_string();
            assert_eq!(copy, format!("a (conflict {} {DATE})", &host[..bytes]));
        }
        let odd = format!("x{}", "å".repeat(33));
        let copy = conflict_name(&name, &odd, DATE, |_| false).to_string();
        assert_eq!(copy, format!("a (conflict {} {DATE})", &odd[..63]));
    }

    #[test]
    fn long_names_lose_the_end_of_their_stem() {
        for stem in ["x".repeat(251), "å".repeat(125), "😀".repeat(62), "%".repeat(80)] {
            let name = Name::try_from(format!("{stem}.txt").as_str()).unwrap();
            let copy = conflict_name(&name, "kari", DATE, |_| false);
            let stored = encode_name(&copy);
            assert!(stored.fits() && stored.as_str().len() > 251, "{copy}");
            let kept = copy.to_string();
            assert!(kept.ends_with(" (conflict kari 2026-11-23 140509).txt"), "{kept}");
            assert!(stem.starts_with(kept.split(" (").next().unwrap()), "{kept}");
        }
    }

    proptest! {
        #[test]
        fn every_name_has_conflict_names(
            bytes in prop::collection::vec(any::<u8>(), 1..255),
            host in ".{0,80}",
            taken in 0_usize..4,
        ) {
            let Ok(name) = Name::new(bytes) else { return Ok(()) };
            let mut copies = Vec::new();
            for _ in 0..=taken {
                let copy = conflict_name(&name, &host, DATE, |name| copies.contains(name));
                prop_assert!(encode_name(&copy).fits(), "{}", copy);
                prop_assert!(!copies.contains(&copy) && copy != name);
                copies.push(copy);
            }
            let again = conflict_name(&copies[taken], &host, DATE, |_| false);
            prop_assert_eq!(again.to_string().matches(MARK).count(), 1);
        }
    }
}
