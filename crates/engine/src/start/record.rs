//! What the records say of a start: the instance with the snapshot that it holds, and what was found for it.

use model::{Event, EventKind, EventReason, ImageSource, Instance, InstanceId, Subject, Timestamp};

use super::{StartChoice, StartOutcome};
use crate::{Engine, Error, chain};

impl Engine {
    /// Records an instance with what was chosen for it; from now on the record keeps its blobs. The choice's lease may go
    /// ([`StartChoice::release`]) as soon as this is done.
    ///
    /// # Errors
    /// Those of the records, of which a taken name is one; those of the store. Nothing is recorded then.
    pub async fn record_instance(&self, instance: &Instance, choice: &StartChoice) -> Result<(), Error> {
        let events = choice.events_for(Subject::Instance(instance.id), instance.created);
        let Some(own) = &choice.own else {
            self.records().create_instance(instance, &events).await?;
            self.workshop.signals.changes.notify_one();
            return Ok(());
        };
        // Recorded first: a document that no record names would go with a collection at this moment.
        self.records().create_instance_with_snapshot(instance, &own.into(), &events).await?;
        if let Err(error) = choice.store.put_snapshot(own).await {
            self.forget_instance(instance).await;
            return Err(Error::store("commit the image snapshot")(error));
        }
        self.workshop.signals.changes.notify_one();
        Ok(())
    }

    /// Notes that an instance started from a cache, and what that spared.
    pub async fn note_start(&self, choice: &StartChoice) {
        let Some(cache) = &choice.cache else { return };
        let noted = self.records().touch_cache_used(cache.id, choice.saved, self.clock().now()).await;
        if let Err(error) = noted {
            tracing::warn!(cache = %cache.id, error = chain(&error), "failed to note a cache's use");
        }
    }

    /// Takes a recorded instance back that cannot start.
    async fn forget_instance(&self, instance: &Instance) {
        let unknown = model::ExitStatus::Unknown;
        let ended = self.records().instance_exited(instance.id, unknown, &[], self.clock().now()).await;
        let removed = match ended {
            Ok(_) => self.records().remove_instance(instance.id, &[]).await.map(drop),
            Err(error) => Err(error),
        };
        if let Err(error) = removed {
            tracing::warn!(instance = %instance.id, error = chain(&error), "failed to take an instance back");
        }
    }
}

impl StartChoice {
    /// How the wish was met, in the words that the instance's event has.
    pub(crate) fn in_words(&self, instance: InstanceId) -> String {
        found(Subject::Instance(instance), self).1
    }

    /// What was found and what its tags were pinned to, told of whoever starts from it and of its cache. Of a cache equal events
    /// of many starts are counted.
    pub(crate) fn events_for(&self, starter: Subject, now: Timestamp) -> Vec<Event> {
        events_of(starter, self, now)
    }
}

fn events_of(starter: Subject, choice: &StartChoice, now: Timestamp) -> Vec<Event> {
    let of_instance = |kind, reason, message: String| Event::once(starter, kind, reason, message, now);
    let asked = if choice.was_asked { "" } else { "; no registry was asked" };
    let mut events = Vec::new();
    for image in &choice.images {
        let message = format!("{} was served as pinned to {}{asked}", image.source, image.manifest_digest);
        events.push(of_instance(EventKind::Normal, EventReason::ServedPinned, message.clone()));
        events.extend(of_cache(choice, EventReason::ServedPinned, message, now));
    }
    let (reason, told, told_of_cache) = found(starter, choice);
    events.push(of_instance(EventKind::Normal, reason, told));
    events.extend(told_of_cache.and_then(|message| of_cache(choice, reason, message, now)));
    events
}

fn of_cache(choice: &StartChoice, reason: EventReason, message: String, now: Timestamp) -> Option<Event> {
    let cache = choice.cache.as_ref()?;
    Some(Event::once(Subject::Cache(cache.id), EventKind::Normal, reason, message, now))
}

/// How the wish was met, in words for the instance and for the cache.
fn found(starter: Subject, choice: &StartChoice) -> (EventReason, String, Option<String>) {
    let names = list(choice.images.iter().map(|image| &image.source));
    let fetched = choice.fetched;
    let name = choice.cache.as_ref().map(|cache| format!("the cache `{}` ({})", cache.name, cache.id));
    match (choice.outcome, name) {
        (StartOutcome::Hit, Some(cache)) => {
            let how = if choice.own.is_some() { " under other names" } else { "" };
            let told = format!("{cache} has {names}{how}");
            (EventReason::CacheHit, told, Some("an instance started from it: nothing was fetched".to_owned()))
        }
        (StartOutcome::PartlyHit, Some(cache)) => {
            let told = format!("{cache} does not have all of {names}; {fetched} were fetched for {starter}");
            let of_cache = "an instance started from it: a part was fetched for the instance".to_owned();
            (EventReason::CachePartlyHit, told, Some(of_cache))
        }
        _ => {
            let told = format!("no cache had {names}; {fetched} were fetched for {starter}");
            (EventReason::CacheMiss, told, None)
        }
    }
}

pub(super) fn list<'a>(images: impl Iterator<Item = &'a ImageSource>) -> String {
    images.map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
