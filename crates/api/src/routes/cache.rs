//! `/v1/caches/{cache}`: show, update, delete, events, roll back.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use model::{AccountId, PolicyEdit};
use wire::{Cache, CacheDetails, Deleted, EventList, Image, RollBack, UpdateCache};

use super::checks;
use crate::auth::{Allowed, CachesRead, CachesWrite, Caller};
use crate::edge::Edge;
use crate::extract::{Body, FromQuery, Key, NoQuery, OptionalBody, Pairs, Query, Word};
use crate::once::{Asked, Told, Turn};
use crate::refusal::Refusal;
use crate::service::{self, CacheUpdate, CacheView, DeleteMode, Deletion, Service, ServiceErrorKind};

pub(super) fn document(view: &CacheView) -> Cache {
    let fewer_copies = view.fewer_copies.clone();
    Cache { fewer_copies, ..Cache::new(&view.cache, view.expires, view.interrupted) }
}

fn details(details: &service::CacheDetails) -> CacheDetails {
    CacheDetails {
        cache: document(&details.view),
        pinned: details.snapshot.as_ref().map(Image::of_snapshot).unwrap_or_default(),
        pinned_at: details.snapshot.as_ref().map(|snapshot| snapshot.created),
        sizes: details.sizes,
        cost: details.cost.clone(),
        build: details.build.clone(),
        others_of_name: details.others_of_name,
    }
}

/// Show a cache
///
/// The cache of that id or name, with its images, its sizes and what it costs.
#[utoipa::path(
    get, path = "/v1/caches/{cache}", tag = "caches", operation_id = "show_cache",
    params(("cache" = String, Path, description = "Its id, or its name")),
    responses((status = 200, description = "The cache", body = CacheDetails)),
)]
pub(super) async fn show(
    State(edge): State<Edge>,
    caller: Allowed<CachesRead>,
    Word(word): Word,
    Query(NoQuery): Query<NoQuery>,
) -> Result<Json<CacheDetails>, Refusal> {
    let found = edge.service().cache_details(&caller.account, &word).await?;
    Ok(Json(details(&found)))
}

/// Change a cache
///
/// What is left out stays. Images and size are built beside what the cache serves; the rest changes at once.
#[utoipa::path(
    patch, path = "/v1/caches/{cache}", tag = "caches", operation_id = "update_cache",
    request_body = UpdateCache,
    params(
        ("cache" = String, Path, description = "Its id, or its name where no other cache has it"),
        ("Idempotency-Key" = Option<String>, Header, description = "Tells a request that comes again from a further one"),
    ),
    responses((status = 200, description = "The cache as it is now", body = Cache)),
)]
pub(super) async fn update(
    State(edge): State<Edge>,
    caller: Allowed<CachesWrite>,
    Word(word): Word,
    Query(NoQuery): Query<NoQuery>,
    Key(key): Key,
    Body(document): Body<UpdateCache>,
) -> Result<Json<Cache>, Refusal> {
    if let Some(images) = &document.images {
        checks::images(&caller, images, checks::MOST_IMAGES)?;
    }
    let update = CacheUpdate {
        name: document.name,
        images: document.images,
        size_limit: checks::size(document.size_gib)?,
        policy: PolicyEdit {
            retention: document.retention_days,
            elimination: document.eviction.map(Into::into),
            staleness: document.staleness.map(Into::into),
            flash: document.flash,
            flash_copies: document.flash_copies,
            standard_copies: document.standard_copies,
            reuse_layers: document.reuse_layers,
            tags: document.tags,
            retag: None,
        },
        credentials: document.credentials,
        notes: None,
    };
    let (service, account) = (edge.service_arc(), caller.account.clone());
    let done =
        edge.carry_out(async move { service.update_cache(&account, &word, update, key.as_ref()).await });
    Ok(Json(self::document(&done.await?.view)))
}

pub(super) struct When(DeleteMode);

impl FromQuery for When {
    const KNOWN: &'static [&'static str] = &["when"];

    fn from_pairs(pairs: &Pairs) -> Result<Self, Refusal> {
        let modes = [("now", DeleteMode::Refuse), ("unused", DeleteMode::WhenUnused)];
        Ok(Self(pairs.word("when", &modes)?.unwrap_or_default()))
    }
}

/// Delete a cache
///
/// Refused while instances use it, or a build of it runs, unless `when=unused` says that it may go later.
#[utoipa::path(
    delete, path = "/v1/caches/{cache}", tag = "caches", operation_id = "delete_cache",
    params(
        ("cache" = String, Path, description = "Its id, or its name where no other cache has it"),
        ("when" = Option<String>, Query, description = "`now` (where it is not said), or `unused`: once nothing uses it"),
        ("Idempotency-Key" = Option<String>, Header, description = "Tells a request that comes again from a further one"),
    ),
    responses(
        (status = 200, description = "It is gone", body = Deleted),
        (status = 202, description = "It goes once nothing uses it", body = Deleted),
    ),
)]
pub(super) async fn delete(
    State(edge): State<Edge>,
    caller: Allowed<CachesWrite>,
    Word(word): Word,
    Query(When(mode)): Query<When>,
    Key(key): Key,
) -> Result<Response, Refusal> {
    let said = (&word, mode == DeleteMode::WhenUnused);
    let asked = Asked::to("delete a cache", &said).about(&meant(&edge, &caller, key.is_some(), &word).await);
    let (service, account) = (edge.service_arc(), caller.account.clone());
    let action = async move |turn: Turn| {
        if let Some(before) = turn.subject().filter(|_| turn.is_again)
            && is_gone(&*service, &account, &before).await?
        {
            // Whoever had begun had done it.
            return Ok(Told::ok(&Deleted { gone: true, cache: before }));
        }
        let (status, gone, view) = match service.delete_cache(&account, &word, mode).await? {
            Deletion::Done(view) => (StatusCode::OK, true, view),
            Deletion::Asked(view) => (StatusCode::ACCEPTED, false, view),
        };
        Ok(Told::new(status, &Deleted { gone, cache: document(&view) }))
    };
    edge.once(&caller.account, key, asked, action).await
}

/// The cache that a word means, where it matters: whoever takes the request up looks what became of that one.
async fn meant(edge: &Edge, caller: &Caller, matters: bool, word: &str) -> Option<Cache> {
    if !matters {
        return None;
    }
    let found = edge.service().cache_details(&caller.account, word).await;
    found.ok().map(|found| document(&found.view))
}

async fn is_gone(service: &dyn Service, account: &AccountId, cache: &Cache) -> Result<bool, Refusal> {
    match service.cache_details(account, &cache.id.to_string()).await {
        Ok(_) => Ok(false),
        Err(error) if error.kind == ServiceErrorKind::NotFound => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Events of a cache
///
/// What happened to a cache, by when it last happened. Those of a deleted cache are kept for some days, under its id.
#[utoipa::path(
    get, path = "/v1/caches/{cache}/events", tag = "caches", operation_id = "cache_events",
    params(("cache" = String, Path, description = "Its id, or its name")),
    responses((status = 200, description = "The events", body = EventList)),
)]
pub(super) async fn events(
    State(edge): State<Edge>,
    caller: Allowed<CachesRead>,
    Word(word): Word,
    Query(NoQuery): Query<NoQuery>,
) -> Result<Json<EventList>, Refusal> {
    let events = edge.service().cache_events(&caller.account, &word).await?;
    Ok(Json(events.as_slice().into()))
}

/// Roll a cache back
///
/// The cache serves an earlier image snapshot again, at once; what it served until now becomes a generation.
#[utoipa::path(
    post, path = "/v1/caches/{cache}/rollback", tag = "caches", operation_id = "roll_back_cache",
    request_body = Option<RollBack>,
    params(
        ("cache" = String, Path, description = "Its id, or its name where no other cache has it"),
        ("Idempotency-Key" = Option<String>, Header, description = "Tells a request that comes again from a further one"),
    ),
    responses((status = 200, description = "The cache as it is now", body = Cache)),
)]
pub(super) async fn roll_back(
    State(edge): State<Edge>,
    caller: Allowed<CachesWrite>,
    Word(word): Word,
    Query(NoQuery): Query<NoQuery>,
    Key(key): Key,
    OptionalBody(wish): OptionalBody<RollBack>,
) -> Result<Response, Refusal> {
    let said = (&word, wish.to.map(|to| to.to_string()));
    let asked =
        Asked::to("roll a cache back", &said).about(&meant(&edge, &caller, key.is_some(), &word).await);
    let (service, account) = (edge.service_arc(), caller.account.clone());
    let action = async move |turn: Turn| {
        if let Some(before) = turn.subject::<Cache>().filter(|_| turn.is_again) {
            let now = service.cache_details(&account, &before.id.to_string()).await?;
            if now.view.cache.snapshot != before.snapshot {
                // Whoever had begun had done it; going back once more would undo it.
                return Ok(Told::ok(&document(&now.view)));
            }
        }
        let view = service.roll_back(&account, &word, wish.to).await?;
        Ok(Told::ok(&document(&view)))
    };
    edge.once(&caller.account, key, asked, action).await
}
