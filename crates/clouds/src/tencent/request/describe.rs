//! `DescribeImageCaches`.

use super::fields::Fields;
use super::structures::{MOST_LISTED, NamedCache, named_cache};
use super::{Code, Error};

/// The most caches of one page.
const MOST_OF_A_PAGE: u64 = 50;
/// The caches of a page of which no limit is said.
const DEFAULT_PAGE: u64 = 20;

/// A filter: lets caches through that have one of the values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// `image-cache-name`, the only one there is.
    ImageCacheName(Vec<String>),
}

/// A listing that is asked for; caches that every given part lets through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribeImageCaches {
    /// Only these; none: all. Unknown ones are left out.
    pub image_cache_ids: Option<Vec<NamedCache>>,
    /// Only those of these names; none: all.
    pub image_cache_names: Option<Vec<String>>,
    /// The most of them, 0 to 50.
    pub limit: u32,
    /// How many are passed over.
    pub offset: u64,
    /// All of them must let a cache through.
    pub filters: Vec<Filter>,
}

impl DescribeImageCaches {
    pub(super) fn read(fields: &mut Fields) -> Result<Self, Error> {
        // An empty list is what some clients send for none.
        let some = |list: Option<Vec<String>>| list.filter(|list| !list.is_empty());
        let ids = some(fields.words("ImageCacheIds", 0..=MOST_LISTED)?);
        Ok(Self {
            image_cache_ids: ids.map(|ids| ids.into_iter().map(named_cache).collect()),
            image_cache_names: some(fields.words("ImageCacheNames", 0..=MOST_LISTED)?),
            limit: limit(fields)?,
            offset: fields.whole("Offset").unwrap_or_default(),
            filters: fields.objects("Filters", 0..=MOST_LISTED, filter)?.unwrap_or_default(),
        })
    }
}

fn limit(fields: &mut Fields) -> Result<u32, Error> {
    let limit = fields.whole("Limit").unwrap_or(DEFAULT_PAGE);
    u32::try_from(limit).ok().filter(|_| limit <= MOST_OF_A_PAGE).ok_or_else(|| {
        let message = format!("Parameter `Limit` value error: must be at most {MOST_OF_A_PAGE}.");
        Error::saying(Code::InvalidParameter, message)
    })
}

fn filter(fields: &mut Fields) -> Result<Filter, Error> {
    match fields.word("Name")?.as_str() {
        "image-cache-name" => {
            Ok(Filter::ImageCacheName(fields.words("Values", 1..=MOST_LISTED)?.unwrap_or_default()))
        }
        _ => Err(Error::value(&fields.name("Name"), "must be `image-cache-name`")),
    }
}
