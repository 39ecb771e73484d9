//! Builds all mutants of a crate into one program, and asks of each the tests that reach it. `.ci/mutants`
//! runs it.
//!
//! cargo-mutants builds the program anew for each mutant. Here every mistake of its list is in the source at
//! once, as `if crate::mutant(7) { a > b } else { a < b }`, and `MUTANT=7` is the one that is on. What cannot
//! be written so is left to cargo-mutants: constants, conditions with a `let`, fields, functions that return
//! `impl Trait`, and what the compiler refuses.

mod asking;
mod list;
mod refused;
mod weave;

use std::path::{Path, PathBuf};

use list::State;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["weave", state, tree, root] => weave::weave(&State::at(state), Path::new(tree), root),
        ["refused", state, tree] => refused::note(&State::at(state), Path::new(tree)),
        ["reach", state, ref programs @ ..] => {
            let programs: Vec<PathBuf> = programs.iter().map(PathBuf::from).collect();
            asking::reach(&State::at(state), &programs);
        }
        ["ask", state, first, step, file] => {
            let number = |text: &str| text.parse().expect("a number");
            asking::ask(&State::at(state), (number(first), number(step)), file);
        }
        _ => panic!(
            "weave STATE TREE ROOT | refused STATE TREE | reach STATE PROGRAM... | ask STATE FIRST STEP FILE"
        ),
    }
}
