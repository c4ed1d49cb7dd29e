//! Tags, given and asked for.

use std::collections::BTreeMap;

use model::Tags;

use crate::alibaba::error::{ErrorCode, Refusal};
use crate::alibaba::parameters::Fields;

/// A tag that is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagFilter {
    /// The key.
    pub key: String,
    /// The value; any where there is none.
    pub value: Option<String>,
}

impl TagFilter {
    /// `Tag.N` of the operations that look for resources.
    pub(super) fn read(fields: &Fields<'_>, most: usize) -> Result<Vec<Self>, Refusal> {
        fields.objects("Tag", most, |tag| {
            let value = tag.blank_or("Value").map(ToOwned::to_owned);
            Ok(Self { key: tag.required("Key")?, value })
        })
    }
}

/// Which limits tags are held to.
#[derive(Clone, Copy)]
pub(super) struct TagRules {
    /// The most characters of a key.
    pub(super) longest_key: usize,
    /// What is said where there are too many; none where it is said as of any list.
    pub(super) too_many: Option<ErrorCode>,
}

impl TagRules {
    /// Of image caches, and of tags that are put on later.
    pub(super) const CACHE: Self = Self { longest_key: Tags::LONGEST, too_many: None };
    /// Of container groups.
    pub(super) const GROUP: Self = Self { longest_key: 64, too_many: None };
    /// Of `TagResources`.
    pub(super) const RESOURCES: Self =
        Self { longest_key: Tags::LONGEST, too_many: Some(ErrorCode::NumberExceedTags) };
}

/// `Tag.N` of the operations that give tags: none where there is no such parameter.
pub(super) fn read(fields: &Fields<'_>, rules: TagRules) -> Result<Option<Tags>, Refusal> {
    let pairs = fields.objects("Tag", Tags::MOST, |tag| {
        let (key, value) = (tag.required::<String>("Key")?, tag.blank_or("Value").unwrap_or_default());
        if key.chars().count() > rules.longest_key || is_reserved(&key) || key.chars().any(char::is_control) {
            return Err(tag.invalid("Key"));
        }
        if value.chars().count() > Tags::LONGEST || is_reserved(value) || value.chars().any(char::is_control)
        {
            return Err(tag.invalid("Value"));
        }
        Ok((key, value.to_owned()))
    });
    let pairs = match (pairs, rules.too_many) {
        (Err(refusal), Some(code)) if refusal.code() == ErrorCode::InvalidParameterLengthExceeded => {
            return Err(Refusal::new(code));
        }
        (pairs, _) => pairs?,
    };
    if pairs.is_empty() {
        return Ok(None);
    }
    let given = pairs.len();
    let tags: BTreeMap<_, _> = pairs.into_iter().collect();
    if tags.len() < given {
        return Err(fields.invalid("Tag"));
    }
    tags.try_into().map(Some).map_err(|_| fields.invalid("Tag"))
}

/// What tags must not begin with or have in them.
fn is_reserved(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    lower.starts_with("aliyun")
        || lower.starts_with("acs:")
        || lower.contains("http://")
        || lower.contains("https://")
}
