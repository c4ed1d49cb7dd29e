//! `/v1/instances/{instance}`: show, delete, events.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use wire::{EventList, Instance};

use crate::auth::{Allowed, Caller, InstancesRead, InstancesWrite};
use crate::edge::Edge;
use crate::extract::{FromQuery, Key, NoQuery, Pairs, Query, Word};
use crate::once::{Asked, Told, Turn};
use crate::refusal::Refusal;
use crate::service::ServiceErrorKind;

/// Seconds that a stop waits where it is not said.
const DEFAULT_PATIENCE: u64 = 10;
/// The most.
const MOST_PATIENCE: u64 = 3600;

/// Show an instance
///
/// The instance of that id or name.
#[utoipa::path(
    get, path = "/v1/instances/{instance}", tag = "instances", operation_id = "show_instance",
    params(("instance" = String, Path, description = "Its id, or its name")),
    responses((status = 200, description = "The instance", body = Instance)),
)]
pub(super) async fn show(
    State(edge): State<Edge>,
    caller: Allowed<InstancesRead>,
    Word(word): Word,
    Query(NoQuery): Query<NoQuery>,
) -> Result<Json<Instance>, Refusal> {
    let instance = edge.service().instance(&caller.account, &word).await?;
    Ok(Json((&instance).into()))
}

pub(super) struct Force(bool);

impl FromQuery for Force {
    const KNOWN: &'static [&'static str] = &["force"];

    fn from_pairs(pairs: &Pairs) -> Result<Self, Refusal> {
        pairs.flag("force").map(Self)
    }
}

/// Delete an instance
///
/// Refused while it runs, unless `force` says that it is to be stopped first.
#[utoipa::path(
    delete, path = "/v1/instances/{instance}", tag = "instances", operation_id = "delete_instance",
    params(
        ("instance" = String, Path, description = "Its id, or its name"),
        ("force" = Option<bool>, Query, description = "Stop it first"),
        ("Idempotency-Key" = Option<String>, Header, description = "Tells a request that comes again from a further one"),
    ),
    responses((status = 200, description = "The instance as it was last", body = Instance)),
)]
pub(super) async fn delete(
    State(edge): State<Edge>,
    caller: Allowed<InstancesWrite>,
    Word(word): Word,
    Query(Force(force)): Query<Force>,
    Key(key): Key,
) -> Result<Response, Refusal> {
    let asked = Asked::to("delete an instance", &(&word, force));
    let asked = asked.about(&meant(&edge, &caller, key.is_some(), &word).await);
    let (service, account) = (edge.service_arc(), caller.account.clone());
    let action = async move |turn: Turn| {
        let before: Option<Instance> = turn.subject();
        let id = before.as_ref().map(|before| before.id.to_string());
        match service.delete_instance(&account, id.as_deref().unwrap_or(&word), force).await {
            Ok(instance) => Ok(Told::ok(&Instance::from(&instance))),
            // Whoever had begun had done it.
            Err(error) if turn.is_again && error.kind == ServiceErrorKind::NotFound => match before {
                Some(before) => Ok(Told::ok(&before)),
                None => Err(error.into()),
            },
            Err(error) => Err(error.into()),
        }
    };
    edge.once(&caller.account, key, asked, action).await
}

/// The instance that a word means, where it matters: whoever takes the request up means that one, whatever has its name then.
async fn meant(edge: &Edge, caller: &Caller, matters: bool, word: &str) -> Option<Instance> {
    if !matters {
        return None;
    }
    edge.service().instance(&caller.account, word).await.ok().as_ref().map(Instance::from)
}

pub(super) struct Patience(Duration);

impl FromQuery for Patience {
    const KNOWN: &'static [&'static str] = &["patience_seconds"];

    fn from_pairs(pairs: &Pairs) -> Result<Self, Refusal> {
        let seconds = pairs.number("patience_seconds", 0..=MOST_PATIENCE)?.unwrap_or(DEFAULT_PATIENCE);
        Ok(Self(Duration::from_secs(seconds)))
    }
}

/// Stop an instance
///
/// Asks it to end by its image's stop signal, and ends it after `patience_seconds`. One that has ended is left as it is.
#[utoipa::path(
    post, path = "/v1/instances/{instance}/stop", tag = "instances", operation_id = "stop_instance",
    params(
        ("instance" = String, Path, description = "Its id, or its name"),
        ("patience_seconds" = Option<u64>, Query, minimum = 0, maximum = 3600, description = "How long to wait; 10 where it is not said"),
        ("Idempotency-Key" = Option<String>, Header, description = "Tells a request that comes again from a further one"),
    ),
    responses((status = 200, description = "The instance as it is then", body = Instance)),
)]
pub(super) async fn stop(
    State(edge): State<Edge>,
    caller: Allowed<InstancesWrite>,
    Word(word): Word,
    Query(Patience(patience)): Query<Patience>,
    Key(key): Key,
) -> Result<Response, Refusal> {
    let asked = Asked::to("stop an instance", &(&word, patience.as_secs()));
    let asked = asked.about(&meant(&edge, &caller, key.is_some(), &word).await);
    let (service, account) = (edge.service_arc(), caller.account.clone());
    let action = async move |turn: Turn| {
        let id = turn.subject().map(|before: Instance| before.id.to_string());
        let stopped = service.stop_instance(&account, id.as_deref().unwrap_or(&word), patience).await?;
        Ok(Told::ok(&Instance::from(&stopped)))
    };
    edge.once(&caller.account, key, asked, action).await
}

/// Events of an instance
///
/// What happened to an instance, by when it last happened. Those of a deleted instance are kept for some days, under its id.
#[utoipa::path(
    get, path = "/v1/instances/{instance}/events", tag = "instances", operation_id = "instance_events",
    params(("instance" = String, Path, description = "Its id, or its name")),
    responses((status = 200, description = "The events", body = EventList)),
)]
pub(super) async fn events(
    State(edge): State<Edge>,
    caller: Allowed<InstancesRead>,
    Word(word): Word,
    Query(NoQuery): Query<NoQuery>,
) -> Result<Json<EventList>, Refusal> {
    let events = edge.service().instance_events(&caller.account, &word).await?;
    Ok(Json(events.as_slice().into()))
}
