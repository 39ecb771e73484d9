//! Names as people are shown them, and words of commands: what a terminal shows harmlessly and a shell takes
//! as it is meant.
//!
//! A name is shown as it is. One that holds a control character, one that hides or reorders others, or bytes
//! that are no text is shown as bash and zsh quote such a name: `$'a\nb'`, with a backslash before each
//! backslash and quote of its own. So is a name that looks like that. No two names are shown alike.

use std::fmt::{self, Display, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// How what is quoted begins and ends.
const OPENS: &str = "$'";
const CLOSES: char = '\'';

/// A name or path, as it is shown, as one word of a command. Plain text stays as it is, anything else is
/// quoted.
pub fn shell_word(text: impl Display) -> String {
    // A NUL byte stands in no name and in no command.
    let text = text.to_string().replace('\0', "");
    if text.contains(OPENS) && text.split('/').any(is_quoted) {
        let words = text.split('/').map(|name| match name {
            "" => String::new(),
            name if is_quoted(name) => name.to_owned(),
            name => quoted(name),
        });
        return words.collect::<Vec<_>>().join("/");
    }
    quoted(&text)
}

/// A local path as it is shown.
pub fn shown_path(path: &Path) -> impl Display {
    fmt::from_fn(|formatter| write_names(formatter, path.as_os_str().as_bytes()))
}

/// A path that is text, such as [`RelativePath`](crate::RelativePath) or documents have it, as it is shown. A
/// name that is in quotes already stays as it is.
pub fn shown_text(path: &str) -> impl Display {
    fmt::from_fn(move |formatter| {
        // Then no name is written in another way, quotes or not.
        if !deceives(path) {
            return formatter.write_str(path);
        }
        for (number, name) in path.split('/').enumerate() {
            if number > 0 {
                formatter.write_char('/')?;
            }
            if name.starts_with(OPENS) && !deceives(name) {
                formatter.write_str(name)?;
            } else {
                write_name(formatter, name.as_bytes())?;
            }
        }
        Ok(())
    })
}

/// Whether a path is text that cannot be taken for names in quotes.
pub fn plain_text(path: &[u8]) -> Option<&str> {
    std::str::from_utf8(path).ok().filter(|text| !text.split('/').any(|name| name.starts_with(OPENS)))
}

/// Whether a terminal does not show a character for what it is: it controls something, or reorders or hides
/// others.
pub fn is_deceiving(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

fn deceives(text: &str) -> bool {
    // Most names are letters that need no second look.
    !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) && text.contains(is_deceiving)
}

/// Writes names with slashes between them as they are shown.
pub(crate) fn write_names(formatter: &mut fmt::Formatter<'_>, path: &[u8]) -> fmt::Result {
    for (number, name) in path.split(|byte| *byte == b'/').enumerate() {
        if number > 0 {
            formatter.write_char('/')?;
        }
        write_name(formatter, name)?;
    }
    Ok(())
}

/// Writes a name as it is shown.
pub(crate) fn write_name(formatter: &mut fmt::Formatter<'_>, name: &[u8]) -> fmt::Result {
    match std::str::from_utf8(name) {
        Ok(text) if !deceives(text) && !text.starts_with(OPENS) => formatter.write_str(text),
        _ => write_quoted(formatter, name),
    }
}

fn write_quoted(out: &mut impl fmt::Write, name: &[u8]) -> fmt::Result {
    let write_bytes = |out: &mut dyn fmt::Write, bytes: &[u8]| {
        bytes.iter().try_for_each(|byte| write!(out, "\\x{byte:02x}"))
    };
    out.write_str(OPENS)?;
    for chunk in name.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\\' | '\'' => write!(out, "\\{character}")?,
                '\n' => out.write_str("\\n")?,
                '\r' => out.write_str("\\r")?,
                '\t' => out.write_str("\\t")?,
                character if is_deceiving(character) => {
                    write_bytes(out, character.encode_utf8(&mut [0; 4]).as_bytes())?;
                }
                character => out.write_char(character)?,
            }
        }
        write_bytes(out, chunk.invalid())?;
    }
    out.write_char(CLOSES)
}

/// Whether a name is shown in quotes: it holds what [`write_quoted`] writes.
fn is_quoted(name: &str) -> bool {
    let inner = name.strip_prefix(OPENS).and_then(|rest| rest.strip_suffix(CLOSES));
    let Some(inner) = inner else { return false };
    let (mut characters, mut has_escapes) = (inner.chars(), false);
    while let Some(character) = characters.next() {
        match character {
            '\'' => return false,
            '\\' => has_escapes = true,
            _ => continue,
        }
        let is_known = match characters.next() {
            Some('\\' | '\'' | 'n' | 'r' | 't') => true,
            Some('x') => characters.by_ref().take(2).filter(char::is_ascii_hexdigit).count() == 2,
            _ => false,
        };
        if !is_known {
            return false;
        }
    }
    has_escapes
}

fn quoted(text: &str) -> String {
    if text.contains(is_deceiving) {
        let mut word = String::new();
        // Writing to a string never fails.
        let _ = write_quoted(&mut word, text.as_bytes());
        return word;
    }
    shlex::try_quote(text).map_or_else(|_| text.to_owned(), std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::ffi::OsStr;
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;
    use crate::path::RelativePath;

    fn path(bytes: &[u8]) -> RelativePath {
        RelativePath::parse(bytes).unwrap()
    }

    #[test]
    fn plain_names_stay_as_they_are_and_others_are_quoted() {
        for (name, word) in [
            ("docs", "docs"),
            ("Jotta/Archive/docs_2-a.b", "Jotta/Archive/docs_2-a.b"),
            ("my docs", "'my docs'"),
            ("it's", "\"it's\""),
            ("a;b", "'a;b'"),
            ("$HOME", "'$HOME'"),
            ("$'a'", "'$'\"'a'\""),
            ("x/$'a'", "'x/$'\"'a'\""),
            ("a\nb", "$'a\\nb'"),
            ("", "''"),
        ] {
            assert_eq!(shell_word(name), word, "{name:?}");
        }
    }

    #[test]
    fn names_are_shown_as_they_are_or_as_a_shell_quotes_them() {
        for (name, shown, word) in [
            (&b"a b/c"[..], "a b/c", "'a b/c'"),
            (br"inv\xff", r"inv\xff", r#""inv\\xff""#),
            (b"inv\xff", r"$'inv\xff'", r"$'inv\xff'"),
            (b"a b/inv\xff\\'/c", r"a b/$'inv\xff\\\''/c", r"'a b'/$'inv\xff\\\''/c"),
            (br"$'inv\xff'", r"$'$\'inv\\xff\''", r"$'$\'inv\\xff\''"),
            (b"a\n\t\x1b[31m", r"$'a\n\t\x1b[31m'", r"$'a\n\t\x1b[31m'"),
            ("a\u{202e}b".as_bytes(), r"$'a\xe2\x80\xaeb'", r"$'a\xe2\x80\xaeb'"),
            ("日本".as_bytes(), "日本", "'日本'"),
        ] {
            assert_eq!(path(name).to_string(), shown);
            let text = plain_text(name).map_or_else(|| shown.to_owned(), str::to_owned);
            assert_eq!(shown_text(&text).to_string(), shown);
            assert_eq!(shell_word(path(name)), word, "{shown}");
            assert_eq!(shown_path(Path::new(OsStr::from_bytes(name))).to_string(), shown);
        }
        assert_eq!(shown_path(Path::new("/home/kari")).to_string(), "/home/kari");
    }

    #[test]
    fn text_is_plain_unless_a_name_in_it_looks_like_one_in_quotes() {
        for (text, plain) in [
            (&b"a b/c"[..], Some("a b/c")),
            (b"a\nb$'", Some("a\nb$'")),
            (b"", Some("")),
            (b"a/$'b", None),
            (b"$'a\\nb'", None),
            (b"a\xff", None),
        ] {
            assert_eq!(plain_text(text), plain);
        }
    }

    #[test]
    fn what_only_begins_and_ends_as_in_quotes_is_one_word() {
        for text in [r"$'a\n'; ls '", r"a/$'\n' b'", r"$'\q'", r"$'\x1'", r"$'\n\'"] {
            assert_eq!(shlex::split(&shell_word(text)), Some(vec![text.to_owned()]), "{text}");
        }
    }

    #[test]
    fn no_two_names_are_shown_alike() {
        let pieces: [&[u8]; 9] =
            [b"a", b"\\", b"'", b"$'", b"\n", b"n", b"\xff", b"xff", "\u{202e}".as_bytes()];
        let mut seen = HashMap::new();
        for one in pieces {
            for two in pieces {
                for three in pieces {
                    let name = [one, two, three].concat();
                    if let Some(other) = seen.insert(path(&name).to_string(), name.clone()) {
                        assert_eq!(other, name);
                    }
                }
            }
        }
    }

    #[test]
    fn a_shell_reads_what_was_shown() {
        let names: [&[u8]; 7] = [
            b"plain",
            b"a b",
            br"inv\xff",
            b"inv\xff0",
            b"it's\n\\n",
            b"$'x\\'",
            "zero\u{200b}width/日本 \x07 $(a) `b`".as_bytes(),
        ];
        for shell in ["bash", "zsh"] {
            let words: Vec<String> = names.iter().map(|name| shell_word(path(name))).collect();
            let script = format!("printf '%s\\0' {}", words.join(" "));
            let ran = Command::new(shell).args(["-c", &script]).output();
            let required = std::env::var("JOTTAD_REQUIRE").unwrap_or_default();
            let is_required = required.split_whitespace().any(|required| required == shell);
            assert!(ran.is_ok() || !is_required, "JOTTAD_REQUIRE names {shell}, which this machine lacks");
            let Ok(output) = ran else {
                println!("skipped: this machine lacks {shell}");
                continue;
            };
            let read: Vec<&[u8]> =
                output.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty()).collect();
            assert_eq!(read, names, "{shell}: {words:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_is_shown_deceives(bytes in prop::collection::vec(any::<u8>(), 1..12)) {
            let Ok(path) = RelativePath::parse(&bytes) else { return Ok(()) };
            prop_assert!(!path.to_string().contains(is_deceiving));
            prop_assert!(!shell_word(&path).contains(is_deceiving));
        }

        #[test]
        fn no_text_that_is_shown_deceives(text in "(\\$')?[a\\\\'/\n\u{202e}]{0,6}") {
            prop_assert!(!shown_text(&text).to_string().contains(is_deceiving));
        }
    }
}
