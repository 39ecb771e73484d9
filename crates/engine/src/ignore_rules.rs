//! Which entries jottad has nothing to do with: gitignore rules from the configuration.
//!
//! Ignoring never deletes anything on either side: an ignored entry is frozen, whatever the trees say.

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use jottad_core::RelativePath;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// The rules of one folder.
#[derive(Debug)]
pub(crate) struct IgnoreRules {
    matcher: Gitignore,
}

/// A rule that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the ignore rule {rule:?} cannot be understood: {reason}")]
pub struct IgnoreRuleError {
    rule: String,
    reason: String,
}

impl IgnoreRules {
    /// Reads rules in the order of the configuration; the last match decides.
    pub(crate) fn new(rules: &[String]) -> Result<Self, IgnoreRuleError> {
        let mut builder = GitignoreBuilder::new("");
        let refuse = |rule: &str, reason: &ignore::Error| IgnoreRuleError {
            rule: rule.to_owned(),
            reason: reason.to_string(),
        };
        for rule in rules {
            builder.add_line(None, rule).map_err(|error| refuse(rule, &error))?;
        }
        let matcher = builder.build().map_err(|error| refuse("", &error))?;
        Ok(Self { matcher })
    }

    /// The rule that ignores an entry, if one does. Directories above are asked for themselves before.
    pub(crate) fn matching(&self, path: &RelativePath, is_directory: bool) -> Option<&str> {
        match self.matcher.matched(Path::new(OsStr::from_bytes(path.as_bytes())), is_directory) {
            Match::Ignore(glob) => Some(glob.original()),
            Match::None | Match::Whitelist(_) => None,
        }
    }
}

/// Tells whether rules can be understood, for the configuration.
pub fn check_ignore_rules(rules: &[String]) -> Result<(), IgnoreRuleError> {
    IgnoreRules::new(rules).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_those_of_gitignore_with_negation() {
        let rules = ["*.tmp", "node_modules/", "!keep.tmp", "/top"].map(str::to_owned);
        let rules = IgnoreRules::new(&rules).unwrap();
        let ignored = |path: &str, is_directory| {
            rules.matching(&RelativePath::try_from(path).unwrap(), is_directory).map(str::to_owned)
        };
        assert_eq!(ignored("a/b.tmp", false).as_deref(), Some("*.tmp"));
        assert_eq!(ignored("a/keep.tmp", false), None);
        assert_eq!(ignored("x/node_modules", true).as_deref(), Some("node_modules/"));
        assert_eq!(ignored("x/node_modules", false), None);
        assert_eq!(ignored("top", false).as_deref(), Some("/top"));
        assert_eq!(ignored("a/top", false), None);
    }

    #[test]
    fn a_rule_that_is_none_is_named() {
        let error = check_ignore_rules(&["a{b".to_owned()]).unwrap_err();
        assert!(error.to_string().contains("a{b"), "{error}");
    }
}
