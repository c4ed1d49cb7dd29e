//! A docker archive: what `docker save` writes, old and new, plain or compressed as a whole.
//!
//! Source: moby `image/spec/v1.2.md`, "Combined Image JSON + Filesystem Changeset Format", section `manifest.json`. No path
//! of an archive ever reaches the file system: members are looked up by their cleaned names.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::{Digest, LayerDescriptor, Platform};

use crate::resolve::Found;
use crate::stream::FileReader;
use crate::{Fault, Spool};

mod image;
mod members;
mod spool;

pub(crate) use members::Members;

/// An archive that is open, and where its image's layers stand in it.
pub(crate) struct Archive {
    path: PathBuf,
    file: Arc<File>,
    /// Offset and length by the digest in the synthesised manifest.
    layers: HashMap<Digest, (u64, u64)>,
}

impl Archive {
    /// For messages.
    pub(crate) fn origin(&self) -> String {
        self.path.display().to_string()
    }

    /// Opens the archive and finds the image of that name in it.
    pub(crate) async fn resolve(
        path: &Path,
        name: Option<&str>,
        wanted: &Platform,
        spool: &Spool,
    ) -> Result<(Self, Found), Fault> {
        let (path, name, wanted, spool) =
            (path.to_owned(), name.map(str::to_owned), wanted.clone(), spool.clone());
        let cancel = spool::Cancel::default();
        let cancelled = cancel.flag();
        let work = tokio::task::spawn_blocking(move || {
            let file = Arc::new(spool::open(&path, &spool, &cancelled)?);
            let members = Members::read(&file, &path)?;
            let image::Image { found, layers } =
                image::find(&members, &file, &path, name.as_deref(), &wanted, &cancelled)?;
            Ok((Self { path, file, layers }, found))
        });
        // Dropped with this future, `cancel` ends the work.
        let result = work.await.expect("reading does not panic and is not aborted");
        drop(cancel);
        result
    }

    /// Opens a layer.
    pub(crate) fn layer(&self, layer: &LayerDescriptor) -> Result<FileReader, Fault> {
        let digest = *layer.digest.digest();
        let Some(&(offset, length)) = self.layers.get(&digest) else {
            return Err(Fault::NotFound { host: self.origin(), what: digest.to_string() });
        };
        Ok(FileReader::new(self.file.clone(), self.path.clone(), digest, offset, length))
    }
}

fn malformed(path: &Path, what: &'static str, why: impl Into<String>) -> Fault {
    Fault::Malformed { origin: path.display().to_string(), what, why: why.into() }
}
