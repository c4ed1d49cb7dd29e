//! `/v1/caches`: create and list.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::LOCATION;
use model::{CacheId, Origin, Tags};
use wire::{Cache, CacheList, CreateCache};

use super::{checks, paging};
use crate::auth::{Allowed, CachesRead, CachesWrite};
use crate::edge::Edge;
use crate::extract::{Body, FromQuery, Key, NoQuery, Pairs, Query, invalid};
use crate::refusal::Refusal;
use crate::service::{CacheFilter, NewCache};

/// Create a cache
///
/// Records the cache and asks for its build; answers at once. A request with the idempotency key of an earlier one gives that
/// one's cache.
#[utoipa::path(
    post, path = "/v1/caches", tag = "caches", operation_id = "create_cache",
    request_body = CreateCache,
    params(("Idempotency-Key" = Option<String>, Header, description = "Tells a request that comes again from a further one")),
    responses(
        (status = 202, description = "The cache; its build waits for its turn", body = Cache,
            headers(("location" = String, description = "Where the cache is"))),
        (status = 200, description = "The cache of an earlier request with this idempotency key", body = Cache),
    ),
)]
pub(super) async fn create(
    State(edge): State<Edge>,
    caller: Allowed<CachesWrite>,
    Query(NoQuery): Query<NoQuery>,
    Key(key): Key,
    Body(document): Body<CreateCache>,
) -> Result<Response, Refusal> {
    checks::images(&caller, &document.images, checks::MOST_IMAGES)?;
    let new = NewCache {
        size_limit: checks::size(document.size_gib)?,
        policy: document.policy(),
        access: document.access(),
        platform: checks::platform(document.platform),
        name: document.name,
        origin: Origin::Manual,
        images: document.images,
        credentials: document.credentials,
        notes: None,
    };
    let (service, account) = (edge.service_arc(), caller.account.clone());
    let admitted = edge.carry_out(async move { service.request_cache(&account, new, key.as_ref()).await });
    let admitted = admitted.await?;
    let status = if admitted.before { StatusCode::OK } else { StatusCode::ACCEPTED };
    let location = format!("/v1/caches/{}", admitted.view.cache.id);
    Ok((status, [(LOCATION, location)], Json(super::cache::document(&admitted.view))).into_response())
}

pub(super) struct Listing {
    filter: CacheFilter,
    page: paging::Asked,
}

/// A tag to look for: `key`, or `key=value`.
fn tag(text: &str) -> Result<(String, Option<String>), Refusal> {
    let (key, value) = match text.split_once('=') {
        Some((key, value)) => (key, Some(value)),
        None => (text, None),
    };
    Tags::check(key, value.unwrap_or_default()).map_err(|error| invalid("tag", &error.to_string()))?;
    Ok((key.to_owned(), value.map(ToOwned::to_owned)))
}

impl FromQuery for Listing {
    const KNOWN: &'static [&'static str] = &[
        "id",
        "name",
        "state",
        "origin",
        "snapshot",
        "image",
        "repository",
        "tag",
        paging::ORDER,
        paging::LIMIT,
        paging::PAGE,
    ];

    fn from_pairs(pairs: &Pairs) -> Result<Self, Refusal> {
        let states = model::CacheState::ALL.map(|state| (state.as_str(), state));
        let origins = Origin::ALL.map(|origin| (origin.as_str(), origin));
        let tags: Vec<String> = pairs.many("tag")?.unwrap_or_default();
        let filter = CacheFilter {
            account: None,
            ids: pairs.many("id")?,
            names: pairs.many("name")?,
            states: pairs.words("state", &states)?,
            origin: pairs.word("origin", &origins)?,
            snapshot: pairs.one("snapshot")?,
            image: pairs.one("image")?,
            repository: pairs.one("repository")?,
            labels: BTreeMap::new(),
            lasting: false,
            tags: tags.iter().map(|text| tag(text)).collect::<Result<_, _>>()?,
        };
        Ok(Self { filter, page: paging::Asked::of(pairs)? })
    }
}

/// List caches
///
/// The account's caches that every given filter lets through, in order of creation.
#[utoipa::path(
    get, path = "/v1/caches", tag = "caches", operation_id = "list_caches",
    params(
        ("id" = Option<Vec<String>>, Query, description = "Only these"),
        ("name" = Option<Vec<String>>, Query, description = "Only those of one of these names"),
        ("state" = Option<Vec<wire::CacheState>>, Query, description = "Only those in one of these states"),
        ("origin" = Option<wire::Origin>, Query, description = "Only those that a user, or a start, had made"),
        ("snapshot" = Option<String>, Query, description = "Only those that serve this image snapshot"),
        ("image" = Option<String>, Query, description = "Only those that have this very image"),
        ("repository" = Option<String>, Query, description = "Only those that have an image of this repository"),
        ("tag" = Option<Vec<String>>, Query, description = "Only those that have all of these: `key`, or `key=value`"),
        ("order" = Option<String>, Query, description = "`oldest-first` (where it is not said) or `newest-first`"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "The most on a page; 100 where it is not said"),
        ("page" = Option<String>, Query, description = "`next` of the page before, of the same query"),
    ),
    responses((status = 200, description = "A page of caches", body = CacheList)),
)]
pub(super) async fn list(
    State(edge): State<Edge>,
    caller: Allowed<CachesRead>,
    Query(listing): Query<Listing>,
) -> Result<Json<CacheList>, Refusal> {
    let page = listing.page.page::<CacheId>(&edge, "caches", &caller.account)?;
    let found = edge.service().describe_caches(&caller.account, &listing.filter, page).await?;
    Ok(Json(CacheList {
        items: found.caches.iter().map(super::cache::document).collect(),
        next: listing.page.next(&edge, "caches", &caller.account, found.next),
        total: found.total,
    }))
}
