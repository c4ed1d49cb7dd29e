//! The rules of a cache's life: pure functions over records and a `now`, in this one place.
//!
//! They say what is due; who reads the records and acts on the answer is elsewhere. Sources: Alibaba's "Overview of image
//! caches" and "Manage an image cache", Tencent's description of its image caches; where these are silent, the choice is in
//! `docs/compat.md`.

mod cost;
mod due;
mod quota;

pub use cost::{Cost, GibHours, Prices, disk_gib_hours, snapshot_gib_hours};
pub use due::{Due, RetentionRules, due, expires, generation_kept_until, refresh_due};
pub use quota::{Quotas, Room, room_for_one_more};

#[cfg(test)]
mod test_caches {
    use crate::{
        AccountId, ByteSize, CachePolicy, CacheState, ImageCache, ImageSnapshotId, NewImageCache, Origin,
        Percent, RegistryAccess, Timestamp,
    };

    /// A manual cache that is `Ready`.
    pub(super) fn cache(created: Timestamp) -> ImageCache {
        let new = NewImageCache {
            account: AccountId::local(),
            name: "web".parse().unwrap(),
            origin: Origin::Manual,
            images: vec!["registry.example/app:1".parse().unwrap()],
            platform: "linux/amd64".parse().unwrap(),
            size_limit: ByteSize::gib(20),
            policy: CachePolicy::default(),
            access: RegistryAccess::default(),
            notes: None,
        };
        let mut cache = ImageCache::asked_for(new, created);
        cache.state = CacheState::Ready;
        cache.progress = Percent::ALL;
        cache.snapshot = Some(ImageSnapshotId::generate());
        cache
    }
}
