//! Where something is in the account: device, mountpoint, folders, name; and which names the service takes
//! (protocol 1.2, 8).

use percent_encoding::percent_decode_str;
use unicode_normalization::UnicodeNormalization as _;

use crate::refusal::{Form, Refusal};
use crate::switches::{CaseFolding, NameLengthUnit, Normalisation, RefusedCharacters, Switches};

/// The stored names on the way from a device to an entry, the device first. Empty for the account itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    parts: Vec<String>,
}

impl Address {
    pub(crate) fn new(parts: Vec<String>) -> Self {
        Self { parts }
    }

    pub(crate) fn parts(&self) -> &[String] {
        &self.parts
    }

    /// 0 for the account, 1 for a device, 2 for a mountpoint, more below it.
    pub(crate) fn depth(&self) -> usize {
        self.parts.len()
    }

    pub(crate) fn leaf(&self) -> &str {
        self.parts.last().map_or("", String::as_str)
    }

    pub(crate) fn parent(&self) -> Self {
        Self { parts: self.parts[..self.parts.len().saturating_sub(1)].to_vec() }
    }

    pub(crate) fn child(&self, name: &str) -> Self {
        let mut parts = self.parts.clone();
        parts.push(name.to_owned());
        Self { parts }
    }

    /// The absolute path with the user's name: `/user/Jotta/Archive/a.txt`.
    pub(crate) fn absolute(&self, user: &str) -> String {
        let mut path = format!("/{user}");
        for part in &self.parts {
            path.push('/');
            path.push_str(part);
        }
        path
    }

    /// The path without a user, as tests and the control endpoint write it: `Jotta/Archive/a.txt`.
    pub(crate) fn plain(&self) -> String {
        self.parts.join("/")
    }

    /// Reads a path as tests and the control endpoint write it. Nothing is decoded.
    pub(crate) fn from_plain(path: &str) -> Self {
        Self::new(path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect())
    }
}

/// Decodes the path of a JFS URL into its segments: `%XX` once, a raw `+` is a space (protocol 8.1).
/// The second value says whether the path ended in a slash.
pub(crate) fn decode_url_path(raw: &str, switches: &Switches) -> Result<(Vec<String>, bool), Refusal> {
    let mut parts = Vec::new();
    for segment in raw.split('/').filter(|segment| !segment.is_empty()) {
        let spaced = segment.replace('+', " ");
        let name = percent_decode_str(&spaced)
            .decode_utf8()
            .map_err(|_| Refusal::invalid(format!("{segment} is not UTF-8")))?
            .into_owned();
        if switches.refused_characters == RefusedCharacters::ControlAndPercent && name.contains('%') {
            // Answered by something in front of the service, hence no XML (protocol 8.4).
            return Err(Refusal::new(400, "Bad Request", "").in_form(Form::Html));
        }
        if name.contains('/') {
            return Err(Refusal::invalid(format!("{segment} holds a slash")));
        }
        parts.push(name);
    }
    Ok((parts, raw.ends_with('/')))
}

/// Refuses names that the service does not store (protocol 8.2, 8.7).
pub(crate) fn check_name(name: &str, switches: &Switches) -> Result<(), Refusal> {
    if name.is_empty() || name == "." || name == ".." || name.contains('/') {
        return Err(Refusal::invalid(format!("{name:?} is no name")));
    }
    let limits_characters = switches.refused_characters == RefusedCharacters::ControlAndPercent;
    if limits_characters && name.chars().any(|letter| letter < ' ' || letter == '\u{7f}') {
        return Err(Refusal::invalid(format!("{name:?} holds a control character")));
    }
    let length = match switches.name_length_unit {
        NameLengthUnit::Utf16 => name.encode_utf16().count(),
        NameLengthUnit::CodePoints => name.chars().count(),
        NameLengthUnit::Bytes => name.len(),
    };
    if length > 255 {
        return Err(Refusal::invalid(format!("a name of {length} is longer than 255")));
    }
    Ok(())
}

/// What two names share exactly when the service takes them for the same name (protocol 8.8).
///
/// Letters of A to Z end up in upper case, so that sorting by keys puts `_` after the letters, as captured
/// listings do.
pub(crate) fn name_key(name: &str, switches: &Switches) -> Box<str> {
    if name.is_ascii() {
        return name.to_ascii_uppercase().into_boxed_str();
    }
    let normal: String = match switches.normalisation {
        Normalisation::Distinct => name.to_owned(),
        Normalisation::Same => name.nfc().collect(),
    };
    let mut folded: String = match switches.case_folding {
        CaseFolding::SimpleLowercase => normal.chars().map(simple_lowercase).collect(),
        CaseFolding::Ascii => normal,
        CaseFolding::Full => caseless::default_case_fold_str(&normal),
    };
    folded.make_ascii_uppercase();
    folded.into_boxed_str()
}

/// The lower-case form when that is a single character, as a simple mapping has it.
fn simple_lowercase(letter: char) -> char {
    let mut lower = letter.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(single), None) => single,
        _ => letter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(answer: &str) -> Switches {
        let mut switches = Switches::default();
        switches.apply(answer).unwrap();
        switches
    }

    #[test]
    fn a_path_is_decoded_once_and_plus_is_a_space() {
        let switches = with("U05=none");
        for (raw, expected) in [
            ("/u/Jotta/Archive/a%20b+c%2Bd", vec!["u", "Jotta", "Archive", "a b c+d"]),
            ("/u//Jotta/", vec!["u", "Jotta"]),
            ("/%C3%A6/%2541", vec!["æ", "%41"]),
        ] {
            assert_eq!(decode_url_path(raw, &switches).unwrap().0, expected, "{raw}");
        }
    }

    #[test]
    fn what_cannot_be_a_path_is_refused() {
        let switches = Switches::default();
        for raw in ["/u/a%2Fb", "/u/%FF", "/u/100%25"] {
            assert_eq!(decode_url_path(raw, &switches).unwrap_err().status, 400, "{raw}");
        }
    }

    #[test]
    fn the_length_of_a_name_is_counted_in_the_unit_of_the_switch() {
        let clef = "\u{1d11e}";
        for (answer, longest) in [("U06=utf16-units", 127), ("U06=code-points", 255), ("U06=bytes", 63)] {
            let switches = with(answer);
            assert!(check_name(&clef.repeat(longest), &switches).is_ok(), "{answer}");
            assert!(check_name(&clef.repeat(longest + 1), &switches).is_err(), "{answer}");
        }
    }

    #[test]
    fn names_are_the_same_by_the_rule_of_the_switch() {
        for (answer, left, right, same) in [
            ("U07=simple-lowercase", "Æa", "æA", true),
            ("U07=simple-lowercase", "straße", "STRASSE", false),
            ("U07=ascii", "Æa", "æA", false),
            ("U07=ascii", "æa", "æA", true),
            ("U07=full-fold", "straße", "STRASSE", true),
            ("U09=distinct", "e\u{301}", "\u{e9}", false),
            ("U09=same", "e\u{301}", "\u{e9}", true),
        ] {
            let switches = with(answer);
            assert_eq!(
                name_key(left, &switches) == name_key(right, &switches),
                same,
                "{answer} {left} {right}"
            );
        }
    }
}
