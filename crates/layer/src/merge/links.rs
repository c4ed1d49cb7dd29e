//! Hard links into the layers below.

use erofs::{Name, NodeId, Tree, TreeError};

use super::apply::directory_at;
use super::{MergeError, split};
use crate::lookup::{Found, Last, Steps, find, is_directory};
use crate::tar::display;
use crate::{Leans, LowerLink};

/// A directory that keeps the targets while the layer is applied, which may remove their own names. No layer has this name:
/// the converter takes names like it for aufs's.
const HOLDER: &[u8] = b".wh..wh.links";

/// The targets of a layer's links, as they were before the layer.
pub(super) struct Links {
    targets: Vec<Option<NodeId>>,
}

fn holder_name() -> Name<'static> {
    Name::new(HOLDER).expect("a constant without `/`")
}

fn target(
    merged: &Tree,
    link: &LowerLink,
    index: usize,
    steps: &mut Steps,
) -> Result<Option<NodeId>, MergeError> {
    match find(merged, &split(&link.target), Last::Itself, steps) {
        Found::Node(node) if !is_directory(merged, node) => Ok(Some(node)),
        Found::TooFar => Err(MergeError::TooFar { index, path: display(&link.path) }),
        _ => Ok(None),
    }
}

impl Links {
    /// Looks the targets up and holds them.
    pub(super) fn hold(
        merged: &mut Tree,
        leans: &Leans,
        index: usize,
        steps: &mut Steps,
    ) -> Result<Self, MergeError> {
        let targets = leans.lower_links.iter().map(|link| target(merged, link, index, steps));
        let targets = targets.collect::<Result<Vec<_>, _>>()?;
        if targets.iter().any(Option::is_some) {
            let held = Self::hold_all(merged, &targets);
            held.map_err(|error| MergeError::from_tree(error, index, HOLDER))?;
        }
        Ok(Self { targets })
    }

    fn hold_all(merged: &mut Tree, targets: &[Option<NodeId>]) -> Result<(), TreeError> {
        let holder = merged.add_directory(Tree::ROOT, holder_name(), erofs::Metadata::default())?;
        for (number, target) in targets.iter().enumerate() {
            if let Some(target) = target {
                let name = number.to_string();
                merged.link(holder, Name::new(name.as_bytes()).expect("digits are a name"), *target)?;
            }
        }
        Ok(())
    }

    /// Whether a name is that of the directory with what is held.
    pub(super) fn is_holder(dir: NodeId, name: Name<'_>) -> bool {
        dir == Tree::ROOT && name.as_bytes() == HOLDER
    }

    /// Removes everything from the root but what is held.
    pub(super) fn clear_root(merged: &mut Tree) -> Result<(), TreeError> {
        let names: Vec<Vec<u8>> =
            merged.children(Tree::ROOT).map(|(name, _)| name.as_bytes().to_vec()).collect();
        for name in names.iter().filter(|name| *name != HOLDER) {
            merged.remove(Tree::ROOT, Name::new(name).expect("the tree gave the name"))?;
        }
        Ok(())
    }

    /// Puts the links into their places. A target that the layers below lack may be one that this layer put behind a
    /// symlink below.
    pub(super) fn place(
        self,
        merged: &mut Tree,
        leans: &Leans,
        index: usize,
        steps: &mut Steps,
    ) -> Result<(), MergeError> {
        for (link, held) in leans.lower_links.iter().zip(self.targets) {
            let found = match held {
                Some(held) => Some(held),
                None => target(merged, link, index, steps)?,
            };
            let found = found.ok_or_else(|| MergeError::MissingTarget {
                index,
                path: display(&link.path),
                target: display(&link.target),
            })?;
            let components = split(&link.path);
            let Some((name, parents)) = components.split_last() else {
                return Err(MergeError::Sidecar { index, path: String::new() });
            };
            let broken = |error| MergeError::from_tree(error, index, &link.path);
            let name =
                Name::new(name).map_err(|_| MergeError::Sidecar { index, path: display(&link.path) })?;
            let dir = directory_at(merged, &parents.join(&b'/'), index, steps)?;
            if merged.lookup(dir, name) == Some(found) {
                continue;
            }
            merged.remove(dir, name).map_err(broken)?;
            merged.link(dir, name, found).map_err(broken)?;
        }
        let removed = merged.remove(Tree::ROOT, holder_name());
        removed.map(|_| ()).map_err(|error| MergeError::from_tree(error, index, HOLDER))
    }
}
