//! Starting an instance, also where somebody had begun to with the same key and is gone.

use std::time::Duration;

use http::StatusCode;
use model::{AccountId, Event, EventReason, Instance, InstanceId, InstanceState};
use wire::{Choice, CreateInstance, CreatedInstance, Outcome, ProblemKind};

use super::checks;
use crate::edge::Edge;
use crate::once::{Told, Turn};
use crate::refusal::Refusal;
use crate::service::{NewInstance, ServiceErrorKind};

/// How often an instance is looked at whose starter is gone, until it is known what became of it.
const LOOK: Duration = Duration::from_millis(500);

/// What tells a request from another: a hash over a password would help to guess it.
pub(super) fn without_passwords(document: &CreateInstance) -> CreateInstance {
    let mut said = document.clone();
    said.credentials.iter_mut().for_each(|login| login.password.clear());
    said
}

/// Starts what the document says, under the id that the turn has.
pub(super) async fn start(
    edge: Edge,
    account: AccountId,
    document: CreateInstance,
    turn: Turn,
) -> Result<Told, Refusal> {
    let id = turn.subject();
    if let Some(id) = id.filter(|_| turn.is_again)
        && let Some(told) = begun_before(&edge, &account, id).await?
    {
        return Ok(told);
    }
    let platform = checks::platform(document.platform.clone());
    let new = NewInstance { id, platform, wish: document };
    let started = edge.service().create_instance(&account, new).await?;
    edge.metrics().matches.started(started.choice.outcome);
    Ok(created(&started.instance, started.choice, started.warnings))
}

fn created(instance: &Instance, choice: Choice, warnings: Vec<String>) -> Told {
    let location = format!("/v1/instances/{}", instance.id);
    let document = CreatedInstance { instance: instance.into(), choice, warnings };
    Told::new(StatusCode::CREATED, &document).at(location)
}

/// The instance that whoever is gone had begun; `None` where nothing is there of it.
async fn begun_before(edge: &Edge, account: &AccountId, id: InstanceId) -> Result<Option<Told>, Refusal> {
    let word = id.to_string();
    let instance = loop {
        match edge.service().instance(account, &word).await {
            Ok(instance) if instance.state == InstanceState::Creating => tokio::time::sleep(LOOK).await,
            Ok(instance) => break instance,
            Err(error) if error.kind == ServiceErrorKind::NotFound => {
                return was_there(edge, account, id).await;
            }
            Err(error) => return Err(error.into()),
        }
    };
    if instance.started.is_none() {
        // It never ran: it makes room for the one that is to.
        edge.service().delete_instance(account, &word, false).await?;
        return Ok(None);
    }
    let events = edge.service().instance_events(account, &word).await?;
    let choice = choice_of(&instance, &events);
    let warnings = match choice.outcome {
        Outcome::Hit => Vec::new(),
        Outcome::Partial | Outcome::Miss => vec![
            "whoever started it ended before it was answered: how much was fetched for it is not known"
                .to_owned(),
        ],
    };
    Ok(Some(created(&instance, choice, warnings)))
}

/// One that was started and is gone is not started once more.
async fn was_there(edge: &Edge, account: &AccountId, id: InstanceId) -> Result<Option<Told>, Refusal> {
    match edge.service().instance_events(account, &id.to_string()).await {
        Ok(events) if events.iter().any(|event| event.reason == EventReason::Started) => {
            let gone = format!(
                "failed to find `{id}`: the instance of this idempotency key was started and is gone"
            );
            Err(Refusal::new(ProblemKind::NotFound).detail(gone))
        }
        _ => Ok(None),
    }
}

/// What it was started from, by what its events say.
fn choice_of(instance: &Instance, events: &[Event]) -> Choice {
    let found = events.iter().find_map(|event| match event.reason {
        EventReason::CacheHit => Some((Outcome::Hit, event)),
        EventReason::CachePartlyHit => Some((Outcome::Partial, event)),
        EventReason::CacheMiss => Some((Outcome::Miss, event)),
        _ => None,
    });
    let (outcome, reason) =
        found.map_or((Outcome::Miss, String::new()), |(outcome, event)| (outcome, event.message.clone()));
    Choice {
        outcome,
        cache: instance.cache,
        cache_name: None,
        auto_created: None,
        auto_created_name: None,
        fetched_bytes: model::ByteSize::ZERO,
        reason,
    }
}
