//! Writing XML by hand: elements, attributes, escaping, each element on a line of its own.

use crate::refusal::Refusal;
use crate::times::{Seconds, write_classic};

/// A document in the making.
pub(crate) struct Xml {
    out: String,
    depth: usize,
}

impl Xml {
    pub(crate) fn new() -> Self {
        Self { out: String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"), depth: 0 }
    }

    pub(crate) fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.start(name, attributes);
        self.out.push_str(">\n");
        self.depth += 1;
    }

    pub(crate) fn close(&mut self, name: &str) {
        self.depth -= 1;
        self.indent();
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push_str(">\n");
    }

    pub(crate) fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.start(name, attributes);
        self.out.push_str("/>\n");
    }

    pub(crate) fn element(&mut self, name: &str, text: &str) {
        self.start(name, &[]);
        self.text_and_end(name, text);
    }

    /// An element whose blanks matter.
    pub(crate) fn preserved(&mut self, name: &str, text: &str) {
        self.start(name, &[("xml:space", "preserve")]);
        self.text_and_end(name, text);
    }

    pub(crate) fn number(&mut self, name: &str, number: u64) {
        self.element(name, &number.to_string());
    }

    /// A time in the classic format; an empty element when there is none.
    pub(crate) fn time(&mut self, name: &str, time: Option<Seconds>) {
        self.start(name, &[]);
        self.out.push('>');
        if let Some(time) = time {
            write_classic(&mut self.out, time);
        }
        self.end(name);
    }

    pub(crate) fn finish(self) -> String {
        self.out
    }

    /// What was written so far, to be sent ahead of the rest.
    pub(crate) fn take(&mut self) -> String {
        std::mem::take(&mut self.out)
    }

    pub(crate) fn len(&self) -> usize {
        self.out.len()
    }

    fn start(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.indent();
        self.out.push('<');
        self.out.push_str(name);
        for (key, value) in attributes {
            self.out.push(' ');
            self.out.push_str(key);
            self.out.push_str("=\"");
            escape(&mut self.out, value);
            self.out.push('"');
        }
    }

    fn text_and_end(&mut self, name: &str, text: &str) {
        self.out.push('>');
        escape(&mut self.out, text);
        self.end(name);
    }

    fn end(&mut self, name: &str) {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push_str(">\n");
    }

    fn indent(&mut self) {
        for _ in 0..self.depth {
            self.out.push_str("  ");
        }
    }
}

/// Writes text so that it stays itself in an element and in an attribute.
pub(super) fn escape(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(place) = rest.find(|letter: char| letter < ' ' || "&<>\"".contains(letter)) {
        out.push_str(&rest[..place]);
        let mut letters = rest[place..].chars();
        match letters.next() {
            Some('&') => out.push_str("&amp;"),
            Some('<') => out.push_str("&lt;"),
            Some('>') => out.push_str("&gt;"),
            Some('"') => out.push_str("&quot;"),
            Some(control) => {
                out.push_str("&#");
                out.push_str(&u32::from(control).to_string());
                out.push(';');
            }
            None => {}
        }
        rest = letters.as_str();
    }
    out.push_str(rest);
}

/// The error document (protocol 7.1).
pub(crate) fn error(refusal: &Refusal) -> String {
    let mut xml = Xml::new();
    xml.open("error", &[]);
    xml.element("code", &refusal.status.to_string());
    let package = if refusal.exception.contains("Credentials") {
        "org.springframework.security.authentication"
    } else {
        "no.jotta.backup.errors"
    };
    xml.element("message", &format!("{package}.{}: {}", refusal.exception, refusal.message));
    xml.element("reason", refusal.reason());
    xml.element("cause", "");
    xml.element("hostname", super::account::HOST);
    xml.element("x-id", "123456789012");
    xml.close("error");
    xml.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_letters_are_escaped_and_all_others_stay() {
        let mut out = String::new();
        escape(&mut out, "a&b<c>\"d\" 'e' \u{9}æ");
        assert_eq!(out, "a&amp;b&lt;c&gt;&quot;d&quot; 'e' &#9;æ");
    }
}
