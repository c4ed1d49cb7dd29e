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
    /// More steps than are left.
    TooFar,
}

/// How far symlinks may still be followed: each time one is, the bytes of its target count.
#[derive(Debug)]
pub(crate) struct Steps {
    left: u64,
}

/// What following a symlink counts beside its target's bytes.
const STEP_OVERHEAD: u64 = 16;

impl Steps {
    /// So many bytes of targets.
    pub(crate) fn new(bound: u64) -> Self {
        Self { left: bound }
    }

    /// Takes the steps to follow that target; says false where they are not left.
    pub(crate) fn take(&mut self, target: &[u8]) -> bool {
        let left = self.left.checked_sub(STEP_OVERHEAD + target.len() as u64);
        self.left = left.unwrap_or_default();
        left.is_some()
    }
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
pub(crate) fn find(tree: &Tree, components: &[&[u8]], last: Last, steps: &mut Steps) -> Found {
    let mut way: Vec<&[u8]> = components.iter().rev().copied().collect();
    let mut trail: Vec<(NodeId, &[u8])> = Vec::new();
    let mut dir = Tree::ROOT;
    let mut followed = 0;
    while let Some(component) = next_component(&mut way) {
        if component == b".." {
            dir = trail.pop().map_or(Tree::ROOT, |(above, _)| above);
            continue;
        }
        // A symlink's target may have names that no directory can.
        let node = Name::new(component).ok().and_then(|name| tree.lookup(dir, name));
        let Some(node) = node.filter(|id| !is_whiteout(tree, *id)) else {
            return missing(&trail, component, way);
        };
        let is_last = way.iter().all(|text| text.is_empty());
        match tree.node(node).map(|node| node.kind()) {
            Some(NodeKind::Directory) => {
                trail.push((dir, component));
                dir = node;
            }
            Some(NodeKind::Leaf(Leaf::Symlink(target))) if !is_last || last == Last::Followed => {
                let target = target.as_bytes();
                followed += 1;
                if followed > MOST_SYMLINKS {
                    return Found::Loop;
                }
                if !steps.take(target) {
                    return Found::TooFar;
                }
                if target.starts_with(b"/") {
                    trail.clear();
                    dir = Tree::ROOT;
                }
                way.push(trimmed(target));
            }
            _ if is_last => return Found::Node(node),
            _ => return missing(&trail, component, way),
        }
    }
    Found::Node(dir)
}

/// The first component of a path and what follows it; `.` and empty ones are none.
pub(crate) fn split_component(mut text: &[u8]) -> Option<(&[u8], &[u8])> {
    while !text.is_empty() {
        let end = text.iter().position(|b| *b == b'/').unwrap_or(text.len());
        let (component, rest) = text.split_at(end);
        text = rest.strip_prefix(b"/").unwrap_or(rest);
        if !matches!(component, b"" | b".") {
            return Some((component, text));
        }
    }
    None
}

/// Takes the next component off what is still to be walked, the last text first.
fn next_component<'t>(way: &mut Vec<&'t [u8]>) -> Option<&'t [u8]> {
    while let Some(text) = way.last_mut() {
        if let Some((component, rest)) = split_component(text) {
            *text = rest;
            return Some(component);
        }
        way.pop();
    }
    None
}

/// A target without what means nothing at its end: where anything is left of it, a component is.
fn trimmed(mut target: &[u8]) -> &[u8] {
    loop {
        target = match target {
            [rest @ .., b'/'] | [rest @ .., b'/', b'.'] => rest,
            b"." => b"",
            _ => return target,
        };
    }
}

fn missing<'t>(trail: &[(NodeId, &'t [u8])], component: &'t [u8], mut way: Vec<&'t [u8]>) -> Found {
    let mut path: Vec<&[u8]> = trail.iter().map(|(_, name)| *name).collect();
    path.push(component);
    while let Some(component) = next_component(&mut way) {
        if component == b".." {
            path.pop();
        } else {
            path.push(component);
        }
    }
    Found::Missing(path.join(&b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_leave_out_what_means_nothing() {
        let all = |text| {
            let mut way: Vec<&[u8]> = vec![text];
            std::iter::from_fn(|| next_component(&mut way).map(<[u8]>::to_vec)).collect::<Vec<_>>()
        };
        assert_eq!(all(b"//a/./..//b./.c/"), [&b"a"[..], b"..", b"b.", b".c"]);
        assert!(all(b"/././").is_empty());
        for (target, rest) in [("a/b//././", "a/b"), ("./", ""), ("/", ""), ("..", ".."), ("a.", "a.")] {
            assert_eq!(trimmed(target.as_bytes()), rest.as_bytes(), "{target}");
        }
    }
}
