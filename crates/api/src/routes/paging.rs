//! Pages of listings.

use std::fmt::Display;
use std::str::FromStr;

use model::AccountId;
use wire::Order;

use crate::edge::Edge;
use crate::extract::Pairs;
use crate::refusal::Refusal;
use crate::service::Page;

/// The parameters of every listing.
pub(super) const LIMIT: &str = "limit";
pub(super) const PAGE: &str = "page";
pub(super) const ORDER: &str = "order";

/// Records on a page where it is not said.
const DEFAULT_LIMIT: u64 = 100;
/// The most records on a page.
const MOST: u64 = 1000;

/// What a query says of its page, before it is known whose it is.
pub(super) struct Asked {
    limit: u32,
    order: Order,
    token: Option<String>,
    query: String,
}

impl Asked {
    pub(super) fn of(pairs: &Pairs) -> Result<Self, Refusal> {
        let limit = pairs.number(LIMIT, 1..=MOST)?.unwrap_or(DEFAULT_LIMIT);
        let orders = Order::ALL.map(|order| (order.as_str(), order));
        Ok(Self {
            limit: u32::try_from(limit).expect("at most 1000"),
            order: pairs.word(ORDER, &orders)?.unwrap_or_default(),
            token: pairs.text(PAGE)?.map(ToOwned::to_owned),
            query: pairs.canonical(&[LIMIT, PAGE]),
        })
    }

    /// The listing of that account that a page token is for.
    fn query(&self, listing: &str, account: &AccountId) -> String {
        format!("{listing}?{account}?{}", self.query)
    }

    /// The page.
    pub(super) fn page<Id: FromStr>(
        &self,
        edge: &Edge,
        listing: &str,
        account: &AccountId,
    ) -> Result<Page<Id>, Refusal> {
        let after = match &self.token {
            None => None,
            Some(token) => {
                let query = self.query(listing, account);
                let id = edge.page_key().read(&query, token)?;
                Some(id.parse().map_err(|_| Refusal::new(wire::ProblemKind::PageToken).field(PAGE))?)
            }
        };
        Ok(Page { after, limit: self.limit, order: self.order, skip: 0 })
    }

    /// The token of the next page.
    pub(super) fn next(
        &self,
        edge: &Edge,
        listing: &str,
        account: &AccountId,
        next: Option<impl Display>,
    ) -> Option<String> {
        next.map(|id| edge.page_key().issue(&self.query(listing, account), &id.to_string()))
    }
}
