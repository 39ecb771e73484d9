//! Entries of a listing in the form in which the service writes them, read from the bytes where they lie.
//!
//! A tree of elements for each of a million entries costs more than all else. Only the plainest form is read
//! here: a `<file>` or `<folder>`, in it elements that hold text, and nothing with attributes. Of everything
//! else this says nothing, and [`Document`](crate::xml::Document) reads it, as it would read what is read
//! here.

use std::borrow::Cow;
use std::ops::Range;

/// An entry as it stands there. Of fields with one name the first counts.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PlainEntry<'a> {
    pub(super) is_file: bool,
    pub(super) path: Cow<'a, str>,
    pub(super) filename: Option<Cow<'a, str>>,
    pub(super) md5: Option<&'a str>,
    pub(super) size: Option<&'a str>,
    pub(super) created: Option<&'a str>,
    pub(super) modified: Option<&'a str>,
}

/// The entry at the beginning, after blanks, and how many bytes it has together with these. `None` if there
/// is none in this form, or not all of it is there.
pub(super) fn plain_entry(bytes: &[u8]) -> Option<(PlainEntry<'_>, usize)> {
    let mut scan = Scan { bytes, at: 0 };
    scan.pass_blanks();
    let is_file = scan.pass(b"<file>");
    if !is_file && !scan.pass(b"<folder>") {
        return None;
    }
    let end: &[u8] = if is_file { b"</file>" } else { b"</folder>" };
    let [mut path, mut filename, mut md5, mut size, mut created, mut modified] = [const { None }; 6];
    loop {
        scan.pass_blanks();
        if scan.pass(end) {
            break;
        }
        let Field { name, text, has_references } = scan.pass_field()?;
        let (field, may_have_references) = match name {
            b"path" => (&mut path, true),
            b"filename" => (&mut filename, true),
            b"md5" => (&mut md5, false),
            b"size" => (&mut size, false),
            b"created" => (&mut created, false),
            b"modified" => (&mut modified, false),
            _ => (&mut None, false),
        };
        // Each reference has to be looked at, and only names are.
        if has_references && (field.is_some() || !may_have_references) {
            return None;
        }
        field.get_or_insert(text);
    }
    // What the parts are cut at are letters of ASCII: they are text if the whole is.
    let whole = std::str::from_utf8(&bytes[..scan.at]).ok()?;
    let part = |range: Option<Range<usize>>| range.and_then(|range| whole.get(range));
    let entry = PlainEntry {
        is_file,
        path: resolved(part(path)?)?,
        filename: part(filename).map_or(Some(None), |text| resolved(text).map(Some))?,
        md5: part(md5),
        size: part(size),
        created: part(created),
        modified: part(modified),
    };
    Some((entry, scan.at))
}

/// A text without references; `None` if one of them is none of the five that need no telling.
fn resolved(text: &str) -> Option<Cow<'_, str>> {
    let Some(first) = text.find('&') else { return Some(Cow::Borrowed(text)) };
    let (plain, mut rest) = text.split_at(first);
    let mut resolved = plain.to_owned();
    while let Some(reference) = rest.strip_prefix('&') {
        let (name, after) = reference.split_once(';')?;
        resolved.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => return None,
        });
        let (plain, next) = after.split_at(after.find('&').unwrap_or(after.len()));
        resolved.push_str(plain);
        rest = next;
    }
    Some(Cow::Owned(resolved))
}

/// Bytes that are read once, from the beginning on.
struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// An element that holds text.
struct Field<'a> {
    name: &'a [u8],
    text: Range<usize>,
    has_references: bool,
}

impl<'a> Scan<'a> {
    fn pass_blanks(&mut self) {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    fn pass(&mut self, expected: &[u8]) -> bool {
        let is_there = self.bytes[self.at..].starts_with(expected);
        self.at += if is_there { expected.len() } else { 0 };
        is_there
    }

    fn pass_field(&mut self) -> Option<Field<'a>> {
        let rest = self.bytes[self.at..].strip_prefix(b"<")?;
        let name = &rest[..rest.iter().position(|byte| !byte.is_ascii_alphanumeric())?];
        let rest = rest[name.len()..].strip_prefix(b">").filter(|_| !name.is_empty())?;
        let mut has_references = false;
        let length = rest.iter().position(|byte| {
            has_references |= *byte == b'&';
            *byte == b'<'
        })?;
        let after = rest[length..].strip_prefix(b"</")?.strip_prefix(name)?.strip_prefix(b">")?;
        let start = self.bytes.len() - rest.len();
        self.at = self.bytes.len() - after.len();
        Some(Field { name, text: start..start + length, has_references })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(PlainEntry<'_>, usize)> {
        plain_entry(text.as_bytes())
    }

    #[test]
    fn an_entry_is_read_with_the_blanks_before_it_and_none_after_it() {
        let text = "\r\n\t <file><path>/A/b&amp;&#38;</path></file>";
        assert_eq!(read(text), None);
        let text = "\r\n\t <file>\n<path>/A/b&amp;c&lt;&gt;&quot;&apos;</path> <filename> x ø </filename>\
             <size>1</size><md5>2</md5><other>3</other><modified/></file>";
        assert_eq!(read(text), None);
        let text = text.replace("<modified/>", "<modified>4</modified><created></created><size>5</size>");
        let whole = format!("{text}\n<file>");
        let (entry, length) = read(&whole).unwrap();
        let expected = PlainEntry {
            is_file: true,
            path: "/A/b&c<>\"'".into(),
            filename: Some(" x ø ".into()),
            md5: Some("2"),
            size: Some("1"),
            created: Some(""),
            modified: Some("4"),
        };
        assert_eq!((entry, length), (expected, text.len()));
        let (folder, _) = read("<folder><path>/A</path></folder>").unwrap();
        assert_eq!((folder.is_file, folder.path, folder.filename), (false, "/A".into(), None));
    }

    #[test]
    fn nothing_is_said_of_what_is_not_all_there() {
        let text = "<file><path>/A</path><filename>é</filename><size>1</size></file>";
        assert_eq!(read(text).map(|(_, length)| length), Some(text.len()));
        for cut in 0..text.len() {
            assert_eq!(plain_entry(&text.as_bytes()[..cut]), None, "cut at {cut}");
        }
    }

    #[test]
    fn nothing_is_said_of_any_other_form() {
        for text in [
            "",
            "x<file><path>a</path></file>",
            "<stats><path>a</path></stats>",
            "<file></file>",
            "<file><path>a</path></folder>",
            "<file><path>a</path>x</file>",
            "<file><path>a</path ></file>",
            "<file><path >a</path></file>",
            "<file x=\"1\"><path>a</path></file>",
            "<file><path>a</file></path></file>",
            "<file><path>a<b>c</b></path></file>",
            "<file><path>a<!-- c --></path></file>",
            "<file><path><![CDATA[a]]></path></file>",
            "<file><path>a</path><!-- c --></file>",
            "<file><path>a</path><></></file>",
            "<file><path>a</path><a:b>c</a:b></file>",
            "<file><path>a&b</path></file>",
            "<file><path>a&nbsp;</path></file>",
            "<file><path>a&#65;</path></file>",
            "<file><path>a</path><path>&amp;</path></file>",
            "<file><path>a</path><size>&amp;</size></file>",
            "<file><path>a</path><other>&amp;</other></file>",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(plain_entry(b"<file><path>\xff</path></file>"), None);
        assert_eq!(plain_entry(b"<file><path>a</path><other>\xc3</other></file>"), None);
    }
}
