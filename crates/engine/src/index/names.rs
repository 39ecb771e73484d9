//! Files that have several names: the rows that are one file, and how many names are no rows.

use rusqlite::params;

use super::row::{read_node, select_nodes};
use super::{Index, IndexError, Node, NodeId};
use crate::disk::FileStat;

/// Most rows that are looked at because one of them changed. Each of those leads to the next.
const MOST_OUTDATED: i64 = 64;

/// A row that is one of several names of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NameRow {
    /// Which file.
    pub(crate) inode: i64,
    /// How many names it has.
    pub(crate) links: u32,
    /// The directory that the row is in.
    pub(crate) parent: NodeId,
    /// When the file changed last, as the row knows.
    pub(crate) changed: i64,
}

impl Index {
    /// Other rows of a file that was seen to be as `stat` says, which still say otherwise.
    pub(crate) fn outdated_names(&self, node: NodeId, stat: &FileStat) -> Result<Vec<Node>, IndexError> {
        let mut statement = self.connection.prepare_cached(select_nodes!(
            "INDEXED BY node_names \
             WHERE local_links IS NOT NULL AND coalesce(local_inode, base_inode) = ?1 AND id <> ?2 \
                 AND coalesce(local_changed, base_changed) IS NOT ?3 \
             LIMIT ?4"
        ))?;
        let values = params![stat.identity.inode.cast_signed(), node, stat.changed, MOST_OUTDATED];
        let found = statement.query_and_then(values, read_node)?;
        found
            .filter(|row| row.as_ref().map_or(true, |row| row.local.identity() == Some(stat.identity)))
            .collect()
    }

    /// Rows of files with several names, in the order of inodes, after one of these.
    pub(crate) fn names_after(&self, inode: Option<i64>, limit: usize) -> Result<Vec<NameRow>, IndexError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT coalesce(local_inode, base_inode), local_links, parent, coalesce(local_changed, base_changed)
             FROM node INDEXED BY node_names
             WHERE local_links IS NOT NULL AND (?1 IS NULL OR coalesce(local_inode, base_inode) > ?1)
             ORDER BY coalesce(local_inode, base_inode) LIMIT ?2",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![inode, limit], |row| {
            Ok(NameRow { inode: row.get(0)?, links: row.get(1)?, parent: row.get(2)?, changed: row.get(3)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Whether any local file has several names.
    pub(crate) fn has_several_names(&self) -> Result<bool, IndexError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT 1 FROM node INDEXED BY node_names WHERE local_links IS NOT NULL LIMIT 1",
        )?;
        Ok(statement.exists([])?)
    }

    /// How many files have names that are no rows.
    pub(crate) fn count_unheard_files(&self) -> Result<u64, IndexError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT count(*) FROM (
                SELECT 1 FROM node INDEXED BY node_names WHERE local_links IS NOT NULL
                GROUP BY coalesce(local_inode, base_inode) HAVING count(*) < max(local_links))",
        )?;
        Ok(statement.query_row([], |row| row.get::<_, i64>(0))?.cast_unsigned())
    }
}

#[cfg(test)]
mod tests {
    use jottad_core::{Content, Md5, Name};

    use super::*;
    use crate::builders::{file_stat, new_index};

    use crate::index::Local;

    fn stat(inode: u64, links: u32, changed: i64) -> FileStat {
        FileStat { changed, links, ..file_stat(inode, 3) }
    }

    #[test]
    fn the_rows_of_one_file_are_found_by_what_it_is_whether_they_are_settled_or_not() {
        let (_place, mut index) = new_index();
        let mut add = |name: &str, stat, is_settled| {
            let mut node = Node::new(NodeId::ROOT, Name::try_from(name).unwrap());
            let md5 = Md5::from_bytes([1; 16]);
            node.local = Local::File { stat, md5: Some(md5) };
            if is_settled {
                node.base = node.base_from_local();
                node.remote = Some(crate::index::RemoteRecord {
                    node: crate::remote::RemoteNode::File(jottad_core::File {
                        content: Content { size: 3, md5 },
                        modified: stat.modified,
                    }),
                    name: None,
                    claimed: false,
                });
            }
            index.save(&mut node).unwrap();
            node
        };
        let one = add("one", stat(7, 3, 1), true);
        let other = add("other", stat(7, 3, 1), false);
        let alone = add("alone", stat(8, 1, 1), true);
        let elsewhere = add("elsewhere", stat(9, 2, 1), true);
        let outdated = |node: &Node, stat| {
            let found = index.outdated_names(node.id, &stat).unwrap();
            found.into_iter().map(|node| node.name.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(outdated(&one, stat(7, 3, 1)), [""; 0], "they say the same");
        assert_eq!(outdated(&one, stat(7, 3, 2)), ["other"]);
        assert_eq!(outdated(&other, stat(7, 3, 2)), ["one"]);
        assert_eq!(outdated(&alone, stat(8, 1, 2)), [""; 0]);
        assert_eq!(outdated(&elsewhere, stat(9, 2, 2)), [""; 0]);
        assert_eq!(index.count_unheard_files().unwrap(), 2);
        let names = |after| {
            let rows = index.names_after(after, 10).unwrap();
            rows.into_iter().map(|row| (row.inode, row.links)).collect::<Vec<_>>()
        };
        assert_eq!(names(None), [(7, 3), (7, 3), (9, 2)]);
        assert_eq!(names(Some(7)), [(9, 2)]);
        assert_eq!(names(Some(9)), []);
    }
}
