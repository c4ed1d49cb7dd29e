//! A request as sets of caches.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use model::matching::MatchPolicy;

use super::account::AccountIndex;
use super::bitmap::Bitmap;
use super::query::{Query, Wanted};
use crate::layers::Layers;

/// Layers whose images are no more than this are grouped where the images are the same. Comparing longer lists costs more
/// than a set too many.
// Small in unit tests, so that few caches walk all paths.
const GROUPED: usize = if cfg!(test) { 3 } else { 64 };

/// The caches that have a feature.
pub(super) enum Having<'a> {
    /// Slots, ascending.
    Few(Vec<u32>),
    /// All others.
    Many(Cow<'a, Bitmap>),
}

impl Having<'_> {
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Few(slots) => slots.is_empty(),
            Self::Many(many) => many.is_empty(),
        }
    }

    pub(super) fn add_to(&self, caches: &mut Bitmap) {
        match self {
            Self::Few(slots) => slots.iter().for_each(|slot| caches.insert(*slot)),
            Self::Many(many) => caches.add(many),
        }
    }

    /// Keeps only what is in the other, too.
    pub(super) fn keep(&mut self, others: &Bitmap) {
        match self {
            Self::Few(slots) => slots.retain(|slot| others.contains(*slot)),
            Self::Many(many) => many.to_mut().keep(others),
        }
    }

    pub(super) fn into_bitmap(self, span: usize) -> Bitmap {
        match self {
            Self::Few(slots) => {
                let mut bitmap = Bitmap::with_span(span);
                slots.into_iter().for_each(|slot| bitmap.insert(slot));
                bitmap
            }
            Self::Many(many) => many.into_owned(),
        }
    }
}

/// Something that caches may have and that counts, and the caches that have it.
pub(super) struct Feature<'a> {
    /// Who has it.
    pub(super) caches: Having<'a>,
    /// Bytes that it spares from fetching, by the request's sizes.
    pub(super) saved: u64,
    /// The same bytes by the caches' own sizes.
    pub(super) used: u64,
    /// Layers of which several features may have the same ones: each counts once, by the caches' own sizes.
    pub(super) layers: Vec<u32>,
}

/// By which features a wanted image is recognised.
#[derive(Default)]
pub(super) struct Signs {
    /// It is there whole where all of these are; `None` where that cannot be.
    pub(super) all_of: Option<Vec<usize>>,
    /// Or where any of these is.
    pub(super) any_of: Vec<usize>,
    /// It is there in some version where this is.
    pub(super) name: Option<usize>,
}

/// All features that count for a request, and what they say of the wanted images.
pub(super) struct Features<'a> {
    index: &'a AccountIndex,
    pub(super) layers: &'a Layers,
    pub(super) policy: MatchPolicy,
    features: Vec<Feature<'a>>,
    pub(super) signs: Vec<Signs>,
}

impl<'a> Features<'a> {
    pub(super) fn of(query: &Query<'a>) -> Self {
        let policy = query.request.policy;
        let Query { index, layers, .. } = *query;
        let mut features = Self { index, layers, policy, features: Vec::new(), signs: Vec::new() };
        match policy {
            MatchPolicy::Alibaba => features.add_versions(query),
            MatchPolicy::Tencent => features.add_names(query),
            MatchPolicy::Content => features.add_contents(query),
        }
        features
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Feature<'a>> {
        self.features.iter()
    }

    pub(super) fn count(&self) -> usize {
        self.features.len()
    }

    pub(super) fn get(&self, feature: usize) -> &Feature<'a> {
        &self.features[feature]
    }

    /// The features by what they are worth, the greatest first.
    pub(super) fn by_weight(&self) -> Vec<usize> {
        let size = |layer: &u32| self.layers.size(*layer);
        let weight = |feature: &usize| {
            let feature = self.get(*feature);
            feature.layers.iter().map(size).fold(feature.saved, u64::saturating_add)
        };
        let mut order: Vec<usize> = (0..self.features.len()).collect();
        order.sort_by_cached_key(|feature| std::cmp::Reverse(weight(feature)));
        order
    }

    fn push(&mut self, caches: Having<'a>, layers: Vec<u32>) -> usize {
        self.features.push(Feature { caches, saved: 0, used: 0, layers });
        self.features.len() - 1
    }

    /// `alibaba`: images by word or digest, or by all their layers; and names.
    fn add_versions(&mut self, query: &Query<'a>) {
        let mut by_image = HashMap::new();
        for wanted in &query.wanted {
            let mut signs =
                Signs { any_of: self.add_images(query, wanted, &mut by_image, &[]), ..Signs::default() };
            if let Some(layers) = wanted.layers_in_index() {
                let caches = query.with_layers(&layers);
                if !caches.is_empty() {
                    signs.any_of.push(self.push(caches, layers));
                }
            }
            self.signs.push(signs);
        }
        self.name(query);
    }

    /// `tencent`: names alone.
    fn add_names(&mut self, query: &Query<'a>) {
        self.signs.extend(query.wanted.iter().map(|_| Signs::default()));
        self.name(query);
    }

    fn name(&mut self, query: &Query<'a>) {
        let mut by_name = HashMap::new();
        for (number, wanted) in query.wanted.iter().enumerate() {
            let Some(name) = wanted.name else { continue };
            let feature = *by_name
                .entry(name)
                .or_insert_with(|| self.push(self.index.having(&self.index.names.holders, name), Vec::new()));
            self.signs[number].name = Some(feature);
        }
    }

    /// `content`: layers where they are known, and else images by word or digest.
    fn add_contents(&mut self, query: &Query<'a>) {
        let by_layer = self.add_layers(query);
        let mut by_image = HashMap::new();
        let counted: BTreeSet<u32> = by_layer.keys().copied().collect();
        let counted: Vec<u32> = counted.into_iter().collect();
        for wanted in &query.wanted {
            let signs = if wanted.layers.is_empty() {
                Signs { any_of: self.add_images(query, wanted, &mut by_image, &counted), ..Signs::default() }
            } else {
                let layers = wanted.layers_in_index();
                let all_of = layers.map(|layers| {
                    let features: BTreeSet<usize> = layers.iter().map(|layer| by_layer[layer]).collect();
                    features.into_iter().collect()
                });
                Signs { all_of, ..Signs::default() }
            };
            self.signs.push(signs);
        }
    }

    /// A feature for each known layer, those of the same few images together.
    fn add_layers(&mut self, query: &Query<'a>) -> HashMap<u32, usize> {
        let mut sizes: HashMap<u32, u64> = HashMap::new();
        for (layer, size) in query.wanted.iter().flat_map(|wanted| &wanted.layers) {
            if let Some(layer) = layer {
                let known = sizes.entry(*layer).or_default();
                *known = (*known).max(size.as_u64());
            }
        }
        let mut by_layer = HashMap::new();
        let mut groups: HashMap<&[u32], usize> = HashMap::new();
        for (layer, size) in sizes {
            let images = self.index.holders.images(layer);
            // Hashing a long list alone would take longer than all the rest.
            let grouped = if images.len() <= GROUPED { groups.get(images).copied() } else { None };
            let feature = grouped
                .unwrap_or_else(|| self.push(self.index.having(&self.index.holders, layer), Vec::new()));
            if images.len() <= GROUPED {
                groups.insert(images, feature);
            }
            let known = &mut self.features[feature];
            known.saved = known.saved.saturating_add(size);
            known.used = known.used.saturating_add(self.layers.size(layer));
            by_layer.insert(layer, feature);
        }
        by_layer
    }

    /// A feature for each image that answers to the wanted word; of its layers those count that are not counted elsewhere.
    fn add_images(
        &mut self,
        query: &Query<'a>,
        wanted: &Wanted,
        by_image: &mut HashMap<u32, usize>,
        counted: &[u32],
    ) -> Vec<usize> {
        let add = |id: u32| {
            *by_image.entry(id).or_insert_with(|| {
                let layers = self.index.images.layers(id);
                let layers = layers.filter(|layer| counted.binary_search(layer).is_err()).collect();
                self.push(self.index.having_images(&[id]), layers)
            })
        };
        query.named(wanted).into_iter().map(add).collect()
    }
}
