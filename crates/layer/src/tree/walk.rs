//! From a path to a node: symlinks within the layer are followed, never out of its root.

use erofs::{Leaf, Name, NodeId, NodeKind, Tree};

use super::{LayerTree, implied_metadata};
use crate::lookup::{MOST_SYMLINKS, is_whiteout, push_target};
use crate::tar::Entry;
use crate::{ConvertError, Limit};

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

    fn child(&self, dir: NodeId, component: &[u8], entry: &Entry) -> Result<Child, ConvertError> {
        let name = Name::new(component).map_err(|error| entry.malformed(error.to_string()))?;
        let Some(id) = self.tree.lookup(dir, name) else { return Ok(Child::Missing) };
        match self.tree.node(id).map(|node| node.kind()) {
            Some(NodeKind::Directory) => Ok(Child::Directory(id)),
            Some(NodeKind::Leaf(Leaf::Symlink(target))) => Ok(Child::Symlink(target.as_bytes().to_vec())),
            _ if is_whiteout(&self.tree, id) => Ok(Child::Missing),
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
        self.implied.insert(new);
        if is_new {
            self.opaque.insert(new);
            self.anew.insert(new);
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
