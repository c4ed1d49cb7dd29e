//! Where everything lies in the directory, and back from a path to a key.

use std::path::{Component, Path, PathBuf};

use model::{Algorithm, BlobKey, ChainId, DiffId, Digest, ImageSnapshotId, LeaseId};

use crate::LeaseTerm;

/// The two files of a blob.
#[derive(Clone, Debug)]
pub(super) struct BlobPaths {
    pub(super) directory: PathBuf,
    pub(super) blob: PathBuf,
    pub(super) sidecar: PathBuf,
}

/// The directory's paths.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    root: PathBuf,
}

/// Makes a key of one kind from its digest.
type KeyOf = fn(Digest) -> BlobKey;

/// The two kinds of blob and the folder of each, in the order of their keys.
const KINDS: [(&str, KeyOf); 2] = [
    ("layers", |digest| BlobKey::Layer(DiffId::new(digest))),
    ("merged", |digest| BlobKey::Merged(ChainId::new(digest))),
];

/// A key's folder and digest.
fn parts(key: &BlobKey) -> (&'static str, &Digest) {
    match key {
        BlobKey::Layer(diff_id) => (KINDS[0].0, diff_id.digest()),
        BlobKey::Merged(chain_id) => (KINDS[1].0, chain_id.digest()),
    }
}

impl Layout {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn format(&self) -> PathBuf {
        self.root.join("store.json")
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    pub(super) fn tmp(&self) -> PathBuf {
        self.root.join("tmp")
    }

    pub(super) fn claim(&self, key: &BlobKey) -> PathBuf {
        let (kind, digest) = parts(key);
        self.tmp().join(format!("{kind}-{}-{}.claim", digest.algorithm().as_str(), digest.hex()))
    }

    pub(super) fn leases(&self) -> PathBuf {
        self.root.join("leases")
    }

    pub(super) fn lease(&self, id: LeaseId, term: LeaseTerm) -> PathBuf {
        let extension = match term {
            LeaseTerm::Held => "held",
            LeaseTerm::Until(_) => "until",
        };
        self.leases().join(format!("{id}.{extension}"))
    }

    pub(super) fn snapshots(&self) -> PathBuf {
        self.root.join("snapshots")
    }

    pub(super) fn snapshot(&self, id: ImageSnapshotId) -> PathBuf {
        self.snapshots().join(format!("{id}.json"))
    }

    pub(super) fn blob(&self, key: &BlobKey) -> BlobPaths {
        let (kind, digest) = parts(key);
        let hex = digest.hex();
        let directory = self.root.join(kind).join(digest.algorithm().as_str()).join(&hex[..2]);
        BlobPaths {
            blob: directory.join(format!("{hex}.erofs")),
            sidecar: directory.join(format!("{hex}.json")),
            directory,
        }
    }

    /// Every folder that may hold blobs, in the order of the keys; most need not exist.
    pub(super) fn shelves(&self) -> impl Iterator<Item = Shelf> + '_ {
        KINDS.iter().flat_map(move |(folder, key_of)| {
            [Algorithm::Sha256, Algorithm::Sha512].into_iter().flat_map(move |algorithm| {
                (0..=u8::MAX).map(move |first| Shelf {
                    directory: self.root.join(folder).join(algorithm.as_str()).join(format!("{first:02x}")),
                    algorithm,
                    first,
                    key_of: *key_of,
                })
            })
        })
    }

    /// The key of the blob that lies at this path.
    pub(super) fn key_at(&self, path: &Path) -> Option<BlobKey> {
        let mut parts = path.strip_prefix(&self.root).ok()?.components();
        let mut next = || match parts.next()? {
            Component::Normal(part) => part.to_str(),
            _ => None,
        };
        let (kind, algorithm, prefix, file) = (next()?, next()?, next()?, next()?);
        let key_of = KINDS.iter().find(|(folder, _)| *folder == kind)?.1;
        let hex = file.strip_suffix(".erofs")?;
        let digest: Digest = format!("{algorithm}:{hex}").parse().ok()?;
        (next().is_none() && hex.starts_with(prefix) && prefix.len() == 2).then(|| key_of(digest))
    }
}

/// One folder of blobs: all digests of one kind and algorithm that begin with the same byte.
pub(super) struct Shelf {
    pub(super) directory: PathBuf,
    algorithm: Algorithm,
    first: u8,
    key_of: KeyOf,
}

impl Shelf {
    /// The key of a file's stem; `None` for names that no imc wrote here.
    pub(super) fn key(&self, stem: &str) -> Option<BlobKey> {
        let digest: Digest = format!("{}:{stem}", self.algorithm.as_str()).parse().ok()?;
        (digest.as_bytes().first() == Some(&self.first)).then(|| (self.key_of)(digest))
    }

    /// The largest key that could lie here.
    pub(super) fn last_key(&self) -> BlobKey {
        let mut bytes = [0xff; 64];
        bytes[0] = self.first;
        let digest = match self.algorithm {
            Algorithm::Sha256 => {
                let mut short = [0xff; 32];
                short[0] = self.first;
                Digest::Sha256(short)
            }
            Algorithm::Sha512 => Digest::Sha512(bytes),
        };
        (self.key_of)(digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Vec<BlobKey> {
        let digests = [Digest::sha256(b"a"), Digest::of(Algorithm::Sha512, b"a"), Digest::sha256(b"b")];
        let layers = digests.iter().map(|digest| BlobKey::Layer(DiffId::new(*digest)));
        layers.chain(digests.iter().map(|digest| BlobKey::Merged(ChainId::new(*digest)))).collect()
    }

    #[test]
    fn the_layout_is_containerds() {
        let layout = Layout::new(PathBuf::from("/s"));
        let digest = Digest::sha256(b"");
        let paths = layout.blob(&BlobKey::Layer(DiffId::new(digest)));
        let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(paths.blob, PathBuf::from(format!("/s/layers/sha256/e3/{hex}.erofs")));
        assert_eq!(paths.sidecar, PathBuf::from(format!("/s/layers/sha256/e3/{hex}.json")));
    }

    #[test]
    fn from_key_to_path_and_back() {
        let layout = Layout::new(PathBuf::from("/s"));
        for key in keys() {
            let paths = layout.blob(&key);
            assert_eq!(layout.key_at(&paths.blob), Some(key));
            assert_eq!(layout.key_at(&paths.sidecar), None);
            assert_eq!(layout.key_at(&paths.blob.join("x")), None);
        }
        assert_eq!(layout.key_at(Path::new("/other/layers/sha256/e3/a.erofs")), None);
    }

    #[test]
    fn shelves_come_in_the_order_of_the_keys_and_know_their_own() {
        let layout = Layout::new(PathBuf::from("/s"));
        let shelves: Vec<Shelf> = layout.shelves().collect();
        assert!(shelves.windows(2).all(|pair| pair[0].last_key() < pair[1].last_key()));
        for key in keys() {
            let paths = layout.blob(&key);
            let shelf = shelves.iter().find(|shelf| shelf.directory == paths.directory).unwrap();
            let stem = paths.blob.file_stem().unwrap().to_str().unwrap().to_owned();
            assert_eq!(shelf.key(&stem), Some(key));
            assert!(key <= shelf.last_key());
            assert_eq!(shelves.iter().filter(|shelf| shelf.key(&stem) == Some(key)).count(), 1);
        }
    }
}
