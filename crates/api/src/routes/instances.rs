//! `/v1/instances`: create and list.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use model::InstanceId;
use wire::{CreateInstance, CreatedInstance, Instance, InstanceList, Mount, PickCache, ProblemKind, Scope};

use super::begun::{start, without_passwords};
use super::{checks, paging};
use crate::auth::{Allowed, Caller, InstancesRead, InstancesWrite};
use crate::edge::Edge;
use crate::extract::{Body, FromQuery, Key, NoQuery, Pairs, Query};
use crate::once::Asked;
use crate::refusal::Refusal;

/// The least processor time that the kernel can keep, in thousandths of a processor.
const LEAST_MILLI_CPUS: u32 = 10;

/// Start an instance
///
/// Chooses a cache, or takes the one that is named, and starts. What no cache has is fetched first; where none had everything, a
/// cache is made beside. A name is unique: a request with one that comes again starts no second instance. A request with the
/// idempotency key of an earlier one waits for that one's answer, and is answered as it was.
#[utoipa::path(
    post, path = "/v1/instances", tag = "instances", operation_id = "create_instance",
    request_body = CreateInstance,
    params(("Idempotency-Key" = Option<String>, Header, description = "Tells a request that comes again from a further one")),
    responses(
        (status = 201, description = "The instance, and what it was started from", body = CreatedInstance,
            headers(("location" = String, description = "Where the instance is"))),
    ),
)]
pub(super) async fn create(
    State(edge): State<Edge>,
    caller: Allowed<InstancesWrite>,
    Query(NoQuery): Query<NoQuery>,
    Key(key): Key,
    Body(document): Body<CreateInstance>,
) -> Result<Response, Refusal> {
    check(&caller, &document)?;
    let asked = Asked::to("start an instance", &without_passwords(&document)).about(&InstanceId::generate());
    let (doing, account) = (edge.clone(), caller.account.clone());
    edge.once(&caller.account, key, asked, move |turn| start(doing, account, document, turn)).await
}

fn check(caller: &Caller, document: &CreateInstance) -> Result<(), Refusal> {
    if document.word.is_some() && document.cache != PickCache::Auto {
        let refusal = Refusal::new(ProblemKind::InvalidField).field("word");
        return Err(refusal.detail("failed to take `word`: `cache` says which cache it is to be"));
    }
    match (&document.image, &document.cache) {
        (Some(image), _) => checks::image(caller, image, "image")?,
        (None, PickCache::Only(_)) => {}
        (None, _) if document.word.is_some() => {}
        (None, PickCache::Auto | PickCache::None) => {
            let refusal = Refusal::new(ProblemKind::MissingField).field("image");
            return Err(
                refusal.detail("failed to find the field `image`: it is needed unless `cache` names one")
            );
        }
    }
    // Who has either has the machine.
    for (field, is_said) in
        [("volumes", !document.volumes.is_empty()), ("runtime", document.runtime.is_some())]
    {
        if is_said && !caller.may(Scope::Admin) {
            let refusal = Refusal::new(ProblemKind::Forbidden).field(field);
            return Err(
                refusal.detail(format!("failed to allow `{field}`: the token lacks the scope `admin`"))
            );
        }
    }
    for (index, volume) in document.volumes.iter().enumerate() {
        check_volume(volume, index)?;
    }
    checks::space(document.space_bytes)?;
    checks::match_count(document.match_count)?;
    if let Some(cpus) = document.milli_cpus.filter(|cpus| *cpus < LEAST_MILLI_CPUS) {
        let allowed = format!("{LEAST_MILLI_CPUS} or more");
        return Err(Refusal::out_of_range("milli_cpus", cpus, &allowed));
    }
    if let Some(name) = document.env.keys().find(|name| name.is_empty() || name.contains(['=', '\0'])) {
        let name = name.escape_debug();
        return Err(Refusal::out_of_range("env", format!("the name `{name}`"), "names without `=` and NUL"));
    }
    Ok(())
}

fn check_volume(volume: &Mount, index: usize) -> Result<(), Refusal> {
    let plain = |path: &std::path::Path| {
        path.is_absolute() && !path.components().any(|part| part == std::path::Component::ParentDir)
    };
    let fits = plain(&volume.host) && plain(&volume.container) && volume.container.parent().is_some();
    match fits {
        true => Ok(()),
        false => Err(Refusal::out_of_range(
            &format!("volumes[{index}]"),
            "its paths",
            "two absolute paths without `..`, that inside not `/`",
        )),
    }
}

pub(super) struct Listing {
    unfinished: bool,
    page: paging::Asked,
}

impl FromQuery for Listing {
    const KNOWN: &'static [&'static str] = &["unfinished", paging::ORDER, paging::LIMIT, paging::PAGE];

    fn from_pairs(pairs: &Pairs) -> Result<Self, Refusal> {
        Ok(Self { unfinished: pairs.flag("unfinished")?, page: paging::Asked::of(pairs)? })
    }
}

/// List instances
///
/// The account's instances, in order of creation.
#[utoipa::path(
    get, path = "/v1/instances", tag = "instances", operation_id = "list_instances",
    params(
        ("unfinished" = Option<bool>, Query, description = "Only those that have not ended"),
        ("order" = Option<String>, Query, description = "`oldest-first` (where it is not said) or `newest-first`"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "The most on a page; 100 where it is not said"),
        ("page" = Option<String>, Query, description = "`next` of the page before, of the same query"),
    ),
    responses((status = 200, description = "A page of instances", body = InstanceList)),
)]
pub(super) async fn list(
    State(edge): State<Edge>,
    caller: Allowed<InstancesRead>,
    Query(listing): Query<Listing>,
) -> Result<Json<InstanceList>, Refusal> {
    let page = listing.page.page::<InstanceId>(&edge, "instances", &caller.account)?;
    let found = edge.service().list_instances(&caller.account, listing.unfinished, page).await?;
    Ok(Json(InstanceList {
        items: found.instances.iter().map(Instance::from).collect(),
        unsettled: found.unsettled,
        next: listing.page.next(&edge, "instances", &caller.account, found.next),
    }))
}
