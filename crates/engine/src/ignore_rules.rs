//! Which entries jottad has nothing to do with: gitignore rules from `.jottaignore` files and from the
//! configuration.
//!
//! Ignoring never deletes anything on either side: an ignored entry is frozen, whatever the trees say. As
//! with git, the file nearest to an entry decides before those of the directories above, and all of them
//! before the list in the configuration; within one the last match decides.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use jottad_core::{Name, RelativePath, Timestamp};

use crate::index::{Index, IndexError};
use crate::scope::{Failure, Finding, found};
use crate::status::ProblemKind;

/// What a file with rules is called.
pub(crate) const IGNORE_FILE: &[u8] = b".jottaignore";
/// The most bytes that such a file may have: rules are kept in memory.
pub(crate) const LARGEST_IGNORE_FILE: u64 = 64 * 1024;

/// The rules of one folder.
#[derive(Debug)]
pub(crate) struct IgnoreRules {
    /// What is jottad's own: no other rule brings it back.
    own: Gitignore,
    configured: Gitignore,
    files: BTreeMap<RelativePath, RuleFile>,
    /// Of the index when `files` was read from it; `None` before.
    revision: Option<u64>,
    /// The root's own file, if it cannot be read as rules: then there is no row to say so.
    unread: Option<RefusedRules>,
}

/// One `.jottaignore`.
#[derive(Debug)]
struct RuleFile {
    matcher: Gitignore,
    content: Vec<u8>,
    since: Timestamp,
    /// The lines that are no rules.
    refused: Vec<RefusedLine>,
}

#[derive(Debug)]
struct RefusedLine {
    number: usize,
    reason: String,
}

/// The rule that ignores an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    text: String,
    origin: Origin,
}

/// Where a rule stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    /// It keeps out what is jottad's own.
    Own,
    Configuration,
    /// In a file, in which line.
    File(RelativePath, usize),
}

impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::Own => write!(formatter, "{} (jottad's own)", self.text),
            Origin::Configuration => write!(formatter, "{} (ignore in the configuration)", self.text),
            Origin::File(file, line) => write!(formatter, "{} ({file}, line {line})", self.text),
        }
    }
}

/// A `.jottaignore` that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RefusedRules {
    /// The file.
    pub(crate) path: RelativePath,
    /// It has lines that are no rules, or it cannot be read at all.
    pub(crate) kind: ProblemKind,
    /// Which lines, and why.
    pub(crate) reason: String,
    /// What to do about it.
    pub(crate) remedy: &'static str,
    /// Since when it is so.
    pub(crate) since: Timestamp,
}

impl RefusedRules {
    fn new(finding: Finding, path: RelativePath, reason: String, since: Timestamp) -> Self {
        let Failure { kind, remedy, .. } = found(finding);
        Self { path, kind, reason, remedy, since }
    }
}

/// A rule that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the ignore rule {rule:?} cannot be understood: {reason}")]
pub struct IgnoreRuleError {
    rule: String,
    reason: String,
}

impl IgnoreRuleError {
    /// The rule, as it is written.
    pub fn rule(&self) -> &str {
        &self.rule
    }
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
        let configured = builder.build().map_err(|error| refuse("", &error))?;
        Ok(Self { own: Gitignore::empty(), configured, files: BTreeMap::new(), revision: None, unread: None })
    }

    /// The same, with what is jottad's own: nobody's rules are about that.
    pub(crate) fn with_own(rules: &[String], own: &[String]) -> Result<Self, IgnoreRuleError> {
        Ok(Self { own: Self::new(own)?.configured, ..Self::new(rules)? })
    }

    /// Takes up what the index has of `.jottaignore` files, if that has changed.
    pub(crate) fn refresh(&mut self, index: &Index) -> Result<(), IndexError> {
        if self.revision != Some(index.ignore_revision()) {
            let rows = index.ignore_files()?;
            self.files =
                rows.into_iter().map(|row| (row.directory, RuleFile::new(row.content, row.since))).collect();
            self.revision = Some(index.ignore_revision());
        }
        Ok(())
    }

    /// Whether a rule may ignore an entry of this name, so that they are worth asking.
    pub(crate) fn may_ignore(&self, name: &Name) -> bool {
        !self.is_empty() || is_part(name.as_bytes())
    }

    /// Whether there is no rule that depends on the place of an entry.
    pub(crate) fn is_empty(&self) -> bool {
        self.own.is_empty() && self.configured.is_empty() && self.files.is_empty()
    }

    /// Whether a rule ignores an entry. Directories above are asked for themselves before.
    pub(crate) fn ignores(&self, path: &RelativePath, is_directory: bool) -> bool {
        self.matching(path, is_directory).is_some()
    }

    /// The rule that ignores an entry, if one does. Directories above are asked for themselves before.
    pub(crate) fn matching(&self, path: &RelativePath, is_directory: bool) -> Option<Rule> {
        if let Match::Ignore(text) = matched(&self.own, path.as_bytes(), is_directory) {
            return Some(Rule { text, origin: Origin::Own });
        }
        if !is_directory && path.as_bytes().rsplit(|byte| *byte == b'/').next().is_some_and(is_part) {
            return Some(Rule { text: format!("{PART_BEGINS}*{PART_ENDS}"), origin: Origin::Own });
        }
        let mut directory = path.parent();
        while let Some(above) = directory.filter(|_| !self.files.is_empty()) {
            if let Some(file) = self.files.get(&above) {
                let skipped = if above.is_root() { 0 } else { above.as_bytes().len() + 1 };
                let below = path.as_bytes().get(skipped..).unwrap_or_default();
                match matched(&file.matcher, below, is_directory) {
                    Match::Ignore(text) => {
                        let line = file.line_of(&text);
                        return Some(Rule { text, origin: Origin::File(file_in(&above), line) });
                    }
                    Match::Whitelist(_) => return None,
                    Match::None => {}
                }
            }
            directory = above.parent();
        }
        match matched(&self.configured, path.as_bytes(), is_directory) {
            Match::Ignore(text) => Some(Rule { text, origin: Origin::Configuration }),
            Match::None | Match::Whitelist(_) => None,
        }
    }

    /// The root's own file cannot be read as rules.
    pub(crate) fn set_unread(&mut self, path: RelativePath, reason: String, now: Timestamp) {
        let before = self.unread.take().filter(|unread| unread.reason == reason);
        let since = before.map_or(now, |unread| unread.since);
        self.unread = Some(RefusedRules::new(Finding::UnreadableRules, path, reason, since));
    }

    /// The root's own file was read, or is not there.
    pub(crate) fn clear_unread(&mut self) {
        self.unread = None;
    }

    /// Whether the root's own file cannot be read as rules.
    pub(crate) fn is_unread(&self) -> bool {
        self.unread.is_some()
    }

    /// The files with lines that are no rules, and the root's own if it cannot be read.
    pub(crate) fn refused(&self) -> Vec<RefusedRules> {
        let files = self.files.iter().filter(|(_, file)| !file.refused.is_empty());
        files
            .map(|(directory, file)| {
                let lines: Vec<String> = file
                    .refused
                    .iter()
                    .take(MOST_REFUSED_LINES)
                    .map(|line| format!("line {} is no rule: {}", line.number, line.reason))
                    .collect();
                let more = file.refused.len().saturating_sub(MOST_REFUSED_LINES);
                let more = if more > 0 { format!("; and {more} more") } else { String::new() };
                let reason = format!("{}{more}", lines.join("; "));
                RefusedRules::new(Finding::WrongRules, file_in(directory), reason, file.since)
            })
            .chain(self.unread.clone())
            .collect()
    }
}

/// Whether a file of this name is one that `jottad get` has not fetched to its end yet.
fn is_part(name: &[u8]) -> bool {
    name.starts_with(PART_BEGINS.as_bytes()) && name.ends_with(PART_ENDS.as_bytes())
}

const PART_BEGINS: &str = ".jottad-";
const PART_ENDS: &str = ".part";

/// Most lines of a file that a problem names.
const MOST_REFUSED_LINES: usize = 3;

impl RuleFile {
    /// Reads the lines; one that is no rule is left out and the others count.
    fn new(content: Vec<u8>, since: Timestamp) -> Self {
        let mut builder = GitignoreBuilder::new("");
        let mut refused = Vec::new();
        for (number, line) in lines(&content) {
            let added = match std::str::from_utf8(line) {
                Err(_) => Err("it is not UTF-8".to_owned()),
                Ok(line) => builder.add_line(None, line).map(drop).map_err(|error| error.to_string()),
            };
            if let Err(reason) = added {
                refused.push(RefusedLine { number, reason });
            }
        }
        let matcher = builder.build().unwrap_or_else(|error| {
            // Each line was taken by itself, but together they are too much. Nothing must be sent that a line
            // may have kept back, so everything is.
            refused.push(RefusedLine { number: 1, reason: error.to_string() });
            everything()
        });
        Self { matcher, content, since, refused }
    }

    /// The line that a rule stands in: the last of those that read alike, because it is that one which
    /// decides.
    fn line_of(&self, rule: &str) -> usize {
        let reads_alike = |(_, line): &(usize, &[u8])| {
            std::str::from_utf8(line).is_ok_and(|line| line == rule || line.trim_end() == rule)
        };
        lines(&self.content).filter(reads_alike).last().map_or(0, |(number, _)| number)
    }
}

/// The lines of a file, counted from 1, without a byte order mark.
fn lines(content: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    (1..).zip(content.split(|byte| *byte == b'\n'))
}

fn everything() -> Gitignore {
    let mut builder = GitignoreBuilder::new("");
    let built = builder.add_line(None, "*").and_then(|builder| builder.build());
    built.unwrap_or_else(|error| unreachable!("a star is a rule: {error}"))
}

fn matched(matcher: &Gitignore, path: &[u8], is_directory: bool) -> Match<String> {
    matcher.matched(Path::new(OsStr::from_bytes(path)), is_directory).map(|glob| glob.original().to_owned())
}

fn file_in(directory: &RelativePath) -> RelativePath {
    let name = jottad_core::Name::new(IGNORE_FILE);
    directory.join(&name.unwrap_or_else(|_| unreachable!("a constant name is valid")))
}

/// Tells whether rules can be understood, for the configuration.
pub fn check_ignore_rules(rules: &[String]) -> Result<(), IgnoreRuleError> {
    IgnoreRules::new(rules).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path_of(path: &str) -> RelativePath {
        RelativePath::try_from(path).unwrap()
    }

    fn with_files(files: &[(&str, &str)]) -> IgnoreRules {
        let mut rules = IgnoreRules::new(&["*.tmp".to_owned(), "/top".to_owned()]).unwrap();
        for (directory, content) in files {
            let directory = if directory.is_empty() { RelativePath::root() } else { path_of(directory) };
            let file = RuleFile::new(content.as_bytes().to_vec(), Timestamp::from_seconds(7));
            rules.files.insert(directory, file);
        }
        rules
    }

    #[test]
    fn of_lines_that_are_no_rules_the_first_three_are_named() {
        for (lines, names_more) in
            [(1, None), (3, None), (4, Some("; and 1 more")), (9, Some("; and 6 more"))]
        {
            let rules = with_files(&[("a", &"[z-a]\n".repeat(lines))]);
            let [refused] = &rules.refused()[..] else { panic!("one file has them") };
            assert_eq!(refused.reason.matches("is no rule").count(), lines.min(3));
            let more = refused.reason.find("; and ").map(|at| &refused.reason[at..]);
            assert_eq!(more, names_more);
        }
    }

    #[test]
    fn the_nearest_file_decides_and_is_named_with_its_line() {
        let rules = with_files(&[
            ("", "# comment\n\n*.log\n/only-here\n"),
            ("a", "\u{feff}!keep.log\r\n!*.tmp  \nb/\n"),
            ("a/c", "*.log\n*.log"),
        ]);
        let table = [
            ("x.log", false, Some("*.log (.jottaignore, line 3)")),
            ("a/x.log", false, Some("*.log (.jottaignore, line 3)")),
            ("a/keep.log", false, None),
            ("a/c/keep.log", false, Some("*.log (a/c/.jottaignore, line 2)")),
            ("x.tmp", false, Some("*.tmp (ignore in the configuration)")),
            ("a/x.tmp", false, None),
            // Letter case counts, whatever the disk makes of it: what another device names so is another
            // file.
            ("X.LOG", false, None),
            ("x.TMP", false, None),
            ("TOP", true, None),
            ("only-here", false, Some("/only-here (.jottaignore, line 4)")),
            ("a/only-here", false, None),
            ("a/b", true, Some("b/ (a/.jottaignore, line 3)")),
            ("a/b", false, None),
            ("b", true, None),
            ("ab/b", true, None),
            ("top", true, Some("/top (ignore in the configuration)")),
        ];
        for (path, is_directory, expected) in table {
            let rule = rules.matching(&path_of(path), is_directory).map(|rule| rule.to_string());
            assert_eq!(rule.as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn a_rule_with_a_directory_is_about_a_place_below_its_file() {
        let rules = with_files(&[("", "/top/x\n"), ("d", "/a\nb/c\n*/e\n")]);
        for (path, ignored) in [
            ("top/x", true),
            ("d/top/x", false),
            ("d/a", true),
            ("d/d/a", false),
            ("d/b/c", true),
            ("b/c", false),
            ("d/n/b/c", false),
            ("d/e", false),
            ("d/n/e", true),
            ("d/n/m/e", false),
        ] {
            assert_eq!(rules.ignores(&path_of(path), false), ignored, "{path}");
        }
    }

    #[test]
    fn what_is_jottads_own_is_brought_back_by_no_rule() {
        let own = ["/.local/state/jottad/", "/.config/jottad/config.toml"].map(str::to_owned);
        let everything = ["*.tmp", "!*", "!/.local/state/jottad/", "!.jottad-*.part"].map(str::to_owned);
        let mut rules = IgnoreRules::with_own(&everything, &own).unwrap();
        for directory in ["", ".local", ".local/state", ".local/state/jottad", ".config/jottad", "a"] {
            let directory = if directory.is_empty() { RelativePath::root() } else { path_of(directory) };
            let content = "!*\n!**/jottad/\n!jottad/\n!config.toml\n!.jottad-*.part\n!*.part\n".to_owned();
            rules.files.insert(directory, RuleFile::new(content.into(), Timestamp::from_seconds(7)));
        }
        let table = [
            (".local/state/jottad", true, true),
            (".config/jottad/config.toml", false, true),
            (".jottad-d41d8cd98f00b204e9800998ecf8427e-0cc175b9.part", false, true),
            ("a/.jottad-d41d8cd98f00b204e9800998ecf8427e-0cc175b9.part", false, true),
            // What is somebody's is not jottad's own.
            (".local/state/jottad", false, false),
            ("a/.local/state/jottad", true, false),
            ("a/config.toml", false, false),
            ("a/.jottad-1.part", true, false),
            ("a/jottad-1.part", false, false),
            ("a/.jottad-1.parts", false, false),
            ("a/x.tmp", false, false),
        ];
        for (path, is_directory, is_own) in table {
            let rule = rules.matching(&path_of(path), is_directory);
            assert_eq!(rule.is_some(), is_own, "{path}: {rule:?}");
            assert_eq!(rule.is_some_and(|rule| rule.origin == Origin::Own), is_own, "{path}");
        }
        let none = IgnoreRules::new(&[]).unwrap();
        let is_asked = |name: &str| none.may_ignore(&Name::try_from(name).unwrap());
        assert!(none.is_empty() && is_asked(".jottad-1.part") && !is_asked("a.part"));
    }

    #[test]
    fn a_line_that_is_no_rule_is_told_and_the_others_count() {
        let rules = with_files(&[("a", "*.log\na{b\n*.bak")]);
        assert!(rules.ignores(&path_of("a/x.log"), false) && rules.ignores(&path_of("a/x.bak"), false));
        let refused = rules.refused();
        assert_eq!(refused.len(), 1);
        assert_eq!(refused[0].path, path_of("a/.jottaignore"));
        assert!(refused[0].reason.starts_with("line 2 is no rule"), "{}", refused[0].reason);
    }

    #[test]
    fn rules_are_those_of_gitignore_with_negation() {
        let rules = ["*.tmp", "node_modules/", "!keep.tmp", "/top"].map(str::to_owned);
        let rules = IgnoreRules::new(&rules).unwrap();
        let ignored =
            |path: &str, is_directory| rules.matching(&path_of(path), is_directory).map(|rule| rule.text);
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
