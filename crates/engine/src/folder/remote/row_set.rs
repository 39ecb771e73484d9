//! A set of rows, small for few rows and for many that lie close together: a bit for each.

use std::collections::BTreeMap;

use crate::index::NodeId;

/// Bits in a word.
const WORD: i64 = 64;
/// Words in a page.
const WORDS: usize = 16;
/// Bits in a page.
const PAGE: i64 = WORD * 16;

/// Which rows an answer has shown.
#[derive(Debug, Default)]
pub(super) struct RowSet {
    pages: BTreeMap<i64, [u64; WORDS]>,
}

impl RowSet {
    pub(super) fn insert(&mut self, row: NodeId) {
        let (page, word, bit) = place(row);
        self.pages.entry(page).or_default()[word] |= bit;
    }

    pub(super) fn contains(&self, row: NodeId) -> bool {
        let (page, word, bit) = place(row);
        self.pages.get(&page).is_some_and(|words| words[word] & bit != 0)
    }

    /// Tells whether it was in the set.
    pub(super) fn remove(&mut self, row: NodeId) -> bool {
        let was_there = self.contains(row);
        let (page, word, bit) = place(row);
        if let Some(words) = self.pages.get_mut(&page) {
            words[word] &= !bit;
        }
        was_there
    }
}

/// The page of a row, its word in that, and its bit in that.
fn place(row: NodeId) -> (i64, usize, u64) {
    let rest = row.0.rem_euclid(PAGE);
    let word = usize::try_from(rest / WORD).unwrap_or(0);
    (row.0.div_euclid(PAGE), word, 1 << (rest % WORD))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_what_was_put_in_and_nothing_else() {
        let rows = [0, 1, 63, 64, 1023, 1024, 1_000_000, i64::MAX, -1].map(NodeId);
        for row in rows {
            let mut set = RowSet::default();
            set.insert(row);
            assert!(rows.iter().all(|other| set.contains(*other) == (*other == row)));
            assert!(set.remove(row) && !set.contains(row) && !set.remove(row));
        }
    }
}
