//! What a group starts from: chosen once, over the images of all its containers.

use metastore::{GroupStep, SnapshotRecord};
use model::matching::MatchCondition;
use model::{Event, Group, GroupChoice, GroupStatus, InstanceId, Subject};

use super::under_way::Place;
use super::{Groups, event};
use crate::build::BuildProgress;
use crate::{BuildError, CacheChoice, Error, FailureKind, StartChoice, StartWish, chain};

/// Whether asking again would change nothing.
fn is_final(error: &Error) -> bool {
    match error {
        Error::UnknownCache { .. }
        | Error::NotUsable { .. }
        | Error::WhichImage { .. }
        | Error::NoImage
        | Error::ForeignFile { .. }
        | Error::AmbiguousCache { .. } => true,
        Error::Build(error) => is_final_build(error),
        _ => false,
    }
}

fn is_final_build(error: &BuildError) -> bool {
    matches!(
        error.kind(),
        FailureKind::NotFound
            | FailureKind::Unauthorized
            | FailureKind::BadImage
            | FailureKind::Unsupported
            | FailureKind::Platform
            | FailureKind::PlainHttp
            | FailureKind::TlsExpected
            | FailureKind::SizeTooSmall
            | FailureKind::Input
    )
}

impl Groups {
    /// Chooses the group's images and fetches what is missing; `None` where somebody wants it to look again.
    pub(super) async fn choose(&self, group: &Group, place: &Place) -> Result<Option<Group>, Error> {
        let engine = self.engine();
        let wish = match self.wish(group).await {
            Ok(wish) => wish,
            Err(error) => return self.failed(group, &error).await,
        };
        let progress = BuildProgress::default();
        let choice = tokio::select! {
            biased;
            () = place.nudged.notified() => return Ok(None),
            choice = engine.choose_start(&group.account, &wish, &progress) => choice,
        };
        let choice = match choice {
            Ok(choice) => choice,
            Err(error) => return self.failed(group, &error).await,
        };
        let noted = self.note_choice(group, &choice).await;
        // From now on the record keeps its snapshot, or nothing starts from it.
        choice.release().await;
        noted
    }

    async fn wish(&self, group: &Group) -> Result<StartWish, Error> {
        let spec = &group.spec;
        let credentials = self.engine().open_group_credentials(group).await?;
        let cache = match spec.cache {
            Some(id) => CacheChoice::Only(id.to_string()),
            None if spec.match_cache => CacheChoice::Auto,
            None => CacheChoice::None,
        };
        Ok(StartWish {
            cache,
            policy: spec.policy,
            condition: MatchCondition::Any,
            space: spec.space,
            access: spec.access.clone(),
            credentials,
            // Its blobs are kept under some name until they are the group's.
            ..StartWish::new(InstanceId::generate(), spec.images(), spec.platform.clone())
        })
    }

    async fn failed(&self, group: &Group, error: &Error) -> Result<Option<Group>, Error> {
        let now = self.now();
        let message = chain(error);
        tracing::info!(group = %group.id, "the images of a container group could not be had: {message}");
        let (status, news) = group.images_failed(message, is_final(error), now);
        self.step(group, status, news).await
    }

    async fn note_choice(&self, group: &Group, choice: &StartChoice) -> Result<Option<Group>, Error> {
        let engine = self.engine();
        let now = self.now();
        let status = GroupStatus {
            choice: Some(GroupChoice {
                snapshot: choice.snapshot,
                cache: choice.cache.as_ref().map(|cache| cache.id),
                size_limit: choice.size_limit,
            }),
            images: None,
            ..group.status.clone()
        };
        let events: Vec<Event> = choice.events_for(Subject::Group(group.id), now);
        let made = choice.own.as_ref().map(SnapshotRecord::from);
        let step = GroupStep { id: group.id, revision: group.revision, status, made };
        let Some(change) = engine.records().step_group(&step, &events, now).await? else { return Ok(None) };
        crate::build::step("group-images-recorded")?;
        if let Some(own) = &choice.own {
            // Recorded first: a document that no record names would go with a collection at this moment.
            let put = choice.store.put_snapshot(own).await;
            put.map_err(Error::store("commit the image snapshot"))?;
        }
        engine.workshop.let_go(&change.released.into_iter().collect::<Vec<_>>()).await;
        engine.note_start(choice).await;
        engine.look_behind(choice).await;
        let (starter, notes) = (Subject::Group(group.id), group.notes.as_ref());
        engine.create_automatic_cache(&group.account, starter, notes, choice).await;
        engine.workshop.signals.changes.notify_one();
        Ok(Some(change.group))
    }

    /// Records how the group is, and what is told of it; `None` where somebody else was faster.
    pub(super) async fn step(
        &self,
        group: &Group,
        status: GroupStatus,
        news: Vec<model::GroupNews>,
    ) -> Result<Option<Group>, Error> {
        let now = self.now();
        let told = news.into_iter().map(|(kind, reason, message)| event(group, kind, reason, message, now));
        let events: Vec<Event> = told.collect();
        let step = GroupStep { id: group.id, revision: group.revision, status, made: None };
        let Some(change) = self.engine().records().step_group(&step, &events, now).await? else {
            return Ok(None);
        };
        self.engine().workshop.let_go(&change.released.into_iter().collect::<Vec<_>>()).await;
        self.engine().workshop.signals.changes.notify_one();
        Ok(Some(change.group))
    }
}
