//! Whiteouts as tars name them.
//!
//! Source: OCI image-spec, `layer.md`, section "Whiteouts"; the `.wh..wh.` names are aufs's own.

use erofs::Name;

use crate::ConvertError;
use crate::tar::Entry;

const PREFIX: &[u8] = b".wh.";
const AUFS_PREFIX: &[u8] = b".wh..wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";

/// What a name stands for, if not for itself.
#[derive(Clone, Copy)]
pub(super) enum Marker<'e> {
    /// The name is deleted from what is below.
    Whiteout(Name<'e>),
    /// The directory hides all that is below.
    Opaque,
    /// aufs's own bookkeeping.
    Aufs,
}

/// The marker that a path is.
pub(super) fn marker<'e>(components: &[&'e [u8]], entry: &Entry) -> Result<Option<Marker<'e>>, ConvertError> {
    let Some((&name, parents)) = components.split_last() else { return Ok(None) };
    if parents.iter().any(|parent| parent.starts_with(AUFS_PREFIX)) {
        return Ok(Some(Marker::Aufs));
    }
    Ok(match name.strip_prefix(PREFIX) {
        None => None,
        Some(_) if name == OPAQUE => Some(Marker::Opaque),
        Some(_) if name.starts_with(AUFS_PREFIX) => Some(Marker::Aufs),
        Some(deleted) => match Name::new(deleted) {
            Ok(deleted) => Some(Marker::Whiteout(deleted)),
            Err(_) => return Err(entry.malformed("a whiteout names no file")),
        },
    })
}
