//! Who is let in: quotas, and requests that came before.

use model::rules::{Room, room_for_one_more};
use model::{CacheId, ImageCache, Timestamp};

use crate::{Admission, Error, Result, SealedCredential, TokenUse};

/// A client token as remembered.
#[derive(Clone, Debug)]
pub(crate) struct RememberedRequest {
    /// Over the parameters that it was said with.
    pub(crate) fingerprint: [u8; 32],
    /// Until when.
    pub(crate) kept_until: Timestamp,
    /// The cache as the request left it.
    pub(crate) then: ImageCache,
}

/// Whether the request that comes with this token was done before. A remembered one whose time is over is none; `target` is the
/// cache that the request is about, where it is about one that is there.
pub(crate) fn is_repeated(
    known: &RememberedRequest,
    token: &TokenUse,
    target: Option<CacheId>,
    now: Timestamp,
) -> Result<bool> {
    if known.kept_until <= now {
        return Ok(false);
    }
    if known.fingerprint != token.fingerprint || target.is_some_and(|id| id != known.then.id) {
        return Err(Error::TokenMismatch {
            token: token.token.as_str().to_owned(),
            operation: token.operation.as_str(),
        });
    }
    Ok(true)
}

/// Refuses a cache over its account's quota. `counted` are those that count against it already. Asked for only where there is
/// no room, `candidates` are caches of account and origin that [`could_make_room`] and that no instance holds, at least the
/// least recently used of them.
pub(crate) fn room(
    cache: &ImageCache,
    admission: &Admission,
    counted: u64,
    candidates: &[ImageCache],
) -> Result<()> {
    let quota = admission.quotas.of(cache.origin);
    if counted < u64::from(quota) {
        return Ok(());
    }
    // All that count are over the quota; so are the candidates, were there no others.
    let reached = quota.min(u32::try_from(candidates.len()).unwrap_or(u32::MAX));
    let evictable = match room_for_one_more(candidates, reached, |_| false) {
        Room::After(id) => Some(id),
        Room::Free | Room::None => None,
    };
    Err(Error::QuotaReached { account: cache.account.clone(), origin: cache.origin, quota, evictable })
}

/// Whether a cache may be deleted for another, if no instance holds it.
pub(crate) fn could_make_room(cache: &ImageCache) -> bool {
    room_for_one_more(std::slice::from_ref(cache), 1, |_| false) == Room::After(cache.id)
}

/// Whether these are the same credentials, in whatever order.
pub(crate) fn are_same(known: &[SealedCredential], said: &[SealedCredential]) -> bool {
    known.len() == said.len() && said.iter().all(|credential| known.contains(credential))
}
