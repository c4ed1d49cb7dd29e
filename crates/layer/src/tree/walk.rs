//! From a path to a node: symlinks within the layer are followed, never out of its root.

use erofs::{Leaf, Name, NodeId, NodeKind, Tree};

use super::{LayerTree, implied_metadata};
use crate::tar::Entry;
use crate::{ConvertError, Limit};

/// Symlinks followed on one path before it counts as a loop: Linux's own bound.
const MOST_SYMLINKS: usize = 40;

/// What a lookup found.
pub(super) enum Found {
    /// The node.
    Node(NodeId),
    /// Nothing in this layer; the path with the layer's symlinks resolved.
    Missing(Vec<u8>),
}

impl LayerTree {
    /// The directory at `components`; made where the layer has none yet.
    pub(super) fn directory(&mut self, components: &[&[u8]], entry: &Entry) -> Result<NodeId, ConvertError> {
        let mut dir = Tree::ROOT;
        for (done, &component) in components.iter().enumerate() {
            match self.child(dir, component, entry)? {
                Child::Directory(next) => dir = next,
                Child::Missing => dir = self.imply(dir, component, entry)?,
                Child::Symlink(target) => {
                    let rest = &components[done + 1..];
                    return self.directory_through(dir, &target, rest, entry);
                }
            }
        }
        Ok(dir)
    }

    /// The rare case of [`Self::directory`]: a symlink in `dir` leads to `target`, and `rest` follows it.
    fn directory_through(
        &mut self,
        mut dir: NodeId,
        target: &[u8],
        rest: &[&[u8]],
        entry: &Entry,
    ) -> Result<NodeId, ConvertError> {
        let mut pending: Vec<Vec<u8>> = rest.iter().rev().map(|component| component.to_vec()).collect();
        let mut followed = 1;
        push_target(&mut pending, target, &mut dir);
        while let Some(component) = pending.pop() {
            match component.as_slice() {
                b"" | b"." => continue,
                b".." => {
                    dir = self.tree.parent(dir).unwrap_or(Tree::ROOT);
                    continue;
                }
                _ => {}
            }
            match self.child(dir, &component, entry)? {
                Child::Directory(next) => dir = next,
                Child::Missing => {
                    if self.depth(dir) >= self.limits.depth {
                        return Err(self.over(Limit::Depth, self.limits.depth, entry));
                    }
                    dir = self.imply(dir, &component, entry)?;
                }
                Child::Symlink(target) => {
                    followed += 1;
                    if followed > MOST_SYMLINKS {
                        return Err(entry.malformed("too many symlinks on the way"));
                    }
                    push_target(&mut pending, &target, &mut dir);
                }
            }
        }
        if self.depth(dir) >= self.limits.depth {
            return Err(self.over(Limit::Depth, self.limits.depth, entry));
        }
        Ok(dir)
    }

    /// The node at `components`, a symlink at the end not followed.
    pub(super) fn find(&self, components: &[&[u8]], entry: &Entry) -> Result<Found, ConvertError> {
        let mut pending: Vec<Vec<u8>> = components.iter().rev().map(|component| component.to_vec()).collect();
        let mut trail: Vec<(NodeId, Vec<u8>)> = Vec::new();
        let mut dir = Tree::ROOT;
        let mut followed = 0;
        while let Some(component) = pending.pop() {
            match component.as_slice() {
                b"" | b"." => continue,
                b".." => {
                    dir = trail.pop().map_or(Tree::ROOT, |(above, _)| above);
                    continue;
                }
                _ => {}
            }
            let name = Name::new(&component).map_err(|error| entry.malformed(error.to_string()))?;
            let node = self.tree.lookup(dir, name).filter(|id| !self.is_whiteout(*id));
            let Some(node) = node else { return Ok(missing(trail, component, pending)) };
            let is_last = pending.iter().all(|left| left.is_empty() || left == b".");
            match self.tree.node(node).map(|node| node.kind()) {
                _ if is_last => return Ok(Found::Node(node)),
                Some(NodeKind::Directory) => {
                    trail.push((dir, component));
                    dir = node;
                }
                Some(NodeKind::Leaf(Leaf::Symlink(target))) => {
                    followed += 1;
                    if followed > MOST_SYMLINKS {
                        return Err(entry.malformed("too many symlinks on the way"));
                    }
                    if target.as_bytes().starts_with(b"/") {
                        trail.clear();
                    }
                    push_target(&mut pending, target.as_bytes(), &mut dir);
                }
                _ => return Ok(missing(trail, component, pending)),
            }
        }
        Ok(Found::Node(dir))
    }

    fn child(&self, dir: NodeId, component: &[u8], entry: &Entry) -> Result<Child, ConvertError> {
        let name = Name::new(component).map_err(|error| entry.malformed(error.to_string()))?;
        let Some(id) = self.tree.lookup(dir, name) else { return Ok(Child::Missing) };
        match self.tree.node(id).map(|node| node.kind()) {
            Some(NodeKind::Directory) => Ok(Child::Directory(id)),
            Some(NodeKind::Leaf(Leaf::Symlink(target))) => Ok(Child::Symlink(target.as_bytes().to_vec())),
            _ if self.is_whiteout(id) => Ok(Child::Missing),
            _ => Err(entry.malformed("something on the way is not a directory")),
        }
    }

    /// Makes a directory that has no entry (yet).
    fn imply(&mut self, dir: NodeId, component: &[u8], entry: &Entry) -> Result<NodeId, ConvertError> {
        self.budget.directory(entry, component, &self.limits)?;
        let failed = |error: erofs::TreeError| entry.malformed(error.to_string());
        let name = Name::new(component).map_err(|error| entry.malformed(error.to_string()))?;
        // What may be there is a whiteout: the directory below is gone, so this one is new.
        let is_new = self.tree.remove(dir, name).map_err(failed)?;
        let new = self.tree.add_directory(dir, name, implied_metadata()).map_err(failed)?;
        if is_new {
            self.opaque.insert(new);
        } else {
            self.implied.insert(new);
        }
        Ok(new)
    }

    fn depth(&self, mut dir: NodeId) -> usize {
        let mut depth = 0;
        while dir != Tree::ROOT {
            dir = self.tree.parent(dir).unwrap_or(Tree::ROOT);
            depth += 1;
        }
        depth
    }
}

/// What a directory has under a name.
enum Child {
    Directory(NodeId),
    Symlink(Vec<u8>),
    Missing,
}

/// Puts a symlink's target before what is still to be walked.
fn push_target(pending: &mut Vec<Vec<u8>>, target: &[u8], dir: &mut NodeId) {
    if target.starts_with(b"/") {
        *dir = Tree::ROOT;
    }
    pending.extend(target.split(|b| *b == b'/').rev().map(<[u8]>::to_vec));
}

fn missing(trail: Vec<(NodeId, Vec<u8>)>, component: Vec<u8>, mut pending: Vec<Vec<u8>>) -> Found {
    let mut path: Vec<Vec<u8>> = trail.into_iter().map(|(_, name)| name).collect();
    path.push(component);
    while let Some(component) = pending.pop() {
        match component.as_slice() {
            b"" | b"." => {}
            b".." => {
                path.pop();
            }
            _ => path.push(component),
        }
    }
    Found::Missing(path.join(&b'/'))
}
