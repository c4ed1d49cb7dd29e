//! Use-cases of caches: create, list, show, events, delete.

use metastore::{CacheFilter, CacheRef, NewBuild, Page, ResolvedCache};
use model::{
    BuildId, ByteSize, CacheId, CacheName, CacheState, Event, EventKind, EventReason, ImageCache,
    ImageSnapshot, ImageSnapshotId, ImageSource, Platform, Subject,
};
use serde::Serialize;

use crate::build::{BuildHandle, BuildOrder};
use crate::{Engine, Error};

/// The most images of one cache.
const MOST_IMAGES: usize = 20;

/// A cache to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCache {
    /// Its name.
    pub name: CacheName,
    /// Its images, 1 to 20, none twice.
    pub images: Vec<ImageSource>,
    /// Which platform's images.
    pub platform: Platform,
    /// The most that the unpacked images may take.
    pub size_limit: ByteSize,
}

/// A cache as a listing shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CacheView {
    /// Its record.
    #[serde(flatten)]
    pub cache: ImageCache,
    /// Whether its build's process ended in the middle; the next `create` of the same images takes it up.
    pub interrupted: bool,
}

/// A deleted cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeletedCache {
    /// As it was last.
    pub cache: ImageCache,
}

impl Engine {
    /// Records a cache and starts its build; takes up an interrupted build of the same name and images instead, where there
    /// is one. Returns as soon as the build runs.
    ///
    /// # Errors
    /// [`Error::BadRequest`]; those of the records. The build's own come from its handle.
    pub async fn create_cache(&self, new: NewCache) -> Result<BuildHandle, Error> {
        check_images(&new)?;
        if let Some(order) = self.take_up(&new).await? {
            return Ok(self.workshop.start(order));
        }
        let now = self.clock().now();
        let cache = ImageCache {
            id: CacheId::generate(),
            name: new.name,
            state: CacheState::Preparing,
            images: new.images,
            platform: new.platform,
            size_limit: new.size_limit,
            snapshot: None,
            unpacked_size: None,
            failure: None,
            created: now,
            updated: now,
            last_used: None,
        };
        let build = NewBuild {
            id: BuildId::generate(),
            cache: cache.id,
            snapshot: ImageSnapshotId::generate(),
            owner: self.workshop.parts.owner.clone(),
            started: now,
        };
        let event = |reason, message: String| {
            Event::once(Subject::Cache(cache.id), EventKind::Normal, reason, message, now)
        };
        let images: Vec<String> = cache.images.iter().map(ToString::to_string).collect();
        let events = [
            event(EventReason::Created, format!("`{}` of {}", cache.name, images.join(", "))),
            event(EventReason::BuildStarted, format!("build {}", build.id)),
        ];
        match self.records().create_cache_with_build(&cache, &build, &events).await {
            Ok(cache) => Ok(self.workshop.start(BuildOrder { cache, build })),
            Err(error) => {
                // Where only the answer was lost, nobody must take the build for one that runs.
                self.abandon(build.id).await;
                Err(error.into())
            }
        }
    }

    /// Every cache, oldest first.
    ///
    /// # Errors
    /// Those of the records.
    pub async fn list_caches(&self) -> Result<Vec<CacheView>, Error> {
        let mut caches = Vec::new();
        let mut page = Page::first();
        loop {
            let found = self.records().find_caches(&CacheFilter::default(), page).await?;
            let Some(last) = found.last() else { break };
            page = Page::after(last.id);
            caches.extend(found);
        }
        let interrupted = self.interrupted_caches().await?;
        let view = |cache: ImageCache| CacheView { interrupted: interrupted.contains(&cache.id), cache };
        Ok(caches.into_iter().map(view).collect())
    }

    /// The cache that a word (id or name) means, and how many others have the name.
    ///
    /// # Errors
    /// [`Error::UnknownCache`]; those of the records.
    pub async fn find_cache(&self, word: &str) -> Result<ResolvedCache, Error> {
        let unknown = || Error::UnknownCache { word: word.to_owned() };
        let wanted = match (word.parse(), word.parse()) {
            (Ok(id), _) => CacheRef::Id(id),
            (_, Ok(name)) => CacheRef::Name(name),
            _ => return Err(unknown()),
        };
        match self.records().resolve_cache(&wanted).await {
            Err(error) if error.kind() == metastore::ErrorKind::NotFound => Err(unknown()),
            found => Ok(found?),
        }
    }

    /// The image snapshot that a cache serves; `None` where it has none.
    ///
    /// # Errors
    /// [`Error::SnapshotMissing`] where its document is gone; those of the store.
    pub async fn snapshot_of(&self, cache: &ImageCache) -> Result<Option<ImageSnapshot>, Error> {
        let Some(id) = cache.snapshot else { return Ok(None) };
        let found = self.store().get_snapshot(id).await.map_err(Error::store("read an image snapshot"))?;
        found.map(Some).ok_or(Error::SnapshotMissing { id: cache.id, snapshot: id })
    }

    /// What happened to a cache or an instance, oldest first.
    ///
    /// # Errors
    /// Those of the records.
    pub async fn events(&self, subject: Subject) -> Result<Vec<Event>, Error> {
        Ok(self.records().events(subject).await?)
    }

    /// Deletes the one cache that a word means. Its blobs stay until the next collection.
    ///
    /// # Errors
    /// [`Error::UnknownCache`]; [`Error::AmbiguousCache`]; of the records: while instances use it, or its build runs.
    pub async fn delete_cache(&self, word: &str) -> Result<DeletedCache, Error> {
        self.fail_interrupted().await?;
        let found = self.find_cache(word).await?;
        let by_id = word.parse::<CacheId>().is_ok();
        if !by_id && !found.others.is_empty() {
            return Err(Error::AmbiguousCache { name: found.cache.name, count: found.others.len() + 1 });
        }
        let id = found.cache.id;
        let message = format!("`{}` was deleted", found.cache.name);
        let event = self.workshop.event(id, EventKind::Normal, EventReason::Deleted, message);
        let change = self.records().delete_cache(id, &[event]).await?;
        if let Some(snapshot) = change.released {
            self.store().delete_snapshot(snapshot).await.map_err(Error::store("delete an image snapshot"))?;
        }
        Ok(DeletedCache { cache: change.cache })
    }
}

fn check_images(new: &NewCache) -> Result<(), Error> {
    let bad = |why: String| Err(Error::BadRequest { name: new.name.clone(), why });
    if new.images.is_empty() || new.images.len() > MOST_IMAGES {
        return bad(format!("it has {} images; 1 to {MOST_IMAGES} are possible", new.images.len()));
    }
    let mut seen = std::collections::HashSet::new();
    match new.images.iter().find(|image| !seen.insert(*image)) {
        Some(twice) => bad(format!("the image {twice} is named twice")),
        None => Ok(()),
    }
}
