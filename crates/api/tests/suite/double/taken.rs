//! What the double says of a cache that was taken.

use super::*;

pub(super) fn taken(cache: &ImageCache, request: &FindMatches) -> Taken {
    let image = |image: &ImageSource| ImageMatch {
        image: image.clone(),
        is_whole: cache.images.contains(image),
        found: Found::Exact,
        here_bytes: None,
        of_bytes: None,
    };
    Taken {
        id: cache.id,
        name: cache.name.to_string(),
        state: cache.state.into(),
        is_perfect: request.images.iter().all(|image| cache.images.contains(image)),
        images: request.images.iter().map(image).collect(),
        grade: Grade::Tencent { names: 1 },
        compared_bytes: ByteSize::ZERO,
    }
}
