//! The index: the three trees of one folder in a `SQLite` file, and all SQL there is.
//!
//! It holds observations, never pending work: losing it costs time, not data, because the next run adopts
//! what is equal on both sides. One thread owns it.

mod above;
mod claims;
mod clean_end;
mod differences;
mod facts;
mod held;
mod history;
mod ignore_files;
mod inside;
mod names;
mod node;
mod open;
mod problems;
mod relocate;
#[cfg(any(test, feature = "simulation"))]
mod renew;
mod row;
mod row_cache;
mod saving;
mod shift;
mod tree;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;

use rusqlite::Connection;

use inside::Insides;

pub(crate) use differences::{Cursor, Difference, MoveCandidate};
pub(crate) use facts::{Fact, RemoteMove, Sent};
pub(crate) use held::HeldAction;
pub(crate) use inside::Amount;
pub(crate) use node::{Base, BaseEntry, Local, Node, NodeId, RemoteRecord, Stamp};
pub use open::IndexError;
pub(crate) use problems::ProblemRow;
#[cfg(test)]
pub(crate) use row::ROWS_READ;
pub(crate) use tree::{ChildCursor, Descend, Totals};

/// How often each statement was run.
#[cfg(test)]
pub(crate) type Statements = std::sync::Arc<std::sync::Mutex<std::collections::BTreeMap<String, u64>>>;

/// The index of one folder.
pub struct Index {
    connection: Connection,
    totals: Totals,
    in_transaction: bool,
    /// There may be problems; mostly there are none, and then nobody need be asked for every row.
    has_problems: bool,
    /// The same of what is held, approved or wanted back.
    has_held: bool,
    /// The last row's number that was given. None is given twice while this is open: what was asked about a
    /// row that is gone must not be taken for an answer about another one.
    last_id: i64,
    /// Changes with every rule.
    ignore_revision: u64,
    /// Grows with every change of what is known of entries, of what is held and of what is wrong.
    revision: u64,
    /// What is known of everything below rows. Questions add to it.
    insides: RefCell<Insides>,
    rows: row_cache::RowCache,
    /// The single values that were asked for, as they are in the file.
    facts: RefCell<BTreeMap<&'static str, Option<String>>>,
    /// No page of a walk has more rows.
    largest_page: u32,
}

impl Index {
    /// Counts the statements from now on, by their text.
    #[cfg(test)]
    pub(crate) fn count_statements(&mut self) -> Statements {
        use rusqlite::trace::{TraceEvent, TraceEventCodes};
        self.rows.count_work_alone();
        let counts = Statements::default();
        let counted = counts.clone();
        let note = move |event: TraceEvent<'_>| {
            if let TraceEvent::Stmt(_, text) = event {
                *counted.lock().expect("nobody panics in it").entry(text.to_owned()).or_default() += 1;
            }
        };
        self.connection.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(note)).expect("it can be traced");
        counts
    }

    /// Lets every commit fail from now on: a row refers to one that is missing.
    #[cfg(test)]
    pub(crate) fn refuse_commits(&mut self) {
        let table = "PRAGMA foreign_keys = ON;
             CREATE TABLE wanting (row INTEGER PRIMARY KEY REFERENCES node (id) DEFERRABLE INITIALLY DEFERRED)";
        self.commit().and_then(|()| Ok(self.connection.execute_batch(table)?)).expect("it can be made");
        self.begin().expect("it can begin");
        self.connection.execute("INSERT INTO wanting VALUES (-1)", []).expect("it can be written");
    }

    /// Reads so many rows at one time at most, where a walk may take any number.
    #[cfg(any(test, feature = "simulation"))]
    pub(crate) fn set_largest_page(&mut self, rows: u32) {
        self.largest_page = rows.max(1);
    }

    /// What the local side has, as far as it was scanned.
    pub(crate) fn totals(&self) -> Totals {
        self.totals
    }

    /// A number that stays the same as long as nothing changes of what decisions follow from.
    pub(crate) fn revision(&self) -> (u64, u64) {
        (self.revision, self.ignore_revision)
    }

    /// Makes everything written since the last commit durable. Nothing that was decided on uncommitted rows
    /// may leave this thread before.
    pub(crate) fn commit(&mut self) -> Result<(), IndexError> {
        if self.in_transaction {
            self.connection.prepare_cached("COMMIT")?.execute([])?;
            self.in_transaction = false;
        }
        Ok(())
    }

    /// Commits, closes the file, and notes how it was left.
    pub(crate) fn close(mut self) -> Result<(), IndexError> {
        self.commit()?;
        let file = self.connection.path().map(PathBuf::from);
        self.connection.close().map_err(|(_, error)| error)?;
        if let Some(file) = file {
            clean_end::note(&file);
        }
        Ok(())
    }

    /// Opens a transaction before the first write since the last commit.
    fn begin(&mut self) -> Result<(), IndexError> {
        if !self.in_transaction {
            self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
            self.in_transaction = true;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
