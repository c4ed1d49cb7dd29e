//! One request against the index.

use model::matching::{
    Holding, ImageMatch, LayersHeld, Left, LeftBecause, MatchCondition, MatchPolicy, MatchRequest, Named,
    Place, Ranking, Standing, Taken,
};
use model::{ByteSize, ImageSource};

use super::account::AccountIndex;
use super::bitmap::Bitmap;
use super::features::{Features, Having};
use super::fingerprint::Fingerprint;
use super::images::Image;
use super::search::Search;
use super::slots::Slots;
use crate::layers::Layers;

/// So many numbers are looked for in a list of numbers one by one.
// Small in unit tests, so that few caches walk all paths.
const LOOKED_FOR: usize = if cfg!(test) { 2 } else { 64 };

/// A wanted image in the index's numbers; `None` is what no cache has.
pub(super) struct Wanted {
    source: Fingerprint,
    pub(super) name: Option<u32>,
    pub(super) digest: Option<Fingerprint>,
    /// Its layers with the sizes stated.
    pub(super) layers: Vec<(Option<u32>, ByteSize)>,
}

impl Wanted {
    fn of(index: &AccountIndex, layers: &Layers, image: &model::matching::WantedImage) -> Self {
        let keys = layers.keys();
        let digest = match &image.source {
            ImageSource::Registry(reference) => reference.digest().map(|d| keys.of_digest(d.digest())),
            ImageSource::OciLayout { .. } | ImageSource::DockerArchive { .. } => None,
        };
        // One that only others have is none.
        let is_held = |layer: &u32| !index.holders.images(*layer).is_empty();
        let layer = |diff_id: &model::DiffId| layers.find_digest(*diff_id).filter(is_held);
        Self {
            source: keys.of_source(&image.source),
            name: index.names.find(keys.of_name(&image.source)),
            digest,
            layers: image.layers.iter().map(|(diff_id, size)| (layer(diff_id), *size)).collect(),
        }
    }

    /// How that image answers to the wanted word, if it does.
    fn named_by(&self, image: &Image) -> Option<Named> {
        if self.source == image.source {
            return Some(Named::Exact);
        }
        let pinned = self.name == Some(image.name) && image.is_pinned_to(self.digest?);
        pinned.then_some(Named::Pinned)
    }

    /// The numbers of its layers, where they are known and each is in some cache.
    pub(super) fn layers_in_index(&self) -> Option<Vec<u32>> {
        let layers: Option<Vec<u32>> = self.layers.iter().map(|(layer, _)| *layer).collect();
        layers.filter(|layers| !layers.is_empty())
    }
}

/// A request, looked up.
pub(super) struct Query<'a> {
    pub(super) index: &'a AccountIndex,
    pub(super) layers: &'a Layers,
    pub(super) request: &'a MatchRequest,
    pub(super) wanted: Vec<Wanted>,
}

impl<'a> Query<'a> {
    pub(super) fn new(index: &'a AccountIndex, layers: &'a Layers, request: &'a MatchRequest) -> Self {
        let wanted = request.images().iter().map(|image| Wanted::of(index, layers, image)).collect();
        Self { index, layers, request, wanted }
    }

    fn slots(&self) -> &'a Slots {
        &self.index.slots
    }

    pub(super) fn rank(&self, limit: usize) -> Ranking {
        let features = Features::of(self);
        let mut shared = Bitmap::with_span(self.slots().span());
        features.all().for_each(|feature| feature.caches.add_to(&mut shared));
        let mut taken = shared.clone();
        self.slots().keep_eligible(self.request, &mut taken);
        self.keep_fulfilling(&mut taken);
        let shared_in_all = shared.count();
        let mut left = shared;
        left.subtract(&taken);
        let taken_in_all = taken.count();
        let best = |caches: Bitmap| Search::new(self.slots(), &features, limit).best(caches);
        Ranking {
            taken: best(taken).into_iter().map(|(place, slot)| self.taken(place, slot)).collect(),
            left: best(left).into_iter().filter_map(|(place, slot)| self.left(place, slot)).collect(),
            taken_in_all,
            left_in_all: shared_in_all - taken_in_all,
            nothing_in_common: self.slots().len() - shared_in_all,
        }
    }

    fn taken(&self, place: Place, slot: u32) -> Taken {
        Taken::standing(Standing { images: self.served_by(slot), place })
    }

    fn left(&self, place: Place, slot: u32) -> Option<Left> {
        let because = LeftBecause::judge(self.request, self.slots().offer(slot), &self.served_by(slot))?;
        Some(Left { id: place.id, because })
    }

    /// How a cache serves each wanted image.
    fn served_by(&self, slot: u32) -> Vec<ImageMatch> {
        let images: Vec<u32> = self.slots().images(slot).collect();
        let records: Vec<&Image> = images.iter().map(|id| self.index.images.get(*id)).collect();
        let layers = self.index.images.layers_of(&images);
        let is_there = |layer: u32| layers.binary_search(&layer).is_ok();
        let served = self.wanted.iter().map(|wanted| {
            let mut held = LayersHeld::none();
            for (layer, size) in &wanted.layers {
                held.add(*size, layer.is_some_and(is_there));
            }
            let holding = Holding {
                named: records.iter().filter_map(|image| wanted.named_by(image)).max(),
                same_name: records.iter().any(|image| wanted.name == Some(image.name)),
                layers: (!wanted.layers.is_empty()).then_some(held),
            };
            holding.judged_by(self.request.policy)
        });
        served.collect()
    }

    /// The images that answer to the wanted word.
    pub(super) fn named(&self, wanted: &Wanted) -> Vec<u32> {
        let mut named = self.index.sources.images(wanted.source, &self.index.images).to_vec();
        if let Some(digest) = wanted.digest {
            let same_name = wanted.name.map_or(&[][..], |name| self.index.names.images(name));
            named.extend(same_name.iter().filter(|id| self.index.images.get(**id).is_pinned_to(digest)));
            named.sort_unstable();
            named.dedup();
        }
        named
    }

    /// The caches that have all these layers.
    pub(super) fn with_layers(&self, layers: &[u32]) -> Having<'a> {
        let holders = &self.index.holders;
        let mut layers = layers.to_vec();
        layers.sort_unstable_by_key(|layer| holders.images(*layer).len());
        let Some((rarest, others)) = layers.split_first() else { return Having::Few(Vec::new()) };
        let of_rarest = holders.images(*rarest);
        let mut found = self.index.having(holders, *rarest);
        for layer in others {
            let images = holders.images(*layer);
            // Whoever has the rarest has this one, too, as layers of one image mostly are.
            if is_within(of_rarest, images) {
                continue;
            }
            match self.index.dense(holders, *layer) {
                Some(dense) => found.keep(dense),
                None => found.keep(&self.index.images.caches_of(images, self.slots().span())),
            }
        }
        found
    }

    /// The caches that have that image whole, as the policy sees it.
    fn whole(&self, wanted: &Wanted) -> Bitmap {
        let named = || self.index.images.caches_of(&self.named(wanted), self.slots().span());
        let by_layers = || match wanted.layers_in_index() {
            Some(layers) => self.with_layers(&layers).into_bitmap(self.slots().span()),
            None => Bitmap::default(),
        };
        match self.request.policy {
            MatchPolicy::Tencent => named(),
            MatchPolicy::Alibaba => {
                let mut whole = named();
                whole.add(&by_layers());
                whole
            }
            MatchPolicy::Content if wanted.layers.is_empty() => named(),
            MatchPolicy::Content => by_layers(),
        }
    }

    /// Keeps the caches that fulfil the request's condition.
    fn keep_fulfilling(&self, caches: &mut Bitmap) {
        let least = match self.request.condition {
            MatchCondition::Any => return,
            MatchCondition::Perfect => {
                self.wanted.iter().for_each(|wanted| caches.keep(&self.whole(wanted)));
                return;
            }
            MatchCondition::AtLeast(least) => least.get() as usize,
        };
        if least > self.wanted.len() {
            *caches = Bitmap::default();
            return;
        }
        // At index n: those that have n + 1 of the images looked at so far.
        let mut with: Vec<Bitmap> = vec![Bitmap::default(); least];
        for wanted in &self.wanted {
            let whole = self.whole(wanted);
            for count in (1..least).rev() {
                let one_more = with[count - 1].both(&whole);
                with[count].add(&one_more);
            }
            with[0].add(&whole);
        }
        caches.keep(&with[least - 1]);
    }
}

/// Whether all of the ones are among the others, both ascending; not looked for where they are many.
fn is_within(ones: &[u32], others: &[u32]) -> bool {
    ones == others || (ones.len() <= LOOKED_FOR && ones.iter().all(|one| others.binary_search(one).is_ok()))
}
