//! Entries that cannot be synced now, and deletes that wait for a person.

use jottad_core::Timestamp;
use rusqlite::{OptionalExtension as _, Row, params};

use super::{Index, IndexError, NodeId};
use crate::status::ProblemKind;

/// A problem as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProblemRow {
    pub(crate) node: NodeId,
    pub(crate) kind: ProblemKind,
    pub(crate) reason: String,
    pub(crate) remedy: String,
    pub(crate) since: Timestamp,
    pub(crate) tries: u32,
    pub(crate) next_try: Option<Timestamp>,
}

impl Index {
    pub(crate) fn problem(&self, node: NodeId) -> Result<Option<ProblemRow>, IndexError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT node, kind, reason, remedy, since, tries, next_try FROM problem WHERE node = ?1",
        )?;
        statement.query_and_then([node], read_problem)?.next().transpose()
    }

    pub(crate) fn problems(&self) -> Result<Vec<ProblemRow>, IndexError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT node, kind, reason, remedy, since, tries, next_try FROM problem ORDER BY since, node",
        )?;
        statement.query_and_then([], read_problem)?.collect()
    }

    pub(crate) fn put_problem(&mut self, problem: &ProblemRow) -> Result<(), IndexError> {
        self.begin()?;
        self.connection
            .prepare_cached(
                "INSERT OR REPLACE INTO problem (node, kind, reason, remedy, since, tries, next_try)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                problem.node,
                problem.kind.as_str(),
                problem.reason,
                problem.remedy,
                problem.since.seconds(),
                problem.tries,
                problem.next_try.map(Timestamp::seconds),
            ])?;
        Ok(())
    }

    pub(crate) fn clear_problem(&mut self, node: NodeId) -> Result<(), IndexError> {
        if self.problem(node)?.is_some() {
            self.begin()?;
            self.connection.prepare_cached("DELETE FROM problem WHERE node = ?1")?.execute([node])?;
        }
        Ok(())
    }

    pub(crate) fn problem_count(&self) -> Result<u64, IndexError> {
        let mut statement = self.connection.prepare_cached("SELECT count(*) FROM problem")?;
        Ok(statement.query_row([], |row| row.get::<_, i64>(0))?.cast_unsigned())
    }

    /// When the next problem is due to be tried again; one with the time 0 is being tried.
    pub(crate) fn next_try(&self) -> Result<Option<Timestamp>, IndexError> {
        let mut statement =
            self.connection.prepare_cached("SELECT min(next_try) FROM problem WHERE next_try > 0")?;
        let seconds: Option<Option<i64>> = statement.query_row([], |row| row.get(0)).optional()?;
        Ok(seconds.flatten().map(Timestamp::from_seconds))
    }

    /// Whether something failed so seldom yet that the next try will probably do.
    pub(crate) fn is_trying(&self) -> Result<bool, IndexError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT 1 FROM problem WHERE kind = 'failing' AND tries <= 3 AND next_try IS NOT NULL LIMIT 1",
        )?;
        Ok(statement.exists([])?)
    }

    /// Parks a delete or an overwrite; what was approved stays approved.
    pub(crate) fn hold(&mut self, node: NodeId, action: &str) -> Result<(), IndexError> {
        self.begin()?;
        self.connection
            .prepare_cached("INSERT OR IGNORE INTO held (node, action, approved) VALUES (?1, ?2, 0)")?
            .execute(params![node, action])?;
        Ok(())
    }

    /// Whether the action at this row waits (`false`), was approved (`true`), or was never held.
    pub(crate) fn held(&self, node: NodeId) -> Result<Option<bool>, IndexError> {
        let mut statement = self.connection.prepare_cached("SELECT approved FROM held WHERE node = ?1")?;
        Ok(statement.query_row([node], |row| row.get(0)).optional()?)
    }

    /// The rows whose actions wait, with the action's word.
    pub(crate) fn waiting(&self) -> Result<Vec<(NodeId, String)>, IndexError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT node, action FROM held WHERE approved = 0 ORDER BY node")?;
        Ok(statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?)
    }

    pub(crate) fn approve_held(&mut self) -> Result<(), IndexError> {
        self.begin()?;
        self.connection.prepare_cached("UPDATE held SET approved = 1")?.execute([])?;
        Ok(())
    }

    pub(crate) fn release_held(&mut self, node: NodeId) -> Result<(), IndexError> {
        if self.held(node)?.is_some() {
            self.begin()?;
            self.connection.prepare_cached("DELETE FROM held WHERE node = ?1")?.execute([node])?;
        }
        Ok(())
    }

    /// Marks an entry that a person wants back from the other side.
    pub(crate) fn restore(&mut self, node: NodeId) -> Result<(), IndexError> {
        self.begin()?;
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO held (node, action, approved) VALUES (?1, 'restore', 1)")?
            .execute([node])?;
        Ok(())
    }

    /// Whether a person wants this entry back from the other side.
    pub(crate) fn is_restored(&self, node: NodeId) -> Result<bool, IndexError> {
        let mut statement =
            self.connection.prepare_cached("SELECT 1 FROM held WHERE node = ?1 AND action = 'restore'")?;
        Ok(statement.exists([node])?)
    }

    /// Whether any entry is wanted back.
    pub(crate) fn is_restoring(&self) -> Result<bool, IndexError> {
        let mut statement =
            self.connection.prepare_cached("SELECT 1 FROM held WHERE action = 'restore' LIMIT 1")?;
        Ok(statement.exists([])?)
    }

    /// Forgets what waits and was not approved: the next pass counts anew.
    pub(crate) fn release_waiting(&mut self) -> Result<(), IndexError> {
        self.begin()?;
        self.connection.prepare_cached("DELETE FROM held WHERE approved = 0")?.execute([])?;
        Ok(())
    }
}

fn read_problem(row: &Row<'_>) -> Result<ProblemRow, IndexError> {
    let word: String = row.get(1)?;
    let kind = ProblemKind::ALL
        .into_iter()
        .find(|kind| kind.as_str() == word)
        .ok_or_else(|| IndexError::Damaged(format!("a problem has the unknown kind {word:?}")))?;
    Ok(ProblemRow {
        node: row.get(0)?,
        kind,
        reason: row.get(2)?,
        remedy: row.get(3)?,
        since: Timestamp::from_seconds(row.get(4)?),
        tries: row.get(5)?,
        next_try: row.get::<_, Option<i64>>(6)?.map(Timestamp::from_seconds),
    })
}
