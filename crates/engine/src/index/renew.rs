//! Using an opened index again, for simulations: to open a file and to prepare every statement takes longer
//! than most of the lives that are lived in it.

use super::{Index, IndexError};

impl Index {
    /// The index as a process would find it that opens the file after this one has died: what was not
    /// committed is gone, and everything that is only kept in memory begins anew.
    pub fn after_a_crash(mut self) -> Result<Self, IndexError> {
        self.roll_back()?;
        Self::take_up(self.connection)
    }

    /// The index as a new file would be.
    pub fn emptied(mut self) -> Result<Self, IndexError> {
        self.roll_back()?;
        self.begin()?;
        for statement in [
            "DELETE FROM node",
            "DELETE FROM problem",
            "DELETE FROM held",
            "DELETE FROM parked",
            "DELETE FROM operation",
            "DELETE FROM fact",
            "DELETE FROM ignore_file",
            "DELETE FROM rewritten",
            "DELETE FROM sqlite_sequence",
        ] {
            self.connection.prepare_cached(statement)?.execute([])?;
        }
        self.connection
            .prepare_cached(
                "INSERT INTO node (id, parent, name, fold, base_kind, base_inode, base_born, base_nanoseconds, base_changed,
                                   local_state, remote_state)
                 VALUES (1, 0, x'', 0, 2, 0, 0, 0, 0, 0, 0)",
            )?
            .execute([])?;
        self.commit()?;
        Self::take_up(self.connection)
    }

    fn roll_back(&mut self) -> Result<(), IndexError> {
        if std::mem::take(&mut self.in_transaction) {
            self.connection.execute_batch("ROLLBACK")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use jottad_core::{Name, RelativePath, Timestamp};

    use crate::disk::Identity;
    use crate::index::{Fact, HeldAction, Index, Local, Node, NodeId, ProblemRow};
    use crate::status::{LogLine, ProblemKind};

    fn open(place: &Path) -> Index {
        Index::open(&place.join("i.sqlite")).unwrap().0
    }

    fn directory(name: &str) -> Node {
        let mut node = Node::new(NodeId::ROOT, Name::new(name.as_bytes().to_vec()).unwrap());
        node.local = Local::Directory(Identity { inode: 2, born: 1 });
        node
    }

    /// Everything that a file holds, table by table.
    fn everything(index: &Index) -> Vec<String> {
        let mut tables = index
            .connection
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
            .unwrap();
        let tables: Vec<String> =
            tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        let mut lines = Vec::new();
        for table in tables {
            let mut rows = index.connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
            let columns = rows.column_count();
            let mut rows = rows.query([]).unwrap();
            while let Some(row) = rows.next().unwrap() {
                let values: Vec<_> = (0..columns).map(|column| row.get_ref(column).unwrap()).collect();
                lines.push(format!("{table}: {values:?}"));
            }
            lines.push(table);
        }
        lines
    }

    #[test]
    fn what_was_not_committed_is_gone_after_a_crash() {
        let place = tempfile::tempdir().unwrap();
        let mut index = open(place.path());
        index.save(&mut directory("kept")).unwrap();
        index.commit().unwrap();
        let committed = everything(&index);
        index.save(&mut directory("gone")).unwrap();
        assert_eq!(index.totals().directories, 2);
        let index = index.after_a_crash().unwrap();
        assert_eq!(everything(&index), committed);
        assert_eq!(index.totals().directories, 1);
    }

    #[test]
    fn an_index_that_was_emptied_is_as_a_new_one() {
        let place = tempfile::tempdir().unwrap();
        let other_place = tempfile::tempdir().unwrap();
        let new = open(other_place.path());
        let mut index = open(place.path());
        let mut node = directory("a");
        index.save(&mut node).unwrap();
        index.set_fact(Fact::ProvenAt, Some("1")).unwrap();
        index.set_ignore_file(node.id, Some(b"*.o"), Timestamp::from_seconds(1)).unwrap();
        index.hold(node.id, HeldAction::Delete).unwrap();
        index.note_rewritten(node.id, Timestamp::from_seconds(1)).unwrap();
        index.park(&RelativePath::parse(b"b").unwrap(), &node.name).unwrap();
        let at = Timestamp::from_seconds(1);
        let problem = ProblemRow {
            node: node.id,
            kind: ProblemKind::Failing,
            reason: String::new(),
            remedy: String::new(),
            since: at,
            tries: 1,
            next_try: None,
        };
        index.put_problem(&problem).unwrap();
        let path = RelativePath::root();
        index
            .record(LogLine {
                id: 0,
                at,
                kind: "upload".to_owned(),
                path,
                to: None,
                bytes: None,
                error: None,
            })
            .unwrap();
        index.commit().unwrap();
        // Each table held something, so that none can be forgotten.
        let tables = everything(&new).len();
        assert!(everything(&index).len() >= tables + 9);
        let index = index.emptied().unwrap();
        assert_eq!(everything(&index), everything(&new));
        assert_eq!(index.last_id, new.last_id);
        assert_eq!(index.totals(), new.totals());
    }
}
