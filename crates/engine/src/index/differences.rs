//! What may need work, a bounded page at a time.

use jottad_core::{Content, Kind, Md5};
use rusqlite::{OptionalExtension as _, params};

use super::row::{read_node, select_nodes};
use super::{Index, IndexError, Node, NodeId};
use crate::disk::{FileStat, Identity};

/// Where a walk over rows by directory stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Cursor {
    parent: i64,
    id: i64,
}

impl Cursor {
    /// Right behind a row.
    pub(crate) fn after(node: &Node) -> Self {
        Self { parent: node.parent.0, id: node.id.0 }
    }

    /// The directory that the walk is in.
    pub(crate) fn directory(self) -> NodeId {
        NodeId(self.parent)
    }
}

/// Which rows a walk visits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Difference {
    /// Not all three trees agree, and the local side or the base has a part in it.
    Unsettled,
    /// The same, but only local files that may differ from a file of the base.
    Edited,
    /// The same, but only files of the base that the remote side has no more.
    Departed,
    /// Only the remote side has it.
    RemoteOnly,
    /// A local file that was not hashed since it changed.
    Unhashed,
}

impl Difference {
    /// Reads a page. The condition is word for word that of the partial index that answers it.
    const fn page(self) -> &'static str {
        macro_rules! page {
            ($selection:literal) => {
                select_nodes!(
                    "INDEXED BY ",
                    $selection,
                    " AND (parent, id) > (?1, ?2) ORDER BY parent, id LIMIT ?3"
                )
            };
        }
        match self {
            Self::Unsettled => page!(
                "node_unsettled WHERE (local_state IS NOT 0 OR remote_state IS NOT 0) \
                 AND NOT (base_kind IS NULL AND local_state IS NULL)"
            ),
            Self::Edited => page!(
                "node_unsettled WHERE (local_state IS NOT 0 OR remote_state IS NOT 0) \
                 AND NOT (base_kind IS NULL AND local_state IS NULL) \
                 AND base_kind = 1 AND local_state = 1 AND remote_state IS NOT NULL"
            ),
            Self::Departed => page!(
                "node_unsettled WHERE (local_state IS NOT 0 OR remote_state IS NOT 0) \
                 AND NOT (base_kind IS NULL AND local_state IS NULL) \
                 AND base_kind = 1 AND remote_state IS NULL"
            ),
            Self::RemoteOnly => page!("node_remote_only WHERE base_kind IS NULL AND local_state IS NULL"),
            Self::Unhashed => page!("node_unhashed WHERE local_state = 1 AND local_md5 IS NULL"),
        }
    }
}

/// A departed entry and where it seems to have arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MoveCandidate {
    pub(crate) from: Node,
    pub(crate) to: Node,
}

impl Index {
    /// The next rows behind the cursor, directory by directory.
    pub(crate) fn page(
        &self,
        difference: Difference,
        after: Cursor,
        limit: u32,
    ) -> Result<Vec<Node>, IndexError> {
        let mut statement = self.connection.prepare_cached(difference.page())?;
        let limit = limit.min(self.largest_page);
        statement.query_and_then(params![after.parent, after.id, limit], read_node)?.collect()
    }

    /// The next files behind a row that are on the disk as the base knows them.
    pub(crate) fn agreed_files(&self, after: NodeId, limit: u32) -> Result<Vec<Node>, IndexError> {
        let mut statement = self.connection.prepare_cached(select_nodes!(
            "WHERE id > ?1 AND base_kind = 1 AND local_state = 0 ORDER BY id LIMIT ?2"
        ))?;
        statement.query_and_then(params![after, limit], read_node)?.collect()
    }

    /// Pairs of rows of which one lost the very entry that the other gained, both sides having had it there.
    ///
    /// The same file under two names (a hard link) proves nothing and is left out.
    pub(crate) fn move_candidates(&self, limit: u32) -> Result<Vec<MoveCandidate>, IndexError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT departed.id, arrived.id
             FROM node AS departed INDEXED BY node_unsettled
             JOIN node AS arrived INDEXED BY node_arrived
               ON arrived.local_inode = departed.base_inode AND arrived.local_state IN (1, 2)
             WHERE (departed.local_state IS NOT 0 OR departed.remote_state IS NOT 0)
               AND NOT (departed.base_kind IS NULL AND departed.local_state IS NULL)
               AND departed.base_kind IS NOT NULL AND departed.remote_state IS NOT NULL
               AND NOT (departed.local_state IS NOT NULL
                        AND departed.local_inode IS departed.base_inode AND departed.local_born IS departed.base_born)
               AND arrived.local_born = departed.base_born
               AND arrived.local_state = departed.base_kind
               AND arrived.id <> departed.id
               AND NOT (arrived.base_inode IS arrived.local_inode AND arrived.base_born IS arrived.local_born)
               AND coalesce(arrived.local_links, 1) = 1
             ORDER BY departed.base_kind DESC, departed.parent, departed.id
             LIMIT ?1",
        )?;
        let pairs: Vec<(NodeId, NodeId)> =
            statement.query_map([limit], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
        let mut candidates = Vec::with_capacity(pairs.len());
        for (from, to) in pairs {
            if let (Some(from), Some(to)) = (self.node(from)?, self.node(to)?) {
                candidates.push(MoveCandidate { from, to });
            }
        }
        Ok(candidates)
    }

    /// The rows that say that this very directory is at their place.
    pub(crate) fn directories_with(&self, identity: Identity) -> Result<Vec<Node>, IndexError> {
        let mut statement = self.connection.prepare_cached(select_nodes!(
            "INDEXED BY node_directories \
             WHERE base_inode = ?1 AND base_kind = 2 AND local_state = 0 AND base_born = ?2"
        ))?;
        statement.query_and_then(params![identity.inode.cast_signed(), identity.born], read_node)?.collect()
    }

    /// The files or directories that were seen with this identity and not agreed on as they are.
    pub(crate) fn arrived(&self, kind: Kind, identity: Identity) -> Result<Vec<Node>, IndexError> {
        let mut statement = self.connection.prepare_cached(select_nodes!(
            "INDEXED BY node_arrived \
             WHERE local_inode = ?1 AND local_state IN (1, 2) AND local_state = ?3 AND local_born = ?2"
        ))?;
        let state = match kind {
            Kind::File => 1,
            Kind::Directory => 2,
        };
        statement
            .query_and_then(params![identity.inode.cast_signed(), identity.born, state], read_node)?
            .collect()
    }

    /// Whether a directory with this identity was seen somewhere and could not be read.
    pub(crate) fn is_unreadable_elsewhere(&self, identity: Identity) -> Result<bool, IndexError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT 1 FROM node INDEXED BY node_unreadable
             WHERE local_inode = ?1 AND local_state = 4 AND local_born = ?2",
        )?;
        Ok(statement.exists(params![identity.inode.cast_signed(), identity.born])?)
    }

    /// The hash of a file whose whole stat is that of a file which the base knew elsewhere: it came along
    /// when a directory above it was renamed, and need not be read again.
    pub(crate) fn known_hash(&self, stat: &FileStat) -> Result<Option<Md5>, IndexError> {
        if stat.identity.born == 0 || stat.links != 1 || self.totals.departed == 0 {
            return Ok(None);
        }
        let mut statement = self.connection.prepare_cached(
            "SELECT base_md5 FROM node INDEXED BY node_departed
             WHERE base_inode = ?1 AND base_kind IS NOT NULL AND local_state IS NOT 0
               AND base_kind = 1 AND base_born = ?2 AND base_size = ?3
               AND coalesce(base_local_modified, base_modified) = ?4
               AND base_nanoseconds = ?5 AND base_changed = ?6",
        )?;
        let hash: Option<[u8; 16]> = statement
            .query_row(
                params![
                    stat.identity.inode.cast_signed(),
                    stat.identity.born,
                    stat.size.cast_signed(),
                    stat.modified.seconds(),
                    stat.modified_nanoseconds,
                    stat.changed,
                ],
                |row| row.get(0),
            )
            .optional()?;
        Ok(hash.map(Md5::from_bytes))
    }

    /// A local file that is as the base knows it and has this content. An empty content is not looked for:
    /// there is nothing to copy.
    pub(crate) fn with_content(&self, content: Content) -> Result<Option<Node>, IndexError> {
        if content.size == 0 {
            return Ok(None);
        }
        let mut statement = self.connection.prepare_cached(select_nodes!(
            "INDEXED BY node_content \
             WHERE base_md5 = ?1 AND base_kind = 1 AND local_state = 0 AND base_size = ?2 LIMIT 1"
        ))?;
        let mut rows = statement
            .query_and_then(params![content.md5.as_bytes(), content.size.cast_signed()], read_node)?;
        rows.next().transpose()
    }

    /// Whether a local file has this content, whether or not both sides agreed on it.
    pub(crate) fn is_local(&self, content: Content) -> Result<bool, IndexError> {
        if self.with_content(content)?.is_some() {
            return Ok(true);
        }
        let mut statement = self.connection.prepare_cached(
            "SELECT 1 FROM node INDEXED BY node_unsettled
             WHERE (local_state IS NOT 0 OR remote_state IS NOT 0) AND NOT (base_kind IS NULL AND local_state IS NULL)
               AND local_state = 1 AND local_md5 = ?1 AND local_size = ?2
             LIMIT 1",
        )?;
        Ok(statement.exists(params![content.md5.as_bytes(), content.size.cast_signed()])?)
    }

    /// Whether both sides have a file with this content, as they agreed on it.
    pub(crate) fn is_on_both_sides(&self, content: Content) -> Result<bool, IndexError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT 1 FROM node INDEXED BY node_content
             WHERE base_md5 = ?1 AND base_kind = 1 AND local_state = 0 AND base_size = ?2 AND remote_state = 0
             LIMIT 1",
        )?;
        Ok(statement.exists(params![content.md5.as_bytes(), content.size.cast_signed()])?)
    }

    /// Rows behind `after` that the remote side has, in the order of their ids.
    pub(crate) fn with_remote(&self, after: NodeId, limit: u32) -> Result<Vec<NodeId>, IndexError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id FROM node WHERE id > ?1 AND remote_state IS NOT NULL ORDER BY id LIMIT ?2",
        )?;
        let limit = limit.min(self.largest_page);
        Ok(statement.query_map(params![after, limit], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }
}
