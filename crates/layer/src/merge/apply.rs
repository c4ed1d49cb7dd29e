//! One layer's tree onto the tree of the layers below.

use std::collections::{HashMap, HashSet};

use erofs::{Leaf, Metadata, Name, NodeId, NodeKind, Tree, TreeError};

use super::links::Links;
use super::{MergeError, split};
use crate::lookup::{Found, Last, Steps, find, is_directory, is_whiteout};
use crate::tar::display;
use crate::tree::{OPAQUE_XATTR, implied_metadata};
use crate::{Leans, Limits};

/// Applies a layer.
pub(super) fn apply(merged: &mut Tree, layer: &Tree, leans: &Leans, index: usize) -> Result<(), MergeError> {
    let mut steps = Steps::new(Limits::default().followed_total);
    let links = Links::hold(merged, leans, index, &mut steps)?;
    let mut applying = Applying {
        merged,
        layer,
        index,
        implied: implied_nodes(layer, leans, index, &mut steps)?,
        hard_links: HashMap::new(),
        own: HashSet::new(),
        through_symlinks: Vec::new(),
    };
    applying.root(leans)?;
    // What lies behind a symlink below comes last, when the symlink's target has this layer's state.
    let mut done = 0;
    while let Some((directory, path)) = applying.through_symlinks.get(done).cloned() {
        done += 1;
        if applying.only_deletes(directory) && !is_directory_at(applying.merged, &path, index, &mut steps)? {
            continue;
        }
        let target = directory_at(applying.merged, &path, index, &mut steps)?;
        if applying.is_opaque(directory) {
            applying.clear_others(target).map_err(|error| applying.broken(error, &path))?;
        }
        applying.directories(directory, target, path)?;
    }
    links.place(merged, leans, index, &mut steps)
}

fn implied_nodes(
    layer: &Tree,
    leans: &Leans,
    index: usize,
    steps: &mut Steps,
) -> Result<HashSet<NodeId>, MergeError> {
    let mut node_at = |path: &Vec<u8>| match find(layer, &split(path), Last::Itself, steps) {
        Found::Node(node) if is_directory(layer, node) => Ok(node),
        Found::TooFar => Err(MergeError::TooFar { index, path: display(path) }),
        _ => Err(MergeError::Sidecar { index, path: display(path) }),
    };
    leans.implied_directories.iter().map(&mut node_at).collect()
}

/// The directory at a path of the merged tree, symlinks followed; made, as tools that unpack do, where there is none.
pub(super) fn directory_at(
    merged: &mut Tree,
    path: &[u8],
    index: usize,
    steps: &mut Steps,
) -> Result<NodeId, MergeError> {
    let not_a_directory = || MergeError::NotADirectory { index, path: display(path) };
    let resolved = match find(merged, &split(path), Last::Followed, steps) {
        Found::Node(node) if is_directory(merged, node) => return Ok(node),
        Found::Node(_) | Found::Loop => return Err(not_a_directory()),
        Found::TooFar => return Err(MergeError::TooFar { index, path: display(path) }),
        Found::Missing(resolved) => resolved,
    };
    let components = split(&resolved);
    if components.len() > Limits::default().depth {
        return Err(MergeError::TooDeep { index, path: display(path) });
    }
    let mut dir = Tree::ROOT;
    for component in components {
        let name = Name::new(component).map_err(|_| not_a_directory())?;
        dir = match merged.lookup(dir, name) {
            Some(node) if is_directory(merged, node) => node,
            Some(_) => return Err(not_a_directory()),
            None => merged.add_directory(dir, name, implied_metadata()).map_err(|_| not_a_directory())?,
        };
    }
    Ok(dir)
}

fn is_directory_at(merged: &Tree, path: &[u8], index: usize, steps: &mut Steps) -> Result<bool, MergeError> {
    match find(merged, &split(path), Last::Followed, steps) {
        Found::Node(node) => Ok(is_directory(merged, node)),
        Found::TooFar => Err(MergeError::TooFar { index, path: display(path) }),
        Found::Missing(_) | Found::Loop => Ok(false),
    }
}

/// A directory that is put and whose content is still to be applied.
struct Waiting<'t> {
    from: NodeId,
    to: NodeId,
    /// Bytes of the path of the directory above it.
    above: usize,
    /// Its name there; none for the directory that all began with.
    name: Option<Name<'t>>,
}

/// Goes on with a path.
fn push(path: &mut Vec<u8>, name: Option<Name<'_>>) {
    let Some(name) = name else { return };
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name.as_bytes());
}

struct Applying<'t> {
    merged: &'t mut Tree,
    layer: &'t Tree,
    index: usize,
    /// The layer's implied directories.
    implied: HashSet<NodeId>,
    /// Where the layer's nodes with several names are in the merged tree.
    hard_links: HashMap<NodeId, NodeId>,
    /// What the layer has put into the merged tree, where it matters.
    own: HashSet<NodeId>,
    /// Implied directories where the layers below have a symlink, with their paths.
    through_symlinks: Vec<(NodeId, Vec<u8>)>,
}

impl Applying<'_> {
    fn root(&mut self, leans: &Leans) -> Result<(), MergeError> {
        if self.is_opaque(Tree::ROOT) {
            Links::clear_root(self.merged).map_err(|error| self.broken(error, b""))?;
        }
        if leans.root_is_given {
            let metadata = self.metadata(Tree::ROOT);
            self.merged.set_metadata(Tree::ROOT, metadata).map_err(|error| self.broken(error, b""))?;
        }
        self.directories(Tree::ROOT, Tree::ROOT, Vec::new())
    }

    /// Applies a directory's content, and what is below it, to a directory of the merged tree.
    ///
    /// Depth first, with one path for all that waits: a layer may have many directories whose paths are long.
    fn directories(&mut self, from: NodeId, to: NodeId, mut path: Vec<u8>) -> Result<(), MergeError> {
        let layer = self.layer;
        let mut pending = vec![Waiting { from, to, above: path.len(), name: None }];
        while let Some(Waiting { from, to, above, name }) = pending.pop() {
            path.truncate(above);
            push(&mut path, name);
            for (name, child) in layer.children(from) {
                let above = path.len();
                if is_directory(layer, child) {
                    push(&mut path, Some(name));
                    if let Some(to) = self.directory(to, name, child, &path)? {
                        pending.push(Waiting { from: child, to, above, name: Some(name) });
                    }
                    path.truncate(above);
                    continue;
                }
                // Behind a symlink below may be what this layer itself has just put there.
                let is_own = |old| self.own.contains(&old);
                let put = if !is_whiteout(layer, child) {
                    self.leaf(to, name, child)
                } else if self.merged.lookup(to, name).is_some_and(is_own) {
                    Ok(())
                } else {
                    self.merged.remove(to, name).map(|_| ())
                };
                put.map_err(|error| {
                    push(&mut path, Some(name));
                    self.broken(error, &path)
                })?;
            }
        }
        Ok(())
    }

    /// Puts a directory; where its content goes, if it is not put off.
    fn directory(
        &mut self,
        to: NodeId,
        name: Name,
        child: NodeId,
        path: &[u8],
    ) -> Result<Option<NodeId>, MergeError> {
        let old = self.merged.lookup(to, name);
        let is_implied = self.implied.contains(&child);
        let kind = old.and_then(|old| self.merged.node(old)).map(|node| node.kind());
        let index = self.index;
        let broken = |error| Err(MergeError::from_tree(error, index, path));
        match (old, kind) {
            (Some(old), Some(NodeKind::Directory)) => {
                let metadata = self.metadata(child);
                let cleared = if self.is_opaque(child) { self.clear_others(old) } else { Ok(()) };
                let kept = if is_implied { Ok(()) } else { self.merged.set_metadata(old, metadata) };
                if !is_implied {
                    self.note(old);
                }
                cleared.and(kept).map(|()| Some(old)).or_else(broken)
            }
            (Some(_), Some(NodeKind::Leaf(Leaf::Symlink(_)))) if is_implied => {
                self.through_symlinks.push((child, path.to_vec()));
                Ok(None)
            }
            // A deletion below nothing or below a file deletes nothing, and makes no directory either.
            _ if is_implied && self.only_deletes(child) => Ok(None),
            (Some(_), _) if is_implied => broken(TreeError::NotADirectory),
            _ => {
                let metadata = self.metadata(child);
                let removed = self.merged.remove(to, name);
                let added = removed.and_then(|_| self.merged.add_directory(to, name, metadata));
                added.map(|new| Some(self.note(new))).or_else(broken)
            }
        }
    }

    fn leaf(&mut self, to: NodeId, name: Name, child: NodeId) -> Result<(), TreeError> {
        let node = self.layer.node(child).ok_or(TreeError::NoSuchNode)?;
        let NodeKind::Leaf(leaf) = node.kind() else { return Err(TreeError::NoSuchNode) };
        self.merged.remove(to, name)?;
        if let Some(known) = self.hard_links.get(&child)
            && self.merged.node(*known).is_some()
        {
            return self.merged.link(to, name, *known);
        }
        let new = self.merged.add_leaf(to, name, node.metadata(), leaf.clone())?;
        self.note(new);
        if node.link_count() > 1 {
            self.hard_links.insert(child, new);
        }
        Ok(())
    }

    /// Remembers a node as the layer's own. Only a layer that implies directories can come back to it.
    fn note(&mut self, node: NodeId) -> NodeId {
        if !self.implied.is_empty() {
            self.own.insert(node);
        }
        node
    }

    /// Removes all that is below a directory but what the layer itself has put there and the directories on the way to that:
    /// behind a symlink below, a directory may have two names in the layer, and only one of them hides what was there.
    fn clear_others(&mut self, directory: NodeId) -> Result<(), TreeError> {
        if self.own.is_empty() && directory != Tree::ROOT {
            return self.merged.clear(directory);
        }
        let mut directories: Vec<(NodeId, Box<[u8]>, NodeId)> = Vec::new();
        let mut others: Vec<(NodeId, Box<[u8]>)> = Vec::new();
        let mut pending = vec![directory];
        while let Some(dir) = pending.pop() {
            for (name, child) in self.merged.children(dir) {
                if is_directory(self.merged, child) && !Links::is_holder(dir, name) {
                    directories.push((dir, name.as_bytes().into(), child));
                    pending.push(child);
                } else if !self.own.contains(&child) && !Links::is_holder(dir, name) {
                    others.push((dir, name.as_bytes().into()));
                }
            }
        }
        for (dir, name) in others {
            self.merged.remove(dir, Name::new(&name).expect("the tree gave the name"))?;
        }
        // Each comes before what is in it.
        for (dir, name, child) in directories.into_iter().rev() {
            if !self.own.contains(&child) && self.merged.children(child).len() == 0 {
                self.merged.remove(dir, Name::new(&name).expect("the tree gave the name"))?;
            }
        }
        Ok(())
    }

    /// Whether nothing is in an implied directory but whiteouts, and implied directories of the same kind.
    fn only_deletes(&self, directory: NodeId) -> bool {
        let mut pending = vec![directory];
        while let Some(directory) = pending.pop() {
            for (_, child) in self.layer.children(directory) {
                if self.implied.contains(&child) {
                    pending.push(child);
                } else if !is_whiteout(self.layer, child) {
                    return false;
                }
            }
        }
        true
    }

    fn is_opaque(&self, directory: NodeId) -> bool {
        self.layer.node(directory).is_some_and(|node| node.xattrs().get(OPAQUE_XATTR).is_some())
    }

    /// A directory's metadata without overlayfs's mark.
    fn metadata(&self, directory: NodeId) -> Metadata {
        let node = self.layer.node(directory).expect("the layer's tree is not changed while it is read");
        let mut metadata = node.metadata();
        metadata.xattrs.remove(OPAQUE_XATTR);
        metadata
    }

    fn broken(&self, error: TreeError, path: &[u8]) -> MergeError {
        MergeError::from_tree(error, self.index, path)
    }
}

impl MergeError {
    /// What a refused change of the tree means: only a path through something else than a directory can cause it.
    pub(super) fn from_tree(_: TreeError, index: usize, path: &[u8]) -> Self {
        Self::NotADirectory { index, path: display(path) }
    }
}
