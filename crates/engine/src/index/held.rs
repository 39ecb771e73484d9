//! What waits for a person, what was approved and is not yet done, and what is wanted back.

use std::collections::BTreeSet;

use jottad_core::Timestamp;
use rusqlite::params;

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
    /// Parks an action; what was approved stays approved. A word about anything else is no word about this.
    pub(crate) fn hold(&mut self, node: NodeId, action: HeldAction) -> Result<(), IndexError> {
        self.begin()?;
        self.revision += 1;
        self.has_held = true;
        self.connection
            .prepare_cached(
                "INSERT INTO held (node, action, approved) VALUES (?1, ?2, 0)
                 ON CONFLICT (node) DO UPDATE SET action = excluded.action, approved = 0
                 WHERE approved = 0 OR action <> excluded.action",
            )?
            .execute(params![node, action.as_str()])?;
        Ok(())
    }

    /// Makes the action wait at these rows and at no others. Only what differs is written.
    pub(crate) fn set_waiting(
        &mut self,
        action: HeldAction,
        rows: &BTreeSet<NodeId>,
    ) -> Result<(), IndexError> {
        let waiting: BTreeSet<NodeId> = self.waiting(action)?.into_iter().collect();
        for node in waiting.difference(rows) {
            self.release_held(*node)?;
        }
        for node in rows.difference(&waiting) {
            self.hold(*node, action)?;
        }
        Ok(())
    }

    /// Whether a person let just this happen at a row. That it is wanted back, or may be overwritten, lets
    /// nobody delete it.
    pub(crate) fn is_approved(&self, node: NodeId, action: HeldAction) -> Result<bool, IndexError> {
        if !self.has_held {
            return Ok(false);
        }
        let mut statement = self
            .connection
            .prepare_cached("SELECT 1 FROM held WHERE node = ?1 AND approved = 1 AND action = ?2")?;
        Ok(statement.exists(params![node, action.as_str()])?)
    }

    /// The rows whose action waits.
    pub(crate) fn waiting(&self, action: HeldAction) -> Result<Vec<NodeId>, IndexError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT node FROM held WHERE approved = 0 AND action = ?1 ORDER BY node")?;
        Ok(statement.query_map([action.as_str()], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// The rows whose action was approved and is not done yet.
    pub(crate) fn approved(&self, action: HeldAction) -> Result<Vec<NodeId>, IndexError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT node FROM held WHERE approved = 1 AND action = ?1 ORDER BY node")?;
        Ok(statement.query_map([action.as_str()], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Whether anything is held, approved or wanted back at any row.
    pub(super) fn is_any_held(&self) -> Result<bool, IndexError> {
        Ok(self.connection.prepare_cached("SELECT 1 FROM held LIMIT 1")?.exists([])?)
    }

    /// How many rows are wanted back from the other side and are not there yet.
    pub(crate) fn count_restored(&self) -> Result<u64, IndexError> {
        let mut statement =
            self.connection.prepare_cached("SELECT count(*) FROM held WHERE action = 'restore'")?;
        Ok(statement.query_row([], |row| row.get::<_, i64>(0))?.cast_unsigned())
    }

    /// How many rows have this action waiting.
    pub(crate) fn count_waiting(&self, action: HeldAction) -> Result<u64, IndexError> {
        let mut statement =
            self.connection.prepare_cached("SELECT count(*) FROM held WHERE approved = 0 AND action = ?1")?;
        Ok(statement.query_row([action.as_str()], |row| row.get::<_, i64>(0))?.cast_unsigned())
    }

    /// Other content is to be sent of a file that should not change.
    pub(crate) fn note_rewritten(&mut self, node: NodeId, at: Timestamp) -> Result<(), IndexError> {
        let mut known = self.connection.prepare_cached("SELECT 1 FROM rewritten WHERE node = ?1")?;
        if known.exists([node])? {
            return Ok(());
        }
        drop(known);
        self.begin()?;
        self.connection
            .prepare_cached("INSERT INTO rewritten (node, at) VALUES (?1, ?2)")?
            .execute(params![node, at.seconds()])?;
        Ok(())
    }

    /// How many files that should not change were rewritten since a time; what was before is forgotten.
    pub(crate) fn count_rewritten(&mut self, since: Timestamp) -> Result<u64, IndexError> {
        self.begin()?;
        self.connection.prepare_cached("DELETE FROM rewritten WHERE at < ?1")?.execute([since.seconds()])?;
        let mut statement = self.connection.prepare_cached("SELECT count(*) FROM rewritten")?;
        Ok(statement.query_row([], |row| row.get::<_, i64>(0))?.cast_unsigned())
    }

    /// The files that should not change and were rewritten since a time.
    pub(crate) fn rewritten_since(&self, since: Timestamp) -> Result<BTreeSet<NodeId>, IndexError> {
        let mut statement = self.connection.prepare_cached("SELECT node FROM rewritten WHERE at >= ?1")?;
        let rows = statement.query_map([since.seconds()], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What was rewritten until now is meant to be.
    pub(crate) fn forget_rewritten(&mut self) -> Result<(), IndexError> {
        self.begin()?;
        self.connection.prepare_cached("DELETE FROM rewritten")?.execute([])?;
        Ok(())
    }

    /// How many files the base has whose names are such.
    pub(crate) fn count_files_named(&self, is_such: impl Fn(&[u8]) -> bool) -> Result<u64, IndexError> {
        let mut statement = self.connection.prepare_cached("SELECT name FROM node WHERE base_kind = 1")?;
        let mut rows = statement.query([])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            count += u64::from(row.get_ref(0)?.as_blob().is_ok_and(&is_such));
        }
        Ok(count)
    }

    /// A person lets this happen wherever it waits.
    pub(crate) fn approve_held(&mut self, action: HeldAction) -> Result<(), IndexError> {
        self.begin()?;
        self.revision += 1;
        self.connection
            .prepare_cached("UPDATE held SET approved = 1 WHERE action = ?1")?
            .execute([action.as_str()])?;
        Ok(())
    }

    /// Forgets what was held, approved or wanted back at a row: it was done, or something else is there now.
    pub(crate) fn release_held(&mut self, node: NodeId) -> Result<(), IndexError> {
        if !self.has_held {
            return Ok(());
        }
        let mut known = self.connection.prepare_cached("SELECT 1 FROM held WHERE node = ?1")?;
        let is_known = known.exists([node])?;
        drop(known);
        if is_known {
            self.begin()?;
            self.revision += 1;
            self.connection.prepare_cached("DELETE FROM held WHERE node = ?1")?.execute([node])?;
        }
        Ok(())
    }

    /// Whether this action waits at a row.
    pub(crate) fn waits(&self, node: NodeId, action: HeldAction) -> Result<bool, IndexError> {
        if !self.has_held {
            return Ok(false);
        }
        let mut statement = self
            .connection
            .prepare_cached("SELECT 1 FROM held WHERE node = ?1 AND approved = 0 AND action = ?2")?;
        Ok(statement.exists(params![node, action.as_str()])?)
    }

    /// A file has other content than when a person spoke of it, or than when it was to be deleted. What waits
    /// to overwrite goes on waiting: that nobody has spoken of it yet is as true of the new content.
    pub(crate) fn forget_word(&mut self, node: NodeId) -> Result<(), IndexError> {
        if self.waits(node, HeldAction::Overwrite)? { Ok(()) } else { self.release_held(node) }
    }

    /// Forgets everything that was agreed on, because a person wants it back from the other side. Given
    /// `is_fetched`, what the remote side has of it is marked, so that it is fetched in any mode as soon as
    /// it is known to be missing locally.
    pub(crate) fn forget_base(&mut self, is_fetched: bool) -> Result<(), IndexError> {
        self.begin()?;
        if is_fetched {
            self.has_held = true;
            self.connection.prepare_cached("DELETE FROM held WHERE action <> 'restore'")?.execute([])?;
            self.connection
                .prepare_cached(
                    "INSERT OR IGNORE INTO held (node, action, approved)
                     SELECT id, 'fetch', 1 FROM node
                     WHERE base_kind IS NOT NULL AND remote_state IS NOT NULL AND id <> 1",
                )?
                .execute([])?;
        } else {
            self.connection.prepare_cached("DELETE FROM held")?.execute([])?;
        }
        for statement in [
            "UPDATE node SET local_state = base_kind, local_size = base_size, local_md5 = base_md5,
                local_modified = coalesce(base_local_modified, base_modified), local_inode = base_inode,
                local_born = base_born, local_nanoseconds = base_nanoseconds, local_changed = base_changed
             WHERE local_state = 0 AND id <> 1",
            "UPDATE node SET remote_state = base_kind, remote_size = base_size, remote_md5 = base_md5,
                remote_modified = base_modified
             WHERE remote_state = 0 AND id <> 1",
            "UPDATE node SET base_kind = NULL, base_size = NULL, base_md5 = NULL, base_modified = NULL, base_inode = NULL,
                base_born = NULL, base_nanoseconds = NULL, base_changed = NULL, base_local_modified = NULL
             WHERE base_kind IS NOT NULL AND id <> 1",
        ] {
            self.connection.prepare_cached(statement)?.execute([])?;
        }
        self.totals = self.count_totals()?;
        self.forget_insides();
        self.rows.clear();
        for id in self.empty_rows()? {
            if let Some(mut node) = self.node(id)?
                && !self.has_children(id)?
            {
                self.save_empty(&mut node)?;
            }
        }
        Ok(())
    }

    fn empty_rows(&self) -> Result<Vec<NodeId>, IndexError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id FROM node WHERE base_kind IS NULL AND local_state IS NULL AND remote_state IS NULL",
        )?;
        Ok(statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Everything local was looked at: what is on the disk need not be fetched.
    pub(crate) fn keep_fetching_what_is_missing(&mut self) -> Result<(), IndexError> {
        let mut wanted =
            self.connection.prepare_cached("SELECT 1 FROM held WHERE action = 'fetch' LIMIT 1")?;
        let is_any = wanted.exists([])?;
        drop(wanted);
        if is_any {
            self.begin()?;
            self.revision += 1;
            self.connection
                .prepare_cached(
                    "DELETE FROM held WHERE action = 'fetch' AND node NOT IN
                        (SELECT id FROM node INDEXED BY node_remote_only
                         WHERE base_kind IS NULL AND local_state IS NULL)",
                )?
                .execute([])?;
        }
        Ok(())
    }

    /// Whether a person wants back what the remote side alone has at this row.
    pub(crate) fn is_fetched(&self, node: NodeId) -> Result<bool, IndexError> {
        if !self.has_held {
            return Ok(false);
        }
        let mut statement = self
            .connection
            .prepare_cached("SELECT 1 FROM held WHERE node = ?1 AND action IN ('restore', 'fetch')")?;
        Ok(statement.exists([node])?)
    }

    /// Marks an entry that a person wants back from the other side.
    pub(crate) fn restore(&mut self, node: NodeId) -> Result<(), IndexError> {
        self.begin()?;
        self.revision += 1;
        self.has_held = true;
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO held (node, action, approved) VALUES (?1, 'restore', 1)")?
            .execute([node])?;
        Ok(())
    }

    /// An entry that a person wanted back is there; what waits or was approved at it stays as it is.
    pub(crate) fn forget_wanted_back(&mut self, node: NodeId) -> Result<(), IndexError> {
        if self.is_fetched(node)? { self.release_held(node) } else { Ok(()) }
    }

    /// Whether a person wants this entry back from the other side.
    pub(crate) fn is_restored(&self, node: NodeId) -> Result<bool, IndexError> {
        if !self.has_held {
            return Ok(false);
        }
        let mut statement =
            self.connection.prepare_cached("SELECT 1 FROM held WHERE node = ?1 AND action = 'restore'")?;
        Ok(statement.exists([node])?)
    }

    /// Whether any entry is wanted back.
    pub(crate) fn is_restoring(&self) -> Result<bool, IndexError> {
        if !self.has_held {
            return Ok(false);
        }
        let mut statement = self
            .connection
            .prepare_cached("SELECT 1 FROM held WHERE action IN ('restore', 'fetch') LIMIT 1")?;
        Ok(statement.exists([])?)
    }
}
