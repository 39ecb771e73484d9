//! What waits for a person, what was approved and is not yet done, and what is wanted back.

use rusqlite::{OptionalExtension as _, params};

use super::{Index, IndexError, NodeId};

/// What may be parked at a row until a person says go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeldAction {
    /// Putting what a side has there into the trash.
    Delete,
    /// Sending other content over what the service has.
    Overwrite,
}

impl HeldAction {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Overwrite => "overwrite",
        }
    }
}

impl Index {
    /// Parks an action; what was approved stays approved.
    pub(crate) fn hold(&mut self, node: NodeId, action: HeldAction) -> Result<(), IndexError> {
        self.begin()?;
        self.revision += 1;
        self.connection
            .prepare_cached("INSERT OR IGNORE INTO held (node, action, approved) VALUES (?1, ?2, 0)")?
            .execute(params![node, action.as_str()])?;
        Ok(())
    }

    /// Whether the action at this row waits (`false`), was approved (`true`), or was never held.
    pub(crate) fn held(&self, node: NodeId) -> Result<Option<bool>, IndexError> {
        let mut statement = self.connection.prepare_cached("SELECT approved FROM held WHERE node = ?1")?;
        Ok(statement.query_row([node], |row| row.get(0)).optional()?)
    }

    /// The rows whose action waits.
    pub(crate) fn waiting(&self, action: HeldAction) -> Result<Vec<NodeId>, IndexError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT node FROM held WHERE approved = 0 AND action = ?1 ORDER BY node")?;
        Ok(statement.query_map([action.as_str()], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// How many rows have this action waiting.
    pub(crate) fn count_waiting(&self, action: HeldAction) -> Result<u64, IndexError> {
        let mut statement =
            self.connection.prepare_cached("SELECT count(*) FROM held WHERE approved = 0 AND action = ?1")?;
        Ok(statement.query_row([action.as_str()], |row| row.get::<_, i64>(0))?.cast_unsigned())
    }

    /// A person lets everything happen that waits.
    pub(crate) fn approve_held(&mut self) -> Result<(), IndexError> {
        self.begin()?;
        self.revision += 1;
        self.connection.prepare_cached("UPDATE held SET approved = 1")?.execute([])?;
        Ok(())
    }

    /// Forgets what was held, approved or wanted back at a row: it was done, or something else is there now.
    pub(crate) fn release_held(&mut self, node: NodeId) -> Result<(), IndexError> {
        if self.held(node)?.is_some() {
            self.begin()?;
            self.revision += 1;
            self.connection.prepare_cached("DELETE FROM held WHERE node = ?1")?.execute([node])?;
        }
        Ok(())
    }

    /// Forgets what waits and was not approved: it is about to be counted anew.
    pub(crate) fn release_waiting(&mut self, action: HeldAction) -> Result<(), IndexError> {
        if self.count_waiting(action)? > 0 {
            self.begin()?;
            self.revision += 1;
            self.connection
                .prepare_cached("DELETE FROM held WHERE approved = 0 AND action = ?1")?
                .execute([action.as_str()])?;
        }
        Ok(())
    }

    /// Marks an entry that a person wants back from the other side.
    pub(crate) fn restore(&mut self, node: NodeId) -> Result<(), IndexError> {
        self.begin()?;
        self.revision += 1;
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
}
