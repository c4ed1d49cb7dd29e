//! `/v1/tokens`: bearer tokens.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use model::AccountId;
use wire::{CreateToken, CreatedToken, ProblemKind, Token, TokenList};

use crate::auth::{Admin, Allowed, TokenSecret, token_of};
use crate::edge::Edge;
use crate::extract::{Body, FromQuery, Key, NoQuery, Pairs, Query, Word};
use crate::once::{Asked, Told, Turn};
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
    params(("Idempotency-Key" = Option<String>, Header, description = "Tells a request that comes again from a further one")),
    responses((status = 201, description = "The token", body = CreatedToken)),
)]
pub(super) async fn create(
    State(edge): State<Edge>,
    caller: Allowed<Admin>,
    Query(NoQuery): Query<NoQuery>,
    Key(key): Key,
    Body(wish): Body<CreateToken>,
) -> Result<Response, Refusal> {
    check(&wish)?;
    // Made before it is recorded, so that whoever takes the request up tells the same one.
    let secret = TokenSecret::generate().map_err(|_| {
        tracing::error!("the system gave no random bytes");
        Refusal::new(ProblemKind::Internal)
    })?;
    let asked = Asked::to("create a token", &wish).about(&secret.expose()).secret();
    let (doing, account) = (edge.clone(), caller.account.clone());
    let action = async move |turn: Turn| {
        let secret = turn.subject().and_then(|text: String| TokenSecret::parse(&text)).unwrap_or(secret);
        let made = doing.service().token(&secret.digest()).await?.filter(|_| turn.is_again);
        let record = match made {
            Some(made) => made,
            None => record(&doing, wish, account, &secret).await?,
        };
        let created = CreatedToken { token: document(&record), secret: secret.expose().to_owned() };
        Ok(Told::new(StatusCode::CREATED, &created).secret())
    };
    edge.once(&caller.account, key, asked, action).await
}

async fn record(
    edge: &Edge,
    wish: CreateToken,
    caller: AccountId,
    secret: &TokenSecret,
) -> Result<TokenRecord, Refusal> {
    let now = edge.clock().now();
    let seconds = wish.expires_in_seconds.unwrap_or(DEFAULT_SECONDS);
    let micros = i64::try_from(seconds.saturating_mul(1_000_000)).unwrap_or(i64::MAX);
    let (account, expires) = (wish.account.unwrap_or(caller), Some(now.plus_micros(micros)));
    let record = token_of(secret, account, wish.label, wish.scopes, now, expires);
    edge.service().create_token(record.clone()).await?;
    Ok(record)
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
    params(
        ("token" = String, Path, description = "Its id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Tells a request that comes again from a further one"),
    ),
    responses((status = 200, description = "The token as it is now", body = Token)),
)]
pub(super) async fn revoke(
    State(edge): State<Edge>,
    caller: Allowed<Admin>,
    Word(id): Word,
    Query(NoQuery): Query<NoQuery>,
    Key(key): Key,
) -> Result<Response, Refusal> {
    let (service, asked) = (edge.service_arc(), Asked::to("revoke a token", &id));
    let action = async move |_: Turn| Ok(Told::ok(&document(&service.revoke_token(&id).await?)));
    edge.once(&caller.account, key, asked, action).await
}
