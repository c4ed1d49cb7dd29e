//! A random walk against a small model of the rules: whatever users, time and crashes do, caches are what the rules say.

use engine::{CacheUpdate, DeleteMode, NewCacheRequest};
use metastore::{CacheFilter, Page};
use model::rules::Quotas;
use model::{CacheId, CachePolicy, CacheState, Elimination, Instance, RetentionDays};
use proptest::prelude::*;
use testkit::FaultServer;

use crate::service::{DAY, Ground, Service, app, request, server_with};
use crate::support::local;

const TAGS: [&str; 3] = ["1", "2", "3"];
const QUOTA: usize = 3;
const GENERATION_DAYS: u32 = 7;

#[derive(Clone, Debug)]
enum Step {
    Create {
        tag: usize,
        lru: bool,
        days: Option<u32>,
    },
    Update {
        which: usize,
        tag: usize,
        fails: bool,
    },
    RollBack {
        which: usize,
    },
    Delete {
        which: usize,
        when_unused: bool,
    },
    Start {
        which: usize,
    },
    End {
        which: usize,
    },
    Days(u32),
    /// The server dies while it builds an update.
    Crash {
        which: usize,
        tag: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let which = 0..8_usize;
    let tag = 0..TAGS.len();
    prop_oneof![
        4 => (tag.clone(), any::<bool>(), proptest::option::of(1..12_u32))
            .prop_map(|(tag, lru, days)| Step::Create { tag, lru, days }),
        3 => (which.clone(), tag.clone(), proptest::bool::weighted(0.3))
            .prop_map(|(which, tag, fails)| Step::Update { which, tag, fails }),
        2 => which.clone().prop_map(|which| Step::RollBack { which }),
        2 => (which.clone(), any::<bool>()).prop_map(|(which, when_unused)| Step::Delete { which, when_unused }),
        3 => which.clone().prop_map(|which| Step::Start { which }),
        2 => which.clone().prop_map(|which| Step::End { which }),
        3 => (1..5_u32).prop_map(Step::Days),
        2 => (which, tag).prop_map(|(which, tag)| Step::Crash { which, tag }),
    ]
}

/// A snapshot in the model: which build made it, and of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Snapshot {
    number: usize,
    tag: usize,
}

#[derive(Clone, Debug)]
struct Cache {
    id: CacheId,
    serves: Snapshot,
    failed_update: bool,
    /// With the day until which each is kept, newest first.
    earlier: Vec<(Snapshot, u32)>,
    created: u32,
    /// The day and the step of its last use.
    used: Option<(u32, usize)>,
    made: usize,
    lru: bool,
    days: Option<u32>,
    deleting: bool,
}

/// The rules as the model has them.
#[derive(Default)]
struct Model {
    day: u32,
    steps: usize,
    snapshots: usize,
    caches: Vec<Cache>,
    instances: Vec<(Snapshot, Instance)>,
}

impl Model {
    fn snapshot(&mut self, tag: usize) -> Snapshot {
        self.snapshots += 1;
        Snapshot { number: self.snapshots, tag }
    }

    fn is_used(&self, cache: &Cache) -> bool {
        let names = |held: &Snapshot| {
            cache.serves == *held || cache.earlier.iter().any(|(earlier, _)| earlier == held)
        };
        self.instances.iter().any(|(held, _)| names(held))
    }

    /// What time and the end of uses bring about. An earlier snapshot that goes may have been the last that an instance used.
    fn settle(&mut self) {
        let named = |model: &Self| model.caches.iter().map(|cache| 1 + cache.earlier.len()).sum::<usize>();
        let mut before = usize::MAX;
        while named(self) < before {
            before = named(self);
            self.settle_once();
        }
    }

    fn settle_once(&mut self) {
        let over = |cache: &Cache| {
            let is_old = cache.days.is_some_and(|days| cache.created + days <= self.day);
            (is_old || cache.deleting) && !self.is_used(cache)
        };
        let gone: Vec<CacheId> =
            self.caches.iter().filter(|cache| over(cache)).map(|cache| cache.id).collect();
        self.caches.retain(|cache| !gone.contains(&cache.id));
        for cache in &mut self.caches {
            cache.earlier.retain(|(_, until)| *until > self.day);
        }
    }

    fn counted(&self) -> usize {
        self.caches.iter().filter(|cache| !cache.deleting).count()
    }

    /// Which one goes for another.
    fn evictable(&self) -> Option<CacheId> {
        let may_go = self.caches.iter().filter(|cache| cache.lru && !cache.deleting && !self.is_used(cache));
        may_go.min_by_key(|cache| cache.used.unwrap_or((cache.created, cache.made))).map(|cache| cache.id)
    }

    fn replace(&mut self, at: usize, by: Snapshot) {
        let until = self.day + GENERATION_DAYS;
        let cache = &mut self.caches[at];
        cache.earlier.insert(0, (std::mem::replace(&mut cache.serves, by), until));
        cache.failed_update = false;
    }
}

struct Walk {
    server: FaultServer,
    ground: Ground,
    service: Service,
    model: Model,
}

impl Walk {
    fn new() -> Self {
        let server = server_with(&TAGS);
        let mut ground = Ground::in_memory(&server);
        ground.settings.quotas = Quotas { manual: u32::try_from(QUOTA).unwrap(), automatic: 1 };
        let service = ground.service();
        Self { server, ground, service, model: Model::default() }
    }

    fn image(&self, tag: usize) -> String {
        app(&self.server, TAGS[tag])
    }

    fn pick(&self, which: usize) -> Option<usize> {
        (!self.model.caches.is_empty()).then(|| which % self.model.caches.len())
    }

    async fn step(&mut self, step: &Step) {
        // Uses of the same day differ by their order, in the model as in fact.
        self.ground.time.advance(std::time::Duration::from_secs(1));
        self.model.steps += 1;
        match *step {
            Step::Create { tag, lru, days } => self.create(tag, lru, days).await,
            Step::Update { which, tag, fails } => self.update(which, tag, fails).await,
            Step::RollBack { which } => self.roll_back(which).await,
            Step::Delete { which, when_unused } => self.delete(which, when_unused).await,
            Step::Start { which } => self.start(which).await,
            Step::End { which } => self.end(which).await,
            Step::Days(days) => {
                self.model.day += days;
                self.ground.time.advance(DAY * days);
            }
            Step::Crash { which, tag } => self.crash(which, tag).await,
        }
        self.service.settle().await;
        self.model.settle();
        self.compare(step).await;
    }

    async fn create(&mut self, tag: usize, lru: bool, days: Option<u32>) {
        let policy = CachePolicy {
            elimination: if lru { Elimination::Lru } else { Elimination::Keep },
            retention: days.map(|days| RetentionDays::try_from(days).unwrap()),
            ..CachePolicy::default()
        };
        let new = NewCacheRequest { policy, ..request("web", &self.image(tag)) };
        let answer = self.service.engine.request_cache(new).await;
        let has_room = self.model.counted() < QUOTA;
        let evicted = self.model.evictable().filter(|_| !has_room);
        assert_eq!(answer.is_ok(), has_room || evicted.is_some(), "{answer:?}");
        let Ok(admitted) = answer else { return };
        self.model.caches.retain(|cache| Some(cache.id) != evicted);
        let serves = self.model.snapshot(tag);
        self.model.caches.push(Cache {
            id: admitted.into_cache().id,
            serves,
            failed_update: false,
            earlier: Vec::new(),
            created: self.model.day,
            used: None,
            made: self.model.steps,
            lru,
            days,
            deleting: false,
        });
    }

    async fn ask_update(&self, at: usize, image: &str) -> bool {
        let update = CacheUpdate { images: Some(vec![image.parse().unwrap()]), ..CacheUpdate::default() };
        let id = self.model.caches[at].id.to_string();
        self.service.engine.update_cache(&local(), &id, &update, None).await.is_ok()
    }

    async fn update(&mut self, which: usize, tag: usize, fails: bool) {
        let Some(at) = self.pick(which) else { return };
        let image = if fails { app(&self.server, "none") } else { self.image(tag) };
        let is_taken = self.ask_update(at, &image).await;
        assert_eq!(is_taken, !self.model.caches[at].deleting);
        match (is_taken, fails) {
            (false, _) => {}
            (true, true) => self.model.caches[at].failed_update = true,
            (true, false) => {
                let by = self.model.snapshot(tag);
                self.model.replace(at, by);
            }
        }
    }

    async fn crash(&mut self, which: usize, tag: usize) {
        let Some(at) = self.pick(which) else { return };
        let image = self.image(tag);
        if self.ask_update(at, &image).await {
            let by = self.model.snapshot(tag);
            self.model.replace(at, by);
        }
        let mut doomed = self.ground.doomed(self.model.steps as u64);
        doomed.reconcilers.pass_of("builds").await.unwrap();
        doomed.reconcilers.abandon().await;
        self.service = self.ground.service();
    }

    async fn roll_back(&mut self, which: usize) {
        let Some(at) = self.pick(which) else { return };
        let id = self.model.caches[at].id.to_string();
        let answer = self.service.engine.roll_back(&local(), &id, None).await;
        let cache = &self.model.caches[at];
        assert_eq!(answer.is_ok(), !cache.deleting && !cache.earlier.is_empty(), "{answer:?}");
        if answer.is_ok() {
            let (to, _) = self.model.caches[at].earlier.remove(0);
            self.model.replace(at, to);
        }
    }

    async fn delete(&mut self, which: usize, when_unused: bool) {
        let Some(at) = self.pick(which) else { return };
        let mode = if when_unused { DeleteMode::WhenUnused } else { DeleteMode::Refuse };
        let id = self.model.caches[at].id.to_string();
        let answer = self.service.engine.delete_cache(&local(), &id, mode).await;
        let is_used = self.model.is_used(&self.model.caches[at]);
        assert_eq!(answer.is_ok(), when_unused || !is_used, "{answer:?}");
        match (is_used, when_unused) {
            (false, _) => _ = self.model.caches.remove(at),
            (true, true) => self.model.caches[at].deleting = true,
            (true, false) => {}
        }
    }

    async fn start(&mut self, which: usize) {
        let Some(at) = self.pick(which) else { return };
        let cache = self.service.cache(self.model.caches[at].id).await;
        assert_eq!(cache.is_usable(), !self.model.caches[at].deleting);
        if cache.is_usable() {
            let instance = self.service.start_instance(&cache).await;
            let now = (self.model.day, self.model.steps);
            let cache = &mut self.model.caches[at];
            cache.used = Some(now);
            self.model.instances.push((cache.serves, instance));
        }
    }

    async fn end(&mut self, which: usize) {
        if self.model.instances.is_empty() {
            return;
        }
        let at = which % self.model.instances.len();
        let (_, instance) = self.model.instances.remove(at);
        self.service.end_instance(&instance).await;
    }

    /// What there is, is what the model says.
    async fn compare(&self, step: &Step) {
        let found = self.ground.records.find_caches(&CacheFilter::default(), Page::first()).await.unwrap();
        let ids = |ids: Vec<CacheId>| ids.into_iter().collect::<std::collections::BTreeSet<_>>();
        let expected = ids(self.model.caches.iter().map(|cache| cache.id).collect());
        assert_eq!(ids(found.iter().map(|cache| cache.id).collect()), expected, "after {step:?}");
        let mut named = std::collections::BTreeSet::new();
        for cache in &found {
            let model = self.model.caches.iter().find(|model| model.id == cache.id).unwrap();
            let state = if model.failed_update { CacheState::UpdateFailed } else { CacheState::Ready };
            assert_eq!(cache.state, state, "after {step:?}: {:?}", cache.failure);
            assert_eq!(cache.images[0].to_string(), self.image(model.serves.tag), "after {step:?}");
            let tags: Vec<String> =
                cache.generations.iter().map(|earlier| earlier.images[0].to_string()).collect();
            let expected: Vec<String> = model.earlier.iter().map(|(one, _)| self.image(one.tag)).collect();
            assert_eq!(tags, expected, "after {step:?}");
            assert!(self.service.engine.snapshot_of(cache).await.unwrap().is_some(), "after {step:?}");
            named.extend(cache.snapshot);
            named.extend(cache.generations.iter().map(|earlier| earlier.snapshot));
        }
        named.extend(self.model.instances.iter().map(|(_, instance)| instance.snapshot));
        let stored = self.ground.store.list_snapshots(None, blobstore::PAGE_LIMIT).await.unwrap();
        assert_eq!(stored.into_iter().collect::<std::collections::BTreeSet<_>>(), named, "after {step:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn caches_are_what_the_rules_say(steps in proptest::collection::vec(step(), 1..30)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let mut walk = Walk::new();
            for step in &steps {
                walk.step(step).await;
            }
        });
    }
}
