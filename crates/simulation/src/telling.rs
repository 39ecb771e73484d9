//! What the service tells its listeners of a change, in the order in which it happened.

use std::collections::BTreeMap;

use jottad_core::StoredPath;
use jottad_engine::{Event, RemoteHint, RemoteNode, Told};

use crate::remote_tree::RemoteTree;
use crate::world::World;

impl World {
    /// Tells how the remote side differs from what it was. Of a directory that came or went as a whole only
    /// the top is told; what is told may come twice.
    pub(crate) fn tell_of_changes(&mut self, before: &RemoteTree) {
        let entries = |tree: &RemoteTree| -> BTreeMap<StoredPath, RemoteNode> {
            tree.walk(&StoredPath::root()).into_iter().collect()
        };
        let (before, after) = (entries(before), entries(&self.remote));
        let above = |path: &StoredPath, there: &BTreeMap<StoredPath, RemoteNode>| {
            path.parent().is_some_and(|parent| there.contains_key(&parent))
        };
        let mut told = Vec::new();
        for path in before.keys().filter(|path| !after.contains_key(*path)) {
            let top_went =
                path.parent().is_some_and(|parent| before.contains_key(&parent)) && !above(path, &after);
            if !top_went {
                told.push((path.clone(), Told::Gone));
            }
        }
        for (path, node) in &after {
            let was = before.get(path);
            let top_came = above(path, &after) && !above(path, &before);
            if was == Some(node) || (top_came && was.is_none()) {
                continue;
            }
            told.push((
                path.clone(),
                match node {
                    RemoteNode::Directory => Told::Directory,
                    RemoteNode::File(file) => Told::File(*file),
                },
            ));
        }
        for (path, told) in told {
            let copies = if self.random.u8(0..8) == 0 { 2 } else { 1 };
            for _ in 0..copies {
                let hint = RemoteHint::Entry { path: path.clone(), told };
                self.inbox.push(Event::RemoteHint(hint));
            }
        }
    }
}
