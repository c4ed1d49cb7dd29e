//! Policies as documents: JSON in the form of RAM's version 1.
//!
//! ```json
//! {"Version": "1", "Statement": [{
//!     "Effect": "Allow", "Action": "eci:*", "Resource": ["acs:eci:*:*:imagecache/*"],
//!     "Condition": {"StringEquals": {"eci:tag/team": ["shop", "web"]}}
//! }]}
//! ```
//!
//! What is not understood is refused, not passed over: a condition that is dropped would allow more than was meant.

use std::collections::BTreeMap;

use model::Tags;
use serde::Deserialize;

use super::{Effect, Pattern, Policy, Statement, TagCondition};

/// The document of [`Policy::full_access`].
pub const FULL_ACCESS: &str =
    r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":["eci:*","tke:*"],"Resource":"*"}]}"#;

/// The document of [`Policy::read_only`].
pub const READ_ONLY: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":["eci:Describe*","eci:List*","tke:Describe*","tke:Get*"],"Resource":"*"}]}"#;

/// The longest document, in bytes.
pub const LONGEST_DOCUMENT: usize = 6144;

/// What the key of a condition on a tag begins with; the tag's key follows.
const TAG: &str = "eci:tag/";

/// Why a text is no policy.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// Too long.
    #[error("failed to read the policy: it has {0} bytes, at most {LONGEST_DOCUMENT} are taken")]
    TooLong(usize),
    /// No JSON, or of another shape.
    #[error("failed to read the policy as a document of version 1")]
    Shape(#[source] serde_json::Error),
    /// Another version.
    #[error("failed to read the policy: its version is `{0}`; expected `1`")]
    Version(String),
    /// No statement, or one without an action or resource.
    #[error("failed to read the policy: there is no {0}")]
    Empty(&'static str),
    /// A pattern with `?`.
    #[error("failed to read the pattern `{0}`: `*` is known, `?` is not")]
    Pattern(String),
    /// A condition that is not known.
    #[error("failed to read the condition `{0}`: known is `StringEquals` on `eci:tag/KEY`")]
    Condition(String),
    /// A condition on what cannot be a tag.
    #[error("failed to read the condition `{key}`")]
    Tag {
        /// Its key.
        key: String,
        /// Why.
        #[source]
        source: model::TagError,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Document {
    version: String,
    statement: Vec<Said>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Said {
    effect: SaidEffect,
    action: OneOrMore,
    resource: OneOrMore,
    #[serde(default)]
    condition: BTreeMap<String, BTreeMap<String, OneOrMore>>,
}

#[derive(Deserialize)]
enum SaidEffect {
    Allow,
    Deny,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl OneOrMore {
    fn into_all(self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text],
            Self::More(texts) => texts,
        }
    }

    fn into_patterns(self, what: &'static str) -> Result<Vec<Pattern>, PolicyError> {
        let texts = self.into_all();
        if texts.is_empty() {
            return Err(PolicyError::Empty(what));
        }
        let pattern = |text: String| match text.contains('?') {
            true => Err(PolicyError::Pattern(text)),
            false => Ok(Pattern::new(&text)),
        };
        texts.into_iter().map(pattern).collect()
    }
}

impl Policy {
    /// Reads a document.
    ///
    /// # Errors
    /// Where it is none, or says something that would not be kept to.
    pub fn from_json(text: &str) -> Result<Self, PolicyError> {
        if text.len() > LONGEST_DOCUMENT {
            return Err(PolicyError::TooLong(text.len()));
        }
        let document: Document = serde_json::from_str(text).map_err(PolicyError::Shape)?;
        if document.version != "1" {
            return Err(PolicyError::Version(document.version));
        }
        if document.statement.is_empty() {
            return Err(PolicyError::Empty("statement"));
        }
        let statements = document.statement.into_iter().map(statement).collect::<Result<_, _>>()?;
        Ok(Self { statements })
    }
}

fn statement(said: Said) -> Result<Statement, PolicyError> {
    let effect = match said.effect {
        SaidEffect::Allow => Effect::Allow,
        SaidEffect::Deny => Effect::Deny,
    };
    let mut tags = Vec::new();
    for (operator, keys) in said.condition {
        if operator != "StringEquals" {
            return Err(PolicyError::Condition(operator));
        }
        for (key, values) in keys {
            tags.push(tag_condition(&key, values)?);
        }
    }
    Ok(Statement {
        effect,
        actions: said.action.into_patterns("action")?,
        resources: said.resource.into_patterns("resource")?,
        tags,
    })
}

fn tag_condition(key: &str, values: OneOrMore) -> Result<TagCondition, PolicyError> {
    let tag = key.strip_prefix(TAG).ok_or_else(|| PolicyError::Condition(key.to_owned()))?;
    let values = values.into_all();
    if values.is_empty() {
        // One that is met by nothing, or by everything: nobody can know which was meant.
        return Err(PolicyError::Empty("value of a condition"));
    }
    for value in &values {
        Tags::check(tag, value).map_err(|source| PolicyError::Tag { key: key.to_owned(), source })?;
    }
    Ok(TagCondition { key: tag.to_owned(), values })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_presets_are_their_documents() {
        assert_eq!(Policy::from_json(FULL_ACCESS).unwrap(), Policy::full_access());
        assert_eq!(Policy::from_json(READ_ONLY).unwrap(), Policy::read_only());
    }

    #[test]
    fn reads_one_or_more_of_everything() {
        let text = r#"{"Version": "1", "Statement": [
            {"Effect": "Allow", "Action": "eci:*", "Resource": ["acs:eci:*:*:imagecache/*", "*"]},
            {"Effect": "Deny", "Action": ["eci:DeleteImageCache"], "Resource": "*",
             "Condition": {"StringEquals": {"eci:tag/team": ["shop", "web"], "eci:tag/env": "live"}}}
        ]}"#;
        let policy = Policy::from_json(text).unwrap();
        let condition = |key: &str, values: &[&str]| TagCondition {
            key: key.to_owned(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
        };
        assert_eq!(policy.statements[0].resources.len(), 2);
        assert_eq!(policy.statements[1].effect, Effect::Deny);
        assert_eq!(
            policy.statements[1].tags,
            [condition("env", &["live"]), condition("team", &["shop", "web"])]
        );
    }

    #[test]
    fn refuses_what_would_not_be_kept_to() {
        let with = |rest: &str| {
            format!(
                r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"eci:*","Resource":"*"{rest}}}]}}"#
            )
        };
        assert!(Policy::from_json(&with("")).is_ok());
        for rest in [
            r#","NotAction":"eci:*""#,
            r#","Condition":{"IpAddress":{"acs:SourceIp":"10.0.0.0/8"}}"#,
            r#","Condition":{"StringEquals":{"acs:ResourceTag/a":"b"}}"#,
            r#","Condition":{"StringEquals":{"eci:tag/":"b"}}"#,
            r#","Condition":{"StringEquals":{"eci:tag/a":[]}}"#,
        ] {
            assert!(Policy::from_json(&with(rest)).is_err(), "{rest}");
        }
        for text in [
            "",
            "[]",
            "null",
            r#"{"Version":"2012-10-17","Statement":[]}"#,
            r#"{"Version":"1","Statement":[]}"#,
            r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":[],"Resource":"*"}]}"#,
            r#"{"Version":"1","Statement":[{"Effect":"allow","Action":"*","Resource":"*"}]}"#,
            r#"{"Version":"1","Statement":[{"Effect":"Deny","Action":"eci:?*","Resource":"*"}]}"#,
            &with(&" ".repeat(LONGEST_DOCUMENT)),
        ] {
            assert!(Policy::from_json(text).is_err(), "{text}");
        }
    }
}
