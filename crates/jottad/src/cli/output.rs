//! Writing results: text for people, JSON for scripts. What comes from outside is made harmless for a
//! terminal.

use std::fmt::{self, Write as _};
use std::io::{self, BufWriter, IsTerminal as _, StdoutLock, Write as _};
use std::time::Duration;

use jottad_core::{RelativePath, Timestamp, is_deceiving, plain_text};
use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;

use crate::cli::failure::Failure;
use crate::cli::terminal::{Extent, extent, fold, prose};
use crate::cli::typed;
use crate::config::units::format_duration;

/// A terminal with fewer columns than this has no room for a name beside its size and time.
const NARROW: usize = 60;

/// Where a command's results go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    /// One JSON document, or one a line, instead of text.
    pub(crate) json: bool,
    /// Something else tells what comes next.
    pub(crate) guided: bool,
}

impl Output {
    /// Writes one line for people.
    #[expect(clippy::unused_self, reason = "results leave through the output that a command was given")]
    pub(crate) fn line(self, text: impl fmt::Display) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        writeln!(out, "{text}").and_then(|()| out.flush()).map_err(|error| Failure::from_output(&error))
    }

    /// Writes prose for people, which is folded between words on a terminal.
    pub(crate) fn prose(self, text: impl fmt::Display) -> Result<(), Failure> {
        self.line(prose(&typed::text(&text.to_string()), &io::stdout()))
    }

    /// Writes what a person is told to do, commands among it.
    pub(crate) fn advice(self, text: impl fmt::Display) -> Result<(), Failure> {
        self.prose(typed::advice(&text.to_string()))
    }

    /// Writes columns: where they are wider than the terminal, cell after cell.
    pub(crate) fn table(self, columns: &Columns) -> Result<(), Failure> {
        columns.fitting(extent()).iter().flatten().try_for_each(|line| self.line(line))
    }

    /// Writes one JSON document on a line of its own.
    pub(crate) fn document(self, document: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(document)
            .map_err(|error| Failure::failed(format!("writing the output: {error}")))?;
        self.line(text)
    }

    /// Writes a result in the form that was asked for. That nobody reads it to its end changes nothing of how
    /// the command ends.
    pub(crate) fn either(
        self,
        document: &impl Serialize,
        text: impl FnOnce() -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let written = if self.json { self.document(document) } else { text() };
        written.or_else(Failure::unless_reader_gone)
    }

    /// For many lines.
    pub(crate) fn page(self) -> Page {
        let is_narrow = extent().is_some_and(|extent| extent.columns < NARROW);
        Page { output: self, is_narrow, written: BufWriter::new(io::stdout().lock()) }
    }

    /// Tells a person what to do next. Scripts know that, and who is asked one question after the other.
    pub(crate) fn next(self, step: &str) {
        if !self.json && !self.guided {
            remark(format_args!("next: {}", typed::advice(step)));
        }
    }

    /// Whether a person looks at it as it appears.
    pub(crate) fn is_terminal(self) -> bool {
        !self.json && io::stdout().is_terminal()
    }
}

/// Many lines of results, written a good many at a time.
pub(crate) struct Page {
    output: Output,
    is_narrow: bool,
    written: BufWriter<StdoutLock<'static>>,
}

impl Page {
    /// Whether scripts are to read it.
    pub(crate) const fn json(&self) -> bool {
        self.output.json
    }

    /// Whether a name has no room beside what is said of it.
    pub(crate) const fn is_narrow(&self) -> bool {
        self.is_narrow
    }

    /// Adds one line for people.
    pub(crate) fn line(&mut self, text: impl fmt::Display) -> Result<(), Failure> {
        writeln!(self.written, "{text}").map_err(|error| Failure::from_output(&error))
    }

    /// Adds one JSON document on a line of its own.
    pub(crate) fn document(&mut self, document: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(document)
            .map_err(|error| Failure::failed(format!("writing the output: {error}")))?;
        self.line(text)
    }

    /// Shows what was added.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.written.flush().map_err(|error| Failure::from_output(&error))
    }

    /// Shows the last lines.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        self.flush()
    }
}

/// Writes a line to stderr: progress and remarks that are no result. If nobody reads it, nothing is lost. On
/// a terminal it is folded between words.
pub(crate) fn remark(text: impl fmt::Display) {
    let text = prose(&typed::text(&text.to_string()), &io::stderr());
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Prints a text so that a terminal shows it harmlessly: control characters, and characters that reorder or
/// hide others, are escaped. Line breaks are escaped too.
pub(crate) struct Escaped<'text>(pub(crate) &'text str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            if is_deceiving(character) {
                write!(formatter, "{}", character.escape_default())?;
            } else {
                formatter.write_char(character)?;
            }
        }
        Ok(())
    }
}

/// A path as scripts get it: exactly as it is, as long as it is text; otherwise as people are shown it.
pub(crate) fn path_text(path: &RelativePath) -> String {
    match plain_text(path.as_bytes()) {
        Some(text) if !text.is_empty() => text.to_owned(),
        _ => path.to_string(),
    }
}

/// Lines of columns: each column as wide as its widest cell on a terminal, the last one as it is.
#[derive(Debug, Default)]
pub(crate) struct Columns(Vec<Vec<String>>);

impl Columns {
    /// Adds a line. Cells are escaped.
    pub(crate) fn push(&mut self, cells: impl IntoIterator<Item = String>) {
        self.0.push(cells.into_iter().map(|cell| Escaped(&cell).to_string()).collect());
    }

    /// The lines of each row: one, or as many as a terminal of this size needs without columns.
    pub(crate) fn fitting(&self, extent: Option<Extent>) -> Vec<Vec<String>> {
        let width = extent.map_or(usize::MAX, |extent| extent.columns);
        if self.lines().all(|line| line.width() <= width) {
            return self.lines().map(|line| vec![line]).collect();
        }
        self.0.iter().map(|cells| packed(cells, width)).collect()
    }

    /// The lines, without trailing spaces.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> + '_ {
        let mut widths: Vec<usize> = Vec::new();
        for cells in &self.0 {
            widths.resize(widths.len().max(cells.len()), 0);
            for (width, cell) in widths.iter_mut().zip(cells) {
                *width = (*width).max(cell.width());
            }
        }
        self.0.iter().map(move |cells| {
            let mut line = String::new();
            for (width, cell) in widths.iter().zip(cells) {
                line.push_str(cell);
                line.extend(std::iter::repeat_n(' ', width - cell.width() + 2));
            }
            line.truncate(line.trim_end().len());
            line
        })
    }
}

/// Cells one after the other. One that does not fit beside those before it begins a line, a little further
/// in; one that fits on no line is folded.
fn packed(cells: &[String], columns: usize) -> Vec<String> {
    let indent = if cells.first().is_some_and(String::is_empty) { "  " } else { "" };
    let further = format!("{indent}  ");
    let (mut lines, mut line) = (Vec::new(), indent.to_owned());
    for cell in cells.iter().filter(|cell| !cell.is_empty()) {
        let is_first = line.trim().is_empty();
        let gap = if is_first { 0 } else { 2 };
        if !is_first
            && line.width() + gap + cell.width() > columns
            && further.width() + cell.width() <= columns
        {
            lines.push(std::mem::replace(&mut line, further.clone()));
            line.push_str(cell);
            continue;
        }
        line.extend([&"  "[..gap], cell]);
        let mut folded = fold(&line, columns);
        line = folded.pop().unwrap_or_default();
        lines.extend(folded);
    }
    lines.push(line);
    lines
}

/// Now, by the wall clock.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_seconds(jiff::Timestamp::now().as_second())
}

/// A time as scripts get it: RFC 3339 in UTC.
pub(crate) fn rfc3339(time: Timestamp) -> String {
    jiff::Timestamp::from_second(time.seconds())
        .map_or_else(|_| time.seconds().to_string(), |time| time.to_string())
}

/// Reads what [`rfc3339`] wrote.
pub(crate) fn parse_rfc3339(text: &str) -> Option<Timestamp> {
    text.parse::<jiff::Timestamp>().ok().map(|time| Timestamp::from_seconds(time.as_second()))
}

/// A time as people read it: in their own time zone.
pub(crate) fn local_time(time: Timestamp) -> String {
    match jiff::Timestamp::from_second(time.seconds()) {
        Ok(instant) => {
            instant.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
        }
        Err(_) => time.seconds().to_string(),
    }
}

/// How long ago something was, or `never` if it is not known.
pub(crate) fn age(time: Option<Timestamp>, now: Timestamp) -> String {
    match time {
        None => "never".to_owned(),
        Some(time) if time >= now => "just now".to_owned(),
        Some(time) => {
            let seconds = u64::try_from(now.seconds() - time.seconds()).unwrap_or(0);
            format!("{} ago", format_duration(Duration::from_secs(seconds)))
        }
    }
}

/// `1 file`, `2 files`.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_printed_can_fool_the_reader() {
        assert_eq!(Escaped("a\u{1b}[31m\nb\u{202e}c 日本").to_string(), "a\\u{1b}[31m\\nb\\u{202e}c 日本");
    }

    #[test]
    fn columns_line_up_whatever_the_glyphs() {
        let mut columns = Columns::default();
        columns.push(["日本".to_owned(), "x".to_owned()]);
        columns.push(["abc".to_owned(), String::new()]);
        assert_eq!(columns.lines().collect::<Vec<_>>(), ["日本  x", "abc"]);
    }

    #[test]
    fn columns_that_do_not_fit_lose_their_padding_and_no_cell() {
        let mut columns = Columns::default();
        let mut push = |cells: [&str; 4]| columns.push(cells.map(str::to_owned));
        push(["ok", "a long name", "", "fine"]);
        push(["2026-01-31 12:00:00", "12 B", "my file.txt", ""]);
        push(["", "", "a remedy of many words", ""]);
        push(["", "a/path/that/fits/on/no/line", "x", ""]);
        let fitting =
            |columns_wide| columns.fitting(Some(Extent { columns: columns_wide, rows: 24 })).concat();
        assert_eq!(
            fitting(22),
            [
                "ok  a long name  fine",
                "2026-01-31 12:00:00",
                "  12 B  my file.txt",
                "  a remedy of many",
                "    words",
                "  a/path/that/fits/on/no/line",
                "    x",
            ]
        );
        assert_eq!(columns.fitting(None).concat(), columns.lines().collect::<Vec<_>>());
        assert_eq!(fitting(200), columns.lines().collect::<Vec<_>>());
    }

    #[test]
    fn times_are_written_and_read() {
        let time = Timestamp::from_seconds(1_790_000_000);
        assert_eq!(rfc3339(time), "2026-09-21T14:13:20Z");
        assert_eq!(parse_rfc3339(&rfc3339(time)), Some(time));
        assert_eq!(parse_rfc3339("yesterday"), None);
    }

    #[test]
    fn ages_of_the_unknown_are_never() {
        let now = Timestamp::from_seconds(1000);
        assert_eq!(age(None, now), "never");
        assert_eq!(age(Some(Timestamp::from_seconds(988)), now), "12 s ago");
        assert_eq!(age(Some(Timestamp::from_seconds(1001)), now), "just now");
    }

    #[test]
    fn paths_that_are_text_reach_scripts_as_they_are() {
        assert_eq!(path_text(&RelativePath::parse(b"a\tb").unwrap()), "a\tb");
        assert_eq!(path_text(&RelativePath::parse(b"a\xff").unwrap()), "$'a\\xff'");
        assert_eq!(path_text(&RelativePath::root()), ".");
    }
}
