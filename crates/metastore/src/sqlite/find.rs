//! Listings of caches by what they are.
//!
//! Every statement is put together from fixed fragments; all values are bound. It first finds the ids of the page, over indices
//! alone and in their order wherever that is possible, so that it stops at the page's end; only these rows are read.

use model::{AccountId, CacheId};
use sqlx::QueryBuilder;

use super::dialect;
use super::sql::pages::Statement;
use crate::rows::to_json;
use crate::{CacheFilter, Order, Page};

/// What the search goes along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// The caches, as the database likes.
    Any,
    /// The caches of the ids or the snapshot that are given.
    Few,
    /// The account's caches in the order of ids.
    Account,
    /// The account's caches of one state, in the order of ids.
    State,
    /// The account's caches of the names that are given.
    Names,
    /// The account's images.
    Image,
    /// The account's images, by repository.
    Repository,
    /// The account's tags.
    Tag,
}

impl Way {
    fn of(filter: &CacheFilter) -> Self {
        if filter.ids.is_some() || filter.snapshot.is_some() {
            Self::Few
        } else if filter.account.is_none() {
            Self::Any
        } else if filter.names.is_some() {
            Self::Names
        } else if filter.image.is_some() {
            Self::Image
        } else if filter.repository.is_some() {
            Self::Repository
        } else if filter.tags.values().any(Option::is_some) {
            Self::Tag
        } else if filter.states.as_ref().is_some_and(|states| states.len() == 1) {
            Self::State
        } else {
            Self::Account
        }
    }

    /// Ids of caches, from where.
    fn source(self) -> &'static str {
        match self {
            Self::Any | Self::Few => "SELECT c.id FROM caches AS c WHERE true",
            Self::Account => "SELECT c.id FROM caches AS c INDEXED BY caches_by_account WHERE true",
            Self::State => "SELECT c.id FROM caches AS c INDEXED BY caches_by_account_and_state WHERE true",
            Self::Names => "SELECT c.id FROM caches AS c INDEXED BY caches_by_name WHERE true",
            Self::Image => {
                "SELECT i.cache FROM cache_images AS i CROSS JOIN caches AS c ON c.id = i.cache WHERE true"
            }
            Self::Repository => {
                "SELECT DISTINCT i.cache FROM cache_images AS i CROSS JOIN caches AS c ON c.id = i.cache WHERE true"
            }
            Self::Tag => {
                "SELECT t.cache FROM cache_tags AS t CROSS JOIN caches AS c ON c.id = t.cache WHERE true"
            }
        }
    }

    /// The column that has the ids.
    fn id(self) -> &'static str {
        match self {
            Self::Any | Self::Few | Self::Account | Self::State | Self::Names => "c.id",
            Self::Image | Self::Repository => "i.cache",
            Self::Tag => "t.cache",
        }
    }

    /// The condition on the account; a plus keeps the database from going along an index.
    fn account(self) -> &'static str {
        match self {
            Self::Few => " AND +c.account = ",
            Self::Any | Self::Account | Self::State | Self::Names => " AND c.account = ",
            Self::Image | Self::Repository => " AND i.account = ",
            Self::Tag => " AND t.account = ",
        }
    }
}

/// The caches of a page and, where that is asked for, the first behind it.
pub(super) fn page_of_caches(filter: &CacheFilter, page: &Page<CacheId>, and_one: bool) -> Statement {
    statement("SELECT * FROM caches WHERE id IN (", filter, *page, and_one)
}

/// How many caches the filter lets through.
pub(super) fn counting(filter: &CacheFilter) -> Statement {
    let mut query = QueryBuilder::new("SELECT count(*) AS count FROM (");
    push_ids(&mut query, Way::of(filter), filter);
    query.push(")");
    query
}

fn statement(begin: &'static str, filter: &CacheFilter, page: Page<CacheId>, and_one: bool) -> Statement {
    let records = page.records() + u32::from(and_one);
    let mut query = QueryBuilder::new(begin);
    match &filter.states {
        // The indices have the ids of each state in order: each state's first ones are found, and of these the first. Any of
        // them may be among those that are passed over.
        Some(states)
            if !states.is_empty() && matches!(Way::of(filter), Way::Account | Way::Any | Way::State) =>
        {
            for (place, state) in states.iter().enumerate() {
                query.push(if place == 0 { "SELECT id FROM (" } else { " UNION SELECT id FROM (" });
                let filter = CacheFilter { states: Some(vec![*state]), ..filter.clone() };
                push_page(&mut query, &filter, page, (0, records.saturating_add(page.skip)));
                query.push(")");
            }
            query.push(" ORDER BY 1").push(direction(page).1);
            push_part(&mut query, (page.skip, records));
        }
        _ => push_page(&mut query, filter, page, (page.skip, records)),
    }
    query.push(") ORDER BY id").push(direction(page).1);
    query
}

/// What compares ids that come later in the page's direction, and how they are ordered.
fn direction(page: Page<CacheId>) -> (&'static str, &'static str) {
    match page.order {
        Order::OldestFirst => (" > ", ""),
        Order::NewestFirst => (" < ", " DESC"),
    }
}

/// So many behind so many.
fn push_part(query: &mut Statement, (skip, records): (u32, u32)) {
    query.push(" LIMIT ").push_bind(i64::from(records));
    if skip > 0 {
        query.push(" OFFSET ").push_bind(i64::from(skip));
    }
}

/// The ids of a part of the page.
fn push_page(query: &mut Statement, filter: &CacheFilter, page: Page<CacheId>, part: (u32, u32)) {
    let way = Way::of(filter);
    push_ids(query, way, filter);
    let (beyond, order) = direction(page);
    if let Some(after) = page.after {
        query.push(" AND ").push(way.id()).push(beyond).push_bind(after.to_string());
    }
    query.push(" ORDER BY ").push(way.id()).push(order);
    push_part(query, part);
}

/// The ids of the caches that the filter lets through.
fn push_ids(query: &mut Statement, way: Way, filter: &CacheFilter) {
    query.push(way.source());
    if let Some(account) = &filter.account {
        query.push(way.account()).push_bind(AccountId::as_str(account).to_owned());
    }
    if let Some(ids) = &filter.ids {
        query.push(" AND c.id IN (SELECT value FROM json_each(").push_bind(to_json(ids)).push("))");
    }
    if let Some(names) = &filter.names {
        query.push(" AND c.name IN (SELECT value FROM json_each(").push_bind(to_json(names)).push("))");
    }
    if let Some(states) = &filter.states {
        push_states(query, way, states);
    }
    if let Some(origin) = filter.origin {
        query.push(" AND c.origin = ").push_bind(origin.as_str());
    }
    if let Some(snapshot) = filter.snapshot {
        query.push(" AND c.snapshot = ").push_bind(snapshot.to_string());
    }
    if filter.lasting {
        query.push(" AND c.deleting IS NULL");
    }
    push_images(query, way, filter);
    push_tags(query, way, filter);
    push_labels(query, filter);
}

fn push_states(query: &mut Statement, way: Way, states: &[model::CacheState]) {
    match states {
        // Its index has the ids in order.
        [state] if matches!(way, Way::Any | Way::State) => {
            query.push(" AND c.state = ").push_bind(state.as_str());
        }
        _ => {
            query
                .push(" AND +c.state IN (SELECT value FROM json_each(")
                .push_bind(to_json(&states))
                .push("))");
        }
    }
}

fn push_images(query: &mut Statement, way: Way, filter: &CacheFilter) {
    if let Some(image) = &filter.image {
        if way == Way::Image {
            query.push(" AND i.image = ").push_bind(dialect::image_key(image));
        } else {
            query.push(" AND EXISTS (SELECT 1 FROM cache_images AS h WHERE h.cache = c.id AND h.image = ");
            query.push_bind(dialect::image_key(image)).push(")");
        }
    }
    if let Some(repository) = &filter.repository {
        if way == Way::Repository {
            query.push(" AND i.repository = ").push_bind(repository.to_string());
        } else {
            query.push(
                " AND EXISTS (SELECT 1 FROM cache_images AS h WHERE h.cache = c.id AND h.repository = ",
            );
            query.push_bind(repository.to_string()).push(")");
        }
    }
}

fn push_tags(query: &mut Statement, way: Way, filter: &CacheFilter) {
    let mut may_lead = way == Way::Tag;
    for (key, value) in &filter.tags {
        let leads = may_lead && value.is_some();
        if leads {
            may_lead = false;
            query.push(" AND t.key = ").push_bind(key.clone());
        } else {
            query.push(" AND EXISTS (SELECT 1 FROM cache_tags AS h WHERE h.cache = c.id AND h.key = ");
            query.push_bind(key.clone());
        }
        if let Some(value) = value {
            query.push(if leads { " AND t.value = " } else { " AND h.value = " }).push_bind(value.clone());
        }
        query.push(if leads { "" } else { ")" });
    }
}

fn push_labels(query: &mut Statement, filter: &CacheFilter) {
    for (key, wanted) in &filter.labels {
        query.push(" AND (EXISTS (SELECT 1 FROM cache_labels AS l WHERE l.cache = c.id AND l.key = ");
        query.push_bind(key.clone()).push(" AND l.value = ").push_bind(wanted.is.clone()).push(")");
        if wanted.or_missing {
            query.push(" OR NOT EXISTS (SELECT 1 FROM cache_labels AS l WHERE l.cache = c.id AND l.key = ");
            query.push_bind(key.clone()).push(")");
        }
        query.push(")");
    }
}

#[cfg(test)]
mod tests {
    use model::{CacheState, LabelFilter, Origin};
    use sqlx::{ConnectOptions as _, Row as _};

    use super::*;

    /// How SQLite goes about the statement, a step a line.
    async fn plan(filter: &CacheFilter, order: Order) -> String {
        let mut connection = sqlx::sqlite::SqliteConnectOptions::new().connect().await.unwrap();
        super::super::schema::migrate(&mut connection, std::path::Path::new(":memory:")).await.unwrap();
        let page = Page { after: Some(CacheId::generate()), limit: 50, order, skip: 7 };
        let mut query =
            statement("EXPLAIN QUERY PLAN SELECT * FROM caches WHERE id IN (", filter, page, true);
        let rows = query.build().fetch_all(&mut connection).await.unwrap();
        let steps = rows.iter().map(|row| row.get::<String, _>("detail") + "\n");
        // What the caller gave is no table, and neither is what a state's first ids are merged from.
        steps.filter(|step| !step.contains("json_each") && !step.contains("subquery")).collect()
    }

    #[tokio::test]
    async fn a_page_is_found_in_order_and_over_indices() {
        let ours = CacheFilter { account: Some(AccountId::local()), ..CacheFilter::default() };
        let states = Some(vec![CacheState::Ready, CacheState::Failed]);
        let filters = [
            ("caches_by_account", ours.clone()),
            (
                "caches_by_account_and_state",
                CacheFilter {
                    states: Some(vec![CacheState::Ready]),
                    origin: Some(Origin::Manual),
                    ..ours.clone()
                },
            ),
            (
                "cache_images_by_image",
                CacheFilter { image: Some("a".parse().unwrap()), states: states.clone(), ..ours.clone() },
            ),
            (
                "cache_images_by_repository",
                CacheFilter { repository: Some("a".parse().unwrap()), ..ours.clone() },
            ),
            (
                "cache_tags_by_value",
                CacheFilter { tags: [("k".to_owned(), Some("v".to_owned()))].into(), ..ours.clone() },
            ),
            (
                "caches_by_state",
                CacheFilter { states: Some(vec![CacheState::Ready]), ..CacheFilter::default() },
            ),
            (
                "caches_by_account",
                CacheFilter {
                    labels: [("k".to_owned(), LabelFilter { is: "v".to_owned(), or_missing: true })].into(),
                    ..ours.clone()
                },
            ),
            ("sqlite_autoindex_caches_1", CacheFilter::default()),
        ];
        for (index, filter) in filters {
            for order in [Order::OldestFirst, Order::NewestFirst] {
                let plan = plan(&filter, order).await;
                assert!(plan.contains(index), "{filter:?}: {plan}");
                assert!(!plan.contains("SCAN") && !plan.contains("TEMP B-TREE"), "{filter:?}: {plan}");
            }
        }
        // These sort what they found, which is little.
        for (index, filter) in [
            (
                "caches_by_account_and_state",
                CacheFilter { states: states.clone(), origin: Some(Origin::Manual), ..ours.clone() },
            ),
            ("caches_by_name", CacheFilter { names: Some(vec!["a".parse().unwrap()]), ..ours.clone() }),
            (
                "caches_by_snapshot",
                CacheFilter { snapshot: Some(model::ImageSnapshotId::generate()), ..ours.clone() },
            ),
            ("sqlite_autoindex_caches_1", CacheFilter { ids: Some(vec![CacheId::generate()]), ..ours }),
        ] {
            let plan = plan(&filter, Order::OldestFirst).await;
            assert!(plan.contains(index) && !plan.contains("SCAN"), "{filter:?}: {plan}");
        }
    }
}
