//! When two names might be one name to the service.
//!
//! Jottacloud ignores letter case, by a rule that nobody outside knows, and may or may not ignore Unicode
//! normal forms (protocol 8.8, U-07, U-09). So the widest notion of equality decides what may stand side by side.

use unicode_normalization::UnicodeNormalization as _;

use crate::stored_name::StoredName;

/// Names with equal keys must never stand in one remote directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FoldKey(Box<str>);

impl FoldKey {
    /// The key of a name: its normal form, under full case folding, in its normal form again.
    pub fn of(name: &StoredName) -> Self {
        if name.as_str().is_ascii() {
            return Self(name.as_str().to_ascii_lowercase().into());
        }
        let composed: String = name.as_str().nfc().collect();
        let folded = caseless::default_case_fold_str(&composed);
        Self(folded.nfc().collect::<String>().into())
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
    use super::*;

    #[test]
    fn names_that_may_collide_share_a_key() {
        let collide = [
            ("Readme", "README"),
            ("ÆØÅ", "æøå"),
            ("straße", "STRASSE"),
            ("ẞ", "ß"),
            ("Σ", "ς"),
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

    #[test]
    fn the_number_does_not_change_between_versions() {
        assert_eq!(FoldKey::of(&StoredName::new("ReadMe.txt").unwrap()).number(), -2_238_475_532_450_625_503);
    }
}
