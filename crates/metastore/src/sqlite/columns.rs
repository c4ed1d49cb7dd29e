//! Between columns and types.

use std::fmt::Display;
use std::str::FromStr;

use model::{BuildFailure, ByteSize, Percent, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::{Error, Order, Page, Result};

/// Makes an error of a statement.
pub(super) fn failed(action: &'static str) -> impl Fn(sqlx::Error) -> Error {
    move |source| Error::Database { action, source }
}

const READ: &str = "read a record";

pub(super) fn integer(row: &SqliteRow, column: &'static str) -> Result<i64> {
    row.try_get(column).map_err(failed(READ))
}

pub(super) fn optional_integer(row: &SqliteRow, column: &'static str) -> Result<Option<i64>> {
    row.try_get(column).map_err(failed(READ))
}

fn text<'r>(row: &'r SqliteRow, column: &'static str) -> Result<&'r str> {
    row.try_get(column).map_err(failed(READ))
}

pub(super) fn optional_text(row: &SqliteRow, column: &'static str) -> Result<Option<String>> {
    row.try_get(column).map_err(failed(READ))
}

/// Something written as its text.
pub(super) fn parsed<T: FromStr>(row: &SqliteRow, column: &'static str) -> Result<T> {
    let value = text(row, column)?;
    value.parse().map_err(|_| Error::Column { column, value: value.to_owned() })
}

/// Something written as its text, or null.
pub(super) fn optional_parsed<T: FromStr>(row: &SqliteRow, column: &'static str) -> Result<Option<T>> {
    optional_text(row, column)?.map(|value| parse_text(column, value)).transpose()
}

pub(super) fn parse_text<T: FromStr>(column: &'static str, value: String) -> Result<T> {
    value.parse().map_err(|_| Error::Column { column, value })
}

/// Something written as JSON.
pub(super) fn json<T: DeserializeOwned>(row: &SqliteRow, column: &'static str) -> Result<T> {
    let value = text(row, column)?;
    serde_json::from_str(value).map_err(|_| Error::Column { column, value: value.to_owned() })
}

pub(super) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("the model's types have text keys and no failing parts")
}

pub(super) fn plain_text(row: &SqliteRow, column: &'static str) -> Result<String> {
    text(row, column).map(ToOwned::to_owned)
}

pub(super) fn unsigned<T: TryFrom<i64>>(row: &SqliteRow, column: &'static str) -> Result<T> {
    let value = integer(row, column)?;
    T::try_from(value).map_err(|_| Error::Column { column, value: value.to_string() })
}

pub(super) fn optional_unsigned<T: TryFrom<i64>>(row: &SqliteRow, column: &'static str) -> Result<Option<T>> {
    let Some(value) = optional_integer(row, column)? else { return Ok(None) };
    T::try_from(value).map(Some).map_err(|_| Error::Column { column, value: value.to_string() })
}

pub(super) fn size(row: &SqliteRow, column: &'static str) -> Result<ByteSize> {
    unsigned(row, column).map(ByteSize::bytes)
}

pub(super) fn time(row: &SqliteRow, column: &'static str) -> Result<Timestamp> {
    integer(row, column).map(Timestamp::from_micros)
}

pub(super) fn optional_time(row: &SqliteRow, column: &'static str) -> Result<Option<Timestamp>> {
    Ok(optional_integer(row, column)?.map(Timestamp::from_micros))
}

pub(super) fn failure(row: &SqliteRow) -> Result<Option<BuildFailure>> {
    let reason = optional_text(row, "failure_reason")?;
    let message = optional_text(row, "failure_message")?;
    Ok(reason.zip(message).map(|(reason, message)| BuildFailure { reason, message }))
}

/// A number as the database has it.
pub(super) fn signed(what: &'static str, value: u64) -> Result<i64> {
    i64::try_from(value).map_err(|_| Error::Range { what, value })
}

/// A part of a hundred.
pub(super) fn percent(row: &SqliteRow, column: &'static str) -> Result<Percent> {
    unsigned(row, column).map(Percent::new)
}

/// The bytes of a SHA-256.
pub(super) fn digest(row: &SqliteRow, column: &'static str) -> Result<[u8; 32]> {
    let bytes: Vec<u8> = row.try_get(column).map_err(failed(READ))?;
    let length = bytes.len();
    bytes.try_into().map_err(|_| Error::Column { column, value: format!("{length} bytes") })
}

/// The text behind which a page begins. Every id comes after the empty text and before `~`.
pub(super) fn after<Id: Display>(page: Page<Id>) -> String {
    let edge = match page.order {
        Order::OldestFirst => String::new(),
        Order::NewestFirst => "~".to_owned(),
    };
    page.after.map_or(edge, |id| id.to_string())
}
