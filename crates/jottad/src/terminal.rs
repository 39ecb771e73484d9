//! How large the terminal is, and text that fits on it. What is no terminal gets everything.

use std::io::{self, IsTerminal, Write as _};
use std::os::fd::AsFd;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Nothing is cut narrower than this: it would say nothing any more.
const NARROWEST: usize = 20;
/// How a command begins.
const PROGRAM: &str = "jottad ";
/// What stands for the rest of a line.
const ELLIPSIS: char = '…';

/// How much fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
}

/// How much fits on standard output; `None` if that is no terminal.
pub(crate) fn extent() -> Option<Extent> {
    extent_of(&io::stdout())
}

/// How much fits on a terminal; `None` if it is none.
pub(crate) fn extent_of(output: &(impl IsTerminal + AsFd)) -> Option<Extent> {
    if !output.is_terminal() {
        return None;
    }
    let size = rustix::termios::tcgetwinsize(output).ok()?;
    // A terminal that does not know its size has none.
    let known = |number: u16| (number > 0).then_some(usize::from(number));
    Some(Extent { columns: known(size.ws_col)?.max(NARROWEST), rows: known(size.ws_row)? })
}

/// Begins a new line after what a key press has left on this one.
pub(crate) fn leave_line() {
    let mut terminal = io::stderr();
    if terminal.is_terminal() {
        // Without a reader nothing is lost.
        let _ = terminal.write_all(b"\n");
    }
}

/// Prose, each line of it folded to a terminal if it goes to one.
pub(crate) fn prose(text: &str, output: &(impl IsTerminal + AsFd)) -> String {
    match extent_of(output) {
        Some(extent) => {
            text.split('\n').flat_map(|line| fold(line, extent.columns)).collect::<Vec<_>>().join("\n")
        }
        None => text.to_owned(),
    }
}

/// A line that is cut to so many columns.
pub(crate) fn cut(line: &str, columns: usize) -> String {
    if line.width() <= columns {
        return line.to_owned();
    }
    let mut width = 0;
    let fits = |character: &char| {
        width += character.width().unwrap_or(0);
        width < columns
    };
    let mut text: String = line.chars().take_while(fits).collect();
    text.truncate(text.trim_end().len());
    text.push(ELLIPSIS);
    text
}

/// How many rows of a terminal a line takes.
pub(crate) fn rows(line: &str, columns: usize) -> usize {
    line.width().div_ceil(columns).max(1)
}

/// A line that is folded at its spaces; what follows begins a little further in than it did. A word that does
/// not fit stays as it is, and so does a command: who copies it must not copy the end of a line into it.
pub(crate) fn fold(line: &str, columns: usize) -> Vec<String> {
    if line.width() <= columns {
        return vec![line.to_owned()];
    }
    let indent = line.len() - line.trim_start().len();
    let mut lines = Vec::new();
    let mut text = " ".repeat(indent);
    let mut is_empty = true;
    for word in words(&line[indent..], columns) {
        if !is_empty && text.width() + 1 + word.width() > columns {
            text.truncate(text.trim_end().len());
            lines.push(std::mem::replace(&mut text, " ".repeat(indent + 2)));
            is_empty = true;
        }
        if !is_empty {
            text.push(' ');
        }
        text.push_str(word);
        is_empty = false;
    }
    lines.push(text);
    lines
}

/// What stays on one line: words, names in quotes, and commands. A name may hold several spaces in a row.
fn words(line: &str, columns: usize) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = Some(line);
    while let Some(text) = rest {
        let is_announced =
            words.last().is_none_or(|before: &&str| before.is_empty() || before.ends_with(':'));
        let first = match text.as_bytes().first() {
            Some(b'`') => text[1..].find('`').map_or(0, |end| end + 2),
            Some(b'j') if is_announced && text.starts_with(PROGRAM) => end_of_command(text),
            Some(quote @ (b'\'' | b'"')) => {
                let end = text[1..].find(char::from(*quote)).map_or(0, |end| end + 2);
                if text[..end].width() + 2 < columns { end } else { 0 }
            }
            _ => 0,
        };
        let end = text[first..].find(' ').map(|space| first + space);
        words.push(&text[..end.unwrap_or(text.len())]);
        rest = end.map(|end| &text[end + 1..]);
    }
    words
}

/// Where a command that stands without backquotes ends: with the sentence, or before the gap of a column.
fn end_of_command(text: &str) -> usize {
    let mut quote = None;
    for (at, character) in text.char_indices() {
        match quote {
            Some(open) if open == character => quote = None,
            Some(_) => {}
            None if matches!(character, '\'' | '"') => quote = Some(character),
            None if [", ", "; ", "  "].iter().any(|end| text[at..].starts_with(end)) => return at,
            None => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_to_their_columns_whatever_the_glyphs() {
        for (line, columns, expected) in [
            ("short", 5, "short"),
            ("longer", 5, "long…"),
            ("two words", 5, "two…"),
            ("日本語の", 5, "日本…"),
            ("日本語の", 6, "日本…"),
            ("日本語の", 8, "日本語の"),
            ("", 5, ""),
        ] {
            let text = cut(line, columns);
            assert_eq!(text, expected, "{line} in {columns}");
            assert!(text.width() <= columns);
        }
    }

    #[test]
    fn what_does_not_fit_takes_more_rows() {
        for (line, number) in [("", 1), ("12345", 1), ("123456", 2), ("日本語", 2), ("12345678901", 3)] {
            assert_eq!(rows(line, 5), number, "{line}");
        }
    }

    #[test]
    fn what_a_person_should_read_is_folded_and_no_word_is_lost() {
        for (line, columns, expected) in [
            ("it fits", 20, vec!["it fits"]),
            ("docs: held: the disk is gone", 14, vec!["docs: held:", "  the disk is", "  gone"]),
            ("an \"a  b\" in it", 10, vec!["an \"a  b\"", "  in it"]),
            ("let it: `jottad approve 'my docs'`", 19, vec!["let it:", "  `jottad approve 'my docs'`"]),
            ("see `jottad held`, or `a b c`; bye", 18, vec!["see `jottad held`,", "  or `a b c`; bye"]),
            ("log in: jottad login, then go on", 20, vec!["log in:", "  jottad login, then", "  go on"]),
            ("  jottad setup   asks for all", 20, vec!["  jottad setup", "    asks for all"]),
            ("it says jottad runs on and on", 16, vec!["it says jottad", "  runs on and on"]),
            ("an `open one is none", 10, vec!["an `open", "  one is", "  none"]),
            ("an 'open quote in it", 10, vec!["an 'open", "  quote in", "  it"]),
            ("  it is back: jottad sync 'a; b'", 14, vec!["  it is back:", "    jottad sync 'a; b'"]),
            ("  it is:  jottad sync a", 16, vec!["  it is:", "    jottad sync a"]),
            (
                "a /path/that/is/longer/than/the/line b",
                10,
                vec!["a", "  /path/that/is/longer/than/the/line", "  b"],
            ),
        ] {
            assert_eq!(fold(line, columns), expected, "{line} in {columns}");
        }
    }
}
