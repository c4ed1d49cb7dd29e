//! Where standard snapshots are: a durable store beside the one that this machine starts from, in numbered copies.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use blobstore::{BlobStore, DirectoryStore};

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

/// Copies in the directories `copy-1`, `copy-2`, ... of one directory.
#[derive(Debug)]
pub struct DirectoryCopies {
    root: PathBuf,
    open: Arc<Mutex<BTreeMap<u32, DirectoryStore>>>,
}

impl DirectoryCopies {
    /// Copies under that directory. No I/O.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), open: Arc::default() }
    }

    async fn open(&self, numbers: Vec<u32>) -> blobstore::Result<Vec<Arc<dyn BlobStore>>> {
        let (root, open) = (self.root.clone(), Arc::clone(&self.open));
        let opened = tokio::task::spawn_blocking(move || {
            let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
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

    #[test]
    fn only_whole_names_are_copies() {
        assert_eq!(number_of("copy-12"), Some(12));
        for other in ["copy-", "copy-01", "copy--1", "copy-a", "copies", "copy-1.tmp"] {
            assert_eq!(number_of(other), None, "{other}");
        }
    }
}
