//! Hard links.

use erofs::{Leaf, Metadata, Name, NodeId};

use super::{LayerTree, path};
use crate::lookup::{Found, Last, find, is_directory};
use crate::tar::Entry;
use crate::{ConvertError, Limit};

impl LayerTree {
    pub(super) fn put_hard_link(
        &mut self,
        dir: NodeId,
        name: Name,
        entry: &Entry,
    ) -> Result<(), ConvertError> {
        let failed = |error: erofs::TreeError| entry.malformed(error.to_string());
        let components = path::clean_bytes(&entry.link, entry, &self.limits)?;
        match find(&self.tree, &components, Last::Itself, &mut self.steps) {
            Found::TooFar => Err(self.over_steps(entry)),
            Found::Loop => Err(entry.malformed("too many symlinks on the way")),
            Found::Node(target) => {
                if is_directory(&self.tree, target) {
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
                self.budget.lean(target.len(), &self.limits).map_err(|bound| {
                    let path = entry.display();
                    ConvertError::LimitExceeded { limit: Limit::LeansTotal, bound, path }
                })?;
                let placeholder = self.put_leaf(dir, name, Metadata::default(), Leaf::Socket, entry)?;
                self.lower_links.insert(placeholder, target.into());
                Ok(())
            }
        }
    }
}
