//! Entries that cannot be synced now.

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
    /// Whether any row has a problem, without a look at the rows.
    pub(crate) const fn has_problems(&self) -> bool {
        self.has_problems
    }

    pub(crate) fn problem(&self, node: NodeId) -> Result<Option<ProblemRow>, IndexError> {
        if !self.has_problems {
            return Ok(None);
        }
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
        self.revision += 1;
        self.has_problems = true;
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
            self.revision += 1;
            self.connection.prepare_cached("DELETE FROM problem WHERE node = ?1")?.execute([node])?;
        }
        Ok(())
    }

    pub(crate) fn problem_count(&self) -> Result<u64, IndexError> {
        let mut statement = self.connection.prepare_cached("SELECT count(*) FROM problem")?;
        Ok(statement.query_row([], |row| row.get::<_, i64>(0))?.cast_unsigned())
    }

    /// How many rows have a problem of this kind.
    pub(crate) fn problem_count_of(&self, kind: ProblemKind) -> Result<u64, IndexError> {
        if !self.has_problems {
            return Ok(0);
        }
        let mut statement = self.connection.prepare_cached("SELECT count(*) FROM problem WHERE kind = ?1")?;
        Ok(statement.query_row([kind.as_str()], |row| row.get::<_, i64>(0))?.cast_unsigned())
    }

    /// When the next problem is due to be tried again; one with the time 0 is being tried.
    pub(crate) fn next_try(&self) -> Result<Option<Timestamp>, IndexError> {
        if !self.has_problems {
            return Ok(None);
        }
        let mut statement =
            self.connection.prepare_cached("SELECT min(next_try) FROM problem WHERE next_try > 0")?;
        let seconds: Option<Option<i64>> = statement.query_row([], |row| row.get(0)).optional()?;
        Ok(seconds.flatten().map(Timestamp::from_seconds))
    }

    /// Whether something failed so seldom yet, and so short a time ago, that the next try will be soon and
    /// probably do.
    pub(crate) fn is_trying(&self) -> Result<bool, IndexError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT 1 FROM problem WHERE kind = 'failing' AND tries <= 3 AND next_try - since <= 60 LIMIT 1",
        )?;
        Ok(statement.exists([])?)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builders::new_index;

    /// Once, one pass waited half an hour for what was to be tried again then.
    #[test]
    fn only_what_is_tried_again_soon_is_waited_for() {
        let (_place, mut index) = new_index();
        let mut failed = |tries, seconds: Option<i64>| {
            let problem = ProblemRow {
                node: NodeId::ROOT,
                kind: ProblemKind::Failing,
                reason: String::new(),
                remedy: String::new(),
                since: Timestamp::from_seconds(1000),
                tries,
                next_try: seconds.map(Timestamp::from_seconds),
            };
            index.put_problem(&problem).unwrap();
            index.is_trying().unwrap()
        };
        assert!(failed(1, Some(1005)));
        assert!(failed(3, Some(1035)));
        assert!(failed(1, Some(0)), "it is being tried");
        assert!(!failed(1, Some(1300)));
        assert!(!failed(4, Some(1040)));
        assert!(!failed(1, None));
    }
}
