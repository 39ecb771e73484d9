//! When two names might be one name to the service.
//!
//! Jottacloud ignores letter case, by a rule that nobody outside knows, and may or may not ignore Unicode
//! normal forms (protocol 8.8, U-07, U-09). So the widest notion of equality decides what may stand side by
//! side.

use unicode_normalization::UnicodeNormalization as _;

use crate::stored_name::StoredName;

/// Names with equal keys must never stand in one remote directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FoldKey(Box<str>);

impl FoldKey {
    /// The key of a name: decomposed, in lower case after upper case after lower case, which brings together
    /// all that either comparison takes for equal (`ẞ` and `ss`, `ı` and `i`, `ς` and `σ`).
    ///
    /// Letter by letter, since the lower case of a text depends on where in a word a letter stands.
    pub fn of(name: &StoredName) -> Self {
        if name.as_str().is_ascii() {
            return Self(name.as_str().to_ascii_lowercase().into());
        }
        let folded = name
            .as_str()
            .nfd()
            .flat_map(char::to_lowercase)
            .flat_map(char::to_uppercase)
            .flat_map(char::to_lowercase);
        Self(folded.nfd().collect::<String>().into())
    }

    /// A number that equal keys share, stable across versions of this program because it is stored (FNV-1a).
    pub fn number(&self) -> i64 {
        let hash = self.0.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        hash.cast_signed()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_may_collide_share_a_key() {
        let collide = [
            ("Readme", "README"),
            ("ÆØÅ", "æøå"),
            ("straße", "STRASSE"),
            ("ẞ", "ß"),
            ("Σ", "ς"),
            ("ı", "I"),
            ("\u{212A}", "k"),
            ("e\u{301}", "é"),
            ("E\u{301}", "é"),
            ("\u{212B}", "å"),
        ];
        let key = |name| FoldKey::of(&StoredName::new(name).unwrap());
        for (one, two) in collide {
            assert_eq!(key(one), key(two), "{one} and {two}");
            assert_eq!(key(one).number(), key(two).number());
        }
        assert_ne!(key("a"), key("b"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn letter_case_and_normal_form_do_not_matter(
            text in prop_oneof![
                "[a-zA-Z0-9 ._()-]{1,12}",
                "[\\p{Ll}\\p{Lu}\\p{Lt}\\p{M}]{1,4}",
                "[^/]{1,6}",
            ],
            changes in prop::collection::vec(0..4, 1..4),
        ) {
            let text: String = text.nfc().collect();
            // The iota below a Greek letter changes places with other marks when it becomes a letter of its
            // own.
            if text.nfd().any(|character| character == '\u{345}') {
                return Ok(());
            }
            let changed = changes.iter().fold(text.clone(), |text, change| match change {
                0 => text.to_uppercase(),
                1 => text.to_lowercase(),
                2 => text.nfc().collect(),
                _ => text.nfd().collect(),
            });
            let key = |name: &str| StoredName::new(name).map(|name| FoldKey::of(&name));
            prop_assert_eq!(key(&text), key(&changed), "{:?} and {:?}", text, changed);
        }
    }

    #[test]
    fn letters_that_unicode_folds_together_share_a_key() {
        for letter in ('\u{80}'..=char::MAX).filter(|letter| letter.is_alphabetic()) {
            let folded = caseless::default_case_fold_str(&letter.to_string());
            let key = |name: String| StoredName::new(name).map(|name| FoldKey::of(&name));
            assert_eq!(key(letter.to_string()), key(folded), "{letter:?}");
        }
    }

    #[test]
    fn the_number_does_not_change_between_versions() {
        assert_eq!(FoldKey::of(&StoredName::new("ReadMe.txt").unwrap()).number(), -2_238_475_532_450_625_503);
    }
}
