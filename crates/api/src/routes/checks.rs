//! What documents may say beyond their form: ranges, and what only an administrator may.

use std::collections::HashSet;
use std::num::NonZeroU32;

use model::{ByteSize, ImageSource, Platform};
use wire::{ProblemKind, Scope};

use crate::auth::Caller;
use crate::refusal::Refusal;

/// The most images of one cache.
pub(super) const MOST_IMAGES: usize = 20;
/// The largest size of a cache, in GiB.
const MOST_GIB: u64 = 32_768;

/// 1 to `most` images, none twice, and none from the server's own files unless an administrator asks: whoever else named a
/// file here would read what is not his.
pub(super) fn images(caller: &Caller, images: &[ImageSource], most: usize) -> Result<(), Refusal> {
    if !(1..=most).contains(&images.len()) {
        let given = format!("{} images", images.len());
        return Err(Refusal::out_of_range("images", given, &format!("1 to {most} images")));
    }
    let mut seen = HashSet::new();
    for (index, image) in images.iter().enumerate() {
        let field = format!("images[{index}]");
        if !seen.insert(image) {
            let refusal = Refusal::new(ProblemKind::InvalidField).field(field);
            return Err(refusal.detail(format!("failed to take the image {image}: it is named twice")));
        }
        self::image(caller, image, &field)?;
    }
    Ok(())
}

/// One image.
pub(super) fn image(caller: &Caller, image: &ImageSource, field: &str) -> Result<(), Refusal> {
    let path = match image {
        ImageSource::Registry(_) => return Ok(()),
        ImageSource::OciLayout { dir: path, .. } | ImageSource::DockerArchive { file: path, .. } => path,
    };
    if !caller.may(Scope::Admin) {
        let refusal = Refusal::new(ProblemKind::Forbidden).field(field);
        return Err(refusal
            .detail("failed to allow an image from the server's files: the token lacks the scope `admin`"));
    }
    if !path.is_absolute() {
        return Err(Refusal::out_of_range(
            field,
            format!("the path `{}`", path.display()),
            "an absolute path",
        ));
    }
    Ok(())
}

/// A size in GiB.
pub(super) fn size(gib: Option<u64>) -> Result<Option<ByteSize>, Refusal> {
    match gib {
        Some(gib) if !(1..=MOST_GIB).contains(&gib) => {
            Err(Refusal::out_of_range("size_gib", gib, &format!("1 to {MOST_GIB}")))
        }
        gib => Ok(gib.map(ByteSize::gib)),
    }
}

/// The platform that is meant where none is said.
pub(super) fn platform(said: Option<Platform>) -> Platform {
    said.unwrap_or_else(Platform::linux_amd64)
}

/// The space of an instance: no cache is larger than what is allowed.
pub(super) fn space(space: Option<ByteSize>) -> Result<(), Refusal> {
    const MOST: ByteSize = ByteSize::gib(MOST_GIB);
    match space {
        Some(space) if space > MOST => {
            Err(Refusal::out_of_range("space_bytes", space.as_u64(), &format!("at most {}", MOST.as_u64())))
        }
        _ => Ok(()),
    }
}

/// The least number of images that a cache must have of those wanted: more than can be asked for is none.
pub(super) fn match_count(count: Option<NonZeroU32>) -> Result<(), Refusal> {
    const MOST: u32 = 100;
    match count {
        Some(count) if count.get() > MOST => {
            Err(Refusal::out_of_range("match_count", count, &format!("1 to {MOST}")))
        }
        _ => Ok(()),
    }
}
