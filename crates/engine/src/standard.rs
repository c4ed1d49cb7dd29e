//! Where standard snapshots are: a durable store beside the one that this machine starts from, in numbered copies.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use blobstore::{BlobStore, DirectoryStore};
use model::StoreId;
use serde::{Deserialize, Serialize};

/// Keeps standard snapshots in copies, each a store of its own, numbered from 1.
#[async_trait]
pub trait StandardStore: Send + Sync {
    /// The copy of that number, made where it is not there yet.
    ///
    /// # Errors
    /// Those of opening a store.
    async fn copy(&self, number: u32) -> blobstore::Result<Arc<dyn BlobStore>>;

    /// The copies that are there, in order.
    ///
    /// # Errors
    /// Those of opening a store.
    async fn copies(&self) -> blobstore::Result<Vec<Arc<dyn BlobStore>>>;
}

/// The document that says whose copies a directory has.
const OWNER: &str = "owner.json";

/// What the names of its drafts begin with.
const DRAFT: &str = "owner.json.";

/// Copies in the directories `copy-1`, `copy-2`, ... of one directory, of one store alone: to another one's collections, which
/// know nothing of its snapshots, all of them would be nobody's.
#[derive(Debug)]
pub struct DirectoryCopies {
    root: PathBuf,
    store: StoreId,
    open: Arc<Mutex<BTreeMap<u32, DirectoryStore>>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Owner {
    store: StoreId,
}

impl DirectoryCopies {
    /// The copies of that store under that directory. No I/O.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>, store: StoreId) -> Self {
        Self { root: root.into(), store, open: Arc::default() }
    }

    /// The store whose copies a directory has; `None` where it has none yet, or is not in sight.
    ///
    /// # Errors
    /// Where the document that says it cannot be read.
    pub fn owner(root: &Path) -> io::Result<Option<StoreId>> {
        match std::fs::read(root.join(OWNER)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
            Ok(bytes) => Ok(Some(serde_json::from_slice::<Owner>(&bytes)?.store)),
        }
    }

    async fn open(&self, numbers: Vec<u32>) -> blobstore::Result<Vec<Arc<dyn BlobStore>>> {
        if numbers.is_empty() {
            return Ok(Vec::new());
        }
        let (root, own, open) = (self.root.clone(), self.store, Arc::clone(&self.open));
        let opened = tokio::task::spawn_blocking(move || {
            let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
            if numbers.iter().any(|number| !open.contains_key(number)) {
                take(&root, own).map_err(|source| blobstore::Error::File {
                    action: "take",
                    object: "directory of standard copies",
                    path: root.clone(),
                    source,
                })?;
            }
            let mut stores: Vec<Arc<dyn BlobStore>> = Vec::with_capacity(numbers.len());
            for number in numbers {
                let store = match open.get(&number) {
                    Some(store) => store.clone(),
                    None => {
                        let store = DirectoryStore::open(root.join(name_of(number)))?;
                        open.insert(number, store.clone());
                        store
                    }
                };
                stores.push(Arc::new(store));
            }
            Ok(stores)
        });
        opened.await.map_err(blobstore::Error::Task)?
    }

    async fn numbers(&self) -> blobstore::Result<Vec<u32>> {
        let root = self.root.clone();
        let listed = tokio::task::spawn_blocking(move || {
            let entries = match std::fs::read_dir(&root) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
                entries => entries.map_err(|source| blobstore::Error::File {
                    action: "list",
                    object: "copies",
                    path: root,
                    source,
                })?,
            };
            let mut numbers: Vec<u32> =
                entries.flatten().filter_map(|entry| number_of(entry.file_name().to_str()?)).collect();
            numbers.sort_unstable();
            Ok(numbers)
        });
        listed.await.map_err(blobstore::Error::Task)?
    }
}

/// Makes the directory that store's, where it is nobody's yet.
fn take(root: &Path, store: StoreId) -> io::Result<()> {
    let mut owner = DirectoryCopies::owner(root)?;
    if owner.is_none() {
        std::fs::create_dir_all(root)?;
        let draft = root.join(format!("{DRAFT}{store}.{}", std::process::id()));
        std::fs::write(&draft, serde_json::to_vec(&Owner { store })?)?;
        std::fs::File::open(&draft)?.sync_all()?;
        // Whoever comes first has it, and may have swept our draft; nobody sees half of it.
        match std::fs::hard_link(&draft, root.join(OWNER)) {
            Err(error) if !matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound) => {
                return Err(error);
            }
            _ => owner = DirectoryCopies::owner(root)?,
        }
        std::fs::File::open(root)?.sync_all()?;
    }
    sweep_drafts(root)?;
    match owner {
        Some(owner) if owner != store => {
            Err(io::Error::other(format!("it has the copies of the store {owner}")))
        }
        _ => Ok(()),
    }
}

/// Drafts are of no use to anybody once it is said whose the directory is: ours, and those of whoever was killed over them.
fn sweep_drafts(root: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(root)? {
        let entry = entry?;
        if !entry.file_name().to_str().is_some_and(|name| name.starts_with(DRAFT)) {
            continue;
        }
        match std::fs::remove_file(entry.path()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn name_of(number: u32) -> String {
    format!("copy-{number}")
}

fn number_of(name: &str) -> Option<u32> {
    let number = name.strip_prefix("copy-")?.parse().ok()?;
    (name == name_of(number)).then_some(number)
}

#[async_trait]
impl StandardStore for DirectoryCopies {
    async fn copy(&self, number: u32) -> blobstore::Result<Arc<dyn BlobStore>> {
        let mut opened = self.open(vec![number]).await?;
        Ok(opened.pop().expect("one was asked for"))
    }

    async fn copies(&self) -> blobstore::Result<Vec<Arc<dyn BlobStore>>> {
        let numbers = self.numbers().await?;
        self.open(numbers).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_directory_of_copies_is_one_stores() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("standard");
        let (ours, theirs) = (StoreId::generate(), StoreId::generate());
        let copies = DirectoryCopies::new(&root, ours);
        assert_eq!(copies.copies().await.unwrap().len(), 0);
        assert_eq!(DirectoryCopies::owner(&root).unwrap(), None, "nothing is made by looking");
        copies.copy(1).await.unwrap();
        assert_eq!(DirectoryCopies::owner(&root).unwrap(), Some(ours));
        let stranger = DirectoryCopies::new(&root, theirs);
        for refused in [stranger.copies().await.map(|_| ()), stranger.copy(2).await.map(|_| ())] {
            let error = crate::chain(&refused.unwrap_err());
            assert!(error.contains(&ours.to_string()), "{error}");
        }
        // One from before there were owners is whose it is opened by first.
        std::fs::remove_file(root.join(OWNER)).unwrap();
        // A process that was killed over it has left a draft.
        std::fs::write(root.join(format!("{DRAFT}{theirs}.1")), "{").unwrap();
        assert_eq!(DirectoryCopies::new(&root, ours).copies().await.unwrap().len(), 1);
        assert_eq!(DirectoryCopies::owner(&root).unwrap(), Some(ours));
        let names: Vec<_> =
            std::fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names.len(), 2, "{names:?}");
    }

    #[test]
    fn only_whole_names_are_copies() {
        assert_eq!(number_of("copy-12"), Some(12));
        for other in ["copy-", "copy-01", "copy--1", "copy-a", "copies", "copy-1.tmp"] {
            assert_eq!(number_of(other), None, "{other}");
        }
    }
}
