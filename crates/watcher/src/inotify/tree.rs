//! The known directories, as names under parents. Pure: knows no file system and no event.
//!
//! A directory that moves takes its node along, so a rename of any size is one change of parent. A node that
//! lost its place is *adrift*: it keeps its children and its watch until it is found again or given up.

use jottad_core::RelativePath;

use super::watch_index::WatchIndex;

/// A directory in a [`Tree`]. Not used again before the node is freed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct NodeId(pub(super) u32);

/// Directories by name and by watch.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    free: Vec<NodeId>,
    watches: WatchIndex,
}

#[derive(Debug, Default)]
struct Node {
    /// `None` for the root, for nodes adrift and for free ones.
    parent: Option<NodeId>,
    name: Box<[u8]>,
    watch: Option<i32>,
    /// In the order of their names.
    children: Vec<NodeId>,
}

impl Tree {
    pub(super) const ROOT: NodeId = NodeId(0);

    pub(super) fn new() -> Self {
        Self { nodes: vec![Node::default()], free: Vec::new(), watches: WatchIndex::default() }
    }

    /// How many directories are watched.
    pub(super) fn watched(&self) -> usize {
        self.watches.len()
    }

    pub(super) fn by_watch(&self, watch: i32) -> Option<NodeId> {
        self.watches.get(watch)
    }

    pub(super) fn watch(&self, node: NodeId) -> Option<i32> {
        self.node(node).watch
    }

    /// Gives a node its watch, or none.
    pub(super) fn set_watch(&mut self, node: NodeId, watch: Option<i32>) {
        if let Some(old) = self.node(node).watch {
            self.watches.remove(old);
        }
        if let Some(new) = watch {
            self.watches.insert(new, node);
        }
        self.node_mut(node).watch = watch;
    }

    /// Where a node hangs; `None` for the root and for nodes adrift.
    pub(super) fn place(&self, node: NodeId) -> Option<(NodeId, &[u8])> {
        let node = self.node(node);
        node.parent.map(|parent| (parent, &*node.name))
    }

    pub(super) fn child(&self, parent: NodeId, name: &[u8]) -> Option<NodeId> {
        let at = self.position(parent, name).ok()?;
        Some(self.node(parent).children[at])
    }

    pub(super) fn children(&self, node: NodeId) -> &[NodeId] {
        &self.node(node).children
    }

    /// The child of that name, made if it is not known yet.
    pub(super) fn child_or_insert(&mut self, parent: NodeId, name: &[u8]) -> NodeId {
        match self.position(parent, name) {
            Ok(at) => self.node(parent).children[at],
            Err(at) => {
                let node = self.allocate();
                *self.node_mut(node) = Node { parent: Some(parent), name: name.into(), ..Node::default() };
                self.node_mut(parent).children.insert(at, node);
                node
            }
        }
    }

    /// A node that hangs nowhere yet.
    pub(super) fn insert_adrift(&mut self) -> NodeId {
        self.allocate()
    }

    /// Takes a node off its parent; it and what is below it are adrift now.
    pub(super) fn detach(&mut self, node: NodeId) {
        let Some((parent, name)) = self.place(node) else { return };
        if let Ok(at) = self.position(parent, name) {
            self.node_mut(parent).children.remove(at);
        }
        self.node_mut(node).parent = None;
    }

    /// Hangs a node adrift where `other` hangs, which is set adrift in turn.
    pub(super) fn replace(&mut self, other: NodeId, node: NodeId) {
        let Some((parent, name)) = self.place(other) else { return };
        let name: Box<[u8]> = name.into();
        if let Ok(at) = self.position(parent, &name) {
            self.node_mut(parent).children[at] = node;
            self.node_mut(other).parent = None;
            let node = self.node_mut(node);
            node.parent = Some(parent);
            node.name = name;
        }
    }

    /// Frees a node adrift and all below it. Returns them with the watches that the kernel still has.
    pub(super) fn free(&mut self, top: NodeId) -> Vec<(NodeId, Option<i32>)> {
        let mut freed = Vec::new();
        let mut nodes = vec![top];
        while let Some(id) = nodes.pop() {
            let node = std::mem::take(self.node_mut(id));
            if let Some(watch) = node.watch {
                self.watches.remove(watch);
            }
            nodes.extend(node.children);
            self.free.push(id);
            freed.push((id, node.watch));
        }
        freed
    }

    /// How many nodes there are in a subtree, its top included.
    pub(super) fn count(&self, top: NodeId) -> usize {
        let mut count = 0;
        let mut nodes = vec![top];
        while let Some(node) = nodes.pop() {
            count += 1;
            nodes.extend_from_slice(self.children(node));
        }
        count
    }

    /// Whether `ancestor` is `node` or above it.
    pub(super) fn is_within(&self, node: NodeId, ancestor: NodeId) -> bool {
        let mut at = Some(node);
        while let Some(node) = at {
            if node == ancestor {
                return true;
            }
            at = self.node(node).parent;
        }
        false
    }

    /// The path of a node; `None` while it or something above it is adrift.
    pub(super) fn path(&self, node: NodeId) -> Option<RelativePath> {
        let mut names = Vec::new();
        let mut at = node;
        while let Some((parent, name)) = self.place(at) {
            names.push(name);
            at = parent;
        }
        if at != Self::ROOT {
            return None;
        }
        names.reverse();
        RelativePath::parse(&names.join(&b'/')).ok()
    }

    /// The node at a path, as far as it is known.
    pub(super) fn at(&self, path: &RelativePath) -> Option<NodeId> {
        path.components().try_fold(Self::ROOT, |node, name| self.child(node, name))
    }

    fn position(&self, parent: NodeId, name: &[u8]) -> Result<usize, usize> {
        self.node(parent).children.binary_search_by(|child| (*self.node(*child).name).cmp(name))
    }

    fn allocate(&mut self) -> NodeId {
        self.free.pop().unwrap_or_else(|| {
            self.nodes.push(Node::default());
            // 2^32 directories do not fit into memory, and a kernel has fewer watches than that.
            NodeId(u32::try_from(self.nodes.len() - 1).unwrap_or(u32::MAX))
        })
    }

    fn node(&self, node: NodeId) -> &Node {
        &self.nodes[node.0 as usize]
    }

    fn node_mut(&mut self, node: NodeId) -> &mut Node {
        &mut self.nodes[node.0 as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grown(paths: &[&str]) -> Tree {
        let mut tree = Tree::new();
        for (watch, path) in (1..).zip(paths) {
            let mut node = Tree::ROOT;
            for name in path.split('/') {
                node = tree.child_or_insert(node, name.as_bytes());
            }
            tree.set_watch(node, Some(watch));
        }
        tree
    }

    fn at(tree: &Tree, path: &str) -> Option<NodeId> {
        tree.at(&RelativePath::try_from(path).unwrap())
    }

    fn path(tree: &Tree, node: NodeId) -> Option<String> {
        tree.path(node).map(|path| path.to_string())
    }

    #[test]
    fn a_moved_directory_takes_all_below_it_along() {
        let mut tree = grown(&["a", "a/b", "a/b/c", "d"]);
        let (moved, deep) = (at(&tree, "a/b").unwrap(), at(&tree, "a/b/c").unwrap());
        let to = at(&tree, "d").unwrap();
        tree.detach(moved);
        assert_eq!((path(&tree, deep), at(&tree, "a/b")), (None, None));

        let place = tree.child_or_insert(to, b"x");
        tree.replace(place, moved);
        assert_eq!(path(&tree, deep).as_deref(), Some("d/x/c"));
        assert_eq!(at(&tree, "d/x"), Some(moved));
        assert_eq!(path(&tree, place), None);
    }

    #[test]
    fn freeing_gives_back_every_watch_below() {
        let mut tree = grown(&["a", "a/b", "a/b/c", "d"]);
        let top = at(&tree, "a").unwrap();
        tree.detach(top);
        let mut watches: Vec<i32> = tree.free(top).into_iter().filter_map(|(_, watch)| watch).collect();
        watches.sort_unstable();
        assert_eq!((watches, tree.watched()), (vec![1, 2, 3], 1));
        assert_eq!(tree.by_watch(4), at(&tree, "d"));
    }

    #[test]
    fn ancestry_includes_the_node_itself() {
        let tree = grown(&["a", "a/b", "c"]);
        let [a, b, c] = ["a", "a/b", "c"].map(|path| at(&tree, path).unwrap());
        assert!(tree.is_within(b, a) && tree.is_within(a, a) && tree.is_within(b, Tree::ROOT));
        assert!(!tree.is_within(a, b) && !tree.is_within(c, a));
    }
}
