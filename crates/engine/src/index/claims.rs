//! What was sent and accepted, and must still be seen on the service before it counts.

use super::row::{read_node, select_nodes};
use super::{Index, IndexError, Node, NodeId};

/// A directory with claimed entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClaimedDirectory {
    pub(crate) directory: NodeId,
    pub(crate) entries: u64,
}

impl Index {
    /// The directories with claims behind `after`, in the order of their ids.
    pub(crate) fn claimed_directories(
        &self,
        after: NodeId,
        limit: u32,
    ) -> Result<Vec<ClaimedDirectory>, IndexError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT parent, count(*) FROM node INDEXED BY node_claimed
             WHERE remote_claimed = 1 AND parent > ?1 GROUP BY parent ORDER BY parent LIMIT ?2",
        )?;
        let limit = limit.min(self.largest_page);
        let rows = statement.query_map(rusqlite::params![after, limit], |row| {
            Ok(ClaimedDirectory { directory: row.get(0)?, entries: row.get::<_, i64>(1)?.cast_unsigned() })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The claimed entries of a directory.
    pub(crate) fn claims(&self, directory: NodeId) -> Result<Vec<Node>, IndexError> {
        let mut statement = self.connection.prepare_cached(select_nodes!(
            "INDEXED BY node_claimed \
             WHERE remote_claimed = 1 AND parent = ?1 ORDER BY id"
        ))?;
        statement.query_and_then([directory], read_node)?.collect()
    }
}
