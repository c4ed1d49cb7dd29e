//! Hard links.

use erofs::{Leaf, Metadata, Name, NodeId};

use super::walk::Found;
use super::{LayerTree, path};
use crate::ConvertError;
use crate::tar::Entry;

impl LayerTree {
    pub(super) fn put_hard_link(
        &mut self,
        dir: NodeId,
        name: Name,
        entry: &Entry,
    ) -> Result<(), ConvertError> {
        let failed = |error: erofs::TreeError| entry.malformed(error.to_string());
        let components = path::clean_bytes(&entry.link, entry, &self.limits)?;
        match self.find(&components, entry)? {
            Found::Node(target) => {
                if self.tree.node(target).is_none_or(|node| node.is_directory()) {
                    return Err(entry.malformed("a hard link to a directory"));
                }
                if self.tree.lookup(dir, name) == Some(target) {
                    return Ok(());
                }
                self.tree.remove(dir, name).map_err(failed)?;
                if self.tree.node(target).is_none() {
                    return Err(entry.malformed("a hard link replaces the directory of its own target"));
                }
                self.tree.link(dir, name, target).map_err(failed)
            }
            Found::Missing(target) => {
                // Only a merge can tell what this is; until then something holds the name that no tar can contain.
                let placeholder = self.put_leaf(dir, name, Metadata::default(), Leaf::Socket, entry)?;
                self.lower_links.insert(placeholder, target.into());
                Ok(())
            }
        }
    }
}
