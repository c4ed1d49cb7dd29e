//! Finding paths in a tree: symlinks are followed, never out of the root.

use erofs::{DeviceNumber, Leaf, Name, NodeId, NodeKind, Tree};

/// Symlinks followed on one path before it counts as a loop: Linux's own bound.
pub(crate) const MOST_SYMLINKS: usize = 40;

/// What a lookup found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// The node.
    Node(NodeId),
    /// Nothing; the path with symlinks resolved as far as it goes.
    Missing(Vec<u8>),
    /// More symlinks than a path may have.
    Loop,
}

/// Whether a symlink at the end of a path is meant itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Last {
    /// It is.
    Itself,
    /// What it leads to is meant.
    Followed,
}

/// Whether a node is a whiteout in overlayfs's form.
pub(crate) fn is_whiteout(tree: &Tree, id: NodeId) -> bool {
    let Some(node) = tree.node(id) else { return false };
    matches!(node.kind(), NodeKind::Leaf(Leaf::CharDevice(number)) if *number == DeviceNumber::WHITEOUT)
}

/// Whether a node is a directory.
pub(crate) fn is_directory(tree: &Tree, id: NodeId) -> bool {
    tree.node(id).is_some_and(|node| node.is_directory())
}

/// The node at cleaned `components` below the root.
pub(crate) fn find(tree: &Tree, components: &[&[u8]], last: Last) -> Found {
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
        // A symlink's target may have names that no directory can.
        let node = Name::new(&component).ok().and_then(|name| tree.lookup(dir, name));
        let Some(node) = node.filter(|id| !is_whiteout(tree, *id)) else {
            return missing(trail, component, pending);
        };
        let is_last = pending.iter().all(|left| left.is_empty() || left == b".");
        match tree.node(node).map(|node| node.kind()) {
            Some(NodeKind::Directory) => {
                trail.push((dir, component));
                dir = node;
            }
            Some(NodeKind::Leaf(Leaf::Symlink(target))) if !is_last || last == Last::Followed => {
                followed += 1;
                if followed > MOST_SYMLINKS {
                    return Found::Loop;
                }
                if target.as_bytes().starts_with(b"/") {
                    trail.clear();
                }
                push_target(&mut pending, target.as_bytes(), &mut dir);
            }
            _ if is_last => return Found::Node(node),
            _ => return missing(trail, component, pending),
        }
    }
    Found::Node(dir)
}

/// Puts a symlink's target before what is still to be walked.
pub(crate) fn push_target(pending: &mut Vec<Vec<u8>>, target: &[u8], dir: &mut NodeId) {
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
