//! Where things lie in the data directory.
//!
//! ```text
//! <data>/mounts/lock                    held while shared mounts are counted
//! <data>/mounts/layers/sha256-<hex>/    mount points of layers: one per blob in use
//! <data>/mounts/merged/sha256-<hex>/    mount points of merged metadata images
//! <data>/mounts/refs/layer-sha256-<hex>/<instance id>   one empty file per user of a mount
//! <data>/instances/lock                 held while an instance's directory is made or swept
//! <data>/instances/<id>/lock            held from creation to the end of cleaning up; then holds how it ended
//! <data>/instances/<id>/instance.json   what it was started from
//! <data>/instances/<id>/process.json    its first process, once it runs
//! <data>/instances/<id>/config.json     the OCI bundle's config; the instance's directory is the bundle
//! <data>/instances/<id>/{upper,work,merged}   the overlay; `merged` is the container's root
//! <data>/instances/<id>/{hosts,hostname,resolv.conf}   mounted into the container
//! <data>/instances/<id>/{log,log.1}     what it printed, where nobody was attached
//! <data>/instances/<id>/oci/            the OCI runtime's own state
//! <data>/instances/<id>/sub_paths/<n>   parts of its group's volumes, mounted while it lives
//! <data>/groups/<id>/volumes/<n>        what the containers of a group share
//! <data>/groups/<id>/net                their network namespace, kept by a mount of itself
//! ```

use std::path::{Path, PathBuf};

use model::{BlobKey, Digest, GroupId, InstanceId};

/// The paths of a data directory.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    data_dir: PathBuf,
}

impl Layout {
    pub(crate) fn of(data_dir: &Path) -> Self {
        Self { data_dir: data_dir.to_owned() }
    }

    pub(crate) fn mounts(&self) -> PathBuf {
        self.data_dir.join("mounts")
    }

    pub(crate) fn refs(&self) -> PathBuf {
        self.mounts().join("refs")
    }

    pub(crate) fn refs_of(&self, key: &BlobKey) -> PathBuf {
        self.refs().join(ref_name(key))
    }

    pub(crate) fn mount_point(&self, key: &BlobKey) -> PathBuf {
        let folder = match key {
            BlobKey::Layer(_) => "layers",
            BlobKey::Merged(_) => "merged",
        };
        self.mounts().join(folder).join(digest_name(key))
    }

    pub(crate) fn mount_folders(&self) -> [PathBuf; 2] {
        [self.mounts().join("layers"), self.mounts().join("merged")]
    }

    pub(crate) fn instances(&self) -> PathBuf {
        self.data_dir.join("instances")
    }

    pub(crate) fn groups(&self) -> PathBuf {
        self.data_dir.join("groups")
    }

    pub(crate) fn group(&self, id: GroupId) -> GroupDir {
        GroupDir(self.groups().join(id.to_string()))
    }

    pub(crate) fn instance(&self, id: InstanceId) -> InstanceDir {
        InstanceDir(self.instances().join(id.to_string()))
    }
}

/// The directory of one container group.
#[derive(Clone, Debug)]
pub(crate) struct GroupDir(PathBuf);

impl GroupDir {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn volumes(&self) -> PathBuf {
        self.0.join("volumes")
    }

    pub(crate) fn volume(&self, place: usize) -> PathBuf {
        self.volumes().join(place.to_string())
    }

    pub(crate) fn network(&self) -> PathBuf {
        self.0.join("net")
    }
}

/// The directory of one instance.
#[derive(Clone, Debug)]
pub(crate) struct InstanceDir(PathBuf);

impl InstanceDir {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.0.join("lock")
    }

    pub(crate) fn record(&self) -> PathBuf {
        self.0.join("instance.json")
    }

    pub(crate) fn process(&self) -> PathBuf {
        self.0.join("process.json")
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.0.join("config.json")
    }

    pub(crate) fn upper(&self) -> PathBuf {
        self.0.join("upper")
    }

    pub(crate) fn work(&self) -> PathBuf {
        self.0.join("work")
    }

    pub(crate) fn merged(&self) -> PathBuf {
        self.0.join("merged")
    }

    pub(crate) fn sub_paths(&self) -> PathBuf {
        self.0.join("sub_paths")
    }

    pub(crate) fn oci_root(&self) -> PathBuf {
        self.0.join("oci")
    }
}

fn digest_of(key: &BlobKey) -> Digest {
    match key {
        BlobKey::Layer(diff_id) => *diff_id.digest(),
        BlobKey::Merged(chain_id) => *chain_id.digest(),
    }
}

fn digest_name(key: &BlobKey) -> String {
    let digest = digest_of(key);
    format!("{}-{}", digest.algorithm().as_str(), digest.hex())
}

fn ref_name(key: &BlobKey) -> String {
    let kind = match key {
        BlobKey::Layer(_) => "layer",
        BlobKey::Merged(_) => "merged",
    };
    format!("{kind}-{}", digest_name(key))
}

/// The blob that a directory of references is about; `None` for what is none of ours.
pub(crate) fn key_of_ref_name(name: &str) -> Option<BlobKey> {
    let (kind, digest) = name.split_once('-')?;
    let (algorithm, hex) = digest.split_once('-')?;
    let digest: Digest = format!("{algorithm}:{hex}").parse().ok()?;
    match kind {
        "layer" => Some(BlobKey::Layer(model::DiffId::new(digest))),
        "merged" => Some(BlobKey::Merged(model::ChainId::new(digest))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_references_there_and_back() {
        let digest = Digest::sha256(b"x");
        for key in [BlobKey::Layer(model::DiffId::new(digest)), BlobKey::Merged(model::ChainId::new(digest))]
        {
            assert_eq!(key_of_ref_name(&ref_name(&key)), Some(key));
        }
        for name in ["", "layer", "layer-sha256", "layer-sha256-..", "other-sha256-00"] {
            assert_eq!(key_of_ref_name(name), None, "{name}");
        }
    }
}
