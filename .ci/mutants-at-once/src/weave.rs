//! Builds mutants into the source: each mistake is there, and waits for its number.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::Path;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{BinOp, Expr, UnOp};

use crate::list::{Position, State};

/// What is put in the place of a range of the source. Ranges of edits lie in each other or apart.
struct Edit {
    at: Range<usize>,
    /// Of two edits with one range the outer one has the lower rank.
    rank: u8,
    what: What,
}

enum What {
    /// `if mutant { return value }` at the begin of a function.
    Values(Vec<(usize, String)>),
    /// One operator instead of another.
    Operators { left: Range<usize>, operator: String, right: Range<usize>, others: Vec<(usize, String)> },
    /// Of two conditions both or one.
    Both { left: Range<usize>, right: Range<usize>, number: usize, is_and: bool },
    /// Without the operator before it.
    Unary { operator: String, operand: Range<usize>, number: usize },
    /// The guard of an arm.
    Guard { always: Vec<usize>, never: Vec<usize> },
    /// An arm without a guard that may be left out.
    Arm(usize),
}

struct Source<'a> {
    text: &'a str,
    edits: Vec<Edit>,
}

impl Source<'_> {
    /// The text of a range with all edits in it. `first` is the first edit that may lie in it.
    fn render(&self, range: Range<usize>, mut first: usize) -> String {
        let mut text = String::new();
        let mut at = range.start;
        while let Some(edit) = self.edits.get(first) {
            if edit.at.start < at || edit.at.end > range.end {
                if edit.at.start > range.end {
                    break;
                }
                first += 1;
                continue;
            }
            text.push_str(&self.text[at..edit.at.start]);
            text.push_str(&self.render_edit(edit, first + 1));
            at = edit.at.end;
            first += 1;
            // What lies in it is rendered with it.
            while self.edits.get(first).is_some_and(|inner| inner.at.start < at) {
                first += 1;
            }
        }
        text.push_str(&self.text[at..range.end]);
        text
    }

    fn render_edit(&self, edit: &Edit, inner: usize) -> String {
        let render = |range: &Range<usize>| self.render(range.clone(), inner);
        match &edit.what {
            What::Values(values) => {
                let value =
                    |(number, value): &(usize, String)| format!("if {} {{ return {value}; }} ", is(*number));
                values.iter().map(value).collect()
            }
            What::Operators { left, operator, right, others } => {
                let (left, right) = (render(left), render(right));
                let other = |(number, other): &(usize, String)| {
                    format!("if {} {{ {left} {other} {right} }} else ", is(*number))
                };
                format!("({} {{ {left} {operator} {right} }})", others.iter().map(other).collect::<String>())
            }
            What::Both { left, right, number, is_and } => {
                let compared = if *is_and { "!=" } else { "==" };
                let (left, right) = (render(left), render(right));
                let chosen = format!("if mutant_left {compared} {} {{ {right} }}", is(*number));
                format!("({{ let mutant_left = {left}; {chosen} else {{ mutant_left }} }})")
            }
            What::Unary { operator, operand, number } => {
                let operand = render(operand);
                format!("(if {} {{ {operand} }} else {{ {operator}{operand} }})", is(*number))
            }
            What::Guard { always, never } => {
                let mut guard = self.render(edit.at.clone(), inner);
                for number in always {
                    guard = format!("({} || ({guard}))", is(*number));
                }
                for number in never {
                    guard = format!("({guard}) && !{}", is(*number));
                }
                guard
            }
            What::Arm(number) => format!(" if !{}", is(*number)),
        }
    }
}

fn is(number: usize) -> String {
    format!("crate::mutant({number}u32)")
}

/// Number, replacement and genre of a mutant.
type Wanted = (usize, String, String);

/// Finds the places of mutants in a file.
struct Finder<'a> {
    text: &'a str,
    /// By the place that the list names.
    wanted: BTreeMap<(usize, usize), Vec<Wanted>>,
    edits: Vec<Edit>,
    put_in: BTreeSet<usize>,
}

impl Finder<'_> {
    fn take(&mut self, range: &Range<usize>) -> Vec<Wanted> {
        self.wanted.get(&(range.start, range.end)).cloned().unwrap_or_default()
    }

    fn put(&mut self, at: Range<usize>, rank: u8, what: What, numbers: impl IntoIterator<Item = usize>) {
        self.put_in.extend(numbers);
        self.edits.push(Edit { at, rank, what });
    }

    /// The value of a function: the list has what is to be returned instead by the range of what is in its
    /// block.
    fn function(&mut self, signature: &syn::Signature, block: &syn::Block) {
        if signature.constness.is_some() {
            return;
        }
        // There every way out has to give the same type.
        if let syn::ReturnType::Type(_, given) = &signature.output
            && self.text[given.span().byte_range()].contains("impl ")
        {
            return;
        }
        let Some(first) = block.stmts.first() else { return };
        let first = first.span().byte_range().start;
        let inside = first..block.stmts.last().map_or(first, |last| last.span().byte_range().end);
        let open = block.brace_token.span.open().byte_range().end;
        let close = block.brace_token.span.close().byte_range().start;
        let values: Vec<_> = self
            .wanted
            .iter()
            .filter(|((start, end), _)| {
                *start >= open && *end <= close && *start <= inside.start && *end >= inside.end
            })
            .flat_map(|(_, all)| all.iter().filter(|(_, _, genre)| genre == "FnValue"))
            .map(|(number, value, _)| (*number, value.clone()))
            .collect();
        if !values.is_empty() {
            let numbers: Vec<_> = values.iter().map(|(number, _)| *number).collect();
            self.put(open..open, 0, What::Values(values), numbers);
        }
    }
}

fn has_let(expression: &Expr) -> bool {
    match expression {
        Expr::Let(_) => true,
        Expr::Binary(binary) => has_let(&binary.left) || has_let(&binary.right),
        _ => false,
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item_const(&mut self, _: &'ast syn::ItemConst) {}
    fn visit_item_static(&mut self, _: &'ast syn::ItemStatic) {}
    fn visit_impl_item_const(&mut self, _: &'ast syn::ImplItemConst) {}
    fn visit_trait_item_const(&mut self, _: &'ast syn::TraitItemConst) {}
    fn visit_type(&mut self, _: &'ast syn::Type) {}
    fn visit_pat(&mut self, _: &'ast syn::Pat) {}
    fn visit_variant(&mut self, _: &'ast syn::Variant) {}
    fn visit_expr_const(&mut self, _: &'ast syn::ExprConst) {}
    fn visit_expr_repeat(&mut self, repeat: &'ast syn::ExprRepeat) {
        self.visit_expr(&repeat.expr);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig, &item.block);
        if item.sig.constness.is_none() {
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.sig, &item.block);
        if item.sig.constness.is_none() {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.function(&item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_expr_binary(&mut self, binary: &'ast syn::ExprBinary) {
        let operator = binary.op.span().byte_range();
        let others = self.take(&operator);
        let at = binary.span().byte_range();
        let (left, right) = (binary.left.span().byte_range(), binary.right.span().byte_range());
        if !others.is_empty() && !has_let(&binary.left) && !has_let(&binary.right) {
            let numbers: Vec<_> = others.iter().map(|(number, ..)| *number).collect();
            let what = match (&binary.op, &others[..]) {
                (BinOp::And(_) | BinOp::Or(_), [(number, ..)]) => {
                    What::Both { left, right, number: *number, is_and: matches!(binary.op, BinOp::And(_)) }
                }
                _ => What::Operators {
                    left,
                    operator: self.text[operator].to_owned(),
                    right,
                    others: others.into_iter().map(|(number, other, _)| (number, other)).collect(),
                },
            };
            self.put(at, 2, what, numbers);
        }
        visit::visit_expr_binary(self, binary);
    }

    fn visit_expr_unary(&mut self, unary: &'ast syn::ExprUnary) {
        let operator = unary.op.span().byte_range();
        let at = unary.span().byte_range();
        let found = self.take(&operator);
        if let [(number, ..)] = found[..]
            && !matches!(unary.op, UnOp::Deref(_))
        {
            let operand = unary.expr.span().byte_range();
            let operator = self.text[operator].to_owned();
            self.put(at, 2, What::Unary { operator, operand, number }, [number]);
        }
        visit::visit_expr_unary(self, unary);
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        let whole = arm.span().byte_range();
        let (mut always, mut never) = (Vec::new(), Vec::new());
        // The tool's span of an arm may or may not have the comma.
        let deleted: Vec<usize> = self
            .wanted
            .iter()
            .filter(|((start, end), _)| *start == whole.start && end.abs_diff(whole.end) <= 1)
            .flat_map(|(_, all)| all.iter().filter(|(_, _, genre)| genre == "MatchArm"))
            .map(|(number, ..)| *number)
            .collect();
        never.extend(&deleted);
        if let Some((_, guard)) = &arm.guard {
            let at = guard.span().byte_range();
            for (number, value, genre) in self.take(&at) {
                if genre != "MatchArmGuard" {
                    continue;
                }
                if value == "true" {
                    always.push(number);
                } else {
                    never.push(number);
                }
            }
            if has_let(guard) {
                always.clear();
            }
            if !always.is_empty() || !never.is_empty() {
                let numbers: Vec<_> = always.iter().chain(&never).copied().collect();
                self.put(at, 1, What::Guard { always, never }, numbers);
            }
        } else if let [number] = deleted[..] {
            let end = arm.pat.span().byte_range().end;
            self.put(end..end, 1, What::Arm(number), [number]);
        }
        visit::visit_arm(self, arm);
    }
}

fn offset(text: &str, lines: &[usize], at: Position) -> usize {
    let line = lines[at.line - 1];
    line + text[line..].chars().take(at.column - 1).map(char::len_utf8).sum::<usize>()
}

/// Changes the files of a tree, and notes in `not_in` what was not built in. What the compiler refused before
/// is left out.
pub fn weave(state: &State, tree: &Path, root: &str) {
    let mutants = state.mutants();
    let refused = state.numbers("refused");
    let mut files: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (number, mutant) in mutants.iter().enumerate() {
        files.entry(&mutant.file).or_default().push(number);
    }
    let mut not_in: BTreeSet<usize> = (0..mutants.len()).collect();
    for (file, numbers) in files {
        let path = tree.join(file);
        let text = fs::read_to_string(&path).expect("a file of the tree");
        let mut lines = vec![0];
        lines.extend(text.match_indices('\n').map(|(at, _)| at + 1));
        let mut wanted: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for number in numbers.into_iter().filter(|number| !refused.contains(number)) {
            let mutant = &mutants[number];
            let range = (offset(&text, &lines, mutant.span.start), offset(&text, &lines, mutant.span.end));
            wanted.entry(range).or_default().push((number, mutant.replacement.clone(), mutant.genre.clone()));
        }
        let mut finder = Finder { text: &text, wanted, edits: Vec::new(), put_in: BTreeSet::new() };
        finder.visit_file(&syn::parse_file(&text).expect("source that the compiler takes"));
        not_in.retain(|number| !finder.put_in.contains(number));
        let mut edits = finder.edits;
        edits.sort_by_key(|edit| (edit.at.start, std::cmp::Reverse(edit.at.end), edit.rank));
        let source = Source { text: &text, edits };
        fs::write(&path, source.render(0..text.len(), 0)).expect("writing to the tree");
    }
    let root = tree.join(root);
    let lib = fs::read_to_string(&root).expect("the root of the crate");
    fs::write(&root, lib + include_str!("switch.rs")).expect("writing to the tree");
    state.write_numbers("not_in", &not_in);
}
