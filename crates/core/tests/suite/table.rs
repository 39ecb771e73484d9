//! The table of the path rules: every combination of the three trees in every mode, as reviewed data.
//!
//! The data is `testdata/sync-rules.txt`. After a change there, `JOTTAD_WRITE_DOCS=1 cargo test -p
//! jottad-core` prints it into `docs/sync-rules.md` again.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use jottad_core::{Action, Entry, File, Mode, Side, Trees, reconcile};

use crate::model::file;

const TABLE: &str = include_str!("../../testdata/sync-rules.txt");
/// Stand around the generated part of the document.
const MARKS: [&str; 2] = ["<!-- the table begins -->\n", "<!-- the table ends -->\n"];

#[test]
fn every_combination_is_decided_as_the_table_says() {
    let table = Table::parse(TABLE);
    for mode in Mode::ALL {
        let rows = &table.modes[mode.as_str()];
        let mut seen = BTreeSet::new();
        for situation in situations() {
            let decision = reconcile(mode, situation.trees, |side| situation.changed_inside.contains(&side));
            let cells = situation.cells();
            let expected = rows
                .iter()
                .find(|row| row.cells == cells)
                .unwrap_or_else(|| panic!("{mode} has no row {cells:?}"));
            assert_eq!(
                (words(decision.action), decision.because),
                (expected.action, expected.because),
                "{mode} {cells:?}"
            );
            seen.insert(cells);
        }
        assert_eq!(seen.len(), rows.len(), "{mode} has rows that never occur, or rows twice");
    }
}

#[test]
fn the_document_shows_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/sync-rules.md");
    let document = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = document.split_once(MARKS[0]).unwrap();
    let (_, after) = rest.split_once(MARKS[1]).unwrap();
    let printed = format!("{before}{}{}{}{after}", MARKS[0], Table::parse(TABLE).print(), MARKS[1]);
    if std::env::var_os("JOTTAD_WRITE_DOCS").is_some() {
        std::fs::write(&path, &printed).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap() == printed,
        "docs/sync-rules.md is stale: run JOTTAD_WRITE_DOCS=1 cargo test -p jottad-core"
    );
}

/// The reviewed data.
struct Table<'text> {
    modes: BTreeMap<&'text str, Vec<Row<'text>>>,
}

struct Row<'text> {
    group: &'text str,
    cells: [String; 3],
    action: &'text str,
    because: &'text str,
}

impl<'text> Table<'text> {
    fn parse(text: &'text str) -> Self {
        let mut modes = BTreeMap::<_, Vec<_>>::new();
        let (mut mode, mut group) = ("", "");
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if let Some(name) = line.strip_prefix("mode ") {
                mode = name;
            } else if let Some(title) = line.strip_prefix("group ") {
                group = title;
            } else {
                let columns: Vec<_> = line.split('|').map(str::trim).collect();
                let [cells, action, because] = columns[..] else { panic!("three columns: {line}") };
                let cells: Vec<_> = cells.split_whitespace().map(str::to_owned).collect();
                let cells = cells.try_into().unwrap_or_else(|_| panic!("three trees: {line}"));
                modes.entry(mode).or_default().push(Row { group, cells, action, because });
            }
        }
        Self { modes }
    }

    /// All modes side by side, then each with its reasons.
    fn print(&self) -> String {
        let mut text = String::from("\n## All modes\n");
        let by_mode = Mode::ALL.map(|mode| &self.modes[mode.as_str()]);
        let mut group = "";
        for row in by_mode[0] {
            if row.group != group {
                group = row.group;
                let heads = Mode::ALL.map(Mode::as_str).join(" | ");
                write!(text, "\n### {group}\n\n| base | local | remote | {heads} |\n").unwrap();
                text.push_str("|---|---|---|---|---|---|---|\n");
            }
            let actions = by_mode.map(|rows| {
                rows.iter().find(|other| other.cells == row.cells).map_or("", |other| other.action)
            });
            writeln!(text, "| {} | {} |", row.cells.join(" | "), actions.join(" | ")).unwrap();
        }
        for mode in Mode::ALL {
            write!(text, "\n## {mode}\n").unwrap();
            let mut group = "";
            for row in &self.modes[mode.as_str()] {
                if row.group != group {
                    group = row.group;
                    write!(text, "\n{group}:\n\n| base | local | remote | action | because |\n").unwrap();
                    text.push_str("|---|---|---|---|---|\n");
                }
                let cells = row.cells.join(" | ");
                writeln!(text, "| {cells} | {} | {} |", row.action, row.because).unwrap();
            }
        }
        text.push('\n');
        text
    }
}

/// One combination of the three trees.
struct Situation {
    trees: Trees,
    changed_inside: BTreeSet<Side>,
}

/// All of them: three contents at three times, directories changed inside or not.
fn situations() -> Vec<Situation> {
    let files = (1..=3).flat_map(|content| (1..=3).map(move |time| file(content, time)));
    let entries: Vec<_> =
        [Entry::Absent, Entry::Directory, Entry::Untracked].into_iter().chain(files).collect();
    let changes = [vec![], vec![Side::Local], vec![Side::Remote], vec![Side::Local, Side::Remote]];
    let mut situations = Vec::new();
    for base in &entries {
        for local in &entries {
            for remote in &entries {
                situations.extend(changes.iter().map(|changes| Situation {
                    trees: Trees { base: *base, local: *local, remote: *remote },
                    changed_inside: changes.iter().copied().collect(),
                }));
            }
        }
    }
    situations
}

impl Situation {
    /// The situation as the table shows it: base, local, remote. Contents are called by the order in which
    /// they appear, times by their rank and only where they can matter, and `dir*` is a directory in which
    /// something changed, where that can matter.
    fn cells(&self) -> [String; 3] {
        let Trees { base, local, remote } = self.trees;
        let mut contents: Vec<_> = Vec::new();
        let mut times = BTreeSet::new();
        if local.same_content(remote) {
            let agreeing = [base, local, remote].into_iter().filter(|one| one.same_content(local));
            times.extend(agreeing.filter_map(Entry::file).map(|file| file.modified));
        }
        let mut cell = |here: Entry, is_changed: bool| match here {
            Entry::Absent => "-".to_owned(),
            Entry::Untracked => "?".to_owned(),
            Entry::Directory => if is_changed { "dir*" } else { "dir" }.to_owned(),
            Entry::File(File { content, modified }) => {
                let known = contents.iter().position(|one| *one == content);
                let letter = known.unwrap_or_else(|| {
                    contents.push(content);
                    contents.len() - 1
                });
                let mut cell = ["A", "B", "C"][letter].to_owned();
                if times.len() > 1 && here.same_content(local) {
                    let rank = times.iter().position(|time| *time == modified).unwrap();
                    write!(cell, "@{}", rank + 1).unwrap();
                }
                cell
            }
        };
        let asked = |side, here: Entry, other: Entry| {
            let given_up = !matches!(other, Entry::Directory | Entry::Untracked);
            base == Entry::Directory
                && here == Entry::Directory
                && given_up
                && self.changed_inside.contains(&side)
        };
        let base_cell = if base == Entry::Untracked { "-".to_owned() } else { cell(base, false) };
        [
            base_cell,
            cell(local, asked(Side::Local, local, remote)),
            cell(remote, asked(Side::Remote, remote, local)),
        ]
    }
}

fn words(action: Action) -> &'static str {
    match action {
        Action::Nothing => "nothing",
        Action::Adopt => "adopt",
        Action::Forget => "forget",
        Action::Upload => "upload",
        Action::Download => "download",
        Action::MakeDirectory(Side::Local) => "make local directory",
        Action::MakeDirectory(Side::Remote) => "make remote directory",
        Action::Trash(Side::Local) => "trash local",
        Action::Trash(Side::Remote) => "trash remote",
        Action::SetTime(Side::Local) => "set local time",
        Action::SetTime(Side::Remote) => "set remote time",
        Action::MoveAside(Side::Local) => "move local aside",
        Action::MoveAside(Side::Remote) => "move remote aside",
        Action::Block => "block",
    }
}
