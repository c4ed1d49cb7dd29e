//! Between columns and types.

use std::str::FromStr;

use model::{BuildFailure, ByteSize, CacheId, GroupId, InstanceId, Subject, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::Row as _;

use crate::error::failed;
use crate::{Error, Result};

/// A row whose columns are read by name.
///
/// Of a row a database gives these kinds of values; everything else is made of them.
pub(crate) trait Columns {
    fn optional_integer(&self, column: &'static str) -> Result<Option<i64>>;
    fn optional_text(&self, column: &'static str) -> Result<Option<&str>>;
    fn bytes(&self, column: &'static str) -> Result<Vec<u8>>;
    fn optional_bytes(&self, column: &'static str) -> Result<Option<&[u8]>>;
    fn flag(&self, column: &'static str) -> Result<bool>;

    fn integer(&self, column: &'static str) -> Result<i64> {
        present(column, self.optional_integer(column)?)
    }

    fn text(&self, column: &'static str) -> Result<&str> {
        present(column, self.optional_text(column)?)
    }

    /// Something written as its text.
    fn parsed<T: FromStr>(&self, column: &'static str) -> Result<T> {
        parse(column, self.text(column)?)
    }

    /// Something written as its text, or null.
    fn optional_parsed<T: FromStr>(&self, column: &'static str) -> Result<Option<T>> {
        self.optional_text(column)?.map(|value| parse(column, value)).transpose()
    }

    /// One of these, written as its word.
    fn one_of<T: Copy>(
        &self,
        column: &'static str,
        all: &[T],
        word: impl Fn(T) -> &'static str,
    ) -> Result<T> {
        one_of(column, self.text(column)?, all, word)
    }

    /// Something written as JSON.
    fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T> {
        from_json(column, self.text(column)?)
    }

    /// Something written as JSON, or null.
    fn optional_json<T: DeserializeOwned>(&self, column: &'static str) -> Result<Option<T>> {
        self.optional_text(column)?.map(|value| from_json(column, value)).transpose()
    }

    fn unsigned<T: TryFrom<i64>>(&self, column: &'static str) -> Result<T> {
        as_unsigned(column, self.integer(column)?)
    }

    fn optional_unsigned<T: TryFrom<i64>>(&self, column: &'static str) -> Result<Option<T>> {
        self.optional_integer(column)?.map(|value| as_unsigned(column, value)).transpose()
    }

    fn size(&self, column: &'static str) -> Result<ByteSize> {
        self.unsigned(column).map(ByteSize::bytes)
    }

    fn time(&self, column: &'static str) -> Result<Timestamp> {
        self.integer(column).map(Timestamp::from_micros)
    }

    fn optional_time(&self, column: &'static str) -> Result<Option<Timestamp>> {
        Ok(self.optional_integer(column)?.map(Timestamp::from_micros))
    }

    /// A SHA-256.
    fn digest(&self, column: &'static str) -> Result<[u8; 32]> {
        let bytes = self.bytes(column)?;
        let wrong = |bytes: Vec<u8>| Error::Column { column, value: format!("{} bytes", bytes.len()) };
        bytes.try_into().map_err(wrong)
    }

    fn failure(&self) -> Result<Option<BuildFailure>> {
        let (reason, message) =
            (self.optional_text("failure_reason")?, self.optional_text("failure_message")?);
        let failure =
            |(reason, message): (&str, &str)| BuildFailure { reason: reason.into(), message: message.into() };
        Ok(reason.zip(message).map(failure))
    }
}

macro_rules! columns {
    ($row:ty) => {
        impl Columns for $row {
            fn optional_integer(&self, column: &'static str) -> Result<Option<i64>> {
                self.try_get(column).map_err(failed(READ))
            }

            fn optional_text(&self, column: &'static str) -> Result<Option<&str>> {
                self.try_get(column).map_err(failed(READ))
            }

            fn bytes(&self, column: &'static str) -> Result<Vec<u8>> {
                self.try_get(column).map_err(failed(READ))
            }

            fn optional_bytes(&self, column: &'static str) -> Result<Option<&[u8]>> {
                self.try_get(column).map_err(failed(READ))
            }

            fn flag(&self, column: &'static str) -> Result<bool> {
                self.try_get(column).map_err(failed(READ))
            }
        }
    };
}

columns!(sqlx::sqlite::SqliteRow);
columns!(sqlx::postgres::PgRow);

const READ: &str = "read a record";

fn present<T>(column: &'static str, value: Option<T>) -> Result<T> {
    value.ok_or_else(|| Error::Column { column, value: "null".to_owned() })
}

fn as_unsigned<T: TryFrom<i64>>(column: &'static str, value: i64) -> Result<T> {
    T::try_from(value).map_err(|_| Error::Column { column, value: value.to_string() })
}

pub(super) fn unknown(column: &'static str, value: &str) -> Error {
    Error::Column { column, value: value.to_owned() }
}

/// One of these, written as its word.
pub(super) fn one_of<T: Copy>(
    column: &'static str,
    value: &str,
    all: &[T],
    word: impl Fn(T) -> &'static str,
) -> Result<T> {
    let found = all.iter().copied().find(|each| word(*each) == value);
    found.ok_or_else(|| unknown(column, value))
}

/// Something written as its text.
pub(crate) fn parse<T: FromStr>(column: &'static str, value: &str) -> Result<T> {
    value.parse().map_err(|_| unknown(column, value))
}

/// Something written as JSON.
pub(super) fn from_json<T: DeserializeOwned>(column: &'static str, value: &str) -> Result<T> {
    serde_json::from_str(value).map_err(|_| unknown(column, value))
}

/// A subject by its id, whose beginning says of what.
pub(crate) fn subject(column: &'static str, value: &str) -> Result<Subject> {
    if let Ok(id) = value.parse::<CacheId>() {
        return Ok(Subject::Cache(id));
    }
    if let Ok(id) = value.parse::<GroupId>() {
        return Ok(Subject::Group(id));
    }
    parse::<InstanceId>(column, value).map(Subject::Instance)
}

pub(crate) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("the model's types have text keys and no failing parts")
}

/// A number as a database has it.
pub(crate) fn signed(what: &'static str, value: u64) -> Result<i64> {
    i64::try_from(value).map_err(|_| Error::Range { what, value })
}
