//! `/v1/access-keys`: what signs requests to the clouds' interfaces.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use clouds::alibaba::ram::{self, Policy};
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};
use model::AccessKeyId;
use secrecy::ExposeSecret as _;
use wire::{
    AccessKey, AccessKeyList, CreateAccessKey, CreatedAccessKey, PolicyPreset, ProblemKind, UpdateAccessKey,
};

use super::accounts::check_label;
use super::tokens::Whose;
use crate::auth::{Admin, Allowed, new_access_key};
use crate::edge::Edge;
use crate::extract::{Body, NoQuery, Query, Word};
use crate::refusal::Refusal;
use crate::service::NewAccessKey;

fn document(key: &model::AccessKey) -> AccessKey {
    let preset = match key.policy.as_str() {
        ram::FULL_ACCESS => Some(PolicyPreset::Full),
        ram::READ_ONLY => Some(PolicyPreset::ReadOnly),
        _ => None,
    };
    AccessKey {
        id: key.id.clone(),
        account: key.account.to_string(),
        status: key.status.into(),
        label: key.label.clone(),
        preset,
        // It was read before it was recorded.
        policy: serde_json::from_str(&key.policy).unwrap_or_default(),
        created: key.created,
        last_used: key.last_used,
    }
}

/// Create an access key
///
/// The answer has its secret, this once; it is kept sealed.
#[utoipa::path(
    post, path = "/v1/access-keys", tag = "access keys", operation_id = "create_access_key",
    request_body = CreateAccessKey,
    responses((status = 201, description = "The access key", body = CreatedAccessKey)),
)]
pub(super) async fn create(
    State(edge): State<Edge>,
    caller: Allowed<Admin>,
    Query(NoQuery): Query<NoQuery>,
    Body(asked): Body<CreateAccessKey>,
) -> Result<Response, Refusal> {
    check_label(&asked.label)?;
    let policy = policy(&asked)?;
    let (id, secret) = new_access_key().map_err(|_| {
        tracing::error!("the system gave no random bytes");
        Refusal::new(ProblemKind::Internal)
    })?;
    let account = asked.account.unwrap_or_else(|| caller.account.clone());
    let new = NewAccessKey { id, account, secret: secret.clone(), policy, label: asked.label };
    let key = edge.service().create_access_key(new).await?;
    let created = CreatedAccessKey { key: document(&key), secret: secret.expose_secret().to_owned() };
    let no_store = [(CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((StatusCode::CREATED, no_store, Json(created)).into_response())
}

/// What it may do, as a document that can be read.
fn policy(asked: &CreateAccessKey) -> Result<String, Refusal> {
    let refused = |detail: String| Refusal::new(ProblemKind::InvalidField).detail(detail).field("policy");
    match (&asked.policy, asked.preset) {
        (Some(_), Some(_)) => Err(refused("failed to take `policy`: `preset` is there as well".to_owned())),
        (None, preset) => Ok(match preset.unwrap_or_default() {
            PolicyPreset::Full => ram::FULL_ACCESS.to_owned(),
            PolicyPreset::ReadOnly => ram::READ_ONLY.to_owned(),
        }),
        (Some(policy), None) => {
            let text = policy.to_string();
            Policy::from_json(&text).map_err(|error| refused(engine::chain(&error)))?;
            Ok(text)
        }
    }
}

/// List access keys
///
/// Every access key, or those of one account, in order of creation; disabled ones as well.
#[utoipa::path(
    get, path = "/v1/access-keys", tag = "access keys", operation_id = "list_access_keys",
    params(("account" = Option<String>, Query, description = "Only those of this account")),
    responses((status = 200, description = "The access keys", body = AccessKeyList)),
)]
pub(super) async fn list(
    State(edge): State<Edge>,
    _: Allowed<Admin>,
    Query(Whose(account)): Query<Whose>,
) -> Result<Json<AccessKeyList>, Refusal> {
    let keys = edge.service().access_keys(account.as_ref()).await?;
    Ok(Json(AccessKeyList { items: keys.iter().map(document).collect() }))
}

/// Enable or disable an access key
///
/// What a disabled one signs is refused from now on.
#[utoipa::path(
    patch, path = "/v1/access-keys/{key}", tag = "access keys", operation_id = "update_access_key",
    request_body = UpdateAccessKey,
    params(("key" = String, Path, description = "Its id")),
    responses((status = 200, description = "The access key as it is now", body = AccessKey)),
)]
pub(super) async fn update(
    State(edge): State<Edge>,
    _: Allowed<Admin>,
    Word(word): Word,
    Query(NoQuery): Query<NoQuery>,
    Body(asked): Body<UpdateAccessKey>,
) -> Result<Json<AccessKey>, Refusal> {
    let key = edge.service().set_access_key_status(&meant(&word)?, asked.status.into()).await?;
    Ok(Json(document(&key)))
}

/// Delete an access key
///
/// It signs nothing from now on, and is forgotten.
#[utoipa::path(
    delete, path = "/v1/access-keys/{key}", tag = "access keys", operation_id = "delete_access_key",
    params(("key" = String, Path, description = "Its id")),
    responses((status = 200, description = "The access key as it was last", body = AccessKey)),
)]
pub(super) async fn delete(
    State(edge): State<Edge>,
    _: Allowed<Admin>,
    Word(word): Word,
    Query(NoQuery): Query<NoQuery>,
) -> Result<Json<AccessKey>, Refusal> {
    let key = edge.service().delete_access_key(&meant(&word)?).await?;
    Ok(Json(document(&key)))
}

/// What is no id names nothing that there is.
fn meant(word: &str) -> Result<AccessKeyId, Refusal> {
    word.parse().map_err(|_| {
        Refusal::new(ProblemKind::NotFound).detail(format!("failed to find the access key `{word}`"))
    })
}
