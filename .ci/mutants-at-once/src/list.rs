//! What `cargo mutants --list --json` says, and what is known of each.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// One small mistake. Its number is its place in the list.
#[derive(Deserialize)]
pub struct Mutant {
    pub name: String,
    pub file: String,
    pub span: Span,
    pub replacement: String,
    pub genre: String,
}

#[derive(Deserialize, Clone, Copy)]
pub struct Span {
    pub start: Position,
    pub end: Position,
}

#[derive(Deserialize, Clone, Copy)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

/// A directory with what is known: the list, what cannot be built in, what each test reaches.
pub struct State(PathBuf);

impl State {
    pub fn at(directory: &str) -> Self {
        Self(directory.into())
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn mutants(&self) -> Vec<Mutant> {
        let text = fs::read_to_string(self.file("list.json")).expect("the list of mutants");
        serde_json::from_str(&text).expect("a list as cargo-mutants writes it")
    }

    /// Numbers, one a line.
    pub fn numbers(&self, name: &str) -> BTreeSet<usize> {
        numbers_in(&self.file(name))
    }

    pub fn write_numbers(&self, name: &str, numbers: &BTreeSet<usize>) {
        let text: String = numbers.iter().map(|number| format!("{number}\n")).collect();
        fs::write(self.file(name), text).expect("writing numbers");
    }

    /// What is known of mutants by their names: a line for each, of which the last one counts.
    pub fn known(&self) -> BTreeMap<String, String> {
        let text = fs::read_to_string(self.file("known")).unwrap_or_default();
        let line =
            |line: &str| line.split_once('\t').map(|(outcome, name)| (name.to_owned(), outcome.to_owned()));
        text.lines().filter_map(line).collect()
    }
}

pub fn numbers_in(file: &Path) -> BTreeSet<usize> {
    fs::read_to_string(file).unwrap_or_default().lines().filter_map(|line| line.trim().parse().ok()).collect()
}
