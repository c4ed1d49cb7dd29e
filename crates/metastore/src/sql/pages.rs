//! Pages of listings. A statement has the conditions that its filter has, so that the database plans for these alone.

use std::fmt::Display;

use sqlx::QueryBuilder;

use super::Database;
use crate::{InstanceFilter, Order, Page};

/// A statement that is put together.
pub(in super::super) type Statement = QueryBuilder<Database>;

/// Ends a statement behind its conditions with those of a page.
pub(super) fn push_page<Id: Display>(statement: &mut Statement, page: &Page<Id>) {
    push_page_of(statement, page, page.records());
}

/// As [`push_page`], for so many records.
pub(in super::super) fn push_page_of<Id: Display>(statement: &mut Statement, page: &Page<Id>, records: u32) {
    let (beyond, order) = match page.order {
        Order::OldestFirst => (" AND id > ", " ORDER BY id LIMIT "),
        Order::NewestFirst => (" AND id < ", " ORDER BY id DESC LIMIT "),
    };
    if let Some(after) = &page.after {
        statement.push(beyond).push_bind(after.to_string());
    }
    statement.push(order).push_bind(i64::from(records));
    if page.skip > 0 {
        statement.push(" OFFSET ").push_bind(i64::from(page.skip));
    }
}

/// From a beginning of a statement over `instances` to its conditions.
pub(super) fn instances(beginning: &'static str, filter: &InstanceFilter) -> Statement {
    let mut statement = QueryBuilder::new(beginning);
    statement.push(" WHERE true");
    if let Some(account) = &filter.account {
        statement.push(" AND account = ").push_bind(account.to_string());
    }
    if let Some(snapshot) = filter.snapshot {
        statement.push(" AND snapshot = ").push_bind(snapshot.to_string());
    }
    if let Some(cache) = filter.cache {
        statement.push(" AND cache = ").push_bind(cache.to_string());
    }
    if let Some(group) = filter.group {
        statement.push(" AND in_group = ").push_bind(group.to_string());
    }
    if filter.unfinished {
        statement.push(" AND NOT ended");
    }
    statement
}
