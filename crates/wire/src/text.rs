//! Types that go over the wire as their text, by `Display` and `FromStr`.

use std::fmt::Display;
use std::str::FromStr;

use serde::{Deserialize as _, Deserializer, Serializer, de};

/// For `#[serde(with = "crate::text")]`.
pub(crate) fn serialize<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

pub(crate) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr,
    T::Err: Display,
    D: Deserializer<'de>,
{
    String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
}

/// For names that are chosen here: plain ones alone.
pub(crate) fn plain_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<model::CacheName, D::Error> {
    model::CacheName::plain(&String::deserialize(deserializer)?).map_err(de::Error::custom)
}

/// The same, for fields that may be left out.
pub(crate) fn optional_plain_name<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<model::CacheName>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| model::CacheName::plain(&text).map_err(de::Error::custom)).transpose()
}

/// For fields that may be left out.
pub(crate) mod optional {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize as _, Deserializer, Serializer, de};

    #[allow(clippy::ref_option, reason = "serde asks for this form")]
    pub(crate) fn serialize<T: Display, S: Serializer>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => serializer.collect_str(value),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
    where
        T: FromStr,
        T::Err: Display,
        D: Deserializer<'de>,
    {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(de::Error::custom)).transpose()
    }
}

/// For fields of a change where "left out", `null` and a value are three things.
pub(crate) mod nullable {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[allow(clippy::ref_option, clippy::option_option, reason = "serde asks for this form; three things")]
    pub(crate) fn serialize<T: Serialize, S: Serializer>(
        value: &Option<Option<T>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.serialize(serializer)
    }

    #[allow(clippy::option_option, reason = "three things")]
    pub(crate) fn deserialize<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
    where
        T: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        Option::<T>::deserialize(deserializer).map(Some)
    }
}
