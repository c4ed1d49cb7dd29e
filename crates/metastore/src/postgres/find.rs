//! Listings. A statement has the conditions that its filter has, so that the server plans for these alone.

use model::CacheId;
use sqlx::QueryBuilder;

use super::dialect;
use super::sql::pages::{Statement, push_page_of};
use crate::{CacheFilter, Order, Page};

/// The caches of a page and, where there is one, the first behind it.
pub(super) fn page_of_caches(filter: &CacheFilter, page: &Page<CacheId>, and_one: bool) -> Statement {
    // What is passed over is not read: only the ids are, from an index where there is one for it.
    let (begin, end) = match page.skip {
        0 => ("SELECT * FROM caches", ""),
        _ => ("SELECT * FROM caches WHERE id = ANY(ARRAY(SELECT id FROM caches", ")) ORDER BY id"),
    };
    let mut statement = caches(begin, filter);
    push_page_of(&mut statement, page, page.records() + u32::from(and_one));
    statement.push(end);
    if page.skip > 0 && page.order == Order::NewestFirst {
        statement.push(" DESC");
    }
    statement
}

/// How many caches the filter lets through.
pub(super) fn counting(filter: &CacheFilter) -> Statement {
    caches("SELECT count(*) AS count FROM caches", filter)
}

/// From a beginning of a statement over `caches` to its conditions.
fn caches(beginning: &'static str, filter: &CacheFilter) -> Statement {
    let mut statement = QueryBuilder::new(beginning);
    statement.push(" WHERE true");
    if let Some(account) = &filter.account {
        statement.push(" AND account = ").push_bind(account.to_string());
    }
    if let Some(ids) = &filter.ids {
        statement.push(" AND id = ANY(").push_bind(dialect::list(ids)).push(")");
    }
    if let Some(names) = &filter.names {
        statement.push(" AND name = ANY(").push_bind(dialect::list(names)).push(")");
    }
    if let Some(states) = &filter.states {
        statement.push(" AND state = ANY(").push_bind(dialect::list(states)).push(")");
    }
    if let Some(origin) = filter.origin {
        statement.push(" AND origin = ").push_bind(origin.as_str());
    }
    if filter.lasting {
        statement.push(" AND deleting IS NULL");
    }
    if let Some(snapshot) = filter.snapshot {
        statement.push(" AND snapshot = ").push_bind(snapshot.to_string());
    }
    if let Some(image) = &filter.image {
        statement
            .push(" AND id IN (SELECT cache FROM cache_images WHERE image = ")
            .push_bind(dialect::image_key(image));
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
