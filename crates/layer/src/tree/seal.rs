//! From the tree while entries come to the tree that is written, and what it leans on.

use erofs::{Children, DeviceNumber, Leaf, Metadata, Name, NodeId, Tree};

use super::{LayerTree, OPAQUE_XATTR};
use crate::lookup::{is_directory, is_whiteout};
use crate::tar::display;
use crate::{Control, ConvertError, Leans, Limit, LowerLink, Warnings};

/// A layer's tree, ready to be written.
pub(crate) struct Sealed {
    pub(crate) tree: Tree,
    pub(crate) leans: Leans,
    pub(crate) warnings: Warnings,
    /// Names in the tree, the root not counted.
    pub(crate) entries: u64,
}

/// What the walk over the finished tree finds.
#[derive(Default)]
struct Findings {
    leans: Leans,
    /// Names to take out of the tree.
    surplus: Vec<(NodeId, Box<[u8]>)>,
    /// Implied directories that keep nothing from below, each before what is in it: if only whiteouts implied them they are
    /// to go as well.
    hollow: Vec<Hollow>,
    entries: u64,
}

/// An implied directory that may turn out to be empty.
struct Hollow {
    dir: NodeId,
    name: Box<[u8]>,
    node: NodeId,
    /// Whether something below is to be deleted in its place.
    deletes: bool,
}

impl LayerTree {
    /// Marks what hides the layers below, lists what leans on them, and takes out what has no place in the blob.
    pub(crate) fn seal(mut self, control: &Control) -> Result<Sealed, ConvertError> {
        let findings = self.survey(control)?;
        for (dir, name) in findings.surplus {
            let name = Name::new(&name).expect("the tree gave the name");
            self.tree.remove(dir, name).expect("the tree gave the directory");
        }
        let mut entries = findings.entries;
        for hollow in findings.hollow.into_iter().rev() {
            if self.tree.children(hollow.node).len() == 0 {
                let name = Name::new(&hollow.name).expect("the tree gave the name");
                self.tree.remove(hollow.dir, name).expect("the tree gave the directory");
                entries -= 1;
                if hollow.deletes {
                    let leaf = Leaf::CharDevice(DeviceNumber::WHITEOUT);
                    let added = self.tree.add_leaf(hollow.dir, name, Metadata::default(), leaf);
                    added.expect("the name was just taken away");
                    entries += 1;
                }
            }
        }
        let root_is_opaque = self.opaque.contains(&Tree::ROOT);
        let mut opaque: Vec<NodeId> = self.opaque.into_iter().collect();
        opaque.sort_unstable();
        for dir in opaque {
            let Some(node) = self.tree.node(dir) else { continue };
            let mut metadata = node.metadata();
            let marked = metadata.xattrs.insert(OPAQUE_XATTR, b"y");
            marked.expect("attributes::MOST_XATTRS leaves room for it");
            self.tree.set_metadata(dir, metadata).expect("the node was just looked at");
        }
        let mut leans = findings.leans;
        (leans.root_is_given, leans.root_is_opaque) = (self.root_is_given, root_is_opaque);
        leans.implied_directories.sort_unstable();
        leans.whiteout_directories.sort_unstable();
        leans.lower_links.sort_unstable();
        Ok(Sealed { tree: self.tree, leans, warnings: self.warnings, entries })
    }

    /// Walks the tree once. No recursion: the depth is the tar's to choose.
    fn survey(&mut self, control: &Control) -> Result<Findings, ConvertError> {
        let mut budget = std::mem::take(&mut self.budget);
        let limits = &self.limits;
        // Symlinks make long paths from short entries, so each is counted before it is copied.
        let mut lean = |path: &[u8]| match budget.lean(path.len(), limits) {
            Ok(()) => Ok(path.to_vec()),
            Err(bound) => Err(over(Limit::LeansTotal, bound, path)),
        };
        let mut findings = Findings::default();
        let mut path = Vec::new();
        let mut open = vec![self.open(Tree::ROOT, 0, false)];
        while let Some(at) = open.last_mut() {
            control.check()?;
            path.truncate(at.path_length);
            let Some((name, child)) = at.children.next() else {
                if at.has_whiteouts {
                    findings.leans.whiteout_directories.push(lean(&path)?);
                }
                open.pop();
                continue;
            };
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(name.as_bytes());
            if path.len() > limits.path {
                return Err(over(Limit::Path, limits.path as u64, &path));
            }
            if is_directory(&self.tree, child) {
                if self.implied.contains(&child) {
                    let is_anew = self.anew.contains(&child);
                    if at.is_hidden || is_anew {
                        let (dir, name) = (at.dir, name.as_bytes().into());
                        findings.hollow.push(Hollow { dir, name, node: child, deletes: !at.is_hidden });
                        at.has_whiteouts |= is_anew && !at.is_hidden;
                    } else {
                        findings.leans.implied_directories.push(lean(&path)?);
                    }
                }
                let is_hidden = at.is_hidden;
                let mut next = self.open(child, path.len(), is_hidden);
                // A mark alone makes no directory where there is none below either.
                next.has_whiteouts = !is_hidden && next.is_hidden && self.implied.contains(&child);
                open.push(next);
            } else if let Some(target) = self.lower_links.get(&child) {
                findings.surplus.push((at.dir, name.as_bytes().into()));
                findings.leans.lower_links.push(LowerLink { path: lean(&path)?, target: target.to_vec() });
                continue;
            } else if is_whiteout(&self.tree, child) {
                if at.is_hidden {
                    // Everything below is hidden already, and overlayfs would show the whiteout as a name.
                    findings.surplus.push((at.dir, name.as_bytes().into()));
                    continue;
                }
                at.has_whiteouts = true;
            }
            findings.entries += 1;
        }
        Ok(findings)
    }

    fn open(&self, dir: NodeId, path_length: usize, is_hidden: bool) -> Open<'_> {
        let is_hidden = is_hidden || self.opaque.contains(&dir);
        Open { dir, children: self.tree.children(dir), path_length, is_hidden, has_whiteouts: false }
    }
}

fn over(limit: Limit, bound: u64, path: &[u8]) -> ConvertError {
    ConvertError::LimitExceeded { limit, bound, path: display(path) }
}

/// A directory that the walk is in.
struct Open<'t> {
    dir: NodeId,
    children: Children<'t>,
    path_length: usize,
    /// Whether the directory or one above it hides everything below the layer.
    is_hidden: bool,
    has_whiteouts: bool,
}
