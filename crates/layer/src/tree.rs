//! The tree that a layer's entries make, as a tool that unpacks them into an empty directory would leave it, with
//! whiteouts in overlayfs's own form.
//!
//! Decisions where OCI's text is silent (umoci's and containerd's behaviour where they agree):
//!
//! - Paths are cleaned lexically and confined to the root: `/a`, `../a`, `x/../a` and `a/` are all `a`.
//! - A symlink on the way to an entry is followed within the layer, never out of its root.
//! - The last entry of a path wins. A directory over a directory keeps the children and takes the new attributes; anything
//!   else replaces what is there, with all below it. A directory over something else hides the directory
//!   below the layer as well, since unpacking would have removed it.
//! - A whiteout deletes what is below the layer, never what is in it, wherever it stands in the tar.
//! - A hard link takes what its target is at that moment; its own attributes are not looked at.

use std::collections::{HashMap, HashSet};

use erofs::{FileContent, Leaf, Metadata, Name, NodeId, Tree};

use crate::lookup::{Found, Last, Steps, find, is_directory, is_whiteout};
use crate::tar::{Entry, Kind};
use crate::{ConvertError, Limit, Limits, WarningKind, Warnings};

mod attributes;
mod budget;
mod link;
mod path;
mod seal;
mod walk;
mod whiteout;

use budget::Budget;
pub(crate) use seal::Sealed;
use whiteout::Marker;

/// The layer's tree while its entries come.
pub(crate) struct LayerTree {
    tree: Tree,
    /// Directories without an entry of their own.
    implied: HashSet<NodeId>,
    /// Directories that hide what is below the layer.
    opaque: HashSet<NodeId>,
    /// Directories whose name the layer deletes below: they are new, whatever is there.
    anew: HashSet<NodeId>,
    /// Placeholders of hard links to below the layer, with their targets.
    lower_links: HashMap<NodeId, Box<[u8]>>,
    root_is_given: bool,
    budget: Budget,
    /// How far symlinks may still be followed.
    steps: Steps,
    /// Extended attributes of the entry that last had other ones than the entry before it.
    last_xattrs: erofs::Xattrs,
    limits: Limits,
    warnings: Warnings,
}

/// Where a file goes whose content is still to come.
pub(crate) struct Place {
    dir: NodeId,
    name: Box<[u8]>,
    metadata: Metadata,
}

impl LayerTree {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            tree: Tree::new(implied_metadata()),
            implied: HashSet::new(),
            opaque: HashSet::new(),
            anew: HashSet::new(),
            lower_links: HashMap::new(),
            root_is_given: false,
            budget: Budget::default(),
            steps: Steps::new(limits.followed_total),
            last_xattrs: erofs::Xattrs::new(),
            limits: limits.clone(),
            warnings: Warnings::default(),
        }
    }

    /// Applies an entry. For a file that is to be kept, the place to give its content to.
    pub(crate) fn apply(&mut self, entry: &Entry) -> Result<Option<Place>, ConvertError> {
        if entry.kind == Kind::Unknown {
            self.warnings.add(WarningKind::UnknownEntry, || entry.display());
            return Ok(None);
        }
        let components = path::clean(entry, &self.limits)?;
        let Some((&name, parents)) = components.split_last() else {
            return self.apply_root(entry).map(|()| None);
        };
        self.budget.entry(entry, name, &self.limits)?;
        if let Some(marker) = whiteout::marker(&components, entry)? {
            return self.apply_marker(marker, parents, entry).map(|()| None);
        }
        if entry.kind == Kind::CharDevice && entry.device == (0, 0) {
            self.warnings.add(WarningKind::WhiteoutDevice, || entry.display());
            return self.replace_by_nothing(parents, name, entry).map(|()| None);
        }
        let metadata = self.metadata(entry)?;
        let dir = self.directory(parents, entry)?;
        let name = Name::new(name).map_err(|error| entry.malformed(error.to_string()))?;
        let leaf = match entry.kind {
            Kind::File => return Ok(Some(Place { dir, name: name.as_bytes().into(), metadata })),
            Kind::Directory => return self.put_directory(dir, name, metadata, entry).map(|()| None),
            Kind::HardLink => return self.put_hard_link(dir, name, entry).map(|()| None),
            Kind::Symlink => attributes::symlink(entry, &self.limits)?,
            Kind::CharDevice => Leaf::CharDevice(attributes::device(entry)?),
            Kind::BlockDevice => Leaf::BlockDevice(attributes::device(entry)?),
            Kind::Fifo | Kind::Unknown => Leaf::Fifo,
        };
        self.put_leaf(dir, name, metadata, leaf, entry)?;
        Ok(None)
    }

    /// Puts a file whose content is written into its place.
    pub(crate) fn put_file(
        &mut self,
        place: Place,
        content: FileContent,
        entry: &Entry,
    ) -> Result<(), ConvertError> {
        let name = Name::new(&place.name).expect("the name was checked when the place was made");
        self.put_leaf(place.dir, name, place.metadata, Leaf::Regular(content), entry).map(|_| ())
    }

    fn apply_root(&mut self, entry: &Entry) -> Result<(), ConvertError> {
        if entry.kind != Kind::Directory {
            return Err(entry.malformed("the root is not a directory"));
        }
        let metadata = self.metadata(entry)?;
        self.root_is_given = true;
        self.tree.set_metadata(Tree::ROOT, metadata).map_err(|error| entry.malformed(error.to_string()))
    }

    /// Takes away what an entry replaces that is left out itself. What the replaced one hid below stays hidden.
    fn replace_by_nothing(
        &mut self,
        parents: &[&[u8]],
        name: &[u8],
        entry: &Entry,
    ) -> Result<(), ConvertError> {
        let failed = |error: erofs::TreeError| entry.malformed(error.to_string());
        let name = Name::new(name).map_err(|error| entry.malformed(error.to_string()))?;
        let dir = match find(&self.tree, parents, Last::Followed, &mut self.steps) {
            Found::Node(dir) => dir,
            Found::TooFar => return Err(self.over_steps(entry)),
            Found::Missing(_) | Found::Loop => return Ok(()),
        };
        let Some(old) = self.tree.lookup(dir, name).filter(|old| !is_whiteout(&self.tree, *old)) else {
            return Ok(());
        };
        let hides = self.opaque.contains(&old);
        self.tree.remove(dir, name).map_err(failed)?;
        if hides {
            let leaf = Leaf::CharDevice(erofs::DeviceNumber::WHITEOUT);
            self.tree.add_leaf(dir, name, Metadata::default(), leaf).map_err(failed)?;
        }
        Ok(())
    }

    fn put_leaf(
        &mut self,
        dir: NodeId,
        name: Name,
        metadata: Metadata,
        leaf: Leaf,
        entry: &Entry,
    ) -> Result<NodeId, ConvertError> {
        self.tree.replace_leaf(dir, name, metadata, leaf).map_err(|error| entry.malformed(error.to_string()))
    }

    fn put_directory(
        &mut self,
        dir: NodeId,
        name: Name,
        metadata: Metadata,
        entry: &Entry,
    ) -> Result<(), ConvertError> {
        let failed = |error: erofs::TreeError| entry.malformed(error.to_string());
        let old = self.tree.lookup(dir, name);
        if let Some(old) = old
            && is_directory(&self.tree, old)
        {
            self.implied.remove(&old);
            return self.tree.set_metadata(old, metadata).map_err(failed);
        }
        self.tree.remove(dir, name).map_err(failed)?;
        let new = self.tree.add_directory(dir, name, metadata).map_err(failed)?;
        if old.is_some() {
            self.opaque.insert(new);
        }
        Ok(())
    }

    fn apply_marker(&mut self, marker: Marker, parents: &[&[u8]], entry: &Entry) -> Result<(), ConvertError> {
        match find(&self.tree, parents, Last::Followed, &mut self.steps) {
            // Below a file there is nothing to delete.
            Found::Node(node) if !is_directory(&self.tree, node) => return Ok(()),
            Found::TooFar => return Err(self.over_steps(entry)),
            _ => {}
        }
        match marker {
            Marker::Aufs => self.warnings.add(WarningKind::AufsEntry, || entry.display()),
            Marker::Opaque => {
                let dir = self.directory(parents, entry)?;
                self.opaque.insert(dir);
            }
            Marker::Whiteout(name) => {
                let dir = self.directory(parents, entry)?;
                let failed = |error: erofs::TreeError| entry.malformed(error.to_string());
                match self.tree.lookup(dir, name) {
                    None => {
                        let leaf = Leaf::CharDevice(erofs::DeviceNumber::WHITEOUT);
                        self.tree.add_leaf(dir, name, Metadata::default(), leaf).map_err(failed)?;
                    }
                    // The layer has the name itself, so only what is below it goes.
                    Some(own) if is_directory(&self.tree, own) => {
                        self.opaque.insert(own);
                        self.anew.insert(own);
                    }
                    Some(_) => {}
                }
            }
        }
        Ok(())
    }

    fn over(&self, limit: Limit, bound: usize, entry: &Entry) -> ConvertError {
        ConvertError::LimitExceeded { limit, bound: bound as u64, path: entry.display() }
    }
}

/// How overlayfs marks a directory that hides what is below it; its value is `y`.
pub(crate) const OPAQUE_XATTR: &[u8] = b"trusted.overlay.opaque";

/// Attributes of a directory that has no entry: what tools that unpack create, with a time that is always the same.
pub(crate) fn implied_metadata() -> Metadata {
    Metadata { mode: 0o755, ..Metadata::default() }
}
