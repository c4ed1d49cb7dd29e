//! Listings. A statement has the conditions that its filter has, so that the server plans for these alone.

use std::fmt::Display;

use model::{Digest, ImageSource};
use sqlx::{Postgres, QueryBuilder};

use crate::{CacheFilter, InstanceFilter, Order, PAGE_LIMIT, Page};

pub(super) type Statement = QueryBuilder<Postgres>;

fn texts<T: Display>(values: &[T]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}

/// Ends a statement behind its conditions with those of a page.
pub(super) fn push_page<Id: Display>(statement: &mut Statement, page: &Page<Id>) {
    let (beyond, order) = match page.order {
        Order::OldestFirst => (" AND id > ", " ORDER BY id LIMIT "),
        Order::NewestFirst => (" AND id < ", " ORDER BY id DESC LIMIT "),
    };
    if let Some(after) = &page.after {
        statement.push(beyond).push_bind(after.to_string());
    }
    statement.push(order).push_bind(i64::from(page.limit.min(PAGE_LIMIT)));
}

/// From a beginning of a statement over `caches` to its conditions.
pub(super) fn caches(beginning: &'static str, filter: &CacheFilter) -> Statement {
    let mut statement = QueryBuilder::new(beginning);
    statement.push(" WHERE true");
    if let Some(account) = &filter.account {
        statement.push(" AND account = ").push_bind(account.to_string());
    }
    if let Some(ids) = &filter.ids {
        statement.push(" AND id = ANY(").push_bind(texts(ids)).push(")");
    }
    if let Some(names) = &filter.names {
        statement.push(" AND name = ANY(").push_bind(texts(names)).push(")");
    }
    if let Some(states) = &filter.states {
        statement.push(" AND state = ANY(").push_bind(texts(states)).push(")");
    }
    if let Some(origin) = filter.origin {
        statement.push(" AND origin = ").push_bind(origin.as_str());
    }
    if let Some(snapshot) = filter.snapshot {
        statement.push(" AND snapshot = ").push_bind(snapshot.to_string());
    }
    if let Some(image) = &filter.image {
        statement
            .push(" AND id IN (SELECT cache FROM cache_images WHERE image = ")
            .push_bind(image_key(image));
        end_beside(&mut statement, filter);
    }
    if let Some(repository) = &filter.repository {
        statement.push(" AND id IN (SELECT cache FROM cache_images WHERE repository = ");
        statement.push_bind(repository.to_string());
        end_beside(&mut statement, filter);
    }
    for (key, value) in &filter.tags {
        // No tag has it, and the server takes no such text.
        if key.contains('\0') || value.as_ref().is_some_and(|value| value.contains('\0')) {
            statement.push(" AND false");
            continue;
        }
        statement.push(" AND id IN (SELECT cache FROM cache_tags WHERE key = ").push_bind(key.clone());
        if let Some(value) = value {
            statement.push(" AND value = ").push_bind(value.clone());
        }
        end_beside(&mut statement, filter);
    }
    push_labels(&mut statement, filter);
    statement
}

fn push_labels(statement: &mut Statement, filter: &CacheFilter) {
    let own = "(SELECT value FROM cache_labels WHERE cache = caches.id AND key = ";
    for (key, wanted) in &filter.labels {
        // No cache has a label like that, and the server takes no such text.
        if key.contains('\0') {
            statement.push(if wanted.or_missing { "" } else { " AND false" });
            continue;
        }
        statement.push(" AND (false");
        if !wanted.is.contains('\0') {
            statement.push(" OR ").push(own).push_bind(key.clone()).push(") = ").push_bind(wanted.is.clone());
        }
        if wanted.or_missing {
            statement.push(" OR ").push(own).push_bind(key.clone()).push(") IS NULL");
        }
        statement.push(")");
    }
}

/// Ends a condition over a table beside: it has the account too, so that an index leads straight to it.
fn end_beside(statement: &mut Statement, filter: &CacheFilter) {
    if let Some(account) = &filter.account {
        statement.push(" AND account = ").push_bind(account.to_string());
    }
    statement.push(")");
}

/// What an image is found by.
pub(super) fn image_key(image: &ImageSource) -> String {
    Digest::sha256(image.to_string().as_bytes()).hex()
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
