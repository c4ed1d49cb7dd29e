//! `/v1/tokens`: bearer tokens.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};
use model::AccountId;
use wire::{CreateToken, CreatedToken, ProblemKind, Token, TokenList};

use crate::auth::{Admin, Allowed, new_token};
use crate::edge::Edge;
use crate::extract::{Body, FromQuery, NoQuery, Pairs, Query, Word};
use crate::refusal::Refusal;
use crate::service::TokenRecord;

/// Seconds that a token lasts where it is not said: 90 days.
const DEFAULT_SECONDS: u64 = 90 * 24 * 3600;
/// A minute.
const LEAST_SECONDS: u64 = 60;
/// Ten years.
const MOST_SECONDS: u64 = 3650 * 24 * 3600;
/// The longest label, in characters.
const LONGEST_LABEL: usize = 128;

fn document(token: &TokenRecord) -> Token {
    Token {
        id: token.id.clone(),
        label: token.label.clone(),
        account: token.account.to_string(),
        scopes: token.scopes.clone(),
        created: token.created,
        expires: token.expires,
        revoked: token.revoked,
        // It is noted to the hour, which may have begun before the token was made.
        last_used: token.last_used.map(|used| used.max(token.created)),
    }
}

/// Create a token
///
/// The answer has what opens, this once; it is kept nowhere.
#[utoipa::path(
    post, path = "/v1/tokens", tag = "tokens", operation_id = "create_token",
    request_body = CreateToken,
    responses((status = 201, description = "The token", body = CreatedToken)),
)]
pub(super) async fn create(
    State(edge): State<Edge>,
    caller: Allowed<Admin>,
    Query(NoQuery): Query<NoQuery>,
    Body(asked): Body<CreateToken>,
) -> Result<Response, Refusal> {
    check(&asked)?;
    let now = edge.clock().now();
    let seconds = asked.expires_in_seconds.unwrap_or(DEFAULT_SECONDS);
    let micros = i64::try_from(seconds.saturating_mul(1_000_000)).unwrap_or(i64::MAX);
    let account = asked.account.unwrap_or_else(|| caller.account.clone());
    let made = new_token(account, asked.label, asked.scopes, now, Some(now.plus_micros(micros)));
    let (secret, record) = made.map_err(|_| {
        tracing::error!("the system gave no random bytes");
        Refusal::new(ProblemKind::Internal)
    })?;
    edge.service().create_token(record.clone()).await?;
    let created = CreatedToken { token: document(&record), secret: secret.expose().to_owned() };
    let no_store = [(CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((StatusCode::CREATED, no_store, Json(created)).into_response())
}

fn check(asked: &CreateToken) -> Result<(), Refusal> {
    let length = asked.label.chars().count();
    if !(1..=LONGEST_LABEL).contains(&length) || asked.label.chars().any(char::is_control) {
        let allowed = format!("1 to {LONGEST_LABEL} characters, none a control character");
        return Err(Refusal::out_of_range("label", "the text", &allowed));
    }
    if asked.scopes.is_empty() {
        return Err(Refusal::out_of_range("scopes", "no scope", "at least one scope"));
    }
    match asked.expires_in_seconds {
        Some(seconds) if !(LEAST_SECONDS..=MOST_SECONDS).contains(&seconds) => {
            let allowed = format!("{LEAST_SECONDS} to {MOST_SECONDS}");
            Err(Refusal::out_of_range("expires_in_seconds", seconds, &allowed))
        }
        _ => Ok(()),
    }
}

pub(super) struct All(bool);

impl FromQuery for All {
    const KNOWN: &'static [&'static str] = &["all"];

    fn from_pairs(pairs: &Pairs) -> Result<Self, Refusal> {
        pairs.flag("all").map(Self)
    }
}

/// Those of one account, where one is named.
pub(super) struct Whose(pub(super) Option<AccountId>);

impl FromQuery for Whose {
    const KNOWN: &'static [&'static str] = &["account"];

    fn from_pairs(pairs: &Pairs) -> Result<Self, Refusal> {
        pairs.one("account").map(Self)
    }
}

/// List tokens
///
/// Those of the account that asks, or that it asks for, in order of creation; revoked and ended ones as well.
#[utoipa::path(
    get, path = "/v1/tokens", tag = "tokens", operation_id = "list_tokens",
    params(("all" = Option<bool>, Query, description = "Those of every account")),
    responses((status = 200, description = "The tokens", body = TokenList)),
)]
pub(super) async fn list(
    State(edge): State<Edge>,
    caller: Allowed<Admin>,
    Query(All(all)): Query<All>,
) -> Result<Json<TokenList>, Refusal> {
    let tokens = edge.service().tokens((!all).then_some(&caller.account)).await?;
    Ok(Json(TokenList { items: tokens.iter().map(document).collect() }))
}

/// Revoke a token
///
/// It opens nothing from now on. Revoking again changes nothing.
#[utoipa::path(
    delete, path = "/v1/tokens/{token}", tag = "tokens", operation_id = "revoke_token",
    params(("token" = String, Path, description = "Its id")),
    responses((status = 200, description = "The token as it is now", body = Token)),
)]
pub(super) async fn revoke(
    State(edge): State<Edge>,
    _: Allowed<Admin>,
    Word(id): Word,
    Query(NoQuery): Query<NoQuery>,
) -> Result<Json<Token>, Refusal> {
    let token = edge.service().revoke_token(&id).await?;
    Ok(Json(document(&token)))
}
