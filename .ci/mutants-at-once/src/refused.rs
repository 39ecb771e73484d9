//! Which mutants the compiler refuses: those that its errors point at.

use std::collections::BTreeSet;
use std::io::{BufRead as _, stdin};
use std::path::Path;
use std::{fs, process};

use serde_json::Value;

use crate::list::State;

/// Reads the compiler's messages from the standard input and notes what they refuse. Ends with 0 if there was
/// no error, with 1 if the tree is to be built anew without some mutants, and with 2 if an error points at
/// none.
pub fn note(state: &State, tree: &Path) -> ! {
    let mut refused = state.numbers("refused");
    let before = refused.len();
    let mut is_unknown = false;
    for line in stdin().lock().lines().map_while(Result::ok) {
        let Ok(message) = serde_json::from_str::<Value>(&line) else { continue };
        let message = &message["message"];
        if message["level"] != "error" {
            continue;
        }
        let spans: Vec<&Value> = message["spans"].as_array().into_iter().flatten().collect();
        let primary = spans.into_iter().filter(|span| span["is_primary"] == true);
        let is_match = message["code"]["code"] == "E0004";
        let found: BTreeSet<usize> = primary.flat_map(|span| pointed_at(tree, span, is_match)).collect();
        is_unknown |= found.is_empty() && message["code"] != Value::Null;
        refused.extend(found);
    }
    state.write_numbers("refused", &refused);
    process::exit(match (refused.len() > before, is_unknown) {
        (true, _) => 1,
        (false, true) => 2,
        (false, false) => 0,
    })
}

/// The mutant that stands before an error on its line. Where a `match` is not exhaustive, those that leave
/// out one of its arms.
fn pointed_at(tree: &Path, span: &Value, is_match: bool) -> Vec<usize> {
    let number = |key: &str| span[key].as_u64().and_then(|at| usize::try_from(at).ok()).unwrap_or(1);
    let file = tree.join(span["file_name"].as_str().unwrap_or_default());
    let Ok(text) = fs::read_to_string(file) else { return Vec::new() };
    let line = text.lines().nth(number("line_start") - 1).unwrap_or_default();
    let start = text.lines().take(number("line_end") - 1).map(|line| line.len() + 1).sum::<usize>();
    if is_match {
        let inside = block(&text[(start + number("column_end") - 1).min(text.len())..]);
        return numbers_after(inside, " if !crate::mutant(").map(|(_, number)| number).collect();
    }
    let column = number("column_start") - 1;
    let all: Vec<(usize, usize)> = numbers_after(line, "crate::mutant(").collect();
    let before = all.iter().rev().find(|(at, _)| *at <= column);
    before.or(all.first()).map(|(_, number)| *number).into_iter().collect()
}

/// The first block in braces.
fn block(text: &str) -> &str {
    let mut depth = 0_usize;
    for (at, letter) in text.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth <= 1 => return &text[..at],
            '}' => depth -= 1,
            _ => {}
        }
    }
    text
}

fn numbers_after<'text>(text: &'text str, words: &'text str) -> impl Iterator<Item = (usize, usize)> + 'text {
    text.match_indices(words).filter_map(move |(at, _)| {
        let digits = text[at + words.len()..].split("u32").next()?;
        Some((at, digits.parse().ok()?))
    })
}
