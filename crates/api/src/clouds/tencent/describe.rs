//! Caches described, and the one that serves some images best.

use std::collections::BTreeMap;

use clouds::tencent::{
    Answer, DescribeImageCaches, Error, GetMostSuitableImageCache, ImageCache, ShownCredential, translate,
};
use model::{CacheId, Cloud, Event};
use wire::{FindMatches, MatchPolicy};

use super::{Caller, refusals};
use crate::clouds::advice::by_parameters;
use crate::clouds::listing::{self, Start, Wanted};
use crate::clouds::recorded::{Recorded, RecordedLogin, labels};
use crate::service::{CacheFilter, CacheView, ServiceError, ServiceErrorKind};

/// How many caches are looked at for the best one of the region.
const MOST_MATCHES: u32 = 100;

impl Caller {
    pub(super) async fn describe_caches(&self, describe: &DescribeImageCaches) -> Result<Answer, Error> {
        let of = |error: ServiceError| refusals::of_caches("", &error);
        let wanted = translate::wanted(describe);
        let filter = CacheFilter {
            ids: wanted.ids.map(|ids| ids.into_iter().collect()),
            names: wanted.names.map(|names| names.into_iter().collect()),
            labels: labels(Cloud::Tencent, &self.region, None, &self.edge.clouds().tencent),
            ..CacheFilter::default()
        };
        let wanted = Wanted { start: Start::Offset(describe.offset), limit: describe.limit, fits: None };
        let page = listing::page(&self.edge, &self.account, &filter, wanted).await.map_err(of)?;
        let events = listing::events(&self.edge, &self.account, &page.caches).await.map_err(of)?;
        let shown = page.caches.iter().map(|view| show(view, &events)).collect();
        Ok(Answer::DescribeImageCaches { total_count: page.total, image_caches: shown })
    }

    pub(super) async fn most_suitable(&self, get: &GetMostSuitableImageCache) -> Result<Answer, Error> {
        let of = |error: ServiceError| refusals::of_caches("", &error);
        let platform = model::Platform::linux_amd64();
        if translate::match_request(get, platform).is_none() {
            return Ok(Answer::most_suitable(None));
        }
        let asked = FindMatches {
            policy: MatchPolicy::Tencent,
            by_name_only: true,
            limit: Some(MOST_MATCHES),
            ..FindMatches::of(translate::sources(&get.images))
        };
        let ranking = self.edge.service().match_images(&self.account, &asked).await.map_err(of)?;
        for taken in ranking.taken {
            let view = listing::cache(&self.edge, &self.account, taken.id).await.map_err(of)?;
            if let Some(mut view) = view.filter(|view| self.is_here(view)) {
                // Whoever asks starts from it: it is matched by that.
                match self.edge.service().note_match(&self.account, view.cache.id).await {
                    Ok(()) => view.cache.last_used = view.cache.last_used.max(Some(self.edge.clock().now())),
                    // It went in between.
                    Err(error) if error.kind == ServiceErrorKind::NotFound => continue,
                    Err(error) => return Err(of(error)),
                }
                let views = [view];
                let events = listing::events(&self.edge, &self.account, &views).await.map_err(of)?;
                return Ok(Answer::most_suitable(Some(show(&views[0], &events))));
            }
        }
        Ok(Answer::most_suitable(None))
    }
}

fn show(view: &CacheView, events: &BTreeMap<CacheId, Vec<Event>>) -> ImageCache {
    let cache = &view.cache;
    let events = events.get(&cache.id).map_or(&[][..], Vec::as_slice);
    let recorded = Recorded::of(cache.notes.as_ref());
    let shown = |login: &RecordedLogin| ShownCredential {
        server: login.server.clone(),
        username: login.username.clone(),
        name: login.name.clone(),
    };
    let credentials: Vec<ShownCredential> = recorded.logins.iter().map(shown).collect();
    let images = recorded.texts_of(&cache.images);
    let given = translate::Given { images: &images, credentials: &credentials, matched: None };
    let mut shown = translate::image_cache(cache, view.expires, events, given);
    for event in &mut shown.events {
        event.message = by_parameters(Cloud::Tencent, &event.message);
    }
    shown
}
