//! Records in memory, for tests of what uses a metastore.

mod builds;
mod instances;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use model::{
    BlobDigest, BuildFailure, BuildId, CacheId, DiffId, Event, ExitStatus, ImageCache, ImageSnapshotId,
    Instance, InstanceId, Subject, Timestamp,
};

use crate::{
    Build, CacheChange, CacheFilter, CacheRef, EVENTS_PER_SUBJECT, Error, InstanceFilter, InstanceRef,
    InstanceRemoval, LayerRecord, Metastore, NewBuild, OTHERS_LIMIT, PAGE_LIMIT, Page, ProcessIdentity,
    ResolvedCache, Result, SnapshotRecord, rules,
};

/// Records in memory. They go with the value.
#[derive(Debug, Default)]
pub struct MemoryMetastore(Mutex<Records>);

/// All records. A verb works on a copy, which replaces them when it ends well: tests have few.
#[derive(Clone, Debug, Default)]
struct Records {
    caches: BTreeMap<CacheId, ImageCache>,
    builds: BTreeMap<BuildId, Build>,
    snapshots: BTreeMap<ImageSnapshotId, SnapshotRecord>,
    layers: BTreeMap<BlobDigest, LayerRecord>,
    instances: BTreeMap<InstanceId, Instance>,
    /// Of each subject in the order in which they first happened.
    events: BTreeMap<Subject, Vec<Event>>,
}

impl Records {
    fn cache(&self, id: CacheId) -> Result<&ImageCache> {
        self.caches.get(&id).ok_or(Error::NoCache(id))
    }

    fn create_cache(&mut self, cache: &ImageCache) -> Result<()> {
        rules::check_new_cache(cache)?;
        if self.caches.contains_key(&cache.id) {
            return Err(Error::Conflict { object: "cache", why: format!("the id {} is taken", cache.id) });
        }
        self.caches.insert(cache.id, cache.clone());
        Ok(())
    }

    fn resolve(&self, wanted: &CacheRef) -> Result<ResolvedCache> {
        let name = match wanted {
            CacheRef::Id(id) => {
                return Ok(ResolvedCache { cache: self.cache(*id)?.clone(), others: Vec::new() });
            }
            CacheRef::Name(name) => name,
        };
        let mut named: Vec<&ImageCache> = self.caches.values().filter(|cache| cache.name == *name).collect();
        named.sort_by_key(|cache| std::cmp::Reverse((cache.created, cache.id)));
        let usable = named.iter().position(|cache| cache.state.is_usable()).unwrap_or(0);
        if named.is_empty() {
            return Err(Error::NoCacheOfName(name.clone()));
        }
        let cache = named.remove(usable).clone();
        let others = named.iter().map(|cache| cache.id).take(OTHERS_LIMIT as usize).collect();
        Ok(ResolvedCache { cache, others })
    }

    fn delete_cache(&mut self, id: CacheId) -> Result<CacheChange> {
        let cache = self.cache(id)?.clone();
        if let Some(build) = self.running_build(id) {
            return Err(Error::CacheBuilding { cache: id, build });
        }
        let holders = self.instances.values().filter(|instance| Some(instance.snapshot) == cache.snapshot);
        let mut instances: Vec<_> = holders.map(|instance| instance.name.clone()).collect();
        instances.sort_unstable();
        instances.truncate(OTHERS_LIMIT as usize);
        if !instances.is_empty() {
            return Err(Error::CacheInUse { cache: id, instances });
        }
        self.caches.remove(&id);
        self.builds.retain(|_, build| build.cache != id);
        let released = self.release(cache.snapshot);
        Ok(CacheChange { cache, released })
    }

    fn release(&mut self, snapshot: Option<ImageSnapshotId>) -> Option<ImageSnapshotId> {
        let id = snapshot?;
        let named = self.caches.values().any(|cache| cache.snapshot == Some(id))
            || self.instances.values().any(|instance| instance.snapshot == id);
        if named {
            return None;
        }
        self.snapshots.remove(&id).map(|_| id)
    }

    fn append(&mut self, events: &[Event]) {
        for event in events {
            let known = self.events.entry(event.subject).or_default();
            if known.iter_mut().any(|known| rules::is_counted(known, event)) {
                continue;
            }
            known.push(Event { message: rules::bounded(&event.message).to_owned(), ..event.clone() });
            if known.len() > EVENTS_PER_SUBJECT as usize {
                let rank =
                    |index: &usize| (!known[*index].reason.is_of_a_layer(), known[*index].last, *index);
                let oldest = (0..known.len()).min_by_key(rank);
                known.remove(oldest.expect("more than none"));
            }
        }
    }

    fn is_there(&self, subject: Subject) -> bool {
        match subject {
            Subject::Cache(id) => self.caches.contains_key(&id),
            Subject::Instance(id) => self.instances.contains_key(&id),
        }
    }
}

/// One page of records that are sorted by their ids.
fn page_of<'a, Id: Ord + Copy + 'a, T: Clone + 'a>(
    records: &'a BTreeMap<Id, T>,
    page: Page<Id>,
    is_wanted: impl Fn(&T) -> bool + 'a,
) -> Vec<T> {
    let later = records.iter().filter(|(id, _)| page.after.is_none_or(|after| **id > after));
    let wanted = later.map(|(_, record)| record).filter(|record| is_wanted(record));
    wanted.take(page.limit.min(PAGE_LIMIT) as usize).cloned().collect()
}

fn is_wanted<T: PartialEq>(filter: Option<&T>, value: &T) -> bool {
    filter.is_none_or(|filter| filter == value)
}

impl MemoryMetastore {
    fn records(&self) -> MutexGuard<'_, Records> {
        // A panicking verb leaves the records as they were: it worked on a copy.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write<T>(&self, events: &[Event], verb: impl FnOnce(&mut Records) -> Result<T>) -> Result<T> {
        self.write_if(events, |records| verb(records).map(|answer| (answer, true)))
    }

    /// As [`write`](Self::write), for verbs that say whether anything changed: events are written only then.
    fn write_if<T>(
        &self,
        events: &[Event],
        verb: impl FnOnce(&mut Records) -> Result<(T, bool)>,
    ) -> Result<T> {
        let mut records = self.records();
        let mut copy = records.clone();
        let (answer, is_news) = verb(&mut copy)?;
        if is_news {
            copy.append(events);
            *records = copy;
        }
        Ok(answer)
    }
}

#[async_trait]
impl Metastore for MemoryMetastore {
    async fn create_cache(&self, cache: &ImageCache, events: &[Event]) -> Result<()> {
        self.write(events, |records| records.create_cache(cache))
    }

    async fn create_cache_with_build(
        &self,
        cache: &ImageCache,
        build: &NewBuild,
        events: &[Event],
    ) -> Result<ImageCache> {
        self.write(events, |records| {
            records.create_cache(cache)?;
            records.begin_build(build)
        })
    }

    async fn cache(&self, id: CacheId) -> Result<ImageCache> {
        self.records().cache(id).cloned()
    }

    async fn resolve_cache(&self, wanted: &CacheRef) -> Result<ResolvedCache> {
        self.records().resolve(wanted)
    }

    async fn find_caches(&self, filter: &CacheFilter, page: Page<CacheId>) -> Result<Vec<ImageCache>> {
        Ok(page_of(&self.records().caches, page, |cache| {
            is_wanted(filter.name.as_ref(), &cache.name)
                && is_wanted(filter.state.as_ref(), &cache.state)
                && (filter.snapshot.is_none() || filter.snapshot == cache.snapshot)
        }))
    }

    async fn touch_cache_used(&self, id: CacheId, now: Timestamp) -> Result<()> {
        self.write(&[], |records| {
            let cache = records.caches.get_mut(&id).ok_or(Error::NoCache(id))?;
            cache.last_used = cache.last_used.max(Some(now));
            Ok(())
        })
    }

    async fn delete_cache(&self, id: CacheId, events: &[Event]) -> Result<CacheChange> {
        self.write(events, |records| records.delete_cache(id))
    }

    async fn begin_build(&self, build: &NewBuild, events: &[Event]) -> Result<ImageCache> {
        self.write(events, |records| records.begin_build(build))
    }

    async fn finish_build(
        &self,
        id: BuildId,
        owner: &ProcessIdentity,
        snapshot: &SnapshotRecord,
        events: &[Event],
        now: Timestamp,
    ) -> Result<CacheChange> {
        self.write(events, |records| records.finish_build(id, owner, snapshot, now))
    }

    async fn fail_build(
        &self,
        id: BuildId,
        owner: &ProcessIdentity,
        failure: &BuildFailure,
        events: &[Event],
        now: Timestamp,
    ) -> Result<ImageCache> {
        self.write(events, |records| records.fail_build(id, owner, failure, now))
    }

    async fn build(&self, id: BuildId) -> Result<Build> {
        self.records().build(id).cloned()
    }

    async fn running_builds(&self, page: Page<BuildId>) -> Result<Vec<Build>> {
        Ok(page_of(&self.records().builds, page, |build| build.state == crate::BuildState::Running))
    }

    async fn claim_build(
        &self,
        id: BuildId,
        from: &ProcessIdentity,
        to: &ProcessIdentity,
        events: &[Event],
    ) -> Result<Option<Build>> {
        self.write_if(events, |records| {
            let is_theirs = records.build(id).is_ok_and(|build| rules::check_end(build, from).is_ok());
            if !is_theirs {
                return Ok((None, false));
            }
            Ok((Some(records.claim_build(id, to)?), true))
        })
    }

    async fn retained_snapshots(&self) -> Result<Vec<ImageSnapshotId>> {
        Ok(self.records().retained())
    }

    async fn snapshot(&self, id: ImageSnapshotId) -> Result<Option<SnapshotRecord>> {
        Ok(self.records().snapshots.get(&id).copied())
    }

    async fn record_layer(&self, layer: &LayerRecord) -> Result<()> {
        self.write(&[], |records| {
            if let Some(known) = records.layers.get(&layer.blob) {
                rules::check_layer(known, layer)?;
            }
            records.layers.insert(layer.blob, *layer);
            Ok(())
        })
    }

    async fn layer_by_blob(&self, blob: &BlobDigest) -> Result<Option<LayerRecord>> {
        Ok(self.records().layers.get(blob).copied())
    }

    async fn layers_by_diff_id(&self, diff_id: &DiffId) -> Result<Vec<LayerRecord>> {
        let records = self.records();
        let layers = records.layers.values().filter(|layer| layer.diff_id == *diff_id);
        Ok(layers.take(OTHERS_LIMIT as usize).copied().collect())
    }

    async fn create_instance(&self, instance: &Instance, events: &[Event]) -> Result<()> {
        self.write(events, |records| records.create_instance(instance))
    }

    async fn instance_started(
        &self,
        id: InstanceId,
        pid: u32,
        events: &[Event],
        now: Timestamp,
    ) -> Result<Instance> {
        self.write(events, |records| records.instance_started(id, pid, now))
    }

    async fn instance_exited(
        &self,
        id: InstanceId,
        status: ExitStatus,
        events: &[Event],
        now: Timestamp,
    ) -> Result<Instance> {
        self.write_if(events, |records| {
            let known = records.instance(&InstanceRef::Id(id))?;
            let Some(instance) = rules::instance_exited(&known, status, now) else {
                return Ok((known, false));
            };
            records.instances.insert(id, instance.clone());
            Ok((instance, true))
        })
    }

    async fn remove_instance(&self, id: InstanceId, events: &[Event]) -> Result<InstanceRemoval> {
        self.write(events, |records| records.remove_instance(id))
    }

    async fn instance(&self, wanted: &InstanceRef) -> Result<Instance> {
        self.records().instance(wanted)
    }

    async fn find_instances(&self, filter: &InstanceFilter, page: Page<InstanceId>) -> Result<Vec<Instance>> {
        Ok(page_of(&self.records().instances, page, |instance| {
            is_wanted(filter.snapshot.as_ref(), &instance.snapshot)
                && (filter.cache.is_none() || filter.cache == instance.cache)
                && !(filter.unfinished && matches!(instance.state, model::InstanceState::Exited(_)))
        }))
    }

    async fn append_events(&self, events: &[Event]) -> Result<()> {
        self.write(events, |_| Ok(()))
    }

    async fn events(&self, subject: Subject) -> Result<Vec<Event>> {
        let mut events = self.records().events.get(&subject).cloned().unwrap_or_default();
        events.sort_by_key(|event| event.last);
        Ok(events)
    }

    async fn forget_events(&self, before: Timestamp) -> Result<u64> {
        self.write(&[], |records| {
            let mut forgotten = 0;
            let gone: Vec<Subject> =
                records.events.keys().copied().filter(|subject| !records.is_there(*subject)).collect();
            for subject in gone {
                let events = records.events.entry(subject).or_default();
                let had = events.len();
                events.retain(|event| event.last >= before);
                forgotten += (had - events.len()) as u64;
            }
            Ok(forgotten)
        })
    }
}
