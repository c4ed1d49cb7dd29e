//! From a path to a node: symlinks within the layer are followed, never out of its root.

use std::borrow::Cow;

use erofs::{Leaf, Name, NodeId, NodeKind, Tree};

use super::{LayerTree, implied_metadata};
use crate::lookup::{MOST_SYMLINKS, is_whiteout, split_component};
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
        // Texts that are still to be walked, the last one first, and how far each has been.
        let mut way: Vec<(Cow<'_, [u8]>, usize)> =
            rest.iter().rev().map(|component| (Cow::Borrowed(*component), 0)).collect();
        let mut followed = 1;
        self.follow(target, &mut dir, entry)?;
        way.push((Cow::Borrowed(target), 0));
        while let Some((text, at)) = way.last_mut() {
            let Some((component, left)) = split_component(&text[*at..]) else {
                way.pop();
                continue;
            };
            *at = text.len() - left.len();
            if component == b".." {
                dir = self.tree.parent(dir).unwrap_or(Tree::ROOT);
                continue;
            }
            match self.child(dir, component, entry)? {
                Child::Directory(next) => dir = next,
                Child::Missing => {
                    if self.depth(dir) >= self.limits.depth {
                        return Err(self.over(Limit::Depth, self.limits.depth, entry));
                    }
                    dir = self.imply(dir, component, entry)?;
                }
                Child::Symlink(target) => {
                    followed += 1;
                    if followed > MOST_SYMLINKS {
                        return Err(entry.malformed("too many symlinks on the way"));
                    }
                    self.follow(&target, &mut dir, entry)?;
                    way.push((Cow::Owned(target), 0));
                }
            }
        }
        if self.depth(dir) >= self.limits.depth {
            return Err(self.over(Limit::Depth, self.limits.depth, entry));
        }
        Ok(dir)
    }

    /// Counts that a symlink is followed; an absolute one leads on from the root.
    fn follow(&mut self, target: &[u8], dir: &mut NodeId, entry: &Entry) -> Result<(), ConvertError> {
        if !self.steps.take(target) {
            return Err(self.over_steps(entry));
        }
        if target.starts_with(b"/") {
            *dir = Tree::ROOT;
        }
        Ok(())
    }

    pub(super) fn over_steps(&self, entry: &Entry) -> ConvertError {
        ConvertError::LimitExceeded {
            limit: Limit::Followed,
            bound: self.limits.followed_total,
            path: entry.display(),
        }
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
