//! The caller of a request: its account and what it may, by its token or by who is at the other end.

use std::collections::BTreeSet;
use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, header::AUTHORIZATION};
use model::AccountId;
use wire::{ACCOUNT_HEADER, ProblemKind, Scope};

use super::TokenSecret;
use crate::edge::Edge;
use crate::peer::Peer;
use crate::refusal::Refusal;

/// Uses of a token are noted once in that time.
const TOUCH_MICROS: u64 = 3_600_000_000;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// Whose request it is.
    pub(crate) account: AccountId,
    /// What it may.
    pub(crate) scopes: BTreeSet<Scope>,
    /// Whether it is the owner of the data, by who he is and not by a token.
    pub(crate) is_owner: bool,
}

impl Caller {
    fn owner(account: AccountId) -> Self {
        Self { account, scopes: [Scope::Admin].into(), is_owner: true }
    }

    pub(crate) fn may(&self, needed: Scope) -> bool {
        self.scopes.iter().any(|scope| scope.includes(needed))
    }

    pub(crate) fn require(&self, needed: Scope) -> Result<(), Refusal> {
        if self.may(needed) {
            return Ok(());
        }
        let refusal = Refusal::new(ProblemKind::Forbidden);
        Err(refusal.detail(format!("failed to allow it: the token lacks the scope `{needed}`")))
    }
}

/// A scope that a route needs.
pub(crate) trait Needs {
    /// `None`: whoever is known may.
    const SCOPE: Option<Scope>;
}

/// Whoever has a valid token, whatever it allows.
pub(crate) struct Anyone;

impl Needs for Anyone {
    const SCOPE: Option<Scope> = None;
}

macro_rules! needs {
    ($($name:ident,)*) => {
        $(
            pub(crate) struct $name;
            impl Needs for $name {
                const SCOPE: Option<Scope> = Some(Scope::$name);
            }
        )*
    };
}

needs! { CachesRead, CachesWrite, InstancesRead, InstancesWrite, Admin, }

/// A caller who may do what needs that scope.
pub(crate) struct Allowed<S> {
    pub(crate) caller: Caller,
    scope: PhantomData<S>,
}

impl<S> std::ops::Deref for Allowed<S> {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl<S: Needs> FromRequestParts<Edge> for Allowed<S> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, edge: &Edge) -> Result<Self, Refusal> {
        let caller = caller(parts, edge).await?;
        if let Some(scope) = S::SCOPE {
            caller.require(scope)?;
        }
        tracing::Span::current().record("account", caller.account.as_str());
        Ok(Self { caller, scope: PhantomData })
    }
}

async fn caller(parts: &Parts, edge: &Edge) -> Result<Caller, Refusal> {
    let peer = parts.extensions.get::<Peer>().copied();
    let mut caller = if parts.headers.contains_key(AUTHORIZATION) {
        by_token(&parts.headers, edge).await?
    } else if peer.is_some_and(|peer| peer.is_owner(edge.own_uid())) {
        Caller::owner(AccountId::local())
    } else {
        let refusal = Refusal::new(ProblemKind::Unauthorized);
        return Err(refusal.detail("failed to tell who asks: no bearer token").field("authorization"));
    };
    if let Some(account) = parts.headers.get(ACCOUNT_HEADER) {
        if !caller.may(Scope::Admin) {
            let refusal = Refusal::new(ProblemKind::Forbidden).field(ACCOUNT_HEADER);
            return Err(refusal.detail("failed to act for an account: the token lacks the scope `admin`"));
        }
        let text = String::from_utf8_lossy(account.as_bytes());
        caller.account = text.parse().map_err(|error: model::AccountError| {
            let message = error.to_string();
            let allowed = crate::document::expected(&message);
            Refusal::new(ProblemKind::InvalidHeader).detail(message).field(ACCOUNT_HEADER).allowed(allowed)
        })?;
    }
    Ok(caller)
}

async fn by_token(headers: &HeaderMap, edge: &Edge) -> Result<Caller, Refusal> {
    // One answer for whatever is wrong with a token: which tokens there were is nobody's business.
    let refused = || {
        let refusal = Refusal::new(ProblemKind::Unauthorized).field("authorization");
        refusal.detail("failed to take the bearer token: it is unknown, revoked or at its end")
    };
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(refused()) };
    let text = value.to_str().map_err(|_| refused())?;
    let (scheme, secret) = text.split_once(' ').ok_or_else(refused)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(refused());
    }
    let secret = TokenSecret::parse(secret.trim()).ok_or_else(refused)?;
    let digest = secret.digest();
    let record = edge.service().token(&digest).await?.ok_or_else(refused)?;
    // The records found it by an index, whose time tells something of the digest alone, and that opens nothing.
    aws_lc_rs::constant_time::verify_slices_are_equal(&record.digest, &digest).map_err(|_| refused())?;
    let now = edge.clock().now();
    if !record.is_valid(now) {
        return Err(refused());
    }
    if record.last_used.is_none_or(|used| now.micros_since(used) >= TOUCH_MICROS) {
        // Nice to know, and no reason to refuse.
        if let Err(error) = edge.service().touch_token(&digest).await {
            tracing::warn!(token = record.id, "the use of a token could not be noted: {error}");
        }
    }
    Ok(Caller { account: record.account, scopes: record.scopes, is_owner: false })
}
