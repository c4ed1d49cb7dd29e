//! What a request may ask for: within what a cache can be at all, whoever runs the machine says it.

use std::ops::RangeInclusive;

use model::{ByteSize, CacheName, ImageSource, RefreshSeconds, Staleness};

use crate::Error;

/// The most that a request may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheBounds {
    /// The largest size.
    pub most_size: ByteSize,
    /// The most images of one cache.
    pub most_images: usize,
    /// The fewest seconds between two looks at a cache's tags.
    pub least_refresh_seconds: u32,
    /// The most of them.
    pub most_refresh_seconds: u32,
}

impl Default for CacheBounds {
    fn default() -> Self {
        Self {
            most_size: ByteSize::gib(32_768),
            most_images: super::request::MOST_IMAGES,
            least_refresh_seconds: RefreshSeconds::LEAST,
            most_refresh_seconds: RefreshSeconds::MOST,
        }
    }
}

/// What of a cache is bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bounded {
    /// Its size, in GiB.
    Size,
    /// How many images it has.
    Images,
    /// Seconds between two looks at its tags.
    Refresh,
}

impl Bounded {
    pub(crate) fn unit(self) -> &'static str {
        match self {
            Self::Size => "GiB",
            Self::Images => "images",
            Self::Refresh => "seconds between two looks at the tags",
        }
    }
}

/// What a request asks for; `None` where it says nothing of it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asked<'a> {
    pub(super) size: Option<ByteSize>,
    pub(super) images: Option<&'a [ImageSource]>,
    pub(super) staleness: Option<Staleness>,
}

impl CacheBounds {
    /// Refuses what is over or under these.
    pub(super) fn check(&self, name: &CacheName, asked: Asked<'_>) -> Result<(), Error> {
        let check = |what, given: u64, allowed: RangeInclusive<u64>| match allowed.contains(&given) {
            true => Ok(()),
            false => {
                let (least, most) = allowed.into_inner();
                Err(Error::OutOfBounds { name: name.clone(), what, given, least, most })
            }
        };
        if let Some(size) = asked.size.filter(|size| *size > self.most_size) {
            check(Bounded::Size, size.gib_rounded_up(), 1..=self.most_size.gib_rounded_up())?;
        }
        if let Some(images) = asked.images {
            check(Bounded::Images, images.len() as u64, 1..=self.most_images as u64)?;
        }
        if let Some(Staleness::Refresh { interval_seconds }) = asked.staleness {
            let allowed = u64::from(self.least_refresh_seconds)..=u64::from(self.most_refresh_seconds);
            check(Bounded::Refresh, u64::from(interval_seconds.get()), allowed)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(asked: Asked<'_>) -> Option<String> {
        let bounds = CacheBounds {
            most_size: ByteSize::gib(10),
            most_images: 2,
            least_refresh_seconds: 600,
            most_refresh_seconds: 3600,
        };
        bounds.check(&"web".parse().unwrap(), asked).err().map(|error| error.to_string())
    }

    #[test]
    fn every_bound_is_kept_and_told() {
        let images: Vec<ImageSource> = ["a", "b", "c"].map(|image| image.parse().unwrap()).into();
        let size = |gib| Asked { size: Some(ByteSize::gib(gib)), ..Asked::default() };
        let few = |count| Asked { images: Some(&images[..count]), ..Asked::default() };
        let every = |seconds: u32| {
            let interval_seconds = seconds.try_into().unwrap();
            Asked { staleness: Some(Staleness::Refresh { interval_seconds }), ..Asked::default() }
        };
        for allowed in [Asked::default(), size(10), few(2), every(600), every(3600)] {
            assert_eq!(refused(allowed), None, "{allowed:?}");
        }
        let strict = Asked { staleness: Some(Staleness::Strict), ..Asked::default() };
        assert_eq!(refused(strict), None);
        for (asked, what, allowed) in [
            (size(11), "11 GiB", "1 to 10"),
            (few(3), "3 images", "1 to 2"),
            (every(599), "599 seconds between two looks at the tags", "600 to 3600"),
            (every(3601), "3601 seconds between two looks at the tags", "600 to 3600"),
        ] {
            let told = format!("failed to take {what} for the cache `web`: {allowed} are allowed here");
            assert_eq!(refused(asked), Some(told));
        }
    }
}
